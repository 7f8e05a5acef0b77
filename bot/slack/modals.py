"""A modal that opens at once, before its trigger expires, and is filled in when its content is ready."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from bot.errors import RecordingsError, SlackRefusedError
from bot.logs import reference_to_show
from bot.slack.blocks import build_problem_modal
from bot.slack.delivery_log import note_problem
from bot.slack.sender import (
    UNEXPECTED,
    WAITS_SECONDS,
    Route,
    SendOutcome,
    SendResult,
    attempt,
    deliver,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.blocks import Message, View

SENT_BACK = (
    "type",
    "callback_id",
    "title",
    "submit",
    "close",
    "private_metadata",
    "blocks",
    "notify_on_close",
)
"""The fields of a view that Slack both sends and takes."""


class Modal:
    """An open view.

    Args:
        slack: Slack's Web API.
        view_id: Slack's ID of it; empty if there is none.
    """

    def __init__(self, slack: AsyncWebClient, view_id: str) -> None:
        self._slack = slack
        self.view_id = view_id

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, slack: AsyncWebClient, body: Mapping[str, Any], loading: View, *, above: bool = False
    ) -> AsyncIterator[Self]:
        """Open a view; if what follows fails, it says so instead of loading forever.

        Args:
            slack: Slack's Web API.
            body: the payload with the trigger, which lives for 3 seconds (Slack docs).
            loading: what is shown at once.
            above: put it above the view that is open.

        Raises:
            SlackRefusedError: it could not be opened.
        """
        opening = slack.views_push if above else slack.views_open
        call = opening(trigger_id=str(body.get("trigger_id") or ""), view=loading)
        outcome = await attempt(call, "a modal")
        if not outcome.is_taken:
            raise SlackRefusedError("the form", outcome.word)
        modal = cls(slack, str((outcome.answer.get("view") or {}).get("id") or ""))
        title = str(loading["title"]["text"])
        try:
            yield modal
        except _NotShownError:
            raise
        except RecordingsError as error:
            await modal.update(build_problem_modal(title, str(error), note_problem(error)))
        except Exception:  # the person is told here; `ListenerAdapter` logs it
            await modal.update(build_problem_modal(title, UNEXPECTED, reference_to_show()))
            raise

    async def update(self, view: View) -> None:
        """Show other content, and try again while Slack fails. If the view has been closed, that's fine.

        Raises:
            SlackRefusedError: Slack took neither this nor a line that says so.
        """
        outcome = await self._show(view, WAITS_SECONDS)
        if outcome.is_taken:
            return
        title = view.get("title")
        words = title.get("text") if isinstance(title, dict) else ""
        sentence = f"Slack did not take this ({outcome.word})."
        sorry = await self._show(build_problem_modal(str(words or "Recordings")[:24], sentence), ())
        error = _NotShownError("what belongs into the form", outcome.word)
        if not sorry.is_taken:
            raise error
        note_problem(error)

    async def _show(self, view: View, waits: Sequence[float]) -> SendOutcome:
        content = {"view": {name: view[name] for name in SENT_BACK if view.get(name)}}
        # The same content once more does no harm, and there is no other place for it.
        return await deliver(content, [Route(self._update, len(waits) + 1)], waits=waits)

    async def _update(self, content: Message) -> SendOutcome:
        outcome = await attempt(self._slack.views_update(view_id=self.view_id, **content), "a view")
        is_closed = outcome.word == "not_found"
        return SendOutcome(SendResult.TAKEN) if is_closed else outcome


class _NotShownError(SlackRefusedError):
    """Slack does not show a view, so the problem has to be told elsewhere."""
