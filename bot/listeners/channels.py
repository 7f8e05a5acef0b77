"""Whether outsiders read a conversation: known before anything is posted into it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import aiohttp
from cachetools import TTLCache
from slack_sdk.errors import SlackClientError

from bot.slack_client import outsiders_read, slack_word

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock

logger = logging.getLogger(__name__)

KNOWN_SECONDS = 300
"""A channel can become shared at any time."""
PATIENCE_SECONDS = 1.5


class Channels:
    """Asks `conversations.info` whether a channel is shared with another organisation (Slack Connect).

    Args:
        client: Slack's Web API; needs `channels:read` and `groups:read`.
        clock: what was learnt is good for five minutes.
    """

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._shared: TTLCache[str, bool] = TTLCache(10_000, KNOWN_SECONDS, clock.monotonic)

    async def may_be_shared(self, channel_id: str) -> bool:
        """Whether outsiders may read it. What cannot be known counts as shared: asking once more is harmless.

        A private channel that the bot is not in cannot be looked at.
        """
        if channel_id.startswith("D"):
            return False
        known = self._shared.get(channel_id)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                channel = (await self._client.conversations_info(channel=channel_id)).get("channel") or {}
        except (SlackClientError, aiohttp.ClientError, OSError) as error:  # a timeout is an OSError too
            logger.info("Slack did not tell whether %s is shared: %s", channel_id, slack_word(error))
            return True
        shared = outsiders_read(channel)
        self._shared[channel_id] = shared
        return shared
