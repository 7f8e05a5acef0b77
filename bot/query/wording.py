"""A query in words for people: plain text, unescaped."""

from __future__ import annotations

from datetime import date
from html import escape
from typing import TYPE_CHECKING

from bot.query.terms import RecordingQuery, Sort, Status
from bot.query.times import Window, describe_span, exact_duration
from bot.query.tokenizer import joined

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_ROOMS_CHARACTERS = 1_000
"""How much of a message room IDs may take, counted as Slack counts them: with `&`, `<` and `>` escaped."""


def describe_rooms(query: RecordingQuery, shown: Callable[[str], str] = str) -> str:
    """`all rooms`, `room 1230`, `rooms 1230 and 88`, `rooms 1230, 88 and 8 more`; IDs as they are `shown`."""
    if not query.rooms:
        return "all rooms"
    return f"room{'s' if len(query.rooms) > 1 else ''} {joined(name_rooms(query.rooms, shown), 'and')}"


def name_rooms(rooms: tuple[str, ...], shown: Callable[[str], str] = str) -> tuple[str, ...]:
    """Each ID as it is `shown`, the first at least; where they get too long, how many more there are."""
    named: list[str] = []
    left = MAX_ROOMS_CHARACTERS
    for room in rooms:
        left -= len(escape(room, quote=False))
        if named and left < 0:
            return (*named, f"{len(rooms) - len(named)} more")
        named.append(shown(room))
    return tuple(named)


def describe_subject(query: RecordingQuery, shown: Callable[[str], str] = str) -> str:
    """What is asked about: `room 1230 · ongoing`, `all rooms · all statuses`, `task YRHu6-E4IyvEAAAD`."""
    if query.task is not None:
        return f"task {query.task}"
    return (
        f"{describe_rooms(query, shown)} · {'all statuses' if query.status == Status.ALL else query.status}"
    )


def describe_window(query: RecordingQuery, window: Window) -> str:
    """The window in words: `the last 6 h`, or its ends on the clock of the zone they were read in."""
    if query.last_seconds is not None and window.asked_now:
        return f"the last {exact_duration(query.last_seconds)}"
    return f"{_span(query, window)} ({window.zone})"


def describe_meaning(query: RecordingQuery, window: Window) -> str:
    """What stands beside the moments of a window: `the last 6 h`, or the zone in which it was asked."""
    if query.last_seconds is not None:
        return describe_window(query, window) if window.asked_now else ""
    return f"asked in {window.zone}" if query.needs_zone else ""


def says_seconds(query: RecordingQuery) -> bool:
    """Whether it was asked to the second."""
    times = [point.time for point in (query.start, query.end) if point and point.time]
    return any(time.second or time.microsecond for time in times)


def describe_query(query: RecordingQuery, window: Window) -> str:
    """One sentence that says back everything that was asked."""
    if query.task is not None:
        return f"Details of task {query.task}."
    if query.last_seconds is None or not window.asked_now:
        during = f"in the window {_span(query, window)} ({window.zone})"
    else:
        during = f"in {describe_window(query, window)} ({_span(query, window)}, {window.zone})"
    which = "all statuses" if query.status == Status.ALL else f"status {query.status}"
    order = "oldest first" if query.sort == Sort.OLDEST else "newest first"
    page = f", page {query.page}" if query.page > 1 else ""
    size = f", {query.size} a page" if query.size != RecordingQuery().size else ""
    return f"Recordings in {describe_rooms(query)}, {which}, that started {during}, {order}{page}{size}."


def _span(query: RecordingQuery, window: Window) -> str:
    points = [point for point in (query.start, query.end) if point]
    return describe_span(
        window,
        with_year=any(isinstance(point.day, date) for point in points),
        with_seconds=says_seconds(query),
    )
