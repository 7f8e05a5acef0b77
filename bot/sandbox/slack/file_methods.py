"""The Web API's external upload: get an address, send the bytes, complete (Slack docs, files)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack.chat_methods import find_channel
from bot.sandbox.slack.content import decoded
from bot.sandbox.slack.refusals import Refusal
from bot.sandbox.slack.slack_platform import UploadedFile
from bot.sandbox.slack.state import BOT_USER, Message

if TYPE_CHECKING:
    from bot.sandbox.slack.slack_platform import Platform

Args = dict[str, Any]


def get_upload_url(platform: Platform, args: Args) -> dict[str, Any]:
    """files.getUploadURLExternal."""
    name, length = args.get("filename"), str(args.get("length") or "")
    if not name or not length.isdigit() or int(length) == 0:
        missing = "filename" if not name else "length"
        metadata = {"messages": [f"[ERROR] missing required field: {missing}"]}
        raise Refusal("invalid_arguments", response_metadata=metadata)
    file = UploadedFile(platform.workspace.new_id("F"), str(name), int(length))
    platform.files[file.id] = file
    return {"upload_url": f"{platform.base_url}/upload/v1/{file.id}", "file_id": file.id}


class UploadDoor:
    """Answers `POST /upload/v1/FILE`: takes the bytes of an announced file."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def handle(self, request: web.Request) -> web.Response:
        """Take the bytes as the body; refuse them when not as long as announced (codes unverified)."""
        content = await request.read()
        file = self._platform.files.get(request.match_info["file_id"])
        if file is None:
            return web.Response(status=404, text="file_not_found")
        if request.content_type == "multipart/form-data" or len(content) != file.length:
            return web.Response(status=400, text="invalid_length")
        file.content = content
        self._platform.workspace.feed.publish("file_uploaded", file=file.to_json())
        return web.Response(text=f"OK - {len(content)}")


def complete_upload(platform: Platform, args: Args) -> dict[str, Any]:
    """files.completeUploadExternal: shares the files as one message, in a thread where it says so."""
    wanted = decoded(args.get("files"), "invalid_arguments")
    if not isinstance(wanted, list) or not wanted:
        raise Refusal("invalid_arguments")
    files = []
    for entry in wanted:
        if set(entry) - {"id", "title", "highlight_type"}:
            extra = min(set(entry) - {"id", "title", "highlight_type"})
            metadata = {"messages": [f"[ERROR] invalid additional property: {extra} [json-pointer:/files/0]"]}
            raise Refusal("invalid_arguments", response_metadata=metadata)
        file = platform.files.get(entry.get("id"))
        if file is None or file.content is None:
            raise Refusal("file_not_found")
        files.append((file, entry.get("title") or file.name))
    if args.get("channel_id"):
        _share(platform, args, files)
    return {"files": [{"id": file.id, "title": title} for file, title in files]}


def _share(platform: Platform, args: Args, files: list[tuple[UploadedFile, str]]) -> None:
    workspace = platform.workspace
    channel = find_channel(workspace, args["channel_id"])
    if BOT_USER not in channel.members:
        raise Refusal("not_in_channel")
    if channel.is_archived:
        raise Refusal("is_archived")
    thread_ts = args.get("thread_ts")
    if thread_ts and workspace.find_message(channel.id, thread_ts) is None:
        raise Refusal("thread_not_found")
    for file, title in files:
        file.title, file.channel, file.thread_ts = title, channel.id, thread_ts
        workspace.feed.publish("file_shared", file=file.to_json())
    shown = [{"id": f.id, "name": f.name, "title": f.title, "size": f.length} for f, _ in files]
    message = Message(
        channel.id,
        workspace.new_ts(),
        BOT_USER,
        args.get("initial_comment") or "",
        thread_ts=thread_ts,
        files=shown,
    )
    workspace.add_message(message)
