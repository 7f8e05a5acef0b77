"""What comes a second time has no second effect: events sent again, replayed deliveries, second clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.clock import AdjustableClock
from bot.sandbox.slack.state import GENERAL
from bot.slack.deduplication import CLICK_SECONDS, DELIVERY_SECONDS, Deduplication
from bot.slack.ids import FormField
from tests.world import HOUR_MS, NOW_MS, World

if TYPE_CHECKING:
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.views import View


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(NOW_MS / 1000, rate=0)


def of_bot(world: World) -> int:
    return sum(message.from_bot for message in world.slack.messages)


async def comes_again(world: World, delivery: Delivery) -> None:
    """Deliver it once more: it is acknowledged plainly, and nothing else comes of it."""
    calls, messages = len(world.slack.api_calls), of_bot(world)
    again = await world.slack.deliver_again(delivery)
    assert again.ok, again
    assert again.ack is None
    assert again.message is None
    await world.ask("help")  # answered after all that could have come of the repetition
    assert (len(world.slack.api_calls), of_bot(world)) == (calls, messages + 1)


async def test_a_replayed_command_is_not_answered(either_world: World) -> None:
    world = either_world
    delivery = await world.slack.command("room=1230 last=6h")
    await world.slack.wait_for(lambda: of_bot(world))
    await comes_again(world, delivery)


async def test_a_replayed_digest_command_adds_no_second_digest(world: World) -> None:
    delivery = await world.slack.command('digest add "daily at 9"')
    await world.slack.wait_for(lambda: of_bot(world))
    await comes_again(world, delivery)
    listed = await world.ask("digest list")
    assert "1 digest in this channel" in listed.shown_text


async def test_a_replayed_click_posts_nothing(either_world: World) -> None:
    world = either_world
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    answer = await world.ask("room=1230 last=6h")
    delivery = await world.slack.click(answer, "Post to channel")
    await world.slack.wait_for(lambda: any("Posted to the channel" in m.text for m in world.slack.messages))
    world.clock.advance(CLICK_SECONDS + 1)
    await comes_again(world, delivery)


async def form_of(world: World) -> View:
    return await world.slack.wait_for(
        lambda: (view := world.slack.view_of("U0ASKER1")) and view.state and view
    )


async def test_a_replayed_shortcut_opens_nothing_and_a_replayed_form_is_not_answered(
    either_world: World,
) -> None:
    world = either_world
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("what is with room 1230?", channel=GENERAL)
    shortcut = await world.slack.message_shortcut(root, "Find recordings")
    form = await form_of(world)
    await comes_again(world, shortcut)
    sent = await world.slack.submit_view(form)
    await world.slack.wait_for(lambda: any(task in message.text for message in world.slack.messages))
    await comes_again(world, sent)


async def test_a_form_can_be_sent_again_after_its_mistakes_are_mended(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("what is with room 1230?", channel=GENERAL)
    await world.slack.message_shortcut(root, "Find recordings")
    form = await form_of(world)
    world.slack.fill_in(form, {FormField.ROOMS: "1230 1230 " * 20})
    assert (await world.slack.submit_view(form)).ack["response_action"] == "errors"
    world.slack.fill_in(form, {FormField.ROOMS: "1230"})
    assert (await world.slack.submit_view(form)).ack is None
    await world.slack.wait_for(lambda: any(task in message.text for message in world.slack.messages))


async def test_two_apps_may_give_a_delivery_the_same_name(clock: AdjustableClock) -> None:
    deduplication = Deduplication(clock)
    assert await deduplication.first("delivery", "A1", "Ev1")
    assert await deduplication.first("delivery", "A2", "Ev1")
    assert await deduplication.first("delivery", "A1E", "v1")
    assert not await deduplication.first("delivery", "A1", "Ev1")


async def test_a_delivery_is_remembered_for_as_long_as_slack_sends_it_again(clock: AdjustableClock) -> None:
    deduplication = Deduplication(clock)
    assert await deduplication.first("delivery", "Ev1")
    clock.advance(DELIVERY_SECONDS - 1)
    assert not await deduplication.first("delivery", "Ev1")
    clock.advance(1)
    assert await deduplication.first("delivery", "Ev1")


async def test_what_is_under_way_is_not_begun_again_and_what_failed_is(clock: AdjustableClock) -> None:
    deduplication = Deduplication(clock)

    async def fail() -> None:
        async with deduplication.begin("post", "1") as first:
            assert first
            clock.advance(3600)
            async with deduplication.begin("post", "1") as second:
                assert not second
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with deduplication.begin("post", "1") as again:
        assert again
    async with deduplication.begin("post", "1") as third:
        assert not third
    clock.advance(CLICK_SECONDS)
    async with deduplication.begin("post", "1") as later:
        assert later


async def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(
    clock: AdjustableClock,
) -> None:
    deduplication = Deduplication(clock, kept=100)
    for number in range(1_000):
        assert await deduplication.first(str(number))
    assert len(deduplication._until) == 100
    assert not await deduplication.first("999")
    assert await deduplication.first("0")
