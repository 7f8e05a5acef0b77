"""Reading the form: a form left as it was asks its query again, and every mistake stands at its field."""

from __future__ import annotations

import datetime as dt
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.errors import QueryError
from bot.features.form.fields import (
    BETWEEN,
    FormResult,
    Opened,
    Where,
    build_form,
    kept_terms,
    read_form,
    suggested_query,
    window_in_fields,
)
from bot.features.form.found_ids import FoundIds
from bot.query.parser import format_query, parse_query
from bot.query.terms import RecordingQuery, Sort, Status
from bot.query.times import DAY, HOUR, MAX_SECONDS, RelativeDay, TimePoint
from bot.sandbox.slack.block_rules import check_view
from bot.sandbox.slack.form_state import initial_state
from bot.slack.forms import FormErrors
from bot.slack.ids import INPUT, FormField

NOW = dt.datetime(2026, 11, 23, 13, 3, tzinfo=dt.UTC).timestamp()
"""Monday 23 November 2026, 14:03 in Berlin."""
BERLIN = "Europe/Berlin"
T1, T2 = "YRHu6-E4IyvEAAAD", "X3CgNeE4I1qAAABN"

PICKERS = (FormField.FROM_DATE, FormField.FROM_TIME, FormField.TO_DATE, FormField.TO_TIME)


def state_of(query: RecordingQuery | None, **how: Any) -> dict[str, Any]:
    """The state of a form that nobody has touched."""
    view = build_form(query=query, zone=BERLIN, **{"opened": Opened.CHANNEL, **how})
    return {"values": initial_state(view["blocks"])}


def fill(state: dict[str, Any], block_id: str, value: Any) -> None:
    """Fill one field in as `view_submission` has it."""
    field = state["values"].setdefault(block_id, {}).setdefault(INPUT, {})
    if block_id in {FormField.SUBJECT, FormField.STATUS, FormField.WINDOW, FormField.ORDER, FormField.WHERE}:
        field["selected_option"] = {"text": {"type": "plain_text", "text": "as shown"}, "value": value}
    elif block_id == FormField.FOUND_ROOMS:
        field["selected_options"] = [
            option for option in field["selected_options"] if option["value"] in value
        ]
    elif block_id in {FormField.FROM_DATE, FormField.TO_DATE}:
        field["selected_date"] = value
    elif block_id in {FormField.FROM_TIME, FormField.TO_TIME}:
        field["selected_time"] = value
    else:
        field["selected_conversation" if block_id == FormField.CONVERSATION else "value"] = value


def read(
    query: RecordingQuery | None = None, *, zone: str = BERLIN, now: float = NOW, **filled: Any
) -> FormResult:
    """Read a form that was built from a query and changed: keys are names of `FormField`."""
    state = state_of(query)
    for name, value in filled.items():
        fill(state, FormField[name], value)
    return read_form(state, now=now, zone=zone, fallback=kept_terms(query or suggested_query(None)))


def asked(query: RecordingQuery | None = None, **filled: Any) -> str:
    return format_query(read(query, **filled).query)


def parsed(text: str) -> RecordingQuery:
    return parse_query(text, NOW, BERLIN)


AS_BUILT = [
    "last=24h",
    "room=1230",
    'room=1230,"main hall","a,b"',
    "room=a&b,<c>,100%",
    r'room="a\x26amp;b"',
    "status=failed last=3d sort=oldest",
    "last=90m",
    "last=1h30m size=5",
    "last=7d",
    "last=6h tz=Asia/Tokyo",
    "from=2026-11-20",
    "from=2026-11-20T14:00 to=2026-11-21",
    "to=2026-11-22T23:59 tz=America/New_York",
    "from=today",
    "from=yesterday to=yesterday",
    'from="yesterday 14:00" to=now',
    "from=08:00 to=14:00",
    "from=2026-11-20T14:00:30",
    "from=2026-11-20T14:00+05:30 to=2026-11-20T14:00Z",
    'room="ticket 4" status=paused from="yesterday 23:59:59.123456+14:00" tz=UTC sort=oldest size=20',
    f"task={T1}",
]


