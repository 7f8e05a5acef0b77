"""What the vendor answers: decoded, or raised as the error that its code stands for (pure)."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec

from bot.errors import UnknownCodeError, ZegoBadAnswerError
from bot.models import Recording, RecordingDetails, RecordingFile, TaskPage
from bot.zegocloud.codes import CODES, error_of_http
from bot.zegocloud.headers import Received

_T = TypeVar("_T")
_Moment = Annotated[int, msgspec.Meta(ge=0, le=253402300799999)]
"""Unix ms up to the year 9999: what dates can be made of."""

_REDIRECT, _CLIENT_ERROR = 300, 400
_CREDENTIAL = re.compile(r"[0-9A-Fa-f]{16,}")


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


class _TaskList(msgspec.Struct, rename="pascal"):
    total_count: Annotated[int, msgspec.Meta(ge=0)]
    taskid_list: list[_Task] | None = None
    task_list: list[_Task] | None = None


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


class _RecordStatus(msgspec.Struct, rename="pascal"):
    room_id: str
    status: int
    record_mode: int | None = None
    stream_type: int | None = None
    record_begin_timestamp: _Moment | None = None
    record_end_timestamp: _Moment | None = None
    record_files: list[_File] | None = None


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_task_list_decoder = msgspec.json.Decoder(_TaskList)
_record_status_decoder = msgspec.json.Decoder(_RecordStatus)


def decode_tasks(status: int, content: bytes, *, page: int = 1, received: Received = _UNKNOWN) -> TaskPage:
    """Decode an answer to DescribeTasks.

    The list's key has been seen as `TaskidList` and as `TaskList`: both are read. `total` is the vendor's,
    which may be more than the pages hold. Unknown fields and status numbers pass.

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
    data = _decode(_task_list_decoder, envelope.data, "$.Data", status, request_id)
    if data.taskid_list is None and data.task_list is None and data.total_count and page == 1:
        raise ZegoBadAnswerError(
            "it counts tasks but has neither `TaskidList` nor `TaskList`",
            http_status=status,
            request_id=request_id,
        )
    rows = data.taskid_list or data.task_list or ()
    return TaskPage(
        total=data.total_count,
        recordings=tuple(
            Recording(row.task_id, row.room_id, row.status, row.record_begin_timestamp) for row in rows
        ),
        page=page,
        request_id=request_id,
        as_of_ms=received.as_of_ms,
    )


def decode_record_status(
    status: int, content: bytes, *, task_id: str, received: Received = _UNKNOWN
) -> RecordingDetails:
    """Decode an answer to DescribeRecordStatus about `task_id` (the answer itself does not name it).

    An end of 0 means that there is none yet. Arguments and errors are those of `decode_tasks`.
    """
    envelope = _open(status, content, received)
    request_id = envelope.request_id or ""
    data = _decode(_record_status_decoder, envelope.data, "$.Data", status, request_id)
    return RecordingDetails(
        task_id=task_id,
        room_id=data.room_id,
        status=data.status,
        began_ms=data.record_begin_timestamp,
        ended_ms=data.record_end_timestamp or None,
        mode=data.record_mode,
        stream_type=data.stream_type,
        files=tuple(_file(file) for file in data.record_files or ()),
        request_id=request_id,
        as_of_ms=received.as_of_ms,
    )


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
    decoder: msgspec.json.Decoder[_T],
    content: bytes | msgspec.Raw,
    at: str,
    http_status: int,
    request_id: str = "",
) -> _T:
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
