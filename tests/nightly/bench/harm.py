"""What is done to replicas under load, and the digests that are due meanwhile."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from bot.features.digests.models import NewDigest
from bot.plain_text import count
from bot.sandbox.slack.state import ASKER, BOT_USER, TEAM, Channel
from tests.nightly.digest_chaos import posted_slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.features.digests.store import Store
    from tests.nightly.bench.questions import Asked
    from tests.nightly.bench.surroundings import World

KILL_EVERY_SECONDS = 20.0
BUSY_WITHIN_SECONDS = 3.0
DIGESTS = 4
DIGEST_GRACE_SECONDS = 180.0
"""Longer than the lease that a killed process leaves behind."""


async def nothing(world: World) -> str:
    """Leave them alone."""
    return f"nothing, {count(world.fleet.running, 'replica')}"


async def kill_one_after_the_other(world: World) -> str:
    """Every twenty seconds end one outright; it is started again at once, as a platform does."""
    assert world.balancer
    starting: list[asyncio.Task[None]] = []
    ends = time.monotonic() + world.plan.seconds
    while (at := time.monotonic()) < ends:
        index = len(starting) % world.plan.replicas
        await world.balancer.until_ready(world.plan.replicas - 1)
        await world.balancer.until(index, ready=True)
        backend = world.balancer.backends[index]
        await in_the_middle_of_something(world, lambda backend=backend: bool(backend.under_way))
        await kill(world, index)
        starting.append(asyncio.create_task(world.fleet.start(index)))
        await asyncio.sleep(max(0.0, at + KILL_EVERY_SECONDS - time.monotonic()))
    await asyncio.gather(*starting)
    await world.balancer.until_ready(world.plan.replicas)
    return f"{len(starting)} killed outright, one every {world.plan.seconds / len(starting):.0f} s"


async def forget_the_dead(world: World) -> None:
    """Leave nothing to replicas that an earlier phase has killed."""
    async with await psycopg.AsyncConnection.connect(world.database_url, autocommit=True) as connection:
        await connection.execute(
            "DELETE FROM recordings_bot_replicas WHERE leased_until < extract(epoch FROM clock_timestamp())"
        )


async def in_the_middle_of_something(
    world: World, is_busy: Callable[[], bool], seconds: float = BUSY_WITHIN_SECONDS
) -> None:
    """Wait for the worst moment, for a while."""
    with suppress(TimeoutError):
        await world.driver.until(is_busy, seconds)


async def kill(world: World, index: int) -> None:
    """End a replica outright, and note the questions that it had: they died with it."""
    assert world.balancer
    driver, attempts = world.driver, world.balancer.attempts
    began, under_way = time.monotonic(), [one for one in driver.asked if not one.is_settled]
    await world.fleet.kill(index)

    def was_with_it(asked: Asked) -> bool:
        tries = attempts.get(asked.user, [])
        return any(one.backend == index and one.began >= asked.at for one in tries)

    driver.kill_under_way(was_with_it)
    for asked in [*under_way, *(one for one in driver.asked if one.at >= began)]:
        if asked.slack_error and was_with_it(asked):
            asked.killed = True  # Slack was quicker to say that nobody answered


async def restart_in_turn(world: World) -> str:
    """Stop each as a platform does, start it again, and go on when it is ready."""
    assert world.balancer
    ends = time.monotonic() + world.plan.seconds
    restarts, longest = 0, 0.0
    while time.monotonic() < ends:
        index = restarts % world.plan.replicas
        began = time.monotonic()
        status = await world.fleet.stop(index)
        assert status == 0, f"exit status {status}"
        longest = max(longest, time.monotonic() - began)
        await world.fleet.start(index)
        await world.balancer.until(index, ready=True)
        restarts += 1
    await world.balancer.until_ready(world.plan.replicas)
    return f"{restarts} rolling restarts (SIGTERM), gone within {longest:.1f} s"


async def deliver_twice(world: World) -> str:
    """Let everything arrive at two replicas."""
    assert world.balancer
    world.balancer.twice = True
    try:
        await asyncio.sleep(world.plan.seconds)
    finally:
        world.balancer.twice = False
    return "every delivery arrives at two replicas"


async def take_postgres_away(world: World) -> str:
    """PostgreSQL is gone for half of the time."""
    away_seconds = world.plan.seconds / 2
    await asyncio.sleep(world.plan.seconds / 6)
    world.line.cut()
    await asyncio.sleep(away_seconds)
    await world.line.mend()
    return f"{world.plan.replicas} replicas, PostgreSQL gone for {away_seconds:.0f} s"


async def kill_the_last(world: World) -> str:
    """End one outright, and leave it at that."""
    assert world.balancer
    await asyncio.sleep(world.plan.seconds / 6)
    index = world.plan.replicas - 1
    await in_the_middle_of_something(world, lambda: bool(world.balancer.backends[index].under_way))
    await kill(world, index)
    return f"{world.plan.replicas} replicas, one killed outright"


async def start_another(world: World) -> str:
    """Start one more."""
    assert world.balancer
    await asyncio.sleep(world.plan.seconds / 6)
    await world.fleet.start(world.plan.replicas - 1)
    return f"{world.plan.replicas - 1} replicas, another one started"


async def kill_one_with_a_connection(world: World) -> str:
    """Twice end one outright and start it again, while Slack has envelopes on its connection."""
    again, sockets = 0, world.slack.sockets

    def has_envelopes() -> bool:
        # They connected one after the other: the oldest connection is that of the next to be killed.
        return bool(sockets.connections[0].waiting)

    with world.slack.subscribe() as events:
        for index in range(2):
            await asyncio.sleep(world.plan.seconds / 4)
            await in_the_middle_of_something(world, has_envelopes, world.plan.seconds / 4)
            world.driver.kill_under_way()
            await world.fleet.kill(index)
            await world.fleet.start(index)
        while not events.queue.empty():
            again += events.queue.get_nowait()["type"] == "envelope_sent_again"
    count = len(world.slack.sockets.connections)
    return f"Socket Mode, {count} connections: 2 replicas killed, envelopes delivered anew: {again}"


class EveryMinute:
    """Digests that are due every minute while people ask, and an account of their slots."""

    def __init__(self, world: World, store: Store) -> None:
        self._slack, self._store = world.slack, store
        self._ids: list[str] = []
        self._began = time.time()

    async def add(self) -> None:
        """Add them, each in a channel of its own."""
        for index in range(DIGESTS):
            channel = Channel(f"C0MINUTE{index:02d}", f"minute-{index}", "public", {ASKER, BOT_USER})
            self._slack.channels[channel.id] = channel
            new = NewDigest(TEAM, channel.id, ASKER, f"room=hot{index % 3} last=6h", "every minute", "UTC")
            self._ids.append((await self._store.add(new)).id)
        self._began = time.time()

    async def account(self) -> str:
        """Wait for what is due, and say what became of it."""
        last = int(time.time()) // 60 * 60
        first = (int(self._began) // 60 + 1) * 60
        due = {(name, slot) for name in self._ids for slot in range(first, last + 1, 60)}
        with suppress(TimeoutError):
            await self._slack.wait_for(lambda: due <= set(posted_slots(self._slack)), DIGEST_GRACE_SECONDS)
        posts = posted_slots(self._slack)
        missed, doubled = len(due - set(posts)), sum(count > 1 for count in posts.values())
        return f"{len(due)} slots of digests came due: {missed} missed, {doubled} posted twice"
