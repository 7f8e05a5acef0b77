"""Slack's deliveries as Slack makes them, then with parts dropped, retyped, nested and filled with the worst.

They go through the real door: signed, over HTTP, to the bot between a simulated ZEGOCLOUD and a local Slack.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from bot.app import Bot
from bot.sandbox.slack.delivery import HttpTransport
from bot.sandbox.slack.state import ASKER, GENERAL, READER
from bot.slack import ids
from tests.nightly.fuzz_targets import BODIES, HOSTILE, JSON, ODD, TYPED, check_message, check_parts
from tests.world import MINUTE_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from bot.sandbox.slack.views import View

Payload = dict[str, Any]
Sample = tuple[str, Payload]
"""How it is encoded (`slash_commands`, `interactive`, `events_api`), and what it is."""

DEADLINE_SECONDS = 30.0
SETTLED_SECONDS = 240.0
"""What Slack does not take for the moment is sent again, for a while."""
AT_ONCE = 12
A_WORLD = 1_500
"""Deliveries until everything is started anew: the local Slack keeps all that was ever said."""

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - how fast a disk is says nothing
TASK = "YRHu6-E4IyvEAAAD"
DEEP = "@DEEP@"
"""Stands for a list in a list, 50,000 deep, which no Python object could be."""

_IN_MESSAGES = (
    *(ids.NEWER, ids.OLDER, ids.REFRESH, ids.SHOW, ids.POST, ids.POST_TO_OUTSIDERS, ids.EXPORT, ids.HELP),
    *(ids.EDIT, ids.OPEN_FORM, ids.DETAILS, ids.DIGEST_PAUSE, ids.DIGEST_RESUME, ids.DIGEST_REMOVE),
    *(ids.DIGEST_RUN, ids.DIGEST_OPEN_LIST, ids.DIGEST_OPEN_ATTENTION, ids.DIGEST_ADD, ids.DIGEST_SETTINGS),
    *(ids.DIGEST_LIST, ids.DIGEST_HELP, ids.DETAILS_FILE, ids.DIGEST_ADD_FOR_OUTSIDERS),
    *(ids.DIGEST_RESUME_FOR_OUTSIDERS, ids.DIGEST_RUN_FOR_OUTSIDERS),
)
_IN_VIEWS = (
    ids.DETAILS_POST,
    ids.DETAILS_POST_TO_OUTSIDERS,
    ids.DETAILS_SUPPORT,
    ids.DETAILS_FILE,
    ids.OPEN_FORM,
)
_REFUSED_FOR_ITS_SHAPE = (
    "invalid_blocks",
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "invalid_arguments",
)


async def samples(world: World) -> list[Sample]:
    """What Slack delivers for everything that people can do with the bot."""
    slack = world.slack
    for n in range(25):
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
    world.zego.add_task(room_id="88", began_ms=NOW_MS - MINUTE_MS, status=2, task_id=TASK)
    private = await world.ask("room=1230 last=6h size=2")
    await world.press(private, "Older ▶")
    await world.press(await world.ask("room=1230 last=6h"), "Post to channel")
    posted = await slack.wait_for(
        lambda: next((m for m in slack.messages if m.from_bot and not m.ephemeral_for), None)
    )
    await world.press(posted, "Refresh")
    await slack.click(posted, "Details")
    await slack.click(await _view(world, "Files ("), ids.DETAILS_POST)
    await slack.click(await _view(world, "Files ("), ids.DETAILS_SUPPORT)
    said = slack.write(f"room 1230 and task {TASK}", channel=GENERAL, user=READER)
    await slack.message_shortcut(said, ids.FIND, user=READER)
    await slack.submit_view(await _view(world, ids.FormField.ROOMS, READER), user=READER)
    await slack.shortcut(ids.FIND_ANYWHERE, user=READER)
    added = await world.ask('digest add "weekdays at 09:00" room=1230')
    await slack.click(added, "Settings", user=ASKER)
    await slack.submit_view(await _view(world, ids.DigestField.SCHEDULE))
    for text in ("digest list", "", "statsu=x", f"task={TASK}"):
        await world.ask(text)
    await slack.mention("room=1230 last=6h")
    await slack.direct_message("status=ongoing")
    await slack.open_home()
    await settled(world)
    return _with_every_button([(delivery.kind, delivery.payload) for delivery in slack.deliveries])


async def settled(world: World) -> None:
    """Until every delivery has been answered to its end."""
    async with asyncio.timeout(SETTLED_SECONDS):
        while len(world.bot.in_flight):
            await world.bot.in_flight._nothing_left.wait()


async def _view(world: World, words: str, user: str = ASKER, at: int = -1) -> View:
    """One of a person's modals, once it says this."""

    def shown() -> View | None:
        stack = world.slack.platform.views.modals.get(user) or []
        return stack[at] if stack and words in str(stack[at].payload()) else None

    return await world.slack.wait_for(shown)


