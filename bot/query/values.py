"""What the values of a query may be: rooms, everyday words for a status, numbers, moments, task IDs."""

from __future__ import annotations

import difflib
import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.query.durations import canonical_duration, looks_like_duration, parse_duration
from bot.query.time_words import parse_time_point
from bot.query.typed_text import Mistake, ascii_digits, joined, odd_letter, shown
from bot.query.zones import find_zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.query.times import TimePoint

MAX_ROOMS = 10
MAX_ROOM_BYTES = 128
MAX_SIZE = 20
MAX_PAGE = 100_000

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_UNSHOWABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


class Status(StrEnum):
    """Which recordings are asked for."""

    ALL = "all"
    ONGOING = "ongoing"
    ENDED = "ended"
    FAILED = "failed"
    PAUSED = "paused"
    STARTING = "starting"
    ATTENTION = "attention"


class Sort(StrEnum):
    """Which recording comes first, by its start."""

    NEWEST = "newest"
    OLDEST = "oldest"


STATUS_SYNONYMS: dict[str, tuple[str, ...]] = {
    Status.ALL: ("any", "every", "everything", "*"),
    Status.ONGOING: ("live", "running", "active", "recording", "in progress", "current", "on air"),
    Status.ENDED: ("done", "finished", "completed", "complete", "stopped", "closed"),
    Status.FAILED: (
        *("fail", "failure", "failures", "abnormal", "abnormally", "ended abnormally"),
        *("error", "errors", "errored", "crashed", "broken", "aborted"),
    ),
    Status.ATTENTION: ("problem", "problems", "trouble", "issue", "issues", "needs attention"),
    Status.PAUSED: ("pause", "hold", "on hold", "held", "suspended"),
    Status.STARTING: (
        *("initialising", "initializing", "initialised", "initialized", "init"),
        *("pending", "launching", "preparing"),
    ),
}
SORT_SYNONYMS: dict[str, tuple[str, ...]] = {
    Sort.NEWEST: ("new", "newest first", "latest", "latest first", "recent", "desc", "descending"),
    Sort.OLDEST: ("old", "oldest first", "earliest", "earliest first", "asc", "ascending"),
}


def _squeezed(word: str) -> str:
    """`In progress`, `in-progress` and `in_progress` are one word."""
    return re.sub(r"[\s_-]+", "", word.lower())


