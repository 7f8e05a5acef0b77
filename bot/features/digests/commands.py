"""What people type behind `/recordings digest`: what is to be done, and with which of them (pure)."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import QueryError
from bot.features.digests.settings import begins_with_schedule
from bot.query.tokenizer import Mistake, joined, plain_text, shown

_DIGEST = re.compile(r"digests?(?=\s|$)\s*", re.IGNORECASE)
_SLIP = 0.8
"""How like `digest` a word is, of 1, to be one mistyped: `digets`, `dgest`, not `digital`."""
_NUMBER = re.compile(r"#?([0-9]{1,6})")


class Verb(StrEnum):
    """What is to be done with digests."""

    ADD = "add"
    LIST = "list"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    RUN = "run"
    PREVIEW = "preview"
    HELP = "help"


NUMBERED = (Verb.PAUSE, Verb.RESUME, Verb.REMOVE, Verb.RUN)
_SYNONYMS = {
    **{verb.value: verb for verb in Verb},
    **dict.fromkeys(("new", "create", "make", "post"), Verb.ADD),
    **dict.fromkeys(("ls", "show", "all"), Verb.LIST),
    **dict.fromkeys(("stop", "hold"), Verb.PAUSE),
    **dict.fromkeys(("unpause", "continue", "start"), Verb.RESUME),
    **dict.fromkeys(("delete", "rm", "drop"), Verb.REMOVE),
    **dict.fromkeys(("test", "now"), Verb.RUN),
    **dict.fromkeys(("next", "when"), Verb.PREVIEW),
    **dict.fromkeys(("?", "--help", "-h", "usage"), Verb.HELP),
}


@dataclass(frozen=True, slots=True)
class DigestCommand:
    """What was typed behind `digest`.

    Attributes:
        verb: what is to be done.
        number: of the digest in its channel, where the verb needs one.
        terms: what stands behind `add` and `preview`.
    """

    verb: Verb
    number: int = 0
    terms: str = ""


def names_digests(text: str) -> bool:
    """Whether a command is about digests: its first word says so."""
    try:
        return _DIGEST.match(plain_text(text)) is not None
    except Mistake:
        return False


def misspells_digests(text: str) -> QueryError | None:
    """What to say of a command whose first word is a slip of `digest`; None for all others.

    No such word stands at the beginning of a question.
    """
    try:
        word, _, behind = plain_text(text).partition(" ")
    except Mistake:
        return None
    if not word.isalpha() or not difflib.get_close_matches(
        word.lower()[:20], ("digest", "digests"), n=1, cutoff=_SLIP
    ):
        return None
    command = f"digest {behind}".strip()
    try:
        parse_digest_command(command)
    except QueryError as error:
        command = error.suggestion
    return QueryError(f"`{shown(word)}` is not a term.", command)


def parse_digest_command(text: str) -> DigestCommand:
    """Read a command that `names_digests`.

    Raises:
        QueryError: with a sentence and the nearest right command, without `/recordings`.
    """
    rest = _DIGEST.sub("", plain_text(text), count=1)
    word, _, behind = rest.partition(" ")
    behind = behind.strip()
    if not word:
        return DigestCommand(Verb.HELP)
    verb = _SYNONYMS.get(word.lower())
    if verb is None:
        raise _no_such_verb(word, behind, rest)
    if verb in NUMBERED:
        return DigestCommand(verb, _number(verb, behind))
    if verb is Verb.PREVIEW and (match := _NUMBER.fullmatch(behind)):
        return DigestCommand(verb, int(match[1]))
    return DigestCommand(verb, terms=behind)


def _no_such_verb(word: str, behind: str, rest: str) -> QueryError:
    close = difflib.get_close_matches(word.lower()[:20], _SYNONYMS, n=1, cutoff=0.6)
    problem = f"`{shown(word)}` is nothing that can be done with digests: {joined(tuple(Verb))}."
    if close:
        return QueryError(problem, f"digest {_SYNONYMS[close[0]]} {behind}".strip())
    if begins_with_schedule(rest):
        return QueryError(f"`{shown(word)}` is nothing that can be done with digests.", f"digest add {rest}")
    return QueryError(problem, "digest help")


def _number(verb: Verb, behind: str) -> int:
    if match := _NUMBER.fullmatch(behind):
        return int(match[1])
    example = f"digest {verb} 1"
    if not behind:
        raise QueryError(f"`{verb}` needs the number of a digest; `digest list` shows them.", example)
    first = _NUMBER.match(behind)
    raise QueryError(
        f"`{verb}` takes the number of one digest, not `{shown(behind)}`; `digest list` shows them.",
        f"digest {verb} {first[1]}" if first else "digest list",
    )
