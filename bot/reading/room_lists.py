"""The two lists of one room, what runs and what ended, brought to one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.reading.listing import Listing

TRIES = 3
"""How often the lists may change under the reading before they count as read apart."""


class RoomLists:
    """What runs and what ended in one room, or in all of them; either may not be asked for.

    A task that ends while the lists are read leaves one and enters the other. Read what runs first, and it is
    in both; read it last, and it is in neither. A list keeps still between two readings with equal counts, so
    the lists are of one moment as soon as the times for which each is known overlap.

    Attributes:
        agreed: whether they are of one moment, or what is in both is known to be.
    """

    def __init__(self, running: Listing | None, ended: Listing | None) -> None:
        self.agreed = True
        self._running = running
        self._ended = ended

    @property
    def running(self) -> Listing | None:
        """What runs."""
        return self._running

    @property
    def lists(self) -> list[Listing]:
        """Those that are asked for, what runs first: of a row in both, the second has the newer status."""
        return [listing for listing in (self._running, self._ended) if listing is not None]

    async def agree(self) -> None:
        """Look again at the one that was read too early, until both are of one moment."""
        running, ended = self._running, self._ended
        if running is None or ended is None:
            return
        for _ in range(TRIES):
            if ended.latest_ms < running.earliest_ms:
                await ended.look_again(running.earliest_ms)  # what ended since would be in neither
            elif self._may_count_twice(running, ended):
                await running.look_again(ended.earliest_ms)
            else:
                self.agreed = True
                return
        self.agreed = False

    def _may_count_twice(self, running: Listing, ended: Listing) -> bool:
        """Whether a row can be in both lists, one of them unread there."""
        if not running.total or running.latest_ms >= ended.earliest_ms:
            return False
        return not (running.complete and ended.complete)
