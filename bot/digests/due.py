"""Which slots of a digest have come up, which are too old, and when the next is due (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.digests.schedule import next_times, parse_schedule, previous_time
from bot.errors import QueryError

if TYPE_CHECKING:
    from bot.digests.records import Digest

_MOST_MISSED = 50
"""Slots of one digest that are noted as missed after a long time away."""


def slots_until(digest: Digest, now: float, fresh_seconds: float) -> tuple[list[int], list[int], int]:
    """The slots from a digest's next run up to `now`.

    Args:
        digest: one that is not paused.
        now: Unix seconds.
        fresh_seconds: a slot that is older is too old to be posted.

    Returns:
        Slots to post, slots that are too old (the last of them), and the time after `now`; Unix seconds.

    Raises:
        QueryError: the schedule can no longer be read.
        LookupError: the zone is no longer known.
    """
    schedule = parse_schedule(digest.schedule, 0)
    first = digest.next_run_at or 0
    following = next_times(schedule, now, digest.zone, 1)[0]
    times = [previous_time(schedule, following, digest.zone)]
    if next_times(schedule, first - 1, digest.zone, 1)[0] != first:  # the zone's rules have changed since
        first = int(times[0])
        if first <= max(digest.last_slot_at or 0, digest.created_at):
            return [], [], int(following)
    while times[-1] > first and (times[-1] >= now - fresh_seconds or len(times) < _MOST_MISSED):
        times.append(previous_time(schedule, times[-1], digest.zone))
    come_up = sorted({int(time) for time in times if time > first} | {first})
    fresh = [time for time in come_up if time >= now - fresh_seconds]
    return fresh, come_up[: len(come_up) - len(fresh)], int(following)


def right_next_run(digest: Digest, now: float) -> int | None:
    """When a digest whose next run is still to come is really due next; None where that cannot be read.

    The stored time was worked out by the clock and the zone's rules of that moment, and either may have been
    wrong or have changed.
    """
    try:
        return int(next_times(parse_schedule(digest.schedule, 0), now, digest.zone, 1)[0])
    except (QueryError, LookupError):
        return None


def previous_slot(digest: Digest, slot_at: int) -> int | None:
    """The time of the schedule before one, Unix seconds; None where there is none or it cannot be read."""
    try:
        return int(previous_time(parse_schedule(digest.schedule, 0), slot_at, digest.zone))
    except (QueryError, LookupError, ValueError):
        return None
