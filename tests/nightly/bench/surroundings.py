"""What replicas run in: the vendor, Slack, PostgreSQL; the balancer before them; people who ask."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.clock import AdjustableClock
from bot.sandbox.slack.delivery import HttpTransport
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.zegocloud import SimulatedZego
from tests.bot_process import bot_environment
from tests.databases import cuttable, empty_database
from tests.nightly.bench.balancer import NAME_HEADER, Balancer
from tests.nightly.bench.driver import Driver
from tests.nightly.bench.fleet import Fleet
from tests.world import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from bot.sandbox.slack.delivery import Answer, Delivery
    from tests.nightly.bench.cuttable import Cuttable

BUDGET = 8
"""ZEGO_MAX_RPS of all replicas together: what is used where nobody sets another."""

HEARD_PATH = "/heard/{name}"
"""Where the load generator's response_urls lead, at Slack."""

LATENCY_SECONDS = (0.02, 0.1)
"""How long the vendor takes."""


@dataclass(frozen=True)
class Plan:
    """How much of it.

    Args:
        seconds: of each phase.
        replicas: over HTTP.
        connections: replicas over Socket Mode, each with a connection of its own.
        per_second: questions.
        seed: another number, other questions.
    """

    seconds: float = 60.0
    replicas: int = 3
    connections: int = 4
    per_second: float = 5.0
    seed: int = 1


class NamedTransport(HttpTransport):
    """Deliveries over HTTP that tell the balancer who asks: nobody asks two things at once."""

    async def send(self, delivery: Delivery, deadline_seconds: float) -> Answer:
        self._name = asker_of(delivery.payload)  # the post takes it before anything is waited for
        return await super().send(delivery, deadline_seconds)

    async def post(self, body: bytes, headers: Mapping[str, str], deadline_seconds: float) -> Answer:
        return await super().post(body, {**headers, NAME_HEADER: self._name}, deadline_seconds)


def asker_of(payload: Mapping[str, Any]) -> str:
    """Who caused a delivery."""
    event = payload.get("event") or {}
    return str(payload.get("user_id") or (payload.get("user") or {}).get("id") or event.get("user") or "")


class Heard:
    """What came to the load generator's response_urls, `/heard/…`: by their names, when and what."""

    def __init__(self) -> None:
        self.messages: dict[str, list[tuple[float, bytes]]] = {}
        self._more = asyncio.Condition()

    async def hear(self, request: web.Request) -> web.Response:
        """Keep one."""
        message = await request.read()
        self.messages.setdefault(request.match_info["name"], []).append((time.perf_counter(), message))
        async with self._more:
            self._more.notify_all()
        return web.Response(text="ok")

    async def wait_for(self, predicate: Callable[[], bool], seconds: float) -> None:
        """Until it is true, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._more:
                await self._more.wait_for(predicate)


@dataclass
class World:
    """What runs, and what can be done to it."""

    plan: Plan
    zego: SimulatedZego
    slack: LocalSlack
    driver: Driver
    database_url: str
    environment: dict[str, str]
    folder: Path
    line: Cuttable
    fleet: Fleet
    heard: Heard
    balancer: Balancer | None = None

    def environment_of(self, max_rps: int = BUDGET) -> dict[str, str]:
        """What replicas run with: one budget for all of them."""
        return {**self.environment, "ZEGO_MAX_RPS": str(max_rps)}


@asynccontextmanager
async def surroundings(plan: Plan) -> AsyncIterator[World]:
    """The vendor, Slack, and PostgreSQL behind a line that can be cut; no replica yet.

    Raises:
        psycopg.OperationalError: there is no PostgreSQL.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        zego = SimulatedZego(clock=AdjustableClock(), tasks=0, max_rps=10)
        zego.clear()
        await zego.start()
        stack.push_async_callback(zego.stop)
        slack = LocalSlack(manifest=manifest(), clock=AdjustableClock())
        heard = Heard()
        slack.app.router.add_post(HEARD_PATH, heard.hear)
        await stack.enter_async_context(slack)
        database_url = await stack.enter_async_context(empty_database("postgres", folder))
        line, through = await stack.enter_async_context(cuttable(database_url))
        environment = {
            **bot_environment(zego, slack),
            "DATABASE_URL": through,
        }
        driver = Driver(zego, slack, per_second=plan.per_second, seed=plan.seed)
        answering = asyncio.create_task(vary_latency(zego, plan.seed))
        stack.callback(answering.cancel)
        nobody = Fleet(0, "--http", folder, environment)
        yield World(plan, zego, slack, driver, database_url, environment, folder, line, nobody, heard)


@asynccontextmanager
async def over_http(world: World, started: int | None = None) -> AsyncIterator[Balancer]:
    """Replicas behind a balancer, to which Slack delivers; so many started, or all."""
    count = world.plan.replicas
    fleet = Fleet(count, "--http", world.folder, world.environment_of(), started)
    async with fleet, Balancer(fleet.urls) as balancer:
        await balancer.until_ready(started or count)
        world.fleet, world.balancer = fleet, balancer
        session = world.slack._session
        assert session
        url = f"{balancer.url}/slack/events"
        world.slack.dispatcher.transport = NamedTransport(url, world.slack.signing_secret, session)
        yield balancer


@asynccontextmanager
async def over_sockets(world: World) -> AsyncIterator[None]:
    """Replicas with a Socket Mode connection each."""
    count = world.plan.connections
    world.slack.deliver_over_sockets()
    async with Fleet(count, "--socket", world.folder, world.environment_of()) as fleet:
        world.fleet, world.balancer = fleet, None
        yield


async def vary_latency(zego: SimulatedZego, seed: int) -> None:
    """Let the vendor be as quick as it likes, within bounds."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    while True:
        zego.latency_seconds = chance.uniform(*LATENCY_SECONDS)
        await asyncio.sleep(0.01)
