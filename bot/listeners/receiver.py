"""Deliveries over HTTP: who sent one is checked on its bytes, then it is read and handed to Bolt."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bot.listeners.bolt_app import read_delivery
from bot.listeners.delivery import begin_delivery
from bot.listeners.signature import is_certificate_check, is_from_slack
from bot.listeners.turnstile import Turnstile

if TYPE_CHECKING:
    from bot.config_values import Secret
    from bot.listeners.bolt_app import BoltApp
    from bot.metrics import Metrics

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
        self._turnstile = Turnstile()

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
