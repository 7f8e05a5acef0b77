"""What others can see: every button of every message that stands in a conversation, whoever presses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.sandbox.slack.state import (
    ASKER,
    BOT_USER,
    DM_ASKER,
    DM_PEOPLE,
    GENERAL,
    PARTNER,
    PRIVATE_NO_BOT,
    READER,
    SHARED,
    Channel,
)
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack import ids
from tests.nightly.fuzz_deliveries import settled
from tests.world import HOUR_MS, NOW_MS, World

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Message
    from bot.sandbox.slack.views import View

GROUP_DM, GROUP_DM_WITH_BOT = "C0GROUPDM1", "C0GROUPDM2"
LINK = "https://"
"""How the address of a file begins. Nothing else that the bot says has one."""


def add_recordings(world: World) -> str:
    """Two that have ended in room 88, one still running from before; the task of the first."""
    task = world.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    world.zego.add_task(room_id="88", began_ms=NOW_MS - 3 * HOUR_MS, ends_ms=NOW_MS - 2 * HOUR_MS)
    world.zego.add_task(room_id="88", began_ms=NOW_MS - 9 * HOUR_MS, status=2)
    return task


def add_group_messages(world: World) -> None:
    """Group direct messages, of which the bot has no scope to know anything."""
    for channel_id, members in ((GROUP_DM, set()), (GROUP_DM_WITH_BOT, {BOT_USER})):
        people = {ASKER, READER, PARTNER} | members
        world.slack.channels[channel_id] = Channel(channel_id, "mpdm-a--b-1", "mpim", people)


def standing(world: World, channel: str) -> list[Message]:
    """What everyone in a conversation sees of the bot."""
    found = (m for m in world.slack.messages if m.channel == channel and m.from_bot)
    return [message for message in found if not message.ephemeral_for]


async def post(world: World, text: str, channel: str) -> Message:
    """Ask with the command, and post the answer, confirming where that is asked."""
    before = len(standing(world, channel))
    answer = await world.ask(text, channel=channel)
    said = await world.press(answer, "Post to channel")
    if "Post it" in said.buttons:
        await world.press(said, "Post it")
    await settled(world)
    [posted] = standing(world, channel)[before:]
    return posted


async def filled(world: World, words: str, user: str = ASKER) -> View:
    return await world.slack.wait_for(
        lambda: (view := world.slack.view_of(user)) and words in str(view.payload()) and view
    )


async def post_details(world: World, message: Message) -> None:
    """Post a row's details from their modal."""
    await world.slack.click(message, "Details")
    view = await filled(world, "Files (")
    post_button = next(e for e in view.elements if e.action_id.startswith(ids.DETAILS_POST))
    await world.slack.click(view, post_button)
    await filled(world, "Posted.")
    await world.slack.close_view(view)


async def post_everything(world: World, channel: str) -> None:
    """Have every kind of message stand in a conversation that can, whatever brings it there."""
    task = add_recordings(world)
    listed = await post(world, "room=88 last=6h size=1", channel)  # pages
    await post(world, "room=88 status=ongoing last=6h", channel)  # Show them
    await post(world, "room=88 last=30m", channel)  # Show 3 days
    await post(world, f"task={task}", channel)
    await post_details(world, listed)
    if channel == SHARED:
        world.zego.add_task(room_id="9", began_ms=NOW_MS - 20 * HOUR_MS, status=2)
        asked = await world.ask('digest add "weekdays at 09:00" last=24h', channel=channel)
        await world.press(asked, "Add it anyway")
        await world.ask("digest run 1", channel=channel)
        await world.slack.wait_for(lambda: [m for m in standing(world, channel) if "Pause" in m.buttons])
    await settled(world)


async def mention_everything(world: World, channel: str) -> None:
    """The same by mention, form and export, where colleagues alone read: with links."""
    task = add_recordings(world)
    for text in (f"task={task}", "room=88 last=6h size=1"):
        await world.slack.mention(text, channel=channel)
    await settled(world)
    listed = standing(world, channel)[-1]
    await world.slack.click(listed, "Edit query…")
    form = await filled(world, ids.FormField.ROOMS)
    await world.slack.submit_view(form, {ids.FormField.WHERE: "thread"})
    await post_details(world, listed)
    await world.slack.click(listed, "Export CSV")
    await settled(world)
    assert LINK in seen(world, channel)


