"""The limiter: how many, in which order; and that nobody who leaves takes a permit along."""

from __future__ import annotations

import asyncio
import random
from contextlib import nullcontext
from itertools import pairwise

import pytest

from bot.errors import TooLateError
from bot.zegocloud.limiter import BACKGROUND_SHARE, Lane, Limiter, Priority, Slot
from tests.virtual_time import in_virtual_time

PEOPLE, BACKGROUND = Priority(Lane.INTERACTIVE), Priority(Lane.BACKGROUND)
HOLD = 0.05


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def give_back_now(limiter: Limiter) -> None:
    """A permit that is held back has come back."""
    limiter.permits._out -= 1
    limiter.permits.on_free()


class Queue:
    """Calls that line up at a limiter, whose permits may all be taken, and are let through one by one."""

    def __init__(self, permits: int = 1, hold_seconds: float = 0) -> None:
        self.limiter = Limiter(permits, hold_seconds=hold_seconds)
        self.order: list[str] = []
        self.slots: dict[str, Slot] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._open = asyncio.Event()

    async def fill(self) -> None:
        self._fillers = [asyncio.create_task(self._fill()) for _ in range(self.limiter.permits.permits)]
        await settle()

    async def _fill(self) -> None:
        async with self.limiter.slot(PEOPLE):
            await self._open.wait()

    async def join(self, name: str, priority: Priority) -> None:
        slot = self.slots[name] = self.limiter.slot(priority)
        self.tasks[name] = asyncio.create_task(self._call(name, slot))
        await settle()

    async def _call(self, name: str, slot: Slot) -> None:
        async with slot:
            self.order.append(name)

    async def drain(self) -> list[str]:
        self._open.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*self._fillers, *self.tasks.values(), return_exceptions=True)
        return self.order


@in_virtual_time
async def test_never_lets_more_than_the_permits_through_in_any_sliding_window() -> None:
    limiter = Limiter(5, hold_seconds=HOLD)
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def call(number: int) -> None:
        async with limiter.slot(Priority(Lane(number % 2))):
            began.append(loop.time())
            for _ in range(number % 4):
                await asyncio.sleep(0)

    await asyncio.gather(*(call(number) for number in range(60)))
    gaps = [later - earlier for earlier, later in zip(began, began[5:], strict=False)]
    assert len(began) == 60
    assert min(gaps) == pytest.approx(HOLD)


@in_virtual_time
async def test_uses_nearly_all_of_the_budget() -> None:
    limiter = Limiter(5, hold_seconds=HOLD)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def call() -> None:
        async with limiter.slot(PEOPLE):
            pass

    await asyncio.gather(*(call() for _ in range(50)))
    assert loop.time() - began == pytest.approx(9 * HOLD)


@in_virtual_time
async def test_a_permit_stays_away_from_the_end_of_the_call_not_from_its_start() -> None:
    limiter = Limiter(1, hold_seconds=HOLD)
    loop = asyncio.get_running_loop()
    async with limiter.slot(PEOPLE):
        await asyncio.sleep(3 * HOLD)
        ended = loop.time()
    async with limiter.slot(PEOPLE):
        assert loop.time() - ended == pytest.approx(HOLD)


@in_virtual_time
async def test_a_share_that_shrinks_and_grows_is_kept_to() -> None:
    limiter = Limiter(4, hold_seconds=HOLD)
    share = 4
    limiter.permits.limit = lambda: share
    order: list[int] = []

    async def call(number: int, ends: asyncio.Event) -> None:
        async with limiter.slot(PEOPLE):
            order.append(number)
            await ends.wait()

    ends = [asyncio.Event() for _ in range(8)]
    tasks = [asyncio.create_task(call(number, end)) for number, end in enumerate(ends)]
    await settle()
    assert len(order) == 4
    share = 1
    for end in ends[:3]:
        end.set()
    await asyncio.sleep(2 * HOLD)
    assert (len(order), limiter.in_use) == (4, 1)  # the one that is out is all there is room for
    share = 2
    limiter.permits.on_free()
    await settle()
    assert (len(order), limiter.in_use) == (5, 2)
    for end in ends:
        end.set()
    await asyncio.gather(*tasks)


