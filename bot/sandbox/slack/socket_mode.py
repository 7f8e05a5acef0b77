"""Socket Mode: the WebSockets the app opens, and deliveries over them (Slack docs, using Socket Mode)."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.sandbox.slack.delivery import Answer
from bot.sandbox.slack.state import APP

if TYPE_CHECKING:
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.slack_platform import Platform

MOST_CONNECTIONS = 10
MOST_FRAME_BYTES = 20 * 1024  # seen in the field: a larger frame from the app closes the connection
CONNECTION_SECONDS = 3600
PING_SECONDS = 30.0
CLOSE_SECONDS = 0.5


@dataclass(eq=False)
class Connection:
    """One open WebSocket and the envelopes on it that wait for their acknowledgement."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)


class SocketMode:
    """The app's open connections; each delivery goes to one of them, in turn."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.connections: list[Connection] = []
        self._turn = itertools.count()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection, from its ticket to its end."""
        tickets = self._platform.socket_tickets
        ticket = request.query.get("ticket", "")
        if ticket not in tickets:
            raise web.HTTPUnauthorized(text="this ticket was used already, or never given out")
        tickets.remove(ticket)
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS, max_msg_size=MOST_FRAME_BYTES, heartbeat=PING_SECONDS
        )
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        transport = request.transport if isinstance(request.transport, asyncio.Transport) else None
        connection = Connection(socket, transport)
        self.connections.append(connection)
        try:
            await socket.send_json(self._hello())
            self._tell("socket_opened")
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    self._acknowledge(connection, frame.data)
        finally:
            self.connections.remove(connection)
            self._tell("socket_closed", code=socket.close_code)
            for future in connection.waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError())
        return socket

    async def send(self, delivery: Delivery, deadline_seconds: float) -> Answer:
        """Send an envelope over one of the connections and wait for its acknowledgement.

        Where a connection closes first, the next one gets the envelope (unverified), each at most once.
        """
        began = time.monotonic()
        failure = "dispatch_failed"
        tried: list[Connection] = []
        try:
            async with asyncio.timeout(deadline_seconds):
                while rest := [one for one in self.connections if one not in tried]:
                    connection = rest[next(self._turn) % len(rest)]
                    if tried:
                        self._tell("envelope_sent_again", tries=len(tried) + 1)
                    tried.append(connection)
                    failure = "operation_timeout"
                    with suppress(ConnectionError):
                        body = await self._send_over(connection, delivery)
                        return Answer(200, body, time.monotonic() - began)
        except TimeoutError:
            failure = "operation_timeout"
        return Answer(None, None, time.monotonic() - began, failure)

    async def _send_over(self, connection: Connection, delivery: Delivery) -> Any:
        """Send over one connection; returns the acknowledgement's body.

        Raises:
            ConnectionError: it closed before the acknowledgement.
        """
        envelope_id = str(uuid.uuid4())
        envelope = {
            "envelope_id": envelope_id,
            "type": delivery.kind,
            "accepts_response_payload": _accepts_payload(delivery),
            "payload": delivery.payload,
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": delivery.retry_num, "retry_reason": delivery.retry_reason}
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = future
        try:
            await connection.socket.send_json(envelope)
            return await future
        finally:
            connection.waiting.pop(envelope_id, None)

    async def ask_to_reconnect(self, reason: str = "refresh_requested") -> None:
        """Send `disconnect` on every connection: `warning`, `refresh_requested` or `link_disabled`."""
        for connection in list(self.connections):
            await connection.socket.send_json(_disconnect(reason))

    def drop(self) -> None:
        """Break every connection off without a word, as a failing network does."""
        for connection in list(self.connections):
            if connection.transport:
                connection.transport.abort()

    async def close(self) -> None:
        """Close every connection in good order."""
        await asyncio.gather(*(connection.socket.close() for connection in self.connections))

    def _acknowledge(self, connection: Connection, text: str) -> None:
        """Match an acknowledgement to its envelope; one that comes too late is not heard."""
        try:
            ack = json.loads(text)
        except ValueError:
            self._tell("socket_nonsense", text=text[:200])
            return
        future = connection.waiting.get(ack.get("envelope_id", "")) if isinstance(ack, dict) else None
        if future is None or future.done():
            self._tell("ack_unheard", envelope_id=ack.get("envelope_id") if isinstance(ack, dict) else None)
            return
        future.set_result(ack.get("payload") or None)

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": APP},
            "debug_info": {
                "host": "applink-local",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_SECONDS,
            },
        }

    def _tell(self, kind: str, **fields: Any) -> None:
        self._platform.workspace.feed.publish(kind, connections=len(self.connections), **fields)


def _disconnect(reason: str) -> dict[str, Any]:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-local"}}


def _accepts_payload(delivery: Delivery) -> bool:
    """Whether the acknowledgement may carry an answer; a click's may not (envelopes seen)."""
    return delivery.kind == "slash_commands" or delivery.payload.get("type") == "view_submission"
