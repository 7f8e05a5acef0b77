"""The simulated ZEGOCLOUD API over real HTTP: what it answers, what it refuses, how it misbehaves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import socket
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from bot.clock import AdjustableClock, SystemClock
from bot.sandbox.recording_life import FileScript
from bot.sandbox.recording_scenes import SCENES
from bot.sandbox.simulator import serve_simulator
from bot.sandbox.zego_control import control_routes
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.sandbox.zego_gate import Gate, longest_burst
from bot.sandbox.zego_rules import RefusedError
from bot.sandbox.zegocloud import SimulatedZego
from tests.watched_zego import WatchedZego

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = 1_795_000_000.0
NOW_MS = 1_795_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
OPENAPI = Path(__file__).parents[3] / "shared" / "reference" / "zego-openapi"
REMOVED = "removed"


def signature(app_id: object, nonce: object, secret: str, timestamp: object) -> str:
    return hashlib.md5(f"{app_id}{nonce}{secret}{timestamp}".encode(), usedforsecurity=False).hexdigest()


class Caller:
    """A customer's backend: signs and sends, with anything changed on request."""

    def __init__(self, zego: WatchedZego, session: aiohttp.ClientSession) -> None:
        self.zego = zego
        self.session = session

    def query(self, action: str = "DescribeTasks", **changed: Any) -> dict[str, str]:
        query: dict[str, Any] = {
            "Action": action,
            "AppId": self.zego.app_id,
            "SignatureNonce": secrets.token_hex(8),
            "Timestamp": int(self.zego.clock.now()),
            "SignatureVersion": "2.0",
        } | changed
        query.setdefault(
            "Signature",
            signature(query["AppId"], query["SignatureNonce"], self.zego.server_secret, query["Timestamp"]),
        )
        return {name: str(value) for name, value in query.items() if value is not REMOVED}

    async def send(self, query: dict[str, str], **request: Any) -> tuple[int, str, dict[str, str]]:
        async with self.session.post(self.zego.base_url, params=query, **request) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def ask(self, action: str, body: object, **changed: Any) -> dict[str, Any]:
        status, text, _ = await self.send(self.query(action, **changed), json=body)
        assert status == 200
        answer: dict[str, Any] = json.loads(text)
        return answer

    def window(self, **changed: Any) -> dict[str, Any]:
        now_ms = self.zego.now_ms()
        body = {"Status": 2, "StartTime": now_ms - HOUR, "EndTime": now_ms} | changed
        return {name: value for name, value in body.items() if value is not REMOVED}

    async def tasks(self, **changed: Any) -> dict[str, Any]:
        data: dict[str, Any] = (await self.ask("DescribeTasks", self.window(**changed)))["Data"]
        return data

    async def rows(self, **changed: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.tasks(**changed))["TaskidList"]
        return rows

    async def details(self, task_id: str) -> dict[str, Any]:
        return await self.ask("DescribeRecordStatus", {"TaskId": task_id})

    async def control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        url = f"{self.zego.base_url}_simulator/{path}"
        async with self.session.request(method, url, json=body) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(NOW, rate=0)


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest_asyncio.fixture
async def caller(clock: AdjustableClock, session: aiohttp.ClientSession) -> AsyncIterator[Caller]:
    """An empty simulator without a rate limit."""
    zego = WatchedZego(clock=clock, tasks=0, max_rps=None)
    await zego.start(routes=control_routes(zego))
    yield Caller(zego, session)
    await zego.stop()


@pytest_asyncio.fixture
async def seeded(clock: AdjustableClock, session: aiohttp.ClientSession) -> AsyncIterator[Caller]:
    """A simulator with its usual recordings."""
    zego = WatchedZego(clock=clock, max_rps=None)
    await zego.start(routes=control_routes(zego))
    yield Caller(zego, session)
    await zego.stop()


# Refusals.


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Action": REMOVED}, 100000006),
        ({"Action": "StopRecord"}, 100000007),
        ({"AppId": REMOVED}, 100000001),
        ({"AppId": "abc"}, 100000001),
        ({"AppId": "-1"}, 100000001),
        ({"AppId": 2**32}, 100000001),
        ({"AppId": 12345}, 100000005),
        ({"Timestamp": REMOVED}, 100000002),
        ({"Timestamp": "soon"}, 100000003),
        ({"Timestamp": f"{NOW:.1f}"}, 100000003),
        ({"Timestamp": NOW_MS}, 100000003),
        ({"Timestamp": int(NOW) - 601}, 100000004),
        ({"Timestamp": int(NOW) + 601}, 100000004),
        ({"Timestamp": int(NOW) - 600}, 0),
        ({"Timestamp": int(NOW) + 600}, 0),
        ({"SignatureNonce": REMOVED}, 100000008),
        ({"SignatureNonce": "1234"}, 100000008),
        ({"SignatureNonce": "g" * 16}, 100000008),
        ({"Signature": REMOVED}, 100000009),
        ({"Signature": "0" * 32}, 100000005),
        ({"Signature": "short"}, 100000005),
        ({"SignatureVersion": REMOVED}, 100000013),
        ({"SignatureVersion": "1.0"}, 100000014),
        ({}, 0),
    ],
)
async def test_common_parameters_are_checked(caller: Caller, changed: dict[str, Any], code: int) -> None:
    answer = await caller.ask("DescribeTasks", caller.window(), **changed)
    assert answer["Code"] == code


