"""The sandbox's page in a real browser: what people see and do, with the real bot behind it."""

from __future__ import annotations

import copy
import csv
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.clock import AdjustableClock
from bot.sandbox.sandbox import PORTS_TRIED, Sandbox
from bot.sandbox.slack.delivery import ACK_SECONDS
from bot.sandbox.slack.state import ASKER, BOT_USER, GENERAL, Message
from bot.sandbox.time_passing import let_pass
from bot.sandbox.zego_faults import Fault, FaultKind
from bot.slack.manifest import load_manifest
from tests.chromium import needs_chromium, visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Locator, Page

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]

MOMENT = 1_795_442_602.0  # Mon 23 Nov 2026, 15:03:22 in Berlin, 06:03:22 in Los Angeles
QUESTION = "room=1230 status=ongoing last=6h"
PRIVATE = "Only visible to you"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared() -> AsyncIterator[Sandbox]:
    """One for all who leave its clock, its transport and its faults alone."""
    async with Sandbox(clock=AdjustableClock(MOMENT, rate=0)) as started:
        yield started


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """The shared one, with nothing in it that earlier tests have done."""
    slack = shared.slack
    slack.dispatcher.ack_deadline_seconds = ACK_SECONDS
    for forgotten in (slack.messages, slack.deliveries, slack.files, slack.platform.views.modals):
        forgotten.clear()
    shared.inspector.entries.clear()
    shared._furnish()
    return shared


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, sandbox: Sandbox) -> AsyncIterator[Page]:
    async with visit(browser, sandbox.url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def untouched_page(browser: Browser, shared: Sandbox) -> AsyncIterator[Page]:
    """For what the page's own modules work out."""
    async with visit(browser, shared.url) as opened:
        await expect(composer(opened)).to_be_visible()
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def own_sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=AdjustableClock(MOMENT)) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def own_page(browser: Browser, own_sandbox: Sandbox) -> AsyncIterator[Page]:
    async with visit(browser, own_sandbox.url) as opened:
        yield opened


