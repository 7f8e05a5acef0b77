"""What people write in the workspace: messages, mentions, direct messages, edits; and opening the home."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import payloads
from bot.sandbox.slack.app_manifest import NotDeclaredError
from bot.sandbox.slack.events import changed_event, subscription_for
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.state import ASKER, BOT_USER, GENERAL, Message

if TYPE_CHECKING:
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.events import Dispatcher
    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.state import Channel, Person


class Writers:
    """People who write; what the app subscribes to, it is told."""

    def __init__(self, platform: Platform, dispatcher: Dispatcher) -> None:
        self._platform = platform
        self._dispatcher = dispatcher

    def write(
        self, text: str, *, user: str = ASKER, channel: str = GENERAL, thread_ts: str | None = None
    ) -> Message:
        """Write a message that the app is not told of: the subject of a shortcut, the parent of a thread."""
        person, room = self._there(user, channel)
        workspace = self._platform.workspace
        message = Message(room.id, workspace.new_ts(), person.id, text, thread_ts=thread_ts)
        return workspace.add_message(message)

    async def mention(
        self, text: str, *, user: str = ASKER, channel: str = GENERAL, thread_ts: str | None = None
    ) -> tuple[Message, Delivery]:
        """Write a message that mentions the bot; `@Recordings` is put in front unless the text mentions it.

        Raises:
            NotDeclaredError: the manifest has no `app_mention`.
            ImpossibleError: the bot is not in the channel: Slack offers to invite it and sends nothing.
        """
        self._platform.app.require_event("app_mention")
        if BOT_USER not in self._platform.workspace.channels[channel].members:
            raise ImpossibleError("the bot is not in this channel")
        tag = f"<@{BOT_USER}>"
        said = re.sub(r"@recordings\b", tag, text, flags=re.IGNORECASE)
        said = said if tag in said else f"{tag} {said}"
        message = self.write(said, user=user, channel=channel, thread_ts=thread_ts)
        event = payloads.message_event(self._platform, message, "app_mention")
        delivery = await self._dispatcher.send_event(event, channel)
        room = self._platform.workspace.channels[channel]
        if subscription_for(room.kind) in self._platform.app.bot_events:
            await self._dispatcher.send_event(payloads.message_event(self._platform, message), channel)
        return message, delivery

    async def direct_message(
        self, text: str, *, user: str = ASKER, thread_ts: str | None = None
    ) -> tuple[Message, Delivery]:
        """Write to the bot in a direct message.

        Raises:
            NotDeclaredError: the manifest has no `message.im`.
            ImpossibleError: the manifest's app_home takes no messages from people.
        """
        app = self._platform.app
        app.require_event("message.im")
        if not app.messages_tab or app.messages_tab_read_only:
            raise ImpossibleError("sending messages to this app has been turned off")
        channel = self._platform.workspace.dm_with(user).id
        message = self.write(text, user=user, channel=channel, thread_ts=thread_ts)
        event = payloads.message_event(self._platform, message)
        return message, await self._dispatcher.send_event(event, channel)

    async def edit_message(self, message: Message, text: str) -> list[Delivery]:
        """Edit a person's message; returns what the app was told, which may be nothing.

        An edited mention arrives as `app_mention` with `edited` (unverified), and where the app subscribes to
        the channel's messages as `message_changed`.
        """
        platform = self._platform
        edited_ts = platform.workspace.new_ts()
        platform.workspace.change_message(message, text=text, edited_ts=edited_ts)
        room = platform.workspace.channels[message.channel]
        told = []
        if f"<@{BOT_USER}>" in text and "app_mention" in platform.app.bot_events:
            event = payloads.message_event(platform, message, "app_mention")
            event["event_ts"] = edited_ts
            told.append(await self._dispatcher.send_event(event, room.id))
        if subscription_for(room.kind) in platform.app.bot_events and BOT_USER in room.members:
            event = changed_event(platform, message, payloads.message_event(platform, message))
            told.append(await self._dispatcher.send_event(event, room.id))
        return told

    async def open_home(self, *, user: str = ASKER, tab: str = "home") -> Delivery:
        """Open the app's home tab or its messages tab (`app_home_opened`)."""
        self._platform.app.require_event("app_home_opened")
        if tab == "home" and not self._platform.app.home_tab:
            raise NotDeclaredError("the manifest's features.app_home.home_tab_enabled is not true")
        channel = self._platform.workspace.dm_with(user)
        ts = self._platform.workspace.new_ts()
        event: dict[str, Any] = {"type": "app_home_opened", "user": user, "tab": tab, "event_ts": ts}
        event["channel"] = channel.id
        home = self._platform.views.homes.get(user)
        if home and tab == "home":
            event["view"] = home.payload()
        return await self._dispatcher.send_event(event, channel.id)

    def _person(self, user: str) -> Person:
        return self._platform.workspace.people[user]

    def _there(self, user: str, channel: str) -> tuple[Person, Channel]:
        room = self._platform.workspace.channels[channel]
        if user not in room.members:
            raise ImpossibleError(f"{user} is not in {channel}")
        return self._person(user), room
