"""The client against a server that misbehaves: retries, shared calls, cache, deadlines, and what it hides."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import ssl
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from bot.clock import AdjustableClock
from bot.errors import (
    InvalidSignatureError,
    MalformedRequestError,
    RateLimitedError,
    RecordingsError,
    SignatureExpiredError,
    TaskNotFoundError,
    TooLateError,
    ZegoBadAnswerError,
    ZegoBusyError,
    ZegoError,
    ZegoUnreachableError,
)
from bot.network import Network
from bot.sandbox.zegocloud import SimulatedZego
from bot.zegocloud.client import RetryPolicy, ZegoClient
from bot.zegocloud.limiter import Lane, Limiter, Priority
from bot.zegocloud.protocol import DescribeRecordStatus, DescribeTasks, TaskFilter, sign
from bot.zegocloud.transport import MOST_BYTES
from tests.vendor_server import (
    Reply,
    VendorServer,
    answers,
    broken_off,
    closed_port,
    details,
    drips,
    hangs,
    held,
    html,
    reset,
    says,
    tasks,
    truncated,
)
from tests.world import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.models import TaskPage

APP_ID = 12345
SECRET = "9193cc662a4c0ec135ec71fb57194b38"
QUICK = RetryPolicy(
    attempt_timeout_seconds=1.5, total_seconds=6, wait_initial_seconds=0.001, wait_max_seconds=0.002
)
QUESTION = DescribeTasks(TaskFilter.ONGOING, 1, 2)
BACKGROUND = Priority(lane=Lane.BACKGROUND)


def page_of(number: int) -> DescribeTasks:
    return DescribeTasks(TaskFilter.ONGOING, 1, 2, page=number)


def in_seconds(seconds: float, lane: Lane = Lane.INTERACTIVE) -> Priority:
    return Priority(lane=lane, deadline=asyncio.get_running_loop().time() + seconds)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Bench:
    """A server, a client that asks it, and the clock and limiter between them."""

    def __init__(self, server: VendorServer, **settings: Any) -> None:
        self.server = server
        self.clock: AdjustableClock = settings.setdefault("clock", AdjustableClock(start=1795431600.0))
        self.limiter: Limiter = settings.setdefault("limiter", Limiter(10, hold_seconds=0))
        settings.setdefault("base_url", server.url)
        settings.setdefault("retry", QUICK)
        settings.setdefault("network", Network())
        self.client = ZegoClient(app_id=APP_ID, server_secret=SECRET, **settings)

    def ask(self, request: DescribeTasks = QUESTION, *args: Any, **more: Any) -> asyncio.Task[TaskPage]:
        return asyncio.create_task(self.client.ask(request, *args, **more))

    @property
    def requests(self) -> int:
        return len(self.server.seen)

    @property
    def now_ms(self) -> int:
        return int(self.clock.now() * 1000)


@asynccontextmanager
async def bench(
    *script: Reply, default: Reply | None = None, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(VendorServer(*script, default=default, tls=tls))
        built = Bench(server, **settings)
        stack.push_async_callback(built.client.aclose)
        yield built


# One question, one request


async def test_sends_what_the_vendor_asks_for() -> None:
    async with bench() as b:
        page = await b.client.ask(DescribeTasks(TaskFilter.ENDED, 5, 6, room_id="1230", page=2))
        (seen,) = b.server.seen
    params = dict(seen.params)
    assert params.pop("Signature") == sign(APP_ID, params["SignatureNonce"], SECRET, int(params["Timestamp"]))
    assert len(params.pop("SignatureNonce")) == 16
    assert abs(int(params.pop("Timestamp")) - 1795431600) <= 120
    assert params == {"Action": "DescribeTasks", "AppId": "12345", "SignatureVersion": "2.0"}
    assert seen.body == {
        "Status": 3, "RoomId": "1230", "PageOffset": 2, "PageSize": 50, "StartTime": 5, "EndTime": 6,
    }  # fmt: skip
    assert [recording.room_id for recording in page.recordings] == ["1230"]
    assert page.page == 2


@pytest.mark.parametrize(
    ("suffix", "path"), [("", "/"), ("/", "/"), ("/zego/v1", "/zego/v1/"), ("/a/", "/a/")]
)
async def test_keeps_the_path_of_the_base_address(suffix: str, path: str) -> None:
    async with VendorServer() as server:
        b = Bench(server, base_url=server.url.rstrip("/") + suffix)
        await b.client.ask(QUESTION)
        await b.client.aclose()
    assert server.seen[0].path == path


LOADS = """
import asyncio, sys
from bot.clock import AdjustableClock
from bot.network import Network
from bot.zegocloud.client import ZegoClient
from bot.zegocloud.limiter import Limiter
from bot.zegocloud.protocol import DescribeTasks, TaskFilter

