"""The slash command `/recordings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.blocks.answer import PRIVATE
from bot.blocks.notices import build_help
from bot.digests.commands import misspells_digests, names_digests
from bot.listeners.digests import answer_digest_command, answer_digest_slip
from bot.query import wants_help

if TYPE_CHECKING:
    from bot.listeners.access import Asker
    from bot.listeners.answers import Answers
    from bot.listeners.digest_desk import DigestDesk
    from bot.listeners.reply import Message, Reply
    from bot.recordings import Recordings


async def handle_recordings_command(
    reply: Reply,
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    recordings: Recordings,
    desk: DigestDesk,
) -> None:
    """Answer `/recordings …` privately."""
    text = str(body.get("text") or "")
    known = answers.known(text, asker.user_id)  # for a person who is known too: no waiting, no task for it
    if known is not None:
        await reply.send(known)
        return
    if wants_help(text):
        await reply.send(build_help(recordings.rooms_lately()))
        return
    if names_digests(text):
        await answer_digest_command(text, reply, asker, desk)
        return
    if slip := misspells_digests(text):
        await answer_digest_slip(slip, reply)
        return

    async def work() -> Message:
        return await answers.message(await answers.typed(text, asker, reply), reply, PRIVATE)

    await reply.show(work())
