"""A forward proxy that leads to servers of this machine under made-up names, with TLS of a company's own."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAMES = ("zego.test", "slack.test", "wss.slack.test")


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subject = ("-subj", "/CN=test", "-addext", f"subjectAltName={','.join(f'DNS:{name}' for name in names)}")
    kind = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30000")
    command = ("openssl", "req", *kind, "-keyout", str(key), "-out", str(cert), *subject)
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - every word of it is from here
    return cert, key


@dataclass
class ForwardProxy:
    """What was asked of the proxy; it takes CONNECT alone, as for https:// and wss://."""

    port: int = 0
    ca_file: str = ""
    hosts: list[str] = field(default_factory=list)
    passwords: set[str] = field(default_factory=set)
    """What clients signed in with (`Proxy-Authorization`)."""

    @property
    def url(self) -> str:
        return f"http://user:hunter2@127.0.0.1:{self.port}"


@asynccontextmanager
async def forward_proxy(folder: Path, **backends: int) -> AsyncIterator[ForwardProxy]:
    """Start it; `backends` are ports of plain HTTP servers by the first part of a name: `slack=8080`."""
    cert, key = certificate(folder, *NAMES)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    proxy = ForwardProxy(ca_file=str(cert))
    ports: dict[str, int] = {}
    pumps: set[asyncio.Task[None]] = set()

    async def join(one: asyncio.StreamReader, other: asyncio.StreamWriter, port: int) -> None:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            both = [asyncio.create_task(_pump(one, writer)), asyncio.create_task(_pump(reader, other))]
            pumps.update(both)
            await asyncio.wait(both)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        verb, target, _ = head.split(" ", 2)
        host = target.rpartition(":")[0]
        proxy.hosts.append(host)
        proxy.passwords |= {
            line.partition(": ")[2]
            for line in head.splitlines()
            if line.lower().startswith("proxy-authorization")
        }
        assert verb == "CONNECT"
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await join(reader, writer, ports[host.removesuffix(".test").rpartition(".")[2]])

    async with AsyncExitStack() as stack:
        for name, port in backends.items():

            async def end_tls(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port
            ) -> None:
                await join(reader, writer, port)

            ended = await asyncio.start_server(end_tls, "127.0.0.1", 0, ssl=tls)
            stack.callback(ended.close)
            ports[name] = ended.sockets[0].getsockname()[1]
        server = await asyncio.start_server(take, "127.0.0.1", 0)
        stack.callback(server.close)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
