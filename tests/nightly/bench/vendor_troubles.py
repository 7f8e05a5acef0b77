"""What ZEGOCLOUD can do wrong, one trouble each."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from bot.clock import AdjustableClock
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.nightly.bench.driver import BUSY_ROOM, MINUTE_MS, MIX
from tests.nightly.bench.questions import Kind
from tests.nightly.bench.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.nightly.bench.stage import Stage

    Strike = Callable[[Stage], AbstractAsyncContextManager[None]]

OUTAGE_SECONDS = 10.0
"""Longer than a call is tried again."""

EACH_CODE_SECONDS = 0.7
NEW_EVERY_SECONDS = 0.1

_PASSING = (1, 7, 300000003, 100000015, 300010000)
_CONFIGURATION = (3, 300000005, 100000001, 100000005, 100000009, 100000016, 300000002, 300000006)
_QUESTION = (2, 300000004, 300001000, 300001001, 300001004)
_UNKNOWN = (987654321,)

_LONG = {**MIX, Kind.SCAN: 2.0, Kind.COMMAND: 1.5, Kind.MENTION: 0.5}
_LISTS_WITHOUT_FILTER = {kind: share for kind, share in MIX.items() if kind is not Kind.SCAN}


def does(kind: FaultKind, **how: float) -> Strike:
    """Every answer is wrong in this way."""

    @asynccontextmanager
    async def strike(stage: Stage) -> AsyncIterator[None]:
        stage.zego.misbehave(Fault(kind, **how))  # type: ignore[arg-type]
        try:
            yield
        finally:
            stage.zego.behave()

    return strike


@asynccontextmanager
async def meanwhile(going_on: Callable[[], object], every_seconds: float) -> AsyncIterator[None]:
    """Do something again and again."""

    async def keep_on() -> None:
        while True:
            done = going_on()
            if asyncio.iscoroutine(done):
                await done
            await asyncio.sleep(every_seconds)

    task = asyncio.create_task(keep_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def says(codes: tuple[int, ...]) -> Strike:
    """Every answer is an error, of one code after the other."""

    @asynccontextmanager
    async def strike(stage: Stage) -> AsyncIterator[None]:
        turn = itertools.cycle(codes)

        def next_code() -> None:
            stage.zego.behave()
            stage.zego.misbehave(Fault(FaultKind.CODE, code=next(turn)))

        async with meanwhile(next_code, EACH_CODE_SECONDS):
            yield
        stage.zego.behave()

    return strike


def clock_off(seconds: float) -> Strike:
    """The vendor's clock goes ahead, and comes back."""

    @asynccontextmanager
    async def strike(stage: Stage) -> AsyncIterator[None]:
        clock = stage.zego.clock
        assert isinstance(clock, AdjustableClock)
        clock.advance(seconds)
        yield
        clock.advance(-seconds)

    return strike


@asynccontextmanager
async def shifting(stage: Stage) -> AsyncIterator[None]:
    """Recordings of the busy room keep ending, so that every page moves on while it is read."""

    def one_more() -> None:
        now_ms = stage.zego.now_ms()
        stage.zego.add_task(room_id=BUSY_ROOM, began_ms=now_ms - MINUTE_MS, status=3)

    async with meanwhile(one_more, NEW_EVERY_SECONDS):
        yield


VENDOR_TROUBLES = [
    Trouble(
        "vendor-refused", "ZEGOCLOUD refuses connections", does(FaultKind.REFUSE), seconds=OUTAGE_SECONDS
    ),
    Trouble("vendor-reset", "… resets them", does(FaultKind.RESET)),
    Trouble(
        "vendor-hang", "… takes requests and never answers", does(FaultKind.HANG), seconds=OUTAGE_SECONDS
    ),
    Trouble("vendor-slow", "… takes 3 s", does(FaultKind.LATENCY, seconds=3.0), per_second=6.0),
    Trouble("vendor-cut-off", "… breaks off in the middle of an answer", does(FaultKind.CUT_OFF)),
    Trouble("vendor-html", "… sends HTML (HTTP 502)", does(FaultKind.HTML)),
    Trouble("vendor-not-json", "… sends text that is not JSON", does(FaultKind.NOT_JSON)),
    Trouble("vendor-truncated", "… sends half of the JSON", does(FaultKind.TRUNCATED)),
    Trouble("vendor-no-list", "… leaves the list out", does(FaultKind.NO_LIST)),
    Trouble("vendor-wrong-types", "… sends text for numbers", does(FaultKind.WRONG_TYPES)),
    Trouble("vendor-429", "… HTTP 429", does(FaultKind.TOO_MANY_REQUESTS, seconds=1)),
    Trouble("vendor-503", "… HTTP 503", does(FaultKind.HTTP_ERROR, http_status=503), seconds=OUTAGE_SECONDS),
    Trouble("vendor-codes-busy", "… codes for busy and too many requests", says(_PASSING)),
    Trouble("vendor-codes-configuration", "… codes for wrong credentials and the like", says(_CONFIGURATION)),
    Trouble("vendor-codes-question", "… codes for a wrong question, an unknown task", says(_QUESTION)),
    Trouble("vendor-codes-unknown", "… a code that nobody documented", says(_UNKNOWN)),
    Trouble("vendor-clock-20-min", "ZEGOCLOUD's clock 20 min ahead", clock_off(1200)),
    Trouble("vendor-clock-5-min", "… 5 min ahead", clock_off(300)),
    Trouble(
        "vendor-unknown-status",
        "A status number that nobody documented",
        does(FaultKind.UNKNOWN_STATUS),
        mix=_LISTS_WITHOUT_FILTER,
        also_right=("Status 9",),
    ),
    Trouble("vendor-extra-fields", "Fields that nobody documented", does(FaultKind.EXTRA_FIELDS)),
    Trouble("vendor-repeated-rows", "Rows that come twice", does(FaultKind.REPEATED_ROWS)),
    Trouble("vendor-shifting", "Pages that shift while they are read", shifting, mix=_LONG, per_second=6.0),
    Trouble("vendor-growing-total", "A total that grows while it is read", does(FaultKind.GROWING_TOTAL)),
]
