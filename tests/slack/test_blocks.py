"""Text that is cut to fit a message: nothing that Slack reads as one is cut in two."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import QueryError
from bot.features.digests.models import Digest, Notice
from bot.features.digests.notices import (
    Done,
    build_digest_list,
    build_digest_mistake,
    build_digest_notice,
    build_owner_notice,
)
from bot.sandbox.slack.block_rules import check_blocks
from bot.slack.blocks import MAX_CHARACTERS, code, context, date, escape, section, shortened
from bot.slack.notices import build_mistake, build_problem
from tests.examples import examples

NINE = 1_795_420_800
DATE = date(NINE * 1000)

WHOLE = re.compile(
    r"```[^`]+```|`[^`\n]+`|<(?:!date\^[0-9]+\^[^<>|]+\|[^<>|]+|@U[0-9]+|#C[0-9]+)>|&(?:amp|lt|gt);"
)


def assert_nothing_is_half(text: str) -> None:
    assert not re.search("[&<>`]", WHOLE.sub("", text)), text


@pytest.mark.parametrize(
    ("safe", "most", "kept"),
    [
        ("room 1230", 9, "room 1230"),
        ("room 1230", 6, "room …"),
        ("a &amp; b", 9, "a &amp; b"),
        ("a &amp; bc", 7, "a …"),
        ("a &amp; bc", 8, "a &amp;…"),
        (f"next {DATE}", len(DATE) + 4, "next …"),
        (f"next {DATE}, then", len(DATE) + 6, f"next {DATE}…"),
        ("by <@U123456>", 12, "by …"),
        ("type `/invite` there", 12, "type `/inv…`"),
        ("type `/invite` there", 9, "type `/…`"),
        ("type `/invite` there", 8, "type …"),
        ("`&amp;&amp;&amp;`", 9, "`&amp;…`"),
        ("```\na 1\nb 2\n```", 12, "```\na 1\n…```"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
    ],
)
def test_safe_text_is_cut_between_what_belongs_together(safe: str, most: int, kept: str) -> None:
    assert shortened(safe, most) == kept


SAFE = st.lists(
    st.one_of(
        st.text("ab &<>\n", max_size=30).map(escape),
        st.integers(0, 4_000_000_000).map(lambda seconds: date(seconds * 1000)),
        st.sampled_from(["<@U123456>", "<#C123456>", "&amp;", "*bold*", "\n"]),
        st.text("ab&<>`", max_size=40).map(code),
        st.text("ab█ \n", min_size=1, max_size=40).map(lambda chart: f"```{chart}```"),
    ),
    max_size=12,
).map(" ".join)


@given(SAFE, st.integers(1, 400))
def test_wherever_safe_text_is_cut_nothing_is_left_half(safe: str, most: int) -> None:
    assert_nothing_is_half(safe)
    kept = shortened(safe, most)
    assert len(kept) <= most
    assert_nothing_is_half(kept)
    assert (kept == safe) == (len(safe) <= most)
    assert set(re.findall("<[^<>]*>", kept)) <= set(re.findall("<[^<>]*>", safe))


@given(SAFE, st.integers(1, 200))
def test_paragraphs_and_small_lines_are_never_longer_than_slack_takes(safe: str, times: int) -> None:
    for block in (section(f"{safe} " * times), context(f"{safe} " * times)):
        text = block["text"]["text"] if "text" in block else block["elements"][0]["text"]
        assert len(text) <= MAX_CHARACTERS
        assert_nothing_is_half(text)


HOSTILE = st.text("ab&<>", max_size=600)


def sentences(hostile: str) -> list[str]:
    return [
        f"Slack did not take it ({hostile}).",
        f"The bot is not in the channel: `/invite` it there. {hostile}",
        f"{hostile}. " + "Its schedule `0 9 * * *` or its zone can no longer be read. " * 90,
    ]


@examples(8)
@given(HOSTILE, st.integers(1, 20))
def test_what_is_said_about_digests_is_never_cut_in_the_middle(hostile: str, many: int) -> None:
    for sentence in sentences(hostile):
        paused = Digest(
            *("T1", "C123456", "U123456", f'room="{hostile.strip() or "&"}"', "*/7 9-17 * 1-6 *", "UTC"),
            number=1,
            paused_at=NINE,
            paused_why=sentence,
            last_slot_at=NINE,
            last_result="failed",
            last_error=sentence,
        )
        digests = [replace(paused, id=str(number), number=number) for number in range(1, many + 1)]
        error = QueryError(sentence, sentence)
        for message in (
            build_digest_list(digests, {"U123456": hostile}, Done("pause", paused)),
            build_digest_notice(Done("changed", paused)),
            build_owner_notice(Notice(paused, NINE, sentence)),
            build_digest_mistake(error),
            build_mistake(error),
            build_problem(sentence, "7f3a2c"),
        ):
            assert not check_blocks(message["blocks"], "message")
            for text in all_text(message):
                assert_nothing_is_half(text)


def all_text(message: dict[str, Any]) -> list[str]:
    texts = [message["text"]]
    for block in message["blocks"]:
        parts = [block.get("text"), *(block.get("elements") or [])]
        texts += [part["text"] for part in parts if part and part.get("type") == "mrkdwn"]
    return texts
