"""Reads one screen of an answer from the vendor: which lists, how far, and by whose clock.

The rules, and why they hold:

- The API filters by *start*. What still runs is therefore looked for in everything the API can see, and
  counted apart when it began before the window.
- The lists of what runs and of what ended are brought to one moment (`bot.recordings.listing`), so that a
  task that ends meanwhile is neither missed nor counted twice.
- A row is shown only when nothing unread can stand in front of it.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.concurrency import gather
from bot.errors import InvalidParameterError, QueryError
from bot.models import API_HISTORY_MS, RUNNING
from bot.plain_text import count
from bot.query.terms import Sort, check_room
from bot.query.tokenizer import Mistake
from bot.recordings.listing import Listing, ReadContext, RoomLists
from bot.recordings.page import Cursor, Elsewhere, Page
from bot.recordings.status_lists import PLANS
from bot.recordings.window import (
    MARGIN_MS,
    RequestedRange,
    Span,
    VisibleRange,
    requested_range,
    skew_note,
    visible_range,
)
from bot.zegocloud.protocol import PAGE_SIZE, DescribeTasks, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from bot.clock import Clock
    from bot.concurrency import Progress
    from bot.models import Recording, Unreadable
    from bot.recordings.page import Question
    from bot.recordings.status_lists import Plan
    from bot.zegocloud.client import ZegoClient
    from bot.zegocloud.limiter import Priority

READINGS = 3
"""How often an answer is read in all when the vendor's clock turns out to be elsewhere than assumed."""

SKEW_TOLERANCE_SECONDS = 2.0
"""Clocks that differ by less count as equal: the vendor's Date header has whole seconds only."""


class Reader:
    """Reads screens, and learns where the vendor's clock is."""

    def __init__(self, zego: ZegoClient, clock: Clock) -> None:
        self._zego = zego
        self._clock = clock
        self._skew_seconds: float | None = None

    @property
    def skew_ms(self) -> int | None:
        """The vendor's clock minus ours, which stays the same while the measure only wavers."""
        measured = self._zego.skew_seconds
        if measured is None:
            return None
        known = self._skew_seconds or 0.0
        if abs(measured - known) > SKEW_TOLERANCE_SECONDS:
            known = measured
        self._skew_seconds = known
        return int(known * 1000)

    async def read(
        self,
        question: Question,
        priority: Priority,
        progress: Progress | None = None,
        *,
        everything: bool = False,
    ) -> Page:
        """Read a screen, or all; again where the vendor's clock turns out to be elsewhere than assumed.

        Args:
            question: with its moment.
            priority: who waits, and how long.
            progress: told rows read and rows in all while a long list is read.
            everything: every row, on one page.

        Raises:
            QueryError: the window means nothing at the moment it is asked for.
            ZegoError, TooLateError: the vendor did not answer.
        """
        context = self._context(question, priority)
        if context.skew_ms is None and _depends_on_skew(question, context):
            await self._zego.probe(priority)
        began_ms, slow_ms, readings = self._now_ms(), 0, 0
        while True:
            context = replace(self._context(question, priority), progress=progress, slow_ms=slow_ms)
            readings += 1
            try:
                page = await read_screen(context, question, everything=everything)
            except InvalidParameterError:
                slow_ms = 2 * (self._now_ms() - began_ms)
                outlasted = slow_ms > MARGIN_MS  # the vendor's 3 days went on while it was read
                if readings == READINGS or not (outlasted or self.skew_ms != context.skew_ms):
                    raise
            else:
                seen = replace(context, skew_ms=self.skew_ms)
                if readings == READINGS or _spans(question, seen) == _spans(question, context):
                    skew_ms = self.skew_ms or 0
                    note = skew_note(skew_ms)
                    return replace(page, skew_ms=skew_ms, notes=(*page.notes, note) if note else page.notes)

    async def read_newest(self, question: Question, priority: Priority) -> None:
        """Have the first page of both lists sent, and kept, in two calls: nothing is made of them.

        Raises:
            ZegoError, TooLateError: the vendor did not answer.
        """
        span = _range_of(question, self._context(question, priority)).everything
        lists = (DescribeTasks(kind, span.start_ms, span.end_ms) for kind in TaskFilter)
        await gather(self._zego.ask(request, priority) for request in lists)

    async def look_elsewhere(self, page: Page, priority: Priority) -> Page:
        """Look for the same in everything the API can see now, for an answer that found nothing.

        The page comes back as it is where that would see no more.
        """
        context = self._context(page.question, priority)
        query = replace(
            page.question.query,
            last_seconds=API_HISTORY_MS // 1000,
            start=None,
            end=None,
            page=1,
            sort=Sort.NEWEST,
        )
        # A button may be days old; equal questions still share the calls.
        now_ms = _sees(page.question, context).now_ms
        question = replace(page.question, query=query, cursor=None, asked_ms=now_ms)
        window = _range_of(question, context).window
        if window.start_ms >= page.window.start_ms and window.end_ms <= page.window.end_ms:
            return page
        wide = await read_screen(context, question)
        if not wide.total and not wide.exact:
            return page
        latest = wide.recordings[0] if wide.recordings else None
        return replace(page, elsewhere=Elsewhere(wide.total, wide.exact, latest, now_ms))

    def _context(self, question: Question, priority: Priority) -> ReadContext:
        now_ms = self._now_ms()
        not_before_ms = now_ms if question.refresh else 0
        return ReadContext(self._zego, priority, now_ms, self.skew_ms, not_before_ms)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _sees(question: Question, context: ReadContext) -> VisibleRange:
    asked_ms = question.asked_ms or context.now_ms
    return visible_range(asked_ms, context.now_ms + context.slow_ms, context.skew_ms)


