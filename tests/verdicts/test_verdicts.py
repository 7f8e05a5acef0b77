"""Verdicts: what each of them is given for and what not, what it says, and what every staged room shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import AdjustableClock
from bot.models import (
    ENDED,
    FAILED,
    ONGOING,
    PAUSED,
    RUNNING,
    STARTING,
    Recording,
    RecordingDetails,
    RecordingFile,
    Unreadable,
)
from bot.network import Network
from bot.sandbox.recording_scenes import SCENES
from bot.sandbox.zegocloud import SimulatedZego
from bot.verdicts.judge import judge, judge_row, needs_attention, worst
from bot.verdicts.types import At, Kind, Outside, Thresholds, Verdict
from bot.zegocloud.client import ZegoClient
from bot.zegocloud.limiter import Limiter
from bot.zegocloud.protocol import PAGE_SIZE, DescribeRecordStatus, DescribeTasks, TaskFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
NOW = 1_795_417_200_000
MIX = "mix"


def a_file(begins: float = -60, minutes: float | None = 60, **more: Any) -> RecordingFile:
    """A file that begins so many minutes from now."""
    given_fields: dict[str, Any] = {
        "stream_id": MIX,
        "file_id": f"{more.get('stream_id', MIX)}_{begins:g}.mp4",
        "url": "https://recordings.example.com/1.mp4",
        "format": "mp4",
        "duration_ms": None if minutes is None else round(minutes * MINUTE),
        "track": 3,
        "began_ms": NOW + round(begins * MINUTE),
        "status": 3,
    }
    return RecordingFile(**given_fields | more)


def a_task(*files: RecordingFile, began: float | None = -60, ended: float | None = 0, **more: Any) -> Any:
    """A task that began and ended so many minutes from now: ended well, mixed, unless said otherwise."""
    given_fields: dict[str, Any] = {
        "task_id": "YRHu6-E4IyvEAAAD",
        "room_id": "1230",
        "status": ENDED,
        "began_ms": None if began is None else NOW + round(began * MINUTE),
        "ended_ms": None if ended is None else NOW + round(ended * MINUTE),
        "mode": 2,
        "stream_type": 3,
        "files": files,
        "request_id": "abcd123",
        "as_of_ms": NOW,
    }
    return RecordingDetails(**given_fields | more)


def running(minutes: float, status: int = ONGOING, *files: RecordingFile, **more: Any) -> RecordingDetails:
    return a_task(*files, began=-minutes, ended=None, status=status, **more)


def a_row(minutes: float, status: int = ONGOING, room: str = "1230", task: str = "other") -> Recording:
    return Recording(task, room, status, NOW - round(minutes * MINUTE))


def kinds(details: RecordingDetails, known: Collection[Recording] | None = None) -> list[Kind]:
    return [verdict.kind for verdict in judge(details, NOW, known)]


def said(verdict: Verdict) -> str:
    """The sentence with moments as minutes from now and what is from outside in angle brackets."""
    return "".join(
        f"[{(piece.ms - NOW) / MINUTE:g}]" if isinstance(piece, At)
        else f"<{piece.text}>" if isinstance(piece, Outside)
        else piece
        for piece in verdict.words
    )  # fmt: skip


def words_of(kind: Kind, details: RecordingDetails, known: Collection[Recording] | None = None) -> str:
    return said(next(v for v in judge(details, NOW, known) if v.kind is kind))


WHOLE = a_file()

LOST = [
    ("its only file", a_task(a_file(status=5)), True),
    ("one of two", a_task(WHOLE, a_file(stream_id="guest", status=5)), True),
    ("while it still runs", running(30, ONGOING, a_file(-30, 10, status=5)), True),
    ("of a task with an unknown status", a_task(a_file(status=5), status=9), True),
    ("without any other figure", a_task(RecordingFile(status=5), began=None, ended=None), True),
    ("uploaded", a_task(WHOLE), False),
    ("in backup storage", a_task(a_file(status=4)), False),
    ("uploading", a_task(a_file(status=2)), False),
    ("no status", a_task(a_file(status=None)), False),
    ("an unknown status", a_task(a_file(status=6)), False),
    ("no files", a_task(), False),
]

RESCUE = [
    ("its only file", a_task(a_file(status=4)), True),
    ("one of two", a_task(WHOLE, a_file(stream_id="guest", status=4)), True),
    ("expired", a_task(a_file(-4400, status=4), began=-4400, ended=-4340), True),
    ("while it still runs", running(30, ONGOING, a_file(-30, 10, status=4)), True),
    ("no end known", a_task(a_file(status=4), ended=None), True),
    ("lost instead", a_task(a_file(status=5)), False),
    ("uploaded", a_task(WHOLE), False),
    ("uploading", a_task(a_file(status=2)), False),
    ("no status", a_task(a_file(status=None)), False),
]

EMPTY = [
    ("ended", a_task(), True),
    ("ended at an unknown time", a_task(began=None, ended=None), True),
    ("of single streams", a_task(mode=1), True),
    ("mode and stream type not told", a_task(mode=None, stream_type=None), True),
    ("audio only", a_task(stream_type=1), True),
    ("ended abnormally, which says so itself", a_task(status=FAILED), False),
    ("runs", running(30), False),
    ("starts", running(1, STARTING), False),
    ("paused", running(30, PAUSED), False),
    ("an unknown status", a_task(status=9), False),
    ("has a file", a_task(WHOLE), False),
    ("has a file of unknown status", a_task(a_file(status=None)), False),
]

FAILED_ = [
    ("ended abnormally", a_task(WHOLE, status=FAILED), True),
    ("without files", a_task(status=FAILED), True),
    ("without times", a_task(status=FAILED, began=None, ended=None), True),
    ("ended", a_task(WHOLE), False),
    ("runs", running(30), False),
    ("paused", running(30, PAUSED), False),
    ("starts", running(1, STARTING), False),
    ("an unknown status", a_task(WHOLE, status=44), False),
]

RUNAWAY = [
    ("10 h", running(600), True),
    ("a moment more than 8 h", running(480 + 1 / 60), True),
    ("exactly 8 h", running(480), False),
    ("7 h 59 min", running(479), False),
    ("paused after 9 h", running(540, PAUSED), True),
    ("starting for 9 h", running(540, STARTING), True),
    ("more than 24 h", running(25 * 60), True),
    ("more than 48 h", running(49 * 60), True),
    ("ended after 10 h", a_task(a_file(-600, 600), began=-600), False),
    ("ended abnormally after 10 h", a_task(a_file(-600, 600), began=-600, status=FAILED), False),
    ("no beginning known", a_task(began=None, ended=None, status=ONGOING), False),
    ("an unknown status", running(600, 9), False),
    ("begins in the future", running(-600), False),
]

STUCK_START = [
    ("10 min", running(10, STARTING), True),
    ("a moment more than 2 min", running(2 + 1 / 60, STARTING), True),
    ("exactly 2 min", running(2, STARTING), False),
    ("20 s", running(1 / 3, STARTING), False),
    ("begins in the future", running(-1, STARTING), False),
    ("no beginning known", a_task(began=None, ended=None, status=STARTING), False),
    ("runs", running(10), False),
    ("paused", running(10, PAUSED), False),
    ("an unknown status", running(10, 0), False),
]

PAUSED_ = [
    ("paused", running(30, PAUSED), True),
    ("paused with a file", running(30, PAUSED, a_file(-30, 10, status=1)), True),
    ("paused, no beginning known", a_task(began=None, ended=None, status=PAUSED), True),
    ("runs", running(30), False),
    ("starts", running(1, STARTING), False),
    ("ended", a_task(WHOLE), False),
    ("ended abnormally", a_task(WHOLE, status=FAILED), False),
    ("an unknown status", running(30, 6), False),
]

UPLOADING = [
    ("uploading", a_task(a_file(status=2)), True),
    ("not closed yet", a_task(a_file(status=1)), True),
    ("one of two", a_task(WHOLE, a_file(stream_id="guest", status=2)), True),
    ("ended abnormally", a_task(a_file(status=2), status=FAILED), True),
    ("no end known", a_task(a_file(status=2), ended=None), True),
    ("ended two hours ago", a_task(a_file(-180, status=2), began=-180, ended=-120), True),
    ("ends in the future by the vendor's clock", a_task(a_file(status=2), ended=1), True),
    ("runs: files come later", running(30, ONGOING, a_file(-30, 10, status=2)), False),
    ("paused", running(30, PAUSED, a_file(-30, 10, status=1)), False),
    ("uploaded", a_task(WHOLE), False),
    ("no status", a_task(a_file(status=None)), False),
    ("an unknown status", a_task(a_file(status=2), status=9), False),
]

SPLIT = [
    ("two files with a gap", a_task(a_file(-60, 20), a_file(-38, 38)), True),
    ("in any order", a_task(a_file(-38, 38), a_file(-60, 20)), True),
    ("of one of two streams",
     a_task(a_file(stream_id="host"), a_file(-60, 20, stream_id="guest"), a_file(-38, 38, stream_id="guest"),
            mode=1), True),
    ("without a gap", a_task(a_file(-60, 30), a_file(-30, 30)), True),
    ("a few seconds apart", a_task(a_file(-60, 29.95), a_file(-30, 30)), True),
    ("while it runs", running(60, ONGOING, a_file(-60, 20), a_file(-38, 38, status=1)), True),
    ("durations not told", a_task(a_file(-60, None), a_file(-38, None)), True),
    ("tracks not told", a_task(a_file(-60, 20, track=None), a_file(-38, 38, track=None)), True),
    ("format in another case", a_task(a_file(-60, 20), a_file(-38, 38, format="MP4")), True),
    ("one file", a_task(WHOLE), False),
    ("two streams", a_task(a_file(stream_id="host"), a_file(-59, 59, stream_id="guest"), mode=1), False),
    ("two formats", a_task(WHOLE, a_file(format="hls")), False),
    ("two formats one after the other", a_task(a_file(-60, 20), a_file(-38, 38, format="hls")), False),
    ("sound and picture apart", a_task(a_file(track=1), a_file(track=2), stream_type=4, mode=1), False),
    ("sound and picture apart, tracks not told",
     a_task(a_file(track=None), a_file(-59.9, 59.9, track=None), stream_type=4, mode=1), False),
    ("pictures", a_task(WHOLE, a_file(-50, 0, format="jpg"), a_file(-40, 0, format="jpg")), False),
    ("side by side", a_task(a_file(-60, 50), a_file(-50, 50)), False),
    ("the same file twice", a_task(WHOLE, WHOLE), False),
    ("beginnings not told", a_task(a_file(began_ms=None), a_file(began_ms=None)), False),
    ("formats not told", a_task(a_file(-60, 20, format=""), a_file(-38, 38, format="")), False),
    ("streams not told",
     a_task(a_file(-60, 20, stream_id=""), a_file(-38, 38, stream_id=""), mode=1), False),
    ("begun seconds apart, durations not told", a_task(a_file(-60, None), a_file(-59.9, None)), False),
]  # fmt: skip

SHORT = [
    ("12 of 60 min", a_task(a_file(-60, 12)), True),
    ("two streams at once", a_task(a_file(-60, 12), a_file(-60, 12, stream_id="guest")), True),
    ("ended abnormally", a_task(a_file(-60, 12), status=FAILED), True),
    ("lost and in backup storage", a_task(a_file(-60, 6, status=5), a_file(-54, 6, status=4)), True),
    ("pictures do not count", a_task(a_file(-60, 12), a_file(-60, 60, format="jpg")), True),
    ("one more minute than half", a_task(a_file(-60, 31)), False),
    ("exactly half", a_task(a_file(-60, 30)), False),
    ("two streams one after the other",
     a_task(a_file(-60, 20), a_file(-40, 20, stream_id="guest")), False),
    ("less than half of 8 min", a_task(a_file(-8, 3), began=-8), False),
    ("1 of 7 min", a_task(a_file(-7, 1), began=-7), True),
    ("1 of 6 min: 5 missing", a_task(a_file(-6, 1), began=-6), False),
    ("runs", running(60, ONGOING, a_file(-60, 12)), False),
    ("paused", running(60, PAUSED, a_file(-60, 12, status=1)), False),
    ("another file is uploading", a_task(a_file(-60, 12), a_file(-30, 1, status=2)), False),
    ("another file is recording", a_task(a_file(-60, 12), a_file(-30, 1, status=1)), False),
    ("another file has no duration", a_task(a_file(-60, 12), a_file(-30, None)), False),
    ("another file has no beginning", a_task(a_file(-60, 12), a_file(began_ms=None)), False),
    ("another file has no status", a_task(a_file(-60, 12), a_file(-30, 1, status=None)), False),
    ("a duration below nothing", a_task(a_file(-60, -12)), False),
    ("no end known", a_task(a_file(-60, 12), ended=None), False),
    ("no beginning known", a_task(a_file(-60, 12), began=None), False),
    ("ended before it began", a_task(a_file(-60, 12), ended=-90), False),
    ("an unknown status", a_task(a_file(-60, 12), status=9), False),
    ("only pictures", a_task(a_file(-60, 0, format="jpg")), False),
    ("no files", a_task(), False),
    ("the recorder's clock is off by an hour", a_task(a_file(0, 60)), False),
]  # fmt: skip

NO_LINK = [
    ("with a FileId", a_task(a_file(url="")), True),
    ("with a VideoId", a_task(a_file(url="", video_id="820e50e5")), True),
    ("one of two", a_task(WHOLE, a_file(stream_id="guest", url="")), True),
    ("while it runs", running(60, ONGOING, a_file(-60, 12, url="")), True),
    ("with no ID at all", a_task(a_file(url="", file_id="", stream_id="")), True),
    ("has a link", a_task(WHOLE), False),
    ("has a link and a VideoId", a_task(a_file(video_id="820e50e5")), False),
    ("uploading", a_task(a_file(url="", status=2)), False),
    ("recording", running(60, ONGOING, a_file(-60, 12, url="", status=1)), False),
    ("in backup storage", a_task(a_file(url="", status=4)), False),
    ("lost", a_task(a_file(url="", status=5)), False),
    ("no status", a_task(a_file(url="", status=None)), False),
]

TABLES = {
    Kind.LOST: LOST,
    Kind.RESCUE: RESCUE,
    Kind.EMPTY: EMPTY,
    Kind.FAILED: FAILED_,
    Kind.RUNAWAY: RUNAWAY,
    Kind.STUCK_START: STUCK_START,
    Kind.PAUSED: PAUSED_,
    Kind.UPLOADING: UPLOADING,
    Kind.SPLIT: SPLIT,
    Kind.SHORT: SHORT,
    Kind.NO_LINK: NO_LINK,
}


@pytest.mark.parametrize(
    ("kind", "details", "holds"),
    [
        pytest.param(kind, details, holds, id=f"{kind.value} - {what}")
        for kind, table in TABLES.items()
        for what, details, holds in table
    ],
)
def test_a_verdict_holds_where_it_should_and_nowhere_else(
    kind: Kind, details: RecordingDetails, holds: bool
) -> None:
    assert (kind in kinds(details)) is holds


@pytest.mark.parametrize(
    ("what", "task", "rows", "holds"),
    [
        ("another one", running(30), [a_row(20)], True),
        ("itself and another one", running(30), [a_row(30, task="YRHu6-E4IyvEAAAD"), a_row(20)], True),
        ("one that is paused", running(30), [a_row(20, PAUSED)], True),
        ("one that is starting", running(30), [a_row(20, STARTING)], True),
        ("it is paused itself", running(30, PAUSED), [a_row(20)], True),
        ("no beginning known", a_task(began=None, ended=None, status=ONGOING), [a_row(20)], True),
        ("nothing", running(30), [], False),
        ("itself", running(30), [a_row(30, task="YRHu6-E4IyvEAAAD")], False),
        ("itself twice", running(30), [a_row(30, task="YRHu6-E4IyvEAAAD")] * 2, False),
        ("one that ended", running(30), [a_row(20, ENDED)], False),
        ("one that failed", running(30), [a_row(20, FAILED)], False),
        ("one with an unknown status", running(30), [a_row(20, 9)], False),
        ("one in another room", running(30), [a_row(20, room="12300")], False),
        ("it has ended itself", a_task(WHOLE), [a_row(20)], False),
        ("its status is unknown", running(30, 9), [a_row(20)], False),
    ],
)
def test_double_needs_something_else_running_in_the_same_room(
    what: str, task: RecordingDetails, rows: list[Recording], holds: bool
) -> None:
    assert (Kind.DOUBLE in kinds(task, tuple(rows))) is holds


@pytest.mark.parametrize(
    ("kind", "details", "known", "sentence"),
    [
        (
            Kind.LOST,
            a_task(WHOLE, a_file(stream_id="guest", status=5)),
            None,
            (
                "1 of 2 files could be uploaded neither to your storage nor to ZEGOCLOUD's backup: "
                "<guest_-60.mp4>. Check that the bucket exists and its key may write to it, then open a "
                "ticket with ZEGOCLOUD about task <YRHu6-E4IyvEAAAD>."
            ),
        ),
        (
            Kind.LOST,
            a_task(*(a_file(-60 + place, 1, status=5) for place in range(5))),
            None,
            (
                "5 of 5 files could be uploaded neither to your storage nor to ZEGOCLOUD's backup: "
                "<mix_-60.mp4>, <mix_-59.mp4>, <mix_-58.mp4> and 2 more. Check that"
            ),
        ),
        (
            Kind.RESCUE,
            a_task(a_file(-1620, status=4), WHOLE, began=-1620, ended=-1560),
            None,
            (
                "1 of 2 files is in ZEGOCLOUD's backup storage: <mix_-1620.mp4>. Download before [2760] (1 "
                "d 22 h left). Then check your bucket and its key"
            ),
        ),
        (
            Kind.RESCUE,
            a_task(a_file(-4500, status=4), began=-4500, ended=-4440),
            None,
            "The only file is in ZEGOCLOUD's backup storage: <mix_-4500.mp4>. It expired [-120] (2 h ago)",
        ),
        (
            Kind.RESCUE,
            running(30, ONGOING, a_file(-30, 10, status=4)),
            None,
            (
                "The only file is in ZEGOCLOUD's backup storage: <mix_-30.mp4>. It keeps files for 3 days: "
                "download"
            ),
        ),
        (
            Kind.EMPTY,
            a_task(),
            None,
            "It ended after 1 h without a file. Probably nobody published in room <1230>",
        ),
        (
            Kind.EMPTY,
            a_task(),
            None,
            "A snapshot task has none either, which is normal: the API does not tell",
        ),
        (Kind.EMPTY, a_task(stream_type=1), None, "It recorded audio only, so it was no snapshot task"),
        (Kind.FAILED, a_task(status=FAILED), None, "It has no files after 1 h: probably nobody published"),
        (
            Kind.FAILED,
            a_task(a_file(-1440, 1430), began=-1440, status=FAILED),
            None,
            "It ran for about 24 h: probably the time limit (MaxRecordTime)",
        ),
        (
            Kind.FAILED,
            a_task(a_file(-2881, 2800), began=-2881, status=FAILED),
            None,
            "It ran for about 48 h: probably the time limit (MaxRecordTime)",
        ),
        (
            Kind.FAILED,
            a_task(a_file(-60, 59.5), status=FAILED),
            None,
            "Its last file ends 30 s before it: probably the room was empty for longer than MaxIdleTime",
        ),
        (
            Kind.FAILED,
            a_task(WHOLE, status=FAILED),
            None,
            "It ended after 1 h, and ZEGOCLOUD's API does not tell why. Likely: the room was empty",
        ),
        (
            Kind.FAILED,
            a_task(WHOLE, status=FAILED, began=None, ended=None),
            None,
            "It ended, and ZEGOCLOUD's API does not tell why.",
        ),
        (
            Kind.RUNAWAY,
            running(552),
            None,
            (
                "It has been running for 9 h 12 min. It bills until it is stopped; the cap of 24 h stops "
                "it in 14 h 48 min ([888]). Stop it if nobody needs it."
            ),
        ),
        (
            Kind.RUNAWAY,
            running(26 * 60),
            None,
            (
                "It has been running for 1 d 2 h, longer than the usual cap of 24 h: by arrangement it may "
                "be 48 h, which ends in 22 h ([1320]). It bills until"
            ),
        ),
        (
            Kind.RUNAWAY,
            running(50 * 60),
            None,
            "It has been running for 2 d 2 h, longer than any cap that ZEGOCLOUD documents (48 h).",
        ),
        (Kind.RUNAWAY, running(540, PAUSED), None, "It has been running for 9 h and is paused now."),
        (
            Kind.DOUBLE,
            running(30),
            (a_row(20),),
            (
                "Running in room <1230> besides this one: <other> (since [-20]); both bill. That may be "
                "deliberate, one mixed and one of single streams (this one is mixed); else stop the one "
                "too many."
            ),
        ),
        (
            Kind.DOUBLE,
            running(30, mode=1),
            (a_row(20), a_row(10, task="a"), a_row(40, task="b"), a_row(50, task="c")),
            (
                "besides this one: <a> (since [-10]), <other> (since [-20]), <b> (since [-40]) and 1 more; "
                "all 5 bill. That may be deliberate, one mixed and one of single streams (this one records "
                "single streams)"
            ),
        ),
        (
            Kind.DOUBLE,
            running(30, mode=None),
            (a_row(20),),
            "one of single streams; else",
        ),
        (
            Kind.STUCK_START,
            running(10, STARTING),
            None,
            (
                "It has been starting for 10 min and never began to record. Check that the recorder can "
                "log in to room <1230>"
            ),
        ),
        (Kind.PAUSED, running(30, PAUSED), None, "Since when, ZEGOCLOUD's API does not tell."),
        (
            Kind.UPLOADING,
            a_task(a_file(status=2), WHOLE, ended=-4),
            None,
            "1 of 2 files is not uploaded yet, 4 min after the end. That is normal at first",
        ),
        (
            Kind.UPLOADING,
            a_task(a_file(-180, status=2), began=-180, ended=-120),
            None,
            "The only file is not uploaded yet, 2 h after the end, which is long.",
        ),
        (
            Kind.UPLOADING,
            a_task(a_file(status=2), ended=None),
            None,
            "The only file is not uploaded yet. That is normal at first",
        ),
        (
            Kind.SPLIT,
            a_task(a_file(-60, 20), a_file(-38.5, 8.5), a_file(-28, 28)),
            None,
            (
                "Stream <mix> is in 3 files (<mp4>), with 2 gaps of 1 min 30 s from [-40] to [-38.5], and "
                "of 2 min from [-30] to [-28]. ZEGOCLOUD goes on in a new file when"
            ),
        ),
        (
            Kind.SPLIT,
            a_task(a_file(-60, 29.9), a_file(-30, 30)),
            None,
            (
                "Stream <mix> is in 2 files (<mp4>) that follow one another without a gap. Play them in "
                "the order"
            ),
        ),
        (
            Kind.SPLIT,
            a_task(a_file(-60, None), a_file(-30, 30)),
            None,
            "Stream <mix> is in 2 files (<mp4>). Play them in the order in which they begin.",
        ),
        (
            Kind.SPLIT,
            a_task(*(a_file(-60 + 10 * place, 9) for place in range(6))),
            None,
            (
                "is in 6 files (<mp4>), with 5 gaps of 1 min from [-51] to [-50], and of 1 min from [-41] "
                "to [-40], and of 1 min from [-31] to [-30], and 2 more. "
            ),
        ),
        (
            Kind.SPLIT,
            a_task(
                *(a_file(at, 20, stream_id=stream) for stream in ("a", "b", "c") for at in (-60, -30)),
                mode=1,
            ),
            None,
            (
                "Stream <a> is in 2 files (<mp4>), with a gap of 10 min from [-40] to [-30]. Stream <b> is "
                "in 2 files (<mp4>), with a gap of 10 min from [-40] to [-30]. The same goes for 1 more. "
            ),
        ),
        (
            Kind.SHORT,
            a_task(a_file(-57.9, 12), began=-58),
            None,
            "12 of 58 min captured, from [-57.9] to [-45.9]. In the rest nobody published",
        ),
        (
            Kind.SHORT,
            a_task(a_file(-60, 5), a_file(-30, 7, stream_id="guest")),
            None,
            "12 of 60 min captured. In the rest nobody published",
        ),
        (
            Kind.SHORT,
            a_task(a_file(-300, 72), began=-300),
            None,
            "1 h 12 min of 5 h captured, from [-300] to [-228]. In the rest",
        ),
        (
            Kind.NO_LINK,
            a_task(a_file(url=""), a_file(-60, 60, stream_id="guest", url="", video_id="820e50e5")),
            None,
            (
                "2 of 2 uploaded files have no link: ZEGOCLOUD gives none for Qiniu and Alibaba Cloud VOD. "
                "Look there for FileId <mix_-60.mp4>, VideoId <820e50e5>."
            ),
        ),
        (Kind.FINE, a_task(WHOLE), None, "It ended well; 1 file uploaded."),
        (Kind.FINE, running(15), (), "It has run for 15 min; nothing is wrong."),
        (Kind.FINE, running(1, STARTING), None, "It has been starting for 1 min, which is normal."),
        (
            Kind.FINE,
            running(15, 9),
            None,
            "Nothing is wrong as far as can be told: ZEGOCLOUD does not document status 9.",
        ),
        (Kind.FINE, a_task(a_file(status=None)), None, "Nothing is wrong as far as ZEGOCLOUD tells."),
    ],
)
def test_a_verdict_says_what_it_means_with_its_figures_and_what_to_do(
    kind: Kind, details: RecordingDetails, known: Collection[Recording] | None, sentence: str
) -> None:
    assert sentence in words_of(kind, details, known)


@pytest.mark.parametrize(
    ("kind", "details", "words", "said_so"),
    [
        (Kind.FAILED, a_task(WHOLE, began=-1430, status=FAILED), "probably the time limit", True),
        (Kind.FAILED, a_task(WHOLE, began=-1450, status=FAILED), "probably the time limit", True),
        (Kind.FAILED, a_task(WHOLE, began=-1429, status=FAILED), "probably the time limit", False),
        (Kind.FAILED, a_task(WHOLE, began=-1451, status=FAILED), "probably the time limit", False),
        (
            Kind.FAILED,
            a_task(a_file(-60, 60 - 25 / 60), status=FAILED),
            "Its last file ends 25 s before",
            True,
        ),
        (Kind.FAILED, a_task(a_file(-60, 60 - 24 / 60), status=FAILED), "Its last file ends", False),
        (Kind.FAILED, a_task(a_file(-60, None), status=FAILED), "Its last file ends", False),
        (Kind.UPLOADING, a_task(a_file(status=2), ended=-30), "normal at first", True),
        (Kind.UPLOADING, a_task(a_file(status=2), ended=-31), "normal at first", False),
        (Kind.RESCUE, a_task(a_file(status=4), ended=-4319), "(1 min left)", True),
        (Kind.RESCUE, a_task(a_file(status=4), ended=-4320), "expired", True),
        (Kind.RUNAWAY, running(1439), "the cap of 24 h stops it in 1 min", True),
        (Kind.RUNAWAY, running(1440), "by arrangement", True),
        (Kind.RUNAWAY, running(2879), "by arrangement", True),
        (Kind.RUNAWAY, running(2880), "longer than any cap", True),
        (Kind.SPLIT, a_task(a_file(-60, 29), a_file(-31 + 10 / 60, 20)), "with a gap of 10 s", True),
        (Kind.SPLIT, a_task(a_file(-60, 29), a_file(-31 + 9 / 60, 20)), "without a gap", True),
        (Kind.SPLIT, a_task(a_file(-60, 29), a_file(-31 - 9 / 60, 20)), "without a gap", True),
    ],
)
def test_words_change_exactly_at_their_thresholds(
    kind: Kind, details: RecordingDetails, words: str, said_so: bool
) -> None:
    assert (words in words_of(kind, details)) is said_so


@pytest.mark.parametrize(
    ("details", "until"),
    [
        (a_task(a_file(status=4), ended=-60), 71 * 60),
        (a_task(a_file(-4500, status=4), began=-4500, ended=-4440), None),
        (running(60, ONGOING, a_file(status=4)), None),
        (running(600), 14 * 60),
        (running(25 * 60), 23 * 60),
        (running(49 * 60), None),
        (a_task(), None),
    ],
)
def test_the_last_moment_to_act_is_told_where_there_is_one(
    details: RecordingDetails, until: int | None
) -> None:
    worst = judge(details, NOW)[0]
    assert worst.urgent_until_ms == (None if until is None else NOW + until * MINUTE)


@pytest.mark.parametrize(
    ("details", "known", "expected"),
    [
        (
            a_task(
                a_file(-60, 2, status=5),
                a_file(-50, 2, status=4),
                a_file(-45, 2, status=2),
                a_file(-40, 2, url=""),
                status=FAILED,
            ),
            None,
            [Kind.LOST, Kind.RESCUE, Kind.FAILED, Kind.SPLIT, Kind.UPLOADING, Kind.NO_LINK],
        ),
        (
            a_task(a_file(-60, 2, status=5), a_file(-50, 2, status=4), a_file(-40, 2, url="")),
            None,
            [Kind.LOST, Kind.RESCUE, Kind.SPLIT, Kind.SHORT, Kind.NO_LINK],
        ),
        (
            running(600, PAUSED),
            (a_row(5),),
            [Kind.RUNAWAY, Kind.DOUBLE, Kind.PAUSED],
        ),
        (
            running(600, STARTING),
            (a_row(5),),
            [Kind.RUNAWAY, Kind.DOUBLE, Kind.STUCK_START],
        ),
        (a_task(WHOLE), None, [Kind.FINE]),
    ],
)
def test_all_that_holds_is_told_the_worst_first(
    details: RecordingDetails, known: Collection[Recording] | None, expected: list[Kind]
) -> None:
    assert kinds(details, known) == expected


@pytest.mark.parametrize(
    ("details", "expected", "attention"),
    [
        (a_task(a_file(url="")), Kind.NO_LINK, False),
        (a_task(a_file(status=2), ended=-4), Kind.UPLOADING, False),
        (a_task(a_file(status=2), ended=-31), Kind.UPLOADING, True),
        (a_task(a_file(-60, 2, status=2), a_file(-40, 2), ended=-4), Kind.SPLIT, True),
        (a_task(a_file(-60, 2, url=""), a_file(-40, 2, status=5)), Kind.LOST, True),
        (a_task(a_file(-10, 2, url="")), Kind.SHORT, True),
        (a_task(WHOLE), Kind.FINE, False),
    ],
)
def test_what_needs_attention_stands_for_all_before_what_is_information(
    details: RecordingDetails, expected: Kind, *, attention: bool
) -> None:
    verdicts = judge(details, NOW)
    assert (worst(verdicts).kind, needs_attention(verdicts)) == (expected, attention)


def test_of_nothing_none_is_the_worst() -> None:
    assert worst(()) is None


@pytest.mark.parametrize(
    ("details", "begins"),
    [
        (running(18), "It has run for 18 min, and nothing is wrong with it. I couldn't check whether "),
        (running(1, STARTING), "It has been starting for 1 min, which is normal."),
    ],
)
def test_who_does_not_know_what_runs_beside_it_does_not_say_that_nothing_is_wrong(
    details: RecordingDetails, begins: str
) -> None:
    [only] = judge(details, NOW)
    assert only.kind is Kind.FINE
    assert said(only).startswith(begins)
    assert "; nothing is wrong." not in said(only)


def test_what_never_began_is_not_said_to_run() -> None:
    starting = running(600, STARTING)
    assert words_of(Kind.RUNAWAY, starting).startswith("It has been starting for 10 h. It bills until")
    assert "never began to record" in words_of(Kind.STUCK_START, starting)


def test_the_order_of_kinds_is_from_the_worst_to_fine() -> None:
    assert [kind.value for kind in sorted(Kind, key=lambda kind: kind.severity)] == [
        "lost", "rescue", "empty", "failed", "runaway", "double", "stuck start", "paused", "uploading",
        "split", "short", "no link", "fine",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("thresholds", "details", "expected"),
    [
        (Thresholds(runaway_ms=HOUR), running(61), [Kind.RUNAWAY]),
        (Thresholds(stuck_start_ms=30 * SECOND), running(1, STARTING), [Kind.STUCK_START]),
        (Thresholds(short_share=0.9), a_task(a_file(-60, 50)), [Kind.SHORT]),
        (Thresholds(short_missing_ms=HOUR), a_task(a_file(-60, 12)), [Kind.FINE]),
    ],
)
def test_thresholds_can_be_set(
    thresholds: Thresholds, details: RecordingDetails, expected: list[Kind]
) -> None:
    assert [verdict.kind for verdict in judge(details, NOW, thresholds=thresholds)] == expected


def test_a_cap_and_a_slow_upload_and_a_gap_are_worded_by_the_thresholds() -> None:
    strict = Thresholds(max_record_ms=12 * HOUR, upload_slow_ms=MINUTE, split_gap_ms=10 * MINUTE)
    runs, uploads, parts = (
        said(judge(details, NOW, None, strict)[0])
        for details in (
            running(600),
            a_task(a_file(status=2), ended=-4),
            a_task(a_file(-60, 20), a_file(-38, 38)),
        )
    )
    assert "the cap of 12 h stops it in 2 h" in runs
    assert "which is long" in uploads
    assert "without a gap" in parts


@pytest.mark.parametrize(
    ("row", "others", "expected"),
    [
        (a_row(30, FAILED), [], [Kind.FAILED]),
        (a_row(600), [], [Kind.RUNAWAY]),
        (a_row(600, PAUSED), [], [Kind.RUNAWAY, Kind.PAUSED]),
        (a_row(30), [a_row(20, task="another")], [Kind.DOUBLE]),
        (a_row(10, STARTING), [], [Kind.STUCK_START]),
        (a_row(30, PAUSED), [a_row(30, PAUSED)], [Kind.PAUSED]),
        (a_row(30), [a_row(30)], []),
        (a_row(30), [a_row(20, task="another", room="88")], []),
        (a_row(30), [a_row(20, ENDED, task="another")], []),
        (a_row(30, ENDED), [a_row(20, task="another")], []),
        (a_row(1, STARTING), [], []),
        (a_row(480), [], []),
        (a_row(600, 9), [], []),
    ],
)
def test_a_row_alone_tells_what_needs_no_other_call(
    row: Recording, others: list[Recording], expected: list[Kind]
) -> None:
    assert [verdict.kind for verdict in judge_row(row, others, NOW)] == expected


def test_a_row_points_to_its_details_for_the_reason_of_an_abnormal_end() -> None:
    (verdict,) = judge_row(a_row(30, FAILED), (), NOW)
    assert verdict.headline == "Ended abnormally"
    assert "the details of this recording tell more" in said(verdict)


@pytest.mark.parametrize(
    ("details", "needs"),
    [(a_task(WHOLE), False), (running(15), False), (a_task(), True), (running(600), True)],
)
def test_whatever_is_not_fine_needs_attention(details: RecordingDetails, needs: bool) -> None:
    assert needs_attention(judge(details, NOW)) is needs


def test_no_verdict_needs_no_attention() -> None:
    assert not needs_attention(())


_numbers = st.none() | st.integers() | st.sampled_from([NOW, NOW - HOUR, NOW - 9 * HOUR, 0, 60 * MINUTE])
_codes = st.none() | st.integers(-1, 7)
_files = st.builds(
    RecordingFile,
    stream_id=st.sampled_from(["", "mix", "guest"]),
    file_id=st.text(max_size=20),
    video_id=st.text(max_size=5),
    url=st.sampled_from(["", "https://recordings.example.com/1.mp4"]),
    format=st.sampled_from(["", "mp4", "hls", "jpg"]),
    duration_ms=_numbers,
    track=_codes,
    began_ms=_numbers,
    status=_codes,
)
_details = st.builds(
    RecordingDetails,
    task_id=st.text(max_size=16),
    room_id=st.text(max_size=16),
    status=st.integers(-1, 7),
    began_ms=_numbers,
    ended_ms=_numbers,
    mode=_codes,
    stream_type=_codes,
    files=st.lists(_files, max_size=6).map(tuple),
    request_id=st.just("abcd123"),
    as_of_ms=st.just(NOW),
)
_rows = st.builds(Recording, st.text(max_size=3), st.text(max_size=1), st.integers(0, 7), st.integers())
_known = st.none() | st.lists(_rows, max_size=4)


@given(_details, _known)
def test_any_details_get_verdicts_the_worst_first_each_once_and_fine_only_alone(
    details: RecordingDetails, known: Collection[Recording] | None
) -> None:
    verdicts = judge(details, NOW, known)
    weights = [(verdict.usual, verdict.kind.severity) for verdict in verdicts]
    assert verdicts
    assert weights == sorted(set(weights)), "what needs attention first, a young upload behind it"
    assert len({verdict.kind for verdict in verdicts}) == len(verdicts)
    assert len(verdicts) == 1 or Kind.FINE not in [verdict.kind for verdict in verdicts]
    for verdict in verdicts:
        assert said(verdict).endswith(".")
        assert not any(
            letter in piece for piece in verdict.words if isinstance(piece, str) for letter in "<>&*`"
        )


@given(_details)
def test_a_row_and_its_details_agree_on_what_both_can_tell(details: RecordingDetails) -> None:
    row = Recording(details.task_id, details.room_id, details.status, details.began_ms or NOW)
    both = {verdict.kind for verdict in judge_row(row, (), NOW)}
    assert both <= set(kinds(replace(details, began_ms=row.began_ms)))


@pytest.fixture
async def staged() -> AsyncIterator[ZegoClient]:
    """A client that asks the simulated vendor, with its staged rooms, over HTTP."""
    clock = AdjustableClock(NOW / 1000, 0)
    zego = SimulatedZego(clock=clock, tasks=1, max_rps=None)
    await zego.start()
    client = ZegoClient(
        network=Network(),
        app_id=zego.app_id,
        server_secret=zego.server_secret,
        base_url=zego.base_url,
        limiter=Limiter(10_000),
        clock=clock,
    )
    yield client
    await client.aclose()
    await zego.stop()


async def all_rows(client: ZegoClient) -> list[Recording]:
    rows: list[Recording] = []
    for status in TaskFilter:
        page = total = 0
        while page * PAGE_SIZE <= total:
            page += 1
            listed = await client.ask(DescribeTasks(status, NOW - 72 * HOUR + 1, NOW, page=page))
            rows += listed.recordings
            total = listed.total
    return rows


ALSO_DOUBLE = {("1230", "paused")}
"""Scenes that show another verdict besides their own, because of what else is staged in their room."""

TOLD_BY_A_ROW = {Kind.FAILED, Kind.RUNAWAY, Kind.DOUBLE, Kind.STUCK_START, Kind.PAUSED}


async def test_every_staged_recording_gets_exactly_the_verdict_it_is_staged_for(
    staged: ZegoClient,
) -> None:
    rows = await all_rows(staged)
    running_now = [row for row in rows if row.status in RUNNING]
    shown: dict[tuple[str, int], list[Kind]] = {}
    told_by_row: dict[tuple[str, int], list[Kind]] = {}
    for row in rows:
        in_room = tuple(other for other in running_now if other.room_id == row.room_id)
        details = await staged.ask(DescribeRecordStatus(row.task_id))
        key = (row.room_id, row.began_ms)
        shown[key] = kinds(details, in_room)
        told_by_row[key] = [verdict.kind for verdict in judge_row(row, running_now, NOW)]

    expected: dict[tuple[str, int], list[Kind]] = {}
    for scene in SCENES:
        if scene.script.began_ms <= 0:
            room = scene.script.room_id
            also = [Kind.DOUBLE] if (room, scene.verdict) in ALSO_DOUBLE else []
            expected[room, NOW + scene.script.began_ms] = [*also, Kind(scene.verdict)]
    assert shown == expected
    assert told_by_row == {
        key: [kind for kind in told if kind in TOLD_BY_A_ROW] for key, told in expected.items()
    }


UNREAD = (Unreadable("x", "YRHu6-E4IyvEAAAD", "why"),)


@pytest.mark.parametrize(
    ("files", "verdicts"),
    [
        ((), [Kind.FINE]),  # not empty: there is a file
        ((a_file(-60, 1),), [Kind.FINE]),  # not short: it may hold the rest
        ((a_file(-60, 1), a_file(-30, 30)), [Kind.FINE]),  # nor split: or the gap
        ((a_file(status=5),), [Kind.LOST]),
    ],
)
def test_what_a_file_that_cannot_be_read_may_hold_is_not_missed(
    files: tuple[RecordingFile, ...], verdicts: list[Kind]
) -> None:
    details = a_task(*files, unreadable=UNREAD)
    assert kinds(details) == verdicts
    [verdict] = judge(details, NOW)
    assert f"1 of {len(files) + 1} file" in said(verdict)
    assert verdict.headline == ("Lost" if verdicts == [Kind.LOST] else "Not sure")
    assert not details.is_final