def seen(world: World, channel: str) -> str:
    """Everything that everyone in a conversation sees."""
    return json.dumps([[m.text, m.blocks, m.files] for m in standing(world, channel)])


async def press_everything(world: World, channel: str, user: str) -> tuple[list[str], str]:
    """Press every button that a person sees on what stands there, and on what comes of it.

    Returns:
        The labels, and all that everyone saw meanwhile, even for a moment.
    """
    pressed: list[str] = []
    shown = [seen(world, channel)]
    for message in standing(world, channel):
        if user not in world.slack.channels[channel].members:
            break
        for label in dict.fromkeys(message.buttons):
            if label not in message.buttons:
                continue  # another press has changed it
            before = {id(m) for m in world.slack.messages}
            with world.slack.subscribe() as events:
                await world.slack.click(message, label, user=user)
                await settled(world)
                await press_what_came(world, user, before)
                while not events.queue.empty():
                    event = events.queue.get_nowait()
                    about = event.get("message") or {}
                    if about.get("channel") == channel and not about.get("ephemeral_for"):
                        shown.append(json.dumps(about))
            pressed.append(label)
    return pressed, "".join(shown)


async def press_what_came(world: World, user: str, before: set[int]) -> None:
    """Press the buttons of a modal that has opened, and those of a private answer."""
    if view := world.slack.view_of(user):
        for element in [e for e in view.elements if e.raw["type"] == "button" and "url" not in e.raw]:
            if element in view.elements and world.slack.view_of(user) is view:
                await world.slack.click(view, element, user=user)
                await settled(world)
        if view.body.get("submit") and world.slack.view_of(user) is view:
            where = next((e for e in view.elements if e.block_id == ids.FormField.WHERE), None)
            offered = [option["value"] for option in where.raw["options"]] if where else []
            public = next((place for place in offered if place != "private"), None)
            await world.slack.submit_view(view, {ids.FormField.WHERE: public} if public else {}, user=user)
            await settled(world)
        while top := world.slack.view_of(user):
            await world.slack.close_view(top, user=user)
    for message in [m for m in world.slack.messages if id(m) not in before and m.ephemeral_for == user]:
        for label in ("Refresh", "Show them", "Show 3 days", "Details", "Post to channel"):
            if label in message.buttons:
                await world.slack.click(message, label, user=user)
                await settled(world)
        while top := world.slack.view_of(user):
            await world.slack.close_view(top, user=user)


OUTSIDE = {
    SHARED: "Slack Connect",
    PRIVATE_NO_BOT: "private, and the bot is not in it",
    DM_PEOPLE: "a direct message of two people",
    GROUP_DM: "a group message",
    GROUP_DM_WITH_BOT: "a group message with the bot",
}


@pytest.mark.parametrize("user", [ASKER, READER, PARTNER])
@pytest.mark.parametrize("channel", OUTSIDE, ids=OUTSIDE.values())
async def test_no_button_shows_a_file_address_where_outsiders_may_read(
    world: World, channel: str, user: str
) -> None:
    add_group_messages(world)
    await post_everything(world, channel)
    if user not in world.slack.channels[channel].members:
        return
    pressed, shown = await press_everything(world, channel, user)
    usual = {"Refresh", "Older ▶", "Edit query…", "Export CSV", "Details", "Show them", "Show 3 days"}
    assert usual <= set(pressed)
    assert LINK not in shown
    assert not [m for m in world.slack.messages if m.files and m.channel == channel]
    private = "".join(m.text for m in world.slack.messages if m.ephemeral_for == user)
    assert (LINK in private) == (user != PARTNER)  # what is not shown to others is shown to the colleague
    if user == PARTNER:
        assert "88" not in private


@pytest.mark.parametrize("user", [ASKER, READER])
async def test_once_outsiders_come_in_no_button_shows_an_address_again(world: World, user: str) -> None:
    await mention_everything(world, GENERAL)
    linked = [message for message in standing(world, GENERAL) if LINK in message.text]
    world.slack.channels[GENERAL].is_ext_shared = True
    world.clock.advance(301)  # what was known of the channel is forgotten
    for message in standing(world, GENERAL):
        if message not in linked:
            world.slack.workspace.delete_message(message)
    for message in linked:
        before = message.to_json()
        await world.press(message, "Refresh", user=user)
        await settled(world)
        if user == ASKER:
            assert LINK not in json.dumps([message.text, message.blocks])
        else:
            assert message.to_json() == before


