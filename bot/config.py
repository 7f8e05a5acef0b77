"""The environment (and `.env`) turned into one frozen Settings; every problem is found and told at once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from bot.config_values import (
    Secret,
    parse_clock,
    parse_http_url,
    parse_ids,
    parse_integer,
    parse_pattern,
    parse_seconds,
    parse_secret,
    parse_server_secret,
    parse_storage_url,
    parse_word,
    parse_zone,
)
from bot.errors import ConfigError
from bot.network import PROXY_VARIABLES, Network, parse_ca_dir, parse_ca_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


T = TypeVar("T")

SHORTEST_SECRET = 6
"""What is shorter would be found in every other word; nobody issues such a secret."""

VENDOR_MAX_RPS = 10
"""Requests a second that the vendor allows for one AppId (vendor docs)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. Names are the variables' own, in lower case."""

    zego_app_id: int = 0
    zego_server_secret: Secret = field(default_factory=partial(Secret, ""))
    zego_api_url: str = "https://cloudrecord-api.zego.im/"
    zego_max_rps: int = 8
    slack_bot_token: Secret = field(default_factory=partial(Secret, ""))
    slack_app_token: Secret = field(default_factory=partial(Secret, ""))
    slack_signing_secret: Secret = field(default_factory=partial(Secret, ""))
    slack_api_url: str = "https://slack.com/api/"
    host: str = "0.0.0.0"  # noqa: S104 - a container's listener has to be reachable from outside
    port: int = 3000
    port_is_set: bool = False
    database_url: Secret = field(default_factory=partial(Secret, "sqlite:///recordings.db"))
    redis_url_is_set: bool = False
    cache_ttl_seconds: float = 15.0
    default_tz: str = "UTC"
    allowed_channels: frozenset[str] = frozenset()
    allowed_users: frozenset[str] = frozenset()
    allowed_teams: frozenset[str] = frozenset()
    log_level: str = "INFO"
    log_format: str = "text"
    runaway_hours: int = 8
    max_record_hours: int = 24
    room_pattern: str = ""
    bot_clock: str = ""
    http_proxy: Secret = field(default_factory=partial(Secret, ""))
    https_proxy: Secret = field(default_factory=partial(Secret, ""))
    all_proxy: Secret = field(default_factory=partial(Secret, ""))
    no_proxy: str = ""
    ssl_cert_file: str = ""
    ssl_cert_dir: str = ""

    @property
    def names_proxies(self) -> bool:
        """Whether the environment names a proxy at all."""
        return bool(self.http_proxy or self.https_proxy or self.all_proxy)

    def network(self) -> Network:
        """How other machines are reached."""
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


