"""Databases of every age are brought up to date, with all that they keep, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import asynccontextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select, text

from bot import storage
from bot.clock import AdjustableClock
from bot.features.digests.models import NewDigest
from bot.features.digests.store import open_store
from bot.features.digests.unfinished import NOTHING_UNFINISHED, Unfinished
from bot.storage.database import open_engine
from bot.storage.errors import StoreError
from bot.storage.migrations import HEAD, VERSION_TABLE
from bot.storage.tables import digests, metadata, slots
from tests.databases import database_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

NINE = 1_795_420_800
HOUR = 3600

RELEASED: dict[str, tuple[str, ...]] = {
    "0001-digests-and-slots": (
        """
        CREATE TABLE digests (
            id TEXT PRIMARY KEY,
            team_id TEXT NOT NULL,
            channel_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            owner_id TEXT NOT NULL,
            query TEXT NOT NULL,
            schedule TEXT NOT NULL,
            zone TEXT NOT NULL,
            quiet TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            next_run_at BIGINT,
            paused_at BIGINT,
            paused_why TEXT NOT NULL,
            last_slot_at BIGINT,
            last_result TEXT NOT NULL,
            last_error TEXT NOT NULL,
            UNIQUE (team_id, channel_id, number)
        )
        """,
        "CREATE INDEX digests_due ON digests (next_run_at)",
        """
        CREATE TABLE slots (
            digest_id TEXT NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
            slot_at BIGINT NOT NULL,
            state TEXT NOT NULL,
            asked_by TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            uncertain BOOLEAN NOT NULL,
            retry_at DOUBLE PRECISION NOT NULL,
            lease_holder TEXT NOT NULL,
            lease_until DOUBLE PRECISION NOT NULL,
            posted_ts TEXT,
            counts TEXT NOT NULL,
            error TEXT NOT NULL,
            notice TEXT NOT NULL,
            ended_at BIGINT,
            PRIMARY KEY (digest_id, slot_at)
        )
        """,
        "CREATE INDEX slots_open ON slots (attempts, slot_at) WHERE state = 'open'",
        "CREATE INDEX slots_to_tell ON slots (slot_at) WHERE notice = 'pending'",
    ),
    "0002-unfinished": ("ALTER TABLE slots ADD COLUMN unfinished TEXT NOT NULL DEFAULT ''",),
    "0003-look": ("ALTER TABLE slots ADD COLUMN look TEXT NOT NULL DEFAULT ''",),
    "0004-outsiders": ("ALTER TABLE digests ADD COLUMN for_outsiders BOOLEAN NOT NULL DEFAULT FALSE",),
}
"""The layout as the released version makes it, step by step."""

FIRST, *LATER = RELEASED
AGES = [(FIRST, *steps) for count in range(len(LATER) + 1) for steps in combinations(LATER, count)]

HERE = {"team_id": "T0LOCAL01", "channel_id": "C0GENERAL1", "owner_id": "U0ASKER1", "zone": "Europe/Berlin"}
ENDS = {"paused_why": "", "last_result": "", "last_error": "", "created_at": NINE - 9 * HOUR}
DIGESTS: list[dict[str, Any]] = [
    HERE
    | ENDS
    | {"id": "d1", "number": 1, "query": "", "schedule": "every hour", "quiet": "line"}
    | {"next_run_at": NINE, "last_slot_at": NINE - HOUR, "last_result": "posted"},
    HERE
    | ENDS
    | {"id": "d2", "number": 2, "query": "room='zoë'", "schedule": "every day at 09:00", "quiet": "nothing"}
    | {"paused_at": NINE - HOUR, "paused_why": "The channel is gone.", "for_outsiders": True},
]
CALM = {"asked_by": "", "attempts": 1, "uncertain": False, "retry_at": 0.0, "lease_holder": ""}
CALM |= {"lease_until": 0.0, "counts": "{}", "error": "", "notice": ""}
SLOTS: list[dict[str, Any]] = [
    CALM
    | {"digest_id": "d1", "slot_at": NINE - HOUR, "state": "posted", "posted_ts": "1795417200.000100"}
    | {"counts": '{"total":7}', "ended_at": NINE - HOUR + 3, "unfinished": '{"until":5,"end":6,"open":[]}'},
    CALM
    | {"digest_id": "d2", "slot_at": NINE - HOUR, "state": "failed", "error": "No.", "notice": "pending"}
    | {"asked_by": "U0READER1", "attempts": 4, "ended_at": NINE - HOUR},
    CALM
    | {"digest_id": "d2", "slot_at": NINE - 2 * HOUR, "state": "open", "uncertain": True, "lease_holder": "x"}
    | {"lease_until": NINE + 0.25, "retry_at": NINE - 0.5, "look": "1795420800.000100 1 2"},
]


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(NINE, 0)


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database_or_skip(request.param, tmp_path) as database_url:
        yield database_url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction beside the program's own."""
    engine = open_engine(url)
    try:
        async with engine.execution_options(writes=True).begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def insert(connection: AsyncConnection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    await connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)  # noqa: S608


