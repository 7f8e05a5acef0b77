"""The one source of time that is handed to everything; the sandbox and the tests set it and speed it up."""

from __future__ import annotations

import math
import time
from datetime import datetime
from typing import Protocol

LAST_SECOND = 253_402_300_799.0
"""9999-12-31T23:59:59Z, the end of Python's dates, in Unix seconds."""


class Clock(Protocol):
    """What the bot asks of a clock. Calls on the network are paced by the event loop's time instead."""

    def now(self) -> float:
        """Wall-clock time, Unix seconds."""

    def monotonic(self) -> float:
        """Elapsed seconds that no change of the wall clock moves: for ages and time-to-live."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Wall-clock time, Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Elapsed seconds, from an arbitrary start."""
        return time.monotonic()


class AdjustableClock:
    """A clock that can start anywhere, run at another speed and be moved.

    Args:
        start: Unix seconds to start from; the machine's time when absent.
        rate: how many seconds pass in one real second; 0 stands still.
        anchor: the machine's Unix time at which this clock shows `start`. Processes that are given the
            same three numbers show the same time.
    """

    def __init__(self, start: float | None = None, rate: float = 1.0, anchor: float | None = None) -> None:
        self._anchor = time.time() if anchor is None else anchor
        self._start = self._anchor if start is None else start
        self._rate = rate
        self._elapsed_start = 0.0
        self._elapsed_anchor = time.monotonic()

    def now(self) -> float:
        """Wall-clock time, Unix seconds."""
        return self._start + (time.time() - self._anchor) * self._rate

    def monotonic(self) -> float:
        """Elapsed seconds; `advance` moves it, `set` does not."""
        return self._elapsed_start + (time.monotonic() - self._elapsed_anchor) * self._rate

    def set(self, now: float) -> None:
        """Show `now` (Unix seconds) from here on, as when somebody changes a machine's clock."""
        self._start, self._anchor = now, time.time()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._start += seconds
        self._elapsed_start += seconds

    def set_rate(self, rate: float) -> None:
        """Go on from the present moment at another speed."""
        self._start, self._elapsed_start = self.now(), self.monotonic()
        self._anchor, self._elapsed_anchor = time.time(), time.monotonic()
        self._rate = rate

    def spec(self) -> str:
        """Text from which `clock_from` makes a clock that shows the same time in another process."""
        return f"{self._start!r}@{self._anchor!r}*{self._rate!r}"


def clock_from(spec: str) -> Clock:
    """Make the clock that `spec` describes.

    Args:
        spec: empty for the machine's clock; else `START[@ANCHOR][*RATE]`, START and ANCHOR in Unix seconds
            or ISO 8601 with an offset: `2026-11-23T09:00:00Z*60` starts there and runs 60 times as fast.

    Raises:
        ValueError: the text is none of these.
    """
    if not spec:
        return SystemClock()
    rest, star, rate_text = spec.partition("*")
    start, at, anchor = rest.partition("@")
    rate = float(rate_text) if star else 1.0
    if not math.isfinite(rate) or rate < 0:
        raise ValueError(f"{rate_text!r} is no speed: 0 stands still, 60 runs 60 times as fast")
    return AdjustableClock(
        start=_unix_seconds(start) if start else None,
        rate=rate,
        anchor=_unix_seconds(anchor) if at else None,
    )


def _unix_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(f"{text!r} needs an offset, such as Z") from None
        seconds = moment.timestamp()
    if not 0 <= seconds <= LAST_SECOND:
        raise ValueError(f"{text!r} is not between 1970 and 9999")
    return seconds
