"""Events: the bot is mentioned in a channel or a thread, or written to directly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.blocks.notices import build_help
from bot.errors import QueryError
from bot.query import wants_help
from bot.query.terms import KEYS
from bot.triage.message_text import question_of_message

if TYPE_CHECKING:
    from bot.listeners.access import Asker
    from bot.listeners.answers import Answers
    from bot.listeners.reply import Reply
    from bot.recordings import Recordings

_TERM = re.compile(
    rf"(?<!\S)(?:(?:{'|'.join(map(re.escape, sorted(KEYS, key=len, reverse=True)))})\s*[=:]|[^\W\d_]\w*=\S)",
    re.IGNORECASE,
)
"""A term, `statsu=ongoing` too: who writes that asks in this language, and wants to know of the slip."""


async def handle_question_in_words(
    reply: Reply, event: dict[str, Any], asker: Asker, answers: Answers, recordings: Recordings
) -> None:
    """`@Recordings room=1230 last=6h`, or the same without a mention in a direct message.

    The answer is for everyone in the thread; help and mistakes are private. Where people of other
    organisations read, the answer is private and its button asks first.
    """
    await reply.acknowledge()  # people's zones, and who reads the channel, may take Slack a while
    text = question_of_message(str(event.get("text") or ""))
    try:
        question = None if wants_help(text) else await answers.typed(text, asker, reply)
    except QueryError:
        if _TERM.search(text):
            raise
        question = None  # prose, not a question in this language
    if question is None:
        await reply.send(build_help(recordings.rooms_lately()))
        return
    await answers.show(question, asker, reply, everyone=True)
