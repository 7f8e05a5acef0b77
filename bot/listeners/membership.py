"""Who may manage a channel's digests: its members, and only where the bot is one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import RecordingsError, SlackRefusedError
from bot.slack_client import SLACK_ERRORS, outsiders_read, slack_word

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.listeners.access import Asker

_A_PAGE = 999
_MOST_PAGES = 100


class PlaceError(RecordingsError):
    """Digests cannot be managed here, or not by this person. `what` says what to do."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def sentence(self) -> str:
        """What is in the way, and what to do."""
        return self.what


async def check_may_manage(slack: AsyncWebClient, asker: Asker) -> bool:
    """Refuse where there can be no digests, and whoever is not in the channel.

    Args:
        slack: Slack's Web API; needs `channels:read` and `groups:read`.
        asker: who, and in which channel.

    Returns:
        Whether people of other organisations read the channel.

    Raises:
        PlaceError: the bot or the person is not in the channel, or it is none.
        SlackRefusedError: Slack does not tell.
    """
    if not asker.channel_id.startswith(("C", "G")):
        raise PlaceError("Digests are posted in channels: type this in a channel that the bot is in.")
    try:
        channel = (await slack.conversations_info(channel=asker.channel_id)).get("channel") or {}
        if channel.get("is_archived"):
            raise PlaceError("This channel is archived: there are no digests in it.")
        if not channel.get("is_member"):
            raise _bot_is_missing()
        if not await _is_member(slack, asker):
            raise PlaceError("Only members of a channel manage its digests: join it first.")
    except SLACK_ERRORS as error:
        word = slack_word(error)
        if word == "channel_not_found":  # so Slack answers for a private channel that the bot is not in
            raise _bot_is_missing() from None
        raise SlackRefusedError("the question who is in this channel", word) from None
    return outsiders_read(channel)


def _bot_is_missing() -> PlaceError:
    return PlaceError(
        "The bot is not in this channel, so it could not post here: type `/invite @Recordings`, then this "
        "again."
    )


async def _is_member(slack: AsyncWebClient, asker: Asker) -> bool:
    cursor = None
    for _ in range(_MOST_PAGES):
        page = await slack.conversations_members(channel=asker.channel_id, limit=_A_PAGE, cursor=cursor)
        if asker.user_id in (page.get("members") or []):
            return True
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
    return False
