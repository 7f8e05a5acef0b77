"""Long lists that changed while they were read are put right by counting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from bot.models import Recording, TaskPage, Unreadable
from bot.recordings.listing import RecountedList
from bot.zegocloud.protocol import PAGE_SIZE, DescribeTasks, TaskFilter
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterable

START_MS, END_MS = 1_000_000, 2_000_000
WHOLE = DescribeTasks(TaskFilter.ENDED, START_MS, END_MS)


class Counting:
    """The vendor's list, as far as its rows and counts go."""

    def __init__(self, starts: Iterable[int], extra: int = 0, unreadable: int = 0) -> None:
        rows = [Recording(f"{n}", "a", 3, began_ms) for n, began_ms in enumerate(starts)]
        self.rows = set(rows)
        self.unreadable = set(rows[5 :: len(rows) // unreadable] if unreadable else ())
        self.extra = extra
        self.calls = 0

    async def fetch(self, request: DescribeTasks) -> TaskPage:
        assert request.start_ms < request.end_ms
        assert request.page == 1
        self.calls += 1
        inside = [row for row in self.rows if request.start_ms <= row.began_ms <= request.end_ms]
        inside.sort(key=lambda row: row.order, reverse=True)
        total = len(inside) + self.extra
        page = inside[:PAGE_SIZE]
        readable = tuple(row for row in page if row not in self.unreadable)
        unreadable = tuple(Unreadable(row.task_id, row.task_id, "") for row in page if row in self.unreadable)
        return TaskPage(total, readable, 1, "", self.calls, unreadable)


def as_read(rows: Iterable[Recording]) -> TaskPage:
    return TaskPage(0, tuple(rows), 1, "", 0)


@examples(20)
@given(
    starts=st.lists(st.integers(START_MS, END_MS), min_size=0, max_size=600),
    seed=st.randoms(use_true_random=False),
    missing=st.integers(0, 8),
    gone=st.integers(0, 8),
)
async def test_rows_that_came_and_went_are_found(
    starts: list[int], seed: object, missing: int, gone: int
) -> None:
    vendor = Counting(starts)
    rows = sorted(vendor.rows, key=lambda row: row.order)
    seed.shuffle(rows)  # type: ignore[attr-defined]
    known = rows[missing:]
    left = [Recording(f"gone{n}", "a", 3, START_MS + 1 + n * 7_919) for n in range(gone)]
    recounted = RecountedList(WHOLE, vendor.fetch, [as_read(known + left)], most_calls=10_000)
    await recounted.recount()
    if missing != gone:
        assert {row for row, _ in recounted.rows.values()} == vendor.rows or hidden_by_equal_counts(
            recounted, vendor
        )
        assert recounted.steady


def hidden_by_equal_counts(recounted: RecountedList, vendor: Counting) -> bool:
    """One that came and one that went in the same stretch of more than a page leave its count as it was."""
    return len(recounted.rows) == len(vendor.rows)


async def test_a_few_changes_cost_a_few_calls() -> None:
    vendor = Counting(range(START_MS, END_MS, 100))
    known = [row for row in vendor.rows if row.task_id not in {"17", "5000", "9999"}]
    recounted = RecountedList(WHOLE, vendor.fetch, [as_read(known)], most_calls=400)
    await recounted.recount()
    assert len(recounted.rows) == 10_000
    assert recounted.steady
    assert vendor.calls < 60
    await recounted.recount()
    assert vendor.calls < 61 + 1


async def test_more_of_one_moment_than_a_page_holds_cannot_be_told_apart() -> None:
    vendor = Counting([START_MS + 500] * 120)
    recounted = RecountedList(WHOLE, vendor.fetch, [as_read(list(vendor.rows)[:100])], most_calls=400)
    await recounted.recount()
    assert not recounted.steady
    assert vendor.calls < 100


async def test_counts_that_do_not_fit_the_rows_are_not_believed() -> None:
    vendor = Counting(range(START_MS, END_MS, 5_000), extra=3)
    recounted = RecountedList(WHOLE, vendor.fetch, [as_read(vendor.rows)], most_calls=400)
    await recounted.recount()
    assert {row for row, _ in recounted.rows.values()} == vendor.rows
    assert not recounted.steady


async def test_rows_that_cannot_be_read_are_no_change_and_cost_no_more_than_any_other() -> None:
    vendor = Counting(range(START_MS, END_MS, 500), unreadable=3)
    page = as_read(vendor.rows - vendor.unreadable)
    told = tuple(Unreadable(row.task_id, row.task_id, "") for row in vendor.unreadable)
    recounted = RecountedList(WHOLE, vendor.fetch, [replace(page, unreadable=told)], most_calls=400)
    await recounted.recount()
    assert (vendor.calls, recounted.steady) == (1, True)
    vendor.rows |= {Recording(f"new{n}", "a", 3, START_MS + n * 300_001) for n in (1, 2, 3)}
    await recounted.recount()
    assert {row for row, _ in recounted.rows.values()} == vendor.rows - vendor.unreadable
    assert recounted.unreadable.keys() == {row.task_id for row in vendor.unreadable}
    assert recounted.steady
    assert vendor.calls < 60


async def test_calls_run_out() -> None:
    vendor = Counting(range(START_MS, END_MS, 100))
    recounted = RecountedList(WHOLE, vendor.fetch, [as_read([])], most_calls=20)
    await recounted.recount()
    assert not recounted.steady
    assert vendor.calls < 45


async def test_the_moment_until_which_it_is_known_is_that_of_the_first_count() -> None:
    vendor = Counting(range(START_MS, END_MS, 5_000))
    recounted = RecountedList(WHOLE, vendor.fetch, [as_read(list(vendor.rows)[:150])], most_calls=400)
    await recounted.recount()
    assert recounted.until_ms == 1 < vendor.calls
