"""What Slack takes as text objects, options and interactive elements inside blocks (pure).

Limits are from Slack docs (reference/block-kit/block-elements and composition-objects) unless marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.block_checks import (
    Check,
    Fault,
    all_of,
    anything,
    at_least_one_field,
    at_most_one_field,
    boolean,
    integer,
    items,
    matching,
    one_of,
    shape,
    string,
    tagged,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTION_ID = string(255)
URL = all_of(string(3000), matching(r"(?s)[A-Za-z][A-Za-z0-9+.-]*:.+", "a valid URL"))
DATE = matching(r"\d{4}-\d{2}-\d{2}", "a date, YYYY-MM-DD")
TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "a time, HH:mm")


def texts(most: int) -> dict[str, Check]:
    """Text objects of both types."""
    return {
        "plain_text": shape({"text": string(most)}, {"emoji": boolean}),
        "mrkdwn": shape({"text": string(most)}, {"verbatim": boolean}),
    }


def any_text(most: int) -> Check:
    """A text object of either type."""
    return tagged(texts(most))


def plain_text(most: int) -> Check:
    """A text object of type plain_text."""
    return tagged({"plain_text": texts(most)["plain_text"]})


CONFIRM = shape(
    {"title": plain_text(100), "text": any_text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": one_of("primary", "danger")},
)
# Option text 75, value 150, description 75; only overflow options may have a url.
OPTION = shape({"text": plain_text(75), "value": string(150)}, {"description": plain_text(75)})
RICH_OPTION = shape({"text": any_text(75), "value": string(150)}, {"description": any_text(75)})
OVERFLOW_OPTION = shape(
    {"text": plain_text(75), "value": string(150)}, {"description": plain_text(75), "url": URL}
)
OPTION_GROUP = shape({"label": plain_text(75), "options": items(OPTION, 100)})
FILTER = shape(
    {},
    {
        "include": items(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DISPATCH = shape({}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)})

_CHOICE: dict[str, Check] = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": boolean}
_PLACEHOLDER: dict[str, Check] = {"placeholder": plain_text(150)}
_TEXT_INPUT: dict[str, Check] = {
    "action_id": ACTION_ID,
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
    **_PLACEHOLDER,
}
_MANY = {"max_selected_items": integer(1, 100)}


def _initial_is_an_option(value: Any, at: str) -> Iterator[Fault]:
    """Slack docs: an initial option must exactly match one of the options (wording unverified)."""
    if not isinstance(value, dict):
        return
    groups = value.get("option_groups") or []
    known = [
        *(value.get("options") or []),
        *(option for group in groups for option in (group.get("options") or [])),
    ]
    for name in ("initial_option", "initial_options"):
        chosen = value.get(name)
        for option in chosen if isinstance(chosen, list) else [chosen]:
            if option is not None and option not in known:
                yield Fault(f"{at}/{name}", "must match one of the options")


def _distinct_values(value: Any, at: str) -> Iterator[Fault]:
    """Option values that repeat cannot be told apart (that Slack refuses them is unverified)."""
    options = value.get("options") if isinstance(value, dict) else None
    values = [option.get("value") for option in options or [] if isinstance(option, dict)]
    if len(values) != len(set(values)):
        yield Fault(f"{at}/options", "option values must be unique")


def _select(extra: dict[str, Check]) -> Check:
    return shape({}, {**_CHOICE, **_PLACEHOLDER, **extra})


def _static(extra: dict[str, Check]) -> Check:
    lists = {"options": items(OPTION, 100), "option_groups": items(OPTION_GROUP, 100)}
    return all_of(
        _select({**lists, **extra}),
        at_least_one_field("options", "option_groups"),
        at_most_one_field("options", "option_groups"),
        _initial_is_an_option,
        _distinct_values,
    )


def _choices(extra: dict[str, Check]) -> Check:
    """Checkboxes and radio buttons: 10 options, which may use mrkdwn."""
    return all_of(
        shape({"options": items(RICH_OPTION, 10)}, {**_CHOICE, **extra}),
        _initial_is_an_option,
        _distinct_values,
    )


def image(extra: dict[str, Check] | None = None) -> Check:
    """An image, as an element or as a block."""
    fields = {"image_url": URL, "slack_file": anything, **(extra or {})}
    return all_of(shape({"alt_text": string(2000)}, fields), at_least_one_field("image_url", "slack_file"))


_IDS = items(string(255), 100)
ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": plain_text(75)},
        {
            "action_id": ACTION_ID,
            "url": URL,
            "value": string(2000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "image": image(),
    "overflow": shape({"options": items(OVERFLOW_OPTION, 5)}, {"action_id": ACTION_ID, "confirm": CONFIRM}),
    "static_select": _static({"initial_option": OPTION}),
    "multi_static_select": _static({"initial_options": items(OPTION, 100), **_MANY}),
    "external_select": _select({"initial_option": OPTION, "min_query_length": integer(0, 1000)}),
    "users_select": _select({"initial_user": string(255)}),
    "multi_users_select": _select({"initial_users": _IDS, **_MANY}),
    "conversations_select": _select(
        {
            "initial_conversation": string(255),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": FILTER,
        }
    ),
    "multi_conversations_select": _select(
        {
            "initial_conversations": _IDS,
            "default_to_current_conversation": boolean,
            "filter": FILTER,
            **_MANY,
        }
    ),
    "channels_select": _select({"initial_channel": string(255), "response_url_enabled": boolean}),
    "multi_channels_select": _select({"initial_channels": _IDS, **_MANY}),
    "datepicker": _select({"initial_date": DATE}),
    "timepicker": _select({"initial_time": TIME, "timezone": string(255)}),
    "datetimepicker": shape({}, {**_CHOICE, "initial_date_time": integer(10**9, 10**10 - 1)}),
    "checkboxes": _choices({"initial_options": items(RICH_OPTION, 10)}),
    "radio_buttons": _choices({"initial_option": RICH_OPTION}),
    "plain_text_input": shape(
        {},
        {
            **_TEXT_INPUT,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
    ),
    "email_text_input": shape({}, {**_TEXT_INPUT, "initial_value": string(3000, 0)}),
    "url_text_input": shape({}, {**_TEXT_INPUT, "initial_value": string(3000, 0)}),
    "number_input": shape(
        {"is_decimal_allowed": boolean},
        {**_TEXT_INPUT, "initial_value": string(255), "min_value": string(255), "max_value": string(255)},
    ),
    "file_input": shape(
        {},
        {"action_id": ACTION_ID, "filetypes": items(string(255), 100), "max_files": integer(1, 10)},
    ),
}

_SELECTS = [f"{kind}_select" for kind in ("static", "external", "users", "conversations", "channels")]
_MULTI_SELECTS = [f"multi_{kind}_select" for kind in ("static", "users", "conversations", "channels")]
_PICKERS = ["datepicker", "timepicker", "checkboxes", "radio_buttons"]
_TYPED = [f"{kind}_input" for kind in ("plain_text", "email_text", "url_text", "number", "file")]


def elements(*types: str) -> Check:
    """One of the named elements."""
    return tagged({name: ELEMENTS[name] for name in types})


ACCESSORY = elements("button", "image", "overflow", *_SELECTS, *_MULTI_SELECTS, *_PICKERS)
ACTION = elements("button", "overflow", "datetimepicker", *_SELECTS, *_PICKERS)
INPUT = elements(*_TYPED, "datetimepicker", *_SELECTS, *_MULTI_SELECTS, *_PICKERS)
