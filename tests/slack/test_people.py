"""The asking person's time zone: known when Slack tells it, never waited for long."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.clock import AdjustableClock
from bot.network import Network
from bot.sandbox.slack.state import ASKER
from bot.slack.people import People
from bot.slack.web_client import build_slack_client
from tests.world import HOUR_MS, NOW, NOW_MS, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def asked_at_seven(world: World) -> World:
    """The asker is in Berlin, one hour ahead of the default zone."""
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    return world


async def test_the_zone_is_asked_for_once(asked_at_seven: World) -> None:
    world = asked_at_seven
    for _ in range(3):
        assert "07:00 CET" in (await world.ask("room=1230 last=6h")).text
    assert len(world.slack.calls_of("users.info")) == 1
    world.clock.advance(3_601)
    await world.ask("room=1230 last=6h")
    assert len(world.slack.calls_of("users.info")) == 2


async def test_people_who_ask_at_the_same_time_share_nothing_but_the_answer(asked_at_seven: World) -> None:
    world = asked_at_seven
    await asyncio.gather(*(world.slack.command("room=1230 last=6h") for _ in range(5)))
    assert len(world.slack.calls_of("users.info")) == 1


async def test_a_slack_that_does_not_tell_delays_nobody_for_long(asked_at_seven: World) -> None:
    world = asked_at_seven
    world.slack.misbehave("users.info", hang=True)
    delivery = await world.slack.command("room=1230 last=6h")
    assert delivery.message
    assert "06:00 UTC" in delivery.message.text


async def test_what_comes_late_serves_the_next_question(asked_at_seven: World) -> None:
    world = asked_at_seven
    world.slack.misbehave("users.info", status=429, retry_after=1)
    delivery = await world.slack.command("room=1230 last=6h")
    assert delivery.message
    assert "06:00 UTC" in delivery.message.text
    await world.slack.wait_for(lambda: [call for call in world.slack.calls_of("users.info") if call.ok])
    assert "07:00 CET" in (await world.ask("room=1230 last=6h")).text


@pytest.mark.parametrize("error", ["missing_scope", "user_not_found", "internal_error"])
async def test_a_refusal_is_remembered_for_a_minute(asked_at_seven: World, error: str) -> None:
    world = asked_at_seven
    world.slack.misbehave("users.info", error=error)
    for _ in range(2):
        assert "06:00 UTC" in (await world.ask("room=1230 last=6h")).text
    assert len(world.slack.calls_of("users.info")) == 1
    world.clock.advance(61)
    assert "07:00 CET" in (await world.ask("room=1230 last=6h")).text


@pytest.mark.parametrize("zone", ["", "Factory", "Mars/Olympus", "Nowhere"])
async def test_a_zone_that_nobody_knows_is_the_default_one(asked_at_seven: World, zone: str) -> None:
    world = asked_at_seven
    world.slack.people[ASKER].tz = zone
    assert "06:00 UTC" in (await world.ask("room=1230 last=6h")).text


@asynccontextmanager
async def people_told(answer: web.Response) -> AsyncIterator[People]:
    """People who are told by a Slack that answers everything so."""

    async def handle(_: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_route("*", "/api/{method}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = build_slack_client(Network(), f"http://127.0.0.1:{runner.addresses[0][1]}/api/", "xoxb-local")
    people = People(client, "Asia/Tokyo", AdjustableClock(NOW, rate=0))
    try:
        yield people
    finally:
        await people.aclose()
        await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        {"text": '{"ok": true, "user": {"tz": null}}', "content_type": "application/json"},
        {"text": '{"ok": true, "user": {}}', "content_type": "application/json"},
        {"text": '{"ok": true, "user": "asker"}', "content_type": "application/json"},
        {"text": '{"ok": true}', "content_type": "application/json"},
        {"text": "[]", "content_type": "application/json"},
        {"text": "{", "content_type": "application/json"},
        {"text": "upstream is away", "content_type": "text/plain"},
        {"text": "upstream is away", "content_type": "text/plain", "status": 503},
        {"text": "<html>", "content_type": "text/html", "status": 502},
    ],
)
async def test_whatever_slack_answers_the_default_zone_serves(answer: dict[str, Any]) -> None:
    async with people_told(web.Response(**answer)) as people:
        assert await people.zone(ASKER) == "Asia/Tokyo"
        assert people.known_zone(ASKER) is None


@pytest.mark.parametrize(
    ("answer", "has_traceback"),
    [
        ({"text": '{"ok": true, "user": "asker"}', "content_type": "application/json"}, True),
        ({"text": '{"ok": false, "error": "user_not_found"}', "content_type": "application/json"}, False),
        ({"text": "upstream is away", "content_type": "text/plain", "status": 503}, False),
    ],
)
async def test_the_log_says_where_an_answer_was_unexpected_and_only_then(
    answer: dict[str, Any], has_traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with people_told(web.Response(**answer)) as people:
        await people.name(ASKER)
    [record] = [record for record in caplog.records if record.name == "bot.slack.people"]
    assert bool(record.exc_info) == has_traceback


async def test_nobody_is_asked_about_nobody() -> None:
    async with people_told(web.Response(status=500)) as people:
        assert await people.zone("") == "Asia/Tokyo"


async def test_closing_does_not_wait_for_slack(world: World) -> None:
    world.slack.misbehave("users.info", hang=True)
    people = People(world.bot.slack, "UTC", world.clock)
    assert await people.zone(ASKER) == "UTC"
    async with asyncio.timeout(5):  # Slack's Web API is waited for three times as long
        await people.aclose()
