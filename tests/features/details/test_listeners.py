"""Details of one recording: the modal, its buttons, and the message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.sandbox.slack.state import ASKER, GENERAL, NO_BOT, SHARED
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.world import HOUR_MS, NOW_MS, World

if TYPE_CHECKING:
    from bot.sandbox.slack.views import View


async def details_of(world: World, text: str = "last=6h", channel: str = GENERAL) -> View:
    answer = await world.ask(text, channel=channel)
    delivery = await world.slack.click(answer, "Details")
    assert delivery.ok
    return await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and "Files" in str(view.blocks) and view
    )


async def test_details_open_in_a_modal_with_the_verdict_on_top(either_world: World) -> None:
    world = either_world
    task = world.zego.add_task(room_id="7", began_ms=NOW_MS - 10 * HOUR_MS, status=2)
    view = await details_of(world, "room=7 last=1d")
    assert view.title == "Recording"
    shown = str(view.blocks)
    assert task in shown
    assert shown.index("bills") < shown.index("Files")
    assert "room 7" in shown.lower()


async def test_the_modal_is_open_before_the_vendor_answers(world: World) -> None:
    world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("last=6h")
    world.zego.misbehave(Fault(FaultKind.HANG), action="DescribeRecordStatus")
    await world.slack.click(answer, "Details")
    view = await world.slack.wait_for(lambda: world.slack.view_of(ASKER))
    assert "Asking ZEGOCLOUD" in str(view.blocks)
    world.zego.behave()


async def test_a_task_that_is_gone_says_why_in_the_modal(world: World) -> None:
    world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("last=6h")
    world.zego.clear()
    await world.slack.click(answer, "Details")
    await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and "does not know this task" in str(view.blocks)
    )


async def test_details_are_posted_to_the_thread_that_the_answer_is_in(world: World) -> None:
    task = world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    asked, _ = await world.slack.mention("room=7 last=6h")
    answer = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.thread_ts == asked.ts and m.from_bot), None)
    )
    await world.slack.click(answer, "Details")
    view = await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and "Files" in str(view.blocks) and view
    )
    await world.slack.click(view, "Post to thread")
    posted = await world.slack.wait_for(
        lambda: next(
            (m for m in world.slack.messages if m.thread_ts == asked.ts and "Files" in m.shown_text), None
        )
    )
    assert task in posted.text
    assert f"Asked by <@{ASKER}>" in posted.shown_text
    await world.slack.wait_for(lambda: "Posted." in str(world.slack.view_of(ASKER).blocks))


async def test_details_are_posted_where_the_bot_is_not_a_member(world: World) -> None:
    task = world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    view = await details_of(world, channel=NO_BOT)
    await asyncio.gather(*(world.slack.click(view, "Post to channel") for _ in range(2)))
    await world.slack.wait_for(lambda: "Posted." in str(world.slack.view_of(ASKER).blocks))
    posted = [m for m in world.slack.messages if m.channel == NO_BOT and not m.ephemeral_for]
    assert [task in message.text for message in posted] == [True]


async def test_once_the_click_is_old_the_modal_says_what_helps(world: World) -> None:
    world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    view = await details_of(world, channel=NO_BOT)
    world.clock.advance(31 * 60)
    await world.slack.click(view, "Post to channel")
    await world.slack.wait_for(lambda: "/invite" in str(world.slack.view_of(ASKER).blocks))


async def test_the_ticket_has_what_support_asks_for(world: World) -> None:
    task = world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    view = await details_of(world)
    await world.slack.click(view, "Copy for ZEGOCLOUD support")
    await world.slack.wait_for(lambda: f"Task ID: {task}" in str(world.slack.view_of(ASKER).blocks))


async def test_two_recordings_in_a_room_are_double(world: World) -> None:
    world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    world.zego.add_task(room_id="7", began_ms=NOW_MS - 2 * HOUR_MS, status=2)
    view = await details_of(world)
    assert "both bill" in str(view.blocks)


async def test_a_task_is_answered_in_the_thread_with_links_to_its_files(world: World) -> None:
    task = world.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    asked, _ = await world.slack.mention(f"task={task}")
    answer = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if task in m.text and m.from_bot), None)
    )
    assert (answer.thread_ts, answer.ephemeral_for) == (asked.ts, None)
    assert "https://" in answer.text


async def test_where_outsiders_read_the_answer_is_private_and_posting_asks_first_and_leaves_links_out(
    world: World,
) -> None:
    task = world.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    root = world.slack.write("Where is it?", channel=SHARED)
    await world.slack.mention(f"task={task}", channel=SHARED, thread_ts=root.ts)
    private = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if task in m.text and m.from_bot), None)
    )
    assert private.ephemeral_for == ASKER
    assert "https://" in private.text
    warning = await world.press(private, "Post to channel")
    assert warning.ephemeral_for == ASKER
    assert "outside your organization" in warning.text
    assert not [m for m in world.slack.messages if m.from_bot and not m.ephemeral_for]
    await world.slack.click(warning, "Post it")
    posted = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.from_bot and not m.ephemeral_for), None)
    )
    assert posted.thread_ts == root.ts
    assert task in posted.text
    assert "https://" not in str(posted.blocks) + posted.text


async def test_details_are_posted_to_outsiders_only_after_a_question(world: World) -> None:
    task = world.zego.add_task(room_id="7", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    details = await details_of(world, channel=SHARED)
    post = next(element for element in details.elements if element.label == "Post to channel")
    assert "outside your organization" in post.raw["confirm"]["text"]["text"]
    await world.slack.click(details, "Post to channel")
    posted = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.from_bot and not m.ephemeral_for), None)
    )
    assert task in posted.text
    assert "https://" not in str(posted.blocks) + posted.text


async def test_details_are_posted_among_colleagues_without_a_question(world: World) -> None:
    world.zego.add_task(room_id="7", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    details = await details_of(world)
    assert not any("confirm" in element.raw for element in details.elements)


async def test_where_outsiders_read_nothing_becomes_public_however_slow_the_vendor_is(world: World) -> None:
    task = world.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    root = world.slack.write("Where is it?", channel=SHARED)
    world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=2.3), times=1)
    await world.slack.mention(f"task={task}", channel=SHARED, thread_ts=root.ts)
    await world.slack.wait_for(lambda: any(task in m.text for m in world.slack.messages if m.from_bot))
    assert {m.ephemeral_for for m in world.slack.messages if m.from_bot} == {ASKER}


async def test_posted_details_can_be_refreshed(world: World) -> None:
    task = world.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, status=2)
    await world.slack.mention(f"task={task}")
    posted = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if task in m.text and m.from_bot), None)
    )
    world.clock.advance(600)
    again = await world.press(posted, "Refresh")
    assert (again.ts, again.ephemeral_for) == (posted.ts, None)
    assert "running for 2 h 10 min" in again.text
