"""The log: one line a record, for people or for machines, and nothing in it that opens a door."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bot.config import load_settings
from bot.logs import JsonLines, TextLines, redact, set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator


def record(message: str, *values: Any, error: bool = False) -> logging.LogRecord:
    made = logging.LogRecord(
        "bot.part", logging.WARNING, __file__, 1, message, values, sys.exc_info() if error else None
    )
    made.created, made.msecs = 1_795_417_200.25, 250.0
    return made


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root, stamina = logging.getLogger(), logging.getLogger("stamina")
    before = (root.level, root.handlers[:], stamina.level)
    looked_for = ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile")
    searched = {name: getattr(logging, name) for name in looked_for}
    yield
    vars(logging).update(searched)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    stamina.setLevel(before[2])


def test_a_line_for_people_begins_with_when_how_bad_and_where() -> None:
    line = TextLines().format(record("%d calls of %s", 3, "room 7"))
    assert line == "2026-11-23T07:00:00.250+00:00 WARNING bot.part: 3 calls of room 7"


def test_text_from_outside_cannot_begin_a_line_of_its_own() -> None:
    line = TextLines().format(record("room %s", "7\r\n2026-11-23 ERROR bot: all is lost"))
    assert line.endswith(r"room 7\r\n2026-11-23 ERROR bot: all is lost")
    assert "\n" not in line


@pytest.mark.parametrize("ends", ["\r", "\n", "\x0b", "\x85", "\u2028", "\u2029"])
def test_nor_can_what_an_exception_says(ends: str) -> None:
    made = broken_down(f"boom{ends}2026-11-23T07:00:00.250+00:00 INFO    bot.audit: posted by=U1")
    lines = TextLines().format(made).splitlines()
    assert [line for line in lines if not line.startswith("  ")] == lines[:1]
    assert json.loads(JsonLines().format(made))["message"] == "It broke"


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x9b31m", "\u202eabc", "\x7f", "\x00"])
def test_no_line_steers_the_terminal_that_shows_it(text: str) -> None:
    made = record("room %s", text)
    for line in (TextLines().format(made), JsonLines().format(made)):
        assert line.isprintable()
    assert json.loads(JsonLines().format(made))["message"] == f"room {text}"


def test_a_line_for_machines_is_one_json_object() -> None:
    line = JsonLines().format(record("Raum „7“\n%s", "x"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-23T07:00:00.250+00:00",
        "level": "WARNING",
        "logger": "bot.part",
        "message": "Raum „7“\nx",
    }


def break_down(says: str) -> None:
    raise RuntimeError(says)


def broken_down(says: str = "at https://hooks.slack.com/commands/T1/2/three") -> logging.LogRecord:
    try:
        break_down(says)
    except RuntimeError:
        return record("It broke", error=True)
    raise AssertionError("it did not break")


def test_a_traceback_follows_the_line_or_is_a_field_and_is_blotted_too() -> None:
    text = TextLines().format(broken_down())
    assert text.splitlines()[1] == "    | Traceback (most recent call last):"
    traceback = json.loads(JsonLines().format(broken_down()))["traceback"]
    for shown in (text, traceback):
        assert "RuntimeError: at https://hooks.slack.com/***" in shown
        assert "three" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token xoxb-12-34-abc, next", "token xoxb-***, next"),
        ("token='xapp-1-A0-12-cd'", "token='xapp-***'"),
        ("xoxp-1 xoxe-2", "xoxp-*** xoxe-***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("wss://wss.example/link/?ticket=12-ab&app_id=3", "wss://wss.example/link/?ticket=***&app_id=3"),
        ("https://hooks.slack.com/actions/T0/1/xyz?", "https://hooks.slack.com/***"),
        ("POST http://127.0.0.1:1/hooks/commands/T1/h2, body", "POST http://127.0.0.1:1/hooks/***, body"),
        ("?Action=DescribeTasks&Signature=00ff&AppId=1", "?Action=DescribeTasks&Signature=***&AppId=1"),
        ("nothing to hide: room xox, /webhook", "nothing to hide: room xox, /webhook"),
    ],
)
def test_what_opens_a_door_is_blotted_out(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(("style", "formatter"), [("text", TextLines), ("json", JsonLines)])
@pytest.mark.usefixtures("restored_logging")
def test_everything_of_the_level_and_above_goes_to_stderr(
    style: str, formatter: type[logging.Formatter], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging("INFO", style)
    logging.getLogger("bot.anything").debug("too fine")
    logging.getLogger("bot.anything").info("fine")
    [handler] = logging.getLogger().handlers
    assert isinstance(handler.formatter, formatter)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "fine" in captured.err
    assert "too fine" not in captured.err


def raised(error: Exception) -> logging.LogRecord:
    try:
        raise error  # noqa: TRY301 - it has to be raised to have a traceback
    except Exception:  # noqa: BLE001 - whatever it is
        return record("It broke", error=True)


def test_the_words_of_an_exception_cannot_begin_a_line_of_their_own() -> None:
    forged = "2026-11-23T07:00:00.250+00:00 ERROR   bot.audit: all is lost"
    text = TextLines().format(raised(RuntimeError(f"first\n{forged}")))
    assert forged in text
    assert [line for line in text.split("\n")[1:] if not line.startswith("    | ")] == []
    assert not [line for line in text.splitlines() if line.startswith("2026") and "lost" in line]


@pytest.mark.parametrize("mark", ["\n", "\r", "\x0b", "\x1b[2K", "\x85", "\u2028", "\u202e", "\ud800"])
def test_what_cannot_be_printed_is_escaped(mark: str) -> None:
    for formatter in (TextLines(), JsonLines()):
        line = formatter.format(record("room %s", f"7{mark}8"))
        assert line.isprintable()
    assert json.loads(JsonLines().format(record("room %s", f"7{mark}8")))["message"] == f"room 7{mark}8"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (KeyError("channel"), "KeyError: 'channel'"),
        (ValueError("invalid literal for int(): 'wilma@customer.example'"), "invalid literal for int(): '…'"),
        (LookupError("no \"Wilma Featherstone\" in 'it's here'"), "no \"…\" in 'it's here'"),
        (RuntimeError("x" * 2000), "RuntimeError: " + "x" * 500),
    ],
)
def test_what_an_exception_quotes_is_left_out_unless_it_is_a_name(error: Exception, shown: str) -> None:
    text = TextLines().format(raised(error))
    assert text.split("\n")[-1].endswith(shown)


def test_the_cause_of_an_error_is_told_too() -> None:
    error = RuntimeError("above")
    error.__cause__ = KeyError("below")
    text = TextLines().format(raised(error))
    assert text.index("RuntimeError: above") < text.index("caused by:") < text.index("KeyError: 'below'")


def test_known_secrets_are_blotted_out_wherever_they_stand() -> None:
    for formatter in (TextLines(["hunter2-hunter2"]), JsonLines(["hunter2-hunter2"])):
        named = record("with %(value)s", {"value": "hunter2-hunter2"})
        assert "hunter2" not in formatter.format(named)
        assert "hunter2" not in formatter.format(raised(RuntimeError("at hunter2-hunter2")))


def test_named_arguments_are_fields_and_cannot_take_the_place_of_others() -> None:
    named = record("%(action)s in %(ms)d ms", {"action": "ask", "ms": 3, "level": "ERROR"})
    line = json.loads(JsonLines().format(named))
    assert (line["action"], line["ms"], line["level"]) == ("ask", 3, "WARNING")
    assert line["message"] == "ask in 3 ms"


def test_settings_tell_which_texts_are_secret() -> None:
    settings = load_settings(
        {
            "ZEGO_APP_ID": "1",
            "ZEGO_SERVER_SECRET": "server-secret".rjust(32, "0"),
            "SLACK_BOT_TOKEN": "xoxb-bot-token",
            "DATABASE_URL": "postgresql://bot:pass%20word@db/bot",
        }
    )
    assert set(settings.secrets()) == {
        "server-secret".rjust(32, "0"),
        "xoxb-bot-token",
        "pass%20word",
        "pass word",
    }
