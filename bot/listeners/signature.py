"""Whether a delivery over HTTP is Slack's: decided on its bytes, before anything in it is read."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config_values import Secret

TOLERANCE_SECONDS = 300
"""How old a delivery may be, or how far ahead its clock (Slack docs, verifying requests)."""

MOST_FIELDS = 20
"""Of a form that is looked at although it is not signed."""

_TIMESTAMP = re.compile("[0-9]{1,12}")


def is_from_slack(secret: Secret, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Check a delivery's signature and its time, whatever its headers hold.

    Args:
        secret: the app's signing secret.
        headers: of the request, whatever their capitals.
        body: exactly as it came.
        now: Unix seconds; the machine's own where it is not given, as Slack does not know another.
    """
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = b"v0:%b:%b" % (timestamp.encode(), body)
    expected = f"v0={hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()}"
    given = headers.get("X-Slack-Signature", "")
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogateescape"))


def is_certificate_check(body: bytes) -> bool:
    """Whether Slack only looks whether TLS works: it signs nothing then, and wants a 200 (Slack docs)."""
    return b"ssl_check=1" in body.split(b"&", MOST_FIELDS)
