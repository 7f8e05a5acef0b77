"""Staged rooms: recordings that show every verdict when the clock starts, and every 12 hours (pure).

    verdict       rooms
    lost          404, 405
    rescue        88
    empty         750, 751
    failed        500, 502, 503
    runaway       7, night-shift
    double        1230, 902
    stuck start   600
    paused        1230, 620
    uploading     700
    split         710
    short         730
    no link       740, 741
    fine          900, 901, 720, 721, 722, 723, 610, 123, 1203, 12300,
                  team-standup, <b>&amp;, *bold*, a|b, `code`

At that moment room 1230 has three recordings that began within the last 6 hours and run, one paused, one
that began earlier and runs, and several that ended. New ones keep beginning there, each for longer than the
time to the next, so that some always run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bot.sandbox.recording_life import (
    FILE_IN_BACKUP,
    FILE_LOST,
    RECORD_CAP_MS,
    SINGLE_STREAM,
    FileScript,
    TaskScript,
    make_task_id,
)

_SECOND = 1000
_MINUTE = 60 * _SECOND
STAGE_EVERY_MS = 12 * 60 * _MINUTE
FIRST_STAGED_NUMBER = 0xC00000  # of the 24 bits in a task ID: seeded traffic has those below
_INITIALISING_MS = 5 * _SECOND


@dataclass(frozen=True, slots=True)
class Scene:
    """A staged recording: the script's times are relative to the moment of staging."""

    verdict: str
    what: str
    script: TaskScript


def _scene(
    verdict: str,
    what: str,
    room_id: str,
    begins: float,
    ends: float | None,
    *files: FileScript,
    **script: Any,
) -> Scene:
    """Times in minutes; `ends` None: at the cap of 24 hours, abnormally. One plain file unless given."""
    began_ms = round(begins * _MINUTE)
    script.setdefault("starting_ms", _INITIALISING_MS)
    script.setdefault("fails", ends is None)
    script.setdefault("files", files or (FileScript(began_ms=began_ms + _INITIALISING_MS),))
    ends_ms = began_ms + RECORD_CAP_MS if ends is None else round(ends * _MINUTE)
    return Scene(verdict, what, TaskScript("", room_id, began_ms, ends_ms=ends_ms, **script))


def _file(begins: float, ends: float | None = None, **file: Any) -> FileScript:
    return FileScript(
        began_ms=round(begins * _MINUTE), ends_ms=None if ends is None else round(ends * _MINUTE), **file
    )


def _pause(start: float, end: float) -> tuple[tuple[int, int]]:
    return ((round(start * _MINUTE), round(end * _MINUTE)),)


_SINGLE: dict[str, Any] = {"mode": SINGLE_STREAM}

