"""The parts that forms are made of: labelled inputs, choices, and plain text that Slack shows as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.text import escape
from bot.triage.form_fields import option_value
from bot.triage.form_ids import VALUE

if TYPE_CHECKING:
    from bot.blocks.buttons import Block

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
