"""What platforms and people may ask about the process: alive, ready, degraded."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from bot.errors import RecordingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.storage.replicas import Replicas
    from bot.zegocloud.client import ZegoClient


logger = logging.getLogger(__name__)

PROBE_EVERY_SECONDS = 60.0
"""How often a vendor that failed is asked whether it answers again, where nobody else asks."""

LOOKS_SECONDS = 30.0
"""Who decides by `/readyz` where deliveries go looks at least this often."""

GRACE_SECONDS = 1.0
"""From a look to the last delivery that comes in spite of it: it may be on its way, or another one looked."""


class Health:
    """Answers `/healthz` and `/readyz`.

    Args:
        zego: says whether the vendor answered last.
        database_is_away: says whether the database can be used.
        replicas: says whether this one may ask the vendor; None where it is the only one.
        slack_is_away: says whether Socket Mode, where that is used, has no connection.
    """

    def __init__(
        self,
        zego: ZegoClient,
        database_is_away: Callable[[], bool],
        replicas: Replicas | None,
        slack_is_away: Callable[[], bool],
    ) -> None:
        self.ready = False
        self._zego = zego
        self._database_is_away = database_is_away
        self._replicas = replicas
        self._slack_is_away = slack_is_away
        self._watching: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self._seen_unready = asyncio.Event()

    def degraded(self) -> list[str]:
        """What is away; questions are answered as far as caches can."""
        replicas = self._replicas
        away = {
            "budget": replicas is not None and replicas.waits,
            "database": self._database_is_away() or (replicas is not None and replicas.is_away),
            "slack": self._slack_is_away(),
            "vendor": self._zego.failure is not None,
        }
        return [name for name, is_away in away.items() if is_away]

    def start(self) -> None:
        """Look once a minute whether a vendor that failed answers again, until `stop`."""
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            try:
                if self._zego.failure is not None:
                    with suppress(RecordingsError):  # which is what `failure` says then
                        await self._zego.probe()
            except Exception:  # the next look is worth as much as this one
                logger.exception("Looking whether ZEGOCLOUD answers again failed")

    def add_routes(self, application: web.Application) -> None:
        """Put the paths into an HTTP application."""
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)

    async def until_seen(self, seconds: float, grace_seconds: float = GRACE_SECONDS) -> float:
        """Wait until whoever looks at `/readyz` knows that nothing may be sent here any more.

        Returns how many seconds that took: none where nobody looks, at most `seconds`.
        """
        began = time.monotonic()
        self._seen_unready.clear()  # who looked while it started saw something else
        if began - self._looked < LOOKS_SECONDS:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._seen_unready.wait()
                    await asyncio.sleep(grace_seconds)
        return time.monotonic() - began

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _: web.Request) -> web.Response:
        self._looked = time.monotonic()
        if not self.ready:
            self._seen_unready.set()
        body = {"ready": self.ready, "degraded": self.degraded()}
        return web.json_response(body, status=200 if self.ready else 503)
