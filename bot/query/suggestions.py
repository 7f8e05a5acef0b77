"""Words without a key, and what may be meant by a word, key or value that cannot be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from bot.query.terms import KEYS, TERMS, close_status_words, is_task_id, sort_for, status_for
from bot.query.times import RelativeDay, TimePoint, looks_like_duration, parse_time_point
from bot.query.tokenizer import Change, Misread, Mistake, Word, closest, joined, look_alike, shown
from bot.query.zones import find_zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.query.terms import Status


_T = TypeVar("_T")
_CLOSE = 0.75

HELP_WORDS = frozenset(
    ("help", "?", "??", "h", "-h", "--help", "-help", "/help", "/?", "usage", "hilfe", "aide", "ayuda")
)

_DIGITS = re.compile("[0-9]+")
_TERM_INSIDE = re.compile(r"([^\s=]+)=.")
_COLON = re.compile(r"([^\s:]+):(.+)")
_KEYS_MEANT = {
    "begin": ("from",),
    "count": ("size",),
    "duration": ("last",),
    "end": ("to",),
    "id": ("task", "room"),
    "name": ("room",),
    "start": ("from",),
    "window": ("last",),
}
_MAY_HOLD_A_SPACE = ("last", "status", "from", "to", "sort")
_HAS_DIGIT = re.compile("[0-9]")
_LIKE_AN_ID = re.compile("[A-Za-z0-9_-]{3,}")
_THOUSANDS_SIGN = "\N{ARABIC THOUSANDS SEPARATOR}"
"""Seen as a comma; but `1٬230` may be one number, so this is only suggested."""
_DAY_KEYS = ("date", "day", "on")


def bare_fields(word: Word) -> dict[str, Any] | None:
    """Read a word without a key: the terms it stands for, or None if it means nothing, or two things.

    Digits are rooms, an everyday word is a status, `6h` is a window, `today` and `yesterday` are days.

    Raises:
        Misread: it means one thing, which is impossible.
    """
    values, text = word.values, word.values[0]
    if all(map(_DIGITS.fullmatch, values)):
        key = "room"
    elif all(map(status_for, values)):
        key = "status"
    elif len(values) > 1:
        return None
    elif looks_like_duration(text):
        key = "last"
    else:
        return _bare_day(text)
    try:
        return {key: TERMS[key].parse(values)}
    except Mistake as mistake:
        nearest = (TERMS[key].tidy(value) for value in mistake.nearest)
        raise Misread(mistake.problem, *map(word.replaced, nearest)) from None


def _bare_day(text: str) -> dict[str, Any] | None:
    day = text.lower()
    if day == RelativeDay.TODAY:
        return {"from": TimePoint(RelativeDay.TODAY)}
    if day == RelativeDay.YESTERDAY:
        return {"from": TimePoint(RelativeDay.YESTERDAY), "to": TimePoint(RelativeDay.YESTERDAY)}
    return None


def check_items(word: Word) -> None:
    """Refuse a term that swallows a second sign, another term, or a word that stands for itself.

    Raises:
        Misread: it does, or may.
    """
    term = TERMS[KEYS[word.key]]
    for place, item in enumerate(word.items):
        if item.quoted:
            continue
        before, after = word.values[:place], word.values[place + 1 :]
        if item.text[0] in "=:":
            rest = item.text.lstrip("=:")
            raise Misread(
                f"There is more than one `=` or `:` in `{term.key}=`.",
                word.replaced(term.text(*before, rest, *after)),
            )
        apart = (f"{term.text(*before)} " if before else "") + item.text
        inside = _TERM_INSIDE.match(item.text)
        if inside and inside[1].lower() in KEYS:
            raise Misread(
                f"`{shown(item.text)}` inside `{term.key}=` reads like a term of its own.",
                word.replaced(apart),
            )
        if term.key == "room" and item.spaced and _stands_for_itself(item.text):
            edits = [word.replaced(apart)] if before and not after else []
            raise Misread(
                f"`{shown(item.text)}` behind a space may be a room or a term of its own.",
                *edits,
                word.replaced(term.text(*word.values)),
            )


def _stands_for_itself(text: str) -> bool:
    return bool(status_for(text) or looks_like_duration(text) or _bare_day(text))


def misread_value(words: list[Word], index: int, mistake: Mistake) -> Misread:
    """What may be meant by a term whose value cannot be read."""
    word = words[index]
    term = TERMS[KEYS[word.key]]
    instead = [*(term.tidy(value) for value in mistake.nearest), *mistake.terms]
    parts = (part for value in word.values for part in value.split(_THOUSANDS_SIGN))
    seen = tuple(look_alike(part).rstrip("?") for part in parts)
    if all(seen) and seen != word.values:
        instead.append(term.tidy(*seen))
    edits = [word.replaced(text) for text in instead]
    edits[:0] = gather(words, index)
    return Misread(mistake.problem, *edits)


def gather(words: list[Word], index: int) -> list[tuple[Change, ...]]:
    """How a word and the bare one behind it read as one value: `last=6 hours` without its quotes."""
    if index < 0 or index + 1 >= len(words) or words[index + 1].key:
        return []
    word, following = words[index], words[index + 1]
    if len(word.items + following.items) != 2:  # noqa: PLR2004 - one each
        return []
    both = f"{word.values[0]} {following.values[0]}"
    for key in (KEYS.get(word.key),) if word.key else ("last", "status", "from"):
        if key in _MAY_HOLD_A_SPACE:
            try:
                TERMS[key].parse((both,))
            except Mistake:
                continue
            return [(Change(word.start, following.end, TERMS[key].tidy(both)),)]
    return []


def misread_key(word: Word) -> Misread:
    """What may be meant by a key that is none."""
    key = look_alike(word.key.lstrip("-/"))
    meant = (*_KEYS_MEANT.get(key, ()), *(KEYS[near] for near in closest(key, KEYS, most=3)))
    instead = [TERMS[key].tidy(*word.values) for key in dict.fromkeys(meant) if word.items]
    if key in _DAY_KEYS and word.items:
        instead.insert(0, f"{TERMS['from'].text(word.values[0])} {TERMS['to'].text(word.values[0])}")
    known = "" if instead else f" The terms are {joined(tuple(TERMS), 'and')}."
    return Misread(
        f"There is no term `{shown(word.typed_key)}`.{known}",
        *map(word.replaced, instead),
    )


def misread_bare(words: list[Word], index: int) -> Misread:
    """What may be meant by a word without a key that means nothing, or more than one thing."""
    word = words[index]
    text, said = word.values[0], shown(", ".join(word.values))
    for first in (index - 1, index):
        if edits := gather(words, first):
            both = shown(f"{words[first].values[0]} {words[first + 1].values[0]}")
            return Misread(f"`{both}` is two words: a value with a space stands in quotes.", *edits)
    if KEYS.get(text.lower()):
        return _key_alone(words, index)
    if text.lower() in HELP_WORDS:
        return Misread(f"`{said}` is no term of a query: ask for help with it alone.")
    problem, instead = _readings(word, said, alone=len(words) == 1)
    return Misread(problem, *map(word.replaced, instead))


def _key_alone(words: list[Word], index: int) -> Misread:
    word = words[index]
    key = KEYS[word.values[0].lower()]
    following = words[index + 1] if index + 1 < len(words) else None
    edits = []
    if following and not following.key:
        edits = [(Change(word.start, following.end, TERMS[key].tidy(*following.values)),)]
    return Misread(f"`{key}` needs `=` and a value, such as `{TERMS[key].example}`.", *edits)


def _readings(word: Word, said: str, *, alone: bool) -> tuple[str, list[str]]:
    """A sentence about a bare word, and the terms it may stand for, the likeliest first."""
    text = word.values[0]
    room = TERMS["room"].text(*word.values)
    rooms = [room] if _may_be_rooms(word.values, alone=alone) else []
    if len(word.values) == 1:
        if point := _read(parse_time_point, text):
            start, end = (TERMS[key].format(point) for key in ("from", "to"))
            both = f"write `{start}` or `{end}`"
            return f"`{said}` may be the start or the end of the window: {both}.", [start, end]
        if is_task_id(text) and not _status_meant(text):
            task = TERMS["task"].text(text)
            both = f"write `{room}` or `{task}`"
            return f"`{said}` may be a room or a task: {both}.", [task, room]
        if (colon := _COLON.fullmatch(text)) and (near := closest(colon[1].lower(), KEYS, cutoff=_CLOSE)):
            return f"There is no term `{shown(colon[1])}`.", [TERMS[KEYS[near[0]]].tidy(colon[2])]
        if instead := _terms_meant(text):
            return f"`{said}` is not a term.", instead
    return f"`{said}` has no key, and it is neither a status nor a duration: a room needs `room=`.", rooms


def _may_be_rooms(values: tuple[str, ...], *, alone: bool) -> bool:
    """IDs have digits; a word without any may be one where nothing else is asked, unless it is no name."""
    if all(map(_HAS_DIGIT.search, values)):
        return True
    return alone and len(values) == 1 and _LIKE_AN_ID.fullmatch(values[0]) is not None


def _terms_meant(text: str) -> list[str]:
    """The term whose key was left out or mistyped, or the status that was mistyped."""
    if sort_for(text):
        return [TERMS["sort"].tidy(text)]
    if "/" in text and (zone := _read(find_zone, text)):
        return [TERMS["tz"].text(zone)]
    status = _status_meant(text)
    return [TERMS["status"].text(status)] if status else []


def _status_meant(text: str) -> Status | None:
    """Few people mistype the first letter, and `hall` is a likelier room than a mistyped `all`."""
    seen = look_alike(text) or text
    close = [word for word in close_status_words(seen, _CLOSE) if word[0] == seen[0].lower()]
    return status_for(close[0]) if close else None


def _read(parse: Callable[[str], _T], text: str) -> _T | None:
    try:
        return parse(text)
    except Mistake:
        return None
