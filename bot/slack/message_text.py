"""The text of a Slack message: made plain to be searched for IDs, or read as a question (pure)."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bot.query.terms import KEYS
from bot.query.tokenizer import MAX_CHARACTERS as MAX_CHARACTERS_ASKED
from bot.query.tokenizer import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


GAP = "\ufffc"
"""Stands where a mention, an e-mail address or a date was: nothing that could be an ID."""

MAX_CHARACTERS = 200_000
"""How much is searched in all: a Slack message has at most 40,000 characters."""

_DEEPEST = 8
_NO_TEXT = frozenset(("user", "usergroup", "channel", "broadcast", "date", "emoji", "color"))
_TOKEN = re.compile(r"<([@#!]|[A-Za-z][A-Za-z0-9+.-]{0,30}:)([^<>|\n]*)(?:\|([^<>\n]*))?>")
_BARE_URL = re.compile(r"https?://[^\s<>|\"'`]+")
_LONG_DASHES = ("—", "―")

_KEY = rf"(?:{'|'.join(map(re.escape, sorted(KEYS, key=len, reverse=True)))})\s*[=:]"

_MENTION = re.compile(
    r"(?:<@[UW][A-Z0-9]+(?:\|[^>]*)?>|(?<![^\s(])@recordings\b)"
    r"(?:[.!?…]+(?=\s|\Z)|\s*[:,;]+|\s*[-–—]+(?=\s))?",
    re.IGNORECASE,
)
"""Somebody's mention, with the sign that people put behind a name. In code it may be as it was typed."""
_QUOTE_MARKS = re.compile(r"^[^\S\n]*(?:(?:&gt;|>)\s?)+", re.MULTILINE)
_LIST_MARK = re.compile(
    rf"^[ \t]*(?:\(?(?:\d{{1,2}}|[a-z])[.)]|[-–—•◦▪‣·*+])[ \t]+(?={_MENTION.pattern}|{_KEY})",
    re.MULTILINE | re.IGNORECASE,
)
_EMOJI_NAME = r":(?:[+-]1|[a-z0-9_'+-]*[a-z][a-z0-9_'+-]*):"
_EMOTICON = r"[:;]['’]?-?[()]+|[:;]-[DPp]|(?:<|&lt;)3|\^\^"
_EMOJI = re.compile(
    rf"(?<![^\s>.!?])(?:(?:{_EMOJI_NAME})+|[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\U0001f000-\U0001faff]+"
    rf"|{_EMOTICON})(?![^\s<,.!?;])"
)
"""As a word of its own. A name has a letter in it: `:1230:` may be meant for a room."""

_MARKS = "*_~"
_LITERAL = {ord(sign): 0xD800 + place for place, sign in enumerate("*_~.,;:!?…。！？；，、؟؛،()[]\"'“”„«»‘’")}
"""Signs of code and of quoted values, while everything around them is taken off: as lone surrogates, which no
message has."""
_LITERAL_VALUE = {**_LITERAL, ord(" "): 0xD800 + len(_LITERAL)}
_TYPED_AGAIN = {kept: chr(sign) for sign, kept in _LITERAL_VALUE.items()}
_OPENS, _CLOSES = rf"(?<![^\s(>{_MARKS}])", rf"(?![^\s,.:;!?=)<{_MARKS}])"
_CODE = re.compile(rf"(?<![^\s(>=,:{_MARKS}])(```|`)\s*([^`]+?)\s*\1{_CLOSES}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|“[^“”"]*”|(?<![^\s=:,])(?:\'(?:[^\'\\]|\\.)*\'|‘[^‘’]*’)')
_ITEM = rf'(?:{_QUOTED.pattern}|[^\s,"“”]+)'
_POINTS = ".;!?…。！？；؟؛"
_TERM = re.compile(rf"(?<![\w-]){_KEY}\s*{_ITEM}(?:\s*,\s*{_ITEM})*[{_POINTS}]*", re.IGNORECASE)
_FORMATTED_KEY = re.compile(rf"{_OPENS}([{_MARKS}])({_KEY})\1(?!\S*\1(?:\s|\Z))", re.IGNORECASE)
"""`*room=*1230`; but `*room=*1230*` may be a formatted term, about a room whose ID begins with the sign."""
_FORMATTED = [
    re.compile(pattern)
    for mark in map(re.escape, _MARKS)
    for pattern in (
        rf"{_OPENS}{mark}(\S(?:.{{0,400}}?[^\s=,:])??){mark}{_CLOSES}",
        rf"(?<=[=,:]){mark}([^\s,{mark}]+){mark}{_CLOSES}",  # a value alone: what has a space in it is none
    )
]
_MOST_NESTED = 4
_MOST_KIND_CHARACTERS = 60

