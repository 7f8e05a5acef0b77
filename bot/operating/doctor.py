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
from typing import TYPE_CHECKING, Any, Literal
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
from bot.zegocloud.in_flight import Asking
from bot.zegocloud.protocol import DescribeTasks, TaskFilter
from bot.zone_data import zone_data, zone_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from slack_sdk.web.async_slack_response import AsyncSlackResponse

    from bot.config import Settings
    from bot.features.digests.store import Store
    from bot.zone_data import ZoneData

logger = logging.getLogger(__name__)


PATIENCE_SECONDS = 6.5
"""How long one check may take. They run side by side, so that all are told within ten seconds."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was checked, how it went, and what to do or what was found.

    Attributes:
        name: what was checked.
        outcome: `failed` makes the exit status 1; `warning` works, and should be looked at; `unknown` cannot
            be found out from here.
        finding: the rest of a sentence that begins with the name.
    """

    name: str
    outcome: Literal["ok", "warning", "failed", "unknown"]
    finding: str


BOT, APP, SECRET, SETUP = "Slack bot token", "Slack app token", "Slack signing secret", "Slack app's settings"

_APP_OF_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]+)-")
"""An app-level token names its app (seen; Slack does not document it, so another shape proves nothing)."""

_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
"""The shape of the secrets that Slack gives out (seen; undocumented)."""


class SlackExamination:
    """Asks Slack.

    Args:
        settings: the tokens and Slack's address.

    Attributes:
        date: the time that Slack's answer told (HTTP's `Date`), empty where there was none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app_id = ""
        self.date = ""

    async def bot_token(self) -> list[Check]:
        """Whose SLACK_BOT_TOKEN is, and whether it has every scope of the manifest."""
        client = self._client(self._settings.slack_bot_token.reveal())
        try:
            answer = await client.auth_test()
        except SLACK_ERRORS as error:
            return [self._refused(BOT, "SLACK_BOT_TOKEN", error)]
        self.date = _header(answer.headers, "date")
        if not answer.get("bot_id"):
            return [Check(BOT, "failed", "is not a bot's: copy the Bot User OAuth Token of the app")]
        self._app_id = await _app_of(client, str(answer["bot_id"]))
        return [_check_scopes(answer)]

    async def app_token(self) -> Check:
        """Whether SLACK_APP_TOKEN opens Socket Mode. No connection is made: it would be given deliveries."""
        token = self._settings.slack_app_token.reveal()
        try:
            await self._client(None).apps_connections_open(app_token=token)
        except SLACK_ERRORS as error:
            return self._refused(APP, "SLACK_APP_TOKEN", error)
        return Check(APP, "ok", "opens Socket Mode connections")

    def same_app(self) -> list[Check]:
        """Whether both tokens are of one app, as far as they tell; after `bot_token`."""
        named = _APP_OF_TOKEN.match(self._settings.slack_app_token.reveal())
        if not named or not self._app_id or named[1] == self._app_id:
            return []
        advice = "copy both from the pages of the same app, or commands will never arrive"
        return [Check(APP, "failed", f"belongs to app {named[1]}, the bot token to {self._app_id}: {advice}")]

    def signing_secret(self) -> Check:
        """What can be known of SLACK_SIGNING_SECRET: its shape. Slack does not tell whether it is right."""
        if not _SIGNING_SECRET.fullmatch(self._settings.slack_signing_secret.reveal()):
            shape = "has not the shape of Slack's, 32 hexadecimal digits"
            return Check(SECRET, "warning", f"{shape}: compare it with the app's page Basic Information")
        later = "it is wrong if the log of `run` has deliveries as `none unsigned`"
        return Check(SECRET, "unknown", f"has the right shape; more Slack does not tell: {later}")

    def setup(self) -> Check:
        """What no token of the bot may ask: the app's live manifest."""
        parts = "the command, shortcuts, events, interactivity"
        if not self._settings.slack_app_token:
            parts += " and the Request URLs (https://…/slack/events)"
        advice = "compare the app's page App Manifest with manifest.yml"
        return Check(SETUP, "unknown", f"Slack does not show them to the bot ({parts}): {advice}")

    def _client(self, token: str | None) -> SlackClient:
        url, seconds = self._settings.slack_api_url, int(PATIENCE_SECONDS) - 1
        return SlackClient(
            self._settings.network(),
            token=token,
            base_url=url,
            timeout=seconds,
            logger=quiet_logger(),
            retry_handlers=[],
        )

    def _refused(self, name: str, variable: str, error: Exception) -> Check:
        word = slack_word(error)
        if word in FATAL:
            return Check(name, "failed", f"{variable} {FATAL[word]} ({word})")
        if isinstance(error, SlackApiError):
            advice = "if it stays so, copy the token again, and check SLACK_API_URL and what stands between"
            return Check(name, "failed", f"Slack answers {word}: try again in a minute; {advice}")
        host = urlsplit(self._settings.slack_api_url).hostname
        late = isinstance(error, TimeoutError | aiohttp.ServerTimeoutError)
        how = "does not answer" if late else f"cannot be reached ({word})"
        return Check(name, "failed", f"{host} {how}: check the network, a proxy, SLACK_API_URL")


