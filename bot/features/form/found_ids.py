"""Of the rooms and tasks that a message may name, those that ZEGOCLOUD has come first.

Every pattern is bounded or begins at one place, so that a hostile text costs no more than a long one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bot.query.terms import parse_rooms
from bot.query.tokenizer import Mistake
from bot.slack.message_text import plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bot.recordings.service import Recordings


KEY = re.compile(
    r"""
      (?P<wrapped> (?i:(?:log(?:in|out)|join|enter|leave)_?room) (?=\() )
    | (?P<named>
          (?: (?<![a-z]) (?i:rooms?|raum|räume) | (?<=[a-z]) Rooms? )
          (?: [\s._-]? (?i:ids?|identifiers?|no\.?|nr\.?|num(?:ber)?s?|nummern?|key) (?![A-Za-z0-9])
            | (?=["'\\]{1,2} \s? : \s? \{ \s? ["'\\]{1,2} (?i:id) ["'\\] ) )
        | (?: 直播间 | 房间? ) \s? (?: 号码? | 编号 | (?i:id) ) )
    | (?P<said> (?<![A-Za-z0-9_]) (?<![A-Za-z0-9_]-) (?i:rooms?(?:\(s\))?|raum|räumen?) (?![A-Za-z])
        | (?: 直播间 | 房间 ) (?!里|内|外|数) )
    """,
    re.VERBOSE,
)
NOTHING_BEFORE = re.compile(r"(?:\b(?:bed|bath|class|rest|elbow|head) ?|[€$£]\s?[0-9.,]*\s?)$", re.IGNORECASE)
OTHER_ROOM = re.compile(
    r"(?:meeting|conference|waiting|server|hotel|living|class|board|escape|control|dining|break)[ -]$",
    re.IGNORECASE,
)
_LETTER = "À-ÖØ-öø-ʯͰ-ԯ"
"""Letters with accents, Greek and Cyrillic: what they touch is a part of a word, and no room ID. In Chinese
text an ID stands between characters without a space."""

NUMBERED_NAME = re.compile(rf"[_0-9-][A-Za-z0-9_-]{{0,120}}+(?![A-Za-z0-9_{_LETTER}-])")
NESTED = re.compile(r"""["'\\]{1,2}\s?:\s?\{\s?["'\\]{1,2}id["'\\]{1,2}\s?:\s?""", re.IGNORECASE)
SEPARATOR = re.compile(
    r"""
    [\\"'`*~]{0,4} \s{0,2} (?: \( [^()]{1,40} \) \s? (?=[:=]) )?
    (?P<sign> => | -> | --? (?=\s) | := | ==? | : | > | \| | / | [(\[] (?=["'0-9`\\]) | [#]
      | (?:ids?\s)? (?: is | was | are | were | ist | war | lautet | sind ) (?:\s?: | (?=\s)) | 是 | 为 )?
    [\s*~]{0,3} (?: \[ | \( (?=["'0-9`\\]) )? \s?
    """,
    re.VERBOSE | re.IGNORECASE,
)
WORDS_BETWEEN = re.compile(r"""(?:\s[a-z]{1,12}){1,4}\s?(?:is|are|:)\s(?=["'`])""", re.IGNORECASE)
QUOTED = re.compile(r"""(?P<quote>\\?["']|`{1,3}) (?P<value>[^\s"'`\\]{1,128}) (?P=quote)""", re.VERBOSE)
BARE = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.@~+-]{{0,127}}+(?![A-Za-z0-9_.@~+{_LETTER}-])")
LIST = re.compile(
    r"\s{0,2}(?P<mark>[,;、/&+]|(?:and|or|und|oder|sowie)(?=\s)|[和与及跟或])\s{0,2}"
    r"(?:(?:and|or|und|oder)\s)?(?:(?:rooms?|raum)\s)?[*#]?",
    re.IGNORECASE,
)

PLACEHOLDERS = frozenset(
    [
        *("null", "none", "nil", "undefined", "nan", "true", "false", "string", "int", "integer", "str"),
        *("number", "xxx", "xxxx", "na", "tbd", "unknown", "unset", "missing", "empty", "all", "any", "id"),
        *("ids", "room", "rooms", "roomid", "room_id", "your_room_id", "not", "no", "the", "a", "an", "this"),
        *("that", "same", "see", "below", "above", "wrong", "invalid", "and", "or", "is", "was", "please"),
        *("which", "what", "where", "as", "to", "for", "in", "with", "my", "our", "your", "it", "here"),
        *("there", "nicht", "kein", "keine", "fehlt", "der", "die", "das"),
    ]
)
OTHER_THING = re.compile(
    r"""
      [0-9]{1,2} (?: am | pm | h | uhr ) [0-9]{0,2}                          # a time
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: T .* )? | [0-9]{8} T .*         # a date
    | [0-9]{1,2} ([.-]) [0-9]{1,2} \1 (?: [0-9]{2} | [0-9]{4} )?
    | v? [0-9]+ (?: \.[0-9]+ )+ .*                                           # a version, an IP, 4.50
    | v [0-9]+
    | (?: [0-9]+ (?: ms | s | secs? | m | mins? | h | hrs? | d | days? | w ) )+
    | [0-9]+ (?: st | nd | rd | th | x | k | p | kb | mb | gb | kbps | fps | [x][0-9]+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
TICKET = re.compile(r"[A-Z]{2,10}-[0-9]{1,6}")
TIME_UNIT_FOLLOWS = re.compile(
    r"\s?(?:%|°|:[0-9]|am\b|pm\b|uhr\b|o'clock|h\b|hours?\b|min(?:ute)?s?\b|sec(?:ond)?s?\b|minuten\b|stunden\b|"
    r"sekunden\b|分钟|小时|秒|点|天|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b)",
    re.IGNORECASE,
)
COUNTED_FOLLOWS = re.compile(
    r"\s?(?:people|persons?|users?|participants?|guests?|times?|days?|weeks?|recordings?|files?|streams?|others?|more|"
    r"of\b|leute|personen|mal\b|tage[n]?\b|dateien|aufnahmen|个|人|次|号楼|楼|月|周)",
    re.IGNORECASE,
)
FEW = 2
"""Digits of a number that counts something: `rooms 3 times`, but `room 1230 users say`."""

BEHIND = (
    re.compile(
        rf"(?P<value>(?<![A-Za-z0-9_.:{_LETTER}-])[A-Za-z0-9_-]{{1,64}})(?:\s?(?:号|这个|那个))?(?:直播|语音)?房间"
    ),
    re.compile(
        r"`(?P<value>[^`\s]{1,128})`\s?(?:号|这个|那个)?(?:(?:chat |live )?room(?![\w-])|-?raum\b|房间)",
        re.IGNORECASE,
    ),
)


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


MAX_FOUND = 10
_TASK_ID_CHARACTERS = 16
_LOOK_BACK = 48
_SHORTEST_LINE = len("房间1")

_KEYED, _DATED, _SHAPED = 3, 2, 1

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[A-Z]")
_DIGIT, _LONG_WORD = re.compile("[0-9]"), re.compile("[a-z]{5}")
_RUNS, _RUNS_WHEN_DATED, _RUNS_WITHOUT_DIGIT = 7, 4, 8
_FIRST_WHEN_DATED = "XYZabcde"
_COUNTER = slice(12, 14)
"""The vendor's samples, read as base 64, begin with the second of the start (these letters: 2017 to 2035) and
end with a small count, so these two are `AA`. Neither is documented: they only make an ID likelier."""

_ITEM = re.compile(r"(?:>\s?){0,5}(?P<bullet>(?:[•◦▪*-]|[0-9]{1,2}[.)])\s{1,3})?")
_TASK_KEY = re.compile(
    r"(?:task[\s_-]?(?:ids?)?[\\\"'`*)]{0,4}\s{0,2}(?:=>|:=|==?|:|>|is|是|为)"
    r"|任务\s?(?:id|号|编号)\s?[:=是为]?)[\s\\\"'`*\[]{0,5}$",
    re.IGNORECASE,
)
_TASK_WORD = re.compile(r"(?:(?<![a-z])task(?:\s?ids?)?|任务|taskid)[\s\"'`*:#]{0,4}$", re.IGNORECASE)
_OTHER_KEY = re.compile(
    r"(?:(?:user|stream|request|req|trace|span|session|video|room|app|message|msg|event|client|device|customer"
    r"|order|job|build|commit|upload|channel)[\s_-]?id|token|nonce|secret|sign|signature|key|hash|digest|md5"
    r"|password|passwd|pwd|etag|cookie|sid)[\\\"'`*]{0,3}(?:\s{0,2}(?:=>|==?|:|>|是|为)|\sis|\s)[\s\\\"'`*]{0,4}$",
    re.IGNORECASE,
)
_FILE_NAME_END = re.compile(r"_[0-9]{14,17}$|_(?:VA|A|V)$")
_FILE_EXTENSION = re.compile(r"\.(?:mp4|flv|m3u8|ts|aac|mp3|jpg|jpeg|png|json|log|txt)(?![A-Za-z0-9])")
_BASE64_NEIGHBOUR = re.compile(r"[A-Za-z0-9+/]{20,}")


@dataclass(frozen=True, slots=True)
class FoundIds:
    """The IDs in a message: each once, the likeliest first, at most 10 of a kind."""

    tasks: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tasks or self.rooms)


def find_ids(texts: Sequence[str], *, room_pattern: re.Pattern[str] | None = None) -> FoundIds:
    """Find the room and task IDs in a message and its thread.

    Args:
        texts: as `texts_of_message` gives them; those of the message itself first.
        room_pattern: what else is a room ID here, its first group (or all of it) being the ID. It is tried on
            lines of at most 500 characters, and what it finds is the likeliest.

    Returns:
        What was found. It never raises; texts beyond 200,000 characters in all are not read.
    """
    tasks: dict[str, int] = {}
    rooms: dict[str, int] = {}
    for line in _labelled(plain_lines(texts)):
        if len(line) < _SHORTEST_LINE and room_pattern is None:
            continue
        for task, likelihood in _tasks_in_line(line):
            tasks[task] = max(likelihood, tasks.get(task, 0))
        for room, likelihood in (*rooms_by_pattern(line, room_pattern), *rooms_in_line(line)):
            rooms[room] = max(likelihood, rooms.get(room, 0))
    return FoundIds(_likeliest(tasks), _likeliest(rooms))


def _labelled(lines: Iterable[str]) -> Iterator[str]:
    """Put a label that ends its line (`Room ID:`) before the next one, or before each item of a list."""
    label = ""
    for line in lines:
        marked = _ITEM.match(line)
        yield f"{label} {line[marked.end() :]}" if label and marked else line
        if line.rstrip("*_` ").endswith(":"):
            label = line[-_LOOK_BACK:]
        elif not (marked and marked["bullet"]):
            label = ""


def _likeliest(found: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(found, key=lambda one: -found[one])[:MAX_FOUND])


def _tasks_in_line(line: str) -> Iterator[tuple[str, int]]:
    for match in _TOKEN.finditer(line):
        token, start, end = match[0], match.start(), match.end()
        if token[0] == "_" and token[-1] == "_" and len(token) == _TASK_ID_CHARACTERS + 2:
            token, start, end = token[1:-1], start + 1, end - 1  # Slack's italics
        before = line[max(0, start - _LOOK_BACK) : start]
        if task := _task_at(token, before, line[end : end + _LOOK_BACK]):
            yield task, _likelihood(task, before)


def _task_at(token: str, before: str, after: str) -> str:
    task, rest = token[:_TASK_ID_CHARACTERS], token[_TASK_ID_CHARACTERS:]
    if rest.strip("-"):  # a dash that follows a word belongs to the sentence
        is_file = rest[0] == "_" and (_FILE_NAME_END.search(rest) or _FILE_EXTENSION.match(after))
        return task if is_file and _looks_random(task) else ""
    if _TASK_KEY.search(before):
        return task if len(set(task)) > 1 else ""
    if _TASK_WORD.search(before) and any(map(str.isdigit, task)) and any(map(str.isalpha, task)):
        return task
    inside_something = (
        before.endswith((".", "@", "+", "%", "$", "\\"))
        or after.startswith(("=", "+", "@", "%"))
        or (after[:1] == "." and after[1:2].isalnum() and not _FILE_EXTENSION.match(after))
        or _is_base64(before, after)
    )
    return task if not inside_something and _looks_random(task) and not _OTHER_KEY.search(before) else ""


def _is_base64(before: str, after: str) -> bool:
    """Whether it stands between slashes of something else that is encoded."""
    behind = before.endswith("/") and _BASE64_NEIGHBOUR.fullmatch(before[-24:-1].rpartition("/")[2] or "-")
    ahead = after.startswith("/") and _BASE64_NEIGHBOUR.match(after[1:])
    return bool(behind or ahead)


def _looks_random(task: str) -> bool:
    """Letters of both kinds and digits in so many runs that it is no name, word, date or part of a hash."""
    if not any("A" <= character <= "Z" for character in task):
        return False
    if not any("a" <= character <= "z" for character in task):
        return False
    runs = len(_RUN.findall(task))
    if _is_dated(task) and (task[_COUNTER] == "AA" or (_DIGIT.search(task) and not _LONG_WORD.search(task))):
        return runs >= _RUNS_WHEN_DATED
    return runs >= (_RUNS if _DIGIT.search(task) else _RUNS_WITHOUT_DIGIT)


def _is_dated(task: str) -> bool:
    return task[0] in _FIRST_WHEN_DATED


def _likelihood(task: str, before: str) -> int:
    if _TASK_KEY.search(before) or _TASK_WORD.search(before):
        return _KEYED
    return _DATED if _is_dated(task) else _SHAPED


async def existing_first(found: FoundIds, recordings: Recordings, patience_seconds: float) -> FoundIds:
    """The same IDs, those seen lately in front; in the order they came where none of them was.

    Only where none was, ZEGOCLOUD is asked for what is newest in all rooms: two calls, however many IDs there
    are, behind everybody who waits for an answer, and for `patience_seconds` at most.
    """
    if max(len(found.rooms), len(found.tasks)) < 2:  # noqa: PLR2004 - one has nothing to stand in front of
        return found
    if not any(map(recordings.has_seen, (*found.rooms, *found.tasks))):
        await recordings.look_at_newest(patience_seconds)
    return FoundIds(
        tasks=tuple(sorted(found.tasks, key=lambda task: not recordings.has_seen(task))),
        rooms=tuple(sorted(found.rooms, key=lambda room: not recordings.has_seen(room))),
    )
