"""The one sender: how each message reaches people, what Slack took of it, and what is sent again."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from slack_bolt.response import BoltResponse

from bot.errors import NOT_CONFIRMED, QueryError, SlackRefusedError, StoppingError, TaskNotFoundError
from bot.slack import ids
from bot.slack.blocks import Message, Rendered
from bot.slack.delivery_log import note_problem, note_unexpected, seconds_since_arrival
from bot.slack.notices import build_mistake, build_problem, build_progress, build_searching
from bot.slack.web_client import SLACK_ERRORS, NotSentError, http_status, retry_after_seconds, slack_word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from slack_bolt.context.ack.async_ack import AsyncAck

    from bot.errors import RecordingsError
    from bot.recordings.page import ButtonState
    from bot.slack.in_flight import InFlight
    from bot.slack.web_client import SlackClient

logger = logging.getLogger(__name__)

T = TypeVar("T")

UNEXPECTED = "Something went wrong inside the bot; whoever runs it finds it in the log."

_NEVER_SENT = (NotSentError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
"""There was no connection to Slack: a proxy that refuses to make one has passed nothing on."""

_LATER = {"ratelimited", "rate_limited"}
_UNCLEAR = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
"""Slack docs, chat.postMessage, of `fatal_error`: "It's possible some aspect of the operation succeeded"."""

_ABOUT_SETUP = {
    *("invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked"),
    *("message_limit_exceeded", "team_added_to_org"),
}
"""Refusals that an operator, or Slack itself, may lift without any change in what is sent."""

_ABOUT_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}


class SendResult(Enum):
    """Whether Slack took something."""

    TAKEN = auto()
    NOT_TAKEN = auto()
    """But it may be taken later."""
    UNCERTAIN = auto()
    """It may have been taken."""
    REFUSED = auto()
    """It was not taken, and won't be."""


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What became of something that was sent to Slack.

    Attributes:
        result: whether Slack took it.
        word: why not: Slack's own word, such as `missing_scope`, or the kind of failure.
        answer: what Slack answered where it took it.
        retry_after_seconds: how long Slack asks to wait; 0 where it doesn't say.
    """

    result: SendResult
    word: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    retry_after_seconds: float = 0.0

    @property
    def is_taken(self) -> bool:
        """Slack took it."""
        return self.result is SendResult.TAKEN

    @property
    def is_uncertain(self) -> bool:
        """Slack may have taken it."""
        return self.result is SendResult.UNCERTAIN

    @property
    def refuses_blocks(self) -> bool:
        """It was refused for its blocks."""
        return self.result is SendResult.REFUSED and self.word in _ABOUT_BLOCKS

    @property
    def may_be_lifted(self) -> bool:
        """It was refused, but may be taken within the hour: after a new token, or a change to a proxy.

        Only a proxy refuses without a word of Slack's, or redirects. For somebody who waits this is a refusal
        like any other; a digest has an hour.
        """
        return self.result is SendResult.REFUSED and (self.word in _ABOUT_SETUP or not self.word.islower())


def outcome_of(error: Exception) -> SendOutcome:
    """What became of a call that ended with one of SLACK_ERRORS."""
    word, status = slack_word(error), http_status(error) or HTTPStatus.OK
    is_cut_off = status < HTTPStatus.MULTIPLE_CHOICES and not word.islower()  # or not Slack's answer
    if isinstance(error, aiohttp.InvalidURL):
        result = SendResult.REFUSED
    elif isinstance(error, _NEVER_SENT) or status == HTTPStatus.TOO_MANY_REQUESTS or word in _LATER:
        result = SendResult.NOT_TAKEN
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or word in _UNCLEAR or is_cut_off:
        result = SendResult.UNCERTAIN
    else:
        result = SendResult.REFUSED
    return SendOutcome(result, word, retry_after_seconds=retry_after_seconds(error))


async def attempt(call: Awaitable[Any], what: str) -> SendOutcome:
    """Make one call that sends something.

    Args:
        call: of Slack's Web API, or a post to a response_url.
        what: is sent, for the log.
    """
    try:
        answer = await call
    except SLACK_ERRORS as error:
        outcome = outcome_of(error)
        logger.warning("Slack did not take %s: %s", what, outcome.word)
        return outcome
    return SendOutcome(SendResult.TAKEN, answer=answer)


WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Between tries: Slack's short failures are over by then, and people have turned to something else."""

