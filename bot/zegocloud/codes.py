"""The vendor's return codes, and HTTP's where there is none: which error each stands for (pure)."""

from __future__ import annotations

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
    ZegoBusyError,
    ZegoError,
)

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
