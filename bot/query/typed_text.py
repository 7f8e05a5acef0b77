"""Text as people and phones type it: made plain before it is read, and made safe before it is said back.

`normalise` undoes what Slack and keyboards do to a command. `quote` writes a value so that `normalise` and
the reader of queries give back exactly that value: whatever `normalise` would change is escaped. `look_alike`
finds the plain text that somebody sees where another script's letters stand.
"""

from __future__ import annotations

import re
import sys
import unicodedata

_SCRIPTS_TAKEN_FOR_LATIN = ("Armenian", "Cyrillic", "Greek")

MAX_SHOWN = 80
"""How many characters of somebody's text a sentence repeats."""

_SLACK_TOKEN = re.compile(
    r"<(?P<target>[@#!][^<>|]*|[A-Za-z][A-Za-z0-9+.-]*:[^<>|]*)(?:\|(?P<label>[^<>]*))?>"
)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_SPACES = re.compile(r"\s+")

_REPLACED = {
    '"': "“”„‟«»″〝〞",
    "'": "‘’‚‛‹›′",
    "-": "‐‑‒–−﹣",
    "--": "—―",
    ",": "،、､﹐﹑",
    ".": "٫",
    "": "\u00ad\u061c\u180e\ufeff",
}
_INVISIBLE = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_SPACE_CATEGORIES = ("Zs", "Zl", "Zp")


def _translation() -> dict[int, str]:
    table = {ord(typed): plain for plain, all_typed in _REPLACED.items() for typed in all_typed}
    table.update(dict.fromkeys(_INVISIBLE, ""))
    table.update({wide: chr(wide - 0xFEE0) for wide in _FULL_WIDTH})
    table.update(
        {code: " " for code in range(0x3001) if unicodedata.category(chr(code)) in _SPACE_CATEGORIES}
    )
    table.update(dict.fromkeys((*range(0x09, 0x0E), 0x85), " "))
    return table


_PLAIN = _translation()
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_TYPOGRAPHIC = "".join(re.escape(chr(code)) for code in _PLAIN if chr(code) != " ")
_UNSTABLE = (
    rf"[{_TYPOGRAPHIC}]|{_OTHER_DIGIT.pattern}|&(?=(?:amp|lt|gt);)|<(?=[@#!]|[A-Za-z][A-Za-z0-9+.-]*:)"
)
_CHANGED_BY_NORMALISING = re.compile(_UNSTABLE)
_ESCAPED_IN_QUOTES = re.compile(rf'["\\]|{_UNSTABLE}')
_BARE = re.compile(r"[^\s\"',=:][^\s\",]*")
_TERM_LIKE = re.compile(r"[A-Za-z_-]+[=:]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))")
_BAD_ESCAPE = re.compile(r"""(\\["'\\]|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2})|\\""")

_SEEN_AS = (
    "aаα bЬ cсϲ dԁ eе gɡ hһհ iіιı jјϳ kкκ lӏłǀ nո oоοօøס pрρ qԛ sѕ uυս vνѵ wԝω xхχ yуγ "
    "AАΑ BВΒ CСϹ EЕΕ FϜ GԌ HНΗ IІΙӀ JЈͿ KКΚ LŁ MМΜϺ NΝ OОΟØՕ PРΡ QԚ SЅՏ TТΤ VѴ WԜ XХΧ YҮΥ ZΖ 3ЗӠ -ー"
)
"""A plain character, and behind it the letters of other scripts that people take for it (after Unicode's
confusables.txt)."""

_LOOK_ALIKES = {ord(seen): group[0] for group in _SEEN_AS.split() for seen in group[1:]}


