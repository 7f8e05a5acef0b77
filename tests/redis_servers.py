"""Redis for tests: the local one, and servers of a test's own that it can stop, pause and start again."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from bot.redis_connection import RedisAwayError
from bot.redis_link import RedisLink

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator
    from pathlib import Path

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")

START_SECONDS = 20.0


async def redis_or_skip() -> str:
    """The address of the local Redis; the test is skipped where there is none."""
    link = RedisLink(REDIS_URL)
    try:
        await link.check()
    except RedisAwayError as error:
        pytest.skip(f"no Redis at TEST_REDIS_URL: {error}")
    finally:
        await link.close()
    return REDIS_URL


class RedisServer:
    """A `redis-server` that keeps nothing on disk, so that it forgets everything when it is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
            cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL,
        )
        link = RedisLink(self.url)
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    await link.check()
                    break
                except RedisAwayError:
                    await asyncio.sleep(0)
        await link.close()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT pause it."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it outright."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[RedisServer]:
    """A server of one's own, started; the test is skipped where redis-server is not installed."""
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    server = RedisServer(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
