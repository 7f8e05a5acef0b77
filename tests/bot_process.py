"""Running `python -m bot …` as a process of its own: its output as it comes, signals, and its exit status."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.server import LocalSlack
    from bot.sandbox.zegocloud import SimulatedZego

ROOT = Path(__file__).parent.parent

START_SECONDS = 20.0
"""A process starts in one second; a machine that does much else at a time needs more."""

LEFT_OPEN = ("Unclosed", "never retrieved", "was destroyed", "never awaited", "ResourceWarning")
"""What Python and aiohttp say of work that was left behind."""


@dataclass
class Process:
    """One process of the bot; `out` and `err` grow while it runs."""

    process: asyncio.subprocess.Process
    out: str = ""
    err: str = ""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _readers: list[asyncio.Task[None]] = field(default_factory=list)

    async def said(self, pattern: str, *, times: int = 1) -> re.Match[str]:
        """Wait until its output has the pattern (so many times); the last match."""

        def matches() -> list[re.Match[str]]:
            return list(re.finditer(pattern, self.out + self.err))

        try:
            async with asyncio.timeout(START_SECONDS), self._changed:
                await self._changed.wait_for(lambda: len(matches()) >= times or self._ended)
        except TimeoutError:
            raise AssertionError(f"never said {pattern!r}:\n{self.out}\n{self.err}") from None
        assert len(matches()) >= times, f"ended without {pattern!r}:\n{self.out}\n{self.err}"
        return matches()[times - 1]

    async def port(self) -> int:
        """The port that it listens on, as it says."""
        return int((await self.said(r"Listening on \S+ port (\d+)"))[1])

    async def ready(self) -> None:
        """Wait until it answers questions."""
        await self.said(r"Ready: answering")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def exit_status(self, timeout_seconds: float = START_SECONDS) -> int:
        """Wait for its end and for the rest of its output."""
        async with asyncio.timeout(timeout_seconds):
            status = await self.process.wait()
            await asyncio.gather(*self._readers)
        return status

    async def stop(self) -> int:
        """End it as a platform does."""
        self.signal(signal.SIGTERM)
        return await self.exit_status()

    @property
    def _ended(self) -> bool:
        return all(reader.done() for reader in self._readers)

    def _read(self, stream: asyncio.StreamReader | None, name: str) -> None:
        async def follow() -> None:
            while stream is not None and (chunk := await stream.read(65536)):
                async with self._changed:
                    setattr(self, name, getattr(self, name) + chunk.decode(errors="replace"))
                    self._changed.notify_all()

        async def until_the_end() -> None:
            await follow()
            async with self._changed:
                self._changed.notify_all()

        self._readers.append(asyncio.create_task(until_the_end()))


@asynccontextmanager
async def running(*arguments: str, folder: Path, **environment: str) -> AsyncIterator[Process]:
    """Start `python -m bot ARGUMENTS` in a folder; it is killed in the end if it still runs."""
    async with running_python("-m", "bot", *arguments, folder=folder, **environment) as process:
        yield process


@asynccontextmanager
async def running_python(*arguments: str, folder: Path, **environment: str) -> AsyncIterator[Process]:
    """Start `python ARGUMENTS`; the rest as for `running`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "always::ResourceWarning", *arguments),
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **{name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_")},
            **environment,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    started = Process(process)
    started._read(process.stdout, "out")
    started._read(process.stderr, "err")
    try:
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await started.exit_status()
    for words in LEFT_OPEN:
        assert words not in started.err, started.err


async def finished(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """Run `python -m bot ARGUMENTS` to its end: exit status, stdout, stderr."""
    async with running(*arguments, folder=folder, **environment) as process:
        status = await process.exit_status()
    return status, process.out, process.err


def vendor_environment(zego: SimulatedZego) -> dict[str, str]:
    """What a process needs to ask the simulated vendor."""
    return {
        "ZEGO_APP_ID": str(zego.app_id),
        "ZEGO_SERVER_SECRET": zego.server_secret,
        "ZEGO_API_URL": zego.base_url,
        "ZEGO_MAX_RPS": "10",
    }


def bot_environment(zego: SimulatedZego, slack: LocalSlack) -> dict[str, str]:
    """What `run` needs, for either transport."""
    return vendor_environment(zego) | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "HOST": "127.0.0.1",
        "PORT": "0",
    }
