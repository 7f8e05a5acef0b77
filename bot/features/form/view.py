"""The form that asks for recordings without typing, as a Slack view (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.features.form import ids
from bot.features.form.fields import (
    COMMON_WINDOWS,
    OFFERED,
    Fields,
    Opened,
    Where,
    fields_of,
    suggested_query,
)
from bot.query.parser import format_query
from bot.query.terms import TERMS, RecordingQuery, Sort, Status
from bot.query.times import exact_duration
from bot.query.zones import asker_zone
from bot.slack.blocks import Block, code, context
from bot.slack.forms import date_picker, field, option, option_value, paragraph, plain, select, time_picker

if TYPE_CHECKING:
    from bot.features.form.found_ids import FoundIds


TITLE = "Find recordings"

# Slack docs: the limit of an option's value, and what is left for the command in its line.
_OPTION_VALUE = 150
_COMMAND_CHARACTERS = 2800
_FEWEST_TO_CHOOSE = 2

_STATUS_MEANING = {
    Status.ONGOING: "not ended: starting, recording or paused",
    Status.ENDED: "in any way",
    Status.FAILED: "ended abnormally",
}
_WHERE_LABELS = {
    Where.PRIVATE: "Only to me",
    Where.CHANNEL: "In the channel, for everybody",
    Where.THREAD: "In the thread, for everybody",
}
_ORDER_LABELS = {Sort.NEWEST: "Newest first", Sort.OLDEST: "Oldest first"}


def build_form(
    *,
    query: RecordingQuery | None,
    zone: str,
    opened: Opened,
    where: Where | None = None,
    found: FoundIds | None = None,
    note: str = "",
    private_metadata: str = "",
) -> dict[str, Any]:
    """Build the form, filled in with a query.

    Args:
        query: what it starts from; None for what was found in a message, else for everything.
        zone: the person's IANA zone, in which dates and times are read unless the query names one.
        opened: where it was opened: decides where the answer can go.
        where: what is chosen at first, the usual one if None.
        found: the rooms and tasks of the message it was opened from.
        note: a sentence on top.
        private_metadata: comes back with the submission; has to hold `kept_terms(query)`.

    Returns:
        A modal view. What it says is read by `read_form`.
    """
    start = suggested_query(found) if query is None else query
    fields = fields_of(start)
    ticked, unticked, typed = _divided(query, found, fields)
    blocks = [
        *([paragraph(note)] if note else []),
        *_subject(fields, found),
        *_found_rooms(ticked, unticked),
        _rooms(typed),
        _status(fields),
        _window(fields, start),
        *_pickers(fields, start.tz or asker_zone(zone) or "UTC"),
        _order(fields),
        *_where(opened, where),
        *_command(start),
    ]
    return {**_frame(private_metadata), "submit": plain("Search"), "blocks": blocks}


def build_loading_form(*, private_metadata: str = "", reading: bool = False) -> dict[str, Any]:
    """The form while it is prepared: Slack lets one be opened for 3 seconds only.

    Args:
        private_metadata: comes back with the submission.
        reading: whether a message and its thread are read for it.
    """
    said = "Reading the message and its thread …" if reading else "One moment …"
    return {**_frame(private_metadata), "blocks": [paragraph(said)]}


def _frame(private_metadata: str) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": ids.FORM,
        "title": plain(TITLE),
        "close": plain("Cancel"),
        "private_metadata": private_metadata,
    }


def _divided(
    query: RecordingQuery | None, found: FoundIds | None, fields: Fields
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Which rooms are ticked, which can be, and what is typed: a single one is, to be seen and changed."""
    offered = tuple(
        room
        for room in (found.rooms if found else ())
        if len(option_value(room)) <= _OPTION_VALUE and (query is None or room not in query.rooms)
    )
    if query is not None:
        return (), offered, fields.rooms
    if len(offered) < _FEWEST_TO_CHOOSE:
        return (), (), fields.rooms
    others = tuple(room for room in found.rooms if room not in offered) if found else ()
    return offered, (), fields_of(RecordingQuery(rooms=others)).rooms


