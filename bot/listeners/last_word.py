"""Says something to a person although Slack fails: by one way after the other, again, and no answer twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from bot.slack_client import Taken

if TYPE_CHECKING:
    from collections.abc import Sequence

Message = dict[str, Any]

Way = Callable[[Message], Awaitable[Taken]]
"""Sends a message once and says what became of it."""

WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Between the tries: Slack's short failures are over by then, and a person has turned to something else."""

HARMLESS_TRIES = 3
"""How often a harmless repetition is tried before it counts as uncertain like any other."""


async def say(
    message: Message,
    ways: Sequence[Way],
    *,
    unsure: Callable[[], Message] | None = None,
    waits: Sequence[float] = WAITS_SECONDS,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Taken:
    """Send a message until Slack has it, or will not have it, or the tries are used up.

    What Slack may have taken is not sent again: from there on `unsure` is said instead.

    Args:
        message: with `text`, and `blocks` that are left out where Slack refuses them: `text` says all.
        ways: the best first; the next is tried where one fails.
        unsure: makes what is said then; where it is absent, uncertainty ends the tries.
        waits: seconds between the tries.
        is_stopping: the process ends, and there is no time to try again.

    Returns:
        YES when Slack took `message`; UNKNOWN when it may have taken it; else NO.
    """
    left, result = list(ways), Taken.NO
    for tries, wait_seconds in enumerate((*waits, 0.0), 1):
        for way in tuple(left):
            taken = await _with_or_without_blocks(way, message)
            if taken is Taken.YES:
                return result if result is Taken.UNKNOWN else taken
            if taken is Taken.AGAIN and tries < HARMLESS_TRIES:
                break
            if taken is Taken.NO:
                left.remove(way)
            if taken in {Taken.UNKNOWN, Taken.AGAIN} and result is not Taken.UNKNOWN:
                if unsure is None:
                    return Taken.UNKNOWN
                message, result = unsure(), Taken.UNKNOWN
        if not left or is_stopping():
            break
        await asyncio.sleep(wait_seconds)
    return result


async def _with_or_without_blocks(way: Way, message: Message) -> Taken:
    taken = await way(message)
    if taken is not Taken.BLOCKS_REFUSED:
        return taken
    taken = await way({name: part for name, part in message.items() if name != "blocks"})
    return Taken.NO if taken is Taken.BLOCKS_REFUSED else taken
