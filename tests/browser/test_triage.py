"""Triage on the sandbox's page, in a real browser: from a customer's message to the verdict in its thread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.clock import AdjustableClock
from bot.sandbox.recording_scenes import SCENES
from bot.sandbox.sandbox import Sandbox
from tests.chromium import needs_chromium, visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Locator, Page

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]

MOMENT = 1_795_442_602.0  # Mon 23 Nov 2026, 15:03:22 in Berlin
GONE = "the recording of room 88 is gone"
PHONE = {"width": 375, "height": 740}
DESKTOP = {"width": 1360, "height": 820}

HEADLINES = {
    "lost": ("404", "▲ Lost:"),
    "rescue": ("88", "▲ Rescue:"),
    "empty": ("750", "▲ Empty:"),
    "failed": ("500", "▲ Ended abnormally:"),
    "runaway": ("7", "▲ Runaway:"),
    "double": ("902", "▲ Double:"),
    "stuck start": ("600", "▲ Stuck start:"),
    "paused": ("620", "▲ Paused:"),
    "uploading": ("700", "▲ Uploading:"),
    "split": ("710", "▲ Split:"),
    "short": ("730", "▲ Short:"),
    "no link": ("740", "▲ No link:"),
    "fine": ("900", "✓ Fine:"),
}
"""Every verdict: a room that is staged for it, and how its sentence begins."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=AdjustableClock(MOMENT)) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, sandbox: Sandbox) -> AsyncIterator[Page]:
    async with visit(browser, sandbox.url, **DESKTOP) as opened:
        yield opened


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def thread(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Thread")


async def open_channel(page: Page, name: str) -> None:
    drawer = page.get_by_role("button", name="Channels")
    if await drawer.is_visible():
        await drawer.click()
    await page.locator("#sidebar").get_by_role("button", name=name).click()


async def act_as(page: Page, person: str) -> None:
    await page.get_by_label("You act as").select_option(person)


async def send(page: Page, text: str) -> Locator:
    """Writes in the channel; returns the first message that comes of it."""
    messages = page.locator("#messages .message")
    await expect(page.locator("#messages .beginning")).to_be_visible()
    before = await messages.count()
    box = page.locator("#composer").get_by_role("combobox")
    await box.fill(text)
    await box.press("Enter")
    first = messages.nth(before)
    await expect(first).to_be_visible()
    return first


async def verdict(page: Page) -> Locator:
    """What stands on top of the details, below the task."""
    await expect(dialog(page).get_by_text("Recording", exact=True).first).to_be_visible()
    return dialog(page).locator(".b-section").nth(1)


async def find_from_the_message(page: Page) -> None:
    message = page.locator("#messages .message", has_text=GONE)
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Find recordings").click()
    await expect(dialog(page).get_by_label("Rooms")).to_have_value("88")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_from_a_customers_message_to_the_verdict_in_its_thread(
    browser: Browser, size: dict[str, int]
) -> None:
    async with (
        Sandbox(clock=AdjustableClock(MOMENT)) as sandbox,
        visit(browser, sandbox.url, **size) as page,
    ):
        unread = page.locator("#rooms .count")
        await expect(unread).to_have_text("2")
        await open_channel(page, "triage")
        await expect(unread).to_have_count(0)
        await find_from_the_message(page)
        form = dialog(page)
        await form.get_by_label("Rooms").fill(",".join(map(str, range(11))))
        await form.get_by_role("button", name="Search").click()
        await expect(form.get_by_text("takes at most 10 rooms, and here are 11")).to_be_visible()
        await expect(form.get_by_label("Rooms")).to_be_focused()
        await form.get_by_label("Rooms").fill("88")
        await form.get_by_role("button", name="Search").click()
        await expect(form).to_have_count(0)

        told = page.locator(".toast", has_text="answered in a thread")
        await told.get_by_role("button", name="Show").click()
        answer = thread(page).locator(".message", has_text="Asked by @Asker")
        await expect(answer).to_contain_text("2 recordings found")
        await answer.get_by_role("button", name="Details").first.click()
        await expect(await verdict(page)).to_contain_text("▲ Rescue: The only file is in ZEGOCLOUD's backup")
        file = dialog(page).get_by_role("link", name=re.compile("^Open mix mp4"))
        async with page.expect_popup() as opened:
            await file.click()
        elsewhere = await opened.value
        await expect(elsewhere.locator("#address")).to_contain_text("https://backup.recordings.example.com/")
        await elsewhere.close()
        await dialog(page).get_by_role("button", name="Post to thread").click()
        await expect(dialog(page)).to_contain_text("Posted.")
        await page.keyboard.press("Escape")
        posted = thread(page).locator(".message", has_text="▲ Rescue:")
        await expect(posted).to_contain_text("Files (1)")
        assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]


