"""Builds everything and wires it together: the only place that does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web
from slack_bolt.authorization import AuthorizeResult

from bot.clock import clock_from
from bot.config import REDIS_IS_NOT_NEEDED
from bot.errors import ConfigError
from bot.features.answers.csv_export import CsvExport
from bot.features.answers.service import Answers, RenderedAnswers
from bot.features.digests.listeners import DigestCommands
from bot.features.digests.service import Digests
from bot.features.registry import register
from bot.operating.health import Health
from bot.operating.metrics import LoopLag, Metrics
from bot.plain_text import count
from bot.process import on_stop_signal
from bot.recordings.details import DetailsService
from bot.recordings.service import build_recordings
from bot.slack.access import Access
from bot.slack.bolt_app import BoltApp
from bot.slack.channels import Channels
from bot.slack.deduplication import Deduplication
from bot.slack.dispatch import ListenerAdapter
from bot.slack.in_flight import InFlight
from bot.slack.people import People
from bot.slack.receiver import Receiver, SocketModeReceiver
from bot.slack.sign_in import sign_in, socket_address
from bot.slack.web_client import build_slack_client, quiet_logger
from bot.storage.database import Database
from bot.storage.deliveries import Deliveries
from bot.storage.errors import StoreError
from bot.storage.replicas import Replicas
from bot.zegocloud.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.clock import Clock
    from bot.config import Settings
    from bot.slack.sign_in import Home
    from bot.slack.web_client import SlackClient
    from bot.zegocloud.limiter import Permits

logger = logging.getLogger(__name__)

FINISH_SECONDS = 6.0
"""How long SIGTERM waits for what is running. Telling the rest and closing keep it under 10 s."""

UNTIL_SEEN_SECONDS = 3.0
"""How much of that is for a load balancer to see that this replica goes: until then it answers all comers."""

DISCONNECT_SECONDS = 0.5

LEAVE_SECONDS = 1.0

SOCKET_PING_SECONDS = 3.0
"""A connection that broke is replaced within this; one that is silent, within four times as much."""


class Bot:
    """The running bot.

    Args:
        settings: from the environment.
        socket_mode: Socket Mode, else HTTP.
        clock: another clock than the settings say, for one that is shared in this process.
    """

    def __init__(self, settings: Settings, *, socket_mode: bool, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or clock_from(settings.bot_clock)
        self._network = settings.build_network()
        limiter = Limiter(settings.zego_max_rps)
        self.recordings = build_recordings(settings, self.clock, self._network, limiter)
        self._shared = open_shared_database(settings, self.clock)
        self._deliveries = Deliveries(self._shared) if self._shared else None
        self.replicas = join_replicas(settings, self._shared, limiter.permits) if self._shared else None
        self.health = Health(
            self.recordings.zego, lambda: self.digests.is_away, self.replicas, self._slack_is_away
        )
        self._rendered = RenderedAnswers()
        self._lag = LoopLag()
        lookups = {"message": self._rendered.lookups, **self.recordings.lookups}
        self.metrics = Metrics(self.recordings, lookups, self._lag, self.health.degraded)
        self.slack = self._slack_client(settings.slack_bot_token.reveal())
        self.in_flight = InFlight()
        self._people = People(self.slack, settings.default_tz, self.clock)
        self.digests = Digests(settings, self.clock, self.recordings, self._people, self.slack, self.metrics)
        self._socket_mode = socket_mode
        self._receiver = Receiver(settings.slack_signing_secret, self.metrics)
        self._socket: SocketModeReceiver | None = None
        self._runner: web.AppRunner | None = None

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Bot]:
        """Listen, sign in at Slack, and be ready; on leaving, finish what is running and close."""
        try:
            if not self._socket_mode or self.settings.port_is_set:
                await self._listen()
            if self.replicas is not None:
                await self.replicas.start()
            self.slack.open()
            await self.recordings.zego.prepare()
            home = await sign_in(self.slack)
            bolt = self._receiver.bolt = self._build_bolt(home)
            if self._socket_mode:
                await self._connect(bolt)
            self.digests.start()
            self._lag.start()
            self.health.start()
            self.health.ready = True
            logger.info("Ready: answering %s over %s", home.team_name or home.team_id, self._transport)
            yield self
        finally:
            self.health.ready = False
            self._lag.stop()
            await self._close()

    @property
    def port(self) -> int:
        """The port that HTTP listens on, once it does."""
        addresses = self._runner.addresses if self._runner else []
        return int(addresses[0][1]) if addresses else 0

    @property
    def _transport(self) -> str:
        return "Socket Mode" if self._socket_mode else f"HTTP, port {self.port}"

    def _slack_is_away(self) -> bool:
        """Whether Socket Mode has no connection; over HTTP it is Slack that connects."""
        return self._socket_mode and (self._socket is None or self._socket.is_away)

    def _slack_client(self, token: str | None) -> SlackClient:
        return build_slack_client(self._network, self.settings.slack_api_url, token, self.metrics.slack_call)

    def _build_bolt(self, home: Home) -> BoltApp:
        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=home.enterprise_id or None,
                team_id=home.team_id,
                bot_user_id=home.bot_user_id,
                bot_id=home.bot_id,
                bot_token=self.settings.slack_bot_token.reveal(),
            )

        bolt = BoltApp(
            name="recordings-bot",  # without one Bolt reads the source of every caller to find one
            logger=_bolt_logger(),
            client=self._slack_client(token=None),  # `authorize` brings the token
            signing_secret=self.settings.slack_signing_secret.reveal() or "unused-in-socket-mode",
            authorize=authorize,
            # The receiver checks each delivery before it is read, and functions of workflows are not offered.
            request_verification_enabled=False,
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
        )
        people, channels = self._people, Channels(self.slack, self.clock)
        details_service = DetailsService(self.recordings, self.clock)
        slack_host = urlsplit(self.settings.slack_api_url).netloc
        deduplication = Deduplication(
            self.clock, self._deliveries, owner=f"{slack_host}:{home.team_id}:{home.bot_id}"
        )
        services = {
            "answers": Answers(
                self.recordings, details_service, self._rendered, people, channels, self.clock
            ),
            "recordings": self.recordings,
            "details_service": details_service,
            "people": people,
            "channels": channels,
            "csv_export": CsvExport(self.recordings, self.slack, deduplication),
            "deduplication": deduplication,
            "room_pattern": self.settings.room_pattern,
            "digest_commands": DigestCommands(self.digests, people, self.slack, home, self.clock),
            "slack": self.slack,
            "clock": self.clock,
        }
        access = Access(self.settings, home, people)
        register(
            bolt,
            ListenerAdapter(
                services,
                access,
                deduplication,
                self.in_flight,
                self.metrics,
                self.slack,
                socket_mode=self._socket_mode,
            ),
        )
        return bolt

    async def _listen(self) -> None:
        application = web.Application(client_max_size=1024**2)
        if not self._socket_mode:
            application.router.add_post("/slack/events", self._receiver.receive)
        self.health.add_routes(application)
        application.router.add_get("/metrics", self.metrics.answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.settings.host, self.settings.port).start()
        except OSError as error:
            place = f"{self.settings.host}:{self.settings.port}"
            reason = error.strerror or error.__class__.__name__
            raise ConfigError([f"HOST and PORT: cannot listen on {place} ({reason})."]) from None
        logger.info("Listening on %s port %d", self.settings.host, self.port)

    async def _connect(self, bolt: BoltApp) -> None:
        """Open Socket Mode. Slack is asked first: the SDK would try a refused token for ever."""
        token = self.settings.slack_app_token.reveal()
        client = self._slack_client(token)
        address = await socket_address(client)
        self._socket = SocketModeReceiver(
            bolt,
            token,
            self.metrics,
            logger=quiet_logger(),
            web_client=client,
            ping_interval=SOCKET_PING_SECONDS,
        )
        await self._socket.use_session(client.connections)
        self._socket.client.wss_uri = address
        await self._socket.connect_async()  # type: ignore[no-untyped-call]  # the SDK has no types there

    async def _close(self) -> None:
        """First the people who wait, then their connections, last what answers come from."""
        async with contextlib.AsyncExitStack() as closing:  # backwards, and each one whatever the others do
            closing.push_async_callback(self._close_shared)
            closing.push_async_callback(self.slack.aclose)
            closing.push_async_callback(self.recordings.aclose)
            closing.push_async_callback(self.health.stop)
            closing.push_async_callback(self._people.aclose)
            closing.push_async_callback(self.digests.close)
            if self._runner:
                closing.push_async_callback(self._runner.cleanup)
            if self._socket:
                closing.push_async_callback(self._disconnect, self._socket)
            closing.push_async_callback(self._finish)

    async def _close_shared(self) -> None:
        """Leave the other replicas, without waiting long for a database that may not answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                if self.replicas is not None:
                    await self.replicas.leave()
                if self._deliveries is not None:
                    await self._deliveries.finish()
                if self._shared is not None:
                    await self._shared.close()

    async def _finish(self) -> None:
        """Finish answers and slots of digests side by side."""
        await asyncio.gather(self._finish_answers(), self.digests.stop())

    async def _finish_answers(self) -> None:
        """Finish answers, once nobody sends new questions here."""
        waited = 0.0 if self._socket_mode else await self.health.until_seen(UNTIL_SEEN_SECONDS)
        await self.in_flight.finish(FINISH_SECONDS - waited)

    async def _disconnect(self, socket: SocketModeReceiver) -> None:
        """Close Socket Mode, without waiting long for Slack to agree."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCONNECT_SECONDS):
                await socket.close_async()  # type: ignore[no-untyped-call]  # the SDK has no types there


def open_shared_database(settings: Settings, clock: Clock) -> Database | None:
    """PostgreSQL, which replicas share; None on SQLite, and where `Digests` says why it can't be used."""
    with contextlib.suppress(StoreError):
        database = Database(settings.database_url.reveal(), clock)
        return database if database.is_postgres else None
    return None


