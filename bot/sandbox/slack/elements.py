"""What is in blocks: the interactive elements a person can use, and the text they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HAVE_NO_ACTION_ID = {
    *("image", "plain_text", "mrkdwn"),
    *("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"),
}


@dataclass(frozen=True)
class Element:
    """An interactive element as a person sees it: `label` is what is written on it."""

    label: str
    block_id: str
    action_id: str
    raw: dict[str, Any]


def find_elements(blocks: list[dict[str, Any]]) -> list[Element]:
    """List the interactive elements of blocks, in reading order."""
    found = []
    for block in blocks:
        inside = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for raw in inside:
            if not isinstance(raw, dict) or "action_id" not in raw:
                continue
            text = raw.get("text") or block.get("label") or raw.get("placeholder") or {}
            found.append(Element(text.get("text", ""), block["block_id"], raw["action_id"], raw))
    return found


def visible_texts(value: Any) -> Iterator[str]:
    """Yield the text that a person reads in blocks, in reading order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"text", "title", "alt_text", "label", "fallback"} and isinstance(inner, str):
                yield inner
            elif key not in {"confirm", "value", "options"}:
                yield from visible_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from visible_texts(inner)


def nameless_elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    """List the interactive elements of a block that came without an action_id."""
    inside = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
    return [
        element
        for element in inside
        if isinstance(element, dict)
        and element.get("type", "") not in _HAVE_NO_ACTION_ID
        and "action_id" not in element
    ]
