"""What the doctor can find out at Slack: tokens, scopes, and which app they belong to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.doctor.check import PATIENCE_SECONDS, Check
from bot.manifest import bot_scopes, load_manifest
from bot.sign_in import FATAL
from bot.slack_client import SLACK_ERRORS, SlackClient, quiet_logger, slack_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_sdk.web.async_slack_response import AsyncSlackResponse

    from bot.config import Settings

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
