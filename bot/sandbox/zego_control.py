"""Steers the simulated vendor from another process: JSON under `/_simulator/`, for this machine only.

    GET    /_simulator/state     clock, recordings per status, requests: total, per action, per code, and the
                                 most that arrived in any sliding second
    GET    /_simulator/requests  the last 1,000 requests, oldest first
    DELETE /_simulator/requests  forget them
    POST   /_simulator/faults    {"kind": "code", "code": 7, "times": 2, "action": "DescribeTasks"}: fields of
                                 `Fault`, and arguments of `misbehave`
    DELETE /_simulator/faults    behave
    POST   /_simulator/clock     {"set": Unix seconds or ISO 8601} or {"advance": seconds} or {"rate": factor}
    POST   /_simulator/tasks     {"room_id": "1", "status": 2, …}: arguments of `add_task`; `began_ms`: now
    DELETE /_simulator/tasks     remove every recording
    POST   /_simulator/settings  {"order": "oldest", "list_key": "TaskList", "filter_of": {"4": 2},
                                 "max_rps": null, "latency_seconds": 0.2}

No signature is asked for. Callers that are not on the loopback interface, and pages of other sites, get 403;
wrong bodies get 400 with a sentence in `error`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, get_args

from aiohttp import web

from bot.clock import AdjustableClock
from bot.models import status_word
from bot.sandbox.recording_index import Order
from bot.sandbox.recording_life import FileScript
from bot.sandbox.this_machine import is_of_this_machine
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.sandbox.zego_gate import longest_burst

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.zegocloud import SimulatedZego

_REQUESTS_SHOWN = 1000


def control_routes(zego: SimulatedZego) -> list[web.RouteDef]:
    """The routes that steer `zego`."""

    def guarded(change: Callable[[dict[str, Any]], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            near = request.remote is not None and ip_address(request.remote).is_loopback
            if not near or not is_of_this_machine(request):
                return web.json_response(
                    {"error": "The simulator is steered from its own machine only."}, status=403
                )
            raw = await request.read()
            try:
                result = change(_object(json.loads(raw)) if raw else {})
            except (ValueError, TypeError, KeyError) as error:
                return web.json_response({"error": f"This cannot be done: {error}"}, status=400)
            return web.json_response(result if result is not None else {"done": True})

        return handle

    def add_task(body: dict[str, Any]) -> dict[str, str]:
        body.setdefault("began_ms", zego.now_ms())
        if isinstance(body.get("files"), list):
            body["files"] = tuple(FileScript(**file) for file in body["files"])
        if "pauses" in body:
            body["pauses"] = tuple((start, end) for start, end in body["pauses"])
        return {"task_id": zego.add_task(**body)}

    def misbehave(body: dict[str, Any]) -> None:
        times, action = body.pop("times", None), body.pop("action", None)
        zego.misbehave(Fault(kind=FaultKind(body.pop("kind")), **body), times=times, action=action)

    return [
        web.get("/_simulator/state", guarded(lambda _: _state(zego))),
        web.get("/_simulator/requests", guarded(lambda _: _requests(zego))),
        web.delete("/_simulator/requests", guarded(lambda _: zego.requests.clear())),
        web.post("/_simulator/faults", guarded(misbehave)),
        web.delete("/_simulator/faults", guarded(lambda _: zego.behave())),
        web.post("/_simulator/clock", guarded(lambda body: _move_clock(zego, body))),
        web.post("/_simulator/tasks", guarded(add_task)),
        web.delete("/_simulator/tasks", guarded(lambda _: zego.clear())),
        web.post("/_simulator/settings", guarded(lambda body: _configure(zego, body))),
    ]


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise TypeError("the body is not a JSON object")
    return body


def _clock(zego: SimulatedZego) -> dict[str, Any]:
    now = zego.clock.now()
    return {"now": now, "iso": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")}


def _state(zego: SimulatedZego) -> dict[str, Any]:
    zego.grow()
    counts = zego.index.counts(zego.now_ms())
    return {
        "clock": _clock(zego),
        "recordings": {status_word(status): count for status, count in counts.items()},
        "requests": {
            "total": len(zego.requests),
            "by_action": Counter(seen.action for seen in zego.requests),
            "by_code": Counter(str(seen.code) for seen in zego.requests),
            "most_in_a_second": longest_burst(seen.arrived for seen in zego.requests),
        },
        "faults": zego.faults.described(),
    }


def _requests(zego: SimulatedZego) -> list[dict[str, Any]]:
    return [asdict(seen) for seen in list(zego.requests)[-_REQUESTS_SHOWN:]]


def _move_clock(zego: SimulatedZego, body: dict[str, Any]) -> dict[str, Any]:
    clock = zego.clock
    if not isinstance(clock, AdjustableClock):
        raise TypeError("the simulator runs on the machine's own clock; start it with one that can be moved")
    known = {"set", "advance", "rate"}
    if not body or not body.keys() <= known:
        raise ValueError(f"give one of {', '.join(sorted(known))}")
    if "set" in body:
        moment = body["set"]
        clock.set(datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else float(moment))
    if "advance" in body:
        clock.advance(float(body["advance"]))
    if "rate" in body:
        clock.set_rate(float(body["rate"]))
    return _clock(zego)


def _configure(zego: SimulatedZego, body: dict[str, Any]) -> None:
    for name, value in body.items():
        match name:
            case "order" if value in get_args(Order):
                zego.order = value
            case "list_key" if value in {"TaskidList", "TaskList"}:
                zego.list_key = value
            case "filter_of":
                zego.filter_of.update({int(status): int(asked) for status, asked in value.items()})
            case "max_rps":
                zego.gate.max_rps = None if value is None else int(value)
            case "latency_seconds":
                zego.latency_seconds = float(value)
            case _:
                raise ValueError(f"{name} cannot be set to {value!r}")
