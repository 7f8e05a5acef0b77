"""Words that Slack and the terminal share: statuses, moments, what an answer says beside its rows (pure)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.models import ENDED, FAILED, ONGOING, PAUSED, RUNNING, STARTING, status_word
from bot.plain_text import count, format_size
from bot.query.terms import Status
from bot.query.times import format_duration
from bot.query.wording import name_rooms
from bot.safe_text import replace_unprintable
from bot.verdicts.judge import worst
from bot.verdicts.types import Kind
from bot.zone_data import zone_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.models import Recording, RecordingDetails
    from bot.recordings.page import Outcome, Page
    from bot.verdicts.types import Verdict


LABELS = {
    STARTING: "Starting",
    ONGOING: "Recording",
    PAUSED: "Paused",
    ENDED: "Ended",
    FAILED: "Ended abnormally",
}
"""How a row names its status; the same word everywhere."""

MARKS = {STARTING: "○", ONGOING: "●", PAUSED: "▲", ENDED: "■", FAILED: "✕"}
"""The sign before the word, never without it."""

GOING_ON = {STARTING: "starting for", ONGOING: "running for", PAUSED: "in progress for"}
"""What a recording that has not ended does meanwhile: one that starts or is paused records nothing."""

FILE_STATES = {
    1: "recording",
    2: "uploading",
    3: "uploaded",
    4: "in backup storage, kept 3 days",
    5: "upload failed",
}
"""What a file's status number means (vendor docs, DescribeRecordStatus)."""

_DAY_MS = 86_400_000
_LATEST_MS = 253_402_000_000_000  # in December 9999: every zone can still show it


def label(status: int) -> str:
    """A status in words; one that the vendor may add later is shown as it is."""
    return LABELS.get(status, status_word(status).capitalize())


def mark(status: int) -> str:
    """The sign in front of the word."""
    return MARKS.get(status, "◇")


def began_or_requested(status: int) -> str:
    """What happened at the moment that the vendor calls a recording's beginning."""
    return "requested" if status == STARTING else "began"


def since(status: int) -> str:
    """What stands before the moment at which a recording began."""
    return "since" if status in RUNNING else "began"


def within_a_day(outcome: Outcome) -> bool:
    """Whether the time of day alone says when it ended: the first such time since it began."""
    return outcome.lasted_ms is not None and outcome.lasted_ms < _DAY_MS


def lasted(from_ms: int, to_ms: int) -> str:
    """How long something has gone on."""
    return format_duration(max(0, to_ms - from_ms) / 1000)


def showable_ms(ms: int) -> int:
    """A moment that every zone can show: an absurd figure becomes the nearest one."""
    return min(max(ms, _DAY_MS), _LATEST_MS)


def local_time(ms: int, zone: str) -> datetime:
    """A moment on the clock of an IANA zone."""
    return datetime.fromtimestamp(showable_ms(ms) / 1000, zone_info(zone))


def plain_date(ms: int, zone: str) -> str:
    """A moment in plain words with its zone, for screen readers, notifications and search."""
    moment = local_time(ms, zone)
    return f"{moment:%a} {moment.day} {moment:%b %H:%M} {moment:%Z}"


def found(page: Page) -> str:
    """How many there are."""
    if not page.total and page.unreadable:
        return "No recordings found that could be read"
    if not page.total and page.exact:
        return "No recordings found"
    return f"{count(page.total, 'recording', exact=page.exact)} found"


def as_of_last_good(moment: str) -> str:
    """That this is an old answer, and of when."""
    return f"This is the answer of {moment}, the last good one."


def running_before(page: Page) -> str:
    """What still runs that the window leaves out; empty when nothing does."""
    if not page.running_before:
        return ""
    more = f"{'' if page.before_exact else 'At least '}{page.running_before:,} more"
    if page.question.query.status == Status.ATTENTION:
        needs = "needs" if page.running_before == 1 else "need"
        return f"{more} that started before this window {needs} attention."
    verb = "is" if page.running_before == 1 else "are"
    what = {"paused": "paused", "starting": "starting"}.get(page.question.query.status, "still running")
    return f"{more} {verb} {what} that started before this window."


def beyond_sight(page: Page, when: Callable[[int], str]) -> str:
    """How far back anything is known, where the question reaches further; else empty."""
    if page.sees_back_to_ms is None:
        return ""
    return f"ZEGOCLOUD tells of the last 3 days only: I can see back to {when(page.sees_back_to_ms)}."


def elsewhere(page: Page, when: Callable[[int], str]) -> str:
    """What the last 3 days have where the window has nothing; empty when that was not looked for."""
    if page.elsewhere is None:
        return ""
    if not page.elsewhere.total:
        status = page.question.query.status
        none = "none" if status == Status.ALL else f"no {status} ones"
        return f"The last 3 days have {none} either."
    latest = f", the latest began {when(page.elsewhere.latest.began_ms)}" if page.elsewhere.latest else ""
    total = count(page.elsewhere.total, "recording", exact=page.elsewhere.exact)
    return f"The last 3 days have {total}{latest}."


def similar_rooms(page: Page, name: Callable[[str], str] = replace_unprintable) -> str:
    """Rooms that may have been meant; empty when none are known."""
    if not page.similar_rooms:
        return ""
    return f"Rooms seen lately with a similar ID: {', '.join(name_rooms(page.similar_rooms, name))}."


def worst_verdict(row: Recording, page: Page) -> Verdict | None:
    """The worst that is known of a row, unless its status says it already; nothing of one that is fine."""
    told = {Kind.FINE}
    if page.question.query.status != Status.ATTENTION:
        told |= {Kind.FAILED, Kind.PAUSED}
    return worst(verdict for verdict in page.verdicts.get(row.task_id, ()) if verdict.kind not in told)


def size(row: Recording, page: Page) -> str:
    """How big the files of a recording that ended are; empty where that is not known, or there are none."""
    size_bytes = page.outcome(row).size_bytes
    return format_size(size_bytes) if size_bytes and row.status not in RUNNING else ""


def unreadable_files(details: RecordingDetails) -> str:
    """That some files of a task are not shown; empty when all are."""
    if not details.unreadable:
        return ""
    verb = "is" if len(details.unreadable) == 1 else "are"
    return f"{count(len(details.unreadable), 'file')} could not be read and {verb} left out."


def asides(page: Page, when: Callable[[int], str]) -> list[str]:
    """Every sentence that belongs to an answer beside its rows, plain and unescaped."""
    sentences = [
        f"{page.failure} {as_of_last_good(when(page.as_of_ms))}" if page.failure else "",
        running_before(page),
        beyond_sight(page, when),
        *page.notes,
        elsewhere(page, when),
        similar_rooms(page),
    ]
    return [sentence for sentence in sentences if sentence]
