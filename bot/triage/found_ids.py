"""The room and task IDs that a support message speaks of (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.triage.found_rooms import rooms_by_pattern, rooms_in_line
from bot.triage.message_text import plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["MAX_FOUND", "FoundIds", "find_ids"]

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
