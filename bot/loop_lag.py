"""How late the event loop is: what a piece of work that keeps it busy costs everybody else."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_SECONDS = 0.25
REMEMBERED = int(60 / EVERY_SECONDS)


class LoopLag:
    """Asks the event loop to come back after a quarter of a second, again and again, and sees when it does.

    Attributes:
        on_sample: told how many seconds it was late, each time.
    """

    def __init__(self) -> None:
        self.on_sample: Callable[[float], None] | None = None
        self._samples: deque[float] = deque(maxlen=REMEMBERED)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def worst_seconds(self) -> float:
        """The worst of the last minute; 0 before the first sample."""
        return max(self._samples, default=0.0)

    def start(self) -> None:
        """Sample until `stop`."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(EVERY_SECONDS, self._sample, loop, loop.time() + EVERY_SECONDS)

    def stop(self) -> None:
        """Sample no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _sample(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        late_seconds = max(0.0, now - due)
        self._samples.append(late_seconds)
        if self.on_sample:
            self.on_sample(late_seconds)
        self._timer = loop.call_later(EVERY_SECONDS, self._sample, loop, now + EVERY_SECONDS)
