"""Bolt's application as this bot uses it; the only module that knows Bolt's insides (slack-bolt 1.30)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.listener.asyncio_runner import AsyncioListenerRunner
from slack_bolt.listener_matcher.async_builtins import AsyncBuiltinListenerMatcher
from slack_bolt.listener_matcher.async_listener_matcher import AsyncListenerMatcher
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from yarl import URL

from bot.slack.payload import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_bolt.listener.async_listener import AsyncListener

logger = logging.getLogger(__name__)


class Acknowledgement(AsyncAck):
    """An acknowledgement that can be waited for."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        """It was given, or it won't be, or it's too late."""
        self._response: BoltResponse | None = None

    @property
    def response(self) -> BoltResponse | None:
        """What Slack is answered, once that is known."""
        return self._response

    @response.setter
    def response(self, response: BoltResponse | None) -> None:
        self._response = response
        self.over.set()


class Runner(AsyncioListenerRunner):
    """Starts listeners, and waits for their acknowledgements.

    Bolt's own polls each of them every 10 ms: with a thousand people waiting that is a hundred thousand polls
    a second, and leaves no time for anything else.
    """

    def __init__(self, usual: AsyncioListenerRunner) -> None:
        super().__init__(
            logger=usual.logger,
            process_before_response=False,
            listener_error_handler=usual.listener_error_handler,
            listener_start_handler=usual.listener_start_handler,
            listener_completion_handler=usual.listener_completion_handler,
            lazy_listener_runner=usual.lazy_listener_runner,
        )
        self._listening: set[asyncio.Task[Any]] = set()

    async def run(
        self,
        request: AsyncBoltRequest,
        response: BoltResponse,  # noqa: ARG002 - Bolt's own names
        listener_name: str,  # noqa: ARG002 - the same
        listener: AsyncListener,
        starting_time: float | None = None,  # noqa: ARG002 - the same
    ) -> BoltResponse | None:
        """Start a listener, and wait for its acknowledgement alone."""
        ack = request.context["ack"] = Acknowledgement()
        if listener.auto_acknowledgement:
            await ack()

        async def listen() -> None:
            try:
                await listener.ack_function(ack, request.body)  # all that `ListenerAdapter` needs
            except Exception as error:  # `ListenerAdapter` lets out none that it knows about
                logger.exception("A listener failed where nobody is told")
                refused = await _refuse(error)
                ack.response = ack.response or refused
            finally:
                ack.over.set()

        listening = asyncio.create_task(listen())
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        # Cheaper than a timeout around every wait: nearly all end at once.
        too_late = asyncio.get_running_loop().call_later(listener.ack_timeout, ack.over.set)
        try:
            await ack.over.wait()
        finally:
            too_late.cancel()
        return ack.response


class BodyMatcher(AsyncListenerMatcher):
    """Asks one of Bolt's matchers with the body alone, which is all that they look at.

    Bolt builds some forty arguments for each matcher it asks, one listener after the other: that is most of
    the time that a click takes.
    """

    def __init__(self, matcher: AsyncBuiltinListenerMatcher) -> None:
        self._matches: Callable[[dict[str, Any]], Any] = matcher.func

    async def async_matches(self, req: AsyncBoltRequest, resp: BoltResponse) -> bool:  # noqa: ARG002 - Bolt's own
        return bool(await self._matches(req.body))


class BoltApp(AsyncApp):
    """Hands each delivery to its listener as `listener(ack, body)`, with a well-formed body."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._async_listener_runner = Runner(self._async_listener_runner)
        self.error(_refuse)

    def _init_context(self, req: AsyncBoltRequest) -> None:
        """One client for every delivery: all come from one installation, and listeners have their own."""
        req.context["logger"] = self.logger
        req.context["token"] = None  # `authorize` brings it
        req.context["client"] = self.client
        req.context["listener_runner"] = self._async_listener_runner

    def _register_listener(
        self, functions: Any, primary_matcher: AsyncListenerMatcher, *more: Any, **options: Any
    ) -> Any:
        if isinstance(primary_matcher, AsyncBuiltinListenerMatcher):
            primary_matcher = BodyMatcher(primary_matcher)
        return super()._register_listener(functions, primary_matcher, *more, **options)

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Have a delivery answered; 400 if Bolt cannot even tell what it is, as a click without an action."""
        req.body = well_formed(req.body)
        try:
            return await super().async_dispatch(req)
        except Exception as error:  # noqa: BLE001 - Bolt does some of it outside its own error handling
            return await _refuse(error)


def read_delivery(body: bytes, content_type: str) -> AsyncBoltRequest | None:
    """Parse the body of a delivery over HTTP; None if it isn't one.

    A command is a form, an interaction a form whose `payload` is JSON, an event is JSON (Slack docs). Bolt's
    own parser takes a command for an empty interaction if `payload` is anywhere in its text.
    """
    try:
        text = body.decode()
        payload = json.loads(text) if content_type == "application/json" else _read_form(text)
        if not isinstance(payload, dict):
            return None
        # In this mode Bolt takes an object as it is, and looks at no header.
        return AsyncBoltRequest(mode="socket_mode", body=payload)
    except Exception as error:  # noqa: BLE001 - not UTF-8, not JSON, nested too deeply, not of Bolt's shape
        _log_unreadable(error)
        return None


def _read_form(text: str) -> Any:
    # yarl's parser is compiled: it takes a third of the time of the standard library's.
    form = URL.build(query_string=text, encoded=True).query
    payload = form.get("payload")
    return dict(form) if payload is None else json.loads(payload)


async def _refuse(error: Exception) -> BoltResponse:
    """What Bolt answers if it fails itself: listeners let no exception out."""
    _log_unreadable(error)
    return BoltResponse(status=400, body="This cannot be read.")


def _log_unreadable(error: Exception) -> None:
    logger.warning("A delivery that cannot be read: %s", error.__class__.__name__)
    logger.debug("It failed here", exc_info=error)
