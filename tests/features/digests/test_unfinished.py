"""Nothing falls between two slots: what one saw unfinished the next ones judge again, and tell once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.features.digests.data import MOST_LOOKED_AT_AGAIN, DigestData
from bot.features.digests.slot_windows import SlotWindow
from bot.features.digests.unfinished import (
    MOST_KEPT,
    NOTHING_UNFINISHED,
    OpenRecording,
    Unfinished,
    decode_unfinished,
    leave_to_next,
)
from bot.models import ENDED, FAILED, ONGOING, PAUSED, STARTING, Recording
from bot.query.parser import parse_query
from bot.query.terms import Status
from bot.query.times import HOUR, MINUTE
from bot.recordings.status_lists import PLANS
from bot.sandbox.recording_life import FileScript
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.databases import database_or_skip, sqlite_with_tables
from tests.features.digests.test_listeners import (
    NINE,
    add,
    digest,
    ended,
    go_to,
    post_number,
    posts,
    slot_that,
    told,
)
from tests.vendor import a_vendor
from tests.world import MINUTE_MS, NOW, NOW_MS, World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOURLY = 'digest add "every hour"'
IN_BACKUP, LOST, UPLOADED = 4, 5, 3


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(DATABASE_URL=sqlite_with_tables(tmp_path / "digests.db")) as built:
        yield built


async def slot(world: World, at: float, number: int = 1) -> str:
    """The text of the post of a slot, once it has come to its end; empty where nothing was posted."""
    go_to(world, at)
    kept = await ended(world, at, number)
    texts = (post.shown_text for post in posts(world) if post.ts == kept.posted_ts)
    return next(texts, "").replace("*", "")


def recording(world: World, at: float, minutes: int = 60, room: str = "88", **file: Any) -> str:
    """A recording of so many minutes with one file; `outcome` and `upload_ms` say what becomes of it."""
    began_ms = int(at * 1000)
    script = FileScript(began_ms, **file)
    return world.zego.add_task(
        room_id=room, began_ms=began_ms, ends_ms=began_ms + minutes * MINUTE_MS, files=(script,)
    )


# Told in the channel, over several slots.


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_ran_at_a_slot_and_ends_in_backup_storage_is_new_once_and_then_still_open(
    kind: str, tmp_path: Path
) -> None:
    async with database_or_skip(kind, tmp_path) as url, a_world(DATABASE_URL=url) as world:
        task = recording(world, NINE - 10 * MINUTE, outcome=IN_BACKUP)
        await world.ask(HOURLY)
        first, second, third, fourth = [await slot(world, NINE + n * HOUR) for n in range(4)]
    assert "1 recording · 1 still running" in first
    assert task not in first
    assert "0 recordings (−100 % on the previous slot) · 1 needs attention" in second
    assert "Rescue" in second
    assert task in second
    for later in (third, fourth):
        assert "nothing to report" in later
        assert "1 still open from before." in later
        assert task not in later


@pytest.mark.parametrize(("outcome", "verdict"), [(IN_BACKUP, "Rescue"), (LOST, "Lost")])
async def test_an_upload_under_way_at_a_slot_is_judged_by_the_next(
    world: World, outcome: int, verdict: str
) -> None:
    task = recording(world, NINE - 40 * MINUTE, 39, outcome=outcome, upload_ms=5 * MINUTE_MS)
    await world.ask(HOURLY)
    first, second, third = [await slot(world, NINE + n * HOUR) for n in range(3)]
    assert "1 recording · 1 still uploading" in first
    assert "ended well" not in first
    assert verdict in second
    assert task in second
    open_still = "1 still open from before" in third
    assert open_still == (outcome == IN_BACKUP), "a lost file is told once, and nothing can change it"
    assert "nothing to report" in third


async def test_what_ends_well_after_its_slot_is_never_mentioned_again(world: World, tmp_path: Path) -> None:
    recording(world, NINE - 10 * MINUTE)
    await world.ask(f"{HOURLY} quiet=silent")
    assert "1 still running" in await slot(world, NINE)
    assert [await slot(world, NINE + n * HOUR) for n in (1, 2)] == ["", ""]
    with closing(sqlite3.connect(tmp_path / "digests.db")) as database:
        kept = database.execute("SELECT unfinished FROM recordings_bot_slots ORDER BY slot_at").fetchall()
    assert [decode_unfinished(text).recordings for (text,) in kept] == [(), (), ()]
    assert [bool(text) for (text,) in kept] == [False, True, True], "what is of no more use is forgotten"


async def test_a_paused_recording_is_told_once_and_again_when_it_gets_worse(world: World) -> None:
    began_ms = int((NINE - 30 * MINUTE) * 1000)
    task = world.zego.add_task(
        room_id="88",
        began_ms=began_ms,
        ends_ms=began_ms + 140 * MINUTE_MS,
        pauses=((began_ms + 5 * MINUTE_MS, None),),
        files=(FileScript(began_ms, outcome=LOST),),
    )
    await world.ask(HOURLY)
    texts = [await slot(world, NINE + n * HOUR) for n in range(4)]
    assert [task in text for text in texts] == [True, False, True, False]
    assert "Paused" in texts[0]
    assert "1 still open from before" in texts[1]
    assert "Lost" in texts[2]


async def test_a_file_that_is_moved_out_of_backup_storage_is_no_longer_open(world: World) -> None:
    task = recording(world, NINE - 40 * MINUTE, 30, outcome=IN_BACKUP)
    await world.ask(f"{HOURLY} quiet=silent")
    first = await slot(world, NINE)
    assert "Rescue" in first
    assert "ended well" not in first
    script = world.zego.index.find(task)
    assert script is not None
    assert script.files is not None
    world.zego.clear()
    world.zego.index.add([replace(script, files=(replace(script.files[0], outcome=UPLOADED),))])
    assert await slot(world, NINE + HOUR) == ""
    add(world, NINE + 90 * MINUTE)
    assert "still open" not in await slot(world, NINE + 2 * HOUR)


async def test_a_recording_without_files_is_told_once_and_then_final(world: World) -> None:
    began_ms = int((NINE - 10 * MINUTE) * 1000)
    task = world.zego.add_task(room_id="88", began_ms=began_ms, ends_ms=began_ms + 9 * MINUTE_MS, files=None)
    await world.ask('digest add "every 30 minutes"')
    await slot(world, NINE - 30 * MINUTE)
    texts = [await slot(world, NINE + n * 30 * MINUTE) for n in range(5)]
    assert [task in text for text in texts] == [True, False, False, False, False]
    assert ["still open from before" in text for text in texts] == [False, True, True, False, False]


async def test_a_failed_slot_loses_nothing_and_its_window_is_told_by_the_next(world: World) -> None:
    running = recording(world, NINE - 10 * MINUTE, 70, outcome=IN_BACKUP)
    await world.ask(HOURLY)
    await slot(world, NINE)
    between = add(world, NINE + 30 * MINUTE, room="7", fails=True)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    go_to(world, NINE + HOUR)
    await slot_that(world, NINE + HOUR, lambda kept: kept.error)
    go_to(world, NINE + HOUR + 59 * MINUTE + 50)
    await ended(world, NINE + HOUR)
    world.zego.behave()
    text = await slot(world, NINE + 2 * HOUR)
    assert "Recordings, Mon 23 Nov 09:00 – 11:00" in text
    assert running in text
    assert between in text
    assert "1 digest before this one was not posted" in text


async def test_a_first_slot_that_failed_is_made_up_for_by_the_next(world: World) -> None:
    missed = add(world, NINE - 30 * MINUTE, room="7", fails=True)
    await world.ask('digest add "every hour"')
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    go_to(world, NINE)
    await slot_that(world, NINE, lambda kept: kept.error)
    go_to(world, NINE + 59 * MINUTE + 50)
    await ended(world, NINE)
    world.zego.behave()
    text = await slot(world, NINE + HOUR)
    assert "Recordings, Mon 23 Nov 08:00 – 10:00" in text
    assert missed in text


async def test_slots_that_were_skipped_while_the_bot_was_away_lose_nothing(world: World) -> None:
    task = recording(world, NINE - 10 * MINUTE, outcome=IN_BACKUP)
    await world.ask(HOURLY)
    await slot(world, NINE)
    await world.stop_bot()
    between = add(world, NINE + 90 * MINUTE, room="7", fails=True)
    world.clock.advance(5 * HOUR)
    await world.start_bot()
    await ended(world, NINE + 5 * HOUR)
    _, first, second = [post.shown_text for post in posts(world)]
    assert "Recordings, Mon 23 Nov 09:00 – 13:00" in first, "the last slot that is new enough"
    assert task in first
    assert between in first
    assert task not in second


async def test_a_window_of_its_own_reaches_on_over_slots_that_were_not_posted(world: World) -> None:
    await world.ask(f"{HOURLY} last=1h")
    await slot(world, NINE)
    missed = add(world, NINE + 30 * MINUTE, room="7", fails=True)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    go_to(world, NINE + HOUR)
    await slot_that(world, NINE + HOUR, lambda kept: kept.error)
    go_to(world, NINE + HOUR + 59 * MINUTE + 50)
    await ended(world, NINE + HOUR)
    world.zego.behave()
    assert missed in await slot(world, NINE + 2 * HOUR)
    assert "Recordings, Mon 23 Nov 11:00 – 12:00" in await slot(world, NINE + 3 * HOUR)


async def test_a_test_run_eats_nothing_that_the_schedule_has_to_tell(world: World) -> None:
    task = recording(world, NINE - 10 * MINUTE, 30, outcome=IN_BACKUP)
    await world.ask(HOURLY)
    await slot(world, NINE)
    go_to(world, NINE + 30 * MINUTE)
    await world.ask("digest run 1")
    test_run = await post_number(world, 2)
    assert "Test run · " in test_run.shown_text
    assert task in test_run.text
    assert task in await slot(world, NINE + HOUR)
    assert "1 still open from before" in await slot(world, NINE + 2 * HOUR)


async def test_windows_that_overlap_tell_each_recording_once(world: World) -> None:
    task = recording(world, NINE - 30 * MINUTE, 20, outcome=LOST)
    await world.ask(f"{HOURLY} last=6h")
    texts = [await slot(world, NINE + n * HOUR) for n in range(3)]
    assert [task in text for text in texts] == [True, False, False]
    assert ["1 still open from before" in text for text in texts] == [False, True, True]


@pytest.mark.parametrize("offset_ms", [-1, 0, 1])
async def test_a_start_at_a_slots_time_is_counted_by_one_of_two_slots(world: World, offset_ms: int) -> None:
    world.zego.add_task(room_id="1", began_ms=NINE * 1000 + offset_ms, ends_ms=NINE * 1000 + MINUTE_MS)
    await world.ask(f"{HOURLY} quiet=silent")
    for n in range(3):
        await slot(world, NINE + n * HOUR)
    totals = [(await ended(world, NINE + n * HOUR)).counts["total"] for n in range(3)]
    assert totals == ([1, 0, 0] if offset_ms < 0 else [0, 1, 0])


@pytest.mark.parametrize(
    ("terms", "tells"),
    [
        ("", True),
        ("room=88", True),
        ("room=7", False),
        ("status=attention", True),
        ("status=ended", True),
        ("status=failed", True),
        ("status=ongoing", False),
        ("status=paused", False),
    ],
)
async def test_the_digests_own_terms_hold_for_what_is_judged_again(
    world: World, terms: str, *, tells: bool
) -> None:
    began_ms = int((NINE - 10 * MINUTE) * 1000)
    task = world.zego.add_task(
        room_id="88", began_ms=began_ms, ends_ms=began_ms + 30 * MINUTE_MS, fails=True, files="one"
    )
    await world.ask(f"{HOURLY} {terms}")
    first, second = [await slot(world, NINE + n * HOUR) for n in range(2)]
    assert task not in first
    assert (task in second) == tells


async def test_a_changed_question_holds_for_what_was_seen_before(world: World) -> None:
    task = recording(world, NINE - 10 * MINUTE, outcome=IN_BACKUP)
    await world.ask(HOURLY)
    await slot(world, NINE)
    await world.bot.digests.store.change((await digest(world)).id, query="room=7")
    assert task not in await slot(world, NINE + HOUR)


async def test_what_the_vendor_no_longer_knows_and_never_ended_well_is_said_in_one_note(world: World) -> None:
    stuck = recording(world, NINE - 10 * MINUTE, 30, outcome=UPLOADED, upload_ms=90 * HOUR * 1000)
    rescue = recording(world, NINE - 10 * MINUTE, 30, room="<!here> *7*", outcome=IN_BACKUP)
    fine = recording(world, NINE - 10 * MINUTE, 30, room="9")
    await world.ask('digest add "every 12 hours" quiet=silent')
    first = await next_slot(world)
    texts = [await slot(world, first + n * 12 * HOUR) for n in range(8)]
    noted = [text for text in texts if "no longer has" in text]
    assert len(noted) == 1
    assert "no longer has 2 recordings that weren't finished when last seen" in noted[0]
    assert stuck in noted[0]
    assert rescue in noted[0]
    assert fine not in noted[0]
    assert "<!here>" not in noted[0]
    assert "`&lt;!here&gt; 7`" in noted[0]
    assert texts[-1] == ""


async def next_slot(world: World) -> int:
    at = (await digest(world)).next_run_at
    assert at is not None
    return at


async def test_two_slots_that_are_due_at_once_are_told_in_turn_and_nothing_twice(world: World) -> None:
    task = add(world, NINE - 20 * MINUTE, room="7", fails=True)
    await world.ask('digest add "every 30 minutes" quiet=silent')
    assert not await slot(world, NINE - 30 * MINUTE)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    for minutes in (0, 30):
        go_to(world, NINE + minutes * MINUTE)
        await slot_that(world, NINE, lambda kept: kept.error)
    world.zego.behave()
    go_to(world, NINE + 45 * MINUTE)
    await ended(world, NINE + 30 * MINUTE)
    texts = [post.text for post in posts(world)]
    assert [task in text for text in texts] == [True]
    assert told(world) == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_message_that_is_found_later_told_what_it_told(world: World, when: str) -> None:
    """Its answer got lost, and what went bad before it was found is new in the next slot."""
    task = recording(world, NINE - 40 * MINUTE, 39, outcome=LOST, upload_ms=2 * MINUTE_MS)
    await world.ask(HOURLY)
    world.slack.misbehave("chat.postMessage", error="internal_error", after_effect=when == "after")
    go_to(world, NINE)
    await slot_that(world, NINE, lambda kept: kept.attempts == 1 and kept.error)
    go_to(world, NINE + 10 * MINUTE)
    await ended(world, NINE)
    second = await slot(world, NINE + HOUR)
    assert len(posts(world)) == 2
    assert [task in post.text for post in posts(world)] == [when == "before", when == "after"]
    assert ("Lost" in second) == (when == "after")


# The look at one window.


def window(query: str = "", hours: float = 24, **more: Any) -> SlotWindow:
    start_ms = NOW_MS - int(hours * HOUR * 1000)
    read = parse_query(f"{query} from=2026-11-22T07:00Z to=2026-11-23T07:00Z", NOW, "UTC")
    return SlotWindow(start_ms, NOW_MS, NOW_MS, read, **more)


def seen(task_id: str, began_ms: int, *said: str, status: int = ONGOING, room: str = "1") -> OpenRecording:
    return OpenRecording(Recording(task_id, room, status, began_ms), frozenset(said))


async def test_calls_for_what_is_left_are_bounded_and_what_could_not_be_looked_at_is_said() -> None:
    async with a_vendor() as vendor:
        began_ms = NOW_MS - 30 * HOUR * 1000
        tasks = [
            vendor.zego.add_task(
                room_id="1",
                began_ms=began_ms + n,
                ends_ms=began_ms + MINUTE_MS,
                files=(FileScript(began_ms + n, outcome=LOST),),
            )
            for n in range(MOST_LOOKED_AT_AGAIN + 2)
        ]
        before = Unfinished(tuple(seen(task, began_ms + n) for n, task in enumerate(tasks)))
        surveys = DigestData(vendor.recordings, vendor.clock)
        summary = await surveys.get(window(), before)
        assert len(summary.attention) == MOST_LOOKED_AT_AGAIN
        assert not summary.all_checked
        assert "2 recordings from earlier digests couldn't be checked again this time." in summary.notes
        described = {request.body["TaskId"] for request in vendor.zego.requests if "TaskId" in request.body}
        assert len(described) == MOST_LOOKED_AT_AGAIN
        again = await DigestData(vendor.recordings, vendor.clock).get(window(), summary.unfinished)
        assert len(again.attention) == 2
        assert again.unfinished.recordings == ()


@pytest.mark.parametrize("readable", [True, False])
async def test_what_there_was_no_call_left_for_comes_first_next_time(*, readable: bool) -> None:
    async with a_vendor() as vendor:
        began_ms = NOW_MS - 30 * HOUR * 1000
        tasks = [
            vendor.zego.add_task(
                room_id="1",
                began_ms=began_ms + n,
                ends_ms=began_ms + MINUTE_MS,
                files=(FileScript(began_ms + n, outcome=IN_BACKUP),),
            )
            for n in range(2 * MOST_LOOKED_AT_AGAIN)
        ]
        if not readable:
            vendor.zego.spoil_details = lambda _, data: data.pop("RoomId")
        left = Unfinished(tuple(seen(task, began_ms + n) for n, task in enumerate(tasks)))
        looked_at: list[set[str]] = []
        for _ in range(3):
            vendor.zego.requests.clear()
            left = (await DigestData(vendor.recordings, vendor.clock).get(window(), left)).unfinished
            looked_at.append(
                {request.body["TaskId"] for request in vendor.zego.requests if "TaskId" in request.body}
            )
            vendor.clock.advance(HOUR)
        assert [len(each) for each in looked_at] == [MOST_LOOKED_AT_AGAIN] * 3
        assert looked_at[0] | looked_at[1] == set(tasks)
        assert looked_at[2] == looked_at[0]


async def test_details_that_can_be_read_of_none_stop_no_digest() -> None:
    async with a_vendor() as vendor:
        began_ms = NOW_MS - 2 * HOUR * 1000
        failed = vendor.zego.add_task(room_id="7", began_ms=began_ms, status=FAILED)
        vendor.zego.add_task(room_id="8", began_ms=began_ms, ends_ms=began_ms + MINUTE_MS)
        vendor.zego.spoil_details = lambda _, data: data.pop("RoomId")
        summary = await DigestData(vendor.recordings, vendor.clock).get(window(hours=24))
        assert [found.recording.task_id for found in summary.attention] == [failed]
        assert summary.counts["total"] == 2
        assert "The details of 2 recordings could not be read." in summary.notes


async def test_digests_that_carry_on_the_same_share_one_look_and_each_tells_its_own() -> None:
    async with a_vendor() as vendor:
        began_ms = NOW_MS - 30 * HOUR * 1000
        task = vendor.zego.add_task(
            room_id="1",
            began_ms=began_ms,
            ends_ms=began_ms + MINUTE_MS,
            files=(FileScript(began_ms, outcome=IN_BACKUP),),
        )
        surveys = DigestData(vendor.recordings, vendor.clock)
        new = await surveys.get(window(), Unfinished((seen(task, began_ms),)))
        calls = vendor.calls
        known = await surveys.get(window(), Unfinished((seen(task, began_ms, "rescue"),)))
        assert vendor.calls == calls
        assert [found.recording.task_id for found in new.attention] == [task]
        assert (known.attention, known.still_open) == ((), 1)


@pytest.mark.parametrize("ahead_seconds", [-300, -2, 0, 2, 300])
async def test_no_start_falls_between_two_slots_where_the_vendors_clock_is_elsewhere(
    ahead_seconds: float,
) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        for n in range(-400, 400, 7):  # around the first slot, by the vendor's clock
            vendor.zego.add_task(room_id="1", began_ms=NOW_MS + n * 1000, status=ONGOING)
        totals, left = [], NOTHING_UNFINISHED
        for hour in range(2):
            slot_ms = NOW_MS + hour * HOUR * 1000
            start_ms = slot_ms - HOUR * 1000
            read = parse_query(f"from={iso(start_ms)} to={iso(slot_ms)}", slot_ms / 1000, "UTC")
            look = SlotWindow(start_ms, slot_ms, slot_ms, read, left.first_ms(start_ms))
            summary = await DigestData(vendor.recordings, vendor.clock).get(look, left)
            totals.append(summary.counts["total"])
            left = summary.unfinished
            for clock in {vendor.clock, vendor.zego.clock}:
                clock.advance(HOUR)
        assert sum(totals) == len(range(-400, 400, 7))


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


# What is left to the next slot.


@pytest.mark.parametrize(
    ("status", "query", "is_over", "said", "is_left"),
    [
        (ONGOING, Status.ALL, False, "", True),
        (STARTING, Status.ALL, False, "", True),
        (PAUSED, Status.ALL, False, "paused", True),
        (ENDED, Status.ALL, False, "", True),
        (ENDED, Status.ALL, True, "", False),
        (ENDED, Status.ALL, True, "lost", False),
        (FAILED, Status.ALL, False, "failed", True),
        (9, Status.ALL, False, "", True),
        (ONGOING, Status.FAILED, False, "", True),
        (ONGOING, Status.ENDED, False, "", True),
        (ENDED, Status.FAILED, False, "", False),
        (FAILED, Status.FAILED, False, "", True),
        (ONGOING, Status.ONGOING, False, "", False),
        (ONGOING, Status.ONGOING, False, "runaway", True),
        (ENDED, Status.ONGOING, False, "", False),
        (ENDED, Status.PAUSED, False, "paused", False),
    ],
)
def test_what_is_left_to_the_next_slot(
    status: int, query: Status, said: str, *, is_over: bool, is_left: bool
) -> None:
    row = Recording("T1", "88", status, 1_000)
    left = leave_to_next(
        [row],
        {},
        {"T1": frozenset({said})} if said else {},
        plan=PLANS[query],
        looked_at=frozenset({"T1"}),
        asked_of=frozenset({"T1"}),
        over=frozenset({"T1"} if is_over else ()),
        reach_ms=2_000,
    )
    assert [each.recording for each in left] == ([row] if is_left else [])
    assert all(each.told == (frozenset({said}) if said else frozenset()) for each in left)


def test_what_can_no_longer_change_is_known_as_long_as_a_window_reaches_back_to_it() -> None:
    row = Recording("T1", "88", ENDED, 1_000)
    more: dict[str, Any] = {
        "plan": PLANS[Status.ALL],
        "looked_at": frozenset({"T1"}),
        "asked_of": frozenset(),
    }
    over = frozenset({"T1"})
    (kept,) = leave_to_next([row], {}, {"T1": frozenset({"lost"})}, over=over, reach_ms=500, **more)
    assert (kept.settled, kept.told) == (True, {"lost"})
    before = {"T1": kept}
    assert leave_to_next([], before, {}, over=frozenset(), reach_ms=500, **more) == (kept,)
    assert leave_to_next([], before, {}, over=frozenset(), reach_ms=1_001, **more) == ()


def test_so_much_is_left_at_most_and_what_was_never_looked_at_goes_first() -> None:
    running = [Recording(f"R{n}", "1", ONGOING, n) for n in range(MOST_KEPT - 1)]
    unread = [Recording(f"U{n}", "1", ENDED, 10_000 + n) for n in range(500)]
    left = leave_to_next(
        [*unread, *running],
        {},
        {},
        plan=PLANS[Status.ALL],
        looked_at=frozenset(),
        asked_of=frozenset(),
        over=frozenset(),
        reach_ms=0,
    )
    assert len(left) == MOST_KEPT
    assert {each.recording for each in left} == {*running, unread[-1]}


def test_what_is_left_is_read_as_it_was_written() -> None:
    left = Unfinished(
        (
            OpenRecording(
                Recording("T-1_", 'room "<&', PAUSED, NOW_MS), frozenset({"paused", "stuck start"})
            ),
            OpenRecording(Recording("T2", "", 9, 0), settled=True),
        ),
        NOW_MS - 5,
        NOW_MS,
    )
    assert decode_unfinished(left.encode()) == left


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "no JSON", '{"open":[[1]]}', '{"open":7}', '{"later":{}}', "7"]
)
def test_what_another_version_left_is_nothing_instead_of_an_error(text: str) -> None:
    assert decode_unfinished(text) == NOTHING_UNFINISHED


def test_starts_that_the_vendors_clock_had_not_reached_are_counted_by_the_next_window() -> None:
    left = Unfinished((), until_ms=9_400, end_ms=10_000)
    assert [left.first_ms(start) for start in (9_000, 9_700, 10_000, 10_001)] == [9_000, 9_400, 9_400, 10_001]
    assert NOTHING_UNFINISHED.first_ms(5) == 5


# What could not be read at a slot.


async def test_a_row_that_could_not_be_read_is_asked_for_by_itself_and_judged_by_the_next_slots(
    world: World,
) -> None:
    task = recording(world, NINE - 10 * MINUTE, outcome=IN_BACKUP)
    await world.ask(f"{HOURLY} room=88")
    world.zego.misbehave(Fault(FaultKind.UNREADABLE_ROW), action="DescribeTasks")
    first = await slot(world, NINE)
    world.zego.behave()
    second, third = [await slot(world, NINE + n * HOUR) for n in (1, 2)]
    assert "could not be read" in first
    assert "Rescue" in second
    assert task in second
    assert "1 still open from before" in third


async def test_a_file_that_cannot_be_read_is_neither_an_upload_nor_nothing(world: World) -> None:
    task = recording(world, NINE - 40 * MINUTE, 20, outcome=LOST)
    await world.ask(HOURLY)
    world.zego.misbehave(Fault(FaultKind.UNREADABLE_ROW), action="DescribeRecordStatus")
    first, second = [await slot(world, NINE + n * HOUR) for n in (0, 1)]
    world.zego.behave()
    third = await slot(world, NINE + 2 * HOUR)
    for text in (first, second):
        assert "uploading" not in text
        assert "The details of 1 recording could not be read." in text
        assert "nothing to report" not in text
    assert "Lost" in third
    assert task in third
