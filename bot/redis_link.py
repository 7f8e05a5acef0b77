"""The way to Redis, which replicas share: commands that never wait long, and whether it is up or away."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from bot.redis_connection import KEY_PREFIX, RedisAwayError, RedisConnection

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from bot.redis_connection import Command

logger = logging.getLogger(__name__)

__all__ = ["KEY_PREFIX", "RedisAwayError", "RedisLink", "Script"]


FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
"""Redis is tried again after these: each wait is twice the last, and up to half as much again at random."""

STEADY_SECONDS = 5.0
"""Redis that is lost again sooner than this was not back: the next try waits, as if it had failed."""

MOST_AT_ONCE = 256
"""Commands in one batch."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, sent whole only where Redis does not have it yet."""

    text: str

    @property
    def sha(self) -> str:
        """What Redis calls it."""
        return sha1(self.text.encode()).hexdigest()  # noqa: S324 - Redis's own name for it


class RedisLink:
    """Commands to Redis. What is asked in the same moment goes in one batch, over one connection.

    A command that gets no answer in time fails, and so does every other until Redis answers again: it is
    tried at once and then again and again in the background. The log has one line when it is away and one
    when it is back; a moment that has passed at the first further try is not worth one.

    Args:
        url: `redis://…` or `rediss://…`; may hold a password, so it is never shown.

    Raises:
        ConfigError: the extra `redis` is not installed, or the address has an option that it does not know.

    Attributes:
        is_away: whether Redis has been given up for now.
    """

    def __init__(self, url: str) -> None:
        self._connection = RedisConnection(url)
        self.is_away = False
        self._up = asyncio.Event()
        self._up_since = -math.inf
        self._wait_seconds = FIRST_WAIT_SECONDS
        self._queue: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._trying: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        """Connect; returns when Redis answered or did not. Later calls do nothing."""
        if self._trying is None and not self._up.is_set() and not self._closed:
            tried = asyncio.Event()
            self._trying = asyncio.create_task(self._try(tried))
            await tried.wait()

    async def check(self) -> None:
        """Try once whether Redis can be used.

        Raises:
            RedisAwayError: with a word for why not.
        """
        await self._connection.probe()

    async def wait_until_up(self) -> None:
        """Return when commands can be sent."""
        await self._up.wait()

    async def call(self, *command: Any) -> Any:
        """Send a command and return what Redis answers.

        Raises:
            RedisAwayError: it was not sent, or has no answer: it may have had its effect.
        """
        answer = await self._ask(command)
        if isinstance(answer, Exception):
            raise RedisAwayError(answer.__class__.__name__)
        return answer

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        """Run a script and return what it does.

        Raises:
            RedisAwayError: as for `call`.
        """
        operands = (len(keys), *keys, *arguments)
        answer = await self._ask(("EVALSHA", script.sha, *operands))
        if isinstance(answer, self._connection.unknown_script):
            return await self.call("EVAL", script.text, *operands)
        if isinstance(answer, Exception):
            raise RedisAwayError(answer.__class__.__name__)
        return answer

    def in_background(self, command: Coroutine[Any, Any, Any]) -> None:
        """Let a `call` or a `run` happen that nobody waits for. It does not when Redis is away."""

        async def send() -> None:
            with suppress(RedisAwayError):
                await command

        task = asyncio.create_task(send())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self) -> None:
        """Send what waits, and close the connection."""
        self._closed = True
        if self._background:
            await asyncio.wait(self._background)
        if self._sending is not None:
            await self._sending
        self._up.clear()
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait({self._trying})
        await self._connection.close()

    async def _ask(self, command: Command) -> Any:
        if not self._up.is_set():
            raise RedisAwayError("away")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append((command, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), context=Context())
        return await answer

    async def _send(self) -> None:
        """Send what has come together, batch after batch."""
        try:
            while self._queue and self._up.is_set():
                batch, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
                try:
                    answers = await self._connection.exchange([command for command, _ in batch])
                except RedisAwayError as error:
                    self._queue = batch + self._queue
                    self._lose(str(error))
                else:
                    self._hand_out(batch, answers)
        finally:
            self._sending = None

    def _hand_out(self, batch: list[tuple[Command, asyncio.Future[Any]]], answers: list[Any]) -> None:
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():  # else nobody waits any more
                waiting.set_result(answer)
            if isinstance(answer, Exception) and not isinstance(answer, self._connection.unknown_script):
                self._lose(answer.__class__.__name__)  # read-only, out of memory, not allowed: of no use

    def _lose(self, reason: str) -> None:
        """From now on nothing is sent; find out at once whether Redis is away."""
        if not self._up.is_set():
            return
        self._up.clear()
        waiting, self._queue = self._queue, []
        for _, answer in waiting:
            if not answer.done():
                answer.set_exception(RedisAwayError(reason))
        if not self._closed:
            was_steady = asyncio.get_running_loop().time() - self._up_since > STEADY_SECONDS
            if was_steady:
                self._wait_seconds = FIRST_WAIT_SECONDS
            trying = self._try(failed="" if was_steady else reason)
            self._trying = asyncio.create_task(trying, context=Context())  # of no delivery

    async def _try(self, tried: asyncio.Event | None = None, failed: str = "") -> None:
        """Try Redis until it can be written to; where it just failed, not at once."""
        while failed or (failed := await self._why_not()):
            if not self.is_away:
                self.is_away = True
                logger.warning(
                    "Redis is away (%s): until it is back this process keeps to its share of ZEGO_MAX_RPS"
                    " and knows only its own deliveries",
                    failed,
                )
            if tried is not None:
                tried.set()
            await asyncio.sleep(self._wait_seconds * random.uniform(1.0, 1.5))  # noqa: S311 - no secret
            self._wait_seconds = min(2 * self._wait_seconds, LONGEST_WAIT_SECONDS)
            failed = ""
        if self.is_away:
            self.is_away = False
            logger.warning("Redis is back")
        self._up_since = asyncio.get_running_loop().time()
        self._up.set()
        if tried is not None:
            tried.set()

    async def _why_not(self) -> str:
        try:
            await self._connection.probe()
        except RedisAwayError as error:
            return str(error)
        return ""
