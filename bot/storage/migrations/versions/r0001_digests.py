"""Revision 0001: digests and their slots, created, or taken over from the first released version.

That version kept them in `digests` and `slots` and its own list of steps in `migrations`. Other programs may
have tables with these names in the same database: those are neither read nor changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.errors import StoreError

revision = "0001_digests"
down_revision = None

RELEASED = {
    "0001-digests-and-slots": None,
    "0002-unfinished": "ALTER TABLE slots ADD COLUMN unfinished TEXT NOT NULL DEFAULT ''",
    "0003-look": "ALTER TABLE slots ADD COLUMN look TEXT NOT NULL DEFAULT ''",
    "0004-outsiders": "ALTER TABLE digests ADD COLUMN for_outsiders BOOLEAN NOT NULL DEFAULT FALSE",
}
"""The steps of the released version. The first made both tables; databases may lack any of the others."""

TAKEN_OVER = "0005-recordings-bot-prefix"
"""Left in the old list of steps: the released version says then that the database is of a newer one."""


def upgrade() -> None:
    """Create the tables and their indexes, with what the released version kept."""
    applied = _released_steps()
    if applied is None:
        _create_tables()
    else:
        _finish_released(applied)
        if op.get_bind().dialect.name == "postgresql":
            _rename_tables()
        else:
            _create_tables()
            _copy_tables()
    op.create_index("recordings_bot_digests_due", "recordings_bot_digests", ["next_run_at"])
    for name, columns, where in (
        ("recordings_bot_slots_open", ["attempts", "slot_at"], sa.text("state = 'open'")),
        ("recordings_bot_slots_to_tell", ["slot_at"], sa.text("notice = 'pending'")),
    ):
        op.create_index(name, "recordings_bot_slots", columns, sqlite_where=where, postgresql_where=where)


def _released_steps() -> set[str] | None:
    """The steps that the released version has applied; None where it never ran."""
    tables = sa.inspect(op.get_bind())
    if not all(tables.has_table(name) for name in ("migrations", "digests", "slots")):
        return None
    if [column["name"] for column in tables.get_columns("migrations")] != ["name"]:
        return None
    applied = set(op.get_bind().execute(sa.text("SELECT name FROM migrations")).scalars())
    return applied if "0001-digests-and-slots" in applied else None


def _finish_released(applied: set[str]) -> None:
    if unknown := applied - RELEASED.keys():
        raise StoreError("newer", max(unknown))
    for name, statement in RELEASED.items():
        if statement and name not in applied:
            op.execute(statement)
    op.bulk_insert(sa.table("migrations", sa.column("name", sa.Text)), [{"name": TAKEN_OVER}])
    for index in ("digests_due", "slots_open", "slots_to_tell"):
        op.drop_index(index)


def _rename_tables() -> None:
    """Rename both with their constraints, which takes no time however many rows there are (PostgreSQL)."""
    constraints = sa.text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass)")
    for table in ("digests", "slots"):
        for name in op.get_bind().execute(constraints, {"table": table}).scalars().all():
            op.execute(f'ALTER TABLE {table} RENAME CONSTRAINT "{name}" TO "recordings_bot_{name}"')
        op.rename_table(table, f"recordings_bot_{table}")


def _copy_tables() -> None:
    """Copy both: SQLite can't change what it keeps of the old ones, such as a key that may be NULL."""
    columns = {name: sa.inspect(op.get_bind()).get_columns(name) for name in ("digests", "slots")}
    for table, found in columns.items():
        names = ", ".join(column["name"] for column in found)
        op.execute(f"INSERT INTO recordings_bot_{table} ({names}) SELECT {names} FROM {table}")  # noqa: S608 - our own
    for table in ("slots", "digests"):
        op.drop_table(table)


def _create_tables() -> None:
    op.create_table(
        "recordings_bot_digests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("quiet", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("next_run_at", sa.BigInteger),
        sa.Column("paused_at", sa.BigInteger),
        sa.Column("paused_why", sa.Text, nullable=False),
        sa.Column("last_slot_at", sa.BigInteger),
        sa.Column("last_result", sa.Text, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("for_outsiders", sa.Boolean, nullable=False, server_default=sa.text("FALSE")),
        sa.UniqueConstraint("team_id", "channel_id", "number"),
    )
    digest = sa.ForeignKey("recordings_bot_digests.id", ondelete="CASCADE")
    op.create_table(
        "recordings_bot_slots",
        sa.Column("digest_id", sa.Text, digest, primary_key=True),
        sa.Column("slot_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("retry_at", sa.Double, nullable=False),
        sa.Column("lease_holder", sa.Text, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("posted_ts", sa.Text),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("unfinished", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("look", sa.Text, nullable=False, server_default=sa.text("''")),
    )
