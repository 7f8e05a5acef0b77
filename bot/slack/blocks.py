"""Block Kit's small parts, and text inside them: escaped, dated in the reader's zone (pure)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bot.recordings.answer_text import showable_ms
from bot.safe_text import replace_controls, replace_unprintable
from bot.slack.ids import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

Block = dict[str, Any]
Message = dict[str, Any]
View = dict[str, Any]

MAX_TEXT_CHARACTERS = 4_000
"""Slack's advice for a message's `text`."""

MAX_BLOCKS_CHARACTERS = 12_000
"""Kept below the 13,000 or so at which Slack has been seen to refuse a message (`msg_blocks_too_long`)."""

MAX_CHARACTERS = 3_000
"""Of a section's or a context's text, counted after escaping (Slack docs)."""

SHORT_DATE, EXACT_DATE, TIME = "{date_short_pretty} {time}", "{date_short_pretty} {time_secs}", "{time}"
"""How Slack shows a moment (Slack docs, date formatting)."""

_CODE = re.compile("`([^`]+)`")

_HELD_TOGETHER = re.compile(
    r"`[^`]*`|[○●▲■✕◇✓] (?=\S)|\b[0-9][0-9,.]* (?:d|h|min|s|MB|GB)\b(?: [0-9]+ (?:h|min|s)\b)*"
)
_WHOLE = re.compile(r"```.+?```|`[^`\n]+`|<[^<>\n]*>|&(?:amp|lt|gt);|[^`<&]+|.", re.DOTALL)
"""What Slack reads as one: code, a moment, a mention or a link, an entity; else plain words."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]*")
"""Text in which Slack sees no mark-up, link, mention or emoji."""


def escape(text: str) -> str:
    """Make text from outside safe in mrkdwn and in a message's `text`.

    Slack reads mentions and links only inside `<…>` (Slack docs, formatting text), so its three control
    characters are all that has to be replaced.
    """
    return replace_controls(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shortened(safe: str, most: int) -> str:
    """Text that is already safe, of at most so many characters. Text from outside is cut by `cut`, before.

    What Slack reads as one stays whole or goes: an entity, a moment, a mention, a link. Code may end earlier,
    but it ends. Half a moment would be shown as it is written, and half an entity or an open code span change
    what follows.
    """
    if len(safe) <= most:
        return safe
    kept = ""
    for match in _WHOLE.finditer(safe):
        piece = match[0]
        if len(kept) + len(piece) < most:
            kept += piece
            continue
        fence = "```" if piece.startswith("```") else "`"
        room = most - len(kept) - 2 * len(fence)
        if piece.startswith(fence) and len(piece) > 2 * len(fence) and room > 1:
            return kept + fence + shortened(piece[len(fence) : -len(fence)], room) + fence
        if piece[0] not in "`<&":
            kept += piece[: most - len(kept) - 1]
        break
    return f"{kept}…"[: max(most, 0)]


def code(text: str, most: int = MAX_CHARACTERS) -> str:
    """Text from outside as mrkdwn code: nothing in it becomes bold, a link or an emoji.

    A backtick or a line end would end the code, so something else stands in its place; an empty text object
    would be refused, so emptiness is said. Longer than `most` characters it is cut.
    """
    if not text.strip():
        return "`(empty)`"
    return f"`{shortened(escape(replace_unprintable(text).replace('`', 'ˋ')), most - 2)}`"


def unmarked(text: str) -> str:
    """A sentence for where Slack shows no mrkdwn, as beside the fields of a form: quoted instead of code."""
    return _CODE.sub("“\\1”", text)


def name(text: str, most: int = MAX_CHARACTERS) -> str:
    """A room ID as people read it: as it is where that is harmless, else as code; cut beyond `most`."""
    return text if len(text) <= most and _PLAIN.fullmatch(text) else code(text, most)


def date(ms: int, style: str = SHORT_DATE) -> str:
    """A moment (Unix ms) that Slack shows in the reader's own zone, with UTC where it cannot."""
    ms = showable_ms(ms)
    fallback = f"{datetime.fromtimestamp(ms / 1000, UTC):%d %b %H:%M:%S} UTC"
    return f"<!date^{ms // 1000}^{style}|{fallback}>"


def clock_time(ms: int) -> str:
    """A time of day with seconds, in the reader's zone."""
    return date(ms, "{time_secs}")


def unbroken(words: str) -> str:
    """Words in which no line ends inside a figure or behind a sign: `1 h 20 min`, `673.8 MB`, `▲ Runaway`.

    Only for blocks: people search, copy and listen to `text` and the terminal. Code stays as it is.
    """
    return _HELD_TOGETHER.sub(_with_hard_spaces, words)


def _with_hard_spaces(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("`") else match[0].replace(" ", "\u00a0")


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn, cut to the 3,000 characters that Slack takes, with a button beside it."""
    block: Block = {"type": "section", "text": _mrkdwn(text)}
    if accessory:
        block["accessory"] = accessory
    return block


def context(text: str) -> Block:
    """A small line of mrkdwn, cut in the same way."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def header(text: str) -> Block:
    """A line in large letters; 150 characters at most (Slack docs)."""
    return {"type": "header", "text": {**_plain(text), "emoji": False}}


def actions(elements: list[Block], block_id: str) -> Block:
    """A row of buttons; `block_id` has to be unique in its message."""
    return {"type": "actions", "block_id": block_id, "elements": elements}


def button(text: str, action_id: str, value: str) -> Block:
    """A button; `value` (2,000 characters at most) is what its click brings back."""
    made: Block = {"type": "button", "action_id": action_id, "text": _plain(text)}
    return {**made, "value": value} if value else made


def confirmation(title: str, text: str, *, confirm: str, deny: str) -> Block:
    """What Slack asks before a click counts: a button's `confirm`."""
    words = {"title": title, "text": text, "confirm": confirm, "deny": deny}
    return {part: _plain(says) for part, says in words.items()}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": shortened(text, MAX_CHARACTERS), "verbatim": True}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def count_characters(blocks: Block | Sequence[Block]) -> int:
    """How long blocks are as JSON, as Slack counts a message's."""
    return len(json.dumps(blocks, ensure_ascii=False))


class Rendered(dict[str, Any]):
    """A message that is shared: read-only, with its JSON as a private answer made once."""

    rows = 0
    """How many recordings it shows."""

    @cached_property
    def private_json(self) -> str:
        """The message as the body of an ephemeral answer."""
        return json.dumps({"response_type": "ephemeral", **self})


def build_modal(title: str, blocks: list[Block]) -> View:
    """A view with content and a button that closes it."""
    return {"type": "modal", "title": _plain(title), "close": _plain("Close"), "blocks": blocks}


def build_loading_modal(title: str) -> View:
    """What is shown within the trigger's 3 seconds."""
    return build_modal(title, [section("Asking ZEGOCLOUD …")])


def build_problem_modal(title: str, sentence: str, reference: str = "") -> View:
    """What is shown when the content does not come; `reference` is found in the log."""
    return build_modal(title, [section(escape(sentence) + (f" Reference {reference}." if reference else ""))])


def with_note(view: View, note: str) -> View:
    """A view as Slack sent it back, with a line on top that says what came of a click."""
    blocks = [block for block in view.get("blocks") or [] if block.get("block_id") != Row.NOTE]
    return {**view, "blocks": [{**context(escape(note)), "block_id": Row.NOTE}, *blocks]}
