"""The local Slack's Web API: what it refuses as Slack does, and that slack_sdk works with it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, FormData
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import AdjustableClock
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import (
    ARCHIVED,
    ASKER,
    BOT_USER,
    DM_ASKER,
    GENERAL,
    NO_BOT,
    PARTNER,
    PRIVATE,
    PRIVATE_NO_BOT,
    READER,
)
from tests.bolt_apps import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START = 1_795_420_800.0
HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Recordings"}}
VIEW = {"type": "modal", "title": {"type": "plain_text", "text": "Find"}, "blocks": [HEADER]}
HOME = {"type": "home", "blocks": [HEADER]}


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(manifest=manifest(), clock=AdjustableClock(START, rate=0)) as local:
        yield local


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def refusal(client: AsyncWebClient, method: str, **args: Any) -> dict[str, Any]:
    """Call a method with a JSON body and return Slack's refusal."""
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=args)
    answer = caught.value.response.data
    assert isinstance(answer, dict)
    return answer


def post(channel: str = GENERAL, **fields: Any) -> dict[str, Any]:
    return {"channel": channel, "text": "hello", **fields}


BAD_BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]
LONG_BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2700}} for _ in range(5)]

REFUSED = [
    ("chat.postMessages", {}, "unknown_method"),
    ("chat.postMessage", {"text": "hello"}, "channel_not_found"),
    ("chat.postMessage", post("C0NOWHERE1"), "channel_not_found"),
    ("chat.postMessage", post("general"), "channel_not_found"),
    ("chat.postMessage", post(PRIVATE_NO_BOT), "channel_not_found"),
    ("chat.postMessage", post(NO_BOT), "not_in_channel"),
    ("chat.postMessage", post(ARCHIVED), "is_archived"),
    ("chat.postMessage", {"channel": GENERAL}, "no_text"),
    ("chat.postMessage", post(text="", blocks=[]), "no_text"),
    ("chat.postMessage", post(text="x" * 40_001), "msg_too_long"),
    ("chat.postMessage", post(blocks=BAD_BLOCKS), "invalid_blocks"),
    ("chat.postMessage", post(blocks="[{"), "invalid_blocks_format"),
    ("chat.postMessage", post(blocks={"type": "divider"}), "invalid_blocks_format"),
    ("chat.postMessage", post(blocks=[{"type": "divider"}] * 51), "invalid_blocks"),
    ("chat.postMessage", post(blocks=LONG_BLOCKS), "msg_blocks_too_long"),
    ("chat.postMessage", post(attachments=[{"text": "x"}]), "invalid_attachments"),
    ("chat.postMessage", post(thread_ts="1.000001"), "thread_not_found"),
    ("chat.postMessage", post(metadata="slot"), "invalid_metadata_format"),
    ("chat.postMessage", post(metadata={"event_type": "slot"}), "invalid_metadata_schema"),
    ("chat.postEphemeral", post(user=PARTNER), "user_not_in_channel"),
    ("chat.postEphemeral", post(NO_BOT, user=ASKER), "not_in_channel"),
    ("chat.postEphemeral", post(ARCHIVED, user=ASKER), "is_archived"),
    ("chat.update", post(ts="1.000001"), "message_not_found"),
    ("chat.delete", {"channel": GENERAL, "ts": "1.000001"}, "message_not_found"),
    ("conversations.open", {}, "users_list_not_supplied"),
    ("conversations.open", {"users": "U0NOBODY1"}, "user_not_found"),
    ("conversations.open", {"users": BOT_USER}, "cannot_dm_bot"),
    ("views.open", {"view": VIEW}, "invalid_trigger_id"),
    ("views.open", {"view": {**VIEW, "title": None}}, "invalid_arguments"),
    ("views.open", {"view": HOME}, "invalid_arguments"),
    ("views.open", {}, "invalid_arguments"),
    ("views.update", {"view_id": "V0", "view": VIEW}, "not_found"),
    ("views.publish", {"user_id": "U0NOBODY1", "view": HOME}, "user_not_found"),
    ("views.publish", {"user_id": ASKER, "view": VIEW}, "invalid_arguments"),
    ("files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
    ("files.completeUploadExternal", {"files": []}, "invalid_arguments"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
    # These read forms only: a JSON body says nothing to them.
    ("users.info", {"user": ASKER}, "user_not_found"),
    ("conversations.info", {"channel": GENERAL}, "invalid_arguments"),
    ("files.getUploadURLExternal", {"filename": "a.csv", "length": 3}, "invalid_arguments"),
]


@pytest.mark.parametrize(("method", "args", "error"), REFUSED, ids=lambda v: v if isinstance(v, str) else "")
async def test_refuses_as_slack_does(
    slack: LocalSlack, client: AsyncWebClient, method: str, args: dict[str, Any], error: str
) -> None:
    assert (await refusal(client, method, **args))["error"] == error
    assert slack.messages == []
    assert (slack.api_calls[-1].method, slack.api_calls[-1].error) == (method, error)


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("users.info", {"user": "U0NOBODY1"}, "user_not_found"),
        ("conversations.info", {"channel": PRIVATE_NO_BOT}, "channel_not_found"),
        ("conversations.history", {"channel": NO_BOT}, "not_in_channel"),
        ("conversations.history", {"channel": GENERAL, "limit": 1000}, "invalid_limit"),
        ("conversations.history", {"channel": GENERAL, "cursor": "bm8="}, "invalid_cursor"),
        ("conversations.replies", {"channel": GENERAL, "ts": "1.000001"}, "thread_not_found"),
        ("files.getUploadURLExternal", {"filename": "a.csv"}, "invalid_arguments"),
        ("files.getUploadURLExternal", {"filename": "a.csv", "length": 0}, "invalid_arguments"),
    ],
)
async def test_refuses_reading_what_is_not_there(
    client: AsyncWebClient, method: str, args: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError, match=error):
        await client.api_call(method, http_verb="GET", params=args)


