"""The doctor: checks the configuration against the real services, and says what to do."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.clock import clock_from
from bot.config import REDIS_IS_NOT_NEEDED, given_values, load_settings
from bot.errors import ConfigError, RecordingsError
from bot.features.digests.store import open_store
from bot.recordings.service import build_recordings
from bot.slack.manifest import bot_scopes, load_manifest
from bot.slack.sign_in import FATAL
from bot.slack.web_client import SLACK_ERRORS, SlackClient, quiet_logger, slack_word
from bot.storage.errors import StoreError
from bot.zegocloud.decoding import parse_skew
from bot.zegocloud.limiter import Priority
from bot.zone_data import zone_data, zone_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from slack_sdk.web.async_slack_response import AsyncSlackResponse

    from bot.config import Settings

logger = logging.getLogger(__name__)

Outcome: TypeAlias = Literal["ok", "warning", "failed", "unknown"]
"""`failed` makes the exit status 1; `warning` works, but look at it; `unknown` can't be checked from here."""

Finding: TypeAlias = tuple[Outcome, str]
"""How a check went, and the rest of a sentence that begins with its name: what was found, what to do."""

SIGNS: dict[Outcome, str] = {"ok": "✓", "warning": "!", "failed": "✕", "unknown": "?"}

BOT, APP = "Slack bot token", "Slack app token"

PATIENCE_SECONDS = 6.5
"""How long one check may take. They run side by side, so that all are told within ten seconds."""

CLOSE_SECONDS = 1.0

CLOCK_WRONG_SECONDS = 60
"""ZEGOCLOUD refuses from 10 minutes on, and Slack's deliveries from 5; one minute already skews windows."""

CLOCK_OFF_SECONDS = 5
"""A clock that is kept by NTP is never this far off."""

LEAST_FREE_BYTES = 100 * 1024**2

_APP_OF_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]+)-")
"""An app-level token names its app (seen; Slack doesn't document it, so another shape proves nothing)."""

_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
"""The shape of the secrets that Slack gives out (seen; undocumented)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the answer: what was checked, and the finding."""

    name: str
    outcome: Outcome
    finding: str


