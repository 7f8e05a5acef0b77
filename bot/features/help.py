"""Help: what can be asked, with examples made from a room seen lately (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.query.parser import format_query
from bot.query.terms import TERMS, RecordingQuery
from bot.recordings.page import ButtonState
from bot.slack import ids
from bot.slack.blocks import actions, button, escape, section

if TYPE_CHECKING:
    from bot.slack.blocks import Message

_OTHER_WAYS = "or use *Find recordings* in the menu of a message. On a schedule: `/recordings digest`."


_NO_MARKS = str.maketrans("", "", "*`")


def build_help(rooms: list[str]) -> Message:
    """What can be asked: examples made from a room seen lately, threads, and every term."""
    room = example_room(rooms)
    show = ButtonState(1, 0, format_query(RecordingQuery(rooms=(room,))))
    lines = [f"`/recordings {escape(example)}` – {words}" for example, words in examples(rooms)]
    terms = [f"`{escape(term.example)}` – {escape(term.meaning)}" for term in TERMS.values()]
    paragraphs = [
        "*What is happening with our cloud recordings?*\nOnly you see the answer until you post it.",
        "\n".join(lines),
        f"In a thread: mention me, `@Recordings room={room} last=6h`, {_OTHER_WAYS}",
        "\n".join(["*Terms*, in any order, each at most once:", *terms]),
    ]
    buttons = [
        button(f"Show room {room}"[:75], ids.SHOW, show.encode()),
        button("Open the form", ids.EDIT, ""),
    ]
    return {
        "text": "\n".join(paragraphs).translate(_NO_MARKS),
        "blocks": [*map(section, paragraphs), actions(buttons, ids.Row.HELP)],
    }


def example_room(rooms: list[str]) -> str:
    """A room seen lately whose ID needs no quotes, else one made up."""
    return next((room for room in rooms if room.isascii() and room.isalnum()), "1230")


def examples(rooms: list[str]) -> list[tuple[str, str]]:
    """What can be typed, with what it shows; made of rooms seen lately."""
    room = example_room(rooms)
    return [
        (f"room={room} status=ongoing last=6h", "what runs in a room that began in the last 6 hours"),
        ("status=failed last=2d", "what ended abnormally in the last 2 days"),
        (
            'from="yesterday 14:00" to="yesterday 18:00"',
            "everything begun yesterday afternoon, in your time zone",
        ),
        ("status=attention last=1d", "what needs somebody to look at it"),
    ]