async def test_the_messages_of_a_refusal_point_at_the_fault(client: AsyncWebClient) -> None:
    answer = await refusal(client, "chat.postMessage", **post(blocks=[HEADER, *BAD_BLOCKS]))
    why = "must be more than 0 characters [json-pointer:/blocks/1/text/text]"
    assert answer["errors"] == [why]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {why}"]
    answer = await refusal(client, "views.open", view={**VIEW, "blocks": BAD_BLOCKS})
    [message] = answer["response_metadata"]["messages"]
    assert message == "[ERROR] must be more than 0 characters [json-pointer:/view/blocks/0/text/text]"


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-of-another-app", "invalid_auth"), ("xapp", "not_allowed_token_type")],
)
async def test_refuses_other_tokens(slack: LocalSlack, token: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {slack.app_token if token == 'xapp' else token}"} if token else {}
    async with (
        ClientSession() as session,
        session.post(slack.api_url + "auth.test", headers=headers) as response,
    ):
        assert await response.json() == {"ok": False, "error": error}


@pytest.mark.parametrize(
    ("method", "args", "needed"),
    [
        ("chat.postMessage", {"channel": GENERAL, "text": "hello"}, "chat:write"),
        ("users.info", {"user": ASKER}, "users:read"),
        ("conversations.info", {"channel": GENERAL}, "channels:read,groups:read,im:read"),
        ("conversations.history", {"channel": PRIVATE}, "groups:history"),
        ("conversations.history", {"channel": DM_ASKER}, "im:history"),
        ("conversations.open", {"users": ASKER}, "im:write"),
        ("files.getUploadURLExternal", {"filename": "a.csv", "length": 3}, "files:write"),
    ],
)
async def test_names_the_scope_that_is_missing(method: str, args: dict[str, Any], needed: str) -> None:
    few = manifest(scopes=["commands", "channels:history"], events=[])
    async with LocalSlack(manifest=few, clock=AdjustableClock(START)) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(SlackApiError) as caught:
            await client.api_call(method, params=args)
        answer = caught.value.response
        expected = ("missing_scope", needed, "channels:history,commands")
        assert (answer["error"], answer["needed"], answer["provided"]) == expected


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, "invalid_json"),
        ({"data": b"[]", "headers": {"Content-Type": "application/json"}}, "json_not_object"),
        ({"data": b"a=b", "headers": {"Content-Type": "application/xml"}}, "invalid_post_type"),
    ],
)
async def test_refuses_bodies_it_cannot_read(slack: LocalSlack, sent: dict[str, Any], error: str) -> None:
    async with (
        ClientSession() as session,
        session.post(slack.api_url + "chat.postMessage", **sent) as response,
    ):
        assert (await response.json())["error"] == error


