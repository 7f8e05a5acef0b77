"""What the lists of one question come to: rows in order, each once, and how many there are (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from bot.models import RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.models import Recording, Unreadable
    from bot.recordings.listing import Listing, RoomLists
    from bot.recordings.window import Plan, Span


_by_order = attrgetter("began_ms", "task_id")


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows in the asked order in front of which nothing unread can stand, and how many were left out."""

    rows: list[Recording]
    offset: int


class Merged:
    """The lists as far as they were read.

    A row is settled only when nothing unread can stand in front of it: rows that start at the same
    millisecond, or in another list, are waited for. So a row has one place, however much was read to find it.

    Args:
        rooms: the lists of each room asked for.
        plan: which rows belong.
        span: when they began.
        newest_first: the asked order.
    """

    def __init__(self, rooms: Sequence[RoomLists], plan: Plan, span: Span, *, newest_first: bool) -> None:
        self.rooms = rooms
        self.lists: list[Listing] = [listing for room in rooms for listing in room.lists]
        self._plan = plan
        self._span = span
        self._newest_first = newest_first

    @property
    def partial(self) -> list[Listing]:
        """Lists with rows behind those that were read."""
        return [listing for listing in self.lists if listing.frontier_ms is not None]

    @property
    def incomplete(self) -> list[Listing]:
        """Lists with any row that was not read."""
        return [listing for listing in self.lists if not listing.complete]

    @property
    def as_of_ms(self) -> int:
        """When the oldest part was taken (Unix ms); 0 where there is none."""
        return min((listing.earliest_ms for listing in self.lists), default=0)

    @property
    def counted(self) -> bool:
        """Whether the vendor's counts are the answer's, as far as the rows read tell."""
        return not self._plan.filtered and all(
            listing.complete or all(self._plan.keeps(row) for row in listing.every_row)
            for listing in self.lists
        )

    @property
    def most(self) -> int:
        """More rows than this there cannot be, where counts count."""
        return sum(listing.total for listing in self.lists)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The rows of these lists that could not be read, each once."""
        found = {row.identity: row for listing in self.lists for row in listing.unreadable.values()}
        if not found:
            return ()
        # One that ended meanwhile may be readable in the other list.
        read = {row.task_id for listing in self.lists for row in listing.every_row}
        return tuple(row for identity, row in found.items() if identity not in read)

    def blocking(self) -> Listing:
        """The partial list whose unread rows may stand before all others."""
        key = max if self._newest_first else min
        return key(self.partial, key=lambda listing: listing.frontier_ms or 0)

    def in_front(self, one: tuple[int, str], other: tuple[int, str]) -> bool:
        """Whether a row of order `one` stands in front of one of order `other`."""
        return one > other if self._newest_first else one < other

    def rows(self) -> list[Recording]:
        """Everything read that belongs, each task once, in the asked order."""
        inside = (row for row in self._latest().values() if self._belongs(row))
        return sorted(inside, key=_by_order, reverse=self._newest_first)

    def settled(self) -> Settled:
        """What of it can be shown, and how many rows stand in front of that."""
        rows = self.rows()
        offset = sum(listing.rows_skipped for listing in self.lists)
        uppers = [listing.upper_ms for listing in self.lists if listing.upper_ms is not None]
        if uppers:
            hidden = sum(1 for row in rows if not self._beyond(row.began_ms, uppers[0]))
            rows, offset = rows[hidden:], offset + hidden
        frontiers = [listing.frontier_ms for listing in self.lists if listing.frontier_ms is not None]
        if frontiers:
            frontier = (max if self._newest_first else min)(frontiers)
            rows = [row for row in rows if self._beyond(frontier, row.began_ms)]
        return Settled(rows, offset)

    def total(self, settled: Settled) -> tuple[int, bool]:
        """How many there are, and whether that is exact; else so many at least."""
        kept_still = all(listing.steady for listing in self.lists) and all(room.agreed for room in self.rooms)
        exact = kept_still and not self.unreadable
        if not self.incomplete:
            return len(settled.rows) + settled.offset, exact
        if not self.counted:
            return len(settled.rows), False
        counts = [[self._count(listing) for listing in room.lists] for room in self.rooms]
        if kept_still:
            return sum(map(sum, counts)), exact
        # What ended between two readings may be counted in both lists.
        return sum(map(max, counts)), False

    def running_before(self) -> list[Recording]:
        """Those read that still run and began before the span."""
        return [
            row
            for row in self._latest().values()
            if row.began_ms < self._span.start_ms and self._plan.keeps(row) and row.status in RUNNING
        ]

    @property
    def running_steady(self) -> bool:
        """Whether no row of what runs may have been missed: changed too often, or not to be read."""
        return all(
            room.running is None or (room.running.steady and not room.running.unreadable)
            for room in self.rooms
        )

    def running(self, everything: Span) -> tuple[Recording, ...] | None:
        """All that runs in these rooms, whenever it began; None where that was not read whole."""
        for room in self.rooms:
            listing = room.running
            if listing is None or listing.unreadable or not (listing.complete and listing.steady):
                return None
            request = listing.request
            if request.start_ms > everything.start_ms or request.end_ms < everything.end_ms:
                return None
        return tuple(row for row in self._latest().values() if row.status in RUNNING)

    def _latest(self) -> dict[str, Recording]:
        """Each task with its newest status; of two equally new ones the list read later wins."""
        latest: dict[str, tuple[int, Recording]] = {}
        for listing in self.lists:
            for row, as_of_ms in listing.rows:
                known = latest.get(row.task_id)
                if known is None or known[0] <= as_of_ms:
                    latest[row.task_id] = (as_of_ms, row)
        return {task_id: row for task_id, (_, row) in latest.items()}

    def _beyond(self, later_ms: int, earlier_ms: int) -> bool:
        """Whether `later_ms` comes strictly after `earlier_ms` in the asked order."""
        return later_ms < earlier_ms if self._newest_first else later_ms > earlier_ms

    def _count(self, listing: Listing) -> int:
        if not listing.complete:
            return listing.total
        return sum(1 for row, _ in listing.rows if self._belongs(row))

    def _belongs(self, row: Recording) -> bool:
        return self._plan.keeps(row) and row.began_ms in self._span
