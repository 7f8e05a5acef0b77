"""Digests from end to end: typed, posted by the clock, managed by buttons, and whatever goes wrong."""

from __future__ import annotations

import asyncio
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.app import Bot
from bot.features.digests.poster import EVENT_TYPE
from bot.features.digests.service import ADJUSTED_LEASE_SECONDS
from bot.features.digests.worker import TELL_LEASE_SECONDS
from bot.query.times import DAY, HOUR, MINUTE
from bot.sandbox.slack.block_rules import check_blocks
from bot.sandbox.slack.state import (
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
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack.blocks import escape
from bot.slack.ids import DigestField
from bot.storage.errors import StoreError
from tests.databases import database_or_skip, sqlite_with_tables
from tests.waiting import when_stored
from tests.world import HOUR_MS, MINUTE_MS, NOW, World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.features.digests.models import Digest, Slot
    from bot.sandbox.slack.state import Message
    from bot.sandbox.slack.views import View

NINE = 1_795_420_800
"""Mon 2026-11-23 09:00 in Berlin, an hour after the world begins."""

ADD = 'digest add "weekdays at 09:00"'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(DATABASE_URL=sqlite_with_tables(tmp_path / "digests.db")) as built:
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


async def slot_that(
    world: World, slot_at: float, fits: Callable[[Slot], object], number: int = 1, channel: str = GENERAL
) -> Slot:
    """A slot, once it is as expected."""
    kept = await digest(world, number, channel)

    async def look() -> Slot | None:
        latest = await world.bot.digests.store.latest_slots(kept.id, 10)
        return next((slot for slot in latest if slot.slot_at == slot_at and fits(slot)), None)

    found = await when_stored(look)
    assert found is not None
    return found


async def add_for_outsiders(world: World, command: str) -> Message:
    """Add a digest in a channel that another company reads, and say that this is meant."""
    return await world.press(await world.ask(command, channel=SHARED), "Add it anyway")


async def asks_the_vendor(world: World, seen: int) -> None:
    """Wait until the vendor has been asked again."""
    await world.zego.arrived(seen + 1)


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
    await world.ask('digest add "every hour" last=6h', channel=PRIVATE)
    await add_for_outsiders(world, 'digest add "every hour" last=6h')
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


async def test_a_lost_answer_is_looked_for_once_a_minute_without_asking_the_vendor_and_without_a_chart(
    world: World,
) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    for n in range(20):
        world.slack.write(f"talk before {n}")
    world.slack.limit_history()
    world.slack.misbehave("chat.postMessage", status=503)
    world.slack.misbehave("chat.postMessage", error="invalid_blocks")
    go_to(world, NINE)
    await slot_that(world, NINE, lambda slot: slot.error)
    await works_at_nothing(world)
    for n in range(20):
        world.slack.write(f"talk {n}")
    asked = world.vendor_calls
    for minute, calls in enumerate((2, 4)):  # a page, and a refusal of the next one
        go_to(world, NINE + ADJUSTED_LEASE_SECONDS + 61 * minute)
        await world.slack.wait_for(lambda: len(world.slack.calls_of("conversations.history")) == calls)  # noqa: B023 - waited for here
        await works_at_nothing(world)
    assert world.vendor_calls == asked, "nothing may be posted yet"
    assert "couldn't be fully checked" in (await slot_that(world, NINE, bool)).error
    go_to(world, NINE + ADJUSTED_LEASE_SECONDS + 122)
    slot = await ended(world, NINE)
    assert (slot.state, slot.posted_ts) == ("posted", (await post_number(world, 1)).ts)
    assert len(world.slack.calls_of("conversations.history")) == 5


async def works_at_nothing(world: World) -> None:
    """Wait until the worker has come to the end of what it does."""
    worker = world.bot.digests.worker
    assert worker is not None

    async def is_done() -> bool:
        return not worker.under_way

    await when_stored(is_done)


@pytest.mark.parametrize(
    ("word", "tries"), [("invalid_blocks", 1), ("invalid_blocks_format", 1), ("msg_blocks_too_long", 2)]
)
async def test_a_chart_that_slack_does_not_take_is_drawn_in_characters(
    world: World, word: str, tries: int
) -> None:
    add(world, NINE - 2 * HOUR)
    await world.ask(ADD)
    world.slack.misbehave(
        "chat.postMessage",
        error=word,
        times=2,
        only_if=lambda args: "data_visualization" in str(args["blocks"]),
    )
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert "data_visualization" not in {block["type"] for block in post.blocks}
    assert "█" in post.shown_text
    assert (await ended(world, NINE)).attempts == 1
    add(world, NINE + 2 * HOUR)
    go_to(world, NINE + DAY)
    await post_number(world, 2)
    refused = [call for call in world.slack.calls_of("chat.postMessage") if not call.ok]
    assert len(refused) == tries


# Where people of another company read.


OUTSIDERS = "People outside your organization can read this channel"


@pytest.mark.parametrize(
    ("typed", "query", "schedule", "zone", "quiet"),
    [
        ('"weekdays at 09:00"', "", "weekdays at 09:00", "Europe/Berlin", "line"),
        (
            '"every 6 hours" room=1230,"R&D >" failed 6h tz=asia/tokyo quiet=silent',
            'room=1230,"R&D >" status=failed last=6h',
            "every 6 hours",
            "Asia/Tokyo",
            "nothing",
        ),
        (
            '"0 9 * * 1-5" from="yesterday 14:00" to=today sort=oldest size=5',
            'from="yesterday 14:00" to=today sort=oldest size=5',
            "weekdays at 09:00",
            "Europe/Berlin",
            "line",
        ),
    ],
)
async def test_a_digest_for_outsiders_is_added_only_after_a_second_step(
    world: World, typed: str, query: str, schedule: str, zone: str, quiet: str
) -> None:
    question = await world.ask(f"digest add {typed}", channel=SHARED)
    assert question.ephemeral_for == ASKER
    assert question.text.startswith(OUTSIDERS)
    assert "no file links" in question.text
    assert "isn't added yet" in question.text
    assert "It covers recordings in" in question.text
    assert question.buttons == ["Add it anyway"]
    assert not check_blocks(question.blocks, "message")
    store = world.bot.digests.store
    assert await store.list_digests("T0LOCAL01", SHARED) == []
    added = await world.press(question, "Add it anyway")
    assert added.ts == question.ts
    assert "Added digest 1" in added.text
    kept = await digest(world, channel=SHARED)
    assert (kept.query, kept.schedule, kept.zone, kept.quiet) == (query, schedule, zone, quiet)
    assert (kept.for_outsiders, kept.owner_id) == (True, ASKER)


async def test_a_digest_for_outsiders_is_added_once_and_posted_like_any_other(world: World) -> None:
    task = add(world, NINE - HOUR, fails=True)
    question = await world.ask(ADD, channel=SHARED)
    for _ in range(2):
        await world.slack.click(question, "Add it anyway")
    await world.slack.wait_for(lambda: any("Added digest 1" in m.text for m in world.slack.messages))
    assert len(await world.bot.digests.store.list_digests("T0LOCAL01", SHARED)) == 1
    assert "Paused digest 1" in (await world.ask("digest pause 1", channel=SHARED)).text
    assert "Resumed digest 1" in (await world.ask("digest resume 1", channel=SHARED)).text, "asked once"
    go_to(world, NINE)
    post = await post_number(world, 1)
    assert (post.channel, task in post.text) == (SHARED, True)


async def test_a_button_for_outsiders_that_was_tampered_with_adds_nothing(world: World) -> None:
    question = await world.ask(ADD, channel=SHARED)
    for value in ("", "v1|1|0|digest remove 1", "v1|1|0|room=1230", "v2|x", 'v1|1|0|digest add "whenever"'):
        question.blocks[-1]["elements"][0]["value"] = value
        await world.slack.click(question, "Add it anyway")
    assert await world.bot.digests.store.list_digests("T0LOCAL01", SHARED) == []


async def test_outsiders_do_not_read_what_went_wrong_inside(world: World) -> None:
    add(world, NINE - HOUR)
    await add_for_outsiders(world, ADD)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    seen = world.vendor_calls
    go_to(world, NINE)
    await asks_the_vendor(world, seen)
    await slot_that(world, NINE, lambda slot: slot.error, channel=SHARED)
    world.zego.behave()
    go_to(world, NINE + 20 * MINUTE)
    post = await post_number(world, 1)
    assert "Posted 20 min late." in post.shown_text
    assert "not enabled" not in post.shown_text + post.text


async def test_the_form_asks_whoever_adds_a_digest_for_outsiders_to_tick_that(world: World) -> None:
    helped = await world.ask("digest", channel=SHARED)
    await world.slack.click(helped, "Add a digest")
    view = await form(world)
    assert view.blocks[-1]["label"]["text"] == OUTSIDERS
    assert view.blocks[-1]["optional"] is False, "Slack sends the form only when it is ticked"
    await world.slack.submit_view(view, {DigestField.OUTSIDERS: ["yes"]})
    await world.slack.wait_for(lambda: any(m.text.startswith("Added") for m in world.slack.messages))
    assert (await digest(world, channel=SHARED)).for_outsiders


async def test_a_form_that_was_opened_before_the_channel_was_shared_asks_in_a_message(world: World) -> None:
    helped = await world.ask("digest")
    await world.slack.click(helped, "Add a digest")
    view = await form(world)
    world.slack.channels[GENERAL].is_ext_shared = True
    await world.slack.submit_view(view, {DigestField.ROOMS: "7"})
    question = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.text.startswith(OUTSIDERS)), None)
    )
    assert await world.bot.digests.store.list_digests("T0LOCAL01", GENERAL) == []
    assert "Added digest 1" in (await world.press(question, "Add it anyway")).text
    added = await digest(world)
    assert (added.query, added.for_outsiders) == ("room=7", True)


