"""A modal that is opened at once, before the trigger expires, and filled in when its content is there."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from bot.errors import RecordingsError, SlackRefusedError
from bot.logs import reference_to_show
from bot.slack.blocks import build_problem_modal
from bot.slack.delivery import note_problem
from bot.slack.sender import WAITS_SECONDS
from bot.slack.web_client import SLACK_ERRORS, Taken, slack_word, taken_despite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from slack_sdk.web.async_client import AsyncWebClient


logger = logging.getLogger(__name__)

KEPT_FIELDS = (
    "type",
    "callback_id",
    "title",
    "submit",
    "close",
    "private_metadata",
    "blocks",
    "notify_on_close",
)
"""What a view that Slack sends back has in common with one that Slack takes."""


class Modal:
    """An open view.

    Args:
        slack: Slack's Web API.
        view_id: Slack's ID of it; empty while there is none.
    """

    def __init__(self, slack: AsyncWebClient, view_id: str) -> None:
        self._slack = slack
        self.view_id = view_id

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, slack: AsyncWebClient, body: Mapping[str, Any], loading: dict[str, Any], *, above: bool = False
    ) -> AsyncIterator[Self]:
        """Open a view, or put it above the one that is open; it never stays as it was while loading.

        Args:
            slack: Slack's Web API.
            body: the payload with the trigger, which lives for 3 seconds (Slack docs).
            loading: what is shown at once.
            above: above the view that is open.

        Raises:
            SlackRefusedError: it could not be opened.
        """
        opening = slack.views_push if above else slack.views_open
        try:
            answer = await opening(trigger_id=str(body.get("trigger_id") or ""), view=loading)
        except SLACK_ERRORS as error:
            raise SlackRefusedError("the form", slack_word(error)) from None
        modal = cls(slack, str((answer.get("view") or {}).get("id") or ""))
        title = str(loading["title"]["text"])
        try:
            yield modal
        except _NotShownError:
            raise
        except RecordingsError as error:
            await modal.update(build_problem_modal(title, str(error), note_problem(error)))
        except Exception:  # the person is told; the door logs it
            sentence = "Something went wrong inside the bot; whoever runs it finds it in the log."
            await modal.update(build_problem_modal(title, sentence, reference_to_show()))
            raise

    async def update(self, view: dict[str, Any]) -> None:
        """Show another content, tried again while Slack fails. A view that was closed meanwhile needs none.

        Raises:
            SlackRefusedError: Slack took neither this nor a line that says so.
        """
        word = await self._try_to_show(view)
        if word:
            title = view.get("title")
            words = title.get("text") if isinstance(title, dict) else ""
            sorry = build_problem_modal(str(words or "Recordings")[:24], f"Slack did not take this ({word}).")
            not_shown = _NotShownError("what belongs into the form", word)
            if await self._try_to_show(sorry, waits=()):
                raise not_shown
            note_problem(not_shown)

    async def _try_to_show(self, view: dict[str, Any], waits: Sequence[float] = WAITS_SECONDS) -> str:
        """Show a content: the same content once more does no harm. Slack's word where it was not taken."""
        content = {name: view[name] for name in KEPT_FIELDS if view.get(name)}
        word = ""
        for wait_seconds in (*waits, 0.0):
            try:
                await self._slack.views_update(view_id=self.view_id, view=content)
            except SLACK_ERRORS as error:
                word = slack_word(error)
                if word == "not_found":
                    return ""
                logger.warning("Slack did not take a view: %s", word)
                if taken_despite(error) in {Taken.NO, Taken.BLOCKS_REFUSED}:
                    return word
            else:
                return ""
            await asyncio.sleep(wait_seconds)
        return word


class _NotShownError(SlackRefusedError):
    """Slack does not show a view, so that what is wrong has to be said elsewhere."""
