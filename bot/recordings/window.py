"""How far the vendor's API can see at a moment, and which stretches of time a question asks it for (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.models import API_HISTORY_MS
from bot.query.parser import resolve_window

if TYPE_CHECKING:
    from bot.query.terms import RecordingQuery
    from bot.query.times import Window
    from bot.recordings.page import Question


MARGIN_MS = 130_000
"""Kept clear of the vendor's limit of 3 days: longer than one question may take, for every request names the
same window however late it is sent."""

STEP_MS = 60_000
"""The far end moves in steps, so that clicks on one answer ask for the same window and can share it."""

WORTH_TELLING_MS = 5 * 60_000
"""A window that reaches back less than this beyond what can be seen is cut without a note."""

SIGNATURE_TOLERANCE_MS = 600_000
"""The vendor's clock is at most this far from ours, or it refuses every request (vendor docs)."""

SKEW_ERROR_MS = 3_000
"""How far the vendor's clock may be from where it is taken to be: its `Date` has whole seconds, and a known
difference is kept while the measure wavers by two. The window's end is extended by this much."""

SKEW_TOLD_MS = 60_000
"""Clocks further apart than this are worth a sentence: times are shown in minutes."""


@dataclass(frozen=True, slots=True)
class VisibleRange:
    """What the API can be asked for by a question of one moment. Times are Unix ms of the vendor's clock.

    Attributes:
        earliest_ms: the earliest start.
        skew_ms: the vendor's clock minus ours: what begins now has a start that is so much later. 0 while
            unknown.
        now_ms: the moment of asking, moved on in steps to our now: that moment itself while it is under a
            step ago.
    """

    earliest_ms: int
    skew_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of starts to ask for, Unix ms, both ends included."""

    start_ms: int
    end_ms: int

    def __contains__(self, began_ms: int) -> bool:
        return self.start_ms <= began_ms <= self.end_ms


@dataclass(frozen=True, slots=True)
class RequestedRange:
    """The stretches of time that one question asks for.

    Attributes:
        window: what was asked, by the vendor's clock where it means now, cut to what can be seen; uncut where
            nothing of it can.
        span: the same for the API; None where nothing can be seen.
        everything: all that can be seen, for what still runs.
        sees_back_to_ms: how far back the API can see, where the window reaches noticeably further.
    """

    window: Window
    span: Span | None
    everything: Span
    sees_back_to_ms: int | None


def visible_range(asked_ms: int, now_ms: int, skew_ms: int | None) -> VisibleRange:
    """What can be seen at `now_ms` by a question asked at `asked_ms`.

    Args:
        asked_ms: the far end moves on from this moment in steps.
        now_ms: our clock.
        skew_ms: the vendor's clock minus ours; None while unknown: then any skew that signatures allow.
    """
    steps = max(0, now_ms - asked_ms) // STEP_MS
    worst_ms = SIGNATURE_TOLERANCE_MS if skew_ms is None else skew_ms
    moved_ms = asked_ms + steps * STEP_MS
    earliest_ms = moved_ms + STEP_MS + worst_ms - API_HISTORY_MS + MARGIN_MS
    return VisibleRange(earliest_ms, skew_ms or 0, moved_ms)


def requested_range(question: Question, asked_ms: int, sees: VisibleRange) -> RequestedRange:
    """Resolve a question's window and cut it to what can be seen.

    The vendor stamps starts with its own clock, so that is the one by which `now` and `the last 5 minutes`
    are meant. What was typed as a date or time stays as it is.

    Raises:
        QueryError: the window means nothing at that moment.
    """
    asked_now = sees.now_ms <= asked_ms
    typed = resolve_window(question.query, asked_ms / 1000, question.zone, asked_now=asked_now)
    window = _by_their_clock(typed, question.query, asked_ms, sees.skew_ms)
    error_ms = SKEW_ERROR_MS if sees.skew_ms else 0
    until_ms = window.end_ms + (error_ms if typed.end_ms >= asked_ms else 0)
    start_ms = max(window.start_ms, sees.earliest_ms)
    span = Span(start_ms, min(until_ms, start_ms + API_HISTORY_MS))
    latest_ms = max(asked_ms + sees.skew_ms + error_ms, until_ms)
    everything = Span(sees.earliest_ms, min(latest_ms, sees.earliest_ms + API_HISTORY_MS))
    if span.end_ms <= span.start_ms:
        return RequestedRange(window, None, everything, sees.earliest_ms)
    far = sees.earliest_ms - window.start_ms > WORTH_TELLING_MS
    return RequestedRange(
        replace(window, start_ms=span.start_ms), span, everything, sees.earliest_ms if far else None
    )


def skew_note(skew_ms: int) -> str:
    """What a reader has to know of a vendor's clock that is so far from ours; empty when it is close."""
    if abs(skew_ms) <= SKEW_TOLD_MS:
        return ""
    side = "behind" if skew_ms > 0 else "ahead of"
    return f"This bot's clock is {abs(skew_ms) / 60_000:.0f} min {side} ZEGOCLOUD's; times are ZEGOCLOUD's."


def _by_their_clock(window: Window, query: RecordingQuery, asked_ms: int, skew_ms: int) -> Window:
    """Move the ends that depend on the moment of asking; not where that would leave nothing between them."""
    start_ms = window.start_ms + (skew_ms if query.start is None else 0)
    end_ms = window.end_ms + (skew_ms if window.end_ms >= asked_ms else 0)
    return replace(window, start_ms=start_ms, end_ms=end_ms) if start_ms < end_ms else window
