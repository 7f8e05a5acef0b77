"""Who is answered: people of the bot's own team or organisation, and of the lists, all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.config import Settings
from bot.errors import AccessError
from bot.sandbox.slack.state import (
    ASKER,
    DM_ASKER,
    GENERAL,
    ORGANIZATION,
    PARTNER,
    PRIVATE,
    READER,
    SHARED,
    SISTER_TEAM,
    TEAM,
)
from bot.slack.access import check_access
from bot.slack.ids import FormField
from bot.slack.payload import Asker, asker_of
from bot.slack.sign_in import Home
from tests.nightly.fuzz_deliveries import settled
from tests.world import MINUTE_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Message

HOME = Home("T0HOME001", "", "U0BOT0001", "B0BOT0001")
GRID = Home("T0HOME001", "E0GRID001", "U0BOT0001", "B0BOT0001")


def click(user_team: str | None, team: dict[str, Any] | None, enterprise: str = "") -> dict[str, Any]:
    user = {"id": "U1", "team_id": user_team} if user_team else {"id": "U1"}
    return {
        "user": user,
        "team": team,
        "enterprise": {"id": enterprise} if enterprise else None,
        "channel": {"id": "C1"},
    }


@pytest.mark.parametrize(
    ("body", "asker"),
    [
        (
            {"user_id": "U1", "team_id": "T1", "enterprise_id": "E1", "channel_id": "C1"},
            Asker("U1", "T1", "E1", "C1"),
        ),
        ({"user_id": "U1", "team_id": "T1", "channel_id": "C1"}, Asker("U1", "T1", "", "C1")),
        (click("T1", {"id": "T1"}), Asker("U1", "T1", "", "C1")),
        (click(None, {"id": "T1"}), Asker("U1", "T1", "", "C1")),
        (click("T1", {"id": "T1"}, "E1"), Asker("U1", "T1", "E1", "C1")),
        (click("T1", {"id": "T1", "enterprise_id": "E1"}), Asker("U1", "T1", "E1", "C1")),
        (click("T9", {"id": "T1", "enterprise_id": "E1"}, "E1"), Asker("U1", "T9", "", "C1")),
        (click("E1", None, "E1"), Asker("U1", "E1", "E1", "C1")),
        (click("T9", None, "E1"), Asker("U1", "T9", "", "C1")),
        ({"user": {"id": "U1", "team_id": "T1"}, "team": None}, Asker("U1", "T1", "", "")),
        ({}, Asker("", "", "", "")),
        ({"user_id": "U1>|<!channel", "team_id": "T1", "channel_id": "c1\n"}, Asker("", "T1", "", "")),
        ({"user": {"id": "*U1*", "team_id": "T1"}, "channel": {"id": "../C1"}}, Asker("", "T1", "", "")),
        ({"event": {"user": "U1 U2", "channel": "C1"}, "team_id": "T1"}, Asker("", "T1", "", "C1")),
        (
            {"event": {"user": "U1", "channel": "C1"}, "team_id": "T1", "is_ext_shared_channel": True},
            Asker("U1", "", "", "C1"),
        ),
        (
            {"event": {"type": "message", "channel_type": "im", "user": "U1", "team": "T1", "channel": "D1"}},
            Asker("U1", "T1", "", "D1", direct=True),
        ),
        (
            {
                "event": {
                    "type": "message",
                    "channel_type": "mpim",
                    "user": "U1",
                    "team": "T1",
                    "channel": "G1",
                }
            },
            Asker("U1", "T1", "", "G1"),
        ),
    ],
)
def test_who_and_where_are_read_from_every_payload(body: dict[str, Any], asker: Asker) -> None:
    assert asker_of(body) == asker


ANYBODY = Settings()


def allowing(**lists: str) -> Settings:
    return Settings(**{f"allowed_{name}": frozenset({value}) for name, value in lists.items()})


@pytest.mark.parametrize(
    ("asker", "settings", "home", "reason"),
    [
        (Asker("U1", "T0HOME001", "", "C1"), ANYBODY, HOME, None),
        (Asker("U1", "T0OTHER01", "", "C1"), ANYBODY, HOME, "workspace that it belongs to"),
        (Asker("U1", "", "", "C1"), ANYBODY, HOME, "workspace that it belongs to"),
        (Asker("U1", "T0OTHER01", "E0GRID001", "C1"), ANYBODY, GRID, None),
        (Asker("U1", "T0OTHER01", "E0OTHER01", "C1"), ANYBODY, GRID, "workspace that it belongs to"),
        (Asker("U1", "T0HOME001", "", "C1"), ANYBODY, GRID, None),
        (Asker("U1", "", "", "C1"), ANYBODY, Home("", "", "", ""), "workspace that it belongs to"),
        (Asker("U1", "T0OTHER01", "", "C1"), allowing(teams="T0OTHER01"), HOME, None),
        (
            Asker("U1", "T0HOME001", "", "C1"),
            allowing(teams="T0OTHER01"),
            HOME,
            "workspace that it belongs to",
        ),
        (Asker("U1", "T0HOME001", "E1", "C1"), allowing(teams="E1"), HOME, None),
        (Asker("U1", "T0HOME001", "", "C1"), allowing(users="U1"), HOME, None),
        (Asker("U2", "T0HOME001", "", "C1"), allowing(users="U1"), HOME, "not on the list of people"),
        (Asker("U1", "T0HOME001", "", "C1"), allowing(channels="C1"), HOME, None),
        (Asker("U1", "T0HOME001", "", "C2"), allowing(channels="C1"), HOME, "in this channel"),
        (Asker("U1", "T0HOME001", "", ""), allowing(channels="C1"), HOME, "in this channel"),
        (Asker("U1", "T0HOME001", "", "C1"), allowing(users="U1", channels="C1"), HOME, None),
        (Asker("U1", "T0HOME001", "", "C2"), allowing(users="U1", channels="C1"), HOME, "in this channel"),
        (Asker("U2", "T0HOME001", "", "C1"), allowing(users="U1", channels="C1"), HOME, "not on the list"),
        (Asker("U1", "T0OTHER01", "", "C1"), allowing(users="U1"), HOME, "workspace that it belongs to"),
    ],
)
def test_each_list_that_is_set_has_to_hold_the_asker(
    asker: Asker, settings: Settings, home: Home, reason: str | None
) -> None:
    if reason is None:
        check_access(asker, asker.teams, settings, home)
        return
    with pytest.raises(AccessError, match=reason) as refused:
        check_access(asker, asker.teams, settings, home)
    assert str(refused.value).endswith("Ask whoever runs this bot if you need it.")


async def posted_in_shared(world: World) -> Message:
    for n in range(12):
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
    private = await world.ask("room=1230 last=6h", channel=SHARED)
    warning = await world.press(private, "Post to channel")
    await world.slack.click(warning, warning.buttons[0])
    await world.slack.wait_for(lambda: "Posted to the channel" in warning.text)
    return await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if m.ephemeral_for is None and m.from_bot), None)
    )


async def test_somebody_of_another_team_is_refused_in_private_and_changes_nothing(world: World) -> None:
    posted = await posted_in_shared(world)
    before, calls = posted.to_json(), world.vendor_calls
    refused = await world.press(posted, "Older ▶", user=PARTNER)
    assert refused.ephemeral_for == PARTNER
    assert "only people of the workspace" in refused.shown_text
    assert "1230" not in refused.shown_text
    assert posted.to_json() == before
    assert world.vendor_calls == calls


@pytest.mark.parametrize("button", ["Refresh", "Export CSV", "Older ▶"])
async def test_no_button_gives_them_anything(world: World, button: str) -> None:
    posted = await posted_in_shared(world)
    refused = await world.press(posted, button, user=PARTNER)
    assert refused.ephemeral_for == PARTNER
    assert "only people of the workspace" in refused.shown_text
    assert not world.slack.files


async def test_another_team_can_be_let_in() -> None:
    async with a_world(ALLOWED_TEAMS="T0LOCAL01,T0PARTNER1") as world:
        posted = await posted_in_shared(world)
        page = await world.press(posted, "Older ▶", user=PARTNER)
        assert page.ephemeral_for == PARTNER
        assert "Page 2 of 2" in page.shown_text


async def test_a_refusal_costs_no_call_and_has_no_button(world: World) -> None:
    async with a_world(ALLOWED_USERS=READER, ALLOWED_CHANNELS=GENERAL) as strict:
        for who in ({"user": ASKER}, {"user": READER, "channel": PRIVATE}):
            refused = await strict.ask("last=6h", **who)
            assert "Ask whoever runs this bot" in refused.shown_text
            assert refused.buttons == []
        assert strict.vendor_calls == 0
        assert "found" in (await strict.ask("last=6h", user=READER, channel=GENERAL)).shown_text


def refusals(world: World) -> list[str]:
    words = ("only people of the workspace", "whether you belong")
    return [m.text for m in world.slack.messages if any(word in m.text for word in words)]


@pytest.mark.parametrize("teams", ["", ORGANIZATION, TEAM, SISTER_TEAM, f"T0NOBODY1,{ORGANIZATION}"])
async def test_in_an_organization_a_person_is_the_same_in_every_payload(teams: str) -> None:
    async with a_world(grid=True, ALLOWED_TEAMS=teams) as world:
        slack = world.slack
        tasks = [
            world.zego.add_task(room_id="1230", began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
            for n in range(12)
        ]
        answer = await world.ask("room=1230 last=6h")
        assert tasks[-1] in (await world.press(answer, "Older ▶")).text
        assert slack.deliveries[-2].payload["team_id"] == TEAM
        assert slack.deliveries[-1].payload["user"]["team_id"] == SISTER_TEAM
        await slack.click(answer, "Details")
        view = await slack.wait_for(
            lambda: (top := slack.view_of(ASKER)) and "Files (" in str(top.blocks) and top
        )
        await slack.click(view, "Post to channel")
        await slack.wait_for(lambda: "Posted." in str(slack.view_of(ASKER).blocks))
        root, _ = await slack.mention("room=1230 last=6h")
        await slack.direct_message("room=1230 last=6h")
        await slack.message_shortcut(root, "Find recordings")
        form = await slack.wait_for(
            lambda: (top := slack.view_of(ASKER)) and FormField.ROOMS in str(top.blocks) and top
        )
        await slack.submit_view(form)
        await slack.shortcut("Find recordings")
        await slack.wait_for(
            lambda: (top := slack.view_of(ASKER)) and FormField.CONVERSATION in str(top.blocks)
        )
        await slack.open_home()
        await settled(world)
        assert refusals(world) == []
        assert "last=6h" in str(slack.home_of(ASKER).blocks)
        assert len([m for m in slack.messages if m.thread_ts == root.ts and tasks[0] in m.text]) == 2
        assert tasks[0] in slack.seen_by(ASKER, DM_ASKER)[-1].text
        assert len(slack.calls_of("users.info")) == 1


@pytest.mark.parametrize(
    ("grid", "teams"),
    [(False, ""), (True, ""), (True, ORGANIZATION), (True, TEAM)],
    ids=["workspace", "organization", "organization by its ID", "workspace of an organization"],
)
async def test_a_foreign_company_in_a_shared_channel_stays_refused(grid: bool, teams: str) -> None:
    async with a_world(grid=grid, ALLOWED_TEAMS=teams) as world:
        posted = await posted_in_shared(world)
        before, calls = posted.to_json(), world.vendor_calls
        for button in ("Older ▶", "Refresh", "Details", "Export CSV", "Edit query…"):
            await world.slack.click(posted, button, user=PARTNER)
        await world.slack.mention("room=1230 last=6h", user=PARTNER, channel=SHARED)
        await settled(world)
        assert len(refusals(world)) == 6
        assert posted.to_json() == before
        assert (world.vendor_calls, world.slack.view_of(PARTNER)) == (calls, None)
        asked = [call for call in world.slack.calls_of("users.info") if call.args["user"] == PARTNER]
        assert len(asked) == (1 if grid else 0)


async def test_somebody_whom_the_workspace_does_not_know_is_refused() -> None:
    async with a_world(grid=True) as world:
        posted = await posted_in_shared(world)
        world.slack.misbehave("users.info", error="user_not_found")
        refused = await world.press(posted, "Refresh", user=PARTNER)
        assert "only people of the workspace" in refused.shown_text


async def test_a_slack_that_does_not_say_who_somebody_is_lets_nobody_in_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="bot.deliveries")
    async with a_world(grid=True) as world:
        for user in (READER, PARTNER):
            world.slack.misbehave(
                "users.info", status=503, only_if=lambda args, user=user: args["user"] == user
            )
        posted = await posted_in_shared(world)
        calls = world.vendor_calls
        for user in (READER, PARTNER):
            said = await world.press(posted, "Refresh", user=user)
            assert "Slack didn't say whether you belong to this organization. Try again" in said.shown_text
            assert said.ephemeral_for == user
        assert world.vendor_calls == calls
        assert "navigation slack_failed" in caplog.text
        world.clock.advance(61)
        assert "Refresh" in (await world.press(posted, "Refresh", user=READER)).buttons
        assert "only people of the workspace" in (await world.press(posted, "Refresh", user=PARTNER)).text
