"""Several workers on one store that are killed at random; what became of every slot is counted in Slack.

`python -m tests.nightly.digest_chaos` is one such worker; `run_chaos` starts them, kills them and counts.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.clock import AdjustableClock, clock_from
from bot.features.digests.models import Claim, NewDigest
from bot.features.digests.poster import EVENT_TYPE, envelope_of, slot_poster
from bot.features.digests.schedule import parse_schedule
from bot.features.digests.schedule_times import next_times
from bot.features.digests.store import open_store
from bot.features.digests.worker import LEASE_SECONDS, Worker
from bot.network import Network
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ASKER, BOT_USER, TEAM, Channel
from bot.slack.web_client import SlackClient, build_slack_client
from tests.bolt_apps import manifest

if TYPE_CHECKING:
    from bot.features.digests.store import Store

START = 1_795_417_190.0
"""Ten seconds before 07:00 UTC."""

QUICK_LEASE_SECONDS, QUICK_HTTP_SECONDS = 3.0, 1
"""A worker that a busy machine keeps from renewing its lease loses the slot: that takes longer, no more."""
FRESH_SECONDS = 1e6


@dataclass(frozen=True)
class Plan:
    """What to do: `slots_each` slots of each digest, at most 60, one every 60 / `rate` real seconds.

    Args:
        quick: leases, timeouts and waits that are short enough for a test; else the bot's own, at rate 1.
    """

    digests: int = 16
    slots_each: int = 3
    workers: int = 3
    rate: float = 30.0
    kill_every_seconds: tuple[float, float] = (0.0, 0.5)
    messages_between_kills: int = 4
    own_death: float = 0.04
    """How probable it is that a worker dies just before a message is sent, and again just after."""
    own_stop: float = 0.04
    """How probable it is that it is stopped just before a message is sent, for longer than its lease."""
    quick: bool = True
    trouble_every_seconds: float = 1.5
    patience_seconds: float = 300.0
    """How long after the last slot a message counts as missed: much longer than a busy machine needs."""
    seed: int = 1


@dataclass
class Outcome:
    """What came of it.

    Args:
        unnoted: slots that the store does not have as posted.
        strange: messages that name no slot.
        delays: real seconds from the slot to its message, rising.
    """

    slots: int
    kills: int = 0
    own_deaths: int = 0
    stops: int = 0
    troubles: int = 0
    missed: int = 0
    doubled: int = 0
    strange: int = 0
    unnoted: int = 0
    delays: list[float] = field(default_factory=list)


class MortalClient(SlackClient):
    """A Slack client whose process may die or be stopped just before or just after it posts."""

    def __init__(self, *, death: float, stop: float, stop_seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self._death, self._stop, self._stop_seconds = death, stop, stop_seconds

    async def chat_postMessage(self, **arguments: Any) -> Any:  # noqa: N802 - the SDK's name
        self._perhaps_die()
        if random.random() < self._stop:  # noqa: S311 - no secret
            self.be_stopped()
        answer = await super().chat_postMessage(**arguments)
        self._perhaps_die()
        return answer

    def be_stopped(self) -> None:
        """Stop this process, and have it go on after a while, unless whoever reads its output does that."""
        print("stopped", flush=True)
        pid = os.getpid()
        if self._stop_seconds:
            wake = f"sleep {self._stop_seconds}; kill -CONT {pid}"
            subprocess.Popen(("sh", "-c", wake), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603, S607 - of figures
        os.kill(pid, signal.SIGSTOP)

    def _perhaps_die(self) -> None:
        if random.random() < self._death:  # noqa: S311 - no secret
            os.kill(os.getpid(), signal.SIGKILL)


async def be_a_worker() -> None:
    """Work until SIGTERM, on what the environment says."""
    environ = os.environ
    clock = clock_from(environ["CHAOS_CLOCK"])
    quick_rate = float(environ.get("CHAOS_QUICK_RATE") or 0)
    usual = build_slack_client(Network(), environ["CHAOS_SLACK_URL"], environ["CHAOS_TOKEN"])
    client = MortalClient(
        network=Network(),
        token=usual.token,
        base_url=usual.base_url,
        timeout=QUICK_HTTP_SECONDS if quick_rate else usual.timeout,
        retry_handlers=usual.retry_handlers,
        death=float(environ.get("CHAOS_DEATH") or 0),
        stop=float(environ.get("CHAOS_STOP") or 0),
        stop_seconds=float(environ.get("CHAOS_STOP_SECONDS") or 0),
    )
    poster = slot_poster(client, clock)
    store = open_store(environ["CHAOS_DATABASE_URL"], clock)
    if quick_rate:
        store.fresh_seconds = FRESH_SECONDS

    async def post(claim: Claim) -> str:
        if environ.get("CHAOS_HANG"):
            print("claimed", flush=True)
            await asyncio.Event().wait()
        message = {"text": f"Slot {claim.slot_at}"}
        return await poster.post_once(claim, envelope_of(claim), message)

    options: dict[str, float] = {}
    if quick_rate:
        options = {
            # Leases go by the given clock on SQLite, which is fast here, by the machine's on PostgreSQL.
            "lease_seconds": QUICK_LEASE_SECONDS * (1 if store.is_shared else quick_rate),
            "renew_seconds": QUICK_LEASE_SECONDS / 3,
            "look_seconds": 0.2,
            "first_retry_seconds": 0.3 * quick_rate,
        }
    worker = Worker(store, post, clock, **options)  # type: ignore[arg-type]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    worker.start()
    print("working", flush=True)
    await stop.wait()
    await worker.stop()
    await store.close()


def worker_environment(database_url: str, slack: LocalSlack, clock: AdjustableClock) -> dict[str, str]:
    """What a worker's process needs; without more it works as the bot does."""
    return {
        **os.environ,
        "CHAOS_DATABASE_URL": database_url,
        "CHAOS_SLACK_URL": slack.api_url,
        "CHAOS_TOKEN": slack.bot_token,
        "CHAOS_CLOCK": clock.spec(),
    }


