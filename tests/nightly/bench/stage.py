"""What a fault happens on: the servers, the bot in processes of its own, and a load on it."""

from __future__ import annotations

import itertools
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.clock import AdjustableClock
from bot.sandbox.slack.delivery import HttpTransport
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.zegocloud import SimulatedZego
from tests.bot_process import bot_environment, running
from tests.nightly.bench.driver import Driver
from tests.world import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.delivery import Answer, Delivery
    from tests.bot_process import Process
    from tests.nightly.bench.cuttable import Cuttable

VENDOR_RPS = 10
"""The vendor's documented limit: the simulator refuses what is more, as the vendor does."""


class InTurn:
    """A way to several processes: each gets its share of the deliveries."""

    def __init__(self, ways: list[HttpTransport]) -> None:
        self.all = ways
        self._turns = itertools.cycle(ways)

    async def send(self, delivery: Delivery, deadline_seconds: float) -> Answer:
        """Send it to the next one."""
        return await next(self._turns).send(delivery, deadline_seconds)


@dataclass
class Stage:
    """Everything that a fault can be done to."""

    zego: SimulatedZego
    slack: LocalSlack
    driver: Driver
    folder: Path
    transport: str
    environment: dict[str, str]
    parts: AsyncExitStack
    bots: list[Process] = field(default_factory=list)
    """Every process that was started, the latest last."""
    notes: list[str] = field(default_factory=list)
    """What else there is to say; with a `!` where it is not well."""
    slots: dict[tuple[str, int], float] = field(default_factory=dict)
    """The slots of digests that come up, and when."""
    line: Cuttable | None = None
    """The way to a server that can be cut."""
    lines: list[Cuttable] = field(default_factory=list)
    """The same of several replicas."""
    in_turn: bool = False
    """Deliveries over HTTP go to every process in turn, not to the latest."""

    @property
    def bot(self) -> Process:
        """The process that was started last."""
        return self.bots[-1]

    async def start_bot(self) -> Process:
        """Start one more process of the bot; deliveries go to it from here on."""
        arguments = ("run", f"--{self.transport}")
        bot = await self.parts.enter_async_context(
            running(*arguments, folder=self.folder, **self.environment)
        )
        self.bots.append(bot)
        await bot.ready()
        await self.deliver_to(bot)
        return bot

    async def deliver_to(self, bot: Process) -> None:
        """Let deliveries over HTTP go to this process from here on."""
        if self.transport == "http":
            before = self.slack.dispatcher.transport
            self.slack.deliver_over_http(f"http://127.0.0.1:{await bot.port()}/slack/events")
            if self.in_turn and isinstance(latest := self.slack.dispatcher.transport, HttpTransport):
                known = before.all if isinstance(before, InTurn) else []
                self.slack.dispatcher.transport = InTurn([*known, latest])

    @property
    def said_by_bots(self) -> str:
        """The log of every process."""
        return "".join(bot.err for bot in self.bots)


@asynccontextmanager
async def a_stage(
    *,
    transport: str = "http",
    rate: float = 1.0,
    start: float | None = None,
    database_url: str = "",
    environment: dict[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """The servers and a load that has not begun; no process of the bot yet.

    Args:
        transport: `http` or `socket`.
        rate: how many seconds pass for the bot and for Slack in one real second.
        start: Unix seconds where their clock begins; now when absent.
        database_url: SQLite in a folder of its own when empty.
        environment: more variables for the bot.
    """
    start = time.time() if start is None else start
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        zego = SimulatedZego(clock=AdjustableClock(start, rate), tasks=0, max_rps=VENDOR_RPS)
        zego.clear()
        await zego.start()
        parts.push_async_callback(zego.stop)
        clock = AdjustableClock(start, rate)
        slack = await parts.enter_async_context(LocalSlack(manifest=manifest(), clock=clock))
        variables = bot_environment(zego, slack) | {
            "DATABASE_URL": database_url or f"sqlite:///{folder}/bot.db"
        }
        if rate != 1.0:
            variables["BOT_CLOCK"] = clock.spec()
        driver = Driver(zego, slack)
        bots = await parts.enter_async_context(AsyncExitStack())
        yield Stage(zego, slack, driver, folder, transport, variables | (environment or {}), bots)
