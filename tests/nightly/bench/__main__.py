"""Measures what docs/performance.md says about speed: `python -m tests.nightly.bench [NAME …] [--docs]`."""

from __future__ import annotations

import argparse
import asyncio
import resource
from typing import TYPE_CHECKING

from tests.docs import put
from tests.nightly.bench.answers import bench_answers, bench_lag, bench_start
from tests.nightly.bench.budget import bench_limiter, bench_priority, bench_scan, bench_sharing
from tests.nightly.bench.crowd import bench_crowd
from tests.nightly.bench.memory import bench_memory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.nightly.bench.servers import Rows

HEAD = "| measured | figure | goal |\n|---|---|---|"
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


async def main(names: list[str], *, docs: bool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    table = [HEAD]
    print(HEAD)
    for name in names or BENCHES:
        for row in await BENCHES[name]():
            table.append(f"| {' | '.join(row)} |")
            print(table[-1], flush=True)
    if docs:
        put("bench", "\n".join(table))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(BENCHES)}")
    parser.add_argument("--docs", action="store_true", help="put the whole table into docs/performance.md")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if given.docs and given.names:
        parser.error("--docs needs every row: give no NAME")
    asyncio.run(main(given.names, docs=given.docs))
