"""The doctor, against services that are well and services that are not."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.clock import AdjustableClock
from bot.config import REDIS_IS_NOT_NEEDED
from bot.operating.doctor import examine, run_doctor
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.zegocloud import SimulatedZego
from tests.databases import database_or_skip
from tests.world import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def services() -> AsyncIterator[tuple[SimulatedZego, LocalSlack]]:
    zego = SimulatedZego(clock=AdjustableClock(), max_rps=None)
    slack = LocalSlack(manifest=manifest(), clock=AdjustableClock())
    await zego.start()
    await slack.start()
    yield zego, slack
    await slack.stop()
    await zego.stop()


def environment(services: tuple[SimulatedZego, LocalSlack], tmp_path: Path, **more: str) -> dict[str, str]:
    zego, slack = services
    return {
        "ZEGO_APP_ID": str(zego.app_id),
        "ZEGO_SERVER_SECRET": zego.server_secret,
        "ZEGO_API_URL": zego.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db",
        **more,
    }


async def findings(environment: dict[str, str], **how: float) -> dict[str, tuple[str, str]]:
    return {check.name: (check.outcome, check.finding) async for check in examine(environment, **how)}


async def test_all_is_well(services: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run_doctor(environment(services, tmp_path), as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "✓ settings",
        "✓ time zones",
        "✓ Slack bot token",
        "✓ Slack app token",
        "? Slack app's settings",  # no token of the bot may ask
        "✓ ZEGOCLOUD",
        "✓ clock",
        "✓ database",
    ]
    assert "SQLite 3." in lines[7]
    assert "its layout is up to date (0" in lines[7]


@pytest.mark.parametrize(
    ("change", "check", "words"),
    [
        ({"ZEGO_SERVER_SECRET": "0" * 32}, "ZEGOCLOUD", "do not belong together"),
        ({"ZEGO_API_URL": "http://127.0.0.1:9/"}, "ZEGOCLOUD", "did not answer"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "Slack bot token", "invalid_auth"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "Slack app token", "invalid_auth"),
        ({"SLACK_API_URL": "http://127.0.0.1:9/api/"}, "Slack bot token", "cannot be reached"),
        ({"DATABASE_URL": "sqlite:////no/such/folder/bot.db"}, "database", "cannot be opened"),
        (
            {"DATABASE_URL": "postgresql://bot:hunter2@127.0.0.1:9/x"},
            "database",
            "Nothing listens at the host",
        ),
        ({"SLACK_BOT_TOKEN": "xapp-swapped"}, "settings", "an app-level token"),
        ({"SLACK_BOT_TOKEN": "xapp-a", "SLACK_APP_TOKEN": "xoxb-a"}, "settings", "swapped: exchange"),
        ({"DATABASE_URL": "sqlite:////dev/null/bot.db"}, "database", "cannot be opened"),
        ({"ZEGO_APP_ID": ""}, "settings", "ZEGO_APP_ID is missing"),
        ({"zego_max_rsp": "9"}, "settings", "zego_max_rsp is not a setting of this bot. Did you mean ZEGO"),
    ],
)
async def test_what_is_wrong_is_named_with_what_to_do(
    services: Any, tmp_path: Path, change: dict[str, str], check: str, words: str
) -> None:
    found = await findings(environment(services, tmp_path, **change))
    assert found[check][0] == "failed"
    assert words in found[check][1]
    assert "fault of the bot" not in str(found)


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    lacking = manifest()
    lacking["oauth_config"]["scopes"]["bot"].remove("files:write")
    zego = SimulatedZego(clock=AdjustableClock(), max_rps=None)
    slack = LocalSlack(manifest=lacking, clock=AdjustableClock())
    await zego.start()
    await slack.start()
    try:
        outcome, finding = (await findings(environment((zego, slack), tmp_path)))["Slack bot token"]
        assert (outcome, "files:write" in finding) == ("failed", True)
    finally:
        await slack.stop()
        await zego.stop()


async def test_a_clock_that_is_off_is_told_in_seconds(services: Any, tmp_path: Path) -> None:
    settings = environment(services, tmp_path, BOT_CLOCK="2026-11-23T09:00:00Z")
    services[0].clock.set(AdjustableClock().now())
    found = await findings(settings)
    assert found["clock"][0] == "failed"
    assert "set it (NTP)" in found["clock"][1]


async def test_the_answer_as_json_has_every_check_and_no_secret(
    services: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = environment(services, tmp_path, ZEGO_SERVER_SECRET="5" * 32)
    assert await run_doctor(settings, as_json=True) == 1
    output = capsys.readouterr().out
    answer = json.loads(output)
    assert answer["well"] is False
    assert {check["outcome"] for check in answer["checks"]} >= {"ok", "failed"}
    for secret in ("5" * 32, settings["SLACK_BOT_TOKEN"], settings["SLACK_APP_TOKEN"]):
        assert secret not in output


async def test_a_redis_that_is_named_is_no_longer_needed(services: Any, tmp_path: Path) -> None:
    found = await findings(environment(services, tmp_path, REDIS_URL="redis://127.0.0.1:9"))
    assert found["settings"] == ("warning", REDIS_IS_NOT_NEEDED)


async def test_a_wrong_setting_keeps_nothing_else_from_being_checked(services: Any, tmp_path: Path) -> None:
    swapped = {"SLACK_BOT_TOKEN": services[1].app_token, "SLACK_APP_TOKEN": services[1].bot_token}
    found = await findings(environment(services, tmp_path, **swapped))
    assert found["settings"] == (
        "failed",
        "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped: exchange their values.",
    )
    assert {name for name, (outcome, _) in found.items() if outcome == "ok"} >= {"ZEGOCLOUD", "database"}
    assert "Slack bot token" not in found


@asynccontextmanager
async def hanging_server() -> AsyncIterator[int]:
    """A port where everything is accepted and nothing answered."""
    held = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.close()


async def test_services_that_hang_are_given_up_side_by_side_and_told_in_order(
    services: Any, tmp_path: Path
) -> None:
    async with hanging_server() as port:
        hanging = {
            "ZEGO_API_URL": f"http://127.0.0.1:{port}/",
            "SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
            "DATABASE_URL": f"postgresql://bot:hunter2@127.0.0.1:{port}/x",
        }
        found = await findings(environment(services, tmp_path, **hanging), patience_seconds=0.7)
    failed = [name for name, (outcome, _) in found.items() if outcome == "failed"]
    assert failed == ["Slack bot token", "Slack app token", "ZEGOCLOUD", "database"]
    for name in failed:
        assert "does not answer" in found[name][1], name
        assert "check" in found[name][1], name
    assert found["clock"] == ("warning", "is not checked: neither ZEGOCLOUD nor Slack told the time")


async def test_tokens_of_two_apps_are_told(tmp_path: Path) -> None:
    zego = SimulatedZego(clock=AdjustableClock(), max_rps=None)
    slack = LocalSlack(manifest=manifest(), clock=AdjustableClock(), app_token="xapp-1-A0OTHER01-2-ab")
    await zego.start()
    async with slack:
        outcome, finding = (await findings(environment((zego, slack), tmp_path)))["Slack app token"]
    await zego.stop()
    assert outcome == "failed"
    assert "belongs to app A0OTHER01, the bot token to A0LOCAL01" in finding


async def test_socket_mode_that_is_switched_off_is_told(tmp_path: Path) -> None:
    over_http = manifest()
    over_http["settings"]["socket_mode_enabled"] = False
    zego = SimulatedZego(clock=AdjustableClock(), max_rps=None)
    await zego.start()
    async with LocalSlack(manifest=over_http, clock=AdjustableClock()) as slack:
        found = await findings(environment((zego, slack), tmp_path))
    await zego.stop()
    assert found["Slack app token"][0] == "failed"
    assert "Socket Mode is switched off" in found["Slack app token"][1]


@pytest.mark.parametrize(
    ("secret", "outcome", "words"),
    [
        ("5" * 32, "unknown", "has the right shape"),
        ("s3cret", "warning", "32 hexadecimal digits: compare it with"),
    ],
)
async def test_over_http_the_shape_of_the_signing_secret_is_all_that_can_be_known(
    services: Any, tmp_path: Path, secret: str, outcome: str, words: str
) -> None:
    settings = environment(services, tmp_path, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=secret)
    found = await findings(settings)
    assert found["Slack signing secret"][0] == outcome
    assert words in found["Slack signing secret"][1]
    assert "Request URLs" in found["Slack app's settings"][1]
    assert await run_doctor(settings, as_json=True) == 0


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"error": "token_revoked"}, "was revoked: install the app again"),
        ({"error": "internal_error"}, "Slack answers internal_error: try again"),
        ({"status": 503}, "Slack answers HTTP 503"),
        ({"status": 429}, "Slack answers"),
    ],
)
async def test_what_slack_says_of_the_token_is_worded(
    services: Any, tmp_path: Path, how: dict[str, Any], words: str
) -> None:
    services[1].misbehave("auth.test", **how)
    outcome, finding = (await findings(environment(services, tmp_path)))["Slack bot token"]
    assert outcome == "failed"
    assert words in finding


async def test_where_the_vendor_is_away_the_clock_is_held_against_slacks(
    services: Any, tmp_path: Path
) -> None:
    away = {"ZEGO_API_URL": "http://127.0.0.1:9/", "BOT_CLOCK": "2026-01-02T03:04:05Z"}
    outcome, finding = (await findings(environment(services, tmp_path, **away)))["clock"]
    assert outcome == "failed"
    assert "Slack's: set it (NTP)" in finding


async def test_a_clock_that_is_a_little_off_is_a_warning(services: Any, tmp_path: Path) -> None:
    services[0].clock.set(time.time() + 20)
    outcome, finding = (await findings(environment(services, tmp_path)))["clock"]
    assert outcome == "warning"
    assert "behind ZEGOCLOUD's" in finding


def add_migration_of_the_future(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recordings_bot_alembic_version (version_num TEXT PRIMARY KEY)")
        connection.execute("INSERT INTO recordings_bot_alembic_version VALUES ('9999_of_the_future')")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_text("this is no database " * 100), "damaged"),
        (add_migration_of_the_future, "newer version of this bot"),
    ],
    ids=["damaged", "newer"],
)
async def test_a_database_that_is_of_no_use_is_told(
    services: Any, tmp_path: Path, spoil: Any, words: str
) -> None:
    spoil(tmp_path / "bot.db")
    outcome, finding = (await findings(environment(services, tmp_path)))["database"]
    assert outcome == "failed"
    assert words in finding


async def test_a_database_that_is_locked_is_told(services: Any, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "bot.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    found = await findings(
        environment(services, tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/bot.db?timeout=0.1")
    )
    connection.close()
    assert found["database"][0] == "failed"
    assert "busy" in found["database"][1]


async def test_postgresql_is_told_with_its_version(services: Any, tmp_path: Path) -> None:
    async with database_or_skip("postgres", tmp_path) as url:
        outcome, finding = (await findings(environment(services, tmp_path, DATABASE_URL=url)))["database"]
    assert outcome == "ok"
    assert re.search(r"PostgreSQL \d+\.\d+; its layout is up to date \(\d{4}_", finding)


async def test_a_fault_of_the_examination_itself_is_logged_with_where_it_happened(
    services: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(["neither Slack nor an error"])

    app = web.Application()
    app.router.add_post("/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    strange = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    found = await findings(environment(services, tmp_path, SLACK_API_URL=strange))
    await runner.cleanup()
    assert "report this as a fault of the bot" in found["Slack bot token"][1]
    assert found["ZEGOCLOUD"][0] == "ok"
    faults = [record for record in caplog.records if record.exc_info]
    assert faults
    assert all(record.levelname == "CRITICAL" for record in faults), "the command shows no others"


async def test_no_other_database_is_checked_where_the_one_that_is_named_cannot_be_read(
    services: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = await findings(environment(services, tmp_path, DATABASE_URL="postgresql://bot:pa#ss@127.0.0.1/x"))
    assert found["database"] == ("unknown", "is not checked: correct DATABASE_URL first")
    assert not (tmp_path / "recordings.db").exists()