REPLACING_TRIES = 3
"""How often a replacement is sent before it counts as uncertain like anything else."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way for a message to reach people.

    Attributes:
        send: sends a message once.
        harmless_tries: up to how many tries it may send again what Slack may have taken: more than 1 only
            where the message replaces one, so that nobody sees it twice.
    """

    send: Callable[[Message], Awaitable[SendOutcome]]
    harmless_tries: int = 1

    async def send_readable(self, message: Message) -> SendOutcome:
        """Send a message, without its blocks if Slack refuses those: `text` says it all."""
        outcome = await self.send(message)
        if outcome.refuses_blocks and "blocks" in message:
            outcome = await self.send({key: part for key, part in message.items() if key != "blocks"})
        return outcome


async def deliver(
    message: Message,
    routes: Sequence[Route],
    *,
    unsure: Callable[[], Message] | None = None,
    waits: Sequence[float] = WAITS_SECONDS,
    is_stopping: Callable[[], bool] = lambda: False,
) -> SendOutcome:
    """Send a message until Slack takes it, refuses it on every route, or the tries are used up.

    What Slack may have taken is not sent again: `unsure` is said instead.

    Args:
        message: what `routes` send.
        routes: the best first; the next is used if one fails.
        unsure: makes what is said then; without it, uncertainty ends the tries.
        waits: seconds between tries.
        is_stopping: the process ends, so there is no time to try again.

    Returns:
        What became of `message` itself: uncertain even where `unsure` was taken.
    """
    left = list(routes)
    uncertain: SendOutcome | None = None
    outcome = SendOutcome(SendResult.REFUSED, "no address")
    for tries, wait_seconds in enumerate((*waits, 0.0), 1):
        for route in tuple(left):
            outcome = await route.send_readable(message)
            if outcome.is_taken:
                return uncertain or outcome
            if outcome.result is SendResult.REFUSED:
                left.remove(route)
            elif outcome.is_uncertain:
                if tries < route.harmless_tries:
                    break
                if uncertain is None:
                    if unsure is None:
                        return outcome
                    message, uncertain = unsure(), outcome
        if not left or is_stopping():
            break
        await asyncio.sleep(wait_seconds)
    return uncertain or outcome


async def post(slack: SlackClient, channel_id: str, message: Message, thread_ts: str = "") -> SendOutcome:
    """Post a message in a conversation that the bot is in; needs `chat:write`."""
    call = slack.chat_postMessage(
        channel=channel_id,
        thread_ts=thread_ts or None,
        unfurl_links=False,
        unfurl_media=False,
        text=message["text"],
        blocks=message.get("blocks"),
    )
    return await attempt(call, f"a post in {channel_id}")


async def open_direct_message(slack: SlackClient, user_id: str) -> SendOutcome:
    """Open the bot's direct message with somebody: `answer` has its channel. Needs `im:write`."""
    opened = await attempt(slack.conversations_open(users=user_id), "the opening of a direct message")
    # Nothing is written by that, so it can always be done again.
    return SendOutcome(SendResult.NOT_TAKEN, opened.word) if opened.is_uncertain else opened


ACK_WITHIN_SECONDS = 2.0
"""After a delivery arrives. Slack waits 3 s for an acknowledgement (Slack docs), the network included."""

LEAST_WAIT_SECONDS = 0.1
"""An answer at hand needs no other message before it, however late its delivery is."""

PROGRESS_AFTER_SECONDS = 6.0
"""A command's one line of progress is sent once the wait has become long."""

