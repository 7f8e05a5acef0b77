"""Every table, its columns and its indexes; a change here needs a revision in `migrations/versions/`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

digests = Table(
    "recordings_bot_digests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("team_id", Text, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("quiet", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_run_at", BigInteger),
    Column("paused_at", BigInteger),
    Column("paused_why", Text, nullable=False),
    Column("last_slot_at", BigInteger),
    Column("last_result", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("for_outsiders", Boolean, nullable=False, server_default=text("FALSE")),
    UniqueConstraint("team_id", "channel_id", "number"),
    Index("recordings_bot_digests_due", "next_run_at"),
)

_OPEN, _TO_TELL = text("state = 'open'"), text("notice = 'pending'")

slots = Table(
    "recordings_bot_slots",
    metadata,
    Column("digest_id", Text, ForeignKey(digests.c.id, ondelete="CASCADE"), primary_key=True),
    Column("slot_at", BigInteger, primary_key=True),
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("retry_at", Double, nullable=False),
    Column("lease_holder", Text, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("posted_ts", Text),
    Column("counts", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("notice", Text, nullable=False),
    Column("ended_at", BigInteger),
    Column("unfinished", Text, nullable=False, server_default=text("''")),
    Column("look", Text, nullable=False, server_default=text("''")),
    Index("recordings_bot_slots_open", "attempts", "slot_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("recordings_bot_slots_to_tell", "slot_at", sqlite_where=_TO_TELL, postgresql_where=_TO_TELL),
)

replicas = Table(
    "recordings_bot_replicas",
    metadata,
    Column("id", Text, primary_key=True),
    Column("budget", Text, nullable=False),
    Column("joined_at", Double, nullable=False),
    Column("max_rps", Integer, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("share", Integer, nullable=False),
    Column("floor", Integer, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("kept_until", Double, nullable=False),
    Column("settles_until", Double, nullable=False),
)

deliveries = Table(
    "recordings_bot_deliveries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("recordings_bot_deliveries_expire", "expires_at"),
)
