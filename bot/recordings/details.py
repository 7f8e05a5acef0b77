"""Judges single recordings by their details and by what else runs in their rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.models import RUNNING
from bot.query.terms import is_task_id
from bot.verdicts.judge import judge

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.models import RecordingDetails
    from bot.recordings.service import Recordings
    from bot.verdicts.types import Verdict


class DetailsService:
    """Says what is wrong with recordings.

    Args:
        recordings: asks the vendor.
        clock: the moment of judging, brought to the vendor's clock.
    """

    def __init__(self, recordings: Recordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock

    async def task(
        self, task_id: str, *, refresh: bool = False
    ) -> tuple[RecordingDetails, tuple[Verdict, ...]]:
        """One task's details, with everything worth knowing about it, the worst first.

        What else runs in its room is left out where it cannot be known in a moment.

        Raises:
            QueryError: this is no task ID, as where a button carries none: ZEGOCLOUD isn't asked.
            ZegoError: `TaskNotFoundError` for an unknown task or one that began more than 3 days ago.
        """
        if not is_task_id(task_id):
            raise QueryError(
                "This doesn't say which recording it means. Type `/recordings` to find it again."
            )
        details = await self._recordings.details(task_id, refresh=refresh)
        running = None
        if details.status in RUNNING:
            running = await self._recordings.running_beside(details, refresh=refresh)
        now_ms = int(self._clock.now() * 1000) + details.skew_ms
        return details, judge(details, now_ms, running, self._recordings.thresholds)
