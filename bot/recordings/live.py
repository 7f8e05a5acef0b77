"""Reads one screen of an answer from the vendor: which lists, how far, and by whose clock.

The rules, and why they hold:

- The API filters by *start*. What still runs is therefore looked for in everything the API can see, and
  counted apart when it began before the window.
- The lists of what runs and of what ended are brought to one moment (`bot.recordings.listing`), so that a
  task that ends meanwhile is neither missed nor counted twice.
- A row is shown only when nothing unread can stand in front of it (`bot.recordings.merging`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.concurrency import gather
from bot.errors import InvalidParameterError, QueryError
from bot.models import API_HISTORY_MS
from bot.plain_text import count
from bot.query.terms import Sort, check_room
from bot.query.tokenizer import Mistake
from bot.recordings.listing import Listing, RoomLists
from bot.recordings.merging import Merged, Settled
from bot.recordings.page import Cursor, Elsewhere, Page
from bot.recordings.window import (
    MARGIN_MS,
    PLANS,
    Span,
    VisibleRange,
    requested_range,
    skew_note,
    visible_range,
)
from bot.zegocloud.protocol import PAGE_SIZE, DescribeTasks, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from bot.clock import Clock
    from bot.query.terms import RecordingQuery
    from bot.recordings.page import Question
    from bot.zegocloud.client import ZegoClient
    from bot.zegocloud.in_flight import Asking


@dataclass(slots=True)
class Scan:
    """What one reading needs.

    Attributes:
        zego: the vendor's API.
        asking: who waits, and how long.
        now_ms: our clock when the reading began (Unix ms).
        skew_ms: the vendor's clock minus ours; None while unknown.
        not_before_ms: answers taken before this (Unix ms) are not good enough.
        progress: told rows read and rows in all of the lists that have to be read whole.
        slow_ms: how much longer than usual it may take, as far as the vendor's 3 days are concerned.
    """

    zego: ZegoClient
    asking: Asking
    now_ms: int
    skew_ms: int | None = None
    not_before_ms: int = 0
    progress: Callable[[int, int], None] | None = None
    slow_ms: int = 0
    _made: dict[DescribeTasks, tuple[int, int]] = field(default_factory=dict)

    def visible_range(self, asked_ms: int) -> VisibleRange:
        """What can be seen by a question of this moment (Unix ms)."""
        return visible_range(asked_ms, self.now_ms + self.slow_ms, self.skew_ms)

    def listing(self, request: DescribeTasks, *, newest_first: bool) -> Listing:
        """A list to read; its progress is added to that of the scan's other lists."""

        def progress(read: int, total: int) -> None:
            self._made[request] = (read, total)
            if self.progress:
                self.progress(
                    sum(read for read, _ in self._made.values()),
                    sum(total for _, total in self._made.values()),
                )

        return Listing(
            self.zego,
            request,
            self.asking,
            newest_first=newest_first,
            not_before_ms=self.not_before_ms,
            progress=progress,
        )


RUNNING_READ_WHOLE = 500
"""Up to so many running recordings are read in one go (the vendor allows 200 at once by default)."""

CHUNKS_READ_AHEAD = 10
"""How many API pages are read at once in the hope that they are enough, before all are."""


async def read_screen(scan: Scan, question: Question, *, everything: bool = False) -> Page:
    """Read one screen of the answer, or all of it.

    Raises:
        QueryError: the window means nothing at the moment it is asked for, or no room can have such an ID.
        ZegoError, TooLateError: the vendor did not answer.
    """
    _check_rooms(question.query.rooms)
    asked_ms = question.asked_ms if question.asked_ms is not None else scan.now_ms
    lookup = requested_range(question, asked_ms, scan.visible_range(asked_ms))
    if everything:
        question = replace(question, query=replace(question.query, page=1), cursor=None)
    page = Page(
        question=question,
        window=lookup.window,
        recordings=(),
        first=0,
        total=0,
        exact=True,
        newer=None,
        older=None,
        as_of_ms=scan.now_ms,
        notes=lookup.window.notes,
        sees_back_to_ms=lookup.sees_back_to_ms,
    )
    if lookup.span is None:
        return page
    reading = _Reading(scan, question, lookup.span, lookup.everything)
    await reading.open()
    return await reading.page(page, everything=everything)


def _check_rooms(rooms: Iterable[str]) -> None:
    """An impossible room must never come out as "none", wherever the question comes from."""
    try:
        for room in rooms:
            check_room(room)
    except Mistake as mistake:
        raise QueryError(mistake.problem) from None