async def test_posting_details_asks_when_outsiders_came_in_after_they_were_opened(world: World) -> None:
    add_recordings(world)
    answer = await world.ask("room=88 last=6h")
    await world.slack.click(answer, "Details")
    view = await filled(world, "Files (")
    world.slack.channels[GENERAL].is_ext_shared = True
    world.clock.advance(301)
    await world.slack.click(view, "Post to channel")
    asks = await filled(world, "outside your organization")
    assert standing(world, GENERAL) == []
    assert next(e for e in asks.elements if e.label == "Post to channel").raw["confirm"]
    await world.slack.click(asks, "Post to channel")
    await filled(world, "Posted.")
    [posted] = standing(world, GENERAL)
    assert LINK not in json.dumps([posted.text, posted.blocks])


@pytest.mark.parametrize("channel", OUTSIDE, ids=OUTSIDE.values())
async def test_where_it_is_not_known_who_reads_posting_asks_first(world: World, channel: str) -> None:
    add_group_messages(world)
    task = add_recordings(world)
    answer = await world.ask(f"task={task}", channel=channel)
    warning = await world.press(answer, "Post to channel")
    assert "outside your organization" in warning.text
    assert warning.ephemeral_for == ASKER
    assert standing(world, channel) == []


async def test_posting_to_the_bots_own_direct_message_asks_nothing_and_shows_links(world: World) -> None:
    task = add_recordings(world)
    answer = await world.ask(f"task={task}", channel=DM_ASKER)
    posted = await world.press(answer, "Post to channel")
    assert posted.channel == DM_ASKER
    assert LINK in posted.text
    await settled(world)
    assert world.slack.calls_of("conversations.info") == []
    again = await world.press(posted, "Refresh")
    assert again.ts == posted.ts
    assert len(world.slack.calls_of("conversations.open")) == 1


async def test_a_direct_message_that_slack_does_not_name_counts_as_somebody_elses(world: World) -> None:
    task = add_recordings(world)
    answer = await world.ask(f"task={task}", channel=DM_ASKER)
    world.slack.misbehave("conversations.open", error="missing_scope")
    warning = await world.press(answer, "Post to channel")
    assert "outside your organization" in warning.text
    posted = await world.press(warning, "Post it")
    assert LINK not in json.dumps([posted.text, posted.blocks])  # as was said


async def test_in_a_direct_message_the_other_persons_click_changes_nothing(world: World) -> None:
    task = add_recordings(world)
    posted = await post(world, f"task={task}", DM_PEOPLE)
    before = posted.to_json()
    answer = await world.press(posted, "Refresh", user=READER)
    assert (answer.ephemeral_for, LINK in answer.text) == (READER, True)
    assert posted.to_json() == before


async def test_a_mistake_in_the_bots_own_direct_message_makes_way_for_the_answer(world: World) -> None:
    task = add_recordings(world)
    await world.slack.direct_message("room=88 statsu=ended")
    said = await world.slack.wait_for(lambda: next((m for m in world.slack.messages if m.buttons), None))
    answer = await world.press(said, "Ask that")
    assert answer.ts == said.ts
    assert task in answer.text


def told(world: World) -> list[Message]:
    return standing(world, GENERAL)


@pytest.mark.parametrize("text", ["room=88 last=6h", "task={task}"])
@pytest.mark.parametrize("way", ["command", "mention", "details"])
async def test_the_text_says_who_asked_as_the_blocks_do(world: World, text: str, way: str) -> None:
    task = add_recordings(world)
    text = text.format(task=task)
    if way == "command":
        await post(world, text, GENERAL)
    elif way == "mention":
        await world.slack.mention(text)
    else:
        await post_details(world, await world.ask("room=88 last=6h"))
    posted = await world.slack.wait_for(lambda: told(world) and told(world)[-1])
    await settled(world)
    asked = f"Asked by <@{ASKER}>"
    assert posted.text.startswith(f"{asked}: ")
    assert posted.shown_text.count(asked) == 1
    again = await world.press(posted, "Refresh")
    assert again.text.startswith(f"{asked}: ")


