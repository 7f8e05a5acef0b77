"""How SQLite and PostgreSQL are opened: drivers, pools, what a connection is told first; who is there too."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_only

from bot.digests.database_errors import sqlite_reason
from bot.digests.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_SECONDS = 5
"""How long SQLite waits for another process's transaction, and PostgreSQL for a connection."""

STATEMENT_SECONDS = 10
"""After this PostgreSQL gives a statement up."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


def open_engine(database_url: str) -> AsyncEngine:
    """The engine behind a DATABASE_URL; it connects when it is first needed.

    Raises:
        StoreError: `address` or `driver`.
    """
    url = _sqlalchemy_url(database_url)
    try:
        return _postgres_engine(url) if url.drivername.startswith("postgresql") else _sqlite_engine(url)
    except ImportError:
        raise StoreError("driver") from None
    except (exc.ArgumentError, TypeError, ValueError):  # options that the driver does not have
        raise StoreError("address") from None


def _sqlalchemy_url(database_url: str) -> URL:
    try:
        url = make_url(database_url)
        return url.set(drivername=_DRIVERS[url.drivername])
    except (exc.ArgumentError, ValueError, KeyError):  # their words may quote the password
        raise StoreError("address") from None


def _sqlite_engine(url: URL) -> AsyncEngine:
    if "timeout" not in url.query:
        url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
    # One connection: transactions of one process take turns in order, instead of running into each other's
    # locks and waiting by SQLite's clumsy timer.
    one = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0}
    engine = create_async_engine(url, hide_parameters=True, **one)
    event.listen(engine.sync_engine, "do_connect", _probe_sqlite)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _probe_sqlite(_dialect: object, _record: object, args: Any, options: Any) -> None:
    """Fail here when the file cannot be opened.

    aiosqlite (0.22) would leave a thread behind then, which ends in a traceback on stderr when the event loop
    has been closed before it.
    """
    await_only(asyncio.to_thread(lambda: sqlite3.connect(*args, **options).close()))


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # `_begin_sqlite` says how a transaction begins
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys = ON")
        # A commit has to outlast a loss of power: a claim that was forgotten would post twice.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if sqlite_reason(error) != "busy":  # another process is setting the same mode at this moment
            raise
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=BUSY_SECONDS,
        connect_args={
            "connect_timeout": BUSY_SECONDS,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "prepare_threshold": None,  # poolers in front of PostgreSQL lose prepared statements
        },
    )
    event.listen(engine.sync_engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(connection: Connection) -> None:
    # For this transaction alone: a pooler in front of PostgreSQL may give the session to somebody else next.
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")


class Presence:
    """Lets processes that work on one SQLite file know of each other, by a lock on a file beside it.

    Each holds the lock, shared, until it ends, however it ends: the kernel lets go of it (flock(2)). Whoever
    gets it alone knows that there is no other. Where there are no such locks, nobody ever knows.

    Args:
        path: of the lock's file, made when needed and never removed: made anew it would be another lock.

    Attributes:
        is_settled: whether the others know of this process, as far as they ever can.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self.is_settled = False

    def enter(self) -> bool:
        """Have the lock from now on; whether there surely is no other process, until `share`."""
        try:
            import fcntl

            if self._file is None:
                # Only for reading, in case a process of another user has made it.
                self._file = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            with suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        except (ImportError, OSError):  # none on this system, or on this file system
            self.is_settled = True
            return False
        self.share()
        return False

    def share(self) -> None:
        """Let others in."""
        if self._file is None:
            return
        import fcntl

        with suppress(BlockingIOError):  # another just has it alone: `enter` is to be called again
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            self.is_settled = True

    def leave(self) -> None:
        """Let go of the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
