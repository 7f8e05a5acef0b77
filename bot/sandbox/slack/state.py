"""The workspace's state: people, channels, messages, files and the ids and timestamps they are known by."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.elements import Element, find_elements, nameless_elements, visible_texts
from bot.sandbox.slack.feed import ChangeFeed

if TYPE_CHECKING:
    from bot.clock import Clock

TEAM, SISTER_TEAM, PARTNER_TEAM = "T0LOCAL01", "T0LOCAL02", "T0PARTNER1"
ORGANIZATION, PARTNER_ORGANIZATION = "E0LOCAL01", "E0PARTNER1"
"""SISTER_TEAM is another workspace of TEAM's organization, where the local Slack plays Enterprise Grid."""
APP, BOT, BOT_USER, SLACKBOT = "A0LOCAL01", "B0LOCAL01", "U0BOT0001", "USLACKBOT"
ASKER, READER, PARTNER = "U0ASKER1", "U0READER1", "U0PARTNER1"
GENERAL, PRIVATE, SHARED = "C0GENERAL1", "C0PRIVATE1", "C0SHARED01"
NO_BOT, PRIVATE_NO_BOT, ARCHIVED = "C0NOBOT001", "C0SECRET01", "C0ARCHIVE1"
DM_ASKER, DM_PEOPLE = "D0ASKER001", "D0PEOPLE01"


@dataclass
class Person:
    """Somebody in the workspace or in a channel shared with it.

    Args:
        tz: an IANA zone.
        team_id: the workspace that interactions and events name as that person's.
        enterprise_id: the organization; empty outside Enterprise Grid.
    """

    id: str
    name: str
    real_name: str
    tz: str
    team_id: str = TEAM
    is_bot: bool = False
    enterprise_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Every field."""
        return vars(self).copy()


@dataclass
class Channel:
    """A conversation; `kind` is `public`, `private`, `im` or `mpim`."""

    id: str
    name: str
    kind: str
    members: set[str]
    is_archived: bool = False
    is_ext_shared: bool = False

    def to_json(self) -> dict[str, Any]:
        """Every field, members sorted."""
        return {**vars(self), "members": sorted(self.members)}


@dataclass
class Message:
    """One message. Ephemeral ones have `ephemeral_for`; a bot cannot read or update those by `ts`."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str | None = None
    ephemeral_for: str | None = None
    metadata: dict[str, Any] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    edited_ts: str | None = None
    unfurl_links: bool = True

    def to_json(self) -> dict[str, Any]:
        """Every field."""
        return vars(self).copy()

    @property
    def from_bot(self) -> bool:
        """Whether the app posted it."""
        return self.user == BOT_USER

    @property
    def elements(self) -> list[Element]:
        """The buttons, menus and inputs in it, in reading order."""
        return find_elements(self.blocks)

    @property
    def buttons(self) -> list[str]:
        """What is written on its buttons, in reading order."""
        return [e.label for e in self.elements if e.raw["type"] == "button"]

    @property
    def shown_text(self) -> str:
        """All text that a person sees: that of the blocks where there are any, else `text`."""
        return "\n".join(visible_texts(self.blocks)) if self.blocks else self.text


