"""How many examples Hypothesis makes: enough for every run, many more at night (see `tests.nightly`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

USUAL = 30
NIGHTLY_FACTOR = 20

IS_NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(usual: int) -> settings:
    """`@examples(60)`: so many examples for this test, and as many times more at night.

    How long an example takes says how busy the machine is: nothing is timed.
    """
    return settings(
        max_examples=usual * (NIGHTLY_FACTOR if IS_NIGHTLY else 1),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
