"""Revision 0002: what replicas share: which of them live, with their shares, and deliveries seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_replicas"
down_revision = "0001_digests"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "recordings_bot_replicas",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("budget", sa.Text, nullable=False),
        sa.Column("joined_at", sa.Double, nullable=False),
        sa.Column("max_rps", sa.Integer, nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("share", sa.Integer, nullable=False),
        sa.Column("floor", sa.Integer, nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.Column("kept_until", sa.Double, nullable=False),
        sa.Column("settles_until", sa.Double, nullable=False),
    )
    op.create_table(
        "recordings_bot_deliveries",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("recordings_bot_deliveries_expire", "recordings_bot_deliveries", ["expires_at"])
