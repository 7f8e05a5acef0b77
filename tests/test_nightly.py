"""What runs at night can begin: its commands explain themselves, and a little of each load is answered."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace

import pytest

from tests.nightly.__main__ import COMMANDS
from tests.nightly.bench.crowd import Crowd
from tests.nightly.bench.faults import TROUBLES
from tests.nightly.bench.questions import Outcome
from tests.nightly.bench.servers import SAMPLED, bot_process, servers
from tests.nightly.bench.trouble import run_trouble

MODULES = ["tests.nightly", "tests.nightly.bench.saturation", *(words[0] for words in COMMANDS.values())]


@pytest.mark.parametrize("module", [module for module in MODULES if module != "pytest"])
def test_a_command_explains_itself(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = module if module in {"tests.nightly", "tests.nightly.bench"} else ""
    name = f"{package}.__main__" if package else module
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


async def test_a_small_crowd_is_answered_and_counted() -> None:
    async with servers(tasks=0) as (zego, slack), bot_process(zego, slack, program=SAMPLED) as bot:
        crowd = Crowd(zego, slack, 3)
        await crowd.ask(bot.port)
        lag = await bot.lag()
    assert crowd.said_of() == "3 answered, 0 honestly refused, 0 lost, 0 doubled"
    assert {*lag} == {"late", "own"}


async def test_people_ask_under_a_fault_and_every_answer_is_counted() -> None:
    trouble = replace(TROUBLES["vendor-codes-unknown"], per_second=20.0, latency_seconds=0.0)
    forever = float("inf")
    row = await run_trouble(
        trouble,
        enough=lambda driver: any(one.outcome(forever) is Outcome.REFUSED for one in driver.asked),
        warm=4,
    )
    assert row.is_well
    assert row.tally
    assert row.tally.outcomes[Outcome.RIGHT] >= 4
    assert row.tally.outcomes[Outcome.REFUSED] > 0
    assert sum(row.tally.outcomes.values()) == row.tally.asked
