"""Looks at a window once for all digests that ask the same of the same moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from cachetools import TTLCache

from bot.concurrency import SingleFlight
from bot.errors import TaskNotFoundError
from bot.features.digests.report import Carried, summarise
from bot.features.digests.slot_windows import point
from bot.features.digests.unfinished import NOTHING_UNFINISHED, Unfinished, leave_to_next
from bot.models import API_HISTORY_MS, ENDED, FAILED, STARTING, Recording
from bot.query.terms import RecordingQuery, Sort, Status, is_task_id
from bot.query.times import HOUR
from bot.recordings.attention import MOST_CHECKED, keep_what_needs_attention, look_at
from bot.recordings.page import Question
from bot.recordings.status_lists import PLANS
from bot.verdicts.judge import needs_attention
from bot.zegocloud.limiter import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from bot.clock import Clock
    from bot.features.digests.report import Summary
    from bot.features.digests.slot_windows import SlotWindow
    from bot.models import RecordingDetails
    from bot.recordings.page import Page
    from bot.recordings.service import Recordings


KEPT_SECONDS = 60
"""How long a summary serves: digests of one moment wait for a turn in their channels."""

MOST_ROWS_KEPT = 100_000
"""Of all looks that are kept together."""

MOST_LOOKED_AT_AGAIN = MOST_CHECKED // 2
"""Details that a look may ask for again: the other half is for what has begun since."""

FILES_MAY_COME_MS = HOUR * 1000
"""How long after its end a recording without files is looked at again: whether ZEGOCLOUD lists files only
later is undocumented."""

DATE_ERROR_MS = 500
"""How far the vendor's clock may be behind where its `Date`, which has whole seconds, is taken to show it."""

