"""A schedule written canonically, for storage and for typing again, and said in words (pure)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cronsim import CronSim

from bot.digests.cron import CronFields, read_cron
from bot.query.durations import HOUR, MINUTE
from bot.query.typed_text import joined

if TYPE_CHECKING:
    from bot.digests.schedule_times import Schedule

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
POSITIONS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", CronSim.LAST: "last"}

_NO_MATTER_WHEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY = range(5)
_MOST_TIMES = 4
"""Times of a day that a phrase lists; more are easier to read as cron."""


def format_schedule(schedule: Schedule) -> str:
    """The one way a schedule is written; `parse_schedule` reads it back to an equal one."""
    if schedule.every_seconds:
        return _interval(schedule.every_seconds)
    fields = read_cron(schedule.cron)
    times, days = _times(fields), _days(fields)
    if not times or not days:
        return schedule.cron
    written = {"every weekday": "weekdays", "every Saturday and Sunday": "weekends"}.get(days)
    weekdays = _weekday_numbers(fields)
    if written is None and weekdays:
        names = [DAYS[number] for number in weekdays]
        written = f"{names[0]}s" if len(names) == 1 else ",".join(name[:3] for name in names)
    return f"{written or days.removeprefix('on the ').lower()} at {times}"


def describe_schedule(schedule: Schedule) -> str:
    """What goes into a sentence: `every weekday at 09:00`, `on the 1st of the month at 09:00`."""
    if schedule.every_seconds:
        return _interval(schedule.every_seconds)
    fields = read_cron(schedule.cron)
    times, days = _times(fields), _days(fields)
    if not times or not days:
        words = CronSim(schedule.cron, _NO_MATTER_WHEN).explain()
        return f"cron `{schedule.cron}` ({words[0].lower()}{words[1:]})"
    return f"{days} at {times}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`, `23rd`."""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number not in (11, 12, 13) else "th"
    return f"{number}{suffix}"


def _interval(seconds: int) -> str:
    count, unit = (seconds // HOUR, "hour") if seconds % HOUR == 0 else (seconds // MINUTE, "minute")
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def _times(fields: CronFields) -> str:
    """`09:00 and 17:00`; empty where it takes cron to say it."""
    starred = fields.text[_MINUTE][0] == "*" or fields.text[_HOUR][0] == "*"
    if starred or len(fields.values(_MINUTE)) != 1 or len(fields.times) > _MOST_TIMES:
        return ""
    return joined([f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in fields.times], "and")


def _days(fields: CronFields) -> str:
    """`every weekday`, `on the 1st and 15th of the month`; empty where it takes cron to say it."""
    day, month, weekday = fields.text[_DAY:]
    if month != "*" or "*" not in (day, weekday):
        return ""
    if weekday != "*":
        return _weekdays(fields)
    if day == "*":
        return "every day"
    if day == "L":
        return "on the last day of the month"
    numbers = [number for number in fields.values(_DAY) if isinstance(number, int) and number > 0]
    if len(numbers) != len(fields.values(_DAY)) or day[0] == "*":
        return ""
    return f"on the {joined([ordinal(number) for number in sorted(numbers)], 'and')} of the month"


def _weekdays(fields: CronFields) -> str:
    if numbers := _weekday_numbers(fields):
        if numbers == [1, 2, 3, 4, 5]:
            return "every weekday"
        return f"every {joined([DAYS[number].capitalize() for number in numbers], 'and')}"
    values = fields.values(_WEEKDAY)
    if len(values) != 1 or fields.text[_WEEKDAY][0] == "*":
        return ""
    (value,) = values
    if not isinstance(value, tuple):
        return ""
    return f"on the {POSITIONS[value[1]]} {DAYS[value[0] % 7].capitalize()} of the month"


def _weekday_numbers(fields: CronFields) -> list[int]:
    """Monday first; empty where the field is `*…`, or says more than days of the week."""
    values = fields.values(_WEEKDAY)
    numbers = {value % 7 for value in values if isinstance(value, int)}
    if (
        fields.text[_WEEKDAY][0] == "*"
        or fields.text[_DAY] != "*"
        or not all(isinstance(v, int) for v in values)
    ):
        return []
    return sorted(numbers, key=lambda number: number or 7)
