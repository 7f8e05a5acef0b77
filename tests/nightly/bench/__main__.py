"""Measures what the README says about speed: `python -m tests.nightly.bench [NAME …] [--readme]`."""

from __future__ import annotations

import argparse
import asyncio
import resource
from pathlib import Path
from typing import TYPE_CHECKING

from tests.nightly.bench.answers import bench_answers, bench_lag, bench_start
from tests.nightly.bench.budget import bench_limiter, bench_priority, bench_scan, bench_sharing
from tests.nightly.bench.crowd import bench_crowd
from tests.nightly.bench.memory import bench_memory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.nightly.bench.servers import Rows

README = Path(__file__).parents[3] / "README.md"
HEAD = "| measured | figure | goal |\n|---|---|---|"
MARKS = "<!-- bench -->\n", "<!-- /bench -->"

BENCHES: dict[str, Callable[[], Awaitable[Rows]]] = {
    "answers": bench_answers,
    "lag": bench_lag,
    "sharing": bench_sharing,
    "limiter": bench_limiter,
    "scan": bench_scan,
    "priority": bench_priority,
    "crowd": bench_crowd,
    "start": bench_start,
    "memory": bench_memory,
}


def with_rows(document: str, table: list[str]) -> str:
    """A document with another table between its marks."""
    before, rest = document.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return before + MARKS[0] + "\n".join(table) + "\n" + MARKS[1] + after


async def main(names: list[str], *, readme: bool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    table = [HEAD]
    print(HEAD)
    for name in names or BENCHES:
        for row in await BENCHES[name]():
            table.append(f"| {' | '.join(row)} |")
            print(table[-1], flush=True)
    if readme:
        README.write_text(with_rows(README.read_text(), table))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(BENCHES)}")
    parser.add_argument("--readme", action="store_true", help="put the whole table into README.md")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if given.readme and given.names:
        parser.error("--readme needs every row: give no NAME")
    asyncio.run(main(given.names, readme=given.readme))
