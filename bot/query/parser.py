"""Reads a query as people type it, with one sentence about the mistake where it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.errors import QueryError
from bot.query.suggestions import (
    HELP_WORDS,
    bare_fields,
    check_items,
    gather,
    misread_bare,
    misread_key,
    misread_value,
)
from bot.query.terms import KEYS, TERMS, RecordingQuery, Sort, Status, Term
from bot.query.tokenizer import Change, Misread, Mistake, Word, edited, plain_text, quote, shown, split_words
from bot.query.window import WindowMistake, needs_zone, resolve
from bot.query.wording import describe_query, describe_subject, describe_window, help_terms, readme_table
from bot.query.zones import asker_zone

if TYPE_CHECKING:
    from bot.query.times import Window


__all__ = [
    "TERMS",
    "RecordingQuery",
    "Sort",
    "Status",
    "Term",
    "describe_query",
    "describe_subject",
    "describe_window",
    "format_query",
    "help_terms",
    "parse_query",
    "quote",
    "readme_table",
    "resolve_window",
    "wants_help",
]

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
        QueryError: the first thing that cannot be read. Its suggestion, where there is one, is the whole
            text with that put right, and can itself be read.
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
                resolve(query, now, query.tz or asker_zone(tz) or "UTC", recurring=recurring)
            except WindowMistake as mistake:
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
    """Name the asker's zone where the words need one, so that they mean the same to every reader."""
    if query.tz or not needs_zone(query):
        return query
    zone = asker_zone(tz)
    if zone is None:
        raise Misread(
            f"Your time zone `{shown(tz)}` is not known here: say in which zone `from=` and `to=` are meant.",
            (Change(len(text), len(text), " tz=UTC"),),
        )
    return replace(query, tz=zone)


def _placed(mistake: WindowMistake, given: dict[str, Word]) -> Misread:
    """Put better windows where the impossible one stands, and leave the rest as it was typed."""
    words = sorted({given[key] for key in _WINDOW_KEYS if key in given}, key=lambda word: word.start)
    first, *others = words
    return Misread(
        mistake.problem,
        *(
            (
                *first.replaced(_window_terms(better)),
                *(change for word in others for change in word.replaced("")),
            )
            for better in mistake.better
        ),
    )


def _window_terms(query: RecordingQuery) -> str:
    return " ".join(filter(None, (_formatted(TERMS[key], query) for key in _WINDOW_KEYS)))


def _formatted(term: Term, query: RecordingQuery) -> str:
    return term.format(getattr(query, term.field))


def format_query(query: RecordingQuery) -> str:
    """The canonical text, without `/recordings`: reading it gives the same query back, for every reader."""
    if query.task is not None:
        return TERMS["task"].text(query.task)
    return " ".join(filter(None, (_formatted(term, query) for term in TERMS.values())))


def resolve_window(
    query: RecordingQuery, now: float, tz: str, *, asked_now: bool = True, recurring: bool = False
) -> Window:
    """Find the window a query asks for. It may reach further back than the vendor's API knows.

    Args:
        query: its own zone wins.
        now: when it was asked, Unix seconds.
        tz: the reader's IANA zone.
        asked_now: False where that was some time ago, as in the button of an old message.
        recurring: the question of a digest, asked again on other days: a time that a clock change skips is
            read as the first moment after the change, as its schedule is.

    Raises:
        QueryError: the window cannot be, at this moment: it begins in the future, or ends before it begins,
            or a clock change skips one of its ends. A query read earlier may come to this.
    """
    zone = query.tz or asker_zone(tz) or "UTC"
    try:
        return resolve(query, now, zone, asked_now=asked_now, recurring=recurring)
    except WindowMistake as mistake:
        suggestion = next(
            (format_query(better) for better in mistake.better if _can_be(better, now, zone)), ""
        )
        raise QueryError(mistake.problem, suggestion) from None


def _can_be(query: RecordingQuery, now: float, zone: str) -> bool:
    try:
        resolve(query, now, query.tz or zone)
    except WindowMistake:
        return False
    return True


def wants_help(text: str) -> bool:
    """Whether a command asks for help: nothing at all, `help`, `?`, `--help` and the like."""
    try:
        return plain_text(text).lower() in ("", *HELP_WORDS)
    except Misread:
        return False
