"""The worker of digests against a real local Slack: each slot once, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import fcntl
import math
import os
import signal
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.clock import AdjustableClock
from bot.errors import ZegoUnreachableError
from bot.features.digests.models import Claim, NewDigest, Notice
from bot.features.digests.poster import EVENT_TYPE, envelope_of, slot_poster
from bot.features.digests.store import Store, open_store
from bot.features.digests.worker import LEASE_SECONDS, TELL_LEASE_SECONDS, Worker
from bot.network import Network
from bot.query.times import MINUTE
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ARCHIVED, ASKER, BOT_USER, GENERAL, NO_BOT, PRIVATE, TEAM, Channel
from bot.slack.poster import PermanentError, TransientError, UncertainError, UnfinishedLookError
from bot.slack.web_client import TIMEOUT_SECONDS, NotSentError, build_slack_client, sent_once
from bot.storage.errors import LeaseLostError
from bot.storage.outbox import Outbox
from bot.storage.tables import slots
from tests.bolt_apps import manifest
from tests.nightly.digest_chaos import QUICK_LEASE_SECONDS, send, start_worker, worker_environment
from tests.waiting import when_logged, when_stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.features.digests.models import Digest, Slot
    from bot.sandbox.slack.state import Message

NINE = 1_795_420_800
"""Mon 2026-11-23 09:00 in Berlin."""

HOUR = 3600


@dataclass
class Desk:
    """A store, a local Slack, and workers that post a line for each slot."""

    store: Store
    slack: LocalSlack
    clock: AdjustableClock
    folder: Path
    told: list[Notice] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    """Raised one after the other before anything is posted."""

    def __post_init__(self) -> None:
        self.client = build_slack_client(Network(), self.slack.api_url, self.slack.bot_token)
        self.poster = slot_poster(self.client, self.clock, pace_seconds=0.0)

    async def post(self, claim: Claim) -> str | None:
        self.claims.append(claim)
        if self.errors:
            raise self.errors.pop(0)
        await self.store.keep(claim, {"all": len(self.claims)}, "")
        return await self.poster.post_once(claim, envelope_of(claim), {"text": f"Slot {claim.slot_at}"})

    async def tell(self, notice: Notice) -> None:
        self.told.append(notice)

    def worker(self, **options: Any) -> Worker:
        return Worker(self.store, **{"post": self.post, "clock": self.clock, "tell": self.tell} | options)

    async def add(self, schedule: str = "every hour", channel: str = GENERAL) -> Digest:
        return await self.store.add(NewDigest(TEAM, channel, ASKER, "last=24h", schedule, "Europe/Berlin"))

    async def get(self, digest: Digest) -> Digest:
        found = await self.store.get(digest.id)
        assert found is not None
        return found

    async def slot(self, digest: Digest) -> Slot:
        return (await self.store.latest_slots(digest.id, 1))[0]

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'digests.db'}?timeout=0.05"

    @asynccontextmanager
    async def another_store(self) -> AsyncIterator[Store]:
        """The same database, as another process opens it."""
        store = open_store(self.url, self.clock)
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def process(self, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Another process that works on the same database."""
        given = worker_environment(self.url, self.slack, self.clock) | environment
        process = await start_worker(given)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def patience(self, seconds: float) -> None:
        """How long the poster waits for Slack's answers."""
        self.client.connections.timeout_seconds = seconds

    @property
    def posts(self) -> list[Message]:
        return [message for message in self.slack.messages if message.metadata]


@asynccontextmanager
async def a_desk(folder: Path, **app: Any) -> AsyncIterator[Desk]:
    clock = AdjustableClock(NINE - 60, 0)
    async with LocalSlack(manifest=manifest(**app), clock=clock) as slack:
        store = open_store(f"sqlite:///{folder / 'digests.db'}?timeout=0.05", clock)
        try:
            yield Desk(store, slack, clock, folder)
        finally:
            await store.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as built:
        yield built


def held(claim: Claim) -> Claim:
    """The claim of a worker whose lease does not end."""

    async def by() -> float:
        return math.inf

    async def keep(_: str) -> None:
        return

    return replace(claim, before_posting=by, keep_look=keep)


async def happens(desk: Desk, predicate: Any) -> None:
    """Wait until something is true of Slack's side."""
    await desk.slack.wait_for(predicate)


async def test_a_slot_is_posted_once_with_its_name_and_noted(desk: Desk) -> None:
    digest = await desk.add()
    worker = desk.worker()
    assert not await worker.step()
    desk.clock.set(NINE)
    assert await worker.step()
    assert not await worker.step()
    (message,) = desk.slack.messages
    assert (message.channel, message.text) == (GENERAL, f"Slot {NINE}")
    assert message.metadata == {
        "event_type": EVENT_TYPE,
        "event_payload": {"digest": digest.id, "slot": NINE},
    }
    slot = await desk.slot(digest)
    assert (slot.state, slot.posted_ts, slot.counts) == ("posted", message.ts, {"all": 1})
    assert (await desk.get(digest)).last_result == "posted"
    assert not desk.slack.calls_of("conversations.history")


async def test_a_slot_with_nothing_to_post_is_quiet(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)

    async def nothing(claim: Claim) -> str | None:
        await desk.store.keep(claim, {"all": 0}, "")
        return None

    assert await desk.worker(post=nothing).step()
    assert (await desk.slot(digest)).state == "quiet"
    assert await desk.store.previous_counts(digest.id, NINE + 1, 1) == [(NINE, {"all": 0})]


LOST = [
    pytest.param({"hang": True}, id="no answer"),
    pytest.param({"status": 503}, id="HTTP 503"),
    pytest.param({"error": "internal_error"}, id="internal_error"),
]


@pytest.mark.parametrize("trouble", LOST)
async def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", after_effect=True, **trouble)
    worker = desk.worker()
    assert await worker.step()
    assert not await worker.step(), "nothing is tried before the lease ends"
    desk.clock.advance(LEASE_SECONDS)
    assert await worker.step()
    (message,) = desk.posts
    assert (await desk.slot(digest)).posted_ts == message.ts
    assert desk.told == []


