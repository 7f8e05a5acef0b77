"""The database's layout: named steps, each applied once, in order, by whichever process comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from bot.storage.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


MIGRATIONS: dict[str, tuple[str, ...]] = {
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
    # A process of the version before may go on for a while, and adds rows without these columns.
    "0002-unfinished": ("ALTER TABLE slots ADD COLUMN unfinished TEXT NOT NULL DEFAULT ''",),
    "0003-look": ("ALTER TABLE slots ADD COLUMN look TEXT NOT NULL DEFAULT ''",),
    "0004-outsiders": ("ALTER TABLE digests ADD COLUMN for_outsiders BOOLEAN NOT NULL DEFAULT FALSE",),
    "0005-replicas": (
        """
        CREATE TABLE recordings_bot_replicas (
            id TEXT PRIMARY KEY,
            budget TEXT NOT NULL,
            joined_at DOUBLE PRECISION NOT NULL,
            max_rps INTEGER NOT NULL,
            beat INTEGER NOT NULL,
            share INTEGER NOT NULL,
            floor INTEGER NOT NULL,
            leased_until DOUBLE PRECISION NOT NULL,
            kept_until DOUBLE PRECISION NOT NULL,
            settles_until DOUBLE PRECISION NOT NULL
        )
        """,
        """
        CREATE TABLE recordings_bot_deliveries (
            key TEXT PRIMARY KEY,
            holder TEXT NOT NULL,
            expires_at DOUBLE PRECISION NOT NULL
        )
        """,
        "CREATE INDEX recordings_bot_deliveries_expire ON recordings_bot_deliveries (expires_at)",
    ),
}
"""What was released never changes: another layout is another step."""

_LOCK = 0x5245_434F_5244  # PostgreSQL's advisory locks are numbers; no other program here takes this one


async def migrate(connection: AsyncConnection) -> None:
    """Bring the layout up to date, inside the caller's transaction (on SQLite one that may write).

    Raises:
        StoreError: `newer`, when the database has steps that this program does not know.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    await connection.execute(text("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)"))
    applied = set((await connection.execute(text("SELECT name FROM migrations"))).scalars())
    if unknown := applied - set(MIGRATIONS):
        raise StoreError("newer", max(unknown))
    for name, statements in MIGRATIONS.items():
        if name in applied:
            continue
        for statement in statements:
            await connection.execute(text(statement))
        await connection.execute(text("INSERT INTO migrations (name) VALUES (:name)"), {"name": name})
