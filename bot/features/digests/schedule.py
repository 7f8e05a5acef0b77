"""A digest's schedule: read from phrases or cron, written canonically, said in words (pure)."""

from __future__ import annotations

import datetime as dt
import difflib
import re

from cronsim import CronSim, CronSimError

from bot.errors import QueryError
from bot.features.digests.schedule_times import (
    CronFields,
    Schedule,
    canonical_cron,
    read_cron,
    shortest_gap_seconds,
)
from bot.query.times import DAY, HOUR, MINUTE, exact_duration
from bot.query.tokenizer import joined, normalise, shown
from bot.query.zones import ABBREVIATIONS

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


SHORTEST_GAP_SECONDS = 15 * MINUTE
"""No digest comes more often than this, unless the caller says so."""

LONGEST_INTERVAL_SECONDS = 7 * DAY

_SETS_OF_DAYS = {
    **dict.fromkeys(("day", "days", "daily", "everyday"), range(7)),
    **dict.fromkeys(("weekday", "weekdays", "workday", "workdays", "business day"), range(1, 6)),
    **dict.fromkeys(("working day", "working days", "business days"), range(1, 6)),
    **dict.fromkeys(("weekend", "weekends"), (0, 6)),
}
_DAY_NUMBERS = {
    **{name: n for n, day in enumerate(DAYS) for name in (day, f"{day}s", day[:3], day[:2])},
    "tues": 2,
    "weds": 3,
    "thur": 4,
    "thurs": 4,
}
_POSITION_NUMBERS = {word: n for n, word in POSITIONS.items()} | {ordinal(n): n for n in range(1, 6)}
_VOCABULARY = (
    *(name for name in _DAY_NUMBERS if len(name) > 2),  # noqa: PLR2004 - two letters are near everything
    *(word for name in _SETS_OF_DAYS for word in name.split()),
    *("every", "hour", "hours", "hourly", "minute", "minutes", "month", "monthly", "first", "last", "noon"),
    *("midnight", "the", "and", "at", "of", "on"),
)
_MEANT = {
    "@hourly": "every hour",
    "@daily": "every day at 00:00",
    "@midnight": "every day at 00:00",
    "@weekly": "sundays at 00:00",
    "@monthly": "1st of the month at 00:00",
    "every other day": "every 48 hours",
    "weekly": "mondays at 09:00",
    "every week": "mondays at 09:00",
    "monthly": "1st of the month at 09:00",
    "every month": "1st of the month at 09:00",
}

_TIME = r"(?:noon|midnight|[0-9]{1,2}(?:[:.][0-9]{2})?(?: ?[ap]\.?m\b\.?)?)"
_TIMES = rf"(?P<times>{_TIME}(?:(?: ?, ?| and | ?& ?){_TIME})*)"
_ORDERS = (
    re.compile(rf"(?P<days>.*?),? ?(?:\bat|@) ?{_TIMES}"),
    re.compile(rf"(?P<days>.*?[^0-9: ]) {_TIMES}"),
    re.compile(rf"(?:at )?{_TIMES},? (?P<days>[^0-9].*)"),
)
_ONE_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?(?: ?([ap])\.?m\.?)?")
_INTERVAL = re.compile(r"(?:every|each) (?:([0-9]{1,5}|half an|an) ?)?(m|mins?|minutes?|h|hrs?|hours?)")
_BARE_INTERVALS = {"hourly": "every hour", "half-hourly": "every 30 minutes"}
_FILLERS = re.compile(r"(?:(?:every|each|on|the|weekly) )+")
_OF_THE_MONTH = (
    re.compile(r"(?P<which>.+?) of (?:the|each|every) month"),
    re.compile(r"(?:monthly|(?:every|each) month),? on (?:the )?(?P<which>.+)"),
)
_ORDINAL = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?")
_CRON_FIELD = re.compile(r"[0-9*][0-9*/,-]*")
_AND = re.compile(r" ?, ?(?:and )?| and | ?& ?")
_TO = re.compile(r" ?- ?| to | through ")


