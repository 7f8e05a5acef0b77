"""Schedules: what people type, what is stored, what is said, and when it comes round over clock changes."""

from __future__ import annotations

import datetime as dt
from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import QueryError
from bot.features.digests.schedule import describe_schedule, format_schedule, parse_schedule
from bot.features.digests.schedule_times import Schedule, next_times, previous_time, shortest_gap_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3600


def unix(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def wall_times(schedule: str, after: str, zone: str, count: int) -> list[str]:
    times = next_times(parse_schedule(schedule, 0), unix(after), zone, count)
    return [f"{dt.datetime.fromtimestamp(time, ZoneInfo(zone)):%a %m-%d %H:%M %z}" for time in times]


@pytest.mark.parametrize(
    ("typed", "written", "said"),
    [
        ("every day at 9", "every day at 09:00", "every day at 09:00"),
        ("daily 09:00", "every day at 09:00", "every day at 09:00"),
        ("9am every day", "every day at 09:00", "every day at 09:00"),
        ("weekdays at 09:00", "weekdays at 09:00", "every weekday at 09:00"),
        ("Mon-Fri 9.30 a.m.", "weekdays at 09:30", "every weekday at 09:30"),
        ("“weekdays at 09:00”", "weekdays at 09:00", "every weekday at 09:00"),
        ("mondays at 08:30", "mondays at 08:30", "every Monday at 08:30"),
        ("weekly on Tuesday at noon", "tuesdays at 12:00", "every Tuesday at 12:00"),
        ("mon,wed,fri 18:00", "mon,wed,fri at 18:00", "every Monday, Wednesday and Friday at 18:00"),
        ("mondays and every thursday @ 7pm", "mon,thu at 19:00", "every Monday and Thursday at 19:00"),
        ("sat to mon at midnight", "mon,sat,sun at 00:00", "every Monday, Saturday and Sunday at 00:00"),
        ("weekends at 12am", "weekends at 00:00", "every Saturday and Sunday at 00:00"),
        ("weekdays at 9 and 17", "weekdays at 09:00 and 17:00", "every weekday at 09:00 and 17:00"),
        (
            "daily at 9, 13:00, 5 pm",
            "every day at 09:00, 13:00 and 17:00",
            "every day at 09:00, 13:00 and 17:00",
        ),
        ("1st of the month at 9", "1st of the month at 09:00", "on the 1st of the month at 09:00"),
        (
            "the 15th and 1st of every month 9",
            "1st and 15th of the month at 09:00",
            "on the 1st and 15th of the month at 09:00",
        ),
        ("monthly on the 22 at 9", "22nd of the month at 09:00", "on the 22nd of the month at 09:00"),
        (
            "last day of the month at 17",
            "last day of the month at 17:00",
            "on the last day of the month at 17:00",
        ),
        (
            "first monday of the month at 10",
            "first monday of the month at 10:00",
            "on the first Monday of the month at 10:00",
        ),
        (
            "last fri of each month at 10",
            "last friday of the month at 10:00",
            "on the last Friday of the month at 10:00",
        ),
        ("every 6 hours", "every 6 hours", "every 6 hours"),
        ("every 30m", "every 30 minutes", "every 30 minutes"),
        ("half-hourly", "every 30 minutes", "every 30 minutes"),
        ("every 120 minutes", "every 2 hours", "every 2 hours"),
        ("hourly", "every hour", "every hour"),
        ("0 9 * * MON-FRI", "weekdays at 09:00", "every weekday at 09:00"),
        ("0 9 * * 1,2,3,4,5", "weekdays at 09:00", "every weekday at 09:00"),
        ("cron 0 9 * * 7", "sundays at 09:00", "every Sunday at 09:00"),
        ("0 9 1-31 * 1", "every day at 09:00", "every day at 09:00"),
        ("0 9 1-31 */1 0-6", "every day at 09:00", "every day at 09:00"),
        ("*/30 * * * *", "*/30 * * * *", "cron `*/30 * * * *` (every 30th minute of every hour)"),
        (
            "30,15 8 * jan mon",
            "15,30 8 * 1 1",
            "cron `15,30 8 * 1 1` (at 08:15 and 08:30 on Monday in January)",
        ),
        ("0 9 13 * 5", "0 9 13 * 5", "cron `0 9 13 * 5` (at 09:00 on the 13th day of month and on Friday)"),
        ("0 9 LW * *", "0 9 LW * *", "cron `0 9 LW * *` (at 09:00 on the last weekday of every month)"),
    ],
)
def test_what_is_typed_has_one_way_of_being_written_and_one_of_being_said(
    typed: str, written: str, said: str
) -> None:
    schedule = parse_schedule(typed)
    assert format_schedule(schedule) == written
    assert describe_schedule(schedule) == said
    assert parse_schedule(written) == schedule


@pytest.mark.parametrize(
    ("typed", "problem", "suggestion"),
    [
        ("", "There is no schedule", "weekdays at 09:00"),
        ("wekdays at 9", "is not a schedule", "weekdays at 09:00"),
        ("every mnday 18:00", "is not a schedule", "mondays at 18:00"),
        ("whenever", "is not a schedule", ""),
        ("9am", "is not a schedule", "every day at 09:00"),
        ("6 hours", "is not a schedule", "every 6 hours"),
        ("every 2 days", "is not a schedule", "every 48 hours"),
        ("@daily", "is not a schedule", "every day at 00:00"),
        ("weekly", "is not a schedule", "mondays at 09:00"),
        ("32nd of the month at 9", "is not a schedule", ""),
        ("mondays", "has no time of day", "mondays at 09:00"),
        ("weekdays at 25", "hours go from 00 to 23", ""),
        ("weekdays at 13pm", "from 1 to 12 with am or pm", ""),
        ("weekdays at 9:60", "minutes from 00 to 59", ""),
        ("daily at 9 and 17:30", "different minutes", ""),
        ("weekdays at 9 CET", "has a time zone in it", "weekdays at 09:00"),
        ("weekdays at 9 Europe/Berlin", "has a time zone in it", "weekdays at 09:00"),
        ("every 0 hours", "cannot be", "every hour"),
        ("every 200 hours", "up to 168 hours", "every 24 hours"),
        ("every 5 minutes", "more often than every 15 min", "every 15 minutes"),
        ("* * * * *", "more often than every 15 min", "0 * * * *"),
        ("0,10 9 * * *", "more often than every 15 min", "0 * * * *"),
        ("55 23,0 * * *", None, ""),
        ("5,55 0,23 * * *", "more often than every 15 min", "0 * * * *"),
        ("61 9 * * *", "its minute cannot be", ""),
        ("0 9 30 2 *", "its day of month cannot be", ""),
        ("0 9 * *", "has 4 cron fields", ""),
        ("0 0 9 * * 1", "has 6 cron fields", ""),
    ],
)
def test_a_mistake_gets_a_sentence_and_the_nearest_schedule(
    typed: str, problem: str | None, suggestion: str
) -> None:
    if problem is None:
        assert parse_schedule(typed)
        return
    with pytest.raises(QueryError) as raised:
        parse_schedule(typed)
    assert problem in raised.value.problem
    assert raised.value.suggestion == suggestion
    if suggestion:
        assert format_schedule(parse_schedule(suggestion)) == suggestion


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda two: f"{min(two)}-{max(two)}")
    figures = st.lists(number.map(str) | span, min_size=1, max_size=3).map(",".join)
    return st.just("*") | st.integers(1, high).map(lambda step: f"*/{step}") | figures


