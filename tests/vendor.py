"""A simulated ZEGOCLOUD and the use case on top of it, on clocks that only a test moves."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.clock import AdjustableClock
from bot.network import Network
from bot.query.parser import format_query, parse_query
from bot.recordings.page import ButtonState, Question, decode_button
from bot.recordings.service import Recordings
from bot.zegocloud.client import RetryPolicy, ZegoClient
from bot.zegocloud.limiter import Limiter
from tests.watched_zego import WatchedZego
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.recordings.page import Cursor, Page

AT_ONCE = RetryPolicy(wait_initial_seconds=0.001, wait_max_seconds=0.001)


class Vendor:
    """What a test asks and counts."""

    def __init__(self, zego: WatchedZego, clock: AdjustableClock, ttl_seconds: float, rps: int) -> None:
        self.zego = zego
        self.clock = clock
        self._ttl_seconds = ttl_seconds
        self._rps = rps
        self.recordings = self.another_bot()
        self.bots = [self.recordings]

    def another_bot(self) -> Recordings:
        """One that knows nothing yet, as after a restart."""
        zego = ZegoClient(
            network=Network(),
            app_id=self.zego.app_id,
            server_secret=self.zego.server_secret,
            base_url=self.zego.base_url,
            limiter=Limiter(self._rps, hold_seconds=0.001),
            clock=self.clock,
            cache_ttl_seconds=self._ttl_seconds,
            retry=AT_ONCE,
        )
        return Recordings(zego, self.clock, cache_ttl_seconds=self._ttl_seconds)

    def restart(self) -> None:
        """Go on with a bot that knows nothing."""
        self.recordings = self.another_bot()
        self.bots.append(self.recordings)

    def question(self, text: str, **more: Any) -> Question:
        """What somebody in UTC types now."""
        return Question(parse_query(text, self.clock.now(), "UTC"), "UTC", **more)

    async def ask(self, text: str, **more: Any) -> Page:
        return await self.recordings.find(self.question(text, **more))

    async def older(self, page: Page) -> Page:
        """Press the button that leads away from the first screen."""
        return await self.recordings.find(pressed(page, page.older))

    async def newer(self, page: Page) -> Page:
        """Press the button that leads back to it."""
        return await self.recordings.find(pressed(page, page.newer))

    @property
    def calls(self) -> int:
        return len(self.zego.requests)

    @property
    def codes(self) -> set[int | None]:
        """The vendor's codes of all answers."""
        return {request.code for request in self.zego.requests}


def pressed(page: Page, cursor: Cursor) -> Question:
    """The question of a button, read from the text that it carries."""
    number = page.number + (1 if cursor.forward else -1)
    plain = format_query(replace(page.question.query, page=1))
    value = ButtonState(max(1, number), page.question.asked_ms or 0, plain, cursor).encode()
    state = decode_button(value)
    assert state is not None
    query = replace(parse_query(state.query, state.asked_ms / 1000, page.question.zone), page=state.page)
    return Question(query, page.question.zone, state.asked_ms, state.cursor)


def ids(page: Page) -> list[str]:
    return [row.task_id for row in page.recordings]


@asynccontextmanager
async def a_vendor(
    *,
    tasks: int = 0,
    ttl_seconds: float = 15,
    rps: int = 1000,
    rate: float = 0.0,
    vendor_ahead_seconds: float = 0.0,
) -> AsyncIterator[Vendor]:
    """Everything started; with `tasks=0` the vendor knows only what a test adds."""
    clock = AdjustableClock(NOW, rate)
    theirs = AdjustableClock(NOW + vendor_ahead_seconds, rate) if vendor_ahead_seconds else clock
    zego = WatchedZego(clock=theirs, tasks=tasks, max_rps=None)
    if not tasks:
        zego.clear()
    await zego.start()
    vendor = Vendor(zego, clock, ttl_seconds, rps)
    try:
        yield vendor
    finally:
        for bot in vendor.bots:
            await bot.aclose()
        await zego.stop()