async def test_the_signature_follows_the_vendors_worked_example(session: aiohttp.ClientSession) -> None:
    zego = SimulatedZego(
        clock=AdjustableClock(1615186943, rate=0),
        app_id=12345,
        server_secret="9193cc662a4c0ec135ec71fb57194b38",
        tasks=0,
    )
    await zego.start()
    caller = Caller(zego, session)
    example = {"SignatureNonce": "4fd24687296dd9f3", "Signature": "43e5cfcca828314675f91b001390566a"}
    answer = await caller.ask("DescribeTasks", caller.window(), **example)
    await zego.stop()
    assert answer["Code"] == 0


@pytest.mark.parametrize("app_id", [12345, "0012345"])
async def test_a_signature_belongs_to_one_app_id(caller: Caller, app_id: object) -> None:
    query = caller.query() | {"AppId": str(app_id)}
    _, text, _ = await caller.send(query, json=caller.window())
    assert json.loads(text)["Code"] == 100000005


async def test_a_parameter_that_comes_twice_is_not_read(caller: Caller) -> None:
    query = [*caller.query().items(), ("AppId", str(caller.zego.app_id))]
    async with caller.session.post(caller.zego.base_url, params=query, json=caller.window()) as answer:
        assert (await answer.json())["Code"] == 100000001


async def test_a_signature_in_capitals_is_invalid(caller: Caller) -> None:
    query = caller.query()
    query["Signature"] = query["Signature"].upper()
    _, text, _ = await caller.send(query, json=caller.window())
    assert json.loads(text)["Code"] == 100000005


@pytest.mark.parametrize(("minutes", "code"), [(0, 100000005), (9, 100000005), (11, 0)])
async def test_a_nonce_cannot_be_used_twice_within_10_minutes(
    caller: Caller, clock: AdjustableClock, minutes: int, code: int
) -> None:
    nonce = secrets.token_hex(8)
    assert (await caller.ask("DescribeTasks", caller.window(), SignatureNonce=nonce))["Code"] == 0
    clock.advance(minutes * 60)
    answer = await caller.ask("DescribeTasks", caller.window(), SignatureNonce=nonce)
    assert answer["Code"] == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, 0),
        ({"Status": REMOVED}, 300000004),
        ({"Status": 1}, 300000004),
        ({"Status": 4}, 300000004),
        ({"Status": "2"}, 300000004),
        ({"Status": True}, 300000004),
        ({"Status": 2.0}, 300000004),
        ({"Status": 3}, 0),
        ({"StartTime": REMOVED}, 300000004),
        ({"StartTime": str(NOW_MS - HOUR)}, 300000004),
        ({"StartTime": NOW_MS - 3 * DAY}, 0),
        ({"StartTime": NOW_MS - 3 * DAY - 1}, 300000004),
        ({"EndTime": REMOVED}, 300000004),
        ({"EndTime": NOW_MS - HOUR}, 300000004),
        ({"EndTime": NOW_MS - HOUR - 1}, 300000004),
        ({"EndTime": NOW_MS - HOUR + 3 * DAY}, 0),
        ({"EndTime": NOW_MS - HOUR + 3 * DAY + 1}, 300000004),
        ({"StartTime": (NOW_MS - HOUR) // 1000, "EndTime": NOW_MS // 1000}, 300000004),
        ({"PageOffset": 0}, 0),
        ({"PageOffset": 7}, 0),
        ({"PageOffset": -1}, 300000004),
        ({"PageOffset": "1"}, 300000004),
        ({"PageOffset": True}, 300000004),
        ({"PageSize": 1}, 0),
        ({"PageSize": 50}, 0),
        ({"PageSize": 0}, 300000004),
        ({"PageSize": 51}, 300000004),
        ({"PageSize": None}, 300000004),
        ({"RoomId": "r" * 128}, 0),
        ({"RoomId": "r" * 129}, 300000004),
        ({"RoomId": 1230}, 300000004),
        ({"RoomId": "é"}, 300000004),
        ({"Unheard": "of"}, 0),
    ],
)
async def test_the_body_of_describe_tasks_is_checked(
    caller: Caller, changed: dict[str, Any], code: int
) -> None:
    answer = await caller.ask("DescribeTasks", caller.window(**changed))
    assert answer["Code"] == code
    assert (answer["Data"] == {}) == (code != 0)


