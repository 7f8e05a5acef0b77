"""The slots of digests: taken by one worker at a time, and brought to one end each."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import QueryError
from bot.features.digests.models import FRESH_SECONDS, Claim, Notice
from bot.features.digests.rows import (
    NO_LEASE,
    as_digest,
    forget_unfinished,
    is_held,
    is_slot,
    may_be_worked,
    new_slot,
    pause_digest,
    slots_not_worked,
    worked_slot,
)
from bot.features.digests.slots import previous_slot, right_next_run, slots_until
from bot.query.times import DAY, HOUR, MINUTE
from bot.storage.tables import digests, slots

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.clock import Clock
    from bot.features.digests.models import Digest
    from bot.storage.database import Database

    Lease = ColumnElement[float]

logger = logging.getLogger(__name__)


_MOST_ADVANCED = 50
"""Digests whose slots come up in one transaction: at a full hour there may be a thousand."""

MISSED = "It couldn't be posted within an hour of its time."


async def let_come_up(connection: AsyncConnection, now: float, fresh_seconds: float) -> list[int]:
    """Let the slots come up of up to 50 digests that are due; returns those skipped as too old."""
    due = (
        select(digests)
        .where(digests.c.next_run_at <= now)
        .order_by(digests.c.next_run_at)
        .limit(_MOST_ADVANCED)
        .with_for_update(skip_locked=True)
    )
    rows: list[dict[str, Any]] = []
    too_old: list[int] = []
    for row in (await connection.execute(due)).all():
        digest = as_digest(row)
        same = and_(digests.c.id == digest.id, digests.c.next_run_at == digest.next_run_at)
        try:
            fresh, stale, next_run_at = slots_until(digest, now, fresh_seconds)
        except (QueryError, LookupError, ValueError):  # a newer version's, or an abolished zone
            why = f"Its schedule `{digest.schedule}` or its zone {digest.zone} can no longer be read."
            await pause_digest(connection, digest.id, why, int(now))
            continue
        swapped = await connection.execute(update(digests).where(same).values(next_run_at=next_run_at))
        if swapped.rowcount == 1:
            skipped = {"state": "skipped", "error": MISSED, "ended_at": int(now)}
            rows += [new_slot(digest.id, time, **skipped) for time in stale]
            rows += [new_slot(digest.id, time) for time in fresh]
            too_old += stale
    await add_slots(connection, rows)
    return too_old


async def add_slots(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Add slots, but those that are there already."""
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        await connection.execute(dialect.insert(slots).on_conflict_do_nothing(), rows)


async def take(
    connection: AsyncConnection, now: float, holder: str, lease: tuple[Lease, Lease], fresh_seconds: float
) -> Claim | None:
    """Take one of the slots that are due; None when there is none.

    Args:
        connection: inside a transaction.
        now: Unix seconds.
        holder: names the worker.
        lease: now and the lease's end, by the clock that leases go by.
        fresh_seconds: how old a slot may be that is still posted.
    """
    lease_now, lease_until = lease
    free = (
        select(
            *(slots.c.slot_at, slots.c.attempts, slots.c.uncertain),
            *(slots.c.asked_by, slots.c.error, slots.c.look),
            digests,
        )
        .join_from(slots, digests, slots.c.digest_id == digests.c.id)
        .where(
            slots.c.state == "open",
            slots.c.retry_at <= now,
            slots.c.lease_until <= lease_now,
            may_be_worked(now, fresh_seconds),
        )
        .order_by(slots.c.attempts, slots.c.slot_at)  # what failed before waits for what did not
        .limit(1)
        .with_for_update(skip_locked=True, of=slots)
    )
    row = (await connection.execute(free)).one_or_none()
    if row is None:
        return None
    digest = as_digest(row)
    attempt = row.attempts + 1
    worked_at, unfinished = await worked_slot(connection, digest.id, row.slot_at)
    missed, unconfirmed = await slots_not_worked(connection, digest.id, row.slot_at)
    await connection.execute(
        update(slots)
        .where(is_slot(digest.id, row.slot_at))
        .values(
            attempts=attempt,
            lease_holder=holder,
            lease_until=lease_until,
        )
    )
    return Claim(
        digest,
        row.slot_at,
        attempt,
        holder,
        asked_by=row.asked_by,
        uncertain=row.uncertain,
        previous_slot_at=previous_slot(digest, row.slot_at),
        worked_at=worked_at,
        unfinished=unfinished,
        missed=missed,
        unconfirmed=unconfirmed,
        last_error=row.error,
        look=row.look,
        fresh_seconds=fresh_seconds,
    )


