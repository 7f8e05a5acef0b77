"""The use case over HTTP: what is listed and counted, where it looks, and how answers are shared and kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidParameterError, NotEnabledError, QueryError, ZegoUnreachableError
from bot.models import API_HISTORY_MS, ENDED, FAILED, ONGOING, PAUSED, STARTING
from bot.query.terms import RecordingQuery
from bot.query.tokenizer import quote
from bot.recordings.details import DetailsService
from bot.recordings.page import Question
from bot.recordings.service import HINT_PATIENCE_SECONDS
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.examples import examples
from tests.recordings.test_truth import all_ids, read_back, read_forward
from tests.vendor import Vendor, a_vendor, ids, pressed
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.recordings.page import Page

NOT_ENABLED = Fault(FaultKind.CODE, code=100000016)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with a_vendor() as built:
        yield built


def add(vendor: Vendor, hours_ago: float, status: int = ENDED, room: str = "1230", **more: Any) -> str:
    began_ms = NOW_MS - round(hours_ago * HOUR_MS)
    return vendor.zego.add_task(room_id=room, began_ms=began_ms, status=status, **more)


# What is listed, and what is counted apart


@pytest.mark.parametrize(
    ("status", "inside", "before"),
    [
        ("all", [STARTING, ONGOING, PAUSED, ENDED, FAILED, 9], 0),
        ("ongoing", [STARTING, ONGOING, PAUSED, 9], 3),
        ("ended", [ENDED, FAILED], 0),
        ("failed", [FAILED], 0),
        ("paused", [PAUSED], 1),
        ("starting", [STARTING], 1),
    ],
)
async def test_what_runs_since_before_the_window_is_counted_and_not_listed(
    vendor: Vendor, status: str, inside: list[int], before: int
) -> None:
    for code in (STARTING, ONGOING, PAUSED, ENDED, FAILED, 9):
        add(vendor, 1, code)
        add(vendor, 7, code)
    page = await vendor.ask(f"status={status} last=6h")
    assert sorted(row.status for row in page.recordings) == sorted(inside)
    assert page.running_before == before
    assert (page.total, page.exact) == (len(inside), True)


@pytest.mark.parametrize("returned_by", [2, 3])
@pytest.mark.parametrize(
    ("status", "code"), [("failed", FAILED), ("paused", PAUSED), ("starting", STARTING), ("all", 9)]
)
async def test_a_status_is_found_whichever_filter_returns_it(
    vendor: Vendor, status: str, code: int, returned_by: int
) -> None:
    vendor.zego.filter_of[code] = returned_by
    task = add(vendor, 1, code)
    page = await vendor.ask(f"status={status} last=6h")
    assert [(row.task_id, row.status) for row in page.recordings] == [(task, code)]


async def test_rows_that_a_filter_should_not_return_do_not_count(vendor: Vendor) -> None:
    vendor.zego.filter_of |= {PAUSED: 3, FAILED: 2}
    ended = [add(vendor, 1 + n / 100) for n in range(130)]
    add(vendor, 0.5, PAUSED)
    running = add(vendor, 1, ONGOING)
    add(vendor, 1, FAILED)
    page = await vendor.ask("status=ended last=6h size=20")
    assert ids(page) == ended[:20]
    assert not page.exact
    assert page.total <= 130
    pages = await read_forward(vendor, page)
    assert all_ids(pages) == ended
    assert (pages[-1].total, pages[-1].exact) == (130, True)
    assert ids(await vendor.ask("status=ongoing last=6h")) == [running]


async def test_more_running_than_the_vendor_allows_are_still_counted(vendor: Vendor) -> None:
    inside = [add(vendor, 1 + n / 1000, ONGOING) for n in range(420)]
    for n in range(130):
        add(vendor, 30 + n / 10, ONGOING)
    page = await vendor.ask("status=ongoing last=6h")
    assert ids(page) == inside[:10]
    assert (page.total, page.exact, page.running_before) == (420, True, 130)
    assert vendor.calls <= 6


async def test_several_rooms_are_merged(vendor: Vendor) -> None:
    tasks = [add(vendor, 1 + n / 10, room=f"r{n % 3}") for n in range(30)]
    add(vendor, 1, room="other")
    pages = await read_forward(vendor, await vendor.ask("room=r0,r1,r2 last=6h size=7"))
    assert all_ids(pages) == tasks
    assert {(page.total, page.exact) for page in pages} == {(30, True)}


# A task that changes while the lists are read


@pytest.mark.parametrize("older_ended", [0, 49, 50, 120])
@pytest.mark.parametrize("before_call", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("text", ["status=all", "room=1230", "status=failed"])
async def test_a_task_that_ends_between_two_calls_appears_once_with_its_newest_status(
    vendor: Vendor, text: str, before_call: int, older_ended: int
) -> None:
    for n in range(older_ended):
        add(vendor, 2 + n / 100, FAILED)
    vendor.zego.add_task(
        room_id="1230",
        began_ms=NOW_MS - HOUR_MS,
        task_id="changes-changes-",
        ends_ms=NOW_MS + 500,
        fails=True,
    )
    vendor.zego.before_list = lambda n, _: vendor.clock.advance(1 if n == before_call else 0.01)
    page = await vendor.ask(f"{text} last=6h size=20")
    rows = [row for row in page.recordings if row.task_id == "changes-changes-"]
    changed_in_time = vendor.zego.lists >= before_call
    if text == "status=failed":
        assert len(rows) <= 1
        assert page.total in ({older_ended, older_ended + 1} if changed_in_time else {older_ended})
    else:
        assert len(rows) == 1
        assert rows[0].status in ({ONGOING, FAILED} if changed_in_time else {ONGOING})
        assert page.total == older_ended + 1
        assert page.exact
    assert len(page.recordings) == min(20, page.total)


async def test_the_newer_status_wins_where_a_task_is_in_both_lists(vendor: Vendor) -> None:
    task = vendor.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, ends_ms=NOW_MS + 500)
    vendor.zego.before_list = lambda *_: vendor.clock.advance(0.4)
    page = await vendor.ask("last=6h")
    assert [(row.task_id, row.status) for row in page.recordings] == [(task, ENDED)]
    assert (page.total, page.exact) == (1, True)


async def test_lists_read_far_apart_are_never_added_up_blindly() -> None:
    """What ended is known from another question, what runs is asked for ten seconds later."""
    async with a_vendor() as vendor:
        for n in range(80):
            add(vendor, 2 + n / 100)
        for n in range(12):
            vendor.zego.add_task(
                room_id="1230", began_ms=NOW_MS - HOUR_MS + n, ends_ms=NOW_MS + (5_000 if n < 6 else 500_000)
            )
        await vendor.ask("status=ended last=6h")
        vendor.clock.advance(10)
        page = await vendor.ask("last=6h size=20")
        assert (page.total, page.exact) == (92, True)
        assert len(set(ids(page))) == 20


# Paging by what the buttons carry


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize("size", [1, 3, 10, 20])
async def test_paging_goes_to_the_end_and_back_over_every_row_once(
    vendor: Vendor, sort: str, size: int
) -> None:
    for n in range(61):
        add(vendor, 1 + (n // 3) / 50, status=(ENDED, ONGOING)[n % 4 == 0], room=f"r{n % 2}")
    forward = await read_forward(vendor, await vendor.ask(f"room=r0,r1 last=6h sort={sort} size={size}"))
    vendor.restart()
    back = await read_back(vendor, forward[-1])
    shown = all_ids(forward)
    assert len(shown) == len(set(shown)) == 61
    assert [ids(page) for page in reversed(back)] == [ids(page) for page in forward]


async def test_paging_back_when_rows_in_front_are_gone_shows_a_full_first_screen(vendor: Vendor) -> None:
    tasks = [
        vendor.zego.add_task(
            room_id="1230",
            began_ms=NOW_MS - (n + 1) * MINUTE_MS,
            ends_ms=NOW_MS + 60_000 if n in (1, 2, 3) else None,
        )
        for n in range(25)
    ]
    second = await vendor.older(await vendor.ask("status=ongoing"))
    assert ids(second) == tasks[10:20]
    vendor.clock.advance(120)
    first = await vendor.newer(second)
    left = [task for task in tasks if task not in tasks[1:4]]
    assert ids(first) == left[:10]
    assert (first.number, first.newer) == (1, None)
    assert all_ids(await read_forward(vendor, first)) == left


async def test_the_row_beside_which_a_screen_begins_may_be_gone(vendor: Vendor) -> None:
    tasks = [
        vendor.zego.add_task(
            room_id="1230", began_ms=NOW_MS - (n + 1) * MINUTE_MS, ends_ms=NOW_MS + 60_000 if n == 9 else None
        )
        for n in range(25)
    ]
    first = await vendor.ask("status=ongoing")
    vendor.clock.advance(120)
    assert ids(await vendor.older(first)) == tasks[10:20]


async def test_a_screen_whose_rows_are_all_gone_becomes_the_last_one(vendor: Vendor) -> None:
    for n in range(25):
        vendor.zego.add_task(
            room_id="1230", began_ms=NOW_MS - (n + 1) * MINUTE_MS, ends_ms=None if n < 7 else NOW_MS + 60_000
        )
    second = await vendor.older(await vendor.ask("status=ongoing"))
    vendor.clock.advance(120)
    third = await vendor.older(second)
    assert len(third.recordings) == 7
    assert (third.first, third.number, third.older, third.newer) == (0, 1, None, None)


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize("hours", [0, 1, 20])
async def test_a_deep_screen_of_an_old_message_goes_on_where_it_stopped(sort: str, hours: int) -> None:
    """Twenty hours later a third of the window is out of sight, and what ran has ended."""
    async with a_vendor() as vendor:
        tasks = [
            vendor.zego.add_task(
                room_id="a",
                began_ms=NOW_MS - (n + 1) * 50_000,
                ends_ms=NOW_MS + (HOUR_MS // 2 if n % 20 == 0 else -1_000),
            )
            for n in range(5_000)
        ]
        page = await vendor.ask(f"status=ended last=3d sort={sort} page=300")
        shown_last = tasks.index(ids(page)[-1])
        vendor.clock.advance(hours * 3600)
        vendor.restart()
        before = vendor.calls
        page = await vendor.older(page)
        step = 1 if sort == "newest" else -1
        visible = [task for n, task in enumerate(tasks) if hours or n % 20]
        at = shown_last + step
        while tasks[at] not in visible:
            at += step
        assert ids(page)[0] == tasks[at]
        assert vendor.calls - before <= 30  # of a hundred


@pytest.mark.parametrize("status", ["all", "ended", "ongoing", "failed", "paused"])
async def test_a_page_that_is_not_there_is_the_last_one_and_says_so(vendor: Vendor, status: str) -> None:
    for n in range(23):
        add(vendor, 1 + n / 10, {"ongoing": ONGOING, "failed": FAILED, "paused": PAUSED}.get(status, ENDED))
    page = await vendor.ask(f"status={status} page=100000")
    assert (page.number, page.first, len(page.recordings)) == (3, 20, 3)
    assert page.notes == ("There is no page 100000; this is the last one.",)
    assert (page.total, page.exact) == (23, True)


@pytest.mark.parametrize("status", ["all", "ended", "ongoing", "failed", "paused"])
async def test_any_page_of_nothing_is_nothing(vendor: Vendor, status: str) -> None:
    old = add(vendor, 30, {"ongoing": ONGOING, "failed": FAILED, "paused": PAUSED}.get(status, ENDED))
    page = await vendor.ask(f"status={status} last=6h page=5")
    assert (page.total, page.exact, page.first, page.number) == (0, True, 0, 1)
    assert page.notes == ()
    if page.running_before:
        assert page.elsewhere is None
    else:
        assert page.elsewhere.latest.task_id == old


async def test_every_row_is_exported_from_whichever_screen(vendor: Vendor) -> None:
    tasks = [add(vendor, 1 + n / 100) for n in range(75)]
    page = await vendor.ask("last=6h")
    for _ in range(3):
        page = await vendor.older(page)
    everything = await vendor.recordings.find_all(pressed(page, page.older))
    assert ids(everything) == tasks
    assert (everything.number, everything.first, everything.total) == (1, 0, 75)


# Where it looks


@pytest.mark.parametrize("text", ["last=3d", "last=7d", "last=366d", "from=2020-01-01", "to=now"])
@pytest.mark.parametrize("status", ["all", "ongoing", "ended", "paused"])
async def test_a_window_is_cut_to_what_can_be_seen(vendor: Vendor, text: str, status: str) -> None:
    codes = {"ongoing": ONGOING, "paused": PAUSED}
    visible = add(vendor, 71.9, codes.get(status, ENDED))
    page = await vendor.ask(f"status={status} {text}")
    assert ids(page) == [visible]
    assert vendor.codes == {0}
    span_ms = page.window.end_ms - page.window.start_ms
    assert API_HISTORY_MS - 5 * MINUTE_MS < span_ms < API_HISTORY_MS
    assert page.window.end_ms == NOW_MS
    reaches_further = text not in {"last=3d", "to=now"}
    assert (page.sees_back_to_ms is not None) == reaches_further


@pytest.mark.parametrize(
    "text",
    [
        "from=2020-01-01 to=2020-01-02",
        "to=2026-11-20T07:00Z from=2026-11-19",
        # wholly inside the margin, by less than would be worth telling otherwise
        "from=2026-11-20T07:00Z to=2026-11-20T07:02Z",
        "status=ongoing from=2020-01-01 to=2020-01-02",
        "status=failed from=2020-01-01 to=2020-01-02",
    ],
)
async def test_a_window_out_of_sight_is_never_a_bare_none(vendor: Vendor, text: str) -> None:
    task = add(vendor, 5, FAILED if "failed" in text else ONGOING)
    page = await vendor.ask(text)
    assert page.recordings == ()
    assert page.sees_back_to_ms is not None
    assert page.sees_back_to_ms > page.window.end_ms
    assert page.elsewhere.latest.task_id == task
    asked = [request.body for request in vendor.zego.requests]
    assert all(body["EndTime"] > page.window.end_ms for body in asked)


async def test_a_window_in_a_button_slides_out_of_sight(vendor: Vendor) -> None:
    tasks = [add(vendor, n, room="a") for n in range(1, 60, 2)]
    page = await vendor.ask("last=2d")
    assert page.sees_back_to_ms is None
    vendor.clock.advance(40 * 3600)
    page = await vendor.older(page)
    visible = [task for n, task in zip(range(1, 60, 2), tasks, strict=True) if n < 32]
    assert ids(page) == visible[10:20]
    assert page.sees_back_to_ms is not None
    assert page.window.start_ms == page.sees_back_to_ms
    vendor.clock.advance(40 * 3600)
    page = await vendor.recordings.find(page.question)
    assert page.recordings == ()
    assert page.sees_back_to_ms > page.window.end_ms
    assert vendor.codes == {0}


@examples(15)
@given(
    ahead_seconds=st.integers(-540, 540),
    status=st.sampled_from(["all", "ongoing", "ended", "failed", "paused", "starting"]),
    window=st.sampled_from(
        [
            *("last=1m", "last=6h", "last=2d", "last=3d", "last=71h59m", "last=366d", "from=today"),
            *("from=yesterday to=yesterday", "to=2026-11-20T07:05Z", "from=2026-11-20T06:50Z", "to=now"),
            "from=2026-11-20T06:50Z to=2026-11-20T07:10Z",
        ]
    ),
    room=st.sampled_from(["", "room=a ", "room=a,b "]),
    sort=st.sampled_from(["newest", "oldest"]),
    later_seconds=st.sampled_from([0, 59, 61, 3_000, 100_000]),
    scan_seconds=st.sampled_from([0, 1, 10]),
)
async def test_the_vendor_never_calls_a_window_invalid(
    ahead_seconds: int, status: str, window: str, room: str, sort: str, later_seconds: int, scan_seconds: int
) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        for n in range(120):
            add(vendor, 0.01 + n / 2, (ENDED, ONGOING, PAUSED)[n % 3], room="ab"[n % 2])

        def pass_time(*_: Any) -> None:
            vendor.clock.advance(scan_seconds)
            vendor.zego.clock.advance(scan_seconds)

        vendor.zego.before_list = pass_time
        text = f"{room}status={status} {window} sort={sort}"
        page = await vendor.ask(text)
        vendor.clock.advance(later_seconds)
        vendor.zego.clock.advance(later_seconds)
        if page.older:
            page = await vendor.older(page)
        with suppress(QueryError):  # by now `to=` may lie before the 3 days
            await vendor.recordings.find(replace(page.question, refresh=True))
        await vendor.recordings.find_all(page.question)
        assert vendor.codes <= {0}


@pytest.mark.parametrize(
    "room",
    [
        "a b",
        "a,b",
        '"',
        "'",
        "\\",
        "|",
        "<!channel>",
        "~" * 128,
        "*",
    ],
)
async def test_any_room_that_can_be_typed_is_answered(vendor: Vendor, room: str) -> None:
    task = add(vendor, 1, room=room)
    other = add(vendor, 1, room="other")
    page = await vendor.ask(f"room={quote(room)} last=6h")
    assert ids(page) == [task]
    assert page.exact
    page = await vendor.ask(f"room={quote(room)},other last=6h")
    assert set(ids(page)) == {other, task}
    assert vendor.codes == {0}


@pytest.mark.parametrize(
    "room", ["日本", "b\u00fcro", "\N{CLAPPER BOARD}", "١٢٣٠", "сlass-7", "", "x" * 129, "a\tb"]
)
async def test_a_room_that_cannot_be_is_an_error_and_never_searched_for_wherever_it_comes_from(
    vendor: Vendor, room: str
) -> None:
    question = Question(RecordingQuery(rooms=("1230", room)), "UTC")
    for ask in (vendor.recordings.find, vendor.recordings.find_all):
        with pytest.raises(QueryError, match="room ID"):
            await ask(question)
    assert not vendor.zego.requests


@pytest.mark.parametrize("room", ["b\u00fcro", ""])
async def test_a_task_is_judged_though_the_vendor_names_a_room_that_nobody_can_ask_for(
    vendor: Vendor, room: str
) -> None:
    task = add(vendor, 1, room=room, status=2)
    details, verdicts = await DetailsService(vendor.recordings, vendor.clock).task(task)
    assert details.room_id == room
    assert [verdict.headline for verdict in verdicts] == ["Fine"]


@pytest.mark.parametrize("ahead_seconds", [-540, -30, 3, 30, 540])
@pytest.mark.parametrize("text", ["last=6h", "status=ongoing", "status=ongoing last=3d", "room=1230 to=now"])
async def test_what_began_moments_ago_is_found_whatever_the_vendors_clock_says(
    text: str, ahead_seconds: int
) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        now_ms = vendor.zego.now_ms()
        task = vendor.zego.add_task(room_id="1230", began_ms=now_ms - 500, status=2)
        assert ids(await vendor.ask(text)) == [task]
        vendor.clock.advance(20)
        vendor.zego.clock.advance(20)
        newer = vendor.zego.add_task(room_id="1230", began_ms=vendor.zego.now_ms() - 1, status=2)
        assert ids(await vendor.ask(text)) == [newer, task]
        assert vendor.codes == {0}


@pytest.mark.parametrize("ahead_seconds", [-540, -30, 0, 30, 540])
@pytest.mark.parametrize("known", [True, False])
async def test_the_last_minutes_and_how_long_something_runs_are_meant_by_the_vendors_clock(
    ahead_seconds: int, known: bool
) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        if known:
            await vendor.ask("room=other status=ongoing last=1h")
        now_ms = vendor.zego.now_ms()
        young = vendor.zego.add_task(room_id="1230", began_ms=now_ms - 5_000, status=2)
        older = vendor.zego.add_task(room_id="1230", began_ms=now_ms - 4 * MINUTE_MS, status=2)
        vendor.zego.add_task(room_id="1230", began_ms=now_ms - 6 * MINUTE_MS, status=3)
        page = await vendor.ask("last=5m")
        assert ids(page) == [young, older]
        assert page.sees_back_to_ms is None
        assert abs(page.now_ms - now_ms) <= 1_000
        assert abs(page.window.end_ms - now_ms) <= 1_000
        assert page.as_of_ms == NOW_MS
        assert vendor.codes == {0}


@pytest.mark.parametrize(
    ("ahead_seconds", "notes"),
    [
        (-540, ("This bot's clock is 9 min ahead of ZEGOCLOUD's; times are ZEGOCLOUD's.",)),
        (-30, ()),
        (0, ()),
        (30, ()),
        (540, ("This bot's clock is 9 min behind ZEGOCLOUD's; times are ZEGOCLOUD's.",)),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "last=6h",
        "status=attention last=6h",
        "room=nobody last=6h",
        "from=2026-11-22T07:00Z to=2026-11-22T08:00Z",
    ],
)
async def test_clocks_far_apart_are_told_once(text: str, ahead_seconds: int, notes: tuple[str, ...]) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        add(vendor, 1)
        assert (await vendor.ask(text)).notes == notes
        assert (await vendor.recordings.find_all(vendor.question(text))).notes == notes


async def test_equal_questions_share_their_calls_with_clocks_apart() -> None:
    async with a_vendor(vendor_ahead_seconds=-540) as vendor:
        add(vendor, 1)
        await vendor.ask("room=other status=ongoing last=1h")
        lists = vendor.zego.lists
        for size in (5, 7, 9):
            await asyncio.gather(*(vendor.ask(f"room=1230 last=6h size={size}") for _ in range(20)))
            vendor.clock.advance(1)
            vendor.zego.clock.advance(1)
        assert vendor.zego.lists == lists + 2


@pytest.mark.parametrize("ahead_seconds", [-540, 540])
async def test_a_runaway_is_one_by_the_vendors_clock(ahead_seconds: int) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        now_ms = vendor.zego.now_ms()
        longer = vendor.zego.add_task(room_id="a", began_ms=now_ms - 8 * HOUR_MS - 5 * MINUTE_MS, status=2)
        shorter = vendor.zego.add_task(room_id="b", began_ms=now_ms - 8 * HOUR_MS + 5 * MINUTE_MS, status=2)
        page = await vendor.ask("last=1d")
        assert [bool(page.verdicts[task]) for task in (longer, shorter)] == [True, False]
        assert ids(await vendor.ask("status=attention last=1d")) == [longer]


async def test_a_scan_that_outlasts_the_margin_begins_again(vendor: Vendor) -> None:
    tasks = [add(vendor, 1 + n / 4) for n in range(280)]
    vendor.zego.before_list = lambda n, _: vendor.clock.advance(200 if n == 3 else 0)
    page = await vendor.recordings.find_all(vendor.question("status=ended last=3d"))
    assert ids(page) == tasks


async def test_a_window_that_stays_invalid_is_told_at_once(vendor: Vendor) -> None:
    await vendor.ask("room=x last=3d")
    calls = vendor.calls
    vendor.zego.misbehave(Fault(FaultKind.CODE, code=300000004))
    with pytest.raises(InvalidParameterError):
        await vendor.ask("status=ended last=3d")
    assert vendor.calls == calls + 1


# What is shared and kept


async def test_two_hundred_who_ask_the_same_at_once_cost_one_call_for_each_list(vendor: Vendor) -> None:
    for n in range(30):
        add(vendor, 1 + n / 10)
    pages = await asyncio.gather(*(vendor.ask("room=1230 last=6h") for _ in range(200)))
    assert len({id(page) for page in pages}) == 1
    assert vendor.calls == 2


async def test_two_hundred_who_ask_for_different_screens_share_the_calls(vendor: Vendor) -> None:
    for n in range(30):
        add(vendor, 1 + n / 10)
    await asyncio.gather(
        *(
            vendor.ask(f"room=1230 last=6h sort={sort} size={size} page={page}")
            for sort in ("newest", "oldest")
            for size in (1, 5, 10, 20)
            for page in (1, 2, 3)
        )
    )
    assert vendor.zego.lists == 2


async def test_an_equal_question_soon_after_means_the_same_moment(vendor: Vendor) -> None:
    add(vendor, 1)
    first = await vendor.ask("last=6h")
    vendor.clock.advance(14)
    add(vendor, 0, ONGOING)
    again = await vendor.ask("last=6h")
    other_size = await vendor.ask("last=6h size=5")
    assert again is first
    assert other_size.window == first.window
    assert vendor.zego.lists == 2
    vendor.clock.advance(2)
    later = await vendor.ask("last=6h")
    assert later.window.end_ms == first.window.end_ms + 16_000
    assert len(later.recordings) == 2


async def test_refresh_asks_again_and_moves_the_moment(vendor: Vendor) -> None:
    add(vendor, 1)
    first = await vendor.ask("last=6h")
    vendor.clock.advance(5)
    new = vendor.zego.add_task(room_id="1230", began_ms=NOW_MS + 4_000, status=2)
    fresh = await vendor.recordings.find(replace(first.question, refresh=True))
    assert ids(fresh)[0] == new
    assert fresh.as_of_ms == NOW_MS + 5_000
    assert fresh.question.asked_ms == NOW_MS + 5_000
    assert await vendor.ask("last=6h") is fresh


async def test_refresh_bypasses_pages_kept_in_the_same_second() -> None:
    async with a_vendor(rate=1.0) as vendor:
        page = await vendor.ask("last=6h room=x")
        calls = vendor.calls
        await vendor.recordings.find(replace(page.question, refresh=True))
        assert vendor.calls > calls


async def test_refresh_asks_again_for_a_window_that_does_not_move(vendor: Vendor) -> None:
    task = vendor.zego.add_task(room_id="a", began_ms=NOW_MS - 20 * HOUR_MS, ends_ms=NOW_MS + 500)
    page = await vendor.ask("from=2026-11-22T08:00Z to=2026-11-22T20:00Z")
    assert [row.status for row in page.recordings] == [ONGOING]
    vendor.clock.advance(1)
    page = await vendor.recordings.find(replace(page.question, refresh=True))
    assert [(row.task_id, row.status) for row in page.recordings] == [(task, ENDED)]


async def test_the_last_good_answer_serves_for_ten_minutes_when_the_vendor_is_away(vendor: Vendor) -> None:
    task = add(vendor, 1)
    good = await vendor.ask("last=6h")
    vendor.zego.misbehave(NOT_ENABLED)
    vendor.clock.advance(590)
    old = await vendor.ask("last=6h")
    assert ids(old) == [task]
    assert old.as_of_ms == good.as_of_ms == NOW_MS
    assert "not enabled" in old.failure
    refreshed = await vendor.recordings.find(replace(old.question, refresh=True))
    assert refreshed.failure
    with pytest.raises(NotEnabledError):
        await vendor.ask("last=5h")
    vendor.clock.advance(20)
    with pytest.raises(NotEnabledError):
        await vendor.ask("last=6h")
    vendor.zego.behave()
    assert (await vendor.ask("last=6h")).failure == ""


async def test_an_old_button_is_not_answered_with_another_moments_answer(vendor: Vendor) -> None:
    add(vendor, 1)
    page = await vendor.ask("last=6h")
    vendor.zego.misbehave(NOT_ENABLED)
    with pytest.raises(NotEnabledError):
        await vendor.recordings.find(replace(page.question, asked_ms=NOW_MS - 20 * HOUR_MS))


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others(vendor: Vendor) -> None:
    task = add(vendor, 1)
    vendor.zego.latency_seconds = 0.05
    waiting = [asyncio.create_task(vendor.ask("last=6h")) for _ in range(3)]
    await vendor.zego.arrived()
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert [ids(await one) for one in waiting[1:]] == [[task], [task]]
    assert vendor.zego.lists == 2


async def test_when_all_go_away_the_search_stops_and_the_next_one_begins_anew(vendor: Vendor) -> None:
    tasks = [add(vendor, 1 + n / 200) for n in range(900)]
    vendor.zego.order = "shuffled"
    vendor.zego.latency_seconds = 0.02
    waiting = [asyncio.create_task(vendor.ask("status=ended last=6h")) for _ in range(3)]
    await vendor.zego.arrived()
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
    assert len(vendor.recordings._searches) == 0
    await vendor.ask("room=other last=6h")
    assert all(request.body.get("PageOffset", 1) == 1 for request in vendor.zego.requests)
    assert ids(await vendor.ask("status=ended last=6h")) == tasks[:10]


async def test_who_asks_while_an_abandoned_search_is_being_stopped_gets_an_answer(vendor: Vendor) -> None:
    task = add(vendor, 1)
    vendor.zego.latency_seconds = 0.05
    first = asyncio.create_task(vendor.ask("last=6h"))
    await vendor.zego.arrived()
    first.cancel()
    second = asyncio.create_task(vendor.ask("last=6h"))
    await asyncio.wait([first])
    assert ids(await second) == [task]


async def test_stopping_tells_who_waits(vendor: Vendor) -> None:
    vendor.zego.misbehave(Fault(FaultKind.HANG))
    waiting = asyncio.create_task(vendor.ask("last=6h"))
    await vendor.zego.arrived()
    await vendor.recordings.aclose()
    with pytest.raises(ZegoUnreachableError, match="stopping"):
        await waiting


async def test_each_who_waits_has_an_error_of_their_own(vendor: Vendor) -> None:
    vendor.zego.misbehave(NOT_ENABLED)
    errors = await asyncio.gather(*(vendor.ask("last=6h") for _ in range(20)), return_exceptions=True)
    assert {type(error) for error in errors} == {NotEnabledError}
    assert len({id(error) for error in errors}) == 20
    assert vendor.calls == 1


async def test_progress_is_told_to_everyone_who_waits_also_who_comes_later(vendor: Vendor) -> None:
    for n in range(600):
        add(vendor, 1 + n / 200)
    vendor.zego.order = "shuffled"
    told: dict[str, list[tuple[int, int]]] = {"first": [], "second": []}
    question = vendor.question("status=ended last=6h")
    later: list[asyncio.Task[Page]] = []

    def tell(read: int, total: int) -> None:
        told["first"].append((read, total))
        if not later:
            second = vendor.recordings.find(question, lambda *made: told["second"].append(made))
            later.append(asyncio.create_task(second))

    page = await vendor.recordings.find(question, tell)
    assert await later[0] is page
    assert told["first"][-1] == told["second"][-1] == (600, 600)
    assert 0 < len(told["second"]) < len(told["first"])
    assert vendor.calls == 12


@pytest.mark.parametrize("ttl_seconds", [0, 0.001])
async def test_no_time_to_live_at_all_still_answers(ttl_seconds: float) -> None:
    async with a_vendor(ttl_seconds=ttl_seconds, rate=1.0) as vendor:
        tasks = [add(vendor, 1 + n / 100) for n in range(90)]
        pages = await read_forward(vendor, await vendor.ask("last=6h size=20"))
        assert all_ids(pages) == tasks


async def test_memory_is_bounded_however_much_is_asked(vendor: Vendor) -> None:
    add(vendor, 1)
    for n in range(0, 5_000, 250):
        questions = [replace(vendor.question("last=6h"), asked_ms=NOW_MS - n - m) for m in range(250)]
        for question in questions:
            key = (question.query, question.zone, question.asked_ms, None)
            vendor.recordings._answers[key] = vendor.recordings._last_good[key] = None
            vendor.recordings._moments[n, question.asked_ms] = 0
    kept = (vendor.recordings._answers, vendor.recordings._last_good, vendor.recordings._moments)
    assert {len(cache) for cache in kept} == {2_000}


async def test_another_size_is_answered_from_the_pages_that_are_kept(vendor: Vendor) -> None:
    for n in range(2_000):
        add(vendor, 1 + n / 500)
    for n in range(40):
        add(vendor, 1 + n / 10, ONGOING)
    await vendor.ask("last=6h")
    lists = vendor.zego.lists
    for size in range(1, 10):
        assert len((await vendor.ask(f"last=6h size={size}")).recordings) == size
    assert vendor.zego.lists == lists


# When nothing is found


async def test_nothing_found_says_what_the_last_three_days_have(vendor: Vendor) -> None:
    add(vendor, 60)
    latest = add(vendor, 40)
    add(vendor, 50, room="other")
    page = await vendor.ask("room=1230 last=6h")
    assert (page.elsewhere.total, page.elsewhere.exact) == (2, True)
    assert page.elsewhere.latest.task_id == latest


@pytest.mark.parametrize("found", [0, 2])
@pytest.mark.parametrize(
    "text", ["last=6h", "status=ongoing last=6h", "from=yesterday", "to=2026-11-22", "sort=oldest", "page=2"]
)
async def test_what_the_last_three_days_have_is_counted_from_now_however_old_the_question(
    vendor: Vendor, text: str, found: int
) -> None:
    add(vendor, 30, ONGOING)
    question = replace(vendor.question(f"room=1230 {text}"), asked_ms=NOW_MS)
    vendor.clock.advance(10 * 24 * 3600)
    new = [add(vendor, hours - 240, ONGOING) for hours in (1, 71)][:found]
    if not found:
        vendor.zego.clear()
    page = await vendor.recordings.find(question)
    assert (page.recordings, page.window.asked_now) == ((), False)
    assert (page.elsewhere.total, page.elsewhere.exact) == (found, True)
    assert page.elsewhere.asked_ms == NOW_MS + 10 * 24 * HOUR_MS
    wider = replace(question, query=replace(question.query, last_seconds=3 * 24 * 3600, start=None, end=None))
    shown = await vendor.recordings.find(replace(wider, asked_ms=page.elsewhere.asked_ms))
    assert sorted(ids(shown)) == sorted(new)
    assert vendor.codes == {0}


async def test_nothing_in_three_days_needs_no_second_look(vendor: Vendor) -> None:
    page = await vendor.ask("room=1230 last=3d")
    assert page.elsewhere is None
    assert vendor.calls == 3  # one of them for the vendor's clock
    assert (await vendor.ask("room=1230 last=6h")).elsewhere.total == 0


async def test_the_hint_never_holds_up_the_answer(vendor: Vendor) -> None:
    """The answer is known after two calls; what else there is does not come."""
    await vendor.ask("room=x status=ongoing last=1h")
    vendor.zego.misbehave(Fault(FaultKind.NOTHING), times=2)
    vendor.zego.misbehave(Fault(FaultKind.HANG))
    async with asyncio.timeout(HINT_PATIENCE_SECONDS + 3):
        page = await vendor.ask("room=1230 status=failed last=6h")
    assert (page.total, page.exact, page.elsewhere) == (0, True, None)


async def test_a_hint_that_fails_leaves_the_answer(vendor: Vendor) -> None:
    await vendor.ask("room=x status=ongoing last=1h")
    vendor.zego.misbehave(Fault(FaultKind.NOTHING), times=2)
    vendor.zego.misbehave(NOT_ENABLED)
    page = await vendor.ask("room=1230 last=6h")
    assert (page.total, page.elsewhere, page.failure) == (0, None, "")


async def test_none_at_least_is_no_hint(vendor: Vendor) -> None:
    await vendor.ask("room=x status=ongoing last=1h")
    vendor.zego.misbehave(Fault(FaultKind.NOTHING), times=1)
    vendor.zego.misbehave(Fault(FaultKind.GROWING_TOTAL))
    assert (await vendor.ask("room=1230 last=6h")).elsewhere is None


async def test_similar_rooms_come_from_rows_seen_lately_at_no_call(vendor: Vendor) -> None:
    for room in ("1203", "12300", "standup", "9999"):
        add(vendor, 1, room=room)
    await vendor.ask("last=6h")
    await vendor.ask("room=1230 last=3d")
    calls = vendor.calls
    page = await vendor.ask("room=1230 last=3d size=5")
    assert set(page.similar_rooms) == {"1203", "12300"}
    assert vendor.calls == calls


@pytest.mark.parametrize("text", ["last=6h", "last=6h size=1", "status=failed"])
async def test_a_room_that_stood_on_no_screen_is_offered_too(vendor: Vendor, text: str) -> None:
    for n in range(15):
        add(vendor, 1 + n / 100, room=f"room-{n:02d}")
    add(vendor, 2, room="4711")
    page = await vendor.ask(text)
    assert "4711" not in [row.room_id for row in page.recordings]
    assert (await vendor.ask("room=4712")).similar_rooms == ("4711",)


async def test_rooms_of_every_call_are_remembered_whoever_asks(vendor: Vendor) -> None:
    task = add(vendor, 1, room="of-details")
    await vendor.recordings.details(task)
    assert (await vendor.ask("room=of-detail")).similar_rooms == ("of-details",)
    vendor.restart()
    await vendor.recordings.find_all(vendor.question("status=ended"))
    assert (await vendor.ask("room=of-detail")).similar_rooms == ("of-details",)
    calls = vendor.calls
    assert (await vendor.ask("room=of-detail size=3")).similar_rooms == ("of-details",)
    assert vendor.calls == calls


async def test_rooms_seen_last_come_first(vendor: Vendor) -> None:
    for hours, room in ((3, "old"), (2, "middle"), (1, "new")):
        add(vendor, hours, room=room)
    await vendor.ask("last=6h")
    await vendor.ask("room=middle last=6h")
    assert vendor.recordings.rooms_lately()[0] == "middle"
    await vendor.ask("room=old last=6h")
    assert vendor.recordings.rooms_lately(2) == ["old", "middle"]