@pytest.mark.parametrize("trouble", LOST)
async def test_a_message_that_did_not_arrive_is_posted_when_the_lease_has_ended(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", **trouble)
    worker = desk.worker()
    assert await worker.step()
    desk.clock.advance(LEASE_SECONDS)
    assert await worker.step()
    assert len(desk.posts) == 1
    assert (await desk.slot(digest)).attempts == 2


async def test_a_message_that_arrives_late_is_found_because_the_look_waits_for_the_lease(
    desk: Desk,
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", hang=True)
    worker = desk.worker()
    assert await worker.step()
    desk.clock.advance(LEASE_SECONDS / 2)
    assert not await worker.step()
    name = {"event_type": EVENT_TYPE, "event_payload": {"digest": digest.id, "slot": NINE}}
    late = await desk.client.chat_postMessage(channel=GENERAL, text="late", metadata=name)
    desk.clock.advance(LEASE_SECONDS / 2)
    assert await worker.step()
    assert (await desk.slot(digest)).posted_ts == late["ts"]
    assert len(desk.posts) == 1


async def test_the_look_goes_through_a_busy_channel_and_knows_its_own_slot(desk: Desk) -> None:
    digest, other = await desk.add(), await desk.add()
    desk.clock.set(NINE)
    desk.patience(0.5)
    for slot_at, identity in ((NINE - HOUR, digest.id), (NINE, other.id)):
        name = {"event_type": EVENT_TYPE, "event_payload": {"digest": identity, "slot": slot_at}}
        await desk.client.chat_postMessage(channel=GENERAL, text="another slot", metadata=name)
    claims = [await desk.store.claim_due(NINE, "gone", 0) for _ in range(2)]
    claim = next(claim for claim in claims if claim and claim.digest.id == digest.id)
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=True)
    with pytest.raises(TransientError):
        await desk.poster.post_once(held(claim), envelope_of(claim), {"text": "first"})
    for n in range(450):
        desk.slack.write(f"talk {n}")
    again = held(replace(claim, attempt=2, holder="another", uncertain=True))
    first = next(message for message in desk.posts if message.text == "first")
    assert await desk.poster.post_once(again, envelope_of(again), {"text": "second"}) == first.ts
    assert len(desk.slack.calls_of("conversations.history")) == 3


async def test_the_look_leaves_out_what_was_written_days_later(desk: Desk) -> None:
    digest = await desk.add("mondays at 09:00")
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=True)
    worker = desk.worker()
    assert await worker.step()
    desk.clock.advance(2 * 24 * HOUR)
    for n in range(450):
        desk.slack.write(f"talk {n}")
    desk.patience(15)
    assert await worker.step()
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts
    assert len(desk.slack.calls_of("conversations.history")) == 1


async def test_an_answer_that_is_no_answer_counts_as_unclear(desk: Desk) -> None:
    await desk.add()
    desk.clock.set(NINE)
    claimed = await desk.store.claim_due(NINE, "one", LEASE_SECONDS)
    assert claimed
    claim = held(claimed)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>welcome to this hotel</html>", content_type="text/html")

    app = web.Application()
    app.router.add_post("/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = build_slack_client(Network(), f"http://127.0.0.1:{runner.addresses[0][1]}/", "xoxb-x")
    with pytest.raises(TransientError) as raised:
        await slot_poster(client, desk.clock).post_once(claim, envelope_of(claim), {"text": "x"})
    assert type(raised.value) is TransientError, "nothing is posted before it is known who reads"
    claim = replace(claim, digest=replace(claim.digest, for_outsiders=True))
    with pytest.raises(UncertainError):
        await slot_poster(client, desk.clock).post_once(claim, envelope_of(claim), {"text": "x"})
    await runner.cleanup()
    with pytest.raises(TransientError) as raised:
        await slot_poster(client, desk.clock).post_once(claim, envelope_of(claim), {"text": "x"})
    assert type(raised.value) is TransientError, "what was never connected was not posted"
    again = replace(claim, attempt=2, uncertain=True)
    with pytest.raises(UnfinishedLookError):
        await slot_poster(client, desk.clock).post_once(again, envelope_of(again), {"text": "x"})


async def test_a_look_that_fails_is_made_again_before_anything_is_posted(desk: Desk) -> None:
    await desk.add()
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=True)
    desk.slack.misbehave("conversations.history", status=503)
    desk.slack.misbehave("conversations.history", status=429, retry_after=30)
    worker = desk.worker()
    assert await worker.step()
    for seconds in (LEASE_SECONDS, 2 * LEASE_SECONDS, 2 * LEASE_SECONDS):
        desk.clock.advance(seconds)
        assert await worker.step()
    assert len(desk.slack.calls_of("conversations.history")) == 3
    assert len(desk.posts) == 1
    assert not await worker.step()


