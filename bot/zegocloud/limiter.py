"""What is told of every request that was sent: to the log, and to whoever counts them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from cachetools import LRUCache

from bot.errors import TooLateError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable
    from types import TracebackType

logger = logging.getLogger(__name__)


BACKGROUND_SHARE = 20
"""While both lanes wait, every 20th turn goes to the background lane, so that it never starves."""

USUAL_TURNS = 6
"""As many calls as a screen of an answer takes at most, one after the other: 2 in most cases."""

FLOWS_KNOWN = 10_000


class Lane(IntEnum):
    """Who waits. A lower number goes first."""

    INTERACTIVE = 0
    BACKGROUND = 1


class Waiting(Protocol):
    """What stands in the queue: in a lane, as part of a flow."""

    lane: Lane
    flow: Hashable


_T = TypeVar("_T", bound=Waiting)


class FairQueue(Generic[_T]):
    """Who waits, in the order of their turns: lane by lane, and inside a lane one of each flow in turn.

    A flow that had its turn and comes back with its next call goes before those that have not begun: where
    more is asked than can be answered, some get a whole answer in time, instead of everybody half of one.
    """

    def __init__(self) -> None:
        self._turns_had: LRUCache[Hashable, int] = LRUCache(FLOWS_KNOWN)
        self._lanes: dict[Lane, OrderedDict[Hashable, OrderedDict[_T, None]]] = {
            lane: OrderedDict() for lane in Lane
        }
        self._waiting = dict.fromkeys(Lane, 0)
        self._passed_over = 0

    def __len__(self) -> int:
        return sum(self._waiting.values())

    def waiting(self, lane: Lane) -> int:
        """How many wait in a lane."""
        return self._waiting[lane]

    def push(self, turn: _T) -> None:
        """Put a turn at the end of its flow."""
        flows = self._lanes[turn.lane]
        goes_first = self._goes_first(turn.flow, flows)
        flows.setdefault(turn.flow, OrderedDict())[turn] = None
        if goes_first:
            flows.move_to_end(turn.flow, last=False)
        self._waiting[turn.lane] += 1

    def had_turn(self, flow: Hashable) -> None:
        """Note that a call of a flow has its turn."""
        if flow is not None:
            self._turns_had[flow] = self._turns_had.get(flow, 0) + 1

    def _goes_first(self, flow: Hashable, flows: Container[Hashable]) -> bool:
        """Whether a call that comes now belongs to a flow that has begun and is not a long one."""
        return flow not in flows and 0 < self._turns_had.get(flow, 0) < USUAL_TURNS

    def remove(self, turn: _T) -> bool:
        """Take a turn out, wherever it stands; False when it does not wait."""
        flows = self._lanes[turn.lane]
        members = flows.get(turn.flow)
        if members is None or turn not in members:
            return False
        del members[turn]
        if not members:
            del flows[turn.flow]
        self._waiting[turn.lane] -= 1
        return True

    def pop(self, lane: Lane | None = None) -> _T:
        """Take out the turn that comes next, of this lane if somebody waits there. The queue is not empty."""
        if lane is None or not self._waiting[lane]:
            lane = self._next_lane()
        flow, members = next(iter(self._lanes[lane].items()))
        turn = next(iter(members))
        self.remove(turn)
        if members:
            self._lanes[lane].move_to_end(flow)
        return turn

    def _next_lane(self) -> Lane:
        if not self._waiting[Lane.BACKGROUND]:
            return Lane.INTERACTIVE
        self._passed_over += 1
        if self._waiting[Lane.INTERACTIVE] and self._passed_over < BACKGROUND_SHARE:
            return Lane.INTERACTIVE
        self._passed_over = 0
        return Lane.BACKGROUND

    def ahead(self, lane: Lane, flow: Hashable, turn: _T | None = None) -> int:
        """How many go before `turn`, or before one that would join `flow` now, if nobody else comes."""
        flows = self._lanes[lane]
        members = flows.get(flow, ())
        place = len(members) if turn is None else list(members).index(turn)
        count, rotates_first = place, 0 if turn is None and self._goes_first(flow, flows) else 1
        if flow not in flows:  # the usual case, and there may be thousands in front
            count += len(flows) * rotates_first
        else:
            for name, others in flows.items():
                if name == flow:
                    rotates_first = 0
                else:
                    count += min(len(others), place + rotates_first)
        if lane is Lane.BACKGROUND:
            count += min(self._waiting[Lane.INTERACTIVE], (BACKGROUND_SHARE - 1) * (count + 1))
        return count


class Permit:
    """Leave to send one request."""

    __slots__ = ()


class Permits:
    """How many requests may be out at a time.

    A permit returns `hold_seconds` after its call ended. Two calls with one permit therefore reach the server
    more than `hold_seconds` apart, so no sliding window of that length ever sees more than `permits` of them.
    Background calls are let through one by one, evenly over the window. All at once they would come back all
    at once, and a person who comes in between would wait for nearly the whole of it: so it is a fraction,
    and over many calls the budget is used as fully.

    Args:
        permits: how many requests a window may hold.
        hold_seconds: the window's length: 1 for the vendor's "requests a second".

    Attributes:
        limit: says how many may be out at this moment, where this process has only a share of `permits`.
            Whoever changes it calls `on_free`.
        share: says how many may still be sent: more than `limit` while room is made for others.
        on_free: called whenever `take` may have one again.
    """

    def __init__(self, permits: int, hold_seconds: float = 1.0) -> None:
        if permits < 1:
            raise ValueError("a limiter needs at least one permit")
        self.permits = permits
        self.limit: Callable[[], int] = lambda: permits
        self.share: Callable[[], int] = lambda: permits
        self.on_free: Callable[[], None] = _nobody_waits
        self._hold_seconds = hold_seconds
        self._out = 0
        self._returns: deque[float] = deque()
        self._background_at = -math.inf
        self._pacing: asyncio.TimerHandle | None = None

    @property
    def in_use(self) -> int:
        """How many are with a call, or held back after one."""
        return self._out

    @property
    def may_send(self) -> bool:
        """Whether what is out may still be sent: the share may have ended since a permit was taken."""
        return self._out <= self.share()

    def take(self, lane: Lane) -> Permit | None:
        """A permit, if one is free; for background work only when its moment has come."""
        if self._out >= self.limit() or (lane is Lane.BACKGROUND and self._is_too_early()):
            return None
        self._out += 1
        return Permit()

    def use(self, lane: Lane) -> None:
        """The permit just taken goes to a call of this lane."""
        if lane is Lane.BACKGROUND:
            pause_seconds = self._hold_seconds / max(1, self.limit())
            self._background_at = asyncio.get_running_loop().time() + pause_seconds

    def give_back(self, _: Permit) -> None:
        """The call has ended: its permit comes back after `hold_seconds`."""
        loop = asyncio.get_running_loop()
        returns = loop.time() + self._hold_seconds
        self._returns.append(returns)
        loop.call_at(returns, self._return_permit)

    def give_up(self, _: Permit) -> None:
        """The permit was not used: it comes back at once."""
        self._out -= 1
        self.on_free()

    def earliest(self, ahead: int, now: float) -> float:
        """When there may be a permit for one who has so many before him, if every answer came at once."""
        limit = self.limit()
        free = limit - self._out
        if ahead < free or not limit:  # a share that is nothing may be something at any moment
            return now
        rounds, place = divmod(ahead - free, limit)
        first = self._returns[place] if place < len(self._returns) else now + self._hold_seconds
        return max(now, first) + rounds * self._hold_seconds

    def _return_permit(self) -> None:
        self._returns.popleft()
        self._out -= 1
        self.on_free()

    def _is_too_early(self) -> bool:
        """Whether the next background call has to wait for its moment; it is let through then."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._background_at:
            return False
        if self._pacing is None:
            self._pacing = loop.call_at(self._background_at, self._its_moment)
        return True

    def _its_moment(self) -> None:
        self._pacing = None
        self.on_free()


