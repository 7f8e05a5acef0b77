"""What buttons carry survives the way through Slack, and nothing that comes back can hurt."""

from __future__ import annotations

import base64
import random
import string
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.query.parser import format_query, parse_query
from bot.query.terms import MAX_ROOM_BYTES, MAX_ROOMS, RecordingQuery, Sort, Status
from bot.recordings.page import MAX_VALUE, ButtonState, Cursor, decode_button
from tests.world import NOW, NOW_MS

TASK_ID = "YRHu6-E4IyvEAAAD"
texts = st.text(max_size=400)
cursors = st.builds(
    Cursor,
    began_ms=st.integers(0, 253402300799999),
    task_id=st.text(st.characters(codec="utf-8"), max_size=16),
    forward=st.booleans(),
)
states = st.builds(
    ButtonState,
    page=st.integers(1, 100_000),
    asked_ms=st.integers(0, 4_102_444_800_000),
    query=texts,
    cursor=st.none() | cursors,
)


@given(states)
@example(ButtonState(1, 0, "~"))
@example(ButtonState(1, NOW_MS, "room=a|b last=6h", Cursor(1, "|", forward=True)))
@example(ButtonState(1, NOW_MS, "room=x last=6h", Cursor(1, ">.|~%7C", forward=False)))
def test_a_state_comes_back_as_it_went(state: ButtonState) -> None:
    value = state.encode()
    assert len(value) <= MAX_VALUE
    back = decode_button(value)
    assert back is not None
    assert (back.page, back.asked_ms, back.query) == (state.page, state.asked_ms, state.query)
    assert back.cursor in (state.cursor, None)
    if state.cursor is None or len(state.cursor.task_id) == len(state.cursor.task_id.encode()):
        assert back.cursor == state.cursor


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (
            f"v1|2|{NOW_MS}|room=1230 last=6h",
            ButtonState(2, NOW_MS, "room=1230 last=6h"),
        ),
        (f"v1|1|{NOW_MS}|", ButtonState(1, NOW_MS, "")),
        (
            f"v1|2>1628565227899.{TASK_ID}|{NOW_MS}|room=1230",
            ButtonState(2, NOW_MS, "room=1230", Cursor(1628565227899, TASK_ID, forward=True)),
        ),
        (
            f"v1|1<0.|{NOW_MS}|room=a|b",
            ButtonState(1, NOW_MS, "room=a|b", Cursor(0, "", forward=False)),
        ),
    ],
)
def test_values_of_older_messages_are_read(value: str, state: ButtonState) -> None:
    assert decode_button(value) == state


@pytest.mark.parametrize(
    "value",
    [
        "",
        "v1",
        "v1|||",
        "v1|0|1|room=1",
        "v1|-1|1|room=1",
        "v1|1.5|1|room=1",
        "v1|1000000|1|room=1",
        "v1|1|99999999999999|room=1",
        "v1|١|1|room=1",
        "v1|1|x|room=1",
        "v1|1|1",
        "v1|1>|1|room=1",
        "v1|1>1|1|room=1",
        "v1|1>9999999999999999.a|1|room=1",
        f"v1|1>1.{'a' * 5000}|1|room=1",
        "v2|1|1|room=1",
        " v1|1|1|room=1",
        "v1|1|1|~",
        "v1|1|1|~AAAA",
        "v1|1|1|~not base64!",
        "v1|1|1|~\u00e9",
        "v1|1|1|~eJwDAAAAAAE",
    ],
)
def test_what_cannot_be_read_is_nothing(value: str) -> None:
    assert decode_button(value) is None


def test_a_packed_query_cannot_unfold_without_end() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"a" * 10_000_000)).decode()
    assert len(bomb) > 2_000
    assert decode_button(f"v1|1|1|~{bomb}") is None


@given(st.text())
@example("v1|1|1|~eJwrzs9NVUhMTy0uyS8tUUgsKsovBwBSmgc8")
def test_no_text_at_all_raises(value: str) -> None:
    decode_button(value)
    decode_button(f"v1|1|1|~{value}")
    decode_button(f"v1|1>{value}|1|room=1")


LONGEST_ROOMS = {
    "letters": string.ascii_letters + string.digits,
    "everything the vendor allows": string.ascii_letters + string.digits + "~!@#$%^&*()_+=`;',.<>/\\-",
    "what has to be quoted": "\"\\' ,",
}


@pytest.mark.parametrize("alphabet", LONGEST_ROOMS.values(), ids=LONGEST_ROOMS)
def test_the_longest_question_fits_into_a_button(alphabet: str) -> None:
    rng = random.Random(alphabet)  # noqa: S311 - test data
    rooms = []
    while len(rooms) < MAX_ROOMS:
        room = ""
        while len((room + (character := rng.choice(alphabet))).encode()) <= MAX_ROOM_BYTES:
            room += character
        rooms.append(room.strip() or "x")
    query = RecordingQuery(
        rooms=tuple(dict.fromkeys(rooms)),
        status=Status.STARTING,
        last_seconds=365 * 86400 + 86399,
        tz="America/Argentina/ComodRivadavia",
        sort=Sort.OLDEST,
        size=20,
    )
    text = format_query(query)
    state = ButtonState(100_000, NOW_MS, text, Cursor(253402300799999, TASK_ID, forward=True))
    value = state.encode()
    assert len(value) <= MAX_VALUE
    back = decode_button(value)
    assert back == state
    assert parse_query(back.query, NOW, "UTC") == query


def test_a_short_query_stays_readable() -> None:
    state = ButtonState(2, NOW_MS, "room=1230 status=ongoing last=6h", Cursor(5, TASK_ID, forward=True))
    assert state.encode() == f"v1|2>5.{TASK_ID}|{NOW_MS}|room=1230 status=ongoing last=6h"
