"""Runs coroutines at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from bot.errors import RecordingsError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
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
