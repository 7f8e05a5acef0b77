"""Form fields for parts of a query, the same in every form: rooms, status, window (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.query.parser import parse_query
from bot.query.terms import KEYS, TERMS, RecordingQuery, Status
from bot.query.times import DAY, HOUR, MINUTE, exact_duration
from bot.query.tokenizer import Mistake, shown
from bot.slack.forms import field, option, plain, select, text_input

if TYPE_CHECKING:
    from bot.slack.blocks import Block


COMMON_WINDOWS = (30 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY)
"""Seconds; the longest is everything the vendor's API knows."""

_WINDOW_KEYS = ("last", "from", "to")


def rooms_field(block_id: str, rooms: str) -> Block:
    """Rooms to type; `rooms` as `rooms_text` writes them."""
    hint = "Room IDs with commas; in quotes if one has a space or a comma."
    return field(block_id, "Rooms", text_input(rooms, "All rooms"), hint=hint, optional=True)


def rooms_text(rooms: tuple[str, ...]) -> str:
    """Rooms as the query language writes them, with commas; empty for all of them."""
    return TERMS["room"].format(rooms).partition("=")[2]


def read_rooms(text: str, now: float, zone: str) -> tuple[str, ...]:
    """The rooms that somebody typed, with or without `room=` in front.

    Raises:
        QueryError, Mistake: the text cannot be read, or says more than rooms.
    """
    text = text.strip()
    if not text:
        return ()
    given = text if KEYS.get(text.partition("=")[0].strip().lower()) == "room" else f"room={text}"
    try:
        query = parse_query(given, now, zone)
    except QueryError as error:
        nearest = parse_query(error.suggestion, now, zone)
        rooms = rooms_text(nearest.rooms) if nearest == RecordingQuery(rooms=nearest.rooms) else ""
        raise QueryError(error.problem, rooms) from None
    if query != RecordingQuery(rooms=query.rooms):
        raise Mistake(
            f"`{shown(text)}` says more than rooms: put those here, with commas, the rest in its own field."
        )
    return query.rooms


def status_field(block_id: str, chosen: Status, meanings: dict[Status, str]) -> Block:
    """Every status; `meanings` is said below those that need it."""
    choices = []
    for status in Status:
        choice = option(status.capitalize(), status)
        if status in meanings:
            choice["description"] = plain(meanings[status])
        choices.append(choice)
    return field(block_id, "Status", select(choices, chosen))


def common_windows() -> dict[str, str]:
    """What people mostly choose: the canonical term of each window, and its words."""
    return {TERMS["last"].format(seconds): f"Last {exact_duration(seconds)}" for seconds in COMMON_WINDOWS}


def window_terms(query: RecordingQuery) -> str:
    """The canonical terms of a query's window alone: `last=6h`, `from=today to=now`."""
    terms = (TERMS[key] for key in _WINDOW_KEYS)
    return " ".join(filter(None, (term.format(getattr(query, term.field)) for term in terms)))
