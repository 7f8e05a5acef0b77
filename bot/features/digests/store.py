"""Digests and their slots in the database: added, changed, due, posted once, and put right."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import QueryError
from bot.features.digests.models import FRESH_SECONDS, Claim, Digest, FullChannelError, Notice, Slot
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.slot_windows import previous_slot, right_next_run, slots_until
from bot.features.digests.unfinished import NOTHING_UNFINISHED, Unfinished, decode_unfinished
from bot.query.times import DAY, MINUTE
from bot.storage.database import Database, read_transaction, transaction
from bot.storage.migrations import current_revision
from bot.storage.outbox import NEW_STEP, NO_LEASE, Outbox
from bot.storage.tables import digests, slots
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.clock import Clock
    from bot.features.digests.models import NewDigest

MOST_A_CHANNEL = 20

MISSED = "It couldn't be posted within an hour of its time."

KEPT_SECONDS = 90 * DAY
"""How long the slots of a digest are kept."""

TELL_SECONDS = DAY
"""How long the bot keeps trying to tell an owner about a failure."""

_MOST_ADVANCED = 50
"""Digests whose slots are created in one transaction: at a full hour there may be a thousand."""

_NEW_SLOT = NEW_STEP | {"asked_by": "", "counts": "{}", "notice": "", "ended_at": None}

_OF_SCHEDULE = slots.c.asked_by == ""
_WORKED = slots.c.state.in_(("posted", "quiet"))
_MISSED = slots.c.state.in_(("skipped", "failed"))


@dataclass(frozen=True, slots=True)
class WrongTimes:
    """Stored times that a wrong clock, or a change of a zone's rules, left wrong. Times are Unix seconds.

    Attributes:
        now: when they were compared.
        next_runs: digests as they are stored, each with the time it is really due next.
        slots: (digest, time) of slots that were skipped or failed before their time, or long after now.
        waits: whether open slots wait longer than they can have to.
    """

    now: float
    next_runs: tuple[tuple[Digest, int], ...] = ()
    slots: tuple[tuple[str, int], ...] = ()
    waits: bool = False

    def __bool__(self) -> bool:
        return bool(self.next_runs or self.slots or self.waits)


def open_store(database_url: str, clock: Clock) -> Store:
    """The store behind a DATABASE_URL; the database itself is opened when it is first needed.

    Args:
        database_url: `sqlite:///file`, `postgres://…` or `postgresql://…`.
        clock: for what is due, and for leases on SQLite.

    Raises:
        StoreError: `address` or `driver`.
    """
    return Store(Database(database_url, clock), clock)


class Store:
    """The digests. Every method raises StoreError when the database cannot be used.

    Attributes:
        outbox: the slots as steps to be posted once.
        fresh_seconds: how old a slot may be and still be posted; the claims carry it.
        on_end: called for every slot that ends, with its state and how many seconds after its time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.outbox = Outbox(database, slots, slots.c.digest_id, slots.c.slot_at)
        self.fresh_seconds = FRESH_SECONDS
        self.on_end: Callable[[str, float], None] = lambda _, __: None
        self._clock = clock

    @property
    def is_shared(self) -> bool:
        """Whether replicas on other machines may use the same database."""
        return self.database.is_postgres

    async def close(self) -> None:
        """Finish what is running and close the database."""
        await self.database.close()

    @transaction
    async def check(self, tx: AsyncConnection) -> None:
        """Bring the layout up to date, and write nothing in a way that fails where nothing can be written."""
        await tx.execute(update(digests).where(digests.c.id == "").values(number=0))

    @read_transaction
    async def about(self, tx: AsyncConnection) -> tuple[str, str]:
        """The database's name with its version, and the revision of its layout."""
        ask = "SHOW server_version" if self.is_shared else "SELECT sqlite_version()"
        version = (await tx.execute(text(ask))).scalar_one()
        kind = "PostgreSQL" if self.is_shared else "SQLite"
        return f"{kind} {str(version).split()[0]}", await tx.run_sync(current_revision) or ""

    @transaction
    async def add(self, tx: AsyncConnection, new: NewDigest) -> Digest:
        """Add a digest, numbered after the last of its channel.

        Raises:
            QueryError: the schedule cannot be read.
            LookupError: there is no such zone.
            FullChannelError: its channel has as many as there may be.
            StoreError: the database cannot be used.
        """
        now = self._clock.now()
        next_run_at = int(next_times(parse_schedule(new.schedule, 0), now, new.zone, 1)[0])
        digest = Digest(**asdict(new), id=secrets.token_hex(8), created_at=int(now), next_run_at=next_run_at)
        row = asdict(digest)
        del row["number"]
        here = and_(digests.c.team_id == new.team_id, digests.c.channel_id == new.channel_id)
        # One statement counts, numbers and adds at one moment. Of two that come at once and take the same
        # number, one is refused and runs again.
        number = select(func.coalesce(func.max(digests.c.number), 0) + 1).where(here).scalar_subquery()
        there_are = select(func.count()).select_from(digests).where(here).scalar_subquery()
        values = [literal(value, digests.c[name].type) for name, value in row.items()]
        numbered = select(*values, number).where(there_are < MOST_A_CHANNEL)
        await tx.execute(insert(digests).from_select([*row, "number"], numbered))
        added = await _find(tx, digests.c.id == digest.id)
        if added is None:
            raise FullChannelError(MOST_A_CHANNEL)
        return added

    @read_transaction
    async def get(self, tx: AsyncConnection, digest_id: str) -> Digest | None:
        """One digest; None when there is none, or no longer."""
        return await _find(tx, digests.c.id == digest_id)

    @read_transaction
    async def get_numbered(
        self, tx: AsyncConnection, team_id: str, channel_id: str, number: int
    ) -> Digest | None:
        """One digest by the number that people call it by in its channel."""
        here = and_(digests.c.team_id == team_id, digests.c.channel_id == channel_id)
        return await _find(tx, here, digests.c.number == number)

    @read_transaction
    async def list_digests(self, tx: AsyncConnection, team_id: str, channel_id: str) -> list[Digest]:
        """A channel's digests, by number."""
        here = and_(digests.c.team_id == team_id, digests.c.channel_id == channel_id)
        return [
            _digest(row) for row in await tx.execute(select(digests).where(here).order_by(digests.c.number))
        ]

    @transaction
    async def change(
        self, tx: AsyncConnection, /, digest_id: str, **given: str | bool | None
    ) -> Digest | None:
        """Change the columns that are given and not None; None when the digest is gone.

        Another schedule or zone counts from now on.

        Raises:
            QueryError: the schedule cannot be read.
            LookupError: there is no such zone.
            StoreError: the database cannot be used.
        """
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if "schedule" in changes:
            parse_schedule(changes["schedule"], 0)
        if "zone" in changes:
            zone_info(changes["zone"])
        digest = await _locked(tx, digest_id)
        if digest is None:
            return None
        if not digest.is_paused and {"schedule", "zone"} & changes.keys():
            changes["next_run_at"] = self._next_run_at(replace(digest, **changes))
        return await _changed(tx, digest, **changes)

    @transaction
    async def pause(self, tx: AsyncConnection, digest_id: str) -> Digest | None:
        """Create no more slots, and skip those that nobody works on; None when the digest is gone."""
        now = int(self._clock.now())
        digest = await _pause(tx, digest_id, "", now)
        waiting = and_(slots.c.digest_id == digest_id, slots.c.state == "open", self.outbox.is_free())
        skipped = {"state": "skipped", "error": "It was paused before this was posted.", "ended_at": now}
        await tx.execute(update(slots).where(waiting).values(skipped))
        return digest

    @transaction
    async def resume(self, tx: AsyncConnection, digest_id: str) -> Digest | None:
        """Create slots again, from now on; what was missed stays missed. None when the digest is gone."""
        digest = await _locked(tx, digest_id)
        if digest is None or not digest.is_paused:
            return digest
        first = self._next_run_at(digest)
        return await _changed(tx, digest, paused_at=None, paused_why="", next_run_at=first)

    def _next_run_at(self, digest: Digest) -> int:
        return int(next_times(parse_schedule(digest.schedule, 0), self._clock.now(), digest.zone, 1)[0])

    @transaction
    async def remove(self, tx: AsyncConnection, digest_id: str) -> bool:
        """Forget a digest and its slots; whether it was there."""
        return (await tx.execute(delete(digests).where(digests.c.id == digest_id))).rowcount == 1

    @transaction
    async def ask(self, tx: AsyncConnection, digest_id: str, asked_by: str) -> int | None:
        """Create a slot now, out of turn; its time, or None when there is no such digest."""
        digest = await _find(tx, digests.c.id == digest_id)
        if digest is None:
            return None
        now = int(self._clock.now())
        # A slot of the schedule that is due this second keeps its time to itself.
        slot_at = now + 1 if right_next_run(digest, now - 1) == now else now
        await _add_slots(tx, [{"digest_id": digest_id, "slot_at": slot_at, "asked_by": asked_by}])
        return slot_at

    @read_transaction
    async def latest_slots(self, tx: AsyncConnection, digest_id: str, count: int) -> list[Slot]:
        """A digest's last slots, the newest first."""
        its = select(slots).where(slots.c.digest_id == digest_id)
        return [_slot(row) for row in await tx.execute(its.order_by(slots.c.slot_at.desc()).limit(count))]

    @read_transaction
    async def previous_counts(
        self, tx: AsyncConnection, digest_id: str, slot_at: int, count: int
    ) -> list[tuple[int, dict[str, int]]]:
        """The counts of the slots of the schedule before one, the newest first: (slot, counts)."""
        rows = await tx.execute(_last_worked(digest_id, slot_at, slots.c.counts).limit(count))
        return [(row.slot_at, json.loads(row.counts)) for row in rows]

    # Slots, from due to posted.

    @read_transaction
    async def seconds_to_next(self, tx: AsyncConnection, now: float) -> float | None:
        """Seconds until something may be due: at most 0 when it is; None when nothing ever will be."""
        next_run_at = select(func.min(digests.c.next_run_at) - now).where(digests.c.paused_at.is_(None))
        slot_wait = (
            select(func.min(self.outbox.wait_seconds(now)))
            .join_from(slots, digests, slots.c.digest_id == digests.c.id)
            .where(slots.c.state == "open", _may_be_worked(now, self.fresh_seconds))
        )
        waits = [(await tx.execute(query)).scalar_one() for query in (next_run_at, slot_wait)]
        return min((float(wait) for wait in waits if wait is not None), default=None)

    async def claim_due(self, now: float, holder: str, lease_seconds: float) -> Claim | None:
        """Create the slots that are due, and claim one of them; None when there is none.

        Slots are created by a compare-and-swap of the digest's next time, and are rows whose key is digest
        and time: however many workers look, each is created once.

        Args:
            now: Unix seconds.
            holder: names this worker.
            lease_seconds: how long nobody else may claim it.
        """
        await self.database.join(self.outbox.free_abandoned)
        stale, claim = await self._claim_due(now, holder, lease_seconds)
        for slot_at in stale:
            self.on_end("skipped", now - slot_at)
        return claim

    @transaction
    async def _claim_due(
        self, tx: AsyncConnection, now: float, holder: str, lease_seconds: float
    ) -> tuple[list[int], Claim | None]:
        stale = await self._create_due_slots(tx, now)
        return stale, await self._claim(tx, now, holder, lease_seconds)

    async def _create_due_slots(self, tx: AsyncConnection, now: float) -> list[int]:
        """Create the slots of up to 50 digests that are due; returns those skipped as too old."""
        due = (
            select(digests)
            .where(digests.c.next_run_at <= now)
            .order_by(digests.c.next_run_at)
            .limit(_MOST_ADVANCED)
            .with_for_update(skip_locked=True)
        )
        rows: list[dict[str, Any]] = []
        too_old: list[int] = []
        for row in (await tx.execute(due)).all():
            digest = _digest(row)
            same = and_(digests.c.id == digest.id, digests.c.next_run_at == digest.next_run_at)
            try:
                fresh, stale, next_run_at = slots_until(digest, now, self.fresh_seconds)
            except (QueryError, LookupError, ValueError):  # a newer version's, or an abolished zone
                why = f"Its schedule `{digest.schedule}` or its zone {digest.zone} can no longer be read."
                await _pause(tx, digest.id, why, int(now))
                continue
            swapped = await tx.execute(update(digests).where(same).values(next_run_at=next_run_at))
            if swapped.rowcount == 1:
                skipped = {"state": "skipped", "error": MISSED, "ended_at": int(now)}
                rows += [{"digest_id": digest.id, "slot_at": time} | skipped for time in stale]
                rows += [{"digest_id": digest.id, "slot_at": time} for time in fresh]
                too_old += stale
        await _add_slots(tx, rows)
        return too_old

    async def _claim(
        self, tx: AsyncConnection, now: float, holder: str, lease_seconds: float
    ) -> Claim | None:
        of_slot = ("digest_id", "slot_at", "attempts", "uncertain", "asked_by", "error", "look")
        due = (
            select(*(slots.c[name] for name in of_slot), digests)
            .join_from(slots, digests, slots.c.digest_id == digests.c.id)
            .where(self.outbox.is_due(now), _may_be_worked(now, self.fresh_seconds))
            .order_by(slots.c.attempts, slots.c.slot_at)  # what failed before waits for what did not
        )
        row = await self.outbox.claim(tx, due, holder, lease_seconds, attempts=slots.c.attempts + 1)
        if row is None:
            return None
        digest = _digest(row)
        worked_at, unfinished = await _last_unfinished(tx, digest.id, row.slot_at)
        missed, unconfirmed = await _not_worked(tx, digest.id, row.slot_at, worked_at or 0)
        return Claim(
            digest=digest,
            slot_at=row.slot_at,
            attempt=row.attempts + 1,
            holder=holder,
            asked_by=row.asked_by,
            uncertain=row.uncertain,
            previous_slot_at=previous_slot(digest, row.slot_at),
            worked_at=worked_at,
            unfinished=unfinished,
            missed=missed,
            unconfirmed=unconfirmed,
            last_error=row.error,
            look=row.look,
            fresh_seconds=self.fresh_seconds,
        )

    @transaction
    async def keep(
        self, tx: AsyncConnection, claim: Claim, counts: Mapping[str, int], unfinished: str
    ) -> bool:
        """Keep what a slot is about to tell; False when another worker has it.

        It is kept before the message is sent: one that is found in the channel later told just this.
        `counts` are figures to compare later slots with. `unfinished` is left to be judged again; empty for a
        slot that somebody asked for.
        """
        return await self.outbox.settle(
            tx, claim, {"counts": json.dumps(dict(counts)), "unfinished": unfinished}
        )

    async def finish(self, claim: Claim, posted_ts: str | None) -> bool:
        """Note a slot as posted, or as quiet without a timestamp; False when another worker has it."""
        return await self._end(claim, "posted" if posted_ts else "quiet", "", {"posted_ts": posted_ts})

    async def skip(self, claim: Claim, why: str) -> bool:
        """Note that a slot is not posted, with a sentence; False when another worker has it."""
        return await self._end(claim, "skipped", why, {})

    async def fail(self, claim: Claim, error: str, pause_why: str = "") -> bool:
        """Note that a slot has failed, and won't be tried again; False when another worker has it.

        `error` is a sentence for the owner, who is told if this slot is the first in a row, or if the digest
        is paused: `pause_why` pauses it, and says why.
        """
        tell = claim.digest.last_result != "failed" or bool(pause_why)
        values = {"notice": "pending" if tell else "", "uncertain": claim.uncertain}
        return await self._end(claim, "failed", error, values, pause_why)

    async def _end(
        self, claim: Claim, state: str, error: str, values: Mapping[str, Any], pause_why: str = ""
    ) -> bool:
        now = int(self._clock.now())
        ended = {**values, **NO_LEASE, "state": state, "error": error, "ended_at": now}
        has_ended = await self._note_end(claim, ended, pause_why)
        if has_ended:
            self.on_end(state, now - claim.slot_at)
        return has_ended

    @transaction
    async def _note_end(
        self, tx: AsyncConnection, claim: Claim, ended: Mapping[str, Any], pause_why: str
    ) -> bool:
        """End a slot, note it with its digest, and forget what is no longer needed."""
        if not await self.outbox.settle(tx, claim, ended):
            return False
        # A slot that was looked for may end after later ones; a time in the future is from a wrong clock.
        last = digests.c.last_slot_at
        is_last = or_(last.is_(None), last <= claim.slot_at, last > ended["ended_at"])
        outcome = {
            "last_slot_at": claim.slot_at,
            "last_result": ended["state"],
            "last_error": ended["error"],
        }
        if not claim.asked_by:  # a test says nothing about how the schedule does
            await tx.execute(update(digests).where(digests.c.id == claim.digest.id, is_last).values(outcome))
        if pause_why:
            await _pause(tx, claim.digest.id, pause_why, ended["ended_at"])
        its = slots.c.digest_id == claim.digest.id
        if claim.worked_at is not None:  # later slots have carried on from there
            told = and_(its, slots.c.slot_at < claim.worked_at, slots.c.unfinished != "")
            await tx.execute(update(slots).where(told).values(unfinished=""))
        await tx.execute(delete(slots).where(its, slots.c.slot_at < claim.slot_at - KEPT_SECONDS))
        return True

    # Owners to be told.

    @transaction
    async def claim_notice(
        self, tx: AsyncConnection, now: float, holder: str, lease_seconds: float
    ) -> Notice | None:
        """Claim one failure to tell its owner about; None when there is none."""
        pending = (
            select(slots.c.digest_id, slots.c.slot_at, slots.c.error, digests)
            .join_from(slots, digests, slots.c.digest_id == digests.c.id)
            .where(slots.c.notice == "pending", self.outbox.is_free(), slots.c.ended_at > now - TELL_SECONDS)
        )
        row = await self.outbox.claim(tx, pending, holder, lease_seconds)
        return Notice(_digest(row), row.slot_at, row.error) if row else None

    @transaction
    async def told(self, tx: AsyncConnection, notice: Notice) -> None:
        """Note that the owner was told, or cannot be."""
        this = self.outbox.is_step((notice.digest.id, notice.slot_at))
        await tx.execute(update(slots).where(this).values(notice="told", **NO_LEASE))

    # What a wrong clock left.

    async def find_wrong_times(self, now: float) -> WrongTimes:
        """Compare what is stored with the schedules and `now` (Unix seconds). Nothing is changed."""
        coming, early, some_wait = await self._times(now)
        next_runs = []
        for digest in coming:
            await asyncio.sleep(0)  # a thousand of them hold up nobody
            right = right_next_run(digest, now)
            if right is not None and right != digest.next_run_at:
                next_runs.append((digest, right))
        return WrongTimes(now, tuple(next_runs), early, some_wait)

    @read_transaction
    async def _times(
        self, tx: AsyncConnection, now: float
    ) -> tuple[list[Digest], tuple[tuple[str, int], ...], bool]:
        """Digests whose next time is still to come, slots that ended too early, and whether any is stuck."""
        coming = await tx.execute(select(digests).where(digests.c.next_run_at > now))
        ended_early = await tx.execute(
            select(slots.c.digest_id, slots.c.slot_at)
            .join_from(digests, slots, slots.c.digest_id == digests.c.id)  # by the key, digest by digest
            .where(
                slots.c.slot_at > now - self.fresh_seconds,
                or_(slots.c.slot_at > now, slots.c.ended_at > now + 10 * MINUTE),
                _OF_SCHEDULE,
                _MISSED,
                slots.c.uncertain.is_(False),
            )
        )
        stuck = await tx.execute(select(func.count()).select_from(slots).where(self._is_stuck(now)))
        early = tuple((row.digest_id, row.slot_at) for row in ended_early)
        return [_digest(row) for row in coming], early, bool(stuck.scalar_one())

    def _is_stuck(self, now: float) -> ColumnElement[bool]:
        return and_(or_(slots.c.state == "open", slots.c.notice == "pending"), self.outbox.is_stuck(now))

    @transaction
    async def put_right(self, tx: AsyncConnection, wrong: WrongTimes) -> None:
        """Set right what `find_wrong_times` found, as far as it is still so.

        Slots that are taken back are created at their time, as if nothing had been noted about them.
        """
        for digest, right in wrong.next_runs:
            names = ("id", "schedule", "zone", "next_run_at")
            same = and_(*(digests.c[name] == getattr(digest, name) for name in names))
            await tx.execute(update(digests).where(same).values(next_run_at=right))
        for digest_id, slot_at in wrong.slots:
            anew = _NEW_SLOT | {"unfinished": ""}
            taken_back = delete(slots) if slot_at > wrong.now else update(slots).values(anew)
            await tx.execute(taken_back.where(self.outbox.is_step((digest_id, slot_at)), _MISSED))
            noted = and_(digests.c.id == digest_id, digests.c.last_slot_at == slot_at)
            never = {"last_slot_at": None, "last_result": "", "last_error": ""}
            await tx.execute(update(digests).where(noted).values(never))
        await self.outbox.unstick(tx, wrong.now, self._is_stuck(wrong.now))


