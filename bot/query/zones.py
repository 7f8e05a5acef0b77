"""Time zones by their IANA names, and the nearest right name for what people type instead."""

from __future__ import annotations

import difflib
import re
from functools import cache, lru_cache

from bot.query.tokenizer import Mistake, shown
from bot.zone_data import NOT_ZONES, zone_info, zone_names

__all__ = ["ABBREVIATIONS", "asker_zone", "find_zone", "zone_info"]

_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])0?([0-9]|1[0-4])(?::?00)?", re.IGNORECASE)
_UNIVERSAL = ("UTC", "GMT")

ABBREVIATIONS = {
    "ACST": "Australia/Adelaide",
    "AEDT": "Australia/Sydney",
    "AEST": "Australia/Sydney",
    "AKST": "America/Anchorage",
    "AWST": "Australia/Perth",
    "BRT": "America/Sao_Paulo",
    "BST": "Europe/London",
    "CDT": "America/Chicago",
    "CEST": "Europe/Berlin",
    "CET": "Europe/Berlin",
    "CST": "America/Chicago",
    "CST6CDT": "America/Chicago",
    "EDT": "America/New_York",
    "EEST": "Europe/Athens",
    "EET": "Europe/Athens",
    "EST": "America/New_York",
    "EST5EDT": "America/New_York",
    "GST": "Asia/Dubai",
    "HKT": "Asia/Hong_Kong",
    "HST": "Pacific/Honolulu",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "MDT": "America/Denver",
    "MEST": "Europe/Berlin",
    "MESZ": "Europe/Berlin",
    "MET": "Europe/Berlin",
    "MEZ": "Europe/Berlin",
    "MSK": "Europe/Moscow",
    "MST": "America/Denver",
    "MST7MDT": "America/Denver",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "PDT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "PST8PDT": "America/Los_Angeles",
    "SGT": "Asia/Singapore",
    "WEST": "Europe/Lisbon",
    "WET": "Europe/Lisbon",
    "Z": "UTC",
    "ZULU": "UTC",
}
"""A zone where each abbreviation is in use. They are never accepted: several mean two places, and `EST` as
the time-zone database has it knows no summer time."""


@cache
def _names() -> dict[str, str]:
    """Every zone by its name in small letters."""
    return {
        name.lower(): name
        for name in sorted(zone_names())
        if not name.startswith(NOT_ZONES) and name.upper() not in ABBREVIATIONS
    }


@cache
def _cities() -> dict[str, str]:
    names = sorted(_names().values(), key=lambda name: (name.startswith(("Etc/", "US/")), name))
    return {name.rpartition("/")[2].lower(): name for name in reversed(names) if "/" in name}


def find_zone(text: str) -> str:
    """The IANA name of a zone, however its letters are capitalised.

    Raises:
        Mistake: not a zone; `nearest` has what may be meant (`berlin`, `CET`, `UTC+2`, a typing error).
    """
    if (name := _known_zone(text)) is not None:
        return name
    raise Mistake(
        f"`{shown(text)}` is not a time zone: zones are written like `Europe/Berlin`.", _nearest_zones(text)
    )


def _known_zone(text: str) -> str | None:
    if text.upper() in _UNIVERSAL:
        return text.upper()
    if "/" in text:
        try:
            return zone_info(text).key
        except LookupError:
            pass
    return _names().get(text.lower())


@lru_cache(maxsize=256)
def asker_zone(name: str) -> str | None:
    """The zone in which somebody reads times, by a name that `find_zone` accepts; None if it is unknown.

    Nobody is told what else may be meant, so nothing is compared: Slack's answers are read on the event loop.
    """
    return _known_zone(name) or (ABBREVIATIONS.get(name.upper()) if name in zone_names() else None)


def _nearest_zones(text: str) -> tuple[str, ...]:
    if text.upper() in ABBREVIATIONS:
        return (ABBREVIATIONS[text.upper()],)
    if offset := _OFFSET.fullmatch(text):
        if offset[2] == "0":
            return ("UTC",)
        return (f"Etc/GMT{'-' if offset[1] == '+' else '+'}{offset[2]}",)  # the database counts westward
    wanted = text[:100].strip().lower().replace(" ", "_")
    city = wanted.rpartition("/")[2]
    if city in _cities():
        return (_cities()[city],)
    close = difflib.get_close_matches(wanted, _names(), n=1, cutoff=0.8)
    if close:
        return (_names()[close[0]],)
    close = difflib.get_close_matches(city, _cities(), n=1, cutoff=0.8)
    return (_cities()[close[0]],) if close else ()
