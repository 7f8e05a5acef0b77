"""Time zones by their IANA names, and the nearest right name for what people type instead."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from bot.query.tokenizer import Mistake, closest, shown
from bot.zone_data import NOT_ZONES, zone_info, zone_names

_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])0?([0-9]|1[0-4])(?::?00)?", re.IGNORECASE)
_UNIVERSAL = ("UTC", "GMT")

ABBREVIATIONS = {
    abbreviation: zone
    for zone, abbreviations in (
        ("America/Anchorage", "AKST"),
        ("America/Chicago", "CDT CST CST6CDT"),
        ("America/Denver", "MDT MST MST7MDT"),
        ("America/Los_Angeles", "PDT PST PST8PDT"),
        ("America/New_York", "EDT EST EST5EDT"),
        ("America/Sao_Paulo", "BRT"),
        ("Asia/Dubai", "GST"),
        ("Asia/Hong_Kong", "HKT"),
        ("Asia/Kolkata", "IST"),
        ("Asia/Seoul", "KST"),
        ("Asia/Singapore", "SGT"),
        ("Asia/Tokyo", "JST"),
        ("Australia/Adelaide", "ACST"),
        ("Australia/Perth", "AWST"),
        ("Australia/Sydney", "AEDT AEST"),
        ("Europe/Athens", "EEST EET"),
        ("Europe/Berlin", "CEST CET MEST MESZ MET MEZ"),
        ("Europe/Lisbon", "WEST WET"),
        ("Europe/London", "BST"),
        ("Europe/Moscow", "MSK"),
        ("Pacific/Auckland", "NZDT NZST"),
        ("Pacific/Honolulu", "HST"),
        ("UTC", "Z ZULU"),
    )
    for abbreviation in abbreviations.split()
}
"""A zone where each abbreviation is used. None is accepted: several mean two places, and the `EST` of the
time-zone database has no summer time."""


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
    """The zone of somebody who reads times, by a name that `find_zone` accepts; None if it is unknown.

    Nothing is suggested, so nothing is compared: Slack's answers are read on the event loop.
    """
    return _known_zone(name) or (ABBREVIATIONS.get(name.upper()) if name in zone_names() else None)


def _nearest_zones(text: str) -> tuple[str, ...]:
    if text.upper() in ABBREVIATIONS:
        return (ABBREVIATIONS[text.upper()],)
    if offset := _OFFSET.fullmatch(text):
        if offset[2] == "0":
            return ("UTC",)
        return (f"Etc/GMT{'-' if offset[1] == '+' else '+'}{offset[2]}",)  # the database counts westward
    wanted = text.strip().lower().replace(" ", "_")
    city = wanted.rpartition("/")[2]
    if city in _cities():
        return (_cities()[city],)
    for typed, zones in ((wanted, _names()), (city, _cities())):
        for near in closest(typed, zones, cutoff=0.8):
            return (zones[near],)
    return ()
