"""Text from outside made safe for a message, a screen, the log or a file (pure).

Control characters, lone surrogates and characters that turn the direction of text can forge, hide or reorder
what stands around them. What Slack itself reads as markup is escaped in `slack/blocks.py`.
"""

from __future__ import annotations

import json
import re

_CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""All but the line end."""


def replace_controls(text: str) -> str:
    """Show each control character as U+FFFD; line ends, hard spaces and emoji stay. For whole messages."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def replace_unprintable(text: str) -> str:
    """Show each character that cannot be seen as U+FFFD: one line. For IDs and words in a message."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def escape_unprintable(text: str) -> str:
    r"""Show each character that cannot be seen as `\n`, `\x1b` or `\u202e`: one line that loses nothing.

    For terminals, the log and CSV files.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def escape_unprintable_json(document: str) -> str:
    r"""JSON on one line with each character that cannot be seen as `\u001b`: the same document."""
    if document.isprintable():
        return document
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in document)


def one_line(text: str) -> str:
    """The text in one line, with a space for line ends and whatever else cannot be seen."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def cut(text: str, most: int) -> str:
    """The text in one line of at most `most` characters. Text that is escaped already needs `shortened`."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