@pytest.mark.parametrize("text", AS_BUILT)
def test_a_form_left_as_it_was_asks_the_same(text: str) -> None:
    query = parsed(text)
    assert read(query).query == query


def test_a_form_asks_for_the_first_page() -> None:
    assert asked(parsed("room=1230 page=7")) == "room=1230 last=24h"


ROOMS = st.one_of(
    st.text(string.ascii_letters + string.digits + "~!@#$%^&*()_+=`;',.<>/\\-", min_size=1, max_size=128),
    st.text(st.characters(codec="ascii"), min_size=1, max_size=30),
)
TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0)) | st.times()
DAYS = st.dates(dt.date(2026, 11, 15), dt.date(2026, 11, 23)) | st.sampled_from(RelativeDay)
POINTS = st.one_of(
    st.just(TimePoint()),
    st.builds(TimePoint, DAYS),
    st.builds(TimePoint, st.none() | DAYS, TIMES, st.none() | st.integers(-14 * 60, 14 * 60)),
)


@st.composite
def queries(draw: st.DrawFn) -> RecordingQuery:
    query = RecordingQuery(
        rooms=tuple(draw(st.lists(ROOMS, max_size=10, unique=True))),
        status=draw(st.sampled_from(Status)),
        tz=draw(st.sampled_from([None, "UTC", BERLIN, "Asia/Kathmandu", "America/St_Johns"])),
        sort=draw(st.sampled_from(Sort)),
        size=draw(st.integers(1, 20)),
    )
    start, end = draw(st.none() | POINTS), draw(st.none() | POINTS)
    if start is None and end is None:
        query = replace(query, last_seconds=draw(st.sampled_from([HOUR, DAY]) | st.integers(1, MAX_SECONDS)))
    else:
        query = replace(query, last_seconds=None, start=start, end=end)
    try:
        return parsed(format_query(query))
    except QueryError:  # a window that cannot be, a room of a control character
        assume(False)
        raise


@given(queries(), st.sampled_from(Opened), st.sampled_from(["Europe/Berlin", "UTC", "EST", "nowhere"]))
def test_every_query_survives_its_form(query: RecordingQuery, opened: Opened, zone: str) -> None:
    view = build_form(query=query, zone=zone, opened=opened, found=FoundIds((T1,), ("1230", "a&b")))
    assert check_view(view) == []
    assert len(kept_terms(query)) < 300
    state = {"values": initial_state(view["blocks"])}
    assert read_form(state, now=NOW, zone=BERLIN, fallback=kept_terms(query)).query == query


