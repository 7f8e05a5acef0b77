"""Which room and task IDs are found in support messages, and that no text is too much."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.form.found_ids import MAX_FOUND, FoundIds, find_ids
from bot.query.parser import format_query, parse_query
from bot.query.terms import RecordingQuery
from bot.sandbox.recording_life import make_task_id
from bot.slack.message_text import texts_of_message
from tests.support_messages import MESSAGES, T1, T2, T3

NOW = 1_795_417_200.0
TICKET_ROOM = re.compile(r"customer/([a-z0-9-]+)")


@pytest.mark.parametrize(("text", "tasks", "rooms"), MESSAGES, ids=[text[:40] for text, _, _ in MESSAGES])
def test_exactly_the_ids_of_a_message_are_found(
    text: str, tasks: tuple[str, ...], rooms: tuple[str, ...]
) -> None:
    assert find_ids([text]) == FoundIds(tasks, rooms)


def test_over_all_messages_nothing_is_missed_and_nothing_found_that_is_not_there() -> None:
    missed, false = [], []
    for text, tasks, rooms in MESSAGES:
        found = find_ids([text])
        here, expected = {*found.tasks, *found.rooms}, {*tasks, *rooms}
        missed += sorted(expected - here)
        false += sorted(here - expected)
    assert len(MESSAGES) >= 180
    assert sum(len(tasks) + len(rooms) for _, tasks, rooms in MESSAGES) >= 150
    assert (missed, false) == ([], [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("room 12 is too cold, can someone turn up the heating?", FoundIds(rooms=("12",))),
        ("there is no room 'left'", FoundIds(rooms=("left",))),
        ("our badge is aB3dE5fG7hI9jK1l", FoundIds(tasks=("aB3dE5fG7hI9jK1l",))),
        ("recording room 1230 streams since 2026", FoundIds(rooms=("1230",))),
    ],
)
def test_what_reads_like_an_id_is_offered_although_it_may_be_none(text: str, found: FoundIds) -> None:
    assert find_ids([text]) == found


@pytest.mark.parametrize(
    "text",
    [
        "1230 has no recording",
        "the standup room lost its recording",
        "room lobby has no recording",
        "meeting room 7 has no recording",
    ],
)
def test_an_id_that_nothing_sets_apart_is_left_to_the_person(text: str) -> None:
    assert not find_ids([text])


def test_the_likeliest_stand_first_then_those_of_the_message_itself() -> None:
    thread = [f"room 5 and {T3}", "hm", f"conference room 4711, room: 88, roomId=1230 taskId={T1}, {T2}"]
    assert find_ids(thread) == FoundIds((T1, T3, T2), ("1230", "88", "5", "4711"))


def test_at_most_ten_of_a_kind_are_found() -> None:
    tasks = [make_task_id(int(NOW * 1000), number, 1) for number in range(30)]
    rooms = [str(number) for number in range(100, 130)]
    found = find_ids([f"room {room}: {task}" for room, task in zip(rooms, tasks, strict=True)])
    assert found == FoundIds(tuple(tasks[:MAX_FOUND]), tuple(rooms[:MAX_FOUND]))


def test_a_configured_pattern_adds_rooms_and_puts_them_first() -> None:
    texts = ["room 1230, see <https://crm.example.com/customer/acme-7?x=1>"]
    assert find_ids(texts).rooms == ("1230",)
    assert find_ids(texts, room_pattern=TICKET_ROOM).rooms == ("acme-7", "1230")
    assert find_ids(texts, room_pattern=re.compile("acme-[0-9]")).rooms == ("acme-7", "1230")
    assert find_ids(["88"], room_pattern=re.compile("^([0-9]+)$")).rooms == ("88",)
    assert find_ids(["x"], room_pattern=re.compile("(y)?x")).rooms == ()


def test_nearly_every_id_of_the_vendor_s_shape_is_recognised_by_itself() -> None:
    ids = [make_task_id(1_600_000_000_000 + 80_000_000 * n, n, n) for n in range(4000)]
    recognised = sum(find_ids([f"look at {task}, please"]).tasks == (task,) for task in ids)
    assert recognised >= 0.97 * len(ids)
    named = sum(find_ids([f'"task_id":"{task}"']).tasks == (task,) for task in ids)
    assert named == len(ids)


RICH_TEXT = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "user", "user_id": "U0ASKER1"},
                {"type": "text", "text": " room "},
                {"type": "text", "text": "a&b-lobby", "style": {"code": True}},
                {"type": "text", "text": " <- and "},
                {"type": "link", "url": "https://x.example.com/?room_id=88&y=1", "text": "this"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "room: 7001"}]},
                {"type": "rich_text_section", "elements": [{"type": "text", "text": f"task {T1}"}]},
            ],
        },
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": f'{{"TaskId":"{T2}"}}'}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "room 55"}]},
    ],
}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"text": "room 1230"}, FoundIds(rooms=("1230",))),
        ({"text": "", "blocks": [RICH_TEXT]}, FoundIds((T1, T2), ("88", "7001", "a&b-lobby", "55"))),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "room: `a&amp;1`"}}]},
            FoundIds(rooms=("a&1",)),
        ),
        (
            {
                "blocks": [
                    {"type": "section", "fields": [{"type": "plain_text", "text": "room: `a&amp;b` x"}]}
                ]
            },
            FoundIds(rooms=("a&b",)),
        ),
        (
            {"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": f"task {T1}"}]}]},
            FoundIds(tasks=(T1,)),
        ),
        (
            {
                "text": "fyi",
                "attachments": [{"fallback": "room 12", "text": f"task {T3}", "title": "room 13"}],
            },
            FoundIds((T3,), ("13", "12")),
        ),
        (
            {
                "attachments": [
                    {"fields": [{"title": "Room", "value": "1230"}, {"title": "Room ID", "value": "x7"}]}
                ]
            },
            FoundIds(rooms=("x7", "1230")),
        ),
        (
            {"attachments": [{"message_blocks": [{"message": {"blocks": [RICH_TEXT["elements"]]}}]}]},
            FoundIds(),
        ),
        (
            {"attachments": [{"message_blocks": [{"message": {"blocks": [RICH_TEXT]}}], "blocks": None}]},
            FoundIds((T1, T2), ("88", "7001", "a&b-lobby", "55")),
        ),
        ({"text": "see file", "files": [{"title": "room 1230", "name": f"{T1}.mp4"}]}, FoundIds()),
        ({"text": None, "blocks": "x", "attachments": [None, 3]}, FoundIds()),
        (
            {
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [{"type": "link", "text": "x"}, None, {"type": "text"}],
                    },
                    {
                        "type": "rich_text",
                        "elements": [{"type": "link", "url": "https://x.example.com/room/77"}],
                    },
                ],
                "attachments": [{"fields": ["x", {"title": "Room"}], "message_blocks": ["x"]}],
            },
            FoundIds(rooms=("77",)),
        ),
    ],
)
def test_every_part_of_a_message_is_read_but_its_files(message: dict[str, Any], found: FoundIds) -> None:
    assert find_ids(texts_of_message(message)) == found


def test_the_same_text_in_two_parts_is_read_once() -> None:
    message = {"text": "room 1230", "attachments": [{"text": "room 1230", "fallback": "room 1230"}]}
    assert texts_of_message(message) == ["room 1230"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "blocks", "fields", "style", "attachments", "url"])
            | st.text(max_size=5),
            inner | st.sampled_from(["rich_text", "rich_text_section", "link", "text", "section"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["text", "blocks", "attachments", "message_blocks"]), JSON))
def test_a_message_of_any_shape_can_be_read(message: dict[str, Any]) -> None:
    assert all(isinstance(text, str) for text in texts_of_message(message))


FRAGMENTS = st.sampled_from(
    [
        *(
            "room",
            "Room ID",
            "rooms",
            "房间",
            "房间号：",
            "task ",
            "taskId=",
            T1,
            T2 + "_",
            "1230",
            " and ",
            ", ",
        ),
        *(
            ":",
            "=",
            " is ",
            "`",
            '"',
            "'",
            "<",
            ">",
            "|",
            "&amp;",
            "<@U1>",
            "(",
            "[",
            "-",
            "_",
            "\n",
            "—",
            "/",
        ),
        *("https://x/", "%2F", "room_", "{", "\\", "\0", "\ud800", "ß", "🎉"),
    ]
)


@given(st.lists(st.text(max_size=100) | st.lists(FRAGMENTS, max_size=30).map("".join), max_size=4))
def test_whatever_is_written_what_is_found_can_be_asked_for(texts: list[str]) -> None:
    found = find_ids(texts)
    assert len(found.rooms) <= MAX_FOUND
    assert len(found.tasks) <= MAX_FOUND
    assert len(set(found.rooms)) == len(found.rooms)
    if found.rooms:
        query = RecordingQuery(rooms=found.rooms)
        assert parse_query(format_query(query), NOW, "UTC") == query
    for task in found.tasks:
        assert parse_query(f"task={task}", NOW, "UTC").task == task
        assert any(task in text for text in texts)


PIECES = [
    *("room ", "room:", "room-1", "rooms 1, 2, ", "room '", "room id is ", "room.id", '{"room":{"id":'),
    *(
        "房间",
        "1房间",
        "`x` ",
        "`",
        "<",
        "<a",
        "<!|",
        "&amp;",
        "\\",
        "—",
        "🎉",
        "“",
        " ",
        "\n",
        "ab\n",
        "_",
        "-",
    ),
    *("a", "Aa1", "1-", "Aa1Bb2Cc3Dd4Ee5F/", T1, f"task:{T1} ", "http://", "http://a%20", "loginRoom("),
]
HOSTILE = {
    **{f"{piece!r} again and again": piece * (100_000 // len(piece)) for piece in PIECES},
    "one key and many spaces": "room" + " " * 100_000,
    "one key and a long list": "rooms 1," + "2," * 50_000,
    "one key and a long word": "room: " + "x" * 100_000,
    "long names": ("room-" + "a" * 119 + "! ") * 780,
    "an open token": "<https://" + "a|" * 50_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_of_100_kb_is_read_to_its_end(text: str) -> None:
    """A pattern that backtracks without end would never come back from here."""
    assert len(find_ids([text]).rooms) <= MAX_FOUND


def test_a_thread_is_read_up_to_200_000_characters() -> None:
    page = "x" * 40_000
    assert find_ids([page] * 4 + ["room 1230"]).rooms == ("1230",)
    assert find_ids([page] * 5 + ["room 1230"]).rooms == ()


def test_what_is_found_is_plain_data() -> None:
    assert json.dumps(find_ids([f"room 1230 {T1}"]).rooms) == '["1230"]'
    assert not FoundIds()
    assert FoundIds(tasks=(T1,))
