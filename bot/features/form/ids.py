"""Every callback_id, block_id and action_id of the form that asks for recordings (pure)."""

from __future__ import annotations

from typing import Final

FORM: Final = "recordings.form"
"""callback_id of the form, while it loads and when it can be filled in."""

SUBJECT: Final = "form.subject"
FOUND_ROOMS: Final = "form.found_rooms"
ROOMS: Final = "form.rooms"
STATUS: Final = "form.status"
WINDOW: Final = "form.window"
FROM_DATE: Final = "form.from_date"
FROM_TIME: Final = "form.from_time"
TO_DATE: Final = "form.to_date"
TO_TIME: Final = "form.to_time"
ORDER: Final = "form.order"
WHERE: Final = "form.where"
CONVERSATION: Final = "form.conversation"
COMMAND: Final = "form.command"


SEARCH: Final = "search"
"""Value of the subject that is no task: the other fields say what is searched."""

BETWEEN: Final = "between"
"""Value of the window that the date and time fields give."""
