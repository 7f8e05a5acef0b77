"""Lengths of time: read from what people type, written canonically, and written for people."""

from __future__ import annotations

import re

from bot.query.typed_text import Mistake, shown

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
MAX_SECONDS = 366 * DAY

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
    match = _DURATION.fullmatch(text.strip())
    parts = match.groupdict() if match else {}
    seconds = sum(int(parts[unit]) * size for unit, size, _ in _UNITS if parts.get(unit))
    if not any(parts.values()):
        raise Mistake(f"`{shown(text)}` is not a duration: write `30m`, `6h`, `1h30m` or `2d`.", _meant(text))
    if seconds == 0:
        raise Mistake(f"`{shown(text)}` is no time at all: write `30m`, `6h`, `1h30m` or `2d`.")
    if seconds > MAX_SECONDS:
        raise Mistake(f"`{shown(text)}` is more than 366 days.", ("366d",))
    return seconds


def looks_like_duration(text: str) -> bool:
    """Whether it is written as one, even if it is nothing or too long."""
    match = _DURATION.fullmatch(text.strip())
    return match is not None and any(match.groups())


def _meant(text: str) -> tuple[str, ...]:
    """What a text that is no duration may mean."""
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


def _split(seconds: int, *, days_from: int) -> list[tuple[str, int]]:
    """The parts that are not zero. Days count from `days_from` seconds on: `24h` reads better than `1d`."""
    parts = []
    for unit, size, _ in _UNITS[1:]:
        if unit == "d" and seconds < days_from:
            continue
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((unit, count))
    return parts


def canonical_duration(seconds: int) -> str:
    """The one way a query writes a duration: `30m`, `24h`, `1h30m`, `2d`."""
    return "".join(f"{count}{unit}" for unit, count in _split(seconds, days_from=2 * DAY))


def exact_duration(seconds: int) -> str:
    """Every part, in words, for saying back what was asked: `90 s` is `1 min 30 s`."""
    return " ".join(
        f"{count} {'min' if unit == 'm' else unit}" for unit, count in _split(seconds, days_from=2 * DAY)
    )


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
