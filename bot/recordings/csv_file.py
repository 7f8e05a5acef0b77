"""Rows for machines: a CSV file that spreadsheets open without running anything in it (pure)."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.models import status_word
from bot.query.terms import Status
from bot.safe_text import escape_unprintable

if TYPE_CHECKING:
    from bot.models import Recording
    from bot.recordings.page import Page


COLUMNS = (
    "task_id",
    "room_id",
    "status",
    "status_code",
    "began_at",
    "ended_at",
    "seconds",
    "verdict",
    "files",
    "bytes",
)
"""What is told of every recording, in JSON too. From `ended_at` on it is empty where it is not known."""

VERDICTS = "verdicts"
"""All of them, the worst first: told too where the question is what needs attention."""

Field = str | int | list[str] | None

_FORMULA = re.compile(r"(?:^|(?<=[,;|\t\"]))(?=[=+\-@＝＋－＠])")
"""Where a formula begins to spreadsheets (OWASP, CSV injection): at the start of a cell, and where some of
them begin another one. Room IDs may have all of these characters (vendor docs).
"""


def build_csv(page: Page) -> str:
    """The file's text: a header and a line a recording; times ISO 8601 in UTC with milliseconds."""
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\r\n")
    lines.writerow(columns_of(page))
    for row in page.recordings:
        lines.writerow(map(_cell, fields_of(row, page).values()))
    return file.getvalue()


def columns_of(page: Page) -> tuple[str, ...]:
    """The names of what `fields_of` tells."""
    return (*COLUMNS, VERDICTS) if _judges(page) else COLUMNS


def fields_of(row: Recording, page: Page) -> dict[str, Field]:
    """One recording of an answer for machines; None where something is not known.

    `seconds` is how long it ran, or has run until the answer was taken; `verdict` is the worst that is known,
    `bytes` the size of all files together.
    """
    outcome = page.outcome(row)
    verdicts = page.verdicts.get(row.task_id, ())
    values: tuple[Field, ...] = (
        row.task_id,
        row.room_id,
        status_word(row.status),
        row.status,
        iso_utc(row.began_ms),
        None if outcome.ended_ms is None else iso_utc(outcome.ended_ms),
        None if outcome.lasted_ms is None else outcome.lasted_ms // 1000,
        outcome.verdict.kind.value if outcome.verdict else None,
        outcome.files,
        outcome.size_bytes,
    )
    fields = dict(zip(COLUMNS, values, strict=True))
    return fields | ({VERDICTS: [verdict.kind.value for verdict in verdicts]} if _judges(page) else {})


def _judges(page: Page) -> bool:
    return page.question.query.status == Status.ATTENTION


def iso_utc(ms: int) -> str:
    """A moment (Unix ms) as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _cell(field: Field) -> str:
    if field is None:
        return ""
    text = "; ".join(field) if isinstance(field, list) else str(field)
    return _FORMULA.sub("'", escape_unprintable(text))
