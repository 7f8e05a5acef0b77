"""Single-flight: work that several people wait for is begun once, and stopped when nobody waits."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bot.concurrency import Lookups
from bot.errors import RecordingsError
from bot.logs import current_reference
from bot.zegocloud.in_flight import stopping, twin

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one piece of work for each key at a time."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Work[T]] = {}
        self.lookups = Lookups()

    def __len__(self) -> int:
        return len(self._under_way)

    async def get(
        self,
        key: Hashable,
        begin: Callable[[Callable[[int, int], None]], Coroutine[Any, Any, T]],
        progress: Callable[[int, int], None] | None = None,
    ) -> T:
        """Wait for the work of that key, begun here unless it is under way.

        Args:
            key: what makes two pieces of work equal.
            begin: makes the work, given whom to tell of its progress.
            progress: told too, whoever began.

        Raises:
            RecordingsError: the work's own, as an instance of each waiter's own; ZegoUnreachableError where
                it was stopped.
        """
        work = self._under_way.get(key)
        if work is None:
            work = self._under_way[key] = _Work()
            work.task = asyncio.create_task(begin(work.tell))
            work.task.add_done_callback(partial(_note_outcome, work))
            self.lookups.fetched += 1
        else:
            self.lookups.joined += 1
            logger.debug("Joined what %s looks for", work.reference or "nobody")
        work.waiting += 1
        if progress:
            work.listeners.append(progress)
        try:
            await asyncio.wait((work.task,))
        finally:
            work.waiting -= 1
            if progress:
                work.listeners.remove(progress)
            if not work.waiting:
                # Whoever asks from now on begins anew, and does not join what is being stopped.
                if self._under_way.get(key) is work:
                    del self._under_way[key]
                work.task.cancel()
        if work.task.cancelled():
            raise stopping()
        try:
            return work.task.result()
        except RecordingsError as error:
            raise twin(error) from None

    async def stop(self) -> None:
        """End all of it; whoever waits is told that the bot is stopping."""
        tasks = [work.task for work in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _note_outcome(work: _Work[Any], task: asyncio.Task[Any]) -> None:
    """Take note of an error that nobody may be left to hear of, so that asyncio does not complain of it."""
    error = None if task.cancelled() else task.exception()
    if error and not work.waiting and not isinstance(error, RecordingsError):
        logger.error("What nobody waited for any more failed unexpectedly", exc_info=error)


class _Work(Generic[T]):
    task: asyncio.Task[T]

    def __init__(self) -> None:
        self.waiting = 0
        self.reference = current_reference()
        self.listeners: list[Callable[[int, int], None]] = []

    def tell(self, read: int, total: int) -> None:
        for listener in tuple(self.listeners):
            listener(read, total)
