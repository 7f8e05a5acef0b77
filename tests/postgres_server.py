"""A PostgreSQL of its own for tests: with TLS, passwords, and few connections, on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.proxies import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 5
RESERVED = 2

_RULES = """
local all all trust
hostssl secure all 127.0.0.1/32 scram-sha-256
host open all 127.0.0.1/32 scram-sha-256
host trusting all 127.0.0.1/32 trust
host no_such_database all 127.0.0.1/32 scram-sha-256
hostssl certificates all 127.0.0.1/32 cert
"""


@dataclass
class PostgresServer:
    """Databases `open`, `secure` (TLS only), `trusting`, `certificates`; users `bot` and `few`."""

    folder: Path
    port: int

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connect(self, **how: Any) -> psycopg.Connection[Any]:
        """As its administrator, or however else."""
        usual = {"host": str(self.folder), "port": self.port, "user": "postgres", "dbname": "postgres"}
        return psycopg.connect(**usual | how, autocommit=True)

    def switch_tls(self, state: str) -> None:
        """Offer TLS, `on` or `off`, from the next connection on."""
        with self.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET ssl = {state}")
            connection.execute("SELECT pg_reload_conf()")
        while True:
            with self.connect() as connection:
                row = connection.execute("SHOW ssl").fetchone()
                if row == (state,):
                    return


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start it; the test is skipped where PostgreSQL's programs are not installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(installed[-1]) if installed else shutil.which("initdb")
    if initdb is None:
        pytest.skip("needs PostgreSQL's own programs (initdb, pg_ctl)")
    programs = Path(initdb).resolve().parent
    user = _unprivileged() if os.getuid() == 0 else None  # PostgreSQL does not run as root
    with tempfile.TemporaryDirectory(prefix="recordings-postgres-") as name:
        folder = Path(name)
        cert, key = certificate(folder, "localhost")
        key.chmod(0o600)
        if user:
            for path in (folder, cert, key):
                shutil.chown(path, user)

        def run(program: str, *arguments: str) -> None:
            command = (str(programs / program), "-D", str(folder / "data"), *arguments)
            subprocess.run(  # noqa: S603 - every word of it is from here
                command, check=True, user=user, cwd=name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

        run("initdb", "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        (folder / "data" / "pg_hba.conf").write_text(_RULES)
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n"
                f"ssl = on\nssl_cert_file = '{cert}'\nssl_key_file = '{key}'\nssl_ca_file = '{cert}'\n"
                f"max_connections = {CONNECTIONS}\nsuperuser_reserved_connections = {RESERVED}\n"
                "max_wal_senders = 0\nfsync = off\n"
            )
        run("pg_ctl", "-w", "-l", str(folder / "log"), "start")
        try:
            server = PostgresServer(folder, port)
            with server.connect() as connection:
                for statement in (
                    *(f"CREATE DATABASE {name}" for name in ("open", "secure", "trusting", "certificates")),
                    "CREATE ROLE bot LOGIN PASSWORD 'hunter2'",
                    "CREATE ROLE few LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 0",
                ):
                    connection.execute(statement)
            yield server
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")


def _unprivileged() -> str:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("needs a user other than root, whom PostgreSQL refuses")