_KIND = (
    r"(?:please|pls|plz|kindly|(?:many )?thanks|thank you|thx|cheers)"
    r"(?: (?:a lot|so much|very much|in advance))?"
)
_GREETING = r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day))(?: (?:there|all|team|everyone))?"
_KIND_START = re.compile(rf"\A\s*(?:(?:{_KIND}|{_GREETING})(?:[\s,.!:;…–—]+(?:-+\s+)?|\Z))+", re.IGNORECASE)
_KIND_END = re.compile(rf"(?:\A|\s[\s,.!;…–—-]*\(?){_KIND}[\s,.!?…)]*\Z", re.IGNORECASE)

_WRAPPED = re.compile(
    rf"(?<!\S)(?:[\"“”„«]\s*({_KEY}[^\"“”«»]*)[\"“”»]|['‘]\s*({_KEY}[^'‘’]*)['’]"
    rf"|\(\s*({_KEY}(?:[^()]|\([^()]*\))*)\)|\[\s*({_KEY}[^\[\]]*)\])(?![^\s,.:;!?…])",
    re.IGNORECASE,
)
"""Whole terms in quotes or brackets. Those of a value stand behind its key."""
_BEHIND_A_WORD = rf"(?:(?<=[^\s=:,，、،{_POINTS}])|(?<=&amp;)|(?<=&[lg]t;))(?<!&amp)(?<!&[lg]t)"
_LAST_POINTS = re.compile(rf"{_BEHIND_A_WORD}\s*[,，、،{_POINTS}][\s,，、،{_POINTS}]*\Z")
_POINTS_BETWEEN = re.compile(rf"{_BEHIND_A_WORD}[;?；？؛؟]+(?=\s|{_KEY})", re.IGNORECASE)
_SAYS_WHAT = re.compile(r"[\d=:]|[?？؟]\s*\Z")
"""Digits, a term, or a question: `done!` is said to people, and `ongoing?` is asked."""


def texts_of_message(message: dict[str, Any]) -> list[str]:
    """Gather everything that can be read in a message: its text, its blocks, its attachments.

    Args:
        message: as events, `conversations.replies` and message shortcuts have it (Slack docs). Parts of
            another shape are passed over; files are not looked at.

    Returns:
        Texts as Slack sends them, with `<…>` tokens and `&amp;`; each once, the message's own text first.
    """
    return list(dict.fromkeys(filter(None, _texts(message, _DEEPEST))))


