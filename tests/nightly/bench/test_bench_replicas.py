"""The measurement of several replicas: only what a replica had when it was killed is counted as that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from bot.sandbox.zego_faults import Fault, FaultKind
from tests.nightly.bench.growth import outcome_of
from tests.nightly.bench.harm import kill
from tests.nightly.bench.questions import Kind, Outcome
from tests.nightly.bench.replicas import HEADS, put_into, run_phase
from tests.nightly.bench.surroundings import Plan, over_http, surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nightly.bench.surroundings import World


async def kill_the_first_while_it_waits(world: World) -> str:
    driver, balancer = world.driver, world.balancer
    assert balancer
    await driver.until(lambda: sum(one.is_settled for one in driver.asked) >= 6, 60)
    world.zego.misbehave(Fault(FaultKind.HANG))
    await driver.until(lambda: all(backend.under_way for backend in balancer.backends), 60)
    await kill(world, 0)
    world.zego.behave()
    asked = len(driver.asked)
    await driver.until(lambda: sum(one.is_settled for one in driver.asked[asked:]) >= 3, 60)
    return "killed"


async def test_only_what_a_killed_replica_had_is_lost() -> None:
    try:
        async with surroundings(Plan(seconds=0, replicas=2, per_second=8)) as world:
            world.driver.mix = {Kind.CACHED: 2.0, Kind.COMMAND: 1.0}
            async with over_http(world) as balancer:
                figures = await run_phase(world, kill_the_first_while_it_waits)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at TEST_POSTGRES_URL: {error}")
    assert figures.killed >= 1
    assert figures.outcomes[Outcome.RIGHT] + figures.killed == figures.asked, figures.strange
    assert figures.lost == figures.doubled == 0
    assert figures.killed >= balancer.outcomes["broke half way"]
    assert 0 < figures.worst_second <= 8
    assert len(figures.row()) == len(HEADS)


def test_figures_take_the_place_of_the_old_ones(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# A\n<!-- it -->\n| old |\n<!-- /it -->\nz\n")
    put_into(readme, "it", "| new \\1 |\n")
    assert readme.read_text() == "# A\n<!-- it -->\n| new \\1 |\n<!-- /it -->\nz\n"


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        (b'{"text": "1 recording found"}', "fresh"),
        (b'{"text": "1 recording found. This is the last good one"}', "last good"),
        (b'{"text": "Still searching"}', "waits"),
        (b'{"text": "This could not be finished in 8 s"}', "refused"),
    ],
)
def test_messages_are_told_apart(message: bytes, outcome: str) -> None:
    assert outcome_of(message) == outcome
