"""Posts the message of an outbox step to its channel exactly once, at Slack's pace.

Slack has no idempotency key. Each message carries metadata that names its step, and a step that may have been
posted is looked for in the channel's recent history before it is posted again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from bot.errors import RecordingsError
from bot.query.times import MINUTE
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.channels import outsiders_read
from bot.slack.sender import SendResult, outcome_of
from bot.slack.web_client import SLACK_ERRORS, NotSentError, sent_once
from bot.storage.errors import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.clock import Clock
    from bot.slack.web_client import SlackClient
    from bot.storage.outbox import Step

logger = logging.getLogger(__name__)

PACE_SECONDS = 1.0
"""Slack takes one message a second in a channel, with short bursts (Slack docs, rate limits)."""

CLOCK_MARGIN_SECONDS = 10 * MINUTE
"""How far Slack's clock and this machine's may differ: the look reaches that far beyond what is likely."""

INSIDERS_SECONDS = 60
"""How long the bot believes that only insiders read a channel: Slack takes about 50 such questions a minute
(Slack docs, conversations.info), and at a full hour there may be a thousand messages."""

_PAGE = 200
"""Asked for; an app sold outside of Slack's Marketplace gets 15, once a minute (Slack docs, the method)."""

_MOST_PAGES = 25
_NEXT_PAGES_SECONDS = 1.0
"""Pages read in one attempt, and when the next goes on: others have their turn."""

_RESTRICTED = "An admin has restricted who posts in this channel: ask them, then resume the {noun}."
_PAUSES = {
    "not_in_channel": "The bot is not in the channel: `/invite` it there, then resume the {noun}.",
    "channel_not_found": (
        "The channel is gone, or the bot was taken out of it: `/invite` it there, then resume the {noun}."
    ),
    "is_archived": "The channel is archived: remove the {noun}, or unarchive the channel and resume it.",
    "missing_scope": (
        "The app lacks a scope. Whoever runs it has to reinstall it with every scope of its manifest "
        "(`python -m bot doctor` names those that are missing); then resume the {noun}."
    ),
    "restricted_action": _RESTRICTED,
    "restricted_action_read_only_channel": _RESTRICTED,
    "restricted_action_thread_only_channel": _RESTRICTED,
}
_FOR_OUTSIDERS = OUTSIDERS_READ + ". To keep posting there, resume the {noun}; otherwise remove it."


class PostingError(RecordingsError):
    """A message was not posted, as far as is known.

    Args:
        what: a sentence for its owner, and for its channel when it comes late.
        word: Slack's, for the log only.
    """

    def __init__(self, what: str, word: str = "") -> None:
        super().__init__(what, word)
        self.what = what
        self.word = word

    def sentence(self) -> str:
        """What went wrong."""
        return self.what

    def for_operator(self) -> str:
        """The same, with Slack's word."""
        return self.sentence() + (f" ({self.word})" if self.word else "")


class TransientError(PostingError):
    """It could not be posted yet.

    `retry_after_seconds` is how long to wait at least; 0 leaves it to the worker.
    """

    def __init__(self, what: str, retry_after_seconds: float = 0.0, word: str = "") -> None:
        super().__init__(what, word)
        self.retry_after_seconds = retry_after_seconds


class UncertainError(TransientError):
    """Slack was sent the message and did not say what became of it."""


class UnfinishedLookError(TransientError):
    """The look for a message that Slack may have taken isn't complete; nothing is posted before."""

    def __init__(self, noun: str, retry_after_seconds: float = 0.0, word: str = "") -> None:
        what = f"Slack didn't confirm this {noun}, and the channel couldn't be fully checked for it yet."
        super().__init__(what, retry_after_seconds, word)


