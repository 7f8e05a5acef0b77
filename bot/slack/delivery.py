"""One delivery of Slack from its arrival to its end: its reference number, what it asked, what came of it."""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from bot.errors import (
    AccessError,
    QueryError,
    RecordingsError,
    SlackRefusedError,
    StoppingError,
    TaskNotFoundError,
    TooLateError,
    UnknownPersonError,
    ZegoError,
)
from bot.logs import begin_reference, reference_to_show
from bot.query.parser import format_query
from bot.slack.channels import PlaceError
from bot.slack.forms import FormErrors
from bot.storage.errors import StoreError

if TYPE_CHECKING:
    from slack_sdk.socket_mode.request import SocketModeRequest

    from bot.operating.metrics import Metrics
    from bot.query.terms import RecordingQuery
    from bot.slack.admission import Admission
    from bot.slack.web_client import Session


logger = logging.getLogger("bot.deliveries")

_OUTCOMES: dict[type[RecordingsError], str] = {
    UnknownPersonError: "slack_failed",
    AccessError: "refused",
    PlaceError: "refused",
    QueryError: "mistake",
    FormErrors: "mistake",
    TaskNotFoundError: "mistake",
    TooLateError: "too_late",
    StoppingError: "stopping",
    SlackRefusedError: "slack_failed",
    StoreError: "database_failed",
    ZegoError: "vendor_failed",
}
"""What came of a delivery that ended with an error: the first class that fits."""

_OF_THE_SERVICE = frozenset({"too_late", "slack_failed", "database_failed", "vendor_failed"})
"""Outcomes that whoever runs the bot may be asked about: they get a reference number."""

_NEITHER_NEWS_NOR_TROUBLE = frozenset({"ignored", "repeated"})

_current: ContextVar[Delivery | None] = ContextVar("delivery", default=None)


class Delivery:
    """What is known of one delivery. Its task and those that it starts find it as `current_delivery()`.

    Attributes:
        listener: whose it is; empty where no listener takes it.
        outcome: `answered`, what its error says, `repeated`, `ignored`, or `unexpected`.
        query: what was asked, once it is known.
    """

    __slots__ = ("_ack_seconds", "_arrived", "_metrics", "_seconds", "listener", "outcome", "query")

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._arrived = time.perf_counter()
        self._ack_seconds = self._seconds = -1.0
        self.listener = ""
        self.outcome = "answered"
        self.query: RecordingQuery | None = None

    @property
    def seconds(self) -> float:
        """How long ago it arrived."""
        return time.perf_counter() - self._arrived

    def acknowledged(self) -> None:
        """Slack has been told that it arrived, which may be its answer too."""
        self._ack_seconds = self.seconds
        if self._seconds >= 0:
            self._tell()

    def ended(self) -> None:
        """Nothing more comes of it."""
        self._seconds = self.seconds
        self._metrics.delivery(self.listener, self.outcome, self._seconds)
        if self._ack_seconds >= 0:
            self._tell()

    def refused(self, outcome: str) -> None:
        """It never came to a listener: `unsigned`, `unreadable`, or `unknown` to every listener."""
        self._metrics.delivery("none", outcome, self.seconds)
        logger.info("%(listener)s %(outcome)s", {"listener": "none", "outcome": outcome})

    def _tell(self) -> None:
        """Count and log it, once its answer and its acknowledgement are out, whichever comes last."""
        self._metrics.acknowledged(self.listener, self._ack_seconds)
        level = logging.DEBUG if self.outcome in _NEITHER_NEWS_NOR_TROUBLE else logging.INFO
        if not logger.isEnabledFor(level):
            return
        told: dict[str, Any] = {
            "listener": self.listener,
            "outcome": self.outcome,
            "ack_ms": int(self._ack_seconds * 10_000) / 10,
            "total_ms": int(self._seconds * 10_000) / 10,
        }
        if self.query is None:
            logger.log(level, "%(listener)s %(outcome)s, ack %(ack_ms)s ms, total %(total_ms)s ms", told)
        else:
            told["query"] = _text_of(self.query)
            logger.log(
                level, "%(listener)s %(outcome)s, ack %(ack_ms)s ms, total %(total_ms)s ms: %(query)s", told
            )


_text_of = lru_cache(maxsize=1_000)(format_query)


def begin_delivery(metrics: Metrics) -> Delivery:
    """A delivery arrives: from here on this task, and every task that it starts, works for it."""
    begin_reference()
    delivery = Delivery(metrics)
    _current.set(delivery)
    return delivery


def current_delivery() -> Delivery | None:
    """The delivery that this task works for, if it works for one."""
    return _current.get()


def seconds_since_arrival() -> float:
    """How long ago the delivery came that this task works for; 0 where it works for none."""
    delivery = _current.get()
    return delivery.seconds if delivery is not None else 0.0


def note_query(query: RecordingQuery) -> None:
    """Note what a delivery asks."""
    delivery = _current.get()
    if delivery is not None:
        delivery.query = query


def note_problem(error: RecordingsError) -> str:
    """Note an expected error as what came of a delivery.

    Returns:
        The reference number to show with it, under which the log has it; empty where the asker alone can do
        something about it.
    """
    outcome = next((word for kind, word in _OUTCOMES.items() if isinstance(error, kind)), "problem")
    delivery = _current.get()
    if delivery is not None:
        delivery.outcome = outcome
    if outcome not in _OF_THE_SERVICE:
        return ""
    reference = reference_to_show()
    logger.warning("Not answered, reference %s: %s", reference, error.for_operator())
    return reference


def note_unexpected(error: Exception) -> str:
    """Log an error that nobody expected; returns the reference number to show."""
    delivery = _current.get()
    if delivery is not None:
        delivery.outcome = "unexpected"
    reference = reference_to_show()
    logger.error("Unexpected error, reference %s", reference, exc_info=error)
    return reference


class WatchedSocketMode(AsyncSocketModeHandler):
    """Socket Mode whose deliveries are followed from their arrival to their acknowledgement."""

    metrics: Metrics
    admission: Admission

    @property
    def is_away(self) -> bool:
        """Whether there is no connection: it was lost and is not back, or Slack gives no new one."""
        connection = self.client.current_session
        return connection is None or connection.closed or self.client.closed or self.client.stale

    async def go_by(self, ways: Session) -> None:
        """Connect by these ways, in place of the SDK's own session, which knows only one proxy for all."""
        await self.client.aiohttp_client_session.close()
        self.client.aiohttp_client_session = ways  # type: ignore[assignment]  # as much of one as it uses

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """One delivery."""
        delivery = begin_delivery(self.metrics)
        await self.admission.enter()
        try:
            await super().handle(client, req)
        finally:
            delivery.acknowledged()
