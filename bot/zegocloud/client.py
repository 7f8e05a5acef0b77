"""The client of the vendor's API: answers from the cache, from an equal call under way, or with retries."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import stamina
from cachetools import LRUCache, TLRUCache

from bot.concurrency import Flight, Lookups, SingleFlight, twin
from bot.errors import (
    InvalidParameterError,
    TaskNotFoundError,
    TaskNotPausedError,
    TaskStoppedError,
    TooLateError,
    ZegoError,
    ZegoUnreachableError,
)
from bot.models import RecordingDetails, TaskPage
from bot.zegocloud.decoding import Received, parse_retry_after, parse_skew
from bot.zegocloud.limiter import ANYBODY, Lane, Priority
from bot.zegocloud.protocol import DescribeTasks, Request, TaskFilter, build_request
from bot.zegocloud.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.clock import Clock
    from bot.errors import RecordingsError
    from bot.models import Unreadable
    from bot.network import Network
    from bot.zegocloud.limiter import Limiter, Slot

logger = logging.getLogger(__name__)

T = TypeVar("T")
Answer = TaskPage | RecordingDetails


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent again, and for how long, counted from the first sending.

    Attributes:
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


USUAL_RETRIES = RetryPolicy()

LEAST_SECONDS = 0.25
"""What a sending gets at least, once it has its turn."""


class Call(Flight[T]):
    """One request under way, whoever waits for it: its place in the queue, and what became of each try.

    It is cancelled only while nothing is being sent: what was sent still fills the cache.

    Attributes:
        priority: the lane of whoever goes first, and the deadline of whoever waits longest.
        sent_ms: when what is being sent now left (Unix ms).
        last_error: of the last try.
    """

    def __init__(self, limiter: Limiter, priority: Priority) -> None:
        super().__init__()
        self._limiter = limiter
        self._slot: Slot | None = None
        self._first_sent: float | None = None
        self.priority = priority
        self.sent_ms: int | None = None
        self.tries = 0
        self.last_error: ZegoError | None = None

    @property
    def may_stop(self) -> bool:
        """Whether nothing is being sent."""
        return self.sent_ms is None

    @property
    def wanted(self) -> bool:
        """Whether another try is worth it."""
        return self.waiting > 0 and not self.stopped

    @property
    def seconds_sent(self) -> float:
        """How long ago the first request left; 0 when none has."""
        return 0.0 if self._first_sent is None else asyncio.get_running_loop().time() - self._first_sent

    @property
    def waited_seconds(self) -> float:
        """How long the last try waited for its turn."""
        return self._slot.waited_seconds if self._slot else 0.0

    def serves(self, not_before_ms: int) -> bool:
        """Whether its answer will be from `not_before_ms` on: it is yet to be sent, or was sent since."""
        return self.sent_ms is None or self.sent_ms >= not_before_ms

    async def answer(self, priority: Priority) -> T:
        """Wait for the answer as one of those who asked. Errors are those of `ZegoClient.ask`."""
        old = self.priority
        longest = None
        if old.deadline is not None and priority.deadline is not None:
            longest = max(old.deadline, priority.deadline)
        goes_first = priority if priority.lane < old.lane else old
        self.priority = replace(goes_first, deadline=longest)
        if goes_first is not old and self._slot is not None:
            self._slot.promote(priority)
        return await self.wait(deadline=priority.deadline)

    def slot(self) -> Slot:
        """The place in the queue for the next sending.

        Raises:
            TooLateError: the queue is too long for everyone who waits.
        """
        self._limiter.check(self.priority)
        self._slot = self._limiter.slot(self.priority)
        return self._slot

    def sending(self, now_ms: int) -> None:
        """A request leaves now (Unix ms)."""
        self.sent_ms = now_ms
        self.tries += 1
        if self._first_sent is None:
            self._first_sent = asyncio.get_running_loop().time()

    def failed(self, error: ZegoError) -> None:
        """The try failed; whoever comes before the next one may join."""
        self.sent_ms = None
        self.last_error = error

    def too_late(self, waited_seconds: float) -> RecordingsError:
        """What took most of the time: the queue, or the vendor."""
        if self.seconds_sent * 2 < waited_seconds or self._first_sent is None:
            return TooLateError(waited_seconds, ahead=self._slot.ahead if self._slot else 0)
        if self.last_error is not None and self.sent_ms is None:
            return twin(self.last_error)
        return ZegoUnreachableError("no answer in time", seconds=self.seconds_sent, tries=self.tries)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to the vendor, for the log and the metrics.

    Attributes:
        action: the vendor's name for it.
        code: the vendor's, `0` when all was well; the error's class where there was no code.
        seconds: from sending it to its answer.
        waited_seconds: how long it had waited for its turn.
        lane: where it waited.
        attempt: the attempt number of its call, from 1.
    """

    action: str
    code: str
    seconds: float
    waited_seconds: float
    lane: Lane
    attempt: int


