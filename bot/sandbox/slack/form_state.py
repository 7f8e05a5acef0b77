"""What is filled in on a form: the state of every input element, and filling one in as a person would."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.elements import Element, find_elements

# Slack docs, view state: element type → the field of its state, and the field it starts from.
STATE_FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_LISTS = {"selected_options", "selected_users", "selected_conversations", "selected_channels"}


def initial_state(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The state of a form as it opens: `{block_id: {action_id: {"type": …, "value": …}}}`."""
    values: dict[str, dict[str, Any]] = {}
    for element in find_elements(blocks):
        if fields := STATE_FIELDS.get(element.raw["type"]):
            name, start = fields
            filled = element.raw.get(start, [] if name in _LISTS else None)
            values.setdefault(element.block_id, {})[element.action_id] = {
                "type": element.raw["type"],
                name: filled,
            }
    return values


def filled_in(element: Element, value: Any) -> dict[str, Any]:
    """The state of an element once a person has put `value` in.

    Args:
        element: an input of a form or a menu in a message.
        value: text, id or date; for menus the text or the value of an option, for several a list of them.

    Raises:
        LookupError: a menu has no such option, or the element takes no value.
    """
    kind = element.raw["type"]
    if kind not in STATE_FIELDS:
        raise LookupError(f"a {kind} takes no value")
    name = STATE_FIELDS[kind][0]
    if name == "selected_option":
        value = None if value is None else find_option(element, value)
    elif name == "selected_options":
        value = [find_option(element, one) for one in value]
    return {"type": kind, name: value}


def find_option(element: Element, wanted: Any) -> dict[str, Any]:
    """Find an option of a menu by its text or its value.

    Raises:
        LookupError: there is none.
    """
    groups = element.raw.get("option_groups") or []
    options = [*(element.raw.get("options") or []), *(o for g in groups for o in g["options"])]
    for option in options:
        if wanted in (option, option.get("value"), option["text"]["text"]):
            return option  # type: ignore[no-any-return]  # an option is a dict
    raise LookupError(f"no option {wanted!r}; there are {[o['text']['text'] for o in options]}")


def is_empty(state: dict[str, Any]) -> bool:
    """Whether nothing is filled in."""
    return not any(value for name, value in state.items() if name != "type")