async def main():
    client = ZegoClient(
        app_id=1, server_secret="s", base_url=sys.argv[1], limiter=Limiter(1), clock=AdjustableClock(),
        network=Network(),
    )
    await client.prepare()
    before = set(sys.modules)
    await client.ask(DescribeTasks(TaskFilter.ONGOING, 1, 2))
    print(*sorted(set(sys.modules) - before))
    await client.aclose()

asyncio.run(main())
"""


async def test_once_prepared_the_first_question_loads_nothing() -> None:
    async with VendorServer() as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", LOADS, server.url), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert len(server.seen) == 1
    assert out.split() == []


async def test_an_answer_is_as_old_as_its_request() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, answers(tasks("1230")))) as b:
        asked = b.ask()
        await b.server.arrived(1)
        sent_before_ms = b.now_ms
        b.clock.advance(5)
        gate.set()
        assert sent_before_ms - 1000 < (await asked).as_of_ms <= sent_before_ms


async def test_connections_are_kept_between_requests() -> None:
    async with bench() as b:
        for number in range(1, 6):
            await b.client.ask(page_of(number))
        assert (b.requests, b.server.connections) == (5, 1)


# Faults and retries

GOOD = answers(tasks("1230"))
OUTCOMES = [
    # what the server does, how it ends, how many requests it takes
    pytest.param([GOOD], None, 1, id="a good answer"),
    pytest.param([says(1), GOOD], None, 2, id="busy once"),
    pytest.param([reset(), GOOD], None, 2, id="reset once"),
    pytest.param([html(502), html(200), GOOD], None, 3, id="HTML twice"),
    pytest.param([truncated(), broken_off(), GOOD], None, 3, id="cut short twice"),
    pytest.param([says(7), says(300000003, status=429), GOOD], None, 3, id="too many requests twice"),
    pytest.param([hangs(), GOOD], None, 2, id="a hang, then a good answer"),
    pytest.param([drips(b" " * 500, 0.02), GOOD], None, 2, id="a dripping answer, then a good one"),
    pytest.param([says(1)] * 3, ZegoBusyError, 3, id="busy for good"),
    pytest.param([html(503)] * 3, ZegoBusyError, 3, id="down for good"),
    pytest.param([html(200)] * 3, ZegoBadAnswerError, 3, id="HTML for good"),
    pytest.param([reset()] * 3, ZegoUnreachableError, 3, id="reset for good"),
    pytest.param([hangs()] * 3, ZegoUnreachableError, 3, id="hangs for good"),
    pytest.param([says(7)] * 3, RateLimitedError, 3, id="too many requests for good"),
    pytest.param([html(429)] * 3, RateLimitedError, 3, id="HTTP 429 for good"),
    pytest.param([html(404)], MalformedRequestError, 1, id="HTTP 404 is not repeated"),
    pytest.param([says(100000005)], InvalidSignatureError, 1, id="a wrong secret is not repeated"),
    pytest.param([says(1), says(300001000)], TaskNotFoundError, 2, id="busy, then a clear no"),
    pytest.param(
        [answers(b"", 302, {"Location": "https://elsewhere.example/"})] * 3, ZegoBadAnswerError, 3,
        id="redirects are not followed",
    ),
    pytest.param([answers(tasks(total=3))], None, 1, id="an empty list although tasks are counted"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "error", "requests"), OUTCOMES)
async def test_tries_again_where_that_can_help(
    script: list[Reply], error: type[ZegoError] | None, requests: int
) -> None:
    async with bench(*script, default=says(2)) as b:
        if error is None:
            await b.client.ask(QUESTION)
        else:
            with pytest.raises(error) as raised:
                await b.client.ask(QUESTION)
            assert type(raised.value) is error
            assert raised.value.tries == requests
        assert b.requests == requests
        assert len({seen.params["SignatureNonce"] for seen in b.server.seen}) == requests


class Once(DescribeTasks):
    repeatable = False


async def test_what_may_not_be_repeated_is_sent_once() -> None:
    async with bench(default=reset()) as b:
        with pytest.raises(ZegoUnreachableError) as raised:
            await b.client.ask(Once(TaskFilter.ONGOING, 1, 2))
        assert (raised.value.tries, b.requests) == (1, 1)


async def test_a_refused_connection_is_named_after_all_tries() -> None:
    async with bench(base_url=f"http://127.0.0.1:{await closed_port()}") as b:
        with pytest.raises(ZegoUnreachableError) as raised:
            await b.client.ask(QUESTION)
    assert (raised.value.reason, raised.value.tries) == ("no connection", 3)


async def test_an_address_without_a_scheme_is_named() -> None:
    async with bench(base_url="zego.example") as b:
        with pytest.raises(ZegoUnreachableError, match="does not begin with https://"):
            await b.client.ask(QUESTION)


async def test_an_untrusted_certificate_is_named(tmp_path: Path) -> None:
    async with bench(tls=await self_signed(tmp_path)) as b:
        with pytest.raises(ZegoUnreachableError, match="its certificate is not valid"):
            await b.client.ask(QUESTION)
        assert b.requests == 0


async def self_signed(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        f"req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout {key} -out {certificate}"
    )
    try:
        openssl = await asyncio.create_subprocess_exec(
            "openssl", *command.split(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError:
        pytest.skip("openssl makes the certificate of this test")
    assert await openssl.wait() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_retry_is_signed_with_the_time_of_its_own_sending() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, says(1))) as b:
        asked = b.ask()
        await b.server.arrived(1)
        b.clock.advance(100)
        gate.set()
        await asked
        first, second = (int(seen.params["Timestamp"]) for seen in b.server.seen)
    assert second - first >= 100
    assert (await asked).as_of_ms // 1000 == second


async def test_a_hang_ends_after_the_total_time_and_says_how_long_it_was() -> None:
    policy = RetryPolicy(
        attempts=9, attempt_timeout_seconds=0.2, total_seconds=0.5, wait_initial_seconds=0.01
    )
    async with bench(default=hangs(), retry=policy) as b:
        began = asyncio.get_running_loop().time()
        with pytest.raises(ZegoUnreachableError) as raised:
            await b.client.ask(QUESTION)
        took = asyncio.get_running_loop().time() - began
    assert 0.4 <= raised.value.seconds <= took
    assert 1 < raised.value.tries == b.requests < policy.attempts


async def test_background_work_may_try_for_longer_than_a_person_waits() -> None:
    policy = RetryPolicy(
        attempt_timeout_seconds=0.5, total_seconds=0.5, background_total_seconds=9, wait_initial_seconds=0.001
    )
    async with bench(hangs(), hangs(), retry=policy) as b:
        await b.client.ask(QUESTION, BACKGROUND)
        assert b.requests == 3
    async with bench(hangs(), hangs(), retry=policy) as b:
        with pytest.raises(ZegoUnreachableError):
            await b.client.ask(QUESTION)
        assert b.requests == 1


@pytest.mark.parametrize(
    ("retry_after", "deadline_seconds", "waits"),
    [("0.2", None, True), ("0.2", 5, True), ("50", None, False), ("10", 5, False)],
)
async def test_waits_as_long_as_the_vendor_says_if_there_is_time(
    retry_after: str, deadline_seconds: float | None, waits: bool
) -> None:
    async with bench(says(7, headers={"Retry-After": retry_after})) as b:
        priority = Priority() if deadline_seconds is None else in_seconds(deadline_seconds)
        began = asyncio.get_running_loop().time()
        if waits:
            await b.client.ask(QUESTION, priority)
            assert asyncio.get_running_loop().time() - began >= float(retry_after)
        else:
            async with asyncio.timeout(4):
                with pytest.raises(RateLimitedError) as raised:
                    await b.client.ask(QUESTION, priority)
            assert (raised.value.retry_after_seconds, raised.value.tries) == (float(retry_after), 1)
        assert b.requests == (2 if waits else 1)


async def test_an_answer_too_big_is_not_read_to_its_end() -> None:
    huge = answers(b" " * (MOST_BYTES * 4))
    async with bench(huge, huge, huge) as b:
        with pytest.raises(ZegoBadAnswerError, match="bigger than 4 MB"):
            await b.client.ask(QUESTION)


async def test_a_wrongly_compressed_answer_is_a_bad_answer() -> None:
    async with bench(default=answers(b"\x00\x01", headers={"Content-Encoding": "gzip"})) as b:
        with pytest.raises(ZegoBadAnswerError, match="wrongly compressed"):
            await b.client.ask(QUESTION)


async def test_a_dripping_header_is_given_up_and_its_connection_closed() -> None:
    policy = RetryPolicy(attempts=2, attempt_timeout_seconds=0.5, wait_initial_seconds=0.001)
    endless = drips(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000, 0.02)
    async with bench(endless, retry=policy) as b:
        assert (await b.client.ask(QUESTION)).total == 1
        await b.server.until(lambda: b.server.connections - b.server.open_connections >= 1)
        assert (await b.client.ask(page_of(2))).total == 1


# Sharing


async def test_200_equal_questions_are_one_request() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD)) as b:
        asked = [b.ask() for _ in range(200)]
        await b.server.arrived(1)
        gate.set()
        pages = await asyncio.gather(*asked)
        assert (b.requests, len({id(page) for page in pages})) == (1, 1)


async def test_different_questions_are_different_requests() -> None:
    async with bench() as b:
        await asyncio.gather(*(b.client.ask(page_of(number)) for number in range(1, 31)))
        assert sorted(seen.body["PageOffset"] for seen in b.server.seen) == list(range(1, 31))


async def test_everyone_who_shares_a_failed_call_gets_an_error_of_their_own() -> None:
    async with bench(default=says(2)) as b:
        outcomes = await asyncio.gather(*(b.client.ask(QUESTION) for _ in range(50)), return_exceptions=True)
        assert b.requests == 1
    assert {type(error).__name__ for error in outcomes} == {"InvalidParameterError"}
    assert len({id(error) for error in outcomes}) == 50
    for error in outcomes:
        assert isinstance(error, ZegoError)
        assert (error.code, error.vendor_message, error.request_id, error.tries) == (2, "no", "abcd123", 1)
        assert len(list(_frames(error))) < 6


def _frames(error: BaseException) -> list[Any]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    return frames


async def test_one_who_leaves_harms_nobody_else() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD)) as b:
        first, second, third = b.ask(), b.ask(), b.ask()
        await b.server.arrived(1)
        first.cancel()
        third.cancel()
        await settle()
        gate.set()
        assert (await second).total == 1
        assert first.cancelled()
        assert third.cancelled()
        assert b.requests == 1


async def test_a_call_that_everyone_left_while_it_was_sent_still_fills_the_cache() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD)) as b:
        asked = b.ask()
        await b.server.arrived(1)
        asked.cancel()
        await settle()
        joined = b.ask()
        gate.set()
        assert (await joined).total == 1
        assert b.requests == 1


async def test_a_failed_call_that_everyone_left_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, says(1))) as b:
        asked = b.ask()
        await b.server.arrived(1)
        asked.cancel()
        (call,) = b.client._calls._flights
        gate.set()
        await asyncio.wait([call._task], timeout=30)
        gc.collect()
        assert b.requests == 1
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def full() -> Limiter:
    return Limiter(1, hold_seconds=0)


async def test_a_call_that_everyone_left_while_it_waited_gives_its_place_up(full: Limiter) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), limiter=full) as b:
        sending = b.ask(page_of(1))
        await b.server.arrived(1)
        waiting = [b.ask(page_of(2)), b.ask(page_of(2))]
        await settle()
        assert full.waiting() == 1
        waiting[0].cancel()
        await settle()
        assert full.waiting() == 1
        waiting[1].cancel()
        await settle()
        assert full.waiting() == 0
        again = b.ask(page_of(2))
        gate.set()
        await asyncio.gather(sending, again)
        assert b.requests == 2


async def test_nobody_joins_a_call_that_is_being_given_up(full: Limiter) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), limiter=full) as b:
        sending = b.ask(page_of(1))
        await b.server.arrived(1)
        leaves = b.ask(page_of(2))
        await settle()
        leaves.cancel()
        comes = b.ask(page_of(2))
        await settle()
        gate.set()
        assert (await comes).total == 1
        await sending


async def test_who_needs_a_fresher_answer_does_not_join_a_call_sent_before() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, answers(tasks("old"))), answers(tasks("new"))) as b:
        old = b.ask()
        await b.server.arrived(1)
        joins = b.ask(not_before_ms=b.now_ms - 60_000)
        await settle()
        b.clock.advance(1)
        new = await b.client.ask(QUESTION, not_before_ms=b.now_ms)
        gate.set()
        assert [page.recordings[0].room_id for page in (await old, await joins, new)] == ["old", "old", "new"]
        assert (await b.client.ask(QUESTION)).recordings[0].room_id == "new"
        assert b.requests == 2


async def test_who_needs_a_fresher_answer_joins_a_call_that_is_yet_to_be_sent(full: Limiter) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), limiter=full) as b:
        sending = b.ask(page_of(1))
        await b.server.arrived(1)
        waiting = b.ask(page_of(2))
        await settle()
        b.clock.advance(1)
        fresher = b.ask(page_of(2), not_before_ms=b.now_ms)
        await settle()
        gate.set()
        await asyncio.gather(sending, waiting, fresher)
        assert b.requests == 2


async def test_a_person_who_joins_a_background_call_promotes_it(full: Limiter) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), limiter=full) as b:
        asked = [b.ask(page_of(1))]
        await b.server.arrived(1)
        asked += [b.ask(page_of(number), BACKGROUND) for number in (2, 3, 4)]
        await settle()
        asked.append(b.ask(page_of(4), Priority()))
        await settle()
        assert (full.waiting(Lane.INTERACTIVE), full.waiting(Lane.BACKGROUND)) == (1, 2)
        gate.set()
        await asyncio.gather(*asked)
        assert [seen.body["PageOffset"] for seen in b.server.seen] == [1, 4, 2, 3]


async def test_nothing_hangs_after_a_storm_of_cancelled_questions() -> None:
    chance = random.Random(7)  # noqa: S311 - decides only who is cancelled
    async with bench(limiter=Limiter(4, hold_seconds=0), cache_ttl_seconds=0) as b:
        for _ in range(500):
            asked = [b.ask(page_of(chance.randrange(1, 6))) for _ in range(4)]
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            for task in asked:
                task.cancel()
            await asyncio.wait(asked)
        async with asyncio.timeout(5):
            await asyncio.gather(*(b.client.ask(page_of(number)) for number in range(1, 20)))
        assert b.limiter.waiting() == 0
        assert b.client.sending == 0
        assert not len(b.client._calls)


async def test_the_server_never_sees_more_than_the_limit_in_a_window() -> None:
    async with bench(limiter=Limiter(5, hold_seconds=0.1), default=GOOD) as b:
        b.server.script.extend([says(1), reset(), html(503), GOOD] * 4)
        await asyncio.gather(
            *(b.client.ask(page_of(number)) for number in range(1, 31)), return_exceptions=True
        )
        times = [seen.at for seen in b.server.seen]
    assert len(times) > 30
    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) >= 0.1


# Deadlines


async def test_a_hopeless_question_is_refused_at_once() -> None:
    async with bench(limiter=Limiter(1, hold_seconds=60)) as b:
        await b.client.ask(page_of(1))
        waiting = b.ask(page_of(2))
        await settle()
        with pytest.raises(TooLateError) as raised:
            await b.client.ask(page_of(3), in_seconds(8))
        assert raised.value.ahead == 1
        waiting.cancel()
        await settle()


async def test_a_waiter_stops_at_its_deadline_while_the_queue_is_long(full: Limiter) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), limiter=full, retry=RetryPolicy()) as b:
        sending = b.ask(page_of(1))
        await b.server.arrived(1)
        patient, hurried = b.ask(page_of(2)), b.ask(page_of(2), in_seconds(0.1))
        with pytest.raises(TooLateError) as raised:
            await hurried
        assert 0.05 < raised.value.waited_seconds < 4
        gate.set()
        await asyncio.gather(sending, patient)


async def test_a_waiter_who_stops_while_the_vendor_is_silent_is_told_so() -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), retry=RetryPolicy()) as b:
        patient, hurried = b.ask(), b.ask(QUESTION, in_seconds(0.1))
        with pytest.raises(ZegoUnreachableError) as raised:
            await hurried
        assert (raised.value.tries, raised.value.reason) == (1, "no answer in time")
        assert 0.05 < raised.value.seconds < 4
        gate.set()
        assert (await patient).total == 1


async def test_a_waiter_who_stops_between_two_tries_is_told_what_failed() -> None:
    slowly = RetryPolicy(total_seconds=1000, wait_initial_seconds=100, wait_max_seconds=100)
    async with bench(says(1), retry=slowly) as b:
        patient = b.ask()
        await b.server.arrived(1)
        while b.client.sending:  # noqa: ASYNC110 - the client does not tell of its pauses
            await asyncio.sleep(0)
        await settle()
        with pytest.raises(ZegoBusyError):
            await b.client.ask(QUESTION, in_seconds(0.1))
        assert not patient.done()
        patient.cancel()


async def test_a_waiter_whose_time_went_into_the_queue_is_told_so(full: Limiter) -> None:
    gate = asyncio.Event()
    async with bench(held(gate, GOOD), hangs(), limiter=full, retry=RetryPolicy()) as b:
        sending = b.ask(page_of(1))
        await b.server.arrived(1)
        asyncio.get_running_loop().call_later(1.4, gate.set)
        with pytest.raises(TooLateError):
            await b.client.ask(page_of(2), in_seconds(2.2))
        await sending
        assert b.requests == 2


async def test_a_retry_that_would_come_too_late_is_not_waited_for() -> None:
    policy = RetryPolicy(wait_initial_seconds=0.2)
    async with bench(says(1), limiter=Limiter(1, hold_seconds=60), retry=policy) as b:
        async with asyncio.timeout(10):
            with pytest.raises(ZegoBusyError) as raised:
                await b.client.ask(QUESTION, in_seconds(30))
    assert raised.value.tries == 1


async def test_a_retry_whose_turn_came_too_late_is_not_sent() -> None:
    policy = RetryPolicy(total_seconds=1, wait_initial_seconds=0.001, wait_max_seconds=0.001)
    async with bench(says(1), limiter=Limiter(1, hold_seconds=1.5), retry=policy) as b:
        with pytest.raises(ZegoBusyError):
            await b.client.ask(QUESTION)
        assert b.requests == 1


async def test_a_pause_longer_than_the_time_left_is_not_made() -> None:
    async with bench(says(1), retry=RetryPolicy(wait_initial_seconds=9, wait_max_seconds=9)) as b:
        async with asyncio.timeout(5):
            with pytest.raises(ZegoBusyError):
                await b.client.ask(QUESTION, in_seconds(8.5))
        assert b.requests == 1


async def test_one_who_may_wait_longer_keeps_the_call_trying() -> None:
    async with bench(says(7, headers={"Retry-After": "1"})) as b:
        hurried, patient = b.ask(QUESTION, in_seconds(0.8)), b.ask(QUESTION, in_seconds(7))
        with pytest.raises(RateLimitedError):
            await hurried
        assert (await patient).total == 1


# The cache


async def test_answers_from_the_cache_until_it_is_too_old() -> None:
    async with bench(answers(tasks("first")), answers(tasks("second")), cache_ttl_seconds=15) as b:
        first = await b.client.ask(QUESTION)
        b.clock.advance(14)
        assert await b.client.ask(QUESTION) is first
        b.clock.advance(2)
        assert (await b.client.ask(QUESTION)).recordings[0].room_id == "second"


async def test_a_cached_answer_is_passed_over_by_who_needs_a_fresher_one() -> None:
    async with bench(answers(tasks("first")), answers(tasks("second"))) as b:
        first = await b.client.ask(QUESTION)
        assert await b.client.ask(QUESTION, not_before_ms=first.as_of_ms) is first
        b.clock.advance(1)
        second = await b.client.ask(QUESTION, not_before_ms=b.now_ms)
        assert second.recordings[0].room_id == "second"
        assert await b.client.ask(QUESTION) is second


async def test_the_cache_does_not_mind_the_wall_clock() -> None:
    async with bench() as b:
        first = await b.client.ask(QUESTION)
        b.clock.set(b.clock.now() + 86_400)
        assert await b.client.ask(QUESTION) is first


async def test_errors_are_not_kept() -> None:
    async with bench(says(2)) as b:
        with pytest.raises(ZegoError):
            await b.client.ask(QUESTION)
        assert (await b.client.ask(QUESTION)).total == 1


DETAILS = [
    pytest.param(details(3, 3), 3590, True, id="ended and uploaded"),
    pytest.param(details(4, 3, 5), 3590, True, id="failed, one file lost"),
    pytest.param(details(3, 3), 3610, False, id="not for ever"),
    pytest.param(details(3, 3, 2), 20, False, id="still uploading"),
    pytest.param(details(3, 4), 20, False, id="in backup storage"),
    pytest.param(details(3), 20, False, id="no files yet"),
    pytest.param(details(2, 3), 20, False, id="still running"),
    pytest.param(details(2, 1), 14, True, id="running, within the usual time"),
]


@pytest.mark.parametrize(("data", "seconds", "kept"), DETAILS)
async def test_details_that_cannot_change_are_kept_longer(data: Any, seconds: float, kept: bool) -> None:
    async with bench(default=answers(data)) as b:
        first = await b.client.ask(DescribeRecordStatus("YRHu"))
        b.clock.advance(seconds)
        second = await b.client.ask(DescribeRecordStatus("YRHu"))
        assert (first is second, b.requests) == (kept, 1 if kept else 2)
        assert b.server.seen[0].body == {"TaskId": "YRHu"}
        assert b.server.seen[0].params["Action"] == "DescribeRecordStatus"


async def test_details_can_be_asked_for_anew() -> None:
    async with bench(default=answers(details(3, 3))) as b:
        await b.client.ask(DescribeRecordStatus("YRHu"))
        b.clock.advance(1)
        await b.client.ask(DescribeRecordStatus("YRHu"), not_before_ms=b.now_ms)
        await b.client.ask(DescribeRecordStatus("other"))
        assert b.requests == 3


async def test_equal_questions_about_a_task_are_shared() -> None:
    async with bench(default=answers(details(2, 1))) as b:
        await asyncio.gather(*(b.client.ask(DescribeRecordStatus("YRHu")) for _ in range(20)))
        assert b.requests == 1


# What it knows about the vendor


async def test_knows_how_far_the_vendors_clock_is_off() -> None:
    async with bench(clock=AdjustableClock(start=1795431600.0, rate=0)) as b:
        assert b.client.skew_seconds is None
        b.server.script.append(answers(tasks(), headers={"Date": formatdate(1795431600 + 700, usegmt=True)}))
        await b.client.ask(QUESTION)
        assert b.client.skew_seconds == 700.5
        await b.client.ask(page_of(2))
        assert b.client.skew_seconds == 700.5


async def test_an_expired_signature_carries_the_skew() -> None:
    date = {"Date": formatdate(1795431600 - 900, usegmt=True)}
    async with bench(says(100000004, headers=date), clock=AdjustableClock(start=1795431600.0, rate=0)) as b:
        with pytest.raises(SignatureExpiredError, match="15 min ahead") as raised:
            await b.client.ask(QUESTION)
    assert raised.value.skew_seconds == -899.5


async def test_remembers_when_the_vendor_answered_well_and_what_failed_last() -> None:
    async with bench(GOOD, says(300001000), says(100000005)) as b:
        assert (b.client.last_ok_ms, b.client.failure) == (None, None)
        began = b.now_ms
        await b.client.ask(QUESTION)
        first_ok = b.client.last_ok_ms
        assert first_ok is not None
        assert began <= first_ok <= b.now_ms
        b.clock.advance(1)
        with pytest.raises(TaskNotFoundError):
            await b.client.ask(DescribeRecordStatus("gone"))
        assert b.client.failure is None
        assert (b.client.last_ok_ms or 0) >= first_ok + 1000
        b.clock.advance(1)
        with pytest.raises(InvalidSignatureError):
            await b.client.ask(page_of(2))
        assert isinstance(b.client.failure, InvalidSignatureError)
        assert b.client.failure.__traceback__ is None


async def test_the_vendor_is_back_once_it_answers_whatever_the_clock_does_meanwhile() -> None:
    async with bench(says(100000005), GOOD, says(100000005), says(300001000)) as b:
        for page in (1, 3):
            with pytest.raises(InvalidSignatureError):
                await b.client.ask(page_of(page))
            assert b.client.failure
            b.clock.set(b.clock.now() - 3600)  # as when somebody sets the machine right
            with suppress(TaskNotFoundError):
                await (b.client.ask(page_of(2)) if page == 1 else b.client.ask(DescribeRecordStatus("gone")))
            assert b.client.failure is None


# What it hides


async def test_no_log_holds_a_signature_a_nonce_or_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "stamina"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with bench(reset(), says(1), says(100000005)) as b:
        with pytest.raises(InvalidSignatureError):
            await b.client.ask(QUESTION)
        await b.client.ask(QUESTION)
        hidden = [SECRET]
        for seen in b.server.seen:
            hidden += [seen.params["Signature"], seen.params["SignatureNonce"]]
    assert len(hidden) == 9
    logged = "\n".join(repr(record.__dict__) for record in caplog.records)
    assert "stamina" in logged
    assert [text for text in hidden if text in logged] == []
    assert "127.0.0.1" not in logged


def _everything_about(error: BaseException | None) -> str:
    parts = []
    while error is not None:
        parts += [repr(error), str(error), repr(getattr(error, "__dict__", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


FAULTS: list[Callable[[], Reply]] = [reset, hangs, truncated, broken_off, lambda: html(500), lambda: says(1)]


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_error_holds_a_signature_an_address_or_the_secret(fault: Callable[[], Reply]) -> None:
    once = RetryPolicy(attempts=1, attempt_timeout_seconds=0.5)
    async with bench(fault(), retry=once) as b:
        with pytest.raises(RecordingsError) as raised:
            await b.client.ask(QUESTION)
        (seen,) = b.server.seen
    text = _everything_about(raised.value)
    for hidden in (SECRET, seen.params["Signature"], seen.params["SignatureNonce"], "127.0.0.1"):
        assert hidden not in text


def test_the_client_does_not_show_its_secret() -> None:
    client = ZegoClient(
        network=Network(),
        app_id=APP_ID, server_secret=SECRET, base_url="https://user:pass@cloudrecord-api.zego.im",
        limiter=Limiter(1), clock=AdjustableClock(),
    )  # fmt: skip
    assert repr(client) == "ZegoClient(app_id=12345, host='cloudrecord-api.zego.im')"


# Stopping


async def test_closing_ends_what_waits_and_what_is_sent(full: Limiter) -> None:
    patient = RetryPolicy(attempt_timeout_seconds=60, total_seconds=60)
    async with bench(default=hangs(), limiter=full, retry=patient) as b:
        sending = b.ask(page_of(1))
        await b.server.arrived(1)
        waiting = b.ask(page_of(2))
        await settle()
        async with asyncio.timeout(10):
            await b.client.aclose()
            for asked in (sending, waiting, b.ask(page_of(3))):
                with pytest.raises(ZegoUnreachableError, match="the bot is stopping"):
                    await asked
        assert b.requests == 1
        assert b.client.sending == 0


async def test_closing_a_client_that_was_never_used_opens_nothing() -> None:
    async with bench() as b:
        await b.client.aclose()
        assert b.server.connections == 0


async def test_a_cached_answer_is_given_even_while_closing() -> None:
    async with bench() as b:
        page = await b.client.ask(QUESTION)
        await b.client.aclose()
        assert await b.client.ask(QUESTION) is page


# Against the simulated API, which refuses as the vendor does


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[tuple[SimulatedZego, ZegoClient]]:
    zego = SimulatedZego(clock=AdjustableClock(start=1795431600.0), tasks=2000)
    await zego.start()
    client = ZegoClient(
        network=Network(),
        app_id=zego.app_id,
        server_secret=zego.server_secret,
        base_url=zego.base_url,
        **{"clock": zego.clock, "limiter": Limiter(10), "retry": QUICK, **settings},
    )
    try:
        yield zego, client
    finally:
        await client.aclose()
        await zego.stop()


async def test_the_vendors_budget_is_never_exceeded() -> None:
    async with simulated(retry=RetryPolicy(attempt_timeout_seconds=30, total_seconds=60)) as (zego, client):
        window = DescribeTasks(TaskFilter.ENDED, zego.now_ms() - 2 * 86_400_000, zego.now_ms())
        pages = await asyncio.gather(*(client.ask(replace(window, page=number)) for number in range(1, 31)))
        task_ids = {recording.task_id for page in pages for recording in page.recordings}
        assert len(task_ids) == pages[0].total > 1000
        assert {seen.code for seen in zego.requests} == {0}
        newest = pages[0].recordings[0]
        details = await client.ask(DescribeRecordStatus(newest.task_id))
    assert (details.task_id, details.room_id, details.began_ms) == (
        newest.task_id, newest.room_id, newest.began_ms,
    )  # fmt: skip


async def test_a_wrong_clock_is_named_with_its_error() -> None:
    async with simulated(clock=AdjustableClock(start=1795431600.0 - 1200)) as (_, client):
        with pytest.raises(SignatureExpiredError, match="20 min behind"):
            await client.ask(DescribeRecordStatus("YRHu6-E4IyvEAAAD"))


async def test_an_unknown_task_is_not_found() -> None:
    async with simulated() as (zego, client):
        with pytest.raises(TaskNotFoundError):
            await client.ask(DescribeRecordStatus("YRHu6-E4IyvEAAAD"))
        assert len(zego.requests) == 1
