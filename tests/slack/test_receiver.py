"""The address that Slack delivers to: what is refused there, and that refusing costs nothing."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.sandbox.slack.delivery import sign
from bot.sandbox.slack.state import ASKER, BOT_USER, GENERAL, TEAM
from tests.world import World, a_world

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM = "application/x-www-form-urlencoded"


def command(text: str = "room=1230 last=6h", **more: str) -> bytes:
    payload = {
        "command": "/recordings",
        "text": text,
        "user_id": ASKER,
        "team_id": TEAM,
        "channel_id": GENERAL,
        "response_url": "http://127.0.0.1:9/hooks/commands/none",
        "trigger_id": "1.2.3",
    }
    return urlencode(payload | more).encode()


async def deliver(
    world: World,
    body: bytes,
    *,
    secret: str | None = None,
    age_seconds: float = 0,
    content_type: str = FORM,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    timestamp = str(int(time.time() - age_seconds))
    signed = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(secret or world.slack.signing_secret, timestamp, body),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{world.bot.port}/slack/events",
            data=io.BytesIO(body),
            headers=signed if headers is None else headers,
        ) as response,
    ):
        return response.status, await response.text()


async def test_a_signed_delivery_is_answered(world: World) -> None:
    status, text = await deliver(world, command())
    assert status == 200
    assert json.loads(text)["response_type"] == "ephemeral"


@pytest.mark.parametrize(
    "text", ["room=payload-7 last=6h", "room=ü日本 last=6h", "room=a+b last=6h", "room=100% last=6h"]
)
async def test_whatever_is_typed_arrives_as_it_was_typed(world: World, text: str) -> None:
    status, answer = await deliver(world, command(text))
    assert status == 200
    assert text.split(maxsplit=1)[0].removeprefix("room=") in json.loads(answer)["text"]


async def test_the_bot_does_not_answer_itself(world: World) -> None:
    event = {
        "type": "message",
        "subtype": "file_share",  # Slack does not promise a `bot_id` in these
        "channel_type": "im",
        "channel": GENERAL,
        "user": BOT_USER,
        "text": "room=1230",
        "ts": "1795417200.000100",
    }
    told = {"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event}
    assert (await deliver(world, json.dumps(told).encode(), content_type="application/json"))[0] == 200
    told["event_id"], event["user"] = "Ev2", ASKER
    assert (await deliver(world, json.dumps(told).encode(), content_type="application/json"))[0] == 200
    await world.slack.wait_for(lambda: world.slack.messages)
    await world.ask("help")
    assert sum("room 1230" in message.text for message in world.slack.messages) == 1


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "another-secret"}, 401),
        ({"age_seconds": 301}, 401),
        ({"age_seconds": -330}, 401),
        ({"headers": {"Content-Type": FORM}}, 401),
        ({"headers": {"X-Slack-Signature": "v0=", "X-Slack-Request-Timestamp": "soon"}}, 401),
    ],
    ids=["another secret", "too old", "from the future", "unsigned", "nonsense"],
)
async def test_what_is_not_from_slack_is_refused(world: World, how: dict[str, Any], status: int) -> None:
    answered, text = await deliver(world, command(), **how)
    assert answered == status
    assert "1230" not in text
    assert world.vendor_calls == 0


async def test_a_body_that_was_changed_on_the_way_is_refused(world: World) -> None:
    body, timestamp = command(), str(int(time.time()))
    headers = {
        "Content-Type": FORM,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(world.slack.signing_secret, timestamp, body),
    }
    assert (await deliver(world, command("room=7"), headers=headers))[0] == 401


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Slack-Signature": "v0=\u00e9", "X-Slack-Request-Timestamp": "now"}, b"text=1"),
        ({"X-Slack-Signature": "v0=", "X-Slack-Request-Timestamp": "1" * 5_000}, b"text=1"),
        ({"X-Slack-Signature": "v0=", "X-Slack-Request-Timestamp": "\u0661\u0662"}, b"text=1"),
        ({"X-Slack-Signature": "v1=", "X-Slack-Request-Timestamp": "now"}, b"text=1"),
        ({"X-Slack-Signature": "v0=", "X-Slack-Request-Timestamp": "now"}, DEEP),
        ({}, DEEP),
        ({}, b'{"type": "url_verification", "challenge": "me"}'),
        ({}, b'{"ssl_check": "1"}'),
    ],
    ids=[
        "no ASCII",
        "long time",
        "other digits",
        "other version",
        "deep",
        "deep unsigned",
        "challenge",
        "ssl",
    ],
)
async def test_nothing_unsigned_is_read_at_all(
    world: World, headers: dict[str, str], body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"Content-Type": "application/json", **headers}
    if told.get("X-Slack-Request-Timestamp") == "now":
        told["X-Slack-Request-Timestamp"] = str(int(time.time()))
    status, text = await deliver(world, body, headers=told)
    assert (status, text) == (401, "This is not signed.")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("body", [b"token=x&ssl_check=1", b"ssl_check=1", command(ssl_check="1")])
async def test_slacks_look_at_the_certificate_gets_nothing_when_it_is_signed_too(
    world: World, body: bytes
) -> None:
    assert await deliver(world, body) == (200, "")
    assert world.slack.messages == []
    assert world.vendor_calls == 0


async def test_slacks_look_at_the_certificate_needs_no_signature_and_gets_nothing(world: World) -> None:
    headers = {"Content-Type": FORM}
    body = command(ssl_check="1")
    assert await deliver(world, body, headers=headers) == (200, "")
    assert await deliver(world, b"ssl_check=10&text=1", headers=headers) == (401, "This is not signed.")
    assert world.vendor_calls == 0


@pytest.mark.parametrize("version", ["v1", "V0", ""])
async def test_another_version_of_the_signature_is_refused(world: World, version: str) -> None:
    body, timestamp = command(), str(int(time.time()))
    signature = sign(world.slack.signing_secret, timestamp, body)
    headers = {
        "Content-Type": FORM,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature.replace("v0", version),
    }
    assert (await deliver(world, body, headers=headers))[0] == 401
    headers["X-Slack-Signature"] = signature
    assert (await deliver(world, body, headers=headers))[0] == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (DEEP, "application/json"),
        (b"payload=" + DEEP, FORM),
        (b"[1]", "application/json"),
        (b'"text"', "application/json"),
        (b"payload=[1]", FORM),
        (b"payload=7", FORM),
        (b"{", "application/json"),
        (b"payload={", FORM),
        (b"\xff\xfe", "application/json; charset=utf-8"),
        (b"text=\xff", f"{FORM}; charset=utf-8"),
    ],
)
async def test_what_cannot_be_read_is_refused_without_a_traceback(
    world: World, body: bytes, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, _ = await deliver(world, body, content_type=content_type)
    assert status == 400
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_body_beyond_a_megabyte_is_refused(world: World) -> None:
    assert (await deliver(world, command("x" * 2**20)))[0] == 413
    assert world.vendor_calls == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/slack/events", 405), ("POST", "/", 404), ("GET", "/", 404), ("POST", "/healthz", 405)],
)
async def test_nothing_else_is_served(world: World, method: str, path: str, status: int) -> None:
    url = f"http://127.0.0.1:{world.bot.port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url) as response:
        assert response.status == status


async def test_slacks_check_of_the_address_is_answered(world: World) -> None:
    assert await world.slack.verify_url()


async def test_socket_mode_serves_health_but_no_deliveries() -> None:
    async with a_world(socket_mode=True) as world:
        assert (await deliver(world, command()))[0] == 404
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{world.bot.port}/readyz") as response,
        ):
            assert (response.status, await response.json()) == (200, {"ready": True, "degraded": []})


@pytest.mark.parametrize("command_name", ["/other"])
async def test_a_command_that_nobody_registered_gets_404(world: World, command_name: str) -> None:
    assert (await deliver(world, command(command=command_name)))[0] == 404


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": {"action_id": "recordings.show"}},
        {"type": "block_actions", "actions": [{"value": "v1"}]},
        {"type": "block_actions", "actions": [{"action_id": ["recordings.show"]}]},
        {"type": "view_submission", "view": "recordings.form"},
        {"type": "message_action", "callback_id": 7},
        {"type": ["block_actions"]},
    ],
)
async def test_what_no_listener_can_be_found_for_is_refused_without_a_traceback(
    world: World, payload: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    body = urlencode({"payload": json.dumps({"user": {"id": ASKER, "team_id": TEAM}, **payload})}).encode()
    status, _ = await deliver(world, body)
    assert status in {400, 404}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (await deliver(world, command()))[0] == 200
