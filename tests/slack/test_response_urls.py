"""Where answers are posted to: addresses that Slack hands out, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.network import Network
from bot.recordings.page import ButtonState
from bot.sandbox.slack.state import ASKER, GENERAL, TEAM
from bot.slack import ids
from bot.slack.web_client import build_slack_client, is_slacks
from tests.slack.test_receiver import command, deliver

if TYPE_CHECKING:
    from tests.world import World

API = "https://slack.com/api/"


@pytest.mark.parametrize(
    ("url", "api", "good"),
    [
        ("https://hooks.slack.com/commands/T1/2/x", API, True),
        ("https://hooks.slack-gov.com/actions/T1/2/x", "https://slack-gov.com/api/", True),
        ("https://hooks.slack.com/commands/T1/2/x", "https://proxy.example/slack/api/", True),
        ("http://127.0.0.1:5000/hooks/x", "http://127.0.0.1:5000/api/", True),
        ("http://127.0.0.1:5001/hooks/x", "http://127.0.0.1:5000/api/", False),
        ("http://127.0.0.1/hooks/x", API, False),
        ("http://hooks.slack.com/commands/T1/2/x", API, False),
        ("https://hooks.slack.com:8443/x", API, False),
        ("https://user@hooks.slack.com/x", API, False),
        ("http://me@127.0.0.1:5000/hooks/x", "http://127.0.0.1:5000/api/", False),
        ("https://hooks.slack.com.evil.example/x", API, False),
        ("https://evilslack.com/x", API, False),
        ("https://evil.example/hooks.slack.com/", API, False),
        ("https://hooks.slack.com\\@evil.example/", API, False),
        ("https://169.254.169.254/latest/meta-data/", API, False),
        ("file:///etc/passwd", API, False),
        ("https://[::1", API, False),
        ("https://hooks.slack.com:x/", API, False),
        ("//hooks.slack.com/x", API, False),
        ("", API, False),
    ],
)
def test_only_addresses_of_slack_are_posted_to(url: str, api: str, good: bool) -> None:
    assert is_slacks(url, api) is good


class Elsewhere:
    """A server that is not Slack's, and what it was sent."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._take)
        self.server = TestServer(application, host="127.0.0.1")

    async def _take(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {request.path} {await request.text()}")
        return web.Response(text="ok")

    @property
    def url(self) -> str:
        return str(self.server.make_url("/inside"))


async def test_an_address_in_a_delivery_that_is_not_slacks_is_never_called(world: World) -> None:
    elsewhere = Elsewhere()
    async with elsewhere.server:
        click = {
            "type": "block_actions",
            "user": {"id": ASKER, "team_id": TEAM},
            "team": {"id": TEAM},
            "channel": {"id": GENERAL},
            "container": {"is_ephemeral": True},
            "actions": [{"action_id": ids.SHOW, "value": ButtonState(1, 0, "room=1230 last=6h").encode()}],
            "response_url": elsewhere.url,
            "trigger_id": "1.2.3",
        }
        body = urlencode({"payload": json.dumps(click)}).encode()
        assert (await deliver(world, body))[0] == 200
        # What cannot go back there reaches the person as a direct message.
        direct = world.slack.workspace.dm_with(ASKER).id
        await world.slack.wait_for(
            lambda: next((m for m in world.slack.messages if m.channel == direct and m.from_bot), None)
        )
        assert (await deliver(world, command("room=7 last=6h", response_url=elsewhere.url)))[0] == 200
    assert elsewhere.seen == []


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = Elsewhere()

    async def away(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": elsewhere.url})

    application = web.Application()
    application.router.add_post("/hooks/x", away)
    slack = TestServer(application, host="127.0.0.1")
    async with elsewhere.server, slack:
        client = build_slack_client(Network(), str(slack.make_url("/api/")), token=None)
        with pytest.raises(aiohttp.InvalidURL):
            await client.post(str(slack.make_url("/hooks/x")), {"text": "for one person"})
    assert elsewhere.seen == []
