"""The form that searches recordings: a query shown in its fields, and the fields read back (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from bot.errors import QueryError
from bot.features.query_fields import (
    COMMON_WINDOWS,
    common_windows,
    read_rooms,
    rooms_field,
    rooms_text,
    status_field,
    window_terms,
)
from bot.query.parser import format_query, parse_query
from bot.query.terms import KEYS, TERMS, RecordingQuery, Sort, Status
from bot.query.times import exact_duration
from bot.query.tokenizer import Mistake, shown, split_words
from bot.query.zones import asker_zone
from bot.slack import ids
from bot.slack.blocks import code, context
from bot.slack.forms import (
    FormErrors,
    FormValues,
    at,
    date_picker,
    field,
    form_view,
    option,
    option_value,
    options,
    paragraph,
    select,
    time_picker,
)
from bot.slack.ids import FormField

if TYPE_CHECKING:
    from bot.features.form.found_ids import FoundIds
    from bot.query.times import TimePoint
    from bot.slack.blocks import Block, View

Pickers = tuple[str, str, str, str]
"""From date, from time, to date, to time: `2026-11-23`, `14:00`, or empty."""

TITLE = "Find recordings"

SEARCH: Final = "search"
"""Value of the subject that is no task: the other fields say what is searched."""

BETWEEN: Final = "between"
"""Value of the window that the date and time fields give."""

# Slack docs: the limit of an option's value, and what is left for the command in its line.
_OPTION_VALUE = 150
_COMMAND_CHARACTERS = 2800
_FEWEST_TO_CHOOSE = 2

_STATUS_MEANING = {
    Status.ONGOING: "not ended: starting, recording or paused",
    Status.ENDED: "in any way",
    Status.FAILED: "ended abnormally",
}
_ORDER_LABELS: dict[str, str] = {Sort.NEWEST: "Newest first", Sort.OLDEST: "Oldest first"}


class Where(StrEnum):
    """Where the answer goes."""

    PRIVATE = "private"
    CHANNEL = "channel"
    THREAD = "thread"


_WHERE_LABELS = {
    Where.PRIVATE: "Only to me",
    Where.CHANNEL: "In the channel, for everybody",
    Where.THREAD: "In the thread, for everybody",
}


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


def window_in_fields(query: RecordingQuery) -> tuple[str, Pickers]:
    """A query's window: the value of the choice (`last=6h`, `BETWEEN`), and what the pickers hold then."""
    if query.last_seconds is None and _fits_pickers(query.start) and _fits_pickers(query.end):
        return BETWEEN, (*_picked(query.start), *_picked(query.end))
    return window_terms(query), ("", "", "", "")


def _fits_pickers(point: TimePoint | None) -> bool:
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


def build_form(
    *,
    query: RecordingQuery | None,
    zone: str,
    opened: Opened,
    where: Where | None = None,
    found: FoundIds | None = None,
    note: str = "",
    private_metadata: str = "",
) -> View:
    """Build the form, filled in with a query.

    Args:
        query: what it starts from; None for what was found in a message, else for everything.
        zone: the person's IANA zone, in which dates and times are read unless the query names one.
        opened: where it was opened: decides where the answer can go.
        where: what is chosen at first, the usual one if None.
        found: the rooms and tasks of the message it was opened from.
        note: a sentence on top.
        private_metadata: comes back with the submission; has to hold `kept_terms(query)`.
    """
    start = suggested_query(found) if query is None else query
    ticked, unticked, typed = _divided_rooms(query, found)
    window, pickers = window_in_fields(start)
    blocks = [
        *([paragraph(note)] if note else []),
        *_subject(start.task, found),
        *_found_rooms(ticked, unticked),
        rooms_field(FormField.ROOMS, typed),
        status_field(FormField.STATUS, start.status, _STATUS_MEANING),
        _window(window, start),
        *_pickers(pickers, start.tz or asker_zone(zone) or "UTC"),
        field(FormField.ORDER, "Order", select(options(_ORDER_LABELS), start.sort, "radio_buttons")),
        *_where(opened, where),
        *_command(start),
    ]
    return form_view(ids.FORM, TITLE, blocks, submit="Search", private_metadata=private_metadata)


def build_loading_form(*, reading: bool = False) -> View:
    """The form while it is prepared, or while a message and its thread are read for it."""
    said = "Reading the message and its thread …" if reading else "One moment …"
    return form_view(ids.FORM, TITLE, [paragraph(said)])