async def test_a_colleague_sees_the_thread_and_is_answered_privately(page: Page, sandbox: Sandbox) -> None:
    await open_channel(page, "triage")
    waiting = page.locator("#messages .message", has_text="waits for the recording of room 404")
    await waiting.hover()
    await waiting.get_by_role("button", name="Reply in thread").click()
    box = thread(page).get_by_role("combobox")
    await box.fill("@Recordings room=404")
    await box.press("Enter")
    answer = thread(page).locator(".message", has_text="Asked by @Asker")
    await expect(answer).to_contain_text("1 recording found")
    await act_as(page, "Reader")
    await waiting.get_by_role("button", name="2 replies").click()
    await answer.get_by_role("button", name="Refresh").click()
    private = thread(page).locator(".message", has_text="Only visible to you")
    await expect(private).to_contain_text("room 404")
    await expect(answer).to_have_count(1)
    await expect(waiting.get_by_role("button", name="2 replies")).to_be_visible()
    await answer.get_by_role("button", name="Details").click()
    await expect(await verdict(page)).to_contain_text("▲ Lost:")
    assert [view.user for view in sandbox.slack.platform.views.all()] == ["U0READER1"]
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)


async def test_prose_that_mentions_the_bot_is_answered_with_private_help(page: Page) -> None:
    await send(page, "@Recordings can you tell me what became of it?")
    help_ = page.locator("#messages .message", has_text="Terms").last
    await expect(help_).to_contain_text("Only visible to you")
    await help_.get_by_role("button", name="Open the form").click()
    await dialog(page).get_by_label("Rooms").fill("730")
    await dialog(page).get_by_role("button", name="Search").click()
    await expect(page.locator("#messages .message", has_text="room 730 · all statuses")).to_be_visible()


async def test_every_verdict_has_a_staged_room() -> None:
    assert {scene.verdict for scene in SCENES} == set(HEADLINES)
    staged = {(scene.verdict, scene.script.room_id) for scene in SCENES}
    assert {(name, room) for name, (room, _) in HEADLINES.items()} <= staged


@pytest.mark.parametrize("name", HEADLINES)
async def test_details_begin_with_the_verdict(page: Page, name: str) -> None:
    room, headline = HEADLINES[name]
    answer = await send(page, f"/recordings room={room} last=3d")
    await answer.get_by_role("button", name="Details").first.click()
    await expect(await verdict(page)).to_contain_text(
        re.compile(rf"^{headline.replace(' ', chr(160), 1)} \S")
    )
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)


async def test_what_needs_attention_is_listed_with_why(page: Page) -> None:
    await send(page, "/recordings room=404,7,900 status=attention last=1d")
    answer = page.locator("#messages .message", has_text="status=attention").last
    await expect(answer).to_contain_text("2 recordings found")
    await expect(answer.locator(".b-section:has(code)", has_text="room 404")).to_contain_text("▲ Lost:")
    await expect(answer.locator(".b-section:has(code)", has_text="room 7")).to_contain_text("▲ Runaway:")