async def test_the_form_does_not_ask_where_nobody_else_reads_or_it_was_said(world: World) -> None:
    await world.ask(ADD)
    await add_for_outsiders(world, ADD)
    for channel in (GENERAL, SHARED):
        await world.slack.click(await world.ask("digest list", channel=channel), "Settings")
        view = await form(world)
        assert OUTSIDERS not in str(view.blocks)
        await world.slack.submit_view(view, {DigestField.ROOMS: "7"})
        await world.slack.wait_for(lambda: any(m.text.startswith("Saved") for m in world.slack.messages))
    assert (await digest(world)).for_outsiders is False


@pytest.mark.parametrize("how", ["schedule", "run now"])
async def test_a_digest_whose_channel_is_shared_later_pauses_and_tells_its_owner(
    world: World, how: str
) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    if how == "run now":  # shared after the bot looked who may run it, and before it posts
        at_the_post = iter((False, True))
        world.slack.misbehave(
            "conversations.info", error="internal_error", only_if=lambda _: next(at_the_post, False)
        )
        asked_at = world.clock.now()
        await world.ask("digest run 1")
        await slot_that(world, asked_at, lambda slot: slot.error)
        world.slack.channels[GENERAL].is_ext_shared = True
        go_to(world, asked_at + MINUTE)
    else:
        world.slack.channels[GENERAL].is_ext_shared = True
        go_to(world, NINE)
    await world.slack.wait_for(lambda: told(world))
    assert posts(world) == []
    (message,) = told(world)
    assert (
        "People outside your organization can read this channel. To keep posting there, resume"
        in message.text
    )
    assert "`/recordings digest resume 1`" in message.text
    paused = await digest(world)
    assert (paused.is_paused, paused.for_outsiders) == (True, False)
    assert "People outside" in paused.paused_why
    assert "Paused*: People outside your organization" in (await world.ask("digest list")).shown_text


