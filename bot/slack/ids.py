"""The action_ids of messages, and what block_ids say about the message that they stand in (pure)."""

from __future__ import annotations

from typing import Final

NEWER: Final = "recordings.newer"
OLDER: Final = "recordings.older"
REFRESH: Final = "recordings.refresh"
POST: Final = "recordings.post"
POST_TO_OUTSIDERS: Final = "recordings.post-to-outsiders"
"""Posts where people of other organisations read, after that was said."""
EXPORT: Final = "recordings.export"
SHOW: Final = "recordings.show"
"""Answers the query it carries: `Show them`, `Show 3 days`, `Try again`, a suggestion."""
DETAILS: Final = "recordings.details"
EDIT: Final = "recordings.edit"
OPEN_FORM: Final = "recordings.form.open"
"""From the Home tab, where there is no conversation to answer in."""
FIND: Final = "recordings.find"
"""callback_id of the message shortcut `Find recordings`."""
FIND_ANYWHERE: Final = "recordings.find_anywhere"
"""callback_id of the global shortcut of the same name."""
HELP: Final = "recordings.help"

_POSTED = "posted-by-"


def posted_by(user_id: str) -> str:
    """The block_id that names whose answer a posted message is."""
    return f"{_POSTED}{user_id}"


def poster_of(block_id: str) -> str:
    """The person named by a block_id; empty for an answer that only its asker sees."""
    return block_id.removeprefix(_POSTED) if block_id.startswith(_POSTED) else ""


NOTICES: Final = frozenset({"again", "mistake", "help", "outsiders"})
"""block_ids of messages that hold no answer: what comes next may take their place, errors too."""
