"""What the vendor can be asked, in its words: its actions, and how requests are signed (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from bot.models import RecordingDetails, TaskPage
from bot.zegocloud.decoding import decode_record_status, decode_tasks

if TYPE_CHECKING:
    from bot.zegocloud.decoding import Received

T = TypeVar("T")

SIGNATURE_VERSION = "2.0"
PAGE_SIZE = 50
"""Rows on a page: the most that DescribeTasks allows (vendor docs)."""

FINAL_SECONDS = 3600.0
"""How long the details of a task that can't change any more are kept."""


class TaskFilter(IntEnum):
    """What DescribeTasks can be asked for. Which rows of other statuses each returns is undocumented."""

    ONGOING = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One of the vendor's actions with its parameters. Equal requests share an answer.

    Attributes:
        action: the vendor's name for it.
        repeatable: whether it may be sent again when no answer came: it changes nothing at the vendor.
        part: what an answer has several of, each of which may be unreadable.
    """

    action: ClassVar[str]
    repeatable: ClassVar[bool]
    part: ClassVar[str]

    def body(self) -> dict[str, Any]:
        """The parameters, as the vendor names them."""
        raise NotImplementedError

    def decode(self, status: int, content: bytes, received: Received) -> T:
        """The answer.

        Raises:
            ZegoError: as `decode_tasks` says.
        """
        raise NotImplementedError

    def lifetime_seconds(self, _: T, usual_seconds: float) -> float:
        """How long an answer may be kept."""
        return usual_seconds


@dataclass(frozen=True, slots=True)
class DescribeTasks(Request[TaskPage]):
    """One page of the tasks that STARTED between two moments (Unix ms), 50 rows a page.

    Vendor docs: `start_ms` at most 3 days ago, `end_ms` later than it by at most 3 days. `room_id` None asks
    for all rooms. `page` counts from 1.
    """

    action = "DescribeTasks"
    repeatable = True
    part = "recording"

    filter: TaskFilter
    start_ms: int
    end_ms: int
    room_id: str | None = None
    page: int = 1

    def __post_init__(self) -> None:
        if self.room_id == "":
            raise ValueError("an empty room_id would ask for all rooms; say None to mean that")

    def body(self) -> dict[str, Any]:
        room = {} if self.room_id is None else {"RoomId": self.room_id}
        return {
            "Status": int(self.filter),
            **room,
            "PageOffset": self.page,
            "PageSize": PAGE_SIZE,
            "StartTime": self.start_ms,
            "EndTime": self.end_ms,
        }

    def decode(self, status: int, content: bytes, received: Received) -> TaskPage:
        return decode_tasks(status, content, page=self.page, received=received)


@dataclass(frozen=True, slots=True)
class DescribeRecordStatus(Request[RecordingDetails]):
    """One task, with its files. Vendor docs: only tasks that started within the last 3 days."""

    action = "DescribeRecordStatus"
    repeatable = True
    part = "file"

    task_id: str

    def body(self) -> dict[str, Any]:
        return {"TaskId": self.task_id}

    def decode(self, status: int, content: bytes, received: Received) -> RecordingDetails:
        return decode_record_status(status, content, task_id=self.task_id, received=received)

    def lifetime_seconds(self, details: RecordingDetails, usual_seconds: float) -> float:
        """Longer where nothing about the task can change."""
        return FINAL_SECONDS if details.is_final else usual_seconds


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request ready to be sent once, by POST: its query parameters and its JSON body."""

    params: dict[str, str] = field(repr=False)
    body: bytes


def sign(app_id: int, nonce: str, server_secret: str, timestamp: int) -> str:
    """The signature of one request (vendor docs): MD5 of the four, concatenated, in lower-case hex.

    Args:
        app_id: the AppId.
        nonce: 16 hex digits, new for every request, a retry included.
        server_secret: the ServerSecret.
        timestamp: Unix seconds; the vendor accepts 10 minutes of error.
    """
    text = f"{app_id}{nonce}{server_secret}{timestamp}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def build_request(
    request: Request[Any],
    *,
    app_id: int,
    server_secret: str,
    nonce: str,
    timestamp: int,
) -> SignedRequest:
    """Sign a request. The result is good for one sending: a retry needs another nonce and timestamp."""
    params = {
        "Action": request.action,
        "AppId": str(app_id),
        "SignatureNonce": nonce,
        "Timestamp": str(timestamp),
        "SignatureVersion": SIGNATURE_VERSION,
        "Signature": sign(app_id, nonce, server_secret, timestamp),
    }
    return SignedRequest(params=params, body=msgspec.json.encode(request.body()))
