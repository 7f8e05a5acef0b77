"""The HTTP to the vendor's API: one signed request in, one answer out. The only module that imports httpx."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import httpx

from bot.errors import ConfigError, ZegoBadAnswerError, ZegoUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.network import Network
    from bot.zegocloud.protocol import SignedRequest

MOST_BYTES = 4 * 1024 * 1024
"""A full page has some 6 KB: what is this much bigger is not an answer of the API."""

GRACE_SECONDS = 0.25
"""How much longer than its timeouts a sending may take before it is given up."""

KEEPALIVE_SECONDS = 20.0

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
_LEAVES = "http11.send_request_headers.started"  # httpcore's name of the moment before the first byte
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the whole body, and the two headers that matter (empty when absent)."""

    status: int
    content: bytes
    date: str
    retry_after: str


class Transport:
    """Sends requests over kept connections. None is opened before the first request.

    Args:
        base_url: the API's address, with or without a path and a slash behind it.
        connections: how many are kept open between requests.
        network: proxies and certificates.

    Raises:
        ConfigError: no connection can be made this way.
    """

    def __init__(self, base_url: str, connections: int, network: Network) -> None:
        try:
            url = httpx.URL(base_url)
            self._url = url.copy_with(path=url.path.rstrip("/") + "/")
        except (httpx.InvalidURL, ValueError):  # whatever httpx knows of names that no setting checks
            raise ConfigError(["ZEGO_API_URL is not an address that can be called: correct it."]) from None
        self._network = network
        self._proxy = self._network.route(str(self._url)).proxy
        self._connections = connections
        self._http: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._sendings: set[asyncio.Task[Answer]] = set()
        self._closings: set[asyncio.Task[None]] = set()
        self._closed = False
        _silence_request_logs()

    @property
    def host(self) -> str:
        """The API's host, for people."""
        return self._url.host

    @property
    def in_flight(self) -> int:
        """How many requests are on their way now."""
        return len(self._sendings)

    async def prepare(self) -> None:
        """Load now what the first request needs: later it would hold up everyone for some 70 ms."""
        await self._open()
        await anyio.lowlevel.checkpoint()  # httpcore chooses anyio at its first request

    async def send(
        self, signed: SignedRequest, seconds: float, may_send: Callable[[], bool] = lambda: True
    ) -> Answer:
        """Send a request once and read its answer, whatever its status.

        Args:
            signed: the request.
            seconds: how long connecting may take, and each wait for bytes, and all of it together.
            may_send: asked when the connection is there, right before the request leaves: connecting takes
                time, and this process may have been held up.

        Raises:
            ZegoUnreachableError: with one of a few fixed reasons (httpx's own errors carry the signed URL).
            ZegoBadAnswerError: the answer is too big or wrongly compressed.
        """
        # A cancelled httpx call may keep its connection's place for ever. So each runs in a task that nobody
        # cancels: it ends by its own timeouts, or when the connections are dropped under it.
        sending = asyncio.create_task(self._send(signed, seconds, may_send))
        self._sendings.add(sending)
        sending.add_done_callback(self._sent)
        await asyncio.wait((sending,), timeout=seconds + GRACE_SECONDS)
        if not sending.done():
            asyncio.get_running_loop().call_later(seconds, self._break_off, sending)
            raise ZegoUnreachableError("no answer in time", seconds=seconds)
        return sending.result()

    async def aclose(self) -> None:
        """Break off what is being sent and close the connections."""
        self._closed = True
        await self._drop_connections()
        if self._sendings:
            await asyncio.wait(self._sendings, timeout=GRACE_SECONDS)

    def _sent(self, sending: asyncio.Task[Answer]) -> None:
        self._sendings.discard(sending)
        if not sending.cancelled():
            sending.exception()

    def _break_off(self, sending: asyncio.Task[Answer]) -> None:
        """End a sending that its timeouts do not: each byte of a dripping header starts them anew."""
        if not sending.done():
            closing = asyncio.create_task(self._drop_connections())
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)

    async def _drop_connections(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _send(self, signed: SignedRequest, seconds: float, may_send: Callable[[], bool]) -> Answer:
        try:
            return await self._exchange(await self._open(), signed, seconds, may_send)
        except httpx.TimeoutException:
            reason = "no answer in time"
        except httpx.DecodingError:
            reason = ""
        except (httpx.HTTPError, OSError) as error:
            reason = _reason(error, through_proxy=bool(self._proxy))
        # Raised out here, so that no httpx error hangs on to it as its context.
        if not reason:
            raise ZegoBadAnswerError("it is wrongly compressed")
        raise ZegoUnreachableError(reason, seconds=seconds)

    async def _exchange(
        self, http: httpx.AsyncClient, signed: SignedRequest, seconds: float, may_send: Callable[[], bool]
    ) -> Answer:
        async def trace(event: str, _: dict[str, Any]) -> None:
            if event == _LEAVES and not may_send():
                raise ZegoUnreachableError("the bot was held up before it could ask")

        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        content = bytearray()
        async with http.stream(
            "POST",
            self._url,
            params=signed.params,
            content=signed.body,
            timeout=seconds,
            extensions={"trace": trace},
        ) as response:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise ZegoBadAnswerError("it is bigger than 4 MB", http_status=response.status_code)
                if loop.time() > ends:
                    raise httpx.ReadTimeout("the answer drips")
        headers = response.headers
        return Answer(
            status=response.status_code,
            content=bytes(content),
            date=headers.get("Date", ""),
            retry_after=headers.get("Retry-After", ""),
        )

    async def _open(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._closed:
                raise ZegoUnreachableError("the bot is stopping")
            if self._http is None:
                # Reading the certificates takes tens of milliseconds, and plain HTTP needs none.
                needs_tls = "https" in {self._url.scheme, httpx.URL(self._proxy).scheme}
                tls = await self._network.tls() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                self._http = httpx.AsyncClient(
                    headers=_HEADERS,
                    verify=tls,
                    proxy=self._through(tls),
                    trust_env=False,  # `Network` has read it, for Slack too
                    follow_redirects=False,
                    # The limiter bounds how many run: a bound here could only make a call hang.
                    limits=httpx.Limits(
                        max_connections=None,
                        max_keepalive_connections=self._connections,
                        keepalive_expiry=KEEPALIVE_SECONDS,
                    ),
                )
            return self._http

    def _through(self, tls: ssl.SSLContext) -> httpx.Proxy | None:
        if not self._proxy:
            return None
        secure = httpx.URL(self._proxy).scheme == "https"
        return httpx.Proxy(self._proxy, ssl_context=tls if secure else None)


def _reason(error: BaseException, *, through_proxy: bool) -> str:
    """A few fixed words for what went wrong below HTTP."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, ssl.SSLCertVerificationError):
            return "its certificate is not valid"
        chain = chain.__cause__ or chain.__context__
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused"
    if isinstance(error, httpx.UnsupportedProtocol):
        return "the address does not begin with https://"
    if not isinstance(error, httpx.ConnectError):
        return "the connection broke"
    return "no connection through the proxy" if through_proxy else "no connection"


def _silence_request_logs() -> None:
    """Keep httpx and httpcore from logging requests: their URLs carry the signature."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