MAX_SOCKET_ACK_BYTES = 16_000
"""Frames above 20 KB have been seen to close a Socket Mode connection: larger answers go by response_url."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the messages that answer a delivery go.

    Attributes:
        user_id: whoever caused it, for what is private.
        channel_id: the conversation; empty where there is none.
        thread_ts: the thread in it for what everyone sees; empty for the conversation itself.
        response_url: answers a command or a click, five times in half an hour (Slack docs).
        thread_exists: a private answer can be in the thread too: Slack shows it only in one that has begun
            (Slack docs, chat.postEphemeral).
        direct: the bot's own direct message: nobody else reads it, so everything is posted plainly.
    """

    user_id: str
    channel_id: str = ""
    thread_ts: str = ""
    response_url: str = ""
    thread_exists: bool = False
    direct: bool = False


class Progress:
    """How far a long scan is, and when it will be done at the pace so far."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._read = self._total = self._first = 0
        self._began = 0.0

    def update(self, read: int, total: int) -> None:
        """So many of so many recordings have been read."""
        self._read, self._total = read, total
        if not self.begun.is_set():
            self._first, self._began = read, asyncio.get_running_loop().time()
            self.begun.set()

    def message(self) -> Message:
        """The line of progress."""
        done = self._read - self._first
        seconds = asyncio.get_running_loop().time() - self._began
        left = seconds * (self._total - self._read) / done if done > 0 else None
        return build_progress(self._read, self._total, left)


class Sender:
    """Sends everything that one command, click or form leads to.

    Args:
        slack: Slack's Web API.
        ack: Bolt's acknowledgement.
        in_flight: keeps track of work under way.
        destination: where messages go.
        is_command: a slash command's acknowledgement may be the message; a click's may not.
        socket_mode: large acknowledgements go by response_url.
        waits: seconds between tries while Slack fails.

    Attributes:
        again: what `Try again` asks, once it is known.
        again_id: the action_id of `Try again`.
        over_notice: the clicked message holds no answer, so an error may replace it.
    """

    def __init__(
        self,
        slack: SlackClient,
        ack: AsyncAck,
        in_flight: InFlight,
        destination: Destination,
        *,
        is_command: bool = False,
        socket_mode: bool = False,
        waits: Sequence[float] = WAITS_SECONDS,
    ) -> None:
        self.again: ButtonState | None = None
        self.again_id: str = ids.SHOW
        self.over_notice = False
        self._slack = slack
        self._ack = ack
        self._in_flight = in_flight
        self._to = destination
        self._is_command = is_command
        self._socket_mode = socket_mode
        self._waits = waits
        self._progress = Progress()
        self._problem: Message | None = None
        self._progress_replaced = False
        """A line of progress is where the answer has to go."""

    def progress(self, read: int, total: int) -> None:
        """Called while a long scan goes on."""
        self._progress.update(read, total)

    async def acknowledge(self) -> None:
        """Tell Slack that the delivery arrived, without a message."""
        if self._ack.response is None:
            await self._ack()

    async def show(
        self, work: Awaitable[Message], *, replace: bool = False, everyone: bool = False
    ) -> Message | None:
        """Send what `work` makes as soon as it is ready. Returns it if Slack took it.

        Args:
            work: makes the message.
            replace: put it in place of the clicked message.
            everyone: in the channel, not only for the person. Progress and problems stay private.

        Raises:
            StoppingError: the process ends, and the work was stopped.
            SlackRefusedError: everyone was to see it, and Slack did not take it or did not say so.
        """
        self._progress_replaced = False
        with self._in_flight.answering():
            if not self._is_command:
                await self.acknowledge()
            task = self._in_flight.run(work)
            left_seconds = ACK_WITHIN_SECONDS - seconds_since_arrival()
            await asyncio.wait({task}, timeout=max(LEAST_WAIT_SECONDS, left_seconds))
            if not task.done():
                await self._say_that_it_takes_longer(task, replace=replace, everyone=everyone)
            message = await self._result(task)
            return message if await self.send(message, replace=replace, everyone=everyone) else None

    async def under_way(self, work: Awaitable[T]) -> T:
        """Wait for work that SIGTERM lets finish, and stops in the end.

        Raises:
            StoppingError: it was stopped.
        """
        with self._in_flight.answering():
            return await self._result(self._in_flight.run(work))

    async def _result(self, task: asyncio.Task[T]) -> T:
        try:
            return await task
        except asyncio.CancelledError:
            if not self._in_flight.stopping:
                raise
            raise StoppingError from None

    async def send(self, message: Message, *, replace: bool = False, everyone: bool = False) -> bool:
        """Send a message, as the acknowledgement if possible. True if Slack took it.

        What Slack does not take for the moment is sent again for a while. What it may have taken is not: the
        person is told that it's uncertain. What reached nobody becomes the delivery's outcome.

        Raises:
            SlackRefusedError: everyone was to see it, and Slack did not take it or did not say so.
        """
        with self._in_flight.answering():
            if self._acknowledge_with(message, everyone=everyone):
                return True
            await self.acknowledge()
            outcome = await deliver(
                message,
                await self._routes(replace=replace, everyone=everyone),
                unsure=None if everyone else partial(self._unsure, message),
                waits=self._waits,
                is_stopping=lambda: self._in_flight.stopping,
            )
            if everyone and not outcome.is_taken:
                raise SlackRefusedError("the answer", NOT_CONFIRMED if outcome.is_uncertain else outcome.word)
            if not (outcome.is_taken or outcome.is_uncertain):
                note_problem(SlackRefusedError("the answer", outcome.word))
            return outcome.is_taken

    async def problem(self, error: RecordingsError) -> None:
        """Word an expected error for the person."""
        reference = note_problem(error)
        if isinstance(error, QueryError):
            problem = build_mistake(error, self.again)
        else:
            again = None if isinstance(error, TaskNotFoundError) else self.again  # would find nothing new
            problem = build_problem(str(error), reference, again, self.again_id)
        await self._send_problem(problem)

    async def unexpected(self, error: Exception) -> None:
        """Tell the person a reference number; the log has everything under it."""
        await self._send_problem(build_problem(UNEXPECTED, note_unexpected(error), self.again, self.again_id))

    async def _send_problem(self, problem: Message) -> None:
        self._problem = problem
        await self.send(problem, replace=self._progress_replaced or self.over_notice)

    def _unsure(self, message: Message) -> Message:
        """What is said in place of an answer that Slack may have taken; a problem is said once more."""
        if message is self._problem:
            return message
        error = SlackRefusedError("the answer", NOT_CONFIRMED)
        return build_problem(str(error), note_problem(error), self.again, self.again_id)

    def _acknowledge_with(self, message: Message, *, everyone: bool = False) -> bool:
        """Make a message the acknowledgement itself, if it still can be and isn't too large for it."""
        if not self._is_command or self._ack.response is not None:
            return False
        if isinstance(message, Rendered) and not everyone:
            content = message.private_json
        else:
            content = json.dumps(_as_response(message, everyone=everyone))
        if self._socket_mode and len(content) > MAX_SOCKET_ACK_BYTES:
            return False
        self._ack.response = BoltResponse(
            status=200, body=content, headers={"content-type": ["application/json;charset=utf-8"]}
        )
        return True

    async def _routes(self, *, replace: bool, everyone: bool) -> list[Route]:
        """The routes for a message, the best first."""
        to, routes = self._to, []
        if to.response_url:
            by_url = partial(self._post_to_url, replace=replace, everyone=everyone)
            routes.append(Route(by_url, REPLACING_TRIES if replace else 1))
        if not everyone:
            routes.append(Route(self._write_directly))
        elif to.channel_id and not replace:
            routes.append(Route(lambda message: post(self._slack, to.channel_id, message, to.thread_ts)))
        return routes

    async def _post_to_url(
        self, message: Message, *, replace: bool = False, everyone: bool = False
    ) -> SendOutcome:
        body = {**_as_response(message, everyone=everyone), "replace_original": replace}
        if self._to.thread_ts and not replace:
            body["thread_ts"] = self._to.thread_ts
        return await attempt(self._slack.post(self._to.response_url, body), "an answer")

    async def _write_directly(self, message: Message) -> SendOutcome:
        """For what is private, where nothing else works."""
        if not self._to.user_id:
            return SendOutcome(SendResult.REFUSED, "no user")
        opened = await open_direct_message(self._slack, self._to.user_id)
        return await post(self._slack, opened.answer["channel"]["id"], message) if opened.is_taken else opened

    async def _say_that_it_takes_longer(
        self, task: asyncio.Task[Message], *, replace: bool, everyone: bool
    ) -> None:
        """A short line, and at most one of progress for a command; for a click, progress in place."""
        in_place = replace and not everyone
        if not in_place:
            await self._note(build_searching())
        await asyncio.wait({task}, timeout=PROGRESS_AFTER_SECONDS - ACK_WITHIN_SECONDS)
        begun = asyncio.create_task(self._progress.begun.wait())  # a slow list reports later
        try:
            await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        if not task.done() and self._progress.begun.is_set():
            self._progress_replaced = in_place
            await self._note(self._progress.message(), replace=in_place)

    async def _note(self, message: Message, *, replace: bool = False) -> None:
        """Send a line ahead of the answer, once: what follows says more."""
        if not self._acknowledge_with(message) and self._to.response_url:
            await self._post_to_url(message, replace=replace)


