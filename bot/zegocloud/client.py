"""The client of the vendor's API: answers from the cache, from an equal call under way, or with retries."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import stamina
from cachetools import LRUCache

from bot.concurrency import Lookups
from bot.errors import (
    InvalidParameterError,
    RecordingsError,
    TaskNotFoundError,
    TaskNotPausedError,
    TaskStoppedError,
    TooLateError,
    ZegoError,
    ZegoUnreachableError,
)
from bot.zegocloud.cache import AnswerCache
from bot.zegocloud.decoding import Received, decode_record_status, decode_tasks, parse_retry_after, parse_skew
from bot.zegocloud.in_flight import Asking, Call, stopping, twin
from bot.zegocloud.limiter import Lane, Sent
from bot.zegocloud.protocol import DescribeRecordStatus, DescribeTasks, TaskFilter, build_request
from bot.zegocloud.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.clock import Clock
    from bot.models import Recording, RecordingDetails, TaskPage, Unreadable
    from bot.network import Network
    from bot.zegocloud.limiter import Limiter


logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_LEAST_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent again, and for how long, counted from the first sending.

    Args:
        attempts: how many times at most.
        attempt_timeout_seconds: how long one sending may take.
        total_seconds: how long all of them may take where a person waits.
        background_total_seconds: the same for background work.
        wait_initial_seconds: the wait before the second attempt; each further one doubles it. Up to as much
            again is added at random.
        wait_max_seconds: the longest of these waits. The vendor's `Retry-After` goes before all of them.
    """

    attempts: int = 3
    attempt_timeout_seconds: float = 4.0
    total_seconds: float = 8.0
    background_total_seconds: float = 30.0
    wait_initial_seconds: float = 0.2
    wait_max_seconds: float = 2.0


async def repeat(
    action: str, call: Call[_T], attempt: Callable[[float], Awaitable[_T]], policy: RetryPolicy
) -> _T:
    """Try until the vendor answers, an error says that it will not help, or the time is used up.

    Args:
        action: what is asked of the vendor, for the log.
        call: whose turns to wait for; it is told of each failure.
        attempt: one try, given how many seconds it may take.
        policy: how often and how long.

    Raises:
        ZegoError: the last one, with the number of tries; for a timeout, with the time since the first.
        TooLateError: the queue in front of the first try is too long for everyone who waits.
    """
    next_wait_seconds = 0.0

    def wait_before_retry(error: Exception) -> bool | float:
        if not isinstance(error, ZegoError) or not error.retryable:
            return False
        if error is call.last_error:
            return False  # raised once more because no time was left for another try
        call.failed(error)
        if not call.wanted:
            return False
        advised_seconds = error.retry_after_seconds
        if max(advised_seconds, next_wait_seconds) >= _seconds_left(call, policy):
            return False
        return advised_seconds or True

    retries = stamina.retry_context(
        on=wait_before_retry,
        attempts=policy.attempts,
        timeout=None,
        wait_initial=policy.wait_initial_seconds,
        wait_max=policy.wait_max_seconds,
        wait_jitter=policy.wait_initial_seconds,
    )
    try:
        async for one in retries:
            next_wait_seconds = one.next_wait
            with one:
                return await _try(call, attempt, policy)
    except ZegoError as error:
        error.tries = call.tries
        if isinstance(error, ZegoUnreachableError):
            error.seconds = call.seconds_sent
        if call.tries > 1:
            logger.warning(
                "%(action)s failed %(tries)d times in %(seconds).1f s: %(error)s",
                {"action": action, "tries": call.tries, "seconds": call.seconds_sent, "error": str(error)},
            )
        raise
    raise AssertionError("stamina raises the last error")


async def _try(call: Call[_T], attempt: Callable[[float], Awaitable[_T]], policy: RetryPolicy) -> _T:
    try:
        call.check()
    except TooLateError:
        if call.last_error is not None:
            raise call.last_error from None
        raise
    async with call.turn():
        seconds = min(policy.attempt_timeout_seconds, _seconds_left(call, policy))
        if seconds <= 0 and call.last_error is not None:
            raise call.last_error
        return await attempt(max(seconds, _LEAST_SECONDS))


