"""What can be wrong with the database, each with its sentence for people and for operators (pure)."""

from __future__ import annotations

from bot.errors import RecordingsError

_FOR_OPERATORS = {
    "busy": "The database is busy: another process has kept it locked for long. Try again in a moment.",
    "read-only": (
        "The database cannot be written. Whoever runs this bot has to check who owns the file in "
        "DATABASE_URL and its folder, or the rights of the PostgreSQL user."
    ),
    "full": (
        "The database's disk is full. Nothing is lost; whoever runs this bot has to free some space, and "
        "digests go on by themselves."
    ),
    "damaged": (
        "The file in DATABASE_URL is damaged, or is no SQLite database. Whoever runs this bot has to restore "
        "it from a backup, or to move it away: a new one is made at the next start."
    ),
    "missing": (
        "The file in DATABASE_URL cannot be opened. Whoever runs this bot has to check that its folder is "
        "there and may be used."
    ),
    "away": (
        "The database does not answer. Nothing is lost, and digests go on when it is back; if it stays away, "
        "whoever runs this bot has to check DATABASE_URL."
    ),
    "refused": (
        "PostgreSQL refuses the sign-in. Whoever runs this bot has to check user, password and database name "
        "in DATABASE_URL."
    ),
    "no host": (
        "The host in DATABASE_URL is unknown. Check its spelling, and whether this machine can look it up."
    ),
    "no listener": (
        "Nothing listens at the host and port in DATABASE_URL: the connection is refused. Start PostgreSQL, "
        "or correct them."
    ),
    "no postgres": "What answers at the host and port in DATABASE_URL is not PostgreSQL. Correct them.",
    "no connection left": (
        "PostgreSQL has no connection left: all are taken. The bot keeps trying. If this happens often, "
        "raise max_connections or the user's limit, or put a pooler in front of it."
    ),
    "no password": (
        "PostgreSQL wants a password, and DATABASE_URL has none. "
        "Write it as postgresql://user:password@host/name."
    ),
    "wrong password": (
        "PostgreSQL refuses the user or the password in DATABASE_URL. Correct them; in a password, write "
        "characters such as %, # and @ as %25, %23 and %40."
    ),
    "no user": "PostgreSQL has no user with the name in DATABASE_URL. Create the user, or correct the name.",
    "no database": (
        "PostgreSQL has no database with the name in DATABASE_URL. Create it, or correct the name."
    ),
    "not let in": (
        "PostgreSQL does not let this user into this database from this machine. Allow it in pg_hba.conf, or "
        "correct DATABASE_URL."
    ),
    "tls needed": (
        "PostgreSQL does not let this user in without TLS. Put sslmode=require into DATABASE_URL: "
        "postgresql://…/name?sslmode=require."
    ),
    "tls not offered": (
        "DATABASE_URL asks for TLS (sslmode), and PostgreSQL does not offer it. Turn it on there, or take "
        "sslmode out of DATABASE_URL."
    ),
    "client certificate": (
        "PostgreSQL wants a client certificate that it knows. "
        "Name it in DATABASE_URL with sslcert and sslkey."
    ),
    "certificate file": (
        "The file of root certificates for PostgreSQL is missing or cannot be read. Correct sslrootcert in "
        "DATABASE_URL (without it, ~/.postgresql/root.crt is read), and check who may read the file."
    ),
    "certificate": (
        "PostgreSQL's certificate is not trusted, or is for another host name. Correct the host or "
        "sslrootcert in DATABASE_URL."
    ),
    "option": "DATABASE_URL has an option that cannot be used. Correct what comes after the `?`.",
    "newer": (
        "The database was last used by a newer version of this bot. Whoever runs it has to start that "
        "version again, or to point DATABASE_URL at another database."
    ),
    "address": "DATABASE_URL cannot be read: it has to look like sqlite:///recordings.db or postgresql://….",
    "driver": (
        "DATABASE_URL names PostgreSQL, and its driver is not installed: "
        "run `pip install 'recordings-bot[postgres]'`."
    ),
    "failed": "The database failed in a way that this bot does not know. Try again; its log says more.",
}


UNREACHED = frozenset({"away", "no host", "no listener", "no postgres", "no connection left"})
"""Reasons of a StoreError that may be over in a moment, with nothing changed here."""


_FOR_PEOPLE = {
    "busy": "The database is busy. Try again in a moment.",
    "full": _FOR_OPERATORS["full"],
    **dict.fromkeys(
        UNREACHED,
        "The database does not answer. Nothing is lost, and digests go on when it is back. "
        "Try again in a few minutes.",
    ),
}


_OF_NO_USE = "The database cannot be used. Whoever runs this bot can fix it: the reason is in the bot's log."


class StoreError(RecordingsError):
    """The database cannot be used; what was under way was rolled back.

    Args:
        reason: one of the table above, such as `busy`, `full`, `away` or `wrong password`.
        code: the database's own name for it, such as `SQLITE_FULL` or an SQLSTATE; empty where there is none.
    """

    outcome = "database_failed"

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason, code)
        self.reason = reason
        self.code = code

    def sentence(self) -> str:
        """What it means for those who ask; they cannot change it."""
        return _FOR_PEOPLE.get(self.reason, _OF_NO_USE)

    def for_operator(self) -> str:
        """What it means, what to do, and the code to look up."""
        return _FOR_OPERATORS[self.reason] + (f" ({self.code})" if self.code else "")


class LeaseLostError(RecordingsError):
    """Another worker has taken the step over: nothing may be posted any more."""

    meaning = "Another worker has taken this over."
