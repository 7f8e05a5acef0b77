"""Room IDs in a line of text, found by what stands in front of them (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bot.query.typed_text import Mistake
from bot.query.values import parse_rooms
from bot.triage.room_words import (
    BARE,
    BEHIND,
    COUNTED_FOLLOWS,
    FEW,
    KEY,
    LIST,
    NESTED,
    NOTHING_BEFORE,
    NUMBERED_NAME,
    OTHER_ROOM,
    OTHER_THING,
    PLACEHOLDERS,
    QUOTED,
    SEPARATOR,
    TICKET,
    TIME_UNIT_FOLLOWS,
    WORDS_BETWEEN,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

PATTERN, NAMED, LABELLED, SAID, DOUBTFUL = 5, 4, 3, 2, 1
"""How likely a find is: by the configured pattern; `room_id=x`; `room: x`; `room x`; `meeting room x`."""

_EQUALS = ("=", "==", "=>", ":=")
_COLONS = (":", ">", "|", "(", "[", "->")
_MAX_KEYS, _MAX_VALUES, _MAX_LINE = 2_000, 10, 500


@dataclass(frozen=True, slots=True)
class _Key:
    """What stands in front of a value."""

    named: bool
    plural: bool
    chinese: bool
    sign: str
    likelihood: int


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    quoted: bool
    end: int


def rooms_by_pattern(line: str, pattern: re.Pattern[str] | None) -> Iterator[tuple[str, int]]:
    """Yield what a configured pattern finds, with its likelihood."""
    for match in pattern.finditer(line[:_MAX_LINE]) if pattern else ():
        room = match[1] if match.re.groups else match[0]
        if room and _possible(room):
            yield room, PATTERN


def rooms_in_line(line: str) -> Iterator[tuple[str, int]]:
    """Yield the room IDs of a line (plain characters), each with its likelihood."""
    read_to = 0
    for match in islice(KEY.finditer(line), _MAX_KEYS):
        if match.start() < read_to or NOTHING_BEFORE.search(line, max(0, match.start() - 12), match.start()):
            continue
        for value, likelihood in _behind_key(line, match):
            yield value.text, likelihood
            read_to = value.end
    for pattern in BEHIND:
        for match in islice(pattern.finditer(line), _MAX_KEYS):
            room = match["value"]
            told = _has_digit(room) or match[0][0] == "`"
            if told and not OTHER_THING.fullmatch(room) and _possible(room):
                yield room, SAID


def _behind_key(line: str, match: re.Match[str]) -> Iterator[tuple[_Value, int]]:
    end = match.end()
    name = NUMBERED_NAME.match(line, end) if match["said"] and match[0].isascii() else None
    if name and _has_digit(name[0]):
        yield _Value(line[match.start() : name.end()], quoted=False, end=name.end()), SAID
        return
    separator = (
        NESTED.match(line, end) if match["named"] else WORDS_BETWEEN.match(line, end)
    ) or SEPARATOR.match(line, end)
    at = separator.end() if separator else end
    sign = (separator.groupdict().get("sign") or "").lower().strip() if separator else ""
    key = _key(line, match, sign or (":" if separator and separator.re is NESTED else ""))
    first = _value_at(line, at)
    if first is None or not _is_room(line, first, key):
        return
    yield first, key.likelihood
    yield from ((value, key.likelihood) for value in _further(line, first, key))


def _key(line: str, match: re.Match[str], sign: str) -> _Key:
    word = match[0].lower()
    named = bool(match["named"] or match["wrapped"])
    if named:
        likelihood = NAMED
    elif OTHER_ROOM.search(line, max(0, match.start() - 12), match.start()):
        likelihood = DOUBTFUL
    else:
        likelihood = LABELLED if sign in ("=", ":", "=>") else SAID
    plural = word.endswith("s") or word.startswith("räume")
    return _Key(named, plural, "房" in word or "间" in word, sign, likelihood)


def _value_at(line: str, at: int) -> _Value | None:
    if quoted := QUOTED.match(line, at):
        return _Value(quoted["value"].rstrip(",."), quoted=True, end=quoted.end())
    bare = BARE.match(line, at)
    if bare is None:
        return None
    text = bare[0].rstrip(".~+@-")
    if len(text) > FEW and text[0] == text[-1] == "_":
        text = text.strip("_")
    return _Value(text, quoted=False, end=at + len(bare[0])) if text else None


def _further(line: str, first: _Value, key: _Key) -> Iterator[_Value]:
    """The other values of a list. Behind one `room` only what looks like the first is another room."""
    before = first
    for _ in range(_MAX_VALUES - 1):
        mark = LIST.match(line, before.end)
        value = _value_at(line, mark.end()) if mark else None
        if mark is None or value is None or line[value.end : value.end + 1] in ("=", ":", '"'):
            return
        tight = key.sign == "=" and mark[0] == ","
        if not (tight or key.plural or key.chinese or _alike(first, value, mark["mark"], key)):
            return
        if not (value.quoted or _has_digit(value.text)) or not _is_room(line, value, key):
            return
        yield value
        before = value


def _alike(first: _Value, value: _Value, mark: str, key: _Key) -> bool:
    if first.quoted or value.quoted:
        return first.quoted and value.quoted and key.sign == ""
    if first.text.isdigit() != value.text.isdigit():
        return False
    same_length = len(first.text) == len(value.text)
    return same_length or (mark.isalpha() and len(value.text) > 1)


def _is_room(line: str, value: _Value, key: _Key) -> bool:
    text, following = value.text, line[value.end : value.end + 1]
    if text.lower() in PLACEHOLDERS or not _possible(text):
        return False
    if following == "=" or (following == "(" and not key.sign) or (following == "/" and not _has_digit(text)):
        return False
    exact = key.named and (value.quoted or key.sign in _EQUALS)
    if not exact and (_is_another_thing(text, key) or _follows_as_a_count(line, value)):
        return False
    if value.quoted or _has_digit(text):
        return key.likelihood > DOUBTFUL or len(text) > FEW
    return _is_wordy_room(text, key, alone=following in ("", *",;)]}|<&"))


def _is_wordy_room(text: str, key: _Key, *, alone: bool) -> bool:
    """Whether a word without quotes and digits is a room rather than the rest of a sentence."""
    if key.sign in (*_EQUALS, "是", "为"):
        return True
    if key.sign in _COLONS:
        return key.named or alone
    return key.sign != "#" and ("-" in text or "_" in text) and (key.named or key.chinese)


def _is_another_thing(text: str, key: _Key) -> bool:
    if TICKET.fullmatch(text):
        return key.sign not in ("", ":", "=", "is")
    return bool(OTHER_THING.fullmatch(text))


def _follows_as_a_count(line: str, value: _Value) -> bool:
    if value.quoted or not value.text.isdigit():
        return False
    if TIME_UNIT_FOLLOWS.match(line, value.end):
        return True
    if len(value.text) > FEW:
        return False
    return line[value.end : value.end + 1] == "/" or bool(COUNTED_FOLLOWS.match(line, value.end))


def _has_digit(text: str) -> bool:
    return any("0" <= character <= "9" for character in text)


def _possible(room: str) -> bool:
    """Whether a query could ask for it."""
    try:
        parse_rooms((room,))
    except Mistake:
        return False
    return True
