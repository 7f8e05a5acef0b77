"""`/recordings digest …` and the form: read into settings, or one sentence with the nearest right thing."""

from __future__ import annotations

import random
import string

import pytest

from bot.errors import QueryError
from bot.features.digests.commands import (
    DigestCommand,
    Verb,
    misspells_digests,
    names_digests,
    parse_digest_command,
)
from bot.features.digests.form import build_digest_form, kept_by_form, read_digest_form
from bot.features.digests.models import Digest
from bot.features.digests.notices import build_digest_mistake
from bot.features.digests.settings import DigestSettings, format_settings, has_own_window, read_settings
from bot.query.parser import format_query, parse_query
from bot.query.terms import RecordingQuery
from bot.recordings.page import MAX_VALUE, ButtonState, decode_button
from bot.sandbox.slack.block_rules import check_blocks, check_view
from bot.slack.forms import FormErrors
from bot.slack.ids import DigestField
from tests.world import NOW

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "is_about_digests"),
    [
        ("digest", True),
        ("digests list", True),
        ("  Digest add x", True),
        ("/recordings digest list", True),
        ("digestion", False),
        ("room=digest", False),
        ("1230 digest", False),
        ("", False),
    ],
)
def test_the_first_word_says_that_it_is_about_digests(text: str, is_about_digests: bool) -> None:
    assert names_digests(text) == is_about_digests


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("digets list", "digest list"),
        ("/recordings Dgest pause 2", "digest pause 2"),
        ("digset", "digest"),
        ("digets lst", "digest list"),
        ('diggest add "weekdays at 09:00" room=1', 'digest add "weekdays at 09:00" room=1'),
    ],
)
def test_a_slip_of_digest_leads_to_the_command_that_was_meant(text: str, suggestion: str) -> None:
    slip = misspells_digests(text)
    assert slip is not None
    assert "is not a term" in slip.problem
    assert slip.suggestion == suggestion
    parse_digest_command(slip.suggestion)


@pytest.mark.parametrize("text", ["", "1230 digets", "digital", "digest1", "digests=5", "latest", "x" * 5000])
def test_other_words_are_no_slip_of_digest(text: str) -> None:
    assert misspells_digests(text) is None


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("digest", DigestCommand(Verb.HELP)),
        ("digest help", DigestCommand(Verb.HELP)),
        ("digests", DigestCommand(Verb.HELP)),
        ("digest ?", DigestCommand(Verb.HELP)),
        ("digest list", DigestCommand(Verb.LIST)),
        ("digest LIST", DigestCommand(Verb.LIST)),
        ("digest pause 2", DigestCommand(Verb.PAUSE, 2)),
        ("digest stop #2", DigestCommand(Verb.PAUSE, 2)),
        ("digest resume 12", DigestCommand(Verb.RESUME, 12)),
        ("digest delete 3", DigestCommand(Verb.REMOVE, 3)),
        ("digest run 1", DigestCommand(Verb.RUN, 1)),
        ("digest preview 1", DigestCommand(Verb.PREVIEW, 1)),
        ("digest preview “weekdays at 09:00”", DigestCommand(Verb.PREVIEW, terms='"weekdays at 09:00"')),
        ("digest add weekdays at 9", DigestCommand(Verb.ADD, terms="weekdays at 9")),
    ],
)
def test_a_command_is_read(text: str, command: DigestCommand) -> None:
    assert parse_digest_command(text) == command


