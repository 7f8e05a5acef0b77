"""The slash command `/recordings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.features.digests.commands import misspells_digests, names_digests
from bot.features.digests.listeners import answer_digest_command, answer_digest_slip
from bot.features.help import build_help
from bot.query.parser import wants_help
from bot.slack.audience import PRIVATE

if TYPE_CHECKING:
    from bot.features.answers.service import Answers
    from bot.features.digests.listeners import DigestCommands
    from bot.recordings.service import Recordings
    from bot.slack.blocks import Message
    from bot.slack.payload import Asker
    from bot.slack.sender import Sender


async def handle_recordings_command(
    sender: Sender,
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    recordings: Recordings,
    digest_commands: DigestCommands,
) -> None:
    """Answer `/recordings …` privately."""
    text = str(body.get("text") or "")
    known = answers.known(text, asker.user_id)  # at hand, in a known zone: no waiting
    if known is not None:
        await sender.send(known)
        return
    if wants_help(text):
        await sender.send(build_help(recordings.rooms_lately()))
        return
    if names_digests(text):
        await answer_digest_command(text, sender, asker, digest_commands)
        return
    if slip := misspells_digests(text):
        await answer_digest_slip(slip, sender)
        return

    async def work() -> Message:
        return await answers.message(await answers.typed(text, asker, sender), sender, PRIVATE)

    await sender.show(work())
