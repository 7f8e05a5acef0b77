"""A digest's slots: which are due, which are too old, and the window each covers (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times, previous_time
from bot.features.digests.settings import has_own_window
from bot.models import API_HISTORY_MS
from bot.query.parser import parse_query, resolve_window
from bot.query.times import DAY, TimePoint

if TYPE_CHECKING:
    from bot.features.digests.models import Claim, Digest
    from bot.query.terms import RecordingQuery


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


_SLOTS_TRIED = 100
"""Slots among which one is looked for at which a window means something: four days of an hourly digest."""


@dataclass(frozen=True, slots=True)
class SlotWindow:
    """What one slot tells of. Times are Unix milliseconds.

    Attributes:
        start_ms, end_ms: for people; it may begin before anything that can be seen.
        slot_ms: the slot's own time: what runs is looked for until then.
        query: the digest's, with these ends in UTC: means the same at any moment, to any reader.
        first_ms, until_ms: starts from `first_ms` on and before `until_ms` are counted, so that a start at a
            slot's time belongs to one of two windows; the two ends where absent.
        reaches_back: its length is the digest's own: the next one may overlap it.
    """

    start_ms: int
    end_ms: int
    slot_ms: int
    query: RecordingQuery
    first_ms: int | None = None
    until_ms: int | None = None
    reaches_back: bool = False

    @property
    def counted(self) -> range:
        """The starts that are counted."""
        first_ms = self.start_ms if self.first_ms is None else self.first_ms
        return range(first_ms, self.end_ms if self.until_ms is None else self.until_ms)


def window_of(claim: Claim) -> SlotWindow:
    """From the last slot that was worked to this one, unless the digest's query has a window of its own.

    While none was worked it begins before the first slot that was to be, as far back as can be seen. A window
    of its own reaches on over those of slots before that were not worked. A slot that somebody asked for out
    of turn tells of as much time as the next one of the schedule will.

    Raises:
        QueryError: the query cannot be read any more, or its window means nothing at any slot.
        LookupError: the zone is no longer known.
    """
    digest, slot_at = claim.digest, claim.slot_at
    query = parse_query(digest.query, None, digest.zone)
    if has_own_window(digest.query):
        start_ms, end_ms = _own_window(query, digest, slot_at)
        for missed_at in reversed(_not_told(claim)):
            before_ms, until_ms = _own_window(query, digest, missed_at)
            if until_ms + 1 < start_ms or start_ms <= slot_at * 1000 - API_HISTORY_MS:
                break
            start_ms = min(start_ms, before_ms)
        of_days = query.end is not None and query.end.time is None and end_ms < slot_at * 1000
        until_ms = end_ms + 1 if of_days else end_ms  # a whole day is read through its last millisecond
        return _window(query, claim, start_ms, end_ms, until_ms=until_ms, reaches_back=True)
    start = _first_start(claim) if claim.worked_at is None else claim.worked_at
    previous = claim.previous_slot_at
    if previous is not None and claim.asked_by:
        following = next_times(parse_schedule(digest.schedule, 0), slot_at, digest.zone, 1)[0]
        start = slot_at - int(following - previous)
    start = slot_at - DAY if start is None else start
    return _window(query, claim, start * 1000, slot_at * 1000)


def _not_told(claim: Claim) -> list[int]:
    """Slots since the last one that was worked which told nothing, as far as is known, rising."""
    return sorted((*claim.missed, *claim.unconfirmed))


def _first_start(claim: Claim) -> int | None:
    """Where the window begins while no slot was worked yet."""
    previous, not_told = claim.previous_slot_at, _not_told(claim)
    before = previous_slot(claim.digest, not_told[0]) if not_told else None
    if previous is None or before is None:
        return previous
    return min(previous, max(before, claim.slot_at - API_HISTORY_MS // 1000))


def _own_window(query: RecordingQuery, digest: Digest, slot_at: int) -> tuple[int, int]:
    """The ends of the window that a query names; empty at a slot where only other slots give it a meaning."""
    try:
        window = resolve_window(query, slot_at, digest.zone, recurring=True)
    except QueryError:
        following = next_times(parse_schedule(digest.schedule, 0), slot_at, digest.zone, _SLOTS_TRIED)
        if not any(_means_something(query, digest.zone, time) for time in following):
            raise
        return slot_at * 1000, slot_at * 1000
    return window.start_ms, window.end_ms


def _means_something(query: RecordingQuery, zone: str, slot_at: float) -> bool:
    try:
        resolve_window(query, slot_at, zone, recurring=True)
    except QueryError:
        return False
    return True


def _window(
    query: RecordingQuery,
    claim: Claim,
    start_ms: int,
    end_ms: int,
    *,
    until_ms: int | None = None,
    reaches_back: bool = False,
) -> SlotWindow:
    exact = replace(
        query, last_seconds=None, start=point(min(start_ms, end_ms - 1)), end=point(end_ms), tz=None, page=1
    )
    first_ms = start_ms if claim.asked_by else claim.unfinished.first_ms(start_ms)
    return SlotWindow(
        start_ms, end_ms, claim.slot_at * 1000, exact, first_ms, until_ms, reaches_back=reaches_back
    )


def point(ms: int) -> TimePoint:
    """A moment (Unix ms) as a query names it."""
    moment = dt.datetime.fromtimestamp(ms // 1000, dt.UTC) + dt.timedelta(milliseconds=ms % 1000)
    return TimePoint(moment.date(), moment.time(), 0)
