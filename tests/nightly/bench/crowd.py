"""A thousand people at once, each with a question of their own, while the vendor is slow."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.models import ENDED
from bot.sandbox.slack.state import GENERAL
from tests.nightly.bench import load
from tests.nightly.bench.answers import lag_in_words
from tests.nightly.bench.questions import Asked, Kind, Outcome, row_of
from tests.nightly.bench.servers import SAMPLED, at, bot_process, many_people, servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.server import LocalSlack
    from bot.sandbox.zegocloud import SimulatedZego
    from tests.nightly.bench.servers import Lag, Rows

PEOPLE = 1000
VENDOR_SECONDS = 2.5
PATIENCE_SECONDS = 180.0
"""The bot gives a question up after 120 s, and says so."""


class Crowd:
    """Everybody's question, and what each was told; times are `time.monotonic()`."""

    def __init__(self, zego: SimulatedZego, slack: LocalSlack, people: int) -> None:
        self._slack = slack
        self._settled = asyncio.Event()
        self.asked: dict[str, Asked] = {}
        began_ms = zego.now_ms() - 600_000
        for number, user in enumerate(many_people(slack, people)):
            room = f"crowd{number}"
            row = row_of(zego.add_task(room_id=room, began_ms=began_ms, status=ENDED), ENDED)
            self.asked[user] = Asked(Kind.COMMAND, user, 0.0, room, (row,))

    async def ask(self, port: int) -> None:
        """Let everybody ask in the same moment, over HTTP at a port, or Socket Mode (0), and wait for all."""
        async with self._listening():
            await (self._deliver_over_http(port) if port else self._deliver_over_a_socket())
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._settled.wait()

    def said_of(self) -> str:
        """How many of them got what."""
        outcomes = [one.outcome(float("inf")) for one in self.asked.values()]
        kinds = {"answered": Outcome.RIGHT, "honestly refused": Outcome.REFUSED}
        other = sum(outcome not in kinds.values() for outcome in outcomes)
        counts = ", ".join(f"{outcomes.count(outcome)} {words}" for words, outcome in kinds.items())
        doubled = sum(one.doubled for one in self.asked.values())
        return f"{counts}, {other} lost, {doubled} doubled"

    async def _deliver_over_http(self, port: int) -> None:
        """On a connection for each that is open before anybody asks: not this side is to take time."""
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in self.asked]
        deliveries = [self._delivery(asked) for asked in self.asked.values()]

        async def deliver(asked: Asked, way: load.Connection, delivery: bytes) -> None:
            asked.at = time.monotonic()
            try:
                content = await load.send(*way, delivery)
            except RuntimeError as error:
                asked.slack_error = str(error)
            asked.ack_seconds = time.monotonic() - asked.at
            way[1].close()
            self._hear(asked, None if asked.slack_error else json.loads(content))

        await asyncio.gather(*map(deliver, self.asked.values(), connections, deliveries))

    def _delivery(self, asked: Asked) -> bytes:
        platform = self._slack.platform
        url = platform.base_url + platform.hooks.issue("commands", GENERAL, asked.user)
        return load.SlashCommand(_text(asked), user=asked.user, response_url=url).delivery()

    async def _deliver_over_a_socket(self) -> None:
        async def deliver(asked: Asked) -> None:
            asked.at = time.monotonic()
            delivery = await self._slack.command(_text(asked), user=asked.user)
            asked.ack_seconds, asked.slack_error = delivery.elapsed_seconds, delivery.error

        await asyncio.gather(*map(deliver, self.asked.values()))

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        async def listen() -> None:
            with self._slack.subscribe() as events:
                async for event in events:
                    if event["type"] == "ephemeral_added":
                        shown = event["message"]
                        self._hear(self.asked[shown["ephemeral_for"]], shown)

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            listening.cancel()

    def _hear(self, asked: Asked, shown: dict[str, object] | None) -> None:
        if shown:
            asked.hear(time.monotonic(), shown)
        if asked.is_settled and all(one.is_settled for one in self.asked.values()):
            self._settled.set()


def _text(asked: Asked) -> str:
    return f"room={asked.room} last=6h"


async def bench_crowd() -> Rows:
    """A thousand different questions at once; the vendor takes seconds for each answer."""
    rows: Rows = []
    for name, socket_mode in (("HTTP", False), ("Socket Mode", True)):
        async with (
            servers(latency_seconds=VENDOR_SECONDS, tasks=0) as (zego, slack),
            bot_process(zego, slack, socket_mode=socket_mode, program=SAMPLED) as bot,
        ):
            crowd = Crowd(zego, slack, PEOPLE)
            await bot.lag()
            await crowd.ask(bot.port)
            rows += _rows(crowd, f"{PEOPLE:,} different questions at once, {name}", await bot.lag())
    return rows


def _rows(crowd: Crowd, what: str, lag: Lag) -> Rows:
    acks = [one.ack_seconds for one in crowd.asked.values() if one.ack_seconds is not None]
    assert len(acks) == len(crowd.asked)
    acked = f"p50 {at(0.5, acks):.1f} s, longest {max(acks):.2f} s"
    return [
        (f"{what}, vendor answering in {VENDOR_SECONDS} s: acknowledged", acked, "< 3 s"),
        (f"{what}: what came of them", crowd.said_of(), "0 lost, 0 doubled"),
        (f"{what}: event-loop lag meanwhile", lag_in_words(lag), "p99 < 50 ms"),
    ]