def _seconds_left(call: Call[_T], policy: RetryPolicy) -> float:
    total = policy.background_total_seconds if call.lane is Lane.BACKGROUND else policy.total_seconds
    left = total - call.seconds_sent
    if call.deadline is None:
        return left
    return min(left, call.deadline - asyncio.get_running_loop().time())


__all__ = ["Asking", "RetryPolicy", "ZegoClient"]

_ABOUT_THE_QUESTION = (InvalidParameterError, TaskNotFoundError, TaskNotPausedError, TaskStoppedError)

HOUR_MS = 3_600_000

PROBE_SECONDS = 20.0
"""How long a look whether the vendor answers again may take."""
_SHORT_LIST_MS = 60_000

ANYBODY = Asking()
"""Somebody who waits as long as it takes."""

USUAL_RETRIES = RetryPolicy()

MOST_TOLD = 1_000
"""Of how many rows and files it is known that the log has them: each is there once, and not at every look."""


_K = TypeVar("_K")


class ZegoClient:
    """Asks the vendor's API, seldom and politely.

    An answer comes from the cache, from an equal call under way, or from a request of its own that waits for
    its turn, is signed when it leaves and is repeated where that can help. Nothing is opened before the first
    question. Errors are never kept.

    Args:
        app_id: the AppId.
        server_secret: the ServerSecret.
        base_url: the API's address, with or without a path and a slash behind it.
        limiter: the budget that all calls share.
        clock: wall-clock time for signatures and `as_of_ms`, elapsed time for the cache.
        cache_ttl_seconds: how long an answer is good for.
        retry: when to send again.
        network: proxies and certificates.

    Attributes:
        last_ok_ms: when the vendor last answered well (Unix ms); also with an error about the question alone.
        failure: what failed last, after all retries; None once the vendor has answered well again.
        on_call: told of every request that was sent.
        on_unreadable: told how many rows (`recording`) or files (`file`) of an answer could not be read.
        on_seen: told of every task in an answer, in the answer's order; not again where the answer is kept.
        page_lookups, details_lookups: how often an answer was at hand.
        details_read: how many details were read so far: says whether there can be any news of them.
    """

    def __init__(
        self,
        *,
        app_id: int,
        server_secret: str,
        base_url: str,
        limiter: Limiter,
        clock: Clock,
        cache_ttl_seconds: float = 15,
        retry: RetryPolicy = USUAL_RETRIES,
        network: Network | None = None,
    ) -> None:
        self._transport = Transport(base_url, limiter.permits.permits, network)
        self._app_id = app_id
        self._server_secret = server_secret
        self._limiter = limiter
        self._clock = clock
        self._retry = retry
        self._cache = AnswerCache(clock, cache_ttl_seconds)
        self._pages_under_way: dict[DescribeTasks, Call[TaskPage]] = {}
        self._details_under_way: dict[DescribeRecordStatus, Call[RecordingDetails]] = {}
        self._calls: set[Call[Any]] = set()
        self._closed = False
        self._measured: tuple[float, float, float] | None = None
        self.last_ok_ms: int | None = None
        self.failure: ZegoError | None = None
        self.on_call: Callable[[Sent], None] | None = None
        self.on_unreadable: Callable[[str, int], None] | None = None
        self.on_seen: Callable[[Sequence[Recording | RecordingDetails]], None] | None = None
        self.page_lookups, self.details_lookups = Lookups(), Lookups()
        self.details_read = 0
        self._told: LRUCache[str, None] = LRUCache(MOST_TOLD)

    def __repr__(self) -> str:
        return f"ZegoClient(app_id={self._app_id}, host={self._transport.host!r})"

    @property
    def skew_seconds(self) -> float | None:
        """The vendor's clock minus this one at this moment; None before the first answer.

        The last `Date` header (which has whole seconds) told the vendor's moment, and elapsed time has gone
        on from there: that this clock was set meanwhile shows at once, without another call.
        """
        if self._measured is None:
            return None
        skew_seconds, at, elapsed_at = self._measured
        return skew_seconds + (self._clock.monotonic() - elapsed_at) - (self._clock.now() - at)

    @property
    def measured_seconds_ago(self) -> float | None:
        """Elapsed seconds since the vendor's clock was last seen; None before the first answer."""
        return None if self._measured is None else self._clock.monotonic() - self._measured[2]

    async def measure_clock(self, asking: Asking) -> None:
        """See where the vendor's clock is, by one short list; a refusal tells it as well.

        Nothing is known afterwards where the vendor does not answer before the asker's deadline.
        """
        now_ms = self._now_ms()
        question = DescribeTasks(TaskFilter.ONGOING, now_ms - _SHORT_LIST_MS, now_ms)
        with suppress(ZegoError, TooLateError):
            await self.list_tasks(question, asking, not_before_ms=now_ms)

    async def prepare(self) -> None:
        """Load what the first question would have to wait for. No request is sent."""
        await self._transport.prepare()

    def waiting(self, lane: Lane) -> int:
        """How many requests wait for their turn in a lane."""
        return self._limiter.waiting(lane)

    @property
    def sending(self) -> int:
        """How many requests are on their way now."""
        return self._transport.in_flight

    async def list_tasks(
        self,
        request: DescribeTasks,
        asking: Asking = ANYBODY,
        *,
        not_before_ms: int = 0,
    ) -> TaskPage:
        """One page of tasks.

        Args:
            request: what to ask.
            asking: who waits, and how long.
            not_before_ms: an answer taken before this moment (Unix ms) is not good enough.

        Raises:
            TooLateError: not finished before the asker's deadline.
            ZegoError: what the vendor answered, or why it did not.
        """
        page = self._cache.page(request, not_before_ms)
        if page is not None:
            self.page_lookups.kept += 1
            return page
        call = self._pages_under_way.get(request)
        if call is None or not call.serves(not_before_ms):
            self.page_lookups.fetched += 1
            call = self._begin(self._pages_under_way, request, self._fetch_page, asking)
        else:
            self.page_lookups.joined += 1
            logger.debug("Joined DescribeTasks of %s", call.reference or "nobody")
        return await call.wait(asking)

    async def describe_task(
        self,
        task_id: str,
        asking: Asking = ANYBODY,
        *,
        not_before_ms: int = 0,
    ) -> RecordingDetails:
        """One task with its files. Arguments and errors are those of `list_tasks`."""
        request = DescribeRecordStatus(task_id)
        details = self._cache.details(request, not_before_ms)
        if details is not None:
            self.details_lookups.kept += 1
            return details
        call = self._details_under_way.get(request)
        if call is None or not call.serves(not_before_ms):
            self.details_lookups.fetched += 1
            call = self._begin(self._details_under_way, request, self._fetch_details, asking)
        else:
            self.details_lookups.joined += 1
            logger.debug("Joined DescribeRecordStatus of %s", call.reference or "nobody")
        return await call.wait(asking)

    def known_lately(self, task_id: str) -> RecordingDetails | None:
        """What somebody has been told of a task lately, at no cost."""
        return self._cache.known_lately(DescribeRecordStatus(task_id))

    async def probe(self) -> None:
        """Ask the cheapest question, behind everyone who waits; `failure` tells what came of it."""
        now_ms = self._now_ms()
        deadline = asyncio.get_running_loop().time() + PROBE_SECONDS
        asking = Asking(lane=Lane.BACKGROUND, flow=object(), deadline=deadline)
        with suppress(RecordingsError):
            await self.list_tasks(DescribeTasks(TaskFilter.ONGOING, now_ms - HOUR_MS, now_ms), asking)

    async def aclose(self) -> None:
        """End what waits, break off what is being sent, close the connections."""
        self._closed = True
        ending = [call.stop() for call in self._calls]
        await self._transport.aclose()
        if ending:
            await asyncio.wait(ending)

    def _begin(
        self,
        calls: dict[_K, Call[_T]],
        request: _K,
        fetch: Callable[[_K, Call[_T]], Awaitable[_T]],
        asking: Asking,
    ) -> Call[_T]:
        if self._closed:
            raise stopping()
        call = Call(self._limiter, asking, partial(fetch, request), partial(self._forget, calls, request))
        calls[request] = call
        self._calls.add(call)
        return call

    def _forget(self, calls: dict[_K, Call[_T]], request: _K, call: Call[_T]) -> None:
        self._calls.discard(call)
        if calls.get(request) is call:
            del calls[request]

    async def _fetch_page(self, request: DescribeTasks, call: Call[TaskPage]) -> TaskPage:
        async def attempt(seconds: float) -> TaskPage:
            status, content, received = await self._send_once(request, call, seconds)
            return decode_tasks(status, content, page=request.page, received=received)

        page = await self._fetch("DescribeTasks", call, attempt)
        self._cache.keep_page(request, page)
        if self.on_seen:
            self.on_seen(page.recordings)
        self._note_unreadable("recording", page.unreadable)
        return page

    async def _fetch_details(
        self, request: DescribeRecordStatus, call: Call[RecordingDetails]
    ) -> RecordingDetails:
        async def attempt(seconds: float) -> RecordingDetails:
            status, content, received = await self._send_once(request, call, seconds)
            return decode_record_status(status, content, task_id=request.task_id, received=received)

        details = await self._fetch("DescribeRecordStatus", call, attempt)
        self._cache.keep_details(request, details)
        self.details_read += 1
        if self.on_seen:
            self.on_seen((details,))
        self._note_unreadable("file", details.unreadable)
        return details

    def _note_unreadable(self, kind: str, unreadable: Sequence[Unreadable]) -> None:
        if unreadable and self.on_unreadable:
            self.on_unreadable(kind, len(unreadable))
        for one in unreadable:
            if one.identity not in self._told:
                self._told[one.identity] = None
                logger.warning(
                    "ZEGOCLOUD sent a %s that cannot be read, of task %s: %s",
                    kind,
                    one.task_id or "unknown",
                    one.why,
                )

    async def _fetch(self, action: str, call: Call[_T], attempt: Callable[[float], Awaitable[_T]]) -> _T:
        async def noted(seconds: float) -> _T:
            began, code = time.perf_counter(), "0"
            try:
                return await attempt(seconds)
            except ZegoError as error:
                code = str(error.code) if error.code else error.__class__.__name__
                raise
            except BaseException:
                code = "broken_off"
                raise
            finally:
                took_seconds = time.perf_counter() - began
                sent = Sent(action, code, took_seconds, call.waited_seconds, call.lane, call.tries)
                sent.tell(self.on_call)

        try:
            answer = await repeat(action, call, noted, self._retry)
        except ZegoError as error:
            if isinstance(error, _ABOUT_THE_QUESTION):
                self._note_that_it_answers()
            else:
                self.failure = twin(error)
            raise
        self._note_that_it_answers()
        return answer

    def _note_that_it_answers(self) -> None:
        self.last_ok_ms, self.failure = self._now_ms(), None

    async def _send_once(
        self, request: DescribeTasks | DescribeRecordStatus, call: Call[_T], seconds: float
    ) -> tuple[int, bytes, Received]:
        sent = self._clock.now()
        call.sending(int(sent * 1000))
        signed = build_request(
            request,
            app_id=self._app_id,
            server_secret=self._server_secret,
            nonce=secrets.token_hex(8),
            timestamp=int(sent),
        )
        answer = await self._transport.send(signed, seconds, lambda: self._limiter.permits.may_send)
        answered = self._clock.now()
        skew_seconds = parse_skew(answer.date, sent, answered)
        if skew_seconds is not None:
            self._measured = skew_seconds, answered, self._clock.monotonic()
        received = Received(
            as_of_ms=int(sent * 1000),
            retry_after_seconds=parse_retry_after(answer.retry_after, answered),
            skew_seconds=skew_seconds,
        )
        return answer.status, answer.content, received

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)
