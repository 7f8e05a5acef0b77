"""What SQLite and PostgreSQL say when they fail, in our words; their own may hold addresses."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from bot.digests.errors import StoreError

_SQLITE_REASONS = {
    "SQLITE_BUSY": "busy",
    "SQLITE_LOCKED": "busy",
    "SQLITE_READONLY": "read-only",
    "SQLITE_PERM": "read-only",
    "SQLITE_FULL": "full",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_CANTOPEN": "missing",
    "SQLITE_IOERR": "away",
}

# PostgreSQL's own list, appendix A "Error codes": whole states first, then classes.
_POSTGRES_REASONS = {
    "25006": "read-only",
    "42501": "read-only",
    "3D000": "refused",
    "57P01": "away",
    "57P02": "away",
    "57P03": "away",
    "55P03": "busy",
    "57014": "busy",
    "53100": "full",
    "23505": "busy",
    "08": "away",
    "28": "refused",
    "40": "busy",
    "53": "busy",
}


def store_error(error: Exception) -> StoreError:
    """Our word for what the database said; its own words stay out."""
    if isinstance(error, exc.TimeoutError):  # of the pool
        return StoreError("busy")
    cause: BaseException | None = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return StoreError(sqlite_reason(cause), getattr(cause, "sqlite_errorname", None) or "")
    if isinstance(cause, OSError):  # TimeoutError is one
        return StoreError("away")
    state = getattr(cause, "sqlstate", None) or ""
    if not state:  # it broke off, or was never reached; a refused sign-in has no state either
        refused = "authentication failed" in str(cause) or "does not exist" in str(cause)
        return StoreError("refused" if refused else "away")
    return StoreError(_POSTGRES_REASONS.get(state) or _POSTGRES_REASONS.get(state[:2], "failed"), state)


def sqlite_reason(error: sqlite3.Error) -> str:
    """The reason of a StoreError."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return next((reason for start, reason in _SQLITE_REASONS.items() if name.startswith(start)), "failed")
