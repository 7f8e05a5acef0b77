"""The environment (and `.env`) as one frozen Settings, checked by a table; every problem is told at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from bot.clock import clock_from
from bot.errors import ConfigError
from bot.network import PROXY_VARIABLES, Network, is_host, parse_ca_dir, parse_ca_file, unencoded_advice
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T")

MAX_CACHE_TTL_SECONDS = 600
"""An answer older than this isn't worth showing without saying so."""

SERVER_SECRET_LENGTH = 32
"""Characters, as in ZEGOCLOUD's example of a signature; its token generators accept no other length."""

SHORTEST_SECRET = 6
"""Anything shorter would be found inside ordinary words; nobody issues such a secret."""

_TOKEN_KINDS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token"}


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


# Parsers: each takes a value as it is given, and raises a ValueError that continues the variable's name.


def parse_whole_number(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"has to be a whole number from {low} to {high}")
        return int(text)

    return parse


def parse_seconds(text: str) -> float:
    """A time-to-live in seconds, with up to three decimals."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or float(text) > MAX_CACHE_TTL_SECONDS:
        raise ValueError(f"has to be a number of seconds from 0 to {MAX_CACHE_TTL_SECONDS}")
    return float(text)


def parse_token(prefix: str = "", *, length: int | None = None) -> Callable[[str], Secret]:
    """A token or another secret: how it begins, and how many characters it has."""

    def parse(text: str) -> Secret:
        if not text.isascii() or any(not " " < character < "\x7f" for character in text):
            raise ValueError("holds spaces or characters that no token has: copy it again")
        if not text.startswith(prefix):
            kinds = (kind for start, kind in _TOKEN_KINDS.items() if text.startswith(start))
            raise ValueError(f"has to start with {prefix}, but this is {next(kinds, 'something else')}")
        if length not in (None, len(text)):
            raise ValueError(f"has {len(text)} characters, but a ServerSecret has {length}: copy it again")
        return Secret(text)

    return parse


def parse_http_url(text: str) -> str:
    """A base address; a slash is added at its end."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        fits = False
    if not fits or "@" in parts.netloc or re.search(r"[?#\s]", text):
        raise ValueError("has to be an address such as https://example.com/, without a user, `?` or `#`")
    return text if text.endswith("/") else f"{text}/"


def parse_storage_url(*schemes: str, begins: str) -> Callable[[str], Secret]:
    """An address that may hold a password.

    Args:
        schemes: those that are known.
        begins: how such addresses begin, in words.
    """

    def parse(text: str) -> Secret:
        try:
            parts = urlsplit(text)
            fits = parts.scheme in schemes and parts.port != 0
        except ValueError:  # its words may quote the password
            fits = False
        scheme = text.partition("://")[0]
        # What follows `?name=` are options, which may hold these characters, unless nothing else makes sense.
        read = re.split(r"\?(?=\w+=)", text)[0] if fits else text
        if scheme in schemes and scheme != "sqlite" and (advice := unencoded_advice(read)):
            raise ValueError(advice)
        if fits and scheme != "sqlite" and "@" in text and "@" not in read:  # SQLAlchemy splits there
            raise ValueError("holds `@` in its options: write %40")
        if not fits:
            example = f", such as {scheme}://user:password@host/name" if scheme in schemes else ""
            raise ValueError(f"has to be an address that begins with {begins}{example}")
        return Secret(text)

    return parse


def parse_zone(text: str) -> str:
    """An IANA time zone."""
    try:
        zone_info(text)
    except LookupError:
        raise ValueError("has to be an IANA time zone such as Europe/Berlin") from None
    return text


def parse_ids(first: str, *, example: str) -> Callable[[str], frozenset[str]]:
    """Slack IDs separated by commas, each beginning with one of the letters of `first`."""

    def parse(text: str) -> frozenset[str]:
        ids = frozenset(part.strip() for part in text.split(",") if part.strip())
        if not ids or not all(re.fullmatch(rf"[{first}][A-Z0-9]{{2,}}", one) for one in ids):
            raise ValueError(f"has to be a list of Slack IDs with commas, such as {example} (IDs, not names)")
        return ids

    return parse


