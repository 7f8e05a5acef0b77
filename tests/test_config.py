"""The environment: every variable right and wrong, all problems at once, and no secret in any word of it."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.config import Secret, Settings, load_settings, read_environment
from bot.errors import ConfigError
from bot.features.form.found_ids import find_ids
from bot.storage.database import open_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent

RIGHT = {
    "ZEGO_APP_ID": "1234567890",
    "ZEGO_SERVER_SECRET": "9193cc662a4c0ec135ec71fb57194b38",
    "SLACK_BOT_TOKEN": "xoxb-1-bot-token",
    "SLACK_APP_TOKEN": "xapp-1-app-token",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "DATABASE_URL": "postgresql://bot:pass-of-database@db.example/recordings",
    "REDIS_URL": "redis://:pass-of-redis@cache.example:6379/0",
}
SECRETS = ("9193cc66", "bot-token", "app-token", "8f742231", "pass-of-database", "pass-of-redis")


def problems_of(environment: Mapping[str, str], **how: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(environment, **how)
    assert str(caught.value).startswith("The configuration cannot be used:\n- ")
    return caught.value.problems


def revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return getattr(value, "pattern", value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ZEGO_APP_ID", " 42 ", 42),
        ("ZEGO_APP_ID", "4294967295", 2**32 - 1),
        ("ZEGO_SERVER_SECRET", f" {'abcd' * 8} ", "abcd" * 8),
        ("ZEGO_API_URL", "https://cloudrecord-api-sgp.zego.im", "https://cloudrecord-api-sgp.zego.im/"),
        ("ZEGO_API_URL", "http://127.0.0.1:8080/path", "http://127.0.0.1:8080/path/"),
        ("ZEGO_API_URL", "http://[::1]:8080/", "http://[::1]:8080/"),
        ("ZEGO_API_URL", "http://zego_gateway.internal.", "http://zego_gateway.internal./"),
        ("ZEGO_MAX_RPS", "1", 1),
        ("ZEGO_MAX_RPS", "10", 10),
        ("SLACK_BOT_TOKEN", "xoxb-1", "xoxb-1"),
        ("SLACK_APP_TOKEN", "xapp-1", "xapp-1"),
        ("SLACK_SIGNING_SECRET", "s", "s"),
        ("SLACK_API_URL", "http://localhost:9/api", "http://localhost:9/api/"),
        ("HOST", "127.0.0.1", "127.0.0.1"),
        ("PORT", "0", 0),
        ("PORT", "65535", 65535),
        ("DATABASE_URL", "sqlite:///other.db", "sqlite:///other.db"),
        ("DATABASE_URL", "postgres://u:p@h/d", "postgres://u:p@h/d"),
        ("DATABASE_URL", "postgresql://u:p@h/d?sslmode=require", "postgresql://u:p@h/d?sslmode=require"),
        ("CACHE_TTL_SECONDS", "0", 0.0),
        ("CACHE_TTL_SECONDS", "2.5", 2.5),
        ("CACHE_TTL_SECONDS", "600", 600.0),
        ("DEFAULT_TZ", "Europe/Berlin", "Europe/Berlin"),
        ("ALLOWED_CHANNELS", "C024BE91L, G024BE91L,D024BE91L,", {"C024BE91L", "G024BE91L", "D024BE91L"}),
        ("ALLOWED_USERS", "U2147483697,W2147483697", {"U2147483697", "W2147483697"}),
        ("ALLOWED_TEAMS", "T0001,E0001", {"T0001", "E0001"}),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_FORMAT", "JSON", "json"),
        ("RUNAWAY_HOURS", "12", 12),
        ("MAX_RECORD_HOURS", "48", 48),
        ("ROOM_PATTERN", r"class (\d+)", r"class (\d+)"),
        ("ROOM_PATTERN", r"(?:room|raum)[-_ ]?(\w+)-x*", r"(?:room|raum)[-_ ]?(\w+)-x*"),
        ("ROOM_PATTERN", r"((?:\d{4}-){2}\d+)", r"((?:\d{4}-){2}\d+)"),
        ("BOT_CLOCK", "2026-11-23T09:00:00Z*60", "2026-11-23T09:00:00Z*60"),
    ],
)
def test_a_right_value_is_taken(name: str, text: str, value: Any) -> None:
    settings = load_settings(RIGHT | {name: text}, slack=True)
    assert revealed(getattr(settings, name.lower())) == value


INTEGER = "has to be a whole number from"
ADDRESS = "has to be an address such as https://example.com/, without a user, `?` or `#`."
NOT_RE2 = "RE2 has no look-around and no back-references."
UNREADABLE = "holds spaces or characters that no token has: copy it again."


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("ZEGO_APP_ID", "0", f"{INTEGER} 1 to 4294967295."),
        ("ZEGO_APP_ID", "4294967296", f"{INTEGER} 1 to 4294967295."),
        ("ZEGO_APP_ID", "-1", f"{INTEGER} 1 to 4294967295."),
        ("ZEGO_APP_ID", "१२", f"{INTEGER} 1 to 4294967295."),
        ("ZEGO_APP_ID", "my-app", f"{INTEGER} 1 to 4294967295."),
        ("ZEGO_SERVER_SECRET", "two words", UNREADABLE),
        ("ZEGO_SERVER_SECRET", "“quoted”", UNREADABLE),
        ("ZEGO_SERVER_SECRET", "a" * 31, "has 31 characters, but a ServerSecret has 32: copy it again."),
        ("ZEGO_SERVER_SECRET", "a" * 64, "has 64 characters, but a ServerSecret has 32: copy it again."),
        ("ZEGO_API_URL", "cloudrecord-api.zego.im", ADDRESS),
        ("ZEGO_API_URL", "ftp://example.com/", ADDRESS),
        ("ZEGO_API_URL", "https://", ADDRESS),
        ("ZEGO_API_URL", "https://user:word@example.com/", ADDRESS),
        ("ZEGO_API_URL", "https://example.com/?a=b", ADDRESS),
        ("ZEGO_API_URL", "https://example.com/?", ADDRESS),
        ("ZEGO_API_URL", "https://example.com/#top", ADDRESS),
        ("ZEGO_API_URL", "https://example.com:99999/", ADDRESS),
        ("ZEGO_API_URL", "https://example.com:0/", ADDRESS),
        ("ZEGO_API_URL", "https://[::1/", ADDRESS),
        ("ZEGO_API_URL", "https://exa mple.com/", ADDRESS),
        ("ZEGO_API_URL", "https://a..example.com/", ADDRESS),
        ("ZEGO_API_URL", f"https://{'a' * 64}.example.com/", ADDRESS),
        ("ZEGO_API_URL", "https://xn--zzzzzzzz-.com/", ADDRESS),
        ("ZEGO_API_URL", f"https://{'é' * 60}.com/", ADDRESS),
        ("ZEGO_API_URL", "https://1.2.3.400/", ADDRESS),
        ("ZEGO_API_URL", "https://[::g]/", ADDRESS),
        ("SLACK_API_URL", "https://exa%mple.com/", ADDRESS),
        ("ZEGO_MAX_RPS", "0", f"{INTEGER} 1 to 10."),
        ("ZEGO_MAX_RPS", "11", f"{INTEGER} 1 to 10."),
        ("ZEGO_MAX_RPS", "2.5", f"{INTEGER} 1 to 10."),
        ("SLACK_BOT_TOKEN", "xapp-1", "has to start with xoxb-, but this is an app-level token."),
        ("SLACK_BOT_TOKEN", "xoxp-1", "has to start with xoxb-, but this is a user token."),
        ("SLACK_BOT_TOKEN", "secret", "has to start with xoxb-, but this is something else."),
        ("SLACK_APP_TOKEN", "xoxb-1", "has to start with xapp-, but this is a bot token."),
        ("SLACK_SIGNING_SECRET", "a\tb", UNREADABLE),
        ("SLACK_API_URL", "slack.com", ADDRESS),
        ("PORT", "65536", f"{INTEGER} 0 to 65535."),
        ("PORT", "http", f"{INTEGER} 0 to 65535."),
        (
            "DATABASE_URL",
            "mysql://u:p@h/d",
            "has to be an address that begins with sqlite:/// or postgresql://.",
        ),
        (
            "DATABASE_URL",
            "recordings.db",
            "has to be an address that begins with sqlite:/// or postgresql://.",
        ),
        ("CACHE_TTL_SECONDS", "-1", "has to be a number of seconds from 0 to 600."),
        ("CACHE_TTL_SECONDS", "601", "has to be a number of seconds from 0 to 600."),
        ("CACHE_TTL_SECONDS", "nan", "has to be a number of seconds from 0 to 600."),
        ("CACHE_TTL_SECONDS", "15s", "has to be a number of seconds from 0 to 600."),
        ("DEFAULT_TZ", "Berlin", "has to be an IANA time zone such as Europe/Berlin."),
        ("DEFAULT_TZ", "Europe", "has to be an IANA time zone such as Europe/Berlin."),
        ("DEFAULT_TZ", "../../etc/passwd", "has to be an IANA time zone such as Europe/Berlin."),
        (
            "ALLOWED_CHANNELS",
            "#general",
            "has to be a list of Slack IDs with commas, such as C024BE91L (IDs, not names).",
        ),
        (
            "ALLOWED_CHANNELS",
            "U2147483697",
            "has to be a list of Slack IDs with commas, such as C024BE91L (IDs, not names).",
        ),
        (
            "ALLOWED_USERS",
            "@asker",
            "has to be a list of Slack IDs with commas, such as U2147483697 (IDs, not names).",
        ),
        (
            "ALLOWED_USERS",
            ",",
            "has to be a list of Slack IDs with commas, such as U2147483697 (IDs, not names).",
        ),
        (
            "ALLOWED_TEAMS",
            "T0001;T0002",
            "has to be a list of Slack IDs with commas, such as T0001 (IDs, not names).",
        ),
        ("LOG_LEVEL", "loud", "has to be one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        ("LOG_FORMAT", "xml", "has to be one of text, json."),
        ("RUNAWAY_HOURS", "0", "has to be a whole number from 1 to 48."),
        *(
            ("ROOM_PATTERN", text, f"is not a regular expression that RE2 understands ({why}): {NOT_RE2}")
            for text, why in (
                ("class (", "missing ): class ("),
                (r"(?=class)\w+", "invalid perl operator: (?="),
                (r"(?<!class )\d+", "invalid perl operator: (?<!"),
                (r"(\w)\1", r"invalid escape sequence: \1"),
                ("a{2000}", "invalid repetition size: {2000}"),
            )
        ),
        ("ROOM_PATTERN", "(a)(b)", "may have one group, which is the room ID."),
        ("BOT_CLOCK", "noon", "has to be a clock such as 2026-11-23T09:00:00Z*60."),
        ("BOT_CLOCK", "2026-11-23T09:00:00Z*-1", "has to be a clock such as 2026-11-23T09:00:00Z*60."),
    ],
)
def test_a_wrong_value_gets_a_sentence_that_says_what_is_right(name: str, text: str, problem: str) -> None:
    assert problems_of(RIGHT | {name: text}, slack=True) == [f"{name} {problem}"]


@pytest.mark.parametrize(
    ("password", "how"),
    [
        ("hunter2#", "`#` as %23"),
        ("hunter2?", "`?` as %3F"),
        ("hunter2?x=1", "`?` as %3F"),
        ("hunter2/", "`/` as %2F"),
        ("1/hunter2", "`/` as %2F"),
        ("1?hunter2", "`?` as %3F"),
        ("1#hunter2", "`#` as %23"),
        ("hunter2[", "`[` as %5B"),
        ("hunter2]", "`]` as %5D"),
        ("hunter2@", "`@` as %40"),
        ("#hunter2/%@", "`#` as %23 and `/` as %2F and `@` as %40"),
    ],
)
@pytest.mark.parametrize("rest", ["db/recordings", "db:5432/recordings?sslmode=require", "[::1]:5432/x"])
def test_a_password_with_special_characters_is_told_which_to_encode_and_how(
    password: str, how: str, rest: str
) -> None:
    [problem] = problems_of(RIGHT | {"DATABASE_URL": f"postgresql://bot:{password}@{rest}"}, slack=True)
    assert problem == f"DATABASE_URL holds a password with special characters: write {how}."


def test_an_at_sign_in_the_options_alone_would_be_taken_for_the_end_of_a_password() -> None:
    url = "postgresql://db:5432/recordings?user=me@work"
    [problem] = problems_of(RIGHT | {"DATABASE_URL": url}, slack=True)
    assert problem == "DATABASE_URL holds `@` in its options: write %40."


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://bot:a%23%3F%2F%5B%5D%40%25@db/recordings", "a#?/[]@%"),
        ("postgresql://bot:100%@db/recordings", "100%"),
        ("postgresql://bot:a:b!$&'()*+,;=~@db/recordings", "a:b!$&'()*+,;=~"),
        ("postgresql://bot:pw@db/recordings?application_name=me@work/#1", "pw"),
        ("postgresql://db:5432/recordings?user=me%40work&password=pw/1", None),
        ("postgresql://me@db/recordings", None),
    ],
)
def test_a_password_that_can_be_read_is_taken_as_the_database_gets_it(url: str, password: str | None) -> None:
    settings = load_settings(RIGHT | {"DATABASE_URL": url}, slack=True)
    engine = open_engine(settings.database_url.reveal())
    assert engine.url.password == password
    assert engine.url.host == "db"
    assert password is None or len(password) < 6 or password in settings.secrets()


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("postgresql://bot:hunter2@[db/recordings", "DATABASE_URL"),
        ("postgresql://bot:hunter2℀@db/recordings", "DATABASE_URL"),
        ("postgresql://bot:hunter2@db:port/recordings", "DATABASE_URL"),
        ("mysql://bot:hunter2@db/recordings", "DATABASE_URL"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_quoted(url: str, variable: str) -> None:
    [problem] = problems_of(RIGHT | {variable: url}, slack=True)
    assert problem.startswith(f"{variable} has to be an address that begins with ")
    assert "hunter2" not in problem


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_docker_keeps_around_values_are_taken_off(quote: str) -> None:
    quoted = {name: f" {quote}{value}{quote} " for name, value in RIGHT.items()}
    settings, plain = load_settings(quoted, slack=True), load_settings(RIGHT, slack=True)
    for field in fields(Settings):
        assert revealed(getattr(settings, field.name)) == revealed(getattr(plain, field.name)), field.name
    assert load_settings(RIGHT | {"PORT": '""'}).port_is_set is False


@pytest.mark.parametrize("text", ['"abc', "abc'", "\"abc'", '"'])
def test_a_quote_on_one_side_alone_is_left_where_it_is(text: str) -> None:
    assert load_settings(RIGHT | {"HOST": text}).host == text


def test_quotes_in_a_room_pattern_are_part_of_it() -> None:
    pattern = load_settings(RIGHT | {"ROOM_PATTERN": r'"(\d+)"'}).room_pattern
    assert pattern is not None
    assert pattern.pattern == r'"(\d+)"'


@pytest.mark.parametrize("text", ["(a+)+$", "(?:a|a)*$", "(a?)*$", r"^(?:\w+\s?)*$", "(a*){20}$", ".*.*.*x"])
def test_no_room_pattern_takes_for_ever_on_a_hostile_message(text: str) -> None:
    pattern = load_settings(RIGHT | {"ROOM_PATTERN": text}).room_pattern
    assert pattern is not None
    assert [match for match in pattern.finditer("a" * 499 + "!") if match[0]] == []


def test_a_room_pattern_is_used_as_pythons_own_are() -> None:
    pattern = load_settings(RIGHT | {"ROOM_PATTERN": r"класс (?P<room>\w+)"}).room_pattern
    assert find_ids(["класс 7b, класс 8a"], room_pattern=pattern).rooms == ("7b", "8a")


def test_re2_is_not_imported_without_a_room_pattern() -> None:
    code = (
        "import sys\nfrom bot.config import load_settings\n"
        "load_settings({given})\nsys.exit('re2' in sys.modules)"
    )
    for more, imported in ({}, 0), ({"ROOM_PATTERN": "x"}, 1):
        given = {name: RIGHT[name] for name in ("ZEGO_APP_ID", "ZEGO_SERVER_SECRET")} | more
        command = [sys.executable, "-c", code.replace("{given}", repr(given))]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == imported  # noqa: S603 - our own code


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ZEGO_APPID", "ZEGO_APP_ID"),
        ("ZEGO_APP_IDS", "ZEGO_APP_ID"),
        ("zego_app_id", "ZEGO_APP_ID"),
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLACK_SIGNIN_SECRET", "SLACK_SIGNING_SECRET"),
        ("ALLOWED_CHANNEL", "ALLOWED_CHANNELS"),
        ("ALOWED_USERS", "ALLOWED_USERS"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("LOG_LEVL", "LOG_LEVEL"),
    ],
)
def test_a_misspelt_variable_is_told_with_the_one_that_is_meant(name: str, meant: str) -> None:
    environment = {one: value for one, value in RIGHT.items() if one != meant} | {"PORT": "x", name: "7"}
    problems = problems_of(environment, slack=True, socket_mode=True)
    assert f"{name} is not a setting of this bot. Did you mean {meant}?" in problems
    assert "PORT has to be a whole number from 0 to 65535." in problems


def test_variables_of_other_programs_are_none_of_this_bots_business() -> None:
    others = {
        *(
            "SLACK_API_TOKEN",
            "SLACK_WEBHOOK_URL",
            "SLACK_APP_ID",
            "SLACK_TOKEN",
            "ZEGO_APP_SIGN",
            "REDIS_PORT",
        ),
        *("DATABASE_PORT", "DATABASE_HOST", "SLACK_API_PORT", "FTP_PROXY", "HOSTNAME", "LOG_FILE", "LOGNAME"),
        *("SSL_CERT_DIRS", "PATH", "HOME", "TZ", "LC_ALL", "TEST_POSTGRES_URL", "SLACK_BOT_ID"),
    }
    needed = {name: RIGHT[name] for name in ("ZEGO_APP_ID", "ZEGO_SERVER_SECRET")}
    load_settings(needed | dict.fromkeys(others, "x"))
    both = RIGHT | {"SLACK_BOT_TOKENS": "of another program", "PORT": "1"}
    assert load_settings(both, slack=True).slack_bot_token.reveal() == RIGHT["SLACK_BOT_TOKEN"]


def test_a_blank_value_is_as_good_as_none() -> None:
    blank = dict.fromkeys(["ZEGO_MAX_RPS", "PORT", "DEFAULT_TZ", "ALLOWED_USERS", "LOG_LEVEL"], "  ")
    settings = load_settings(RIGHT | blank, slack=True)
    assert settings == replace(
        load_settings(RIGHT, slack=True),
        zego_server_secret=settings.zego_server_secret,
        slack_bot_token=settings.slack_bot_token,
        slack_app_token=settings.slack_app_token,
        slack_signing_secret=settings.slack_signing_secret,
        database_url=settings.database_url,
        redis_url_is_set=True,
        http_proxy=settings.http_proxy,
        https_proxy=settings.https_proxy,
        all_proxy=settings.all_proxy,
    )
    assert not settings.port_is_set


def test_every_problem_is_told_at_once() -> None:
    wrong = {"ZEGO_APP_ID": "x", "SLACK_BOT_TOKEN": "xapp-1", "PORT": "-1", "LOG_FORMAT": "xml"}
    problems = problems_of(wrong, slack=True)
    assert [problem.split()[0] for problem in problems] == [
        "ZEGO_APP_ID",
        "SLACK_BOT_TOKEN",
        "PORT",
        "LOG_FORMAT",
        "SLACK_APP_TOKEN",
        "ZEGO_SERVER_SECRET",
    ]
    assert str(ConfigError(problems)).count("\n- ") == len(problems)


def test_two_tokens_that_changed_places_are_both_told() -> None:
    swapped = RIGHT | {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"}
    assert problems_of(swapped, slack=True) == [
        "SLACK_BOT_TOKEN has to start with xoxb-, but this is an app-level token.",
        "SLACK_APP_TOKEN has to start with xapp-, but this is a bot token.",
    ]


@pytest.mark.parametrize(
    ("given", "how", "missing"),
    [
        ({"ZEGO_APP_ID", "ZEGO_SERVER_SECRET"}, {}, []),
        (set(), {}, ["ZEGO_APP_ID", "ZEGO_SERVER_SECRET"]),
        ({"ZEGO_APP_ID", "ZEGO_SERVER_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}, {"slack": True}, []),
        (
            {"ZEGO_APP_ID", "ZEGO_SERVER_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"},
            {"slack": True},
            [],
        ),
        (
            {"ZEGO_APP_ID", "ZEGO_SERVER_SECRET"},
            {"slack": True},
            ["SLACK_APP_TOKEN (for Socket Mode) or SLACK_SIGNING_SECRET (for HTTP)", "SLACK_BOT_TOKEN"],
        ),
        (set(RIGHT) - {"SLACK_APP_TOKEN"}, {"slack": True, "socket_mode": True}, ["SLACK_APP_TOKEN"]),
        (
            set(RIGHT) - {"SLACK_SIGNING_SECRET"},
            {"slack": True, "socket_mode": False},
            ["SLACK_SIGNING_SECRET (for HTTP)"],
        ),
    ],
)
def test_what_is_missing_depends_on_what_is_run(
    given: set[str], how: dict[str, Any], missing: list[str]
) -> None:
    environment = {name: RIGHT[name] for name in given}
    if not missing:
        load_settings(environment, **how)
        return
    assert [problem.split(" is missing: ")[0] for problem in problems_of(environment, **how)] == missing


def test_no_secret_shows_in_any_form_of_the_settings() -> None:
    settings = load_settings(RIGHT, slack=True)
    shown = (
        f"{settings} {settings!r} {settings.slack_bot_token} {[settings.database_url]} {settings.__class__}"
    )
    shown += "".join(f"{getattr(settings, field.name)}" for field in fields(settings))
    for secret in SECRETS:
        assert secret not in shown
    assert settings.slack_bot_token.reveal() == RIGHT["SLACK_BOT_TOKEN"]


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_no_secret_shows_when_its_own_variable_is_wrong(name: str) -> None:
    problems = problems_of(RIGHT | {name: f"{RIGHT[name]} broken"} | {"PORT": "x"}, slack=True)
    for secret in SECRETS:
        assert secret not in str(problems)


def test_an_empty_secret_is_false_and_a_copy_is_as_silent() -> None:
    assert not Secret("")
    assert repr(Secret("")) == "Secret('')"
    assert "hidden" not in repr(copy.deepcopy(Secret("hidden")))
    assert pickle.loads(pickle.dumps(Secret("hidden"))).reveal() == "hidden"  # noqa: S301 - made here


class TestDotenv:
    @pytest.fixture
    def dotenv(self, tmp_path: Path) -> Path:
        return tmp_path / ".env"

    def test_the_real_environment_wins(self, dotenv: Path) -> None:
        dotenv.write_text("PORT=1\nHOST=file # a comment\n")
        assert read_environment({"PORT": "2"}, dotenv) == {"PORT": "2", "HOST": "file"}

    def test_a_missing_file_is_no_error(self, dotenv: Path) -> None:
        assert read_environment({"PORT": "2"}, dotenv) == {"PORT": "2"}
        assert read_environment({"PORT": "2"}) == {"PORT": "2"}

    def test_values_are_taken_as_they_stand(self, dotenv: Path) -> None:
        dotenv.write_text("ZEGO_SERVER_SECRET=a${HOME}b$c\nNAME_WITHOUT_VALUE\n")
        assert read_environment({}, dotenv) == {"ZEGO_SERVER_SECRET": "a${HOME}b$c", "NAME_WITHOUT_VALUE": ""}

    def test_a_byte_order_mark_does_not_hide_the_first_variable(self, dotenv: Path) -> None:
        dotenv.write_text("ZEGO_APP_ID=7\n", encoding="utf-8-sig")
        assert read_environment({}, dotenv) == {"ZEGO_APP_ID": "7"}

    def test_a_file_that_is_no_text_says_so_without_quoting_it(self, dotenv: Path) -> None:
        dotenv.write_bytes(b"ZEGO_SERVER_SECRET=hidden\xff\n")
        with pytest.raises(ConfigError, match="is not text in UTF-8: save it again") as caught:
            read_environment({}, dotenv)
        assert "hidden" not in str(caught.value)


class TestExample:
    """`.env.example` is what people copy: it has every variable, explained, and nothing secret."""

    @pytest.fixture
    def lines(self) -> list[str]:
        return (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()

    def test_it_names_exactly_the_variables_that_are_known(self, lines: list[str]) -> None:
        named = [line.partition("=")[0] for line in lines if re.match(r"[A-Z]", line)]
        known = {field.name.upper() for field in fields(Settings)} - {"PORT_IS_SET", "REDIS_URL_IS_SET"}
        assert sorted(named) == sorted(known)

    def test_every_variable_has_a_comment_line_of_its_own(self, lines: list[str]) -> None:
        for before, line in pairwise(lines):
            if re.match(r"[A-Z]", line):
                assert re.match(r"# \w", before), line

    def test_it_holds_no_secret_and_its_values_are_the_defaults(self) -> None:
        example = read_environment({}, ROOT / ".env.example")
        needed = {name: RIGHT[name] for name in ("ZEGO_APP_ID", "ZEGO_SERVER_SECRET")}
        for name in ("ZEGO_APP_ID", "ZEGO_SERVER_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
            assert example[name] == ""
        assert example["SLACK_SIGNING_SECRET"] == ""
        filled_in, bare = load_settings({**example, **needed}), load_settings(needed)
        for field in fields(Settings):
            if field.name not in {"port_is_set", "redis_url_is_set"}:
                of_example, of_none = getattr(filled_in, field.name), getattr(bare, field.name)
                assert revealed(of_example) == revealed(of_none), field.name
