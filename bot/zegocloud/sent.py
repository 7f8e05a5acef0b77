"""What is told of every request that was sent: to the log, and to whoever counts them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.zegocloud.limiter import Lane

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to the vendor.

    Attributes:
        action: the vendor's name of it.
        code: the vendor's, `0` when all was well; the error's class where there was no code.
        seconds: from its leaving to its answer.
        waited_seconds: how long it had waited for its turn.
        lane: where.
        attempt: the how manieth of its call, from 1.
    """

    action: str
    code: str
    seconds: float
    waited_seconds: float
    lane: Lane
    attempt: int

    def tell(self, on_call: Callable[[Sent], None] | None) -> None:
        """Log it at DEBUG, under the reference of whoever asked first, and have it counted."""
        if on_call:
            on_call(self)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%(action)s: code %(code)s in %(ms).0f ms, waited %(waited_ms).0f ms, attempt %(attempt)d",
                {
                    "action": self.action,
                    "code": self.code,
                    "ms": round(self.seconds * 1000, 1),
                    "waited_ms": round(self.waited_seconds * 1000, 1),
                    "attempt": self.attempt,
                },
            )
