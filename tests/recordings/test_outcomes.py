"""What a row says beyond its status: the same wherever it is shown, as much as is known, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.models import ENDED, FAILED, ONGOING, PAUSED, STARTING
from bot.recordings.details import DetailsService
from bot.recordings.live_reading import RUNNING_READ_WHOLE
from bot.recordings.outcomes import MOST_ASKED
from bot.sandbox.recording_life import FileScript
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.vendor import Vendor, a_vendor
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.recordings.page import Page

NOT_ENABLED = Fault(FaultKind.CODE, code=100000016)
NOTHING = Fault(FaultKind.NOTHING)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with a_vendor() as built:
        yield built


def add(
    vendor: Vendor | World, hours_ago: float, status: int = ENDED, room: str = "1230", **more: Any
) -> str:
    began_ms = NOW_MS - round(hours_ago * HOUR_MS)
    return vendor.zego.add_task(room_id=room, began_ms=began_ms, status=status, **more)


def add_ended(vendor: Vendor | World, outcome: int = 3, hours_ago: float = 2, **file: Any) -> str:
    """One that ran for 45 minutes and has one file, uploaded or not."""
    began_ms = NOW_MS - round(hours_ago * HOUR_MS)
    files = (FileScript(began_ms, outcome=outcome, **file),)
    return vendor.zego.add_task(
        room_id="1230", began_ms=began_ms, ends_ms=began_ms + 45 * MINUTE_MS, files=files
    )


def doubled(page: Page) -> set[str]:
    return {task for task, verdicts in page.verdicts.items() if any(one.kind == "double" for one in verdicts)}


def verdict(page: Page, task: str) -> str | None:
    [row] = [row for row in page.recordings if row.task_id == task]
    worst = page.outcome(row).verdict
    return worst.kind.value if worst else None


def actions(vendor: Vendor, action: str) -> int:
    return sum(request.action == action for request in vendor.zego.requests)


# Double: judged by all that runs


def add_four_in_a_room(vendor: Vendor) -> set[str]:
    """Begun today, yesterday and the day before; one is paused, one starts. And one alone in its room."""
    add(vendor, 0.9, ONGOING, room="alone")
    add(vendor, 0.8)
    hours = {0.01: STARTING, 1: ONGOING, 2: PAUSED, 40: ONGOING}
    return {add(vendor, ago, status) for ago, status in hours.items()}


@pytest.mark.parametrize(
    "text",
    [
        "room=1230 status=ongoing size=1",
        "room=1230 status=ongoing size=2",
        "room=1230 size=1",
        "room=1230,alone last=80m",
        "size=1",
        "last=80m",
        "last=3d",
        "last=3d sort=oldest size=1",
        "status=paused",
        "status=starting size=1",
        "from=today",
        "from=today page=2 size=2",
        "status=attention last=80m",
    ],
)
async def test_a_recording_is_double_whatever_page_window_or_status_is_asked(
    vendor: Vendor, text: str
) -> None:
    four = add_four_in_a_room(vendor)
    page = await vendor.ask(text)
    vendor.restart()
    every = await vendor.recordings.find_all(vendor.question(text))
    for told in (page, every):
        assert doubled(told) == four & {row.task_id for row in told.recordings}
        assert doubled(told)


async def test_every_page_has_the_marks_of_one(vendor: Vendor) -> None:
    four = add_four_in_a_room(vendor)
    page = await vendor.ask("last=3d size=1")
    marked = doubled(page)
    while page.older:
        page = await vendor.older(page)
        marked |= doubled(page)
    assert marked == four


async def test_details_judge_by_the_same(vendor: Vendor) -> None:
    four = add_four_in_a_room(vendor)
    for task in four:
        _, verdicts = await DetailsService(vendor.recordings, vendor.clock).task(task)
        assert "double" in {verdict.kind for verdict in verdicts}
    assert actions(vendor, "DescribeTasks") == 1


async def test_questions_share_one_look_at_what_runs(vendor: Vendor) -> None:
    add_four_in_a_room(vendor)
    await vendor.ask("last=2h")
    before = actions(vendor, "DescribeTasks")
    for text in ("last=3h", "last=4h sort=oldest", "from=today"):
        await vendor.ask(text)
    assert actions(vendor, "DescribeTasks") - before == 3 * 2  # its own two lists each


async def test_a_question_about_a_room_needs_no_look_at_the_others(vendor: Vendor) -> None:
    four = add_four_in_a_room(vendor)
    page = await vendor.ask("room=1230 last=80m")
    assert doubled(page) == four & {row.task_id for row in page.recordings}
    assert (len(page.recordings), page.total, page.running_before) == (3, 3, 0)
    assert actions(vendor, "DescribeTasks") == 2


async def test_a_room_in_which_very_many_run_is_read_for_its_window_alone(vendor: Vendor) -> None:
    tasks = [add(vendor, 1 + n / 10, ONGOING) for n in range(70)]
    page = await vendor.ask("room=1230 last=90m size=20")
    assert [row.task_id for row in page.recordings] == tasks[:6]
    assert (page.total, page.exact, doubled(page)) == (6, True, set(tasks[:6]))


@pytest.mark.parametrize(("text", "lists"), [("status=ongoing", 1), ("status=paused", 2), ("last=3d", 3)])
async def test_a_question_that_reads_what_runs_needs_no_other_look(
    vendor: Vendor, text: str, lists: int
) -> None:
    add_four_in_a_room(vendor)
    await vendor.ask("room=nowhere status=ended last=1h")  # tells the vendor's clock
    before = actions(vendor, "DescribeTasks")
    assert doubled(await vendor.ask(text))
    assert actions(vendor, "DescribeTasks") - before <= lists
    before = actions(vendor, "DescribeTasks")
    assert doubled(await vendor.ask("last=2h"))
    assert actions(vendor, "DescribeTasks") - before == 2


async def test_where_nothing_runs_nobody_looks(vendor: Vendor) -> None:
    for n in range(5):
        add(vendor, 1 + n)
    add(vendor, 1, ONGOING, room="other")
    await vendor.ask("room=1230 last=2h")
    assert vendor.calls == 2 + 2  # two lists, and the details of two rows


@pytest.mark.parametrize("fault", [NOT_ENABLED, Fault(FaultKind.HANG)])
async def test_a_look_that_fails_leaves_the_mark_out_everywhere(vendor: Vendor, fault: Fault) -> None:
    add_four_in_a_room(vendor)
    vendor.zego.misbehave(NOTHING, times=2)
    vendor.zego.misbehave(fault)
    page = await vendor.ask("last=3h")
    assert (len(page.recordings), page.failure) == (5, "")
    assert not doubled(page)
    assert page.running is None
    vendor.zego.behave()
    assert doubled(await vendor.ask("last=2h"))


async def test_what_began_since_the_look_is_seen_by_both(vendor: Vendor) -> None:
    first = add(vendor, 1, ONGOING)
    assert not doubled(await vendor.ask("last=6h"))
    vendor.clock.advance(5)
    second = vendor.zego.add_task(room_id="1230", began_ms=NOW_MS + 1000)
    assert doubled(await vendor.ask("last=5h", asked_ms=NOW_MS + 5000)) == {first, second}


async def test_what_ended_since_the_look_makes_nothing_double(vendor: Vendor) -> None:
    add(vendor, 1, ONGOING)
    ends = add(vendor, 2, ends_ms=NOW_MS + 3000, status=None)
    assert len(doubled(await vendor.ask("last=6h"))) == 2
    vendor.clock.advance(5)
    page = await vendor.ask("last=5h", asked_ms=NOW_MS + 5000)
    assert {row.task_id: row.status for row in page.recordings}[ends] == ENDED
    assert not doubled(page)


async def test_an_old_button_judges_by_what_runs_now(vendor: Vendor) -> None:
    old, asked_ms = add(vendor, 2, ONGOING), NOW_MS - HOUR_MS
    add(vendor, 0.5, ONGOING)
    for text in ("room=1230 status=ongoing", "status=ongoing", "status=attention"):
        page = await vendor.ask(text, asked_ms=asked_ms)
        assert ([row.task_id for row in page.recordings], doubled(page)) == ([old], {old})


async def test_refresh_looks_at_what_runs_anew(vendor: Vendor) -> None:
    add(vendor, 1, ONGOING)
    await vendor.ask("last=90m")
    add(vendor, 20, ONGOING)
    vendor.clock.advance(1)
    assert not doubled(await vendor.ask("last=91m"))
    assert doubled(await vendor.ask("last=90m", refresh=True))


async def test_very_many_that_run_are_not_read_for_a_mark(vendor: Vendor) -> None:
    for n in range(RUNNING_READ_WHOLE + 100):
        add(vendor, 3 + n / 100, ONGOING, room=f"r{n}")
    four = add_four_in_a_room(vendor)
    page = await vendor.ask("last=2h size=20")
    assert not doubled(page)
    assert vendor.calls <= 2 + 3  # two lists, and what tells that too much runs
    page = await vendor.ask("room=1230 last=2h")  # a room that is asked for is looked at by itself
    assert doubled(page) == four & {row.task_id for row in page.recordings}
    _, verdicts = await DetailsService(vendor.recordings, vendor.clock).task(min(four))
    assert "double" in {verdict.kind for verdict in verdicts}


async def test_details_are_shown_when_only_the_list_fails(world: World) -> None:
    task = add(world, 0.3, ONGOING)
    world.zego.misbehave(NOT_ENABLED, action="DescribeTasks")
    shown = await world.ask(f"task={task}")
    assert "running for 18 min" in shown.text
    assert "I couldn't check whether anything else is recording in room 1230" in shown.text
    assert "nothing is wrong." not in shown.text


@pytest.mark.parametrize("ahead_seconds", [400, -400])
async def test_a_vendors_clock_that_moves_makes_no_question_about_a_room_invalid(ahead_seconds: int) -> None:
    async with a_vendor(vendor_ahead_seconds=1) as vendor:
        add(vendor, 1, ONGOING)
        text = "room=1230 from=2026-11-23T05:00 to=2026-11-23T06:30"
        await vendor.ask(text)
        vendor.clock.advance(500)
        vendor.zego.clock.advance(500 + ahead_seconds)
        page = await vendor.ask(text)
        assert (len(page.recordings), page.failure) == (1, "")


# End, length, size and verdict


@pytest.mark.parametrize(
    ("outcome", "word"), [(3, "fine"), (4, "rescue"), (5, "lost")], ids=["fine", "rescue", "lost"]
)
async def test_a_small_answer_says_what_became_of_each(vendor: Vendor, outcome: int, word: str) -> None:
    task = add_ended(vendor, outcome)
    page = await vendor.ask("room=1230 last=6h")
    told = page.outcome(page.recordings[0])
    assert (told.ended_ms, told.lasted_ms) == (NOW_MS - 75 * MINUTE_MS, 45 * MINUTE_MS)
    assert (told.files, told.size_bytes > 0, verdict(page, task)) == (1, True, word)


@pytest.mark.parametrize("rows", range(1, 6))
async def test_only_a_small_answer_asks_for_details(vendor: Vendor, rows: int) -> None:
    for n in range(rows):
        add(vendor, 1 + n)
    page = await vendor.ask("room=1230 last=6h")
    asked = rows if rows <= MOST_ASKED else 0
    assert actions(vendor, "DescribeRecordStatus") == asked
    assert sum(page.outcome(row).ended_ms is not None for row in page.recordings) == asked


@pytest.mark.parametrize("fault", [NOT_ENABLED, Fault(FaultKind.HANG)])
async def test_a_small_answer_does_not_wait_long_for_details(vendor: Vendor, fault: Fault) -> None:
    task = add_ended(vendor, 5)
    vendor.zego.misbehave(fault, action="DescribeRecordStatus")
    page = await vendor.ask("room=1230 last=6h")
    told = page.outcome(page.recordings[0])
    assert (told.ended_ms, told.lasted_ms, told.files, told.size_bytes) == (None, None, None, None)
    assert verdict(page, task) is None


async def test_an_answer_that_is_kept_says_what_has_become_known_and_gets_no_older(vendor: Vendor) -> None:
    tasks = [add_ended(vendor, 5, hours_ago=2 + n / 10) for n in range(5)]
    first = await vendor.ask("room=1230 last=6h")
    assert {verdict(first, task) for task in tasks} == {None}
    await vendor.recordings.details(tasks[1])
    vendor.clock.advance(10)
    for page in (
        await vendor.ask("room=1230 last=6h"),
        vendor.recordings.known(vendor.question("room=1230 last=6h")),
    ):
        assert [verdict(page, task) for task in tasks] == [None, "lost", None, None, None]
        assert page.as_of_ms == first.as_of_ms
    calls = vendor.calls
    vendor.clock.advance(6)  # the answer's time to live is over all the same
    assert (await vendor.ask("room=1230 last=6h")).as_of_ms > first.as_of_ms
    assert vendor.calls > calls


async def test_other_pages_and_questions_say_what_is_known(vendor: Vendor) -> None:
    tasks = [add_ended(vendor, 5, hours_ago=2 + n / 10) for n in range(12)]
    await vendor.recordings.details(tasks[11])
    page = await vendor.ask("last=6h size=6")
    assert {verdict(page, row.task_id) for row in page.recordings} == {None}
    assert verdict(await vendor.older(page), tasks[11]) == "lost"
    every = await vendor.recordings.find_all(vendor.question("last=6h"))
    assert [verdict(every, task) for task in tasks] == [None] * 11 + ["lost"]


async def test_what_attention_has_looked_at_is_known_to_every_list(vendor: Vendor) -> None:
    tasks = [add_ended(vendor, 4, hours_ago=2 + n / 10) for n in range(5)]
    attention = await vendor.ask("status=attention last=6h")
    page = await vendor.ask("room=1230 last=6h")
    for shown in (attention, page):
        assert [verdict(shown, task) for task in tasks] == ["rescue"] * 5
        assert {shown.outcome(row).lasted_ms for row in shown.recordings} == {45 * MINUTE_MS}


@pytest.mark.parametrize(
    ("minutes", "outcome", "upload_ms", "word"),
    [
        (0, 4, 20_000, "rescue"),
        (5, 4, 20_000, "rescue"),
        (11, 4, 20_000, None),
        (0, 3, 5 * HOUR_MS, "uploading"),
        (5, 3, 5 * HOUR_MS, None),
        (50, 5, 20_000, "lost"),
        (61, 5, 20_000, None),
    ],
)
async def test_what_was_read_serves_lists_only_while_it_is_likely_to_hold(
    vendor: Vendor, minutes: int, outcome: int, upload_ms: int, word: str | None
) -> None:
    tasks = [add_ended(vendor, outcome, hours_ago=2 + n / 10, upload_ms=upload_ms) for n in range(4)]
    await vendor.recordings.details(tasks[0])
    vendor.clock.advance(60 * minutes)
    assert verdict(await vendor.ask("room=1230 last=6h"), tasks[0]) == word


async def test_details_of_another_status_are_of_another_moment(vendor: Vendor) -> None:
    ends = add(vendor, 2, ends_ms=NOW_MS + 3000, status=None)
    for n in range(4):
        add(vendor, 1 + n / 10)
    await vendor.recordings.details(ends)
    vendor.clock.advance(5)
    page = await vendor.ask("room=1230 last=6h", asked_ms=NOW_MS + 5000)
    assert (page.recordings[-1].task_id, page.recordings[-1].status) == (ends, ENDED)
    assert page.outcome(page.recordings[-1]).ended_ms is None
    small = await vendor.ask("from=2026-11-23T04:59 to=2026-11-23T05:01", asked_ms=NOW_MS + 5000)
    assert small.outcome(small.recordings[0]).ended_ms == NOW_MS + 3000


async def test_a_refreshed_small_answer_asks_anew_for_what_may_have_changed(vendor: Vendor) -> None:
    began_ms = NOW_MS - HOUR_MS
    task = vendor.zego.add_task(
        room_id="1230",
        began_ms=began_ms,
        ends_ms=NOW_MS - MINUTE_MS,
        files=(FileScript(began_ms, upload_ms=65_000),),
    )
    assert verdict(await vendor.ask("room=1230 last=6h"), task) == "uploading"
    vendor.clock.advance(10)
    assert verdict(await vendor.ask("room=1230 last=6h"), task) == "uploading"
    assert verdict(await vendor.ask("room=1230 last=6h", refresh=True), task) == "fine"
    before = actions(vendor, "DescribeRecordStatus")
    assert verdict(await vendor.ask("room=1230 last=6h", refresh=True), task) == "fine"
    assert actions(vendor, "DescribeRecordStatus") == before  # nothing about it can change


async def test_two_hundred_who_ask_at_once_share_the_details(vendor: Vendor) -> None:
    add_ended(vendor)
    pages = await asyncio.gather(*(vendor.ask("room=1230 last=6h") for _ in range(200)))
    assert len({id(page) for page in pages}) == 1
    assert actions(vendor, "DescribeRecordStatus") == 1


async def test_only_details_say_that_all_is_fine(vendor: Vendor) -> None:
    going, ended = add(vendor, 1, ONGOING), [add_ended(vendor, hours_ago=2 + n) for n in range(3)]
    page = await vendor.ask("room=1230 last=9h")
    assert [verdict(page, task) for task in (going, *ended)] == [None] * 4
    await vendor.recordings.details(going)
    await vendor.recordings.details(ended[0])
    page = await vendor.ask("room=1230 last=9h")
    assert [verdict(page, task) for task in (going, *ended)] == ["fine", "fine", None, None]


# Attention


@pytest.mark.parametrize(
    ("file", "word", "attention"),
    [
        ({"storage": "qiniu"}, "no link", False),
        ({"storage": "alibaba_vod"}, "no link", False),
        ({"upload_ms": 5 * HOUR_MS}, "uploading", True),
        ({"outcome": 4}, "rescue", True),
        ({}, "fine", False),
    ],
)
async def test_what_is_information_is_no_attention(
    vendor: Vendor, file: dict[str, Any], word: str, *, attention: bool
) -> None:
    task = add_ended(vendor, **file)
    assert verdict(await vendor.ask("room=1230 last=6h"), task) == word
    assert (await vendor.ask("status=attention last=6h")).total == attention


@pytest.mark.parametrize(("minutes", "attention"), [(29, False), (31, True)])
async def test_an_upload_is_attention_once_it_takes_long(
    vendor: Vendor, minutes: int, *, attention: bool
) -> None:
    ended_ms = NOW_MS - minutes * MINUTE_MS
    files = (FileScript(ended_ms - HOUR_MS, upload_ms=5 * HOUR_MS),)
    vendor.zego.add_task(room_id="1", began_ms=ended_ms - HOUR_MS, ends_ms=ended_ms, files=files)
    assert (await vendor.ask("status=attention last=6h")).total == attention


async def test_a_failed_recording_has_its_end_too(vendor: Vendor) -> None:
    add(vendor, 1, FAILED)
    page = await vendor.ask("status=failed last=6h")
    assert page.outcome(page.recordings[0]).lasted_ms == MINUTE_MS


async def test_a_page_takes_no_more_of_what_runs_than_its_rooms_have(vendor: Vendor) -> None:
    add_four_in_a_room(vendor)
    page = await vendor.ask("status=ongoing room=alone")
    assert {row.room_id for row in page.running or ()} == {"alone"}
    assert replace(page, running=None).outcome(page.recordings[0]).verdict is None
