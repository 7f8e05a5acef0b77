"""`python -m tests.asker NAME`: a replica that asks the vendor about NAME-1, NAME-2 … as fast as it may."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from itertools import count

from bot.app import join_replicas, open_shared_database
from bot.clock import SystemClock
from bot.config import load_settings
from bot.errors import RecordingsError
from bot.process import on_stop_signal
from bot.recordings.service import build_recordings
from bot.zegocloud.limiter import Limiter
from bot.zegocloud.protocol import DescribeRecordStatus

AT_ONCE = 20


async def ask(name: str) -> None:
    settings, clock = load_settings(os.environ), SystemClock()
    limiter = Limiter(settings.zego_max_rps)
    recordings = build_recordings(settings, clock, settings.build_network(), limiter)
    database = open_shared_database(settings, clock)
    assert database
    replicas = join_replicas(settings, database, limiter.permits)
    await replicas.start()
    numbers = count(1)

    async def go_on() -> None:
        for number in numbers:
            with suppress(RecordingsError):  # nobody knows such a task
                await recordings.zego.ask(DescribeRecordStatus(f"{name}-{number}"))

    asking = [asyncio.create_task(go_on()) for _ in range(AT_ONCE)]
    stop = asyncio.Event()
    on_stop_signal(stop.set)
    await stop.wait()
    for task in asking:
        task.cancel()
    await recordings.aclose()
    await replicas.leave()
    await database.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(ask(sys.argv[1]))
