"""What a delivery from Slack says: its shape, who asks, where, and what was clicked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bot.slack import ids

if TYPE_CHECKING:
    from collections.abc import Mapping

Payload = dict[str, Any]

_HALF = re.compile("[\ud800-\udfff]")

_Read = Callable[[Any], Any]
"""Reads one part of a payload; None if it has another shape than the part should have."""


def _word(part: Any) -> str | None:
    """Text, without half a character in it, which nothing can be sent on with."""
    return part if isinstance(part, str) and (part.isascii() or not _HALF.search(part)) else None


def _object(part: Any) -> Payload:
    return part if isinstance(part, dict) else {}


def _objects(part: Any) -> list[Payload]:
    return [each for each in part if isinstance(each, dict)] if isinstance(part, list) else []


def _flat(part: Any) -> Payload:
    """An object of which only words and yes or no are read."""
    kept = {name: part if isinstance(part, bool) else _word(part) for name, part in _object(part).items()}
    return {name: part for name, part in kept.items() if part is not None}


def _fields(*words: str, always: tuple[str, ...] = (), **readers: _Read) -> _Read:
    """An object whose named fields are words, or what `readers` make of them; other fields are kept as is.

    Args:
        words: fields that hold text.
        always: fields that are there even if they did not come.
        readers: read fields that hold something else.
    """
    known = dict.fromkeys(words, _word) | readers

    def read(part: Any) -> Payload:
        came = _object(part)
        shaped = {name: known[name](value) if name in known else value for name, value in came.items()}
        shaped |= {name: known[name](None) for name in always if name not in came}
        return {name: value for name, value in shaped.items() if name not in known or value is not None}

    return read


def _list_of(item: _Read) -> _Read:
    return lambda part: [item(each) for each in _objects(part)]


def _option(part: Any) -> Payload | None:
    """What is picked."""
    option = _object(part)
    return option if _word(option.get("value")) else None


def _options(part: Any) -> list[Payload] | None:
    """What is ticked."""
    return [each for each in _objects(part) if _option(each)] or None


_read_input = _fields(
    *("type", "value", "selected_date", "selected_time", "selected_conversation"),
    selected_option=_option,
    selected_options=_options,
)


def values_of(state: Mapping[str, Any]) -> dict[str, dict[str, Payload]]:
    """The inputs of a view's `state`: objects by block_id and action_id, each flat or with chosen options."""
    return {
        block_id: {action_id: _read_input(value) for action_id, value in _object(inputs).items()}
        for block_id, inputs in _object(state.get("values")).items()
    }


_read_body = _fields(
    *("type", "command", "text", "callback_id", "trigger_id", "response_url", "event_id"),
    *("user_id", "team_id", "channel_id", "enterprise_id"),
    user=_flat,
    team=_flat,
    enterprise=_flat,
    channel=_flat,
    container=_flat,
    actions=_list_of(_fields("action_id", "block_id", "value")),
    response_urls=_list_of(_fields("block_id", "channel_id", "response_url")),
    event=_fields(
        *("type", "subtype", "tab", "text", "ts", "thread_ts", "bot_id"),
        *("user", "team", "user_team", "channel", "channel_type"),
    ),
    message=_fields("ts", "thread_ts", blocks=_objects, always=("blocks",)),
    view=_fields(
        *("id", "type", "private_metadata"),
        blocks=_objects,
        state=lambda part: {"values": values_of(_object(part))},
        always=("state", "blocks"),
    ),
)


def well_formed(body: Mapping[str, Any]) -> Payload:
    """A payload that listeners can read without asking what each part is.

    Words are text, objects are objects and lists hold objects, or they are not there. What no listener reads
    is kept as it came.
    """
    if "command" in body:  # a form: nothing but text
        return {name: value for name, value in body.items() if _word(value) is not None}
    shaped: Payload = _read_body(body)
    return shaped


@dataclass(frozen=True, slots=True)
class ModalMetadata:
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


def metadata_of_view(view: Mapping[str, Any]) -> ModalMetadata:
    """Read a view's private_metadata; what is not there or not readable is empty."""
    try:
        return msgspec.json.decode(str(view.get("private_metadata") or "{}"), type=ModalMetadata)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return ModalMetadata()


def metadata_of_click(body: Mapping[str, Any], *, replaces: bool = False) -> ModalMetadata:
    """Where a button in a message was clicked, or a message's shortcut used."""
    container, message = body.get("container") or {}, body.get("message") or {}
    return ModalMetadata(
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


_ID = re.compile(r"[A-Z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who caused a delivery, and where.

    Attributes:
        user_id: the person.
        team_id: the workspace or organization that the payload names as that person's.
        enterprise_id: the organization, where the payload tells that it is that person's.
        channel_id: the conversation; empty where there is none.
        direct: the conversation is known to be the bot's own direct message with that person.
    """

    user_id: str
    team_id: str
    enterprise_id: str
    channel_id: str
    direct: bool = False

    @property
    def teams(self) -> frozenset[str]:
        """Where the payload says that the person belongs."""
        return frozenset({self.team_id, self.enterprise_id} - {""})


def asker_of(body: Mapping[str, Any]) -> Asker:
    """Read who and where from the payload of a slash command, an interaction or an event.

    In a shared channel a person of another team clicks too: `user.team_id` is that person's team, while
    `team` and `enterprise` are where the app is (Slack docs, block_actions). So the organization is the
    person's own only where the team is. The same person may come with another of the organization's
    workspaces in each kind of payload, which `Access` sorts out.
    """
    user, team, event = body.get("user"), body.get("team"), body.get("event")
    if isinstance(event, dict):
        # Where outsiders read, `team_id` is the team that opened the channel: it says nothing of the person.
        of_event = "" if body.get("is_ext_shared_channel") else body.get("team_id")
        team_id = event.get("user_team") or event.get("team") or of_event or ""
        enterprise_id = body.get("enterprise_id") if team_id == body.get("team_id") else ""
        direct = event.get("type") == "message" and event.get("channel_type") == "im"
        return _asker(event.get("user"), team_id, enterprise_id, event.get("channel"), direct=direct)
    if isinstance(user, dict):
        team, enterprise, channel = team or {}, body.get("enterprise") or {}, body.get("channel") or {}
        team_id = user.get("team_id") or team.get("id") or ""
        enterprise_id = enterprise.get("id") or team.get("enterprise_id") or ""
        own = enterprise_id if team_id in {team.get("id"), enterprise_id} else ""
        return _asker(user.get("id"), team_id, own, channel.get("id") or _channel_of_view(body))
    return _asker(body.get("user_id"), body.get("team_id"), body.get("enterprise_id"), body.get("channel_id"))


def _asker(user: object, team: object, enterprise: object, channel: object, *, direct: bool = False) -> Asker:
    return Asker(_id(user), _id(team), _id(enterprise), _id(channel), direct)


def _id(given: object) -> str:
    """What is no ID of Slack's is none: it would stand in messages and in the log."""
    return given if isinstance(given, str) and _ID.fullmatch(given) else ""


def _channel_of_view(body: Mapping[str, Any]) -> str:
    """Where a modal answers: the conversation chosen in it, else the one that it was opened from."""
    for chosen in body.get("response_urls") or []:
        return str(chosen.get("channel_id") or "")
    return metadata_of_view(body.get("view") or {}).channel_id
