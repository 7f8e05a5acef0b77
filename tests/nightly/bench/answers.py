"""Cached answers against a bare Bolt app, the start of the process, and how late its event loop is."""

from __future__ import annotations

import statistics
import tempfile
import time

from tests.nightly.bench import load
from tests.nightly.bench.servers import QUESTION, SAMPLED, Lag, Rows, bot_process, process, servers

ROUNDS = 5
SECONDS = 2.0
LAG_SECONDS = 10.0


async def bench_answers() -> Rows:
    """Cached answers a second through POST /slack/events, against a bare Bolt app with the same bytes."""
    rows: Rows = []
    async with servers() as (zego, slack), bot_process(zego, slack) as bot:
        command = load.SlashCommand(QUESTION)
        content = await load.once(bot.port, command)
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(content)
            file.flush()
            async with process("-m", "tests.nightly.bench.bare_app", file.name) as bare:
                assert bare.stdout is not None
                bare_port = int(await bare.stdout.readline())
                assert await load.once(bare_port, command) == content
                for connections in (1, 16, 64):
                    pairs = []
                    for _ in range(ROUNDS):
                        ours = await load.answers_per_second(bot.port, command, connections, SECONDS)
                        theirs = await load.answers_per_second(bare_port, command, connections, SECONDS)
                        pairs.append((ours, theirs))
                    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
                    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
                    goal = "≥ 0.9" if connections == 64 else ""
                    what = f"Cached answers ({len(content):,} bytes) against a bare Bolt app"
                    what += f", {connections} connection{'s' if connections > 1 else ''}"
                    rows.append((what, f"{ratio:.2f} ({ours:,.0f} / {theirs:,.0f} a second)", goal))
    return rows


async def bench_start() -> Rows:
    """From the start of the process to ready, and the memory then."""
    seconds, memory = [], []
    async with servers() as (zego, slack):
        for _ in range(ROUNDS):
            began = time.perf_counter()
            async with bot_process(zego, slack) as bot:
                seconds.append(time.perf_counter() - began)
                await load.once(bot.port, load.SlashCommand(QUESTION))
                memory.append(bot.resident_mb)
    return [
        ("Start of the process to ready", f"{statistics.median(seconds):.2f} s", ""),
        ("Memory after the first answer", f"{statistics.median(memory):.0f} MB", ""),
    ]


async def bench_lag() -> Rows:
    """How late the event loop is at the first question, and under as many cached answers as it can give."""
    async with servers() as (zego, slack), bot_process(zego, slack, program=SAMPLED) as bot:
        command = load.SlashCommand(QUESTION)
        await bot.lag()
        await load.once(bot.port, command)
        first = await bot.lag()
        rate = await load.answers_per_second(bot.port, command, 16, LAG_SECONDS)
        loaded = await bot.lag()
    under_load = f"Event-loop lag under {rate:,.0f} cached answers a second, 16 connections"
    return [
        ("Event-loop lag at the first question", lag_in_words(first), "longest < 50 ms"),
        (under_load, lag_in_words(loaded), "p99 < 50 ms"),
    ]


def lag_in_words(lag: Lag) -> str:
    """Percentiles in ms."""
    late, own = lag["late"], lag["own"]
    figures = f"p50 {late['p50']:.1f} ms, p99 {late['p99']:.1f} ms, longest {late['max']:.0f} ms"
    return f"{figures} (its own work: p99 {own['p99']:.1f} ms, longest {own['max']:.0f} ms)"
