"""`Export CSV`: one file with every row, or the reason why there is none."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from bot.sandbox.slack.state import ASKER, GENERAL, NO_BOT, READER
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.world import MINUTE_MS, NOW_MS, World

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Message


def add_ended(world: World, count: int) -> list[str]:
    return [
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
        for n in range(count)
    ]


async def export(world: World, answer: Message, **who: Any) -> Message:
    """Press the button; the new message that says how it ended."""
    before = len(world.slack.messages)
    assert (await world.slack.click(answer, "Export CSV", **who)).ok
    return await world.slack.wait_for(
        lambda: next(
            (
                message
                for message in world.slack.messages[before:]
                if message.ephemeral_for == who.get("user", ASKER) and "Preparing" not in message.text
            ),
            None,
        )
    )


def shared_files(world: World) -> list[Message]:
    return [message for message in world.slack.messages if message.files]


async def test_the_file_has_every_page_in_order(world: World) -> None:
    tasks = add_ended(world, 230)
    said = await export(world, await world.ask("room=1230 last=6h"))
    assert said.text == "The file with 230 recordings is in your direct messages."
    [file] = world.slack.files
    rows = list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))
    assert [row["task_id"].removeprefix("'") for row in rows] == tasks
    assert file.name == "recordings-2026-11-23T0700Z.csv"
    [message] = shared_files(world)
    assert "room 1230" in message.text


async def test_a_page_in_the_middle_exports_the_whole_answer(world: World) -> None:
    tasks = add_ended(world, 23)
    page = await world.press(await world.ask("room=1230 last=6h"), "Older ▶")
    await export(world, page)
    [file] = world.slack.files
    assert file.content.count(b"\r\n") == len(tasks) + 1


async def test_a_file_that_may_lack_a_row_is_not_called_whole(world: World) -> None:
    add_ended(world, 86)
    answer = await world.ask("room=1230 last=6h")
    world.clock.advance(30)
    world.zego.misbehave(Fault(FaultKind.GROWING_TOTAL))
    said = await export(world, answer)
    assert said.text.startswith("The file with at least 86 recordings is ")
    [file] = world.slack.files
    assert file.title.startswith("at least 86 recordings as of ")


async def test_a_file_has_what_is_known_of_each_recording(world: World) -> None:
    tasks = add_ended(world, 5)
    answer = await world.ask("room=1230 last=6h")
    await world.bot.recordings.details(tasks[0])
    await export(world, answer)
    [file] = world.slack.files
    rows = list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))
    known = [row for row in rows if row["verdict"]]
    assert [row["task_id"] for row in rows] == tasks
    assert [(row["task_id"], row["verdict"], row["seconds"]) for row in known] == [(tasks[0], "fine", "60")]


async def test_somebody_else_gets_a_file_of_their_own(world: World) -> None:
    add_ended(world, 3)
    posted = await world.press(await world.ask("room=1230 last=6h"), "Post to channel")
    await export(world, posted, user=READER)
    [message] = shared_files(world)
    assert READER in world.slack.channels[message.channel].members


@pytest.mark.parametrize(
    ("channel", "where"), [(GENERAL, "in the thread"), (NO_BOT, "in your direct messages")]
)
async def test_of_a_posted_answer_no_place_is_promised_that_only_the_upload_knows(
    world: World, channel: str, where: str
) -> None:
    add_ended(world, 3)
    answer = await world.ask("room=1230 last=6h", channel=channel)
    await world.slack.click(answer, "Post to channel")
    posted = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.from_bot and not m.ephemeral_for), None)
    )
    said = await export(world, posted)
    assert said.text == f"The file with 3 recordings is {where}."
    [preparing] = [m.text for m in world.slack.messages if "Preparing" in m.text]
    assert preparing == "Preparing the file …"
    [message] = shared_files(world)
    assert (message.channel == channel) == (channel == GENERAL)


async def test_two_clicks_at_once_make_one_file(world: World) -> None:
    add_ended(world, 120)
    answer = await world.ask("room=1230 last=6h")
    await asyncio.gather(*(world.slack.click(answer, "Export CSV") for _ in range(2)))
    await world.slack.wait_for(
        lambda: [m for m in world.slack.messages if "being prepared already" in m.text]
    )
    await world.slack.wait_for(lambda: [m for m in world.slack.messages if "direct messages" in m.text])
    assert len(shared_files(world)) == 1
    await export(world, answer)
    assert len(shared_files(world)) == 2


@pytest.mark.parametrize(
    ("method", "how", "words"),
    [
        ("conversations.open", {"error": "missing_scope"}, "the app lacks a scope"),
        ("files.getUploadURLExternal", {"error": "missing_scope"}, "the app lacks a scope"),
        ("files.completeUploadExternal", {"error": "is_archived"}, "is_archived"),
        ("files.completeUploadExternal", {"status": 500}, "(HTTP 500)"),
        ("conversations.open", {"status": 503}, "(HTTP 503)"),
    ],
)
async def test_a_slack_that_does_not_take_the_file_says_why(
    world: World, method: str, how: dict[str, Any], words: str
) -> None:
    add_ended(world, 3)
    answer = await world.ask("room=1230 last=6h")
    world.slack.misbehave(method, **how)
    said = await export(world, answer)
    assert said.ephemeral_for == ASKER
    assert "Slack did not take the file" in said.shown_text
    assert words in said.shown_text
    assert shared_files(world) == []
    await world.slack.click(answer, "Export CSV")
    await world.slack.wait_for(lambda: shared_files(world))


async def test_a_file_that_may_have_arrived_is_not_shared_again(world: World) -> None:
    add_ended(world, 3)
    answer = await world.ask("room=1230 last=6h")
    world.slack.misbehave("files.completeUploadExternal", status=500, after_effect=True)
    said = await export(world, answer)
    assert "Slack did not take the file" in said.shown_text
    assert len(shared_files(world)) == 1
    calls = world.slack.calls_of("files.completeUploadExternal")
    assert [call.status for call in calls] == [
        200,
        500,
    ]  # one call: its effect, and the answer that told of none


async def test_a_vendor_that_fails_half_way_makes_no_half_file(world: World) -> None:
    add_ended(world, 230)
    answer = await world.ask("room=1230 last=6h")
    world.clock.advance(30)
    world.zego.misbehave(Fault(FaultKind.NOTHING), times=2)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
    said = await export(world, answer)
    assert "ZEGO_SERVER_SECRET" in said.shown_text
    assert world.slack.files == []
    assert shared_files(world) == []


async def test_an_answer_with_nothing_left_brings_no_empty_file(world: World) -> None:
    add_ended(world, 3)
    answer = await world.ask("room=1230 last=6h")
    world.zego.clear()
    world.clock.advance(30)
    said = await export(world, answer)
    assert "nothing to export" in said.shown_text
    assert world.slack.files == []


async def test_the_export_leaves_an_audit_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="bot.audit")
    add_ended(world, 3)
    await export(world, await world.ask("room=1230 last=6h"))
    assert f"exported by={ASKER} channel=C0GENERAL1 query=room=1230 last=6h rows=3" in caplog.text
