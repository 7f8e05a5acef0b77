"""Which deliveries any replica has seen, and what is under way: rows in PostgreSQL that expire."""

from __future__ import annotations

import asyncio
import logging
import math
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from bot.storage.errors import StoreError
from bot.storage.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.storage.database import Database

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
"""How long the database isn't asked after it has failed."""

CLEAN_EVERY, CLEANED_AT_ONCE = 50, 200
"""After so many claims, so many expired rows are removed."""


@dataclass(slots=True, eq=False)
class Claim:
    """A claim that waits for its answer."""

    key: str
    holder: str
    seconds: float
    is_first: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def answer(self, *, is_first: bool) -> None:
        """Let whoever waits go on."""
        if not self.is_first.done():
            self.is_first.set_result(is_first)


class Deliveries:
    """Claims on deliveries and clicks, which only one replica gets.

    While PostgreSQL is away or slow, every claim succeeds: a replica then knows only its own deliveries.

    Args:
        database: PostgreSQL.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._asked_from = -math.inf
        self._is_away = False
        self._claims = 0
        self._sending: asyncio.Task[None] | None = None
        self._waiting: dict[str, Claim] = {}
        self._background: set[asyncio.Task[Any]] = set()

    async def claim(self, key: str, holder: str, seconds: float, within_seconds: float) -> bool:
        """Whether nobody else has this key, as far as can be known in time.

        Args:
            key: no other claim of this process on it may be under way.
            holder: who may `keep` it.
            seconds: how long it is claimed.
            within_seconds: how long to wait for an answer.
        """
        if _now() < self._asked_from:
            return True
        claim = self._waiting[key] = Claim(key, holder, seconds)
        if self._sending is None or self._sending.done():
            self._sending = self._in_background(self._send)
        await asyncio.wait({claim.is_first}, timeout=within_seconds * 0.8)
        if not claim.is_first.done():  # or it is there, and this process was busy with something else
            await asyncio.wait({claim.is_first}, timeout=within_seconds * 0.2)
        if not claim.is_first.done():
            self._pause("no answer in time")
            return True
        return claim.is_first.result()

    def keep(self, key: str, holder: str, seconds: float) -> None:
        """Let one's own claim end in so many seconds, soon; 0 gives it up."""
        if _now() >= self._asked_from:
            self._in_background(
                lambda: self.database.run(lambda tx: self._keep(tx, key, holder, seconds), writes=True)
            )

    async def finish(self) -> None:
        """Write what nobody waits for."""
        if self._background:
            await asyncio.wait(self._background)

    def _pause(self, why: str) -> None:
        self._asked_from = _now() + PAUSE_SECONDS
        if not self._is_away:
            self._is_away = True
            logger.warning("PostgreSQL is away or slow (%s): this replica knows only its own deliveries", why)

    def _in_background(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def run() -> None:
            try:
                await work()
            except StoreError as error:
                self._pause(error.reason)

        task = asyncio.create_task(run(), context=Context())  # of no delivery
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _send(self) -> None:
        """Send all claims that have come together, batch after batch."""
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                won = await self.database.run(partial(self._claim, batch=list(batch.values())), writes=True)
            except StoreError:
                for claim in (batch | self._waiting).values():
                    claim.answer(is_first=True)
                self._waiting.clear()
                raise
            for claim in batch.values():
                claim.answer(is_first=claim.key in won)
            if self._is_away and _now() >= self._asked_from:
                self._is_away = False
                logger.warning("PostgreSQL answers again: replicas know each other's deliveries")
            self._claims += len(batch)
            if self._claims >= CLEAN_EVERY:
                self._claims = 0
                await self.database.run(self._clean, writes=True)

    async def _claim(self, tx: AsyncConnection, batch: Sequence[Claim]) -> set[str]:
        """The keys that nobody else has."""
        now = self.database.lease_now()
        rows = insert(deliveries).values(
            [{"key": one.key, "holder": one.holder, "expires_at": now + one.seconds} for one in batch]
        )
        claim = rows.on_conflict_do_update(
            index_elements=[deliveries.c.key],
            set_={"holder": rows.excluded.holder, "expires_at": rows.excluded.expires_at},
            where=deliveries.c.expires_at <= now,
        )
        return set((await tx.execute(claim.returning(deliveries.c.key))).scalars())

    async def _keep(self, tx: AsyncConnection, key: str, holder: str, seconds: float) -> None:
        own = (deliveries.c.key == key) & (deliveries.c.holder == holder)
        await tx.execute(
            update(deliveries).where(own).values(expires_at=self.database.lease_now() + seconds)
            if seconds
            else delete(deliveries).where(own)
        )

    async def _clean(self, tx: AsyncConnection) -> None:
        expired = (
            select(deliveries.c.key)
            .where(deliveries.c.expires_at <= self.database.lease_now())
            .limit(CLEANED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await tx.execute(delete(deliveries).where(deliveries.c.key.in_(expired)))


def _now() -> float:
    return asyncio.get_running_loop().time()
