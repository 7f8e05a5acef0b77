"""One database behind one address, SQLite or PostgreSQL: its transactions, finished or tried again."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Double, exc, extract, func, literal

from bot.digests.database_errors import store_error
from bot.digests.engines import Presence, open_engine
from bot.digests.errors import UNREACHED, StoreError
from bot.digests.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from bot.clock import Clock

T = TypeVar("T")

logger = logging.getLogger(__name__)

TRANSACTION_SECONDS = 20
"""After this a PostgreSQL that does not answer counts as away."""

_MOST_TRIES = 10
_TRIED_AGAIN = ("40", "23505")
"""SQLSTATEs after which the same transaction may succeed: deadlocks, and a number just taken by another."""


class Database:
    """The database at `database_url`; nothing is opened before the first transaction.

    Args:
        database_url: as the environment has it.
        clock: for leases where the database has no clock of its own that replicas share (SQLite).

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

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a transaction that may write.

        It is carried through even when the caller is cancelled: a connection given up in the middle of a
        statement is of no use to the next. `work` may run again when others were in the way.

        Raises:
            StoreError: the database cannot be used; everything was rolled back.
        """
        return await self._transaction(work, writes=True)

    async def read(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a transaction that only reads; the rest as for `write`."""
        return await self._transaction(work, writes=False)

    async def close(self) -> None:
        """Finish what is running and close every connection."""
        if self._running:
            await asyncio.wait(self._running)
        await self._engine.dispose()
        if self._presence is not None:
            self._presence.leave()

    async def join(self, when_alone: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        """Be known to every other process that joins in work on the same SQLite file; later calls do nothing.

        Args:
            when_alone: done in a transaction if there surely is no other.

        Raises:
            StoreError: it could not be done, and is to be asked for again.
        """
        if self._has_joined or self._presence is None:
            return
        async with self._joining:
            if not self._has_joined:
                if self._presence.enter():
                    try:
                        await self.write(when_alone)
                    finally:
                        self._presence.share()
                self._has_joined = self._presence.is_settled

    async def _transaction(self, work: Callable[[AsyncConnection], Awaitable[T]], *, writes: bool) -> T:
        task = asyncio.create_task(self._attempts(work, writes=writes))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _attempts(self, work: Callable[[AsyncConnection], Awaitable[T]], *, writes: bool) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                await self._migrate_once()
                return await self._once(work, writes=writes)
            except StoreError as error:
                if not error.code.startswith(_TRIED_AGAIN) or tries == _MOST_TRIES:
                    raise

    async def _once(self, work: Callable[[AsyncConnection], Awaitable[T]], *, writes: bool) -> T:
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
                await self._engine.dispose()  # the next try looks at the place anew
            raise failure from None

    async def _migrate_once(self) -> None:
        if self._is_migrated:
            return
        async with self._migrating:
            if not self._is_migrated:
                await self._once(migrate, writes=True)
                self._is_migrated = True
