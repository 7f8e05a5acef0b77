"""The outbox: steps in a table, each posted once, by whichever worker has its lease.

A worker claims a step, looks for its message if an earlier attempt may have posted it, renews the lease,
posts within the time that the lease surely lasts, and ends the step. A worker that dies leaves a lease that
runs out.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, update

from bot.query.times import HOUR, MINUTE
from bot.storage.database import Database, transaction
from bot.storage.errors import LeaseLostError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sqlalchemy import Column, Row, Select, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

logger = logging.getLogger(__name__)
S = TypeVar("S", bound="Step")
T = TypeVar("T")

LONGEST_LEASE_SECONDS = 10.0 * MINUTE
"""Longer than any lease and its renewal: one that lasts longer was taken by a clock that was wrong."""

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 20.0, 10.0 * MINUTE

NO_LEASE = {"lease_holder": "", "lease_until": 0.0}

NEW_STEP = NO_LEASE | {"state": "open", "attempts": 0, "uncertain": False, "retry_at": 0.0, "error": ""}
"""The columns of a step that nobody has claimed yet, beside its key."""


def backoff_seconds(attempt: int, first_seconds: float = FIRST_RETRY_SECONDS) -> float:
    """How long to wait after a failed attempt (from 1): it doubles, up to ten minutes."""
    return min(first_seconds * 2.0 ** min(attempt - 1, 20), LONGEST_RETRY_SECONDS)


async def _no_lease(*_: str) -> NoReturn:
    """Nobody renews the lease: by now another worker may have it."""
    raise LeaseLostError


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that one worker has to itself until its lease ends.

    Args:
        attempt: from 1.
        holder: the worker that has it.
        uncertain: an earlier attempt may have posted it: look before posting.
        too_late: it may no longer be posted, only be found.
        last_error: why the last attempt failed, a sentence; empty if that one only broke off.
        look: how far its channel has been searched for its message, as the poster writes it; empty at first.
        before_posting: await it directly before sending; returns the event loop's time by which the message
            must be sent. Raises LeaseLostError, or StoreError when that can't be known.
        keep_look: keeps another `look` for the next attempts; raises the same. `Outbox.work` provides both;
            without it they raise LeaseLostError.
    """

    attempt: int
    holder: str
    uncertain: bool = False
    too_late: bool = False
    last_error: str = ""
    look: str = ""
    before_posting: Callable[[], Awaitable[float]] = field(default=_no_lease, repr=False, compare=False)
    keep_look: Callable[[str], Awaitable[None]] = field(default=_no_lease, repr=False, compare=False)

    @property
    def key(self) -> tuple[object, ...]:
        """The values of the table's key."""
        raise NotImplementedError


