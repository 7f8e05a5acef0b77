"""Slack's Web API and response_urls: which requests are sent again, what is logged, what an error says."""

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
from enum import Enum, auto
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
    from collections.abc import AsyncIterator, Iterator, Mapping

    from slack_sdk.http_retry.async_handler import AsyncRetryHandler
    from slack_sdk.web.async_slack_response import AsyncSlackResponse
    from slack_sdk.webhook import WebhookResponse

    from bot.network import Network


logger = logging.getLogger(__name__)

SLACK_ERRORS = (SlackClientError, aiohttp.ClientError, OSError)
"""Everything that a call of Slack's can end with; a time-out is an OSError."""

_WORD_OF_BODY = re.compile(r'(?:\A|"error":\s*")([a-z_]{1,60})(?:"|\Z)')

_SLACKS = (".slack.com", ".slack-gov.com")
"""Where response_urls lead (Slack docs, handling user interaction; GovSlack)."""

TIMEOUT_SECONDS = 10
"""How long one request to Slack may take, from connecting to the last byte of the answer."""

KEEPALIVE_SECONDS = 10
"""How long a connection is kept without a call. Slack must not be the one that closes it: what is posted at
that moment is lost, or not, and is not posted again."""

_NO_WORD = "HTTP "
"""How `slack_word` begins where an answer has no word of Slack's."""

_LATER = {"ratelimited", "rate_limited"}
_UNCLEAR = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
"""Slack docs, chat.postMessage, of `fatal_error`: "It's possible some aspect of the operation succeeded"."""

_OF_THE_SETUP = {
    *("invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked"),
    *("message_limit_exceeded", "team_added_to_org"),
}
"""Refusals that whoever runs the app, or Slack itself, may lift with nothing changed in what is sent."""

_ABOUT_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}


class Taken(Enum):
    """What became of something that was sent to Slack."""

    YES = auto()
    NO = auto()
    """It was refused, and will be."""
    BLOCKS_REFUSED = auto()
    """It was refused for its blocks."""
    LATER = auto()
    """It was not taken, and may be later."""
    UNKNOWN = auto()
    """It may have been taken."""
    AGAIN = auto()
    """The same, where sending it again does no harm: something that is there is only replaced."""


OnCall = Callable[[str, str, float], None]
"""Told of each call: its method, `ok` or a word for what went wrong, and how many seconds it took."""


