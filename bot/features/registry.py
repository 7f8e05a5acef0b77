"""The registry: every command, action, shortcut, view and event beside the listener that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.features.answers.listeners import (
    handle_export,
    handle_help,
    handle_navigation,
    handle_post,
    handle_question_in_words,
)
from bot.features.command import handle_recordings_command
from bot.features.details.listeners import handle_details, handle_details_post, handle_link, handle_ticket
from bot.features.details.message import IDS as DETAILS
from bot.features.digests import ids as digest_ids
from bot.features.digests.listeners import (
    handle_digest_added_after_all,
    handle_digest_button,
    handle_digest_form,
    handle_digest_help,
    handle_digest_list,
    handle_digest_settings,
    handle_open_list,
)
from bot.features.form.ids import FORM
from bot.features.form.listeners import (
    handle_edit,
    handle_form,
    handle_global_shortcut,
    handle_message_shortcut,
)
from bot.features.home import handle_home, refuse_home
from bot.slack import ids

if TYPE_CHECKING:
    from slack_bolt.app.async_app import AsyncApp

    from bot.slack.dispatch import ListenerAdapter


def register(app: AsyncApp, adapter: ListenerAdapter) -> None:
    """Put every listener in its place, each behind the same adapter."""
    app.command("/recordings")(adapter.to(handle_recordings_command))
    for action_id in (ids.NEWER, ids.OLDER, ids.REFRESH, ids.SHOW):
        app.action(action_id)(adapter.to(handle_navigation))
    app.action(ids.POST)(adapter.to(handle_post))
    app.action(ids.POST_TO_OUTSIDERS)(adapter.to(handle_post))
    app.action(ids.EXPORT)(adapter.to(handle_export))
    app.action(ids.HELP)(adapter.to(handle_help))
    app.action(ids.EDIT)(adapter.to(handle_edit))
    app.action(ids.OPEN_FORM)(adapter.to(handle_global_shortcut))
    app.shortcut(ids.FIND)(adapter.to(handle_message_shortcut))
    app.shortcut(ids.FIND_ANYWHERE)(adapter.to(handle_global_shortcut))
    app.view(FORM)(adapter.to(handle_form))
    app.action(ids.DETAILS)(adapter.to(handle_details))
    for action_id in (DETAILS.post, DETAILS.post_to_outsiders):
        app.action(action_id)(adapter.to(handle_details_post))
    app.action(DETAILS.support)(adapter.to(handle_ticket))
    app.action(DETAILS.open_file)(adapter.to(handle_link))
    for action_id in (digest_ids.PAUSE, digest_ids.RESUME, digest_ids.REMOVE, digest_ids.RUN):
        app.action(action_id)(adapter.to(handle_digest_button))
    for action_id in (digest_ids.RESUME_FOR_OUTSIDERS, digest_ids.RUN_FOR_OUTSIDERS):
        app.action(action_id)(adapter.to(handle_digest_button))
    app.action(digest_ids.ADD_FOR_OUTSIDERS)(adapter.to(handle_digest_added_after_all))
    for action_id in (digest_ids.OPEN_LIST, digest_ids.OPEN_ATTENTION):
        app.action(action_id)(adapter.to(handle_open_list))
    for action_id in (digest_ids.ADD, digest_ids.SETTINGS):
        app.action(action_id)(adapter.to(handle_digest_settings))
    app.action(digest_ids.SHOW)(adapter.to(handle_digest_list))
    app.action(digest_ids.HELP)(adapter.to(handle_digest_help))
    app.view(digest_ids.FORM)(adapter.to(handle_digest_form))
    app.event("app_home_opened")(adapter.to(handle_home, refused=refuse_home))
    app.event("app_mention")(adapter.to(handle_question_in_words))
    app.event("message")(adapter.to(handle_question_in_words))
