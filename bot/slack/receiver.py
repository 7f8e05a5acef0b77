"""Receives deliveries, over HTTP (signature checked first) or Socket Mode, and admits a few at a time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from bot.slack.bolt_app import read_delivery
from bot.slack.delivery_log import begin_delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_sdk.socket_mode.request import SocketModeRequest

    from bot.config import Secret
    from bot.operating.metrics import Metrics
    from bot.slack.bolt_app import BoltApp
    from bot.slack.web_client import Session

TOLERANCE_SECONDS = 300
"""How old a delivery may be, or how far ahead its clock (Slack docs, verifying requests)."""

MOST_FIELDS = 20
"""Of an unsigned form, only this many fields are looked at."""

_TIMESTAMP = re.compile("[0-9]{1,12}")


def is_from_slack(secret: Secret, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Check a delivery's signature and time, whatever its headers hold.

    Args:
        secret: the app's signing secret.
        headers: of the request, case-insensitive.
        body: exactly as it arrived.
        now: Unix seconds; defaults to the machine's clock, which is the one that Slack's is compared with.
    """
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = b"v0:%b:%b" % (timestamp.encode(), body)
    expected = f"v0={hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()}"
    given = headers.get("X-Slack-Signature", "")
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogateescape"))


def is_certificate_check(body: bytes) -> bool:
    """Whether Slack only checks that TLS works: it doesn't sign that, and expects a 200 (Slack docs)."""
    return b"ssl_check=1" in body.split(b"&", MOST_FIELDS)


ADMITTED_AT_ONCE = 16
"""Deliveries per pass of the event loop: about 5 ms of work before anything else gets a turn."""


class Admission:
    """Spreads a burst of deliveries over passes of the event loop, first come, first served.

    If a thousand were started in one pass, the first answer would wait until all of them have started, half a
    second later. This way the first are answered at once, and other work runs in between.

    Args:
        at_once: how many are admitted per pass.
    """

    def __init__(self, at_once: int = ADMITTED_AT_ONCE) -> None:
        self._at_once = at_once
        self._left = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_scheduled = False

    async def enter(self) -> None:
        """Return at once, or in a later pass if many have arrived in this one."""
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._admit)
        if self._left and not self._waiting:
            self._left -= 1
            return
        admitted = asyncio.get_running_loop().create_future()
        self._waiting.append(admitted)
        await admitted

    def _admit(self) -> None:
        """Runs once per pass, as long as deliveries arrive."""
        self._is_scheduled = self._left < self._at_once or bool(self._waiting)
        self._left = self._at_once
        while self._left and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():  # else its connection broke
                waiting.set_result(None)
                self._left -= 1
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self._admit)


_REFUSED: dict[int, str] = {HTTPStatus.NOT_FOUND: "unknown", HTTPStatus.BAD_REQUEST: "unreadable"}
"""Bolt's status if no listener takes a delivery, and the outcome it is counted as."""


class Receiver:
    """Takes what Slack posts over HTTP.

    Args:
        signing_secret: the app's.
        metrics: counts deliveries.

    Attributes:
        bolt: handles each delivery; None while the bot starts.
    """

    def __init__(self, signing_secret: Secret, metrics: Metrics) -> None:
        self.bolt: BoltApp | None = None
        self._signing_secret = signing_secret
        self._metrics = metrics
        self._admission = Admission()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Hand one delivery to Bolt."""
        if self.bolt is None:
            return web.Response(status=503, text="The bot is starting.")
        delivery = begin_delivery(self._metrics)
        await self._admission.enter()
        body = await request.read()
        if not is_from_slack(self._signing_secret, request.headers, body):
            if is_certificate_check(body):
                return web.Response()
            delivery.refused("unsigned")
            return web.Response(status=401, text="This is not signed.")
        read = read_delivery(body, request.content_type)
        if read is None:
            delivery.refused("unreadable")
            return web.Response(status=400, text="This cannot be read.")
        if read.body.get("ssl_check") == "1":  # a certificate check that is signed
            return web.Response()
        answer = await self.bolt.async_dispatch(read)
        if not delivery.listener and answer.status in _REFUSED:
            delivery.refused(_REFUSED[answer.status])
        delivery.acknowledged()
        headers = {name: values[0] for name, values in answer.headers.items()}
        return web.Response(status=answer.status, body=answer.body.encode(), headers=headers)


class SocketModeReceiver(AsyncSocketModeHandler):
    """Takes what Slack sends over Socket Mode.

    Args:
        bolt: handles each delivery.
        app_token: SLACK_APP_TOKEN.
        metrics: counts deliveries.
        options: Bolt's.
    """

    def __init__(self, bolt: BoltApp, app_token: str, metrics: Metrics, **options: Any) -> None:
        super().__init__(bolt, app_token, **options)
        self._metrics = metrics
        self._admission = Admission()

    @property
    def is_away(self) -> bool:
        """Whether there is no connection: it was lost and isn't back, or Slack offers no new one."""
        connection = self.client.current_session
        return connection is None or connection.closed or self.client.closed or self.client.stale

    async def use_session(self, session: Session) -> None:
        """Connect through this session instead of the SDK's own, which knows one proxy for every address."""
        await self.client.aiohttp_client_session.close()
        self.client.aiohttp_client_session = session  # type: ignore[assignment]  # has all that the SDK uses

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """Hand one delivery to Bolt."""
        delivery = begin_delivery(self._metrics)
        await self._admission.enter()
        try:
            await super().handle(client, req)
        finally:
            delivery.acknowledged()
