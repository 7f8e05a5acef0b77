"""Alembic runs this script for every upgrade: it applies revisions on the connection that it is given."""

from __future__ import annotations

from alembic import context

from bot.storage.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
