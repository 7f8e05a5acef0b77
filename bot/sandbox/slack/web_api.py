"""The Web API's front door: tokens, scopes, encodings, errors made on purpose, and a record of calls."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack import chat_methods, directory_methods, file_methods, view_methods
from bot.sandbox.slack.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.slack.slack_platform import Platform

Args = dict[str, Any]


@dataclass(frozen=True)
class Method:
    """A method: what answers it, the scope it needs, whether it reads JSON bodies, whose token it takes."""

    answer: Callable[[Platform, Args], dict[str, Any]]
    scope: str = ""
    reads_json: bool = True
    token: str = "bot"  # noqa: S105 - the kind of token, not one


def connections_open(platform: Platform, args: Args) -> dict[str, Any]:
    """apps.connections.open: an address for one WebSocket, with a ticket that is good once."""
    del args
    if not platform.app.socket_mode:
        raise Refusal("link_disabled")  # unverified as an answer of this method
    ticket = platform.workspace.new_id("ticket")
    platform.socket_tickets.add(ticket)
    address = platform.base_url.replace("http://", "ws://", 1)
    return {"url": f"{address}/link/?ticket={ticket}"}


# Slack docs, reference/methods: scopes, and the encodings a method takes ("Accepted content types").
METHODS = {
    "auth.test": Method(directory_methods.auth_test),
    "bots.info": Method(directory_methods.bots_info, "users:read", reads_json=False),
    "chat.postMessage": Method(chat_methods.post_message, "chat:write"),
    "chat.postEphemeral": Method(chat_methods.post_ephemeral, "chat:write"),
    "chat.update": Method(chat_methods.update, "chat:write"),
    "chat.delete": Method(chat_methods.delete, "chat:write"),
    "views.open": Method(view_methods.views_open),
    "views.push": Method(view_methods.views_push),
    "views.update": Method(view_methods.views_update),
    "views.publish": Method(view_methods.views_publish),
    "users.info": Method(directory_methods.users_info, "users:read", reads_json=False),
    "conversations.info": Method(directory_methods.conversations_info, reads_json=False),
    "conversations.members": Method(directory_methods.conversations_members, reads_json=False),
    "conversations.history": Method(directory_methods.conversations_history, reads_json=False),
    "conversations.replies": Method(directory_methods.conversations_replies, reads_json=False),
    "conversations.open": Method(directory_methods.conversations_open, "im:write"),
    "files.getUploadURLExternal": Method(file_methods.get_upload_url, "files:write", reads_json=False),
    "files.completeUploadExternal": Method(file_methods.complete_upload, "files:write"),
    "apps.connections.open": Method(connections_open, token="app"),  # noqa: S106 - the kind of token
}


@dataclass
class ApiCall:
    """One call of a method, or one post to a response_url (`method` is then `response_url`)."""

    method: str
    args: Args
    at: float
    ok: bool = False
    error: str = ""
    status: int = 200
    answer: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Every field."""
        return vars(self).copy()


@dataclass
class Misbehaviour:
    """What to do instead of the right answer, `times` times.

    Args:
        error: Slack's error code.
        status: an HTTP status; 429 goes with `retry_after` seconds.
        hang: give no answer at all.
        after_effect: carry the call out first, then lose the answer.
        only_if: misbehave only where the call's arguments are so.
    """

    error: str = ""
    status: int = 200
    retry_after: int | None = None
    times: int = 1
    hang: bool = False
    after_effect: bool = False
    only_if: Callable[[Args], bool] | None = None