class Session:
    """What the SDK takes for an `aiohttp.ClientSession`: each request goes the way that `network` says.

    The SDK would read HTTPS_PROXY and HTTP_PROXY itself, for every address alike (slack_sdk 3.48), and
    aiohttp knows no ALL_PROXY and no ports or networks in NO_PROXY (aiohttp 3.14). Until it is opened, each
    request has a connection of its own. Redirects are refused.

    Args:
        network: proxies and certificates.
        timeout_seconds: how long a request may take.
    """

    closed = False
    """Never: the SDK would make a session of its own, which goes another way."""

    def __init__(self, network: Network, timeout_seconds: float) -> None:
        self._network = network
        self.timeout_seconds = timeout_seconds
        self._kept: aiohttp.ClientSession | None = None
        self._has_ended = False

    def open(self) -> None:
        """Keep connections for the next requests, in the running event loop; to be closed."""
        self._kept = self._new()

    async def close(self) -> None:
        """Close the connections that are kept. No WebSocket is opened from here on."""
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
            options |= await self._way(url)
            yield await stack.enter_async_context(session.request(method, url, **options))

    async def ws_connect(self, url: str, **options: Any) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket, which needs a session to be open; see aiohttp."""
        if self._has_ended:  # the SDK connects again by itself, even while the process ends
            raise aiohttp.ClientConnectionError("closed")
        if self._kept is None:
            self._kept = self._new()
        socket: aiohttp.ClientWebSocketResponse = await self._kept.ws_connect(
            url, **options | await self._way(url)
        )
        return socket

    async def _way(self, url: str) -> dict[str, Any]:
        proxy = self._network.route(url).proxy
        needs_tls = any(address.startswith(("https:", "wss:")) for address in (url, proxy))
        return {"proxy": proxy or None, "ssl": await self._network.tls() if needs_tls else True}

    def _new(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(keepalive_timeout=KEEPALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=self.timeout_seconds),
            trace_configs=[_no_redirects(), _in_time()],
        )


class SlackClient(AsyncWebClient):
    """The SDK's client, whose calls are told to `on_call` and logged at DEBUG.

    Until it is opened, each call has a connection of its own.

    Args:
        network: proxies and certificates.
        options: the SDK's.
    """

    on_call: OnCall | None = None

    def __init__(self, network: Network, **options: Any) -> None:
        super().__init__(**options)
        self.ways = Session(network, self.timeout)
        self.session = self.ways  # type: ignore[assignment]  # as much of one as the SDK uses
        self.proxy = None  # what the SDK found in the environment

    def open(self) -> None:
        """Keep connections for the next calls and posts, in the running event loop; to be closed."""
        self.ways.open()

    def impatient(self) -> Self:
        """The same client, which never waits for Slack's pace: a call refused for it is an error at once."""
        other = copy.copy(self)
        other.retry_handlers = []
        return other

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        await self.ways.close()

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call a method; see the SDK."""
        with self._noted(api_method) as noted:
            answer = await super().api_call(api_method, **arguments)
            noted("ok")
        return answer

    async def post(self, response_url: str, body: dict[str, Any]) -> WebhookResponse:
        """Post to a response_url; nothing that may have had its effect is posted again.

        Raises:
            aiohttp.InvalidURL: it is not Slack's: nothing is sent there, nor where it redirects to.
        """
        with self._noted("response_url") as noted:
            if not is_slacks(response_url, self.base_url):
                raise aiohttp.InvalidURL("this response_url", "is not Slack's")
            webhook = AsyncWebhookClient(
                response_url, session=self.session, retry_handlers=_retries(), logger=quiet_logger()
            )
            answer = await webhook.send_dict(body)
            noted("ok" if answer.status_code == HTTPStatus.OK else f"HTTP {answer.status_code}")
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


_send_by: ContextVar[float] = ContextVar("send_by", default=math.inf)


class NotSentError(aiohttp.ClientError):
    """The time in which a request had to be sent was over; nothing of it left this process."""


_NEVER_SENT = (NotSentError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
"""There was no connection to Slack: a proxy that refuses to make one has passed nothing on."""


@contextmanager
def sent_once(client: SlackClient, by: float = math.inf) -> Iterator[SlackClient]:
    """A client whose calls are one request each: it sends nothing again by itself, whatever Slack answers.

    A call that waits for Slack's pace inside the SDK would hold up its caller for as long as Slack likes, and
    a post that it sends after such a wait, or after the process was stopped for a while, may come too late.

    Args:
        client: whose token, address, timeout and open connections are used.
        by: event-loop time (`loop.time()`) from which on nothing is sent any more: NotSentError instead. It
            is looked at again directly before the request's bytes are written.
    """
    before = _send_by.set(by)
    try:
        yield client.impatient()
    finally:
        _send_by.reset(before)


def build_slack_client(
    network: Network, api_url: str, token: str | None, on_call: OnCall | None = None
) -> SlackClient:
    """Slack's Web API at `api_url`; nothing that may have had its effect is sent again."""
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


