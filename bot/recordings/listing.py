"""Reads the vendor's lists: page by page, put right where they change meanwhile, brought to one moment.

What counts as proof: every page read has the same total and as many rows as that total means, those included
that cannot be read, and no row came twice. A list of a fixed window only grows (what ended) or only shrinks
(what runs), so an equal total at two moments means the same rows at both, and between them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from bot.concurrency import gather
from bot.zegocloud.limiter import Lane
from bot.zegocloud.protocol import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from bot.concurrency import Progress
    from bot.models import Recording, TaskPage, Unreadable
    from bot.zegocloud.client import ZegoClient
    from bot.zegocloud.limiter import Priority
    from bot.zegocloud.protocol import DescribeTasks


PAGES_AT_FIRST = 5
"""Pages of one question that go before background work, besides the first of each list. Behind a longer scan,
other people's questions would wait."""


@dataclass(slots=True)
class ReadContext:
    """What one reading of a question's lists needs.

    Attributes:
        zego: the vendor's API.
        priority: who waits, and how long.
        now_ms: our clock when the reading began (Unix ms).
        skew_ms: the vendor's clock minus ours; None while unknown.
        not_before_ms: answers taken before this (Unix ms) are not good enough.
        progress: called with rows read and rows in all, of the lists that have to be read whole.
        slow_ms: how much longer than usual it may take, as far as the vendor's 3 days are concerned.
    """

    zego: ZegoClient
    priority: Priority
    now_ms: int
    skew_ms: int | None = None
    not_before_ms: int = 0
    progress: Progress | None = None
    slow_ms: int = 0
    _pages: int = 0
    _read: dict[DescribeTasks, tuple[int, int]] = field(default_factory=dict)

    async def fetch(self, request: DescribeTasks, not_before_ms: int) -> TaskPage:
        """One page; of a long scan, behind everybody who waits."""
        self._pages += request.page > 1
        priority = self.priority
        if self._pages > PAGES_AT_FIRST:
            priority = replace(priority, lane=Lane.BACKGROUND, since=None)
        return await self.zego.ask(request, priority, not_before_ms=not_before_ms)

    def note_progress(self, request: DescribeTasks, read: int, total: int) -> None:
        """So many rows of a list are read; they are added to those of the other lists."""
        self._read[request] = (read, total)
        if self.progress:
            self.progress(*map(sum, zip(*self._read.values(), strict=True)))


NARROWEST_MS = 3
"""A stretch of time that is not halved any further: the API wants an end later than the start."""

_by_order = attrgetter("began_ms", "task_id")


