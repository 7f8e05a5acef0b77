"""The local Slack's Socket Mode: connections, refreshes, failures, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.sandbox.slack.server import LocalSlack
from tests.bolt_apps import bolt_app, connected_over_sockets, manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientWebSocketResponse
    from slack_bolt.async_app import AsyncApp


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(manifest=manifest(), clock=AdjustableClock()) as local:
        yield local


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


async def new_address(slack: LocalSlack) -> str:
    client = AsyncWebClient(token=slack.app_token, base_url=slack.api_url)
    return (await client.apps_connections_open(app_token=slack.app_token))["url"]


async def connect(slack: LocalSlack, session: ClientSession) -> ClientWebSocketResponse:
    socket = await session.ws_connect(await new_address(slack))
    assert (await socket.receive_json())["type"] == "hello"
    return socket


def answering(app: AsyncApp) -> AsyncApp:
    async def answer(ack: Any) -> None:
        await ack("1 recording")

    app.command("/recordings")(answer)
    return app


async def test_says_hello_with_the_number_of_connections(slack: LocalSlack, session: ClientSession) -> None:
    first = await connect(slack, session)
    socket = await session.ws_connect(await new_address(slack))
    hello = await socket.receive_json()
    assert not first.closed
    assert (hello["type"], hello["num_connections"]) == ("hello", 2)
    assert hello["connection_info"]["app_id"].startswith("A")


async def test_a_ticket_is_good_once(slack: LocalSlack, session: ClientSession) -> None:
    address = await new_address(slack)
    await session.ws_connect(address)
    with pytest.raises(WSServerHandshakeError):
        await session.ws_connect(address)


async def test_refuses_socket_mode_that_the_manifest_turns_off() -> None:
    off = manifest(socket_mode=False)
    async with LocalSlack(manifest=off, clock=AdjustableClock()) as slack:
        with pytest.raises(SlackApiError, match="link_disabled"):
            await new_address(slack)


async def test_refuses_an_eleventh_connection(slack: LocalSlack, session: ClientSession) -> None:
    ten = [await connect(slack, session) for _ in range(10)]
    socket = await session.ws_connect(await new_address(slack))
    assert (await socket.receive_json())["reason"] == "too_many_websockets"
    assert (await socket.receive()).type is WSMsgType.CLOSE
    assert not any(one.closed for one in ten)


async def test_sends_each_payload_to_one_connection(slack: LocalSlack, session: ClientSession) -> None:
    sockets = [await connect(slack, session) for _ in range(2)]
    slack.dispatcher.ack_deadline_seconds = 0.05
    for _ in range(2):
        await slack.mention("room=1230")
    envelopes = [await socket.receive_json() for socket in sockets]
    assert len({envelope["envelope_id"] for envelope in envelopes}) == 2
    for envelope in envelopes:
        assert envelope["type"] == "events_api"
        assert (envelope["retry_attempt"], envelope["accepts_response_payload"]) == (0, False)


async def test_an_event_that_is_not_acknowledged_comes_again_with_its_number(
    slack: LocalSlack, session: ClientSession
) -> None:
    socket = await connect(slack, session)
    slack.dispatcher.ack_deadline_seconds = 0.05
    await slack.mention("room=1230")
    await slack.retry_due_events()
    envelopes = [await socket.receive_json() for _ in range(2)]
    assert [(e["retry_attempt"], e["retry_reason"]) for e in envelopes] == [(0, ""), (1, "http_timeout")]
    assert envelopes[0]["payload"] == envelopes[1]["payload"]


async def test_closes_a_connection_that_sends_more_than_20_kilobytes(
    slack: LocalSlack, session: ClientSession
) -> None:
    socket = await connect(slack, session)
    await socket.send_str(json.dumps({"envelope_id": "x", "payload": {"text": "x" * 20_500}}))
    assert (await socket.receive()).data == 1009
    await slack.wait_for(lambda: not slack.sockets.connections)


async def test_does_not_hear_an_acknowledgement_that_comes_too_late(
    slack: LocalSlack, session: ClientSession
) -> None:
    socket = await connect(slack, session)
    slack.dispatcher.ack_deadline_seconds = 0.05
    delivery = await slack.command("room=1230")
    assert delivery.failure == "operation_timeout"
    envelope = await socket.receive_json()
    await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "late"}})
    await slack.wait_for(lambda: any(e["type"] == "ack_unheard" for e in slack.workspace.feed.recent))
    assert "late" not in [message.text for message in slack.messages]


async def test_a_connection_that_breaks_loses_what_was_on_it(slack: LocalSlack) -> None:
    app = bolt_app(slack)

    async def break_off() -> None:
        slack.drop_sockets()

    app.command("/recordings")(break_off)
    async with connected_over_sockets(app, slack):
        assert (await slack.command()).failure == "operation_timeout"


async def test_what_is_on_a_connection_that_breaks_goes_to_another_one(
    slack: LocalSlack, session: ClientSession
) -> None:
    sockets = [await connect(slack, session) for _ in range(2)]
    asking = asyncio.create_task(slack.command("room=1230"))
    receiving = [asyncio.create_task(socket.receive_json()) for socket in sockets]
    [first], _ = await asyncio.wait(receiving, return_when=asyncio.FIRST_COMPLETED)
    await sockets[receiving.index(first)].close()
    other = 1 - receiving.index(first)
    again = await receiving[other]
    assert again["payload"] == first.result()["payload"]
    await sockets[other].send_json({"envelope_id": again["envelope_id"], "payload": {"text": "1 recording"}})
    delivery = await asking
    assert delivery.message is not None
    assert delivery.message.text == "1 recording"


@pytest.mark.parametrize("how", ["refresh", "drop"])
async def test_the_app_connects_again_after_a_refresh_and_after_a_break(slack: LocalSlack, how: str) -> None:
    async with connected_over_sockets(answering(bolt_app(slack)), slack):
        [first] = slack.sockets.connections
        if how == "refresh":
            await slack.refresh_sockets()
        else:
            slack.drop_sockets()
        await slack.wait_for(
            lambda: slack.sockets.connections and first not in slack.sockets.connections, timeout_seconds=10
        )
        delivery = await slack.command()
    assert delivery.message is not None
    assert delivery.message.text == "1 recording"
