"""Posts one message in the channel for each slot, whatever crashes or times out on the way."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from bot.clock import SystemClock
from bot.digests.errors import (
    OUTSIDERS_READ,
    LeaseLostError,
    PermanentError,
    TransientError,
    UncertainError,
    UnfinishedLookError,
)
from bot.query.durations import HOUR, MINUTE
from bot.slack_client import (
    SLACK_ERRORS,
    NotSentError,
    Taken,
    is_refused_for_now,
    outsiders_read,
    sent_once,
    slack_word,
    taken_despite,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.clock import Clock
    from bot.digests.records import Claim
    from bot.slack_client import SlackClient

logger = logging.getLogger(__name__)

EVENT_TYPE = "recordings_digest_slot"
"""The `event_type` of the metadata that names a message's slot."""

PACE_SECONDS = 1.0
"""Slack takes one message a second in a channel, with short bursts (Slack docs, rate limits)."""

CLOCK_MARGIN_SECONDS = 10 * MINUTE
"""Slack's clock and this machine's may differ by so much: the look reaches so far beyond what is likely."""

INSIDERS_SECONDS = 60
"""How long it is believed that only insiders read a channel: Slack is asked about 50 times a minute at most
(Slack docs, conversations.info), and at a full hour there may be a thousand digests."""

_PAGE = 200
"""Asked for; an app sold outside of Slack's Marketplace gets 15, once a minute (Slack docs, the method)."""

_MOST_PAGES = 25
_NEXT_PAGES_SECONDS = 1.0
"""Pages read in one attempt, and when the next goes on: others have their turn."""

