"""The vendor's budget shared by replicas through Redis: how many, who goes first, and when somebody dies."""

from __future__ import annotations

import asyncio
import inspect
import random
import secrets
import signal
import sys
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import SystemClock
from bot.network import Network
from bot.redis_link import RedisLink
from bot.sandbox.zegocloud import SimulatedZego
from bot.zegocloud.client import RetryPolicy, ZegoClient
from bot.zegocloud.limiter import BACKGROUND_SHARE, Lane, Limiter, Priority
from bot.zegocloud.permit_scripts import JOIN, TAKE
from bot.zegocloud.protocol import DescribeTasks, TaskFilter
from bot.zegocloud.shared_permits import LATE_SECONDS, SharedPermits
from bot.zegocloud.transport import GRACE_SECONDS
from tests.redis_servers import own_redis, redis_or_skip
from tests.vendor_server import closed_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PEOPLE, BACKGROUND = Lane.INTERACTIVE, Lane.BACKGROUND
HOLD = 0.1
LEASE = 30.0
PATIENCE_SECONDS = 30.0


@pytest.fixture
async def redis_url() -> str:
    return await redis_or_skip()


class Replica:
    """A limiter with a connection of its own, as another process would have."""

    def __init__(self, url: str, budget: str, permits: int) -> None:
        self.link = RedisLink(url)
        self.permits = SharedPermits(self.link, budget, permits, hold_seconds=HOLD, lease_seconds=LEASE)
        self.limiter = Limiter(self.permits)
        self.limiter.start()

    async def close(self) -> None:
        await self.limiter.aclose()
        await self.link.close()

    async def sees(self, replicas: int) -> None:
        """Wait until it knows of so many."""
        await until(lambda: self.permits._replicas == replicas)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - Redis does not tell of it
            await asyncio.sleep(0.001)


@asynccontextmanager
async def replicas(url: str, count: int, permits: int, budget: str = "") -> AsyncIterator[list[Replica]]:
    """So many replicas with one budget, all of which know of each other."""
    budget = budget or secrets.token_hex(6)
    started = [Replica(url, budget, permits) for _ in range(count)]
    try:
        for replica in started:
            await replica.sees(count)
        yield started
    finally:
        for replica in started:
            await replica.close()


class Calls:
    """Calls at replicas: when each got its turn; none ends before the gate is open."""

    def __init__(self) -> None:
        self.began: list[float] = []
        self.order: list[str] = []
        self.gate = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def add(self, replica: Replica, lane: Lane = PEOPLE, name: str = "", times: int = 1) -> None:
        self.tasks += [asyncio.create_task(self._call(replica, lane, name)) for _ in range(times)]

    async def _call(self, replica: Replica, lane: Lane, name: str) -> None:
        async with replica.limiter.slot(Priority(lane)):
            self.began.append(asyncio.get_running_loop().time())
            self.order.append(name)
            await self.gate.wait()

    async def under_way(self, count: int) -> None:
        await until(lambda: len(self.began) == count)

    async def finished(self) -> None:
        self.gate.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*self.tasks)


async def test_replicas_have_one_budget_together_and_use_all_of_it(redis_url: str) -> None:
    calls = Calls()
    async with replicas(redis_url, 4, permits=8) as four:
        for replica in four:
            calls.add(replica, times=10)
        await calls.under_way(8)
        out = await four[0].link.call("ZCARD", four[0].permits._keys[0])
        await calls.finished()
    assert out == 8
    gaps = [later - earlier for earlier, later in zip(calls.began, calls.began[8:], strict=False)]
    assert len(calls.began) == 40
    assert min(gaps) >= HOLD


async def test_replicas_that_all_wait_get_equal_parts(redis_url: str) -> None:
    calls = Calls()
    calls.gate.set()
    async with replicas(redis_url, 2, permits=4) as (one, other):
        calls.add(one, name="one", times=40)
        await until(lambda: one.permits._short[PEOPLE])
        calls.add(other, name="other", times=12)
        await calls.finished()
    last = max(place for place, name in enumerate(calls.order) if name == "other")
    assert last < 40  # alone in a queue behind the other it would be the last of all


