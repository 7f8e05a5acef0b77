"""What outside can send, and what has to be true of everything that is made of it: for fuzzing.

A target is a strategy and a check. A check takes one input and raises where something is not handled:
anything but an error that is worded for people, or a message that Slack would refuse or read as markup.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import random
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from rich.console import Console

from bot.config import load_settings
from bot.errors import QueryError, RecordingsError, ZegoError
from bot.features.answers.message import build_answer
from bot.features.answers.service import question_of_button
from bot.features.details.message import build_details_modal, build_support_text
from bot.features.digests.commands import Verb, names_digests, parse_digest_command
from bot.features.digests.form import allows_outsiders, read_digest_form
from bot.features.digests.notices import build_digest_mistake, build_preview
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.settings import read_settings
from bot.features.form.fields import Opened, build_form, read_form
from bot.features.form.found_ids import find_ids
from bot.features.recording_text import build_details_blocks, build_details_text
from bot.logs import JsonLines, TextLines
from bot.models import Recording, RecordingDetails, RecordingFile
from bot.query.parser import format_query, parse_query, resolve_window
from bot.query.terms import RecordingQuery, Status
from bot.query.wording import describe_query
from bot.recordings.csv_file import build_csv
from bot.recordings.page import ButtonState, Cursor, Elsewhere, Page, Question, decode_button
from bot.sandbox.slack.block_rules import MOST_MESSAGE_CHARACTERS, check_blocks, check_view, count_characters
from bot.slack.access import check_access
from bot.slack.audience import PRIVATE, Audience, Readers
from bot.slack.blocks import build_problem_modal
from bot.slack.forms import FormErrors
from bot.slack.ids import INPUT, DigestField, FormField
from bot.slack.message_text import texts_of_message
from bot.slack.notices import build_mistake, build_problem
from bot.slack.payload import asker_of, message_clicked, metadata_of_click, metadata_of_view, well_formed
from bot.slack.sign_in import Home
from bot.terminal.query import details_json, page_json
from bot.terminal.text import show_details, show_page
from bot.verdicts.judge import judge, judge_row
from bot.zegocloud.decoding import decode_record_status, decode_tasks
from tests.world import NOW, NOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum
    from types import TracebackType

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns"])
AUDIENCES = st.sampled_from([PRIVATE, *(Audience(readers, "U0ASKER1") for readers in Readers)])
FORGED = "FORGED"
"""Behind a line end: a line that begins with it was begun by somebody outside."""

# --- text as nobody should send it ---

WORST = (
    "",
    " ",
    "<!channel>",
    "<!here|here> <@U0ASKER1> <#C0GENERAL|x> <https://evil.example|click>",
    "*bold* _it_ ~no~ `code` ```block``` :skull:",
    "`",
    "a`b\n*c*",
    f"x\n{FORGED} row",
    f"x\r\n{FORGED} row",
    f"x\u2028{FORGED}\u2029{FORGED}\x85{FORGED}\x0b{FORGED}",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m",
    "\u202edetrever\u202c \u2066x\u2069",
    "\x00\x01\x7f",
    "&amp; &lt;!channel&gt; &",
    "&" * 300,
    "<" * 128,
    "`" * 200,
    "x" * 3_100,
    "&" * 3_100,
    "é" * 5_000,
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    ";=1+1",
    "＝1",
    "javascript:alert(1)",
    "https://evil.example/?a=1&b=2",
    "http://[::1",
    "../../etc/passwd",
    "' OR 1=1 --",
    "%s %d {0} {x.__class__} %(password)s",
    "\ud800",
    "😀" * 50,
    "room=1230",
    "v1|1|0|room=1230",
    "YRHu6-E4IyvEAAAD",
    "1e309",
    "9" * 5_000,
)
HOSTILE = (
    st.sampled_from(WORST)
    | st.text(max_size=60)
    | st.text("&<>\"'\\`=,.|^~*_ aZ09é\n\x1b\u202e", max_size=80)
)
NUMBERS = st.integers() | st.sampled_from(
    [0, -1, 1, 2, 3, 4, 5, NOW_MS, -NOW_MS, 2**31, 2**63, 2**64, 10**18, 10**30, 10**400, 253402300799999]
)
ODD = (
    st.none() | st.booleans() | NUMBERS | st.floats() | HOSTILE | st.just([]) | st.just({}) | st.just([[{}]])
)

# --- what may be shown ---

_SPECIAL = re.compile(r"<(?:!date\^-?[0-9]+\^(?:[^<>|^]|\{\w+\})*\|[^<>|]*|@[UW][A-Z0-9]+|#[CG][A-Z0-9]+)>")
"""What the bot itself writes in angle brackets: moments, the person who asked, a channel."""

_UNSEEN = re.compile("[^\\S \n\u00a0]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def check_text(text: str, *, mrkdwn: bool = True) -> None:
    """Nothing in it is markup, a link, a mention, a line or a character from outside that does something."""
    rest = _SPECIAL.sub("", text) if mrkdwn else text
    if mrkdwn:
        assert "<" not in rest, f"markup: {text!r}"
        assert ">" not in rest, f"markup: {text!r}"
        assert not re.search(r"&(?!amp;|lt;|gt;)", rest), f"unescaped: {text!r}"
    assert not _UNSEEN.search(rest), f"control characters: {text!r}"
    assert f"\n{FORGED}" not in rest, f"a forged line: {text!r}"


def check_parts(part: Any) -> None:
    """Every text of some blocks."""
    if isinstance(part, list):
        for inner in part:
            check_parts(inner)
    if not isinstance(part, dict):
        return
    if isinstance(part.get("text"), str):
        check_text(part["text"], mrkdwn=part.get("type") == "mrkdwn")
        if part.get("type") == "mrkdwn":  # code ends on its own line, else what follows it is turned about
            for line in part["text"].replace("```", "").split("\n"):
                assert line.count("`") % 2 == 0, f"open code: {line!r}"
    if "url" in part:
        assert re.match(r"https?://[^/\s]", part["url"]), part["url"]
    for inner in part.values():
        check_parts(inner)


def check_message(message: dict[str, Any]) -> None:
    """Slack takes it, and nothing in it is anybody else's."""
    assert not (faults := check_blocks(message["blocks"], "message")), faults
    assert count_characters(message["blocks"]) <= MOST_MESSAGE_CHARACTERS
    check_parts(message["blocks"])
    assert 0 < len(message["text"]) <= 4_000
    check_text(message["text"])


