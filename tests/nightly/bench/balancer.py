"""A small HTTP load balancer before several replicas: health by `/readyz`, in turn, nothing sent twice."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

CHECK_SECONDS = 0.5
"""How often every replica's health is asked."""

HEALTH_TIMEOUT_SECONDS = 2.0
ANSWER_TIMEOUT_SECONDS = 10.0
REMEMBERED = 100_000

NAME_HEADER = "X-Delivery"
"""What the sender calls a delivery, for the record of where it went."""


@dataclass
class Backend:
    """One replica as the balancer sees it.

    Args:
        url: its address, without a slash at the end.
        ready: its last `/readyz` was 200.
        under_way: how many deliveries it has now.
        handled: how many it answered.
    """

    url: str
    ready: bool = False
    under_way: int = 0
    handled: int = 0


@dataclass(frozen=True)
class Attempt:
    """A delivery that reached a replica, by event-loop time."""

    backend: int
    began: float


class Balancer:
    """Passes every delivery on to one ready replica.

    A replica that refuses the connection has not seen the delivery, so the next one gets it. One that broke
    half way may have done what it asks for: Slack is told 502, and knows itself what may be sent again.

    Args:
        urls: the replicas' addresses.

    Attributes:
        twice: every delivery goes to two replicas at once, as when it comes again although it arrived.
        attempts: a delivery's name → where it went.
        broken: the names of those that broke half way.
        outcomes: `passed on`, `broke half way`, `nobody ready`, `refused, next`.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self.backends = [Backend(url) for url in urls]
        self.twice = False
        self.attempts: dict[str, list[Attempt]] = {}
        self.broken: deque[str] = deque(maxlen=REMEMBERED)
        self.outcomes: Counter[str] = Counter()
        self.url = ""
        self._next = 0
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._checking: list[asyncio.Task[None]] = []
        self._checked = asyncio.Condition()

    async def __aenter__(self) -> Self:
        # A connection for each delivery: one kept open may be closed by the replica in that very moment.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector)
        application = web.Application(client_max_size=1024**2)
        application.router.add_post("/slack/events", self._receive)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._checking = [asyncio.create_task(self._keep_checking(backend)) for backend in self.backends]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._checking:
            task.cancel()
        await asyncio.gather(*self._checking, return_exceptions=True)
        assert self._runner
        assert self._session
        await self._runner.cleanup()
        await self._session.close()

    async def until_ready(self, count: int, timeout_seconds: float = 60.0) -> None:
        """Wait until so many replicas are ready."""
        async with asyncio.timeout(timeout_seconds), self._checked:
            await self._checked.wait_for(lambda: sum(one.ready for one in self.backends) >= count)

    async def until(self, index: int, *, ready: bool, timeout_seconds: float = 60.0) -> None:
        """Wait until one replica is ready, or is not any more."""
        async with asyncio.timeout(timeout_seconds), self._checked:
            await self._checked.wait_for(lambda: self.backends[index].ready is ready)

    async def _keep_checking(self, backend: Backend) -> None:
        assert self._session
        timeout = aiohttp.ClientTimeout(total=HEALTH_TIMEOUT_SECONDS)
        while True:
            ready = False
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.get(f"{backend.url}/readyz", timeout=timeout) as response:
                    ready = response.status == HTTPStatus.OK
            await self._note(backend, ready=ready)
            await asyncio.sleep(CHECK_SECONDS)

    async def _note(self, backend: Backend, *, ready: bool) -> None:
        async with self._checked:
            backend.ready = ready
            self._checked.notify_all()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
        name = request.headers.get(NAME_HEADER, "")
        order = self._in_turn()
        if not self.twice or len(order) == 1:
            return await self._pass_on(name, body, kept, order)
        answers = await asyncio.gather(
            self._pass_on(name, body, kept, order[:1]), self._pass_on(name, body, kept, order[1:2])
        )
        # Only one of the two has something to say; a failure is the other's last word.
        return max(answers, key=lambda answer: (answer.status == HTTPStatus.OK, len(answer.body)))

    def _in_turn(self) -> list[int]:
        """Every ready replica, beginning with the one whose turn it is."""
        count = len(self.backends)
        self._next += 1
        order = [(self._next + step) % count for step in range(count)]
        return [index for index in order if self.backends[index].ready]

    async def _pass_on(
        self, name: str, body: bytes, headers: dict[str, str], candidates: list[int]
    ) -> web.Response:
        assert self._session
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS)
        for index in candidates:
            backend = self.backends[index]
            attempt = Attempt(index, asyncio.get_running_loop().time())
            self.attempts.setdefault(name, []).append(attempt)
            backend.under_way += 1
            try:
                async with self._session.post(
                    f"{backend.url}/slack/events", data=body, headers=headers, timeout=timeout
                ) as answer:
                    content = await answer.read()
                backend.handled += 1
                self.outcomes["passed on"] += 1
                kept = {key: value for key, value in answer.headers.items() if key.lower() not in _OWN}
                return web.Response(status=answer.status, body=content, headers=kept)
            except aiohttp.ClientConnectorError:
                self.attempts[name].remove(attempt)
                self.outcomes["refused, next"] += 1
                await self._note(backend, ready=False)
            except (aiohttp.ClientError, TimeoutError):
                self.outcomes["broke half way"] += 1
                self.broken.append(name)
                return web.Response(status=502, text="The replica broke off.")
            finally:
                backend.under_way -= 1
        self.outcomes["nobody ready"] += 1
        return web.Response(status=503, text="No replica is ready.")


_OWN = {"host", "connection", "content-length", "transfer-encoding", "content-encoding", "date", "server"}
"""Headers that belong to one connection."""
