"""Plain text everywhere: plurals, and control characters that must never reach a screen (pure)."""

from __future__ import annotations

import re


def count(number: int, noun: str, *, exact: bool = True) -> str:
    """`1 recording`, `8,412 recordings`, `at least 20 recordings`."""
    return f"{'' if exact else 'at least '}{number:,} {noun}{'' if number == 1 else 's'}"


_MB, _GB = 1_000_000, 1_000_000_000


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


_STEERING = "\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters but the line end, those that turn the text around them, and halves of characters."""

_UNSEEN = re.compile(f"[{_STEERING}]")
_UNSEEN_OR_END = re.compile(f"[\n{_STEERING}]")


def replaced(text: str) -> str:
    """The text with a sign in place of each; its line ends stay."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def on_one_line(text: str) -> str:
    """The same without line ends: text from outside cannot begin a line of its own."""
    return _UNSEEN_OR_END.sub("\N{REPLACEMENT CHARACTER}", text)


def escaped(text: str) -> str:
    r"""The text with each as `\n`, `\x1b` or `\u202e`: one line, and still to be told what it was."""
    return _UNSEEN_OR_END.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped_in_json(document: str) -> str:
    r"""JSON with each as `\u001b`: the same document."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", document)
