"""`python -m bot run`, and beside it on the same event loop a clock that notes how late it is called."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from bot.app import run_bot
from bot.config import load_settings
from bot.logs import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERY_SECONDS = 0.005


class Lag:
    """How late the event loop is, and how much of that is the bot's own work: others use the machine too."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []

    async def sample(self) -> None:
        """Sleep, and note how much longer it took and the CPU used meanwhile, in ms; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due, used = loop.time() + EVERY_SECONDS, time.thread_time()
            await asyncio.sleep(EVERY_SECONDS)
            late_ms, own_ms = (loop.time() - due) * 1000, (time.thread_time() - used) * 1000
            self._late.append((late_ms, min(late_ms, own_ms)))

    def tell(self) -> None:
        """Print percentiles of what was noted, and begin anew."""
        late, self._late = self._late or [(0.0, 0.0)], []
        print(
            json.dumps(
                {"late": _percentiles(one for one, _ in late), "own": _percentiles(one for _, one in late)}
            ),
            flush=True,
        )


def _percentiles(late_ms: Iterable[float]) -> dict[str, float]:
    """A loop that is held up for a second is late once, while anybody who comes in that second waits: so each
    delay counts once for every sample that it kept from being taken.
    """
    every_ms = EVERY_SECONDS * 1000
    felt = sorted(late - lost * every_ms for late in late_ms for lost in range(1 + int(late / every_ms)))
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: felt[min(int(len(felt) * share), len(felt) - 1)] for name, share in shares.items()}


async def main() -> None:
    lag = Lag()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lag.tell)
    sampling = asyncio.create_task(lag.sample())
    socket_mode = sys.argv[1:] == ["--socket"]
    settings = load_settings(dict(os.environ), slack=True, socket_mode=socket_mode)
    set_up_logging(settings.log_level, settings.log_format)
    await run_bot(settings, socket_mode=socket_mode)
    sampling.cancel()


if __name__ == "__main__":
    asyncio.run(main())
