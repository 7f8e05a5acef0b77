"""Verdicts in mrkdwn and in plain words: moments in the reader's zone, text from outside made safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.recording_words import NAME_CHARACTERS, shown
from bot.blocks.text import code, cut, escape, one_line, plain_date, sane, unbroken
from bot.verdicts.types import At, Kind, Outside

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.verdicts.types import Verdict, Words

MAX_CHARACTERS = 2_900

_ATTENTION, _WELL = "▲", "✓"


def verdict_line(verdict: Verdict, name_characters: int | None = None, *, named: bool = True) -> str:
    """A verdict in mrkdwn.

    Args:
        verdict: what is known.
        name_characters: names are cut to this where it is given.
        named: with its headline in front, bold; not where its name stands beside it already.
    """
    sign = _WELL if verdict.kind is Kind.FINE else _ATTENTION
    headline = f"*{verdict.headline}:* " if named else ""
    return f"{sign}\u00a0{headline}{words_in_mrkdwn(verdict.words, name_characters)}"


def words_in_mrkdwn(words: Words, name_characters: int | None = None) -> str:
    """A sentence in mrkdwn: moments in the reader's zone, what came from outside as code.

    It fits a section (3,000 characters, Slack docs), headline included: long names are cut where they have
    to be, or to `name_characters`.
    """
    if name_characters is None:
        text = _worded(words, shown, lambda text: code(one_line(text)), unbroken)
        if len(text) <= MAX_CHARACTERS:
            return text
        name_characters = NAME_CHARACTERS
    return _worded(words, shown, lambda text: code(cut(text, name_characters)), unbroken)


def words_in_plain(words: Words, zone: str, safe: Callable[[str], str] = escape) -> str:
    """A sentence in plain words: moments in `zone`, what came from outside made `safe` for its place."""
    return _worded(words, lambda ms: plain_date(sane(ms), zone), lambda text: safe(one_line(text)))


def _worded(
    words: Words,
    when: Callable[[int], str],
    outside: Callable[[str], str],
    ours: Callable[[str], str] = str,
) -> str:
    pieces = []
    for piece in words:
        if isinstance(piece, At):
            pieces.append(when(piece.ms))
        elif isinstance(piece, Outside):
            pieces.append(outside(piece.text))
        else:
            pieces.append(ours(piece))
    return "".join(pieces)
