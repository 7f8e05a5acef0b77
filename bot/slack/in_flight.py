"""What is in flight: SIGTERM lets it finish, and people whose answer it stops are told."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from bot.plain_text import count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

logger = logging.getLogger("bot.deliveries")

T = TypeVar("T")

STOPPED_NOTICE_SECONDS = 1.5
"""How long `finish` waits for people to be told that their answer was stopped."""


class InFlight:
    """The deliveries being answered: SIGTERM lets them finish, and tells people whose answer it stops."""

    def __init__(self) -> None:
        self.stopping = False
        self._answering: set[asyncio.Task[Any] | None] = set()
        self._nothing_left = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._answering)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Make `finish` wait until the person has been told."""
        answer = asyncio.current_task()
        if answer in self._answering:  # the outer block counts it
            yield
            return
        self._answering.add(answer)
        self._nothing_left.clear()
        try:
            yield
        finally:
            self._answering.remove(answer)
            if not self._answering:
                self._nothing_left.set()

    def run(self, work: Awaitable[T]) -> asyncio.Task[T]:
        """Start work that `finish` may cancel."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, grace_seconds: float) -> None:
        """On SIGTERM: wait for what is in flight, then cancel the rest and let it tell whoever asked."""
        self.stopping = True
        await self._until_all_are_told(grace_seconds)
        if self._tasks:
            logger.warning("Stopping: %s could not be finished", count(len(self._tasks), "answer"))
        for task in self._tasks:
            task.cancel()
        await self._until_all_are_told(STOPPED_NOTICE_SECONDS)

    async def _until_all_are_told(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._answering:
                    await self._nothing_left.wait()
