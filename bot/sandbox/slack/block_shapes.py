"""What Slack takes as blocks: the shape and the limits of each type, and where it may stand (pure).

From Slack docs (reference/block-kit/blocks) unless marked. Blocks that this bot does not use are left out
(video, file, call, card, carousel, container, alert, plan, task_card, context_actions): they count as
unsupported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.block_checks import (
    Check,
    Fault,
    all_of,
    at_least_one_field,
    boolean,
    integer,
    items,
    number,
    one_of,
    shape,
    string,
    tagged,
)
from bot.sandbox.slack.block_elements import ACCESSORY, ACTION, INPUT, URL, any_text, image, plain_text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK_ID: dict[str, Check] = {"block_id": string(255)}

_STYLES = ("bold", "italic", "strike", "code", "underline")
_STYLED: dict[str, Check] = {"style": shape({}, dict.fromkeys(_STYLES, boolean))}
_RICH_ELEMENT = tagged(
    {
        "text": shape({"text": string(10_000)}, _STYLED),
        "link": shape({"url": URL}, {"text": string(10_000), "unsafe": boolean, **_STYLED}),
        "emoji": shape({"name": string(255)}, {"unicode": string(255), **_STYLED}),
        "user": shape({"user_id": string(255)}, _STYLED),
        "channel": shape({"channel_id": string(255)}, _STYLED),
        "usergroup": shape({"usergroup_id": string(255)}, _STYLED),
        "broadcast": shape({"range": one_of("here", "channel", "everyone")}),
        "color": shape({"value": string(255)}),
        "date": shape(
            {"timestamp": integer(0, 10**11), "format": string(255)},
            {"url": URL, "fallback": string(255), **_STYLED},
        ),
    }
)
_RICH_SECTION = shape({"elements": items(_RICH_ELEMENT, 10_000, 0)})
_BORDER: dict[str, Check] = {"border": integer(0, 1)}
RICH_TEXT = shape(
    {
        "elements": items(
            tagged(
                {
                    "rich_text_section": _RICH_SECTION,
                    "rich_text_list": shape(
                        {
                            "style": one_of("bullet", "ordered"),
                            "elements": items(tagged({"rich_text_section": _RICH_SECTION}), 10_000),
                        },
                        {"indent": integer(0, 8), "offset": integer(0, 10_000), **_BORDER},
                    ),
                    "rich_text_preformatted": shape(
                        {"elements": items(_RICH_ELEMENT, 10_000)}, {"language": string(255), **_BORDER}
                    ),
                    "rich_text_quote": shape({"elements": items(_RICH_ELEMENT, 10_000)}, _BORDER),
                }
            ),
            10_000,
        )
    },
    _BLOCK_ID,
)

# Slack docs say "raw_text" and "rich_text"; slack_sdk 3.47 adds raw_number. Empty cells are refused (seen).
_RAW_TEXT = shape({"text": string(10_000)})
_RAW_NUMBER = shape({"value": number}, {"text": string(255)})
_CELL = tagged({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": RICH_TEXT})
_TABLE = shape(
    {"rows": items(items(_CELL, 20), 100)},
    {
        "column_settings": items(
            shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}), 20
        ),
        **_BLOCK_ID,
    },
)


def _table_is_even(value: Any, at: str) -> Iterator[Fault]:
    """Every row of a data_table is as long as its header, which has no rich text (wording unverified)."""
    rows = value.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            yield Fault(f"{at}/rows/{index}", f"must have {len(rows[0])} cells")
    for column, cell in enumerate(rows[0] if rows else []):
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            yield Fault(f"{at}/rows/0/{column}/type", "unsupported type: rich_text")


# Slack docs said 101 rows at first, later 201.
_DATA_TABLE = all_of(
    shape(
        {"caption": string(2000), "rows": items(items(_CELL, 20), 201, 2)},
        {"page_size": integer(1, 100), "row_header_column_index": integer(0, 19), **_BLOCK_ID},
    ),
    _table_is_even,
)

_LABEL = string(20)
_POINT = shape({"label": _LABEL, "value": number})


def _series_fit_the_axis(value: Any, at: str) -> Iterator[Fault]:
    """Series have different names and one point for every category, in order (wording unverified)."""
    series, axis = value.get("series"), value.get("axis_config")
    if not isinstance(series, list) or not isinstance(axis, dict):
        return
    names = [one.get("name") for one in series if isinstance(one, dict)]
    if len(names) != len(set(map(str, names))):
        yield Fault(f"{at}/series", "series names must be unique")
    for index, one in enumerate(series):
        points = one.get("data") if isinstance(one, dict) else None
        labels = [p.get("label") for p in points if isinstance(p, dict)] if isinstance(points, list) else []
        if labels != axis.get("categories"):
            yield Fault(f"{at}/series/{index}/data", "labels must match axis_config.categories")


_XY_CHART = all_of(
    shape(
        {
            "series": items(shape({"name": _LABEL, "data": items(_POINT, 20)}), 12),
            "axis_config": shape(
                {"categories": items(_LABEL, 20)}, {"x_label": string(50), "y_label": string(50)}
            ),
        }
    ),
    _series_fit_the_axis,
)
_CHART = tagged(
    {
        "pie": shape({"segments": items(_POINT, 12)}),
        "bar": _XY_CHART,
        "area": _XY_CHART,
        "line": _XY_CHART,
    }
)

EVERYWHERE: dict[str, Check] = {
    "section": all_of(
        shape(
            {},
            {
                "text": any_text(3000),
                "fields": items(any_text(2000), 10),
                "accessory": ACCESSORY,
                "expand": boolean,
                **_BLOCK_ID,
            },
        ),
        at_least_one_field("text", "fields"),
    ),
    "divider": shape({}, _BLOCK_ID),
    "header": shape({"text": plain_text(150)}, _BLOCK_ID),
    "context": shape({"elements": items(tagged({"image": image(), **texts(3000)}), 10)}, _BLOCK_ID),
    "actions": shape({"elements": items(ACTION, 25)}, _BLOCK_ID),
    "image": image({"title": plain_text(2000), **_BLOCK_ID}),
    "input": shape(
        {"label": plain_text(2000), "element": INPUT},
        {"hint": plain_text(2000), "optional": boolean, "dispatch_action": boolean, **_BLOCK_ID},
    ),
    "rich_text": RICH_TEXT,
}
# Slack docs: tables, charts and markdown are for messages; views.publish has been seen to refuse charts.
MESSAGES_ONLY: dict[str, Check] = {
    "markdown": shape({"text": string(12_000)}, _BLOCK_ID),
    "table": _TABLE,
    "data_table": _DATA_TABLE,
    "data_visualization": shape({"title": string(50), "chart": _CHART}, _BLOCK_ID),
}
