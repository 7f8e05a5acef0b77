"""The Home tab: what the app does, one button to ask, the state of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.blocks.home import build_home
from bot.errors import SlackRefusedError
from bot.listeners.delivery import note_problem
from bot.slack_client import SLACK_ERRORS, slack_word

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock
    from bot.listeners.access import Asker
    from bot.recordings import Recordings


async def handle_home(
    event: dict[str, Any], asker: Asker, recordings: Recordings, slack: AsyncWebClient, clock: Clock
) -> None:
    """Somebody opened the Home tab."""
    if event.get("tab") != "home":
        return
    zego = recordings.zego
    view = build_home(
        rooms=recordings.rooms_lately(),
        answered_ms=zego.last_ok_ms,
        failure=str(zego.failure or ""),
        now_ms=int(clock.now() * 1000),
    )
    await publish_home(slack, asker.user_id, view)


async def publish_home(slack: AsyncWebClient, user_id: str, view: dict[str, Any]) -> None:
    """Show a person's Home tab; when Slack does not take it, the old one stays."""
    try:
        await slack.views_publish(user_id=user_id, view=view)
    except SLACK_ERRORS as error:
        note_problem(SlackRefusedError("the Home tab", slack_word(error)))
