"""The table of terms: what each key takes, means and looks like. Reading, writing and help come from it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from bot.query.times import (
    DAY,
    TimePoint,
    canonical_duration,
    looks_like_duration,
    parse_duration,
    parse_time_point,
)
from bot.query.tokenizer import Mistake, ascii_digits, closest, joined, odd_letter, quote, shown
from bot.query.zones import find_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


MAX_ROOMS = 10
MAX_ROOM_BYTES = 128
MAX_SIZE = 20
MAX_PAGE = 100_000

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_UNSHOWABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


_Word = TypeVar("_Word", bound=StrEnum)


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


STATUS_SYNONYMS: dict[Status, tuple[str, ...]] = {
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
SORT_SYNONYMS: dict[Sort, tuple[str, ...]] = {
    Sort.NEWEST: ("new", "newest first", "latest", "latest first", "recent", "desc", "descending"),
    Sort.OLDEST: ("old", "oldest first", "earliest", "earliest first", "asc", "ascending"),
}


def _squeezed(word: str) -> str:
    """`In progress`, `in-progress` and `in_progress` are one word."""
    return re.sub(r"[\s_-]+", "", word.lower())


def _by_word(synonyms: Mapping[_Word, tuple[str, ...]]) -> dict[str, _Word]:
    return {_squeezed(word): value for value, words in synonyms.items() for word in (str(value), *words)}


_STATUS_BY_WORD = _by_word(STATUS_SYNONYMS)
_SORT_BY_WORD = _by_word(SORT_SYNONYMS)


def status_for(word: str) -> Status | None:
    """The status that an everyday word means, if it means one."""
    return _STATUS_BY_WORD.get(_squeezed(word))


def sort_for(word: str) -> Sort | None:
    """The order that an everyday word means, if it means one."""
    return _SORT_BY_WORD.get(_squeezed(word))


def close_status_words(typed: str, cutoff: float) -> list[str]:
    """The everyday word for a status that may be mistyped, without its spaces; none if none is close."""
    return closest(_squeezed(typed), _STATUS_BY_WORD, cutoff=cutoff)


def _one(key: str, values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise Mistake(f"`{key}=` takes one value, and here are {len(values)}.", values[:1])
    value = values[0].strip()
    if not value:
        raise Mistake(f"The value of `{key}=` is empty.")
    return ascii_digits(value)


def parse_rooms(values: tuple[str, ...]) -> tuple[str, ...]:
    """Room IDs, each once, as the vendor can have them.

    They are ASCII (vendor docs), so digits of other scripts are read as 0 to 9. The vendor's docs name an
    alphabet too, which isn't enforced: "none" is a true answer to any other ASCII text. Only a `?` at the end
    is refused: it's outside the alphabet, and it ends the sentence that somebody typed.
    """
    rooms = tuple(dict.fromkeys(map(ascii_digits, values)))
    for room in rooms:
        check_room(room)
    if len(rooms) > MAX_ROOMS:
        raise Mistake(f"`room=` takes at most {MAX_ROOMS} rooms, and here are {len(rooms)}.")
    return rooms


def check_room(room: str) -> None:
    """Refuse what can't be a room ID.

    Raises:
        Mistake: it's empty, too long, not ASCII, ends with `?`, or has invisible characters.
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


def parse_word_of(
    key: str, noun: str, choices: type[_Word], words: Mapping[str, _Word], *, cutoff: float
) -> Callable[[tuple[str, ...]], _Word]:
    """A reader for one of a few choices, by any everyday word; `cutoff` is for suggestions."""

    def parse(values: tuple[str, ...]) -> _Word:
        typed = _one(key, values)
        if found := words.get(_squeezed(typed)):
            return found
        raise Mistake(
            f"There is no {noun} `{shown(typed)}`: it can be {joined(tuple(choices))}.",
            tuple(words[near] for near in closest(_squeezed(typed), words, cutoff=cutoff)),
        )

    return parse


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
    """Whether it looks like one of the vendor's (vendor docs: 16 characters; the alphabet is as seen)."""
    return _TASK_ID.fullmatch(text) is not None


def parse_zone(values: tuple[str, ...]) -> str:
    """The IANA name."""
    return find_zone(_one("tz", values))


@dataclass(frozen=True, slots=True)
class RecordingQuery:
    """One question about recordings, as it was asked: relative times stay relative.

    Args:
        rooms: room IDs, none for all rooms.
        status: of the recordings wanted.
        last_seconds: the window's length until now; None where `start` or `end` is given.
        start: where the window begins.
        end: where it ends.
        tz: IANA zone in which `start` and `end` are read; always there when they need one.
        sort: order by start.
        size: rows in a message.
        page: from 1.
        task: one task ID; everything else is then as it is by default.
    """

    rooms: tuple[str, ...] = ()
    status: Status = Status.ALL
    last_seconds: int | None = DAY
    start: TimePoint | None = None
    end: TimePoint | None = None
    tz: str | None = None
    sort: Sort = Sort.NEWEST
    size: int = 10
    page: int = 1
    task: str | None = None

    @property
    def needs_zone(self) -> bool:
        """Whether its words mean different moments in different zones."""
        return any(point is not None and point.needs_zone for point in (self.start, self.end))