def _with_every_button(delivered: list[Sample]) -> list[Sample]:
    """One of each shape, and one for each button that there is."""
    found: dict[str, Sample] = {}
    for kind, payload in delivered:
        view = payload.get("view") or {}
        about = payload.get("type"), (payload.get("event") or {}).get("type"), view.get("callback_id")
        inside = "message" in payload, payload.get("text", "")[:8], payload.get("callback_id")
        found.setdefault(str((kind, about, inside)), (kind, payload))
    made = list(found.values())
    for kind, payload in list(made):
        if payload.get("type") == "block_actions":
            for action_id in _IN_VIEWS if "view" in payload else _IN_MESSAGES:
                other = copy.deepcopy(payload)
                other["actions"][0] |= {"action_id": action_id, "value": "v1|1|0|room=1230 last=6h"}
                made.append((kind, other))
    return made


# --- changing them ---

_READ = frozenset(
    [
        *(
            "text",
            "value",
            "private_metadata",
            "block_id",
            "user",
            "channel",
            "channel_id",
            "team_id",
            "thread_ts",
        ),
        *(
            "message_ts",
            "is_ephemeral",
            "selected_option",
            "selected_options",
            "values",
            "response_urls",
            "view",
        ),
        *("actions", "message", "blocks", "event", "container", "user_id", "subtype", "edited", "id", "ts"),
    ]
)
_WORTHY = {
    "text": TYPED,
    "value": TYPED.map(lambda text: f"v1|1|0|{text}")
    | st.sampled_from(["v2|x", f"v1|1|0|task={TASK}", "1", "add"]),
    "private_metadata": BODIES.map(lambda body: json.dumps(body, default=str)) | TYPED,
    "block_id": st.sampled_from(
        [ids.posted_by(ASKER), ids.posted_by("U0OTHER"), ids.Row.AGAIN, ids.digest_listed("1")]
    ),
    "thread_ts": st.sampled_from(["1795417200.000100", "0", "x"]),
}
_DEEP = st.just(DEEP)


def paths(part: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inner:
        yield (*before, key)
        yield from paths(value, (*before, key))


@st.composite
def changed(draw: st.DrawFn, known: list[Sample]) -> Sample:
    """A delivery with up to four parts changed."""
    kind, payload = draw(st.sampled_from(known))
    payload = copy.deepcopy(payload)
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 4]))):
        ways = list(paths(payload))
        read = [way for way in ways if way[-1] in _READ]
        way = draw(st.sampled_from(read if read and draw(st.booleans()) else ways or [()]))
        if way:
            _change(draw, payload, way, form=kind == "slash_commands")
    return kind, payload


def _change(draw: st.DrawFn, payload: Payload, way: tuple[Any, ...], *, form: bool) -> None:
    holder: Any = payload
    for key in way[:-1]:
        holder = holder[key]
    key = way[-1]
    if form:  # nothing but text stands in a form
        how = draw(st.sampled_from(["drop", "text", "text", "text"]))
        if how == "drop":
            del holder[key]
        else:
            holder[key] = draw(TYPED | HOSTILE)
        return
    how = draw(st.sampled_from(["drop", "odd", "json", "text", "nest", "deep", "worthy", "worthy"]))
    if how == "drop":
        del holder[key]
    elif how == "nest":
        holder[key] = draw(
            st.sampled_from([[holder[key]], {"id": holder[key]}, {"value": holder[key]}, {key: holder[key]}])
        )
    else:
        values = {"odd": ODD, "json": JSON, "text": HOSTILE, "deep": _DEEP}.get(how, _WORTHY.get(key, TYPED))
        holder[key] = copy.deepcopy(draw(values))  # what a strategy holds is the same each time


# --- sending them ---


