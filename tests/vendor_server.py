"""A raw HTTP server that misbehaves on command, for the client's fault tests."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    import ssl

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Seen:
    """One request as it arrived: when (event-loop time), where, and what."""

    at: float
    path: str
    params: dict[str, str]
    body: dict[str, Any]


Reply = Callable[["VendorServer", asyncio.StreamWriter], Awaitable[None]]


def http(status: int, content: bytes, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def answers(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    content = data if isinstance(data, bytes) else json.dumps(data).encode()

    async def reply(server: VendorServer, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, content, headers))

    return reply


def says(code: int, message: str = "no", status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return answers({"Code": code, "Message": message, "RequestId": "abcd123"}, status, headers)


def tasks(*rooms: str, total: int | None = None, status: int = 2) -> dict[str, Any]:
    rows = [
        {"TaskId": f"task-{room}", "RoomId": room, "Status": status, "RecordBeginTimestamp": 1628565227899}
        for room in rooms
    ]
    data = {
        "PageOffset": 1,
        "PageSize": 50,
        "TotalCount": len(rows) if total is None else total,
        "TaskidList": rows,
    }
    return {"Code": 0, "Message": "succeed", "RequestId": "abcd123", "Data": data}


def details(status: int = 3, *file_states: int) -> dict[str, Any]:
    data = {
        "RoomId": "1230",
        "Status": status,
        "RecordBeginTimestamp": 1628565227899,
        "RecordFiles": [
            {"FileId": f"file-{number}", "Status": state} for number, state in enumerate(file_states)
        ],
    }
    return {"Code": 0, "Message": "succeed", "RequestId": "abcd123", "Data": data}


def html(status: int) -> Reply:
    return answers(b"<html><body>nginx</body></html>", status, {"Content-Type": "text/html"})


def truncated() -> Reply:
    return answers(json.dumps(tasks("1230")).encode()[:-20])


def broken_off() -> Reply:
    """Promises more bytes than it sends."""

    async def reply(server: VendorServer, writer: asyncio.StreamWriter) -> None:
        writer.write(http(200, json.dumps(tasks("1230")).encode())[:-20])
        await writer.drain()
        writer.close()

    return reply


def reset() -> Reply:
    async def reply(server: VendorServer, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.transport.abort()

    return reply


def hangs() -> Reply:
    async def reply(server: VendorServer, writer: asyncio.StreamWriter) -> None:
        await server.closing.wait()

    return reply


def drips(content: bytes, gap_seconds: float) -> Reply:
    """Sends one byte at a time, for as long as the client reads."""

    async def reply(server: VendorServer, writer: asyncio.StreamWriter) -> None:
        for byte in content:
            writer.write(bytes([byte]))
            await writer.drain()
            if await server.closes_within(gap_seconds):
                return

    return reply


def held(gate: asyncio.Event, then: Reply) -> Reply:
    """Answers only when `gate` opens."""

    async def reply(server: VendorServer, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await then(server, writer)

    return reply


class VendorServer:
    """`async with VendorServer(first, second, default=third) as server`: replies in order, then `third`."""

    def __init__(
        self, *script: Reply, default: Reply | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self.script = deque(script)
        self.default = default or answers(tasks("1230"))
        self.seen: list[Seen] = []
        self.connections = 0
        self.open_connections = 0
        self.closing = asyncio.Event()
        self._changed = asyncio.Condition()
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closing.set()
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def arrived(self, count: int) -> None:
        """Wait until so many requests came."""
        await self.until(lambda: len(self.seen) >= count)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something about this server is so."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(condition)

    async def closes_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        self.connections += 1
        self.open_connections += 1
        try:
            while not writer.is_closing():
                seen = await _read_request(reader)
                await self._note(seen)
                reply = self.script.popleft() if self.script else self.default
                await reply(self, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # asyncio's streams report a handler that ends cancelled as a fault
        finally:
            writer.close()
            self.open_connections -= 1
            async with self._changed:
                self._changed.notify_all()

    async def _note(self, seen: Seen) -> None:
        self.seen.append(seen)
        async with self._changed:
            self._changed.notify_all()


async def _read_request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    at = asyncio.get_running_loop().time()
    request_line, *header_lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in header_lines if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    target = urlsplit(request_line.split(" ")[1])
    return Seen(at, target.path, dict(parse_qsl(target.query)), json.loads(body))


async def closed_port() -> int:
    """A port on which nobody listens."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
