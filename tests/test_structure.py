"""How `bot/` is laid out: the layers in docs/architecture.md, no cycles, what only some modules may use."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.docs import ROOT, between

if TYPE_CHECKING:
    from pathlib import Path


ALONE = {
    "httpx": {"bot.zegocloud.transport"},
    "stamina": {"bot.zegocloud.client"},
    "prometheus_client": {"bot.operating.metrics"},
    "re2": {"bot.config"},
    "rich": {"bot.terminal.query", "bot.terminal.text"},
    "dotenv": {"bot.config"},
    "tzdata": {"bot.zone_data"},
    "zoneinfo": {"bot.zone_data"},
    "sqlalchemy": {
        *(
            f"bot.storage.{name}"
            for name in ("database", "deliveries", "migrations", "outbox", "replicas", "tables")
        ),
        "bot.storage.migrations.versions.r0001_digests",
        "bot.storage.migrations.versions.r0002_replicas",
        "bot.features.digests.store",
    },
    "cronsim": {f"bot.features.digests.{name}" for name in ("schedule", "schedule_times")},
}
"""Packages that few modules know, so that few have to change when they do."""

IMPURE = {
    "aiohttp",
    "asyncio",
    "httpx",
    "os",
    "secrets",
    "slack_bolt",
    "slack_sdk",
    "socket",
    "sqlalchemy",
    "time",
}
"""What a module that calls itself pure does without: waiting, clock, environment, Slack, database."""

DATA = "bot.zone_data"
"""Reads the rules of time zones, as `zoneinfo` does: the same question has the same answer all the same."""

NOW = {"now", "today", "utcnow", "monotonic", "perf_counter"}


LONGEST = 600
"""Lines of a module; one that is longer holds more than one idea."""


@dataclass
class Module:
    """A module of `bot/`: what it imports to run, and what only its annotations name."""

    name: str
    path: Path
    tree: ast.Module
    runs_on: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    @property
    def imports(self) -> set[str]:
        return self.runs_on | self.names

    @property
    def is_pure(self) -> bool:
        """It says so in its docstring's first sentence, or its package does."""
        return any("(pure)" in first_line(modules()[name]) for name in with_packages(self.name))


def first_line(module: Module) -> str:
    return (ast.get_docstring(module.tree) or "").split("\n", 1)[0]


