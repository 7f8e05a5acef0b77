"""How many of what, in words (pure)."""

from __future__ import annotations


def count(number: int, noun: str, *, exact: bool = True) -> str:
    """`1 recording`, `8,412 recordings`, `at least 20 recordings`."""
    return f"{'' if exact else 'at least '}{number:,} {noun}{'' if number == 1 else 's'}"
