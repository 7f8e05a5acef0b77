"""What runs is judged by the vendor's clock wherever it is shown, while this machine's is elsewhere."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bot.features.digests.data import DigestData
from bot.features.digests.slot_windows import SlotWindow
from bot.features.recording_text import build_details_blocks, build_details_text
from bot.query.terms import RecordingQuery, Status
from bot.recordings.details import DetailsService
from bot.slack.audience import PRIVATE
from bot.terminal.query import details_json
from bot.terminal.text import show_details
from bot.verdicts.types import Kind
from tests.vendor import a_vendor
from tests.world import HOUR_MS, MINUTE_MS, NOW_MS

AHEAD_SECONDS = 540
RUNNING_FOR_MS = 8 * HOUR_MS + 4 * MINUTE_MS
"""By the vendor's clock a runaway; 5 minutes less than that by ours."""


@pytest.mark.parametrize("at", ["first question", "later"])
async def test_details_are_judged_by_the_vendors_clock(at: str) -> None:
    async with a_vendor(vendor_ahead_seconds=AHEAD_SECONDS) as vendor:
        began_ms = vendor.zego.now_ms() - RUNNING_FOR_MS
        task_id = vendor.zego.add_task(room_id="1230", began_ms=began_ms)
        if at == "later":
            assert [v.kind for v in (await vendor.ask("status=ongoing")).verdicts[task_id]] == [Kind.RUNAWAY]
        details, verdicts = await DetailsService(vendor.recordings, vendor.clock).task(task_id)
        assert [verdict.kind for verdict in verdicts] == [Kind.RUNAWAY]
        assert ", running for 8 h 04 min" in build_details_text(
            details, verdicts, zone="UTC", audience=PRIVATE
        )
        terminal = Console(file=io.StringIO(), width=100)
        show_details(details, verdicts, "UTC", terminal)
        assert "Running for  8 h 04 min" in terminal.file.getvalue()
        assert details.as_of_ms == NOW_MS


@pytest.mark.parametrize(
    ("ahead_seconds", "note"),
    [
        (-540, "This bot's clock is 9 min ahead of ZEGOCLOUD's; times are ZEGOCLOUD's."),
        (0, ""),
        (540, "This bot's clock is 9 min behind ZEGOCLOUD's; times are ZEGOCLOUD's."),
    ],
)
async def test_details_say_that_clocks_are_far_apart_as_lists_do(ahead_seconds: int, note: str) -> None:
    async with a_vendor(vendor_ahead_seconds=ahead_seconds) as vendor:
        task_id = vendor.zego.add_task(room_id="1230", began_ms=vendor.zego.now_ms() - HOUR_MS)
        notes = [note] if note else []
        assert (await vendor.ask("last=6h")).notes == tuple(notes)
        details, verdicts = await DetailsService(vendor.recordings, vendor.clock).task(task_id)
        terminal = Console(file=io.StringIO(), width=200)
        show_details(details, verdicts, "UTC", terminal)
        contexts = [
            block["elements"][0]["text"]
            for block in build_details_blocks(details, verdicts, zone="UTC", audience=PRIVATE)
            if block["type"] == "context"
        ]
        assert contexts[:-1] == notes
        for text in (
            build_details_text(details, verdicts, zone="UTC", audience=PRIVATE),
            terminal.file.getvalue(),
        ):
            assert [line.strip() for line in text.splitlines() if "clock" in line] == notes
        assert json.loads(details_json(details, verdicts, "UTC"))["notes"] == notes


async def test_a_digest_is_judged_by_the_vendors_clock() -> None:
    async with a_vendor(vendor_ahead_seconds=AHEAD_SECONDS) as vendor:
        began_ms = vendor.zego.now_ms() - RUNNING_FOR_MS
        vendor.zego.add_task(room_id="1230", began_ms=began_ms)
        query = RecordingQuery(status=Status.ALL, last_seconds=86_400)
        window = SlotWindow(NOW_MS - 24 * HOUR_MS, NOW_MS, NOW_MS, query)
        summary = await DigestData(vendor.recordings, vendor.clock).get(window)
        assert [found.verdict.kind for found in summary.attention] == [Kind.RUNAWAY]
        assert summary.longest is not None
        assert abs(summary.longest.lasted_ms - RUNNING_FOR_MS) <= 1000
        assert abs(summary.now_ms - NOW_MS - AHEAD_SECONDS * 1000) <= 1000
