"""Characters that steer a screen instead of showing on it: a terminal, a log, a message, a cell (pure)."""

from __future__ import annotations

import re

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