async def test_a_paused_digest_is_resumed_for_outsiders_only_after_a_second_step(world: World) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    world.slack.channels[GENERAL].is_ext_shared = True
    go_to(world, NINE)
    await world.slack.wait_for(lambda: told(world))
    question = await world.ask("digest resume 1")
    assert question.text.startswith(OUTSIDERS)
    assert "isn't resumed yet" in question.text
    assert (await digest(world)).is_paused
    resumed = await world.press(question, "Resume it anyway")
    assert resumed.ts == question.ts
    assert "Resumed digest 1" in resumed.text
    add(world, NINE + HOUR)
    go_to(world, NINE + DAY)
    post = await post_number(world, 1)
    assert post.channel == GENERAL
    world.clock.advance(MINUTE)
    assert "being posted as a test" in (await world.ask("digest run 1")).text
    await post_number(world, 2)


@pytest.mark.parametrize(
    ("button", "sure", "done"),
    [("Run now", "Post it anyway", "Digest 1 is being"), ("Resume", "Resume it anyway", "Resumed digest 1")],
)
async def test_a_list_asks_first_and_comes_back(world: World, button: str, sure: str, done: str) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    await world.ask("digest pause 1")
    listed = await world.ask("digest list")
    world.slack.channels[GENERAL].is_ext_shared = True
    question = await world.press(listed, button)
    assert (question.ts, question.buttons) == (listed.ts, [sure, "Back to the list"])
    assert posts(world) == []
    again = await world.press(question, sure)
    assert again.ts == listed.ts
    assert again.text.startswith(done)
    assert "1 digest in this channel" in again.text
    assert (await digest(world)).for_outsiders


