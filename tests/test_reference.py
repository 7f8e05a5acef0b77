"""One reference number from a delivery to the vendor's call; and nothing about people in the log."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.clock import AdjustableClock, SystemClock
from bot.concurrency import SingleFlight, gather
from bot.errors import QueryError
from bot.logs import JsonLines, TextLines, begin_reference, current_reference
from bot.network import Network
from bot.sandbox.slack.delivery import sign
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ASKER, TEAM
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.sandbox.zegocloud import SimulatedZego
from bot.zegocloud.client import ZegoClient
from bot.zegocloud.limiter import Limiter
from bot.zegocloud.protocol import DescribeTasks, TaskFilter
from tests.bot_process import bot_environment, running
from tests.vendor_server import VendorServer, answers, held, tasks
from tests.waiting import when_logged
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS, World, a_world, manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from bot.sandbox.slack.state import Message


class Lines(logging.Handler):
    """Everything that is logged, as machines read it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == logger]


@pytest.fixture
def log() -> Iterator[Lines]:
    root, lines = logging.getLogger(), Lines()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(lines)
    root.setLevel(level)


async def told(log: Lines, count: int) -> list[dict[str, Any]]:
    """The lines of so many deliveries; the last comes when its acknowledgement is out."""
    await when_logged(lambda: len(log.of("bot.deliveries")) >= count)
    return log.of("bot.deliveries")


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_a_delivery_has_one_line_at_its_end_with_what_was_asked(socket_mode: bool, log: Lines) -> None:
    async with a_world(socket_mode=socket_mode) as world:
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
        await world.ask("1230 6h")
        await world.ask("room=1230 last=6h")
        await world.ask("statsu=failed wilma@customer.example")
        lines = await told(log, 3)
    asked = [(line["listener"], line["outcome"], line.get("query")) for line in lines]
    assert asked == [
        ("recordings_command", "answered", "room=1230 last=6h"),
        ("recordings_command", "answered", "room=1230 last=6h"),
        ("recordings_command", "mistake", None),
    ]
    assert len({line["reference"] for line in lines}) == 3
    for line in lines:
        assert line["ack_ms"] >= 0
        assert line["total_ms"] >= 0
        assert line["level"] == "INFO"


async def test_the_number_in_an_error_finds_the_delivery_and_every_call_made_for_it(
    world: World, log: Lines
) -> None:
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000015))  # busy: tried again
    said = await world.ask("room=1230 last=6h")
    shown = re.search(r"Reference ([0-9a-f]{6})\.", said.shown_text)
    assert shown
    await told(log, 2)
    found = [line for line in log.lines if line.get("reference") == shown[1]]
    calls = [line for line in found if line.get("action") == "DescribeTasks" and "code" in line]
    assert {call["attempt"] for call in calls} == {1, 2, 3}
    assert {call["code"] for call in calls} == {"100000015"}
    assert all(call["waited_ms"] >= 0 for call in calls)
    [failed] = [line for line in found if line.get("action") == "DescribeTasks" and "code" not in line]
    assert (failed["level"], failed["logger"]) == ("WARNING", "bot.zegocloud.client")
    assert "DescribeTasks failed 3 times" in failed["message"]
    assert [line["outcome"] for line in found if "outcome" in line] == ["vendor_failed"]


async def test_a_call_that_two_wait_for_is_logged_for_the_first_and_the_second_says_whom_it_joined(
    log: Lines,
) -> None:
    gate = asyncio.Event()
    async with VendorServer(held(gate, answers(tasks("1230")))) as server:
        client = ZegoClient(
            network=Network(),
            app_id=1,
            server_secret="5" * 32,
            base_url=server.url,
            limiter=Limiter(10),
            clock=AdjustableClock(),
        )

        async def ask() -> str:
            reference = begin_reference()
            await client.ask(DescribeTasks(TaskFilter.ONGOING, 0, 1))
            return reference

        first = asyncio.create_task(ask())
        await server.arrived(1)
        second = asyncio.create_task(ask())
        await when_logged(lambda: [line for line in log.lines if line["message"].startswith("Joined")])
        gate.set()
        begun, joined = await first, await second
        await client.aclose()
    line, call = log.of("bot.zegocloud.client")
    assert (line["reference"], line["message"]) == (joined, f"Joined DescribeTasks of {begun}")
    assert call["message"].startswith("DescribeTasks: code 0 in ")
    assert (call["reference"], call["code"], call["attempt"]) == (begun, "0", 1)


async def test_work_that_two_wait_for_says_so_too(log: Lines) -> None:
    work: SingleFlight[str] = SingleFlight()
    gate = asyncio.Event()

    async def look(_: Any) -> str:
        await gate.wait()
        return current_reference()

    async def ask() -> tuple[str, str]:
        reference = begin_reference()
        return reference, await work.get("same", look)

    first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
    await when_logged(lambda: log.of("bot.concurrency"))
    gate.set()
    begun, joined = await first, await second
    assert begun[0] != joined[0]
    assert begun[1] == joined[1] == begun[0]
    [line] = log.of("bot.concurrency")
    assert (line["reference"], line["message"]) == (joined[0], f"Joined what {begun[0]} looks for")


async def test_work_that_fails_when_nobody_waits_any_more_is_logged_with_where(log: Lines) -> None:
    work: SingleFlight[str] = SingleFlight()
    begun = asyncio.Event()

    async def look(_: Any) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("total")  # as a mistake in what cleans up would

    asking = asyncio.create_task(work.get("key", look))
    await begun.wait()
    asking.cancel()
    await asyncio.wait({asking})
    await when_logged(lambda: log.of("bot.concurrency"))
    [line] = log.of("bot.concurrency")
    assert "KeyError" in line["traceback"]


