"""Acknowledgements through Bolt: at once when they come, and not at all when they do not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.bolt_app import BoltApp

if TYPE_CHECKING:
    from slack_bolt.context.ack.async_ack import AsyncAck

COMMAND = {"command": "/recordings", "team_id": "T0LOCAL01", "user_id": "U0ASKER1", "text": "room=1230"}
MENTION = {
    "type": "event_callback",
    "team_id": "T0LOCAL01",
    "event": {"type": "app_mention", "user": "U0ASKER1", "text": "hello", "channel": "C0GENERAL1"},
}


@pytest.fixture
def app() -> BoltApp:
    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0LOCAL01", bot_token="xoxb-local")

    return BoltApp(signing_secret="unused", authorize=authorize, request_verification_enabled=False)


def delivered(body: dict[str, Any]) -> AsyncBoltRequest:
    """As Socket Mode delivers it: without a signature."""
    return AsyncBoltRequest(mode="socket_mode", body=body)


async def test_whoever_acknowledges_may_go_on_for_longer(app: BoltApp) -> None:
    go_on, ended = asyncio.Event(), asyncio.Event()

    async def listen(ack: AsyncAck, _: Any) -> None:
        await ack("Still searching …")
        await go_on.wait()
        ended.set()

    app.command("/recordings")(listen)
    answer = await app.async_dispatch(delivered(COMMAND))
    assert (answer.status, ended.is_set()) == (200, False)
    assert "Still searching" in answer.body
    go_on.set()
    await asyncio.wait_for(ended.wait(), 30)


async def test_an_event_is_acknowledged_before_its_listener_ends(app: BoltApp) -> None:
    go_on, ended = asyncio.Event(), asyncio.Event()

    async def listen(*_: Any) -> None:
        await go_on.wait()
        ended.set()

    app.event("app_mention")(listen)
    assert (await app.async_dispatch(delivered(MENTION))).status == 200
    assert not ended.is_set()
    go_on.set()
    await asyncio.wait_for(ended.wait(), 30)


async def test_a_listener_that_ends_without_acknowledging_is_not_waited_for(app: BoltApp) -> None:
    async def listen(*_: Any) -> None:
        pass

    app.command("/recordings")(listen)
    app._async_listeners[0].ack_timeout = 3600
    answer = await asyncio.wait_for(app.async_dispatch(delivered(COMMAND)), 30)
    assert answer.status == 404


async def test_a_listener_that_fails_is_logged_with_where(
    app: BoltApp, caplog: pytest.LogCaptureFixture
) -> None:
    async def listen(*_: Any) -> None:
        raise KeyError("total")

    app.command("/recordings")(listen)
    assert (await app.async_dispatch(delivered(COMMAND))).status == 400
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError]
