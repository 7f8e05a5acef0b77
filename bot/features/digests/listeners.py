"""Digests: the command's branch, the buttons of a posted digest and of the list, the form."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.errors import PlaceError, QueryError
from bot.features.digests.commands import Verb, parse_digest_command
from bot.features.digests.form import (
    allows_outsiders,
    build_digest_form,
    build_loading_digest_form,
    kept_by_form,
    read_digest_form,
)
from bot.features.digests.models import NewDigest
from bot.features.digests.notices import (
    Done,
    build_digest_help,
    build_digest_list,
    build_digest_mistake,
    build_digest_notice,
    build_outsiders_question,
    build_preview,
)
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.settings import DigestSettings, format_settings, query_of, read_settings
from bot.plain_text import count
from bot.query.terms import RecordingQuery
from bot.recordings.page import ButtonState, decode_button
from bot.slack import ids
from bot.slack.audience import PRIVATE
from bot.slack.channels import check_may_manage
from bot.slack.delivery_log import note_problem
from bot.slack.modals import Modal
from bot.slack.payload import metadata_of_click, metadata_of_view

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock
    from bot.features.answers.service import Answers
    from bot.features.digests.commands import DigestCommand
    from bot.features.digests.models import Digest
    from bot.features.digests.service import Digests
    from bot.slack.blocks import Message
    from bot.slack.deduplication import Deduplication
    from bot.slack.payload import Asker
    from bot.slack.people import People
    from bot.slack.sender import Sender
    from bot.slack.sign_in import Home


audit = logging.getLogger("bot.audit")

PREVIEWED = 3
_GONE = "This digest is gone: `/recordings digest list` shows those there are."


def _asks_first(verb: Verb, digest: Digest, *, outsiders: bool) -> bool:
    """Whether it has to be said first that people of other organizations read what would be posted."""
    return outsiders and not digest.for_outsiders and verb in {Verb.RESUME, Verb.RUN}


class DigestCommands:
    """Adds, lists, changes and removes the digests of a channel.

    Every method that looks at a channel's digests raises PlaceError where the asker may not,
    SlackRefusedError where Slack does not tell, and StoreError where the database cannot be used. Those that
    take settings raise QueryError where they cannot be read, or FullChannelError.

    `confirmed` means: the asker was told that people of other organizations read the channel.
    """

    def __init__(
        self, digests: Digests, people: People, slack: AsyncWebClient, home: Home, clock: Clock
    ) -> None:
        self._digests = digests
        self._people = people
        self._slack = slack
        self._team_id = home.team_id
        self._clock = clock

    async def obey(self, command: DigestCommand, asker: Asker) -> Message:
        """Do what a command says. Returns the message that tells the person."""
        if command.verb is Verb.HELP:
            return build_digest_help()
        if command.verb is Verb.PREVIEW:
            return await self._preview(command, asker)
        if command.verb is Verb.ADD:
            zone = await self._people.zone(asker.user_id)
            return await self.add(read_settings(command.terms, self._clock.now(), zone), asker)
        outsiders = await check_may_manage(self._slack, asker)
        if command.verb is Verb.LIST:
            return await self._list(asker)
        digest = await self._numbered(command.number, asker)
        if _asks_first(command.verb, digest, outsiders=outsiders):
            return self._question(command.verb.value, digest)
        return build_digest_notice(await self._do(command.verb, digest, asker))

    async def press(
        self, verb: Verb, digest_id: str, asker: Asker, *, listed: bool, confirmed: bool = False
    ) -> Message:
        """Do what a button says. Where it is `listed`, the answer is the newer list."""
        digest, outsiders = await self.managed(digest_id, asker)
        if _asks_first(verb, digest, outsiders=outsiders):
            if not confirmed:
                return self._question(verb.value, digest, listed=listed)
            await self._digests.store.change(digest.id, for_outsiders=True)
            self._audit("confirmed for outsiders", digest, asker)
        if confirmed and verb is Verb.RESUME and not digest.is_paused:  # "changed" asked
            done = Done("confirmed", digest)
        else:
            done = await self._do(verb, digest, asker)
        return await self._list(asker, done) if listed else build_digest_notice(done)

    async def show(self, asker: Asker) -> Message:
        """The channel's digests."""
        await check_may_manage(self._slack, asker)
        return await self._list(asker)

    async def managed(self, digest_id: str, asker: Asker) -> tuple[Digest, bool]:
        """The digest that a button names, if the asker may manage it, and whether outsiders read there."""
        outsiders = await check_may_manage(self._slack, asker)
        digest = await self._digests.store.get(digest_id)
        if digest is None or (digest.team_id, digest.channel_id) != (self._team_id, asker.channel_id):
            raise PlaceError(_GONE)
        return digest, outsiders

    async def add_after_all(self, value: str, asker: Asker) -> Message:
        """Keep the new digest that a button carries, shown because outsiders read the channel."""
        state = decode_button(value)
        command = parse_digest_command(state.query if state else "")
        if command.verb is not Verb.ADD:
            raise QueryError("This button is from another version of the bot. Type the command again.")
        zone = await self._people.zone(asker.user_id)
        return await self.add(read_settings(command.terms, self._clock.now(), zone), asker, confirmed=True)

    async def add(self, settings: DigestSettings, asker: Asker, *, confirmed: bool = False) -> Message:
        """Keep a new digest; where outsiders read, ask first."""
        outsiders = await check_may_manage(self._slack, asker)
        if outsiders and not confirmed:
            value = ButtonState(1, 0, format_settings(settings)).encode()
            return build_outsiders_question("add", settings, value)
        digest = await self._digests.store.add(
            NewDigest(
                self._team_id,
                asker.channel_id,
                asker.user_id,
                settings.query,
                settings.schedule,
                settings.zone,
                settings.quiet,
                for_outsiders=outsiders,
            )
        )
        return build_digest_notice(self._done("added", digest, asker))

    async def change(
        self, digest_id: str, settings: DigestSettings, asker: Asker, *, confirmed: bool = False
    ) -> Message:
        """Give a digest other settings."""
        digest, outsiders = await self.managed(digest_id, asker)
        changed = await self._digests.store.change(
            digest.id,
            query=settings.query,
            schedule=settings.schedule,
            zone=settings.zone,
            quiet=settings.quiet,
            for_outsiders=True if outsiders and confirmed else None,
        )
        if changed is None:
            raise PlaceError(_GONE)
        done = self._done("changed", changed, asker)
        if outsiders and not changed.for_outsiders and not changed.is_paused:  # resuming it asks
            return self._question("changed", changed)
        return build_digest_notice(done)

    async def _do(self, verb: Verb, digest: Digest, asker: Asker) -> Done:
        """Pause, resume, remove or run one digest."""
        store = self._digests.store
        changed: Digest | None = digest
        if verb is Verb.PAUSE:
            changed = await store.pause(digest.id)
        elif verb is Verb.RESUME:
            changed = await store.resume(digest.id)
        elif verb is Verb.REMOVE:
            await store.remove(digest.id)
        else:
            await store.ask(digest.id, asker.user_id)
        if changed is None:
            raise PlaceError(_GONE)
        return self._done(verb.value, changed, asker)

    def _done(self, what: str, digest: Digest, asker: Asker) -> Done:
        """Note what has been done, and have the worker look at it."""
        self._audit(what, digest, asker)
        self._digests.wake()
        return Done(what, digest)

    def _question(self, what: str, digest: Digest, *, listed: bool = False) -> Message:
        return build_outsiders_question(what, digest, digest.id, number=digest.number, listed=listed)

    def _audit(self, what: str, digest: Digest, asker: Asker) -> None:
        audit.info(
            "digest %s by=%s channel=%s number=%d", what, asker.user_id, digest.channel_id, digest.number
        )

    async def _list(self, asker: Asker, done: Done | None = None) -> Message:
        found = await self._digests.store.list_digests(self._team_id, asker.channel_id)
        ids = list({digest.owner_id for digest in found})
        names = await asyncio.gather(*(self._people.name(user_id) for user_id in ids))
        return build_digest_list(found, dict(zip(ids, names, strict=True)), done)

    async def _preview(self, command: DigestCommand, asker: Asker) -> Message:
        settings: DigestSettings | NewDigest
        if command.number:
            await check_may_manage(self._slack, asker)
            settings = await self._numbered(command.number, asker)
        else:
            zone = await self._people.zone(asker.user_id)
            settings = read_settings(command.terms, self._clock.now(), zone, "digest preview")
        now, schedule = self._clock.now(), parse_schedule(settings.schedule, 0)
        times = next_times(schedule, now, settings.zone, PREVIEWED)
        return build_preview(settings, times)

    async def _numbered(self, number: int, asker: Asker) -> Digest:
        store = self._digests.store
        digest = await store.get_numbered(self._team_id, asker.channel_id, number)
        if digest is not None:
            return digest
        numbers = [known.number for known in await store.list_digests(self._team_id, asker.channel_id)]
        if not numbers:
            raise QueryError("This channel has no digests.", 'digest add "weekdays at 09:00"')
        has = f"{count(len(numbers), 'digest')}: {', '.join(map(str, numbers))}"
        raise QueryError(f"There is no digest {number}; this channel has {has}.", "digest list")


