"""The load driver's account: what a bot does wrong is counted as that, whatever it is."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from bot.clock import AdjustableClock
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.zegocloud import SimulatedZego
from tests.nightly.bench.driver import Driver
from tests.nightly.bench.questions import Kind, Outcome
from tests.nightly.bench.tally import tally
from tests.world import NOW, a_world, manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.nightly.bench.questions import Asked
    from tests.nightly.bench.tally import Tally

    Does = Callable[[Driver, Callable[[str], Awaitable[None]]], Awaitable[str | int | None]]
    """Takes a delivery: posts, and returns what the acknowledgement says, or an HTTP status."""

PATIENCE_SECONDS = 0.6
QUICK = [kind for kind in Kind if kind is not Kind.LONG]


def answer_to(asked: Asked, *, note: str = "") -> str:
    """An answer as the bot words it."""
    lines = [
        f"{number}. {status}, room {asked.room}, task {task}, began today."
        for number, (task, status) in enumerate(asked.rows, 1)
    ]
    return "\n".join(["Recordings", *lines, note])


@asynccontextmanager
async def a_bot_that(
    does: Callable[[Driver, Callable[[str], Awaitable[None]]], Any],
) -> AsyncIterator[Driver]:
    """A load on something that takes the bot's place: `does` gets the driver and a way to post."""

    async def receive(request: web.Request) -> web.Response:
        form = await request.post()

        async def post(text: str) -> None:
            async with aiohttp.ClientSession() as session:
                await session.post(str(form["response_url"]), json={"text": text})

        said = await does(driver, post)
        return (
            web.json_response({"text": said}) if isinstance(said, str) else web.Response(status=said or 200)
        )

    app = web.Application()
    app.router.add_post("/slack/events", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    zego = SimulatedZego(clock=AdjustableClock(NOW, 0), tasks=0)
    zego.clear()
    try:
        async with LocalSlack(manifest=manifest(), clock=AdjustableClock(NOW, 0)) as slack:
            slack.deliver_over_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
            driver = Driver(zego, slack, mix={Kind.COMMAND: 1}, per_second=0.001, people=3)
            yield driver
    finally:
        await runner.cleanup()


async def counted(driver: Driver) -> Tally:
    """Ask one question and count what came of it."""
    async with driver.load():
        await driver.until(lambda: bool(driver.asked), 5)
    await driver.settle(PATIENCE_SECONDS)
    return tally(driver.asked, patience_seconds=PATIENCE_SECONDS)


async def swallows(driver: Driver, post: Any) -> None:
    pass


async def says_it_twice(driver: Driver, post: Any) -> None:
    await post(answer_to(driver.asked[-1]))
    await post(answer_to(driver.asked[-1]))


async def searches_for_ever(driver: Driver, post: Any) -> str:
    return "Still searching …"


async def answers_by_post(driver: Driver, post: Any) -> str:
    await post(answer_to(driver.asked[-1]))
    return "Still searching …"


async def shows_an_old_answer(driver: Driver, post: Any) -> str:
    return answer_to(driver.asked[-1], note="This is the answer of 14:03, the last good one.")


async def forgets_a_row(driver: Driver, post: Any) -> str:
    asked = driver.asked[-1]
    return answer_to(asked).replace(asked.rows[0][0], "SomeOtherTask000")


async def mistakes_a_status(driver: Driver, post: Any) -> str:
    asked = driver.asked[-1]
    return answer_to(asked).replace(asked.rows[0][1], "Paused")


async def explains_itself(driver: Driver, post: Any) -> str:
    return "ZEGOCLOUD did not answer in 8 s. Try again in a moment. Reference 3f2a01."


async def explains_nothing(driver: Driver, post: Any) -> str:
    return "Oops"


async def fails(driver: Driver, post: Any) -> int:
    return 500


@pytest.mark.parametrize(
    ("does", "outcome"),
    [
        (swallows, Outcome.LOST),
        (searches_for_ever, Outcome.HUNG),
        (answers_by_post, Outcome.RIGHT),
        (shows_an_old_answer, Outcome.STALE),
        (forgets_a_row, Outcome.WRONG),
        (mistakes_a_status, Outcome.WRONG),
        (explains_itself, Outcome.REFUSED),
        (explains_nothing, Outcome.WRONG),
        (fails, Outcome.SLACK),
    ],
)
async def test_what_comes_of_a_question_is_counted(does: Any, outcome: Outcome) -> None:
    async with a_bot_that(does) as driver:
        result = await counted(driver)
    assert (result.asked, dict(result.outcomes), result.doubled) == (1, {outcome: 1}, 0)
    assert result.is_well == (outcome in {Outcome.RIGHT, Outcome.STALE, Outcome.REFUSED, Outcome.SLACK})


async def test_two_answers_to_one_question_are_counted() -> None:
    async with a_bot_that(says_it_twice) as driver:
        result = await counted(driver)
    assert (result.outcomes[Outcome.RIGHT], result.doubled, result.is_well) == (1, 1, False)


async def test_the_bot_itself_answers_every_quick_kind_of_question() -> None:
    async with a_world(CACHE_TTL_SECONDS="0") as world:
        driver = Driver(world.zego, world.slack, mix={Kind.COMMAND: 1}, per_second=0.001, people=3)
        async with driver.load():
            await driver.until(lambda: bool(driver.asked) and driver.asked[0].is_settled, 5)
            for kind in QUICK:
                asked = driver.ask(kind)
                await driver.until(lambda: asked.is_settled, 5)  # noqa: B023 - called at once
        await driver.settle(5)
        result = tally(driver.asked)
    assert [one.kind for one in driver.asked] == [Kind.COMMAND, *QUICK]
    assert dict(result.outcomes) == {Outcome.RIGHT: len(QUICK) + 1}, result.strange
    assert not result.doubled, result.strange
