"""Durations, points in time and windows: parsed by a closed grammar, written canonically, resolved."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.query.tokenizer import Mistake, closest, shown
from bot.zone_data import zone_info

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
MAX_SECONDS = 366 * DAY
YEARS = range(2000, 2101)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ONE_DAY, _ONE_SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)

_UNITS = (
    ("w", WEEK, "w|wk|wks|week|weeks"),
    ("d", DAY, "d|day|days"),
    ("h", HOUR, "h|hr|hrs|hour|hours"),
    ("m", MINUTE, "m|min|mins|minute|minutes"),
    ("s", 1, "s|sec|secs|second|seconds"),
)
_DURATION = re.compile(
    "".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}) ?(?:{names})(?![a-z]) ?)?" for unit, _, names in _UNITS),
    re.IGNORECASE,
)
_UNIT = re.compile("|".join(names for _, _, names in _UNITS), re.IGNORECASE)
_FRACTION = re.compile(r"([0-9]{1,4})[.,]([0-9]{1,2}) ?(h|hrs?|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_CLOCK_LIKE = re.compile(r"([0-9]{1,4}) ?h ?([0-9]{1,2})", re.IGNORECASE)


def parse_duration(text: str) -> int:
    """Seconds in `30m`, `6h`, `1h30m`, `2d`, `1w`, `90min` or `6 hours`: the largest unit first, each once.

    Raises:
        Mistake: not a duration, nothing, or more than 366 days.
    """
    counts = _counts(text)
    if not counts:
        raise Mistake(
            f"`{shown(text)}` is not a duration: write `30m`, `6h`, `1h30m` or `2d`.", _durations_meant(text)
        )
    seconds = sum(counts.get(unit, 0) * size for unit, size, _ in _UNITS)
    if seconds == 0:
        raise Mistake(f"`{shown(text)}` is no time at all: write `30m`, `6h`, `1h30m` or `2d`.")
    if seconds > MAX_SECONDS:
        raise Mistake(f"`{shown(text)}` is more than 366 days.", ("366d",))
    return seconds


def looks_like_duration(text: str) -> bool:
    """Whether it is written as one, even if it is nothing or too long."""
    return bool(_counts(text))


def _counts(text: str) -> dict[str, int]:
    """How many of each unit a duration has; empty if the text is none."""
    match = _DURATION.fullmatch(text.strip())
    return {unit: int(count) for unit, count in match.groupdict().items() if count} if match else {}


def _durations_meant(text: str) -> tuple[str, ...]:
    plain = text.strip().lower().removeprefix("last ").removeprefix("the last ")
    if re.fullmatch("[0-9]{1,4}", plain):
        return (f"{plain}h",)
    if fraction := _FRACTION.fullmatch(plain):
        size = {"h": HOUR, "d": DAY, "w": WEEK}[fraction[3][0]]
        return (canonical_duration(round(float(f"{fraction[1]}.{fraction[2]}") * size)),)
    if clock := _CLOCK_LIKE.fullmatch(plain):
        return (f"{clock[1]}h{clock[2]}m",)
    if _UNIT.fullmatch(plain):
        return (f"1{plain[0]}",)
    return (plain.lstrip("-"), plain.replace(" ", ""))


def _parts(seconds: int) -> list[tuple[int, str]]:
    """The parts that are not zero. Days count from two on: `24h` reads better than `1d`."""
    parts = []
    for unit, size, _ in _UNITS[1:]:
        if unit == "d" and seconds < 2 * DAY:
            continue
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((count, unit))
    return parts


def canonical_duration(seconds: int) -> str:
    """The one way a query writes a duration: `30m`, `24h`, `1h30m`, `2d`."""
    return "".join(f"{count}{unit}" for count, unit in _parts(seconds))


def exact_duration(seconds: int) -> str:
    """Every part, in words, to say back what was asked: `90 s` is `1 min 30 s`."""
    return " ".join(f"{count} {'min' if unit == 'm' else unit}" for count, unit in _parts(seconds))


def format_duration(seconds: float) -> str:
    """A length of time at a glance: `45 s`, `22 min`, `2 h 43 min`, `5 h 01 min`, `1 d 2 h`; rounded down."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        minutes = whole % HOUR // MINUTE
        return f"{whole // HOUR} h" + (f" {minutes:02d} min" if minutes else "")
    hours = whole % DAY // HOUR
    return f"{whole // DAY} d" + (f" {hours} h" if hours else "")


