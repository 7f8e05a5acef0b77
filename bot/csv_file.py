"""Recordings as a CSV file that spreadsheets open without running anything in it (pure)."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.models import status_word
from bot.unseen import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.models import Recording

COLUMNS = ("task_id", "room_id", "status", "status_code", "began_at")

_FORMULA = re.compile(r"(?:^|(?<=[,;|\t\"]))(?=[=+\-@＝＋－＠])")
"""Where a formula begins to spreadsheets (OWASP, CSV injection): at the start of a cell, and where some of
them begin another one. Room IDs may have all of these characters (vendor docs).
"""


def build_csv(recordings: Iterable[Recording]) -> str:
    """The file's text: a header and a line a recording; times ISO 8601 in UTC with milliseconds."""
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for row in recordings:
        lines.writerow(
            [
                _cell(row.task_id),
                _cell(row.room_id),
                status_word(row.status),
                _cell(str(row.status)),
                iso_utc(row.began_ms),
            ]
        )
    return file.getvalue()


def iso_utc(ms: int) -> str:
    """A moment (Unix ms) as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _cell(text: str) -> str:
    return _FORMULA.sub("'", escaped(text))
