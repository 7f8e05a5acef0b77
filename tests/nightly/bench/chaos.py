"""Digests under random deaths: `python -m tests.nightly.bench.chaos [--many]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psycopg

from bot.clock import AdjustableClock, SystemClock
from bot.features.digests.models import NewDigest
from bot.features.digests.store import open_store
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ASKER, BOT_USER, TEAM, Channel
from tests.bolt_apps import manifest
from tests.databases import empty_database
from tests.nightly.digest_chaos import Plan, posted_slots, run_chaos, worker_environment

MINUTES = 4
"""How long slots come due, each digest's once a minute."""

OWN = Plan(
    slots_each=MINUTES,
    rate=1.0,
    quick=False,
    kill_every_seconds=(3.0, 8.0),
    own_death=0.01,
    own_stop=0.003,
    trouble_every_seconds=5.0,
)
"""With the bot's own leases and waits. Who is killed may leave eight slots behind, each for a whole lease: at
the pace of the quick plan hardly one would be posted without."""

MANY = 1000
FULL_HOUR = 1_795_420_800.0
IDLE_SECONDS = 20.0


def at(share: float, values: list[float]) -> float:
    """The value below which so much of a rising list lies."""
    return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


async def bench_chaos(plans: list[tuple[str, Plan]]) -> None:
    """Every plan, a row each."""
    heads = (
        "database",
        "workers",
        "slots",
        "killed",
        "died around a post",
        "stopped for 30 s",
        "Slack's faults",
    )
    more = ("missed", "doubled", "delay p50", "p99", "longest")
    print(f"| {' | '.join(heads + more)} |\n|{'---|' * len(heads + more)}")
    for kind, plan in plans:
        with tempfile.TemporaryDirectory() as folder:
            try:
                async with empty_database(kind, Path(folder)) as url:
                    outcome = await run_chaos(url, plan)
            except psycopg.OperationalError as error:
                print(f"no PostgreSQL: {error}", file=sys.stderr)
                continue
        counts = (
            plan.workers,
            outcome.slots,
            outcome.kills,
            outcome.own_deaths,
            outcome.stops,
            outcome.troubles,
        )
        delays = (f"{at(share, outcome.delays):.2f} s" for share in (0.5, 0.99, 1))
        row = (
            {"sqlite": "SQLite", "postgres": "PostgreSQL"}[kind],
            *counts,
            outcome.missed,
            outcome.doubled,
            *delays,
        )
        print(f"| {' | '.join(map(str, row))} |", flush=True)
        assert not outcome.strange
        assert not outcome.unnoted


async def bench_many() -> None:
    """A thousand digests on one SQLite file: what waiting costs, and how late the last is at a full hour."""
    print("| measured | figure |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'digests.db'}"
        clock = AdjustableClock(FULL_HOUR - 600, 1)
        async with LocalSlack(manifest=manifest(), clock=SystemClock()) as slack:
            store = open_store(url, clock)
            began = time.perf_counter()
            for index in range(MANY):
                channel = Channel(f"C0MANY{index:04d}", f"many-{index}", "public", {ASKER, BOT_USER})
                slack.channels[channel.id] = channel
                await store.add(NewDigest(TEAM, channel.id, ASKER, "", "every hour", "Europe/Berlin"))
            seconds = time.perf_counter() - began
            await store.close()
            print(f"| Adding {MANY:,} digests | {seconds * 1000 / MANY:.1f} ms each |")
            command = (sys.executable, "-m", "tests.nightly.digest_chaos")
            environ = worker_environment(url, slack, clock)
            idle = await asyncio.create_subprocess_exec(
                *command, env={**environ, "CHAOS_CLOCK": clock.spec()}, stdout=asyncio.subprocess.DEVNULL
            )
            await asyncio.sleep(5)
            before = cpu_seconds(idle.pid)
            await asyncio.sleep(IDLE_SECONDS)
            used = cpu_seconds(idle.pid) - before
            idle.terminate()
            await idle.wait()
            print(
                f"| CPU while nothing is due ({IDLE_SECONDS:.0f} s) | {used / IDLE_SECONDS:.2%} of a core |"
            )
            clock.set(FULL_HOUR - 6)
            busy = await asyncio.create_subprocess_exec(
                *command, env={**environ, "CHAOS_CLOCK": clock.spec()}, stdout=asyncio.subprocess.DEVNULL
            )
            hour = time.time() + FULL_HOUR - clock.now()
            await slack.wait_for(lambda: len(posted_slots(slack)) == MANY, 300)
            used = cpu_seconds(busy.pid)
            busy.terminate()
            await busy.wait()
            delays = sorted(float(message.ts) - hour for message in slack.messages)
            figures = ", ".join(
                f"{name} {at(share, delays):.1f} s" for name, share in (("p50", 0.5), ("last", 1))
            )
            print(f"| Delay of {MANY:,} digests due at once | {figures}; {used:.1f} s of CPU |")
            assert len(delays) == MANY


def cpu_seconds(pid: int) -> float:
    """The CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", action="store_true", help="a thousand digests on one SQLite file")
    parser.add_argument(
        "--slots", type=int, default=420, help="slots for each database and number of workers"
    )
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.many:
        asyncio.run(bench_many())
        return
    digests = -(-given.slots // MINUTES)
    plans = [
        (
            kind,
            replace(
                OWN,
                digests=digests,
                workers=workers,
                seed=given.seed,
                own_stop=OWN.own_stop if workers > 1 else 0,
            ),
        )
        for kind in given.databases
        for workers in given.workers
    ]
    asyncio.run(bench_chaos(plans))


if __name__ == "__main__":
    main()
