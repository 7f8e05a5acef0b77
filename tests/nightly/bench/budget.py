"""The vendor's budget: how well it is used, what is shared, and how long people wait behind a scan."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from bot.clock import AdjustableClock
from bot.query.parser import parse_query
from bot.recordings.page import Question
from bot.recordings.service import build_recordings
from bot.sandbox.zego_gate import longest_burst
from tests.nightly.bench.servers import QUESTION, at, servers
from tests.world import settings_for

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.recordings.service import Recordings
    from bot.sandbox.zegocloud import SimulatedZego
    from tests.nightly.bench.servers import Rows

SCANS_AT_ONCE = 5
"""Independent bots, each with a budget of its own, so that enough is measured in a minute."""

QUESTIONS_EACH = 24


def question(text: str) -> Question:
    """What somebody in UTC asks now."""
    return Question(parse_query(text, time.time(), "UTC"), "UTC")


async def bench_sharing() -> Rows:
    """Upstream calls for 1,000 equal questions, asked one after the other and all at once."""
    rows: Rows = []
    for how in ("one after the other", "all at once"):
        async with servers() as (zego, slack):
            settings = settings_for(zego, slack)
            recordings = build_recordings(settings, AdjustableClock(), settings.build_network())
            questions = [question(QUESTION) for _ in range(1000)]
            if how == "all at once":
                await asyncio.gather(*(recordings.find(question) for question in questions))
            else:
                for one in questions:
                    await recordings.find(one)
            await recordings.aclose()
            rows.append(
                (f"Vendor calls for 1,000 equal questions, {how}", str(len(zego.requests)), "2 (one a list)")
            )
    return rows


async def bench_limiter() -> Rows:
    """How much of the budget is used by 60 rooms asked at once, and the most arrivals in a sliding second."""
    rows: Rows = []
    for latency_seconds, goal in ((0.02, "≥ 95 %"), (0.1, ""), (0.3, "")):
        async with servers(latency_seconds=latency_seconds) as (zego, slack):
            settings = settings_for(zego, slack, ZEGO_MAX_RPS="10")
            recordings = build_recordings(settings, AdjustableClock(), settings.build_network())
            await asyncio.gather(*(recordings.find(question(f"room=r{n} status=ended")) for n in range(60)))
            await recordings.aclose()
            arrivals = [request.arrived for request in zego.requests]
            # The first ten leave at once: what the limiter paces is everything after them.
            used = (len(arrivals) - 10) / (arrivals[-1] - arrivals[0]) / 10
            what = f"Budget of 10 a second used, vendor answering in {latency_seconds * 1000:.0f} ms"
            rows.append((what, f"{used:.0%}, at most {longest_burst(arrivals)} in a sliding second", goal))
    return rows


def add_recordings(zego: SimulatedZego, count: int, rooms: int) -> None:
    """Make these ended recordings the only ones; every room has as many, all begun within the 3 days."""
    zego.clear()
    now_ms = zego.now_ms()
    for n in range(count):
        began_ms = now_ms - 3_600_000 - n * 20_000
        zego.add_task(room_id=f"room-{n % rooms}", began_ms=began_ms, status=3)


async def bench_scan() -> Rows:
    """A full scan of 10,000 recordings against the time that its pages need at ZEGO_MAX_RPS."""
    async with servers(latency_seconds=0.02, tasks=0) as (zego, slack):
        add_recordings(zego, 10_000, rooms=50)
        settings = settings_for(zego, slack, ZEGO_MAX_RPS="10")
        recordings = build_recordings(settings, AdjustableClock(), settings.build_network())
        began, cpu = time.perf_counter(), time.process_time()
        page = await recordings.find_all(question("status=ended last=3d"))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        await recordings.aclose()
        calls = len(zego.requests)
        ideal = calls / settings.zego_max_rps
        rows = len(page.recordings)
    what = f"Full scan of {rows:,} recordings ({calls} calls) against calls / ZEGO_MAX_RPS"
    return [
        (what, f"{seconds / ideal:.2f} ({seconds:.1f} s, {cpu:.1f} s of CPU with the simulator's)", "≤ 1.05")
    ]


async def bench_priority() -> Rows:
    """How long people wait for what nobody asked before while full scans go on behind them."""
    rows: Rows = []
    for latency_seconds, goal in ((0.02, "p99 < 0.5 s"), (0.1, "")):
        async with servers(latency_seconds=latency_seconds, tasks=0) as (zego, slack):
            add_recordings(zego, 20_000, rooms=500)
            settings = settings_for(zego, slack, ZEGO_MAX_RPS="8")
            every = await asyncio.gather(*(_waits(settings, seed) for seed in range(SCANS_AT_ONCE)))
        waits = [seconds for waits in every for seconds in waits]
        figure = ", ".join(
            f"{name} {at(share, waits):.2f} s" for name, share in (("p50", 0.5), ("p99", 0.99))
        )
        what = (
            f"A person's new question during a full scan, vendor answering in {latency_seconds * 1000:.0f} ms"
        )
        rows.append((what, f"{figure}, longest {max(waits):.2f} s ({len(waits)} questions)", goal))
    return rows


async def _waits(settings: Settings, seed: int) -> list[float]:
    """Seconds that each of one bot's questions took while its scan went on from beginning to end."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    recordings = build_recordings(settings, AdjustableClock(), settings.build_network())
    scan = asyncio.create_task(recordings.find_all(question("status=ended last=3d")))
    await asyncio.sleep(2)
    waits = [
        await _wait_for(recordings, f"room=room-{n} last=3d", chance.uniform(0.5, 1.5))
        for n in range(QUESTIONS_EACH)
    ]
    assert not scan.done(), "the scan ended too early to be in the way"
    scan.cancel()
    await asyncio.wait({scan})
    await recordings.aclose()
    return waits


async def _wait_for(recordings: Recordings, text: str, after_seconds: float) -> float:
    await asyncio.sleep(after_seconds)
    began = time.perf_counter()
    page = await recordings.find(question(text))
    seconds = time.perf_counter() - began
    assert page.recordings
    return seconds
