"""Points in time as people type them: read by a closed grammar, never guessed."""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
import re

from bot.query.times import MONTHS, RelativeDay, TimePoint
from bot.query.typed_text import Mistake, shown

YEARS = range(2000, 2101)
_LATEST_OFFSET_MINUTES = 14 * 60

_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,6}))?)?"
)
_OFFSET = r"(?P<offset>Z|(?P<sign>[+-])(?P<offset_hours>[0-9]{2})(?::?(?P<offset_minutes>[0-9]{2}))?)"
_POINT = re.compile(
    rf"(?:(?:{_DATE}|(?P<relative>today|yesterday))(?:(?:T| +)(?=[0-9])|$))?(?:{_TIME} ?{_OFFSET}?)?",
    re.IGNORECASE,
)
_TWELVE_HOURS = re.compile(
    r"(?P<before>\S+ )?(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))? ?(?P<half>[ap])\.?m\.?"
)
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})(?P<rest>[T ].*)?", re.IGNORECASE)
_DAY_FIRST = re.compile(r"([0-9]{1,2})([./])([0-9]{1,2})\2([0-9]{4})(?P<rest> .*)?")
_SWAPPED = re.compile(r"(\S+[0-9]) (today|yesterday)")


def parse_time_point(text: str) -> TimePoint:
    """Read `now`, `today`, `yesterday`, a date, a time, or a day and a time, with or without an offset.

    Raises:
        Mistake: nothing of these, or a date or time that does not exist.
    """
    plain = " ".join(text.split())
    if plain.lower() == "now":
        return TimePoint()
    match = _POINT.fullmatch(plain) if plain else None
    if match is None and plain.lower().startswith("tomorrow"):
        raise Mistake(f"`{shown(text)}` is in the future.", ("today",))
    if match is None:
        raise Mistake(
            f"`{shown(text)}` is not a time: write `14:00`, `2026-11-20`, `2026-11-20T14:00`, `today`, "
            '`yesterday`, `"yesterday 14:00"` or `now`.',
            _meant(plain.lower()),
        )
    day = RelativeDay(match["relative"].lower()) if match["relative"] else _parse_date(text, match)
    return TimePoint(day, _parse_time(text, match), _parse_offset(text, match))


def _parse_date(text: str, match: re.Match[str]) -> dt.date | None:
    if not match["year"]:
        return None
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if year not in YEARS:
        raise Mistake(f"`{shown(text)}` is out of reach: years go from {YEARS[0]} to {YEARS[-1]}.")
    if not 1 <= month <= 12:  # noqa: PLR2004 - months
        raise Mistake(f"`{shown(text)}` is not a date: months go from 01 to 12.")
    days = calendar.monthrange(year, month)[1]
    if not 1 <= day <= days:
        nearest = text.replace(f"-{match['day']}", f"-{days if day else 1:02d}", 1) if month != day else ""
        name = f"{MONTHS[month - 1]} {year}"
        raise Mistake(f"`{shown(text)}` is not a date: {name} has the days 01 to {days}.", (nearest,))
    return dt.date(year, month, day)


def _parse_time(text: str, match: re.Match[str]) -> dt.time | None:
    if not match["hour"]:
        return None
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock's figures
        raise Mistake(
            f"`{shown(text)}` is not a time: hours go from 00 to 23, minutes and seconds from 00 to 59."
        )
    return dt.time(hour, minute, second, int((match["fraction"] or "").ljust(6, "0")))


def _parse_offset(text: str, match: re.Match[str]) -> int | None:
    if not match["offset"]:
        return None
    minutes_past = int(match["offset_minutes"] or 0)
    minutes = int(match["offset_hours"] or 0) * 60 + minutes_past
    if minutes > _LATEST_OFFSET_MINUTES or minutes_past > 59:  # noqa: PLR2004 - a clock's figures
        raise Mistake(f"`{shown(text)}` has an offset that no place has: they go from -14:00 to +14:00.")
    return -minutes if match["sign"] == "-" else minutes


def _meant(plain: str) -> tuple[str, ...]:
    """What a text that is no point in time may mean, the likeliest first."""
    if re.fullmatch("[0-9]{1,2}", plain):
        return (f"{plain}:00",)
    if twelve := _TWELVE_HOURS.fullmatch(plain):
        hour = int(twelve["hour"]) % 12 + (12 if twelve["half"] == "p" else 0)
        return (f"{twelve['before'] or ''}{hour:02d}:{twelve['minute'] or '00'}",)
    if swapped := _SWAPPED.fullmatch(plain):
        return (f"{swapped[2]} {swapped[1]}",)
    return _date_meant(plain) or _word_meant(plain)


def _date_meant(plain: str) -> tuple[str, ...]:
    if year_first := _YEAR_FIRST.fullmatch(plain):
        year, month, day, rest = year_first.groups()
        return (f"{year}-{int(month):02d}-{int(day):02d}{rest or ''}",)
    if day_first := _DAY_FIRST.fullmatch(plain):
        first, mark, second, year, rest = day_first.groups()
        orders = [(int(second), int(first)), (int(first), int(second))]
        # 03/04 is March in one country and April in another: no guess, not even in a suggestion
        sure = orders[:1] if mark == "." else [order for order in orders if order[0] <= 12 < order[1]]  # noqa: PLR2004
        return tuple(f"{year}-{month:02d}-{day:02d}{rest or ''}" for month, day in sure)
    return ()


def _word_meant(plain: str) -> tuple[str, ...]:
    word, _, rest = plain.partition(" ")
    close = difflib.get_close_matches(word[:20], ("today", "yesterday", "now"), n=1, cutoff=0.75)
    return (plain.replace(" at ", " ").replace("@", " "), *(f"{near} {rest}".strip() for near in close))
