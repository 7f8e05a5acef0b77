"""The simulated ZEGOCLOUD, which a test can act in between two calls, and wait for."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from bot.sandbox.zegocloud import SimulatedZego

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.zegocloud import SeenRequest

PATIENCE_SECONDS = 30.0


class Arrivals(deque["SeenRequest"]):
    """Requests; `next` is set when one comes."""

    def __init__(self) -> None:
        super().__init__(maxlen=100_000)
        self.next = asyncio.Event()

    def append(self, request: SeenRequest) -> None:
        super().append(request)
        self.next.set()


class WatchedZego(SimulatedZego):
    """Lets a test act between two calls: `before_list(n, body)` comes before the nth list is worked out.

    `spoil(row)` may make a row of a list wrong, `spoil_details(task_id, data)` the details of a task.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.before_list: Callable[[int, dict[str, Any]], None] | None = None
        self.spoil: Callable[[dict[str, Any]], object] | None = None
        self.spoil_details: Callable[[str, dict[str, Any]], object] | None = None
        self.lists = 0
        self.requests: Arrivals = Arrivals()

    async def arrived(self, count: int = 1) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.requests) < count:
                self.requests.next.clear()
                await self.requests.next.wait()

    def _tasks(self, body: dict[str, Any]) -> dict[str, Any]:
        self.lists += 1
        if self.before_list:
            self.before_list(self.lists, body)
        data = super()._tasks(body)
        for row in data[self.list_key] if self.spoil else ():
            self.spoil(row)
        return data

    def _record_status(self, body: dict[str, Any]) -> dict[str, Any]:
        data = super()._record_status(body)
        if self.spoil_details:
            self.spoil_details(body["TaskId"], data)
        return data
