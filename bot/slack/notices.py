"""What is said beside answers: mistakes, failures, waiting, warnings (pure)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bot.slack import ids
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.blocks import (
    MAX_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Message,
    actions,
    button,
    code,
    escape,
    section,
    shortened,
)

if TYPE_CHECKING:
    from bot.errors import QueryError
    from bot.recordings.page import ButtonState
    from bot.slack.blocks import Message


HALF_A_SECTION = MAX_CHARACTERS // 2 - 50
"""Of a section, with room for a few words of ours."""


_MOST_SECONDS = 90
"""What is longer is told in minutes."""


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
        "blocks": [section(text), actions(elements, ids.Row.MISTAKE)],
    }


def build_problem(
    sentence: str, reference: str = "", again: ButtonState | None = None, action_id: str = ids.SHOW
) -> Message:
    """An error for people; `again` makes a button that asks once more, `reference` is found in the log."""
    text = shortened(escape(sentence), 2 * HALF_A_SECTION) + (f" Reference {reference}." if reference else "")
    blocks = [section(text)]
    if again:
        blocks.append(actions([button("Try again", action_id, again.encode())], ids.Row.AGAIN))
    return {"text": text, "blocks": blocks}


def build_notice(text: str) -> Message:
    """A short line; `text` is ours, already safe."""
    return {"text": text, "blocks": [section(text)]}


def build_searching() -> Message:
    """The line shown while an answer takes longer."""
    return build_notice("Still searching …")


def build_outsiders_warning(state: str) -> Message:
    """Asks before something is posted where people of other organizations can read it."""
    text = f"{OUTSIDERS_READ}. Post the answer here, without file links?"
    button_ = button("Post it", ids.POST_TO_OUTSIDERS, state)
    return {"text": text, "blocks": [section(text), actions([button_], ids.Row.OUTSIDERS)]}


def build_progress(read: int, total: int, seconds_left: float | None = None) -> Message:
    """How far a long scan has come, and where that can be told how long it still takes."""
    line = f"Looking through {total:,} recordings … {100 * read // max(total, 1)} %"
    if seconds_left is not None:
        minutes = seconds_left > _MOST_SECONDS
        left = f"{math.ceil(seconds_left / 60)} min" if minutes else f"{max(1, math.ceil(seconds_left))} s"
        line += f" · about {left} left"
    return build_notice(line)
