"""When a call to the vendor is tried again: each try waits for its own turn and is signed anew."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import stamina

from bot.errors import TooLateError, ZegoError, ZegoUnreachableError
from bot.zegocloud.limiter import Lane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.zegocloud.calls import Call

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
