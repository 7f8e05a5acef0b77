"""Verdicts about a task as a whole: how it ended, how long it runs, what else runs in its room (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.models import ENDED, FAILED, PAUSED, RUNNING, STARTING, Recording, RecordingDetails
from bot.query.times import format_duration
from bot.verdicts.file_verdicts import last_file_ended_ms
from bot.verdicts.types import At, Kind, Outside, Verdict, Words

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.verdicts.types import Thresholds

Task = Recording | RecordingDetails
"""Both tell their room, status and beginning."""

_AUDIO_ONLY = 1
_MODES = {1: "records single streams", 2: "is mixed"}
_MOST_NAMED = 3


def failed(task: Task, thresholds: Thresholds) -> Verdict | None:
    """It ended abnormally: the likely reasons."""
    if task.status != FAILED:
        return None
    if isinstance(task, RecordingDetails):
        words = _likely_reason(task, thresholds)
    else:
        words = (
            "The usual reasons are a room that was empty for longer than MaxIdleTime and the time limit; ",
            "the details of this recording tell more.",
        )
    return Verdict(Kind.FAILED, "Ended abnormally", words)


def _likely_reason(details: RecordingDetails, thresholds: Thresholds) -> Words:
    cap = _reached_cap(details, thresholds)
    if cap is not None:
        return (
            f"It ran for about {_hours(cap)}: probably the time limit (MaxRecordTime), which ZEGOCLOUD ",
            "reports as an abnormal end too.",
        )
    if not details.file_count:
        return (
            f"It has no files{_after(details)}: probably nobody published before MaxIdleTime (30 s unless ",
            "set otherwise) was over, or the recorder could not log in to room ",
            Outside(details.room_id),
            ". Check the room ID, and whether anybody was there.",
        )
    file_ended_ms = last_file_ended_ms(details)
    if file_ended_ms is not None and details.ended_ms is not None:
        idle_ms = details.ended_ms - file_ended_ms
        if idle_ms >= thresholds.idle_ms:
            return (
                f"Its last file ends {format_duration(idle_ms // 1000)} before it: probably the room was ",
                "empty for longer than MaxIdleTime (30 s unless set otherwise), which is a normal limit.",
            )
    return (
        f"It ended{_after(details)}, and ZEGOCLOUD's API does not tell why. Likely: the room was empty for ",
        "longer than MaxIdleTime (30 s unless set otherwise), or a MaxRecordTime below 24 h was reached. ",
        "If neither fits, ",
        *_ticket(details, begin="open"),
    )


def _reached_cap(details: RecordingDetails, thresholds: Thresholds) -> int | None:
    """The time limit that explains the end, if one does."""
    if details.began_ms is None or details.ended_ms is None:
        return None
    ran_ms = details.ended_ms - details.began_ms
    caps = (thresholds.max_record_ms, thresholds.arranged_record_ms)
    return next((cap for cap in caps if abs(ran_ms - cap) <= thresholds.near_cap_ms), None)


def empty(details: RecordingDetails) -> Verdict | None:
    """It ended without a file. A task that ended abnormally says so in its own verdict."""
    if details.status != ENDED or details.file_count:
        return None
    # Vendor docs, screenshots: a snapshot task has no file list, in either mode, and needs video.
    snapshots = (
        "It recorded audio only, so it was no snapshot task, which would have none either."
        if details.stream_type == _AUDIO_ONLY
        else "A snapshot task has none either, which is normal: the API does not tell the two apart."
    )
    words: Words = (
        f"It ended{_after(details)} without a file. Probably nobody published in room ",
        Outside(details.room_id),
        ", or that is not the room that was meant, or the storage parameters or the key's permission to ",
        f"write are wrong. {snapshots}",
    )
    return Verdict(Kind.EMPTY, "Empty", words)


def runaway(task: Task, now_ms: int, thresholds: Thresholds) -> Verdict | None:
    """It runs for longer than anybody is likely to want. It bills until it ends (vendor docs)."""
    if task.status not in RUNNING or task.began_ms is None:
        return None
    ran_ms = now_ms - task.began_ms
    if ran_ms <= thresholds.runaway_ms:
        return None
    doing = "starting" if task.status == STARTING else "running"
    running = f"It has been {doing} for {format_duration(ran_ms // 1000)}"
    if task.status == PAUSED:
        running += " and is paused now"
    cap_ms = task.began_ms + thresholds.max_record_ms
    arranged_ms = task.began_ms + thresholds.arranged_record_ms
    cap, arranged = _hours(thresholds.max_record_ms), _hours(thresholds.arranged_record_ms)
    if now_ms >= arranged_ms:
        words: Words = (
            f"{running}, longer than any cap that ZEGOCLOUD documents ({arranged}). It may bill until it is ",
            "stopped: stop it, and ",
            *_ticket(task, begin="open"),
        )
        return Verdict(Kind.RUNAWAY, "Runaway", words)
    until_ms = cap_ms if now_ms < cap_ms else arranged_ms
    moment: Words = (f"{format_duration((until_ms - now_ms) // 1000)} (", At(until_ms))
    if now_ms < cap_ms:
        words = (f"{running}. It bills until it is stopped; the cap of {cap} stops it in ", *moment, "). ")
    else:
        words = (
            f"{running}, longer than the usual cap of {cap}: by arrangement it may be {arranged}, which ",
            "ends in ",
            *moment,
            "). It bills until it is stopped. ",
        )
    words = (*words, "Stop it if nobody needs it.")
    return Verdict(Kind.RUNAWAY, "Runaway", words, urgent_until_ms=until_ms)


def double(task: Task, running: Collection[Recording]) -> Verdict | None:
    """Another task runs in its room: each of them bills (vendor docs)."""
    if task.status not in RUNNING:
        return None
    others = {
        row.task_id: row
        for row in running
        if row.room_id == task.room_id and row.task_id != task.task_id and row.status in RUNNING
    }
    if not others:
        return None
    named = sorted(others.values(), key=lambda row: row.order, reverse=True)[:_MOST_NAMED]
    listed: list[str | At | Outside] = []
    for row in named:
        listed += [", " if listed else "", Outside(row.task_id), " (since ", At(row.began_ms), ")"]
    more = len(others) - len(named)
    both = "both" if len(others) == 1 else f"all {len(others) + 1}"
    mode = _MODES.get((isinstance(task, RecordingDetails) and task.mode) or 0)
    deliberate = "That may be deliberate, one mixed and one of single streams"
    words: Words = (
        "Running in room ",
        Outside(task.room_id),
        " besides this one: ",
        *listed,
        f" and {more} more" if more else "",
        f"; {both} bill. {deliberate}{f' (this one {mode})' if mode else ''}; else stop the one too many.",
    )
    return Verdict(Kind.DOUBLE, "Double", words)


def stuck_start(task: Task, now_ms: int, thresholds: Thresholds) -> Verdict | None:
    """It should have begun to record by now."""
    if task.status != STARTING or task.began_ms is None:
        return None
    waited_ms = now_ms - task.began_ms
    if waited_ms <= thresholds.stuck_start_ms:
        return None
    words: Words = (
        f"It has been starting for {format_duration(waited_ms // 1000)} and never began to record. Check ",
        "that the recorder can log in to room ",
        Outside(task.room_id),
        " (its ID, its token), then start the recording again.",
    )
    return Verdict(Kind.STUCK_START, "Stuck start", words)


def paused(task: Task) -> Verdict | None:
    """Nothing is recorded until somebody resumes it."""
    if task.status != PAUSED:
        return None
    advice = "Nothing is recorded until it is resumed; stop it if nobody will."
    return Verdict(Kind.PAUSED, "Paused", (f"Since when, ZEGOCLOUD's API does not tell. {advice}",))


def _ticket(task: Task, *, begin: str = "Open") -> Words:
    return (f"{begin} a ticket with ZEGOCLOUD about task ", Outside(task.task_id), ".")


def _after(details: RecordingDetails) -> str:
    """` after 12 min`, where both ends are known."""
    if details.began_ms is None or details.ended_ms is None:
        return ""
    return f" after {format_duration((details.ended_ms - details.began_ms) // 1000)}"


def _hours(ms: int) -> str:
    """A cap as people know it: `24 h`, not `1 d`."""
    return f"{ms / 3_600_000:g} h"
