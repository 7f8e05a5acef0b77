"""Whose rules of time zones are used: the newer ones, from the first zone on; none holds anybody up."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tzdata import IANA_VERSION

from tests.bot_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OLDER, NEWER = "2011a", "2999a"
ZONE = "America/Vancouver"
IN_THE_FOLDER = 1
"""Hours east of UTC all year in the folders that these tests write: no version of the package says so."""

OFFSET = f"""
from datetime import UTC, datetime
from bot.query.times import zone_info
print(datetime(2020, 1, 1, tzinfo=UTC).astimezone(zone_info("{ZONE}")).utcoffset().total_seconds() / 3600)
"""


def write_zones(
    folder: Path, version: str | None, version_file: str = "tzdata.zi", hours: int = IN_THE_FOLDER
) -> Path:
    """A folder of zones as a system has it, with one zone (RFC 9636), saying its version or not."""
    zone = folder / ZONE
    zone.parent.mkdir(parents=True)
    rules = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4) + struct.pack(
        ">lbb4s", hours * 3600, 0, 0, b"XST\0"
    )
    zone.write_bytes(rules + rules + f"\nXST{-hours}\n".encode())
    if version is not None:
        text = f"# version {version}\n# This zic input file is in the public domain.\n"
        (folder / version_file).write_text(text if version_file == "tzdata.zi" else f"{version}\n")
    return folder


def in_process(code: str, *arguments: str, system: tuple[Path, ...], **environment: str) -> Any:
    """What a fresh Python says whose system has these folders of zones."""
    paths = f"import zoneinfo; zoneinfo.reset_tzpath(to={[str(one) for one in system]!r})\n"
    begin = "" if "PYTHONTZPATH" in environment else paths
    done = subprocess.run(  # noqa: S603 - our own Python, with what these tests say
        [sys.executable, "-c", begin + code, *arguments],
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(more)


@pytest.mark.parametrize(
    ("version", "version_file", "wins"),
    [
        (OLDER, "tzdata.zi", False),
        (NEWER, "tzdata.zi", True),
        (IANA_VERSION, "tzdata.zi", True),
        (f"{NEWER}-1-gabcdef", "tzdata.zi", True),
        (f"{OLDER}-dirty", "tzdata.zi", False),
        (OLDER, "+VERSION", False),
        (NEWER, "+VERSION", True),
        (OLDER, "version", False),
        (NEWER, "version", True),
        ("unknown", "tzdata.zi", False),
        ("", "+VERSION", False),
        (None, "", False),
    ],
)
def test_the_newer_rules_are_used_and_an_unknown_version_is_older(
    tmp_path: Path, version: str | None, version_file: str, wins: bool
) -> None:
    system = write_zones(tmp_path / "zones", version, version_file)
    assert (in_process(OFFSET, system=(system,)) == IN_THE_FOLDER) is wins


def test_of_several_folders_the_newest_is_used(tmp_path: Path) -> None:
    old, new = (write_zones(tmp_path / name, name, hours=hours) for name, hours in ((OLDER, 1), (NEWER, 2)))
    nowhere = tmp_path / "nowhere"
    for system in ((old, new), (new, old), (nowhere, old, new)):
        assert in_process(OFFSET, system=system) == 2


def test_a_system_without_zones_has_those_of_the_package(tmp_path: Path) -> None:
    assert in_process(OFFSET, system=(tmp_path / "nowhere",)) == -8
    assert in_process(OFFSET, system=()) == -8


def test_a_zone_that_only_the_package_has_is_known_beside_a_newer_system(tmp_path: Path) -> None:
    system = write_zones(tmp_path / "zones", NEWER)
    code = "import json; from bot.query.zones import find_zone; print(json.dumps([*map(find_zone, {})]))"
    names = ["Europe/Berlin", "Japan"]
    assert in_process(code.format([name.lower() for name in names]), system=(system,)) == names


@pytest.mark.parametrize("first", ["zone_data()", "zone_names()", f"zone_info({ZONE!r})", "zone_info('UTC')"])
@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_whatever_is_asked_first_decides_the_same(tmp_path: Path, first: str, version: str) -> None:
    system = write_zones(tmp_path / "zones", version)
    code = f"from bot.zone_data import zone_data, zone_info, zone_names\n{first}\n{OFFSET}"
    assert (in_process(code, system=(system,)) == IN_THE_FOLDER) is (version == NEWER)


@pytest.mark.parametrize("version", [OLDER, NEWER, None])
def test_the_operators_folders_are_used_whatever_their_version(tmp_path: Path, version: str | None) -> None:
    folder = str(write_zones(tmp_path / "zones", version))
    assert in_process(OFFSET, system=(), PYTHONTZPATH=folder) == IN_THE_FOLDER


@pytest.mark.parametrize(
    ("version", "path", "words"),
    [
        (OLDER, None, f"the package tzdata is used ({IANA_VERSION}); the system's data is {OLDER}; "),
        (
            None,
            None,
            f"the package tzdata is used ({IANA_VERSION}); the system's data is of an unknown version; ",
        ),
        (NEWER, None, f"the system's data is used ({NEWER}); the package tzdata is {IANA_VERSION}; "),
        (OLDER, "{}", f"the data in PYTHONTZPATH is used ({OLDER}); the package tzdata is {IANA_VERSION}; "),
        (NEWER, "", f"the package tzdata is used ({IANA_VERSION}); the system's data is not there; "),
    ],
)
def test_the_doctor_says_which_rules_are_used_and_both_versions(
    tmp_path: Path, version: str | None, path: str | None, words: str
) -> None:
    folder = write_zones(tmp_path / "zones", version)
    environment = {} if path is None else {"PYTHONTZPATH": path.format(folder)}
    code = "from bot.__main__ import main; main(['doctor', '--json'])"
    told = in_process(
        code,
        system=(folder,),
        ZEGO_APP_ID="1",
        ZEGO_SERVER_SECRET="0" * 32,
        ZEGO_API_URL="http://127.0.0.1:9/",
        DATABASE_URL="sqlite://",
        **environment,
    )
    findings = {check["check"]: check for check in told["checks"]}
    assert findings["time zones"]["outcome"] == "ok"
    assert findings["time zones"]["finding"].startswith(words)


WATCHED = """
import json, sys
from bot.query.zones import asker_zone
asker_zone("Europe/Paris")  # from here on everything is imported
events = []
sys.addaudithook(lambda event, _: events.append(event))
unknown = ["", "Mars/Olympus", "Foo", "Berlin", "UTC+2", "x" * 5000]
assert not any(map(asker_zone, unknown))
first = len(events)
for number in range(100):
    assert not any(asker_zone(f"{name}{number}") for name in unknown if name and "/" not in name)
print(json.dumps([events, events[first:]]))
"""
"""Python's own audit tells of every file that is opened and every folder that is listed."""


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_a_zone_that_nobody_knows_is_looked_for_in_no_folder(tmp_path: Path, version: str) -> None:
    system = write_zones(tmp_path / "zones", version)
    events, later = in_process(WATCHED, system=(system,))
    assert "open" in events
    assert not {"os.scandir", "os.listdir"} & set(events)
    assert later == []
