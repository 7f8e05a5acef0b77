"""Calls under way, shared by everyone who asks the same: who waits, how long, and which turn the call has."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.errors import RecordingsError, TooLateError, ZegoError, ZegoUnreachableError
from bot.logs import current_reference
from bot.zegocloud.limiter import Lane, Limiter, Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

logger = logging.getLogger(__name__)


_T = TypeVar("_T")
_Error = TypeVar("_Error", bound=RecordingsError)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who waits for an answer, and how long.

    Args:
        lane: a person, or background work.
        flow: one question is one flow; flows share the turns fairly.
        deadline: event-loop time (`loop.time()`) after which nobody waits any more; None waits as long as the
            queue is.
    """

    lane: Lane = Lane.INTERACTIVE
    flow: Hashable = None
    deadline: float | None = None


class Call(Generic[_T]):
    """One request under way. It runs in a task of its own, which nobody who waits for it can cancel.

    It ends early only when nobody waits any more and nothing is being sent.

    Args:
        limiter: where its turns come from.
        asking: who asked first.
        run: makes the answer; it tells this call what it sends and what fails.
        done: called as soon as nobody may join any more, perhaps twice.
    """

    def __init__(
        self,
        limiter: Limiter,
        asking: Asking,
        run: Callable[[Call[_T]], Awaitable[_T]],
        done: Callable[[Call[_T]], None],
    ) -> None:
        self._limiter = limiter
        self._loop = asyncio.get_running_loop()
        self._waiters = 0
        self._stopped = False
        self._turn: Turn | None = None
        self.lane = asking.lane
        self.flow = asking.flow
        self.deadline = asking.deadline
        self.first_sent: float | None = None
        self.sent_ms: int | None = None
        self.tries = 0
        self.last_error: ZegoError | None = None
        self.reference = current_reference()
        self._done = done
        self._task = asyncio.create_task(self._run(run))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[_T | RecordingsError]) -> None:
        self._done(self)
        if not task.cancelled() and (error := task.exception()) and not self._waiters:
            logger.error("A call that nobody waited for any more failed unexpectedly", exc_info=error)

    async def _run(self, run: Callable[[Call[_T]], Awaitable[_T]]) -> _T | RecordingsError:
        # An error is handed over as a value: one instance raised in many tasks would grow one traceback.
        try:
            return await run(self)
        except RecordingsError as error:
            return twin(error)

    @property
    def wanted(self) -> bool:
        """Whether another try is worth it: somebody waits, and the bot is not stopping."""
        return self._waiters > 0 and not self._stopped

    @property
    def seconds_sent(self) -> float:
        """How long ago the first request left; 0 when none has."""
        return 0.0 if self.first_sent is None else self._loop.time() - self.first_sent

    def serves(self, not_before_ms: int) -> bool:
        """Whether its answer will be from `not_before_ms` on: it is yet to be sent, or was sent since."""
        if self._task.done():
            return False
        return self.sent_ms is None or self.sent_ms >= not_before_ms

    def check(self) -> None:
        """Refuse at once where the queue is too long for everyone who waits.

        Raises:
            TooLateError: as `Limiter.check` says.
        """
        self._limiter.check(self.lane, self.flow, self.deadline)

    @property
    def waited_seconds(self) -> float:
        """How long the last try waited for its turn."""
        return self._turn.waited_seconds if self._turn else 0.0

    def turn(self) -> Turn:
        """The turn to wait for before the next sending."""
        self._turn = self._limiter.turn(self.lane, self.flow)
        return self._turn

    def sending(self, now_ms: int) -> None:
        """A request leaves now (Unix ms)."""
        self.sent_ms = now_ms
        self.tries += 1
        if self.first_sent is None:
            self.first_sent = self._loop.time()

    def failed(self, error: ZegoError) -> None:
        """The try failed; whoever comes before the next one may join."""
        self.sent_ms = None
        self.last_error = error

    async def wait(self, asking: Asking) -> _T:
        """Wait for the answer as one of those who asked.

        Raises:
            TooLateError: at the asker's deadline, when the queue took most of the time.
            ZegoUnreachableError: at the asker's deadline, when the vendor did.
            RecordingsError: the call's own, as an instance of the asker's own.
        """
        task = self._task
        self._welcome(asking)
        began = self._loop.time()
        timeout = None if asking.deadline is None else max(0.0, asking.deadline - began)
        self._waiters += 1
        try:
            await asyncio.wait((task,), timeout=timeout)
            if not task.done():
                raise self._too_late(self._loop.time() - began)
        finally:
            self._waiters -= 1
            self._give_up_if_abandoned()
        if task.cancelled():
            raise stopping(self.tries)
        outcome = task.result()
        if not isinstance(outcome, RecordingsError):
            return outcome
        if self._stopped and isinstance(outcome, ZegoUnreachableError):
            raise stopping(self.tries)
        raise twin(outcome)

    def _welcome(self, asking: Asking) -> None:
        if self.deadline is not None:
            self.deadline = None if asking.deadline is None else max(self.deadline, asking.deadline)
        if asking.lane < self.lane:
            self.lane, self.flow = asking.lane, asking.flow
            if self._turn is not None:
                self._turn.promote(asking.lane, asking.flow)

    def _too_late(self, waited_seconds: float) -> RecordingsError:
        if self.seconds_sent * 2 < waited_seconds or self.first_sent is None:
            return TooLateError(waited_seconds, ahead=self._turn.ahead if self._turn else 0)
        if self.last_error is not None and self.sent_ms is None:
            return twin(self.last_error)
        return ZegoUnreachableError("no answer in time", seconds=self.seconds_sent, tries=self.tries)

    def stop(self) -> asyncio.Task[_T | RecordingsError]:
        """End it; what is being sent ends by itself. Who waits is told that the bot is stopping.

        Returns:
            The task that ends now.
        """
        self._stopped = True
        if self.sent_ms is None:
            self._task.cancel()
        return self._task

    def _give_up_if_abandoned(self) -> None:
        if not self._waiters and self.sent_ms is None and not self._task.done():
            self._done(self)
            self._task.cancel()


def stopping(tries: int = 0) -> ZegoUnreachableError:
    """The error of a call that ends because the bot does."""
    return ZegoUnreachableError("the bot is stopping", tries=tries)


def twin(error: _Error) -> _Error:
    """The same error as another instance: with its data, without its traceback and context."""
    other = type(error).__new__(type(error), *error.args)
    other.__dict__.update(error.__dict__)
    return other
