"""The few Block Kit parts that messages are made of, as plain dictionaries."""

from __future__ import annotations

from typing import Any

Block = dict[str, Any]


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn (3,000 characters at most), with a button beside it."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
    if accessory:
        block["accessory"] = accessory
    return block


def context(text: str) -> Block:
    """A small line of mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def actions(elements: list[Block], block_id: str) -> Block:
    """A row of buttons; `block_id` has to be unique in its message."""
    return {"type": "actions", "block_id": block_id, "elements": elements}


def button(text: str, action_id: str, value: str) -> Block:
    """A button; `value` (2,000 characters at most) is what its click brings back."""
    made: Block = {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}}
    return {**made, "value": value} if value else made
