"""The rules of time zones, from the newer of the system's data and the package `tzdata`."""

from __future__ import annotations

import os
import re
import zoneinfo
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
NOT_ZONES = ("posix/", "right/", "posixrules", "localtime", "Factory")

_VERSION_FILES = ("tzdata.zi", "+VERSION", "version")
"""Where a folder of zones says its version: Linux in the first line of tzdata.zi, macOS and BSD in +VERSION,
some builds in a copy of tz's own file `version`."""

_VERSION = re.compile(r"\b[0-9]{4}[a-z]{1,3}\b")
_FIRST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class ZoneData:
    """Whose rules are used, and which versions of the time-zone database there are.

    Args:
        source: `system`, `package`, or `PYTHONTZPATH` where the operator named the folders.
        system: version of the newest data in the folders (`2026f`); empty where they don't say it, None where
            no folder is there.
        package: version of the package `tzdata`; None where it isn't installed.
    """

    source: str
    system: str | None
    package: str | None


_PATHS = zoneinfo.TZPATH


@cache
def zone_data() -> ZoneData:
    """Choose whose rules this process uses, once: `zone_info` and `zone_names` see to it.

    Python itself takes the system's data if there is any, however old: in a zone that has stopped changing
    its clocks since then, every winter is an hour off. Folders that the operator chose (PYTHONTZPATH) are
    used as they are.
    """
    package = _package_version()
    folders = {path: _folder_version(Path(path)) for path in _PATHS if Path(path).is_dir()}
    system = max(folders.values(), default=None)
    if "PYTHONTZPATH" in os.environ:  # empty, it is Python's own way to ask for the package
        return ZoneData("PYTHONTZPATH" if folders else "package", system, package)
    new_enough = [path for path, version in folders.items() if version >= (package or "")]
    # Of several folders the first that has a zone serves it: the newest comes first.
    new_enough.sort(key=folders.__getitem__, reverse=True)
    zoneinfo.reset_tzpath(new_enough)
    zoneinfo.ZoneInfo.clear_cache()
    return ZoneData("system" if new_enough else "package", system, package)


def _package_version() -> str | None:
    try:
        from tzdata import IANA_VERSION  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        return None
    return str(IANA_VERSION)


def _folder_version(folder: Path) -> str:
    """Versions compare as text: a year, then `a` … `z`, `za` …; what's unknown is older than all."""
    for name in _VERSION_FILES:
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as file:
                found = _VERSION.search(file.read(_FIRST_CHARACTERS))
        except OSError:
            continue
        if found:
            return found[0]
    return ""


@cache
def zone_info(name: str) -> zoneinfo.ZoneInfo:
    """The rules of a zone.

    Raises:
        LookupError: there is no zone of that name.
    """
    if not _NAME.fullmatch(name) or name.startswith(NOT_ZONES):
        raise LookupError(name)
    zone_data()
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError) as error:  # a file that is no zone, a folder
        raise LookupError(name) from error


@cache
def zone_names() -> frozenset[str]:
    """The name of every zone, read once; from the package's list, for a folder is searched file by file."""
    zone_data()
    try:
        names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    except (ImportError, OSError):
        return frozenset(zoneinfo.available_timezones())
    return frozenset(names)
