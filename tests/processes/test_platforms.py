"""Machines that are not like ours: terminals without UTF-8, and what Windows does not have."""

from __future__ import annotations

import json
import subprocess
import sys
from signal import SIGINT, SIGTERM, Signals
from typing import TYPE_CHECKING

import pytest

from tests.bot_process import ROOT, finished, running
from tests.command_line import called_beside
from tests.processes.test_run import Cloud, cloud

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cloud"]

PLAIN = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("strictness", ["ascii", "ascii:strict", "latin-1:strict", "cp1252:strict"])
@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (["--help"], 0, "usage: python -m bot"),
        (["query", "--help"], 0, "usage: python -m bot query"),
        (["query", "help"], 0, "Terms, in any order"),
        (["query", "help=×房“"], 2, ""),
        (["query", "last=6h"], 0, "Ended"),
        (["query", "room=1230", "房间"], 2, "usage:"),
        (["query", "room=房间…"], 2, ""),
        (["nonsense…"], 2, "invalid choice"),
        (["doctor"], 0, "settings: every variable"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
async def test_what_is_printed_fits_every_terminal(
    cloud: Cloud, command: list[str], status: int, words: str, strictness: str
) -> None:
    cloud.add()
    environment = cloud.environment | PLAIN | {"PYTHONIOENCODING": strictness}
    ended, out, err = await called_beside(*command, folder=cloud.folder, **environment)
    assert ended == status
    assert words in out + err


@pytest.mark.parametrize(("command", "status"), [(["query", "last=6h"], 0), (["nonsense…"], 2)])
async def test_a_terminal_without_utf_8_ends_no_process(
    cloud: Cloud, command: list[str], status: int
) -> None:
    cloud.add()
    environment = cloud.environment | PLAIN | {"PYTHONIOENCODING": "ascii:strict"}
    ended, _, err = await finished(*command, folder=cloud.folder, **environment)
    assert ended == status
    assert "Traceback" not in err


async def test_the_doctor_keeps_its_signs_apart_without_utf_8(cloud: Cloud) -> None:
    environment = cloud.environment | PLAIN | {"DATABASE_URL": "sqlite:////no/such/folder/x.db"}
    status, out, _ = await finished("doctor", folder=cloud.folder, **environment)
    assert status == 1
    assert {line[0] for line in out.splitlines()} == {"+", "x", "?"}
    status, out, _ = await finished("doctor", "--json", folder=cloud.folder, **environment)
    assert (status, json.loads(out)["well"]) == (1, False)


def test_a_log_in_json_stays_json_without_utf_8() -> None:
    code = "import logging; from bot.logs import set_up_logging; set_up_logging('INFO', 'json')"
    said = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", f"{code}; logging.getLogger('x').info('caf\\xe9 \\u2026 \\u623f')"],
        env={"PYTHONPATH": str(ROOT)} | PLAIN,
        capture_output=True,
        check=True,
    ).stderr
    assert json.loads(said)["message"] == "café … 房"


async def test_configuration_errors_fit_every_terminal(tmp_path: Path) -> None:
    status, out, err = await finished("run", folder=tmp_path, DEFAULT_TZ="Zürich…", **PLAIN)
    assert (status, out) == (2, "")
    assert "DEFAULT_TZ has to be an IANA time zone" in err


def test_output_that_nobody_takes_is_no_failure() -> None:
    shell = '"$0" -m bot --version >&-; "$0" -m bot query help >&- 2>&-'
    said = subprocess.run(  # noqa: S603 - this interpreter
        ["/bin/sh", "-c", shell, sys.executable],
        env={"PYTHONPATH": str(ROOT), "ZEGO_APP_ID": "1", "ZEGO_SERVER_SECRET": "5" * 32},
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Traceback" not in said.stderr


WITHOUT = '''
"""A Python without what Windows has not."""

import asyncio
import sys
from importlib.abc import MetaPathFinder


class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "termios", "pty", "tty", "syslog"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def add_signal_handler(self, *arguments):
    raise NotImplementedError


sys.meta_path.insert(0, Missing())
asyncio.SelectorEventLoop.add_signal_handler = add_signal_handler
asyncio.SelectorEventLoop.remove_signal_handler = add_signal_handler
print("without", file=sys.stderr)
'''


@pytest.fixture
def like_windows(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which those modules and handlers are absent."""
    place = tmp_path / "without"
    place.mkdir()
    (place / "sitecustomize.py").write_text(WITHOUT)
    return {"PYTHONPATH": f"{place}:{ROOT}"}


def check_words(err: str) -> None:
    assert err.startswith("without")
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [SIGTERM, SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("transport", ["--http", "--socket"])
async def test_the_bot_runs_and_ends_without_what_windows_lacks(
    cloud: Cloud, like_windows: dict[str, str], transport: str, number: Signals
) -> None:
    [task] = cloud.add()
    async with cloud.bot(transport, **like_windows) as process:
        delivery = await cloud.slack.command("room=1230 last=6h")
        assert delivery.message
        assert task in delivery.message.text
        process.signal(number)
        assert await process.exit_status() == 0
    check_words(process.err)


@pytest.mark.parametrize("number", [SIGTERM, SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["sandbox", "--port", "0", "--no-browser"], "Recordings sandbox: http"),
        (["simulate", "--port", "0", "--tasks", "5"], "Simulated ZEGOCLOUD API at http"),
    ],
)
async def test_sandbox_and_simulator_run_and_end_without_it_too(
    tmp_path: Path, like_windows: dict[str, str], command: list[str], words: str, number: Signals
) -> None:
    async with running(*command, folder=tmp_path, **like_windows) as process:
        await process.said(words)
        process.signal(number)
        assert await process.exit_status() == 0
    check_words(process.err)


@pytest.mark.parametrize("command", [["query", "last=6h"], ["doctor"], ["--help"]])
async def test_commands_that_end_by_themselves_need_none_of_it(
    cloud: Cloud, like_windows: dict[str, str], command: list[str]
) -> None:
    status, _, err = await finished(*command, folder=cloud.folder, **cloud.environment | like_windows)
    assert status == 0
    check_words(err)