async def test_takes_forms_and_json_alike(slack: LocalSlack, client: AsyncWebClient) -> None:
    fields = {"channel": GENERAL, "text": "hello", "blocks": json.dumps([HEADER]), "unfurl_links": "false"}
    await client.api_call("chat.postMessage", data=fields)
    await client.api_call("chat.postMessage", json={**fields, "blocks": [HEADER]})
    await client.api_call("chat.postMessage", params=fields)
    assert [m.blocks[0]["text"] for m in slack.seen_by(READER, GENERAL)] == [HEADER["text"]] * 3
    assert {m.unfurl_links for m in slack.messages} == {False}


async def test_tells_whose_token_it_is_and_what_it_may(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == BOT_USER
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_history_can_be_as_little_as_apps_outside_of_the_marketplace_get(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    clock = slack.workspace.clock
    assert isinstance(clock, AdjustableClock)
    for n in range(20):
        slack.write(f"talk {n}")
    slack.limit_history()
    page = await client.conversations_history(channel=GENERAL, limit=200)
    assert (len(page["messages"]), page["has_more"]) == (15, True)
    clock.advance(59)
    with pytest.raises(SlackApiError) as refused:
        await client.conversations_history(channel=GENERAL)
    assert (refused.value.response.status_code, refused.value.response["error"]) == (429, "ratelimited")
    assert refused.value.response.headers["Retry-After"] == "1"
    await client.conversations_replies(channel=GENERAL, ts=page["messages"][0]["ts"])
    clock.advance(1)
    assert (await client.conversations_history(channel=GENERAL))["ok"]


async def test_tells_people_s_zones(client: AsyncWebClient) -> None:
    asker = (await client.users_info(user=ASKER))["user"]
    reader = (await client.users_info(user=READER))["user"]
    assert (asker["tz"], asker["tz_offset"]) == ("Europe/Berlin", 3600)
    assert (reader["tz"], reader["tz_offset"]) == ("America/Los_Angeles", -28800)


async def test_tells_what_a_channel_is_and_who_is_in_it(client: AsyncWebClient) -> None:
    private = (await client.conversations_info(channel=PRIVATE))["channel"]
    assert (private["is_private"], private["is_member"], private["is_archived"]) == (True, True, False)
    assert (await client.conversations_info(channel=NO_BOT))["channel"]["is_member"] is False
    first = await client.conversations_members(channel=GENERAL, limit=2)
    rest = await client.conversations_members(
        channel=GENERAL, limit=2, cursor=first["response_metadata"]["next_cursor"]
    )
    assert first["members"] + rest["members"] == sorted([ASKER, READER, BOT_USER])
    assert rest["response_metadata"]["next_cursor"] == ""


async def test_keeps_what_a_message_update_does_not_name(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=GENERAL, text="old", blocks=[HEADER])
    await client.chat_update(channel=GENERAL, ts=posted["ts"], text="new")
    [message] = slack.messages
    assert (message.text, message.shown_text) == ("new", "Recordings")
    await client.chat_update(channel=GENERAL, ts=posted["ts"], text="bare", blocks=[])
    assert message.shown_text == "bare"
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel=GENERAL, ts=posted["ts"], text="x" * 4001)
    await client.chat_delete(channel=GENERAL, ts=posted["ts"])
    assert slack.messages == []


async def test_changes_only_the_bot_s_own_messages(slack: LocalSlack, client: AsyncWebClient) -> None:
    message = slack.write("mine")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel=GENERAL, ts=message.ts, text="yours")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await client.chat_delete(channel=GENERAL, ts=message.ts)
    assert message.text == "mine"


async def test_keeps_metadata_for_whoever_asks_for_it(client: AsyncWebClient) -> None:
    slot = {"event_type": "digest_slot", "event_payload": {"slot": "2026-11-23T09:00Z"}}
    await client.chat_postMessage(channel=GENERAL, text="digest", metadata=slot)
    await client.chat_postMessage(channel=GENERAL, text="other")
    plain = await client.conversations_history(channel=GENERAL)
    assert [m["text"] for m in plain["messages"]] == ["other", "digest"]
    assert "metadata" not in plain["messages"][1]
    full = await client.conversations_history(channel=GENERAL, include_all_metadata=True, limit=2)
    assert full["messages"][1]["metadata"] == slot


