"""Of the rooms and tasks that a message may name, those that ZEGOCLOUD has come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.triage.found_ids import FoundIds

if TYPE_CHECKING:
    from bot.recordings import Recordings


async def existing_first(found: FoundIds, recordings: Recordings, patience_seconds: float) -> FoundIds:
    """The same IDs, those seen lately in front; in the order they came where none of them was.

    Only where none was, ZEGOCLOUD is asked for what is newest in all rooms: two calls, however many IDs there
    are, behind everybody who waits for an answer.

    Args:
        found: what the message names.
        recordings: knows what was seen.
        patience_seconds: how long that may take: a form can be filled in without.
    """
    if max(len(found.rooms), len(found.tasks)) < 2:  # noqa: PLR2004 - one has nothing to stand in front of
        return found
    if not any(map(recordings.has_seen, (*found.rooms, *found.tasks))):
        await recordings.look_at_newest(patience_seconds)
    return FoundIds(
        tasks=tuple(sorted(found.tasks, key=lambda task: not recordings.has_seen(task))),
        rooms=tuple(sorted(found.rooms, key=lambda room: not recordings.has_seen(room))),
    )
