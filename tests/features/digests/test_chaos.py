"""Workers that die at random and a Slack that loses answers: no slot is missed, none is posted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases import database_or_skip
from tests.nightly.digest_chaos import Plan, run_chaos

if TYPE_CHECKING:
    from pathlib import Path


SHORT = Plan(
    digests=5,
    slots_each=2,
    workers=2,
    kill_every_seconds=(0.0, 0.0),
    messages_between_kills=3,
    own_death=0.05,
    own_stop=0.0,
)
"""Kills go by messages, so that there are as many on any machine; `tests.nightly` stops workers too."""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_every_slot_is_posted_once_whoever_dies(kind: str, tmp_path: Path) -> None:
    async with database_or_skip(kind, tmp_path) as url:
        outcome = await run_chaos(url, SHORT)
    assert (outcome.missed, outcome.doubled, outcome.unnoted, outcome.strange) == (0, 0, 0, 0)
    assert outcome.slots == 10
    assert outcome.kills > 2, "nobody died: this run shows nothing"
