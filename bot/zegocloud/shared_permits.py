"""Permits that replicas share through Redis; without Redis, this replica's share of them."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import deque
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

from bot.redis_connection import KEY_PREFIX, RedisAwayError
from bot.zegocloud.limiter import BACKGROUND_SHARE, Lane, Permit
from bot.zegocloud.permit_scripts import GIVE_BACK, JOIN, LEAVE, TAKE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.redis_link import RedisLink, Script

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.25
"""Each replica is heard of at least this often."""

FRESH_SECONDS = 0.75
"""One that was not heard of for so long may be without Redis."""

LATE_SECONDS = 0.35
"""What Redis finds so long after it was sent has been given up, and has no effect any more."""

FORGOTTEN_SECONDS = 6.0
"""One that was not heard of for so long has ended."""

MARGIN_SECONDS = 0.25
"""For what is on its way when Redis goes."""

_LETTERS = {Lane.INTERACTIVE: "p", Lane.BACKGROUND: "b", None: "x"}

STALE_SECONDS = 0.5
"""A grant that took longer to be read is given back: this process was stopped meanwhile."""


class SharedPermits:
    """Permits out of a budget that several replicas share. All times are the event loop's.

    With Redis, a permit is taken there for each call and comes back `hold_seconds` after its answer, by
    Redis's clock; that of a replica that died comes back when its lease ends. While a person waits at any
    replica, background calls of all of them get every 20th turn.

    Without Redis, each replica goes on with an equal share of the budget, at least one permit: but only when
    everything sent before has left the window, and when others have seen that it is missing. A replica that
    has never reached Redis does not know how many there are, and takes one permit.

    Args:
        link: to Redis; closed by whoever made it.
        budget: whose budget it is; replicas with another one have nothing to do with these.
        permits: how many requests a window may hold.
        hold_seconds: the window's length.
        lease_seconds: longer than any call, with its window.
    """

    def __init__(
        self,
        link: RedisLink,
        budget: str,
        permits: int,
        *,
        hold_seconds: float = 1.0,
        lease_seconds: float = 6.0,
    ) -> None:
        self.permits = permits
        self.on_free: Callable[[], None] = _nobody_waits
        self.waiting: Callable[[Lane], int] = _nobody
        self._link = link
        self._hold_seconds = hold_seconds
        self._name = secrets.token_hex(6)
        names = ("permits", "replicas", "people", "background", "state")
        self._keys = [f"{KEY_PREFIX}{{{budget}}}:{name}" for name in names]
        seconds = (
            *(hold_seconds, lease_seconds, hold_seconds + MARGIN_SECONDS),
            *(FRESH_SECONDS, FORGOTTEN_SECONDS, LATE_SECONDS),
        )
        self._beginning = (self._name, permits, *(round(1000 * each) for each in seconds))
        self._lease_seconds = lease_seconds
        self._out: dict[str, float | None] = {}
        """Every permit of this replica: with a call (None), or held back until then."""
        self._stock: deque[Permit] = deque()
        self._number = 0
        self._replicas: int | None = None
        self._ahead_ms = 0.0
        """Redis's clock, Unix milliseconds, less the event loop's."""
        self._alone = False
        self._alone_from = math.inf
        self._short = dict.fromkeys(Lane, False)
        """Lanes for which Redis has no permit until the time that it told."""
        self._wake = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    @property
    def in_use(self) -> int:
        """How many are with a call of this replica, or held back after one."""
        return len(self._out)

    @property
    def share(self) -> int:
        """How many this replica takes by itself."""
        return max(1, self.permits // self._replicas) if self._replicas else 1

    def start(self) -> None:
        """Let the others know of this replica; otherwise its first call does."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._run(), context=Context())  # of no delivery

    def take(self, _: Lane) -> Permit | None:
        """A permit that has come from Redis; without Redis, one of this replica's share."""
        if self._stock:
            return self._stock.popleft()
        if self._alone and len(self._out) < self.share:
            return self._new(None, self._number)
        return None

    def use(self, lane: Lane) -> None:
        """Redis has counted it."""

    def ask(self, lane: Lane) -> None:
        """Somebody waits in a lane, for whom there was no permit."""
        self.start()
        if not self._short[lane]:
            self._wake.set()

    def give_back(self, permit: Permit) -> None:
        """The call has ended: its permit comes back after `hold_seconds`."""
        loop = asyncio.get_running_loop()
        returns = self._out[permit.name] = loop.time() + self._hold_seconds
        loop.call_at(returns, self._return_permit, permit.name)
        if not self._alone:
            hold_ms = round(1000 * self._hold_seconds)
            self._link.in_background(self._link.run(GIVE_BACK, self._keys[:1], (hold_ms, permit.name)))

    def give_up(self, permit: Permit) -> None:
        """The permit was not used: it goes to the next who waits, else back."""
        self._stock.append(permit)
        self.on_free()
        self._return_stock()

    def earliest(self, ahead: int, now: float) -> float:
        """When there may be a permit for one who has so many before him, if every answer came at once."""
        if self._alone_from == math.inf:
            return now + (ahead // self.permits) * self._hold_seconds
        return max(now, self._alone_from) + (ahead // self.share) * self._hold_seconds

    async def aclose(self) -> None:
        """Take leave. Nothing may be under way any more."""
        if self._asking is None:
            return
        self._asking.cancel()
        await asyncio.wait({self._asking})
        with suppress(RedisAwayError):
            await self._link.run(LEAVE, self._keys[:4], (self._name,))

    async def _run(self) -> None:
        await self._link.start()
        while True:
            try:
                await self._join()
                await self._keep_asking()
            except RedisAwayError:
                pass
            except Exception:  # else nobody here would ever have a turn again
                logger.exception("Redis answered what this version does not know")
                await asyncio.sleep(BEAT_SECONDS)  # whoever waits has a deadline
            await self._do_without()

    async def _join(self) -> None:
        """Tell Redis of this replica and of what it holds."""
        seconds, microseconds = map(int, await self._link.call("TIME"))
        now = asyncio.get_running_loop().time()
        self._ahead_ms = 1000 * (seconds - now) + microseconds / 1000
        held: list[Any] = []
        for name, returns in self._out.items():
            left_seconds = self._lease_seconds if returns is None else max(0.0, returns - now)
            held += (name, math.ceil(1000 * left_seconds))
        await self._run_in_time(JOIN, self._replicas or 0, *held)

    async def _keep_asking(self) -> None:
        """Ask for as many permits as calls wait, when there may be some; and be heard of."""
        while True:
            self._wake.clear()
            told_ms = await self._ask_once()
            self.on_free()
            self._return_stock()
            if any(self.waiting(lane) and not self._short[lane] for lane in Lane):
                continue
            seconds = min(told_ms / 1000, BEAT_SECONDS) if any(self._short.values()) else BEAT_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _ask_once(self) -> int:
        """Take permits into the stock; returns after how many milliseconds there may be more."""
        loop = asyncio.get_running_loop()
        wanted = {lane: min(self.waiting(lane), self.permits) for lane in Lane}
        asked, number = loop.time(), self._number
        self._number += sum(wanted.values())
        answer = await self._run_in_time(TAKE, number, *wanted.values(), BACKGROUND_SHARE)
        people, background, told_ms, self._replicas, redis_ms = answer
        self._ahead_ms = redis_ms - 1000 * loop.time()
        got = {Lane.INTERACTIVE: people, Lane.BACKGROUND: background}
        self._stock.extend(self._new(lane, number + n) for lane in Lane for n in range(got[lane]))
        if loop.time() - asked > STALE_SECONDS:
            self._return_stock()
            got, told_ms = dict.fromkeys(Lane, 0), 0
        self._short = {lane: got[lane] < wanted[lane] for lane in Lane}
        return told_ms

    async def _run_in_time(self, script: Script, *arguments: Any) -> list[int]:
        """Run a script that has its effect soon or not at all.

        Raises:
            RedisAwayError: it may have had its effect; or it came too late, where Redis stood still.
        """
        now_ms = 1000 * asyncio.get_running_loop().time() + self._ahead_ms
        answer: list[int] = await self._link.run(script, self._keys, (*self._beginning, now_ms, *arguments))
        if answer[0] < 0:
            raise RedisAwayError("late")
        return answer

    async def _do_without(self) -> None:
        """Redis is away: wait until this replica's share is its own, then take permits from that."""
        loop = asyncio.get_running_loop()
        self._short = dict.fromkeys(Lane, False)
        # The others miss this replica so long after Redis found what it sent last. What they sent until then
        # has to leave the window.
        unnoticed_seconds = LATE_SECONDS + FRESH_SECONDS
        self._alone_from = loop.time() + unnoticed_seconds + self._hold_seconds + MARGIN_SECONDS
        timer = loop.call_at(self._alone_from, self._go_alone)
        try:
            await self._link.wait_until_up()
        finally:
            timer.cancel()
            self._alone, self._alone_from = False, math.inf

    def _go_alone(self) -> None:
        self._alone = True
        logger.warning(
            "Without Redis, this replica sends %d of %d requests a second", self.share, self.permits
        )
        self.on_free()

    def _new(self, lane: Lane | None, number: int) -> Permit:
        """Note a permit, by the name that the script gave it. One taken alone is of no lane."""
        permit = Permit(lane, f"{self._name}:{_LETTERS[lane]}{number}")
        self._number = max(self._number, number + 1)
        self._out[permit.name] = None
        return permit

    def _return_permit(self, name: str) -> None:
        del self._out[name]
        if self._alone:
            self.on_free()

    def _return_stock(self) -> None:
        """Give back what nobody here waits for any more."""
        while self._stock:
            permit = self._stock.popleft()
            del self._out[permit.name]
            self._link.in_background(self._link.call("ZREM", self._keys[0], permit.name))


def _nobody_waits() -> None:
    """Until a limiter hands the permits out."""


def _nobody(_: Lane) -> int:
    """Until a limiter says."""
    return 0
