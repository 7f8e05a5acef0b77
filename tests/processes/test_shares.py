"""The vendor's budget, shared by replicas in processes of their own: what arrives there, whatever happens."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from bot.clock import SystemClock
from bot.sandbox.zego_gate import longest_burst
from bot.sandbox.zegocloud import SimulatedZego
from tests.bot_process import ROOT, running_python, vendor_environment
from tests.databases import cuttable, database_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from tests.bot_process import Process

BUDGET = 8
PATIENCE_SECONDS = 40.0


@pytest.fixture
async def database_url(tmp_path: Path) -> AsyncIterator[str]:
    async with database_or_skip("postgres", tmp_path) as url:
        yield url


class CountingZego(SimulatedZego):
    """Knows who asked how often, and tells when that changes."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock(), tasks=0, max_rps=BUDGET)
        self.latency_seconds = 0.05
        self.by_name: Counter[str] = Counter()
        self._more = asyncio.Condition()

    def _record_status(self, body: dict[str, Any]) -> dict[str, Any]:
        self.by_name[body["TaskId"].partition("-")[0]] += 1
        return super()._record_status(body)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._answer(request)
        async with self._more:
            self._more.notify_all()
        return answer

    async def asked(self, **times: int) -> None:
        """Wait until these have asked so many times more."""
        wanted = {name: self.by_name[name] + more for name, more in times.items()}
        async with asyncio.timeout(PATIENCE_SECONDS), self._more:
            await self._more.wait_for(lambda: all(self.by_name[name] >= n for name, n in wanted.items()))

    @property
    def worst_second(self) -> int:
        return longest_burst(request.arrived for request in self.requests)


@pytest.fixture
async def zego() -> AsyncIterator[CountingZego]:
    counting = CountingZego()
    await counting.start()
    yield counting
    await counting.stop()


@asynccontextmanager
async def asker(name: str, zego: CountingZego, database_url: str) -> AsyncIterator[Process]:
    """A replica in a process of its own that asks as much as it may; it is killed in the end."""
    environment = vendor_environment(zego) | {"DATABASE_URL": database_url, "ZEGO_MAX_RPS": str(BUDGET)}
    async with running_python("-m", "tests.asker", name, folder=ROOT, **environment) as process:
        yield process


async def test_replicas_that_start_stop_die_and_are_paused_stay_within_the_budget(
    zego: CountingZego, database_url: str
) -> None:
    async with asker("a", zego, database_url) as a, asker("b", zego, database_url) as b:
        await b.said("sends up to 4 of 8")
        async with asker("c", zego, database_url) as c:
            await c.said("sends up to 2 of 8")
            await zego.asked(a=6, b=6, c=4)
            a.signal(signal.SIGSTOP)  # longer than its lease: the others take its share
            await c.said("sends up to 3 of 8")
            await zego.asked(b=20, c=20)
            a.signal(signal.SIGCONT)
            await zego.asked(a=6, b=6)
            assert await c.stop() == 0
        b.process.kill()
        await zego.asked(a=40)
    assert zego.worst_second == BUDGET


async def test_a_replica_cut_off_alone_stays_within_what_the_others_leave(
    zego: CountingZego, database_url: str
) -> None:
    async with (
        cuttable(database_url) as (line, cut_url),
        asker("a", zego, database_url) as a,
        asker("b", zego, cut_url) as b,
    ):
        await b.said("sends up to 4 of 8")
        line.cut()
        await b.said("sends at most 3 of 8")
        await a.said("sends up to 5 of 8")
        await zego.asked(a=18, b=6)
        async with asker("c", zego, database_url):
            await zego.asked(a=6, b=4, c=6)
            await line.mend()
            await b.said("PostgreSQL is back")
            await zego.asked(a=9, b=9, c=6)
    assert zego.worst_second == BUDGET


async def test_while_postgres_is_gone_for_all_they_go_on_and_one_that_starts_waits_its_time(
    zego: CountingZego, database_url: str
) -> None:
    async with (
        cuttable(database_url) as (line, url),
        asker("a", zego, url) as a,
        asker("b", zego, url) as b,
    ):
        await b.said("sends up to 4 of 8")
        line.cut()
        async with asker("c", zego, url) as c:
            await zego.asked(a=12, b=12, c=3)
            await line.mend()
            await a.said("PostgreSQL is back")
            await c.said("sends up to 2 of 8")
            await zego.asked(a=6, b=6, c=4)
    assert zego.worst_second <= BUDGET
