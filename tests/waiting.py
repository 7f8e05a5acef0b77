"""Waiting for what has no event of its own: looked at after each log line, or each use of a database."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import event
from sqlalchemy.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

PATIENCE_SECONDS = 30.0

_is_looking: ContextVar[bool] = ContextVar("_is_looking", default=False)
_waiting: set[Signal] = set()


class Signal(logging.Handler):
    """Set from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def set(self) -> None:
        self._loop.call_soon_threadsafe(self.event.set)

    def emit(self, _: logging.LogRecord) -> None:
        self.set()


@contextmanager
def _log_lines() -> Iterator[Signal]:
    signal, root = Signal(), logging.getLogger()
    root.addHandler(signal)
    try:
        yield signal
    finally:
        root.removeHandler(signal)


async def when_logged(condition: Callable[[], T]) -> T:
    """The condition's first truthy answer, asked now and after every line that is logged."""
    with _log_lines() as signal:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := condition()):
                await signal.event.wait()
                signal.event.clear()
            return found


@event.listens_for(Pool, "checkin")
def _connection_came_back(*_: object) -> None:
    if not _is_looking.get():
        for signal in _waiting:
            signal.set()


async def when_stored(look: Callable[[], Awaitable[T]]) -> T:
    """The first truthy answer of `look`, asked now and whenever this process has used a database.

    What `look` itself reads does not count.
    """
    signal, token = Signal(), _is_looking.set(True)
    _waiting.add(signal)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await look()):
                await signal.event.wait()
                signal.event.clear()
            return found
    finally:
        _waiting.discard(signal)
        _is_looking.reset(token)
