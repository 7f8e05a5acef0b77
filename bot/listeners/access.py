"""Who may ask: the team of the bot's own token, and the allow lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.errors import AccessError, UnknownPersonError
from bot.listeners.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config import Settings
    from bot.people import People
    from bot.sign_in import Home


_ID = re.compile(r"[A-Z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who caused a delivery, and where.

    Attributes:
        user_id: the person.
        team_id: the workspace or organization that the payload names as that person's.
        enterprise_id: the organization, where the payload tells that it is that person's.
        channel_id: the conversation; empty where there is none.
        direct: the conversation is known to be the bot's own direct message with that person.
    """

    user_id: str
    team_id: str
    enterprise_id: str
    channel_id: str
    direct: bool = False

    @property
    def teams(self) -> frozenset[str]:
        """Where the payload says that the person belongs."""
        return frozenset({self.team_id, self.enterprise_id} - {""})


def asker_of(body: Mapping[str, Any]) -> Asker:
    """Read who and where from the payload of a slash command, an interaction or an event.

    In a shared channel a person of another team clicks too: `user.team_id` is that person's team, while
    `team` and `enterprise` are where the app is (Slack docs, block_actions). So the organization is the
    person's own only where the team is. The same person may come with another of the organization's
    workspaces in each kind of payload, which `Access` sorts out.
    """
    user, team, event = body.get("user"), body.get("team"), body.get("event")
    if isinstance(event, dict):
        # Where outsiders read, `team_id` is the team that opened the channel: it says nothing of the person.
        of_event = "" if body.get("is_ext_shared_channel") else body.get("team_id")
        team_id = event.get("user_team") or event.get("team") or of_event or ""
        enterprise_id = body.get("enterprise_id") if team_id == body.get("team_id") else ""
        direct = event.get("type") == "message" and event.get("channel_type") == "im"
        return _asker(event.get("user"), team_id, enterprise_id, event.get("channel"), direct=direct)
    if isinstance(user, dict):
        team, enterprise, channel = team or {}, body.get("enterprise") or {}, body.get("channel") or {}
        team_id = user.get("team_id") or team.get("id") or ""
        enterprise_id = enterprise.get("id") or team.get("enterprise_id") or ""
        own = enterprise_id if team_id in {team.get("id"), enterprise_id} else ""
        return _asker(user.get("id"), team_id, own, channel.get("id") or _channel_of_view(body))
    return _asker(body.get("user_id"), body.get("team_id"), body.get("enterprise_id"), body.get("channel_id"))


def _asker(user: object, team: object, enterprise: object, channel: object, *, direct: bool = False) -> Asker:
    return Asker(_id(user), _id(team), _id(enterprise), _id(channel), direct)


def _id(given: object) -> str:
    """What is no ID of Slack's is none: it would stand in messages and in the log."""
    return given if isinstance(given, str) and _ID.fullmatch(given) else ""


def _channel_of_view(body: Mapping[str, Any]) -> str:
    """Where a modal answers: the conversation chosen in it, else the one that it was opened from."""
    for chosen in body.get("response_urls") or []:
        return str(chosen.get("channel_id") or "")
    return origin_of(body.get("view") or {}).channel_id


@dataclass(frozen=True, slots=True)
class Access:
    """Decides who is answered.

    Args:
        settings: the allow lists.
        home: the bot's own team.
        people: says to which workspaces of an organization a person belongs.
    """

    settings: Settings
    home: Home
    people: People

    async def check(self, asker: Asker, *, opens_form: bool = False) -> None:
        """Refuse whoever may not ask.

        In an organization (Enterprise Grid) a command names the workspace that it was typed in, a click one
        and the same workspace of the person wherever it is, an event that workspace or the organization
        (seen by users of Bolt; slack_bolt/request/internals.py). So where the payload names none that
        is served, Slack is asked.

        Raises:
            AccessError: with the reason.
        """
        served, teams = _served(self.settings, self.home), asker.teams
        if not teams & served and (self.home.enterprise_id or any(team.startswith("E") for team in served)):
            known = await self.people.teams(asker.user_id)
            if known is None:
                raise UnknownPersonError
            teams |= known
        check_access(asker, teams, self.settings, self.home, opens_form=opens_form)


def check_access(
    asker: Asker, teams: frozenset[str], settings: Settings, home: Home, *, opens_form: bool = False
) -> None:
    """Refuse whoever may not ask; to open a form from anywhere needs no channel yet: sending it does.

    Args:
        asker: who, and where.
        teams: the workspaces and the organization to which that person belongs.
        settings: the allow lists.
        home: the bot's own team.
        opens_form: a form is opened where there is no conversation.

    Raises:
        AccessError: with the reason.
    """
    if not teams & _served(settings, home):
        raise AccessError("This bot answers only people of the workspace that it belongs to.")
    if settings.allowed_users and asker.user_id not in settings.allowed_users:
        raise AccessError("You are not on the list of people whom this bot answers.")
    somewhere = asker.channel_id or not opens_form
    if settings.allowed_channels and somewhere and asker.channel_id not in settings.allowed_channels:
        raise AccessError("This bot does not answer in this channel.")


def _served(settings: Settings, home: Home) -> frozenset[str]:
    """The workspaces and organizations whose people are answered."""
    own = {home.enterprise_id or home.team_id, home.team_id}
    return frozenset((settings.allowed_teams or own) - {""})
