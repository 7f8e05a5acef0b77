"""The limiter: how many, in which order, until when; and that nobody who leaves takes a permit along."""

from __future__ import annotations

import asyncio
import random
from contextlib import nullcontext
from itertools import pairwise

import pytest

from bot.errors import TooLateError
from bot.zegocloud.limiter import BACKGROUND_SHARE, USUAL_TURNS, FairQueue, Lane, Limiter, Turn
from tests.virtual_time import in_virtual_time

PEOPLE, BACKGROUND = Lane.INTERACTIVE, Lane.BACKGROUND
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
        self.turns: dict[str, Turn] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._open = asyncio.Event()

    async def fill(self) -> None:
        self._fillers = [asyncio.create_task(self._fill()) for _ in range(self.limiter.permits.permits)]
        await settle()

    async def _fill(self) -> None:
        async with self.limiter.turn(PEOPLE):
            await self._open.wait()

    async def join(
        self, name: str, lane: Lane, flow: str | None = None, deadline: float | None = None
    ) -> None:
        turn = self.turns[name] = self.limiter.turn(lane, flow, deadline)
        self.tasks[name] = asyncio.create_task(self._call(name, turn))
        await settle()

    async def _call(self, name: str, turn: Turn) -> None:
        async with turn:
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
        async with limiter.turn(Lane(number % 2), number % 7):
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
        async with limiter.turn(PEOPLE):
            pass

    await asyncio.gather(*(call() for _ in range(50)))
    assert loop.time() - began == pytest.approx(9 * HOLD)


@in_virtual_time
async def test_a_permit_stays_away_from_the_end_of_the_call_not_from_its_start() -> None:
    limiter = Limiter(1, hold_seconds=HOLD)
    loop = asyncio.get_running_loop()
    async with limiter.turn(PEOPLE):
        await asyncio.sleep(3 * HOLD)
        ended = loop.time()
    async with limiter.turn(PEOPLE):
        assert loop.time() - ended == pytest.approx(HOLD)


@in_virtual_time
async def test_a_share_that_shrinks_and_grows_is_kept_to() -> None:
    limiter = Limiter(4, hold_seconds=HOLD)
    share = 4
    limiter.permits.limit = lambda: share
    order: list[int] = []

    async def call(number: int, ends: asyncio.Event) -> None:
        async with limiter.turn(PEOPLE):
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
    async with limiter.turn(PEOPLE), limiter.turn(PEOPLE):
        assert limiter.permits.may_send
        share = 1
        assert not limiter.permits.may_send


async def test_without_a_share_a_call_waits_until_its_deadline() -> None:
    limiter = Limiter(2)
    limiter.permits.limit = lambda: 0
    loop = asyncio.get_running_loop()
    with pytest.raises(TooLateError):
        await limiter.acquire(limiter.turn(PEOPLE, None, loop.time() + HOLD))
    assert limiter.waiting() == 0


FAIRNESS = [
    pytest.param("a1 a2 b1 a3 b2", "a1 b1 a2 b2 a3", id="two questions take turns"),
    pytest.param("a1 a2 a3 b1 c1", "a1 b1 c1 a2 a3", id="a short question does not wait for a long one"),
    pytest.param("A1 a1 A2 b1", "a1 b1 A1 A2", id="people go before background work"),
    pytest.param("A1 A2 B1", "A1 B1 A2", id="background questions take turns too"),
]


@pytest.mark.parametrize(("arrivals", "expected"), FAIRNESS)
async def test_turns_are_shared_fairly(arrivals: str, expected: str) -> None:
    queue = Queue()
    await queue.fill()
    for name in arrivals.split():
        await queue.join(name, BACKGROUND if name[0].isupper() else PEOPLE, name[0])
    assert await queue.drain() == expected.split()


