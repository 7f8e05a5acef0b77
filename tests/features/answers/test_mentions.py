"""The bot mentioned in channels and threads, and written to directly."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.query.parser import format_query, parse_query
from bot.sandbox.slack.state import ASKER, BOT_USER, DM_ASKER, GENERAL, READER
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack.message_text import question_of_message
from tests.nightly.fuzz_deliveries import settled
from tests.world import HOUR_MS, MINUTE_MS, NOW, NOW_MS, World, a_world

if TYPE_CHECKING:
    from bot.sandbox.slack.state import Message


def answers(world: World, thread_ts: str, user: str = ASKER) -> list[Message]:
    """What the bot said in a thread, as a person sees it."""
    return [message for message in world.slack.seen_by(user, GENERAL, thread_ts) if message.from_bot]


async def answered(world: World, thread_ts: str, user: str = ASKER) -> Message:
    await world.slack.wait_for(lambda: answers(world, thread_ts, user))
    return answers(world, thread_ts, user)[-1]


async def test_a_mention_in_a_channel_starts_a_thread(either_world: World) -> None:
    world = either_world
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    asked, delivery = await world.slack.mention("room=1230 last=6h")
    assert delivery.ok
    answer = await answered(world, asked.ts)
    assert answer.thread_ts == asked.ts
    assert answer.ephemeral_for is None
    assert task in answer.text
    assert f"Asked by <@{ASKER}>" in answer.shown_text
    assert not answer.unfurl_links


async def test_a_mention_in_a_thread_is_answered_in_that_thread(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("Where is the recording?", channel=GENERAL)
    await world.slack.mention("room=1230 last=6h", thread_ts=root.ts)
    assert task in (await answered(world, root.ts)).text


async def test_in_a_thread_the_askers_clicks_change_the_answer_and_others_are_answered_there_privately(
    world: World,
) -> None:
    tasks = [
        world.zego.add_task(room_id="1230", began_ms=NOW_MS - (n + 1) * MINUTE_MS, status=2)
        for n in range(12)
    ]
    asked, _ = await world.slack.mention("room=1230 last=6h")
    answer = await answered(world, asked.ts)
    private = await world.press(answer, "Older ▶", user=READER)
    assert (private.ephemeral_for, private.thread_ts) == (READER, asked.ts)
    assert tasks[11] in private.text
    assert tasks[0] in answer.text
    changed = await world.press(answer, "Older ▶")
    assert (changed.ts, changed.thread_ts) == (answer.ts, asked.ts)
    assert tasks[11] in changed.text


@pytest.mark.parametrize(
    "text", ["", "help", "are you still recording my room?", "thanks!", "see http://x.y/?a=b"]
)
async def test_prose_gets_help_privately(world: World, text: str) -> None:
    root = world.slack.write("hello", channel=GENERAL)
    await world.slack.mention(text, thread_ts=root.ts)
    await world.slack.wait_for(lambda: any(m.ephemeral_for == ASKER for m in world.slack.messages))
    [private] = [message for message in world.slack.messages if message.ephemeral_for]
    assert "/recordings room=" in private.shown_text
    assert world.vendor_calls == 0


async def test_bare_words_that_are_a_question_are_answered(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    asked, _ = await world.slack.mention("1230 ongoing 6h")
    assert task in (await answered(world, asked.ts)).text


@pytest.mark.parametrize("slip", ["room=1230 status=ongoin", "statsu=ongoing"])
async def test_a_mistake_is_told_privately(world: World, slip: str) -> None:
    root = world.slack.write("hello", channel=GENERAL)
    await world.slack.mention(slip, thread_ts=root.ts)
    said = await answered(world, root.ts)
    assert said.ephemeral_for == ASKER
    assert "Did you mean" in said.shown_text
    assert "status=ongoing" in said.shown_text


async def test_an_edited_message_is_no_new_question(world: World) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    asked, _ = await world.slack.mention("room=1230 last=6h")
    await answered(world, asked.ts)
    await world.slack.edit_message(asked, asked.text.replace("6h", "5h"))
    assert len(answers(world, asked.ts)) == 1


async def test_an_event_is_answered_once_however_often_it_is_delivered(world: World) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    asked, delivery = await world.slack.mention("room=1230 last=6h")
    await answered(world, asked.ts)
    again = await world.slack.deliver_again(delivery)
    assert again.ok
    other, _ = await world.slack.mention("room=1230 last=1h")
    await answered(world, other.ts)
    assert len(answers(world, asked.ts)) == 1


async def test_a_direct_message_needs_no_mention(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    await world.slack.direct_message("room=1230 last=6h")
    await world.slack.wait_for(lambda: any(task in message.text for message in world.slack.messages))
    answer = world.slack.seen_by(ASKER, DM_ASKER)[-1]
    assert (answer.thread_ts, answer.ephemeral_for) == (None, None)
    await world.slack.direct_message("what is this?")
    await world.slack.wait_for(
        lambda: "/recordings room=" in world.slack.seen_by(ASKER, DM_ASKER)[-1].shown_text
    )


async def test_a_slow_answer_to_a_mention_takes_the_place_of_a_line_that_says_so(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=1.3), times=2)
    asked, _ = await world.slack.mention("room=1230 last=6h")
    waiting = await answered(world, asked.ts)
    assert "Still searching" in waiting.text
    await world.slack.wait_for(lambda: task in waiting.text)
    assert len(answers(world, asked.ts)) == 1


async def test_a_failure_is_private_and_the_line_that_said_it_was_searched_goes(world: World) -> None:
    world.zego.misbehave(Fault(FaultKind.LATENCY, seconds=2.2), times=1)
    world.zego.misbehave(Fault(FaultKind.CODE, code=100000016))
    asked, _ = await world.slack.mention("room=1230 last=6h")
    waiting = await answered(world, asked.ts)
    assert "Still searching" in waiting.text
    said = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages if "not enabled" in m.text), None), timeout_seconds=8
    )
    assert said.ephemeral_for == ASKER
    assert answers(world, asked.ts, READER) == []


async def test_people_who_may_not_ask_are_told_privately() -> None:
    async with a_world(ALLOWED_USERS=READER) as world:
        root = world.slack.write("hello", channel=GENERAL)
        await world.slack.mention("room=1230 last=6h", thread_ts=root.ts)
        said = await answered(world, root.ts)
        assert said.ephemeral_for == ASKER
        assert re.search("not on the list", said.shown_text)


async def test_editing_a_direct_message_is_no_question_and_no_offence() -> None:
    async with a_world(ALLOWED_USERS=ASKER) as world:
        task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
        message, _ = await world.slack.direct_message("room=1230 last=6h")
        await world.slack.wait_for(lambda: any(task in m.text for m in world.slack.messages))
        before = len(world.slack.messages)
        await world.slack.edit_message(message, "room=1230 last=5h")
        assert len(world.slack.messages) == before


DRESSED_UP = [
    # as code
    "`@Recordings room=1230 last=6h`",
    "@Recordings `room=1230 last=6h`",
    "@Recordings `room=1230` `last=6h`",
    "@Recordings room=`1230` last=`6h`",
    "@Recordings ```room=1230 last=6h```",
    "@Recordings ```\nroom=1230\nlast=6h\n```",
    # bold, italic, struck
    "@Recordings *room=1230 last=6h*",
    "*@Recordings room=1230 last=6h*",
    "*@Recordings* room=1230 last=6h",
    "@Recordings *room=1230* last=6h",
    "@Recordings *room*=1230 last=6h",
    "@Recordings room=*1230* last=6h",
    "@Recordings _room=1230 last=6h_",
    "@Recordings ~room=1230~ last=6h",
    "@Recordings *_room=1230_* ~*last=6h*~",
    "@Recordings *`room=1230`* last=6h",
    # quoted
    "&gt; @Recordings room=1230 last=6h",
    "@Recordings &gt; room=1230 last=6h",
    "&gt; @Recordings room=1230\n&gt; last=6h",
    "@Recordings\n&gt; *room=1230* last=6h",
    # with a sign behind the name
    "@Recordings: room=1230 last=6h",
    "@Recordings, room=1230 last=6h",
    "@Recordings - room=1230 last=6h",
    "@Recordings:room=1230 last=6h",
    # with an emoji, greetings and thanks
    ":wave: @Recordings room=1230 last=6h",
    "@Recordings :wave::skin-tone-3: room=1230 last=6h :pray:",
    "@Recordings room=1230 last=6h \U0001f64f",
    "@Recordings please room=1230 last=6h",
    "@Recordings room=1230 last=6h please",
    "@Recordings room=1230 last=6h, thanks!",
    "Hi @Recordings, good morning! Please: room=1230 last=6h. Thank you very much!",
    "@Recordings *room=1230 last=6h* please :+1:",
    # with the mention elsewhere
    "room=1230 last=6h @Recordings",
    # with the punctuation of a sentence
    "@Recordings last=6h room=1230?",
    "@Recordings last=6h room=1230.",
    "@Recordings last=6h room=1230!",
    "@Recordings last=6h room=1230?!",
    "@Recordings last=6h room=1230 ?",
    "@Recordings last=6h room=1230…",
    "@Recordings last=6h room=1230？",
    "@Recordings last=6h room=1230。",
    "@Recordings last=6h room=1230,",
    "@Recordings last=6h room=1230、",
    "@Recordings room=1230; last=6h",
    "@Recordings room=1230? last=6h",
    "@Recordings room=1230. last=6h.",
    "@Recordings room=1230! Last: 6h!",
    "@Recordings room=1230, last=6h.",
    "@Recordings 1230; 6h?",
    "@Recordings room=1230;last=6h",
    "@Recordings room=1230?last=6h?:wave:",
    '@Recordings room="1230". last="6h"!',
    "@Recordings room=`1230`. last=`6h`.",
    "@Recordings room = 1230? last = 6h?",
    "@Recordings? room=1230 last=6h",
    "Room=1230 last=6h, @Recordings!",
    # in a list
    "1. @Recordings room=1230 last=6h",
    "2) @Recordings room=1230 last=6h",
    "- @Recordings room=1230 last=6h",
    "• @Recordings room=1230 last=6h",
    "@Recordings\n• room=1230\n• last=6h",
    "@Recordings\n1. room=1230\n2. last=6h",
    # in quotes and brackets
    "@Recordings “room=1230 last=6h”",
    '@Recordings "room=1230 last=6h".',
    "@Recordings 'room=1230 last=6h?'",
    "@Recordings «room=1230» last=6h",
    "@Recordings: “room=1230” “last=6h”, thanks!",
    "@Recordings (room=1230 last=6h)",
    "@Recordings (room=1230) (last=6h)?",
    "@Recordings [room=1230] [last=6h]",
    # formatted in parts
    "@Recordings *room=*1230 last=6h",
    "@Recordings _room_=1230 last=6h",
    "@Recordings *Room:* 1230 *Last:* 6h",
    "@Recordings _room:_ `1230` _last:_ `6h`",
    "@Recordings *room=1230 last=6h*.",
    "@Recordings _room=1230 last=6h_!",
    # with more thanks
    "@Recordings room=1230 last=6h - thanks",
    "@Recordings room=1230 last=6h — thank you so much!!",
    "@Recordings room=1230 last=6h (thanks!)",
    "@Recordings room=1230 last=6h thx!!",
    "@Recordings room=1230 last=6h :ok_hand:.",
    "@Recordings room=1230 last=6h :-)",
    "@Recordings room=1230 last=6h &lt;3",
    "@Recordings thanks in advance :) room=1230 last=6h",
    "@Recordings hi - room=1230 last=6h",
    # with a command in it
    "@Recordings `/recordings room=1230 last=6h`",
]


def tagged(text: str) -> str:
    """The text as an event has it."""
    return text.replace("@Recordings", f"<@{BOT_USER}>")


@pytest.mark.parametrize("text", DRESSED_UP)
def test_a_question_is_read_however_it_is_formatted(text: str) -> None:
    for sent in (tagged(text), text):  # in code the name may stay as it was typed
        query = parse_query(question_of_message(sent), NOW, "UTC")
        assert format_query(query) == "room=1230 last=6h"


async def test_every_formatted_mention_is_answered_as_the_plain_one(world: World) -> None:
    task = world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    world.zego.add_task(room_id="7", began_ms=NOW_MS - HOUR_MS, status=2)
    for text in DRESSED_UP:
        asked, _ = await world.slack.mention(tagged(text))
        answer = await answered(world, asked.ts)
        assert answer.ephemeral_for is None, text
        assert "/recordings room=1230 last=6h" in answer.shown_text, text
        assert task in answer.text
        await world.slack.direct_message(text)
        await settled(world)
        assert "/recordings room=1230 last=6h" in world.slack.seen_by(ASKER, DM_ASKER)[-1].shown_text, text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("@Recordings `room=*1230*`", "room=*1230*"),  # in code, what is typed is meant
        ('@Recordings room="_x_"', 'room="_x_"'),
        ("@Recordings room=a_b_c room=_a", "room=a_b_c room=_a"),
        ("@Recordings room=_a,_b last=1h", "room=_a,_b last=1h"),
        ("@Recordings status=* room=class-*", "status=* room=class-*"),
        ("@Recordings status=* *room=7*", "status=* room=7"),
        ("@Recordings room=~1 last=~1h", "room=~1 last=~1h"),
        ("@Recordings room=thanks", "room=thanks"),
        ("@Recordings room=please,hi", "room=please,hi"),
        ("@Recordings status=ongoing :1230:", "status=ongoing :1230:"),
        ("@Recordings room=:wave:", "room=:wave:"),
        ("@Recordings status=ongoing `1230", "status=ongoing `1230"),
        ("@Recordings -h", "-h"),
        ("@Recordings ?", "?"),
        ("@Recordings `room=88.`", "room=88."),
        ("@Recordings room=`88;` last=6h.", "room=88; last=6h"),
        ('@Recordings room="88!" last=6h', 'room="88!" last=6h'),
        ("@Recordings room=“88.”", "room=“88.”"),
        ('@Recordings room=1, "(status=live)." last=6h.', 'room=1, "(status=live)." last=6h'),
        ('@Recordings room=1230, "status=ongoing"', 'room=1230, "status=ongoing"'),
        ("@Recordings room=a&amp; last=6h", "room=a&amp; last=6h"),
        ("@Recordings room=a&amp;, thanks", "room=a&amp;"),
        ("@Recordings room=a.b;c,d", "room=a.b;c,d"),
        ("@Recordings room=(88)", "room=(88)"),
        ("@Recordings room=a.thanks", "room=a.thanks"),
        ("@Recordings room=hi,thanks", "room=hi,thanks"),
        ("@Recordings *room=*88*", "room=*88"),
        ("@Recordings room=?", "room=?"),
        ('@Recordings from="1 h. ago". to=“now?”!', 'from="1 h. ago" to=“now?”'),
        ("@Recordings room=88;99", "room=88;99"),
        ("@Recordings ongoing?", "ongoing"),
        ("@Recordings done!", "done!"),
        ("@Recordings 1. Done!", "1. Done"),
        ("&gt; room 404 is gone\n@Recordings last=6h", "room 404 is gone\n  last=6h"),
        ("thanks, @Recordings!", ""),
    ],
)
def test_nothing_that_may_be_part_of_the_question_is_left_out(text: str, read: str) -> None:
    assert question_of_message(tagged(text)).split() == read.split()


@pytest.mark.parametrize(
    "text",
    [
        "&gt; room 404 is gone\n@Recordings last=6h",
        "status=ongoing :1230:",
        "done!",
        "1. Done!",
        "Done. room=88",
        "room=88; 99",
        "room=?",
        "`room=88?`",
        "(see room=88)",
    ],
)
async def test_what_cannot_be_read_for_sure_is_no_wider_question(world: World, text: str) -> None:
    world.zego.add_task(room_id="1230", began_ms=NOW_MS - HOUR_MS, status=2)
    root = world.slack.write("hello", channel=GENERAL)
    await world.slack.mention(tagged(text), thread_ts=root.ts)
    assert (await answered(world, root.ts)).ephemeral_for == ASKER
    assert world.vendor_calls == 0


@given(st.text(alphabet="ab1.,;!?()'\"*_~&<>=-:\ue000", min_size=1, max_size=12))
def test_a_value_in_code_stays_as_it_was_typed(room: str) -> None:
    room = escape(room, quote=False)
    read = question_of_message(f"(1) <@{BOT_USER}> *Room:* `{room}`, last=6h? Thanks!")
    assert read.split() == ["Room:", f"{room},", "last=6h"]


@given(st.text(alphabet="*_~`:@<>&;= ,.?!()\"'-“”\nabi1T\U0001f64f", max_size=200))
def test_the_words_of_a_message_stay_in_their_order(text: str) -> None:
    plain = question_of_message(text)
    kept = iter(text)
    assert all(letter in kept for letter in plain if letter.isalnum())
