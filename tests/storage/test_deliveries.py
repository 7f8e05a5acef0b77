"""Deliveries that replicas have seen: rows that expire, and a database that holds nobody up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text, update

from bot.clock import SystemClock
from bot.slack.deduplication import LOOKUP_SECONDS, Deduplication
from bot.storage import deliveries as module
from bot.storage.database import Database
from bot.storage.deliveries import CLEAN_EVERY, CLEANED_AT_ONCE, Deliveries
from bot.storage.replicas import Replicas
from bot.storage.tables import deliveries, replicas
from tests.databases import database_or_skip, silent_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE_SECONDS = 30.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_or_skip("postgres", tmp_path) as url:
        opened = Database(url, SystemClock())
        yield opened
        await opened.close()


async def claim(seen: Deliveries, key: str, holder: str = "", seconds: float = 600.0) -> bool:
    return await seen.claim(key, holder, seconds, PATIENCE_SECONDS)


async def let_expire(database: Database) -> None:
    async def work(tx: Any) -> None:
        await tx.execute(update(deliveries).values(expires_at=database.lease_now() - 1))

    await database.run(work, writes=True)


async def kept(database: Database) -> int:
    async def work(tx: Any) -> int:
        return (await tx.execute(select(func.count()).select_from(deliveries))).scalar_one()

    return await database.run(work, writes=False)


async def test_many_claims_at_once_are_won_by_one_replica_each(database: Database) -> None:
    one, other = Deliveries(database), Deliveries(database)
    keys = [str(number) for number in range(300)]
    won = await asyncio.gather(*(claim(seen, key) for seen in (one, other) for key in keys))
    assert [mine != theirs for mine, theirs in zip(won[:300], won[300:], strict=True)] == [True] * 300


async def test_a_claim_ends_with_its_time_or_when_its_holder_gives_it_up(database: Database) -> None:
    seen = Deliveries(database)
    assert await claim(seen, "a", "me")
    assert not await claim(seen, "a", "you")
    seen.keep("a", "you", 0)
    await seen.finish()
    assert not await claim(seen, "a", "you")
    seen.keep("a", "me", 0)
    await seen.finish()
    assert await claim(seen, "a", "you")
    await let_expire(database)
    assert await claim(seen, "a", "me")


async def test_rows_that_have_expired_are_removed_in_small_bites(database: Database) -> None:
    seen = Deliveries(database)
    assert all(await asyncio.gather(*(claim(seen, f"old-{n}") for n in range(CLEANED_AT_ONCE + CLEAN_EVERY))))
    await seen.finish()
    await let_expire(database)
    before = await kept(database)
    for bite in (1, 2):
        await asyncio.gather(*(claim(seen, f"{bite}-{n}") for n in range(CLEAN_EVERY)))
        await seen.finish()
        assert await kept(database) == max(0, before - bite * CLEANED_AT_ONCE) + bite * CLEAN_EVERY


async def test_a_database_that_says_nothing_holds_up_one_answer_for_a_moment_and_the_next_not_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with silent_database() as (url, connected):
        database = Database(url, SystemClock())
        deduplication = Deduplication(SystemClock(), Deliveries(database))
        began = time.monotonic()
        assert await deduplication.first("delivery", "1")
        assert time.monotonic() - began >= LOOKUP_SECONDS * 0.9  # how much longer is up to the machine
        async with deduplication.begin("click", "1") as first:
            assert first
        for number in range(2, 50):
            assert await deduplication.first("delivery", str(number))
        assert not await deduplication.first("delivery", "1")
        assert len(connected) == 1
    assert [record.message for record in caplog.records if record.name == module.__name__] == [
        "PostgreSQL is away or slow (no answer in time): this replica knows only its own deliveries"
    ]
    await database.close()


async def test_nothing_stays_in_a_session_that_a_pooler_gives_to_somebody_else(database: Database) -> None:
    member = Replicas(database, "budget", 8, lambda: 0, lambda: None)
    await member.start()
    seen = Deliveries(database)
    assert await claim(seen, "a")
    await member.leave()
    async with database._engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.rollback()
        await driver.set_autocommit(True)
        names = ("statement_timeout", "idle_in_transaction_session_timeout")
        left = [(await (await driver.execute(f"SHOW {name}")).fetchone())[0] for name in names]
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        left += [(await (await driver.execute(locks)).fetchone())[0]]
        left += [(await (await driver.execute("SELECT count(*) FROM pg_prepared_statements")).fetchone())[0]]
        await driver.set_autocommit(False)
    assert left == ["0", "0", 0, 0]


async def test_a_replica_that_left_holds_nothing_after_a_moment(database: Database) -> None:
    member = Replicas(database, "budget", 8, lambda: 3, lambda: None)
    await member.start()
    await member.leave()

    async def work(tx: Any) -> Any:
        rest = replicas.c.kept_until - database.lease_now()
        return (await tx.execute(select(replicas.c.share, rest, text("1")))).one()

    share, seconds, _ = await database.run(work, writes=False)
    assert share == 3
    assert seconds < 2
