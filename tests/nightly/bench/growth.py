"""So many questions a minute, whatever comes back: what becomes of them as they grow to 10,000."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.nightly.bench import load
from tests.nightly.bench.fleet import Fleet
from tests.nightly.bench.surroundings import BUDGET
from tests.nightly.bench.tally import at_share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.nightly.bench.surroundings import Heard, World

MEASURED_SECONDS = 20.0
LAST_ONES_SECONDS = 90.0
"""Longer than any question waits for its answer: what has none by then is lost."""

WOULD_BE_SECOND_SECONDS = 2.0
"""So long after the last answer a second one to the same question is waited for."""

HOT_ROOMS = 30
"""Questions that everybody asks again and again."""

NEW_SHARE = 0.02
"""How many of all questions nobody asked before."""

MINUTE_MS = 60_000


@dataclass(frozen=True)
class Case:
    """So many questions, and how the bot is set."""

    per_minute: int
    replicas: int = 4
    ttl_seconds: int = 15
    max_rps: int = BUDGET


CASES = (
    Case(600),
    Case(2_000),
    Case(10_000),
    Case(10_000, replicas=2),
    Case(10_000, ttl_seconds=60),
)

HEADS = (
    *("questions a minute", "replicas", "`CACHE_TTL_SECONDS`", "`ZEGO_MAX_RPS`", "vendor calls a second"),
    *(
        "answered within 2 s",
        "later",
        "later ones p50 / longest",
        "with the last good answer",
        "refused",
        "lost",
        "doubled",
        "not acknowledged",
        "ack p50 / p99",
        "CPU of a core",
    ),
)


class Rooms:
    """Rooms with a recording each."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made = 0

    def new(self) -> str:
        """One that nobody has asked about."""
        self._made += 1
        room = f"grown{self._made}"
        zego = self._world.zego
        zego.add_task(room_id=room, began_ms=zego.now_ms() - 10 * MINUTE_MS, status=3)
        return room


@asynccontextmanager
async def replicas(world: World, case: Case) -> AsyncIterator[Fleet]:
    """Replicas that take the load generator's signatures."""
    count = case.replicas
    given = world.environment_of(case.max_rps)
    given |= {"SLACK_SIGNING_SECRET": load.SIGNING_SECRET, "CACHE_TTL_SECONDS": str(case.ttl_seconds)}
    async with Fleet(count, "--http", world.folder, given) as fleet:
        yield fleet


@dataclass
class Growth:
    """What became of the questions; seconds."""

    at_once: Counter[str] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    acks: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    waiting: dict[str, float] = field(default_factory=dict)
    """When the questions were asked that got a line that it takes longer, by their names."""
    lost: int = 0
    doubled: int = 0

    def unanswered(self, heard: Heard) -> set[str]:
        """Those that have had nothing but the line."""
        return {name for name in self.waiting if not _answers(heard, name)}

    def hear_later(self, heard: Heard) -> None:
        """Add what came after the line, each to its question."""
        self.lost = len(self.unanswered(heard))
        for name, began in self.waiting.items():
            answers = _answers(heard, name)
            self.doubled += len(answers) > 1
            for at, outcome in answers[:1]:
                self.waits.append(at - began)
                self.later[outcome] += 1

    def row(self, case: Case, calls: float, cores: float) -> str:
        """As the table has it."""
        asked = len(self.acks)
        acks, waits = sorted(self.acks), sorted(self.waits)
        p50, p99 = (1000 * (at_share(share, acks) or 0.0) for share in (0.5, 0.99))
        waited = " / ".join(f"{at_share(share, waits):.0f}" for share in (0.5, 1)) + " s" if waits else "–"
        answered = (self.at_once["fresh"], self.later["fresh"])
        others = (
            self.at_once["last good"] + self.later["last good"],
            self.at_once["refused"] + self.later["refused"],
        )
        cells = (
            *(f"{case.per_minute:,}", str(case.replicas), str(case.ttl_seconds), str(case.max_rps)),
            f"{calls:.1f}",
            *(f"{100 * count / asked:.1f} %" for count in answered),
            waited,
            *(f"{100 * count / asked:.1f} %" for count in others),
            *(str(count) for count in (self.lost, self.doubled, self.at_once["late"])),
            f"{p50:.0f} / {p99:,.0f} ms",
            f"{100 * cores:.0f} %",
        )
        return f"| {' | '.join(cells)} |"


