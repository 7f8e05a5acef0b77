"""PostgreSQL that cannot be used, each way said plainly; and nothing left behind in its sessions."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import text

from bot.clock import AdjustableClock
from bot.features.digests.store import Store, open_store
from bot.operating.doctor import check_database
from bot.storage.database import STATEMENT_SECONDS, store_error
from bot.storage.errors import _FOR_OPERATORS, StoreError
from tests.databases import database_or_skip
from tests.postgres_server import postgres_server
from tests.test_config import RIGHT, load_settings
from tests.world import a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


CASES = [
    (
        "postgresql://bot:hunter2@{place}/secure?sslmode=disable",
        "tls needed",
        "does not let this user in without",
    ),
    ("postgresql://bot@{place}/open", "no password", "wants a password, and DATABASE_URL has none"),
    ("postgresql://bot:hunter3@{place}/open", "wrong password", "refuses the user or the password"),
    ("postgresql://nobody:hunter3@{place}/open", "wrong password", "refuses the user or the password"),
    ("postgresql://nobody@{place}/trusting", "no user", "has no user with the name"),
    ("postgresql://bot:hunter2@{place}/no_such_database", "no database", "has no database with the name"),
    ("postgresql://bot:hunter2@{place}/postgres", "not let in", "Allow it in pg_hba.conf"),
    ("postgresql://few:hunter2@{place}/open", "no connection left", "all are taken"),
    ("postgresql://bot@{place}/certificates?sslmode=require", "client certificate", "sslcert and sslkey"),
    (
        "postgresql://bot:hunter2@{place}/open?sslmode=verify-ca&sslrootcert=/no/such/file",
        "certificate file",
        "is missing or cannot be read. Correct sslrootcert",
    ),
    (
        "postgresql://bot:hunter2@{place}/open?sslmode=verify-ca&sslrootcert=/etc/passwd",
        "certificate file",
        "is missing or cannot be read. Correct sslrootcert",
    ),
    (
        "postgresql://bot:hunter2@{place}/open?sslmode=verify-full&sslrootcert={folder}/cert.pem",
        "certificate",
        "is for another host name",
    ),
    (
        "postgresql://bot:hunter2@{place}/open?sslmode=verify-full&sslrootcert=system",
        "certificate",
        "not trusted",
    ),
    (
        "postgresql://bot:hunter2@{place}/open?sslmode=banana",
        "option",
        "an option that cannot be used",
    ),
    ("postgresql://bot:hunter2@{place}/open?nonsense=1", "option", "an option that cannot be used"),
    ("postgresql://bot:hunter2@no-such-host.invalid/open", "no host", "The host in DATABASE_URL is unknown"),
    ("postgresql://bot:hunter2@127.0.0.1:9/open", "no listener", "Nothing listens at the host and port"),
    ("postgresql://bot:hunter2@/open?host=/no/such/folder", "no listener", "Nothing listens"),
]


async def refusal(url: str) -> StoreError:
    store = open_store(url, AdjustableClock())
    with pytest.raises(StoreError) as raised:
        await store.check()
    await store.close()
    return raised.value


def check_words(error: StoreError, words: str) -> None:
    """Operators read what to do, people in Slack nothing that only operators know; nobody a password."""
    assert words in error.for_operator()
    assert "hunter" not in f"{error!r} {error.for_operator()} {error} {error.__cause__} {error.__context__}"
    assert str(error).startswith("The database")
    for word in ("DATABASE_URL", "PostgreSQL", "ssl", "pip", "pg_hba", "process", "locked"):
        assert word not in str(error)


@pytest.mark.parametrize(("url", "reason", "words"), CASES)
async def test_each_way_of_not_getting_in_has_its_own_sentence(
    server: PostgresServer, url: str, reason: str, words: str
) -> None:
    url = url.format(place=server.place, folder=server.folder)
    error = await refusal(url)
    assert error.reason == reason
    check_words(error, words)
    outcome, finding = await check_database(load_settings(RIGHT | {"DATABASE_URL": url}))
    assert (outcome, words in finding, "hunter" in finding) == ("failed", True, False)


async def test_tls_that_the_server_does_not_offer_is_told(server: PostgresServer) -> None:
    server.switch_tls("off")
    try:
        error = await refusal(f"postgresql://bot:hunter2@{server.place}/open?sslmode=require")
    finally:
        server.switch_tls("on")
    assert error.reason == "tls not offered"
    check_words(error, "PostgreSQL does not offer it")


async def test_all_connections_taken_is_told_and_over_once_one_is_free(server: PostgresServer) -> None:
    url = f"postgresql://bot:hunter2@{server.place}/open"
    with server.connect() as administrator:
        administrator.execute("ALTER DATABASE open OWNER TO bot")
    store = open_store(url, AdjustableClock())
    with ExitStack() as others:
        while True:
            try:
                others.enter_context(psycopg.connect(url))
            except psycopg.OperationalError:
                break
        with pytest.raises(StoreError) as raised:
            await store.check()
    assert raised.value.reason == "no connection left"
    check_words(raised.value, "The bot keeps trying")
    async with asyncio.timeout(30):
        while True:  # the server lets go of a connection a moment after its client
            with suppress(StoreError):
                await store.check()
                break
    await store.close()


async def test_tls_and_a_root_certificate_that_is_the_right_one_get_in(server: PostgresServer) -> None:
    with server.connect() as administrator:
        administrator.execute("ALTER DATABASE secure OWNER TO bot")
    for options in ("", "?sslmode=require", f"?sslmode=verify-ca&sslrootcert={server.folder}/cert.pem"):
        store = open_store(f"postgresql://bot:hunter2@{server.place}/secure{options}", AdjustableClock())
        await store.check()
        await store.close()


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that is no PostgreSQL."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("mode", ["prefer", "disable"])
async def test_another_server_at_that_port_is_told(mode: str) -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = await refusal(f"postgresql://bot:hunter2@127.0.0.1:{port}/open?sslmode={mode}")
    assert error.reason == "no postgres"
    check_words(error, "is not PostgreSQL")


class Connection:
    """As much of libpq's as tells in any language."""

    def __init__(self, *, needs_password: bool, used_password: bool) -> None:
        self.needs_password, self.used_password = needs_password, used_password