def _digest(row: Row[Any]) -> Digest:
    return Digest(**{name: getattr(row, name) for name in digests.columns.keys()})  # noqa: SIM118 - columns otherwise


def _slot(row: Row[Any]) -> Slot:
    columns = (row.digest_id, row.slot_at, row.state, row.attempts, row.asked_by, row.posted_ts)
    return Slot(*columns, json.loads(row.counts), row.error)


async def _find(tx: AsyncConnection, *where: ColumnElement[bool]) -> Digest | None:
    row = (await tx.execute(select(digests).where(*where))).one_or_none()
    return _digest(row) if row else None


async def _locked(tx: AsyncConnection, digest_id: str) -> Digest | None:
    """A digest that nobody else changes until the transaction ends."""
    row = (await tx.execute(select(digests).where(digests.c.id == digest_id).with_for_update())).one_or_none()
    return _digest(row) if row else None


async def _changed(tx: AsyncConnection, digest: Digest, **changes: Any) -> Digest:
    if changes:
        await tx.execute(update(digests).where(digests.c.id == digest.id).values(changes))
    return replace(digest, **changes)


async def _pause(tx: AsyncConnection, digest_id: str, why: str, now: int) -> Digest | None:
    digest = await _locked(tx, digest_id)
    if digest is None:
        return None
    return await _changed(tx, digest, paused_at=digest.paused_at or now, paused_why=why, next_run_at=None)