@pytest.mark.parametrize(
    ("request_arguments", "code"),
    [
        ({"data": b"not JSON", "headers": {"Content-Type": "application/json"}}, 2),
        ({"data": b"", "headers": {"Content-Type": "application/json"}}, 2),
        ({"data": b'{"Status": 2}', "headers": {"Content-Type": "text/plain"}}, 2),
        ({"json": [1, 2]}, 2),
        ({"data": {"Status": "2"}}, 2),
    ],
)
async def test_a_body_that_is_not_a_json_object_is_refused(
    caller: Caller, request_arguments: dict[str, Any], code: int
) -> None:
    _, text, _ = await caller.send(caller.query(), **request_arguments)
    assert json.loads(text)["Code"] == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 300000004),
        ({"TaskId": 5}, 300000004),
        ({"TaskId": "short"}, 300000004),
        ({"TaskId": "0123456789abcdef"}, 300001000),
    ],
)
async def test_the_body_of_describe_record_status_is_checked(
    caller: Caller, body: dict[str, Any], code: int
) -> None:
    assert (await caller.ask("DescribeRecordStatus", body))["Code"] == code


@pytest.mark.parametrize(
    ("began_ms", "code"), [(3 * DAY, 0), (3 * DAY + 1, 300001000), (0, 0), (-1, 300001000)]
)
async def test_a_task_is_known_from_its_beginning_for_3_days(
    caller: Caller, began_ms: int, code: int
) -> None:
    task_id = caller.zego.add_task(room_id="1", began_ms=NOW_MS - began_ms)
    assert (await caller.details(task_id))["Code"] == code


async def test_task_ids_are_case_sensitive(caller: Caller) -> None:
    task_id = caller.zego.add_task(room_id="1", began_ms=NOW_MS, task_id="YRHu6-E4IyvEAAAD")
    assert (await caller.details(task_id))["Code"] == 0
    assert (await caller.details(task_id.swapcase()))["Code"] == 300001000


async def test_only_post_at_the_root_is_the_api(caller: Caller) -> None:
    async with caller.session.get(caller.zego.base_url) as answer:
        assert answer.status == 405
    async with caller.session.post(caller.zego.base_url + "v2/") as answer:
        assert answer.status == 404


# The rate limit.


def through_the_gate(gate: Gate, arrived: float, now: float = NOW) -> int:
    nonce = secrets.token_hex(8)
    query = {
        "Action": ["DescribeTasks"],
        "AppId": ["5"],
        "SignatureNonce": [nonce],
        "Timestamp": [str(int(now))],
        "SignatureVersion": ["2.0"],
        "Signature": [signature(5, nonce, "secret", int(now))],
    }
    try:
        gate.check(query, now=now, arrived=arrived)
    except RefusedError as refused:
        return refused.code
    return 0


def test_ten_requests_pass_in_any_sliding_second() -> None:
    gate = Gate(app_id=5, server_secret="secret", max_rps=10)
    first_half_then_a_boundary = [0.5 + position / 100 for position in range(10)] + [1.05, 1.4, 1.499, 1.5]
    codes = [through_the_gate(gate, arrived) for arrived in first_half_then_a_boundary]
    assert codes == [0] * 10 + [7, 300000003, 7, 0]


def test_a_steady_pace_at_the_limit_is_never_refused() -> None:
    gate = Gate(app_id=5, server_secret="secret", max_rps=8)
    assert {through_the_gate(gate, eighth / 8) for eighth in range(200)} == {0}


def test_old_nonces_are_forgotten() -> None:
    gate = Gate(app_id=5, server_secret="secret", max_rps=None)
    for turn in range(100):
        through_the_gate(gate, float(turn), now=NOW + turn * 60)
    assert len(gate._nonces) == 11


@pytest.mark.parametrize(
    ("arrivals", "most"),
    [([], 0), ([1.0], 1), ([0.0, 1.0, 2.0], 1), ([0.0, 0.9, 1.0, 1.5, 1.89], 4), ([0.0, 0.1, 0.2, 5.0], 3)],
)
def test_the_longest_burst_is_counted_over_a_sliding_second(arrivals: list[float], most: int) -> None:
    assert longest_burst(arrivals) == most


async def test_both_actions_share_the_limit(clock: AdjustableClock, session: aiohttp.ClientSession) -> None:
    zego = SimulatedZego(clock=clock, tasks=0)
    await zego.start(routes=control_routes(zego))
    caller = Caller(zego, session)
    requests = [
        caller.details("0123456789abcdef") if turn % 2 else caller.ask("DescribeTasks", caller.window())
        for turn in range(24)
    ]
    codes = [answer["Code"] for answer in await asyncio.gather(*requests)]
    _, state = await caller.control("GET", "state")
    await zego.stop()
    let_in = [seen.arrived for seen in zego.requests if seen.code in {0, 300001000}]
    assert longest_burst(let_in) == 10
    assert codes.count(7) + codes.count(300000003) == 24 - len(let_in)
    assert state["requests"]["most_in_a_second"] >= 11
    assert state["requests"]["total"] == 24


# Answers.


