"""Clicks on the buttons of an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.blocks import ids
from bot.blocks.answer import PRIVATE
from bot.blocks.notices import build_help, build_notice, build_outsiders_warning
from bot.blocks.text import escape
from bot.listeners.answers import audit_post
from bot.listeners.asking import again
from bot.listeners.origin import message_clicked
from bot.query import describe_subject

if TYPE_CHECKING:
    from bot.listeners.access import Asker
    from bot.listeners.answers import Answers
    from bot.listeners.channels import Channels
    from bot.listeners.exports import Exports
    from bot.listeners.once import Once
    from bot.listeners.reply import Message, Reply
    from bot.recordings import Recordings


async def handle_navigation(
    reply: Reply,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    channels: Channels,
) -> None:
    """`Newer`, `Older`, `Refresh`, `Show …`, `Try again`: another screen in place of this one.

    On a message that others see only the person who asked changes it; anyone else is answered privately.
    """
    await reply.acknowledge()
    clicked = message_clicked(body)
    shared = clicked.poster == asker.user_id
    alone = clicked.ephemeral or await channels.is_own_direct_message(asker)
    reply.over_notice = clicked.notice and alone

    async def work() -> Message:
        question = await answers.clicked(action, asker)
        if action.get("action_id") == ids.REFRESH:
            question = replace(question, refresh=True)
        return await answers.message(question, reply, await channels.audience(asker) if shared else PRIVATE)

    await reply.show(work(), replace=shared or alone, everyone=shared)


async def handle_post(
    reply: Reply,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    channels: Channels,
    once: Once,
) -> None:
    """`Post to channel`: everyone sees the answer, and who asked; what was clicked makes way.

    Where people of other organisations read, that is said first, and file links are left out.
    """
    await reply.acknowledge()
    question, value = await answers.clicked(action, asker), str(action.get("value") or "")
    confirmed = action.get("action_id") == ids.POST_TO_OUTSIDERS
    audience = await channels.audience(asker, confirmed=confirmed)
    if audience.asks_first:
        await reply.send(build_outsiders_warning(value))
        return
    reply.again_id = ids.POST
    async with once.begin("post", asker.user_id, asker.channel_id, value) as first:
        if not first:
            await reply.send(build_notice("This is being posted already."))
            return
        posted = await reply.show(answers.message(question, reply, audience), everyone=True)
    if posted:
        audit_post(asker, question, posted)
    where = "in the thread" if (body.get("container") or {}).get("thread_ts") else "to the channel"
    subject = escape(describe_subject(question.query))
    await reply.send(build_notice(f"Posted {where}: {subject}."), replace=True)


async def handle_export(
    reply: Reply,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    exports: Exports,
    channels: Channels,
) -> None:
    """`Export CSV`: a file with every page, by direct message; of a posted answer in its thread.

    Anyone else's click on a posted answer brings that person the file. Where people of other organisations
    read, the file goes to the asker alone.
    """
    await reply.acknowledge()
    question = await answers.clicked(action, asker)
    reply.again, reply.again_id = again(question), ids.EXPORT
    posted = message_clicked(body).poster == asker.user_id
    thread_ts = ""
    if posted and not (await channels.audience(asker)).asks_first:
        container = body.get("container") or {}
        thread_ts = str(container.get("thread_ts") or container.get("message_ts") or "")
    # Whether the bot is in the channel, and so can bring a file into its thread, only the upload tells.
    notice = "Preparing the file …" if thread_ts else "Preparing the file; it comes by direct message."
    await reply.send(build_notice(notice))
    await reply.show(exports.deliver(question, asker, reply.progress, thread_ts=thread_ts))


async def handle_help(reply: Reply, recordings: Recordings) -> None:
    """`Help`."""
    await reply.acknowledge()
    await reply.send(build_help(recordings.rooms_lately()))
