"""What is asked of the vendor, in its words: requests, and how they are signed (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar

import msgspec

SIGNATURE_VERSION = "2.0"
PAGE_SIZE = 50
"""Rows on a page: the most that DescribeTasks allows (vendor docs)."""


class TaskFilter(IntEnum):
    """What DescribeTasks can be asked for. Which rows of other statuses each returns is undocumented."""

    ONGOING = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class DescribeTasks:
    """One page of the tasks that STARTED between two moments (Unix ms), 50 rows a page.

    Vendor docs: `start_ms` at most 3 days ago, `end_ms` later than it by at most 3 days. `room_id` None asks
    for all rooms. `page` counts from 1.
    """

    action: ClassVar[str] = "DescribeTasks"

    filter: TaskFilter
    start_ms: int
    end_ms: int
    room_id: str | None = None
    page: int = 1

    def __post_init__(self) -> None:
        if self.room_id == "":
            raise ValueError("an empty room_id would ask for all rooms; say None to mean that")


@dataclass(frozen=True, slots=True)
class DescribeRecordStatus:
    """One task, with its files. Vendor docs: only tasks that started within the last 3 days."""

    action: ClassVar[str] = "DescribeRecordStatus"

    task_id: str


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
    request: DescribeTasks | DescribeRecordStatus,
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
    return SignedRequest(params=params, body=msgspec.json.encode(_fields(request)))


def _fields(request: DescribeTasks | DescribeRecordStatus) -> dict[str, Any]:
    if isinstance(request, DescribeRecordStatus):
        return {"TaskId": request.task_id}
    room = {} if request.room_id is None else {"RoomId": request.room_id}
    return {
        "Status": int(request.filter),
        **room,
        "PageOffset": request.page,
        "PageSize": PAGE_SIZE,
        "StartTime": request.start_ms,
        "EndTime": request.end_ms,
    }
