"""The limiter: at most so many requests reach the vendor in any second, people before background work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from bot.errors import TooLateError
from bot.zegocloud.fair_queue import FairQueue, Lane
from bot.zegocloud.permits import LocalPermits

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import TracebackType

    from bot.zegocloud.permits import Permit, Permits

__all__ = ["Lane", "Limiter", "Turn"]


class Turn:
    """One call's place in the queue, then its permit: `async with limiter.turn(...) as turn`."""

    __slots__ = ("_limiter", "deadline", "flow", "granted", "lane", "permit", "waited_seconds")

    def __init__(self, limiter: Limiter, lane: Lane, flow: Hashable, deadline: float | None) -> None:
        self._limiter = limiter
        self.lane = lane
        self.flow = flow
        self.deadline = deadline
        self.granted: asyncio.Future[Permit] | None = None
        self.permit: Permit | None = None
        self.waited_seconds = 0.0

    @property
    def ahead(self) -> int:
        """How many calls go first, as things stand; 0 when it does not wait."""
        return self._limiter.ahead(self)

    def promote(self, lane: Lane, flow: Hashable) -> None:
        """Wait in another lane from now on, behind those of `flow` that wait there already."""
        self._limiter.move(self, lane, flow)

    async def __aenter__(self) -> Self:
        await self._limiter.acquire(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limiter.release(self)


class Limiter:
    """Hands permits out to the calls that wait, fairly. All times are the event loop's.

    Args:
        permits: how many requests a window may hold, for this process alone; or where permits come from.
        hold_seconds: the window's length, for this process alone: 1 for the vendor's "requests a second".
        max_waiting: how many may wait before new ones are refused.
    """

    def __init__(
        self, permits: int | Permits, *, hold_seconds: float = 1.0, max_waiting: int = 10_000
    ) -> None:
        self._permits = LocalPermits(permits, hold_seconds) if isinstance(permits, int) else permits
        self._permits.on_free = self._grant
        self._max_waiting = max_waiting
        self._queue: FairQueue[Turn] = FairQueue()
        self._permits.waiting = self._queue.waiting

    @property
    def permits(self) -> int:
        """How many requests a window may hold."""
        return self._permits.permits

    @property
    def in_use(self) -> int:
        """Permits that are with a call, or held back after one."""
        return self._permits.in_use

    def waiting(self, lane: Lane | None = None) -> int:
        """How many calls wait for a turn, in one lane or in all."""
        return len(self._queue) if lane is None else self._queue.waiting(lane)

    def turn(self, lane: Lane, flow: Hashable = None, deadline: float | None = None) -> Turn:
        """One call's turn, to be entered with `async with`.

        Args:
            lane: a person waiting, or background work.
            flow: the question it belongs to; flows of one lane take turns. None is a flow like any other.
            deadline: event-loop time after which nobody waits any more.

        Raises:
            TooLateError: on entering; at once where the queue in front makes the deadline impossible or is
                full, else at the deadline.
        """
        return Turn(self, lane, flow, deadline)

    def check(self, lane: Lane, flow: Hashable, deadline: float | None) -> None:
        """Refuse a call that cannot have its turn before its deadline, even if every answer came at once.

        Raises:
            TooLateError: with the number of calls in front.
        """
        if len(self._queue) >= self._max_waiting:
            raise TooLateError(0.0, ahead=len(self._queue))
        if deadline is None:
            return
        now = asyncio.get_running_loop().time()
        ahead = self._queue.ahead(lane, flow)
        if self._permits.earliest(ahead, now) > deadline:
            raise TooLateError(max(0.0, deadline - now), ahead=ahead)

    async def acquire(self, turn: Turn) -> None:
        """Wait until `turn` has a permit; every permit must be given back by `release`.

        Raises:
            TooLateError: as `turn` says.
        """
        self.check(turn.lane, turn.flow, turn.deadline)
        loop = asyncio.get_running_loop()
        began = loop.time()
        if turn.lane is Lane.INTERACTIVE or not len(self._queue):  # else others of its lane go first
            turn.permit = self._permits.take(turn.lane)
            if turn.permit is not None:
                self._permits.use(turn.lane)
                self._queue.had_turn(turn.flow)
                return
        granted = turn.granted = loop.create_future()
        self._queue.push(turn)
        timer = None
        if turn.deadline is not None:
            timer = loop.call_at(turn.deadline, self._expire, turn, began)
        self._permits.ask(turn.lane)
        try:
            turn.permit = await granted
        except BaseException:
            # A task cancelled in the loop turn of its grant has the permit although the wait says otherwise.
            if not self._queue.remove(turn) and _has_permit(granted):
                self._permits.give_up(granted.result())
            raise
        finally:
            turn.granted = None
            turn.waited_seconds = loop.time() - began
            if timer is not None:
                timer.cancel()

    def release(self, turn: Turn) -> None:
        """The call has ended: its permit comes back when the window is over."""
        if turn.permit is not None:
            self._permits.give_back(turn.permit)
            turn.permit = None

    def move(self, turn: Turn, lane: Lane, flow: Hashable) -> None:
        """Let a turn wait elsewhere; one that does not wait only changes its words."""
        waits = self._queue.remove(turn)
        turn.lane, turn.flow = lane, flow
        if waits:
            self._queue.push(turn)
            self._grant()
            self._permits.ask(lane)

    def ahead(self, turn: Turn) -> int:
        """How many go before a turn, as things stand; 0 when it does not wait."""
        if turn.granted is None or turn.granted.done():
            return 0
        return self._queue.ahead(turn.lane, turn.flow, turn)

    def start(self) -> None:
        """Be ready before the first call: what replicas share is known to them then."""
        self._permits.start()

    async def aclose(self) -> None:
        """Give back every permit. Nobody may wait any more."""
        await self._permits.aclose()

    def _expire(self, turn: Turn, began: float) -> None:
        if turn.granted is not None and not turn.granted.done():
            waited_seconds = asyncio.get_running_loop().time() - began
            turn.granted.set_exception(TooLateError(waited_seconds, ahead=self.ahead(turn)))
            self._queue.remove(turn)

    def _grant(self) -> None:
        """Let through as many as there are permits."""
        while len(self._queue):
            lane = Lane.INTERACTIVE if self._queue.waiting(Lane.INTERACTIVE) else Lane.BACKGROUND
            permit = self._permits.take(lane)
            if permit is None:
                return
            turn = self._next(permit)
            if turn is None or turn.granted is None:
                self._permits.give_up(permit)
                return
            self._permits.use(turn.lane)
            self._queue.had_turn(turn.flow)
            turn.granted.set_result(permit)

    def _next(self, permit: Permit) -> Turn | None:
        while len(self._queue):
            turn = self._queue.pop(permit.lane)
            # A waiter cancelled in this loop turn stands in the queue until its task runs.
            if turn.granted is not None and not turn.granted.done():
                return turn
        return None


def _has_permit(granted: asyncio.Future[Permit]) -> bool:
    return granted.done() and not granted.cancelled() and granted.exception() is None
