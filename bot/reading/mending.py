"""Finds what changed in a long list while it was read, by counting instead of reading it again."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from bot.reading.together import together
from bot.zegocloud.protocol import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bot.models import Recording, TaskPage, Unreadable
    from bot.zegocloud.protocol import DescribeTasks

NARROWEST_MS = 3
"""A stretch of time that is not halved any further: the API wants an end later than the start."""

_by_order = attrgetter("began_ms", "task_id")


class MendedList:
    """Every row of a list, put right where the vendor counts otherwise: a few calls for each change.

    Reading the list again would take as long as the first time, and meet the next change. Instead the window
    is halved wherever the vendor's count is another, down to stretches that fit on one API page.

    Args:
        request: the list.
        fetch: asks for one page.
        pages: what was read, with rows missing, moved or out of date.
        most_calls: how many calls each mending may take.

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

    async def mend(self) -> None:
        """Compare with the vendor's counts as they are now, and read again what differs."""
        self.steady = True
        self._calls_left = self._most_calls
        known = sorted((row for row, _ in self.rows.values()), key=_by_order)
        begin_ms, end_ms = self._request.start_ms, self._request.end_ms
        self.until_ms = await self._mend(begin_ms, end_ms, known, len(self.unreadable))

    async def _mend(self, start_ms: int, end_ms: int, known: Sequence[Recording], unreadable: int) -> int:
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
        await together(
            (
                self._mend(start_ms, middle_ms - 1, [row for row in known if row.began_ms < middle_ms], 0),
                self._mend(middle_ms, end_ms, [row for row in known if row.began_ms >= middle_ms], 0),
            )
        )
        return page.as_of_ms

    def _take(self, page: TaskPage) -> None:
        self.rows.update((row.task_id, (row, page.as_of_ms)) for row in page.recordings)
        self.unreadable.update((row.identity, row) for row in page.unreadable)
