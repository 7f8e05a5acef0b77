"""A question answered in the terminal: a table to read, JSON or CSV to go on with."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from bot.clock import clock_from
from bot.errors import QueryError, RecordingsError
from bot.features.digests.commands import misspells_digests, names_digests
from bot.features.recording_text import details_notes, words_in_plain
from bot.models import status_word
from bot.process import write_data
from bot.query.parser import format_query, parse_query, wants_help
from bot.recordings.answer_text import found
from bot.recordings.csv_file import build_csv, fields_of, iso_utc
from bot.recordings.details import DetailsService
from bot.recordings.page import Question
from bot.recordings.service import build_recordings
from bot.safe_text import escape_unprintable_json
from bot.terminal.text import notes_of, printable, show_details, show_help, show_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.progress import TaskID

    from bot.clock import Clock
    from bot.config import Settings
    from bot.models import RecordingDetails, RecordingFile
    from bot.recordings.page import Page
    from bot.recordings.service import Recordings
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
            "began_at": iso_utc(details.began_ms) if details.began_ms else None,
            "ended_at": iso_utc(details.ended_ms) if details.ended_ms else None,
            "as_of": iso_utc(details.as_of_ms),
            "notes": details_notes(details),
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


def _line(answer: dict[str, Any]) -> str:
    return escape_unprintable_json(json.dumps(answer, ensure_ascii=False)) + "\n"


PIPE_WIDTH = 10_000
"""Columns where nobody looks: a line of a file or a pipe stays one line."""


async def answer_in_terminal(text: str, settings: Settings, *, form: str, everything: bool) -> int:
    """Answer `text` on stdout as `table`, `json` or `csv`; everything else goes to stderr.

    Returns:
        The exit status: 0 found or empty, 1 the API failed, 2 the query is wrong.
    """
    if form != "table":
        write_data(sys.stdout)
    out, errors = _console(), _console(stderr=True)
    if form == "table" and wants_help(text):
        show_help(out)
        return 0
    clock = clock_from(settings.bot_clock)
    recordings = build_recordings(settings, clock, settings.build_network())
    try:
        question = _read_question(text, clock.now(), settings.default_tz)
        if question.query.task:
            await _answer_task(question, recordings, clock, form, out)
        else:
            page = await _find(question, recordings, errors, everything=everything)
            _answer_list(page, form, out, errors)
    except QueryError as error:
        errors.print(printable(str(error)))
        return 2
    except RecordingsError as error:
        errors.print(printable(str(error)))
        return 1
    finally:
        await recordings.aclose()
    return 0


def _read_question(text: str, now: float, zone: str) -> Question:
    """The question, answered in its own zone where it names one."""
    if names_digests(text) or misspells_digests(text):
        raise QueryError("Digests belong to Slack, where they are posted: type `/recordings digest` there.")
    query = parse_query(text, now, zone)
    return Question(query, query.tz or zone)


async def _answer_task(
    question: Question, recordings: Recordings, clock: Clock, form: str, out: Console
) -> None:
    if form == "csv":
        raise QueryError("CSV lines are for lists. For one task leave --csv out, or take --json.")
    details, verdicts = await DetailsService(recordings, clock).task(question.query.task or "")
    if form == "json":
        sys.stdout.write(details_json(details, verdicts, question.zone))
    else:
        show_details(details, verdicts, question.zone, out)


async def _find(question: Question, recordings: Recordings, errors: Console, *, everything: bool) -> Page:
    find = recordings.find_all if everything else recordings.find
    if not errors.is_terminal:
        return await find(question)
    with _ProgressBar(errors) as bar:
        return await find(question, bar.follow)


def _answer_list(page: Page, form: str, out: Console, errors: Console) -> None:
    if form == "json":
        sys.stdout.write(page_json(page))
    elif form == "csv":
        sys.stdout.write(build_csv(page))
        for note in [*([] if page.exact else [f"{found(page)}."]), *notes_of(page)]:
            errors.print(Text(note))
    else:
        show_page(page, out)


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


class _ProgressBar:
    """How far a long scan has come; nothing is drawn for a short one, and nothing stays behind."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("Looking through recordings"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def follow(self, read: int, total: int) -> None:
        """Show that `read` of `total` rows have been read."""
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
            self._bar.start()
        self._bar.update(self._task, completed=read, total=total)
