"""The digest form: its Slack view, and its state read back into settings (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.errors import QueryError
from bot.features.digests import ids
from bot.features.digests.message import OUTSIDERS_SEE
from bot.features.digests.settings import DigestSettings, ScheduleError, has_own_window, settings_of
from bot.features.form.fields import COMMON_WINDOWS, fields_of, typed_rooms
from bot.query.parser import format_query
from bot.query.terms import TERMS, RecordingQuery, Status, parse_zone
from bot.query.times import exact_duration
from bot.query.tokenizer import Mistake, normalise
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.forms import FormErrors, FormValues, at, field, option, paragraph, plain, select

if TYPE_CHECKING:
    from bot.features.digests.models import NewDigest
    from bot.slack.blocks import Block


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


USUAL_SCHEDULE = "weekdays at 09:00"
_QUIET = {"line": "Post one quiet line", "nothing": "Post nothing"}


def build_digest_form(
    settings: DigestSettings | NewDigest | None,
    query: RecordingQuery,
    zone: str,
    *,
    number: int = 0,
    outsiders: bool = False,
    private_metadata: str = "",
) -> dict[str, Any]:
    """Build the form.

    Args:
        settings: what it starts from; None for what is usual.
        query: of the settings, read; whatever its window, that of the text counts.
        zone: IANA name, chosen at first.
        number: of the digest that is changed; 0 for a new one.
        outsiders: people of other organisations read the channel, and nobody has said that they may: the
            form cannot be sent without that.
        private_metadata: comes back with the submission.
    """
    fields = fields_of(query)
    schedule = settings.schedule if settings else USUAL_SCHEDULE
    quiet = settings.quiet if settings else "line"
    window = window_text(query) if settings and has_own_window(settings.query) else ids.SINCE_PREVIOUS
    rooms: Block = {"type": "plain_text_input", "placeholder": plain("All rooms")}
    if fields.rooms:
        rooms["initial_value"] = fields.rooms
    return {
        "type": "modal",
        "callback_id": ids.FORM,
        "title": plain(f"Digest {number}" if number else "Add a digest"),
        "submit": plain("Save" if number else "Add"),
        "close": plain("Cancel"),
        "private_metadata": private_metadata,
        "blocks": [
            field(
                ids.SCHEDULE,
                "When",
                {"type": "plain_text_input", "initial_value": schedule},
                hint="Such as: weekdays at 09:00 · mon,wed,fri 18:00 · every 6 hours · 1st of the month at 9 "
                "· 0 9 * * 1-5",
            ),
            field(
                ids.ZONE,
                "In the time zone",
                {"type": "plain_text_input", "initial_value": zone},
                hint="Such as Europe/Berlin.",
            ),
            field(
                ids.ROOMS,
                "Rooms",
                rooms,
                hint="Room IDs with commas; in quotes if one has a space or a comma.",
                optional=True,
            ),
            field(
                ids.STATUS,
                "Status",
                select([option(status.capitalize(), status) for status in Status], query.status),
            ),
            field(ids.WINDOW, "Started within", select(_windows(window), window)),
            field(
                ids.QUIET,
                "When nothing happened",
                select([option(words, value) for value, words in _QUIET.items()], quiet, "radio_buttons"),
            ),
            *([_outsiders()] if outsiders else []),
        ],
    }


def build_loading_digest_form() -> dict[str, Any]:
    """The form until its content is there."""
    return {
        "type": "modal",
        "callback_id": ids.FORM,
        "title": plain("Digest"),
        "close": plain("Cancel"),
        "blocks": [paragraph("One moment …")],
    }


def _outsiders() -> Block:
    box = {"type": "checkboxes", "options": [option("Post the digest here anyway", "yes")]}
    return field(ids.OUTSIDERS, OUTSIDERS_READ, box, hint=OUTSIDERS_SEE)


def window_text(query: RecordingQuery) -> str:
    """The terms of a query's window alone, canonical."""
    window = replace(RecordingQuery(), last_seconds=query.last_seconds, start=query.start, end=query.end)
    return format_query(window)


def _windows(chosen: str) -> list[Block]:
    windows = {ids.SINCE_PREVIOUS: "Since the digest before"}
    windows |= {
        TERMS["last"].format(seconds): f"Last {exact_duration(seconds)}" for seconds in COMMON_WINDOWS
    }
    windows.setdefault(chosen, f"{chosen} (as it is)")
    return [option(words, value) for value, words in windows.items()]
