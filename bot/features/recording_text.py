"""One recording in words and blocks: its status, times, verdicts and files, for every feature (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.models import RUNNING
from bot.plain_text import count, format_size
from bot.query.terms import is_task_id
from bot.query.times import format_duration
from bot.recordings.answer_text import (
    FILE_STATES,
    GOING_ON,
    began_or_requested,
    label,
    mark,
    plain_date,
    unreadable_files,
)
from bot.recordings.page import ButtonState
from bot.recordings.window import skew_note
from bot.safe_text import cut, one_line
from bot.slack import ids
from bot.slack.blocks import (
    EXACT_DATE,
    MAX_TEXT_CHARACTERS,
    button,
    clock_time,
    code,
    context,
    count_characters,
    date,
    escape,
    name,
    section,
    shortened,
    unbroken,
)
from bot.verdicts.file_verdicts import captured
from bot.verdicts.types import At, Kind, Outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.slack.audience import Audience
    from bot.slack.blocks import Block
    from bot.verdicts.types import Verdict, Words

MAX_URL_CHARACTERS = 3_000
"""Of a button's `url` (Slack docs)."""

MAX_LABEL_CHARACTERS = 75
"""Of a button's `accessibility_label` (Slack docs)."""

ROOM_CHARACTERS = 128
"""The longest room ID that the vendor takes (vendor docs)."""

NAME_CHARACTERS = 80
"""How much of a file's or a task's name is shown where there are many."""

SHORT_NAME_CHARACTERS = 20
"""How much of a name a verdict shows where there are too many long ones."""

MAX_VERDICT_CHARACTERS = 2_900
"""Of a verdict's sentence: it fits a section (3,000 characters, Slack docs), headline included."""

MODES = {1: "single streams", 2: "mixed stream"}
STREAM_TYPES = {1: "audio", 2: "video", 3: "audio + video", 4: "audio and video apart"}
"""What `RecordMode` and `StreamType` mean (vendor docs, StartRecord)."""

_FORMAT_CHARACTERS = 16

_IN_DANGER = frozenset({4, 5})
"""Statuses of files that may get lost."""


@dataclass(frozen=True, slots=True)
class _Style:
    """How words about a recording are written: in blocks, or in a message's `text`.

    Attributes:
        moment, time: show a moment (Unix ms), with its day or without.
        outside: makes a name from outside safe.
        word: makes a single word from outside safe.
        between: stands between parts.
    """

    moment: Callable[[int], str]
    time: Callable[[int], str]
    outside: Callable[[str], str]
    word: Callable[[str], str]
    between: str


_IN_BLOCKS = _Style(partial(date, style=EXACT_DATE), clock_time, code, name, " · ")


def _in_text(zone: str) -> _Style:
    when = partial(plain_date, zone=zone)
    return _Style(when, when, escape, escape, ", ")


@dataclass(frozen=True, slots=True)
class Space:
    """How many blocks, and characters of them as JSON, details may take up on a surface."""

    blocks: int
    characters: int


# Some is left of Slack's 50 and 100 blocks and of a message's 13,000 characters for what stands around.
IN_MESSAGE, IN_MODAL = Space(46, 11_000), Space(90, 60_000)


