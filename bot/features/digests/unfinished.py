"""What a slot leaves to the next: recordings whose end is not final, and what was told of them (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.models import ENDED, FAILED, RUNNING, Recording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.query.terms import RecordingQuery
    from bot.recordings.status_lists import Plan


MOST_KEPT = 300
"""Recordings that a slot leaves to the next: as many as one answer looks at (`bot.recordings.attention`)."""

_ENDED = frozenset({ENDED, FAILED})


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A recording that the next slots judge again.

    Attributes:
        recording: as it was last seen.
        told: the kinds of verdict that this digest has told of it.
        settled: nothing about it can change any more. It is kept only so that a window that reaches back to
            it does not tell it as new again.
    """

    recording: Recording
    told: frozenset[str] = frozenset()
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is kept with a slot. Times are Unix ms by the vendor's clock.

    Attributes:
        recordings: those to be judged again, each once.
        until_ms: starts before this were counted; less than `end_ms` where the vendor's clock was not there
            yet. None where nothing was kept.
        end_ms: where the slot's window ends.
    """

    recordings: tuple[OpenRecording, ...] = ()
    until_ms: int | None = None
    end_ms: int | None = None

    def first_ms(self, start_ms: int) -> int:
        """From where a later window that begins at `start_ms` has to count starts, so that none is missed."""
        if self.until_ms is None or self.end_ms is None:
            return start_ms
        return self.until_ms if self.until_ms < start_ms <= self.end_ms else start_ms

    def of(self, query: RecordingQuery) -> dict[str, OpenRecording]:
        """Those in the rooms that are asked for, by task ID: the question may have changed since."""
        return {
            each.recording.task_id: each
            for each in self.recordings
            if not query.rooms or each.recording.room_id in query.rooms
        }

    def encode(self) -> str:
        """The text that the database keeps."""
        rows = [
            [row.task_id, row.room_id, row.status, row.began_ms, sorted(each.told), each.settled]
            for each in self.recordings
            for row in (each.recording,)
        ]
        return json.dumps({"until": self.until_ms, "end": self.end_ms, "open": rows}, separators=(",", ":"))


NOTHING_UNFINISHED = Unfinished()


def decode_unfinished(text: str) -> Unfinished:
    """Read what `encode` wrote; nothing where another version wrote something else."""
    try:
        kept: dict[str, Any] = json.loads(text or "{}")
        recordings = tuple(
            OpenRecording(
                Recording(str(task_id), str(room_id), int(status), int(began_ms)),
                frozenset(map(str, told)),
                bool(settled),
            )
            for task_id, room_id, status, began_ms, told, settled in kept.get("open", ())
        )
        return Unfinished(recordings, kept.get("until"), kept.get("end"))
    except (ValueError, TypeError, AttributeError):
        return NOTHING_UNFINISHED


def leave_to_next(
    rows: Iterable[Recording],
    before: dict[str, OpenRecording],
    told: dict[str, frozenset[str]],
    *,
    plan: Plan,
    looked_at: frozenset[str],
    asked_of: frozenset[str],
    over: frozenset[str],
    reach_ms: int,
) -> tuple[OpenRecording, ...]:
    """What the next slot has to judge again, at most `MOST_KEPT`, in the order in which it looks at them.

    Those that this slot had no call left for come before those that it asked about: each has its turn.

    Args:
        rows: every recording that was seen, with its newest status; one seen twice counts once.
        before: what the slot before left, without what the vendor no longer knows.
        told: the kinds of verdict that are told of rows by this slot.
        plan: which rows the digest asks for.
        looked_at: rows whose details were read.
        asked_of: tasks whose details were asked for, whether or not they can be read.
        over: rows of which nothing can change any more.
        reach_ms: no later window begins before this (Unix ms).
    """
    left: dict[str, tuple[int, OpenRecording]] = {}
    asks_for_ends = bool(plan.statuses & _ENDED)
    for row in rows:
        task_id = row.task_id
        known = before.get(task_id)
        said = told.get(task_id, frozenset()) | (known.told if known else frozenset())
        if task_id in over:
            if said and row.began_ms >= reach_ms:
                left[task_id] = (1, OpenRecording(row, said, settled=True))
        elif row.status in RUNNING:
            if asks_for_ends or said:
                left[task_id] = (0, OpenRecording(row, said))
        elif plan.keeps(row):
            left[task_id] = (0 if said or task_id in looked_at else 2, OpenRecording(row, said))
    seen = {row.task_id for row in rows}
    for task_id, known in before.items():
        if task_id not in seen and (not known.settled or known.recording.began_ms >= reach_ms):
            left[task_id] = (1 if known.settled else 0, known)

    def rank(each: tuple[int, OpenRecording]) -> tuple[int, bool, int]:
        row = each[1].recording
        return each[0], row.task_id in asked_of, -row.began_ms

    ranked = sorted(left.values(), key=rank)
    return tuple(each for _, each in ranked[:MOST_KEPT])
