"""The vocabulary of verdicts: their kinds, their words, what they are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.config import Settings

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE

BACKUP_KEPT_MS = 72 * _HOUR
"""How long the vendor's backup storage keeps a file after the end of its task (vendor docs: 3 days)."""


class Kind(StrEnum):
    """What a recording suffers from, the worst first. Upper case: `split` is a method of every string."""

    LOST = "lost"
    RESCUE = "rescue"
    EMPTY = "empty"
    FAILED = "failed"
    RUNAWAY = "runaway"
    DOUBLE = "double"
    STUCK_START = "stuck start"
    PAUSED = "paused"
    UPLOADING = "uploading"
    SPLIT = "split"
    SHORT = "short"
    NO_LINK = "no link"
    FINE = "fine"

    @property
    def severity(self) -> int:
        """0 for the worst: sorts verdicts."""
        return _SEVERITY[self]


_SEVERITY = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class At:
    """A moment (Unix ms) inside a sentence: whoever shows it does so in the reader's zone."""

    ms: int


@dataclass(frozen=True, slots=True)
class Outside:
    """Text from outside inside a sentence (a room, a file, a task): whoever shows it escapes it."""

    text: str


Words = tuple[str | At | Outside, ...]
"""A sentence in pieces; the strings are this project's own and hold no mark-up."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing to know about a recording.

    Attributes:
        kind: what it is.
        headline: its name for people, shown bold in front of the words.
        words: what it means, with the figures that matter, and what to do next.
        urgent_until_ms: until when something can be done about it (Unix ms); None where no moment is known
            or it has passed.
        usual: information, not attention: all is in order, and nobody has to be called.
    """

    kind: Kind
    headline: str
    words: Words
    urgent_until_ms: int | None = None
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is worth a verdict. Chosen so that silence wins where figures are doubtful.

    Attributes:
        runaway_ms: longer than this a running recording is probably forgotten.
        max_record_ms: MaxRecordTime; the vendor's default.
        arranged_record_ms: the longest MaxRecordTime that the vendor grants by arrangement.
        near_cap_ms: how close to MaxRecordTime an abnormal end has to be to be explained by it.
        idle_ms: how long before an abnormal end the last file has to end to say that the room was empty:
            a little less than the default MaxIdleTime of 30 s, as the two figures are not taken at once.
        stuck_start_ms: longer than this no start takes.
        short_share: captured less than this share of the task. Late arrivals and breaks easily take a third
            of a task, so less than half has to be there before it is called short.
        short_missing_ms: and more than this has to be missing: of a task of a few minutes the vendor's own
            start and MaxIdleTime are a large share.
        split_gap_ms: a shorter gap between two files is jitter: begin and duration are measured apart. A
            restarted recorder takes up to two minutes (vendor docs), so real gaps are longer.
        upload_slow_ms: up to this after the end an upload is young: information, not attention. The vendor
            gives no figure; files are uploaded once the recording has ended, and half an hour is ample for
            those of a day.
    """

    runaway_ms: int = 8 * _HOUR
    max_record_ms: int = 24 * _HOUR
    arranged_record_ms: int = 48 * _HOUR
    near_cap_ms: int = 10 * _MINUTE
    idle_ms: int = 25 * _SECOND
    stuck_start_ms: int = 2 * _MINUTE
    short_share: float = 0.5
    short_missing_ms: int = 5 * _MINUTE
    split_gap_ms: int = 10 * _SECOND
    upload_slow_ms: int = 30 * _MINUTE


def thresholds_of(settings: Settings) -> Thresholds:
    """The usual thresholds, with what the environment says otherwise."""
    return Thresholds(
        runaway_ms=settings.runaway_hours * _HOUR, max_record_ms=settings.max_record_hours * _HOUR
    )


USUAL = Thresholds()
