"""Which replicas live, and how much of ZEGO_MAX_RPS each may use: a ledger in PostgreSQL.

Every replica has a row with the number of requests that it may have out at a time, its share. The shares of
one budget never add up to more than the budget: under one lock, a replica takes only what no row holds, and
writes down less only after it has made room (a request is out until 1 s after its answer). So a newcomer
starts with nothing and gets its share as the others make room.

A share is leased, and renewed every second. A replica that can't reach PostgreSQL keeps its share until 2 s
before the lease ends, by its own monotonic clock, and nobody else takes it before the lease has ended, by
the database's. After that the replica goes on with its floor, which the others leave alone for 10 minutes,
because a dead replica and one that is cut off look the same. All floors together are three quarters of the
budget, and half of it where there is only one replica, so that whoever takes the place of a dead one has
something to begin with. So where PostgreSQL comes back for one replica and not for another, both stay within
the budget.

A replica whose floor has ended, or that never reached PostgreSQL, waits until all shares must have fallen to
floors and then sends one request at a time: if PostgreSQL is away for everyone, that is within the budget.
After an outage, and when the first replica starts, the shares are no more than the floors for some seconds,
until whoever sent alone has noticed that PostgreSQL is there. What this doesn't cover: a replica that starts
cut off, or is cut off for more than 10 minutes, while others reach PostgreSQL. It adds one request to the
budget, in place of answering nobody.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from contextlib import suppress
from contextvars import Context
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, text

from bot.storage.errors import StoreError
from bot.storage.tables import replicas

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.storage.database import Database

logger = logging.getLogger(__name__)

LEASE_SECONDS = 6.0
KEPT_SECONDS = 600.0
"""How long the others leave the floor of a replica alone, after its lease has ended."""

MARGIN_SECONDS = 2.0
"""How long before the end of its lease a replica stops using it: what it sent has to be a second old when
others send in its place, and the rest is for requests on their way and clocks that don't run equally fast."""

BEAT_SECONDS = 1.0
QUICK_BEAT_SECONDS = 0.25
"""While somebody waits for room."""

ANSWER_SECONDS = 2.0
"""PostgreSQL counts as away when it takes longer than this."""

ALONE_SECONDS = BEAT_SECONDS + 2 * ANSWER_SECONDS
"""How long after it asked in vain a replica sends alone: until it has asked again and has no answer."""

SETTLE_SECONDS = ALONE_SECONDS + 2.0
"""After an outage: by then every replica has noticed its end, and what it sent alone is a second old."""

LEAVING_SECONDS = 1.5
"""A replica that stops has sent its last request, which the others leave alone for this long."""

MOST_HANGING = 3
"""Transactions that nobody waits for any more; with so many, PostgreSQL isn't asked again until one ends."""

_LOCK = 0x5245_504C_4943  # one advisory lock for all budgets: it is held for a few milliseconds

# All of it ends with the transaction. After waiting for the lock, it has to see what the others wrote; and a
# process that is paused in the middle of it must not hold up the others.
_PREPARE = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL statement_timeout = '2s'",
    "SET LOCAL idle_in_transaction_session_timeout = '2s'",
)


