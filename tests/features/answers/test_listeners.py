"""What a person in Slack meets: the command, the buttons, mistakes and failures, over real HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bot.sandbox.slack.state import ASKER, GENERAL, NO_BOT, READER
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Message

USUAL_BUTTONS = ("Refresh", "Post to channel", "Edit query…", "Export CSV")

TASK = re.compile(r"`([A-Za-z0-9_-]{16})`")


def tasks_in(message: Message) -> list[str]:
    """The task IDs of a message's rows, in order."""
    return [found[1] for block in message.blocks if (found := TASK.search(str(block.get("text", ""))))]


def add_ended(world: World, count: int, room: str = "1230") -> list[str]:
    """Ended recordings, a minute apart, the newest first."""
    return [
        world.zego.add_task(room_id=room, began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
        for n in range(count)
    ]


async def test_the_answer_is_the_acknowledgement_and_has_every_row(either_world: World) -> None:
    world = either_world
    running = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    paused = world.zego.add_task(room_id="1230", began_ms=NOW_MS - 2 * HOUR_MS, status=5)
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - 3 * HOUR_MS, status=3)
    before = world.zego.add_task(room_id="1230", began_ms=NOW_MS - 9 * HOUR_MS, status=2)

    delivery = await world.slack.command("room=1230 status=ongoing last=6h")

    assert delivery.ok
    answer = delivery.message
    assert answer is not None
    assert answer.ephemeral_for == ASKER
    assert tasks_in(answer) == [running, paused]
    for words in ("Recording", "room 1230", running, paused, "2 recordings found", "newest first"):
        assert words in answer.text
    assert before not in answer.text
    assert "1 more is still running that started before this window." in answer.shown_text
    assert answer.buttons == ["Details", "Details", "Show them", *USUAL_BUTTONS]
    assert [call.method for call in world.slack.api_calls if call.method == "response_url"] == []


async def test_show_them_widens_the_window_to_all_that_runs(world: World) -> None:
    inside = world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    before = world.zego.add_task(room_id="7", began_ms=NOW_MS - 9 * HOUR_MS, status=2)
    answer = await world.ask("room=7 status=ongoing last=6h")
    wider = await world.press(answer, "Show them")
    assert tasks_in(wider) == [inside, before]
    assert "/recordings room=7 status=ongoing last=3d" in wider.shown_text


async def test_paging_goes_to_the_end_and_back(either_world: World) -> None:
    world = either_world
    expected = add_ended(world, 23)
    page = await world.ask("room=1230 last=6h")
    seen = [tasks_in(page)]
    while "Older ▶" in page.buttons:
        page = await world.press(page, "Older ▶")
        seen.append(tasks_in(page))
    assert [task for rows in seen for task in rows] == expected
    assert "Page 3 of 3" in page.shown_text
    while "◀ Newer" in page.buttons:
        page = await world.press(page, "◀ Newer")
        assert tasks_in(page) == seen[int(re.search(r"Page (\d)", page.shown_text)[1]) - 1]
    assert tasks_in(page) == expected[:10]


