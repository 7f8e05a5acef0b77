"""One screen of an answer as a Slack message: rows, buttons, and the same in plain words (pure)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.features.recording_text import details_button, verdict_line, words_in_plain
from bot.models import API_HISTORY_MS
from bot.query.parser import format_query
from bot.query.terms import Sort, Status
from bot.query.wording import describe_meaning, describe_subject, says_seconds
from bot.recordings import answer_text as words
from bot.recordings.page import ButtonState, Cursor
from bot.safe_text import replace_unprintable
from bot.slack import ids
from bot.slack.blocks import (
    EXACT_DATE,
    MAX_BLOCKS_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    SHORT_DATE,
    TIME,
    actions,
    button,
    clock_time,
    code,
    context,
    count_characters,
    date,
    escape,
    name,
    section,
    shortened,
    unbroken,
)
from bot.verdicts.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.models import Recording
    from bot.query.terms import RecordingQuery
    from bot.recordings.page import Page
    from bot.slack.audience import Audience
    from bot.slack.blocks import Block, Message
    from bot.verdicts.types import Verdict

MAX_SENTENCE_CHARACTERS = 1_000
"""Of a failure or a note inside an answer: more than any of them has, unless it quotes something hostile."""

MAX_COMMAND_CHARACTERS = 1_000
"""A longer command is not shown at the foot: nobody reads it, and the buttons have it."""

MAX_NAME_CHARACTERS = 700
"""Of a room's or a task's ID, escaped: more than any has that the vendor takes (128 characters)."""

_LEAST_NEEDED = (ids.SHOW, ids.EXPORT, ids.EDIT, ids.POST)


def answer_in_words(page: Page) -> str:
    """The whole answer, escaped, however long it gets."""
    when, window = partial(words.plain_date, zone=page.question.zone), page.window
    subject, meaning = describe_subject(page.question.query), describe_meaning(page.question.query, window)
    between = f"Started between {when(window.start_ms)} and {when(window.end_ms)}"
    meant = f" ({meaning})" if meaning else ""
    lines = [
        f"{words.found(page)} – {subject}. {between}{meant}, {page.question.query.sort} first.",
        *(
            f"{page.first + position}. {_row_in_words(row, page, when)}"
            for position, row in enumerate(page.recordings, 1)
        ),
        *words.asides(page, when),
        f"{_place(page)}. As of {when(page.as_of_ms)}.",
    ]
    return escape("\n".join(lines))


def _row_in_words(row: Recording, page: Page, when: Callable[[int], str]) -> str:
    times = f"{words.since(row.status)} {when(row.began_ms)}"
    outcome, zone = page.outcome(row), page.question.zone
    if outcome.ended_ms is not None:
        same_day = words.within_a_day(outcome)
        ended = f"{words.local_time(outcome.ended_ms, zone):%H:%M}" if same_day else when(outcome.ended_ms)
        times += f", ended {ended}"
    room, task = replace_unprintable(row.room_id), replace_unprintable(row.task_id)
    parts = [words.label(row.status), f"room {room}", f"task {task}", times, *_figures(row, page)]
    what = f"{', '.join(parts)}."
    verdict = words.worst_verdict(row, page)
    if verdict is None:
        return what
    if page.question.query.status != Status.ATTENTION:
        return f"{what} {verdict.headline}{_rescued_until(verdict, when)}."
    named = "" if _says_it(row, verdict) else f"{verdict.headline}: "
    return f"{what} {named}{words_in_plain(verdict.words, zone, str)}"


def _place(page: Page) -> str:
    """Which part of the whole answer this screen shows."""
    size, rows = page.question.query.size, len(page.recordings)
    last = page.first + rows
    if page.first == (page.number - 1) * size and (rows == size or last == page.total):
        return f"Page {page.number} of {'at least ' if not page.exact else ''}{page.count:,}"
    total = f"{'at least ' if not page.exact else ''}{page.total:,}"
    return f"{page.first + 1:,}–{last:,} of {total}" if rows else f"0 of {total}"


def _figures(row: Recording, page: Page) -> list[str]:
    """How long it ran or has run until now, and how big it is, as far as that is known."""
    lasted_ms = page.outcome(row).lasted_ms
    length = "" if lasted_ms is None else words.lasted(0, lasted_ms)
    return [figure for figure in (length, words.size(row, page)) if figure]


def _rescued_until(verdict: Verdict, when: Callable[[int], str]) -> str:
    """Until when its files can be fetched, where that is what its name is about; else empty."""
    until_ms = verdict.urgent_until_ms
    return f" until {when(until_ms)}" if verdict.kind is Kind.RESCUE and until_ms is not None else ""


def _says_it(row: Recording, verdict: Verdict) -> bool:
    """Whether the row's status has the verdict's name already."""
    return verdict.headline == words.label(row.status)


def build_answer(page: Page, audience: Audience) -> Message:
    """The message for one screen: `{"text": …, "blocks": […]}`.

    Where the rows do not fit into Slack's limits the screen shows fewer, and its buttons lead to the rest.
    """
    shown = page
    while True:
        text, blocks = audience.headed(answer_in_words(shown)), _blocks(shown, audience)
        share = min(MAX_BLOCKS_CHARACTERS / count_characters(blocks), MAX_TEXT_CHARACTERS / len(text))
        if share >= 1 or len(shown.recordings) <= 1:
            return {"text": shortened(text, MAX_TEXT_CHARACTERS), "blocks": _lightened(blocks)}
        shown = _shorter(shown, max(1, min(len(shown.recordings) - 1, int(len(shown.recordings) * share))))


def _shorter(page: Page, rows: int) -> Page:
    """The same screen with fewer rows: the last ones where the reader pages backwards, else the first."""
    cursor = page.question.cursor
    if cursor and not cursor.forward:
        kept = page.recordings[-rows:]
        dropped = len(page.recordings) - rows
        return replace(
            page, recordings=kept, first=page.first + dropped, newer=Cursor(*kept[0].order, forward=False)
        )
    kept = page.recordings[:rows]
    return replace(page, recordings=kept, older=Cursor(*kept[-1].order, forward=True))


def _lightened(blocks: list[Block]) -> list[Block]:
    """The blocks without the buttons that are needed least, as far as they do not fit: each has the query."""
    for action_id in _LEAST_NEEDED:
        if count_characters(blocks) <= MAX_BLOCKS_CHARACTERS:
            break
        blocks = [_without(block, action_id) for block in blocks]
    return blocks


def _without(block: Block, action_id: str) -> Block:
    kept = {key: part for key, part in block.items() if key != "accessory" or part["action_id"] != action_id}
    if block["type"] == "actions":
        kept["elements"] = [element for element in block["elements"] if element["action_id"] != action_id]
    return kept


def _blocks(page: Page, audience: Audience) -> list[Block]:
    asked = [context(audience.heading)] if audience.heading else []
    blocks = [*asked, section(f"*Recordings · {describe_subject(page.question.query, name)}*")]
    if page.failure:
        failure = shortened(escape(page.failure), MAX_SENTENCE_CHARACTERS)
        blocks.append(section(f"▲\u00a0{failure} {words.as_of_last_good(clock_time(page.as_of_ms))}"))
    if page.recordings:
        blocks.append(context(f"{_looked(page)} · {page.question.query.sort} first · {words.found(page)}"))
    else:
        blocks.append(section(f"{words.found(page)}. {_looked(page)}."))
    blocks += [_row(row, page) for row in page.recordings]
    blocks += _what_else(page)
    notes = [
        words.beyond_sight(page, date),
        *(shortened(escape(note), MAX_SENTENCE_CHARACTERS) for note in page.notes),
    ]
    blocks += [context(note) for note in notes if note]
    blocks.append(_buttons(page, audience))
    foot = f"{_place(page)} · as of {clock_time(page.as_of_ms)}"
    command = code(f"/recordings {format_query(_plain(page))}")
    return [*blocks, context(f"{foot} · {command}" if len(command) <= MAX_COMMAND_CHARACTERS else foot)]


def _row(row: Recording, page: Page) -> Block:
    status = unbroken(f"{words.mark(row.status)} *{escape(words.label(row.status))}*")
    outcome = page.outcome(row)
    if outcome.ended_ms is None:
        times = f"{words.since(row.status)} {date(row.began_ms)}"
    else:
        style = TIME if words.within_a_day(outcome) else SHORT_DATE
        times = f"{date(row.began_ms)} – {date(outcome.ended_ms, style)}"
    times = " · ".join([times, *map(unbroken, _figures(row, page))])
    verdict = words.worst_verdict(row, page)
    lines = [f"{status} · room {_name(row.room_id)} · {times}", code(row.task_id, MAX_NAME_CHARACTERS)]
    if verdict and page.question.query.status == Status.ATTENTION:
        lines.append(verdict_line(verdict, named=not _says_it(row, verdict)))
    elif verdict:
        named = f"*{escape(verdict.headline)}*{_rescued_until(verdict, date)}"
        lines[1] += f" · {named}" if verdict.usual else unbroken(f" · ▲ {named}")
    return section("\n".join(lines), details_button(row.task_id))


def _name(text: str) -> str:
    return name(text, MAX_NAME_CHARACTERS)


def _what_else(page: Page) -> list[Block]:
    """What the window leaves out but the reader may have meant, each with a button that shows it."""
    blocks: list[Block] = []
    everything = replace(
        page.question.query, last_seconds=API_HISTORY_MS // 1000, start=None, end=None, page=1
    )
    asked_ms = (page.elsewhere and page.elsewhere.asked_ms) or _asked_ms(page)
    state = ButtonState(1, asked_ms, format_query(everything)).encode()
    if page.running_before:
        blocks.append(section(words.running_before(page), button("Show them", ids.SHOW, state)))
    elif page.elsewhere and page.elsewhere.total:
        blocks.append(section(words.elsewhere(page, date), button("Show 3 days", ids.SHOW, state)))
    elif page.elsewhere:
        blocks.append(context(words.elsewhere(page, date)))
    if page.similar_rooms:
        blocks.append(context(words.similar_rooms(page, _name)))
    return blocks


def _buttons(page: Page, audience: Audience) -> Block:
    asked_ms, query = _asked_ms(page), format_query(_plain(page))
    size, newest_first = page.question.query.size, page.question.query.sort == Sort.NEWEST
    here = ButtonState(page.number, asked_ms, query, page.question.cursor).encode()
    elements = []
    if page.newer:
        state = ButtonState(max(1, page.number - 1), asked_ms, query, page.newer)
        elements.append(button("◀ Newer" if newest_first else "◀ Older", ids.NEWER, state.encode()))
    if page.older:
        state = ButtonState((page.first + len(page.recordings)) // size + 1, asked_ms, query, page.older)
        elements.append(button("Older ▶" if newest_first else "Newer ▶", ids.OLDER, state.encode()))
    elements.append(button("Refresh", ids.REFRESH, here))
    if not audience.everyone:
        elements.append(button("Post to channel", ids.POST, here))
    elements.append(button("Edit query…", ids.EDIT, here))
    if page.recordings:
        elements.append(button("Export CSV", ids.EXPORT, here))
    return actions(elements, ids.posted_by(audience.asked_by) if audience.everyone else ids.Row.NAVIGATION)


def _asked_ms(page: Page) -> int:
    return page.question.asked_ms if page.question.asked_ms is not None else page.as_of_ms


def _plain(page: Page) -> RecordingQuery:
    """The query without its page: the button says that apart."""
    return replace(page.question.query, page=1)


def _looked(page: Page) -> str:
    window = page.window
    style = EXACT_DATE if says_seconds(page.question.query) else SHORT_DATE
    where = f"{date(window.start_ms, style)} – {date(window.end_ms, style)}"
    meaning = unbroken(escape(describe_meaning(page.question.query, window)))
    if meaning and page.question.query.last_seconds is not None:
        return f"Started in {meaning} ({where})"
    return f"Started {where} ({meaning})" if meaning else f"Started {where}"
