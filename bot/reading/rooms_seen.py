"""Room IDs the vendor sent lately: for examples that mean something here, and for mistyped IDs."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ROOMS_KEPT = 5_000
"""Of all rows that were read, shown or not. One room is compared with as many in 3 to 20 ms."""

ROOMS_COMPARED = 2
"""Of a question that names several: comparing takes time in which nobody else is answered."""

SIMILAR_CHARACTERS = 2
"""Up to so many characters side by side may differ in an ID that was meant: one mistyped, or two swapped."""


class RoomsSeen:
    """The rooms that were seen last, shown or not, the latest last."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, str] = OrderedDict()  # with each its form for comparing

    def __len__(self) -> int:
        return len(self._rooms)

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def remember(self, rooms: Iterable[str]) -> None:
        """Note that these were seen just now; the longest unseen ones are forgotten."""
        for room in rooms:
            if room in self._rooms:
                self._rooms.move_to_end(room)
            else:
                self._rooms[room] = room.casefold()
        while len(self._rooms) > ROOMS_KEPT:
            self._rooms.popitem(last=False)

    def lately(self, most: int) -> list[str]:
        """The latest first."""
        return list(islice(reversed(self._rooms), most))

    def similar(self, rooms: Collection[str], most: int) -> tuple[str, ...]:
        """Others whose IDs may have been meant by the first of `rooms`, the most similar first."""
        found = {
            seen: differing
            for meant in map(str.casefold, islice(rooms, ROOMS_COMPARED))
            for seen, folded in reversed(self._rooms.items())
            if (differing := _differing(meant, folded)) <= SIMILAR_CHARACTERS and seen not in rooms
        }
        return tuple(sorted(found, key=found.__getitem__)[:most])


def _differing(one: str, other: str) -> int:
    """How many characters two IDs have between what they begin and end with alike, many if that is little."""
    many = SIMILAR_CHARACTERS + 1
    shorter, longest = len(one), len(other)
    if shorter > longest:
        shorter, longest = longest, shorter
    if longest - shorter > SIMILAR_CHARACTERS:
        return many
    half = (longest - SIMILAR_CHARACTERS + 1) // 2  # alike must be at least this much of either end
    if half > 0 and one[:half] != other[:half] and one[-half:] != other[-half:]:
        return many
    begin = bisect_left(range(1, shorter + 1), True, key=lambda length: one[:length] != other[:length])
    end = bisect_left(
        range(1, shorter - begin + 1),
        True,
        key=lambda length: one[-length:] != other[-length:],
    )
    between = longest - begin - end
    return between if between <= begin + end else many
