"""Digests: the command's branch, the buttons of a posted digest and of the list, the form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.blocks.answer import PRIVATE
from bot.blocks.digest_form import build_digest_form, build_loading_digest_form
from bot.blocks.digest_notices import build_digest_help, build_digest_mistake
from bot.digests import ids
from bot.digests.commands import Verb, parse_digest_command
from bot.digests.form import allows_outsiders, kept_by_form, read_digest_form
from bot.digests.settings import query_of
from bot.errors import QueryError
from bot.listeners.delivery import note_problem
from bot.listeners.membership import check_may_manage
from bot.listeners.modals import Modal
from bot.listeners.origin import origin_of, origin_of_click
from bot.query.terms import RecordingQuery

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock
    from bot.listeners.access import Asker
    from bot.listeners.answers import Answers
    from bot.listeners.digest_desk import DigestDesk
    from bot.listeners.once import Once
    from bot.listeners.reply import Message, Reply
    from bot.people import People

TITLE = "Digest"

_VERBS = {
    ids.PAUSE: Verb.PAUSE,
    ids.RESUME: Verb.RESUME,
    ids.REMOVE: Verb.REMOVE,
    ids.RUN: Verb.RUN,
    ids.RESUME_FOR_OUTSIDERS: Verb.RESUME,
    ids.RUN_FOR_OUTSIDERS: Verb.RUN,
}
_CONFIRMED = {ids.RESUME_FOR_OUTSIDERS, ids.RUN_FOR_OUTSIDERS}


async def answer_digest_command(text: str, reply: Reply, asker: Asker, desk: DigestDesk) -> None:
    """Answer `/recordings digest …` privately; a mistake gets one sentence with the nearest right command."""

    async def work() -> Message:
        try:
            return await desk.obey(parse_digest_command(text), asker)
        except QueryError as error:
            note_problem(error)
            return build_digest_mistake(error)

    await reply.show(work())


async def answer_digest_slip(slip: QueryError, reply: Reply) -> None:
    """Answer `/recordings digets …` privately, with the command that was meant."""
    note_problem(slip)
    await reply.send(build_digest_mistake(slip))


async def handle_digest_button(
    reply: Reply, action: dict[str, Any], asker: Asker, desk: DigestDesk, once: Once
) -> None:
    """`Pause`, `Resume`, `Remove`, `Run now`: in a list the newer list takes its place."""
    listed = ids.is_listed(str(action.get("block_id") or ""))
    action_id, value = str(action.get("action_id")), str(action.get("value") or "")
    verb, confirmed = _VERBS[action_id], action_id in _CONFIRMED
    async with once.begin("digest", asker.user_id, asker.channel_id, action_id, value) as first:
        if verb is Verb.RUN and not first:
            await reply.acknowledge()  # a second click on the same button
            return
        work = desk.press(verb, value, asker, listed=listed, confirmed=confirmed)
        await reply.show(work, replace=listed or confirmed)


async def handle_digest_added_after_all(
    reply: Reply, action: dict[str, Any], asker: Asker, desk: DigestDesk, once: Once
) -> None:
    """`Add it anyway`, where people of other organisations read: what comes of it takes the place of that."""
    value = str(action.get("value") or "")
    async with once.begin("digest", asker.user_id, asker.channel_id, ids.ADD_FOR_OUTSIDERS, value) as first:
        if not first:
            await reply.acknowledge()
            return
        await reply.show(desk.add_after_all(value, asker), replace=True)


async def handle_digest_list(reply: Reply, asker: Asker, desk: DigestDesk) -> None:
    """`List`."""
    await reply.show(desk.show(asker))


async def handle_digest_help(reply: Reply) -> None:
    """`Help`, beside digests."""
    await reply.acknowledge()
    await reply.send(build_digest_help())


async def handle_open_list(reply: Reply, action: dict[str, Any], asker: Asker, answers: Answers) -> None:
    """`Open the full list` of a digest: privately, whoever clicks; the digest stays as it is."""

    async def work() -> Message:
        return await answers.message(await answers.clicked(action, asker), reply, PRIVATE)

    await reply.show(work())


async def handle_digest_settings(
    reply: Reply,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    desk: DigestDesk,
    people: People,
    slack: AsyncWebClient,
) -> None:
    """`Settings` and `Add a digest`: the form, open at once, then filled in."""
    await reply.acknowledge()
    origin = replace(origin_of_click(body, replaces=False), thread_ts="")
    async with Modal.opened(slack, body, build_loading_digest_form()) as modal:
        zone = await people.zone(asker.user_id)
        if action.get("action_id") == ids.ADD:
            outsiders = await check_may_manage(slack, asker)
            query = RecordingQuery()
            view = build_digest_form(None, query, zone, outsiders=outsiders, private_metadata=origin.encode())
        else:
            digest, outsiders = await desk.managed(str(action.get("value") or ""), asker)
            kept = query_of(digest)
            if kept is None:
                raise QueryError("What this digest covers can no longer be read. Remove it and add it again.")
            query = kept
            origin = replace(origin, digest_id=digest.id, kept=kept_by_form(query))
            view = build_digest_form(
                digest,
                query,
                digest.zone,
                number=digest.number,
                outsiders=outsiders and not digest.for_outsiders,
                private_metadata=origin.encode(),
            )
        await modal.update(view)


async def handle_digest_form(
    reply: Reply,
    body: dict[str, Any],
    asker: Asker,
    desk: DigestDesk,
    people: People,
    clock: Clock,
) -> None:
    """The form was sent: what became of it, privately."""
    view = body.get("view") or {}
    origin, zone = origin_of(view), await people.zone(asker.user_id)
    state = view.get("state") or {}
    settings = read_digest_form(state, now=clock.now(), zone=zone, kept=origin.kept)
    confirmed = allows_outsiders(state)
    if origin.digest_id:
        await reply.show(desk.change(origin.digest_id, settings, asker, confirmed=confirmed))
    else:
        await reply.show(desk.add(settings, asker, confirmed=confirmed))
