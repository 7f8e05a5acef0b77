"""What SQLite and PostgreSQL say when they fail, in our words; their own may hold addresses."""

from __future__ import annotations

import re
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
    "28P01": "wrong password",
    "3D000": "no database",
    "53300": "no connection left",
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

# What libpq and psycopg say of a connection that never came about: such an error has no SQLSTATE (psycopg
# 3.3). One text may tell of several tries, with TLS and without, or of several addresses: the first that fits
# says most. The server's own words, those with FATAL, may be in another language.
_UNCONNECTED_REASONS = (
    ("password authentication failed", "wrong password"),
    ("no password supplied", "no password"),
    ("root certificate file", "certificate file"),
    ("certificate verify failed", "certificate"),
    ("does not match host name", "certificate"),
    ("client certificate", "client certificate"),
    ("certificate authentication failed", "client certificate"),
    ("server does not support SSL", "tls not offered"),
    ("SSL encryption", "not let in"),
    ("no encryption", "tls needed"),
    ("no pg_hba.conf entry", "not let in"),
    ("too many clients", "no connection left"),
    ("connection slots are reserved", "no connection left"),
    ("too many connections for", "no connection left"),
    ("no more connections allowed", "no connection left"),  # PgBouncer
    ("invalid connection option", "option"),
    ("invalid sslmode value", "option"),
    ("weak sslmode", "option"),  # sslrootcert=system with less than verify-full
    ("invalid integer value", "option"),
    ("invalid response to SSL negotiation", "no postgres"),
    ("expected authentication request", "no postgres"),
    ("failed to resolve host", "no host"),
    ("could not translate host name", "no host"),
    ("Connection refused", "no listener"),
    ("No such file or directory", "no listener"),  # a socket in the file system
)
_NO_SUCH = re.compile(r'(role|database) ".*" does not exist')


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
    if not state:  # it broke off, or was never reached
        return StoreError(_unconnected_reason(cause))
    return StoreError(_POSTGRES_REASONS.get(state) or _POSTGRES_REASONS.get(state[:2], "failed"), state)


def _unconnected_reason(error: BaseException | None) -> str:
    words = str(error)
    if no_such := _NO_SUCH.search(words):
        return "no user" if no_such[1] == "role" else "no database"
    for sign, reason in _UNCONNECTED_REASONS:
        if sign in words:
            return reason
    connection = getattr(error, "pgconn", None)  # knows it in any language
    if getattr(connection, "needs_password", False):
        return "no password"
    return "refused" if getattr(connection, "used_password", False) else "away"


def sqlite_reason(error: sqlite3.Error) -> str:
    """The reason of a StoreError."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return next((reason for start, reason in _SQLITE_REASONS.items() if name.startswith(start)), "failed")
