"""What an acknowledgement does: shows the command's answer, moves the form on, or counts as a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.content import read_content
from bot.sandbox.slack.refusals import Refusal
from bot.sandbox.slack.state import BOT_USER, SLACKBOT, Message
from bot.sandbox.slack.views import read_view

if TYPE_CHECKING:
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.slack_platform import Platform
    from bot.sandbox.slack.views import View

# What Slack's client shows over a form whose submission failed (seen in the field).
FORM_TROUBLE = "We had some trouble connecting. Try again?"


def show_failure(platform: Platform, channel: str, user: str, text: str) -> Message:
    """Show Slack's own words to one person."""
    workspace = platform.workspace
    return workspace.add_message(Message(channel, workspace.new_ts(), SLACKBOT, text, ephemeral_for=user))


def show_command_ack(platform: Platform, delivery: Delivery) -> None:
    """Show what a command was answered with: nothing, a message, or why Slack could not show it.

    Slack docs, slash commands: the answer may be text or JSON with text, blocks and response_type. An answer
    with blocks that Slack refuses has been seen to fail as `invalid_command_response`.
    """
    channel, user = delivery.payload["channel_id"], delivery.payload["user_id"]
    if not delivery.failure and delivery.ack is not None:
        body = delivery.ack if isinstance(delivery.ack, dict) else {"text": delivery.ack}
        try:
            delivery.message = _command_message(platform, channel, user, body)
        except Refusal as refusal:
            delivery.failure = "invalid_command_response"
            platform.workspace.feed.publish("ack_refused", answer=refusal.to_json())
    if delivery.failure:
        delivery.error = f'{delivery.payload["command"]} failed with the error "{delivery.failure}"'
        show_failure(platform, channel, user, delivery.error)


def _command_message(platform: Platform, channel: str, user: str, body: dict[str, Any]) -> Message | None:
    if not any(body.get(name) for name in ("text", "blocks", "attachments")):
        return None
    content = read_content(body)
    everybody = body.get("response_type") == "in_channel"
    workspace = platform.workspace
    return workspace.add_message(
        Message(channel, workspace.new_ts(), BOT_USER, ephemeral_for=None if everybody else user, **content)
    )


def take_submission_ack(platform: Platform, view: View, delivery: Delivery) -> None:
    """Do what the answer to a form says: close it, or errors, update, push, clear (Slack docs)."""
    if not delivery.failure:
        try:
            _follow(platform, view, delivery.ack)
        except Refusal as refusal:
            delivery.failure = "invalid_response_action"
            platform.workspace.feed.publish("ack_refused", answer=refusal.to_json())
    if delivery.failure:
        delivery.error = FORM_TROUBLE


def _follow(platform: Platform, view: View, ack: Any) -> None:
    views = platform.views
    if ack is None or ack == {}:
        if view in views.modals.get(view.user, []):
            views.close(view)
        return
    action = ack.get("response_action") if isinstance(ack, dict) else None
    if action == "errors":
        errors = ack.get("errors")
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
            raise Refusal("invalid_errors")
        views.show_errors(view, errors)
    elif action == "update":
        views.change(view, read_view(ack.get("view"), "modal"))
    elif action == "push":
        views.put_on_top(view.user, read_view(ack.get("view"), "modal"))
    elif action == "clear":
        views.close(view, whole_stack=True)
    else:
        raise Refusal("invalid_response_action")
