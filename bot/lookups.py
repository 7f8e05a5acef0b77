"""How often an answer was at hand and how often it had to be fetched, of one kind (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lookups:
    """Counts that only grow. Plain figures, since a cached answer takes less time than a lock would cost.

    Attributes:
        kept: the answer was there.
        joined: somebody else was having it fetched already.
        fetched: it was fetched.
        stale: it could not be fetched, and an old one served.
    """

    kept: int = 0
    joined: int = 0
    fetched: int = 0
    stale: int = 0
