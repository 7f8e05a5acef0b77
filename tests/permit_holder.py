"""`python -m tests.permit_holder REDIS_URL BUDGET PERMITS`: takes every permit, says so, and waits."""

from __future__ import annotations

import asyncio
import sys

from bot.redis_link import RedisLink
from bot.zegocloud.limiter import Limiter
from bot.zegocloud.shared_permits import SharedPermits


async def hold(url: str, budget: str, permits: int) -> None:
    limiter = Limiter(SharedPermits(RedisLink(url), budget, permits, hold_seconds=0.1, lease_seconds=3.0))
    for _ in range(permits):
        await limiter.acquire(limiter.slot())
    print("held", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], sys.argv[2], int(sys.argv[3])))
