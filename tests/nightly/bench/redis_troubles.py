"""What can happen to the Redis that two replicas share, one trouble each."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from signal import SIGCONT, SIGSTOP
from typing import TYPE_CHECKING

from bot.sandbox.zego_gate import longest_burst
from tests.nightly.bench.fleet import redis_server
from tests.nightly.bench.stage import a_stage
from tests.nightly.bench.trouble import SkippedError, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.nightly.bench.stage import Stage

AWAY_SECONDS = 10.0
PER_SECOND = 7.0
"""A replica alone has half the budget while Redis is away."""


@asynccontextmanager
async def two_replicas() -> AsyncIterator[Stage]:
    """A stage with one replica, to be joined by another; each gets every other delivery."""
    async with AsyncExitStack() as parts:
        try:
            redis = await parts.enter_async_context(redis_server())
        except FileNotFoundError as error:
            raise SkippedError(str(error)) from error
        stage = await parts.enter_async_context(a_stage(environment={"REDIS_URL": redis.url}))
        stage.redis, stage.in_turn = redis, True
        await stage.start_bot()
        yield stage


@asynccontextmanager
async def killed(stage: Stage) -> AsyncIterator[None]:
    """Redis is ended outright, with all that it knows, and started again."""
    assert stage.redis
    await stage.redis.kill()
    yield
    await stage.redis.start()


@asynccontextmanager
async def paused(stage: Stage) -> AsyncIterator[None]:
    """Redis takes commands and does not answer."""
    assert stage.redis
    stage.redis.signal(SIGSTOP)
    yield
    stage.redis.signal(SIGCONT)


async def note_pace(stage: Stage) -> None:
    """Note how many requests the vendor got from both replicas at most in any sliding second."""
    most = longest_burst(request.arrived for request in stage.zego.requests)
    stage.notes.append(f"at most {most} requests to ZEGOCLOUD in any second")


REDIS_TROUBLES = [
    Trouble(
        "redis-killed",
        "Redis of two replicas killed, and back empty",
        killed,
        seconds=AWAY_SECONDS,
        per_second=PER_SECOND,
        stage=two_replicas,
        after=note_pace,
    ),
    Trouble(
        "redis-paused",
        "… takes commands and does not answer",
        paused,
        seconds=AWAY_SECONDS,
        per_second=PER_SECOND,
        stage=two_replicas,
        after=note_pace,
    ),
]
