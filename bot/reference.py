"""The reference number of what is being worked on: people read it in an error, the log has it too."""

from __future__ import annotations

import random
from contextvars import ContextVar

_reference: ContextVar[str] = ContextVar("reference", default="")


def begin_reference() -> str:
    """Name what begins here, for this task and every task that it starts; six hexadecimal digits."""
    reference = f"{random.getrandbits(24):06x}"
    _reference.set(reference)
    return reference


def current_reference() -> str:
    """The number of what this task works for; empty where nobody asked for it."""
    return _reference.get()


def reference_to_show() -> str:
    """The number to show to a person; a new one where none was begun."""
    return _reference.get() or begin_reference()
