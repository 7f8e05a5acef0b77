"""A small HTTP load generator: keep-alive connections that each send the next request after the answer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import time
from urllib.parse import urlencode

SIGNING_SECRET = "bench-signing-secret"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_TRIGGERS = itertools.count(time.time_ns() // 1_000_000)


class SlashCommand:
    """Signed deliveries of `/recordings …` as bytes on the wire, each a new one: one that comes again is not
    answered again."""

    def __init__(
        self, text: str, *, user: str = "U0ASKER1", response_url: str = "http://127.0.0.1:0/unused"
    ) -> None:
        fields = {
            "token": "unused",
            "team_id": "T0LOCAL01",
            "team_domain": "local",
            "channel_id": "C0GENERAL1",
            "channel_name": "general",
            "user_id": user,
            "user_name": "asker",
            "command": "/recordings",
            "text": text,
            "api_app_id": "A0LOCAL01",
            "response_url": response_url,
            "trigger_id": "1.2.",
        }
        self._body = urlencode(fields).encode()

    def delivery(self) -> bytes:
        """One more, signed now."""
        now, body = str(int(time.time())), self._body + b"%015d" % next(_TRIGGERS)
        signature = hmac.new(SIGNING_SECRET.encode(), b"v0:" + now.encode() + b":" + body, hashlib.sha256)
        head = (
            "POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature.hexdigest()}\r\n\r\n"
        )
        return head.encode() + body


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """One request on an open connection; returns the answer's body."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if line)
    return await reader.readexactly(int(fields[b"content-length"]))


async def once(port: int, command: SlashCommand) -> bytes:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await send(reader, writer, command.delivery())
    finally:
        writer.close()
        await writer.wait_closed()


async def answers_per_second(port: int, command: SlashCommand, connections: int, seconds: float) -> float:
    """How many answers a server gives on so many connections."""
    counts = [0] * connections
    end = time.perf_counter() + seconds

    async def keep_asking(index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            await send(reader, writer, command.delivery())
            counts[index] += 1
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(keep_asking(index) for index in range(connections)))
    return sum(counts) / (time.perf_counter() - began)
