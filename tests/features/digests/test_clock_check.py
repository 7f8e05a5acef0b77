"""A clock that is wrong loses no slot: the vendor's is compared, and stored times are checked when read."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bot.clock import AdjustableClock
from bot.features.digests.clock_check import (
    AGREED_SECONDS,
    APART_SECONDS,
    FAR_SECONDS,
    MEASURE_AGAIN_SECONDS,
    REVIEW_SECONDS,
    ClockCheck,
)
from bot.features.digests.models import Digest, NewDigest
from bot.features.digests.slot_windows import slots_until
from bot.features.digests.store import open_store
from bot.features.digests.worker import Worker
from bot.network import Network
from bot.query.times import DAY, HOUR, MINUTE
from bot.recordings.window import SIGNATURE_TOLERANCE_MS
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.sandbox.zegocloud import SimulatedZego
from bot.zegocloud.client import RetryPolicy, ZegoClient
from bot.zegocloud.limiter import Limiter
from bot.zegocloud.protocol import DescribeRecordStatus
from tests.databases import database_or_skip
from tests.features.digests.test_listeners import add, digest, ended, posts
from tests.waiting import when_logged
from tests.world import World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from bot.features.digests.models import Claim, Slot
    from bot.features.digests.store import Store

NINE = 1_795_420_800
"""Mon 2026-11-23 09:00 in Berlin."""

JUMPS = [2 * HOUR, 400 * DAY, -2 * HOUR]


@dataclass
class Desk:
    """A worker on a database, whose machine's clock (`clock`) is not the vendor's (`theirs`)."""

    store: Store
    clock: AdjustableClock
    theirs: AdjustableClock
    zego: SimulatedZego
    client: ZegoClient
    worked: list[int]

    def __post_init__(self) -> None:
        self.clock_check = ClockCheck(self.store, self.clock, self.client)
        self.worker = Worker(self.store, self.post, self.clock, clock_check=self.clock_check)

    async def post(self, claim: Claim) -> str | None:
        self.worked.append(claim.slot_at)
        return "1.1"

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.theirs.advance(seconds)

    def jump(self, seconds: float) -> None:
        """Somebody sets this machine's clock."""
        self.clock.set(self.clock.now() + seconds)

    async def add(self, schedule: str = "every hour") -> Digest:
        new = NewDigest("T1", "C1", "U1", "", schedule, "Europe/Berlin")
        return await self.store.add(new)

    async def steps(self) -> None:
        while await self.worker.step():
            pass

    async def next_run(self, kept: Digest) -> int | None:
        found = await self.store.get(kept.id)
        assert found is not None
        return found.next_run_at

    async def slots(self, kept: Digest) -> list[Slot]:
        return await self.store.latest_slots(kept.id, 99)


@asynccontextmanager
async def a_desk(url: str, ahead_seconds: float = 0.0) -> AsyncIterator[Desk]:
    """`ahead_seconds`: by how much this machine's clock is ahead of the vendor's."""
    theirs = AdjustableClock(NINE - HOUR / 2, 0)
    clock = AdjustableClock(NINE - HOUR / 2 + ahead_seconds, 0)
    zego = SimulatedZego(clock=theirs, tasks=0, max_rps=None)
    await zego.start()
    client = ZegoClient(
        network=Network(),
        app_id=zego.app_id,
        server_secret=zego.server_secret,
        base_url=zego.base_url,
        limiter=Limiter(1000, hold_seconds=0.001),
        clock=clock,
        retry=RetryPolicy(wait_initial_seconds=0.001, wait_max_seconds=0.001),
    )
    store = open_store(url, clock)
    try:
        yield Desk(store, clock, theirs, zego, client, [])
    finally:
        await store.close()
        await client.aclose()
        await zego.stop()


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database_or_skip(request.param, tmp_path) as database_url:
        yield database_url


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    async with a_desk(url) as built:
        yield built


# A clock that jumps while the vendor's is known.


