"""The client for Slack's Web API and response_urls: connections, retries, rate limits, logging."""

from __future__ import annotations

import asyncio
import copy
import logging
import math
import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from slack_sdk.http_retry.async_handler import AsyncRetryHandler
    from slack_sdk.web.async_slack_response import AsyncSlackResponse
    from slack_sdk.webhook import WebhookResponse

    from bot.network import Network

logger = logging.getLogger(__name__)

OnCall = Callable[[str, str, float], None]
"""Called after each call: its method, `ok` or a word for what went wrong, and how many seconds it took."""

SLACK_ERRORS = (SlackClientError, aiohttp.ClientError, OSError)
"""Everything that a call to Slack can end with; a timeout is an OSError."""

TIMEOUT_SECONDS = 10
"""How long one request to Slack may take, from connecting to the last byte of the answer."""

KEEPALIVE_SECONDS = 10
"""How long an unused connection is kept. Slack must not be the one that closes it: what is posted at that
moment may be lost, and is not posted again."""

_SLACK_DOMAINS = (".slack.com", ".slack-gov.com")
"""Where response_urls lead (Slack docs, handling user interaction; GovSlack)."""

_WORD_IN_BODY = re.compile(r'(?:\A|"error":\s*")([a-z_]{1,60})(?:"|\Z)')

_send_by: ContextVar[float] = ContextVar("send_by", default=math.inf)


class NotSentError(aiohttp.ClientError):
    """The time limit for sending a request was over; none of it left this process."""


