"""What one reading needs: whom to ask, in which lane, what time it is, and who is told how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.reading.listing import Listing
from bot.reading.sight import Sight, sight

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.zegocloud.client import Asking, ZegoClient
    from bot.zegocloud.protocol import DescribeTasks


@dataclass(slots=True)
class Scan:
    """What one reading needs.

    Attributes:
        zego: the vendor's API.
        asking: who waits, and how long.
        now_ms: our clock when the reading began (Unix ms).
        skew_ms: the vendor's clock minus ours; None while unknown.
        not_before_ms: answers taken before this (Unix ms) are not good enough.
        progress: told rows read and rows in all of the lists that have to be read whole.
        slow_ms: how much longer than usual it may take, as far as the vendor's 3 days are concerned.
    """

    zego: ZegoClient
    asking: Asking
    now_ms: int
    skew_ms: int | None = None
    not_before_ms: int = 0
    progress: Callable[[int, int], None] | None = None
    slow_ms: int = 0
    _made: dict[DescribeTasks, tuple[int, int]] = field(default_factory=dict)

    def sight(self, asked_ms: int) -> Sight:
        """What can be seen by a question of this moment (Unix ms)."""
        return sight(asked_ms, self.now_ms + self.slow_ms, self.skew_ms)

    def listing(self, request: DescribeTasks, *, newest_first: bool) -> Listing:
        """A list to read; its progress is added to that of the scan's other lists."""

        def progress(read: int, total: int) -> None:
            self._made[request] = (read, total)
            if self.progress:
                self.progress(
                    sum(read for read, _ in self._made.values()),
                    sum(total for _, total in self._made.values()),
                )

        return Listing(
            self.zego,
            request,
            self.asking,
            newest_first=newest_first,
            not_before_ms=self.not_before_ms,
            progress=progress,
        )
