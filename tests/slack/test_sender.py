"""How an answer reaches the person: as the acknowledgement, later, in pieces, or as the reason why not."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.errors import SlackRefusedError
from bot.logs import JsonLines, TextLines
from bot.network import Network
from bot.sandbox.slack.state import ASKER, GENERAL, READER
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack.in_flight import InFlight
from bot.slack.sender import MAX_SOCKET_ACK_BYTES, Destination, Sender
from bot.slack.web_client import build_slack_client
from tests.bolt_apps import bolt_app, served_over_http
from tests.world import MINUTE_MS, NOW_MS, World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.state import Message

QUESTION = "room=1230 status=ended last=6h"
"""Asks the vendor once."""


def add_ended(world: World, count: int, room: str = "1230") -> list[str]:
    return [
        world.zego.add_task(room_id=room, began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3)
        for n in range(count)
    ]


def posts(world: World) -> int:
    """How often a response_url was used."""
    return len(world.slack.calls_of("response_url"))


async def hears(world: World, words: str, timeout_seconds: float = 12) -> Message:
    return await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if words in m.shown_text), None), timeout_seconds
    )


class TestCommand:
    async def test_an_answer_in_time_is_the_acknowledgement(self, either_world: World) -> None:
        world = either_world
        add_ended(world, 1)
        world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=0.5))
        delivery = await world.slack.command(QUESTION)
        assert delivery.message
        assert "1 recording found" in delivery.message.text
        assert posts(world) == 0

    async def test_a_later_one_is_announced_within_three_seconds(self, either_world: World) -> None:
        world = either_world
        [task] = add_ended(world, 1)
        world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=2.3))
        delivery = await world.slack.command(QUESTION)
        assert delivery.message
        assert delivery.message.text == "Still searching …"
        assert delivery.ok
        answer = await hears(world, task)
        assert answer.ephemeral_for == ASKER
        assert posts(world) == 1

    async def test_a_mistake_costs_nothing(self, world: World) -> None:
        delivery = await world.slack.command("statsu=ongoing")
        assert delivery.message
        assert delivery.message.ephemeral_for == ASKER
        assert (posts(world), world.vendor_calls) == (0, 0)


async def test_a_long_scan_shows_one_line_of_progress(world: World) -> None:
    add_ended(world, 290)
    question = "status=ended last=5h size=20"
    mistake = await world.ask(question.replace("status", "statsu"))
    world.zego.order = "oldest"
    world.zego.misbehave(Fault(FaultKind.HANG), times=1)
    world.zego.misbehave(Fault(FaultKind.NOTHING), times=4)
    world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=3.0))

    def of_command() -> list[str]:
        return [m.text for m in world.slack.messages if m.ephemeral_for == READER]

    with world.slack.subscribe() as events:
        command, click = await asyncio.gather(
            world.slack.command(question, user=READER), world.slack.click(mistake, "Ask that")
        )
        assert command.ok
        assert click.ok
        await world.slack.wait_for(lambda: "290 recordings found" in mistake.text)
        await world.slack.wait_for(lambda: "290 recordings found" in of_command()[-1])
    shown = [events.queue.get_nowait() for _ in range(events.queue.qsize())]
    of_click = [event["message"]["text"] for event in shown if event["type"] == "ephemeral_changed"]
    announced, progress, _ = of_command()
    assert announced == "Still searching …"
    for line in (progress, of_click[0]):
        assert re.fullmatch(r"Looking through \d+ recordings … \d+ %( · about \d+ (s|min) left)?", line)
    assert len(of_click) == 2
    assert posts(world) == 4


class TestLargeAnswers:
    async def answered(self, world: World) -> Any:
        for n in range(20):
            world.zego.add_task(
                room_id=f"{n:02}" + "間" * 110, began_ms=NOW_MS - (n + 2) * MINUTE_MS, status=3
            )
        return await world.slack.command("last=6h size=20")

    async def test_over_socket_mode_they_go_by_the_response_url(self) -> None:
        async with a_world(socket_mode=True) as world:
            delivery = await self.answered(world)
            assert delivery.ok
            assert delivery.message is None
            answer = await hears(world, "20 recordings found")
            assert answer.ephemeral_for == ASKER
            assert len(json.dumps(answer.blocks)) > MAX_SOCKET_ACK_BYTES
            assert posts(world) == 1

    async def test_over_http_they_are_the_acknowledgement_all_the_same(self, world: World) -> None:
        delivery = await self.answered(world)
        assert delivery.message
        assert "20 recordings found" in delivery.message.text
        assert posts(world) == 0


class TestErrors:
    async def test_a_vendor_error_has_a_reference_that_the_log_has_too(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.zego.misbehave(Fault(FaultKind.CODE, code=300000005))
        said = await world.ask(QUESTION)
        reference = re.search(r"Reference ([0-9a-f]{6})\.", said.shown_text)
        assert reference
        [line] = [record.getMessage() for record in caplog.records if reference[1] in record.getMessage()]
        assert "gateway refuses" in line
        assert said.buttons == ["Try again"]

    async def test_a_click_that_fails_leaves_its_reason_and_try_again(self, world: World) -> None:
        tasks = add_ended(world, 2)
        answer = await world.ask(QUESTION)
        world.clock.advance(700)
        world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
        failed = await world.press(answer, "Refresh")
        assert failed.ts != answer.ts  # the list that was there stays
        assert tasks[0] in answer.text
        assert failed.buttons == ["Try again"]
        world.zego.behave()
        again = await world.press(failed, "Try again")
        assert tasks[0] in again.text

    async def test_what_others_see_stays_when_the_askers_click_fails(self, world: World) -> None:
        tasks = add_ended(world, 2)
        private = await world.ask(QUESTION)
        posted = await world.press(private, "Post to channel")
        await world.slack.wait_for(lambda: "Posted to the channel" in private.text)
        before = posted.to_json()
        world.clock.advance(700)
        world.zego.misbehave(Fault(FaultKind.CODE, code=100000005))
        failed = await world.press(posted, "Refresh")
        assert failed.ephemeral_for == ASKER
        assert "ZEGO_SERVER_SECRET" in failed.shown_text
        assert posted.to_json() == before
        assert tasks[0] in posted.text


def fail_with(body: dict[str, Any]) -> None:
    raise RuntimeError(f"no idea what to do with {body['response_url']}")


class TestUnexpected:
    """A listener with a fault in it."""

    @pytest.fixture
    async def broken(self, world: World) -> AsyncIterator[World]:
        app = bolt_app(world.slack)

        async def handle_broken(ack: Any, body: dict[str, Any]) -> None:
            destination = Destination(ASKER, response_url=body["response_url"])
            sender = Sender(world.bot.slack, ack, InFlight(), destination, is_command=True)
            try:
                fail_with(body)
            except RuntimeError as error:
                await sender.unexpected(error)

        app.command("/recordings")(handle_broken)
        async with served_over_http(app, world.slack):
            yield world

    async def test_the_person_gets_a_reference_and_the_log_the_rest(
        self, broken: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        said = await broken.ask("room=secret-room")
        reference = re.search(r"Reference ([0-9a-f]{6})\.", said.shown_text)
        assert reference
        assert "RuntimeError" not in said.shown_text
        [record] = [record for record in caplog.records if reference[1] in record.getMessage()]
        assert record.levelno == logging.ERROR
        for formatter in (TextLines(), JsonLines()):
            line = formatter.format(record)
            assert "RuntimeError: no idea what to do with" in line
            assert "handle_broken" in line
            assert "secret-room" not in line
            assert "/hooks/commands" not in line


class TestResponseUrl:
    @pytest.mark.parametrize("error", ["expired_url", "used_url"])
    async def test_a_refused_post_is_logged_and_does_no_harm(
        self, world: World, error: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        add_ended(world, 12)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("response_url", error=error)
        assert (await world.slack.click(answer, "Older ▶")).ok
        await world.slack.wait_for(lambda: posts(world) == 1)
        assert "Page 2 of 2" in (await world.press(answer, "Older ▶")).shown_text
        lines = [record.getMessage() for record in caplog.records]
        [line] = [line for line in lines if "did not take an answer" in line]
        assert error in line
        assert "/hooks/" not in line

    async def test_a_post_that_was_refused_for_its_pace_is_made_again(self, world: World) -> None:
        add_ended(world, 12)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("response_url", status=429, retry_after=0)
        page = await world.press(answer, "Older ▶")
        assert "Page 2 of 2" in page.shown_text
        assert posts(world) == 2

    @pytest.mark.parametrize("status", [500, 503])
    async def test_a_post_that_may_have_arrived_is_not_made_again(self, world: World, status: int) -> None:
        add_ended(world, 1)
        answer = await world.ask(QUESTION)
        world.slack.misbehave("response_url", status=status, after_effect=True)
        await world.slack.click(answer, "Post to channel")
        await world.slack.wait_for(lambda: posts(world) >= 1)
        await world.bot.in_flight.finish(5)
        assert len([m for m in world.slack.messages if m.ephemeral_for is None]) == 1

    async def test_a_connection_that_breaks_after_a_post_is_no_reason_for_another(self) -> None:
        arrived: list[Any] = []

        async def take_and_break_off(request: web.Request) -> web.Response:
            arrived.append(await request.json())
            assert request.transport
            request.transport.abort()
            return web.Response()

        app = web.Application()
        app.router.add_post("/hook", take_and_break_off)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            sender = _sender_to(url, api_url=url)
            with pytest.raises(SlackRefusedError, match="Look whether it is there"):
                await sender.send({"text": "Once"}, everyone=True)
        finally:
            await runner.cleanup()
        assert [body["text"] for body in arrived] == ["Once"]

    @pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1:1/closed"])
    async def test_an_address_that_leads_nowhere_is_logged(
        self, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender = _sender_to(url)
        assert not await sender.send({"text": "Hello", "blocks": []})
        assert "Slack did not take" in caplog.text


def _sender_to(url: str, api_url: str = "http://127.0.0.1:1/") -> Sender:
    """A sender whose Slack is nowhere: there is no direct message to fall back to."""
    nowhere = build_slack_client(Network(), api_url, token="xoxb-nowhere")
    return Sender(nowhere, _acknowledged(), InFlight(), Destination(ASKER, response_url=url), waits=())


def _acknowledged() -> Any:
    """An acknowledgement that was sent already."""

    class Ack:
        response = object()

    return Ack()


class TestDoubleClick:
    async def test_both_clicks_on_older_show_the_same_page(self, world: World) -> None:
        tasks = add_ended(world, 12)
        answer = await world.ask(QUESTION)
        clicks = await asyncio.gather(*(world.slack.click(answer, "Older ▶") for _ in range(2)))
        assert all(click.ok for click in clicks)
        await world.slack.wait_for(lambda: posts(world) == 2)
        assert "Page 2 of 2" in answer.shown_text
        assert tasks[-1] in answer.text
        assert len([m for m in world.slack.messages if m.from_bot]) == 1


class TestStopping:
    async def ask_and_hang(self, world: World, text: str = QUESTION) -> asyncio.Task[Any]:
        world.zego.misbehave(Fault(FaultKind.HANG))
        before = world.vendor_calls
        asking = asyncio.create_task(world.slack.command(text))
        await world.zego.arrived(before + 1)
        return asking

    async def test_nothing_under_way_is_no_reason_to_wait(self, world: World) -> None:
        add_ended(world, 1)
        await world.ask(QUESTION)
        async with asyncio.timeout(30):
            await world.bot.in_flight.finish(60)

    async def test_what_hangs_says_that_the_bot_restarts_and_can_be_asked_again(self, world: World) -> None:
        [task] = add_ended(world, 1)
        asking = await self.ask_and_hang(world)
        await world.bot.in_flight.finish(0.1)
        delivery = await asking
        said = delivery.message or await hears(world, "restarting")
        assert "restarting" in said.shown_text
        assert said.ephemeral_for == ASKER
        world.zego.behave()
        assert task in (await world.press(said, "Try again")).text

    async def test_an_unfinished_post_tells_the_person_and_not_the_channel(self, world: World) -> None:
        add_ended(world, 1)
        answer = await world.ask(QUESTION)
        world.clock.advance(60)
        world.zego.misbehave(Fault(FaultKind.HANG))
        before = world.vendor_calls
        assert (await world.slack.click(answer, "Post to channel")).ok
        await world.zego.arrived(before + 1)
        await world.bot.in_flight.finish(0.1)
        said = await hears(world, "restarting")
        assert said.ephemeral_for == ASKER
        assert [m for m in world.slack.messages if m.ephemeral_for is None and m.channel == GENERAL] == []
        assert len(world.bot.in_flight) == 0
