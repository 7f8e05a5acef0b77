"""The CSV file: every row, readable by machines, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json

import pytest

from bot.models import Recording, RecordingDetails, RecordingFile
from bot.query.parser import parse_query, resolve_window
from bot.recordings import csv_file
from bot.recordings.csv_file import COLUMNS, fields_of, iso_utc
from bot.recordings.page import Page, Question
from bot.terminal.query import page_json
from bot.verdicts.judge import judge

BEGAN_MS = 1_795_417_200_007


def a_page(rows: list[Recording], text: str = "last=1d", **more: object) -> Page:
    query = parse_query(text, BEGAN_MS / 1000 + 7200, "UTC")
    return Page(
        question=Question(query, "UTC"),
        window=resolve_window(query, BEGAN_MS / 1000 + 7200, "UTC"),
        recordings=tuple(rows),
        first=0,
        total=len(rows),
        exact=True,
        newer=None,
        older=None,
        as_of_ms=BEGAN_MS + 7_200_000,
        **more,
    )


def details_of(row: Recording, ended_ms: int, *files: RecordingFile) -> RecordingDetails:
    return RecordingDetails(
        row.task_id, row.room_id, row.status, row.began_ms, ended_ms, 2, 3, files, "", BEGAN_MS
    )


def build_csv(rows: list[Recording]) -> str:
    return csv_file.build_csv(a_page(rows))


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


HEADING = "task_id,room_id,status,status_code,began_at,ended_at,seconds,verdict,files,bytes\r\n"


def test_a_row_has_its_ids_status_and_start_and_nothing_that_is_not_known() -> None:
    text = build_csv([Recording("YRHu6-E4IyvEAAAD", "1230", 4, BEGAN_MS)])
    assert text == f"{HEADING}YRHu6-E4IyvEAAAD,1230,failed,4,2026-11-23T07:00:00.007Z,,,,,\r\n"


def test_a_row_has_its_end_length_verdict_files_and_size_where_they_are_known() -> None:
    row = Recording("YRHu6-E4IyvEAAAD", "1230", 3, BEGAN_MS)
    files = (RecordingFile(status=3, size_bytes=5), RecordingFile(status=5, size_bytes=7))
    details = details_of(row, BEGAN_MS + 3_600_500, *files)
    page = a_page(
        [row], details={row.task_id: details}, verdicts={row.task_id: judge(details, details.as_of_ms)}
    )
    assert csv_file.build_csv(page) == (
        f"{HEADING}YRHu6-E4IyvEAAAD,1230,ended,3,2026-11-23T07:00:00.007Z,"
        "2026-11-23T08:00:00.507Z,3600,lost,2,12\r\n"
    )


@pytest.mark.parametrize(
    ("sizes", "size"), [((), 0), ((5, 7), 12), ((5, None), None), ((None,), None), ((5, -1), None)]
)
def test_a_size_is_told_only_where_that_of_every_file_is_known(
    sizes: tuple[int | None, ...], size: int | None
) -> None:
    row = Recording("t", "1230", 3, BEGAN_MS)
    details = details_of(row, BEGAN_MS, *(RecordingFile(size_bytes=one) for one in sizes))
    assert fields_of(row, a_page([row], details={"t": details}))["bytes"] == size


def test_what_runs_has_run_so_far() -> None:
    row = Recording("t", "1230", 2, BEGAN_MS)
    fields = fields_of(row, a_page([row]))
    assert (fields["ended_at"], fields["seconds"], fields["verdict"]) == (None, 7200, None)


@pytest.mark.parametrize("text", ["last=1d", "status=attention last=1d"])
def test_the_file_has_the_columns_of_json_in_their_order(text: str) -> None:
    row = Recording("t", "1230", 4, BEGAN_MS)
    page = a_page([row], text, verdicts={"t": judge(details_of(row, BEGAN_MS), BEGAN_MS)})
    [of_json] = json.loads(page_json(page))["recordings"]
    heading, line = csv.reader(io.StringIO(csv_file.build_csv(page), newline=""))
    assert heading == list(of_json)
    told = ["; ".join(value) if isinstance(value, list) else value for value in of_json.values()]
    assert line == ["" if value is None else str(value) for value in told]


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
