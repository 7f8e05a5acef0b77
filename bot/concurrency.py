"""Run coroutines together, and share work: equal work is begun once, however many wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bot.errors import RecordingsError, ZegoUnreachableError
from bot.logs import current_reference

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Hashable, Iterable

logger = logging.getLogger(__name__)

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called with how much is done, of how much in all."""

_Error = TypeVar("_Error", bound=RecordingsError)


async def gather(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all at once; when one fails, the others are stopped and its own error is raised.

    Where several fail together, it is one that nobody expected: the others say less.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        raise min(failed.exceptions, key=lambda error: isinstance(error, RecordingsError)) from None
    return [task.result() for task in tasks]


@dataclass(slots=True)
class Lookups:
    """Counts that only grow. Plain numbers, since a cached answer takes less time than a lock would cost.

    Attributes:
        kept: the answer was in a cache.
        joined: it was already being fetched for somebody else.
        fetched: it was fetched.
        stale: it couldn't be fetched, and an old one served.
    """

    kept: int = 0
    joined: int = 0
    fetched: int = 0
    stale: int = 0


class Flight(Generic[T]):
    """Work that several wait for, in a task of its own: one who stops waiting harms nobody else.

    It is cancelled when nobody waits any more, unless `may_stop` forbids it.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.stopped = False
        self.reference = current_reference() or "nobody"
        self._listeners: list[Progress] = []
        self._task: asyncio.Task[T]
        self._ended: Callable[[], None]

    @property
    def done(self) -> bool:
        return self._task.done()

    @property
    def may_stop(self) -> bool:
        """Whether it may be cancelled now."""
        return True

    def begin(self, work: Coroutine[Any, Any, T], ended: Callable[[], None]) -> None:
        """Start the work; `ended` is called when nobody can join any more, perhaps twice."""
        self._ended = ended
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._note_end)

    def progress(self, read: int, total: int) -> None:
        """Pass progress on to everyone who waits."""
        for listener in tuple(self._listeners):
            listener(read, total)

    async def wait(self, *, deadline: float | None = None, progress: Progress | None = None) -> T:
        """Wait for the result.

        Args:
            deadline: event-loop time after which it is of no use any more.
            progress: told how far the work is.

        Raises:
            RecordingsError: the work's own, as an instance of each waiter's own: one instance raised in many
                tasks would collect all their tracebacks. At the deadline, what `too_late` says.
            ZegoUnreachableError: the bot is stopping.
        """
        task = self._task
        began = asyncio.get_running_loop().time()
        self.waiting += 1
        if progress:
            self._listeners.append(progress)
        try:
            await asyncio.wait((task,), timeout=None if deadline is None else max(0.0, deadline - began))
            if not task.done():
                raise self.too_late(asyncio.get_running_loop().time() - began)
        finally:
            self.waiting -= 1
            if progress:
                self._listeners.remove(progress)
            if not self.waiting and self.may_stop and not task.done():
                self._ended()
                task.cancel()
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or (self.stopped and isinstance(error, ZegoUnreachableError)):
            raise stopping()
        if isinstance(error, RecordingsError):
            raise twin(error)
        return task.result()

    def too_late(self, waited_seconds: float) -> RecordingsError:
        """The error for one whose deadline came first."""
        return ZegoUnreachableError("no answer in time", seconds=waited_seconds)

    def stop(self) -> asyncio.Task[T]:
        """End it as soon as that is possible, and return the task that ends; whoever waits is told."""
        self.stopped = True
        if self.may_stop:
            self._task.cancel()
        return self._task

    def _note_end(self, task: asyncio.Task[T]) -> None:
        self._ended()
        error = None if task.cancelled() else task.exception()
        if error and not self.waiting and not isinstance(error, RecordingsError):
            logger.error("Work that nobody waited for any more failed unexpectedly", exc_info=error)


class SingleFlight(Generic[T]):
    """Runs one piece of work for each key at a time."""

    def __init__(self) -> None:
        self.lookups = Lookups()
        self._joinable: dict[Hashable, Flight[T]] = {}
        self._flights: set[Flight[T]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._flights)

    async def get(
        self,
        key: Hashable,
        begin: Callable[[Progress], Coroutine[Any, Any, T]],
        progress: Progress | None = None,
    ) -> T:
        """Wait for the work of that key, which is begun unless it is under way.

        Args:
            key: what makes two pieces of work equal.
            begin: does the work, given what to call with its progress.
            progress: called too, whoever began.

        Raises:
            RecordingsError: as `Flight.wait` says.
        """
        flight = self.find(key)
        if flight is None:
            flight = Flight()
            self.begin(key, flight, partial(begin, flight.progress))
            self.lookups.fetched += 1
        else:
            self.lookups.joined += 1
            logger.debug("Joined what %s looks for", flight.reference)
        return await flight.wait(progress=progress)

    def find(self, key: Hashable) -> Flight[T] | None:
        """The work of that key that can be joined."""
        flight = self._joinable.get(key)
        return flight if flight is not None and not flight.done else None

    def begin(self, key: Hashable, flight: Flight[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Start work; from now on, this is what others with that key join.

        Raises:
            ZegoUnreachableError: the bot is stopping.
        """
        if self._closed:
            raise stopping()
        self._joinable[key] = flight
        self._flights.add(flight)
        flight.begin(work(), partial(self._ended, key, flight))

    def stop(self) -> Awaitable[object]:
        """End all of it as soon as that is possible, and begin nothing any more. Await it to see the end."""
        self._closed = True
        return asyncio.gather(*(flight.stop() for flight in self._flights), return_exceptions=True)

    def _ended(self, key: Hashable, flight: Flight[T]) -> None:
        if self._joinable.get(key) is flight:
            del self._joinable[key]
        self._flights.discard(flight)


def stopping() -> ZegoUnreachableError:
    """The error for whoever waits when the bot stops."""
    return ZegoUnreachableError("the bot is stopping")


def twin(error: _Error) -> _Error:
    """The same error as another instance: with its data, without its traceback and context."""
    other = type(error).__new__(type(error), *error.args)
    other.__dict__.update(error.__dict__)
    return other
