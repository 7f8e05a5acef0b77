"""The limiter: who may send the next request to the vendor, and when."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Self

from bot.errors import TooLateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

BACKGROUND_SHARE = 20
"""While both lanes wait, every 20th turn goes to the background lane, so that it never starves."""


class Lane(IntEnum):
    """Who waits. A lower number goes first."""

    INTERACTIVE = 0
    BACKGROUND = 1


@dataclass(frozen=True, slots=True)
class Priority:
    """Who waits for an answer, since when, and until when. Times are the event loop's.

    Attributes:
        lane: a person, or background work.
        deadline: when nobody waits any more; None waits as long as the queue is.
        since: when the question came: each of its calls goes before those of later questions. None gives each
            call a place of its own.
    """

    lane: Lane = Lane.INTERACTIVE
    deadline: float | None = None
    since: float | None = None

    @classmethod
    def within(cls, seconds: float, lane: Lane = Lane.INTERACTIVE) -> Self:
        """Somebody who waits that long from now on."""
        now = asyncio.get_running_loop().time()
        return cls(lane, now + seconds, now if lane is Lane.INTERACTIVE else None)


ANYBODY = Priority()
"""Somebody who waits as long as it takes."""


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


Order = tuple[float, int]
"""The moment that counts for a call's place in its lane, and a number that makes it unique."""

_by_order = attrgetter("order")