async def test_reads_a_stretch_of_the_history(slack: LocalSlack, client: AsyncWebClient) -> None:
    stamps = [slack.write(str(n)).ts for n in range(5)]

    async def read(**args: Any) -> list[str]:
        answer = await client.conversations_history(channel=GENERAL, **args)
        return [message["text"] for message in answer["messages"]]

    assert await read(oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert await read(oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]
    page = await client.conversations_history(channel=GENERAL, limit=3)
    assert page["has_more"]
    assert await read(limit=3, cursor=page["response_metadata"]["next_cursor"]) == ["1", "0"]


async def test_posts_to_public_channels_with_the_scope_for_it() -> None:
    wide = manifest(scopes=["commands", "chat:write", "chat:write.public"], events=[])
    async with LocalSlack(manifest=wide, clock=AdjustableClock(START)) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        await client.chat_postMessage(channel=NO_BOT, text="hello")
        assert [m.text for m in slack.seen_by(READER, NO_BOT)] == ["hello"]


async def test_changes_nothing_in_an_archived_channel(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=GENERAL, text="old")
    slack.channels[GENERAL].is_archived = True
    for change in (
        client.chat_update(channel=GENERAL, ts=posted["ts"], text="new"),
        client.chat_delete(channel=GENERAL, ts=posted["ts"]),
    ):
        with pytest.raises(SlackApiError, match="is_archived"):
            await change
    assert [m.text for m in slack.messages] == ["old"]


async def test_keeps_threads_apart_from_the_channel(slack: LocalSlack, client: AsyncWebClient) -> None:
    parent = slack.write("room 1230 is lost")
    reply = await client.chat_postMessage(channel=GENERAL, text="found", thread_ts=parent.ts)
    assert [m.text for m in slack.seen_by(READER, GENERAL)] == ["room 1230 is lost"]
    assert [m.text for m in slack.seen_by(READER, GENERAL, parent.ts)] == ["room 1230 is lost", "found"]
    thread = await client.conversations_replies(channel=GENERAL, ts=parent.ts)
    assert [m["text"] for m in thread["messages"]] == ["room 1230 is lost", "found"]
    assert thread["messages"][0]["reply_count"] == 1
    assert len((await client.conversations_history(channel=GENERAL))["messages"]) == 1
    with pytest.raises(SlackApiError, match="thread_not_found"):
        await client.chat_postMessage(channel=GENERAL, text="deeper", thread_ts=reply["ts"])


async def test_shows_an_ephemeral_message_in_a_thread_only_where_there_is_one(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    parent = slack.write("room 1230 is lost")
    whisper = {"channel": GENERAL, "user": ASKER, "text": "psst", "thread_ts": parent.ts}
    await client.chat_postEphemeral(**whisper)
    assert [m.text for m in slack.messages] == ["room 1230 is lost"]
    slack.write("me too", user=READER, thread_ts=parent.ts)
    await client.chat_postEphemeral(**whisper)
    assert [m.text for m in slack.seen_by(ASKER, GENERAL, parent.ts)][-1] == "psst"
    assert [m.text for m in slack.seen_by(READER, GENERAL, parent.ts)][-1] == "me too"


async def test_an_ephemeral_message_is_never_read_or_changed(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    posted = await client.chat_postEphemeral(channel=GENERAL, user=ASKER, text="psst")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel=GENERAL, ts=posted["message_ts"], text="psst!")
    assert (await client.conversations_history(channel=GENERAL))["messages"] == []
    slack.reload(ASKER)
    assert slack.messages == []


async def test_a_trigger_opens_one_view_and_only_for_three_seconds(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    trigger = slack.platform.triggers.issue(ASKER)
    await client.views_open(trigger_id=trigger, view=VIEW)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=VIEW)
    late = slack.platform.triggers.issue(ASKER)
    slack.expire_triggers()
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=VIEW)


async def test_a_view_that_cannot_be_shown_does_not_use_the_trigger_up(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    trigger = slack.platform.triggers.issue(ASKER)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_open(trigger_id=trigger, view={**VIEW, "blocks": BAD_BLOCKS})
    await client.views_open(trigger_id=trigger, view=VIEW)


async def test_refuses_a_fourth_view_and_a_stale_hash(slack: LocalSlack, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=slack.platform.triggers.issue(ASKER), view=VIEW))["view"]
    for _ in range(2):
        await client.views_push(trigger_id=slack.platform.triggers.issue(ASKER, in_view="V1"), view=VIEW)
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=slack.platform.triggers.issue(ASKER, in_view="V1"), view=VIEW)
    await client.views_update(view_id=opened["id"], hash=opened["hash"], view=VIEW)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["id"], hash=opened["hash"], view=VIEW)


async def test_pushes_only_from_within_a_view(slack: LocalSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=slack.platform.triggers.issue(ASKER), view=VIEW)


