"""Which recordings need attention: every one of an answer judged, by its details where they can be had.

What still runs from before the window is judged too, or no short window would tell of a runaway; it is
counted apart, for the window says which rows are listed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.concurrency import gather
from bot.errors import TaskNotFoundError, ZegoBadAnswerError
from bot.models import FAILED, RUNNING
from bot.plain_text import count
from bot.query.terms import Sort
from bot.recordings.outcomes import by_room
from bot.recordings.page import Cursor
from bot.verdicts.judge import judge_row, needs_attention
from bot.verdicts.types import USUAL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from bot.concurrency import Progress
    from bot.models import Recording, RecordingDetails
    from bot.recordings.page import Page
    from bot.verdicts.types import Thresholds


MOST_CHECKED = 300
"""How many details one answer may ask for: half a minute of the vendor's budget."""

CALLS_AT_ONCE = 8
"""As many as can be on their way within the vendor's limit, so that the limiter never idles."""


async def keep_what_needs_attention(
    everything: Page,
    now_ms: int,
    details_of: Callable[[str], Awaitable[RecordingDetails]],
    progress: Progress | None = None,
    *,
    all_rows: bool = False,
    thresholds: Thresholds = USUAL,
    first: Collection[str] = (),
    unreadable_fails: bool = False,
) -> Page:
    """Cut the screen of what needs attention out of an answer that has every row.

    What runs and what failed is checked first, then the others from the newest on, up to `MOST_CHECKED`. A
    row that was not checked, or whose details cannot be read, is judged by what the list says.

    Args:
        everything: every recording of the window, on one page, with what still runs from before it, and all
            that runs now (`running`): without it nothing is called double.
        now_ms: the moment of judging by the vendor's clock, Unix ms.
        details_of: asks the vendor for one task.
        progress: called with how many were checked, of how many.
        all_rows: not only the question's screen.
        thresholds: from where on something is worth a verdict.
        first: IDs of tasks that are checked before all others.
        unreadable_fails: where the details of several can be read of none, the vendor did not answer.

    Raises:
        ZegoError, TooLateError: the vendor did not answer.
    """
    rows = (*everything.recordings, *everything.begun_before)
    in_room = by_room(everything.running)

    def rank(row: Recording) -> tuple[bool, bool, int]:
        return row.task_id not in first, row.status not in RUNNING and row.status != FAILED, -row.began_ms

    chosen = sorted(rows, key=rank)[:MOST_CHECKED]
    looked_at, errors = await look_at(chosen, details_of, progress)
    if unreadable_fails and len(errors) == len(chosen) > 1:
        raise errors[0]
    unreadable = len(errors) + sum(bool(details.unreadable) for details in looked_at.values())
    judged = {
        row.task_id: judge_row(row, in_room(row), now_ms, thresholds, looked_at.get(row.task_id))
        for row in rows
    }
    kept = [row for row in everything.recordings if needs_attention(judged[row.task_id])]
    before = sum(needs_attention(judged[row.task_id]) for row in everything.begun_before)
    notes = everything.notes
    if len(chosen) < len(rows):
        of = f"{'' if everything.exact else 'at least '}{len(rows):,}"
        notes = (*notes, f"Checked {len(chosen):,} of {of}: what runs or failed, then the newest.")
    if unreadable:
        notes = (*notes, f"The details of {count(unreadable, 'recording')} could not be read.")
    page = _cut(everything, kept, all_rows=all_rows)
    all_checked = len(chosen) == len(rows) and not unreadable
    return replace(
        page,
        notes=notes,
        exact=everything.exact and all_checked,
        details={row.task_id: looked_at[row.task_id] for row in page.recordings if row.task_id in looked_at},
        verdicts={row.task_id: judged[row.task_id] for row in page.recordings},
        running_before=before,
        before_exact=everything.before_exact and all_checked,
        begun_before=(),
        running=None,
    )


async def look_at(
    rows: Sequence[Recording],
    details_of: Callable[[str], Awaitable[RecordingDetails]],
    progress: Progress | None = None,
) -> tuple[dict[str, RecordingDetails], list[ZegoBadAnswerError]]:
    """The details by task ID, without those that the vendor no longer knows, and what cannot be read.

    Raises:
        ZegoError, TooLateError: the vendor did not answer.
    """
    turns = asyncio.Semaphore(CALLS_AT_ONCE)
    found: dict[str, RecordingDetails] = {}
    unreadable: list[ZegoBadAnswerError] = []
    done = 0

    async def check(row: Recording) -> None:
        nonlocal done
        async with turns:
            try:
                found[row.task_id] = await details_of(row.task_id)
            except TaskNotFoundError:
                pass  # it left the 3 days meanwhile: the list's word has to do
            except ZegoBadAnswerError as error:
                unreadable.append(error)
            done += 1
            if progress:
                progress(done, len(rows))

    await gather(check(row) for row in rows)
    return found, unreadable


def _cut(everything: Page, kept: list[Recording], *, all_rows: bool) -> Page:
    """The screen that the question asks for: beside its cursor's row, else by its number."""
    query, cursor = everything.question.query, everything.question.cursor
    size = max(1, len(kept)) if all_rows else query.size
    newest = query.sort == Sort.NEWEST
    if cursor and not all_rows:
        before = sum(1 for row in kept if (row.order > cursor.order if newest else row.order < cursor.order))
        here = any(row.order == cursor.order for row in kept)
        begin = before + here if cursor.forward else max(0, before - size)
    else:
        begin = 0 if all_rows else min(query.page - 1, max(0, -(-len(kept) // size) - 1)) * size
    screen = kept[begin : begin + size]
    question = everything.question
    if not all_rows:
        question = replace(question, query=replace(query, page=begin // size + 1))
    return replace(
        everything,
        question=question,
        recordings=tuple(screen),
        first=begin,
        total=len(kept),
        newer=Cursor(*screen[0].order, forward=False) if begin and screen else None,
        older=Cursor(*screen[-1].order, forward=True) if screen and begin + size < len(kept) else None,
    )
