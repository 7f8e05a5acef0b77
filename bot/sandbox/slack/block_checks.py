"""The small checks that Slack's block rules are put together from, worded as Slack words them (pure).

A check takes a value and its JSON pointer and yields a fault for everything that is wrong. The sentences are
those seen in Slack's answers (issue threads of public projects) unless a comment says "wording unverified".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """Something Slack refuses: where (a JSON pointer) and why."""

    pointer: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterator[Fault]]


def string(most: int, least: int = 1) -> Check:
    """Text of `least` to `most` characters."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(at, "must be a string")
        elif len(value) < least:
            yield Fault(at, f"must be more than {least - 1} characters")
        elif len(value) > most:
            yield Fault(at, f"must be less than {most + 1} characters")

    return check


def matching(pattern: str, what: str) -> Check:
    """Text of a fixed form (wording unverified)."""
    compiled = re.compile(pattern)

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            yield Fault(at, f"must be {what}")

    return check


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if value not in allowed:
            yield Fault(at, "must be a valid enum value")

    return check


def boolean(value: Any, at: str) -> Iterator[Fault]:
    """True or false."""
    if not isinstance(value, bool):
        yield Fault(at, "must be a boolean")


def integer(least: int, most: int) -> Check:
    """A whole number from `least` to `most` (wording unverified)."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield Fault(at, "must be an integer")
        elif not least <= value <= most:
            yield Fault(at, f"must be between {least} and {most}")

    return check


def number(value: Any, at: str) -> Iterator[Fault]:
    """A number (wording unverified)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Fault(at, "must be a number")


def anything(value: Any, at: str) -> Iterator[Fault]:
    """Whatever it is, it is not looked at."""
    del value, at
    yield from ()


def items(check_item: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` items."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(at, "must be an array")
            return
        if len(value) > most:
            yield Fault(at, f"no more than {most} items allowed")
        if len(value) < least:
            yield Fault(at, f"no less than {least} items allowed")
        for index, item in enumerate(value):
            yield from check_item(item, f"{at}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no others."""
    known = {"type": anything, **required, **(optional or {})}

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(at, "must be an object")
            return
        for name in required:
            if value.get(name) is None:
                yield Fault(at, f"missing required field: {name}")
        for name, inner in value.items():
            if name not in known:
                yield Fault(at, f"invalid additional property: {name}")
            elif inner is not None:
                yield from known[name](inner, f"{at}/{name}")

    return check


def tagged(table: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of several shapes it has."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(at, "must be an object")
        elif "type" not in value:
            yield Fault(at, "missing required field: type")
        elif value["type"] not in table:
            yield Fault(f"{at}/type", f"unsupported type: {value['type']}")
        else:
            yield from table[value["type"]](value, at)

    return check


def all_of(*checks: Check) -> Check:
    """Every one of several checks."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        for one in checks:
            yield from one(value, at)

    return check


def at_least_one_field(*names: str) -> Check:
    """An object that has one of these fields."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if isinstance(value, dict) and not any(value.get(name) for name in names):
            yield Fault(at, f"missing required field: {names[0]}")

    return check


def at_most_one_field(*names: str) -> Check:
    """An object that has no more than one of these fields (wording unverified)."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if isinstance(value, dict) and sum(name in value for name in names) > 1:
            yield Fault(at, f"only one of these fields is allowed: {', '.join(names)}")

    return check
