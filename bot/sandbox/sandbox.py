"""The sandbox in the browser: everything on its stage, and the page that shows it."""

from __future__ import annotations

import asyncio
import errno
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from bot.logs import set_up_logging
from bot.sandbox.page import build_page_app
from bot.sandbox.stage import HOST, Stage

if TYPE_CHECKING:
    from types import TracebackType

PORTS_TRIED = 20
MOST_PORT = 65535


class Sandbox(Stage):
    """A stage with a page.

    Args:
        port: where the page listens; the next free one if it is taken, any free one for 0.
        options: those of `Stage`.
    """

    def __init__(self, *, port: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._port = port
        self._runner = web.AppRunner(build_page_app(self), access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        """Start everything; the page answers from here on.

        Raises:
            OSError: the port can't be used, or this and the next `PORTS_TRIED - 1` are taken.
        """
        try:
            await self._runner.setup()
            await self._listen()
            return await super().__aenter__()
        except BaseException:
            await self._runner.cleanup()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, traceback)
        finally:
            await self._runner.cleanup()

    async def _listen(self) -> None:
        last = min(self._port + PORTS_TRIED - 1, MOST_PORT) if self._port else 0
        for port in range(self._port, last + 1):
            try:
                await web.TCPSite(self._runner, HOST, port).start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE or port == last:
                    raise
            else:
                return

    @property
    def port(self) -> int:
        """Where the page listens."""
        return int(self._runner.addresses[0][1]) if self._runner.addresses else self._port

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.port}/"


async def serve_sandbox(port: int, *, open_browser: bool) -> None:
    """Run the sandbox until cancelled.

    Args:
        port: as for `Sandbox`.
        open_browser: show the page in the person's browser.

    Raises:
        OSError: as `Sandbox`.
    """
    set_up_logging("WARNING", "text")
    async with Sandbox(port=port) as sandbox:
        if port not in {0, sandbox.port}:
            sys.stdout.write(f"Port {port} is in use, so this is port {sandbox.port}.\n")
        sys.stdout.write(f"Recordings sandbox: {sandbox.url}  (Ctrl-C stops it)\n")
        sys.stdout.flush()
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(sandbox.url,), daemon=True).start()
        await asyncio.Event().wait()
