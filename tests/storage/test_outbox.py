"""The outbox with a table of its own: whatever has these columns is posted once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Boolean, Column, Double, Integer, MetaData, Table, Text, insert, select

from bot.clock import AdjustableClock
from bot.storage.database import Database, transaction
from bot.storage.outbox import NEW_STEP, Outbox, Step, backoff_seconds
from tests.databases import database_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

NOW, LONG, OVER = 1_795_420_800.0, 600.0, 0.0

incidents = Table(
    "incidents",
    MetaData(),
    Column("app_id", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("change", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("retry_at", Double, nullable=False),
    Column("lease_holder", Text, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("error", Text, nullable=False),
    Column("look", Text, nullable=False, server_default=""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Step):
    name: tuple[str, str, int]

    @property
    def key(self) -> tuple[object, ...]:
        return self.name


class Incidents:
    """As small as a store of steps can be."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(database, incidents, *incidents.primary_key.columns)

    @transaction
    async def add(self, tx: AsyncConnection, *changes: tuple[str, str, int]) -> None:
        await tx.run_sync(incidents.create, checkfirst=True)
        for app_id, task_id, change in changes:
            key = {"app_id": app_id, "task_id": task_id, "change": change}
            await tx.execute(insert(incidents).values(NEW_STEP | key))

    @transaction
    async def claim(self, tx: AsyncConnection, now: float, lease_seconds: float = LONG) -> Change | None:
        due = select(incidents).where(self.outbox.is_due(now)).order_by(incidents.c.change)
        row = await self.outbox.claim(tx, due, "one", lease_seconds, attempts=incidents.c.attempts + 1)
        if row is None:
            return None
        name = (row.app_id, row.task_id, row.change)
        return Change(
            name=name,
            attempt=row.attempts + 1,
            holder="one",
            uncertain=row.uncertain,
            last_error=row.error,
            look=row.look,
        )

    @transaction
    async def finish(self, tx: AsyncConnection, change: Change) -> bool:
        return await self.outbox.settle(tx, change, {"state": "posted"})


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Incidents]:
    async with database_or_skip(request.param, tmp_path) as url:
        database = Database(url, AdjustableClock(NOW, 0))
        yield Incidents(database)
        await database.close()


async def claimed(store: Incidents, *more: Any) -> Change:
    change = await store.claim(NOW, *more)
    assert change is not None
    return change


async def test_every_step_is_claimed_once_however_many_look(store: Incidents) -> None:
    keys = [("1", f"task{n % 3}", n) for n in range(9)]
    await store.add(*keys)
    found = await asyncio.gather(*(store.claim(NOW) for _ in range(12)))
    assert Counter(change.name for change in found if change) == Counter(keys)


async def test_a_step_whose_lease_ran_out_belongs_to_the_next_attempt(store: Incidents) -> None:
    await store.add(("1", "task", 1), ("1", "task", 2))
    first = await claimed(store, OVER)
    assert await store.outbox.renew(first, OVER, posting=True)
    second = await claimed(store)
    assert (second.name, second.attempt, second.uncertain) == (first.name, 2, True)
    assert not await store.outbox.renew(first, LONG)
    assert not await store.finish(first)
    assert await store.finish(second)
    assert not await store.finish(second)
    other = await claimed(store)
    assert other.name == ("1", "task", 2)
    assert await store.claim(NOW) is None


async def test_a_failed_attempt_waits_and_keeps_what_it_knows(store: Incidents) -> None:
    await store.add(("1", "task", 1))
    first = await claimed(store)
    assert await store.outbox.keep_look(first, "1.5 1 2")
    assert await store.outbox.retry(first, "Slack is away.", NOW + 20)
    assert await store.claim(NOW + 19) is None
    again = await store.claim(NOW + 20)
    assert again is not None
    assert (again.attempt, again.last_error, again.look) == (2, "Slack is away.", "1.5 1 2")
    assert await store.outbox.release(again)
    third = await store.claim(NOW + 20)
    assert third is not None
    assert third.attempt == 2, "what was handed back doesn't count"


async def test_an_attempt_that_may_have_posted_is_neither_freed_nor_handed_back(store: Incidents) -> None:
    await store.add(("1", "sent", 1), ("1", "not sent", 2))
    sent, not_sent = await claimed(store), await claimed(store)
    assert await store.outbox.renew(sent, LONG, posting=True)
    assert not await store.outbox.release(sent)
    await store.database.run(store.outbox.free_abandoned, writes=True)
    assert (await claimed(store)).name == not_sent.name
    assert await store.claim(NOW) is None


def test_waits_double_up_to_ten_minutes() -> None:
    assert [backoff_seconds(attempt) for attempt in (1, 2, 3, 6, 999)] == [20, 40, 80, 600, 600]
    assert backoff_seconds(2, 0.5) == 1.0
