"""Proxies and certificates: one reading for ZEGOCLOUD and Slack, and sentences instead of tracebacks."""

from __future__ import annotations

import json
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clock import SystemClock
from bot.config import load_settings
from bot.errors import ConfigError
from bot.network import Network
from bot.sandbox.zegocloud import SimulatedZego
from bot.slack.web_client import build_slack_client, quiet_logger
from tests.bot_process import finished, running
from tests.command_line import called_beside
from tests.proxies import certificate, forward_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RIGHT = {
    "ZEGO_APP_ID": "1234567890",
    "ZEGO_SERVER_SECRET": "9193cc662a4c0ec135ec71fb57194b38",
    "SLACK_BOT_TOKEN": "xoxb-1-bot-token",
    "SLACK_APP_TOKEN": "xapp-1-app-token",
}
PROXY = "http://proxy.example:3128"
ZEGO, HOOKS, SOCKET = (
    "https://cloudrecord-api.zego.im/",
    "https://hooks.slack.com/x",
    "wss://wss-primary.slack.com/",
)


@pytest.mark.parametrize(
    ("environment", "url", "way"),
    [
        ({}, ZEGO, "directly"),
        ({"HTTPS_PROXY": PROXY}, ZEGO, f"through {PROXY} (HTTPS_PROXY)"),
        ({"https_proxy": PROXY}, ZEGO, f"through {PROXY} (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": PROXY}, SOCKET, f"through {PROXY} (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "proxy.example:3128"}, ZEGO, f"through {PROXY} (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "https://proxy.example"}, ZEGO, "through https://proxy.example (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://me:hunter2@proxy.example:3128"}, ZEGO, f"through {PROXY} (HTTPS_PROXY)"),
        ({"ALL_PROXY": PROXY}, HOOKS, f"through {PROXY} (ALL_PROXY)"),
        ({"ALL_PROXY": "http://other.example", "HTTPS_PROXY": PROXY}, ZEGO, f"through {PROXY} (HTTPS_PROXY)"),
        ({"HTTP_PROXY": PROXY}, ZEGO, "directly"),
        ({"HTTP_PROXY": PROXY}, "http://api.example/", f"through {PROXY} (HTTP_PROXY)"),
        ({"HTTP_PROXY": PROXY}, "ws://api.example/", f"through {PROXY} (HTTP_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "https_proxy": ""}, ZEGO, "directly"),
        ({"ALL_PROXY": PROXY}, "http://127.0.0.1:8080/", "directly"),
        ({"ALL_PROXY": PROXY}, "http://127.1.2.3/", "directly"),
        ({"ALL_PROXY": PROXY}, "http://localhost:8080/", "directly"),
        ({"ALL_PROXY": PROXY}, "http://[::1]:8080/", "directly"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "cloudrecord-api.zego.im"}, ZEGO, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "zego.im"}, ZEGO, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": " .slack.com , zego.im"}, HOOKS, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "zego.im slack.com"}, HOOKS, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com"}, SOCKET, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "ack.com"}, HOOKS, f"through {PROXY} (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, HOOKS, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "hooks.slack.com:443"}, HOOKS, "directly (NO_PROXY)"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com:8443"}, HOOKS, f"through {PROXY} (HTTPS_PROXY)"),
        (
            {"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com:8443"},
            "https://slack.com:8443/",
            "directly (NO_PROXY)",
        ),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3/", "directly (NO_PROXY)"),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://11.1.2.3/", f"through {PROXY} (ALL_PROXY)"),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "10.1.2.3"}, "http://10.1.2.3:99/", "directly (NO_PROXY)"),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "[fd00::1]"}, "http://[fd00::1]:99/", "directly (NO_PROXY)"),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "fd00::/8"}, "http://[fd00::1]/", "directly (NO_PROXY)"),
    ],
)
def test_the_way_to_an_address_is_the_one_that_curl_would_take(
    environment: dict[str, str], url: str, way: str
) -> None:
    route = load_settings(RIGHT | environment, slack=True).build_network().route(url)
    assert route.describe() == way
    assert "hunter2" not in repr(route)


