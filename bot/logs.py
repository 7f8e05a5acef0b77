"""What the log looks like: text for people, JSON for machines, on stderr; secrets are blotted out.

Every line has the reference number of what it belongs to. A line whose arguments are named (`%(action)s`) has
them as fields of its JSON too. Text from outside stays inside its line, and inside its quotes: what cannot be
printed is escaped, and the words of an exception that nobody expected lose what they quote.
"""

from __future__ import annotations

import json
import logging
import random
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.process import write_data
from bot.safe_text import escape_unprintable, escape_unprintable_json

if TYPE_CHECKING:
    from collections.abc import Iterable


_reference: ContextVar[str] = ContextVar("reference", default="")


def begin_reference() -> str:
    """Name what begins here, for this task and every task that it starts; six hexadecimal digits."""
    reference = f"{random.getrandbits(24):06x}"
    _reference.set(reference)
    return reference


def current_reference() -> str:
    """The number of what this task works for; empty where nobody asked for it."""
    return _reference.get()


def reference_to_show() -> str:
    """The number to show to a person; a new one where none was begun."""
    return _reference.get() or begin_reference()


_SECRETS = re.compile(
    r"(?P<shown>\bxox[a-z]-|\bxapp-|[?&]ticket=|\bSignature=|/hooks?/|hooks\.slack\.com/|\bBearer\s)"
    r"[^\s\"'&<>),]+"
)
"""Slack's tokens, the tickets of its WebSockets, its response_urls, and the vendor's signatures."""

_MARKS = ("xox", "xapp-", "ticket=", "Signature=", "/hook", "hooks.", "Bearer")
"""What `_SECRETS` cannot match without: looked for first, since hardly any line has one."""

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,40}")
_MOST_OF_AN_ERROR = 500
_MOST_OF_A_CHAIN = 10


def redact(text: str) -> str:
    """Blot out what would let a reader act as somebody else: libraries log it in places of their own."""
    for mark in _MARKS:  # a loop, because every line comes by here
        if mark in text:
            return _SECRETS.sub(r"\g<shown>***", text)
    return text


class _Lines(logging.Formatter):
    """What both kinds of lines have in common.

    Args:
        secrets: texts that no line may show, such as a password.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "***")
        return redact(text)

    def _traceback(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return self._clean(describe_error(error)) if error else ""


class TextLines(_Lines):
    """Time (ISO 8601 UTC), level, logger, reference and message on one line; a traceback on lines below."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback on indented lines with the same reference."""
        reference = _reference_of(record)
        place = f"{record.name} [{reference}]" if reference else record.name
        message = escape_unprintable(self._clean(record.getMessage()))
        line = f"{_iso_utc(record)} {record.levelname:<7} {place}: {message}"
        if shown := self._traceback(record):
            margin = f"    {reference}| "
            line += "".join(f"\n{margin}{escape_unprintable(part)}" for part in shown.split("\n"))
        return line


class JsonLines(_Lines):
    """One JSON object a line: time (ISO 8601 UTC), level, logger, reference, message, fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        line: dict[str, Any] = {
            "time": _iso_utc(record),
            "level": record.levelname,
            "logger": record.name,
        }
        if reference := _reference_of(record):
            line["reference"] = reference
        line["message"] = self._clean(record.getMessage())
        if isinstance(record.args, dict):
            for name, value in record.args.items():
                line.setdefault(name, self._clean(value) if isinstance(value, str) else value)
        if shown := self._traceback(record):
            line["traceback"] = shown
        text = json.dumps(line, ensure_ascii=False, default=str)
        return escape_unprintable_json(text)


def describe_error(error: BaseException) -> str:
    """A traceback without what its exceptions quote: that may be a person's text."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < _MOST_OF_A_CHAIN:
        words = _QUOTED.sub(_keep_names, str(current).replace("\n", "\\n"))[:_MOST_OF_AN_ERROR]
        head = "Traceback (most recent call last):\n" if current.__traceback__ else ""
        frames = "".join(traceback.format_tb(current.__traceback__))
        name = f"{type(current).__module__}.{type(current).__qualname__}".removeprefix("builtins.")
        parts.append(f"{head}{frames}{name}: {words}" if words else f"{head}{frames}{name}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\ncaused by:\n\n".join(parts)


def _keep_names(quoted: re.Match[str]) -> str:
    """A quoted name such as a dictionary's key tells what is wrong; anything longer is somebody's text."""
    text = quoted[0]
    return text if _PLAIN_NAME.fullmatch(text[1:-1]) else f"{text[0]}…{text[0]}"


def _reference_of(record: logging.LogRecord) -> str:
    return str(getattr(record, "reference", "")) or current_reference()


def _iso_utc(record: logging.LogRecord) -> str:
    milliseconds = int(record.created * 1000)
    return f"{_iso_second(milliseconds // 1000)}.{milliseconds % 1000:03d}+00:00"


@lru_cache(maxsize=1)
def _iso_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def set_up_logging(level: str, style: str, secrets: Iterable[str] = ()) -> None:
    """Send every record of `level` and above to stderr, as `text` or `json`, without the `secrets`."""
    if style == "json":
        write_data(sys.stderr)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets) if style == "json" else TextLines(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What no line shows need not be found out for each of them (Python's logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - the same HOWTO: callers are not looked for
    # It tells that there will be another try, but neither of what nor why.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    # It logs every statement with its values.
    logging.getLogger("aiosqlite").setLevel(max(logging.INFO, logging.getLogger().level))