class _UnreadableError(Exception):
    """Part of a schedule that cannot be read: a sentence, and the whole schedule that may be meant."""

    def __init__(self, problem: str = "", suggestion: str = "") -> None:
        super().__init__(problem, suggestion)
        self.problem, self.suggestion = problem, suggestion


def parse_schedule(text: str, shortest_gap: int = SHORTEST_GAP_SECONDS) -> Schedule:
    """Read `weekdays at 09:00`, `mon,wed,fri 18:00`, `every 6 hours`, `1st of the month at 9`, cron and kin.

    Args:
        text: as somebody typed it.
        shortest_gap: seconds; what comes more often is refused. 0 for text that was accepted before.

    Raises:
        QueryError: with a sentence and, where there is one, the nearest schedule.
    """
    plain = " ".join(normalise(text).strip("\"'` ").lower().split()).rstrip(".")
    try:
        schedule = _parse(plain)
    except _UnreadableError as error:
        problem = error.problem or (
            f"`{shown(plain)}` has a time zone in it: that is a term of its own, such as `tz=Europe/Berlin`."
            if _names_zone(plain.rpartition(" ")[2])
            else f"`{shown(plain)}` is not a schedule: write `weekdays at 09:00`, `mondays at 08:30`, "
            "`every 6 hours`, `1st of the month at 09:00` or five cron fields."
        )
        raise QueryError(problem, error.suggestion or _nearest(plain)) from None
    if shortest_gap_seconds(schedule) < shortest_gap:
        nearest = Schedule(every_seconds=shortest_gap) if schedule.every_seconds else Schedule("0 * * * *")
        raise QueryError(
            f"`{shown(plain)}` would post more often than every {exact_duration(shortest_gap)}, "
            "and that is the most there is.",
            format_schedule(nearest),
        )
    return schedule


def _parse(plain: str) -> Schedule:
    if not plain:
        raise _UnreadableError("There is no schedule: say when the digest is due.", "weekdays at 09:00")
    if interval := _INTERVAL.fullmatch(_BARE_INTERVALS.get(plain, plain)):
        return _parse_interval(plain, *interval.groups())
    fields = plain.removeprefix("cron ").split()
    if len(fields) > 1 and all(_CRON_FIELD.fullmatch(field) for field in fields[:2]):
        return _parse_cron(fields)
    for order in _ORDERS:
        match = order.fullmatch(plain)
        days = _parse_days(match["days"].strip(" ,")) if match else ""
        if match and days:
            return Schedule(canonical_cron(f"{_parse_times(plain, match['times'])} {days}"))
    if _parse_days(plain):
        raise _UnreadableError(f"`{shown(plain)}` has no time of day.", f"{plain} at 09:00")
    raise _UnreadableError


def _parse_interval(plain: str, count: str | None, unit: str) -> Schedule:
    size = HOUR if unit[0] == "h" else MINUTE
    seconds = size // 2 if count == "half an" else size * (int(count) if count and count != "an" else 1)
    if not MINUTE <= seconds <= LONGEST_INTERVAL_SECONDS:
        raise _UnreadableError(
            f"`{shown(plain)}` cannot be: intervals go up to {LONGEST_INTERVAL_SECONDS // HOUR} hours.",
            "every 24 hours" if seconds else "every hour",
        )
    return Schedule(every_seconds=seconds)


def _parse_times(plain: str, text: str) -> str:
    """The minute and hour fields of cron."""
    times = [_parse_time(plain, part) for part in _AND.split(text)]
    if len({minute for _, minute in times}) > 1:
        raise _UnreadableError(
            f"`{shown(plain)}` has times with different minutes: make a digest for each of them."
        )
    return f"{times[0][1]} {','.join(str(hour) for hour, _ in times)}"