async def test_a_permit_that_the_share_no_longer_covers_is_not_sent_with() -> None:
    limiter = Limiter(2)
    share = 2
    limiter.permits.share = lambda: share
    async with limiter.slot(PEOPLE), limiter.slot(PEOPLE):
        assert limiter.permits.may_send
        share = 1
        assert not limiter.permits.may_send


async def test_without_a_share_a_call_waits() -> None:
    limiter = Limiter(2)
    limiter.permits.limit = lambda: 0
    loop = asyncio.get_running_loop()
    limiter.check(Priority(deadline=loop.time() + HOLD))  # there may be a share at any moment
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.acquire(limiter.slot(PEOPLE)), HOLD)
    assert limiter.waiting() == 0


ORDERS = [
    pytest.param("a1 a2 b1 a3 b2", "a1 a2 b1 a3 b2", id="people are served as they come"),
    pytest.param("A1 a1 A2 b1", "a1 b1 A1 A2", id="people go before background work"),
    pytest.param("A1 A2 B1", "A1 A2 B1", id="background work is served as it comes"),
]


@pytest.mark.parametrize(("arrivals", "expected"), ORDERS)
async def test_first_come_first_served_in_each_lane(arrivals: str, expected: str) -> None:
    queue = Queue()
    await queue.fill()
    for name in arrivals.split():
        await queue.join(name, BACKGROUND if name[0].isupper() else PEOPLE)
    assert await queue.drain() == expected.split()


@in_virtual_time
async def test_a_question_that_has_begun_goes_before_later_ones() -> None:
    queue = Queue()
    await queue.fill()

    async def ask(name: str) -> None:
        priority = Priority.within(60)
        for call in (f"{name}1", f"{name}2"):
            async with queue.limiter.slot(priority):
                queue.order.append(call)

    for name in "abc":
        queue.tasks[name] = asyncio.create_task(ask(name))
        await asyncio.sleep(0.001)
    assert await queue.drain() == ["a1", "a2", "b1", "b2", "c1", "c2"]


@in_virtual_time
async def test_where_more_is_asked_than_can_be_answered_some_are_answered() -> None:
    limiter = Limiter(1, hold_seconds=1)
    answered: list[int] = []

    async def ask(name: int) -> None:
        priority = Priority.within(30)
        for _ in range(2):
            async with limiter.slot(priority):
                pass
        answered.append(name)

    tasks = []
    for name in range(30):
        tasks.append(asyncio.create_task(ask(name)))
        await asyncio.sleep(0.01)
    await asyncio.sleep(29)
    assert answered == list(range(15))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@in_virtual_time
async def test_a_question_that_has_begun_is_not_too_late_for_those_that_have_not() -> None:
    limiter = Limiter(1, hold_seconds=1)
    begun = Priority.within(3)
    await asyncio.sleep(0.1)
    await limiter.acquire(limiter.slot(PEOPLE))
    waiting = [asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE))) for _ in range(30)]
    await settle()
    limiter.check(begun)
    with pytest.raises(TooLateError):
        limiter.check(Priority.within(3))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_background_work_gets_every_20th_turn_while_people_wait() -> None:
    queue = Queue()
    await queue.fill()
    for number in range(2):
        await queue.join(f"B{number}", BACKGROUND)
    for number in range(50):
        await queue.join(f"p{number}", PEOPLE)
    order = await queue.drain()
    assert [order.index("B0") + 1, order.index("B1") + 1] == [BACKGROUND_SHARE, 2 * BACKGROUND_SHARE]