class WebApi:
    """Answers `POST` and `GET /api/METHOD`."""

    def __init__(self, platform: Platform, *, bot_token: str, app_token: str) -> None:
        self._platform = platform
        self._tokens = {"bot": bot_token, "app": app_token}
        self.calls: list[ApiCall] = []
        self._misbehaviours: dict[str, list[Misbehaviour]] = {}
        self._pace_seconds: dict[str, float] = {}
        self._answered_at: dict[str, float] = {}
        self.stopping = asyncio.Event()

    def misbehave(self, method: str, misbehaviour: Misbehaviour) -> None:
        """Answer the next calls of a method (or `response_url`) wrongly."""
        self._misbehaviours.setdefault(method, []).append(misbehaviour)

    def limit(self, method: str, seconds: float) -> None:
        """Refuse a method's calls (429) until so many seconds, by the clock, after the last that was not."""
        self._pace_seconds[method] = seconds

    def behave(self) -> None:
        """Answer rightly from now on; what hangs goes on hanging, as a connection does that was lost."""
        self._misbehaviours.clear()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        method = request.match_info["method"]
        try:
            args = await _read_args(request, METHODS.get(method))
        except Refusal as refusal:
            return self.record(method, {}, refusal.to_json())
        token = _token(request, args)
        return await self.guarded(method, args, lambda: self._answer(method, token, args))

    async def guarded(self, name: str, args: Args, answer: Callable[[], dict[str, Any]]) -> web.Response:
        """Answer, or misbehave as told."""
        wrong = self._too_fast(name) or self._next_misbehaviour(name, args)
        if wrong is None or wrong.after_effect:
            try:
                body = {"ok": True, **answer()}
            except Refusal as refusal:
                body = refusal.to_json()
            response = self.record(name, args, body)
            if wrong is None:
                return response
        if wrong.hang:
            await self.stopping.wait()
        if wrong.status != 200:  # noqa: PLR2004 - HTTP's own number
            return self._http_failure(name, args, wrong)
        return self.record(name, args, {"ok": False, "error": wrong.error or "internal_error"})

    def record(self, name: str, args: Args, body: dict[str, Any], status: int = 200) -> web.Response:
        """Keep a call and tell the feed; returns the HTTP answer."""
        now = self._platform.workspace.clock.now()
        scopes = ",".join(sorted(self._platform.app.scopes))
        error = body.get("error", "")
        call = ApiCall(name, args, now, ok=body["ok"], error=error, status=status, answer=body)
        self.calls.append(call)
        self._platform.workspace.feed.publish("api_call", call=call.to_json())
        return web.json_response(body, status=status, headers={"X-OAuth-Scopes": scopes})

    def _http_failure(self, name: str, args: Args, wrong: Misbehaviour) -> web.Response:
        if wrong.status == 429:  # noqa: PLR2004 - HTTP's own number
            response = self.record(name, args, {"ok": False, "error": "ratelimited"}, 429)
            response.headers["Retry-After"] = str(wrong.retry_after if wrong.retry_after is not None else 1)
            return response
        self.record(name, args, {"ok": False, "error": f"HTTP {wrong.status}"}, wrong.status)
        return web.Response(status=wrong.status, text="<html>Slack is away</html>", content_type="text/html")

    def _next_misbehaviour(self, name: str, args: Args) -> Misbehaviour | None:
        queue = self._misbehaviours.get(name)
        if not queue or (queue[0].only_if and not queue[0].only_if(args)):
            return None
        queue[0].times -= 1
        return queue.pop(0) if queue[0].times <= 0 else queue[0]

    def _too_fast(self, name: str) -> Misbehaviour | None:
        if name not in self._pace_seconds:
            return None
        now = self._platform.workspace.clock.now()
        left_seconds = self._answered_at.get(name, -math.inf) + self._pace_seconds[name] - now
        if left_seconds > 0:
            return Misbehaviour(status=429, retry_after=math.ceil(left_seconds))
        self._answered_at[name] = now
        return None

    def _answer(self, name: str, token: str, args: Args) -> dict[str, Any]:
        method = METHODS.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        if not token:
            raise Refusal("not_authed")
        if token not in self._tokens.values():
            raise Refusal("invalid_auth")
        if token != self._tokens[method.token]:
            raise Refusal("not_allowed_token_type")
        scopes = self._platform.app.scopes
        if method.scope and method.scope not in scopes:
            raise Refusal("missing_scope", needed=method.scope, provided=",".join(sorted(scopes)))
        return method.answer(self._platform, args)


async def _read_args(request: web.Request, method: Method | None) -> Args:
    """Merge query, form and JSON, as far as the method takes them (Slack docs, calling Web API methods)."""
    args: Args = dict(request.query)
    if request.method != "POST" or not request.can_read_body:
        return args
    if request.content_type == "application/json":
        if method is not None and not method.reads_json:
            return args
        try:
            body = await request.json()
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        return {**args, **body}
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return {**args, **dict(await request.post())}
    raise Refusal("invalid_post_type")


def _token(request: web.Request, args: Args) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    in_args = str(args.pop("token", ""))
    return token if scheme == "Bearer" else in_args
