"""The chart of a digest: as Slack's own block, and in characters for a Slack that does not take that."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.blocks.buttons import section
from bot.digests.chart import chart_labels
from bot.query.durations import DAY, exact_duration
from bot.query.zones import zone_info

if TYPE_CHECKING:
    from bot.digests.chart import Chart

Block = dict[str, Any]

_BAR_CELLS = 20


def build_chart(chart: Chart, zone: str) -> Block:
    """A `data_visualization` block, times in the digest's zone: labels cannot be in the reader's."""
    labels = _labels(chart, zone)
    series = [
        {
            "name": name,
            "data": [
                {"label": label, "value": number} for label, number in zip(labels, numbers, strict=True)
            ],
        }
        for name, numbers in chart.series
    ]
    return {
        "type": "data_visualization",
        "title": _title(chart),
        "chart": {"type": "bar", "series": series, "axis_config": {"categories": labels}},
    }


def build_chart_in_characters(chart: Chart, zone: str) -> Block:
    """The same as a section of text."""
    return section(f"*{_title(chart)}*\n{draw_chart(chart, _labels(chart, zone))}")


def draw_chart(chart: Chart, labels: list[str]) -> str:
    """The chart as mrkdwn code: a line a bucket, all series together."""
    totals = [sum(numbers) for numbers in zip(*(series for _, series in chart.series), strict=True)]
    most, wide = max(totals), max(map(len, labels))
    lines = [
        f"{label:<{wide}}  {'█' * max(1 if total else 0, round(total * _BAR_CELLS / most))} {total}".rstrip()
        for label, total in zip(labels, totals, strict=True)
    ]
    return "```\n" + "\n".join(lines) + "\n```"


def _title(chart: Chart) -> str:
    return f"Begun per {exact_duration(chart.step_seconds)}"


def _labels(chart: Chart, zone: str) -> list[str]:
    style = "%a %H:%M" if len(chart.starts_ms) * chart.step_seconds > DAY else "%H:%M"
    rules = zone_info(zone)
    return chart_labels(f"{datetime.fromtimestamp(ms / 1000, rules):{style}}" for ms in chart.starts_ms)
