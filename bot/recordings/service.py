"""The use case: from a question to one true screen of its answer. Whoever asks goes through `find`."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from cachetools import LRUCache, TTLCache

from bot.errors import RecordingsError, TooLateError, ZegoBadAnswerError, ZegoError
from bot.models import API_HISTORY_MS
from bot.query.terms import RecordingQuery, Status
from bot.recordings.attention import keep_what_needs_attention
from bot.recordings.live import Reader
from bot.recordings.outcomes import Outcomes
from bot.recordings.page import Question
from bot.recordings.single_flight import SingleFlight
from bot.verdicts.types import USUAL, thresholds_of
from bot.zegocloud.client import ZegoClient
from bot.zegocloud.in_flight import Asking
from bot.zegocloud.limiter import Lane, Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

    from bot.clock import Clock
    from bot.concurrency import Lookups
    from bot.config import Settings
    from bot.models import Recording, RecordingDetails
    from bot.network import Network
    from bot.recordings.page import Page
    from bot.verdicts.types import Thresholds


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
    settings: Settings, clock: Clock, limiter: Limiter | None = None, network: Network | None = None
) -> Recordings:
    """The use case on top of the vendor's API, as the settings say.

    Args:
        settings: from the environment.
        clock: says when a question is asked.
        limiter: where its permits are shared with other replicas; else this process has all of them.
        network: where the caller has one already; else the settings' own.
    """
    zego = ZegoClient(
        app_id=settings.zego_app_id,
        server_secret=settings.zego_server_secret.reveal(),
        base_url=settings.zego_api_url,
        limiter=limiter or Limiter(settings.zego_max_rps),
        clock=clock,
        cache_ttl_seconds=settings.cache_ttl_seconds,
        network=network or settings.network(),
    )
    return Recordings(
        zego, clock, cache_ttl_seconds=settings.cache_ttl_seconds, thresholds=thresholds_of(settings)
    )


@dataclass(slots=True)
class _Kept:
    """An answer that is kept, and how many details had been read when its rows were last told of them."""

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
        zego.on_seen = self._note_seen
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
            "page": self.zego.page_lookups,
            "details": self.zego.details_lookups,
        }

    async def find(self, question: Question, progress: Callable[[int, int], None] | None = None) -> Page:
        """Answer one screen of a question.

        Equal questions within the time-to-live share one answer, running or finished; the answer says
        when it was taken. A question whose vendor calls fail gets the last good answer, marked, if there
        is one under ten minutes old.

        Raises:
            QueryError: the window means nothing at this moment.
            ZegoError, TooLateError: there is no answer, fresh or old.
        """
        asked, question = question, self._at_a_moment(question)
        key = _answer_key(question)
        if not question.refresh and (kept := self._answers.get(key)):
            self._searches.lookups.kept += 1
            return self._up_to_date(kept)
        try:
            page = await self._searches.get(
                (key, question.refresh), partial(self._answer, question, key), progress
            )
        except (ZegoError, TooLateError) as error:
            if old := self._last_good.get(_last_good_key(asked)):
                self._searches.lookups.stale += 1
                window = replace(old.window, asked_now=False)  # it was taken minutes ago
                return replace(old, failure=str(error), window=window)
            raise
        self._last_good[_last_good_key(asked)] = page
        return page

    def known(self, question: Question) -> Page | None:
        """The answer to an equal question within the time-to-live, at no cost."""
        try:
            kept = None if question.refresh else self._answers[_answer_key(self._at_a_moment(question))]
        except KeyError:
            return None
        self._searches.lookups.kept += kept is not None
        return self._up_to_date(kept) if kept is not None else None

    async def find_all(
        self,
        question: Question,
        progress: Callable[[int, int], None] | None = None,
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
        asking = _asking(Lane.BACKGROUND, EXPORT_PATIENCE_SECONDS)
        page = await self._reader.read(question, asking, progress, everything=True)
        return await self._outcomes.tell(page) if judged else page

    async def details(
        self, task_id: str, *, refresh: bool = False, lane: Lane = Lane.INTERACTIVE
    ) -> RecordingDetails:
        """What the vendor knows of one task, and where its clock is.

        Raises:
            ZegoError: `TaskNotFoundError` for an unknown task or one that began more than 3 days ago.
        """
        not_before_ms = self._now_ms() if refresh else 0
        asking = _asking(lane, PATIENCE_SECONDS)
        details = await self.zego.describe_task(task_id, asking, not_before_ms=not_before_ms)
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
        with suppress(RecordingsError):
            await self._reader.read_newest(
                self._at_a_moment(question), _asking(Lane.BACKGROUND, patience_seconds)
            )

    async def aclose(self) -> None:
        """Stop what is still being looked for and close the vendor's API."""
        await self._searches.stop()
        await self._outcomes.stop()
        await self.zego.aclose()

    async def _answer(self, question: Question, key: Hashable, progress: Callable[[int, int], None]) -> Page:
        details_read = self.zego.details_read
        if question.query.status == Status.ATTENTION:
            page = await self._attention(question, PATIENCE_SECONDS, progress)
        else:
            page = await self._reader.read(question, _asking(Lane.INTERACTIVE, PATIENCE_SECONDS), progress)
            page = await self._outcomes.tell(page)
        self._rooms_seen.remember(row.room_id for row in reversed(page.recordings))
        if not page.recordings and not page.running_before:
            similar = self._rooms_seen.similar(question.query.rooms, SIMILAR_ROOMS)
            page = replace(await self._with_hint(page), similar_rooms=similar)
        self._answers[key] = _Kept(page, details_read)
        return page

    def _up_to_date(self, kept: _Kept) -> Page:
        """An answer that is kept, with what has become known of its rows since; it gets no older by that."""
        if kept.details_read != self.zego.details_read:
            kept.details_read = self.zego.details_read
            if kept.page.question.query.status != Status.ATTENTION:  # which has looked at each of its rows
                kept.page = self._outcomes.with_news(kept.page)
        return kept.page

    async def _with_hint(self, page: Page) -> Page:
        """What else there is, where the lists alone tell it: what needs attention takes details of each."""
        if page.question.query.status == Status.ATTENTION:
            return page
        with suppress(RecordingsError):  # the answer itself is true without the hint
            return await self._reader.look_elsewhere(page, _asking(Lane.INTERACTIVE, HINT_PATIENCE_SECONDS))
        return page

    async def _attention(
        self,
        question: Question,
        patience_seconds: float,
        progress: Callable[[int, int], None] | None,
        *,
        all_rows: bool = False,
    ) -> Page:
        """What needs attention: every row is read, then details in the lane behind people who wait.

        Where the details of several can be read of none, the vendor did not answer.
        """
        asking = _asking(Lane.INTERACTIVE, patience_seconds)
        everything = await self._reader.read(question, asking, everything=True)
        running = await self._outcomes.running(everything)
        asking = _asking(Lane.BACKGROUND, patience_seconds)
        not_before_ms = self._now_ms() if question.refresh else 0
        asked, unreadable = 0, list[ZegoBadAnswerError]()

        async def details_of(task_id: str) -> RecordingDetails:
            nonlocal asked
            asked += 1
            try:
                return await self.zego.describe_task(task_id, asking, not_before_ms=not_before_ms)
            except ZegoBadAnswerError as error:
                unreadable.append(error)
                raise

        page = await keep_what_needs_attention(
            replace(everything, question=question, running=running),
            self._now_ms() + everything.skew_ms,
            details_of,
            progress,
            all_rows=all_rows,
            thresholds=self.thresholds,
        )
        if len(unreadable) == asked > 1:
            raise unreadable[0]
        return page

    def _note_seen(self, seen: Sequence[Recording | RecordingDetails]) -> None:
        """Remember what the vendor sent, whoever asked for it and whether or not it is shown."""
        self._rooms_seen.remember(one.room_id for one in reversed(seen))
        self._tasks_seen.update((one.task_id, None) for one in seen)

    def _at_a_moment(self, question: Question) -> Question:
        """Fill in when it was asked; the same question asked again shortly after means the same moment."""
        if question.asked_ms is not None and not question.refresh:
            return question
        query = question.query
        subject = (query.rooms, query.last_seconds, query.start, query.end, query.tz)
        try:
            asked_ms = None if question.refresh else self._moments[subject]
        except KeyError:
            asked_ms = None
        if asked_ms is None:
            asked_ms = self._moments[subject] = self._now_ms()
        return replace(question, asked_ms=asked_ms, cursor=None if question.refresh else question.cursor)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _asking(lane: Lane, patience_seconds: float) -> Asking:
    deadline = asyncio.get_running_loop().time() + patience_seconds
    return Asking(lane=lane, flow=object(), deadline=deadline)


def _answer_key(question: Question) -> Hashable:
    return (question.query, question.zone, question.asked_ms, question.cursor)


def _last_good_key(asked: Question) -> Hashable:
    """Of the question as it came: one that names its moment is not answered with another's."""
    asked_ms, cursor = (None, None) if asked.refresh else (asked.asked_ms, asked.cursor)
    return (asked.query, asked.zone, asked_ms, cursor)
