"""How the vendor's lists are read: in few calls while their order holds, wholly otherwise."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.recordings.listing import PAGES_AT_FIRST
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.zegocloud.limiter import Lane
from bot.zegocloud.protocol import PAGE_SIZE
from tests.recordings.test_truth import all_ids, read_back, read_forward
from tests.vendor import Vendor, a_vendor, ids
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS

if TYPE_CHECKING:
    from bot.recordings.page import Page
    from bot.sandbox.recording_index import Order
    from bot.zegocloud.client import Sent

SECOND_MS = 1000


def add_many(vendor: Vendor, count: int, *, status: int = 3, every_ms: int = 20 * SECOND_MS) -> list[str]:
    """Recordings of one status, the newest first."""
    return [
        vendor.zego.add_task(room_id=f"r{n % 7}", began_ms=NOW_MS - (n + 10) * every_ms, status=status)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("status=ended last=3d", 2),  # the first page and, as a probe of the order, the last one
        ("status=ended last=3d sort=oldest", 2),
        ("status=ended last=3d page=4", 2),
        ("status=ended last=3d page=5", 3),  # an equal start on the next page could stand before the 50th row
        ("status=ended last=3d page=9", 3),
        ("status=ended last=3d page=500", 4),
        ("status=ended last=3d page=500 sort=oldest", 4),
        ("status=ended last=3d page=1000", 3),
        ("status=ended last=3d page=100000", 3),
        ("status=ongoing last=3d", 1),
        ("last=3d", 3),
        ("last=3d page=500", 4),
        ("last=3d page=500 size=20", 4),
        ("room=r1,r2 status=ended last=3d", 4),
    ],
)
async def test_a_screen_of_ten_thousand_costs_few_calls(text: str, calls: int) -> None:
    async with a_vendor() as vendor:
        ended = add_many(vendor, 10_000)
        running = add_many(vendor, 30, status=2, every_ms=MINUTE_MS)
        await vendor.ask("status=ended room=other last=1h")  # the vendor's clock is known from now on
        before = vendor.calls

        page = await vendor.ask(text)

        assert vendor.calls - before == calls
        assert page.exact
        rooms = page.question.query.rooms
        everything = {"ended": ended, "ongoing": running, "all": ended + running}[page.question.query.status]
        assert page.total == (len(everything) if not rooms else sum(n % 7 in (1, 2) for n in range(10_000)))
        assert len(page.recordings) == page.question.query.size


async def test_a_question_is_not_held_up_by_somebody_elses_long_scan() -> None:
    async with a_vendor(rps=2) as vendor:
        add_many(vendor, 3_000)
        short: list[asyncio.Task[Page]] = []

        def ask_in_between(number: int, _: dict[str, Any]) -> None:
            if number == 35:
                short.append(asyncio.create_task(vendor.ask("room=r1 status=ended last=6h")))

        vendor.zego.before_list = ask_in_between
        scanned = await vendor.ask("status=failed last=3d")
        assert (await short[0]).total
        assert (scanned.total, scanned.exact) == (0, True)
        rooms = [request.body.get("RoomId") for request in vendor.zego.requests]
    assert len(rooms) > 60
    assert rooms.index("r1") < 35 + 5


async def test_the_first_pages_of_a_scan_do_not_wait_behind_background_work() -> None:
    async with a_vendor() as vendor:
        add_many(vendor, 1_000)
        sent: list[Sent] = []
        vendor.recordings.zego.on_call = sent.append
        await vendor.ask("status=failed last=3d")
    lanes = [call.lane for call in sent]
    once = 3  # the vendor's clock, the first page of what runs and of what ended
    assert lanes.count(Lane.INTERACTIVE) == once + PAGES_AT_FIRST
    assert lanes.count(Lane.BACKGROUND) == 1_000 // PAGE_SIZE - 1 - PAGES_AT_FIRST


async def test_the_next_screens_cost_nothing_while_the_pages_are_fresh() -> None:
    async with a_vendor(rate=1.0) as vendor:
        expected = add_many(vendor, 10_000)
        await vendor.ask("room=other status=ongoing")
        costs = [0, 0, 0, 1, 0, 0, 0, 0, 2]
        for text, first, later in (("status=ended last=3d", 2, costs), ("last=3d", 2, [0] * 8)):
            before = vendor.calls
            page = await vendor.ask(text)
            assert vendor.calls - before == first
            paid, seen = [], ids(page)
            for _ in later:
                before = vendor.calls
                page = await vendor.older(page)
                paid.append(vendor.calls - before)
                seen += ids(page)
            assert paid == later
            assert seen == expected[: len(seen)]


async def test_with_something_running_one_more_call_brings_both_lists_to_one_moment() -> None:
    async with a_vendor(rate=1.0) as vendor:
        add_many(vendor, 1_000)
        add_many(vendor, 5, status=2)
        page = await vendor.ask("last=24h")
        assert vendor.calls == 5  # one of them for all that runs, whatever the window
        for _ in range(3):
            page = await vendor.older(page)
        assert vendor.calls == 5
        assert (page.total, page.exact) == (1_005, True)


async def test_a_small_answer_is_one_call_for_each_list() -> None:
    async with a_vendor(rate=1.0) as vendor:
        add_many(vendor, 20)
        add_many(vendor, 5, status=2)
        page = await vendor.ask("last=24h")
        assert (page.total, page.exact) == (25, True)
        assert vendor.calls == 3  # one of them for all that runs, whatever the window


@pytest.mark.parametrize("order", ["oldest", "shuffled"])
@pytest.mark.parametrize("sort", ["newest", "oldest"])
async def test_another_order_is_seen_and_everything_is_read_with_progress(order: Order, sort: str) -> None:
    async with a_vendor() as vendor:
        expected = add_many(vendor, 1_010)
        vendor.zego.order = order
        told: list[tuple[int, int]] = []
        question = vendor.question(f"status=ended last=3d sort={sort} page=3")
        page = await vendor.recordings.find(question, lambda read, total: told.append((read, total)))
        expected = expected if sort == "newest" else expected[::-1]
        assert ids(page) == expected[20:30]
        assert (page.total, page.exact) == (1_010, True)
        assert vendor.calls == 22  # one of them tells the vendor's clock
        assert told[-1] == (1_010, 1_010)
        assert [read for read, _ in told] == sorted(read for read, _ in told)
        assert len(told) >= 19


async def test_only_the_last_page_shows_that_the_order_is_another() -> None:
    """Fifty of one moment on the first page look ordered whichever way."""
    async with a_vendor() as vendor:
        vendor.zego.order = "oldest"
        same = [vendor.zego.add_task(room_id="a", began_ms=NOW_MS - 2 * HOUR_MS, status=3) for _ in range(50)]
        newest = vendor.zego.add_task(room_id="a", began_ms=NOW_MS - HOUR_MS, status=3)
        page = await vendor.ask("status=ended")
        assert ids(page) == [newest, *sorted(same, reverse=True)[:9]]


async def test_disorder_that_shows_on_a_later_page_makes_the_rest_be_read() -> None:
    class HalfSorted:
        def __init__(self, vendor: Vendor) -> None:
            self.answer = vendor.zego._tasks

        def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
            data = self.answer(body)
            if body.get("PageOffset") == 2:
                data["TaskidList"].reverse()
            return data

    async with a_vendor() as vendor:
        expected = add_many(vendor, 200)
        vendor.zego._tasks = HalfSorted(vendor)
        page = await vendor.ask("status=ended size=20 page=2")
        assert vendor.calls == 2
        page = await vendor.older(page)
        assert ids(page) == expected[40:60]
        assert vendor.calls == 4


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
@pytest.mark.parametrize(("ties", "count"), [(3, 160), (120, 240), (170, 170)])
async def test_equal_starts_across_page_borders_have_one_place(
    sort: str, order: Order, ties: int, count: int
) -> None:
    async with a_vendor() as vendor:
        vendor.zego.order = order
        tasks = [
            (NOW_MS - (1 + n // ties) * HOUR_MS // 8, f"{(n * 7919) % count:016d}") for n in range(count)
        ]
        for began_ms, task_id in tasks:
            vendor.zego.add_task(room_id="a", began_ms=began_ms, task_id=task_id, status=3)
        expected = [task_id for _, task_id in sorted(tasks, reverse=sort == "newest")]
        pages = await read_forward(vendor, await vendor.ask(f"status=ended last=3d sort={sort} size=17"))
        assert all_ids(pages) == expected
        vendor.restart()
        typed = await vendor.ask(f"status=ended last=3d sort={sort} size=17 page=8")
        assert ids(typed) == expected[7 * 17 :][:17]


async def test_a_total_that_grows_with_every_answer_is_never_called_exact() -> None:
    async with a_vendor() as vendor:
        expected = add_many(vendor, 130)
        vendor.zego.misbehave(Fault(FaultKind.GROWING_TOTAL))
        page = await vendor.ask("status=ended last=3d")
        assert ids(page) == expected[:10]
        assert not page.exact
        assert vendor.calls <= 8
        everything = await vendor.recordings.find_all(vendor.question("status=ended last=3d"))
        assert ids(everything) == expected
        assert not everything.exact
        assert vendor.calls < 40


@pytest.mark.parametrize("text", ["last=3d", "status=ended last=3d", "status=ongoing", "status=failed"])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51])
async def test_a_total_that_is_one_too_many_at_the_border_of_a_page(text: str, count: int) -> None:
    async with a_vendor() as vendor:
        add_many(vendor, count, status=4 if "ongoing" not in text else 2)
        vendor.zego.misbehave(Fault(FaultKind.GROWING_TOTAL))
        page = await vendor.ask(text)
        assert len(page.recordings) == min(count, 10)
        assert not page.exact or page.total == count


async def test_a_list_that_grows_while_it_is_paged_is_read_again_and_exact() -> None:
    async with a_vendor() as vendor:
        add_many(vendor, 120)
        for n in range(3):
            vendor.zego.add_task(
                room_id="a", began_ms=NOW_MS - (n + 1) * HOUR_MS, ends_ms=NOW_MS + (n + 1) * SECOND_MS
            )
        vendor.zego.before_list = lambda n, _: vendor.clock.advance(0.6 if n < 4 else 0.001)
        page = await vendor.ask("status=ended last=3d")
        assert page.exact
        ended = {task for task in vendor.zego.index._by_id.values() if task.has_ended(vendor.zego.now_ms())}
        assert page.total == len(ended)


async def test_a_list_that_never_keeps_still_says_at_least() -> None:
    async with a_vendor() as vendor:
        add_many(vendor, 120)
        for n in range(60):
            vendor.zego.add_task(
                room_id="a", began_ms=NOW_MS - (n + 1) * MINUTE_MS, ends_ms=NOW_MS + (n + 1) * SECOND_MS
            )
        vendor.zego.before_list = lambda *_: vendor.clock.advance(1.0)
        page = await vendor.ask("status=ended last=3d")
        assert not page.exact
        assert 120 <= page.total <= 180
        assert vendor.calls <= 9


async def test_a_long_scan_finds_what_ended_meanwhile_by_counting_and_stays_exact() -> None:
    """Two thousand rows are forty calls; every ten calls one more ends: read again it would never fit."""
    async with a_vendor() as vendor:
        add_many(vendor, 2_000)
        for n in range(150):
            vendor.zego.add_task(
                room_id="a",
                began_ms=NOW_MS - (n * 7 % 150 + 1) * 20 * MINUTE_MS,
                ends_ms=NOW_MS + n * SECOND_MS,
            )
        vendor.zego.order = "shuffled"
        vendor.zego.before_list = lambda *_: vendor.clock.advance(0.1)
        page = await vendor.ask("status=ended last=3d")
        assert vendor.calls < 150
        assert page.exact
        ended_by_the_scan, ended_by_now = (2_000 + 40 // 10, 2_000 + vendor.calls // 10 + 1)
        assert ended_by_the_scan <= page.total <= ended_by_now
        rows = {
            task.task_id for task in vendor.zego.index._by_id.values() if task.has_ended(vendor.zego.now_ms())
        }
        everything = await vendor.recordings.find_all(vendor.question("status=ended last=3d"))
        assert set(ids(everything)) >= rows


async def test_a_list_that_shrinks_while_it_is_read_misses_nothing_that_stays() -> None:
    async with a_vendor() as vendor:
        stay = add_many(vendor, 150, status=2, every_ms=10 * MINUTE_MS)
        for n in range(20):
            vendor.zego.add_task(
                room_id="a", began_ms=NOW_MS - (n + 1) * MINUTE_MS, ends_ms=NOW_MS + (n + 1) * SECOND_MS
            )
        vendor.zego.before_list = lambda *_: vendor.clock.advance(4.0)
        pages = await read_forward(vendor, await vendor.ask("status=ongoing last=3d"))
        shown = all_ids(pages)
        assert [task for task in shown if task in stay] == stay
        assert len(shown) == len(set(shown))


def spoiled(vendor: Vendor, tasks: set[str], *, named: bool) -> None:
    """Rows of these tasks cannot be read; with or without an ID that can."""

    def spoil(row: dict[str, Any]) -> None:
        if row["TaskId"] in tasks:
            row["Status"] = "recorded"
            if not named:
                row["TaskId"] = {"id": row["TaskId"]}

    vendor.zego.spoil = spoil


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "text", ["status=ended last=3d", "last=3d sort=oldest size=20", "status=failed last=3d"]
)
@pytest.mark.parametrize("bad", [[0], [49, 50], [119], list(range(50)), list(range(30, 119))])
async def test_rows_that_cannot_be_read_are_left_out_and_no_other_is_missed(
    bad: list[int], text: str, named: bool
) -> None:
    async with a_vendor() as vendor:
        tasks = add_many(vendor, 120, status=4)
        await vendor.ask("status=ended room=other last=1h")
        await vendor.recordings.find_all(vendor.question(text))
        usual_calls = vendor.calls
        vendor.restart()
        spoiled(vendor, {tasks[n] for n in bad}, named=named)
        await vendor.ask("status=ended room=other last=1h")
        before = vendor.calls
        everything = await vendor.recordings.find_all(vendor.question(text))
        assert vendor.calls - before <= usual_calls, "read again, though nothing had changed"
        left = [task for n, task in enumerate(tasks) if n not in bad]
        left = left[::-1] if "oldest" in text else left
        assert ids(everything) == left
        assert (everything.total, everything.exact) == (len(left), False)
        recording = "1 recording could not be read and may be missing."
        many = f"{len(bad)} recordings could not be read and may be missing."
        assert everything.notes == ((recording,) if len(bad) == 1 else (many,))

        vendor.restart()
        pages = await read_forward(vendor, await vendor.ask(text))
        assert all_ids(pages) == left
        assert not pages[-1].exact
        back = await read_back(vendor, pages[-1])
        assert sorted(all_ids(back)) == sorted(left)


@pytest.mark.parametrize("order", ["newest", "shuffled"])
async def test_a_long_list_that_changes_is_put_right_with_rows_in_it_that_cannot_be_read(
    order: Order,
) -> None:
    async with a_vendor() as vendor:
        tasks = add_many(vendor, 1_000)
        bad = {tasks[100], tasks[500], tasks[501]}
        spoiled(vendor, bad, named=False)
        late = [
            vendor.zego.add_task(
                room_id="a", began_ms=NOW_MS - (n + 1) * HOUR_MS, ends_ms=NOW_MS + (n + 1) * SECOND_MS
            )
            for n in range(5)
        ]
        vendor.zego.order = order
        vendor.zego.before_list = lambda *_: vendor.clock.advance(0.5)
        page = await vendor.recordings.find_all(vendor.question("status=ended last=3d"))
        assert vendor.calls < 150
        assert set(ids(page)) >= {*tasks} - bad
        assert len(ids(page)) == len(set(ids(page)))
        assert set(ids(page)) & {*late}
        assert page.notes == ("3 recordings could not be read and may be missing.",)
        assert not page.exact


async def test_a_task_that_can_be_read_in_the_other_list_is_not_missing() -> None:
    async with a_vendor() as vendor:
        [task] = add_many(vendor, 1, status=2)
        vendor.zego.filter_of = {2: 2}
        first = True

        def spoil(row: dict[str, Any]) -> None:
            nonlocal first
            if first:
                row["Status"], first = "recorded", False
                vendor.zego.filter_of = {2: 3}

        vendor.zego.spoil = spoil
        page = await vendor.ask("last=3d")
        assert (ids(page), page.notes) == ([task], ())


async def test_ten_thousand_rows_are_merged_again_without_another_call() -> None:
    async with a_vendor(ttl_seconds=600) as vendor:
        add_many(vendor, 10_000)
        question = replace(vendor.question("status=ended last=3d"), asked_ms=NOW_MS)
        await vendor.recordings.find_all(question)
        calls = vendor.calls
        page = await vendor.recordings.find_all(question)
        assert vendor.calls == calls
        assert page.total == 10_000