async def _add_slots(tx: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Add slots, but those that are there already."""
    if rows:
        dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
        await tx.execute(dialect.insert(slots).on_conflict_do_nothing(), [_NEW_SLOT | row for row in rows])


def _may_be_worked(now: float, fresh_seconds: float) -> ColumnElement[bool]:
    """Slots of the schedule whose time has come, of digests that aren't paused, one after the other.

    Each carries on from the one before it, and waits for its end. An earlier one that Slack may have taken,
    and that is too old to be posted again, is only looked for, which may take a day: none waits for it then.
    A slot before its time was left by a wrong clock. What somebody asked for waits for none, and none waits
    for it.
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


def _last_worked(digest_id: str, slot_at: int, column: ColumnElement[str]) -> Select[Any]:
    """Slots of the schedule before one that were posted or quiet, the newest first."""
    before = and_(slots.c.digest_id == digest_id, slots.c.slot_at < slot_at, _OF_SCHEDULE, _WORKED)
    return select(slots.c.slot_at, column).where(before).order_by(slots.c.slot_at.desc())


async def _last_unfinished(
    tx: AsyncConnection, digest_id: str, slot_at: int
) -> tuple[int | None, Unfinished]:
    """The last slot before one that was worked, and what it left to be judged."""
    row = (await tx.execute(_last_worked(digest_id, slot_at, slots.c.unfinished).limit(1))).one_or_none()
    return (None, NOTHING_UNFINISHED) if row is None else (row.slot_at, decode_unfinished(row.unfinished))


async def _not_worked(
    tx: AsyncConnection, digest_id: str, slot_at: int, worked_at: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Slots of the schedule between two: those skipped or failed, and those still open."""
    between = and_(slots.c.slot_at > worked_at, slots.c.slot_at < slot_at)
    its = select(slots.c.slot_at, slots.c.state).where(slots.c.digest_id == digest_id, between, _OF_SCHEDULE)
    rows = (await tx.execute(its.order_by(slots.c.slot_at))).all()
    missed = tuple(row.slot_at for row in rows if row.state != "open")
    return missed, tuple(row.slot_at for row in rows if row.state == "open")