SOCKS = (
    "is a SOCKS proxy, which would need httpx[socks] and aiohttp-socks, and this bot uses neither: set it to "
    "an HTTP proxy such as http://proxy.example:3128, or unset it."
)
NO_ADDRESS = "has to be the address of an HTTP proxy, such as http://proxy.example:3128."


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080", SOCKS),
        ("HTTPS_PROXY", "socks5h://me:hunter2@proxy.example", SOCKS),
        ("HTTPS_PROXY", "ftp://hunter2@proxy.example", NO_ADDRESS),
        ("HTTPS_PROXY", "http://me:hunter2@proxy.example:99999", NO_ADDRESS),
        ("HTTPS_PROXY", "http://proxy.example:0", NO_ADDRESS),
        ("ALL_PROXY", "http://me:hunter2@proxy.example:port", NO_ADDRESS),
        ("ALL_PROXY", "http://[hunter2", NO_ADDRESS),
        ("HTTPS_PROXY", "http://", NO_ADDRESS),
        ("HTTPS_PROXY", "http://proxy exa.example:3128", NO_ADDRESS),
        ("HTTPS_PROXY", "http://xn--zzzzzzzz-.com", NO_ADDRESS),
        (
            "HTTPS_PROXY",
            "http://me:hunter2#@proxy.example:3128",
            "holds a password with special characters: write `#` as %23.",
        ),
        (
            "SSL_CERT_FILE",
            "{folder}/missing.pem",
            "names a file that is not there: correct the path, or unset it.",
        ),
        ("SSL_CERT_FILE", "{folder}", "cannot be read (Is a directory): check who may read it."),
        (
            "SSL_CERT_FILE",
            "{folder}/text",
            "holds no certificate in PEM format: export it again, or unset it.",
        ),
        (
            "SSL_CERT_FILE",
            "{folder}/empty",
            "holds no certificate in PEM format: export it again, or unset it.",
        ),
        (
            "SSL_CERT_DIR",
            "{folder}/missing",
            "names a folder that is not there: correct the path, or unset it.",
        ),
        ("SSL_CERT_DIR", "{folder}/text", "names a folder that is not there: correct the path, or unset it."),
        (
            "SSL_CERT_DIR",
            "{folder}",
            "holds no certificate that OpenSSL can find: run `openssl rehash` on the folder, or unset it.",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_every_other_problem(
    tmp_path: Path, name: str, value: str, problem: str
) -> None:
    (tmp_path / "text").write_text("root:x:0:0\n")
    (tmp_path / "empty").write_text("")
    environment = RIGHT | {name: value.format(folder=tmp_path), "ZEGO_MAX_RPS": "99"}
    with pytest.raises(ConfigError) as caught:
        load_settings(environment, slack=True)
    assert sorted(caught.value.problems) == sorted(
        ["ZEGO_MAX_RPS has to be a whole number from 1 to 10.", f"{name} {problem}"]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://me:hunter2@127.0.0.1:1080"),
        ("https_proxy", "nonsense://me:hunter2@proxy.example"),
        ("SSL_CERT_FILE", "/no/such/file"),
        ("SSL_CERT_DIR", "/no/such/folder"),
    ],
)
async def test_every_command_ends_with_a_sentence_about_it(tmp_path: Path, name: str, value: str) -> None:
    environment = RIGHT | {name: value}
    for command in (("run",), ("query", "last=1h")):
        status, out, err = await called_beside(*command, folder=tmp_path, **environment)
        assert (status, out) == (2, "")
        first, second = err.splitlines()
        assert first == "The configuration cannot be used:"
        assert second.startswith(f"- {name.upper()} ")
        assert "hunter2" not in err
    status, out, err = await called_beside("doctor", folder=tmp_path, **environment)
    assert (status, err) == (1, "")
    assert f"✕ settings: {name.upper()} " in out
    assert "✓ database" in out
    assert "hunter2" not in out


@pytest.mark.parametrize(
    "unused",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:1", "HTTPS_PROXY": PROXY},
        {"HTTP_PROXY": "socks5://127.0.0.1:1"},
        {"ALL_PROXY": "socks5://127.0.0.1:1", "NO_PROXY": "zego.im,slack.com"},
        {"ALL_PROXY": "socks5://127.0.0.1:1", "NO_PROXY": "*"},
    ],
)
def test_a_proxy_that_no_address_needs_may_be_anything(unused: dict[str, str]) -> None:
    load_settings(RIGHT | unused, slack=True)


def test_a_proxy_that_only_slack_needs_is_no_problem_of_a_question_in_the_terminal() -> None:
    environment = RIGHT | {"HTTPS_PROXY": "socks5://127.0.0.1:1", "NO_PROXY": "zego.im"}
    load_settings(environment)
    with pytest.raises(ConfigError, match="HTTPS_PROXY is a SOCKS proxy"):
        load_settings(environment, slack=True)


async def test_certificates_that_are_gone_by_the_time_they_are_needed_are_a_problem_too(
    tmp_path: Path,
) -> None:
    cert, _ = certificate(tmp_path, "zego.test")
    network = load_settings(RIGHT | {"SSL_CERT_FILE": str(cert)}).build_network()
    cert.unlink()
    with pytest.raises(ConfigError, match="SSL_CERT_FILE cannot be loaded"):
        await network.tls()


async def test_only_the_certificates_that_are_named_are_trusted(tmp_path: Path) -> None:
    cert, _ = certificate(tmp_path, "zego.test")
    tls = await load_settings(RIGHT | {"SSL_CERT_FILE": str(cert)}).build_network().tls()
    assert len(tls.get_ca_certs()) == 1
    assert len((await Network().tls()).get_ca_certs()) > 50
    assert (await Network().tls()).verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "wrong",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:1", "http_proxy": "nonsense://x"},
        {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"},
        {"SSL_CERT_FILE": "/no/such/file", "SSL_CERT_DIR": "/no/such/folder"},
    ],
)
async def test_the_sandbox_needs_no_network_and_reads_none(tmp_path: Path, wrong: dict[str, str]) -> None:
    command = ("sandbox", "--port", "0", "--no-browser")
    async with running(*command, folder=tmp_path, **wrong) as process:
        await process.said("Recordings sandbox: http://127.0.0.1")
        assert await process.stop() == 0
    assert process.err == ""


