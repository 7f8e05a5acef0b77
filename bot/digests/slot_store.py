"""The slots of digests: taken by one worker at a time, and brought to one end each."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from bot.digests.claiming import add_slots, let_come_up, take
from bot.digests.due import FRESH_SECONDS
from bot.digests.records import Claim, Notice
from bot.digests.rows import (
    NO_LEASE,
    as_digest,
    is_held,
    is_slot,
    may_run,
    new_slot,
    pause_digest,
)
from bot.digests.tables import digests, slots
from bot.query.durations import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.clock import Clock
    from bot.digests.database import Database

logger = logging.getLogger(__name__)

KEPT_SECONDS = 90 * DAY
"""How long the slots of a digest are kept."""

TELL_SECONDS = DAY
"""How long an owner who could not be told of a failure is tried again."""


class SlotStore:
    """The slots' half of the store. Every method raises StoreError when the database cannot be used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.on_end: Callable[[str, float], None] = lambda _, __: None
        """Told what became of every slot that comes to its end, and how many seconds after its time."""

    @property
    def is_shared(self) -> bool:
        """Whether replicas on other machines may use the same database."""
        return self._database.is_postgres

    async def claim_due(
        self, now: float, holder: str, lease_seconds: float, fresh_seconds: float = FRESH_SECONDS
    ) -> Claim | None:
        """Let the slots that are due come up, and take one of them; None when there is none.

        Slots come up by a compare-and-swap of the digest's next time, and are rows whose key is digest and
        time: however many workers look, each comes up once. A slot whose lease has ended can be taken again.

        Args:
            now: Unix seconds.
            holder: names this worker.
            lease_seconds: how long nobody else may take it.
            fresh_seconds: slots missed for longer are noted as skipped.
        """

        async def work(connection: AsyncConnection) -> tuple[list[int], Claim | None]:
            stale = await let_come_up(connection, now, fresh_seconds)
            lease_now = self._database.lease_now()
            return stale, await take(connection, now, holder, (lease_now, lease_now + lease_seconds))

        await self._database.join(_free_leases_of_the_dead)
        stale, claim = await self._database.write(work)
        for slot_at in stale:
            self.on_end("skipped", now - slot_at)
        return claim

    async def renew(self, claim: Claim, lease_seconds: float, *, posting: bool = False) -> bool:
        """Begin the lease anew; False when another worker has taken the slot.

        Args:
            claim: the slot.
            lease_seconds: how long, from now.
            posting: the message is sent next: from here on it may be in the channel.
        """
        values: dict[str, Any] = {"lease_until": self._database.lease_now() + lease_seconds}
        if posting:
            values["uncertain"] = True
        return await self._settle(claim, values)

    async def keep_look(self, claim: Claim, look: str) -> bool:
        """Note how far a channel has been looked through; False when another worker has the slot."""
        return await self._settle(claim, {"look": look})

    async def release(self, claim: Claim) -> bool:
        """Hand a slot back as if it had not been taken, unless it may have been posted; whether it was."""
        values = {**NO_LEASE, "attempts": slots.c.attempts - 1}
        return await self._settle(claim, values, slots.c.uncertain.is_(False))

    async def finish(self, claim: Claim, posted_ts: str | None, counts: Mapping[str, int]) -> bool:
        """Note a slot as posted, or as quiet without a timestamp; False when another worker has it."""
        state = "quiet" if posted_ts is None else "posted"
        return await self._end(claim, state, "", {"posted_ts": posted_ts, "counts": json.dumps(dict(counts))})

    async def skip(self, claim: Claim, why: str) -> bool:
        """Note that a slot is not posted, with a sentence; False when another worker has it."""
        return await self._end(claim, "skipped", why, {})

    async def fail(
        self,
        claim: Claim,
        error: str,
        retry_at: float | None,
        *,
        wait_for_lease: bool = False,
        pause_why: str = "",
    ) -> bool:
        """Note that an attempt failed; False when another worker has the slot.

        Args:
            claim: the slot.
            error: a sentence for the owner.
            retry_at: Unix seconds of the next attempt; None when there is none: the slot has failed, and the
                owner is to be told if it is the first in a row, or if the digest is paused.
            wait_for_lease: the message may still arrive: nobody tries before the lease has ended.
            pause_why: pause the digest, and say this.
        """
        if retry_at is not None:
            values = {"retry_at": retry_at, "error": error, "lease_holder": ""}
            return await self._settle(claim, values if wait_for_lease else values | NO_LEASE)
        tell = claim.digest.last_result != "failed" or bool(pause_why)
        return await self._end(claim, "failed", error, {"notice": "pending" if tell else ""}, pause_why)

    async def ask(self, digest_id: str, asked_by: str) -> int | None:
        """Let a slot come up now, out of turn; its time, or None when there is no such digest."""
        now = int(self._clock.now())

        async def work(connection: AsyncConnection) -> int | None:
            found = await connection.execute(select(digests.c.id).where(digests.c.id == digest_id))
            if found.one_or_none() is None:
                return None
            await add_slots(connection, [new_slot(digest_id, now, asked_by=asked_by)])
            return now

        return await self._database.write(work)

    async def previous_counts(
        self, digest_id: str, slot_at: int, count: int
    ) -> list[tuple[int, dict[str, int]]]:
        """The counts of the slots of the schedule before one, the newest first: (slot, counts)."""
        query = (
            select(slots.c.slot_at, slots.c.counts)
            .where(
                slots.c.digest_id == digest_id,
                slots.c.slot_at < slot_at,
                slots.c.state.in_(("posted", "quiet")),
                slots.c.asked_by == "",
            )
            .order_by(slots.c.slot_at.desc())
            .limit(count)
        )

        async def work(connection: AsyncConnection) -> list[tuple[int, dict[str, int]]]:
            return [(row.slot_at, json.loads(row.counts)) for row in await connection.execute(query)]

        return await self._database.read(work)

    async def seconds_to_next(self, now: float) -> float | None:
        """Seconds until something may be due: at most 0 when it is; None when nothing ever will be."""
        digest_wait = select(func.min(digests.c.next_run_at)).where(digests.c.paused_at.is_(None))
        retry_wait, lease_wait = slots.c.retry_at - now, slots.c.lease_until - self._database.lease_now()
        # Not `greatest`: SQLite calls it max.
        greatest = func.greatest if self.is_shared else func.max
        later = greatest(retry_wait, lease_wait)
        slot_wait = (
            select(func.min(later))
            .join_from(slots, digests, slots.c.digest_id == digests.c.id)
            .where(slots.c.state == "open", may_run())
        )

        async def work(connection: AsyncConnection) -> float | None:
            next_run_at = (await connection.execute(digest_wait)).scalar_one()
            waits = [float(next_run_at - now)] if next_run_at is not None else []
            wait = (await connection.execute(slot_wait)).scalar_one()
            return min([*waits, float(wait)] if wait is not None else waits, default=None)

        return await self._database.read(work)

    async def claim_notice(self, now: float, holder: str, lease_seconds: float) -> Notice | None:
        """Take the telling of one failure; None when nobody has to be told."""
        query = (
            select(slots.c.slot_at, slots.c.error, digests)
            .join_from(slots, digests, slots.c.digest_id == digests.c.id)
            .where(
                slots.c.notice == "pending",
                slots.c.lease_until <= self._database.lease_now(),
                slots.c.ended_at > now - TELL_SECONDS,
            )
            .limit(1)
            .with_for_update(skip_locked=True, of=slots)
        )

        async def work(connection: AsyncConnection) -> Notice | None:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            lease = {"lease_holder": holder, "lease_until": self._database.lease_now() + lease_seconds}
            await connection.execute(update(slots).where(is_slot(row.id, row.slot_at)).values(lease))
            return Notice(as_digest(row), row.slot_at, row.error)

        return await self._database.write(work)

    async def told(self, notice: Notice) -> None:
        """Note that the owner was told, or cannot be."""
        this = is_slot(notice.digest.id, notice.slot_at)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(slots).where(this).values(notice="told", **NO_LEASE))

        await self._database.write(work)

    async def _settle(self, claim: Claim, values: Mapping[str, Any], *more: ColumnElement[bool]) -> bool:
        """Change a slot if the claim still has it."""

        async def work(connection: AsyncConnection) -> bool:
            changed = await connection.execute(update(slots).where(is_held(claim), *more).values(values))
            return changed.rowcount == 1

        return await self._database.write(work)

    async def _end(
        self, claim: Claim, state: str, error: str, values: Mapping[str, Any], pause_why: str = ""
    ) -> bool:
        """Bring a slot to its end, and note it with its digest."""
        now = int(self._clock.now())
        ended = {**values, **NO_LEASE, "state": state, "error": error, "ended_at": now}
        outcome = {"last_slot_at": claim.slot_at, "last_result": state, "last_error": error}
        old = and_(slots.c.digest_id == claim.digest.id, slots.c.slot_at < claim.slot_at - KEPT_SECONDS)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(update(slots).where(is_held(claim)).values(ended))).rowcount != 1:
                return False
            same = digests.c.id == claim.digest.id
            await connection.execute(update(digests).where(same).values(outcome))
            if pause_why:
                await pause_digest(connection, claim.digest.id, pause_why, now)
            await connection.execute(delete(slots).where(old))
            return True

        has_ended = await self._database.write(work)
        if has_ended:
            self.on_end(state, now - claim.slot_at)
        return has_ended


async def _free_leases_of_the_dead(connection: AsyncConnection) -> None:
    """Free the slots that processes had which are no more.

    What may be on its way to Slack keeps its lease: it could arrive after it has been looked for. Nobody can
    post a slot whose lease was freed by mistake, since `is_held` no longer holds.
    """
    theirs = and_(slots.c.state == "open", slots.c.lease_holder != "", slots.c.uncertain.is_(False))
    freed = await connection.execute(update(slots).where(theirs).values(NO_LEASE))
    if freed.rowcount:
        logger.info("Slots of digests that another process left behind, freed: %d", freed.rowcount)
