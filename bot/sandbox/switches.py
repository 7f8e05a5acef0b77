"""What can go wrong in the sandbox until it is switched off again, as one table."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.delivery import Answer
from bot.sandbox.zego_faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.stage import Stage

USUAL_RPS = 10
SLOW_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that goes wrong while it is on."""

    label: str
    hint: str
    turn: Callable[[Stage, bool], None]
    is_on: Callable[[Stage], bool]


def _fault(label: str, hint: str, fault: Fault) -> Switch:
    """A fault of every answer of the vendor; only one of them at a time."""

    def turn(sandbox: Stage, on: bool) -> None:
        sandbox.zego.behave()
        if on:
            sandbox.zego.misbehave(fault)

    def is_on(sandbox: Stage) -> bool:
        return any(planned["kind"] == fault.kind for planned in sandbox.zego.faults.described())

    return Switch(label, hint, turn, is_on)


def _turn_slow(sandbox: Stage, on: bool) -> None:
    sandbox.zego.latency_seconds = SLOW_SECONDS if on else 0.0


def _turn_limited(sandbox: Stage, on: bool) -> None:
    sandbox.zego.gate.max_rps = 1 if on else USUAL_RPS


class _Silence:
    """A transport on which nothing arrives."""

    def __init__(self, usual: Any) -> None:
        self.usual = usual

    async def send(self, delivery: Delivery, deadline_seconds: float) -> Answer:
        del delivery
        await asyncio.sleep(deadline_seconds)
        return Answer(None, None, deadline_seconds, "operation_timeout")


def _turn_silent(sandbox: Stage, on: bool) -> None:
    dispatcher = sandbox.slack.dispatcher
    usual = dispatcher.transport.usual if isinstance(dispatcher.transport, _Silence) else dispatcher.transport
    dispatcher.transport = _Silence(usual) if on else usual


SWITCHES: Mapping[str, Switch] = {
    "outage": _fault(
        "ZEGOCLOUD is down",
        "Every request is answered with HTTP 503.",
        Fault(FaultKind.HTTP_ERROR, http_status=503),
    ),
    "hang": _fault("ZEGOCLOUD hangs", "Requests get no answer at all.", Fault(FaultKind.HANG)),
    "slow": Switch(
        "ZEGOCLOUD is slow",
        f"Every answer takes {SLOW_SECONDS:g} seconds.",
        _turn_slow,
        lambda sandbox: sandbox.zego.latency_seconds > 0,
    ),
    "limited": Switch(
        "ZEGOCLOUD limits the rate",
        "It takes one request a second and refuses the rest.",
        _turn_limited,
        lambda sandbox: sandbox.zego.gate.max_rps == 1,
    ),
    "silent": Switch(
        "The bot does not answer",
        "Slack gives up after 3 seconds: operation_timeout.",
        _turn_silent,
        lambda sandbox: isinstance(sandbox.slack.dispatcher.transport, _Silence),
    ),
}
"""What can be switched on the page, by name."""


def switch_states(sandbox: Stage) -> list[dict[str, Any]]:
    """Every switch, as the page shows it."""
    return [
        {"name": name, "label": one.label, "hint": one.hint, "on": one.is_on(sandbox)}
        for name, one in SWITCHES.items()
    ]
