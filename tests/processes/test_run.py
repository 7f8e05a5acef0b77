"""`python -m bot run` as a platform runs it: starting, health, signals, restarts, and what it says."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.bot_process import bot_environment, finished, running
from tests.databases import silent_database
from tests.watched_zego import WatchedZego
from tests.world import MINUTE_MS, manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bot_process import Process

EXIT_SECONDS = 10.0


@dataclass
class Cloud:
    """What the process talks to, on the machine's own time."""

    zego: WatchedZego
    slack: LocalSlack
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return bot_environment(self.zego, self.slack)

    @property
    def secrets(self) -> tuple[str, ...]:
        slack = self.slack
        of_slack = (slack.bot_token, slack.app_token, slack.signing_secret)
        return (self.zego.server_secret, *of_slack, "/hooks/commands", "/hooks/actions", "trigger_id")

    def add(self, count: int = 1, **recording: Any) -> list[str]:
        now_ms = self.zego.now_ms()
        return [
            self.zego.add_task(room_id="1230", began_ms=now_ms - (n + 2) * MINUTE_MS, status=3, **recording)
            for n in range(count)
        ]

    @asynccontextmanager
    async def bot(self, transport: str, **more: str) -> AsyncIterator[Process]:
        """The bot, ready, with deliveries going to it; nothing secret may be in what it said."""
        async with running("run", transport, folder=self.folder, **self.environment | more) as process:
            port = await process.port()
            await process.ready()
            if transport == "--http":
                self.slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events")
            else:
                self.slack.deliver_over_sockets()
            yield process
        for secret in self.secrets:
            assert secret not in process.out + process.err

    async def hears(self, words: str, timeout_seconds: float = EXIT_SECONDS) -> Any:
        """The first message that says so."""
        return await self.slack.wait_for(
            lambda: next((m for m in self.slack.messages if words in m.shown_text), None), timeout_seconds
        )

    async def vendor_is_asked(self) -> None:
        """Wait until a request has arrived there."""
        await self.zego.arrived()


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    zego = WatchedZego(clock=SystemClock(), tasks=0, max_rps=None)
    await zego.start()
    try:
        async with LocalSlack(manifest=manifest(), clock=SystemClock()) as slack:
            yield Cloud(zego, slack, tmp_path)
    finally:
        await zego.stop()


async def get(port: int, path: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.json()


both = pytest.mark.parametrize("transport", ["--http", "--socket"])


def limits(process: Process) -> str:
    return Path(f"/proc/{process.process.pid}/limits").read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="only Linux tells a process's limits")
async def test_it_leaves_no_core_dump_with_its_tokens(cloud: Cloud) -> None:
    async with cloud.bot("--http") as process:
        assert re.search(r"^Max core file size +0 +0 ", limits(process), re.MULTILINE)


@both
@pytest.mark.parametrize("number", [SIGTERM, SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_it_answers_and_ends_at_once_when_nothing_is_under_way(
    cloud: Cloud, transport: str, number: Signals
) -> None:
    [task] = cloud.add()
    async with cloud.bot(transport) as process:
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.ok, delivery
        assert delivery.message
        assert task in delivery.message.text
        process.signal(number)
        assert await process.exit_status() == 0
    assert process.out == ""
    assert "Traceback" not in process.err


async def test_socket_mode_is_chosen_where_an_app_token_is_set(cloud: Cloud) -> None:
    async with running("run", folder=cloud.folder, **cloud.environment) as process:
        await process.said("over Socket Mode")
        assert cloud.slack.sockets.connections
    environment = cloud.environment | {"SLACK_APP_TOKEN": ""}
    async with running("run", folder=cloud.folder, **environment) as process:
        await process.said("over HTTP")


async def test_a_redis_that_is_named_gets_one_warning_and_nothing_else(cloud: Cloud) -> None:
    async with cloud.bot("--http", REDIS_URL="redis://127.0.0.1:9/?nonsense=1") as process:
        assert await get(await process.port(), "/readyz") == (200, {"ready": True, "degraded": []})
    assert process.err.count("REDIS_URL") == 1
    assert "REDIS_URL is no longer needed" in process.err


async def test_it_ends_in_time_when_postgres_hangs(cloud: Cloud) -> None:
    async with silent_database() as (url, _), cloud.bot("--http", DATABASE_URL=url) as process:
        assert await get(await process.port(), "/readyz") == (200, {"ready": True, "degraded": ["database"]})
        process.signal(SIGTERM)
        assert await process.exit_status(EXIT_SECONDS) == 0


async def test_socket_mode_opens_no_port_unless_told(cloud: Cloud) -> None:
    environment = {name: value for name, value in cloud.environment.items() if name != "PORT"}
    async with running("run", "--socket", folder=cloud.folder, **environment) as process:
        await process.ready()
    assert "Listening" not in process.err


async def test_the_log_can_be_json(cloud: Cloud) -> None:
    async with cloud.bot("--http", LOG_FORMAT="json") as process:
        await process.stop()
    assert all(line.startswith('{"time": "') for line in process.err.splitlines())


@both
async def test_the_finest_log_has_no_secret_either(cloud: Cloud, transport: str) -> None:
    cloud.add(12)
    async with cloud.bot(transport, LOG_LEVEL="DEBUG") as process:
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.message
        await cloud.slack.click(delivery.message, "Older ▶")
        await cloud.slack.click(delivery.message, "Export CSV")
        await cloud.hears("direct messages")
        await process.stop()


async def test_a_wrong_configuration_ends_it_with_every_problem(cloud: Cloud) -> None:
    wrong = cloud.environment | {"PORT": "x", "ZEGO_MAX_RPS": "99", "SLACK_BOT_TOKEN": "xapp-hidden"}
    status, out, err = await finished("run", "--http", folder=cloud.folder, **wrong)
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "The configuration cannot be used:",
        "- ZEGO_MAX_RPS has to be a whole number from 1 to 10.",
        "- SLACK_BOT_TOKEN has to start with xoxb-, but this is an app-level token.",
        "- PORT has to be a whole number from 0 to 65535.",
    ]


async def test_the_env_file_of_the_folder_is_read(cloud: Cloud) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in cloud.environment.items())
    (cloud.folder / ".env").write_text(lines)
    async with running("run", "--http", folder=cloud.folder) as process:
        await process.ready()


