"""Figures in words: plurals and sizes (pure)."""

from __future__ import annotations

_MB, _GB = 1_000_000, 1_000_000_000


def count(number: int, noun: str, *, exact: bool = True) -> str:
    """`1 recording`, `8,412 recordings`, `at least 20 recordings`."""
    return f"{'' if exact else 'at least '}{number:,} {noun}{'' if number == 1 else 's'}"


def format_size(size_bytes: int) -> str:
    """A size at a glance: `0.4 MB`, `432.6 MB`, `6.84 GB`, `120.5 GB`; rounded down, in powers of ten.

    What is not empty is never `0.0 MB`.
    """
    if 0 < size_bytes < _MB // 10:
        return "less than 0.1 MB"
    if size_bytes < _GB:
        return f"{size_bytes // _MB}.{size_bytes % _MB // (_MB // 10)} MB"
    if size_bytes < 100 * _GB:
        return f"{size_bytes // _GB}.{size_bytes % _GB // (_GB // 100):02d} GB"
    return f"{size_bytes // _GB:,}.{size_bytes % _GB // (_GB // 10)} GB"