def composer(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Message #general")


async def ask(page: Page, text: str) -> Locator:
    """Types a command and returns its answer, the newest message."""
    await expect(page.locator("#messages .beginning")).to_be_visible()  # what was said before is there
    before = await page.locator("#messages .message").count()
    await composer(page).fill(f"/recordings {text}")
    await composer(page).press("Enter")
    answers = page.locator("#messages .message")
    await expect(answers).to_have_count(before + 1)
    return answers.nth(before)


async def rows(answer: Locator) -> list[str]:
    return await answer.locator(".b-section:has(code)").all_inner_texts()


@pytest.mark.parametrize("socket_mode", [True, False], ids=["Socket Mode", "signed HTTP"])
async def test_a_command_is_answered_privately_with_its_rows(browser: Browser, socket_mode: bool) -> None:
    async with (
        Sandbox(clock=AdjustableClock(MOMENT, rate=0), socket_mode=socket_mode) as sandbox,
        visit(browser, sandbox.url) as page,
    ):
        answer = await ask(page, QUESTION)
        await expect(answer).to_contain_text(PRIVATE)
        await expect(answer).to_contain_text("Recordings · room 1230 · ongoing")
        shown = await rows(answer)
        assert len(shown) == 4
        assert all("room 1230" in row for row in shown)
        assert "today 14:43 · 20\u00a0min" in shown[0]
        await expect(answer).to_contain_text("as of 15:03:22")


async def test_one_pages_to_the_end_and_back(page: Page) -> None:
    answer = await ask(page, "room=1230 last=3d size=4")
    place = answer.locator(".b-context").last
    await expect(place).to_contain_text("Page 1 of ")
    first = await rows(answer)
    last = int(re.search(r"Page 1 of (\d+)", await place.inner_text())[1])  # type: ignore[index]
    assert last > 2
    for number in range(2, last + 1):
        await answer.get_by_role("button", name="Older ▶").click()
        await expect(place).to_contain_text(f"Page {number} of {last}")
    await expect(answer.get_by_role("button", name="Older ▶")).to_have_count(0)
    for number in range(last - 1, 0, -1):
        await answer.get_by_role("button", name="◀ Newer").click()
        await expect(place).to_contain_text(f"Page {number} of {last}")
    assert await rows(answer) == first


async def test_refresh_shows_what_has_begun_meanwhile(own_page: Page, own_sandbox: Sandbox) -> None:
    answer = await ask(own_page, "room=new-room last=1h")
    await expect(answer).to_contain_text("No recordings found")
    own_sandbox.zego.add_task(room_id="new-room", began_ms=own_sandbox.zego.now_ms() - 5_000)
    await answer.get_by_role("button", name="Refresh").click()
    await expect(answer).to_contain_text("1 recording found")
    await expect(answer.get_by_role("button", name="Refresh")).to_be_focused()


async def test_a_posted_answer_is_seen_by_others_at_their_local_time(page: Page) -> None:
    answer = await ask(page, QUESTION)
    await answer.get_by_role("button", name="Post to channel").click()
    posted = page.locator(".message", has_text="Asked by")
    await expect(posted).to_contain_text("today 14:43")
    await page.get_by_label("You act as").select_option("Reader")
    await expect(posted).to_contain_text("today 5:43 AM")
    await expect(page.locator(".message", has_text=PRIVATE)).to_have_count(0)
    await posted.get_by_role("button", name="Refresh").click()
    private = page.locator(".message", has_text=PRIVATE)
    await expect(private).to_contain_text("room 1230")
    await expect(posted).to_have_count(1)


async def test_details_open_in_a_modal_and_lead_on_to_a_ticket(page: Page) -> None:
    answer = await ask(page, "room=404")
    await answer.get_by_role("button", name="Details").click()
    details = page.get_by_role("dialog")
    await expect(details).to_contain_text("Lost:")
    await expect(details).to_contain_text("upload failed")
    await details.get_by_role("button", name="Copy for ZEGOCLOUD support").click()
    await expect(details.get_by_role("button", name="Back")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(details).to_contain_text("Lost:")
    await page.keyboard.press("Escape")
    await expect(details).to_have_count(0)


async def test_a_slip_is_answered_with_what_was_meant(page: Page) -> None:
    answer = await ask(page, "statsu=ongoing")
    await expect(answer).to_contain_text("Did you mean status=ongoing?")
    await answer.get_by_role("button", name="Ask that").click()
    await expect(answer).to_contain_text("all rooms · ongoing")


async def test_after_an_outage_one_tries_again(own_page: Page) -> None:
    await own_page.get_by_role("switch", name="ZEGOCLOUD is down").check()
    answer = await ask(own_page, "room=88")
    again = answer.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await own_page.get_by_role("switch", name="ZEGOCLOUD is down").uncheck()
    await again.click()
    await expect(answer).to_contain_text("1 recording found")


async def test_an_export_arrives_as_a_file_in_the_direct_messages(page: Page) -> None:
    answer = await ask(page, "room=1230 last=3d size=2")
    await answer.get_by_role("button", name="Export CSV").click()
    dm = page.locator("#app-rooms .room")
    await expect(dm.locator(".count")).to_be_visible()
    await dm.click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name=re.compile(r"recordings-.*\.csv")).click()
    path = await (await download.value).path()
    lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert len(lines) > 5
    assert all("1230" in line for line in lines[1:])


async def test_a_bot_that_does_not_answer_shows_slacks_own_words(
    own_page: Page, own_sandbox: Sandbox
) -> None:
    own_sandbox.slack.dispatcher.ack_deadline_seconds = 0.1
    await own_page.get_by_role("switch", name="The bot does not answer").check()
    answer = await ask(own_page, "help")
    await expect(answer).to_contain_text('/recordings failed with the error "operation_timeout"')


async def test_a_dropped_socket_comes_back(own_page: Page, own_sandbox: Sandbox) -> None:
    await own_page.get_by_role("button", name="Drop the socket").click()
    await expect(own_page.locator("#bot-state")).to_contain_text("0 connections")
    await own_sandbox.slack.wait_for(lambda: own_sandbox.slack.sockets.connections, timeout_seconds=20)
    await expect(own_page.locator("#bot-state")).to_contain_text("1 connection")
    await expect(await ask(own_page, QUESTION)).to_contain_text("4 recordings found")


async def test_the_transport_is_changed_while_it_runs_and_old_buttons_still_answer(own_page: Page) -> None:
    answer = await ask(own_page, "room=1230 last=3d size=4")
    await own_page.get_by_role("button", name="Use signed HTTP").click()
    await expect(own_page.locator("#bot-state")).to_have_text("Signed HTTP")
    await answer.get_by_role("button", name="Older ▶").click()
    await expect(answer).to_contain_text("Page 2 of")


async def test_the_clock_is_pushed_for_everything_at_once(own_page: Page) -> None:
    answer = await ask(own_page, QUESTION)
    await expect(answer).to_contain_text("today 14:43")
    await own_page.get_by_role("button", name="+1 day").click()
    await expect(answer).to_contain_text("yesterday 14:43")
    later = await ask(own_page, "room=88 last=3d")
    await expect(later).to_contain_text("3 recordings found")


async def test_a_push_of_the_clock_stops_where_a_digest_is_due(own_page: Page) -> None:
    await ask(own_page, 'digest add "every day at 09:00" room=900,88')
    await own_page.get_by_role("button", name="+1 day").click()
    digest = own_page.locator(".message").filter(has_text="every day at 09:00").last
    await expect(digest).to_contain_text("Needs attention", timeout=30_000)
    await expect(own_page.locator("body")).not_to_contain_text("skipped")


async def test_the_inspector_shows_calls_and_what_came_from_the_cache(own_page: Page) -> None:
    await own_page.get_by_role("tab", name="Inspector").click()
    await ask(own_page, QUESTION)
    entries = own_page.locator("#entries .entry")
    vendor = entries.filter(has_text="DescribeTasks · room 1230")
    await expect(vendor.first).to_contain_text("code 0")
    await vendor.first.locator("summary").first.click()
    await expect(vendor.first).to_contain_text('"TotalCount"')
    commands = entries.filter(has_text="/recordings room=1230")
    await expect(commands).to_have_count(1)
    await expect(commands.get_by_text("from cache")).to_have_count(0)
    await ask(own_page, QUESTION)
    await expect(commands.last.get_by_text("from cache")).to_be_visible()
    posts = entries.filter(has_text="response_url")
    await own_page.get_by_role("button", name="Post to channel").last.click()
    await expect(posts).to_have_count(2)
    await expect(posts.first.get_by_text("from cache")).to_be_visible()


async def test_commands_are_completed_and_recalled_by_keyboard(page: Page) -> None:
    box = composer(page)
    await box.focus()
    await page.keyboard.type("/re")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_contain_text("/recordings")
    await page.keyboard.press("Tab")
    await expect(box).to_have_value("/recordings ")
    await expect(page.locator(".usage").first).to_contain_text("room=1230 status=ongoing last=6h")
    await page.keyboard.type("help")
    await page.keyboard.press("Shift+Enter")
    await expect(box).to_have_value("/recordings help\n")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Show room")).to_be_visible()
    await expect(box).to_have_value("")
    await page.keyboard.press("ArrowUp")
    await expect(box).to_have_value("/recordings help\n")


async def test_what_people_write_is_marked_up_as_slack_does_it(page: Page) -> None:
    await composer(page).fill("@reader look at #triage: <b>1 & 2</b> https://example.com/a?b=1&c=2")
    await composer(page).press("Enter")
    message = page.locator(".message").last
    await expect(message.locator(".b-text")).to_have_text(
        "@Reader look at #triage: <b>1 & 2</b> https://example.com/a?b=1&c=2"
    )
    await expect(message.locator(".mention")).to_have_text(["@Reader", "#triage"])
    await expect(message.get_by_role("link")).to_have_attribute("href", "https://example.com/a?b=1&c=2")


async def test_a_mention_is_completed_and_answered_in_its_thread(page: Page) -> None:
    await composer(page).press_sequentially("@re")
    await page.get_by_role("listbox").get_by_role("option", name="@Recordings").click()
    await expect(composer(page)).to_have_value("@Recordings ")
    await composer(page).press_sequentially(QUESTION)
    await composer(page).press("Enter")
    message = page.locator("#messages .message", has_text=QUESTION)
    await message.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.locator(".message").last).to_contain_text("4 recordings found")


