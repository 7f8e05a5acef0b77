"""The modal with one recording's details, and the text for a ticket at the vendor's support (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.features.recording_text import (
    IN_MODAL,
    ROOM_CHARACTERS,
    build_details_blocks,
    describe_mode,
    fitting,
)
from bot.recordings.answer_text import FILE_STATES, label, showable_ms
from bot.recordings.csv_file import iso_utc
from bot.safe_text import cut
from bot.slack import ids
from bot.slack.audience import OUTSIDERS_READ, PRIVATE
from bot.slack.blocks import (
    MAX_CHARACTERS,
    actions,
    build_modal,
    button,
    confirmation,
    escape,
    section,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.slack.audience import Audience
    from bot.slack.blocks import View
    from bot.verdicts.types import Verdict

MAX_VALUE_CHARACTERS = 2_000
"""Of a button's `value` (Slack docs)."""

_FILE_ID_CHARACTERS = 400


def build_details_modal(
    details: RecordingDetails,
    verdicts: Sequence[Verdict],
    *,
    zone: str,
    private_metadata: str,
    thread: bool,
    posted: Audience,
) -> View:
    """The details as a modal, which only one person sees.

    Args:
        details: the task.
        verdicts: what `judge` says of it.
        zone: the reader's IANA zone.
        private_metadata: what its buttons need to know (3,000 characters at most).
        thread: whether they would post to a thread rather than to a channel.
        posted: who would read what is posted: where that has to be confirmed, Slack asks.
    """
    task_id = details.task_id[:MAX_VALUE_CHARACTERS] or "-"
    words = "Post to thread" if thread else "Post to channel"
    post = button(words, ids.DETAILS_POST, task_id)
    if posted.asks_first:
        warning = f"{OUTSIDERS_READ}. Post the details here, without file links?"
        asked = confirmation("Outsiders may read this", warning, confirm="Post them", deny="Cancel")
        post = {**button(words, ids.DETAILS_POST_TO_OUTSIDERS, task_id), "confirm": asked}
    buttons = [post, button("Copy for ZEGOCLOUD support", ids.DETAILS_SUPPORT, task_id)]
    blocks = build_details_blocks(details, verdicts, zone=zone, audience=PRIVATE, space=IN_MODAL)
    modal = build_modal("Recording", [*blocks, actions(buttons, ids.Row.DETAILS)])
    return {**modal, "callback_id": ids.DETAILS, "private_metadata": private_metadata}


def build_ticket_modal(details: RecordingDetails, verdicts: Sequence[Verdict]) -> View:
    """A preformatted block to copy, with what the vendor's support asks for."""
    intro = section("Copy this into a ticket for ZEGOCLOUD's support:")
    return build_modal("For a ticket", [intro, section(build_support_text(details, verdicts))])


def build_support_text(details: RecordingDetails, verdicts: Sequence[Verdict]) -> str:
    """Everything the vendor's support asks for, as one preformatted block of mrkdwn that fits a section.

    Times are UTC. File links are left out: they may open the file to whoever reads the ticket.
    """
    head = [
        "```",
        f"Task ID: {_safe(details.task_id)}",
        f"Room ID: {_safe(details.room_id)}",
        f"Status: {details.status} ({label(details.status).lower()})",
        f"Mode: {', '.join(describe_mode(details)) or 'not told'}",
        f"Began: {_when(details.began_ms) or 'not told'}",
        f"Ended: {_when(details.ended_ms) or 'not told'}",
        f"Verdict: {', '.join(verdict.headline.lower() for verdict in verdicts)}",
        f"Files: {details.file_count}{f' ({bad} unreadable)' if (bad := len(details.unreadable)) else ''}",
    ]
    files = [
        f"- {_safe(file.file_id, _FILE_ID_CHARACTERS) or 'file without an ID'}{_figures(file)}"
        for file in details.files
    ]
    foot = [
        f"Request ID: {_safe(details.request_id) or 'not told'}",
        f"Answer taken: {_when(details.as_of_ms)}",
        "```",
    ]
    return fitting(head, files, foot, MAX_CHARACTERS)


def _figures(file: RecordingFile) -> str:
    status = "" if file.status is None else f"{file.status} ({FILE_STATES.get(file.status, 'unknown')})"
    figures = (
        ("stream", _safe(file.stream_id)),
        ("VideoId", _safe(file.video_id)),
        ("format", _safe(file.format)),
        ("began", _when(file.began_ms)),
        ("ms", "" if file.duration_ms is None else str(file.duration_ms)),
        ("bytes", "" if file.size_bytes is None else str(file.size_bytes)),
        ("status", status),
    )
    return "".join(f", {words} {figure}" for words, figure in figures if figure)


def _when(ms: int | None) -> str:
    return "" if ms is None else iso_utc(showable_ms(ms))


def _safe(text: str, most: int = ROOM_CHARACTERS) -> str:
    """Text from outside inside the preformatted block, which a backtick could end."""
    return escape(cut(text, most).replace("`", "ˋ"))