class Outbox:
    """The steps in one table.

    Args:
        database: where the table is.
        table: has `NEW_STEP`'s columns and `look`. A step is `open` until it ends in another state.
        key: the columns that name a step.
    """

    def __init__(self, database: Database, table: Table, *key: Column[Any]) -> None:
        self.database = database
        self._table, self._columns, self._key = table, table.c, key

    def is_step(self, key: Sequence[object]) -> ColumnElement[bool]:
        """The step with this key."""
        return and_(*(column == value for column, value in zip(self._key, key, strict=True)))

    def is_held(self, step: Step) -> ColumnElement[bool]:
        """The step, as long as it's this attempt that has it."""
        return and_(
            self.is_step(step.key),
            self._columns.state == "open",
            self._columns.lease_holder == step.holder,
            self._columns.attempts == step.attempt,
        )

    def is_free(self) -> ColumnElement[bool]:
        """Steps whose lease has ended, or that have none."""
        return self._columns.lease_until <= self.database.lease_now()

    def is_due(self, now: float) -> ColumnElement[bool]:
        """Open steps that nobody has and whose next attempt may begin."""
        return and_(self._columns.state == "open", self._columns.retry_at <= now, self.is_free())

    def is_stuck(self, now: float) -> ColumnElement[bool]:
        """Steps that wait for an attempt or a lease longer than a right clock would have them wait."""
        longest_lease = self.database.lease_now() + LONGEST_LEASE_SECONDS
        return or_(self._columns.retry_at > now + HOUR, self._columns.lease_until > longest_lease)

    def wait_seconds(self, now: float) -> ColumnElement[float]:
        """Seconds until a step can be claimed; not positive when it can."""
        greatest = func.greatest if self.database.is_postgres else func.max  # SQLite's name for it
        return greatest(self._columns.retry_at - now, self._columns.lease_until - self.database.lease_now())

    async def claim(
        self,
        tx: AsyncConnection,
        query: Select[Any],
        holder: str,
        lease_seconds: float,
        **values: ColumnElement[Any],
    ) -> Row[Any] | None:
        """Lease the first row of a query that no other worker is claiming, and change its step.

        Args:
            tx: the transaction.
            query: selects the columns of the key, and whatever else the caller wants to know.
            holder: names the worker.
            lease_seconds: how long nobody else may claim it.
            values: to change with the lease; the row has them as they were before.
        """
        first = query.limit(1).with_for_update(skip_locked=True, of=self._table)
        row: Row[Any] | None = (await tx.execute(first)).one_or_none()
        if row is not None:
            this = self.is_step([getattr(row, column.name) for column in self._key])
            lease = {"lease_holder": holder, "lease_until": self.database.lease_now() + lease_seconds}
            await tx.execute(update(self._table).where(this).values(lease | values))
        return row

    async def settle(
        self, tx: AsyncConnection, step: Step, values: Mapping[str, Any], *more: ColumnElement[bool]
    ) -> bool:
        """Change a step if this attempt still has it; whether it had."""
        return (
            await tx.execute(update(self._table).where(self.is_held(step), *more).values(values))
        ).rowcount == 1

    @transaction
    async def renew(
        self, tx: AsyncConnection, step: Step, lease_seconds: float, *, posting: bool = False
    ) -> bool:
        """Begin the lease anew; False when another worker has the step.

        With `posting` the message is sent next: from then on it may be in the channel.
        """
        values: dict[str, Any] = {"lease_until": self.database.lease_now() + lease_seconds}
        return await self.settle(tx, step, values | ({"uncertain": True} if posting else {}))

    @transaction
    async def keep_look(self, tx: AsyncConnection, step: Step, look: str) -> bool:
        """Note how far the channel has been searched; False when another worker has the step."""
        return await self.settle(tx, step, {"look": look})

    @transaction
    async def release(self, tx: AsyncConnection, step: Step) -> bool:
        """Hand a step back as if it hadn't been claimed, unless it may have been posted; whether it was."""
        values = NO_LEASE | {"attempts": self._columns.attempts - 1}
        return await self.settle(tx, step, values, self._columns.uncertain.is_(False))

    @transaction
    async def retry(
        self, tx: AsyncConnection, step: Step, error: str, retry_at: float, *, wait_for_lease: bool = False
    ) -> bool:
        """Note that an attempt failed, and when the next may begin; False when another worker has the step.

        With `wait_for_lease` the message may still arrive: nobody tries before the lease has ended.
        """
        values = {"retry_at": retry_at, "error": error, "lease_holder": ""}
        if not wait_for_lease:  # it was refused: this attempt posted nothing
            values |= NO_LEASE | {"uncertain": step.uncertain}
        return await self.settle(tx, step, values)

    async def work(
        self,
        step: S,
        post: Callable[[S], Awaitable[T]],
        *,
        lease_seconds: float,
        renew_seconds: float,
        work_seconds: float,
    ) -> T:
        """Have a step posted while its lease is renewed, and return what `post` returns.

        Args:
            step: as it was claimed.
            post: posts it; may raise anything.
            lease_seconds: how long the lease lasts after each renewal, by its own clock.
            renew_seconds: real time between renewals, and in which the message must be sent.
            work_seconds: real time after which it is given up.

        Raises:
            LeaseLostError: another worker has it, or the database has been away for most of the lease.
            TimeoutError: it took too long.
        """
        loop = asyncio.get_running_loop()

        async def before_posting() -> float:
            by = loop.time() + renew_seconds
            if not await self.renew(step, lease_seconds, posting=True):
                raise LeaseLostError
            return by

        async def keep_look(look: str) -> None:
            if not await self.keep_look(step, look):
                raise LeaseLostError

        async def keep_lease() -> None:
            renewed_at = loop.time()
            while loop.time() - renewed_at < 2 * renew_seconds:
                await asyncio.sleep(renew_seconds)
                began_at = loop.time()
                with suppress(StoreError):
                    if not await self.renew(step, lease_seconds):
                        return
                    renewed_at = began_at

        posting = asyncio.ensure_future(
            post(replace(step, before_posting=before_posting, keep_look=keep_look))
        )
        lease = asyncio.create_task(keep_lease())
        try:
            async with asyncio.timeout(work_seconds):
                await asyncio.wait({posting, lease}, return_when=asyncio.FIRST_COMPLETED)
            if posting.done():
                return posting.result()
            lease.result()  # raises what nobody expected
            raise LeaseLostError
        finally:
            for task in (posting, lease):
                task.cancel()
            await asyncio.gather(posting, lease, return_exceptions=True)

    async def free_abandoned(self, tx: AsyncConnection) -> None:
        """Free the steps of processes that are gone; for the only process that works on the table.

        What may be on its way to Slack keeps its lease: it could arrive after it has been looked for. Nobody
        can post a step whose lease was freed by mistake, since `is_held` no longer holds.
        """
        columns = self._columns
        abandoned = and_(columns.state == "open", columns.lease_holder != "", columns.uncertain.is_(False))
        freed = await tx.execute(update(self._table).where(abandoned).values(NO_LEASE))
        if freed.rowcount:
            logger.info("Posts that another process left behind, freed: %d", freed.rowcount)

    async def unstick(self, tx: AsyncConnection, now: float, *where: ColumnElement[bool]) -> None:
        """Shorten the waits of stuck steps to what they can be at most."""
        least = func.least if self.database.is_postgres else func.min  # SQLite's name for it
        longest_lease = self.database.lease_now() + LONGEST_LEASE_SECONDS
        values = {
            "retry_at": least(self._columns.retry_at, now),
            "lease_until": least(self._columns.lease_until, longest_lease),
        }
        await tx.execute(update(self._table).where(self.is_stuck(now), *where).values(values))
