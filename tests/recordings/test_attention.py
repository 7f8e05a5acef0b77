"""`status=attention`: the recordings of a window whose verdict is not "fine"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import bot.recordings.attention
from bot.errors import ZegoBadAnswerError
from bot.network import Network
from bot.query.parser import parse_query
from bot.recordings.page import Question
from bot.recordings.service import Recordings
from bot.sandbox.recording_life import FileScript
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.verdicts.judge import judge
from bot.zegocloud.client import RetryPolicy, ZegoClient
from bot.zegocloud.limiter import Limiter
from tests.vendor import a_vendor, ids
from tests.world import HOUR_MS, MINUTE_MS, NOW, NOW_MS, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.recordings.page import Page


async def find(world: World, text: str, **more: object) -> Page:
    question = Question(parse_query(text, world.clock.now(), "UTC"), "UTC", **more)
    return await world.bot.recordings.find(question)


def unhurried(world: World) -> Recordings:
    """The use case with a budget that hundreds of calls do not wait for, and time for them on any machine."""
    zego = ZegoClient(
        network=Network(),
        app_id=world.zego.app_id,
        server_secret=world.zego.server_secret,
        base_url=world.zego.base_url,
        limiter=Limiter(20, hold_seconds=0),
        retry=RetryPolicy(attempt_timeout_seconds=60, total_seconds=120, background_total_seconds=120),
        clock=world.clock,
    )
    return Recordings(zego, world.clock, cache_ttl_seconds=15)


def add_fine(world: World, count: int) -> None:
    for n in range(count):
        began_ms = NOW_MS - 2 * HOUR_MS - n * MINUTE_MS
        world.zego.add_task(room_id=f"fine-{n}", began_ms=began_ms, ends_ms=began_ms + 30_000)


async def test_only_what_is_not_fine_is_listed_with_its_verdict(world: World) -> None:
    add_fine(world, 5)
    failed = world.zego.add_task(room_id="1", began_ms=NOW_MS - HOUR_MS, status=4)
    empty = world.zego.add_task(
        room_id="2", began_ms=NOW_MS - 3 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS, files=None
    )
    double = [world.zego.add_task(room_id="3", began_ms=NOW_MS - n * HOUR_MS, status=2) for n in (2, 3)]
    page = await find(world, "status=attention last=6h")
    assert {row.task_id for row in page.recordings} == {failed, empty, *double}
    assert (page.total, page.exact) == (4, True)
    assert page.verdicts[empty][0].kind == "empty"

    message = await world.ask("status=attention last=6h")
    assert "4 recordings found" in message.text
    assert "both bill" in message.shown_text
    assert "Ended abnormally" in message.shown_text


async def test_an_hour_in_which_all_is_fine_has_none(world: World) -> None:
    add_fine(world, 3)
    message = await world.ask("status=attention last=6h")
    assert "No recordings found" in message.shown_text


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 more that started before this window needs attention."),
        (3, "3 more that started before this window need attention."),
    ],
)
async def test_a_runaway_is_told_of_however_short_the_window(world: World, count: int, words: str) -> None:
    add_fine(world, 2)
    for n in range(count):
        world.zego.add_task(room_id=f"forgotten-{n}", began_ms=NOW_MS - 9 * HOUR_MS, status=2)
    world.zego.add_task(room_id="fine", began_ms=NOW_MS - 7 * HOUR_MS, status=2)
    world.zego.add_task(room_id="ended", began_ms=NOW_MS - 9 * HOUR_MS, status=4)
    page = await find(world, "status=attention last=6h")
    assert (page.recordings, page.total, page.exact) == ((), 0, True)
    assert (page.running_before, page.begun_before) == (count, ())

    message = await world.ask("status=attention last=6h")
    assert words in message.shown_text
    assert words in message.text
    assert "The last 3 days" not in message.text
    shown = await world.press(message, "Show them")
    assert f"{count + 1} recordings found" in shown.text


async def test_what_runs_since_before_the_window_makes_another_in_its_room_a_double(world: World) -> None:
    world.zego.add_task(room_id="3", began_ms=NOW_MS - 7 * HOUR_MS, status=2)
    inside = world.zego.add_task(room_id="3", began_ms=NOW_MS - HOUR_MS, status=2)
    page = await find(world, "status=attention last=6h")
    assert [row.task_id for row in page.recordings] == [inside]
    assert [verdict.kind for verdict in page.verdicts[inside]] == ["double"]
    assert page.running_before == 1


def without_room(*tasks: str) -> Callable[[str, dict[str, Any]], object]:
    return lambda task_id, data: data.pop("RoomId") if task_id in tasks else None


async def test_details_that_cannot_be_read_leave_the_row_to_what_the_list_tells() -> None:
    async with a_vendor() as vendor:
        began_ms = NOW_MS - 3 * HOUR_MS
        failed = vendor.zego.add_task(room_id="1", began_ms=began_ms, status=4)
        unknown = vendor.zego.add_task(room_id="2", began_ms=began_ms, ends_ms=NOW_MS - HOUR_MS)
        empty = vendor.zego.add_task(room_id="3", began_ms=began_ms, ends_ms=NOW_MS - HOUR_MS, files=None)
        vendor.zego.spoil_details = without_room(failed, unknown)
        page = await vendor.ask("status=attention last=6h")
        assert {*ids(page)} == {failed, empty}
        assert (page.total, page.exact) == (2, False)
        assert page.notes == ("The details of 2 recordings could not be read.",)

        vendor.zego.spoil_details = without_room(failed, unknown, empty)
        vendor.clock.advance(3_600)
        with pytest.raises(ZegoBadAnswerError):
            await vendor.ask("status=attention last=6h")


async def test_a_file_that_cannot_be_read_is_no_reason_to_call_a_recording_empty_or_short() -> None:
    async with a_vendor() as vendor:
        task = vendor.zego.add_task(
            room_id="1", began_ms=NOW_MS - 3 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS, status=3
        )
        vendor.zego.spoil_details = lambda _, data: data["RecordFiles"][0].update(Duration="long")
        page = await vendor.ask("status=attention last=6h")
        assert (page.recordings, page.total, page.exact) == ((), 0, False)
        assert page.notes == ("The details of 1 recording could not be read.",)
        details = await vendor.recordings.details(task)
        [verdict] = judge(details, details.now_ms)
        assert (details.files, details.file_count, verdict.headline) == ((), 1, "Not sure")
        vendor.zego.spoil_details = None
        vendor.clock.advance(60)
        assert (await vendor.recordings.details(task)).file_count == 1
        assert len((await vendor.recordings.details(task)).files) == 1


async def test_details_of_what_began_before_count_among_the_most(world: World) -> None:
    most = bot.recordings.attention.MOST_CHECKED
    add_fine(world, most)
    old = world.zego.add_task(room_id="old", began_ms=NOW_MS - 50 * HOUR_MS, status=2)
    recordings = unhurried(world)
    page = await recordings.find(Question(parse_query("status=attention last=1d", NOW, "UTC"), "UTC"))
    await recordings.aclose()
    assert (page.running_before, page.total, page.exact) == (1, 0, False)
    assert f"Checked {most} of {most + 1}: what runs or failed, then the newest." in page.notes
    asked = [request for request in world.zego.requests if request.action == "DescribeRecordStatus"]
    assert len({request.body["TaskId"] for request in asked}) == most  # a slow machine asks some twice
    assert asked[0].body["TaskId"] == old


async def test_more_runaways_than_are_looked_at_are_all_counted(world: World) -> None:
    for n in range(510):
        began_ms = NOW_MS - 10 * HOUR_MS - n * MINUTE_MS
        world.zego.add_task(room_id=f"r{n}", began_ms=began_ms, status=2)
    recordings = unhurried(world)
    page = await recordings.find(Question(parse_query("status=attention last=6h", NOW, "UTC"), "UTC"))
    await recordings.aclose()
    assert page.running_before == 510


async def test_an_upload_that_has_just_begun_needs_none(world: World) -> None:
    began_ms, ended_ms = NOW_MS - 2 * HOUR_MS, NOW_MS - MINUTE_MS
    files = (FileScript(began_ms, upload_ms=HOUR_MS),)
    world.zego.add_task(room_id="1", began_ms=began_ms, ends_ms=ended_ms, files=files)
    assert (await find(world, "status=attention last=6h")).total == 0
    world.clock.advance(45 * 60)
    page = await find(world, "status=attention last=6h")
    assert [verdicts[0].kind for verdicts in page.verdicts.values()] == ["uploading"]


async def test_nothing_is_said_of_three_days_that_were_not_judged(world: World) -> None:
    began_ms = NOW_MS - 30 * HOUR_MS
    world.zego.add_task(room_id="1", began_ms=began_ms, ends_ms=began_ms + MINUTE_MS)
    page = await find(world, "status=attention last=6h")
    assert (page.total, page.elsewhere) == (0, None)


async def test_paging_reaches_each_once(world: World) -> None:
    expected = [
        world.zego.add_task(room_id=f"r{n}", began_ms=NOW_MS - (n + 1) * MINUTE_MS, status=4)
        for n in range(23)
    ]
    page = await find(world, "status=attention last=6h")
    seen = list(page.recordings)
    while page.older:
        page = await find(world, "status=attention last=6h page=2", cursor=page.older, asked_ms=NOW_MS)
        seen += page.recordings
    assert [row.task_id for row in seen] == expected
    assert page.number == 3
    back = await find(world, "status=attention last=6h", cursor=page.newer, asked_ms=NOW_MS)
    assert [row.task_id for row in back.recordings] == expected[10:20]


async def test_of_very_many_those_that_run_or_failed_are_looked_at_first(world: World) -> None:
    most = bot.recordings.attention.MOST_CHECKED
    add_fine(world, most + 20)
    failed = world.zego.add_task(room_id="old", began_ms=NOW_MS - 40 * HOUR_MS, status=4)
    recordings = unhurried(world)
    question = Question(parse_query("status=attention last=2d", NOW, "UTC"), "UTC")
    page = await recordings.find(question)
    await recordings.aclose()
    assert [row.task_id for row in page.recordings] == [failed]
    assert not page.exact
    assert f"Checked {most} of {most + 21}: what runs or failed, then the newest." in page.notes
    asked = [request for request in world.zego.requests if request.action == "DescribeRecordStatus"]
    assert len(asked) == most
    assert asked[0].body["TaskId"] == failed


async def test_details_of_ended_tasks_are_kept(world: World) -> None:
    add_fine(world, 4)
    await find(world, "status=attention last=6h")
    world.clock.advance(60)
    before = world.vendor_calls
    await find(world, "status=attention last=6h")
    asked = list(world.zego.requests)[before:]
    assert "DescribeRecordStatus" not in {request.action for request in asked}


async def test_a_vendor_that_fails_half_way_is_told(world: World) -> None:
    add_fine(world, 4)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016), action="DescribeRecordStatus")
    message = await world.ask("status=attention last=6h")
    assert "not enabled" in message.shown_text
    assert message.buttons == ["Try again"]


@pytest.mark.parametrize("text", ["status=attention last=6h", "attention 6h", "trouble last=6h"])
async def test_it_can_be_asked_in_everyday_words(world: World, text: str) -> None:
    assert parse_query(text, NOW, "UTC") == parse_query("status=attention last=6h", NOW, "UTC")


async def test_a_list_tells_what_it_knows_without_another_call(world: World) -> None:
    world.zego.add_task(room_id="7", began_ms=NOW_MS - 10 * HOUR_MS, status=2)
    message = await world.ask("room=7 last=1d")
    assert "▲\u00a0*Runaway*" in message.shown_text
    assert "Runaway." in message.text
    assert {request.action for request in world.zego.requests} == {"DescribeTasks"}
