"""The Web API's views.* methods (Slack docs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.refusals import Refusal
from bot.sandbox.slack.views import read_view

if TYPE_CHECKING:
    from bot.sandbox.slack.slack_platform import Platform

Args = dict[str, Any]


def views_open(platform: Platform, args: Args) -> dict[str, Any]:
    """views.open: a new modal; whatever that person had open goes."""
    body = read_view(args.get("view"), "modal")
    trigger = platform.triggers.redeem(args.get("trigger_id"))
    top = platform.views.top(trigger.user)
    if top and trigger.in_view is None:
        platform.views.close(top, whole_stack=True)
    return {"view": platform.views.put_on_top(trigger.user, body).payload()}


def views_push(platform: Platform, args: Args) -> dict[str, Any]:
    """views.push: one more modal over the one that was clicked in."""
    body = read_view(args.get("view"), "modal")
    trigger = platform.triggers.redeem(args.get("trigger_id"))
    if trigger.in_view is None:
        raise Refusal("not_found")  # a push from outside a modal: the code is unverified
    return {"view": platform.views.put_on_top(trigger.user, body).payload()}


def views_update(platform: Platform, args: Args) -> dict[str, Any]:
    """views.update, by view_id or external_id, with the hash checked where it is given."""
    view_id, external_id = args.get("view_id"), args.get("external_id")
    for view in platform.views.all():
        if view.id == view_id or (external_id and view.body.get("external_id") == external_id):
            break
    else:
        raise Refusal("not_found")
    body = read_view(args.get("view"), view.body["type"])
    if args.get("hash") and args["hash"] != view.hash:
        raise Refusal("hash_conflict")
    platform.views.change(view, body)
    return {"view": view.payload()}


def views_publish(platform: Platform, args: Args) -> dict[str, Any]:
    """views.publish: a person's home tab."""
    if not platform.app.home_tab:
        raise Refusal("not_enabled")
    if args.get("user_id") not in platform.workspace.people:
        raise Refusal("user_not_found")
    body = read_view(args.get("view"), "home")
    shown = platform.views.homes.get(args["user_id"])
    if args.get("hash") and shown and args["hash"] != shown.hash:
        raise Refusal("hash_conflict")
    return {"view": platform.views.publish_home(args["user_id"], body).payload()}
