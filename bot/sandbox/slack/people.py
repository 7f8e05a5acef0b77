"""What people do with the app: type a command, click, use a shortcut, fill a form in and send it off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import payloads
from bot.sandbox.slack.acknowledgements import show_command_ack, show_failure, take_submission_ack
from bot.sandbox.slack.app_manifest import NotDeclaredError
from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.elements import Element
from bot.sandbox.slack.form_state import STATE_FIELDS, filled_in, find_option, is_empty
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.state import ASKER, GENERAL, Message
from bot.sandbox.slack.views import View
from bot.sandbox.slack.writers import Writers

if TYPE_CHECKING:
    from collections.abc import Mapping


class People(Writers):
    """The actions of people; every one returns once the app has acknowledged or its time is up."""

    async def command(
        self,
        text: str = "",
        *,
        user: str = ASKER,
        channel: str = GENERAL,
        command: str | None = None,
        thread_ts: str | None = None,
    ) -> Delivery:
        """Type a slash command: the manifest's only one, or `command`. `text` is what stands behind it.

        What Slack itself would not send comes back as a Delivery with `error` and no status: an undeclared
        command, a command in a thread or an archived channel, or one by somebody of another team.
        """
        person, room = self._there(user, channel)
        name = command or next(iter(self._platform.app.commands), "/recordings")
        impossible = ""
        if name not in self._platform.app.commands or not self._platform.workspace.is_own(person):
            impossible = f"{name} is not a valid command."  # for other teams: unverified
        elif thread_ts:
            impossible = f"{name} is not supported in threads. Sorry!"
        elif room.is_archived:
            impossible = "this channel is archived"
        if impossible:
            show_failure(self._platform, room.id, user, impossible)
            return Delivery("slash_commands", {"command": name, "text": text}, error=impossible)
        payload = payloads.command_payload(self._platform, name, text, person, room)
        delivery = await self._dispatcher.send("slash_commands", payload)
        show_command_ack(self._platform, delivery)
        return delivery

    async def click(
        self,
        source: Message | View,
        target: str | Element,
        *,
        user: str = ASKER,
        value: Any = None,
        nth: int = 0,
        confirm: bool = True,
    ) -> Delivery:
        """Click a button, or choose from a menu, in a message or an open view.

        Args:
            source: the message as it is shown now, or the view.
            target: what is written on it, or its action_id, or one of the source's `elements` itself.
            user: who clicks.
            nth: which one, from 0, where several are called the same.
            value: for menus and pickers: the option's text or value, a date, an id.
            confirm: how a confirmation dialog is answered, where there is one; nothing is sent on False.

        Raises:
            ImpossibleError: the person does not see the source, or it has no such element.
        """
        if not self._platform.app.interactivity:
            raise NotDeclaredError("the manifest's settings.interactivity.is_enabled is not true")
        person = self._person(user)
        self._check_visible(source, user)
        element = _find(source.elements, target, nth)
        if element.raw.get("confirm") and not confirm:
            return Delivery("interactive", {}, error="not confirmed")
        chosen = _choose(element, value)
        if isinstance(source, View) and element.raw["type"] in STATE_FIELDS:
            source.state[element.block_id][element.action_id] = {"type": element.raw["type"], **chosen}
        payload = payloads.block_actions_payload(self._platform, source, element, person, chosen)
        return await self._interactive(payload)

    async def shortcut(self, name: str | None = None, *, user: str = ASKER) -> Delivery:
        """Use a global shortcut, by name or callback_id; without, the only one."""
        shortcut = self._platform.app.shortcut("global", name)
        payload = payloads.global_shortcut_payload(self._platform, shortcut, self._person(user))
        return await self._interactive(payload)

    async def message_shortcut(
        self, message: Message, name: str | None = None, *, user: str = ASKER
    ) -> Delivery:
        """Use a message shortcut on a message that others see too; ephemeral ones have none."""
        self._check_visible(message, user)
        if message.ephemeral_for:
            raise ImpossibleError("an ephemeral message has no shortcuts")
        shortcut = self._platform.app.shortcut("message", name)
        person = self._person(user)
        return await self._interactive(
            payloads.message_shortcut_payload(self._platform, shortcut, person, message)
        )

    def fill_in(self, view: View, values: Mapping[str, Any]) -> None:
        """Fill a form in: keys are labels, action_ids or block_ids.

        Raises:
            ImpossibleError: there is no such field, or no such option in it.
        """
        for target, value in values.items():
            element = _find(view.elements, target)
            try:
                state = filled_in(element, value)
            except LookupError as error:
                raise ImpossibleError(f"{target}: {error}") from None
            view.state[element.block_id][element.action_id] = state

    async def submit_view(
        self, view: View | None = None, values: Mapping[str, Any] | None = None, *, user: str = ASKER
    ) -> Delivery:
        """Fill in and send off the form in front of a person.

        Raises:
            ImpossibleError: it has no submit button, or a field that must be filled in is empty.
        """
        view = view or self._platform.views.top(user)
        if view is None or view is not self._platform.views.top(user):
            raise ImpossibleError("this form is not in front of that person")
        if not view.body.get("submit"):
            raise ImpossibleError("this form has no submit button")
        self.fill_in(view, values or {})
        for block in view.blocks:
            states = view.state.get(block["block_id"], {}).values()
            if block["type"] == "input" and not block.get("optional") and any(map(is_empty, states)):
                raise ImpossibleError(f"{block['label']['text']} must be filled in")
        person = self._person(user)
        payload = payloads.view_payload(self._platform, "view_submission", view, person, cleared=False)
        delivery = await self._dispatcher.send("interactive", payload)
        take_submission_ack(self._platform, view, delivery)
        return delivery

    async def close_view(
        self, view: View | None = None, *, user: str = ASKER, whole_stack: bool = False
    ) -> Delivery | None:
        """Close the form in front of a person; the app is told only where it asked for notify_on_close."""
        view = view or self._platform.views.top(user)
        if view is None:
            raise ImpossibleError("no form is open")
        payload = payloads.view_payload(
            self._platform, "view_closed", view, self._person(user), cleared=whole_stack
        )
        self._platform.views.close(view, whole_stack=whole_stack)
        if not view.body.get("notify_on_close"):
            return None
        return await self._dispatcher.send("interactive", payload)

    async def _interactive(self, payload: dict[str, Any]) -> Delivery:
        delivery = await self._dispatcher.send("interactive", payload)
        if delivery.failure:
            delivery.error = f"This app did not respond: {delivery.failure}"  # wording unverified
        return delivery

    def _check_visible(self, source: Message | View, user: str) -> None:
        if isinstance(source, View):
            if source is not self._platform.views.top(user) and source is not self._platform.views.homes.get(
                user
            ):
                raise ImpossibleError("this view is not in front of that person")
            return
        seen = self._platform.workspace.seen_by(user, source.channel, source.thread_ts)
        if not any(message is source for message in seen):
            raise ImpossibleError("that person does not see this message (any more)")


def _find(elements: list[Element], target: str | Element, nth: int = 0) -> Element:
    if isinstance(target, Element):
        found = [e for e in elements if e == target]
    else:
        named = [e for e in elements if target in (e.label, e.action_id)]
        found = named or [e for e in elements if e.block_id == target]
    if nth >= len(found):
        raise ImpossibleError(f"no {target!r} here; there is {[e.label or e.action_id for e in elements]}")
    return found[nth]


def _choose(element: Element, value: Any) -> dict[str, Any]:
    """What the element adds to the action."""
    kind = element.raw["type"]
    if kind == "button":
        return {}
    try:
        if kind == "overflow":
            return {"selected_option": find_option(element, value)}
        return {name: inner for name, inner in filled_in(element, value).items() if name != "type"}
    except LookupError as error:
        raise ImpossibleError(str(error)) from None
