"""Modals and home tabs: the views that people have open, and what an app may show in one (Slack docs)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.block_rules import check_view
from bot.sandbox.slack.content import decoded
from bot.sandbox.slack.elements import Element, find_elements
from bot.sandbox.slack.form_state import initial_state
from bot.sandbox.slack.refusals import Refusal, refuse_faults
from bot.sandbox.slack.state import APP, BOT, TEAM

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Workspace

MOST_STACKED = 3  # Slack docs: a modal holds up to 3 views at a time
MOST_VIEW_BYTES = 250_000


@dataclass
class View:
    """A view that somebody has open. `body` is what the app sent; `state` what is filled in."""

    id: str
    user: str
    body: dict[str, Any]
    hash: str
    root_id: str
    previous_id: str | None = None
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The view's blocks."""
        return self.body["blocks"]  # type: ignore[no-any-return]  # checked when it came in

    @property
    def title(self) -> str:
        """What stands on top; empty for a home tab."""
        return str((self.body.get("title") or {}).get("text", ""))

    @property
    def elements(self) -> list[Element]:
        """The buttons, menus and inputs in it, in reading order."""
        return find_elements(self.blocks)

    def payload(self) -> dict[str, Any]:
        """The view as methods and payloads show it (Slack docs, view objects)."""
        body = self.body
        return {
            "id": self.id,
            "team_id": TEAM,
            "app_id": APP,
            "app_installed_team_id": TEAM,
            "bot_id": BOT,
            "type": body["type"],
            "title": body.get("title"),
            "submit": body.get("submit"),
            "close": body.get("close"),
            "blocks": body["blocks"],
            "private_metadata": body.get("private_metadata") or "",
            "callback_id": body.get("callback_id") or "",
            "external_id": body.get("external_id") or "",
            "clear_on_close": bool(body.get("clear_on_close")),
            "notify_on_close": bool(body.get("notify_on_close")),
            "state": {"values": self.state},
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
        }

    def to_json(self) -> dict[str, Any]:
        """The payload, with whose it is and the errors shown in it."""
        return {**self.payload(), "user": self.user, "errors": self.errors}


class Views:
    """Every view that is open: a stack of modals and a home tab for each person."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def all(self) -> list[View]:
        """Every open view."""
        return [*(view for stack in self.modals.values() for view in stack), *self.homes.values()]

    def top(self, user: str) -> View | None:
        """The modal a person has in front of them."""
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def put_on_top(self, user: str, body: dict[str, Any]) -> View:
        """Show one more modal over those a person has open."""
        stack = self.modals.setdefault(user, [])
        if len(stack) >= MOST_STACKED:
            raise Refusal("push_limit_reached")
        view = self._new(user, body)
        if stack:
            view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        self._workspace.feed.publish("view_opened", view=view.to_json())
        return view

    def change(self, view: View, body: dict[str, Any]) -> None:
        """Show something else in an open view; what is filled in stays where block and action ids stay."""
        fresh = self._new(view.user, body)
        for block_id, values in fresh.state.items():
            for action_id, filled in view.state.get(block_id, {}).items():
                if action_id in values and values[action_id]["type"] == filled["type"]:
                    values[action_id] = filled
        view.body, view.state, view.hash, view.errors = fresh.body, fresh.state, fresh.hash, {}
        self._workspace.feed.publish("view_updated", view=view.to_json())

    def show_errors(self, view: View, errors: dict[str, str]) -> None:
        """Show errors beside a modal's inputs."""
        view.errors = errors
        self._workspace.feed.publish("view_updated", view=view.to_json())

    def close(self, view: View, *, whole_stack: bool = False) -> None:
        """Take a modal away, or all of that person's."""
        stack = self.modals.get(view.user, [])
        for closed in list(reversed(stack)) if whole_stack else [view]:
            stack.remove(closed)
            self._workspace.feed.publish("view_closed", view_id=closed.id, user=view.user)

    def publish_home(self, user: str, body: dict[str, Any]) -> View:
        """Show a person's home tab."""
        view = self._new(user, body)
        self.homes[user] = view
        self._workspace.feed.publish("home_published", view=view.to_json())
        return view

    def _new(self, user: str, body: dict[str, Any]) -> View:
        body = json.loads(json.dumps(body))
        self._workspace.name_blocks(body["blocks"])
        view_id = self._workspace.new_id("V")
        view_hash = f"{self._workspace.new_ts()}.hash"
        return View(view_id, user, body, view_hash, view_id, state=initial_state(body["blocks"]))


def read_view(value: Any, kind: str) -> dict[str, Any]:
    """Take a view from an app.

    Raises:
        Refusal: `invalid_arguments` with messages that point at the fault, `view_too_large`.
    """
    view = decoded(value, "invalid_arguments")
    faults = check_view(view)
    refuse_faults("invalid_arguments", faults)
    if view["type"] != kind:
        raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] expected a {kind}"]})
    if len(json.dumps(view)) > MOST_VIEW_BYTES:
        raise Refusal("view_too_large")
    return view  # type: ignore[no-any-return]  # a dict: check_view has seen to it
