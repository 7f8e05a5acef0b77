"""What is said privately about digests: help, the list, mistakes, and news for an owner (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.features.digests import ids as digest_ids
from bot.features.digests.message import MAX_TEXT_CHARACTERS, OUTSIDERS_SEE, covers, plan, schedule_in_words
from bot.features.digests.settings import has_own_window
from bot.plain_text import count
from bot.query.times import moment_on_clock
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.blocks import (
    actions,
    button,
    code,
    context,
    cut,
    date,
    escape,
    name,
    one_line,
    plain_date,
    section,
    shortened,
)
from bot.slack.notices import HALF_A_SECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.errors import QueryError
    from bot.features.digests.models import Digest, NewDigest, Notice
    from bot.features.digests.settings import DigestSettings
    from bot.query.terms import RecordingQuery


Block = dict[str, Any]
Message = dict[str, Any]

MAX_BLOCKS_CHARACTERS = 12_000
"""Kept below the 13,000 or so at which Slack has been seen to refuse a message (`msg_blocks_too_long`)."""

_SHAPES = ((240, True), (120, True), (240, False), (120, False), (60, False), (30, False), (15, False))
"""How a list is shown, the first that fits: characters of a query or a reason, and whether all buttons."""

_QUERY_CHARACTERS = 160
_NAME_CHARACTERS = 40

_BY_NUMBER = "By their numbers: `/recordings digest pause 1`, `resume 1`, `run 1`, `remove 1`."

_EXAMPLES = (
    ('add "weekdays at 09:00"', "everything since the digest before, Monday's with the weekend"),
    ('add "every 6 hours" room=1230 quiet=silent', "one room; nothing is posted when nothing happened"),
    ('add "mondays at 08:30" status=attention last=3d tz=Europe/Berlin', "only what needs somebody"),
)
_VERBS = (
    ("list", "this channel's digests, and how each went"),
    ('preview "1st of the month at 09:00"', "the next three times, before you add it"),
    ("run 1", "post it now as a test; the schedule goes on"),
    ("pause 1", "until `resume 1`; `remove 1` forgets it"),
)


def build_digest_help() -> Message:
    """What can be done with digests, in examples."""
    lines = [f"`/recordings digest {example}` – {words}" for example, words in _EXAMPLES]
    verbs = [f"`/recordings digest {verb}` – {words}" for verb, words in _VERBS]
    intro = "A digest posts into this channel, by its schedule, what happened and what needs attention."
    return {
        "text": f"{intro}\n" + "\n".join(escape(line.replace("`", "")) for line in (*lines, *verbs)),
        "blocks": [
            section(f"*Digests*\n{intro}"),
            section(escape("\n".join(lines))),
            section(escape("\n".join(verbs))),
            context(
                "First the schedule, in quotes, or as five cron fields; then the terms of any question. "
                "`tz=` names the zone, else it is yours. `quiet=line` posts one line when nothing happened."
            ),
            actions([_add(), button("List", digest_ids.SHOW, "list")], "digest-help"),
        ],
    }


@dataclass(frozen=True, slots=True)
class Done:
    """What has just been done with a digest.

    Attributes:
        what: `added`, `changed`, `confirmed`, `pause`, `resume`, `remove` or `run`.
        digest: as it is now; one that was removed as it was.
        query: what it asks, read; None where it can no longer be.
    """

    what: str
    digest: Digest
    query: RecordingQuery | None

    def in_mrkdwn(self) -> str:
        """Said in blocks: moments are in the reader's zone."""
        return self._words(date, name)

    def in_plain_words(self) -> str:
        """Said in a message's `text`, which has no reader's zone: moments are in the digest's."""
        return self._words(lambda ms: plain_date(ms, self.digest.zone), escape)

    def _words(self, when: Callable[[int], str], shown: Callable[[str], str]) -> str:
        digest, number = self.digest, self.digest.number
        due = plan(digest)
        coming = "" if digest.next_run_at is None else f", next {when(digest.next_run_at * 1000)}"
        says = {
            "added": f"Added digest {number}: {due}{coming}.",
            "changed": f"Saved digest {number}: {due}{coming}.",
            "confirmed": f"Confirmed digest {number}: {due}{coming}.",
            "resume": f"Resumed digest {number}: {due}{coming}.",
            "pause": f"Paused digest {number}: nothing is posted until it is resumed. It was due {due}.",
            "remove": f"Removed digest {number}: {due}.",
            "run": f"Digest {number} is being posted as a test; "
            + ("it stays paused." if digest.is_paused else f"its schedule goes on as it is: {due}."),
        }[self.what]
        paused = " It is still paused." if self.what == "changed" and digest.is_paused else ""
        return f"{says} {covers(digest, self.query, shown, is_test=self.what == 'run')}{paused}"


