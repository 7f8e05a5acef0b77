"""Run coroutines together, and count how often an answer was at hand or had to be fetched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bot.errors import RecordingsError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable


@dataclass(slots=True)
class Lookups:
    """Counts that only grow. Plain figures, since a cached answer takes less time than a lock would cost.

    Attributes:
        kept: the answer was there.
        joined: somebody else was having it fetched already.
        fetched: it was fetched.
        stale: it could not be fetched, and an old one served.
    """

    kept: int = 0
    joined: int = 0
    fetched: int = 0
    stale: int = 0


T = TypeVar("T")


async def gather(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all at once; when one fails the others are stopped and its own error comes out.

    Where several fail together, it is one that nobody expected: the others say less.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        raise most_unexpected(failed) from None
    return [task.result() for task in tasks]


def most_unexpected(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a group to go on with."""
    return min(failed.exceptions, key=lambda error: isinstance(error, RecordingsError))
