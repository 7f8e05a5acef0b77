"""Every action_id, callback_id and block_id of digests (pure)."""

from __future__ import annotations

from typing import Final

OPEN_LIST: Final = "digest.open-list"
"""Answers the query of a slot's window privately."""
OPEN_ATTENTION: Final = "digest.open-attention"
"""The same for what of it needs attention."""
PAUSE: Final = "digest.pause"
RESUME: Final = "digest.resume"
RUN: Final = "digest.run"
REMOVE: Final = "digest.remove"
SETTINGS: Final = "digest.settings"
"""The form, filled in with the digest that the button names."""
RESUME_FOR_OUTSIDERS: Final = "digest.resume-for-outsiders"
RUN_FOR_OUTSIDERS: Final = "digest.run-for-outsiders"
"""The same, after it was said that people of other organisations read the channel."""
ADD_FOR_OUTSIDERS: Final = "digest.add-for-outsiders"
"""Adds the digest that the button carries, after the same was said."""
ADD: Final = "digest.add"
"""The form, with what is usual."""
SHOW: Final = "digest.list"
HELP: Final = "digest.help"

FORM: Final = "digest.form"
"""callback_id of the form."""
SCHEDULE: Final = "digest.form.schedule"
ROOMS: Final = "digest.form.rooms"
STATUS: Final = "digest.form.status"
WINDOW: Final = "digest.form.window"
ZONE: Final = "digest.form.zone"
QUIET: Final = "digest.form.quiet"
OUTSIDERS: Final = "digest.form.outsiders"
"""Ticked by whoever wants the digest although people of other organisations read the channel."""

SINCE_PREVIOUS: Final = "previous"
"""Value of the window that begins at the slot before."""

_LISTED = "digest.listed."


def listed(digest_id: str) -> str:
    """The block_id of a digest's buttons in the list, which a click puts a newer list in place of."""
    return f"{_LISTED}{digest_id}"


def is_listed(block_id: str) -> bool:
    """Whether a button stands in a list."""
    return block_id.startswith(_LISTED)
