"""Signs in at Slack. If Slack is away, it waits; if a token is wrong, it fails at once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import chain, repeat
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
"""Slack's words that waiting doesn't change, and what they mean for the variable with the token."""


@dataclass(frozen=True, slots=True)
class Home:
    """The workspace and app that the bot's token belongs to, from `auth.test`."""

    team_id: str
    enterprise_id: str
    bot_user_id: str
    bot_id: str
    team_name: str = ""


async def sign_in(client: AsyncWebClient) -> Home:
    """Ask Slack which workspace and app SLACK_BOT_TOKEN is for.

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
    """Ask Slack for the address of a Socket Mode connection, which is secret and works once.

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
    waits = chain(WAITS_SECONDS, repeat(WAITS_SECONDS[-1]))
    while True:
        try:
            return await ask()
        except SLACK_ERRORS as error:
            word = slack_word(error)
        if word in FATAL:
            raise ConfigError([f"{variable} {FATAL[word]} ({word})."])
        wait_seconds = next(waits)
        logger.warning("Slack does not answer (%s); trying again in %d s", word, wait_seconds)
        await asyncio.sleep(wait_seconds)