@pytest.mark.parametrize(
    ("built", "filled", "asks"),
    [
        ("", {"ROOMS": "1230"}, "room=1230 last=24h"),
        ("", {"ROOMS": " 1230 , “main hall” "}, 'room=1230,"main hall" last=24h'),
        ("", {"ROOMS": "room=1230,88"}, "room=1230,88 last=24h"),
        ("", {"ROOMS": "١٢٣٠، ۸۸"}, "room=1230,88 last=24h"),
        ("", {"ROOMS": "Rooms = 1230"}, "room=1230 last=24h"),
        ("room=1230", {"ROOMS": None}, "last=24h"),
        ("room=1230", {"ROOMS": "  "}, "last=24h"),
        ("", {"STATUS": "ongoing", "ORDER": "oldest"}, "status=ongoing last=24h sort=oldest"),
        ("size=5 tz=Asia/Tokyo", {"WINDOW": "last=6h"}, "last=6h tz=Asia/Tokyo size=5"),
        ("", {"FROM_DATE": "2026-11-22"}, "from=2026-11-22 tz=Europe/Berlin"),
        ("", {"FROM_TIME": "08:00"}, "from=08:00 tz=Europe/Berlin"),
        ("", {"TO_TIME": "08:00"}, "to=08:00 tz=Europe/Berlin"),
        (
            "",
            {"FROM_DATE": "2026-11-22", "FROM_TIME": "08:00", "TO_TIME": "10:30"},
            "from=2026-11-22T08:00 to=2026-11-22T10:30 tz=Europe/Berlin",
        ),
        ("", {"FROM_TIME": "08:00", "TO_TIME": "10:30"}, "from=08:00 to=10:30 tz=Europe/Berlin"),
        (
            "",
            {"FROM_DATE": "2026-11-22", "TO_DATE": "2026-11-22"},
            "from=2026-11-22 to=2026-11-22 tz=Europe/Berlin",
        ),
        # pickers win over a window that is merely still chosen …
        ("last=6h", {"WINDOW": "last=2d", "TO_DATE": "2026-11-22"}, "to=2026-11-22 tz=Europe/Berlin"),
        ("from=today", {"FROM_DATE": "2026-11-22"}, "from=2026-11-22 tz=Europe/Berlin"),
        # … but not those that were there already when another window was chosen
        ("from=2026-11-20", {"WINDOW": "last=6h"}, "last=6h tz=Europe/Berlin"),
        ("from=2026-11-20", {"FROM_TIME": "08:00"}, "from=2026-11-20T08:00 tz=Europe/Berlin"),
        (
            "from=2026-11-20 to=2026-11-21",
            {"WINDOW": "last=6h", "TO_DATE": "2026-11-22"},
            "from=2026-11-20 to=2026-11-22 tz=Europe/Berlin",
        ),
        (f"task={T1}", {"SUBJECT": "search", "ROOMS": "1230"}, "room=1230 last=24h"),
        ("room=1230", {"SUBJECT": T2}, f"task={T2}"),
        ("", {"SUBJECT": T2, "ROOMS": "'", "FROM_DATE": "2027-01-01"}, f"task={T2}"),
    ],
)
def test_what_is_filled_in_is_asked(built: str, filled: dict[str, Any], asks: str) -> None:
    assert asked(parsed(built), **filled) == asks


