"""Answers as people read them in a terminal of any width (pure)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bot.features.recording_text import details_notes, file_figures, words_in_plain
from bot.models import FAILED, ONGOING, PAUSED, RUNNING, STARTING
from bot.plain_text import count
from bot.query.terms import TERMS
from bot.query.wording import describe_query
from bot.recordings.answer_text import (
    GOING_ON,
    asides,
    began_or_requested,
    found,
    label,
    lasted,
    local_time,
    mark,
    plain_date,
    size,
    within_a_day,
    worst_verdict,
)
from bot.safe_text import escape_unprintable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from bot.models import Recording, RecordingDetails, RecordingFile
    from bot.recordings.page import Page
    from bot.verdicts.types import Verdict

COLORS = {STARTING: "cyan", ONGOING: "green", PAUSED: "yellow", FAILED: "red"}

LEAST_ROOM_WIDTH = 8
"""Room IDs fold down to this; where even that does not fit, a row takes several lines."""

GAP = 2
"""Between two columns."""

LEAST_NEEDED = ("Files", "Size")
"""Columns that a terminal too narrow for all goes without, in this order."""


def printable(text: str, style: str = "") -> Text:
    """Text with nothing in it that a terminal would obey."""
    return Text(escape_unprintable(text), style)


def notes_of(page: Page) -> list[str]:
    """What the reader has to know besides the rows, a sentence each."""
    return [escape_unprintable(note) for note in asides(page, partial(plain_date, zone=page.question.zone))]


def show_page(page: Page, console: Console) -> None:
    """A list: what was asked, the rows, how many there are, and the notes."""
    console.print(printable(describe_query(page.question.query, page.window), style="bold"))
    if page.recordings:
        table = _table(page, console.width)
        if table is not None:
            console.print(table)
        else:
            _show_narrow(page, console)
    console.print(Text(_foot(page), style="dim"))
    if page.older:
        console.print(Text(f"More: add page={page.number + 1}, or --all.", style="dim"))
    for note in notes_of(page):
        console.print(Text(note, style="yellow"))


def show_details(details: RecordingDetails, verdicts: Iterable[Verdict], zone: str, console: Console) -> None:
    """One task: what is wrong with it, what it is, when it was, and each of its files."""
    status = f"{mark(details.status)} {label(details.status)}"
    heading = Text(f"Recording {escape_unprintable(details.task_id)}", style="bold")
    facts = [("Status", Text(status, style=COLORS.get(details.status, "")))]
    facts.append(("Room", printable(details.room_id)))
    times = ((began_or_requested(details.status).capitalize(), details.began_ms), ("Ended", details.ended_ms))
    facts += [(words, Text(plain_date(ms, zone))) for words, ms in times if ms]
    until_ms = details.now_ms if details.status in RUNNING else details.ended_ms
    if details.began_ms and until_ms:
        length = Text(lasted(details.began_ms, until_ms))
        facts.append((GOING_ON.get(details.status, "lasted").capitalize(), length))
    console.print(heading)
    for verdict in verdicts:
        words = words_in_plain(verdict.words, zone, escape_unprintable)
        console.print(Text(f"{verdict.headline}: ", style="bold") + Text(words))
    console.print(_facts(facts))
    console.print(Text(f"Files: {len(details.files)}" if details.file_count else "No files", style="bold"))
    for file in details.files:
        console.print(printable(file.stream_id or file.file_id or "file"))
        console.print(_facts(_file_facts(file)))
    for note in details_notes(details):
        console.print(Text(note, style="yellow"))


def show_help(console: Console) -> None:
    """Every term of a query, with an example."""
    console.print(Text('python -m bot query "TERM TERM …"', style="bold"))
    console.print("Terms, in any order, each at most once:")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for term in TERMS.values():
        table.add_row(Text(term.example), Text(term.meaning))
    console.print(table)


def _table(page: Page, width: int) -> Table | None:
    """The rows as a table; None where that does not fit, even without the columns that are needed least."""
    zones = {_zone_name(row.began_ms, page.question.zone) for row in page.recordings}
    zone = f" ({zones.pop()})" if len(zones) == 1 else ""
    rows = [_cells(row, page, with_zone=not zone) for row in page.recordings]
    columns = {name: [cells[name] for cells in rows] for name in rows[0]}
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    headings = {name: f"Began{zone}" if name == "Began" else name for name in columns}

    def least_width(name: str) -> int:
        if name == "Room":
            return LEAST_ROOM_WIDTH
        return max(len(headings[name]), *(cell.cell_len for cell in columns[name]))

    for name in (None, *LEAST_NEEDED):
        columns.pop(name or "", None)
        if sum(map(least_width, columns)) + GAP * (len(columns) - 1) <= width:
            break
    else:
        return None
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        folds = name == "Room"
        table.add_column(headings[name], no_wrap=not folds, overflow="fold", min_width=least_width(name))
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def _show_narrow(page: Page, console: Console) -> None:
    for row in page.recordings:
        cells = _cells(row, page, with_zone=True)
        times = Text(" – ").join(filter(None, (cells["Began"], cells["Ended"])))
        files = Text(count(int(cells["Files"].plain), "file")) if cells["Files"] else Text()
        for indent, parts in (
            ("", (cells["Status"], Text("room ") + cells["Room"])),
            ("  ", (times, cells["Length"], cells["Size"], files)),
            ("  ", (cells["Task"], cells["Verdict"])),
        ):
            console.print(Text(indent) + Text(" · ").join(filter(None, parts)), overflow="fold")


def _cells(row: Recording, page: Page, *, with_zone: bool) -> dict[str, Text]:
    """What a row says, by column, in order."""
    zone, outcome, verdict = page.question.zone, page.outcome(row), worst_verdict(row, page)
    began, ended = _minute(row.began_ms, zone), ""
    if outcome.ended_ms is not None:
        ended = _minute(outcome.ended_ms, zone)
        ended = ended[-len("00:00") :] if within_a_day(outcome) else ended
    return {
        "Status": Text(f"{mark(row.status)} {label(row.status)}", style=COLORS.get(row.status, "")),
        "Room": printable(row.room_id),
        "Began": Text(f"{began} {_zone_name(row.began_ms, zone)}" if with_zone else began),
        "Ended": Text(ended),
        "Length": Text("" if outcome.lasted_ms is None else lasted(0, outcome.lasted_ms)),
        "Size": Text(size(row, page)),
        "Files": Text("" if outcome.files is None else str(outcome.files)),
        "Task": printable(row.task_id),
        "Verdict": Text(verdict.headline if verdict else ""),
    }


def _foot(page: Page) -> str:
    zone = page.question.zone
    first, last = page.first + 1, page.first + len(page.recordings)
    part = f", {first:,}–{last:,} shown" if page.recordings and len(page.recordings) < page.total else ""
    as_of = local_time(page.as_of_ms, zone)
    words = f"{found(page)}{part}, as of {as_of:%H:%M:%S} {_zone_name(page.as_of_ms, zone)}."
    return words[0].upper() + words[1:]


def _file_facts(file: RecordingFile) -> list[tuple[str, Text]]:
    lines = [("", Text(" · ".join(file_figures(file, escape_unprintable))))]
    named = (("File", file.file_id), ("Video", file.video_id), ("Link", file.url))
    return lines + [(words, printable(value)) for words, value in named if value]


def _facts(facts: list[tuple[str, Text]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for words, value in facts:
        table.add_row(f"  {words}", value)
    return table


def _minute(ms: int, zone: str) -> str:
    return f"{local_time(ms, zone):%a %d %b %H:%M}"


def _zone_name(ms: int, zone: str) -> str:
    return f"{local_time(ms, zone):%Z}"