MOST_ANSWERS = 8_192
"""How many answers are kept."""

MOST_REPORTED = 1_000
"""How many unreadable rows and files are remembered, so that the log has each once, and not at every look."""

HOUR_MS = 3_600_000
PROBE_SECONDS = 20.0

_ABOUT_THE_QUESTION = (InvalidParameterError, TaskNotFoundError, TaskNotPausedError, TaskStoppedError)


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
        network: proxies and certificates.
        cache_ttl_seconds: how long an answer is good for.
        retry: when to send again.

    Attributes:
        last_ok_ms: when the vendor last answered well (Unix ms); also with an error about the question alone.
        failure: what failed last, after all retries; None once the vendor has answered well again.
        on_call: called with every request that was sent.
        on_answer: called with every answer that was fetched; not again where it comes from the cache.
        on_unreadable: called with how many rows (`recording`) or files (`file`) of an answer can't be read.
        lookups: how often an answer was at hand, by action.
    """

    def __init__(
        self,
        *,
        app_id: int,
        server_secret: str,
        base_url: str,
        limiter: Limiter,
        clock: Clock,
        network: Network,
        cache_ttl_seconds: float = 15,
        retry: RetryPolicy = USUAL_RETRIES,
    ) -> None:
        self._transport = Transport(base_url, limiter.permits.permits, network)
        self._app_id = app_id
        self._server_secret = server_secret
        self._limiter = limiter
        self._clock = clock
        self._ttl_seconds = cache_ttl_seconds
        self._retry = retry
        self._cache: TLRUCache[Request[Any], Any] = TLRUCache(MOST_ANSWERS, self._expires, clock.monotonic)
        self._calls: SingleFlight[Any] = SingleFlight()
        self._measured: tuple[float, float, float] | None = None
        self._reported: LRUCache[str, None] = LRUCache(MOST_REPORTED)
        self.last_ok_ms: int | None = None
        self.failure: ZegoError | None = None
        self.on_call: Callable[[Sent], None] | None = None
        self.on_answer: Callable[[Answer], None] | None = None
        self.on_unreadable: Callable[[str, int], None] | None = None
        self.lookups: defaultdict[str, Lookups] = defaultdict(Lookups)

    def __repr__(self) -> str:
        return f"ZegoClient(app_id={self._app_id}, host={self._transport.host!r})"

    @property
    def skew_seconds(self) -> float | None:
        """The vendor's clock minus this one at this moment; None before the first answer.

        The last `Date` header (which has whole seconds) gave the vendor's time, and elapsed time is added to
        it: so it shows at once when this clock was set meanwhile, without another call.
        """
        if self._measured is None:
            return None
        skew_seconds, at, elapsed_at = self._measured
        return skew_seconds + (self._clock.monotonic() - elapsed_at) - (self._clock.now() - at)

    @property
    def measured_seconds_ago(self) -> float | None:
        """Elapsed seconds since the vendor's clock was last seen; None before the first answer."""
        return None if self._measured is None else self._clock.monotonic() - self._measured[2]

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

    async def ask(self, request: Request[T], priority: Priority = ANYBODY, *, not_before_ms: int = 0) -> T:
        """The answer to a request.

        Args:
            request: what to ask.
            priority: who waits, and how long.
            not_before_ms: an answer taken before this moment (Unix ms) is not good enough.

        Raises:
            TooLateError: not finished before the deadline, or it can't be.
            ZegoError: what the vendor answered, or why it did not.
        """
        lookups = self.lookups[request.action]
        kept: T | None = self._kept(request, not_before_ms)
        if kept is not None:
            lookups.kept += 1
            return kept
        call = self._calls.find(request)
        if isinstance(call, Call) and call.serves(not_before_ms):
            lookups.joined += 1
            logger.debug("Joined %s of %s", request.action, call.reference)
        else:
            lookups.fetched += 1
            call = Call(self._limiter, priority)
            self._calls.begin(request, call, partial(self._fetch, request, call))
        answer: T = await call.answer(priority)
        return answer

    async def probe(self, priority: Priority | None = None) -> TaskPage:
        """Ask the cheapest question, which shows whether the vendor answers, and where its clock is.

        By default it goes behind everyone who waits. Errors are those of `ask`.
        """
        now_ms = self._now_ms()
        return await self.ask(
            DescribeTasks(TaskFilter.ONGOING, now_ms - HOUR_MS, now_ms),
            priority or Priority.within(PROBE_SECONDS, Lane.BACKGROUND),
            not_before_ms=now_ms,
        )

    async def aclose(self) -> None:
        """End what waits, break off what is being sent, close the connections."""
        ending = self._calls.stop()
        await self._transport.aclose()
        await ending

    def _kept(self, request: Request[T], not_before_ms: int) -> T | None:
        answer = self._cache.get(request)
        return answer if answer is not None and answer.as_of_ms >= not_before_ms else None

    def _expires(self, request: Request[Any], answer: Any, now: float) -> float:
        return now + request.lifetime_seconds(answer, self._ttl_seconds)

    async def _fetch(self, request: Request[T], call: Call[T]) -> T:
        try:
            answer: Any = await self._send(request, call)
        except ZegoError as error:
            if isinstance(error, _ABOUT_THE_QUESTION):
                self.last_ok_ms, self.failure = self._now_ms(), None
            else:
                self.failure = twin(error)
            raise
        self.last_ok_ms, self.failure = self._now_ms(), None
        if self._kept(request, answer.as_of_ms + 1) is None:
            self._cache[request] = answer
        if self.on_answer:
            self.on_answer(answer)
        self._note_unreadable(request.part, answer.unreadable)
        fetched: T = answer
        return fetched

    def _note_unreadable(self, part: str, unreadable: tuple[Unreadable, ...]) -> None:
        if unreadable and self.on_unreadable:
            self.on_unreadable(part, len(unreadable))
        for one in unreadable:
            if one.identity not in self._reported:
                self._reported[one.identity] = None
                logger.warning(
                    "ZEGOCLOUD sent a %s that cannot be read, of task %s: %s",
                    part,
                    one.task_id or "unknown",
                    one.why,
                )

    async def _send(self, request: Request[T], call: Call[T]) -> T:
        """Send until the vendor answers, an error says that it will not help, or the time is used up.

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
            if max(advised_seconds, next_wait_seconds) >= self._seconds_left(call):
                return False
            return advised_seconds or True

        retries = stamina.retry_context(
            on=wait_before_retry,
            attempts=self._retry.attempts if request.repeatable else 1,
            timeout=None,
            wait_initial=self._retry.wait_initial_seconds,
            wait_max=self._retry.wait_max_seconds,
            wait_jitter=self._retry.wait_initial_seconds,
        )
        try:
            async for one in retries:
                next_wait_seconds = one.next_wait
                with one:
                    return await self._try(request, call)
        except ZegoError as error:
            error.tries = call.tries
            if isinstance(error, ZegoUnreachableError):
                error.seconds = call.seconds_sent
            if call.tries > 1:
                logger.warning(
                    "%(action)s failed %(tries)d times in %(seconds).1f s: %(error)s",
                    {
                        "action": request.action,
                        "tries": call.tries,
                        "seconds": call.seconds_sent,
                        "error": str(error),
                    },
                )
            raise
        raise AssertionError("stamina raises the last error")

    async def _try(self, request: Request[T], call: Call[T]) -> T:
        try:
            slot = call.slot()
        except TooLateError:
            if call.last_error is not None:
                raise call.last_error from None
            raise
        async with slot:
            seconds = min(self._retry.attempt_timeout_seconds, self._seconds_left(call))
            if seconds <= 0 and call.last_error is not None:
                raise call.last_error
            began, code = time.perf_counter(), "0"
            try:
                return await self._send_once(request, call, max(seconds, LEAST_SECONDS))
            except ZegoError as error:
                code = str(error.code) if error.code else error.__class__.__name__
                raise
            except BaseException:
                code = "broken_off"
                raise
            finally:
                self._note_sent(request.action, code, time.perf_counter() - began, call)

    def _seconds_left(self, call: Call[T]) -> float:
        background = call.priority.lane is Lane.BACKGROUND
        total = self._retry.background_total_seconds if background else self._retry.total_seconds
        left = total - call.seconds_sent
        if call.priority.deadline is None:
            return left
        return min(left, call.priority.deadline - asyncio.get_running_loop().time())

    async def _send_once(self, request: Request[T], call: Call[T], seconds: float) -> T:
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
        return request.decode(answer.status, answer.content, received)

    def _note_sent(self, action: str, code: str, seconds: float, call: Call[T]) -> None:
        """Log a request at DEBUG, under the reference of whoever asked first, and have it counted."""
        sent = Sent(action, code, seconds, call.waited_seconds, call.priority.lane, call.tries)
        if self.on_call:
            self.on_call(sent)
        logger.debug(
            "%(action)s: code %(code)s in %(ms).0f ms, waited %(waited_ms).0f ms, attempt %(attempt)d",
            {
                "action": sent.action,
                "code": sent.code,
                "ms": round(sent.seconds * 1000, 1),
                "waited_ms": round(sent.waited_seconds * 1000, 1),
                "attempt": sent.attempt,
            },
        )

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)
