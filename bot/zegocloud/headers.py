"""What an answer's headers tell: the vendor's clock, and when to ask again (pure)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


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
