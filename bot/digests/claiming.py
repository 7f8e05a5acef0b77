"""How a worker claims a slot: slots come up, each once, and one of them is taken, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.digests.due import previous_slot, slots_until
from bot.digests.records import Claim
from bot.digests.rows import (
    as_digest,
    is_slot,
    may_be_worked,
    new_slot,
    pause_digest,
    slots_not_worked,
    worked_slot,
)
from bot.digests.tables import digests, slots
from bot.errors import QueryError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    Lease = ColumnElement[float]

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
