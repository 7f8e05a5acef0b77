"""What a check of the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PATIENCE_SECONDS = 6.5
"""How long one check may take. They run side by side, so that all are told within ten seconds."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was checked, how it went, and what to do or what was found.

    Attributes:
        name: what was checked.
        outcome: `failed` makes the exit status 1; `warning` works, and should be looked at; `unknown` cannot
            be found out from here.
        finding: the rest of a sentence that begins with the name.
    """

    name: str
    outcome: Literal["ok", "warning", "failed", "unknown"]
    finding: str