class Session:
    """Stands in for the SDK's `aiohttp.ClientSession`, and sends each request as `network` says.

    The SDK would read HTTPS_PROXY and HTTP_PROXY itself, for every address alike (slack_sdk 3.48), and
    aiohttp knows no ALL_PROXY and no ports or networks in NO_PROXY (aiohttp 3.14). Until `open` is called,
    each request has a connection of its own. Redirects are refused.

    Args:
        network: proxies and certificates.
        timeout_seconds: how long a request may take.
    """

    closed = False
    """Never: the SDK would make a session of its own, without these proxies."""

    def __init__(self, network: Network, timeout_seconds: float) -> None:
        self._network = network
        self.timeout_seconds = timeout_seconds
        self._kept: aiohttp.ClientSession | None = None
        self._has_ended = False

    def open(self) -> None:
        """Keep connections for the next requests, in the running event loop, until `close`."""
        self._kept = self._new()

    async def close(self) -> None:
        """Close the kept connections. No WebSocket is opened from here on."""
        self._has_ended = True
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.close()

    @asynccontextmanager
    async def request(self, method: str, url: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and hold its answer; see aiohttp."""
        async with AsyncExitStack() as stack:
            session = self._kept
            if session is None:
                session = await stack.enter_async_context(self._new())
            options |= await self._proxy_and_tls(url)
            yield await stack.enter_async_context(session.request(method, url, **options))

    async def ws_connect(self, url: str, **options: Any) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket; see aiohttp."""
        if self._has_ended:  # the SDK reconnects by itself, even while the process ends
            raise aiohttp.ClientConnectionError("closed")
        if self._kept is None:
            self._kept = self._new()
        socket: aiohttp.ClientWebSocketResponse = await self._kept.ws_connect(
            url, **options | await self._proxy_and_tls(url)
        )
        return socket

    async def _proxy_and_tls(self, url: str) -> dict[str, Any]:
        proxy = self._network.route(url).proxy
        needs_tls = any(address.startswith(("https:", "wss:")) for address in (url, proxy))
        return {"proxy": proxy or None, "ssl": await self._network.tls() if needs_tls else True}

    def _new(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(keepalive_timeout=KEEPALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=self.timeout_seconds),
            trace_configs=[_checks()],
        )


def _checks() -> aiohttp.TraceConfig:
    """Refuse redirects, and requests that are about to leave after `_send_by`, whatever delayed them."""

    async def refuse(*_: object) -> None:
        # An answer for one person goes to the address that Slack gave, or nowhere.
        raise aiohttp.InvalidURL("this redirect", "is not followed")

    async def check_time(*_: object) -> None:
        if asyncio.get_running_loop().time() >= _send_by.get():
            raise NotSentError

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    # Despite their names, aiohttp (3.14) awaits both before it writes: the head waits for the first chunk.
    trace.on_request_headers_sent.append(check_time)
    trace.on_request_chunk_sent.append(check_time)
    return trace


class SlackClient(AsyncWebClient):
    """The SDK's client. Each call is reported to `on_call` and logged at DEBUG.

    Until `open` is called, each call has a connection of its own.

    Args:
        network: proxies and certificates.
        options: the SDK's.
    """

    on_call: OnCall | None = None

    def __init__(self, network: Network, **options: Any) -> None:
        super().__init__(**options)
        self.connections = Session(network, self.timeout)
        self.session = self.connections  # type: ignore[assignment]  # has all that the SDK uses
        self.proxy = None  # what the SDK found in the environment

    def open(self) -> None:
        """Keep connections for the next calls and posts, in the running event loop, until `aclose`."""
        self.connections.open()

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self.connections.close()

    def impatient(self) -> Self:
        """The same client, except that a call over Slack's rate limit fails at once instead of waiting."""
        other = copy.copy(self)
        other.retry_handlers = []
        return other

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call a method; see the SDK."""
        with self._noted(api_method) as note:
            answer = await super().api_call(api_method, **arguments)
            note("ok")
        return answer

    async def post(self, response_url: str, body: dict[str, Any]) -> WebhookResponse:
        """Post to a response_url.

        Raises:
            aiohttp.InvalidURL: it isn't Slack's: nothing is sent there, or to where it redirects.
            SlackApiError: Slack did not answer 200.
        """
        with self._noted("response_url") as note:
            if not is_slacks(response_url, self.base_url):
                raise aiohttp.InvalidURL("this response_url", "is not Slack's")
            webhook = AsyncWebhookClient(
                response_url, session=self.session, retry_handlers=_retries(), logger=quiet_logger()
            )
            answer = await webhook.send_dict(body)
            is_taken = answer.status_code == HTTPStatus.OK
            note("ok" if is_taken else f"HTTP {answer.status_code}")
        if not is_taken:
            error = "Slack did not take a post to a response_url."
            raise SlackApiError(error, answer)  # type: ignore[no-untyped-call]  # the SDK has no types there
        return answer

    @contextmanager
    def _noted(self, method: str) -> Iterator[Callable[[str], None]]:
        began, word = time.perf_counter(), "broken_off"

        def note(what: str) -> None:
            nonlocal word
            word = what

        try:
            yield note
        except Exception as error:
            word = slack_word(error)
            raise
        finally:
            seconds = time.perf_counter() - began
            if self.on_call:
                self.on_call(method, word, seconds)
            logger.debug(
                "%(method)s: %(word)s in %(ms).0f ms", {"method": method, "word": word, "ms": seconds * 1000}
            )


def build_slack_client(
    network: Network, api_url: str, token: str | None, on_call: OnCall | None = None
) -> SlackClient:
    """Slack's Web API at `api_url`."""
    client = SlackClient(
        network,
        token=token,
        base_url=api_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=_retries(),
        logger=quiet_logger(),
    )
    client.on_call = on_call
    return client


def _retries() -> list[AsyncRetryHandler]:
    """What never left, and what was over the rate limit. If a connection breaks, Slack may have the post."""
    return [
        AsyncConnectionErrorRetryHandler(error_types=[aiohttp.ClientConnectorError]),
        AsyncRateLimitErrorRetryHandler(max_retry_count=2),
    ]


@contextmanager
def sent_once(client: SlackClient, by: float = math.inf) -> Iterator[SlackClient]:
    """A client whose calls are one request each: nothing is sent again, whatever Slack answers.

    A call that waits inside the SDK for Slack's rate limit would hold up its caller for as long as Slack
    likes, and a post sent after such a wait, or after the process was paused, may come too late.

    Args:
        client: whose token, address, timeout and open connections are used.
        by: event-loop time (`loop.time()`) from which on nothing is sent: NotSentError instead. It is checked
            directly before the request's bytes are written.
    """
    before = _send_by.set(by)
    try:
        yield client.impatient()
    finally:
        _send_by.reset(before)


def is_slacks(url: str, api_url: str) -> bool:
    """Whether an address is one that Slack hands out: its own, or on the server that stands in for it.

    Args:
        url: to be posted to.
        api_url: SLACK_API_URL.
    """
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        host = f".{parts.hostname or ''}"
        if (parts.scheme, parts.hostname, parts.port) == (api.scheme, api.hostname, api.port):
            return "@" not in parts.netloc
    except ValueError:
        return False
    return parts.scheme == "https" and parts.netloc == parts.hostname and host.endswith(_SLACK_DOMAINS)


def slack_word(error: Exception) -> str:
    """What went wrong in a word or two: Slack's own, such as `missing_scope`, or the kind of failure.

    An error of the SDK carries its own response, aiohttp's, or none; a response_url answers a plain word or
    JSON; and any of these may be the page of a proxy in between.
    """
    response = error.response if isinstance(error, SlackApiError) else None
    data = getattr(response, "data", response)
    if isinstance(data, dict) and data.get("error"):
        return str(data["error"])
    if found := _WORD_IN_BODY.search(str(getattr(response, "body", ""))):
        return found[1]
    status = http_status(error)
    return f"HTTP {status}" if status else error.__class__.__name__


def http_status(error: Exception) -> int:
    """The HTTP status of Slack's answer; 0 if there is none."""
    response = error.response if isinstance(error, SlackApiError) else None
    return int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)


def retry_after_seconds(error: Exception) -> float:
    """How long Slack asks to wait, at most an hour; 0 if it doesn't say."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return min(float(headers.get("Retry-After") or headers.get("retry-after") or 0), 3_600.0)
    except ValueError:
        return 0.0


def quiet_logger() -> logging.Logger:
    """A logger whose own level keeps the SDK from writing whole payloads and response_urls.

    The SDK looks at the logger's own level, which is 0 unless set, and then logs retries with their address
    at INFO (slack_sdk 3.47).
    """
    sdk_logger = logging.getLogger("bot.slack_sdk")
    sdk_logger.setLevel(max(logging.INFO, logging.getLogger().level))
    return sdk_logger