@pytest.mark.parametrize(
    ("needs", "used", "reason"),
    [(True, True, "no password"), (False, True, "refused"), (False, False, "away")],
)
def test_in_another_language_as_much_is_told_as_the_driver_knows(
    needs: bool, used: bool, reason: str
) -> None:
    connection: Any = Connection(needs_password=needs, used_password=used)
    error = psycopg.OperationalError("FATAL:  Passwort-Authentifizierung fehlgeschlagen", pgconn=connection)
    assert store_error(error).reason == reason


@pytest.mark.parametrize("reason", sorted(_FOR_OPERATORS))
def test_people_read_of_no_setting_whatever_is_wrong_with_the_database(reason: str) -> None:
    check_words(StoreError(reason), _FOR_OPERATORS[reason])


async def test_people_in_slack_read_that_the_database_is_away_and_the_log_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_world(DATABASE_URL="postgresql://bot:hunter2@127.0.0.1:9/x") as world:
        said = await world.ask("digest list")
    assert "The database does not answer. Nothing is lost" in said.text
    assert "DATABASE_URL" not in said.text
    assert "Nothing listens at the host and port in DATABASE_URL" in caplog.text
    assert "hunter2" not in caplog.text


async def session_of(store: Store) -> tuple[str, int]:
    """What the pool's one connection says outside of any transaction of ours: its timeout, and who it is."""
    async with store.database._engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.rollback()
        await driver.set_autocommit(True)
        timeout = await (await driver.execute("SHOW statement_timeout")).fetchone()
        await driver.set_autocommit(False)
        return timeout[0], driver.info.backend_pid


async def test_the_statement_timeout_ends_with_its_transaction(tmp_path: Path) -> None:
    async with database_or_skip("postgres", tmp_path) as url:
        store = open_store(url, AdjustableClock())
        await store.check()

        async def look(connection: Any) -> tuple[str, int]:
            timeout = (await connection.execute(text("SHOW statement_timeout"))).scalar_one()
            return timeout, (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()

        for writes in (True, False):
            timeout, pid = await store.database.run(look, writes=writes)
            assert timeout == f"{STATEMENT_SECONDS}s"
            assert await session_of(store) == ("0", pid)
        await store.close()
