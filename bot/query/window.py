"""The window that a query asks for, at a given moment, and better ones where it cannot be."""

from __future__ import annotations

from dataclasses import replace

from bot.models import API_HISTORY_MS
from bot.query.terms import TERMS, RecordingQuery
from bot.query.times import DAY, RelativeDay, TimePoint, Window, describe_moment, parse_time_point
from bot.query.tokenizer import Mistake
from bot.zone_data import zone_info

_HISTORY_SECONDS = API_HISTORY_MS // 1000


class WindowMistake(Mistake):
    """A window that cannot be. `better` are queries like it whose window may, the likeliest first."""

    def __init__(self, problem: str, *better: RecordingQuery) -> None:
        super().__init__(problem)
        self.better = better


def needs_zone(query: RecordingQuery) -> bool:
    """Whether its words mean different moments in different zones."""
    return any(point is not None and point.needs_zone for point in (query.start, query.end))


def resolve(
    query: RecordingQuery, now: float, zone: str, *, asked_now: bool = True, recurring: bool = False
) -> Window:
    """Find the window.

    Args:
        query: what is asked.
        now: when it was asked, Unix seconds.
        zone: IANA name in which wall-clock words are read.
        asked_now: False where that was some time ago.
        recurring: asked again on other days: a time that a clock change skips is read as the next there is.

    Raises:
        WindowMistake: it cannot be.
    """
    _check_zone(query, zone)
    now_ms = round(now * 1000)
    if query.last_seconds is not None:
        return Window(now_ms - query.last_seconds * 1000, now_ms, zone, asked_now=asked_now)
    start_ms, start_note = _end_of_window(query, "start", now, zone, recurring=recurring)
    end_ms, end_note = _end_of_window(query, "end", now, zone, recurring=recurring)
    if query.start and start_ms > now_ms:
        raise WindowMistake(
            f"`{TERMS['from'].format(query.start)}` is in the future; it is {describe_moment(now, zone)}.",
            *_earlier(query),
        )
    if query.end and end_ms > now_ms:
        end_ms = now_ms
        if query.end != TimePoint(RelativeDay.TODAY):
            typed = f"`{TERMS['to'].format(query.end)}`"
            end_note = (
                f"{typed} is in the future; read as now."
                if asked_now
                else f"{typed} was in the future when this was asked; the window ends at that moment."
            )
    if start_ms >= end_ms:
        raise _backwards(query)
    notes = dict.fromkeys(filter(None, (start_note, end_note)))
    return Window(start_ms, end_ms, zone, tuple(notes), asked_now)


def _check_zone(query: RecordingQuery, zone: str) -> None:
    try:
        zone_info(zone)
    except LookupError:
        raise WindowMistake(f"The time zone `{zone}` is not known here.", replace(query, tz="UTC")) from None


def _end_of_window(
    query: RecordingQuery, field: str, now: float, zone: str, *, recurring: bool
) -> tuple[int, str]:
    """Unix milliseconds, and a note where a clock change repeats them."""
    point: TimePoint | None = getattr(query, field)
    if point is None:
        return round(now * 1000) - (API_HISTORY_MS if field == "start" else 0), ""
    try:
        return point.resolve_noting(now, zone, end=field == "end", recurring=recurring)
    except Mistake as mistake:
        points = map(parse_time_point, mistake.nearest)
        better = (replace(query, start=it) if field == "start" else replace(query, end=it) for it in points)
        raise WindowMistake(mistake.problem, *better) from None


def _earlier(query: RecordingQuery) -> tuple[RecordingQuery, ...]:
    """Windows that begin before now instead of in the future."""
    start = query.start
    if start and start.time and start.day in (None, RelativeDay.TODAY):
        return (replace(query, start=replace(start, day=RelativeDay.YESTERDAY)),)
    return (replace(query, start=TimePoint(RelativeDay.TODAY)),)


def _backwards(query: RecordingQuery) -> WindowMistake:
    start, end = query.start, query.end
    if start is None:
        return WindowMistake(
            f"`{TERMS['to'].format(end)}` lies before the 3 days that ZEGOCLOUD's API keeps.",
            replace(query, end=None, last_seconds=_HISTORY_SECONDS),
        )
    if end is None or start == end:
        return WindowMistake(
            f"`{start.format()}` is where this window begins and ends: it is empty.",
            replace(query, start=None, end=None, last_seconds=DAY),
        )
    return WindowMistake(
        f"`{TERMS['from'].format(start)}` is not before `{TERMS['to'].format(end)}`.",
        *(_earlier(query) if start.time and start.day is None else ()),
        replace(query, start=end, end=start),
    )
