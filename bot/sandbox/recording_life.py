"""The life of one simulated recording task: what the vendor would say about it at any moment (pure).

A task and its files are scripts: fixed moments at which something happens. Everything an answer shows is
computed from the script and "now", so a clock may run fast, stand still or go back. All times are Unix
milliseconds. Which room shows which verdict: see the table in `recording_scenes`.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot import models
from bot.models import ENDED, FAILED, ONGOING, PAUSED, STARTING

FILE_RECORDING, FILE_UPLOADING, FILE_UPLOADED, FILE_IN_BACKUP, FILE_LOST = 1, 2, 3, 4, 5
"""Status of a file (vendor docs, DescribeRecordStatus)."""

SINGLE_STREAM, MIXED = 1, 2
"""`RecordMode` (vendor docs)."""

TASK_ID_LENGTH = 16
RECORD_CAP_MS = 24 * 3600 * 1000
"""MaxRecordTime when nothing else was asked for (vendor docs): then the task ends abnormally."""

_FOR_GOOD_MS = 10**13

STORAGES_WITHOUT_URL = frozenset({"qiniu", "alibaba_vod"})
STORAGES_WITH_VIDEO_ID = frozenset({"alibaba_vod", "tencent_vod"})
_EXTENSIONS = {"hls": "m3u8"}
_TRACK_LETTERS = {1: "A", 2: "V", 3: "VA"}


@dataclass(frozen=True, slots=True)
class FileScript:
    """One file of a task.

    Args:
        began_ms: when the recorder opened it; before that nobody knows of it.
        ends_ms: when it was closed; None: together with its task.
        upload_ms: how long the upload takes after that.
        outcome: the file's status after the upload: 3 uploaded, 4 in backup storage, 5 lost.
        track: 1 audio, 2 video, 3 both.
        storage: `s3`, `qiniu`, `alibaba_vod` or `tencent_vod`: decides between `FileUrl` and `VideoId`.
        user_name: the stream ID when empty.
    """

    began_ms: int
    stream_id: str = "mix"
    ends_ms: int | None = None
    upload_ms: int = 20_000
    outcome: int = FILE_UPLOADED
    format: str = "mp4"
    track: int = 3
    width: int = 1280
    height: int = 720
    kilobits_per_second: int = 1500
    storage: str = "s3"
    user_name: str = ""


@dataclass(frozen=True, slots=True)
class TaskScript:
    """One recording task from its beginning to its end.

    Args:
        starting_ms: how long it initialises (status 1).
        ends_ms: when it ends; None: never.
        fails: it ends abnormally (status 4 instead of 3).
        pauses: (from, to) of each pause; `to` None: for good.
        files: None has the vendor leave `RecordFiles` out (snapshot tasks; nobody published).
        shown_status: a number shown instead of the computed one, for codes that are not documented yet.
    """

    task_id: str
    room_id: str
    began_ms: int
    starting_ms: int = 0
    ends_ms: int | None = None
    fails: bool = False
    pauses: tuple[tuple[int, int | None], ...] = ()
    mode: int = MIXED
    stream_type: int = 3
    files: tuple[FileScript, ...] | None = None
    shown_status: int | None = None

    def has_ended(self, now_ms: int) -> bool:
        """Whether the end has come, in whichever way."""
        return self.ends_ms is not None and self.ends_ms <= now_ms

    def status_at(self, now_ms: int) -> int:
        """The task's status code at `now_ms` (which is not before its beginning)."""
        if self.shown_status is not None:
            return self.shown_status
        if self.has_ended(now_ms):
            return FAILED if self.fails else ENDED
        if now_ms < self.began_ms + self.starting_ms:
            return STARTING
        if any(start <= now_ms and (end is None or now_ms < end) for start, end in self.pauses):
            return PAUSED
        return ONGOING


def in_status(task: TaskScript, status: int, now_ms: int) -> TaskScript:
    """The script changed so that the task is in this status at `now_ms`.

    Ended and failed ones end a minute after their beginning unless their end is given, and not after
    `now_ms`. A status that is not documented is shown as it is.
    """
    match status:
        case models.STARTING:
            return replace(task, starting_ms=_FOR_GOOD_MS)
        case models.ONGOING:
            return task
        case models.ENDED | models.FAILED:
            ends_ms = max(task.began_ms, min(task.began_ms + 60_000, now_ms))
            return replace(task, fails=status == FAILED, ends_ms=task.ends_ms or ends_ms)
        case models.PAUSED:
            return replace(task, pauses=task.pauses or ((task.began_ms, None),))
        case _:
            return replace(task, shown_status=status)


