"""The use case: from a question to one true screen of its answer. Whoever asks goes through `find`."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from cachetools import LRUCache, TTLCache

from bot.concurrency import SingleFlight
from bot.errors import RecordingsError, TooLateError, ZegoError
from bot.models import API_HISTORY_MS, RecordingDetails
from bot.query.terms import RecordingQuery, Status
from bot.recordings.attention import keep_what_needs_attention
from bot.recordings.live_reading import Reader
from bot.recordings.outcomes import Outcomes
from bot.recordings.page import Question
from bot.verdicts.types import USUAL, thresholds_of
from bot.zegocloud.client import ZegoClient
from bot.zegocloud.limiter import Lane, Limiter, Priority
from bot.zegocloud.protocol import DescribeRecordStatus, DescribeTasks

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from bot.clock import Clock
    from bot.concurrency import Lookups, Progress
    from bot.config import Settings
    from bot.models import Recording, TaskPage
    from bot.network import Network
    from bot.recordings.page import Page
    from bot.verdicts.types import Thresholds

STALE_SECONDS = 600
"""How old a last good answer may be when the vendor does not answer."""

PATIENCE_SECONDS = 120
"""How long one question may take in all; `bot.recordings.window` keeps clear of the limit for as long."""

EXPORT_PATIENCE_SECONDS = 600
"""How long an export or `--all` may take: nobody watches it row by row."""

HINT_PATIENCE_SECONDS = 2
"""How long an answer that found nothing waits to say what else there is."""

ANSWERS_KEPT = 2_000
TASKS_KEPT = 5_000
SIMILAR_ROOMS = 3


def build_recordings(
    settings: Settings, clock: Clock, network: Network, limiter: Limiter | None = None
) -> Recordings:
    """The use case on top of the vendor's API, as the settings say.

    Args:
        settings: from the environment.
        clock: says when a question is asked.
        network: proxies and certificates, of which a process has one.
        limiter: where its permits are shared with other replicas; else this process has all of them.
    """
    zego = ZegoClient(
        app_id=settings.zego_app_id,
        server_secret=settings.zego_server_secret.reveal(),
        base_url=settings.zego_api_url,
        limiter=limiter or Limiter(settings.zego_max_rps),
        clock=clock,
        cache_ttl_seconds=settings.cache_ttl_seconds,
        network=network,
    )
    return Recordings(
        zego, clock, cache_ttl_seconds=settings.cache_ttl_seconds, thresholds=thresholds_of(settings)
    )


@dataclass(slots=True)
class _Kept:
    """An answer that is kept, and how many details had been read when it was last brought up to date."""

    page: Page
    details_read: int


class Recordings:
    """Answers questions about recordings, sharing work and answers between people who ask the same.

    Args:
        zego: the vendor's API.
        clock: says when a question is asked.
        cache_ttl_seconds: how old an answer may be without a refresh.
        thresholds: from where on something is worth a verdict.
    """

    def __init__(
        self, zego: ZegoClient, clock: Clock, *, cache_ttl_seconds: float, thresholds: Thresholds = USUAL
    ) -> None:
        self.zego = zego
        self.thresholds = thresholds
        self._clock = clock
        self._moments: TTLCache[Hashable, int] = TTLCache(ANSWERS_KEPT, cache_ttl_seconds, clock.monotonic)
        self._answers: TTLCache[Hashable, _Kept] = TTLCache(ANSWERS_KEPT, cache_ttl_seconds, clock.monotonic)
        self._last_good: TTLCache[Hashable, Page] = TTLCache(ANSWERS_KEPT, STALE_SECONDS, clock.monotonic)
        self._rooms_seen = RoomsSeen()
        self._tasks_seen: LRUCache[str, None] = LRUCache(TASKS_KEPT)
        zego.on_answer = self._note_answer
        self._searches: SingleFlight[Page] = SingleFlight()
        self._reader = Reader(zego, clock)
        self._outcomes = Outcomes(
            zego, self._reader, clock, ttl_seconds=cache_ttl_seconds, thresholds=thresholds
        )

    @property
    def lookups(self) -> dict[str, Lookups]:
        """How often an answer, a page of the vendor's lists and a task's details were at hand."""
        return {
            "answer": self._searches.lookups,
            "page": self.zego.lookups[DescribeTasks.action],
            "details": self.zego.lookups[DescribeRecordStatus.action],
        }

    async def find(self, question: Question, progress: Progress | None = None) -> Page:
        """Answer one screen of a question.

        Equal questions within the time-to-live share one answer, running or finished; the answer says
        when it was taken. A question whose vendor calls fail gets the last good answer, marked, if there
        is one under ten minutes old.

        Raises:
            QueryError: the window means nothing at this moment.
            ZegoError, TooLateError: there is no answer, fresh or old.
        """
        as_asked, question = _last_good_key(question), self._at_a_moment(question)
        key = _answer_key(question)
        if page := self._kept_answer(question, key):
            return page
        work = partial(self._answer, question, key)
        try:
            page = await self._searches.get((key, question.refresh), work, progress)
        except (ZegoError, TooLateError) as error:
            if old := self._last_good.get(as_asked):
                self._searches.lookups.stale += 1
                window = replace(old.window, asked_now=False)  # it was taken minutes ago
                return replace(old, failure=str(error), window=window)
            raise
        self._last_good[as_asked] = page
        return page

    def known(self, question: Question) -> Page | None:
        """The answer to an equal question within the time-to-live, at no cost."""
        question = self._at_a_moment(question)
        return self._kept_answer(question, _answer_key(question))

    async def find_all(
        self,
        question: Question,
        progress: Progress | None = None,
        *,
        judged: bool = True,
    ) -> Page:
        """Answer a question with every row on one page, in the background lane.

        Args:
            question: what is asked.
            progress: told how far a long scan is.
            judged: False for who judges the rows by details of each.

        Raises:
            The same as `find`; an old answer never stands in.
        """
        question = self._at_a_moment(question)
        if question.query.status == Status.ATTENTION:
            return await self._attention(question, EXPORT_PATIENCE_SECONDS, progress, all_rows=True)
        priority = Priority.within(EXPORT_PATIENCE_SECONDS, Lane.BACKGROUND)
        page = await self._reader.read(question, priority, progress, everything=True)
        return await self._outcomes.tell(page) if judged else page

    async def details(
        self, task_id: str, *, refresh: bool = False, lane: Lane = Lane.INTERACTIVE
    ) -> RecordingDetails:
        """What the vendor knows of one task, and where its clock is.

        Raises:
            ZegoError: `TaskNotFoundError` for an unknown task or one that began more than 3 days ago.
        """
        not_before_ms = self._now_ms() if refresh else 0
        priority = Priority.within(PATIENCE_SECONDS, lane)
        details = await self.zego.ask(DescribeRecordStatus(task_id), priority, not_before_ms=not_before_ms)
        return replace(details, skew_ms=self._reader.skew_ms or 0)

    async def running_beside(
        self, details: RecordingDetails, *, refresh: bool = False
    ) -> tuple[Recording, ...] | None:
        """All that runs in the room of a task that runs; None where that cannot be known in a moment."""
        return await self._outcomes.running_beside(details, refresh=refresh)

    def rooms_lately(self, most: int = 3) -> list[str]:
        """Rooms seen lately, the latest first: for examples that mean something here."""
        return self._rooms_seen.lately(most)

    def has_seen(self, room_or_task: str) -> bool:
        """Whether the vendor sent a room, or a task, of this ID lately."""
        return room_or_task in self._rooms_seen or room_or_task in self._tasks_seen

    async def look_at_newest(self, patience_seconds: float) -> None:
        """See what is newest in all rooms, so that `has_seen` knows it: two calls in the background lane.

        They are given up without a word when they fail, or take longer than that.
        """
        question = Question(RecordingQuery(last_seconds=API_HISTORY_MS // 1000), "UTC")
        priority = Priority.within(patience_seconds, Lane.BACKGROUND)
        with suppress(RecordingsError):
            await self._reader.read_newest(self._at_a_moment(question), priority)

    async def aclose(self) -> None:
        """Stop what is still being looked for and close the vendor's API."""
        await self._searches.stop()
        await self._outcomes.stop()
        await self.zego.aclose()

    async def _answer(self, question: Question, key: Hashable, progress: Progress) -> Page:
        details_read = self._outcomes.details_read
        if question.query.status == Status.ATTENTION:
            page = await self._attention(question, PATIENCE_SECONDS, progress)
        else:
            page = await self._reader.read(question, Priority.within(PATIENCE_SECONDS), progress)
            page = await self._outcomes.tell(page)
        self._rooms_seen.remember(row.room_id for row in reversed(page.recordings))
        if not page.recordings and not page.running_before:
            page = await self._with_hints(page)
        self._answers[key] = _Kept(page, details_read)
        return page

    def _kept_answer(self, question: Question, key: Hashable) -> Page | None:
        """An answer that is kept, with what has become known of its rows since; it gets no older by that."""
        kept = None if question.refresh else self._answers.get(key)
        if kept is None:
            return None
        self._searches.lookups.kept += 1
        if kept.details_read != self._outcomes.details_read:
            kept.details_read = self._outcomes.details_read
            if question.query.status != Status.ATTENTION:  # which has looked at each of its rows
                kept.page = self._outcomes.with_news(kept.page)
        return kept.page

    async def _with_hints(self, page: Page) -> Page:
        """What else there is, and which rooms may have been meant. The answer is true without."""
        query = page.question.query
        if query.status != Status.ATTENTION:  # what needs that takes details of each
            with suppress(RecordingsError):
                page = await self._reader.look_elsewhere(page, Priority.within(HINT_PATIENCE_SECONDS))
        return replace(page, similar_rooms=self._rooms_seen.similar(query.rooms, SIMILAR_ROOMS))

    async def _attention(
        self,
        question: Question,
        patience_seconds: float,
        progress: Progress | None,
        *,
        all_rows: bool = False,
    ) -> Page:
        """What needs attention: every row is read, then details in the lane behind people who wait."""
        everything = await self._reader.read(question, Priority.within(patience_seconds), everything=True)
        running = await self._outcomes.running(everything)
        priority = Priority.within(patience_seconds, Lane.BACKGROUND)
        not_before_ms = self._now_ms() if question.refresh else 0
        return await keep_what_needs_attention(
            replace(everything, question=question, running=running),
            self._now_ms() + everything.skew_ms,
            lambda task: self.zego.ask(DescribeRecordStatus(task), priority, not_before_ms=not_before_ms),
            progress,
            all_rows=all_rows,
            thresholds=self.thresholds,
            unreadable_fails=True,
        )

    def _note_answer(self, answer: TaskPage | RecordingDetails) -> None:
        """Remember what the vendor sent, whoever asked for it and whether or not it is shown."""
        if isinstance(answer, RecordingDetails):
            self._outcomes.remember(answer)
            self._rooms_seen.remember((answer.room_id,))
            self._tasks_seen[answer.task_id] = None
        else:
            self._rooms_seen.remember(row.room_id for row in reversed(answer.recordings))
            self._tasks_seen.update((row.task_id, None) for row in answer.recordings)

    def _at_a_moment(self, question: Question) -> Question:
        """Fill in when it was asked; the same question asked again shortly after means the same moment."""
        if question.asked_ms is not None and not question.refresh:
            return question
        query = question.query
        subject = (query.rooms, query.last_seconds, query.start, query.end, query.tz)
        asked_ms = None if question.refresh else self._moments.get(subject)
        if asked_ms is None:
            asked_ms = self._moments[subject] = self._now_ms()
        return replace(question, asked_ms=asked_ms, cursor=None if question.refresh else question.cursor)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _answer_key(question: Question) -> Hashable:
    return (question.query, question.zone, question.asked_ms, question.cursor)