async def test_other_budgets_are_other_budgets(redis_url: str) -> None:
    calls = Calls()
    async with replicas(redis_url, 1, permits=1) as [one], replicas(redis_url, 1, permits=1) as [other]:
        calls.add(one)
        calls.add(other)
        await calls.under_way(2)
        await calls.finished()


async def test_the_vendor_never_sees_more_than_the_budget_in_any_second(redis_url: str) -> None:
    zego = SimulatedZego(clock=SystemClock(), tasks=0, max_rps=6)
    await zego.start()
    links = [RedisLink(redis_url) for _ in range(3)]
    budget = secrets.token_hex(6)
    clients = [
        ZegoClient(
            network=Network(),
            app_id=zego.app_id,
            server_secret=zego.server_secret,
            base_url=zego.base_url,
            limiter=Limiter(SharedPermits(link, budget, 6)),
            clock=zego.clock,
        )
        for link in links
    ]
    now_ms = zego.now_ms()
    try:
        await asyncio.gather(
            *(
                client.ask(
                    DescribeTasks(TaskFilter.ONGOING, now_ms - 1000 * n, now_ms), Priority(Lane(n % 2))
                )
                for client in clients
                for n in range(1, 5)
            )
        )
    finally:
        for client, link in zip(clients, links, strict=True):
            await client.aclose()
            await link.close()
        await zego.stop()
    assert {request.code for request in zego.requests} == {0}  # it refuses what is too much
    assert len(zego.requests) == 12


async def test_a_person_at_one_replica_goes_before_background_work_at_another(redis_url: str) -> None:
    calls = Calls()
    async with replicas(redis_url, 2, permits=1) as (one, other):
        calls.add(one, name="first")
        await calls.under_way(1)
        calls.add(one, BACKGROUND, "background", times=3)
        await until(lambda: one.permits._short[BACKGROUND])
        calls.add(other, name="person")
        await until(lambda: other.permits._short[PEOPLE])
        await calls.finished()
    assert calls.order == ["first", "person", "background", "background", "background"]


async def test_background_work_at_another_replica_gets_every_20th_turn(redis_url: str) -> None:
    calls = Calls()
    async with replicas(redis_url, 2, permits=2) as (one, other):
        calls.add(one, name="first", times=2)
        await calls.under_way(2)
        calls.add(other, BACKGROUND, "background")
        await until(lambda: other.permits._short[BACKGROUND])
        calls.add(one, name="person", times=45)
        await calls.finished()
    assert BACKGROUND_SHARE <= calls.order.index("background") <= 2 * BACKGROUND_SHARE


async def test_a_promoted_call_goes_before_background_work_at_another_replica(redis_url: str) -> None:
    calls = Calls()
    async with replicas(redis_url, 2, permits=1) as (one, other):
        calls.add(one, name="first")
        await calls.under_way(1)
        calls.add(one, BACKGROUND, "background", times=3)
        turn = other.limiter.slot(Priority(BACKGROUND))

        async def promoted() -> None:
            async with turn:
                calls.order.append("promoted")

        calls.tasks.append(asyncio.create_task(promoted()))
        await until(lambda: one.permits._short[BACKGROUND] and other.permits._short[BACKGROUND])
        turn.promote(Priority())
        await until(lambda: other.permits._short[PEOPLE])
        await calls.finished()
    assert calls.order[:2] == ["first", "promoted"]


async def test_no_permit_is_lost_in_a_storm_of_cancelled_waiters(redis_url: str) -> None:
    calls = Calls()
    calls.gate.set()
    dice = random.Random(7)  # noqa: S311 - no secret
    async with replicas(redis_url, 2, permits=2) as both:
        for number in range(60):
            calls.add(both[number % 2], Lane(number % 2))
        while not all(task.done() for task in calls.tasks):
            dice.choice(calls.tasks).cancel()
            await asyncio.sleep(dice.random() / 200)
        await asyncio.gather(*calls.tasks, return_exceptions=True)
        assert {replica.limiter.waiting() for replica in both} == {0}
        later = Calls()
        for replica in both:
            later.add(replica)
        await later.under_way(2)
        await later.finished()


