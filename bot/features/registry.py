"""The registry: every command, action, shortcut, view and event beside the listener that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.features.answers import listeners as answers
from bot.features.command import handle_recordings_command
from bot.features.details import listeners as details
from bot.features.digests import listeners as digests
from bot.features.form import listeners as form
from bot.features.home import handle_home, refuse_home
from bot.slack import ids

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from slack_bolt.app.async_app import AsyncApp

    from bot.slack.dispatch import ListenerAdapter

    Listeners = dict[str, Callable[..., Awaitable[None]]]


COMMANDS: Listeners = {"/recordings": handle_recordings_command}

ACTIONS: Listeners = {
    ids.NEWER: answers.handle_navigation,
    ids.OLDER: answers.handle_navigation,
    ids.REFRESH: answers.handle_navigation,
    ids.SHOW: answers.handle_navigation,
    ids.POST: answers.handle_post,
    ids.POST_TO_OUTSIDERS: answers.handle_post,
    ids.EXPORT: answers.handle_export,
    ids.HELP: answers.handle_help,
    ids.DETAILS: details.handle_details,
    ids.DETAILS_POST: details.handle_details_post,
    ids.DETAILS_POST_TO_OUTSIDERS: details.handle_details_post,
    ids.DETAILS_SUPPORT: details.handle_ticket,
    ids.DETAILS_FILE: details.handle_link,
    ids.EDIT: form.handle_edit,
    ids.OPEN_FORM: form.handle_global_shortcut,
    ids.DIGEST_OPEN_LIST: digests.handle_open_list,
    ids.DIGEST_OPEN_ATTENTION: digests.handle_open_list,
    ids.DIGEST_PAUSE: digests.handle_digest_button,
    ids.DIGEST_RESUME: digests.handle_digest_button,
    ids.DIGEST_RESUME_FOR_OUTSIDERS: digests.handle_digest_button,
    ids.DIGEST_RUN: digests.handle_digest_button,
    ids.DIGEST_RUN_FOR_OUTSIDERS: digests.handle_digest_button,
    ids.DIGEST_REMOVE: digests.handle_digest_button,
    ids.DIGEST_ADD: digests.handle_digest_settings,
    ids.DIGEST_ADD_FOR_OUTSIDERS: digests.handle_digest_button,
    ids.DIGEST_SETTINGS: digests.handle_digest_settings,
    ids.DIGEST_LIST: digests.handle_digest_list,
    ids.DIGEST_HELP: digests.handle_digest_help,
}

SHORTCUTS: Listeners = {
    ids.FIND: form.handle_message_shortcut,
    ids.FIND_ANYWHERE: form.handle_global_shortcut,
}

VIEWS: Listeners = {
    ids.FORM: form.handle_form,
    ids.DIGEST_FORM: digests.handle_digest_form,
}

EVENTS: Listeners = {
    "app_home_opened": handle_home,
    "app_mention": answers.handle_question_in_words,
    "message": answers.handle_question_in_words,
}

REFUSED: Listeners = {"app_home_opened": refuse_home}
"""What answers people whom the bot does not serve, where a message is the wrong place for it."""


def register(app: AsyncApp, adapter: ListenerAdapter) -> None:
    """Register every listener, each behind the same adapter."""
    tables: list[tuple[Callable[[str], Any], Listeners]] = [
        (app.command, COMMANDS),
        (app.action, ACTIONS),
        (app.shortcut, SHORTCUTS),
        (app.view, VIEWS),
        (app.event, EVENTS),
    ]
    for register_for, listeners in tables:
        for name, listener in listeners.items():
            register_for(name)(adapter.to(listener, refused=REFUSED.get(name)))