async def test_the_background_share_is_counted_only_while_background_work_waits() -> None:
    before, queue = Queue(), Queue()
    queue.limiter = before.limiter
    await before.fill()
    for number in range(BACKGROUND_SHARE // 2):
        await before.join(f"p{number}", PEOPLE)
    await before.drain()
    await queue.fill()
    for number in range(BACKGROUND_SHARE):
        await queue.join(f"p{number}", PEOPLE)
    await queue.join("B", BACKGROUND)
    order = await queue.drain()
    assert order.index("B") == BACKGROUND_SHARE - 1


@in_virtual_time
async def test_background_calls_are_spread_over_the_window() -> None:
    limiter = Limiter(5, hold_seconds=HOLD)
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def call() -> None:
        async with limiter.slot(BACKGROUND):
            began.append(loop.time())

    await asyncio.gather(*(call() for _ in range(12)))
    gaps = [later - earlier for earlier, later in pairwise(began)]
    assert len(began) == 12
    assert min(gaps) == pytest.approx(HOLD / 5)


async def test_a_person_takes_a_free_permit_while_background_calls_wait_for_their_moment() -> None:
    queue = Queue(3, hold_seconds=3600)
    for name in ("B1", "B2"):
        await queue.join(name, BACKGROUND)
    await queue.join("p1", PEOPLE)
    assert queue.order == ["B1", "p1"]
    assert (queue.limiter.in_use, queue.limiter.waiting(Lane.BACKGROUND)) == (2, 1)
    queue.slots["B2"].promote(PEOPLE)
    await settle()
    assert queue.order == ["B1", "p1", "B2"]


@in_virtual_time
async def test_a_waiting_background_call_does_not_make_a_person_too_late() -> None:
    queue = Queue(2, hold_seconds=3600)
    for name in ("B1", "B2"):
        await queue.join(name, BACKGROUND)
    deadline = asyncio.get_running_loop().time() + 1
    queue.limiter.check(Priority(deadline=deadline))
    with pytest.raises(TooLateError):
        queue.limiter.check(Priority(Lane.BACKGROUND, deadline))
    queue.tasks["B2"].cancel()


async def test_a_promoted_call_leaves_the_background() -> None:
    queue = Queue()
    await queue.fill()
    for name in ("B1", "B2", "B3"):
        await queue.join(name, BACKGROUND)
    await queue.join("p1", PEOPLE)
    queue.slots["B3"].promote(PEOPLE)
    assert (queue.limiter.waiting(Lane.INTERACTIVE), queue.limiter.waiting(Lane.BACKGROUND)) == (2, 2)
    assert await queue.drain() == ["p1", "B3", "B1", "B2"]


async def test_promoting_a_call_that_has_its_turn_changes_nothing() -> None:
    limiter = Limiter(1, hold_seconds=0)
    async with limiter.slot(BACKGROUND) as slot:
        slot.promote(PEOPLE)
        assert (limiter.waiting(), limiter.in_use, slot.ahead) == (0, 1, 0)


async def test_counts_who_goes_first() -> None:
    queue = Queue()
    await queue.fill()
    for name in ("a1", "a2", "a3", "b1", "C1", "C2", "D1"):
        await queue.join(name, BACKGROUND if name[0].isupper() else PEOPLE)
    ahead = {name: slot.ahead for name, slot in queue.slots.items()}
    assert await queue.drain() == sorted(ahead, key=lambda name: ahead[name])
    assert sorted(ahead.values()) == list(range(7))


@in_virtual_time
async def test_a_full_queue_refuses_at_once() -> None:
    limiter = Limiter(1, hold_seconds=0, max_waiting=2)
    async with limiter.slot(PEOPLE):
        waiting = [asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE))) for _ in range(2)]
        await settle()
        with pytest.raises(TooLateError) as raised:
            await limiter.acquire(limiter.slot(PEOPLE))
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    assert raised.value.ahead == 2
    assert limiter.waiting() == 0