class Workspace:
    """Everything in the workspace; changes go through its methods, so that the feed tells them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.feed = ChangeFeed()
        self.people = {person.id: person for person in _people()}
        self.channels = {channel.id: channel for channel in _channels()}
        self.enterprise_id = ""
        self.messages: list[Message] = []
        self._ids = itertools.count(1)
        self._last_ts_micros = 0

    def join_organization(self) -> None:
        """Play Enterprise Grid from here on: the workspace is one of an organization's, the partner's too.

        Everybody is in two workspaces, and interactions and events name the other one (seen by users
        of Bolt).
        """
        self.enterprise_id = ORGANIZATION
        for person in self.people.values():
            partner = person.team_id == PARTNER_TEAM
            person.enterprise_id = PARTNER_ORGANIZATION if partner else ORGANIZATION
            person.team_id = PARTNER_TEAM if partner else SISTER_TEAM

    def is_own(self, person: Person) -> bool:
        """Whether somebody is of the workspace or its organization."""
        same = bool(self.enterprise_id) and person.enterprise_id == self.enterprise_id
        return same or person.team_id == TEAM

    def new_id(self, prefix: str) -> str:
        """Make an id that looks like Slack's."""
        return f"{prefix}{next(self._ids):09d}"

    def new_ts(self) -> str:
        """Make a message timestamp: the clock's time, and later than every one before it."""
        self._last_ts_micros = max(int(self.clock.now() * 1e6), self._last_ts_micros + 1)
        return f"{self._last_ts_micros // 1_000_000}.{self._last_ts_micros % 1_000_000:06d}"

    def find_message(self, channel: str, ts: str | None) -> Message | None:
        """Find a message that everybody in the channel sees."""
        for message in self.messages:
            if message.channel == channel and message.ts == ts and not message.ephemeral_for:
                return message
        return None

    def add_message(self, message: Message) -> Message:
        """Show a message; blocks without a block_id get one, as Slack does."""
        self.name_blocks(message.blocks)
        self.messages.append(message)
        kind = "ephemeral_added" if message.ephemeral_for else "message_added"
        self.feed.publish(kind, message=message.to_json())
        return message

    def change_message(self, message: Message, **changes: Any) -> None:
        """Change fields of a message."""
        for name, value in changes.items():
            setattr(message, name, value)
        self.name_blocks(message.blocks)
        kind = "ephemeral_changed" if message.ephemeral_for else "message_changed"
        self.feed.publish(kind, message=message.to_json())

    def show_ephemeral(self, message: Message) -> None:
        """Show an ephemeral message, unless it is for a thread that does not exist yet.

        Slack docs, chat.postEphemeral: in threads they "are only shown if there is already an active thread";
        that a response_url keeps to the same is unverified.
        """
        if message.thread_ts is None or self.replies(message.channel, message.thread_ts):
            self.add_message(message)
        else:
            self.feed.publish("ephemeral_not_shown", message=message.to_json(), reason="no such thread yet")

    def forget_ephemeral(self, user: str) -> None:
        """Reload a person's client: ephemeral messages are gone after that (Slack docs)."""
        for message in [m for m in self.messages if m.ephemeral_for == user]:
            self.delete_message(message)

    def delete_message(self, message: Message) -> None:
        """Take a message away."""
        self.messages.remove(message)
        kind = "ephemeral_deleted" if message.ephemeral_for else "message_deleted"
        self.feed.publish(kind, channel=message.channel, ts=message.ts)

    def seen_by(self, user: str, channel: str, thread_ts: str | None = None) -> list[Message]:
        """List what a person sees: the channel itself, or with `thread_ts` a thread and its parent."""
        room = self.channels[channel]
        may_look = room.kind == "public" and self.is_own(self.people[user])
        if not may_look and user not in room.members:
            return []
        return [
            message
            for message in self.messages
            if message.channel == channel
            and message.ephemeral_for in (None, user)
            and (thread_ts in (message.thread_ts, message.ts) if thread_ts else message.thread_ts is None)
        ]

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """List a thread's replies that everybody sees, the parent left out."""
        return [
            m
            for m in self.messages
            if m.channel == channel and m.thread_ts == thread_ts != m.ts and not m.ephemeral_for
        ]

    def find_dm_with(self, user: str) -> Channel | None:
        """Find the direct message channel of the bot and a person."""
        found = (c for c in self.channels.values() if c.kind == "im" and c.members == {user, BOT_USER})
        return next(found, None)

    def dm_with(self, user: str) -> Channel:
        """Find or open the direct message channel of the bot and a person."""
        if found := self.find_dm_with(user):
            return found
        channel = Channel(self.new_id("D"), "directmessage", "im", {user, BOT_USER})
        self.channels[channel.id] = channel
        self.feed.publish("channel_added", channel=channel.to_json())
        return channel

    def name_blocks(self, blocks: list[dict[str, Any]]) -> None:
        """Give blocks and elements the ids that the app left to Slack."""
        for block in blocks:
            block.setdefault("block_id", self.new_id("b"))
            for element in nameless_elements(block):
                element["action_id"] = self.new_id("a")


def _people() -> list[Person]:
    return [
        Person(ASKER, "asker", "Asker", "Europe/Berlin"),
        Person(READER, "reader", "Reader", "America/Los_Angeles"),
        Person(PARTNER, "partner", "Partner", "Asia/Tokyo", PARTNER_TEAM),
        Person(BOT_USER, "recordings", "Recordings", "America/Los_Angeles", is_bot=True),
    ]


def _channels() -> list[Channel]:
    team = {ASKER, READER}
    return [
        Channel(GENERAL, "general", "public", {*team, BOT_USER}),
        Channel(PRIVATE, "triage", "private", {*team, BOT_USER}),
        Channel(SHARED, "shared-partner", "public", {*team, PARTNER, BOT_USER}, is_ext_shared=True),
        Channel(NO_BOT, "lounge", "public", set(team)),
        Channel(PRIVATE_NO_BOT, "secret", "private", set(team)),
        Channel(ARCHIVED, "old-project", "public", {*team, BOT_USER}, is_archived=True),
        Channel(DM_ASKER, "directmessage", "im", {ASKER, BOT_USER}),
        Channel(DM_PEOPLE, "directmessage", "im", set(team)),
    ]