@dataclass(frozen=True, slots=True)
class Window:
    """A resolved window: Unix milliseconds, both ends included, and the zone it was read in.

    `notes` are sentences about how it was read: a repeated hour, an end in the future. `asked_now` is False
    if the question was asked some time ago, as by a button of an old message: then nothing may be said that
    is only true now, such as "the last 6 h".
    """

    start_ms: int
    end_ms: int
    zone: str
    notes: tuple[str, ...] = ()
    asked_now: bool = True


class RelativeDay(StrEnum):
    """A day that is found when the question is asked."""

    TODAY = "today"
    YESTERDAY = "yesterday"


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A point in time as it was written: what is relative stays relative until `resolve`.

    Args:
        day: a date, today or yesterday; None is today if there is a time.
        time: wall-clock time without zone; None is the whole day.
        offset_minutes: minutes east of UTC, if the text has them; the day is then the day there.

    Without any of them it is `now`.
    """

    day: dt.date | RelativeDay | None = None
    time: dt.time | None = None
    offset_minutes: int | None = None

    @property
    def is_now(self) -> bool:
        """Whether it is the moment of asking."""
        return self.day is None and self.time is None

    @property
    def needs_zone(self) -> bool:
        """Whether it means different moments in different zones."""
        return not self.is_now and self.offset_minutes is None

    def format(self) -> str:
        """The canonical text: `now`, `2026-11-20`, `2026-11-20T14:00`, `yesterday 14:00`, `14:00Z`."""
        if self.is_now:
            return "now"
        day = "" if self.day is None else str(self.day)
        if self.time is None:
            return day
        separator = "T" if isinstance(self.day, dt.date) else " " if day else ""
        return f"{day}{separator}{_format_time(self.time)}{_format_offset(self.offset_minutes)}"

    def resolve(
        self, now: float, zone: str, *, end: bool = False, recurring: bool = False
    ) -> tuple[int, str]:
        """Find the moment.

        Args:
            now: Unix seconds.
            zone: IANA name, used if there is no offset.
            end: whether it ends a window: a day without a time then includes its last millisecond.
            recurring: a time that a clock change skips is read as the first moment after the change.

        Returns:
            Unix milliseconds, and a sentence if a clock change repeats this time (else empty).

        Raises:
            Mistake: a clock change skips this time; `nearest` has the next time that exists.
        """
        if self.is_now:
            return round(now * 1000), ""
        rules: dt.tzinfo = zone_info(zone) if self.offset_minutes is None else _fixed(self.offset_minutes)
        day = self._date(now, rules)
        if self.time is None:
            begins = self._day_begins(day, rules, zone)
            return (self._day_begins(day + _ONE_DAY, rules, zone) - 1 if end else begins), ""
        local = dt.datetime.combine(day, self.time, rules)
        early, late = _offsets(local)
        if early < late:
            if recurring:
                return _to_ms(_jump(local)), ""
            raise self._skipped(local, zone)
        note = ""
        if early > late:
            note = f'"{day} {_format_time(self.time)}" happens twice in {zone}; read as the first.'
        return _to_ms(local), note

    def _date(self, now: float, rules: dt.tzinfo) -> dt.date:
        if isinstance(self.day, dt.date):
            return self.day
        today = dt.datetime.fromtimestamp(now, rules).date()
        return today - _ONE_DAY if self.day is RelativeDay.YESTERDAY else today

    def _day_begins(self, day: dt.date, rules: dt.tzinfo, zone: str) -> int:
        """The first moment of a day: not always midnight, where clocks are changed at midnight."""
        midnight = dt.datetime.combine(day, dt.time(), rules)
        early, late = _offsets(midnight)
        if early >= late:
            return _to_ms(midnight)
        jump = _jump(midnight)
        if self.day == day and jump.astimezone(rules).date() != day:
            raise self._skipped(midnight, zone)
        return _to_ms(jump)

    def _skipped(self, local: dt.datetime, zone: str) -> Mistake:
        jump, (early, late) = _jump(local), _offsets(local)
        before, after = jump + early, jump + late
        day = self.day if after.date() == local.date() else after.date()
        there = "there" if before.date() == local.date() == after.date() else f"on {after.date()}"
        return Mistake(
            f"`{self.format()}` does not exist in {zone}: on {before.date()} the clocks go from "
            f"{before:%H:%M} to {after:%H:%M} {there}.".replace(" there.", "."),
            (replace(self, day=day, time=after.time()).format(),),
        )


def _offsets(local: dt.datetime) -> tuple[dt.timedelta, dt.timedelta]:
    """The offsets before and after the clock change at a wall-clock time: equal where there is none.

    By PEP 495 a time that is skipped has the smaller one first, a repeated one the larger.
    """
    early, late = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return early or dt.timedelta(), late or dt.timedelta()


def _jump(local: dt.datetime) -> dt.datetime:
    """The moment (UTC) of the clock change that skips `local`, found by halving: zones do not tell it."""
    early, late = _offsets(local)
    naive = local.replace(tzinfo=None, fold=0)
    before, after = (naive - late).replace(tzinfo=dt.UTC), (naive - early).replace(tzinfo=dt.UTC)
    while after - before > _ONE_SECOND:
        middle = before + (after - before) // (2 * _ONE_SECOND) * _ONE_SECOND
        if middle.astimezone(local.tzinfo).utcoffset() == late:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _to_ms(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _fixed(offset_minutes: int) -> dt.timezone:
    return dt.timezone(dt.timedelta(minutes=offset_minutes))


def _format_time(time: dt.time) -> str:
    text = f"{time:%H:%M}"
    if time.second or time.microsecond:
        text += f":{time:%S}"
    if time.microsecond:
        text += f".{time.microsecond:06d}".rstrip("0")
    return text


def _format_offset(offset_minutes: int | None) -> str:
    if offset_minutes is None:
        return ""
    if offset_minutes == 0:
        return "Z"
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"{'-' if offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}"


def describe_moment(now: float, zone: str) -> str:
    """A moment (Unix seconds) on a zone's clock: `Mon 23 Nov 14:03 (Europe/Berlin)`."""
    return f"{moment_on_clock(now, zone)} ({zone})"


