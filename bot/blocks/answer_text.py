"""An answer in plain words, and the words that its blocks share with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import words
from bot.blocks.text import escape, label, lasted, plain_date, plain_time
from bot.blocks.verdict_words import words_in_plain
from bot.models import RUNNING
from bot.query import Status, describe_subject
from bot.query.words import describe_meaning
from bot.unseen import on_one_line
from bot.verdicts.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.models import Recording
    from bot.page import Outcome, Page
    from bot.verdicts.types import Verdict

DAY_MS = 24 * 3_600_000


def answer_in_words(page: Page) -> str:
    """The whole answer, escaped, however long it gets."""
    zone = page.question.zone

    def when(ms: int) -> str:
        return plain_date(ms, zone)

    window = page.window
    subject, meaning = describe_subject(page.question.query), describe_meaning(page.question.query, window)
    between = f"Started between {when(window.start_ms)} and {when(window.end_ms)}"
    meant = f" ({meaning})" if meaning else ""
    lines = [
        f"{words.found(page)} – {subject}. {between}{meant}, {order(page)}.",
        *(
            f"{page.first + position}. {_row_in_words(row, page, when)}"
            for position, row in enumerate(page.recordings, 1)
        ),
        *words.asides(page, when),
        f"{place(page)}. As of {when(page.as_of_ms)}.",
    ]
    return escape("\n".join(lines))


def _row_in_words(row: Recording, page: Page, when: Callable[[int], str]) -> str:
    times = f"{since(row)} {when(row.began_ms)}"
    outcome = page.outcome(row)
    if outcome.ended_ms is not None:
        zone = page.question.zone
        ended = plain_time(outcome.ended_ms, zone) if within_a_day(outcome) else when(outcome.ended_ms)
        times += f", ended {ended}"
    room, task = on_one_line(row.room_id), on_one_line(row.task_id)
    parts = [label(row.status), f"room {room}", f"task {task}", times, *figures(row, page)]
    what = f"{', '.join(parts)}."
    verdict = words.worst_verdict(row, page)
    if verdict is None:
        return what
    if page.question.query.status != Status.ATTENTION:
        until = rescued_until(verdict, when)
        return f"{what} {verdict.headline}{until}."
    named = "" if says_it(row, verdict) else f"{verdict.headline}: "
    return f"{what} {named}{words_in_plain(verdict.words, page.question.zone, str)}"


def order(page: Page) -> str:
    """Which rows come first."""
    return f"{page.question.query.sort} first"


def place(page: Page) -> str:
    """Which part of the whole answer this screen shows."""
    size, rows = page.question.query.size, len(page.recordings)
    last = page.first + rows
    if page.first == (page.number - 1) * size and (rows == size or last == page.total):
        return f"Page {page.number} of {'at least ' if not page.exact else ''}{page.count:,}"
    total = f"{'at least ' if not page.exact else ''}{page.total:,}"
    return f"{page.first + 1:,}–{last:,} of {total}" if rows else f"0 of {total}"


def since(row: Recording) -> str:
    """What stands before the moment at which a recording began."""
    return "since" if row.status in RUNNING else "began"


def figures(row: Recording, page: Page) -> list[str]:
    """How long it ran or has run until now, and how big it is, as far as that is known."""
    lasted_ms = page.outcome(row).lasted_ms
    length = "" if lasted_ms is None else lasted(0, lasted_ms)
    return [figure for figure in (length, words.size(row, page)) if figure]


def within_a_day(outcome: Outcome) -> bool:
    """Whether the time of day alone says when it ended: the first such time since it began."""
    return outcome.lasted_ms is not None and outcome.lasted_ms < DAY_MS


def rescued_until(verdict: Verdict, when: Callable[[int], str]) -> str:
    """Until when its files can be fetched, where that is what its name is about; else empty."""
    until_ms = verdict.urgent_until_ms
    return f" until {when(until_ms)}" if verdict.kind is Kind.RESCUE and until_ms is not None else ""


def says_it(row: Recording, verdict: Verdict) -> bool:
    """Whether the row's status has the verdict's name already."""
    return verdict.headline == label(row.status)
