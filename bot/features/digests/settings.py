"""What a digest says when, as people type it: the schedule first, then the terms of a query (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from bot.errors import QueryError
from bot.features.digests.schedule import format_schedule, parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.query.parser import format_query, parse_query
from bot.query.terms import KEYS, TERMS, RecordingQuery, parse_zone
from bot.query.tokenizer import Mistake, Word, quote, shown, split_words

if TYPE_CHECKING:
    from bot.features.digests.models import NewDigest


ADD = "digest add"
EXAMPLE = '"weekdays at 09:00" room=1230'

QUIET_KEY = "quiet"
QUIET_WORDS = {
    **dict.fromkeys(("line", "yes", "on", "say", "short"), "line"),
    **dict.fromkeys(("silent", "silence", "nothing", "none", "no", "off", "quiet"), "nothing"),
}
"""What is posted when nothing happened, by what people type; `line` and `silent` are what help names."""

_KEYS = frozenset({*KEYS, QUIET_KEY})


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """What a digest says when, as it is kept.

    Attributes:
        query: canonical text; without a window where the window begins at the slot before.
        schedule: as `format_schedule` writes it.
        zone: IANA name.
        quiet: `line` or `nothing`: what is posted when nothing happened.
    """

    query: str
    schedule: str
    zone: str
    quiet: str


def read_settings(typed: str, now: float, zone: str, command: str = ADD) -> DigestSettings:
    """Read `"weekdays at 09:00" room=1230 last=24h tz=Europe/Berlin quiet=silent`: the schedule first.

    `zone` is the asker's, unless there is a `tz=`; suggestions begin with `command`.

    Raises:
        QueryError: its suggestion is a whole command, without `/recordings`.
    """
    schedule, terms = _divided(typed, command)
    quiet, terms = _without_quiet(schedule, terms, command)
    try:
        return settings_of(schedule, terms, quiet, now, zone)
    except ScheduleError as error:
        better = error.suggestion and _suggestion(command, error.suggestion, terms, quiet)
        raise QueryError(error.problem, better) from None
    except QueryError as error:
        better = error.suggestion and _suggestion(command, schedule, error.suggestion, quiet)
        raise QueryError(error.problem, better) from None


def format_settings(settings: DigestSettings) -> str:
    """The command that adds such a digest, whoever types it: `digest add "weekdays at 09:00" tz=UTC`."""
    terms = f"{settings.query} tz={settings.zone}".strip()
    return _suggestion(ADD, settings.schedule, terms, settings.quiet)


def begins_with_schedule(typed: str) -> bool:
    """Whether a schedule stands first, whatever follows."""
    try:
        parse_schedule(_divided(typed, ADD)[0], 0)
    except QueryError:
        return False
    return True


class ScheduleError(QueryError):
    """The schedule cannot be read; the suggestion is another one."""


def settings_of(schedule: str, terms: str, quiet: str, now: float, zone: str) -> DigestSettings:
    """Check and canonicalise what a digest says when.

    Args:
        schedule: as typed.
        terms: of the query language.
        quiet: `line` or `nothing`.
        now: Unix seconds: the terms are read as they will be at the next slot.
        zone: the asker's IANA zone; a `tz=` among the terms wins.

    Raises:
        ScheduleError: the schedule cannot be read, or comes too often.
        QueryError: the terms cannot be read, or cannot be those of a digest.
    """
    try:
        plan = parse_schedule(schedule)
    except QueryError as error:
        raise ScheduleError(error.problem, error.suggestion) from None
    first = next_times(plan, now, _zone_among(terms) or zone, 1)[0]
    query = parse_query(terms, first, zone, recurring=True)
    _check_query(query)
    kept = replace(query, tz=None, page=1)
    if not _names_window(terms, first, zone):
        kept = replace(kept, last_seconds=None, start=None, end=None)
    return DigestSettings(format_query(kept), format_schedule(plan), query.tz or zone, quiet)


def query_of(settings: NewDigest | DigestSettings) -> RecordingQuery | None:
    """What kept settings ask; None where it can no longer be read."""
    try:
        return parse_query(settings.query, None, settings.zone)
    except QueryError:  # a newer version wrote it
        return None


def has_own_window(query_text: str) -> bool:
    """Whether a kept query says itself how far it looks back."""
    return any(word.key in {"last", "from", "to"} for word in split_words(query_text, KEYS))


def _divided(typed: str, command: str) -> tuple[str, str]:
    """The schedule, quoted or up to the first term, and the terms."""
    try:
        words = split_words(typed, _KEYS)
    except Mistake as mistake:
        raise QueryError(mistake.problem, f"{command} {EXAMPLE}") from None
    if words and not words[0].key and len(words[0].items) == 1 and words[0].items[0].quoted:
        return words[0].items[0].text, typed[words[0].end :].strip(" ,")
    terms_at = next((word.start for word in words if word.key), len(typed))
    schedule, terms = typed[:terms_at].strip(" ,"), typed[terms_at:]
    if not schedule:
        better = _schedule_last(typed, words, command) or f'{command} "weekdays at 09:00" {terms}'.strip()
        raise QueryError("Say first when the digest is due, in quotes.", better)
    shorter = _schedule_in_front(typed, schedule, words)
    if shorter:
        raise QueryError(
            f"`{shown(schedule)}` is not a schedule: put it in quotes, apart from what it is about.",
            _suggestion(command, shorter, typed[typed.index(shorter) + len(shorter) :].strip(), ""),
        )
    return schedule, terms


def _schedule_last(typed: str, words: list[Word], command: str) -> str:
    """The command with the schedule that stands behind the terms put in front; empty where none does."""
    behind = list(takewhile(lambda word: not word.key, reversed(words)))
    if not behind:
        return ""
    start = behind[-1].start
    alone = len(behind) == 1 and len(behind[0].items) == 1
    schedule = behind[0].items[0].text if alone else typed[start:].strip()
    try:
        parse_schedule(schedule, 0)
    except QueryError:
        return ""
    return _suggestion(command, schedule, typed[:start].strip(" ,"), "")


def _schedule_in_front(typed: str, schedule: str, words: list[Word]) -> str:
    """The longest schedule that other words follow; empty where the whole is one, or nothing is."""
    ends = [word.end for word in words if word.end <= len(schedule)]
    for end in reversed(ends):
        try:
            parse_schedule(typed[:end], 0)
        except QueryError:
            continue
        return "" if end >= len(schedule) else typed[:end].strip()
    return ""


def _without_quiet(schedule: str, terms: str, command: str) -> tuple[str, str]:
    """What `quiet=` says (`line` where it is not there), and the other terms."""
    try:
        found = [word for word in split_words(terms, _KEYS) if word.key == QUIET_KEY]
    except Mistake:
        return "line", terms  # the query language says what is wrong
    if not found:
        return "line", terms
    first, *others = found
    rest = f"{terms[: first.start].strip()} {terms[first.end :].strip()}".strip()
    if others:
        raise QueryError("`quiet=` is given twice.", _suggestion(command, schedule, rest, ""))
    quiet = QUIET_WORDS.get(first.values[0].lower()) if len(first.values) == 1 else None
    if quiet is None:
        raise QueryError(
            f"`{shown(terms[first.start : first.end])}` says nothing: `quiet=line` posts one line when "
            "nothing happened, `quiet=silent` nothing at all.",
            _suggestion(command, schedule, rest, "nothing"),
        )
    return quiet, rest


def _zone_among(terms: str) -> str | None:
    """The zone of a `tz=`; None where there is none that can be read."""
    try:
        for word in split_words(terms, KEYS):
            if KEYS.get(word.key) == "tz":
                return parse_zone(word.values)
    except (Mistake, IndexError):
        pass
    return None


def _names_window(terms: str, now: float, zone: str) -> bool:
    """Whether readable terms, bare words included, set a window: a second one would be too many."""
    try:
        parse_query(f"{terms} last=24h", now, zone)
    except QueryError:
        return True
    return False


def _check_query(query: RecordingQuery) -> None:
    if query.task is not None:
        raise QueryError("A digest lists recordings: `task=` asks for the details of one.")
    if query.page > 1:
        raise QueryError("`page=` has no meaning in a digest: it tells of everything.")
    for key, point in (("from", query.start), ("to", query.end)):
        if point and isinstance(point.day, dt.date):
            raise QueryError(
                f"`{TERMS[key].format(point)}` stands still, and a digest's window has to move on: write "
                "`last=24h`, `from=yesterday`, or nothing for everything since the digest before."
            )


def _suggestion(command: str, schedule: str, terms: str, quiet: str) -> str:
    more = "quiet=silent" if quiet == "nothing" else ""
    quoted = quote(schedule) if '"' in schedule else f'"{schedule}"'
    return " ".join(filter(None, (f"{command} {quoted}", terms, more)))
