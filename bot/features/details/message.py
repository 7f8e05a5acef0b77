"""One recording with its verdicts and files: as blocks, as a modal, in words, for a ticket (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bot.features.answers.message import headed
from bot.features.recording_text import (
    FILE_STATES,
    NAME_CHARACTERS,
    ROOM_CHARACTERS,
    describe_file,
    describe_mode,
    describe_task,
    describe_times,
    fitting,
    is_link,
    shown_exactly,
    verdict_line,
    words_in_mrkdwn,
    words_in_plain,
)
from bot.plain_text import count
from bot.recordings.answer_text import unreadable_files
from bot.recordings.csv_file import iso_utc
from bot.recordings.window import skew_note
from bot.slack.audience import PRIVATE
from bot.slack.blocks import (
    MAX_TEXT_CHARACTERS,
    View,
    actions,
    build_modal,
    button,
    clock_time,
    code,
    context,
    cut,
    escape,
    label,
    one_line,
    plain_date,
    sane,
    section,
    shortened,
    unbroken,
)
from bot.slack.notices import OUTSIDERS_READ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.slack.audience import Audience
    from bot.slack.blocks import Block
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


def build_ticket_modal(details: RecordingDetails, verdicts: Sequence[Verdict]) -> View:
    """A preformatted block to copy, with what the vendor's support asks for."""
    intro = section("Copy this into a ticket for ZEGOCLOUD's support:")
    return build_modal("For a ticket", [intro, section(build_support_text(details, verdicts))])


__all__ = [
    "IDS",
    "DetailsIds",
    "build_details_blocks",
    "build_details_modal",
    "build_details_text",
    "build_support_text",
    "words_in_mrkdwn",
    "words_in_plain",
]

MAX_LABEL_CHARACTERS = 75
"""Of a button's `accessibility_label` (Slack docs)."""

MAX_VALUE_CHARACTERS = 2_000
"""Of a button's `value` (Slack docs)."""

SHORT_NAME_CHARACTERS = 20
"""How much of a name a verdict shows where there are too many long ones."""

_IN_DANGER = frozenset({4, 5})

_OUTSIDERS = {
    "title": {"type": "plain_text", "text": "Outsiders may read this"},
    "text": {"type": "plain_text", "text": f"{OUTSIDERS_READ} Post the details here, without file links?"},
    "confirm": {"type": "plain_text", "text": "Post them"},
    "deny": {"type": "plain_text", "text": "Cancel"},
}


@dataclass(frozen=True, slots=True)
class Space:
    """How many blocks, and characters of them as JSON, details may take up on a surface."""

    blocks: int
    characters: int


SPACE = {"message": Space(46, 11_000), "modal": Space(90, 60_000)}
"""Some is left of Slack's 50 and 100 blocks and of a message's 13,000 characters for what stands around."""


@dataclass(frozen=True, slots=True)
class DetailsIds:
    """The `callback_id` of the modal and the `action_id` of each of its buttons."""

    view: str = "recordings.details"
    post: str = "recordings.details.post"
    post_to_outsiders: str = "recordings.details.post-to-outsiders"
    support: str = "recordings.details.support"
    open_file: str = "recordings.details.file"


IDS = DetailsIds()


