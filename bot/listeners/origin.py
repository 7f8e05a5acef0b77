"""Where a modal was opened from: kept in its private_metadata, for what its buttons and its form do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bot.blocks import ids

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a modal was opened from.

    Attributes:
        channel_id: the conversation; empty for a global shortcut and the Home tab.
        thread_ts: the thread in it.
        task_id: the recording whose details are shown.
        response_url: answers where the click was, for 30 minutes (Slack docs).
        replaces: the answer takes the place of the message that was clicked.
        kept: terms of the query that the form has no field for.
        digest_id: the digest whose settings are shown.
    """

    channel_id: str = ""
    thread_ts: str = ""
    task_id: str = ""
    response_url: str = ""
    replaces: bool = False
    kept: str = ""
    digest_id: str = ""

    def encode(self) -> str:
        """As private_metadata (3,000 characters at most)."""
        return msgspec.json.encode({name: value for name, value in asdict(self).items() if value}).decode()


def origin_of(view: Mapping[str, Any]) -> Origin:
    """Read a view's private_metadata; what is not there or not readable is empty."""
    try:
        return msgspec.json.decode(str(view.get("private_metadata") or "{}"), type=Origin)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return Origin()


def origin_of_click(body: Mapping[str, Any], *, replaces: bool) -> Origin:
    """Where a button in a message was clicked, or a message's shortcut used."""
    container, message = body.get("container") or {}, body.get("message") or {}
    return Origin(
        channel_id=str((body.get("channel") or {}).get("id") or ""),
        thread_ts=str(container.get("thread_ts") or message.get("thread_ts") or ""),
        response_url=str(body.get("response_url") or ""),
        replaces=replaces,
    )


@dataclass(frozen=True, slots=True)
class Clicked:
    """The message that was clicked: who sees it, and whose answer it is.

    Attributes:
        poster: the person whose answer it is, where everyone sees it; empty else.
        ephemeral: nobody but the clicking person sees it.
        notice: it holds no answer.
    """

    poster: str
    ephemeral: bool
    notice: bool


def message_clicked(body: Mapping[str, Any]) -> Clicked:
    """Read it from a `block_actions` payload: an ephemeral message comes without its blocks (Slack docs)."""
    action = (body.get("actions") or [{}])[0]
    blocks = [*((body.get("message") or {}).get("blocks") or []), action]
    block_ids = [str(block.get("block_id") or "") for block in blocks]
    return Clicked(
        poster=next(filter(None, map(ids.poster_of, block_ids)), ""),
        ephemeral=bool((body.get("container") or {}).get("is_ephemeral")),
        notice=str(action.get("block_id") or "") in ids.NOTICES,
    )
