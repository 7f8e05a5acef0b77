"""Verdicts about a task's files: where each of them is: lost, rescue, uploading, no link (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.models import ENDED, FAILED
from bot.query.durations import format_duration
from bot.verdicts.types import BACKUP_KEPT_MS, At, Kind, Outside, Verdict, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.models import RecordingDetails, RecordingFile
    from bot.verdicts.types import Thresholds

RECORDING, UPLOADING, UPLOADED, IN_BACKUP, LOST = 1, 2, 3, 4, 5
"""Status of a file (vendor docs, DescribeRecordStatus)."""

_OVER = frozenset({ENDED, FAILED})
_MOST_NAMED = 3


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
    if details.ended_ms is None:
        words: Words = (*where, f". It keeps files for 3 days: download soon. {upload}")
        return Verdict(Kind.RESCUE, "Rescue", words)
    until_ms = details.ended_ms + BACKUP_KEPT_MS
    if now_ms >= until_ms:
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
    left = format_duration((until_ms - now_ms) // 1000)
    words = (*where, ". Download before ", At(until_ms), f" ({left} left). {upload}")
    return Verdict(Kind.RESCUE, "Rescue", words, urgent_until_ms=until_ms)


def uploading(details: RecordingDetails, now_ms: int, thresholds: Thresholds) -> Verdict | None:
    """It ended, and not every file has arrived yet."""
    files = [file for file in details.files if file.status in (RECORDING, UPLOADING)]
    if details.status not in _OVER or not files:
        return None
    usual = True
    what = f"{_share(files, details)} {'is' if len(files) == 1 else 'are'} not uploaded yet"
    if details.ended_ms is None:
        words: Words = (f"{what}. That is normal at first: look again in a few minutes.",)
    elif (since_ms := max(0, now_ms - details.ended_ms)) <= thresholds.upload_slow_ms:
        since = format_duration(since_ms // 1000)
        words = (f"{what}, {since} after the end. That is normal at first: look again in a few minutes.",)
    else:
        usual = False
        since = format_duration(since_ms // 1000)
        words = (
            f"{what}, {since} after the end, which is long. If that does not change, check your storage and ",
            "ask ZEGOCLOUD about task ",
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
