"""Looks at a window once for all digests that ask the same of the same moment."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cachetools import TTLCache

from bot.digests.report import summarise
from bot.models import API_HISTORY_MS
from bot.page import Question
from bot.query import RecordingQuery, Sort, Status
from bot.reading.attention import keep_what_needs_attention
from bot.reading.plan import PLANS
from bot.reading.sharing import SharedWork
from bot.zegocloud.limiter import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from bot.clock import Clock
    from bot.digests.report import Summary
    from bot.digests.window import SlotWindow
    from bot.models import Recording, RecordingDetails
    from bot.page import Page
    from bot.recordings import Recordings

KEPT_SECONDS = 60
"""How long a summary serves: digests of one moment wait for a turn in their channels."""

_ENDED_ONLY = {Status.ENDED, Status.FAILED}


class Surveys:
    """Finds and judges what digests tell, behind everybody who waits for an answer.

    Args:
        recordings: the use case.
        clock: the moment of judging, brought to the vendor's clock.
    """

    def __init__(self, recordings: Recordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock
        self._under_way: SharedWork[Summary] = SharedWork()
        self._done: TTLCache[Hashable, Summary] = TTLCache(100, KEPT_SECONDS, clock.monotonic)

    async def get(self, window: SlotWindow) -> Summary:
        """What there is to tell of a window.

        Raises:
            QueryError: the window means nothing.
            ZegoError, TooLateError: the vendor did not answer.
        """
        key = replace(window.query, sort=Sort.NEWEST, size=RecordingQuery().size)
        known = self._done.get(key)
        if known is not None:
            return known
        summary = await self._under_way.get(key, partial(self._look, window))
        self._done[key] = summary
        return summary

    async def stop(self) -> None:
        """End what is under way."""
        await self._under_way.stop()

    async def _look(self, window: SlotWindow, _: Callable[[int, int], None]) -> Summary:
        query = replace(window.query, sort=Sort.NEWEST)
        only_attention = query.status == Status.ATTENTION
        if only_attention:
            query = replace(query, status=Status.ALL)
        begun = await self._recordings.find_all(Question(query, "UTC", asked_ms=window.slot_ms), judged=False)
        earlier, running = await self._running(window, query, begun)
        ended_ms: dict[str, int] = {}

        async def details_of(task_id: str) -> RecordingDetails:
            details = await self._recordings.details(task_id, lane=Lane.BACKGROUND)
            if details.ended_ms is not None:
                ended_ms[task_id] = details.ended_ms
            return details

        judged = await keep_what_needs_attention(
            replace(begun, recordings=(*begun.recordings, *earlier), running=running),
            int(self._clock.now() * 1000) + begun.skew_ms,
            details_of,
            all_rows=True,
            thresholds=self._recordings.thresholds,
        )
        return summarise(window, begun, earlier, judged, ended_ms, only_attention=only_attention)

    async def _running(
        self, window: SlotWindow, query: RecordingQuery, begun: Page
    ) -> tuple[tuple[Recording, ...], tuple[Recording, ...] | None]:
        """What runs and began before the window (the worst is what nobody stops), and all that runs.

        The latter is None where it is not known.
        """
        if query.status in _ENDED_ONLY or window.start_ms <= window.slot_ms - API_HISTORY_MS:
            return (), begun.running
        everything = RecordingQuery(
            rooms=query.rooms, status=Status.ONGOING, last_seconds=API_HISTORY_MS // 1000
        )
        page = await self._recordings.find_all(
            Question(everything, "UTC", asked_ms=window.slot_ms), judged=False
        )
        keeps = PLANS[query.status].keeps
        earlier = tuple(row for row in page.recordings if row.began_ms < window.start_ms and keeps(row))
        return earlier, page.running
