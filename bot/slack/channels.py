"""What Slack knows of conversations: whether outsiders read them (Slack Connect), and who is a member."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache

from bot.errors import PlaceError, SlackRefusedError
from bot.slack.audience import Audience, Readers
from bot.slack.web_client import SLACK_ERRORS, slack_word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

    from bot.clock import Clock
    from bot.slack.payload import Asker

logger = logging.getLogger(__name__)

KNOWN_SECONDS = 60
"""A channel can become shared at any time."""
DIRECT_SECONDS = 86_400
"""A direct message keeps its ID: this only bounds what is remembered."""
PATIENCE_SECONDS = 4.0
"""How long Slack is waited for: each delivery is acknowledged before, and asking needlessly is worse."""


def outsiders_read(channel: Mapping[str, Any]) -> bool:
    """Whether people of other organizations can read a conversation, or will once they accept an invitation.

    Args:
        channel: as `conversations.info` describes it (Slack docs, conversation object).
    """
    return bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))


class Channels:
    """Asks Slack who reads a conversation: colleagues, outsiders too (Slack Connect), or the asker alone.

    Args:
        client: Slack's Web API; needs `channels:read`, `groups:read` and `im:write`.
        clock: what was learnt of a channel is good for a minute.
    """

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._shared: TTLCache[str, bool] = TTLCache(10_000, KNOWN_SECONDS, clock.monotonic)
        self._direct: TTLCache[str, str] = TTLCache(10_000, DIRECT_SECONDS, clock.monotonic)

    async def audience(self, asker: Asker, *, confirmed: bool = False) -> Audience:
        """Who reads what everyone in the asker's conversation sees: every public message is made for this.

        Args:
            asker: who asked, and in which conversation.
            confirmed: the asker agreed to post where outsiders may read, without file links. That holds even
                where Slack tells a moment later that there are none.
        """
        if confirmed:
            return Audience(Readers.OUTSIDERS, asker.user_id, confirmed=True)
        if await self.is_own_direct_message(asker):
            readers = Readers.PRIVATE
        elif await self.may_be_shared(asker.channel_id):
            readers = Readers.OUTSIDERS
        else:
            readers = Readers.COLLEAGUES
        return Audience(readers, asker.user_id)

    async def may_be_shared(self, channel_id: str) -> bool:
        """Whether outsiders may read it. What cannot be known counts as shared: asking once more is harmless.

        What the bot is not in cannot be looked at: a private channel, a direct message of other people.
        """
        known = self._shared.get(channel_id)
        if known is not None:
            return known
        if not channel_id.startswith(("C", "G")):
            return True
        asking = self._client.conversations_info(channel=channel_id)
        answer = await self._answered(asking, f"whether {channel_id} is shared")
        if answer is None:
            return True
        shared = outsiders_read(answer)
        self._shared[channel_id] = shared
        return shared

    async def is_own_direct_message(self, asker: Asker) -> bool:
        """Whether the conversation is the bot's own with the asker. One with another person looks the same.

        Slack names the bot's own: no scope lets it look at others.
        """
        if asker.direct or not asker.channel_id.startswith("D"):
            return asker.direct
        if asker.user_id not in self._direct:
            asking = self._client.conversations_open(users=asker.user_id, prevent_creation=True)
            answer = await self._answered(asking, "the bot's own direct message")
            if not answer or not answer.get("id"):
                return False
            self._direct[asker.user_id] = str(answer["id"])
        return self._direct[asker.user_id] == asker.channel_id

    async def _answered(self, asking: Awaitable[AsyncSlackResponse], what: str) -> Mapping[str, Any] | None:
        """The conversation that Slack answers with; None where it does not."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await asking
        except SLACK_ERRORS as error:  # a timeout is an OSError too
            logger.info("Slack did not tell %s: %s", what, slack_word(error))
            return None
        return answer.get("channel") or {}


_A_PAGE = 999
_MOST_PAGES = 100


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