def _parse_time(plain: str, text: str) -> tuple[int, int]:
    if text in {"noon", "midnight"}:
        return (12 if text == "noon" else 0), 0
    match = _ONE_TIME.fullmatch(text)
    if match is None:
        raise _UnreadableError
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half and 1 <= hour <= 12:  # noqa: PLR2004 - the hours of half a day
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half or hour > 23 or minute > 59:  # noqa: PLR2004 - a clock's figures
        raise _UnreadableError(
            f"`{shown(plain)}` has no time of day: hours go from 00 to 23, or from 1 to 12 with am or pm, "
            "and minutes from 00 to 59."
        )
    return hour, minute


def _parse_days(text: str) -> str:
    """The day, month and weekday fields of cron; empty where these are no days."""
    plain = _FILLERS.sub("", text, count=1)
    for pattern in _OF_THE_MONTH:
        if match := pattern.fullmatch(plain) or pattern.fullmatch(text):
            return _parse_days_of_the_month(match["which"])
    numbers: set[int] = set()
    for part in _AND.split(plain):
        days = _parse_weekdays(_FILLERS.sub("", part, count=1))
        if not days:
            return ""
        numbers.update(days)
    return f"* * {','.join(str(number) for number in sorted(numbers))}"


def _parse_weekdays(text: str) -> list[int]:
    if text in _SETS_OF_DAYS:
        return list(_SETS_OF_DAYS[text])
    ends = [_DAY_NUMBERS.get(name) for name in _TO.split(text)]
    if None in ends or len(ends) > 2:  # noqa: PLR2004 - from and to
        return []
    first, last = ends[0] or 0, ends[-1] or 0
    return [(first + n) % 7 for n in range((last - first) % 7 + 1)]


def _parse_days_of_the_month(text: str) -> str:
    which = text.removesuffix(" day").removeprefix("the ")
    if which == "last":
        return "L * *"
    position, _, name = which.partition(" ")
    if position in _POSITION_NUMBERS and name in _DAY_NUMBERS:
        last = _POSITION_NUMBERS[position] == CronSim.LAST
        return f"* * {_DAY_NUMBERS[name]}{'L' if last else f'#{_POSITION_NUMBERS[position]}'}"
    numbers = []
    for part in _AND.split(which):
        match = _ORDINAL.fullmatch(part.removeprefix("the "))
        numbers.append(int(match[1]) if match else _POSITION_NUMBERS.get(part, 0))
    if not all(1 <= number <= 31 for number in numbers):  # noqa: PLR2004 - the days of a month
        return ""
    return f"{','.join(str(number) for number in numbers)} * *"


def _parse_cron(fields: list[str]) -> Schedule:
    text = " ".join(fields)
    if len(fields) != 5:  # noqa: PLR2004 - cron's fields
        raise _UnreadableError(
            f"`{shown(text)}` has {len(fields)} cron fields, and there are five: minute, hour, day of the "
            "month, month, day of the week."
        )
    try:
        return Schedule(canonical_cron(text))
    except CronSimError as error:
        which = str(error).removeprefix("Bad ").replace("-", " ")
        raise _UnreadableError(f"`{shown(text)}` is no cron schedule: its {which} cannot be.") from None


def _names_zone(word: str) -> bool:
    return "/" in word or word.upper() in {*ABBREVIATIONS, "UTC", "GMT"}


def _nearest(plain: str) -> str:
    """The schedule that may be meant; empty when there is no telling."""
    words = plain.split()
    if len(words) > 1 and all(_CRON_FIELD.fullmatch(word) for word in words[:2]):
        return ""
    corrected = [
        word if word in _VOCABULARY else (difflib.get_close_matches(word, _VOCABULARY, 1, 0.75) or [word])[0]
        for word in words
    ]
    several_days = re.fullmatch(r"every ([2-7]) days.*", plain)
    for candidate in (
        _MEANT.get(plain, ""),
        f"every {int(several_days[1]) * 24} hours" if several_days else "",
        " ".join(corrected),
        f"every {plain}",
        f"every day {plain}",
        " ".join(words[:-1]),
    ):
        try:
            if candidate:
                return format_schedule(_parse(candidate))
        except _UnreadableError as error:
            if error.suggestion:
                return error.suggestion
    return ""
