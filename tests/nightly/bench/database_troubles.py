"""What can happen to the database while digests are due, one trouble each.

The bot's clock runs four times as fast, so that a minute's digests come up every 15 seconds.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg

from bot.features.digests.models import NewDigest
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.store import open_store
from bot.sandbox.slack.state import ASKER, BOT_USER, TEAM, Channel
from tests.databases import cuttable, empty_database
from tests.nightly.bench.driver import MIX
from tests.nightly.bench.questions import Kind
from tests.nightly.bench.stage import a_stage
from tests.nightly.bench.trouble import SkippedError, Trouble
from tests.nightly.digest_chaos import posted_slots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.nightly.bench.stage import Stage

START = 1_795_417_190.0
"""Ten seconds before a full minute."""

RATE = 4.0
MINUTES, DIGESTS_A_MINUTE = 14, 4
POSTED_WITHIN_SECONDS = 60.0
SMALL_DISK = "size=16m"  # SQLite's log grows to 4 MB before it is folded in

_MIX = {**MIX, Kind.DIGESTS: 1.5}


@asynccontextmanager
async def with_digests(
    database_url: str = "", environment: dict[str, str] | None = None
) -> AsyncIterator[Stage]:
    """A stage with digests that come up from minute to minute, each in a channel of its own."""
    variables = {"CACHE_TTL_SECONDS": "60", **(environment or {})}
    async with a_stage(rate=RATE, start=START, database_url=database_url, environment=variables) as stage:
        store = open_store(stage.environment["DATABASE_URL"], stage.slack.workspace.clock)
        for number in range(MINUTES * DIGESTS_A_MINUTE):
            minute = 1 + number // DIGESTS_A_MINUTE
            channel = Channel(f"C0DIGEST{number:03d}", f"digest-{number}", "public", {ASKER, BOT_USER})
            stage.slack.channels[channel.id] = channel
            schedule = f"{minute % 60} 7 * * *"
            [slot_at] = next_times(parse_schedule(schedule, 0), START, "UTC", 1)
            digest = await store.add(NewDigest(TEAM, channel.id, ASKER, "room=hot0", schedule, "UTC"))
            stage.slots[digest.id, int(slot_at)] = slot_at
        await store.close()
        yield stage


async def count_slots(stage: Stage) -> None:
    """Wait for what has come due, and note what was missed and what was doubled."""
    now = stage.slack.workspace.clock.now()
    due = {slot for slot, slot_at in stage.slots.items() if slot_at <= now}
    with suppress(TimeoutError):
        await stage.slack.wait_for(lambda: due <= set(posted_slots(stage.slack)), POSTED_WITHIN_SECONDS)
    posts = posted_slots(stage.slack)
    missed, doubled = len(due - set(posts)), sum(count > 1 for count in posts.values())
    mark = "!" if missed or doubled else ""
    stage.notes.append(f"{len(due)} digest slots due: {missed} missed, {doubled} doubled{mark}")


@asynccontextmanager
async def on_postgres() -> AsyncIterator[Stage]:
    """A stage on PostgreSQL, behind a connection that can be cut."""
    async with AsyncExitStack() as parts:
        try:
            url = await parts.enter_async_context(empty_database("postgres", Path()))
        except psycopg.OperationalError as error:
            raise SkippedError("no PostgreSQL") from error
        line, through = await parts.enter_async_context(cuttable(url))
        stage = await parts.enter_async_context(with_digests(through))
        stage.line = line
        yield stage


@asynccontextmanager
async def on_a_small_disk() -> AsyncIterator[Stage]:
    """A stage whose SQLite file is on a small disk of its own."""
    with TemporaryDirectory() as folder:
        mounted = ["mount", "-t", "tmpfs", "-o", SMALL_DISK, "none", folder]
        if subprocess.run(mounted, check=False, capture_output=True).returncode:  # noqa: S603, ASYNC221 - ours, short
            raise SkippedError("a small disk can only be mounted by root")
        try:
            async with with_digests(f"sqlite:///{folder}/bot.db") as stage:
                yield stage
        finally:
            subprocess.run(["umount", "-l", folder], check=True)  # noqa: S603, S607, ASYNC221 - the same


@asynccontextmanager
async def locked(stage: Stage) -> AsyncIterator[None]:
    """Another process holds SQLite's write lock."""
    other = sqlite3.connect(_file(stage))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@asynccontextmanager
async def gone(stage: Stage) -> AsyncIterator[None]:
    """PostgreSQL's connections break, and new ones are refused."""
    assert stage.line
    stage.line.cut()
    yield
    await stage.line.mend()


@asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[None]:
    """Something else has filled the disk."""
    filler = Path(_file(stage)).parent / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(descriptor, b"x" * 4096)
    os.close(descriptor)
    yield
    filler.unlink()


def _file(stage: Stage) -> str:
    return stage.environment["DATABASE_URL"].removeprefix("sqlite:///")


while_digests_are_due = partial(Trouble, mix=_MIX, after=count_slots)

DATABASE_TROUBLES = [
    while_digests_are_due(
        "sqlite-locked", "SQLite locked by another process", locked, seconds=16.0, stage=with_digests
    ),
    while_digests_are_due("sqlite-full", "SQLite's disk full", full, seconds=16.0, stage=on_a_small_disk),
    while_digests_are_due("postgres-gone", "PostgreSQL gone", gone, seconds=30.0, stage=on_postgres),
]
