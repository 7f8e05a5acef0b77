"""A digest as a Slack message: figures, what needs attention, a chart, buttons, plain words (pure)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.features.digests.report import busiest, chart_labels, figures
from bot.features.digests.schedule import describe_schedule, parse_schedule
from bot.features.digests.settings import has_own_window, query_of
from bot.features.recording_text import details_button, verdict_line, words_in_plain
from bot.models import RUNNING
from bot.plain_text import count
from bot.query.parser import format_query
from bot.query.terms import RecordingQuery, Status
from bot.query.times import DAY, Window, describe_span, exact_duration, format_duration
from bot.query.wording import describe_rooms, describe_subject
from bot.recordings.answer_text import label, local_time, plain_date
from bot.recordings.page import ButtonState
from bot.safe_text import cut
from bot.slack import ids
from bot.slack.blocks import (
    MAX_BLOCKS_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    actions,
    button,
    code,
    context,
    count_characters,
    date,
    escape,
    header,
    name,
    section,
    shortened,
)
from bot.verdicts.types import At

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.features.digests.models import NewDigest
    from bot.features.digests.report import Chart, Finding, Report, Summary
    from bot.features.digests.settings import DigestSettings
    from bot.slack.blocks import Block, Message
    from bot.verdicts.types import Outside, Verdict

OUTSIDERS_SEE = "They see the digest's rooms, task IDs, counts, and problems, but no file links."

MOST_LISTED = 10
NAME_CHARACTERS = 40
WORTH_TELLING_LATE_SECONDS = 120
_HEADER_CHARACTERS = 150
_MOST_MISSED_NAMED = 5
_MOST_GONE_NAMED = 3
_SENTENCE_END, _NAMES_FOLLOW = ". ", ": "
_BAR_CELLS = 20


def build_chart(chart: Chart, zone: str, *, in_characters: bool = False) -> Block:
    """A `data_visualization` block, or text; times in the digest's zone: labels cannot be in the reader's."""
    style = "%a %H:%M" if len(chart.starts_ms) * chart.step_seconds > DAY else "%H:%M"
    labels = chart_labels(f"{local_time(ms, zone):{style}}" for ms in chart.starts_ms)
    title = f"Begun per {exact_duration(chart.step_seconds)}"
    if in_characters:
        return section(f"*{title}*\n{draw_chart(chart, labels)}")
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
        "title": title,
        "chart": {"type": "bar", "series": series, "axis_config": {"categories": labels}},
    }


def draw_chart(chart: Chart, labels: list[str]) -> str:
    """The chart as mrkdwn code: a line a bucket, all series together."""
    totals = [sum(numbers) for numbers in zip(*(series for _, series in chart.series), strict=True)]
    most, wide = max(totals), max(map(len, labels))
    lines = [
        f"{label:<{wide}}  {'█' * max(1 if total else 0, round(total * _BAR_CELLS / most))} {total}".rstrip()
        for label, total in zip(labels, totals, strict=True)
    ]
    return "```\n" + "\n".join(lines) + "\n```"


def build_digest_text(report: Report, shown: int = MOST_LISTED) -> str:
    """The whole digest in plain words: what notifications, search and screen readers read."""
    summary, zone = report.summary, report.digest.zone
    when = partial(plain_date, zone=zone)
    subject, says = describe_subject(summary.window.query), ", ".join(figures(summary, report.comparison))
    lines = [f"{title_of(report)}, {subject}: {says}."]
    if summary.attention and shown:
        lines.append("Needs attention:")
    for place, found in enumerate(summary.attention[:shown], 1):
        row, verdict = found.recording, found.verdict
        words = words_in_plain(in_short(verdict).words, zone)
        lines.append(
            f"{place}. {verdict.headline}, room {escape(row.room_id)}, task {escape(row.task_id)}, "
            f"{since(found)} {when(row.began_ms)}: {words}"
        )
    if len(summary.attention) > shown:
        lines.append(and_more(summary, shown))
    lines += [*(f"{line}." for line in extremes(summary, escape)), *notes_of(report, when)]
    lines.append(f"{plan(report.digest)}{coming(report, when)}.")
    text = f"{escape(lines[0])}\n" + "\n".join(lines[1:])
    return text if shown else shortened(text, MAX_TEXT_CHARACTERS)


def in_short(verdict: Verdict) -> Verdict:
    """Its first sentence up to the names in it, and until when something can be done."""
    words: list[str | At | Outside] = []
    for piece in verdict.words:
        first = (
            piece.partition(_SENTENCE_END)[0].removesuffix(_NAMES_FOLLOW) if isinstance(piece, str) else piece
        )
        if first != piece:
            words.append(f"{first}.")
            break
        words.append(piece)
    until_ms = verdict.urgent_until_ms
    if until_ms is not None and At(until_ms) not in words:
        words += [" Until ", At(until_ms), "."]
    return replace(verdict, words=tuple(words))


def extremes(summary: Summary, shown: Callable[[str], str]) -> list[str]:
    """The longest, the latest, and the busiest room."""

    def room(room_id: str) -> str:
        return f"room {shown(cut(room_id, NAME_CHARACTERS))}"

    found = []
    if longest := summary.longest:
        which = "Longest" if longest.of_all else "Longest of those looked at"
        so_far = " so far" if longest.recording.status in RUNNING else ""
        lasted = format_duration(longest.lasted_ms / 1000)
        found.append(f"{which}: {room(longest.recording.room_id)} ({lasted}{so_far})")
    if latest := summary.latest:
        ago = format_duration((summary.now_ms - latest.began_ms) / 1000)
        found.append(f"Latest: {room(latest.room_id)} ({ago} ago)")
    if most := busiest(summary):
        found.append(f"Busiest: {room(most[0])} ({most[1]:,})")
    return found


def notes_of(report: Report, when: Callable[[int], str]) -> list[str]:
    """What the reader has to know beside the figures; ours, already safe."""
    summary = report.summary
    notes = []
    if report.is_test:
        notes.append("A test run: the schedule goes on as it was.")
    if report.late_seconds > WORTH_TELLING_LATE_SECONDS and not report.is_test:
        why = f" {escape(report.late_why)}" if report.late_why else ""
        notes.append(f"Posted {format_duration(report.late_seconds)} late.{why}")
    if report.missed:
        named = [when(slot * 1000) for slot in report.missed[-_MOST_MISSED_NAMED:]]
        before = "" if len(named) == len(report.missed) else "the latest "
        which = count(len(report.missed), "digest")
        verb = "was" if len(report.missed) == 1 else "were"
        notes.append(f"{which} before this one {verb} not posted: {before}{', '.join(named)}.")
    if summary.sees_back_to_ms is not None:
        notes.append(
            "ZEGOCLOUD tells of the last 3 days only: what began before "
            f"{when(summary.sees_back_to_ms)} is not in here."
        )
    if summary.gone:
        notes.append(_gone(summary))
    return notes + [escape(note) for note in summary.notes]


def _gone(summary: Summary) -> str:
    """What ZEGOCLOUD no longer knows and was never seen to end well."""
    named = [
        f"room {name(cut(row.room_id, NAME_CHARACTERS))} ({name(cut(row.task_id, NAME_CHARACTERS))})"
        for row in summary.gone[:_MOST_GONE_NAMED]
    ]
    more = len(summary.gone) - len(named)
    if more:
        named.append(f"{more:,} more")
    was = "wasn't" if len(summary.gone) == 1 else "weren't"
    return (
        f"ZEGOCLOUD keeps only 3 days and no longer has {count(len(summary.gone), 'recording')} that "
        f"{was} finished when last seen: {', '.join(named)}."
    )


def title_of(report: Report) -> str:
    """The span that it tells of."""
    summary = report.summary
    window = Window(seen_from_ms(summary), summary.window.end_ms, report.digest.zone)
    span = describe_span(window, with_year=False)
    test = "Test run · " if report.is_test else ""
    return cut(f"{test}Recordings, {span}", _HEADER_CHARACTERS)


def seen_from_ms(summary: Summary) -> int:
    """Where the window begins, as far as it could be seen (Unix ms)."""
    return max(summary.window.start_ms, summary.sees_back_to_ms or 0)


def schedule_in_words(schedule: str) -> str:
    """`every weekday at 09:00`, of a schedule as it is kept."""
    return describe_schedule(parse_schedule(schedule, 0))


def plan(digest: NewDigest | DigestSettings) -> str:
    """`every weekday at 09:00, Europe/Berlin`, as mrkdwn."""
    return f"{escape(schedule_in_words(digest.schedule))}, {escape(digest.zone)}"


def covers(
    settings: NewDigest | DigestSettings, shown: Callable[[str], str], *, is_test: bool = False
) -> str:
    """Sentences that say back what a digest was asked for, beside when it is due.

    Args:
        settings: the digest's.
        shown: makes text from outside safe.
        is_test: said of a digest that is posted out of turn.
    """
    quiet = "one line" if settings.quiet == "line" else "nothing"
    when_quiet = f"When nothing happened, it posts {quiet}."
    query, usual = query_of(settings), RecordingQuery()
    if query is None:
        return f"It asks {shown(settings.query)}, which can no longer be read. {when_quiet}"
    which = "all statuses" if query.status == Status.ALL else f"status {query.status}"
    parts = [
        f"It covers recordings in {describe_rooms(query, shown)}",
        which,
        _started(settings, query, is_test=is_test),
    ]
    if query.sort != usual.sort:
        parts.append(f"{query.sort} first")
    if query.size != usual.size:
        parts.append(f"{query.size} a page")
    return f"{', '.join(parts)}. {when_quiet}"


def _started(settings: NewDigest | DigestSettings, query: RecordingQuery, *, is_test: bool) -> str:
    """The window in words: it moves on with the digest, so that it has no moments."""
    if not has_own_window(settings.query):
        if is_test:
            return "started within as much time as the next digest will cover"
        return "started since the digest before"
    if query.last_seconds is not None:
        return f"started in the last {exact_duration(query.last_seconds)}"
    ends = (("from", query.start), ("to", query.end))
    return " ".join(["started", *(f"{word} {point.format()}" for word, point in ends if point)])


def coming(report: Report, when: Callable[[int], str]) -> str:
    """When the next one comes; that it is paused."""
    if report.digest.is_paused:
        return " · paused"
    return f" · next {when(report.next_at * 1000)}" if report.next_at is not None else ""


def and_more(summary: Summary, shown: int) -> str:
    """How many need attention beside those that are shown."""
    more = len(summary.attention) - shown
    least = "" if summary.all_checked else "at least "
    return f"… and {least}{more:,} more that need{'s' if more == 1 else ''} attention."


def since(found: Finding) -> str:
    """Since when it runs, or when it began."""
    status = found.recording.status
    return f"{label(status).lower()} since" if status in RUNNING else "began"


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
        text, blocks = build_digest_text(report, shown), _blocks(report, shown, chart=chart)
        fits = count_characters(blocks) <= MAX_BLOCKS_CHARACTERS and len(text) <= MAX_TEXT_CHARACTERS
        if fits or not shown:
            return {"text": text, "blocks": blocks}
        shown -= 1


def _build_quiet(report: Report) -> Message:
    """One quiet line, with what the reader has to know all the same."""
    summary = report.summary
    subject = describe_subject(summary.window.query)
    running = summary.counts["running"]
    still = (
        f" {count(running, 'recording')} still run{'s' if running == 1 else ''} from before."
        if running
        else ""
    )
    still_open = f" {summary.still_open:,} still open from before." if summary.still_open else ""
    says = f"nothing to report – {subject}.{still}{still_open}"
    when = partial(plain_date, zone=report.digest.zone)
    text = f"{title_of(report)}: {says} {plan(report.digest)}{coming(report, when)}."
    line = f"*{escape(title_of(report))}*: {escape(says)} {plan(report.digest)}{coming(report, date)}."
    blocks = [context(line), *(context(note) for note in notes_of(report, date))]
    if report.is_test:
        blocks.append(_buttons(report, everything=True))
    return {"text": " ".join([escape(text), *notes_of(report, when)]), "blocks": blocks}


def _blocks(report: Report, shown: int, *, chart: bool) -> list[Block]:
    summary, digest = report.summary, report.digest
    total, *others = figures(summary, report.comparison)
    span = f"{date(seen_from_ms(summary))} – {date(summary.window.end_ms)}"
    blocks: list[Block] = [
        header(title_of(report)),
        section(" · ".join([f"*{escape(total)}*", *map(escape, others)])),
        context(f"{escape(cut(describe_subject(summary.window.query), 1_500))} · {span}"),
    ]
    blocks += [context(note) for note in notes_of(report, date)]
    if shown:
        blocks.append(section("*Needs attention*"))
        blocks += [_finding(found) for found in summary.attention[:shown]]
    if len(summary.attention) > shown:
        blocks.append(context(and_more(summary, shown)))
    if summary.chart:
        blocks.append(build_chart(summary.chart, digest.zone, in_characters=not chart))
    if lines := extremes(summary, name):
        blocks.append(context(" · ".join(lines)))
    blocks.append(_buttons(report, everything=len(summary.attention) <= shown))
    by = f" · by {name(cut(report.owner, NAME_CHARACTERS))}" if report.owner else ""
    return [*blocks, context(f"{plan(digest)}{coming(report, date)}{by} · digest {digest.number}")]


def _finding(found: Finding) -> Block:
    row = found.recording
    about = f"room {name(cut(row.room_id, 3 * NAME_CHARACTERS))} · {since(found)} {date(row.began_ms)}"
    return section(
        f"{verdict_line(in_short(found.verdict), NAME_CHARACTERS)}\n{about} · {code(row.task_id)}",
        details_button(row.task_id),
    )


def _buttons(report: Report, *, everything: bool) -> Block:
    """`everything`: no more needs attention than is shown."""
    query = report.summary.window.query
    elements = [_open("Open the full list", ids.DIGEST_OPEN_LIST, query)]
    if not everything and query.status != Status.ATTENTION:
        attention = replace(query, status=Status.ATTENTION)
        elements.append(_open("All that need attention", ids.DIGEST_OPEN_ATTENTION, attention))
    if not report.digest.is_paused:
        elements.append(button("Pause", ids.DIGEST_PAUSE, report.digest.id))
    elements.append(button("Settings", ids.DIGEST_SETTINGS, report.digest.id))
    return actions(elements, ids.Row.DIGEST)


def _open(text: str, action_id: str, query: RecordingQuery) -> Block:
    return button(text, action_id, ButtonState(1, 0, format_query(query)).encode())