_VERBS = {
    ids.DIGEST_PAUSE: Verb.PAUSE,
    ids.DIGEST_RESUME: Verb.RESUME,
    ids.DIGEST_REMOVE: Verb.REMOVE,
    ids.DIGEST_RUN: Verb.RUN,
    ids.DIGEST_RESUME_FOR_OUTSIDERS: Verb.RESUME,
    ids.DIGEST_RUN_FOR_OUTSIDERS: Verb.RUN,
    ids.DIGEST_ADD_FOR_OUTSIDERS: Verb.ADD,
}
_CONFIRMED = {ids.DIGEST_RESUME_FOR_OUTSIDERS, ids.DIGEST_RUN_FOR_OUTSIDERS, ids.DIGEST_ADD_FOR_OUTSIDERS}


async def answer_digest_command(
    text: str, sender: Sender, asker: Asker, digest_commands: DigestCommands
) -> None:
    """Answer `/recordings digest …` privately; a mistake gets one sentence with the nearest right command."""

    async def work() -> Message:
        try:
            return await digest_commands.obey(parse_digest_command(text), asker)
        except QueryError as error:
            note_problem(error)
            return build_digest_mistake(error)

    await sender.show(work())


async def answer_digest_slip(slip: QueryError, sender: Sender) -> None:
    """Answer `/recordings digets …` privately, with the command that was meant."""
    note_problem(slip)
    await sender.send(build_digest_mistake(slip))