def _divided_rooms(
    query: RecordingQuery | None, found: FoundIds | None
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Which rooms are ticked, which can be, and what is typed: a single one is, to be seen and changed."""
    rooms = found.rooms if found else ()
    can_be_ticked = tuple(room for room in rooms if len(option_value(room)) <= _OPTION_VALUE)
    if query is not None:
        return (), tuple(room for room in can_be_ticked if room not in query.rooms), rooms_text(query.rooms)
    if len(can_be_ticked) < _FEWEST_TO_CHOOSE:
        return (), (), rooms_text(rooms)
    return can_be_ticked, (), rooms_text(tuple(room for room in rooms if room not in can_be_ticked))


def _subject(task: str | None, found: FoundIds | None) -> list[Block]:
    tasks = dict.fromkeys((*([task] if task else []), *(found.tasks if found else ())))
    if not tasks:
        return []
    choices = {SEARCH: "Recordings, by the fields below"} | {
        each: f"Details of task {each}" for each in tasks
    }
    hint = "For the details of one recording, the fields below do not matter."
    return [field(FormField.SUBJECT, "Look for", select(options(choices), task or SEARCH), hint=hint)]


def _found_rooms(ticked: tuple[str, ...], unticked: tuple[str, ...]) -> list[Block]:
    if not ticked and not unticked:
        return []
    chosen = [option(room, room) for room in ticked]
    element: Block = {"type": "checkboxes", "options": [*chosen, *(option(room, room) for room in unticked)]}
    if chosen:
        element["initial_options"] = chosen
    return [field(FormField.FOUND_ROOMS, "Rooms found in the message", element, optional=True)]


def _window(chosen: str, query: RecordingQuery) -> Block:
    windows = common_windows()
    if chosen != BETWEEN:
        windows.setdefault(chosen, f"{_window_in_words(query)} (as asked)")
    windows[BETWEEN] = "From … to … (below)"
    return field(FormField.WINDOW, "Started within", select(options(windows), chosen))


def _window_in_words(query: RecordingQuery) -> str:
    if query.last_seconds is not None:
        return f"Last {exact_duration(query.last_seconds)}"
    ends = (("From", query.start), ("to", query.end))
    words = " ".join(f"{word} {point.format()}" for word, point in ends if point)
    return words[:1].upper() + words[1:]


def _pickers(pickers: Pickers, zone: str) -> list[Block]:
    from_date, from_time, to_date, to_time = pickers
    return [
        field(
            FormField.FROM_DATE,
            "From: date",
            date_picker(from_date, "Any"),
            hint=f"A date or time here goes before the window above. Times are read in {zone}.",
            optional=True,
        ),
        field(
            FormField.FROM_TIME, "From: time", time_picker(from_time, "From midnight", zone), optional=True
        ),
        field(FormField.TO_DATE, "To: date", date_picker(to_date, "Until now"), optional=True),
        field(
            FormField.TO_TIME,
            "To: time",
            time_picker(to_time, "To midnight", zone),
            hint="A time without a date is that of the first day, or of today.",
            optional=True,
        ),
    ]


def _where(opened: Opened, where: Where | None) -> list[Block]:
    offered = OFFERED[opened]
    chosen = where if where in offered else offered[0]
    blocks = []
    if len(offered) > 1:
        choices = options({each: _WHERE_LABELS[each] for each in offered})
        blocks.append(field(FormField.WHERE, "Show the answer", select(choices, chosen, "radio_buttons")))
    if opened is Opened.ANYWHERE:
        element = {
            "type": "conversations_select",
            "default_to_current_conversation": True,
            "response_url_enabled": True,
        }
        blocks.append(field(FormField.CONVERSATION, "Conversation", element))
    return blocks


def _command(query: RecordingQuery) -> list[Block]:
    command = code(f"/recordings {format_query(query)}")
    if len(command) > _COMMAND_CHARACTERS:
        return []
    words = f"Left as it is, the same as {command}; below the answer stands the command for what you choose."
    return [{**context(words), "block_id": FormField.COMMAND}]


@dataclass(frozen=True, slots=True)
class FormResult:
    """What a form asks for, and where the answer goes."""

    query: RecordingQuery
    where: Where


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
    chosen = values.text(FormField.WHERE)
    where = Where(chosen) if chosen in set(Where) else Where.PRIVATE
    errors: dict[str, str] = {}
    subject = values.text(FormField.SUBJECT)
    if subject and subject != SEARCH:
        with at(FormField.SUBJECT, errors):
            return FormResult(RecordingQuery(task=TERMS["task"].parse((subject,))), where)
    kept = RecordingQuery()
    with at(FormField.WINDOW, errors):
        kept = _read_terms(fallback)
    query = replace(kept, rooms=(), page=1, task=None)
    with at(FormField.STATUS, errors):
        query = replace(query, status=TERMS["status"].parse((values.text(FormField.STATUS) or query.status,)))
    with at(FormField.ORDER, errors):
        query = replace(query, sort=TERMS["sort"].parse((values.text(FormField.ORDER) or query.sort,)))
    query = _with_window(query, values, kept, now, zone, errors)
    query = replace(query, rooms=_rooms(values, now, zone, errors))
    if errors:
        raise FormErrors(errors)
    return FormResult(query, where)


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
    try:
        typed = read_rooms(values.text(FormField.ROOMS), now, zone)
        rooms: tuple[str, ...] = TERMS["room"].parse((*typed, *values.texts(FormField.FOUND_ROOMS)))
    except (Mistake, QueryError) as error:
        errors[FormField.ROOMS] = str(error)
        return ()
    return rooms


def _with_window(
    query: RecordingQuery,
    values: FormValues,
    built: RecordingQuery,
    now: float,
    zone: str,
    errors: dict[str, str],
) -> RecordingQuery:
    """The window that was chosen: pickers win, unless they are as they were and another window was chosen.

    Args:
        query: what else was chosen.
        values: the fields.
        built: what the form was built from.
        now: Unix seconds.
        zone: the person's IANA zone.
        errors: gets the mistakes.
    """
    built_window, built_pickers = window_in_fields(built)
    window = values.text(FormField.WINDOW) or built_window
    from_date, from_time, to_date, to_time = pickers = (
        values.text(FormField.FROM_DATE),
        values.text(FormField.FROM_TIME),
        values.text(FormField.TO_DATE),
        values.text(FormField.TO_TIME),
    )
    picked = any(pickers) and not (pickers == built_pickers and window != BETWEEN)
    before = len(errors)
    if picked:  # a time without a date is that of the first day, or of today
        start, end = None, None
        with at(FormField.FROM_DATE if from_date else FormField.FROM_TIME, errors):
            start = _read_point("from", from_date, from_time)
        with at(FormField.TO_DATE if to_date else FormField.TO_TIME, errors):
            end = _read_point("to", to_date or (from_date if to_time else ""), to_time)
        query = replace(query, last_seconds=None, start=start, end=end)
    elif window == BETWEEN:
        errors[FormField.FROM_DATE] = "Choose when the window begins or ends, or another window above."
    else:
        with at(FormField.WINDOW, errors):
            read = _read_terms(window)
            query = replace(query, last_seconds=read.last_seconds, start=read.start, end=read.end)
    if len(errors) > before:
        return query
    try:
        return parse_query(format_query(query), now, zone)
    except QueryError as error:
        errors[_at_fault(query, error, pickers, now, zone) if picked else FormField.WINDOW] = error.problem
    return query


def _read_point(key: str, date: str, time: str) -> TimePoint | None:
    text = "T".join(filter(None, (date, time)))
    point: TimePoint | None = TERMS[key].parse((text,)) if text else None
    return point


def _at_fault(query: RecordingQuery, error: QueryError, pickers: Pickers, now: float, zone: str) -> FormField:
    """The picker that an impossible window is due to: of the end that cannot be by itself, else of `to`."""
    from_date, from_time, to_date, to_time = pickers
    sides = (
        (
            query.start,
            replace(query, end=None),
            from_date,
            FormField.FROM_DATE,
            from_time,
            FormField.FROM_TIME,
        ),
        (query.end, replace(query, start=None), to_date, FormField.TO_DATE, to_time, FormField.TO_TIME),
    )
    for point, alone, date, date_field, time, time_field in sides:
        if point and _problem(alone, now, zone) == error.problem:
            skipped = time and "does not exist" in error.problem
            return date_field if date and not skipped else time_field
    return FormField.TO_DATE if to_date else FormField.TO_TIME if to_time else FormField.FROM_DATE


def _problem(query: RecordingQuery, now: float, zone: str) -> str:
    try:
        parse_query(format_query(query), now, zone)
    except QueryError as error:
        return error.problem
    return ""
