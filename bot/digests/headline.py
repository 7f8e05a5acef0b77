"""The headline figures of a digest in words (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.digests.report import ROOM
from bot.plural import count

if TYPE_CHECKING:
    from bot.digests.comparison import Comparison
    from bot.digests.report import Summary


def figures(summary: Summary, comparison: Comparison) -> list[str]:
    """The headline figures in words, the total first."""
    counts = summary.counts
    words = [count(counts["total"], "recording", exact=summary.exact) + _in_brackets(comparison.total)]
    least = "" if summary.exact else "at least "
    if summary.ended_well:
        sure = summary.exact and summary.all_checked
        words.append(f"{'' if sure else 'at least '}{summary.ended_well:,} ended well")
    if summary.uploading:
        words.append(f"{summary.uploading:,} still uploading")
    if counts["failed"]:
        words.append(f"{least}{counts['failed']:,} ended abnormally{_in_brackets(comparison.failed)}")
    if counts["attention"]:
        verb = "needs" if counts["attention"] == 1 else "need"
        checked = "" if summary.all_checked else "at least "
        words.append(f"{checked}{counts['attention']:,} {verb} attention{_in_brackets(comparison.attention)}")
    if summary.still_open:
        words.append(f"{summary.still_open:,} still open from before")
    if counts["running"]:
        before = f" ({counts['earlier']:,} from before)" if counts["earlier"] else ""
        words.append(f"{least}{counts['running']:,} still running{before}")
    return words


def busiest(summary: Summary) -> tuple[str, int] | None:
    """The room with the most recordings, where one stands out: (room, how many)."""
    rooms = [
        (name.removeprefix(ROOM), number)
        for name, number in summary.counts.items()
        if name.startswith(ROOM) and number > 1
    ]
    ranked = sorted(rooms, key=lambda room: -room[1])
    stands_out = len(ranked) == 1 or (len(ranked) > 1 and ranked[0][1] > ranked[1][1])
    return ranked[0] if stands_out and ranked[0][1] < summary.counts["total"] else None


def _in_brackets(words: str) -> str:
    return f" ({words})" if words else ""