def build_digest_list(
    digests: Sequence[Digest], owners: Mapping[str, str], done: Done | None = None
) -> Message:
    """A channel's digests with their buttons.

    Args:
        digests: by number.
        owners: names by user ID, as far as they are known.
        done: what has just been done.
    """
    note, said = (done.in_mrkdwn(), done.in_plain_words()) if done else ("", "")
    if not digests:
        none = "This channel has no digests. Add one: "
        example = escape(f"/recordings digest {_EXAMPLES[0][0]}")
        empty = [section(f"{note} {none}`{example}`.".strip()), actions([_add()], "digest-help")]
        return {"text": f"{said} {none}{example}.".strip(), "blocks": empty}
    heading = f"{count(len(digests), 'digest')} in this channel"
    blocks: list[Block] = []
    for characters, with_buttons in _SHAPES:
        blocks = [*([section(note)] if note else []), section(f"*{heading}*")]
        for digest in digests:
            says = _described(digest, owners.get(digest.owner_id, ""), characters)
            blocks += (
                [section(says), _buttons(digest)] if with_buttons else [section(says, _settings(digest))]
            )
        if not with_buttons:
            blocks.append(context(_BY_NUMBER))
        blocks.append(actions([_add(), button("Help", digest_ids.HELP, "help")], "digest-help"))
        if len(json.dumps(blocks, ensure_ascii=False)) <= MAX_BLOCKS_CHARACTERS:
            break
    lines = [said, f"{heading}:", *(_in_plain_words(digest) for digest in digests)]
    return {"text": shortened("\n".join(filter(None, lines)), MAX_TEXT_CHARACTERS), "blocks": blocks}


def build_digest_notice(done: Done) -> Message:
    """What has just been done, with the digest's buttons unless it is gone."""
    buttons = [] if done.what == "remove" else [_buttons(done.digest)]
    return {"text": done.in_plain_words(), "blocks": [section(done.in_mrkdwn()), *buttons]}


def build_outsiders_question(
    what: str,
    settings: NewDigest | DigestSettings,
    query: RecordingQuery | None,
    value: str,
    *,
    number: int = 0,
    listed: bool = False,
) -> Message:
    """Ask before a digest is posted where people of other organisations read.

    Args:
        what: would be done: `add`, `resume` or `run`; `changed` where that has been done.
        settings: of the digest.
        query: of the settings, read; None where it can no longer be.
        value: what the button carries: the digest's ID; for `add` the command.
        number: of the digest; a new one has none yet.
        listed: it stands in place of a list, which the answer brings back.
    """
    begins, label, action_id = {
        "add": ("This digest isn't added yet", "Add it anyway", digest_ids.ADD_FOR_OUTSIDERS),
        "resume": (
            f"Digest {number} isn't resumed yet",
            "Resume it anyway",
            digest_ids.RESUME_FOR_OUTSIDERS,
        ),
        "run": (
            f"Digest {number} isn't posted yet, and its schedule would post here too",
            "Post it anyway",
            digest_ids.RUN_FOR_OUTSIDERS,
        ),
        "changed": (
            f"Saved digest {number}, but it pauses instead of posting until you confirm",
            "Post it here anyway",
            digest_ids.RESUME_FOR_OUTSIDERS,
        ),
    }[what]

    def says(shown: Callable[[str], str]) -> str:
        asked = f"{begins}: {plan(settings)}. {covers(settings, query, shown)}"
        return f"{OUTSIDERS_READ}. {OUTSIDERS_SEE}\n{asked}"

    block_id = digest_ids.listed(value) if listed else "digest-outsiders"
    elements = [button(label, action_id, value)]
    if listed:
        elements.append(button("Back to the list", digest_ids.SHOW, "list"))
    return {"text": says(escape), "blocks": [section(says(name)), actions(elements, block_id)]}


def build_digest_mistake(error: QueryError) -> Message:
    """One private sentence: what was read, what is wrong, the nearest right command."""
    text = shortened(escape(error.problem), HALF_A_SECTION)
    if error.suggestion:
        text += f" Did you mean {code(f'/recordings {error.suggestion}', HALF_A_SECTION)}?"
    elements = [_add("Open the form"), button("Help", digest_ids.HELP, "help")]
    return {"text": text.replace("`", ""), "blocks": [section(text), actions(elements, "digest-mistake")]}


