"""Details of one recording: the modal behind a row's button, and what its own buttons do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.errors import RecordingsError
from bot.features.answers.service import audit_post
from bot.features.details.message import build_details_modal, build_ticket_modal
from bot.query.terms import RecordingQuery
from bot.recordings.page import Question
from bot.slack import ids
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.blocks import build_loading_modal, with_note
from bot.slack.delivery_log import note_problem
from bot.slack.modals import Modal
from bot.slack.payload import metadata_of_click, metadata_of_view

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.features.answers.service import Answers
    from bot.recordings.details import DetailsService
    from bot.slack.audience import Audience
    from bot.slack.channels import Channels
    from bot.slack.deduplication import Deduplication
    from bot.slack.payload import Asker, ModalMetadata
    from bot.slack.people import People
    from bot.slack.sender import Sender
    from bot.slack.web_client import SlackClient


async def handle_details(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    details_service: DetailsService,
    people: People,
    channels: Channels,
    slack: AsyncWebClient,
) -> None:
    """`Details`: a modal that opens at once and is then filled in."""
    await sender.acknowledge()
    task_id = answers.carried(action).task or ""
    metadata = replace(metadata_of_click(body), task_id=task_id)
    async with Modal.opened(slack, body, build_loading_modal("Recording")) as modal:
        zone = await people.zone(asker.user_id)
        posted = await channels.audience(asker)
        await modal.update(await sender.under_way(_details(details_service, metadata, zone, posted)))


async def _details(
    details_service: DetailsService, metadata: ModalMetadata, zone: str, posted: Audience
) -> dict[str, Any]:
    """The modal's view; `posted` is the audience of the details if they are posted."""
    details, verdicts = await details_service.task(metadata.task_id)
    return build_details_modal(
        details,
        verdicts,
        zone=zone,
        private_metadata=metadata.encode(),
        thread=bool(metadata.thread_ts),
        posted=posted,
    )


async def handle_details_post(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    answers: Answers,
    details_service: DetailsService,
    people: People,
    channels: Channels,
    deduplication: Deduplication,
    slack: SlackClient,
) -> None:
    """`Post to thread`: the details as a message that everyone sees.

    If outsiders have joined since the modal was opened, it is updated, and its button asks first.
    """
    await sender.acknowledge()
    view = body.get("view") or {}
    metadata, modal = metadata_of_view(view), Modal(slack, str(view.get("id") or ""))
    confirmed = action.get("action_id") == ids.DETAILS_POST_TO_OUTSIDERS
    note = "This has been posted."
    try:
        zone = await people.zone(asker.user_id)
        audience = await channels.audience(asker, confirmed=confirmed)
        if audience.asks_first:
            view = await sender.under_way(_details(details_service, metadata, zone, audience))
            await modal.update(
                with_note(view, f"{OUTSIDERS_READ}. Press the button again to post the details.")
            )
            return
        async with deduplication.begin("post", asker.user_id, metadata.encode()) as first:
            if first:
                question = Question(RecordingQuery(task=metadata.task_id), zone)
                message = await sender.under_way(answers.message(question, sender, audience))
                await sender.send(message, everyone=True)
                audit_post(asker, question, message)
                note = "Posted."
    except RecordingsError as error:
        reference = note_problem(error)
        note = f"{error} Reference {reference}." if reference else str(error)
    await modal.update(with_note(view, note))


async def handle_ticket(
    sender: Sender, body: dict[str, Any], details_service: DetailsService, slack: AsyncWebClient
) -> None:
    """`Copy for ZEGOCLOUD support`: one block of text to paste into a ticket."""
    await sender.acknowledge()
    metadata = metadata_of_view(body.get("view") or {})
    async with Modal.opened(slack, body, build_loading_modal("For a ticket"), above=True) as modal:
        details, verdicts = await sender.under_way(details_service.task(metadata.task_id))
        await modal.update(build_ticket_modal(details, verdicts))


async def handle_link(sender: Sender) -> None:
    """A button that opens an address reports its click too; nothing to do."""
    await sender.acknowledge()
