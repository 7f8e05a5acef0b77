"""Answers kept for a while, by their unsigned request, each with the moment at which it was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachetools import TTLCache

from bot.models import ENDED, FAILED, RecordingDetails, TaskPage

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.zegocloud.protocol import DescribeRecordStatus, DescribeTasks

MOST_ANSWERS = 4_096
FINAL_TTL_SECONDS = 3600.0

LATELY_TTL_SECONDS = 600.0
"""How long lists tell of a task at rest what was read of it; who asks for the task itself gets it fresher."""

_UPLOADED, _IN_BACKUP, _LOST = 3, 4, 5
_FINAL_FILES = frozenset({_UPLOADED, _LOST})
_FILES_AT_REST = _FINAL_FILES | {_IN_BACKUP}


def is_final(details: RecordingDetails) -> bool:
    """Whether nothing about a task can change any more: it ended, and each of its files is uploaded or lost.

    An ended task without files is not final: whether the vendor lists files only later is undocumented. Nor
    is one with a file in backup storage, from where it may still be moved (unverified), or with one that
    cannot be read.
    """
    return (
        details.status in (ENDED, FAILED)
        and bool(details.files)
        and not details.unreadable
        and all(file.status in _FINAL_FILES for file in details.files)
    )


def is_at_rest(details: RecordingDetails) -> bool:
    """Whether a task is not about to change: its end is told, and no file is on its way.

    One without files counts only once its end is a while ago: they may be listed later (undocumented).
    """
    if details.status not in (ENDED, FAILED) or details.ended_ms is None or details.unreadable:
        return False
    if not details.files:
        return details.as_of_ms - details.ended_ms > LATELY_TTL_SECONDS * 1000
    return all(file.status in _FILES_AT_REST for file in details.files)


class AnswerCache:
    """Bounded caches for the two kinds of answers; details that are final have a longer-lived one.

    Args:
        clock: its `monotonic` ages the answers.
        ttl_seconds: how long an answer is good for who does not ask for a fresher one.
    """

    def __init__(self, clock: Clock, ttl_seconds: float) -> None:
        timer = clock.monotonic
        self._pages: TTLCache[DescribeTasks, TaskPage] = TTLCache(MOST_ANSWERS, ttl_seconds, timer=timer)
        self._details: TTLCache[DescribeRecordStatus, RecordingDetails] = TTLCache(
            MOST_ANSWERS, ttl_seconds, timer=timer
        )
        self._final: TTLCache[DescribeRecordStatus, RecordingDetails] = TTLCache(
            MOST_ANSWERS, FINAL_TTL_SECONDS, timer=timer
        )
        self._lately: TTLCache[DescribeRecordStatus, RecordingDetails] = TTLCache(
            MOST_ANSWERS, LATELY_TTL_SECONDS, timer=timer
        )

    def page(self, request: DescribeTasks, not_before_ms: int) -> TaskPage | None:
        """The page kept for a request, unless it was taken before `not_before_ms`."""
        page = self._pages.get(request)
        return page if page is not None and page.as_of_ms >= not_before_ms else None

    def keep_page(self, request: DescribeTasks, page: TaskPage) -> None:
        """Keep a page, unless a newer one is there."""
        if self.page(request, page.as_of_ms + 1) is None:
            self._pages[request] = page

    def details(self, request: DescribeRecordStatus, not_before_ms: int) -> RecordingDetails | None:
        """The details kept for a request, unless they were taken before `not_before_ms`."""
        for kept in (self._final, self._details):
            details = kept.get(request)
            if details is not None and details.as_of_ms >= not_before_ms:
                return details
        return None

    def known_lately(self, request: DescribeRecordStatus) -> RecordingDetails | None:
        """Details for a list's row: those that are kept, and those of a task at rest for longer."""
        kept = self.details(request, 0)
        if kept is not None:
            return kept
        lately = self._lately.get(request)
        return lately if lately is not None and is_at_rest(lately) else None

    def keep_details(self, request: DescribeRecordStatus, details: RecordingDetails) -> None:
        """Keep details, the longer where nothing about them can change; unless newer ones are there."""
        if self.details(request, details.as_of_ms + 1) is None:
            (self._final if is_final(details) else self._details)[request] = details
            self._lately[request] = details
