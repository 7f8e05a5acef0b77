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

from bot.models import ENDED, RUNNING, STARTING, STATUS_WORDS
from bot.plain_text import count
from bot.query.times import format_duration
from bot.verdicts import files as verdict_coverage
from bot.verdicts import files as verdict_files
from bot.verdicts import tasks as verdict_tasks
from bot.verdicts.types import NOTHING_MORE, USUAL, At, Kind, Known, Outside, Thresholds, Verdict, Words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from bot.models import Recording, RecordingDetails

__all__ = [
    "At",
    "Kind",
    "Known",
    "Outside",
    "Thresholds",
    "Verdict",
    "Words",
    "judge",
    "judge_row",
    "needs_attention",
    "worst",
]


def judge(
    details: RecordingDetails,
    now_ms: int,
    known: Known = NOTHING_MORE,
    thresholds: Thresholds = USUAL,
) -> tuple[Verdict, ...]:
    """Everything worth knowing about a task, the worst first; `fine` alone where nothing is.

    Args:
        details: the task, as DescribeRecordStatus tells it.
        now_ms: the moment of judging, Unix ms.
        known: what is known beyond the details.
        thresholds: from where on something is worth a verdict.
    """
    verdicts = (
        verdict_files.lost(details),
        verdict_files.rescue(details, now_ms),
        verdict_tasks.empty(details),
        verdict_tasks.failed(details, known.quit_reason, thresholds),
        verdict_tasks.runaway(details, now_ms, thresholds),
        verdict_tasks.double(details, known.running_in_room or ()),
        verdict_tasks.stuck_start(details, now_ms, thresholds),
        verdict_tasks.paused(details, known.paused_since_ms, now_ms),
        verdict_files.uploading(details, now_ms, thresholds),
        verdict_coverage.split(details, thresholds),
        verdict_coverage.short(details, thresholds),
        verdict_files.no_link(details),
    )
    return _worst_first(verdicts) or (_fine(details, now_ms, known),)


def judge_row(
    row: Recording,
    running: Collection[Recording] | None,
    now_ms: int,
    thresholds: Thresholds = USUAL,
    details: RecordingDetails | None = None,
) -> tuple[Verdict, ...]:
    """What is known of a row of a list, the worst first; nothing where nothing is known.

    Only `fine` says that nothing is wrong: without details, with files that cannot be read, or without
    knowing what else runs in its room, there is none.

    Args:
        row: the recording.
        running: all that runs now in its room, or in all rooms; the row itself may be among it. None where
            that is not known.
        now_ms: the moment of judging, Unix ms.
        thresholds: from where on something is worth a verdict.
        details: of the recording in this status, where somebody has asked for them.
    """
    if details is not None:
        in_room = None if running is None else tuple(one for one in running if one.room_id == row.room_id)
        verdicts = judge(details, now_ms, Known(running_in_room=in_room), thresholds)
        unsure = bool(details.unreadable) or (running is None and row.status in RUNNING)
        return tuple(verdict for verdict in verdicts if not (unsure and verdict.kind is Kind.FINE))
    return _worst_first(
        (
            verdict_tasks.failed(row, None, thresholds),
            verdict_tasks.runaway(row, now_ms, thresholds),
            verdict_tasks.double(row, running or ()),
            verdict_tasks.stuck_start(row, now_ms, thresholds),
            verdict_tasks.paused(row, None, now_ms),
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


def _fine(details: RecordingDetails, now_ms: int, known: Known) -> Verdict:
    uploaded = sum(file.status == verdict_files.UPLOADED for file in details.files)
    words: Words
    if details.unreadable:
        unread = f"{len(details.unreadable)} of {count(details.file_count, 'file')}"
        words = (f"{unread} could not be read; nothing is wrong as far as the rest tells.",)
        return Verdict(Kind.FINE, "Not sure", words)
    if details.status == STARTING and details.began_ms is not None:
        words = (f"It has been starting for {_so_far(details.began_ms, now_ms)}, which is normal.",)
    elif details.status == ENDED and uploaded and uploaded == len(details.files):
        words = (f"It ended well; {count(uploaded, 'file')} uploaded.",)
    elif details.status in RUNNING and details.began_ms is not None:
        words = (f"It has run for {_so_far(details.began_ms, now_ms)}; nothing is wrong.",)
        if known.running_in_room is None:
            words = (
                f"It has run for {_so_far(details.began_ms, now_ms)}, and nothing is wrong with it. ",
                "I couldn't check whether anything else is recording in room ",
                Outside(details.room_id),
                ".",
            )
    elif details.status in STATUS_WORDS:
        words = ("Nothing is wrong as far as ZEGOCLOUD tells.",)
    else:
        words = (
            f"Nothing is wrong as far as can be told: ZEGOCLOUD does not document status {details.status}.",
        )
    return Verdict(Kind.FINE, "Fine", words)


def _so_far(began_ms: int, now_ms: int) -> str:
    return format_duration((now_ms - began_ms) // 1000)
