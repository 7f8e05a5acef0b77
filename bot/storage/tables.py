"""The tables as queries name them; `migrations` makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Float, Integer, MetaData, Table, Text

_metadata = MetaData()

digests = Table(
    "digests",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("team_id", Text),
    Column("channel_id", Text),
    Column("number", Integer),
    Column("owner_id", Text),
    Column("query", Text),
    Column("schedule", Text),
    Column("zone", Text),
    Column("quiet", Text),
    Column("created_at", BigInteger),
    Column("next_run_at", BigInteger),
    Column("paused_at", BigInteger),
    Column("paused_why", Text),
    Column("last_slot_at", BigInteger),
    Column("last_result", Text),
    Column("last_error", Text),
    Column("for_outsiders", Boolean),
)

slots = Table(
    "slots",
    _metadata,
    Column("digest_id", Text, primary_key=True),
    Column("slot_at", BigInteger, primary_key=True),
    Column("state", Text),
    Column("asked_by", Text),
    Column("attempts", Integer),
    Column("uncertain", Boolean),
    Column("retry_at", Float),
    Column("lease_holder", Text),
    Column("lease_until", Float),
    Column("posted_ts", Text),
    Column("counts", Text),
    Column("error", Text),
    Column("notice", Text),
    Column("ended_at", BigInteger),
    Column("look", Text),
    Column("unfinished", Text),
)

replicas = Table(
    "recordings_bot_replicas",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("budget", Text),
    Column("joined_at", Double),
    Column("max_rps", Integer),
    Column("beat", Integer),
    Column("share", Integer),
    Column("floor", Integer),
    Column("leased_until", Double),
    Column("kept_until", Double),
    Column("settles_until", Double),
)

deliveries = Table(
    "recordings_bot_deliveries",
    _metadata,
    Column("key", Text, primary_key=True),
    Column("holder", Text),
    Column("expires_at", Double),
)
