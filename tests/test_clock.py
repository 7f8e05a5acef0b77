"""The clock: the machine's own, and one that is set, moved, and told to another process."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from bot.clock import LAST_SECOND, AdjustableClock, SystemClock, clock_from

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()


def test_the_usual_clock_is_the_machines() -> None:
    clock = clock_from("")
    assert isinstance(clock, SystemClock)
    assert clock.now() == pytest.approx(time.time(), abs=1)
    assert clock.monotonic() == pytest.approx(time.monotonic(), abs=1)


@pytest.mark.parametrize(
    "spec",
    [
        "2026-11-23T09:00:00Z*0",
        "2026-11-23T10:00:00+01:00*0",
        f"{NINE}*0",
        f"{NINE}@{NINE}*0",
        "2026-11-23T09:00:00Z@2026-01-01T00:00:00Z*0",
    ],
)
def test_a_clock_that_stands_still_shows_its_start(spec: str) -> None:
    clock = clock_from(spec)
    assert clock.now() == NINE
    before = clock.monotonic()
    assert clock.monotonic() == before


def test_a_clock_runs_as_fast_as_it_is_told() -> None:
    anchor = time.time() - 10
    clock = clock_from(f"{NINE}@{anchor}*60")
    assert clock.now() == pytest.approx(NINE + 600, abs=60)


def test_without_a_start_it_goes_on_from_the_machines_time() -> None:
    assert clock_from("*0").now() == pytest.approx(time.time(), abs=1)


def test_another_process_shows_the_same_time_after_every_change() -> None:
    clock = AdjustableClock(NINE, rate=3600)
    clock.advance(86_400)
    clock.set_rate(0)
    twin = clock_from(clock.spec())
    assert twin.now() == clock.now() >= NINE + 86_400


def test_setting_the_wall_clock_does_not_move_ages() -> None:
    clock = AdjustableClock(NINE, rate=0)
    before = clock.monotonic()
    clock.set(NINE - 3600)
    assert (clock.now(), clock.monotonic()) == (NINE - 3600, before)


def test_advancing_moves_both() -> None:
    clock = AdjustableClock(NINE, rate=0)
    before = clock.monotonic()
    clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (NINE + 90, before + 90)


def test_another_speed_goes_on_from_the_present_moment() -> None:
    clock = AdjustableClock(NINE, rate=0)
    clock.advance(60)
    elapsed = clock.monotonic()
    clock.set_rate(1)
    assert clock.now() == pytest.approx(NINE + 60, abs=1)
    assert clock.monotonic() == pytest.approx(elapsed, abs=1)


@pytest.mark.parametrize(
    "spec",
    [
        "noon",
        "2026-11-23T09:00:00",
        "2026-11-23T09:00:00Z*fast",
        "2026-11-23T09:00:00Z*",
        "2026-11-23T09:00:00Z*-1",
        "2026-11-23T09:00:00Z*nan",
        "2026-11-23T09:00:00Z*inf",
        "2026-11-23T09:00:00Z@",
        "nan",
        "inf",
        "-1",
        f"{LAST_SECOND + 1}",
    ],
)
def test_a_text_that_is_no_clock_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        clock_from(spec)
