"""One delivery to the app and what came of it, and the way over signed HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.sandbox.slack.state import Message

ACK_SECONDS = 3.0  # Slack docs: acknowledge within 3,000 ms


@dataclass(frozen=True)
class Answer:
    """What the app answered. `failure` is Slack's code when it is no acknowledgement, else empty."""

    status: int | None
    body: Any
    elapsed_seconds: float
    failure: str = ""
    wants_no_retry: bool = False


@dataclass
class Delivery:
    """Something Slack sent to the app.

    Args:
        kind: `slash_commands`, `interactive` or `events_api`, as Socket Mode calls them.
        payload: what was sent.
        status: the HTTP status of the answer (200 for an acknowledgement over Socket Mode); None without one.
        ack: the body of the acknowledgement: None when empty, a dict when JSON, else text.
        elapsed_seconds: until the answer, real time.
        failure: why Slack counts it as failed, such as `operation_timeout`; empty when acknowledged.
        error: what the person sees of that, or of trying something impossible; empty when nothing.
        message: the message that the acknowledgement itself was.
        retry_num: 0 at first, then 1 to 3 (events only).
    """

    kind: str
    payload: dict[str, Any]
    status: int | None = None
    ack: Any = None
    elapsed_seconds: float = 0.0
    failure: str = ""
    error: str = ""
    message: Message | None = None
    retry_num: int = 0
    retry_reason: str = ""
    wants_no_retry: bool = False

    @property
    def ok(self) -> bool:
        """Whether it was acknowledged in time and nothing was wrong with the acknowledgement."""
        return self.status is not None and not self.failure and not self.error

    def take(self, answer: Answer) -> None:
        """Note what the app answered."""
        self.status, self.ack, self.failure = answer.status, answer.body, answer.failure
        self.elapsed_seconds, self.wants_no_retry = answer.elapsed_seconds, answer.wants_no_retry

    def to_json(self) -> dict[str, Any]:
        """Every field."""
        shown = {k: v for k, v in vars(self).items() if k != "message"}
        return {**shown, "message": self.message.to_json() if self.message else None}


class Transport(Protocol):
    """A way to the app."""

    async def send(self, delivery: Delivery, deadline_seconds: float) -> Answer:
        """Send it and wait for the acknowledgement; never raises for what the app does."""


def sign(signing_secret: str, timestamp: str, body: bytes) -> str:
    """Slack docs, verifying requests: the v0 signature."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(signing_secret.encode(), base, hashlib.sha256).hexdigest()


def failure_of_status(status: int) -> str:
    """Slack's code for an HTTP status that is no acknowledgement (seen in the field; unverified)."""
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return ""
    return "http_client_error" if 400 <= status < 500 else "http_service_error"  # noqa: PLR2004 - the same


class HttpTransport:
    """Posts to the app's request URL, signed. `session` belongs to the caller."""

    def __init__(self, url: str, signing_secret: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._secret = signing_secret
        self._session = session

    async def send(self, delivery: Delivery, deadline_seconds: float) -> Answer:
        """Post it in the encoding of its kind: a form, a form with `payload`, or JSON for events."""
        if delivery.kind == "slash_commands":
            content_type, text = "application/x-www-form-urlencoded", urlencode(delivery.payload)
        elif delivery.kind == "interactive":
            content_type = "application/x-www-form-urlencoded"
            text = urlencode({"payload": json.dumps(delivery.payload)})
        else:
            content_type, text = "application/json", json.dumps(delivery.payload)
        headers = {"Content-Type": content_type}
        if delivery.retry_num:
            headers["X-Slack-Retry-Num"] = str(delivery.retry_num)
            headers["X-Slack-Retry-Reason"] = delivery.retry_reason
        return await self.post(text.encode(), headers, deadline_seconds)

    async def post(self, body: bytes, headers: Mapping[str, str], deadline_seconds: float) -> Answer:
        """Post a signed body. The signature carries the machine's time, which Bolt compares with its own."""
        timestamp = str(int(time.time()))
        signed = {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **headers,
        }
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(deadline_seconds),
                self._session.post(self._url, data=body, headers=signed) as response,
            ):
                text = await response.text()
        except TimeoutError:
            return Answer(None, None, time.monotonic() - began, "operation_timeout")
        except aiohttp.ClientError:
            return Answer(None, None, time.monotonic() - began, "dispatch_failed")
        elapsed = time.monotonic() - began
        no_retry = response.headers.get("X-Slack-No-Retry") == "1"
        failure = failure_of_status(response.status)
        parsed, unreadable = _parse(text, response.content_type)
        if unreadable and not failure:
            failure = "invalid_command_response"
        return Answer(response.status, parsed, elapsed, failure, no_retry)


def _parse(text: str, content_type: str) -> tuple[Any, bool]:
    """Decode an answer's body; the second value says that it claims to be JSON and is not."""
    if not text.strip():
        return None, False
    if content_type == "application/json":
        try:
            return json.loads(text), False
        except ValueError:
            return None, True
    return text, False
