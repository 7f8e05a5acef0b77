"""What one variable of the environment may hold: each parser says in its ValueError what it has to be."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from re import _constants, _parser  # type: ignore[attr-defined]  # nothing public parses expressions
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from yarl import URL

from bot.clock import clock_from
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_CACHE_TTL_SECONDS = 600
"""An answer older than this is not worth giving without saying so."""


class Secret:
    """Text that no repr, log or traceback shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret('***')" if self._text else "Secret('')"

    __str__ = __repr__


SERVER_SECRET_LENGTH = 32
"""Characters, as in ZEGOCLOUD\'s example of a signature; its token generators accept no other length."""

MOST_REPEATS = 2
FEW_TIMES = 16
"""A repeat of at most so many times costs little, whatever it meets."""

_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)

_TOKEN_KINDS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token"}


def parse_secret(text: str, *, prefix: str) -> Secret:
    """A token or another secret, which begins with `prefix`."""
    if not text.isascii() or any(not " " < character < "\x7f" for character in text):
        raise ValueError("holds spaces or characters that no token has: copy it again")
    if prefix and not text.startswith(prefix):
        kind = next(
            (name for start, name in _TOKEN_KINDS.items() if text.startswith(start)), "something else"
        )
        raise ValueError(f"has to start with {prefix}, but this is {kind}")
    return Secret(text)


def parse_server_secret(text: str) -> Secret:
    """The vendor's ServerSecret."""
    secret = parse_secret(text, prefix="")
    if len(text) != SERVER_SECRET_LENGTH:
        raise ValueError(f"has {len(text)} characters, but a ServerSecret has 32: copy it again")
    return secret


def parse_integer(text: str, *, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
        raise ValueError(f"has to be a whole number from {low} to {high}")
    return int(text)


def parse_seconds(text: str) -> float:
    """A time-to-live in seconds, with up to three decimals."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or float(text) > MAX_CACHE_TTL_SECONDS:
        raise ValueError(f"has to be a number of seconds from 0 to {MAX_CACHE_TTL_SECONDS}")
    return float(text)


def parse_http_url(text: str) -> str:
    """A base address; a slash is put behind it."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        fits = False
    if not fits or "@" in parts.netloc or re.search(r"[?#\s]", text):
        raise ValueError("has to be an address such as https://example.com/, without a user, `?` or `#`")
    return text if text.endswith("/") else f"{text}/"


def is_host(text: str) -> bool:
    """An IP address, or a name that is none by mistake and can be written in ASCII, as networks need it."""
    try:
        ip_address(text)
    except ValueError:
        *_, last = labels = text.removesuffix(".").split(".")
        if last.isdecimal() or not all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels):
            return False
        with suppress(ValueError):
            return bool(URL.build(scheme="http", host=text).host)
        return False
    return True


_NEEDS_ENCODING = "#?/[]@"
"""What ends the password of an address, or what stands before it (RFC 3986, section 3.2)."""


def unencoded_advice(text: str) -> str:
    """What to write in the password of an address, as a ValueError says it; empty where all is well.

    A password with one of them cannot be read for certain: `#`, `?` and `/` end what may hold a password, the
    first `@` ends the password for some programs and the last for others.
    """
    before, at, _ = text.partition("://")[2].rpartition("@")
    password = before.partition(":")[2] if at else ""
    wrong = [character for character in _NEEDS_ENCODING if character in password]
    how = " and ".join(f"`{character}` as %{ord(character):02X}" for character in wrong)
    return f"holds a password with special characters: write {how}" if wrong else ""


def parse_storage_url(text: str, *, schemes: tuple[str, ...], begins: str) -> Secret:
    """An address that may hold a password."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in schemes and parts.port != 0
    except ValueError:  # its words may quote the password
        fits = False
    scheme = text.partition("://")[0]
    # What follows `?name=` are options, in which these characters may stand, unless nothing else makes sense.
    read = re.split(r"\?(?=\w+=)", text)[0] if fits else text
    if scheme in schemes and scheme != "sqlite" and (advice := unencoded_advice(read)):
        raise ValueError(advice)
    if fits and scheme != "sqlite" and "@" in text and "@" not in read:  # SQLAlchemy takes what is before it
        raise ValueError("holds `@` in its options: write %40")
    if not fits:
        example = f", such as {scheme}://user:password@host/name" if scheme in schemes else ""
        raise ValueError(f"has to be an address that begins with {begins}{example}")
    return Secret(text)


def parse_zone(text: str) -> str:
    """An IANA time zone."""
    try:
        zone_info(text)
    except LookupError:
        raise ValueError("has to be an IANA time zone such as Europe/Berlin") from None
    return text


def parse_ids(text: str, *, first: str, example: str) -> frozenset[str]:
    """Slack IDs with commas between them, each beginning with one of the letters of `first`."""
    ids = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not ids or not all(re.fullmatch(rf"[{first}][A-Z0-9]{{2,}}", one) for one in ids):
        raise ValueError(f"has to be a list of Slack IDs with commas, such as {example} (IDs, not names)")
    return ids


def parse_word(text: str, *, upper: bool, words: tuple[str, ...]) -> str:
    """One of a few words, whatever its case."""
    word = text.upper() if upper else text.lower()
    if word not in words:
        raise ValueError(f"has to be one of {', '.join(words)}")
    return word


def parse_clock(text: str) -> str:
    """What `bot.clock.clock_from` reads."""
    try:
        clock_from(text)
    except ValueError:
        raise ValueError("has to be a clock such as 2026-11-23T09:00:00Z*60") from None
    return text


def parse_pattern(text: str) -> str:
    """A regular expression with one group at most: the room ID."""
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"is not a regular expression ({error.msg})") from None
    if groups > 1:
        raise ValueError("may have one group, which is the room ID")
    repeats = _repeats(_parser.parse(text))
    if repeats is None or repeats > MOST_REPEATS:
        raise ValueError(
            "could take for ever on a hostile message: let no repeat (`*`, `+`, `{…}`) stand around another "
            f"one, `|` or `?`, and at most {MOST_REPEATS} have no upper limit"
        )
    return text


def _repeats(pattern: Iterable[Any]) -> int | None:
    """How many repeats without a small upper limit; None where one stands around something ambiguous."""
    repeats = 0
    for kind, what in pattern:
        inner = [part for part in _parts(what) if isinstance(part, _parser.SubPattern)]
        inside = [_repeats(part) for part in inner]
        if None in inside:
            return None
        times = min(what[1], FEW_TIMES) if kind in _REPEATS else 1
        repeats += times * sum(filter(None, inside))
        if kind in _REPEATS and what[1] > FEW_TIMES:
            if any(map(_is_ambiguous, inner)):
                return None
            repeats += 1
    return repeats


def _is_ambiguous(pattern: Iterable[Any]) -> bool:
    """Whether the same text may match in several ways."""
    return any(
        kind is _constants.BRANCH
        or (kind in _REPEATS and what[0] != what[1])
        or any(_is_ambiguous(part) for part in _parts(what) if isinstance(part, _parser.SubPattern))
        for kind, what in pattern
    )


def _parts(what: Any) -> Iterator[Any]:
    """Everything inside one item of a parsed expression, however it is nested in tuples and lists."""
    yield what
    if isinstance(what, tuple | list):
        for part in what:
            yield from _parts(part)