def is_slacks(url: str, api_url: str) -> bool:
    """Whether an address is one that Slack hands out: its own, or of the server that stands for it.

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
    return parts.scheme == "https" and parts.netloc == parts.hostname and host.endswith(_SLACKS)


def _no_redirects() -> aiohttp.TraceConfig:
    """An answer for one person goes to the address that Slack named, or nowhere."""

    async def refuse(*_: object) -> None:
        raise aiohttp.InvalidURL("this redirect", "is not followed")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def outsiders_read(channel: Mapping[str, Any]) -> bool:
    """Whether people of other organisations read a conversation, or will once they accept an invitation.

    Args:
        channel: as `conversations.info` describes it (Slack docs, conversation object).
    """
    return bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))


def _in_time() -> aiohttp.TraceConfig:
    """Whatever stopped this process on the way here, a request is not sent after `_send_by`."""

    async def check(*_: object) -> None:
        if asyncio.get_running_loop().time() >= _send_by.get():
            raise NotSentError

    trace = aiohttp.TraceConfig()
    # Despite their names, aiohttp (3.14) awaits both before it writes: the head waits for the first chunk.
    trace.on_request_headers_sent.append(check)
    trace.on_request_chunk_sent.append(check)
    return trace


def slack_word(error: Exception) -> str:
    """What went wrong in a word or two: Slack's own, such as `missing_scope`, or the kind of failure.

    An error of the SDK carries its own response, that of aiohttp, or none; and its data is whatever a proxy
    between here and Slack answered.
    """
    response = error.response if isinstance(error, SlackApiError) else None
    data = getattr(response, "data", response)
    if isinstance(data, dict) and data.get("error"):
        return str(data["error"])
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return f"{_NO_WORD}{status}" if status else error.__class__.__name__


def taken_despite(error: Exception) -> Taken:
    """What became of a call that ended with one of `SLACK_ERRORS`."""
    if not isinstance(error, SlackApiError):
        if isinstance(error, aiohttp.InvalidURL):
            return Taken.NO
        return Taken.LATER if isinstance(error, _NEVER_SENT) else Taken.UNKNOWN
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None)
    return taken_by(status or HTTPStatus.OK, slack_word(error))


def is_refused_for_now(error: Exception) -> bool:
    """Whether what was not taken may be within the hour, although Slack's own pace is not the reason.

    That is so once whoever runs the app has given it a new token, or mended a proxy: only a proxy refuses
    without a word of Slack's, or redirects. For somebody who waits it is a NO all the same: their minute is
    over by then. A digest has an hour.
    """
    if taken_despite(error) is not Taken.NO:
        return False
    word = slack_word(error)
    return not isinstance(error, SlackApiError) or word in _OF_THE_SETUP or word.startswith(_NO_WORD)


def taken_by(status: int, word: str) -> Taken:
    """What became of a request that was answered with this HTTP status, not with `ok`.

    Args:
        status: of HTTP.
        word: Slack's; `HTTP` and the status where the answer has none.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS or word in _LATER:
        return Taken.LATER
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or word in _UNCLEAR:
        return Taken.UNKNOWN
    if status < HTTPStatus.MULTIPLE_CHOICES and word.startswith(_NO_WORD):
        return Taken.UNKNOWN  # cut off, or no answer of Slack's
    return Taken.BLOCKS_REFUSED if word in _ABOUT_BLOCKS else Taken.NO


def word_of_body(body: str) -> str:
    """Slack's word for an error in the answer of a response_url, plain or as JSON; empty without one."""
    found = _WORD_OF_BODY.search(body)
    return found[1] if found else ""


def quiet_logger() -> logging.Logger:
    """A logger whose own level keeps the SDK from writing whole payloads and response_urls.

    The SDK looks at the logger's own level, which is 0 unless set, and then logs retries with their address
    at INFO (slack_sdk 3.47).
    """
    logger = logging.getLogger("bot.slack_sdk")
    logger.setLevel(max(logging.INFO, logging.getLogger().level))
    return logger


def _retries() -> list[AsyncRetryHandler]:
    """What never left, and what was refused for its pace. A connection that broke may have been in time."""
    return [
        AsyncConnectionErrorRetryHandler(error_types=[aiohttp.ClientConnectorError]),
        AsyncRateLimitErrorRetryHandler(max_retry_count=2),
    ]