class _Reading:
    """The lists of one question, read as far as its screen needs."""

    def __init__(self, scan: Scan, question: Question, span: Span, everything: Span) -> None:
        self._scan = scan
        self._query: RecordingQuery = question.query
        self._cursor = question.cursor
        self._span = span
        self._everything = everything
        self._plan = PLANS[question.query.status]
        self._newest_first = question.query.sort == Sort.NEWEST
        self._merged = self._merge(())
        self._counted_before = 0

    async def open(self) -> None:
        """Read the beginning of every list."""
        rooms: tuple[str | None, ...] = self._query.rooms or (None,)
        self._merged = self._merge(await gather(self._open_room(room) for room in rooms))

    async def page(self, page: Page, *, everything: bool) -> Page:
        """Read what the screen needs and cut it out; a page behind the last one becomes the last one."""
        merged, size, asked = self._merged, self._query.size, self._query.page
        if everything:
            await self._complete()
            await self._agree()
            size = max(1, len(merged.rows()))
        number = asked
        if merged.counted and not self._cursor:
            number = min(number, max(1, -(-merged.most // size)))
        await self._approach((number - 1) * size)
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
        ended = self._listing(TaskFilter.ENDED, room, self._span)
        await ended.open()
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
        listing = self._listing(TaskFilter.ONGOING, room, self._everything if everything else self._span)
        await listing.open()
        if not plan.everything_running and everything:
            if listing.complete:
                return listing
            listing = self._listing(TaskFilter.ONGOING, room, self._span)
            await listing.open()
        few = plan.everything_running and listing.total <= RUNNING_READ_WHOLE
        if plan.filtered or plan.running_judged or few:
            await listing.read_all()
            return listing
        if plan.everything_running:
            # So many are no short list: they are read for the window alone, and those before it counted.
            self._counted_before += await self._count_before(room)
            listing = self._listing(TaskFilter.ONGOING, room, self._span)
            await listing.open()
        await listing.probe()
        return listing

    async def _count_before(self, room: str | None) -> int:
        before = Span(self._everything.start_ms, self._span.start_ms - 1)
        if before.start_ms >= before.end_ms:
            return 0
        listing = self._listing(TaskFilter.ONGOING, room, before)
        await listing.open()
        return listing.total

    def _listing(self, kind: TaskFilter, room: str | None, span: Span) -> Listing:
        request = DescribeTasks(kind, span.start_ms, span.end_ms, room)
        return self._scan.listing(request, newest_first=self._newest_first)

    def _merge(self, rooms: Sequence[RoomLists]) -> Merged:
        return Merged(rooms, self._plan, self._span, newest_first=self._newest_first)

    async def _complete(self) -> None:
        await gather(listing.read_all() for listing in self._merged.incomplete)

    async def _agree(self) -> None:
        await gather(room.agree() for room in self._merged.rooms)

    async def _approach(self, begin: int) -> None:
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
                return settled, at if at < len(settled.rows) else _last_screen(settled, size)
            elif len(settled.rows) > at + size:
                return settled, at
            elif ahead > CHUNKS_READ_AHEAD:
                await self._complete()
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
        before = sum(1 for row in settled.rows if self._merged.in_front(row.order, cursor.order))
        if not cursor.forward:
            return before - size if offset else max(0, before - size)
        if offset and not before:
            return -1
        return before + any(row.order == cursor.order for row in settled.rows)


def _last_screen(settled: Settled, size: int) -> int:
    """Index among the settled rows at which the last screen of all begins."""
    in_all = settled.offset + len(settled.rows)
    return max(0, (max(0, in_all - 1) // size) * size - settled.offset)


READINGS = 3
"""How often an answer is read in all when the vendor's clock turns out to be elsewhere than assumed."""

SKEW_TOLERANCE_SECONDS = 2.0
"""Clocks that differ by less count as equal: the vendor's Date header has whole seconds only."""


class Reader:
    """Reads screens, and learns where the vendor's clock is.

    Args:
        zego: the vendor's API.
        clock: ours.
    """

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
        asking: Asking,
        progress: Callable[[int, int], None] | None = None,
        *,
        everything: bool = False,
    ) -> Page:
        """Read a screen, or all; again where the vendor's clock turns out to be elsewhere than assumed.

        Args:
            question: with its moment.
            asking: who waits, and how long.
            progress: told rows read and rows in all while a long list is read.
            everything: every row, on one page.

        Raises:
            QueryError: the window means nothing at the moment it is asked for.
            ZegoError, TooLateError: the vendor did not answer.
        """
        await self._learn_skew(question, asking)
        began_ms, slow_ms, readings = self._now_ms(), 0, 0
        while True:
            scan = replace(self._scan(question, asking, progress), slow_ms=slow_ms)
            readings += 1
            try:
                page = await read_screen(scan, question, everything=everything)
            except InvalidParameterError:
                slow_ms = 2 * (self._now_ms() - began_ms)
                outlasted = slow_ms > MARGIN_MS  # the vendor's 3 days went on while it was read
                moved = self.skew_ms != scan.skew_ms
                if readings == READINGS or not (outlasted or moved):
                    raise
            else:
                if readings == READINGS or not self._assumed_wrongly(question, scan):
                    return self._with_skew(page)

    def _with_skew(self, page: Page) -> Page:
        """Say on an answer where the vendor's clock was."""
        skew_ms = self.skew_ms or 0
        note = skew_note(skew_ms)
        return replace(page, skew_ms=skew_ms, notes=(*page.notes, note) if note else page.notes)

    def _assumed_wrongly(self, question: Question, scan: Scan) -> bool:
        """Whether it would look elsewhere, with what is known of the vendor's clock by now."""
        seen = replace(scan, skew_ms=self.skew_ms)
        return self._looks_at(question, seen) != self._looks_at(question, scan)

    async def _learn_skew(self, question: Question, asking: Asking) -> None:
        """See the vendor's clock before the first question that reaches back as far as the API can see."""
        scan = self._scan(question, asking)
        if scan.skew_ms is None and self._looks_at(question, scan) != self._looks_at(
            question, replace(scan, skew_ms=0)
        ):
            hour_ago_ms = scan.now_ms - 3_600_000
            await self._zego.list_tasks(DescribeTasks(TaskFilter.ONGOING, hour_ago_ms, scan.now_ms), asking)

    def _looks_at(self, question: Question, scan: Scan) -> Hashable:
        """The stretches of time that a scan asks for."""
        lookup = requested_range(question, question.asked_ms or 0, scan.visible_range(question.asked_ms or 0))
        return lookup.span, PLANS[question.query.status].everything_running and lookup.everything

    def _scan(
        self, question: Question, asking: Asking, progress: Callable[[int, int], None] | None = None
    ) -> Scan:
        now_ms = self._now_ms()
        return Scan(
            zego=self._zego,
            asking=asking,
            now_ms=now_ms,
            skew_ms=self.skew_ms,
            not_before_ms=now_ms if question.refresh else 0,
            progress=progress,
        )

    async def read_newest(self, question: Question, asking: Asking) -> None:
        """Have the first page of both lists sent, and kept, in two calls: nothing is made of them.

        Raises:
            ZegoError, TooLateError: the vendor did not answer.
        """
        scan = self._scan(question, asking)
        asked_ms = question.asked_ms if question.asked_ms is not None else scan.now_ms
        span = requested_range(question, asked_ms, scan.visible_range(asked_ms)).everything
        lists = (DescribeTasks(kind, span.start_ms, span.end_ms) for kind in TaskFilter)
        await gather(self._zego.list_tasks(request, asking) for request in lists)

    async def look_elsewhere(self, page: Page, asking: Asking) -> Page:
        """Look for the same in everything the API can see now, for an answer that found nothing."""
        return await _read_elsewhere(self._scan(page.question, asking), page)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


async def _read_elsewhere(scan: Scan, page: Page) -> Page:
    """The page as it is where that would see no more."""
    query = replace(
        page.question.query,
        last_seconds=API_HISTORY_MS // 1000,
        start=None,
        end=None,
        page=1,
        sort=Sort.NEWEST,
    )
    asked_ms = page.question.asked_ms if page.question.asked_ms is not None else scan.now_ms
    now_ms = scan.visible_range(
        asked_ms
    ).now_ms  # a button may be days old; equal questions still share the calls
    question = replace(page.question, query=query, cursor=None, asked_ms=now_ms)
    window = requested_range(question, now_ms, scan.visible_range(now_ms)).window
    if window.start_ms >= page.window.start_ms and window.end_ms <= page.window.end_ms:
        return page
    wide = await read_screen(scan, question)
    if not wide.total and not wide.exact:
        return page
    latest = wide.recordings[0] if wide.recordings else None
    return replace(page, elsewhere=Elsewhere(wide.total, wide.exact, latest, now_ms))
