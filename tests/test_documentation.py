"""README and docs/: they name what there is, and nothing that there is not."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from bot.__main__ import _parser
from bot.config import Settings, load_settings
from bot.query.terms import TERMS
from bot.slack.manifest import bot_scopes, load_manifest
from tests.docs import DOCS, README, ROOT, TABLES, between, pages, put, read
from tests.world import a_world

if TYPE_CHECKING:
    from pathlib import Path

PAGES = pages()
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}
ALL = "\n".join(TEXT.values())
NO_SETTINGS = {"PORT_IS_SET", "REDIS_URL_IS_SET"}
"""What `Settings` has besides: only whether a variable is there counts."""

VARIABLES = sorted({field.name.upper() for field in fields(Settings)} - NO_SETTINGS)
MEASURED = {"bench", "ceiling", "chaos", "faults", "fuzz", "growth", "replicas"}
WRITTEN_BY_HAND = {"layers", "metrics"}
LONGEST_README, LARGEST_PICTURE = 10_000, 150_000

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def section(name: str, heading: str) -> str:
    """A part of a page of docs/, from its heading to the next of the same level."""
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", read(name), re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading}"
    return found[1]


def commands() -> dict[str, argparse.ArgumentParser]:
    [subparsers] = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(subparsers.choices)


def options_of(command: argparse.ArgumentParser) -> set[str]:
    return {option for action in command._actions for option in action.option_strings}


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    text = re.sub(r"^```.*?^```$", "", TEXT[page], flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short() -> None:
    assert len(README.read_bytes()) <= LONGEST_README


def test_every_page_is_reached_from_readme() -> None:
    assert {f"docs/{page.name}" for page in DOCS.glob("*.md")} <= set(
        re.findall(r"\]\(([^)#]+)", TEXT[README])
    )


@each_page
def test_links_lead_to_what_is_there(page: Path) -> None:
    links = re.findall(
        r"\]\(<?(?!https?://)([^)>]*)>?\)|src=\"(?!https?://)([^\"]+)\"", without_code(TEXT[page])
    )
    for link in (one or other for one, other in links):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_every_file_it_names_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:bot|tests|docs)/[\w/.]+\.\w+)`", TEXT[page]):
        assert (ROOT / name).exists(), name


def test_architecture_names_files_that_are_there() -> None:
    for name in re.findall(r"`((?:\w+/)*\w+\.py)`", read("architecture.md")):
        assert (ROOT / "bot" / name).exists() or (ROOT / name).exists(), name


@each_page
def test_code_fences_are_closed_and_say_what_they_hold(page: Path) -> None:
    fences = re.findall(r"^```(\w*)$", TEXT[page], re.MULTILINE)
    assert len(fences) % 2 == 0
    assert not any(fences[1::2]), "a fence inside another"
    assert {*fences[::2]} <= {"", "sh", "ini", "dockerfile", "mermaid"}


@each_page
def test_tables_have_as_many_cells_in_each_row(page: Path) -> None:
    lines = TEXT[page].splitlines()
    for one, next_one in pairwise(lines):
        if one.startswith("|") and next_one.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", one)) == len(re.findall(r"(?<!\\)\|", next_one)), next_one


def test_pictures_are_there_and_small() -> None:
    shown = {*re.findall(r"docs/(\w+\.png)", TEXT[README]), *re.findall(r"\((\w+\.png)\)", ALL)}
    assert shown == {picture.name for picture in DOCS.glob("*.png")}
    for picture in DOCS.glob("*.png"):
        assert picture.stat().st_size < LARGEST_PICTURE, picture.name


def test_every_table_that_a_program_writes_has_its_place() -> None:
    marks = re.findall(r"^<!-- (\w+) -->$", ALL, re.MULTILINE)
    assert sorted(marks) == sorted({*TABLES, *MEASURED, *WRITTEN_BY_HAND})
    assert all(between(mark).startswith("| ") for mark in marks)


@pytest.mark.parametrize("mark", TABLES)
def test_tables_are_the_programs_own(mark: str) -> None:
    """`python -m tests.docs` writes them."""
    assert between(mark) == TABLES[mark]()


def test_a_table_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- it -->\n| old |\n<!-- /it -->\nz\n", encoding="utf-8")
    put("it", "| new \\1 |\n", tmp_path)
    assert page.read_text(encoding="utf-8") == "# A\n<!-- it -->\n| new \\1 |\n<!-- /it -->\nz\n"
    assert between("it", tmp_path) == "| new \\1 |\n"


def test_every_term_is_explained() -> None:
    for term in TERMS.values():
        assert f"`{term.example}`" in read("language.md")


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_explained(name: str) -> None:
    rows = section("operating.md", "Settings")
    assert re.search(rf"^\| [^|]*`{name}`[^|]*\|[^|]*\| [^|]{{3,}}\|$", rows, re.MULTILINE)


def test_no_other_variable_is_named() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", ALL))
    assert named <= {*VARIABLES, "REDIS_URL"}


def test_the_defaults_are_the_real_ones() -> None:
    defaults = load_settings({"ZEGO_APP_ID": "1", "ZEGO_SERVER_SECRET": "5" * 32})
    rows = re.findall(
        r"^\| ((?:`[A-Z_]+`(?:, )?)+) \| ((?:`[^`]+`(?:, )?)+) \|",
        section("operating.md", "Settings"),
        re.MULTILINE,
    )
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
        re.findall(
            r"^\| `python -m bot (\w+)[^`]*` \| (.*) \|$", section("operating.md", "Commands"), re.MULTILINE
        )
    )
    assert sorted(rows) == sorted(commands())
    for name, command in commands().items():
        assert set(re.findall(r"`(--[\w-]+)`", rows[name])) == options_of(command) - {"-h", "--help"}, name


@each_page
def test_every_command_line_in_it_can_be_parsed(page: Path) -> None:
    for name, rest in re.findall(r"(?:python -m bot|recordings-bot) ([a-z]+)([^`\n|;&]*)", TEXT[page]):
        assert name in commands(), name
        options = {word for word in rest.split() if word.startswith("--")}
        assert options <= options_of(commands()[name]), f"{name}{rest}"


def test_the_lines_of_the_procfile_and_of_deploying_can_be_parsed() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    for line in lines:
        _parser().parse_args(line.split("python -m bot ")[1].split())
    assert [line.split(":")[0] for line in lines] == ["web", "worker"]
    assert "ExecStart=/opt/recordings-bot/bin/recordings-bot run\n" in read("deploy.md")
    assert 'CMD ["recordings-bot", "run"]' in read("deploy.md")


def test_requirements_install_this_package() -> None:
    assert (ROOT / "requirements.txt").read_text(encoding="utf-8") == ".[postgres,metrics]\n"


async def test_every_path_that_http_serves_is_explained_and_no_other() -> None:
    rows = re.findall(
        r"^\| `((?:GET|POST) /[\w/]+)` \| .{10,} \|$", section("operating.md", "HTTP"), re.MULTILINE
    )
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
    assert reading.keys() == {
        "__main__.py",
        "terminal/query.py",
        "zone_data.py",
    }  # the last: PYTHONTZPATH, Python's own
    assert reading["terminal/query.py"] == {"environ:"}  # COLUMNS, as every program of the terminal does


def test_every_scope_of_the_manifest_is_explained_and_no_other() -> None:
    [table] = re.findall(r"^\| scope \| for \|\n(.*?)\n\n", read("security.md"), re.MULTILINE | re.DOTALL)
    named = [scope for row in table.splitlines() for scope in re.findall(r"`([a-z_:]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(bot_scopes(load_manifest()))
