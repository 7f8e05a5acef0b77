"""Memory of the bot's process once its caches are full, and 40,000 questions later: it must not grow."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from tests.nightly.bench import load
from tests.nightly.bench.budget import add_recordings
from tests.nightly.bench.servers import bot_process, many_people, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.nightly.bench.servers import BotProcess, Rows

QUESTIONS = (20_000, 60_000, 100_000)
"""From 60,000 on every cache is full: so many deliveries are remembered."""

ROOMS = 20
PEOPLE = 12_000
"""More than the caches hold."""

CONNECTIONS = 16
EQUAL_EVERY = 2
"""Every second question is one that was asked before."""

MISTAKE_EVERY = 20


def questions() -> Iterator[str]:
    """64,000 texts, all different, about few enough rooms that the vendor's budget lasts; and mistakes."""
    pages = [f"page={number}" for number in range(1, 21)]
    sizes = [f"size={number}" for number in range(1, 21)]
    statuses = ["status=any", "status=ended", "status=failed", "status=ongoing"]
    orders = ["sort=newest", "sort=oldest"]
    rooms = [f"room=room-{number} last=3d" for number in range(ROOMS)]
    for number, terms in enumerate(itertools.product(pages, sizes, statuses, orders, rooms)):
        yield " ".join(terms)
        if number % MISTAKE_EVERY == 0:
            yield f"room=room-{number} lst=6h"


async def bench_memory() -> Rows:
    """Half of the questions are new, half were asked before; by 12,000 people."""
    async with servers(tasks=0) as (zego, slack):
        add_recordings(zego, 2_000, rooms=ROOMS)
        people = itertools.cycle(many_people(slack, PEOPLE))
        async with bot_process(zego, slack) as bot:
            asking, held, asked = questions(), [], 0
            for goal in QUESTIONS:
                await _ask(bot, people, asking, goal - asked)
                asked = goal
                held.append(bot.resident_mb)
    figure = ", ".join(f"{mb:.0f} MB after {goal:,}" for goal, mb in zip(QUESTIONS, held, strict=True))
    return [
        ("Memory after many questions, half of them new", f"{held[-1] / held[1]:.2f} ({figure})", "≤ 1.05")
    ]


async def _ask(bot: BotProcess, people: Iterator[str], asking: Iterator[str], count: int) -> None:
    left = itertools.repeat(None, count)

    async def keep_asking() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
        for number, _ in enumerate(left):
            text = "room=room-1 last=3d" if number % EQUAL_EVERY else next(asking)
            await load.send(reader, writer, load.SlashCommand(text, user=next(people)).delivery())
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(keep_asking() for _ in range(CONNECTIONS)))
