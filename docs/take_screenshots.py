# ruff: noqa: INP001 - docs/ is no package, this is its only program
"""Takes pictures of the sandbox: `python -m docs.take_screenshots` those that the documentation shows.

`python -m docs.take_screenshots FOLDER` takes the answer at desktop and phone width too, light and dark.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import FloatRect, expect

from bot.clock import AdjustableClock
from bot.sandbox.sandbox import Sandbox
from tests.chromium import launched, visit

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

DOCS = Path(__file__).parent
MOMENT = 1_795_442_602.0  # Mon 23 Nov 2026, 15:03:22 in Berlin
MARGIN = 10
WIDTHS = {1280: 806, 375: 800}
"""Of a desktop and of a phone, with the heights shown."""


async def picture(page: Page, path: Path, around: Locator | None = None) -> None:
    """Take the page, or what stands in one place of it and a little around that; nothing is hovered over."""
    await page.mouse.move(0, 0)
    box = await around.bounding_box() if around else None
    if box is None:
        await page.screenshot(path=path)
        return
    clip = FloatRect(
        x=box["x"] - MARGIN,
        y=box["y"] - MARGIN,
        width=box["width"] + 2 * MARGIN,
        height=box["height"] + 2 * MARGIN,
    )
    await page.screenshot(path=path, clip=clip)


async def take_answer(page: Page, folder: Path, name: str = "sandbox.png") -> None:
    """What somebody sees who asks in a channel."""
    box = page.get_by_role("combobox", name="Message #general")
    await box.fill("/recordings room=1230 status=ongoing last=6h")
    await box.press("Enter")
    await expect(page.locator("#messages").get_by_text("4 recordings found")).to_be_visible()
    await picture(page, folder / name)


async def take_triage(page: Page, folder: Path) -> None:
    """What a support engineer sees: details with a verdict, and the thread of the customer's message."""
    await page.locator("#tries").get_by_role("button", name="The shortcut on a message").click()
    details = page.get_by_role("dialog")
    await expect(details.get_by_label("Rooms")).to_have_value("88")
    await details.get_by_role("button", name="Search").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("button", name="Details").first.click()
    await expect(details.get_by_text("Rescue:")).to_be_visible()
    await picture(page, folder / "details.png", details)
    await details.get_by_role("button", name="Post to thread").click()
    await expect(details.get_by_text("Posted.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(thread.get_by_text("Files (1)")).to_be_in_viewport()
    await picture(page, folder / "thread.png")


async def take(folder: Path) -> None:
    """Write every picture into `folder`."""
    async with launched() as browser:
        for scene, height in ((take_answer, 806), (take_triage, 930)):
            async with (
                Sandbox(clock=AdjustableClock(MOMENT)) as sandbox,
                visit(browser, sandbox.url, width=1280, height=height) as page,
            ):
                await scene(page, folder)


async def take_looks(folder: Path) -> None:
    """Write the answer at every width and in every colour scheme into `folder`."""
    async with launched() as browser:
        for width, height in WIDTHS.items():
            for colours in ("light", "dark"):
                async with (
                    Sandbox(clock=AdjustableClock(MOMENT)) as sandbox,
                    visit(browser, sandbox.url, width=width, height=height, color_scheme=colours) as page,
                ):
                    await take_answer(page, folder, f"answer-{width}-{colours}.png")


async def main(folders: list[str]) -> None:
    """Take what was asked for."""
    if not folders:
        await take(DOCS)
    for folder in map(Path, folders):
        await take(folder)
        await take_looks(folder)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
