"""The Web API's auth.test, users.* and conversations.* methods (errors: Slack docs, reference/methods)."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.chat_methods import find_channel
from bot.sandbox.slack.refusals import Refusal
from bot.sandbox.slack.slack_platform import TEAM_DOMAIN, message_payload
from bot.sandbox.slack.state import APP, BOT, BOT_USER, TEAM
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.state import Channel, Person

Args = dict[str, Any]

MOST_HISTORY = 999
DEFAULT_HISTORY = 100

# Slack docs: reading needs the scope of the conversation's type.
SCOPE_FAMILY = {"public": "channels", "private": "groups", "im": "im"}


def auth_test(platform: Platform, args: Args) -> dict[str, Any]:
    """auth.test, for the bot token."""
    del args
    return {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": "Local",
        "user": platform.workspace.people[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "enterprise_id": platform.workspace.enterprise_id or None,
        "is_enterprise_install": False,
    }


def bots_info(platform: Platform, args: Args) -> dict[str, Any]:
    """bots.info, which tells the app of a bot."""
    if args.get("bot") != BOT:
        raise Refusal("bot_not_found")
    name = platform.workspace.people[BOT_USER].name
    return {"bot": {"id": BOT, "app_id": APP, "user_id": BOT_USER, "name": name, "deleted": False}}


def users_info(platform: Platform, args: Args) -> dict[str, Any]:
    """users.info, with the zone fields."""
    person = platform.workspace.people.get(args.get("user") or "")
    if person is None:
        raise Refusal("user_not_found")
    return {"user": person_payload(platform, person)}


def person_payload(platform: Platform, person: Person) -> dict[str, Any]:
    """A user object (Slack docs, user object)."""
    zone = datetime.fromtimestamp(platform.workspace.clock.now(), _rules(person.tz))
    offset = zone.utcoffset()
    seen = (c for c in platform.workspace.channels.values() if BOT_USER in c.members)
    organization = {
        "id": person.id,
        "enterprise_id": person.enterprise_id,
        "teams": sorted({person.team_id, TEAM} if platform.workspace.is_own(person) else {person.team_id}),
    }
    return {
        **({"enterprise_user": organization} if person.enterprise_id else {}),
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": False,
        "real_name": person.real_name,
        "tz": person.tz,
        "tz_label": zone.tzname(),
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {"real_name": person.real_name, "display_name": person.name, "team": person.team_id},
        "is_bot": person.is_bot,
        "is_app_user": False,
        "is_restricted": False,
        "is_stranger": person.team_id != TEAM and not any(person.id in c.members for c in seen),
        "is_admin": False,
        "is_owner": False,
    }


def _rules(zone: str) -> tzinfo:
    """A test may give a person a zone that nobody knows, or none."""
    try:
        return zone_info(zone)
    except LookupError:
        return UTC


def conversations_info(platform: Platform, args: Args) -> dict[str, Any]:
    """conversations.info."""
    channel = _readable(platform, args, "read")
    payload = channel_payload(channel)
    if args.get("include_num_members") in (True, "true", "1", 1):
        payload["num_members"] = len(channel.members)
    return {"channel": payload}


def channel_payload(channel: Channel) -> dict[str, Any]:
    """A conversation object, as the bot sees it."""
    payload: dict[str, Any] = {
        "id": channel.id,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "public",
        "is_archived": channel.is_archived,
        "is_member": BOT_USER in channel.members,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "context_team_id": TEAM,
    }
    if channel.kind == "im":
        return {**payload, "user": next(iter(channel.members - {BOT_USER}))}
    return {**payload, "name": channel.name, "name_normalized": channel.name}


def conversations_members(platform: Platform, args: Args) -> dict[str, Any]:
    """conversations.members, in pages."""
    members = sorted(_readable(platform, args, "read").members)
    start, limit = _cursor(args), _limit(args)
    return {"members": members[start : start + limit], **_next_page(start + limit, len(members))}


def conversations_open(platform: Platform, args: Args) -> dict[str, Any]:
    """conversations.open with one user: the direct message channel of the bot and that person."""
    users = args.get("users") or ""
    names = users if isinstance(users, list) else [name for name in str(users).split(",") if name]
    if not names and args.get("channel"):
        return {"channel": {"id": find_channel(platform.workspace, args["channel"]).id}}
    if not names:
        raise Refusal("users_list_not_supplied")
    if len(names) > 1 or platform.workspace.people.get(names[0]) is None:
        raise Refusal("user_not_found")
    person = platform.workspace.people[names[0]]
    if person.is_bot:
        raise Refusal("cannot_dm_bot")
    if args.get("prevent_creation") in (True, "true", "1", 1):
        found = platform.workspace.find_dm_with(person.id)
        return {"channel": {"id": found.id}} if found else {}  # what Slack answers without one: unverified
    return {"channel": {"id": platform.workspace.dm_with(person.id).id}}


def conversations_history(platform: Platform, args: Args) -> dict[str, Any]:
    """conversations.history: newest first, no replies, nothing ephemeral."""
    channel = _readable(platform, args, "history")
    messages = [
        m
        for m in platform.workspace.messages
        if m.channel == channel.id and not m.ephemeral_for and m.thread_ts in (None, m.ts)
    ]
    return _page(platform, args, [m for m in reversed(messages) if _within(args, m.ts)])


def conversations_replies(platform: Platform, args: Args) -> dict[str, Any]:
    """conversations.replies: the parent, then its replies, oldest first."""
    channel = _readable(platform, args, "history")
    found = platform.workspace.find_message(channel.id, args.get("ts"))
    if found is None:
        raise Refusal("thread_not_found")
    thread_ts = found.thread_ts or found.ts
    parent = platform.workspace.find_message(channel.id, thread_ts)
    replies = [m for m in platform.workspace.replies(channel.id, thread_ts) if _within(args, m.ts)]
    return _page(platform, args, [*([parent] if parent else []), *replies])


def _readable(platform: Platform, args: Args, what: str) -> Channel:
    workspace = platform.workspace
    if args.get("channel") is None:
        metadata = {"messages": ["[ERROR] missing required field: channel"]}
        raise Refusal("invalid_arguments", response_metadata=metadata)
    scopes = platform.app.scopes
    provided = ",".join(sorted(scopes))
    any_of = [f"{family}:{what}" for family in SCOPE_FAMILY.values()]
    if not scopes & set(any_of):
        raise Refusal("missing_scope", needed=",".join(any_of), provided=provided)
    channel = find_channel(workspace, args["channel"])
    needed = f"{SCOPE_FAMILY.get(channel.kind, channel.kind)}:{what}"
    if needed not in scopes:
        raise Refusal("missing_scope", needed=needed, provided=provided)
    if what == "history" and BOT_USER not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _within(args: Args, ts: str) -> bool:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    if args.get("inclusive") in (True, "true", "1", 1):
        return oldest <= float(ts) <= latest
    return oldest < float(ts) < latest


def _page(platform: Platform, args: Args, messages: list[Any]) -> dict[str, Any]:
    start, limit = _cursor(args), min(_limit(args), platform.most_history or MOST_HISTORY)
    with_metadata = args.get("include_all_metadata") in (True, "true", "1", 1)
    shown = [
        message_payload(platform.workspace, m, with_metadata=with_metadata)
        for m in messages[start : start + limit]
    ]
    rest = _next_page(start + limit, len(messages))
    return {"messages": shown, "has_more": start + limit < len(messages), **rest}


def _limit(args: Args) -> int:
    limit = int(args.get("limit") or DEFAULT_HISTORY)
    if not 1 <= limit <= MOST_HISTORY:
        raise Refusal("invalid_limit")
    return limit


def _cursor(args: Args) -> int:
    cursor = str(args.get("cursor") or "next:0")
    if not cursor.startswith("next:") or not cursor[5:].isdigit():
        raise Refusal("invalid_cursor")
    return int(cursor[5:])


def _next_page(end: int, total: int) -> dict[str, Any]:
    return {"response_metadata": {"next_cursor": f"next:{end}" if end < total else ""}}
