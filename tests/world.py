"""The bot between a simulated ZEGOCLOUD and a local Slack, all over real HTTP, on one clock."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bot.app import Bot
from bot.clock import AdjustableClock
from bot.config import Settings, load_settings
from bot.sandbox.slack.server import LocalSlack
from tests.databases import sqlite_with_tables
from tests.watched_zego import WatchedZego

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.state import Message
    from bot.sandbox.zegocloud import SimulatedZego

ROOT = Path(__file__).parent.parent
NOW = 1_795_417_200.0
"""Mon 2026-11-23 07:00:00 UTC: where the tests' clock stands unless it is moved."""

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
NOW_MS = int(NOW * 1000)


@cache
def _read_manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "manifest.yml").read_text())


def manifest() -> dict[str, Any]:
    """The project's own manifest, for the caller to change."""
    return copy.deepcopy(_read_manifest())


UNPACED_RPS = 1000
"""More than the vendor allows: no test waits for the pace of calls, unless it sets ZEGO_MAX_RPS."""

BUSY_ACK_SECONDS = 20.0
"""Slack's 3 seconds are real time, which a busy machine may need for itself."""

ON_THE_WAY = ("Still searching", "Looking through")
"""What lines begin with that only say that an answer is being looked for."""

SHOWN = {"message_added", "message_changed", "ephemeral_added", "ephemeral_changed"}


@dataclass
class World:
    zego: WatchedZego
    slack: LocalSlack
    bot: Bot
    clock: AdjustableClock
    parts: AsyncExitStack
    """What belongs to the bot, and closes with it."""
    clocks: tuple[AdjustableClock, ...]
    """Every one there is: the bot's, and ZEGOCLOUD's and Slack's where they have another."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass for everyone."""
        for clock in self.clocks:
            clock.advance(seconds)

    async def stop_bot(self) -> None:
        """End the bot as SIGTERM does."""
        await self.parts.aclose()

    async def start_bot(self) -> Bot:
        """Start one more bot with the same settings; deliveries over HTTP go to it from here on."""
        self.bot = Bot(self.bot.settings, socket_mode=False, clock=self.clock)
        await self.parts.enter_async_context(self.bot.started())
        self.slack.deliver_over_http(f"http://127.0.0.1:{self.bot.port}/slack/events")
        return self.bot

    async def ask(self, text: str, **who: Any) -> Message:
        """Type the command; the message that answers it, however slow the machine is."""
        before = len(self.slack.messages)
        delivery = await self.slack.command(text, **who)
        assert delivery.ok, delivery

        def answer() -> Message | None:
            came = [delivery.message, *self.slack.messages[before:]]
            return next((one for one in came if one and not one.text.startswith(ON_THE_WAY)), None)

        found = await self.slack.wait_for(answer)
        assert found is not None
        return found

    async def press(self, message: Message, button: str, **who: Any) -> Message:
        """Press a button and return the message that came or changed because of it."""
        with self.slack.subscribe() as events:
            delivery = await self.slack.click(message, button, **who)
            assert delivery.ok, delivery
            async with asyncio.timeout(30):
                async for event in events:
                    if event["type"] in SHOWN:
                        ts = event["message"]["ts"]
                        return next(message for message in self.slack.messages if message.ts == ts)
        raise AssertionError("nothing came of it")

    @property
    def vendor_calls(self) -> int:
        return len(self.zego.requests)


def settings_for(zego: SimulatedZego, slack: LocalSlack, **more: str) -> Settings:
    environment = {
        "ZEGO_APP_ID": str(zego.app_id),
        "ZEGO_SERVER_SECRET": zego.server_secret,
        "ZEGO_API_URL": zego.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "HOST": "127.0.0.1",
        "PORT": "0",
        "DATABASE_URL": "sqlite://",
    }
    settings = load_settings(environment | more, slack=True)
    return settings if "ZEGO_MAX_RPS" in more else replace(settings, zego_max_rps=UNPACED_RPS)


@asynccontextmanager
async def a_world(
    *,
    socket_mode: bool = False,
    tasks: int = 0,
    rate: float = 0.0,
    grid: bool = False,
    apart: bool = False,
    **more: str,
) -> AsyncIterator[World]:
    """Everything started; with `tasks=0` ZEGOCLOUD knows only what a test adds.

    With `grid` the workspace is one of an organization's, and everybody's clicks name another of them.
    `apart`: the bot's machine has a clock of its own.
    """
    clock = AdjustableClock(NOW, rate)
    theirs = AdjustableClock(NOW, rate) if apart else clock
    async with AsyncExitStack() as stack:
        zego = WatchedZego(clock=theirs, tasks=tasks, max_rps=None)
        if not tasks:
            zego.clear()
        await zego.start()
        stack.push_async_callback(zego.stop)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        more = {"DATABASE_URL": sqlite_with_tables(Path(folder) / "recordings.db"), **more}
        slack = LocalSlack(
            manifest=manifest(),
            clock=theirs,
            ack_deadline_seconds=BUSY_ACK_SECONDS,
            trigger_ttl_seconds=BUSY_ACK_SECONDS,
        )
        if grid:
            slack.workspace.join_organization()
        await slack.start()
        stack.push_async_callback(slack.stop)
        bot = Bot(settings_for(zego, slack, **more), socket_mode=socket_mode, clock=clock)
        parts = await stack.enter_async_context(AsyncExitStack())
        await parts.enter_async_context(bot.started())
        if not socket_mode:
            slack.deliver_over_http(f"http://127.0.0.1:{bot.port}/slack/events")
        yield World(zego, slack, bot, clock, parts, (clock, theirs) if apart else (clock,))
