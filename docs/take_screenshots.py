# ruff: noqa: INP001 - docs/ is no package, this is its only program
"""Takes the pictures in the documentation: `python -m docs.take_screenshots [FOLDER]`.

The sandbox always starts at the same moment, so that a picture changes only when what the bot shows does.
Needs Chromium, and Pillow (`pip install pillow`), whose palettes keep the files small.
"""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.async_api import FloatRect, expect

from bot.clock import AdjustableClock
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.time_passing import let_pass
from tests.chromium import launched, visit

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

DOCS = Path(__file__).parent
AFTERNOON = 1_795_442_602.0  # Mon 23 Nov 2026, 15:03:22 in Berlin
MORNING = 1_795_420_770.0  # the same day, 08:59:30
DAY_SECONDS = 86_400
COLORS = 48

QUESTION = "/recordings room=88,404 last=6h sort=oldest"
DIGEST = '/recordings digest add "weekdays at 09:00" room=lobby,88,720,721,900'


async def save(page: Page, path: Path, around: Locator | None = None, margin: int = 0) -> None:
    """Take the page, or one part of it and `margin` pixels around that."""
    await page.mouse.move(0, 0)
    box = await around.bounding_box() if around else None
    clip = box and FloatRect(
        x=max(box["x"] - margin, 0),
        y=max(box["y"] - margin, 0),
        width=box["width"] + 2 * margin,
        height=box["height"] + 2 * margin,
    )
    taken = Image.open(io.BytesIO(await page.screenshot(clip=clip))).convert("RGB")
    with_palette(taken).save(path, optimize=True)


def with_palette(image: Image.Image) -> Image.Image:
    """The same in its own most frequent colors, so that surfaces keep theirs exactly."""
    counted = sorted(image.getcolors(image.width * image.height), reverse=True)[:COLORS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for _, color in counted for channel in color])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


async def send(page: Page, text: str) -> None:
    """Type a command and send it."""
    box = page.get_by_role("combobox", name="Message")
    await box.fill(text)
    await box.press("Enter")


async def take_answer(page: Page, folder: Path, name: str) -> None:
    """What two customers ask about, and the private answer to both."""
    channels = page.get_by_role("button", name="Channels")
    if await channels.is_visible():  # a phone's width has no room for them
        await channels.click()
    await page.locator("#sidebar").get_by_role("button", name="triage").click()
    await send(page, QUESTION)
    await expect(page.locator("#messages").get_by_text("2 recordings found")).to_be_visible()
    await save(page, folder / name)


async def take_triage(page: Page, folder: Path) -> None:
    """A customer's message, and in its thread the answer and the details, which say what to do."""
    await page.locator("#tries").get_by_role("button", name="The shortcut on a message").click()
    details = page.get_by_role("dialog")
    await expect(details.get_by_label("Rooms")).to_have_value("88")
    await details.get_by_role("button", name="Search").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("button", name="Details").first.click()
    await expect(details.get_by_text("Rescue:")).to_be_visible()
    await save(page, folder / "details.png", details, margin=10)
    await details.get_by_role("button", name="Post to thread").click()
    await expect(details.get_by_text("Posted.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(thread.get_by_text("Files (1)")).to_be_in_viewport()
    await save(page, folder / "thread.png")


async def take_digest(page: Page, folder: Path, sandbox: Sandbox) -> None:
    """The second of two digests, which compares itself with the first."""
    await send(page, DIGEST)
    await expect(page.locator("#messages").get_by_text("Added digest 1")).to_be_visible()
    digests = page.locator(".message").filter(has_text="Needs attention")
    for count, seconds in ((1, 60), (2, DAY_SECONDS)):
        await let_pass(sandbox, seconds)
        await expect(digests).to_have_count(count)
    await expect(digests.last.get_by_text("Begun per")).to_be_visible()
    await save(page, folder / "digest.png", digests.last)


async def main(folder: Path) -> None:
    """Write every picture into `folder`."""
    async with launched() as browser:
        for name, width, height in (("answer.png", 1280, 640), ("phone.png", 390, 720)):
            async with (
                Sandbox(clock=AdjustableClock(AFTERNOON)) as sandbox,
                visit(browser, sandbox.url, width=width, height=height, scale=2) as page,
            ):
                await take_answer(page, folder, name)
        async with (
            Sandbox(clock=AdjustableClock(AFTERNOON)) as sandbox,
            visit(browser, sandbox.url, width=1280, height=1030, scale=2) as page,
        ):
            await take_triage(page, folder)
        async with (
            Sandbox(clock=AdjustableClock(MORNING)) as sandbox,
            visit(browser, sandbox.url, width=1280, height=1400, scale=2) as page,
        ):
            await take_digest(page, folder, sandbox)


if __name__ == "__main__":
    asyncio.run(main(Path(*sys.argv[1:2]) if sys.argv[1:] else DOCS))
