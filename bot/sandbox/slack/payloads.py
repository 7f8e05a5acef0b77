"""What Slack sends to an app: commands, interactions and events (Slack docs, interaction payloads)."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.slack_platform import TEAM_DOMAIN, message_payload
from bot.sandbox.slack.state import APP, BOT_USER, TEAM, Message
from bot.sandbox.slack.views import View

if TYPE_CHECKING:
    from bot.sandbox.slack.app_manifest import Shortcut
    from bot.sandbox.slack.elements import Element
    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.state import Channel, Person

Payload = dict[str, Any]

VERIFICATION_TOKEN = "local-verification-token"  # noqa: S105 - deprecated field of every payload, no secret here

# Slack shows these instead of a name in payloads from private channels and direct messages.
SHOWN_NAMES = {"private": "privategroup", "im": "directmessage"}

CHANNEL_TYPES = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}


def shown_name(channel: Channel) -> str:
    """The channel's name as payloads show it."""
    return SHOWN_NAMES.get(channel.kind, channel.name)


def command_payload(
    platform: Platform, command: str, text: str, person: Person, channel: Channel
) -> dict[str, str]:
    """The form fields of a slash command; every value is text, over Socket Mode too."""
    enterprise_id = platform.workspace.enterprise_id
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "team_domain": TEAM_DOMAIN,
        **({"enterprise_id": enterprise_id, "enterprise_name": "Local"} if enterprise_id else {}),
        "channel_id": channel.id,
        "channel_name": shown_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": escape_command_text(platform, text, everything=platform.app.commands[command]),
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": platform.base_url + platform.hooks.issue("commands", channel.id, person.id),
        "trigger_id": platform.triggers.issue(person.id),
    }


def escape_command_text(platform: Platform, text: str, *, everything: bool) -> str:
    """What a person typed, as the app gets it.

    `& < >` are escaped always (unverified without should_escape); with `everything` (the manifest's
    should_escape) users, channels and addresses are marked up too (Slack docs, slash commands).
    """
    text = text.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not everything:
        return text
    workspace = platform.workspace
    users = {person.name: f"<@{person.id}|{person.name}>" for person in workspace.people.values()}
    channels = {c.name: f"<#{c.id}|{c.name}>" for c in workspace.channels.values() if c.kind != "im"}
    text = re.sub(r"(?<!\S)@([a-z0-9._-]+)", lambda m: users.get(m[1], m[0]), text)
    text = re.sub(r"(?<!\S)#([a-z0-9_-]+)", lambda m: channels.get(m[1], m[0]), text)
    return re.sub(r"(?<!\S)(https?://\S+)", r"<\1>", text)


def block_actions_payload(
    platform: Platform, source: Message | View, element: Element, person: Person, chosen: Payload
) -> Payload:
    """A click on a message or in a view; `chosen` holds what the element adds to `actions`.

    An ephemeral message is not sent along: only its container is (payloads seen in public projects).
    """
    action = {
        "type": element.raw["type"],
        "action_id": element.action_id,
        "block_id": element.block_id,
        **chosen,
        "action_ts": platform.workspace.new_ts(),
    }
    for name in ("text", "value"):
        if element.raw["type"] == "button" and name in element.raw:
            action[name] = element.raw[name]
    payload = {"type": "block_actions", **_interaction(platform, person), "actions": [action]}
    if isinstance(source, View):
        payload["trigger_id"] = platform.triggers.issue(person.id, in_view=source.id)
        payload["container"] = {"type": "view", "view_id": source.id}
        return {**payload, "view": source.payload()}
    channel = platform.workspace.channels[source.channel]
    ephemeral = source.ephemeral_for is not None
    container = {
        "type": "message",
        "message_ts": source.ts,
        "channel_id": source.channel,
        "is_ephemeral": ephemeral,
    }
    if source.thread_ts:
        container["thread_ts"] = source.thread_ts
    hook = platform.hooks.issue("actions", source.channel, person.id, source.ts)
    payload |= {
        "container": container,
        "channel": {"id": channel.id, "name": shown_name(channel)},
        "state": {"values": {}},
        "response_url": platform.base_url + hook,
    }
    if not ephemeral:
        payload["message"] = message_payload(platform.workspace, source)
    return payload


