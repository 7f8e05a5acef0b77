"""The client of Slack's Web API: its connections are kept between calls once it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from bot.network import Network
from bot.slack_client import SlackClient, build_slack_client, outsiders_read

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
