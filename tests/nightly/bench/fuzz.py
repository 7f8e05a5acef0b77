"""`python -m tests.nightly.bench.fuzz [--inputs N] [--seed S] [--target NAME]`: what comes from outside.

Prints the table in docs/security.md. An input counts as unhandled when anything is raised that is no error in
words for people, when a message comes of it that Slack would refuse or read as markup, or when a delivery
ends in an HTTP 5xx, an `unexpected` outcome, or an error in the log. Exit status 1 when one is.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.nightly.fuzz_deliveries import A_WORLD, Sample, a_sender, changed, deliver
from tests.nightly.fuzz_targets import Target, targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

INPUTS = 100_000
SEED = 2026
DELIVERIES = "deliveries through the door"
A_RUN = 2_000
"""Inputs that Hypothesis makes at once: it remembers all of them, not to try one twice."""

SHOWN = 3
"""How many inputs of a target that were not handled are printed."""


def each(inputs: SearchStrategy[Any], most: int, first_seed: int, look: Callable[[Any], None]) -> int:
    """Hand so many inputs to `look`; returns how many there were."""
    made = 0
    while made < most:
        before = made

        def count(given_one: Any) -> None:
            nonlocal made
            made += 1
            look(given_one)

        limited = settings(
            max_examples=min(A_RUN, most - made),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(first_seed + made)(limited(given(inputs)(count)))()
        if made == before:
            break
    return made


class Row:
    """One line of the table, while it is made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs = 0
        self.unhandled = 0
        self._began = time.monotonic()

    def note(self, given_one: Any, words: str) -> None:
        """One input that was not handled."""
        self.unhandled += 1
        if self.unhandled <= SHOWN:
            print(f"{self.name}: {words[:300]}\n    {repr(given_one)[:500]}", file=sys.stderr)

    def ended(self) -> None:
        """Print it."""
        seconds = time.monotonic() - self._began
        print(f"| {self.name} | {self.inputs:,} | {self.unhandled} | {seconds:.0f} |", flush=True)


def look_with(target: Target, row: Row) -> Callable[[Any], None]:
    """Check one input, and note what goes wrong."""

    def look(given_one: Any) -> None:
        try:
            target.check(given_one)
        except Exception as error:  # noqa: BLE001 - that is what is counted
            row.note(given_one, f"{error.__class__.__name__}: {error}")

    return look


async def fuzz_deliveries(most: int, first_seed: int) -> Row:
    """Signed deliveries to a running bot, which is started anew now and then."""
    row = Row(DELIVERIES)
    while row.inputs < most:
        async with a_sender() as sender:
            cases: list[Sample] = []
            wanted = min(A_WORLD, most - row.inputs)
            row.inputs += each(changed(sender.known), wanted, first_seed + row.inputs, cases.append)
            await deliver(cases, sender, row.note)
    row.ended()
    return row


def main() -> int:
    """Fuzz everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.bench.fuzz")
    parser.add_argument("--inputs", type=int, default=INPUTS, help=f"how many in all (default: {INPUTS:,})")
    parser.add_argument("--seed", type=int, default=SEED, help="another number makes other inputs")
    parser.add_argument("--target", default="", help="only that row of the table, with all the inputs")
    options = parser.parse_args()
    print("| target | inputs | unhandled | seconds |\n|---|---|---|---|", flush=True)
    rows = []
    for name, target in targets().items():
        if options.target not in {"", name}:
            continue
        row = Row(name)
        most = options.inputs * target.share // 100 if not options.target else options.inputs
        row.inputs = each(target.inputs, most, options.seed, look_with(target, row))
        row.ended()
        rows.append(row)
    left = options.inputs - sum(row.inputs for row in rows)
    if options.target in {"", DELIVERIES}:
        rows.append(asyncio.run(fuzz_deliveries(left, options.seed)))
    unhandled = sum(row.unhandled for row in rows)
    print(f"| all | {sum(row.inputs for row in rows):,} | {unhandled} | |")
    return 1 if unhandled else 0


if __name__ == "__main__":
    sys.exit(main())
