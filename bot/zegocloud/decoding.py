"""Decodes the vendor's answers: data, or the error that a code stands for, and the headers' clock (pure).

One row or file that is not what the API promises is left out and reported; the others are read. Only what is
wrong with an answer as a whole is an error.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import msgspec

from bot.errors import (
    CapacityError,
    GatewayRefusedError,
    InvalidParameterError,
    InvalidSignatureError,
    MalformedRequestError,
    NotEnabledError,
    RateLimitedError,
    SignatureExpiredError,
    TaskNotFoundError,
    TaskNotPausedError,
    TaskStoppedError,
    UnknownCodeError,
    ZegoBadAnswerError,
    ZegoBusyError,
    ZegoError,
)
from bot.models import Recording, RecordingDetails, RecordingFile, TaskPage, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Received:
    """What is known about an answer besides its status and content.

    Args:
        as_of_ms: when the request was sent (Unix ms): the data is at least that fresh.
        retry_after_seconds: from `Retry-After`, 0 where absent.
        skew_seconds: the vendor's clock minus ours, from `Date`; None where absent.
    """

    as_of_ms: int = 0
    retry_after_seconds: float = 0.0
    skew_seconds: float | None = None


def parse_retry_after(value: str, now: float) -> float:
    """Seconds to wait from a `Retry-After` header: a number, or a date to compare with `now` (Unix seconds).

    0 for a text that is neither, and for a moment that has passed.
    """
    try:
        seconds = float(value)
    except ValueError:
        seconds = (_http_date(value) or now) - now
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def parse_skew(date: str, sent: float, answered: float) -> float | None:
    """The vendor's clock minus ours in seconds, within about half a second plus half the round trip.

    Args:
        date: the answer's `Date` header, which drops the fraction of its second.
        sent: when the request left, by our clock (Unix seconds).
        answered: when the answer came, by our clock.
    """
    theirs = _http_date(date)
    return None if theirs is None else theirs + 0.5 - (sent + answered) / 2


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


CODES: dict[int, type[ZegoError]] = {
    1: ZegoBusyError,
    2: InvalidParameterError,
    3: GatewayRefusedError,
    7: RateLimitedError,
    **dict.fromkeys(range(100000000, 100000015), MalformedRequestError),
    100000004: SignatureExpiredError,
    100000005: InvalidSignatureError,
    100000015: ZegoBusyError,
    100000016: NotEnabledError,
    100000017: NotEnabledError,
    300000002: NotEnabledError,
    300000003: RateLimitedError,
    300000004: InvalidParameterError,
    300000005: GatewayRefusedError,
    300000006: CapacityError,
    300001000: TaskNotFoundError,
    300001001: TaskStoppedError,
    300001004: TaskNotPausedError,
    300010000: ZegoBusyError,
}
"""Every return code that the vendor documents for reading recordings, and its exception."""

_TOO_MANY, _SERVER_ERROR = 429, 500


def error_of_http(status: int) -> type[ZegoError]:
    """What an HTTP status from 400 on stands for, where there is no code that says more."""
    if status == _TOO_MANY:
        return RateLimitedError
    return ZegoBusyError if status >= _SERVER_ERROR else MalformedRequestError


_Moment = Annotated[int, msgspec.Meta(ge=0, le=253402300799999)]
"""Unix ms up to the year 9999: what dates can be made of."""

_REDIRECT, _CLIENT_ERROR = 300, 400
_CREDENTIAL = re.compile(r"[0-9A-Fa-f]{16,}")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may be logged as a task's ID."""

_UNKNOWN = Received()


class _Envelope(msgspec.Struct, rename="pascal"):
    code: int
    message: str | None = None
    request_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Task(msgspec.Struct, rename="pascal"):
    task_id: str
    room_id: str
    status: int
    record_begin_timestamp: _Moment


class _TaskList(msgspec.Struct, Generic[T], rename="pascal"):
    total_count: Annotated[int, msgspec.Meta(ge=0)]
    taskid_list: list[T] | None = None
    task_list: list[T] | None = None


