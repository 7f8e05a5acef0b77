"""What is worth knowing about a recording, the worst first: lost, rescue, …, fine (pure).

    kind         when
    lost         a file's upload failed everywhere
    rescue       a file is in the vendor's backup storage, which keeps it for 3 days
    empty        ended, and there are no files
    failed       ended abnormally
    runaway      runs for longer than 8 hours
    double       another recording runs in the same room
    stuck start  starting for more than 2 minutes
    paused       paused
    uploading    ended, and a file is not uploaded yet
    split        one stream in several files of one format
    short        the files hold less than half of the task, and more than 5 minutes are missing
    no link      a file is uploaded, and has no address: information, as an upload that has just begun is
    fine         none of these

Silence wins: where a figure is missing, a number unknown or a difference within jitter, there is no verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.models import ENDED, RUNNING, STARTING, STATUS_WORDS, UPLOADED
from bot.plain_text import count
from bot.query.times import format_duration
from bot.verdicts import file_verdicts as files
from bot.verdicts import task_verdicts as tasks
from bot.verdicts.types import USUAL, Kind, Outside, Thresholds, Verdict, Words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from bot.models import Recording, RecordingDetails


def judge(
    details: RecordingDetails,
    now_ms: int,
    running: Collection[Recording] | None = None,
    thresholds: Thresholds = USUAL,
) -> tuple[Verdict, ...]:
    """Everything worth knowing about a task, the worst first; `fine` alone where nothing is.

    Args:
        details: the task, as DescribeRecordStatus tells it.
        now_ms: the moment of judging, Unix ms.
        running: all that runs now, at least in the task's room; the task itself may be among it. None where
            that is not known.
        thresholds: from where on something is worth a verdict.
    """
    verdicts = (
        files.lost(details),
        files.rescue(details, now_ms),
        tasks.empty(details),
        tasks.failed(details, thresholds),
        tasks.runaway(details, now_ms, thresholds),
        tasks.double(details, running or ()),
        tasks.stuck_start(details, now_ms, thresholds),
        tasks.paused(details),
        files.uploading(details, now_ms, thresholds),
        files.split(details, thresholds),
        files.short(details, thresholds),
        files.no_link(details),
    )
    return _worst_first(verdicts) or (_fine(details, now_ms, sees_room=running is not None),)


def judge_row(
    row: Recording,
    running: Collection[Recording] | None,
    now_ms: int,
    thresholds: Thresholds = USUAL,
    details: RecordingDetails | None = None,
) -> tuple[Verdict, ...]:
    """What is known of a row of a list, the worst first; nothing where nothing is known.

    Only `fine` says that nothing is wrong: without details, with files that cannot be read, or without
    knowing what else runs in its room, there is none. Arguments are those of `judge`; `details` are of the
    recording in this status, where somebody has asked for them.
    """
    if details is not None:
        verdicts = judge(details, now_ms, running, thresholds)
        unsure = bool(details.unreadable) or (running is None and row.status in RUNNING)
        return tuple(verdict for verdict in verdicts if not (unsure and verdict.kind is Kind.FINE))
    return _worst_first(
        (
            tasks.failed(row, thresholds),
            tasks.runaway(row, now_ms, thresholds),
            tasks.double(row, running or ()),
            tasks.stuck_start(row, now_ms, thresholds),
            tasks.paused(row),
        )
    )


def needs_attention(verdicts: Iterable[Verdict]) -> bool:
    """Whether any of them is other than fine, no link or a young upload, which are in order."""
    return any(verdict.kind is not Kind.FINE and not verdict.usual for verdict in verdicts)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The one that stands for all where there is room for one."""
    return min(verdicts, key=_weight, default=None)


def _worst_first(verdicts: Iterable[Verdict | None]) -> tuple[Verdict, ...]:
    return tuple(sorted(filter(None, verdicts), key=_weight))


def _weight(verdict: Verdict) -> tuple[bool, int]:
    """What needs attention stands before information."""
    return verdict.usual, verdict.kind.severity


def _fine(details: RecordingDetails, now_ms: int, *, sees_room: bool) -> Verdict:
    uploaded = sum(file.status == UPLOADED for file in details.files)
    so_far = "" if details.began_ms is None else format_duration((now_ms - details.began_ms) // 1000)
    headline = "Fine"
    words: Words = ("Nothing is wrong as far as ZEGOCLOUD tells.",)
    if details.unreadable:
        unread = f"{len(details.unreadable)} of {count(details.file_count, 'file')}"
        headline = "Not sure"
        words = (f"{unread} could not be read; nothing is wrong as far as the rest tells.",)
    elif details.status == STARTING and so_far:
        words = (f"It has been starting for {so_far}, which is normal.",)
    elif details.status == ENDED and uploaded and uploaded == len(details.files):
        words = (f"It ended well; {count(uploaded, 'file')} uploaded.",)
    elif details.status in RUNNING and so_far and sees_room:
        words = (f"It has run for {so_far}; nothing is wrong.",)
    elif details.status in RUNNING and so_far:
        words = (
            f"It has run for {so_far}, and nothing is wrong with it. ",
            "I couldn't check whether anything else is recording in room ",
            Outside(details.room_id),
            ".",
        )
    elif details.status not in STATUS_WORDS:
        words = (
            f"Nothing is wrong as far as can be told: ZEGOCLOUD does not document status {details.status}.",
        )
    return Verdict(Kind.FINE, headline, words)
