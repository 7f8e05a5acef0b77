"""The Home tab as a view."""

from __future__ import annotations

from typing import Any

from bot.blocks import ids
from bot.blocks.buttons import actions, button, context, section
from bot.blocks.notices import example_room, examples
from bot.blocks.text import clock_time, escape


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
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "What is happening with our recordings?"},
            },
            section("Ask in any channel, in a thread, or here. Only you see the answer until you post it."),
            actions([button("Find recordings", ids.OPEN_FORM, "")], "ask"),
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
    """What somebody sees whom the bot does not answer."""
    return {"type": "home", "blocks": [section(escape(sentence))]}
