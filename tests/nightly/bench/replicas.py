"""Replicas under load: `python -m tests.nightly.bench.replicas [PHASE …] [--docs]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.clock import AdjustableClock
from bot.features.digests.store import open_store
from bot.sandbox.zego_gate import longest_burst
from tests.docs import put
from tests.nightly.bench import harm
from tests.nightly.bench.questions import Outcome
from tests.nightly.bench.surroundings import Plan, over_http, over_sockets, surroundings
from tests.nightly.bench.tally import PATIENCE_SECONDS, at_share, refusals, tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.nightly.bench.questions import Asked
    from tests.nightly.bench.surroundings import World


SETTLE_SECONDS = 30.0
SETTLE_SHARES_SECONDS = 8.0
"""What a phase leaves behind, a dead replica's lease, ends before the next one begins."""

SHOWN = 5
MARK = "replicas"


@dataclass
class Figures:
    """One phase."""

    done: str
    seconds: float
    outcomes: dict[Outcome, int]
    asked: int
    lost: int
    killed: int
    doubled: int
    worst_second: int
    vendor_calls: int
    acks: list[float]
    answers: list[float]
    cpu_seconds: float
    strange: list[str] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)

    def row(self) -> list[str]:
        """As the table has it."""
        right = self.outcomes.get(Outcome.RIGHT, 0) + self.outcomes.get(Outcome.STALE, 0)
        hung = self.outcomes.get(Outcome.HUNG, 0)
        wrong = self.outcomes.get(Outcome.WRONG, 0)
        p50, p99 = (1000 * (at_share(share, self.acks) or 0.0) for share in (0.5, 0.99))
        return [
            self.done,
            f"{self.asked:,}",
            f"{right:,}",
            str(self.outcomes.get(Outcome.REFUSED, 0)),
            *(str(count) for count in (self.lost, self.doubled, hung, wrong, self.killed)),
            f"{self.vendor_calls / self.seconds:.1f}",
            str(self.worst_second),
            f"{p50:.0f} / {p99:,.0f} ms",
            f"{100 * self.cpu_seconds / self.seconds:.0f} %",
        ]


HEADS = (
    *("what is done to them", "asked", "right", "refused", "lost", "doubled", "hung", "wrong"),
    *("killed with the process", "vendor calls a second", "worst second", "ack p50 / p99", "CPU of a core"),
)


async def run_phase(world: World, does: Callable[[World], Awaitable[str]]) -> Figures:
    """Load for as long as a phase takes, with the harm done; then count what became of every question."""
    driver, before = world.driver, len(world.driver.asked)
    cpu, began, unheard = world.fleet.cpu_seconds(), time.monotonic(), len(world.zego.requests)
    done = ""
    async with driver.load():
        harming = asyncio.ensure_future(does(world))
        await asyncio.wait({harming}, timeout=world.plan.seconds + 60)
        done = await harming if harming.done() else "not finished"
        rest = world.plan.seconds - (time.monotonic() - began)
        await asyncio.sleep(max(0.0, rest))
    seconds = time.monotonic() - began
    used = world.fleet.cpu_seconds() - cpu
    calls = len(world.zego.requests) - unheard
    await driver.settle(SETTLE_SECONDS)
    arrivals = [request.arrived for request in list(world.zego.requests)[unheard:]]
    asked = driver.asked[before:]
    counts = tally(asked)
    killed = sum(died(one) for one in asked)
    silent = sum(one.outcome(one.at + PATIENCE_SECONDS) is Outcome.SLACK and not one.killed for one in asked)
    strange = [
        f"Slack said {one.slack_error!r}: {one.kind} at {one.at - began:.1f} s"
        for one in asked
        if one.outcome(one.at + PATIENCE_SECONDS) is Outcome.SLACK and not one.killed
    ]
    return Figures(
        done,
        seconds,
        dict(counts.outcomes),
        len(asked),
        counts.outcomes[Outcome.LOST] + silent,
        killed,
        counts.doubled,
        longest_burst(arrivals),
        calls,
        counts.acks,
        counts.answers,
        used,
        counts.strange + strange,
        dict(refusals(asked)),
    )


def died(asked: Asked) -> bool:
    """Whether a question went with the process that had it."""
    outcome = asked.outcome(asked.at + PATIENCE_SECONDS)
    return asked.killed and outcome in {Outcome.KILLED, Outcome.SLACK}


HTTP_PHASES: dict[str, tuple[int, Callable[[World], Awaitable[str]]]] = {
    "one": (-2, harm.nothing),
    "two": (-1, harm.nothing),
    "three": (0, harm.nothing),
    "killed": (0, harm.kill_the_last),
    "started": (-1, harm.start_another),
    "rolling": (0, harm.restart_in_turn),
    "twice": (0, harm.deliver_twice),
    "postgres": (0, harm.take_postgres_away),
    "kills": (0, harm.kill_one_after_the_other),
}
"""What is done, and how many replicas fewer than planned there are at its beginning."""

SOCKETS = "sockets"


async def measure(plan: Plan, names: list[str]) -> tuple[list[Figures], str]:
    """Every phase that is named, and what became of the digests meanwhile."""
    figures, digests = [], ""
    async with surroundings(plan) as world:
        if chosen := [name for name in HTTP_PHASES if name in names]:
            store = open_store(world.database_url, AdjustableClock())
            try:
                async with over_http(world, 1) as balancer:
                    every_minute = harm.EveryMinute(world, store)
                    await every_minute.add()
                    for name in chosen:
                        fewer, does = HTTP_PHASES[name]
                        await world.fleet.run_only(max(1, plan.replicas + fewer))
                        await balancer.until_ready(max(1, plan.replicas + fewer))
                        await asyncio.sleep(SETTLE_SHARES_SECONDS)
                        await harm.forget_the_dead(world)
                        figures.append(await told(run_phase(world, does)))
                    digests = await every_minute.account()
            finally:
                await store.close()
        if SOCKETS in names:
            if chosen:
                await harm.forget_the_dead(world)
            async with over_sockets(world):
                figures.append(await told(run_phase(world, harm.kill_one_with_a_connection)))
    return figures, digests


async def told(phase: Awaitable[Figures]) -> Figures:
    """Say what came of a phase as soon as it is over."""
    figures = await phase
    print(f"| {' | '.join(figures.row())} |", flush=True)
    notes = [
        figures.done,
        *figures.strange[:SHOWN],
        *(f"{n} × {text}" for text, n in figures.refusals.items()),
    ]
    print("\n".join(f"  {note}" for note in notes if note), file=sys.stderr, flush=True)
    return figures


async def main(arguments: argparse.Namespace) -> None:
    plan = Plan(
        seconds=arguments.seconds,
        replicas=arguments.replicas,
        connections=arguments.connections,
        per_second=arguments.rate,
        seed=arguments.seed,
    )
    head = f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}"
    print(head, flush=True)
    figures, digests = await measure(plan, arguments.phases or [*HTTP_PHASES, SOCKETS])
    print(digests)
    if arguments.docs:
        rows = "\n".join(f"| {' | '.join(one.row())} |" for one in figures)
        put(MARK, f"{head}\n{rows}\n\n{digests}.\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phases", nargs="*", choices=[[], *HTTP_PHASES, SOCKETS], help="only these")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="how long each phase takes")
    parser.add_argument("--replicas", type=int, default=Plan.replicas)
    parser.add_argument("--connections", type=int, default=Plan.connections)
    parser.add_argument("--rate", type=float, default=Plan.per_second, help="questions a second")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--docs", action="store_true", help="put the table into docs/replicas.md")
    asyncio.run(main(parser.parse_args()))
