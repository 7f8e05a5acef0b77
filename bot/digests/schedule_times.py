"""When a schedule comes round: wall-clock times and intervals in a zone, over clock changes (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.digests.cron import FAR_DAYS, FIRST_DAY, CronFields, read_cron
from bot.query.durations import DAY, MINUTE
from bot.query.zones import zone_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

_ONE_DAY = dt.timedelta(days=1)
_ONE_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a digest is due; made by `bot.digests.schedule.parse_schedule`.

    Args:
        cron: five fields in canonical form; empty for an interval.
        every_seconds: an interval in elapsed time; 0 for cron.
    """

    cron: str = ""
    every_seconds: int = 0


def next_times(schedule: Schedule, after: float, zone: str, count: int) -> list[float]:
    """The next times, all later than `after`.

    A fixed time that a clock change skips runs at the first moment after the change; one that it repeats runs
    the first time.

    Args:
        schedule: when it is due.
        after: Unix seconds.
        zone: an IANA name.
        count: how many; fewer come back only where the next is more than 50 years away.

    Returns:
        Unix seconds, rising.

    Raises:
        LookupError: there is no such zone.
    """
    rules = zone_info(zone)
    if schedule.every_seconds:
        step, start = schedule.every_seconds, _interval_start(rules)
        first = start + ((after - start) // step + 1) * step
        return [first + n * step for n in range(count)]
    return _collect(schedule.cron, after, rules, count, direction=1)


def previous_time(schedule: Schedule, before: float, zone: str) -> float:
    """The last time before `before`, Unix seconds; arguments and errors as for `next_times`.

    Raises:
        ValueError: there was none in the 50 years before.
    """
    rules = zone_info(zone)
    if schedule.every_seconds:
        step, start = schedule.every_seconds, _interval_start(rules)
        return start - ((start - before) // step + 1) * step
    found = _collect(schedule.cron, before, rules, 1, direction=-1)
    if not found:
        raise ValueError("this schedule never came round before")
    return found[0]


def shortest_gap_seconds(schedule: Schedule) -> int:
    """The shortest time between two runs, clock changes aside; a year where it runs more seldom than that."""
    if schedule.every_seconds:
        return schedule.every_seconds
    fields = read_cron(schedule.cron)
    gaps = [(later - earlier) * MINUTE for earlier, later in pairwise(fields.times)]
    days = [n for n in range(4 * 366) if fields.fits(FIRST_DAY + n * _ONE_DAY)]
    over_midnight = (fields.times[0] - fields.times[-1]) * MINUTE
    gaps += [(later - earlier) * DAY + over_midnight for earlier, later in pairwise(days)]
    return min(gaps, default=365 * DAY)


def _interval_start(rules: ZoneInfo) -> float:
    """Unix seconds from which intervals count: midnight in the zone's standard time.

    So `every 6 hours` is 00:00, 06:00 … there, and an hour later by the clock while it shows summer time.
    """
    midnight = dt.datetime.combine(FIRST_DAY, dt.time(), dt.UTC)
    # The smaller offset of the year: some zones call their winter time the unusual one.
    offsets = [rules.utcoffset((midnight + days * _ONE_DAY).replace(tzinfo=rules)) for days in (0, 182)]
    return midnight.timestamp() - min(offset.total_seconds() for offset in offsets if offset is not None)


def _collect(cron: str, limit: float, rules: ZoneInfo, count: int, *, direction: int) -> list[float]:
    """Up to `count` times on one side of `limit`, the nearest first.

    Days are looked through from one before the limit's to one behind the last that was needed: a clock change
    at midnight can move a time into the next day or repeat the end of the day before.
    """
    fields = read_cron(cron)
    here = dt.datetime.fromtimestamp(limit, rules).date() - direction * _ONE_DAY
    found: set[float] = set()
    for _ in range(FAR_DAYS):
        enough = len(found) >= count
        if fields.fits(here):
            found.update(time for time in _times_on(here, fields, rules) if (time - limit) * direction > 0)
        if enough:
            break
        here += direction * _ONE_DAY
    return sorted(found, reverse=direction < 0)[:count]


def _times_on(day: dt.date, fields: CronFields, rules: ZoneInfo) -> Iterator[float]:
    midnight = dt.datetime.combine(day, dt.time(), rules)
    for minutes in fields.times:
        wall = midnight + minutes * _ONE_MINUTE  # arithmetic on an aware datetime moves the wall clock
        if not fields.follows_elapsed_time:
            while not _exists(wall):
                wall += _ONE_MINUTE
            yield wall.timestamp()
        elif _exists(wall):
            yield wall.timestamp()
            yield wall.replace(fold=1).timestamp()


def _exists(wall: dt.datetime) -> bool:
    """Whether clocks in the zone ever show this time."""
    again = wall.astimezone(dt.UTC).astimezone(wall.tzinfo)
    return again.replace(tzinfo=None) == wall.replace(tzinfo=None)
