"""Deliveries over HTTP: who sent one is checked on its bytes, then it is read and handed to Bolt."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bot.slack.admission import Admission
from bot.slack.bolt_app import read_delivery
from bot.slack.delivery import begin_delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config import Secret
    from bot.operating.metrics import Metrics
    from bot.slack.bolt_app import BoltApp


TOLERANCE_SECONDS = 300
"""How old a delivery may be, or how far ahead its clock (Slack docs, verifying requests)."""

MOST_FIELDS = 20
"""Of a form that is looked at although it is not signed."""

_TIMESTAMP = re.compile("[0-9]{1,12}")


def is_from_slack(secret: Secret, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Check a delivery's signature and its time, whatever its headers hold.

    Args:
        secret: the app's signing secret.
        headers: of the request, whatever their capitals.
        body: exactly as it came.
        now: Unix seconds; the machine's own where it is not given, as Slack does not know another.
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
    """Whether Slack only looks whether TLS works: it signs nothing then, and wants a 200 (Slack docs)."""
    return b"ssl_check=1" in body.split(b"&", MOST_FIELDS)


_REFUSED: dict[int, str] = {HTTPStatus.NOT_FOUND: "unknown", HTTPStatus.BAD_REQUEST: "unreadable"}
"""What Bolt answers where no listener takes a delivery, and what that is counted as."""


class Receiver:
    """Takes what Slack posts.

    Args:
        signing_secret: the app's.
        metrics: counts deliveries.

    Attributes:
        bolt: takes each delivery from here; None while the bot starts.
    """

    def __init__(self, signing_secret: Secret, metrics: Metrics) -> None:
        self.bolt: BoltApp | None = None
        self._signing_secret = signing_secret
        self._metrics = metrics
        self._turnstile = Admission()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Hand one delivery to Bolt."""
        if self.bolt is None:
            return web.Response(status=503, text="The bot is starting.")
        delivery = begin_delivery(self._metrics)
        await self._turnstile.enter()
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
        if read.body.get("ssl_check") == "1":  # only a look at the certificate, signed this time
            return web.Response()
        answer = await self.bolt.async_dispatch(read)
        if not delivery.listener and answer.status in _REFUSED:
            delivery.refused(_REFUSED[answer.status])
        delivery.acknowledged()
        headers = {name: values[0] for name, values in answer.headers.items()}
        return web.Response(status=answer.status, body=answer.body.encode(), headers=headers)
