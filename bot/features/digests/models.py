"""What is kept about digests, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import RecordingsError
from bot.features.digests.unfinished import NOTHING_UNFINISHED, Unfinished
from bot.query.times import HOUR
from bot.storage.outbox import Step

if TYPE_CHECKING:
    from collections.abc import Mapping


FRESH_SECONDS = float(HOUR)
"""A slot that is older than this is no longer posted."""


class FullChannelError(RecordingsError):
    """A channel has as many digests as there may be: `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most

    def sentence(self) -> str:
        """What to do."""
        return f"This channel has {self.most} digests, and that is the most there is: remove one first."


@dataclass(frozen=True, slots=True)
class NewDigest:
    """A digest to add. People and channels are Slack IDs, never names.

    Args:
        query: canonical text of a query without a window of its own, or with one.
        schedule: as `format_schedule` writes it.
        zone: the IANA zone in which it is read.
        quiet: what is posted when nothing happened: `line` for one quiet line, `nothing`.
        for_outsiders: a member knows that people outside the organization read the channel, and agreed.
    """

    team_id: str
    channel_id: str
    owner_id: str
    query: str
    schedule: str
    zone: str
    quiet: str = "line"
    for_outsiders: bool = False


@dataclass(frozen=True, slots=True)
class Digest(NewDigest):
    """A digest that is kept. Times are Unix seconds.

    Args:
        id: random text, never used again.
        number: what people call it in its channel, from 1.
        next_run_at: None while it is paused.
        paused_at: None while it runs.
        paused_why: a sentence where the bot paused it, empty where a person did.
        last_slot_at: the last slot that came to an end.
        last_result: `posted`, `quiet`, `skipped`, `failed`; empty before the first.
        last_error: a sentence, after `failed` and `skipped`.
    """

    id: str = ""
    number: int = 0
    created_at: int = 0
    next_run_at: int | None = None
    paused_at: int | None = None
    paused_why: str = ""
    last_slot_at: int | None = None
    last_result: str = ""
    last_error: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether no slots are created."""
        return self.paused_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Step):
    """A slot that one worker has to itself until its lease ends. Times are Unix seconds.

    Args:
        slot_at: its time.
        asked_by: who asked for it out of turn; empty for a slot of the schedule.
        previous_slot_at: the slot of the schedule before this one, whether it was posted or not.
        worked_at: the last slot of the schedule before this one that was posted, or found nothing to post;
            None if there is none.
        unfinished: what that slot left to be judged again.
        missed: slots since the last one that was posted which were skipped or failed, rising.
        unconfirmed: slots since then that are still open: Slack may have taken their messages, or not.
        fresh_seconds: how old the slot may be and still be posted.
    """

    digest: Digest
    slot_at: int
    asked_by: str = ""
    previous_slot_at: int | None = None
    worked_at: int | None = None
    unfinished: Unfinished = NOTHING_UNFINISHED
    missed: tuple[int, ...] = ()
    unconfirmed: tuple[int, ...] = ()
    fresh_seconds: float = FRESH_SECONDS

    @property
    def key(self) -> tuple[str, int]:
        """What names the slot."""
        return self.digest.id, self.slot_at

    def __str__(self) -> str:
        return f"Slot {self.slot_at} of digest {self.digest.id}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as it stands: `open`, `posted`, `quiet`, `skipped` or `failed`."""

    digest_id: str
    slot_at: int
    state: str
    attempts: int
    asked_by: str
    posted_ts: str | None
    counts: Mapping[str, int]
    error: str


@dataclass(frozen=True, slots=True)
class Notice:
    """News for a digest's owner: the first slot that failed, or that the digest was paused."""

    digest: Digest
    slot_at: int
    error: str
