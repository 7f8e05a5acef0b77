"""What can happen to the PostgreSQL that two replicas share, one trouble each."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from bot.sandbox.zego_gate import longest_burst
from tests.databases import cuttable, empty_database
from tests.nightly.bench.stage import a_stage
from tests.nightly.bench.trouble import SkippedError, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.nightly.bench.stage import Stage

AWAY_SECONDS = 30.0
PER_SECOND = 7.0


@asynccontextmanager
async def two_replicas() -> AsyncIterator[Stage]:
    """A stage with one replica, to be joined by another; each gets every other delivery."""
    async with AsyncExitStack() as parts:
        try:
            url = await parts.enter_async_context(empty_database("postgres", Path()))
        except psycopg.OperationalError as error:
            raise SkippedError("no PostgreSQL") from error
        first, first_url = await parts.enter_async_context(cuttable(url))
        second, second_url = await parts.enter_async_context(cuttable(url))
        stage = await parts.enter_async_context(a_stage(database_url=first_url))
        stage.lines, stage.in_turn = [first, second], True
        await stage.start_bot()
        stage.environment["DATABASE_URL"] = second_url
        yield stage


@asynccontextmanager
async def gone(stage: Stage) -> AsyncIterator[None]:
    """PostgreSQL is gone for both."""
    for line in stage.lines:
        line.cut()
    yield
    for line in stage.lines:
        await line.mend()


@asynccontextmanager
async def gone_for_one(stage: Stage) -> AsyncIterator[None]:
    """One of them is cut off from it."""
    stage.lines[0].cut()
    yield
    await stage.lines[0].mend()


async def note_pace(stage: Stage) -> None:
    """Note how many requests the vendor got from both replicas at most in any sliding second."""
    most = longest_burst(request.arrived for request in stage.zego.requests)
    stage.notes.append(f"at most {most} requests to ZEGOCLOUD in any second")


REPLICA_TROUBLES = [
    Trouble(
        "replicas-postgres-gone",
        "PostgreSQL of two replicas gone",
        gone,
        seconds=AWAY_SECONDS,
        per_second=PER_SECOND,
        stage=two_replicas,
        after=note_pace,
    ),
    Trouble(
        "replicas-one-cut-off",
        "… gone for one of them",
        gone_for_one,
        seconds=AWAY_SECONDS,
        per_second=PER_SECOND,
        stage=two_replicas,
        after=note_pace,
    ),
]
