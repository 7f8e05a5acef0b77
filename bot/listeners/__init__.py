"""Slack in, Slack out: every command and action beside the listener that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks import ids
from bot.blocks.details import IDS as DETAILS
from bot.digests import ids as digest_ids
from bot.listeners.actions import handle_export, handle_help, handle_navigation, handle_post
from bot.listeners.commands import handle_recordings_command
from bot.listeners.details import handle_details, handle_details_post, handle_link, handle_ticket
from bot.listeners.digests import (
    handle_digest_added_after_all,
    handle_digest_button,
    handle_digest_form,
    handle_digest_help,
    handle_digest_list,
    handle_digest_settings,
    handle_open_list,
)
from bot.listeners.events import handle_question_in_words
from bot.listeners.forms import handle_edit, handle_form, handle_global_shortcut, handle_message_shortcut
from bot.listeners.home import handle_home
from bot.triage.form_ids import FORM

if TYPE_CHECKING:
    from slack_bolt.app.async_app import AsyncApp

    from bot.listeners.door import Door


def register(app: AsyncApp, door: Door) -> None:
    """Put every listener in its place, each behind the same door."""
    app.command("/recordings")(door.to(handle_recordings_command))
    for action_id in (ids.NEWER, ids.OLDER, ids.REFRESH, ids.SHOW):
        app.action(action_id)(door.to(handle_navigation))
    app.action(ids.POST)(door.to(handle_post))
    app.action(ids.POST_TO_OUTSIDERS)(door.to(handle_post))
    app.action(ids.EXPORT)(door.to(handle_export))
    app.action(ids.HELP)(door.to(handle_help))
    app.action(ids.EDIT)(door.to(handle_edit))
    app.action(ids.OPEN_FORM)(door.to(handle_global_shortcut))
    app.shortcut(ids.FIND)(door.to(handle_message_shortcut))
    app.shortcut(ids.FIND_ANYWHERE)(door.to(handle_global_shortcut))
    app.view(FORM)(door.to(handle_form))
    app.action(ids.DETAILS)(door.to(handle_details))
    for action_id in (DETAILS.post, DETAILS.post_to_outsiders):
        app.action(action_id)(door.to(handle_details_post))
    app.action(DETAILS.support)(door.to(handle_ticket))
    app.action(DETAILS.open_file)(door.to(handle_link))
    for action_id in (digest_ids.PAUSE, digest_ids.RESUME, digest_ids.REMOVE, digest_ids.RUN):
        app.action(action_id)(door.to(handle_digest_button))
    for action_id in (digest_ids.RESUME_FOR_OUTSIDERS, digest_ids.RUN_FOR_OUTSIDERS):
        app.action(action_id)(door.to(handle_digest_button))
    app.action(digest_ids.ADD_FOR_OUTSIDERS)(door.to(handle_digest_added_after_all))
    for action_id in (digest_ids.OPEN_LIST, digest_ids.OPEN_ATTENTION):
        app.action(action_id)(door.to(handle_open_list))
    for action_id in (digest_ids.ADD, digest_ids.SETTINGS):
        app.action(action_id)(door.to(handle_digest_settings))
    app.action(digest_ids.SHOW)(door.to(handle_digest_list))
    app.action(digest_ids.HELP)(door.to(handle_digest_help))
    app.view(digest_ids.FORM)(door.to(handle_digest_form))
    app.event("app_home_opened")(door.to(handle_home))
    app.event("app_mention")(door.to(handle_question_in_words))
    app.event("message")(door.to(handle_question_in_words))