async def test_a_digest_changed_after_its_channel_was_shared_asks_before_it_posts(world: World) -> None:
    await world.ask(ADD)
    listed = await world.ask("digest list")
    await world.slack.click(listed, "Settings")
    view = await form(world)
    world.slack.channels[GENERAL].is_ext_shared = True
    await world.slack.submit_view(view, {DigestField.ROOMS: "7"})
    question = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.text.startswith(OUTSIDERS)), None)
    )
    assert "Saved digest 1, but it pauses instead of posting" in question.text
    assert (await digest(world)).query == "room=7"
    next_run_at = (await digest(world)).next_run_at
    confirmed = await world.press(question, "Post it here anyway")
    assert confirmed.text.startswith("Confirmed digest 1: ")
    kept = await digest(world)
    assert (kept.for_outsiders, kept.next_run_at) == (True, next_run_at)
    await world.slack.click(await world.ask("digest list"), "Settings")


@pytest.mark.parametrize(
    "trouble",
    [{"error": "internal_error"}, {"error": "ratelimited"}, {"status": 503}, {"error": "token_revoked"}],
)
async def test_a_slack_that_does_not_say_who_reads_delays_a_digest_and_pauses_nothing(
    world: World, trouble: dict[str, Any]
) -> None:
    add(world, NINE - HOUR)
    await world.ask(ADD)
    world.slack.misbehave("conversations.info", **trouble)
    go_to(world, NINE)
    waiting = await slot_that(world, NINE, lambda slot: slot.error)
    assert (waiting.state, posts(world)) == ("open", [])
    assert not (await digest(world)).is_paused
    go_to(world, NINE + 10 * MINUTE)
    await post_number(world, 1)
    assert told(world) == []


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


def to_a_person(arguments: dict[str, Any]) -> bool:
    """Whether a message is a direct one, or about to be."""
    return "users" in arguments or str(arguments.get("channel")).startswith("D")


