"""What goes back and forth between Slack, the bot and the vendor, as entries that the page lists."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.zegocloud import SimulatedZego

if TYPE_CHECKING:
    from bot.sandbox.slack.server import LocalSlack
    from bot.sandbox.zegocloud import SeenRequest

REMEMBERED_ENTRIES = 150
_ANSWER = "As of "
"""An answer's plain text ends so; help, mistakes and failures do not."""


class Inspector:
    """Turns what happened into entries and publishes them on the local Slack's feed as `inspected`.

    Each entry has `n`, `way` (`to_bot`, `to_slack`, `to_vendor`), `title`, `note`, `ms` (None where nothing
    was measured), `ok`, `cached`, `at` (when it began, Unix seconds of the sandbox's clock), `sent` and
    `answered` (JSON).

    Args:
        slack: whose deliveries and calls are told.
    """

    def __init__(self, slack: LocalSlack) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_ENTRIES)
        self._slack = slack
        self._number = 0
        self._asked_vendor_at = float("-inf")
        self._began_at = float("-inf")

    def begin(self) -> None:
        """A person does something: what is answered now without asking the vendor comes from the cache."""
        self._began_at = time.monotonic()

    async def follow(self) -> None:
        """Tell of every delivery and every call of the bot, until cancelled."""
        with self._slack.subscribe() as changes:
            async for change in changes:
                if change["type"] == "delivery":
                    self._tell_delivery(change["delivery"])
                elif change["type"] == "api_call":
                    self._tell_call(change["call"])

    def _tell_delivery(self, delivery: dict[str, Any]) -> None:
        elapsed_seconds, ack = delivery["elapsed_seconds"], delivery["ack"]
        text = str(ack.get("text") or "") if isinstance(ack, dict) else ""
        self._add(
            "to_bot",
            _delivery_title(delivery["kind"], delivery["payload"]),
            note=delivery["failure"] or ("acknowledged" if ack is None else "answered at once"),
            ms=elapsed_seconds * 1000,
            ok=not delivery["failure"],
            cached=self._from_cache(text),
            sent=delivery["payload"],
            answered=ack,
        )

    def _tell_call(self, call: dict[str, Any]) -> None:
        text = str(call["args"].get("text") or "") if call["method"] == "response_url" else ""
        self._add(
            "to_slack",
            call["method"],
            note=call["error"] or "ok",
            ok=call["ok"],
            cached=self._from_cache(text),
            sent=call["args"],
            answered=call["answer"],
        )

    def tell_vendor_request(self, seen: SeenRequest, status: int, answered: Any) -> None:
        """The bot asked the vendor; `status` is HTTP's, 0 where no whole answer was sent."""
        self._asked_vendor_at = time.monotonic()
        note = f"HTTP {status}" if status != 200 else f"code {seen.code}"  # noqa: PLR2004 - HTTP's own number
        self._add(
            "to_vendor",
            _vendor_title(seen),
            note=note if status else "no answer",
            ms=(time.monotonic() - seen.arrived) * 1000,
            ok=seen.code == 0,
            sent=seen.body,
            answered=answered,
        )

    def _from_cache(self, text: str) -> bool:
        return _ANSWER in text and self._asked_vendor_at < self._began_at

    def _add(
        self, way: str, title: str, *, cached: bool = False, ms: float | None = None, **rest: Any
    ) -> None:
        self._number += 1
        entry = {
            "n": self._number,
            "way": way,
            "title": title,
            "cached": cached,
            "ms": None if ms is None else round(ms, 1),
            "at": self._slack.workspace.clock.now() - (ms or 0) / 1000,
            **rest,
        }
        self.entries.append(entry)
        self._slack.workspace.feed.publish("inspected", entry=entry)


class WatchedZego(SimulatedZego):
    """The simulated vendor, telling the inspector of every request.

    Args:
        inspector: is told once the answer is on its way.
        options: those of `SimulatedZego`.
    """

    def __init__(self, inspector: Inspector, **options: Any) -> None:
        super().__init__(**options)
        self._inspector = inspector

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        nonce = request.query.get("SignatureNonce", "")
        status, text = 0, ""
        try:
            response = await super()._answer(request)
            if isinstance(response, web.Response):
                status, text = response.status, response.text or ""
            return response
        finally:
            seen = next(seen for seen in reversed(self.requests) if seen.nonce == nonce)
            self._inspector.tell_vendor_request(seen, status, _decoded(text))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _delivery_title(kind: str, payload: dict[str, Any]) -> str:
    if kind == "slash_commands":
        return f"{payload['command']} {payload['text']}".strip()
    if kind == "events_api":
        return str(payload["event"]["type"])
    actions = payload.get("actions") or [{}]
    label = (actions[0].get("text") or {}).get("text") or actions[0].get("action_id")
    callback_id = payload.get("callback_id") or (payload.get("view") or {}).get("callback_id")
    return f"{payload['type']}: {label or callback_id}"


def _vendor_title(seen: SeenRequest) -> str:
    shown = {"RoomId": "room", "Status": "status", "PageOffset": "page", "TaskId": "task"}
    words = [
        f"{word} {seen.body[key]}" for key, word in shown.items() if seen.body.get(key) not in (None, "")
    ]
    return " · ".join([seen.action or "(no action)", *words])
