"""When recordings began, in buckets for a chart (pure)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.query.durations import DAY, HOUR, MINUTE
from bot.words import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.models import Recording

MOST_BUCKETS = 12

_STEPS = (5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, *(n * HOUR for n in (1, 2, 3, 4, 6, 8, 12)), DAY)


@dataclass(frozen=True, slots=True)
class Chart:
    """How many recordings began when. Each series has a name and a figure for each bucket.

    Attributes:
        step_seconds: how long a bucket is.
        starts_ms: when each begins; the last ends where the window does.
        series: by status, as far as there are any.
    """

    step_seconds: int
    starts_ms: tuple[int, ...]
    series: tuple[tuple[str, tuple[int, ...]], ...]


def build_buckets(rows: Sequence[Recording], start_ms: int, end_ms: int) -> Chart | None:
    """Up to 12 buckets that end with the window, so that they begin at times which the schedule knows.

    Args:
        rows: every recording that began in the window.
        start_ms: where it begins, as far as it could be seen (Unix ms).
        end_ms: where it ends.
    """
    if not rows or end_ms <= start_ms:
        return None
    length = -(-(end_ms - start_ms) // 1000)
    step = next((step for step in _STEPS if step * MOST_BUCKETS >= length), -(-length // MOST_BUCKETS))
    buckets = -(-length // step)
    first_ms = end_ms - buckets * step * 1000
    by_name: dict[str, list[int]] = {}
    for row in rows:
        bucket = min(max((row.began_ms - first_ms) // (step * 1000), 0), buckets - 1)
        by_name.setdefault(LABELS.get(row.status, "Other"), [0] * buckets)[bucket] += 1
    order = [*LABELS.values(), "Other"]
    series = sorted(by_name.items(), key=lambda named: order.index(named[0]))
    starts = tuple(first_ms + n * step * 1000 for n in range(buckets))
    return Chart(step, starts, tuple((name, tuple(numbers)) for name, numbers in series))


def chart_labels(times: Iterable[str]) -> list[str]:
    """Labels of buckets, each once: a clock that is set back shows a time twice."""
    seen: Counter[str] = Counter()
    labels = []
    for time in times:
        seen[time] += 1
        labels.append(time if seen[time] == 1 else f"{time} ({seen[time]})")
    return labels