def check_modal(view: dict[str, Any]) -> None:
    """The same of a view."""
    assert not (faults := check_view(view)), faults
    check_parts(view["blocks"])


def check_words(sentence: str) -> None:
    """A sentence for people: said, in reasonable length, and no traceback's."""
    assert sentence.strip()
    for message in (build_problem(sentence, "7f3a2c"), {"text": "x", "blocks": []}):
        if message["blocks"]:
            check_message(message)
    check_modal(build_problem_modal("Recording", sentence))


# --- typed text ---

_TERMS = st.sampled_from(
    [
        *("room=", "status=", "last=", "from=", "to=", "tz=", "sort=", "size=", "page=", "task=", "quiet="),
        *(
            "ongoing",
            "6h",
            "1230",
            "yesterday",
            "help",
            "digest",
            "add",
            "list",
            "weekdays at 09:00",
            "=",
            ":",
        ),
        *(
            ",",
            '"',
            "“",
            "’",
            "&amp;",
            "<@U0ASKER1>",
            "<#C0GENERAL|g>",
            "<https://a.example|a>",
            "\u200b",
            "—",
        ),
        *("2026-11-23T14:00", "14:00+25:00", "0 9 * * 1-5", "*/1 * * * *", "every 6 hours", "1w" * 40, "\n"),
        *(
            "Europe/Berlin",
            "../../etc/passwd",
            "0" * 30,
            "9" * 30,
            "1230," * 30,
            "statsu=",
            "room=room=room=",
            "room=сlass-7",
            "room=١٢٣٠",
            "٦h",
            "१४:००",
            "stаtus=",
        ),
    ]
)
TYPED = st.lists(_TERMS | HOSTILE, max_size=8).map(" ".join) | st.text(max_size=200) | HOSTILE


