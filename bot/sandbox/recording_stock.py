"""The recordings that the simulated vendor has: seeded ones that live on, and those placed exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bot.sandbox.recording_index import RecordingIndex
from bot.sandbox.recording_life import MIXED, FileScript, TaskScript, in_status, make_task_id
from bot.sandbox.recording_traffic import SeededRecordings

if TYPE_CHECKING:
    from bot.clock import Clock

_FIRST_ADDED_NUMBER = 0xE00000


class RecordingStock:
    """Recordings that come and go with the clock.

    Args:
        clock: what the vendor takes for the time.
        seed: another number gives other traffic.
        tasks: how many recordings began in the 3 days before now; 0: none but those added.

    Attributes:
        index: all of them.
    """

    def __init__(self, clock: Clock, seed: int, tasks: int) -> None:
        self.clock = clock
        self.index = RecordingIndex()
        self._seed = seed
        self._seeded = SeededRecordings(origin_ms=self.now_ms(), seed=seed, tasks=tasks)
        self._blocks: set[tuple[str, int]] = set()
        self._added = 0

    def now_ms(self) -> int:
        """The vendor's time, Unix milliseconds."""
        return int(self.clock.now() * 1000)

    def add_task(
        self,
        *,
        room_id: str,
        began_ms: int,
        status: int | None = None,
        task_id: str | None = None,
        starting_ms: int = 0,
        ends_ms: int | None = None,
        fails: bool = False,
        pauses: tuple[tuple[int, int | None], ...] = (),
        mode: int = MIXED,
        stream_type: int = 3,
        files: tuple[FileScript, ...] | Literal["one"] | None = "one",
    ) -> str:
        """Place a recording exactly.

        Args:
            room_id: its room.
            began_ms: when it began; in the future: it will.
            status: what it is now, as a short way to a script: 1 to 5 choose `starting_ms`, `ends_ms` (a
                minute after the beginning unless given, and not after now), `fails` and `pauses`; any other
                number is shown as it is.
            task_id: its ID; made up when None.
            starting_ms: how long it initialises.
            ends_ms: when it ends; None: never.
            fails: it ends abnormally.
            pauses: (from, to) of each; `to` None: for good.
            mode: `RecordMode`.
            stream_type: `StreamType`.
            files: `"one"`: one over the whole time; None: the vendor leaves `RecordFiles` out.

        Returns:
            The task ID.

        Raises:
            ValueError: the ID is taken.
        """
        if task_id is None:
            self._added += 1
            task_id = make_task_id(began_ms, _FIRST_ADDED_NUMBER + self._added, self._seed)
        if task_id in self.index:
            raise ValueError(f"there is a task {task_id} already")
        task = TaskScript(
            task_id=task_id,
            room_id=room_id,
            began_ms=began_ms,
            starting_ms=starting_ms,
            ends_ms=ends_ms,
            fails=fails,
            pauses=pauses,
            mode=mode,
            stream_type=stream_type,
            files=(FileScript(began_ms=began_ms),) if files == "one" else files,
        )
        self.index.add([task if status is None else in_status(task, status, self.now_ms())])
        return task_id

    def clear(self) -> None:
        """Remove every recording, the seeded ones that have not begun yet included."""
        self.index.clear()
        self._seeded = SeededRecordings(origin_ms=self.now_ms(), seed=self._seed, tasks=0)

    def grow(self) -> None:
        """Let the seeded recordings up to now come into being."""
        for block in self._seeded.blocks_at(self.now_ms()):
            if block not in self._blocks:
                self._blocks.add(block)
                self.index.add(self._seeded.recordings_in(block))