async def test_paging_does_not_shift_when_recordings_begin_meanwhile(world: World) -> None:
    expected = add_ended(world, 25)
    page = await world.ask("room=1230 last=6h")
    world.clock.advance(3600)
    world.zego.add_task(room_id="1230", began_ms=NOW_MS + HOUR_MS // 2, status=2)
    page = await world.press(page, "Older ▶")
    assert tasks_in(page) == expected[10:20]


async def test_refresh_moves_the_moment_and_asks_again(world: World) -> None:
    add_ended(world, 2)
    page = await world.ask("room=1230 last=6h")
    world.clock.advance(60)
    new = world.zego.add_task(room_id="1230", began_ms=NOW_MS + 30_000, status=2)
    again = await world.press(page, "Refresh")
    assert again.ts == page.ts
    assert tasks_in(again)[0] == new


async def test_post_to_channel_shows_everyone_who_asked_and_makes_the_private_answer_way(
    world: World,
) -> None:
    tasks = add_ended(world, 3)
    private = await world.ask("room=1230 last=6h")
    posted = await post(world, private)
    assert posted.ephemeral_for is None
    assert posted.channel == GENERAL
    assert f"Asked by <@{ASKER}>" in posted.shown_text
    assert tasks_in(posted) == tasks
    assert "Post to channel" not in posted.buttons
    assert private.buttons == []


async def post(world: World, private: Message) -> Message:
    """Post an answer to the channel, and wait until the private one has made way."""
    posted = await world.press(private, "Post to channel")
    await world.slack.wait_for(lambda: "Posted to the channel" in private.text)
    return posted


async def test_only_the_asker_changes_a_posted_answer_anyone_else_is_answered_privately(world: World) -> None:
    tasks = add_ended(world, 12)
    posted = await post(world, await world.ask("room=1230 last=6h"))
    private = await world.press(posted, "Older ▶", user=READER)
    assert private.ephemeral_for == READER
    assert tasks_in(private) == tasks[10:]
    assert tasks_in(posted) == tasks[:10]

    changed = await world.press(posted, "Older ▶", user=ASKER)
    assert changed.ts == posted.ts
    assert changed.ephemeral_for is None
    assert tasks_in(changed) == tasks[10:]
    assert f"Asked by <@{ASKER}>" in changed.shown_text


async def test_export_brings_a_file_with_every_page_by_direct_message(world: World) -> None:
    tasks = add_ended(world, 120)
    world.zego.add_task(room_id="=1+1", began_ms=NOW_MS - MINUTE_MS, status=2)
    answer = await world.ask("last=6h")
    await world.slack.click(answer, "Export CSV")
    await world.slack.wait_for(
        lambda: any("direct messages" in message.text for message in world.slack.messages)
    )
    [file] = world.slack.files
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert [row["task_id"].removeprefix("'") for row in rows[1:]] == tasks
    assert rows[0]["room_id"] == "'=1+1"
    assert rows[1]["began_at"].endswith("Z")
    [message] = [message for message in world.slack.messages if message.files]
    assert world.slack.channels[message.channel].kind == "im"
    assert ASKER in world.slack.channels[message.channel].members


async def test_a_mistake_gets_one_private_sentence_with_the_nearest_right_thing(world: World) -> None:
    right = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    mistake = await world.ask("room=1230 statsu=ongoing")
    assert mistake.ephemeral_for == ASKER
    assert "`statsu`" in mistake.shown_text
    assert "status=ongoing" in mistake.shown_text
    assert mistake.buttons == ["Ask that", "Open the form", "Help"]
    assert world.vendor_calls == 0
    answer = await world.press(mistake, "Ask that")
    assert tasks_in(answer) == [right]


@pytest.mark.parametrize("text", ["", "help", " HELP ", "?"])
async def test_help_has_examples_and_every_term(world: World, text: str) -> None:
    help_message = await world.ask(text)
    for words in (
        "/recordings room=",
        "status=",
        "last=",
        "from=",
        "tz=",
        "sort=",
        "size=",
        "page=",
        "task=",
    ):
        assert words in help_message.shown_text
    assert world.vendor_calls == 0


async def test_examples_in_help_are_made_of_rooms_seen_lately(world: World) -> None:
    world.zego.add_task(room_id="standup", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.ask("last=6h")
    help_message = await world.ask("help")
    assert "/recordings room=standup" in help_message.shown_text
    assert tasks_in(await world.press(help_message, "Show room standup"))


async def test_nothing_found_says_where_it_looked_and_what_may_be_meant(world: World) -> None:
    old = world.zego.add_task(room_id="1230", began_ms=NOW_MS - 40 * HOUR_MS, status=3)
    world.zego.add_task(room_id="12300", began_ms=NOW_MS - HOUR_MS, status=3)
    await world.ask("last=6h")
    answer = await world.ask("room=1230 last=6h")
    assert "No recordings found" in answer.shown_text
    assert "The last 3 days have 1 recording" in answer.shown_text
    assert "12300" in answer.shown_text
    assert tasks_in(await world.press(answer, "Show 3 days")) == [old]


async def test_times_are_in_the_readers_zone(world: World) -> None:
    began_ms = NOW_MS - HOUR_MS
    world.zego.add_task(room_id="1230", began_ms=began_ms, status=2)
    assert "07:00 CET" in (await world.ask("room=1230 last=6h")).text
    assert "22:00 PST" in (await world.ask("room=1230 last=6h", user=READER)).text
    answer = await world.ask("room=1230 last=6h")
    assert f"<!date^{began_ms // 1000}^" in answer.shown_text


async def test_one_task_is_answered_in_words(world: World) -> None:
    task = world.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    answer = await world.ask(f"task={task}")
    for words in (task, "room 88", "Ended", "mp4"):
        assert words in answer.shown_text
        assert words in answer.text


async def test_an_unknown_task_says_so(world: World) -> None:
    answer = await world.ask("task=AAAAAAAAAAAAAAAA")
    assert "ZEGOCLOUD does not know this task" in answer.shown_text


@pytest.mark.parametrize(
    "room", ["<!channel>", "*bold*", "`code`", "<@U0ASKER1>", "&lt;", "http://x.y|z", ":smile:"]
)
async def test_a_room_id_cannot_inject_mark_up(world: World, room: str) -> None:
    world.zego.add_task(room_id=room, began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("last=6h")
    row = next(block for block in answer.blocks if TASK.search(str(block.get("text", ""))))["text"]["text"]
    ours = re.sub(r"<!date\^[^>]*>", "", row.replace("*Recording*", ""))
    assert not re.search(r"[<>*:~]|http", re.sub(r"`[^`]*`", "", ours))
    assert "<!channel>" not in answer.text
    assert "<@U0ASKER1>" not in answer.text


async def test_the_vendor_away_is_told_with_a_reference_and_try_again(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
    answer = await world.ask("room=1230 last=6h")
    assert "ZEGO_SERVER_SECRET" in answer.shown_text
    assert re.search(r"Reference [0-9a-f]{6}", answer.shown_text)
    world.zego.behave()
    assert tasks_in(await world.press(answer, "Try again")) == [task]


async def test_the_last_good_answer_serves_when_the_vendor_is_away(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.ask("room=1230 last=6h")
    world.clock.advance(240)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    answer = await world.ask("room=1230 last=6h")
    assert tasks_in(answer) == [task]
    assert "not enabled" in answer.shown_text
    assert "last good" in answer.shown_text
    assert "in the last 6" not in answer.shown_text
    world.clock.advance(601)
    assert tasks_in(await world.ask("room=1230 last=6h")) == []


async def test_equal_questions_share_one_call_for_each_list(world: World) -> None:
    add_ended(world, 5)
    for _ in range(3):
        await world.ask("room=1230 last=6h")
        world.clock.advance(4)
    assert world.vendor_calls == 2
    world.clock.advance(15)
    await world.ask("room=1230 last=6h")
    assert world.vendor_calls == 4


async def test_a_button_of_another_version_says_what_to_do(world: World) -> None:
    add_ended(world, 12)
    answer = await world.ask("room=1230 last=6h")
    for element in answer.elements:
        element.raw["value"] = "v9|whatever"
    said = await world.press(answer, "Older ▶")
    assert "another version" in said.shown_text


async def test_a_button_weeks_old_still_answers_as_far_as_can_be_seen(world: World) -> None:
    add_ended(world, 12)
    answer = await world.ask("room=1230 last=6h")
    world.clock.advance(21 * 24 * 3600)
    said = await world.press(answer, "Older ▶")
    assert "I can see back to" in said.shown_text
    assert tasks_in(said) == []


async def test_a_row_that_cannot_be_read_is_left_out_and_said_to_be(world: World) -> None:
    tasks = add_ended(world, 3)
    world.zego.misbehave(Fault(FaultKind.UNREADABLE_ROW))
    answer = await world.ask("room=1230 last=6h")
    assert tasks_in(answer) == tasks[1:]
    for words in (answer.shown_text, answer.text):
        assert "at least 2 recordings found" in words.replace("\u00a0", " ")
        assert "1 recording could not be read and may be missing." in words.replace("\u00a0", " ")
    details = await world.press(await world.ask(f"task={tasks[1]}"), "Refresh")
    assert "No files" not in details.shown_text
    for words in (details.shown_text, details.text):
        assert "1 file could not be read and is left out." in words.replace("\u00a0", " ")
        assert "ended without a file" not in words
    await world.slack.click(answer, "Export CSV")
    shared = await world.slack.wait_for(lambda: next((m for m in world.slack.messages if m.files), None))
    assert "1 recording could not be read" in shared.text
    assert "at least 2 recordings" in shared.files[0]["title"]


async def test_a_list_of_nothing_but_a_row_that_cannot_be_read_is_not_said_to_be_empty(world: World) -> None:
    add_ended(world, 1)
    world.zego.misbehave(Fault(FaultKind.UNREADABLE_ROW))
    answer = await world.ask("room=1230 last=6h")
    assert "No recordings found that could be read" in answer.shown_text
    assert "1\u00a0recording could not be read" in answer.shown_text.replace("1 rec", "1\u00a0rec")
    assert "at least 0" not in answer.shown_text + answer.text


DAY_SECONDS = 24 * 3600


async def test_an_old_button_counts_the_last_three_days_from_now_and_shows_those(world: World) -> None:
    for n in range(6):
        world.zego.add_task(room_id="weeks", began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
    answer = await world.ask("room=weeks last=6h size=3")
    assert "in the last 6\u00a0h" in answer.shown_text
    assert "(the last 6 h)" in answer.text
    world.clock.advance(10 * DAY_SECONDS)
    now_ms = int(world.clock.now() * 1000)
    new = [
        world.zego.add_task(room_id="weeks", began_ms=now_ms - hours * HOUR_MS, status=3) for hours in (1, 50)
    ]
    said = await world.press(answer, "Older ▶")
    for words in (said.shown_text, said.text):
        assert "No recordings found" in words
        assert "The last 3 days have 2 recordings, the latest began" in words
        assert "the last 6" not in words.replace("\u00a0", " ").replace("last=6h", "")
    assert f"<!date^{(NOW_MS - 6 * HOUR_MS) // 1000}^" in said.shown_text
    assert tasks_in(await world.press(said, "Show 3 days")) == new


async def test_a_list_paged_minutes_later_names_its_window_by_its_ends_alone(world: World) -> None:
    add_ended(world, 12)
    answer = await world.ask("room=1230 last=6h")
    world.clock.advance(120)
    older = await world.press(answer, "Older ▶")
    assert len(tasks_in(older)) == 2
    assert "in the last" not in older.shown_text
    assert "(the last" not in older.text
    assert f"<!date^{NOW_MS // 1000}^" in older.shown_text
    assert "in the last 6\u00a0h" in (await world.press(answer, "Refresh")).shown_text


async def test_the_posted_message_is_logged_as_an_audit_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    add_ended(world, 1)
    caplog.set_level("INFO", logger="bot.audit")
    await post(world, await world.ask("room=1230 last=6h"))
    assert f"posted by={ASKER} channel={GENERAL} query=room=1230 last=6h" in caplog.text


async def test_only_listed_people_and_channels_are_answered() -> None:
    async with a_world(ALLOWED_USERS=READER) as world:
        refused = await world.ask("last=6h")
        assert "not on the list" in refused.shown_text
        assert world.vendor_calls == 0
        assert "found" in (await world.ask("last=6h", user=READER)).shown_text
    async with a_world(ALLOWED_CHANNELS="C0OTHER11") as world:
        assert "does not answer in this channel" in (await world.ask("last=6h")).shown_text
    async with a_world(ALLOWED_TEAMS="T0OTHER11") as world:
        assert "workspace that it belongs to" in (await world.ask("last=6h")).shown_text


async def test_a_double_click_posts_once(world: World) -> None:
    add_ended(world, 2)
    private = await world.ask("room=1230 last=6h")
    await asyncio.gather(*(world.slack.click(private, "Post to channel") for _ in range(2)))
    await world.slack.wait_for(lambda: "Posted to the channel" in private.text)
    await world.bot.in_flight.finish(5)
    assert len([message for message in world.slack.messages if not message.ephemeral_for]) == 1


async def test_the_file_of_a_posted_answer_comes_into_its_thread(world: World) -> None:
    add_ended(world, 12)
    posted = await post(world, await world.ask("room=1230 last=6h"))
    await world.slack.click(posted, "Export CSV")
    shared = await world.slack.wait_for(lambda: next((m for m in world.slack.messages if m.files), None))
    assert (shared.channel, shared.thread_ts) == (GENERAL, posted.ts)
    await world.slack.click(posted, "Export CSV", user=READER)
    await world.slack.wait_for(lambda: len([m for m in world.slack.messages if m.files]) == 2)
    assert [world.slack.channels[m.channel].kind for m in world.slack.messages if m.files] == ["public", "im"]


async def test_the_file_comes_by_direct_message_where_the_bot_is_not_a_member(world: World) -> None:
    add_ended(world, 12)
    posted = await post(world, await world.ask("room=1230 last=6h", channel=NO_BOT))
    await world.slack.click(posted, "Export CSV")
    shared = await world.slack.wait_for(lambda: next((m for m in world.slack.messages if m.files), None))
    assert world.slack.channels[shared.channel].kind == "im"


async def test_no_button_of_a_posted_answer_lets_others_change_it(world: World) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - 9 * HOUR_MS, status=2)
    posted = await post(world, await world.ask("room=1230 status=ongoing last=6h"))
    before = posted.to_json()
    private = await world.press(posted, "Show them", user=READER)
    assert private.ephemeral_for == READER
    assert posted.to_json() == before
    changed = await world.press(posted, "Show them")
    assert changed.ts == posted.ts
    assert f"Asked by <@{ASKER}>" in changed.shown_text
    assert "Post to channel" not in changed.buttons


async def test_a_post_that_failed_can_be_tried_again_at_once(world: World) -> None:
    add_ended(world, 2)
    private = await world.ask("room=1230 last=6h")
    world.clock.advance(700)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    problem = await world.press(private, "Post to channel")
    assert "not enabled" in problem.shown_text
    world.zego.behave()
    await world.slack.click(problem, "Try again")
    await world.slack.wait_for(lambda: [m for m in world.slack.messages if m.ephemeral_for is None])


async def test_an_export_that_failed_can_be_tried_again(world: World) -> None:
    add_ended(world, 2)
    answer = await world.ask("room=1230 last=6h")
    world.slack.misbehave("conversations.open", error="internal_error")
    await world.slack.click(answer, "Export CSV")
    problem = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if "Try again" in m.buttons), None)
    )
    await world.slack.click(problem, "Try again")
    await world.slack.wait_for(lambda: [m for m in world.slack.messages if m.files])


async def test_two_hundred_equal_commands_at_once_cost_one_call_for_each_list(world: World) -> None:
    tasks = add_ended(world, 3)
    deliveries = await asyncio.gather(*(world.slack.command("room=1230 last=6h") for _ in range(200)))
    assert all(delivery.ok and delivery.message for delivery in deliveries)
    assert {tuple(tasks_in(delivery.message)) for delivery in deliveries} == {tuple(tasks)}
    actions = Counter(request.action for request in world.zego.requests)
    assert actions == {"DescribeTasks": 2, "DescribeRecordStatus": len(tasks)}
