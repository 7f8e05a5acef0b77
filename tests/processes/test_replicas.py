"""Several replicas of the bot: what one has done another doesn't do again, and PostgreSQL comes and goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.app import Bot
from bot.clock import AdjustableClock
from bot.sandbox.slack.delivery import HttpTransport
from bot.sandbox.slack.state import GENERAL
from bot.slack.deduplication import CLICK_SECONDS, Deduplication
from bot.storage.database import Database
from bot.storage.deliveries import Deliveries
from tests.databases import cuttable, database_or_skip
from tests.world import HOUR_MS, NOW, NOW_MS, World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.views import View

BUDGET = 8
PATIENCE_SECONDS = 40.0


@pytest.fixture
async def database_url(tmp_path: Path) -> AsyncIterator[str]:
    async with database_or_skip("postgres", tmp_path) as url:
        yield url


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lookup take its time: what is tested here isn't how busy the machine is."""
    monkeypatch.setattr("bot.slack.deduplication.LOOKUP_SECONDS", 20.0)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """One replica, on PostgreSQL."""
    async with a_world(DATABASE_URL=database_url) as built:
        yield built


async def two_replicas(world: World) -> tuple[Bot, Bot]:
    """Start another replica; deliveries go to the first one."""
    first = world.bot
    second = await world.start_bot()
    deliver_to(world, first)
    return first, second


def deliver_to(world: World, bot: Bot) -> None:
    world.slack.deliver_over_http(f"http://127.0.0.1:{bot.port}/slack/events")


def of_bot(world: World) -> int:
    return sum(message.from_bot for message in world.slack.messages)


async def degraded(bot: Bot) -> list[str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{bot.port}/readyz") as response,
    ):
        return list((await response.json())["degraded"])


async def comes_again(world: World, delivery: Delivery, *bots: Bot) -> None:
    """Deliver it once more to each replica: it is acknowledged plainly, and nothing else comes of it."""
    for bot in bots:
        deliver_to(world, bot)
        calls, messages = len(world.slack.api_calls), of_bot(world)
        again = await world.slack.deliver_again(delivery)
        assert (again.ok, again.ack, again.message) == (True, None, None)
        await world.ask("help")  # answered after all that could have come of the repetition
        assert (len(world.slack.api_calls), of_bot(world)) == (calls, messages + 1)


async def to_all_at_once(world: World, delivery: Delivery, *bots: Bot) -> None:
    """Deliver it to every replica in the same moment; each acknowledges it."""
    async with aiohttp.ClientSession() as session:
        ways = [
            HttpTransport(f"http://127.0.0.1:{bot.port}/slack/events", world.slack.signing_secret, session)
            for bot in bots
        ]
        answers = await asyncio.gather(*(way.send(delivery, 3.0) for way in ways))
    assert [answer.failure for answer in answers] == [""] * len(bots)


async def test_an_event_delivered_to_two_replicas_is_answered_once(world: World) -> None:
    replicas = await two_replicas(world)
    _, delivery = await world.slack.mention("help")
    await world.slack.wait_for(lambda: of_bot(world))
    await comes_again(world, delivery, *replicas)


async def test_an_event_delivered_to_two_replicas_at_once_is_answered_once(world: World) -> None:
    replicas = await two_replicas(world)
    world.slack.hold_events()
    for _ in range(10):
        await world.slack.mention("help")
    held, world.slack.dispatcher.held = world.slack.dispatcher.held or [], None
    await asyncio.gather(*(to_all_at_once(world, delivery, *replicas) for delivery in held))
    await world.slack.wait_for(lambda: of_bot(world) >= 10)
    await world.ask("help")
    assert of_bot(world) == 11


async def test_two_clicks_that_reach_two_replicas_post_once(world: World) -> None:
    _, second = await two_replicas(world)
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=1230 last=6h")
    await world.slack.click(answer, "Post to channel")
    deliver_to(world, second)
    await world.slack.click(answer, "Post to channel")
    for words in ("posted already", "Posted to the channel"):
        await world.slack.wait_for(lambda words=words: any(words in m.text for m in world.slack.messages))
    assert sum(m.ephemeral_for is None and m.from_bot for m in world.slack.messages) == 1


async def test_replicas_over_sockets_know_of_each_other_too(database_url: str) -> None:
    async with a_world(socket_mode=True, DATABASE_URL=database_url) as world:
        second = Bot(world.bot.settings, socket_mode=True, clock=world.clock)
        await world.parts.enter_async_context(second.started())
        assert len(world.slack.sockets.connections) == 2
        _, event = await world.slack.mention("help")
        command = await world.slack.command("help")
        await world.slack.wait_for(lambda: of_bot(world) == 2)
        for delivery in (event, event, command, command):
            again = await world.slack.deliver_again(delivery)
            assert (again.ok, again.message) == (True, None)
        await world.ask("help")
        assert of_bot(world) == 3


