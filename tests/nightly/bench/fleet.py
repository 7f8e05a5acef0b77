"""Several replicas of the bot as processes on ports that stay, and a Redis of their own to take away."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.bot_process import Process, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType


class Fleet:
    """So many processes of `python -m bot run`.

    Args:
        count: how many.
        transport: `--http` or `--socket`.
        folder: where they run.
        environment: of all of them; PORT is each one's own.
    """

    def __init__(self, count: int, transport: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.ports = free_ports(count)
        self._transport = transport
        self._folder = folder
        self._environment = environment
        self._stacks = [AsyncExitStack() for _ in range(count)]
        self._processes: list[Process | None] = [None] * count
        self._cpu_seconds_of_the_dead = 0.0
        self.kills = self.restarts = 0

    @property
    def urls(self) -> list[str]:
        """Every replica's address."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    async def __aenter__(self) -> Self:
        try:
            for index in range(len(self.ports)):  # all at once they would be slow to start
                await self.start(index)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process and process.process.returncode is None:
                process.signal(signal.SIGTERM)
        for index, process in enumerate(self._processes):
            if process:
                with suppress(TimeoutError):
                    await process.exit_status()
            await self._stacks[index].aclose()

    async def start(self, index: int) -> None:
        """Start a replica and wait until it answers questions."""
        process = await self._stacks[index].enter_async_context(
            running(
                *("run", self._transport),
                folder=self._folder,
                **{**self._environment, "PORT": str(self.ports[index])},
            )
        )
        self._processes[index] = process
        try:
            await process.ready()
        except AssertionError:  # the machine has much else to do
            await process.ready()

    async def kill(self, index: int) -> None:
        """End a replica outright."""
        process = self._end(index, signal.SIGKILL)
        self.kills += 1
        await process.exit_status()
        await self._clear(index)

    async def stop(self, index: int) -> int:
        """End a replica as a platform does; returns its exit status."""
        process = self._end(index, signal.SIGTERM)
        status = await process.exit_status()
        await self._clear(index)
        self.restarts += 1
        return status

    def said(self, index: int) -> str:
        """What a replica has logged since it started."""
        process = self._processes[index]
        return process.err if process else ""

    def cpu_seconds(self) -> float:
        """CPU that all of them have used, those that ended included."""
        alive = [process for process in self._processes if process and process.process.returncode is None]
        return self._cpu_seconds_of_the_dead + sum(cpu_seconds(one.process.pid) for one in alive)

    def _end(self, index: int, number: signal.Signals) -> Process:
        process = self._processes[index]
        assert process is not None
        self._cpu_seconds_of_the_dead += cpu_seconds(process.process.pid)
        process.signal(number)
        return process

    async def _clear(self, index: int) -> None:
        self._processes[index] = None
        stack, self._stacks[index] = self._stacks[index], AsyncExitStack()
        await stack.aclose()


def cpu_seconds(pid: int) -> float:
    """The CPU that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


class RedisServer:
    """A Redis on a port of its own, empty at first, which can go and come back."""

    def __init__(self) -> None:
        [self._port] = free_ports(1)
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *("redis-server", "--port", str(self._port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                if self._process.returncode is not None:
                    raise
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """End it outright, with all that it holds."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """A Redis that is there until the block ends.

    Raises:
        FileNotFoundError: redis-server is not installed.
    """
    if shutil.which("redis-server") is None:
        raise FileNotFoundError("redis-server is not installed")
    server = RedisServer()
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
