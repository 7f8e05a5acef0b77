"""Rows of the two tables: read into records, named in conditions, changed inside a transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from bot.features.digests.models import Digest, Slot
from bot.features.digests.unfinished import NOTHING_UNFINISHED, decode_unfinished
from bot.query.times import DAY
from bot.storage.tables import digests, slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.features.digests.models import Claim
    from bot.features.digests.unfinished import Unfinished


NO_LEASE = {"lease_holder": "", "lease_until": 0.0}


async def change_digest(
    connection: AsyncConnection, digest_id: str, changes: Callable[[Digest], dict[str, Any]]
) -> Digest | None:
    """Change a digest by what it is now; returns it as it is then, None when it is gone."""
    this = digests.c.id == digest_id
    row = (await connection.execute(select(digests).where(this).with_for_update())).one_or_none()
    if row is None:
        return None
    values = changes(as_digest(row))
    if values:
        await connection.execute(update(digests).where(this).values(values))
    return as_digest((await connection.execute(select(digests).where(this))).one())


async def pause_digest(connection: AsyncConnection, digest_id: str, why: str, now: int) -> Digest | None:
    """Let no more slots of a digest come up."""

    def paused(digest: Digest) -> dict[str, Any]:
        return {"paused_at": digest.paused_at or now, "paused_why": why, "next_run_at": None}

    return await change_digest(connection, digest_id, paused)


async def skip_open_slots(
    connection: AsyncConnection, digest_id: str, lease_now: ColumnElement[float], now: int
) -> None:
    """Bring the slots to an end that nobody works on."""
    waiting = and_(slots.c.digest_id == digest_id, slots.c.state == "open", slots.c.lease_until <= lease_now)
    values = {"state": "skipped", "error": "It was paused before this was posted.", "ended_at": now}
    await connection.execute(update(slots).where(waiting).values(values))


def as_digest(row: Row[Any]) -> Digest:
    """A row that has every column of a digest."""
    return Digest(**{name: row._mapping[name] for name in digests.c.keys()})  # noqa: SIM118, SLF001 - SQLAlchemy's own interface; `in` would ask for columns


def as_slot(row: Row[Any]) -> Slot:
    """A row that has every column of a slot."""
    return Slot(
        row.digest_id,
        row.slot_at,
        row.state,
        row.attempts,
        row.asked_by,
        row.posted_ts,
        json.loads(row.counts),
        row.error,
    )


def is_slot(digest_id: str, slot_at: int) -> ColumnElement[bool]:
    """One slot."""
    return and_(slots.c.digest_id == digest_id, slots.c.slot_at == slot_at)


def is_held(claim: Claim) -> ColumnElement[bool]:
    """The claim's slot, as long as it is this attempt that has it."""
    return and_(
        is_slot(claim.digest.id, claim.slot_at),
        slots.c.state == "open",
        slots.c.lease_holder == claim.holder,
        slots.c.attempts == claim.attempt,
    )


def may_be_worked(now: float, fresh_seconds: float) -> ColumnElement[bool]:
    """Slots of the schedule whose time has come, of digests that run, one after the other.

    Each carries on from the one before it, and waits for its end. An earlier one that Slack may have taken,
    and that is too old to be posted again, is only looked for, which may take a day: none waits for it then.
    A slot before its time was left by a clock that was wrong. What somebody asked for waits for none, and
    none waits for it.
    """
    earlier = slots.alias("earlier")
    waits = (
        select(earlier.c.slot_at)
        .where(
            earlier.c.digest_id == slots.c.digest_id,
            earlier.c.slot_at < slots.c.slot_at,
            earlier.c.slot_at > slots.c.slot_at - DAY,  # not all 90 days are read
            or_(earlier.c.uncertain.is_(False), earlier.c.slot_at > now - fresh_seconds),
            earlier.c.state == "open",
            earlier.c.asked_by == "",
        )
        .correlate(slots)
        .exists()
    )
    in_turn = and_(digests.c.paused_at.is_(None), slots.c.slot_at <= now, ~waits)
    return or_(slots.c.asked_by != "", in_turn)


def new_slot(digest_id: str, slot_at: int, **more: Any) -> dict[str, Any]:
    """The columns of a slot that nobody has taken yet."""
    row = {
        "digest_id": digest_id,
        "slot_at": slot_at,
        "state": "open",
        "asked_by": "",
        "attempts": 0,
        "uncertain": False,
        "retry_at": 0.0,
        "counts": "{}",
        "error": "",
        "notice": "",
        "ended_at": None,
    }
    return row | NO_LEASE | more


async def worked_slot(
    connection: AsyncConnection, digest_id: str, slot_at: int
) -> tuple[int | None, Unfinished]:
    """The last slot of the schedule before one that was posted or quiet, and what it left to be judged."""
    query = (
        select(slots.c.slot_at, slots.c.unfinished)
        .where(
            slots.c.digest_id == digest_id,
            slots.c.slot_at < slot_at,
            slots.c.asked_by == "",
            slots.c.state.in_(("posted", "quiet")),
        )
        .order_by(slots.c.slot_at.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    return (None, NOTHING_UNFINISHED) if row is None else (row.slot_at, decode_unfinished(row.unfinished))


async def forget_unfinished(connection: AsyncConnection, digest_id: str, before: int) -> None:
    """Forget what slots before one left to be judged: later ones have carried on from there."""
    old = and_(slots.c.digest_id == digest_id, slots.c.slot_at < before, slots.c.unfinished != "")
    await connection.execute(update(slots).where(old).values(unfinished=""))


async def slots_not_worked(
    connection: AsyncConnection, digest_id: str, slot_at: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Slots since the last one that was worked: those skipped or failed, and those still open."""
    before = and_(slots.c.digest_id == digest_id, slots.c.slot_at < slot_at, slots.c.asked_by == "")
    worked = select(func.max(slots.c.slot_at)).where(before, slots.c.state.in_(("posted", "quiet")))
    query = (
        select(slots.c.slot_at, slots.c.state)
        .where(before, slots.c.slot_at > func.coalesce(worked.scalar_subquery(), 0))
        .order_by(slots.c.slot_at)
    )
    rows = (await connection.execute(query)).all()
    missed = tuple(row.slot_at for row in rows if row.state != "open")
    return missed, tuple(row.slot_at for row in rows if row.state == "open")