def check_query(text: str) -> None:
    """A query that says itself back, or one sentence that Slack can show."""
    try:
        query = parse_query(text, NOW, "Europe/Berlin")
    except QueryError as error:
        check_message(build_mistake(error, None))
        return
    canonical = format_query(query)
    assert canonical.isascii()
    assert parse_query(canonical, NOW, "Europe/Berlin") == query
    window = resolve_window(query, NOW, "Europe/Berlin")
    assert describe_query(query, window)
    state = ButtonState(1, NOW_MS, canonical)
    assert len(state.encode()) <= 2_000
    assert decode_button(state.encode()) == state
    check_modal(build_form(query=query, zone="Europe/Berlin", opened=Opened.CHANNEL, private_metadata=""))


def check_digest_command(text: str) -> None:
    """A command whose settings can be read, or one sentence."""
    if not names_digests(f"digest {text}"):
        return
    try:
        command = parse_digest_command(f"digest {text}")
        if command.verb in {Verb.ADD, Verb.PREVIEW} and command.terms:
            settings = read_settings(command.terms, NOW, "Europe/Berlin")
            times = next_times(parse_schedule(settings.schedule, 0), NOW, settings.zone, 3)
            check_message(build_preview(settings, times))
    except QueryError as error:
        check_message(build_digest_mistake(error))


# --- what comes back from Slack with a click ---

_STATE = st.builds(
    "{}|{}{}|{}|{}".format,
    st.sampled_from(["v1", "v2", "", "v1 "]) | HOSTILE,
    st.sampled_from(["1", "2", "0", "999999", "1e3", "-1", "１"]) | HOSTILE,
    st.sampled_from(["", ">1.x", "<1628565227899.YRHu6-E4IyvEAAAD", ">999999999999999.%", "<1." + "%" * 99])
    | HOSTILE,
    st.sampled_from(["0", str(NOW_MS), "9999999999999", "99999999999999", "-5"]) | HOSTILE,
    TYPED | st.sampled_from(["~", "~!!", "~eJwDAAAAAAE=", "last=6h", "page=3", "task=x room=y", "help"]),
)


def check_button(value: str) -> None:
    """A question, or one sentence."""
    try:
        question = question_of_button(value, NOW_MS, "Europe/Berlin")
    except QueryError as error:
        check_message(build_mistake(error, None))
        return
    window = resolve_window(question.query, (question.asked_ms or NOW_MS) / 1000, "Europe/Berlin")
    page = Page(question, window, (), 0, 0, True, None, None, NOW_MS)
    check_message(build_answer(page, PRIVATE))


_NAMES = st.sampled_from(
    [
        *(
            "channel_id",
            "thread_ts",
            "task_id",
            "response_url",
            "replaces",
            "kept",
            "digest_id",
            "id",
            "team_id",
        ),
        *(
            "user",
            "team",
            "enterprise",
            "channel",
            "event",
            "view",
            "actions",
            "message",
            "container",
            "blocks",
        ),
        *(
            "block_id",
            "value",
            "is_ephemeral",
            "response_urls",
            "private_metadata",
            "state",
            "values",
            "text",
        ),
        *("attachments", "elements", "type", "fields", "title", "message_blocks", "url", "style", "code"),
        *(
            "selected_option",
            "selected_options",
            "selected_date",
            "selected_time",
            "enterprise_id",
            "user_id",
        ),
    ]
)
JSON = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES | HOSTILE, inner, max_size=6),
    max_leaves=12,
)
BODIES = st.dictionaries(_NAMES, JSON, max_size=8)
_METADATA = JSON.map(lambda value: json.dumps(value, default=str)) | HOSTILE | st.just("[" * 100_000)
_HOME = Home("T0LOCAL01", "", "U0BOT0001", "B0BOT0001")
_SETTINGS = load_settings(
    {"ZEGO_APP_ID": "1", "ZEGO_SERVER_SECRET": "5" * 32, "ALLOWED_CHANNELS": "C0GENERAL"}
)


