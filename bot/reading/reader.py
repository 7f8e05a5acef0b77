"""Reads answers by the vendor's clock: again, where that turns out to be elsewhere than was assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.errors import InvalidParameterError
from bot.models import API_HISTORY_MS
from bot.page import Elsewhere
from bot.query import Sort
from bot.reading.plan import PLANS
from bot.reading.scan import Scan
from bot.reading.screen import read_screen
from bot.reading.sight import MARGIN_MS, look, skew_note
from bot.reading.together import together
from bot.zegocloud.protocol import DescribeTasks, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from bot.clock import Clock
    from bot.page import Page, Question
    from bot.zegocloud.client import Asking, ZegoClient

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
        lookup = look(question, question.asked_ms or 0, scan.sight(question.asked_ms or 0))
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
        span = look(question, asked_ms, scan.sight(asked_ms)).everything
        lists = (DescribeTasks(kind, span.start_ms, span.end_ms) for kind in TaskFilter)
        await together(self._zego.list_tasks(request, asking) for request in lists)

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
    now_ms = scan.sight(asked_ms).now_ms  # a button may be days old; equal questions still share the calls
    question = replace(page.question, query=query, cursor=None, asked_ms=now_ms)
    window = look(question, now_ms, scan.sight(now_ms)).window
    if window.start_ms >= page.window.start_ms and window.end_ms <= page.window.end_ms:
        return page
    wide = await read_screen(scan, question)
    if not wide.total and not wide.exact:
        return page
    latest = wide.recordings[0] if wide.recordings else None
    return replace(page, elsewhere=Elsewhere(wide.total, wide.exact, latest, now_ms))
