"""What Slack refuses in blocks and views, and that it takes everything the docs allow."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack.block_rules import check_blocks, check_view, count_characters


def plain(text: str = "Text") -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "*Text*") -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "Text", **fields: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **fields}


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Open"), "action_id": "open", "value": "v", **fields}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def option(text: str = "One", value: str = "1", **fields: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **fields}


def options(count: int) -> list[dict[str, Any]]:
    return [option(f"Option {n}", str(n)) for n in range(count)]


def menu(count: int = 3, **fields: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "menu", "options": options(count), **fields}


def text_input(**fields: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "rooms"}
    return {"type": "input", "label": plain("Rooms"), "element": element, **fields}


def table(rows: int = 2, columns: int = 2, cell: str = "x") -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": cell}] * columns] * rows}


def data_table(*rows: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"type": "data_table", "caption": "Recordings", "rows": list(rows), **fields}


def cells(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "raw_text", "text": text} for text in texts]


def chart(series: int = 1, categories: int = 3, **fields: Any) -> dict[str, Any]:
    names = [f"c{n}" for n in range(categories)]
    data = [{"label": name, "value": 1} for name in names]
    body = {
        "type": "bar",
        "series": [{"name": f"s{n}", "data": data} for n in range(series)],
        "axis_config": {"categories": names},
    }
    return {"type": "data_visualization", "title": "Begun", "chart": {**body, **fields}}


def modal(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("Find"), "submit": plain("Go"), "blocks": list(blocks), **fields}


ALLOWED = [
    section(),
    section("x" * 3000, accessory=button(), block_id="b" * 255),
    {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10},
    section(accessory=button(value="v" * 2000, url="https://example.com/" + "x" * 2980, style="danger")),
    section(accessory=menu(100, placeholder=plain("p" * 150), initial_option=option("Option 7", "7"))),
    section(
        accessory={
            "type": "overflow",
            "action_id": "o",
            "options": [option("t" * 75, "v" * 150), *options(4)],
        }
    ),
    section(
        accessory=button(
            confirm={
                "title": plain(),
                "text": mrkdwn(),
                "confirm": plain(),
                "deny": plain(),
                "style": "danger",
            }
        )
    ),
    {"type": "header", "text": plain("h" * 150)},
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn()] * 9 + [plain()]},
    actions(*(button(action_id=f"b{n}") for n in range(25))),
    actions(
        {"type": "datepicker", "action_id": "date", "initial_date": "2026-11-23"},
        {"type": "timepicker", "action_id": "time", "initial_time": "23:59"},
        {"type": "conversations_select", "action_id": "where", "filter": {"include": ["public"]}},
        {"type": "checkboxes", "action_id": "checks", "options": options(10)},
        {"type": "radio_buttons", "action_id": "radio", "options": [option("a", "1")]},
    ),
    {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A chart"},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "since ", "style": {"bold": True}},
                    {"type": "date", "timestamp": 1795418722, "format": "{time}", "fallback": "14:05"},
                ],
            }
        ],
    },
    text_input(hint=plain("For example 1230"), optional=True),
]

FOR_MESSAGES_ONLY = [
    table(100, 20),
    data_table(cells("Room", "Minutes"), [*cells("1230"), {"type": "raw_number", "value": 58, "text": "58"}]),
    chart(12, 20),
    {
        "type": "data_visualization",
        "title": "t" * 50,
        "chart": {"type": "pie", "segments": [{"label": "fine", "value": 1}]},
    },
    {"type": "markdown", "text": "**bold**"},
]


@pytest.mark.parametrize("block", ALLOWED, ids=lambda block: block["type"])
@pytest.mark.parametrize("surface", ["message", "modal", "home"])
def test_takes_what_the_docs_allow(block: dict[str, Any], surface: Any) -> None:
    assert check_blocks([block], surface) == []


@pytest.mark.parametrize("block", FOR_MESSAGES_ONLY, ids=lambda block: block["type"])
def test_takes_tables_and_charts_in_messages_only(block: dict[str, Any]) -> None:
    assert check_blocks([block], "message") == []
    for surface in ("modal", "home"):
        [fault] = check_blocks([block], surface)
        assert str(fault) == f"unsupported type: {block['type']} [json-pointer:/blocks/0/type]"


TOO_LONG_URL = "https://example.com/" + "x" * 3000

REFUSED = [
    ("no list", {"type": "divider"}, "", "must be an array"),
    ("no object", ["text"], "/0", "must be an object"),
    ("51 blocks", [{"type": "divider"}] * 51, "", "no more than 50 items allowed"),
    ("no type", [{"text": plain()}], "/0", "missing required field: type"),
    ("unknown type", [{"type": "sektion"}], "/0/type", "unsupported type: sektion"),
    ("section without text", [{"type": "section"}], "/0", "missing required field: text"),
    ("empty text", [section("")], "/0/text/text", "must be more than 0 characters"),
    ("long section", [section("x" * 3001)], "/0/text/text", "must be less than 3001 characters"),
    ("bare text", [{"type": "section", "text": "Text"}], "/0/text", "must be an object"),
    (
        "11 fields",
        [{"type": "section", "fields": [plain()] * 11}],
        "/0/fields",
        "no more than 10 items allowed",
    ),
    (
        "long field",
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "/0/fields/0/text",
        "must be less than 2001 characters",
    ),
    ("misspelt field", [section(accesory=button())], "/0", "invalid additional property: accesory"),
    ("emoji on mrkdwn", [section() | {"text": mrkdwn() | {"emoji": True}}], "/0/text", "invalid additional"),
    ("mrkdwn header", [{"type": "header", "text": mrkdwn()}], "/0/text/type", "unsupported type: mrkdwn"),
    ("long header", [{"type": "header", "text": plain("h" * 151)}], "/0/text/text", "must be less than 151"),
    (
        "mrkdwn button",
        [actions(button(text=mrkdwn()))],
        "/0/elements/0/text/type",
        "unsupported type: mrkdwn",
    ),
    (
        "long label",
        [actions(button(text=plain("x" * 76)))],
        "/0/elements/0/text/text",
        "must be less than 76",
    ),
    ("empty label", [actions(button(text=plain("")))], "/0/elements/0/text/text", "must be more than 0"),
    ("long value", [actions(button(value="v" * 2001))], "/0/elements/0/value", "must be less than 2001"),
    ("empty value", [actions(button(value=""))], "/0/elements/0/value", "must be more than 0 characters"),
    ("number value", [actions(button(value=3))], "/0/elements/0/value", "must be a string"),
    ("long url", [actions(button(url=TOO_LONG_URL))], "/0/elements/0/url", "must be less than 3001"),
    ("no url", [actions(button(url="example"))], "/0/elements/0/url", "must be a valid URL"),
    ("odd style", [actions(button(style="green"))], "/0/elements/0/style", "must be a valid enum value"),
    (
        "long action_id",
        [actions(button(action_id="a" * 256))],
        "/0/elements/0/action_id",
        "must be less than 256",
    ),
    ("block_id on a button", [actions(button(block_id="b"))], "/0/elements/0", "invalid additional property"),
    (
        "confirm without text",
        [actions(button(confirm={"title": plain()}))],
        "/0/elements/0/confirm",
        "missing required field: text",
    ),
    (
        "26 buttons",
        [actions(*(button(action_id=str(n)) for n in range(26)))],
        "/0/elements",
        "no more than 25",
    ),
    ("no buttons", [actions()], "/0/elements", "no less than 1 items allowed"),
    ("text in actions", [actions(plain())], "/0/elements/0/type", "unsupported type: plain_text"),
    (
        "11 in a context",
        [{"type": "context", "elements": [mrkdwn()] * 11}],
        "/0/elements",
        "no more than 10 items allowed",
    ),
    (
        "button in a context",
        [{"type": "context", "elements": [button()]}],
        "/0/elements/0/type",
        "unsupported",
    ),
    ("101 options", [actions(menu(101))], "/0/elements/0/options", "no more than 100 items allowed"),
    ("no options", [actions({"type": "static_select"})], "/0/elements/0", "missing required field: options"),
    (
        "unknown initial option",
        [actions(menu(2, initial_option=option("Option 7", "7")))],
        "/0/elements/0/initial_option",
        "must match one of the options",
    ),
    (
        "equal values",
        [actions(menu(0) | {"options": [option()] * 2})],
        "/0/elements/0/options",
        "must be unique",
    ),
    (
        "long placeholder",
        [actions(menu(placeholder=plain("p" * 151)))],
        "/0/elements/0/placeholder/text",
        "must be less than 151",
    ),
    (
        "six in an overflow",
        [actions({"type": "overflow", "options": options(6)})],
        "/0/elements/0/options",
        "no more than 5 items allowed",
    ),
    (
        "long option value",
        [actions({"type": "overflow", "options": [option("One", "v" * 151)]})],
        "/0/elements/0/options/0/value",
        "must be less than 151",
    ),
    ("url in a menu", [actions(menu() | {"options": [option(url="https://a.b")]})], "", "property: url"),
    (
        "11 checkboxes",
        [actions({"type": "checkboxes", "options": options(11)})],
        "/0/elements/0/options",
        "no more than 10 items allowed",
    ),
    ("odd date", [actions({"type": "datepicker", "initial_date": "tomorrow"})], "", "must be a date"),
    ("odd time", [actions({"type": "timepicker", "initial_time": "24:00"})], "", "must be a time"),
    ("image without alt_text", [{"type": "image", "image_url": "https://a.b"}], "/0", "field: alt_text"),
    ("input without label", [{k: v for k, v in text_input().items() if k != "label"}], "/0", "field: label"),
    ("button as input", [text_input(element=button())], "/0/element/type", "unsupported type: button"),
    ("same block_id", [section(block_id="a"), section(block_id="a")], "/1/block_id", "already exists"),
    ("same action_id", [actions(button(), button())], "/0/elements/1/action_id", "already exists"),
    ("two tables", [table(), table()], "/1", "only_one_table_allowed"),
    ("101 rows", [table(101)], "/0/rows", "no more than 100 items allowed"),
    ("21 columns", [table(1, 21)], "/0/rows/0", "no more than 20 items allowed"),
    ("full table", [table(10, 10, "x" * 101)], "/0/rows", "must be less than 10001 characters"),
    ("button in a table", [table() | {"rows": [[button()]]}], "/0/rows/0/0/type", "unsupported type: button"),
    ("empty cell", [table(1, 1, "")], "/0/rows/0/0/text", "must be more than 0 characters"),
    ("table of a header only", [data_table(cells("Room"))], "/0/rows", "no less than 2 items allowed"),
    ("uneven table", [data_table(cells("a", "b"), cells("c"))], "/0/rows/1", "must have 2 cells"),
    (
        "table without caption",
        [data_table(cells("a"), cells("b")) | {"caption": None}],
        "/0",
        "field: caption",
    ),
    ("page of 101", [data_table(cells("a"), cells("b"), page_size=101)], "/0/page_size", "between 1 and 100"),
    ("three charts", [chart(), chart(), chart()], "/2", "no more than 2 data_visualization"),
    ("13 series", [chart(13)], "/0/chart/series", "no more than 12 items allowed"),
    ("21 points", [chart(1, 21)], "/0/chart/axis_config/categories", "no more than 20 items allowed"),
    ("unknown chart", [chart(type="donut")], "/0/chart/type", "unsupported type: donut"),
    (
        "points beside the axis",
        [chart(axis_config={"categories": ["a"]})],
        "/0/chart/series/0/data",
        "labels must match",
    ),
    ("long markdown", [{"type": "markdown", "text": "x" * 12_001}], "/0/text", "must be less than 12001"),
    (
        "odd rich text",
        [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [mrkdwn()]}]}],
        "/0/elements/0/elements/0/type",
        "unsupported type: mrkdwn",
    ),
]


@pytest.mark.parametrize(
    ("blocks", "at", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_points_at_what_slack_refuses_in_a_message(blocks: Any, at: str, why: str) -> None:
    faults = check_blocks(blocks, "message")
    assert any(f.pointer.startswith(f"/blocks{at}") and why in f.text for f in faults), faults


def test_allows_the_same_action_id_in_two_blocks() -> None:
    rows = [section(accessory=button()), section(accessory=button()), actions(button())]
    assert check_blocks(rows, "message") == []


def test_allows_twice_as_many_blocks_in_a_modal() -> None:
    assert check_blocks([{"type": "divider"}] * 100, "modal") == []
    assert [f.text for f in check_blocks([{"type": "divider"}] * 101, "modal")] == [
        "no more than 100 items allowed"
    ]


def test_reports_every_fault_and_not_only_the_first() -> None:
    faults = check_blocks([section(""), {"type": "header", "text": plain("")}], "message")
    assert [f.pointer for f in faults] == ["/blocks/0/text/text", "/blocks/1/text/text"]


@pytest.mark.parametrize(
    ("view", "at", "why"),
    [
        (modal(title=plain("t" * 25)), "/view/title/text", "must be less than 25"),
        (modal(submit=plain("s" * 25)), "/view/submit/text", "must be less than 25"),
        (modal(close=plain("c" * 25)), "/view/close/text", "must be less than 25"),
        (modal(title=mrkdwn()), "/view/title/type", "unsupported type: mrkdwn"),
        (modal(private_metadata="p" * 3001), "/view/private_metadata", "must be less than 3001"),
        (modal(callback_id="c" * 256), "/view/callback_id", "must be less than 256"),
        (modal(text="x"), "/view", "invalid additional property: text"),
        (modal(text_input(), submit=None), "/view/blocks/0/input", "must define `submit`"),
        (modal(section("")), "/view/blocks/0/text/text", "must be more than 0"),
        ({"type": "modal", "title": plain()}, "/view", "missing required field: blocks"),
        ({"type": "modal", "blocks": []}, "/view", "missing required field: title"),
        ({"type": "page", "blocks": []}, "/view/type", "must be a valid enum value"),
        ({"type": "home", "title": plain(), "blocks": []}, "/view", "invalid additional property: title"),
        ("modal", "/view", "must be an object"),
    ],
)
def test_points_at_what_slack_refuses_in_a_view(view: Any, at: str, why: str) -> None:
    assert any(f.pointer == at and why in f.text for f in check_view(view)), check_view(view)


@pytest.mark.parametrize(
    "view",
    [
        modal(text_input(), close=plain("Cancel"), notify_on_close=True, private_metadata="{}"),
        modal(section(), submit=None),
        {"type": "home", "blocks": [section(), actions(button())], "callback_id": "home"},
    ],
)
def test_takes_a_modal_and_a_home_tab(view: dict[str, Any]) -> None:
    assert check_view(view) == []


def test_counts_what_is_shown_or_carried_but_not_names_and_types() -> None:
    assert count_characters([section("12345", block_id="long-name"), actions(button(value="123"))]) == 12
