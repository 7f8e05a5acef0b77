"""Seeded recordings that keep beginning, ending and failing as the clock goes on (pure).

Nearly half of the traffic goes to room `lobby`, most of the rest to some 60 rooms with a few to many
recordings each, and the remainder to `class-NNNNNN` rooms with one each. The busier a room, the shorter its
recordings: two at once in one room are an exception, as with people who pay for both. The staged rooms of
`recording_scenes` come with it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from bot.models import API_HISTORY_MS
from bot.sandbox.recording_life import (
    FILE_IN_BACKUP,
    FILE_LOST,
    FILE_UPLOADED,
    MIXED,
    RECORD_CAP_MS,
    SINGLE_STREAM,
    FileScript,
    TaskScript,
    make_task_id,
)
from bot.sandbox.recording_scenes import FIRST_STAGED_NUMBER, SCENES, STAGE_EVERY_MS, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECOND = 1000
_MINUTE = 60 * _SECOND
_SLOTS_A_BLOCK = 64
_MEAN_DURATION_MS = 75 * _MINUTE
_LONGEST_MS = 5 * 60 * _MINUTE
_DURATION_SPREAD = 0.9
_RUNNING_ON_AVERAGE = 110  # at most: with the staged ones well below the vendor's 200 at once
_SHARES = {"busy": 46, "usual": 24, "once": 30}  # per cent of the traffic, by kind of room
_FORGOTTEN = 1 / 100  # of those in rooms with one recording
_SINGLE_STREAMS, _PAUSES, _FAILS = 0.4, 0.05, 0.03  # shares of all
_USUAL_ROOMS = tuple(f"team-{number}" if number % 5 == 0 else str(2000 + 7 * number) for number in range(60))


class SeededRecordings:
    """All seeded recordings as a function of (origin, seed, tasks), handed out in blocks.

    Args:
        origin_ms: the moment the clock started: staged rooms are as the table says at that moment.
        seed: another number gives other traffic in the same staged rooms.
        tasks: how many recordings began within the 3 days before the origin, staged ones included (so
            never fewer than those); traffic goes on at the same pace. 0: none at all, now or later.
    """

    def __init__(self, *, origin_ms: int, seed: int, tasks: int) -> None:
        self._origin_ms = origin_ms
        self._seed = seed
        self._tasks = tasks
        self._fillers = max(0, tasks - sum(scene.script.began_ms <= 0 for scene in SCENES))
        self._step_ms = API_HISTORY_MS * 0.9995 / max(1, self._fillers)
        self._mean_duration_ms = min(_MEAN_DURATION_MS, _RUNNING_ON_AVERAGE * self._step_ms)

    def blocks_at(self, now_ms: int) -> Iterator[tuple[str, int]]:
        """Names of the blocks that hold everything begun in the 3 days before `now_ms`."""
        if not self._tasks:
            return
        oldest_ms = now_ms - API_HISTORY_MS - self._origin_ms
        first = max(0, oldest_ms // STAGE_EVERY_MS)
        for number in range(first, max(first, (now_ms - self._origin_ms) // STAGE_EVERY_MS + 1) + 1):
            yield ("staged", number)
        if self._fillers:
            first_slot = max(-self._fillers, math.floor(oldest_ms / self._step_ms))
            last_slot = math.floor((now_ms - self._origin_ms) / self._step_ms)
            for number in range(first_slot // _SLOTS_A_BLOCK, last_slot // _SLOTS_A_BLOCK + 1):
                yield ("traffic", number)

    def recordings_in(self, block: tuple[str, int]) -> list[TaskScript]:
        """The recordings of a block, the same each time it is asked for."""
        kind, number = block
        if kind == "staged":
            return stage(self._origin_ms + number * STAGE_EVERY_MS, number, self._seed)
        return self._traffic(number)

    def _traffic(self, number: int) -> list[TaskScript]:
        rng = Random(f"{self._seed}/{self._tasks}/{number}")  # noqa: S311 - reproducible data, nothing secret
        first = number * _SLOTS_A_BLOCK
        slots = range(first, first + _SLOTS_A_BLOCK)
        drawn = [self._draw(rng, slot) for slot in slots]
        return [task for slot, task in zip(slots, drawn, strict=True) if slot >= -self._fillers]

    def _draw(self, rng: Random, slot: int) -> TaskScript:
        began_ms = self._origin_ms + round((slot + rng.uniform(0.02, 0.98)) * self._step_ms)
        starting_ms = rng.randint(2 * _SECOND, 8 * _SECOND)
        kind = rng.choices(tuple(_SHARES), tuple(_SHARES.values()))[0]
        forgotten = kind == "once" and rng.random() < _FORGOTTEN
        duration_ms = RECORD_CAP_MS if forgotten else self._draw_duration_ms(rng, kind)
        ends_ms = began_ms + max(starting_ms + 15 * _SECOND, duration_ms)
        files_begin_ms = began_ms + starting_ms
        single = rng.random() < _SINGLE_STREAMS
        pauses: tuple[tuple[int, int], ...] = ()
        if rng.random() < _PAUSES:
            pause_ms = files_begin_ms + round((ends_ms - files_begin_ms) * rng.uniform(0.2, 0.6))
            pauses = ((pause_ms, pause_ms + round((ends_ms - pause_ms) * rng.uniform(0.1, 0.7))),)
        return TaskScript(
            task_id=make_task_id(began_ms, slot % FIRST_STAGED_NUMBER, self._seed),
            room_id=_room(rng, kind, slot),
            began_ms=began_ms,
            starting_ms=starting_ms,
            ends_ms=ends_ms,
            fails=forgotten or rng.random() < _FAILS,
            pauses=pauses,
            mode=SINGLE_STREAM if single else MIXED,
            files=_files(rng, files_begin_ms, ends_ms, streams=rng.randint(1, 4) if single else 0),
        )

    def _draw_duration_ms(self, rng: Random, kind: str) -> int:
        """As long as its kind of room leaves it: until about the next one begins, or some hours."""
        if kind == "busy":
            return round(rng.uniform(0.2, 1.2) * self._step_ms)
        mean_ms = self._mean_duration_ms * (0.25 if kind == "usual" else 3)
        mu = math.log(mean_ms) - _DURATION_SPREAD**2 / 2
        return min(round(rng.lognormvariate(mu, _DURATION_SPREAD)), _LONGEST_MS)


def _room(rng: Random, kind: str, slot: int) -> str:
    if kind == "busy":
        return "lobby"
    if kind == "usual":
        return _USUAL_ROOMS[int(len(_USUAL_ROOMS) * rng.random() ** 2)]
    return f"class-{slot % 1_000_000:06d}"


def _files(rng: Random, begin_ms: int, end_ms: int, *, streams: int) -> tuple[FileScript, ...] | None:
    """Files of a seeded task; `streams` 0: mixed into one."""
    kind = rng.choices(("plain", "none", "split", "short", "audio"), (900, 30, 20, 15, 35))[0]
    if kind == "none":
        return None
    template = FileScript(
        began_ms=begin_ms,
        format=rng.choices(("mp4", "hls", "flv"), (80, 12, 8))[0],
        storage=rng.choices(("s3", "qiniu", "alibaba_vod", "tencent_vod"), (86, 5, 4, 5))[0],
        outcome=rng.choices((FILE_UPLOADED, FILE_IN_BACKUP, FILE_LOST), (97, 2, 1))[0],
        upload_ms=rng.randint(5 * _SECOND, 4 * _MINUTE),
        width=rng.choice((640, 1280, 1920)),
        height=rng.choice((360, 720, 1080)),
    )
    length_ms = end_ms - begin_ms
    if kind == "split":
        break_ms = begin_ms + length_ms // 2
        gap_ms = min(rng.randint(20 * _SECOND, 110 * _SECOND), length_ms // 4)
        return (replace(template, ends_ms=break_ms), replace(template, began_ms=break_ms + gap_ms))
    if kind == "short":
        return (replace(template, ends_ms=begin_ms + length_ms // 5),)
    if kind == "audio":
        return (replace(template, format="aac", track=1, kilobits_per_second=64),)
    if not streams:
        return (template,)
    return tuple(
        replace(template, stream_id=f"stream-{number}", began_ms=begin_ms + number * _SECOND)
        for number in range(streams)
    )