def _last_good_key(asked: Question) -> Hashable:
    """Of the question as it came: one that names its moment is not answered with another's."""
    asked_ms, cursor = (None, None) if asked.refresh else (asked.asked_ms, asked.cursor)
    return (asked.query, asked.zone, asked_ms, cursor)


ROOMS_KEPT = 5_000
"""Of all rows that were read, shown or not. One room is compared with as many in 3 to 20 ms."""

ROOMS_COMPARED = 2
"""Of a question that names several: comparing takes time in which nobody else is answered."""

SIMILAR_CHARACTERS = 2
"""Up to so many characters side by side may differ in an ID that was meant: one mistyped, or two swapped."""


class RoomsSeen:
    """The rooms that were seen last, shown or not, the latest last."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, str] = OrderedDict()  # with each its form for comparing

    def __len__(self) -> int:
        return len(self._rooms)

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def remember(self, rooms: Iterable[str]) -> None:
        """Note that these were seen just now; the longest unseen ones are forgotten."""
        for room in rooms:
            if room in self._rooms:
                self._rooms.move_to_end(room)
            else:
                self._rooms[room] = room.casefold()
        while len(self._rooms) > ROOMS_KEPT:
            self._rooms.popitem(last=False)

    def lately(self, most: int) -> list[str]:
        """The latest first."""
        return list(islice(reversed(self._rooms), most))

    def similar(self, rooms: Collection[str], most: int) -> tuple[str, ...]:
        """Others whose IDs may have been meant by the first of `rooms`, the most similar first."""
        found = {
            seen: differing
            for meant in map(str.casefold, islice(rooms, ROOMS_COMPARED))
            for seen, folded in reversed(self._rooms.items())
            if (differing := _differing(meant, folded)) <= SIMILAR_CHARACTERS and seen not in rooms
        }
        return tuple(sorted(found, key=found.__getitem__)[:most])


def _differing(one: str, other: str) -> int:
    """How many characters two IDs have between what they begin and end with alike, many if that is little."""
    many = SIMILAR_CHARACTERS + 1
    shorter, longest = len(one), len(other)
    if shorter > longest:
        shorter, longest = longest, shorter
    if longest - shorter > SIMILAR_CHARACTERS:
        return many
    half = (longest - SIMILAR_CHARACTERS + 1) // 2  # alike must be at least this much of either end
    if half > 0 and one[:half] != other[:half] and one[-half:] != other[-half:]:
        return many
    begin = bisect_left(range(1, shorter + 1), True, key=lambda length: one[:length] != other[:length])
    end = bisect_left(
        range(1, shorter - begin + 1),
        True,
        key=lambda length: one[-length:] != other[-length:],
    )
    between = longest - begin - end
    return between if between <= begin + end else many