def check_state(given: tuple[dict[str, Any], str]) -> None:
    """Who, where and what for, in text only; a stranger stays one."""
    body, metadata = well_formed(given[0]), given[1]
    origin = metadata_of_view({"private_metadata": metadata})
    assert hash(origin) is not None
    assert all(
        isinstance(getattr(origin, name), str) for name in ("channel_id", "task_id", "response_url", "kept")
    )
    assert isinstance(origin.replaces, bool)
    assert hash(metadata_of_click(body, replaces=False)) is not None
    assert isinstance(message_clicked(body).poster, str)
    asker = asker_of(body)
    with contextlib.suppress(RecordingsError):
        check_access(asker, asker.teams, _SETTINGS, _HOME)
        assert (asker.team_id, asker.channel_id) == ("T0LOCAL01", "C0GENERAL")


# --- what the vendor answers ---

_TASKS = st.fixed_dictionaries(
    {
        "TaskId": HOSTILE | st.just("YRHu6-E4IyvEAAAD"),
        "RoomId": HOSTILE | st.just("1230"),
        "Status": st.integers(-1, 7) | NUMBERS,
        "RecordBeginTimestamp": st.integers(0, 253402300799999) | st.just(NOW_MS - 60_000) | NUMBERS,
    },
    optional={"New": ODD},
)
_FILES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("UserId", "UserName", "StreamId", "FileId", "VideoId", "OutputFileFormat"), HOSTILE),
        "FileUrl": HOSTILE
        | st.sampled_from(["https://files.example/a.mp4", "ftp://x/y", "https://u:p@h/?x=%"]),
        **dict.fromkeys(("FileSize", "Duration", "ResolutionWidth", "ResolutionHeight"), NUMBERS),
        "MediaTrackType": st.integers(-1, 5),
        "BeginTimestamp": st.integers(NOW_MS - 10**8, NOW_MS) | NUMBERS,
        "Status": st.integers(-1, 7),
    },
)
_DETAILS = st.fixed_dictionaries(
    {"RoomId": HOSTILE, "Status": st.integers(-1, 7) | NUMBERS},
    optional={
        "RecordMode": NUMBERS,
        "StreamType": NUMBERS,
        "RecordBeginTimestamp": st.integers(NOW_MS - 10**8, NOW_MS) | NUMBERS,
        "RecordEndTimestamp": st.integers(NOW_MS - 10**8, NOW_MS) | NUMBERS,
        "RecordFiles": st.lists(_FILES, max_size=4) | st.none(),
    },
)


def _answers(data: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[int, bytes]]:
    """Statuses and bodies: mostly what the API promises with odd values, else anything or broken bytes."""
    envelope = st.fixed_dictionaries(
        {"Code": st.just(0) | st.just(0) | st.just(0) | NUMBERS, "Data": data | data | data | ODD},
        optional={"Message": HOSTILE, "RequestId": HOSTILE},
    )
    written = envelope.map(lambda value: json.dumps(value).encode())
    broken = st.builds(_broken, written, st.integers(0, 2**32))
    deep = st.sampled_from(
        [b"[" * 100_000, b'{"Data":' * 100_000, b'{"Code":0,"Data":' + b"[" * 5_000 + b"]" * 5_000 + b"}"]
    )
    return st.tuples(
        st.sampled_from([200, 200, 200, 200, 302, 400, 429, 500, 503]),
        written | written | written | broken | deep | st.binary(max_size=50),
    )


