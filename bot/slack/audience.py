"""Who reads a message, and so what it may show and whether posting it asks first (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bot.slack.blocks import escape

OUTSIDERS_READ = "People outside your organization can read this channel"
"""Why a post that repeats itself asks, or pauses, first."""


class Readers(Enum):
    """Who can read a message."""

    PRIVATE = auto()
    """Nobody but the person who asked."""
    COLLEAGUES = auto()
    """People of the bot's own organization."""
    OUTSIDERS = auto()
    """People of other companies too, or it is not known that there are none."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who a message is for. What it may hold, and whether posting it asks first, follows from this alone.

    Attributes:
        readers: who can read it.
        asked_by: the user ID of the person who asked, where the message stands in a conversation; empty where
            only that person is shown it.
        confirmed: that person was told that outsiders may read it, and posts it all the same.
    """

    readers: Readers
    asked_by: str = ""
    confirmed: bool = False

    @property
    def everyone(self) -> bool:
        """Whether it stands in a conversation, so that only the person who asked may change it."""
        return bool(self.asked_by)

    @property
    def sees_file_links(self) -> bool:
        """Whether it may hold the addresses of files: they open the file for whoever has them."""
        return self.readers is not Readers.OUTSIDERS

    @property
    def asks_first(self) -> bool:
        """Whether nothing is posted there before the person has confirmed it."""
        return self.readers is Readers.OUTSIDERS and not self.confirmed

    @property
    def heading(self) -> str:
        """Who asked, as mrkdwn and for `text`; empty where only that person reads it."""
        return f"Asked by <@{escape(self.asked_by)}>" if self.asked_by else ""


PRIVATE = Audience(Readers.PRIVATE)
"""For the person who asked, alone."""
