"""Words about one recording, its files and its verdicts, in mrkdwn and in plain text (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.models import ONGOING, PAUSED, RUNNING, STARTING
from bot.plain_text import count, format_size
from bot.query.times import format_duration
from bot.slack.blocks import (
    EXACT_DATE,
    clock_time,
    code,
    cut,
    date,
    escape,
    label,
    mark,
    name,
    one_line,
    plain_date,
    sane,
    unbroken,
)
from bot.verdicts.files import captured
from bot.verdicts.types import At, Kind, Outside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.verdicts.types import Verdict, Words


MAX_URL_CHARACTERS = 3_000
"""Of a button's `url` (Slack docs)."""

ROOM_CHARACTERS = 128
"""The longest room ID that the vendor takes (vendor docs)."""

NAME_CHARACTERS = 80
"""How much of a file's or a task's name is shown where there are many."""

FILE_STATES = {
    1: "recording",
    2: "uploading",
    3: "uploaded",
    4: "in backup storage, kept 3 days",
    5: "upload failed",
}
"""What a file's status number means (vendor docs, DescribeRecordStatus)."""

MODES = {1: "single streams", 2: "mixed stream"}
STREAM_TYPES = {1: "audio", 2: "video", 3: "audio + video", 4: "audio and video apart"}
"""What `RecordMode` and `StreamType` mean (vendor docs, StartRecord)."""

GOING_ON = {STARTING: "starting for", ONGOING: "running for", PAUSED: "in progress for"}
"""What a recording that has not ended does meanwhile: one that starts or is paused records nothing."""

_FORMAT_CHARACTERS = 16


def shown(ms: int) -> str:
    """A moment in the reader's zone."""
    return date(sane(ms))


def shown_exactly(ms: int) -> str:
    """A moment to the second, in the reader's zone."""
    return date(sane(ms), EXACT_DATE)


def time_of_day(ms: int) -> str:
    """The time of a moment, to the second, in the reader's zone."""
    return clock_time(sane(ms))


def describe_task(
    details: RecordingDetails,
    room: Callable[[str], str] = name,
    between: str = " · ",
    *,
    with_mark: bool = True,
) -> str:
    """Status, room and mode."""
    status = f"{mark(details.status)}\u00a0" if with_mark else ""
    parts = [
        f"{status}{escape(label(details.status))}",
        f"room {room(cut(details.room_id, ROOM_CHARACTERS))}",
        *describe_mode(details),
    ]
    return between.join(parts)


def describe_mode(details: RecordingDetails) -> list[str]:
    """What is recorded, as far as it is told; a number that is not documented is shown as it is."""
    known = [
        MODES.get(details.mode, f"mode {details.mode}") if details.mode is not None else "",
        STREAM_TYPES.get(details.stream_type, f"stream type {details.stream_type}")
        if details.stream_type is not None
        else "",
    ]
    return [words for words in known if words]


def describe_times(details: RecordingDetails, when: Callable[[int], str], between: str = " · ") -> str:
    """Begin, end, how long, and how much of it the files hold, as far as it is told."""
    parts = []
    if details.began_ms is not None:
        parts.append(f"{began_or_requested(details.status)} {when(details.began_ms)}")
    if details.ended_ms is not None:
        parts.append(f"ended {when(details.ended_ms)}")
    until_ms = details.now_ms if details.status in RUNNING else details.ended_ms
    if details.began_ms is not None and until_ms is not None:
        lasted = format_duration((until_ms - details.began_ms) // 1000)
        parts.append(f"{GOING_ON.get(details.status, 'lasted')} {lasted}")
    captured_ms = captured(details)
    if captured_ms is not None:
        parts.append(f"captured {format_duration(captured_ms // 1000)}")
    words = between.join(parts) or "ZEGOCLOUD does not tell when it began"
    return f"{words[:1].upper()}{words[1:]}"


def began_or_requested(status: int) -> str:
    """What happened at the moment that the vendor calls a recording's beginning."""
    return "requested" if status == STARTING else "began"


def describe_file(
    file: RecordingFile,
    outside: Callable[[str], str] = code,
    word: Callable[[str], str] = name,
    when: Callable[[int], str] = time_of_day,
    between: str = " · ",
) -> str:
    """One file in a line.

    Args:
        file: the file.
        outside: makes a name from outside safe.
        word: makes a single word from outside safe.
        when: shows a moment.
        between: stands between the parts.
    """
    parts = [outside(cut(file.stream_id or file.file_id or "file", NAME_CHARACTERS))]
    if file.format:
        parts.append(word(cut(file.format, _FORMAT_CHARACTERS)))
    if file.width and file.height and file.width > 0 < file.height:
        parts.append(f"{file.width}×{file.height}")
    if file.began_ms is not None:
        parts.append(f"from {when(file.began_ms)}")
    if file.duration_ms is not None and file.duration_ms >= 0:
        parts.append(format_duration(file.duration_ms // 1000))
    if file.size_bytes is not None and file.size_bytes >= 0:
        parts.append(format_size(file.size_bytes))
    if file.status is not None:
        parts.append(FILE_STATES.get(file.status, f"file status {file.status}"))
    return between.join(parts)


def is_link(url: str) -> bool:
    """Whether an address from outside may be shown as a link: http or https, a host, and short enough."""
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or any(letter in url for letter in ' <>"|'):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


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


MAX_CHARACTERS = 2_900

_ATTENTION, _WELL = "▲", "✓"


def verdict_line(verdict: Verdict, name_characters: int | None = None, *, named: bool = True) -> str:
    """A verdict in mrkdwn.

    Args:
        verdict: what is known.
        name_characters: names are cut to this where it is given.
        named: with its headline in front, bold; not where its name stands beside it already.
    """
    sign = _WELL if verdict.kind is Kind.FINE else _ATTENTION
    headline = f"*{verdict.headline}:* " if named else ""
    return f"{sign}\u00a0{headline}{words_in_mrkdwn(verdict.words, name_characters)}"


def words_in_mrkdwn(words: Words, name_characters: int | None = None) -> str:
    """A sentence in mrkdwn: moments in the reader's zone, what came from outside as code.

    It fits a section (3,000 characters, Slack docs), headline included: long names are cut where they have
    to be, or to `name_characters`.
    """
    if name_characters is None:
        text = _worded(words, shown, lambda text: code(one_line(text)), unbroken)
        if len(text) <= MAX_CHARACTERS:
            return text
        name_characters = NAME_CHARACTERS
    return _worded(words, shown, lambda text: code(cut(text, name_characters)), unbroken)


def words_in_plain(words: Words, zone: str, safe: Callable[[str], str] = escape) -> str:
    """A sentence in plain words: moments in `zone`, what came from outside made `safe` for its place."""
    return _worded(words, lambda ms: plain_date(sane(ms), zone), lambda text: safe(one_line(text)))


def _worded(
    words: Words,
    when: Callable[[int], str],
    outside: Callable[[str], str],
    ours: Callable[[str], str] = str,
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
