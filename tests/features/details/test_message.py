"""How one recording looks: blocks within Slack's limits, plain words, a ticket, and nothing injected."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features import recording_text
from bot.features.details import message as shown_details
from bot.features.details.message import build_support_text
from bot.features.recording_text import (
    IN_MESSAGE,
    IN_MODAL,
    describe_file,
    is_link,
    words_in_mrkdwn,
    words_in_plain,
)
from bot.models import ENDED, FAILED, ONGOING, PAUSED, STARTING, Recording, RecordingDetails, RecordingFile
from bot.plain_text import format_size
from bot.sandbox.slack.block_rules import check_blocks, check_view, count_characters
from bot.slack import ids
from bot.slack.audience import PRIVATE, Audience, Readers
from bot.verdicts.judge import judge
from bot.verdicts.types import At, Kind, Outside

NOW = 1_795_417_200_000
MINUTE, HOUR = 60_000, 3_600_000
BERLIN = "Europe/Berlin"
LINK = "https://recordings.example.com/record/1.mp4?a=1&b=2"

UPLOADED = RecordingFile(
    stream_id="mix_1230",
    file_id="X3CgNeE4I1qAAABN_1230_mix_VA_20261123040000000.mp4",
    url=LINK,
    format="mp4",
    size_bytes=432_643_544,
    duration_ms=72 * MINUTE,
    width=1920,
    height=1080,
    track=3,
    began_ms=NOW - 3 * HOUR,
    status=3,
)
IN_BACKUP = RecordingFile(
    stream_id="mix_1230", file_id="second.mp4", format="mp4", track=3, began_ms=NOW - 100 * MINUTE, status=4,
    duration_ms=46 * MINUTE, size_bytes=211_000_000, url="https://backup.example.com/2.mp4",
)  # fmt: skip


def a_task(*files: RecordingFile, **more: Any) -> RecordingDetails:
    given_fields: dict[str, Any] = {
        "task_id": "YRHu6-E4IyvEAAAD",
        "room_id": "1230",
        "status": FAILED,
        "began_ms": NOW - 3 * HOUR,
        "ended_ms": NOW - HOUR + MINUTE,
        "mode": 2,
        "stream_type": 3,
        "files": files,
        "request_id": "abcd123",
        "as_of_ms": NOW,
    }
    return RecordingDetails(**given_fields | more)


TASK = a_task(UPLOADED, IN_BACKUP)
COLLEAGUES = Audience(Readers.COLLEAGUES, "U0ASKER1")
OUTSIDERS = Audience(Readers.OUTSIDERS, "U0ASKER1")

build_details_blocks = partial(recording_text.build_details_blocks, audience=PRIVATE)
build_details_modal = partial(shown_details.build_details_modal, posted=COLLEAGUES)
build_details_text = partial(recording_text.build_details_text, audience=PRIVATE)


def blocks_of(details: RecordingDetails, **how: Any) -> list[dict[str, Any]]:
    return build_details_blocks(details, judge(details, NOW), zone=BERLIN, **how)


def texts_as_they_are(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in blocks]


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    return [text.replace("\u00a0", " ") for text in texts_as_they_are(blocks)]


def undated(text: str) -> str:
    return re.sub(r"<!date\^(\d+)\^[^|]*\|[^>]*>", lambda match: f"[{int(match[1]) - NOW // 1000}]", text)


def test_details_begin_with_the_verdicts_and_end_with_the_files() -> None:
    assert [undated(text) for text in texts(blocks_of(TASK))] == [
        "*Recording* `YRHu6-E4IyvEAAAD`",
        (
            "▲ *Rescue:* 1 of 2 files is in ZEGOCLOUD's backup storage: `second.mp4`. Download before "
            "[255660] (2 d 23 h left). Then check your bucket and its key: the upload there failed."
        ),
        (
            "▲ *Ended abnormally:* It ended after 2 h 01 min, and ZEGOCLOUD's API does not tell why. "
            "Likely: the room was empty for longer than MaxIdleTime (30 s unless set otherwise), or a "
            "MaxRecordTime below 24 h was reached. If neither fits, open a ticket with ZEGOCLOUD about "
            "task `YRHu6-E4IyvEAAAD`."
        ),
        (
            "▲ *Split:* Stream `mix_1230` is in 2 files (`mp4`), with a gap of 8 min from [-6480] to "
            "[-6000]. ZEGOCLOUD goes on in a new file when a stream comes back or a recorder restarts, "
            "which takes up to two minutes."
        ),
        (
            "✕ Ended abnormally · room 1230 · mixed stream · audio + video\n"
            "Began [-10800] · ended [-3540] · lasted 2 h 01 min · captured 1 h 58 min"
        ),
        "*Files (2)*",
        "`mix_1230` · mp4 · 1920×1080 · from [-10800] · 1 h 12 min · 432.6 MB · uploaded",
        "`mix_1230` · mp4 · from [-6000] · 46 min · 211.0 MB · in backup storage, kept 3 days",
        "as of [0] · `/recordings task=YRHu6-E4IyvEAAAD`",
    ]


def test_the_text_says_the_same_in_plain_words() -> None:
    assert build_details_text(TASK, judge(TASK, NOW), zone=BERLIN).splitlines() == [
        "Recording YRHu6-E4IyvEAAAD, Ended abnormally, room 1230, mixed stream, audio + video.",
        (
            "Rescue: 1 of 2 files is in ZEGOCLOUD's backup storage: second.mp4. Download before Thu 26 Nov "
            "07:01 CET (2 d 23 h left). Then check your bucket and its key: the upload there failed."
        ),
        (
            "Ended abnormally: It ended after 2 h 01 min, and ZEGOCLOUD's API does not tell why. Likely: "
            "the room was empty for longer than MaxIdleTime (30 s unless set otherwise), or a "
            "MaxRecordTime below 24 h was reached. If neither fits, open a ticket with ZEGOCLOUD about "
            "task YRHu6-E4IyvEAAAD."
        ),
        (
            "Split: Stream mix_1230 is in 2 files (mp4), with a gap of 8 min from Mon 23 Nov 06:12 CET to "
            "Mon 23 Nov 06:20 CET. ZEGOCLOUD goes on in a new file when a stream comes back or a recorder "
            "restarts, which takes up to two minutes."
        ),
        "Began Mon 23 Nov 05:00 CET, ended Mon 23 Nov 07:01 CET, lasted 2 h 01 min, captured 1 h 58 min.",
        "2 files:",
        (
            "1. mix_1230, mp4, 1920×1080, from Mon 23 Nov 05:00 CET, 1 h 12 min, 432.6 MB, uploaded: "
            "https://recordings.example.com/record/1.mp4?a=1&amp;b=2"
        ),
        (
            "2. mix_1230, mp4, from Mon 23 Nov 06:20 CET, 46 min, 211.0 MB, in backup storage, kept 3 "
            "days: https://backup.example.com/2.mp4"
        ),
        "As of Mon 23 Nov 08:00 CET.",
    ]


def test_a_ticket_has_what_support_asks_for_in_one_preformatted_block() -> None:
    assert build_support_text(TASK, judge(TASK, NOW)).splitlines() == [
        "```",
        "Task ID: YRHu6-E4IyvEAAAD",
        "Room ID: 1230",
        "Status: 4 (ended abnormally)",
        "Mode: mixed stream, audio + video",
        "Began: 2026-11-23T04:00:00.000Z",
        "Ended: 2026-11-23T06:01:00.000Z",
        "Verdict: rescue, ended abnormally, split",
        "Files: 2",
        (
            "- X3CgNeE4I1qAAABN_1230_mix_VA_20261123040000000.mp4, stream mix_1230, format mp4, began "
            "2026-11-23T04:00:00.000Z, ms 4320000, bytes 432643544, status 3 (uploaded)"
        ),
        (
            "- second.mp4, stream mix_1230, format mp4, began 2026-11-23T05:20:00.000Z, ms 2760000, bytes "
            "211000000, status 4 (in backup storage, kept 3 days)"
        ),
        "Request ID: abcd123",
        "Answer taken: 2026-11-23T07:00:00.000Z",
        "```",
    ]


def test_a_ticket_says_what_is_not_told() -> None:
    bare = RecordingDetails("t", "r", 9, None, None, None, None, (RecordingFile(),), "", NOW)
    lines = build_support_text(bare, judge(bare, NOW)).splitlines()
    assert lines[3:] == [
        "Status: 9 (status 9)",
        "Mode: not told",
        "Began: not told",
        "Ended: not told",
        "Verdict: fine",
        "Files: 1",
        "- file without an ID",
        "Request ID: not told",
        "Answer taken: 2026-11-23T07:00:00.000Z",
        "```",
    ]


def test_a_recording_that_runs_shows_for_how_long_and_nothing_that_is_not_known() -> None:
    runs = a_task(status=ONGOING, ended_ms=None, mode=None, stream_type=7)
    shown = [undated(text) for text in texts(blocks_of(runs))]
    assert shown[1:] == [
        (
            "✓ *Fine:* It has run for 3 h, and nothing is wrong with it. I couldn't check whether anything "
            "else is recording in room `1230`."
        ),
        "● Recording · room 1230 · stream type 7\nBegan [-10800] · running for 3 h",
        "*No files*",
        "as of [0] · `/recordings task=YRHu6-E4IyvEAAAD`",
    ]
    assert "No files." in build_details_text(runs, judge(runs, NOW), zone=BERLIN)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (ONGOING, "Began [-1080] · running for 18 min"),
        (STARTING, "Requested [-1080] · starting for 18 min"),
        (PAUSED, "Began [-1080] · in progress for 18 min"),
    ],
)
def test_only_what_records_is_said_to_run(status: int, words: str) -> None:
    task = a_task(status=status, began_ms=NOW - 1_080_000, ended_ms=None)
    said = [undated(text) for text in texts(blocks_of(task))]
    assert any(text.endswith(f"\n{words}") for text in said)
    assert status == ONGOING or not any("running for" in text for text in said)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0.0 MB"),
        (12_345, "less than 0.1 MB"),
        (100_000, "0.1 MB"),
        (432_699_999, "432.6 MB"),
        (999_999_999, "999.9 MB"),
        (1_000_000_000, "1.00 GB"),
        (6_840_600_000, "6.84 GB"),
        (99_999_999_999, "99.99 GB"),
        (100_000_000_000, "100.0 GB"),
        (1_234_567_000_000, "1,234.5 GB"),
    ],
)
def test_sizes_are_in_gigabytes_where_they_are(size: int, words: str) -> None:
    assert format_size(size) == words
    assert f"· {words} ·" in describe_file(RecordingFile(stream_id="mix", size_bytes=size, status=3))


def test_no_line_ends_inside_a_figure_or_behind_a_sign() -> None:
    file = RecordingFile(stream_id="5 min 2 MB", duration_ms=4_320_000, size_bytes=432_600_000)
    details = replace(TASK, files=(file,))
    said = "\n".join(texts_as_they_are(blocks_of(details)))
    for figure in ("✕ Ended abnormally", "▲ *Ended", "2 h 01 min", "1 h 12 min", "432.6 MB"):
        assert figure.replace(" ", "\u00a0", 1 if "Ended" in figure else -1) in said
    assert "`5 min 2 MB`" in said
    assert "\u00a0" not in build_details_text(details, judge(details, NOW), zone="UTC")


def test_a_recording_without_times_says_so() -> None:
    bare = RecordingDetails("t", "r", ENDED, None, None, None, None, (RecordingFile(),), "", NOW)
    assert "■ Ended · room r\nZEGOCLOUD does not tell when it began" in texts(blocks_of(bare))
    assert "\nZEGOCLOUD does not tell when it began.\n1 file:\n1. file.\n" in build_details_text(
        bare, judge(bare, NOW), zone=BERLIN
    )


@pytest.mark.parametrize(("thread", "words"), [(True, "Post to thread"), (False, "Post to channel")])
def test_the_modal_has_its_buttons_and_carries_what_they_need(thread: bool, words: str) -> None:
    view = build_details_modal(TASK, judge(TASK, NOW), zone=BERLIN, private_metadata="C1|1.2", thread=thread)
    assert check_view(view) == []
    assert (view["callback_id"], view["private_metadata"]) == (ids.DETAILS, "C1|1.2")
    assert view["title"]["text"] == "Recording"
    assert view["blocks"][:-1] == blocks_of(TASK, space=IN_MODAL)
    assert [(e["action_id"], e["text"]["text"], e["value"]) for e in view["blocks"][-1]["elements"]] == [
        (ids.DETAILS_POST, words, "YRHu6-E4IyvEAAAD"),
        (ids.DETAILS_SUPPORT, "Copy for ZEGOCLOUD support", "YRHu6-E4IyvEAAAD"),
    ]


def test_a_file_is_opened_by_a_button_that_says_to_a_screen_reader_which_it_is() -> None:
    accessories = [block["accessory"] for block in blocks_of(TASK) if "accessory" in block]
    assert [(a["url"], a["accessibility_label"]) for a in accessories] == [
        (LINK, "Open mix_1230 mp4, from Mon 23 Nov 05:00 CET"),
        ("https://backup.example.com/2.mp4", "Open mix_1230 mp4, from Mon 23 Nov 06:20 CET"),
    ]


def test_links_can_be_left_out() -> None:
    for audience in (OUTSIDERS, replace(OUTSIDERS, confirmed=True)):
        text = build_details_text(TASK, judge(TASK, NOW), zone=BERLIN, audience=audience)
        assert "https://" not in json.dumps(blocks_of(TASK, audience=audience)) + text
    assert "https://" not in build_support_text(TASK, judge(TASK, NOW))


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        (LINK, True),
        ("http://10.0.0.1:9000/1.mp4", True),
        ("HTTPS://EXAMPLE.COM/1.mp4", True),
        (f"https://example.com/{'a' * 2980}", True),
        (f"https://example.com/{'a' * 2981}", False),
        ("", False),
        ("javascript:alert(1)", False),
        ("ftp://example.com/1.mp4", False),
        ("file:///etc/passwd", False),
        ("//example.com/1.mp4", False),
        ("example.com/1.mp4", False),
        ("https://", False),
        ("https:///1.mp4", False),
        ("https://[::1/1.mp4", False),
        ("https://example.com/1 2.mp4", False),
        ("https://example.com/1\n.mp4", False),
        ("https://example.com/|click>", False),
        ("https://example.com/<!channel>", False),
        (" https://example.com/1.mp4", False),
    ],
)
def test_only_a_proper_web_address_becomes_a_link(url: str, is_one: bool) -> None:
    details = a_task(RecordingFile(stream_id="a", url=url, status=3))
    assert is_link(url) is is_one
    assert any("accessory" in block for block in blocks_of(details)) is is_one
    assert ("example.com" in build_details_text(details, (), zone=BERLIN)) <= is_one


HOSTILE = "<!channel> *b* `c` _i_ & <https://evil.example|x>\n\u202e:boom:"


def test_nothing_from_outside_becomes_a_mention_a_link_or_mark_up() -> None:
    file = RecordingFile(
        stream_id=HOSTILE, file_id=HOSTILE, video_id=HOSTILE, user_name=HOSTILE, url=HOSTILE, format=HOSTILE,
        status=5, began_ms=NOW - HOUR, duration_ms=MINUTE,
    )  # fmt: skip
    details = a_task(file, task_id=HOSTILE, room_id=HOSTILE, request_id=HOSTILE)
    verdicts = judge(details, NOW)
    everything = [
        *texts(blocks_of(details)),
        build_details_text(details, verdicts, zone=BERLIN),
        build_support_text(details, verdicts),
    ]
    for text in everything:
        assert "<!channel" not in text
        assert "<https" not in text
        assert "\u202e" not in text
    for text in texts(blocks_of(details)):
        outside_code = re.sub(r"`[^`]*`", "", undated(text))
        assert not [mark for mark in ("channel", "*b*", "_i_", ":boom:", "evil") if mark in outside_code]
    assert build_support_text(details, verdicts).count("```") == 2


def test_words_are_worded_for_both_kinds_of_text() -> None:
    words = ("Until ", At(NOW), " in ", Outside("a*b"), ".")
    assert undated(words_in_mrkdwn(words)) == "Until [0] in `a*b`."
    assert words_in_plain(words, BERLIN) == "Until Mon 23 Nov 08:00 CET in a*b."
    assert words_in_plain((Outside("<a>\n&"),), BERLIN) == "&lt;a&gt; &amp;"


@pytest.mark.parametrize("ms", [-(10**30), -1, 0, 253_402_300_799_999, 10**30])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_a_moment_that_no_calendar_has_is_no_reason_to_fail(ms: int, zone: str) -> None:
    assert words_in_mrkdwn((At(ms),)).startswith("<!date^")
    assert words_in_plain((At(ms),), zone)


@pytest.mark.parametrize("count", [0, 1, 39, 44, 45, 60, 500, 5000])
def test_many_files_shrink_to_what_fits_and_say_how_many_more_there_are(count: int) -> None:
    files = (RecordingFile(stream_id=f"camera-{n}", format="mp4", status=3, url=LINK) for n in range(count))
    details = a_task(*files, status=ENDED)
    verdicts = judge(details, NOW)
    for surface, space in (("message", IN_MESSAGE), ("modal", IN_MODAL)):
        blocks = blocks_of(details, space=space)
        assert check_blocks(blocks, surface) == []
        shown = sum("camera-" in text for text in texts(blocks))
        rest = [text for text in texts(blocks) if text.startswith("… and ")]
        assert rest == ([f"… and {count - shown:,} more files"] if shown < count else [])
        assert shown >= min(count, 25)
    text = build_details_text(details, verdicts, zone=BERLIN)
    ticket = build_support_text(details, verdicts)
    assert len(text) <= 4_000
    assert len(ticket) <= 3_000
    for lines in (text, ticket):
        shown = lines.count("camera-")
        assert (f"… and {count - shown:,} more file" in lines) is (shown < count)


def test_a_message_stays_below_the_length_at_which_slack_refuses_it() -> None:
    long_link = f"https://example.com/{'a' * 2900}"
    details = a_task(*(RecordingFile(stream_id=f"s{n}", url=long_link, status=3) for n in range(10)))
    blocks = blocks_of(details)
    assert count_characters(blocks) <= 12_000
    assert sum("accessory" in block for block in blocks) == 3
    assert texts(blocks)[-2] == "… and 7 more files"


def test_where_not_all_files_fit_those_in_danger_come_first() -> None:
    fine = [RecordingFile(stream_id=f"fine-{n}", status=3, url=LINK) for n in range(60)]
    details = a_task(*fine, RecordingFile(stream_id="saved-late", status=4), status=ENDED)
    assert any("saved-late" in text for text in texts(blocks_of(details)))
    few = a_task(fine[0], RecordingFile(stream_id="saved-late", status=4), status=ENDED)
    assert texts(blocks_of(few))[-3].startswith("`fine-0`")


_text = st.text(max_size=40) | st.sampled_from(["", "&" * 300, "<" * 128, "`" * 90, HOSTILE, "𝕏" * 200])
_numbers = st.none() | st.integers() | st.sampled_from([NOW, NOW - HOUR, 0, HOUR, 10**18, -(10**18)])
_codes = st.none() | st.integers(-1, 7)
_files = st.builds(
    RecordingFile,
    stream_id=_text,
    user_id=_text,
    user_name=_text,
    file_id=_text,
    video_id=_text,
    url=_text
    | st.sampled_from([LINK, f"https://example.com/{'a' * 2980}", f"http://{'b' * 60}/?{'&' * 900}"]),
    format=_text | st.sampled_from(["mp4", "jpg"]),
    size_bytes=_numbers,
    duration_ms=_numbers,
    width=_numbers,
    height=_numbers,
    track=_codes,
    began_ms=_numbers,
    status=_codes,
)
_details = st.builds(
    RecordingDetails,
    task_id=_text,
    room_id=_text,
    status=st.integers(-1, 7) | st.integers(),
    began_ms=_numbers,
    ended_ms=_numbers,
    mode=_numbers | _codes,
    stream_type=_codes,
    files=st.lists(_files, max_size=5).flatmap(
        lambda files: st.integers(1, 30).map(lambda times: tuple(files * times))
    ),
    request_id=_text,
    as_of_ms=st.integers() | st.just(NOW),
)
_rows = st.builds(Recording, _text, st.just("1230"), st.just(ONGOING), st.integers())
_running = st.none() | st.lists(_rows, max_size=5)


@given(_details, _running, st.sampled_from(["UTC", BERLIN, "Pacific/Kiritimati", "Etc/GMT+12"]))
def test_whatever_the_vendor_says_slack_takes_it(
    details: RecordingDetails, running: list[Recording] | None, zone: str
) -> None:
    verdicts = judge(details, NOW, running)
    message = build_details_blocks(details, verdicts, zone=zone)
    assert check_blocks(message, "message") == []
    assert count_characters(message) <= 12_000
    modal = build_details_modal(details, verdicts, zone=zone, private_metadata="", thread=True)
    assert check_view(modal) == []
    assert build_details_text(details, verdicts, zone=zone)
    assert len(build_support_text(details, verdicts)) <= 3_000
    for verdict in verdicts:
        assert words_in_mrkdwn(verdict.words)
        assert words_in_plain(verdict.words, zone)


def test_many_verdicts_with_long_names_still_fit_a_message() -> None:
    def a_file(minutes: int, **more: Any) -> RecordingFile:
        more |= {"file_id": f"{minutes}{'&' * 300}", "stream_id": "&" * 250, "format": "&" * 20}
        return RecordingFile(began_ms=NOW - minutes * MINUTE, duration_ms=MINUTE, track=3, **more)

    files = [a_file(170 - place, status=place % 6) for place in range(24)]
    details = a_task(*files, room_id="&" * 128, task_id="&" * 64)
    verdicts = judge(details, NOW)
    assert [verdict.kind for verdict in verdicts] == [
        Kind.LOST, Kind.RESCUE, Kind.FAILED, Kind.UPLOADING, Kind.SPLIT, Kind.NO_LINK,
    ]  # fmt: skip
    blocks = build_details_blocks(details, verdicts, zone=BERLIN)
    assert check_blocks(blocks, "message") == []
    assert count_characters(blocks) <= 12_000
    assert "in backup storage" in json.dumps(blocks)