def global_shortcut_payload(platform: Platform, shortcut: Shortcut, person: Person) -> Payload:
    """A global shortcut: no channel, no response_url."""
    interaction = _interaction(platform, person)
    del interaction["container"]
    action_ts = platform.workspace.new_ts()
    return {
        "type": "shortcut",
        "callback_id": shortcut.callback_id,
        "action_ts": action_ts,
        **interaction,
    }


def message_shortcut_payload(
    platform: Platform, shortcut: Shortcut, person: Person, message: Message
) -> Payload:
    """A message shortcut: the whole message, and a response_url."""
    interaction = _interaction(platform, person)
    del interaction["container"]
    channel = platform.workspace.channels[message.channel]
    hook = platform.hooks.issue("app", message.channel, person.id, message.ts)
    return {
        "type": "message_action",
        "callback_id": shortcut.callback_id,
        "action_ts": platform.workspace.new_ts(),
        "message_ts": message.ts,
        "message": message_payload(platform.workspace, message),
        "channel": {"id": channel.id, "name": shown_name(channel)},
        "response_url": platform.base_url + hook,
        **interaction,
    }


def view_payload(platform: Platform, kind: str, view: View, person: Person, *, cleared: bool) -> Payload:
    """A form that was sent off (`view_submission`) or closed (`view_closed`)."""
    interaction = _interaction(platform, person)
    del interaction["container"]
    payload = {"type": kind, **interaction, "view": view.payload()}
    if kind == "view_closed":
        del payload["trigger_id"]
        return {**payload, "is_cleared": cleared}
    payload["trigger_id"] = platform.triggers.issue(person.id, in_view=view.id)
    return {**payload, "response_urls": _response_urls(platform, view, person)}


def event_payload(platform: Platform, event: Payload, channel: Channel | None) -> Payload:
    """The envelope of an event (Slack docs, Events API)."""
    workspace = platform.workspace
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": workspace.enterprise_id or None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev") + secrets.token_hex(4).upper(),
        "event_time": int(workspace.clock.now()),
        "authorizations": [
            {
                "enterprise_id": workspace.enterprise_id or None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
        "event_context": workspace.new_id("4-"),
    }


def message_event(platform: Platform, message: Message, kind: str = "message") -> Payload:
    """The `event` of a message, as `message` or `app_mention`."""
    channel = platform.workspace.channels[message.channel]
    event = {**message_payload(platform.workspace, message), "type": kind, "event_ts": message.ts}
    event["channel"] = channel.id
    event["client_msg_id"] = f"00000000-0000-4000-8000-{message.ts.replace('.', '')[-12:]}"
    author = platform.workspace.people.get(message.user)
    if author:
        event["team"] = author.team_id
        event |= {"user_team": author.team_id, "source_team": author.team_id} if channel.is_ext_shared else {}
    if kind == "message":
        event["channel_type"] = CHANNEL_TYPES[channel.kind]
    return event


def _interaction(platform: Platform, person: Person) -> Payload:
    """The fields that interactions share.

    In shared channels `team` is the app's own, `user.team_id` the person's (seen by users of
    Bolt); in an organization both name it too.
    """
    enterprise_id = platform.workspace.enterprise_id
    organization = {"enterprise_id": enterprise_id, "enterprise_name": "Local"} if enterprise_id else {}
    return {
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": person.team_id,
        },
        "api_app_id": APP,
        "token": VERIFICATION_TOKEN,
        "container": {},
        "trigger_id": platform.triggers.issue(person.id),
        "team": {"id": TEAM, "domain": TEAM_DOMAIN, **organization},
        "enterprise": {"id": enterprise_id, "name": "Local"} if enterprise_id else None,
        "is_enterprise_install": False,
    }


def _response_urls(platform: Platform, view: View, person: Person) -> list[Payload]:
    """One for every filled-in menu with response_url_enabled (Slack docs, modals)."""
    found = []
    for element in view.elements:
        state = view.state.get(element.block_id, {}).get(element.action_id, {})
        channel = state.get("selected_conversation") or state.get("selected_channel")
        if element.raw.get("response_url_enabled") and channel:
            url = platform.base_url + platform.hooks.issue("app", channel, person.id)
            found.append(
                {
                    "block_id": element.block_id,
                    "action_id": element.action_id,
                    "channel_id": channel,
                    "response_url": url,
                }
            )
    return found