async def test_a_replayed_command_has_no_second_effect_at_any_replica(world: World) -> None:
    replicas = await two_replicas(world)
    delivery = await world.slack.command('digest add "daily at 9"')
    await world.slack.wait_for(lambda: of_bot(world))
    await comes_again(world, delivery, *replicas)
    assert "1 digest in this channel" in (await world.ask("digest list")).shown_text


async def test_a_replayed_click_has_no_second_effect_at_any_replica(world: World) -> None:
    replicas = await two_replicas(world)
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=1230 last=6h")
    delivery = await world.slack.click(answer, "Post to channel")
    await world.slack.wait_for(lambda: any("Posted to the channel" in m.text for m in world.slack.messages))
    world.clock.advance(CLICK_SECONDS + 1)
    await comes_again(world, delivery, *replicas)


async def form_of(world: World) -> View:
    return await world.slack.wait_for(
        lambda: (view := world.slack.view_of("U0ASKER1")) and view.state and view
    )


async def test_a_replayed_form_has_no_second_effect_at_any_replica(world: World) -> None:
    replicas = await two_replicas(world)
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("what is with room 1230?", channel=GENERAL)
    shortcut = await world.slack.message_shortcut(root, "Find recordings")
    form = await form_of(world)
    await comes_again(world, shortcut, *replicas)
    sent = await world.slack.submit_view(form)
    await world.slack.wait_for(lambda: any(task in message.text for message in world.slack.messages))
    await comes_again(world, sent, *replicas)


async def test_while_postgres_is_away_each_replica_answers_and_says_so(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with cuttable(database_url) as (line, url), a_world(DATABASE_URL=url) as world:
        first, second = await two_replicas(world)
        assert await degraded(first) == []
        line.cut()
        for bot in (first, second):
            deliver_to(world, bot)
            delivery = await world.slack.command("help")
            assert delivery.message
            assert (await world.slack.deliver_again(delivery)).message is None
            await until_degraded(bot, ["database"])
        await line.mend()
        for bot in (first, second):
            await until_degraded(bot, [])
        assert said(caplog, "knows only its own deliveries") == 2
        while said(caplog, "know each other's deliveries") < 2:
            for bot in (first, second):
                deliver_to(world, bot)
                await world.ask("help")
        delivery = await world.slack.command("help")
        await comes_again(world, delivery, first, second)


def said(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in record.message for record in caplog.records)


async def until_degraded(bot: Bot, names: list[str]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await degraded(bot) != names:
            pass  # asking takes its time


async def test_a_bot_that_starts_without_postgres_answers(caplog: pytest.LogCaptureFixture) -> None:
    async with a_world(DATABASE_URL="postgresql://bot:hunter2@127.0.0.1:9/x") as world:
        assert await degraded(world.bot) == ["database"]
        assert "No recordings" in (await world.ask("room=1230 last=6h")).shown_text
    assert said(caplog, f"sends at most 1 of {world.bot.settings.zego_max_rps} requests a second") == 1


async def test_a_replica_beyond_the_budget_waits_and_says_so(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_world(DATABASE_URL=database_url, ZEGO_MAX_RPS="1") as world:
        first, second = await two_replicas(world)
        await until_degraded(second, ["budget"])
        assert await degraded(first) == []
    assert said(caplog, "There are more replicas than ZEGO_MAX_RPS=1") == 1


@pytest.fixture
async def ledgers(database_url: str) -> AsyncIterator[tuple[Deduplication, Deduplication]]:
    """Two replicas' memories."""
    clock = AdjustableClock(NOW, rate=0)
    databases = [Database(database_url, clock), Database(database_url, clock)]
    one, other = (Deduplication(clock, Deliveries(database), owner="bot") for database in databases)
    yield one, other
    for database in databases:
        await database.close()


async def test_what_one_has_under_way_another_does_not_begin(
    ledgers: tuple[Deduplication, Deduplication],
) -> None:
    one, other = ledgers

    async def fail() -> None:
        async with one.begin("export", "1") as first:
            assert first
            async with other.begin("export", "1") as second:
                assert not second
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await asyncio.wait_for(begun(other, "export", "1"), 30)
    async with one.begin("export", "1") as again:
        assert not again


async def begun(deduplication: Deduplication, *what: str) -> None:
    """Begin it as soon as that can be."""
    while True:
        async with deduplication.begin(*what) as first:
            if first:
                return


async def test_owners_of_one_database_do_not_meet(ledgers: tuple[Deduplication, Deduplication]) -> None:
    one, _ = ledgers
    stranger = Deduplication(one._clock, one._deliveries, owner="another")
    assert await one.first("delivery", "Ev1")
    assert await stranger.first("delivery", "Ev1")
