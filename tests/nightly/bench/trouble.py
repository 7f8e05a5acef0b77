"""One fault under load: what it is, how it is set, and what came of every question."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.sandbox.zego_gate import longest_burst
from tests.nightly.bench.driver import MIX
from tests.nightly.bench.stage import VENDOR_RPS, a_stage
from tests.nightly.bench.tally import FINE, PATIENCE_SECONDS, tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from contextlib import AbstractAsyncContextManager

    from tests.nightly.bench.driver import Driver
    from tests.nightly.bench.questions import Kind
    from tests.nightly.bench.stage import Stage
    from tests.nightly.bench.tally import Tally

START_SECONDS = 30.0
WARM, WELL = 20, 15
"""How many right answers there are before the fault, and in a row after it."""


class SkippedError(Exception):
    """This machine does not have what a fault needs."""


@dataclass(frozen=True)
class Trouble:
    """A fault.

    Args:
        name: for the command line.
        words: for people.
        strike: sets the fault, and takes it away on leaving.
        seconds: how long it lasts, where `strike` does not take its time by itself.
        per_second: questions.
        mix: which ones.
        also_right: status words that are right while it lasts.
        latency_seconds: how long the vendor takes for each answer, before and after too.
        stage: what it happens on.
        after: what else there is to look at in the end; adds to the stage's notes.
    """

    name: str
    words: str
    strike: Callable[[Stage], AbstractAsyncContextManager[None]]
    seconds: float = 5.0
    per_second: float = 10.0
    mix: Mapping[Kind, float] = field(default_factory=lambda: MIX)
    also_right: Collection[str] = ()
    latency_seconds: float = 0.0
    stage: Callable[[], AbstractAsyncContextManager[Stage]] = a_stage
    after: Callable[[Stage], Awaitable[None]] | None = None


@dataclass
class Row:
    """What came of one fault; `skipped` says why it was not tried."""

    trouble: Trouble
    tally: Tally | None = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    skipped: str = ""
    log: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost, doubled, hung or wrong."""
        return self.tally is None or (self.tally.is_well and not any("!" in note for note in self.notes))


async def run_trouble(
    trouble: Trouble, *, enough: Callable[[Driver], bool] | None = None, warm: int = WARM
) -> Row:
    """Put a load on the bot, set the fault, take it away, and count.

    Args:
        trouble: the fault.
        enough: says when it has lasted long enough, in place of its seconds.
        warm: how many right answers there are before it.
    """
    try:
        async with trouble.stage() as stage:
            return await _run(trouble, stage, enough, warm)
    except SkippedError as error:
        return Row(trouble, skipped=str(error))


async def _run(trouble: Trouble, stage: Stage, enough: Callable[[Driver], bool] | None, warm: int) -> Row:
    driver = stage.driver
    driver.per_second, driver.mix = trouble.per_second, trouble.mix
    driver.also_right = trouble.also_right
    stage.zego.latency_seconds = trouble.latency_seconds
    await stage.start_bot()
    async with driver.load():
        await driver.until(lambda: sum(one.is_settled for one in driver.asked) >= warm, START_SECONDS)
        began = time.monotonic()
        async with trouble.strike(stage):
            if enough:
                await driver.until(lambda: enough(driver), START_SECONDS)
            else:
                await asyncio.sleep(trouble.seconds)
        ended = time.monotonic()
        await driver.hurry_retries()
        with suppress(TimeoutError):
            await driver.until(lambda: is_well_again(driver, ended, warm), PATIENCE_SECONDS)
    await driver.settle(PATIENCE_SECONDS)
    if trouble.after:
        await trouble.after(stage)
    counts = tally(driver.asked, began=began, ended=ended)
    row = Row(trouble, counts, ended - began, stage.notes, log=stage.said_by_bots)
    if trouble.latency_seconds == 0:
        most = longest_burst(request.arrived for request in stage.zego.requests)
        if most > VENDOR_RPS:
            row.notes.append(f"{most} requests to the vendor in one second!")
    return row


def is_well_again(driver: Driver, ended: float, most: int = WELL) -> bool:
    """Whether the last questions were all answered, and all were asked after the fault."""
    later = [one for one in driver.asked if one.at > ended]
    settled = [one for one in later if one.is_settled][-min(WELL, most) :]
    return len(settled) >= min(WELL, most) and all(one.outcome(float("inf")) in FINE for one in settled)
