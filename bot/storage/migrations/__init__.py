"""Brings the database's layout up to date with Alembic, inside the caller's transaction.

A new layout takes three steps: change `bot/storage/tables.py`, add a revision to `versions/`, and name it in
`HEAD`. A released revision never changes. There are no downgrades: an older program refuses a newer layout.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from bot.storage.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger = logging.getLogger(__name__)

HEAD = "0002_replicas"
"""The newest revision, named here so that a database that has it starts without Alembic's import (0.4 s)."""

VERSION_TABLE = "recordings_bot_alembic_version"

_LOCK = 0x5245_434F_5244
"""PostgreSQL's advisory locks are numbers; this one is "RECORD"."""


def migrate(connection: Connection) -> None:
    """Upgrade to `HEAD`, one process at a time. On SQLite the transaction must be able to write.

    Raises:
        StoreError: `newer`, when the layout is one that this program doesn't know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    current = current_revision(connection)
    if current != HEAD:
        _upgrade(connection, current)


def current_revision(connection: Connection) -> str | None:
    """The revision that the database has; None before the first."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 - a constant


def _upgrade(connection: Connection, current: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreError("newer", current)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config, "head")
    logger.info("The database's layout is now %s", HEAD)