class ThreadSender(Sender):
    """Sends everything that a mention or a direct message leads to; it has no response_url."""

    _ts = ""
    """The posted line that says the answer is being looked for: what everyone sees takes its place."""

    async def _routes(self, *, replace: bool, everyone: bool) -> list[Route]:  # noqa: ARG002
        if everyone or self._to.direct:
            return [Route(self._post_or_update, REPLACING_TRIES if self._ts else 1)]
        if self._ts:  # everyone reads that line, and what follows is for one person
            ts, self._ts = self._ts, ""
            await attempt(
                self._slack.chat_delete(channel=self._to.channel_id, ts=ts), "the deletion of a post"
            )
        return [Route(self._post_privately), Route(self._write_directly)]

    async def _post_or_update(self, message: Message) -> SendOutcome:
        to = self._to
        if not self._ts:
            outcome = await post(self._slack, to.channel_id, message, to.thread_ts)
            self._ts = str(outcome.answer.get("ts") or "")
            return outcome
        call = self._slack.chat_update(
            channel=to.channel_id,
            ts=self._ts,
            text=message["text"],
            blocks=message.get("blocks") or [],  # an update without blocks would leave the old ones
        )
        return await attempt(call, f"an update in {to.channel_id}")

    async def _post_privately(self, message: Message) -> SendOutcome:
        to = self._to
        call = self._slack.chat_postEphemeral(
            channel=to.channel_id,
            user=to.user_id,
            thread_ts=to.thread_ts if to.thread_exists else None,
            text=message["text"],
            blocks=message.get("blocks"),
        )
        return await attempt(call, f"a private post in {to.channel_id}")

    async def _say_that_it_takes_longer(
        self,
        task: asyncio.Task[Message],
        *,
        replace: bool,  # noqa: ARG002 - a click's
        everyone: bool,
    ) -> None:
        """A line that is updated from time to time, until the answer replaces it; for one person, once."""
        openly = everyone or self._to.direct
        say = self._post_or_update if openly else self._post_privately
        await say(build_searching())
        while not task.done():
            await asyncio.wait({task}, timeout=PROGRESS_AFTER_SECONDS / 2)
            if not task.done() and self._progress.begun.is_set() and openly:
                await say(self._progress.message())


def _as_response(message: Message, *, everyone: bool) -> Message:
    return {"response_type": "in_channel" if everyone else "ephemeral", **message}