@pytest.mark.parametrize(
    ("text", "words", "suggestion"),
    [
        ("digest puase 2", "`puase` is nothing that can be done", "digest pause 2"),
        ("digest flibber", "add, list, pause", "digest help"),
        ("digest weekdays at 09:00", "`weekdays` is nothing", "digest add weekdays at 09:00"),
        ("digest pause", "needs the number", "digest pause 1"),
        ("digest pause all", "not `all`", "digest list"),
        ("digest pause 1 2", "not `1 2`", "digest pause 1"),
    ],
)
def test_a_mistake_gets_the_nearest_right_command(text: str, words: str, suggestion: str) -> None:
    with pytest.raises(QueryError) as error:
        parse_digest_command(text)
    assert words in error.value.problem
    assert error.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("terms", "settings"),
    [
        ('"weekdays at 09:00"', DigestSettings("", "weekdays at 09:00", BERLIN, "line")),
        ("weekdays at 09:00", DigestSettings("", "weekdays at 09:00", BERLIN, "line")),
        ("'weekdays at 9am' room=1230", DigestSettings("room=1230", "weekdays at 09:00", BERLIN, "line")),
        (
            "weekdays at 09:00 room=1230 last=24h",
            DigestSettings("room=1230 last=24h", "weekdays at 09:00", BERLIN, "line"),
        ),
        (
            '"weekdays at 09:00" 1230 ongoing 6h',
            DigestSettings("room=1230 status=ongoing last=6h", "weekdays at 09:00", BERLIN, "line"),
        ),
        (
            "mon, wed, fri at 18:00 status=problems quiet=silent",
            DigestSettings("status=attention", "mon,wed,fri at 18:00", BERLIN, "nothing"),
        ),
        (
            "0 9 * * 1-5 tz=america/new_york quiet=line",
            DigestSettings("", "weekdays at 09:00", "America/New_York", "line"),
        ),
        ("*/30 * * * *", DigestSettings("", "*/30 * * * *", BERLIN, "line")),
        ("every 6 hours last=6h", DigestSettings("last=6h", "every 6 hours", BERLIN, "line")),
        (
            '"daily at 18:00" from=14:00 to=17:00',
            DigestSettings("from=14:00 to=17:00", "every day at 18:00", BERLIN, "line"),
        ),
        (
            '"daily at 9" from=yesterday to=yesterday sort=oldest size=5',
            DigestSettings(
                "from=yesterday to=yesterday sort=oldest size=5", "every day at 09:00", BERLIN, "line"
            ),
        ),
    ],
)
def test_settings_are_read_into_one_canonical_form(terms: str, settings: DigestSettings) -> None:
    read = read_settings(terms, NOW, BERLIN)
    assert read == settings
    quiet = "silent" if settings.quiet == "nothing" else "line"
    again = f'"{settings.schedule}" {settings.query} tz={settings.zone} quiet={quiet}'
    assert read_settings(again, NOW, "Asia/Tokyo") == settings
    command = parse_digest_command(format_settings(settings))
    assert command.verb is Verb.ADD
    assert read_settings(command.terms, NOW, "Asia/Tokyo") == settings


def test_a_button_can_carry_the_longest_command() -> None:
    letters = random.Random(1)  # noqa: S311 - no secret
    rooms = [
        "".join(letters.choices(string.ascii_letters + string.digits + "\"' ", k=124)) for _ in range(10)
    ]
    settings = DigestSettings(
        format_query(RecordingQuery(rooms=tuple(f"a{room}b" for room in rooms), last_seconds=90)),
        f"0 {','.join(map(str, range(24)))} {','.join(map(str, range(1, 32)))} 1-12 0-6",
        "America/Argentina/ComodRivadavia",
        "nothing",
    )
    value = ButtonState(1, 0, format_settings(settings)).encode()
    assert len(value) <= MAX_VALUE
    state = decode_button(value)
    assert state is not None
    assert read_settings(parse_digest_command(state.query).terms, NOW, "UTC").query == settings.query


@pytest.mark.parametrize(
    ("terms", "words", "suggestion"),
    [
        ("", "Say first when", 'digest add "weekdays at 09:00"'),
        ("room=1230", "Say first when", 'digest add "weekdays at 09:00" room=1230'),
        ('room=1 "mondays at 8"', "Say first when", 'digest add "mondays at 8" room=1'),
        ("room=1 last=1d daily at 9", "Say first when", 'digest add "daily at 9" room=1 last=1d'),
        ("room=1 0 9 * * 1-5", "Say first when", 'digest add "0 9 * * 1-5" room=1'),
        ("room=1 ongoing", "Say first when", 'digest add "weekdays at 09:00" room=1 ongoing'),
        ("wekdays at 09:00 room=1", "not a schedule", 'digest add "weekdays at 09:00" room=1'),
        ("weekdays at 09:00 1230", "put it in quotes", 'digest add "weekdays at 09:00" 1230'),
        ("weekdays", "no time of day", 'digest add "weekdays at 09:00"'),
        ("every 5 minutes room=1", "more often than every 15 min", 'digest add "every 15 minutes" room=1'),
        ('"*/10 * * * *"', "more often than every 15 min", 'digest add "0 * * * *"'),
        ('"daily at 9" statsu=failed', "no term `statsu`", 'digest add "daily at 9" status=failed'),
        ('"daily at 9" tz=CET', "not a time zone", 'digest add "daily at 9" tz=Europe/Berlin'),
        (
            '"daily at 9" quiet=loud room=1',
            "`quiet=line` posts",
            'digest add "daily at 9" room=1 quiet=silent',
        ),
        ('"daily at 9" quiet=line quiet=line', "given twice", 'digest add "daily at 9" quiet=line'),
        ('"daily at 9" task=YRHu6-E4IyvEAAAD', "details of one", ""),
        ('"daily at 9" page=2', "no meaning in a digest", ""),
        ('"daily at 9" from=2026-11-20', "stands still", ""),
        ('"daily at 9', "do not pair up", 'digest add "weekdays at 09:00" room=1230'),
    ],
)
def test_settings_that_cannot_be_read_say_what_is_wrong(terms: str, words: str, suggestion: str) -> None:
    with pytest.raises(QueryError) as error:
        read_settings(terms, NOW, BERLIN)
    assert words in error.value.problem
    assert error.value.suggestion == suggestion
    if error.value.suggestion:
        read_settings(parse_digest_command(error.value.suggestion).terms, NOW, BERLIN)