def _broken(content: bytes, seed: int) -> bytes:
    """A byte changed, some cut off, or some doubled."""
    chance = random.Random(seed)  # noqa: S311 - which byte breaks is no secret
    at = chance.randrange(len(content))
    how = chance.randrange(3)
    if how == 0:
        return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    return content[:at] if how == 1 else content[:at] + content[max(0, at - 20) :]


LISTS = st.tuples(
    _answers(
        st.fixed_dictionaries(
            {"TotalCount": st.integers(0, 100) | NUMBERS},
            optional={"TaskidList": st.lists(_TASKS, max_size=6), "TaskList": st.lists(_TASKS, max_size=3)},
        )
    ),
    ZONES,
    st.sampled_from(list(Status)),
    AUDIENCES,
)


def check_list(given: tuple[tuple[int, bytes], str, Status, Audience]) -> None:
    """A list becomes a message, a table, JSON and CSV, or an error in words."""
    (status, content), zone, asked, audience = given
    try:
        answer = decode_tasks(status, content)
    except ZegoError as error:
        check_words(str(error))
        return
    rows = answer.recordings
    details = {  # each ended when another began, and its file is in backup storage
        row.task_id: RecordingDetails(
            *(row.task_id, row.room_id, row.status, row.began_ms, other.began_ms, 2, 3),
            (RecordingFile(row.room_id, size_bytes=other.began_ms, status=4),),
            *("", NOW_MS),
        )
        for row, other in zip(rows, reversed(rows), strict=True)
    }
    query = RecordingQuery(status=asked)
    page = Page(
        question=Question(query, zone, NOW_MS),
        window=resolve_window(query, NOW, zone),
        recordings=rows[:20],
        first=0,
        total=answer.total,
        exact=False,
        newer=Cursor(*rows[0].order, forward=False) if rows else None,
        older=Cursor(*rows[-1].order, forward=True) if rows else None,
        as_of_ms=NOW_MS,
        elsewhere=None if rows else Elsewhere(answer.total, True, None),
        similar_rooms=tuple(row.room_id for row in rows[:3]),
        running=rows,
        details=details,
        verdicts={
            row.task_id: judge_row(row, rows, NOW_MS, details=details.get(row.task_id)) for row in rows
        },
    )
    check_message(build_answer(page, audience))
    _check_terminal(lambda console: show_page(page, console))
    written = page_json(page)
    assert json.loads(written)["total"] == answer.total
    check_text(written.rstrip("\n"), mrkdwn=False)
    for line in build_csv(page).encode(errors="replace").decode().splitlines():
        check_csv_line(line)


DETAILS = st.tuples(_answers(_DETAILS), ZONES, HOSTILE | st.just("YRHu6-E4IyvEAAAD"), AUDIENCES)


def check_details(given: tuple[tuple[int, bytes], str, str, Audience]) -> None:
    """One task becomes blocks, a modal, text, a ticket and JSON, or an error in words."""
    (status, content), zone, task_id, audience = given
    try:
        details = decode_record_status(status, content, task_id=task_id)
    except ZegoError as error:
        check_words(str(error))
        return
    details = replace(details, as_of_ms=NOW_MS)
    others = (
        Recording(task_id, details.room_id, 2, NOW_MS - 1),
        Recording("another", details.room_id, 2, NOW_MS),
    )
    verdicts = judge(details, NOW_MS, others)
    check_message(
        {
            "text": build_details_text(details, verdicts, zone=zone, audience=audience),
            "blocks": build_details_blocks(details, verdicts, zone=zone, audience=audience),
        }
    )
    if audience.readers is Readers.OUTSIDERS:
        assert "url" not in json.dumps(build_details_blocks(details, verdicts, zone=zone, audience=audience))
    thread = audience.everyone
    check_modal(
        build_details_modal(details, verdicts, zone=zone, private_metadata="", thread=thread, posted=audience)
    )
    check_text(build_support_text(details, verdicts))
    _check_terminal(lambda console: show_details(details, verdicts, zone, console))
    written = details_json(details, verdicts, zone)
    assert json.loads(written)["status_code"] == details.status
    check_text(written.rstrip("\n"), mrkdwn=False)


