"""What Slack refuses in blocks and views: `check_blocks` and `check_view` (pure).

Limits from Slack docs and the measurements named beside them. The order of the faults follows the blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from bot.sandbox.slack.block_checks import Fault, boolean, items, one_of, shape, string, tagged
from bot.sandbox.slack.block_elements import plain_text
from bot.sandbox.slack.block_shapes import EVERYWHERE, MESSAGES_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Surface = Literal["message", "modal", "home"]

MOST_BLOCKS: Mapping[str, int] = {"message": 50, "modal": 100, "home": 100}
MOST_CHARTS = 2
MOST_TABLE_CHARACTERS = 10_000
# Reported from the field near 13,200; what exactly Slack counts is unverified, so every character that is
# shown or carried (text, values, addresses) counts here.
MOST_MESSAGE_CHARACTERS = 13_200

_NOT_CONTENT = {"type", "style", "block_id", "action_id", "align", "format"}
_BLOCKS = {
    "message": tagged({**EVERYWHERE, **MESSAGES_ONLY}),
    "modal": tagged(EVERYWHERE),
    "home": tagged(EVERYWHERE),
}


def check_blocks(blocks: Any, surface: Surface, at: str = "/blocks") -> list[Fault]:
    """List everything that Slack would refuse in these blocks.

    Args:
        blocks: what an app sent as `blocks`, already decoded.
        surface: where they are to stand.
        at: the JSON pointer of the list itself.
    """
    check_list = items(_BLOCKS[surface], MOST_BLOCKS[surface], 0)
    faults = list(check_list(blocks, at))
    if isinstance(blocks, list):
        known = [block if isinstance(block, dict) else {} for block in blocks]
        faults += [*_repeated_ids(known, at), *_too_many_special(known, at)]
    return faults


def check_view(view: Any, at: str = "/view") -> list[Fault]:
    """List everything that Slack would refuse in a modal or a home tab."""
    if not isinstance(view, dict):
        return [Fault(at, "must be an object")]
    kind = view.get("type")
    if kind not in _VIEWS:
        return [Fault(f"{at}/type", "must be a valid enum value")]
    faults = list(_VIEWS[kind]({k: v for k, v in view.items() if k != "blocks"}, at))
    if "blocks" not in view:
        return [*faults, Fault(at, "missing required field: blocks")]
    faults += check_blocks(view["blocks"], kind, f"{at}/blocks")
    if kind == "modal" and not view.get("submit") and isinstance(view["blocks"], list):
        faults += [
            Fault(f"{at}/blocks/{index}/input", "must define `submit` to use an `input` block in modals")
            for index, block in enumerate(view["blocks"])
            if isinstance(block, dict) and block.get("type") == "input"
        ]
    return faults


def count_characters(value: Any) -> int:
    """Count the characters of a message's blocks that are shown or carried."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(count_characters, value))
    if isinstance(value, dict):
        return sum(count_characters(inner) for key, inner in value.items() if key not in _NOT_CONTENT)
    return 0


def _repeated_ids(blocks: list[dict[str, Any]], at: str) -> Iterator[Fault]:
    """A block_id may stand once a message, an action_id once a block (wording unverified)."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in seen:
                yield Fault(f"{at}/{index}/block_id", f'block_id "{block_id}" already exists')
            seen.add(block_id)
        inside = block.get("elements") if block.get("type") == "actions" else None
        used: set[str] = set()
        for place, element in enumerate(inside if isinstance(inside, list) else []):
            action_id = element.get("action_id") if isinstance(element, dict) else None
            if isinstance(action_id, str):
                if action_id in used:
                    yield Fault(
                        f"{at}/{index}/elements/{place}/action_id", f'action_id "{action_id}" already exists'
                    )
                used.add(action_id)


def _too_many_special(blocks: list[dict[str, Any]], at: str) -> Iterator[Fault]:
    """One table of 10,000 characters and two charts a message (Slack docs)."""
    tables = [i for i, block in enumerate(blocks) if block.get("type") in {"table", "data_table"}]
    charts = [i for i, block in enumerate(blocks) if block.get("type") == "data_visualization"]
    yield from (Fault(f"{at}/{index}", "only_one_table_allowed") for index in tables[1:])
    for index in tables:
        if count_characters(blocks[index].get("rows")) > MOST_TABLE_CHARACTERS:
            yield Fault(f"{at}/{index}/rows", f"must be less than {MOST_TABLE_CHARACTERS + 1} characters")
    for index in charts[MOST_CHARTS:]:
        yield Fault(f"{at}/{index}", f"no more than {MOST_CHARTS} data_visualization blocks allowed")


_SHARED = {
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
    "private_metadata": string(3000, 0),
}
_VIEWS = {
    "modal": shape(
        {"title": plain_text(24)},
        {
            **_SHARED,
            "submit": plain_text(24),
            "close": plain_text(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": shape({"type": one_of("home")}, _SHARED),
}
