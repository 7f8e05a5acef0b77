"""Checks this machine's clock before slots are posted, and puts right what a wrong one left in the store."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.errors import RecordingsError
from bot.query.times import DAY, MINUTE, format_duration
from bot.zegocloud.limiter import Lane, Priority

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.features.digests.store import Store, WrongTimes
    from bot.zegocloud.client import ZegoClient

logger = logging.getLogger(__name__)

FAR_SECONDS = 10.0 * MINUTE
"""When clocks are further apart than this, digests wait: ZEGOCLOUD refuses every signature then (vendor
docs), so a slot would have nothing to tell. Closer ones post a digest early or late by no more."""

AGREED_SECONDS = 1.0 * DAY
"""How long an agreement counts: if somebody sets this machine's clock, that shows without asking."""

APART_SECONDS = 10.0 * MINUTE
"""How long a disagreement counts: a machine that slept looks the same, and may be right."""

MEASURE_AGAIN_SECONDS = 1.0 * MINUTE
"""How often ZEGOCLOUD is asked at most, while its clock is far away or it doesn't answer."""

MEASURE_PATIENCE_SECONDS = 5.0
"""How long slots wait for that answer."""

REVIEW_SECONDS = 10.0 * MINUTE
"""How often every stored time is compared with its schedule; and at once when the clock has jumped."""

JUMP_SECONDS = 1.0


class ClockCheck:
    """Compares this machine's clock with ZEGOCLOUD's, and stored times with their schedules.

    Args:
        store: the times that are kept.
        clock: this machine's.
        zego: knows where ZEGOCLOUD's clock is; None trusts this machine's.
    """

    def __init__(self, store: Store, clock: Clock, zego: ZegoClient | None = None) -> None:
        self._store, self._clock, self._zego = store, clock, zego
        self._tried_at: float | None = None
        self._reviewed_at: float | None = None
        self._offset = 0.0
        self._is_told = False

    @property
    def is_off(self) -> bool:
        """Whether the two clocks are known to be far apart right now, without asking."""
        return self._seems_off and self._seconds_ago <= APART_SECONDS

    async def may_go_on(self) -> bool:
        """Whether slots may be created, posted or skipped now.

        ZEGOCLOUD is asked only when something is due and its clock was not seen lately. While it doesn't
        answer, this machine's clock is trusted.

        Raises:
            StoreError: the database cannot be used.
        """
        if self._would_measure and await self._is_due():
            await self._measure()
        if not self.is_off:
            await self._review()
        await self._tell()
        return not self.is_off

    @property
    def _skew_seconds(self) -> float:
        return (self._zego.skew_seconds if self._zego else None) or 0.0

    @property
    def _seconds_ago(self) -> float:
        """Elapsed seconds since ZEGOCLOUD's clock was seen."""
        seconds = self._zego.measured_seconds_ago if self._zego else None
        return math.inf if seconds is None else seconds

    @property
    def _seems_off(self) -> bool:
        return abs(self._skew_seconds) > FAR_SECONDS

    @property
    def _would_measure(self) -> bool:
        """Whether ZEGOCLOUD's clock was seen too long ago, and was not asked for just now."""
        if self._zego is None:
            return False
        now = self._clock.monotonic()
        if self._tried_at is not None and now - self._tried_at < MEASURE_AGAIN_SECONDS:
            return False
        return self._seconds_ago > (MEASURE_AGAIN_SECONDS if self._seems_off else AGREED_SECONDS)

    async def _is_due(self) -> bool:
        seconds = await self._store.seconds_to_next(self._clock.now())
        return seconds is not None and seconds <= 0

    async def _measure(self) -> None:
        if self._zego is not None:
            self._tried_at = self._clock.monotonic()
            with suppress(RecordingsError):  # a refusal shows the time, too
                await self._zego.probe(Priority.within(MEASURE_PATIENCE_SECONDS, Lane.BACKGROUND))

    async def _review(self) -> None:
        """Put right stored times that don't follow from their schedules and this moment."""
        elapsed, now = self._clock.monotonic(), self._clock.now()
        jumped = abs(now - elapsed - self._offset) > JUMP_SECONDS
        if self._reviewed_at is not None and elapsed - self._reviewed_at < REVIEW_SECONDS and not jumped:
            return
        wrong = await self._store.find_wrong_times(now)
        if wrong and self._would_measure:
            await self._measure()  # the wrong one may be this machine's clock
        if self.is_off:
            return
        if wrong:
            await self._store.put_right(wrong)
            _log(wrong)
        self._reviewed_at, self._offset = elapsed, now - elapsed

    async def _tell(self) -> None:
        """Log once that digests wait, and once that they go on.

        If the clocks were last seen apart, too long ago to count, that is said when the next slot is due.
        """
        if self.is_off == self._is_told:
            return
        if not self.is_off:
            if not self._seems_off or await self._is_due():
                self._is_told = False
                logger.warning("Digests go on: this machine's clock is no longer known to be wrong")
            return
        self._is_told = True
        skew = self._skew_seconds
        side = "behind" if skew > 0 else "ahead of"
        how_far = format_duration(abs(skew))
        logger.error("Digests wait: this machine's clock is %s %s ZEGOCLOUD's. Set it right", how_far, side)


def _log(wrong: WrongTimes) -> None:
    for digest, right in wrong.next_runs:
        was, is_now = (datetime.fromtimestamp(at, UTC).isoformat() for at in (digest.next_run_at or 0, right))
        logger.warning("Digest %s was next due at %s, which is wrong: now at %s", digest.id, was, is_now)
    for digest_id, slot_at in wrong.slots:
        at = datetime.fromtimestamp(slot_at, UTC).isoformat()
        logger.warning("Slot %s of digest %s was noted by a wrong clock: it is taken back", at, digest_id)