async def test_refuses_a_stale_hash_of_a_home_tab(slack: LocalSlack, client: AsyncWebClient) -> None:
    first = await client.views_publish(user_id=ASKER, view=HOME)
    await client.views_publish(user_id=ASKER, view=HOME, hash=first["view"]["hash"])
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=ASKER, view=HOME, hash=first["view"]["hash"])


async def test_finds_a_view_by_its_external_id(slack: LocalSlack, client: AsyncWebClient) -> None:
    named = {**VIEW, "external_id": "form-1"}
    await client.views_open(trigger_id=slack.platform.triggers.issue(ASKER), view=named)
    renamed = {**named, "title": {"type": "plain_text", "text": "Found"}}
    await client.views_update(external_id="form-1", view=renamed)
    view = slack.view_of(ASKER)
    assert view is not None
    assert view.title == "Found"


async def test_refuses_a_home_tab_and_messages_that_the_manifest_turns_off() -> None:
    closed = manifest(events=[])
    closed["features"]["app_home"] = {"home_tab_enabled": False, "messages_tab_enabled": False}
    async with LocalSlack(manifest=closed, clock=AdjustableClock(START)) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        assert (await refusal(client, "views.publish", user_id=ASKER, view=HOME))["error"] == "not_enabled"
        answer = await refusal(client, "chat.postMessage", channel=ASKER, text="hello")
        assert answer["error"] == "messages_tab_disabled"


async def test_uploads_a_file_into_a_thread(slack: LocalSlack, client: AsyncWebClient) -> None:
    parent = slack.write("room 1230 is lost")
    await client.files_upload_v2(
        channel=GENERAL, thread_ts=parent.ts, filename="r.csv", content="a,b", initial_comment="2 rows"
    )
    [file] = slack.files
    assert (file.content, file.channel, file.thread_ts) == (b"a,b", GENERAL, parent.ts)
    assert [m.text for m in slack.seen_by(READER, GENERAL, parent.ts)] == ["room 1230 is lost", "2 rows"]


async def test_refuses_an_upload_that_is_not_as_announced(slack: LocalSlack, client: AsyncWebClient) -> None:
    announced = await client.files_getUploadURLExternal(filename="r.csv", length=3)
    form = FormData()
    form.add_field("file", b"a,b", filename="r.csv")
    async with ClientSession() as session:
        async with session.post(announced["upload_url"], data=b"a,b,c") as response:
            assert response.status == 400
        async with session.post(announced["upload_url"], data=form) as response:
            assert response.status == 400
    args = {"files": [{"id": announced["file_id"]}], "channel_id": GENERAL}
    assert (await refusal(client, "files.completeUploadExternal", **args))["error"] == "file_not_found"
    wrong = {"files": [{"id": announced["file_id"], "initial_comment": "x"}]}
    answer = await refusal(client, "files.completeUploadExternal", **wrong)
    assert "invalid additional property: initial_comment" in answer["response_metadata"]["messages"][0]


# Misbehaviour.


async def test_limits_rates_when_told_to(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.misbehave("chat.postMessage", status=429, retry_after=0)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await client.chat_postMessage(channel=GENERAL, text="hello")
    assert [(call.status, call.error) for call in slack.api_calls] == [(429, "ratelimited"), (200, "")]


async def test_fails_when_told_to_as_often_as_told(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.misbehave("chat.postMessage", error="fatal_error", times=2)
    slack.misbehave("chat.postMessage", status=503)
    for expected in ("fatal_error", "fatal_error", "503"):
        with pytest.raises(SlackApiError, match=expected):
            await client.chat_postMessage(channel=GENERAL, text="hello")
    await client.chat_postMessage(channel=GENERAL, text="hello")
    assert len(slack.messages) == 1


async def test_fails_only_where_the_arguments_are_so_until_told_to_behave(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.misbehave("chat.postMessage", status=503, times=9, only_if=lambda args: args["text"] == "a")
    await client.chat_postMessage(channel=GENERAL, text="b")
    with pytest.raises(SlackApiError, match="503"):
        await client.chat_postMessage(channel=GENERAL, text="a")
    slack.behave()
    await client.chat_postMessage(channel=GENERAL, text="a")
    assert [message.text for message in slack.messages] == ["b", "a"]


async def test_loses_the_answer_of_a_call_that_was_carried_out(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    slack.misbehave("chat.postMessage", hang=True, after_effect=True)
    call = asyncio.ensure_future(client.chat_postMessage(channel=GENERAL, text="hello"))
    await slack.wait_for(lambda: slack.messages)
    assert not call.done()
    call.cancel()
    assert [m.text for m in slack.messages] == ["hello"]
