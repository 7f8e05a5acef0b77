"""Which of the vendor's lists answer a status, and which of their rows belong (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.models import ENDED, FAILED, PAUSED, RUNNING, STARTING, STATUS_WORDS
from bot.query.terms import Status

if TYPE_CHECKING:
    from bot.models import Recording

KNOWN_STATUSES = frozenset(STATUS_WORDS)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a status is answered.

    Attributes:
        running: the list of what runs (filter 2) is read.
        ended: the list of what ended (filter 3) is read.
        everything_running: the list of what runs covers everything the API can see, not the window alone.
        running_judged: all of its rows are needed, however many, and also those from before the window.
        statuses: codes of the rows that belong.
        filtered: only some rows of the lists belong, so the vendor's counts are not the answer's.
    """

    running: bool
    ended: bool
    everything_running: bool
    statuses: frozenset[int]
    filtered: bool
    running_judged: bool = False

    def keeps(self, recording: Recording) -> bool:
        """Whether a row belongs; a status the vendor may add later belongs where no exact one was asked."""
        if recording.status in self.statuses:
            return True
        return not self.filtered and recording.status not in KNOWN_STATUSES


PLANS = {
    Status.ALL: Plan(True, True, False, KNOWN_STATUSES, filtered=False),
    Status.ONGOING: Plan(True, False, True, RUNNING, filtered=False),
    Status.ENDED: Plan(False, True, False, frozenset({ENDED, FAILED}), filtered=False),
    Status.FAILED: Plan(True, True, False, frozenset({FAILED}), filtered=True),
    Status.PAUSED: Plan(True, True, True, frozenset({PAUSED}), filtered=True),
    Status.ATTENTION: Plan(True, True, True, KNOWN_STATUSES, filtered=False, running_judged=True),
    Status.STARTING: Plan(True, True, True, frozenset({STARTING}), filtered=True),
}
"""Filter 2 for what runs, 3 for what ended, both where the vendor does not say which has it."""
