"""Digests from end to end: typed, posted by the clock, managed by buttons, and whatever goes wrong."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.app import Bot
from bot.digests.posting import EVENT_TYPE
from bot.query.durations import DAY, HOUR, MINUTE
from bot.sandbox.slack import (
    ASKER,
    BOT_USER,
    DM_ASKER,
    GENERAL,
    NO_BOT,
    PARTNER,
    PRIVATE,
    PRIVATE_NO_BOT,
    READER,
    SHARED,
)
from bot.sandbox.slack.block_rules import check_blocks
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.databases import database_or_skip
from tests.world import HOUR_MS, MINUTE_MS, NOW, World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.digests.records import Digest, Slot
    from bot.sandbox.slack import Message, View

NINE = 1_795_420_800
"""Mon 2026-11-23 09:00 in Berlin, an hour after the world begins."""

ADD = 'digest add "weekdays at 09:00"'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(DATABASE_URL=f"sqlite:///{tmp_path}/digests.db") as built:
        yield built


def go_to(world: World, at: float) -> None:
    """Let the clock show this moment (Unix seconds), and the worker see it."""
    world.clock.advance(at - world.clock.now())
    world.bot.digests.wake()


def posts(world: World) -> list[Message]:
    """What digests have posted, in order."""
    named = [message for message in world.slack.messages if message.metadata]
    return [message for message in named if (message.metadata or {})["event_type"] == EVENT_TYPE]


async def post_number(world: World, number: int) -> Message:
    """The so-manieth post, once it is there."""
    await world.slack.wait_for(lambda: len(posts(world)) >= number)
    assert len(posts(world)) == number
    return posts(world)[-1]


async def digest(world: World, number: int = 1, channel: str = GENERAL) -> Digest:
    found = await world.bot.digests.store.get_numbered("T0LOCAL01", channel, number)
    assert found is not None
    return found


async def ended(world: World, slot_at: float, number: int = 1) -> Slot:
    """A slot, once it has come to its end."""
    return await slot_that(world, slot_at, lambda slot: slot.state != "open", number)


async def slot_that(world: World, slot_at: float, fits: Callable[[Slot], object], number: int = 1) -> Slot:
    """A slot, once it is as expected; the store has no event for that."""
    kept = await digest(world, number)
    async with asyncio.timeout(30):
        while True:
            for slot in await world.bot.digests.store.latest_slots(kept.id, 10):
                if slot.slot_at == slot_at and fits(slot):
                    return slot
            await asyncio.sleep(0)


async def asks_the_vendor(world: World, seen: int) -> None:
    """Wait until the vendor has been asked again."""
    async with asyncio.timeout(30):
        while world.vendor_calls == seen:  # noqa: ASYNC110 - the simulated vendor has no event for it
            await asyncio.sleep(0)


def told(world: World, user: str = ASKER) -> list[Message]:
    """Direct messages of the bot."""
    direct = world.slack.platform.workspace.dm_with(user).id
    return [message for message in world.slack.messages if message.channel == direct and message.from_bot]


def add(world: World, at: float, room: str = "1230", **more: Any) -> str:
    """A recording of 20 minutes, unless something else is said."""
    began_ms = int(at * 1000)
    if "status" not in more:
        more = {"ends_ms": began_ms + 20 * MINUTE_MS} | more
    return world.zego.add_task(room_id=room, began_ms=began_ms, **more)


def berlin(text: str) -> float:
    """A moment of that week, in winter time."""
    return datetime.fromisoformat(f"2026-{text}:00+01:00").timestamp()


# What is posted, and when.


async def test_a_digest_says_what_happened_since_the_one_before(world: World) -> None:
    fine = [add(world, NINE - n * HOUR) for n in (5, 30, 60)]
    failed = add(world, NINE - 20 * HOUR, room="88", fails=True)
    running = add(world, NINE - 9 * HOUR, room="7", status=2)
    answer = await world.ask(ADD)
    assert "Added digest 1: every weekday at 09:00, Europe/Berlin" in answer.text
    assert answer.ephemeral_for == ASKER
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert (post.channel, post.ephemeral_for, post.unfurl_links) == (GENERAL, None, False)
    assert "Recordings, Fri 20 Nov 09:00 – Mon 23 Nov 09:00" in post.shown_text
    assert "5 recordings" in post.shown_text
    assert "3 ended well · 1 ended abnormally · 2 need attention · 1 still running" in post.shown_text
    for task in (failed, running):
        assert task in post.text
        assert task in post.shown_text
    assert not any(task in post.text for task in fine)
    assert post.buttons == ["Details", "Details", "Open the full list", "Pause", "Settings"]
    assert "data_visualization" in {block["type"] for block in post.blocks}
    assert "Longest: room 7 (9 h so far)" in post.shown_text
    assert "Latest: room 1230 (5 h ago)" in post.shown_text
    assert "every weekday at 09:00, Europe/Berlin · next" in post.shown_text
    assert "by asker" in post.shown_text
    assert "<@" not in post.text + post.shown_text


async def test_a_week_of_weekdays_in_berlin_and_mondays_covers_the_weekend(world: World) -> None:
    await world.ask(f"{ADD} quiet=silent")
    days = ["11-23", "11-24", "11-25", "11-26", "11-27", "11-28", "11-29", "11-30"]
    tasks = {day: add(world, berlin(f"{day} 06:00"), fails=True) for day in days}
    for day in days:
        go_to(world, berlin(f"{day} 09:00"))
        if day not in {"11-28", "11-29"}:
            await ended(world, berlin(f"{day} 09:00"))
    texts = [post.text for post in posts(world)]
    assert len(texts) == 6
    assert [[day for day in days if tasks[day] in text] for text in texts] == [
        *([day] for day in days[:5]),
        days[5:],
    ]
    assert "Fri 27 Nov 09:00 – Mon 30 Nov 09:00" in texts[-1]


async def test_a_time_that_the_clocks_skip_pauses_no_digest_and_stays_a_mistake_when_typed(
    world: World,
) -> None:
    sunday = 1_806_217_200  # 2027-03-28 09:00 in Berlin; 02:30 was skipped
    go_to(world, sunday - HOUR)
    answer = await world.ask('digest add "daily at 09:00" from="02:30"')
    assert "Added digest 1" in answer.text
    mine = add(world, sunday - 2 * HOUR, fails=True)
    go_to(world, sunday)
    post = await post_number(world, 1)
    assert mine in post.text
    assert "Recordings, Sun 28 Mar 03:00 – 09:00" in post.text
    added = await world.ask('digest add "daily at 09:00" from="yesterday 02:30"')  # of Sunday, on Monday
    await world.slack.click(added, "Settings")
    assert "yesterday 02:30" in str((await form(world)).blocks)
    go_to(world, sunday + DAY)
    await ended(world, sunday + DAY, number=2)
    assert [(await digest(world, number)).is_paused for number in (1, 2)] == [False, False]
    assert "does not exist" in (await world.ask('from="yesterday 02:30"')).text


async def test_figures_are_compared_with_the_slots_before(world: World) -> None:
    await world.ask('digest add "daily at 09:00" last=24h')
    for day, number in enumerate((2, 4, 3, 6)):
        for n in range(number):
            add(world, NINE + day * DAY - (n + 1) * HOUR, room=f"r{n}")
    for day in range(4):
        go_to(world, NINE + day * DAY)
        await post_number(world, day + 1)
        await ended(world, NINE + day * DAY)  # the next one is compared with it
    heads = [post.text.splitlines()[0] for post in posts(world)]
    assert "2 recordings," in heads[0]
    assert "4 recordings (+100 % on the previous slot)" in heads[1]
    assert "3 recordings (as many as in the previous 2 slots)" in heads[2]
    assert "6 recordings (+100 % on the previous 3 slots)" in heads[3]
    slot = await ended(world, NINE + DAY)
    assert (slot.counts["total"], slot.counts["ended"], slot.counts["room:r0"]) == (4, 4, 1)


async def test_what_still_runs_from_before_the_window_is_told_too(world: World) -> None:
    runaway = add(world, NINE - 20 * HOUR, room="7", status=2)
    await world.ask('digest add "every hour"')
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert "0 recordings" in post.text
    assert "1 still running (1 from before)" in post.text
    assert runaway in post.text


async def test_only_what_was_asked_for_is_told(world: World) -> None:
    mine = add(world, NINE - 2 * HOUR, room="88", fails=True)
    other = add(world, NINE - 2 * HOUR, room="89", fails=True)
    await world.ask(f"{ADD} room=88 status=attention")
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert (mine in post.text, other in post.text) == (True, False)
    assert "room 88 · attention" in post.shown_text


async def test_when_nothing_happened_there_is_one_line_or_nothing_as_chosen(world: World) -> None:
    await world.ask(ADD)
    await world.ask(f"{ADD} room=1230 quiet=silent")
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert "nothing to report" in post.text
    assert [block["type"] for block in post.blocks] == ["context"]
    silent = await ended(world, NINE, number=2)
    assert (silent.state, silent.posted_ts, silent.counts["total"]) == ("quiet", None, 0)
    add(world, NINE + HOUR)
    go_to(world, NINE + DAY)
    await ended(world, NINE + DAY, number=2)
    await ended(world, NINE + DAY)
    assert len(posts(world)) == 3
    assert "none in the previous slot" in posts(world)[-1].text


async def test_digests_of_one_moment_that_ask_the_same_share_one_look(world: World) -> None:
    add(world, NINE - HOUR, fails=True)
    before = world.vendor_calls
    await world.ask(ADD)
    go_to(world, NINE)
    await post_number(world, 1)
    alone = world.vendor_calls - before
    world.clock.advance(MINUTE)
    for channel in (PRIVATE, SHARED):
        await world.ask('digest add "every hour" last=6h', channel=channel)
    before = world.vendor_calls
    go_to(world, NINE + HOUR)
    await post_number(world, 3)
    assert world.vendor_calls - before <= alone


async def test_a_gap_that_cannot_be_seen_is_told(world: World) -> None:
    add(world, NINE - HOUR)
    await world.ask('digest add "mondays at 09:00"')
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert "Recordings, Fri 20 Nov 09:03 – Mon 23 Nov 09:00" in post.shown_text
    assert "ZEGOCLOUD tells of the last 3 days only" in post.shown_text


async def test_a_chart_that_slack_does_not_take_is_drawn_in_characters(world: World) -> None:
    add(world, NINE - 2 * HOUR)
    await world.ask(ADD)
    world.slack.misbehave("chat.postMessage", error="invalid_blocks")
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert "data_visualization" not in {block["type"] for block in post.blocks}
    assert "█" in post.shown_text
    assert (await ended(world, NINE)).attempts == 1
    add(world, NINE + 2 * HOUR)
    go_to(world, NINE + DAY)
    await post_number(world, 2)
    refused = [call for call in world.slack.calls_of("chat.postMessage") if not call.ok]
    assert len(refused) == 1


# Whatever goes wrong.


async def test_after_a_restart_the_week_goes_on_and_no_slot_is_posted_twice(world: World) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    go_to(world, NINE)
    await post_number(world, 1)
    await world.stop_bot()
    await world.start_bot()
    add(world, NINE + HOUR)
    go_to(world, NINE + DAY)
    await ended(world, NINE + DAY)
    assert len(posts(world)) == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_two_bots_on_one_database_post_each_slot_once(kind: str, tmp_path: Path) -> None:
    async with database_or_skip(kind, tmp_path) as url, a_world(DATABASE_URL=url) as world:
        await world.ask('digest add "every hour"')
        other = Bot(world.bot.settings, socket_mode=False, clock=world.clock)
        async with other.started():
            for n in range(4):
                world.clock.advance(NINE + n * HOUR - world.clock.now())
                other.digests.wake()
                world.bot.digests.wake()
                await ended(world, NINE + n * HOUR)
        slots = [(post.metadata or {})["event_payload"]["slot"] for post in posts(world)]
        assert slots == [NINE + n * HOUR for n in range(4)]


async def test_a_vendor_that_is_away_for_20_minutes_makes_the_digest_late_once(world: World) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    go_to(world, NINE)
    for minutes in (0, 5, 12):
        seen = world.vendor_calls
        go_to(world, NINE + minutes * MINUTE)
        await asks_the_vendor(world, seen)
        await slot_that(world, NINE, lambda slot: "not enabled" in slot.error)
    world.zego.behave()
    go_to(world, NINE + 20 * MINUTE)
    await ended(world, NINE)
    post = await post_number(world, 1)
    assert "Posted 20 min late. Cloud Recording is not enabled" in post.shown_text
    assert told(world) == []


async def test_a_slot_that_cannot_be_posted_within_its_hour_is_told_to_its_owner_once(world: World) -> None:
    await world.ask('digest add "every hour"')
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    for hour in range(3):
        go_to(world, NINE + hour * HOUR)
        await slot_that(world, NINE + hour * HOUR, lambda slot: slot.error)
        go_to(world, NINE + hour * HOUR + 59 * MINUTE + 50)
        await ended(world, NINE + hour * HOUR)
    await world.slack.wait_for(lambda: told(world))
    (message,) = told(world)
    assert f"Your digest 1 in <#{GENERAL}> (every hour, Europe/Berlin) was not posted" in message.text
    assert "Cloud Recording is not enabled" in message.text
    assert "/recordings digest run 1" in message.text
    assert not (await digest(world)).is_paused


@pytest.mark.parametrize("what", ["archived", "bot removed", "scope"])
async def test_a_digest_that_cannot_work_is_paused_and_its_owner_told(world: World, what: str) -> None:
    await world.ask(ADD)
    channel = world.slack.channels[GENERAL]
    if what == "archived":
        channel.is_archived = True
    elif what == "bot removed":
        channel.members.discard(BOT_USER)
    else:
        world.slack.misbehave("chat.postMessage", error="missing_scope")
    go_to(world, NINE)
    await ended(world, NINE)
    await world.slack.wait_for(lambda: told(world))
    (message,) = told(world)
    words = {"archived": "archived", "bot removed": "`/invite`", "scope": "reinstall"}[what]
    assert words in message.text
    assert "`/recordings digest resume 1`" in message.text
    paused = await digest(world)
    assert (paused.is_paused, paused.next_run_at) == (True, None)
    channel.is_archived = False
    channel.members.add(BOT_USER)
    listed = await world.ask("digest list")
    assert "Paused" in listed.shown_text
    assert words in listed.shown_text
    resumed = await world.press(listed, "Resume")
    assert "Resumed digest 1" in resumed.text
    assert not (await digest(world)).is_paused


async def test_what_was_missed_while_the_bot_was_away_is_told_by_the_next_post(world: World) -> None:
    await world.ask(f"{ADD} quiet=silent")
    await world.stop_bot()
    world.clock.advance(NINE + 3 * HOUR - world.clock.now())
    await world.start_bot()
    skipped = await ended(world, NINE)
    assert skipped.state == "skipped"
    go_to(world, NINE + DAY)
    post = await post_number(world, 1)
    assert "1 digest before this one was not posted" in post.text
    assert "Mon 23 Nov 09:00" in post.text


async def test_a_slot_under_way_is_handed_over_when_the_bot_stops(world: World) -> None:
    await world.ask(ADD)
    world.zego.misbehave(Fault(FaultKind.HANG))
    seen = world.vendor_calls
    go_to(world, NINE)
    await asks_the_vendor(world, seen)
    async with asyncio.timeout(9):
        await world.stop_bot()
    world.zego.behave()
    await world.start_bot()
    await ended(world, NINE)
    assert len(posts(world)) == 1


async def test_a_database_that_is_away_stops_only_digests(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    async with a_world(DATABASE_URL=f"sqlite:///{folder}/digests.db") as world:
        task = world.zego.add_task(room_id="1230", began_ms=int(NOW * 1000) - HOUR_MS, status=2)
        assert task in (await world.ask("room=1230 last=6h")).text
        refused = await world.ask("digest list")
        assert "cannot be opened" in refused.text
        assert "Whoever runs this bot" in refused.text
        assert await degraded(world) == ["database"]
        folder.mkdir()
        assert "Added digest 1" in (await world.ask(ADD)).text
        go_to(world, NINE)
        await post_number(world, 1)
        assert await degraded(world) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite:///x.db?timeout=soon", "DATABASE_URL cannot be read"),
        ("sqlite://host/x.db", "DATABASE_URL cannot be read"),
        ("postgresql://bot:hunter2@127.0.0.1:9/x", "The database does not answer"),
    ],
)
async def test_a_database_that_is_of_no_use_stops_only_digests(address: str, words: str) -> None:
    async with a_world(DATABASE_URL=address) as world:
        refused = await world.ask("digest list")
        assert words in refused.text
        assert "hunter2" not in refused.text
        assert "DATABASE_URL" in refused.text
        assert "No recordings" in (await world.ask("room=1230 last=6h")).text
        assert await degraded(world) == ["database"]


async def degraded(world: World) -> list[str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{world.bot.port}/readyz") as answer,
    ):
        assert answer.status == 200
        return (await answer.json())["degraded"]


# Who may do what, and how.


async def test_a_test_run_is_marked_and_leaves_the_schedule_as_it_is(world: World) -> None:
    await world.ask(f"{ADD} quiet=silent")
    before = await digest(world)
    answer = await world.ask("digest run 1")
    assert "as a test" in answer.text
    post = await post_number(world, 1)
    assert "Test run · " in post.shown_text
    assert (await digest(world)).next_run_at == before.next_run_at == NINE
    add(world, NINE - HOUR)
    go_to(world, NINE)
    post = await post_number(world, 2)
    assert "Test run" not in post.shown_text
    assert "previous" not in post.text


async def test_a_double_click_runs_a_digest_once(world: World) -> None:
    await world.ask(ADD)
    listed = await world.ask("digest list")
    for _ in range(2):
        await world.slack.click(listed, "Run now")
        world.clock.advance(1)
    await post_number(world, 1)
    world.clock.advance(MINUTE)
    await world.slack.click(listed, "Run now")
    await post_number(world, 2)


async def test_digests_are_listed_paused_resumed_and_removed(world: World) -> None:
    assert "no digests" in (await world.ask("digest list")).text
    await world.ask(ADD)
    await world.ask('digest add "every 6 hours" room=1230 quiet=silent')
    listed = await world.ask("digest list")
    assert "2 digests in this channel" in listed.text
    for words in (
        "every 6 hours",
        "room=1230",
        "by asker",
        "silence when nothing happened",
        "not posted yet",
    ):
        assert words in listed.shown_text
    assert not check_blocks(listed.blocks, "message")
    paused = await world.press(listed, "Pause")
    assert paused.ts == listed.ts
    assert "Paused digest 1" in paused.text
    assert paused.buttons[0] == "Resume"
    removed = await world.press(paused, "Remove")
    assert "Removed digest 1" in removed.text
    assert "1 digest in this channel" in removed.text
    assert "There is no digest 1; this channel has 1 digest: 2." in (await world.ask("digest pause 1")).text
    assert "Paused digest 2" in (await world.ask("digest pause 2")).text
    assert "Resumed digest 2" in (await world.ask("digest resume 2")).text
    assert "Removed digest 2" in (await world.ask("digest remove 2")).text


async def test_the_next_three_times_are_told_in_words(world: World) -> None:
    preview = await world.ask('digest preview "mondays at 08:30" tz=America/New_York')
    assert preview.text == (
        "Every Monday at 08:30, America/New_York: next Mon 23 Nov 08:30; Mon 30 Nov 08:30; Mon 7 Dec 08:30."
    )
    await world.ask(ADD)
    assert "Every weekday at 09:00" in (await world.ask("digest preview 1")).text


async def test_a_paused_digest_posts_nothing(world: World) -> None:
    await world.ask('digest add "every hour"')
    await world.ask('digest add "every hour" room=7')
    await world.ask("digest pause 1")
    go_to(world, NINE)
    await ended(world, NINE, number=2)
    assert len(posts(world)) == 1


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (NO_BOT, "`/invite @Recordings`"),
        (PRIVATE_NO_BOT, "`/invite @Recordings`"),
        (DM_ASKER, "posted in channels"),
    ],
)
async def test_where_the_bot_is_no_member_it_says_how_to_get_it_there(
    world: World, channel: str, words: str
) -> None:
    for text in (ADD, "digest list", "digest pause 1"):
        assert words in (await world.ask(text, channel=channel)).text


async def test_only_members_manage_the_digests_of_a_channel(world: World) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    go_to(world, NINE)
    post = await post_number(world, 1)
    world.slack.channels[GENERAL].members.discard(READER)
    refused = await world.press(post, "Pause", user=READER)
    assert "Only members" in refused.text
    assert refused.ephemeral_for == READER
    assert not (await digest(world)).is_paused
    await world.press(post, "Pause")
    assert (await digest(world)).is_paused


async def test_people_of_another_team_manage_nothing(world: World) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD, channel=SHARED)
    go_to(world, NINE)
    post = await post_number(world, 1)
    refused = await world.press(post, "Pause", user=PARTNER)
    assert "only people of the workspace" in refused.text
    assert not (await digest(world, channel=SHARED)).is_paused


async def test_a_channel_has_20_digests_at_most(world: World) -> None:
    for n in range(20):
        assert f"Added digest {n + 1}" in (await world.ask(f"{ADD} room={n}")).text
    assert "20 digests, and that is the most" in (await world.ask(ADD)).text
    listed = await world.ask("digest list")
    assert "20 digests in this channel" in listed.text
    assert listed.buttons.count("Settings") == 20
    assert "`/recordings digest pause 1`" in listed.shown_text


async def test_a_slip_of_digest_is_answered_with_what_was_meant(world: World) -> None:
    asked = len(world.zego.requests)
    mistake = await world.ask("digets list")
    assert mistake.text == "digets is not a term. Did you mean /recordings digest list?"
    assert mistake.buttons == ["Open the form", "Help"]
    assert len(world.zego.requests) == asked


async def test_a_mistake_leads_to_the_form_and_to_help(world: World) -> None:
    mistake = await world.ask('digest add "wekdays at 9" room=1')
    assert 'Did you mean /recordings digest add "weekdays at 09:00" room=1?' in mistake.text
    helped = await world.press(mistake, "Help")
    assert "digest add" in helped.text
    assert not check_blocks(helped.blocks, "message")
    await world.slack.click(mistake, "Open the form")
    await form(world)


async def form(world: World, user: str = ASKER) -> View:
    """The form of a digest, once it is no longer loading."""
    return await world.slack.wait_for(
        lambda: (
            (view := world.slack.view_of(user))
            and any(element.block_id == "digest.form.schedule" for element in view.elements)
            and view
        )
    )


async def test_a_digest_is_added_and_changed_by_the_form(world: World) -> None:
    helped = await world.ask("digest")
    await world.slack.click(helped, "Add a digest")
    view = await form(world)
    await world.slack.submit_view(view, {"digest.form.schedule": "wekdays at 8"})
    view = world.slack.view_of(ASKER)
    assert "not a schedule" in str(view and view.errors)
    await world.slack.submit_view(
        view, {"digest.form.schedule": "weekdays at 9", "digest.form.rooms": "1230, 88"}
    )
    await world.slack.wait_for(lambda: any("Added digest 1" in m.text for m in world.slack.messages))
    assert (await digest(world)).query == "room=1230,88"

    add(world, NINE - HOUR)
    go_to(world, NINE)
    post = await post_number(world, 1)
    await world.slack.click(post, "Settings")
    view = await form(world)
    assert "1230,88" in str(view.state)
    await world.slack.submit_view(view, {"digest.form.schedule": "every 6 hours", "digest.form.rooms": "7"})
    await world.slack.wait_for(lambda: any("Saved digest 1" in m.text for m in world.slack.messages))
    changed = await digest(world)
    assert (changed.query, changed.schedule) == ("room=7", "every 6 hours")


async def test_the_full_list_opens_privately_with_the_slots_window(world: World) -> None:
    inside = add(world, NINE - HOUR)
    await world.ask(ADD)
    go_to(world, NINE)
    post = await post_number(world, 1)
    later = add(world, NINE + HOUR)
    world.clock.advance(5 * HOUR)
    opened = await world.press(post, "Open the full list", user=READER)
    assert opened.ephemeral_for == READER
    assert (inside in opened.text, later in opened.text) == (True, False)
    assert "from=2026-11-20T08:00Z to=2026-11-23T08:00Z" in opened.shown_text
    assert post in world.slack.messages


async def test_slots_are_counted(world: World) -> None:
    await world.ask(ADD)
    go_to(world, NINE + 30)
    await ended(world, NINE)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{world.bot.port}/metrics") as answer,
    ):
        text = await answer.text()
    assert 'recordings_digest_slots_total{result="posted"} 1.0' in text
    assert "recordings_digest_delay_seconds_sum 30.0" in text


async def test_who_changed_what_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="bot.audit")
    await world.ask(ADD)
    await world.ask("digest pause 1")
    assert f"digest added by={ASKER} channel={GENERAL} number=1" in caplog.text
    assert f"digest pause by={ASKER} channel={GENERAL} number=1" in caplog.text


def test_the_week_of_these_tests_is_in_november_2026() -> None:
    assert datetime.fromtimestamp(NINE, UTC).isoformat() == "2026-11-23T08:00:00+00:00"
