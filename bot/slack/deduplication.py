"""What must not be done a second time: deliveries that come again, second clicks, files being made."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.clock import Clock
    from bot.storage.deliveries import Deliveries

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

LOOKUP_SECONDS = 0.25
"""How long an answer may wait for other replicas' deliveries and clicks, in all."""

_looked_up_seconds: ContextVar[float] = ContextVar("looked_up_seconds", default=0.0)
"""How long the delivery that is being answered was looked up."""


class Deduplication:
    """Remembers what is under way, and for a while what was done.

    Args:
        clock: how long ago something was.
        deliveries: where all replicas look; without it, this process knows its own only.
        owner: whose deliveries and clicks these are, among all who use that database.
        kept: how much is remembered here; then the oldest goes first.
    """

    def __init__(
        self,
        clock: Clock,
        deliveries: Deliveries | None = None,
        *,
        owner: str = "",
        kept: int = MARKS_KEPT,
    ) -> None:
        self._clock = clock
        self._deliveries = deliveries
        self._owner = owner
        self._kept = kept
        self._until: OrderedDict[str, float] = OrderedDict()

    async def first(self, *what: str, seconds: float = DELIVERY_SECONDS) -> bool:
        """Whether this is the first time in so many seconds."""
        key = self._key(what)
        if not self._mark(key, seconds):
            return False
        if self._deliveries is None:
            return True
        began = time.monotonic()
        is_first = await self._deliveries.claim(key, "", seconds, LOOKUP_SECONDS)
        _looked_up_seconds.set(time.monotonic() - began)
        return is_first

    @asynccontextmanager
    async def begin(self, *what: str, seconds: float = CLICK_SECONDS) -> AsyncIterator[bool]:
        """Do something once: yields whether this is the first time. What fails may be tried again.

        Args:
            what: names it.
            seconds: how long it is remembered after it was done.
        """
        key, mine = self._key(what), secrets.token_hex(8)
        if not self._mark(key, math.inf):
            yield False
            return
        renewing, remembered_seconds = None, 0.0
        try:
            if self._deliveries is not None:
                left_seconds = max(0.0, LOOKUP_SECONDS - _looked_up_seconds.get())
                if not await self._deliveries.claim(key, mine, LEASE_SECONDS, left_seconds):
                    yield False
                    return
                renewing = asyncio.create_task(self._renew(self._deliveries, key, mine))
            yield True
            remembered_seconds = seconds
        finally:
            self._until.pop(key, None)
            self._mark(key, remembered_seconds)
            if renewing is not None and self._deliveries is not None:
                renewing.cancel()
                self._deliveries.keep(key, mine, remembered_seconds)

    async def _renew(self, deliveries: Deliveries, key: str, mine: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            deliveries.keep(key, mine, LEASE_SECONDS)

    def _key(self, what: tuple[str, ...]) -> str:
        """A short name: some parts are long, and some are addresses that nobody else may see."""
        words = "\0".join((self._owner, *what)).encode(errors="surrogatepass")
        return blake2b(words, digest_size=16).hexdigest()

    def _mark(self, key: str, seconds: float) -> bool:
        now, until = self._clock.monotonic(), self._until
        while until and (len(until) >= self._kept or next(iter(until.values())) <= now):
            until.popitem(last=False)
        if until.get(key, -math.inf) > now:
            return False
        until.pop(key, None)  # the newest stand last
        until[key] = now + seconds
        return True
