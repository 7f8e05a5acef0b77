"""Fixtures of several test modules, and two rules: nothing is skipped where all is there, nothing timed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from bot.sandbox.slack.server import LocalSlack
from tests.bolt_apps import bolt_app, connected_over_sockets, manifest, served_over_http
from tests.examples import USUAL, examples
from tests.world import World, a_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from slack_bolt.async_app import AsyncApp

    from bot.clock import AdjustableClock


settings.register_profile("tests", examples(USUAL))
settings.load_profile("tests")

# The first process that tests start compiles the bot, and the others need not do it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts what runs in the background deaf to Ctrl-C, and so would be every process of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """The bot over HTTP, with an empty ZEGOCLOUD."""
    async with a_world() as built:
        yield built


@pytest.fixture(params=["http", "socket"])
async def either_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The bot over HTTP, then over Socket Mode."""
    async with a_world(socket_mode=request.param == "socket") as built:
        yield built


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With CI=true a skipped test fails: there everything that a test needs has been installed."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI=true: {report.longrepr}"
    return report


@pytest.fixture
async def slack(clock: AdjustableClock) -> AsyncIterator[LocalSlack]:
    """A local Slack by the module's own clock."""
    async with LocalSlack(manifest=manifest(), clock=clock) as local:
        yield local


@pytest.fixture
def app(slack: LocalSlack) -> AsyncApp:
    """A real Bolt app that is known to it."""
    return bolt_app(slack)


@pytest.fixture(params=["http", "sockets"])
async def connected(request: pytest.FixtureRequest, app: AsyncApp, slack: LocalSlack) -> AsyncIterator[None]:
    connect = served_over_http if request.param == "http" else connected_over_sockets
    async with connect(app, slack):
        yield


@pytest.fixture
async def served(app: AsyncApp, slack: LocalSlack) -> AsyncIterator[None]:
    async with served_over_http(app, slack):
        yield