def _subject(fields: Fields, found: FoundIds | None) -> list[Block]:
    chosen = () if fields.subject == ids.SEARCH else (fields.subject,)
    tasks = dict.fromkeys((*chosen, *(found.tasks if found else ())))
    if not tasks:
        return []
    options = [
        option("Recordings, by the fields below", ids.SEARCH),
        *(option(f"Details of task {task}", task) for task in tasks),
    ]
    hint = "For the details of one recording, the fields below do not matter."
    return [field(ids.SUBJECT, "Look for", select(options, fields.subject), hint=hint)]


def _found_rooms(ticked: tuple[str, ...], unticked: tuple[str, ...]) -> list[Block]:
    if not ticked and not unticked:
        return []
    chosen = [option(room, room) for room in ticked]
    element: Block = {"type": "checkboxes", "options": [*chosen, *(option(room, room) for room in unticked)]}
    if chosen:
        element["initial_options"] = chosen
    return [field(ids.FOUND_ROOMS, "Rooms found in the message", element, optional=True)]


def _rooms(typed: str) -> Block:
    element: Block = {"type": "plain_text_input", "placeholder": plain("All rooms")}
    if typed:
        element["initial_value"] = typed
    hint = "Room IDs with commas; in quotes if one has a space or a comma."
    return field(ids.ROOMS, "Rooms", element, hint=hint, optional=True)


def _status(fields: Fields) -> Block:
    options = []
    for status in Status:
        choice = option(status.capitalize(), status)
        if status in _STATUS_MEANING:
            choice["description"] = plain(_STATUS_MEANING[status])
        options.append(choice)
    return field(ids.STATUS, "Status", select(options, fields.status))


def _window(fields: Fields, query: RecordingQuery) -> Block:
    windows = {TERMS["last"].format(seconds): f"Last {exact_duration(seconds)}" for seconds in COMMON_WINDOWS}
    if fields.window != ids.BETWEEN:
        windows.setdefault(fields.window, f"{_in_words(query)} (as asked)")
    windows[ids.BETWEEN] = "From … to … (below)"
    options = [option(words, terms) for terms, words in windows.items()]
    return field(ids.WINDOW, "Started within", select(options, fields.window))


def _in_words(query: RecordingQuery) -> str:
    if query.last_seconds is not None:
        return f"Last {exact_duration(query.last_seconds)}"
    ends = (("From", query.start), ("to", query.end))
    words = " ".join(f"{word} {point.format()}" for word, point in ends if point)
    return words[:1].upper() + words[1:]


def _pickers(fields: Fields, zone: str) -> list[Block]:
    from_date, from_time, to_date, to_time = fields.pickers
    return [
        field(
            ids.FROM_DATE,
            "From: date",
            date_picker(from_date, "Any"),
            hint=f"A date or time here goes before the window above. Times are read in {zone}.",
            optional=True,
        ),
        field(ids.FROM_TIME, "From: time", time_picker(from_time, "From midnight", zone), optional=True),
        field(ids.TO_DATE, "To: date", date_picker(to_date, "Until now"), optional=True),
        field(
            ids.TO_TIME,
            "To: time",
            time_picker(to_time, "To midnight", zone),
            hint="A time without a date is that of the first day, or of today.",
            optional=True,
        ),
    ]


def _order(fields: Fields) -> Block:
    options = [option(_ORDER_LABELS[sort], sort) for sort in Sort]
    return field(ids.ORDER, "Order", select(options, fields.order, "radio_buttons"))


def _where(opened: Opened, where: Where | None) -> list[Block]:
    offered = OFFERED[opened]
    chosen = where if where in offered else offered[0]
    blocks = []
    if len(offered) > 1:
        options = [option(_WHERE_LABELS[each], each) for each in offered]
        blocks.append(field(ids.WHERE, "Show the answer", select(options, chosen, "radio_buttons")))
    if opened is Opened.ANYWHERE:
        element = {
            "type": "conversations_select",
            "default_to_current_conversation": True,
            "response_url_enabled": True,
        }
        blocks.append(field(ids.CONVERSATION, "Conversation", element))
    return blocks


def _command(query: RecordingQuery) -> list[Block]:
    command = code(f"/recordings {format_query(query)}")
    if len(command) > _COMMAND_CHARACTERS:
        return []
    words = f"Left as it is, the same as {command}; below the answer stands the command for what you choose."
    return [{**context(words), "block_id": ids.COMMAND}]
