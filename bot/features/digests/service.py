"""The digests of one running bot: what is kept, and the worker that posts what is due."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from bot.clock import SystemClock
from bot.features.digests.clock_check import ClockCheck
from bot.features.digests.data import DigestData
from bot.features.digests.poster import DigestPoster
from bot.features.digests.store import open_store
from bot.features.digests.worker import LEASE_SECONDS, Worker
from bot.storage.errors import StoreError

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.config import Settings
    from bot.features.digests.store import Store
    from bot.operating.metrics import Metrics
    from bot.recordings.service import Recordings
    from bot.slack.people import People
    from bot.slack.web_client import SlackClient

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long SIGTERM waits for slots under way; what is not posted by then is handed over."""

CLOSE_SECONDS = 1.0
"""How long the end waits for a database that may not answer."""

ADJUSTED_LOOK_SECONDS = 0.5
"""How often the worker looks when somebody may set or speed up the clock."""

ADJUSTED_LEASE_SECONDS = 90.0
"""Leases on SQLite go by that clock too: sped up, the usual ones would end before a post does."""


class Digests:
    """Stores digests and posts them; a database that is away stops nothing else."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        recordings: Recordings,
        people: People,
        slack: SlackClient,
        metrics: Metrics,
    ) -> None:
        self._digest_data = DigestData(recordings, clock)
        self._unusable: StoreError | None = None
        self._store: Store | None = None
        self.worker: Worker | None = None
        try:
            self._store = open_store(settings.database_url.reveal(), clock)
        except StoreError as error:  # its address, or a driver that is not installed
            self._unusable = error
            return
        self._store.on_end = metrics.digest_slot
        poster = DigestPoster(self._store, self._digest_data, slack, people, clock, settings.allowed_channels)
        self.worker = Worker(
            self._store,
            poster.post,
            clock,
            tell=poster.tell,
            lease_seconds=LEASE_SECONDS if isinstance(clock, SystemClock) else ADJUSTED_LEASE_SECONDS,
            clock_check=ClockCheck(self._store, clock, recordings.zego),
            look_seconds=None if isinstance(clock, SystemClock) else ADJUSTED_LOOK_SECONDS,
        )

    @property
    def store(self) -> Store:
        """The store of digests.

        Raises:
            StoreError: DATABASE_URL cannot be used.
        """
        if self._store is None:
            # One instance raised again and again would grow its traceback.
            raise StoreError(*self._unusable.args if self._unusable else ("address",))
        return self._store

    @property
    def is_away(self) -> bool:
        """Whether the database could not be used when it was last needed."""
        return self.worker is None or self.worker.last_error is not None

    def start(self) -> None:
        """Post what is due from now on; while the database is away, keep trying."""
        if self.worker is None:
            why = self._unusable.for_operator() if self._unusable else ""
            logger.error("There are no digests: %s", why)
            return
        self.worker.start()

    def wake(self) -> None:
        """Look at once: something has been added, changed or asked for."""
        if self.worker:
            self.worker.wake()

    async def stop(self) -> None:
        """Finish the slots under way, or hand them over."""
        if self.worker:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS + CLOSE_SECONDS):
                    await self.worker.stop(STOP_SECONDS)
        await self._digest_data.stop()

    async def close(self) -> None:
        """Close the database."""
        if self._store is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._store.close()
