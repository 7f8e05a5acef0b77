"""The local Slack, with a real Bolt app behind it: what Slack sends, shows and refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.clock import AdjustableClock
from bot.sandbox.slack.app_manifest import ManifestError, NotDeclaredError
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import (
    ARCHIVED,
    ASKER,
    DM_PEOPLE,
    GENERAL,
    NO_BOT,
    PARTNER,
    PRIVATE,
    READER,
    SHARED,
)
from tests.bolt_apps import bolt_app, connected_over_sockets, manifest, served_over_http

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

START = 1_795_420_800.0

BUTTON = {
    "type": "button",
    "text": {"type": "plain_text", "text": "Refresh"},
    "action_id": "refresh",
    "value": "v1|1|room=1230",
}
ANSWER = [
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*1 recording*"},
        "accessory": BUTTON,
        "block_id": "row",
    }
]


def form(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    rooms = {
        "type": "input",
        "block_id": "rooms",
        "label": {"type": "plain_text", "text": "Rooms"},
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    return {
        "type": "modal",
        "callback_id": "form",
        "title": {"type": "plain_text", "text": "Find recordings"},
        "submit": {"type": "plain_text", "text": "Find"},
        "blocks": [rooms, *blocks],
        **fields,
    }


WHERE = {
    "type": "input",
    "block_id": "where",
    "optional": True,
    "label": {"type": "plain_text", "text": "Where"},
    "element": {"type": "conversations_select", "action_id": "channel", "response_url_enabled": True},
}
STATUS = {
    "type": "input",
    "block_id": "status",
    "optional": True,
    "label": {"type": "plain_text", "text": "Status"},
    "element": {
        "type": "static_select",
        "action_id": "word",
        "options": [
            {"text": {"type": "plain_text", "text": "Failed"}, "value": "failed"},
            {"text": {"type": "plain_text", "text": "Running"}, "value": "ongoing"},
        ],
    },
}


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock(START)


def answers_with(app: AsyncApp, **ack_body: Any) -> None:
    async def answer(ack: Any) -> None:
        await ack(**ack_body)

    app.command("/recordings")(answer)


def opens(app: AsyncApp, view: dict[str, Any]) -> None:
    async def open_form(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    app.shortcut("find")(open_form)


def submission_answers_with(app: AsyncApp, **ack_body: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    async def answer(ack: Any, body: dict[str, Any]) -> None:
        seen.append(body)
        await ack(**ack_body)

    app.view("form")(answer)
    return seen


def texts(
    slack: LocalSlack, user: str = ASKER, channel: str = GENERAL, thread: str | None = None
) -> list[str]:
    return [message.text for message in slack.seen_by(user, channel, thread)]


# Commands.


@pytest.mark.usefixtures("connected")
async def test_the_acknowledgement_of_a_command_is_a_message_that_only_the_asker_sees(
    slack: LocalSlack, app: AsyncApp
) -> None:
    answers_with(app, text="1 recording", blocks=ANSWER)
    delivery = await slack.command("room=1230")
    assert delivery.ok
    assert delivery.elapsed_seconds < 3
    assert [m.shown_text for m in slack.seen_by(ASKER, GENERAL)] == ["*1 recording*\nRefresh"]
    assert delivery.message is not None
    assert delivery.message.buttons == ["Refresh"]
    assert texts(slack, READER) == []


@pytest.mark.usefixtures("connected")
async def test_an_answer_in_channel_is_seen_by_everybody(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app, text="1 recording", response_type="in_channel")
    await slack.command()
    assert texts(slack, READER) == ["1 recording"]


@pytest.mark.usefixtures("connected")
async def test_an_empty_acknowledgement_shows_nothing(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app)
    delivery = await slack.command()
    assert delivery.ok
    assert delivery.message is None
    assert slack.messages == []


@pytest.mark.usefixtures("served")
async def test_a_command_arrives_with_slack_s_fields_and_its_text_escaped(
    slack: LocalSlack, app: AsyncApp
) -> None:
    answers_with(app)
    delivery = await slack.command(" @asker <in> #general https://example.com ", channel=PRIVATE)
    sent = delivery.payload
    url = "<https://example.com>"
    assert sent["text"] == f"<@{ASKER}|asker> &lt;in&gt; <#{GENERAL}|general> {url}"
    assert sent["channel_name"] == "privategroup"
    assert sent["is_enterprise_install"] == "false"
    assert "thread_ts" not in sent
    assert {type(value) for value in sent.values()} == {str}


@pytest.mark.parametrize("connect", [served_over_http, connected_over_sockets])
async def test_without_an_acknowledgement_in_time_the_asker_sees_slack_s_own_words(
    clock: AdjustableClock, connect: Any
) -> None:
    async with LocalSlack(manifest=manifest(), clock=clock, ack_deadline_seconds=0.2) as slack:
        app = bolt_app(slack)

        async def never_acknowledges() -> None:
            pass

        app.command("/recordings")(never_acknowledges)
        async with connect(app, slack):
            delivery = await slack.command()
        assert (delivery.failure, delivery.status) == ("operation_timeout", None)
        assert texts(slack) == ['/recordings failed with the error "operation_timeout"']
        assert texts(slack, READER) == []


@pytest.mark.usefixtures("connected")
async def test_an_acknowledgement_with_bad_blocks_is_not_shown(slack: LocalSlack, app: AsyncApp) -> None:
    bad = [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]
    answers_with(app, text="1 recording", blocks=bad)
    delivery = await slack.command()
    assert delivery.failure == "invalid_command_response"
    assert texts(slack) == ['/recordings failed with the error "invalid_command_response"']


@pytest.mark.usefixtures("served")
async def test_a_command_nobody_listens_to_fails(slack: LocalSlack) -> None:
    delivery = await slack.command()
    assert (delivery.status, delivery.failure) == (404, "http_client_error")


async def test_an_app_that_is_not_there_fails_the_command(slack: LocalSlack) -> None:
    assert (await slack.command()).failure == "dispatch_failed"
    slack.deliver_over_http("http://127.0.0.1:1/slack/events")
    assert (await slack.command()).failure == "dispatch_failed"


async def test_an_app_with_another_signing_secret_takes_nothing(slack: LocalSlack) -> None:
    app = bolt_app(slack, signing_secret="of-another-app")
    answers_with(app, text="1 recording")
    async with served_over_http(app, slack):
        delivery = await slack.command()
    assert (delivery.status, delivery.message) == (401, None)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"command": "/recording"}, "/recording is not a valid command."),
        ({"thread_ts": "1.000001"}, "/recordings is not supported in threads. Sorry!"),
        ({"channel": ARCHIVED}, "this channel is archived"),
        ({"user": PARTNER, "channel": SHARED}, "/recordings is not a valid command."),
    ],
)
@pytest.mark.usefixtures("served")
async def test_slack_does_not_send_a_command_that_cannot_be(
    slack: LocalSlack, typed: dict[str, str], error: str
) -> None:
    delivery = await slack.command("room=1230", **typed)
    assert (delivery.error, delivery.status) == (error, None)
    assert slack.deliveries == []


async def test_somebody_from_outside_sees_only_what_is_shared(slack: LocalSlack) -> None:
    slack.write("for the team")
    slack.write("for both", channel=SHARED)
    assert texts(slack, READER) == ["for the team"]
    assert texts(slack, PARTNER) == []
    assert texts(slack, PARTNER, SHARED) == ["for both"]


async def test_a_person_cannot_type_where_they_are_not(slack: LocalSlack) -> None:
    with pytest.raises(ImpossibleError, match="is not in"):
        await slack.command(user=PARTNER, channel=GENERAL)


# Clicks and response_url.


def replaces(app: AsyncApp, **respond_body: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    async def handle(ack: Any, body: dict[str, Any], respond: Any) -> None:
        seen.append(body)
        await ack()
        await respond(**respond_body)

    app.action("refresh")(handle)
    return seen


@pytest.mark.usefixtures("connected")
async def test_a_click_on_an_ephemeral_message_replaces_it_in_place(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app, text="old", blocks=ANSWER)
    bodies = replaces(app, text="new", replace_original=True)
    message = (await slack.command()).message
    assert message is not None
    assert (await slack.click(message, "Refresh")).ok
    await slack.wait_for(lambda: texts(slack) == ["new"])
    [body] = bodies
    assert "message" not in body
    assert body["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": GENERAL,
        "is_ephemeral": True,
    }
    assert body["actions"][0]["value"] == "v1|1|room=1230"
    assert body["actions"][0]["block_id"] == "row"


@pytest.mark.usefixtures("connected")
async def test_a_click_on_a_posted_message_carries_it_and_can_answer_one_person(
    slack: LocalSlack, app: AsyncApp
) -> None:
    answers_with(app, text="old", blocks=ANSWER, response_type="in_channel")
    bodies = replaces(app, text="only for you", response_type="ephemeral", replace_original=False)
    message = (await slack.command()).message
    assert message is not None
    await slack.click(message, "refresh", user=READER)
    await slack.wait_for(lambda: texts(slack, READER) == ["old", "only for you"])
    assert texts(slack, ASKER) == ["old"]
    assert bodies[0]["message"]["ts"] == message.ts
    assert bodies[0]["message"]["blocks"] == message.blocks


@pytest.mark.parametrize("channel", [NO_BOT, DM_PEOPLE])
@pytest.mark.usefixtures("served")
async def test_a_response_url_works_where_the_bot_is_not(
    slack: LocalSlack, app: AsyncApp, channel: str
) -> None:
    answers_with(app, text="private", blocks=ANSWER)
    replaces(app, text="posted", response_type="in_channel", replace_original=False)
    message = (await slack.command(channel=channel)).message
    assert message is not None
    await slack.click(message, "Refresh")
    await slack.wait_for(lambda: texts(slack, READER, channel) == ["posted"])


@pytest.mark.usefixtures("served")
async def test_a_click_tells_the_team_of_a_person_from_outside(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app, text="old", blocks=ANSWER, response_type="in_channel")
    bodies = replaces(app, text="not for you", replace_original=False)
    message = (await slack.command(channel=SHARED)).message
    assert message is not None
    await slack.click(message, "Refresh", user=PARTNER)
    assert bodies[0]["user"]["team_id"] != bodies[0]["team"]["id"]


@pytest.mark.usefixtures("served")
async def test_nobody_clicks_what_they_do_not_see(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app, text="old", blocks=ANSWER)
    message = (await slack.command()).message
    assert message is not None
    with pytest.raises(ImpossibleError, match="does not see"):
        await slack.click(message, "Refresh", user=READER)
    with pytest.raises(ImpossibleError, match="no 'Post to channel' here"):
        await slack.click(message, "Post to channel")
    slack.reload(ASKER)
    with pytest.raises(ImpossibleError, match="does not see"):
        await slack.click(message, "Refresh")


@pytest.mark.usefixtures("served")
async def test_a_click_in_a_thread_tells_which(slack: LocalSlack, app: AsyncApp) -> None:
    bodies = replaces(app, text="new", replace_original=True)
    parent = slack.write("room 1230 is lost")
    posted = await app.client.chat_postMessage(
        channel=GENERAL, text="old", blocks=ANSWER, thread_ts=parent.ts
    )
    message = slack.workspace.find_message(GENERAL, posted["ts"])
    assert message is not None
    await slack.click(message, "Refresh")
    assert bodies[0]["container"]["thread_ts"] == bodies[0]["message"]["thread_ts"] == parent.ts
    await slack.wait_for(lambda: texts(slack, thread=parent.ts) == ["room 1230 is lost", "new"])


@pytest.mark.usefixtures("served")
async def test_a_menu_sends_what_was_chosen(slack: LocalSlack, app: AsyncApp) -> None:
    overflow = {"type": "overflow", "action_id": "refresh", "options": STATUS["element"]["options"]}
    answers_with(app, text="old", blocks=[{"type": "actions", "elements": [overflow]}])
    bodies = replaces(app, text="new", replace_original=True)
    message = (await slack.command()).message
    assert message is not None
    with pytest.raises(ImpossibleError, match="no option 'Lost'"):
        await slack.click(message, "refresh", value="Lost")
    await slack.click(message, "refresh", value="Running")
    assert bodies[0]["actions"][0]["selected_option"]["value"] == "ongoing"


@pytest.mark.usefixtures("served")
async def test_a_confirmation_that_is_declined_sends_nothing(slack: LocalSlack, app: AsyncApp) -> None:
    text = {"type": "plain_text", "text": "Sure?"}
    confirm = {"title": text, "text": text, "confirm": text, "deny": text}
    answers_with(app, text="old", blocks=[{"type": "actions", "elements": [{**BUTTON, "confirm": confirm}]}])
    message = (await slack.command()).message
    assert message is not None
    before = len(slack.deliveries)
    assert (await slack.click(message, "Refresh", confirm=False)).status is None
    assert len(slack.deliveries) == before


async def respond(slack: LocalSlack, url: str, body: dict[str, Any]) -> tuple[int, str]:
    assert slack._session is not None
    async with slack._session.post(url, json=body) as response:
        return response.status, await response.text()


@pytest.mark.usefixtures("served")
async def test_a_response_url_is_good_for_five_posts(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app)
    url = (await slack.command()).payload["response_url"]
    posts = [await respond(slack, url, {"text": str(n)}) for n in range(6)]
    assert posts[:5] == [(200, "ok")] * 5
    assert posts[5] == (404, '{"ok": false, "error": "used_url"}')
    assert texts(slack) == ["0", "1", "2", "3", "4"]


@pytest.mark.usefixtures("served")
async def test_a_response_url_is_good_for_thirty_minutes(
    slack: LocalSlack, app: AsyncApp, clock: AdjustableClock
) -> None:
    answers_with(app)
    url = (await slack.command()).payload["response_url"]
    clock.advance(29 * 60)
    assert (await respond(slack, url, {"text": "in time"}))[0] == 200
    clock.advance(61)
    assert await respond(slack, url, {"text": "late"}) == (404, '{"ok": false, "error": "expired_url"}')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"delete_original": True}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        (
            {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": ""}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "response_type": "everybody"}, "invalid_arguments"),
    ],
)
@pytest.mark.usefixtures("served")
async def test_a_response_url_refuses_what_cannot_be_shown(
    slack: LocalSlack, app: AsyncApp, body: dict[str, Any], error: str
) -> None:
    answers_with(app)
    url = (await slack.command()).payload["response_url"]
    status, text = await respond(slack, url, body)
    assert (status, json.loads(text)["error"]) == (400, error)
    assert slack.messages == []


@pytest.mark.usefixtures("served")
async def test_the_response_url_of_a_command_cannot_replace_its_answer(
    slack: LocalSlack, app: AsyncApp
) -> None:
    answers_with(app, text="first")
    url = (await slack.command()).payload["response_url"]
    await respond(slack, url, {"text": "second", "replace_original": True})
    assert texts(slack) == ["first", "second"]


@pytest.mark.usefixtures("served")
async def test_a_click_s_response_url_can_delete_the_message(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app, text="old", blocks=ANSWER)
    replaces(app, delete_original=True)
    message = (await slack.command()).message
    assert message is not None
    await slack.click(message, "Refresh")
    await slack.wait_for(lambda: slack.messages == [])


# Forms.


@pytest.mark.usefixtures("connected")
async def test_a_form_is_opened_filled_in_and_sent_off(slack: LocalSlack, app: AsyncApp) -> None:
    opens(app, form(STATUS, WHERE, private_metadata="m"))
    sent = submission_answers_with(app)
    await slack.shortcut("Find recordings")
    view = await slack.wait_for(lambda: slack.view_of(ASKER))
    await slack.submit_view(view, {"Rooms": "1230", "Status": "Running", "where": PRIVATE})
    assert slack.view_of(ASKER) is None
    [body] = sent
    values = body["view"]["state"]["values"]
    assert values["rooms"]["text"] == {"type": "plain_text_input", "value": "1230"}
    assert values["status"]["word"]["selected_option"]["value"] == "ongoing"
    assert values["where"]["channel"]["selected_conversation"] == PRIVATE
    assert body["view"]["private_metadata"] == "m"
    [hook] = body["response_urls"]
    assert hook["channel_id"] == PRIVATE
    await respond(slack, hook["response_url"], {"text": "posted", "response_type": "in_channel"})
    assert texts(slack, READER, PRIVATE) == ["posted"]


@pytest.mark.parametrize(
    ("ack_body", "title", "errors"),
    [
        (
            {"response_action": "errors", "errors": {"rooms": "No such room"}},
            "Find recordings",
            {"rooms": "No such room"},
        ),
        (
            {"response_action": "update", "view": form(title={"type": "plain_text", "text": "Next"})},
            "Next",
            {},
        ),
        ({"response_action": "push", "view": form(title={"type": "plain_text", "text": "Over"})}, "Over", {}),
    ],
)
@pytest.mark.usefixtures("connected")
async def test_the_answer_to_a_form_moves_it_on(
    slack: LocalSlack, app: AsyncApp, ack_body: dict[str, Any], title: str, errors: dict[str, str]
) -> None:
    opens(app, form())
    submission_answers_with(app, **ack_body)
    await slack.shortcut()
    await slack.wait_for(lambda: slack.view_of(ASKER))
    assert (await slack.submit_view(values={"Rooms": "1"})).ok
    view = slack.view_of(ASKER)
    assert view is not None
    assert (view.title, view.errors) == (title, errors)


@pytest.mark.parametrize(
    "ack_body",
    [
        {"response_action": "errors", "errors": {"no_such_block": "?"}},
        {"response_action": "update", "view": form(submit=None)},
        {"response_action": "close"},
    ],
)
@pytest.mark.usefixtures("served")
async def test_a_wrong_answer_to_a_form_leaves_it_open_with_slack_s_own_words(
    slack: LocalSlack, app: AsyncApp, ack_body: dict[str, Any]
) -> None:
    opens(app, form())
    submission_answers_with(app, **ack_body)
    await slack.shortcut()
    view = await slack.wait_for(lambda: slack.view_of(ASKER))
    delivery = await slack.submit_view(values={"Rooms": "1"})
    assert delivery.error == "We had some trouble connecting. Try again?"
    assert slack.view_of(ASKER) is view


@pytest.mark.usefixtures("served")
async def test_slack_itself_insists_on_fields_that_must_be_filled_in(
    slack: LocalSlack, app: AsyncApp
) -> None:
    opens(app, form(STATUS))
    await slack.shortcut()
    await slack.wait_for(lambda: slack.view_of(ASKER))
    with pytest.raises(ImpossibleError, match="Rooms must be filled in"):
        await slack.submit_view()
    with pytest.raises(ImpossibleError, match="Status: no option 'Lost'"):
        await slack.submit_view(values={"Rooms": "1", "Status": "Lost"})


@pytest.mark.usefixtures("served")
async def test_closing_a_form_is_told_only_where_asked_for(slack: LocalSlack, app: AsyncApp) -> None:
    closed: list[dict[str, Any]] = []

    async def handle(ack: Any, body: dict[str, Any]) -> None:
        closed.append(body)
        await ack()

    app.view_closed("form")(handle)
    opens(app, form())
    await slack.shortcut()
    await slack.wait_for(lambda: slack.view_of(ASKER))
    assert await slack.close_view() is None

    async def open_another(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=form(notify_on_close=True))

    app.shortcut("read")(open_another)
    await slack.message_shortcut(slack.write("room 1230 is lost"))
    await slack.wait_for(lambda: slack.view_of(ASKER))
    delivery = await slack.close_view()
    assert delivery is not None
    assert delivery.ok
    assert [body["is_cleared"] for body in closed] == [False]


@pytest.mark.usefixtures("served")
async def test_a_button_in_a_form_can_push_another(slack: LocalSlack, app: AsyncApp) -> None:
    opens(app, form({"type": "actions", "elements": [BUTTON]}))

    async def push(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        assert "response_url" not in body
        await client.views_push(
            trigger_id=body["trigger_id"], view=form(submit={"type": "plain_text", "text": "Ok"})
        )

    app.action("refresh")(push)
    await slack.shortcut()
    first = await slack.wait_for(lambda: slack.view_of(ASKER))
    await slack.click(first, "Refresh")
    second = await slack.wait_for(lambda: slack.view_of(ASKER) is not first and slack.view_of(ASKER))
    assert second.payload()["previous_view_id"] == first.id
    await slack.close_view()
    assert slack.view_of(ASKER) is first


@pytest.mark.usefixtures("connected")
async def test_a_message_shortcut_carries_the_whole_message(slack: LocalSlack, app: AsyncApp) -> None:
    seen: list[dict[str, Any]] = []

    async def handle(ack: Any, body: dict[str, Any], respond: Any) -> None:
        seen.append(body)
        await ack()
        thread_ts = body["message"]["ts"]
        await respond(text="found", thread_ts=thread_ts, response_type="in_channel", replace_original=True)

    app.shortcut("read")(handle)
    message = slack.write("room 1230 is lost", user=READER)
    await slack.message_shortcut(message)
    await slack.wait_for(lambda: texts(slack, thread=message.ts) == ["room 1230 is lost", "found"])
    assert seen[0]["message"]["text"] == "room 1230 is lost"
    assert seen[0]["message"]["user"] == READER


@pytest.mark.usefixtures("served")
async def test_a_form_may_be_sent_off_with_optional_fields_empty(slack: LocalSlack, app: AsyncApp) -> None:
    menus = {"type": "multi_conversations_select", "action_id": "some"}
    many = {**WHERE, "block_id": "many", "element": menus}
    quiet = {**WHERE, "element": {"type": "conversations_select", "action_id": "channel"}}
    opens(app, form(STATUS, quiet, many))
    sent = submission_answers_with(app)
    await slack.shortcut()
    await slack.wait_for(lambda: slack.view_of(ASKER))
    await slack.submit_view(values={"Rooms": "1", "channel": GENERAL})
    values = sent[0]["view"]["state"]["values"]
    assert values["status"]["word"]["selected_option"] is None
    assert values["many"]["some"]["selected_conversations"] == []
    assert sent[0]["response_urls"] == []


@pytest.mark.usefixtures("served")
async def test_an_update_keeps_what_is_filled_in_and_clear_closes_everything(
    slack: LocalSlack, app: AsyncApp
) -> None:
    opens(app, form({"type": "actions", "elements": [BUTTON]}))

    async def change(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_update(view_id=body["view"]["id"], view=form(STATUS))
        await client.views_push(trigger_id=body["trigger_id"], view=form())

    app.action("refresh")(change)
    submission_answers_with(app, response_action="clear")
    await slack.shortcut()
    first = await slack.wait_for(lambda: slack.view_of(ASKER))
    slack.fill_in(first, {"Rooms": "1230"})
    await slack.click(first, first.elements[-1])
    await slack.wait_for(lambda: slack.view_of(ASKER) is not first)
    assert first.state["rooms"]["text"]["value"] == "1230"
    assert list(first.state) == ["rooms", "status"]
    await slack.submit_view(values={"Rooms": "1"})
    assert slack.view_of(ASKER) is None


@pytest.mark.usefixtures("served")
async def test_opening_a_form_from_outside_replaces_the_one_that_is_open(
    slack: LocalSlack, app: AsyncApp
) -> None:
    opens(app, form())
    await slack.shortcut()
    first = await slack.wait_for(lambda: slack.view_of(ASKER))
    await slack.shortcut()
    second = await slack.wait_for(lambda: slack.view_of(ASKER) is not first and slack.view_of(ASKER))
    assert slack.platform.views.all() == [second]


# Only what the manifest declares exists.


async def test_what_the_manifest_does_not_declare_does_not_exist(clock: AdjustableClock) -> None:
    bare = manifest(events=[], interactivity=False, socket_mode=False)
    async with LocalSlack(manifest=bare, clock=clock) as slack:
        message = slack.write("hello")
        with pytest.raises(NotDeclaredError, match="app_mention"):
            await slack.mention("room=1230")
        with pytest.raises(NotDeclaredError, match=r"message\.im"):
            await slack.direct_message("room=1230")
        with pytest.raises(NotDeclaredError, match="app_home_opened"):
            await slack.open_home()
        with pytest.raises(NotDeclaredError, match="interactivity"):
            await slack.click(message, "Refresh")
        with pytest.raises(NotDeclaredError, match="interactivity"):
            await slack.message_shortcut(message)


async def test_an_undeclared_shortcut_does_not_exist(slack: LocalSlack) -> None:
    with pytest.raises(NotDeclaredError, match="no single global shortcut 'Lose recordings'"):
        await slack.shortcut("Lose recordings")


async def test_a_mention_reaches_nobody_where_the_bot_is_not(slack: LocalSlack) -> None:
    with pytest.raises(ImpossibleError, match="the bot is not in this channel"):
        await slack.mention("room=1230", channel=NO_BOT)


def test_a_manifest_that_contradicts_itself_is_not_taken(clock: AdjustableClock) -> None:
    wrong = manifest(scopes=["chat:write"])
    del wrong["features"]["bot_user"]
    with pytest.raises(ManifestError) as caught:
        LocalSlack(manifest=wrong, clock=clock)
    for part in ("app_mentions:read", "im:history", "the scope commands", "bot_user"):
        assert part in str(caught.value)


# The feed.


@pytest.mark.usefixtures("served")
async def test_the_feed_tells_every_change_as_json(slack: LocalSlack, app: AsyncApp) -> None:
    answers_with(app, text="old", blocks=ANSWER)
    replaces(app, text="new", replace_original=True)
    with slack.subscribe() as feed:
        message = (await slack.command()).message
        assert message is not None
        await slack.click(message, "Refresh")
        await slack.wait_for(lambda: texts(slack) == ["new"])
        events = [await anext(feed) for _ in range(feed.queue.qsize())]
    kinds = {event["type"] for event in events}
    assert {"ephemeral_added", "delivery", "ephemeral_changed", "api_call"} <= kinds
    assert json.loads(json.dumps(events)) == events


async def test_waiting_in_vain_tells_what_happened_instead(slack: LocalSlack) -> None:
    slack.write("hello")
    with pytest.raises(TimeoutError, match="hello"):
        await slack.wait_for(lambda: False, timeout_seconds=0.01)
