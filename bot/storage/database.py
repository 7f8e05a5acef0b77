"""One database behind one address, SQLite or PostgreSQL: connections, transactions, and what can go wrong."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import ColumnElement, Double, event, exc, extract, func, literal
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_only

from bot.storage.errors import UNREACHED, StoreError
from bot.storage.migrations import migrate

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from bot.clock import Clock

logger = logging.getLogger(__name__)
T = TypeVar("T")

_SQLITE_REASONS = {
    "SQLITE_BUSY": "busy",
    "SQLITE_LOCKED": "busy",
    "SQLITE_READONLY": "read-only",
    "SQLITE_PERM": "read-only",
    "SQLITE_FULL": "full",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_CANTOPEN": "missing",
    "SQLITE_IOERR": "away",
}

# PostgreSQL's own list, appendix A "Error codes": whole states first, then classes.
_POSTGRES_REASONS = {
    "25006": "read-only",
    "42501": "read-only",
    "28P01": "wrong password",
    "3D000": "no database",
    "53300": "no connection left",
    "57P01": "away",
    "57P02": "away",
    "57P03": "away",
    "55P03": "busy",
    "57014": "busy",
    "53100": "full",
    "23505": "busy",
    "08": "away",
    "28": "refused",
    "40": "busy",
    "53": "busy",
}

# What libpq and psycopg say when a connection fails: such an error has no SQLSTATE (psycopg 3.3). One text
# may be about several attempts, with TLS and without, or about several addresses: the first that fits says
# most. The server's own words, those with FATAL, may be in another language.
_UNCONNECTED_REASONS = (
    ("password authentication failed", "wrong password"),
    ("no password supplied", "no password"),
    ("root certificate file", "certificate file"),
    ("certificate verify failed", "certificate"),
    ("does not match host name", "certificate"),
    ("client certificate", "client certificate"),
    ("certificate authentication failed", "client certificate"),
    ("server does not support SSL", "tls not offered"),
    ("SSL encryption", "not let in"),
    ("no encryption", "tls needed"),
    ("no pg_hba.conf entry", "not let in"),
    ("too many clients", "no connection left"),
    ("connection slots are reserved", "no connection left"),
    ("too many connections for", "no connection left"),
    ("no more connections allowed", "no connection left"),  # PgBouncer
    ("invalid connection option", "option"),
    ("invalid sslmode value", "option"),
    ("weak sslmode", "option"),  # sslrootcert=system with less than verify-full
    ("invalid integer value", "option"),
    ("invalid response to SSL negotiation", "no postgres"),
    ("expected authentication request", "no postgres"),
    ("failed to resolve host", "no host"),
    ("could not translate host name", "no host"),
    ("Connection refused", "no listener"),
    ("No such file or directory", "no listener"),  # a socket in the file system
)
_NO_SUCH = re.compile(r'(role|database) ".*" does not exist')


def store_error(error: Exception) -> StoreError:
    """Our error for what the database said; its own words may quote the password."""
    if isinstance(error, exc.TimeoutError):  # of the pool
        return StoreError("busy")
    cause: BaseException | None = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return StoreError(sqlite_reason(cause), getattr(cause, "sqlite_errorname", None) or "")
    if isinstance(cause, OSError):  # TimeoutError is one
        return StoreError("away")
    state = getattr(cause, "sqlstate", None) or ""
    if not state:  # it broke off, or was never reached
        return StoreError(_unconnected_reason(cause))
    return StoreError(_POSTGRES_REASONS.get(state) or _POSTGRES_REASONS.get(state[:2], "failed"), state)


def _unconnected_reason(error: BaseException | None) -> str:
    words = str(error)
    if no_such := _NO_SUCH.search(words):
        return "no user" if no_such[1] == "role" else "no database"
    for sign, reason in _UNCONNECTED_REASONS:
        if sign in words:
            return reason
    connection = getattr(error, "pgconn", None)  # knows it in any language
    if getattr(connection, "needs_password", False):
        return "no password"
    return "refused" if getattr(connection, "used_password", False) else "away"


def sqlite_reason(error: sqlite3.Error) -> str:
    """The reason of a StoreError."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return next((reason for start, reason in _SQLITE_REASONS.items() if name.startswith(start)), "failed")


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
            "tcp_user_timeout": 1000 * BUSY_SECONDS,  # for what was sent and not acknowledged
            "prepare_threshold": None,  # poolers in front of PostgreSQL lose prepared statements
        },
    )
    event.listen(engine.sync_engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(connection: Connection) -> None:
    # For this transaction alone: a pooler in front of PostgreSQL may give the session to somebody else next.
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")


class Presence:
    """Lets the processes on one SQLite file know of each other, by a lock on a file beside it.

    Each holds the lock, shared, until it ends, however it ends: the kernel releases it (flock(2)). Whoever
    gets it exclusively knows that it is alone. Where there are no such locks, nobody ever knows.

    Args:
        path: of the lock's file, created when needed and never removed: a new one would be another lock.

    Attributes:
        is_settled: whether the others know of this process, as far as they ever can.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self.is_settled = False

    def enter(self) -> bool:
        """Take the lock; whether this process is surely alone until it calls `share`."""
        try:
            import fcntl

            if self._file is None:
                # Read-only, in case a process of another user has created it.
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

        with suppress(BlockingIOError):  # another process is alone at this moment: call `enter` again
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            self.is_settled = True

    def leave(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


TRANSACTION_SECONDS = 20
"""A PostgreSQL that takes longer than this counts as away."""

_MOST_TRIES = 10
_TRIED_AGAIN = ("40", "23505")
"""SQLSTATEs after which the same transaction may succeed: deadlocks, and a number just taken by another."""


class Database:
    """The database at `database_url`. Nothing is opened before the first transaction.

    Args:
        database_url: as the environment has it.
        clock: for leases on SQLite, which has no clock of its own; PostgreSQL's is the same for all replicas.

    Raises:
        StoreError: `address` or `driver`.
    """

    def __init__(self, database_url: str, clock: Clock) -> None:
        self._clock = clock
        self._engine = open_engine(database_url)
        self.is_postgres = self._engine.dialect.name == "postgresql"
        file = self._engine.url.database
        in_file = not self.is_postgres and file not in {None, "", ":memory:"}
        self.folder = Path(file or "").absolute().parent if in_file else None
        """Where an SQLite file lies; None for any other database."""
        self._presence = Presence(f"{file}.lock") if in_file else None
        self._has_joined = False
        self._joining = asyncio.Lock()
        self._is_migrated = False
        self._migrating = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    def lease_now(self) -> ColumnElement[float]:
        """Unix seconds by the clock that leases go by, as an expression."""
        if self.is_postgres:
            return extract("epoch", func.clock_timestamp()).cast(Double)
        return literal(self._clock.now(), Double)

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]], *, writes: bool) -> T:
        """Run `work` in a transaction; see `transaction` and `read_transaction`, which methods use.

        Raises:
            StoreError: the database cannot be used; everything was rolled back.
        """
        task = asyncio.create_task(self._attempts(work, writes=writes))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Finish what is running and close every connection."""
        if self._running:
            await asyncio.wait(self._running)
        await self._engine.dispose()
        if self._presence is not None:
            self._presence.leave()

    async def join(self, when_alone: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        """Let every other process that joins know that this one works on the same SQLite file, once.

        Args:
            when_alone: done in a transaction if there surely is no other.

        Raises:
            StoreError: it could not be done; call it again.
        """
        if self._has_joined or self._presence is None:
            return
        async with self._joining:
            if not self._has_joined:
                if self._presence.enter():
                    try:
                        await self.run(when_alone, writes=True)
                    finally:
                        self._presence.share()
                self._has_joined = self._presence.is_settled

    async def _attempts(self, work: Callable[[AsyncConnection], Awaitable[T]], *, writes: bool) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                await self._migrate_once()
                return await self._attempt(work, writes=writes)
            except StoreError as error:
                if not error.code.startswith(_TRIED_AGAIN) or tries == _MOST_TRIES:
                    raise

    async def _attempt(self, work: Callable[[AsyncConnection], Awaitable[T]], *, writes: bool) -> T:
        engine: AsyncEngine = self._engine.execution_options(writes=writes)
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS if self.is_postgres else None):
                async with engine.begin() as connection:
                    return await work(connection)
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, OSError) as error:
            failure = store_error(error)
            if failure.reason == "failed":
                logger.exception("The database failed in an unknown way")
            if failure.reason in UNREACHED | {"damaged", "missing", "read-only"}:
                await self._engine.dispose()  # the next attempt looks at the place anew
            raise failure from None

    async def _migrate_once(self) -> None:
        if self._is_migrated:
            return
        async with self._migrating:
            if not self._is_migrated:
                await self._attempt(lambda connection: connection.run_sync(migrate), writes=True)
                self._is_migrated = True


class HasDatabase(Protocol):
    """A class whose methods may be transactions."""

    database: Database


S = TypeVar("S", bound=HasDatabase)
P = ParamSpec("P")
Transactional = Callable[Concatenate[S, AsyncConnection, P], Awaitable[T]]


def transaction(method: Transactional[S, P, T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Make a method a transaction that may write; its callers leave out the connection.

    It is carried through even when its caller is cancelled: a connection given up in the middle of a
    statement is of no use to the next. It may run again when other transactions were in the way, so it must
    change nothing but the database. It raises StoreError when the database cannot be used; nothing was
    changed then.
    """

    @wraps(method)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.database.run(lambda tx: method(self, tx, *args, **kwargs), writes=True)

    return run


def read_transaction(method: Transactional[S, P, T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Make a method a transaction that only reads; the rest as for `transaction`."""

    @wraps(method)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.database.run(lambda tx: method(self, tx, *args, **kwargs), writes=False)

    return run