class Mistake(ValueError):  # noqa: N818 - it is the asker's, and never leaves the reader of queries
    """One typed value that cannot be read.

    Args:
        problem: one sentence that says what was read and what is wrong.
        nearest: values that would be right in its place, the likeliest first.
        terms: whole terms (`last=6h`) that would be right instead of the one it stands in.
    """

    def __init__(self, problem: str, nearest: tuple[str, ...] = (), terms: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.nearest = nearest
        self.terms = terms


def normalise(text: str) -> str:
    """Turn what arrived back into what was meant: one line of plain characters.

    Slack's tokens (`<@U1|name>`, `<http://x|x>`) become their label again, and only then are `&amp;`, `&lt;`
    and `&gt;` undone, so that typed angle brackets are never taken for a token. Typographic quotes, dashes
    and spaces become the plain ones, invisible characters go, full-width characters become ASCII, and
    digits of every script (`١٢٣٠`, `१२३०`) become 0 to 9.
    """
    text = as_typed(text)
    if not text.isascii() or not text.isprintable():
        text = ascii_digits(text.translate(_PLAIN))
    return text.strip(" ")


def ascii_digits(text: str) -> str:
    """The text with 0 to 9 for the decimal digits of every script."""
    if text.isascii():
        return text
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


def look_alike(text: str) -> str:
    """The ASCII text that this looks like, without its accents; empty where it looks like none.

    `сlass-7` with a Cyrillic с is `class-7`, `Ｃafé` is `Cafe`; `会议` looks like nothing else.
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_LOOK_ALIKES)).translate(_LOOK_ALIKES)
    seen = "".join(
        "-" if unicodedata.category(letter) == "Pd" else letter
        for letter in ascii_digits(plain)
        if unicodedata.category(letter)[0] != "M"
    )
    return seen if seen.isascii() else ""


def odd_letter(text: str) -> str:
    """The first letter or sign that isn't ASCII, as a sentence names it: `` `ü` ``, ``the Cyrillic `с` ``."""
    at = next(place for place, letter in enumerate(text) if not letter.isascii())
    is_mark = unicodedata.category(text[at])[0] == "M"
    script = unicodedata.name(text[at], "").partition(" ")[0].capitalize()
    named = f"`{shown(text[max(0, at - is_mark) : at + 1])}`"
    return f"the {script} {named}" if script in _SCRIPTS_TAKEN_FOR_LATIN else named


def as_typed(text: str) -> str:
    """Undo what Slack does to a command: its tokens become their label again, its entities characters."""
    if "<" in text:
        text = _SLACK_TOKEN.sub(_typed_again, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)
    return text


def _typed_again(match: re.Match[str]) -> str:
    target, label = match["target"], match["label"]
    if target[0] == "@":
        return "@" + (label or target[1:]).removeprefix("@")
    if target[0] == "#":
        return "#" + (label or target[1:]).removeprefix("#")
    if target[0] == "!":
        return label or "@" + target[1:].partition("^")[0]
    return label or target


def quote(value: str) -> str:
    """Write a value as it stands in a query: bare where that is safe, else in double quotes with escapes."""
    if _BARE.fullmatch(value) and not _TERM_LIKE.match(value) and not _CHANGED_BY_NORMALISING.search(value):
        return value
    return f'"{_ESCAPED_IN_QUOTES.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"\\':
        return "\\" + character
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return character.encode("unicode_escape").decode()


def unquote(quoted: str) -> str:
    r"""Read what stands between quotes: `\"`, `\'`, `\\`, `\xHH`, `\uXXXX` and `\UXXXXXXXX` are escapes.

    Raises:
        Mistake: another escape; `nearest` has the text with its backslashes doubled.
    """
    return _ESCAPE.sub(_unescape, quoted) if "\\" in quoted else quoted


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        if int(code, 16) <= sys.maxunicode:
            return chr(int(code, 16))
    elif match[4] in "\"'\\":
        return match[4]
    raise Mistake(f"In quotes, `{shown(match[0])}` means nothing: a backslash is written `\\\\` there.")


def double_backslashes(quoted: str) -> str:
    """The same text between quotes with every backslash doubled that is not an escape."""
    return _BAD_ESCAPE.sub(lambda match: match[1] or "\\\\", quoted)


def shown(text: str) -> str:
    """What a sentence repeats of somebody's text: short, and without control characters or backticks."""
    safe = "".join(
        "'" if character == "`" else character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text[: MAX_SHOWN + 1]
    )
    return safe if len(text) <= MAX_SHOWN else safe[: MAX_SHOWN - 1] + "…"


def joined(words: list[str] | tuple[str, ...], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
