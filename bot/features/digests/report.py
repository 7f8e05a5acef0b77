"""What a digest reports: what was found, summed up, charted, compared, and in headline figures (pure)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.features.digests.unfinished import NOTHING_UNFINISHED, Unfinished
from bot.models import ENDED, FAILED, RUNNING
from bot.plain_text import count
from bot.query.times import DAY, HOUR, MINUTE
from bot.recordings.answer_text import LABELS
from bot.verdicts.judge import needs_attention

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.features.digests.models import Digest
    from bot.features.digests.slot_windows import SlotWindow
    from bot.models import Recording
    from bot.recordings.page import Page
    from bot.verdicts.types import Verdict


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


TOP_ROOMS = 5
ROOM = "room:"
"""What the names of the counts of single rooms begin with."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A recording that needs attention, with the worst that is known of it."""

    recording: Recording
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest recording whose length is known, and whether the length of every one is."""

    recording: Recording
    lasted_ms: int
    of_all: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """What slots before left, as it is now, and how far it is known what became of recordings.

    Attributes:
        recordings: seen unfinished by an earlier slot, and in no list of this one.
        told: the kinds of verdict that were told before, by task ID.
        uploading: tasks whose details say that they may still change.
        unsure: tasks whose details were not read.
        gone: recordings that ZEGOCLOUD no longer knows, and that were not finished when last seen.
        not_checked: how many could not be looked at again.
    """

    recordings: tuple[Recording, ...] = ()
    told: Mapping[str, frozenset[str]] = field(default_factory=dict)
    uploading: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    gone: tuple[Recording, ...] = ()
    not_checked: int = 0


NOTHING_CARRIED = Carried()


@dataclass(frozen=True, slots=True)
class Summary:
    """What was found in one window: the same for every digest that asks the same.

    Attributes:
        window: what was asked.
        counts: `total`, `ended` (well, status 3), `failed`, `attention` (as in `attention`), `running` (now,
            with what began earlier), `earlier`, `seconds` (how much of the window could be seen), `room:ID`
            of the busiest.
        attention: what no slot before has told, the worst first.
        still_open: how many that were told before still need attention.
        gone: what the vendor no longer knows, and was not finished when last seen.
        all_checked: every recording was looked at; else more may need attention.
        ended_well: as far as their details tell.
        uploading: ended, and not every file has arrived yet.
        unfinished: what is left to the next slot.
        latest: the newest that began in the window.
        sees_back_to_ms: how far back could be seen, where the window begins earlier.
        notes: sentences that the reader has to know.
        now_ms: the vendor's now when it was taken (Unix ms).
        exact: the counts are; else so many at least.
    """

    window: SlotWindow
    counts: Mapping[str, int]
    attention: tuple[Finding, ...]
    all_checked: bool
    ended_well: int
    chart: Chart | None
    longest: Longest | None
    latest: Recording | None
    sees_back_to_ms: int | None
    notes: tuple[str, ...]
    now_ms: int
    exact: bool = True
    still_open: int = 0
    uploading: int = 0
    gone: tuple[Recording, ...] = ()
    unfinished: Unfinished = NOTHING_UNFINISHED

    @property
    def is_empty(self) -> bool:
        """Nothing began, and there is nothing new about what began earlier, as far as all could be read."""
        nothing = not self.counts["total"] and not self.attention and not self.gone
        return nothing and self.exact and self.all_checked


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one message says.

    Attributes:
        digest: what was asked for.
        slot_at: Unix seconds.
        is_test: somebody asked for it out of turn.
        summary, comparison: what was found.
        missed: slots before this one that were not posted, Unix seconds.
        late_seconds: how long after its time it is posted.
        late_why: what went wrong until now, a sentence.
        next_at: the next slot, Unix seconds; None where there is none.
        owner: the owner's name; empty where it is not known.
    """

    digest: Digest
    slot_at: int
    is_test: bool
    summary: Summary
    comparison: Comparison
    missed: tuple[int, ...] = ()
    late_seconds: int = 0
    late_why: str = ""
    next_at: int | None = None
    owner: str = ""


