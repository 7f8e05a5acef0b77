"""Who gets in by which way, what somebody gets who is not let in, and what a forged button or form can do."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from bot.sandbox.slack.state import ASKER, GENERAL, PRIVATE, TEAM
from bot.slack import ids
from tests.nightly.fuzz_deliveries import TASK, Sample, Sender, a_sender, settled

if TYPE_CHECKING:
    from bot.features.digests.models import Digest

ELSEWHERE = "T0OTHER01"
MANAGING = (
    ids.DIGEST_PAUSE,
    ids.DIGEST_RESUME,
    ids.DIGEST_REMOVE,
    ids.DIGEST_RUN,
    ids.DIGEST_SETTINGS,
)


def of_another_team(sample: Sample) -> Sample:
    """The same, done by somebody whose own team is another one: in a channel that both share."""
    kind, payload = sample[0], copy.deepcopy(sample[1])
    if kind == "slash_commands":
        payload["team_id"] = ELSEWHERE
    elif kind == "events_api":
        payload["event"] |= {"team": ELSEWHERE, "user_team": ELSEWHERE, "source_team": ELSEWHERE}
    else:
        payload["user"]["team_id"] = ELSEWHERE
    return kind, payload


def needs_no_channel(sample: Sample) -> bool:
    """What opens the form, or shows the Home tab: the channel is chosen later, or there is none."""
    payload = sample[1]
    event = (payload.get("event") or {}).get("type")
    return payload.get("type") == "shortcut" or event == "app_home_opened"


async def digests_of(sender: Sender, channel: str = GENERAL) -> list[Digest]:
    return list(await sender.world.bot.digests.store.list_digests(TEAM, channel))


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({"allowed_users": frozenset({"U0NOBODY"})}, "list of people"),
        ({"allowed_channels": frozenset({"C0NOWHERE"})}, "in this channel"),
        ({"allowed_teams": frozenset({"T0NOBODY"})}, "only people of the workspace"),
        ({}, "another team"),
    ],
    ids=["users", "channels", "teams", "another team"],
)
async def test_no_way_leads_past_the_door(changes: dict[str, Any], how: str) -> None:
    async with a_sender(**changes) as sender:
        slack, zego = sender.world.slack, sender.world.zego
        anywhere = "allowed_channels" in changes
        tried = [sample for sample in sender.known if not (anywhere and needs_no_channel(sample))]
        kinds = {payload.get("type") for _, payload in tried}
        assert {"block_actions", "view_submission", "message_action", "event_callback", None} <= kinds
        said, asked, files = set(map(id, slack.messages)), len(zego.requests), len(slack.files)
        views = {view.id: view.hash for view in slack.platform.views.modals.get(ASKER, [])}
        digests = await digests_of(sender)
        for sample in tried:
            assert await sender.send(of_another_team(sample) if how == "another team" else sample) == ""
        await settled(sender.world)
        words = "only people of the workspace" if how == "another team" else how
        new = [message for message in slack.messages if id(message) not in said and message.from_bot]
        assert new
        for message in new:
            assert words in message.shown_text
            assert message.ephemeral_for or slack.channels[message.channel].kind == "im"
        assert len(zego.requests) == asked
        assert len(slack.files) == files
        assert {view.id: view.hash for view in slack.platform.views.modals.get(ASKER, [])} == views
        assert await digests_of(sender) == digests
        home = slack.home_of(ASKER)
        if not anywhere:
            assert home
            assert words in str(home.blocks)


def click_on(sender: Sender, action_id: str, value: str, channel: str) -> Sample:
    """A click in a channel on a button that the bot never put there."""
    kind, payload = next(
        sample
        for sample in sender.known
        if sample[1].get("type") == "block_actions" and sample[1]["actions"][0]["action_id"] == action_id
    )
    payload = copy.deepcopy(payload)
    payload["channel"]["id"] = payload["container"]["channel_id"] = channel
    payload["actions"][0] |= {"value": value, "block_id": ids.digest_listed(value)}
    return kind, payload


async def test_a_forged_button_or_form_manages_no_other_channels_digest() -> None:
    async with a_sender() as sender:
        [digest] = await digests_of(sender)
        values = (digest.id, "1", "' OR '1'='1", "%")
        forged = [click_on(sender, verb, value, PRIVATE) for verb in MANAGING for value in values]
        kind, payload = next(
            sample
            for sample in sender.known
            if sample[1].get("type") == "view_submission"
            and sample[1]["view"]["callback_id"] == ids.DIGEST_FORM
        )
        payload = copy.deepcopy(payload)
        payload["view"]["private_metadata"] = f'{{"channel_id":"{PRIVATE}","digest_id":"{digest.id}"}}'
        shown = len(sender.world.slack.messages)
        for sample in (*forged, (kind, payload)):
            assert await sender.send(sample) == ""
        await settled(sender.world)
        new = sender.world.slack.messages[shown:]
        assert any("This digest is gone" in message.shown_text for message in new)
        assert not any("weekday" in message.shown_text for message in new)
        assert await digests_of(sender) == [digest]
        assert await digests_of(sender, PRIVATE) == []
        own = click_on(sender, ids.DIGEST_PAUSE, digest.id, GENERAL)
        assert await sender.send(own) == ""
        await settled(sender.world)
        [paused] = await digests_of(sender)
        assert paused.is_paused


async def test_forged_details_post_nowhere_that_the_clicking_person_may_not_ask() -> None:
    async with a_sender(allowed_channels=frozenset({GENERAL})) as sender:
        kind, payload = next(
            sample
            for sample in sender.known
            if "view" in sample[1] and sample[1].get("actions", [{}])[0].get("action_id") == ids.DETAILS_POST
        )
        payload = copy.deepcopy(payload)
        payload["view"]["private_metadata"] = f'{{"channel_id":"{PRIVATE}","task_id":"{TASK}"}}'
        before = in_private(sender)
        assert await sender.send((kind, payload)) == ""
        await settled(sender.world)
        assert in_private(sender) == before


def in_private(sender: Sender) -> list[str]:
    """What everyone sees there."""
    seen = (message for message in sender.world.slack.messages if not message.ephemeral_for)
    return [message.ts for message in seen if message.channel == PRIVATE]
