"""Who may ask: the team of the bot's own token, and the allow lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.errors import AccessError
from bot.listeners.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config import Settings
    from bot.sign_in import Home


_ID = re.compile(r"[A-Z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who caused a delivery, and where."""

    user_id: str
    team_id: str
    enterprise_id: str
    channel_id: str


def asker_of(body: Mapping[str, Any]) -> Asker:
    """Read who and where from the payload of a slash command, an interaction or an event.

    In a shared channel a person of another team clicks too: `user.team_id` is that person's team, while
    `team` and `enterprise` are where the app is (Slack docs, block_actions). So the organisation is the
    person's own only where the team is.
    """
    user, team, event = body.get("user"), body.get("team"), body.get("event")
    if isinstance(event, dict):
        team_id = event.get("user_team") or event.get("team") or body.get("team_id") or ""
        enterprise_id = body.get("enterprise_id") if team_id == body.get("team_id") else ""
        return _asker(event.get("user"), team_id, enterprise_id, event.get("channel"))
    if isinstance(user, dict):
        team, enterprise, channel = team or {}, body.get("enterprise") or {}, body.get("channel") or {}
        team_id = user.get("team_id") or team.get("id") or ""
        enterprise_id = enterprise.get("id") or team.get("enterprise_id") or ""
        own = enterprise_id if team_id in {team.get("id"), enterprise_id} else ""
        return _asker(user.get("id"), team_id, own, channel.get("id") or _channel_of_view(body))
    return _asker(body.get("user_id"), body.get("team_id"), body.get("enterprise_id"), body.get("channel_id"))


def _asker(*ids: object) -> Asker:
    """What is no ID of Slack's is none: it would stand in messages and in the log."""
    return Asker(*(one if isinstance(one, str) and _ID.fullmatch(one) else "" for one in ids))


def _channel_of_view(body: Mapping[str, Any]) -> str:
    """Where a modal answers: the conversation chosen in it, else the one that it was opened from."""
    for chosen in body.get("response_urls") or []:
        return str(chosen.get("channel_id") or "")
    return origin_of(body.get("view") or {}).channel_id


def check_access(asker: Asker, settings: Settings, home: Home, *, opens_form: bool = False) -> None:
    """Refuse whoever may not ask; to open a form from anywhere needs no channel yet: sending it does.

    Raises:
        AccessError: with the reason.
    """
    teams = settings.allowed_teams or {home.enterprise_id or home.team_id, home.team_id}
    if not {asker.team_id, asker.enterprise_id} & (teams - {""}):
        raise AccessError("This bot answers only people of the workspace that it belongs to.")
    if settings.allowed_users and asker.user_id not in settings.allowed_users:
        raise AccessError("You are not on the list of people whom this bot answers.")
    somewhere = asker.channel_id or not opens_form
    if settings.allowed_channels and somewhere and asker.channel_id not in settings.allowed_channels:
        raise AccessError("This bot does not answer in this channel.")
