"""The client of Slack's Web API: its connections are kept between calls once it is opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from bot.network import Network
from bot.slack.channels import outsiders_read
from bot.slack.poster import PermanentError, TransientError, UncertainError, failure
from bot.slack.sender import SendResult, outcome_of
from bot.slack.web_client import SLACK_ERRORS, NotSentError, SlackClient, build_slack_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.mark.parametrize(
    ("channel", "read"),
    [
        ({}, False),
        ({"is_shared": True, "is_org_shared": True, "is_ext_shared": False}, False),
        ({"is_ext_shared": True}, True),
        ({"is_ext_shared": False, "is_pending_ext_shared": True}, True),
    ],
)
def test_outsiders_read_what_is_shared_with_another_organisation(
    channel: dict[str, bool], read: bool
) -> None:
    assert outsiders_read(channel) == read


def says(word: str) -> str:
    return json.dumps({"ok": False, "error": word})


NO, LATER, UNKNOWN = SendResult.REFUSED, SendResult.NOT_TAKEN, SendResult.UNCERTAIN


@pytest.mark.parametrize(
    ("status", "body", "taken", "kind", "pauses"),
    [
        # Slack's own words.
        (200, says("is_archived"), NO, PermanentError, True),
        (200, says("missing_scope"), NO, PermanentError, True),
        (200, says("restricted_action_read_only_channel"), NO, PermanentError, True),
        (200, says("invalid_arguments"), NO, PermanentError, False),
        (200, says("invalid_blocks"), NO, PermanentError, False),
        (200, says("invalid_blocks_format"), NO, PermanentError, False),
        (200, says("msg_blocks_too_long"), NO, PermanentError, False),
        (200, says("ratelimited"), LATER, TransientError, False),
        (429, says("ratelimited"), LATER, TransientError, False),
        (429, "slow down", LATER, TransientError, False),
        (200, says("fatal_error"), UNKNOWN, UncertainError, False),
        (200, says("internal_error"), UNKNOWN, UncertainError, False),
        # What whoever runs the app may mend within the hour.
        (200, says("token_revoked"), NO, TransientError, False),
        (401, says("invalid_auth"), NO, TransientError, False),
        (200, says("message_limit_exceeded"), NO, TransientError, False),
        (200, says("team_added_to_org"), NO, TransientError, False),
        # Slack in trouble: its word may be of a try that it made before.
        (500, says("is_archived"), UNKNOWN, UncertainError, False),
        (503, "<html>", UNKNOWN, UncertainError, False),
        (502, "<html>", UNKNOWN, UncertainError, False),
        # Pages of a proxy, and answers that were cut off.
        (407, "<html>", NO, TransientError, False),
        (403, "<html>", NO, TransientError, False),
        (302, "<html>", NO, TransientError, False),
        (200, "<html>", UNKNOWN, UncertainError, False),
        (200, '{"ok": tr', UNKNOWN, UncertainError, False),
    ],
)
async def test_what_became_of_a_message_is_read_the_same_way_for_people_and_for_digests(
    status: int, body: str, taken: SendResult, kind: type[Exception], *, pauses: bool
) -> None:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        form = "application/json" if body.startswith("{") else "text/html"
        return web.Response(status=status, text=body, content_type=form, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = build_slack_client(Network(), f"http://127.0.0.1:{runner.addresses[0][1]}/", "xoxb-x")
    with pytest.raises(SLACK_ERRORS) as raised:
        await client.impatient().chat_postMessage(channel="C1", text="x")
    await runner.cleanup()
    outcome = outcome_of(raised.value)
    assert outcome.result is taken
    assert outcome.refuses_blocks == ("blocks" in body)
    became = failure(raised.value, "It was not taken.", "It may have been taken.")
    assert type(became) is kind
    assert bool(getattr(became, "pause_reason", "")) == pauses
    is_read = type(failure(raised.value, "It was not taken."))
    assert is_read is (TransientError if kind is UncertainError else kind), "a look changes nothing there"


@pytest.mark.parametrize(
    "error",
    [
        NotSentError(),
        aiohttp.ClientProxyConnectionError(None, OSError("refused")),  # type: ignore[arg-type]
        aiohttp.ClientHttpProxyError(None, (), status=407, message="sign in"),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_never_reached_slack_is_tried_later(error: Exception) -> None:
    assert outcome_of(error).result is LATER
    assert type(failure(error, "It was not taken.", "It may have been taken.")) is TransientError


class Listening:
    """A Slack that says ok, and knows over how many connections it was asked."""

    def __init__(self) -> None:
        self.connections: set[int] = set()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        assert request.transport
        self.connections.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({"ok": True})


@pytest.fixture
async def slack() -> AsyncIterator[Listening]:
    listening = Listening()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", listening.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield listening
    await runner.cleanup()


async def ask(client: SlackClient, slack: Listening) -> None:
    for _ in range(3):
        await client.auth_test()
        assert (await client.post(f"{slack.url}hooks/1", {"text": "here"})).status_code == 200


async def test_calls_and_posts_share_a_kept_connection(slack: Listening) -> None:
    client = build_slack_client(Network(), slack.url, "xoxb-local")
    client.open()
    await ask(client, slack)
    await client.aclose()
    assert len(slack.connections) == 1


async def test_before_it_is_opened_nothing_is_kept(slack: Listening) -> None:
    client = build_slack_client(Network(), slack.url, "xoxb-local")
    await ask(client, slack)
    await client.aclose()
    assert len(slack.connections) == 6
