"""What is filled in on a form of ours, whatever its inputs, and mistakes beside their fields (pure)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bot.errors import QueryError, RecordingsError
from bot.query import RecordingQuery, parse_query
from bot.query.terms import KEYS
from bot.query.typed_text import Mistake, shown
from bot.triage.form_fields import fields_of
from bot.triage.form_ids import VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator


class FormErrors(RecordingsError):  # noqa: N818 - it is several, each beside its field
    """Fields that cannot be read.

    Args:
        errors: a sentence by block_id, as the `errors` of Slack's `response_action`.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors

    def sentence(self) -> str:
        """Every sentence, one after the other."""
        return " ".join(self.errors.values())


class FormValues:
    """The state of the inputs, whatever their type."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._values: dict[str, dict[str, dict[str, Any]]] = state.get("values") or {}

    def text(self, block_id: str) -> str:
        """What one input holds; empty where it holds nothing, or is not there."""
        field = self._values.get(block_id, {}).get(VALUE, {})
        if option := field.get("selected_option"):
            return unquote(option["value"])
        names = ("value", "selected_date", "selected_time", "selected_conversation")
        return next((field[name] for name in names if field.get(name)), "")

    def texts(self, block_id: str) -> tuple[str, ...]:
        """What is ticked."""
        field = self._values.get(block_id, {}).get(VALUE, {})
        return tuple(unquote(option["value"]) for option in field.get("selected_options") or ())


@contextmanager
def at(block_id: str, errors: dict[str, str]) -> Iterator[None]:
    """Put the sentence of a mistake beside its field."""
    try:
        yield
    except (Mistake, QueryError) as error:
        errors.setdefault(block_id, error.problem)


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
