"""One browser for all the tests of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.chromium import launched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as launched_browser:
        yield launched_browser
