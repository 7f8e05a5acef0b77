"""What is kept about digests: adding, changing and listing them, and each of their slots."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, literal, select, text, update

from bot.features.digests.errors import FullChannelError
from bot.features.digests.rows import as_digest, as_slot, change_digest, pause_digest, skip_open_slots
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.slot_store import SlotStore
from bot.storage.database import Database
from bot.storage.migrations import current_revision
from bot.storage.tables import digests, slots
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.clock import Clock
    from bot.features.digests.models import Digest, NewDigest, Slot


MOST_A_CHANNEL = 20


def open_store(database_url: str, clock: Clock) -> Store:
    """The store behind a DATABASE_URL; the database itself is opened when it is first needed.

    Args:
        database_url: `sqlite:///file`, `postgres://…` or `postgresql://…`.
        clock: for what is due, and for leases on SQLite.

    Raises:
        StoreError: `address` or `driver`.
    """
    return Store(Database(database_url, clock), clock)


class Store(SlotStore):
    """The digests. Every method raises StoreError when the database cannot be used."""

    async def check(self) -> None:
        """Open the database for writing and bring its layout up to date, for those who want to know early."""
        await self._database.write(_touch)

    async def about(self) -> tuple[str, str]:
        """The database's name with its version, and the revision of its layout."""
        ask = "SHOW server_version" if self.is_shared else "SELECT sqlite_version()"

        async def work(connection: AsyncConnection) -> tuple[str, str]:
            version = (await connection.execute(text(ask))).scalar_one()
            kind = "PostgreSQL" if self.is_shared else "SQLite"
            revision = await connection.run_sync(current_revision)
            return f"{kind} {str(version).split()[0]}", revision or ""

        return await self._database.read(work)

    @property
    def folder(self) -> Path | None:
        """Where an SQLite file lies; None for any other database."""
        return self._database.folder

    async def close(self) -> None:
        """Finish what is running and close the database."""
        await self._database.close()

    async def add(self, new: NewDigest) -> Digest:
        """Keep a new digest, numbered after the last of its channel.

        Raises:
            QueryError: the schedule cannot be read.
            LookupError: there is no such zone.
            FullChannelError: its channel has as many as there may be.
            StoreError: the database cannot be used.
        """
        now = self._clock.now()
        first = int(next_times(parse_schedule(new.schedule, 0), now, new.zone, 1)[0])
        row = asdict(new) | {
            "id": secrets.token_hex(8),
            "created_at": int(now),
            "next_run_at": first,
            "paused_why": "",
            "last_result": "",
            "last_error": "",
        }
        here = (digests.c.team_id == new.team_id, digests.c.channel_id == new.channel_id)
        # One statement counts, numbers and adds, of one moment: two that come at once take the same number,
        # one of them is refused it and counts again.
        number = select(func.coalesce(func.max(digests.c.number), 0) + 1).where(*here).scalar_subquery()
        there_are = select(func.count()).select_from(digests).where(*here).scalar_subquery()
        values = [literal(value, digests.c[name].type) for name, value in row.items()]
        numbered = select(*values, number).where(there_are < MOST_A_CHANNEL)

        async def work(connection: AsyncConnection) -> Digest:
            await connection.execute(insert(digests).from_select([*row, "number"], numbered))
            this = select(digests).where(digests.c.id == row["id"])
            added = (await connection.execute(this)).one_or_none()
            if added is None:
                raise FullChannelError(MOST_A_CHANNEL)
            return as_digest(added)

        return await self._database.write(work)

    async def get(self, digest_id: str) -> Digest | None:
        """One digest; None when there is none, or no longer."""
        return await self._one(select(digests).where(digests.c.id == digest_id))

    async def get_numbered(self, team_id: str, channel_id: str, number: int) -> Digest | None:
        """One digest by the number that people call it by in its channel."""
        here = (digests.c.team_id == team_id, digests.c.channel_id == channel_id, digests.c.number == number)
        return await self._one(select(digests).where(*here))

    async def list_digests(self, team_id: str, channel_id: str) -> list[Digest]:
        """A channel's digests, by number."""
        here = (digests.c.team_id == team_id, digests.c.channel_id == channel_id)

        async def work(connection: AsyncConnection) -> list[Digest]:
            rows = await connection.execute(select(digests).where(*here).order_by(digests.c.number))
            return [as_digest(row) for row in rows]

        return await self._database.read(work)

    async def change(
        self,
        digest_id: str,
        *,
        query: str | None = None,
        schedule: str | None = None,
        zone: str | None = None,
        quiet: str | None = None,
        owner_id: str | None = None,
        for_outsiders: bool | None = None,
    ) -> Digest | None:
        """Change what is given; another schedule or zone counts from now on. None when it is gone.

        Raises:
            QueryError: the schedule cannot be read.
            LookupError: there is no such zone.
            StoreError: the database cannot be used.
        """
        given = {
            "query": query,
            "schedule": schedule,
            "zone": zone,
            "quiet": quiet,
            "owner_id": owner_id,
            "for_outsiders": for_outsiders,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}

        def with_next_run(digest: Digest) -> dict[str, Any]:
            if digest.is_paused or not {"schedule", "zone"} & set(changes):
                return changes
            again = parse_schedule(changes.get("schedule", digest.schedule), 0)
            first = next_times(again, self._clock.now(), changes.get("zone", digest.zone), 1)[0]
            return changes | {"next_run_at": int(first)}

        if schedule is not None:
            parse_schedule(schedule, 0)
        if zone is not None:
            zone_info(zone)
        return await self._change(digest_id, with_next_run)

    async def pause(self, digest_id: str, why: str = "") -> Digest | None:
        """Let no more slots come up. `why` is a sentence where the bot does it. None when it is gone."""
        now = int(self._clock.now())

        async def work(connection: AsyncConnection) -> Digest | None:
            digest = await pause_digest(connection, digest_id, why, now)
            await skip_open_slots(connection, digest_id, self._database.lease_now(), now)
            return digest

        return await self._database.write(work)

    async def resume(self, digest_id: str) -> Digest | None:
        """Let slots come up again, from now on; what was missed stays missed. None when it is gone."""

        def resumed(digest: Digest) -> dict[str, Any]:
            if not digest.is_paused:
                return {}
            first = next_times(parse_schedule(digest.schedule, 0), self._clock.now(), digest.zone, 1)[0]
            return {"paused_at": None, "paused_why": "", "next_run_at": int(first)}

        return await self._change(digest_id, resumed)

    async def remove(self, digest_id: str) -> bool:
        """Forget a digest and its slots; whether it was there."""

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(delete(digests).where(digests.c.id == digest_id))).rowcount == 1

        return await self._database.write(work)

    async def latest_slots(self, digest_id: str, count: int) -> list[Slot]:
        """A digest's last slots, the newest first."""
        query = (
            select(slots).where(slots.c.digest_id == digest_id).order_by(slots.c.slot_at.desc()).limit(count)
        )

        async def work(connection: AsyncConnection) -> list[Slot]:
            return [as_slot(row) for row in await connection.execute(query)]

        return await self._database.read(work)

    async def _change(self, digest_id: str, changes: Callable[[Digest], dict[str, Any]]) -> Digest | None:
        async def work(connection: AsyncConnection) -> Digest | None:
            return await change_digest(connection, digest_id, changes)

        return await self._database.write(work)

    async def _one(self, query: Select[Any]) -> Digest | None:
        async def work(connection: AsyncConnection) -> Digest | None:
            row = (await connection.execute(query)).one_or_none()
            return as_digest(row) if row else None

        return await self._database.read(work)


async def _touch(connection: AsyncConnection) -> None:
    """Write nothing in a way that only a database takes that can be written."""
    await connection.execute(update(digests).where(digests.c.id == "").values(number=0))
