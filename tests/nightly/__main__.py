"""What takes too long for every run: `python -m tests.nightly [NAME …]`; exit status 1 where one fails.

Each is a command of its own, with options of its own, in `tests.nightly.bench`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

BENCH = "tests.nightly.bench"

COMMANDS: dict[str, tuple[str, ...]] = {
    "tests": ("pytest", "-q"),
    "fuzz": (f"{BENCH}.fuzz",),
    "chaos": (f"{BENCH}.chaos",),
    "faults": (f"{BENCH}.faults",),
    "replicas": (f"{BENCH}.replicas",),
    "bench": (BENCH,),
}
"""`tests` are all of them, with many times more of Hypothesis's examples."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nightly", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(COMMANDS)}")
    names = parser.parse_args().names
    if unknown := set(names) - set(COMMANDS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    failed = []
    for name in names or COMMANDS:
        began = time.monotonic()
        command = (sys.executable, "-m", *COMMANDS[name])
        environment = os.environ | {"HYPOTHESIS_PROFILE": "nightly"}
        done = subprocess.run(command, env=environment, check=False)  # noqa: S603 - one of those above
        print(f"{name}: exit status {done.returncode} after {time.monotonic() - began:.0f} s", flush=True)
        failed += [name] if done.returncode else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
