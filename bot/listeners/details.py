"""Details of one recording: the modal behind a row's button, and what its own buttons do."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bot.blocks.answer import Audience
from bot.blocks.details import build_details_modal
from bot.blocks.modals import build_loading_modal, build_ticket_modal, with_note
from bot.errors import RecordingsError, SlackRefusedError
from bot.listeners.answers import audit_post
from bot.listeners.delivery import note_problem
from bot.listeners.modals import Modal
from bot.listeners.origin import origin_of, origin_of_click
from bot.page import Question
from bot.query import RecordingQuery
from bot.slack_client import SLACK_ERRORS, slack_word

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.listeners.access import Asker
    from bot.listeners.answers import Answers
    from bot.listeners.channels import Channels
    from bot.listeners.once import Once
    from bot.listeners.origin import Origin
    from bot.listeners.reply import Message, Reply
    from bot.people import People
    from bot.slack_client import SlackClient
    from bot.triage.judged import Triage


async def handle_details(
    reply: Reply,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    triage: Triage,
    people: People,
    channels: Channels,
    slack: AsyncWebClient,
) -> None:
    """`Details`: a modal, open at once and then filled in."""
    await reply.acknowledge()
    task_id = answers.carried(action).task or ""
    origin = replace(origin_of_click(body, replaces=False), task_id=task_id)
    async with Modal.opened(slack, body, build_loading_modal("Recording")) as modal:
        zone = await people.zone(asker.user_id)
        outsiders = await channels.may_be_shared(asker.channel_id)
        details, verdicts = await reply.under_way(triage.task(task_id))
        await modal.update(
            build_details_modal(
                details,
                verdicts,
                zone=zone,
                private_metadata=origin.encode(),
                thread=bool(origin.thread_ts),
                outsiders=outsiders,
            )
        )


async def handle_details_post(
    reply: Reply,
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    people: People,
    channels: Channels,
    once: Once,
    slack: SlackClient,
) -> None:
    """`Post to thread`: the details as a message that everyone sees."""
    await reply.acknowledge()
    view = body.get("view") or {}
    origin, modal = origin_of(view), Modal(slack, str(view.get("id") or ""))
    async with once.begin("post", asker.user_id, origin.encode()) as first:
        try:
            note = "This has been posted."
            if first:
                zone = await people.zone(asker.user_id)
                question = Question(RecordingQuery(task=origin.task_id), zone)
                shared = await channels.may_be_shared(origin.channel_id)
                work = answers.message(question, reply, Audience(asker.user_id), links=not shared)
                message = await reply.under_way(work)
                await _post(slack, origin, message)
                audit_post(asker, question, message)
                note = "Posted."
        except RecordingsError as error:
            reference = note_problem(error)
            note = f"{error} Reference {reference}." if reference else str(error)
    await modal.update(with_note(view, note))


async def _post(slack: SlackClient, origin: Origin, message: Message) -> None:
    """Post by the response_url, which needs no membership, or by the Web API when that is old."""
    thread = {"thread_ts": origin.thread_ts} if origin.thread_ts else {}
    try:
        if origin.response_url:
            body = {"response_type": "in_channel", "replace_original": False, **thread, **message}
            answer = await slack.post(origin.response_url, body)
            if answer.status_code == HTTPStatus.OK:
                return
        await slack.chat_postMessage(
            channel=origin.channel_id,
            thread_ts=origin.thread_ts or None,
            unfurl_links=False,
            unfurl_media=False,
            **message,
        )
    except SLACK_ERRORS as error:
        raise SlackRefusedError("the message", slack_word(error)) from None


async def handle_ticket(reply: Reply, body: dict[str, Any], triage: Triage, slack: AsyncWebClient) -> None:
    """`Copy for ZEGOCLOUD support`: one block of text to paste into a ticket."""
    await reply.acknowledge()
    origin = origin_of(body.get("view") or {})
    async with Modal.opened(slack, body, build_loading_modal("For a ticket"), above=True) as modal:
        details, verdicts = await reply.under_way(triage.task(origin.task_id))
        await modal.update(build_ticket_modal(details, verdicts))


async def handle_link(reply: Reply) -> None:
    """A button that opens an address reports its click too; there is nothing to do."""
    await reply.acknowledge()