def outcome_of(message: bytes) -> str:
    """What a message is: an answer, the last good one, a line that it takes longer, or a refusal."""
    if not message:
        return "late"
    if b"the last good one" in message:
        return "last good"
    if b"1 recording" in message:
        return "fresh"
    return "waits" if b"Still searching" in message or b"Looking through" in message else "refused"


def _answers(heard: Heard, name: str) -> list[tuple[float, str]]:
    """When and what came to a question's response_url, lines that it takes longer left out."""
    came = [(at, outcome_of(message)) for at, message in heard.messages.get(name, ())]
    return [(at, outcome) for at, outcome in came if outcome != "waits"]


class Connections:
    """Connections to one replica that are kept, as many as are needed at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, command: load.SlashCommand) -> bytes:
        """Ask one question; the acknowledgement's body."""
        pair = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        try:
            answer = await load.send(*pair, command.delivery())
        except RuntimeError:  # not acknowledged within 3 s
            pair[1].close()
            return b""
        self._free.append(pair)
        return answer

    def close(self) -> None:
        """Close those that nobody uses."""
        for _, writer in self._free:
            writer.close()


class Crowd:
    """Asks at its own pace, every replica in turn."""

    def __init__(self, fleet: Fleet, rooms: Rooms, case: Case, slack_url: str, seed: int) -> None:
        self._pools = [Connections(one) for one in fleet.ports]
        self._rooms, self._case, self._slack_url = rooms, case, slack_url
        self._asked = 0
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._hot = [rooms.new() for _ in range(HOT_ROOMS)]

    async def ask_for(self, seconds: float, growth: Growth) -> None:
        """Ask so long; what is under way at the end is waited for."""
        began, count = time.perf_counter(), 0
        async with asyncio.TaskGroup() as asking:
            while (now := time.perf_counter()) < began + seconds:
                asking.create_task(self._ask(self._pools[count % len(self._pools)], growth))
                count += 1
                await asyncio.sleep(max(0.0, began + count * 60 / self._case.per_minute - now))

    async def _ask(self, pool: Connections, growth: Growth) -> None:
        new = self._random.random() < NEW_SHARE
        room = self._rooms.new() if new else self._random.choice(self._hot)
        self._asked += 1
        name = f"{id(self)}-{self._asked}"
        url = f"{self._slack_url}/heard/{name}"
        command = load.SlashCommand(f"room={room} status=ended last=6h", response_url=url)
        began = time.perf_counter()
        answer = await pool.ask(command)
        growth.acks.append(time.perf_counter() - began)
        outcome = outcome_of(answer)
        growth.at_once[outcome] += 1
        if outcome == "waits":
            growth.waiting[name] = began

    def leave(self) -> None:
        """Close the connections."""
        for pool in self._pools:
            pool.close()


async def grow(world: World, case: Case, rooms: Rooms, seed: int) -> str:
    """One case's row of the table; the time before every answer has been asked for once does not count."""
    growth = Growth()
    async with replicas(world, case) as fleet:
        crowd = Crowd(fleet, rooms, case, world.slack.platform.base_url, seed)
        await crowd.ask_for(max(15.0, 0.6 * case.ttl_seconds), Growth())
        calls, cpu, began = len(world.zego.requests), fleet.cpu_seconds(), time.perf_counter()
        await crowd.ask_for(MEASURED_SECONDS, growth)
        seconds = time.perf_counter() - began
        calls, cpu = len(world.zego.requests) - calls, fleet.cpu_seconds() - cpu
        await world.heard.wait_for(lambda: not growth.unanswered(world.heard), LAST_ONES_SECONDS)
        await asyncio.sleep(WOULD_BE_SECOND_SECONDS)
        crowd.leave()
        growth.hear_later(world.heard)
    return growth.row(case, calls / seconds, cpu / seconds)