def plain_lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of texts in plain characters, 200,000 characters in all.

    Links become their address (percent-decoded) and their label; mentions, channels, dates and e-mail
    addresses become `GAP`; entities and typographic characters are undone as in a command.
    """
    left = MAX_CHARACTERS
    for text in texts:
        seen = text[:left]
        for dash in _LONG_DASHES:
            seen = seen.replace(dash, " -- ")  # between words, and no part of an ID
        seen = _TOKEN.sub(_readable, seen)
        seen = _BARE_URL.sub(lambda match: unquote(match[0]) if "%" in match[0] else match[0], seen)
        left -= len(text)
        for line in seen.splitlines():
            if line and (plain := normalise(line)):
                yield plain
        if left <= 0:
            return


def question_of_message(text: str) -> str:
    """Take a message to the bot for what it asks, however it is dressed up.

    Mentions go, and so do quote marks, list marks, bold, italic and struck formatting, emoji, quotes and
    brackets around terms, greetings and thanks around the question, and the punctuation behind its words: a
    vendor's room ID may end with a point (vendor docs), but in a sentence the point is the sentence's. Inside
    code, and inside the quotes of the query language, everything stays as it was typed. No other word is left
    out: a question never becomes a wider one.

    Args:
        text: of an event, as Slack sends it: with `<@U…>`, `&gt;` at quoted lines, `*bold*` (Slack docs,
            formatting text).
    """
    if len(text) > MAX_CHARACTERS_ASKED:
        return _MENTION.sub(" ", text).strip()
    plain = _without_formatting(_with_literals(_QUOTE_MARKS.sub("", text)))
    plain = _LIST_MARK.sub("", _EMOJI.sub(" ", plain))
    plain = _QUOTE_MARKS.sub("", _MENTION.sub(" ", plain).strip())
    plain = _WRAPPED.sub(lambda match: match[match.lastindex or 0], plain)
    plain = _without_points(_without_kindness(plain))
    return plain.translate(_TYPED_AGAIN).strip()


def _with_literals(text: str) -> str:
    """Code without its backticks, and quoted values: what stands in them is hidden from the next steps."""
    text = _CODE.sub(lambda code: _MENTION.sub(" ", code[2]).strip().translate(_LITERAL), text)
    return _TERM.sub(
        lambda term: _QUOTED.sub(lambda quoted: quoted[0].translate(_LITERAL_VALUE), term[0]), text
    )


def _without_formatting(text: str) -> str:
    text = _FORMATTED_KEY.sub(r"\2", text)
    for _ in range(_MOST_NESTED):
        before = text
        for formatted in _FORMATTED:
            text = formatted.sub(r"\1", text)
        if text == before:
            break
    return text


def _without_kindness(text: str) -> str:
    text = _KIND_START.sub("", text)
    while thanks := _KIND_END.search(text, max(0, len(text) - _MOST_KIND_CHARACTERS)):
        text = text[: thanks.start()]
    return text


def _without_points(text: str) -> str:
    """Behind a term, behind the whole text, and where only a sentence can have them behind any word."""
    if not _SAYS_WHAT.search(text):
        return text
    text = _TERM.sub(lambda term: _LAST_POINTS.sub("", term[0]), text)
    return _POINTS_BETWEEN.sub(" ", _LAST_POINTS.sub("", text))


def _readable(match: re.Match[str]) -> str:
    scheme, target, label = match[1], match[2], match[3]
    if scheme in {"@", "#", "!", "mailto:", "tel:"}:
        return GAP
    address = scheme + target
    return f"{address} {label}" if label and label not in address else address


def _texts(part: Any, depth: int) -> Iterator[str]:
    if not isinstance(part, dict) or depth < 0:
        return
    for key in ("pretext", "title", "text", "fallback"):
        if isinstance(text := part.get(key), str):
            yield text
    for field in _list(part.get("fields")):
        if isinstance(field, dict):  # of an attachment: a name and its value belong together
            yield ": ".join(text for key in ("title", "value") if isinstance(text := field.get(key), str))
    for block in _list(part.get("blocks")):
        yield from _block_texts(block, depth - 1)
    for attachment in _list(part.get("attachments")):
        yield from _texts(attachment, depth - 1)
    for shared in _list(part.get("message_blocks")):
        if isinstance(shared, dict):
            yield from _texts(shared.get("message"), depth - 1)


def _block_texts(block: Any, depth: int) -> Iterator[str]:
    if not isinstance(block, dict):
        return
    if block.get("type") == "rich_text":
        yield _rich_text(block, depth)
        return
    objects = [block.get("text"), *_list(block.get("fields")), *_list(block.get("elements"))]
    for text_object in objects:
        if isinstance(text_object, dict) and isinstance(text := text_object.get("text"), str):
            yield text  # Slack escapes plain_text in its payloads too (seen by users of Bolt)


def _rich_text(part: Any, depth: int) -> str:
    """What rich text says, written as `text` would be: code in backticks, a line for each section."""
    if not isinstance(part, dict) or depth < 0:
        return ""
    kind = part.get("type")
    if kind == "link":
        return _link(part)
    if kind == "text":
        return _styled(part)
    if kind in _NO_TEXT:
        return " <!> "
    inside = "".join(_rich_text(element, depth - 1) for element in _list(part.get("elements")))
    return f"```\n{inside}\n```\n" if kind == "rich_text_preformatted" else f"{inside}\n"


def _styled(part: dict[str, Any]) -> str:
    text, style = part.get("text"), part.get("style")
    escaped = html.escape(text, quote=False) if isinstance(text, str) else ""
    return f"`{escaped}`" if isinstance(style, dict) and style.get("code") else escaped


def _link(part: dict[str, Any]) -> str:
    url, label = part.get("url"), part.get("text")
    if not isinstance(url, str):
        return ""
    token = html.escape(url, quote=False).replace("|", "%7C")
    return f"<{token}|{html.escape(label, quote=False)}>" if isinstance(label, str) else f"<{token}>"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
