"""The one sender: a message goes as acknowledgement, by response_url, to the channel or privately."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from slack_bolt.response import BoltResponse

from bot.errors import (
    NOT_CONFIRMED,
    QueryError,
    RecordingsError,
    SlackRefusedError,
    StoppingError,
    TaskNotFoundError,
)
from bot.slack import ids
from bot.slack.blocks import Rendered
from bot.slack.delivery import note_problem, note_unexpected, seconds_since_arrival
from bot.slack.notices import build_mistake, build_notice, build_problem, build_progress
from bot.slack.web_client import SLACK_ERRORS, Taken, slack_word, taken_by, taken_despite, word_of_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slack_bolt.context.ack.async_ack import AsyncAck

    from bot.recordings.page import ButtonState
    from bot.slack.in_flight import InFlight
    from bot.slack.web_client import SlackClient

logger = logging.getLogger(__name__)


Message = dict[str, Any]


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


Way = Callable[[Message], Awaitable[Taken]]
"""Sends a message once and says what became of it."""

WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Between the tries: Slack's short failures are over by then, and a person has turned to something else."""

HARMLESS_TRIES = 3
"""How often a harmless repetition is tried before it counts as uncertain like any other."""


async def say(
    message: Message,
    ways: Sequence[Way],
    *,
    unsure: Callable[[], Message] | None = None,
    waits: Sequence[float] = WAITS_SECONDS,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Taken:
    """Send a message until Slack has it, or will not have it, or the tries are used up.

    What Slack may have taken is not sent again: from there on `unsure` is said instead.

    Args:
        message: with `text`, and `blocks` that are left out where Slack refuses them: `text` says all.
        ways: the best first; the next is tried where one fails.
        unsure: makes what is said then; where it is absent, uncertainty ends the tries.
        waits: seconds between the tries.
        is_stopping: the process ends, and there is no time to try again.

    Returns:
        YES when Slack took `message`; UNKNOWN when it may have taken it; else NO.
    """
    left, result = list(ways), Taken.NO
    for tries, wait_seconds in enumerate((*waits, 0.0), 1):
        for way in tuple(left):
            taken = await _with_or_without_blocks(way, message)
            if taken is Taken.YES:
                return result if result is Taken.UNKNOWN else taken
            if taken is Taken.AGAIN and tries < HARMLESS_TRIES:
                break
            if taken is Taken.NO:
                left.remove(way)
            if taken in {Taken.UNKNOWN, Taken.AGAIN} and result is not Taken.UNKNOWN:
                if unsure is None:
                    return Taken.UNKNOWN
                message, result = unsure(), Taken.UNKNOWN
        if not left or is_stopping():
            break
        await asyncio.sleep(wait_seconds)
    return result


async def _with_or_without_blocks(way: Way, message: Message) -> Taken:
    taken = await way(message)
    if taken is not Taken.BLOCKS_REFUSED:
        return taken
    taken = await way({name: part for name, part in message.items() if name != "blocks"})
    return Taken.NO if taken is Taken.BLOCKS_REFUSED else taken


T = TypeVar("T")


ACK_WITHIN_SECONDS = 2.0
"""After a delivery came. Slack waits 3 s for its acknowledgement (Slack docs); the rest is the network's."""

LEAST_WAIT_SECONDS = 0.1
"""An answer that is at hand needs no other message before it, however late its delivery is."""

PROGRESS_AFTER_SECONDS = 6.0
"""A command's one line of progress comes when the wait has become long."""

MAX_SOCKET_ACK_BYTES = 16_000
"""Frames above 20 KB have been seen to close a Socket Mode connection: larger answers take the other way."""


class Reply:
    """The way back to the person who caused one delivery.

    Args:
        ack: Bolt's acknowledgement.
        response_url: where later messages go: five in half an hour (Slack docs).
        running: keeps account of work under way.
        command: a slash command's acknowledgement may be the message; a click's may not.
        socket_mode: large acknowledgements have to take the other way.
        channel_id: the conversation, for what everyone reads where there is no response_url that works any
            more; empty where nothing is posted by that way.
        thread_ts: the thread of the message that was clicked, where what is new has to stay.
        slack: for a direct message, where there is no response_url that works any more.
        user_id: whom to write to then.
        waits: seconds between the tries to say something while Slack fails.
    """

    def __init__(
        self,
        ack: AsyncAck,
        response_url: str,
        in_flight: InFlight,
        *,
        command: bool,
        socket_mode: bool,
        channel_id: str = "",
        thread_ts: str = "",
        slack: SlackClient,
        user_id: str,
        waits: Sequence[float] = WAITS_SECONDS,
    ) -> None:
        self.again: ButtonState | None = None
        """What `Try again` asks, once it is known."""
        self._ack = ack
        self._url = ResponseUrl(slack, response_url, thread_ts)
        self._channel = Channel(slack, channel_id, thread_ts)
        self._direct = DirectMessage(slack, user_id)
        self._in_flight = in_flight
        self._command = command
        self._socket_mode = socket_mode
        self._progress: tuple[int, int] | None = None
        self._progressed = asyncio.Event()
        self._scan_began: tuple[int, float] | None = None
        """How many had been read when the first progress was told, and when, by the loop's clock."""
        self._slack = slack
        self._waits = waits
        self._replaces = False
        self._everyone = False
        self._problem: Message | None = None
        self._placed = False
        """A line of progress stands where the answer has to go."""
        self.over_notice = False
        """What was clicked holds no answer, so that an error may take its place."""
        self.again_id: str = ids.SHOW
        """What `Try again` does."""

    def progress(self, read: int, total: int) -> None:
        """Called while a long scan goes on."""
        self._progress = (read, total)
        self._progressed.set()
        self._scan_began = self._scan_began or (read, asyncio.get_running_loop().time())

    def _progress_line(self, read: int, total: int) -> Message:
        """How far it has come; how long it still takes follows from the pace so far."""
        first, began = self._scan_began or (read, 0.0)
        passed = asyncio.get_running_loop().time() - began
        left = passed * (total - read) / (read - first) if read > first else None
        return build_progress(read, total, left)

    async def acknowledge(self) -> None:
        """Tell Slack that the delivery arrived, without a message."""
        if self._ack.response is None:
            await self._ack()

    async def show(
        self, work: Awaitable[Message], *, replace: bool = False, everyone: bool = False
    ) -> Message | None:
        """Send what `work` makes, as soon as it is there. Returns it when Slack took it.

        Args:
            work: makes the message.
            replace: put it in place of the message that was clicked.
            everyone: in the channel, not only for the person. Progress and problems stay private.

        Raises:
            StoppingError: it was broken off.
            SlackRefusedError: everyone was to see it, and Slack did not take it or did not say so.
        """
        self._replaces = replace and not everyone
        self._placed = False
        with self._in_flight.answering():
            if not self._command:
                await self.acknowledge()
            self._everyone = everyone
            task = self._in_flight.run(work)
            left_seconds = ACK_WITHIN_SECONDS - seconds_since_arrival()
            await asyncio.wait({task}, timeout=max(LEAST_WAIT_SECONDS, left_seconds))
            if not task.done():
                await self._say_that_it_takes_longer(task)
            message = await self._outcome(task)
            return message if await self.send(message, replace=replace, everyone=everyone) else None

    async def under_way(self, work: Awaitable[T]) -> T:
        """Wait for work that SIGTERM lets finish, and breaks off in the end.

        Raises:
            StoppingError: it was broken off.
        """
        with self._in_flight.answering():
            return await self._outcome(self._in_flight.run(work))

    async def _outcome(self, task: asyncio.Task[T]) -> T:
        try:
            return await task
        except asyncio.CancelledError:
            if not self._in_flight.stopping:
                raise
            raise StoppingError from None

    async def send(self, message: Message, *, replace: bool = False, everyone: bool = False) -> bool:
        """Send a message: as the acknowledgement where that can be. True when Slack took it.

        What Slack does not take for the moment is sent again for a while. What it may have taken is not: the
        person is told that it is not sure.

        Raises:
            SlackRefusedError: everyone was to see it, and Slack did not take it or did not say so.
        """
        body = {"response_type": "in_channel" if everyone else "ephemeral", **message}
        with self._in_flight.answering():
            if self._ack.response is None:
                if self._command and self._answer_with(message, body):
                    return True
                await self._ack()
            post = partial(self._url.post, replace=replace, everyone=everyone)
            if everyone:
                ways = [post] if replace else [post, self._channel.post]
                return await self._say_to_everyone(message, *ways)
            return await self._say(message, post, self._direct.write)

    async def _say_to_everyone(self, message: Message, *ways: Way) -> bool:
        """Send what everyone reads; what one of these ways may have brought is not sent by the next.

        Raises:
            SlackRefusedError: it was not taken, or Slack did not say so.
        """
        taken = await say(message, ways, waits=self._waits, is_stopping=self._is_stopping)
        if taken is Taken.YES:
            return True
        raise SlackRefusedError("the answer", NOT_CONFIRMED if taken is Taken.UNKNOWN else self._why_not())

    async def _say(self, message: Message, *ways: Way) -> bool:
        """Send what only this person reads, by one of these ways. True when Slack took it.

        What reached nobody is noted as what came of the delivery: nothing else can tell of it.
        """
        unsure = partial(self._unsure, message)
        taken = await say(message, ways, unsure=unsure, waits=self._waits, is_stopping=self._is_stopping)
        if taken is Taken.NO:
            note_problem(SlackRefusedError("the answer", self._why_not()))
        return taken is Taken.YES

    async def _note(self, message: Message, *, replace: bool = False) -> None:
        """Send a line on the way to the answer, once: what comes after it says more."""
        if self._ack.response is None and self._command:
            self._answer_with(message, {"response_type": "ephemeral", **message})
        else:
            await self._url.post(message, replace=replace)

    def _why_not(self) -> str:
        """Slack's word for why it did not take something."""
        return self._channel.refused or self._url.refused or "no address"

    def _is_stopping(self) -> bool:
        return self._in_flight.stopping

    def _unsure(self, message: Message) -> Message:
        """What is said in place of an answer that Slack may have taken; a problem is said once more."""
        if message is self._problem:
            return message
        error = SlackRefusedError("the answer", NOT_CONFIRMED)
        return build_problem(str(error), note_problem(error), self.again, self.again_id)

    def _answer_with(self, message: Message, body: Message) -> bool:
        """Make the message the acknowledgement itself, unless it is too large for the way it goes."""
        content = message.private_json if isinstance(message, Rendered) else json.dumps(body)
        if self._socket_mode and len(content) > MAX_SOCKET_ACK_BYTES:
            return False
        self._ack.response = BoltResponse(
            status=200, body=content, headers={"content-type": ["application/json;charset=utf-8"]}
        )
        return True

    async def problem(self, error: RecordingsError) -> None:
        """Word an expected error for the person."""
        reference = note_problem(error)
        replace = self._placed or self.over_notice
        if isinstance(error, QueryError):
            self._problem = build_mistake(error, self.again)
        elif isinstance(error, TaskNotFoundError):
            self._problem = build_problem(str(error))  # asking again finds nothing new
        else:
            self._problem = build_problem(str(error), reference, self.again, self.again_id)
        await self.send(self._problem, replace=replace)

    async def unexpected(self, error: Exception) -> None:
        """Tell the person a reference number, under which everything is in the log."""
        reference = note_unexpected(error)
        sentence = "Something went wrong inside the bot; whoever runs it finds it in the log."
        self._problem = build_problem(sentence, reference, self.again, self.again_id)
        await self.send(self._problem, replace=self._placed or self.over_notice)

    async def _say_that_it_takes_longer(self, task: asyncio.Task[Message]) -> None:
        """A short line, at most one of progress for a command; progress in place for a click."""
        if not self._replaces:
            await self._note(build_notice("Still searching …"))
        await asyncio.wait({task}, timeout=PROGRESS_AFTER_SECONDS - ACK_WITHIN_SECONDS)
        progressed = asyncio.create_task(self._progressed.wait())  # a slow list tells of it later
        try:
            await asyncio.wait({task, progressed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            progressed.cancel()
        if not task.done() and self._progress:
            self._placed = self._replaces
            await self._note(self._progress_line(*self._progress), replace=self._replaces)


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

    def __init__(self, ack: AsyncAck, in_flight: InFlight, slack: SlackClient, place: Place) -> None:
        super().__init__(
            ack, "", in_flight, command=False, socket_mode=False, slack=slack, user_id=place.user_id
        )
        self._place = place
        self._slack = slack
        self._refused = ""
        self._ts = ""

    async def send(self, message: Message, *, replace: bool = False, everyone: bool = False) -> bool:  # noqa: ARG002
        """Send a message. What everyone reads takes the place of the line that said it was looked for."""
        with self._in_flight.answering():
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
