"""Posting a step's message once, for any kind of message: what names it, and what its sentences call it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.clock import AdjustableClock
from bot.network import Network
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ARCHIVED, GENERAL
from bot.slack.poster import Envelope, PermanentError, Poster, UncertainError
from bot.slack.web_client import build_slack_client
from bot.storage.errors import LeaseLostError
from bot.storage.outbox import Step
from tests.bolt_apps import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW = 1_795_420_800.0
EVENT_TYPE = "recordings_incident"
NAME: dict[str, str | int] = {"app": "1", "task": "awI", "change": 2}
TO = Envelope(GENERAL, NAME, NOW, NOW + 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Step):
    name: str = "change 2 of awI"

    def __str__(self) -> str:
        return self.name


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(NOW, 0)


@pytest.fixture
async def slack(clock: AdjustableClock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(manifest=manifest(), clock=clock) as local:
        yield local


@pytest.fixture
def poster(slack: LocalSlack, clock: AdjustableClock) -> Poster:
    client = build_slack_client(Network(), slack.api_url, slack.bot_token)
    return Poster(client, clock, EVENT_TYPE, "alert", pace_seconds=0.0)


def step(**more: Any) -> Change:
    """A step whose lease lasts."""

    async def by() -> float:
        return math.inf

    async def keep(_: str) -> None:
        return

    return Change(attempt=1, holder="one", before_posting=by, keep_look=keep, **more)


async def test_a_message_is_named_posted_and_found(poster: Poster, slack: LocalSlack) -> None:
    ts = await poster.post_once(step(), TO, {"text": "awI failed"})
    (message,) = slack.messages
    assert (message.ts, message.text) == (ts, "awI failed")
    assert message.metadata == {"event_type": EVENT_TYPE, "event_payload": NAME}
    again = step(uncertain=True)
    assert await poster.post_once(again, TO, {"text": "awI failed"}) == ts
    other = replace(TO, name=NAME | {"change": 3})
    assert await poster.find(again, other) is None
    assert len(slack.messages) == 1


async def test_nothing_is_sent_without_a_lease(poster: Poster, slack: LocalSlack) -> None:
    with pytest.raises(LeaseLostError):
        await poster.post_once(Change(attempt=1, holder="one"), TO, {"text": "late"})
    with pytest.raises(LeaseLostError):
        await poster.find(Change(attempt=2, holder="one", uncertain=True), TO)
    assert not slack.messages


async def test_sentences_call_the_message_what_people_call_it(poster: Poster, slack: LocalSlack) -> None:
    with pytest.raises(
        PermanentError, match=r"^Slack did not take the alert\. .*remove the alert, or unarch"
    ):
        await poster.post_once(step(), replace(TO, channel_id=ARCHIVED), {"text": "x"})
    with pytest.raises(PermanentError, match="did not take the alert while it was new"):
        await poster.find(step(too_late=True), TO)
    slack.misbehave("chat.postMessage", status=503)
    with pytest.raises(UncertainError, match="whether it took the alert"):
        await poster.post_once(step(), TO, {"text": "x"})
