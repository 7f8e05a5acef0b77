"""What saturates first as questions grow: `python -m tests.nightly.bench.saturation [ceiling] [growth]`."""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.docs import put
from tests.nightly.bench import load
from tests.nightly.bench.growth import CASES, HEADS, Case, Rooms, grow, replicas
from tests.nightly.bench.surroundings import Plan, surroundings

if TYPE_CHECKING:
    from tests.nightly.bench.fleet import Fleet
    from tests.nightly.bench.surroundings import World

CEILING_SECONDS = 8.0
WHOLE_AGAIN_SECONDS = 2.0
CONNECTIONS = 64
CONNECTIONS_FOR_NEW = 4
"""So few that each is answered within the two seconds in which an answer is an acknowledgement."""

NEW = {
    "never asked before, one list to read (`status=ended`)": "status=ended last=6h",
    "never asked before, two lists to read (any status)": "last=6h",
}


@dataclass(frozen=True)
class Rate:
    """Answers a second, and milliseconds of the replicas' CPU for each."""

    per_second: float
    cpu_ms: float

    def worded(self) -> str:
        """As the table has it."""
        return f"{self.per_second:,.{0 if self.per_second >= 100 else 1}f} a second"


async def cached_answers(fleet: Fleet, room: str) -> Rate:
    """One question asked again and again on every replica."""
    command = load.SlashCommand(f"room={room} last=6h")
    for port in fleet.ports:
        await load.once(port, command)
    cpu, connections = fleet.cpu_seconds(), CONNECTIONS // len(fleet.ports)
    rates = await asyncio.gather(
        *(load.answers_per_second(port, command, connections, CEILING_SECONDS) for port in fleet.ports)
    )
    return Rate(sum(rates), 1000 * (fleet.cpu_seconds() - cpu) / (sum(rates) * CEILING_SECONDS))


async def new_answers(fleet: Fleet, rooms: Rooms, rest: str) -> Rate:
    """Questions that nobody asked before, as fast as the budget lets them."""
    count, ends = 0, time.perf_counter() + 2 * CEILING_SECONDS

    async def keep_asking(port: int) -> None:
        nonlocal count
        while time.perf_counter() < ends:
            answer = await load.once(port, load.SlashCommand(f"room={rooms.new()} {rest}"))
            count += b"1 recording" in answer

    cpu, began = fleet.cpu_seconds(), time.perf_counter()
    ports = [fleet.ports[index % len(fleet.ports)] for index in range(CONNECTIONS_FOR_NEW)]
    await asyncio.gather(*(keep_asking(port) for port in ports))
    seconds = time.perf_counter() - began
    return Rate(count / seconds, 1000 * (fleet.cpu_seconds() - cpu) / count)


async def ceiling(world: World, rooms: Rooms) -> list[str]:
    """The most that one replica and four can answer."""
    figures: dict[str, list[Rate]] = {}
    for count in (1, 4):
        async with replicas(world, Case(0, count, ttl_seconds=600)) as fleet:
            figures.setdefault("answered from the cache", []).append(await cached_answers(fleet, rooms.new()))
            for what, rest in NEW.items():
                await asyncio.sleep(WHOLE_AGAIN_SECONDS)
                figures.setdefault(what, []).append(await new_answers(fleet, rooms, rest))
    rows = ["| questions | one replica | four | CPU for each |", "|---|---|---|---|"]
    for what, (one, four) in figures.items():
        rates = (
            f"{rate.per_second:,.{0 if rate.per_second >= 100 else 1}f} a second" for rate in (one, four)
        )
        rows.append(f"| {what} | {' | '.join(rates)} | {one.cpu_ms:.1f} ms |")
    return rows


async def growth(world: World, rooms: Rooms) -> list[str]:
    """Every case."""
    rows = [f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
    for seed, case in enumerate(CASES):
        rows.append(await grow(world, case, rooms, seed))
        print(rows[-1], flush=True)
    return rows


PARTS = {"ceiling": ceiling, "growth": growth}


async def main(arguments: argparse.Namespace) -> None:
    async with surroundings(Plan()) as world:
        rooms = Rooms(world)
        for name in arguments.parts or PARTS:
            rows = await PARTS[name](world, rooms)
            print("\n".join(rows), flush=True)
            if arguments.docs:
                put(name, "\n".join(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="only these")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/replicas.md")
    asyncio.run(main(parser.parse_args()))
