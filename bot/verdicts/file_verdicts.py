"""Verdicts about a task's files: where each is, and how much of the task they hold (pure)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.models import ENDED, FAILED, IN_BACKUP, LOST, RECORDING, UPLOADED, UPLOADING
from bot.query.times import exact_duration, format_duration
from bot.verdicts.types import BACKUP_KEPT_MS, At, Kind, Outside, Verdict, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.verdicts.types import Thresholds


_CLOSED = frozenset({UPLOADED, IN_BACKUP, LOST})
_OVER = frozenset({ENDED, FAILED})
_MIXED = 2
_PICTURES = frozenset({"jpg"})
_MOST_NAMED = 3
_MINUTE_MS = 60_000
_MINUTES_READ_WELL_MS = 120 * _MINUTE_MS
_LONGEST_FILE_MS = 366 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class _Run:
    """Files of one stream that follow one another, and the gaps (from, to) between them."""

    stream_id: str
    format: str
    files: int
    gaps: tuple[tuple[int, int], ...]
    gaps_known: bool


def split(details: RecordingDetails, thresholds: Thresholds) -> Verdict | None:
    """One stream is in several files. Formats and tracks side by side are not that, nor are pictures."""
    if details.unreadable:  # one of those may fill the gap
        return None
    by_kind: dict[tuple[str, str, int | None], list[tuple[int, RecordingFile]]] = defaultdict(list)
    for file in details.files:
        kind = (file.stream_id, file.format.lower(), file.track)
        comparable = file.format and kind[1] not in _PICTURES and (file.stream_id or details.mode == _MIXED)
        if comparable and file.began_ms is not None:
            by_kind[kind].append((file.began_ms, file))
    runs = [run for files in by_kind.values() if (run := _follow(files, thresholds.split_gap_ms))]
    if not runs:
        return None
    words: list[str | At | Outside] = []
    for run in runs[:2]:
        words += _run_words(run)
    if len(runs) > len(runs[:2]):
        words.append(f"The same goes for {len(runs) - 2} more. ")
    words.append(
        "ZEGOCLOUD goes on in a new file when a stream comes back or a recorder restarts, which takes up to "
        "two minutes."
        if any(run.gaps for run in runs)
        else "Play them in the order in which they begin."
    )
    return Verdict(Kind.SPLIT, "Split", tuple(words))


def _follow(files: list[tuple[int, RecordingFile]], jitter_ms: int) -> _Run | None:
    """The files as one run, if at least two of them follow one another. Side by side tells nothing."""
    ordered = sorted(files, key=lambda pair: pair[0])
    gaps: list[tuple[int, int]] = []
    parts, known = 1, True
    end_ms = None
    for (began_ms, file), (next_ms, _) in pairwise(ordered):
        duration_ms = _duration(file)
        if duration_ms is None:
            known = False
            parts += next_ms - began_ms > jitter_ms
            continue
        end_ms = max(end_ms or 0, began_ms + duration_ms)
        if next_ms < end_ms - jitter_ms or next_ms == began_ms:
            continue
        parts += 1
        if next_ms - end_ms >= jitter_ms:
            gaps.append((end_ms, next_ms))
    if parts == 1:
        return None
    first = ordered[0][1]
    return _Run(first.stream_id, first.format, parts, tuple(gaps), known)


def _run_words(run: _Run) -> Iterable[str | At | Outside]:
    yield "Stream "
    yield Outside(run.stream_id or "mix")
    yield f" is in {run.files} files ("
    yield Outside(run.format)
    yield ")"
    if not run.gaps:
        yield ". " if not run.gaps_known else " that follow one another without a gap. "
        return
    yield ", with a gap" if len(run.gaps) == 1 else f", with {len(run.gaps)} gaps"
    for number, (from_ms, to_ms) in enumerate(run.gaps[:_MOST_NAMED]):
        yield f"{', and' if number else ''} of {exact_duration(max(1, (to_ms - from_ms) // 1000))} from "
        yield At(from_ms)
        yield " to "
        yield At(to_ms)
    yield f", and {len(run.gaps) - _MOST_NAMED} more. " if len(run.gaps) > _MOST_NAMED else ". "


def short(details: RecordingDetails, thresholds: Thresholds) -> Verdict | None:
    """All files together hold much less than the time that the task ran."""
    captured_ms = captured(details)
    if captured_ms is None or details.began_ms is None or details.ended_ms is None:
        return None
    whole_ms = details.ended_ms - details.began_ms
    missing_ms = whole_ms - captured_ms
    if captured_ms >= whole_ms * thresholds.short_share or missing_ms <= thresholds.short_missing_ms:
        return None
    if whole_ms < _MINUTES_READ_WELL_MS:
        amount = f"{captured_ms // _MINUTE_MS} of {whole_ms // _MINUTE_MS} min captured"
    else:
        amount = f"{format_duration(captured_ms // 1000)} of {format_duration(whole_ms // 1000)} captured"
    stretches = _stretches(details)
    between: Words = ()
    if len(stretches) == 1:
        between = (", from ", At(stretches[0][0]), " to ", At(stretches[0][1]))
    words: Words = (
        amount,
        *between,
        ". In the rest nobody published, the recording was paused, or the recorder was interrupted: compare ",
        "it with when people were in the room.",
    )
    return Verdict(Kind.SHORT, "Short", words)


def captured(details: RecordingDetails) -> int | None:
    """How much of the task's time any of its files holds, in milliseconds.

    None where that cannot be known: it still runs, a file is not closed or cannot be read, or a figure is
    missing.
    """
    if details.status not in _OVER or details.unreadable:
        return None
    files = _media(details)
    if not files or any(file.status not in _CLOSED for file in files):
        return None
    if any(file.began_ms is None or _duration(file) is None for file in files):
        return None
    return sum(end - begin for begin, end in _stretches(details))


def last_file_ended_ms(details: RecordingDetails) -> int | None:
    """When the last file ended (Unix ms); None where a figure is missing."""
    if captured(details) is None:
        return None
    return max(end for _, end in _stretches(details))


def _media(details: RecordingDetails) -> list[RecordingFile]:
    """The files that last: pictures do not."""
    return [file for file in details.files if file.format.lower() not in _PICTURES]


def _stretches(details: RecordingDetails) -> list[tuple[int, int]]:
    """The times (from, to) that files hold, those that overlap or touch as one, oldest first."""
    times = sorted(
        (file.began_ms, file.began_ms + duration_ms)
        for file in _media(details)
        if file.began_ms is not None and (duration_ms := _duration(file)) is not None
    )
    joined: list[tuple[int, int]] = []
    for begin, end in times:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _duration(file: RecordingFile) -> int | None:
    """The file's duration where it can be true: an absurd figure is none."""
    known = file.duration_ms is not None and 0 <= file.duration_ms <= _LONGEST_FILE_MS
    return file.duration_ms if known else None