@pytest.mark.parametrize(
    ("built", "filled", "errors"),
    [
        ("", {"ROOMS": "1230 88"}, {"ROOMS": "`room=` is given twice. Did you mean `1230,88`?"}),
        (
            "",
            {"ROOMS": "1230,"},
            {"ROOMS": "There is nothing behind the comma in `room=1230,`. Did you mean `1230`?"},
        ),
        (
            "",
            {"ROOMS": '1230,"main hall'},
            {
                "ROOMS": (
                    'The quotes do not pair up: `"main hall` opens one that is never closed. '
                    'Did you mean `1230,"main hall"`?'
                )
            },
        ),
        (
            "",
            {"ROOMS": ",".join(map(str, range(11)))},
            {"ROOMS": "`room=` takes at most 10 rooms, and here are 11."},
        ),
        (
            "",
            {"ROOMS": "1230 ongoing"},
            {"ROOMS": "`1230 ongoing` says more than rooms: put those here, with commas, the rest in its"},
        ),
        (
            "",
            {"ROOMS": "x" * 129},
            {"ROOMS": f"The room ID `{'x' * 79}…` has 129 bytes; ZEGOCLOUD allows at most 128."},
        ),
        (
            "",
            {"ROOMS": "1230, сlass-7"},
            {
                "ROOMS": (
                    "`сlass-7` can't be a room ID: room IDs have only English letters, digits, and symbols, "
                    "not the Cyrillic `с`. Did you mean `1230,class-7`?"
                )
            },
        ),
        (
            "",
            {"ROOMS": "会议"},
            {"ROOMS": "`会议` can't be a room ID: room IDs have only English letters, digits, and symbols"},
        ),
        (
            "",
            {"FROM_DATE": "2026-11-24"},
            {"FROM_DATE": ("`from=2026-11-24` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin).")},
        ),
        (
            "",
            {"FROM_TIME": "15:00"},
            {"FROM_TIME": "`from=15:00` is in the future; it is Mon 23 Nov 14:03 (Europe/Berlin)."},
        ),
        (
            "",
            {"FROM_DATE": "2026-11-22", "TO_DATE": "2026-11-21"},
            {"TO_DATE": "`from=2026-11-22` is not before `to=2026-11-21`."},
        ),
        (
            "",
            {"FROM_DATE": "2026-11-22", "FROM_TIME": "10:00", "TO_TIME": "09:00"},
            {"TO_TIME": "`from=2026-11-22T10:00` is not before `to=2026-11-22T09:00`."},
        ),
        (
            "",
            {"TO_DATE": "2026-11-19"},
            {"TO_DATE": "`to=2026-11-19` lies before the 3 days that ZEGOCLOUD's API keeps."},
        ),
        (
            "",
            {"FROM_DATE": "2026-03-29", "FROM_TIME": "02:30"},
            {
                "FROM_TIME": (
                    "`2026-03-29T02:30` does not exist in Europe/Berlin: "
                    "on 2026-03-29 the clocks go from 02:00 to 03:00."
                )
            },
        ),
        (
            "",
            {"TO_DATE": "2026-03-29", "TO_TIME": "02:30"},
            {
                "TO_TIME": (
                    "`2026-03-29T02:30` does not exist in Europe/Berlin: "
                    "on 2026-03-29 the clocks go from 02:00 to 03:00."
                )
            },
        ),
        (
            "",
            {"FROM_DATE": "1999-11-22"},
            {"FROM_DATE": "`1999-11-22` is out of reach: years go from 2000 to 2100."},
        ),
        (
            "",
            {"WINDOW": "between"},
            {"FROM_DATE": "Choose when the window begins or ends, or another window above."},
        ),
        (
            "from=2026-11-20",
            {"FROM_DATE": None},
            {"FROM_DATE": "Choose when the window begins or ends, or another window above."},
        ),
        ("", {"STATUS": "lost"}, {"STATUS": "There is no status `lost`: it can be "}),
        ("", {"ORDER": "sideways"}, {"ORDER": "There is no order `sideways`: it can be newest or oldest."}),
        ("", {"WINDOW": "last=never"}, {"WINDOW": "`never` is not a duration: write "}),
        ("", {"WINDOW": "soon=1"}, {"WINDOW": "There is no term `soon`."}),
        ("", {"SUBJECT": "x"}, {"SUBJECT": "`x` is not a task ID: those have 16 characters"}),
        (
            "",
            {"ROOMS": "1230,", "FROM_DATE": "2026-11-24", "STATUS": "lost"},
            {
                "ROOMS": "There is nothing behind the comma in `room=1230,`.",
                "FROM_DATE": "`from=2026-11-24` is in the future;",
                "STATUS": "There is no status `lost`",
            },
        ),
    ],
)
def test_each_mistake_stands_at_its_field_in_the_language_s_words(
    built: str, filled: dict[str, Any], errors: dict[str, str]
) -> None:
    with pytest.raises(FormErrors) as caught:
        read(parsed(built), **filled)
    assert set(caught.value.errors) == {FormField[name] for name in errors}
    for name, sentence in errors.items():
        assert caught.value.errors[FormField[name]].startswith(sentence)
        assert sentence in caught.value.sentence()


def test_a_window_kept_as_asked_that_has_come_to_nothing_says_so_at_the_window() -> None:
    evening = parse_query("from=14:00", NOW + 6 * HOUR, BERLIN)
    with pytest.raises(FormErrors) as caught:
        read(evening, now=NOW - HOUR)
    assert list(caught.value.errors) == [FormField.WINDOW]
    assert "`from=14:00` is in the future" in caught.value.errors[FormField.WINDOW]
    assert asked(evening, now=NOW - HOUR, WINDOW="last=6h") == "last=6h tz=Europe/Berlin"


def test_an_unknown_zone_is_said_only_where_a_zone_is_needed() -> None:
    assert asked(zone="nowhere") == "last=24h"
    with pytest.raises(FormErrors) as caught:
        read(zone="nowhere", FROM_DATE="2026-11-22")
    assert caught.value.errors[FormField.FROM_DATE].startswith("Your time zone `nowhere` is not known here")


def test_a_fallback_that_cannot_be_read_is_a_mistake_and_not_another_query() -> None:
    with pytest.raises(FormErrors) as caught:
        read_form(state_of(None), now=NOW, zone=BERLIN, fallback="tz=Atlantis/Lost last=6h")
    assert list(caught.value.errors) == [FormField.WINDOW]


