"""What a recording is here: frozen values that every module passes around; Unix milliseconds (pure)."""

from __future__ import annotations

from dataclasses import dataclass

STARTING, ONGOING, ENDED, FAILED, PAUSED = 1, 2, 3, 4, 5
"""Status codes of a task in the vendor's answers (DescribeTasks, DescribeRecordStatus)."""

STATUS_WORDS = {STARTING: "starting", ONGOING: "ongoing", ENDED: "ended", FAILED: "failed", PAUSED: "paused"}
"""The word for each status code: what `status=` takes and what `--json` prints."""

RUNNING = frozenset({STARTING, ONGOING, PAUSED})
"""Codes of a task that has not ended."""

RECORDING, UPLOADING, UPLOADED, IN_BACKUP, LOST = 1, 2, 3, 4, 5
"""Status codes of a file (vendor docs, DescribeRecordStatus); backup storage keeps it for 3 days."""

API_HISTORY_MS = 3 * 24 * 3600 * 1000
"""How far back the vendor's API knows anything: tasks that started within the last 3 days."""


def status_word(code: int) -> str:
    """The word for a status code; a code the vendor may add later is shown as it is (`status 9`)."""
    return STATUS_WORDS.get(code, f"status {code}")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording task as a list shows it: no end, no files (those need `RecordingDetails`)."""

    task_id: str
    room_id: str
    status: int
    began_ms: int

    @property
    def order(self) -> tuple[int, str]:
        """Sorts recordings by start, then by task ID: a total order that does not change while one pages."""
        return (self.began_ms, self.task_id)


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One file of a recording. Absent figures are None: the vendor leaves out what it does not know.

    `track`: 1 audio, 2 video, 3 both. Sizes in bytes, durations in milliseconds, resolution in pixels.
    """

    stream_id: str = ""
    user_id: str = ""
    user_name: str = ""
    file_id: str = ""
    video_id: str = ""
    url: str = ""
    format: str = ""
    size_bytes: int | None = None
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None
    track: int | None = None
    began_ms: int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of a list, or a file of a task, that is not what the API promises: it is left out.

    Attributes:
        identity: the task's ID where that can be read, else a digest of the content: the same one in another
            answer is counted once.
        task_id: empty where it cannot be read.
        why: which part is wrong, without its content.
    """

    identity: str
    task_id: str
    why: str


@dataclass(frozen=True, slots=True)
class RecordingDetails:
    """One task as DescribeRecordStatus tells it.

    `mode`: 1 single stream, 2 mixed. `stream_type`: 1 audio, 2 video, 3 both in one, 4 both apart.
    `files` is empty where the vendor sends none: snapshot tasks, and ended tasks in which nobody published.
    `unreadable` are files that it sends as well, and that cannot be read.
    `request_id` is the vendor's, for a ticket; `as_of_ms` is when the answer was taken, by our clock;
    `skew_ms` is the vendor's clock minus ours, 0 where they agree or nothing is known.
    """

    task_id: str
    room_id: str
    status: int
    began_ms: int | None
    ended_ms: int | None
    mode: int | None
    stream_type: int | None
    files: tuple[RecordingFile, ...]
    request_id: str
    as_of_ms: int
    skew_ms: int = 0
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def file_count(self) -> int:
        """How many files the vendor sent, read or not."""
        return len(self.files) + len(self.unreadable)

    @property
    def now_ms(self) -> int:
        """The vendor's now when this answer was taken (Unix ms): what runs has run from its start to here."""
        return self.as_of_ms + self.skew_ms

    @property
    def is_final(self) -> bool:
        """Whether nothing about the task can change any more: it ended, and its files are uploaded or lost.

        An ended task without files is not final: whether the vendor lists files only later is undocumented.
        Nor is one with a file in backup storage, from where it may still be moved (unverified), or with one
        that cannot be read.
        """
        return (
            self.status in (ENDED, FAILED)
            and bool(self.files)
            and not self.unreadable
            and all(file.status in (UPLOADED, LOST) for file in self.files)
        )

    @property
    def size_bytes(self) -> int | None:
        """How big all files are together; None where the size of any is not known."""
        sizes = [file.size_bytes for file in self.files]
        known = [size for size in sizes if size is not None and size >= 0]
        return sum(known) if len(known) == self.file_count else None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of DescribeTasks: `total` is the count over all pages, `as_of_ms` when it was taken.

    `unreadable` are rows that the vendor sent as well, and counted.
    """

    total: int
    recordings: tuple[Recording, ...]
    page: int
    request_id: str
    as_of_ms: int
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def row_count(self) -> int:
        """How many rows the vendor sent, read or not: what its counts are compared with."""
        return len(self.recordings) + len(self.unreadable)
