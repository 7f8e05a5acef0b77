"""The digest form: its Slack view, and its state read back into settings (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bot.errors import QueryError
from bot.features.digests.message import OUTSIDERS_SEE
from bot.features.digests.settings import DigestSettings, ScheduleError, has_own_window, settings_of
from bot.features.query_fields import (
    common_windows,
    read_rooms,
    rooms_field,
    rooms_text,
    status_field,
    window_terms,
)
from bot.query.parser import format_query
from bot.query.terms import TERMS, RecordingQuery, parse_zone
from bot.query.tokenizer import Mistake, normalise
from bot.slack import ids
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.forms import (
    FormErrors,
    FormValues,
    at,
    field,
    form_view,
    option,
    options,
    paragraph,
    select,
    text_input,
)
from bot.slack.ids import DigestField

if TYPE_CHECKING:
    from bot.features.digests.models import Digest
    from bot.slack.blocks import View

SINCE_PREVIOUS: Final = "previous"
"""Value of the window that begins at the slot before."""

USUAL_SCHEDULE = "weekdays at 09:00"

_QUIET = {"line": "Post one quiet line", "nothing": "Post nothing"}


def build_digest_form(
    digest: Digest | None,
    query: RecordingQuery,
    zone: str,
    *,
    outsiders: bool = False,
    private_metadata: str = "",
) -> View:
    """Build the form.

    Args:
        digest: what it starts from; None for a new one with what is usual.
        query: the digest's, read; whatever its window, that of the text counts.
        zone: IANA name, chosen at first.
        outsiders: people of other organizations read the channel, and nobody has said that they may: the
            form cannot be sent without that.
        private_metadata: comes back with the submission.
    """
    schedule = digest.schedule if digest else USUAL_SCHEDULE
    window = window_terms(query) if digest and has_own_window(digest.query) else SINCE_PREVIOUS
    windows = {SINCE_PREVIOUS: "Since the digest before"} | common_windows()
    windows.setdefault(window, f"{window} (as it is)")
    quiet = select(options(_QUIET), digest.quiet if digest else "line", "radio_buttons")
    blocks = [
        field(
            DigestField.SCHEDULE,
            "When",
            text_input(schedule),
            hint="Such as: weekdays at 09:00 · mon,wed,fri 18:00 · every 6 hours · 1st of the month at 9 "
            "· 0 9 * * 1-5",
        ),
        field(DigestField.ZONE, "In the time zone", text_input(zone), hint="Such as Europe/Berlin."),
        rooms_field(DigestField.ROOMS, rooms_text(query.rooms)),
        status_field(DigestField.STATUS, query.status, {}),
        field(DigestField.WINDOW, "Started within", select(options(windows), window)),
        field(DigestField.QUIET, "When nothing happened", quiet),
    ]
    if outsiders:
        box = {"type": "checkboxes", "options": [option("Post the digest here anyway", "yes")]}
        blocks.append(field(DigestField.OUTSIDERS, OUTSIDERS_READ, box, hint=OUTSIDERS_SEE))
    return form_view(
        ids.DIGEST_FORM,
        f"Digest {digest.number}" if digest else "Add a digest",
        blocks,
        submit="Save" if digest else "Add",
        private_metadata=private_metadata,
    )


def build_loading_digest_form() -> View:
    """The form until its content is there."""
    return form_view(ids.DIGEST_FORM, "Digest", [paragraph("One moment …")])


def kept_by_form(query: RecordingQuery) -> str:
    """The terms that the form has no field for: order and size of the full list."""
    return format_query(replace(RecordingQuery(last_seconds=None), sort=query.sort, size=query.size))


def read_digest_form(state: dict[str, Any], *, now: float, zone: str, kept: str = "") -> DigestSettings:
    """Read a filled-in form.

    Args:
        state: the view's `state` as `view_submission` brings it.
        now: Unix seconds.
        zone: the person's IANA zone.
        kept: what `kept_by_form` gave when the form was built.

    Raises:
        FormErrors: the sentences of the command, each at its field.
    """
    values = FormValues(state)
    errors: dict[str, str] = {}
    zone = _zone(values.text(DigestField.ZONE) or zone, errors)
    rooms: tuple[str, ...] = ()
    with at(DigestField.ROOMS, errors):
        rooms = read_rooms(values.text(DigestField.ROOMS), now, zone)
    status, window = values.text(DigestField.STATUS) or "all", values.text(DigestField.WINDOW)
    terms = [
        TERMS["room"].format(rooms),
        f"status={status}",
        kept,
        "" if window == SINCE_PREVIOUS else window,
    ]
    quiet = values.text(DigestField.QUIET) or "line"
    try:
        schedule = values.text(DigestField.SCHEDULE)
        settings = settings_of(schedule, " ".join(filter(None, terms)), quiet, now, zone)
    except ScheduleError as error:
        errors.setdefault(DigestField.SCHEDULE, str(error))
    except QueryError as error:
        errors.setdefault(DigestField.WINDOW, error.problem)
    if errors:
        raise FormErrors(errors)
    return replace(settings, zone=zone)


def _zone(text: str, errors: dict[str, str]) -> str:
    try:
        return parse_zone((normalise(text),))
    except Mistake as mistake:
        nearest = f" Did you mean {mistake.nearest[0]}?" if mistake.nearest else ""
        errors[DigestField.ZONE] = f"{mistake.problem}{nearest}"
        return "UTC"


def allows_outsiders(state: dict[str, Any]) -> bool:
    """Whether it was ticked that people of other organizations may read the digest."""
    return bool(FormValues(state).texts(DigestField.OUTSIDERS))
