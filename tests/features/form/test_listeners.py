"""Shortcuts, the form, and the Home tab: from a customer's message to an answer in its thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bot.features.form.found_ids import FoundIds, existing_first
from bot.features.form.listeners import LOOKS_FOR_THE_END, THREAD_MESSAGES, texts_of_thread
from bot.sandbox.slack.state import ASKER, GENERAL, PRIVATE_NO_BOT, READER
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack.ids import FormField
from tests.operating.test_metrics import figures
from tests.waiting import when_logged
from tests.world import HOUR_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.slack.state import Message
    from bot.sandbox.slack.views import View
    from bot.sandbox.slack.web_api import ApiCall


async def filled(world: World, user: str = ASKER) -> View:
    """The form, once it is no longer loading."""
    return await world.slack.wait_for(
        lambda: (
            (view := world.slack.view_of(user))
            and any(e.block_id == FormField.ROOMS for e in view.elements)
            and view
        )
    )


def from_bot(world: World) -> list[Message]:
    return [message for message in world.slack.messages if message.from_bot]


async def answered(world: World, task: str) -> Message:
    return await world.slack.wait_for(lambda: next((m for m in from_bot(world) if task in m.text), None))


async def test_from_a_customers_message_to_the_answer_in_its_thread(either_world: World) -> None:
    world = either_world
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - 30 * HOUR_MS, ends_ms=NOW_MS - 29 * HOUR_MS)
    root = world.slack.write("Hi, we cannot find the recording of room 1230 from yesterday?", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    form = await filled(world)
    assert "1230" in str(form.state)
    delivery = await world.slack.submit_view(form)
    assert delivery.ok
    answer = await answered(world, task)
    assert (answer.thread_ts, answer.ephemeral_for) == (root.ts, None)
    assert f"Asked by <@{ASKER}>" in answer.shown_text

    await world.slack.click(answer, "Details")
    details = await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and "Files (1)" in str(view.blocks) and view
    )
    assert "Open file" in [element.label for element in details.elements]
    await world.slack.click(details, "Post to thread")
    posted = await world.slack.wait_for(
        lambda: next((m for m in from_bot(world) if "Files (1)" in m.shown_text), None)
    )
    assert posted.thread_ts == root.ts


async def test_the_thread_is_read_for_ids_too(world: World) -> None:
    root = world.slack.write("Customer says room 4711 has no file", channel=GENERAL)
    reply = world.slack.write("any news?", channel=GENERAL, thread_ts=root.ts, user=READER)
    await world.slack.message_shortcut(reply, "Find recordings")
    assert "4711" in str((await filled(world)).state)


@pytest.mark.parametrize(
    "trouble", [{"status": 429, "retry_after": 60}, {"hang": True}, {"error": "ratelimited"}]
)
async def test_a_thread_that_slack_does_not_show_at_once_is_not_waited_for(
    world: World, trouble: dict[str, Any]
) -> None:
    root = world.slack.write("Customer says room 4711 has no file", channel=GENERAL)
    reply = world.slack.write("And what of room 1230?", channel=GENERAL, thread_ts=root.ts)
    world.slack.misbehave("conversations.replies", times=1_000, **trouble)
    await world.slack.message_shortcut(reply, "Find recordings")
    assert "1230" in str((await filled(world)).state)
    assert len(world.slack.calls_of("conversations.replies")) <= 1  # one that hangs does not count
    world.slack.behave()
    world.slack.web_api.stopping.set()  # what hung is answered, so that the bot need not wait


async def read_thread(world: World, root: Message) -> str:
    """What is read of a thread where Slack has all the time it needs."""
    deadline = asyncio.get_running_loop().time() + 60
    return "\n".join(await texts_of_thread(world.bot.slack, GENERAL, root.ts, deadline))


@pytest.mark.parametrize(
    ("replies", "calls"), [(1, 1), (198, 1), (199, 1), (200, 2), (398, 2), (399, 3), (900, 3)]
)
async def test_the_first_and_the_latest_messages_of_any_thread_are_read(
    world: World, replies: int, calls: int
) -> None:
    root = world.slack.write("Customer says room first-1 has no file", channel=GENERAL)
    for _ in range(replies - 1):
        world.clock.advance(60)
        world.slack.write("any news?", channel=GENERAL, thread_ts=root.ts, user=READER)
    world.slack.write("now room latest-2, too", channel=GENERAL, thread_ts=root.ts)
    read = await read_thread(world, root)
    assert read.startswith("Customer says room first-1")
    assert read.endswith("now room latest-2, too")
    assert read.count("first-1") == read.count("latest-2") == 1
    assert read.count("any news?") == min(replies - 1, 2 * THREAD_MESSAGES - 2)
    assert len(world.slack.calls_of("conversations.replies")) == calls


async def test_the_latest_of_a_thread_is_read_however_closely_its_messages_follow(world: World) -> None:
    root = world.slack.write("Customer says room first-1 has no file", channel=GENERAL)
    for n in range(700):
        world.clock.advance(60 if n < 250 else 360_000 if n == 250 else 0)
        world.slack.write("any news?", channel=GENERAL, thread_ts=root.ts, user=READER)
    world.slack.write("now room latest-2, too", channel=GENERAL, thread_ts=root.ts)
    assert (await read_thread(world, root)).endswith("now room latest-2, too")
    assert len(world.slack.calls_of("conversations.replies")) <= 1 + LOOKS_FOR_THE_END


@pytest.mark.parametrize("trouble", [{"status": 429, "retry_after": 60}, {"error": "internal_error"}])
async def test_a_thread_whose_end_cannot_be_read_still_gives_its_beginning(
    world: World, trouble: dict[str, Any]
) -> None:
    root = world.slack.write("room first-1", channel=GENERAL)
    for _ in range(300):
        world.slack.write("any news?", channel=GENERAL, thread_ts=root.ts, user=READER)
    world.slack.misbehave(
        "conversations.replies", times=9, only_if=lambda args: bool(args.get("oldest")), **trouble
    )
    assert (await read_thread(world, root)).startswith("room first-1\nany news?")


async def test_many_finds_are_put_in_order_by_two_calls_behind_everybody_who_waits(world: World) -> None:
    for room in ("4711", "9"):
        world.zego.add_task(room_id=room, began_ms=NOW_MS - 40 * HOUR_MS, ends_ms=NOW_MS - 39 * HOUR_MS)
    found = FoundIds(rooms=("1111", "2222", "3333", "4444", "4711"))
    in_order = await existing_first(found, world.bot.recordings, patience_seconds=60)
    assert in_order.rooms == ("4711", "1111", "2222", "3333", "4444")
    assert [request.action for request in world.zego.requests] == ["DescribeTasks"] * 2
    counted = await figures(world)
    assert counted['recordings_vendor_turn_wait_seconds_count{lane="background"}'] == 2
    assert counted.get('recordings_vendor_turn_wait_seconds_count{lane="interactive"}', 0) == 0


async def test_finds_that_were_seen_lately_are_put_in_order_without_a_call(world: World) -> None:
    task = world.zego.add_task(room_id="4711", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    await world.ask("last=6h")
    world.clock.advance(3_600)
    calls = world.vendor_calls
    other = "A" * 15 + "1"
    root = world.slack.write(f"rooms 1111, 4711 and taskId: {other} or taskId: {task}", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    shown = str((await filled(world)).blocks)
    assert shown.index("4711") < shown.index("1111")
    assert shown.index(task) < shown.index(other)
    assert world.vendor_calls == calls


async def test_of_several_finds_those_that_exist_come_first(world: World) -> None:
    task = world.zego.add_task(room_id="4711", began_ms=NOW_MS - 40 * HOUR_MS, ends_ms=NOW_MS - 39 * HOUR_MS)
    root = world.slack.write(f"rooms 1111, 4711 and taskId: {'A' * 15}1 or taskId: {task}", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    shown = str((await filled(world)).blocks)
    assert shown.index("4711") < shown.index("1111")
    assert shown.index(task) < shown.index("A" * 15 + "1")


async def test_a_vendor_that_does_not_answer_leaves_the_finds_as_they_came(world: World) -> None:
    world.zego.misbehave(Fault(FaultKind.HANG))
    root = world.slack.write("rooms 1111 and 4711", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    shown = str((await filled(world)).blocks)
    assert shown.index("1111") < shown.index("4711")
    world.zego.behave()


async def test_nothing_found_gives_an_empty_form_that_says_so(world: World) -> None:
    root = world.slack.write("Thank you all!", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    form = await filled(world)
    assert "found no room or task" in str(form.blocks)


async def test_the_form_is_open_before_a_vendor_that_hangs_is_given_up(world: World) -> None:
    world.zego.misbehave(Fault(FaultKind.HANG))
    root = world.slack.write("room 1230", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    await world.slack.wait_for(lambda: world.slack.view_of(ASKER))
    assert [call.error for call in world.slack.calls_of("views.open")] == [""]
    world.zego.behave()


SLOW = ("users.info", "conversations.info", "conversations.replies", "conversations.members")


async def opens_at_once(world: World, open_form: Callable[[], Awaitable[object]]) -> str:
    """Open a form while ZEGOCLOUD and whatever else is asked at Slack hang; what it shows meanwhile."""
    world.clock.advance(HOUR_MS / 1000 + 1)  # what is known of people and channels is forgotten
    before = len(opened(world))
    asked_before_it_was_open = []

    def note(_: dict[str, Any]) -> bool:
        if len(opened(world)) == before:
            asked_before_it_was_open.append(True)
        return True

    for method in SLOW:
        world.slack.misbehave(method, hang=True, times=1_000, only_if=note)
    world.zego.misbehave(Fault(FaultKind.HANG))
    await open_form()
    await world.slack.wait_for(lambda: len(opened(world)) > before)
    assert not asked_before_it_was_open
    world.zego.behave()
    world.slack.behave()
    world.slack.web_api.stopping.set()  # what hung is answered, so that the bot need not wait
    call = opened(world)[before]
    assert call.ok
    return str(call.args["view"])


def opened(world: World) -> list[ApiCall]:
    return [*world.slack.calls_of("views.open"), *world.slack.calls_of("views.push")]


@pytest.mark.parametrize(
    ("typed", "button", "words"),
    [
        ("last=6h", "Details", "Asking ZEGOCLOUD"),
        ("last=6h", "Edit query…", "One moment"),
        ("help", "Open the form", "One moment"),
        ("digest help", "Add a digest", "One moment"),
        ("digest list", "Settings", "One moment"),
    ],
)
async def test_a_button_opens_its_form_before_anything_slow_is_asked(
    world: World, typed: str, button: str, words: str
) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.ask('digest add "weekdays at 09:00"')
    message = await world.ask(typed)
    assert words in await opens_at_once(world, lambda: world.slack.click(message, button))


async def test_a_shortcut_opens_its_form_before_anything_slow_is_asked(world: World) -> None:
    assert "One moment" in await opens_at_once(world, lambda: world.slack.shortcut("Find recordings"))


async def test_a_messages_shortcut_opens_its_form_before_anything_slow_is_asked(world: World) -> None:
    root = world.slack.write("room 1230?", channel=GENERAL)
    reply = world.slack.write("Task YRHu6-E4IyvEAAAD too", channel=GENERAL, thread_ts=root.ts)
    shown = await opens_at_once(world, lambda: world.slack.message_shortcut(reply, "Find recordings"))
    assert "Reading the message" in shown


async def test_a_ticket_opens_before_anything_slow_is_asked(world: World) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.slack.click(await world.ask("last=6h"), "Details")
    details = await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and "Files" in str(view.blocks) and view
    )
    shown = await opens_at_once(world, lambda: world.slack.click(details, "Copy for ZEGOCLOUD support"))
    assert "Asking ZEGOCLOUD" in shown


async def test_an_answer_from_a_message_can_stay_private(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("room 1230?", channel=GENERAL)
    world.slack.write("first reply", channel=GENERAL, thread_ts=root.ts)
    await world.slack.message_shortcut(root, "Find recordings")
    form = await filled(world)
    await world.slack.submit_view(form, {FormField.WHERE: "private"})
    answer = await answered(world, task)
    assert (answer.ephemeral_for, answer.thread_ts) == (ASKER, root.ts)


async def test_a_mistake_is_shown_at_its_field(world: World) -> None:
    root = world.slack.write("hello", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    form = await filled(world)
    await world.slack.submit_view(form, {FormField.ROOMS: ",".join(map(str, range(11)))})
    view = world.slack.view_of(ASKER)
    assert view.errors == {FormField.ROOMS: "“room=” takes at most 10 rooms, and here are 11."}


async def test_edit_query_opens_the_form_filled_in_and_the_answer_takes_the_old_ones_place(
    world: World,
) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    other = world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=1230 status=ongoing last=6h")
    await world.slack.click(answer, "Edit query…")
    form = await filled(world)
    assert "ongoing" in str(form.state)
    assert "/recordings room=1230 status=ongoing last=6h" in str(form.blocks)
    await world.slack.submit_view(form, {FormField.ROOMS: "7"})
    await world.slack.wait_for(lambda: other in answer.text)
    assert len(from_bot(world)) == 1


async def test_help_and_mistakes_lead_to_the_form(world: World) -> None:
    for text in ("help", "statsu=ongoing"):
        message = await world.ask(text)
        await world.slack.click(message, "Open the form")
        form = await filled(world)
        await world.slack.close_view(form)


@pytest.mark.parametrize("where", ["private", "channel"])
async def test_the_global_shortcut_asks_where_to_answer(world: World, where: str) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.slack.shortcut("Find recordings")
    form = await filled(world)
    await world.slack.submit_view(form, {FormField.CONVERSATION: GENERAL, FormField.WHERE: where})
    answer = await answered(world, task)
    assert answer.channel == GENERAL
    assert answer.ephemeral_for == (ASKER if where == "private" else None)


async def test_where_the_bot_is_not_a_member_the_form_still_answers(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=9 last=6h", channel=PRIVATE_NO_BOT)
    await world.slack.click(answer, "Edit query…")
    await world.slack.submit_view(await filled(world), {FormField.ROOMS: "1230"})
    assert (await answered(world, task)).ephemeral_for == ASKER


async def test_home_shows_what_to_ask_and_how_the_service_is(world: World) -> None:
    world.zego.add_task(room_id="lobby", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.ask("last=6h")
    await world.slack.open_home()
    home = await world.slack.wait_for(lambda: world.slack.home_of(ASKER))
    assert "room=lobby" in str(home.blocks)
    assert "ZEGOCLOUD answers" in str(home.blocks)
    await world.slack.click(home, "Find recordings")
    await filled(world)

    world.clock.advance(60)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    await world.ask("last=1h")
    await world.slack.open_home()
    await world.slack.wait_for(lambda: "does not answer well" in str(world.slack.home_of(ASKER).blocks))


async def test_a_listed_channel_is_asked_for_when_the_form_is_sent() -> None:
    async with a_world(ALLOWED_CHANNELS="C0OTHER11") as world:
        await world.slack.shortcut("Find recordings")
        form = await filled(world)
        await world.slack.submit_view(form, {FormField.CONVERSATION: GENERAL})
        await world.slack.wait_for(
            lambda: any("does not answer in this channel" in m.text for m in from_bot(world))
        )
        assert world.vendor_calls == 0


async def test_what_was_posted_by_the_form_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="bot.audit")
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("room 1230?", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    await world.slack.submit_view(await filled(world))
    await answered(world, task)
    line = f"posted by={ASKER} channel={GENERAL} query=room=1230 last=3d rows=1"
    await when_logged(lambda: line in caplog.text)


async def test_a_form_that_was_open_for_long_is_answered_by_direct_message(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=9 last=6h")
    await world.slack.click(answer, "Edit query…")
    form = await filled(world)
    world.clock.advance(31 * 60)
    await world.slack.submit_view(form, {FormField.ROOMS: "1230"})
    said = await answered(world, task)
    assert world.slack.channels[said.channel].kind == "im"


async def test_somebody_who_may_not_ask_is_told_by_direct_message_and_in_the_home_tab() -> None:
    async with a_world(ALLOWED_USERS=READER) as world:
        await world.slack.shortcut("Find recordings")
        said = await world.slack.wait_for(lambda: next(iter(from_bot(world)), None))
        assert "not on the list" in said.text
        await world.slack.open_home()
        home = await world.slack.wait_for(lambda: world.slack.home_of(ASKER))
        assert "not on the list" in str(home.blocks)
        assert len(from_bot(world)) == 1


async def test_a_button_of_another_version_opens_no_form_that_never_fills(world: World) -> None:
    answer = await world.ask("room=9 last=6h")
    next(e for e in answer.elements if e.label == "Edit query…").raw["value"] = "v9|whatever"
    said = await world.press(answer, "Edit query…")
    assert "another version" in said.shown_text
    assert world.slack.view_of(ASKER) is None


async def test_a_form_that_slack_refuses_says_so(world: World) -> None:
    world.slack.misbehave("views.update", error="invalid_blocks")
    await world.slack.shortcut("Find recordings")
    await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and "invalid_blocks" in str(view.blocks)
    )