class FakeSlack:
    """As much of Slack as lives at made-up names: tokens, a WebSocket at a host of its own, response_urls."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    @asynccontextmanager
    async def started(self) -> AsyncIterator[int]:
        app = web.Application()
        app.router.add_post("/api/auth.test", self._auth_test)
        app.router.add_post("/api/apps.connections.open", self._open)
        app.router.add_post("/upload", self._post)
        app.router.add_post("/hooks/1", self._post)
        app.router.add_get("/link", self._link)
        async with TestServer(app) as server:
            yield server.port or 0

    async def _auth_test(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "team_id": "T0LOCAL01", "bot_id": "B0BOT0001", "team": "Local"})

    async def _open(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": "wss://wss.slack.test/link"})

    async def _post(self, request: web.Request) -> web.Response:
        self.posted.append(request.path)
        return web.Response(text="ok")

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello"})
        async for _ in socket:
            pass
        return socket


async def test_everything_goes_through_the_proxy_and_trusts_the_named_certificate(tmp_path: Path) -> None:
    zego = SimulatedZego(clock=SystemClock(), tasks=5, max_rps=None)
    await zego.start()
    zego_port = int(zego.base_url.rsplit(":", 1)[1].strip("/"))
    async with FakeSlack().started() as port, forward_proxy(tmp_path, zego=zego_port, slack=port) as proxy:
        environment = RIGHT | {
            "ZEGO_APP_ID": str(zego.app_id),
            "ZEGO_SERVER_SECRET": zego.server_secret,
            "ZEGO_API_URL": "https://zego.test/",
            "SLACK_API_URL": "https://slack.test/api/",
            "HTTPS_PROXY": proxy.url,
            "SSL_CERT_FILE": proxy.ca_file,
            "HOST": "127.0.0.1",
            "PORT": "0",
        }
        status, out, err = await finished("query", "last=3d", "--json", folder=tmp_path, **environment)
        assert (status, err) == (0, "")
        assert json.loads(out)["total"] > 0
        assert proxy.hosts == ["zego.test"]
        status, out, err = await called_beside("doctor", folder=tmp_path, **environment)
        way = f"is reached through http://127.0.0.1:{proxy.port} (HTTPS_PROXY)"
        assert f"proxies: ZEGOCLOUD {way}, Slack {way}" in out
        assert "✓ ZEGOCLOUD" in out
        assert "✓ Slack app token" in out
        proxy.hosts.clear()
        async with running("run", "--socket", folder=tmp_path, **environment) as process:
            await process.ready()
            at = f"http://127.0.0.1:{await process.port()}/readyz"
            async with aiohttp.ClientSession() as session, session.get(at) as answer:
                assert await answer.json() == {"ready": True, "degraded": []}
            assert await process.stop() == 0
    await zego.stop()
    assert {"slack.test", "wss.slack.test"} == set(proxy.hosts)
    assert proxy.passwords == {"Basic dXNlcjpodW50ZXIy"}  # user:hunter2
    for said in (out, err, process.err):
        assert "hunter2" not in said


@pytest.mark.parametrize("kept", [True, False], ids=["kept connections", "a connection each"])
async def test_calls_posts_and_uploads_each_go_the_way_of_their_own_address(
    tmp_path: Path, kept: bool
) -> None:
    slack = FakeSlack()
    async with slack.started() as port, forward_proxy(tmp_path, slack=port) as proxy:
        named: dict[str, str] = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "direct.slack.test"}
        client = build_slack_client(
            Network(named, ca_file=proxy.ca_file), "https://slack.test/api/", "xoxb-1"
        )
        if kept:
            client.open()
        await client.auth_test()
        await client.post("https://slack.test/hooks/1", {"text": "hello"})
        await client._upload_file(**upload("https://slack.test/upload"))
        assert set(proxy.hosts) == {"slack.test"}
        assert slack.posted == ["/hooks/1", "/upload"]
        proxy.hosts.clear()
        with pytest.raises(aiohttp.ClientConnectorError):  # nobody knows this name outside
            await client._upload_file(**upload("https://direct.slack.test/upload"))
        assert proxy.hosts == []
        await client.aclose()


def upload(url: str) -> dict[str, Any]:
    """As the SDK's own `files_upload_v2` calls it."""
    return {"url": url, "data": b"1", "logger": quiet_logger(), "timeout": 5, "proxy": None, "ssl": None}


async def test_a_proxy_that_is_away_is_named_as_the_cause(tmp_path: Path) -> None:
    environment = RIGHT | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    status, _, err = await called_beside("query", "last=1h", folder=tmp_path, **environment)
    assert status == 1
    assert "no connection through the proxy" in err
    assert "Traceback" not in err