async def test_an_answer_carries_the_vendors_envelope_and_its_clock(caller: Caller) -> None:
    status, text, headers = await caller.send(caller.query(), json=caller.window())
    answer = json.loads(text)
    assert status == 200
    assert (answer["Code"], answer["Message"]) == (0, "succeed")
    assert answer["RequestId"]
    assert answer["Data"] == {"PageOffset": 1, "PageSize": 50, "TotalCount": 0, "TaskidList": []}
    assert parsedate_to_datetime(headers["Date"]).timestamp() == NOW
    assert headers["Content-Type"].startswith("application/json")


async def test_a_refusal_carries_the_clock_too(caller: Caller) -> None:
    _, text, headers = await caller.send(caller.query(Timestamp=int(NOW) - 7200), json=caller.window())
    assert json.loads(text)["Code"] == 100000004
    assert parsedate_to_datetime(headers["Date"]).timestamp() == NOW


async def test_every_request_is_remembered_with_its_answer(caller: Caller) -> None:
    query = caller.query()
    await caller.send(query, json=caller.window())
    await caller.details("0123456789abcdef")
    first, second = caller.zego.requests
    assert (first.action, first.body, first.nonce, first.code) == (
        "DescribeTasks",
        caller.window(),
        query["SignatureNonce"],
        0,
    )
    assert (second.action, second.body, second.code) == (
        "DescribeRecordStatus",
        {"TaskId": "0123456789abcdef"},
        300001000,
    )
    assert first.arrived <= second.arrived


async def test_the_window_filters_by_the_start(caller: Caller) -> None:
    caller.zego.add_task(room_id="early", began_ms=NOW_MS - HOUR - 1)
    caller.zego.add_task(room_id="first", began_ms=NOW_MS - HOUR)
    caller.zego.add_task(room_id="last", began_ms=NOW_MS)
    caller.zego.add_task(room_id="later", began_ms=NOW_MS + 1)
    assert [row["RoomId"] for row in await caller.rows(EndTime=NOW_MS + HOUR)] == ["last", "first"]


async def test_a_room_is_matched_exactly(caller: Caller) -> None:
    for room_id in ("123", "1230", "12300", "team", "Team"):
        caller.zego.add_task(room_id=room_id, began_ms=NOW_MS - MINUTE)
    assert [row["RoomId"] for row in await caller.rows(RoomId="1230")] == ["1230"]
    assert [row["RoomId"] for row in await caller.rows(RoomId="team")] == ["team"]
    assert len(await caller.rows()) == 5


async def test_statuses_come_under_their_filters_and_the_filter_can_be_chosen(caller: Caller) -> None:
    for status in (1, 2, 3, 4, 5, 9):
        caller.zego.add_task(room_id=str(status), began_ms=NOW_MS - 10 * MINUTE + status, status=status)

    async def under(asked: int) -> list[int]:
        return [row["Status"] for row in await caller.rows(Status=asked)]

    assert (await under(2), await under(3)) == ([9, 5, 2, 1], [4, 3])
    caller.zego.filter_of |= {4: 2, 5: 3, 1: 3}
    assert (await under(2), await under(3)) == ([9, 4, 2], [5, 3, 1])


@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
async def test_pages_hold_every_row_once_in_the_chosen_order(caller: Caller, order: Any) -> None:
    began = {
        caller.zego.add_task(room_id="1", began_ms=NOW_MS - i * 1000): NOW_MS - i * 1000 for i in range(120)
    }
    caller.zego.order = order
    pages = [await caller.tasks(PageOffset=page) for page in (0, 2, 3, 4)]
    assert [len(page["TaskidList"]) for page in pages] == [50, 50, 20, 0]
    assert [page["PageOffset"] for page in pages] == [1, 2, 3, 4]
    assert {page["TotalCount"] for page in pages} == {120}
    rows = [row for page in pages for row in page["TaskidList"]]
    assert {row["TaskId"]: row["RecordBeginTimestamp"] for row in rows} == began
    starts = [row["RecordBeginTimestamp"] for row in rows]
    assert (starts == sorted(starts)) == (order == "oldest")
    assert (starts == sorted(starts, reverse=True)) == (order == "newest")


async def test_the_list_may_come_under_the_older_key(caller: Caller) -> None:
    caller.zego.list_key = "TaskList"
    caller.zego.add_task(room_id="1", began_ms=NOW_MS)
    data = await caller.tasks()
    assert len(data["TaskList"]) == 1
    assert "TaskidList" not in data