def _nobody_waits() -> None:
    """Until a limiter hands the permits out."""


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
        permits: how many requests a window may hold.
        hold_seconds: the window's length: 1 for the vendor's "requests a second".
        max_waiting: how many may wait before new ones are refused.
    """

    def __init__(self, permits: int, *, hold_seconds: float = 1.0, max_waiting: int = 10_000) -> None:
        self.permits = Permits(permits, hold_seconds)
        self.permits.on_free = self._grant
        self._max_waiting = max_waiting
        self._queue: FairQueue[Turn] = FairQueue()

    @property
    def in_use(self) -> int:
        """Permits that are with a call, or held back after one."""
        return self.permits.in_use

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
        if self.permits.earliest(ahead, now) > deadline:
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
            turn.permit = self.permits.take(turn.lane)
            if turn.permit is not None:
                self.permits.use(turn.lane)
                self._queue.had_turn(turn.flow)
                return
        granted = turn.granted = loop.create_future()
        self._queue.push(turn)
        timer = None
        if turn.deadline is not None:
            timer = loop.call_at(turn.deadline, self._expire, turn, began)
        try:
            turn.permit = await granted
        except BaseException:
            # A task cancelled in the loop turn of its grant has the permit although the wait says otherwise.
            if not self._queue.remove(turn) and _has_permit(granted):
                self.permits.give_up(granted.result())
            raise
        finally:
            turn.granted = None
            turn.waited_seconds = loop.time() - began
            if timer is not None:
                timer.cancel()

    def release(self, turn: Turn) -> None:
        """The call has ended: its permit comes back when the window is over."""
        if turn.permit is not None:
            self.permits.give_back(turn.permit)
            turn.permit = None

    def move(self, turn: Turn, lane: Lane, flow: Hashable) -> None:
        """Let a turn wait elsewhere; one that does not wait only changes its words."""
        waits = self._queue.remove(turn)
        turn.lane, turn.flow = lane, flow
        if waits:
            self._queue.push(turn)
            self._grant()

    def ahead(self, turn: Turn) -> int:
        """How many go before a turn, as things stand; 0 when it does not wait."""
        if turn.granted is None or turn.granted.done():
            return 0
        return self._queue.ahead(turn.lane, turn.flow, turn)

    def _expire(self, turn: Turn, began: float) -> None:
        if turn.granted is not None and not turn.granted.done():
            waited_seconds = asyncio.get_running_loop().time() - began
            turn.granted.set_exception(TooLateError(waited_seconds, ahead=self.ahead(turn)))
            self._queue.remove(turn)

    def _grant(self) -> None:
        """Let through as many as there are permits."""
        while len(self._queue):
            lane = Lane.INTERACTIVE if self._queue.waiting(Lane.INTERACTIVE) else Lane.BACKGROUND
            permit = self.permits.take(lane)
            if permit is None:
                return
            turn = self._next()
            if turn is None or turn.granted is None:
                self.permits.give_up(permit)
                return
            self.permits.use(turn.lane)
            self._queue.had_turn(turn.flow)
            turn.granted.set_result(permit)

    def _next(self) -> Turn | None:
        while len(self._queue):
            turn = self._queue.pop()
            # A waiter cancelled in this loop turn stands in the queue until its task runs.
            if turn.granted is not None and not turn.granted.done():
                return turn
        return None


def _has_permit(granted: asyncio.Future[Permit]) -> bool:
    return granted.done() and not granted.cancelled() and granted.exception() is None


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to the vendor.

    Attributes:
        action: the vendor's name of it.
        code: the vendor's, `0` when all was well; the error's class where there was no code.
        seconds: from its leaving to its answer.
        waited_seconds: how long it had waited for its turn.
        lane: where.
        attempt: the how manieth of its call, from 1.
    """

    action: str
    code: str
    seconds: float
    waited_seconds: float
    lane: Lane
    attempt: int

    def tell(self, on_call: Callable[[Sent], None] | None) -> None:
        """Log it at DEBUG, under the reference of whoever asked first, and have it counted."""
        if on_call:
            on_call(self)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%(action)s: code %(code)s in %(ms).0f ms, waited %(waited_ms).0f ms, attempt %(attempt)d",
                {
                    "action": self.action,
                    "code": self.code,
                    "ms": round(self.seconds * 1000, 1),
                    "waited_ms": round(self.waited_seconds * 1000, 1),
                    "attempt": self.attempt,
                },
            )
