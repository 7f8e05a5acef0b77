"""What became of the recordings on a screen, beyond what their rows say.

Two things are known beyond a row: its details, where somebody asked for them lately, and all that runs now,
which shows whether a recording is the only one in its room. A question about a room reads that list anyway;
all other questions share one, whatever page, window or status they ask for: so a recording has the same mark
wherever it is shown. When that list isn't available in time, no recording on the screen has that mark.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from cachetools import TLRUCache, TTLCache

from bot.concurrency import SingleFlight, gather
from bot.errors import RecordingsError
from bot.models import API_HISTORY_MS, ENDED, FAILED, IN_BACKUP, LOST, RUNNING, UPLOADED, Recording
from bot.query.terms import RecordingQuery, Status, is_task_id
from bot.recordings.page import Question
from bot.verdicts.judge import judge_row
from bot.zegocloud.limiter import Lane, Priority
from bot.zegocloud.protocol import FINAL_SECONDS, DescribeRecordStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from bot.clock import Clock
    from bot.concurrency import Progress
    from bot.models import RecordingDetails
    from bot.recordings.live_reading import Reader
    from bot.recordings.page import Page
    from bot.verdicts.types import Thresholds
    from bot.zegocloud.client import ZegoClient

PATIENCE_SECONDS = 1.5
"""How long an answer waits for what its rows do not say. These calls go in the background lane."""

MOST_ASKED = 3
"""A screen of at most so many recordings asks for the details of those that ended."""

RUNNING_KEPT = 100
DETAILS_KEPT = 4_096

AT_REST_SECONDS = 600.0
"""How long lists show what was read of a task at rest; who asks for the task itself gets it fresher."""


@dataclass(frozen=True, slots=True)
class _RunningNow:
    """What ran at a moment (Unix ms); None where it is more than is read."""

    running: tuple[Recording, ...] | None
    as_of_ms: int


class Outcomes:
    """Finds out what became of recordings.

    Args:
        zego: the vendor's API.
        reader: reads what runs.
        clock: ours.
        ttl_seconds: how long a list of what runs serves.
        thresholds: from where on something is worth a verdict.

    Attributes:
        details_read: how many details were read so far: says whether there can be any news of rows.
    """

    def __init__(
        self, zego: ZegoClient, reader: Reader, clock: Clock, *, ttl_seconds: float, thresholds: Thresholds
    ) -> None:
        self.details_read = 0
        self._zego = zego
        self._reader = reader
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._thresholds = thresholds
        self._kept: TTLCache[tuple[str, ...], _RunningNow] = TTLCache(
            RUNNING_KEPT, ttl_seconds, clock.monotonic
        )
        self._searches: SingleFlight[_RunningNow] = SingleFlight()
        self._details: TLRUCache[str, RecordingDetails] = TLRUCache(
            DETAILS_KEPT, self._expires, clock.monotonic
        )

    def remember(self, details: RecordingDetails) -> None:
        """Keep what the vendor sent of a task, whoever asked for it."""
        self.details_read += 1
        known = self._details.get(details.task_id)
        if known is None or known.as_of_ms <= details.as_of_ms:
            self._details[details.task_id] = details

    def _expires(self, _: str, details: RecordingDetails, now: float) -> float:
        if details.is_final:
            return now + FINAL_SECONDS
        return now + (AT_REST_SECONDS if is_at_rest(details) else self._ttl_seconds)

    async def tell(self, page: Page) -> Page:
        """The page with what is known of its rows. A small one asks; all of them wait a moment at most."""
        priority = _priority()
        asked = page.recordings if len(page.recordings) <= MOST_ASKED else ()
        ended = [row for row in asked if row.status not in RUNNING and is_task_id(row.task_id)]
        known = {row.task_id: details for row in page.recordings if (details := self._known(row))}
        asks = (self._ask(row, page, known, priority) for row in ended)
        running, *_ = await gather([self.running(page, priority), *asks])
        return self._judged(page, known, running)

    def with_news(self, page: Page) -> Page:
        """The page with what has become known of its rows since: itself where nothing has. Costs no call."""
        news = {
            row.task_id: details
            for row in page.recordings
            if (details := self._known(row)) and details is not page.details.get(row.task_id)
        }
        return self._judged(page, {**page.details, **news}, page.running) if news else page

    async def running(self, page: Page, priority: Priority | None = None) -> tuple[Recording, ...] | None:
        """All that runs now, at least in the rooms that a page asks for; None where that is not known.

        No call is made where no row of the page runs, or where the page has that list already.
        """
        rows, rooms = (*page.recordings, *page.begun_before), page.question.query.rooms
        if not any(row.status in RUNNING for row in rows):
            return page.running
        if page.running is not None and self._is_now(page):
            if not rooms:
                self._keep((), _RunningNow(page.running, page.as_of_ms))
            return page.running
        return await self._running(rooms, rows, page.as_of_ms, priority or _priority(), page.question.refresh)

    async def running_beside(
        self, details: RecordingDetails, *, refresh: bool = False
    ) -> tuple[Recording, ...] | None:
        """All that runs now in the room of a task that does; None where that is not known."""
        row = Recording(details.task_id, details.room_id, details.status, details.began_ms or 0)
        running = await self._running((row.room_id,), (row,), details.as_of_ms, _priority(), refresh)
        return None if running is None else tuple(one for one in running if one.room_id == row.room_id)

    async def stop(self) -> None:
        await self._searches.stop()

    async def _running(
        self,
        rooms: tuple[str, ...],
        rows: Sequence[Recording],
        as_of_ms: int,
        priority: Priority,
        refresh: bool,
    ) -> tuple[Recording, ...] | None:
        """What runs, in agreement with rows of the moment `as_of_ms`; the list is read again if it isn't."""
        with suppress(RecordingsError):
            for not_before_ms in (as_of_ms if refresh else 0, as_of_ms):
                running = await self._running_since(rooms, priority, not_before_ms)
                if running is None:
                    return None
                ids = {row.task_id for row in running}
                if all((row.task_id in ids) == (row.status in RUNNING) for row in rows):
                    return running
        return None

    async def _running_since(
        self, rooms: tuple[str, ...], priority: Priority, not_before_ms: int
    ) -> tuple[Recording, ...] | None:
        """What runs in all rooms, one list for every question; where that is too much, in these alone."""
        for where in dict.fromkeys(((), rooms)):
            found = self._kept.get(where)
            if found is None or found.as_of_ms < not_before_ms:
                work = partial(self._read, where, priority, not_before_ms)
                found = await self._searches.get((where, not_before_ms), work)
            if found.running is not None:
                return found.running
        return None

    async def _read(
        self, rooms: tuple[str, ...], priority: Priority, not_before_ms: int, _: Progress
    ) -> _RunningNow:
        query = RecordingQuery(
            rooms=rooms, status=Status.ONGOING, last_seconds=API_HISTORY_MS // 1000, size=1
        )
        question = Question(query, "UTC", asked_ms=self._now_ms(), refresh=not_before_ms > 0)
        page = await self._reader.read(question, priority)
        found = _RunningNow(page.running, page.as_of_ms)
        self._keep(rooms, found)
        return found

    def _keep(self, rooms: tuple[str, ...], found: _RunningNow) -> None:
        """Let the next questions share it, unless there is a newer one."""
        known = self._kept.get(rooms)
        if known is None or known.as_of_ms < found.as_of_ms:
            self._kept[rooms] = found

    async def _ask(
        self, row: Recording, page: Page, known: dict[str, RecordingDetails], priority: Priority
    ) -> None:
        """Ask for a row's details; anew where those that are kept are of another status, or of before."""
        details = self._details.get(row.task_id)
        outdated = details is not None and (details.status != row.status or page.question.refresh)
        if details is not None and details.is_final and details.status == row.status:
            return
        with suppress(RecordingsError):
            details = await self._zego.ask(
                DescribeRecordStatus(row.task_id), priority, not_before_ms=page.as_of_ms if outdated else 0
            )
            if details.status == row.status:
                known[row.task_id] = details

    def _known(self, row: Recording) -> RecordingDetails | None:
        """Details that somebody has asked for, of this row's status: others are from before it, or after."""
        details = self._details.get(row.task_id)
        return details if details is not None and details.status == row.status else None

    def _judged(
        self,
        page: Page,
        details: Mapping[str, RecordingDetails],
        running: tuple[Recording, ...] | None,
    ) -> Page:
        rooms, in_room = {row.room_id for row in page.recordings}, by_room(running)
        return replace(
            page,
            details=details,
            verdicts={
                row.task_id: judge_row(
                    row, in_room(row), page.now_ms, self._thresholds, details.get(row.task_id)
                )
                for row in page.recordings
            },
            running=None if running is None else tuple(row for row in running if row.room_id in rooms),
        )

    def _is_now(self, page: Page) -> bool:
        """Whether its moment is now: an old button's question does not see what began since."""
        asked_ms = page.question.asked_ms
        return asked_ms is not None and asked_ms >= self._now_ms() - self._ttl_seconds * 1000

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def by_room(running: Iterable[Recording] | None) -> Callable[[Recording], Collection[Recording] | None]:
    """Says of a row what runs in its room, however much runs in all; None where that is not known."""
    if running is None:
        return lambda _: None
    rooms: dict[str, list[Recording]] = defaultdict(list)
    for row in running:
        rooms[row.room_id].append(row)
    return lambda row: rooms.get(row.room_id, ())


def is_at_rest(details: RecordingDetails) -> bool:
    """Whether a task is not about to change: its end is known, and no file is on its way.

    One without files counts only once its end is a while ago: they may be listed later (undocumented).
    """
    if details.status not in (ENDED, FAILED) or details.ended_ms is None or details.unreadable:
        return False
    if not details.files:
        return details.as_of_ms - details.ended_ms > AT_REST_SECONDS * 1000
    return all(file.status in (UPLOADED, IN_BACKUP, LOST) for file in details.files)


def _priority() -> Priority:
    return Priority.within(PATIENCE_SECONDS, Lane.BACKGROUND)
