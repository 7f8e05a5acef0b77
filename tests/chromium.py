"""A real browser for tests of pages: Debian's Chromium; a visit that fails on whatever its console says."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WAIT_MS = 10_000

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("CI") != "true",
    reason="needs Debian's chromium package at /usr/bin/chromium",
)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A browser that downloads nothing of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser,
    url: str,
    *,
    width: int = 1360,
    height: int = 820,
    scale: int = 1,
    may_fail: str = "\0",
    **options: str,
) -> AsyncIterator[Page]:
    """A page in a profile of its own. Leaving it fails on console errors, page errors and failed requests.

    Args:
        browser: from `launched`.
        url: what to open.
        width: of the window, in CSS pixels.
        height: the same.
        scale: pixels of a picture for each of these.
        may_fail: part of an error's text that is expected.
        options: of the browser's context, such as `color_scheme`.
    """
    faults: list[str] = []
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        locale="en-GB",
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    page.on("console", lambda said: faults.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"{request.url}: {request.failure}"))
    page.on(
        "response",
        lambda answer: faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    await page.goto(url)
    yield page
    await context.close()
    assert [fault for fault in faults if may_fail not in fault] == []