def build_preview(
    settings: DigestSettings | NewDigest, query: RecordingQuery | None, times: Sequence[float]
) -> Message:
    """The next times of a schedule, in words with its zone, and what is asked.

    Args:
        settings: of the digest that is or would be.
        query: of the settings, read; None where it can no longer be.
        times: Unix seconds.
    """
    words = schedule_in_words(settings.schedule)
    moments = [moment_on_clock(time, settings.zone) for time in times]
    text = f"{words[:1].upper()}{words[1:]}, {settings.zone}: next {'; '.join(moments)}."
    return {
        "text": f"{escape(text)} {covers(settings, query, escape)}",
        "blocks": [
            section(
                f"*{escape(words[:1].upper() + words[1:])}*, {escape(settings.zone)}\n"
                + "\n".join(f"• {escape(moment)}" for moment in moments)
            ),
            context(covers(settings, query, name)),
        ],
    }


def build_owner_notice(notice: Notice) -> Message:
    """The direct message to an owner: what went wrong with which digest, and what to do."""
    digest = notice.digest
    plan = f"{schedule_in_words(digest.schedule)}, {digest.zone}"
    when = plain_date(notice.slot_at * 1000, digest.zone)
    where = f"<#{escape(digest.channel_id)}>"
    error = escape(notice.error)
    if digest.is_paused:
        then = f"The digest is paused until somebody types `/recordings digest resume {digest.number}` there."
    else:
        then = (
            "The next one is tried at its time; you are told again only after one has been posted. "
            f"To post it now, type `/recordings digest run {digest.number}` there."
        )
    text = f"Your digest {digest.number} in {where} ({escape(plan)}) was not posted at {when}. {error} {then}"
    return {"text": text, "blocks": [section(text)]}


def _described(digest: Digest, owner: str, characters: int) -> str:
    """Number, schedule, query, when next, how the last went, whose it is, and why it is paused."""
    words = schedule_in_words(digest.schedule)
    plan = f"{_short(words, 2 * characters)}, {escape(digest.zone)}"
    lines = [f"*{digest.number}* · {plan} · {_about(digest.query, characters)}"]
    if digest.is_paused:
        why = f": {_short(digest.paused_why, characters)}" if digest.paused_why else ""
        lines.append(f"▲ *Paused*{why}")
    elif digest.next_run_at is not None:
        lines.append(f"Next {date(digest.next_run_at * 1000)}")
    lines[-1] += f" · {_last(digest, characters)}"
    quiet = "a line" if digest.quiet == "line" else "silence"
    by = f"by {name(cut(owner, _NAME_CHARACTERS))} · " if owner else ""
    lines.append(f"{by}{quiet} when nothing happened")
    return "\n".join(lines)


def _in_plain_words(digest: Digest) -> str:
    words = schedule_in_words(digest.schedule)
    about = digest.query or "all recordings"
    if digest.is_paused:
        state = f"paused{': ' + digest.paused_why if digest.paused_why else ''}"
    else:
        state = f"next {plain_date((digest.next_run_at or 0) * 1000, digest.zone)}"
    last = digest.last_result or "not posted yet"
    about = f"{words}, {digest.zone}, {cut(about, _QUERY_CHARACTERS)}"
    return escape(f"{digest.number}. {about}; {state}; last: {last}")


def _last(digest: Digest, characters: int) -> str:
    if not digest.last_slot_at:
        return "not posted yet"
    why = f": {_short(digest.last_error, characters)}" if digest.last_error else ""
    result = {"quiet": "nothing to tell"}.get(digest.last_result, digest.last_result)
    return f"last {date(digest.last_slot_at * 1000)}, {result}{why}"


def _short(sentence: str, characters: int) -> str:
    """A sentence of ours on one line, escaped before it is cut: it may have code in it."""
    return shortened(escape(one_line(sentence)), characters)


def _about(query: str, characters: int) -> str:
    window = "" if has_own_window(query) else " · since the digest before"
    return f"{code(cut(query, characters)) if query else 'all recordings'}{window}"


def _buttons(digest: Digest) -> Block:
    toggle = ("Resume", digest_ids.RESUME) if digest.is_paused else ("Pause", digest_ids.PAUSE)
    remove = button("Remove", digest_ids.REMOVE, digest.id) | {
        "style": "danger",
        "confirm": {
            "title": {"type": "plain_text", "text": f"Remove digest {digest.number}?"},
            "text": {"type": "plain_text", "text": "Its figures go too."},
            "confirm": {"type": "plain_text", "text": "Remove"},
            "deny": {"type": "plain_text", "text": "Keep it"},
        },
    }
    elements = [
        button(*toggle, digest.id),
        button("Run now", digest_ids.RUN, digest.id),
        _settings(digest),
        remove,
    ]
    return actions(elements, digest_ids.listed(digest.id))


def _settings(digest: Digest) -> Block:
    return button("Settings", digest_ids.SETTINGS, digest.id)


def _add(text: str = "Add a digest") -> Block:
    return button(text, digest_ids.ADD, "add")
