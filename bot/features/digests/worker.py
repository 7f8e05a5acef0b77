"""Processes due slots: claims each, has it posted, notes the result; one broken digest delays no other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from bot.errors import RecordingsError
from bot.features.digests.clock_check import ClockCheck
from bot.features.digests.store import MISSED
from bot.logs import begin_reference, reference_to_show
from bot.query.times import DAY, MINUTE
from bot.slack.poster import PermanentError, TransientError, UncertainError, UnfinishedLookError
from bot.slack.web_client import TIMEOUT_SECONDS
from bot.storage.errors import LeaseLostError, StoreError
from bot.storage.outbox import FIRST_RETRY_SECONDS, backoff_seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.clock import Clock
    from bot.features.digests.models import Claim, Notice
    from bot.features.digests.store import Store

logger = logging.getLogger(__name__)
T = TypeVar("T")

LEASE_SECONDS = 2.0 * TIMEOUT_SECONDS
"""Longer than any request to Slack takes, so that a slot whose lease has ended is not being posted.

A message is sent within a third of it (`_before_posting`), and a request ends with its timeout.
"""

WORK_SECONDS = 5.0 * MINUTE
"""After this an attempt counts as failed."""

TELL_WITHIN_SECONDS, TELL_LEASE_SECONDS = 60.0, 90.0
"""After this an attempt to tell an owner counts as failed, and after this somebody else may tell."""

LOOKED_FOR_SECONDS = DAY
"""How long after a slot a message is looked for that Slack may have taken; it is not posted by then."""

AT_ONCE = 8
LOOK_SECONDS = 15.0
SHARED_LOOK_SECONDS = 3.0
SHORTEST_LOOK_SECONDS = 0.05
DATABASE_RETRY_SECONDS = (0.5, 30.0)


class Worker:
    """Posts what is due, together with every other worker on the same store.

    Args:
        store: what is due, and what became of it.
        post: posts a slot and returns the message's timestamp, or None if there's nothing to post. It may
            raise PermanentError (given up, with a reason to pause or not), TransientError or any other
            RecordingsError (tried again). It must await `claim.before_posting()` directly before it sends the
            message, and send it by the time that this returns.
        clock: says what is due. It may jump and run at another speed: see `look_seconds`.
        tell: tells a digest's owner what went wrong; it may raise TransientError to be called again later.
            It runs in a task of its own: slots are processed meanwhile, however long it takes.
        clock_check: whether the clock may be trusted; one that trusts it when absent.
        at_once: how many slots are processed at once.
        lease_seconds: by the store's clock; how long a slot stays with a worker that says nothing.
        renew_seconds: real time after which a lease is renewed, and in which a message must be sent; a third
            of the lease when absent.
        look_seconds: how long at most the worker sleeps before it looks again, since another process or a
            changed clock may have made something due; 15, or 3 where replicas share the database.
        first_retry_seconds: by the clock; how long the second attempt waits. It doubles up to 10 minutes.
        work_seconds: real time after which an attempt counts as failed.
    """

    def __init__(
        self,
        store: Store,
        post: Callable[[Claim], Awaitable[str | None]],
        clock: Clock,
        *,
        tell: Callable[[Notice], Awaitable[None]] | None = None,
        clock_check: ClockCheck | None = None,
        at_once: int = AT_ONCE,
        lease_seconds: float = LEASE_SECONDS,
        renew_seconds: float | None = None,
        look_seconds: float | None = None,
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
        work_seconds: float = WORK_SECONDS,
    ) -> None:
        self.holder = secrets.token_hex(6)
        self.last_error: StoreError | None = None
        self._store, self._outbox = store, store.outbox
        self._post, self._clock, self._tell = post, clock, tell
        self._clock_check = clock_check or ClockCheck(store, clock)
        self._at_once = at_once
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds or lease_seconds / 3
        self._look_seconds = look_seconds or (SHARED_LOOK_SECONDS if store.is_shared else LOOK_SECONDS)
        self._first_retry_seconds = first_retry_seconds
        self._work_seconds = work_seconds
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        """A slot has come to its end, or somebody woke the worker: there may be an owner to tell."""
        self._loops: set[asyncio.Task[None]] = set()

    async def step(self) -> bool:
        """Claim one slot that is due and process it; False when nothing is.

        Raises:
            StoreError: nothing could be claimed.
        """
        claim = await self._claim()
        if claim is not None:
            await self._work(claim)
        await self._tell_owners()
        return claim is not None

    def start(self) -> None:
        """Work until `stop`."""
        self._loops = {asyncio.create_task(self._loop()), asyncio.create_task(self._tell_loop())}

    def wake(self) -> None:
        """Look at once: a digest has been added or changed."""
        self._woken.set()
        self._ended.set()

    async def stop(self, seconds: float = 5.0) -> None:
        """Claim nothing more; finish what is under way, or hand it over after so many seconds."""
        self._stopping.set()
        self.wake()
        tasks = self._running | self._loops
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        tasks |= self._running
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def under_way(self) -> int:
        """How many slots are being processed."""
        return len(self._running)

    async def _loop(self) -> None:
        pause_seconds, longest = DATABASE_RETRY_SECONDS
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                wait_seconds = await self._look()
                if self.last_error:
                    logger.warning("The database answers again: digests go on")
                self.last_error, pause_seconds = None, DATABASE_RETRY_SECONDS[0]
            except StoreError as error:
                if self.last_error is None:
                    logger.error("Digests wait: %s", error.for_operator())  # noqa: TRY400 - expected, and told once
                self.last_error = error
                wait_seconds, pause_seconds = pause_seconds, min(pause_seconds * 2, longest)
            except Exception:  # later digests go on
                logger.exception("Looking for digests that are due failed")
                wait_seconds = longest
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._woken.wait()

    async def _look(self) -> float:
        """Begin everything that is due, as far as there is room; seconds until the next look."""
        while len(self._running) < self._at_once and not self._stopping.is_set():
            claim = await self._claim()
            if claim is None:
                break
            task = asyncio.create_task(self._work(claim))
            self._running.add(task)
            task.add_done_callback(self._done)
        else:
            return self._look_seconds  # whoever is done first wakes the loop
        wait_seconds = await self._store.seconds_to_next(self._clock.now())
        if wait_seconds is None or self._clock_check.is_off:
            return self._look_seconds
        return min(max(wait_seconds, SHORTEST_LOOK_SECONDS), self._look_seconds)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.wake()
        if not task.cancelled() and task.exception():
            logger.error("Working on a digest failed", exc_info=task.exception())

    async def _claim(self) -> Claim | None:
        if not await self._clock_check.may_go_on():
            return None
        return await self._store.claim_due(self._clock.now(), self.holder, self._lease_seconds)

    async def _work(self, claim: Claim) -> None:
        """Process one slot; never raises for what can go wrong with it."""
        begin_reference()
        if await self._handed_back(claim):
            return
        too_late = self._clock.now() - claim.slot_at > claim.fresh_seconds
        if too_late and not claim.uncertain:
            if claim.last_error:
                await self._settled(self._store.fail, claim, claim.last_error)
            else:
                await self._settled(self._store.skip, claim, MISSED)
            return
        claim = replace(claim, too_late=too_late)
        try:
            ts = await self._outbox.work(
                claim,
                self._post,
                lease_seconds=self._lease_seconds,
                renew_seconds=self._renew_seconds,
                work_seconds=self._work_seconds,
            )
        except asyncio.CancelledError:
            with contextlib.suppress(StoreError):
                await self._outbox.release(claim)
            raise
        except LeaseLostError:
            await self._lost(claim)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this slot's alone
            await self._failed(claim, error)
        else:
            noted = await self._settled(self._store.finish, claim, ts)
            if noted:
                logger.info("%s: %s", claim, "posted" if ts else "quiet")
            elif noted is not None:  # else stopping came first, and the next process looks for it
                await self._lost(claim)

    async def _lost(self, claim: Claim) -> None:
        """Say why a slot is no longer this worker's."""
        with contextlib.suppress(StoreError):
            if await self._store.get(claim.digest.id) is None:
                logger.info("A digest was removed while it was worked on: %s", claim)
                return
        logger.warning("Another worker may have taken over: %s", claim)

    async def _failed(self, claim: Claim, error: Exception) -> None:
        """Decide what an error means for the slot: another attempt, the end, or the end of the digest."""
        if not isinstance(error, PermanentError) and await self._handed_back(claim):
            return
        logger.log(
            logging.INFO if isinstance(error, UnfinishedLookError) else logging.WARNING,
            "%s, attempt %s: %s",
            claim,
            claim.attempt,
            error.for_operator() if isinstance(error, RecordingsError) else type(error).__name__,
        )
        if isinstance(error, PermanentError):
            await self._settled(self._store.fail, claim, str(error), error.pause_reason)
            return
        now = self._clock.now()
        sentence = self._sentence(error)
        if isinstance(error, UncertainError) or not isinstance(error, RecordingsError):
            # It may have broken off while Slack took the message: nothing before the lease ends.
            await self._settled(self._outbox.renew, claim, self._lease_seconds)
            await self._settled(self._outbox.retry, claim, sentence, now, wait_for_lease=True)
            return
        asked = error.retry_after_seconds if isinstance(error, TransientError) else 0.0
        retry_at = now + (asked or backoff_seconds(claim.attempt, self._first_retry_seconds))
        if isinstance(error, UnfinishedLookError):
            again = retry_at <= claim.slot_at + LOOKED_FOR_SECONDS
        else:
            again = not claim.too_late and retry_at <= claim.slot_at + claim.fresh_seconds
        if again:
            await self._settled(self._outbox.retry, claim, sentence, retry_at)
        else:
            await self._settled(self._store.fail, claim, sentence)

    @staticmethod
    def _sentence(error: Exception) -> str:
        """What the owner reads."""
        if isinstance(error, RecordingsError):
            return str(error)
        if isinstance(error, TimeoutError):
            return "It took too long."
        reference = reference_to_show()
        logger.error("Posting a digest failed, reference %s", reference, exc_info=error)
        return f"The bot made a mistake: report reference {reference} to whoever runs it."

    async def _handed_back(self, claim: Claim) -> bool:
        """Hand a slot back while the clock is wrong: it knows no next try, and nothing that is too late."""
        if not self._clock_check.is_off:
            return False
        await self._settled(self._outbox.release, claim)
        return True

    async def _settled(self, settle: Callable[..., Awaitable[T]], *args: object, **more: object) -> T | None:
        """Note what became of a slot, however long the database is away; None when stopping comes first."""
        pause_seconds, longest = DATABASE_RETRY_SECONDS
        while True:
            try:
                return await settle(*args, **more)
            except StoreError as error:
                logger.warning("What became of a digest could not be noted yet: %s", error.for_operator())
            if self._stopping.is_set():
                return None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_seconds):
                    await self._stopping.wait()
            pause_seconds = min(pause_seconds * 2, longest)

    async def _tell_loop(self) -> None:
        while not self._stopping.is_set():
            self._ended.clear()
            try:
                await self._tell_owners()
            except StoreError as error:
                logger.info("Owners are told when the database answers again: %s", error)
            except Exception:  # owners of digests of hours to come are told all the same
                logger.exception("Telling owners failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._ended.wait()

    async def _tell_owners(self) -> None:
        """Tell owners what went wrong: each once, or again where Slack may not have taken it."""
        while self._tell and not self._stopping.is_set():
            lease_seconds = max(self._lease_seconds, TELL_LEASE_SECONDS)
            notice = await self._store.claim_notice(self._clock.now(), self.holder, lease_seconds)
            if notice is None:
                return
            try:
                async with asyncio.timeout(TELL_WITHIN_SECONDS):
                    await self._tell(notice)
            except (TransientError, TimeoutError) as error:
                why = error.for_operator() if isinstance(error, TransientError) else "it took too long"
                logger.warning("The owner of digest %s could not be told yet: %s", notice.digest.id, why)
                continue  # again when the lease has ended
            except RecordingsError as error:
                why = error.for_operator()
                logger.warning("The owner of digest %s cannot be told: %s", notice.digest.id, why)
            except Exception:  # whatever it is, there is nobody else to tell
                logger.exception("Telling the owner of digest %s failed", notice.digest.id)
            await self._settled(self._store.told, notice)
