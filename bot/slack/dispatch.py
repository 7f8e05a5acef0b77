"""Dispatch: brings each delivery to its listener. Who asks, may they, seen before, errors → words."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.errors import AccessError, RecordingsError
from bot.slack.delivery_log import begin_delivery, current_delivery, note_problem
from bot.slack.forms import FormErrors, build_field_errors
from bot.slack.payload import Asker, asker_of, metadata_of_click, metadata_of_view
from bot.slack.sender import Destination, Sender, ThreadSender

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from slack_bolt.context.ack.async_ack import AsyncAck

    from bot.operating.metrics import Metrics
    from bot.slack.access import Access
    from bot.slack.deduplication import Deduplication
    from bot.slack.in_flight import InFlight
    from bot.slack.web_client import SlackClient


@dataclass(frozen=True, slots=True)
class ListenerAdapter:
    """Turns one of our listeners into one of Bolt's.

    A listener names what it needs: a service, `asker`, `sender`, `body`, `event`, or `action` (the element).
    Bolt would build some forty arguments for each middleware and listener; this way it builds them once.

    Args:
        services: what a listener can ask for, by parameter name.
        access: decides who is answered.
        deduplication: knows which deliveries have come before.
        in_flight: keeps track of work under way.
        metrics: counts deliveries.
        slack: Slack's Web API.
        socket_mode: how deliveries arrive.
    """

    services: Mapping[str, object]
    access: Access
    deduplication: Deduplication
    in_flight: InFlight
    metrics: Metrics
    slack: SlackClient
    socket_mode: bool

    def to(
        self, listener: Callable[..., Awaitable[None]], refused: Callable[..., Awaitable[None]] | None = None
    ) -> Callable[..., Awaitable[None]]:
        """A listener that Bolt can call. No exception leaves it: Bolt would answer 404 after 3 s.

        Args:
            listener: ours; it is given what its parameters name.
            refused: tells somebody who may not ask, where a message isn't the way to do it.

        Raises:
            TypeError: the listener asks for something that doesn't exist.
        """
        names = set(inspect.signature(listener).parameters)
        if unknown := names - set(self.services) - {"asker", "sender", "body", "action", "event"}:
            raise TypeError(f"{listener.__name__} asks for {', '.join(sorted(unknown))}, which nobody has")
        services = {name: service for name, service in self.services.items() if name in names}

        async def dispatch(ack: AsyncAck, body: dict[str, Any]) -> None:
            delivery = current_delivery() or begin_delivery(self.metrics)
            delivery.listener = listener.__name__.removeprefix("handle_")
            event, action = body.get("event") or {}, (body.get("actions") or [{}])[0]
            if _is_no_question(event):
                delivery.outcome = "ignored"
                delivery.ended()
                return
            asker = asker_of(body)
            sender = self._sender(ack, body, asker)
            given = {"asker": asker, "sender": sender, "body": body, "action": action, "event": event}
            try:
                with self.in_flight.answering():
                    if not await self._is_first(body):
                        delivery.outcome = "repeated"
                        await ack()
                        return
                    await self.access.check(asker, opens_form=_opens_form(body))
                    await listener(**services, **{name: given[name] for name in given.keys() & names})
            except FormErrors as error:  # the form stays open, with each mistake beside its field
                note_problem(error)
                await ack(**build_field_errors(error))
            except RecordingsError as error:
                if refused is not None and isinstance(error, AccessError):
                    note_problem(error)
                    await refused(self.slack, asker, error)
                else:
                    await sender.problem(error)
            except Exception as error:  # noqa: BLE001 - the person is told, the log has it all
                await sender.unexpected(error)
            finally:
                delivery.ended()

        dispatch.__name__ = listener.__name__
        return dispatch

    def _sender(self, ack: AsyncAck, body: dict[str, Any], asker: Asker) -> Sender:
        event = body.get("event")
        if event:
            return ThreadSender(self.slack, ack, self.in_flight, _beside(event, asker))
        view = body.get("view")
        metadata = metadata_of_view(view) if view else metadata_of_click(body)
        # In a form that asks where to answer, the chosen conversation comes with a response_url of its own.
        chosen = [str(each.get("response_url") or "") for each in body.get("response_urls") or []]
        destination = Destination(
            user_id=asker.user_id,
            channel_id=asker.channel_id,
            thread_ts=metadata.thread_ts,
            response_url=chosen[-1] if chosen else metadata.response_url,
        )
        return Sender(
            self.slack,
            ack,
            self.in_flight,
            destination,
            is_command="command" in body,
            socket_mode=self.socket_mode,
        )

    async def _is_first(self, body: dict[str, Any]) -> bool:
        """Whether this delivery has not come before.

        Slack sends an event again if it was not acknowledged in time; anything else comes again only if
        somebody replays it. An event has its own ID, and every command, click, shortcut and submitted form a
        new trigger (Slack docs).
        """
        delivery = str(body.get("event_id") or body.get("trigger_id") or "")
        return not delivery or await self.deduplication.first(
            "delivery", str(body.get("api_app_id")), delivery
        )


def _is_no_question(event: dict[str, Any]) -> bool:
    """Whether a message event is an edit, a bot's own, or not written to the bot."""
    kind = event.get("type")
    if kind not in {"message", "app_mention"}:
        return False
    written = event.get("subtype") in {None, "file_share", "thread_broadcast"} and not event.get("edited")
    to_the_bot = kind == "app_mention" or event.get("channel_type") == "im"
    return not (written and to_the_bot) or bool(event.get("bot_id"))


def _opens_form(body: dict[str, Any]) -> bool:
    """A global shortcut, or the Home tab: there is no conversation yet."""
    home = (body.get("event") or {}).get("type") == "app_home_opened"
    return home or body.get("type") == "shortcut" or (body.get("view") or {}).get("type") == "home"


def _beside(event: dict[str, Any], asker: Asker) -> Destination:
    """Where a message is answered: in its thread, in a new one below it, or plainly in a direct message."""
    direct = event.get("channel_type") == "im"
    thread_ts = str(event.get("thread_ts") or "")
    return Destination(
        user_id=asker.user_id,
        channel_id=asker.channel_id,
        thread_ts=thread_ts if direct else thread_ts or str(event.get("ts") or ""),
        thread_exists=bool(thread_ts),
        direct=direct,
    )
