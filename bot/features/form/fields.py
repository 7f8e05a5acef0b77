"""The form's fields: a query shown in them, and their state read back into a query (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.errors import QueryError
from bot.features.form import ids
from bot.query.parser import format_query, parse_query
from bot.query.terms import KEYS, TERMS, RecordingQuery
from bot.query.times import DAY, HOUR, MINUTE
from bot.query.tokenizer import Mistake, shown, split_words
from bot.slack.forms import FormErrors, FormValues, at

if TYPE_CHECKING:
    from bot.features.form.found_ids import FoundIds
    from bot.query.times import TimePoint


Pickers = tuple[str, str, str, str]
"""From date, from time, to date, to time: `2026-11-23`, `14:00`, or empty."""

COMMON_WINDOWS = (30 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY)
"""Seconds; the longest is everything the vendor's API knows."""

_WINDOW_KEYS = ("last", "from", "to")


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


def typed_rooms(text: str, now: float, zone: str) -> tuple[str, ...]:
    """The rooms that somebody typed into a field, with or without `room=` in front.

    Raises:
        QueryError, Mistake: it cannot be read, or says more than rooms.
    """
    if not text:
        return ()
    given = text if KEYS.get(text.partition("=")[0].strip().lower()) == "room" else f"room={text}"
    try:
        query = parse_query(given, now, zone)
    except QueryError as error:
        nearest = parse_query(error.suggestion, now, zone)
        rooms = fields_of(nearest).rooms if nearest == RecordingQuery(rooms=nearest.rooms) else ""
        raise QueryError(error.problem, rooms) from None
    if query != RecordingQuery(rooms=query.rooms):
        raise Mistake(
            f"`{shown(text)}` says more than rooms: put those here, with commas, the rest in its own field."
        )
    return query.rooms


@dataclass(frozen=True, slots=True)
class FormResult:
    """What a form asks for. `conversation` is the chosen channel's ID where the form asks for one."""

    query: RecordingQuery
    where: Where
    conversation: str | None = None


def read_form(state: dict[str, Any], *, now: float, zone: str, fallback: str = "") -> FormResult:
    """Read a filled-in form.

    Args:
        state: the view's `state` as `view_submission` brings it.
        now: Unix seconds.
        zone: the person's IANA zone.
        fallback: what `kept_terms` gave when the form was built.

    Raises:
        FormErrors: the sentences of the query language, each at its field.
    """
    values = FormValues(state)
    where, conversation = _where(values), values.text(ids.CONVERSATION) or None
    errors: dict[str, str] = {}
    subject = values.text(ids.SUBJECT)
    if subject and subject != ids.SEARCH:
        with at(ids.SUBJECT, errors):
            return FormResult(RecordingQuery(task=TERMS["task"].parse((subject,))), where, conversation)
    kept = RecordingQuery()
    with at(ids.WINDOW, errors):
        kept = _read_terms(fallback)
    query = replace(kept, rooms=(), page=1, task=None)
    with at(ids.STATUS, errors):
        query = replace(query, status=TERMS["status"].parse((values.text(ids.STATUS) or query.status,)))
    with at(ids.ORDER, errors):
        query = replace(query, sort=TERMS["sort"].parse((values.text(ids.ORDER) or query.sort,)))
    query = _with_window(query, values, fields_of(kept), now, zone, errors)
    query = replace(query, rooms=_rooms(values, now, zone, errors))
    if errors:
        raise FormErrors(errors)
    return FormResult(query, where, conversation)


def _where(values: FormValues) -> Where:
    """Where to answer: privately unless something else is chosen."""
    chosen = values.text(ids.WHERE)
    return Where(chosen) if chosen in set(Where) else Where.PRIVATE


def _pickers(values: FormValues) -> Pickers:
    """From date, from time, to date, to time."""
    return (
        values.text(ids.FROM_DATE),
        values.text(ids.FROM_TIME),
        values.text(ids.TO_DATE),
        values.text(ids.TO_TIME),
    )