async def test_a_direct_message_is_answered_there(page: Page) -> None:
    await page.locator("#app-rooms .room").click()
    box = page.get_by_role("combobox", name="Message Recordings")
    await box.fill(QUESTION)
    await box.press("Enter")
    await expect(page.locator(".message").last).to_contain_text("4 recordings found")


async def test_time_can_pass_faster(own_page: Page, own_sandbox: Sandbox) -> None:
    await own_page.get_by_role("radio", name="600×").check()
    await expect(own_page.locator("#clock-now")).not_to_contain_text("15:03")
    assert own_sandbox.clock.now() > MOMENT + 30


async def test_a_home_tab_is_shown_once_it_is_published(browser: Browser) -> None:
    manifest = copy.deepcopy(load_manifest())
    manifest["settings"]["event_subscriptions"]["bot_events"].remove("app_home_opened")
    async with (
        Sandbox(clock=AdjustableClock(MOMENT), manifest=manifest) as sandbox,
        visit(browser, sandbox.url) as page,
    ):
        await page.locator("#app-rooms .room").click()
        await page.get_by_role("tab", name="Home").click()
        await expect(page.get_by_text("has not published its home tab yet")).to_be_visible()
        greeting = {"type": "header", "text": {"type": "plain_text", "text": "Good afternoon"}}
        sandbox.slack.platform.views.publish_home(ASKER, {"type": "home", "blocks": [greeting]})
        await expect(page.get_by_role("heading", name="Good afternoon")).to_be_visible()