def row_at(task: TaskScript, now_ms: int) -> dict[str, Any]:
    """The task as a row of DescribeTasks, in the vendor's words."""
    return {
        "RecordBeginTimestamp": task.began_ms,
        "TaskId": task.task_id,
        "RoomId": task.room_id,
        "Status": task.status_at(now_ms),
    }


def details_at(task: TaskScript, now_ms: int) -> dict[str, Any]:
    """The task as `Data` of DescribeRecordStatus, in the vendor's words.

    Left out, as the vendor does: `RecordEndTimestamp` while it runs, `RecordFiles` where there are none.
    """
    details: dict[str, Any] = {
        "RoomId": task.room_id,
        "RecordMode": task.mode,
        "StreamType": task.stream_type,
        "RecordBeginTimestamp": task.began_ms,
        "Status": task.status_at(now_ms),
    }
    if task.ends_ms is not None and task.ends_ms <= now_ms:
        details["RecordEndTimestamp"] = task.ends_ms
    files = [_file_at(task, file, now_ms) for file in task.files or () if file.began_ms <= now_ms]
    if files:
        details["RecordFiles"] = files
    return details


def _file_at(task: TaskScript, file: FileScript, now_ms: int) -> dict[str, Any]:
    end_ms = task.ends_ms if file.ends_ms is None else file.ends_ms
    until_ms = now_ms if end_ms is None else min(end_ms, now_ms)
    duration_ms = until_ms - file.began_ms - _paused_ms(task, file.began_ms, until_ms)
    if end_ms is None or now_ms < end_ms:
        status = FILE_RECORDING
    elif now_ms < end_ms + file.upload_ms:
        status = FILE_UPLOADING
    else:
        status = file.outcome
    file_id = file_name(task, file)
    shown: dict[str, Any] = {
        "UserId": file.stream_id,
        "UserName": file.user_name or file.stream_id,
        "StreamId": file.stream_id,
        "FileId": file_id,
        "OutputFileFormat": file.format,
        "FileSize": duration_ms * file.kilobits_per_second // 8,
        "Duration": duration_ms,
        "ResolutionWidth": file.width if file.track != 1 else 0,
        "ResolutionHeight": file.height if file.track != 1 else 0,
        "MediaTrackType": file.track,
        "BeginTimestamp": file.began_ms,
        "Status": status,
    }
    # Unverified: the vendor's page does not say what a file has before it is uploaded; nothing is there yet.
    if status == FILE_IN_BACKUP:
        shown["FileUrl"] = f"https://backup.recordings.example.com/record/{quote(file_id)}"
    elif status == FILE_UPLOADED:
        if file.storage not in STORAGES_WITHOUT_URL:
            shown["FileUrl"] = f"https://recordings.example.com/record/{quote(file_id)}"
        if file.storage in STORAGES_WITH_VIDEO_ID:
            shown["VideoId"] = hashlib.sha256(file_id.encode()).hexdigest()[:32]
    return shown


def _paused_ms(task: TaskScript, from_ms: int, to_ms: int) -> int:
    total = 0
    for start, end in task.pauses:
        total += max(0, min(to_ms if end is None else end, to_ms) - max(start, from_ms))
    return total


def file_name(task: TaskScript, file: FileScript) -> str:
    """The `FileId`: task, room, stream, tracks and the moment it began (the vendor's default rule)."""
    moment = datetime.fromtimestamp(file.began_ms / 1000, UTC).strftime("%Y%m%d%H%M%S%f")[:-3]
    tracks = _TRACK_LETTERS[file.track]
    extension = _EXTENSIONS.get(file.format, file.format)
    return f"{task.task_id}_{task.room_id}_{file.stream_id}_{tracks}_{moment}.{extension}"


def make_task_id(began_ms: int, number: int, seed: int) -> str:
    """A task ID of the vendor's shape: 16 characters of URL-safe base 64.

    The vendor's samples decode to the second of the start, five bytes that look like a machine, and a
    counter; they are opaque to everyone but this simulator.
    """
    machine = hashlib.sha256(f"{seed}/{number % 7}".encode()).digest()[:5]
    raw = (began_ms // 1000).to_bytes(4, "big") + machine + number.to_bytes(3, "big")
    return base64.urlsafe_b64encode(raw).decode()