def _range_of(question: Question, context: ReadContext) -> RequestedRange:
    return requested_range(question, question.asked_ms or context.now_ms, _sees(question, context))


def _spans(question: Question, context: ReadContext) -> Hashable:
    """The stretches of time that a reading asks for."""
    ranges = _range_of(question, context)
    return ranges.span, PLANS[question.query.status].everything_running and ranges.everything


def _depends_on_skew(question: Question, context: ReadContext) -> bool:
    """Whether a question reaches back as far as the API can see."""
    return _spans(question, context) != _spans(question, replace(context, skew_ms=0))


async def read_screen(context: ReadContext, question: Question, *, everything: bool = False) -> Page:
    """Read one screen of the answer, or all of it.

    Raises:
        QueryError: the window means nothing at the moment it is asked for, or no room can have such an ID.
        ZegoError, TooLateError: the vendor did not answer.
    """
    try:  # wherever the question comes from: an impossible room must never come out as "none"
        for room in question.query.rooms:
            check_room(room)
    except Mistake as mistake:
        raise QueryError(mistake.problem) from None
    ranges = _range_of(question, context)
    if everything:
        question = replace(question, query=replace(question.query, page=1), cursor=None)
    page = Page(
        question=question,
        window=ranges.window,
        recordings=(),
        first=0,
        total=0,
        exact=True,
        newer=None,
        older=None,
        as_of_ms=context.now_ms,
        notes=ranges.window.notes,
        sees_back_to_ms=ranges.sees_back_to_ms,
    )
    if ranges.span is None:
        return page
    reading = _Reading(context, question, ranges.span, ranges.everything)
    await reading.open()
    return await reading.page(page, everything=everything)


RUNNING_READ_WHOLE = 500
"""Up to so many running recordings are read in one go (the vendor allows 200 at once by default)."""

CHUNKS_READ_AHEAD = 10
"""How many API pages are read at once in the hope that they are enough, before all are."""


