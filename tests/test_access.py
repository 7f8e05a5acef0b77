"""Who is answered: people of the bot's own team or organisation, and of the lists, all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.config import Settings
from bot.errors import AccessError
from bot.listeners.access import Asker, asker_of, check_access
from bot.sandbox.slack import ASKER, GENERAL, PARTNER, PRIVATE, READER, SHARED
from bot.sign_in import Home
from tests.world import MINUTE_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from bot.sandbox.slack import Message

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
        check_access(asker, settings, home)
        return
    with pytest.raises(AccessError, match=reason) as refused:
        check_access(asker, settings, home)
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
