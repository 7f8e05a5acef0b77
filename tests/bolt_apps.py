"""Running a real Bolt app against the local Slack, over signed HTTP or Socket Mode."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.server import LocalSlack


def manifest(**changes: Any) -> dict[str, Any]:
    """Everything an app may need; `changes` replaces scopes, events or settings."""
    scopes = [
        *("commands", "chat:write", "app_mentions:read", "im:history", "im:write", "files:write"),
        *("users:read", "channels:read", "channels:history", "groups:read", "groups:history"),
    ]
    return {
        "display_information": {"name": "Recordings"},
        "features": {
            "bot_user": {"display_name": "Recordings"},
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
            "slash_commands": [{"command": "/recordings", "description": "Find", "should_escape": True}],
            "shortcuts": [
                {"name": "Find recordings", "type": "global", "callback_id": "find", "description": "Find"},
                {"name": "Find recordings", "type": "message", "callback_id": "read", "description": "Find"},
            ],
        },
        "oauth_config": {"scopes": {"bot": changes.get("scopes", scopes)}},
        "settings": {
            "event_subscriptions": {
                "bot_events": changes.get("events", ["app_mention", "message.im", "app_home_opened"])
            },
            "interactivity": {"is_enabled": changes.get("interactivity", True)},
            "socket_mode_enabled": changes.get("socket_mode", True),
        },
    }


def bolt_app(slack: LocalSlack, *, signing_secret: str | None = None) -> AsyncApp:
    """A Bolt app with the workspace's tokens and no listeners yet."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    return AsyncApp(name="a test's", client=client, signing_secret=signing_secret or slack.signing_secret)


@asynccontextmanager
async def served_over_http(app: AsyncApp, slack: LocalSlack) -> AsyncIterator[None]:
    """Serve the app's /slack/events and have the local Slack deliver there."""
    runner = web.AppRunner(app.web_app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_over_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected_over_sockets(app: AsyncApp, slack: LocalSlack) -> AsyncIterator[AsyncSocketModeHandler]:
    """Connect the app over Socket Mode and have the local Slack deliver there."""
    client = AsyncWebClient(token=slack.app_token, base_url=slack.api_url)
    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=client, ping_interval=0.1)
    slack.deliver_over_sockets()
    await handler.connect_async()
    await slack.wait_for(lambda: slack.sockets.connections)
    try:
        yield handler
    finally:
        await handler.close_async()