class Slot:
    """One call's place in the queue, then its permit: `async with limiter.slot(priority)`."""

    __slots__ = ("_limiter", "granted", "lane", "order", "permit", "waited_seconds")

    def __init__(self, limiter: Limiter, lane: Lane, order: Order) -> None:
        self._limiter = limiter
        self.lane = lane
        self.order = order
        self.granted: asyncio.Future[Permit] | None = None
        self.permit: Permit | None = None
        self.waited_seconds = 0.0

    @property
    def waits(self) -> bool:
        """Whether it still needs a permit; one that was cancelled stands in the queue a little longer."""
        return self.granted is not None and not self.granted.done()

    @property
    def ahead(self) -> int:
        """How many calls go first, as things stand; 0 when it doesn't wait."""
        return self._limiter.ahead(self)

    def promote(self, priority: Priority) -> None:
        """Wait with this priority from now on."""
        self._limiter.move(self, priority)

    async def __aenter__(self) -> Self:
        await self._limiter.acquire(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limiter.release(self)


class Limiter:
    """Hands permits to the calls that wait: people before background work, first come, first served.

    What comes first is the question: where more is asked than can be answered, some get a whole answer in
    time, instead of everybody half of one. While both lanes wait, every 20th turn goes to the background, so
    that it never starves. All times are the event loop's.

    Args:
        permits: how many requests a window may hold.
        hold_seconds: the window's length: 1 for the vendor's "requests a second".
        max_waiting: how many may wait before new ones are refused.
    """

    def __init__(self, permits: int, *, hold_seconds: float = 1.0, max_waiting: int = 10_000) -> None:
        self.permits = Permits(permits, hold_seconds)
        self.permits.on_free = self._grant
        self._max_waiting = max_waiting
        self._lanes: dict[Lane, list[Slot]] = {lane: [] for lane in Lane}
        self._numbers = count()
        self._passed_over = 0

    @property
    def in_use(self) -> int:
        """Permits that are with a call, or held back after one."""
        return self.permits.in_use

    def waiting(self, lane: Lane | None = None) -> int:
        """How many calls wait, in one lane or in all."""
        return sum(map(len, self._lanes.values())) if lane is None else len(self._lanes[lane])

    def slot(self, priority: Priority = ANYBODY) -> Slot:
        """One call's place in the queue, to be entered with `async with`.

        Raises:
            TooLateError: on entering, where the queue is full.
        """
        return Slot(self, priority.lane, self._order(priority))

    def check(self, priority: Priority = ANYBODY) -> None:
        """Refuse a call that can't leave before its deadline, even if every answer came at once.

        Raises:
            TooLateError: that, or the queue is full; with the number of calls in front.
        """
        if self.waiting() >= self._max_waiting:
            raise TooLateError(0.0, ahead=self.waiting())
        if priority.deadline is None:
            return
        now = asyncio.get_running_loop().time()
        ahead = self._ahead(priority.lane, self._order(priority))
        if self.permits.earliest(ahead, now) > priority.deadline:
            raise TooLateError(max(0.0, priority.deadline - now), ahead=ahead)

    async def acquire(self, slot: Slot) -> None:
        """Wait until `slot` has a permit; every permit must be given back by `release`.

        Raises:
            TooLateError: the queue is full.
        """
        self.check()
        if slot.lane is Lane.INTERACTIVE or not self.waiting():  # else others of its lane go first
            slot.permit = self.permits.take(slot.lane)
            if slot.permit is not None:
                self.permits.use(slot.lane)
                return
        loop = asyncio.get_running_loop()
        began = loop.time()
        granted = slot.granted = loop.create_future()
        insort(self._lanes[slot.lane], slot, key=_by_order)
        try:
            slot.permit = await granted
        except BaseException:
            # A task cancelled in the loop turn of its grant has the permit although the wait says otherwise.
            if not self._leave(slot) and granted.done() and not granted.cancelled():
                self.permits.give_up(granted.result())
            raise
        finally:
            slot.granted = None
            slot.waited_seconds = loop.time() - began

    def release(self, slot: Slot) -> None:
        """The call has ended: its permit comes back when the window is over."""
        if slot.permit is not None:
            self.permits.give_back(slot.permit)
            slot.permit = None

    def move(self, slot: Slot, priority: Priority) -> None:
        """Let a slot wait elsewhere; one that doesn't wait only changes its label."""
        waits = self._leave(slot)
        slot.lane, slot.order = priority.lane, self._order(priority)
        if waits:
            insort(self._lanes[slot.lane], slot, key=_by_order)
            self._grant()

    def ahead(self, slot: Slot) -> int:
        """How many go before a slot, as things stand; 0 when it doesn't wait."""
        return self._ahead(slot.lane, slot.order) if slot.waits else 0

    def _order(self, priority: Priority) -> Order:
        since = asyncio.get_running_loop().time() if priority.since is None else priority.since
        return since, next(self._numbers)

    def _ahead(self, lane: Lane, order: Order) -> int:
        """How many go before a call of this order, if nobody else comes."""
        ahead = bisect_left(self._lanes[lane], order, key=_by_order)
        if lane is Lane.INTERACTIVE:
            return ahead
        return ahead + min(self.waiting(Lane.INTERACTIVE), (BACKGROUND_SHARE - 1) * (ahead + 1))

    def _leave(self, slot: Slot) -> bool:
        """Take a slot out of the queue; False when it doesn't wait."""
        lane = self._lanes[slot.lane]
        place = bisect_left(lane, slot.order, key=_by_order)
        if place == len(lane) or lane[place] is not slot:
            return False
        del lane[place]
        return True

    def _grant(self) -> None:
        """Let through as many as there are permits."""
        while self.waiting():
            lane = Lane.INTERACTIVE if self._lanes[Lane.INTERACTIVE] else Lane.BACKGROUND
            permit = self.permits.take(lane)
            if permit is None:
                return
            slot = self._next()
            if slot is None or slot.granted is None:
                self.permits.give_up(permit)
                return
            self.permits.use(slot.lane)
            slot.granted.set_result(permit)

    def _next(self) -> Slot | None:
        """Take out the slot whose turn it is."""
        while self.waiting():
            slot = self._lanes[self._lane_in_turn()].pop(0)
            if slot.waits:
                return slot
        return None

    def _lane_in_turn(self) -> Lane:
        if not self._lanes[Lane.BACKGROUND]:
            return Lane.INTERACTIVE
        self._passed_over += 1
        if self._lanes[Lane.INTERACTIVE] and self._passed_over < BACKGROUND_SHARE:
            return Lane.INTERACTIVE
        self._passed_over = 0
        return Lane.BACKGROUND