def parse_word(*words: str) -> Callable[[str], str]:
    """One of a few words, whatever its case."""

    def parse(text: str) -> str:
        for word in words:
            if word.lower() == text.lower():
                return word
        raise ValueError(f"has to be one of {', '.join(words)}")

    return parse


def parse_clock(text: str) -> str:
    """A clock as `clock_from` reads it."""
    try:
        clock_from(text)
    except ValueError:
        raise ValueError("has to be a clock such as 2026-11-23T09:00:00Z*60") from None
    return text


def parse_room_pattern(text: str) -> re.Pattern[str]:
    r"""An RE2 expression with one group at most: the room ID. It is used as those of `re` are.

    It searches what anybody may write: RE2's time grows with the text's length, whatever the pattern.
    Its `\w`, `\d` and `\b` know ASCII only, as room IDs do.
    """
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False
    try:
        pattern: re.Pattern[str] = re2.compile(text, options=options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        advice = "RE2 has no look-around and no back-references"
        raise ValueError(f"is not a regular expression that RE2 understands ({reason}): {advice}") from None
    if pattern.groups > 1:
        raise ValueError("may have one group, which is the room ID")
    return pattern


def variable(parse: Callable[[str], T], default: T, meaning: str, *, where: str = "") -> T:
    """One row of the table.

    Args:
        parse: the variable's text → the setting's value; raises ValueError.
        default: the value without it.
        meaning: what it says, in Markdown.
        where: where to find it, if it's missing.
    """
    return field(default=default, metadata={"parse": parse, "meaning": meaning, "where": where})


_NO_SECRET = Secret("")
_SQLITE_FILE = Secret("sqlite:///recordings.db")
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - a container's listener has to be reachable from outside


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says: each field is a variable, in lower case."""

    zego_app_id: int = variable(
        parse_whole_number(1, 2**32 - 1),
        0,
        "the project's AppID (required)",
        where="copy the AppID from the ZEGOCLOUD console, under the project's basic information",
    )
    zego_server_secret: Secret = variable(
        parse_token(length=SERVER_SECRET_LENGTH),
        _NO_SECRET,
        "the project's ServerSecret (required)",
        where="copy the ServerSecret from the ZEGOCLOUD console, beside the AppID",
    )
    zego_api_url: str = variable(
        parse_http_url, "https://cloudrecord-api.zego.im/", "the API's address: a region's, or a simulator's"
    )
    zego_max_rps: int = variable(
        parse_whole_number(1, 10), 8, "requests a second of ZEGOCLOUD's 10; the rest is for your own backend"
    )
    slack_bot_token: Secret = variable(
        parse_token("xoxb-"),
        _NO_SECRET,
        "the app's bot token, `xoxb-…` (required by `run`)",
        where="copy the xoxb- token from the Slack app's page OAuth & Permissions",
    )
    slack_app_token: Secret = variable(
        parse_token("xapp-"),
        _NO_SECRET,
        "an app-level token, `xapp-…`, for Socket Mode",
        where="make an xapp- token with connections:write on the Slack app's page Basic Information",
    )
    slack_signing_secret: Secret = variable(
        parse_token(),
        _NO_SECRET,
        "the app's signing secret, for HTTP",
        where="it is on the Slack app's page Basic Information",
    )
    slack_api_url: str = variable(parse_http_url, "https://slack.com/api/", "another Slack Web API")
    host: str = variable(str, _EVERYWHERE, "the address to listen on for HTTP")
    port: int = variable(
        parse_whole_number(0, 65535),
        3000,
        "the port for HTTP; in Socket Mode nothing listens unless it is set",
    )
    port_is_set: bool = False
    database_url: Secret = variable(
        parse_storage_url("sqlite", "postgres", "postgresql", begins="sqlite:/// or postgresql://"),
        _SQLITE_FILE,
        "where digests are kept: a SQLite file, or `postgresql://…`, which several replicas share",
    )
    redis_url_is_set: bool = False
    cache_ttl_seconds: float = variable(
        parse_seconds, 15.0, "how old an answer may be before ZEGOCLOUD is asked again"
    )
    default_tz: str = variable(parse_zone, "UTC", "time zone of people whose own isn't known")
    allowed_channels: frozenset[str] = variable(
        parse_ids("CGD", example="C024BE91L"), frozenset(), "the channels to answer in: Slack IDs with commas"
    )
    allowed_users: frozenset[str] = variable(
        parse_ids("UW", example="U2147483697"), frozenset(), "the people to answer: Slack IDs with commas"
    )
    allowed_teams: frozenset[str] = variable(
        parse_ids("TE", example="T0001"),
        frozenset(),
        "the workspaces to answer: Slack IDs with commas; by default the bot's team or organization",
    )
    log_level: str = variable(
        parse_word("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO", "the least severe level to log"
    )
    log_format: str = variable(parse_word("text", "json"), "text", "`json` for machines")
    runaway_hours: int = variable(
        parse_whole_number(1, 48), 8, "flag a recording as a runaway after this many hours"
    )
    max_record_hours: int = variable(
        parse_whole_number(1, 48), 24, "the hours after which ZEGOCLOUD ends a recording at the latest"
    )
    room_pattern: re.Pattern[str] | None = variable(
        parse_room_pattern,
        None,
        "how your support messages name rooms, besides “room 1230” and the like: a regular expression in "
        "[RE2 syntax](https://github.com/google/re2/wiki/Syntax) with one group (no look-around, no "
        "back-references)",
    )
    bot_clock: str = variable(
        parse_clock, "", "to try things out: `2026-11-23T09:00:00Z*60` starts there, 60 times as fast"
    )
    http_proxy: Secret = variable(
        Secret, _NO_SECRET, "an HTTP proxy for http:// addresses (SOCKS proxies are refused)"
    )
    https_proxy: Secret = variable(Secret, _NO_SECRET, "an HTTP proxy for https:// and wss:// addresses")
    all_proxy: Secret = variable(Secret, _NO_SECRET, "an HTTP proxy for all other addresses")
    no_proxy: str = variable(
        str, "", "what to reach directly: hosts, domains, `host:port`, networks (`10.0.0.0/8`), or `*`"
    )
    ssl_cert_file: str = variable(
        parse_ca_file, "", "a file of certificates in PEM to trust instead of the machine's and Mozilla's"
    )
    ssl_cert_dir: str = variable(
        parse_ca_dir, "", "folders of certificates to trust instead of the machine's and Mozilla's"
    )

    def build_network(self) -> Network:
        """How other machines are reached. A process needs one: its certificates are loaded once."""
        proxies = {
            "HTTP_PROXY": self.http_proxy.reveal(),
            "HTTPS_PROXY": self.https_proxy.reveal(),
            "ALL_PROXY": self.all_proxy.reveal(),
            "NO_PROXY": self.no_proxy,
        }
        return Network(proxies, ca_file=self.ssl_cert_file, ca_dir=self.ssl_cert_dir)

    def secrets(self) -> list[str]:
        """Every text that nothing may show: tokens, secrets, and the passwords inside addresses."""
        held = [getattr(self, one.name) for one in fields(self)]
        texts = [value.reveal() for value in held if isinstance(value, Secret)]
        passwords = [_password(text) for text in texts if "://" in text]
        given = [text for text in texts if "://" not in text]
        return [
            text for text in {*given, *passwords, *map(unquote, passwords)} if len(text) >= SHORTEST_SECRET
        ]


VARIABLES = {one.name.upper(): one for one in fields(Settings) if one.metadata}
"""Every variable by its name, in the table's order."""

SLACKS_OWN = ("https://files.slack.com/", "https://hooks.slack.com/", "wss://wss-primary.slack.com/")
"""Where Slack takes uploads and answers, and where Socket Mode connects."""

REDIS_IS_NOT_NEEDED = "REDIS_URL is no longer needed: replicas share PostgreSQL (DATABASE_URL). Remove it."

_NEARLY_OURS = 0.9
"""One letter or underscore too few, too many or wrong in a name of ten."""

_EVERYBODYS = frozenset({*PROXY_VARIABLES, "SSL_CERT_FILE", "SSL_CERT_DIR", "SLACK_API_TOKEN"})
"""Names that other programs use as well: a name like theirs may be meant for them."""


def read_environment(environ: Mapping[str, str], dotenv: Path | None = None) -> dict[str, str]:
    """Merge `.env` below the real environment.

    Args:
        environ: the real environment; it wins.
        dotenv: the `.env` file; a missing one is no error.

    Raises:
        ConfigError: the file is there but cannot be read.
    """
    try:
        # Values are taken as they are: a `$` in a password doesn't refer to another variable.
        from_file = dotenv_values(dotenv, interpolate=False, encoding="utf-8-sig") if dotenv else {}
    except UnicodeDecodeError:
        raise ConfigError([f"{dotenv} is not text in UTF-8: save it again."]) from None
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise ConfigError([f"{dotenv} cannot be read ({reason}): check who may read it."]) from None
    return {**{name: value or "" for name, value in from_file.items()}, **environ}


def load_settings(
    environment: Mapping[str, str], *, slack: bool = False, socket_mode: bool | None = None
) -> Settings:
    """Check every variable and return the settings.

    Args:
        environment: names and values, as `read_environment` returns them.
        slack: the Slack variables are needed (`run`, `doctor`).
        socket_mode: True or False to insist on Socket Mode or HTTP; None: Socket Mode if SLACK_APP_TOKEN is
            set.

    Raises:
        ConfigError: with every problem, each a sentence that names the variable; never its value if that
            could be a secret.
    """
    given = given_values(environment)
    problems = _misspelt(given)
    values: dict[str, Any] = {"port_is_set": "PORT" in given, "redis_url_is_set": "REDIS_URL" in given}
    for name, row in VARIABLES.items():
        if name in given:
            try:
                values[row.name] = row.metadata["parse"](given[name])
            except ValueError as error:
                problems.append(f"{name} {error}.")
    settings = Settings(**values)
    addresses = [settings.zego_api_url, *([settings.slack_api_url, *SLACKS_OWN] if slack else [])]
    problems += settings.build_network().problems(addresses)
    where = {name: row.metadata["where"] for name, row in VARIABLES.items()}
    needed = ["ZEGO_APP_ID", "ZEGO_SERVER_SECRET"]
    if slack:
        needed.append("SLACK_BOT_TOKEN")
        use_socket = "SLACK_APP_TOKEN" in given if socket_mode is None else socket_mode
        if use_socket:
            needed.append("SLACK_APP_TOKEN")
        elif "SLACK_SIGNING_SECRET" not in given:
            either = "" if socket_mode is False else "SLACK_APP_TOKEN (for Socket Mode) or "
            problems.append(
                f"{either}SLACK_SIGNING_SECRET (for HTTP) is missing: {where['SLACK_SIGNING_SECRET']}."
            )
    problems += [f"{name} is missing: {where[name]}." for name in needed if name not in given]
    if problems:
        raise ConfigError(problems)
    return settings


def given_values(environment: Mapping[str, str]) -> dict[str, str]:
    """The values that are given, without the space and the quotes around them.

    `docker run --env-file` keeps quotes. Only ROOM_PATTERN may mean them.
    """
    given = {}
    for name, value in environment.items():
        text = value.strip()
        if name != "ROOM_PATTERN" and len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1].strip()
        given[name] = text
    for name in PROXY_VARIABLES:
        if name.lower() in given:
            given[name] = given[name.lower()]
    return {name: text for name, text in given.items() if text}


def _misspelt(given: Mapping[str, str]) -> list[str]:
    """Variables that look like one of ours that isn't given: without a word they would go unnoticed."""
    ours = VARIABLES.keys() - _EVERYBODYS
    problems = []
    for name in sorted(given.keys() - ours - _EVERYBODYS):
        near = get_close_matches(name.upper(), ours - given.keys(), n=1, cutoff=_NEARLY_OURS)
        if near:
            problems.append(f"{name} is not a setting of this bot. Did you mean {near[0]}?")
    return problems


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:  # a proxy that is not used may be anything
        return ""