async def test_of_errors_that_come_together_the_unexpected_one_comes_out() -> None:
    async def expected() -> None:
        raise QueryError("a question")

    async def unexpected() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("total")

    with pytest.raises(KeyError):
        await gather([unexpected(), expected()])
    with pytest.raises(QueryError):
        await gather([expected(), expected()])


async def test_a_slot_of_a_digest_has_a_number_of_its_own(world: World, log: Lines) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.ask('digest add "weekdays at 09:00" room=1230')
    await world.ask("digest run 1")

    def posted() -> list[dict[str, Any]]:
        return [
            line for line in log.of("bot.features.digests.worker") if line["message"].endswith(": posted")
        ]

    await when_logged(posted)
    [slot] = posted()
    found = [line for line in log.lines if line.get("reference") == slot["reference"]]
    done = {line.get("action") or line.get("method") for line in found}
    assert {"DescribeTasks", "chat.postMessage"} <= done
    assert not [line for line in found if line["logger"] == "bot.deliveries"]


PROSE = "my neighbour Ottilie has the door code 4711-wolf"
EMAIL = "ottilie.brandt@customer.example"
NAMES = ("Wilhelmina", "Featherstone", "wilma.f")
PERSONAL = ("neighbour", "Ottilie", "4711-wolf", EMAIL, "brandt", *NAMES)


@pytest.fixture
async def services() -> AsyncIterator[tuple[SimulatedZego, LocalSlack]]:
    zego = SimulatedZego(clock=SystemClock(), tasks=0, max_rps=None)
    await zego.start()
    async with LocalSlack(manifest=manifest(), clock=SystemClock()) as slack:
        person = slack.people[ASKER]
        person.name, person.real_name = NAMES[2], f"{NAMES[0]} {NAMES[1]}"
        yield zego, slack
    await zego.stop()


async def said(slack: LocalSlack, words: str) -> Message:
    """The first message that says so, however it came."""
    return await slack.wait_for(lambda: next((m for m in slack.messages if words in m.shown_text), None), 20)


async def deliver(url: str, secret: str, **fields: str) -> int:
    """Deliver a command that Slack would not, with its signature or a wrong one."""
    body = urlencode({"team_id": TEAM, "user_id": ASKER, "user_name": NAMES[2], **fields}).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(secret, timestamp, body),
    }
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(("transport", "style"), [("--http", "text"), ("--socket", "json")])
async def test_at_the_finest_level_nothing_secret_and_nothing_about_people_is_logged(
    services: tuple[SimulatedZego, LocalSlack], transport: str, style: str, tmp_path: Path
) -> None:
    zego, slack = services
    now_ms = zego.now_ms()
    for n in range(3):
        zego.add_task(room_id="1230", began_ms=now_ms - (n + 2) * MINUTE_MS, status=3)
    environment = bot_environment(zego, slack) | {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": style}
    async with running("run", transport, folder=tmp_path, **environment) as process:
        port = await process.port()
        await process.ready()
        if transport == "--http":
            url = f"http://127.0.0.1:{port}/slack/events"
            slack.deliver_over_http(url)
            assert await deliver(url, "a-wrong-secret", command="/recordings", text=PROSE) == 401
            assert await deliver(url, slack.signing_secret, command="/other", text=PROSE) == 404
        else:
            slack.deliver_over_sockets()
        await slack.mention(PROSE)
        await slack.mention(f"room=1230 from={EMAIL}")
        await slack.command(f"statsu=failed {PROSE}")
        await slack.command("room=1230 last=6h")
        listed = await said(slack, "3 recordings found")
        await slack.click(listed, "Details")
        await slack.wait_for(lambda: (view := slack.view_of(ASKER)) and "1230" in json.dumps(view.body), 20)
        await slack.close_view()
        await slack.click(listed, "Post to channel")
        await slack.click(listed, "Export CSV")
        await slack.message_shortcut(slack.write(f"{PROSE}, write to {EMAIL} about room 1230"))
        await slack.wait_for(lambda: (view := slack.view_of(ASKER)) and view.body.get("submit"), 20)
        assert "1230" in json.dumps(slack.view_of(ASKER).body)
        await slack.submit_view()
        await slack.command('digest add "weekdays at 09:00" room=1230')
        await slack.command(f'digest add "{PROSE}"')
        zego.misbehave(Fault(FaultKind.CODE, code=300000005))
        await slack.command("room=77 last=6h")
        failed = await said(slack, "Reference ")
        shown = re.search(r"Reference ([0-9a-f]{6})\.", failed.shown_text)
        assert shown
        await process.said(rf"vendor_failed.*\b{shown[1]}\b|\b{shown[1]}\b.*vendor_failed")
        await process.said(r"DescribeTasks: code 0 in")
        await process.said(r"views\.update: ok in")
        await process.stop()
    secrets = (zego.server_secret, slack.bot_token, slack.app_token, slack.signing_secret)
    addresses = ("/hooks/commands", "/hooks/actions", "trigger_id", "ticket=", "Signature=")
    for text in (*secrets, *PERSONAL, *addresses):
        places = [line for line in process.err.splitlines() if text in line and f"{text}***" not in line]
        assert not places, text
    of_bot = re.compile(r"\S+ (DEBUG|INFO|WARNING|ERROR) +\S+( \[[0-9a-f]{6}\])?: ")
    for line in process.err.splitlines():
        assert json.loads(line) if style == "json" else of_bot.match(line), line


def test_text_lines_show_the_number_between_logger_and_message() -> None:
    record = logging.LogRecord("bot.part", logging.INFO, __file__, 1, "Hello %s", ("room",), None)
    assert " bot.part: Hello room" in TextLines().format(record)
    record.reference = "3fa2b1"
    assert " bot.part [3fa2b1]: Hello room" in TextLines().format(record)