@pytest.mark.parametrize(
    ("transport", "change", "problem"),
    [
        ("--http", {"SLACK_BOT_TOKEN": "xoxb-hidden"}, "SLACK_BOT_TOKEN is not a token that Slack knows"),
        ("--socket", {"SLACK_APP_TOKEN": "xapp-hidden"}, "SLACK_APP_TOKEN is not a token that Slack knows"),
    ],
)
async def test_a_token_that_slack_refuses_ends_it_with_advice(
    cloud: Cloud, transport: str, change: dict[str, str], problem: str
) -> None:
    status, out, err = await finished("run", transport, folder=cloud.folder, **cloud.environment | change)
    assert (status, out) == (2, "")
    assert f"- {problem}: copy it again (invalid_auth)." in err
    assert "hidden" not in err
    assert "Traceback" not in err


async def test_socket_mode_that_is_switched_off_ends_it_with_advice(cloud: Cloud) -> None:
    cloud.slack.misbehave("apps.connections.open", error="link_disabled")
    status, _, err = await finished("run", "--socket", folder=cloud.folder, **cloud.environment)
    assert status == 2
    assert "Socket Mode is switched off" in err


@pytest.mark.parametrize(
    ("transport", "method"), [("--http", "auth.test"), ("--socket", "apps.connections.open")]
)
async def test_it_waits_for_a_slack_that_is_away_and_comes_up_by_itself(
    cloud: Cloud, transport: str, method: str
) -> None:
    cloud.slack.misbehave(method, status=503, times=1)
    async with running("run", transport, folder=cloud.folder, **cloud.environment) as process:
        port = await process.port()
        await process.said(r"Slack does not answer \(HTTP 503\); trying again in 1 s")
        assert await get(port, "/healthz") == (200, {"status": "alive"})
        status, body = await get(port, "/readyz")
        assert (status, body["ready"]) == (503, False)
        await process.ready()
        assert (await get(port, "/readyz"))[0] == 200
        assert await process.stop() == 0


async def test_a_signal_ends_it_while_it_waits_for_slack(cloud: Cloud) -> None:
    cloud.slack.misbehave("auth.test", hang=True)
    async with running("run", "--http", folder=cloud.folder, **cloud.environment) as process:
        await process.port()
        assert await process.stop() == 0
    assert "Traceback" not in process.err


async def test_a_delivery_that_comes_too_early_is_refused(cloud: Cloud) -> None:
    cloud.slack.misbehave("auth.test", hang=True)
    async with running("run", "--http", folder=cloud.folder, **cloud.environment) as process:
        cloud.slack.deliver_over_http(f"http://127.0.0.1:{await process.port()}/slack/events")
        delivery = await cloud.slack.command("last=6h")
        assert delivery.status == 503