@pytest.mark.parametrize("method", ["conversations.open", "chat.postMessage"])
@pytest.mark.parametrize(
    ("trouble", "is_told"),
    [
        ({"error": "internal_error"}, True),
        ({"error": "fatal_error"}, True),
        ({"error": "service_unavailable"}, True),
        ({"error": "ratelimited"}, True),
        ({"error": "token_revoked"}, True),
        ({"status": 503}, True),
        ({"error": "user_disabled"}, False),
    ],
)
async def test_an_owner_is_told_when_slack_takes_messages_again_unless_it_never_will(
    world: World, method: str, trouble: dict[str, Any], is_told: bool
) -> None:
    await world.ask(ADD)
    world.slack.channels[GENERAL].is_archived = True
    world.slack.misbehave(method, only_if=to_a_person, **trouble)
    go_to(world, NINE)
    await ended(world, NINE)
    refused = await world.slack.wait_for(
        lambda: [call for call in world.slack.calls_of(method) if not call.ok and to_a_person(call.args)]
    )
    assert len(refused) == 1
    assert told(world) == []
    store = world.bot.digests.store
    go_to(world, NINE + TELL_LEASE_SECONDS + 1)
    if is_told:
        await world.slack.wait_for(lambda: told(world))
    go_to(world, NINE + 3 * TELL_LEASE_SECONDS)

    async def nobody_is_to_be_told() -> bool:
        return not await store.claim_notice(world.clock.now(), "nobody", 0.0)

    await when_stored(nobody_is_to_be_told)
    assert len(told(world)) == int(is_told)


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
        assert "The database cannot be used" in refused.text
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
        ("sqlite:///x.db?timeout=soon", "The database cannot be used. Whoever runs this bot can fix it"),
        ("sqlite://host/x.db", "The database cannot be used. Whoever runs this bot can fix it"),
        ("postgresql://bot:hunter2@127.0.0.1:9/x", "The database does not answer"),
    ],
)
async def test_a_database_that_is_of_no_use_stops_only_digests(
    address: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_world(DATABASE_URL=address) as world:
        refused = await world.ask("digest list")
        assert words in refused.text
        assert "hunter2" not in refused.text
        assert "DATABASE_URL" not in refused.text
        assert "DATABASE_URL" in caplog.text
        assert "No recordings" in (await world.ask("room=1230 last=6h")).text
        assert await degraded(world) == ["database"]


async def test_an_address_of_no_use_is_told_by_a_new_error_each_time() -> None:
    async with a_world(DATABASE_URL="sqlite:///x.db?timeout=soon") as world:
        errors = []
        for _ in range(3):
            with pytest.raises(StoreError) as raised:
                _ = world.bot.digests.store
            errors.append(raised.value)
        assert len({id(error) for error in errors}) == 3
        assert len({len(traceback.extract_tb(error.__traceback__)) for error in errors}) == 1
        assert {str(error) for error in errors} == {str(errors[0])}


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
        "Every Monday at 08:30, America/New_York: next Mon 23 Nov 08:30; Mon 30 Nov 08:30; Mon 7 Dec 08:30. "
        "It covers recordings in all rooms, all statuses, started since the digest before. "
        "When nothing happened, it posts one line."
    )
    await world.ask(ADD)
    assert "Every weekday at 09:00" in (await world.ask("digest preview 1")).text


async def test_the_times_of_an_hour_that_the_clocks_repeat_can_be_told_apart(world: World) -> None:
    go_to(world, datetime(2026, 10, 24, 23, 50, tzinfo=UTC).timestamp())
    preview = await world.ask('digest preview "every 30 minutes" tz=Europe/Berlin')
    assert "next Sun 25 Oct 02:00 CEST; Sun 25 Oct 02:30 CEST; Sun 25 Oct 02:00 CET." in preview.text
    for moment in ("02:00 CEST", "02:30 CEST", "02:00 CET"):
        assert moment in preview.shown_text
    go_to(world, world.clock.now() + HOUR)
    preview = await world.ask('digest preview "every 30 minutes" tz=Europe/Berlin')
    assert "next Sun 25 Oct 02:00 CET; Sun 25 Oct 02:30 CET; Sun 25 Oct 03:00." in preview.text


ASKED = [
    ("", "recordings in all rooms, all statuses, started since the digest before", "one line"),
    ("room=1230", "recordings in room 1230, all statuses, started since the digest before", "one line"),
    (
        "room=1230,88 status=failed last=24h quiet=silent",
        "recordings in rooms 1230 and 88, status failed, started in the last 24 h",
        "nothing",
    ),
    (
        'status=attention from="yesterday 14:00" to=today quiet=line',
        "recordings in all rooms, status attention, started from yesterday 14:00 to today",
        "one line",
    ),
    (
        'from=14:00 to=17:00 sort=oldest size=5 room="R&D > *b*"',
        "recordings in room R&D > *b*, all statuses, started from 14:00 to 17:00, oldest first, 5 a page",
        "one line",
    ),
]


