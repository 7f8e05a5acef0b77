"""What a load comes to: outcomes counted, percentiles, and when everything was well again (pure)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.nightly.bench.questions import Outcome, Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.nightly.bench.questions import Asked

PATIENCE_SECONDS = 15.0
"""Nothing within this after the question, and after the fault's end, is nothing."""

FINE = {Outcome.RIGHT, Outcome.STALE}
BAD = (Outcome.WRONG, Outcome.LOST, Outcome.HUNG)


@dataclass
class Tally:
    """Counts of one load; times in seconds.

    Args:
        asked: how many questions.
        outcomes: how often each.
        doubled: questions with two answers, or two refusals.
        acks, answers: how long they took, rising; only of questions asked while the fault lasted.
        recovered_seconds: from the fault's end to the first question after which all are answered right.
        strange: what was said that should not have been, and what was asked in vain: for whoever mends it.
    """

    asked: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    doubled: int = 0
    acks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    recovered_seconds: float = 0.0
    strange: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost, doubled, hung or wrong."""
        return not self.doubled and not any(self.outcomes[bad] for bad in BAD)


def tally(
    asked: Iterable[Asked],
    *,
    began: float = float("-inf"),
    ended: float = float("-inf"),
    patience_seconds: float = PATIENCE_SECONDS,
) -> Tally:
    """Count.

    Args:
        asked: every question of a load.
        began, ended: the fault; without, there was none and all questions count for the percentiles.
        patience_seconds: after the question, and after the fault's end, until when an answer has to be there.
    """
    result = Tally()
    no_fault = ended == float("-inf")
    for one in asked:
        outcome = one.outcome(max(one.at, ended) + patience_seconds)
        result.asked += 1
        result.outcomes[outcome] += 1
        result.doubled += one.doubled
        if no_fault or began <= one.at <= ended:
            if one.ack_seconds is not None:
                result.acks.append(one.ack_seconds)
            if one.finals:
                result.answers.append(one.finals[0][0] - one.at)
        if not no_fault and one.at > ended and outcome not in FINE:
            result.recovered_seconds = max(result.recovered_seconds, one.at - ended)
        if outcome in BAD or one.doubled:
            said = [f"{at - one.at:.1f}s {what}: {text[:300]}" for at, what, text in one.said]
            when = "" if no_fault else f" {one.at - began:+.1f}s"
            why = "doubled" if one.doubled else outcome
            result.strange.append(f"{why}: {one.kind}{when} {one.room} {one.rows} {said}")
    result.acks.sort()
    result.answers.sort()
    return result


def at_share(share: float, rising: Sequence[float]) -> float | None:
    """The value below which so much of a rising list lies; None of an empty one."""
    return rising[min(int(len(rising) * share), len(rising) - 1)] if rising else None


def refusals(asked: Iterable[Asked]) -> Counter[str]:
    """The sentences with which questions were refused."""
    return Counter(text for one in asked for _, what, text in one.finals if what is Said.REFUSED)
