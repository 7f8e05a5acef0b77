"""The vendor's protocol: signatures, requests, and every answer it may give."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    CapacityError,
    GatewayRefusedError,
    InvalidParameterError,
    InvalidSignatureError,
    MalformedRequestError,
    NotEnabledError,
    RateLimitedError,
    SignatureExpiredError,
    TaskNotFoundError,
    TaskNotPausedError,
    TaskStoppedError,
    UnknownCodeError,
    ZegoBadAnswerError,
    ZegoBusyError,
    ZegoError,
)
from bot.models import Recording, RecordingDetails, RecordingFile
from bot.zegocloud.decoding import Received, decode_record_status, decode_tasks, parse_retry_after, parse_skew
from bot.zegocloud.protocol import DescribeRecordStatus, DescribeTasks, TaskFilter, build_request, sign

OPENAPI = Path(__file__).parents[3] / "shared" / "reference" / "zego-openapi"
NOVEMBER_23 = 1795431600.0  # Mon, 23 Nov 2026 11:00:00 GMT


def envelope(data: Any = None, *, code: int = 0, **more: Any) -> bytes:
    return json.dumps({"Code": code, "Message": "m", "RequestId": "abcd123", "Data": data, **more}).encode()


def row(**changes: Any) -> dict[str, Any]:
    task = {
        "TaskId": "YRHu6-E4_yvEAAAD",
        "RoomId": "1000",
        "Status": 2,
        "RecordBeginTimestamp": 1628565227899,
    }
    return {**task, **changes}


def test_signs_like_the_vendors_worked_example() -> None:
    signature = sign(12345, "4fd24687296dd9f3", "9193cc662a4c0ec135ec71fb57194b38", 1615186943)
    assert signature == "43e5cfcca828314675f91b001390566a"


def build(request: DescribeTasks | DescribeRecordStatus) -> Any:
    return build_request(
        request,
        app_id=12345,
        server_secret="9193cc662a4c0ec135ec71fb57194b38",
        nonce="4fd24687296dd9f3",
        timestamp=1615186943,
    )


REQUESTS = [
    pytest.param(
        DescribeTasks(TaskFilter.ONGOING, 1, 2),
        "DescribeTasks",
        {"Status": 2, "PageOffset": 1, "PageSize": 50, "StartTime": 1, "EndTime": 2},
        id="all rooms",
    ),
    pytest.param(
        DescribeTasks(TaskFilter.ENDED, 1, 2, room_id="1230", page=7),
        "DescribeTasks",
        {"Status": 3, "RoomId": "1230", "PageOffset": 7, "PageSize": 50, "StartTime": 1, "EndTime": 2},
        id="one room",
    ),
    pytest.param(
        DescribeRecordStatus("YRHu6-E4_yvEAAAD"),
        "DescribeRecordStatus",
        {"TaskId": "YRHu6-E4_yvEAAAD"},
        id="one task",
    ),
]


@pytest.mark.parametrize(("request_", "action", "body"), REQUESTS)
def test_builds_signed_requests(
    request_: DescribeTasks | DescribeRecordStatus, action: str, body: dict[str, Any]
) -> None:
    signed = build(request_)
    assert signed.params == {
        "Action": action,
        "AppId": "12345",
        "SignatureNonce": "4fd24687296dd9f3",
        "Timestamp": "1615186943",
        "SignatureVersion": "2.0",
        "Signature": "43e5cfcca828314675f91b001390566a",
    }
    assert json.loads(signed.body) == body


def test_a_built_request_does_not_show_its_signature() -> None:
    shown = repr(build(DescribeRecordStatus("YRHu6-E4_yvEAAAD")))
    assert "43e5cfcc" not in shown
    assert "4fd24687" not in shown
    assert "YRHu6-E4_yvEAAAD" in shown


def test_an_empty_room_never_widens_a_question_to_all_rooms() -> None:
    with pytest.raises(
        ValueError, match=r"^an empty room_id would ask for all rooms; say None to mean that$"
    ):
        DescribeTasks(TaskFilter.ENDED, 1, 2, room_id="")


@pytest.mark.parametrize("key", ["TaskidList", "TaskList"])
def test_reads_a_page_under_either_name_of_its_list(key: str) -> None:
    content = envelope({"TotalCount": 77, key: [row(), row(TaskId="b", RoomId="", Status=9)]})
    page = decode_tasks(200, content, page=2, received=Received(as_of_ms=1234))
    assert page.recordings == (
        Recording("YRHu6-E4_yvEAAAD", "1000", 2, 1628565227899),
        Recording("b", "", 9, 1628565227899),
    )
    assert (page.total, page.page, page.request_id, page.as_of_ms) == (77, 2, "abcd123", 1234)


EMPTY_PAGES = [
    pytest.param({"TotalCount": 0}, 1, id="nothing counted, no list"),
    pytest.param({"TotalCount": 0, "TaskidList": None}, 1, id="null for a list"),
    pytest.param({"TotalCount": 3, "TaskidList": []}, 1, id="an empty TaskidList"),
    pytest.param({"TotalCount": 3, "TaskList": []}, 1, id="an empty TaskList"),
    pytest.param({"TotalCount": 3}, 2, id="no list behind the last page"),
]


@pytest.mark.parametrize(("data", "page"), EMPTY_PAGES)
def test_reads_an_empty_page(data: dict[str, Any], page: int) -> None:
    decoded = decode_tasks(200, envelope(data), page=page)
    assert decoded.recordings == ()
    assert decoded.total == data["TotalCount"]


def test_the_list_that_has_rows_counts_when_both_names_are_there() -> None:
    page = decode_tasks(200, envelope({"TotalCount": 1, "TaskidList": [], "TaskList": [row()]}))
    assert len(page.recordings) == 1


def test_a_page_is_the_first_one_unless_said_otherwise_and_its_age_is_unknown() -> None:
    page = decode_tasks(200, b'{"Code":0,"Data":{"TotalCount":0,"TaskidList":[]}}')
    assert (page.page, page.as_of_ms, page.request_id) == (1, 0, "")


FILE = {
    "UserId": "u",
    "UserName": "User",
    "StreamId": "s",
    "FileId": "f.mp4",
    "VideoId": "v",
    "FileUrl": "https://files.example/f.mp4",
    "OutputFileFormat": "mp4",
    "FileSize": 432643544,
    "Duration": 33874,
    "ResolutionWidth": 1920,
    "ResolutionHeight": 1080,
    "MediaTrackType": 3,
    "BeginTimestamp": 1601221459830,
    "Status": 4,
}


def test_reads_the_details_of_a_task() -> None:
    content = envelope(
        {
            "RoomId": "1230",
            "RecordMode": 2,
            "StreamType": 3,
            "RecordBeginTimestamp": 1601221452099,
            "RecordEndTimestamp": 1601221508795,
            "Status": 3,
            "RecordFiles": [FILE, {}, dict.fromkeys(FILE)],
        }
    )
    assert decode_record_status(
        200, content, task_id="YRHu", received=Received(as_of_ms=99)
    ) == RecordingDetails(
        task_id="YRHu",
        room_id="1230",
        status=3,
        began_ms=1601221452099,
        ended_ms=1601221508795,
        mode=2,
        stream_type=3,
        files=(
            RecordingFile(
                stream_id="s",
                user_id="u",
                user_name="User",
                file_id="f.mp4",
                video_id="v",
                url="https://files.example/f.mp4",
                format="mp4",
                size_bytes=432643544,
                duration_ms=33874,
                width=1920,
                height=1080,
                track=3,
                began_ms=1601221459830,
                status=4,
            ),
            RecordingFile(),
            RecordingFile(),
        ),
        request_id="abcd123",
        as_of_ms=99,
    )


@pytest.mark.parametrize("status", [300, 302, 399])
def test_a_redirect_is_not_an_answer_even_with_a_good_body(status: int) -> None:
    with pytest.raises(ZegoBadAnswerError) as raised:
        decode_tasks(status, envelope({"TotalCount": 0}))
    assert raised.value.what == "a redirect to another address"


@pytest.mark.parametrize("more", [{}, {"RecordEndTimestamp": 0, "RecordFiles": None}, {"Later": [{"x": 1}]}])
def test_reads_the_details_of_a_task_that_says_little(more: dict[str, Any]) -> None:
    decoded = decode_record_status(200, envelope({"RoomId": "1230", "Status": 9, **more}), task_id="YRHu")
    assert decoded == RecordingDetails("YRHu", "1230", 9, None, None, None, None, (), "abcd123", 0)


CODES = [
    *[(code, ZegoBusyError) for code in (1, 100000015, 300010000)],
    *[(code, InvalidParameterError) for code in (2, 300000004)],
    *[(code, GatewayRefusedError) for code in (3, 300000005)],
    *[(code, RateLimitedError) for code in (7, 300000003)],
    *[
        (code, MalformedRequestError)
        for code in range(100000000, 100000015)
        if code not in (100000004, 100000005)
    ],
    (100000004, SignatureExpiredError),
    (100000005, InvalidSignatureError),
    *[(code, NotEnabledError) for code in (100000016, 100000017, 300000002)],
    (300000006, CapacityError),
    (300001000, TaskNotFoundError),
    (300001001, TaskStoppedError),
    (300001004, TaskNotPausedError),
    *[(code, UnknownCodeError) for code in (4, -1, 99999999, 100000018, 300001002, 10**30)],
]


@pytest.mark.parametrize(("code", "kind"), CODES)
@pytest.mark.parametrize("data", [None, {}, "", []])
def test_every_code_has_its_error_whatever_data_comes_with_it(
    code: int, kind: type[ZegoError], data: Any
) -> None:
    received = Received(retry_after_seconds=3.5, skew_seconds=-700.25)
    for decode in (decode_tasks, lambda *args, **kw: decode_record_status(*args, task_id="YRHu", **kw)):
        with pytest.raises(ZegoError) as raised:
            decode(200, envelope(data, code=code), received=received)
        error = raised.value
        assert type(error) is kind
        assert (error.code, error.vendor_message, error.request_id) == (code, "m", "abcd123")
        assert (error.http_status, error.retry_after_seconds, error.skew_seconds) == (200, 3.5, -700.25)


def test_an_answer_may_come_without_a_request_id() -> None:
    decoded = decode_record_status(200, b'{"Code":0,"Data":{"RoomId":"1230","Status":1}}', task_id="YRHu")
    assert decoded.request_id == ""
    with pytest.raises(ZegoBadAnswerError) as raised:
        decode_tasks(200, b'{"Code":0}')
    assert raised.value.request_id == ""


def test_an_error_may_come_without_words() -> None:
    with pytest.raises(ZegoBusyError) as raised:
        decode_tasks(200, b'{"Code":1}')
    assert (raised.value.vendor_message, raised.value.request_id) == ("", "")


@pytest.mark.parametrize(
    ("skew_seconds", "words"),
    [(660, "11 min behind"), (-7199, "120 min ahead"), (7200, "2 h behind"), (-2_668_800, "31 d ahead")],
)
def test_an_expired_signature_says_by_how_much_the_clock_is_wrong(skew_seconds: float, words: str) -> None:
    with pytest.raises(SignatureExpiredError, match=words):
        decode_tasks(200, envelope(code=100000004), received=Received(skew_seconds=skew_seconds))


@pytest.mark.parametrize("echoed", ["43e5cfcca828314675f91b001390566a", "4FD24687296DD9F3"])
def test_an_error_hides_credentials_that_the_vendor_echoes(echoed: str) -> None:
    with pytest.raises(InvalidSignatureError) as raised:
        decode_tasks(200, envelope(code=100000005, Message=f"got {echoed}, room 4fd24687296dd9f"))
    assert raised.value.vendor_message == "got …, room 4fd24687296dd9f"


HTML = b"<html><body>nginx</body></html>"
STATUSES = [
    (400, HTML, MalformedRequestError),
    (404, HTML, MalformedRequestError),
    (499, b"", MalformedRequestError),
    (429, HTML, RateLimitedError),
    (500, HTML, ZegoBusyError),
    (503, b"", ZegoBusyError),
    (403, envelope(), MalformedRequestError),
    (429, envelope(code=0), RateLimitedError),
    (502, envelope(code=12), ZegoBusyError),
    (403, envelope(code=100000005), InvalidSignatureError),
    (503, envelope(code=300001000), TaskNotFoundError),
    (400, envelope(code=12), MalformedRequestError),
    (300, HTML, ZegoBadAnswerError),
    (301, HTML, ZegoBadAnswerError),
    (399, envelope({"TotalCount": 0}), ZegoBadAnswerError),
    (204, b"", ZegoBadAnswerError),
]


@pytest.mark.parametrize(("status", "content", "kind"), STATUSES)
def test_a_documented_code_decides_before_the_http_status(
    status: int, content: bytes, kind: type[ZegoError]
) -> None:
    received = Received(retry_after_seconds=7, skew_seconds=1.5)
    with pytest.raises(ZegoError) as raised:
        decode_tasks(status, content, received=received)
    error = raised.value
    assert type(error) is kind
    assert error.http_status == status
    if kind is not ZegoBadAnswerError:
        assert (error.retry_after_seconds, error.skew_seconds) == (7, 1.5)


NOT_JSON = "it is not JSON, or ends too early"
NO_LIST = "it counts tasks but has neither `TaskidList` nor `TaskList`"
UNREADABLE = [
    (HTML, NOT_JSON),
    (b"", NOT_JSON),
    (envelope({"TotalCount": 1, "TaskidList": [row()]})[:-9], NOT_JSON),
    (b"[" * 100_000, "expected `object`, got `array` at `$`"),
    (b'{"Code":0,"Data":' + b"[" * 100_000, "it is nested too deeply"),
    (b"{}", "object missing required field `Code` at `$`"),
    (b'{"Code":"secret"}', "expected `int`, got `str` at `$.Code`"),
    (b'{"Code":0,"Message":7}', "expected `str | null`, got `int` at `$.Message`"),
]
WRONG_DATA = [
    (envelope(None), "it says success but has no `Data`"),
    (b'{"Code":0,"RequestId":"abcd123"}', "it says success but has no `Data`"),
    (envelope([]), "expected `object`, got `array` at `$.Data`"),
    (envelope({}), "object missing required field `TotalCount` at `$.Data`"),
    (envelope({"TotalCount": -1}), "expected `int` >= 0 at `$.Data.TotalCount`"),
    (envelope({"TotalCount": 1}), NO_LIST),
    (envelope({"TotalCount": 1, "TasksList": []}), NO_LIST),
    (
        envelope({"TotalCount": 1, "TaskidList": {}}),
        "expected `array | null`, got `object` at `$.Data.TaskidList`",
    ),
]


@pytest.mark.parametrize(
    ("content", "what", "request_id"),
    [(*case, "") for case in UNREADABLE] + [(*case, "abcd123") for case in WRONG_DATA],
)
def test_says_which_part_of_a_list_is_wrong_and_never_what_it_holds(
    content: bytes, what: str, request_id: str
) -> None:
    with pytest.raises(ZegoBadAnswerError) as raised:
        decode_tasks(201, content)
    error = raised.value
    assert (error.what, error.request_id, error.http_status) == (what, request_id, 201)


@pytest.mark.parametrize("key", ["TaskidList", "TaskList"])
@pytest.mark.parametrize(
    ("wrong", "task_id", "why"),
    [
        (row(Status="secret"), "YRHu6-E4_yvEAAAD", "expected `int`, got `str` at `$.Data.KEY[1].Status`"),
        ({"TaskId": "a"}, "a", "object missing required field `RoomId` at `$.Data.KEY[1]`"),
        (row(TaskId=7), "", "expected `str`, got `int` at `$.Data.KEY[1].TaskId`"),
        (
            row(TaskId="Jo Doe <jo@x.example>", Status=None),
            "",
            "expected `int`, got `null` at `$.Data.KEY[1].Status`",
        ),
        (
            row(RecordBeginTimestamp=10**17),
            "YRHu6-E4_yvEAAAD",
            "expected `int` <= 253402300799999 at `$.Data.KEY[1].RecordBeginTimestamp`",
        ),
        (row(RoomId="\xff"), "YRHu6-E4_yvEAAAD", NOT_JSON),
        (None, "", "expected `object`, got `null` at `$.Data.KEY[1]`"),
        ("secret", "", "expected `object`, got `str` at `$.Data.KEY[1]`"),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_told_of_without_its_content(
    key: str, wrong: Any, task_id: str, why: str
) -> None:
    content = envelope({"TotalCount": 3, key: [row(TaskId="b"), wrong, row(TaskId="c")]})
    page = decode_tasks(200, content.replace(rb"\u00ff", b"\xff"))
    assert [recording.task_id for recording in page.recordings] == ["b", "c"]
    assert (page.total, page.row_count) == (3, 3)
    [unreadable] = page.unreadable
    assert (unreadable.task_id, unreadable.why) == (task_id, why.replace("KEY", key))
    assert unreadable.identity == task_id or re.fullmatch("[0-9a-f]{64}", unreadable.identity)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({}, "expected `array | null`, got `object` at `$.Data.RecordFiles`"),
        ("secret", "expected `array | null`, got `str` at `$.Data.RecordFiles`"),
    ],
)
def test_says_which_part_of_the_details_is_wrong(files: Any, what: str) -> None:
    with pytest.raises(ZegoBadAnswerError) as raised:
        decode_record_status(
            200, envelope({"RoomId": "1230", "Status": 3, "RecordFiles": files}), task_id="YRHu"
        )
    assert (raised.value.what, raised.value.request_id, raised.value.http_status) == (what, "abcd123", 200)


def test_a_file_that_cannot_be_read_is_left_out_and_told_of_without_its_content() -> None:
    files = [{"FileSize": "secret"}, FILE, None]
    content = envelope({"RoomId": "1230", "Status": 3, "RecordFiles": files})
    details = decode_record_status(200, content, task_id="YRHu")
    assert [file.file_id for file in details.files] == [FILE["FileId"]]
    assert details.file_count == 3
    assert [(file.task_id, file.why) for file in details.unreadable] == [
        ("YRHu", "expected `int | null`, got `str` at `$.Data.RecordFiles[0].FileSize`"),
        ("YRHu", "expected `object`, got `null` at `$.Data.RecordFiles[2]`"),
    ]


RETRY_AFTER = [
    ("12", 12.0),
    ("1.5", 1.5),
    ("0", 0.0),
    ("-5", 0.0),
    ("", 0.0),
    ("soon", 0.0),
    ("nan", 0.0),
    ("inf", 0.0),
    ("Mon, 23 Nov 2026 11:00:30 GMT", 30.0),
    ("Mon, 23 Nov 2026 10:59:00 GMT", 0.0),
]


@pytest.mark.parametrize(("value", "seconds"), RETRY_AFTER)
def test_reads_how_long_to_wait(value: str, seconds: float) -> None:
    assert parse_retry_after(value, now=NOVEMBER_23) == seconds


def test_reads_how_far_the_vendors_clock_is_from_ours() -> None:
    date = "Mon, 23 Nov 2026 11:00:00 GMT"
    assert parse_skew(date, sent=NOVEMBER_23 - 60, answered=NOVEMBER_23 - 58) == 59.5
    assert parse_skew(date, sent=NOVEMBER_23 + 600.25, answered=NOVEMBER_23 + 600.75) == -600.0


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 23 Nov 99999 11:00:00 GMT"])
def test_knows_no_skew_without_a_date(date: str) -> None:
    assert parse_skew(date, sent=1, answered=2) is None


@given(status=st.integers(100, 599), content=st.binary(max_size=200))
def test_any_bytes_are_a_page_or_an_expected_error(status: int, content: bytes) -> None:
    with pytest.raises(ZegoError):
        decode_tasks(status, content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Code", "Data", "TotalCount", "TaskidList", "TaskId", "RoomId", "Status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(data=json_values)
def test_any_json_is_a_page_or_an_expected_error(data: Any) -> None:
    with suppress(ZegoError):
        page = decode_tasks(200, envelope(data))
        assert all(isinstance(recording, Recording) for recording in page.recordings)


def openapi(name: str) -> Any:
    if not OPENAPI.is_dir():
        pytest.skip("the vendor's OpenAPI files are not beside the project")
    return yaml.safe_load((OPENAPI / name).read_text())["components"]["schemas"]


def test_agrees_with_the_vendors_description_of_describe_tasks() -> None:
    schemas = openapi("describe-tasks.yaml")
    example = schemas["QueryRecordTaskListResponse"]["example"]
    page = decode_tasks(200, json.dumps(example).encode())
    rows = example["Data"]["TaskidList"]
    assert [recording.task_id for recording in page.recordings] == [task["TaskId"] for task in rows]
    assert (page.total, page.request_id) == (example["Data"]["TotalCount"], example["RequestId"])
    asked = schemas["QueryRecordTaskListRequest"]["example"]
    request = DescribeTasks(
        TaskFilter(asked["Status"]), asked["StartTime"], asked["EndTime"], asked["RoomId"]
    )
    assert json.loads(build(request).body) == asked


def test_agrees_with_the_vendors_description_of_describe_record_status() -> None:
    schemas = openapi("describe-record-status.yaml")
    example = schemas["QueryRecordStatusResponse"]["example"]
    details = decode_record_status(200, json.dumps(example).encode(), task_id="X3CgNeE4I1qAAABN")
    (file,) = details.files
    told = example["Data"]["RecordFiles"][0]
    assert (file.url, file.size_bytes, file.began_ms) == (
        told["FileUrl"],
        told["FileSize"],
        told["BeginTimestamp"],
    )
    assert set(schemas["RecordFile"]["properties"]) == set(FILE)
    asked = schemas["QueryRecordStatusRequest"]["example"]
    assert json.loads(build(DescribeRecordStatus(asked["TaskId"])).body) == asked