async def test_a_scripted_recording_lives_as_the_clock_goes_on(
    caller: Caller, clock: AdjustableClock
) -> None:
    task_id = caller.zego.add_task(
        room_id="1",
        began_ms=NOW_MS + 1000,
        starting_ms=2000,
        pauses=((NOW_MS + 60_000, NOW_MS + 90_000),),
        ends_ms=NOW_MS + 120_000,
        fails=True,
        files=(FileScript(began_ms=NOW_MS + 3000, outcome=4, upload_ms=5000),),
    )
    statuses = []
    files = []
    for seconds in (1, 2, 57, 30, 30, 5):
        clock.advance(seconds)
        data = (await caller.details(task_id))["Data"]
        statuses.append(data["Status"])
        files.append([file["Status"] for file in data.get("RecordFiles", [])])
    assert statuses == [1, 2, 5, 2, 4, 4]
    assert files == [[], [1], [1], [1], [2], [4]]
    assert data["RecordEndTimestamp"] == NOW_MS + 120_000
    assert [row["TaskId"] for row in await caller.rows(Status=3)] == [task_id]
    assert await caller.rows(Status=2) == []


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5, 9])
async def test_a_recording_can_be_placed_in_any_status(caller: Caller, status: int) -> None:
    task_id = caller.zego.add_task(room_id="1", began_ms=NOW_MS, status=status, task_id="abcdefgh12345678")
    data = (await caller.details(task_id))["Data"]
    assert data["Status"] == status
    assert ("RecordEndTimestamp" in data) == (status in {3, 4})


async def test_an_id_cannot_be_placed_twice(caller: Caller) -> None:
    caller.zego.add_task(room_id="1", began_ms=NOW_MS, task_id="abcdefgh12345678")
    with pytest.raises(ValueError, match="abcdefgh12345678"):
        caller.zego.add_task(room_id="2", began_ms=NOW_MS, task_id="abcdefgh12345678")


async def test_clearing_removes_all_and_stops_the_traffic(seeded: Caller, clock: AdjustableClock) -> None:
    assert (await seeded.tasks())["TotalCount"] > 5
    seeded.zego.clear()
    clock.advance(12 * 3600)
    assert (await seeded.tasks(StartTime=seeded.zego.now_ms() - 3 * DAY))["TotalCount"] == 0
    seeded.zego.add_task(room_id="1", began_ms=seeded.zego.now_ms())
    assert (await seeded.tasks())["TotalCount"] == 1


async def test_two_simulators_with_the_same_numbers_answer_alike(
    seeded: Caller, clock: AdjustableClock, session: aiohttp.ClientSession
) -> None:
    twin = SimulatedZego(clock=AdjustableClock(NOW, rate=0), max_rps=None)
    await twin.start()
    clock.advance(3600)
    twin.clock.advance(3600)  # type: ignore[attr-defined] - it was given an AdjustableClock
    one, two = await seeded.rows(Status=3), await Caller(twin, session).rows(Status=3)
    await twin.stop()
    assert one == two
    assert len(one) > 5


async def test_the_traffic_goes_on_with_the_clock(seeded: Caller, clock: AdjustableClock) -> None:
    for _ in range(4):
        clock.advance(12 * 3600)
        newest = (await seeded.rows())[0]
        assert seeded.zego.now_ms() - newest["RecordBeginTimestamp"] < 15 * MINUTE


async def test_room_1230_shows_what_the_table_says(seeded: Caller) -> None:
    def began_after(hours: int) -> dict[str, Any]:
        return {"RoomId": "1230", "StartTime": NOW_MS - hours * HOUR}

    assert [row["Status"] for row in await seeded.rows(**began_after(6))] == [2, 5, 2, 2]
    assert [row["Status"] for row in await seeded.rows(**began_after(72))] == [2, 5, 2, 2, 2]
    assert len(await seeded.rows(Status=3, **began_after(72))) == 5


# The vendor's own description of its answers.


def contract(file: str, name: str) -> Draft7Validator:
    """A validator of the vendor's schema that knows no other fields than the documented ones."""
    path = OPENAPI / file
    if not path.exists():
        pytest.skip(f"the vendor's OpenAPI files are not beside this project ({path})")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    uri = "urn:vendor"
    registry: Registry[Any] = Registry().with_resource(uri, Resource(document, DRAFT7))
    return Draft7Validator({"$ref": f"{uri}#/components/schemas/{name}"}, registry=registry)


async def test_answers_fit_the_vendors_openapi_files(seeded: Caller, clock: AdjustableClock) -> None:
    lists = contract("describe-tasks.yaml", "QueryRecordTaskListResponse")
    tasks = contract("describe-record-status.yaml", "QueryRecordStatusResponse")
    lists.validate(await seeded.ask("DescribeTasks", {}))
    tasks.validate(await seeded.details("0123456789abcdef"))
    seen = 0
    for hours in (0, 5):
        clock.advance(hours * 3600)
        for status in (2, 3):
            answer = await seeded.ask(
                "DescribeTasks", seeded.window(Status=status, StartTime=seeded.zego.now_ms() - 12 * HOUR)
            )
            lists.validate(answer)
            for row in answer["Data"]["TaskidList"]:
                details = await seeded.details(row["TaskId"])
                tasks.validate(details)
                assert details["Data"]["Status"] == row["Status"]
                seen += 1
    for room_id in {scene.script.room_id for scene in SCENES}:
        for status in (2, 3):
            for row in await seeded.rows(
                Status=status, RoomId=room_id, StartTime=seeded.zego.now_ms() - 3 * DAY
            ):
                tasks.validate(await seeded.details(row["TaskId"]))
                seen += 1
    assert seen > 200