async def test_a_thread_opens_beside_the_channel_and_escape_closes_it(page: Page) -> None:
    message = page.locator(".message", has_text="still being recorded")
    await message.hover()
    await message.get_by_role("button", name="Reply in thread").click()
    thread = page.get_by_role("complementary", name="Thread")
    box = thread.get_by_role("combobox")
    await box.fill("I look into it.")
    await box.press("Enter")
    await expect(thread.locator(".message")).to_have_count(2)
    await box.fill("/recordings help")
    await box.press("Enter")
    await expect(page.locator(".message", has_text="not supported in threads")).to_be_visible()
    await box.press("Escape")
    await expect(thread).to_be_hidden()
    await expect(message.get_by_role("button", name="1 reply")).to_be_visible()


async def test_a_phone_shows_everything_without_scrolling_sideways(
    browser: Browser, sandbox: Sandbox
) -> None:
    async with visit(browser, sandbox.url, width=375, height=740) as page:
        answer = await ask(page, QUESTION)
        await expect(answer.get_by_role("button", name="Export CSV")).to_be_in_viewport()
        assert await page.evaluate("document.documentElement.scrollWidth") == 375
        ends = "[...document.querySelectorAll('#messages *')].map((n) => n.getBoundingClientRect().right)"
        assert max(await page.evaluate(ends)) <= 375
        await page.get_by_role("button", name="Channels").click()
        await page.locator("#rooms").get_by_role("button", name="triage").click()
        await expect(page.get_by_role("heading", name="triage", level=1)).to_be_visible()
        await expect(page.get_by_label("You act as")).to_be_hidden()


async def test_a_lost_sandbox_is_told_and_found_again(browser: Browser) -> None:
    async with Sandbox(clock=AdjustableClock(MOMENT)) as first:
        port = int(first.url.rsplit(":", 1)[1].strip("/"))
        opened = visit(browser, first.url, may_fail="WebSocket")
        page = await opened.__aenter__()
        await expect(composer(page)).to_be_visible()
    await expect(page.get_by_text("Connection to the sandbox lost")).to_be_visible()
    async with Sandbox(port=port, clock=AdjustableClock(MOMENT)):
        await expect(page.get_by_text("Connection to the sandbox lost")).to_be_hidden()
        await expect(await ask(page, QUESTION)).to_contain_text("4 recordings found")
        await opened.__aexit__(None, None, None)