async def test_a_slack_that_asks_for_patience_gets_it(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.slack.misbehave("chat.postMessage", status=429, retry_after=120)
    worker = desk.worker()
    assert await worker.step()
    desk.clock.set(NINE + 119)
    assert not await worker.step()
    desk.clock.set(NINE + 120)
    assert await worker.step()
    assert len(desk.posts) == 1
    assert (await desk.slot(digest)).attempts == 2


@pytest.mark.parametrize(
    ("channel", "word", "advice"),
    [
        (NO_BOT, "not_in_channel", "/invite"),
        (ARCHIVED, "is_archived", "unarchive"),
        ("C0GONE0001", "channel_not_found", "/invite"),
    ],
)
async def test_a_digest_that_cannot_work_is_paused_and_its_owner_told_once(
    desk: Desk, channel: str, word: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    digest = await desk.add(channel=channel)
    desk.clock.set(NINE)
    worker = desk.worker()
    assert await worker.step()
    paused = await desk.get(digest)
    assert paused.is_paused
    assert advice in paused.paused_why
    desk.clock.advance(5 * HOUR)
    assert not await worker.step()
    (notice,) = desk.told
    assert word not in notice.error
    assert f"({word})" in caplog.text, "Slack's words are for whoever runs the bot"
    assert (notice.digest.owner_id, notice.slot_at) == (ASKER, NINE)


async def test_a_missing_scope_pauses_with_what_to_do(tmp_path: Path) -> None:
    async with a_desk(tmp_path, scopes=["commands", "im:history", "app_mentions:read"]) as desk:
        digest = await desk.add()
        desk.clock.set(NINE)
        assert await desk.worker().step()
        assert "reinstall" in (await desk.get(digest)).paused_why


async def test_a_channel_that_cannot_be_read_is_not_posted_to_twice(tmp_path: Path) -> None:
    scopes = ["channels:read", "groups:read", "commands", "chat:write", "im:history", "app_mentions:read"]
    async with a_desk(tmp_path, scopes=scopes) as desk:
        uncertain, sure = await desk.add(), await desk.add(channel=PRIVATE)
        desk.clock.set(NINE)
        desk.patience(0.3)
        desk.slack.misbehave("chat.postMessage", hang=True, after_effect=True)
        worker = desk.worker()
        assert await worker.step()
        desk.errors.append(ZegoUnreachableError("refused"))
        assert await worker.step()
        desk.clock.advance(LEASE_SECONDS)
        while await worker.step():
            pass
        results = sorted([(await desk.get(uncertain)).last_result, (await desk.get(sure)).last_result])
        assert results == ["failed", "posted"], "what was surely never sent needs no look"
        assert len(desk.posts) == 2


async def test_a_refused_message_fails_its_slot_and_pauses_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.slack.misbehave("chat.postMessage", error="invalid_blocks")
    worker = desk.worker()
    assert await worker.step()
    assert (await desk.get(digest)).last_result == "failed"
    assert "its log says why" in desk.told[0].error
    assert "(invalid_blocks)" in caplog.text
    desk.clock.set(NINE + HOUR)
    assert await worker.step()
    assert [message.text for message in desk.posts] == [f"Slot {NINE + HOUR}"]
    assert desk.claims[-1].missed == (NINE,)


async def test_a_vendor_that_is_away_is_asked_again_within_the_hour_and_then_the_owner_is_told(
    desk: Desk,
) -> None:
    digest = await desk.add("every day at 09:00")
    desk.clock.set(NINE)
    desk.errors = [ZegoUnreachableError("refused") for _ in range(99)]
    worker = desk.worker()
    tried: list[float] = []
    while desk.clock.now() <= NINE + 2 * HOUR:
        if await worker.step():
            tried.append(desk.clock.now() - NINE)
        desk.clock.advance(10)
    gaps = [int(later - earlier) for earlier, later in pairwise(tried)]
    assert gaps[:5] == [20, 40, 80, 160, 320]
    assert set(gaps[5:]) == {600}
    assert 50 * 60 < tried[-1] <= HOUR
    assert (await desk.get(digest)).last_result == "failed"
    (notice,) = desk.told
    assert "ZEGOCLOUD did not answer" in notice.error
    assert desk.posts == []


async def test_a_vendor_that_comes_back_within_the_hour_is_all_that_it_takes(desk: Desk) -> None:
    await desk.add()
    desk.clock.set(NINE)
    desk.errors = [ZegoUnreachableError("refused"), ZegoUnreachableError("refused")]
    worker = desk.worker()
    while not desk.posts:
        await worker.step()
        desk.clock.advance(10)
    assert desk.clock.now() < NINE + 120
    assert desk.told == []
    assert desk.claims[-1].last_error.startswith("ZEGOCLOUD did not answer")


async def test_a_fault_of_the_bot_gets_a_reference_and_another_try(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.errors = [KeyError("total")]
    worker = desk.worker()
    assert await worker.step()
    slot = await desk.slot(digest)
    reference = slot.error.split("reference ")[1].split()[0]
    assert reference in caplog.text
    assert not await worker.step()
    desk.clock.advance(LEASE_SECONDS)
    assert await worker.step()
    assert desk.slack.calls_of("conversations.history") == [], "nothing had been sent"
    assert len(desk.posts) == 1


async def test_what_was_missed_for_less_than_an_hour_is_posted_and_the_rest_noted_for_the_next(
    desk: Desk,
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE + 3 * HOUR + 1800)
    worker = desk.worker()
    assert await worker.step()
    assert not await worker.step()
    assert [message.text for message in desk.posts] == [f"Slot {NINE + 3 * HOUR}"]
    assert desk.claims[0].missed == (NINE, NINE + HOUR, NINE + 2 * HOUR)
    desk.clock.set(NINE + 4 * HOUR)
    assert await worker.step()
    assert desk.claims[1].missed == ()
    assert desk.told == []
    assert len(await desk.store.latest_slots(digest.id, 99)) == 5


async def test_how_old_a_slot_may_be_is_said_once_for_all_that_ask(desk: Desk) -> None:
    desk.store.fresh_seconds = 3 * HOUR
    await desk.add()
    desk.clock.set(NINE + 2 * HOUR + 1)
    while await desk.worker().step():
        pass
    assert [message.text for message in desk.posts] == [f"Slot {NINE + n * HOUR}" for n in range(3)]
    assert {claim.fresh_seconds for claim in desk.claims} == {3 * HOUR}


async def test_a_slot_that_came_up_and_then_nobody_ran_is_noted_as_missed(desk: Desk) -> None:
    digest = await desk.add("every day at 09:00")
    desk.clock.set(NINE)
    assert await desk.store.claim_due(NINE, "dies", LEASE_SECONDS)
    desk.clock.set(NINE + 2 * HOUR)
    assert await desk.worker().step()
    slot = await desk.slot(digest)
    assert (slot.state, slot.error) == ("skipped", "It couldn't be posted within an hour of its time.")
    assert desk.claims == []


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_message_of_unclear_fate_is_still_looked_for_when_it_is_too_late_to_post(
    desk: Desk, arrived: bool
) -> None:
    digest = await desk.add("every day at 09:00")
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=arrived)
    worker = desk.worker()
    assert await worker.step()
    desk.clock.set(NINE + 2 * HOUR)
    assert await worker.step()
    assert (await desk.slot(digest)).state == ("posted" if arrived else "failed")
    assert len(desk.posts) == int(arrived)
    assert len(desk.told) == int(not arrived)


async def test_a_worker_that_lost_its_slot_while_it_worked_posts_nothing(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    lost: list[BaseException] = []

    async def post_late(claim: Claim) -> str | None:
        desk.clock.advance(LEASE_SECONDS)
        assert await desk.worker().step()
        try:
            return await desk.post(claim)
        except LeaseLostError as error:
            lost.append(error)
            raise

    assert await desk.worker(post=post_late).step()
    assert lost
    assert len(desk.posts) == 1
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts


async def test_a_lease_is_renewed_while_a_slot_is_worked_on(desk: Desk) -> None:
    await desk.add()
    desk.clock.set(NINE)
    renewed = asyncio.Event()

    class Watched(Outbox):
        async def renew(self, step: Any, lease_seconds: float, *, posting: bool = False) -> bool:
            kept = await super().renew(step, lease_seconds, posting=posting)
            if not posting:
                renewed.set()
            return kept

    async def post_late(claim: Claim) -> str | None:
        desk.clock.advance(LEASE_SECONDS - 1)
        renewed.clear()
        await asyncio.wait_for(renewed.wait(), 30)
        desk.clock.advance(LEASE_SECONDS - 1)
        assert not await desk.worker().step()
        return await desk.post(claim)

    desk.store.outbox = Watched(desk.store.database, slots, slots.c.digest_id, slots.c.slot_at)
    worker = Worker(desk.store, post_late, desk.clock, renew_seconds=0.02)
    assert await worker.step()
    assert len(desk.posts) == 1


async def test_work_on_a_slot_that_another_has_taken_is_broken_off(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    broken_off = asyncio.Event()
    taking_over: list[asyncio.Task[None]] = []

    async def take_over() -> None:
        while not desk.posts:  # a renewal may come between the two
            desk.clock.advance(LEASE_SECONDS)
            await desk.worker().step()

    async def post(claim: Claim) -> str | None:
        taking_over.append(asyncio.create_task(take_over()))
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.set()
        raise AssertionError

    assert await desk.worker(post=post, renew_seconds=0.02).step()
    assert broken_off.is_set()
    await taking_over[0]
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts


async def test_work_whose_lease_cannot_be_renewed_is_broken_off_before_another_may_take_it(
    desk: Desk,
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    with closing(sqlite3.connect(desk.folder / "digests.db", isolation_level=None)) as other:

        async def post(claim: Claim) -> str | None:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.Event().wait()
            raise AssertionError

        worker = desk.worker(post=post, tell=None, renew_seconds=0.1)
        assert await worker.step()
    assert (await desk.slot(digest)).state == "open"
    desk.clock.advance(LEASE_SECONDS)
    assert await desk.worker().step()
    assert len(desk.posts) == 1


async def test_work_that_takes_too_long_is_broken_off_and_tried_again(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)

    async def post(claim: Claim) -> str | None:
        await asyncio.Event().wait()
        raise AssertionError

    assert await desk.worker(post=post, work_seconds=0.05).step()
    assert (await desk.slot(digest)).error == "It took too long."
    assert not await desk.worker().step()
    desk.clock.advance(LEASE_SECONDS)
    assert await desk.worker().step()
    assert len(desk.posts) == 1


async def test_a_failure_that_nobody_came_back_to_is_told_with_its_cause(desk: Desk) -> None:
    digest = await desk.add("mondays at 09:00")
    desk.clock.set(NINE)
    desk.errors = [ZegoUnreachableError("refused")]
    assert await desk.worker().step()
    desk.clock.set(NINE + 2 * HOUR)
    assert await desk.worker().step()
    assert (await desk.get(digest)).last_result == "failed"
    assert "ZEGOCLOUD did not answer" in desk.told[0].error
    assert len(desk.claims) == 1


async def test_a_fault_while_looking_is_logged_and_the_worker_goes_on(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.add()

    class Faulty(AdjustableClock):
        faults = 1

        def now(self) -> float:
            if self.faults:
                self.faults -= 1
                raise ZeroDivisionError
            return NINE

    worker = desk.worker(clock=Faulty())
    worker.start()
    await when_logged(lambda: "Looking for digests" in caplog.text)
    worker.wake()
    await happens(desk, lambda: desk.posts)
    await worker.stop()


async def test_one_digest_that_hangs_delays_no_other(desk: Desk) -> None:
    stuck = await desk.add()
    others = [await desk.add(channel=PRIVATE) for _ in range(3)]
    release = asyncio.Event()

    async def post(claim: Claim) -> str | None:
        if claim.digest.id == stuck.id:
            await release.wait()
        return await desk.poster.post_once(claim, envelope_of(claim), {"text": "x"})

    worker = desk.worker(post=post, at_once=2)
    desk.clock.set(NINE)
    worker.start()
    await happens(desk, lambda: len(desk.posts) == len(others))

    async def one_is_left() -> bool:
        return worker.under_way == 1

    await when_stored(one_is_left)
    release.set()
    await happens(desk, lambda: len(desk.posts) == len(others) + 1)
    await worker.stop()


async def test_a_sleeping_worker_is_woken_by_a_change(desk: Desk) -> None:
    worker = desk.worker(look_seconds=600)
    worker.start()
    desk.clock.set(NINE + 60)
    digest = await desk.add()
    assert await desk.store.ask(digest.id, ASKER) == NINE + 60
    worker.wake()
    await happens(desk, lambda: desk.posts)
    await worker.stop()


async def test_a_worker_wakes_by_itself_when_the_next_slot_is_due(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        await desk.add()
        desk.clock.set(NINE - 0.3)
        desk.clock.set_rate(1)
        worker = desk.worker(look_seconds=600)
        worker.start()
        await happens(desk, lambda: desk.posts)
        assert 0 <= float(desk.posts[0].ts) - NINE < 2
        await worker.stop()


async def test_stopping_finishes_what_is_under_way(desk: Desk) -> None:
    digest = await desk.add()
    began, release = asyncio.Event(), asyncio.Event()

    async def post(claim: Claim) -> str | None:
        began.set()
        await release.wait()
        return await desk.post(claim)

    worker = desk.worker(post=post)
    desk.clock.set(NINE)
    worker.start()
    await asyncio.wait_for(began.wait(), 30)
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    release.set()
    await stopping
    assert (await desk.slot(digest)).state == "posted"
    desk.clock.set(NINE + HOUR)
    assert worker.under_way == 0


async def test_stopping_hands_over_what_it_cannot_finish(desk: Desk) -> None:
    digest = await desk.add()
    began = asyncio.Event()

    async def post(claim: Claim) -> str | None:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    worker = desk.worker(post=post)
    desk.clock.set(NINE)
    worker.start()
    await asyncio.wait_for(began.wait(), 30)
    await worker.stop(seconds=0.05)
    assert await desk.worker().step(), "another takes it at once"
    assert (await desk.slot(digest)).attempts == 1
    assert len(desk.posts) == 1


async def test_stopping_while_slack_takes_the_message_leaves_the_lease_to_end(desk: Desk) -> None:
    await desk.add()
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=True)
    worker = desk.worker()
    desk.clock.set(NINE)
    worker.start()
    await happens(desk, lambda: desk.posts)
    await worker.stop(seconds=0.05)
    other = desk.worker()
    assert not await other.step()
    desk.clock.advance(LEASE_SECONDS)
    assert await other.step()
    assert len(desk.posts) == 1


async def test_what_was_posted_is_noted_when_the_database_is_free_again(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    with closing(sqlite3.connect(desk.folder / "digests.db", isolation_level=None)) as other:

        async def post(claim: Claim) -> str | None:
            posted = await desk.post(claim)
            other.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.3, other.execute, "ROLLBACK")
            return posted

        assert await desk.worker(post=post).step()
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts


async def test_a_database_that_is_away_is_told_once_and_digests_go_on_when_it_is_back(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.add()
    worker = desk.worker()
    with closing(sqlite3.connect(desk.folder / "digests.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        desk.clock.set(NINE)
        worker.start()
        await when_logged(lambda: worker.last_error)
        other.execute("ROLLBACK")
    await happens(desk, lambda: desk.posts)
    await worker.stop()
    assert worker.last_error is None
    assert caplog.text.count("Digests wait") == 1
    assert "digests go on" in caplog.text


async def test_who_reads_a_channel_is_looked_at_before_each_post_unless_outsiders_may(desk: Desk) -> None:
    asked = await desk.add()
    shared = Channel("C0SHARED99", "with-others", "public", {ASKER, BOT_USER}, is_ext_shared=True)
    desk.slack.channels[shared.id] = shared
    agreed = await desk.add(channel=shared.id)
    assert await desk.store.change(agreed.id, for_outsiders=True)
    worker = desk.worker()
    for seconds in (60, HOUR):
        desk.clock.advance(seconds)
        while await worker.step():
            pass
    looks = [call.args["channel"] for call in desk.slack.calls_of("conversations.info")]
    assert looks == [GENERAL, GENERAL]
    assert [post.channel for post in desk.posts].count(shared.id) == 2
    desk.slack.channels[GENERAL].is_ext_shared = True
    desk.clock.advance(HOUR)
    while await worker.step():
        pass
    assert [post.channel for post in desk.posts].count(GENERAL) == 2
    assert (await desk.get(asked)).is_paused
    assert not (await desk.get(agreed)).is_paused
    (notice,) = desk.told
    assert "outside your organization" in notice.error


async def test_slack_is_asked_once_a_minute_who_reads_a_channel_and_only_insiders_are_believed(
    desk: Desk,
) -> None:
    for _ in range(3):
        await desk.add()
    other = await desk.add(channel=PRIVATE)
    worker = desk.worker()

    async def looks(seconds: float) -> list[str]:
        before = len(desk.slack.calls_of("conversations.info"))
        desk.clock.advance(seconds)
        while await worker.step():
            pass
        return sorted(call.args["channel"] for call in desk.slack.calls_of("conversations.info")[before:])

    assert await looks(60) == [GENERAL, PRIVATE]
    assert len(desk.posts) == 4
    await desk.store.ask(other.id, ASKER)
    assert await looks(59) == []
    await desk.store.ask(other.id, ASKER)
    desk.slack.misbehave("conversations.info", error="ratelimited")
    assert await looks(1) == [PRIVATE]
    desk.slack.channels[PRIVATE].is_ext_shared = True
    assert await looks(20) == [PRIVATE], "no answer is not an answer"
    assert len(desk.posts) == 5
    assert (await desk.get(other)).is_paused


async def test_who_reads_a_channel_is_known_before_a_post_takes_its_turn_there(desk: Desk) -> None:
    """A slow answer would bring two posts together that were to be a second apart."""
    await desk.add()
    desk.clock.set(NINE)
    claim = await desk.store.claim_due(NINE, "one", LEASE_SECONDS)
    assert claim
    poster = slot_poster(desk.client, desk.clock, pace_seconds=HOUR)
    await poster.post_once(held(claim), envelope_of(claim), {"text": "first"})
    desk.clock.advance(60)
    waiting = asyncio.create_task(poster.post_once(held(claim), envelope_of(claim), {"text": "second"}))
    await happens(desk, lambda: len(desk.slack.calls_of("conversations.info")) == 2)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert [post.text for post in desk.posts] == ["first"]


REFUSED_FOR_SURE = [{"status": 429, "retry_after": 30}, {"error": "ratelimited"}, {"error": "token_revoked"}]


@pytest.mark.parametrize("trouble", REFUSED_FOR_SURE)
async def test_nothing_is_looked_for_where_slack_surely_took_nothing(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.slack.misbehave("chat.postMessage", **trouble)
    desk.slack.misbehave("conversations.history", error="missing_scope", times=9)
    worker = desk.worker()
    assert await worker.step()
    desk.errors.append(ZegoUnreachableError("refused"))
    for _ in range(2):
        desk.clock.advance(60)
        assert await worker.step()
    assert (await desk.slot(digest)).state == "posted"
    assert desk.slack.calls_of("conversations.history") == []


@pytest.mark.parametrize("trouble", REFUSED_FOR_SURE)
async def test_what_may_have_been_posted_before_is_looked_for_although_a_later_try_was_refused(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    await desk.add()
    desk.clock.set(NINE)
    desk.slack.misbehave("chat.postMessage", status=503)
    desk.slack.misbehave("chat.postMessage", **trouble)
    worker = desk.worker()
    assert await worker.step()
    for _ in range(2):
        desk.clock.advance(2 * MINUTE)
        assert await worker.step()
    assert len(desk.posts) == 1
    assert len(desk.slack.calls_of("conversations.history")) == 2


async def test_a_claim_without_a_lease_posts_and_keeps_nothing(desk: Desk) -> None:
    await desk.add()
    desk.clock.set(NINE)
    claim = await desk.store.claim_due(NINE, "one", LEASE_SECONDS)
    assert claim
    for each in (claim, replace(claim, uncertain=True)):
        with pytest.raises(LeaseLostError):
            await desk.poster.post_once(each, envelope_of(each), {"text": "x"})
    assert desk.posts == []


@pytest.mark.parametrize(
    ("method", "error", "says"),
    [
        ("conversations.info", "ratelimited", "Slack didn't say who can read this channel."),
        ("chat.postMessage", "ratelimited", "Slack did not take the digest."),
        ("chat.postMessage", "fatal_error", "Slack did not say whether it took the digest."),
    ],
)
async def test_what_a_late_digest_says_of_the_reason_has_no_word_of_slacks(
    desk: Desk, caplog: pytest.LogCaptureFixture, method: str, error: str, says: str
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    desk.slack.misbehave(method, error=error)
    assert await desk.worker().step()
    assert (await desk.slot(digest)).error == says
    assert f"({error})" in caplog.text


async def test_an_owner_who_cannot_be_told_yet_is_told_later_and_one_who_cannot_be_is_left(
    desk: Desk,
) -> None:
    await desk.add("every day at 09:00", channel=ARCHIVED)
    desk.clock.set(NINE)
    errors: list[Exception] = [TransientError("Slack is away."), PermanentError("user_not_found")]
    tries = []

    async def tell(notice: Notice) -> None:
        tries.append(desk.clock.now())
        raise errors.pop(0)

    worker = desk.worker(tell=tell)
    await worker.step()
    await worker.step()
    assert len(tries) == 1
    desk.clock.advance(TELL_LEASE_SECONDS)
    await worker.step()
    desk.clock.advance(TELL_LEASE_SECONDS)
    await worker.step()
    assert tries == [NINE, NINE + TELL_LEASE_SECONDS]


async def test_owners_who_take_long_to_be_told_delay_no_digest(desk: Desk) -> None:
    for _ in range(3):
        await desk.add("every day at 09:00", channel=ARCHIVED)
    digest = await desk.add()
    slack_is_slow, slack_answers = asyncio.Event(), asyncio.Event()

    async def tell(notice: Notice) -> None:
        slack_is_slow.set()
        await slack_answers.wait()
        desk.told.append(notice)

    worker = desk.worker(tell=tell)
    desk.clock.set(NINE)
    worker.start()
    await asyncio.wait_for(slack_is_slow.wait(), 30)

    async def all_are_told() -> bool:
        return len(desk.told) == 3

    for hour in (1, 2):
        desk.clock.set(NINE + hour * HOUR)
        worker.wake()
        await happens(desk, lambda hour=hour: len(desk.posts) == hour + 1)
    assert desk.told == []
    slack_answers.set()
    await when_stored(all_are_told)
    await worker.stop()
    assert digest.id not in {notice.digest.id for notice in desk.told}


@pytest.mark.parametrize("taken", [True, False])
async def test_an_owner_is_told_again_after_a_stop_only_where_slack_may_not_have_taken_it(
    desk: Desk, taken: bool
) -> None:
    await desk.add("every day at 09:00", channel=ARCHIVED)
    began, slack_answers = asyncio.Event(), asyncio.Event()

    async def tell(notice: Notice) -> None:
        began.set()
        await slack_answers.wait()
        desk.told.append(notice)

    worker = desk.worker(tell=tell)
    desk.clock.set(NINE)
    worker.start()
    await asyncio.wait_for(began.wait(), 30)
    stopping = asyncio.create_task(worker.stop(seconds=30 if taken else 0.05))
    await asyncio.sleep(0)
    if taken:
        slack_answers.set()
    await stopping
    assert len(desk.told) == int(taken)
    restarted = desk.worker()
    await restarted.step()
    assert len(desk.told) == int(taken), "nobody is told twice at once"
    desk.clock.advance(TELL_LEASE_SECONDS)
    await restarted.step()
    assert len(desk.told) == 1


async def test_an_owner_who_was_told_while_the_database_was_busy_is_not_told_again(desk: Desk) -> None:
    await desk.add("every day at 09:00", channel=ARCHIVED)
    desk.clock.set(NINE)
    with closing(sqlite3.connect(desk.folder / "digests.db", isolation_level=None)) as other:

        async def tell(notice: Notice) -> None:
            desk.told.append(notice)
            other.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.3, other.execute, "ROLLBACK")

        await desk.worker(tell=tell).step()
    desk.clock.advance(LEASE_SECONDS)
    await desk.worker().step()
    assert len(desk.told) == 1


@pytest.mark.parametrize("pace_seconds", [0.2, 3600])
async def test_a_channels_messages_are_paced_and_others_need_not_wait(
    tmp_path: Path, pace_seconds: float
) -> None:
    async with a_desk(tmp_path) as desk:
        desk.clock.set(NINE)
        channels = [GENERAL, GENERAL, PRIVATE]
        for index in range(3):
            name = f"C0MORE{index:04d}"
            desk.slack.channels[name] = Channel(name, name.lower(), "public", {ASKER, BOT_USER})
            channels.append(name)
        for channel in channels:
            digest = await desk.add(channel=channel)
            assert await desk.store.ask(digest.id, ASKER)
        desk.poster = slot_poster(desk.client, desk.clock, pace_seconds=pace_seconds)
        worker = desk.worker()
        worker.start()
        both_in_time = pace_seconds < 1
        expected = channels if both_in_time else channels[1:]
        await happens(desk, lambda: len(desk.posts) == len(expected))
        await worker.stop(seconds=0.1)
        assert sorted(post.channel for post in desk.posts) == sorted(expected)


# A message that Slack may have taken, where it lets the app look once a minute at 15 messages.


async def lost_answer(desk: Desk, schedule: str = "every day at 09:00", *, arrives: bool) -> Digest:
    """A digest whose first attempt got no answer, in a channel where 110 messages followed."""
    digest = await desk.add(schedule)
    desk.clock.set(NINE)
    desk.patience(0.3)
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=arrives)
    assert await desk.worker().step()
    desk.patience(TIMEOUT_SECONDS)
    desk.slack.limit_history()
    for n in range(110):
        desk.slack.write(f"talk {n}")
    desk.clock.advance(LEASE_SECONDS)
    return digest


async def work_for(desk: Desk, minutes: int, digest: Digest) -> None:
    """Let every minute another process work, which knows only what the database does, until the slot ends."""
    for _ in range(minutes):
        async with desk.another_store() as store:
            worker = Worker(store, desk.post, desk.clock)
            while await worker.step():
                pass
        if (await desk.slot(digest)).state != "open":
            return
        desk.clock.advance(60)


async def test_a_message_below_110_others_is_found_at_one_look_a_minute(desk: Desk) -> None:
    digest = await lost_answer(desk, arrives=True)
    await work_for(desk, 20, digest)
    (message,) = desk.posts
    slot = await desk.slot(digest)
    assert (slot.state, slot.posted_ts) == ("posted", message.ts)
    looks = [call for call in desk.slack.calls_of("conversations.history") if call.ok]
    assert len(looks) == 8, "111 messages, 15 at a time"
    shown = [message["ts"] for look in looks for message in look.answer["messages"]]
    assert len(shown) == len(set(shown)), "nothing is looked at twice"


async def test_a_message_that_is_not_there_is_posted_once_the_whole_channel_has_been_looked_at(
    desk: Desk,
) -> None:
    digest = await lost_answer(desk, arrives=False)
    await work_for(desk, 7, digest)
    assert desk.posts == [], "105 of 110 messages have been looked at"
    for n in range(20):
        desk.slack.write(f"more talk {n}")
    await work_for(desk, 20, digest)
    (message,) = desk.posts
    assert (await desk.slot(digest)).posted_ts == message.ts
    looks = [call for call in desk.slack.calls_of("conversations.history") if call.ok]
    shown = {one["ts"] for look in looks for one in look.answer["messages"]}
    assert shown == {one.ts for one in desk.slack.messages} - {message.ts}


async def test_a_message_that_arrives_while_the_look_goes_on_is_found(desk: Desk) -> None:
    digest = await lost_answer(desk, arrives=False)
    await work_for(desk, 3, digest)
    name = {"event_type": EVENT_TYPE, "event_payload": {"digest": digest.id, "slot": NINE}}
    late = await desk.client.chat_postMessage(channel=GENERAL, text="late", metadata=name)
    for n in range(40):
        desk.slack.write(f"more talk {n}")
    await work_for(desk, 30, digest)
    assert (await desk.slot(digest)).posted_ts == late["ts"]
    assert len(desk.posts) == 1


async def test_a_look_of_many_pages_lets_others_have_their_turn(desk: Desk) -> None:
    digest = await lost_answer(desk, arrives=True)
    desk.slack.limit_history(seconds=0, most=4)
    worker = desk.worker()
    assert await worker.step()
    assert (await desk.slot(digest)).state == "open"
    assert len(desk.slack.calls_of("conversations.history")) == 25, "of the 28 pages"
    desk.clock.advance(1)
    assert await worker.step()
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts
    assert len(desk.slack.calls_of("conversations.history")) == 28


async def test_a_look_that_takes_longer_than_a_message_may_be_late_still_comes_to_its_end(desk: Desk) -> None:
    digest = await lost_answer(desk, arrives=True)
    desk.clock.set(NINE + HOUR - 90)
    await work_for(desk, 20, digest)
    assert (await desk.slot(digest)).state == "posted"
    assert desk.clock.now() > NINE + HOUR + 240


async def test_a_look_that_never_ends_is_given_up_after_a_day_without_a_post(desk: Desk) -> None:
    digest = await lost_answer(desk, "mondays at 09:00", arrives=False)
    desk.slack.misbehave("conversations.history", status=429, retry_after=HOUR, times=999)
    for _ in range(30):
        await desk.worker().step()
        desk.clock.advance(HOUR)
    assert (await desk.slot(digest)).state == "failed"
    assert desk.posts == []
    assert "Slack didn't confirm this digest" in desk.told[0].error


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_message_that_is_looked_for_for_hours_silences_no_later_slot(
    desk: Desk, *, arrives: bool
) -> None:
    digest = await lost_answer(desk, "every hour", arrives=arrives)
    desk.slack.misbehave("conversations.history", status=429, retry_after=HOUR, times=3)
    for minutes in range(0, 360, 10):
        desk.clock.set(max(desk.clock.now(), NINE + minutes * 60))
        while await desk.worker().step():
            pass
    by_slot = {slot.slot_at: slot.state for slot in await desk.store.latest_slots(digest.id, 99)}
    assert by_slot.pop(NINE) == ("posted" if arrives else "failed")
    assert by_slot == {NINE + n * HOUR: "posted" for n in range(1, 6)}
    second = next(claim for claim in desk.claims if claim.slot_at == NINE + HOUR)
    assert (second.unconfirmed, second.missed) == ((NINE,), ())
    assert len(desk.told) == int(not arrives)
    kept = await desk.get(digest)
    assert (kept.last_slot_at, kept.last_result) == (NINE + 5 * HOUR, "posted"), "not what ended last"


@pytest.mark.parametrize("method", ["conversations.history", "chat.postMessage"])
async def test_waiting_for_slack_s_pace_keeps_no_place_from_others(desk: Desk, method: str) -> None:
    await lost_answer(desk, arrives=True)
    desk.slack.misbehave(method, status=429, retry_after=60)
    other = await desk.add("every day at 09:01", channel=PRIVATE)
    desk.clock.set(NINE + 60)
    worker = desk.worker(at_once=1)
    while not await worker.step():
        pass
    while await worker.step():
        pass
    if method == "chat.postMessage":
        assert (await desk.slot(other)).state == "open"
        desk.clock.advance(60)
        assert await worker.step()
    assert (await desk.slot(other)).state == "posted"


# Leases: of processes that die, that are stopped for a while, and of others that live.


@pytest.mark.parametrize("keeps_connections", [True, False])
async def test_no_request_to_slack_takes_as_long_as_a_lease(desk: Desk, *, keeps_connections: bool) -> None:
    client = build_slack_client(Network(), desk.slack.api_url, desk.slack.bot_token)
    if keeps_connections:
        client.open()
    with sent_once(client) as single:
        assert single.connections.timeout_seconds == TIMEOUT_SECONDS
        if single.connections._kept is not None:
            assert single.connections._kept.timeout.total == TIMEOUT_SECONDS
        assert LEASE_SECONDS / 3 + TIMEOUT_SECONDS < LEASE_SECONDS
        assert single.retry_handlers == []
    await client.aclose()


@pytest.mark.parametrize("keeps_connections", [True, False])
async def test_nothing_is_sent_after_its_time(desk: Desk, *, keeps_connections: bool) -> None:
    client = build_slack_client(Network(), desk.slack.api_url, desk.slack.bot_token)
    if keeps_connections:
        client.open()
    with pytest.raises(NotSentError), sent_once(client, asyncio.get_running_loop().time()) as single:
        await single.chat_postMessage(channel=GENERAL, text="late")
    assert desk.slack.api_calls == []
    await client.chat_postMessage(channel=GENERAL, text="another, of no such time")
    assert len(desk.slack.api_calls) == 1
    await client.aclose()


@pytest.mark.parametrize(
    "trouble", [{"status": 429, "retry_after": 0}, {"status": 503}, {"error": "fatal_error"}]
)
async def test_a_post_is_one_request_whatever_slack_answers(desk: Desk, trouble: dict[str, Any]) -> None:
    await desk.add()
    desk.clock.set(NINE)
    desk.slack.misbehave("chat.postMessage", **trouble)
    assert await desk.worker().step()
    assert len(desk.slack.calls_of("chat.postMessage")) == 1
    assert desk.posts == []


async def test_a_process_that_was_stopped_for_longer_than_its_lease_posts_nothing_when_it_goes_on(
    desk: Desk,
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    async with desk.process(CHAOS_STOP="1", CHAOS_QUICK_RATE="1") as stopped:
        assert stopped.stdout
        while await stopped.stdout.readline() != b"stopped\n":
            pass
        stopped_at = asyncio.get_running_loop().time()
        desk.clock.advance(LEASE_SECONDS)
        assert await desk.worker().step(), "its lease has ended"
        (message,) = desk.posts
        renewal_is_due = asyncio.Event()
        asyncio.get_running_loop().call_at(stopped_at + QUICK_LEASE_SECONDS / 3, renewal_is_due.set)
        await renewal_is_due.wait()
        send(stopped, signal.SIGCONT)
        send(stopped, signal.SIGTERM)
        assert await stopped.wait() == 0
    assert desk.posts == [message]
    assert (await desk.slot(digest)).posted_ts == message.ts


async def test_a_process_that_was_stopped_while_slack_took_its_message_leaves_it_to_another(
    desk: Desk,
) -> None:
    digest = await desk.add()
    desk.slack.misbehave("chat.postMessage", hang=True, after_effect=True)
    desk.clock.set(NINE)
    async with desk.process() as stopped:
        await happens(desk, lambda: desk.posts)
        send(stopped, signal.SIGSTOP)
        (message,) = desk.posts
        desk.clock.advance(LEASE_SECONDS)
        assert await desk.worker().step(), "its lease has ended"
        assert (await desk.slot(digest)).posted_ts == message.ts
        send(stopped, signal.SIGCONT)
        send(stopped, signal.SIGTERM)
        assert await stopped.wait() == 0
    assert desk.posts == [message]
    assert (await desk.slot(digest)).attempts == 2


async def killed_while_it_had_a_slot(desk: Desk, **environment: str) -> Digest:
    """A digest whose slot a process had that was killed outright."""
    digest = await desk.add()
    desk.clock.set(NINE)
    async with desk.process(**{"CHAOS_HANG": "1"} | environment) as process:
        assert process.stdout
        while await process.stdout.readline() not in {b"claimed\n", b""}:
            pass
        send(process, signal.SIGKILL)  # unless it has died by itself
        assert await process.wait() == -signal.SIGKILL
    return digest


async def test_a_slot_of_a_process_that_was_killed_is_posted_as_soon_as_the_next_one_starts(
    desk: Desk,
) -> None:
    digest = await killed_while_it_had_a_slot(desk)
    assert (await desk.slot(digest)).attempts == 1
    assert await desk.worker().step()
    assert len(desk.posts) == 1


async def test_a_slot_that_a_killed_process_was_posting_waits_for_its_lease(desk: Desk) -> None:
    digest = await killed_while_it_had_a_slot(desk, CHAOS_HANG="", CHAOS_DEATH="1")
    assert not await desk.worker().step(), "it may be on its way to Slack"
    desk.clock.advance(LEASE_SECONDS)
    assert await desk.worker().step()
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts


async def test_leases_of_processes_that_live_are_left_alone(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)
    async with desk.another_store() as living, desk.another_store() as starting:
        claim = await living.claim_due(NINE, "living", LEASE_SECONDS)
        assert claim
        assert not await Worker(starting, desk.post, desk.clock).step()
        assert await living.outbox.renew(claim, LEASE_SECONDS, posting=True)
        await living.close()  # it ends; its successor lives on
        assert await desk.store.claim_due(NINE, "third", LEASE_SECONDS) is None
    assert (await desk.slot(digest)).attempts == 1


async def test_a_second_worker_of_one_process_leaves_the_first_its_slots(desk: Desk) -> None:
    await desk.add()
    desk.clock.set(NINE)
    claims = await asyncio.gather(*(desk.store.claim_due(NINE, f"{n}", LEASE_SECONDS) for n in range(5)))
    (claim,) = [claim for claim in claims if claim]
    assert await desk.store.outbox.renew(claim, LEASE_SECONDS)


@pytest.mark.parametrize("obstacle", ["a folder", "a lock held by a process that stands still"])
async def test_where_no_lock_is_to_be_had_leases_run_out(desk: Desk, obstacle: str) -> None:
    await desk.add()
    desk.clock.set(NINE)
    lock = desk.folder / "digests.db.lock"
    async with desk.another_store() as dead:
        assert await dead.claim_due(NINE, "dead", LEASE_SECONDS)
    held = -1
    if obstacle == "a folder":
        lock.unlink()
        lock.mkdir()
    else:
        held = os.open(lock, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        assert not await desk.worker().step()
        desk.clock.advance(LEASE_SECONDS)
        assert await desk.worker().step()
    finally:
        if held >= 0:
            os.close(held)
    assert len(desk.posts) == 1


async def test_a_lease_freed_by_mistake_lets_nobody_post_twice(desk: Desk) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)

    async def post(claim: Claim) -> str | None:
        (desk.folder / "digests.db.lock").unlink()  # as on a file system whose locks hold on one machine only
        async with desk.another_store() as another:
            assert await Worker(another, desk.post, desk.clock).step()
        return await desk.post(claim)

    assert await desk.worker(post=post).step()
    assert len(desk.posts) == 1
    assert (await desk.slot(digest)).posted_ts == desk.posts[0].ts


# What the log says.


@pytest.mark.parametrize("posted_first", [True, False])
async def test_a_digest_removed_while_it_is_posted_is_no_trouble(
    desk: Desk, caplog: pytest.LogCaptureFixture, *, posted_first: bool
) -> None:
    digest = await desk.add()
    desk.clock.set(NINE)

    async def post(claim: Claim) -> str | None:
        posted = await desk.post(claim) if posted_first else None
        await desk.store.remove(digest.id)
        return posted or await desk.post(claim)

    with caplog.at_level("INFO"):
        assert await desk.worker(post=post).step()
    assert len(desk.posts) == int(posted_first)
    assert "A digest was removed while it was worked on" in caplog.text
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_stopping_while_the_database_is_away_does_not_speak_of_another_worker(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.add()
    desk.clock.set(NINE)
    with closing(sqlite3.connect(desk.folder / "digests.db", isolation_level=None)) as other:

        async def post(claim: Claim) -> str | None:
            posted = await desk.post(claim)
            other.execute("BEGIN IMMEDIATE")
            return posted

        worker = desk.worker(post=post, tell=None)
        working = asyncio.create_task(worker.step())
        await when_logged(lambda: "could not be noted yet" in caplog.text)
        await worker.stop()
        await working
    assert "taken over" not in caplog.text


async def test_a_fault_while_an_owner_is_told_is_logged_with_where_it_happened(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.add(channel=ARCHIVED)
    desk.clock.set(NINE)

    async def tell(notice: Notice) -> None:
        raise KeyError("owner")

    worker = desk.worker(tell=tell)
    assert await worker.step()
    (fault,) = [record for record in caplog.records if record.exc_info]
    assert fault.exc_info
    assert fault.exc_info[0] is KeyError
    assert not await worker.step(), "nobody is told for ever"


async def test_a_fault_while_a_lease_is_renewed_is_logged_with_where_it_happened(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.add()
    desk.clock.set(NINE)

    class Faulty(Outbox):
        async def renew(self, step: Any, lease_seconds: float, *, posting: bool = False) -> bool:
            if not caplog.records:
                raise ZeroDivisionError
            return await super().renew(step, lease_seconds, posting=posting)

    async def post(claim: Claim) -> str | None:
        await asyncio.Event().wait()
        raise AssertionError

    desk.store.outbox = Faulty(desk.store.database, slots, slots.c.digest_id, slots.c.slot_at)
    assert await Worker(desk.store, post, desk.clock, renew_seconds=0.02).step()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
