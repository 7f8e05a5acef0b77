"""One question of the load: what the vendor holds, what was said, and what that comes to (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.recordings.answer_text import label
from bot.sandbox.slack.elements import find_elements, visible_texts

if TYPE_CHECKING:
    from collections.abc import Collection

Row = tuple[str, str]
"""A recording as an answer shows it: task ID and status in words."""


class Kind(StrEnum):
    """How somebody asks."""

    COMMAND = "command"
    """`/recordings` about a room that nobody has asked about: the vendor has to be asked."""
    CACHED = "cached"
    """`/recordings` about a room that everybody asks about."""
    MENTION = "mention"
    """`@Recordings` in a channel: answered in a thread, for everyone."""
    REFRESH = "refresh"
    """The button of an earlier answer: answered in its place, and never from the cache."""
    DETAILS = "details"
    """The button beside a row: a modal."""
    POST = "post"
    """`Post to channel`: the answer for everyone."""
    SCAN = "scan"
    """`/recordings` about a busy room, filtered: several pages of the vendor's lists have to be read."""
    LONG = "long"
    """`/recordings status=attention`: the details of many recordings, behind everything that people ask."""
    DIGESTS = "digests"
    """`/recordings digest list`: the database has to be asked."""


class Said(StrEnum):
    """What something that was said is."""

    INTERIM = "interim"
    RIGHT = "right"
    STALE = "stale"
    REFUSED = "refused"
    WRONG = "wrong"


class Outcome(StrEnum):
    """What came of a question in the end."""

    RIGHT = "right"
    """Every row is what the vendor holds."""
    STALE = "stale"
    """The same, marked as the last good answer."""
    REFUSED = "refused"
    """A sentence that says what is wrong and that one can ask again."""
    SLACK = "slack"
    """Slack itself said that the app did not answer: no process was there, or its answer did not arrive."""
    KILLED = "killed"
    """It was under way in a process that was killed outright."""
    WRONG = "wrong"
    """Other rows than the vendor holds, or words that explain nothing."""
    HUNG = "hung"
    """“Still searching …” and no more, or too late."""
    LOST = "lost"
    """Nothing at all."""


INTERIM = ("Still searching", "Looking through", "Asking ZEGOCLOUD", "Posted to", "Posted in")
LAST_GOOD = "the last good one"
_ROW = re.compile(r"^\d+\. (?P<status>.+?), room (?P<room>\S+), task (?P<task>\S+), ", re.MULTILINE)
_WORDED = re.compile(
    r"\bReference [0-9a-f]{6}\b|\b[Tt]ry again\b|\bagain (?:shortly|in a moment)\b|\(code \d+"
    r"|\b[Ww]hoever runs "
)
_DIGESTS = re.compile(r"This channel has no digests|^\d+ digests? in this channel", re.MULTILINE)


@dataclass
class Asked:
    """A question and everything that was said because of it; times are `time.monotonic()`.

    Args:
        kind: how it was asked.
        user: who asked: nobody asks two things at once.
        at: when.
        rows: what the vendor holds, in the order in which it is to be shown.
        room: the room that it is about.
        also_right: status words that are right for every row, while the vendor sends a strange status.
    """

    kind: Kind
    user: str
    at: float
    room: str = ""
    rows: tuple[Row, ...] = ()
    also_right: Collection[str] = ()
    ack_seconds: float | None = None
    delivered: bool = False
    """Its delivery is over, acknowledged or not."""
    slack_error: str = ""
    """What Slack told the person, where the app did not answer."""
    killed: bool = False
    said: list[tuple[float, Said, str]] = field(default_factory=list)
    _standing: dict[str, str] = field(default_factory=dict)

    def hear(self, at: float, shown: dict[str, Any]) -> Said:
        """Take note of a message, or of a view, and say what it is."""
        what, text = self._read(shown)
        where = str(shown.get("ts") or shown.get("id"))
        if self._standing.get(where) != text:  # else the same was put there once more: nobody sees that
            self.said.append((at, what, text))
        self._standing[where] = text
        return what

    @property
    def finals(self) -> list[tuple[float, Said, str]]:
        """What was said for good."""
        return [said for said in self.said if said[1] is not Said.INTERIM]

    @property
    def is_settled(self) -> bool:
        """Whether the person knows what came of it."""
        return bool(self.finals) or bool(self.slack_error) or self.killed

    @property
    def doubled(self) -> bool:
        """Whether there were two answers, or two refusals that are not the same sentence said again."""
        refusals = {text for _, what, text in self.finals if what is Said.REFUSED}
        answers = [what for _, what, _ in self.finals if what is not Said.REFUSED]
        return len(refusals) > 1 or len(answers) > 1

    def outcome(self, deadline: float) -> Outcome:
        """What came of it by `deadline`."""
        answers = [said for said in self.finals if said[1] is not Said.REFUSED] or self.finals
        if answers:
            at, what, _ = answers[0]
            return Outcome(what) if at <= deadline else Outcome.HUNG
        if self.slack_error:
            return Outcome.SLACK
        if self.killed:
            return Outcome.KILLED
        return Outcome.HUNG if self.said else Outcome.LOST

    def _read(self, shown: dict[str, Any]) -> tuple[Said, str]:
        blocks = shown.get("blocks") or []
        is_view = "title" in shown
        text = "\n".join(visible_texts(blocks)) if is_view else str(shown.get("text") or "")
        if any(words in text for words in INTERIM):
            return Said.INTERIM, text
        if self.kind is Kind.POST and shown.get("ephemeral_for") and _ROW.search(text):
            return Said.INTERIM, text  # the private answer that was there before
        if self._is_right(text, is_view=is_view):
            return (Said.STALE if LAST_GOOD in text else Said.RIGHT), text
        labels = {element.label for element in find_elements(blocks)}
        if not _ROW.search(text) and ("Try again" in labels or _WORDED.search(text)):
            return Said.REFUSED, text
        return Said.WRONG, text

    def _is_right(self, text: str, *, is_view: bool) -> bool:
        if self.kind is Kind.LONG:
            return text.count(" need") > 0 or bool(_ROW.search(text))
        if self.kind is Kind.DIGESTS:
            return bool(_DIGESTS.search(text))
        if is_view:
            return all(task in text and self._says(status, text) for task, status in self.rows[:1])
        found = [(row["task"], row["status"], row["room"]) for row in _ROW.finditer(text)]
        return len(found) == len(self.rows) and all(
            room == self.room and task == shown and (status == told or told in self.also_right)
            for (task, status), (shown, told, room) in zip(self.rows, found, strict=True)
        )

    def _says(self, status: str, text: str) -> bool:
        return any(word in text for word in (status, *self.also_right))


def row_of(task_id: str, status: int) -> Row:
    """The row that an answer shows of a recording."""
    return task_id, label(status)
