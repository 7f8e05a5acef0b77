"""`python -m bot …` inside the process of a test: what it prints where, and its exit status.

For what a command says and decides. Signals, broken pipes, terminals, and what a command imports need a
process of their own: `tests.bot_process`.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
from contextlib import chdir, contextmanager
from typing import TYPE_CHECKING

from bot.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SET_UP_BY_LOGS = ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile")
_LEVELS_SET_BY_LOGS = ("stamina", "aiosqlite")


@contextmanager
def restored_logging() -> Iterator[None]:
    """Take back what `set_up_logging` does to this process; handlers of pytest stay open meanwhile."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, _LEVELS_SET_BY_LOGS)]
    levels, handlers = [logger.level for logger in loggers], root.handlers[:]
    attributes = {name: getattr(logging, name) for name in _SET_UP_BY_LOGS}
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        vars(logging).update(attributes)


@contextmanager
def _like_a_process(folder: Path, environment: dict[str, str]) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Have the folder, environment, stdout and stderr of a process; yields what is written to both."""
    encoding, _, errors = environment.get("PYTHONIOENCODING", "utf-8").partition(":")
    written = io.BytesIO(), io.BytesIO()
    streams = [
        io.TextIOWrapper(to, encoding=encoding, errors=errors or usual, newline="\n")
        for to, usual in zip(written, ("strict", "backslashreplace"), strict=True)
    ]
    before = (dict(os.environ), sys.stdout, sys.stderr)
    with chdir(folder), restored_logging():
        os.environ.clear()
        os.environ.update(environment)
        sys.stdout, sys.stderr = streams
        try:
            yield written
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            sys.stdout, sys.stderr = before[1:]
            for stream in streams:
                stream.flush()
                stream.detach()  # it would close what it wrote to


def called(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """Run a command to its end: exit status, stdout, stderr."""
    with _like_a_process(folder, environment) as written:
        try:
            status = main(arguments)
        except SystemExit as ended:  # argparse
            status = ended.code if isinstance(ended.code, int) else 0
    encoding = environment.get("PYTHONIOENCODING", "utf-8").partition(":")[0]
    out, err = (_decoded(to.getvalue(), encoding) for to in written)
    return status, out, err


async def called_beside(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """The same, while servers on this event loop go on."""
    return await asyncio.to_thread(called, *arguments, folder=folder, **environment)


def _decoded(data: bytes, encoding: str) -> str:
    """Data is UTF-8 whatever a terminal's encoding is."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode()