class Unhandled(logging.Handler):
    """Everything that the log calls an error, and every message that Slack would not take."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if record.levelno >= logging.ERROR or any(word in words for word in _REFUSED_FOR_ITS_SHAPE):
            error = record.exc_info[1] if record.exc_info else None
            self.found.append(f"{words}: {error!r}" if error else words)


class Sender:
    """Sends deliveries to a bot, with handles that are good once put in the place of the used ones."""

    def __init__(self, world: World, known: list[Sample], transport: HttpTransport) -> None:
        self.world = world
        self.known = known
        self.transport = transport

    async def send(self, sample: Sample) -> str:
        """What is wrong with how it was taken; empty when nothing is."""
        kind, payload = sample
        body = self._encoded(kind, self._fresh(payload))
        content_type = "application/json" if kind == "events_api" else "application/x-www-form-urlencoded"
        answer = await self.transport.post(body, {"Content-Type": content_type}, DEADLINE_SECONDS)
        if answer.status is None or answer.status >= 500:
            return f"answered with {answer.status} {answer.failure}"
        try:
            if isinstance(answer.body, dict) and "blocks" in answer.body:
                check_message({"text": answer.body["text"], "blocks": answer.body["blocks"]})
        except AssertionError as error:
            return f"acknowledged with {error}"
        return ""

    def _fresh(self, payload: Payload) -> Payload:
        platform = self.world.slack.platform
        made = dict(payload)
        if isinstance(made.get("trigger_id"), str):
            container = made.get("container")
            view = container.get("view_id") if isinstance(container, dict) else None
            made["trigger_id"] = platform.triggers.issue(
                ASKER, in_view=view if isinstance(view, str) else None
            )
        if str(made.get("response_url", "")).startswith(platform.base_url):
            made["response_url"] = platform.base_url + platform.hooks.issue("actions", GENERAL, ASKER)
        if isinstance(made.get("event_id"), str):
            made["event_id"] = platform.workspace.new_id("Ev")
        return made

    def _encoded(self, kind: str, payload: Payload) -> bytes:
        if kind == "slash_commands":
            return urlencode({key: value.encode(errors="replace") for key, value in payload.items()}).encode()
        text = json.dumps(payload, default=str).replace(f'"{DEEP}"', "[" * 50_000 + "]" * 50_000)
        return text.encode() if kind == "events_api" else urlencode({"payload": text}).encode()


@asynccontextmanager
async def a_sender(**changes: Any) -> AsyncIterator[Sender]:
    """A world whose people have done everything once; `changes` are settings of the bot from then on."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as place:
        async with a_world(DATABASE_URL=f"sqlite:///{place}/recordings.db") as world:
            yield await _a_sender_in(world, changes)


async def _a_sender_in(world: World, changes: dict[str, Any]) -> Sender:
    known = await samples(world)
    await world.stop_bot()
    # Every question that is changed is another one: the budget would be what is measured.
    settings = replace(world.bot.settings, zego_max_rps=10_000, **changes)
    world.bot = Bot(settings, socket_mode=False, clock=world.clock)
    await world.parts.enter_async_context(world.bot.started())
    world.slack.deliver_over_http(f"http://127.0.0.1:{world.bot.port}/slack/events")
    transport = world.slack.dispatcher.transport
    assert isinstance(transport, HttpTransport)
    return Sender(world, known, transport)


async def deliver(cases: list[Sample], sender: Sender, note: Callable[[Sample, str], None]) -> None:
    """Send them all, a few at a time, and look at everything that came of them."""
    unhandled = Unhandled()
    logging.getLogger().addHandler(unhandled)
    waiting = iter(cases)

    async def one_after_the_other() -> None:
        for case in waiting:
            if wrong := await sender.send(case):
                note(case, wrong)

    try:
        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
        await settled(sender.world)
    finally:
        logging.getLogger().removeHandler(unhandled)
    for words in unhandled.found:
        note(("", {}), words)
    _look_at_what_is_shown(sender.world, note)


def _look_at_what_is_shown(world: World, note: Callable[[Sample, str], None]) -> None:
    for message in world.slack.messages:
        if message.from_bot and message.blocks:
            try:
                check_message({"text": message.text, "blocks": message.blocks})
            except AssertionError as error:
                note(("shown", {"text": message.text}), str(error))
    for view in world.slack.platform.views.all():
        try:
            check_parts(view.blocks)
        except AssertionError as error:
            note(("shown", {}), str(error))
