"""The change feed: everything that happens in the local Slack, as JSON-able events, and waiting for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")

_REMEMBERED_EVENTS = 500


class Subscription:
    """An endless async iterator over the events published after it was made; close it when done."""

    def __init__(self, feed: ChangeFeed) -> None:
        self._feed = feed
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        return await self.queue.get()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Receive no more events."""
        self._feed.forget(self)


class ChangeFeed:
    """Publishes changes to subscribers and wakes whoever waits for one.

    Every event is a dict with `type` and the fields of that type, JSON-able throughout.
    """

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._waiters: set[asyncio.Event] = set()
        self.recent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED_EVENTS)

    def publish(self, kind: str, **fields: Any) -> None:
        """Tell everybody that something happened."""
        event = {"type": kind, **fields}
        self.recent.append(event)
        for subscription in self._subscriptions:
            subscription.queue.put_nowait(event)
        for waiter in self._waiters:
            waiter.set()

    def subscribe(self) -> Subscription:
        """Receive every event from here on."""
        subscription = Subscription(self)
        self._subscriptions.add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Send this subscription nothing more."""
        self._subscriptions.discard(subscription)

    async def wait_for(self, predicate: Callable[[], T], timeout_seconds: float = 30.0) -> T:
        """Return the predicate's first truthy answer, asked now and after every change.

        Raises:
            TimeoutError: it did not come true in time; the text tells the last things that happened.
        """
        changed = asyncio.Event()
        self._waiters.add(changed)
        try:
            async with asyncio.timeout(timeout_seconds):
                while not (found := predicate()):
                    await changed.wait()
                    changed.clear()
                return found
        except TimeoutError:
            happened = "\n".join(str(event)[:300] for event in list(self.recent)[-8:]) or "nothing"
            raise TimeoutError(f"not true within {timeout_seconds} s. The last events:\n{happened}") from None
        finally:
            self._waiters.discard(changed)
