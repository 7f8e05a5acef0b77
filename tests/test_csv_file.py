"""The CSV file: every row, readable by machines, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest

from bot.csv_file import COLUMNS, build_csv, iso_utc
from bot.models import Recording


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_has_its_ids_status_and_start() -> None:
    text = build_csv([Recording("YRHu6-E4IyvEAAAD", "1230", 4, 1_795_417_200_007)])
    assert text == (
        "task_id,room_id,status,status_code,began_at\r\n"
        "YRHu6-E4IyvEAAAD,1230,failed,4,2026-11-23T07:00:00.007Z\r\n"
    )


def test_no_rows_leave_the_heading() -> None:
    assert build_csv([]) == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("room", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠x"])
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote_in_front(room: str) -> None:
    [row] = read(build_csv([Recording("-task", room, 2, 0)]))
    assert row["room_id"] == f"'{room}"
    assert row["task_id"] == "'-task"


@pytest.mark.parametrize(
    ("room", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a,=1+1", "a,'=1+1"),
        ('a";@x', "a\";'@x"),
        ("a|-1", "a|'-1"),
        ("two\nlines", r"two\nlines"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("\x1b[2J", r"\x1b[2J"),
    ],
)
def test_where_other_separators_begin_a_cell_nothing_runs_either(room: str, cell: str) -> None:
    [row] = read(build_csv([Recording("t", room, 2, 0)]))
    assert row["room_id"] == cell


@pytest.mark.parametrize("room", ['a,"b"', "房间 7", "", "a=b", "😀"])
def test_any_other_room_comes_back_as_it_is(room: str) -> None:
    [row] = read(build_csv([Recording("t", room, 2, 0)]))
    assert row["room_id"] == room


def test_a_status_that_nobody_knows_is_shown_as_it_is() -> None:
    [row] = read(build_csv([Recording("t", "7", 9, 0)]))
    assert (row["status"], row["status_code"]) == ("status 9", "9")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_628_565_227_899, "2021-08-10T03:13:47.899Z")],
)
def test_moments_are_utc_to_the_millisecond(ms: int, text: str) -> None:
    assert iso_utc(ms) == text