def _check_scopes(answer: AsyncSlackResponse) -> Check:
    header = _header(answer.headers, "x-oauth-scopes")
    given = {scope.strip() for scope in header.split(",") if scope.strip()}
    if not given:
        return Check(BOT, "warning", f"belongs to {answer.get('team')}; Slack did not say with which scopes")
    if missing := sorted(bot_scopes(load_manifest()) - given):
        advice = "update the app's manifest and reinstall it to the workspace"
        return Check(BOT, "failed", f"the scopes {', '.join(missing)} are missing: {advice}")
    return Check(BOT, "ok", f"belongs to {answer.get('team')}, with every scope of the manifest")


async def _app_of(client: SlackClient, bot_id: str) -> str:
    """The ID of the app that a bot belongs to; empty where Slack does not tell."""
    try:
        answer = await client.bots_info(bot=bot_id)
    except SLACK_ERRORS:
        return ""
    return str((answer.get("bot") or {}).get("app_id") or "")


def _header(headers: Mapping[str, Any], name: str) -> str:
    """A header of an answer, whatever its capitals."""
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")


CLOCK_WRONG_SECONDS = 60
"""The vendor refuses from 10 minutes on, Slack's deliveries from 5; a minute already makes windows wrong."""

CLOCK_OFF_SECONDS = 5
"""A clock that is kept by NTP is never so far off."""

LEAST_FREE_BYTES = 100 * 1024**2
CLOSE_SECONDS = 1.0


def check_zones(settings: Settings) -> Check:
    """Whether there is time-zone data, and which is used."""
    name = "time zones"
    try:
        zone_info("Europe/Berlin")
    except LookupError:
        return Check(name, "failed", "there is no time-zone data: install the package tzdata")
    default = f"where a person's is not known: {settings.default_tz}"
    return Check(name, "ok", f"{_whose_rules(zone_data())}; {default}")


def _whose_rules(data: ZoneData) -> str:
    unknown = "of an unknown version"
    system = "not there" if data.system is None else data.system or unknown
    package = f"the package tzdata is {data.package or 'not installed'}"
    if data.source == "PYTHONTZPATH":
        return f"the data in PYTHONTZPATH is used ({system}); {package}"
    if data.source == "system":
        return f"the system's data is used ({system}); {package}"
    return f"the package tzdata is used ({data.package}); the system's data is {system}"


def check_proxies(settings: Settings) -> Check:
    """Through which proxy each service is reached, and which variable says so."""
    network = settings.network()
    services = {"ZEGOCLOUD": settings.zego_api_url}
    if settings.slack_bot_token:
        services["Slack"] = settings.slack_api_url
    ways = [f"{name} is reached {network.route(url).describe()}" for name, url in services.items()]
    return Check("proxies", "ok", ", ".join(ways))