def check_csv_line(line: str) -> None:
    """No cell of it runs in a spreadsheet, wherever that takes cells to begin."""
    assert not re.search(r'(?:^|[;,\t|"])[=+\-@＝＋－＠]', line), f"a formula: {line!r}"
    check_text(line, mrkdwn=False)


def _check_terminal(show: Callable[[Console], None]) -> None:
    """Nothing that a terminal would obey; wide, so that each line is one that we began."""
    out = io.StringIO()
    show(Console(file=out, width=10_000, force_terminal=False, highlight=False))
    check_text(out.getvalue(), mrkdwn=False)


# --- people's messages, forms, the log, the environment ---

_PROSE = st.lists(
    st.sampled_from(
        [
            *(
                "room 1230",
                "Room ID:",
                "roomId=",
                '"room_id": "x"',
                "room",
                "rooms 1, 2 and",
                "task YRHu6-E4IyvEAAAD",
            ),
            *(
                "<https://a.example/room/7|x>",
                "```",
                "\n",
                "> ",
                "• ",
                "房间",
                "房间号：8",
                "(",
                "[",
                "{",
                '"',
                "=>",
            ),
        ]
    )
    | HOSTILE,
    max_size=12,
).map(" ".join)
MESSAGES = st.tuples(
    BODIES | st.fixed_dictionaries({"text": _PROSE}, optional={"blocks": JSON, "attachments": JSON}),
    st.sampled_from([None, re.compile(r"\bR-([0-9]+)\b"), re.compile(r"conf[a-z]+")]),
)


def check_found(given: tuple[dict[str, Any], re.Pattern[str] | None]) -> None:
    """At most 10 of a kind, each of which can be asked for, in a form that Slack takes."""
    message, pattern = given
    found = find_ids(texts_of_message(message), room_pattern=pattern)
    assert len(found.rooms) <= 10 >= len(found.tasks)
    for room in found.rooms:
        assert parse_query(format_query(RecordingQuery(rooms=(room,))), NOW, "UTC").rooms == (room,)
    check_modal(build_form(query=None, zone="UTC", opened=Opened.THREAD, found=found, private_metadata=""))


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "value": TYPED | ODD,
        "selected_option": st.fixed_dictionaries({"value": TYPED}) | ODD,
        "selected_options": st.lists(st.fixed_dictionaries({"value": TYPED}), max_size=3) | ODD,
        "selected_date": st.sampled_from(["2026-11-22", "2026-02-31", "0001-01-01", "9999-12-31"]) | ODD,
        "selected_time": st.sampled_from(["14:00", "24:00", "2:5"]) | ODD,
        "selected_conversation": st.just("C0GENERAL") | ODD,
    },
)


def forms(fields: type[StrEnum]) -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    """States of a form's `fields`, with what it keeps."""
    names = sorted(fields)
    field = st.dictionaries(st.just(INPUT) | HOSTILE, _FIELDS | ODD, min_size=1, max_size=2)
    return st.tuples(
        st.fixed_dictionaries(
            {"values": st.dictionaries(st.sampled_from(names), field | ODD, max_size=6) | ODD}
        ),
        TYPED,
    )


def check_form(given: tuple[dict[str, Any], str]) -> None:
    """A query, or a sentence beside each field at fault."""
    state, kept = _as_delivered(given[0]), given[1]
    _check_form(lambda: read_form(state, now=NOW, zone="Europe/Berlin", fallback=kept))


def check_digest_form(given: tuple[dict[str, Any], str]) -> None:
    """The same of a digest's form."""
    state, kept = _as_delivered(given[0]), given[1]
    _check_form(lambda: read_digest_form(state, now=NOW, zone="Europe/Berlin", kept=kept))
    assert allows_outsiders(state) in {True, False}


def _as_delivered(state: dict[str, Any]) -> dict[str, Any]:
    return well_formed({"view": {"state": state}})["view"]["state"]


