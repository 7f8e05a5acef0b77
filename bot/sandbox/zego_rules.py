"""What the simulated vendor refuses: common parameters, signature, and the rules of each body (pure).

An independent second reading of the vendor's documentation: it shares no code with the bot's own client.
Codes of common parameters: the vendor's page of common return codes. The vendor does not say which code a
malformed or reused nonce has, or an unknown AppId: those are marked below.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.models import API_HISTORY_MS, ENDED, ONGOING
from bot.sandbox.recording_life import TASK_ID_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACTIONS = ("DescribeTasks", "DescribeRecordStatus")
CLOCK_TOLERANCE_SECONDS = 600
INVALID_PARAMETER = 300000004
UNREADABLE_BODY = 2
TASK_NOT_FOUND = 300001000
_LARGEST_PAGE = 50
_LONGEST_ROOM_ID_BYTES = 128
_LARGEST_APP_ID = 2**32 - 1

# Name, pattern, code when empty, code when wrong. The vendor's page has no code for a SignatureNonce of
# another shape (unverified); a Signature of another shape can only be invalid.
_COMMON_PARAMETERS = (
    ("Action", "|".join(ACTIONS), 100000006, 100000007),
    ("AppId", "[0-9]{1,10}", 100000001, 100000001),
    ("Timestamp", "[0-9]{1,12}", 100000002, 100000003),
    ("SignatureNonce", "[0-9a-f]{16}", 100000008, 100000008),
    ("Signature", "[0-9a-f]{32}", 100000009, 100000005),
    ("SignatureVersion", r"2\.0", 100000013, 100000014),
)


class RefusedError(Exception):
    """The vendor's answer is an error: its code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class TasksQuestion:
    """A lawful body of DescribeTasks; times in milliseconds."""

    status: int
    room_id: str | None
    page: int
    size: int
    from_ms: int
    to_ms: int


def sign(app_id: int, nonce: str, server_secret: str, timestamp: int) -> str:
    """The signature that belongs to a request (vendor docs, signature version 2.0)."""
    text = f"{app_id}{nonce}{server_secret}{timestamp}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def check_common(query: Mapping[str, Sequence[str]], *, app_id: int, server_secret: str, now: float) -> None:
    """Check the query string; each value is the list of what was sent under that name.

    Raises:
        RefusedError: with the code of the first thing that is wrong, in the order the gateway looks.
    """
    given = {name: values[0] if len(values) == 1 else "" for name, values in query.items()}
    for name, pattern, code_when_empty, code_when_wrong in _COMMON_PARAMETERS:
        value = given.get(name, "")
        if not value:
            raise RefusedError(code_when_empty, f"{name} is empty")
        if not re.fullmatch(pattern, value):
            raise RefusedError(code_when_wrong, f"{name} cannot be read")
    if int(given["AppId"]) > _LARGEST_APP_ID:
        raise RefusedError(100000001, "AppId cannot be read")
    timestamp = int(given["Timestamp"])
    if abs(now - timestamp) > CLOCK_TOLERANCE_SECONDS:
        raise RefusedError(100000004, "signature expired")
    expected = sign(app_id, given["SignatureNonce"], server_secret, timestamp)
    # An AppId that does not exist may have code 100000010 at the vendor (unverified).
    if given["AppId"] != str(app_id) or given["Signature"] != expected:
        raise RefusedError(100000005, "invalid signature")


def check_tasks_body(body: Mapping[str, Any], now_ms: int) -> TasksQuestion:
    """Read the body of DescribeTasks.

    Raises:
        RefusedError: a field is missing, of another type, or outside what the vendor allows.
    """
    status = _integer(body, "Status")
    if status not in (ONGOING, ENDED):
        raise RefusedError(INVALID_PARAMETER, "Status can only be 2 or 3")
    from_ms, to_ms = _integer(body, "StartTime"), _integer(body, "EndTime")
    if from_ms < now_ms - API_HISTORY_MS:
        raise RefusedError(INVALID_PARAMETER, "StartTime is earlier than 3 days before now")
    if to_ms <= from_ms:
        raise RefusedError(INVALID_PARAMETER, "EndTime must be greater than StartTime")
    if to_ms - from_ms > API_HISTORY_MS:
        raise RefusedError(INVALID_PARAMETER, "the time span exceeds 3 days")
    page = _integer(body, "PageOffset", default=1)
    if page < 0:
        raise RefusedError(INVALID_PARAMETER, "PageOffset must not be negative")
    size = _integer(body, "PageSize", default=_LARGEST_PAGE)
    if not 1 <= size <= _LARGEST_PAGE:
        raise RefusedError(INVALID_PARAMETER, f"PageSize must be from 1 to {_LARGEST_PAGE}")
    room_id = body.get("RoomId", "")
    if not isinstance(room_id, str) or not room_id.isascii() or len(room_id) > _LONGEST_ROOM_ID_BYTES:
        raise RefusedError(INVALID_PARAMETER, "RoomId is not a room ID")
    # Unverified: an empty RoomId counts as one that was not filled in.
    return TasksQuestion(status, room_id or None, page or 1, size, from_ms, to_ms)


def check_status_body(body: Mapping[str, Any]) -> str:
    """Read the body of DescribeRecordStatus: its task ID.

    Raises:
        RefusedError: there is none, or it does not have a task ID's length.
    """
    task_id = body.get("TaskId")
    if not isinstance(task_id, str) or len(task_id.encode()) != TASK_ID_LENGTH:
        raise RefusedError(INVALID_PARAMETER, f"TaskId must be a string of {TASK_ID_LENGTH} bytes")
    return task_id


def _integer(body: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(INVALID_PARAMETER, f"{name} must be an integer")
    return value
