"""Leaving: a replica answers until whoever sends deliveries to it has seen that it goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from bot.errors import InvalidSignatureError, ZegoBusyError
from bot.operating.health import PROBE_EVERY_SECONDS, Health
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.virtual_time import in_virtual_time
from tests.world import World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONG_SECONDS = 3600.0


class Vendor:
    """Answers again at the third look."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.looked_at: list[float] = []

    async def probe(self) -> None:
        self.looked_at.append(asyncio.get_running_loop().time())
        if len(self.looked_at) == 2:
            raise RuntimeError("nobody expected this")
        if len(self.looked_at) == 3:
            self.failure = None


def health_of(vendor: Vendor) -> Health:
    return Health(vendor, lambda: False, None, lambda: False)  # type: ignore[arg-type]


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
    health = health_of(Vendor())
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


@in_virtual_time
async def test_a_vendor_that_failed_is_looked_at_once_a_minute_until_it_is_well() -> None:
    vendor = Vendor(ZegoBusyError())
    health = health_of(vendor)
    health.start()
    assert health.degraded() == ["vendor"]
    await asyncio.sleep(10 * PROBE_EVERY_SECONDS)
    assert vendor.looked_at == [PROBE_EVERY_SECONDS * n for n in (1, 2, 3)]
    assert health.degraded() == []
    vendor.failure = ZegoBusyError()
    await asyncio.sleep(PROBE_EVERY_SECONDS)
    assert len(vendor.looked_at) == 4
    await health.stop()
    await asyncio.sleep(10 * PROBE_EVERY_SECONDS)
    assert len(vendor.looked_at) == 4


async def test_a_look_is_one_question_that_waits_behind_everyone(world: World) -> None:
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
    await world.ask("room=1230 last=6h")
    assert world.bot.health.degraded() == ["vendor"]
    before = world.vendor_calls
    with pytest.raises(InvalidSignatureError):
        await world.bot.recordings.zego.probe()
    assert world.bot.health.degraded() == ["vendor"]
    world.zego.behave()
    await world.bot.recordings.zego.probe()
    assert world.bot.health.degraded() == []
    assert world.vendor_calls == before + 2


async def degraded(world: World, expected: list[str]) -> None:
    """Wait until `/readyz`, which goes on saying 200, says that so much is away."""
    url = f"http://127.0.0.1:{world.bot.port}/readyz"
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as answer:
                assert answer.status == 200
                if (await answer.json())["degraded"] == expected:
                    return


@pytest.mark.parametrize(
    "how", [{"error": "invalid_auth"}, {"status": 503}], ids=["token refused", "HTTP 503"]
)
async def test_socket_mode_without_a_connection_is_degraded_until_it_is_back(how: dict[str, object]) -> None:
    async with a_world(socket_mode=True) as world:
        await degraded(world, [])
        world.slack.misbehave("apps.connections.open", times=1, **how)
        world.slack.drop_sockets()
        await degraded(world, ["slack"])
        await degraded(world, [])
        assert (await world.slack.command("help")).ok


async def test_over_http_slack_is_never_away(world: World) -> None:
    world.slack.misbehave("apps.connections.open", error="invalid_auth", times=99)
    await degraded(world, [])