async def test_a_question_that_has_begun_goes_before_those_that_have_not() -> None:
    queue = Queue()
    await queue.fill()
    calls: dict[str, list[str]] = {name: [f"{name}1", f"{name}2"] for name in "abc"}

    async def ask(name: str) -> None:
        for call in calls[name]:
            async with queue.limiter.turn(PEOPLE, name):
                queue.order.append(call)

    for name in calls:
        queue.tasks[name] = asyncio.create_task(ask(name))
    await settle()
    assert await queue.drain() == ["a1", "a2", "b1", "b2", "c1", "c2"]


async def test_a_long_question_does_not_go_first_for_ever() -> None:
    queue = Queue()
    await queue.fill()

    async def ask_much() -> None:
        for _ in range(2 * USUAL_TURNS):
            async with queue.limiter.turn(PEOPLE, "long"):
                queue.order.append("long")

    queue.tasks["long"] = asyncio.create_task(ask_much())
    await settle()
    await queue.join("short", PEOPLE, "short")
    order = await queue.drain()
    assert order.index("short") == USUAL_TURNS


async def test_a_question_that_has_begun_is_not_too_late_for_those_that_have_not() -> None:
    limiter = Limiter(1, hold_seconds=1)
    await limiter.acquire(limiter.turn(PEOPLE, "begun"))
    waiting = [asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE, n))) for n in range(30)]
    await settle()
    deadline = asyncio.get_running_loop().time() + 3
    limiter.check(PEOPLE, "begun", deadline)
    with pytest.raises(TooLateError):
        limiter.check(PEOPLE, "new", deadline)
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
    queue: FairQueue[Turn] = FairQueue()
    limiter = Limiter(1)
    for _ in range(BACKGROUND_SHARE * 2):
        queue.push(limiter.turn(PEOPLE))
    for _ in range(BACKGROUND_SHARE):
        queue.pop()
    queue.push(limiter.turn(BACKGROUND))
    lanes = [queue.pop().lane for _ in range(BACKGROUND_SHARE + 1)]
    assert lanes == [PEOPLE] * (BACKGROUND_SHARE - 1) + [BACKGROUND, PEOPLE]


@in_virtual_time
async def test_background_calls_are_spread_over_the_window() -> None:
    limiter = Limiter(5, hold_seconds=HOLD)
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def call() -> None:
        async with limiter.turn(BACKGROUND):
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
    assert (queue.limiter.in_use, queue.limiter.waiting(BACKGROUND)) == (2, 1)
    queue.turns["B2"].promote(PEOPLE, "p")
    await settle()
    assert queue.order == ["B1", "p1", "B2"]


@in_virtual_time
async def test_a_waiting_background_call_does_not_make_a_person_too_late() -> None:
    queue = Queue(2, hold_seconds=3600)
    for name in ("B1", "B2"):
        await queue.join(name, BACKGROUND)
    deadline = asyncio.get_running_loop().time() + 1
    queue.limiter.check(PEOPLE, None, deadline)
    with pytest.raises(TooLateError):
        queue.limiter.check(BACKGROUND, None, deadline)
    queue.tasks["B2"].cancel()


async def test_a_promoted_call_leaves_the_background() -> None:
    queue = Queue()
    await queue.fill()
    for name in ("B1", "B2", "B3"):
        await queue.join(name, BACKGROUND)
    await queue.join("p1", PEOPLE, "p")
    queue.turns["B3"].promote(PEOPLE, "q")
    assert (queue.limiter.waiting(PEOPLE), queue.limiter.waiting(BACKGROUND)) == (2, 2)
    assert await queue.drain() == ["p1", "B3", "B1", "B2"]


async def test_promoting_a_call_that_has_its_turn_changes_nothing() -> None:
    limiter = Limiter(1, hold_seconds=0)
    async with limiter.turn(BACKGROUND) as turn:
        turn.promote(PEOPLE, "p")
        assert (limiter.waiting(), limiter.in_use, turn.ahead) == (0, 1, 0)


