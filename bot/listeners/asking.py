"""What was asked: a button's value or typed words → a question, and what `Try again` asks."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.page import ButtonState, Question, decode_button
from bot.query import format_query, parse_query, wants_help

if TYPE_CHECKING:
    from bot.listeners.reply import Reply
    from bot.query import RecordingQuery


def question_of_button(value: str, now_ms: int, zone: str) -> Question:
    """The question that a button carries.

    Raises:
        QueryError: the button is from a version that this one does not know, or its query is not one.
    """
    state = decode_button(value)
    if state is None:
        raise QueryError("This button is from another version of the bot. Type `/recordings` to ask again.")
    asked_ms = state.asked_ms or now_ms
    query = replace(parse_query(state.query, asked_ms / 1000, zone), page=state.page)
    return Question(query, zone, asked_ms if state.asked_ms else None, state.cursor)


def again(question: Question) -> ButtonState:
    """What `Try again` carries: the same question, at the moment of the click unless it had one."""
    return ButtonState(
        question.query.page,
        question.asked_ms or 0,
        format_query(replace(question.query, page=1)),
        question.cursor,
    )


def read_question(text: str, now: float, zone: str, reply: Reply) -> Question:
    """The question that a person typed; a mistake leaves its correction behind as what to ask again.

    Raises:
        QueryError: the text is not a question.
    """
    try:
        return Question(timeless_query(text, zone) or parse_query(text, now, zone), zone)
    except QueryError as error:
        reply.again = _suggested(error.suggestion, now, zone)
        raise


@lru_cache(maxsize=1_000)
def timeless_query(text: str, zone: str) -> RecordingQuery | None:
    """A query that means the same whenever it is read, kept because people repeat themselves; else None."""
    if wants_help(text):
        return None
    try:
        query = parse_query(text, 0.0, zone)
    except QueryError:
        return None
    return query if query.last_seconds is not None else None


def _suggested(suggestion: str, now: float, zone: str) -> ButtonState | None:
    """A suggestion that is a whole question can be asked by a button."""
    try:
        return again(Question(parse_query(suggestion, now, zone), zone)) if suggestion else None
    except QueryError:
        return None