CRONS = st.tuples(fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12), fields(0, 7)).map(" ".join)


@given(CRONS)
def test_what_is_written_is_read_back_as_the_same_schedule_with_the_same_times(cron: str) -> None:
    schedule = parse_schedule(cron, 0)
    assert parse_schedule(format_schedule(schedule), 0) == schedule
    start = dt.datetime(2026, 11, 23, 7, 0, tzinfo=dt.UTC)
    expected = CronSim(cron, start)
    assert next_times(schedule, start.timestamp(), "UTC", 5) == [next(expected).timestamp() for _ in range(5)]
    backwards = CronSim(cron, start, reverse=True)
    assert previous_time(schedule, start.timestamp(), "UTC") == next(backwards).timestamp()


@given(st.integers(1, 7 * 24 * 60))
def test_every_interval_is_read_back_as_the_same_schedule(minutes: int) -> None:
    schedule = Schedule(every_seconds=minutes * 60)
    assert parse_schedule(format_schedule(schedule), 0) == schedule


ZONES = {
    "Europe/Berlin": "an hour at 02:00",
    "America/New_York": "an hour at 02:00, other days",
    "Australia/Lord_Howe": "half an hour",
    "America/Santiago": "an hour at midnight: a day has no 00:30, another has 23:30 twice",
    "Atlantic/Azores": "back over midnight",
    "America/Nuuk": "forward over midnight",
    "Asia/Kolkata": "no change",
}
YEARS = (2026, 2027)