@pytest.mark.parametrize(("terms", "asked", "quiet"), ASKED)
async def test_every_answer_says_back_what_was_asked_and_its_text_names_times_in_the_digests_zone(
    world: World, terms: str, asked: str, quiet: str
) -> None:
    says = escape(f"It covers {asked}. When nothing happened, it posts {quiet}.")
    due = "every day at 18:00, America/New_York"
    coming = f"{due}, next Mon 23 Nov 18:00 EST"
    add_it = f'digest add "daily at 18:00" tz=America/New_York {terms}'
    preview = f'digest preview "daily at 18:00" tz=America/New_York {terms}'
    heard = [
        (preview, "Every day at 18:00, America/New_York: next Mon 23 Nov 18:00; "),
        (add_it, f"Added digest 1: {coming}."),
        ("digest preview 1", "Every day at 18:00, America/New_York: next Mon 23 Nov 18:00; "),
        ("digest pause 1", "Paused digest 1: nothing is posted until it is resumed."),
        ("digest resume 1", f"Resumed digest 1: {coming}."),
    ]
    for command, begins in heard:
        answer = await world.ask(command)
        assert answer.text.startswith(begins), command
        assert answer.text.endswith(says), command
        assert "<!date" not in answer.text
        assert not check_blocks(answer.blocks, "message")
        assert answer.shown_text.count("It covers recordings in") == 1
    listed = await world.press(await world.press(await world.ask("digest list"), "Pause"), "Resume")
    assert listed.text.startswith(f"Resumed digest 1: {coming}. {says}")
    await world.slack.click(listed, "Settings")
    view = await form(world)
    await world.slack.submit_view(view, {DigestField.SCHEDULE: "daily at 19:00"})
    saved = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.text.startswith("Saved")), None)
    )
    assert saved.text == f"Saved digest 1: {due.replace('18', '19')}, next Mon 23 Nov 19:00 EST. {says}"
    removed = await world.ask("digest remove 1")
    assert removed.text == f"Removed digest 1: {due.replace('18', '19')}. {says}"


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
    await add_for_outsiders(world, ADD)
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
            and any(element.block_id == DigestField.SCHEDULE for element in view.elements)
            and view
        )
    )


async def test_a_digest_is_added_and_changed_by_the_form(world: World) -> None:
    helped = await world.ask("digest")
    await world.slack.click(helped, "Add a digest")
    view = await form(world)
    await world.slack.submit_view(view, {DigestField.SCHEDULE: "wekdays at 8"})
    view = world.slack.view_of(ASKER)
    assert "not a schedule" in str(view and view.errors)
    await world.slack.submit_view(
        view, {DigestField.SCHEDULE: "weekdays at 9", DigestField.ROOMS: "1230, 88"}
    )
    await world.slack.wait_for(lambda: any("Added digest 1" in m.text for m in world.slack.messages))
    assert (await digest(world)).query == "room=1230,88"

    add(world, NINE - HOUR)
    go_to(world, NINE)
    post = await post_number(world, 1)
    await world.slack.click(post, "Settings")
    view = await form(world)
    assert "1230,88" in str(view.state)
    await world.slack.submit_view(view, {DigestField.SCHEDULE: "every 6 hours", DigestField.ROOMS: "7"})
    await world.slack.wait_for(lambda: any("Saved digest 1" in m.text for m in world.slack.messages))
    changed = await digest(world)
    assert (changed.query, changed.schedule) == ("room=7", "every 6 hours")


async def test_the_settings_of_a_paused_digest_open_before_its_window_has_begun(world: World) -> None:
    await world.ask('digest add "daily at 18:00" from=14:00 to=17:00 room=7')
    await world.ask("digest pause 1")
    await world.slack.click(await world.ask("digest list"), "Settings")
    assert "from=14:00 to=17:00" in str((await form(world)).state)


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


async def test_a_test_run_says_how_far_it_reaches_and_that_a_paused_digest_stays_paused(world: World) -> None:
    await world.ask(f"{ADD} room=88")
    said = await world.ask("digest run 1")
    assert "started within as much time as the next digest will cover" in said.text
    await world.ask("digest pause 1")
    assert "it stays paused" in (await world.ask("digest run 1")).text


async def test_a_test_run_is_not_told_as_the_last_of_the_schedule(world: World) -> None:
    await world.ask(f"{ADD} room=88")
    await world.ask("digest run 1")
    await world.slack.wait_for(lambda: posts(world))
    kept = await digest(world)

    async def is_noted() -> bool:
        return (await world.bot.digests.store.latest_slots(kept.id, 1))[0].state == "posted"

    await when_stored(is_noted)
    assert (await digest(world)).last_result == ""
    assert "not posted yet" in (await world.ask("digest list")).text
