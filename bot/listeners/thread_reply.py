"""Answers an event in its thread, or privately: where there is no response_url to answer by."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.blocks.notices import build_notice
from bot.listeners.reply import PROGRESS_AFTER_SECONDS, Reply
from bot.slack_client import SLACK_ERRORS, Taken, slack_word, taken_despite

if TYPE_CHECKING:
    from slack_bolt.context.ack.async_ack import AsyncAck

    from bot.listeners.running import Running
    from bot.slack_client import SlackClient

Message = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes.

    Attributes:
        channel_id: the conversation.
        user_id: who sees what is private.
        thread_ts: the thread that everyone's answer goes to; empty for the conversation itself.
        thread_exists: a private answer can stand in the thread too: Slack shows it only in one that has
            begun (Slack docs, chat.postEphemeral).
        direct: a direct message: nobody else reads it, so everything is said plainly.
    """

    channel_id: str
    user_id: str
    thread_ts: str = ""
    thread_exists: bool = False
    direct: bool = False


class ThreadReply(Reply):
    """The way back to the person whose message mentioned the bot.

    Args:
        ack: Bolt's acknowledgement.
        running: keeps account of work under way.
        slack: Slack's Web API; needs `chat:write`.
        place: where the answer goes.
    """

    def __init__(self, ack: AsyncAck, running: Running, slack: SlackClient, place: Place) -> None:
        super().__init__(
            ack, "", running, command=False, socket_mode=False, slack=slack, user_id=place.user_id
        )
        self._place = place
        self._slack = slack
        self._refused = ""
        self._ts = ""

    async def send(self, message: Message, *, replace: bool = False, everyone: bool = False) -> bool:  # noqa: ARG002
        """Send a message. What everyone reads takes the place of the line that said it was looked for."""
        with self._running.answering():
            if everyone:
                return await self._say_to_everyone(message, self._say_openly)
            if self._place.direct:
                return await self._say(message, self._say_openly)
            await self._take_back()
            return await self._say(message, self._say_privately, self._direct.write)

    async def _say_openly(self, message: Message) -> Taken:
        content: dict[str, Any] = {"text": message["text"], "blocks": message.get("blocks")}
        try:
            if self._ts:
                # An update that came without blocks would leave those that are there.
                content["blocks"] = content["blocks"] or []
                await self._slack.chat_update(channel=self._place.channel_id, ts=self._ts, **content)
                return Taken.YES
            answer = await self._slack.chat_postMessage(
                channel=self._place.channel_id,
                thread_ts=self._place.thread_ts or None,
                unfurl_links=False,
                unfurl_media=False,
                **content,
            )
        except SLACK_ERRORS as error:
            taken = self._not_taken(error)
            return Taken.AGAIN if taken is Taken.UNKNOWN and self._ts else taken
        self._ts = str(answer.get("ts") or "")
        return Taken.YES

    async def _say_privately(self, message: Message) -> Taken:
        place = self._place
        try:
            await self._slack.chat_postEphemeral(
                channel=place.channel_id,
                user=place.user_id,
                thread_ts=place.thread_ts if place.thread_exists else None,
                text=message["text"],
                blocks=message.get("blocks"),
            )
        except SLACK_ERRORS as error:
            return self._not_taken(error)
        return Taken.YES

    def _not_taken(self, error: Exception) -> Taken:
        self._refused = slack_word(error)
        logger.warning("Slack did not take an answer in %s: %s", self._place.channel_id, self._refused)
        return taken_despite(error)

    def _why_not(self) -> str:
        return self._refused

    async def _note(self, message: Message, *, replace: bool = False) -> None:  # noqa: ARG002
        """Send a line on the way to the answer, once."""
        openly = self._everyone or self._place.direct
        await (self._say_openly(message) if openly else self._say_privately(message))

    async def _take_back(self) -> None:
        """Delete the line that everyone reads: what follows is for one person."""
        if self._ts:
            ts, self._ts = self._ts, ""
            with suppress(*SLACK_ERRORS):
                await self._slack.chat_delete(channel=self._place.channel_id, ts=ts)

    async def _say_that_it_takes_longer(self, task: asyncio.Task[Message]) -> None:
        """A line with progress from time to time, until the answer takes its place; for one person, once."""
        await self._note(build_notice("Still searching …"))
        while not task.done():
            await asyncio.wait({task}, timeout=PROGRESS_AFTER_SECONDS / 2)
            if not task.done() and self._progress and (self._everyone or self._place.direct):
                await self._say_openly(self._progress_line(*self._progress))
