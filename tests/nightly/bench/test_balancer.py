"""The load balancer of the measurements: which replica gets a delivery, and what is never sent twice."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from tests.nightly.bench.balancer import NAME_HEADER, Balancer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Replica:
    """A server that answers with its name, is ready or not, or breaks off."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.breaks_off = False
        self.received = 0
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        application = web.Application()
        application.add_routes([web.get("/readyz", self._readyz), web.post("/slack/events", self._events)])
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.ready else 503)

    async def _events(self, request: web.Request) -> web.Response:
        self.received += 1
        if self.breaks_off:
            assert request.transport
            request.transport.abort()
        return web.Response(text=self.name, headers={"X-Slack-No-Retry": "1"})


@asynccontextmanager
async def balanced(*names: str) -> AsyncIterator[tuple[Balancer, list[Replica], aiohttp.ClientSession]]:
    async with AsyncExitStack() as stack:
        replicas = [Replica(name) for name in names]
        for replica in replicas:
            await replica.start()
            stack.push_async_callback(replica.stop)
        balancer = await stack.enter_async_context(Balancer([replica.url for replica in replicas]))
        await balancer.until_ready(len(replicas))
        yield balancer, replicas, await stack.enter_async_context(aiohttp.ClientSession())


async def deliver(session: aiohttp.ClientSession, balancer: Balancer, name: str = "one") -> tuple[int, str]:
    headers = {NAME_HEADER: name}
    async with session.post(f"{balancer.url}/slack/events", data=b"{}", headers=headers) as answer:
        return answer.status, await answer.text()


async def test_the_replicas_take_turns() -> None:
    async with balanced("first", "second") as (balancer, replicas, session):
        answers = [await deliver(session, balancer) for _ in range(4)]
    assert sorted(answers) == [(200, "first")] * 2 + [(200, "second")] * 2
    assert [replica.received for replica in replicas] == [2, 2]


async def test_who_is_not_ready_gets_nothing() -> None:
    async with balanced("first", "second") as (balancer, replicas, session):
        replicas[0].ready = False
        await balancer.until(0, ready=False)
        assert [await deliver(session, balancer) for _ in range(3)] == [(200, "second")] * 3
        replicas[1].ready = False
        await balancer.until(1, ready=False)
        assert (await deliver(session, balancer))[0] == 503


async def test_a_refused_delivery_goes_to_the_next() -> None:
    async with balanced("first", "second") as (balancer, replicas, session):
        await replicas[0].stop()
        assert [await deliver(session, balancer) for _ in range(3)] == [(200, "second")] * 3
        assert balancer.outcomes["broke half way"] == 0
        assert [attempt.backend for attempt in balancer.attempts["one"]] == [1, 1, 1]


async def test_one_that_broke_half_way_does_not() -> None:
    async with balanced("first", "second") as (balancer, replicas, session):
        for replica in replicas:
            replica.breaks_off = True
        assert (await deliver(session, balancer, "lost"))[0] == 502
        assert sum(replica.received for replica in replicas) == 1
        assert list(balancer.broken) == ["lost"]


async def test_everything_goes_to_two_when_asked() -> None:
    async with balanced("first", "", "third") as (balancer, replicas, session):
        balancer.twice = True
        answers = [await deliver(session, balancer) for _ in range(3)]
    assert [replica.received for replica in replicas] == [2, 2, 2]
    assert {status for status, _ in answers} == {200}
    assert "" not in [text for _, text in answers]