def read_environment(environ: Mapping[str, str], dotenv: Path | None = None) -> dict[str, str]:
    """Merge `.env` below the real environment.

    Args:
        environ: the real environment; it wins.
        dotenv: the `.env` file; a missing one is no error.

    Raises:
        ConfigError: the file is there but cannot be read.
    """
    try:
        # Values are taken as they stand: a `$` in a password is no reference to another variable.
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
        socket_mode: True or False to insist on Socket Mode or HTTP; None: Socket Mode where
            SLACK_APP_TOKEN is set.

    Raises:
        ConfigError: with every problem, each a sentence that names the variable; never its value
            where that could be a secret.
    """
    given = given_values(environment)
    problems = _misspelt(given)

    def read(name: str, parse: Callable[[str], T], default: T) -> T:
        if name not in given:
            return default
        try:
            return parse(given[name])
        except ValueError as error:
            problems.append(f"{name} {error}.")
            return default

    def secret(name: str, prefix: str = "", default: str = "") -> Secret:
        return read(name, partial(parse_secret, prefix=prefix), Secret(default))

    settings = Settings(
        zego_app_id=read("ZEGO_APP_ID", partial(parse_integer, low=1, high=2**32 - 1), 0),
        zego_server_secret=read("ZEGO_SERVER_SECRET", parse_server_secret, Secret("")),
        zego_api_url=read("ZEGO_API_URL", parse_http_url, Settings().zego_api_url),
        zego_max_rps=read("ZEGO_MAX_RPS", partial(parse_integer, low=1, high=VENDOR_MAX_RPS), 8),
        slack_bot_token=secret("SLACK_BOT_TOKEN", "xoxb-"),
        slack_app_token=secret("SLACK_APP_TOKEN", "xapp-"),
        slack_signing_secret=secret("SLACK_SIGNING_SECRET"),
        slack_api_url=read("SLACK_API_URL", parse_http_url, Settings().slack_api_url),
        host=given.get("HOST", Settings().host),
        port=read("PORT", partial(parse_integer, low=0, high=65535), 3000),
        port_is_set="PORT" in given,
        database_url=read(
            "DATABASE_URL",
            partial(
                parse_storage_url,
                schemes=("sqlite", "postgres", "postgresql"),
                begins="sqlite:/// or postgresql://",
            ),
            Settings().database_url,
        ),
        redis_url_is_set="REDIS_URL" in given,
        cache_ttl_seconds=read("CACHE_TTL_SECONDS", parse_seconds, 15.0),
        default_tz=read("DEFAULT_TZ", parse_zone, "UTC"),
        allowed_channels=read(
            "ALLOWED_CHANNELS", partial(parse_ids, first="CGD", example="C024BE91L"), frozenset()
        ),
        allowed_users=read(
            "ALLOWED_USERS", partial(parse_ids, first="UW", example="U2147483697"), frozenset()
        ),
        allowed_teams=read("ALLOWED_TEAMS", partial(parse_ids, first="TE", example="T0001"), frozenset()),
        log_level=read("LOG_LEVEL", partial(parse_word, upper=True, words=_LOG_LEVELS), "INFO"),
        log_format=read("LOG_FORMAT", partial(parse_word, upper=False, words=("text", "json")), "text"),
        runaway_hours=read("RUNAWAY_HOURS", partial(parse_integer, low=1, high=48), 8),
        max_record_hours=read("MAX_RECORD_HOURS", partial(parse_integer, low=1, high=48), 24),
        room_pattern=read("ROOM_PATTERN", parse_pattern, ""),
        bot_clock=read("BOT_CLOCK", parse_clock, ""),
        http_proxy=Secret(given.get("HTTP_PROXY", "")),
        https_proxy=Secret(given.get("HTTPS_PROXY", "")),
        all_proxy=Secret(given.get("ALL_PROXY", "")),
        no_proxy=given.get("NO_PROXY", ""),
        ssl_cert_file=read("SSL_CERT_FILE", parse_ca_file, ""),
        ssl_cert_dir=read("SSL_CERT_DIR", parse_ca_dir, ""),
    )
    addresses = [settings.zego_api_url, *([settings.slack_api_url, *SLACKS_OWN] if slack else [])]
    problems += settings.network().problems(addresses)
    needed = ["ZEGO_APP_ID", "ZEGO_SERVER_SECRET"]
    if slack:
        needed.append("SLACK_BOT_TOKEN")
        use_socket = "SLACK_APP_TOKEN" in given if socket_mode is None else socket_mode
        if use_socket:
            needed.append("SLACK_APP_TOKEN")
        elif "SLACK_SIGNING_SECRET" not in given:
            either = "" if socket_mode is False else "SLACK_APP_TOKEN (for Socket Mode) or "
            problems.append(
                f"{either}SLACK_SIGNING_SECRET (for HTTP) is missing: {_WHERE['SLACK_SIGNING_SECRET']}."
            )
    problems += [f"{name} is missing: {_WHERE[name]}." for name in needed if name not in given]
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
    """Variables that are nearly ours, where ours is not given: it would be left out without a word."""
    ours = {one.name.upper() for one in fields(Settings)} - {"PORT_IS_SET", "REDIS_URL_IS_SET", *_EVERYBODYS}
    names = {name: name.upper() for name in given if name not in ours and name not in _EVERYBODYS}
    problems = []
    for name, upper in sorted(names.items()):
        near = get_close_matches(upper, ours - given.keys(), n=1, cutoff=_NEARLY_OURS)
        if near:
            problems.append(f"{name} is not a setting of this bot. Did you mean {near[0]}?")
    return problems


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:  # a proxy that is not used may be anything
        return ""


SLACKS_OWN = ("https://files.slack.com/", "https://hooks.slack.com/", "wss://wss-primary.slack.com/")
"""Where Slack has files uploaded, answers posted, and Socket Mode connected."""

REDIS_IS_NOT_NEEDED = "REDIS_URL is no longer needed: replicas share PostgreSQL (DATABASE_URL). Remove it."

_NEARLY_OURS = 0.9
"""One letter or underscore too few, too many or wrong in a name of ten."""

_EVERYBODYS = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SLACK_API_TOKEN"}
)
"""Names that other programs know as well, and so may mean themselves."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_WHERE = {
    "ZEGO_APP_ID": "copy the AppID from the ZEGOCLOUD console, under the project's basic information",
    "ZEGO_SERVER_SECRET": "copy the ServerSecret from the ZEGOCLOUD console, beside the AppID",
    "SLACK_BOT_TOKEN": "copy the xoxb- token from the Slack app's page OAuth & Permissions",
    "SLACK_APP_TOKEN": "make an xapp- token with connections:write on the Slack app's page Basic Information",
    "SLACK_SIGNING_SECRET": "it is on the Slack app's page Basic Information",
}