def _by_word(synonyms: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {_squeezed(word): value for value, words in synonyms.items() for word in (value, *words)}


_STATUS_BY_WORD = _by_word(STATUS_SYNONYMS)
_SORT_BY_WORD = _by_word(SORT_SYNONYMS)


def status_for(word: str) -> Status | None:
    """The status an everyday word means, if it means one."""
    found = _STATUS_BY_WORD.get(_squeezed(word))
    return Status(found) if found else None


def sort_for(word: str) -> Sort | None:
    """The order an everyday word means, if it means one."""
    found = _SORT_BY_WORD.get(_squeezed(word))
    return Sort(found) if found else None


def close_statuses(word: str, cutoff: float = 0.7) -> tuple[tuple[str, str], ...]:
    """The everyday word that may be mistyped, with its status."""
    close = difflib.get_close_matches(_squeezed(word[:40]), _STATUS_BY_WORD, n=1, cutoff=cutoff)
    return tuple((match, str(_STATUS_BY_WORD[match])) for match in close)


def _one(key: str, values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise Mistake(f"`{key}=` takes one value, and here are {len(values)}.", values[:1])
    value = values[0].strip()
    if not value:
        raise Mistake(f"The value of `{key}=` is empty.")
    return ascii_digits(value)


def parse_rooms(values: tuple[str, ...]) -> tuple[str, ...]:
    """Room IDs, each once, as the vendor can have them.

    They are ASCII (vendor docs), so digits of another script are those digits. The vendor names an alphabet
    too, which isn't insisted on: an ID of other ASCII characters is truthfully answered with "none". Only a
    `?` at its end is refused: it isn't in the alphabet either, and it ends the sentence that somebody typed.
    """
    rooms = tuple(dict.fromkeys(map(ascii_digits, values)))
    for room in rooms:
        check_room(room)
    if len(rooms) > MAX_ROOMS:
        raise Mistake(f"`room=` takes at most {MAX_ROOMS} rooms, and here are {len(rooms)}.")
    return rooms


def check_room(room: str) -> None:
    """See that the vendor can have a room of this ID.

    Raises:
        Mistake: it cannot: the ID is empty, too long, not ASCII, ends with `?`, or holds what nobody can see.
    """
    if not room.strip():
        raise Mistake("A room ID in `room=` is empty.")
    if any(unicodedata.category(character) in _UNSHOWABLE for character in room):
        raise Mistake(f"The room ID `{shown(room)}` holds a control character or an invisible one.")
    if not room.isascii():
        raise Mistake(
            f"`{shown(room)}` can't be a room ID: room IDs have only English letters, digits, and symbols, "
            f"not {odd_letter(room)}."
        )
    if room.endswith("?"):
        raise Mistake(f"`{shown(room)}` can't be a room ID: room IDs don't contain `?`.")
    if len(room) > MAX_ROOM_BYTES:
        raise Mistake(
            f"The room ID `{shown(room)}` has {len(room)} bytes; ZEGOCLOUD allows at most {MAX_ROOM_BYTES}."
        )


def parse_status(values: tuple[str, ...]) -> Status:
    """One status, by any everyday word."""
    word = _one("status", values)
    if (status := status_for(word)) is None:
        raise Mistake(
            f"There is no status `{shown(word)}`: it can be {joined(tuple(Status))}.",
            tuple(status for _, status in close_statuses(word)),
        )
    return status


def parse_sort(values: tuple[str, ...]) -> Sort:
    """One order, by any everyday word."""
    word = _one("sort", values)
    if (sort := sort_for(word)) is None:
        close = difflib.get_close_matches(_squeezed(word[:40]), _SORT_BY_WORD, n=1)
        nearest = tuple(str(_SORT_BY_WORD[match]) for match in close)
        raise Mistake(f"There is no order `{shown(word)}`: it can be {joined(tuple(Sort))}.", nearest)
    return sort


def parse_last(values: tuple[str, ...]) -> int:
    """Seconds."""
    text = _one("last", values)
    days = {"today": ("from=today",), "yesterday": ("from=yesterday to=yesterday",)}
    try:
        return parse_duration(text)
    except Mistake as mistake:
        raise Mistake(mistake.problem, mistake.nearest, days.get(text.lower(), ())) from None


def parse_moment_of(key: str) -> Callable[[tuple[str, ...]], TimePoint]:
    """A reader for `from=` or `to=`."""

    def parse(values: tuple[str, ...]) -> TimePoint:
        text = _one(key, values)
        if looks_like_duration(text):
            raise Mistake(
                f"`{shown(text)}` is a duration, and `{key}=` takes a moment.",
                terms=(f"last={canonical_duration(parse_duration(text))}",),
            )
        return parse_time_point(text)

    return parse


def parse_number_of(key: str, highest: int) -> Callable[[tuple[str, ...]], int]:
    """A reader for a whole number from 1 to `highest`."""

    def parse(values: tuple[str, ...]) -> int:
        text = _one(key, values)
        if not _NUMBER.fullmatch(text):
            raise Mistake(f"`{key}=` takes a whole number from 1 to {highest}, not `{shown(text)}`.")
        number = int(text)
        if not 1 <= number <= highest:
            nearest = min(max(number, 1), highest)
            raise Mistake(f"`{key}=` goes from 1 to {highest}, and {number} is outside.", (str(nearest),))
        return number

    return parse


def parse_task(values: tuple[str, ...]) -> str:
    """One task ID."""
    task = _one("task", values)
    if not task.isascii():
        raise Mistake(
            f"`{shown(task)}` can't be a task ID: task IDs have only English letters, digits, `-`, and `_`, "
            f"not {odd_letter(task)}."
        )
    if not is_task_id(task):
        raise Mistake(
            f"`{shown(task)}` is not a task ID: those have 16 characters, letters, digits, `-` and `_`."
        )
    return task


def is_task_id(text: str) -> bool:
    """Whether it looks like the vendor's task IDs (vendor docs: 16 characters; the alphabet is as seen)."""
    return _TASK_ID.fullmatch(text) is not None


def parse_zone(values: tuple[str, ...]) -> str:
    """The IANA name."""
    return find_zone(_one("tz", values))
