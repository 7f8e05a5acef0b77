"""Who gets past the simulated vendor's gateway: signed requests with a fresh nonce, within the rate limit."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from bot.sandbox.zego_rules import CLOCK_TOLERANCE_SECONDS, RefusedError, check_common

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NONCE_USED = 100000005  # unverified: the vendor only says that a nonce must not come twice
_TOO_MANY = (7, 300000003)  # both are documented; they take turns


class Gate:
    """Remembers nonces and arrivals.

    Args:
        app_id: of the only customer.
        server_secret: of the same.
        max_rps: requests let in during any sliding second; None: no limit. A request that was refused does
            not count, so a caller that stays within the limit is never refused.
    """

    def __init__(self, *, app_id: int, server_secret: str, max_rps: int | None) -> None:
        self.max_rps = max_rps
        self._app_id = app_id
        self._server_secret = server_secret
        self._nonces: dict[str, float] = {}
        self._let_in: deque[float] = deque()
        self._turned_away = 0

    def check(self, query: Mapping[str, Sequence[str]], *, now: float, arrived: float) -> None:
        """Let a request in.

        Args:
            query: the query string, each name with all its values.
            now: the vendor's time, Unix seconds.
            arrived: elapsed seconds from any start.

        Raises:
            RefusedError: it is not let in.
        """
        check_common(query, app_id=self._app_id, server_secret=self._server_secret, now=now)
        self._use_nonce(query["SignatureNonce"][0], now)
        while self._let_in and arrived - self._let_in[0] >= 1:
            self._let_in.popleft()
        if self.max_rps is not None and len(self._let_in) >= self.max_rps:
            self._turned_away += 1
            raise RefusedError(_TOO_MANY[(self._turned_away - 1) % len(_TOO_MANY)], "too many requests")
        self._let_in.append(arrived)

    def _use_nonce(self, nonce: str, now: float) -> None:
        used_at = self._nonces.pop(nonce, None)
        self._nonces[nonce] = now
        while True:
            oldest = next(iter(self._nonces))
            if abs(now - self._nonces[oldest]) <= CLOCK_TOLERANCE_SECONDS:
                break
            del self._nonces[oldest]
        if used_at is not None and abs(now - used_at) <= CLOCK_TOLERANCE_SECONDS:
            raise RefusedError(_NONCE_USED, "the SignatureNonce was used before")


def longest_burst(arrivals: Iterable[float]) -> int:
    """The largest number of arrivals in any sliding second; `arrivals` in seconds, ascending."""
    largest = 0
    window: deque[float] = deque()
    for arrived in arrivals:
        window.append(arrived)
        while arrived - window[0] >= 1:
            window.popleft()
        largest = max(largest, len(window))
    return largest
