"""Finds recordings by room, window and filter quickly: sorted lists that follow the clock.

A window may hold 20,000 recordings, and an answer needs their count. So those that have ended are kept in one
sorted list per filter (a count is two bisections), and only the few that still run are looked at one by one.
"""

from __future__ import annotations

import heapq
import zlib
from bisect import bisect_left, bisect_right, insort
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from bot.models import ENDED, FAILED, ONGOING, PAUSED, STARTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.sandbox.recording_life import TaskScript

Order = Literal["newest", "oldest", "shuffled"]
DEFAULT_FILTER_OF = {STARTING: 2, ONGOING: 2, PAUSED: 2, ENDED: 3, FAILED: 3}
"""Which filter of DescribeTasks returns rows of which status. Undocumented for 1, 4 and 5: a likely guess."""

_Entry = tuple[int, str, "TaskScript"]  # sorts by start, then by task ID
_EVERY_ROOM = None


class RecordingIndex:
    """All recordings the simulator has, and what it knows of them at the moment it was last asked."""

    def __init__(self) -> None:
        self._by_id: dict[str, TaskScript] = {}
        self._reset()

    def _reset(self) -> None:
        self._now_ms = 0
        self._filter_of: dict[int, int] = {}
        self._ends: list[tuple[int, str]] = []
        self._running: dict[str | None, list[_Entry]] = {}
        self._over: dict[tuple[str | None, int], list[_Entry]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._by_id

    def add(self, tasks: Iterable[TaskScript]) -> None:
        """Take recordings in; their IDs are new."""
        for task in tasks:
            self._by_id[task.task_id] = task
            self._enter(task)

    def clear(self) -> None:
        """Forget everything."""
        self._by_id.clear()
        self._reset()

    def find(self, task_id: str) -> TaskScript | None:
        """The recording of that ID, whether it has begun or not."""
        return self._by_id.get(task_id)

    def page(
        self,
        *,
        asked_filter: int,
        room_id: str | None,
        from_ms: int,
        to_ms: int,
        now_ms: int,
        filter_of: Mapping[int, int],
        order: Order,
        skip: int,
        size: int,
    ) -> tuple[int, list[TaskScript]]:
        """What the asked filter returns of the recordings begun in `from_ms` to `to_ms` (both included).

        Returns:
            How many there are, and `size` of them in order after the first `skip`.
        """
        self.follow(now_ms, filter_of)
        to_ms = min(to_ms, now_ms)
        found = _between(self._over.get((room_id, asked_filter), []), from_ms, to_ms)
        running = _between(self._running.get(room_id, []), from_ms, to_ms)
        live = [entry for entry in running if _filter_for(entry[2], now_ms, filter_of) == asked_filter]
        if live:
            found = sorted(found + live)
        if order == "shuffled":
            found.sort(key=lambda entry: zlib.crc32(entry[1].encode()))
        elif order == "newest":
            found.reverse()
        return len(found), [entry[2] for entry in found[skip : skip + size]]

    def counts(self, now_ms: int) -> dict[int, int]:
        """How many recordings that have begun are in each status, whatever their age."""
        counts: dict[int, int] = {}
        for task in self._by_id.values():
            if task.began_ms <= now_ms:
                status = task.status_at(now_ms)
                counts[status] = counts.get(status, 0) + 1
        return dict(sorted(counts.items()))

    def _enter(self, task: TaskScript) -> None:
        entry = (task.began_ms, task.task_id, task)
        for room_id in (_EVERY_ROOM, task.room_id):
            insort(self._running.setdefault(room_id, []), entry)
        if task.ends_ms is not None:
            heapq.heappush(self._ends, (task.ends_ms, task.task_id))

    def follow(self, now_ms: int, filter_of: Mapping[int, int]) -> None:
        """Put what has ended by now under its filter; or start over (clock back, other filters)."""
        if now_ms < self._now_ms or self._filter_of != filter_of:
            self._reset()
            for task in self._by_id.values():
                self._enter(task)
            self._filter_of = dict(filter_of)
        self._now_ms = now_ms
        while self._ends and self._ends[0][0] <= now_ms:
            _, task_id = heapq.heappop(self._ends)
            task = self._by_id[task_id]
            entry = (task.began_ms, task.task_id, task)
            shown_under = _filter_for(task, now_ms, filter_of)
            for room_id in (_EVERY_ROOM, task.room_id):
                running = self._running[room_id]
                del running[bisect_left(running, entry)]
                insort(self._over.setdefault((room_id, shown_under), []), entry)


def _between(entries: list[_Entry], from_ms: int, to_ms: int) -> list[_Entry]:
    start = bisect_left(entries, from_ms, key=itemgetter(0))
    return entries[start : bisect_right(entries, to_ms, key=itemgetter(0))]


def _filter_for(task: TaskScript, now_ms: int, filter_of: Mapping[int, int]) -> int:
    return filter_of.get(task.status_at(now_ms), ONGOING)
