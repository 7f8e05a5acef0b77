"""The addresses behind `response_url`: answering where something happened (Slack docs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack.content import read_content
from bot.sandbox.slack.refusals import Refusal
from bot.sandbox.slack.state import BOT_USER, Message

if TYPE_CHECKING:
    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.tickets import ResponseUrl
    from bot.sandbox.slack.web_api import WebApi

_TRUE = (True, "true")

# Seen in the field: 404 for an address that is no longer good, 400 for a body that cannot be shown.
_GONE = {"used_url", "expired_url", "invalid_url"}


class ResponseUrlDoor:
    """Answers `POST /hooks/…`: `ok`, or an error."""

    def __init__(self, platform: Platform, api: WebApi) -> None:
        self._platform = platform
        self._api = api

    async def handle(self, request: web.Request) -> web.Response:
        """Take one post."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        answer = await self._api.guarded("response_url", body, lambda: self._respond(request.path, body))
        if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
            return answer
        call = self._api.calls[-1]
        if call.ok:
            return web.Response(text="ok")
        call.status = 404 if call.error in _GONE else 400
        return web.json_response(call.answer, status=call.status)

    def _respond(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = self._platform.hooks.use(path)
        original = self._original(url)
        if body.get("delete_original") in _TRUE and url.kind == "actions":
            if original is None:
                raise Refusal("message_not_found")  # unverified
            url.uses += 1
            self._platform.workspace.delete_message(original)
            return {}
        if body.get("response_type", "ephemeral") not in {"ephemeral", "in_channel"}:
            raise Refusal("invalid_arguments")  # unverified
        content = read_content(body)
        url.uses += 1
        # A command's response_url never replaces: the flag is ignored (seen by the maintainers of Bolt). That
        # a click's replaces only when told to is unverified: always say which one is meant.
        if body.get("replace_original") in _TRUE and original is not None:
            self._replace(original, content)
        else:
            self._show(url, body, content)
        return {}

    def _show(self, url: ResponseUrl, body: dict[str, Any], content: dict[str, Any]) -> None:
        """Show a new message where the address belongs, whether or not the bot is a member there."""
        workspace = self._platform.workspace
        message = Message(
            url.channel, workspace.new_ts(), BOT_USER, thread_ts=body.get("thread_ts") or None, **content
        )
        if body.get("response_type") == "in_channel":
            workspace.add_message(message)
        else:
            message.ephemeral_for = url.user
            workspace.show_ephemeral(message)

    def _replace(self, original: Message, content: dict[str, Any]) -> None:
        workspace = self._platform.workspace
        edited = None if original.ephemeral_for else workspace.new_ts()
        workspace.change_message(original, edited_ts=edited, **content)

    def _original(self, url: ResponseUrl) -> Message | None:
        if url.kind != "actions":
            return None
        for message in self._platform.workspace.messages:
            if message.channel == url.channel and message.ts == url.message_ts:
                return message
        return None
