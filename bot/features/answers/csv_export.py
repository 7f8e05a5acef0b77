"""CSV export: a file with every row of an answer, by direct message or in the thread of a posted one."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.errors import SlackRefusedError
from bot.plain_text import count
from bot.query.parser import format_query
from bot.query.wording import describe_query
from bot.recordings.csv_file import build_csv
from bot.slack.blocks import escape
from bot.slack.notices import build_notice
from bot.slack.sender import attempt, open_direct_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.recordings.page import Page, Question
    from bot.recordings.service import Recordings
    from bot.slack.deduplication import Deduplication
    from bot.slack.payload import Asker
    from bot.slack.sender import SendOutcome
    from bot.slack.web_client import SlackClient


audit = logging.getLogger("bot.audit")


class CsvExport:
    """Creates and uploads files.

    Args:
        recordings: where every row comes from.
        slack: Slack's Web API; needs `im:write` and `files:write`.
        deduplication: knows which files are being prepared.
    """

    def __init__(self, recordings: Recordings, slack: SlackClient, deduplication: Deduplication) -> None:
        self._recordings = recordings
        self._slack = slack
        self._deduplication = deduplication

    async def deliver(
        self,
        question: Question,
        asker: Asker,
        progress: Callable[[int, int], None],
        *,
        thread_ts: str = "",
    ) -> dict[str, Any]:
        """Upload a CSV file of the whole answer, once at a time however often it is asked for.

        It goes in the thread of the asker's channel; without one, or if the bot isn't in that channel, to the
        asker alone.

        Returns:
            The message that says where it is.

        Raises:
            SlackRefusedError: Slack did not take the file.
            ZegoError, TooLateError: the vendor did not give every row.
        """
        same = (asker.user_id, format_query(question.query), str(question.asked_ms))
        async with self._deduplication.begin("export", *same, seconds=0) as first:
            if not first:
                return build_notice("This file is being prepared already.")
            return await self._deliver(question, asker, progress, thread_ts)

    async def _deliver(
        self, question: Question, asker: Asker, progress: Callable[[int, int], None], thread_ts: str
    ) -> dict[str, Any]:
        page = await self._recordings.find_all(question, progress)
        if not page.recordings:
            return build_notice("There are no recordings in this answer any more: nothing to export.")
        where, outcome = "in the thread", None
        if thread_ts:
            outcome = await self._upload(page, asker.channel_id, thread_ts)
        if outcome is None or outcome.word in {"not_in_channel", "channel_not_found"}:
            where = "in your direct messages"
            outcome = await open_direct_message(self._slack, asker.user_id)
            if outcome.is_taken:
                outcome = await self._upload(page, outcome.answer["channel"]["id"])
        if not outcome.is_taken:
            raise SlackRefusedError("the file", outcome.word)
        query = format_query(question.query)
        rows_sent = len(page.recordings)
        audit.info(
            "exported by=%s channel=%s query=%s rows=%d", asker.user_id, asker.channel_id, query, rows_sent
        )
        return build_notice(f"The file with {_rows_of(page)} is {where}.")

    async def _upload(self, page: Page, channel: str, thread_ts: str = "") -> SendOutcome:
        words = " ".join([describe_query(page.question.query, page.window), *page.notes])
        began = datetime.fromtimestamp(page.as_of_ms / 1000, UTC)
        call = self._slack.files_upload_v2(
            channel=channel,
            thread_ts=thread_ts or None,
            content=build_csv(page),
            filename=f"recordings-{began:%Y-%m-%dT%H%MZ}.csv",
            title=f"{_rows_of(page)} as of {began:%Y-%m-%d %H:%M} UTC",
            initial_comment=escape(words),
        )
        return await attempt(call, "a file")


def _rows_of(page: Page) -> str:
    """How many recordings a file has; `at least` if one may be missing."""
    return count(len(page.recordings), "recording", exact=page.exact)
