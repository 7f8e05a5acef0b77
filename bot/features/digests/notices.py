"""What is said privately about digests: help, the list, mistakes, and news for an owner (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.features.digests.message import OUTSIDERS_SEE, covers, plan, schedule_in_words
from bot.features.digests.settings import has_own_window
from bot.plain_text import count
from bot.query.times import moment_on_clock
from bot.recordings.answer_text import plain_date
from bot.safe_text import cut, one_line
from bot.slack import ids
from bot.slack.audience import OUTSIDERS_READ
from bot.slack.blocks import (
    MAX_BLOCKS_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    actions,
    button,
    code,
    confirmation,
    context,
    count_characters,
    date,
    escape,
    name,
    section,
    shortened,
)
from bot.slack.notices import HALF_A_SECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.errors import QueryError
    from bot.features.digests.models import Digest, NewDigest, Notice
    from bot.features.digests.settings import DigestSettings
    from bot.slack.blocks import Block, Message


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
            actions([_add(), button("List", ids.DIGEST_LIST, "list")], ids.Row.DIGEST_HELP),
        ],
    }


@dataclass(frozen=True, slots=True)
class Done:
    """What has just been done with a digest.

    Attributes:
        what: `added`, `changed`, `confirmed`, `pause`, `resume`, `remove` or `run`.
        digest: as it is now; one that was removed as it was.
    """

    what: str
    digest: Digest

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
        return f"{says} {covers(digest, shown, is_test=self.what == 'run')}{paused}"


def build_digest_list(
    digests: Sequence[Digest], owners: Mapping[str, str], done: Done | None = None
) -> Message:
    """A channel's digests with their buttons, below what has just been done.

    `owners` has the names that are known, by user ID.
    """
    note, said = (done.in_mrkdwn(), done.in_plain_words()) if done else ("", "")
    if not digests:
        none = "This channel has no digests. Add one: "
        example = escape(f"/recordings digest {_EXAMPLES[0][0]}")
        empty = [section(f"{note} {none}`{example}`.".strip()), actions([_add()], ids.Row.DIGEST_HELP)]
        return {"text": f"{said} {none}{example}.".strip(), "blocks": empty}
    heading = f"{count(len(digests), 'digest')} in this channel"
    blocks: list[Block] = []
    for characters, with_buttons in _SHAPES:
        blocks = [*([section(note)] if note else []), section(f"*{heading}*")]
        for digest in digests:
            says = _described(digest, owners.get(digest.owner_id, ""), characters)
            settings = button("Settings", ids.DIGEST_SETTINGS, digest.id)
            blocks += [section(says), _buttons(digest)] if with_buttons else [section(says, settings)]
        if not with_buttons:
            blocks.append(context(_BY_NUMBER))
        blocks.append(actions([_add(), button("Help", ids.DIGEST_HELP, "help")], ids.Row.DIGEST_HELP))
        if count_characters(blocks) <= MAX_BLOCKS_CHARACTERS:
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
    value: str,
    *,
    number: int = 0,
    listed: bool = False,
) -> Message:
    """Ask before a digest is posted where people of other organizations can read it.

    Args:
        what: would be done: `add`, `resume` or `run`; `changed` where that has been done.
        settings: of the digest.
        value: what the button carries: the digest's ID; for `add` the command.
        number: of the digest; a new one has none yet.
        listed: it replaces a list, which the answer brings back.
    """
    begins, label, action_id = {
        "add": ("This digest isn't added yet", "Add it anyway", ids.DIGEST_ADD_FOR_OUTSIDERS),
        "resume": (
            f"Digest {number} isn't resumed yet",
            "Resume it anyway",
            ids.DIGEST_RESUME_FOR_OUTSIDERS,
        ),
        "run": (
            f"Digest {number} isn't posted yet, and its schedule would post here too",
            "Post it anyway",
            ids.DIGEST_RUN_FOR_OUTSIDERS,
        ),
        "changed": (
            f"Saved digest {number}, but it pauses instead of posting until you confirm",
            "Post it here anyway",
            ids.DIGEST_RESUME_FOR_OUTSIDERS,
        ),
    }[what]

    def says(shown: Callable[[str], str]) -> str:
        asked = f"{begins}: {plan(settings)}. {covers(settings, shown)}"
        return f"{OUTSIDERS_READ}. {OUTSIDERS_SEE}\n{asked}"

    block_id = ids.digest_listed(value) if listed else ids.Row.DIGEST_OUTSIDERS
    elements = [button(label, action_id, value)]
    if listed:
        elements.append(button("Back to the list", ids.DIGEST_LIST, "list"))
    return {"text": says(escape), "blocks": [section(says(name)), actions(elements, block_id)]}


def build_digest_mistake(error: QueryError) -> Message:
    """One private sentence: what was read, what is wrong, the nearest right command."""
    text = shortened(escape(error.problem), HALF_A_SECTION)
    if error.suggestion:
        text += f" Did you mean {code(f'/recordings {error.suggestion}', HALF_A_SECTION)}?"
    elements = [_add("Open the form"), button("Help", ids.DIGEST_HELP, "help")]
    blocks = [section(text), actions(elements, ids.Row.DIGEST_MISTAKE)]
    return {"text": text.replace("`", ""), "blocks": blocks}


def build_preview(settings: DigestSettings | NewDigest, times: Sequence[float]) -> Message:
    """The next `times` (Unix seconds) of a schedule, in words with its zone, and what is asked."""
    words = schedule_in_words(settings.schedule)
    words = words[:1].upper() + words[1:]
    moments = [moment_on_clock(time, settings.zone) for time in times]
    text = f"{words}, {settings.zone}: next {'; '.join(moments)}."
    return {
        "text": f"{escape(text)} {covers(settings, escape)}",
        "blocks": [
            section(
                f"*{escape(words)}*, {escape(settings.zone)}\n"
                + "\n".join(f"• {escape(moment)}" for moment in moments)
            ),
            context(covers(settings, name)),
        ],
    }


def build_owner_notice(notice: Notice) -> Message:
    """The direct message to an owner: what went wrong with which digest, and what to do."""
    digest = notice.digest
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
    text = f"Your digest {digest.number} in {where} ({plan(digest)}) was not posted at {when}. {error} {then}"
    return {"text": text, "blocks": [section(text)]}


def _described(digest: Digest, owner: str, characters: int) -> str:
    """Number, schedule, query, when next, how the last went, whose it is, and why it is paused."""
    words = _short(schedule_in_words(digest.schedule), 2 * characters)
    about = code(cut(digest.query, characters)) if digest.query else "all recordings"
    window = "" if has_own_window(digest.query) else " · since the digest before"
    lines = [f"*{digest.number}* · {words}, {escape(digest.zone)} · {about}{window}"]
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


def _buttons(digest: Digest) -> Block:
    toggle = ("Resume", ids.DIGEST_RESUME) if digest.is_paused else ("Pause", ids.DIGEST_PAUSE)
    remove = button("Remove", ids.DIGEST_REMOVE, digest.id) | {
        "style": "danger",
        "confirm": confirmation(
            f"Remove digest {digest.number}?", "Its figures go too.", confirm="Remove", deny="Keep it"
        ),
    }
    elements = [
        button(*toggle, digest.id),
        button("Run now", ids.DIGEST_RUN, digest.id),
        button("Settings", ids.DIGEST_SETTINGS, digest.id),
        remove,
    ]
    return actions(elements, ids.digest_listed(digest.id))


def _add(text: str = "Add a digest") -> Block:
    return button(text, ids.DIGEST_ADD, "add")