KEPT_SECONDS = 90 * DAY
"""How long the slots of a digest are kept."""

LONGEST_LEASE_SECONDS = 10.0 * MINUTE
"""Longer than any lease and its renewal: one that lasts longer was taken by a clock that was wrong."""

TELL_SECONDS = DAY
"""How long an owner who could not be told of a failure is tried again."""


@dataclass(frozen=True, slots=True)
class WrongTimes:
    """Stored times that a clock or the rules of a zone have left wrong. Times are Unix seconds.

    Attributes:
        now: when they were compared.
        next_runs: digests as they are kept, each with the time it is really due next.
        slots: (digest, time) of slots that were skipped or failed before their time, or long after now.
        waits: whether open slots wait for longer than they can have to.
    """

    now: float
    next_runs: tuple[tuple[Digest, int], ...] = ()
    slots: tuple[tuple[str, int], ...] = ()
    waits: bool = False

    def __bool__(self) -> bool:
        return bool(self.next_runs or self.slots or self.waits)


class SlotStore:
    """The slots' half of the store. Every method raises StoreError when the database cannot be used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.fresh_seconds = FRESH_SECONDS
        """How old a slot may be that is still posted; the claims carry it."""
        self.on_end: Callable[[str, float], None] = lambda _, __: None
        """Told what became of every slot that comes to its end, and how many seconds after its time."""

    @property
    def is_shared(self) -> bool:
        """Whether replicas on other machines may use the same database."""
        return self._database.is_postgres

    async def claim_due(self, now: float, holder: str, lease_seconds: float) -> Claim | None:
        """Let the slots that are due come up, and take one of them; None when there is none.

        Slots come up by a compare-and-swap of the digest's next time, and are rows whose key is digest and
        time: however many workers look, each comes up once. A slot whose lease has ended can be taken again.

        Args:
            now: Unix seconds.
            holder: names this worker.
            lease_seconds: how long nobody else may take it.
        """

        async def work(connection: AsyncConnection) -> tuple[list[int], Claim | None]:
            stale = await let_come_up(connection, now, self.fresh_seconds)
            lease_now = self._database.lease_now()
            return stale, await take(
                connection, now, holder, (lease_now, lease_now + lease_seconds), self.fresh_seconds
            )

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

    async def keep(self, claim: Claim, counts: Mapping[str, int], unfinished: str) -> bool:
        """Keep what a slot is about to tell; False when another worker has it.

        It is kept before the message is sent: one that is found in the channel later told just this.

        Args:
            claim: the slot.
            counts: figures to compare later slots with.
            unfinished: what it leaves to be judged again; empty for a slot that somebody asked for.
        """
        return await self._settle(claim, {"counts": json.dumps(dict(counts)), "unfinished": unfinished})

    async def finish(
        self, claim: Claim, posted_ts: str | None, counts: Mapping[str, int] | None = None
    ) -> bool:
        """Note a slot as posted, or as quiet without a timestamp; False when another worker has it.

        Counts that are not given stay as they were kept.
        """
        state = "quiet" if posted_ts is None else "posted"
        values = {"posted_ts": posted_ts} | ({} if counts is None else {"counts": json.dumps(dict(counts))})
        return await self._end(claim, state, "", values)

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
            if not wait_for_lease:  # what was noted before it was sent is over with the refusal
                values |= {**NO_LEASE, "uncertain": claim.uncertain}
            return await self._settle(claim, values)
        tell = claim.digest.last_result != "failed" or bool(pause_why)
        values = {"notice": "pending" if tell else "", "uncertain": claim.uncertain}
        return await self._end(claim, "failed", error, values, pause_why)

    async def ask(self, digest_id: str, asked_by: str) -> int | None:
        """Let a slot come up now, out of turn; its time, or None when there is no such digest."""
        now = int(self._clock.now())

        async def work(connection: AsyncConnection) -> int | None:
            found = await connection.execute(select(digests).where(digests.c.id == digest_id))
            row = found.one_or_none()
            if row is None:
                return None
            # A slot of the schedule that is due this second keeps its time to itself.
            slot_at = now + 1 if right_next_run(as_digest(row), now - 1) == now else now
            await add_slots(connection, [new_slot(digest_id, slot_at, asked_by=asked_by)])
            return slot_at

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
            .where(slots.c.state == "open", may_be_worked(now, self.fresh_seconds))
        )

        async def work(connection: AsyncConnection) -> float | None:
            next_run_at = (await connection.execute(digest_wait)).scalar_one()
            waits = [float(next_run_at - now)] if next_run_at is not None else []
            wait = (await connection.execute(slot_wait)).scalar_one()
            return min([*waits, float(wait)] if wait is not None else waits, default=None)

        return await self._database.read(work)

    async def find_wrong_times(self, now: float) -> WrongTimes:
        """Compare what is stored with the schedules and `now` (Unix seconds). Nothing is changed."""
        coming = select(digests).where(digests.c.next_run_at > now)
        early = (
            select(slots.c.digest_id, slots.c.slot_at)
            .join_from(digests, slots, slots.c.digest_id == digests.c.id)  # by the key, digest by digest
            .where(
                slots.c.slot_at > now - self.fresh_seconds,
                or_(slots.c.slot_at > now, slots.c.ended_at > now + 10 * MINUTE),
                slots.c.asked_by == "",
                slots.c.state.in_(("skipped", "failed")),
                slots.c.uncertain.is_(False),
            )
        )
        waits = select(func.count()).select_from(slots).where(self._waits_too_long(now))

        async def work(connection: AsyncConnection) -> tuple[list[Digest], list[tuple[str, int]], bool]:
            rows = [as_digest(row) for row in await connection.execute(coming)]
            taken = [(row.digest_id, row.slot_at) for row in await connection.execute(early)]
            return rows, taken, bool((await connection.execute(waits)).scalar_one())

        kept, early_slots, some_wait = await self._database.read(work)
        next_runs = []
        for digest in kept:
            await asyncio.sleep(0)  # a thousand of them hold up nobody
            right = right_next_run(digest, now)
            if right is not None and right != digest.next_run_at:
                next_runs.append((digest, right))
        return WrongTimes(now, tuple(next_runs), tuple(early_slots), some_wait)

    async def put_right(self, wrong: WrongTimes) -> None:
        """Set right what `find_wrong_times` found, as far as it is still so.

        Slots that are taken back come up at their time, as if nothing had been noted of them.
        """
        lease_until = self._database.lease_now() + LONGEST_LEASE_SECONDS

        async def work(connection: AsyncConnection) -> None:
            for digest, right in wrong.next_runs:
                same = [digests.c[name] == getattr(digest, name) for name in ("schedule", "zone")]
                same += [digests.c.id == digest.id, digests.c.next_run_at == digest.next_run_at]
                await connection.execute(update(digests).where(*same).values(next_run_at=right))
            for digest_id, slot_at in wrong.slots:
                this = and_(is_slot(digest_id, slot_at), slots.c.state.in_(("skipped", "failed")))
                anew = new_slot(digest_id, slot_at)
                taken_back = (
                    delete(slots) if slot_at > wrong.now else update(slots).values({**anew, "unfinished": ""})
                )
                await connection.execute(taken_back.where(this))
                same_digest = and_(digests.c.id == digest_id, digests.c.last_slot_at == slot_at)
                never = {"last_slot_at": None, "last_result": "", "last_error": ""}
                await connection.execute(update(digests).where(same_digest).values(never))
            too_long = self._waits_too_long(wrong.now)
            lease = func.least if self.is_shared else func.min
            values = {
                "retry_at": lease(slots.c.retry_at, wrong.now),
                "lease_until": lease(slots.c.lease_until, lease_until),
            }
            await connection.execute(update(slots).where(too_long).values(values))

        await self._database.write(work)

    def _waits_too_long(self, now: float) -> ColumnElement[bool]:
        """Slots that wait for a try or a lease longer than anything that a right clock noted."""
        lease = slots.c.lease_until > self._database.lease_now() + LONGEST_LEASE_SECONDS
        waiting = or_(slots.c.state == "open", slots.c.notice == "pending")
        return and_(waiting, or_(slots.c.retry_at > now + HOUR, lease))

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
            # One that was looked for may end after later ones; a time to come is of a clock that was wrong.
            last = digests.c.last_slot_at
            is_last = or_(last.is_(None), last <= claim.slot_at, last > now)
            this = and_(digests.c.id == claim.digest.id, is_last)
            if not claim.asked_by:  # a test says nothing of how the schedule does
                await connection.execute(update(digests).where(this).values(outcome))
            if pause_why:
                await pause_digest(connection, claim.digest.id, pause_why, now)
            if claim.worked_at is not None:
                await forget_unfinished(connection, claim.digest.id, claim.worked_at)
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
