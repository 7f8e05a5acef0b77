"""The local Slack's events: what reaches the app, how it is signed, and what is sent again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.clock import AdjustableClock
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ASKER, DM_ASKER, GENERAL, PARTNER, PRIVATE, READER, SHARED
from tests.bolt_apps import bolt_app, manifest, served_over_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from slack_bolt.async_app import AsyncApp

START = 1_795_420_800.0


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(START, rate=0)


def hears(app: AsyncApp, event_type: str) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []

    async def handle(body: dict[str, Any]) -> None:
        heard.append(body)

    app.event(event_type)(handle)
    return heard


@pytest.mark.usefixtures("connected")
async def test_a_mention_and_a_direct_message_reach_the_app(slack: LocalSlack, app: AsyncApp) -> None:
    mentions, messages = hears(app, "app_mention"), hears(app, "message")
    message, delivery = await slack.mention("@Recordings room=1230", channel=PRIVATE)
    assert delivery.ok
    await slack.direct_message("room=88", user=READER)
    await slack.wait_for(lambda: mentions and messages)
    assert mentions[0]["event"]["text"] == message.text == "<@U0BOT0001> room=1230"
    assert mentions[0]["event"]["channel"] == PRIVATE
    assert messages[0]["event"]["channel_type"] == "im"
    assert messages[0]["event"]["user"] == READER


@pytest.mark.usefixtures("served")
async def test_an_edited_mention_says_that_it_was_edited(slack: LocalSlack, app: AsyncApp) -> None:
    hears(app, "app_mention")
    message, _ = await slack.mention("room=1230")
    [delivery] = await slack.edit_message(message, message.text + " last=6h")
    assert delivery.payload["event"]["edited"]["user"] == ASKER
    assert delivery.payload["event"]["ts"] == message.ts


async def test_a_failed_event_is_tried_again_at_once_and_after_one_and_five_minutes(
    slack: LocalSlack, clock: AdjustableClock
) -> None:
    slack.deliver_over_http("http://127.0.0.1:1/slack/events")
    _, first = await slack.mention("room=1230")
    tries = []
    for seconds in (0, 59, 1, 299, 1, 3600):
        clock.advance(seconds)
        tries.append([delivery.retry_num for delivery in await slack.retry_due_events()])
    assert tries == [[1], [], [2], [], [3], []]
    assert {d.payload["event_id"] for d in slack.deliveries} == {first.payload["event_id"]}


@pytest.mark.usefixtures("connected")
async def test_an_event_can_arrive_twice_and_in_the_wrong_order(slack: LocalSlack, app: AsyncApp) -> None:
    heard = hears(app, "app_mention")
    slack.hold_events()
    await slack.mention("room=1")
    await slack.mention("room=2")
    deliveries = await slack.release_events(reverse=True)
    await slack.deliver_again(deliveries[0])
    await slack.wait_for(lambda: len(heard) == 3)
    assert [body["event"]["text"][-1] for body in heard] == ["2", "1", "2"]
    assert heard[0]["event_id"] == heard[2]["event_id"]


async def test_the_app_hears_its_own_messages_where_it_subscribes_to_them(clock: AdjustableClock) -> None:
    async with LocalSlack(manifest=manifest(), clock=clock) as slack:
        app = bolt_app(slack)
        async with served_over_http(app, slack):
            await app.client.chat_postMessage(channel=ASKER, text="hello")
            delivery = await slack.wait_for(lambda: slack.deliveries and slack.deliveries[0])
        assert delivery.payload["event"]["bot_id"]
        assert [m.text for m in slack.seen_by(ASKER, DM_ASKER)] == ["hello"]


@pytest.mark.usefixtures("connected")
async def test_opening_the_home_tab_shows_what_the_app_publishes(slack: LocalSlack, app: AsyncApp) -> None:
    async def publish(event: dict[str, Any], client: Any) -> None:
        blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Recordings"}}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    app.event("app_home_opened")(publish)
    await slack.open_home(user=READER)
    home = await slack.wait_for(lambda: slack.home_of(READER))
    assert home.blocks[0]["text"]["text"] == "Recordings"


@pytest.mark.usefixtures("served")
async def test_the_request_url_can_be_verified(slack: LocalSlack) -> None:
    assert await slack.verify_url()


@asynccontextmanager
async def receiver(slack: LocalSlack, answer: web.Response) -> AsyncIterator[list[tuple[Any, bytes]]]:
    """A bare HTTP server in place of an app: what it got, headers and raw body."""
    got: list[tuple[Any, bytes]] = []

    async def handle(request: web.Request) -> web.Response:
        got.append((request.headers.copy(), await request.read()))
        return web.Response(status=answer.status, headers=answer.headers)

    site_app = web.Application()
    site_app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(site_app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.deliver_over_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield got
    finally:
        await runner.cleanup()


async def test_every_delivery_over_http_is_signed(slack: LocalSlack) -> None:
    verifier = SignatureVerifier(slack.signing_secret)
    async with receiver(slack, web.Response()) as got:
        await slack.command("room=1230")
        await slack.mention("room=1230")
        await slack.shortcut()
    assert [headers["Content-Type"] for headers, _ in got] == [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/x-www-form-urlencoded",
    ]
    for headers, body in got:
        assert verifier.is_valid_request(body, dict(headers))
        assert not verifier.is_valid_request(body + b" ", dict(headers))


async def test_a_further_try_tells_its_number_and_why(slack: LocalSlack, clock: AdjustableClock) -> None:
    async with receiver(slack, web.Response(status=503)) as got:
        await slack.mention("room=1230")
        await slack.retry_due_events()
        clock.advance(60)
        await slack.retry_due_events()
    tries = [(h.get("X-Slack-Retry-Num"), h.get("X-Slack-Retry-Reason")) for h, _ in got]
    assert tries == [(None, None), ("1", "http_error"), ("2", "http_error")]


async def test_an_app_can_decline_further_tries(slack: LocalSlack) -> None:
    no_more = web.Response(status=500, headers={"X-Slack-No-Retry": "1"})
    async with receiver(slack, no_more) as got:
        await slack.mention("room=1230")
        assert await slack.retry_due_events() == []
    assert len(got) == 1


async def test_commands_and_clicks_are_never_sent_again(slack: LocalSlack) -> None:
    async with receiver(slack, web.Response(status=500)):
        assert (await slack.command("room=1230")).failure == "http_service_error"
        assert (await slack.shortcut()).error == "This app did not respond: http_service_error"
        assert await slack.retry_due_events() == []


@pytest.mark.parametrize("channel", [GENERAL, SHARED])
async def test_an_event_tells_whether_the_channel_is_shared(slack: LocalSlack, channel: str) -> None:
    user = PARTNER if channel == SHARED else ASKER
    async with receiver(slack, web.Response()):
        _, delivery = await slack.mention("room=1230", channel=channel, user=user)
    assert delivery.payload["is_ext_shared_channel"] is (channel == SHARED)
    assert delivery.payload["event"].get("user_team") == ("T0PARTNER1" if channel == SHARED else None)
    assert delivery.payload["event"]["team"] == slack.people[user].team_id


@pytest.mark.parametrize("home", [{"messages_tab_enabled": False}, {"messages_tab_read_only_enabled": True}])
async def test_nobody_writes_to_an_app_that_takes_no_messages(
    home: dict[str, bool], clock: AdjustableClock
) -> None:
    quiet = manifest()
    quiet["features"]["app_home"] = home
    async with LocalSlack(manifest=quiet, clock=clock) as slack:
        with pytest.raises(ImpossibleError, match="has been turned off"):
            await slack.direct_message("room=1230")


async def test_an_app_that_subscribes_to_a_channel_hears_every_message_and_edit(
    clock: AdjustableClock,
) -> None:
    wide = manifest(events=["app_mention", "message.channels"])
    async with LocalSlack(manifest=wide, clock=clock) as slack, receiver(slack, web.Response()):
        client = bolt_app(slack).client
        message, _ = await slack.mention("room=1230")
        await slack.edit_message(message, "never mind")
        posted = await client.chat_postMessage(channel=GENERAL, text="found")
        await client.chat_update(channel=GENERAL, ts=posted["ts"], text="found 2")
        await slack.wait_for(lambda: len(slack.deliveries) == 5)
    events = [delivery.payload["event"] for delivery in slack.deliveries]
    assert [(event["type"], event.get("subtype")) for event in events] == [
        ("app_mention", None),
        ("message", None),
        ("message", "message_changed"),
        ("message", None),
        ("message", "message_changed"),
    ]
    assert [event["message"]["text"] for event in events[2::2]] == ["never mind", "found 2"]