class _Reading:
    """The lists of one question, read as far as its screen needs."""

    def __init__(self, context: ReadContext, question: Question, span: Span, everything: Span) -> None:
        self._context = context
        self._query = question.query
        self._cursor = question.cursor
        self._span = span
        self._everything = everything
        self._plan = PLANS[question.query.status]
        self._newest_first = question.query.sort == Sort.NEWEST
        self._merged: Merged
        self._counted_before = 0

    async def open(self) -> None:
        """Read the beginning of every list."""
        rooms = await gather(self._open_room(room) for room in self._query.rooms or (None,))
        self._merged = Merged(rooms, self._plan, self._span, newest_first=self._newest_first)

    async def page(self, page: Page, *, everything: bool) -> Page:
        """Read what the screen needs and cut it out; a page behind the last one becomes the last one."""
        merged, size, asked = self._merged, self._query.size, self._query.page
        if everything:
            await self._read_all()
            await self._agree()
            size = max(1, len(merged.rows()))
        number = asked
        if merged.counted and not self._cursor:
            number = min(number, max(1, -(-merged.most // size)))
        await self._skip_to((number - 1) * size)
        settled, at = await self._read((number - 1) * size, size)
        screen, first = settled.rows[at : at + size], settled.offset + at
        number = first // size + 1
        notes = page.notes
        if number != asked and screen and not self._cursor:
            notes = (*notes, f"There is no page {asked}; this is the last one.")
        if unreadable := merged.unreadable:
            notes = (*notes, f"{count(len(unreadable), 'recording')} could not be read and may be missing.")
        total, exact = merged.total(settled)
        before = merged.running_before() if self._plan.everything_running else []
        more = at + size < len(settled.rows)
        return replace(
            page,
            question=replace(page.question, query=replace(self._query, page=number)),
            notes=notes,
            recordings=tuple(screen),
            first=first,
            total=max(total, first + len(screen)),
            exact=exact,
            unreadable=unreadable,
            newer=Cursor(*screen[0].order, forward=False) if first and screen else None,
            older=Cursor(*screen[-1].order, forward=True) if more else None,
            running_before=len(before) + self._counted_before,
            before_exact=merged.running_steady,
            running=merged.running(self._everything),
            begun_before=tuple(before) if self._plan.running_judged else (),
            as_of_ms=merged.as_of_ms or page.as_of_ms,
        )

    async def _open_room(self, room: str | None) -> RoomLists:
        running = await self._open_running(room) if self._plan.running else None
        if not self._plan.ended:
            return RoomLists(running, None)
        ended = await self._open_list(TaskFilter.ENDED, room, self._span)
        lists = RoomLists(running, ended)
        await lists.agree()
        await ended.probe()
        if self._plan.filtered and not ended.complete:
            await ended.advance(CHUNKS_READ_AHEAD - 1)
        await lists.agree()
        return lists

    async def _open_running(self, room: str | None) -> Listing:
        plan = self._plan
        # One room's is one page, so that its rows can be judged by all that runs there at no further call.
        everything = plan.everything_running or room is not None
        span = self._everything if everything else self._span
        listing = await self._open_list(TaskFilter.ONGOING, room, span)
        if not plan.everything_running and everything:
            if listing.complete:
                return listing
            listing = await self._open_list(TaskFilter.ONGOING, room, self._span)
        few = plan.everything_running and listing.total <= RUNNING_READ_WHOLE
        if plan.filtered or plan.running_judged or few:
            await listing.read_all()
            return listing
        if plan.everything_running:
            # So many are no short list: they are read for the window alone, and those before it counted.
            before = Span(self._everything.start_ms, self._span.start_ms - 1)
            if before.start_ms < before.end_ms:
                self._counted_before += (await self._open_list(TaskFilter.ONGOING, room, before)).total
            listing = await self._open_list(TaskFilter.ONGOING, room, self._span)
        await listing.probe()
        return listing

    async def _open_list(self, kind: TaskFilter, room: str | None, span: Span) -> Listing:
        request = DescribeTasks(kind, span.start_ms, span.end_ms, room)
        listing = Listing(self._context, request, newest_first=self._newest_first)
        await listing.open()
        return listing

    async def _read_all(self) -> None:
        await gather(listing.read_all() for listing in self._merged.incomplete)

    async def _agree(self) -> None:
        await gather(room.agree() for room in self._merged.rooms)

    async def _skip_to(self, begin: int) -> None:
        """For a deep screen, leave out the API pages in front of it where counting them is enough."""
        merged = self._merged
        if begin < 2 * PAGE_SIZE or not merged.counted:
            return
        incomplete = merged.incomplete
        if len(incomplete) > 1:
            short = [listing for listing in incomplete if listing.total <= RUNNING_READ_WHOLE]
            await gather(listing.read_all() for listing in short)
            incomplete = merged.incomplete
        if len(incomplete) == 1:
            others = sum(listing.total for listing in merged.lists if listing.complete)
            chunk = min((begin - others - 1) // PAGE_SIZE, incomplete[0].page_count - 2)
            if chunk > 0:
                await incomplete[0].skip_to(chunk)
        await self._agree()

    async def _read(self, begin: int, size: int) -> tuple[Settled, int]:
        """Read until the screen is settled; returns at which of the settled rows it begins, too."""
        merged = self._merged
        back = ahead = 1
        while True:
            settled = merged.settled()
            at = self._beginning(settled, begin, size)
            if at < 0:  # the list moved further than the rows that were left out
                await gather(listing.skip_less(back) for listing in merged.lists if listing.rows_skipped)
                back *= 2
            elif not merged.partial:
                last = max(0, (max(0, settled.count - 1) // size) * size - settled.offset)
                return settled, at if at < len(settled.rows) else last
            elif len(settled.rows) > at + size:
                return settled, at
            elif ahead > CHUNKS_READ_AHEAD:
                await self._read_all()
            else:
                await merged.blocking().advance(ahead)
                ahead *= 2
            await self._agree()

    def _beginning(self, settled: Settled, begin: int, size: int) -> int:
        """Index among the settled rows at which the screen begins: beside the cursor's row, else by number.

        Negative when it begins among the rows in front of these that were left out.
        """
        cursor, offset = self._cursor, settled.offset
        if cursor is None:
            return begin - offset
        in_front = operator.gt if self._newest_first else operator.lt
        before: int = sum(in_front(row.order, cursor.order) for row in settled.rows)
        if not cursor.forward:
            return before - size if offset else max(0, before - size)
        if offset and not before:
            return -1
        return before + any(row.order == cursor.order for row in settled.rows)


_by_order = operator.attrgetter("order")


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows in the asked order in front of which nothing unread can stand, and how many were left out."""

    rows: list[Recording]
    offset: int

    @property
    def count(self) -> int:
        """How many rows, with those that were left out."""
        return self.offset + len(self.rows)


class Merged:
    """The lists as far as they were read: rows in order, each task once, and how many there are.

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
            return settled.count, exact
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