class PermanentError(PostingError):
    """It cannot be posted, now or later.

    `pause_reason` says why nothing can be posted there later either, and what to do; empty when it may.
    """

    def __init__(self, what: str, pause_reason: str = "", word: str = "") -> None:
        super().__init__(what, word)
        self.pause_reason = pause_reason

    def sentence(self) -> str:
        """What went wrong, and what to do about it."""
        return f"{self.what} {self.pause_reason}".strip()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a step's message goes, and how it is recognized there.

    Args:
        channel_id: the channel.
        name: names the step in the message's metadata: strings and figures, which Slack returns unchanged.
        since, until: when the message may have been posted, Unix seconds by this machine's clock.
        for_outsiders: a member agreed that people outside the organization read it.
    """

    channel_id: str
    name: Mapping[str, str | int]
    since: float
    until: float
    for_outsiders: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """How far a channel has been searched for a message, in timestamps as Slack wrote them.

    Everything up to `seen` has been looked at, except what lies between `low` and `high` (both excluded;
    empty if nothing was left out). What comes later is newer than `seen`.
    """

    seen: str
    low: str = ""
    high: str = ""

    def __str__(self) -> str:
        return f"{self.seen} {self.low} {self.high}".rstrip()

    def after(self, page: list[str], *, more: bool) -> _Look:
        """The same after another page.

        Args:
            page: the timestamps of its messages. It began at `high`, or at the newest message.
            more: whether there are older ones.
        """
        low = self.low or self.seen
        seen = self.seen if self.low else max([self.seen, *page], key=float)
        return _Look(seen, low, min(page, key=float)) if more else _Look(seen)


class Poster:
    """Posts messages of one kind.

    Args:
        client: a Web API client, with a timeout well below the outbox's lease.
        clock: how long ago Slack said who reads a channel.
        event_type: of the metadata.
        noun: what people call such a message.
        pace_seconds: real time between two messages in one channel.
    """

    def __init__(
        self,
        client: SlackClient,
        clock: Clock,
        event_type: str,
        noun: str,
        *,
        pace_seconds: float = PACE_SECONDS,
    ) -> None:
        self._client, self._clock = client, clock
        self._event_type, self._noun = event_type, noun
        self._pace_seconds = pace_seconds
        self._turns: dict[str, float] = {}
        self._insiders_until: dict[str, float] = {}

    async def post_once(self, step: Step, to: Envelope, message: Mapping[str, Any]) -> str:
        """Post a message, or find that it has been posted; returns its timestamp.

        Raises: as `find` and `post`.
        """
        return await self.find(step, to) or await self.post(step, to, message)

    async def find(self, step: Step, to: Envelope) -> str | None:
        """The timestamp of a message that an earlier attempt posted; None when it's free to be posted.

        Raises:
            UnfinishedLookError: the look for it goes on.
            PermanentError: the channel cannot be searched, or it is too late to post what isn't there.
            LeaseLostError, StoreError: how far the look came could not be kept.
        """
        found = await self._look(step, to) if step.uncertain else None
        if found:
            logger.info("%s was posted before", step)
        elif step.too_late:
            raise PermanentError(f"Slack did not take the {self._noun} while it was new enough to be posted.")
        return found

    async def post(self, step: Step, to: Envelope, message: Mapping[str, Any]) -> str:
        """Post a message that `find` says is free to be posted; returns its timestamp.

        Args:
            step: what it is for.
            to: its channel and its name.
            message: what `chat.postMessage` takes beside `channel` and `metadata`: `text`, `blocks` …

        Raises:
            UncertainError: it may have been posted; to be looked for when the lease has ended.
            TransientError: it was not posted, and may be tried again.
            PermanentError: it was not posted, and cannot be.
            LeaseLostError: it was not posted, and another worker may do it.
            StoreError: it was not posted, because the database is away.
        """
        await self._check_readers(to)
        await self._turn(to.channel_id)
        by = await step.before_posting()
        try:
            with sent_once(self._client, by) as slack:
                answer = await slack.chat_postMessage(
                    **{
                        "unfurl_links": False,
                        "unfurl_media": False,
                        **message,
                        "channel": to.channel_id,
                        "metadata": {"event_type": self._event_type, "event_payload": to.name},
                    }
                )
        except NotSentError as error:
            raise LeaseLostError from error
        except SLACK_ERRORS as error:
            unclear = f"Slack did not say whether it took the {self._noun}."
            raise failure(error, f"Slack did not take the {self._noun}.", unclear, self._noun) from error
        return str(answer["ts"])

    async def _look(self, step: Step, to: Envelope) -> str | None:
        """The timestamp of the message in the channel; None when it surely is not there.

        The look goes on where that of the attempt before ended; what came since is looked at last.
        """
        name = {"event_type": self._event_type, "event_payload": to.name}
        look = _Look(*(step.look.split() or [str(to.since - CLOCK_MARGIN_SECONDS)]))
        for _ in range(_MOST_PAGES):
            messages, more = await self._page(to, look)
            for message in messages:
                metadata = message.get("metadata") or {}
                if {key: metadata.get(key) for key in name} == name:
                    return str(message["ts"])
            is_last = not more and not look.low
            look = look.after([str(message["ts"]) for message in messages], more=more)
            await step.keep_look(str(look))
            if is_last:
                return None
        raise UnfinishedLookError(self._noun, _NEXT_PAGES_SECONDS)

    async def _page(self, to: Envelope, look: _Look) -> tuple[list[Mapping[str, Any]], bool]:
        """The newest messages of what is next to be looked at, and whether there are older ones."""
        try:
            with sent_once(self._client) as slack:
                page = await slack.conversations_history(
                    channel=to.channel_id,
                    oldest=look.low or look.seen,
                    latest=look.high or str(to.until + CLOCK_MARGIN_SECONDS),
                    include_all_metadata=True,
                    limit=_PAGE,
                )
        except SLACK_ERRORS as error:
            refusal = failure(error, "Slack didn't let the bot check the channel.", noun=self._noun)
            if isinstance(refusal, TransientError):
                raise UnfinishedLookError(self._noun, refusal.retry_after_seconds, refusal.word) from error
            raise refusal from error
        messages = page.get("messages") or []
        more = bool(page.get("has_more") or (page.get("response_metadata") or {}).get("next_cursor"))
        if more and not messages:
            raise UnfinishedLookError(self._noun)
        return messages, more

    async def _check_readers(self, to: Envelope) -> None:
        """Refuse to post where outsiders read and no member has said that they may.

        A channel can be shared at any time, so that Slack is asked again and again. While it doesn't say, the
        step is tried again.
        """
        now = self._clock.monotonic()
        if to.for_outsiders or self._insiders_until.get(to.channel_id, now) > now:
            return
        try:
            with sent_once(self._client) as slack:
                answer = await slack.conversations_info(channel=to.channel_id)
        except SLACK_ERRORS as error:
            raise failure(error, "Slack didn't say who can read this channel.", noun=self._noun) from error
        if outsiders_read(answer.get("channel") or {}):
            raise PermanentError("", _FOR_OUTSIDERS.format(noun=self._noun))
        known = {channel: until for channel, until in self._insiders_until.items() if until > now}
        self._insiders_until = known | {to.channel_id: now + INSIDERS_SECONDS}

    async def _turn(self, channel_id: str) -> None:
        """Wait until a channel may get its next message."""
        now = asyncio.get_running_loop().time()
        self._turns = {channel: turn for channel, turn in self._turns.items() if turn > now}
        turn = self._turns.get(channel_id, now)
        self._turns[channel_id] = turn + self._pace_seconds
        await asyncio.sleep(turn - now)


def failure(
    error: Exception, sentence: str, unclear: str = "", noun: str = "digest"
) -> TransientError | PermanentError:
    """Our error for a call of Slack's that ended with one of SLACK_ERRORS.

    Args:
        error: what it ended with.
        sentence: says that Slack did not take it.
        unclear: says that Slack may have taken it all the same; empty for what changes nothing there.
        noun: what has to be resumed once its cause is gone.
    """
    outcome = outcome_of(error)
    word = outcome.word
    if outcome.is_uncertain:
        return UncertainError(unclear, word=word) if unclear else TransientError(sentence, word=word)
    if outcome.result is SendResult.NOT_TAKEN or outcome.may_be_lifted:
        said = sentence if isinstance(error, SlackApiError) else "Slack could not be reached."
        return TransientError(said, outcome.retry_after_seconds, word)
    if word in _PAUSES:
        return PermanentError(sentence, _PAUSES[word].format(noun=noun), word)
    return PermanentError(f"{sentence} Report this to whoever runs the bot: its log says why.", word=word)
