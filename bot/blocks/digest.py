"""A digest as a Slack message: figures, what needs attention, a chart, and the buttons that lead on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.blocks import ids
from bot.blocks.buttons import actions, button, context, section
from bot.blocks.digest_chart import build_chart, build_chart_in_characters
from bot.blocks.digest_text import (
    MAX_TEXT_CHARACTERS,
    MOST_LISTED,
    NAME_CHARACTERS,
    and_more,
    build_digest_text,
    coming,
    extremes,
    in_short,
    notes_of,
    plan,
    seen_from_ms,
    since,
    title_of,
)
from bot.blocks.text import code, cut, date, escape, name, plain_date
from bot.blocks.verdict_words import verdict_line
from bot.digests import ids as digest_ids
from bot.digests.headline import figures
from bot.page import ButtonState
from bot.plural import count
from bot.query import Status, describe_subject, format_query
from bot.query.values import is_task_id

if TYPE_CHECKING:
    from bot.digests.report import Finding, Report
    from bot.query import RecordingQuery

Block = dict[str, Any]
Message = dict[str, Any]

MAX_BLOCKS_CHARACTERS = 12_000
"""Kept below the 13,000 or so at which Slack has been seen to refuse a message (`msg_blocks_too_long`)."""


def build_digest(report: Report, *, chart: bool = True) -> Message:
    """The message for one slot: `{"text": …, "blocks": […]}`.

    Args:
        report: what it says.
        chart: as Slack's own block; else in characters, for a Slack that does not take that block.
    """
    if report.summary.is_empty:
        return _build_quiet(report)
    shown = min(len(report.summary.attention), MOST_LISTED)
    while True:
        message = {"text": build_digest_text(report, shown), "blocks": _blocks(report, shown, chart=chart)}
        size = len(json.dumps(message["blocks"], ensure_ascii=False))
        if shown == 0 or (size <= MAX_BLOCKS_CHARACTERS and len(message["text"]) <= MAX_TEXT_CHARACTERS):
            return message
        shown -= 1


def _build_quiet(report: Report) -> Message:
    """One quiet line, with what the reader has to know all the same."""
    summary, zone = report.summary, report.digest.zone
    subject = describe_subject(summary.window.query)
    running = summary.counts["running"]
    still = (
        f" {count(running, 'recording')} still run{'s' if running == 1 else ''} from before."
        if running
        else ""
    )
    still_open = f" {summary.still_open:,} still open from before." if summary.still_open else ""
    says = f"nothing to report – {subject}.{still}{still_open}"

    def when(ms: int) -> str:
        return plain_date(ms, zone)

    text = f"{title_of(report)}: {says} {plan(report.digest)}{coming(report, when)}."
    line = f"*{escape(title_of(report))}*: {escape(says)} {plan(report.digest)}{coming(report, date)}."
    blocks = [context(line), *(context(note) for note in notes_of(report, date))]
    if report.is_test:
        blocks.append(_buttons(report, everything=True))
    return {"text": " ".join([escape(text), *notes_of(report, when)]), "blocks": blocks}


def _blocks(report: Report, shown: int, *, chart: bool) -> list[Block]:
    summary, digest = report.summary, report.digest
    total, *others = figures(summary, report.comparison)
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": title_of(report), "emoji": False}},
        section(" · ".join([f"*{escape(total)}*", *map(escape, others)])),
        context(f"{escape(cut(describe_subject(summary.window.query), 1_500))} · {_looked(report)}"),
    ]
    blocks += [context(note) for note in notes_of(report, date)]
    if shown:
        blocks.append(section("*Needs attention*"))
        blocks += [_finding(found) for found in summary.attention[:shown]]
    if len(summary.attention) > shown:
        blocks.append(context(and_more(summary, shown)))
    if summary.chart:
        draw = build_chart if chart else build_chart_in_characters
        blocks.append(draw(summary.chart, digest.zone))
    if lines := extremes(summary, name):
        blocks.append(context(" · ".join(lines)))
    blocks.append(_buttons(report, everything=len(summary.attention) <= shown))
    by = f" · by {name(cut(report.owner, NAME_CHARACTERS))}" if report.owner else ""
    return [*blocks, context(f"{plan(digest)}{coming(report, date)}{by} · digest {digest.number}")]


def _finding(found: Finding) -> Block:
    row = found.recording
    state = ButtonState(1, 0, f"task={row.task_id}").encode()
    details = button("Details", ids.DETAILS, state) if is_task_id(row.task_id) else None
    about = f"room {name(cut(row.room_id, 3 * NAME_CHARACTERS))} · {since(found)} {date(row.began_ms)}"
    return section(
        f"{verdict_line(in_short(found.verdict), NAME_CHARACTERS)}\n{about} · {code(row.task_id)}", details
    )


def _buttons(report: Report, *, everything: bool) -> Block:
    """`everything`: no more needs attention than is shown."""
    query = report.summary.window.query
    elements = [_open("Open the full list", digest_ids.OPEN_LIST, query)]
    if not everything and query.status != Status.ATTENTION:
        attention = replace(query, status=Status.ATTENTION)
        elements.append(_open("All that need attention", digest_ids.OPEN_ATTENTION, attention))
    if not report.digest.is_paused:
        elements.append(button("Pause", digest_ids.PAUSE, report.digest.id))
    elements.append(button("Settings", digest_ids.SETTINGS, report.digest.id))
    return actions(elements, "digest")


def _open(text: str, action_id: str, query: RecordingQuery) -> Block:
    return button(text, action_id, ButtonState(1, 0, format_query(query)).encode())


def _looked(report: Report) -> str:
    summary = report.summary
    return f"{date(seen_from_ms(summary))} – {date(summary.window.end_ms)}"
