"""The outer grammar of a query: text split into `key=value` terms and bare words, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bot.query.typed_text import Mistake, as_typed, double_backslashes, normalise, shown, unquote

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_CHARACTERS = 4000

_SPACES = re.compile(r"\s*")
_COMMAND = re.compile(r"/?recordings(?=\s|$)\s*", re.IGNORECASE)
_KEY = re.compile(r"([^\s\"',=:]{1,64})(\s*)([=:])(\s*)")
_BARE = re.compile(r"[^\s,\"]+")
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""")
_SPACE_OR_COMMA = re.compile(r"[\s,]")
_COMMA = re.compile(r"\s*,\s*")
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


class Change(NamedTuple):
    """What should stand between two places of a text."""

    start: int
    end: int
    instead: str


class Misread(Mistake):
    """A mistake with its place.

    Args:
        problem: see `Mistake`.
        edits: corrections of the text, the likeliest first, each of one or more changes.
    """

    def __init__(self, problem: str, *edits: tuple[Change, ...]) -> None:
        super().__init__(problem)
        self.edits = edits


@dataclass(frozen=True, slots=True)
class Item:
    """One value: what it says, whether it stood in quotes, and whether a space stands before it."""

    text: str
    quoted: bool = False
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A term as it was typed: its key (empty for a bare word), its values, its place."""

    typed_key: str
    items: tuple[Item, ...]
    start: int
    end: int

    @property
    def key(self) -> str:
        """The key in small letters."""
        return self.typed_key.lower()

    def replaced(self, text: str) -> tuple[Change, ...]:
        """The edit that writes something else in this place."""
        return (Change(self.start, self.end, text),)

    @property
    def values(self) -> tuple[str, ...]:
        """What the items say."""
        return tuple(item.text for item in self.items)


def plain_text(text: str) -> str:
    """Normalise a command and take off a `/recordings` in front of it, its slash or not.

    Raises:
        Misread: more than 4,000 characters as typed.
    """
    if len(text) > MAX_CHARACTERS and (typed := len(as_typed(text))) > MAX_CHARACTERS:
        raise Misread(
            f"This is {typed:,} characters long; a query has at most {MAX_CHARACTERS:,}. "
            "Ask for fewer rooms at once."
        )
    plain = normalise(text)
    if command := _COMMAND.match(plain):
        plain = plain[command.end() :]
    return plain


def split_words(text: str, keys: Collection[str]) -> list[Word]:
    """Split normalised text.

    `key=value`, `key: value` and `key = value` are terms; a colon makes a term only behind one of `keys`.
    Values are separated by commas and may stand in double or single quotes.

    Raises:
        Misread: quotes that do not pair up, an empty value, characters that nobody can type.
    """
    if unreadable := _UNREADABLE.search(text):
        raise Misread("There is a control character in this text.", (Change(*unreadable.span(), ""),))
    words = []
    at = _skip(text, 0)
    while at < len(text):
        word = _read_word(text, at, keys)
        words.append(word)
        at = _skip(text, word.end)
        if text.startswith(",", at):
            at = _skip(
                text, at + 1
            )  # `room=1230, status=ongoing`: a comma between terms separates nothing else
    return words


def _skip(text: str, at: int) -> int:
    match = _SPACES.match(text, at)
    return match.end() if match else at


def _starts_known_term(text: str, at: int, keys: Collection[str]) -> bool:
    match = _KEY.match(text, at)
    return match is not None and match[1].lower() in keys


def _read_word(text: str, start: int, keys: Collection[str]) -> Word:
    match = _KEY.match(text, start)
    if match is None or (match[3] == ":" and match[1].lower() not in keys):
        items, end = _read_items(text, start, keys)
        return Word("", items, start, end)
    end = match.end()
    if end == len(text) or (match[4] and _starts_known_term(text, end, keys)):
        return Word(match[1], (), start, end - len(match[4]))
    items, end = _read_items(text, end, keys)
    return Word(match[1], items, start, end)


def _read_items(text: str, at: int, keys: Collection[str]) -> tuple[tuple[Item, ...], int]:
    items = []
    while True:
        item, at = _read_item(text, at)
        items.append(item)
        comma = _COMMA.match(text, at)
        if comma is None or (comma[0] != "," and _starts_known_term(text, comma.end(), keys)):
            return tuple(items), at
        if comma.end() == len(text):
            raise Misread(
                f"There is nothing behind the comma in `{shown(text[-20:])}`.", (Change(at, len(text), ""),)
            )
        at = comma.end()


def _read_item(text: str, at: int) -> tuple[Item, int]:
    spaced = text[at - 1 : at].isspace()
    if text[at] in "\"'":
        match = _QUOTED.match(text, at)
        if match is None:
            raise _unpaired(text, at)
        end = match.end()
        if end < len(text) and not text[end].isspace() and text[end] != ",":
            raise Misread(
                f"`{shown(text[end:])}` follows directly on a closing quote: put a space or a comma between.",
                (Change(end, end, " "),),
            )
        inside = match[1] if match[1] is not None else match[2]
        try:
            return Item(unquote(inside), quoted=True, spaced=spaced), end
        except Mistake as mistake:
            quotation = text[at]
            fixed = f"{quotation}{double_backslashes(inside)}{quotation}"
            raise Misread(mistake.problem, (Change(at, end, fixed),)) from None
    match = _BARE.match(text, at)
    if match is None:
        raise Misread(
            f"There is nothing before the comma in `{shown(text[max(0, at - 20) : at + 1])}`.",
            (Change(at, _skip(text, at + 1), ""),),
        )
    if text.startswith('"', match.end()):
        raise _quoted_inside(text, at)
    return Item(match[0], spaced=spaced), match.end()


def _quoted_inside(text: str, at: int) -> Misread:
    value = _SPACE_OR_COMMA.split(text[at:], maxsplit=1)[0]
    return Misread(
        f"`{shown(value)}` has a quote inside: quotes stand around a whole value.",
        (Change(at, at + len(value), value.replace('"', "")),),
    )


def _unpaired(text: str, at: int) -> Misread:
    """A quote without its partner: it may have been forgotten at the end, or not belong there at all."""
    quotation = text[at]
    rest = text[at:]
    edits = [(Change(len(text), len(text), quotation),), (Change(at, at + 1, ""),)]
    if quotation == "'" and (bare := _BARE.match(text, at)):
        edits.insert(0, (Change(at, bare.end(), f'"{bare[0]}"'),))
    return Misread(f"The quotes do not pair up: `{shown(rest)}` opens one that is never closed.", *edits)


def edited(text: str, edit: tuple[Change, ...]) -> str:
    """The text with all changes made; what is taken out leaves no double space."""
    for start, end, instead in sorted(edit, reverse=True):
        gap = not instead and text[end : end + 1] == " " and text[:start].endswith(" ")
        text = text[:start] + instead + text[end + gap :]
    return text.strip(" ")
