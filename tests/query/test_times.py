"""Durations, points in time, zones and windows: read, written, and resolved across clock changes."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.query.times import (
    DAY,
    HOUR,
    MAX_SECONDS,
    MINUTE,
    WEEK,
    RelativeDay,
    TimePoint,
    Window,
    canonical_duration,
    describe_moment,
    describe_span,
    exact_duration,
    format_duration,
    looks_like_duration,
    parse_duration,
    parse_time_point,
)
from bot.query.tokenizer import Mistake
from bot.query.zones import ABBREVIATIONS, asker_zone, find_zone
from bot.zone_data import zone_info

NOW = dt.datetime(2026, 11, 23, 13, 3, tzinfo=dt.UTC).timestamp()
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
CAIRO, SAO_PAULO, KOLKATA, HAVANA, APIA = (
    *("Africa/Cairo", "America/Sao_Paulo", "Asia/Kolkata", "America/Havana", "Pacific/Apia"),
)


def utc(text: str) -> int:
    """Unix milliseconds of an ISO 8601 text read in UTC."""
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


# --- durations ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 30 * MINUTE),
        ("6h", 6 * HOUR),
        ("6H", 6 * HOUR),
        ("1h30m", 90 * MINUTE),
        ("2d", 2 * DAY),
        ("1w", WEEK),
        ("45s", 45),
        ("90min", 90 * MINUTE),
        ("6 hours", 6 * HOUR),
        ("1 hour 30 minutes", 90 * MINUTE),
        (" 1 hr 5 secs ", HOUR + 5),
        ("1w2d3h4m5s", WEEK + 2 * DAY + 3 * HOUR + 4 * MINUTE + 5),
        ("2wks 3 days", 2 * WEEK + 3 * DAY),
        ("366d", MAX_SECONDS),
        ("8784h", MAX_SECONDS),
        ("007h", 7 * HOUR),
        ("1s", 1),
    ],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
    assert looks_like_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "6", "h", "6x", "1h1h", "30m1h", "1h30", "1.5h", "1,5h", "-6h", "+6h", "6hh", "6 h ours"),
        *("1mo", "1month", "1y", "٣h", "６h", "1 000h", "1234567890s", "h6", "6h!", "6h ago", "24:00"),
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Mistake, match="is not a duration"):
        parse_duration(text)
    assert not looks_like_duration(text)


@pytest.mark.parametrize("text", ["0m", "0h0m", "0s", "000d"])
def test_no_time_at_all_is_refused(text: str) -> None:
    with pytest.raises(Mistake, match="is no time at all"):
        parse_duration(text)
    assert looks_like_duration(text)


@pytest.mark.parametrize("text", ["367d", "8785h", "366d1s", "53w", "999999999w"])
def test_more_than_366_days_are_refused(text: str) -> None:
    with pytest.raises(Mistake, match="more than 366 days") as caught:
        parse_duration(text)
    assert caught.value.nearest == ("366d",)
    assert looks_like_duration(text)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("6", "6h"),
        ("the last 6", "6h"),
        ("last 6", "6h"),
        ("1.5h", "1h30m"),
        ("0,5 d", "12h"),
        ("1.5 weeks", "10d12h"),
        ("1h30", "1h30m"),
        ("hour", "1h"),
        ("weeks", "1w"),
        ("min", "1m"),
        ("-6h", "6h"),
    ],
)
def test_a_duration_nearly_right_has_a_nearest(text: str, nearest: str) -> None:
    with pytest.raises(Mistake) as caught:
        parse_duration(text)
    assert caught.value.nearest[0] == nearest
    assert parse_duration(nearest)


@pytest.mark.parametrize(
    ("seconds", "canonical", "exact", "readable"),
    [
        (1, "1s", "1 s", "1 s"),
        (59, "59s", "59 s", "59 s"),
        (60, "1m", "1 min", "1 min"),
        (90, "1m30s", "1 min 30 s", "1 min"),
        (22 * MINUTE, "22m", "22 min", "22 min"),
        (HOUR, "1h", "1 h", "1 h"),
        (HOUR + MINUTE, "1h1m", "1 h 1 min", "1 h 01 min"),
        (2 * HOUR + 43 * MINUTE + 59, "2h43m59s", "2 h 43 min 59 s", "2 h 43 min"),
        (DAY - 1, "23h59m59s", "23 h 59 min 59 s", "23 h 59 min"),
        (DAY, "24h", "24 h", "1 d"),
        (26 * HOUR, "26h", "26 h", "1 d 2 h"),
        (2 * DAY - HOUR, "47h", "47 h", "1 d 23 h"),
        (2 * DAY, "2d", "2 d", "2 d"),
        (2 * DAY + 30 * MINUTE, "2d30m", "2 d 30 min", "2 d"),
        (WEEK, "7d", "7 d", "7 d"),
    ],
)
def test_a_duration_is_written_in_three_ways(seconds: int, canonical: str, exact: str, readable: str) -> None:
    assert canonical_duration(seconds) == canonical
    assert exact_duration(seconds) == exact
    assert format_duration(seconds) == readable


@pytest.mark.parametrize(
    ("seconds", "readable"), [(0, "0 s"), (-5, "0 s"), (59.9, "59 s"), (3599.9, "59 min")]
)
def test_a_length_of_time_is_rounded_down_and_never_negative(seconds: float, readable: str) -> None:
    assert format_duration(seconds) == readable


@given(st.integers(1, MAX_SECONDS))
def test_a_canonical_duration_is_read_back_exactly(seconds: int) -> None:
    assert parse_duration(canonical_duration(seconds)) == seconds
    assert parse_duration(exact_duration(seconds)) == seconds


# --- points in time ---


@pytest.mark.parametrize(
    ("text", "point", "canonical"),
    [
        ("now", TimePoint(), "now"),
        ("NOW", TimePoint(), "now"),
        ("today", TimePoint(RelativeDay.TODAY), "today"),
        ("Yesterday", TimePoint(RelativeDay.YESTERDAY), "yesterday"),
        ("14:00", TimePoint(time=dt.time(14)), "14:00"),
        ("9:05", TimePoint(time=dt.time(9, 5)), "09:05"),
        ("00:00", TimePoint(time=dt.time()), "00:00"),
        ("23:59:59", TimePoint(time=dt.time(23, 59, 59)), "23:59:59"),
        ("14:00:00", TimePoint(time=dt.time(14)), "14:00"),
        ("14:00:00.5", TimePoint(time=dt.time(14, microsecond=500_000)), "14:00:00.5"),
        ("14:00:00,000001", TimePoint(time=dt.time(14, microsecond=1)), "14:00:00.000001"),
        ("14:00Z", TimePoint(time=dt.time(14), offset_minutes=0), "14:00Z"),
        ("14:00 +0530", TimePoint(time=dt.time(14), offset_minutes=330), "14:00+05:30"),
        ("14:00-14:00", TimePoint(time=dt.time(14), offset_minutes=-840), "14:00-14:00"),
        ("14:00+14", TimePoint(time=dt.time(14), offset_minutes=840), "14:00+14:00"),
        ("2026-11-20", TimePoint(dt.date(2026, 11, 20)), "2026-11-20"),
        ("2024-02-29", TimePoint(dt.date(2024, 2, 29)), "2024-02-29"),
        ("2000-01-01", TimePoint(dt.date(2000, 1, 1)), "2000-01-01"),
        ("2100-12-31", TimePoint(dt.date(2100, 12, 31)), "2100-12-31"),
        ("2026-11-20T14:00", TimePoint(dt.date(2026, 11, 20), dt.time(14)), "2026-11-20T14:00"),
        ("2026-11-20  9:05", TimePoint(dt.date(2026, 11, 20), dt.time(9, 5)), "2026-11-20T09:05"),
        ("2026-11-20t14:00z", TimePoint(dt.date(2026, 11, 20), dt.time(14), 0), "2026-11-20T14:00Z"),
        ("yesterday 14:00", TimePoint(RelativeDay.YESTERDAY, dt.time(14)), "yesterday 14:00"),
        ("todayT14:00-03:30", TimePoint(RelativeDay.TODAY, dt.time(14), -210), "today 14:00-03:30"),
    ],
)
def test_a_point_in_time_is_read_and_written(text: str, point: TimePoint, canonical: str) -> None:
    assert parse_time_point(text) == point
    assert point.format() == canonical
    assert parse_time_point(canonical) == point


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not a time"),
        ("10", "is not a time"),
        ("1400", "is not a time"),
        ("Z", "is not a time"),
        ("T14:00", "is not a time"),
        ("14:0", "is not a time"),
        ("14:00:0", "is not a time"),
        ("14:00:00.", "is not a time"),
        ("14:00:00.1234567", "is not a time"),
        ("now 14:00", "is not a time"),
        ("2026-11-20T", "is not a time"),
        ("2026-11-20Z", "is not a time"),
        ("2026-11-2014:00", "is not a time"),
        ("2026-1-5", "is not a time"),
        ("today10:00", "is not a time"),
        ("yesterday at 25:00", "is not a time"),
        ("١٤:٠٠", "is not a time"),
        ("24:00", "hours go from 00 to 23"),
        ("23:60", "hours go from 00 to 23"),
        ("23:59:60", "hours go from 00 to 23"),
        ("2026-02-29", "Feb 2026 has the days 01 to 28"),
        ("2026-04-31", "Apr 2026 has the days 01 to 30"),
        ("2026-11-00", "Nov 2026 has the days 01 to 30"),
        ("2026-00-10", "months go from 01 to 12"),
        ("2026-13-10", "months go from 01 to 12"),
        ("1999-12-31", "years go from 2000 to 2100"),
        ("2101-01-01", "years go from 2000 to 2100"),
        ("14:00+14:01", "an offset that no place has"),
        ("14:00+05:60", "an offset that no place has"),
        ("Tomorrow 9:00", "is in the future"),
    ],
)
def test_what_is_no_point_in_time_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Mistake, match=problem):
        parse_time_point(text)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("10", "10:00"),
        ("2pm", "14:00"),
        ("12am", "00:00"),
        ("12:30 p.m.", "12:30"),
        ("yesterday 2:05am", "yesterday 02:05"),
        ("14:00 yesterday", "yesterday 14:00"),
        ("2026-1-5", "2026-01-05"),
        ("2026/11/20 14:00", "2026-11-20 14:00"),
        ("20261120", "2026-11-20"),
        ("20.11.2026 14:00", "2026-11-20 14:00"),
        ("20/11/2026", "2026-11-20"),
        ("11/20/2026", "2026-11-20"),
        ("2026-02-30T10:00", "2026-02-28T10:00"),
        ("2026-02-00", "2026-02-01"),
        ("2026-11-31", "2026-11-30"),
        ("tomorrow", "today"),
        ("yesterday at 14:00", "yesterday 14:00"),
        ("today@14:00", "today 14:00"),
    ],
)
def test_a_point_in_time_nearly_right_has_a_nearest(text: str, nearest: str) -> None:
    with pytest.raises(Mistake) as caught:
        parse_time_point(text)
    assert caught.value.nearest[0] == nearest
    assert parse_time_point(nearest)


@pytest.mark.parametrize("text", ["3/4/2026", "13/13/2026", "monday", "noon", "12:34:56:78"])
def test_what_may_be_two_things_or_nothing_gets_no_guess(text: str) -> None:
    with pytest.raises(Mistake) as caught:
        parse_time_point(text)
    assert all(nearest == text for nearest in caught.value.nearest)


def test_a_mistyped_word_is_recognised() -> None:
    with pytest.raises(Mistake) as caught:
        parse_time_point("yesteday 14:00")
    assert "yesterday 14:00" in caught.value.nearest


@given(st.text(max_size=40))
def test_any_text_is_a_point_in_time_or_a_mistake(text: str) -> None:
    try:
        point = parse_time_point(text)
    except Mistake:
        return
    assert parse_time_point(point.format()) == point


def test_which_points_mean_different_moments_in_different_zones() -> None:
    assert [
        parse_time_point(text).needs_zone for text in ("now", "14:00Z", "14:00", "today", "2026-11-20")
    ] == [
        *(False, False, True, True, True),
    ]


# --- resolving ---


@pytest.mark.parametrize(
    ("text", "zone", "start", "end"),
    [
        ("now", BERLIN, "2026-11-23T13:03", "2026-11-23T13:03"),
        ("today", BERLIN, "2026-11-22T23:00", "2026-11-23T22:59:59.999"),
        ("yesterday", BERLIN, "2026-11-21T23:00", "2026-11-22T22:59:59.999"),
        ("yesterday", "Pacific/Auckland", "2026-11-22T11:00", "2026-11-23T10:59:59.999"),
        ("2026-11-20", KOLKATA, "2026-11-19T18:30", "2026-11-20T18:29:59.999"),
        ("14:00", BERLIN, "2026-11-23T13:00", "2026-11-23T13:00"),
        ("00:30", "Pacific/Auckland", "2026-11-23T11:30", "2026-11-23T11:30"),
        ("yesterday 14:00", BERLIN, "2026-11-22T13:00", "2026-11-22T13:00"),
        ("14:00:30.1239", BERLIN, "2026-11-23T13:00:30.123", "2026-11-23T13:00:30.123"),
        ("today 01:00+14:00", BERLIN, "2026-11-23T11:00", "2026-11-23T11:00"),
        ("yesterday 14:00Z", "Asia/Tokyo", "2026-11-22T14:00", "2026-11-22T14:00"),
        # summer time begins and ends: days of 23 and 25 hours, and of 23.5 and 24.5
        ("2026-03-29", BERLIN, "2026-03-28T23:00", "2026-03-29T21:59:59.999"),
        ("2026-10-25", BERLIN, "2026-10-24T22:00", "2026-10-25T22:59:59.999"),
        ("2026-03-08", NEW_YORK, "2026-03-08T05:00", "2026-03-09T03:59:59.999"),
        ("2026-11-01", NEW_YORK, "2026-11-01T04:00", "2026-11-02T04:59:59.999"),
        ("2026-10-04", LORD_HOWE, "2026-10-03T13:30", "2026-10-04T12:59:59.999"),
        ("2026-04-05", LORD_HOWE, "2026-04-04T13:00", "2026-04-05T13:29:59.999"),
        # clocks that change at midnight: the day begins at 01:00, or its last hour comes twice
        ("2026-04-24", CAIRO, "2026-04-23T22:00", "2026-04-24T20:59:59.999"),
        ("2026-04-23", CAIRO, "2026-04-22T22:00", "2026-04-23T21:59:59.999"),
        ("2026-10-29", CAIRO, "2026-10-28T21:00", "2026-10-29T21:59:59.999"),
        ("2018-11-04", SAO_PAULO, "2018-11-04T03:00", "2018-11-05T01:59:59.999"),
        ("2018-02-17", SAO_PAULO, "2018-02-17T02:00", "2018-02-18T02:59:59.999"),
        # midnight itself comes twice: the day begins with the first
        ("2025-11-02", HAVANA, "2025-11-02T04:00", "2025-11-03T04:59:59.999"),
        ("2025-11-01", HAVANA, "2025-11-01T04:00", "2025-11-02T03:59:59.999"),
        # a whole day was left out
        ("2011-12-29", APIA, "2011-12-29T10:00", "2011-12-30T09:59:59.999"),
        ("2011-12-31", APIA, "2011-12-30T10:00", "2011-12-31T09:59:59.999"),
        # just before and just after a change
        ("2026-03-29T01:59:59", BERLIN, "2026-03-29T00:59:59", "2026-03-29T00:59:59"),
        ("2026-03-29T03:00", BERLIN, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-10-25T01:59:59", BERLIN, "2026-10-24T23:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25T03:00", BERLIN, "2026-10-25T02:00", "2026-10-25T02:00"),
        ("2026-10-25T02:30+01:00", BERLIN, "2026-10-25T01:30", "2026-10-25T01:30"),
        ("2026-10-25T02:30+02:00", BERLIN, "2026-10-25T00:30", "2026-10-25T00:30"),
    ],
)
def test_a_point_is_resolved_as_start_and_as_end(text: str, zone: str, start: str, end: str) -> None:
    point = parse_time_point(text)
    assert point.resolve(NOW, zone) == (utc(start), "")
    assert point.resolve(NOW, zone, end=True) == (utc(end), "")


@pytest.mark.parametrize(
    ("text", "zone", "gap", "next_valid"),
    [
        ("2026-03-29T02:00", BERLIN, "on 2026-03-29 the clocks go from 02:00 to 03:00", "2026-03-29T03:00"),
        (
            "2026-03-29T02:59:59.9",
            BERLIN,
            "on 2026-03-29 the clocks go from 02:00 to 03:00",
            "2026-03-29T03:00",
        ),
        ("2026-03-08T02:30", NEW_YORK, "on 2026-03-08 the clocks go from 02:00 to 03:00", "2026-03-08T03:00"),
        (
            "2026-10-04T02:10",
            LORD_HOWE,
            "on 2026-10-04 the clocks go from 02:00 to 02:30",
            "2026-10-04T02:30",
        ),
        ("2026-04-24T00:00", CAIRO, "on 2026-04-24 the clocks go from 00:00 to 01:00", "2026-04-24T01:00"),
        (
            "2018-11-04T00:59",
            SAO_PAULO,
            "on 2018-11-04 the clocks go from 00:00 to 01:00",
            "2018-11-04T01:00",
        ),
        (
            "2011-12-30T12:00",
            APIA,
            "on 2011-12-30 the clocks go from 00:00 to 00:00 on 2011-12-31",
            "2011-12-31T00:00",
        ),
        (
            "2011-12-30",
            APIA,
            "on 2011-12-30 the clocks go from 00:00 to 00:00 on 2011-12-31",
            "2011-12-31T00:00",
        ),
    ],
)
def test_a_time_that_is_skipped_names_the_gap_and_the_next_time(
    text: str, zone: str, gap: str, next_valid: str
) -> None:
    point = parse_time_point(text)
    with pytest.raises(Mistake) as caught:
        point.resolve(NOW, zone)
    assert caught.value.problem == f"`{point.format()}` does not exist in {zone}: {gap}."
    assert caught.value.nearest == (next_valid,)
    assert parse_time_point(next_valid).resolve(NOW, zone)


@pytest.mark.parametrize(
    ("text", "day", "next_valid"),
    [("02:30", 29, "03:00"), ("today 02:30", 29, "today 03:00"), ("yesterday 02:30", 30, "yesterday 03:00")],
)
def test_a_relative_time_that_is_skipped_stays_relative(text: str, day: int, next_valid: str) -> None:
    now = dt.datetime(2026, 3, day, 12, tzinfo=dt.UTC).timestamp()
    with pytest.raises(Mistake) as caught:
        parse_time_point(text).resolve(now, BERLIN)
    assert caught.value.nearest == (next_valid,)


@pytest.mark.parametrize(
    ("text", "zone", "first", "named"),
    [
        ("2026-10-25T02:00", BERLIN, "2026-10-25T00:00", "2026-10-25 02:00"),
        ("2026-10-25T02:59:59", BERLIN, "2026-10-25T00:59:59", "2026-10-25 02:59:59"),
        ("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30", "2026-11-01 01:30"),
        ("2026-04-05T01:45", LORD_HOWE, "2026-04-04T14:45", "2026-04-05 01:45"),
        ("2026-10-29T23:30", CAIRO, "2026-10-29T20:30", "2026-10-29 23:30"),
        ("2018-02-17T23:30", SAO_PAULO, "2018-02-18T01:30", "2018-02-17 23:30"),
    ],
)
def test_a_time_that_comes_twice_is_read_as_the_first_and_noted(
    text: str, zone: str, first: str, named: str
) -> None:
    point = parse_time_point(text)
    note = f'"{named}" happens twice in {zone}; read as the first.'
    assert point.resolve(NOW, zone) == (utc(first), note)
    assert point.resolve(NOW, zone, end=True) == (utc(first), note)


def test_kolkata_never_changes_its_clocks() -> None:
    for day in range(365):
        point = TimePoint(dt.date(2026, 1, 1) + dt.timedelta(day), dt.time(2, 30))
        assert point.resolve(NOW, KOLKATA) == (utc("2025-12-31T21:00") + day * DAY * 1000, "")


@given(
    st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2100, 12, 30)),  # noqa: DTZ001 - wall-clock time
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, CAIRO, SAO_PAULO, KOLKATA, HAVANA, APIA]),
)
def test_what_is_resolved_shows_the_same_time_on_the_zones_clock(local: dt.datetime, zone: str) -> None:
    point = TimePoint(local.date(), local.time())
    try:
        resolved, _ = point.resolve(NOW, zone)
    except Mistake:
        aware = local.replace(tzinfo=ZoneInfo(zone))
        assert aware.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local
    else:
        shown = dt.datetime.fromtimestamp(resolved // 1000, ZoneInfo(zone))
        assert shown.replace(tzinfo=None) == local.replace(microsecond=0)


@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2100, 12, 30)),
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, CAIRO, SAO_PAULO, KOLKATA, HAVANA]),
)
def test_days_follow_each_other_without_gap_or_overlap(day: dt.date, zone: str) -> None:
    ends, _ = TimePoint(day).resolve(NOW, zone, end=True)
    assert (ends + 1, "") == TimePoint(day + dt.timedelta(1)).resolve(NOW, zone)


# --- words ---


@pytest.mark.parametrize(
    ("start", "end", "zone", "words"),
    [
        ("2026-11-23T07:03", "2026-11-23T13:03", BERLIN, "Mon 23 Nov 08:03 – 14:03"),
        ("2026-11-22T07:03", "2026-11-23T13:03", BERLIN, "Sun 22 Nov 08:03 – Mon 23 Nov 14:03"),
        ("2025-12-31T07:03", "2026-01-01T13:03", "UTC", "Wed 31 Dec 2025 07:03 – Thu 1 Jan 2026 13:03"),
        ("2026-10-25T00:00", "2026-10-25T01:00", BERLIN, "Sun 25 Oct 02:00 CEST – 02:00 CET"),
        ("2026-03-27T08:00", "2026-03-30T07:00", BERLIN, "Fri 27 Mar 09:00 CET – Mon 30 Mar 09:00 CEST"),
        ("2026-10-25T01:00", "2026-10-25T02:00", BERLIN, "Sun 25 Oct 02:00 – 03:00"),
        ("2026-10-25T00:00", "2026-10-25T00:30", BERLIN, "Sun 25 Oct 02:00 CEST – 02:30 CEST"),
        ("2026-10-25T01:00", "2026-10-25T01:30", BERLIN, "Sun 25 Oct 02:00 CET – 02:30 CET"),
    ],
)
def test_a_window_is_said_on_its_zones_clock(start: str, end: str, zone: str, words: str) -> None:
    assert describe_span(Window(utc(start), utc(end), zone), with_year=False) == words


def test_a_window_can_be_said_with_year_and_seconds() -> None:
    window = Window(utc("2026-11-23T07:03:09"), utc("2026-11-23T13:03"), "UTC")
    words = describe_span(window, with_year=True, with_seconds=True)
    assert words == "Mon 23 Nov 2026 07:03:09 – 13:03:00"


def test_a_moment_is_said_with_its_zone() -> None:
    assert describe_moment(NOW, KOLKATA) == "Mon 23 Nov 18:33 (Asia/Kolkata)"


# --- zones ---


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BERLIN, BERLIN),
        ("europe/berlin", BERLIN),
        ("AMERICA/INDIANA/INDIANAPOLIS", "America/Indiana/Indianapolis"),
        ("america/port-au-prince", "America/Port-au-Prince"),
        ("utc", "UTC"),
        ("GMT", "GMT"),
        ("etc/utc", "Etc/UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("asia/calcutta", "Asia/Calcutta"),
        ("japan", "Japan"),
    ],
)
def test_a_zone_is_found_however_it_is_capitalised(text: str, name: str) -> None:
    assert find_zone(text) == name
    assert zone_info(name).key == name


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("berlin", (BERLIN,)),
        ("New York", (NEW_YORK,)),
        ("sao paulo", (SAO_PAULO,)),
        ("CET", (BERLIN,)),
        ("cest", (BERLIN,)),
        ("PST", ("America/Los_Angeles",)),
        ("EST", (NEW_YORK,)),
        ("Z", ("UTC",)),
        ("Europe/Berln", (BERLIN,)),
        ("Germany/Berlin", (BERLIN,)),
        ("kolkatta", (KOLKATA,)),
        ("UTC+2", ("Etc/GMT-2",)),
        ("-05:00", ("Etc/GMT+5",)),
        ("+0", ("UTC",)),
        ("UTC+14", ("Etc/GMT-14",)),
        ("UTC+15", ()),
        ("+05:30", ()),
        ("", ()),
        ("..", ()),
        ("../etc/passwd", ()),
        ("/etc/localtime", ()),
        ("Europe", ()),
        ("Europe/", ()),
        ("localtime", ()),
        ("posixrules", ()),
        ("Factory", ()),
        ("zone.tab", ()),
        ("Europe/Berlin\x00", (BERLIN,)),
        ("C:\\Windows", ()),
        ("posix/Europe/Berlin", (BERLIN,)),
        ("right/UTC", ("Etc/UTC",)),
        ("x" * 5000, ()),
    ],
)
def test_what_is_no_zone_is_refused_with_the_nearest(text: str, nearest: tuple[str, ...]) -> None:
    with pytest.raises(Mistake, match="is not a time zone") as caught:
        find_zone(text)
    assert caught.value.nearest == nearest
    assert all(find_zone(name) == name for name in nearest)


def test_every_abbreviation_names_a_zone() -> None:
    assert all(find_zone(name) == name for name in ABBREVIATIONS.values())


@pytest.mark.parametrize(
    "name", ["", "..", "../etc/passwd", "/etc/localtime", "Europe", "zone.tab", "leapseconds"]
)
def test_no_file_that_is_no_zone_is_read(name: str) -> None:
    with pytest.raises(LookupError):
        zone_info(name)


def test_every_zone_of_the_database_serves_an_asker() -> None:
    zones = {name: asker_zone(name) for name in available_timezones() - {"Factory", "localtime"}}
    assert all(zone is not None and find_zone(zone) == zone for zone in zones.values())
    assert zones["CET"] == BERLIN
    assert zones[BERLIN] == BERLIN


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "PST", "localtime", "../UTC"])
def test_an_asker_without_a_known_zone_has_none(name: str) -> None:
    assert asker_zone(name) is None
