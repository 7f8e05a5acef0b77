"""Reading the form of a digest: its state → settings, or a sentence at each field at fault (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.digests import ids
from bot.digests.settings import DigestSettings, ScheduleError, settings_of
from bot.errors import QueryError
from bot.query import format_query
from bot.query.terms import TERMS, RecordingQuery
from bot.query.typed_text import Mistake, normalise
from bot.query.values import parse_zone
from bot.triage.form_values import FormErrors, FormValues, at, typed_rooms


def read_digest_form(state: dict[str, Any], *, now: float, zone: str, kept: str = "") -> DigestSettings:
    """Read a filled-in form.

    Args:
        state: the view's `state` as `view_submission` brings it.
        now: Unix seconds.
        zone: the person's IANA zone.
        kept: terms of the digest that the form has no field for.

    Raises:
        FormErrors: the sentences of the command, each at its field.
    """
    values = FormValues(state)
    errors: dict[str, str] = {}
    zone = _zone(values.text(ids.ZONE) or zone, errors)
    status, window = values.text(ids.STATUS) or "all", values.text(ids.WINDOW)
    rooms = _rooms(values.text(ids.ROOMS), now, zone, errors)
    others = " ".join(
        filter(None, (rooms, f"status={status}", kept, "" if window == ids.SINCE_PREVIOUS else window))
    )
    quiet = values.text(ids.QUIET) or "line"
    try:
        settings = settings_of(values.text(ids.SCHEDULE), others, quiet, now, zone)
    except ScheduleError as error:
        errors.setdefault(ids.SCHEDULE, str(error))
    except QueryError as error:
        errors.setdefault(ids.WINDOW, error.problem)
    if errors:
        raise FormErrors(errors)
    return replace(settings, zone=zone)


def allows_outsiders(state: dict[str, Any]) -> bool:
    """Whether it was ticked that people of other organisations may read the digest."""
    return bool(FormValues(state).texts(ids.OUTSIDERS))


def kept_by_form(query: RecordingQuery) -> str:
    """The terms that the form has no field for: order and size of the full list."""
    return format_query(replace(RecordingQuery(last_seconds=None), sort=query.sort, size=query.size))


def _zone(text: str, errors: dict[str, str]) -> str:
    try:
        return parse_zone((normalise(text),))
    except Mistake as mistake:
        nearest = f" Did you mean {mistake.nearest[0]}?" if mistake.nearest else ""
        errors[ids.ZONE] = f"{mistake.problem}{nearest}"
        return "UTC"


def _rooms(text: str, now: float, zone: str, errors: dict[str, str]) -> str:
    """The term of the rooms; empty for all of them."""
    rooms: tuple[str, ...] = ()
    with at(ids.ROOMS, errors):
        rooms = typed_rooms(text.strip(), now, zone)
    return TERMS["room"].format(rooms)
