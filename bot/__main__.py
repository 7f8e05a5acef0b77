"""The command line: a table of commands, and what each of them does."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bot import __version__
from bot.clock import clock_from
from bot.config import load_settings, parse_clock, parse_whole_number, read_environment
from bot.errors import ConfigError
from bot.process import forbid_core_dumps, on_stop_signal, run, write_anywhere, write_data

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

WRONG = 2
"""Exit status for a wrong configuration or query."""

INTERRUPTED, READER_GONE = 130, 141
"""What a shell reports for a process that SIGINT or SIGPIPE ended."""


def _environment() -> dict[str, str]:
    return read_environment(os.environ, Path(".env"))


def _run(options: argparse.Namespace) -> int:
    insisted = True if options.socket else False if options.http else None
    settings = load_settings(_environment(), slack=True, socket_mode=insisted)
    from bot.app import run_bot
    from bot.logs import set_up_logging

    set_up_logging(settings.log_level, settings.log_format, settings.secrets())
    forbid_core_dumps()
    socket_mode = bool(settings.slack_app_token) if insisted is None else insisted
    run(run_bot(settings, socket_mode=socket_mode))
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from bot.sandbox.simulator import serve_simulator

    clock = clock_from(options.clock) if options.clock else None
    work = serve_simulator(options.host, options.port, options.seed, options.tasks, clock)
    return run(_until_stopped(work, options.port))


def _sandbox(options: argparse.Namespace) -> int:
    from bot.sandbox.sandbox import serve_sandbox

    work = serve_sandbox(options.port, open_browser=not options.no_browser)
    return run(_until_stopped(work, options.port))


def _query(options: argparse.Namespace) -> int:
    settings = load_settings(_environment())
    from bot.logs import set_up_logging
    from bot.terminal.query import answer_in_terminal

    set_up_logging("WARNING", "text")
    form = "json" if options.json else "csv" if options.csv else "table"
    return run(answer_in_terminal(options.text, settings, form=form, everything=options.all))


def _doctor(options: argparse.Namespace) -> int:
    from bot.logs import set_up_logging
    from bot.operating.doctor import run_doctor

    set_up_logging("CRITICAL", "text")
    if options.json:
        write_data(sys.stdout)
    return run(run_doctor(_environment(), as_json=options.json))


async def _until_stopped(work: Coroutine[None, None, None], port: int) -> int:
    """Serve until SIGTERM or SIGINT."""
    serving = asyncio.ensure_future(work)
    on_stop_signal(serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except OSError as error:
        raise ConfigError(
            [f"Port {port} cannot be listened on ({error.strerror}): choose another --port."]
        ) from None
    return 0


_Option: TypeAlias = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table: the name, what runs, the line in the list of commands, and what `--help` says.

    Options are as argparse's `add_argument` takes them; those in `either` exclude each other.
    """

    name: str
    run: Callable[[argparse.Namespace], int]
    help: str
    description: str
    options: tuple[_Option, ...] = ()
    either: tuple[_Option, ...] = ()


def _option(name: str, help_text: str, parse: Callable[[str], Any] = str, **how: Any) -> _Option:
    return name, {"help": help_text, "type": parse, **how}


def _switch(name: str, help_text: str) -> _Option:
    return name, {"help": help_text, "action": "store_true"}


def _checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser whose words argparse shows."""

    def check(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return check


_PORT = _checked(parse_whole_number(0, 65535))
_TASKS = _checked(parse_whole_number(0, 1_000_000))
_CLOCK = _checked(parse_clock)
_JSON = _switch("--json", "one JSON object")

COMMANDS = (
    Command(
        "run",
        _run,
        "run the bot in Slack",
        "Run the bot in Slack.",
        either=(
            _switch("--socket", "insist on Socket Mode (SLACK_APP_TOKEN)"),
            _switch("--http", "insist on HTTP (SLACK_SIGNING_SECRET)"),
        ),
    ),
    Command(
        "sandbox",
        _sandbox,
        "try the bot without any account",
        "Try the bot without any account: a simulated ZEGOCLOUD, a local Slack in the browser, and the real "
        "bot between them. Prints the page's address.",
        options=(
            _option(
                "--port", "where to listen, or the next free one (default: %(default)s)", _PORT, default=3000
            ),
            _switch("--no-browser", "do not open a browser"),
        ),
    ),
    Command(
        "simulate",
        _simulate,
        "run the simulated ZEGOCLOUD API alone",
        "Run the simulated ZEGOCLOUD API alone, for curl and for tests.",
        options=(
            _option("--host", "where to listen (default: %(default)s)", default="127.0.0.1"),
            _option("--port", "where to listen (default: %(default)s)", _PORT, default=8080),
            _option("--seed", "which recordings there are (default: %(default)s)", int, default=7),
            _option("--tasks", "how many there are (default: %(default)s)", _TASKS, default=2000),
            _option(
                "--clock", "another clock: 2026-11-23T09:00:00Z*60 runs 60 times as fast", _CLOCK, default=""
            ),
        ),
    ),
    Command(
        "query",
        _query,
        "answer a question in the terminal",
        "Answer a question in the terminal.",
        options=(
            _option("text", 'the question, such as "room=1230 status=ongoing last=6h"'),
            _switch("--all", "every page, not only the first"),
        ),
        either=(_JSON, _switch("--csv", "CSV lines")),
    ),
    Command(
        "doctor",
        _doctor,
        "check the configuration against the real services",
        "Check the configuration against the real services; says what to do, line by line.",
        options=(_JSON,),
    ),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="What is happening with our ZEGOCLOUD cloud recordings?"
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for row in COMMANDS:
        command = commands.add_parser(row.name, help=row.help, description=row.description)
        command.set_defaults(run=row.run)
        either = command.add_mutually_exclusive_group() if row.either else command
        for name, how in row.either:
            either.add_argument(name, **how)
        for name, how in row.options:
            command.add_argument(name, **how)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    write_anywhere()
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        if sys.stdout is not None:  # it may have been closed by whoever started this
            sys.stdout.flush()
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command line's way to speak
        return WRONG
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
