"""The table of faults: every row can be set, is counted, and shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.nightly.bench.faults import TROUBLES, as_dict, as_line, as_table, with_new
from tests.nightly.bench.questions import Outcome
from tests.nightly.bench.tally import Tally
from tests.nightly.bench.trouble import Row, SkippedError, run_trouble

NEVER = (Outcome.WRONG, Outcome.LOST)


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("vendor-codes-unknown", Outcome.REFUSED),
        ("slack-events-jumbled", Outcome.RIGHT),
        ("process-killed", Outcome.SLACK),
    ],
)
async def test_a_fault_is_set_and_counted(name: str, also: Outcome) -> None:
    trouble = replace(TROUBLES[name], per_second=20.0, latency_seconds=0.0)
    forever = float("inf")
    row = await run_trouble(
        trouble,
        enough=lambda driver: any(one.is_settled and one.outcome(forever) is also for one in driver.asked),
        warm=4,
    )
    assert row.tally
    assert row.tally.outcomes[Outcome.RIGHT] >= 4
    assert row.tally.outcomes[also] > 0
    assert not [row.tally.strange for outcome in NEVER if row.tally.outcomes[outcome]]
    assert row.tally.doubled == 0, row.tally.strange
    assert sum(row.tally.outcomes.values()) == row.tally.asked
    assert json.dumps(as_dict(row))
    assert as_line(row).count("|") == as_table([]).splitlines()[0].count("|")


async def test_what_this_machine_does_not_have_is_said() -> None:
    def nowhere() -> None:
        raise SkippedError("no such disk")

    row = await run_trouble(replace(TROUBLES["sqlite-full"], stage=nowhere))  # type: ignore[arg-type]
    assert (row.skipped, row.is_well) == ("no such disk", True)
    assert "not tried: no such disk" in as_line(row)
    assert as_line(row).count("|") == as_table([]).splitlines()[0].count("|")


def test_a_row_that_is_not_well_says_so() -> None:
    row = Row(TROUBLES["vendor-hang"], Tally(asked=1))
    assert row.is_well
    row.notes.append("3 digest slots due: 1 missed, 0 doubled!")
    assert not row.is_well


def test_a_row_takes_the_place_of_the_old_one() -> None:
    lines = [*as_table([]).splitlines(), *(f"| {name} |" for name in TROUBLES)]
    row = Row(TROUBLES["vendor-reset"], skipped="no reason")
    table = with_new("\n".join(lines), [row])
    lines[lines.index("| vendor-reset |")] = as_line(row)
    assert table.splitlines() == lines
