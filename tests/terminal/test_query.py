"""`python -m bot query` and its fellows: what is printed where, how wide, and with which exit status."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from bot import __version__
from bot.clock import AdjustableClock
from bot.recordings.csv_file import COLUMNS
from bot.sandbox.recording_life import FileScript
from bot.sandbox.zego_faults import Fault, FaultKind
from tests.bot_process import ROOT, finished, running, vendor_environment
from tests.command_line import called, called_beside
from tests.watched_zego import WatchedZego
from tests.world import HOUR_MS, MINUTE_MS, NOW, NOW_MS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NINE = NOW + 2 * 3600


class Terminal:
    """A folder and an environment in which commands are run against a simulated vendor."""

    def __init__(self, zego: WatchedZego, clock: AdjustableClock, folder: Path) -> None:
        self.zego, self.folder = zego, folder
        self.environment = vendor_environment(zego) | {"BOT_CLOCK": clock.spec()}

    def add(self, room: str = "1230", status: int = 3, minutes_ago: int = 60) -> str:
        return self.zego.add_task(room_id=room, began_ms=NOW_MS - minutes_ago * MINUTE_MS, status=status)

    async def query(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        return await called_beside("query", *arguments, folder=self.folder, **self.environment | environment)

    async def process(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """The same as a process of its own."""
        return await finished("query", *arguments, folder=self.folder, **self.environment | environment)

    async def shown_in_terminal(self, *arguments: str, columns: int = 80) -> str:
        """Run a query with a real terminal for stdout and stderr; everything that it is sent."""
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "query", *arguments),
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm-256color",
                "COLUMNS": str(columns),
                **self.environment,
            },
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        shown = await asyncio.to_thread(_read_to_the_end, master)
        await process.wait()
        return shown


def _read_to_the_end(terminal: int) -> str:
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
    except OSError:  # how Linux says that nobody writes any more
        pass
    finally:
        os.close(terminal)
    return shown.decode()


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@asynccontextmanager
async def a_simulator(clock: AdjustableClock, **more: int) -> AsyncIterator[WatchedZego]:
    zego = WatchedZego(clock=clock, max_rps=None, **more)
    await zego.start()
    try:
        yield zego
    finally:
        await zego.stop()


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    clock = AdjustableClock(NOW, rate=0)
    async with a_simulator(clock, tasks=0) as zego:
        yield Terminal(zego, clock, tmp_path)


async def test_a_table_has_a_line_for_each_recording(terminal: Terminal) -> None:
    running_task = terminal.add(status=2)
    paused = terminal.add(status=5, minutes_ago=90)
    before = terminal.add(status=2, minutes_ago=600)
    status, out, err = await terminal.query("room=1230 status=ongoing last=6h")
    assert (status, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    window = "Mon 23 Nov 01:00 – 07:00, UTC"
    assert lines == [
        f"Recordings in room 1230, status ongoing, that started in the last 6 h ({window}), newest first.",
        "Status       Room      Began (UTC)       Length      Task              Verdict",
        f"● Recording  1230      Mon 23 Nov 06:00  1 h         {running_task}  Double",
        f"▲ Paused     1230      Mon 23 Nov 05:30  1 h 30 min  {paused}  Double",
        "2 recordings found, as of 07:00:00 UTC.",
        "1 more is still running that started before this window.",
    ]
    assert before not in out


async def test_nothing_wraps_at_80_columns_not_even_the_longest_status(terminal: Terminal) -> None:
    failed = terminal.add("a-room-with-a-rather-long-name", status=4)
    terminal.add(status=2)
    _, out, _ = await terminal.query("last=6h", COLUMNS="80")
    assert all(len(line) <= 80 for line in out.splitlines())
    [row] = [line for line in out.splitlines() if failed in line]
    assert re.match(rf"✕ Ended abnormally  a-room-\S* +Mon 23 Nov 06:00 +06:01 +1 min +{failed}", row)
    folded = "".join(line[20:31].strip() for line in out.splitlines() if "a-r" in line or "name" in line)
    assert folded.startswith("a-room-with")


async def test_a_narrow_terminal_gets_three_lines_a_row(terminal: Terminal) -> None:
    failed, going = terminal.add("a-room-with-a-rather-long-name-in-it", status=4), terminal.add(status=2)
    _, out, _ = await terminal.query("last=6h", COLUMNS="40")
    assert all(len(line) <= 40 for line in out.splitlines())
    lines = [line.rstrip() for line in out.splitlines()]
    at = lines.index("● Recording · room 1230")
    assert lines[at + 1 : at + 3] == ["  Mon 23 Nov 06:00 UTC · 1 h", f"  {going}"]
    assert f"  {failed}" in lines
    assert "a-room-with-a-rather-long-name-in-it" in out.replace("\n", "")


async def test_the_zone_of_the_settings_is_in_the_heading_once(terminal: Terminal) -> None:
    terminal.add()
    _, out, _ = await terminal.query("last=6h", DEFAULT_TZ="Europe/Berlin")
    assert "Began (CET)" in out
    assert out.count("07:00") == 1
    assert "as of 08:00:00 CET" in out


async def test_the_zone_of_the_question_goes_before_that_of_the_settings(terminal: Terminal) -> None:
    terminal.add()
    _, out, _ = await terminal.query("last=6h tz=Asia/Tokyo", DEFAULT_TZ="Europe/Berlin")
    assert "Began (JST)" in out
    assert "Mon 23 Nov 15:00" in out
    assert "as of 16:00:00 JST" in out
    assert "CET" not in out


@pytest.mark.parametrize("text", ["digest list", "digets list"])
async def test_digests_are_sent_to_slack(terminal: Terminal, text: str) -> None:
    status, out, err = await terminal.query(text)
    assert (status, out) == (2, "")
    assert "Digests belong to Slack" in err
    assert not terminal.zego.requests


async def test_more_pages_are_pointed_out_and_all_brings_them(terminal: Terminal) -> None:
    tasks = [terminal.add(minutes_ago=n + 2) for n in range(25)]
    _, first, _ = await terminal.query("last=6h")
    assert "25 recordings found, 1–10 shown" in first
    assert "More: add page=2, or --all." in first
    _, second, _ = await terminal.query("last=6h page=3")
    assert "21–25 shown" in second
    assert "More:" not in second
    _, everything, _ = await terminal.query("last=6h", "--all")
    assert [task for line in everything.splitlines() for task in tasks if task in line] == tasks


async def test_json_is_one_object_with_exactly_the_agreed_keys(terminal: Terminal) -> None:
    task = terminal.add("Room „7“", status=4)
    terminal.add("Room „7“", status=2, minutes_ago=600)
    status, out, err = await terminal.query("status=failed last=5d", "--json")
    assert (status, err) == (0, "")
    assert out.count("\n") == 1
    answer = json.loads(out)
    assert list(answer) == ["query", "window", "total", "exact", "as_of", "source", "notes", "recordings"]
    assert answer["source"] == "live"
    size = answer["recordings"][0]["bytes"]
    assert size > 0
    assert answer["recordings"] == [
        {
            "task_id": task,
            "room_id": "Room „7“",
            "status": "failed",
            "status_code": 4,
            "began_at": "2026-11-23T06:00:00.000Z",
            "ended_at": "2026-11-23T06:01:00.000Z",
            "seconds": 60,
            "verdict": "failed",
            "files": 1,
            "bytes": size,
        }
    ]
    assert (answer["total"], answer["exact"], answer["as_of"]) == (1, True, "2026-11-23T07:00:00.000Z")
    assert answer["window"]["to"] == "2026-11-23T07:00:00.000Z"
    assert answer["query"] == "status=failed last=5d"
    assert any("last 3 days only" in note for note in answer["notes"])


async def test_what_needs_attention_says_why(terminal: Terminal) -> None:
    task = terminal.add(status=4)
    terminal.add("fine", minutes_ago=90)
    status, out, _ = await terminal.query("status=attention last=6h", COLUMNS="100")
    assert status == 0
    assert re.search(rf"{task} +Ended abnormally", out)
    _, out, _ = await terminal.query("status=attention last=6h", "--json")
    assert [row["verdicts"][0] for row in json.loads(out)["recordings"]] == ["failed"]


async def test_json_of_all_has_every_row(terminal: Terminal) -> None:
    tasks = [terminal.add(minutes_ago=n + 2) for n in range(120)]
    _, out, _ = await terminal.query("last=6h", "--json", "--all")
    assert [row["task_id"] for row in json.loads(out)["recordings"]] == tasks


async def test_csv_has_the_rows_on_stdout_and_the_notes_on_stderr(terminal: Terminal) -> None:
    task = terminal.add("=1+1")
    status, out, err = await terminal.query("last=5d", "--csv")
    assert status == 0
    [row] = csv.DictReader(io.StringIO(out, newline=""))
    assert (row["task_id"], row["room_id"]) == (task, "'=1+1")
    assert "last 3 days only" in err
    assert err.count("\n") == 1


async def test_a_csv_that_may_lack_a_row_says_so_beside_it(terminal: Terminal) -> None:
    tasks = [terminal.add(minutes_ago=n + 2) for n in range(86)]
    status, out, err = await terminal.query("last=6h", "--csv", "--all")
    assert (status, err) == (0, "")
    terminal.zego.misbehave(Fault(FaultKind.GROWING_TOTAL))
    status, out, err = await terminal.query("last=6h", "--csv", "--all")
    assert (status, err) == (0, "at least 86 recordings found.\n")
    assert [row["task_id"] for row in csv.DictReader(io.StringIO(out, newline=""))] == tasks


async def test_data_is_utf_8_whatever_the_terminal_speaks(terminal: Terminal) -> None:
    terminal.add("房间")
    for form in ("--json", "--csv"):
        status, out, _ = await terminal.process("last=6h", form, PYTHONIOENCODING="ascii")
        assert status == 0
        assert "房间" in out
    status, out, _ = await terminal.query("last=6h", PYTHONIOENCODING="ascii")
    assert status == 0
    assert "# Ended" in out


@pytest.mark.parametrize("form", ["--json", "--csv", "--all"])
async def test_nothing_found_is_no_failure(terminal: Terminal, form: str) -> None:
    status, out, _ = await terminal.query("room=nowhere last=6h", form)
    assert status == 0
    if form == "--json":
        assert json.loads(out)["recordings"] == []
    elif form == "--csv":
        assert out.splitlines() == [",".join(COLUMNS)]
    else:
        assert "No recordings found" in out


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--all"]])
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("statsu=ongoing", "There is no term `statsu`. Did you mean `status=ongoing`?"),
        ("last=", "`last=`"),
        ("room=сlass-7", "not the Cyrillic `с`. Did you mean `room=class-7`?"),
        ("room=会议", "`会议` can't be a room ID"),
    ],
)
async def test_a_wrong_query_is_told_on_stderr(
    terminal: Terminal, form: list[str], query: str, sentence: str
) -> None:
    status, out, err = await terminal.query(query, *form)
    assert (status, out) == (2, "")
    assert sentence in err
    assert not terminal.zego.requests


@pytest.mark.parametrize("query", ["room=١٢٣٠ last=٦h", "१२३० ६h", "room=１２３０ last=۶h"])
async def test_digits_of_any_script_are_digits(terminal: Terminal, query: str) -> None:
    task = terminal.add()
    status, out, _ = await terminal.query(query, "--json")
    answer = json.loads(out)
    assert (status, answer["query"]) == (0, "room=1230 last=6h")
    assert [row["task_id"] for row in answer["recordings"]] == [task]


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--all"]])
async def test_a_vendor_that_fails_is_told_on_stderr(terminal: Terminal, form: list[str]) -> None:
    terminal.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
    status, out, err = await terminal.query("last=6h", *form)
    assert (status, out) == (1, "")
    assert "ZEGO_SERVER_SECRET" in err
    assert terminal.zego.server_secret not in err
    assert err.count("\n") == 1


async def test_a_wrong_configuration_is_told_on_stderr(terminal: Terminal) -> None:
    status, out, err = await terminal.query("last=6h", ZEGO_APP_ID="x", PORT="y")
    assert (status, out) == (2, "")
    assert err.count("\n- ") == 2


async def test_slack_needs_not_be_configured(terminal: Terminal) -> None:
    assert (await terminal.process("last=6h", "--json"))[0] == 0


async def test_a_room_id_cannot_steer_the_terminal(terminal: Terminal) -> None:
    terminal.add("\x1b[2J\x1b]0;title\x07[red]\u202e7")
    _, out, _ = await terminal.query("last=6h", FORCE_COLOR="")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert r"\x1b[2J\x1b]0;title\x07[red]\u202e7" in out


async def test_a_task_is_shown_with_its_files(terminal: Terminal) -> None:
    task = terminal.zego.add_task(
        room_id="88",
        began_ms=NOW_MS - 2 * HOUR_MS,
        ends_ms=NOW_MS - HOUR_MS,
        files=(FileScript(began_ms=NOW_MS - 2 * HOUR_MS),),
    )
    status, out, err = await terminal.query(f"task={task}", COLUMNS="80")
    assert (status, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[:8] == [
        f"Recording {task}",
        "Fine: It ended well; 1 file uploaded.",
        "  Status  ■ Ended",
        "  Room    88",
        "  Began   Mon 23 Nov 05:00 UTC",
        "  Ended   Mon 23 Nov 06:00 UTC",
        "  Lasted  1 h",
        "Files: 1",
    ]
    for words in ("mp4", "MB", "uploaded"):
        assert words in out


async def test_a_task_as_json_has_its_files_with_units(terminal: Terminal) -> None:
    task = terminal.zego.add_task(room_id="88", began_ms=NOW_MS - 2 * HOUR_MS, ends_ms=NOW_MS - HOUR_MS)
    _, out, _ = await terminal.query(f"task={task}", "--json")
    details = json.loads(out)
    assert (details["task_id"], details["status"], details["status_code"]) == (task, "ended", 3)
    assert (details["began_at"], details["ended_at"]) == (
        "2026-11-23T05:00:00.000Z",
        "2026-11-23T06:00:00.000Z",
    )
    [file] = details["files"]
    assert file["format"] == "mp4"
    assert file["size_bytes"] > 0
    assert file["duration_ms"] > 0


async def test_what_cannot_be_read_is_noted_in_every_form(terminal: Terminal) -> None:
    task = terminal.add(status=3)
    terminal.add(status=3, minutes_ago=90)
    terminal.zego.misbehave(Fault(FaultKind.UNREADABLE_ROW))
    note = "1 recording could not be read and may be missing."
    for form in ((), ("--all",), ("--json",), ("--csv",)):
        status, out, err = await terminal.query("status=ended last=6h", *form)
        assert status == 0
        assert task not in out
        assert note in out + err
    answer = json.loads((await terminal.query("status=ended last=6h", "--json"))[1])
    assert (answer["total"], answer["exact"], answer["notes"]) == (1, False, [note])
    note = "1 file could not be read and is left out."
    for form in ((), ("--json",)):
        _, out, _ = await terminal.query(f"task={task}", *form)
        assert note in out
        assert "No files" not in out


async def test_one_task_is_no_list_for_csv(terminal: Terminal) -> None:
    status, out, err = await terminal.query("task=YRHu6-E4IyvEAAAD", "--csv")
    assert (status, out) == (2, "")
    assert "take --json" in err


async def test_an_unknown_task_says_so(terminal: Terminal) -> None:
    status, out, err = await terminal.query("task=AAAAAAAAAAAAAAAA")
    assert (status, out) == (1, "")
    assert "does not know this task" in err


@pytest.mark.parametrize("text", ["help", ""])
async def test_help_lists_every_term(terminal: Terminal, text: str) -> None:
    status, out, _ = await terminal.query(text, COLUMNS="80")
    assert status == 0
    for term in ("room=", "status=", "last=", "from=", "to=", "tz=", "sort=", "size=", "page=", "task="):
        assert f"\n{term}" in out
    assert not terminal.zego.requests


async def test_colours_and_the_progress_bar_are_for_terminals_only(terminal: Terminal) -> None:
    for n in range(250):
        terminal.add(minutes_ago=n + 2, status=4)
    shown = await terminal.shown_in_terminal("last=6h", "--all")
    assert "\x1b[31m✕ Ended abnormally\x1b[0m" in shown
    assert "Looking through recordings" in without_colours(shown)
    status, out, err = await terminal.query("last=6h", "--all")
    assert "\x1b" not in out
    assert (status, err) == (0, "")


async def test_no_color_is_respected(terminal: Terminal) -> None:
    terminal.add(status=4)
    terminal.environment["NO_COLOR"] = "1"
    shown = await terminal.shown_in_terminal("last=6h")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)
    assert "Ended abnormally" in shown


async def test_a_reader_who_has_seen_enough_gets_no_traceback(terminal: Terminal) -> None:
    for n in range(300):
        terminal.add(minutes_ago=n + 2)
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "query", "last=6h", "--all", "--csv"),
        cwd=terminal.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **terminal.environment},
        stdout=writer,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writer)
    os.close(reader)
    _, err = await process.communicate()
    assert process.returncode == 141
    assert err == b""


async def test_ctrl_c_ends_a_query_without_a_traceback(terminal: Terminal) -> None:
    terminal.zego.misbehave(Fault(FaultKind.HANG))
    async with running("query", "last=6h", folder=terminal.folder, **terminal.environment) as process:
        await terminal.zego.arrived()
        process.signal(signal.SIGINT)
        status = await process.exit_status()
    assert (status, process.err) == (130, "")


COMMANDS = ("run", "sandbox", "simulate", "query", "doctor")


class TestCommandLine:
    def test_help_names_every_command(self, tmp_path: Path) -> None:
        status, out, _ = called("--help", folder=tmp_path)
        assert status == 0
        for command in COMMANDS:
            assert re.search(rf"^\s+{command}\s+\w", out, re.MULTILINE), command

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_its_options(self, command: str, tmp_path: Path) -> None:
        status, out, err = called(command, "--help", folder=tmp_path, COLUMNS="100")
        assert (status, err) == (0, "")
        for option in re.findall(r"^  (?:-h, )?(--\S+)(.*)$", out, re.MULTILINE):
            assert re.search(r"  \S", option[1]) or re.search(rf"{option[0]}.*\n {{10,}}\S", out), option
        for option in {"query": ["--json", "--csv", "--all"], "run": ["--socket", "--http"]}.get(command, []):
            assert option in out

    async def test_the_version_is_the_packages(self, tmp_path: Path) -> None:
        assert await finished("--version", folder=tmp_path) == (0, f"{__version__}\n", "")

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["unknown"],
            ["query"],
            ["query", "room=1", "last=6h"],
            ["query", "6h", "--json", "--csv"],
            ["run", "--socket", "--http"],
            ["simulate", "--port", "65536"],
            ["simulate", "--tasks", "-1"],
            ["simulate", "--clock", "noon"],
        ],
    )
    def test_a_wrong_command_line_is_told_on_stderr(self, arguments: list[str], tmp_path: Path) -> None:
        status, out, err = called(*arguments, folder=tmp_path)
        assert (status, out) == (2, "")
        assert "usage:" in err

    @pytest.mark.parametrize(
        ("module", "unwanted"),
        [
            ("bot.terminal", {"slack_bolt", "slack_sdk", "aiohttp", "sqlalchemy", "bot.app"}),
            ("bot.sandbox.zegocloud", {"slack_bolt", "slack_sdk", "httpx", "rich", "bot.app"}),
            ("bot.__main__", {"slack_bolt", "slack_sdk", "aiohttp", "httpx", "rich", "msgspec"}),
        ],
    )
    def test_a_command_loads_only_what_it_needs(
        self, module: str, unwanted: set[str], tmp_path: Path
    ) -> None:
        code = f"import sys, {module}; print(*sys.modules)"
        loaded = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert unwanted & set(loaded) == set()


class TestSimulate:
    async def test_it_says_how_to_use_it_and_answers_a_query(self, tmp_path: Path) -> None:
        clock = ("--clock", "2026-11-23T09:00:00Z*0")
        arguments = ("simulate", "--port", "0", "--seed", "3", "--tasks", "40", *clock)
        async with running(*arguments, folder=tmp_path) as simulator:
            await simulator.said("Ctrl-C stops it")
            environment = dict(re.findall(r"^(ZEGO_\w+)=(\S+)$", simulator.out, re.MULTILINE))
            assert set(environment) == {"ZEGO_API_URL", "ZEGO_APP_ID", "ZEGO_SERVER_SECRET"}
            environment["BOT_CLOCK"] = clock[1]
            status, out, _ = await called_beside("query", "last=3d", "--json", folder=tmp_path, **environment)
            assert status == 0
            assert 30 <= json.loads(out)["total"] <= 60
            assert await simulator.stop() == 0

    async def test_the_seed_decides_which_recordings_there_are(self, tmp_path: Path) -> None:
        async def listed(environment: dict[str, str]) -> str:
            environment = environment | {"BOT_CLOCK": "2026-11-23T09:00:00Z*0"}
            return (await called_beside("query", "last=3d", "--csv", folder=tmp_path, **environment))[1]

        of_seed = []
        for seed in (1, 2):
            async with a_simulator(AdjustableClock(NINE, rate=0), tasks=10, seed=seed) as zego:
                of_seed.append(await listed(vendor_environment(zego)))
        arguments = ("--port", "0", "--tasks", "10", "--seed", "1", "--clock", "2026-11-23T09:00:00Z*0")
        async with running("simulate", *arguments, folder=tmp_path) as simulator:
            await simulator.said("Ctrl-C stops it")
            printed = await listed(dict(re.findall(r"^(ZEGO_\w+)=(\S+)$", simulator.out, re.MULTILINE)))
        assert printed == of_seed[0] != of_seed[1]

    async def test_a_port_that_is_taken_ends_it_with_a_sentence(self, tmp_path: Path) -> None:
        async with running("simulate", "--port", "0", folder=tmp_path) as simulator:
            port = (await simulator.said(r"API at http://127\.0\.0\.1:(\d+)/"))[1]
            status, out, err = await finished("simulate", "--port", port, folder=tmp_path)
        assert (status, out) == (2, "")
        assert f"Port {port} cannot be listened on" in err
        assert "Traceback" not in err

    async def test_the_sandbox_takes_the_next_free_port_and_says_so(self, tmp_path: Path) -> None:
        async with running("simulate", "--port", "0", folder=tmp_path) as simulator:
            port = (await simulator.said(r"API at http://127\.0\.0\.1:(\d+)/"))[1]
            arguments = ("sandbox", "--port", port, "--no-browser")
            async with running(*arguments, folder=tmp_path) as sandbox:
                other = (await sandbox.said(r"Recordings sandbox: http://127\.0\.0\.1:(\d+)/"))[1]
                assert int(other) > int(port)
                assert f"Port {port} is in use, so this is port {other}." in sandbox.out