def with_shortcuts() -> dict[str, Any]:
    manifest = copy.deepcopy(load_manifest())
    manifest["features"]["shortcuts"] = [
        {"name": "Find here", "type": "message", "callback_id": "found-here", "description": "Reads it"},
        {"name": "Find anywhere", "type": "global", "callback_id": "anywhere", "description": "Asks"},
    ]
    return manifest


async def test_declared_shortcuts_stand_in_the_menus(browser: Browser) -> None:
    async with Sandbox(clock=AdjustableClock(MOMENT), manifest=with_shortcuts()) as sandbox:
        sandbox.slack.dispatcher.ack_deadline_seconds = 0.1  # the bot does not know them
        async with visit(browser, sandbox.url) as page:
            message = page.locator(".message", has_text="still being recorded")
            await message.hover()
            await message.get_by_role("button", name="More actions").click()
            await page.get_by_role("menuitem", name="Find here").click()
            await expect(page.get_by_role("status").filter(has_text="did not respond")).to_be_visible()
            await page.get_by_role("button", name="Shortcuts").click()
            await page.get_by_role("menuitem", name="Find anywhere").click()
            kinds = [delivery.payload["type"] for delivery in sandbox.slack.deliveries]
            await sandbox.slack.wait_for(lambda: len(sandbox.slack.deliveries) == 2)
            assert kinds[0] == "message_action"
            assert sandbox.slack.deliveries[1].payload["type"] == "shortcut"


