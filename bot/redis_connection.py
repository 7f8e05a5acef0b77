"""One exchange with Redis: commands out, answers in, in time or not at all. The only module with redis."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

Command = tuple[Any, ...]


COMMAND_SECONDS = 0.25
"""How long Redis may take to answer."""

STALL_SECONDS = 0.05
"""How much longer an answer may take to be read where this process was busy with something else."""

CONNECT_SECONDS = 1.0
"""How long connecting may take, with TLS and signing in."""

KEY_PREFIX = "recordings-bot:"
"""Every key begins so: a Redis may be shared with others."""


class RedisAwayError(Exception):
    """Redis does not answer, or not as it should. Whoever asked goes on without it; no person sees this."""


class RedisConnection:
    """A connection that is opened when it is needed, and dropped when an answer does not come.

    Args:
        url: `redis://…` or `rediss://…`; may hold a password, so it is never shown.

    Raises:
        ConfigError: the extra `redis` is not installed, or the address has an option that it does not know.

    Attributes:
        unknown_script: what Redis answers to a script's name that it does not know.
    """

    def __init__(self, url: str) -> None:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import NoScriptError, RedisError
        except ImportError:
            raise ConfigError(
                ["REDIS_URL: the extra is missing: pip install 'recordings-bot[redis]'."]
            ) from None
        try:
            self._redis: Any = Redis.from_url(
                url,
                socket_timeout=None,  # the time is kept here, for connecting and answering together
                socket_connect_timeout=None,
                retry=Retry(NoBackoff(), 0),  # a command sent again by itself could have its effect twice
                protocol=2,
                driver_info=None,
            )
            pool: Any = self._redis.connection_pool
            pool.make_connection()  # reads the options, and connects to nothing
        except (TypeError, ValueError):  # their words may quote the password
            raise ConfigError(["REDIS_URL has an option that is not known."]) from None
        self._errors = (RedisError, OSError)
        self.unknown_script: type[Exception] = NoScriptError

    async def exchange(self, commands: Sequence[Command], seconds: float = COMMAND_SECONDS) -> list[Any]:
        """Send commands together and return their answers; a refusal is an exception among them.

        Raises:
            RedisAwayError: with a word for why there is none. The connection is closed.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        exchange = asyncio.create_task(pipeline.execute(raise_on_error=False))
        try:
            await asyncio.wait({exchange}, timeout=seconds)
            if not exchange.done():
                await asyncio.wait({exchange}, timeout=STALL_SECONDS)
        finally:
            if not exchange.done():
                exchange.cancel()
                await asyncio.wait({exchange})
        if not exchange.cancelled() and exchange.exception() is None:
            answers: list[Any] = exchange.result()
            return answers
        with suppress(*self._errors):
            await self._redis.connection_pool.disconnect()
        error = None if exchange.cancelled() else exchange.exception()
        if error is not None and not isinstance(error, self._errors):
            logger.error("Redis failed in an unknown way", exc_info=error)
        raise RedisAwayError("no answer in time" if error is None else error.__class__.__name__)

    async def probe(self) -> None:
        """Write something: an answer alone may come from a Redis that only lets itself be read.

        Raises:
            RedisAwayError: with a word for why it cannot be used.
        """
        await self.exchange([("PING",)], CONNECT_SECONDS)
        write = ("EVAL", "return redis.call('SET', KEYS[1], 1, 'PX', 1000)", 1, f"{KEY_PREFIX}probe")
        [answer] = await self.exchange([write])
        if isinstance(answer, Exception):
            raise RedisAwayError(answer.__class__.__name__)

    async def close(self) -> None:
        """Close it."""
        with suppress(*self._errors):
            await self._redis.aclose()
