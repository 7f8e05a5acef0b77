"""Several replicas of the bot as processes on ports that stay."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.bot_process import Process, running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Fleet:
    """So many processes of `python -m bot run`.

    Args:
        count: how many.
        transport: `--http` or `--socket`.
        folder: where they run.
        environment: of all of them; PORT is each one's own.
        started: how many are started at first; all when absent.
    """

    def __init__(
        self,
        count: int,
        transport: str,
        folder: Path,
        environment: Mapping[str, str],
        started: int | None = None,
    ) -> None:
        self._started = count if started is None else started
        self.ports = free_ports(count)
        self._transport = transport
        self._folder = folder
        self._environment = environment
        self._stacks = [AsyncExitStack() for _ in range(count)]
        self._processes: list[Process | None] = [None] * count
        self._cpu_seconds_of_the_dead = 0.0
        self.kills = self.restarts = 0

    @property
    def running(self) -> int:
        """How many run."""
        return sum(process is not None for process in self._processes)

    @property
    def urls(self) -> list[str]:
        """Every replica's address."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    async def __aenter__(self) -> Self:
        try:
            for index in range(self._started):  # all at once they would be slow to start
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

    async def run_only(self, count: int) -> None:
        """Start or stop replicas until the first so many run."""
        for index, process in enumerate(self._processes):
            if process is None and index < count:
                await self.start(index)
            elif process is not None and index >= count:
                await self.stop(index)

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
