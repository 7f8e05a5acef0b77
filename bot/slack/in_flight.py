"""The deliveries being answered, so that SIGTERM can let them finish."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from bot.plain_text import count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

logger = logging.getLogger(__name__)


T = TypeVar("T")


LAST_WORD_SECONDS = 1.5
"""How long stopping waits for the messages that say so."""


class InFlight:
    """The deliveries being answered: SIGTERM lets them finish, and tells those that cannot."""

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
        if answer in self._answering:  # whoever began waits for what is within
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
        """Work that `finish` may break off."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, grace_seconds: float) -> None:
        """Wait for what is running; what is not done by then is stopped and says so to whoever asked."""
        self.stopping = True
        await self._until_all_are_told(grace_seconds)
        if self._tasks:
            logger.warning("Stopping: %s could not be finished", count(len(self._tasks), "answer"))
        for task in self._tasks:
            task.cancel()
        await self._until_all_are_told(LAST_WORD_SECONDS)

    async def _until_all_are_told(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._answering:
                    await self._nothing_left.wait()
