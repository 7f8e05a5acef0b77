"""How an answer looks: limits, escaping, words, buttons."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import QueryError
from bot.features.answers.message import answer_in_words
from bot.features.answers.message import build_answer as build_answer_for
from bot.features.help import build_help
from bot.features.recording_text import words_in_plain
from bot.models import ENDED, FAILED, ONGOING, PAUSED, Recording, RecordingDetails, RecordingFile
from bot.query.parser import format_query, parse_query, resolve_window
from bot.query.terms import TERMS, RecordingQuery, Sort, Status
from bot.query.times import Window
from bot.recordings.page import ButtonState, Cursor, Elsewhere, Page, Question, decode_button
from bot.safe_text import replace_controls
from bot.sandbox.slack.block_rules import MOST_MESSAGE_CHARACTERS, check_blocks, count_characters
from bot.slack import ids
from bot.slack.audience import PRIVATE, Audience, Readers
from bot.slack.blocks import (
    MAX_BLOCKS_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    code,
    escape,
    name,
    shortened,
    unbroken,
)
from bot.slack.notices import build_mistake, build_problem, build_progress
from bot.verdicts.judge import judge_row
from bot.verdicts.types import At, Kind, Outside, Verdict
from tests.examples import examples
from tests.world import HOUR_MS, MINUTE_MS, NOW, NOW_MS

POSTED = Audience(Readers.COLLEAGUES, "U0ASKER1")


def recordings(count: int, *, room: str = "1230", status: int = ONGOING) -> tuple[Recording, ...]:
    return tuple(
        Recording(f"YRHu6-E4Iyv{n:05d}", room, status, NOW_MS - (n + 1) * MINUTE_MS) for n in range(count)
    )


def a_page(text: str = "room=1230 last=6h", rows: tuple[Recording, ...] = (), **more: object) -> Page:
    query = parse_query(text, NOW, "Europe/Berlin")
    page = Page(
        question=Question(query, "Europe/Berlin", NOW_MS),
        window=Window(NOW_MS - 6 * HOUR_MS, NOW_MS, "Europe/Berlin"),
        recordings=rows,
        first=0,
        total=len(rows),
        exact=True,
        newer=None,
        older=None,
        as_of_ms=NOW_MS,
    )
    return replace(page, **more)


def build_answer(page: Page, audience: Audience = PRIVATE) -> dict:
    return build_answer_for(page, audience)


def shown(message: dict) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def texts(part: object) -> list[str]:
    if isinstance(part, list):
        return [text for inner in part for text in texts(inner)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if isinstance(part.get("text"), str) else []
    return own + [text for inner in part.values() for text in texts(inner)]


def states(message: dict) -> dict[str, object]:
    buttons = [
        element
        for block in message["blocks"]
        for element in [*block.get("elements", ()), block.get("accessory") or {}]
        if element.get("type") == "button" and element["text"]["text"] != "Details"
    ]
    return {button["text"]["text"]: decode_button(button["value"]) for button in buttons}


def test_a_row_has_status_room_start_duration_and_task() -> None:
    message = build_answer(a_page(rows=recordings(1, status=PAUSED)))
    [row] = [block["text"]["text"] for block in message["blocks"] if "YRHu6" in str(block.get("text"))]
    first, second = row.split("\n")
    assert re.fullmatch(r"▲\xa0\*Paused\* · room 1230 · since <!date\^[0-9]+\^[^>]*> · 1\xa0min", first)
    assert second == "`YRHu6-E4Iyv00000`"


def test_a_recording_has_run_for_as_long_as_by_the_clock_that_stamped_its_start() -> None:
    message = build_answer(a_page(rows=recordings(1), skew_ms=9 * MINUTE_MS))
    assert "> · 10\u00a0min" in shown(message)
    assert "10 min" in message["text"]


def test_a_row_of_an_ended_recording_says_when_it_began_and_no_duration() -> None:
    message = build_answer(a_page(rows=recordings(1, status=FAILED)))
    assert "✕\u00a0*Ended abnormally* · room 1230 · began <!date^" in shown(message)
    assert "1\u00a0min" not in shown(message)


def a_told_page(row: Recording, lasted_ms: int, *files: RecordingFile, text: str = "last=3d") -> Page:
    """A page of one row whose details are known: it ended so long after it began."""
    details = RecordingDetails(
        *(row.task_id, row.room_id, row.status, row.began_ms, row.began_ms + lasted_ms),
        *(2, 3, files, "", NOW_MS),
    )
    return a_page(
        text,
        rows=(row,),
        details={row.task_id: details},
        verdicts={row.task_id: judge_row(row, (), NOW_MS, details=details)},
    )


def undated(text: str) -> str:
    """Moments as hours from now, and as `time` where only the time of day is shown."""

    def moment(match: re.Match[str]) -> str:
        hours = (int(match[1]) * 1000 - NOW_MS) / HOUR_MS
        return f"[{hours:g}{'' if 'date' in match[2] else ' time'}]"

    return re.sub(r"<!date\^([0-9]+)\^([^|]*)\|[^>]*>", moment, text).replace("\u00a0", " ")


A_FILE = RecordingFile(stream_id="mix", status=3, url="https://x.example/1.mp4", size_bytes=432_000_000)


@pytest.mark.parametrize(
    ("hours_ago", "hours", "status", "files", "first", "second", "in_words"),
    [
        (
            *(5, 1.75, ENDED, (A_FILE,)),
            "■ *Ended* · room 1230 · [-5] – [-3.25 time] · 1 h 45 min · 432.0 MB",
            "`t`",
            "Ended, room 1230, task t, began Mon 23 Nov 03:00 CET, ended 04:45, 1 h 45 min, 432.0 MB.",
        ),
        (
            *(48, 24, FAILED, (replace(A_FILE, status=5),)),
            "✕ *Ended abnormally* · room 1230 · [-48] – [-24] · 1 d · 432.0 MB",
            "`t` · ▲ *Lost*",
            (
                "Ended abnormally, room 1230, task t, began Sat 21 Nov 08:00 CET, "
                "ended Sun 22 Nov 08:00 CET, 1 d, 432.0 MB. Lost."
            ),
        ),
        (
            *(5, 1, ENDED, (replace(A_FILE, status=4, size_bytes=6_840_600_000),)),
            "■ *Ended* · room 1230 · [-5] – [-4 time] · 1 h · 6.84 GB",
            "`t` · ▲ *Rescue* until [68]",
            (
                "Ended, room 1230, task t, began Mon 23 Nov 03:00 CET, ended 04:00, 1 h, 6.84 GB. "
                "Rescue until Thu 26 Nov 04:00 CET."
            ),
        ),
        (
            *(5, 1, ENDED, ()),
            "■ *Ended* · room 1230 · [-5] – [-4 time] · 1 h",
            "`t` · ▲ *Empty*",
            "Ended, room 1230, task t, began Mon 23 Nov 03:00 CET, ended 04:00, 1 h. Empty.",
        ),
        (
            *(5, 1, ENDED, (replace(A_FILE, url="", size_bytes=None),)),
            "■ *Ended* · room 1230 · [-5] – [-4 time] · 1 h",
            "`t` · *No link*",
            "Ended, room 1230, task t, began Mon 23 Nov 03:00 CET, ended 04:00, 1 h. No link.",
        ),
    ],
    ids=["fine", "lost", "rescue", "empty", "no-link"],
)
def test_a_row_says_what_became_of_the_recording(
    hours_ago: float,
    hours: float,
    status: int,
    files: tuple[RecordingFile, ...],
    first: str,
    second: str,
    in_words: str,
) -> None:
    row = Recording("t", "1230", status, NOW_MS - hours_ago * HOUR_MS)
    message = build_answer(a_told_page(row, round(hours * HOUR_MS), *files))
    [shown_row] = [text for text in texts(message["blocks"]) if "`t`" in text]
    assert undated(shown_row).split("\n") == [first, second]
    assert f"1. {in_words}\n" in message["text"]


@pytest.mark.parametrize("text", ["last=3d size=20", "status=attention last=3d size=20"])
def test_twenty_rows_with_all_that_can_be_known_fit(text: str) -> None:
    rows = tuple(replace(row, status=FAILED) for row in recordings(20))
    told = [a_told_page(row, 25 * HOUR_MS, replace(A_FILE, status=4)) for row in rows]
    details = {task: one for page in told for task, one in page.details.items()}
    verdicts = {task: one for page in told for task, one in page.verdicts.items()}
    message = build_answer(a_page(text, rows=rows, details=details, verdicts=verdicts))
    check_blocks(message["blocks"], "message")
    assert count_characters(message["blocks"]) <= MOST_MESSAGE_CHARACTERS
    assert len(message["text"]) <= MAX_TEXT_CHARACTERS
    assert len([text for text in texts(message["blocks"]) if "`YRHu6" in text]) >= 10


def test_a_young_upload_is_told_without_a_sign_and_what_needs_attention_before_it() -> None:
    row = Recording("t", "1230", ENDED, NOW_MS - 70 * MINUTE_MS)
    young = replace(A_FILE, status=2, began_ms=row.began_ms, duration_ms=10 * MINUTE_MS)
    alone = build_answer(a_told_page(row, 69 * MINUTE_MS, young))
    assert "`t` · *Uploading*" in shown(alone)
    later = replace(young, format="mp4", began_ms=row.began_ms + 20 * MINUTE_MS)
    split = a_told_page(row, 69 * MINUTE_MS, replace(young, format="mp4"), later)
    assert [verdict.kind for verdict in split.verdicts["t"]] == [Kind.SPLIT, Kind.UPLOADING]
    assert "`t` · ▲\u00a0*Split*" in shown(build_answer(split))


def test_a_status_that_the_vendor_added_is_shown_as_it_is() -> None:
    message = build_answer(a_page(rows=recordings(1, status=9)))
    assert "*Status 9*" in shown(message)
    assert "Status 9, room 1230" in message["text"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (a_page("room=1230 status=ongoing last=6h"), "Recordings · room 1230 · ongoing"),
        (a_page("room=1,2 status=failed"), "Recordings · rooms 1 and 2 · failed"),
        (a_page("last=6h"), "Recordings · all rooms · all statuses"),
        (a_page(), "No recordings found. Started in the last 6\u00a0h"),
        (a_page(rows=recordings(3), total=21, exact=False), "at least 21 recordings found"),
        (a_page(running_before=1), "1 more is still running that started before this window."),
        (a_page(running_before=1200), "1,200 more are still running"),
        (
            a_page(running_before=2, before_exact=False),
            "At least 2 more are still running that started before this window.",
        ),
        (
            a_page("status=attention", running_before=300, before_exact=False),
            "At least 300 more that started before this window need attention.",
        ),
        (a_page("status=paused", running_before=2), "2 more are paused that started before this window."),
        (a_page(sees_back_to_ms=NOW_MS - 72 * HOUR_MS), "I can see back to <!date^"),
        (a_page(elsewhere=Elsewhere(0, True, None)), "The last 3 days have none either."),
        *(
            (
                a_page(f"status={status}", elsewhere=Elsewhere(0, True, None)),
                f"The last 3 days have no {status} ones either.",
            )
            for status in ("ongoing", "ended", "failed", "paused", "starting")
        ),
        (
            a_page(elsewhere=Elsewhere(4, False, recordings(1)[0])),
            "The last 3 days have at least 4 recordings, the latest",
        ),
        (a_page(similar_rooms=("1203", "*x*")), "Rooms seen lately with a similar ID: 1203, `*x*`"),
        (
            a_page(failure="ZEGOCLOUD did not answer."),
            "ZEGOCLOUD did not answer. This is the answer of <!date^",
        ),
        (a_page(notes=("It happens <twice>.",)), "It happens &lt;twice&gt;."),
        (a_page(rows=recordings(10), total=25), "Page 1 of 3 · as of <!date^"),
        (a_page("last=6h page=2", rows=recordings(10), first=10, total=25), "Page 2 of 3"),
        (a_page(rows=recordings(10), first=3, total=25), "4–13 of 25"),
    ],
)
def test_the_words(page: Page, words: str) -> None:
    message = build_answer(page)
    assert words in shown(message)
    assert check_blocks(message["blocks"], "message") == []


@pytest.mark.parametrize(
    ("text", "beside", "moment"),
    [
        ("last=6h", r"Started in the last 6\xa0h \(DATE – DATE\)", "(the last 6 h)"),
        ("from=yesterday", r"Started DATE – DATE \(asked in Europe/Berlin\)", "(asked in Europe/Berlin)"),
        ("from=2026-11-20 tz=UTC", r"Started DATE – DATE \(asked in UTC\)", "(asked in UTC)"),
        ("from=2026-11-20T14:00Z to=now", r"Started DATE – DATE", ""),
        ("from=02:00:05", r"Started EXACT – EXACT \(asked in Europe/Berlin\)", "(asked in Europe/Berlin)"),
    ],
)
@pytest.mark.parametrize("rows", [recordings(1), ()])
def test_a_window_is_said_once(text: str, beside: str, moment: str, rows: tuple[Recording, ...]) -> None:
    query = parse_query(text, NOW, "Europe/Berlin")
    window = resolve_window(query, NOW, "Europe/Berlin")
    message = build_answer(a_page(text, rows, window=window))
    pattern = beside.replace("DATE", r"<!date\^[0-9]+\^{date_short_pretty} {time}\|[^>]*>")
    pattern = pattern.replace("EXACT", r"<!date\^[0-9]+\^{date_short_pretty} {time_secs}\|[^>]*>")
    assert re.search(
        pattern + (r" · newest first" if rows else r"\.$"), "\n".join(texts(message["blocks"])), re.MULTILINE
    )
    first_line = message["text"].split("\n")[0]
    assert first_line.endswith(f"{moment}, newest first." if moment else "CET, newest first.")
    assert first_line.count(" – ") == 1


def test_of_what_needs_attention_the_text_says_what_the_blocks_say() -> None:
    failed, running = (
        recordings(1, status=FAILED)[0],
        replace(recordings(2)[1], began_ms=NOW_MS - 9 * HOUR_MS),
    )
    outside = Verdict(Kind.LOST, "Lost", ("The file ", Outside("<a&b>"), " is gone since ", At(NOW_MS), "."))
    verdicts = {failed.task_id: judge_row(failed, (), NOW_MS), running.task_id: (outside,)}
    message = build_answer(a_page("status=attention last=1d", (failed, running), verdicts=verdicts))
    first, second = [text for text in texts(message["blocks"]) if "YRHu6" in text]
    said = words_in_plain(verdicts[failed.task_id][0].words, "Europe/Berlin")
    assert first.split("\n")[2] == f"▲\u00a0{said}"
    assert re.fullmatch(
        r"▲\xa0\*Lost:\* The file `&lt;a&amp;b&gt;` is gone since <!date\^.*>\.", second.split("\n")[2]
    )
    lines = message["text"].split("\n")
    assert lines[1].startswith("1. Ended abnormally, room 1230, task YRHu6-E4Iyv00000, began ")
    assert lines[1].endswith(f". {said}")
    assert lines[2].endswith(". Lost: The file &lt;a&amp;b&gt; is gone since Mon 23 Nov 08:00 CET.")
    assert message["text"].count("Ended abnormally") == shown(message).count("Ended abnormally") == 1


def test_a_paused_recording_that_needs_attention_says_so_once() -> None:
    paused = recordings(1, status=PAUSED)[0]
    verdicts = {paused.task_id: judge_row(paused, (), NOW_MS)}
    message = build_answer(a_page("status=attention last=1d", (paused,), verdicts=verdicts))
    assert shown(message).count("*Paused") == message["text"].count("Paused, room") == 1
    assert "Paused:" not in shown(message) + message["text"]


def test_buttons_that_can_do_nothing_are_left_out() -> None:
    usual = ["Refresh", "Post to channel", "Edit query…"]
    assert list(states(build_answer(a_page()))) == usual
    assert list(states(build_answer(a_page(rows=recordings(1))))) == [*usual, "Export CSV"]
    cursor = Cursor(NOW_MS, "YRHu6-E4Iyv00000", True)
    page = a_page(rows=recordings(10), newer=cursor, older=cursor, total=30)
    assert list(states(build_answer(page)))[:2] == ["◀ Newer", "Older ▶"]


def test_oldest_first_the_buttons_say_which_way_they_lead() -> None:
    cursor = Cursor(NOW_MS, "YRHu6-E4Iyv00000", True)
    page = a_page("last=6h sort=oldest", rows=recordings(10), newer=cursor, older=cursor, total=30)
    assert list(states(build_answer(page)))[:2] == ["◀ Older", "Newer ▶"]


def test_every_button_carries_the_moment_and_the_canonical_query() -> None:
    page = a_page("ROOM=1230 LAST=360m", rows=recordings(10), older=Cursor(5, "x", True), total=30)
    for state in states(build_answer(page)).values():
        assert (state.asked_ms, state.query) == (NOW_MS, "room=1230 last=6h")
    assert states(build_answer(page))["Older ▶"].page == 2


def test_an_answer_for_everyone_names_its_asker_and_cannot_be_posted_again() -> None:
    message = build_answer(a_page(rows=recordings(2)), POSTED)
    assert "Asked by <@U0ASKER1>" in shown(message)
    assert "Post to channel" not in states(message)
    [block] = [block for block in message["blocks"] if block["type"] == "actions"]
    assert ids.poster_of(block["block_id"]) == "U0ASKER1"


def test_the_text_has_every_row_and_no_mark_up_from_outside() -> None:
    rows = recordings(2, room="<!channel> & co")
    text = build_answer(a_page(rows=rows))["text"]
    for row in rows:
        assert row.task_id in text
    assert text.count("room &lt;!channel&gt; &amp; co") == 2
    assert "As of Mon 23 Nov 08:00 CET." in text


@pytest.mark.parametrize("room", ["x" * 128, "&" * 128, "<" * 128, "😀" * 32, '"' * 128])
def test_a_screen_that_does_not_fit_shrinks_and_leads_on_from_its_last_row(room: str) -> None:
    rows = recordings(20, room=room)
    page = a_page("last=6h size=20", rows=rows, total=40, older=Cursor(*rows[-1].order, forward=True))
    message = build_answer(page)
    assert len(shown(message)) <= MAX_BLOCKS_CHARACTERS
    assert len(message["text"]) <= MAX_TEXT_CHARACTERS
    assert check_blocks(message["blocks"], "message") == []
    shown_rows = [row for row in rows if row.task_id in shown(message)]
    assert 1 <= len(shown_rows) <= 20
    assert rows[: len(shown_rows)] == tuple(shown_rows)
    assert states(message)["Older ▶"].cursor.task_id == shown_rows[-1].task_id
    assert f"1–{len(shown_rows)} of 40" in shown(message) or len(shown_rows) == 20


def test_a_screen_that_was_reached_backwards_shrinks_at_its_other_end() -> None:
    rows = recordings(20, room="&" * 128)
    back = Cursor(0, "x", forward=False)
    page = a_page(
        "last=6h size=20", rows=rows, total=60, first=20, newer=Cursor(*rows[0].order, forward=False)
    )
    page = replace(page, question=replace(page.question, cursor=back))
    message = build_answer(page)
    shown_rows = [row for row in rows if row.task_id in shown(message)]
    assert rows[-len(shown_rows) :] == tuple(shown_rows)
    assert states(message)["◀ Newer"].cursor.task_id == shown_rows[0].task_id


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("1 h 20 min", "1_h_20_min"),
        ("the last 2 d 21 h.", "the last 2_d_21_h."),
        ("59 min of 2 h captured", "59_min of 2_h captured"),
        ("mp4 · 1,673.8 MB · uploaded", "mp4 · 1,673.8_MB · uploaded"),
        ("6.84 GB · uploaded", "6.84_GB · uploaded"),
        ("▲ *Runaway:* it runs ● Recording", "▲_*Runaway:* it runs ●_Recording"),
        ("`▲ 5 min` of 5 min, `1 h`", "`▲ 5 min` of 5_min, `1 h`"),
        ("3 recordings, 2 days, x5 min, 4 mins", "3 recordings, 2 days, x5 min, 4 mins"),
        ("<!date^5^{time} {date}|23 Nov 08:00 UTC> 5 s", "<!date^5^{time} {date}|23 Nov 08:00 UTC> 5_s"),
    ],
)
def test_figures_and_signs_are_held_together(words: str, held: str) -> None:
    assert unbroken(words) == held.replace("_", "\u00a0")


def test_only_blocks_hold_figures_together() -> None:
    rows = recordings(1, room="5 min")
    message = build_answer(a_page("room='5 min' last=90m", rows, running_before=2))
    assert "the last 1\u00a0h\u00a030\u00a0min" in shown(message)
    assert "room 5 min ·" in shown(message)
    assert "\u00a0" not in message["text"]
    assert "last=1h30m" in shown(message)


@given(st.text(max_size=128))
@examples(60)
def test_text_from_outside_is_always_code_or_harmless(text: str) -> None:
    for made in (name(text), code(text)):
        if made.startswith("`"):
            assert made.count("`") == 2
            assert made.endswith("`")
        else:
            assert re.fullmatch(r"[A-Za-z0-9 -]+", made)
        assert not re.search(r"[<>]", made)
    assert escape(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == replace_controls(
        text
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a`b\n*c*", "`aˋb�*c*`"), ("\x1b[31m", "`�[31m`"), ("\u202eabc", "`�abc`"), ("a\tb", "`a�b`")],
)
def test_nothing_ends_the_code_that_a_name_stands_in_or_turns_it_round(text: str, shown: str) -> None:
    assert name(text) == code(text) == shown


def test_a_row_cannot_be_forged_by_a_room() -> None:
    rows = (Recording("YRHu6-E4IyvEAAAD", "7\n2. Ended, room 8", ONGOING, NOW_MS),)
    page = a_page(rows=rows, similar_rooms=("9\n3. Ended, room 9",))
    message = build_answer(page)
    for text in (message["text"], answer_in_words(page), shown(message)):
        assert not re.search(r"^[23]\. Ended", text, re.MULTILINE)
        assert "7�2. Ended" in text


def test_a_room_of_any_length_fits_into_its_row() -> None:
    message = build_answer(a_page(rows=(Recording("&" * 5_000, "é" * 5_000, ONGOING, NOW_MS),)))
    check_fits(message)


def test_a_recording_of_the_last_day_of_all_is_shown_in_every_zone() -> None:
    page = a_page(rows=(Recording("YRHu6-E4IyvEAAAD", "1230", ONGOING, 253_402_300_799_999),))
    question = replace(page.question, zone="Pacific/Kiritimati")
    assert "room 1230" in answer_in_words(replace(page, question=question))


@given(
    rooms=st.lists(st.text(min_size=1, max_size=40), max_size=20),
    status=st.integers(0, 9),
    sort=st.sampled_from(list(Sort)),
)
@examples(40)
def test_slack_takes_every_answer(rooms: list[str], status: int, sort: Sort) -> None:
    rows = tuple(Recording(f"{n:016d}", room, status, NOW_MS - n * MINUTE_MS) for n, room in enumerate(rooms))
    page = a_page(rows=rows, notes=tuple(rooms[:1]), similar_rooms=tuple(rooms[:3]))
    query = replace(RecordingQuery(), sort=sort, size=20)
    message = build_answer(replace(page, question=replace(page.question, query=query)))
    assert check_blocks(message["blocks"], "message") == []
    assert message["text"].strip()


# --- text from outside at its worst ---

HOSTILE = st.text("&<>\"'\\`=,. aZ09é«😀", min_size=1, max_size=128) | st.text(min_size=1, max_size=128)
"""Text that grows when it is escaped or quoted."""


def is_query(rooms: tuple[str, ...]) -> bool:
    try:
        return parse_query(format_query(RecordingQuery(rooms=rooms)), NOW, "UTC").rooms == rooms
    except QueryError:
        return False


def fit(room: str) -> str:
    return room.encode(errors="ignore")[:128].decode(errors="ignore")


ROOM_ID = st.one_of(
    st.sampled_from("0123456789").map(lambda digit: digit + "&" * 127),
    st.sampled_from("0123456789").map(lambda digit: f"{digit}{'<@' * 63}"),
    st.text("".join(map(chr, range(33, 127))), min_size=128, max_size=128),
    st.text("&<>\"'\\`=,. aZ09", min_size=1, max_size=128),
)
ROOM = ROOM_ID | HOSTILE.map(fit)
"""What the vendor may send, whatever it says that room IDs are."""

QUERIES = st.builds(
    RecordingQuery,
    rooms=st.lists(ROOM_ID, max_size=10, unique=True).map(tuple).filter(is_query),
    status=st.sampled_from(Status),
    sort=st.sampled_from(Sort),
    size=st.just(20),
)
AT_WORST: dict[str, st.SearchStrategy[object]] = {
    "failure": HOSTILE.map(lambda text: text * 10),
    "notes": st.lists(HOSTILE, max_size=2).map(tuple),
    "similar_rooms": st.lists(ROOM, max_size=3).map(tuple),
    "elsewhere": st.just(Elsewhere(4, False, recordings(1)[0])),
    "running_before": st.integers(0, 3),
    "sees_back_to_ms": st.just(NOW_MS),
    "older": st.just(Cursor(NOW_MS, "YRHu6-E4Iyv00000", True)),
    "newer": st.just(Cursor(NOW_MS, "YRHu6-E4Iyv00000", False)),
}
VERDICT = st.builds(
    lambda text: Verdict(Kind.LOST, "Lost", ("The file ", Outside(text), " is lost."), None), HOSTILE
)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    rooms = draw(st.lists(ROOM, max_size=20))
    rows = tuple(replace(row, room_id=room) for row, room in zip(recordings(len(rooms)), rooms, strict=True))
    page = a_page(rows=rows, **draw(st.fixed_dictionaries({}, optional=AT_WORST)))
    verdicts = {row.task_id: (draw(VERDICT),) for row in rows[:3]}
    question = Question(draw(QUERIES), "Europe/Berlin", NOW_MS)
    return replace(page, question=question, verdicts=verdicts)


def check_fits(message: dict) -> None:
    assert check_blocks(message["blocks"], "message") == []
    assert all(0 < len(text) <= 3000 for text in texts(message["blocks"]))
    assert not re.search(r"&(?!amp;|lt;|gt;)", "".join(texts(message["blocks"])) + message["text"])
    assert count_characters(message["blocks"]) <= MOST_MESSAGE_CHARACTERS
    assert 0 < len(message["text"]) <= MAX_TEXT_CHARACTERS


@given(pages(), st.sampled_from([PRIVATE, POSTED]))
@example(a_page(f"room={','.join(f'{n}{chr(38) * 127}' for n in range(10))} last=6h"), PRIVATE)
@examples(60)
def test_slack_takes_the_answer_to_every_query(page: Page, audience: Audience) -> None:
    message = build_answer(page, audience)
    check_fits(message)
    assert page.recordings or message["text"] == shortened(
        audience.headed(answer_in_words(page)), MAX_TEXT_CHARACTERS
    )
    for block in message["blocks"]:
        for element in [*block.get("elements", ()), block.get("accessory") or {}]:
            assert len(element.get("value", "")) <= 2000
    assert "Refresh" in states(message)


@given(HOSTILE.map(lambda text: (text * 4000)[:4000]), HOSTILE.map(lambda text: (text * 1500)[:1500]))
@examples(40)
def test_slack_takes_every_mistake_and_every_problem(text: str, suggestion: str) -> None:
    check_fits(build_mistake(QueryError(text, suggestion), ButtonState(1, 0, "last=24h")))
    check_fits(build_problem(text, "7f3a2c", ButtonState(1, 0, "last=24h")))


@pytest.mark.parametrize(
    ("rooms", "room"), [([], "1230"), (["a-b", "<b>", "88", "7"], "88"), (["x" * 128], "x" * 128)]
)
def test_help_speaks_of_one_room_and_its_text_says_what_its_blocks_say(rooms: list[str], room: str) -> None:
    message = build_help(rooms)
    check_fits(message)
    paragraphs = [block["text"]["text"] for block in message["blocks"] if block["type"] == "section"]
    assert message["text"] == re.sub("[*`]", "", "\n".join(paragraphs))
    assert f"/recordings room={room} status=ongoing last=6h" in message["text"]
    assert f"@Recordings room={room} last=6h" in message["text"]
    assert all(f"\n{term.example} – " in message["text"] for term in TERMS.values())
    state = decode_button(message["blocks"][-1]["elements"][0]["value"])
    assert state == ButtonState(1, 0, f"room={room} last=24h")


@pytest.mark.parametrize(("rooms", "shown_command"), [(1, True), (10, False)])
def test_a_command_that_nobody_would_read_is_left_out(rooms: int, *, shown_command: bool) -> None:
    message = build_answer(a_page(f"room={','.join(f'{n}{chr(38) * 127}' for n in range(rooms))} last=6h"))
    assert ("/recordings" in shown(message)) == shown_command
    assert "Page 1 of 1 · as of" in shown(message)


@pytest.mark.parametrize(
    ("read", "total", "left", "line"),
    [
        (0, 0, None, "Looking through 0 recordings … 0 %"),
        (39, 300, 26.2, "Looking through 300 recordings … 13 % · about 27 s left"),
        (3112, 8412, 0.2, "Looking through 8,412 recordings … 36 % · about 1 s left"),
        (100, 10_000, 2000.0, "Looking through 10,000 recordings … 1 % · about 34 min left"),
    ],
)
def test_progress_says_how_far_it_has_come_and_how_long_it_still_takes(
    read: int, total: int, left: float | None, line: str
) -> None:
    assert build_progress(read, total, left)["text"] == line