_PAUSES = {
    "not_in_channel": "The bot is not in the channel: `/invite` it there, then resume the digest.",
    "channel_not_found": (
        "The channel is gone, or the bot was taken out of it: `/invite` it there, then resume the digest."
    ),
    "is_archived": "The channel is archived: remove the digest, or unarchive the channel and resume it.",
    "missing_scope": (
        "The app lacks a scope. Whoever runs it has to reinstall it with every scope of its manifest "
        "(`python -m bot doctor` names those that are missing); then resume the digest."
    ),
    "restricted_action": (
        "An admin has restricted who posts in this channel: ask them, then resume the digest."
    ),
}
_PAUSES |= dict.fromkeys(
    ("restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
    _PAUSES["restricted_action"],
)

_FOR_OUTSIDERS = f"{OUTSIDERS_READ}. To keep posting there, resume the digest; otherwise remove it."


@dataclass(frozen=True, slots=True)
class _Look:
    """How far a channel has been looked through for a slot's message, in timestamps as Slack wrote them.

    Everything older than or at `seen` has been looked at, but what lies between `low` and `high` (both
    excluded; empty where nothing is left out). What comes later is newer than `seen`.
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


@dataclass(frozen=True, slots=True)
class Free:
    """A slot whose message is not in the channel: it may be posted."""

    poster: Poster
    claim: Claim

    async def post(self, message: Mapping[str, Any]) -> str:
        """Post it; see `Poster.post_once`."""
        return await self.poster._post(self.claim, message)  # noqa: SLF001 - its other half


class Poster:
    """Posts digests, at Slack's pace.

    Args:
        client: a Web API client, with a timeout that is well below the worker's lease.
        clock: how long ago a channel's readers were looked at.
        pace_seconds: real time between two messages in one channel.
    """

    def __init__(
        self,
        client: SlackClient,
        clock: Clock | None = None,
        *,
        pace_seconds: float = PACE_SECONDS,
    ) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._pace_seconds = pace_seconds
        self._turns: dict[str, float] = {}
        self._insiders_until: dict[str, float] = {}

    async def post_once(self, claim: Claim, message: Mapping[str, Any]) -> str:
        """Post a slot's message, or find that it has been posted.

        Args:
            claim: the slot.
            message: what `chat.postMessage` takes beside `channel` and `metadata`: `text`, `blocks` …

        Returns:
            The message's timestamp.

        Raises:
            UnfinishedLookError: it may have been posted before, and the look for it goes on.
            UncertainError: it may have been posted; to be looked for when the lease has ended.
            TransientError: it was not posted, and may be tried again.
            PermanentError: it was not posted, and cannot be.
            LeaseLostError: it was not posted, and another worker may do it.
            StoreError: it was not posted, because the database is away.
        """
        found = await self.find(claim)
        return await found.post(message) if isinstance(found, Free) else found

    async def find(self, claim: Claim) -> str | Free:
        """Look for a slot's message where it may have been posted before: its timestamp, or leave to post it.

        Raises:
            UnfinishedLookError, PermanentError, LeaseLostError, StoreError: as for `post_once`.
        """
        if claim.uncertain:
            found = await self._look(claim)
            if found:
                logger.info("Slot %s of digest %s was posted before", claim.slot_at, claim.digest.id)
                return found
        if claim.too_late:
            raise PermanentError("Slack did not take the digest while it was new enough to be posted.")
        return Free(self, claim)

    async def _post(self, claim: Claim, message: Mapping[str, Any]) -> str:
        await self._check_readers(claim)
        await self._turn(claim.digest.channel_id)
        by = await claim.before_posting()
        try:
            with sent_once(self._client, by) as slack:
                answer = await slack.chat_postMessage(
                    **{
                        "unfurl_links": False,
                        "unfurl_media": False,
                        **message,
                        "channel": claim.digest.channel_id,
                        "metadata": {"event_type": EVENT_TYPE, "event_payload": _name(claim)},
                    }
                )
        except NotSentError as error:
            raise LeaseLostError from error
        except SLACK_ERRORS as error:
            unclear = "Slack did not say whether it took the digest."
            raise failure(error, "Slack did not take the digest.", unclear) from error
        return str(answer["ts"])

    async def _look(self, claim: Claim) -> str | None:
        """The timestamp of the slot's message in the channel; None when it surely is not there.

        The look goes on where that of the attempt before ended; what came since is looked at last.
        """
        look = _Look(*(claim.look.split() or [str(claim.slot_at - CLOCK_MARGIN_SECONDS)]))
        for _ in range(_MOST_PAGES):
            messages, more = await self._page(claim, look)
            for message in messages:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload") == _name(claim):
                    return str(message["ts"])
            is_last = not more and not look.low
            look = look.after([str(message["ts"]) for message in messages], more=more)
            await claim.keep_look(str(look))
            if is_last:
                return None
        raise UnfinishedLookError(_NEXT_PAGES_SECONDS)

    async def _page(self, claim: Claim, look: _Look) -> tuple[list[Mapping[str, Any]], bool]:
        """The newest messages of what is next to be looked at, and whether there are older ones."""
        latest = str(claim.slot_at + claim.fresh_seconds + CLOCK_MARGIN_SECONDS)
        try:
            with sent_once(self._client) as slack:
                page = await slack.conversations_history(
                    channel=claim.digest.channel_id,
                    oldest=look.low or look.seen,
                    latest=look.high or latest,
                    include_all_metadata=True,
                    limit=_PAGE,
                )
        except SLACK_ERRORS as error:
            refusal = failure(error, "Slack didn't let the bot check the channel.")
            if isinstance(refusal, TransientError):
                raise UnfinishedLookError(refusal.retry_after_seconds, refusal.word) from error
            raise refusal from error
        messages = page.get("messages") or []
        more = bool(page.get("has_more") or (page.get("response_metadata") or {}).get("next_cursor"))
        if more and not messages:
            raise UnfinishedLookError
        return messages, more

    async def _check_readers(self, claim: Claim) -> None:
        """Refuse to post where outsiders read and no member has said that they may.

        A channel can be shared at any time, so that Slack is asked again and again. While it does not say,
        the slot is tried again.
        """
        channel_id, now = claim.digest.channel_id, self._clock.monotonic()
        if claim.digest.for_outsiders or self._insiders_until.get(channel_id, now) > now:
            return
        try:
            with sent_once(self._client) as slack:
                answer = await slack.conversations_info(channel=channel_id)
        except SLACK_ERRORS as error:
            raise failure(error, "Slack didn't say who can read this channel.") from error
        if outsiders_read(answer.get("channel") or {}):
            raise PermanentError("", _FOR_OUTSIDERS)
        known = {channel: until for channel, until in self._insiders_until.items() if until > now}
        self._insiders_until = known | {channel_id: now + INSIDERS_SECONDS}

    async def _turn(self, channel_id: str) -> None:
        """Wait until a channel may get its next message."""
        now = asyncio.get_running_loop().time()
        self._turns = {channel: turn for channel, turn in self._turns.items() if turn > now}
        turn = self._turns.get(channel_id, now)
        self._turns[channel_id] = turn + self._pace_seconds
        await asyncio.sleep(turn - now)


def failure(error: Exception, sentence: str, unclear: str = "") -> TransientError | PermanentError:
    """Our error for a call of Slack's that ended with one of SLACK_ERRORS.

    Args:
        error: what it ended with.
        sentence: says that Slack did not take it.
        unclear: says that Slack may have taken it all the same; empty for what changes nothing there.
    """
    taken, word = taken_despite(error), slack_word(error)
    if taken is Taken.UNKNOWN:
        return UncertainError(unclear, word=word) if unclear else TransientError(sentence, word=word)
    if taken is Taken.LATER or is_refused_for_now(error):
        said = sentence if isinstance(error, SlackApiError) else "Slack could not be reached."
        return TransientError(said, _retry_after_seconds(error), word)
    if word in _PAUSES:
        return PermanentError(sentence, _PAUSES[word], word)
    return PermanentError(f"{sentence} Report this to whoever runs the bot: its log says why.", word=word)


def _name(claim: Claim) -> dict[str, Any]:
    """What the metadata says: strings and figures come back from Slack as they were sent."""
    return {"digest": claim.digest.id, "slot": claim.slot_at}


def _retry_after_seconds(error: Exception) -> float:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return min(float(headers.get("Retry-After") or headers.get("retry-after") or 0), float(HOUR))
    except ValueError:
        return 0.0
