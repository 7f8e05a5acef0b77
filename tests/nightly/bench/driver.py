"""A steady load of people's questions on a running bot, and account of what becomes of each.

The simulated ZEGOCLOUD and the local Slack run in this process, the bot in processes of its own. Every
person has one question at a time, so that whatever Slack shows that person, or in that person's thread,
belongs to it.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.clock import AdjustableClock
from bot.models import ENDED, FAILED
from bot.sandbox.slack.state import BOT_USER, GENERAL, Person
from tests.nightly.bench.questions import Asked, Kind, Said, row_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.server import LocalSlack
    from bot.sandbox.slack.state import Message
    from bot.sandbox.zegocloud import SimulatedZego
    from tests.nightly.bench.questions import Row

MIX: Mapping[Kind, float] = {
    Kind.COMMAND: 4.0,
    Kind.CACHED: 3.5,
    Kind.MENTION: 1.5,
    Kind.REFRESH: 1.0,
    Kind.DETAILS: 1.0,
    Kind.POST: 0.5,
    Kind.SCAN: 0.1,
}
"""How often each kind is asked. 12 of these a second are some 8 calls to the vendor, which allows 10."""

HOT_ROOMS = 3
BUSY_ROOM, BUSY_TASKS, BUSY_EVERY = "busy", 130, 13
QUIET_SECONDS = 0.5
MINUTE_MS = 60_000
AGO_MINUTES = 30
"""When the latest recording of a room began: more than clocks are let to differ."""

_SHOWN = {"message_added", "message_changed", "ephemeral_added", "ephemeral_changed"}
_VIEWS = {"view_opened", "view_updated"}


@dataclass
class Source:
    """An answer in front of a person, whose buttons can be pressed."""

    user: str
    message: Message
    room: str
    rows: tuple[Row, ...]


@dataclass
class Driver:
    """Asks, and keeps account.

    Args:
        zego: gets a room for every question that is not to come from a cache.
        slack: where people ask; deliveries go wherever its transport leads.
        per_second: how many questions.
        mix: how often each kind.
        people: how many there are to ask; when all are waiting, more come.
        seed: another number asks in another order.
        also_right: status words that are right for every row.
    """

    zego: SimulatedZego
    slack: LocalSlack
    per_second: float = 12.0
    mix: Mapping[Kind, float] = field(default_factory=lambda: MIX)
    people: int = 200
    seed: int = 1
    also_right: Collection[str] = ()
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._free: deque[str] = deque()
        self._by_user: dict[str, list[Asked]] = {}
        self._by_thread: dict[str, Asked] = {}
        self._by_place: dict[str, Asked] = {}
        self._sources: deque[Source] = deque()
        self._changed = asyncio.Event()
        self._last_event = time.monotonic()
        self._rooms: dict[str, tuple[Row, ...]] = {}
        for _ in range(self.people):
            self._free.append(self._new_person())
        for number in range(HOT_ROOMS):
            self._new_room(f"hot{number}", 3)
        self._busy_room()

    # Asking.

    @asynccontextmanager
    async def load(self) -> AsyncIterator[Driver]:
        """Ask steadily until the block ends; what is under way then goes on: see `settle`."""
        listening = asyncio.create_task(self._listen())
        asking = asyncio.create_task(self._keep_asking())
        try:
            yield self
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            self._listening = listening
        except BaseException:
            for task in (asking, listening, *self._tasks):
                task.cancel()
            raise

    async def settle(self, seconds: float) -> None:
        """Wait until everybody knows, for so long at most, and then until nothing more is said."""
        ends = time.monotonic() + seconds
        with suppress(TimeoutError):
            await self.until(lambda: all(one.is_settled for one in self.asked), seconds)
        # Nobody tells when nothing more is said.
        while (quiet_at := self._last_event + QUIET_SECONDS) > (now := time.monotonic()) < ends:  # noqa: ASYNC110
            await asyncio.sleep(min(quiet_at, ends) - now)
        self._listening.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(self._listening, *self._tasks, return_exceptions=True)

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until something about the load is so.

        Raises:
            TimeoutError: it was not so in time.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def kill_under_way(self, had_it: Callable[[Asked], bool] = lambda _: True) -> int:
        """Note that a process was killed: what it had and is not settled died, unless it is answered yet.

        Args:
            had_it: whether that process had a question, where there are several.
        """
        under_way = [one for one in self.asked if not one.is_settled and had_it(one)]
        for one in under_way:
            one.killed = True
        self._changed.set()
        return len(under_way)

    def ask(self, kind: Kind) -> Asked:
        """Ask one question now, beside the steady ones."""
        asked, going = self._begin(kind)
        task = asyncio.create_task(going)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asked

    async def _keep_asking(self) -> None:
        kinds, weights = list(self.mix), list(self.mix.values())
        began, count = time.monotonic(), 0
        while True:
            count += 1
            self.ask(self._random.choices(kinds, weights)[0])
            await asyncio.sleep(max(0.0, began + count / self.per_second - time.monotonic()))
            self._let_slack_retry()

    def _let_slack_retry(self) -> None:
        """Slack sends events again that were not acknowledged: at once, after one minute and after five."""
        if self.slack.dispatcher.retries:
            task = asyncio.create_task(self._retry())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _retry(self) -> None:
        await self.slack.retry_due_events()

    async def hurry_retries(self) -> None:
        """Let Slack's minutes pass, so that events that were not acknowledged come again now."""
        clock = self.slack.workspace.clock
        assert isinstance(clock, AdjustableClock)
        while self.slack.dispatcher.retries:
            clock.advance(300)
            await self.slack.retry_due_events()

    def _begin(self, kind: Kind) -> tuple[Asked, Any]:
        if kind in {Kind.REFRESH, Kind.DETAILS, Kind.POST}:
            source = self._source()
            if source:
                asked = self._new(kind, source.user, source.room, source.rows)
                return asked, self._click(asked, source)
            kind = Kind.COMMAND
        user = self._person()
        if kind is Kind.DIGESTS:
            asked = self._new(kind, user)
            return asked, self._command(asked, "digest list")
        if kind is Kind.LONG:
            return (asked := self._new(kind, user)), self._command(asked, "status=attention last=3d")
        if kind is Kind.SCAN:
            room, text = BUSY_ROOM, f"room={BUSY_ROOM} status=failed last=1d"
        else:
            hot = kind is Kind.CACHED
            room = f"hot{self._random.randrange(HOT_ROOMS)}" if hot else f"room{len(self._rooms)}"
            if not hot:
                self._new_room(room, self._random.randint(1, 3))
            text = f"room={room} status=ended last=6h"
        asked = self._new(kind, user, room, self._rooms[room])
        return asked, self._mention(asked, text) if kind is Kind.MENTION else self._command(asked, text)

    def _new(self, kind: Kind, user: str, room: str = "", rows: tuple[Row, ...] = ()) -> Asked:
        asked = Asked(kind, user, time.monotonic(), room, rows, self.also_right)
        self.asked.append(asked)
        self._by_user.setdefault(user, []).append(asked)
        self._changed.set()
        return asked

    async def _command(self, asked: Asked, text: str) -> None:
        self._over(asked, await self.slack.command(text, user=asked.user))

    async def _click(self, asked: Asked, source: Source) -> None:
        if asked.kind is not Kind.DETAILS:
            self._by_place[source.message.ts] = asked
        names = {Kind.REFRESH: "Refresh", Kind.DETAILS: "Details", Kind.POST: "Post to channel"}
        self._over(asked, await self.slack.click(source.message, names[asked.kind], user=asked.user))
        if asked.kind is Kind.DETAILS:
            self._offer(source)

    async def _mention(self, asked: Asked, text: str) -> None:
        _, delivery = await self.slack.mention(text, user=asked.user)
        asked.delivered = True
        if delivery.ok:
            asked.ack_seconds = delivery.elapsed_seconds
        self._let_slack_retry()

    def _over(self, asked: Asked, delivery: Delivery) -> None:
        asked.delivered = True
        if delivery.ok:
            asked.ack_seconds = delivery.elapsed_seconds
        else:
            was_settled, asked.slack_error = asked.is_settled, delivery.error
            if not was_settled:
                self._settled(asked)

    # People, rooms, and answers whose buttons can be pressed.

    def _new_person(self) -> str:
        number = len(self.slack.people)
        person = Person(f"U0LOAD{number:04d}", f"load-{number}", f"Load {number}", "Europe/Berlin")
        self.slack.people[person.id] = person
        self.slack.channels[GENERAL].members.add(person.id)
        return person.id

    def _person(self) -> str:
        return self._free.popleft() if self._free else self._new_person()

    def _new_room(self, room: str, count: int) -> None:
        now_ms = self.zego.now_ms()
        rows = []
        for number in range(count):
            status = FAILED if self._random.random() < 0.2 else ENDED
            began_ms = now_ms - (AGO_MINUTES + 5 * number) * MINUTE_MS
            rows.append(row_of(self.zego.add_task(room_id=room, began_ms=began_ms, status=status), status))
        self._rooms[room] = tuple(rows)

    def _busy_room(self) -> None:
        now_ms, rows = self.zego.now_ms(), []
        for number in range(BUSY_TASKS):
            status = ENDED if number % BUSY_EVERY else FAILED
            began_ms = now_ms - (AGO_MINUTES + number) * MINUTE_MS
            task_id = self.zego.add_task(room_id=BUSY_ROOM, began_ms=began_ms, status=status)
            rows += [row_of(task_id, status)] if status == FAILED else []
        self._rooms[BUSY_ROOM] = tuple(rows[:10])

    def _source(self) -> Source | None:
        """The oldest answer in front of somebody who is not waiting."""
        for _ in range(len(self._sources)):
            source = self._sources.popleft()
            if source.user not in self._free:
                self._sources.append(source)
                continue
            self._free.remove(source.user)
            if any(message is source.message for message in self.slack.messages[-2000:]):
                return source
            self._free.append(source.user)
        return None

    def _offer(self, source: Source) -> None:
        self._sources.append(source)

    # Listening.

    async def _listen(self) -> None:
        with self.slack.subscribe() as events:
            async for event in events:
                shown = event.get("message") if event["type"] in _SHOWN else None
                shown = event.get("view") if event["type"] in _VIEWS else shown
                if shown and (asked := self._whose(shown)):
                    self._hear(asked, shown)

    def _whose(self, shown: dict[str, Any]) -> Asked | None:
        """The question that something belongs to."""
        if "channel" not in shown:  # a view
            return self._latest(shown["user"], shown)
        if shown["user"] != BOT_USER:
            if shown["user"] in self._by_user:  # a mention: its thread is where the answer goes
                self._by_thread[shown["ts"]] = self._by_user[shown["user"]][-1]
            return None
        if asked := self._by_thread.get(shown["thread_ts"] or "") or self._by_place.get(shown["ts"]):
            return asked
        if shown["ephemeral_for"]:
            return self._latest(shown["ephemeral_for"], shown)
        members = self.slack.channels[shown["channel"]].members
        if len(members) == 2:
            return self._latest(next(iter(members - {BOT_USER})), shown)
        posts = (one for one in reversed(self.asked) if one.kind is Kind.POST)
        return next((one for one in posts if f"room {one.room}," in shown["text"]), None)

    def _latest(self, user: str, shown: dict[str, Any]) -> Asked | None:
        """That person's latest question about the room that is named, else the latest of all."""
        asked = self._by_user.get(user, [])
        text = json.dumps(shown["blocks"]) + str(shown.get("text"))
        named = [one for one in asked if one.room and f"room {one.room}," in text]
        return (named or asked or [None])[-1]

    def _hear(self, asked: Asked, shown: dict[str, Any]) -> None:
        self._last_event = time.monotonic()
        was_settled = asked.is_settled
        what = asked.hear(self._last_event, shown)
        if asked.is_settled and not was_settled:
            self._settled(asked)
            if what is Said.RIGHT and asked.kind in {Kind.COMMAND, Kind.REFRESH}:
                self._remember(asked, shown)
        self._changed.set()

    def _settled(self, asked: Asked) -> None:
        self._free.append(asked.user)
        self._changed.set()

    def _remember(self, asked: Asked, shown: dict[str, Any]) -> None:
        for message in reversed(self.slack.messages):
            if (message.ts, message.channel) == (shown["ts"], shown["channel"]) and message.buttons:
                self._offer(Source(asked.user, message, asked.room, asked.rows))
                return