class _TaskId(msgspec.Struct, rename="pascal"):
    task_id: str


class _File(msgspec.Struct, rename="pascal"):
    user_id: str | None = None
    user_name: str | None = None
    stream_id: str | None = None
    file_id: str | None = None
    video_id: str | None = None
    file_url: str | None = None
    output_file_format: str | None = None
    file_size: int | None = None
    duration: int | None = None
    resolution_width: int | None = None
    resolution_height: int | None = None
    media_track_type: int | None = None
    begin_timestamp: _Moment | None = None
    status: int | None = None


class _RecordStatus(msgspec.Struct, Generic[T], rename="pascal"):
    room_id: str
    status: int
    record_mode: int | None = None
    stream_type: int | None = None
    record_begin_timestamp: _Moment | None = None
    record_end_timestamp: _Moment | None = None
    record_files: list[T] | None = None


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_task_decoder = msgspec.json.Decoder(_Task)
_task_id_decoder = msgspec.json.Decoder(_TaskId)
_file_decoder = msgspec.json.Decoder(_File)
_task_list_decoder = msgspec.json.Decoder(_TaskList[_Task])
_record_status_decoder = msgspec.json.Decoder(_RecordStatus[_File])
_raw_task_list_decoder = msgspec.json.Decoder(_TaskList[msgspec.Raw])
_raw_record_status_decoder = msgspec.json.Decoder(_RecordStatus[msgspec.Raw])


def decode_tasks(status: int, content: bytes, *, page: int = 1, received: Received = _UNKNOWN) -> TaskPage:
    """Decode an answer to DescribeTasks.

    The list's key has been seen as `TaskidList` and as `TaskList`: both are read. `total` is the vendor's,
    which may be more than the pages hold. Unknown fields and status numbers pass. A row that cannot be read
    is left out.

    Args:
        status: the HTTP status.
        content: the body.
        page: which page was asked for.
        received: what else is known about the answer.

    Raises:
        ZegoError: of the class that the answer's code, else its HTTP status, stands for;
            ZegoBadAnswerError where the answer is not what the API promises.
    """
    envelope = _open(status, content, received)
    request_id = envelope.request_id or ""
    data: _TaskList[Any]
    unreadable: list[Unreadable] = []
    try:
        data = _decode(_task_list_decoder, envelope.data, "$.Data", status, request_id)
        rows: Sequence[_Task] = data.taskid_list or data.task_list or ()
    except ZegoBadAnswerError:
        data = _decode(_raw_task_list_decoder, envelope.data, "$.Data", status, request_id)
        key = "TaskidList" if data.taskid_list else "TaskList"
        rows, unreadable = _each(_task_decoder, data.taskid_list or data.task_list, f"$.Data.{key}")
    if data.taskid_list is None and data.task_list is None and data.total_count and page == 1:
        raise ZegoBadAnswerError(
            "it counts tasks but has neither `TaskidList` nor `TaskList`",
            http_status=status,
            request_id=request_id,
        )
    return TaskPage(
        total=data.total_count,
        recordings=tuple(
            Recording(row.task_id, row.room_id, row.status, row.record_begin_timestamp) for row in rows
        ),
        page=page,
        request_id=request_id,
        as_of_ms=received.as_of_ms,
        unreadable=tuple(unreadable),
    )


def decode_record_status(
    status: int, content: bytes, *, task_id: str, received: Received = _UNKNOWN
) -> RecordingDetails:
    """Decode an answer to DescribeRecordStatus about `task_id` (the answer itself does not name it).

    An end of 0 means that there is none yet. A file that cannot be read is left out. Arguments and errors are
    those of `decode_tasks`.
    """
    envelope = _open(status, content, received)
    request_id = envelope.request_id or ""
    data: _RecordStatus[Any]
    unreadable: list[Unreadable] = []
    try:
        data = _decode(_record_status_decoder, envelope.data, "$.Data", status, request_id)
        files: Sequence[_File] = data.record_files or ()
    except ZegoBadAnswerError:
        data = _decode(_raw_record_status_decoder, envelope.data, "$.Data", status, request_id)
        files, unreadable = _each(_file_decoder, data.record_files, "$.Data.RecordFiles")
    return RecordingDetails(
        task_id=task_id,
        room_id=data.room_id,
        status=data.status,
        began_ms=data.record_begin_timestamp,
        ended_ms=data.record_end_timestamp or None,
        mode=data.record_mode,
        stream_type=data.stream_type,
        files=tuple(map(_file, files)),
        request_id=request_id,
        as_of_ms=received.as_of_ms,
        unreadable=tuple(replace(file, task_id=task_id) for file in unreadable),
    )