def modal(**more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Form"}
    options = [
        {"text": {"type": "plain_text", "text": word}, "value": word.lower()} for word in ("One", "Two")
    ]
    inputs = {
        "room": {"type": "plain_text_input", "action_id": "a", "focus_on_load": True},
        "status": {"type": "static_select", "action_id": "a", "options": options},
        "many": {"type": "multi_static_select", "action_id": "a", "options": options},
        "boxes": {"type": "checkboxes", "action_id": "a", "options": options},
        "radio": {"type": "radio_buttons", "action_id": "a", "options": options},
        "day": {"type": "datepicker", "action_id": "a"},
        "time": {"type": "timepicker", "action_id": "a"},
        "where": {"type": "conversations_select", "action_id": "a", "default_to_current_conversation": True},
    }
    blocks = [
        {
            "type": "input",
            "block_id": name,
            "label": {"type": "plain_text", "text": name.title()},
            "element": element,
        }
        for name, element in inputs.items()
    ]
    return {
        "type": "modal",
        "callback_id": "form",
        "title": text,
        "submit": {"type": "plain_text", "text": "Send off"},
        "blocks": blocks,
        **more,
    }


async def test_a_form_is_filled_in_corrected_and_sent_off(page: Page, sandbox: Sandbox) -> None:
    views = sandbox.slack.platform.views
    sandbox.slack.dispatcher.ack_deadline_seconds = 0.1  # the bot does not know this form
    view = views.put_on_top(ASKER, modal())
    form = page.get_by_role("dialog", name="Form")
    await expect(form.get_by_label("Room")).to_be_focused()
    await form.get_by_label("Room").fill("1230")
    views.show_errors(view, {"room": "There is no such room."})
    await expect(form.get_by_text("There is no such room.")).to_be_visible()
    await expect(form.get_by_label("Room")).to_have_value("1230")
    await expect(form.get_by_label("Room")).to_have_attribute("aria-invalid", "true")
    await form.get_by_label("Status").select_option("Two")
    await form.locator("summary").click()
    await form.locator(".multi-list").get_by_label("One").check()
    await form.get_by_role("group", name="Boxes").get_by_label("Two").check()
    await form.get_by_role("radiogroup", name="Radio").get_by_label("One").check()
    await form.get_by_label("Day").fill("2026-11-23")
    await form.get_by_label("Time").fill("14:05")
    await form.get_by_role("button", name="Send off").click()
    await expect(form.get_by_text("We had some trouble connecting")).to_be_visible()
    values = sandbox.slack.deliveries[-1].payload["view"]["state"]["values"]
    filled = {name: next(v for k, v in state["a"].items() if k != "type") for name, state in values.items()}
    assert filled["status"]["value"] == "two"
    assert [option["value"] for option in filled["many"] + filled["boxes"]] == ["one", "two"]
    assert (filled["room"], filled["radio"]["value"]) == ("1230", "one")
    assert (filled["day"], filled["time"], filled["where"]) == ("2026-11-23", "14:05", GENERAL)


async def test_forms_are_stacked_updated_and_closed_by_escape(page: Page, sandbox: Sandbox) -> None:
    views = sandbox.slack.platform.views
    below = views.put_on_top(ASKER, modal())
    await page.get_by_role("dialog").get_by_label("Room").fill("88")
    above = views.put_on_top(ASKER, modal(title={"type": "plain_text", "text": "Above"}, blocks=[]))
    await expect(page.get_by_role("dialog", name="Above")).to_be_visible()
    views.change(above, modal(title={"type": "plain_text", "text": "Changed"}, blocks=[]))
    await expect(page.get_by_role("dialog", name="Changed")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Form").get_by_label("Room")).to_have_value("88")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert sandbox.slack.view_of(ASKER) is None
    assert below.id not in [view.id for view in views.all()]


NASTY = "<img src=x onerror=\"document.title='bad'\"> <script>alert(1)</script> <javascript:alert(1)|go>"


def every_block() -> list[dict[str, Any]]:
    plain = {"type": "plain_text", "text": NASTY[:70]}
    points = [{"label": "Mon", "value": 3}, {"label": "Tue", "value": 5}]
    axis = {"categories": ["Mon", "Tue"], "x_label": "day", "y_label": "recordings"}
    series = [{"name": "ended", "data": points}, {"name": "failed", "data": points}]
    cell = {"type": "raw_text", "text": NASTY}
    date = {"type": "date", "timestamp": int(MOMENT), "format": "{date_short} {time}", "fallback": "then"}
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": NASTY, "style": {"bold": True}}, date],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "link", "url": "javascript:alert(1)"}],
                    }
                ],
            },
        ],
    }
    confirm = {"title": plain, "text": plain, "confirm": plain, "deny": {"type": "plain_text", "text": "No"}}
    option = {"text": plain, "value": "v"}
    button = {"type": "button", "action_id": "sure", "text": {"type": "plain_text", "text": "Sure?"}}
    return [
        {"type": "header", "text": plain},
        {"type": "section", "text": {"type": "mrkdwn", "text": NASTY}, "fields": [plain, plain]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": NASTY}]},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [
                {**button, "style": "danger", "confirm": confirm},
                {"type": "overflow", "action_id": "o", "options": [option]},
                {"type": "static_select", "action_id": "s", "options": [option]},
            ],
        },
        rich,
        {"type": "table", "rows": [[cell, cell], [cell, rich]]},
        {
            "type": "data_table",
            "caption": "Rooms",
            "rows": [[cell], [{"type": "raw_number", "value": 5}], [cell]],
        },
        {"type": "markdown", "text": f"# {NASTY}\n- **bold** [go](javascript:alert(1))"},
        {"type": "data_visualization", "title": "Pie", "chart": {"type": "pie", "segments": points}},
        *(
            {
                "type": "data_visualization",
                "title": kind.title(),
                "chart": {"type": kind, "series": series, "axis_config": axis},
            }
            for kind in ("bar", "area", "line")
        ),
        {"type": "hologram", "what": NASTY},
    ]


async def test_every_block_is_shown_and_nothing_in_it_becomes_markup(page: Page, sandbox: Sandbox) -> None:
    workspace = sandbox.slack.workspace
    workspace.add_message(Message(GENERAL, workspace.new_ts(), BOT_USER, NASTY, every_block()))
    message = page.locator(".message").last
    for name in ("Pie", "Bar", "Area", "Line"):
        await expect(message.get_by_role("img", name=re.compile(f"^{name}"))).to_be_visible()
    await expect(message.get_by_text("This page does not show “hologram” yet")).to_be_visible()
    await expect(message.locator("time", has_text="Nov 23 15:03")).to_have_count(2)
    await message.get_by_role("button", name="Sure?").click()
    await page.get_by_role("dialog").get_by_role("button", name="No").click()
    assert await page.title() == "general · Recordings sandbox"
    assert await message.locator("img, script, [href^=javascript]").count() == 0
    assert sandbox.slack.deliveries == []


