"""The toolkit of forms: inputs, choices, what is filled in, and mistakes beside their fields (pure)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from bot.errors import QueryError, RecordingsError
from bot.query.tokenizer import Mistake
from bot.slack.blocks import escape, unmarked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.slack.blocks import Block


VALUE: Final = "value"
"""action_id of every input: each stands alone in its block."""


_CHANGED_IN_PAYLOADS = "&<>\"'%"


def option_value(text: str) -> str:
    """Text as the value of an option: what Slack escapes in its payloads is percent-encoded."""
    return "".join(quote(each, safe="") if each in _CHANGED_IN_PAYLOADS else each for each in text)


# Slack docs: limits of an option's text and of any other.
_OPTION_TEXT, _TEXT = 75, 3000


def field(block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    """An input with its label, alone in its block."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {**element, "action_id": VALUE},
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint)
    return block


def select(options: list[Block], chosen: str, kind: str = "static_select") -> Block:
    """A choice of one; `chosen` is the value of one of the options."""
    value = option_value(chosen)
    return {
        "type": kind,
        "options": options,
        "initial_option": next(each for each in options if each["value"] == value),
    }


def date_picker(initial: str, placeholder: str) -> Block:
    """A day; `initial` may be empty."""
    return {
        "type": "datepicker",
        "placeholder": plain(placeholder),
        **({"initial_date": initial} if initial else {}),
    }


def time_picker(initial: str, placeholder: str, zone: str) -> Block:
    """A time of day in an IANA zone; `initial` may be empty."""
    return {
        "type": "timepicker",
        "placeholder": plain(placeholder),
        "timezone": zone,
        **({"initial_time": initial} if initial else {}),
    }


def option(text: str, value: str) -> Block:
    """One of several things to choose."""
    return {"text": plain(text, _OPTION_TEXT), "value": option_value(value)}


def paragraph(text: str) -> Block:
    """Plain text between inputs."""
    return {"type": "section", "text": plain(text, _TEXT)}


def plain(text: str, most: int = _TEXT) -> Block:
    """Plain text, shortened to what Slack takes. It is escaped here too: Slack undoes that (seen in use)."""
    kept, escaped = text, escape(text)
    while len(escaped) > most:
        kept = kept[:-1]
        escaped = f"{escape(kept)}…"
    return {"type": "plain_text", "text": escaped, "emoji": False}


class FormErrors(RecordingsError):  # noqa: N818 - it is several, each beside its field
    """Fields that cannot be read.

    Args:
        errors: a sentence by block_id, as the `errors` of Slack's `response_action`.
    """

    outcome = "mistake"

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


def build_field_errors(error: FormErrors) -> dict[str, Any]:
    """The acknowledgement of a form with mistakes, each beside its field: Slack shows no mrkdwn there."""
    errors = {block_id: unmarked(sentence) for block_id, sentence in error.errors.items()}
    return {"response_action": "errors", "errors": errors}
