"""LocalSlack: all of the local Slack on one port, with the handles that tests and the sandbox's page use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp
from aiohttp import web

from bot.sandbox.slack.app_manifest import read_manifest
from bot.sandbox.slack.delivery import ACK_SECONDS, Delivery, HttpTransport
from bot.sandbox.slack.events import Dispatcher
from bot.sandbox.slack.file_methods import UploadDoor
from bot.sandbox.slack.people import People
from bot.sandbox.slack.response_urls import ResponseUrlDoor
from bot.sandbox.slack.slack_platform import Platform
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.state import Workspace
from bot.sandbox.slack.tickets import ResponseUrls, Triggers
from bot.sandbox.slack.views import View, Views
from bot.sandbox.slack.web_api import ApiCall, Misbehaviour, WebApi
from bot.sandbox.this_machine import only_this_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.clock import Clock
    from bot.sandbox.slack.feed import Subscription
    from bot.sandbox.slack.slack_platform import UploadedFile
    from bot.sandbox.slack.state import Channel, Message, Person

T = TypeVar("T")

MOST_UPLOAD_BYTES = 64 * 1024 * 1024


class LocalSlack(People):
    """A Slack workspace with one installed app, for tests and the sandbox.

    Args:
        manifest: the app's manifest, decoded; only what it declares exists.
        clock: for timestamps, response_urls and retries. Trigger ids and acknowledgements keep real time.
        bot_token: what the app's Web API calls must carry.
        app_token: what `apps.connections.open` must carry.
        signing_secret: what deliveries over HTTP are signed with.
        ack_deadline_seconds: Slack's 3 seconds, or less for a test of a late acknowledgement.
        trigger_ttl_seconds: how long a trigger id lives.

    Raises:
        ManifestError: the manifest contradicts itself.
    """

    def __init__(
        self,
        *,
        manifest: Mapping[str, Any],
        clock: Clock,
        bot_token: str = "xoxb-local-bot-token",  # noqa: S107 - of a server on this machine only
        app_token: str = "xapp-local-app-token",  # noqa: S107 - the same
        signing_secret: str = "local-signing-secret",  # noqa: S107 - the same
        ack_deadline_seconds: float = ACK_SECONDS,
        trigger_ttl_seconds: float = 3.0,
    ) -> None:
        self.workspace = Workspace(clock)
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.platform = Platform(
            self.workspace,
            read_manifest(manifest),
            Triggers(self.workspace, trigger_ttl_seconds),
            ResponseUrls(self.workspace),
            Views(self.workspace),
        )
        self.dispatcher = Dispatcher(self.platform, ack_deadline_seconds)
        self.platform.on_app_message = self.dispatcher.on_app_message
        super().__init__(self.platform, self.dispatcher)
        self.web_api = WebApi(self.platform, bot_token=bot_token, app_token=app_token)
        self.sockets = SocketMode(self.platform)
        self.dispatcher.transport = self.sockets
        self.app = self._build_app()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `api_url` is known from here on."""
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(self.app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.platform.base_url = f"http://{host}:{bound}"

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        self.web_api.stopping.set()
        await self.dispatcher.finish()
        await self.sockets.close()
        if self._session:
            await self._session.close()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def api_url(self) -> str:
        """The Web API's address, as SLACK_API_URL takes it."""
        return f"{self.platform.base_url}/api/"

    def deliver_over_http(self, url: str) -> None:
        """Send deliveries to this address, signed, instead of over Socket Mode."""
        if self._session is None:
            raise RuntimeError("start the local Slack first")
        self.dispatcher.transport = HttpTransport(url, self.signing_secret, self._session)

    def deliver_over_sockets(self) -> None:
        """Send deliveries over the app's open Socket Mode connections, as at first."""
        self.dispatcher.transport = self.sockets

    async def verify_url(self) -> bool:
        """Send `url_verification` to the HTTP address; whether the challenge came back."""
        challenge = self.workspace.new_id("challenge")
        payload = {"type": "url_verification", "token": "local", "challenge": challenge}
        delivery = await self.dispatcher.attempt(Delivery("events_api", payload))
        ack = delivery.ack
        return challenge == (ack.get("challenge") if isinstance(ack, dict) else ack)

    # What can be seen.

    @property
    def people(self) -> dict[str, Person]:
        """Everybody, by id."""
        return self.workspace.people

    @property
    def channels(self) -> dict[str, Channel]:
        """Every conversation, by id."""
        return self.workspace.channels

    @property
    def messages(self) -> list[Message]:
        """Every message that exists now, ephemeral ones included."""
        return self.workspace.messages

    @property
    def api_calls(self) -> list[ApiCall]:
        """Every call of the Web API and every post to a response_url."""
        return self.web_api.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything that was sent to the app."""
        return self.dispatcher.deliveries

    @property
    def files(self) -> list[UploadedFile]:
        """Every file the app uploaded, `content` included."""
        return list(self.platform.files.values())

    def seen_by(self, user: str, channel: str, thread_ts: str | None = None) -> list[Message]:
        """List what that person sees now in a channel or a thread, ephemeral messages included."""
        return self.workspace.seen_by(user, channel, thread_ts)

    def reload(self, user: str) -> None:
        """Reload a person's client: their ephemeral messages are gone."""
        self.workspace.forget_ephemeral(user)

    def view_of(self, user: str) -> View | None:
        """The modal in front of a person."""
        return self.platform.views.top(user)

    def home_of(self, user: str) -> View | None:
        """A person's home tab, once published."""
        return self.platform.views.homes.get(user)

    def calls_of(self, method: str) -> list[ApiCall]:
        """The calls of one method."""
        return [call for call in self.api_calls if call.method == method]

    def subscribe(self) -> Subscription:
        """Receive every change from here on, as JSON-able events."""
        return self.workspace.feed.subscribe()

    async def wait_for(self, predicate: Callable[[], T], timeout_seconds: float = 30.0) -> T:
        """Return the predicate's first truthy answer, asked now and after every change.

        Raises:
            TimeoutError: with the last things that happened.
        """
        return await self.workspace.feed.wait_for(predicate, timeout_seconds)

    # What can go wrong.

    def misbehave(self, method: str, **how: Any) -> None:
        """Answer the next calls of a method, or posts to `response_url`, wrongly: as Misbehaviour says."""
        self.web_api.misbehave(method, Misbehaviour(**how))

    def limit_history(self, seconds: float = 60, most: int = 15) -> None:
        """Let the app read 15 messages of one channel, and of one thread, a minute.

        So it is for apps that are sold outside of Slack's Marketplace (Slack docs, conversations.history and
        conversations.replies).
        """
        self.platform.most_history = most
        for method in ("conversations.history", "conversations.replies"):
            self.web_api.limit(method, seconds)

    def behave(self) -> None:
        """Answer every call rightly from now on; what hangs goes on hanging."""
        self.web_api.behave()

    def expire_triggers(self) -> None:
        """Let every trigger id given out so far be older than 3 seconds."""
        self.platform.triggers.expire()

    def drop_sockets(self) -> None:
        """Break every Socket Mode connection off without a word."""
        self.sockets.drop()

    async def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask the app for new connections, as Slack does every few hours."""
        await self.sockets.ask_to_reconnect(reason)

    def hold_events(self) -> None:
        """Keep events back until `release_events`."""
        self.dispatcher.held = []

    async def release_events(self, *, reverse: bool = False) -> list[Delivery]:
        """Send the events that were kept back, in order or newest first."""
        return await self.dispatcher.release(reverse=reverse)

    async def deliver_again(self, delivery: Delivery) -> Delivery:
        """Send an event once more although it was acknowledged."""
        return await self.dispatcher.again(delivery)

    async def retry_due_events(self) -> list[Delivery]:
        """Send once more the failed events that are due by the clock: at once, after 1 and 5 minutes."""
        return await self.dispatcher.retry_due()

    def _build_app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_UPLOAD_BYTES, middlewares=[only_this_machine])
        door = ResponseUrlDoor(self.platform, self.web_api)
        app.router.add_route("*", "/api/{method}", self.web_api.handle)
        app.router.add_post("/hooks/{path:.+}", door.handle)
        app.router.add_post("/upload/v1/{file_id}", UploadDoor(self.platform).handle)
        app.router.add_get("/link/", self.sockets.handle)
        return app