async def test_counts_who_goes_first() -> None:
    queue = Queue()
    await queue.fill()
    for name in ("a1", "a2", "a3", "b1", "C1", "C2", "D1"):
        await queue.join(name, BACKGROUND if name[0].isupper() else PEOPLE, name[0])
    ahead = {name: turn.ahead for name, turn in queue.turns.items()}
    assert await queue.drain() == sorted(ahead, key=lambda name: ahead[name])
    assert sorted(ahead.values()) == list(range(7))


@in_virtual_time
async def test_a_full_queue_refuses_at_once() -> None:
    limiter = Limiter(1, hold_seconds=0, max_waiting=2)
    async with limiter.turn(PEOPLE):
        waiting = [asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE))) for _ in range(2)]
        await settle()
        with pytest.raises(TooLateError) as raised:
            await limiter.acquire(limiter.turn(PEOPLE))
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
        await limiter.acquire(limiter.turn(PEOPLE))
    waiting = [asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE))) for _ in range(in_front)]
    await settle()
    with pytest.raises(TooLateError) if refused else nullcontext() as raised:
        limiter.check(PEOPLE, None, loop.time() + seconds)
    assert not refused or raised.value.ahead == in_front
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@in_virtual_time
async def test_a_new_question_is_not_refused_for_the_length_of_another() -> None:
    limiter = Limiter(1, hold_seconds=1)
    await limiter.acquire(limiter.turn(PEOPLE))
    waiting = [asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE, "long"))) for _ in range(30)]
    await settle()
    deadline = asyncio.get_running_loop().time() + 3
    limiter.check(PEOPLE, "short", deadline)
    with pytest.raises(TooLateError):
        limiter.check(PEOPLE, "long", deadline)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@in_virtual_time
async def test_stops_waiting_at_the_deadline() -> None:
    queue = Queue()
    await queue.fill()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await queue.join("first", PEOPLE)
    await queue.join("hurried", PEOPLE, deadline=began + HOLD)
    with pytest.raises(TooLateError) as raised:
        await asyncio.wait_for(queue.tasks["hurried"], 1)
    assert loop.time() - began == pytest.approx(HOLD)
    assert raised.value.ahead == 1
    assert raised.value.waited_seconds == pytest.approx(HOLD)
    assert queue.limiter.waiting() == 1
    assert await queue.drain() == ["first"]


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    queue = Queue()
    await queue.fill()
    for name in ("a1", "a2", "b1"):
        await queue.join(name, PEOPLE, name[0])
    queue.tasks["a1"].cancel()
    queue.tasks["b1"].cancel()
    await settle()
    assert queue.limiter.waiting() == 1
    assert await queue.drain() == ["a2"]


async def test_a_waiter_cancelled_in_the_loop_turn_of_its_grant_gives_the_permit_on() -> None:
    limiter = Limiter(1, hold_seconds=0)
    await limiter.acquire(limiter.turn(PEOPLE))
    first = asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE)))
    second = asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE)))
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
    await limiter.acquire(limiter.turn(PEOPLE))
    first = asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE)))
    second = asyncio.create_task(limiter.acquire(limiter.turn(PEOPLE)))
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
        async with limiter.turn(Lane(pauses % 2), pauses % 3):
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
    assert limiter._queue._lanes == {PEOPLE: {}, BACKGROUND: {}}


@in_virtual_time
async def test_an_error_in_a_call_gives_its_permit_back() -> None:
    limiter = Limiter(1, hold_seconds=0)
    with pytest.raises(ZeroDivisionError):
        async with limiter.turn(PEOPLE):
            raise ZeroDivisionError
    async with asyncio.timeout(1), limiter.turn(PEOPLE) as turn:
        assert turn.waited_seconds >= 0


def test_needs_at_least_one_permit() -> None:
    with pytest.raises(ValueError, match="permit"):
        Limiter(0)
