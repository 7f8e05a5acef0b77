"""The Home tab: what the app does, one button to ask, the state of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.errors import SlackRefusedError
from bot.features.help import example_room, examples
from bot.slack import ids
from bot.slack.blocks import actions, button, clock_time, context, escape, header, section
from bot.slack.delivery_log import note_problem
from bot.slack.sender import attempt

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock
    from bot.errors import AccessError
    from bot.recordings.service import Recordings
    from bot.slack.payload import Asker


def build_home(*, rooms: list[str], answered_ms: int | None, failure: str, now_ms: int) -> dict[str, Any]:
    """What the app does, one button to ask, how the service is, and help.

    Args:
        rooms: seen lately, for examples that mean something here.
        answered_ms: when the vendor last answered well (Unix ms).
        failure: the sentence of what failed since; empty when nothing did.
        now_ms: when this is shown.
    """
    if failure:
        state = f"▲ *ZEGOCLOUD does not answer well.* {escape(failure)}"
    elif answered_ms is None:
        state = "ZEGOCLOUD has not been asked yet since the bot started."
    else:
        state = f"ZEGOCLOUD answers; the last answer is of {clock_time(answered_ms)}."
    lines = "\n".join(f"`/recordings {escape(example)}` – {words}" for example, words in examples(rooms))
    return {
        "type": "home",
        "blocks": [
            header("What is happening with our recordings?"),
            section("Ask in any channel, in a thread, or here. Only you see the answer until you post it."),
            actions([button("Find recordings", ids.OPEN_FORM, "")], ids.Row.ASK),
            section(state),
            section(
                f"*In a channel*\n{lines}\n*In a thread*\nMention the bot: "
                f"`@Recordings room={example_room(rooms)} last=6h`, or use *Find recordings* in the "
                "message's menu."
            ),
            context(f"As of {clock_time(now_ms)}. Type `/recordings help` for every term."),
        ],
    }


def build_refused_home(sentence: str) -> dict[str, Any]:
    """What somebody sees who may not ask."""
    return {"type": "home", "blocks": [section(escape(sentence))]}


async def handle_home(
    event: dict[str, Any], asker: Asker, recordings: Recordings, slack: AsyncWebClient, clock: Clock
) -> None:
    """Somebody opened the Home tab."""
    if event.get("tab") != "home":
        return
    zego = recordings.zego
    view = build_home(
        rooms=recordings.rooms_lately(),
        answered_ms=zego.last_ok_ms,
        failure=str(zego.failure or ""),
        now_ms=int(clock.now() * 1000),
    )
    await _publish(slack, asker.user_id, view)


async def refuse_home(slack: AsyncWebClient, asker: Asker, error: AccessError) -> None:
    """Somebody who may not ask opened the Home tab: it says so itself, not by a message each time."""
    await _publish(slack, asker.user_id, build_refused_home(str(error)))


async def _publish(slack: AsyncWebClient, user_id: str, view: dict[str, Any]) -> None:
    """Show a person's Home tab; if Slack does not take it, the old one stays."""
    outcome = await attempt(slack.views_publish(user_id=user_id, view=view), "a Home tab")
    if not outcome.is_taken:
        note_problem(SlackRefusedError("the Home tab", outcome.word))