def moment_on_clock(now: float, zone: str) -> str:
    """The same without the zone: `Mon 23 Nov 14:03`; `Sun 25 Oct 02:00 CET` if the clock shows it twice."""
    ms = round(now * 1000)
    return describe_span(Window(ms, ms, zone), with_year=False).partition(" – ")[0]


def _is_repeated(moment: dt.datetime) -> bool:
    """Whether a clock that is set back shows it twice."""
    return moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()


def describe_span(window: Window, *, with_year: bool, with_seconds: bool = False) -> str:
    """The two ends of a window on its zone's clock: `Mon 23 Nov 08:03 – 14:03`; the same day only once.

    If the clocks change in between, or show both ends twice, the ends say which time they are in:
    `Sun 25 Oct 02:00 CEST – 02:00 CET`.
    """
    rules = zone_info(window.zone)
    start, end = (dt.datetime.fromtimestamp(ms / 1000, rules) for ms in (window.start_ms, window.end_ms))
    with_year = with_year or start.year != end.year
    days = [
        f"{_DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]}"
        + (f" {moment.year}" if with_year else "")
        for moment in (start, end)
    ]
    clock = "%H:%M:%S" if with_seconds else "%H:%M"
    if start.utcoffset() != end.utcoffset() or (_is_repeated(start) and _is_repeated(end)):
        clock += " %Z"
    last_day = "" if start.date() == end.date() else f"{days[1]} "
    return f"{days[0]} {start:{clock}} – {last_day}{end:{clock}}"


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
            _points_meant(plain.lower()),
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


def _points_meant(plain: str) -> tuple[str, ...]:
    """What may be meant by a text that is no point in time, the likeliest first."""
    if re.fullmatch("[0-9]{1,2}", plain):
        return (f"{plain}:00",)
    if twelve := _TWELVE_HOURS.fullmatch(plain):
        hour = int(twelve["hour"]) % 12 + (12 if twelve["half"] == "p" else 0)
        return (f"{twelve['before'] or ''}{hour:02d}:{twelve['minute'] or '00'}",)
    if swapped := _SWAPPED.fullmatch(plain):
        return (f"{swapped[2]} {swapped[1]}",)
    return _dates_meant(plain) or _words_meant(plain)


def _dates_meant(plain: str) -> tuple[str, ...]:
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


def _words_meant(plain: str) -> tuple[str, ...]:
    word, _, rest = plain.partition(" ")
    near = closest(word, ("today", "yesterday", "now"), cutoff=0.75)
    return (plain.replace(" at ", " ").replace("@", " "), *(f"{day} {rest}".strip() for day in near))