async def test_the_permits_of_a_replica_that_was_killed_come_back(redis_url: str) -> None:
    budget = secrets.token_hex(6)
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.permit_holder", redis_url, budget, "2"), stdout=asyncio.subprocess.PIPE
    )
    replica, calls = Replica(redis_url, budget, 2), Calls()
    try:
        assert holder.stdout is not None
        assert await asyncio.wait_for(holder.stdout.readline(), PATIENCE_SECONDS) == b"held\n"
        calls.add(replica)
        await until(lambda: replica.permits._short[PEOPLE])
        assert not calls.began
        holder.kill()
        await calls.finished()
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.wait()
        await replica.close()


async def test_a_replica_without_redis_takes_its_share_and_gives_it_up_when_redis_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    calls.gate.set()

    async def some_more(of: list[Replica]) -> None:
        """All of them go on."""
        for replica in of:
            calls.add(replica, times=6)
        await asyncio.wait_for(asyncio.gather(*calls.tasks), PATIENCE_SECONDS)

    async with own_redis(tmp_path) as redis, replicas(redis.url, 2, permits=4) as both:
        await some_more(both)
        asking = asyncio.create_task(some_more(both))
        await redis.kill()
        await asking
        assert [replica.link.is_away for replica in both] == [True, True]
        assert [replica.permits.share for replica in both] == [2, 2]
        asking = asyncio.create_task(some_more(both))
        await redis.start()
        await asking
        await until(lambda: not any(replica.link.is_away for replica in both))
        await some_more(both)
        redis.signal(signal.SIGSTOP)
        asking = asyncio.create_task(some_more(both))
        await until(lambda: all(replica.link.is_away for replica in both))
        redis.signal(signal.SIGCONT)
        await asking
        for replica in both:
            await replica.sees(2)
    gaps = [later - earlier for earlier, later in zip(calls.began, calls.began[4:], strict=False)]
    assert len(calls.began) == 5 * 12
    assert min(gaps) >= HOLD
    said = [record.message for record in caplog.records if record.name.startswith("bot.")]
    assert sum("Redis is away" in words for words in said) == 2 * 2
    assert sum("Redis is back" in words for words in said) == 2 * 2
    assert "Without Redis, this replica sends 2 of 4 requests a second" in said


async def test_a_replica_that_never_reached_redis_takes_one_permit(tmp_path: Path) -> None:
    replica, calls = Replica(f"redis://127.0.0.1:{await closed_port()}", "budget", 8), Calls()
    try:
        calls.add(replica, times=3)
        await calls.under_way(1)
        assert replica.permits.share == 1
        await calls.finished()
    finally:
        await replica.close()
    gaps = [later - earlier for earlier, later in pairwise(calls.began)]
    assert min(gaps) >= HOLD


async def test_what_redis_finds_late_has_no_effect(redis_url: str) -> None:
    async with replicas(redis_url, 2, permits=4) as (one, other):
        await other.limiter.aclose()
        await one.sees(1)
        late_ms = 1000 * (asyncio.get_running_loop().time() - LATE_SECONDS) + other.permits._ahead_ms - 1
        for script, arguments in ((JOIN, (2,)), (TAKE, (0, 1, 0, BACKGROUND_SHARE))):
            words = (*other.permits._beginning, late_ms, *arguments)
            assert await one.link.run(script, other.permits._keys, words) == [-1]
        assert await one.link.call("ZCARD", one.permits._keys[1]) == 1
        assert await one.link.call("ZCARD", one.permits._keys[0]) == 0


