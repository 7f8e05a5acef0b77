"""The simulated ZEGOCLOUD Cloud Recording API: an HTTP server as strict as the vendor's documentation.

`SimulatedZego` answers `POST /?Action=DescribeTasks` and `?Action=DescribeRecordStatus` from seeded
recordings that live on (`recording_stock`), refuses what the vendor refuses (`zego_rules`), and misbehaves
when told to (`zego_faults`).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from bot.models import API_HISTORY_MS
from bot.sandbox.listener import Listener, reset_connection
from bot.sandbox.recording_index import DEFAULT_FILTER_OF, Order
from bot.sandbox.recording_life import details_at, row_at
from bot.sandbox.recording_stock import RecordingStock
from bot.sandbox.zego_faults import Fault, FaultKind, FaultPlan, PlainAnswer, distort, wrong_answer
from bot.sandbox.zego_gate import Gate
from bot.sandbox.zego_rules import (
    TASK_NOT_FOUND,
    UNREADABLE_BODY,
    RefusedError,
    check_status_body,
    check_tasks_body,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.clock import Clock

SIMULATOR_APP_ID = 1234567890
SIMULATOR_SERVER_SECRET = "51317a70" * 4
_REMEMBERED_REQUESTS = 100_000


@dataclass(slots=True)
class SeenRequest:
    """A request to the API: when it arrived (`time.monotonic()`), what it was, and the code it got.

    `code` is the vendor's, None while there is no answer or where a fault took its place.
    """

    arrived: float
    action: str
    body: dict[str, Any]
    nonce: str
    code: int | None = field(default=None)


class SimulatedZego(RecordingStock):
    """The vendor's API on a local port.

    Args:
        clock: what the vendor takes for the time.
        app_id: of the only customer.
        server_secret: of the same.
        seed: another number gives other traffic.
        tasks: how many recordings began in the 3 days before now; 0: none but those added.
        max_rps: requests of both actions together in any sliding second; None: no limit.
        latency_seconds: before each answer.

    Attributes:
        requests: what arrived, oldest first (the last 100,000).
        order: of rows in DescribeTasks; the vendor documents none.
        filter_of: status code → the filter (2 or 3) that returns such rows; undocumented for 1, 4 and 5.
        list_key: `TaskidList`, or `TaskList` as in the vendor's older documentation.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        app_id: int = SIMULATOR_APP_ID,
        server_secret: str = SIMULATOR_SERVER_SECRET,
        seed: int = 7,
        tasks: int = 2000,
        max_rps: int | None = 10,
        latency_seconds: float = 0.0,
    ) -> None:
        super().__init__(clock, seed, tasks)
        self.app_id = app_id
        self.server_secret = server_secret
        self.latency_seconds = latency_seconds
        self.requests: deque[SeenRequest] = deque(maxlen=_REMEMBERED_REQUESTS)
        self.order: Order = "newest"
        self.filter_of: dict[int, int] = dict(DEFAULT_FILTER_OF)
        self.list_key: Literal["TaskidList", "TaskList"] = "TaskidList"
        self.faults = FaultPlan()
        self.gate = Gate(app_id=app_id, server_secret=server_secret, max_rps=max_rps)
        self._behaving = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self.base_url = ""

    def __repr__(self) -> str:
        return f"SimulatedZego({self.base_url or 'stopped'})"

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, routes: Iterable[web.RouteDef] = ()
    ) -> None:
        """Listen. `base_url` is set afterwards.

        Args:
            host: to listen at.
            port: to listen at; 0: any free one.
            routes: what is answered beside the API.

        Raises:
            OSError: the address is taken or is not this machine's.
        """
        app = web.Application()
        app.add_routes([web.post("/", self._answer), *routes])
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        if runner.server is None:
            raise RuntimeError("aiohttp made no server")
        listener = Listener(runner.server)
        try:
            listener.open(host, port)
        except OSError:
            await runner.cleanup()
            raise
        self._runner, self._listener = runner, listener
        bound_host, bound_port = listener.address
        shown_host = f"[{bound_host}]" if ":" in bound_host else bound_host
        self.base_url = f"http://{shown_host}:{bound_port}/"
        self.grow()
        self.index.follow(self.now_ms(), self.filter_of)

    async def stop(self) -> None:
        """Close the port and every connection; may be called twice."""
        self._release()
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener = self._runner = None

    def misbehave(self, fault: Fault, *, times: int | None = None, action: str | None = None) -> None:
        """Misbehave this way for requests that would have been let in.

        Args:
            fault: in which way. `refuse` works at once and until `behave`, whatever `times` says.
            times: for so many requests; None: until `behave`. Several faults take turns in order.
            action: only for requests of this action.
        """
        if fault.kind is FaultKind.REFUSE:
            if self._listener is not None:
                self._listener.refuse()
            self._drop_connections()
        else:
            self.faults.add(fault, times=times, action=action)

    def behave(self) -> None:
        """Forget all faults; requests that hang lose their connection."""
        self.faults.clear()
        self._release()
        if self._listener is not None:
            self._listener.accept()

    def _release(self) -> None:
        self._behaving.set()
        self._behaving = asyncio.Event()

    def _drop_connections(self) -> None:
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        action = request.query.get("Action", "")
        nonce = request.query.get("SignatureNonce", "")
        seen = SeenRequest(time.monotonic(), action, {}, nonce)
        self.requests.append(seen)
        raw = await request.read()
        body: Any = None
        with suppress(ValueError):
            body = json.loads(raw)
        if isinstance(body, dict):
            seen.body = body
        try:
            query = {name: request.query.getall(name) for name in request.query}
            self.gate.check(query, now=self.clock.now(), arrived=seen.arrived)
            fault, used = self.faults.take(action)
            late_seconds = fault.seconds if fault.kind is FaultKind.LATENCY else 0
            await asyncio.sleep(self.latency_seconds + late_seconds)
            data = distort(fault.kind, self._work_out(request, body, fault), self.list_key, used=used)
        except RefusedError as refused:
            seen.code = refused.code
            return self._respond(_envelope(refused.code, refused.message, {}))
        payload = _envelope(0, "succeed", data)
        if fault.kind is FaultKind.EXTRA_FIELDS:
            payload["Undocumented"] = True
        answer = wrong_answer(fault, json.dumps(payload))
        if answer is not None:
            return self._send(answer)
        if fault.kind is FaultKind.CUT_OFF:
            return await _cut_off(request, json.dumps(payload))
        if fault.kind is FaultKind.HANG:
            await self._behaving.wait()
        if fault.kind in {FaultKind.HANG, FaultKind.RESET}:
            if request.transport is not None:
                reset_connection(request.transport)
            return web.Response()
        seen.code = 0
        return self._respond(payload)

    def _work_out(self, request: web.Request, body: Any, fault: Fault) -> dict[str, Any]:
        if fault.kind is FaultKind.CODE:
            raise RefusedError(fault.code, "simulated fault")
        if not isinstance(body, dict) or request.content_type != "application/json":
            raise RefusedError(UNREADABLE_BODY, "the body is not a JSON object")
        if request.query["Action"] == "DescribeTasks":
            return self._tasks(body)
        return self._record_status(body)

    def _tasks(self, body: dict[str, Any]) -> dict[str, Any]:
        now_ms = self.now_ms()
        question = check_tasks_body(body, now_ms)
        self.grow()
        total, tasks = self.index.page(
            asked_filter=question.status,
            room_id=question.room_id,
            from_ms=question.from_ms,
            to_ms=question.to_ms,
            now_ms=now_ms,
            filter_of=self.filter_of,
            order=self.order,
            skip=(question.page - 1) * question.size,
            size=question.size,
        )
        return {
            "PageOffset": question.page,
            "PageSize": question.size,
            "TotalCount": total,
            self.list_key: [row_at(task, now_ms) for task in tasks],
        }

    def _record_status(self, body: dict[str, Any]) -> dict[str, Any]:
        task_id = check_status_body(body)
        now_ms = self.now_ms()
        self.grow()
        task = self.index.find(task_id)
        if task is None or not now_ms - API_HISTORY_MS <= task.began_ms <= now_ms:
            raise RefusedError(TASK_NOT_FOUND, "the task does not exist")
        return details_at(task, now_ms)

    def _respond(self, payload: dict[str, Any]) -> web.Response:
        return self._send(PlainAnswer(200, "application/json", json.dumps(payload)))

    def _send(self, answer: PlainAnswer) -> web.Response:
        headers = {"Date": formatdate(self.clock.now(), usegmt=True), **answer.headers}
        return web.Response(
            text=answer.text, content_type=answer.content_type, status=answer.http_status, headers=headers
        )


def _envelope(code: int, message: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"Code": code, "Message": message, "RequestId": secrets.token_hex(8), "Data": data}


async def _cut_off(request: web.Request, text: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(text)
    await response.prepare(request)
    await response.write(text[: len(text) // 2].encode())
    if request.transport is not None:
        request.transport.close()
    return response
