"""The form that asks for recordings: opened by shortcuts and buttons, and answered."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.features.form.fields import (
    Opened,
    Where,
    build_form,
    build_loading_form,
    kept_terms,
    read_form,
    suggested_query,
)
from bot.features.form.found_ids import existing_first, find_ids
from bot.recordings.page import Question
from bot.slack.message_text import texts_of_message
from bot.slack.modals import Modal
from bot.slack.payload import ModalMetadata, message_clicked, metadata_of_click, metadata_of_view
from bot.slack.web_client import SLACK_ERRORS, slack_word

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable

    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

    from bot.clock import Clock
    from bot.features.answers.service import Answers
    from bot.features.form.found_ids import FoundIds
    from bot.query.terms import RecordingQuery
    from bot.recordings.service import Recordings
    from bot.slack.blocks import Message
    from bot.slack.channels import Channels
    from bot.slack.payload import Asker
    from bot.slack.people import People
    from bot.slack.sender import Sender
    from bot.slack.web_client import SlackClient


logger = logging.getLogger(__name__)

THREAD_MESSAGES = 20
"""How many of a thread's first and of its latest messages are read for IDs, each."""

THREAD_PAGE = 200
"""Slack's advice for one call (Slack docs, conversations.replies)."""

LOOKS_FOR_THE_END = 5
"""How many calls look for the latest messages of a thread of more than a page, at most; usually it is one."""

PATIENCE_SECONDS = 1.5
"""How long a form waits for its thread and for what ZEGOCLOUD has: the message itself is there at once."""


async def handle_message_shortcut(
    sender: Sender,
    body: dict[str, Any],
    asker: Asker,
    recordings: Recordings,
    people: People,
    room_pattern: re.Pattern[str] | None,
    slack: SlackClient,
) -> None:
    """`Find recordings` on a message: a form, open at once, then filled in with what the message tells."""
    await sender.acknowledge()
    message = body.get("message") or {}
    thread_ts = str(message.get("thread_ts") or message.get("ts") or "")
    metadata = replace(metadata_of_click(body, replaces=False), thread_ts=thread_ts)
    async with Modal.opened(slack, body, build_loading_form(reading=True)) as modal:
        now = asyncio.get_running_loop().time
        deadline = now() + PATIENCE_SECONDS
        texts = texts_of_message(message)
        if message.get("thread_ts"):
            texts += await texts_of_thread(slack, asker.channel_id, thread_ts, deadline)
        # A long and odd thread takes a second to be searched, in which others are answered.
        mentioned = await asyncio.to_thread(find_ids, texts, room_pattern=room_pattern)
        found = await existing_first(mentioned, recordings, max(0.0, deadline - now()))
        note = "" if found else "I found no room or task in this message: say what to look for."
        await modal.update(await _form(None, metadata, Opened.THREAD, asker, people, found=found, note=note))


async def handle_global_shortcut(
    sender: Sender, body: dict[str, Any], asker: Asker, people: People, slack: AsyncWebClient
) -> None:
    """`Find recordings` from anywhere, and the Home tab's button: a form that asks where to answer."""
    await sender.acknowledge()
    async with Modal.opened(slack, body, build_loading_form()) as modal:
        await modal.update(await _form(None, ModalMetadata(), Opened.ANYWHERE, asker, people))


async def handle_edit(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    people: People,
    channels: Channels,
    slack: AsyncWebClient,
) -> None:
    """`Edit query…` and `Open the form`: the form with the query that the button carries."""
    await sender.acknowledge()
    clicked = message_clicked(body)
    query = answers.carried(action) if action.get("value") else None
    metadata = metadata_of_click(body, replaces=clicked.ephemeral)
    opened = Opened.THREAD if metadata.thread_ts else Opened.CHANNEL
    if metadata.channel_id.startswith("D"):
        opened = Opened.DIRECT
    where = None if clicked.poster == asker.user_id else Where.PRIVATE
    async with Modal.opened(slack, body, build_loading_form()) as modal:
        if await channels.is_own_direct_message(asker):
            metadata = replace(metadata, replaces=True)
        await modal.update(await _form(query, metadata, opened, asker, people, where=where))


async def handle_form(
    sender: Sender,
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    people: People,
    clock: Clock,
) -> None:
    """The form was sent: the answer where it was asked for."""
    view = body.get("view") or {}
    metadata, zone = metadata_of_view(view), await people.zone(asker.user_id)
    result = read_form(view.get("state") or {}, now=clock.now(), zone=zone, fallback=metadata.kept)
    await sender.acknowledge()
    question, everyone = Question(result.query, zone), result.where is not Where.PRIVATE
    await answers.show(question, asker, sender, everyone=everyone, replace=metadata.replaces)


async def _form(
    query: RecordingQuery | None,
    metadata: ModalMetadata,
    opened: Opened,
    asker: Asker,
    people: People,
    *,
    where: Where | None = None,
    found: FoundIds | None = None,
    note: str = "",
) -> dict[str, Any]:
    shown = query or suggested_query(found)
    return build_form(
        query=query,
        zone=await people.zone(asker.user_id),
        opened=opened,
        where=where,
        found=found,
        note=note,
        private_metadata=replace(metadata, kept=kept_terms(shown)).encode(),
    )


async def texts_of_thread(slack: SlackClient, channel_id: str, thread_ts: str, deadline: float) -> list[str]:
    """The texts of a thread's first and of its latest messages, as far as the bot may read them by then.

    Slack's pace is never waited for: at `deadline` (event-loop time) what was read has to do.
    """
    ask = partial(
        slack.impatient().conversations_replies, channel=channel_id, ts=thread_ts, limit=THREAD_PAGE
    )
    messages: list[Message] = []
    try:
        async with asyncio.timeout_at(deadline):
            answer = await ask()
            messages = list(answer.get("messages") or [])
            if answer.get("has_more") and messages:
                messages += await _latest(ask, messages)
    except (*SLACK_ERRORS, ValueError) as error:  # a time-out is one of them
        logger.info("Slack did not show all of a thread in %s: %s", channel_id, slack_word(error))
    if len(messages) > 2 * THREAD_MESSAGES:
        messages = messages[:THREAD_MESSAGES] + messages[-THREAD_MESSAGES:]
    return [text for message in messages for text in texts_of_message(message)]


async def _latest(ask: Callable[..., Awaitable[AsyncSlackResponse]], first: list[Message]) -> list[Message]:
    """The latest messages of a thread that goes on behind its first page.

    Slack sends the earliest of a stretch of time first, and the thread's first message with every page (Slack
    docs, conversations.replies). So the end is looked for in shorter and shorter stretches before the latest
    reply, until one has no more than a page; the last of them is that one alone.
    """
    known = {message.get("ts") for message in first}
    last_known, latest_ts = str(first[-1].get("ts") or "0"), str(first[0].get("latest_reply") or "0")
    since, until = float(last_known), float(latest_ts)
    stretches: list[dict[str, Any]] = [
        {"oldest": last_known},
        *({"oldest": f"{until - (until - since) / 8**n:.6f}"} for n in range(1, LOOKS_FOR_THE_END - 1)),
        {"oldest": latest_ts, "inclusive": True},
    ]
    answer: dict[str, Any] | AsyncSlackResponse = {}
    for stretch in stretches if until > since else stretches[:1]:
        answer = await ask(**stretch)
        if not answer.get("has_more"):
            break
    return [message for message in answer.get("messages") or () if message.get("ts") not in known]