_ENDED_ONLY = {Status.ENDED, Status.FAILED}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a window: the same for every digest that asks the same and carries on the same.

    Attributes:
        begun: every recording that began in it.
        earlier: what runs now and began before it.
        unlisted: what runs now and may end as the digest asks, and what can be read nowhere; it counts in
            nothing.
        carried: what an earlier slot saw unfinished and no list has, or has in a row that cannot be read, as
            it is now.
        judged: of `begun`, `earlier` and `carried`, what needs attention.
        ended_ms: when tasks ended (Unix ms), as far as that was looked at.
        looked_at: tasks whose details were read.
        unreadable: of those, the ones with a file that cannot be read.
        asked_of: tasks whose details were asked for, whether or not they can be read.
        over: tasks of which nothing can change any more.
        gone: tasks from before that the vendor no longer knows.
        not_checked: how many of those from before there was no call left for, or no details that can be read.
        until_ms: starts before this were seen (Unix ms, the vendor's clock).
    """

    begun: Page
    earlier: tuple[Recording, ...]
    unlisted: tuple[Recording, ...]
    carried: tuple[Recording, ...]
    judged: Page
    ended_ms: dict[str, int]
    looked_at: frozenset[str]
    unreadable: frozenset[str]
    asked_of: frozenset[str]
    over: frozenset[str]
    gone: frozenset[str]
    not_checked: int
    until_ms: int


class DigestData:
    """Finds and judges what digests tell, behind everybody who waits for an answer.

    Args:
        recordings: the use case.
        clock: the moment of judging, brought to the vendor's clock.
    """

    def __init__(self, recordings: Recordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock
        self._under_way: SingleFlight[Look] = SingleFlight()
        self._done: TTLCache[Hashable, Look] = TTLCache(
            MOST_ROWS_KEPT, KEPT_SECONDS, clock.monotonic, getsizeof=_rows_of
        )

    async def get(self, window: SlotWindow, unfinished: Unfinished = NOTHING_UNFINISHED) -> Summary:
        """What there is to tell of a window, and what is left to the next.

        Args:
            window: what is asked.
            unfinished: what the slot before left to be judged again.

        Raises:
            QueryError: the window means nothing.
            ZegoError, TooLateError: the vendor did not answer.
        """
        before = unfinished.of(window.query)
        again = tuple(each.recording for each in before.values() if not each.settled)
        query = replace(window.query, sort=Sort.NEWEST, size=RecordingQuery().size)
        key = (query, window.counted, again)
        look = self._done.get(key)
        if look is None:
            look = await self._under_way.get(key, partial(self._look, window, again))
            if _rows_of(look) <= MOST_ROWS_KEPT:
                self._done[key] = look
        only_attention = query.status == Status.ATTENTION
        plan = PLANS[Status.ALL if only_attention else query.status]
        kinds = {
            task_id: frozenset(each.kind.value for each in verdicts if needs_attention((each,)))
            for task_id, verdicts in look.judged.verdicts.items()
        }
        rows = (*look.begun.recordings, *look.earlier, *look.carried)
        asked = {row.task_id for row in rows if plan.keeps(row)}
        told = {task_id: said for task_id, said in kinds.items() if task_id in asked}
        kept = {task_id: each for task_id, each in before.items() if task_id not in look.gone}
        left = leave_to_next(
            (*rows, *look.unlisted),
            kept,
            told,
            plan=plan,
            looked_at=look.looked_at,
            asked_of=look.asked_of,
            over=look.over,
            reach_ms=window.counted.start if window.reaches_back else look.until_ms,
        )
        carried = Carried(
            recordings=tuple(row for row in look.carried if plan.keeps(row)),
            told={task_id: each.told for task_id, each in before.items()},
            uploading=look.looked_at - look.over - look.unreadable,
            unsure=frozenset(row.task_id for row in rows) - look.looked_at,
            gone=tuple(each.recording for each in before.values() if each.recording.task_id in look.gone),
            not_checked=look.not_checked,
        )
        summary = summarise(
            window,
            look.begun,
            look.earlier,
            look.judged,
            look.ended_ms,
            only_attention=only_attention,
            carried=carried,
        )
        return replace(summary, unfinished=Unfinished(left, look.until_ms, window.counted.stop))

    async def stop(self) -> None:
        """End what is under way."""
        await self._under_way.stop()

    async def _look(
        self, window: SlotWindow, again: Sequence[Recording], _: Callable[[int, int], None]
    ) -> Look:
        query = replace(window.query, sort=Sort.NEWEST)
        if query.status == Status.ATTENTION:
            query = replace(query, status=Status.ALL)
        begun = await self._begun(window, query)
        until_ms = max(window.counted.start, min(window.counted.stop, self._seen_until_ms(begun)))
        counted = range(window.counted.start, until_ms)
        begun = replace(begun, recordings=tuple(row for row in begun.recordings if row.began_ms in counted))
        runs = await self._running(window, query)
        running = runs.recordings if runs is not None else ()
        keeps = PLANS[query.status].keeps
        earlier = tuple(row for row in running if row.began_ms < counted.start and keeps(row))
        unlisted = tuple(row for row in running if not keeps(row))

        details: dict[str, RecordingDetails] = {}
        gone: set[str] = set()
        asked_of: set[str] = set()

        async def details_of(task_id: str) -> RecordingDetails:
            if task_id not in details:
                asked_of.add(task_id)
                try:
                    details[task_id] = await self._recordings.details(task_id, lane=Lane.BACKGROUND)
                except TaskNotFoundError:
                    gone.add(task_id)
                    raise
            return details[task_id]

        listed = {row.task_id for row in (*begun.recordings, *running)}
        hidden = _hidden((begun, runs) if runs is not None else (begun,), counted.start)
        known = {row.task_id for row in again}
        unseen = [row for row in again if row.task_id not in listed]
        unseen += [row for row in hidden if row.task_id not in listed | known]
        found = (await look_at(unseen[:MOST_LOOKED_AT_AGAIN], details_of))[0]
        carried = tuple(_as_described(row, found[row.task_id]) for row in unseen if row.task_id in found)
        now_ms = int(self._clock.now() * 1000) + begun.skew_ms
        judged = await keep_what_needs_attention(
            replace(
                begun, recordings=(*begun.recordings, *earlier, *carried), running=(runs or begun).running
            ),
            now_ms,
            details_of,
            all_rows=True,
            thresholds=self._recordings.thresholds,
            first=found,
        )
        return Look(
            begun=begun,
            earlier=earlier,
            unlisted=(
                *unlisted,
                *(row for row in hidden if row.task_id not in listed | known | found.keys()),
            ),
            carried=carried,
            judged=judged,
            ended_ms={
                task_id: each.ended_ms for task_id, each in details.items() if each.ended_ms is not None
            },
            looked_at=frozenset(details),
            unreadable=frozenset(task_id for task_id, each in details.items() if each.unreadable),
            asked_of=frozenset(asked_of),
            over=frozenset(task_id for task_id, each in details.items() if _is_over(each, now_ms)),
            gone=frozenset(gone - listed),
            not_checked=sum(row.task_id not in found and row.task_id not in gone for row in unseen),
            until_ms=until_ms,
        )

    async def _begun(self, window: SlotWindow, query: RecordingQuery) -> Page:
        """What began in the window, from where the slot before stopped counting."""
        first_ms = min(window.counted.start, window.end_ms - 1)
        if first_ms < window.start_ms:
            query = replace(query, start=point(first_ms))
        return await self._recordings.find_all(Question(query, "UTC", asked_ms=window.slot_ms), judged=False)

    def _seen_until_ms(self, begun: Page) -> int:
        """The vendor's clock when the lists were taken, at least: what begins later is not in them."""
        skew_seconds = self._recordings.zego.skew_seconds
        if skew_seconds is None:
            return begun.as_of_ms
        return begun.as_of_ms + int(skew_seconds * 1000) - DATE_ERROR_MS

    async def _running(self, window: SlotWindow, query: RecordingQuery) -> Page | None:
        """What runs now, however long: the worst is what nobody stops. None where the window has it all.

        Where only what ended is asked for, what runs is what may end so.
        """
        if query.status not in _ENDED_ONLY and window.start_ms <= window.slot_ms - API_HISTORY_MS:
            return None
        everything = RecordingQuery(
            rooms=query.rooms, status=Status.ONGOING, last_seconds=API_HISTORY_MS // 1000
        )
        question = Question(everything, "UTC", asked_ms=window.slot_ms)
        return await self._recordings.find_all(question, judged=False)


def _hidden(pages: Iterable[Page], began_ms: int) -> tuple[Recording, ...]:
    """What a list has in rows that cannot be read, but for their task: its details may tell the rest."""
    tasks = dict.fromkeys(row.task_id for page in pages for row in page.unreadable)
    return tuple(Recording(task_id, "", STARTING, began_ms) for task_id in tasks if is_task_id(task_id))


def _as_described(row: Recording, details: RecordingDetails) -> Recording:
    began_ms = row.began_ms if details.began_ms is None else details.began_ms
    return Recording(row.task_id, details.room_id or row.room_id, details.status, began_ms)


def _rows_of(look: Look) -> int:
    return 1 + len(look.begun.recordings)


def _is_over(details: RecordingDetails, now_ms: int) -> bool:
    """Whether nothing about a task can change any more, and all of it could be read."""
    if details.unreadable:
        return False
    if details.files:
        return details.is_final
    ended_ms = details.ended_ms
    is_old = ended_ms is not None and now_ms - ended_ms > FILES_MAY_COME_MS
    return details.status in (ENDED, FAILED) and is_old