@asynccontextmanager
async def at_rest(url: str, count: int, permits: int) -> AsyncIterator[list[SharedPermits]]:
    """Replicas that have joined, and do nothing by themselves; their window is an hour."""
    link, budget = RedisLink(url), secrets.token_hex(6)
    await link.start()
    joined = [
        SharedPermits(link, budget, permits, hold_seconds=3600, lease_seconds=7200) for _ in range(count)
    ]
    for each in joined:
        await each._join()
    yield joined
    await link.call("DEL", *joined[0]._keys)
    await link.close()


async def took(permits: SharedPermits, people: int = 0, background: int = 0) -> tuple[int, int]:
    answer = await permits._run_in_time(TAKE, 0, people, background, BACKGROUND_SHARE)
    return answer[0], answer[1]


async def known_for_long(permits: SharedPermits) -> None:
    """Redis has known of the budget since long ago."""
    await permits._link.call("HSET", permits._keys[4], "born", 0)


async def test_a_redis_that_knows_nothing_of_the_budget_waits_for_a_window(redis_url: str) -> None:
    async with at_rest(redis_url, 1, permits=4) as [only]:
        assert await took(only, 4) == (0, 0)
        await known_for_long(only)
        assert await took(only, 4) == (4, 0)


async def test_the_share_of_a_replica_that_is_missing_is_left_to_it(redis_url: str) -> None:
    async with at_rest(redis_url, 2, permits=5) as (one, other):
        await known_for_long(one)
        seconds, _ = await one._link.call("TIME")
        await one._link.call("ZADD", one._keys[1], (int(seconds) - 1) * 1000, other._name)
        assert await took(one, 5) == (3, 0)
        await other._join()
        assert await took(other, 5) == (2, 0)


async def test_replicas_that_come_back_leave_the_share_of_those_that_have_not_yet(redis_url: str) -> None:
    async with at_rest(redis_url, 1, permits=8) as [one]:
        one._replicas = 4
        await one._link.call("DEL", *one._keys)
        await one._join()
        await known_for_long(one)
        assert await took(one, 8) == (2, 0)


async def test_while_another_waits_nobody_takes_more_than_an_equal_part(redis_url: str) -> None:
    async with at_rest(redis_url, 2, permits=4) as (one, other):
        await known_for_long(one)
        assert await took(one, 4) == (4, 0)
        assert await took(other, 4) == (0, 0)
        await one._link.call("DEL", one._keys[0])
        assert await took(one, 4) == (2, 0)
        assert await took(other, 4) == (2, 0)


async def test_background_calls_of_all_replicas_leave_one_by_one(redis_url: str) -> None:
    async with at_rest(redis_url, 2, permits=4) as (one, other):
        await known_for_long(one)
        assert await took(one, 0, 4) == (0, 1)
        assert await took(other, 0, 4) == (0, 0)
        assert await took(other, 4, 0) == (3, 0)


async def test_a_replica_that_comes_back_tells_what_it_holds(redis_url: str) -> None:
    async with at_rest(redis_url, 1, permits=4) as [one]:
        await known_for_long(one)
        assert await took(one, 2) == (2, 0)  # and the answer was lost
        now = asyncio.get_running_loop().time()
        one._out = {f"{one._name}:x1": None, f"{one._name}:x2": now + 60}
        await one._join()
        held = await one._link.call("ZRANGE", one._keys[0], 0, -1)
        assert [name.decode() for name in held] == [f"{one._name}:x2", f"{one._name}:x1"]


def test_a_lease_is_longer_than_any_call_with_its_window() -> None:
    lease = inspect.signature(SharedPermits).parameters["lease_seconds"].default
    assert lease > RetryPolicy().attempt_timeout_seconds + GRACE_SECONDS + 1


@given(permits=st.integers(1, 10), count=st.integers(1, 30))
def test_shares_of_replicas_are_not_more_than_the_budget(permits: int, count: int) -> None:
    shares = SharedPermits(RedisLink("redis://unused"), "budget", permits)
    shares._replicas = count
    assert shares.share >= 1
    assert shares.share * count <= max(permits, count)