async def run_doctor(environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print every check. Returns 0 when all is well, 1 when something is not."""
    failed = False
    checks = []
    async for check in examine(environment):
        failed = failed or check.outcome == "failed"
        checks.append({"check": check.name, "outcome": check.outcome, "finding": check.finding})
        if not as_json:
            print(f"{SIGNS[check.outcome]} {check.name}: {check.finding}", flush=True)  # noqa: T201 - the command's output
    if as_json:
        print(json.dumps({"well": not failed, "checks": checks}, ensure_ascii=False))  # noqa: T201 - the same
    return 1 if failed else 0


async def examine(
    environment: Mapping[str, str], patience_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[Check]:
    """Check everything at once, and tell it in order.

    Wrong settings are told first; whatever doesn't need them is checked all the same.

    Args:
        environment: names and values.
        patience_seconds: when a check that hangs is given up.
    """
    skips_database = False
    try:
        settings = load_settings(environment, slack=True)
    except ConfigError as error:
        for problem in _problems(error, environment):
            yield Check("settings", "failed", problem)
        usable = _without_problems(error, environment)
        try:
            settings = load_settings(usable)
        except ConfigError:
            return
        skips_database = "DATABASE_URL" in environment and "DATABASE_URL" not in usable
    else:
        way = "Socket Mode" if settings.slack_app_token else f"HTTP, port {settings.port}"
        yield Check("settings", "ok", f"every variable that is needed is there and well formed ({way})")
    if settings.redis_url_is_set:
        yield Check("settings", "warning", REDIS_IS_NOT_NEEDED)
    examination = _Examination(settings, patience_seconds, skips_database=skips_database)
    try:
        for name, checked in examination.begin().items():
            if finding := await checked:
                yield Check(name, *finding)
    finally:
        await examination.stop()


def _problems(error: ConfigError, environment: Mapping[str, str]) -> list[str]:
    """What is wrong with the settings; two tokens in each other's place are one mistake."""
    given = given_values(environment)
    bot, app = (given.get(name, "") for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"))
    if not (bot.startswith("xapp-") and app.startswith("xoxb-")):
        return error.problems
    others = [one for one in error.problems if not one.startswith(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"))]
    return ["SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped: exchange their values.", *others]


def _without_problems(error: ConfigError, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables that problems begin with."""
    wrong = {found[0].upper() for problem in error.problems if (found := re.match(r"\w+", problem))}
    return {name: value for name, value in environment.items() if name.upper() not in wrong}


class _Examination:
    """The checks under way, with what one of them finds out for another."""

    def __init__(self, settings: Settings, patience_seconds: float, *, skips_database: bool) -> None:
        self._settings = settings
        self._network = settings.build_network()
        self._clock = clock_from(settings.bot_clock)
        self._patience_seconds = patience_seconds
        self._skips_database = skips_database
        self._tasks: dict[str, asyncio.Task[Finding | None]] = {}
        self._app_id = ""
        """The app of the bot token; empty where Slack doesn't tell."""
        self._slack_date, self._slack_date_at = "", 0.0
        """The time in an answer of Slack's (HTTP's `Date`), and when that came, Unix seconds."""
        self._skew_seconds: float | None = None
        """ZEGOCLOUD's clock minus this machine's."""

    def begin(self) -> Mapping[str, Awaitable[Finding | None]]:
        """Begin every check that applies; they are told in this order."""
        settings = self._settings
        asks_slack = bool(settings.slack_bot_token)
        over_http = bool(settings.slack_signing_secret and not settings.slack_app_token)
        checks: list[tuple[str, bool, Callable[[], Awaitable[Finding | None]]]] = [
            ("time zones", True, self._zones),
            ("proxies", self._network.names_proxies, self._proxies),
            (BOT, asks_slack, self._bot_token),
            (APP, bool(settings.slack_app_token), self._app_token),
            ("Slack signing secret", asks_slack and over_http, self._signing_secret),
            ("Slack app's settings", asks_slack, self._app_settings),
            ("ZEGOCLOUD", True, self._zego),
            ("clock", True, self._machine_clock),
            ("database", True, self._database),
            ("disk", True, self._disk),
        ]
        for name, applies, check in checks:
            if applies:
                self._tasks[name] = asyncio.create_task(self._finish(name, check))
        return self._tasks

    async def stop(self) -> None:
        """End what is still under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _finish(self, name: str, check: Callable[[], Awaitable[Finding | None]]) -> Finding | None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await check()
        except TimeoutError:
            return "failed", "does not answer: check its address, the network and a proxy"
        except Exception as error:  # the other checks are told all the same
            kind = type(error).__name__
            logger.critical("The check of %s failed", name, exc_info=error)  # the level that is shown
            return "failed", f"cannot be checked ({kind}): report this as a fault of the bot"

    async def _wait_for(self, *names: str) -> None:
        """Wait for other checks. They may take as long as this one may."""
        others = {self._tasks[name] for name in names if name in self._tasks}
        if others:
            await asyncio.wait(others, timeout=self._patience_seconds * 0.9)

    async def _zones(self) -> Finding:
        """Whether there is time-zone data, and which is used."""
        try:
            zone_info("Europe/Berlin")
        except LookupError:
            return "failed", "there is no time-zone data: install the package tzdata"
        return "ok", f"{_whose_rules()}; where a person's is not known: {self._settings.default_tz}"

    async def _proxies(self) -> Finding:
        """Through which proxy each service is reached, and which variable says so."""
        services = {"ZEGOCLOUD": self._settings.zego_api_url}
        if self._settings.slack_bot_token:
            services["Slack"] = self._settings.slack_api_url
        ways = [f"{name} is reached {self._network.route(url).describe()}" for name, url in services.items()]
        return "ok", ", ".join(ways)

    async def _bot_token(self) -> Finding:
        """Whose SLACK_BOT_TOKEN is, and whether it has every scope of the manifest."""
        client = self._slack_client(self._settings.slack_bot_token.reveal())
        try:
            answer = await client.auth_test()
        except SLACK_ERRORS as error:
            return self._refused_by_slack("SLACK_BOT_TOKEN", error)
        self._slack_date, self._slack_date_at = _header(answer, "date"), self._clock.now()
        if not answer.get("bot_id"):
            return "failed", "is not a bot's: copy the Bot User OAuth Token of the app"
        with suppress(*SLACK_ERRORS):
            bot = (await client.bots_info(bot=str(answer["bot_id"]))).get("bot") or {}
            self._app_id = str(bot.get("app_id") or "")
        given = {scope.strip() for scope in _header(answer, "x-oauth-scopes").split(",") if scope.strip()}
        if not given:
            return "warning", f"belongs to {answer.get('team')}; Slack did not say with which scopes"
        if missing := sorted(bot_scopes(load_manifest()) - given):
            advice = "update the app's manifest and reinstall it to the workspace"
            return "failed", f"the scopes {', '.join(missing)} are missing: {advice}"
        return "ok", f"belongs to {answer.get('team')}, with every scope of the manifest"

    async def _app_token(self) -> Finding:
        """Whether SLACK_APP_TOKEN opens Socket Mode, and is of the bot's app.

        No connection is made: it would be given deliveries.
        """
        token = self._settings.slack_app_token.reveal()
        try:
            await self._slack_client(None).apps_connections_open(app_token=token)
        except SLACK_ERRORS as error:
            finding = self._refused_by_slack("SLACK_APP_TOKEN", error)
        else:
            finding = "ok", "opens Socket Mode connections"
        await self._wait_for(BOT)
        named = _APP_OF_TOKEN.match(token)
        if named and self._app_id and named[1] != self._app_id:
            advice = "copy both from the pages of the same app, or commands will never arrive"
            return "failed", f"belongs to app {named[1]}, the bot token to {self._app_id}: {advice}"
        return finding

    async def _signing_secret(self) -> Finding:
        """What can be known of SLACK_SIGNING_SECRET: its shape. Slack does not tell whether it is right."""
        if not _SIGNING_SECRET.fullmatch(self._settings.slack_signing_secret.reveal()):
            shape = "has not the shape of Slack's, 32 hexadecimal digits"
            return "warning", f"{shape}: compare it with the app's page Basic Information"
        later = "it is wrong if the log of `run` has deliveries as `none unsigned`"
        return "unknown", f"has the right shape; more Slack does not tell: {later}"

    async def _app_settings(self) -> Finding:
        """What no token of the bot may ask: the app's live manifest."""
        parts = "the command, shortcuts, events, interactivity"
        if not self._settings.slack_app_token:
            parts += " and the Request URLs (https://…/slack/events)"
        advice = "compare the app's page App Manifest with manifest.yml"
        return "unknown", f"Slack does not show them to the bot ({parts}): {advice}"

    def _slack_client(self, token: str | None) -> SlackClient:
        return SlackClient(
            self._network,
            token=token,
            base_url=self._settings.slack_api_url,
            timeout=int(PATIENCE_SECONDS) - 1,
            logger=quiet_logger(),
            retry_handlers=[],
        )

    def _refused_by_slack(self, variable: str, error: Exception) -> Finding:
        word = slack_word(error)
        if word in FATAL:
            return "failed", f"{variable} {FATAL[word]} ({word})"
        if isinstance(error, SlackApiError):
            advice = "if it stays so, copy the token again, and check SLACK_API_URL and what stands between"
            return "failed", f"Slack answers {word}: try again in a minute; {advice}"
        late = isinstance(error, TimeoutError | aiohttp.ServerTimeoutError)
        how = "does not answer" if late else f"cannot be reached ({word})"
        host = urlsplit(self._settings.slack_api_url).hostname
        return "failed", f"{host} {how}: check the network, a proxy, SLACK_API_URL"

    async def _zego(self) -> Finding:
        """A real, signed question."""
        recordings = build_recordings(self._settings, self._clock, self._network)
        began = time.perf_counter()
        try:
            page = await recordings.zego.probe(Priority.within(PATIENCE_SECONDS - 1))
        except RecordingsError as error:
            return "failed", str(error)
        finally:
            self._skew_seconds = recordings.zego.skew_seconds
            await recordings.aclose()
        took_ms = (time.perf_counter() - began) * 1000
        host = urlsplit(self._settings.zego_api_url).hostname
        running = f"{page.total} recordings of the last hour are running"
        return "ok", f"{host} takes the credentials, in {took_ms:.0f} ms; {running}"

    async def _machine_clock(self) -> Finding:
        """This machine's clock against ZEGOCLOUD's, or Slack's if ZEGOCLOUD doesn't tell the time."""
        await self._wait_for(BOT, "ZEGOCLOUD")
        whose, skew_seconds = "ZEGOCLOUD's", self._skew_seconds
        if skew_seconds is None:
            at = self._slack_date_at
            whose, skew_seconds = "Slack's", parse_skew(self._slack_date, at, at)
        if skew_seconds is None:
            return "warning", "is not checked: neither ZEGOCLOUD nor Slack told the time"
        seconds = abs(skew_seconds)
        if seconds < CLOCK_OFF_SECONDS:
            return "ok", f"differs from {whose} by {seconds:.0f} s"
        side = "behind" if skew_seconds > 0 else "ahead of"
        finding = f"is {seconds:.0f} s {side} {whose}: set it (NTP)"
        return "failed" if seconds > CLOCK_WRONG_SECONDS else "warning", finding

    async def _database(self) -> Finding:
        if self._skips_database:  # the default's would be created, and called fine
            return "unknown", "is not checked: correct DATABASE_URL first"
        return await check_database(self._settings)

    async def _disk(self) -> Finding | None:
        """Whether an SQLite file that can be written has room to grow; nothing is told if it has."""
        await self._wait_for("database")
        database = self._tasks["database"]
        if not database.done() or (database.result() or ("",))[0] != "ok":
            return None
        folder = open_store(self._settings.database_url.reveal(), self._clock).database.folder
        if folder is None or (free := shutil.disk_usage(folder).free) >= LEAST_FREE_BYTES:
            return None
        advice = "free some, or digests will stop"
        return "warning", f"has {free // 1024**2} MB left beside the database: {advice}"


async def check_database(settings: Settings) -> Finding:
    """That it opens, has a layout that this version knows, and can be written."""
    store = None
    try:
        store = open_store(settings.database_url.reveal(), clock_from(settings.bot_clock))
        async with asyncio.timeout(PATIENCE_SECONDS - CLOSE_SECONDS):
            await store.check()
            version, revision = await store.about()
    except StoreError as error:
        return "failed", error.for_operator()
    except TimeoutError:
        advice = "check DATABASE_URL, and whether the database is overloaded or behind a firewall"
        return "failed", f"does not answer: {advice}"
    finally:
        if store is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await store.close()
    use = "" if store.is_shared else "; right for one process, if this disk outlasts it"
    return "ok", f"opens and can be written; {version}{use}; its layout is up to date ({revision})"


def _whose_rules() -> str:
    data = zone_data()
    unknown = "of an unknown version"
    system = "not there" if data.system is None else data.system or unknown
    package = f"the package tzdata is {data.package or 'not installed'}"
    if data.source == "PYTHONTZPATH":
        return f"the data in PYTHONTZPATH is used ({system}); {package}"
    if data.source == "system":
        return f"the system's data is used ({system}); {package}"
    return f"the package tzdata is used ({data.package}); the system's data is {system}"


def _header(answer: AsyncSlackResponse, name: str) -> str:
    """A header of an answer, whatever its capitals."""
    return next((str(value) for key, value in answer.headers.items() if key.lower() == name), "")
