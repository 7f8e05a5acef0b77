"""What a process asks of its operating system: signals, an event loop, a terminal that shows what it can."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_WAKE_SECONDS = 0.5

_PLAIN = dict(zip("✓✕–—·×◀▶“”‘’\N{NO-BREAK SPACE}", "+x---x<>\"\"'' ", strict=True)) | {"…": "...", "→": "->"}
_PLAIN |= dict(zip("○●▲■◇", "o*^#?", strict=True))
"""What stands for our own signs where the terminal's encoding has none for them; anything else is `?`."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end on an event loop of its own.

    On Windows it is the loop that knows `add_reader`, which the sandbox and psycopg need.
    """
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def on_stop_signal(stop: Callable[[], object]) -> None:
    """Have the running event loop call `stop` at SIGTERM and Ctrl-C (on Windows, at Ctrl-Break too)."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGINT", "SIGBREAK")]
    try:
        for number in filter(None, numbers):
            loop.add_signal_handler(number, stop)
    except NotImplementedError:  # Windows

        def hand_over(*_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(stop)

        for number in filter(None, numbers):
            signal.signal(number, hand_over)
        _wake(loop)


def _wake(loop: asyncio.AbstractEventLoop) -> None:
    """Let Python see a signal: on Windows nothing wakes a loop that waits for its sockets."""
    loop.call_later(_WAKE_SECONDS, _wake, loop)


def forbid_core_dumps() -> None:
    """Leave no memory behind: it holds every token. Windows leaves none."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write_anywhere() -> None:
    """Let nothing that is printed fail for the terminal's encoding, from here on."""
    codecs.register_error("recordings-plain", _plainly)
    for stream in (sys.stdout, sys.stderr):
        _reconfigure(stream, errors="recordings-plain")


def write_data(stream: Any) -> None:
    """What programs read is UTF-8, whatever the terminal's encoding is."""
    _reconfigure(stream, encoding="utf-8", errors="replace", newline="")


def _reconfigure(stream: Any, **how: str) -> None:
    if hasattr(stream, "reconfigure"):  # none where it is closed, or a program's own
        stream.reconfigure(**how)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in unknown), error.end
