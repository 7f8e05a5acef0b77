"""Of the rooms and tasks that a message may name, those that the vendor knows come first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.errors import RecordingsError
from bot.models import API_HISTORY_MS
from bot.page import Question
from bot.query import RecordingQuery
from bot.triage.found_ids import FoundIds

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bot.recordings import Recordings

PATIENCE_SECONDS = 2.0
"""How long a form waits for this: it can be filled in without."""

MOST_ASKED = 5
"""How many of each are asked for: the likeliest, as the message has them."""


async def existing_first(found: FoundIds, recordings: Recordings) -> FoundIds:
    """The same IDs, known ones in front; in the order they came where the vendor does not say in time."""
    if len(found.rooms) + len(found.tasks) < 2:  # noqa: PLR2004 - one has nothing to stand in front of
        return found
    rooms, tasks = found.rooms[:MOST_ASKED], found.tasks[:MOST_ASKED]
    asked = [
        *(_has_room(room, recordings) for room in rooms),
        *(_has_task(task, recordings) for task in tasks),
    ]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            known = await asyncio.gather(*asked)
    except TimeoutError:
        return found
    exists = {one for one, is_known in zip((*rooms, *tasks), known, strict=True) if is_known}
    return FoundIds(
        tasks=tuple(sorted(found.tasks, key=lambda task: task not in exists)),
        rooms=tuple(sorted(found.rooms, key=lambda room: room not in exists)),
    )


async def _has_room(room: str, recordings: Recordings) -> bool:
    query = RecordingQuery(rooms=(room,), last_seconds=API_HISTORY_MS // 1000, size=1)
    return await _is_there(recordings.find(Question(query, "UTC")))


async def _has_task(task_id: str, recordings: Recordings) -> bool:
    return await _is_there(recordings.details(task_id))


async def _is_there(answer: Awaitable[object]) -> bool:
    try:
        found = await answer
    except RecordingsError:
        return False
    return getattr(found, "total", 1) > 0
