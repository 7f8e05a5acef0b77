"""What the process counts for `/metrics`, with prometheus-client where that is installed.

Every label has a few known values: never a room, a person or a text. What is counted on the way of a cached
answer costs no look-up of labels there; what others count in plain figures is read when somebody asks.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot import __version__
from bot.zegocloud.limiter import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.concurrency import Lookups
    from bot.recordings.service import Recordings
    from bot.zegocloud.client import Sent


EVERY_SECONDS = 0.25
REMEMBERED = int(60 / EVERY_SECONDS)


class LoopLag:
    """Asks the event loop to come back after a quarter of a second, again and again, and sees when it does.

    Attributes:
        on_sample: told how many seconds it was late, each time.
    """

    def __init__(self) -> None:
        self.on_sample: Callable[[float], None] | None = None
        self._samples: deque[float] = deque(maxlen=REMEMBERED)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def worst_seconds(self) -> float:
        """The worst of the last minute; 0 before the first sample."""
        return max(self._samples, default=0.0)

    def start(self) -> None:
        """Sample until `stop`."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(EVERY_SECONDS, self._sample, loop, loop.time() + EVERY_SECONDS)

    def stop(self) -> None:
        """Sample no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _sample(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        late_seconds = max(0.0, now - due)
        self._samples.append(late_seconds)
        if self.on_sample:
            self.on_sample(late_seconds)
        self._timer = loop.call_later(EVERY_SECONDS, self._sample, loop, now + EVERY_SECONDS)


SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30)
"""Bounds of the histograms: a person's patience, and the vendor's."""

ACK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 3, 5)
"""Bounds for acknowledgements: Slack shows `operation_timeout` after 3 seconds."""

LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
"""Bounds for the event loop: from 50 ms on somebody may notice."""

DELAY_SECONDS = (1, 3, 10, 30, 60, 120, 300, 900, 1800, 3600)
"""Bounds for slots of digests, which are posted within the hour or not at all."""

MOST_WORDS = 100
"""How many different words of Slack are counted apart; what comes then is `other`."""

_WORD = re.compile(r"[A-Za-z_]{1,50}|HTTP [0-9]{3}")


class Metrics:
    """Counters of one bot, in a registry of their own.

    Args:
        recordings: asked for the state of the vendor's budget whenever somebody reads the figures.
        lookups: kinds of answers, with how often they were at hand.
        lag: how late the event loop is.
        degraded: says what is away.
    """

    def __init__(
        self,
        recordings: Recordings,
        lookups: dict[str, Lookups],
        lag: LoopLag,
        degraded: Callable[[], list[str]],
    ) -> None:
        self._registry: Any = None
        self._prometheus: Any = None
        self._children: dict[tuple[str, str], Any] = {}
        self._words: set[str] = set()
        try:
            import prometheus_client
        except ImportError:  # the extra `metrics` is not installed: nothing is counted
            return
        prometheus: Any = prometheus_client
        prometheus.disable_created_metrics()  # a moment for every figure, which doubles what is scraped
        self._prometheus = prometheus
        registry = self._registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=registry)
        counter = partial(prometheus.Counter, registry=registry)
        histogram = partial(prometheus.Histogram, registry=registry)
        gauge = partial(prometheus.Gauge, registry=registry)
        gauge("recordings_info", "1, with the version", ("version",)).labels(__version__).set(1)
        self._deliveries = counter("recordings_deliveries", "Slack deliveries", ("listener", "outcome"))
        self._seconds = histogram(
            "recordings_delivery_seconds",
            "From a delivery to the end of its answer",
            ("listener",),
            buckets=SECONDS,
        )
        self._ack_seconds = histogram(
            "recordings_ack_seconds",
            "From a delivery to its acknowledgement",
            ("listener",),
            buckets=ACK_SECONDS,
        )
        self._slack_calls = counter(
            "recordings_slack_calls", "Calls of Slack's Web API", ("method", "result")
        )
        self._slack_seconds = histogram(
            "recordings_slack_call_seconds",
            "How long calls of Slack's Web API took",
            ("method",),
            buckets=SECONDS,
        )
        self._vendor_calls = counter(
            "recordings_vendor_calls", "Requests sent to ZEGOCLOUD", ("action", "code")
        )
        self._vendor_seconds = histogram(
            "recordings_vendor_call_seconds",
            "How long requests to ZEGOCLOUD took",
            ("action",),
            buckets=SECONDS,
        )
        self._turn_seconds = histogram(
            "recordings_vendor_turn_wait_seconds",
            "How long requests to ZEGOCLOUD waited for their turn",
            ("lane",),
            buckets=SECONDS,
        )
        recordings.zego.on_call = self.vendor_call
        unreadable = counter(
            "recordings_vendor_unreadable", "Rows and files of ZEGOCLOUD's that could not be read", ("kind",)
        )
        children = {kind: unreadable.labels(kind) for kind in ("recording", "file")}
        recordings.zego.on_unreadable = lambda kind, number: children[kind].inc(number)
        waiting = gauge("recordings_vendor_turns_waiting", "Requests that wait for their turn", ("lane",))
        for lane in Lane:
            waiting.labels(lane.name.lower()).set_function(partial(recordings.zego.waiting, lane))
        sending = gauge("recordings_vendor_sending", "Requests on their way")
        sending.set_function(lambda: recordings.zego.sending)
        self._slots = counter("recordings_digest_slots", "Slots of digests by their result", ("result",))
        self._slot_delay = histogram(
            "recordings_digest_delay_seconds", "From the time of a slot to its post", buckets=DELAY_SECONDS
        )
        registry.register(_LookupCollector(lookups))
        lag.on_sample = histogram(
            "recordings_event_loop_lag_seconds",
            "How late the event loop was, sampled",
            buckets=LAG_SECONDS,
        ).observe
        worst = gauge(
            "recordings_event_loop_lag_max_seconds", "The worst of these samples in the last minute"
        )
        worst.set_function(lambda: lag.worst_seconds)
        away = gauge("recordings_degraded", "1 while a service is away", ("service",))
        for service in ("budget", "database", "slack", "vendor"):
            away.labels(service).set_function(partial(_is_in, service, degraded))

    def delivery(self, listener: str, outcome: str, seconds: float) -> None:
        """Count a delivery that came to its end; `bot.slack.delivery` has the outcomes."""
        if self._registry is None:
            return
        key = (listener, outcome)
        children = self._children.get(key)
        if children is None:
            children = (self._deliveries.labels(listener, outcome), self._seconds.labels(listener))
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def acknowledged(self, listener: str, seconds: float) -> None:
        """Count an acknowledgement."""
        if self._registry is None:
            return
        key = ("acknowledged", listener)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._ack_seconds.labels(listener)
        child.observe(seconds)

    def vendor_call(self, sent: Sent) -> None:
        """Count a request to the vendor."""
        self._vendor_calls.labels(sent.action, sent.code).inc()
        self._vendor_seconds.labels(sent.action).observe(sent.seconds)
        self._turn_seconds.labels(sent.lane.name.lower()).observe(sent.waited_seconds)

    def slack_call(self, method: str, result: str, seconds: float) -> None:
        """Count a call of Slack's Web API: `ok`, Slack's own word for an error, or the kind of failure."""
        if self._registry is None:
            return
        if result not in self._words:
            known = _WORD.fullmatch(result) and len(self._words) < MOST_WORDS
            result = result if known else "other"
            self._words.add(result)
        self._slack_calls.labels(method, result).inc()
        self._slack_seconds.labels(method).observe(seconds)

    def digest_slot(self, result: str, delay_seconds: float) -> None:
        """Count a slot that came to its end: `posted`, `quiet`, `skipped` or `failed`."""
        if self._registry is not None:
            self._slots.labels(result).inc()
            if result == "posted":
                self._slot_delay.observe(delay_seconds)

    async def answer(self, _: web.Request) -> web.Response:
        """`GET /metrics`."""
        if self._registry is None:
            return web.Response(
                status=501, text="Metrics need the extra: pip install 'recordings-bot[metrics]'\n"
            )
        content = self._prometheus.generate_latest(self._registry)
        return web.Response(body=content, headers={"Content-Type": self._prometheus.CONTENT_TYPE_LATEST})


class _LookupCollector:
    """Hands out the plain figures of caches when somebody reads the metrics."""

    def __init__(self, lookups: dict[str, Lookups]) -> None:
        self._lookups = lookups

    def collect(self) -> Iterator[Any]:
        """The counter, as prometheus-client asks for it."""
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(
            "recordings_lookups", "Answers by how they were come by", labels=("kind", "result")
        )
        for kind, counts in self._lookups.items():
            for result in ("kept", "joined", "fetched", "stale"):
                family.add_metric((kind, result), getattr(counts, result))
        yield family


def _is_in(service: str, degraded: Callable[[], list[str]]) -> float:
    return float(service in degraded())
