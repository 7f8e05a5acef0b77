"""Everything from outside is handled: a little of what `tests.nightly.bench.fuzz` tries 100,000 times."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from tests.nightly.bench.fuzz import each
from tests.nightly.fuzz_deliveries import Sample, a_sender, changed, deliver
from tests.nightly.fuzz_targets import targets

TARGETS = targets()
EXAMPLES = 60
DELIVERIES = 120
SEED = 7


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_from_outside_is_left_unhandled(name: str) -> None:
    target = TARGETS[name]
    limited = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    limited(given(target.inputs)(target.check))()


async def test_no_delivery_whatever_its_shape_ends_in_an_error_that_nobody_expected() -> None:
    wrong: list[str] = []
    cases: list[Sample] = []
    async with a_sender() as sender:
        every_shape = list(sender.known)
        await asyncio.to_thread(each, changed(sender.known), DELIVERIES, SEED, cases.append)
        await deliver([*every_shape, *cases], sender, lambda case, words: wrong.append(f"{words}: {case}"))
    assert len(cases) == DELIVERIES
    assert wrong == []
