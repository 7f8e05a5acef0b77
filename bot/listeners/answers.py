"""How questions are answered: from what was typed or clicked to the message, the same for every listener."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.blocks import ids
from bot.blocks.answer import PRIVATE
from bot.blocks.buttons import actions, button
from bot.blocks.details import build_details_blocks, build_details_text
from bot.blocks.rendered import Rendered
from bot.listeners.asking import again, question_of_button, read_question, timeless_query
from bot.listeners.delivery import note_query
from bot.page import ButtonState, Question
from bot.query import format_query

if TYPE_CHECKING:
    from bot.blocks.answer import Audience
    from bot.blocks.rendered import RenderedAnswers
    from bot.clock import Clock
    from bot.listeners.access import Asker
    from bot.listeners.channels import Channels
    from bot.listeners.reply import Message, Reply
    from bot.people import People
    from bot.query import RecordingQuery
    from bot.recordings import Recordings
    from bot.triage.judged import Triage

audit = logging.getLogger("bot.audit")


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
    triage: Triage
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

    async def typed(self, text: str, asker: Asker, reply: Reply) -> Question:
        """The question that a person typed.

        Raises:
            QueryError: the text is not a question; its correction is what `reply` offers to ask.
        """
        return read_question(text, self.clock.now(), await self.people.zone(asker.user_id), reply)

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

    async def message(self, question: Question, reply: Reply, audience: Audience) -> Message:
        """The message that answers a question: one screen of a list, or one task.

        Args:
            question: what is asked; it is what `Try again` asks from now on.
            reply: is told how far a long scan is.
            audience: who reads it.

        Raises:
            QueryError: the window means nothing at this moment.
            ZegoError, TooLateError: the vendor does not know the task, or does not answer.
        """
        reply.again = again(question)
        note_query(question.query)
        if question.query.task is not None:
            return await self._task(question.query.task, question, audience)
        return self.rendered.message(await self.recordings.find(question, reply.progress), audience)

    async def show(
        self, question: Question, asker: Asker, reply: Reply, *, everyone: bool, replace: bool = False
    ) -> None:
        """Answer, for everyone only where no outsiders read: there it is private, and its button asks first.

        Args:
            question: what is asked.
            asker: who, and in which channel.
            reply: the way back.
            everyone: all who read the channel are to see it.
            replace: a private answer takes the place of the message that was clicked.
        """
        audience = await self.channels.audience(asker) if everyone else PRIVATE
        if audience.asks_first:
            audience = PRIVATE
        work = self.message(question, reply, audience)
        sent = await reply.show(work, replace=replace and not audience.everyone, everyone=audience.everyone)
        if sent and audience.everyone:
            audit_post(asker, question, sent)

    async def _task(self, task_id: str, question: Question, audience: Audience) -> Message:
        """A task's details and verdicts."""
        details, verdicts = await self.triage.task(task_id, refresh=question.refresh)
        blocks = build_details_blocks(details, verdicts, zone=question.zone, audience=audience)
        state = ButtonState(1, 0, f"task={task_id}").encode()
        refresh_button = button("Refresh", ids.REFRESH, state)
        if audience.everyone:
            blocks = [*blocks, actions([refresh_button], ids.posted_by(audience.asked_by))]
        else:
            post = button("Post to channel", ids.POST, state)
            blocks = [*blocks, actions([refresh_button, post], "navigation")]
        return {
            "text": build_details_text(details, verdicts, zone=question.zone, audience=audience),
            "blocks": blocks,
        }


def audit_post(asker: Asker, question: Question, message: Message) -> None:
    """Log who let everyone see what, and where."""
    rows = message.rows if isinstance(message, Rendered) else 1
    query = format_query(question.query)
    audit.info("posted by=%s channel=%s query=%s rows=%d", asker.user_id, asker.channel_id, query, rows)
