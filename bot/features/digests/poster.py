"""Posts one slot of a digest: finds, judges, builds, posts once whatever crashes, and tells its owner."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from bot.clock import SystemClock
from bot.errors import QueryError
from bot.features.digests.errors import (
    LeaseLostError,
    PermanentError,
    TransientError,
    UncertainError,
    UnfinishedLookError,
)
from bot.features.digests.message import build_digest
from bot.features.digests.models import Posted
from bot.features.digests.notices import build_owner_notice
from bot.features.digests.report import SLOTS_COMPARED, Report, compare
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.slots import window_of
from bot.query.times import MINUTE
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.channels import outsiders_read
from bot.slack.sender import SendResult, outcome_of
from bot.slack.web_client import SLACK_ERRORS, NotSentError, sent_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock
    from bot.features.digests.data import DigestData
    from bot.features.digests.models import Claim, Notice
    from bot.features.digests.report import Summary
    from bot.features.digests.store import Store
    from bot.slack.people import People
    from bot.slack.web_client import SlackClient


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
    outcome = outcome_of(error)
    word = outcome.word
    if outcome.is_uncertain:
        return UncertainError(unclear, word=word) if unclear else TransientError(sentence, word=word)
    if outcome.result is SendResult.NOT_TAKEN or outcome.may_be_lifted:
        said = sentence if isinstance(error, SlackApiError) else "Slack could not be reached."
        return TransientError(said, outcome.retry_after_seconds, word)
    if word in _PAUSES:
        return PermanentError(sentence, _PAUSES[word], word)
    return PermanentError(f"{sentence} Report this to whoever runs the bot: its log says why.", word=word)


def _name(claim: Claim) -> dict[str, Any]:
    """What the metadata says: strings and figures come back from Slack as they were sent."""
    return {"digest": claim.digest.id, "slot": claim.slot_at}


_TOO_LONG = "msg_blocks_too_long"
"""Slack's word for a message that is too long with its chart, which says nothing of the next one's."""


class Runner:
    """What the worker calls.

    Args:
        store: the figures of slots before.
        surveys: what there is to tell.
        poster: posts each slot once.
        slack: Slack's Web API; needs `im:write` and `chat:write`.
        people: owners' names.
        clock: how late it is.
        allowed_channels: IDs of the only channels that the bot may write in; empty: all.
    """

    def __init__(
        self,
        store: Store,
        digest_data: DigestData,
        poster: Poster,
        slack: AsyncWebClient,
        people: People,
        clock: Clock,
        allowed_channels: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._digest_data = digest_data
        self._poster = poster
        self._slack = slack
        self._people = people
        self._clock = clock
        self._allowed_channels = allowed_channels
        self._takes_charts = True

    async def post(self, claim: Claim) -> Posted:
        """Post a slot, or decide that nothing is to be posted.

        Raises:
            TransientError, PermanentError, LeaseLostError, StoreError: as for `Poster.post_once`.
            ZegoError, TooLateError: the vendor did not answer; to be tried again.
        """
        if claim.too_late:  # it may only be found
            return Posted(await self._poster.post_once(claim, {}))
        self._check_channel(claim.digest.channel_id)
        try:
            window = window_of(claim)
        except (QueryError, LookupError) as error:
            what = f"What this digest asks cannot be answered: {error}"
            raise PermanentError(what, "Change it with its button `Settings`, then resume it.") from error
        found = await self._poster.find(claim)
        if not isinstance(found, Free):
            return Posted(found)  # what it told was kept before it was sent
        summary = await self._digest_data.get(window, claim.unfinished)
        told = not summary.is_empty or claim.digest.quiet == "line" or claim.missed or claim.asked_by
        if not told:
            await self._keep(claim, summary)
            return Posted(None)
        report = await self._report(claim, summary)

        async def before_posting() -> float:
            await self._keep(claim, summary)
            return await claim.before_posting()

        free = replace(found, claim=replace(claim, before_posting=before_posting))
        return Posted(await self._post(free, report))

    async def _keep(self, claim: Claim, summary: Summary) -> None:
        """Keep what this slot tells before it does: if its message is only found later, that is what it told.

        What somebody asked for out of turn leaves nothing: the schedule's slots have it all to tell.
        """
        left = "" if claim.asked_by else summary.unfinished.encode()
        if not await self._store.keep(claim, summary.counts, left):
            raise LeaseLostError

    async def tell(self, notice: Notice) -> None:
        """Tell a digest's owner by direct message what went wrong and what to do.

        Raises:
            TransientError: Slack did not take it for the moment, or did not say whether it did.
            PermanentError: this person cannot be told.
        """
        sent = False
        try:
            opened = await self._slack.conversations_open(users=notice.digest.owner_id)
            sent = True
            await self._slack.chat_postMessage(
                channel=opened["channel"]["id"],
                unfurl_links=False,
                unfurl_media=False,
                **build_owner_notice(notice),
            )
        except SLACK_ERRORS as error:
            unclear = "Slack did not say whether it took the direct message." if sent else ""
            raise failure(error, "Slack did not take the direct message.", unclear) from error

    def _check_channel(self, channel_id: str) -> None:
        if self._allowed_channels and channel_id not in self._allowed_channels:
            raise PermanentError(
                "This bot may no longer write in this channel.",
                "Whoever runs it has to add the channel to ALLOWED_CHANNELS; then resume the digest.",
            )

    async def _report(self, claim: Claim, summary: Summary) -> Report:
        digest = claim.digest
        previous = await self._store.previous_counts(digest.id, claim.slot_at, SLOTS_COMPARED)
        now = self._clock.now()
        coming = next_times(parse_schedule(digest.schedule, 0), now, digest.zone, 1)
        return Report(
            digest=digest,
            slot_at=claim.slot_at,
            is_test=bool(claim.asked_by),
            summary=summary,
            comparison=compare(summary.counts, [counts for _, counts in previous]),
            missed=() if claim.asked_by else claim.missed,
            late_seconds=int(now - claim.slot_at),
            # What went wrong inside is nothing that outsiders should read.
            late_why="" if digest.for_outsiders else claim.last_error,
            next_at=int(coming[0]) if coming else None,
            owner=await self._people.name(digest.owner_id),
        )

    async def _post(self, slot: Free, report: Report) -> str:
        """Post it with a chart; where Slack does not take that, the same slot with a chart in characters."""
        if self._takes_charts and report.summary.chart:
            try:
                return await slot.post(build_digest(report))
            except PermanentError as error:
                if not _refuses_blocks(error):
                    raise
                ts = await slot.post(build_digest(report, chart=False))
                if error.word == _TOO_LONG:
                    return ts
            self._takes_charts = False
            logger.info("Slack does not take charts here: digests have them in characters from now on")
            return ts
        return await slot.post(build_digest(report, chart=False))


def _refuses_blocks(error: PermanentError) -> bool:
    """Whether Slack refused a message for its blocks: a chart is new to it, or not for this workspace."""
    cause = error.__cause__
    return isinstance(cause, SLACK_ERRORS) and outcome_of(cause).refuses_blocks