async def check_zego(settings: Settings) -> tuple[Check, float | None]:
    """A real, signed question. Returns too how many seconds the vendor's clock is ahead, where it tells."""
    clock = clock_from(settings.bot_clock)
    recordings = build_recordings(settings, clock)
    now_ms = int(clock.now() * 1000)
    asking = Asking(deadline=asyncio.get_running_loop().time() + PATIENCE_SECONDS - 1)
    name, began = "ZEGOCLOUD", time.perf_counter()
    try:
        question = DescribeTasks(TaskFilter.ONGOING, now_ms - 3_600_000, now_ms)
        page = await recordings.zego.list_tasks(question, asking)
        took_ms = (time.perf_counter() - began) * 1000
        host = urlsplit(settings.zego_api_url).hostname
        running = f"{page.total} recordings of the last hour are running"
        found = Check(name, "ok", f"{host} takes the credentials, in {took_ms:.0f} ms; {running}")
    except RecordingsError as error:
        found = Check(name, "failed", str(error))
    finally:
        await recordings.aclose()
    return found, recordings.zego.skew_seconds


def check_clock(skew_seconds: float | None, slack_date: str, now: float) -> Check:
    """This machine's clock against ZEGOCLOUD's, or Slack's where that does not tell.

    Args:
        skew_seconds: ZEGOCLOUD's clock minus this one.
        slack_date: the `Date` header of an answer of Slack's.
        now: when that answer had come, Unix seconds.
    """
    whose = "ZEGOCLOUD's"
    if skew_seconds is None:
        whose, skew_seconds = "Slack's", parse_skew(slack_date, now, now)
    if skew_seconds is None:
        return Check("clock", "warning", "is not checked: neither ZEGOCLOUD nor Slack told the time")
    seconds = abs(skew_seconds)
    if seconds < CLOCK_OFF_SECONDS:
        return Check("clock", "ok", f"differs from {whose} by {seconds:.0f} s")
    side = "behind" if skew_seconds > 0 else "ahead of"
    finding = f"is {seconds:.0f} s {side} {whose}: set it (NTP)"
    return Check("clock", "failed" if seconds > CLOCK_WRONG_SECONDS else "warning", finding)


async def check_database(settings: Settings) -> list[Check]:
    """That it opens, has a layout that this version knows, can be written, and has room."""
    name, store = "database", None
    try:
        store = open_store(settings.database_url.reveal(), clock_from(settings.bot_clock))
        async with asyncio.timeout(PATIENCE_SECONDS - CLOSE_SECONDS):
            await store.check()
            version, applied = await store.about()
    except StoreError as error:
        return [Check(name, "failed", error.for_operator())]
    except TimeoutError:
        advice = "check DATABASE_URL, and whether the database is overloaded or behind a firewall"
        return [Check(name, "failed", f"does not answer: {advice}")]
    finally:
        if store is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await store.close()
    use = "" if store.is_shared else "; right for one process, if this disk outlasts it"
    layout = f"its layout is up to date ({applied[-1]})"
    return [Check(name, "ok", f"opens and can be written; {version}{use}; {layout}"), *_check_disk(store)]


def _check_disk(store: Store) -> list[Check]:
    if store.folder is None:
        return []
    free = shutil.disk_usage(store.folder).free
    if free >= LEAST_FREE_BYTES:
        return []
    advice = "free some, or digests will stop"
    return [Check("disk", "warning", f"has {free // 1024**2} MB left beside the database: {advice}")]


SIGNS = {"ok": "✓", "warning": "!", "failed": "✕", "unknown": "?"}