def join_replicas(settings: Settings, database: Database, permits: Permits) -> Replicas:
    """Let this replica use only its share of the vendor's budget."""
    budget = f"{settings.zego_app_id}@{urlsplit(settings.zego_api_url).netloc}"
    replicas = Replicas(database, budget, settings.zego_max_rps, lambda: permits.in_use, permits.on_free)
    permits.limit, permits.share = replicas.limit, replicas.share
    return replicas


def _bolt_logger() -> logging.Logger:
    """Bolt's log, without payloads, which it tells at its lower levels and of what no listener takes.

    And without its complaint that SLACK_BOT_TOKEN in the environment is not used: it is, by us.
    """
    bolt_logger = logging.getLogger("bot.bolt")
    bolt_logger.setLevel(max(logging.WARNING, logging.getLogger().level))
    bolt_logger.addFilter(_is_no_complaint)
    return bolt_logger


def _is_no_complaint(record: logging.LogRecord) -> bool:
    if str(record.msg).startswith("Unhandled request"):
        record.msg = "Slack delivered something that no listener takes: is the app's manifest this version's?"
    return "`token` will be unused" not in str(record.msg)


async def run_bot(settings: Settings, *, socket_mode: bool) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        ConfigError: Slack refuses the tokens, or the port is taken.
    """
    if settings.redis_url_is_set:
        logger.warning(REDIS_IS_NOT_NEEDED)
    stop = asyncio.Event()
    on_stop_signal(stop.set)
    bot = Bot(settings, socket_mode=socket_mode)
    started = asyncio.Event()

    async def serve() -> None:
        async with bot.started():
            gc.freeze()  # what is there by now stays: looking through it again and again holds up everyone
            started.set()
            await stop.wait()
            logger.info("Stopping: %s under way", count(len(bot.in_flight), "answer"))

    serving, stopping = asyncio.create_task(serve()), asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not started.is_set():
        serving.cancel()  # it still waits for Slack; once it has started it closes by itself
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    await asyncio.sleep(0)  # closed connections let go of their sockets in the loop's next round
