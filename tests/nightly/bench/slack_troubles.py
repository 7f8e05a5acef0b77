"""What Slack can do wrong, one trouble each.

The vendor takes 2.2 s for each answer here, so that answers have to go by Slack's API and not with the
acknowledgement.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.state import GENERAL
from bot.sandbox.slack.web_api import METHODS
from tests.nightly.bench.questions import Kind
from tests.nightly.bench.stage import a_stage
from tests.nightly.bench.trouble import Trouble
from tests.nightly.bench.vendor_troubles import meanwhile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from tests.nightly.bench.stage import Stage

    Strike = Callable[[Stage], AbstractAsyncContextManager[None]]

SLOW_VENDOR_SECONDS = 2.2
PER_SECOND = 3.5
EVERY_CALL = ("response_url", *sorted(METHODS.keys() - {"apps.connections.open"}))
POSTS = ("chat.postMessage", "chat.postEphemeral", "chat.update")
ALWAYS = 1_000_000
RECONNECT_EVERY_SECONDS, HOLD_SECONDS = 2.0, 0.5

_MIX = {Kind.COMMAND: 2.0, Kind.CACHED: 2.0, Kind.MENTION: 1.0, Kind.REFRESH: 1.0, Kind.DETAILS: 1.0}
_MIX |= {Kind.POST: 0.5}
_NO_MENTIONS = {kind: share for kind, share in _MIX.items() if kind is not Kind.MENTION}
_MENTIONS = {Kind.MENTION: 3.0, Kind.COMMAND: 1.0}

slow_vendor = partial(Trouble, per_second=PER_SECOND, mix=_MIX, latency_seconds=SLOW_VENDOR_SECONDS)
"""A trouble during which many answers are under way."""


def answers(methods: Iterable[str], **how: Any) -> Strike:
    """These calls are answered wrongly."""

    @asynccontextmanager
    async def strike(stage: Stage) -> AsyncIterator[None]:
        for method in methods:
            stage.slack.misbehave(method, times=ALWAYS, **how)
        try:
            yield
        finally:
            stage.slack.behave()

    return strike


def _has_blocks(args: dict[str, Any]) -> bool:
    return bool(args.get("blocks"))


def _is_for_the_channel(args: dict[str, Any]) -> bool:
    return args.get("channel") == GENERAL


@asynccontextmanager
async def expired_triggers(stage: Stage) -> AsyncIterator[None]:
    """Trigger ids are too old as soon as they are given out."""
    triggers = stage.slack.platform.triggers
    usual, triggers.ttl_seconds = triggers.ttl_seconds, -1.0
    yield
    triggers.ttl_seconds = usual


@asynccontextmanager
async def dropped(stage: Stage) -> AsyncIterator[None]:
    """Every Socket Mode connection breaks off without a word; the bot has to find out."""
    stage.slack.drop_sockets()
    yield


@asynccontextmanager
async def refreshed(stage: Stage) -> AsyncIterator[None]:
    """Slack asks for new connections, again and again."""
    async with meanwhile(stage.slack.refresh_sockets, RECONNECT_EVERY_SECONDS):
        yield


@asynccontextmanager
async def jumbled(stage: Stage) -> AsyncIterator[None]:
    """Events come late, newest first, and each three times."""
    slack = stage.slack

    async def jumble() -> None:
        for delivery in [*await slack.release_events(reverse=True)] * 2:
            await slack.deliver_again(delivery)
        slack.hold_events()

    slack.hold_events()
    async with meanwhile(jumble, HOLD_SECONDS):
        yield
    await jumble()
    await slack.release_events()


SLACK_TROUBLES = [
    slow_vendor(
        "slack-429", "Slack: HTTP 429, Retry-After 1, for every call", answers(EVERY_CALL, status=429)
    ),
    slow_vendor("slack-503", "… HTTP 503 for every call", answers(EVERY_CALL, status=503)),
    slow_vendor(
        "slack-503-taken",
        "… HTTP 503 for every call, which it takes all the same",
        answers(EVERY_CALL, status=503, after_effect=True),
    ),
    slow_vendor("slack-hang", "… takes calls and never answers", answers(EVERY_CALL, hang=True)),
    slow_vendor(
        "slack-invalid-blocks",
        "… `invalid_blocks` for every message with blocks",
        answers(("response_url", *POSTS), error="invalid_blocks", only_if=_has_blocks),
    ),
    slow_vendor(
        "slack-not-in-channel",
        "… `not_in_channel` for every post there",
        answers(POSTS, error="not_in_channel", only_if=_is_for_the_channel),
    ),
    slow_vendor(
        "slack-token-revoked",
        "… `token_revoked` for every call (no mentions: Slack delivers none then)",
        answers(METHODS, error="token_revoked"),
        mix=_NO_MENTIONS,
    ),
    slow_vendor("slack-expired-trigger", "… `expired_trigger_id` for every form", expired_triggers),
    slow_vendor(
        "slack-response-url-gone",
        "… refuses every `response_url` (HTTP 404)",
        answers(("response_url",), error="expired_url"),
    ),
    Trouble(
        "slack-socket-dropped",
        "Socket Mode: every connection breaks off",
        dropped,
        stage=partial(a_stage, transport="socket"),
    ),
    Trouble(
        "slack-socket-refreshed",
        "Socket Mode: Slack asks for new connections, every 2 s",
        refreshed,
        stage=partial(a_stage, transport="socket"),
    ),
    Trouble(
        "slack-events-jumbled",
        "Events late, newest first, and three times each",
        jumbled,
        mix=_MENTIONS,
        per_second=8.0,
    ),
]
