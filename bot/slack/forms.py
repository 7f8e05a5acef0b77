"""The toolkit of forms: the view, its inputs, what is filled in, and mistakes beside their fields (pure)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from bot.errors import QueryError, RecordingsError
from bot.query.tokenizer import Mistake
from bot.slack import ids
from bot.slack.blocks import escape, unmarked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.slack.blocks import Block, View


# Slack docs: limits of an option's text and of any other.
_OPTION_TEXT, _TEXT = 75, 3000

_CHANGED_IN_PAYLOADS = "&<>\"'%"


def form_view(
    callback_id: str, title: str, blocks: list[Block], *, submit: str = "", private_metadata: str = ""
) -> View:
    """A form; without `submit` it cannot be sent yet. `private_metadata` comes back with the submission."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        **({"submit": plain(submit)} if submit else {}),
        "close": plain("Cancel"),
        "private_metadata": private_metadata,
        "blocks": blocks,
    }


def field(block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    """An input with its label, alone in its block."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {**element, "action_id": ids.INPUT},
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint)
    return block


def text_input(initial: str, placeholder: str = "") -> Block:
    """A line of text; `initial` may be empty."""
    return {
        "type": "plain_text_input",
        **({"placeholder": plain(placeholder)} if placeholder else {}),
        **({"initial_value": initial} if initial else {}),
    }


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
    """One of several choices."""
    return {"text": plain(text, _OPTION_TEXT), "value": option_value(value)}


def options(choices: Mapping[str, str]) -> list[Block]:
    """Choices: what each says, by value."""
    return [option(text, value) for value, text in choices.items()]


def option_value(text: str) -> str:
    """Text as the value of an option: what Slack escapes in its payloads is percent-encoded."""
    return "".join(quote(each, safe="") if each in _CHANGED_IN_PAYLOADS else each for each in text)


def paragraph(text: str) -> Block:
    """Plain text between inputs."""
    return {"type": "section", "text": plain(text)}


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
        field = self._values.get(block_id, {}).get(ids.INPUT, {})
        if option := field.get("selected_option"):
            return unquote(option["value"])
        names = ("value", "selected_date", "selected_time")
        return next((field[name] for name in names if field.get(name)), "")

    def texts(self, block_id: str) -> tuple[str, ...]:
        """What is ticked."""
        field = self._values.get(block_id, {}).get(ids.INPUT, {})
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
