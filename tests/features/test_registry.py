"""Every action_id and callback_id has a listener; ids stand once, in `slack/ids.py`."""

from __future__ import annotations

import ast
from enum import StrEnum
from pathlib import Path

from bot.features import registry
from bot.slack import ids

BOT = Path(__file__).parents[2] / "bot"
READ_WHEN_A_FORM_IS_SENT = {"INPUT"}
LISTENED_FOR = {
    name: value
    for name, value in vars(ids).items()
    if isinstance(value, str) and name.isupper() and name[0] != "_" and name not in READ_WHEN_A_FORM_IS_SENT
}
BLOCK_IDS = [*ids.FormField, *ids.DigestField, *ids.Row]


def test_every_id_has_a_listener_or_names_a_block() -> None:
    registered = {*registry.ACTIONS, *registry.SHORTCUTS, *registry.VIEWS}
    assert set(LISTENED_FOR.values()) == registered


def test_no_id_is_there_twice() -> None:
    every = [*LISTENED_FOR.values(), *BLOCK_IDS, ids.INPUT]
    assert len(every) == len(set(every))
    kinds = [kind for kind in vars(ids).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    assert [each for kind in kinds if kind is not StrEnum for each in kind] == BLOCK_IDS


def test_ids_are_written_out_in_one_place() -> None:
    """Elsewhere they are named, so that what a message carries and what is listened for stay the same."""
    prefixes = ("recordings.", "digest.", "form.")
    known = {value for value in (*LISTENED_FOR.values(), *BLOCK_IDS) if value.startswith(prefixes)}
    for path in sorted(BOT.rglob("*.py")):
        if path.name != "ids.py":
            nodes = ast.walk(ast.parse(path.read_text("utf-8")))
            texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
            assert not texts & known, path
