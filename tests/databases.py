"""Empty databases for tests: an SQLite file, or a schema of its own on the local PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.clock import SystemClock
from bot.features.digests.store import open_store
from tests.nightly.bench.cuttable import Cuttable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")


@asynccontextmanager
async def empty_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The DATABASE_URL of an empty `sqlite` or `postgres` database.

    Raises:
        psycopg.OperationalError: there is no PostgreSQL.
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'digests.db'}"
        return
    schema = f"recordings_test_{secrets.token_hex(6)}"
    async with await psycopg.AsyncConnection.connect(
        POSTGRES_URL, autocommit=True, connect_timeout=3
    ) as connection:
        await connection.execute(f"CREATE SCHEMA {schema}")
        try:
            mark = "&" if "?" in POSTGRES_URL else "?"
            yield f"{POSTGRES_URL}{mark}options={quote(f'-csearch_path={schema}')}"
        finally:
            await connection.execute(f"DROP SCHEMA {schema} CASCADE")


@cache
def _file_with_tables() -> bytes:
    async def make(url: str) -> None:
        store = open_store(url, SystemClock())
        await store.check()
        await store.close()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        with ThreadPoolExecutor(1) as beside:  # whoever needs it has a running event loop
            beside.submit(asyncio.run, make(f"sqlite:///{path}")).result()
        return path.read_bytes()


def sqlite_with_tables(path: Path) -> str:
    """The DATABASE_URL of a new SQLite file that has every table: a copy, sooner there than made anew."""
    path.write_bytes(_file_with_tables())
    return f"sqlite:///{path}"


@asynccontextmanager
async def cuttable(database_url: str) -> AsyncIterator[tuple[Cuttable, str]]:
    """A way of one's own to the database, and its DATABASE_URL."""
    url = make_url(database_url)
    async with Cuttable(url.host or "127.0.0.1", url.port or 5432) as line:
        yield line, url.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)


@asynccontextmanager
async def database_or_skip(kind: str, folder: Path) -> AsyncIterator[str]:
    """The same for a test, which is skipped where there is no PostgreSQL."""
    try:
        opened = empty_database(kind, folder)
        url = await opened.__aenter__()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at TEST_POSTGRES_URL: {error}")
    try:
        yield url
    finally:
        await opened.__aexit__(None, None, None)


@asynccontextmanager
async def silent_database() -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """A PostgreSQL that takes connections and says nothing, and the connections."""
    connected: list[asyncio.StreamWriter] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"postgresql://bot@127.0.0.1:{server.sockets[0].getsockname()[1]}/x", connected
    finally:
        server.close()
        for writer in connected:
            writer.transport.abort()
