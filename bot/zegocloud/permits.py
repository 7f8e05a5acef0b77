"""Permits to send one request to the vendor, each of which comes back some time after its answer."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Protocol

from bot.zegocloud.fair_queue import Lane

if TYPE_CHECKING:
    from collections.abc import Callable


class Permit:
    """Leave to send one request.

    Args:
        lane: who it is for; None leaves that to the queue.
        name: what it is called among several processes; empty where there is only one.
    """

    __slots__ = ("lane", "name")

    def __init__(self, lane: Lane | None = None, name: str = "") -> None:
        self.lane = lane
        self.name = name


class Permits(Protocol):
    """Where a limiter's permits come from. All times are the event loop's."""

    permits: int
    """How many requests the whole budget holds in a window."""

    on_free: Callable[[], None]
    """Called whenever `take` may have one again."""

    waiting: Callable[[Lane], int]
    """How many wait in a lane; the limiter says."""

    @property
    def in_use(self) -> int:
        """How many are with a call of this process, or held back after one."""

    def take(self, lane: Lane) -> Permit | None:
        """A permit for a call of this lane, if there is one now; it may be for the other lane."""

    def use(self, lane: Lane) -> None:
        """The permit just taken goes to a call of this lane."""

    def ask(self, lane: Lane) -> None:
        """Somebody waits in a lane, for whom there was no permit."""

    def give_back(self, permit: Permit) -> None:
        """The call has ended: its permit comes back when the window is over."""

    def give_up(self, permit: Permit) -> None:
        """The permit was not used: it comes back at once."""

    def earliest(self, ahead: int, now: float) -> float:
        """When there may be a permit for one who has so many before him, if every answer came at once."""

    def start(self) -> None:
        """Be ready before the first call."""

    async def aclose(self) -> None:
        """Give back everything."""


class LocalPermits:
    """Permits of this process alone.

    A permit returns `hold_seconds` after its call ended. Two calls with one permit therefore reach the server
    more than `hold_seconds` apart, so no sliding window of that length ever sees more than `permits` of them.
    Background calls are let through one by one, evenly over the window. All at once they would come back all
    at once, and a person who comes in between would wait for nearly the whole of it: so it is a fraction,
    and over many calls the budget is used as fully.

    Args:
        permits: how many requests a window may hold.
        hold_seconds: the window's length: 1 for the vendor's "requests a second".
    """

    def __init__(self, permits: int, hold_seconds: float = 1.0) -> None:
        if permits < 1:
            raise ValueError("a limiter needs at least one permit")
        self.permits = permits
        self.on_free: Callable[[], None] = _nobody_waits
        self.waiting: Callable[[Lane], int] = _nobody
        self._hold_seconds = hold_seconds
        self._free = permits
        self._returns: deque[float] = deque()
        self._background_at = -math.inf
        self._pacing: asyncio.TimerHandle | None = None

    @property
    def in_use(self) -> int:
        """How many are with a call, or held back after one."""
        return self.permits - self._free

    def take(self, lane: Lane) -> Permit | None:
        """A permit, if one is free; for background work only when its moment has come."""
        if not self._free or (lane is Lane.BACKGROUND and self._is_too_early()):
            return None
        self._free -= 1
        return Permit()

    def use(self, lane: Lane) -> None:
        """The permit just taken goes to a call of this lane."""
        if lane is Lane.BACKGROUND:
            self._background_at = asyncio.get_running_loop().time() + self._hold_seconds / self.permits

    def start(self) -> None:
        """There is nothing to prepare."""

    def ask(self, lane: Lane) -> None:
        """Permits come back by themselves."""

    def give_back(self, _: Permit) -> None:
        """The call has ended: its permit comes back after `hold_seconds`."""
        loop = asyncio.get_running_loop()
        returns = loop.time() + self._hold_seconds
        self._returns.append(returns)
        loop.call_at(returns, self._return_permit)

    def give_up(self, _: Permit) -> None:
        """The permit was not used: it comes back at once."""
        self._free += 1
        self.on_free()

    def earliest(self, ahead: int, now: float) -> float:
        """When there may be a permit for one who has so many before him, if every answer came at once."""
        if ahead < self._free:
            return now
        rounds, place = divmod(ahead - self._free, self.permits)
        first = self._returns[place] if place < len(self._returns) else now + self._hold_seconds
        return max(now, first) + rounds * self._hold_seconds

    async def aclose(self) -> None:
        """Nothing is kept anywhere else."""

    def _return_permit(self) -> None:
        self._returns.popleft()
        self._free += 1
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


def _nobody(_: Lane) -> int:
    """Until a limiter says."""
    return 0
