"""One recording as text for a ticket with the vendor's support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.recording_words import FILE_STATES, ROOM_CHARACTERS, describe_mode, fitting
from bot.blocks.text import cut, escape, label, sane
from bot.csv_file import iso_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.verdicts.types import Verdict

MAX_SECTION_CHARACTERS = 3_000
"""Of a section's text (Slack docs)."""

_FILE_ID_CHARACTERS = 400


def build_support_text(details: RecordingDetails, verdicts: Sequence[Verdict]) -> str:
    """Everything the vendor's support asks for, as one preformatted block of mrkdwn that fits a section.

    Times are UTC. File links are left out: they may open the file to whoever reads the ticket.
    """

    def when(ms: int) -> str:
        return iso_utc(sane(ms))

    def safe(text: str, most: int = ROOM_CHARACTERS) -> str:
        return escape(cut(text, most).replace("`", "ˋ"))

    head = [
        "```",
        f"Task ID: {safe(details.task_id)}",
        f"Room ID: {safe(details.room_id)}",
        f"Status: {details.status} ({label(details.status).lower()})",
        f"Mode: {', '.join(describe_mode(details)) or 'not told'}",
        f"Began: {when(details.began_ms) if details.began_ms is not None else 'not told'}",
        f"Ended: {when(details.ended_ms) if details.ended_ms is not None else 'not told'}",
        f"Verdict: {', '.join(verdict.headline.lower() for verdict in verdicts)}",
        f"Files: {details.file_count}{f' ({bad} unreadable)' if (bad := len(details.unreadable)) else ''}",
    ]
    files = [
        f"- {safe(file.file_id, _FILE_ID_CHARACTERS) or 'file without an ID'}{_figures(file, when, safe)}"
        for file in details.files
    ]
    foot = [
        f"Request ID: {safe(details.request_id) or 'not told'}",
        f"Answer taken: {when(details.as_of_ms)}",
        "```",
    ]
    return fitting(head, files, foot, MAX_SECTION_CHARACTERS)


def _figures(file: RecordingFile, when: Callable[[int], str], safe: Callable[[str], str]) -> str:
    figures = (
        ("stream", safe(file.stream_id)),
        ("VideoId", safe(file.video_id)),
        ("format", safe(file.format)),
        ("began", "" if file.began_ms is None else when(file.began_ms)),
        ("ms", "" if file.duration_ms is None else str(file.duration_ms)),
        ("bytes", "" if file.size_bytes is None else str(file.size_bytes)),
        (
            "status",
            "" if file.status is None else f"{file.status} ({FILE_STATES.get(file.status, 'unknown')})",
        ),
    )
    return "".join(f", {words} {figure}" for words, figure in figures if figure)
