"""The figures of a slot compared with those of the slots before, in words (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SLOTS_COMPARED = 5

_SIMILAR_LENGTHS = 0.1
_TIMES_FROM_PERCENT = 900


@dataclass(frozen=True, slots=True)
class Comparison:
    """Against the slots before, in words; each empty where there is nothing to say."""

    total: str = ""
    failed: str = ""
    attention: str = ""


def compare(counts: Mapping[str, int], previous: Sequence[Mapping[str, int]]) -> Comparison:
    """Compare with the slots before, by what they would have had in as much time.

    Args:
        counts: this slot's.
        previous: theirs, the newest first; one without figures does not count.
    """
    known = [slot for slot in previous if slot.get("seconds") and "total" in slot][:SLOTS_COMPARED]
    seconds = sum(slot["seconds"] for slot in known)
    if not seconds or not counts["seconds"]:
        return Comparison()
    share = counts["seconds"] / seconds

    def usual(name: str) -> float:
        return sum(slot.get(name, 0) for slot in known) * share

    usual_length = seconds / len(known)
    alike = all(
        abs(slot["seconds"] - usual_length) <= _SIMILAR_LENGTHS * usual_length for slot in known
    ) and (abs(counts["seconds"] - usual_length) <= _SIMILAR_LENGTHS * usual_length)
    slots = "the previous slot" if len(known) == 1 else f"the previous {len(known)} slots"
    return Comparison(
        total=_change(counts["total"], usual("total"), f"{'' if alike else 'per hour '}on {slots}", slots),
        failed=_usually(counts["failed"], usual("failed")),
        attention=_usually(counts["attention"], usual("attention")),
    )


def _change(number: int, usual: float, on_slots: str, slots: str) -> str:
    if not usual:
        return f"none in {slots}" if number else ""
    percent = round((number / usual - 1) * 100)
    if percent >= _TIMES_FROM_PERCENT:
        return f"{number / usual:,.0f} times as many {on_slots.replace('on the', 'as in the')}"
    if not percent:
        return f"as many {on_slots.replace('on the', 'as in the')}"
    return f"{'+' if percent > 0 else '−'}{abs(percent)} % {on_slots}"


def _usually(number: int, usual: float) -> str:
    return f"usually {round(usual):,}" if number and round(usual) != number else ""
