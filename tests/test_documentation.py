"""The README: it names what there is, and nothing that there is not."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path

import pytest

from bot.__main__ import _parser
from bot.config import Settings, load_settings
from bot.query.wording import help_terms, readme_table
from bot.slack.manifest import bot_scopes, load_manifest
from tests.world import a_world

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
VARIABLES = sorted({field.name.upper() for field in fields(Settings)} - {"PORT_IS_SET", "REDIS_URL_IS_SET"})


def section(heading: str) -> str:
    """A part of the README, from its heading to the next of the same level."""
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading}"
    return found[1]


def commands() -> dict[str, argparse.ArgumentParser]:
    [subparsers] = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(subparsers.choices)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_explained(name: str) -> None:
    assert re.search(rf"^\| [^|]*`{name}`[^|]*\|[^|]*\| [^|]{{3,}}\|$", section("Operating it"), re.MULTILINE)


def test_no_other_variable_is_named() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`", README))
    assert named <= {*VARIABLES, "REDIS_URL"}


def test_the_defaults_are_the_real_ones() -> None:
    defaults = load_settings({"ZEGO_APP_ID": "1", "ZEGO_SERVER_SECRET": "5" * 32})
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \| ((?:`[^`]+`(?:, )?)+) \|", README, re.MULTILINE)
    checked = 0
    for names, values in rows:
        pairs = zip(re.findall(r"`(\w+)`", names), re.findall(r"`([^`]+)`", values), strict=True)
        for name, value in pairs:
            real = getattr(defaults, name.lower())
            real = real.reveal() if hasattr(real, "reveal") else real
            assert (f"{real:g}" if isinstance(real, float) else str(real)) == value, name
            checked += 1
    assert checked >= 8


def test_every_command_is_explained_with_each_of_its_options_and_no_other() -> None:
    rows = dict(
        re.findall(r"^\| `python -m bot (\w+)[^`]*` \| (.*) \|$", section("Operating it"), re.MULTILINE)
    )
    assert sorted(rows) == sorted(commands())
    for name, command in commands().items():
        options = {option for action in command._actions for option in action.option_strings}
        assert set(re.findall(r"`(--[\w-]+)`", rows[name])) == options - {"-h", "--help"}, name


def test_every_command_line_in_it_can_be_parsed() -> None:
    lines = re.findall(r"`(?:[A-Z_]+=\S+ )*python -m bot ((?:[^`\n])+)`", README)
    assert lines
    for line in lines:
        words = line.split()
        if words[0] not in {"--help", "COMMAND"}:
            assert words[0] in commands(), line
            known = {option for action in commands()[words[0]]._actions for option in action.option_strings}
            assert {word for word in words if word.startswith("--")} <= known, line


def test_the_table_of_terms_is_the_programs_own() -> None:
    assert readme_table() in README
    for term in help_terms():
        assert f"`{term.key}=" in README or f"`{term.example}`" in README


def test_every_file_it_names_is_there() -> None:
    for name in re.findall(r"`((?:bot|tests|docs)/[\w/.]+\.\w+)`", README):
        assert (ROOT / name).exists(), name
    for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", README):
        assert (ROOT / link).exists(), link
    for name in re.findall(r"\b(\w+\.py)\b", section("How it is built")):
        assert list((ROOT / "bot").rglob(name)) or (ROOT / "tests" / name).exists(), name


async def test_every_path_that_http_serves_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| `((?:GET|POST) /[\w/]+)` \| .{10,} \|$", section("Operating it"), re.MULTILINE)
    async with a_world() as world:
        assert world.bot._runner is not None
        resources = world.bot._runner.app.router.routes()
        served = {f"{route.method} {route.resource.canonical}" for route in resources if route.resource}
    assert set(rows) == {path for path in served if not path.startswith("HEAD")}


def test_every_variable_that_is_read_is_a_setting() -> None:
    """Nothing but `Settings` reads the environment, so that all there is stands in one table."""
    reading = {
        str(path.relative_to(ROOT / "bot")): set(re.findall(r"environ\b[^)\n]*", path.read_text("utf-8")))
        for path in (ROOT / "bot").rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)", path.read_text("utf-8"))
    }
    assert reading.keys() == {"__main__.py", "terminal/query.py"}
    assert reading["terminal/query.py"] == {"environ:"}  # COLUMNS, as every program of the terminal does


def test_every_scope_of_the_manifest_is_explained_and_no_other() -> None:
    [table] = re.findall(r"^\| scope \| for \|\n(.*?)\n\n", section("Security"), re.MULTILINE | re.DOTALL)
    named = [scope for row in table.splitlines() for scope in re.findall(r"`([a-z_:]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(bot_scopes(load_manifest()))
