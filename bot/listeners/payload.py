"""What Slack delivers, in the shape that its documentation promises: a part of another shape is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Payload = dict[str, Any]

_WORDS = frozenset(
    [
        *("type", "command", "text", "callback_id", "trigger_id", "response_url", "event_id"),
        *("user_id", "team_id", "channel_id", "enterprise_id"),
    ]
)
_HALF = re.compile("[\ud800-\udfff]")
_FLAT = frozenset({"user", "team", "enterprise", "channel", "container"})
"""Objects of which only words and yes or no are read."""

_LISTS = frozenset({"actions", "response_urls"})
_WORDS_OF_EVENT = frozenset(
    [
        *("type", "subtype", "tab", "text", "ts", "thread_ts", "bot_id"),
        *("user", "team", "user_team", "channel", "channel_type"),
    ]
)
_WORDS_OF_ITEMS = frozenset({"action_id", "block_id", "value", "channel_id", "response_url"})
_WORDS_OF_MESSAGE = frozenset({"ts", "thread_ts"})
_CHOSEN = frozenset({"selected_option", "selected_options"})
_WORDS_OF_VIEW = frozenset({"id", "type", "private_metadata"})


def well_formed(body: Mapping[str, Any]) -> Payload:
    """A payload as listeners may read it without asking what each part is.

    Words are text, objects are objects and lists hold objects, or they are not there. What is not read is
    kept as it came.
    """
    if "command" in body:  # a form: nothing but text
        return {name: value for name, value in body.items() if _is_word(value)}
    shaped = _with_words(body, _WORDS)
    for name in shaped.keys() & _FLAT:
        # A message's `user` is told as an ID in places where an interaction has an object.
        shaped[name] = _flat(shaped[name])
    for name in shaped.keys() & _LISTS:
        shaped[name] = [_with_words(each, _WORDS_OF_ITEMS) for each in _objects(shaped[name])]
    if "event" in shaped:
        shaped["event"] = _with_words(_object(shaped["event"]), _WORDS_OF_EVENT)
    if "message" in shaped:
        message = _with_words(_object(shaped["message"]), _WORDS_OF_MESSAGE)
        shaped["message"] = {**message, "blocks": _objects(message.get("blocks"))}
    if "view" in shaped:
        shaped["view"] = _view(_object(shaped["view"]))
    return shaped


def values_of(state: Mapping[str, Any]) -> dict[str, dict[str, Payload]]:
    """The inputs of a view's `state`: objects by block_id and action_id, each flat or with chosen options."""
    return {
        block_id: {action_id: _input(_object(value)) for action_id, value in _object(inputs).items()}
        for block_id, inputs in _object(state.get("values")).items()
    }


def _view(view: Payload) -> Payload:
    shaped = _with_words(view, _WORDS_OF_VIEW)
    state = {"values": values_of(_object(view.get("state")))}
    return {**shaped, "state": state, "blocks": _objects(view.get("blocks"))}


def _input(field: Payload) -> Payload:
    """One input: what is typed, picked or ticked."""
    kept: Payload = {name: value for name, value in field.items() if _is_word(value) and name not in _CHOSEN}
    if _value(chosen := _object(field.get("selected_option"))):
        kept["selected_option"] = chosen
    if ticked := [each for each in _objects(field.get("selected_options")) if _value(each)]:
        kept["selected_options"] = ticked
    return kept


def _value(option: Payload) -> str:
    value = option.get("value")
    return str(value) if _is_word(value) else ""


def _is_word(value: object) -> bool:
    """Text; not with half a character in it, which nothing can be sent on with."""
    return isinstance(value, str) and (value.isascii() or not _HALF.search(value))


def _with_words(part: Mapping[str, Any], words: frozenset[str]) -> Payload:
    return {name: value for name, value in part.items() if name not in words or _is_word(value)}


def _flat(part: Any) -> Payload:
    return {
        name: value for name, value in _object(part).items() if isinstance(value, bool) or _is_word(value)
    }


def _object(part: Any) -> Payload:
    return part if isinstance(part, dict) else {}


def _objects(part: Any) -> list[Payload]:
    return [each for each in part if isinstance(each, dict)] if isinstance(part, list) else []