async def test_the_home_tab_leads_to_the_form_and_its_answer(page: Page) -> None:
    await page.locator("#tries").get_by_role("button", name="Home tab").click()
    await expect(page.get_by_role("tab", name="Home")).to_have_attribute("aria-selected", "true")
    await page.locator("#sheet").get_by_role("button", name="Find recordings").click()
    form = dialog(page)
    await form.get_by_label("Rooms").fill("902")
    await form.get_by_label("Status").select_option("Ongoing")
    await form.get_by_label("Conversation").select_option("#triage")
    await form.get_by_label("In the channel, for everybody").check()
    await form.get_by_role("button", name="Search").click()
    await open_channel(page, "triage")
    answer = page.locator("#messages .message", has_text="room 902 · ongoing")
    await expect(answer).to_contain_text("Asked by @Asker")


async def test_a_query_is_edited_where_it_was_asked(page: Page) -> None:
    answer = await send(page, "/recordings room=740 last=6h")
    await answer.get_by_role("button", name="Edit query…").click()
    form = dialog(page)
    await expect(form.get_by_label("Rooms")).to_have_value("740")
    await form.get_by_label("From: date").fill("2027-01-01")
    await form.get_by_role("button", name="Search").click()
    await expect(form.get_by_text("is in the future")).to_be_visible()
    await form.get_by_label("From: date").fill("")
    await form.get_by_label("Rooms").fill("741")
    await form.get_by_role("button", name="Search").click()
    await expect(answer).to_contain_text("room 741 · all statuses")


async def test_escape_closes_a_form_once(page: Page) -> None:
    await page.get_by_role("button", name="Shortcuts").click()
    await page.get_by_role("menuitem", name="Find recordings").click()
    form = dialog(page)
    await form.get_by_label("From: date").fill("2027-01-01")
    await form.get_by_role("button", name="Search").click()
    await expect(form.get_by_label("From: date")).to_be_focused()
    closed: list[str] = []
    page.on("request", lambda request: closed.append(request.url) if "close_view" in request.url else None)
    await page.keyboard.press("Escape")
    await expect(form).to_have_count(0)
    assert len(closed) == 1
    await expect(page.locator(".toast")).to_have_count(0)


async def test_outsiders_are_warned_of_before_an_answer_is_posted(page: Page) -> None:
    await open_channel(page, "shared-partner")
    answer = await send(page, "/recordings room=721 last=1d")
    await answer.get_by_role("button", name="Post to channel").click()
    warning = page.locator("#messages .message", has_text="outside your organization")
    await expect(page.locator("#messages .message", has_text="Asked by")).to_have_count(0)
    await warning.get_by_role("button", name="Post it").click()
    posted = page.locator("#messages .message", has_text="Asked by @Asker")
    await expect(posted).to_contain_text("room 721")
    await posted.get_by_role("button", name="Details").click()
    await dialog(page).get_by_role("button", name="Post to channel").click()
    question = page.get_by_role("dialog", name="Outsiders may read this")
    await question.get_by_role("button", name="Cancel").click()
    await expect(dialog(page)).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("#messages .message", has_text="Asked by @Asker")).to_have_count(1)
    await act_as(page, "Partner")
    await expect(posted).to_be_visible()


async def test_try_these_tell_the_story_by_themselves(page: Page) -> None:
    lines = page.locator("#tries")
    await lines.get_by_role("button", name="The shortcut on a message").click()
    await expect(dialog(page).get_by_label("Rooms")).to_have_value("88")
    await dialog(page).get_by_role("button", name="Search").click()
    await expect(thread(page)).to_contain_text("room 88 · all statuses")
    await lines.get_by_role("button", name="A mention in a channel").click()
    await expect(thread(page)).to_contain_text("room 1230 · ongoing")
    await lines.get_by_role("button", name="then room=1320").click()
    similar = page.locator("#messages .message", has_text="room 1320").last
    await expect(similar).to_contain_text("Rooms seen lately with a similar ID: 1230")
    await lines.get_by_role("button", name="from anywhere").click()
    await expect(dialog(page).get_by_label("Conversation")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)
