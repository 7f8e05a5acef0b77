"""The sandbox's page: its files, its feed of changes, and what people do on it. For this machine only."""

from __future__ import annotations

import asyncio
import mimetypes
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, web

from bot.sandbox.page_actions import ACTIONS
from bot.sandbox.slack.app_manifest import NotDeclaredError
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.state import BOT_USER
from bot.sandbox.switches import switch_states
from bot.sandbox.this_machine import only_this_machine

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage

STATIC = Path(__file__).parent / "static"
_PING_SECONDS = 20.0
_TICK_SECONDS = 5.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: https:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def build_page_app(sandbox: Stage) -> web.Application:
    """The page's aiohttp application."""
    page = Page(sandbox)
    app = web.Application(middlewares=[only_this_machine])
    app.router.add_get("/", page.index)
    app.router.add_get("/static/{name}", page.static)
    app.router.add_get("/sandbox/feed", page.feed)
    app.router.add_get("/sandbox/files/{file_id}", page.file)
    app.router.add_post("/sandbox/{action}", page.act)
    app.on_startup.append(page.start)
    app.on_shutdown.append(page.stop)
    return app


class Page:
    """Answers the browser.

    Args:
        sandbox: everything behind the page.
    """

    def __init__(self, sandbox: Stage) -> None:
        self._sandbox = sandbox
        self._sockets: set[web.WebSocketResponse] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, app: web.Application) -> None:
        """Follow what happens."""
        del app
        self._tasks = [
            asyncio.create_task(self._sandbox.inspector.follow()),
            asyncio.create_task(self._tick()),
        ]

    async def stop(self, app: web.Application) -> None:
        """Let every browser go."""
        del app
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def index(self, request: web.Request) -> web.Response:
        """The page itself."""
        del request
        return _file_response(STATIC / "index.html")

    async def static(self, request: web.Request) -> web.Response:
        """Its scripts and styles."""
        path = STATIC / request.match_info["name"]
        if path.parent != STATIC or not path.is_file():
            raise web.HTTPNotFound
        return _file_response(path)

    async def file(self, request: web.Request) -> web.Response:
        """A file that the bot uploaded."""
        file = self._sandbox.slack.platform.files.get(request.match_info["file_id"])
        if file is None or file.content is None:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        response = web.Response(body=file.content, content_type=kind, headers=_HEADERS)
        quoted = file.name.replace("\\", "_").replace('"', "_")
        response.headers["Content-Disposition"] = f'attachment; filename="{quoted}"'
        return response

    async def feed(self, request: web.Request) -> web.WebSocketResponse:
        """Everything there is, then every change."""
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS)
        await socket.prepare(request)
        self._sockets.add(socket)
        with self._sandbox.slack.subscribe() as changes:
            sender = asyncio.create_task(self._send(socket, changes))
            async for _ in socket:
                pass
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        self._sockets.discard(socket)
        return socket

    async def _send(self, socket: web.WebSocketResponse, changes: Any) -> None:
        with suppress(ConnectionError):
            await socket.send_json(self._everything())
            async for change in changes:
                if change["type"] not in {"delivery", "api_call"}:  # the inspector tells of those
                    await socket.send_json(change)

    async def act(self, request: web.Request) -> web.Response:
        """Something that a person does: `{"ok": true, …}`, or `{"ok": false, "error": sentence}`."""
        action = ACTIONS.get(request.match_info["action"])
        if action is None:
            raise web.HTTPNotFound
        try:
            body = await request.json()
            self._sandbox.inspector.begin()
            result = await action(self._sandbox, body) or {}
        except (ImpossibleError, NotDeclaredError) as error:
            return web.json_response({"ok": False, "error": str(error)})
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": f"This cannot be done: {error}"}, status=400)
        return web.json_response({"ok": True, **result})

    async def _tick(self) -> None:
        """Tell the time, and how many recordings there are, every few seconds."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._sandbox.slack.workspace.feed.publish("clock", **clock_state(self._sandbox))

    def _everything(self) -> dict[str, Any]:
        slack = self._sandbox.slack
        views = slack.platform.views
        return {
            "type": "everything",
            "app": {**app_state(self._sandbox), "user_id": BOT_USER},
            "people": [person.to_json() for person in slack.people.values()],
            "channels": [channel.to_json() for channel in slack.channels.values()],
            "messages": [message.to_json() for message in slack.messages],
            "views": [view.to_json() for view in views.all() if view.body["type"] == "modal"],
            "homes": [view.to_json() for view in views.homes.values()],
            "inspected": list(self._sandbox.inspector.entries),
            "switches": switch_states(self._sandbox),
            "socket_mode": self._sandbox.socket_mode,
            "connections": len(slack.sockets.connections),
            **clock_state(self._sandbox),
        }


def app_state(sandbox: Stage) -> dict[str, Any]:
    """What the manifest says about the app, as far as people see it."""
    features = sandbox.manifest.get("features") or {}
    shown = sandbox.manifest.get("display_information") or {}
    declared = sandbox.slack.platform.app
    return {
        "name": (features.get("bot_user") or {}).get("display_name") or declared.name,
        "description": shown.get("description", ""),
        "long_description": shown.get("long_description", ""),
        "commands": features.get("slash_commands") or [],
        "shortcuts": features.get("shortcuts") or [],
        "home_tab": declared.home_tab,
        "takes_messages": declared.messages_tab and not declared.messages_tab_read_only,
        "hears_mentions": "app_mention" in declared.bot_events,
    }


def clock_state(sandbox: Stage) -> dict[str, Any]:
    """The sandbox's time, and what the vendor's recordings do at it."""
    sandbox.zego.grow()
    counts = sandbox.zego.index.counts(sandbox.zego.now_ms())
    return {
        "now": sandbox.clock.now(),
        "rate": sandbox.clock_rate,
        "recordings": {str(status): number for status, number in counts.items()},
    }


def _file_response(path: Path) -> web.Response:
    kind = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}.get(
        path.suffix, "image/svg+xml"
    )
    return web.Response(
        text=path.read_text(encoding="utf-8"), content_type=kind, charset="utf-8", headers=_HEADERS
    )