def _each(
    decoder: msgspec.json.Decoder[T], parts: Sequence[msgspec.Raw] | None, at: str
) -> tuple[list[T], list[Unreadable]]:
    """Read each by itself: those that can be, and what is wrong with the others."""
    read: list[T] = []
    unreadable: list[Unreadable] = []
    for place, part in enumerate(parts or ()):
        try:
            read.append(_decode(decoder, part, f"{at}[{place}]", 0))
        except ZegoBadAnswerError as error:
            task_id = _task_id_of(part)
            unreadable.append(Unreadable(task_id or sha256(part).hexdigest(), task_id, error.what))
    return read, unreadable


def _task_id_of(row: msgspec.Raw) -> str:
    """The ID of the task in a row that cannot be read otherwise; empty where it is none either."""
    try:
        task_id = _task_id_decoder.decode(row).task_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return task_id if _TASK_ID.fullmatch(task_id) else ""


def _file(file: _File) -> RecordingFile:
    return RecordingFile(
        stream_id=file.stream_id or "",
        user_id=file.user_id or "",
        user_name=file.user_name or "",
        file_id=file.file_id or "",
        video_id=file.video_id or "",
        url=file.file_url or "",
        format=file.output_file_format or "",
        size_bytes=file.file_size,
        duration_ms=file.duration,
        width=file.resolution_width,
        height=file.resolution_height,
        track=file.media_track_type,
        began_ms=file.begin_timestamp,
        status=file.status,
    )


def _open(status: int, content: bytes, received: Received) -> _Envelope:
    """The envelope of a successful answer. A known code decides before the HTTP status does."""
    if _REDIRECT <= status < _CLIENT_ERROR:
        raise ZegoBadAnswerError("a redirect to another address", http_status=status)
    try:
        envelope = _decode(_envelope_decoder, content, "$", status)
    except ZegoBadAnswerError:
        if status >= _CLIENT_ERROR:
            raise error_of_http(status)(
                http_status=status,
                retry_after_seconds=received.retry_after_seconds,
                skew_seconds=received.skew_seconds,
            ) from None
        raise
    kind = CODES.get(envelope.code)
    if kind is None and status >= _CLIENT_ERROR:
        kind = error_of_http(status)
    if kind is not None or envelope.code:
        raise (kind or UnknownCodeError)(
            envelope.code,
            _without_credentials(envelope.message or ""),
            request_id=envelope.request_id or "",
            http_status=status,
            retry_after_seconds=received.retry_after_seconds,
            skew_seconds=received.skew_seconds,
        )
    if bytes(envelope.data) == b"null":
        raise ZegoBadAnswerError(
            "it says success but has no `Data`", http_status=status, request_id=envelope.request_id or ""
        )
    return envelope


def _decode(
    decoder: msgspec.json.Decoder[T],
    content: bytes | msgspec.Raw,
    at: str,
    http_status: int,
    request_id: str = "",
) -> T:
    """Decode, or raise an error that names the place in the answer and never its content."""
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        what = f"{text[:1].lower()}{text[1:]} at `{at}{path.rstrip('`')}`"
    except (msgspec.DecodeError, UnicodeDecodeError):
        what = "it is not JSON, or ends too early"
    except RecursionError:
        what = "it is nested too deeply"
    raise ZegoBadAnswerError(what, http_status=http_status, request_id=request_id)


def _without_credentials(text: str) -> str:
    """Hide what may be an echoed signature or nonce: a long run of hex digits."""
    return _CREDENTIAL.sub("…", text)