def form_of(settings: DigestSettings | None) -> dict[str, object]:
    query = parse_query(settings.query if settings else "", NOW, BERLIN)
    digest = None
    if settings:
        kept = (settings.query, settings.schedule, settings.zone, settings.quiet)
        digest = Digest("T1", "C123456", "U123456", *kept, number=1)
    view = build_digest_form(digest, query, settings.zone if settings else BERLIN)
    assert not check_view(view)
    return view


def state_of(view: dict[str, object], **changes: str) -> dict[str, object]:
    """What the form holds as it was built, with some fields changed by the last part of their block_id."""
    values: dict[str, object] = {}
    for block in view["blocks"]:  # type: ignore[attr-defined]
        element, name = block["element"], block["block_id"].rpartition(".")[2]
        field: dict[str, object] = {"type": element["type"]}
        if "options" in element:
            chosen = next(
                (option for option in element["options"] if option["value"] == changes.get(name)),
                element["initial_option"],
            )
            field["selected_option"] = chosen
        else:
            field["value"] = changes.get(name, element.get("initial_value"))
        values[block["block_id"]] = {"value": field}
    return {"values": values}


@pytest.mark.parametrize(
    "terms",
    [
        '"weekdays at 09:00"',
        '"every 6 hours" room="a b",1230 status=failed last=6h quiet=silent tz=Asia/Tokyo',
        '"daily at 18:00" from="yesterday 14:00" to=17:00 sort=oldest size=5',
        '"mondays at 9" last=36h status=attention',
    ],
)
def test_the_form_filled_in_with_settings_gives_the_same_settings(terms: str) -> None:
    settings = read_settings(terms, NOW, BERLIN)
    query = parse_query(settings.query, NOW, settings.zone)
    read = read_digest_form(
        state_of(form_of(settings)), now=NOW, zone="America/Lima", kept=kept_by_form(query)
    )
    assert read == settings


def test_the_empty_form_asks_for_everything_since_the_digest_before() -> None:
    read = read_digest_form(state_of(form_of(None)), now=NOW, zone=BERLIN)
    assert read == DigestSettings("", "weekdays at 09:00", BERLIN, "line")
    assert not has_own_window(read.query)


@pytest.mark.parametrize(
    ("changes", "block_id", "words"),
    [
        ({"schedule": "wekdays at 9"}, DigestField.SCHEDULE, "Did you mean `weekdays at 09:00`"),
        ({"schedule": "every 5 minutes"}, DigestField.SCHEDULE, "more often"),
        ({"zone": "berlin"}, DigestField.ZONE, "Did you mean Europe/Berlin?"),
        ({"rooms": ",".join(map(str, range(11)))}, DigestField.ROOMS, "at most 10"),
        ({"rooms": "1230 status=failed"}, DigestField.ROOMS, "more than rooms"),
    ],
)
def test_a_mistake_stands_at_its_field(changes: dict[str, str], block_id: str, words: str) -> None:
    with pytest.raises(FormErrors) as error:
        read_digest_form(state_of(form_of(None), **changes), now=NOW, zone=BERLIN)
    assert words in error.value.errors[block_id]
    assert len(error.value.errors) == 1


@pytest.mark.parametrize("text", ["&" * 3_900, "size=" + "x" * 3_900, 'page="' + "é" * 3_900 + '"'])
def test_a_mistake_of_any_length_fits_into_its_message(text: str) -> None:
    with pytest.raises(QueryError) as mistake:
        read_settings(f'"weekdays at 09:00" room=1230 {text} statsu=x', NOW, "UTC")
    message = build_digest_mistake(QueryError(mistake.value.problem * 20, mistake.value.suggestion or text))
    assert check_blocks(message["blocks"], "message") == []