@pytest.mark.parametrize("seconds", JUMPS)
@pytest.mark.parametrize("measured", ["just now", "hours ago", "never"])
async def test_a_clock_that_jumps_lets_no_slot_pass_and_digests_go_on_by_themselves(
    desk: Desk, seconds: float, measured: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = await desk.add()
    desk.pass_time(HOUR / 2)
    if measured != "never":
        await desk.steps()
        await desk.client.probe()
        desk.pass_time(HOUR - 3 if measured == "hours ago" else 3)
    first = list(desk.worked)
    desk.jump(seconds)
    for _ in range(3):
        await desk.steps()
        desk.pass_time(1)
    assert desk.worked == first
    assert {slot.state for slot in await desk.slots(kept)} <= {"posted"}
    desk.jump(-seconds)
    desk.pass_time(2 * HOUR - desk.clock.now() % HOUR)
    await desk.steps()
    worked = desk.worked
    assert worked == sorted(set(worked))
    assert worked[-1] == desk.clock.now()
    assert await desk.next_run(kept) == desk.clock.now() + HOUR
    if seconds > 0:
        assert caplog.text.count("Digests wait: this machine's clock is") == 1
        assert caplog.text.count("Digests go on: this machine") == 1


async def test_a_slot_under_way_when_the_clock_jumps_is_handed_back_and_posted_afterwards(desk: Desk) -> None:
    kept = await desk.add()
    desk.pass_time(HOUR / 2)
    tries = 0

    async def post(claim: Claim) -> str | None:
        nonlocal tries
        tries += 1
        if tries == 1:
            desk.jump(400 * DAY)
            await desk.client.ask(DescribeRecordStatus("YRHu6-E4IyvEAAAD"))  # the signature has expired
        return await desk.post(claim)

    worker = Worker(desk.store, post, desk.clock, clock_check=desk.clock_check)
    assert await worker.step()
    assert not await worker.step()
    desk.jump(-400 * DAY)
    assert await worker.step()
    (slot,) = await desk.slots(kept)
    assert (slot.slot_at, slot.state, slot.attempts) == (NINE, "posted", 1)


@pytest.mark.parametrize("ahead_seconds", [2 * HOUR, -2 * HOUR])
async def test_a_clock_that_is_wrong_from_the_start_waits_until_it_is_set_right(
    url: str, ahead_seconds: float
) -> None:
    async with a_desk(url, ahead_seconds) as desk:
        kept = await desk.add()
        desk.pass_time(HOUR / 2)
        await desk.steps()
        assert desk.worked == []
        desk.jump(-ahead_seconds)
        await desk.steps()
        desk.pass_time(HOUR)
        await desk.steps()
        assert desk.worked[-1] == NINE + HOUR
        assert await desk.next_run(kept) == NINE + 2 * HOUR


async def test_a_vendor_that_is_away_stops_no_slot(desk: Desk) -> None:
    await desk.add()
    desk.zego.misbehave(Fault(FaultKind.REFUSE))
    for _ in range(3):
        desk.pass_time(HOUR / 2 if not desk.worked else HOUR)
        await desk.steps()
    assert desk.worked == [NINE, NINE + HOUR, NINE + 2 * HOUR]


async def test_a_vendor_that_goes_away_while_the_clock_is_wrong_is_believed_for_a_while_only(
    desk: Desk,
) -> None:
    await desk.add()
    await desk.client.probe()
    desk.zego.misbehave(Fault(FaultKind.REFUSE))
    desk.jump(2 * HOUR)
    await desk.steps()
    assert desk.worked == []
    desk.pass_time(APART_SECONDS + 1)
    await desk.steps()
    assert desk.worked


@pytest.mark.parametrize("is_set_right", [True, False])
async def test_digests_are_said_to_go_on_only_when_the_clocks_agree_or_a_slot_does(
    desk: Desk, caplog: pytest.LogCaptureFixture, *, is_set_right: bool
) -> None:
    await desk.client.probe()
    desk.zego.misbehave(Fault(FaultKind.REFUSE))
    desk.jump(2 * HOUR)
    await desk.steps()
    assert "Digests wait" in caplog.text
    if is_set_right:
        desk.jump(-2 * HOUR)
        await desk.steps()
    else:
        desk.pass_time(APART_SECONDS + 1)
        await desk.steps()
        assert "Digests go on" not in caplog.text, "it is not known, and nothing is due"
        await desk.add()
        desk.pass_time(HOUR)
        await desk.steps()
        assert desk.worked
    assert caplog.text.count("Digests go on") == 1


async def test_the_vendors_clock_is_asked_for_only_where_something_is_due_and_it_is_not_known(
    desk: Desk,
) -> None:
    await desk.steps()
    desk.pass_time(DAY)
    await desk.steps()
    assert not desk.zego.requests, "nothing is due"
    await desk.add()
    desk.pass_time(HOUR)
    await desk.steps()
    assert len(desk.zego.requests) == 1
    for _ in range(20):
        desk.pass_time(HOUR)
        await desk.steps()
    assert len(desk.zego.requests) == 1
    desk.pass_time(AGREED_SECONDS)
    await desk.steps()
    assert len(desk.zego.requests) == 2
    desk.jump(DAY)
    for _ in range(int(10 * MINUTE)):
        desk.pass_time(1)
        await desk.clock_check.may_go_on()
    assert len(desk.zego.requests) <= 2 + 10 * MINUTE / MEASURE_AGAIN_SECONDS


async def test_a_machine_that_slept_is_right_after_one_look(desk: Desk) -> None:
    await desk.add()
    await desk.client.probe()
    desk.pass_time(MEASURE_AGAIN_SECONDS + 1)
    desk.theirs.advance(3 * HOUR)
    desk.jump(3 * HOUR)  # elapsed time stands still while a machine sleeps
    await desk.steps()
    assert desk.worked == [NINE + 2 * HOUR]  # at 11:31


def test_clocks_that_zegocloud_still_accepts_stop_no_digest() -> None:
    assert FAR_SECONDS * 1000 >= SIGNATURE_TOLERANCE_MS


# What a wrong clock has left in the database.


@pytest.mark.parametrize(
    ("schedule", "stored", "right"),
    [
        ("every hour", NINE, NINE),
        ("every hour", NINE + HOUR, NINE),
        ("every hour", NINE + 400 * DAY, NINE),
        ("every hour", NINE - 60, NINE),  # the zone's rules were others
        ("every day at 09:00", NINE + HOUR, NINE),
        ("every day at 09:00", NINE, NINE),
        ("mondays at 09:00", NINE + 7 * DAY, NINE),
        ("mondays at 10:00", NINE, NINE + HOUR),
    ],
)
async def test_a_stored_next_run_is_compared_with_its_schedule(
    desk: Desk, schedule: str, stored: int, right: int, caplog: pytest.LogCaptureFixture
) -> None:
    kept = await desk.add(schedule)
    await spoil(desk.store, "UPDATE recordings_bot_digests SET next_run_at = :at", at=stored)
    await desk.steps()
    assert await desk.next_run(kept) == right
    assert ("which is wrong" in caplog.text) == (stored != right)
    assert desk.worked == []


async def test_stored_times_are_compared_again_after_a_while(desk: Desk) -> None:
    kept = await desk.add("mondays at 09:00")
    await desk.steps()
    await spoil(desk.store, "UPDATE recordings_bot_digests SET next_run_at = :at", at=NINE + 14 * DAY)
    await desk.steps()
    assert await desk.next_run(kept) == NINE + 14 * DAY
    desk.pass_time(REVIEW_SECONDS)
    await desk.steps()
    assert await desk.next_run(kept) == NINE


async def test_slots_noted_for_times_to_come_are_taken_back_and_come_up_at_their_time(desk: Desk) -> None:
    kept = await desk.add()
    claims = []
    desk.jump(3 * HOUR)  # 11:30, and nothing knows better
    for _ in range(2):
        claim = await desk.store.claim_due(desk.clock.now(), "another", 90)
        if claim:
            claims.append(claim.slot_at)
    desk.jump(-3 * HOUR)
    states = {slot.slot_at: slot.state for slot in await desk.slots(kept)}
    assert states == {NINE + 2 * HOUR: "open", NINE + HOUR: "skipped", NINE: "skipped"}
    assert claims == [NINE + 2 * HOUR]
    desk.pass_time(HOUR / 2)
    for _ in range(3):
        await desk.steps()
        desk.pass_time(HOUR)
    assert desk.worked[:2] == [NINE, NINE + HOUR]
    desk.pass_time(10 * MINUTE)
    if not desk.store.is_shared:  # leases there go by the database's own clock
        await desk.steps()
        assert NINE + 2 * HOUR in desk.worked


async def test_what_waits_for_a_moment_that_a_wrong_clock_chose_waits_no_longer(desk: Desk) -> None:
    kept = await desk.add()
    desk.pass_time(HOUR / 2)
    claim = await desk.store.claim_due(desk.clock.now(), "gone", 0)
    assert claim
    await desk.store.outbox.retry(claim, "Away.", NINE + 400 * DAY)
    await desk.steps()
    assert desk.worked == [NINE]
    assert [slot.state for slot in await desk.slots(kept)] == ["posted"]


@pytest.mark.parametrize(
    ("stored", "last", "fresh"),
    [
        (NINE, 0, [NINE]),
        (NINE - 5400, 0, [NINE]),  # no time of the schedule any more
        (NINE - 5400, NINE - HOUR, [NINE]),
        (NINE - 5400, NINE, []),
        (NINE - HOUR, 0, [NINE - HOUR, NINE]),
    ],
)
def test_a_time_that_is_none_of_the_schedule_any_more_is_no_slot(
    stored: int, last: int, fresh: list[int]
) -> None:
    kept = Digest(
        "T1", "C1", "U1", "", "every hour", "Europe/Berlin", id="d1", next_run_at=stored, last_slot_at=last
    )
    assert slots_until(kept, NINE, HOUR) == (fresh, [], NINE + HOUR)


async def spoil(store: Store, statement: str, **values: int) -> None:
    async def work(connection: Any) -> None:
        await connection.execute(text(statement), values)

    await store.database.run(work, writes=True)


# Told in the channel.


async def test_three_seconds_with_the_clock_a_year_ahead_cost_no_digest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_world(DATABASE_URL=f"sqlite:///{tmp_path}/digests.db", apart=True) as world:
        await world.ask('digest add "every hour"')
        task = add(world, NINE - 20 * MINUTE, fails=True)
        await at(world, NINE)
        assert task in posts(world)[0].text
        world.clock.set(world.clock.now() + 400 * DAY)
        world.bot.digests.wake()
        await when_logged(lambda: "Digests wait" in caplog.text)
        world.pass_time(3)
        world.clock.set(world.clock.now() - 400 * DAY)
        for n in (1, 2):
            await at(world, NINE + n * HOUR)
        assert len(posts(world)) == 3
        assert (await digest(world)).next_run_at == NINE + 3 * HOUR


async def at(world: World, moment: float) -> None:
    world.pass_time(moment - world.clock.now())
    world.bot.digests.wake()
    await ended(world, moment)
