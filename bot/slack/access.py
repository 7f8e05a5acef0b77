"""Who may ask: the team of the bot's own token, and the allow lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import AccessError, UnknownPersonError

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.slack.payload import Asker
    from bot.slack.people import People
    from bot.slack.sign_in import Home


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