@both
async def test_readiness_names_a_vendor_that_does_not_answer(cloud: Cloud, transport: str) -> None:
    [task] = cloud.add()
    async with cloud.bot(transport, CACHE_TTL_SECONDS="0") as process:
        port = await process.port()
        assert await get(port, "/readyz") == (200, {"ready": True, "degraded": []})
        cloud.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
        await cloud.slack.command("room=1230 last=6h")
        assert await get(port, "/readyz") == (200, {"ready": True, "degraded": ["vendor"]})
        cloud.zego.behave()
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.message
        assert task in delivery.message.text
        assert await get(port, "/readyz") == (200, {"ready": True, "degraded": []})


async def test_a_port_that_is_taken_ends_it_with_a_sentence(cloud: Cloud) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, out, err = await finished(
            "run", "--http", folder=cloud.folder, **cloud.environment | {"PORT": port}
        )
    assert (status, out) == (2, "")
    assert f"HOST and PORT: cannot listen on 127.0.0.1:{port}" in err
    assert "Traceback" not in err


@both
async def test_a_slow_answer_still_arrives_after_sigterm(cloud: Cloud, transport: str) -> None:
    [task] = cloud.add()
    cloud.zego.misbehave(Fault(FaultKind.HANG))
    async with cloud.bot(transport) as process:
        delivery = await cloud.slack.command("room=1230 status=ended last=6h")
        assert delivery.message
        assert "Still searching" in delivery.message.text
        process.signal(SIGTERM)
        await process.said("Stopping: 1 answer under way")
        status, body = await get(await process.port(), "/readyz")
        assert (status, body["ready"]) == (503, False)
        cloud.zego.behave()
        answer = await cloud.hears(task)
        assert answer.ephemeral_for
        assert await process.exit_status(EXIT_SECONDS) == 0


async def test_what_cannot_be_finished_says_so_before_the_end(cloud: Cloud) -> None:
    cloud.zego.misbehave(Fault(FaultKind.HANG))
    async with cloud.bot("--socket") as process:
        asking = asyncio.create_task(cloud.slack.command("room=1230 last=6h"))
        await cloud.vendor_is_asked()
        async with asyncio.timeout(EXIT_SECONDS):
            process.signal(SIGTERM)
            assert (await asking).ok
            said = await cloud.hears("restarting")
            assert said.buttons == ["Try again"]
            assert await process.exit_status(EXIT_SECONDS) == 0
    assert "could not be finished" in process.err


async def test_it_ends_in_time_when_slack_hangs_as_well(cloud: Cloud) -> None:
    cloud.zego.misbehave(Fault(FaultKind.HANG))
    cloud.slack.misbehave("response_url", hang=True, times=9)
    async with cloud.bot("--http") as process:
        asking = asyncio.create_task(cloud.slack.command("room=1230 last=6h"))
        await cloud.vendor_is_asked()
        async with asyncio.timeout(EXIT_SECONDS):
            process.signal(SIGTERM)
            await asking
            assert await process.exit_status(EXIT_SECONDS) == 0


async def test_buttons_of_before_a_crash_work_after_it(cloud: Cloud) -> None:
    tasks = cloud.add(12)
    async with cloud.bot("--http") as process:
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.message
        process.signal(SIGKILL)
        assert await process.exit_status() == -SIGKILL
    async with cloud.bot("--http"):
        assert (await cloud.slack.click(delivery.message, "Older ▶")).ok
        page = await cloud.hears("Page 2 of 2")
        assert tasks[-1] in page.text
        assert tasks[0] not in page.text


async def test_a_click_during_the_crash_is_told_by_slack_and_works_when_repeated(cloud: Cloud) -> None:
    tasks = cloud.add(12)
    async with cloud.bot("--socket") as process:
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.message
        process.signal(SIGKILL)
        await process.exit_status()
        await cloud.slack.wait_for(lambda: not cloud.slack.sockets.connections)
        assert not (await cloud.slack.click(delivery.message, "Older ▶")).ok
    async with cloud.bot("--socket"):
        await cloud.slack.wait_for(lambda: cloud.slack.sockets.connections)
        assert (await cloud.slack.click(delivery.message, "Older ▶")).ok
        assert tasks[-1] in (await cloud.hears("Page 2 of 2")).text


@pytest.mark.parametrize("how", ["dropped", "refreshed"])
async def test_a_socket_that_ends_is_replaced(cloud: Cloud, how: str) -> None:
    [task] = cloud.add()
    async with cloud.bot("--socket") as process:
        [first] = cloud.slack.sockets.connections
        if how == "dropped":
            cloud.slack.drop_sockets()
        else:
            await cloud.slack.refresh_sockets()
        await cloud.slack.wait_for(
            lambda: cloud.slack.sockets.connections and first not in cloud.slack.sockets.connections, 15
        )
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.message
        assert task in delivery.message.text
        assert await process.stop() == 0
