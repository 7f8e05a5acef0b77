"""Ways in which the simulated vendor can misbehave, as data, and which of them comes next (pure)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class FaultKind(StrEnum):
    """What goes wrong."""

    NOTHING = "nothing"
    """The right answer: to let some requests pass before the next planned fault."""
    LATENCY = "latency"
    """The right answer, `seconds` late."""
    HANG = "hang"
    """No answer at all; the connection stays open until the simulator behaves or stops."""
    RESET = "reset"
    """The connection is reset."""
    CUT_OFF = "cut_off"
    """The connection closes in the middle of the body."""
    REFUSE = "refuse"
    """Nobody listens any more; open connections are dropped. Lasts until the simulator behaves."""
    HTML = "html"
    """HTTP 502 with a page of HTML, as from a proxy."""
    NOT_JSON = "not_json"
    """HTTP 200 with text that is not JSON."""
    TRUNCATED = "truncated"
    """HTTP 200 with the first half of the right JSON, correctly counted."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """HTTP 429 with `Retry-After: seconds`."""
    HTTP_ERROR = "http_error"
    """HTTP `http_status` with an empty body."""
    CODE = "code"
    """HTTP 200 with the vendor's `code`."""
    NO_LIST = "no_list"
    """Rows are counted, but the list's key is missing."""
    WRONG_TYPES = "wrong_types"
    """Numbers arrive as text, and the list's rows as one object."""
    UNREADABLE_ROW = "unreadable_row"
    """The first row, or file, of every answer has text where a number belongs."""
    UNKNOWN_STATUS = "unknown_status"
    """Every task has status 9."""
    EXTRA_FIELDS = "extra_fields"
    """Fields that nobody documented, at every level."""
    GROWING_TOTAL = "growing_total"
    """`TotalCount` is larger by one with every answer, as when recordings begin while one pages."""
    REPEATED_ROWS = "repeated_rows"
    """The last row of every answer comes once more, as when a page has shifted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave; `seconds`, `http_status` and `code` count where the kind mentions them."""

    kind: FaultKind
    seconds: float = 1.0
    http_status: int = 503
    code: int = 1


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int | None
    action: str | None
    used: int = 0


class FaultPlan:
    """Faults in the order they were asked for: each is used up before the next one's turn."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, fault: Fault, *, times: int | None = None, action: str | None = None) -> None:
        """Misbehave this way: `times` requests (None: all of them), of `action` only where given."""
        if times is None or times > 0:
            self._planned.append(_Planned(fault, times, action))

    def clear(self) -> None:
        """Plan nothing."""
        self._planned.clear()

    def take(self, action: str) -> tuple[Fault, int]:
        """The fault for a request that has just arrived, and how often it was used before."""
        for planned in self._planned:
            if planned.action in {None, action}:
                planned.used += 1
                if planned.used == planned.times:
                    self._planned.remove(planned)
                return planned.fault, planned.used - 1
        return Fault(FaultKind.NOTHING), 0

    def described(self) -> list[dict[str, Any]]:
        """What is still planned, for the control API."""
        return [
            {
                "kind": planned.fault.kind,
                "times": planned.times,
                "used": planned.used,
                "action": planned.action,
            }
            for planned in self._planned
        ]


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """A whole HTTP answer."""

    http_status: int
    content_type: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def wrong_answer(fault: Fault, right_text: str) -> PlainAnswer | None:
    """What is sent instead of the right text; None where the fault is not in what is sent."""
    match fault.kind:
        case FaultKind.HTML:
            return PlainAnswer(502, "text/html", _HTML)
        case FaultKind.NOT_JSON:
            return PlainAnswer(200, "text/plain", "service is starting")
        case FaultKind.TRUNCATED:
            return PlainAnswer(200, "application/json", right_text[: len(right_text) // 2])
        case FaultKind.TOO_MANY_REQUESTS:
            return PlainAnswer(429, "text/plain", "", {"Retry-After": f"{fault.seconds:g}"})
        case FaultKind.HTTP_ERROR:
            return PlainAnswer(fault.http_status, "text/plain", "")
        case _:
            return None


def distort(kind: FaultKind, data: dict[str, Any], list_key: str, *, used: int) -> dict[str, Any]:
    """`Data` of a right answer, made wrong; kinds that do not touch the data leave it as it is.

    Args:
        kind: what goes wrong.
        data: of either action.
        list_key: the key of the rows in DescribeTasks.
        used: how many answers were distorted this way before.
    """
    data = copy.deepcopy(data)
    rows = data.get(list_key, data.get("RecordFiles", []))
    match kind:
        case FaultKind.NO_LIST:
            data.pop(list_key, None)
        case FaultKind.WRONG_TYPES:
            data = {
                key: {"rows": value} if isinstance(value, list) else str(value) for key, value in data.items()
            }
        case FaultKind.UNKNOWN_STATUS | FaultKind.UNREADABLE_ROW:
            unknown = kind is FaultKind.UNKNOWN_STATUS
            for item in (data, *rows) if unknown else rows[:1]:
                if "Status" in item:
                    item["Status"] = 9 if unknown else "recorded"
        case FaultKind.EXTRA_FIELDS:
            for item in (data, *rows):
                item["Undocumented"] = {"nested": [1, "two", None]}
        case FaultKind.REPEATED_ROWS if list_key in data:
            data[list_key] = [*rows, *rows[-1:]]
        case FaultKind.GROWING_TOTAL if "TotalCount" in data:
            data["TotalCount"] += used
        case _:
            pass
    return data
