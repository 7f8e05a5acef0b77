"""Which stretch of time a slot of a digest tells of, as a query of its own (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.digests.schedule import next_times, parse_schedule
from bot.digests.settings import has_own_window
from bot.query import parse_query, resolve_window
from bot.query.durations import DAY
from bot.query.times import TimePoint

if TYPE_CHECKING:
    from bot.digests.records import Claim
    from bot.query import RecordingQuery


@dataclass(frozen=True, slots=True)
class SlotWindow:
    """What one slot tells of. Times are Unix milliseconds.

    Attributes:
        start_ms, end_ms: both ends included; it may begin before anything that can be seen.
        slot_ms: the slot's own time: what runs is looked for until then.
        query: the digest's, with these ends in UTC: means the same at any moment, to any reader.
    """

    start_ms: int
    end_ms: int
    slot_ms: int
    query: RecordingQuery


def window_of(claim: Claim) -> SlotWindow:
    """From the slot before to this one, unless the digest's query has a window of its own.

    A slot that somebody asked for out of turn tells of as much time as the next one of the schedule will.

    Raises:
        QueryError: the query cannot be read any more, or its window means nothing at this moment.
        LookupError: the zone is no longer known.
    """
    digest, slot_at = claim.digest, claim.slot_at
    query = parse_query(digest.query, slot_at, digest.zone)
    if has_own_window(digest.query):
        window = resolve_window(query, slot_at, digest.zone)
        return _window(query, slot_at, window.start_ms, window.end_ms)
    previous = claim.previous_slot_at
    if previous is not None and claim.asked_by:
        following = next_times(parse_schedule(digest.schedule, 0), slot_at, digest.zone, 1)[0]
        previous = slot_at - int(following - previous)
    start = slot_at - DAY if previous is None else previous
    return _window(query, slot_at, start * 1000, slot_at * 1000)


def _window(query: RecordingQuery, slot_at: int, start_ms: int, end_ms: int) -> SlotWindow:
    exact = replace(query, last_seconds=None, start=_point(start_ms), end=_point(end_ms), tz=None, page=1)
    return SlotWindow(start_ms, end_ms, slot_at * 1000, exact)


def _point(ms: int) -> TimePoint:
    moment = dt.datetime.fromtimestamp(ms // 1000, dt.UTC) + dt.timedelta(milliseconds=ms % 1000)
    return TimePoint(moment.date(), moment.time(), 0)