@dataclass(frozen=True, slots=True)
class Replica:
    """A row. Times are Unix seconds by the database's clock.

    Attributes:
        beat: counts the owner's transactions, so that one that was held up on its way has no effect.
        settles_until: until then some of the budget is left free, because of an outage.
    """

    id: str
    budget: str
    joined_at: float
    max_rps: int
    beat: int
    share: int
    floor: int
    leased_until: float
    kept_until: float
    settles_until: float

    def held(self, now: float) -> int:
        """How many requests it may have out, as far as the others can know."""
        return self.share if now < self.leased_until else self.floor if now < self.kept_until else 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What a transaction came to.

    Attributes:
        share: what the replica may use.
        floor: what the others leave to it after its lease.
        target, target_floor: what both should be.
        settles_until: see `Replica`.
        is_settling: whether some of the budget is left free at this moment.
    """

    share: int
    floor: int
    target: int
    target_floor: int
    settles_until: float = 0.0
    is_settling: bool = False


def settle(
    claim: Replica, rows: Sequence[Replica], now: float, *, after_outage: bool = False, leaving: bool = False
) -> Settled | None:
    """Decide what a replica holds from now on; None where a later claim of it was settled before.

    Args:
        claim: the row as the replica would like to have it.
        rows: every row of the budget, as they stand.
        now: Unix seconds by the database's clock.
        after_outage: whether the replica has lost its lease, or never had one, because PostgreSQL was away.
        leaving: whether it wants nothing more.
    """
    own = next((row for row in rows if row.id == claim.id), None)
    if own is not None and own.beat >= claim.beat:
        return None
    others = [row for row in rows if row.id != claim.id]
    living = [row for row in others if now < row.leased_until]
    budget = min([claim.max_rps, *(row.max_rps for row in living)])
    settles_until = max((row.settles_until for row in rows), default=0.0)
    if after_outage or all(row.leased_until <= now for row in rows):  # or nobody has been heard of lately
        settles_until = now + SETTLE_SECONDS
    is_settling = now < settles_until
    kept = sum(row.held(now) for row in others if row not in living)
    order = sorted([claim, *living], key=lambda row: (row.joined_at, row.id))
    secured = budget // 2 if len(order) == 1 else budget - max(1, budget // 4)
    most = secured if is_settling else budget

    def part_of(whole: int) -> int:
        each, more = divmod(max(0, whole - kept), len(order))
        return each + (order.index(claim) < more)

    target, target_floor = part_of(most), part_of(secured)
    share = min(claim.share, own.held(now) if own else 0)
    floor = min(claim.floor, own.floor if own else 0, share)
    if not leaving:
        share = max(share, min(target, most - sum(row.held(now) for row in others)))
        others_floors = kept + sum(row.floor for row in living)
        floor = max(floor, min(share, target_floor, secured - others_floors))
    return Settled(share, floor, target, target_floor, settles_until, is_settling)


class Share:
    """How many requests a replica may have out, by its own monotonic clock; all times are seconds of it."""

    def __init__(self) -> None:
        self._settled = Settled(0, 0, 0, 0)
        self._leased_until = self._kept_until = -math.inf
        self._alone_from, self._alone_until = math.inf, -math.inf

    @property
    def target(self) -> int:
        """What it should be."""
        return self._settled.target

    @property
    def is_settling(self) -> bool:
        """Whether it will be more in a few seconds."""
        return self._settled.is_settling

    def is_leased(self, now: float) -> bool:
        """Whether it is more than a floor."""
        return now < self._leased_until

    def is_after_outage(self, now: float) -> bool:
        """Whether the database was away for longer than the share lasted."""
        return now >= self._leased_until and now < self._alone_until

    def at(self, now: float) -> int:
        """How many requests may be out: what is more must not be sent any more."""
        if now < self._leased_until:
            return self._settled.share
        if now < self._kept_until:
            return self._settled.floor
        return 1 if self._alone_from <= now < self._alone_until else 0

    def limit(self, now: float) -> int:
        """How many requests may be out, with the room that is to be made for others."""
        return min(self.at(now), self.target) if now < self._kept_until else self.at(now)

    def claim(self, in_use: int, now: float) -> tuple[int, int]:
        """The share and the floor to ask for. It is no more than that from here on, whatever the answer."""
        share = max(in_use, min(self.at(now), self.target))
        floor = min(self._settled.floor, self._settled.target_floor, share)
        if now < self._kept_until:
            self._settled = replace(self._settled, share=min(self._settled.share, share), floor=floor)
        return share, floor

    def settled(self, settled: Settled, asked_at: float) -> None:
        """The database has answered what was asked at `asked_at`."""
        self._settled = settled
        self._leased_until = asked_at + LEASE_SECONDS - MARGIN_SECONDS
        self._kept_until = self._alone_from = self._leased_until + KEPT_SECONDS
        self._alone_until = -math.inf

    def failed(self, asked_at: float, now: float) -> None:
        """The database has not answered what was asked at `asked_at`."""
        if self._alone_from == math.inf:
            self._alone_from = now + LEASE_SECONDS
        self._alone_until = asked_at + ALONE_SECONDS


class Replicas:
    """This replica among the others: joins them, says every second that it lives, and leaves.

    Args:
        database: PostgreSQL.
        budget: whose requests are counted, such as an AppId; replicas with another one don't matter.
        max_rps: the budget, requests a second.
        in_use: how many requests of this replica are out, or were until less than a second ago.
        on_change: called whenever there may be room for another.

    Attributes:
        is_away: whether PostgreSQL did not answer last.
    """

    def __init__(
        self,
        database: Database,
        budget: str,
        max_rps: int,
        in_use: Callable[[], int],
        on_change: Callable[[], None],
    ) -> None:
        self.database = database
        self.is_away = False
        self._share = Share()
        self._row = Replica(secrets.token_hex(8), budget, 0.0, max_rps, 0, 0, 0, 0.0, 0.0, 0.0)
        self._in_use = in_use
        self._on_change = on_change
        self._beating: asyncio.Task[None] | None = None
        self._hanging: set[asyncio.Task[Settled | None]] = set()
        self._told = -1
        self._told_away = False

    @property
    def waits(self) -> bool:
        """Whether this replica has to wait, because there are more replicas than requests a second."""
        return not self.is_away and self._told == 0

    def share(self) -> int:
        """How many requests may be out at this moment: what is more must not be sent any more."""
        return self._share.at(_now())

    def limit(self) -> int:
        """How many requests may be out, with the room that is to be made for others."""
        return self._share.limit(_now())

    async def start(self) -> None:
        """Join; returns when PostgreSQL has answered or has not."""
        await self._beat()
        self._beating = asyncio.create_task(self._keep_beating(), context=Context())  # of no delivery

    async def leave(self) -> None:
        """Let the others have the share. Nothing may be sent any more."""
        if self._beating is None:
            return
        self._beating.cancel()
        await asyncio.wait({self._beating})
        with suppress(StoreError):
            await self._transact(self._in_use(), 0, leaving=True)
        for hanging in self._hanging:
            hanging.cancel()

    async def _keep_beating(self) -> None:
        while True:
            share, now = self._share, _now()
            waits_for_room = share.at(now) != share.target and not self.is_away
            await asyncio.sleep(QUICK_BEAT_SECONDS if waits_for_room else BEAT_SECONDS)
            await self._beat()

    async def _beat(self) -> None:
        asked_at = _now()
        try:
            settled = await self._transact(*self._share.claim(self._in_use(), asked_at))
            if settled is not None:
                self._share.settled(settled, asked_at)
                self.is_away = False
        except Exception as error:  # of any kind, else nobody here would ever have a turn again
            if not isinstance(error, StoreError):
                logger.exception("The ledger of replicas failed in an unknown way")
            self._share.failed(asked_at, _now())
            self.is_away = True
            self._tell_away(getattr(error, "reason", "failed"))
        else:
            self._tell()
        self._on_change()

    async def _transact(self, share: int, floor: int, *, leaving: bool = False) -> Settled | None:
        """Write this replica's row, in time or not at all as far as anybody here can know.

        Raises:
            StoreError: there is no answer; it may have had its effect, or will have.
        """
        if len(self._hanging) >= MOST_HANGING:
            raise StoreError("away")
        self._row = replace(self._row, beat=self._row.beat + 1, share=share, floor=floor)
        row, after_outage = self._row, self._share.is_after_outage(_now())
        task = asyncio.create_task(
            self.database.run(
                lambda tx: self._settle(tx, row, after_outage=after_outage, leaving=leaving), writes=True
            )
        )
        self._hanging.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        if not task.done():
            raise StoreError("away")
        return task.result()

    def _ended(self, task: asyncio.Task[Settled | None]) -> None:
        self._hanging.discard(task)
        if not task.cancelled():
            task.exception()

    async def _settle(
        self, tx: AsyncConnection, row: Replica, *, after_outage: bool, leaving: bool
    ) -> Settled | None:
        for statement in _PREPARE:
            await tx.execute(text(statement))
        await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        now = (await tx.execute(select(self.database.lease_now()))).scalar_one()
        found = await tx.execute(select(replicas).where(replicas.c.budget == row.budget))
        rows = [Replica(**values) for values in found.mappings()]
        joined_at = next((one.joined_at for one in rows if one.id == row.id), now)
        settled = settle(
            replace(row, joined_at=joined_at), rows, now, after_outage=after_outage, leaving=leaving
        )
        if settled is None:
            return None
        leased_until = now + (LEAVING_SECONDS if leaving else LEASE_SECONDS)
        row = replace(
            row,
            joined_at=joined_at,
            share=settled.share,
            floor=settled.floor,
            leased_until=leased_until,
            kept_until=leased_until + (0 if leaving else KEPT_SECONDS),
            settles_until=settled.settles_until,
        )
        await tx.execute(delete(replicas).where((replicas.c.id == row.id) | (replicas.c.kept_until < now)))
        await tx.execute(insert(replicas).values(asdict(row)))
        return settled

    def _tell(self) -> None:
        """Log what has changed, once."""
        if self._told_away:
            self._told_away = False
            logger.warning("PostgreSQL is back")
        target, max_rps = self._share.target, self._row.max_rps
        if self._share.is_settling or self._share.at(_now()) != target or target == self._told:
            return  # it will change
        self._told = target
        if target:
            logger.info("This replica sends up to %d of %d requests a second", target, max_rps)
        else:
            logger.warning(
                "There are more replicas than ZEGO_MAX_RPS=%d lets work: this one waits until another stops",
                max_rps,
            )

    def _tell_away(self, reason: str) -> None:
        if not self._told_away and not self._share.is_leased(_now()):
            self._told_away = True
            logger.warning(
                "PostgreSQL does not answer (%s): until it does, this replica sends at most %d of %d requests"
                " a second",
                reason,
                max(1, self._share.at(_now())),
                self._row.max_rps,
            )


def _now() -> float:
    return asyncio.get_running_loop().time()