def lost(details: RecordingDetails) -> Verdict | None:
    """A file is neither in the customer's storage nor in the vendor's."""
    files = [file for file in details.files if file.status == LOST]
    if not files:
        return None
    words: Words = (
        f"{_share(files, details)} could be uploaded neither to your storage nor to ZEGOCLOUD's backup: ",
        *_names(files),
        ". Check that the bucket exists and its key may write to it, then open a ticket with ZEGOCLOUD ",
        "about task ",
        Outside(details.task_id),
        ".",
    )
    return Verdict(Kind.LOST, "Lost", words)


def rescue(details: RecordingDetails, now_ms: int) -> Verdict | None:
    """A file is where the vendor keeps it for 3 days only."""
    files = [file for file in details.files if file.status == IN_BACKUP]
    if not files:
        return None
    verb = "is" if len(files) == 1 else "are"
    where: Words = (f"{_share(files, details)} {verb} in ZEGOCLOUD's backup storage: ", *_names(files))
    upload = "Then check your bucket and its key: the upload there failed."
    until_ms = None if details.ended_ms is None else details.ended_ms + BACKUP_KEPT_MS
    if until_ms is None:
        words: Words = (*where, f". It keeps files for 3 days: download soon. {upload}")
        return Verdict(Kind.RESCUE, "Rescue", words)
    if now_ms < until_ms:
        left = format_duration((until_ms - now_ms) // 1000)
        words = (*where, ". Download before ", At(until_ms), f" ({left} left). {upload}")
        return Verdict(Kind.RESCUE, "Rescue", words, urgent_until_ms=until_ms)
    ago = format_duration((now_ms - until_ms) // 1000)
    words = (
        *where,
        ". It expired ",
        At(until_ms),
        f" ({ago} ago): try the download all the same, and ask ZEGOCLOUD about task ",
        Outside(details.task_id),
        ".",
    )
    return Verdict(Kind.RESCUE, "Rescue", words)


def uploading(details: RecordingDetails, now_ms: int, thresholds: Thresholds) -> Verdict | None:
    """It ended, and not every file has arrived yet."""
    files = [file for file in details.files if file.status in (RECORDING, UPLOADING)]
    if details.status not in _OVER or not files:
        return None
    what = f"{_share(files, details)} {'is' if len(files) == 1 else 'are'} not uploaded yet"
    since_ms = None if details.ended_ms is None else max(0, now_ms - details.ended_ms)
    since = "" if since_ms is None else f", {format_duration(since_ms // 1000)} after the end"
    usual = since_ms is None or since_ms <= thresholds.upload_slow_ms
    if usual:
        words: Words = (f"{what}{since}. That is normal at first: look again in a few minutes.",)
    else:
        words = (
            f"{what}{since}, which is long. If that does not change, check your storage and ask ZEGOCLOUD ",
            "about task ",
            Outside(details.task_id),
            ".",
        )
    return Verdict(Kind.UPLOADING, "Uploading", words, usual=usual)


def no_link(details: RecordingDetails) -> Verdict | None:
    """It is uploaded, and the API gives no address for it (vendor docs: Qiniu and Alibaba Cloud VOD).

    Every recording of a customer who stores there is like that: it is information, not attention.
    """
    uploaded = [file for file in details.files if file.status == UPLOADED]
    files = [file for file in uploaded if not file.url]
    if not files:
        return None
    named: list[str | At | Outside] = []
    for file in files[:_MOST_NAMED]:
        named.append(", " if named else "")
        if file.video_id:
            named += ["VideoId ", Outside(file.video_id)]
        else:
            named += ["FileId ", Outside(_name(file))]
    more = len(files) - _MOST_NAMED
    share = (
        "The only uploaded file" if len(uploaded) == 1 else f"{len(files)} of {len(uploaded)} uploaded files"
    )
    words: Words = (
        f"{share} {'has' if len(files) == 1 else 'have'} no link: ZEGOCLOUD gives none for Qiniu and ",
        "Alibaba Cloud VOD. Look there for ",
        *named[1:],
        f" and {more} more." if more > 0 else ".",
    )
    return Verdict(Kind.NO_LINK, "No link", words, usual=True)


def _share(files: Sequence[RecordingFile], details: RecordingDetails) -> str:
    """`The only file`, `1 of 2 files`."""
    return "The only file" if details.file_count == 1 else f"{len(files)} of {details.file_count} files"


def _names(files: Sequence[RecordingFile]) -> Words:
    named: list[str | At | Outside] = []
    for file in files[:_MOST_NAMED]:
        named += [", ", Outside(_name(file))]
    more = len(files) - _MOST_NAMED
    return (*named[1:], f" and {more} more" if more > 0 else "")


def _name(file: RecordingFile) -> str:
    return file.file_id or file.video_id or file.stream_id or "without a name"