async def handle_digest_button(
    sender: Sender,
    action: dict[str, Any],
    asker: Asker,
    digest_commands: DigestCommands,
    deduplication: Deduplication,
) -> None:
    """`Pause`, `Resume`, `Remove`, `Run now`, and `… anyway` where people of other organizations read.

    In a list the newer list takes its place; what was confirmed takes the place of the question.
    """
    listed = ids.is_digest_listed(str(action.get("block_id") or ""))
    action_id, value = str(action.get("action_id")), str(action.get("value") or "")
    verb, confirmed = _VERBS[action_id], action_id in _CONFIRMED
    async with deduplication.begin("digest", asker.user_id, asker.channel_id, action_id, value) as first:
        if verb in {Verb.RUN, Verb.ADD} and not first:
            await sender.acknowledge()  # a second click on the same button
            return
        if verb is Verb.ADD:
            work = digest_commands.add_after_all(value, asker)
        else:
            work = digest_commands.press(verb, value, asker, listed=listed, confirmed=confirmed)
        await sender.show(work, replace=listed or confirmed)


async def handle_digest_list(sender: Sender, asker: Asker, digest_commands: DigestCommands) -> None:
    """`List`."""
    await sender.show(digest_commands.show(asker))


async def handle_digest_help(sender: Sender) -> None:
    """`Help`, beside digests."""
    await sender.acknowledge()
    await sender.send(build_digest_help())


async def handle_open_list(sender: Sender, action: dict[str, Any], asker: Asker, answers: Answers) -> None:
    """`Open the full list` of a digest: privately, whoever clicks; the digest stays as it is."""

    async def work() -> Message:
        return await answers.message(await answers.clicked(action, asker), sender, PRIVATE)

    await sender.show(work())


async def handle_digest_settings(
    sender: Sender,
    action: dict[str, Any],
    body: dict[str, Any],
    asker: Asker,
    digest_commands: DigestCommands,
    people: People,
    slack: AsyncWebClient,
) -> None:
    """`Settings` and `Add a digest`: the form, open at once, then filled in."""
    await sender.acknowledge()
    metadata = replace(metadata_of_click(body, replaces=False), thread_ts="")
    async with Modal.opened(slack, body, build_loading_digest_form()) as modal:
        digest, query, zone = None, RecordingQuery(), await people.zone(asker.user_id)
        if action.get("action_id") == ids.DIGEST_ADD:
            outsiders = await check_may_manage(slack, asker)
        else:
            digest, outsiders = await digest_commands.managed(str(action.get("value") or ""), asker)
            kept, zone = query_of(digest), digest.zone
            if kept is None:
                raise QueryError("What this digest covers can no longer be read. Remove it and add it again.")
            query, outsiders = kept, outsiders and not digest.for_outsiders
            metadata = replace(metadata, digest_id=digest.id, kept=kept_by_form(query))
        await modal.update(
            build_digest_form(digest, query, zone, outsiders=outsiders, private_metadata=metadata.encode())
        )


async def handle_digest_form(
    sender: Sender,
    body: dict[str, Any],
    asker: Asker,
    digest_commands: DigestCommands,
    people: People,
    clock: Clock,
) -> None:
    """The form was sent: what became of it, privately."""
    view = body.get("view") or {}
    metadata, zone = metadata_of_view(view), await people.zone(asker.user_id)
    state = view.get("state") or {}
    settings = read_digest_form(state, now=clock.now(), zone=zone, kept=metadata.kept)
    confirmed = allows_outsiders(state)
    if metadata.digest_id:
        work = digest_commands.change(metadata.digest_id, settings, asker, confirmed=confirmed)
    else:
        work = digest_commands.add(settings, asker, confirmed=confirmed)
    await sender.show(work)
