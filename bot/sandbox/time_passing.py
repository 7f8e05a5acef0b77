"""Letting much time pass at once in the sandbox, without a digest on the way being missed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from bot.errors import RecordingsError

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage

DIGEST_PATIENCE_SECONDS = 60
"""How long a push of the clock waits wherever digests are due: each may look at 300 recordings one by one."""

WORKER_LOOK_SECONDS = 0.1


async def let_pass(
    sandbox: Stage, seconds: float, *, patience_seconds: float = DIGEST_PATIENCE_SECONDS
) -> None:
    """Advance the clock, stopping wherever a digest is due until it is posted, as if somebody had watched.

    A slot that is more than an hour old when the bot sees it would be skipped. Where a digest is not done in
    `patience_seconds`, such as while the vendor hangs, the clock goes on to the end without waiting again.
    """
    end = sandbox.clock.now() + seconds
    with suppress(TimeoutError):
        while (wait := await _next_digest(sandbox)) is not None and sandbox.clock.now() + wait < end:
            sandbox.clock.advance(max(0.0, wait) + 1)
            async with asyncio.timeout(patience_seconds):
                await _until_posted(sandbox)
    sandbox.clock.advance(max(0.0, end - sandbox.clock.now()))


async def _next_digest(sandbox: Stage) -> float | None:
    """Seconds until a digest has something to do; None when none will, or while the database is away."""
    if sandbox.bot is None:
        return None
    try:
        return await sandbox.bot.digests.store.seconds_to_next(sandbox.clock.now())
    except RecordingsError:
        return None


async def _until_posted(sandbox: Stage) -> None:
    """Let the worker do what is due now."""
    digests = sandbox.bot.digests if sandbox.bot else None
    if digests is None or digests.worker is None:
        return
    digests.wake()
    while digests.worker.under_way or (await _next_digest(sandbox) or 1) <= 0:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(WORKER_LOOK_SECONDS)
