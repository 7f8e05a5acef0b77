"""Reads a query as people type it, finds its window, and writes it in canonical text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.errors import QueryError
from bot.models import API_HISTORY_MS
from bot.query.suggestions import (
    HELP_WORDS,
    bare_fields,
    check_items,
    gather,
    misread_bare,
    misread_key,
    misread_value,
)
from bot.query.terms import KEYS, TERMS, RecordingQuery
from bot.query.times import DAY, RelativeDay, TimePoint, Window, describe_moment, parse_time_point
from bot.query.tokenizer import Change, Misread, Mistake, Word, edited, plain_text, shown, split_words
from bot.query.zones import asker_zone
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SUGGESTION = 1500
_CORRECTIONS = 4
_WINDOW_KEYS = ("last", "from", "to")


def parse_query(text: str, now: float | None, tz: str, *, recurring: bool = False) -> RecordingQuery:
    """Read a query.

    Args:
        text: as it arrived, with whatever Slack and keyboards did to it; empty text asks for everything.
        now: Unix seconds; None for text that was accepted before: its window is not looked at.
        tz: the asker's IANA zone. A query whose words need a zone and name none carries this one.
        recurring: as for `resolve_window`.

    Raises:
        QueryError: the first thing that cannot be read. Its suggestion, if there is one, is the whole text
            with that put right, and can itself be read.
    """
    return _parse(text, now, tz, _CORRECTIONS, recurring=recurring)


def _parse(
    text: str, now: float | None, tz: str, corrections: int, *, recurring: bool = False
) -> RecordingQuery:
    plain = ""
    try:
        plain = plain_text(text)
        query, given = _read(split_words(plain, KEYS))
        query = _with_zone(query, plain, tz)
        if query.task is None and now is not None:
            try:
                _resolve(query, now, query.tz or asker_zone(tz) or "UTC", recurring=recurring)
            except _WindowMistake as mistake:
                raise _placed(mistake, given) from None
    except Misread as misread:
        suggestion = _first_readable(plain, misread.edits, now, tz, corrections)
        raise QueryError(misread.problem, suggestion) from None
    return query


def _first_readable(
    text: str, edits: tuple[tuple[Change, ...], ...], now: float | None, tz: str, corrections: int
) -> str:
    """The first correction that makes the whole text readable, if need be with another mistake corrected."""
    second_best = ""
    for edit in edits if corrections else ():
        candidate = edited(text, edit)
        if candidate == text or len(candidate) > MAX_SUGGESTION:
            continue
        try:
            _parse(candidate, now, tz, corrections - 1)
        except QueryError as error:
            second_best = second_best or error.suggestion
        else:
            return candidate
    return second_best


def _read(words: list[Word]) -> tuple[RecordingQuery, dict[str, Word]]:
    fields: dict[str, Any] = {}
    given: dict[str, Word] = {}
    for index, word in enumerate(words):
        for key, value in _read_word(words, index).items():
            if key in given:
                raise _given_twice(key, given[key], word, gather(words, index - 1))
            given[key] = word
            fields[TERMS[key].field] = value
    _check_together(given, words)
    if "from" in given or "to" in given:
        fields["last_seconds"] = None
    return RecordingQuery(**fields), given


def _read_word(words: list[Word], index: int) -> dict[str, Any]:
    word = words[index]
    if not word.key:
        fields = bare_fields(word)
        if fields is None:
            raise misread_bare(words, index)
        return fields
    key = KEYS.get(word.key)
    if key is None:
        raise misread_key(word)
    if not word.items:
        raise Misread(f"`{key}=` has no value: write for example `{TERMS[key].example}`.")
    check_items(word)
    try:
        return {key: TERMS[key].parse(word.values)}
    except Mistake as mistake:
        raise misread_value(words, index, mistake) from None


def _given_twice(key: str, first: Word, second: Word, as_one: list[tuple[Change, ...]]) -> Misread:
    """Rooms can be put together, and `1h 30m` read as one; else the first is offered: nobody can know."""
    both = TERMS[key].text(*first.values, *second.values)
    return Misread(
        f"`{key}=` is given twice.",
        *as_one,
        (*first.replaced(both), *second.replaced("")),
        second.replaced(""),
    )


def _check_together(given: dict[str, Word], words: list[Word]) -> None:
    if "task" in given and len(words) > 1:
        alone = TERMS["task"].text(*given["task"].values)
        raise Misread(
            "`task=` stands alone: one recording needs no other term.",
            (Change(words[0].start, words[-1].end, alone),),
        )
    ends = {given[key] for key in ("from", "to") if key in given}
    if "last" in given and ends:
        raise Misread(
            "`last=` and `from=`, `to=` set the same window: keep one of them.",
            given["last"].replaced(""),
            tuple(change for word in ends for change in word.replaced("")),
        )


def _with_zone(query: RecordingQuery, text: str, tz: str) -> RecordingQuery:
    """Name the asker's zone if the words need one, so that they mean the same to every reader."""
    if query.tz or not query.needs_zone:
        return query
    zone = asker_zone(tz)
    if zone is None:
        raise Misread(
            f"Your time zone `{shown(tz)}` is not known here: say in which zone `from=` and `to=` are meant.",
            (Change(len(text), len(text), " tz=UTC"),),
        )
    return replace(query, tz=zone)


def format_query(query: RecordingQuery) -> str:
    """The canonical text, without `/recordings`: reading it gives the same query back, for every reader."""
    if query.task is not None:
        return TERMS["task"].text(query.task)
    return _format_terms(query, TERMS)


def _format_terms(query: RecordingQuery, keys: Iterable[str]) -> str:
    terms = (TERMS[key].format(getattr(query, TERMS[key].field)) for key in keys)
    return " ".join(filter(None, terms))


