"""The record of each delivery: its reference number, what it asked, what came of it, and its log line."""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.logs import begin_reference, reference_to_show
from bot.query.parser import format_query

if TYPE_CHECKING:
    from bot.errors import RecordingsError
    from bot.operating.metrics import Metrics
    from bot.query.terms import RecordingQuery

logger = logging.getLogger("bot.deliveries")

_OF_THE_SERVICE = frozenset({"too_late", "slack_failed", "database_failed", "vendor_failed"})
"""Outcomes that people may ask an operator about: these get a reference number."""

_ROUTINE = frozenset({"ignored", "repeated"})

_current: ContextVar[Delivery | None] = ContextVar("delivery", default=None)


class Delivery:
    """What is known about one delivery. Its task and the tasks it starts get it from `current_delivery()`.

    Attributes:
        listener: the listener's name; empty if none takes it.
        outcome: `answered`, an error's `outcome`, `repeated`, `ignored`, or `unexpected`.
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
        """Slack has its acknowledgement, which may be the answer itself."""
        self._ack_seconds = self.seconds
        if self._seconds >= 0:
            self._report()

    def ended(self) -> None:
        """The listener is done."""
        self._seconds = self.seconds
        self._metrics.delivery(self.listener, self.outcome, self._seconds)
        if self._ack_seconds >= 0:
            self._report()

    def refused(self, outcome: str) -> None:
        """It never reached a listener: `unsigned`, `unreadable`, or `unknown` to every listener."""
        self._metrics.delivery("none", outcome, self.seconds)
        logger.info("%(listener)s %(outcome)s", {"listener": "none", "outcome": outcome})

    def _report(self) -> None:
        """Count and log it once it has ended and is acknowledged, whichever comes last."""
        self._metrics.acknowledged(self.listener, self._ack_seconds)
        level = logging.DEBUG if self.outcome in _ROUTINE else logging.INFO
        if not logger.isEnabledFor(level):
            return
        line = "%(listener)s %(outcome)s, ack %(ack_ms)s ms, total %(total_ms)s ms"
        fields: dict[str, Any] = {
            "listener": self.listener,
            "outcome": self.outcome,
            "ack_ms": int(self._ack_seconds * 10_000) / 10,
            "total_ms": int(self._seconds * 10_000) / 10,
        }
        if self.query is not None:
            line += ": %(query)s"
            fields["query"] = _text_of(self.query)
        logger.log(level, line, fields)


_text_of = lru_cache(maxsize=1_000)(format_query)


def begin_delivery(metrics: Metrics) -> Delivery:
    """Start a delivery: from here on this task, and every task it starts, works for it."""
    begin_reference()
    delivery = Delivery(metrics)
    _current.set(delivery)
    return delivery


def current_delivery() -> Delivery | None:
    """The delivery that this task works for, if any."""
    return _current.get()


def seconds_since_arrival() -> float:
    """How long ago this task's delivery arrived; 0 if it works for none."""
    delivery = _current.get()
    return delivery.seconds if delivery is not None else 0.0


def note_query(query: RecordingQuery) -> None:
    """Note what the current delivery asks."""
    delivery = _current.get()
    if delivery is not None:
        delivery.query = query


def note_problem(error: RecordingsError) -> str:
    """Note an expected error as the current delivery's outcome.

    Returns:
        The reference number to show with it, also in the log; empty if only the asker can do something
        about it.
    """
    _note_outcome(error.outcome)
    if error.outcome not in _OF_THE_SERVICE:
        return ""
    reference = reference_to_show()
    logger.warning("Not answered, reference %s: %s", reference, error.for_operator())
    return reference


def note_unexpected(error: Exception) -> str:
    """Log an error that nobody expected; returns the reference number to show."""
    _note_outcome("unexpected")
    reference = reference_to_show()
    logger.error("Unexpected error, reference %s", reference, exc_info=error)
    return reference


def _note_outcome(outcome: str) -> None:
    delivery = _current.get()
    if delivery is not None:
        delivery.outcome = outcome