def test_a_form_of_another_version_is_read_by_the_fields_it_has() -> None:
    assert read_form({}, now=NOW, zone=BERLIN) == FormResult(RecordingQuery(), Where.PRIVATE)
    kept = "status=failed last=2d sort=oldest"
    result = read_form({"values": {}}, now=NOW, zone=BERLIN, fallback=kept)
    assert format_query(result.query) == kept


@pytest.mark.parametrize(
    ("found", "asks"),
    [
        (FoundIds(), "last=24h"),
        (FoundIds(rooms=("1230",)), "room=1230 last=3d"),
        (FoundIds(rooms=("1230", "88")), "room=1230,88 last=3d"),
        (FoundIds((T1,), ("1230",)), "room=1230 last=3d"),
        (FoundIds((T1, T2)), f"task={T1}"),
    ],
)
def test_a_form_from_a_message_asks_for_what_was_found(found: FoundIds, asks: str) -> None:
    result = read_form(
        state_of(None, found=found, opened=Opened.THREAD),
        now=NOW,
        zone=BERLIN,
        fallback=kept_terms(suggested_query(found)),
    )
    assert format_query(result.query) == asks
    assert result.where is Where.THREAD


def test_a_room_that_slack_s_options_cannot_carry_is_typed_instead() -> None:
    unusual = "%&<>'" * 25
    found = FoundIds(rooms=("12&30", unusual, "50%41"))
    state = state_of(None, found=found)
    assert [
        option["value"] for option in state["values"][FormField.FOUND_ROOMS][INPUT]["selected_options"]
    ] == [
        *("12%2630", "50%2541"),
    ]
    assert read_form(state, now=NOW, zone=BERLIN).query.rooms == (unusual, "12&30", "50%41")


def test_rooms_can_be_unticked_and_typed() -> None:
    found = FoundIds(rooms=("1230", "88", "7"))
    state = state_of(None, found=found)
    fill(state, FormField.FOUND_ROOMS, ["88", "7"])
    fill(state, FormField.ROOMS, "main, 7")
    result = read_form(state, now=NOW, zone=BERLIN, fallback=kept_terms(suggested_query(found)))
    assert result.query.rooms == ("main", "7", "88")
    assert result.query.last_seconds == 3 * DAY


def test_ticked_and_typed_rooms_are_counted_together() -> None:
    found = FoundIds(rooms=tuple(map(str, range(10))))
    state = state_of(None, found=found)
    fill(state, FormField.ROOMS, "another")
    with pytest.raises(FormErrors) as caught:
        read_form(state, now=NOW, zone=BERLIN)
    assert caught.value.errors == {FormField.ROOMS: "`room=` takes at most 10 rooms, and here are 11."}


@pytest.mark.parametrize(
    ("opened", "usual", "others"),
    [
        (Opened.CHANNEL, Where.PRIVATE, [Where.CHANNEL]),
        (Opened.THREAD, Where.THREAD, [Where.PRIVATE]),
        (Opened.DIRECT, Where.PRIVATE, []),
        (Opened.ANYWHERE, Where.PRIVATE, [Where.CHANNEL]),
    ],
)
def test_the_answer_goes_where_it_was_chosen(opened: Opened, usual: Where, others: list[Where]) -> None:
    state = state_of(None, opened=opened)
    assert read_form(state, now=NOW, zone=BERLIN).where is usual
    for where in others:
        fill(state, FormField.WHERE, where)
        assert read_form(state, now=NOW, zone=BERLIN).where is where
        preselected = state_of(None, opened=opened, where=where)
        assert read_form(preselected, now=NOW, zone=BERLIN).where is where


def test_only_dates_and_whole_minutes_go_into_the_pickers() -> None:
    assert window_in_fields(parsed("from=2026-11-20T14:00 to=2026-11-21")) == (
        BETWEEN,
        ("2026-11-20", "14:00", "2026-11-21", ""),
    )
    for text in ("from=14:00", "from=yesterday", "from=2026-11-20T14:00:30", "from=2026-11-20T14:00Z"):
        assert window_in_fields(parsed(text)) == (text, ("", "", "", ""))
