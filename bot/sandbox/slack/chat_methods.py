"""The Web API's chat.* methods. Errors are those of Slack docs, reference/methods, unless marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.content import read_blocks, read_content, read_metadata, read_text
from bot.sandbox.slack.refusals import Refusal
from bot.sandbox.slack.slack_platform import message_payload
from bot.sandbox.slack.state import BOT_USER, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.state import Channel, Workspace

Args = dict[str, Any]

MOST_UPDATED_TEXT = 4000  # chat.update is stricter than chat.postMessage (unverified)


def find_channel(workspace: Workspace, channel_id: Any) -> Channel:
    """Find a channel the app may know of: a private one it is not in does not exist for it.

    Names such as `#general` are refused, although Slack takes some: the bot must keep ids.
    """
    channel = workspace.channels.get(channel_id) if isinstance(channel_id, str) else None
    if channel is None or (channel.kind != "public" and BOT_USER not in channel.members):
        raise Refusal("channel_not_found")
    return channel


def post_message(platform: Platform, args: Args) -> dict[str, Any]:
    """chat.postMessage: to a channel, or to a person's direct messages by user id."""
    workspace = platform.workspace
    target = args.get("channel")
    person = workspace.people.get(target) if isinstance(target, str) else None
    channel = workspace.dm_with(person.id) if person else find_channel(workspace, target)
    if channel.kind == "im" and not platform.app.messages_tab:
        raise Refusal("messages_tab_disabled")
    if BOT_USER not in channel.members and "chat:write.public" not in platform.app.scopes:
        raise Refusal("not_in_channel")
    if channel.is_archived:
        raise Refusal("is_archived")
    content = read_content(args)
    message = Message(
        channel.id,
        workspace.new_ts(),
        BOT_USER,
        thread_ts=_thread(workspace, channel, args),
        **content,
    )
    workspace.add_message(message)
    platform.on_app_message("message", message)
    return {"channel": channel.id, "ts": message.ts, "message": message_payload(workspace, message)}


def post_ephemeral(platform: Platform, args: Args) -> dict[str, Any]:
    """chat.postEphemeral: seen by one member; in a thread only where the thread exists already."""
    workspace = platform.workspace
    channel = find_channel(workspace, args.get("channel"))
    if BOT_USER not in channel.members:
        raise Refusal("not_in_channel")
    if channel.is_archived:
        raise Refusal("is_archived")
    if args.get("user") not in channel.members:
        raise Refusal("user_not_in_channel")
    content = read_content(args)
    thread_ts = args.get("thread_ts")
    message = Message(
        channel.id, workspace.new_ts(), BOT_USER, thread_ts=thread_ts, ephemeral_for=args["user"], **content
    )
    workspace.show_ephemeral(message)
    return {"message_ts": message.ts}


def update(platform: Platform, args: Args) -> dict[str, Any]:
    """chat.update: fields that are not given stay as they are."""
    workspace = platform.workspace
    message = _own_message(platform, args, "cant_update_message")
    if not any(name in args for name in ("text", "blocks", "attachments")):
        raise Refusal("no_text")
    changes: dict[str, Any] = {}
    text, blocks = read_text(args), read_blocks(args)
    if text is not None:
        if len(text) > MOST_UPDATED_TEXT:
            raise Refusal("msg_too_long")
        changes["text"] = text
    if blocks is not None:
        changes["blocks"] = blocks
    if not (changes.get("text", message.text) or changes.get("blocks", message.blocks)):
        raise Refusal("no_text")
    if "metadata" in args:
        changes["metadata"] = read_metadata(args)
    workspace.change_message(message, edited_ts=workspace.new_ts(), **changes)
    platform.on_app_message("message_changed", message)
    answer = {"channel": message.channel, "ts": message.ts, "text": message.text}
    return {**answer, "message": message_payload(workspace, message)}


def delete(platform: Platform, args: Args) -> dict[str, Any]:
    """chat.delete: the app's own messages, never ephemeral ones."""
    message = _own_message(platform, args, "cant_delete_message")
    platform.workspace.delete_message(message)
    return {"channel": message.channel, "ts": message.ts}


def _own_message(platform: Platform, args: Mapping[str, Any], not_own: str) -> Message:
    channel = find_channel(platform.workspace, args.get("channel"))
    message = platform.workspace.find_message(channel.id, args.get("ts"))
    if message is None:
        raise Refusal("message_not_found")
    if not message.from_bot:
        raise Refusal(not_own)
    if channel.is_archived:
        raise Refusal("is_archived")
    return message


def _thread(workspace: Workspace, channel: Channel, args: Args) -> str | None:
    """Slack docs say to use the parent's ts, never a reply's; that it refuses others is unverified."""
    thread_ts = args.get("thread_ts")
    if thread_ts is None:
        return None
    parent = workspace.find_message(channel.id, thread_ts)
    if parent is None or parent.thread_ts not in (None, parent.ts):
        raise Refusal("thread_not_found")
    return str(thread_ts)
