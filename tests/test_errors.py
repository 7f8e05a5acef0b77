"""The expected errors: the tree that `bot/errors.py` draws is the one there is."""

from __future__ import annotations

import re
from importlib import import_module

import bot.errors
from bot.errors import RecordingsError
from tests.test_structure import modules


def below(kind: type[Exception], depth: int = 1) -> list[tuple[int, str, str]]:
    found = []
    for one in kind.__subclasses__():
        if not one.__name__.startswith("_"):
            found += [(depth, one.__name__, one.__module__), *below(one, depth + 1)]
    return found


def test_the_tree_in_the_docstring_is_complete() -> None:
    for name, module in modules().items():
        if "bot.errors" in module.runs_on and not name.startswith("bot.sandbox"):
            import_module(name)
    drawn = {
        (len(line.split("─")[0]) // 4, name)
        for line in (bot.errors.__doc__ or "").splitlines()
        for name in re.findall(r"── (\w+)", line)
    }
    assert drawn == {(depth, name) for depth, name, _ in below(RecordingsError)}


def test_the_tree_says_where_the_errors_of_other_modules_are() -> None:
    for line in (bot.errors.__doc__ or "").splitlines():
        if named := re.search(r"── (\w+) .*\((\S+)\.py\)$", line):
            assert hasattr(import_module(f"bot.{named[2].replace('/', '.')}"), named[1]), line