class TestPostedOnce:
    """A public post that may have been taken is never repeated by another way."""

    async def details(self, world: World, channel: str = GENERAL) -> View:
        add_recordings(world)
        await world.slack.click(await world.ask("room=88 last=6h", channel=channel), "Details")
        return await filled(world, "Files (")

    @pytest.mark.parametrize("how", [{"status": 503}, {"error": "fatal_error"}])
    async def test_details_that_slack_may_have_are_not_posted_again(
        self, world: World, how: dict[str, Any]
    ) -> None:
        view = await self.details(world)
        world.slack.misbehave("response_url", after_effect=True, **how)
        await world.slack.click(view, "Post to channel")
        said = await filled(world, "Slack did not say whether it took the answer")
        assert "Reference" in str(said.blocks)
        assert len(told(world)) == 1
        assert world.slack.calls_of("chat.postMessage") == []

    async def test_details_that_slack_refused_by_one_way_go_by_the_other(self, world: World) -> None:
        view = await self.details(world)
        world.clock.advance(31 * 60)
        await world.slack.click(view, "Post to channel")
        await filled(world, "Posted.")
        assert len(told(world)) == 1

    async def test_what_was_not_posted_is_not_called_posted_at_the_next_click(self, world: World) -> None:
        view = await self.details(world)
        world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
        world.clock.advance(3_601)
        await world.slack.click(view, "Post to channel")
        await filled(world, "ZEGO_SERVER_SECRET")
        world.zego.behave()
        await world.slack.click(view, "Post to channel")
        await filled(world, "Posted.")
        assert len(told(world)) == 1


@pytest.mark.parametrize(
    ("button", "metadata"),
    [
        (button, metadata)
        for button in ("Post to channel", "Copy for ZEGOCLOUD support")
        for metadata in ("", "{}", "[", f'{{"channel_id":"{GENERAL}"}}', '{"task_id":"."}', '{"task_id":7}')
    ],
)
async def test_a_modal_that_lost_its_task_asks_zegocloud_nothing_and_posts_nothing(
    world: World, button: str, metadata: str
) -> None:
    add_recordings(world)
    await world.slack.click(await world.ask("room=88 last=6h"), "Details")
    view = await filled(world, "Files (")
    view.body["private_metadata"] = metadata
    before = world.vendor_calls
    await world.slack.click(view, button)
    await filled(world, "doesn't say which recording")
    await settled(world)
    assert told(world) == []
    assert world.vendor_calls == before


@pytest.mark.parametrize("value", ["", "v1|1|0|", "v1|1|0|room=88", 'v1|1|0|task=""', "v1|1|0|task=."])
async def test_a_details_button_without_a_task_asks_zegocloud_nothing(world: World, value: str) -> None:
    add_recordings(world)
    answer = await world.ask("room=88 last=6h")
    next(e for e in answer.elements if e.label == "Details").raw["value"] = value
    before = world.vendor_calls
    await world.slack.click(answer, "Details")
    await settled(world)
    assert world.vendor_calls == before
    said = [str(view.blocks) for view in world.slack.platform.views.modals.get(ASKER, [])]
    said += [message.text for message in world.slack.messages[1:]]
    assert any("which recording" in text or "another version" in text or "task" in text for text in said)


@pytest.mark.parametrize("metadata", ["", "{", '{"channel_id":7}'])
async def test_a_form_that_lost_where_it_was_opened_answers_privately_and_nothing_wider(
    world: World, metadata: str
) -> None:
    add_recordings(world)
    world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.slack.click(await world.ask("room=88 last=6h"), "Edit query…")
    form = await filled(world, ids.FormField.ROOMS)
    form.body["private_metadata"] = metadata
    await world.slack.submit_view(form, {ids.FormField.WHERE: "channel"})
    said = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.channel == DM_ASKER and m.from_bot), None)
    )
    assert "/recordings room=88 last=6h" in said.shown_text
    assert told(world) == []


async def test_a_form_that_was_open_for_long_still_posts_once_where_the_bot_is(world: World) -> None:
    add_recordings(world)
    await world.slack.click(await world.ask("room=88 last=6h"), "Edit query…")
    form = await filled(world, ids.FormField.ROOMS)
    world.clock.advance(31 * 60)
    await world.slack.submit_view(form, {ids.FormField.WHERE: "channel"})
    await world.slack.wait_for(lambda: told(world))
    await settled(world)
    assert [("room 88" in m.text, m.ephemeral_for) for m in world.slack.messages[1:]] == [(True, None)]