def test_the_contract_check_can_fail() -> None:
    schema = contract("describe-tasks.yaml", "QueryRecordTaskListResponse")
    row = {"RecordBeginTimestamp": 1, "TaskId": "a", "RoomId": "b", "Status": 2}
    for wrong in ({"Status": 9}, {"Status": "2"}, {"Undocumented": 1}, {"RecordBeginTimestamp": "1"}):
        assert schema.is_valid({"Data": {"TaskidList": [row]}})
        assert not schema.is_valid({"Data": {"TaskidList": [row | wrong]}})


# Faults.


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "body_start", "headers"),
    [
        (Fault(FaultKind.HTML), 502, "text/html", "<html>", {}),
        (Fault(FaultKind.NOT_JSON), 200, "text/plain", "service", {}),
        (Fault(FaultKind.TOO_MANY_REQUESTS, seconds=3), 429, "text/plain", "", {"Retry-After": "3"}),
        (Fault(FaultKind.HTTP_ERROR, http_status=500), 500, "text/plain", "", {}),
        (Fault(FaultKind.HTTP_ERROR), 503, "text/plain", "", {}),
        (Fault(FaultKind.CODE, code=7), 200, "application/json", '{"Code": 7,', {}),
        (Fault(FaultKind.CODE, code=100000005), 200, "application/json", '{"Code": 100000005,', {}),
        (Fault(FaultKind.TRUNCATED), 200, "application/json", '{"Code": 0,', {}),
        (Fault(FaultKind.LATENCY, seconds=0.001), 200, "application/json", '{"Code": 0,', {}),
        (Fault(FaultKind.NOTHING), 200, "application/json", '{"Code": 0,', {}),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Fault) else "",
)
async def test_a_fault_takes_the_answers_place_once_and_then_all_is_well(
    caller: Caller, fault: Fault, status: int, content_type: str, body_start: str, headers: dict[str, str]
) -> None:
    caller.zego.misbehave(fault, times=1)
    got_status, text, got_headers = await caller.send(caller.query(), json=caller.window())
    assert got_status == status
    assert got_headers["Content-Type"].startswith(content_type)
    assert text.startswith(body_start)
    assert parsedate_to_datetime(got_headers["Date"]).timestamp() == NOW
    assert headers.items() <= got_headers.items()
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0


async def test_truncated_json_cannot_be_read(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.TRUNCATED))
    _, text, _ = await caller.send(caller.query(), json=caller.window())
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RESET, aiohttp.ClientOSError),
        (FaultKind.CUT_OFF, aiohttp.ClientPayloadError),
        (FaultKind.REFUSE, aiohttp.ClientConnectorError),
    ],
)
async def test_a_broken_connection_breaks_until_the_simulator_behaves(
    caller: Caller, kind: FaultKind, error: type[Exception]
) -> None:
    address = caller.zego.base_url
    caller.zego.misbehave(Fault(kind))
    for _ in range(2):
        with pytest.raises(error):
            await caller.ask("DescribeTasks", caller.window())
    caller.zego.behave()
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0
    assert caller.zego.base_url == address


async def test_refusing_drops_open_connections(caller: Caller) -> None:
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0
    caller.zego.misbehave(Fault(FaultKind.REFUSE))
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.ask("DescribeTasks", caller.window())
    caller.zego.behave()
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0


async def arrived(caller: Caller) -> None:
    """Wait until a request is there."""
    await caller.zego.arrived()


async def test_a_hanging_request_gets_no_answer_until_the_simulator_behaves(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.HANG))
    hanging = asyncio.create_task(caller.ask("DescribeTasks", caller.window()))
    await arrived(caller)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(hanging), 0.1)
    assert caller.zego.requests[0].code is None
    caller.zego.behave()
    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0


async def test_stopping_does_not_wait_for_hanging_requests(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.HANG))
    hanging = asyncio.create_task(caller.ask("DescribeTasks", caller.window()))
    await arrived(caller)
    async with asyncio.timeout(30):  # it hangs for ever
        await caller.zego.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging


async def test_latency_delays_the_right_answer(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.LATENCY, seconds=0.6))
    late = asyncio.create_task(caller.ask("DescribeTasks", caller.window()))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(late), 0.1)
    assert (await late)["Code"] == 0


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (FaultKind.NO_LIST, lambda data: data["TotalCount"] == 2 and "TaskidList" not in data),
        (FaultKind.WRONG_TYPES, lambda data: data["TotalCount"] == "2" and "rows" in data["TaskidList"]),
        (FaultKind.REPEATED_ROWS, lambda data: data["TaskidList"][1:2] == data["TaskidList"][2:]),
        (FaultKind.UNREADABLE_ROW, lambda data: data["TaskidList"][0]["Status"] == "recorded"),
        (FaultKind.UNKNOWN_STATUS, lambda data: [row["Status"] for row in data["TaskidList"]] == [9, 9]),
        (
            FaultKind.EXTRA_FIELDS,
            lambda data: "Undocumented" in data and "Undocumented" in data["TaskidList"][1],
        ),
    ],
)
async def test_an_answer_may_be_other_than_documented(caller: Caller, kind: FaultKind, check: Any) -> None:
    for room_id in ("1", "2"):
        caller.zego.add_task(room_id=room_id, began_ms=NOW_MS)
    caller.zego.misbehave(Fault(kind), times=1)
    assert check(await caller.tasks())
    assert not check(await caller.tasks())


