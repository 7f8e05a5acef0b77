"""What a person is told while Slack fails: something, in the end, and no answer twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.sandbox.slack.state import ASKER, GENERAL, SHARED
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack.ids import FormField
from bot.slack.sender import REPLACING_TRIES, Route, SendOutcome, SendResult, deliver
from tests.nightly.fuzz_deliveries import settled
from tests.world import MINUTE_MS, NOW_MS, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.slack.state import Message as Shown
    from bot.slack.blocks import Message

ANSWER: Message = {"text": "answer", "blocks": ["answer"]}
UNSURE: Message = {"text": "unsure", "blocks": ["unsure"]}
YES, NO, LATER, UNSURE_OF = (
    SendOutcome(result)
    for result in (SendResult.TAKEN, SendResult.REFUSED, SendResult.NOT_TAKEN, SendResult.UNCERTAIN)
)
BLOCKS_REFUSED = SendOutcome(SendResult.REFUSED, "invalid_blocks")


class Routes:
    """Two routes of which each says what became of what is sent, in turn; then it takes everything."""

    def __init__(self, first: list[SendOutcome], second: list[SendOutcome], harmless_tries: int = 1) -> None:
        self.sent: list[str] = []
        self.all = [Route(self._to("url", first), harmless_tries), Route(self._to("dm", second))]

    def _to(self, name: str, outcomes: list[SendOutcome]) -> Callable[[Message], Awaitable[SendOutcome]]:
        async def send(message: Message) -> SendOutcome:
            self.sent.append(f"{name} {message['text']}" + ("" if "blocks" in message else " plain"))
            return outcomes.pop(0) if outcomes else YES

        return send


@pytest.mark.parametrize(
    ("first", "second", "sent", "outcome"),
    [
        ([], [], ["url answer"], YES),
        ([NO], [], ["url answer", "dm answer"], YES),
        ([NO], [NO], ["url answer", "dm answer"], NO),
        ([NO], [LATER, LATER], ["url answer", "dm answer", "dm answer", "dm answer"], YES),
        ([LATER], [LATER], ["url answer", "dm answer", "url answer"], YES),
        ([UNSURE_OF], [], ["url answer", "dm unsure"], UNSURE_OF),
        ([UNSURE_OF], [UNSURE_OF], ["url answer", "dm unsure", "url unsure"], UNSURE_OF),
        ([BLOCKS_REFUSED], [], ["url answer", "url answer plain"], YES),
        ([BLOCKS_REFUSED] * 2, [], ["url answer", "url answer plain", "dm answer"], YES),
    ],
)
async def test_what_is_sent_by_which_route(
    first: list[SendOutcome], second: list[SendOutcome], sent: list[str], outcome: SendOutcome
) -> None:
    routes = Routes(first, second)
    assert await deliver(ANSWER, routes.all, unsure=lambda: UNSURE, waits=(0, 0, 0)) == outcome
    assert routes.sent == sent


@pytest.mark.parametrize(
    ("first", "sent", "outcome"),
    [
        ([UNSURE_OF, UNSURE_OF], ["url answer", "url answer", "url answer"], YES),
        ([UNSURE_OF] * 3, ["url answer", "url answer", "url answer", "dm unsure"], UNSURE_OF),
    ],
)
async def test_what_only_replaces_a_message_is_sent_again(
    first: list[SendOutcome], sent: list[str], outcome: SendOutcome
) -> None:
    routes = Routes(first, [], REPLACING_TRIES)
    assert await deliver(ANSWER, routes.all, unsure=lambda: UNSURE, waits=(0, 0, 0)) == outcome
    assert routes.sent == sent


async def test_what_everyone_reads_is_never_sent_after_an_uncertain_try() -> None:
    routes = Routes([UNSURE_OF], [])
    assert await deliver(ANSWER, routes.all[:1], waits=(0,)) == UNSURE_OF
    assert routes.sent == ["url answer"]


async def test_the_tries_end() -> None:
    routes = Routes([LATER] * 9, [LATER] * 9)
    assert await deliver(ANSWER, routes.all, waits=(0, 0)) == LATER
    assert len(routes.sent) == 6


async def test_a_process_that_ends_tries_once() -> None:
    routes = Routes([LATER] * 9, [LATER] * 9)
    assert await deliver(ANSWER, routes.all, waits=(60,), is_stopping=lambda: True) == LATER
    assert len(routes.sent) == 2


QUESTION = "room=1230 status=ended last=6h"


def add_ended(world: World, count: int = 12) -> list[str]:
    return [
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
        for n in range(count)
    ]


async def hears(world: World, words: str) -> Shown:
    return await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if words in m.shown_text), None), 12
    )


class TestInSlack:
    async def test_a_page_that_slack_lost_is_put_in_its_place_once_more(self, world: World) -> None:
        add_ended(world)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("response_url", status=503)
        assert "Page 2 of 2" in (await world.press(answer, "Older ▶")).shown_text
        assert [m.ts for m in world.slack.messages if m.from_bot] == [answer.ts]

    async def test_blocks_that_slack_refuses_are_left_out(self, world: World) -> None:
        tasks = add_ended(world)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("response_url", error="invalid_blocks", only_if=lambda args: "blocks" in args)
        page = await world.press(answer, "Older ▶")
        assert tasks[-1] in page.text

    async def test_a_late_answer_that_slack_may_have_is_not_sent_again(self, world: World) -> None:
        [task] = add_ended(world, 1)
        world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=2.3))
        world.slack.misbehave("response_url", status=503, after_effect=True)
        await world.slack.command(QUESTION)
        said = await hears(world, "Slack did not say whether it took the answer")
        assert said.buttons == ["Try again"]
        assert said.channel != GENERAL
        assert len([m for m in world.slack.messages if task in m.text]) == 1

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ({"status": 503}, "Slack did not say whether it took the answer"),
            ({"error": "not_in_channel"}, "/invite @Recordings"),
            ({"error": "is_archived"}, "(is_archived)"),
        ],
    )
    async def test_a_mention_that_cannot_be_answered_openly_says_so_privately(
        self, world: World, how: dict[str, Any], words: str
    ) -> None:
        add_ended(world, 1)
        world.slack.misbehave("chat.postMessage", **how)
        await world.slack.mention(QUESTION)
        said = await hears(world, words)
        assert said.ephemeral_for == ASKER
        assert said.buttons == ["Try again"]

    async def test_where_the_bot_may_not_speak_it_writes_directly(self, world: World) -> None:
        add_ended(world, 1)
        for method in ("chat.postMessage", "chat.postEphemeral"):
            world.slack.misbehave(
                method, error="not_in_channel", only_if=lambda args: args["channel"] == GENERAL
            )
        await world.slack.mention(QUESTION)
        said = await hears(world, "/invite @Recordings")
        assert world.slack.channels[said.channel].kind == "im"

    async def test_a_modal_that_slack_lost_is_filled_in_once_more(self, world: World) -> None:
        [task] = add_ended(world, 1)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("views.update", status=503)
        await world.slack.click(answer, "Details")
        view = await world.slack.wait_for(lambda: world.slack.view_of(ASKER))
        await world.slack.wait_for(lambda: task in str(view.blocks))

    async def test_a_modal_that_slack_refuses_for_good_is_told_beside_it(self, world: World) -> None:
        add_ended(world, 1)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("views.update", error="token_revoked", times=9)
        await world.slack.click(answer, "Details")
        assert "(token_revoked)" in (await hears(world, "Slack did not take")).shown_text


async def mention(world: World, text: str = QUESTION, channel: str = GENERAL) -> None:
    await world.slack.mention(text, channel=channel)


async def late_command(world: World) -> None:
    world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=2.3))
    await world.slack.command("room=7 status=ended last=6h")


async def click(world: World, label: str) -> None:
    """On an answer that came when all was well."""
    await world.slack.click(world.slack.messages[0], label)


async def submit_form(world: World) -> None:
    await world.slack.click(world.slack.messages[0], "Edit query…")
    form = await world.slack.wait_for(
        lambda: (view := world.slack.view_of(ASKER)) and FormField.ROOMS in str(view.blocks) and view
    )
    await world.slack.submit_view(form)


async def refused_modal(world: World) -> None:
    world.slack.misbehave("views.update", error="invalid_blocks")
    await click(world, "Details")


WAYS_OUT: dict[str, tuple[str, Callable[[World], Awaitable[object]]]] = {
    "a mention": ("question_in_words", mention),
    "a mention where outsiders read": ("question_in_words", lambda world: mention(world, channel=SHARED)),
    "help by mention": ("question_in_words", lambda world: mention(world, "help")),
    "a mistake in a mention": ("question_in_words", lambda world: mention(world, "statsu=ongoing")),
    "a direct message": ("question_in_words", lambda world: world.slack.direct_message(QUESTION)),
    "a late answer to a command": ("recordings_command", late_command),
    "the next page": ("navigation", lambda world: click(world, "Older ▶")),
    "a post": ("post", lambda world: click(world, "Post to channel")),
    "an export": ("export", lambda world: click(world, "Export CSV")),
    "details": ("details", refused_modal),
    "the form": ("form", submit_form),
    "the Home tab": ("home", lambda world: world.slack.open_home()),
}


@pytest.mark.parametrize("way", WAYS_OUT)
async def test_what_reached_nobody_is_not_counted_as_answered(
    world: World, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bot.deliveries")
    add_ended(world)
    await world.ask(QUESTION)
    await settled(world)
    caplog.clear()
    listener, does = WAYS_OUT[way]
    for method in ("response_url", "chat.postMessage", "chat.postEphemeral"):
        world.slack.misbehave(method, error="not_in_channel", times=50)
    for method in ("conversations.open", "views.publish"):
        world.slack.misbehave(method, error="missing_scope", times=50)
    await does(world)
    await settled(world)
    told = [record.args for record in caplog.records if isinstance(record.args, dict)]
    assert [args["outcome"] for args in told if args.get("listener") == listener] == ["slack_failed"]