DATES = [
    ("{date_num}", "2026-11-22"),
    ("{date}", "November 22nd"),
    ("{date_short}", "Nov 22"),
    ("{date_long}", "Sunday, November 22nd"),
    ("{date_pretty}", "yesterday"),
    ("{date_short_pretty} {time}", "yesterday 15:03"),
    ("at {time_secs}", "at 15:03:22"),
    ("{ago}", "1 day ago"),
    ("{nothing}", "{nothing}"),
]


@pytest.mark.parametrize(("format_", "shown"), DATES)
async def test_slack_dates_are_written_in_the_readers_zone(
    untouched_page: Page, format_: str, shown: str
) -> None:
    script = "async (a) => (await import('/static/dates.js')).slackDate(a.ts, a.format, '-', a.zone, a.now)"
    told = {"ts": MOMENT - 86_400, "format": format_, "zone": "Europe/Berlin", "now": MOMENT * 1000}
    assert await untouched_page.evaluate(script, told) == shown


MRKDWN = [
    (
        "*bold* _italic_ ~gone~ `co*de*`",
        "<strong>bold</strong> <em>italic</em> <del>gone</del> <code>co*de*</code>",
    ),
    ("2*3*4 snake_case_word", "2*3*4 snake_case_word"),
    ("*all _of_ it*", "<strong>all <em>of</em> it</strong>"),
    ("a &lt;b&gt; &amp;amp;", "a &lt;b&gt; &amp;amp;"),
    ("&gt; said\nnot", "<blockquote>said</blockquote>not"),
    ("```a *b*\nc```", "<pre>a *b*\nc</pre>"),
    ("<@U0READER1>", '<span class="mention">@Reader</span>'),
    ("<javascript:alert(1)|x>", "x"),
    (":wave:", ":wave:"),
]


@pytest.mark.parametrize(("text", "markup"), MRKDWN)
async def test_mrkdwn_becomes_what_slack_shows(untouched_page: Page, text: str, markup: str) -> None:
    script = """async (text) => {
        const box = document.createElement("div");
        box.append(...(await import("/static/mrkdwn.js")).mrkdwn(text, {verbatim: true}));
        return box.innerHTML;
    }"""
    assert await untouched_page.evaluate(script, text) == markup


async def test_other_sites_cannot_steer_the_sandbox(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        for headers in (
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
            {"Host": "elsewhere.example"},
            {"Host": "[::"},
        ):
            for url in (f"{sandbox.url}sandbox/restart", f"{sandbox.slack.api_url}chat.postMessage"):
                async with session.post(url, json={}, headers=headers) as answer:
                    assert answer.status == 403
            async with session.get(f"{sandbox.url}sandbox/feed", headers=headers) as answer:
                assert answer.status == 403
        async with session.post(f"{sandbox.url}sandbox/clock", json={"seconds": -5}) as answer:
            assert answer.status == 400


async def test_a_taken_port_moves_on_to_the_next_free_one(sandbox: Sandbox) -> None:
    async with Sandbox(port=sandbox.port) as another:
        assert sandbox.port < another.port < sandbox.port + PORTS_TRIED


async def test_a_push_of_the_clock_does_not_wait_for_ever_for_a_digest(own_sandbox: Sandbox) -> None:
    """The vendor hangs: the clock arrives where it was pushed to, and the digest is late."""
    await own_sandbox.slack.command('digest add "every day at 16:00"')
    own_sandbox.zego.misbehave(Fault(FaultKind.HANG))
    end = own_sandbox.clock.now() + 7200
    await let_pass(own_sandbox, 7200, patience_seconds=0.2)
    assert own_sandbox.clock.now() >= end