def build_details_blocks(
    details: RecordingDetails,
    verdicts: Sequence[Verdict],
    *,
    zone: str,
    audience: Audience,
    space: Space = IN_MESSAGE,
) -> list[Block]:
    """The verdicts on top, then what the task is, then its files; those in danger first where not all fit.

    Args:
        details: the task.
        verdicts: what `judge` says of it.
        zone: the reader's IANA zone, for what screen readers say of a link; all else shows the reader's own.
        audience: who reads it; only some may open files from here.
        space: what there is for the blocks.
    """
    task = _task(details, _IN_BLOCKS)
    head = [
        *([context(audience.heading)] if audience.heading else []),
        section(f"*Recording* {code(cut(details.task_id, NAME_CHARACTERS))}"),
        *_verdict_blocks(verdicts, space.characters * 2 // 3),
        section(f"{mark(details.status)}\u00a0{task}\n{unbroken(_times(details, _IN_BLOCKS))}"),
        section(f"*Files ({len(details.files)})*" if details.file_count else "*No files*"),
    ]
    command = code(f"/recordings task={cut(details.task_id, NAME_CHARACTERS)}")
    foot = [
        *map(context, details_notes(details)),
        context(f"as of {clock_time(details.as_of_ms)} · {command}"),
    ]
    left = Space(
        space.blocks - len(head) - len(foot) - 1, space.characters - count_characters([*head, *foot])
    )

    def line(file: RecordingFile) -> Block:
        return section(
            unbroken(describe_file(file)), _open_file(file, zone) if audience.sees_file_links else None
        )

    files = _as_many_as_fit(map(line, details.files), left)
    if len(files) < len(details.files):
        in_danger_first = sorted(details.files, key=lambda file: file.status not in _IN_DANGER)
        files = _as_many_as_fit(map(line, in_danger_first), left)
    more = len(details.files) - len(files)
    return [*head, *files, *([context(f"… and {count(more, 'more file')}")] if more else []), *foot]


def build_details_text(
    details: RecordingDetails, verdicts: Sequence[Verdict], *, zone: str, audience: Audience
) -> str:
    """The same in plain words, escaped, for a message's `text`; the last files go where it gets too long."""
    style = _in_text(zone)
    task = f"Recording {escape(one_line(details.task_id))}, {_task(details, style)}."
    head = [
        audience.headed(task),
        *(f"{verdict.headline}: {words_in_plain(verdict.words, zone)}" for verdict in verdicts),
        f"{_times(details, style)}.",
        f"{count(len(details.files), 'file')}:" if details.file_count else "No files.",
    ]
    lines = [
        f"{number}. {describe_file(file, style)}"
        + (f": {escape(file.url)}" if audience.sees_file_links and is_link(file.url) else ".")
        for number, file in enumerate(details.files, 1)
    ]
    foot = [*details_notes(details), f"As of {style.moment(details.as_of_ms)}."]
    return shortened(fitting(head, lines, foot, MAX_TEXT_CHARACTERS), MAX_TEXT_CHARACTERS)


def details_notes(details: RecordingDetails) -> list[str]:
    """What the reader has to know besides the details, a sentence each."""
    return [note for note in (unreadable_files(details), skew_note(details.skew_ms)) if note]


def _task(details: RecordingDetails, style: _Style) -> str:
    """Status, room and mode."""
    room = f"room {style.word(cut(details.room_id, ROOM_CHARACTERS))}"
    return style.between.join([escape(label(details.status)), room, *describe_mode(details)])


def describe_mode(details: RecordingDetails) -> list[str]:
    """What is recorded, as far as it is told; a number that is not documented is shown as it is."""
    mode, stream = details.mode, details.stream_type
    known = [
        "" if mode is None else MODES.get(mode, f"mode {mode}"),
        "" if stream is None else STREAM_TYPES.get(stream, f"stream type {stream}"),
    ]
    return [words for words in known if words]


def _times(details: RecordingDetails, style: _Style) -> str:
    """Begin, end, how long, and how much of it the files hold, as far as it is told."""
    parts = []
    if details.began_ms is not None:
        parts.append(f"{began_or_requested(details.status)} {style.moment(details.began_ms)}")
    if details.ended_ms is not None:
        parts.append(f"ended {style.moment(details.ended_ms)}")
    until_ms = details.now_ms if details.status in RUNNING else details.ended_ms
    if details.began_ms is not None and until_ms is not None:
        length = format_duration((until_ms - details.began_ms) // 1000)
        parts.append(f"{GOING_ON.get(details.status, 'lasted')} {length}")
    captured_ms = captured(details)
    if captured_ms is not None:
        parts.append(f"captured {format_duration(captured_ms // 1000)}")
    words = style.between.join(parts) or "ZEGOCLOUD does not tell when it began"
    return f"{words[:1].upper()}{words[1:]}"


def describe_file(file: RecordingFile, style: _Style = _IN_BLOCKS) -> str:
    """One file in a line."""
    name = style.outside(cut(file.stream_id or file.file_id or "file", NAME_CHARACTERS))
    return style.between.join([name, *file_figures(file, style.word, style.time)])


def file_figures(
    file: RecordingFile, word: Callable[[str], str], time: Callable[[int], str] | None = None
) -> list[str]:
    """What is known of a file: format, size of the picture, begin where `time` shows it, length, size, state.

    `word` makes a word from outside safe.
    """
    parts = []
    if file.format:
        parts.append(word(cut(file.format, _FORMAT_CHARACTERS)))
    if file.width and file.height and file.width > 0 < file.height:
        parts.append(f"{file.width}×{file.height}")
    if file.began_ms is not None and time:
        parts.append(f"from {time(file.began_ms)}")
    if file.duration_ms is not None and file.duration_ms >= 0:
        parts.append(format_duration(file.duration_ms // 1000))
    if file.size_bytes is not None and file.size_bytes >= 0:
        parts.append(format_size(file.size_bytes))
    if file.status is not None:
        parts.append(FILE_STATES.get(file.status, f"file status {file.status}"))
    return parts


def _open_file(file: RecordingFile, zone: str) -> Block | None:
    if not is_link(file.url):
        return None
    what = [file.stream_id or file.file_id or "file", file.format]
    began = f", from {plain_date(file.began_ms, zone)}" if file.began_ms is not None else ""
    spoken = cut(f"Open {' '.join(filter(None, what))}", MAX_LABEL_CHARACTERS - len(began)) + began
    return {
        **button("Open file", ids.DETAILS_FILE, "file"),
        "url": file.url,
        "accessibility_label": spoken,
    }


def details_button(task_id: str) -> Block | None:
    """The button that opens a recording's details; None where the ID is none that can be asked for."""
    if not is_task_id(task_id):
        return None
    return button("Details", ids.DETAILS, ButtonState(1, 0, f"task={task_id}").encode())


def is_link(url: str) -> bool:
    """Whether an address from outside may be shown as a link: http or https, a host, and short enough."""
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or any(letter in url for letter in ' <>"|'):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _as_many_as_fit(blocks: Iterable[Block], space: Space) -> list[Block]:
    fitting_blocks: list[Block] = []
    characters = space.characters
    for block in blocks:
        characters -= count_characters(block)
        if characters < 0 or len(fitting_blocks) >= space.blocks:
            break
        fitting_blocks.append(block)
    return fitting_blocks


def fitting(head: Sequence[str], lines: Sequence[str], foot: Sequence[str], most: int) -> str:
    """All lines, or as many from the front as fit, with a line that counts the rest."""
    text = "\n".join([*head, *lines, *foot])
    if len(text) <= most or not lines:
        return text
    free = most - len("\n".join([*head, *foot])) - len(f"\n… and {count(len(lines), 'more file')}")
    kept = 0
    while (free := free - len(lines[kept]) - 1) >= 0:
        kept += 1
    return "\n".join([*head, *lines[:kept], f"… and {count(len(lines) - kept, 'more file')}", *foot])


def _verdict_blocks(verdicts: Sequence[Verdict], characters: int) -> list[Block]:
    blocks = [section(verdict_line(verdict)) for verdict in verdicts]
    if count_characters(blocks) <= characters:
        return blocks
    return [section(verdict_line(verdict, SHORT_NAME_CHARACTERS)) for verdict in verdicts]


def verdict_line(verdict: Verdict, name_characters: int | None = None, *, named: bool = True) -> str:
    """A verdict in mrkdwn, its headline in front unless that stands beside it already.

    Names in it are cut to `name_characters`.
    """
    sign = "✓" if verdict.kind is Kind.FINE else "▲"
    headline = f"*{verdict.headline}:* " if named else ""
    return f"{sign}\u00a0{headline}{words_in_mrkdwn(verdict.words, name_characters)}"


def words_in_mrkdwn(words: Words, name_characters: int | None = None) -> str:
    """A sentence in mrkdwn: moments in the reader's zone, what came from outside as code.

    Long names are cut where the sentence would not fit a section, or to `name_characters`.
    """
    if name_characters is None:
        text = _worded(words, date, lambda text: code(one_line(text)), unbroken)
        if len(text) <= MAX_VERDICT_CHARACTERS:
            return text
        name_characters = NAME_CHARACTERS
    return _worded(words, date, lambda text: code(cut(text, name_characters)), unbroken)


def words_in_plain(words: Words, zone: str, safe: Callable[[str], str] = escape) -> str:
    """A sentence in plain words: moments in `zone`, what came from outside made `safe` for its place."""
    return _worded(words, partial(plain_date, zone=zone), lambda text: safe(one_line(text)), str)


def _worded(
    words: Words, when: Callable[[int], str], outside: Callable[[str], str], ours: Callable[[str], str]
) -> str:
    pieces = []
    for piece in words:
        if isinstance(piece, At):
            pieces.append(when(piece.ms))
        elif isinstance(piece, Outside):
            pieces.append(outside(piece.text))
        else:
            pieces.append(ours(piece))
    return "".join(pieces)
