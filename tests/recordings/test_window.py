"""How far back can be asked, at any moment and with any clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models import API_HISTORY_MS
from bot.query.parser import parse_query
from bot.recordings.page import Question
from bot.recordings.window import (
    MARGIN_MS,
    SIGNATURE_TOLERANCE_MS,
    SKEW_ERROR_MS,
    STEP_MS,
    requested_range,
    skew_note,
    visible_range,
)
from tests.world import HOUR_MS, MINUTE_MS, NOW, NOW_MS

moments = st.integers(NOW_MS - 30 * 24 * HOUR_MS, NOW_MS)
skews = st.integers(-SIGNATURE_TOLERANCE_MS, SIGNATURE_TOLERANCE_MS)


@given(asked_ms=moments, later_ms=st.integers(0, 90 * 24 * HOUR_MS), skew_ms=skews, known=st.booleans())
def test_the_far_end_stays_inside_the_vendors_three_days_as_long_as_a_question_takes(
    asked_ms: int, later_ms: int, skew_ms: int, known: bool
) -> None:
    now_ms = asked_ms + later_ms
    sees = visible_range(asked_ms, now_ms, skew_ms if known else None)
    limit_ms = now_ms + skew_ms - API_HISTORY_MS
    assert sees.earliest_ms >= limit_ms + MARGIN_MS
    if known:
        assert sees.earliest_ms <= limit_ms + MARGIN_MS + STEP_MS


def test_clicks_within_a_minute_ask_for_the_same_window() -> None:
    assert visible_range(NOW_MS, NOW_MS, 0) == visible_range(NOW_MS, NOW_MS + STEP_MS - 1, 0)
    assert visible_range(NOW_MS, NOW_MS, 0) != visible_range(NOW_MS, NOW_MS + STEP_MS, 0)


@pytest.mark.parametrize(
    ("later_ms", "asked_now"), [(0, True), (STEP_MS - 1, True), (STEP_MS, False), (240 * HOUR_MS, False)]
)
def test_a_question_is_of_now_for_a_minute(later_ms: int, asked_now: bool) -> None:
    sees = visible_range(NOW_MS, NOW_MS + later_ms, 0)
    assert NOW_MS + later_ms - STEP_MS < sees.now_ms <= NOW_MS + later_ms
    found = requested_range(Question(parse_query("last=6h", NOW, "UTC"), "UTC"), NOW_MS, sees)
    assert found.window.asked_now is asked_now


@pytest.mark.parametrize(
    ("text", "sees_back", "spanned"),
    [
        ("last=6h", False, True),
        ("last=3d", False, True),  # cut by minutes, which is not worth a word
        ("last=73h", True, True),
        ("from=2020-01-01 to=2020-01-02", True, False),
        ("from=2026-11-20T07:00Z to=2026-11-20T07:02Z", True, False),
        ("from=2026-11-20T07:00Z to=2026-11-20T07:30Z", False, True),
    ],
)
def test_what_is_cut_and_what_is_said_of_it(text: str, sees_back: bool, spanned: bool) -> None:
    found = requested_range(
        Question(parse_query(text, NOW, "UTC"), "UTC"), NOW_MS, visible_range(NOW_MS, NOW_MS, 0)
    )
    assert (found.sees_back_to_ms is not None) == sees_back
    assert (found.span is not None) == spanned
    if found.span:
        assert found.window.start_ms == found.span.start_ms >= found.everything.start_ms
        assert 0 < found.span.end_ms - found.span.start_ms <= API_HISTORY_MS
        assert found.span.end_ms <= found.everything.end_ms


SKEWS_MS = [-9 * MINUTE_MS, -5_000, 0, 5_000, 9 * MINUTE_MS]


@pytest.mark.parametrize("skew_ms", SKEWS_MS)
@pytest.mark.parametrize(
    ("text", "moving"),
    [
        ("last=5m", "both"),
        ("last=6h", "both"),
        ("from=2026-11-22T07:00Z", "end"),
        ("from=today to=now", "end"),
        ("from=yesterday to=today", "end"),
        ("from=2026-11-22T07:00Z to=2026-11-22T08:00Z", ""),
        ("from=2026-11-23T06:50Z to=2026-11-23T06:59Z", ""),
        ("from=2026-11-23T06:59Z", "end unless empty"),
    ],
)
def test_what_means_now_is_meant_by_the_vendors_clock(text: str, moving: str, skew_ms: int) -> None:
    question = Question(parse_query(text, NOW, "UTC"), "UTC")
    ours = requested_range(question, NOW_MS, visible_range(NOW_MS, NOW_MS, 0)).window
    found = requested_range(question, NOW_MS, visible_range(NOW_MS, NOW_MS, skew_ms))
    moved = moving != "end unless empty" or ours.start_ms < ours.end_ms + skew_ms
    assert found.window.start_ms - ours.start_ms == (skew_ms if moving == "both" else 0)
    assert found.window.end_ms - ours.end_ms == (skew_ms if moving and moved else 0)
    assert found.span is not None
    assert found.span.start_ms == found.window.start_ms
    error_ms = SKEW_ERROR_MS if moving and skew_ms else 0
    assert found.span.end_ms == found.window.end_ms + error_ms
    assert found.everything.end_ms >= NOW_MS + skew_ms
    assert found.sees_back_to_ms is None


@pytest.mark.parametrize("skew_ms", SKEWS_MS)
@pytest.mark.parametrize("text", ["last=3d", "last=71h59m", "to=now", "to=2026-11-22"])
def test_three_days_by_the_vendors_clock_are_cut_by_minutes_without_a_word(text: str, skew_ms: int) -> None:
    question = Question(parse_query(text, NOW, "UTC"), "UTC")
    found = requested_range(question, NOW_MS, visible_range(NOW_MS, NOW_MS, skew_ms))
    assert found.sees_back_to_ms is None
    assert found.span is not None
    assert 0 < found.span.end_ms - found.span.start_ms <= API_HISTORY_MS


@given(skew_ms=skews, known=st.booleans(), minutes=st.integers(1, 60), typed=st.booleans())
def test_how_far_back_is_not_told_of_a_window_that_begins_within_sight(
    skew_ms: int, known: bool, minutes: int, typed: bool
) -> None:
    began = datetime.fromtimestamp(NOW - 60 * minutes, UTC)
    text = f"from={began:%Y-%m-%dT%H:%MZ}" if typed else f"last={minutes}m"
    question = Question(parse_query(text, NOW, "UTC"), "UTC")
    found = requested_range(question, NOW_MS, visible_range(NOW_MS, NOW_MS, skew_ms if known else None))
    assert found.span is not None
    assert found.sees_back_to_ms is None


@pytest.mark.parametrize(
    ("skew_ms", "note"),
    [
        (0, ""),
        (60_000, ""),
        (-60_000, ""),
        (-540_000, "This bot's clock is 9 min ahead of ZEGOCLOUD's; times are ZEGOCLOUD's."),
        (125_000, "This bot's clock is 2 min behind ZEGOCLOUD's; times are ZEGOCLOUD's."),
    ],
)
def test_clocks_more_than_a_minute_apart_are_told(skew_ms: int, note: str) -> None:
    assert skew_note(skew_ms) == note
