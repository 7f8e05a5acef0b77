"""What is shown is what is so: every answer against a plain list, filtered and sorted."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from bot.models import ENDED, FAILED, ONGOING, PAUSED, RUNNING, STARTING
from tests.examples import examples
from tests.vendor import Vendor, a_vendor, ids
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS

if TYPE_CHECKING:
    from bot.recordings.page import Page

UNKNOWN = 9
USUAL_FILTERS = {STARTING: 2, ONGOING: 2, PAUSED: 2, ENDED: 3, FAILED: 3, UNKNOWN: 2}
BELONGS = {
    "all": {STARTING, ONGOING, PAUSED, ENDED, FAILED, UNKNOWN},
    "ongoing": {STARTING, ONGOING, PAUSED, UNKNOWN},
    "ended": {ENDED, FAILED, UNKNOWN},
    "failed": {FAILED},
    "paused": {PAUSED},
    "starting": {STARTING},
}
ASKS = {"ongoing": {2}, "ended": {3}}


@dataclass(frozen=True)
class Task:
    task_id: str
    room: str
    status: int
    began_ms: int

    def is_in(self, rooms: tuple[str, ...], status: str, filter_of: dict[int, int]) -> bool:
        asked = ASKS.get(status, {2, 3})
        fits = self.status in BELONGS[status] and filter_of[self.status] in asked
        return fits and (not rooms or self.room in rooms)


def add(vendor: Vendor, tasks: list[Task]) -> None:
    for task in tasks:
        vendor.zego.add_task(
            room_id=task.room, began_ms=task.began_ms, status=task.status, task_id=task.task_id
        )


async def read_forward(vendor: Vendor, page: Page) -> list[Page]:
    """Every screen from this one on, by the button that each offers."""
    pages = [page]
    while pages[-1].older:
        pages.append(await vendor.older(pages[-1]))
        assert len(pages) < 400
    return pages


async def read_back(vendor: Vendor, page: Page) -> list[Page]:
    pages = [page]
    while pages[-1].newer:
        pages.append(await vendor.newer(pages[-1]))
        assert len(pages) < 400
    return pages


def all_ids(pages: list[Page]) -> list[str]:
    return [task_id for page in pages for task_id in ids(page)]


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    rng = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - test data
    grain_ms = draw(st.sampled_from([1, 1000, MINUTE_MS, 6 * HOUR_MS]))
    statuses = draw(
        st.sampled_from([(ENDED,), (ONGOING,), (ENDED, ENDED, ENDED, FAILED, ONGOING), (1, 2, 3, 4, 5, 9)])
    )
    rooms = draw(st.sampled_from([("a",), ("a", "b", "c")]))
    count = draw(st.integers(0, 12) | st.integers(45, 170))
    tasks = [
        Task(
            f"{rng.getrandbits(64):016x}",
            rng.choice(rooms),
            rng.choice(statuses),
            NOW_MS - rng.randint(MINUTE_MS // grain_ms + 1, 71 * HOUR_MS // grain_ms) * grain_ms,
        )
        for _ in range(count)
    ]
    asked_rooms = draw(st.sampled_from([(), ("a",), ("a", "b"), ("nobody",)]))
    window = draw(st.sampled_from(["last=6h", "last=24h", "last=3d", "between"]))
    size = draw(st.integers(1, 20) if count < 60 else st.integers(7, 20))
    return {
        "tasks": tasks,
        "rooms": asked_rooms,
        "status": draw(st.sampled_from(list(BELONGS))),
        "window": window,
        "from_hours": draw(st.integers(25, 70)),
        "to_hours": draw(st.integers(1, 24)),
        "sort": draw(st.sampled_from(["newest", "oldest"])),
        "size": size,
        "page": draw(st.integers(1, 12)),
        "order": draw(st.sampled_from(["newest", "newest", "oldest", "shuffled"])),
        "filter_of": USUAL_FILTERS
        | {code: draw(st.sampled_from([2, 3])) for code in draw(st.sampled_from([(), (1, 4, 5, 9)]))},
    }


def moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def text_and_window(world: dict[str, Any]) -> tuple[str, int, int]:
    hours = {"last=6h": 6, "last=24h": 24, "last=3d": 72}
    start_ms, end_ms, window = (
        NOW_MS - world["from_hours"] * HOUR_MS,
        NOW_MS - world["to_hours"] * HOUR_MS,
        "",
    )
    if world["window"] in hours:
        window, end_ms = world["window"], NOW_MS
        start_ms = NOW_MS - hours[window] * HOUR_MS
    else:
        window = f"from={moment(start_ms)} to={moment(end_ms)}"
    room = f"room={','.join(world['rooms'])} " if world["rooms"] else ""
    return (
        f"{room}status={world['status']} {window} sort={world['sort']} size={world['size']}",
        start_ms,
        end_ms,
    )


@examples(25)
@given(worlds())
async def test_every_screen_of_every_answer_is_what_a_plain_list_says(world: dict[str, Any]) -> None:
    text, start_ms, end_ms = text_and_window(world)
    fitting = [
        task for task in world["tasks"] if task.is_in(world["rooms"], world["status"], world["filter_of"])
    ]
    expected = sorted(
        (task for task in fitting if start_ms <= task.began_ms <= end_ms),
        key=lambda task: (task.began_ms, task.task_id),
        reverse=world["sort"] == "newest",
    )
    want = [task.task_id for task in expected]
    codes = {task.task_id: task.status for task in expected}
    async with a_vendor() as vendor:
        add(vendor, world["tasks"])
        vendor.zego.order, vendor.zego.filter_of = world["order"], world["filter_of"]

        forward = await read_forward(vendor, await vendor.ask(text))

        assert all_ids(forward) == want
        assert [page.number for page in forward] == list(range(1, len(forward) + 1))
        back = await read_back(vendor, forward[-1])
        assert [ids(page) for page in back] == [ids(page) for page in reversed(forward)]
        for page in (*forward, *back):
            assert page.first == (page.number - 1) * world["size"]
            assert {row.task_id: row.status for row in page.recordings}.items() <= codes.items()
            assert page.total <= len(want) or misfits_unseen(world)
            assert not page.exact or page.total == len(want) or misfits_unseen(world)
            assert page.exact or world["filter_of"] != USUAL_FILTERS or world["status"] == "failed"
        vendor.restart()
        typed = await vendor.ask(f"{text} page={world['page']}")
        last = max(1, -(-len(want) // world["size"]))
        number = min(world["page"], last)
        assert typed.number == number
        assert ids(typed) == want[(number - 1) * world["size"] :][: world["size"]]
        assert bool(typed.notes) == (number != world["page"] and bool(want))
        before = [
            task
            for task in fitting
            if task.began_ms < start_ms and task.status in RUNNING and world["filter_of"][task.status] == 2
        ]
        looks_before = world["status"] in {"ongoing", "paused", "starting"}
        assert typed.running_before == (len(before) if looks_before else 0)
        everything = await vendor.recordings.find_all(vendor.question(f"{text} page={world['page']}"))
        assert ids(everything) == want
        assert everything.exact
        assert everything.total == len(want)
        assert vendor.codes == {0}


def misfits_unseen(world: dict[str, Any]) -> bool:
    """Rows of a status that no documentation puts under a filter can hide in pages that nobody read."""
    return world["filter_of"] != USUAL_FILTERS and world["status"] in ASKS and len(world["tasks"]) > 50


class Life:
    """Recordings that begin, pause, end and fail while somebody reads, on the vendor's own scripts."""

    def __init__(self, vendor: Vendor, rng: random.Random, count: int) -> None:
        self.vendor = vendor
        for _ in range(count):
            began_ms = NOW_MS - rng.randint(-HOUR_MS // 2, 60 * HOUR_MS)
            ended_before = rng.random() < 0.5
            ends_ms = rng.choice([None, NOW_MS + rng.randint(1, HOUR_MS // 2)])
            pause_ms = NOW_MS + rng.randint(-HOUR_MS, HOUR_MS // 2)
            vendor.zego.add_task(
                room_id=rng.choice("ab"),
                began_ms=began_ms,
                ends_ms=max(began_ms + 1, NOW_MS - 5 * MINUTE_MS) if ended_before else ends_ms,
                fails=rng.random() < 0.2,
                starting_ms=rng.choice([0, HOUR_MS // 4]),
                pauses=((pause_ms, pause_ms + HOUR_MS // 8),) if rng.random() < 0.3 else (),
            )
        self._scripts = list(vendor.zego.index._by_id.values())
        self.moments = sorted(
            {NOW_MS} | {moment for task in self._scripts for moment in self._changes(task) if moment > NOW_MS}
        )

    @staticmethod
    def _changes(task: Any) -> list[int]:
        pauses = [moment for pause in task.pauses for moment in pause]
        return [task.began_ms, task.began_ms + task.starting_ms, task.ends_ms or 0, *pauses]

    def belonging(self, page: Page, at_ms: int) -> dict[str, int]:
        """Task ID → status of what belongs to a page's question at a moment."""
        query, window = page.question.query, page.window
        return {
            task.task_id: task.status_at(at_ms)
            for task in self._scripts
            if task.status_at(at_ms) in BELONGS[query.status]
            and (not query.rooms or task.room_id in query.rooms)
            and window.start_ms <= task.began_ms <= min(window.end_ms, at_ms)
        }

    def between(self, page: Page, start_ms: int, end_ms: int) -> list[dict[str, int]]:
        """The same at every moment at which something changed."""
        moments = [start_ms, *(moment for moment in self.moments if start_ms < moment <= end_ms)]
        return [self.belonging(page, moment) for moment in moments]


@examples(20)
@given(
    seed=st.integers(0, 2**32),
    status=st.sampled_from(["all", "all", "ongoing", "ended", "failed", "paused", "starting"]),
    sort=st.sampled_from(["newest", "oldest"]),
    room=st.sampled_from(["", "room=a ", "room=a,b "]),
    count=st.integers(3, 30) | st.integers(60, 260),
    order=st.sampled_from(["newest", "newest", "shuffled"]),
    pace_ms=st.sampled_from([0, 20, 400, 3_000]),
    pause_ms=st.sampled_from([0, 1_000, 60_000]),
)
async def test_nothing_is_missed_or_shown_twice_while_recordings_begin_end_and_fail(
    seed: int, status: str, sort: str, room: str, count: int, order: Any, pace_ms: int, pause_ms: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - test data
    async with a_vendor() as vendor:
        life = Life(vendor, rng, count)
        vendor.zego.order = order
        vendor.zego.before_list = lambda *_: vendor.clock.advance(rng.randint(0, pace_ms) / 1000)
        page = await vendor.ask(f"{room}status={status} last=48h sort={sort} size={rng.choice([7, 10, 20])}")
        asked_ms = NOW_MS
        pages = []
        while True:
            pages.append(page)
            now_ms = vendor.zego.now_ms()
            meanwhile = life.between(page, page.as_of_ms, now_ms)
            if page.exact:
                assert page.total in {len(moment) for moment in meanwhile}
            else:
                assert page.total <= len({task_id for moment in meanwhile for task_id in moment})
            for row in page.recordings:
                assert row.status in {moment.get(row.task_id) for moment in meanwhile}
            if not page.older:
                break
            vendor.clock.advance(rng.randint(0, pause_ms) / 1000)
            if rng.random() < 0.2:
                vendor.restart()
            page = await vendor.older(page)

        shown = all_ids(pages)
        assert len(shown) == len(set(shown))
        orders = [row.order for page in pages for row in page.recordings]
        assert orders == sorted(orders, reverse=sort == "newest")
        all_along = life.between(page, asked_ms, vendor.zego.now_ms())
        always = set(all_along[0]).intersection(*all_along)
        assert always <= set(shown)
        assert vendor.codes == {0}