def wants_help(text: str) -> bool:
    """Whether a command asks for help: nothing at all, `help`, `?`, `--help` and the like."""
    try:
        return plain_text(text).lower() in ("", *HELP_WORDS)
    except Misread:
        return False


def resolve_window(
    query: RecordingQuery, now: float, tz: str, *, asked_now: bool = True, recurring: bool = False
) -> Window:
    """Find the window a query asks for. It may reach further back than the vendor's API knows.

    Args:
        query: its own zone wins.
        now: when it was asked, Unix seconds.
        tz: the reader's IANA zone.
        asked_now: False if that was some time ago, as in the button of an old message.
        recurring: the question of a digest, asked again on other days: a time that a clock change skips is
            read as the first moment after the change, as its schedule is.

    Raises:
        QueryError: the window is impossible at this moment: it begins in the future, or ends before it
            begins, or a clock change skips one of its ends. A query read earlier may come to this.
    """
    zone = query.tz or asker_zone(tz) or "UTC"
    try:
        return _resolve(query, now, zone, asked_now=asked_now, recurring=recurring)
    except _WindowMistake as mistake:
        possible = (format_query(better) for better in mistake.better if _is_possible(better, now, zone))
        raise QueryError(mistake.problem, next(possible, "")) from None


class _WindowMistake(Mistake):
    """An impossible window. `better` are queries like it that may be possible, the likeliest first."""

    def __init__(self, problem: str, *better: RecordingQuery) -> None:
        super().__init__(problem)
        self.better = better


def _is_possible(query: RecordingQuery, now: float, zone: str) -> bool:
    try:
        _resolve(query, now, query.tz or zone)
    except _WindowMistake:
        return False
    return True


def _placed(mistake: _WindowMistake, given: dict[str, Word]) -> Misread:
    """Put better windows in place of the impossible one, and leave the rest as it was typed."""
    words = sorted({given[key] for key in _WINDOW_KEYS if key in given}, key=lambda word: word.start)
    first, *others = words
    removed = [change for word in others for change in word.replaced("")]
    better = (_format_terms(query, _WINDOW_KEYS) for query in mistake.better)
    return Misread(mistake.problem, *((*first.replaced(terms), *removed) for terms in better))


def _resolve(
    query: RecordingQuery, now: float, zone: str, *, asked_now: bool = True, recurring: bool = False
) -> Window:
    """As `resolve_window`, in `zone`; raises _WindowMistake."""
    try:
        zone_info(zone)
    except LookupError:
        raise _WindowMistake(f"The time zone `{zone}` is not known here.", replace(query, tz="UTC")) from None
    now_ms = round(now * 1000)
    if query.last_seconds is not None:
        return Window(now_ms - query.last_seconds * 1000, now_ms, zone, asked_now=asked_now)
    start_ms, start_note = _resolve_end(query, "start", now, zone, recurring=recurring)
    end_ms, end_note = _resolve_end(query, "end", now, zone, recurring=recurring)
    if query.start and start_ms > now_ms:
        raise _WindowMistake(
            f"`{TERMS['from'].format(query.start)}` is in the future; it is {describe_moment(now, zone)}.",
            _earlier(query, query.start),
        )
    if query.end and end_ms > now_ms:
        end_ms = now_ms
        if query.end != TimePoint(RelativeDay.TODAY):
            typed = f"`{TERMS['to'].format(query.end)}`"
            end_note = (
                f"{typed} is in the future; read as now."
                if asked_now
                else f"{typed} was in the future when this was asked; the window ends at that moment."
            )
    if start_ms >= end_ms:
        raise _backwards(query)
    notes = dict.fromkeys(filter(None, (start_note, end_note)))
    return Window(start_ms, end_ms, zone, tuple(notes), asked_now)


def _resolve_end(
    query: RecordingQuery, field: str, now: float, zone: str, *, recurring: bool
) -> tuple[int, str]:
    """One end of the window (`start` or `end`), see `TimePoint.resolve`."""
    point: TimePoint | None = getattr(query, field)
    if point is None:
        return round(now * 1000) - (API_HISTORY_MS if field == "start" else 0), ""
    try:
        return point.resolve(now, zone, end=field == "end", recurring=recurring)
    except Mistake as mistake:
        points = map(parse_time_point, mistake.nearest)
        better = (replace(query, start=it) if field == "start" else replace(query, end=it) for it in points)
        raise _WindowMistake(mistake.problem, *better) from None


def _earlier(query: RecordingQuery, start: TimePoint) -> RecordingQuery:
    """A window that begins before now instead of in the future."""
    if start.time and start.day in (None, RelativeDay.TODAY):
        return replace(query, start=replace(start, day=RelativeDay.YESTERDAY))
    return replace(query, start=TimePoint(RelativeDay.TODAY))


def _backwards(query: RecordingQuery) -> _WindowMistake:
    start, end = query.start, query.end
    if start is None:
        return _WindowMistake(
            f"`{TERMS['to'].format(end)}` lies before the 3 days that ZEGOCLOUD's API keeps.",
            replace(query, end=None, last_seconds=API_HISTORY_MS // 1000),
        )
    if end is None or start == end:
        return _WindowMistake(
            f"`{start.format()}` is where this window begins and ends: it is empty.",
            replace(query, start=None, end=None, last_seconds=DAY),
        )
    return _WindowMistake(
        f"`{TERMS['from'].format(start)}` is not before `{TERMS['to'].format(end)}`.",
        *([_earlier(query, start)] if start.time and start.day is None else []),
        replace(query, start=end, end=start),
    )
