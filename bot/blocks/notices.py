"""Everything that is not an answer: help, mistakes, failures, waiting, warnings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bot.blocks import ids
from bot.blocks.answer import MAX_TEXT_CHARACTERS
from bot.blocks.buttons import actions, button, section
from bot.blocks.text import MAX_CHARACTERS, code, escape, shortened
from bot.page import ButtonState
from bot.query import RecordingQuery, format_query, help_terms

if TYPE_CHECKING:
    from bot.errors import QueryError

Message = dict[str, Any]

HALF_A_SECTION = MAX_CHARACTERS // 2 - 50
"""Of a section, with room for a few words of ours."""

_OTHER_WAYS = "or use *Find recordings* in the menu of a message. On a schedule: `/recordings digest`."
_NO_MARKS = str.maketrans("", "", "*`")

_MOST_SECONDS = 90
"""What is longer is told in minutes."""

OUTSIDERS_READ = "People outside your organisation may read this channel."


def build_help(rooms: list[str]) -> Message:
    """What can be asked: examples made from a room seen lately, threads, and every term."""
    room = example_room(rooms)
    show = ButtonState(1, 0, format_query(RecordingQuery(rooms=(room,))))
    lines = [f"`/recordings {escape(example)}` – {words}" for example, words in examples(rooms)]
    terms = [f"`{escape(term.example)}` – {escape(term.meaning)}" for term in help_terms()]
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
        "blocks": [*map(section, paragraphs), actions(buttons, "help")],
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


def build_mistake(error: QueryError, suggestion_state: ButtonState | None = None) -> Message:
    """One private sentence: what was read, what is wrong, the nearest right thing."""
    text = shortened(escape(error.problem), HALF_A_SECTION)
    if error.suggestion:
        text += f" Did you mean {code(error.suggestion, HALF_A_SECTION)}?"
    elements = []
    if suggestion_state:
        elements.append(button("Ask that", ids.SHOW, suggestion_state.encode()))
    elements += [button("Open the form", ids.EDIT, ""), button("Help", ids.HELP, "help")]
    return {
        "text": shortened(escape(error.sentence()), MAX_TEXT_CHARACTERS),
        "blocks": [section(text), actions(elements, "mistake")],
    }


def build_problem(
    sentence: str, reference: str = "", again: ButtonState | None = None, action_id: str = ids.SHOW
) -> Message:
    """An error for people; `again` makes a button that asks once more, `reference` is found in the log."""
    text = shortened(escape(sentence), 2 * HALF_A_SECTION) + (f" Reference {reference}." if reference else "")
    blocks = [section(text)]
    if again:
        blocks.append(actions([button("Try again", action_id, again.encode())], "again"))
    return {"text": text, "blocks": blocks}


def build_notice(text: str) -> Message:
    """A short line; `text` is ours, already safe."""
    return {"text": text, "blocks": [section(text)]}


def build_outsiders_warning(state: str) -> Message:
    """Asks before something is posted where people of other organisations may read it."""
    text = f"{OUTSIDERS_READ} Post the answer here, without file links?"
    button_ = button("Post it", ids.POST_TO_OUTSIDERS, state)
    return {"text": text, "blocks": [section(text), actions([button_], "outsiders")]}


def build_progress(read: int, total: int, seconds_left: float | None = None) -> Message:
    """How far a long scan has come, and where that can be told how long it still takes."""
    line = f"Looking through {total:,} recordings … {100 * read // max(total, 1)} %"
    if seconds_left is not None:
        minutes = seconds_left > _MOST_SECONDS
        left = f"{math.ceil(seconds_left / 60)} min" if minutes else f"{max(1, math.ceil(seconds_left))} s"
        line += f" · about {left} left"
    return build_notice(line)
