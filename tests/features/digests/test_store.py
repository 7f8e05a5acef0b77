"""The store of digests, on SQLite and on PostgreSQL: every rule holds on both."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event, text

from bot.clock import AdjustableClock
from bot.errors import QueryError
from bot.features.digests.models import FullChannelError, NewDigest
from bot.features.digests.store import MOST_A_CHANNEL, Store, open_store
from bot.features.digests.unfinished import OpenRecording, Unfinished
from bot.models import Recording
from bot.storage.errors import StoreError
from tests.databases import database_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.features.digests.models import Claim, Digest

NINE = 1_795_420_800
"""Mon 2026-11-23 09:00 in Berlin."""

HOUR, DAY = 3600, 86_400
LONG, OVER = 600.0, 0.0
"""Leases in seconds: one that lasts, and one that has ended at once."""


def new(schedule: str = "weekdays at 09:00", **changes: Any) -> NewDigest:
    given = {"team_id": "T0LOCAL01", "channel_id": "C0GENERAL1", "owner_id": "U0ASKER1", "query": "last=24h"}
    return NewDigest(**given | {"schedule": schedule, "zone": "Europe/Berlin"} | changes)


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(NINE - HOUR, 0)


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with database_or_skip(request.param, tmp_path) as database_url:
        yield database_url


@pytest.fixture
async def store(url: str, clock: AdjustableClock) -> AsyncIterator[Store]:
    opened = open_store(url, clock)
    yield opened
    await opened.close()


async def claimed(store: Store, clock: AdjustableClock, lease: float = LONG, holder: str = "one") -> Claim:
    claim = await store.claim_due(clock.now(), holder, lease)
    assert claim is not None
    return claim


async def fresh(store: Store, digest: Digest) -> Digest:
    found = await store.get(digest.id)
    assert found is not None
    return found


async def test_digests_are_numbered_in_their_channel(store: Store) -> None:
    here = [await store.add(new()) for _ in range(2)]
    there = await store.add(new(channel_id="C0PRIVATE1"))
    assert [digest.number for digest in (*here, there)] == [1, 2, 1]
    assert await store.list_digests("T0LOCAL01", "C0GENERAL1") == here
    assert await store.get_numbered("T0LOCAL01", "C0GENERAL1", 2) == here[1]
    assert await store.get_numbered("T0OTHER01", "C0GENERAL1", 2) is None
    assert await store.get(there.id) == there


async def test_digests_added_at_once_get_different_numbers(
    store: Store, url: str, clock: AdjustableClock
) -> None:
    other = open_store(url, clock)
    added = await asyncio.gather(*((store, other)[n % 2].add(new()) for n in range(8)))
    assert sorted(digest.number for digest in added) == list(range(1, 9))
    assert len({digest.id for digest in added}) == 8
    await other.close()


async def test_a_digest_is_due_at_its_next_time_and_not_before(store: Store, clock: AdjustableClock) -> None:
    digest = await store.add(new())
    assert digest.next_run_at == NINE
    assert await store.claim_due(NINE - 0.001, "one", LONG) is None
    assert await store.seconds_to_next(NINE - 60) == 60
    clock.set(NINE)
    claim = await claimed(store, clock)
    assert (claim.digest.id, claim.slot_at, claim.attempt) == (digest.id, NINE, 1)
    assert claim.previous_slot_at == NINE - 3 * DAY  # Friday
    assert (claim.missed, claim.uncertain, claim.last_error) == ((), False, "")
    assert claim.digest.next_run_at == NINE + DAY
    assert await store.claim_due(clock.now(), "two", LONG) is None


@pytest.mark.parametrize("changes", [{"schedule": "whenever"}, {"zone": "Europe/Nowhere"}])
async def test_what_cannot_be_scheduled_is_neither_added_nor_changed(
    store: Store, changes: dict[str, str]
) -> None:
    digest = await store.add(new())
    with pytest.raises((QueryError, LookupError)):
        await store.add(new(**changes))
    with pytest.raises((QueryError, LookupError)):
        await store.change(digest.id, **changes)
    assert await store.list_digests("T0LOCAL01", "C0GENERAL1") == [digest]


async def test_a_changed_schedule_counts_from_now_and_other_changes_move_nothing(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new())
    changed = await store.change(digest.id, query="room=7", quiet="nothing", owner_id="U0READER1")
    assert changed is not None
    assert (changed.query, changed.quiet, changed.owner_id) == ("room=7", "nothing", "U0READER1")
    assert changed.next_run_at == NINE
    clock.set(NINE - 30)
    later = await store.change(digest.id, schedule="every day at 09:30")
    assert later is not None
    assert later.next_run_at == NINE + 1800
    zoned = await store.change(digest.id, zone="UTC")
    assert zoned is not None
    assert zoned.next_run_at == NINE + 1800 + HOUR
    assert zoned == await store.get(digest.id)


async def test_a_paused_digest_rests_and_goes_on_from_the_moment_it_is_resumed(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new("every hour"))
    clock.set(NINE)
    await store.outbox.release(await claimed(store, clock))
    paused = await store.pause(digest.id)
    assert paused is not None
    assert (paused.is_paused, paused.paused_at, paused.paused_why) == (True, NINE, "")
    clock.advance(5 * HOUR)
    assert await store.claim_due(clock.now(), "one", LONG) is None
    assert await store.seconds_to_next(clock.now()) is None
    assert [slot.state for slot in await store.latest_slots(digest.id, 9)] == ["skipped"]
    changed = await store.change(digest.id, schedule="every 2 hours")
    assert changed is not None
    assert changed.next_run_at is None
    resumed = await store.resume(digest.id)
    assert resumed is not None
    assert (resumed.is_paused, resumed.paused_why) == (False, "")
    assert resumed.next_run_at == NINE + 7 * HOUR
    clock.set(NINE + 7 * HOUR)
    assert await store.resume(digest.id) == resumed, "what runs goes on, and loses nothing that is due"


async def test_a_removed_digest_is_gone_with_its_slots(store: Store, clock: AdjustableClock) -> None:
    digest = await store.add(new("every hour"))
    clock.set(NINE)
    claim = await claimed(store, clock)
    assert await store.remove(digest.id)
    assert not await store.remove(digest.id)
    assert await store.get(digest.id) is None
    assert await store.latest_slots(digest.id, 9) == []
    assert not await store.finish(claim, "1.2")
    assert await store.pause(digest.id) is None
    assert await store.resume(digest.id) is None
    assert await store.change(digest.id, query="") is None
    assert await store.ask(digest.id, "U0ASKER1") is None


async def test_however_many_look_at_once_each_slot_is_taken_once(
    store: Store, url: str, clock: AdjustableClock
) -> None:
    other = open_store(url, clock)
    digests = [await store.add(new("every hour")) for _ in range(10)]
    clock.set(NINE + 1)
    looks = (
        (store, other)[n % 2].claim_due(clock.now(), f"worker {n}", LONG) for n in range(3 * len(digests))
    )
    claims = [claim for claim in await asyncio.gather(*looks) if claim]
    while (more := await other.claim_due(clock.now(), "last", LONG)) is not None:
        claims.append(more)  # a look that met locked rows may have come back with nothing
    assert sorted(claim.digest.id for claim in claims) == sorted(digest.id for digest in digests)
    assert {claim.attempt for claim in claims} == {1}
    await other.close()


async def test_a_slot_whose_lease_has_ended_goes_to_another_and_the_first_can_do_nothing_any_more(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new())
    clock.set(NINE)
    first = await claimed(store, clock, OVER)
    second = await claimed(store, clock, LONG, "two")
    assert (second.attempt, second.slot_at) == (2, NINE)
    assert not await store.outbox.renew(first, LONG, posting=True)
    assert not await store.finish(first, "1.1")
    assert not await store.fail(first, "No.")
    assert not await store.skip(first, "No.")
    assert not await store.outbox.release(first)
    assert await store.outbox.renew(second, LONG)
    assert await store.keep(second, {"all": 2}, "")
    assert await store.finish(second, "2.2")
    (slot,) = await store.latest_slots(digest.id, 9)
    assert (slot.state, slot.attempts, slot.posted_ts, slot.counts) == ("posted", 2, "2.2", {"all": 2})


async def test_the_same_worker_that_takes_a_slot_again_has_lost_its_first_claim(
    store: Store, clock: AdjustableClock
) -> None:
    await store.add(new())
    clock.set(NINE)
    first, second = await claimed(store, clock, OVER), await claimed(store, clock)
    assert not await store.outbox.renew(first, LONG)
    assert await store.outbox.renew(second, LONG)


async def test_a_renewed_lease_keeps_the_slot(store: Store, clock: AdjustableClock) -> None:
    await store.add(new())
    clock.set(NINE)
    claim = await claimed(store, clock, OVER)
    assert await store.outbox.renew(claim, LONG)
    assert await store.claim_due(clock.now(), "two", LONG) is None
    seconds = await store.seconds_to_next(clock.now())
    assert seconds is not None
    assert LONG - 30 < seconds <= LONG


async def test_a_slot_handed_back_is_as_if_it_had_not_been_taken_unless_it_may_be_posted(
    store: Store, clock: AdjustableClock
) -> None:
    await store.add(new())
    clock.set(NINE)
    assert await store.outbox.release(await claimed(store, clock))
    again = await claimed(store, clock, LONG, "two")
    assert (again.attempt, again.uncertain) == (1, False)
    assert await store.outbox.renew(again, OVER, posting=True)
    assert not await store.outbox.release(again)
    third = await claimed(store, clock)
    assert (third.attempt, third.uncertain) == (2, True)


async def test_a_failed_attempt_waits_for_its_time_behind_those_that_have_not_been_tried(
    store: Store, clock: AdjustableClock
) -> None:
    one, two = [await store.add(new("every hour")) for _ in range(2)]
    clock.set(NINE)
    first = await claimed(store, clock)
    assert await store.outbox.retry(first, "The vendor is away.", NINE + 60)
    second = await claimed(store, clock)
    assert {first.digest.id, second.digest.id} == {one.id, two.id}
    assert await store.finish(second, "1.1")
    assert await store.claim_due(NINE + 59, "one", LONG) is None
    clock.set(NINE + HOUR)
    order = [await claimed(store, clock, LONG, f"worker {n}") for n in range(2)]
    assert [(claim.attempt, claim.slot_at) for claim in order] == [(1, NINE + HOUR), (2, NINE)]
    assert order[1].last_error == "The vendor is away."
    assert order[1].digest.id == first.digest.id


async def test_the_slots_of_one_digest_are_worked_in_turn_and_others_wait_for_none(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new("every hour"))
    clock.set(NINE)
    first = await claimed(store, clock)
    assert await store.outbox.retry(first, "The vendor is away.", NINE + HOUR + 60)
    clock.set(NINE + HOUR)
    other = await store.add(new("every hour"))
    await store.ask(other.id, "U0ASKER1")
    await store.ask(digest.id, "U0ASKER1")
    asked = [await claimed(store, clock) for _ in range(2)]
    assert {(claim.digest.id, claim.asked_by) for claim in asked} == {
        (digest.id, "U0ASKER1"),
        (other.id, "U0ASKER1"),
    }
    assert await store.claim_due(clock.now(), "one", LONG) is None
    seconds = await store.seconds_to_next(clock.now())
    assert seconds is not None
    assert seconds > 0, "what waits for its turn is nothing to look for at once"
    clock.set(NINE + HOUR + 60)
    again = await claimed(store, clock)
    assert again.slot_at == NINE
    assert await store.claim_due(clock.now(), "one", LONG) is None
    await store.finish(again, "1.1")
    assert (await claimed(store, clock)).slot_at == NINE + HOUR


async def test_a_slot_carries_on_from_the_last_one_that_was_worked(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new("every hour"))
    left = Unfinished((OpenRecording(Recording("T1", "88", 2, 1_000)),), 5, 6)
    seen = []
    for hours in range(5):
        clock.set(NINE + hours * HOUR)
        claim = await claimed(store, clock)
        seen.append((claim.worked_at, bool(claim.unfinished.recordings)))
        if hours in {1, 2}:
            await store.fail(claim, "No.")
            continue
        assert await store.keep(claim, {"total": hours}, left.encode() if hours != 3 else "")
        await store.finish(claim, "1.1" if hours else None)
        if hours == 3:
            clock.advance(60)
            assert await store.ask(digest.id, "U0ASKER1")
            test_run = await claimed(store, clock)
            await store.keep(test_run, {}, "")
            await store.finish(test_run, "2.2")
    first, fourth = NINE, NINE + 3 * HOUR
    assert seen == [(None, False), (first, True), (first, True), (first, True), (fourth, False)]
    assert (await store.previous_counts(digest.id, NINE + 9 * HOUR, 9))[-1] == (NINE, {"total": 0})


async def test_what_is_kept_before_a_message_is_sent_is_lost_with_the_lease(
    store: Store, clock: AdjustableClock
) -> None:
    await store.add(new())
    clock.set(NINE)
    first = await claimed(store, clock, OVER)
    second = await claimed(store, clock, LONG, "two")
    assert not await store.keep(first, {"total": 1}, "")
    assert await store.keep(second, {"total": 2}, "")


async def test_an_attempt_that_may_still_arrive_is_not_repeated_before_the_lease_ends(
    store: Store, clock: AdjustableClock
) -> None:
    await store.add(new())
    clock.set(NINE)
    claim = await claimed(store, clock)
    await store.outbox.renew(claim, LONG, posting=True)
    assert await store.outbox.retry(claim, "No answer.", NINE, wait_for_lease=True)
    assert await store.claim_due(clock.now(), "one", LONG) is None
    if not store.is_shared:  # leases go by the given clock
        clock.advance(LONG)
        assert (await claimed(store, clock)).uncertain


async def test_slots_missed_for_an_hour_are_noted_and_fresh_ones_come_up(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new("every 30 minutes"))
    clock.set(NINE + 2 * HOUR + 60)
    first = await claimed(store, clock)
    assert first.slot_at == NINE + 5400
    assert first.missed == tuple(NINE + n * 1800 for n in range(-1, 3))
    assert await store.claim_due(clock.now(), "one", LONG) is None
    slots = await store.latest_slots(digest.id, 99)
    assert [slot.state for slot in slots] == ["open", "open", *["skipped"] * 4]
    await store.finish(first, "1.1")
    second = await claimed(store, clock)
    assert second.slot_at == NINE + 7200
    await store.finish(second, None)
    clock.set(NINE + 9000)
    assert (await claimed(store, clock)).missed == ()
    assert (await fresh(store, digest)).last_result == "quiet"


async def test_years_away_leave_only_a_few_notes(store: Store, clock: AdjustableClock) -> None:
    digest = await store.add(new("every 30 minutes"))
    clock.advance(2 * 365 * DAY)
    claim = await claimed(store, clock)
    assert clock.now() - claim.slot_at <= HOUR
    assert len(await store.latest_slots(digest.id, 999)) < 60
    assert (await fresh(store, digest)).next_run_at == clock.now() + 1800


async def test_counts_of_earlier_slots_are_kept_for_comparison(store: Store, clock: AdjustableClock) -> None:
    digest = await store.add(new("every hour"))
    for hours in range(4):
        clock.set(NINE + hours * HOUR)
        claim = await claimed(store, clock)
        if hours == 1:
            await store.fail(claim, "No.")
        else:
            await store.keep(claim, {"all": hours}, "")
            await store.finish(claim, f"{hours}.0" if hours else None)
    clock.advance(60)
    asked_at = await store.ask(digest.id, "U0ASKER1")
    assert asked_at == NINE + 3 * HOUR + 60
    asked = await claimed(store, clock)
    assert (asked.asked_by, asked.previous_slot_at) == ("U0ASKER1", NINE + 3 * HOUR)
    await store.keep(asked, {"all": 9}, "")
    await store.finish(asked, "9.9")
    assert await store.previous_counts(digest.id, NINE + 4 * HOUR, 2) == [
        (NINE + 3 * HOUR, {"all": 3}),
        (NINE + 2 * HOUR, {"all": 2}),
    ]
    assert await store.previous_counts(digest.id, NINE + 2 * HOUR, 9) == [(NINE, {"all": 0})]


async def test_a_paused_digest_can_be_asked_for_and_twice_in_a_second_is_once(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new())
    await store.pause(digest.id)
    assert await store.ask(digest.id, "U0ASKER1") == await store.ask(digest.id, "U0ASKER1")
    assert await store.seconds_to_next(clock.now()) is not None
    assert (await claimed(store, clock)).asked_by == "U0ASKER1"
    assert await store.claim_due(clock.now(), "one", LONG) is None


async def test_the_owner_is_to_be_told_of_the_first_failure_in_a_row_and_of_a_pause(
    store: Store, clock: AdjustableClock
) -> None:
    digest = await store.add(new("every hour"))
    told = []
    for hours in range(5):
        clock.set(NINE + hours * HOUR)
        claim = await claimed(store, clock)
        if hours == 2:
            await store.finish(claim, "1.1")
        else:
            pause = "Its channel is archived." if hours == 4 else ""
            await store.fail(claim, f"Failure {hours}.", pause)
        while (notice := await store.claim_notice(clock.now(), "one", LONG)) is not None:
            assert await store.claim_notice(clock.now(), "two", LONG) is None
            told.append((notice.error, notice.digest.is_paused))
            await store.told(notice)
    assert told == [("Failure 0.", False), ("Failure 3.", False), ("Failure 4.", True)]
    paused = await fresh(store, digest)
    assert (paused.paused_why, paused.last_error) == ("Its channel is archived.", "Failure 4.")
    resumed = await store.resume(digest.id)
    assert resumed is not None
    assert (resumed.is_paused, resumed.paused_why) == (False, "")


async def test_who_could_not_be_told_is_told_later_but_not_for_ever(
    store: Store, clock: AdjustableClock
) -> None:
    await store.add(new())
    clock.set(NINE)
    await store.fail(await claimed(store, clock), "No.")
    assert await store.claim_notice(clock.now(), "one", OVER)
    assert await store.claim_notice(clock.now(), "two", OVER)
    assert await store.claim_notice(clock.now() + 2 * DAY, "two", OVER) is None


async def test_slots_are_forgotten_after_ninety_days(store: Store, clock: AdjustableClock) -> None:
    digest = await store.add(new("every day at 09:00"))
    for day in (0, 50, 91):
        clock.set(NINE + day * DAY)
        while (claim := await store.claim_due(clock.now(), "one", LONG)) is not None:
            await store.finish(claim, "1.1")
    times = [slot.slot_at for slot in await store.latest_slots(digest.id, 999)]
    assert NINE not in times
    assert NINE + 50 * DAY in times


async def test_a_digest_whose_schedule_cannot_be_read_any_more_is_paused_and_delays_no_other(
    store: Store, clock: AdjustableClock
) -> None:
    broken, sound = [await store.add(new()) for _ in range(2)]

    async def spoil(connection: Any) -> None:
        await connection.execute(
            text("UPDATE recordings_bot_digests SET zone = 'Moon/Base' WHERE number = 1")
        )

    await store.database.run(spoil, writes=True)
    clock.set(NINE)
    assert (await claimed(store, clock)).digest.id == sound.id
    assert "Moon/Base" in (await fresh(store, broken)).paused_why


async def test_replicas_that_start_at_once_make_one_database(url: str, clock: AdjustableClock) -> None:
    stores = [open_store(url, clock) for _ in range(4)]
    await asyncio.gather(*(store.check() for store in stores))
    digest = await stores[0].add(new())
    assert await stores[3].get(digest.id) == digest
    for store in stores:
        await store.close()


async def test_only_who_has_a_slot_says_how_far_its_channel_was_looked_through(
    store: Store, clock: AdjustableClock
) -> None:
    await store.add(new())
    clock.set(NINE)
    first = await claimed(store, clock, OVER)
    second = await claimed(store, clock, LONG, "two")
    assert not await store.outbox.keep_look(first, "1")
    assert await store.outbox.keep_look(second, "2")
    assert await store.outbox.retry(second, "Later.", NINE)
    assert (await claimed(store, clock)).look == "2"


async def test_a_call_given_up_is_carried_through_and_leaves_the_database_usable(
    store: Store, clock: AdjustableClock
) -> None:
    await store.check()
    adding = asyncio.create_task(store.add(new()))
    await asyncio.sleep(0)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    await store.add(new())
    assert [digest.number for digest in await store.list_digests("T0LOCAL01", "C0GENERAL1")] == [1, 2]


async def test_closing_carries_through_what_is_running(store: Store, clock: AdjustableClock) -> None:
    adding = asyncio.create_task(store.add(new()))
    await asyncio.sleep(0)
    await store.close()
    assert (await adding).number == 1


# What can go wrong with the database itself.


async def refusal(store: Store) -> StoreError:
    with pytest.raises(StoreError) as raised:
        await store.add(new())
    await store.close()
    return raised.value


async def test_a_locked_file_is_told_and_nothing_is_lost(tmp_path: Path, clock: AdjustableClock) -> None:
    store = open_store(f"sqlite:///{tmp_path}/digests.db?timeout=0.05", clock)
    digest = await store.add(new())
    with closing(sqlite3.connect(tmp_path / "digests.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"The database is busy\. Try again") as raised:
            await store.add(new())
        assert raised.value.reason == "busy"
        assert "another process" in raised.value.for_operator()
        assert await store.get(digest.id) == digest  # reading goes on
    assert (await store.add(new())).number == 2
    await store.close()


async def test_a_read_only_database_is_told(tmp_path: Path, clock: AdjustableClock) -> None:
    store = open_store(f"sqlite:///{tmp_path}/digests.db", clock)
    await store.check()
    await store.close()
    error = await refusal(open_store(f"sqlite:///file:{tmp_path}/digests.db?mode=ro&uri=true", clock))
    assert error.reason == "read-only"
    assert "check who owns the file" in error.for_operator()


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_damaged_file_is_told(tmp_path: Path, clock: AdjustableClock, content: bytes) -> None:
    (tmp_path / "digests.db").write_bytes(content)
    error = await refusal(open_store(f"sqlite:///{tmp_path}/digests.db", clock))
    assert error.reason == "damaged"
    assert "restore it from a backup" in error.for_operator()


async def test_a_missing_folder_is_told(tmp_path: Path, clock: AdjustableClock) -> None:
    error = await refusal(open_store(f"sqlite:///{tmp_path}/nowhere/digests.db", clock))
    assert error.reason == "missing"
    assert "check that its folder is there" in error.for_operator()


async def test_a_full_disk_is_told_and_digests_go_on_when_there_is_room(
    tmp_path: Path, clock: AdjustableClock
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/digests.db", clock)
    limit = {"pages": 0}

    def restrict(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count = {limit['pages'] or 1_000_000}")
        cursor.close()

    event.listen(store.database._engine.sync_engine, "connect", restrict)
    kept = await store.add(new())
    limit["pages"] = 1  # SQLite takes the file's present size instead
    await store.database._engine.dispose()
    with pytest.raises(StoreError) as raised:
        await store.add(new(query="x" * 100_000))
    assert raised.value.reason == "full"
    assert "free some space" in str(raised.value)
    assert await store.list_digests("T0LOCAL01", "C0GENERAL1") == [kept]
    limit["pages"] = 0
    await store.database._engine.dispose()
    assert (await store.add(new())).number == 2
    await store.close()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgres://bot:hunter2@127.0.0.1:1/digests", "no listener"),
        ("mysql://bot:hunter2@localhost/digests", "address"),
        ("bot:hunter2 and nonsense", "address"),
    ],
)
async def test_a_database_that_is_not_there_is_told_without_its_password(
    clock: AdjustableClock, address: str, reason: str
) -> None:
    with pytest.raises(StoreError) as raised:
        await open_store(address, clock).check()
    assert raised.value.reason == reason
    assert "hunter2" not in f"{raised.value} {raised.value!r} {raised.value.__cause__}"


async def test_postgres_connections_that_broke_are_opened_anew(
    tmp_path: Path, clock: AdjustableClock
) -> None:
    async with database_or_skip("postgres", tmp_path) as url:
        store = open_store(url, clock)
        digest = await store.add(new())

        async def pid(connection: Any) -> int:
            return (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()

        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute(
                "SELECT pg_terminate_backend(%s)", [await store.database.run(pid, writes=False)]
            )
        assert await store.get(digest.id) == digest
        await store.close()


async def test_a_postgres_that_refuses_the_sign_in_is_told(tmp_path: Path, clock: AdjustableClock) -> None:
    async with database_or_skip("postgres", tmp_path) as url:
        error = await refusal(open_store(url.replace("/test", "/no_such_database"), clock))
        assert error.reason == "no database"


async def test_a_transaction_broken_off_by_postgres_changes_nothing(
    tmp_path: Path, clock: AdjustableClock
) -> None:
    async with database_or_skip("postgres", tmp_path) as url:
        store = open_store(url, clock)
        digest = await store.add(new())

        async def work(connection: Any) -> None:
            await connection.execute(text("UPDATE recordings_bot_digests SET query = 'lost'"))
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(StoreError) as raised:
            await store.database.run(work, writes=True)
        assert raised.value.reason == "away"
        assert await store.get(digest.id) == digest
        await store.close()


async def test_a_channel_takes_20_digests_however_many_come_at_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MOST_A_CHANNEL - 1):
        await store.add(new())
    added = await asyncio.gather(*(store.add(new()) for _ in range(6)), return_exceptions=True)
    refused = [one for one in added if isinstance(one, FullChannelError)]
    assert len(refused) == 5
    assert "20 digests" in str(refused[0])
    assert not caplog.records
    kept = await store.list_digests("T0LOCAL01", "C0GENERAL1")
    assert [digest.number for digest in kept] == list(range(1, MOST_A_CHANNEL + 1))
    assert (await store.add(new(channel_id="C0PRIVATE1"))).number == 1
    await store.remove(kept[4].id)
    assert (await store.add(new())).number == MOST_A_CHANNEL + 1


async def test_a_database_in_memory_works_as_long_as_the_process(clock: AdjustableClock) -> None:
    store = open_store("sqlite://", clock)
    added = await asyncio.gather(*(store.add(new()) for _ in range(5)))
    assert await store.list_digests("T0LOCAL01", "C0GENERAL1") == sorted(added, key=lambda one: one.number)
    await store.close()
