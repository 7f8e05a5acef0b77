"""From what was typed or clicked to the message that answers it, the same for every listener."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from bot.concurrency import Lookups
from bot.errors import QueryError
from bot.features.answers.message import build_answer
from bot.features.recording_text import build_details_blocks, build_details_text
from bot.query.parser import format_query, parse_query, wants_help
from bot.recordings.page import ButtonState, Question, decode_button
from bot.slack import ids
from bot.slack.audience import PRIVATE
from bot.slack.blocks import Rendered, actions, button
from bot.slack.delivery_log import note_query

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.query.terms import RecordingQuery
    from bot.recordings.details import DetailsService
    from bot.recordings.page import Page
    from bot.recordings.service import Recordings
    from bot.slack.audience import Audience
    from bot.slack.blocks import Message
    from bot.slack.channels import Channels
    from bot.slack.payload import Asker
    from bot.slack.people import People
    from bot.slack.sender import Sender


def question_of_button(value: str, now_ms: int, zone: str) -> Question:
    """The question that a button carries.

    Raises:
        QueryError: the button is from a version that this one does not know, or its query is not one.
    """
    state = decode_button(value)
    if state is None:
        raise QueryError("This button is from another version of the bot. Type `/recordings` to ask again.")
    asked_ms = state.asked_ms or now_ms
    query = replace(parse_query(state.query, asked_ms / 1000, zone), page=state.page)
    return Question(query, zone, asked_ms if state.asked_ms else None, state.cursor)


def again(question: Question) -> ButtonState:
    """What `Try again` carries: the same question, at the moment of the click unless it had one."""
    return ButtonState(
        question.query.page,
        question.asked_ms or 0,
        format_query(replace(question.query, page=1)),
        question.cursor,
    )


def read_question(text: str, now: float, zone: str, sender: Sender) -> Question:
    """The question that a person typed; a mistake leaves its correction behind as what to ask again.

    Raises:
        QueryError: the text is not a question.
    """
    try:
        return Question(timeless_query(text, zone) or parse_query(text, now, zone), zone)
    except QueryError as error:
        sender.again = _suggested(error.suggestion, now, zone)
        raise


@lru_cache(maxsize=1_000)
def timeless_query(text: str, zone: str) -> RecordingQuery | None:
    """A query that means the same whenever it is read, kept because people repeat themselves; else None."""
    if wants_help(text):
        return None
    try:
        query = parse_query(text, 0.0, zone)
    except QueryError:
        return None
    return query if query.last_seconds is not None else None


def _suggested(suggestion: str, now: float, zone: str) -> ButtonState | None:
    """A suggestion that is a whole question can be asked by a button."""
    try:
        return again(Question(parse_query(suggestion, now, zone), zone)) if suggestion else None
    except QueryError:
        return None


audit = logging.getLogger("bot.audit")


KEPT = 500
"""Messages."""


class RenderedAnswers:
    """Keeps the messages of the answers shown lately, so that a cached answer costs no rendering."""

    def __init__(self) -> None:
        self.lookups = Lookups()
        self._messages: LRUCache[tuple[int, Audience], tuple[Page, Rendered]] = LRUCache(KEPT)

    def message(self, page: Page, audience: Audience) -> Rendered:
        """The message for a page. Treat it as read-only: it is shared."""
        key = (id(page), audience)
        kept = self._messages.get(key)
        if kept is not None and kept[0] is page:
            self.lookups.kept += 1
            return kept[1]
        self.lookups.fetched += 1
        message = Rendered(build_answer(page, audience))
        message.rows = len(page.recordings)
        self._messages[key] = (page, message)
        return message


@dataclass(frozen=True, slots=True)
class Answers:
    """Reads questions and answers them.

    Args:
        recordings: lists.
        triage: single tasks.
        rendered: messages that were made before.
        people: in whose zone a question is read and answered.
        channels: where outsiders read.
        clock: the moment of a question.
    """

    recordings: Recordings
    details_service: DetailsService
    rendered: RenderedAnswers
    people: People
    channels: Channels
    clock: Clock

    def known(self, text: str, user_id: str) -> Message | None:
        """The private answer to a typed question that needs no waiting; None for everything else."""
        zone = self.people.known_zone(user_id)
        query = timeless_query(text, zone) if zone else None
        page = self.recordings.known(Question(query, zone)) if zone and query else None
        if page is None:
            return None
        note_query(page.question.query)
        return self.rendered.message(page, PRIVATE)

    async def typed(self, text: str, asker: Asker, sender: Sender) -> Question:
        """The question that a person typed.

        Raises:
            QueryError: the text is not a question; its correction is what `sender` offers to ask.
        """
        return read_question(text, self.clock.now(), await self.people.zone(asker.user_id), sender)

    async def clicked(self, action: dict[str, Any], asker: Asker) -> Question:
        """The question that a button carries, to be answered in the zone of whoever pressed it.

        Raises:
            QueryError: this version cannot read it.
        """
        return self._carried(action, await self.people.zone(asker.user_id))

    def carried(self, action: dict[str, Any]) -> RecordingQuery:
        """The query that a button carries, known at once: the trigger of a modal lives for 3 seconds.

        Raises:
            QueryError: this version cannot read it.
        """
        return self._carried(action, "UTC").query

    def _carried(self, action: dict[str, Any], zone: str) -> Question:
        question = question_of_button(str(action.get("value") or ""), int(self.clock.now() * 1000), zone)
        note_query(question.query)
        return question

    async def message(self, question: Question, sender: Sender, audience: Audience) -> Message:
        """The message that answers a question: one screen of a list, or one task.

        Args:
            question: what is asked; it is what `Try again` asks from now on.
            sender: is told how far a long scan is.
            audience: who reads it.

        Raises:
            QueryError: the window means nothing at this moment.
            ZegoError, TooLateError: the vendor does not know the task, or does not answer.
        """
        sender.again = again(question)
        note_query(question.query)
        if question.query.task is not None:
            return await self._task(question.query.task, question, audience)
        return self.rendered.message(await self.recordings.find(question, sender.progress), audience)

    async def show(
        self, question: Question, asker: Asker, sender: Sender, *, everyone: bool, replace: bool = False
    ) -> None:
        """Answer, for everyone only where no outsiders read: there it is private, and its button asks first.

        Args:
            question: what is asked.
            asker: who, and in which channel.
            sender: the way back.
            everyone: all who read the channel are to see it.
            replace: a private answer takes the place of the message that was clicked.
        """
        audience = await self.channels.audience(asker) if everyone else PRIVATE
        if audience.asks_first:
            audience = PRIVATE
        work = self.message(question, sender, audience)
        sent = await sender.show(work, replace=replace and not audience.everyone, everyone=audience.everyone)
        if sent and audience.everyone:
            audit_post(asker, question, sent)

    async def _task(self, task_id: str, question: Question, audience: Audience) -> Message:
        """A task's details and verdicts."""
        details, verdicts = await self.details_service.task(task_id, refresh=question.refresh)
        blocks = build_details_blocks(details, verdicts, zone=question.zone, audience=audience)
        state = ButtonState(1, 0, f"task={task_id}").encode()
        refresh_button = button("Refresh", ids.REFRESH, state)
        if audience.everyone:
            blocks = [*blocks, actions([refresh_button], ids.posted_by(audience.asked_by))]
        else:
            post = button("Post to channel", ids.POST, state)
            blocks = [*blocks, actions([refresh_button, post], ids.Row.NAVIGATION)]
        return {
            "text": build_details_text(details, verdicts, zone=question.zone, audience=audience),
            "blocks": blocks,
        }


def audit_post(asker: Asker, question: Question, message: Message) -> None:
    """Log who let everyone see what, and where."""
    rows = message.rows if isinstance(message, Rendered) else 1
    query = format_query(question.query)
    audit.info("posted by=%s channel=%s query=%s rows=%d", asker.user_id, asker.channel_id, query, rows)