@cache
def changes(zone: str) -> list[int]:
    """The first minute (Unix minutes) of each new offset."""
    rules = ZoneInfo(zone)

    def offset(minute: int) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(minute * 60, rules).utcoffset()

    first, last = (int(unix(f"{year}-01-01T00:00Z")) // 60 for year in (YEARS[0], YEARS[-1] + 1))
    hours = [hour for hour in range(first, last, 60) if offset(hour) != offset(hour + 60)]
    return [
        minute
        for hour in hours
        for minute in range(hour + 1, hour + 61)
        if offset(minute) != offset(minute - 1)
    ]


MINUTES_AROUND = 30 * 60

Fits = "Callable[[dt.datetime], bool]"
FIXED: dict[str, Fits] = {
    "30 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 30),
    "0 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 0),
    "0 0 * * *": lambda wall: (wall.hour, wall.minute) == (0, 0),
    "30 0,1,23 * * 0": lambda wall: wall.hour in {0, 1, 23} and wall.minute == 30 and wall.isoweekday() == 7,
    "15,45 1-3 * * 0,6": lambda wall: (
        wall.hour in {1, 2, 3} and wall.minute in {15, 45} and wall.isoweekday() in {6, 7}
    ),
    "0 3 * * *": lambda wall: (wall.hour, wall.minute) == (3, 0),
    "50 23 28-31 * *": lambda wall: (wall.hour, wall.minute) == (23, 50) and wall.day in {28, 29, 30, 31},
}
STARRED: dict[str, Fits] = {
    "*/30 * * * *": lambda wall: wall.minute in {0, 30},
    "0 */2 * * *": lambda wall: wall.minute == 0 and wall.hour % 2 == 0,
    "* 2 * * *": lambda wall: wall.hour == 2,
    "*/20 0,1,23 * * 0": lambda wall: (
        wall.minute % 20 == 0 and wall.hour in {0, 1, 23} and wall.isoweekday() == 7
    ),
    "45 * * * *": lambda wall: wall.minute == 45,
}


@cache
def wall_clock(zone: str, change: int) -> list[dt.datetime]:
    """What the clock on the wall shows in every minute around a change, from one minute before."""
    rules, begin, end = ZoneInfo(zone), change - MINUTES_AROUND, change + MINUTES_AROUND
    moments = (dt.datetime.fromtimestamp(minute * 60, rules) for minute in range(begin - 1, end))
    return [moment.replace(tzinfo=None, fold=0) for moment in moments]


def expected_runs(zone: str, change: int, fits: Callable[[dt.datetime], bool], *, fixed: bool) -> set[int]:
    """What cron does, told minute by minute: the definition that the bot's arithmetic has to meet.

    A fixed time runs when the wall clock shows it for the first time, and at once when the clock jumps over
    it; one that follows elapsed time runs in every minute in which the wall clock fits.
    """
    runs: set[int] = set()
    walls = wall_clock(zone, change)
    latest = walls[0]
    for minute, wall in enumerate(walls[1:], change - MINUTES_AROUND):
        if not fixed:
            if fits(wall):
                runs.add(minute)
            continue
        while latest < wall:
            latest += dt.timedelta(minutes=1)
            if fits(latest):
                runs.add(minute)
    return runs


@pytest.mark.parametrize(("zone", "cron"), list(product(ZONES, [*FIXED, *STARRED])))
def test_times_around_every_clock_change_are_those_of_a_minute_by_minute_count(zone: str, cron: str) -> None:
    schedule = parse_schedule(cron, 0)
    fits = (FIXED | STARRED)[cron]
    around = changes(zone) or [int(unix("2026-03-29T01:00Z")) // 60]
    for change in around:
        runs = expected_runs(zone, change, fits, fixed=cron in FIXED)
        expected = [minute * 60.0 for minute in sorted(runs)]
        begin, end = (change - MINUTES_AROUND) * 60.0, (change + MINUTES_AROUND) * 60.0
        found = next_times(schedule, begin - 1, zone, len(expected) + 1)
        assert [time for time in found if time < end] == expected
        near = [time for time in expected if abs(time - change * 60) < 5 * HOUR]
        for earlier, later in pairwise(near):
            assert previous_time(schedule, later, zone) == earlier
            assert next_times(schedule, earlier, zone, 1) == [later]
            assert next_times(schedule, later - 0.5, zone, 1) == [later]


def test_the_zones_of_these_tests_do_change_their_clocks() -> None:
    assert {zone: len(changes(zone)) for zone in ZONES} == {
        **dict.fromkeys(ZONES, 2 * len(YEARS)),
        "Asia/Kolkata": 0,
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["every 30 minutes", "every 6 hours", "every 5 hours"])
def test_an_interval_is_the_same_elapsed_time_over_every_clock_change(zone: str, text: str) -> None:
    schedule = parse_schedule(text)
    for change in changes(zone):
        times = next_times(schedule, change * 60.0 - 2 * 24 * HOUR, zone, 200)
        assert {later - earlier for earlier, later in pairwise(times)} == {schedule.every_seconds}
        assert previous_time(schedule, times[1], zone) == times[0]
        assert previous_time(schedule, times[1] + 0.5, zone) == times[1]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", ["Mon 01-05 06:00 +0100", "Mon 01-05 12:00 +0100"]),
        ("Europe/Dublin", ["Mon 01-05 06:00 +0000", "Mon 01-05 12:00 +0000"]),
        ("Asia/Kolkata", ["Mon 01-05 06:00 +0530", "Mon 01-05 12:00 +0530"]),
        ("Australia/Sydney", ["Mon 01-05 07:00 +1100", "Mon 01-05 13:00 +1100"]),
    ],
)
def test_intervals_count_from_midnight_in_standard_time(zone: str, expected: list[str]) -> None:
    midnight = dt.datetime(2026, 1, 5, 1, 30, tzinfo=ZoneInfo(zone)).isoformat()
    assert wall_times("every 6 hours", midnight, zone, 2) == expected


