"""Room IDs seen in answers lately: for examples that mean something here, and for IDs that were mistyped."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from os.path import commonprefix
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ROOMS_KEPT = 1_000
SIMILAR_CHARACTERS = 2
"""Up to so many characters side by side may differ in an ID that was meant: one mistyped, or two swapped."""


class RoomsSeen:
    """The rooms of the latest answers, the latest last."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rooms)

    def remember(self, rooms: Iterable[str]) -> None:
        """Note that these were seen just now; the longest unseen ones are forgotten."""
        for room in rooms:
            self._rooms[room] = None
            self._rooms.move_to_end(room)
        while len(self._rooms) > ROOMS_KEPT:
            self._rooms.popitem(last=False)

    def lately(self, most: int) -> list[str]:
        """The latest first."""
        return list(islice(reversed(self._rooms), most))

    def similar(self, rooms: Collection[str], most: int) -> tuple[str, ...]:
        """Others whose IDs may have been meant by `rooms`, the most similar first."""
        found = {
            seen: differing
            for room in rooms
            for seen in reversed(self._rooms)
            if seen not in rooms and (differing := _differing(room, seen)) <= SIMILAR_CHARACTERS
        }
        return tuple(sorted(found, key=found.__getitem__)[:most])


def _differing(one: str, other: str) -> int:
    """How many characters two IDs have between what they begin and end with alike, many if that is little."""
    many = SIMILAR_CHARACTERS + 1
    if abs(len(one) - len(other)) > SIMILAR_CHARACTERS:
        return many
    one, other = one.casefold(), other.casefold()
    shorter, longest = min(len(one), len(other)), max(len(one), len(other))
    begin = len(commonprefix((one, other)))  # noqa: RUF071 - text, not paths
    end = min(len(commonprefix((one[::-1], other[::-1]))), shorter - begin)  # noqa: RUF071 - same
    between = longest - begin - end
    return between if between <= begin + end else many
