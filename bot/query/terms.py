"""The table of terms: what each key takes, means and looks like. Reading, writing and help come from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.query.durations import DAY, canonical_duration
from bot.query.typed_text import Mistake, quote
from bot.query.values import (
    MAX_PAGE,
    MAX_ROOMS,
    MAX_SIZE,
    SORT_SYNONYMS,
    STATUS_SYNONYMS,
    Sort,
    Status,
    parse_last,
    parse_moment_of,
    parse_number_of,
    parse_rooms,
    parse_sort,
    parse_status,
    parse_task,
    parse_zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.query.times import TimePoint


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


@dataclass(frozen=True, slots=True)
class Term:
    """One key of the language.

    Args:
        key: as it is written canonically.
        field: of `RecordingQuery`.
        example: a whole term.
        values: what it takes, in words.
        default: what holds without it, in words; empty where nothing does.
        meaning: one line for help.
        synonyms: other keys that can mean only this.
        words: other words for a value, by the value; empty where it has no fixed values.
        parse: the values as typed → the field's value; raises `Mistake`.
        write: the field's value → the values, unquoted; none where it need not be said.
    """

    key: str
    field: str
    example: str
    values: str
    default: str
    meaning: str
    parse: Callable[[tuple[str, ...]], Any]
    write: Callable[[Any], tuple[str, ...]]
    synonyms: tuple[str, ...] = ()
    words: dict[str, tuple[str, ...]] | None = None

    def format(self, value: Any) -> str:
        """The term in canonical text; empty where it need not be said."""
        return self.text(*written) if (written := self.write(value)) else ""

    def text(self, *values: str) -> str:
        """The term with these values, quoted where they need it."""
        return f"{self.key}={','.join(map(quote, values))}"

    def tidy(self, *values: str) -> str:
        """The term with these values, in canonical text where they can be read."""
        try:
            return self.format(self.parse(values)) or self.text(*values)
        except Mistake:
            return self.text(*values)


def _write_point(point: TimePoint | None) -> tuple[str, ...]:
    return (point.format(),) if point else ()


def _write_text(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _write_unless(default: object) -> Callable[[Any], tuple[str, ...]]:
    return lambda value: () if value == default else (str(value),)


def _write_last(seconds: int | None) -> tuple[str, ...]:
    return () if seconds is None else (canonical_duration(seconds),)


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
            write=tuple,
            synonyms=("rooms", "roomid", "room_id", "room-id", "roomids"),
        ),
        Term(
            key="status",
            field="status",
            example="status=ongoing",
            values=", ".join(f"`{status}`" for status in Status),
            default=Status.ALL,
            meaning="Only recordings in this state",
            parse=parse_status,
            write=_write_unless(Status.ALL),
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
            write=_write_last,
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
            write=_write_point,
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
            write=_write_point,
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
            write=_write_text,
            synonyms=("zone", "timezone", "time_zone"),
        ),
        Term(
            key="sort",
            field="sort",
            example="sort=oldest",
            values=", ".join(f"`{sort}`" for sort in Sort),
            default=Sort.NEWEST,
            meaning="Which start comes first",
            parse=parse_sort,
            write=_write_unless(Sort.NEWEST),
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
            write=_write_unless(10),
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
            write=_write_unless(1),
        ),
        Term(
            key="task",
            field="task",
            example="task=YRHu6-E4IyvEAAAD",
            values="a task ID, alone",
            default="",
            meaning="The details of one recording",
            parse=parse_task,
            write=_write_text,
            synonyms=("taskid", "task_id", "task-id"),
        ),
    )
}
"""Every term, in canonical order."""

KEYS: dict[str, str] = {name: term.key for term in TERMS.values() for name in (term.key, *term.synonyms)}
"""Canonical key by every key that is understood."""
