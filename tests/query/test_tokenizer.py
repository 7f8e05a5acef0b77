"""Text as people and phones type it is made plain, and quoting survives that."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.query.tokenizer import (
    MAX_SHOWN,
    Mistake,
    double_backslashes,
    joined,
    look_alike,
    normalise,
    quote,
    shown,
    unquote,
)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("room=1230", "room=1230"),
        ("  room=1230  ", "room=1230"),
        ("“a” ”b“ „c‟ «d» ″e″", '"a" "b" "c" "d" "e"'),
        ("‘a’ ‚b‛ ‹c› ′d′", "'a' 'b' 'c' 'd'"),
        ("1\u20102\u20113\u20124\u20135\u22126\ufe637", "1-2-3-4-5-6-7"),
        ("—help ―help", "--help --help"),
        ("a\u00a0b\u2009c\u3000d\u202fe\u1680f\u200ag", "a b c d e f g"),
        ("a\u200bb\u200cc\u200dd\ufeffe\u00adf\u2060g\u180eh", "abcdefgh"),
        ("a\u200eb\u200fc\u202ad\u202ee\u2066f\u2069g\u061ch", "abcdefgh"),
        ("a\nb\tc\r\nd\u2028e\u2029f\u0085g\vh\fi", "a b c  d e f g h i"),
        ("ｒｏｏｍ＝１２３０，～！", "room=1230,~!"),
        ("é ß 会议 😀", "é ß 会议 😀"),
        ("١٢٣ ۴۵۶ ७८९ ০১২ ๓๔ 𝟓𝟔 ᠗ 𑁨", "123 456 789 012 34 56 7 2"),
        ("² ① Ⅳ 一 ½", "² ① Ⅳ 一 ½"),
        ("١،٢ ١٫٥", "1,2 1.5"),
        ("1、2，3､4﹐5﹑6", "1,2,3,4,5,6"),
        ("&lt;b&gt; &amp; &quot;", "<b> & &quot;"),
        ("&amp;lt;b", "&lt;b"),
        ("&lt;@U1&gt;", "<@U1>"),
        ("<@U0ASKER1>", "@U0ASKER1"),
        ("<@U0ASKER1|asker>", "@asker"),
        ("<#C012|general>", "#general"),
        ("<#C012|>", "#C012"),
        ("<!here>", "@here"),
        ("<!subteam^S012|@support>", "@support"),
        ("<!subteam^S012>", "@subteam"),
        ("<!date^1392734382^{date}|18 Feb>", "18 Feb"),
        ("<http://www.example.com|www.example.com>", "www.example.com"),
        ("<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("<tel:1230|1230>", "1230"),
        ("room=<http://a.b|a.b>,<http://c.d|c.d>", "room=a.b,c.d"),
        ("a<b and c>d", "a<b and c>d"),
        ("a < b:c > d", "a < b:c > d"),
        ("<>", "<>"),
    ],
)
def test_text_is_made_plain(typed: str, plain: str) -> None:
    assert normalise(typed) == plain


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1230", "1230"),
        ("a-b_c.d/e;f`g", "a-b_c.d/e;f`g"),
        ("o'brien", "o'brien"),
        ("back\\slash", "back\\slash"),
        ("14:00", "14:00"),
        ("2026-11-20T14:00+02:00", "2026-11-20T14:00+02:00"),
        ("Zürich", "Zürich"),
        ("a&b<c>d", "a&b<c>d"),
        ("", '""'),
        ("main hall", '"main hall"'),
        ("a,b", '"a,b"'),
        ("'a", '"\'a"'),
        ('say "hi" \\o/', r'"say \"hi\" \\o/"'),
        ("=5", '"=5"'),
        ("status=ongoing", '"status=ongoing"'),
        ("room-id:5", '"room-id:5"'),
        ("&amp;", r'"\x26amp;"'),
        ("<@U1>", r'"\x3c@U1>"'),
        ("<http://x>", r'"\x3chttp://x>"'),
        ("a\u00a0b«c»", r'"a\xa0b\xabc\xbb"'),
        ("a—b\u2009c", r'"a\u2014b\u2009c"'),
        ("٣𝟓", r'"\u0663\U0001d7d3"'),
    ],
)
def test_a_value_is_quoted_only_where_it_needs_it(value: str, written: str) -> None:
    assert quote(value) == written


@given(st.text())
@example("a" * 40 + "é" * 40)
@example("<@U1|x> &amp;lt; “\\”")
def test_what_was_quoted_is_read_back_exactly(value: str) -> None:
    written = normalise(f"x {quote(value)} y")[2:-2]
    assert (unquote(written[1:-1]) if written.startswith('"') else written) == value


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("class-7", "class-7"),
        ("", ""),
        ("сlаѕѕ-7", "class-7"),
        ("ΒΟΧ", "BOX"),
        ("ｃｌａｓｓ＿７", "class_7"),
        ("٧", "7"),
        ("Ålesund", "Alesund"),
        ("Łódź", "Lodz"),
        ("ё", "e"),
        ("a\u2e3ab", "a-b"),
        ("会议", ""),
        ("жук", ""),
        ("class-7🙂", ""),
    ],
)
def test_text_is_seen_as_what_it_looks_like(text: str, seen: str) -> None:
    assert look_alike(text) == seen


@given(st.text())
def test_what_text_looks_like_is_ascii_and_looks_like_itself(text: str) -> None:
    assert look_alike(text).isascii()
    assert look_alike(look_alike(text)) == look_alike(text)


@given(st.text())
def test_digits_of_every_script_are_ascii_once_text_is_plain(text: str) -> None:
    assert all(letter.isascii() for letter in normalise(text) if letter.isdecimal())


@pytest.mark.parametrize(
    ("inside", "value"),
    [
        (r"a\"b\'c\\d", "a\"b'c\\d"),
        (r"\x41\u00e9\U0001f600", "Aé😀"),
        (r"\\x41", r"\x41"),
        ("plain", "plain"),
    ],
)
def test_escapes_are_read(inside: str, value: str) -> None:
    assert unquote(inside) == value


@pytest.mark.parametrize(
    ("inside", "shown_as", "doubled"),
    [
        (r"a\b", r"\b", r"a\\b"),
        (r"\u12", r"\u", r"\\u12"),
        (r"\U00110000", r"\U00110000", r"\U00110000"),
        (r"\"\q\\", r"\q", r"\"\\q\\"),
    ],
)
def test_an_unknown_escape_is_named(inside: str, shown_as: str, doubled: str) -> None:
    with pytest.raises(Mistake) as caught:
        unquote(inside)
    assert caught.value.problem == (
        f"In quotes, `{shown_as}` means nothing: a backslash is written `\\\\` there."
    )
    assert double_backslashes(inside) == doubled


def test_what_is_said_back_is_short_and_harmless() -> None:
    assert shown("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert shown("x" * (MAX_SHOWN + 1)) == "x" * (MAX_SHOWN - 1) + "…"
    assert shown("a`b\nc\u202ed") == "a'b�c�d"


@given(st.text())
def test_what_is_said_back_can_always_be_shown(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= MAX_SHOWN


@pytest.mark.parametrize(
    ("words", "sentence"), [((), ""), (("a",), "a"), (("a", "b"), "a or b"), (("a", "b", "c"), "a, b or c")]
)
def test_words_are_joined_as_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    assert joined(words) == sentence