async def make_released(url: str, steps: Iterable[str] = RELEASED) -> None:
    """A database as the released version leaves it, or an older one that lacks some steps."""
    async with connected(url) as connection:
        await connection.execute(text("CREATE TABLE migrations (name TEXT PRIMARY KEY)"))
        for step in steps:
            for statement in RELEASED[step]:
                await connection.execute(text(statement))
            await insert(connection, "migrations", {"name": step})
        columns = await connection.run_sync(column_names)
        for table, rows in (("digests", DIGESTS), ("slots", SLOTS)):
            for row in rows:
                known = {name: value for name, value in row.items() if name in columns[table]}
                await insert(connection, table, known)


def column_names(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection)
    return {
        table: {column["name"] for column in found.get_columns(table)} for table in found.get_table_names()
    }


async def check(url: str, clock: AdjustableClock) -> tuple[str, str]:
    """Open the database as the bot does at its start."""
    store = open_store(url, clock)
    try:
        await store.check()
        return await store.about()
    finally:
        await store.close()


def differences(connection: Connection) -> list[Any]:
    """What Alembic would add to a revision to come from the database to the tables."""

    def is_ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "table" or (name or "").startswith("recordings_bot_")

    options = {"version_table": VERSION_TABLE, "compare_server_default": True, "include_name": is_ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def layout(connection: Connection) -> dict[str, Any]:
    """The names of everything in our tables."""
    found = inspect(connection)
    return {
        table: (
            found.get_pk_constraint(table),
            found.get_foreign_keys(table),
            found.get_unique_constraints(table),
            sorted(str(index["name"]) for index in found.get_indexes(table)),
            sorted((column["name"], column["nullable"]) for column in found.get_columns(table)),
        )
        for table in ("recordings_bot_digests", "recordings_bot_slots")
    }


@pytest.mark.parametrize("steps", AGES, ids=lambda steps: "+".join(step[:4] for step in steps))
async def test_a_database_of_the_released_version_keeps_every_row(
    url: str, clock: AdjustableClock, tmp_path: Path, steps: tuple[str, ...]
) -> None:
    await make_released(url, steps)
    lost = {
        name for step in set(RELEASED) - set(steps) for name in re.findall(r"COLUMN (\w+)", *RELEASED[step])
    }
    defaults = {"unfinished": "", "look": "", "for_outsiders": False}
    assert (await check(url, clock))[1] == HEAD
    async with connected(url) as connection:
        for table, key, given in ((digests, digests.c.number, DIGESTS), (slots, slots.c.slot_at, SLOTS)):
            rows = [dict(row._mapping) for row in await connection.execute(select(table))]
            names = [column.name for column in table.columns]
            expected = [
                {
                    name: defaults.get(name) if name in lost else row.get(name, defaults.get(name))
                    for name in names
                }
                for row in given
            ]
            assert sorted(rows, key=str) == sorted(expected, key=str), key
        assert await connection.run_sync(differences) == []
        upgraded = await connection.run_sync(layout)
        kept = await connection.run_sync(column_names)
        assert not {"digests", "slots"} & set(kept)
    kind = "sqlite" if url.startswith("sqlite") else "postgres"
    (tmp_path / "fresh").mkdir()
    async with database_or_skip(kind, tmp_path / "fresh") as fresh_url:
        await check(fresh_url, clock)
        async with connected(fresh_url) as connection:
            fresh = await connection.run_sync(layout)
    if kind == "postgres":  # in schemas of their own
        fresh, upgraded = (re.sub(r"recordings_test_\w+", "", repr(each)) for each in (fresh, upgraded))
    assert upgraded == fresh


async def test_a_database_taken_over_goes_on_working(url: str, clock: AdjustableClock) -> None:
    await make_released(url, (FIRST,))
    store = open_store(url, clock)
    claim = await store.claim_due(clock.now(), "one", 600.0)
    assert claim is not None
    assert (claim.digest.id, claim.slot_at, claim.look) == ("d1", NINE, "")
    assert (claim.worked_at, claim.unfinished) == (NINE - HOUR, NOTHING_UNFINISHED)
    assert await store.previous_counts("d1", NINE, 9) == [(NINE - HOUR, {"total": 7})]
    assert await store.keep(claim, {}, Unfinished((), 5, 6).encode())
    assert await store.finish(claim, "2.2")
    clock.set(NINE + HOUR)
    claim = await store.claim_due(clock.now(), "one", 600.0)
    assert claim is not None
    assert claim.unfinished == Unfinished((), 5, 6)
    kept = await store.get("d1")
    assert kept is not None
    assert kept.for_outsiders is False
    assert await store.change("d1", for_outsiders=True) == (await store.get("d1"))
    assert await store.remove("d1")
    assert await store.latest_slots("d1", 9) == []
    await store.close()


async def test_the_released_version_refuses_a_database_that_was_taken_over(
    url: str, clock: AdjustableClock
) -> None:
    await make_released(url)
    await check(url, clock)
    async with connected(url) as connection:
        names = set((await connection.execute(text("SELECT name FROM migrations"))).scalars())
    assert names > set(RELEASED), (
        "it knows no step that it hasn't got, and says that a newer version was here"
    )


@pytest.mark.parametrize(
    "tables",
    [
        {"migrations": {"name": "2024_01_01_000000_create_users_table"}},
        {"migrations": {"id": 1, "migration": "2014_10_12_000000_create_users_table", "batch": 1}},
        {"migrations": {"id": 1, "name": "0001-digests-and-slots"}, "digests": {"id": 7, "body": "text"}},
        {
            "migrations": {"name": "20241010-create-slots.js"},
            "digests": {"id": 7, "body": "text"},
            "slots": {"slot": "A", "court": 3},
        },
    ],
    ids=["same columns", "Laravel", "same step", "every name"],
)
async def test_tables_of_another_program_are_neither_read_nor_changed(
    url: str, clock: AdjustableClock, tables: dict[str, dict[str, Any]]
) -> None:
    async with connected(url) as connection:
        for table, row in tables.items():
            columns = ", ".join(f"{name} {'INT' if isinstance(row[name], int) else 'TEXT'}" for name in row)
            await connection.execute(text(f"CREATE TABLE {table} ({columns})"))
            await insert(connection, table, row)
    store = open_store(url, clock)
    added = await store.add(NewDigest("T0LOCAL01", "C0GENERAL1", "U0ASKER1", "", "every hour", "UTC"))
    assert await store.get(added.id) == added
    await store.close()
    async with connected(url) as connection:
        for table, row in tables.items():
            found = (await connection.execute(text(f"SELECT * FROM {table}"))).one()  # noqa: S608
            assert dict(found._mapping) == row
        ours = set(await connection.run_sync(column_names)) - set(tables)
    assert ours == {VERSION_TABLE, *metadata.tables}


async def test_a_fresh_database_is_what_the_tables_say(url: str, clock: AdjustableClock) -> None:
    assert (await check(url, clock))[1] == HEAD
    async with connected(url) as connection:
        assert await connection.run_sync(differences) == []
        made = set(await connection.run_sync(column_names))
    assert made == {VERSION_TABLE, *metadata.tables}
    assert all(name.startswith("recordings_bot_") for name in made)


def test_the_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", f"{storage.__path__[0]}/migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_an_older_program_leaves_a_newer_database_alone(url: str, clock: AdjustableClock) -> None:
    await check(url, clock)
    async with connected(url) as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999_later'"))  # noqa: S608
    with pytest.raises(StoreError) as raised:
        await check(url, clock)
    assert raised.value.reason == "newer"
    assert re.search(r"newer version.*9999_later", raised.value.for_operator())


async def test_a_database_with_steps_after_the_released_ones_is_left_alone(
    url: str, clock: AdjustableClock
) -> None:
    await make_released(url)
    async with connected(url) as connection:
        await insert(connection, "migrations", {"name": "9999-later"})
    with pytest.raises(StoreError) as raised:
        await check(url, clock)
    assert (raised.value.reason, raised.value.code) == ("newer", "9999-later")
    async with connected(url) as connection:
        assert {"digests", "slots"} <= set(await connection.run_sync(column_names))
        assert (await connection.execute(text("SELECT count(*) FROM slots"))).scalar_one() == len(SLOTS)


START = """
import asyncio, sys
from bot.clock import AdjustableClock
from bot.features.digests.store import open_store

async def main():
    store = open_store(sys.argv[1], AdjustableClock())
    await store.check()
    await store.close()

asyncio.run(main())
print("alembic" in sys.modules)
"""


async def start_process(url: str) -> str:
    """Start a process that opens the database; whether it imported Alembic."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, url, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def test_processes_that_start_at_once_upgrade_once_and_later_ones_need_no_alembic(url: str) -> None:
    await make_released(url)
    assert "True" in await asyncio.gather(*(start_process(url) for _ in range(3)))
    assert await start_process(url) == "False"
    async with connected(url) as connection:
        assert (await connection.execute(select(func.count()).select_from(slots))).scalar_one() == len(SLOTS)
