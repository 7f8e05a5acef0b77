"""The form as Slack shows it: what is in it, that Slack takes it, and a whole round through a local Slack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.clock import AdjustableClock
from bot.features.form.fields import (
    BETWEEN,
    Opened,
    Where,
    build_form,
    build_loading_form,
    kept_terms,
    read_form,
    suggested_query,
)
from bot.features.form.found_ids import FoundIds, find_ids
from bot.query.parser import format_query, parse_query
from bot.query.terms import RecordingQuery, Status
from bot.sandbox.slack.block_rules import check_blocks, check_view
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import ASKER, GENERAL
from bot.slack import ids
from bot.slack.forms import FormErrors
from bot.slack.ids import FormField
from bot.slack.message_text import texts_of_message
from tests.bolt_apps import bolt_app, manifest, served_over_http

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

    from bot.sandbox.slack.views import View

NOW = 1_795_417_200.0
BERLIN = "Europe/Berlin"
T1, T2 = "YRHu6-E4IyvEAAAD", "X3CgNeE4I1qAAABN"
TEN_ROOMS = tuple(f"{number}{'&' * 127}" for number in range(10))


def form(text: str | None = "", **how: Any) -> dict[str, Any]:
    query = None if text is None else parse_query(text, NOW, BERLIN)
    return build_form(query=query, zone=BERLIN, **{"opened": Opened.CHANNEL, **how})


def block(view: dict[str, Any], block_id: str) -> dict[str, Any]:
    return next(block for block in view["blocks"] if block.get("block_id") == block_id)


def offered(view: dict[str, Any], block_id: str) -> list[str]:
    return [option["text"]["text"] for option in block(view, block_id)["element"]["options"]]


VIEWS = {
    "everything": form(),
    "loading": build_loading_form(),
    "loading a message": build_loading_form(reading=True),
    "all that can be there": form(
        None,
        opened=Opened.ANYWHERE,
        found=FoundIds((T1, T2), ("1230", "88")),
        note="Nothing in the thread could be read: <!channel> & more. " * 60,
        private_metadata="x" * 3000,
    ),
    "the longest rooms": build_form(
        query=RecordingQuery(rooms=TEN_ROOMS),
        zone=BERLIN,
        opened=Opened.THREAD,
        found=FoundIds((), TEN_ROOMS),
    ),
    "many found": form(
        None,
        found=FoundIds(
            tuple(f"{T1[:-1]}{number}" for number in range(10)), tuple(str(n) * 99 for n in range(10))
        ),
    ),
    "found beside a query": form("room=1230", found=FoundIds((T1,), ("1230", "88"))),
    "an unusual window": form('from="yesterday 14:00:30.123456+05:30" to="yesterday 23:59:59.999999-09:30"'),
    "pickers filled in": form("from=2026-11-20T14:00 to=2026-11-21"),
    "a task": form(f"task={T1}"),
    "a direct message": form("", opened=Opened.DIRECT),
    "an unknown zone": build_form(query=None, zone="nowhere", opened=Opened.CHANNEL),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_slack_takes_the_form(view: dict[str, Any]) -> None:
    assert check_view(view) == []
    assert check_blocks(view["blocks"], "modal") == []
    block_ids = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    assert len(block_ids) == len(set(block_ids))
    assert json.loads(json.dumps(view)) == view


def test_the_form_is_called_what_it_does() -> None:
    view = form()
    assert (view["title"]["text"], view["submit"]["text"], view["close"]["text"]) == (
        *("Find recordings", "Search"),
        "Cancel",
    )
    assert view["callback_id"] == ids.FORM == build_loading_form()["callback_id"]
    assert "submit" not in build_loading_form()
    assert form("", private_metadata="kept")["private_metadata"] == "kept"


@pytest.mark.parametrize(
    ("reading", "words"), [(False, "One moment …"), (True, "Reading the message and its thread …")]
)
def test_the_loading_form_says_what_is_waited_for(reading: bool, words: str) -> None:
    [block] = build_loading_form(reading=reading)["blocks"]
    assert block["text"]["text"] == words


def test_only_what_a_query_needs_has_to_be_filled_in() -> None:
    view = VIEWS["all that can be there"]
    needed = [
        block["block_id"] for block in view["blocks"] if block["type"] == "input" and not block["optional"]
    ]
    assert needed == [
        *(FormField.SUBJECT, FormField.STATUS, FormField.WINDOW, FormField.ORDER, FormField.WHERE),
        FormField.CONVERSATION,
    ]


def test_every_status_can_be_chosen() -> None:
    assert offered(form(), FormField.STATUS) == [status.capitalize() for status in Status]


@pytest.mark.parametrize(
    ("text", "chosen", "windows"),
    [
        ("", "Last 24 h", 7),
        ("last=30m", "Last 30 min", 7),
        ("last=72h", "Last 3 d", 7),
        ("last=90m", "Last 1 h 30 min (as asked)", 8),
        ("from=today", "From today (as asked)", 8),
        ("to=now", "To now (as asked)", 8),
        ('from="yesterday 14:00" to=now', "From yesterday 14:00 to now (as asked)", 8),
        ("from=2026-11-20", "From … to … (below)", 7),
    ],
)
def test_a_window_that_is_not_common_is_offered_as_it_was_asked(text: str, chosen: str, windows: int) -> None:
    view = form(text)
    element = block(view, FormField.WINDOW)["element"]
    assert element["initial_option"]["text"]["text"] == chosen
    assert len(element["options"]) == windows
    assert element["options"][-1]["value"] == BETWEEN


def test_the_pickers_say_in_which_zone_they_are_read() -> None:
    tokyo = form("from=2026-11-20T14:00 tz=Asia/Tokyo")
    assert "Asia/Tokyo" in block(tokyo, FormField.FROM_DATE)["hint"]["text"]
    assert block(tokyo, FormField.FROM_DATE)["element"]["initial_date"] == "2026-11-20"
    assert block(tokyo, FormField.FROM_TIME)["element"]["initial_time"] == "14:00"
    assert block(tokyo, FormField.FROM_TIME)["element"]["timezone"] == "Asia/Tokyo"
    assert block(form(), FormField.TO_TIME)["element"]["timezone"] == BERLIN
    assert "UTC" in block(VIEWS["an unknown zone"], FormField.FROM_DATE)["hint"]["text"]


@pytest.mark.parametrize(
    ("opened", "answers"),
    [
        (Opened.CHANNEL, ["Only to me", "In the channel, for everybody"]),
        (Opened.THREAD, ["In the thread, for everybody", "Only to me"]),
        (Opened.ANYWHERE, ["Only to me", "In the channel, for everybody"]),
    ],
)
def test_the_answer_can_go_where_the_form_was_opened(opened: Opened, answers: list[str]) -> None:
    view = form("", opened=opened)
    assert offered(view, FormField.WHERE) == answers
    conversations = [block for block in view["blocks"] if block.get("block_id") == FormField.CONVERSATION]
    assert len(conversations) == (opened is Opened.ANYWHERE)
    for conversation in conversations:
        assert conversation["element"]["response_url_enabled"]
        assert conversation["element"]["default_to_current_conversation"]


def test_a_single_found_room_is_typed_and_several_are_ticked() -> None:
    one = form(None, found=FoundIds(rooms=("1230",)))
    assert block(one, FormField.ROOMS)["element"]["initial_value"] == "1230"
    assert all(block.get("block_id") != FormField.FOUND_ROOMS for block in one["blocks"])
    two = form(None, found=FoundIds(rooms=("1230", "88")))
    assert "initial_value" not in block(two, FormField.ROOMS)["element"]
    element = block(two, FormField.FOUND_ROOMS)["element"]
    assert element["initial_options"] == element["options"]
    assert offered(two, FormField.FOUND_ROOMS) == ["1230", "88"]


def test_beside_a_query_found_rooms_are_offered_unticked() -> None:
    view = form("room=1230", found=FoundIds(rooms=("88", "1230")))
    assert block(view, FormField.ROOMS)["element"]["initial_value"] == "1230"
    assert offered(view, FormField.FOUND_ROOMS) == ["88"]
    assert "initial_options" not in block(view, FormField.FOUND_ROOMS)["element"]


@pytest.mark.parametrize(
    ("text", "found", "chosen"),
    [
        (None, FoundIds((T1, T2)), f"Details of task {T1}"),
        (None, FoundIds((T1, T2), ("1230",)), "Recordings, by the fields below"),
        ("room=88", FoundIds((T1, T2)), "Recordings, by the fields below"),
        (f"task={T2}", FoundIds((T1, T2)), f"Details of task {T2}"),
    ],
)
def test_details_of_a_found_task_can_be_chosen(text: str | None, found: FoundIds, chosen: str) -> None:
    view = form(text, found=found)
    assert block(view, FormField.SUBJECT)["element"]["initial_option"]["text"]["text"] == chosen
    assert sorted(offered(view, FormField.SUBJECT)) == sorted(
        ["Recordings, by the fields below", f"Details of task {T1}", f"Details of task {T2}"]
    )


def test_without_a_task_nothing_asks_what_to_look_for() -> None:
    assert all(block.get("block_id") != FormField.SUBJECT for block in form()["blocks"])


def test_the_form_says_which_command_does_the_same() -> None:
    last = form('room="a&b c",88 status=failed')["blocks"][-1]
    assert last["elements"][0]["text"] == (
        'Left as it is, the same as `/recordings room="a&amp;b c",88 status=failed last=24h`; '
        "below the answer stands the command for what you choose."
    )
    assert form(None, found=FoundIds(rooms=("1",)))["blocks"][-1]["elements"][0]["text"].startswith(
        "Left as it is, the same as `/recordings room=1 last=3d`;"
    )
    assert all(block.get("block_id") != FormField.COMMAND for block in VIEWS["the longest rooms"]["blocks"])


def test_what_comes_from_outside_is_escaped_and_shortened() -> None:
    rooms = ("<!channel>", "&" * 128, "88")
    view = form(None, found=FoundIds(rooms=rooms), note="see <@U0ASKER1>")
    assert view["blocks"][0]["text"]["text"] == "see &lt;@U0ASKER1&gt;"
    shown = offered(view, FormField.FOUND_ROOMS)
    assert shown == ["&lt;!channel&gt;", "88"]
    long = form(None, found=FoundIds(rooms=("x" * 128, "88")))
    assert offered(long, FormField.FOUND_ROOMS) == [f"{'x' * 74}…", "88"]


# A whole round: message shortcut → loading → filled in → submitted.


def triage(app: AsyncApp) -> list[Any]:
    """The listeners in small: what they keep in private_metadata is what `read_form` needs back."""
    results: list[Any] = []

    async def open_form(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
        await ack()
        opened = await client.views_open(trigger_id=shortcut["trigger_id"], view=build_loading_form())
        found = find_ids(texts_of_message(shortcut["message"]))
        view = build_form(
            query=None,
            zone=BERLIN,
            opened=Opened.THREAD,
            found=found,
            private_metadata=kept_terms(suggested_query(found)),
        )
        await client.views_update(view_id=opened["view"]["id"], hash=opened["view"]["hash"], view=view)

    async def open_anywhere(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
        await ack()
        view = build_form(query=None, zone=BERLIN, opened=Opened.ANYWHERE)
        await client.views_open(trigger_id=shortcut["trigger_id"], view=view)

    async def submit(ack: Any, view: dict[str, Any], body: dict[str, Any]) -> None:
        try:
            result = read_form(view["state"], now=NOW, zone=BERLIN, fallback=view["private_metadata"])
        except FormErrors as error:
            await ack(response_action="errors", errors=error.errors)
            return
        results.append((format_query(result.query), result.where, body["response_urls"]))
        await ack()

    app.shortcut("read")(open_form)
    app.shortcut("find")(open_anywhere)
    app.view(ids.FORM)(submit)
    return results


async def filled_view(slack: LocalSlack) -> View:
    def ready() -> View | None:
        view = slack.view_of(ASKER)
        return view if view and view.body.get("submit") else None

    view = await slack.wait_for(ready)
    assert view is not None
    return view


async def test_a_message_shortcut_asks_for_the_rooms_of_its_message_in_the_thread() -> None:
    async with LocalSlack(manifest=manifest(), clock=AdjustableClock(NOW)) as slack:
        app = bolt_app(slack)
        results = triage(app)
        async with served_over_http(app, slack):
            message = slack.write(f"rooms 1230 and `a&amp;b` are empty, task {T1}")
            await slack.message_shortcut(message)
            view = await filled_view(slack)
            delivery = await slack.submit_view(view)
            assert delivery.ok
            assert slack.view_of(ASKER) is None
            assert results == [("room=1230,a&b last=3d", Where.THREAD, [])]


async def test_a_filled_in_form_asks_what_it_says() -> None:
    async with LocalSlack(manifest=manifest(), clock=AdjustableClock(NOW)) as slack:
        app = bolt_app(slack)
        results = triage(app)
        async with served_over_http(app, slack):
            await slack.message_shortcut(slack.write(f"room 1230, room 88, task {T1}"))
            view = await filled_view(slack)
            await slack.submit_view(
                view,
                {
                    "Rooms found in the message": ["88"],
                    "Rooms": "main",
                    "Status": "Ongoing",
                    "Started within": "Last 6 h",
                    "Order": "Oldest first",
                    "Show the answer": "Only to me",
                },
            )
            await slack.message_shortcut(slack.write(f"room 1230, task {T1}"))
            view = await filled_view(slack)
            await slack.submit_view(view, {"Look for": f"Details of task {T1}"})
            assert results == [
                ("room=main,88 status=ongoing last=6h sort=oldest", Where.PRIVATE, []),
                (f"task={T1}", Where.THREAD, []),
            ]


async def test_mistakes_are_shown_beside_their_fields_and_can_be_put_right() -> None:
    async with LocalSlack(manifest=manifest(), clock=AdjustableClock(NOW)) as slack:
        app = bolt_app(slack)
        results = triage(app)
        async with served_over_http(app, slack):
            await slack.message_shortcut(slack.write("room 1230"))
            view = await filled_view(slack)
            delivery = await slack.submit_view(view, {"Rooms": "1230 88", "From: date": "2026-11-25"})
            assert delivery.ok
            assert view.errors == {
                FormField.ROOMS: "`room=` is given twice. Did you mean `1230,88`?",
                FormField.FROM_DATE: (
                    "`from=2026-11-25` is in the future; it is Mon 23 Nov 08:00 (Europe/Berlin)."
                ),
            }
            assert results == []
            await slack.submit_view(view, {"Rooms": "1230,88", "From: date": "2026-11-22"})
            assert slack.view_of(ASKER) is None
            assert results == [("room=1230,88 from=2026-11-22 tz=Europe/Berlin", Where.THREAD, [])]


async def test_a_global_shortcut_asks_in_which_conversation_and_can_answer_there() -> None:
    async with LocalSlack(manifest=manifest(), clock=AdjustableClock(NOW)) as slack:
        app = bolt_app(slack)
        results = triage(app)
        async with served_over_http(app, slack):
            await slack.shortcut("find")
            await slack.submit_view(
                await filled_view(slack),
                {"Conversation": GENERAL, "Show the answer": "In the channel, for everybody"},
            )
            [(query, where, response_urls)] = results
            assert (query, where) == ("last=24h", Where.CHANNEL)
            assert [(url["block_id"], url["channel_id"]) for url in response_urls] == [
                (FormField.CONVERSATION, GENERAL)
            ]
