"""Questions in a mention or a direct message, and clicks on the buttons of an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.errors import QueryError
from bot.features.answers.service import again, audit_post
from bot.features.help import build_help
from bot.query.parser import wants_help
from bot.query.terms import KEYS
from bot.query.wording import describe_subject
from bot.slack import ids
from bot.slack.audience import PRIVATE
from bot.slack.blocks import escape
from bot.slack.message_text import question_of_message
from bot.slack.notices import build_notice, build_outsiders_warning
from bot.slack.payload import message_clicked

if TYPE_CHECKING:
    from bot.features.answers.csv_export import CsvExport
    from bot.features.answers.service import Answers
    from bot.recordings.service import Recordings
    from bot.slack.blocks import Message
    from bot.slack.channels import Channels
    from bot.slack.deduplication import Deduplication
    from bot.slack.payload import Asker
    from bot.slack.sender import Sender

_TERM = re.compile(
    rf"(?<!\S)(?:(?:{'|'.join(map(re.escape, sorted(KEYS, key=len, reverse=True)))})\s*[=:]|[^\W\d_]\w*=\S)",
    re.IGNORECASE,
)
"""A term, even misspelled (`statsu=ongoing`): whoever writes that wants to know about the typo."""


async def handle_question_in_words(
    sender: Sender, event: dict[str, Any], asker: Asker, answers: Answers, recordings: Recordings
) -> None:
    """`@Recordings room=1230 last=6h`, or the same without a mention in a direct message.

    The answer is for everyone in the thread; help and mistakes are private. If people of other organizations
    can read it, the answer is private and its button asks first.
    """
    await sender.acknowledge()  # Slack may take a while to tell zones and who reads the channel
    text = question_of_message(str(event.get("text") or ""))
    try:
        question = None if wants_help(text) else await answers.typed(text, asker, sender)
    except QueryError:
        if _TERM.search(text):
            raise
        question = None  # prose, not a question in this language
    if question is None:
        await sender.send(build_help(recordings.rooms_lately()))
        return
    await answers.show(question, asker, sender, everyone=True)


async def handle_navigation(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    channels: Channels,
) -> None:
    """`Newer`, `Older`, `Refresh`, `Show …`, `Try again`: another screen in place of this one.

    If others see the message, only the person who asked changes it; anyone else is answered privately.
    """
    await sender.acknowledge()
    clicked = message_clicked(body)
    shared = clicked.poster == asker.user_id
    alone = clicked.ephemeral or await channels.is_own_direct_message(asker)
    sender.over_notice = clicked.notice and alone

    async def work() -> Message:
        question = await answers.clicked(action, asker)
        if action.get("action_id") == ids.REFRESH:
            question = replace(question, refresh=True)
        return await answers.message(question, sender, await channels.audience(asker) if shared else PRIVATE)

    await sender.show(work(), replace=shared or alone, everyone=shared)


async def handle_post(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    channels: Channels,
    deduplication: Deduplication,
) -> None:
    """`Post to channel`: everyone sees the answer, and who asked; a notice replaces the clicked message.

    If people of other organizations can read it, the bot asks first, and leaves file links out.
    """
    await sender.acknowledge()
    question, value = await answers.clicked(action, asker), str(action.get("value") or "")
    confirmed = action.get("action_id") == ids.POST_TO_OUTSIDERS
    audience = await channels.audience(asker, confirmed=confirmed)
    if audience.asks_first:
        await sender.send(build_outsiders_warning(value))
        return
    sender.again_id = ids.POST
    async with deduplication.begin("post", asker.user_id, asker.channel_id, value) as first:
        if not first:
            await sender.send(build_notice("This is being posted already."))
            return
        posted = await sender.show(answers.message(question, sender, audience), everyone=True)
    if posted:
        audit_post(asker, question, posted)
    where = "in the thread" if (body.get("container") or {}).get("thread_ts") else "to the channel"
    subject = escape(describe_subject(question.query))
    await sender.send(build_notice(f"Posted {where}: {subject}."), replace=True)


async def handle_export(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    csv_export: CsvExport,
    channels: Channels,
) -> None:
    """`Export CSV`: a file with every page, by direct message, or in the thread of a posted answer.

    If somebody else clicks on a posted answer, that person gets the file. If people of other organizations
    can read the thread, the file goes to the asker alone.
    """
    await sender.acknowledge()
    question = await answers.clicked(action, asker)
    sender.again, sender.again_id = again(question), ids.EXPORT
    posted = message_clicked(body).poster == asker.user_id
    thread_ts = ""
    if posted and not (await channels.audience(asker)).asks_first:
        container = body.get("container") or {}
        thread_ts = str(container.get("thread_ts") or container.get("message_ts") or "")
    # Only the upload shows whether the bot is in the channel, and can post the file in its thread.
    notice = "Preparing the file …" if thread_ts else "Preparing the file; it comes by direct message."
    await sender.send(build_notice(notice))
    await sender.show(csv_export.deliver(question, asker, sender.progress, thread_ts=thread_ts))


async def handle_help(sender: Sender, recordings: Recordings) -> None:
    """`Help`."""
    await sender.acknowledge()
    await sender.send(build_help(recordings.rooms_lately()))
