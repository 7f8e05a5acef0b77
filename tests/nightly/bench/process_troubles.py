"""What can happen to the bot's process, one trouble each."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import TYPE_CHECKING

from tests.nightly.bench.questions import Kind
from tests.nightly.bench.slack_troubles import slow_vendor
from tests.nightly.bench.stage import a_stage
from tests.nightly.bench.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bot_process import Process
    from tests.nightly.bench.stage import Stage

RESTARTED_AFTER_SECONDS = 1.0
"""How long a platform takes to notice."""

PAUSED_SECONDS = 20.0
PAUSED_PER_SECOND = 5.0
"""What is asked while it pauses is answered afterwards, at the pace that the vendor allows: at twice as many
that takes longer than a question may."""

EXIT_SECONDS = 30.0


@asynccontextmanager
async def killed(stage: Stage) -> AsyncIterator[None]:
    """SIGKILL; the platform starts another process a moment later."""
    bot = stage.bot
    bot.signal(SIGKILL)
    stage.driver.kill_under_way()
    assert await bot.exit_status() == -SIGKILL
    await asyncio.sleep(RESTARTED_AFTER_SECONDS)
    await stage.start_bot()
    yield


@asynccontextmanager
async def restarted(stage: Stage) -> AsyncIterator[None]:
    """SIGTERM, with a scan under way that cannot be finished; another process is started when it is gone."""
    bot = stage.bot
    await _begin_long_scan(stage)
    bot.signal(SIGTERM)
    assert await bot.exit_status(EXIT_SECONDS) == 0
    await stage.start_bot()
    yield


@asynccontextmanager
async def relieved(stage: Stage) -> AsyncIterator[None]:
    """Another process is started; then SIGTERM for the first, with a scan that cannot be finished."""
    bot = stage.bot
    await stage.start_bot()
    await _begin_long_scan(stage, over=bot)
    bot.signal(SIGTERM)
    assert await bot.exit_status(EXIT_SECONDS) == 0
    yield


@asynccontextmanager
async def paused(stage: Stage) -> AsyncIterator[None]:
    """SIGSTOP, and SIGCONT after a while."""
    stage.bot.signal(SIGSTOP)
    try:
        await asyncio.sleep(PAUSED_SECONDS)
    finally:
        stage.bot.signal(SIGCONT)
    yield


async def _begin_long_scan(stage: Stage, over: Process | None = None) -> None:
    usual = stage.slack.dispatcher.transport
    if over:
        await stage.deliver_to(over)
    asked = stage.driver.ask(Kind.LONG)
    await stage.driver.until(lambda: asked.delivered, EXIT_SECONDS)
    stage.slack.dispatcher.transport = usual


PROCESS_TROUBLES = [
    slow_vendor("process-killed", "kill -9, started again after 1 s (HTTP)", killed, seconds=0.0),
    Trouble(
        "process-killed-socket",
        "… (Socket Mode)",
        killed,
        seconds=0.0,
        stage=partial(a_stage, transport="socket"),
    ),
    Trouble("process-restarted", "SIGTERM in the middle of a long scan, then started again", restarted, 0.0),
    Trouble(
        "process-relieved",
        "SIGTERM after another process has taken over",
        relieved,
        seconds=0.0,
        per_second=6.0,
        stage=partial(a_stage, environment={"ZEGO_MAX_RPS": "5"}),
    ),
    Trouble("process-paused", "SIGSTOP for 20 s, SIGCONT", paused, seconds=0.0, per_second=PAUSED_PER_SECOND),
]
