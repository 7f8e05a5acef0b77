"""What must not be done a second time: deliveries that come again, second clicks, files being made."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import OrderedDict
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

from bot.redis_connection import KEY_PREFIX, RedisAwayError
from bot.redis_link import Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.clock import Clock
    from bot.redis_link import RedisLink


DELIVERY_SECONDS = 600.0
"""How long a delivery is remembered. Slack sends an event again at once, after one minute and after five, and
a signature is good for five (Slack docs)."""

CLICK_SECONDS = 10.0
"""Longer than a double click, shorter than a change of mind."""

MARKS_KEPT = 60_000
"""Ten minutes at a hundred deliveries a second."""


LEASE_SECONDS = 20.0
"""What was begun by a process that died can be begun again after this."""

RENEW_SECONDS = 5.0

_KEEP = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")
"""Let one's own mark stay for so many milliseconds; 0 takes it away."""


class Deduplication:
    """Remembers what is under way, and for a while what was done.

    Where replicas share Redis, all know what one did. While Redis is away, each knows only of its own.

    Args:
        clock: how long ago something was.
        redis: where all replicas look.
        owner: whose deliveries and clicks these are, among all who use that Redis.
        kept: how much is remembered here; then the oldest goes first.
    """

    def __init__(
        self, clock: Clock, redis: RedisLink | None = None, *, owner: str = "", kept: int = MARKS_KEPT
    ) -> None:
        self._clock = clock
        self._redis = redis
        self._prefix = f"{KEY_PREFIX}once:{owner}:"
        self._kept = kept
        self._until: OrderedDict[bytes, float] = OrderedDict()

    async def first(self, *what: str, seconds: float = DELIVERY_SECONDS) -> bool:
        """Whether this is the first time in so many seconds."""
        key = _key(what)
        return self._mark(key, seconds) and await self._claim(key, "done", seconds)

    @asynccontextmanager
    async def begin(self, *what: str, seconds: float = CLICK_SECONDS) -> AsyncIterator[bool]:
        """Do something once: yields whether this is the first time. What fails may be tried again.

        Args:
            what: names it.
            seconds: how long it is remembered after it was done.
        """
        key, mine = _key(what), secrets.token_hex(8)
        if not self._mark(key, math.inf):
            yield False
            return
        renewing, remembered_seconds = None, 0.0
        try:
            if not await self._claim(key, mine, LEASE_SECONDS):
                yield False
                return
            renewing = asyncio.create_task(self._renew(key, mine)) if self._redis else None
            yield True
            remembered_seconds = seconds
        finally:
            self._until.pop(key, None)
            self._mark(key, remembered_seconds)
            if renewing:
                renewing.cancel()
                self._keep_in_background(key, mine, remembered_seconds)

    async def _claim(self, key: bytes, mine: str, seconds: float) -> bool:
        """Whether no replica has it; without Redis nobody knows of another."""
        if self._redis is None:
            return True
        try:
            words = (self._prefix + key.hex(), mine, "NX", "PX", round(1000 * seconds))
            return await self._redis.call("SET", *words) is not None
        except RedisAwayError:
            return True

    async def _renew(self, key: bytes, mine: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            self._keep_in_background(key, mine, LEASE_SECONDS)

    def _keep_in_background(self, key: bytes, mine: str, seconds: float) -> None:
        if self._redis:
            keeping = self._redis.run(_KEEP, [self._prefix + key.hex()], (mine, round(1000 * seconds)))
            self._redis.in_background(keeping)

    def _mark(self, key: bytes, seconds: float) -> bool:
        now, until = self._clock.monotonic(), self._until
        while until and (len(until) >= self._kept or next(iter(until.values())) <= now):
            until.popitem(last=False)
        if until.get(key, -math.inf) > now:
            return False
        until.pop(key, None)  # the newest stand last
        until[key] = now + seconds
        return True


def _key(what: tuple[str, ...]) -> bytes:
    """A short name: some parts are long, and some are addresses that nobody else may see."""
    return blake2b("\0".join(what).encode(errors="surrogatepass"), digest_size=16).digest()
