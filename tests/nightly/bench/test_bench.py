"""The measurements behind the table in docs/performance.md: they can be begun."""

from __future__ import annotations

import itertools

import pytest

from tests.nightly.bench.__main__ import BENCHES
from tests.nightly.bench.crowd import Crowd
from tests.nightly.bench.memory import QUESTIONS, questions
from tests.nightly.bench.sampled_bot import _percentiles
from tests.nightly.bench.servers import SAMPLED, bot_process, servers


def test_every_measurement_says_what_it_is() -> None:
    assert all(bench.__doc__ for bench in BENCHES.values())


def test_there_are_enough_different_questions() -> None:
    new = list(itertools.islice(questions(), QUESTIONS[-1] // 2))
    assert len(set(new)) == len(new) == QUESTIONS[-1] // 2


def test_a_long_delay_counts_for_everybody_who_would_have_come_meanwhile() -> None:
    figures = _percentiles([0.0] * 9_000 + [500.0])
    assert figures["max"] == 500
    assert 0 < figures["p99"] < 500
    assert figures["p50"] == 0


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_a_small_crowd_is_answered_and_counted(socket_mode: bool) -> None:
    async with (
        servers(tasks=0) as (zego, slack),
        bot_process(zego, slack, socket_mode=socket_mode, program=SAMPLED) as bot,
    ):
        crowd = Crowd(zego, slack, 3)
        await crowd.ask(bot.port)
        lag = await bot.lag()
    assert crowd.said_of() == "3 answered, 0 honestly refused, 0 lost, 0 doubled"
    assert {*lag} == {"late", "own"}
