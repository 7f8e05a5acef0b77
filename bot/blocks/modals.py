"""Modals around their content: on its way, when it does not come, for a ticket; and mistakes in forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.blocks.buttons import context, section
from bot.blocks.details import build_support_text
from bot.blocks.text import escape, unmarked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.models import RecordingDetails
    from bot.triage.form_values import FormErrors
    from bot.verdicts.types import Verdict

View = dict[str, Any]

NOTE_BLOCK = "note"


def build_loading_modal(title: str) -> View:
    """What is shown within the trigger's 3 seconds."""
    return _modal(title, [section("Asking ZEGOCLOUD …")])


def build_problem_modal(title: str, sentence: str, reference: str = "") -> View:
    """What is shown when the content does not come; `reference` is found in the log."""
    return _modal(title, [section(escape(sentence) + (f" Reference {reference}." if reference else ""))])


def build_ticket_modal(details: RecordingDetails, verdicts: Sequence[Verdict]) -> View:
    """A preformatted block to copy, with what the vendor's support asks for."""
    intro = section("Copy this into a ticket for ZEGOCLOUD's support:")
    return _modal("For a ticket", [intro, section(build_support_text(details, verdicts))])


def with_note(view: View, note: str) -> View:
    """A view as Slack sent it back, with a line on top that says what came of a click."""
    blocks = [block for block in view.get("blocks") or [] if block.get("block_id") != NOTE_BLOCK]
    return {**view, "blocks": [{**context(escape(note)), "block_id": NOTE_BLOCK}, *blocks]}


def _modal(title: str, blocks: list[dict[str, Any]]) -> View:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": blocks,
    }


def build_field_errors(error: FormErrors) -> dict[str, Any]:
    """The acknowledgement of a form with mistakes, each beside its field: Slack shows no mrkdwn there."""
    errors = {block_id: unmarked(sentence) for block_id, sentence in error.errors.items()}
    return {"response_action": "errors", "errors": errors}