def _check_form(read: Callable[[], object]) -> None:
    try:
        assert read()
    except FormErrors as error:
        errors = error.errors
    else:
        return
    assert errors
    assert all(isinstance(name, str) and 0 < len(words) <= 2_000 for name, words in errors.items())


RECORDS = st.tuples(st.sampled_from(["%s", "room %s of %r", "no values"]), HOSTILE, HOSTILE)


def _raised(says: str) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    try:
        _break_down(says)
    except RuntimeError as error:
        return RuntimeError, error, error.__traceback__
    raise AssertionError("nothing was raised")


def _break_down(says: str) -> None:
    raise RuntimeError(says)


def check_log(given: tuple[str, str, str]) -> None:
    """A record is one line; the lines of a traceback are set in, so that none looks like a record."""
    message, value, says = given
    raised = _raised(says)
    values = (value,) * message.count("%")
    record = logging.LogRecord("bot", logging.ERROR, __file__, 1, message, values, raised)
    first, *rest = TextLines().format(record).split("\n")
    check_text(first, mrkdwn=False)
    assert all(line.startswith("  ") for line in rest)
    for line in rest:
        check_text(line, mrkdwn=False)
    line = JsonLines().format(record)
    check_text(line, mrkdwn=False)
    assert "\n" not in line
    assert json.loads(line)["level"] == "ERROR"
    (first + line + "".join(rest)).encode()


_VARIABLES = st.sampled_from(
    [
        *(
            "ZEGO_APP_ID",
            "ZEGO_SERVER_SECRET",
            "ZEGO_API_URL",
            "ZEGO_MAX_RPS",
            "SLACK_BOT_TOKEN",
            "SLACK_APP_TOKEN",
        ),
        *("SLACK_SIGNING_SECRET", "SLACK_API_URL", "PORT", "DATABASE_URL", "CACHE_TTL_SECONDS"),
        *("DEFAULT_TZ", "ALLOWED_CHANNELS", "ALLOWED_USERS", "ALLOWED_TEAMS", "LOG_LEVEL", "LOG_FORMAT"),
        *("RUNAWAY_HOURS", "MAX_RECORD_HOURS", "ROOM_PATTERN", "BOT_CLOCK"),
        *(
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "NO_PROXY",
            "https_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ),
    ]
)
ENVIRONMENTS = st.dictionaries(
    _VARIABLES,
    HOSTILE
    | st.sampled_from(["http://[", "https://h:99999/", "postgres://u:hunter2@h:x/d", "(", "xoxb-hunter2\n"]),
    max_size=6,
)


def check_environment(given: dict[str, str]) -> None:
    """Settings, or every problem in words, with no secret in them."""
    try:
        settings = load_settings(given, slack=True)
    except RecordingsError as error:
        shown = str(error)
    else:
        shown = repr(settings)
    assert "hunter2" not in shown
    assert shown.replace("\n- ", "").isprintable()


@dataclass(frozen=True)
class Target:
    """What is fuzzed: inputs, and what has to be true of each; `share` of a hundred inputs."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    share: int


def targets() -> dict[str, Target]:
    """Every target but the door, by the name that the table shows."""
    return {
        "typed questions": Target(TYPED, check_query, 7),
        "typed digest commands": Target(TYPED, check_digest_command, 7),
        "button values": Target(_STATE | HOSTILE, check_button, 12),
        "private_metadata, askers": Target(st.tuples(BODIES, _METADATA), check_state, 4),
        "vendor's lists": Target(LISTS, check_list, 20),
        "vendor's details": Target(DETAILS, check_details, 20),
        "people's messages": Target(MESSAGES, check_found, 4),
        "the form": Target(forms(FormField), check_form, 5),
        "the digest form": Target(forms(DigestField), check_digest_form, 5),
        "log records": Target(RECORDS, check_log, 3),
        "environments": Target(ENVIRONMENTS, check_environment, 3),
    }
