"""One examination: every check, side by side, told in order; what to do stands in each line."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING

from bot.clock import clock_from
from bot.config import given_values, load_settings
from bot.doctor.check import PATIENCE_SECONDS, Check
from bot.doctor.services import (
    check_clock,
    check_database,
    check_proxies,
    check_redis,
    check_zego,
    check_zones,
)
from bot.doctor.slack import APP, BOT, SlackExamination
from bot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from bot.config import Settings

logger = logging.getLogger(__name__)

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
            self._begin("Redis", self._redis()),
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

    async def _redis(self) -> list[Check]:
        return [await check_redis(self._settings)]


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
