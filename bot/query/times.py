"""Points in time and windows: written canonically, resolved in a zone at a moment, and said in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.query.durations import canonical_duration, exact_duration, format_duration, parse_duration
from bot.query.typed_text import Mistake
from bot.query.zones import zone_info

__all__ = [
    "RelativeDay",
    "TimePoint",
    "Window",
    "canonical_duration",
    "describe_moment",
    "describe_span",
    "exact_duration",
    "format_duration",
    "parse_duration",
]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ONE_DAY = dt.timedelta(days=1)
_ONE_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, resolved: Unix milliseconds, both ends included, and the zone it was read in.

    `notes` are sentences about how it was read: a repeated hour, an end that lay in the future. `asked_now`
    is False where the question was asked some time ago, as by a button of an old message: then nothing may
    be said that is only true of now, such as "the last 6 h".
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
    """A point in time as it was written; what is relative stays so until `resolve`.

    Args:
        day: a date, today or yesterday; None is today where there is a time.
        time: wall-clock time without zone; None is the whole day.
        offset_minutes: minutes east of UTC, where the text says so; the day is then the day there.

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

    def resolve(self, now: float, zone: str, *, end: bool = False) -> int:
        """Find the moment.

        Args:
            now: Unix seconds.
            zone: IANA name, used where there is no offset.
            end: whether it ends a window: a day without a time is then read through its last millisecond.

        Returns:
            Unix milliseconds.

        Raises:
            Mistake: a clock change skips this time; `nearest` has the next time that exists.
        """
        return self.resolve_noting(now, zone, end=end)[0]

    def resolve_noting(
        self, now: float, zone: str, *, end: bool = False, recurring: bool = False
    ) -> tuple[int, str]:
        """Like `resolve`, with a sentence where a clock change repeats this time (else empty).

        `recurring`: a time that a clock change skips is the first moment after the change.
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
    """The same where the zone is named already: `Mon 23 Nov 14:03`, and `Sun 25 Oct 02:00 CET` if it must."""
    ms = round(now * 1000)
    return describe_span(Window(ms, ms, zone), with_year=False).partition(" – ")[0]


def _is_repeated(moment: dt.datetime) -> bool:
    """Whether a clock that is set back shows it twice."""
    return moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()


def describe_span(window: Window, *, with_year: bool, with_seconds: bool = False) -> str:
    """The two ends of a window on its zone's clock: `Mon 23 Nov 08:03 – 14:03`; the day once if it is one.

    Where the clocks change in between, or show both of them twice, they say which time they are in:
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
