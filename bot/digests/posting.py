"""Posts one message in the channel for each slot, whatever crashes or times out on the way."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.digests.due import FRESH_SECONDS
from bot.digests.errors import (
    LeaseLostError,
    PermanentError,
    TransientError,
    UncertainError,
    UnfinishedLookError,
)
from bot.query.durations import HOUR, MINUTE
from bot.slack_client import SLACK_ERRORS, NotSentError, outsiders_read, sent_once, slack_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.digests.records import Claim
    from bot.slack_client import SlackClient

logger = logging.getLogger(__name__)

EVENT_TYPE = "recordings_digest_slot"
"""The `event_type` of the metadata that names a message's slot."""

PACE_SECONDS = 1.0
"""Slack takes one message a second in a channel, with short bursts (Slack docs, rate limits)."""

CLOCK_MARGIN_SECONDS = 10 * MINUTE
"""Slack's clock and this machine's may differ by so much: the look reaches so far beyond what is likely."""

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

_OUTSIDERS_READ = (
    "People outside your organization can now read the channel. To keep posting there, resume the digest; "
    "otherwise remove it."
)

# Errors of whoever runs the bot, or of Slack itself: nothing that the digest could be paused for.
_PASSING = {
    *("ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"),
    *("invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked"),
}
_UNCLEAR = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
"""Slack docs, chat.postMessage, of `fatal_error`: "It's possible some aspect of the operation succeeded"."""


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
        fresh_seconds: the worker's: after this no message is sent for a slot.
        pace_seconds: real time between two messages in one channel.
    """

    def __init__(
        self,
        client: SlackClient,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        pace_seconds: float = PACE_SECONDS,
    ) -> None:
        self._client = client
        self._fresh_seconds = fresh_seconds
        self._pace_seconds = pace_seconds
        self._turns: dict[str, float] = {}

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
        if claim.attempt > 1 or claim.uncertain:
            try:
                found = await self._look(claim)
            except (PermanentError, UnfinishedLookError):
                if claim.uncertain:
                    raise
                found = None  # nothing was ever sent for this slot: posting will say what is wrong
            if found:
                logger.info("Slot %s of digest %s was posted before", claim.slot_at, claim.digest.id)
                return found
        if claim.too_late:
            raise PermanentError("Slack did not take the digest while it was new enough to be posted.")
        return Free(self, claim)

    async def _post(self, claim: Claim, message: Mapping[str, Any]) -> str:
        await self._turn(claim.digest.channel_id)
        await self._check_readers(claim)
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
        except SlackApiError as error:
            raise _refusal(error, "the digest", sent=True) from error
        except NotSentError as error:
            raise LeaseLostError from error
        except aiohttp.ClientConnectorError as error:
            raise TransientError("Slack could not be reached.") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UncertainError("Slack did not say whether it took the digest.") from error
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
        latest = str(claim.slot_at + self._fresh_seconds + CLOCK_MARGIN_SECONDS)
        try:
            with sent_once(self._client) as slack:
                page = await slack.conversations_history(
                    channel=claim.digest.channel_id,
                    oldest=look.low or look.seen,
                    latest=look.high or latest,
                    include_all_metadata=True,
                    limit=_PAGE,
                )
        except SlackApiError as error:
            refusal = _refusal(error, "the look into the channel", sent=False)
            if isinstance(refusal, TransientError):
                raise UnfinishedLookError(refusal.retry_after_seconds) from error
            raise refusal from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnfinishedLookError from error
        messages = page.get("messages") or []
        more = bool(page.get("has_more") or (page.get("response_metadata") or {}).get("next_cursor"))
        if more and not messages:
            raise UnfinishedLookError
        return messages, more

    async def _check_readers(self, claim: Claim) -> None:
        """Refuse to post where outsiders read and no member has said that they may.

        A channel can be shared at any time, so that Slack is asked each time. While it does not say, the slot
        is tried again.
        """
        if claim.digest.for_outsiders:
            return
        try:
            with sent_once(self._client) as slack:
                answer = await slack.conversations_info(channel=claim.digest.channel_id)
        except SLACK_ERRORS as error:
            raise failure(error, "the question who reads the channel", sent=False) from error
        if outsiders_read(answer.get("channel") or {}):
            raise PermanentError("", _OUTSIDERS_READ)

    async def _turn(self, channel_id: str) -> None:
        """Wait until a channel may get its next message."""
        now = asyncio.get_running_loop().time()
        self._turns = {channel: turn for channel, turn in self._turns.items() if turn > now}
        turn = self._turns.get(channel_id, now)
        self._turns[channel_id] = turn + self._pace_seconds
        await asyncio.sleep(turn - now)


def failure(error: Exception, what: str, *, sent: bool) -> Exception:
    """Our error for a call of Slack's that ended with one of SLACK_ERRORS.

    Args:
        error: what it ended with.
        what: what Slack was sent, in words.
        sent: it was a message, which may be there all the same.
    """
    if isinstance(error, SlackApiError):
        return _refusal(error, what, sent=sent)
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransientError("Slack could not be reached.")
    kind = UncertainError if sent else TransientError
    return kind(f"Slack did not say whether it took {what}.")


def _name(claim: Claim) -> dict[str, Any]:
    """What the metadata says: strings and figures come back from Slack as they were sent."""
    return {"digest": claim.digest.id, "slot": claim.slot_at}


def _refusal(error: SlackApiError, what: str, *, sent: bool) -> Exception:
    """Our error for Slack's answer. `sent`: it was a message, which may be in the channel all the same."""
    word = slack_word(error)
    status = getattr(error.response, "status_code", 200)
    if word in _PAUSES:
        return PermanentError(f"Slack did not take {what} ({word}).", _PAUSES[word])
    if status == 429 or word in _PASSING:  # noqa: PLR2004 - HTTP's own number
        return TransientError(f"Slack did not take {what} ({word}).", _retry_after_seconds(error))
    if word in _UNCLEAR or word.startswith("HTTP") or not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
        kind = UncertainError if sent else TransientError
        return kind(f"Slack failed while it was sent {what} ({word}).")
    return PermanentError(f"Slack did not take {what} ({word}): report this to whoever runs the bot.")


def _retry_after_seconds(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    try:
        return min(float(headers.get("Retry-After") or headers.get("retry-after") or 0), float(HOUR))
    except ValueError:
        return 0.0
