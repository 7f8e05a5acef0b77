"""What a query looks like in the fields of the form, and what the form can offer (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.query import RecordingQuery, format_query
from bot.query.durations import DAY, HOUR, MINUTE
from bot.query.terms import TERMS
from bot.triage import form_ids as ids

if TYPE_CHECKING:
    from bot.query.times import TimePoint
    from bot.triage.found_ids import FoundIds

Pickers = tuple[str, str, str, str]
"""From date, from time, to date, to time: `2026-11-23`, `14:00`, or empty."""

COMMON_WINDOWS = (30 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY)
"""Seconds; the longest is everything the vendor's API knows."""

_WINDOW_KEYS = ("last", "from", "to")
_CHANGED_IN_PAYLOADS = "&<>\"'%"


class Where(StrEnum):
    """Where the answer goes."""

    PRIVATE = "private"
    CHANNEL = "channel"
    THREAD = "thread"


class Opened(StrEnum):
    """Where the form was opened, which decides what can be done with the answer."""

    CHANNEL = "channel"
    THREAD = "thread"
    DIRECT = "direct"
    ANYWHERE = "anywhere"


OFFERED: dict[Opened, tuple[Where, ...]] = {
    Opened.CHANNEL: (Where.PRIVATE, Where.CHANNEL),
    Opened.THREAD: (Where.THREAD, Where.PRIVATE),
    Opened.DIRECT: (Where.PRIVATE,),
    Opened.ANYWHERE: (Where.PRIVATE, Where.CHANNEL),
}
"""What can be chosen, the usual first: a message shortcut answers in the thread, a command privately."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a query looks like in the form.

    Args:
        subject: `SEARCH`, or the task whose details are wanted.
        rooms: as the query language writes them, with commas.
        status: a status.
        window: the canonical terms (`last=6h`, `from=today`), or `BETWEEN` where the pickers say it.
        pickers: the ends of the window, where they say it.
        order: a sort.
    """

    subject: str
    rooms: str
    status: str
    window: str
    pickers: Pickers
    order: str


def suggested_query(found: FoundIds | None) -> RecordingQuery:
    """What a form opened from a message asks: its rooms in the last 3 days, else its task, else all."""
    if found and found.rooms:
        return RecordingQuery(rooms=found.rooms, last_seconds=COMMON_WINDOWS[-1])
    if found and found.tasks:
        return RecordingQuery(task=found.tasks[0])
    return RecordingQuery()


def kept_terms(query: RecordingQuery) -> str:
    """What a form has to remember beside its fields: the canonical query without rooms, short.

    It goes into the form's private_metadata and comes back as the `fallback` of `read_form`: the zone and the
    size have no fields, and it tells which fields were left as they were. Under 300 characters.
    """
    return format_query(replace(query, rooms=(), page=1))


def fields_of(query: RecordingQuery) -> Fields:
    """The fields of a query. Its page has none: a form asks for the first."""
    from_date, from_time = _picked(query.start)
    to_date, to_time = _picked(query.end)
    between = query.last_seconds is None and _exact(query.start) and _exact(query.end)
    return Fields(
        subject=query.task or ids.SEARCH,
        rooms=TERMS["room"].format(query.rooms).partition("=")[2],
        status=query.status,
        window=ids.BETWEEN if between else _window_terms(query),
        pickers=(from_date, from_time, to_date, to_time) if between else ("", "", "", ""),
        order=query.sort,
    )


def option_value(text: str) -> str:
    """Text as the value of an option: what Slack escapes in its payloads is percent-encoded."""
    return "".join(quote(each, safe="") if each in _CHANGED_IN_PAYLOADS else each for each in text)


def _window_terms(query: RecordingQuery) -> str:
    terms = (TERMS[key] for key in _WINDOW_KEYS)
    return " ".join(filter(None, (term.format(getattr(query, term.field)) for term in terms)))


def _exact(point: TimePoint | None) -> bool:
    """Whether pickers can say it: a date, perhaps with a time in whole minutes, no offset."""
    if point is None:
        return True
    time = point.time or dt.time()
    in_minutes = not (time.second or time.microsecond)
    return isinstance(point.day, dt.date) and point.offset_minutes is None and in_minutes


def _picked(point: TimePoint | None) -> tuple[str, str]:
    """The date and the time as pickers hold them."""
    if point is None:
        return "", ""
    return str(point.day or ""), f"{point.time:%H:%M}" if point.time else ""
