"""What the measurements run against: the simulated ZEGOCLOUD, the local Slack, and the bot as a process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.clock import AdjustableClock, SystemClock
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import GENERAL, Person
from bot.sandbox.zegocloud import SimulatedZego
from tests.nightly.bench.load import SIGNING_SECRET
from tests.world import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

Rows = list[tuple[str, str, str]]
"""What was measured, the figure, the goal."""

Lag = dict[str, dict[str, float]]
"""`late` and `own` (as far as it was the bot's own work): `p50`, `p99`, `max`, in ms."""

QUESTION = "room=1230 last=6h"

PLAIN = ("-m", "bot", "run")
SAMPLED = ("-m", "tests.nightly.bench.sampled_bot")
"""The same, noting how late the event loop is."""


def at(share: float, values: Sequence[float]) -> float:
    """The value below which so much of a list lies."""
    rising = sorted(values)
    return rising[min(int(len(rising) * share), len(rising) - 1)]


@asynccontextmanager
async def process(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process that is ended at the end."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


@dataclass
class BotProcess:
    """The bot as a process of its own. `port` is 0 in Socket Mode."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def resident_mb(self) -> float:
        """Memory that it holds (Linux)."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024

    async def lag(self) -> Lag:
        """How late its event loop was since the last time this was asked, in ms; of a sampled one."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGUSR1)
        found: Lag = json.loads(await self.process.stdout.readline())
        return found


async def _read_away(log: asyncio.StreamReader) -> None:
    """Take a process's log off it, as every platform does: one that nobody reads stops the process."""
    while await log.read(2**16):
        pass


@asynccontextmanager
async def bot_process(
    zego: SimulatedZego,
    slack: LocalSlack,
    *,
    socket_mode: bool = False,
    program: tuple[str, ...] = PLAIN,
    **more: str,
) -> AsyncIterator[BotProcess]:
    """The bot, started and ready."""
    environment = {
        "ZEGO_APP_ID": str(zego.app_id),
        "ZEGO_SERVER_SECRET": zego.server_secret,
        "ZEGO_API_URL": zego.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token if socket_mode else "",
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "HOST": "127.0.0.1",
        "PORT": "" if socket_mode else "0",
        "CACHE_TTL_SECONDS": "600",
        "DATABASE_URL": "sqlite://",
    }
    way = "--socket" if socket_mode else "--http"
    async with process(*program, way, **environment | more) as running:
        assert running.stderr is not None
        async for line in running.stderr:
            if found := re.search(rb"Ready: .* over (?:Socket Mode|HTTP, port (\d+))", line):
                reading = asyncio.create_task(_read_away(running.stderr))
                yield BotProcess(running, int(found[1] or 0))
                running.terminate()
                await reading
                return
        raise RuntimeError("the bot did not start")


@asynccontextmanager
async def servers(**zego_options: Any) -> AsyncIterator[tuple[SimulatedZego, LocalSlack]]:
    """The simulated ZEGOCLOUD and the local Slack, in this process, on the machine's clock."""
    zego = SimulatedZego(clock=AdjustableClock(), **{"max_rps": None, **zego_options})
    await zego.start()
    slack = LocalSlack(manifest=manifest(), clock=SystemClock(), signing_secret=SIGNING_SECRET)
    await slack.start()
    try:
        yield zego, slack
    finally:
        await slack.stop()
        await zego.stop()


def many_people(slack: LocalSlack, count: int) -> list[str]:
    """So many more people in #general; their user IDs."""
    ids = [f"U0MANY{number:06d}" for number in range(count)]
    slack.workspace.people.update(
        {user: Person(user, user.lower(), user.title(), "Europe/Berlin") for user in ids}
    )
    slack.channels[GENERAL].members.update(ids)
    return ids
