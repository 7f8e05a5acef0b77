"""What a digest says: figures, comparison, chart, windows; and the message never breaks Slack's limits."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import QueryError
from bot.features.digests.message import and_more, build_digest, draw_chart
from bot.features.digests.models import Claim, Digest, Notice
from bot.features.digests.notices import Done, build_digest_list, build_owner_notice
from bot.features.digests.report import (
    Chart,
    Comparison,
    Report,
    Summary,
    busiest,
    chart_labels,
    compare,
    figures,
    summarise,
)
from bot.features.digests.slot_windows import SlotWindow, window_of
from bot.features.digests.unfinished import Unfinished
from bot.models import ENDED, FAILED, ONGOING, PAUSED, Recording
from bot.query.parser import format_query, parse_query
from bot.query.times import DAY, HOUR, MINUTE, Window
from bot.recordings.page import Page, Question
from bot.sandbox.slack.block_rules import MOST_MESSAGE_CHARACTERS, check_blocks, count_characters
from bot.slack.blocks import MAX_TEXT_CHARACTERS
from bot.verdicts.types import At, Kind, Outside, Verdict
from tests.examples import examples

NINE = 1_795_420_800
"""Mon 2026-11-23 09:00 in Berlin."""

NINE_MS = NINE * 1000
BERLIN = "Europe/Berlin"
DIGEST = Digest(
    "T1",
    "C1",
    "U1",
    "",
    "weekdays at 09:00",
    BERLIN,
    id="d1",
    number=1,
    next_run_at=NINE + DAY,
    last_result="posted",
)


def claim(
    digest: Digest = DIGEST, slot_at: int = NINE, previous: int | None = NINE - 3 * DAY, **more: Any
) -> Claim:
    return Claim(
        digest=digest, slot_at=slot_at, attempt=1, holder="holder", previous_slot_at=previous, **more
    )


def window(hours: float = 24, query: str = "") -> SlotWindow:
    start_ms = NINE_MS - int(hours * HOUR) * 1000
    return SlotWindow(start_ms, NINE_MS, NINE_MS, parse_query(query, NINE, "UTC"))


def row(hours_ago: float, status: int = ENDED, room: str = "1230", name: str = "") -> Recording:
    task = name or f"T{hours_ago:015.4f}"
    return Recording(task, room, status, NINE_MS - int(hours_ago * HOUR * 1000))


def page(rows: list[Recording], begun: SlotWindow, **more: Any) -> Page:
    return Page(
        question=Question(begun.query, "UTC", NINE_MS),
        window=Window(begun.start_ms, begun.end_ms, "UTC"),
        recordings=tuple(rows),
        first=0,
        total=len(rows),
        exact=True,
        newer=None,
        older=None,
        as_of_ms=NINE_MS,
        **more,
    )


def verdict(
    kind: Kind = Kind.FAILED, words: tuple[Any, ...] = ("It ended. Ask.",), until: int | None = None
) -> Verdict:
    return Verdict(kind, kind.value.capitalize(), words, until)


def summary(
    rows: list[Recording],
    bad: dict[str, Verdict] | None = None,
    earlier: tuple[Recording, ...] = (),
    slot: SlotWindow | None = None,
    ended_ms: dict[str, int] | None = None,
    *,
    only_attention: bool = False,
    **more: Any,
) -> Summary:
    slot, bad = slot or window(), bad or {}
    begun = page(rows, slot, **more)
    kept = [each for each in (*rows, *earlier) if each.task_id in bad]
    judged = replace(begun, recordings=tuple(kept), verdicts={task: (one,) for task, one in bad.items()})
    return summarise(slot, begun, earlier, judged, ended_ms or {}, only_attention=only_attention)


def report(found: Summary, digest: Digest = DIGEST, **more: Any) -> Report:
    values: dict[str, Any] = {
        "is_test": False,
        "comparison": Comparison(),
        "next_at": NINE + DAY,
        "owner": "Asker",
    }
    return Report(digest, NINE, summary=found, **{**values, **more})


def test_a_total_that_is_not_known_is_said_to_be_the_least_and_is_never_nothing() -> None:
    found = replace(summary([row(1), row(2)]), exact=False)
    assert figures(found, Comparison())[0] == "at least 2 recordings"
    assert not replace(summary([]), exact=False).is_empty
    assert summary([]).is_empty


# Which stretch of time.


@pytest.mark.parametrize(
    ("digest", "more", "asked"),
    [
        (DIGEST, {}, "from=2026-11-20T08:00Z to=2026-11-23T08:00Z"),
        (DIGEST, {"previous": None}, "from=2026-11-22T08:00Z to=2026-11-23T08:00Z"),
        (
            replace(DIGEST, query="room=88 status=failed last=24h"),
            {},
            "room=88 status=failed from=2026-11-22T08:00Z to=2026-11-23T08:00Z",
        ),
        (
            replace(DIGEST, query="from=yesterday to=yesterday"),
            {},
            "from=2026-11-21T23:00Z to=2026-11-22T22:59:59.999Z",
        ),
        (
            replace(DIGEST, query="last=7d sort=oldest"),
            {},
            "from=2026-11-16T08:00Z to=2026-11-23T08:00Z sort=oldest",
        ),
        # Out of turn: as long as the next of the schedule will be, Monday's to Tuesday's.
        (
            DIGEST,
            {"slot_at": NINE + 5 * MINUTE, "previous": NINE, "asked_by": "U2"},
            "from=2026-11-22T08:05Z to=2026-11-23T08:05Z",
        ),
    ],
)
def test_a_slot_tells_of_the_time_since_the_one_before_unless_its_query_says_otherwise(
    digest: Digest, more: dict[str, Any], asked: str
) -> None:
    assert format_query(window_of(claim(digest, **more)).query) == asked


SKIPPED = 1_806_217_200
"""Sun 2027-03-28 09:00 in Berlin: that night the clocks went from 02:00 to 03:00."""


@pytest.mark.parametrize(
    ("query", "schedule", "slot_at", "start", "end"),
    [
        # A time that does not exist is the first moment that does, as in schedules.
        ('from="02:30"', "every day at 09:00", SKIPPED, "03-28T01:00", "03-28T07:00"),
        ('from="yesterday 02:30"', "every day at 09:00", SKIPPED + DAY, "03-28T01:00", "03-29T07:00"),
        ('from="yesterday 12:00" to="02:30"', "every day at 09:00", SKIPPED, "03-27T11:00", "03-28T01:00"),
        ('from="yesterday 02:30"', "every day at 09:00", SKIPPED + 2 * DAY, "03-29T00:30", "03-30T07:00"),
        # What is empty on one day only, or at some slots only, is empty there.
        ("from=02:15 to=02:45", "every day at 09:00", SKIPPED, "03-28T07:00", "03-28T07:00"),
        ("from=02:15 to=02:45", "every day at 09:00", SKIPPED + DAY, "03-29T00:15", "03-29T00:45"),
        ("from=today", "0 0,9 * * *", SKIPPED - 8 * HOUR, "03-27T23:00", "03-27T23:00"),
        ("from=10:00", "every 6 hours", SKIPPED, "03-28T07:00", "03-28T07:00"),
    ],
)
def test_what_was_valid_when_a_digest_was_added_is_so_on_every_day(
    query: str, schedule: str, slot_at: int, start: str, end: str
) -> None:
    slot = window_of(claim(replace(DIGEST, query=query, schedule=schedule), slot_at))
    assert (moment(slot.start_ms), moment(slot.end_ms)) == (start, end)
    assert len(slot.counted) == slot.end_ms - slot.start_ms
    assert parse_query(format_query(slot.query), slot_at, "UTC") == slot.query


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("query", "more", "start_hours", "first_hours"),
    [
        ("", {"worked_at": NINE - 2 * HOUR}, 2, 2),
        ("", {"worked_at": NINE - 30 * DAY}, 30 * 24, 30 * 24),
        ("", {"worked_at": NINE - 2 * HOUR, "missed": (NINE - HOUR,)}, 2, 2),
        ("", {"worked_at": NINE - 2 * HOUR, "unfinished": 2.5}, 2, 2.5),
        ("", {"missed": (NINE - HOUR,)}, 2, 2),
        ("", {"missed": (NINE - 3 * HOUR, NINE - HOUR)}, 4, 4),
        ("", {"missed": tuple(NINE - n * HOUR for n in range(90, 0, -1))}, 72, 72),
        ("", {"unconfirmed": (NINE - 2 * HOUR,), "missed": (NINE - HOUR,)}, 3, 3),
        ("", {"worked_at": NINE - 2 * HOUR, "unconfirmed": (NINE - HOUR,)}, 2, 2),
        ("last=1h", {"unconfirmed": (NINE - HOUR,), "missed": (NINE - 2 * HOUR,)}, 3, 3),
        ("last=1h", {"worked_at": NINE - 2 * HOUR, "unfinished": 2.5}, 1, 1),
        ("last=1h", {"worked_at": NINE - HOUR, "unfinished": 1.5}, 1, 1.5),
        ("last=6h", {"worked_at": NINE - HOUR, "unfinished": 1.5}, 6, 6),
        # Over slots that were not posted, as far as their windows meet.
        ("last=1h", {"missed": (NINE - 2 * HOUR, NINE - HOUR)}, 3, 3),
        ("last=1h", {"missed": (NINE - 3 * HOUR, NINE - HOUR)}, 2, 2),
        ("last=30m", {"missed": (NINE - HOUR,)}, 0.5, 0.5),
        ("last=24h", {"missed": tuple(NINE - n * DAY for n in (9, 8, 7, 6, 5, 4, 3, 2, 1))}, 72, 72),
    ],
)
def test_a_window_begins_where_the_last_slot_that_was_worked_stopped(
    query: str, more: dict[str, Any], start_hours: float, first_hours: float
) -> None:
    if "unfinished" in more:  # so many hours ago the vendor's clock was, when that slot looked
        until_ms = NINE_MS - int(more["unfinished"] * HOUR) * 1000
        more = more | {"unfinished": Unfinished((), until_ms, more["worked_at"] * 1000)}
    hourly = replace(DIGEST, query=query, schedule="every hour")
    slot = window_of(claim(hourly, previous=NINE - HOUR, **more))
    assert (NINE_MS - slot.start_ms) / HOUR / 1000 == start_hours
    assert (NINE_MS - slot.counted.start) / HOUR / 1000 == first_hours
    assert slot.counted.stop == slot.end_ms == NINE_MS


def test_a_whole_day_is_counted_through_its_last_millisecond() -> None:
    slot = window_of(claim(replace(DIGEST, query="from=yesterday to=yesterday")))
    assert slot.counted.stop - slot.counted.start == DAY * 1000


def test_over_a_change_of_clocks_a_day_has_25_hours() -> None:
    sunday = 1_792_915_200  # 2026-10-25 09:00 in Berlin
    slot = window_of(claim(replace(DIGEST, schedule="every day at 09:00"), sunday, sunday - 25 * HOUR))
    assert (slot.end_ms - slot.start_ms) // 1000 == 25 * HOUR


def test_a_window_that_means_nothing_is_an_error() -> None:
    with pytest.raises(QueryError):
        window_of(claim(replace(DIGEST, query="from=10:00 to=12:00")))


# Figures.


def test_what_was_found_is_summed_up() -> None:
    rows = [row(1), row(2, room="88"), row(3, FAILED), row(4, ONGOING), row(5, room="88")]
    old = row(30, PAUSED, room="7")
    bad = {
        rows[2].task_id: verdict(Kind.FAILED),
        rows[4].task_id: verdict(Kind.LOST),
        old.task_id: verdict(Kind.PAUSED),
    }
    ended_ms = {rows[0].task_id: rows[0].began_ms + 600_000}
    found = summary(rows, bad, (old,), ended_ms=ended_ms)
    assert found.counts == {
        "total": 5,
        "ended": 3,
        "failed": 1,
        "attention": 3,
        "running": 2,
        "earlier": 1,
        "seconds": DAY,
        "room:1230": 3,
        "room:88": 2,
    }
    assert [each.verdict.kind for each in found.attention] == [Kind.LOST, Kind.FAILED, Kind.PAUSED]
    assert found.ended_well == 2
    assert found.latest == rows[0]
    assert found.longest is not None
    assert (found.longest.recording, found.longest.of_all) == (old, False)
    assert busiest(found) == ("1230", 3)
    assert figures(found, Comparison("+12 % on the previous 5 slots", "", "usually 1")) == [
        "5 recordings (+12 % on the previous 5 slots)",
        "2 ended well",
        "1 ended abnormally",
        "3 need attention (usually 1)",
        "2 still running (1 from before)",
    ]


def test_where_not_everything_was_looked_at_more_may_need_attention() -> None:
    one = row(1)
    found = replace(summary([one], {one.task_id: verdict()}), all_checked=False)
    assert "at least 1 needs attention" in figures(found, Comparison())


def test_counts_that_are_lower_bounds_say_so() -> None:
    rows = [row(2), row(3), row(4, FAILED), row(1, ONGOING)]
    bad = {one.task_id: verdict() for one in rows[2:]}
    found = replace(summary(rows, bad), exact=False, all_checked=False)
    assert figures(found, Comparison()) == [
        "at least 4 recordings",
        "at least 2 ended well",
        "at least 1 ended abnormally",
        "at least 2 need attention",
        "at least 1 still running",
    ]
    assert and_more(found, 1) == "… and at least 1 more that needs attention."


def test_what_stands_for_a_recording_is_what_needs_attention() -> None:
    one = row(2)
    young = replace(verdict(Kind.UPLOADING), usual=True)
    begun = page([one], window())
    judged = page([one], window(), verdicts={one.task_id: (young, verdict(Kind.SHORT))})
    [found] = summarise(window(), begun, (), judged, {}).attention
    assert found.verdict.kind is Kind.SHORT


def test_only_what_needs_attention_is_counted_where_only_that_is_asked() -> None:
    rows = [row(1), row(2, FAILED)]
    found = summary(rows, {rows[1].task_id: verdict()}, (row(30, ONGOING),), only_attention=True)
    assert (found.counts["total"], found.counts["running"], found.latest) == (1, 0, rows[1])


@pytest.mark.parametrize("status", [ENDED, ONGOING])
def test_a_window_is_empty_when_nothing_began_and_nothing_needs_attention(status: int) -> None:
    assert summary([]).is_empty
    assert summary([], earlier=(row(30, ONGOING),)).is_empty
    assert not summary([row(1, status)]).is_empty
    old = row(30, ONGOING)
    assert not summary([], {old.task_id: verdict(Kind.RUNAWAY)}, (old,)).is_empty


def slot_counts(total: int, hours: float = 24, **more: int) -> dict[str, int]:
    return {"total": total, "failed": 0, "attention": 0, "seconds": int(hours * HOUR), **more}


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (slot_counts(5), [], ""),
        (slot_counts(5), [{}], ""),
        (slot_counts(0), [slot_counts(0)], ""),
        (slot_counts(5), [slot_counts(0)], "none in the previous slot"),
        (slot_counts(5), [slot_counts(5)], "as many as in the previous slot"),
        (slot_counts(112), [slot_counts(100)] * 5, "+12 % on the previous 5 slots"),
        (slot_counts(88), [slot_counts(100)] * 9, "−12 % on the previous 5 slots"),
        (slot_counts(0), [slot_counts(4), slot_counts(6)], "−100 % on the previous 2 slots"),
        (slot_counts(60), [slot_counts(4), slot_counts(2)], "20 times as many as in the previous 2 slots"),
        # Monday's covers three days.
        (slot_counts(330, 72), [slot_counts(100)] * 4, "+10 % per hour on the previous 4 slots"),
        (
            slot_counts(110),
            [slot_counts(300, 72), slot_counts(100)],
            "+10 % per hour on the previous 2 slots",
        ),
        (slot_counts(110, 25), [slot_counts(100)], "+6 % on the previous slot"),
        (slot_counts(1, 0), [slot_counts(1)], ""),
    ],
)
def test_the_total_is_compared_with_as_much_time_of_the_slots_before(
    now: dict[str, int], before: list[dict[str, int]], words: str
) -> None:
    assert compare(now, before).total == words


def test_what_went_wrong_is_compared_too() -> None:
    before = [slot_counts(9, failed=1, attention=4), slot_counts(9, failed=1, attention=6)]
    compared = compare(slot_counts(9, failed=3, attention=5), before)
    assert (compared.failed, compared.attention) == ("usually 1", "")


# The chart.


@pytest.mark.parametrize(
    ("hours", "step_minutes", "buckets"),
    [
        (0.25, 5, 3),
        (1, 5, 12),
        (2, 10, 12),
        (6, 30, 12),
        (24, 120, 12),
        (25, 180, 9),
        (72, 360, 12),
        (73, 480, 10),
    ],
)
def test_the_chart_has_12_buckets_at_most_that_end_with_the_window(
    hours: float, step_minutes: int, buckets: int
) -> None:
    rows = [row(hours * n / 50) for n in range(51)]
    chart = summary(rows, slot=window(hours)).chart
    assert chart is not None
    assert (chart.step_seconds, len(chart.starts_ms)) == (step_minutes * MINUTE, buckets)
    assert chart.starts_ms[-1] + chart.step_seconds * 1000 == NINE_MS
    assert sum(chart.series[0][1]) == 51


def test_every_status_is_a_series_of_the_chart() -> None:
    rows = [row(n / 10, status) for n, status in enumerate((1, 2, 3, 4, 5, 9))]
    chart = summary(rows).chart
    assert chart is not None
    names = [name for name, _ in chart.series]
    assert names == ["Starting", "Recording", "Paused", "Ended", "Ended abnormally", "Other"]


def test_labels_are_different_where_clocks_are_set_back() -> None:
    assert chart_labels(["01:00", "02:00", "02:00", "03:00"]) == ["01:00", "02:00", "02:00 (2)", "03:00"]


def test_the_chart_in_characters_has_a_line_for_each_bucket() -> None:
    drawn = draw_chart(
        Chart(HOUR, (0, 1, 2), (("Ended", (1, 0, 20)), ("Recording", (0, 0, 20)))), ["a", "b", "c"]
    )
    assert drawn.splitlines() == ["```", "a  █ 1", "b   0", f"c  {'█' * 20} 40", "```"]


# The message.


def test_a_digest_in_words() -> None:
    rows = [row(1), row(2, FAILED, room="88", name="YRHu6-E4IyvEAAAD")]
    bad = verdict(
        Kind.RESCUE,
        (Outside("<a>"), " is in backup: ", Outside("names"), ". Download before ", At(NINE_MS)),
        NINE_MS,
    )
    message = build_digest(report(summary(rows, {rows[1].task_id: bad}), missed=(NINE - DAY,)))
    assert message["text"] == (
        "Recordings, Sun 22 Nov 09:00 – Mon 23 Nov 09:00, all rooms · all statuses: "
        "2 recordings, 1 ended well, 1 ended abnormally, 1 needs attention.\n"
        "Needs attention:\n"
        "1. Rescue, room 88, task YRHu6-E4IyvEAAAD, began Mon 23 Nov 07:00 CET: "
        "&lt;a&gt; is in backup. Until Mon 23 Nov 09:00 CET.\n"
        "Latest: room 1230 (1 h ago).\n"
        "1 digest before this one was not posted: Sun 22 Nov 09:00 CET.\n"
        "every weekday at 09:00, Europe/Berlin · next Tue 24 Nov 09:00 CET."
    )


def test_more_than_ten_that_need_attention_lead_to_a_list_of_all() -> None:
    rows = [row(n / 10, FAILED, name=f"YRHu6-E4IyvE{n:04d}") for n in range(14)]
    message = build_digest(report(summary(rows, {each.task_id: verdict() for each in rows})))
    labels = [
        element["text"]["text"]
        for block in message["blocks"]
        for element in block.get("elements", [])
        if "value" in element
    ]
    assert labels == ["Open the full list", "All that need attention", "Pause", "Settings"]
    assert "… and 4 more that need attention." in message["text"]


WILD = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=128)


@examples(25)
@given(
    room=WILD,
    owner=st.text(max_size=80),
    words=st.text("abc def, ghi. JKL 0123456789:;-–·", min_size=1, max_size=2_000).filter(str.strip),
    count=st.integers(0, 60),
    hours=st.sampled_from([0.25, 1, 25, 72, 900]),
    is_test=st.booleans(),
    chart=st.booleans(),
    earlier=st.booleans(),
)
def test_no_input_breaks_slacks_limits(
    room: str, owner: str, words: str, count: int, hours: float, *, is_test: bool, chart: bool, earlier: bool
) -> None:
    rows = [row(hours * n / 70, n % 7, room=room, name=f"YRHu6-E4IyvE{n:04d}") for n in range(count)]
    bad = {each.task_id: verdict(words=(words, Outside(room), ".")) for each in rows}
    more = {"sees_back_to_ms": NINE_MS - 3 * DAY * 1000} if hours > 72 else {}
    old = (row(80, ONGOING, room=room),) if earlier else ()
    found = summary(rows, bad, old, slot=window(hours), **more)
    digest = replace(DIGEST, query=f"room={'1' * 128}", schedule="*/15 0-22/2 1-30 */2 1-5")
    message = build_digest(
        report(
            found,
            digest,
            owner=owner,
            is_test=is_test,
            missed=tuple(range(40)),
            late_seconds=900,
            late_why=words,
        ),
        chart=chart,
    )
    assert not check_blocks(message["blocks"], "message")
    assert count_characters(message["blocks"]) < MOST_MESSAGE_CHARACTERS
    assert len(message["text"]) <= MAX_TEXT_CHARACTERS
    assert "<@" not in message["text"]
    assert "<!channel" not in str(message)


@pytest.mark.parametrize("shift", range(5))
def test_a_reason_that_is_too_long_is_cut_between_what_slack_reads_as_one(shift: int) -> None:
    why = "x" * shift + "&" * 1_500
    message = build_digest(report(summary([row(1)]), late_seconds=900, late_why=why))
    assert not check_blocks(message["blocks"], "message")
    assert len(message["text"]) <= MAX_TEXT_CHARACTERS
    for part in (message["text"], *(str(block) for block in message["blocks"])):
        assert not re.search("&(?!amp;|lt;|gt;)", part)


def test_a_list_of_20_digests_with_the_longest_queries_fits() -> None:
    digest = replace(
        DIGEST,
        query=f"room={','.join(str(n) * 100 for n in range(10))} status=attention last=36h",
        schedule="*/15 0-22/2 1-30 */2 1-5",
        paused_at=1,
        paused_why="x" * 900,
        last_slot_at=NINE,
        last_error="<@U1> " * 200,
    )
    digests = [replace(digest, id=f"{n:016d}", number=n) for n in range(1, 21)]
    done = Done("pause", digests[0])
    message = build_digest_list(digests, {"U1": "<!channel>" * 20}, done)
    assert not check_blocks(message["blocks"], "message")
    assert count_characters(message["blocks"]) < MOST_MESSAGE_CHARACTERS
    assert "<@" not in str(message)
    assert "<!channel" not in str(message)


def test_the_owner_is_told_what_to_do() -> None:
    failed = build_owner_notice(Notice(DIGEST, NINE, "ZEGOCLOUD's servers are busy."))
    assert failed["text"].startswith(
        "Your digest 1 in <#C1> (every weekday at 09:00, Europe/Berlin) was not posted"
    )
    assert "ZEGOCLOUD's servers are busy." in failed["text"]
    assert "`/recordings digest run 1`" in failed["text"]
    paused = build_owner_notice(Notice(replace(DIGEST, paused_at=1), NINE, "Slack did not take it."))
    assert "`/recordings digest resume 1`" in paused["text"]
