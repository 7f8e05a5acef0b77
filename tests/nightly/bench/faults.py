"""Every fault under load: `python -m tests.nightly.bench.faults [NAME …] [--json] [--docs]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

from tests.docs import between, put
from tests.nightly.bench.database_troubles import DATABASE_TROUBLES
from tests.nightly.bench.process_troubles import PROCESS_TROUBLES
from tests.nightly.bench.questions import Outcome
from tests.nightly.bench.replica_troubles import REPLICA_TROUBLES
from tests.nightly.bench.slack_troubles import SLACK_TROUBLES
from tests.nightly.bench.tally import at_share
from tests.nightly.bench.trouble import run_trouble
from tests.nightly.bench.vendor_troubles import VENDOR_TROUBLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tests.nightly.bench.trouble import Row

TROUBLES = {
    trouble.name: trouble
    for trouble in [
        *VENDOR_TROUBLES,
        *SLACK_TROUBLES,
        *DATABASE_TROUBLES,
        *REPLICA_TROUBLES,
        *PROCESS_TROUBLES,
    ]
}

_COUNTS = (
    ("right", Outcome.RIGHT),
    ("old, marked", Outcome.STALE),
    ("refused", Outcome.REFUSED),
    ("Slack said", Outcome.SLACK),
    ("killed", Outcome.KILLED),
    ("wrong", Outcome.WRONG),
    ("lost", Outcome.LOST),
    ("hung", Outcome.HUNG),
)


def as_dict(row: Row) -> dict[str, Any]:
    """A row for machines; times in seconds."""
    shown: dict[str, Any] = {"fault": row.trouble.name, "words": row.trouble.words}
    if row.tally is None:
        return shown | {"skipped": row.skipped}
    tally = row.tally
    return shown | {
        "fault_seconds": round(row.seconds, 1),
        "asked": tally.asked,
        **{name: tally.outcomes[outcome] for name, outcome in _COUNTS},
        "doubled": tally.doubled,
        "ack_p50": at_share(0.5, tally.acks),
        "ack_p99": at_share(0.99, tally.acks),
        "answer_p50": at_share(0.5, tally.answers),
        "answer_p99": at_share(0.99, tally.answers),
        "recovered_seconds": tally.recovered_seconds,
        "notes": row.notes,
    }


_HEADS = (
    *("fault", "lasts", "asked", *(name for name, _ in _COUNTS), "doubled"),
    *("ack p50 / p99", "answer p50 / p99", "well after"),
)


def as_line(row: Row) -> str:
    """A row of the table."""
    if row.tally is None:
        return f"| {row.trouble.words} | not tried: {row.skipped} |{' |' * (len(_HEADS) - 2)}"
    figures = as_dict(row)
    cells = [
        "; ".join([row.trouble.words, *row.notes]),
        f"{row.seconds:.0f} s",
        str(row.tally.asked),
        *(str(figures[name]) for name, _ in _COUNTS),
        str(row.tally.doubled),
        f"{_seconds(figures['ack_p50'])} / {_seconds(figures['ack_p99'])}",
        f"{_seconds(figures['answer_p50'])} / {_seconds(figures['answer_p99'])}",
        f"{row.tally.recovered_seconds:.1f} s",
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def as_table(rows: Sequence[Row]) -> str:
    """All of it."""
    return "\n".join([f"| {' | '.join(_HEADS)} |", f"|{'---|' * len(_HEADS)}", *map(as_line, rows)])


def with_new(known: str, rows: Sequence[Row]) -> str:
    """The table with these rows; a fault that was not tried keeps the row that it has there."""
    known_lines = known.splitlines()[2:]
    lines = dict(zip(TROUBLES, known_lines, strict=True)) if len(known_lines) == len(TROUBLES) else {}
    lines |= {row.trouble.name: as_line(row) for row in rows}
    return "\n".join([as_table([]), *(lines[name] for name in TROUBLES if name in lines)])


async def run(names: Sequence[str], *, at_once: int, as_json: bool, verbose: bool) -> list[Row]:
    """Every fault that is named, each as soon as there is room; lines come in the table's order."""
    room = asyncio.Semaphore(at_once)

    async def one(name: str) -> Row:
        async with room:
            return await run_trouble(TROUBLES[name])

    rows = []
    if not as_json:
        print("\n".join(as_table([]).splitlines()), flush=True)
    for task in [asyncio.create_task(one(name)) for name in names]:
        row = await task
        rows.append(row)
        print(json.dumps(as_dict(row)) if as_json else as_line(row), flush=True)
        if row.tally and (verbose or not row.is_well):
            print("\n".join(row.tally.strange[:20]), file=sys.stderr, flush=True)
            if verbose:
                print(row.log, file=sys.stderr)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(TROUBLES)}")
    parser.add_argument("--json", action="store_true", help="a JSON object for each fault")
    parser.add_argument("--docs", action="store_true", help="put these rows into docs/faults.md")
    parser.add_argument("--at-once", type=int, default=2, help="how many faults are tried side by side")
    parser.add_argument("--verbose", action="store_true", help="with the log of the bot")
    given = parser.parse_args()
    names = [name for name in TROUBLES if not given.names or any(map(name.startswith, given.names))]
    began = time.monotonic()
    rows = asyncio.run(run(names, at_once=given.at_once, as_json=given.json, verbose=given.verbose))
    print(f"{len(rows)} faults in {time.monotonic() - began:.0f} s", file=sys.stderr)
    if given.docs:
        put("faults", with_new(between("faults"), rows))
    return 0 if all(row.is_well for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
