"""What the sandbox shows, in one process: the simulated ZEGOCLOUD, the local Slack, the real bot."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bot.app import Bot
from bot.clock import AdjustableClock
from bot.config import load_settings
from bot.sandbox.inspector import Inspector, WatchedZego
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import GENERAL, PRIVATE, READER, TEAM, Message
from bot.slack.manifest import load_manifest

if TYPE_CHECKING:
    from types import TracebackType

    from bot.config import Settings

HOST = "127.0.0.1"

SAID_BEFORE = (
    (GENERAL, 18, "Is anything still being recorded in room 1230? I lost count."),
    (PRIVATE, 62, "Customer says the recording of room 88 is gone, class ended an hour ago"),
    (PRIVATE, 9, "A customer waits for the recording of room 404. Did its file ever arrive?"),
)
"""What the team talks about when somebody comes in: the channel, how many minutes ago, the message."""


class Stage:
    """The bot between a simulated vendor and a local Slack, all three going by one clock.

    Args:
        socket_mode: how the local Slack reaches the bot at first: Socket Mode, else signed HTTP.
        clock: the one clock that all three go by.
        manifest: the app's, decoded; the bot's own when None.
        tasks: how many recordings began in the 3 days before now.
        seed: another number gives other recordings.

    Attributes:
        zego: the simulated vendor.
        slack: the local Slack.
        bot: the running bot; another one after `restart_bot`.
        inspector: what went back and forth between them.
        clock_rate: how many seconds pass in one.
    """

    def __init__(
        self,
        *,
        socket_mode: bool = True,
        clock: AdjustableClock | None = None,
        manifest: dict[str, Any] | None = None,
        tasks: int = 300,
        seed: int = 7,
    ) -> None:
        self.clock = clock or AdjustableClock()
        self.clock_rate = 1.0
        self.socket_mode = socket_mode
        self.manifest = manifest or load_manifest()
        self.slack: LocalSlack = LocalSlack(manifest=self.manifest, clock=self.clock)
        self.inspector = Inspector(self.slack)
        self.zego: WatchedZego = WatchedZego(self.inspector, clock=self.clock, tasks=tasks, seed=seed)
        self.bot: Bot | None = None
        self._folder = ""
        self._parts = contextlib.AsyncExitStack()
        self._bot_parts = contextlib.AsyncExitStack()
        self._changing_bot = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start everything."""
        async with contextlib.AsyncExitStack() as parts:
            self._folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="recordings-sandbox-"))
            await self.zego.start()
            parts.push_async_callback(self.zego.stop)
            await parts.enter_async_context(self.slack)
            parts.push_async_callback(self._stop_bot)
            await self._start_bot()
            self._furnish()
            self._parts = parts.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._parts.aclose()

    async def restart_bot(self, *, socket_mode: bool | None = None) -> None:
        """Stop the bot and start another one, which remembers nothing of the first.

        Args:
            socket_mode: reach it over Socket Mode, else over signed HTTP; None: as before.
        """
        async with self._changing_bot:
            self.socket_mode = self.socket_mode if socket_mode is None else socket_mode
            await self._stop_bot()
            await self._start_bot()

    async def _start_bot(self) -> None:
        bot = Bot(self._settings(), socket_mode=self.socket_mode, clock=self.clock)
        if self.socket_mode:
            self.slack.deliver_over_sockets()
        await self._bot_parts.enter_async_context(bot.started())
        if self.socket_mode:
            await self.slack.wait_for(lambda: self.slack.sockets.connections)
        else:
            self.slack.deliver_over_http(f"http://{HOST}:{bot.port}/slack/events")
        self.bot = bot

    async def _stop_bot(self) -> None:
        self.bot = None
        await self._bot_parts.aclose()

    def _settings(self) -> Settings:
        environment = {
            "ZEGO_APP_ID": str(self.zego.app_id),
            "ZEGO_SERVER_SECRET": self.zego.server_secret,
            "ZEGO_API_URL": self.zego.base_url,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "HOST": HOST,
            "DATABASE_URL": f"sqlite:///{Path(self._folder) / 'recordings.db'}",
        }
        if self.socket_mode:
            environment["SLACK_APP_TOKEN"] = self.slack.app_token
        else:
            environment |= {"SLACK_SIGNING_SECRET": self.slack.signing_secret, "PORT": "0"}
        return load_settings(environment, slack=True, socket_mode=self.socket_mode)

    def _furnish(self) -> None:
        """Give the team direct messages with the app, and the channels something that is talked about."""
        for person in self.slack.people.values():
            if not person.is_bot and person.team_id == TEAM:
                self.slack.workspace.dm_with(person.id)
        for channel, minutes_ago, text in SAID_BEFORE:
            ts = f"{self.clock.now() - minutes_ago * 60:.6f}"
            self.slack.workspace.add_message(Message(channel, ts, READER, text))