def _read_terms(text: str) -> RecordingQuery:
    """Read canonical terms without asking whether their window can be now."""
    query = RecordingQuery()
    for word in split_words(text, KEYS):
        term = TERMS.get(word.key)
        if term is None:
            raise Mistake(f"There is no term `{shown(word.typed_key)}`.")
        if not word.values:
            raise Mistake(f"The value of `{term.key}=` is empty.")
        if term.key in ("from", "to"):
            query = replace(query, last_seconds=None)
        query = replace(query, **{term.field: term.parse(word.values)})
    return query


def _rooms(values: FormValues, now: float, zone: str, errors: dict[str, str]) -> tuple[str, ...]:
    """What is typed, then what is ticked among the rooms found."""
    rooms: tuple[str, ...] = ()
    try:
        rooms = (*typed_rooms(values.text(ids.ROOMS).strip(), now, zone), *values.texts(ids.FOUND_ROOMS))
        rooms = TERMS["room"].parse(rooms)
    except (Mistake, QueryError) as error:
        errors[ids.ROOMS] = str(error)
    return rooms


def _with_window(
    query: RecordingQuery,
    values: FormValues,
    built: Fields,
    now: float,
    zone: str,
    errors: dict[str, str],
) -> RecordingQuery:
    """The window that was chosen: pickers win, unless they are as they were and another window was chosen."""
    window, pickers = values.text(ids.WINDOW) or built.window, _pickers(values)
    picked = any(pickers) and not (pickers == built.pickers and window != ids.BETWEEN)
    before = len(errors)
    if picked:
        query = _with_picked(query, pickers, errors)
    elif window == ids.BETWEEN:
        errors[ids.FROM_DATE] = "Choose when the window begins or ends, or another window above."
    else:
        with at(ids.WINDOW, errors):
            read = _read_terms(window)
            query = replace(query, last_seconds=read.last_seconds, start=read.start, end=read.end)
    if len(errors) > before:
        return query
    try:
        return parse_query(format_query(query), now, zone)
    except QueryError as error:
        errors[_at_fault(query, error, pickers, now, zone) if picked else ids.WINDOW] = error.problem
    return query


def _with_picked(query: RecordingQuery, pickers: Pickers, errors: dict[str, str]) -> RecordingQuery:
    """The window of the pickers. A time without a date is that of the first day, or of today."""
    from_date, from_time, to_date, to_time = pickers
    start, end = None, None
    with at(ids.FROM_DATE if from_date else ids.FROM_TIME, errors):
        start = _read_point("from", from_date, from_time)
    with at(ids.TO_DATE if to_date else ids.TO_TIME, errors):
        end = _read_point("to", to_date or (from_date if to_time else ""), to_time)
    return replace(query, last_seconds=None, start=start, end=end)


def _read_point(key: str, date: str, time: str) -> TimePoint | None:
    text = "T".join(filter(None, (date, time)))
    point: TimePoint | None = TERMS[key].parse((text,)) if text else None
    return point


def _at_fault(query: RecordingQuery, error: QueryError, pickers: Pickers, now: float, zone: str) -> str:
    """The picker that an impossible window is due to: of the end that cannot be by itself, else of `to`."""
    from_date, from_time, to_date, to_time = pickers
    sides = (
        (query.start, replace(query, end=None), from_date, ids.FROM_DATE, from_time, ids.FROM_TIME),
        (query.end, replace(query, start=None), to_date, ids.TO_DATE, to_time, ids.TO_TIME),
    )
    at_fault = ids.TO_DATE if to_date else ids.TO_TIME if to_time else ids.FROM_DATE
    for point, alone, date, date_block, time, time_block in sides:
        if point and _problem(alone, now, zone) == error.problem:
            skipped = time and "does not exist" in error.problem
            return date_block if date and not skipped else time_block
    return at_fault


def _problem(query: RecordingQuery, now: float, zone: str) -> str:
    try:
        parse_query(format_query(query), now, zone)
    except QueryError as error:
        return error.problem
    return ""
