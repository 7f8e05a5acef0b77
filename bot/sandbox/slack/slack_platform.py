"""What every part of the local Slack works with: the workspace, the app and what was given out to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.state import APP, BOT, BOT_USER, TEAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.slack.app_manifest import DeclaredApp
    from bot.sandbox.slack.state import Message, Workspace
    from bot.sandbox.slack.tickets import ResponseUrls, Triggers
    from bot.sandbox.slack.views import Views

TEAM_DOMAIN = "local"


def _nobody_listens(event: str, message: Message) -> None:
    del event, message


@dataclass
class UploadedFile:
    """A file that the app uploads: known at step 1, with bytes at step 2, shared at step 3."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    channel: str | None = None
    thread_ts: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the bytes."""
        return {k: v for k, v in vars(self).items() if k != "content"}


@dataclass
class Platform:
    """The parts in one place. `base_url` is the server's own address, without a slash at the end.

    `most_history` is how many messages of a channel the app gets at once, however many it asks for.
    """

    workspace: Workspace
    app: DeclaredApp
    triggers: Triggers
    hooks: ResponseUrls
    views: Views
    files: dict[str, UploadedFile] = field(default_factory=dict)
    base_url: str = ""
    most_history: int | None = None
    socket_tickets: set[str] = field(default_factory=set)
    on_app_message: Callable[[str, Message], None] = _nobody_listens


def message_payload(workspace: Workspace, message: Message, *, with_metadata: bool = True) -> dict[str, Any]:
    """A message as methods and payloads show it (Slack docs, message objects)."""
    payload: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": TEAM,
    }
    if message.user == BOT_USER:
        payload |= {"bot_id": BOT, "app_id": APP}
        payload["bot_profile"] = {"id": BOT, "app_id": APP, "name": "Recordings", "team_id": TEAM}
    if message.blocks:
        payload["blocks"] = message.blocks
    if message.files:
        payload |= {"files": message.files, "subtype": "file_share"}
    if message.edited_ts:
        payload["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.metadata and with_metadata:
        payload["metadata"] = message.metadata
    replies = workspace.replies(message.channel, message.ts)
    if message.thread_ts or replies:
        payload["thread_ts"] = message.thread_ts or message.ts
    if replies:
        payload |= {"reply_count": len(replies), "latest_reply": replies[-1].ts}
        payload["reply_users"] = sorted({reply.user for reply in replies})
    return payload
