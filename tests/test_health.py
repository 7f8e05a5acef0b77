"""Leaving: a replica answers until whoever sends deliveries to it has seen that it goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from bot.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONG_SECONDS = 3600.0


class Vendor:
    failure = None


class Looked:
    """A replica's health over HTTP, and somebody who looks at it."""

    def __init__(self, health: Health, url: str, session: aiohttp.ClientSession) -> None:
        self.health = health
        self._url, self._session = url, session

    async def look(self, path: str = "/readyz") -> int:
        async with self._session.get(self._url + path) as answer:
            return answer.status


@pytest.fixture
async def looked() -> AsyncIterator[Looked]:
    health = Health(Vendor(), lambda: False, None)  # type: ignore[arg-type]
    application = web.Application()
    health.add_routes(application)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield Looked(health, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
    await runner.cleanup()


async def test_waits_for_nobody_where_nobody_looks(looked: Looked) -> None:
    await looked.look("/healthz")
    assert await asyncio.wait_for(looked.health.until_seen(LONG_SECONDS), 60) < LONG_SECONDS


async def test_leaves_only_when_it_has_been_seen(looked: Looked) -> None:
    assert await looked.look() == 503  # while it starts
    looked.health.ready = True
    assert await looked.look() == 200
    looked.health.ready = False
    leaving = asyncio.create_task(looked.health.until_seen(LONG_SECONDS, grace_seconds=0))
    await looked.look("/healthz")
    assert not leaving.done()
    assert await looked.look() == 503
    assert await asyncio.wait_for(leaving, 60) < LONG_SECONDS


async def test_does_not_wait_for_ever(looked: Looked) -> None:
    await looked.look()
    assert await asyncio.wait_for(looked.health.until_seen(0.01), 60) < LONG_SECONDS