def build_details_blocks(
    details: RecordingDetails,
    verdicts: Sequence[Verdict],
    *,
    zone: str,
    audience: Audience,
    surface: Literal["message", "modal"] = "message",
    ids: DetailsIds = IDS,
) -> list[Block]:
    """The verdicts on top, then what the task is, then its files; those in danger first where not all fit.

    Args:
        details: the task.
        verdicts: what `judge` says of it.
        zone: the reader's IANA zone, for what screen readers say of a link; all else shows the reader's own.
        audience: who reads it; only some may open files from here.
        surface: where the blocks are to stand.
        ids: of the links.
    """
    space = SPACE[surface]
    head = [
        *([context(audience.heading)] if audience.heading else []),
        section(f"*Recording* {code(cut(details.task_id, NAME_CHARACTERS))}"),
        *_verdict_blocks(verdicts, space.characters * 2 // 3),
        section(f"{describe_task(details)}\n{unbroken(describe_times(details, shown_exactly))}"),
        section(f"*Files ({len(details.files)})*" if details.file_count else "*No files*"),
    ]
    command = code(f"/recordings task={cut(details.task_id, NAME_CHARACTERS)}")
    notes = map(context, filter(None, [unreadable_files(details), skew_note(details.skew_ms)]))
    foot = [*notes, context(f"as of {clock_time(sane(details.as_of_ms))} · {command}")]
    left = Space(space.blocks - len(head) - len(foot) - 1, space.characters - _size([*head, *foot]))

    def line(file: RecordingFile) -> Block:
        return section(
            unbroken(describe_file(file)), _open_file(file, zone, ids) if audience.sees_file_links else None
        )

    files = _as_many_as_fit(map(line, details.files), left)
    if len(files) < len(details.files):
        in_danger_first = sorted(details.files, key=lambda file: file.status not in _IN_DANGER)
        files = _as_many_as_fit(map(line, in_danger_first), left)
    more = len(details.files) - len(files)
    return [*head, *files, *([context(f"… and {count(more, 'more file')}")] if more else []), *foot]


def build_details_modal(
    details: RecordingDetails,
    verdicts: Sequence[Verdict],
    *,
    zone: str,
    private_metadata: str,
    thread: bool,
    posted: Audience,
    ids: DetailsIds = IDS,
) -> dict[str, Any]:
    """The details as a view for `views.open` and `views.update`, which only one person sees.

    Args:
        details: the task.
        verdicts: what `judge` says of it.
        zone: the reader's IANA zone.
        private_metadata: what its buttons need to know (3,000 characters at most).
        thread: whether they would post to a thread rather than to a channel.
        posted: who would read it once it is posted: where that has to be confirmed, Slack asks.
        ids: of the view, its buttons and links. Both buttons carry the task ID.
    """
    task_id = details.task_id[:MAX_VALUE_CHARACTERS] or "-"
    words = "Post to thread" if thread else "Post to channel"
    confirmed = {**button(words, ids.post_to_outsiders, task_id), "confirm": _OUTSIDERS}
    buttons = [
        confirmed if posted.asks_first else button(words, ids.post, task_id),
        button("Copy for ZEGOCLOUD support", ids.support, task_id),
    ]
    blocks = build_details_blocks(details, verdicts, zone=zone, audience=PRIVATE, surface="modal", ids=ids)
    return {
        "type": "modal",
        "callback_id": ids.view,
        "title": {"type": "plain_text", "text": "Recording"},
        "close": {"type": "plain_text", "text": "Close"},
        "private_metadata": private_metadata,
        "blocks": [*blocks, actions(buttons, "details")],
    }


def build_details_text(
    details: RecordingDetails, verdicts: Sequence[Verdict], *, zone: str, audience: Audience
) -> str:
    """The same in plain words, escaped, for a message's `text`; the last files go where it gets too long."""

    def when(ms: int) -> str:
        return plain_date(sane(ms), zone)

    task = describe_task(details, escape, ", ", with_mark=False)
    head = [
        headed(f"Recording {escape(one_line(details.task_id))}, {task}.", audience),
        *(f"{verdict.headline}: {words_in_plain(verdict.words, zone)}" for verdict in verdicts),
        f"{describe_times(details, when, ', ')}.",
        f"{count(len(details.files), 'file')}:" if details.file_count else "No files.",
    ]
    lines = [
        f"{number}. {describe_file(file, escape, escape, when, ', ')}"
        + (f": {escape(file.url)}" if audience.sees_file_links and is_link(file.url) else ".")
        for number, file in enumerate(details.files, 1)
    ]
    notes = [unreadable_files(details), skew_note(details.skew_ms)]
    foot = filter(None, [*notes, f"As of {when(details.as_of_ms)}."])
    return shortened(fitting(head, lines, [*foot], MAX_TEXT_CHARACTERS), MAX_TEXT_CHARACTERS)


def _verdict_blocks(verdicts: Sequence[Verdict], characters: int) -> list[Block]:
    blocks = [section(verdict_line(verdict)) for verdict in verdicts]
    if _size(blocks) <= characters:
        return blocks
    return [section(verdict_line(verdict, SHORT_NAME_CHARACTERS)) for verdict in verdicts]


def _as_many_as_fit(blocks: Iterable[Block], space: Space) -> list[Block]:
    fitting_blocks: list[Block] = []
    characters = space.characters
    for block in blocks:
        characters -= _size(block)
        if characters < 0 or len(fitting_blocks) >= space.blocks:
            break
        fitting_blocks.append(block)
    return fitting_blocks


def _size(blocks: Block | list[Block]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))


def _open_file(file: RecordingFile, zone: str, ids: DetailsIds) -> Block | None:
    if not is_link(file.url):
        return None
    what = [file.stream_id or file.file_id or "file", file.format]
    began = f", from {plain_date(sane(file.began_ms), zone)}" if file.began_ms is not None else ""
    spoken = cut(f"Open {' '.join(filter(None, what))}", MAX_LABEL_CHARACTERS - len(began)) + began
    return {
        **button("Open file", ids.open_file, "file"),
        "url": file.url,
        "accessibility_label": spoken,
    }
