"""Text from outside: nothing in it forges, hides or reorders what stands around it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.safe_text import (
    cut,
    escape_unprintable,
    escape_unprintable_json,
    one_line,
    replace_controls,
    replace_unprintable,
)

BIDI, SURROGATE = "\u202e", "\ud83d"


@pytest.mark.parametrize(
    ("text", "in_message", "of_id", "on_screen", "line"),
    [
        ("room 1230", "room 1230", "room 1230", "room 1230", "room 1230"),
        ("a\nb", "a\nb", "a�b", "a\\nb", "a b"),
        ("a\r\tb", "a��b", "a��b", "a\\r\\tb", "a b"),
        ("\x1b[31mred", "�[31mred", "�[31mred", "\\x1b[31mred", "[31mred"),
        (f"gpj{BIDI}exe", "gpj�exe", "gpj�exe", "gpj\\u202eexe", "gpj exe"),
        (f"half {SURROGATE}", "half �", "half �", "half \\ud83d", "half"),
        ("1\u00a0h", "1\u00a0h", "1�h", "1\\xa0h", "1 h"),
        ("直播间 é 👍", "直播间 é 👍", "直播间 é 👍", "直播间 é 👍", "直播间 é 👍"),
    ],
)
def test_each_place_gets_text_that_is_safe_there(
    text: str, in_message: str, of_id: str, on_screen: str, line: str
) -> None:
    assert replace_controls(text) == in_message
    assert replace_unprintable(text) == of_id
    assert escape_unprintable(text) == on_screen
    assert one_line(text) == line


@given(st.text())
def test_what_cannot_be_seen_is_in_no_line_and_json_stays_the_same(text: str) -> None:
    for safe in (replace_unprintable(text), escape_unprintable(text), one_line(text), cut(text, 10)):
        assert safe.isprintable()
    document = json.dumps({"says": text}, ensure_ascii=False)
    safe_document = escape_unprintable_json(document)
    assert safe_document.isprintable()
    assert json.loads(safe_document) == {"says": text}


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_says_so_and_fits(text: str, most: int) -> None:
    short = cut(text, most)
    assert len(short) <= most
    assert short == one_line(text) or short.endswith("…")
