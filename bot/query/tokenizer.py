"""The outer grammar of a query: text made plain and split into `key=value` terms and bare words.

`normalise` undoes what Slack and keyboards do to a command. `quote` writes a value so that `normalise` and
the parser give back exactly that value: whatever `normalise` would change is escaped.
"""

from __future__ import annotations

import difflib
import re
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bot.safe_text import replace_unprintable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


_SCRIPTS_TAKEN_FOR_LATIN = ("Armenian", "Cyrillic", "Greek")

MAX_SHOWN = 80
"""How many characters of somebody's text a sentence repeats."""

_SLACK_TOKEN = re.compile(
    r"<(?P<target>[@#!][^<>|]*|[A-Za-z][A-Za-z0-9+.-]*:[^<>|]*)(?:\|(?P<label>[^<>]*))?>"
)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}

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


class Mistake(ValueError):  # noqa: N818 - it is the asker's
    """One typed value that cannot be read.

    Args:
        problem: one sentence that says what was read and what is wrong.
        nearest: values that would be right in its place, the likeliest first.
        terms: whole terms (`last=6h`) that would be right in place of its own.
    """

    def __init__(self, problem: str, nearest: tuple[str, ...] = (), terms: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.nearest = nearest
        self.terms = terms


def normalise(text: str) -> str:
    """Turn what arrived back into what was meant: one line of plain characters.

    Typographic quotes, dashes and spaces become the plain ones, invisible characters go, full-width
    characters become ASCII, and digits of every script (`١٢٣٠`, `१२३०`) become 0 to 9.
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
    """Undo what Slack does to a command.

    Its tokens (`<@U1|name>`, `<http://x|x>`) become their label again, and only then are `&amp;`, `&lt;` and
    `&gt;` undone, so that typed angle brackets are never taken for a token.
    """
    if "<" in text:
        text = _SLACK_TOKEN.sub(_typed_again, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)
    return text


def _typed_again(match: re.Match[str]) -> str:
    target, label = match["target"], match["label"]
    if target[0] in "@#":
        return target[0] + (label or target[1:]).removeprefix(target[0])
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
    """Somebody's text as a sentence repeats it: short, and without control characters or backticks."""
    safe = replace_unprintable(text[:MAX_SHOWN]).replace("`", "'")
    return safe if len(text) <= MAX_SHOWN else safe[: MAX_SHOWN - 1] + "…"


def closest(typed: str, candidates: Iterable[str], *, cutoff: float = 0.6, most: int = 1) -> list[str]:
    """Did you mean …? The candidates that are at least `cutoff` (0 to 1) alike, the likeliest first."""
    return difflib.get_close_matches(typed[:MAX_SHOWN], candidates, n=most, cutoff=cutoff)


def joined(words: list[str] | tuple[str, ...], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


MAX_CHARACTERS = 4000

_OPTIONAL_SPACES = re.compile(r"\s*")
_COMMAND = re.compile(r"/?recordings(?=\s|$)\s*", re.IGNORECASE)
_KEY = re.compile(r"([^\s\"',=:]{1,64})(\s*)([=:])(\s*)")
_BARE_VALUE = re.compile(r"[^\s,\"]+")
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""")
_SPACE_OR_COMMA = re.compile(r"[\s,]")
_COMMA = re.compile(r"\s*,\s*")
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


class Change(NamedTuple):
    """What should stand between two places of a text."""

    start: int
    end: int
    instead: str


class Misread(Mistake):
    """A mistake with its place.

    Args:
        problem: one sentence, as for `Mistake`.
        edits: corrections of the text, the likeliest first, each of one or more changes.
    """

    def __init__(self, problem: str, *edits: tuple[Change, ...]) -> None:
        super().__init__(problem)
        self.edits = edits


@dataclass(frozen=True, slots=True)
class Item:
    """One value: what it says, whether it stood in quotes, and whether a space stands before it."""

    text: str
    quoted: bool = False
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A term as it was typed: its key (empty for a bare word), its values, its place."""

    typed_key: str
    items: tuple[Item, ...]
    start: int
    end: int

    @property
    def key(self) -> str:
        """The key in small letters."""
        return self.typed_key.lower()

    def replaced(self, text: str) -> tuple[Change, ...]:
        """The edit that writes something else in this place."""
        return (Change(self.start, self.end, text),)

    @property
    def values(self) -> tuple[str, ...]:
        """What the items say."""
        return tuple(item.text for item in self.items)


def plain_text(text: str) -> str:
    """Normalise a command and take off a `/recordings` in front of it, its slash or not.

    Raises:
        Misread: more than 4,000 characters as typed.
    """
    if len(text) > MAX_CHARACTERS and (typed := len(as_typed(text))) > MAX_CHARACTERS:
        raise Misread(
            f"This is {typed:,} characters long; a query has at most {MAX_CHARACTERS:,}. "
            "Ask for fewer rooms at once."
        )
    plain = normalise(text)
    if command := _COMMAND.match(plain):
        plain = plain[command.end() :]
    return plain


def split_words(text: str, keys: Collection[str]) -> list[Word]:
    """Split normalised text.

    `key=value`, `key: value` and `key = value` are terms; a colon makes a term only behind one of `keys`.
    Values are separated by commas and may stand in double or single quotes.

    Raises:
        Misread: quotes that do not pair up, an empty value, characters that nobody can type.
    """
    if unreadable := _UNREADABLE.search(text):
        raise Misread("There is a control character in this text.", (Change(*unreadable.span(), ""),))
    words = []
    at = _skip(text, 0)
    while at < len(text):
        word = _read_word(text, at, keys)
        words.append(word)
        at = _skip(text, word.end)
        if text.startswith(",", at):  # `room=1230, status=ongoing`
            at = _skip(text, at + 1)
    return words


def _skip(text: str, at: int) -> int:
    match = _OPTIONAL_SPACES.match(text, at)
    return match.end() if match else at


def _starts_known_term(text: str, at: int, keys: Collection[str]) -> bool:
    match = _KEY.match(text, at)
    return match is not None and match[1].lower() in keys


def _read_word(text: str, start: int, keys: Collection[str]) -> Word:
    match = _KEY.match(text, start)
    if match is None or (match[3] == ":" and match[1].lower() not in keys):
        items, end = _read_items(text, start, keys)
        return Word("", items, start, end)
    end = match.end()
    if end == len(text) or (match[4] and _starts_known_term(text, end, keys)):
        return Word(match[1], (), start, end - len(match[4]))
    items, end = _read_items(text, end, keys)
    return Word(match[1], items, start, end)


def _read_items(text: str, at: int, keys: Collection[str]) -> tuple[tuple[Item, ...], int]:
    items = []
    while True:
        item, at = _read_item(text, at)
        items.append(item)
        comma = _COMMA.match(text, at)
        if comma is None or (comma[0] != "," and _starts_known_term(text, comma.end(), keys)):
            return tuple(items), at
        if comma.end() == len(text):
            raise Misread(
                f"There is nothing behind the comma in `{shown(text[-20:])}`.", (Change(at, len(text), ""),)
            )
        at = comma.end()


def _read_item(text: str, at: int) -> tuple[Item, int]:
    spaced = text[at - 1 : at].isspace()
    if text[at] in "\"'":
        if (match := _QUOTED.match(text, at)) is None:
            raise _unpaired(text, at)
        end = match.end()
        if end < len(text) and not text[end].isspace() and text[end] != ",":
            raise Misread(
                f"`{shown(text[end:])}` follows directly on a closing quote: put a space or a comma between.",
                (Change(end, end, " "),),
            )
        inside = match[1] if match[1] is not None else match[2]
        try:
            return Item(unquote(inside), quoted=True, spaced=spaced), end
        except Mistake as mistake:
            quotation = text[at]
            fixed = f"{quotation}{double_backslashes(inside)}{quotation}"
            raise Misread(mistake.problem, (Change(at, end, fixed),)) from None
    if (match := _BARE_VALUE.match(text, at)) is None:
        raise Misread(
            f"There is nothing before the comma in `{shown(text[max(0, at - 20) : at + 1])}`.",
            (Change(at, _skip(text, at + 1), ""),),
        )
    if text.startswith('"', match.end()):
        value = _SPACE_OR_COMMA.split(text[at:], maxsplit=1)[0]
        raise Misread(
            f"`{shown(value)}` has a quote inside: quotes stand around a whole value.",
            (Change(at, at + len(value), value.replace('"', "")),),
        )
    return Item(match[0], spaced=spaced), match.end()


def _unpaired(text: str, at: int) -> Misread:
    """A quote without its partner: it may have been forgotten at the end, or not belong there at all."""
    quotation = text[at]
    edits = [(Change(len(text), len(text), quotation),), (Change(at, at + 1, ""),)]
    if quotation == "'" and (bare := _BARE_VALUE.match(text, at)):
        edits.insert(0, (Change(at, bare.end(), f'"{bare[0]}"'),))
    return Misread(f"The quotes do not pair up: `{shown(text[at:])}` opens one that is never closed.", *edits)


def edited(text: str, edit: tuple[Change, ...]) -> str:
    """The text with all changes made; what is taken out leaves no double space."""
    for start, end, instead in sorted(edit, reverse=True):
        gap = not instead and text[end : end + 1] == " " and text[:start].endswith(" ")
        text = text[:start] + instead + text[end + gap :]
    return text.strip(" ")
