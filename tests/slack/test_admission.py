"""A crowd is let in a few at a time, in its order, and nobody is forgotten."""

from __future__ import annotations

import asyncio

from bot.slack.receiver import Admission


class Passes:
    """Counts passes of the event loop, and who came in during which."""

    def __init__(self, at_once: int) -> None:
        self.admission = Admission(at_once)
        self.number = 0
        self.entered: list[tuple[int, int]] = []

    async def enter(self, name: int) -> None:
        await self.admission.enter()
        self.entered.append((self.number, name))

    async def until_all_are_done(self, tasks: list[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in tasks):
            self.number += 1
            await asyncio.sleep(0)


async def test_a_crowd_comes_in_a_few_at_a_time_and_in_its_order() -> None:
    passes = Passes(at_once=3)
    await passes.until_all_are_done([asyncio.create_task(passes.enter(name)) for name in range(10)])
    assert [name for _, name in passes.entered] == list(range(10))
    in_each_pass = [[number for number, _ in passes.entered].count(one) for one in range(passes.number + 1)]
    assert max(in_each_pass) == 3


async def test_whoever_comes_alone_need_not_wait() -> None:
    passes = Passes(at_once=1)
    for name in range(3):
        entering = passes.enter(name)
        with_no_pass_between = asyncio.create_task(entering)
        await passes.until_all_are_done([with_no_pass_between])
        await asyncio.sleep(0)
    assert [number for number, _ in passes.entered] == [1, 2, 3]


async def test_latecomers_wait_behind_those_who_wait() -> None:
    passes = Passes(at_once=1)
    early = [asyncio.create_task(passes.enter(name)) for name in range(3)]
    await asyncio.sleep(0)
    late = asyncio.create_task(passes.enter(3))
    await passes.until_all_are_done([*early, late])
    assert [name for _, name in passes.entered] == [0, 1, 2, 3]


async def test_one_who_leaves_makes_room_for_the_next() -> None:
    passes = Passes(at_once=1)
    first, leaving, last = (asyncio.create_task(passes.enter(name)) for name in range(3))
    await asyncio.sleep(0)
    leaving.cancel()
    await passes.until_all_are_done([first, leaving, last])
    assert [name for _, name in passes.entered] == [0, 2]
    await passes.enter(4)
