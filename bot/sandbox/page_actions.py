"""What people do on the sandbox's page, as one table of actions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.app_manifest import NotDeclaredError
from bot.sandbox.slack.form_state import filled_in
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.state import BOT_USER
from bot.sandbox.switches import SWITCHES, switch_states
from bot.sandbox.time_passing import let_pass

if TYPE_CHECKING:
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.state import Channel, Message
    from bot.sandbox.slack.views import View
    from bot.sandbox.stage import Stage

Body = dict[str, Any]
Action = Callable[["Stage", Body], Awaitable[Body | None]]

LONGEST_PUSH_SECONDS = 31 * 86_400
FASTEST = 3600.0


async def type_command(sandbox: Stage, body: Body) -> Body:
    """`{user, channel, command, text, thread_ts?}`; what Slack itself answers shows up as a message."""
    delivery = await sandbox.slack.command(
        body["text"],
        user=body["user"],
        channel=body["channel"],
        command=body["command"],
        thread_ts=body.get("thread_ts"),
    )
    return {"error": delivery.error}


async def write(sandbox: Stage, body: Body) -> Body:
    """`{user, channel, text, thread_ts?}`; the app hears of it where its manifest says so.

    Answers with the `ts` of what was written.
    """
    slack, where = sandbox.slack, {"user": body["user"], "thread_ts": body.get("thread_ts")}
    channel, app = slack.channels[body["channel"]], slack.platform.app
    text = _as_sent(sandbox, body["text"])
    if channel is slack.workspace.dm_with(body["user"]):
        if not app.messages_tab or app.messages_tab_read_only:
            raise ImpossibleError("Sending messages to this app has been turned off.")
        if "message.im" in app.bot_events:
            message, delivery = await slack.direct_message(text, **where)
            return {"ts": message.ts, **_told(delivery)}
    elif f"<@{BOT_USER}>" in text and "app_mention" in app.bot_events:
        if BOT_USER in channel.members:
            message, delivery = await slack.mention(text, channel=channel.id, **where)
            return {"ts": message.ts, **_told(delivery)}
        message = slack.write(text, channel=channel.id, **where)
        return {"ts": message.ts, "not_in_channel": True}
    return {"ts": slack.write(text, channel=channel.id, **where).ts}


async def click(sandbox: Stage, body: Body) -> Body:
    """`{user, channel, ts}` or `{user, view_id, values?}`, with `block_id, action_id, value?`."""
    source = _source(sandbox, body)
    if "view_id" in body:
        _fill_in(source, body)
    chosen = [
        e for e in source.elements if (e.block_id, e.action_id) == (body["block_id"], body["action_id"])
    ]
    if not chosen:
        raise ImpossibleError("This button is no longer there.")
    alike = [e for e in source.elements if body["action_id"] in (e.label, e.action_id)]
    delivery = await sandbox.slack.click(
        source,
        body["action_id"],
        user=body["user"],
        value=body.get("value"),
        nth=alike.index(chosen[0]),
    )
    return _told(delivery)


async def use_shortcut(sandbox: Stage, body: Body) -> Body:
    """`{user, callback_id, channel?, ts?}`: on a message, or without one."""
    if body.get("ts"):
        message = _message(sandbox, body)
        return _told(await sandbox.slack.message_shortcut(message, body["callback_id"], user=body["user"]))
    return _told(await sandbox.slack.shortcut(body["callback_id"], user=body["user"]))


async def submit(sandbox: Stage, body: Body) -> Body:
    """`{user, view_id, values: {block_id: {action_id: value}}}`."""
    view = _view(sandbox, body)
    _fill_in(view, body)
    return _told(await sandbox.slack.submit_view(view, user=body["user"]))


async def close_view(sandbox: Stage, body: Body) -> None:
    """`{user, view_id, whole_stack?}`."""
    await sandbox.slack.close_view(
        _view(sandbox, body), user=body["user"], whole_stack=bool(body.get("whole_stack"))
    )


async def open_home(sandbox: Stage, body: Body) -> Body | None:
    """`{user, tab}`; nothing is sent where the app does not listen."""
    try:
        return _told(await sandbox.slack.open_home(user=body["user"], tab=body["tab"]))
    except NotDeclaredError:
        return None


async def dismiss(sandbox: Stage, body: Body) -> None:
    """`{user, channel, ts}`: take an ephemeral message away."""
    message = _message(sandbox, body)
    if message.ephemeral_for != body["user"]:
        raise ImpossibleError("Only messages that only you see can be dismissed.")
    sandbox.slack.workspace.delete_message(message)


async def invite(sandbox: Stage, body: Body) -> None:
    """`{user, channel}`: the app joins a channel."""
    channel: Channel = sandbox.slack.channels[body["channel"]]
    if body["user"] not in channel.members or channel.kind == "im":
        raise ImpossibleError("You cannot invite anybody here.")
    channel.members.add(BOT_USER)
    sandbox.slack.workspace.feed.publish("channel_added", channel=channel.to_json())


async def push_clock(sandbox: Stage, body: Body) -> None:
    """`{seconds}`: let time pass at once, for the vendor, Slack and the bot."""
    seconds = float(body["seconds"])
    if not 0 < seconds <= LONGEST_PUSH_SECONDS:
        raise ValueError(f"time goes forward, at most {LONGEST_PUSH_SECONDS} seconds at once")
    await let_pass(sandbox, seconds)
    sandbox.slack.workspace.feed.publish(
        "clock", now=sandbox.clock.now(), rate=sandbox.clock_rate, pushed=True
    )
    await sandbox.slack.retry_due_events()


async def set_pace(sandbox: Stage, body: Body) -> None:
    """`{rate}`: let time pass so many times as fast, for all three."""
    rate = float(body["rate"])
    if not 1 <= rate <= FASTEST:
        raise ValueError(f"the rate is from 1 to {FASTEST:g}")
    sandbox.clock.set_rate(rate)
    sandbox.clock_rate = rate
    sandbox.slack.workspace.feed.publish("clock", now=sandbox.clock.now(), rate=rate)


async def switch(sandbox: Stage, body: Body) -> None:
    """`{name, on}`: something goes wrong, or right again."""
    chosen = SWITCHES[body["name"]]
    chosen.turn(sandbox, bool(body["on"]))
    sandbox.slack.workspace.feed.publish("switches", switches=switch_states(sandbox))


async def drop_socket(sandbox: Stage, body: Body) -> None:
    """Break the Socket Mode connections off, as a failing network does."""
    del body
    sandbox.slack.drop_sockets()


async def restart(sandbox: Stage, body: Body) -> None:
    """Stop the bot and start another."""
    del body
    await _restart(sandbox, None)


async def transport(sandbox: Stage, body: Body) -> None:
    """`{socket_mode}`: reach the bot over Socket Mode, or over signed HTTP."""
    if not isinstance(body["socket_mode"], bool):
        raise TypeError("socket_mode is true or false")
    await _restart(sandbox, body["socket_mode"])


ACTIONS: Mapping[str, Action] = {
    "command": type_command,
    "write": write,
    "click": click,
    "shortcut": use_shortcut,
    "submit": submit,
    "close_view": close_view,
    "home": open_home,
    "dismiss": dismiss,
    "invite": invite,
    "clock": push_clock,
    "pace": set_pace,
    "switch": switch,
    "drop_socket": drop_socket,
    "restart": restart,
    "transport": transport,
}
"""`POST /sandbox/NAME` with a JSON object."""


def _as_sent(sandbox: Stage, text: str) -> str:
    """What a person typed, as Slack keeps it: escaped, with people, channels and links marked up."""
    slack = sandbox.slack
    people = {person.name: f"<@{person.id}>" for person in slack.people.values()}
    channels = {c.name: f"<#{c.id}|{c.name}>" for c in slack.channels.values() if c.kind != "im"}
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"(?<!\S)@([\w.-]*\w)", lambda found: people.get(found[1].lower(), found[0]), text)
    text = re.sub(r"(?<!\S)#([\w-]+)", lambda found: channels.get(found[1], found[0]), text)
    return re.sub(r"(?<!\S)(https?://\S+)", r"<\1>", text)


async def _restart(sandbox: Stage, socket_mode: bool | None) -> None:
    feed = sandbox.slack.workspace.feed
    feed.publish("bot", running=False, socket_mode=sandbox.socket_mode)
    await sandbox.restart_bot(socket_mode=socket_mode)
    feed.publish("bot", running=True, socket_mode=sandbox.socket_mode)
    feed.publish("switches", switches=switch_states(sandbox))


def _told(delivery: Delivery) -> Body:
    return {"error": delivery.error or delivery.failure}


def _source(sandbox: Stage, body: Body) -> Message | View:
    return _view(sandbox, body) if "view_id" in body else _message(sandbox, body)


def _message(sandbox: Stage, body: Body) -> Message:
    for message in sandbox.slack.messages:
        if (message.channel, message.ts) == (body["channel"], body["ts"]) and message.ephemeral_for in (
            None,
            body["user"],
        ):
            return message
    raise ImpossibleError("This message is no longer there.")


def _view(sandbox: Stage, body: Body) -> View:
    views = sandbox.slack.platform.views
    for view in [*views.all(), *views.homes.values()]:
        if view.id == body["view_id"] and view.user == body["user"]:
            return view
    raise ImpossibleError("This form is no longer open.")


def _fill_in(view: Any, body: Body) -> None:
    """Put what the person typed into a form's state."""
    values = body.get("values") or {}
    for element in view.elements:
        given = values.get(element.block_id, {})
        if element.action_id in given and element.action_id in view.state.get(element.block_id, {}):
            state = filled_in(element, given[element.action_id])
            view.state[element.block_id][element.action_id] = state