async def start_worker(environment: dict[str, str]) -> asyncio.subprocess.Process:
    """Start a worker's process. It says `working`, then `claimed` and `stopped` as it happens."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.nightly.digest_chaos", env=environment, stdout=asyncio.subprocess.PIPE
    )


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal, without asking whether the process still lives: that would take its exit status away."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


class Chaos:
    """Worker processes, and what is done to them."""

    def __init__(self, database_url: str, slack: LocalSlack, clock: AdjustableClock, plan: Plan) -> None:
        self._plan, self._slack = plan, slack
        lease_seconds = QUICK_LEASE_SECONDS if plan.quick else LEASE_SECONDS
        self._environ = worker_environment(database_url, slack, clock) | {
            "CHAOS_QUICK_RATE": str(plan.rate) if plan.quick else "",
            "CHAOS_DEATH": str(plan.own_death),
            "CHAOS_STOP": str(plan.own_stop),
            "CHAOS_STOP_SECONDS": str(1.5 * lease_seconds),
        }
        self._random = random.Random(plan.seed)  # noqa: S311 - no secret
        self._processes: list[asyncio.subprocess.Process | None] = [None] * plan.workers
        self._working: set[asyncio.subprocess.Process] = set()
        self._killed_pids: set[int] = set()
        self.kills = self.own_deaths = self.stops = self.troubles = 0
        self._ending = False

    async def keep_running(self, index: int) -> None:
        """Run one worker, and another when it is dead."""
        while not self._ending:
            process = self._processes[index] = await start_worker(self._environ)
            assert process.stdout is not None
            async for line in process.stdout:
                if line == b"working\n":
                    self._working.add(process)
                elif line == b"stopped\n":
                    self.stops += 1
            code = await process.wait()
            self._working.discard(process)
            if code == -signal.SIGKILL and process.pid not in self._killed_pids:
                self.own_deaths += 1
            elif code not in {0, -signal.SIGKILL, -signal.SIGTERM}:  # the last before it could listen to it
                raise RuntimeError(f"a worker ended with {code}")

    async def kill_at_random(self) -> None:
        """Kill a worker for every few messages: as many on a fast machine as on a slow one."""
        seen = 0
        while True:
            seen += self._plan.messages_between_kills
            await self._slack.wait_for(partial(self._has_shown, seen), 3600)
            await asyncio.sleep(self._random.uniform(*self._plan.kill_every_seconds))
            while not self._working:  # noqa: ASYNC110 - nothing tells when another has started
                await asyncio.sleep(0.05)
            process = self._random.choice(sorted(self._working, key=lambda one: one.pid))
            self._working.discard(process)
            self._killed_pids.add(process.pid)
            send(process, signal.SIGKILL)
            self.kills += 1

    def _has_shown(self, messages: int) -> bool:
        return len(self._slack.messages) >= messages

    async def make_trouble(self) -> None:
        """Let Slack lose answers, fail and ask for patience."""
        troubles: list[dict[str, Any]] = [
            {"hang": True, "after_effect": True},
            {"hang": True},
            {"status": 503, "after_effect": True},
            {"status": 503},
            {"status": 429, "retry_after": 1},
            {"error": "internal_error", "after_effect": True},
        ]
        seen = 0
        while True:
            await asyncio.sleep(self._plan.trouble_every_seconds)
            if len(self._slack.messages) == seen:
                continue  # the last one has not been met yet: they would pile up for whoever comes next
            seen = len(self._slack.messages)
            self._slack.misbehave("chat.postMessage", **self._random.choice(troubles))
            self.troubles += 1

    def end(self) -> None:
        """Let every worker stop in good order."""
        self._ending = True
        for process in self._processes:
            if process and process.returncode is None:
                send(process, signal.SIGTERM)


async def run_chaos(database_url: str, plan: Plan) -> Outcome:
    """Post every slot of a plan under random deaths, and count its messages."""
    clock = AdjustableClock(START, 0)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(LocalSlack(manifest=manifest(), clock=clock))
        store = open_store(database_url, clock)
        stack.push_async_callback(store.close)
        expected: set[tuple[str, int]] = set()
        for index in range(plan.digests):
            channel = Channel(f"C0CHAOS{index:03d}", f"chaos-{index}", "public", {ASKER, BOT_USER})
            slack.channels[channel.id] = channel
            # They end, so that a slow machine has time for what it is behind with.
            minutes = f"0-{plan.slots_each - 1} 7 * * *"
            digest = await store.add(NewDigest(TEAM, channel.id, ASKER, "", minutes, "UTC"))
            times = next_times(parse_schedule(minutes, 0), START, "UTC", plan.slots_each)
            expected.update((digest.id, int(time)) for time in times)
        last = max(slot_at for _, slot_at in expected)
        clock.set_rate(plan.rate)
        chaos = Chaos(database_url, slack, clock, plan)
        tasks = [asyncio.create_task(chaos.keep_running(index)) for index in range(plan.workers)]
        harm = [asyncio.create_task(chaos.kill_at_random()), asyncio.create_task(chaos.make_trouble())]
        try:
            await slack.wait_for(lambda: clock.now() > last or dead(tasks), 600)
            with suppress(TimeoutError):
                await slack.wait_for(
                    lambda: expected <= set(posted_slots(slack)) or dead(tasks), plan.patience_seconds
                )
            for task in harm:
                task.cancel()
            # What would be posted twice is posted now, when the leases end that were left behind.
            unnoted = await noted_or_not(store, expected, plan.patience_seconds)
        finally:
            for task in harm:
                task.cancel()
            chaos.end()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        if failed := [error for error in ended if error]:
            raise ExceptionGroup("workers", [error for error in failed if isinstance(error, Exception)])
        posts = posted_slots(slack)
        outcome = Outcome(len(expected), chaos.kills, chaos.own_deaths, chaos.stops, chaos.troubles)
        outcome.unnoted = len(unnoted)
        outcome.missed = len(expected - set(posts))
        outcome.doubled = sum(count > 1 for count in posts.values())
        outcome.delays = sorted(
            (float(message.ts) - name[1]) / plan.rate
            for message in slack.messages
            if message.metadata and (name := slot_name(message.metadata)) in expected
        )
        outcome.strange = sum(message.metadata is None for message in slack.messages)
        return outcome


async def noted_or_not(store: Store, expected: set[tuple[str, int]], seconds: float) -> set[tuple[str, int]]:
    """The slots that the store does not have as posted, when it has all or so much time has passed."""
    ids = {digest_id for digest_id, _ in expected}
    rest = set(expected)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while rest:
                await asyncio.sleep(0.1)  # nothing tells of what other processes write
                for digest_id in ids:
                    slots = await store.latest_slots(digest_id, 1000)
                    rest -= {(digest_id, slot.slot_at) for slot in slots if slot.state == "posted"}
    return rest


def slot_name(metadata: dict[str, Any]) -> tuple[str, int]:
    """The digest and the slot that a message's metadata names."""
    assert metadata["event_type"] == EVENT_TYPE
    return metadata["event_payload"]["digest"], metadata["event_payload"]["slot"]


def posted_slots(slack: LocalSlack) -> Counter[tuple[str, int]]:
    """How many messages each slot has."""
    return Counter(slot_name(message.metadata) for message in slack.messages if message.metadata)


def dead(tasks: list[asyncio.Task[None]]) -> bool:
    """Whether a worker ended that should not have."""
    return any(task.done() for task in tasks)


if __name__ == "__main__":
    asyncio.run(be_a_worker())
