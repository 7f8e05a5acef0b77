"""When a schedule comes round: wall-clock times and intervals in a zone, over clock changes (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

from bot.query.times import DAY, MINUTE
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo


FAR_DAYS = 50 * 366
"""What does not come round in so many days never does: 29 February is a Sunday once in 28 or 40 years."""

FIRST_DAY = dt.date(2026, 1, 1)
_ONE_DAY = dt.timedelta(days=1)
_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_DAY_FIELD, _MONTH_FIELD, _WEEKDAY_FIELD = 2, 3, 4
_DAY_FIELDS = (_DAY_FIELD, _WEEKDAY_FIELD)


@dataclass(frozen=True, slots=True)
class CronFields:
    """Five cron fields, read.

    Args:
        text: as typed, in capitals.
        times: minutes since midnight, in order, on each day that fits.
        follows_elapsed_time: minute or hour begins with `*`: runs whenever the clock shows a fitting time,
            twice where it shows it twice. Otherwise each time is a fixed one that runs once (Debian's cron).
    """

    text: tuple[str, ...]
    times: tuple[int, ...]
    follows_elapsed_time: bool
    _days: CronSim

    def fits(self, day: dt.date) -> bool:
        """Whether it runs on this day at all."""
        return day.month in self._days.months and self._days.match_day(day)

    def values(self, field: int) -> set[int | tuple[int, int]]:
        """What a field allows; `CronSim.LAST` and pairs of weekday and position as cronsim has them."""
        sim = self._days
        return set((sim.minutes, sim.hours, sim.days, sim.months, sim.weekdays)[field])


@lru_cache(maxsize=1024)
def read_cron(text: str) -> CronFields:
    """Read five cron fields.

    Raises:
        CronSimError: they are none; its text names the field.
    """
    sim = CronSim(text, dt.datetime.combine(FIRST_DAY, dt.time()))
    times = tuple(sorted(hour * 60 + minute for hour in sim.hours for minute in sim.minutes))
    fields = CronFields(tuple(sim.parts[1:]), times, sim.parts[1][0] == "*" or sim.parts[2][0] == "*", sim)
    if not any(fields.fits(FIRST_DAY + days * _ONE_DAY) for days in range(FAR_DAYS)):
        raise CronSimError("Bad day-of-month")
    return fields


def canonical_cron(text: str) -> str:
    """The same schedule with each field written in one way.

    Raises:
        CronSimError: these are no five cron fields.
    """
    fields = read_cron(text.upper())
    written, whole = [], []
    for index, typed in enumerate(fields.text):
        values = fields.values(index)
        numbers = {value for value in values if isinstance(value, int) and value >= 0}
        if index == _WEEKDAY_FIELD:
            numbers = {number % 7 for number in numbers}
        whole.append(numbers == set(_RANGES[index]))
        special = sorted(_special(value) for value in values if not isinstance(value, int) or value < 0)
        if typed[0] != "*":
            written.append(",".join([*_runs(sorted(numbers)), *special]))
        else:  # it means more to cron than the same values in figures
            written.append("*" if whole[index] else typed)
    if whole[_MONTH_FIELD]:
        written[_MONTH_FIELD] = "*"
    if all(written[index][0] != "*" for index in _DAY_FIELDS):  # alternatives: one that is whole decides
        if any(whole[index] for index in _DAY_FIELDS):
            written[_DAY_FIELD] = written[_WEEKDAY_FIELD] = "*"
    else:
        for index in _DAY_FIELDS:
            written[index] = "*" if whole[index] else written[index]
    return " ".join(written)


def _special(value: int | tuple[int, int]) -> str:
    if isinstance(value, tuple):
        return f"{value[0] % 7}L" if value[1] == CronSim.LAST else f"{value[0] % 7}#{value[1]}"
    return "L" if value == CronSim.LAST else "LW"


def _runs(numbers: list[int]) -> list[str]:
    """`1-5` for three and more in a row."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [
        text
        for run in runs
        for text in ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run))  # noqa: PLR2004 - two are a list
    ]


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
