"""Judges recordings by what the vendor tells of them and of the other tasks in their rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.models import API_HISTORY_MS, RUNNING
from bot.page import Question
from bot.query import RecordingQuery, Status
from bot.query.values import MAX_SIZE, is_task_id
from bot.verdicts.judge import judge
from bot.verdicts.types import Known

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.models import Recording, RecordingDetails
    from bot.recordings import Recordings
    from bot.verdicts.types import Verdict


class Triage:
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

        Raises:
            QueryError: this is no task ID, as where a button carries none: ZEGOCLOUD isn't asked.
            ZegoError: `TaskNotFoundError` for an unknown task or one that began more than 3 days ago.
        """
        if not is_task_id(task_id):
            raise QueryError(
                "This doesn't say which recording it means. Type `/recordings` to find it again."
            )
        details = await self._recordings.details(task_id, refresh=refresh)
        running = await self._running_in(details.room_id) if details.status in RUNNING else ()
        known = Known(running_in_room=running)
        now_ms = int(self._clock.now() * 1000) + details.skew_ms
        return details, judge(details, now_ms, known, self._recordings.thresholds)

    async def _running_in(self, room_id: str) -> tuple[Recording, ...]:
        """What runs in a room now: its newest, which is more than any room should have."""
        query = RecordingQuery(
            rooms=(room_id,), status=Status.ONGOING, last_seconds=API_HISTORY_MS // 1000, size=MAX_SIZE
        )
        try:
            return (await self._recordings.find(Question(query, "UTC"))).recordings
        except QueryError:  # an answer without a room, or with one that nobody could ask for
            return ()
