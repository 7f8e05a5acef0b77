"""Workers that die at random and a Slack that loses answers: no slot is missed, none is posted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases import database_or_skip
from tests.nightly.digest_chaos import Plan, run_chaos

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_every_slot_is_posted_once_whoever_dies(kind: str, tmp_path: Path) -> None:
    async with database_or_skip(kind, tmp_path) as url:
        outcome = await run_chaos(url, Plan())
    assert (outcome.missed, outcome.doubled, outcome.unnoted, outcome.strange) == (0, 0, 0, 0)
    assert outcome.slots == 48
    assert outcome.kills + outcome.own_deaths > 2, "nobody died: this run shows nothing"
