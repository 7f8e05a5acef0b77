"""The command line: run, sandbox, simulate, query, doctor."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__
from bot.clock import clock_from
from bot.config import load_settings, read_environment
from bot.errors import ConfigError
from bot.process import forbid_core_dumps, on_stop_signal, run, write_anywhere, write_data

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

WRONG = 2
"""Exit status for a wrong configuration or query."""

MOST_SIMULATED = 1_000_000

INTERRUPTED, READER_GONE = 130, 141
"""What a shell reports for a process that SIGINT or SIGPIPE ended."""


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="What is happening with our ZEGOCLOUD cloud recordings?"
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    running = commands.add_parser("run", help="run the bot in Slack", description="Run the bot in Slack.")
    transport = running.add_mutually_exclusive_group()
    transport.add_argument("--socket", action="store_true", help="insist on Socket Mode (SLACK_APP_TOKEN)")
    transport.add_argument("--http", action="store_true", help="insist on HTTP (SLACK_SIGNING_SECRET)")
    running.set_defaults(run=_run)

    sandbox = commands.add_parser(
        "sandbox",
        help="try the bot without any account",
        description="Try the bot without any account: a simulated ZEGOCLOUD, a local Slack in the browser,"
        " and the real bot between them. Prints the page's address.",
    )
    sandbox.add_argument(
        "--port", type=_port, default=3000, help="where to listen, or the next free one (default: 3000)"
    )
    sandbox.add_argument("--no-browser", action="store_true", help="do not open a browser")
    sandbox.set_defaults(run=_sandbox)

    simulate = commands.add_parser(
        "simulate",
        help="run the simulated ZEGOCLOUD API alone",
        description="Run the simulated ZEGOCLOUD API alone, for curl and for tests.",
    )
    simulate.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    simulate.add_argument("--port", type=_port, default=8080, help="where to listen (default: 8080)")
    simulate.add_argument("--seed", type=int, default=7, help="which recordings there are (default: 7)")
    simulate.add_argument("--tasks", type=_count, default=2000, help="how many there are (default: 2000)")
    simulate.add_argument(
        "--clock",
        type=_clock_spec,
        default="",
        help="another clock: 2026-11-23T09:00:00Z*60 runs 60 times as fast",
    )
    simulate.set_defaults(run=_simulate)

    query = commands.add_parser(
        "query", help="answer a question in the terminal", description="Answer a question in the terminal."
    )
    query.add_argument("text", help='the question, such as "room=1230 status=ongoing last=6h"')
    form = query.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="CSV lines")
    query.add_argument("--all", action="store_true", help="every page, not only the first")
    query.set_defaults(run=_query)

    doctor = commands.add_parser(
        "doctor",
        help="check the configuration against the real services",
        description="Check the configuration against the real services; says what to do, line by line.",
    )
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.set_defaults(run=_doctor)
    return parser


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


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004 - TCP's own limit
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_SIMULATED:
        raise argparse.ArgumentTypeError(f"a number from 0 to {MOST_SIMULATED}")
    return int(text)


def _clock_spec(text: str) -> str:
    try:
        clock_from(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


if __name__ == "__main__":
    sys.exit(main())