def summarise(
    window: SlotWindow,
    begun: Page,
    earlier: Sequence[Recording],
    judged: Page,
    ended_ms: Mapping[str, int],
    *,
    only_attention: bool = False,
    carried: Carried = NOTHING_CARRIED,
) -> Summary:
    """Sum up what was found.

    Args:
        window: what was asked.
        begun: every recording that began in it.
        earlier: what runs now and began before it.
        judged: of both and what is carried, what needs attention, with verdicts.
        ended_ms: when recordings ended, Unix ms by task ID, as far as that was looked at.
        only_attention: only what needs attention is asked for.
        carried: what slots before left.
    """
    worst = {
        row.task_id: next(each for each in judged.verdicts[row.task_id] if needs_attention((each,)))
        for row in judged.recordings
    }
    rows: Sequence[Recording] = begun.recordings
    if only_attention:
        rows = [row for row in rows if row.task_id in worst]
        earlier = [row for row in earlier if row.task_id in worst]
    findings = [
        Finding(row, worst[row.task_id])
        for row in (*rows, *earlier, *carried.recordings)
        if row.task_id in worst
    ]
    attention = sorted(
        (found for found in findings if not _was_told(found, carried)),
        key=lambda found: (found.verdict.kind.severity, -found.recording.began_ms),
    )
    statuses = Counter(row.status for row in rows)
    still = sum(row.status in RUNNING for row in (*rows, *earlier))
    seen_ms = window.end_ms - (begun.window.start_ms if begun.sees_back_to_ms else window.start_ms)
    fine = [
        row
        for row in rows
        if row.status == ENDED and row.task_id not in worst and row.task_id not in carried.unsure
    ]
    rooms = Counter(row.room_id for row in rows).most_common(TOP_ROOMS)
    return Summary(
        window=window,
        counts={
            "total": len(rows),
            "ended": statuses[ENDED],
            "failed": statuses[FAILED],
            "attention": len(attention),
            "running": still,
            "earlier": len(earlier),
            "seconds": max(0, seen_ms) // 1000,
            **{f"{ROOM}{room}": number for room, number in rooms},
        },
        attention=tuple(attention),
        all_checked=judged.exact and not carried.not_checked,
        ended_well=sum(row.task_id not in carried.uploading for row in fine),
        uploading=sum(row.task_id in carried.uploading for row in fine),
        chart=build_buckets(rows, window.end_ms - max(0, seen_ms), window.end_ms),
        longest=_longest([*rows, *earlier], ended_ms, begun.now_ms),
        latest=max(rows, key=lambda row: row.order, default=None),
        sees_back_to_ms=begun.sees_back_to_ms,
        notes=judged.notes if not carried.not_checked else (*judged.notes, _not_checked(carried)),
        now_ms=begun.now_ms,
        exact=begun.exact,
        still_open=len(findings) - len(attention),
        gone=carried.gone,
    )


def _was_told(found: Finding, carried: Carried) -> bool:
    return found.verdict.kind.value in carried.told.get(found.recording.task_id, ())


def _not_checked(carried: Carried) -> str:
    which = count(carried.not_checked, "recording")
    return f"{which} from earlier digests couldn't be checked again this time."


def _longest(rows: Sequence[Recording], ended_ms: Mapping[str, int], now_ms: int) -> Longest | None:
    lasted = {
        row.task_id: (now_ms if row.status in RUNNING else ended_ms[row.task_id]) - row.began_ms
        for row in rows
        if row.status in RUNNING or row.task_id in ended_ms
    }
    known = [row for row in rows if row.task_id in lasted]
    if not known:
        return None
    longest = max(known, key=lambda row: lasted[row.task_id])
    return Longest(longest, max(0, lasted[longest.task_id]), of_all=len(known) == len(rows))


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
