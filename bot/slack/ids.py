"""Every action_id, callback_id and block_id, by the feature that reads it (pure).

Messages posted long ago still carry these values, so a value never changes. `features/registry.py` has every
action_id and callback_id beside its listener.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# Answers.
NEWER: Final = "recordings.newer"
OLDER: Final = "recordings.older"
REFRESH: Final = "recordings.refresh"
SHOW: Final = "recordings.show"
"""Answers the query it carries: `Show them`, `Show 3 days`, `Try again`, a suggestion."""
POST: Final = "recordings.post"
POST_TO_OUTSIDERS: Final = "recordings.post-to-outsiders"
"""Posts after a warning that people of other organizations can read the channel."""
EXPORT: Final = "recordings.export"
HELP: Final = "recordings.help"

# Details of one recording.
DETAILS: Final = "recordings.details"
"""The button, and the callback_id of the modal that it opens."""
DETAILS_POST: Final = "recordings.details.post"
DETAILS_POST_TO_OUTSIDERS: Final = "recordings.details.post-to-outsiders"
DETAILS_SUPPORT: Final = "recordings.details.support"
DETAILS_FILE: Final = "recordings.details.file"

# The form that searches recordings.
EDIT: Final = "recordings.edit"
OPEN_FORM: Final = "recordings.form.open"
"""From the Home tab, where there is no conversation to answer in."""
FIND: Final = "recordings.find"
"""callback_id of the message shortcut `Find recordings`."""
FIND_ANYWHERE: Final = "recordings.find_anywhere"
"""callback_id of the global shortcut of the same name."""
FORM: Final = "recordings.form"
"""callback_id."""

# Digests.
DIGEST_OPEN_LIST: Final = "digest.open-list"
"""Answers the query of a slot's window privately."""
DIGEST_OPEN_ATTENTION: Final = "digest.open-attention"
"""The same for what needs attention."""
DIGEST_PAUSE: Final = "digest.pause"
DIGEST_RESUME: Final = "digest.resume"
DIGEST_RESUME_FOR_OUTSIDERS: Final = "digest.resume-for-outsiders"
DIGEST_RUN: Final = "digest.run"
DIGEST_RUN_FOR_OUTSIDERS: Final = "digest.run-for-outsiders"
DIGEST_REMOVE: Final = "digest.remove"
DIGEST_ADD: Final = "digest.add"
"""Opens the form with the usual settings."""
DIGEST_ADD_FOR_OUTSIDERS: Final = "digest.add-for-outsiders"
"""Adds the digest that the button carries, after a warning that people of other organizations can read it."""
DIGEST_SETTINGS: Final = "digest.settings"
"""Opens the form with the settings of the digest that the button names."""
DIGEST_LIST: Final = "digest.list"
DIGEST_HELP: Final = "digest.help"
DIGEST_FORM: Final = "digest.form"
"""callback_id."""

INPUT: Final = "value"
"""action_id of every input of both forms: each is alone in its block, and is read when the form is sent."""


class FormField(StrEnum):
    """block_ids of the form that searches recordings."""

    SUBJECT = "form.subject"
    FOUND_ROOMS = "form.found_rooms"
    ROOMS = "form.rooms"
    STATUS = "form.status"
    WINDOW = "form.window"
    FROM_DATE = "form.from_date"
    FROM_TIME = "form.from_time"
    TO_DATE = "form.to_date"
    TO_TIME = "form.to_time"
    ORDER = "form.order"
    WHERE = "form.where"
    CONVERSATION = "form.conversation"
    COMMAND = "form.command"


class DigestField(StrEnum):
    """block_ids of the form of a digest."""

    SCHEDULE = "digest.form.schedule"
    ZONE = "digest.form.zone"
    ROOMS = "digest.form.rooms"
    STATUS = "digest.form.status"
    WINDOW = "digest.form.window"
    QUIET = "digest.form.quiet"
    OUTSIDERS = "digest.form.outsiders"
    """Confirms a digest where people of other organizations can read the channel."""


class Row(StrEnum):
    """block_ids of the other blocks, most of them rows of buttons."""

    NAVIGATION = "navigation"
    AGAIN = "again"
    MISTAKE = "mistake"
    HELP = "help"
    OUTSIDERS = "outsiders"
    DETAILS = "details"
    ASK = "ask"
    NOTE = "note"
    """The line on top of a modal that says what a click did."""
    DIGEST = "digest"
    DIGEST_HELP = "digest-help"
    DIGEST_MISTAKE = "digest-mistake"
    DIGEST_OUTSIDERS = "digest-outsiders"


NOTICES: Final = frozenset({Row.AGAIN, Row.MISTAKE, Row.HELP, Row.OUTSIDERS})
"""Rows of messages that hold no answer: the next message may replace them, an error too."""

_POSTED_BY = "posted-by-"
_DIGEST_LISTED = "digest.listed."


def posted_by(user_id: str) -> str:
    """The block_id of an answer that everyone sees: it names the person who asked."""
    return f"{_POSTED_BY}{user_id}"


def poster_of(block_id: str) -> str:
    """The person named by a block_id; empty for an answer that only its asker sees."""
    return block_id.removeprefix(_POSTED_BY) if block_id.startswith(_POSTED_BY) else ""


def digest_listed(digest_id: str) -> str:
    """The block_id of a digest's buttons in the list; a click on one brings a new list."""
    return f"{_DIGEST_LISTED}{digest_id}"


def is_digest_listed(block_id: str) -> bool:
    """Whether a button is part of the list."""
    return block_id.startswith(_DIGEST_LISTED)