SCENES: tuple[Scene, ...] = (
    _scene("double", "runs for 20 minutes", "1230", -20, 160),
    _scene("double", "runs for 2 hours, two streams", "1230", -130, 100,
           _file(-129.9, stream_id="host"), _file(-125, stream_id="guest"), **_SINGLE),
    _scene("double", "runs for almost 5 hours", "1230", -290, 40),
    _scene("paused", "paused for 5 minutes", "1230", -50, 300, pauses=_pause(-5, 200)),
    _scene("double", "began more than 6 hours ago and runs", "1230", -450, 330),
    _scene("fine", "ended 4 hours ago", "1230", -300, -240),
    _scene("fine", "ended 7 hours ago", "1230", -480, -420),
    _scene("fine", "ended 11 hours ago", "1230", -700, -670),
    _scene("fine", "ended yesterday", "1230", -1500, -1440),
    _scene("fine", "ended two days ago", "1230", -3000, -2900),
    *(_scene("fine", "later", "1230", 90 * number, 90 * number + 200) for number in range(1, 8)),
    _scene("rescue", "upload failed 2 hours ago; the copy has 70 hours left", "88", -180, -120,
           _file(-179.9, outcome=FILE_IN_BACKUP)),
    _scene("rescue", "the copy has 6 hours left", "88", -4020, -3960, _file(-4019.9, outcome=FILE_IN_BACKUP)),
    _scene("runaway", "runs for 10 hours", "7", -600, None),
    _scene("runaway", "runs for 23 hours: near its cap", "night-shift", -1390, None),
    _scene("lost", "its only file is lost", "404", -105, -45, _file(-104.9, outcome=FILE_LOST)),
    _scene("lost", "one of two streams is lost", "405", -205, -145,
           _file(-204.9, stream_id="host"), _file(-204, stream_id="guest", outcome=FILE_LOST), **_SINGLE),
    _scene("failed", "ended abnormally after 3 minutes", "500", -90, -87, fails=True),
    _scene("failed", "reached 24 hours", "502", -1500, None),
    _scene("failed", "never got a stream", "503", -60, -59, fails=True, files=None),
    _scene("double", "one of two at once: single streams", "902", -40, 110,
           _file(-39.9, stream_id="host"), **_SINGLE),
    _scene("double", "one of two at once: mixed", "902", -39, 110),
    _scene("stuck start", "initialising for 10 minutes", "600", -10, 50,
           starting_ms=RECORD_CAP_MS, fails=True, files=None),
    _scene("fine", "initialising for 20 seconds", "610", -20 / 60, 45, starting_ms=90 * _SECOND, files=None),
    _scene("paused", "paused for half an hour", "620", -120, 180, pauses=_pause(-30, 60)),
    _scene("uploading", "ended 4 minutes ago, a long upload", "700", -124, -4,
           _file(-123.9, upload_ms=45 * _MINUTE)),
    _scene("split", "three files of one stream with gaps", "710", -240, -180,
           _file(-239.9, -220), _file(-218.5, -200), _file(-198.5)),
    _scene("short", "12 of 58 minutes captured", "730", -150, -92, _file(-149.9, -137.9)),
    _scene("no link", "uploaded to Qiniu", "740", -160, -130, _file(-159.9, storage="qiniu")),
    _scene("no link", "uploaded to Alibaba Cloud VOD", "741", -170, -110,
           _file(-169.9, storage="alibaba_vod")),
    _scene("empty", "nobody published", "750", -100, -70, files=None),
    _scene("empty", "a snapshot task, where this is normal", "751", -110, -80, files=None, **_SINGLE),
    _scene("fine", "ended well", "900", -140, -80),
    _scene("fine", "runs for 15 minutes", "901", -15, 200),
    _scene("fine", "four streams", "720", -210, -150,
           *(_file(-209 + number, stream_id=f"camera-{number}") for number in range(4)), **_SINGLE),
    _scene("fine", "one stream in two formats", "721", -220, -160,
           _file(-219.9), _file(-219.9, format="hls")),
    _scene("fine", "sound and picture apart", "722", -230, -170,
           _file(-229.9, stream_id="host", format="aac", track=1, kilobits_per_second=64),
           _file(-229.9, stream_id="host", track=2), mode=SINGLE_STREAM, stream_type=4),
    _scene("fine", "Tencent Cloud VOD: a link and a VideoId", "723", -240, -190,
           _file(-239.9, format="flv", storage="tencent_vod"), _file(-239.9, -239.8, format="jpg", track=2)),
    _scene("fine", "a similar ID", "123", -330, -300),
    _scene("fine", "a similar ID", "1203", -200, -170),
    _scene("fine", "a similar ID, running", "12300", -35, 90),
    _scene("fine", "a name", "team-standup", -95, -80,
           _file(-94.9, user_name="<!channel> Host", stream_id="host"), **_SINGLE),
    _scene("fine", "HTML in a room ID", "<b>&amp;", -65, -45),
    _scene("fine", "markup in a room ID, running", "*bold*", -25, 60),
    _scene("fine", "a separator in a room ID", "a|b", -75, -55),
    _scene("fine", "a code mark in a room ID", "`code`", -85, -65),
)  # fmt: skip
"""Every staged recording, with the verdict its room is there for."""


def stage(moment_ms: int, number: int, seed: int) -> list[TaskScript]:
    """The staged rooms as they are at `moment_ms`; `number` 0 is the first staging.

    Later ones leave out what would have begun before the staging in front of them: nothing may appear in a
    past that has been looked at already.
    """
    return [
        _shift(scene.script, moment_ms, FIRST_STAGED_NUMBER + number % 2**12 * len(SCENES) + position, seed)
        for position, scene in enumerate(SCENES)
        if number == 0 or scene.script.began_ms > -STAGE_EVERY_MS
    ]


def _shift(script: TaskScript, by_ms: int, number: int, seed: int) -> TaskScript:
    began_ms = script.began_ms + by_ms
    files = script.files and tuple(
        replace(
            file,
            began_ms=file.began_ms + by_ms,
            ends_ms=None if file.ends_ms is None else file.ends_ms + by_ms,
        )
        for file in script.files
    )
    return replace(
        script,
        task_id=make_task_id(began_ms, number, seed),
        began_ms=began_ms,
        ends_ms=None if script.ends_ms is None else script.ends_ms + by_ms,
        pauses=tuple((start + by_ms, None if end is None else end + by_ms) for start, end in script.pauses),
        files=files,
    )
