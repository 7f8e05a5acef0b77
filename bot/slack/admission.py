"""Lets deliveries in a few at a time, so that a crowd that comes in one moment does not hold up everybody."""

from __future__ import annotations

import asyncio
from collections import deque

AT_ONCE = 16
"""How many a pass of the event loop takes: some 5 ms of work, after which others are seen to."""


class Admission:
    """Spreads a crowd over passes of the event loop, first come, first served.

    A thousand deliveries that are read in one pass are all begun before the first is answered, half a second
    later. One by one, the first are answered at once, and whatever waits for the loop comes in between.

    Args:
        at_once: how many are let in with each pass.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._left = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turns = False

    async def enter(self) -> None:
        """Return at once, or in a later pass when many have come in this one."""
        if not self._turns:
            self._turns = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._left and not self._waiting:
            self._left -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    def _turn(self) -> None:
        """Once a pass, while anybody comes."""
        self._turns = self._left < self._at_once or bool(self._waiting)
        self._left = self._at_once
        while self._left and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():  # else its connection broke
                waiting.set_result(None)
                self._left -= 1
        if self._turns:
            asyncio.get_running_loop().call_soon(self._turn)