async def test_details_may_have_an_unknown_status_too(caller: Caller) -> None:
    task_id = caller.zego.add_task(room_id="1", began_ms=NOW_MS - MINUTE)
    caller.zego.misbehave(Fault(FaultKind.UNKNOWN_STATUS))
    data = (await caller.details(task_id))["Data"]
    assert (data["Status"], data["RecordFiles"][0]["Status"]) == (9, 9)


async def test_the_total_may_grow_between_pages(caller: Caller) -> None:
    caller.zego.add_task(room_id="1", began_ms=NOW_MS)
    caller.zego.misbehave(Fault(FaultKind.GROWING_TOTAL))
    assert [(await caller.tasks(PageOffset=page))["TotalCount"] for page in (1, 2, 3)] == [1, 2, 3]


async def test_faults_take_turns(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.CODE, code=1), times=2)
    caller.zego.misbehave(Fault(FaultKind.NOTHING), times=1)
    caller.zego.misbehave(Fault(FaultKind.CODE, code=300010000), times=1)
    codes = [(await caller.ask("DescribeTasks", caller.window()))["Code"] for _ in range(5)]
    assert codes == [1, 1, 0, 300010000, 0]


async def test_a_fault_may_touch_one_action_only(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.CODE, code=1), action="DescribeRecordStatus")
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0
    assert (await caller.details("0123456789abcdef"))["Code"] == 1


async def test_a_request_that_is_not_let_in_does_not_use_a_fault_up(caller: Caller) -> None:
    caller.zego.misbehave(Fault(FaultKind.CODE, code=1), times=1)
    assert (await caller.ask("DescribeTasks", caller.window(), Signature="0" * 32))["Code"] == 100000005
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 1


# Starting, stopping, steering from outside.


async def test_a_taken_port_is_an_os_error_and_leaves_nothing_behind(caller: Caller) -> None:
    port = int(caller.zego.base_url.rstrip("/").rpartition(":")[2])
    second = SimulatedZego(clock=caller.zego.clock, tasks=0)
    with pytest.raises(OSError, match="in use"):
        await second.start(port=port)
    await second.stop()
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0


async def test_stopping_twice_and_starting_again_are_allowed(caller: Caller) -> None:
    await caller.zego.stop()
    await caller.zego.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.ask("DescribeTasks", caller.window())
    await caller.zego.start()
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0


async def test_the_representation_holds_no_secret(caller: Caller) -> None:
    assert caller.zego.server_secret not in repr(caller.zego)
    assert caller.zego.base_url in repr(caller.zego)


async def test_the_state_can_be_read_from_outside(seeded: Caller) -> None:
    await seeded.tasks()
    await seeded.details("0123456789abcdef")
    status, state = await seeded.control("GET", "state")
    assert status == 200
    assert state["clock"] == {"now": NOW, "iso": "2026-11-18T11:06:40.000+00:00"}
    assert set(state["recordings"]) == {"starting", "ongoing", "ended", "failed", "paused"}
    assert state["requests"]["total"] == 2
    assert state["requests"]["by_action"] == {"DescribeTasks": 1, "DescribeRecordStatus": 1}
    assert state["requests"]["by_code"] == {"0": 1, "300001000": 1}
    _, requests = await seeded.control("GET", "requests")
    assert [seen["action"] for seen in requests] == ["DescribeTasks", "DescribeRecordStatus"]
    await seeded.control("DELETE", "requests")
    assert (await seeded.control("GET", "requests"))[1] == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}, {"Host": "[::"}]
)
async def test_no_page_of_another_site_steers_the_simulator(
    clock: AdjustableClock, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    zego = SimulatedZego(clock=clock, tasks=0)
    await zego.start(routes=control_routes(zego))
    try:
        url = f"{zego.base_url}_simulator/clock"
        async with session.post(url, data='{"advance": 5}', headers=headers) as answer:
            assert answer.status == 403
        assert clock.now() == NOW
        async with session.post(url, data='{"advance": 5}') as answer:
            assert answer.status == 200
        assert clock.now() == NOW + 5
    finally:
        await zego.stop()


async def test_only_its_own_machine_steers_the_simulator(
    clock: AdjustableClock, session: aiohttp.ClientSession
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a route, sends nothing
        except OSError:
            pytest.skip("this machine has no address but the loopback one")
        own_address = probe.getsockname()[0]
    zego = SimulatedZego(clock=clock, tasks=0)
    await zego.start(own_address, routes=control_routes(zego))
    caller = Caller(zego, session)
    status, answer = await caller.control("POST", "clock", {"advance": 5})
    code = (await caller.ask("DescribeTasks", caller.window()))["Code"]
    await zego.stop()
    assert (status, code, clock.now()) == (403, 0, NOW)
    assert "its own machine" in answer["error"]


async def test_faults_can_be_planned_from_outside(caller: Caller) -> None:
    await caller.control("POST", "faults", {"kind": "code", "code": 7, "times": 2, "action": "DescribeTasks"})
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 7
    _, state = await caller.control("GET", "state")
    assert state["faults"] == [{"kind": "code", "times": 2, "used": 1, "action": "DescribeTasks"}]
    await caller.control("DELETE", "faults")
    assert (await caller.ask("DescribeTasks", caller.window()))["Code"] == 0


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ({"set": NOW + 50}, NOW + 50),
        ({"set": "2026-11-18T12:06:40Z"}, NOW + 3600),
        ({"advance": 90}, NOW + 90),
        ({"advance": -90}, NOW - 90),
    ],
)
async def test_the_clock_can_be_moved_from_outside(caller: Caller, body: dict[str, Any], now: float) -> None:
    assert (await caller.control("POST", "clock", body))[1]["now"] == now
    assert caller.zego.clock.now() == now


