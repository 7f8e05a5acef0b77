"""A TCP connection to a server that can be cut, so that nobody else on the machine loses theirs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self


class Cuttable:
    """Passes bytes on to a server until it is cut: then connections break, and new ones are refused.

    Args:
        host: of the server.
        port: of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Break every connection off and refuse new ones."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def mend(self) -> None:
        """Let connections through (again), at the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        with suppress(OSError):
            back, there = await asyncio.open_connection(*self._target)
            self._writers |= {writer, there}
            await asyncio.gather(_pass_on(reader, there), _pass_on(back, writer))
        for one in (writer, there):
            if one:
                self._writers.discard(one)
                one.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
