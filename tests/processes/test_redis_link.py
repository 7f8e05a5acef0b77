"""The way to Redis: what is asked together goes together, and nobody ever waits for a Redis that is away."""

from __future__ import annotations

import asyncio
import secrets
import signal
from typing import TYPE_CHECKING

import pytest

from bot.errors import ConfigError
from bot.redis_connection import KEY_PREFIX, RedisAwayError
from bot.redis_link import RedisLink, Script
from tests.redis_servers import own_redis, redis_or_skip
from tests.vendor_server import closed_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE_SECONDS = 20.0


@pytest.fixture
async def link() -> AsyncIterator[RedisLink]:
    opened = RedisLink(await redis_or_skip())
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
def key() -> str:
    return f"{KEY_PREFIX}test:{secrets.token_hex(6)}"


def link_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "bot.redis_link"]


async def is_away(link: RedisLink, away: bool = True) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while link.is_away is not away:  # noqa: ASYNC110 - there is no other sign of it
            await asyncio.sleep(0.001)


async def test_many_commands_at_once_get_their_own_answers(link: RedisLink, key: str) -> None:
    answers = await asyncio.gather(
        *(link.call("SET", f"{key}:{n % 500}", n, "NX", "PX", 5000) for n in range(1000))
    )
    assert sum(answer is not None for answer in answers) == 500
    values = await asyncio.gather(*(link.call("GET", f"{key}:{n}") for n in range(500)))
    assert [int(value) for value in values] == list(range(500))


async def test_a_script_that_redis_does_not_know_is_sent_whole(link: RedisLink, key: str) -> None:
    script = Script(f"return {{KEYS[1], ARGV[1], '{secrets.token_hex(4)}'}}")
    for argument in (b"1", b"2"):
        assert (await link.run(script, [key], [argument]))[:2] == [key.encode(), argument]


async def test_whoever_stops_waiting_does_not_disturb_the_others(link: RedisLink, key: str) -> None:
    calls = [asyncio.create_task(link.call("INCR", key)) for _ in range(20)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, int) for answer in answers[1::2])
    await link.call("DEL", key)


async def test_before_it_is_started_and_after_it_is_closed_nothing_is_sent() -> None:
    link = RedisLink(await redis_or_skip())
    with pytest.raises(RedisAwayError):
        await link.call("PING")
    await link.start()
    await link.close()
    with pytest.raises(RedisAwayError):
        await link.call("PING")
    await link.start()
    with pytest.raises(RedisAwayError):
        await link.call("PING")


async def test_a_redis_that_is_not_there_is_away_from_the_start(caplog: pytest.LogCaptureFixture) -> None:
    link = RedisLink(f"redis://:hunter2@127.0.0.1:{await closed_port()}")
    await link.start()
    assert link.is_away
    with pytest.raises(RedisAwayError):
        await link.call("PING")
    await link.close()
    assert len(link_lines(caplog)) == 1
    assert "hunter2" not in caplog.text


async def test_a_redis_that_does_not_answer_fails_every_command_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_redis(tmp_path) as redis:
        link = RedisLink(redis.url)
        await link.start()
        redis.signal(signal.SIGSTOP)
        answers = await asyncio.gather(*(link.call("PING") for _ in range(400)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {RedisAwayError}
        await is_away(link)
        redis.signal(signal.SIGCONT)
        await asyncio.wait_for(link.wait_until_up(), PATIENCE_SECONDS)
        assert not link.is_away
        assert await link.call("PING")
        await link.close()
    assert [line.split(" (")[0] for line in link_lines(caplog)] == ["Redis is away", "Redis is back"]


async def test_a_redis_that_can_only_be_read_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_redis(tmp_path) as redis:
        link, operator = RedisLink(redis.url), RedisLink(redis.url)
        await link.start()
        await operator.start()
        await operator.call("REPLICAOF", "127.0.0.1", await closed_port())
        with pytest.raises(RedisAwayError, match="ReadOnly"):
            await link.call("SET", f"{KEY_PREFIX}x", 1)
        await is_away(link)
        await operator.call("REPLICAOF", "NO", "ONE")
        await asyncio.wait_for(link.wait_until_up(), PATIENCE_SECONDS)
        await link.call("SET", f"{KEY_PREFIX}x", 1)
        await link.close()
        await operator.close()
    assert "ReadOnlyError" in link_lines(caplog)[0]


async def test_a_command_that_always_fails_is_not_tried_in_a_hurry(
    link: RedisLink, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await asyncio.wait_for(link.wait_until_up(), PATIENCE_SECONDS)
        with pytest.raises(RedisAwayError):
            await link.call("NO-SUCH-COMMAND")
    assert [line.split(" (")[0] for line in link_lines(caplog)] == ["Redis is away", "Redis is back"] * 2


@pytest.mark.parametrize("url", ["redis://:hunter2@h?max_connections=many", "redis://:hunter2@h?no_such=1"])
def test_an_address_with_an_unknown_option_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        RedisLink(url)
    assert "hunter2" not in raised.value.sentence()
    assert "REDIS_URL" in raised.value.sentence()
