"""Reads one screen of an answer: which lists, how far, and where the screen begins in them.

The rules, and why they hold:

- The API filters by *start*. What still runs is therefore looked for in everything the API can see, and
  counted apart when it began before the window.
- The lists of what runs and of what ended are brought to one moment (`bot.reading.room_lists`), so that a
  task that ends meanwhile is neither missed nor counted twice.
- A row is shown only when nothing unread can stand in front of it (`bot.reading.merged`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.page import Cursor, Page
from bot.plural import count
from bot.query import Sort
from bot.query.typed_text import Mistake
from bot.query.values import check_room
from bot.reading.merged import Merged, Settled
from bot.reading.plan import PLANS
from bot.reading.room_lists import RoomLists
from bot.reading.sight import Span, look
from bot.reading.together import together
from bot.zegocloud.protocol import PAGE_SIZE, DescribeTasks, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.page import Question
    from bot.query import RecordingQuery
    from bot.reading.listing import Listing
    from bot.reading.scan import Scan

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
    lookup = look(question, asked_ms, scan.sight(asked_ms))
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
        self._merged = self._merge(await together(self._open_room(room) for room in rooms))

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
        await together(listing.read_all() for listing in self._merged.incomplete)

    async def _agree(self) -> None:
        await together(room.agree() for room in self._merged.rooms)

    async def _approach(self, begin: int) -> None:
        """For a deep screen, leave out the API pages in front of it where counting them is enough."""
        merged = self._merged
        if begin < 2 * PAGE_SIZE or not merged.counted:
            return
        incomplete = merged.incomplete
        if len(incomplete) > 1:
            short = [listing for listing in incomplete if listing.total <= RUNNING_READ_WHOLE]
            await together(listing.read_all() for listing in short)
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
                await together(listing.skip_less(back) for listing in merged.lists if listing.rows_skipped)
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
