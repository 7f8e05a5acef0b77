"""Short-lived handles that Slack gives with a delivery: trigger ids and response_urls."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sandbox.slack.refusals import Refusal

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Workspace

RESPONSE_URL_USES = 5  # Slack docs, handling user interaction
RESPONSE_URL_SECONDS = 30 * 60


@dataclass
class Trigger:
    """Permission to open one modal for one person."""

    user: str
    issued: float
    in_view: str | None
    used: bool = False


class Triggers:
    """The trigger ids given out. They live `ttl_seconds` of real time, as the acknowledgement does."""

    def __init__(self, workspace: Workspace, ttl_seconds: float = 3.0) -> None:
        self._workspace = workspace
        self._triggers: dict[str, Trigger] = {}
        self.ttl_seconds = ttl_seconds

    def issue(self, user: str, in_view: str | None = None) -> str:
        """Give out a trigger id for a person, `in_view` when the click was in a modal."""
        trigger_id = f"{self._workspace.new_id('')}.{self._workspace.new_id('')}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, time.monotonic(), in_view)
        return trigger_id

    def expire(self) -> None:
        """Let every trigger id given out so far be too old."""
        for trigger in self._triggers.values():
            trigger.issued = float("-inf")

    def redeem(self, trigger_id: str | None) -> Trigger:
        """Use a trigger id up.

        Raises:
            Refusal: `invalid_trigger_id`, `exchanged_trigger_id`, `expired_trigger_id` (Slack docs).
        """
        trigger = self._triggers.get(trigger_id or "")
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if time.monotonic() - trigger.issued > self.ttl_seconds:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass
class ResponseUrl:
    """Permission to answer where something happened. `kind` is `commands`, `actions` or `app`."""

    path: str
    kind: str
    channel: str
    user: str
    issued: float  # by the workspace's clock
    message_ts: str | None = None
    message_ephemeral: bool = False
    uses: int = 0


class ResponseUrls:
    """The response_urls given out."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._urls: dict[str, ResponseUrl] = {}

    def issue(
        self, kind: str, channel: str, user: str, message_ts: str | None = None, *, ephemeral: bool = False
    ) -> str:
        """Give out a response_url; returns its path on this server."""
        path = f"/hooks/{kind}/{self._workspace.new_id('T')}/{self._workspace.new_id('h')}"
        now = self._workspace.clock.now()
        self._urls[path] = ResponseUrl(path, kind, channel, user, now, message_ts, ephemeral)
        return path

    def use(self, path: str) -> ResponseUrl:
        """Look an address up, unless it is used up or too old.

        Raises:
            Refusal: `invalid_url`, `expired_url`, `used_url` (seen in the field; Slack's docs name none).
        """
        url = self._urls.get(path)
        if url is None:
            raise Refusal("invalid_url")
        if self._workspace.clock.now() - url.issued > RESPONSE_URL_SECONDS:
            raise Refusal("expired_url")
        if url.uses >= RESPONSE_URL_USES:
            raise Refusal("used_url")
        return url
