"""The simulated vendor's recordings: lives, staged rooms, seeded traffic, and the index over them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bot.models import API_HISTORY_MS, ENDED, FAILED, ONGOING, PAUSED, STARTING
from bot.sandbox import recording_scenes
from bot.sandbox.recording_index import DEFAULT_FILTER_OF, RecordingIndex
from bot.sandbox.recording_life import FileScript, TaskScript, details_at, make_task_id, row_at
from bot.sandbox.recording_scenes import SCENES, Scene
from bot.sandbox.recording_traffic import SeededRecordings

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
BEGAN = 1_795_000_000_000
ORIGIN = 1_795_000_123_456

LIFE = TaskScript(
    task_id="avv6yOPWsTuOAAAB",
    room_id="1230",
    began_ms=BEGAN,
    starting_ms=5 * SECOND,
    ends_ms=BEGAN + 60 * MINUTE,
    pauses=((BEGAN + 20 * MINUTE, BEGAN + 30 * MINUTE),),
    files=(FileScript(began_ms=BEGAN + 5 * SECOND, upload_ms=2 * MINUTE),),
)


@pytest.mark.parametrize(
    ("after_ms", "status", "file_status", "duration_ms"),
    [
        (0, STARTING, None, None),
        (5 * SECOND - 1, STARTING, None, None),
        (5 * SECOND, ONGOING, 1, 0),
        (20 * MINUTE - 1, ONGOING, 1, 20 * MINUTE - 5 * SECOND - 1),
        (20 * MINUTE, PAUSED, 1, 20 * MINUTE - 5 * SECOND),
        (30 * MINUTE - 1, PAUSED, 1, 20 * MINUTE - 5 * SECOND),
        (30 * MINUTE, ONGOING, 1, 20 * MINUTE - 5 * SECOND),
        (60 * MINUTE - 1, ONGOING, 1, 50 * MINUTE - 5 * SECOND - 1),
        (60 * MINUTE, ENDED, 2, 50 * MINUTE - 5 * SECOND),
        (62 * MINUTE - 1, ENDED, 2, 50 * MINUTE - 5 * SECOND),
        (62 * MINUTE, ENDED, 3, 50 * MINUTE - 5 * SECOND),
        (71 * HOUR, ENDED, 3, 50 * MINUTE - 5 * SECOND),
    ],
)
def test_a_recording_goes_through_its_life(
    after_ms: int, status: int, file_status: int | None, duration_ms: int | None
) -> None:
    details = details_at(LIFE, BEGAN + after_ms)
    assert row_at(LIFE, BEGAN + after_ms) == {
        "RecordBeginTimestamp": BEGAN,
        "TaskId": LIFE.task_id,
        "RoomId": "1230",
        "Status": status,
    }
    assert details["Status"] == status
    assert details.get("RecordEndTimestamp") == (LIFE.ends_ms if status == ENDED else None)
    files = details.get("RecordFiles", [])
    assert [(file["Status"], file["Duration"]) for file in files] == (
        [] if file_status is None else [(file_status, duration_ms)]
    )


@pytest.mark.parametrize(
    ("script", "after_ms", "status"),
    [
        (replace(LIFE, fails=True), 60 * MINUTE, FAILED),
        (replace(LIFE, ends_ms=None), 70 * HOUR, ONGOING),
        (replace(LIFE, pauses=((BEGAN + MINUTE, None),)), 59 * MINUTE, PAUSED),
        (replace(LIFE, pauses=((BEGAN + MINUTE, None),)), 60 * MINUTE, ENDED),
        (replace(LIFE, shown_status=9), 60 * MINUTE, 9),
    ],
)
def test_a_recording_may_fail_go_on_stay_paused_or_have_an_unknown_status(
    script: TaskScript, after_ms: int, status: int
) -> None:
    assert script.status_at(BEGAN + after_ms) == status


@pytest.mark.parametrize(
    ("storage", "outcome", "host", "has_video_id"),
    [
        ("s3", 3, "https://recordings.example.com/", False),
        ("qiniu", 3, None, False),
        ("alibaba_vod", 3, None, True),
        ("tencent_vod", 3, "https://recordings.example.com/", True),
        ("s3", 4, "https://backup.recordings.example.com/", False),
        ("qiniu", 4, "https://backup.recordings.example.com/", False),
        ("s3", 5, None, False),
    ],
)
def test_a_file_has_a_link_and_a_video_id_only_where_its_storage_gives_them(
    storage: str, outcome: int, host: str | None, has_video_id: bool
) -> None:
    file = FileScript(began_ms=BEGAN, storage=storage, outcome=outcome)
    shown = details_at(replace(LIFE, files=(file,)), BEGAN + 2 * HOUR)["RecordFiles"][0]
    assert shown["Status"] == outcome
    assert ("FileUrl" in shown) == (host is not None)
    assert shown.get("FileUrl", "").startswith(host or "")
    assert ("VideoId" in shown) == has_video_id


@pytest.mark.parametrize("outcome", [3, 4])
def test_a_link_escapes_what_a_room_id_may_hold(outcome: int) -> None:
    script = replace(LIFE, room_id="<b>&amp;", files=(FileScript(began_ms=BEGAN, outcome=outcome),))
    shown = details_at(script, BEGAN + 2 * HOUR)["RecordFiles"][0]
    assert "<b>&amp;" in shown["FileId"]
    assert "<" not in shown["FileUrl"]
    assert "&" not in shown["FileUrl"]


def test_sound_alone_has_no_resolution() -> None:
    file = FileScript(began_ms=BEGAN, format="aac", track=1)
    shown = details_at(replace(LIFE, files=(file,)), BEGAN + HOUR)["RecordFiles"][0]
    assert (shown["ResolutionWidth"], shown["ResolutionHeight"], shown["MediaTrackType"]) == (0, 0, 1)


def test_files_are_left_out_where_there_are_none() -> None:
    assert "RecordFiles" not in details_at(replace(LIFE, files=None), BEGAN + 2 * HOUR)
    assert "RecordFiles" not in details_at(replace(LIFE, files=()), BEGAN + 2 * HOUR)


def test_a_task_id_starts_like_the_vendors_sample_of_the_same_second() -> None:
    assert make_task_id(1_628_565_227_899, 3, 7).startswith("YRHu6")


# The staged rooms.


def staged_at_origin() -> dict[str, TaskScript]:
    return {task.task_id: task for task in recording_scenes.stage(ORIGIN, 0, 7)}


def shown_in(room_id: str) -> list[dict[str, Any]]:
    tasks = [
        task for task in staged_at_origin().values() if task.room_id == room_id and task.began_ms <= ORIGIN
    ]
    return [details_at(task, ORIGIN) for task in tasks]


def files_of(details: dict[str, Any]) -> list[dict[str, Any]]:
    return list(details.get("RecordFiles", []))


def file_statuses(details: dict[str, Any]) -> set[int]:
    return {file["Status"] for file in files_of(details)}


def running_ms(details: dict[str, Any]) -> int:
    return details.get("RecordEndTimestamp", ORIGIN) - details["RecordBeginTimestamp"]


def same_stream_and_format(details: dict[str, Any]) -> int:
    return max(Counter((file["StreamId"], file["OutputFileFormat"]) for file in files_of(details)).values())


def is_fine(details: dict[str, Any]) -> bool:
    if details["Status"] not in {STARTING, ONGOING, ENDED} or running_ms(details) > 8 * HOUR:
        return False
    if details["Status"] == STARTING:
        return running_ms(details) < 2 * MINUTE
    captured = sum(file["Duration"] for file in files_of(details))
    whole = captured >= 0.9 * running_ms(details)
    done = details["Status"] == ONGOING or (
        file_statuses(details) == {3} and all("FileUrl" in file for file in files_of(details))
    )
    return whole and done and same_stream_and_format(details) == 1


SHOWS = {
    "lost": lambda details: 5 in file_statuses(details),
    "rescue": lambda details: (
        file_statuses(details) == {4} and details["RecordEndTimestamp"] + 72 * HOUR > ORIGIN
    ),
    "empty": lambda details: details["Status"] == ENDED and "RecordFiles" not in details,
    "failed": lambda details: details["Status"] == FAILED,
    "runaway": lambda details: details["Status"] == ONGOING and running_ms(details) > 8 * HOUR,
    "double": lambda details: details["Status"] == ONGOING,
    "stuck start": lambda details: details["Status"] == STARTING and running_ms(details) > 2 * MINUTE,
    "paused": lambda details: details["Status"] == PAUSED,
    "uploading": lambda details: details["Status"] == ENDED and 2 in file_statuses(details),
    "split": lambda details: details["Status"] == ENDED and same_stream_and_format(details) > 1,
    "short": lambda details: (
        details["Status"] == ENDED and files_of(details)[0]["Duration"] < 0.25 * running_ms(details)
    ),
    "no link": lambda details: file_statuses(details) == {3} and "FileUrl" not in files_of(details)[0],
    "fine": is_fine,
}


@pytest.mark.parametrize(
    ("position", "scene"),
    [pytest.param(i, scene, id=f"{scene.script.room_id}-{scene.what}") for i, scene in enumerate(SCENES)],
)
def test_every_staged_recording_shows_the_verdict_it_is_there_for(position: int, scene: Scene) -> None:
    task = list(staged_at_origin().values())[position]
    if task.began_ms > ORIGIN:
        assert task.room_id == "1230"
    else:
        assert SHOWS[scene.verdict](details_at(task, ORIGIN))


def test_a_double_is_two_that_run_in_one_room() -> None:
    for room_id in ("902", "1230"):
        assert sum(details["Status"] == ONGOING for details in shown_in(room_id)) >= 2
    assert {details["RecordMode"] for details in shown_in("902")} == {1, 2}


def test_rooms_that_are_there_for_something_else_have_only_one_running() -> None:
    rooms = {scene.script.room_id for scene in SCENES} - {"902", "1230"}
    for room_id in rooms:
        assert sum(details["Status"] in {STARTING, ONGOING, PAUSED} for details in shown_in(room_id)) <= 1, (
            room_id
        )


def test_the_table_in_the_documentation_names_exactly_the_staged_rooms() -> None:
    documented: dict[str, set[str]] = {}
    verdict = ""
    for line in (recording_scenes.__doc__ or "").splitlines():
        if line.startswith("    ") and not line.startswith("    verdict"):
            verdict = line[4:18].strip() or verdict
            documented.setdefault(verdict, set()).update(re.findall(r"[^\s,]+", line[18:]))
    staged: dict[str, set[str]] = {verdict: set() for verdict in SHOWS}
    for scene in SCENES:
        if (scene.verdict, scene.script.room_id) != ("fine", "1230"):
            staged[scene.verdict].add(scene.script.room_id)
    assert documented == staged


def test_room_1230_always_has_some_running_that_began_in_the_last_6_hours_and_some_that_ended() -> None:
    seeded = SeededRecordings(origin_ms=ORIGIN, seed=7, tasks=100)
    for minutes in range(0, 5 * 24 * 60, 15):
        now_ms = ORIGIN + minutes * MINUTE
        statuses = [
            (task.status_at(now_ms), task.began_ms > now_ms - 6 * HOUR)
            for task in known_at(seeded, now_ms)
            if task.room_id == "1230"
        ]
        assert (ONGOING, True) in statuses, minutes
        assert statuses.count((ENDED, True)) + statuses.count((ENDED, False)) >= 3, minutes


def test_room_1230_starts_with_one_older_that_runs_and_one_paused() -> None:
    shown = shown_in("1230")
    older = [details for details in shown if details["RecordBeginTimestamp"] < ORIGIN - 6 * HOUR]
    assert sum(details["Status"] == ONGOING for details in older) == 1
    assert sum(details["Status"] == PAUSED for details in shown) == 1


# The seeded traffic.


def known_at(seeded: SeededRecordings, now_ms: int) -> list[TaskScript]:
    tasks = [task for block in seeded.blocks_at(now_ms) for task in seeded.recordings_in(block)]
    return [task for task in tasks if now_ms - API_HISTORY_MS <= task.began_ms <= now_ms]


def seeded(tasks: int = 2000, seed: int = 7, origin_ms: int = ORIGIN) -> SeededRecordings:
    return SeededRecordings(origin_ms=origin_ms, seed=seed, tasks=tasks)


@pytest.mark.parametrize("tasks", [0, 100, 2000])
def test_as_many_recordings_as_asked_for_began_in_the_3_days_before_the_origin(tasks: int) -> None:
    assert len(known_at(seeded(tasks), ORIGIN)) == tasks


def test_the_same_numbers_give_the_same_recordings() -> None:
    assert known_at(seeded(), ORIGIN + HOUR) == known_at(seeded(), ORIGIN + HOUR)
    assert known_at(seeded(), ORIGIN) != known_at(seeded(seed=8), ORIGIN)


def test_recordings_move_with_the_origin() -> None:
    here = known_at(seeded(), ORIGIN)
    later = known_at(seeded(origin_ms=ORIGIN + HOUR), ORIGIN + HOUR)
    assert [(task.room_id, task.began_ms + HOUR) for task in here] == [
        (task.room_id, task.began_ms) for task in later
    ]


def test_what_was_seen_of_the_past_does_not_change() -> None:
    for hours in (0, 3, 13, 30):
        now_ms = ORIGIN + hours * HOUR
        before = {task.task_id: task for task in known_at(seeded(), now_ms)}
        after = {
            task.task_id: task for task in known_at(seeded(), now_ms + 11 * HOUR) if task.began_ms <= now_ms
        }
        assert after.items() <= before.items()
        assert len(after) == sum(task.began_ms >= now_ms - 61 * HOUR for task in before.values())


@pytest.mark.parametrize(("tasks", "least", "most"), [(2000, 30, 70), (20_000, 80, 200)])
def test_the_number_that_runs_at_once_stays_usual(tasks: int, least: int, most: int) -> None:
    recordings = seeded(tasks)
    known = {
        task.task_id: task for hours in (0, 24, 48) for task in known_at(recordings, ORIGIN + hours * HOUR)
    }
    for hours in range(0, 49, 6):
        now_ms = ORIGIN + hours * HOUR
        running = sum(task.began_ms <= now_ms and not task.has_ended(now_ms) for task in known.values())
        assert least <= running <= most, hours


def test_new_ones_begin_in_every_hour() -> None:
    known = known_at(seeded(), ORIGIN + 71 * HOUR)
    hours = {(task.began_ms - ORIGIN) // HOUR for task in known}
    assert hours >= set(range(71))


def test_the_traffic_has_something_of_everything() -> None:
    known = known_at(seeded(), ORIGIN)
    shown = [details_at(task, ORIGIN) for task in known]
    files = [file for details in shown for file in files_of(details)]
    assert {details["Status"] for details in shown} == {1, 2, 3, 4, 5}
    assert {details["RecordMode"] for details in shown} == {1, 2}
    assert {details["StreamType"] for details in shown} >= {3, 4}
    assert {file["Status"] for file in files} == {1, 2, 3, 4, 5}
    assert {file["OutputFileFormat"] for file in files} == {"mp4", "flv", "hls", "jpg", "aac"}
    assert any("RecordFiles" not in details for details in shown if details["Status"] == ENDED)
    assert all(file["Duration"] >= 0 and file["FileSize"] >= 0 for file in files)
    rooms = Counter(task.room_id for task in known)
    assert rooms["lobby"] > 800
    assert sum(count == 1 for count in rooms.values()) > 100
    assert all(room_id.isascii() for room_id in rooms)


def test_task_ids_are_unique_and_of_the_vendors_shape() -> None:
    ids = [task.task_id for task in known_at(seeded(20_000), ORIGIN)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16}", task_id) for task_id in ids)
    assert any("-" in task_id for task_id in ids)
    assert any("_" in task_id for task_id in ids)


# The index.


def ask(index: RecordingIndex, now_ms: int, **changed: Any) -> tuple[int, list[str]]:
    question: dict[str, Any] = {
        "asked_filter": 2,
        "room_id": None,
        "from_ms": BEGAN - HOUR,
        "to_ms": BEGAN + HOUR,
        "filter_of": DEFAULT_FILTER_OF,
        "order": "newest",
        "skip": 0,
        "size": 50,
    }
    total, tasks = index.page(now_ms=now_ms, **(question | changed))
    return total, [task.task_id for task in tasks]


def small_index() -> RecordingIndex:
    index = RecordingIndex()
    index.add(
        TaskScript(
            task_id=task_id,
            room_id="r" if task_id < "d" else "s",
            began_ms=BEGAN + minute * MINUTE,
            ends_ms=BEGAN + end * MINUTE,
            fails=fails,
        )
        for task_id, minute, end, fails in (
            ("a", 0, 10, False),
            ("b", 1, 90, False),
            ("c", 2, 20, True),
            ("d", 3, 90, False),
            ("e", 3, 30, False),
        )
    )
    return index


@pytest.mark.parametrize(
    ("minute", "changed", "expected"),
    [
        (5, {}, "edcba"),
        (5, {"asked_filter": 3}, ""),
        (2, {}, "cba"),
        (25, {}, "edb"),
        (25, {"asked_filter": 3}, "ca"),
        (25, {"asked_filter": 3, "room_id": "s"}, ""),
        (40, {"asked_filter": 3, "room_id": "s"}, "e"),
        (40, {"asked_filter": 3, "order": "oldest"}, "ace"),
        (40, {"order": "oldest", "filter_of": {**DEFAULT_FILTER_OF, FAILED: 2}}, "bcd"),
        (5, {"from_ms": BEGAN + MINUTE, "to_ms": BEGAN + 2 * MINUTE}, "cb"),
        (5, {"skip": 1, "size": 2}, "dc"),
        (5, {"skip": 9}, ""),
        (5, {"room_id": "nobody"}, ""),
    ],
)
def test_the_index_answers_by_filter_room_window_order_and_page(
    minute: int, changed: dict[str, Any], expected: str
) -> None:
    assert "".join(ask(small_index(), BEGAN + minute * MINUTE, **changed)[1]) == expected


def test_the_index_counts_all_pages() -> None:
    assert ask(small_index(), BEGAN + 5 * MINUTE, size=2, skip=4)[0] == 5


def test_the_index_follows_a_clock_that_goes_back() -> None:
    index = small_index()
    assert "".join(ask(index, BEGAN + 40 * MINUTE)[1]) == "db"
    assert "".join(ask(index, BEGAN + 5 * MINUTE)[1]) == "edcba"


def test_shuffled_rows_are_all_there_and_keep_their_places() -> None:
    index = small_index()
    first = ask(index, BEGAN + 5 * MINUTE, order="shuffled")[1]
    assert sorted(first) == ["a", "b", "c", "d", "e"]
    assert first not in (sorted(first), sorted(first, reverse=True))
    assert ask(index, BEGAN + 6 * MINUTE, order="shuffled")[1] == first