def test_a_weekday_digest_of_monday_reaches_back_over_the_weekend() -> None:
    monday = unix("2026-11-23T09:00+01:00")
    schedule = parse_schedule("weekdays at 09:00")
    assert previous_time(schedule, monday, "Europe/Berlin") == unix("2026-11-20T09:00+01:00")
    assert wall_times("weekdays at 09:00", "2026-11-20T09:00+01:00", "Europe/Berlin", 2) == [
        "Mon 11-23 09:00 +0100",
        "Tue 11-24 09:00 +0100",
    ]


def test_rare_days_are_found_however_far_away_they_are() -> None:
    assert wall_times("0 9 29 2 */7", "2026-01-01T00:00Z", "UTC", 2) == [
        "Sun 02-29 09:00 +0000",
        "Sun 02-29 09:00 +0000",
    ]
    with pytest.raises(LookupError):
        next_times(parse_schedule("hourly"), 0, "Europe/Nowhere", 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("every 90 minutes", 90 * 60),
        ("every day at 09:00", 24 * HOUR),
        ("every day at 09:00 and 17:00", 8 * HOUR),
        ("mon,tue at 09:00", 24 * HOUR),
        ("mon,thu at 09:00", 72 * HOUR),
        ("0,50 0,23 * * *", 10 * 60),
        ("0,50 0,23 * * 1", 50 * 60),
        ("1st of the month at 09:00", 28 * 24 * HOUR),
        ("0 9 29 2 *", 365 * 24 * HOUR),
    ],
)
def test_the_shortest_gap_counts_over_midnight_too(text: str, seconds: int) -> None:
    assert shortest_gap_seconds(parse_schedule(text, 0)) == seconds