def with_packages(name: str) -> list[str]:
    """`bot.query.terms`, `bot.query`, `bot`."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


@cache
def modules() -> dict[str, Module]:
    found = {}
    for path in sorted((ROOT / "bot").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
    for module in found.values():
        _read_imports(module, module.tree, found, running=True)
    return found


def _read_imports(module: Module, tree: ast.AST, known: dict[str, Module], *, running: bool) -> None:
    for node in ast.iter_child_nodes(tree):
        for_types = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module.name} imports relatively"
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
            named = [path if path in known else str(node.module) for path in paths]
        for name in named:
            if name in known:
                (module.runs_on if running and not for_types else module.names).add(name)
            elif running and not for_types:
                module.outside.add(name.split(".")[0])
        _read_imports(module, node, known, running=running and not for_types)


@cache
def layer_rows() -> list[tuple[list[str], str]]:
    """The table in docs/, from the top: the modules and packages that a row names, and what it says."""
    rows = [line.strip("|").split("|") for line in between("layers").splitlines()[2:]]
    return [
        ([_dotted(path) for path in re.findall(r"`([^`]+)`", paths)], text.strip()) for paths, text in rows
    ]


def layers() -> list[list[str]]:
    return [names for names, _ in layer_rows()]


def _dotted(path: str) -> str:
    """`bot.zegocloud` for `zegocloud/`, `bot.features.digests.poster` for `digests/runner.py`."""
    assert (ROOT / "bot" / path).exists(), path
    return f"bot.{path.removesuffix('/').removesuffix('.py').replace('/', '.')}"


def layer_of(name: str) -> int:
    """The row of a module, or of the nearest package around it that has one."""
    rows = {entry: n for n, row in enumerate(layers()) for entry in row}
    for package in with_packages(name):
        if package in rows:
            return rows[package]
    raise AssertionError(f"docs/architecture.md has no row for {name}")


EVERY = sorted(modules().keys() - {"bot"})


def test_every_row_of_the_table_names_what_is_there() -> None:
    named = [name for row in layers() for name in row]
    assert len(named) == len(set(named)) > 12
    assert set(named) <= modules().keys()


def test_a_module_imports_nothing_of_a_higher_layer() -> None:
    upward = [
        f"{name} → {other}"
        for name in EVERY
        for other in modules()[name].imports - {"bot"}
        if layer_of(other) < layer_of(name)
    ]
    assert not upward


def test_a_feature_uses_no_other_features_inside() -> None:
    """But `answers/service.py`, which is the way to answer; what else two of them need is beside them."""

    def feature_of(name: str) -> str:
        parts = name.split(".")
        return parts[2] if parts[:2] == ["bot", "features"] and len(parts) > 3 else ""

    across = {
        f"{name} → {other}"
        for name in EVERY
        for other in modules()[name].imports - {"bot.features.answers.service"}
        if feature_of(name) and feature_of(other) not in {"", feature_of(name)}
    }
    assert not across


def test_no_imports_go_round_in_a_circle() -> None:
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in sorted(modules()[name].imports - {name}):
                visit(other, (*way, name))
            done.add(name)

    for name in EVERY:
        visit(name, ())


def test_the_bot_does_not_know_the_sandbox() -> None:
    knowing = {
        name
        for name, module in modules().items()
        if not name.startswith("bot.sandbox") and any("bot.sandbox" in other for other in module.imports)
    }
    assert knowing == {"bot.__main__"}


@pytest.mark.parametrize("package", sorted(ALONE))
def test_some_packages_are_imported_in_few_places(package: str) -> None:
    assert {name for name, module in modules().items() if package in module.outside} == ALONE[package]


def test_what_calls_itself_pure_is_pure() -> None:
    pure = [module for module in modules().values() if module.is_pure]
    assert len(pure) > 40
    for module in pure:
        assert not module.outside & IMPURE, module.name
        impure = {name for name in module.runs_on - {"bot", DATA} if not modules()[name].is_pure}
        assert not impure, f"{module.name} runs on {impure}"
        for node in ast.walk(module.tree):
            waits = isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
            called = node.func if isinstance(node, ast.Call) else None
            looks = isinstance(called, ast.Attribute) and called.attr in NOW
            assert not waits, f"{module.name} waits"
            assert not looks, f"{module.name} looks at the clock"


def test_what_the_table_calls_pure_is_pure() -> None:
    rows = [names for names, text in layer_rows() if text.endswith("(pure)")]
    assert len(rows) >= 3
    for entry in (name for names in rows for name in names):
        assert all(module.is_pure for name, module in modules().items() if entry in with_packages(name)), (
            entry
        )


def test_a_module_says_in_one_line_what_lives_there() -> None:
    for name, module in modules().items():
        line = first_line(module)
        assert line.endswith((".", ":")), name
        assert 20 <= len(line) <= 105, name
    lines = [first_line(module) for module in modules().values()]
    assert len(lines) == len(set(lines))


def test_no_module_hands_on_the_names_of_others() -> None:
    handing_on = [
        name
        for name, module in modules().items()
        if any("__all__" in ast.unparse(node) for node in module.tree.body if isinstance(node, ast.Assign))
    ]
    assert handing_on == []


def test_no_module_is_longer_than_an_idea() -> None:
    lines = {name: len(module.path.read_text("utf-8").splitlines()) for name, module in modules().items()}
    assert [name for name, many in lines.items() if many > LONGEST] == []


def test_no_import_does_any_work() -> None:
    """Nothing is started, opened or registered by importing a module: it makes names, and no more."""
    makes_names = (
        ast.Import,
        ast.ImportFrom,
        ast.Assign,
        ast.AnnAssign,
        ast.AugAssign,
        ast.ClassDef,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
    )
    guards = {"TYPE_CHECKING", "__name__ == '__main__'"}
    for name in sorted(set(EVERY) - {"bot.storage.migrations.env"}):  # a script that Alembic runs
        for node in modules()[name].tree.body:
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            is_guard = isinstance(node, ast.If) and ast.unparse(node.test) in guards
            is_extra = isinstance(node, ast.Try) and all(isinstance(one, makes_names) for one in node.body)
            fine = isinstance(node, makes_names) or is_text or is_guard or is_extra
            assert fine, f"{name}, line {node.lineno}"
