"""Posts one slot of a digest: reads, judges, builds its message, has it posted once, and tells its owner."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.clock import SystemClock
from bot.errors import QueryError
from bot.features.digests.message import build_digest
from bot.features.digests.notices import build_owner_notice
from bot.features.digests.report import SLOTS_COMPARED, Report, compare
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.slot_windows import window_of
from bot.slack.poster import PACE_SECONDS, Envelope, PermanentError, Poster, failure
from bot.slack.sender import outcome_of
from bot.slack.web_client import SLACK_ERRORS
from bot.storage.errors import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Mapping

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

_TOO_LONG = "msg_blocks_too_long"
"""Slack's word for a message that is too long with its chart, which says nothing about the next one's."""


def slot_poster(slack: SlackClient, clock: Clock, pace_seconds: float | None = None) -> Poster:
    """Posts each slot once. The pace is Slack's, unless the clock is one that is pushed forward."""
    if pace_seconds is None:
        pace_seconds = PACE_SECONDS if isinstance(clock, SystemClock) else 0.0
    return Poster(slack, clock, EVENT_TYPE, "digest", pace_seconds=pace_seconds)


def envelope_of(claim: Claim) -> Envelope:
    """The channel of a slot's message, and what names it there."""
    digest, since = claim.digest, float(claim.slot_at)
    name: dict[str, str | int] = {"digest": digest.id, "slot": claim.slot_at}
    return Envelope(digest.channel_id, name, since, since + claim.fresh_seconds, digest.for_outsiders)


class DigestPoster:
    """What the worker calls.

    Args:
        store: the figures of slots before.
        digest_data: what there is to tell.
        slack: Slack's Web API; needs `im:write` and `chat:write`.
        people: owners' names.
        clock: how late it is.
        allowed_channels: IDs of the only channels that the bot may write in; empty: all.
    """

    def __init__(
        self,
        store: Store,
        digest_data: DigestData,
        slack: SlackClient,
        people: People,
        clock: Clock,
        allowed_channels: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._digest_data = digest_data
        self._poster = slot_poster(slack, clock)
        self._slack = slack
        self._people = people
        self._clock = clock
        self._allowed_channels = allowed_channels
        self._takes_charts = True

    async def post(self, claim: Claim) -> str | None:
        """Post a slot; returns the message's timestamp, or None if there's nothing to post.

        Raises:
            TransientError, PermanentError, LeaseLostError, StoreError: as for `Poster.post_once`.
            ZegoError, TooLateError: the vendor did not answer; to be tried again.
        """
        if claim.too_late:  # it may only be found
            return await self._poster.find(claim, envelope_of(claim))
        self._check_channel(claim.digest.channel_id)
        try:
            window = window_of(claim)
        except (QueryError, LookupError) as error:
            what = f"What this digest asks cannot be answered: {error}"
            raise PermanentError(what, "Change it with its button `Settings`, then resume it.") from error
        if found := await self._poster.find(claim, envelope_of(claim)):
            return found  # what it told was kept before it was sent
        summary = await self._digest_data.get(window, claim.unfinished)
        if summary.is_empty and claim.digest.quiet != "line" and not claim.missed and not claim.asked_by:
            await self._keep(claim, summary)
            return None
        report = await self._report(claim, summary)

        async def before_posting() -> float:
            await self._keep(claim, summary)
            return await claim.before_posting()

        return await self._post(replace(claim, before_posting=before_posting), report)

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
        unclear = ""
        try:
            opened = await self._slack.conversations_open(users=notice.digest.owner_id)
            unclear = "Slack did not say whether it took the direct message."
            await self._slack.chat_postMessage(
                channel=opened["channel"]["id"],
                unfurl_links=False,
                unfurl_media=False,
                **build_owner_notice(notice),
            )
        except SLACK_ERRORS as error:
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

    async def _post(self, claim: Claim, report: Report) -> str:
        """Post it with a chart; where Slack does not take that, the same slot with a chart in characters."""
        if not self._takes_charts or not report.summary.chart:
            return await self._send(claim, build_digest(report, chart=False))
        try:
            return await self._send(claim, build_digest(report))
        except PermanentError as error:
            if not _refuses_blocks(error):
                raise
            ts = await self._send(claim, build_digest(report, chart=False))
            if error.word != _TOO_LONG:
                self._takes_charts = False
                logger.info("Slack does not take charts here: digests have them in characters from now on")
            return ts

    async def _send(self, claim: Claim, message: Mapping[str, Any]) -> str:
        return await self._poster.post(claim, envelope_of(claim), message)


def _refuses_blocks(error: PermanentError) -> bool:
    """Whether Slack refused a message for its blocks: a chart is new to it, or not for this workspace."""
    cause = error.__cause__
    return isinstance(cause, SLACK_ERRORS) and outcome_of(cause).refuses_blocks
