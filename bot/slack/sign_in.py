"""Signing in at Slack: whose the tokens are. Slack being away is waited for, a wrong token is not."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import ConfigError
from bot.slack.web_client import SLACK_ERRORS, slack_word

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse


logger = logging.getLogger(__name__)

WAITS_SECONDS = (1, 2, 4, 8, 15, 30)

FATAL = {
    "invalid_auth": "is not a token that Slack knows: copy it again",
    "not_authed": "is empty: copy it again",
    "account_inactive": "belongs to an app or a workspace that is gone: install the app again",
    "token_revoked": "was revoked: install the app again",
    "token_expired": "has expired: install the app again",
    "not_allowed_token_type": "is of the wrong kind: bot tokens begin with xoxb-, app-level ones with xapp-",
    "missing_scope": "lacks a scope: an app-level token needs connections:write",
    "link_disabled": "does not help: Socket Mode is switched off on the Slack app's page",
}
"""Words of Slack that waiting does not change, and what they say of the variable with the token."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the bot's token belongs, as `auth.test` tells it."""

    team_id: str
    enterprise_id: str
    bot_user_id: str
    bot_id: str
    team_name: str = ""


async def sign_in(client: AsyncWebClient) -> Home:
    """Ask Slack whose SLACK_BOT_TOKEN is.

    Raises:
        ConfigError: the token will never work.
    """
    answer = await _ask_patiently("SLACK_BOT_TOKEN", client.auth_test)
    return Home(
        team_id=str(answer.get("team_id") or ""),
        enterprise_id=str(answer.get("enterprise_id") or ""),
        bot_user_id=str(answer.get("user_id") or ""),
        bot_id=str(answer.get("bot_id") or ""),
        team_name=str(answer.get("team") or ""),
    )


async def socket_address(client: AsyncWebClient) -> str:
    """Ask Slack for the address of a Socket Mode connection: it is good once, and secret.

    Args:
        client: with SLACK_APP_TOKEN.

    Raises:
        ConfigError: the token will never work.
    """
    answer = await _ask_patiently(
        "SLACK_APP_TOKEN", lambda: client.apps_connections_open(app_token=client.token or "")
    )
    return str(answer["url"])


async def _ask_patiently(
    variable: str, ask: Callable[[], Coroutine[Any, Any, AsyncSlackResponse]]
) -> AsyncSlackResponse:
    tries = 0
    while True:
        try:
            return await ask()
        except SLACK_ERRORS as error:
            word = slack_word(error)
        if word in FATAL:
            raise ConfigError([f"{variable} {FATAL[word]} ({word})."])
        wait_seconds = WAITS_SECONDS[min(tries, len(WAITS_SECONDS) - 1)]
        logger.warning("Slack does not answer (%s); trying again in %d s", word, wait_seconds)
        tries += 1
        await asyncio.sleep(wait_seconds)