@dataclass(frozen=True, slots=True)
class Term:
    """One key of the language.

    Args:
        key: as it is written canonically.
        field: of `RecordingQuery`.
        example: a whole term.
        values: what it takes, in words.
        default: what holds without it, in words; empty if nothing does.
        meaning: one line for help.
        synonyms: other keys that can mean only this.
        words: other words for a value, by the value; empty if it has no fixed values.
        parse: the values as typed → the field's value; raises `Mistake`.
        write: a value of the field → text, unquoted.
        unsaid: the field's value that canonical text leaves out, besides none at all.
    """

    key: str
    field: str
    example: str
    values: str
    default: str
    meaning: str
    parse: Callable[[tuple[str, ...]], Any]
    write: Callable[[Any], str] = str
    unsaid: object = None
    synonyms: tuple[str, ...] = ()
    words: Mapping[Any, tuple[str, ...]] | None = None

    def format(self, value: Any) -> str:
        """The term in canonical text; empty if it need not be said."""
        if value in (None, (), self.unsaid):
            return ""
        return self.text(*map(self.write, value if isinstance(value, tuple) else (value,)))

    def text(self, *values: str) -> str:
        """The term with these values, quoted where they need it."""
        return f"{self.key}={','.join(map(quote, values))}"

    def tidy(self, *values: str) -> str:
        """The term with these values, in canonical text if they can be read."""
        try:
            return self.format(self.parse(values)) or self.text(*values)
        except Mistake:
            return self.text(*values)


_MOMENTS = '`14:00`, `2026-11-20`, `2026-11-20T14:00`, `today`, `yesterday`, `"yesterday 14:00"`, `now`'

TERMS: dict[str, Term] = {
    term.key: term
    for term in (
        Term(
            key="room",
            field="rooms",
            example="room=1230",
            values=f"a room ID, or up to {MAX_ROOMS} with commas; in quotes if it has a space or a comma",
            default="all rooms",
            meaning="Only these rooms",
            parse=parse_rooms,
            synonyms=("rooms", "roomid", "room_id", "room-id", "roomids"),
        ),
        Term(
            key="status",
            field="status",
            example="status=ongoing",
            values=", ".join(f"`{status}`" for status in Status),
            default=Status.ALL,
            meaning="Only recordings in this state",
            parse=parse_word_of("status", "status", Status, _STATUS_BY_WORD, cutoff=0.7),
            unsaid=Status.ALL,
            synonyms=("state", "statuses"),
            words=STATUS_SYNONYMS,
        ),
        Term(
            key="last",
            field="last_seconds",
            example="last=6h",
            values="a duration: `30m`, `6h`, `1h30m`, `2d`, `1w`",
            default="24h",
            meaning="Started within this time until now",
            parse=parse_last,
            write=canonical_duration,
            synonyms=("past",),
        ),
        Term(
            key="from",
            field="start",
            example='from="yesterday 14:00"',
            values=_MOMENTS,
            default="3 days ago where only `to=` is given",
            meaning="Started at or after this moment; excludes `last=`",
            parse=parse_moment_of("from"),
            write=TimePoint.format,
            synonyms=("since", "after"),
        ),
        Term(
            key="to",
            field="end",
            example="to=yesterday",
            values="as `from=`; a day is meant through its end",
            default="now where only `from=` is given",
            meaning="Started at or before this moment; excludes `last=`",
            parse=parse_moment_of("to"),
            write=TimePoint.format,
            synonyms=("until", "till", "before"),
        ),
        Term(
            key="tz",
            field="tz",
            example="tz=Europe/Berlin",
            values="an IANA time zone",
            default="your Slack time zone",
            meaning="The zone in which `from=` and `to=` are read",
            parse=parse_zone,
            synonyms=("zone", "timezone", "time_zone"),
        ),
        Term(
            key="sort",
            field="sort",
            example="sort=oldest",
            values=", ".join(f"`{sort}`" for sort in Sort),
            default=Sort.NEWEST,
            meaning="Which start comes first",
            parse=parse_word_of("sort", "order", Sort, _SORT_BY_WORD, cutoff=0.6),
            unsaid=Sort.NEWEST,
            synonyms=("order", "orderby", "order_by"),
            words=SORT_SYNONYMS,
        ),
        Term(
            key="size",
            field="size",
            example="size=5",
            values=f"1 to {MAX_SIZE}",
            default="10",
            meaning="Rows in a message",
            parse=parse_number_of("size", MAX_SIZE),
            unsaid=10,
            synonyms=("limit", "rows", "pagesize", "page_size"),
        ),
        Term(
            key="page",
            field="page",
            example="page=2",
            values="from 1",
            default="1",
            meaning="Which page of the list",
            parse=parse_number_of("page", MAX_PAGE),
            unsaid=1,
        ),
        Term(
            key="task",
            field="task",
            example="task=YRHu6-E4IyvEAAAD",
            values="a task ID, alone",
            default="",
            meaning="The details of one recording",
            parse=parse_task,
            synonyms=("taskid", "task_id", "task-id"),
        ),
    )
}
"""Every term, in canonical order."""

KEYS: dict[str, str] = {name: term.key for term in TERMS.values() for name in (term.key, *term.synonyms)}
"""Canonical key by every key that is understood."""
