"""The ways in which a message reaches people: response_url, channel, direct message. Each sends once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bot.slack_client import SLACK_ERRORS, Taken, slack_word, taken_by, taken_despite, word_of_body

if TYPE_CHECKING:
    from bot.slack_client import SlackClient

Message = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass
class ResponseUrl:
    """The address that Slack gives with a delivery.

    Args:
        slack: posts to it.
        url: the address; empty where there is none.
        thread_ts: the thread where what is new has to stay.
    """

    slack: SlackClient
    url: str
    thread_ts: str = ""
    refused: str = ""
    """Slack's word for why it did not take the last post."""

    async def post(self, message: Message, *, replace: bool = False, everyone: bool = False) -> Taken:
        """Post a new message, or one in place of what was clicked."""
        if not self.url:
            return Taken.NO
        body = {"response_type": "in_channel" if everyone else "ephemeral", **message}
        if self.thread_ts and not replace:
            body["thread_ts"] = self.thread_ts
        body["replace_original"] = replace
        try:
            response = await self.slack.post(self.url, body)
        except SLACK_ERRORS as error:
            self.refused = slack_word(error)
            logger.warning("Slack did not take an answer: %s", self.refused)
            taken = taken_despite(error)
        else:
            if response.status_code == HTTPStatus.OK:
                return Taken.YES
            self.refused = word_of_body(response.body) or f"HTTP {response.status_code}"
            logger.warning("Slack refused an answer: HTTP %s %s", response.status_code, self.refused)
            taken = taken_by(response.status_code, self.refused)
        return Taken.AGAIN if taken is Taken.UNKNOWN and replace else taken


@dataclass
class Channel:
    """A conversation that the bot is in: for what everyone reads, where there is no response_url that works.

    Args:
        slack: Slack's Web API; needs `chat:write`.
        channel_id: the conversation; empty where there is none.
        thread_ts: the thread in it.
    """

    slack: SlackClient
    channel_id: str
    thread_ts: str = ""
    refused: str = ""
    """Slack's word for why it did not take the last post."""

    async def post(self, message: Message) -> Taken:
        """Post a new message."""
        if not self.channel_id:
            return Taken.NO
        try:
            await self.slack.chat_postMessage(
                channel=self.channel_id,
                thread_ts=self.thread_ts or None,
                unfurl_links=False,
                unfurl_media=False,
                text=message["text"],
                blocks=message.get("blocks"),
            )
        except SLACK_ERRORS as error:
            self.refused = slack_word(error)
            logger.warning("Slack did not take a post in %s: %s", self.channel_id, self.refused)
            return taken_despite(error)
        return Taken.YES


@dataclass
class DirectMessage:
    """The conversation of the bot and one person, for what is private and finds no other way.

    Args:
        slack: Slack's Web API; needs `im:write` and `chat:write`.
        user_id: the person; empty where nobody is known.
    """

    slack: SlackClient
    user_id: str

    async def write(self, message: Message) -> Taken:
        """Write a message."""
        if not self.user_id:
            return Taken.NO
        channel = ""
        try:
            channel = (await self.slack.conversations_open(users=self.user_id))["channel"]["id"]
            await self.slack.chat_postMessage(
                channel=channel, text=message["text"], blocks=message.get("blocks")
            )
        except SLACK_ERRORS as error:
            logger.warning("Slack did not take a direct message: %s", slack_word(error))
            taken = taken_despite(error)
            return Taken.LATER if taken is Taken.UNKNOWN and not channel else taken
        return Taken.YES
