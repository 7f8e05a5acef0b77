"""Sending deliveries to the app: the transport, the record of them, and retries of events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.delivery import ACK_SECONDS, Delivery
from bot.sandbox.slack.payloads import CHANNEL_TYPES, event_payload, message_event

if TYPE_CHECKING:
    from bot.sandbox.slack.delivery import Transport
    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.state import Message

# Slack docs, Events API: retried nearly at once, after 1 minute and after 5.
RETRY_AFTER_SECONDS = (0.0, 60.0, 300.0)

# Slack docs, Events API: what the retry says of the try before.
_RETRY_REASONS = {
    "operation_timeout": "http_timeout",
    "dispatch_failed": "connection_failed",
    "http_client_error": "http_error",
    "http_service_error": "http_error",
}
_SUBSCRIPTIONS = {
    "public": "message.channels",
    "private": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}


@dataclass
class DueRetry:
    """An event that is to be sent once more, at `due` by the workspace's clock."""

    delivery: Delivery
    due: float


class Dispatcher:
    """Sends deliveries over the app's transport and keeps a record of them."""

    def __init__(self, platform: Platform, ack_deadline_seconds: float = ACK_SECONDS) -> None:
        self._platform = platform
        self.ack_deadline_seconds = ack_deadline_seconds
        self.transport: Transport | None = None
        self.deliveries: list[Delivery] = []
        self.retries: list[DueRetry] = []
        self.held: list[Delivery] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def send(self, kind: str, payload: dict[str, Any]) -> Delivery:
        """Send a command, an interaction or an event and wait for the acknowledgement."""
        delivery = Delivery(kind, payload)
        if self.held is not None and kind == "events_api":
            self.held.append(delivery)
            return delivery
        return await self.attempt(delivery)

    async def attempt(self, delivery: Delivery) -> Delivery:
        """Send a delivery, for the first or a further time."""
        if self.transport is None:
            raise RuntimeError("the local Slack is not started")
        self.deliveries.append(delivery)
        delivery.take(await self.transport.send(delivery, self.ack_deadline_seconds))
        if delivery.kind == "events_api" and delivery.failure and not delivery.wants_no_retry:
            self._plan_retry(delivery)
        self._platform.workspace.feed.publish("delivery", delivery=delivery.to_json())
        return delivery

    async def send_event(self, event: dict[str, Any], channel_id: str | None) -> Delivery:
        """Send an event to the app."""
        channel = self._platform.workspace.channels.get(channel_id or "")
        return await self.send("events_api", event_payload(self._platform, event, channel))

    async def retry_due(self) -> list[Delivery]:
        """Send once more every event whose time has come by the workspace's clock."""
        now = self._platform.workspace.clock.now()
        due = [retry for retry in self.retries if retry.due <= now]
        self.retries = [retry for retry in self.retries if retry.due > now]
        return [await self.attempt(retry.delivery) for retry in due]

    async def again(self, delivery: Delivery, reason: str = "http_timeout") -> Delivery:
        """Send the same event (same event_id) once more although it was acknowledged, as Slack may."""
        num = delivery.retry_num + 1
        copy = Delivery(delivery.kind, delivery.payload, retry_num=num, retry_reason=reason)
        return await self.attempt(copy)

    async def release(self, *, reverse: bool = False) -> list[Delivery]:
        """Send the events that were held back, newest first when `reverse`."""
        held, self.held = self.held or [], None
        return [await self.attempt(delivery) for delivery in (reversed(held) if reverse else held)]

    def on_app_message(self, kind: str, message: Message) -> None:
        """Tell the app of its own message where it subscribes to the channel's messages, as Slack does."""
        channel = self._platform.workspace.channels[message.channel]
        if _SUBSCRIPTIONS[channel.kind] not in self._platform.app.bot_events or self.transport is None:
            return
        event = message_event(self._platform, message)
        if kind == "message_changed":
            event = changed_event(self._platform, message, event)
        task = asyncio.ensure_future(self.send_event(event, channel.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _plan_retry(self, delivery: Delivery) -> None:
        if delivery.retry_num >= len(RETRY_AFTER_SECONDS):
            return
        reason = _RETRY_REASONS.get(delivery.failure, "unknown_error")
        num = delivery.retry_num + 1
        again = Delivery(delivery.kind, delivery.payload, retry_num=num, retry_reason=reason)
        wait_seconds = RETRY_AFTER_SECONDS[delivery.retry_num]
        self.retries.append(DueRetry(again, self._platform.workspace.clock.now() + wait_seconds))


def subscription_for(kind: str) -> str:
    """The bot event that brings the messages of a kind of channel."""
    return _SUBSCRIPTIONS[kind]


def changed_event(platform: Platform, message: Message, inner: dict[str, Any]) -> dict[str, Any]:
    """The `event` of a message that was edited (Slack docs, message_changed)."""
    channel = platform.workspace.channels[message.channel]
    event_ts = platform.workspace.new_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": channel.id,
        "channel_type": CHANNEL_TYPES[channel.kind],
        "hidden": True,
        "ts": event_ts,
        "event_ts": event_ts,
        "message": {k: v for k, v in inner.items() if k not in {"channel", "channel_type", "event_ts"}},
        "previous_message": {"type": "message", "ts": message.ts, "user": message.user},
    }