async def test_the_clock_can_be_speeded_up_from_outside(caller: Caller) -> None:
    await caller.control("POST", "clock", {"rate": 100_000})
    before = caller.zego.clock.now()
    await caller.control("GET", "state")
    assert caller.zego.clock.now() > before


async def test_the_machines_own_clock_cannot_be_moved(session: aiohttp.ClientSession) -> None:
    zego = SimulatedZego(clock=SystemClock(), tasks=0)
    await zego.start(routes=control_routes(zego))
    status, answer = await Caller(zego, session).control("POST", "clock", {"advance": 90})
    await zego.stop()
    assert status == 400
    assert "machine's own clock" in answer["error"]


async def test_recordings_can_be_placed_and_removed_from_outside(caller: Caller) -> None:
    _, placed = await caller.control(
        "POST",
        "tasks",
        {"room_id": "1", "status": 5, "files": [{"began_ms": NOW_MS, "stream_id": "host"}]},
    )
    data = (await caller.details(placed["task_id"]))["Data"]
    assert (data["RoomId"], data["Status"], data["RecordFiles"][0]["StreamId"]) == ("1", 5, "host")
    await caller.control("POST", "tasks", {"room_id": "2", "pauses": [[NOW_MS, None]], "files": None})
    assert [row["Status"] for row in await caller.rows(RoomId="2")] == [5]
    await caller.control("DELETE", "tasks")
    assert await caller.rows() == []


async def test_settings_can_be_changed_from_outside(caller: Caller) -> None:
    settings = {
        "order": "oldest",
        "list_key": "TaskList",
        "filter_of": {"4": 2},
        "max_rps": 1,
        "latency_seconds": 0.001,
    }
    assert (await caller.control("POST", "settings", settings))[0] == 200
    zego = caller.zego
    assert (zego.order, zego.list_key, zego.filter_of[4], zego.latency_seconds) == (
        "oldest",
        "TaskList",
        2,
        0.001,
    )
    codes = [(await caller.ask("DescribeTasks", caller.window()))["Code"] for _ in range(2)]
    assert codes == [0, 7]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "gremlin"}),
        ("faults", {}),
        ("faults", {"kind": "code", "volume": 11}),
        ("clock", {}),
        ("clock", {"set": "soon"}),
        ("clock", {"warp": 9}),
        ("tasks", {}),
        ("tasks", [1]),
        ("settings", {"order": "sideways"}),
        ("settings", {"colour": "blue"}),
    ],
)
async def test_steering_that_makes_no_sense_is_answered_with_a_sentence(
    caller: Caller, path: str, body: object
) -> None:
    status, answer = await caller.control("POST", path, body)
    assert status == 400
    assert answer["error"].startswith("This cannot be done: ")


async def test_the_simulator_alone_says_how_to_use_it_and_runs_until_cancelled(
    session: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    serving = asyncio.create_task(serve_simulator(port=0, tasks=100))
    printed = ""
    async with asyncio.timeout(30):
        while "Ctrl-C" not in printed:
            await asyncio.sleep(0)
            printed += capsys.readouterr().out
    environment = dict(re.findall(r"^(ZEGO_\w+)=(\S+)$", printed, re.MULTILINE))
    assert environment.keys() == {"ZEGO_API_URL", "ZEGO_APP_ID", "ZEGO_SERVER_SECRET"}
    assert 'python -m bot query "room=1230 status=ongoing last=6h"' in printed
    state_url = environment["ZEGO_API_URL"] + "_simulator/state"
    async with session.get(state_url) as answer:
        assert sum((await answer.json())["recordings"].values()) >= 100
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(state_url)