async def examine(
    environment: Mapping[str, str], patience_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[Check]:
    """Check everything at once, and tell it in order.

    A setting that is wrong is told first; what does not need it is checked all the same.

    Args:
        environment: names and values.
        patience_seconds: when a check that hangs is given up.
    """
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
        skips_database = False
        way = "Socket Mode" if settings.slack_app_token else f"HTTP, port {settings.port}"
        yield Check("settings", "ok", f"every variable that is needed is there and well formed ({way})")
    if settings.redis_url_is_set:
        yield Check("settings", "warning", REDIS_IS_NOT_NEEDED)
    examination = _Examination(settings, patience_seconds, skips_database=skips_database)
    try:
        for part in examination.parts():
            for check in await part:
                yield check
    finally:
        await examination.stop()


class _Examination:
    """The checks under way."""

    def __init__(self, settings: Settings, patience_seconds: float, *, skips_database: bool) -> None:
        self._patience_seconds = patience_seconds
        self._skips_database = skips_database
        self._settings = settings
        self._slack = SlackExamination(settings)
        self._skew_seconds: float | None = None
        self._slack_at = 0.0
        self._tasks: list[asyncio.Task[list[Check]]] = []

    def parts(self) -> list[Awaitable[list[Check]]]:
        """Begin every check; to be awaited in this order."""
        settings = self._settings
        bot_token = self._begin(BOT, self._bot_token()) if settings.slack_bot_token else None
        zego = self._begin("ZEGOCLOUD", self._zego())
        told: list[asyncio.Task[list[Check]] | None] = [
            self._begin("time zones", _one(check_zones(settings))),
            self._begin("proxies", _one(check_proxies(settings))) if settings.names_proxies else None,
            bot_token,
            self._begin(APP, self._app_token(bot_token)) if settings.slack_app_token else None,
            self._begin("Slack", self._rest_of_slack()) if settings.slack_bot_token else None,
            zego,
            self._begin("clock", self._clock(bot_token, zego)),
            self._begin("database", self._database()),
        ]
        return [task for task in told if task is not None]

    async def stop(self) -> None:
        """End what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, name: str, check: Awaitable[list[Check]]) -> asyncio.Task[list[Check]]:
        async def run() -> list[Check]:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    return await check
            except TimeoutError:
                advice = "check its address, the network and a proxy"
                return [Check(name, "failed", f"does not answer: {advice}")]
            except Exception as error:  # the other checks are told all the same
                kind = type(error).__name__
                logger.critical("The check of %s failed", name, exc_info=error)  # the level that is shown
                return [
                    Check(name, "failed", f"cannot be checked ({kind}): report this as a fault of the bot")
                ]

        task = asyncio.create_task(run())
        self._tasks.append(task)
        return task

    async def _database(self) -> list[Check]:
        if self._skips_database:  # the default's would be made, and be called fine
            return [Check("database", "unknown", "is not checked: correct DATABASE_URL first")]
        return await check_database(self._settings)

    async def _bot_token(self) -> list[Check]:
        checks = await self._slack.bot_token()
        self._slack_at = clock_from(self._settings.bot_clock).now()
        return checks

    async def _app_token(self, bot_token: asyncio.Task[list[Check]] | None) -> list[Check]:
        check = await self._slack.app_token()
        if bot_token is not None:
            await asyncio.wait({bot_token})
        return self._slack.same_app() or [check]

    async def _rest_of_slack(self) -> list[Check]:
        by_http = self._settings.slack_signing_secret and not self._settings.slack_app_token
        return [*([self._slack.signing_secret()] if by_http else []), self._slack.setup()]

    async def _zego(self) -> list[Check]:
        check, self._skew_seconds = await check_zego(self._settings)
        return [check]

    async def _clock(
        self, bot_token: asyncio.Task[list[Check]] | None, zego: asyncio.Task[list[Check]]
    ) -> list[Check]:
        own_seconds = self._patience_seconds * 0.9  # those two may take as long as this one may
        await asyncio.wait({task for task in (bot_token, zego) if task is not None}, timeout=own_seconds)
        return [check_clock(self._skew_seconds, self._slack.date, self._slack_at)]


async def _one(check: Check) -> list[Check]:
    return [check]


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
