"""The figures at /metrics: what they count, that the documentation lists each, and that labels stay few."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.errors import RecordingsError
from bot.operating.metrics import MOST_WORDS, LoopLag
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.bot_process import bot_environment, running
from tests.docs import between, read
from tests.processes.test_run import Cloud, cloud
from tests.world import HOUR_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cloud"]


async def scraped(port: int) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        return await answer.text()


async def figures(world: World) -> dict[str, float]:
    lines = (await scraped(world.bot.port)).splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


async def counted_until(world: World, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """The figures as soon as they are so: a delivery is counted when its answer is out."""
    async with asyncio.timeout(30):
        while not condition(counted := await figures(world)):
            pass
    return counted


DELIVERIES = 'recordings_deliveries_total{listener="recordings_command",outcome="%s"}'


async def test_deliveries_and_vendor_calls_are_counted_by_what_came_of_them(world: World) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.ask("room=1230 last=6h")
    await world.ask("room=1230 last=6h")
    await world.ask("statsu=ongoing")
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
    await world.ask("room=7 last=6h")

    counted = await counted_until(world, lambda counted: DELIVERIES % "vendor_failed" in counted)
    assert counted[DELIVERIES % "answered"] == 2
    assert counted[DELIVERIES % "mistake"] == 1
    assert counted[DELIVERIES % "vendor_failed"] == 1
    assert counted['recordings_delivery_seconds_count{listener="recordings_command"}'] == 4
    assert counted['recordings_vendor_calls_total{action="DescribeTasks",code="0"}'] == 2
    assert counted['recordings_vendor_calls_total{action="DescribeTasks",code="100000005"}'] == 1
    assert counted['recordings_vendor_call_seconds_count{action="DescribeTasks"}'] == 3
    assert counted['recordings_vendor_turn_wait_seconds_count{lane="interactive"}'] == 3
    assert counted['recordings_vendor_turns_waiting{lane="interactive"}'] == 0
    assert counted['recordings_lookups_total{kind="answer",result="kept"}'] == 1
    assert counted['recordings_lookups_total{kind="answer",result="fetched"}'] == 2
    assert counted['recordings_lookups_total{kind="page",result="fetched"}'] == 3
    assert counted['recordings_lookups_total{kind="message",result="kept"}'] == 1
    assert counted['recordings_slack_calls_total{method="users.info",result="ok"}'] == 1
    assert counted['recordings_degraded{service="vendor"}'] == 1
    assert counted['recordings_degraded{service="database"}'] == 0
    assert counted['recordings_degraded{service="slack"}'] == 0


async def test_a_socket_that_is_lost_is_counted_as_slack_away() -> None:
    async with a_world(socket_mode=True) as world:
        world.slack.misbehave("apps.connections.open", error="invalid_auth")
        world.slack.drop_sockets()
        away = 'recordings_degraded{service="slack"}'
        await counted_until(world, lambda counted: counted[away] == 1)
        await counted_until(world, lambda counted: counted[away] == 0)


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_acknowledgements_are_counted_over_either_transport(socket_mode: bool) -> None:
    async with a_world(socket_mode=socket_mode) as world:
        await world.ask("room=1230 last=6h")
        await world.slack.mention("room=1230 last=6h")
        name = 'recordings_ack_seconds_count{listener="%s"}'
        counted = await counted_until(world, lambda counted: name % "question_in_words" in counted)
        assert counted[name % "recordings_command"] == 1
        assert counted[name % "question_in_words"] == 1


async def test_an_old_answer_and_a_refused_post_are_counted(world: World) -> None:
    for n in range(12):
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS + n, status=3)
    answer = await world.ask("room=1230 last=6h")
    world.clock.advance(60)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
    assert "room 1230" in (await world.ask("room=1230 last=6h")).shown_text.lower()
    world.slack.misbehave("response_url", error="expired_url")
    assert (await world.slack.click(answer, "Older ▶")).ok
    refused = 'recordings_slack_calls_total{method="response_url",result="HTTP 404"}'
    counted = await counted_until(world, lambda counted: refused in counted)
    assert counted['recordings_lookups_total{kind="answer",result="stale"}'] == 1
    assert counted[refused] == 1


async def test_what_cannot_be_read_is_counted_and_logged_once_without_its_content(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    task = world.zego.add_task(room_id="Jo Doe", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    world.zego.misbehave(Fault(FaultKind.UNREADABLE_ROW))
    for _ in range(2):
        await world.ask("last=3d status=ended")
        await world.ask(f"task={task}")
        world.clock.advance(60)
    counted = await figures(world)
    assert counted['recordings_vendor_unreadable_total{kind="recording"}'] == 2
    assert counted['recordings_vendor_unreadable_total{kind="file"}'] == 2
    lines = [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]
    row, file = (
        "`int`, got `str` at `$.Data.TaskidList[0]",
        "`int | null`, got `str` at `$.Data.RecordFiles[0]",
    )
    assert lines == [
        f"ZEGOCLOUD sent a {kind} that cannot be read, of task {task}: expected {why}.Status`"
        for kind, why in (("recording", row), ("file", file))
    ]


async def test_the_documentation_lists_every_metric_and_no_other(world: World) -> None:
    await world.ask("room=1230 last=6h")
    text = await scraped(world.bot.port)
    exported = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    first_cells = " ".join(line.split("|")[1] for line in between("metrics").splitlines()[2:])
    assert exported == set(re.findall(r"`(\w+)`", first_cells))
    assert len(exported) > 20


async def test_every_outcome_in_the_code_is_in_the_documentation() -> None:
    def kinds(error: type[RecordingsError]) -> set[type[RecordingsError]]:
        return {error}.union(*map(kinds, error.__subclasses__()))

    of_errors = {kind.outcome for kind in kinds(RecordingsError)} - {RecordingsError.outcome}
    assert len(of_errors) > 5
    others = {"answered", "unexpected", "repeated", "ignored", "unsigned", "unreadable", "unknown"}
    for outcome in of_errors | others:
        assert f"`{outcome}`" in read("metrics.md"), outcome


async def test_words_of_slack_that_are_counted_apart_stay_few(world: World) -> None:
    for n in range(MOST_WORDS * 2):
        word = "".join("abcdefghij"[int(digit)] for digit in str(n))
        world.bot.metrics.slack_call("chat.postMessage", word, 0.1)
    world.bot.metrics.slack_call("chat.postMessage", "room 1230 of Wilma", 0.1)
    counted = await figures(world)
    results = [name for name in counted if name.startswith('recordings_slack_calls_total{method="chat.post')]
    assert len(results) <= MOST_WORDS + 1
    assert counted['recordings_slack_calls_total{method="chat.postMessage",result="other"}'] > MOST_WORDS
    assert not [name for name in results if "Wilma" in name]


async def test_a_loop_that_is_kept_busy_is_late() -> None:
    lag, samples = LoopLag(), []
    sampled = asyncio.Event()

    def on_sample(seconds: float) -> None:
        samples.append(seconds)
        sampled.set()

    lag.on_sample = on_sample
    assert lag.worst_seconds == 0
    lag.start()
    busy_until = time.perf_counter() + 0.4  # longer than the quarter of a second between two samples
    while time.perf_counter() < busy_until:
        pass
    await asyncio.wait_for(sampled.wait(), 30)
    lag.stop()
    assert samples[0] >= 0.1
    assert lag.worst_seconds >= 0.1


async def test_without_the_extra_questions_are_answered_and_metrics_say_what_to_install(cloud: Cloud) -> None:
    (cloud.folder / "prometheus_client.py").write_text("raise ImportError\n")
    environment = bot_environment(cloud.zego, cloud.slack)
    path = f"{cloud.folder}:{sys.path[0]}"
    async with running("run", "--http", folder=cloud.folder, **environment, PYTHONPATH=path) as process:
        port = await process.port()
        await process.ready()
        cloud.slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events")
        assert (await cloud.slack.command("room=1230 last=6h")).ok
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            assert answer.status == 501
            assert "recordings-bot[metrics]" in await answer.text()
        assert await process.stop() == 0
