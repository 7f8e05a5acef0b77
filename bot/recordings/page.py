"""A question and one screen of its answer: the values between asking, showing and the buttons (pure)."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from bot.models import RUNNING
from bot.verdicts.judge import worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.models import Recording, RecordingDetails, Unreadable
    from bot.query.terms import RecordingQuery
    from bot.query.times import Window
    from bot.verdicts.types import Verdict


VERSION = "v1"
"""Of the text that buttons carry. An older version is still read, a newer one is answered with advice."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row next to which a screen begins, so that paging neither repeats nor skips when the list changes.

    `forward` is True for the rows behind it in the list's order, False for the rows in front of it.
    """

    began_ms: int
    task_id: str
    forward: bool

    @property
    def order(self) -> tuple[int, str]:
        return (self.began_ms, self.task_id)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom it is read, and when.

    Attributes:
        query: what was typed or pressed; its `page` says which screen.
        zone: the reader's IANA zone, for words and for `from=`/`to=` without a zone.
        asked_ms: the moment the question was asked, Unix ms; None for a question asked now.
        cursor: where the screen begins when the reader came by `Newer` or `Older`.
        refresh: an answer that is already known is not good enough.
    """

    query: RecordingQuery
    zone: str
    asked_ms: int | None = None
    cursor: Cursor | None = None
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the same question finds in everything the API can see, when its own window has nothing.

    `asked_ms` is the moment from which that is counted back (Unix ms): now, also where the question was asked
    long ago. 0 where it is the question's own.
    """

    total: int
    exact: bool
    latest: Recording | None
    asked_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a recording beyond its row in a list; each part is None where it is not.

    Attributes:
        ended_ms: when it ended (Unix ms).
        lasted_ms: from its beginning to its end, or until now while it runs.
        verdict: the worst that is known.
        files: how many it has.
        size_bytes: how big they are together.
    """

    ended_ms: int | None
    lasted_ms: int | None
    verdict: Verdict | None
    files: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One screen of an answer.

    Attributes:
        question: what was asked, with the moment filled in.
        window: the window that was searched, clamped to what the API can see.
        recordings: the rows of this screen, in the asked order.
        first: how many rows of the whole answer stand in front of this screen.
        total: how many recordings the whole answer has; a lower bound where `exact` is False.
        newer, older: cursors of the neighbouring screens, None where there is none. `newer` leads to the
            screen before this one, whatever the order.
        running_before: how many are still running that started before the window, for statuses that look
            at everything running; for `attention` how many of those need it.
        before_exact: False where that is a lower bound.
        begun_before: those, while it is still to be judged which of them need attention.
        running: all that runs now, at least in the rooms of these rows; None where that is not known. Only
            then is a recording known to be the only one in its room.
        as_of_ms: when the oldest part of this answer was taken from the vendor, by our clock.
        skew_ms: the vendor's clock minus ours, 0 where they agree or nothing is known.
        unreadable: recordings that the vendor sent and that could not be read; `notes` says so.
        notes: sentences the reader has to know (a repeated hour, a page that is not there).
        sees_back_to_ms: how far back the vendor's API knows anything, where the asked window reaches further.
        elsewhere, similar_rooms: what may have been meant, when nothing was found.
        details: of rows that somebody asked about lately, by task ID, as of the row's own status.
        verdicts: what is known to be wrong with rows, by task ID, the worst first; where `details` has the
            row, `fine` too.
        failure: why this is not fresh: the sentence of the error that made an older answer serve again.
    """

    question: Question
    window: Window
    recordings: tuple[Recording, ...]
    first: int
    total: int
    exact: bool
    newer: Cursor | None
    older: Cursor | None
    as_of_ms: int
    skew_ms: int = 0
    running_before: int = 0
    before_exact: bool = True
    begun_before: tuple[Recording, ...] = ()
    running: tuple[Recording, ...] | None = None
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()
    sees_back_to_ms: int | None = None
    elsewhere: Elsewhere | None = None
    similar_rooms: tuple[str, ...] = ()
    details: Mapping[str, RecordingDetails] = field(default_factory=dict)
    verdicts: Mapping[str, tuple[Verdict, ...]] = field(default_factory=dict)
    failure: str = ""

    @property
    def now_ms(self) -> int:
        """The vendor's now when this answer was taken (Unix ms): what runs has run from its start to here."""
        return self.as_of_ms + self.skew_ms

    @property
    def number(self) -> int:
        """This screen's number, from 1."""
        return self.question.query.page

    @property
    def count(self) -> int:
        """How many screens there are, as far as `total` tells."""
        return max(1, self.number, -(-self.total // self.question.query.size))

    def outcome(self, row: Recording) -> Outcome:
        """What is known of one of its rows; `answer_text.worst_verdict` says which verdict people read."""
        details = self.details.get(row.task_id)
        ended_ms = details.ended_ms if details and row.status not in RUNNING else None
        until_ms = self.now_ms if row.status in RUNNING else ended_ms
        return Outcome(
            ended_ms=ended_ms,
            lasted_ms=max(0, until_ms - row.began_ms) if until_ms is not None else None,
            verdict=worst(self.verdicts.get(row.task_id, ())),
            files=details.file_count if details else None,
            size_bytes=details.size_bytes if details else None,
        )


@dataclass(frozen=True, slots=True)
class ButtonState:
    """What a button carries: `v1|page|moment asked|canonical query`.

    The page is a number, followed for `Newer` and `Older` by the row next to which it begins:
    `2>1628565227899.YRHu6-E4IyvEAAAD` is what follows that row, `<` what stands in front of it. A query that
    would not fit stands there compressed, behind a `~`.
    """

    page: int
    asked_ms: int
    query: str
    cursor: Cursor | None = None

    def encode(self) -> str:
        """The text: at most 2,000 characters for every query that the language allows."""
        where = ""
        if self.cursor:
            task_id = quote(self.cursor.task_id, safe="")
            where = f"{'>' if self.cursor.forward else '<'}{self.cursor.began_ms}.{task_id}"
            if len(where) > MAX_CURSOR:  # the page's number has to do
                where = ""
        head = f"{VERSION}|{self.page}{where}|{self.asked_ms}|"
        fits = len(head) + len(self.query) <= MAX_VALUE and not self.query.startswith(_PACKED)
        return head + (self.query if fits else _pack(self.query))


MAX_VALUE = 2_000
"""Slack's limit for a button's value, in characters (Slack docs)."""

MAX_CURSOR = 100
MAX_QUERY = 16_000
"""A packed query that unfolds to more bytes is none that this bot wrote."""

_PACKED = "~"
_STATE = re.compile(
    r"v1\|(?P<page>[0-9]{1,6})(?:(?P<side>[<>])(?P<began>[0-9]{1,15})\.(?P<task>[^|]{0,99}))?"
    r"\|(?P<asked>[0-9]{1,13})\|(?P<query>.*)",
    re.DOTALL | re.ASCII,
)


def decode_button(value: str) -> ButtonState | None:
    """Read what a button carries; None for anything that this version cannot read."""
    match = _STATE.fullmatch(value)
    if not match or int(match["page"]) < 1:
        return None
    query: str | None = match["query"]
    if match["query"].startswith(_PACKED):
        query = _unpack(match["query"])
    if query is None:
        return None
    cursor = None
    if match["side"]:
        cursor = Cursor(int(match["began"]), unquote(match["task"]), match["side"] == ">")
    return ButtonState(int(match["page"]), int(match["asked"]), query, cursor)


def _pack(query: str) -> str:
    return _PACKED + base64.urlsafe_b64encode(zlib.compress(query.encode(), 9)).decode()


def _unpack(text: str) -> str | None:
    unpacker = zlib.decompressobj()
    try:
        packed = base64.b64decode(text.removeprefix(_PACKED), altchars=b"-_", validate=True)
        query = unpacker.decompress(packed, MAX_QUERY).decode()
    except (ValueError, zlib.error):
        return None
    return query if unpacker.eof else None