IMPOSSIBLE = [
    # permits, waiting in front, seconds until the deadline, refused at once
    pytest.param(2, 0, 0.9, True, id="no permit returns before the deadline"),
    pytest.param(2, 0, 1.1, False, id="a permit may return before the deadline"),
    pytest.param(2, 1, 1.1, False, id="two permits return together"),
    pytest.param(2, 2, 1.1, True, id="the third has to wait for another second"),
    pytest.param(2, 3, 2.1, False, id="the fourth comes in the second round"),
    pytest.param(2, 4, 2.1, True, id="the fifth does not"),
    pytest.param(2, 0, -0.1, True, id="the deadline has passed"),
]


@pytest.mark.parametrize(("permits", "in_front", "seconds", "refused"), IMPOSSIBLE)
@in_virtual_time
async def test_refuses_at_once_what_cannot_be_in_time(
    permits: int, in_front: int, seconds: float, refused: bool
) -> None:
    limiter = Limiter(permits, hold_seconds=1)
    loop = asyncio.get_running_loop()
    for _ in range(permits):
        await limiter.acquire(limiter.slot(PEOPLE))
    waiting = [asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE))) for _ in range(in_front)]
    await settle()
    with pytest.raises(TooLateError) if refused else nullcontext() as raised:
        limiter.check(Priority(deadline=loop.time() + seconds))
    assert not refused or raised.value.ahead == in_front
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    queue = Queue()
    await queue.fill()
    for name in ("a1", "a2", "b1"):
        await queue.join(name, PEOPLE)
    queue.tasks["a1"].cancel()
    queue.tasks["b1"].cancel()
    await settle()
    assert queue.limiter.waiting() == 1
    assert await queue.drain() == ["a2"]


async def test_a_waiter_cancelled_in_the_loop_turn_of_its_grant_gives_the_permit_on() -> None:
    limiter = Limiter(1, hold_seconds=0)
    await limiter.acquire(limiter.slot(PEOPLE))
    first = asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE)))
    second = asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE)))
    await settle()
    loop = asyncio.get_running_loop()
    granted = asyncio.Event()

    def give_back_and_cancel() -> None:
        give_back_now(limiter)
        assert limiter.waiting() == 1
        first.cancel()
        granted.set()

    loop.call_soon(give_back_and_cancel)
    await granted.wait()
    await asyncio.wait_for(second, 1)
    assert first.cancelled()
    assert (limiter.in_use, limiter.waiting()) == (1, 0)


async def test_a_waiter_cancelled_just_before_the_grant_is_passed_over() -> None:
    limiter = Limiter(1, hold_seconds=0)
    await limiter.acquire(limiter.slot(PEOPLE))
    first = asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE)))
    second = asyncio.create_task(limiter.acquire(limiter.slot(PEOPLE)))
    await settle()
    first.cancel()
    give_back_now(limiter)
    await asyncio.wait_for(second, 1)
    assert first.cancelled()
    assert (limiter.in_use, limiter.waiting()) == (1, 0)


@in_virtual_time
async def test_no_permit_is_lost_in_a_storm_of_cancelled_waiters() -> None:
    limiter = Limiter(3, hold_seconds=0)
    chance = random.Random(5)  # noqa: S311 - decides only who is cancelled

    async def call(pauses: int) -> None:
        async with limiter.slot(Priority(Lane(pauses % 2))):
            for _ in range(pauses):
                await asyncio.sleep(0)

    for _ in range(500):
        calls = [asyncio.create_task(call(chance.randrange(4))) for _ in range(8)]
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        for task in chance.sample(calls, 5):
            task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait(calls)
    await settle()
    assert (limiter.in_use, limiter.waiting()) == (0, 0)
    assert not limiter.waiting()


@in_virtual_time
async def test_an_error_in_a_call_gives_its_permit_back() -> None:
    limiter = Limiter(1, hold_seconds=0)
    with pytest.raises(ZeroDivisionError):
        async with limiter.slot(PEOPLE):
            raise ZeroDivisionError
    async with asyncio.timeout(1), limiter.slot(PEOPLE) as slot:
        assert slot.waited_seconds >= 0


def test_needs_at_least_one_permit() -> None:
    with pytest.raises(ValueError, match="permit"):
        Limiter(0)
