"""The few Block Kit parts that messages are made of, as plain dictionaries."""

from __future__ import annotations

from typing import Any

from bot.blocks.text import MAX_CHARACTERS, shortened

Block = dict[str, Any]


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn, cut to the 3,000 characters that Slack takes, with a button beside it."""
    block: Block = {"type": "section", "text": _mrkdwn(text)}
    if accessory:
        block["accessory"] = accessory
    return block


def context(text: str) -> Block:
    """A small line of mrkdwn, cut in the same way."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def actions(elements: list[Block], block_id: str) -> Block:
    """A row of buttons; `block_id` has to be unique in its message."""
    return {"type": "actions", "block_id": block_id, "elements": elements}


def button(text: str, action_id: str, value: str) -> Block:
    """A button; `value` (2,000 characters at most) is what its click brings back."""
    made: Block = {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}}
    return {**made, "value": value} if value else made


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": shortened(text, MAX_CHARACTERS), "verbatim": True}