class RecountedList:
    """Every row of a list, put right where the vendor counts otherwise: a few calls for each change.

    Reading the list again would take as long as the first time, and meet the next change. Instead the window
    is halved wherever the vendor's count is another, down to stretches that fit on one API page.

    Args:
        request: the list.
        fetch: asks for one page.
        pages: what was read, with rows missing, moved or out of date.
        most_calls: how many calls each recount may take.

    Attributes:
        rows: each row by task ID, with the moment (Unix ms) it was taken.
        unreadable: rows that cannot be read, by their identity. When they began is not known.
        steady: False where calls were used up, or the vendor's counts do not fit its rows.
        until_ms: until when the list is known: what changed later may be missing.
    """

    def __init__(
        self,
        request: DescribeTasks,
        fetch: Callable[[DescribeTasks], Awaitable[TaskPage]],
        pages: Iterable[TaskPage],
        most_calls: int,
    ) -> None:
        pages = tuple(pages)
        self.rows: dict[str, tuple[Recording, int]] = {
            row.task_id: (row, page.as_of_ms)
            for page in sorted(pages, key=lambda page: page.as_of_ms)
            for row in page.recordings
        }
        self.unreadable: dict[str, Unreadable] = {
            row.identity: row for page in pages for row in page.unreadable
        }
        self.steady = True
        self.until_ms = 0
        self._request = request
        self._fetch = fetch
        self._most_calls = most_calls
        self._calls_left = 0

    async def recount(self) -> None:
        """Compare with the vendor's counts as they are now, and read again what differs."""
        self.steady = True
        self._calls_left = self._most_calls
        known = sorted((row for row, _ in self.rows.values()), key=_by_order)
        begin_ms, end_ms = self._request.start_ms, self._request.end_ms
        self.until_ms = await self._stretch(begin_ms, end_ms, known, len(self.unreadable))

    async def _stretch(self, start_ms: int, end_ms: int, known: Sequence[Recording], unreadable: int) -> int:
        """Put one stretch right; returns when its rows were counted (Unix ms).

        Where in it the unreadable rows are is not known, so its halves are expected to have none. A half that
        does is read to the end; where as many rows have gone from it, those may stay.
        """
        self._calls_left -= 1
        page = await self._fetch(replace(self._request, start_ms=start_ms, end_ms=end_ms, page=1))
        if page.total <= PAGE_SIZE or page.row_count < PAGE_SIZE:
            self.steady &= page.total == page.row_count
            for row in known:
                del self.rows[row.task_id]
            self._take(page)
            return page.as_of_ms
        as_known = page.total == len(known) + unreadable
        as_known = as_known and all(row.task_id in self.rows for row in page.recordings)
        self._take(page)
        if as_known:
            return page.as_of_ms
        if end_ms - start_ms < NARROWEST_MS or self._calls_left <= 0:
            self.steady = False
            return page.as_of_ms
        middle_ms = known[len(known) // 2].began_ms if known else (start_ms + end_ms) // 2
        middle_ms = min(max(middle_ms, start_ms + 2), end_ms - 1)
        await gather(
            (
                self._stretch(start_ms, middle_ms - 1, [row for row in known if row.began_ms < middle_ms], 0),
                self._stretch(middle_ms, end_ms, [row for row in known if row.began_ms >= middle_ms], 0),
            )
        )
        return page.as_of_ms

    def _take(self, page: TaskPage) -> None:
        self.rows.update((row.task_id, (row, page.as_of_ms)) for row in page.recordings)
        self.unreadable.update((row.identity, row) for row in page.unreadable)


CALLS_AT_ONCE = 8
"""How many pages of a list are asked for at a time: as many as can be on their way within the vendor's limit.
So the limiter never idles, and whoever comes next waits for few."""

RESTARTS = 2
"""How often a list that changes while it is read is read again before its total is called inexact."""

PAGES_READ_AGAIN = 8
"""A whole list of more pages is not read again when it changed: the difference is found by counting."""


class Listing:
    """One list of DescribeTasks (filter, room, window).

    Chunks are the API's pages in the direction of reading: chunk 0 is the first page when the newest are read
    first, the last page otherwise.

    Args:
        context: how to read it.
        request: the list: its page is ignored.
        newest_first: which end is read first.

    Attributes:
        steady: False once the list changed under the reading so often that a row may have been missed.
        sorted: False once a page disagreed with newest first: then every row is read.
    """

    def __init__(self, context: ReadContext, request: DescribeTasks, *, newest_first: bool) -> None:
        self.request = request
        self.steady = True
        self.sorted = True
        self._context = context
        self._newest_first = newest_first
        self._not_before_ms = context.not_before_ms
        self._pages: dict[int, TaskPage] = {}
        self._begin = self._end = 0  # chunks read for their rows; a probe is no such chunk
        self._whole = False
        self._restarts = 0
        self._recounted: RecountedList | None = None

    @property
    def total(self) -> int:
        """How many rows there are; the least that was said where pages disagree."""
        if self._recounted is not None:
            return len(self._recounted.rows)
        return min((page.total for page in self._pages.values()), default=0)

    @property
    def page_count(self) -> int:
        return max(1, -(-max((page.total for page in self._pages.values()), default=0) // PAGE_SIZE))

    @property
    def complete(self) -> bool:
        return self._recounted is not None or not self._missing()

    @property
    def earliest_ms(self) -> int:
        """When the oldest page was taken (Unix ms): from then on the list is known to be as it was read."""
        return min((page.as_of_ms for page in self._pages.values()), default=0)

    @property
    def latest_ms(self) -> int:
        """Until when it is."""
        if self._recounted is not None:
            return self._recounted.until_ms
        return max((page.as_of_ms for page in self._pages.values()), default=0)

    @property
    def rows(self) -> Iterator[tuple[Recording, int]]:
        """Every row that counts so far, with the moment (Unix ms) its page was taken."""
        if self._recounted is not None:
            yield from self._recounted.rows.values()
            return
        complete = self.complete
        for number, page in self._pages.items():
            if complete or self._begin <= self._chunk_of(number) < self._end:
                for row in page.recordings:
                    yield row, page.as_of_ms

    @property
    def every_row(self) -> Iterator[Recording]:
        """Every row seen so far, also those of the probe."""
        if self._recounted is not None:
            return (row for row, _ in self._recounted.rows.values())
        return (row for page in self._pages.values() for row in page.recordings)

    @property
    def unreadable(self) -> dict[str, Unreadable]:
        """Rows seen so far that could not be read, by their identity."""
        if self._recounted is not None:
            return self._recounted.unreadable
        return {row.identity: row for page in self._pages.values() for row in page.unreadable}

    @property
    def rows_skipped(self) -> int:
        """How many rows lie in front of the first chunk that was read."""
        if not self._begin or self.complete:
            return 0
        if self._newest_first:
            return self._begin * PAGE_SIZE
        return max(0, self.total - (self.page_count - self._begin) * PAGE_SIZE)

    @property
    def frontier_ms(self) -> int | None:
        """Start of the last row read; rows beyond it are not known yet. None when all are."""
        if self.complete or self._end >= self.page_count:
            return None
        return self._edge(self._end - 1, last=True)

    @property
    def upper_ms(self) -> int | None:
        """Start of the first row read when chunks were skipped, else None."""
        return self._edge(self._begin, last=False) if self.rows_skipped else None

    async def open(self) -> None:
        """Read the first API page."""
        await self._fetch(1)

    async def probe(self) -> None:
        """Read the last API page, which shows whether the list is in order; use the first chunk with it."""
        self._end = 1
        if self.page_count > 1:
            await self._fetch(self.page_count)
        await self._settle()

    async def advance(self, chunks: int = 1) -> None:
        """Read the next chunks, all at once."""
        begin, self._end = self._end, min(self._end + chunks, self.page_count)
        await self._fetch_all(self._page_of(chunk) for chunk in range(begin, self._end))
        await self._settle()

    async def skip_to(self, chunk: int) -> None:
        """Go on from `chunk` (before the last one), leaving the ones in front of it unread."""
        self._begin = self._end = chunk
        await self.advance()

    async def skip_less(self, chunks: int) -> None:
        """Go on from so many chunks nearer to the front: the screen begins before what was read."""
        await self.skip_to(max(0, self._begin - chunks))

    async def read_all(self) -> None:
        """Read every page, noting progress after each."""
        self._whole = True
        await self._fetch_missing()
        await self._settle()

    async def look_again(self, after_ms: int) -> None:
        """See whether the list is still the same at `after_ms` (Unix ms) or later; read it again if not."""
        if self._recounted is not None:
            await self._recount()
            return
        await self._fetch(self.page_count, after_ms)
        await self._settle()

    async def _fetch(self, number: int, not_before_ms: int = 0) -> None:
        request = replace(self.request, page=number)
        self._pages[number] = await self._context.fetch(request, max(self._not_before_ms, not_before_ms))

    async def _fetch_all(self, numbers: Iterable[int]) -> None:
        turns = asyncio.Semaphore(CALLS_AT_ONCE)

        async def fetch(number: int) -> None:
            async with turns:
                await self._fetch(number)
            if self._whole:
                read = min(len(self._pages) * PAGE_SIZE, self.total)
                self._context.note_progress(self.request, read, self.total)

        await gather(fetch(number) for number in numbers)

    async def _fetch_missing(self) -> None:
        """Read what is not there yet; a list that gets longer meanwhile is followed a little."""
        for _ in range(RESTARTS + 1):
            if missing := self._missing():
                await self._fetch_all(missing)

    def _missing(self) -> list[int]:
        return [number for number in range(1, self.page_count + 1) if number not in self._pages]

    async def _settle(self) -> None:
        """Make what was read consistent, and read everything where the order is not as expected."""
        while not self._consistent():
            if self._whole and (self._restarts == RESTARTS or self.page_count > PAGES_READ_AGAIN):
                await self._recount()
                return
            if self._restarts == RESTARTS:
                self.steady = False
                break
            self._restarts += 1
            await self._read_again()
        if self.sorted and not self._in_order():
            self.sorted = False
        if not self.sorted and not self.complete:
            await self.read_all()

    async def _read_again(self) -> None:
        self._not_before_ms = max(self._not_before_ms, self.latest_ms + 1)
        self._pages.clear()
        await self._fetch(1)
        if self._whole:
            await self._fetch_missing()
            return
        self._end = min(self._end, self.page_count)
        self._begin = min(self._begin, max(0, self._end - 1))
        wanted = {self._page_of(chunk) for chunk in range(self._begin, self._end)} | {self.page_count}
        await self._fetch_all(sorted(wanted - {1}))

    def _consistent(self) -> bool:
        """Whether the pages read can all be of one state of the list."""
        totals = {page.total for page in self._pages.values()}
        if len(totals) != 1:
            return False
        [total] = totals
        rows = 0
        for number, page in self._pages.items():
            if page.row_count != max(0, min(PAGE_SIZE, total - (number - 1) * PAGE_SIZE)):
                return False
            rows += len(page.recordings)
        return len({row.task_id for page in self._pages.values() for row in page.recordings}) == rows

    def _in_order(self) -> bool:
        """Every page read so far agrees with newest first."""
        starts = [row.began_ms for _, page in sorted(self._pages.items()) for row in page.recordings]
        return all(earlier >= later for earlier, later in pairwise(starts))

    async def _recount(self) -> None:
        """Find what changed while everything was read."""
        self._not_before_ms = max(self._not_before_ms, self.latest_ms + 1)
        if self._recounted is None:
            pages = self._pages.values()
            self._recounted = RecountedList(self.request, self._fetch_stretch, pages, 2 * self.page_count)
        await self._recounted.recount()
        self.steady = self._recounted.steady

    async def _fetch_stretch(self, request: DescribeTasks) -> TaskPage:
        return await self._context.fetch(request, self._not_before_ms)

    def _page_of(self, chunk: int) -> int:
        return chunk + 1 if self._newest_first else self.page_count - chunk

    def _chunk_of(self, page: int) -> int:
        return page - 1 if self._newest_first else self.page_count - page

    def _edge(self, chunk: int, *, last: bool) -> int | None:
        page = self._pages.get(self._page_of(chunk))  # neither is sure where the list does not keep still
        if page is None or not page.row_count:
            return None
        if not page.recordings:  # nobody knows: as if the unread rows might stand in front of all others
            return self.request.end_ms + 1 if last == self._newest_first else self.request.start_ms - 1
        return page.recordings[-1 if last == self._newest_first else 0].began_ms


TRIES = 3
"""How often the lists may change under the reading before they count as read apart."""


class RoomLists:
    """What runs and what ended in one room, or in all of them; either may not be asked for.

    A task that ends while the lists are read leaves one and enters the other. Read what runs first, and it is
    in both; read it last, and it is in neither. A list keeps still between two readings with equal counts, so
    the lists are of one moment as soon as the times for which each is known overlap.

    Attributes:
        agreed: whether they are of one moment, or what is in both is known to be.
        running: what runs.
    """

    def __init__(self, running: Listing | None, ended: Listing | None) -> None:
        self.agreed = True
        self.running = running
        self._ended = ended

    @property
    def lists(self) -> list[Listing]:
        """Those that are asked for, what runs first: of a row in both, the second has the newer status."""
        return [listing for listing in (self.running, self._ended) if listing is not None]

    async def agree(self) -> None:
        """Look again at the one that was read too early, until both are of one moment."""
        running, ended = self.running, self._ended
        if running is None or ended is None:
            return
        for _ in range(TRIES):
            if ended.latest_ms < running.earliest_ms:
                await ended.look_again(running.earliest_ms)  # what ended since would be in neither
            elif (
                running.total
                and running.latest_ms < ended.earliest_ms
                and not (running.complete and ended.complete)
            ):  # a row may be in both, unread in one of them
                await running.look_again(ended.earliest_ms)
            else:
                self.agreed = True
                return
        self.agreed = False
