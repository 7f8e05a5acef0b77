"""Answers as JSON: one object on one line, whose keys scripts rely on (pure)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.blocks.verdict_words import words_in_plain
from bot.csv_file import fields_of, iso_utc
from bot.models import status_word
from bot.query import format_query
from bot.reading.sight import skew_note
from bot.terminal.text import notes_of
from bot.unseen import escaped_in_json
from bot.words import unreadable_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.models import RecordingDetails, RecordingFile
    from bot.page import Page
    from bot.verdicts.types import Verdict


def page_json(page: Page) -> str:
    """A list: what was asked, where was looked, and the rows. Times are ISO 8601 in UTC."""
    return _line(
        {
            "query": format_query(page.question.query),
            "window": {"from": iso_utc(page.window.start_ms), "to": iso_utc(page.window.end_ms)},
            "total": page.total,
            "exact": page.exact,
            "as_of": iso_utc(page.as_of_ms),
            "source": "live",
            "notes": notes_of(page),
            "recordings": [fields_of(row, page) for row in page.recordings],
        }
    )


def details_json(details: RecordingDetails, verdicts: Iterable[Verdict], zone: str) -> str:
    """One task with its verdicts and files; what the vendor does not tell is null."""
    return _line(
        {
            "task_id": details.task_id,
            "room_id": details.room_id,
            "status": status_word(details.status),
            "status_code": details.status,
            "began_at": _moment(details.began_ms),
            "ended_at": _moment(details.ended_ms),
            "as_of": iso_utc(details.as_of_ms),
            "notes": list(filter(None, [unreadable_files(details), skew_note(details.skew_ms)])),
            "verdicts": [
                {"kind": verdict.kind.value, "words": words_in_plain(verdict.words, zone, str)}
                for verdict in verdicts
            ],
            "files": [_file(file) for file in details.files],
        }
    )


def _file(file: RecordingFile) -> dict[str, Any]:
    return {
        "file_id": file.file_id,
        "video_id": file.video_id,
        "stream_id": file.stream_id,
        "format": file.format,
        "width": file.width,
        "height": file.height,
        "size_bytes": file.size_bytes,
        "duration_ms": file.duration_ms,
        "status": file.status,
        "url": file.url,
    }


def _moment(ms: int | None) -> str | None:
    return iso_utc(ms) if ms else None


def _line(answer: dict[str, Any]) -> str:
    return escaped_in_json(json.dumps(answer, ensure_ascii=False)) + "\n"
