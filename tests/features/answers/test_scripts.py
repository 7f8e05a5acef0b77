"""Digits of any script are understood, and a room that cannot be is never "none": from every way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.sandbox.slack.state import ASKER, GENERAL
from bot.slack.ids import FormField
from tests.features.answers.test_listeners import add_ended, tasks_in
from tests.features.digests.test_listeners import ADD, NINE, digest, ended, go_to
from tests.features.form.test_listeners import answered, filled, from_bot
from tests.world import HOUR_MS, NOW_MS, World

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Message

DIGITS = ["١٢٣٠", "۱۲۳۰", "१२३०", "১২৩০", "１２３０"]
"""1230 in Arabic, Persian, Hindi, Bengali and full-width digits."""

IMPOSSIBLE = "`сlass-7` can't be a room ID"
"""Its first letter is Cyrillic."""


def said(message: Message) -> str:
    return message.text + message.shown_text


async def from_bot_that_says(world: World, words: str) -> Message:
    return await world.slack.wait_for(lambda: next((m for m in from_bot(world) if words in said(m)), None))


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("text", ["room={} last=6h", "{} 6h", "room=88,{}", "room={} size=٥ page=١"])
async def test_a_room_in_digits_of_any_script_is_found_and_written_in_plain_ones(
    world: World, digits: str, text: str
) -> None:
    [task] = add_ended(world, 1)
    answer = await world.ask(text.format(digits))
    assert tasks_in(answer) == [task]
    values = [element.raw["value"] for element in answer.elements if element.raw.get("value")]
    assert any("1230" in value for value in values)
    assert all(value.isascii() for value in values)


async def test_a_mention_and_a_direct_message_understand_them_too(world: World) -> None:
    [task] = add_ended(world, 1)
    await world.slack.mention("room=١٢٣٠ last=٦h")
    await world.slack.direct_message("room=१२३० last=६h")
    await world.slack.wait_for(lambda: sum(task in message.text for message in from_bot(world)) == 2)


async def test_the_form_understands_them_typed_and_found_in_a_message(world: World) -> None:
    [task] = add_ended(world, 1)
    root = world.slack.write("room ١٢٣٠ is missing", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    form = await filled(world)
    assert "1230" in str(form.state)
    await world.slack.submit_view(form, {FormField.ROOMS: "۱۲۳۰"})
    assert (await answered(world, task)).thread_ts == root.ts


async def test_digests_are_added_and_managed_in_digits_of_any_script(world: World) -> None:
    assert "09:00" in said(await world.ask('digest add "weekdays at ٠٩:٠٠" room=१२३० size=٥'))
    kept = await digest(world)
    assert (kept.query, kept.schedule) == ("room=1230 size=5", "weekdays at 09:00")
    await world.ask("digest pause ١")
    assert (await digest(world)).is_paused
    await world.ask("digest resume #۱")
    assert not (await digest(world)).is_paused


async def test_an_impossible_room_is_said_to_be_one_and_the_button_asks_for_the_one_that_is_meant(
    world: World,
) -> None:
    task = world.zego.add_task(room_id="class-7", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=сlass-7 last=6h")
    assert IMPOSSIBLE in said(answer)
    assert "room=class-7 last=6h" in said(answer)
    assert "No recordings" not in said(answer)
    assert world.vendor_calls == 0
    [search] = [element for element in answer.elements if "class-7" in str(element.raw.get("value"))]
    found = await world.press(answer, search.label)
    assert task in found.text


@pytest.mark.parametrize("room", ["会议", "büro", "class-7🙂", "ёж"])
async def test_an_impossible_room_without_a_likely_one_is_not_searched_for_either(
    world: World, room: str
) -> None:
    answer = await world.ask(f"room={room} last=6h")
    assert f"`{room}` can't be a room ID" in said(answer)
    assert world.vendor_calls == 0


async def test_a_mention_of_an_impossible_room_says_so_privately(world: World) -> None:
    await world.slack.mention("room=сlass-7 last=6h")
    answer = await from_bot_that_says(world, IMPOSSIBLE)
    assert answer.ephemeral_for == ASKER
    assert world.vendor_calls == 0


async def test_the_form_says_it_at_its_field(world: World) -> None:
    root = world.slack.write("Thank you all!", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    await world.slack.submit_view(await filled(world), {FormField.ROOMS: "сlass-7"})
    view = world.slack.view_of(ASKER)
    assert view
    assert "“сlass-7” can't be a room ID" in view.errors[FormField.ROOMS]
    assert "Did you mean “class-7”?" in view.errors[FormField.ROOMS]
    assert world.vendor_calls == 0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("room=сlass-7 last=6h", IMPOSSIBLE),
        ('room="\\u0441lass-7" last=6h', IMPOSSIBLE),
        ("room=١٢٣٠ last=6h", ""),
    ],
)
async def test_a_button_from_before_says_it_or_is_understood(world: World, query: str, words: str) -> None:
    tasks = add_ended(world, 12)
    answer = await world.ask("room=1230 last=6h")
    for element in answer.elements:
        if element.raw.get("value"):
            element.raw["value"] = f"v1|2|{NOW_MS}|{query}"
    before = world.vendor_calls
    pressed = await world.press(answer, "Older ▶")
    if words:
        assert words in said(pressed)
        assert world.vendor_calls == before
    else:
        assert set(tasks_in(pressed)) <= set(tasks)
        assert len(tasks_in(pressed)) == 2


async def test_a_digest_of_an_impossible_room_is_not_added(world: World) -> None:
    answer = await world.ask(f"{ADD} room=сlass-7")
    assert IMPOSSIBLE in said(answer)
    assert 'digest add "weekdays at 09:00" room=class-7' in said(answer)
    assert not await world.bot.digests.store.list_digests("T0LOCAL01", GENERAL)


async def test_a_digest_of_one_from_before_is_paused_and_its_owner_told_instead_of_none(world: World) -> None:
    await world.ask(f"{ADD} room=1230")
    kept = await digest(world)
    await world.bot.digests.store.change(kept.id, query="room=сlass-7")
    go_to(world, NINE)
    assert (await ended(world, NINE)).state == "failed"
    told = await from_bot_that_says(world, IMPOSSIBLE)
    assert told.channel != GENERAL
    assert (await digest(world)).is_paused
