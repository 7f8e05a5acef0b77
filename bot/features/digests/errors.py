"""What can go wrong with digests, each with its one sentence (pure).

RecordingsError
├── StoreError            the database cannot be used
├── FullChannelError      a channel has as many digests as there may be
├── TransientError        a slot could not be posted yet: tried again within its hour
│   ├── UncertainError    it may have been posted all the same: looked for before it is tried again
│   └── UnfinishedLookError   the look for it takes more than one attempt: it goes on where this one ended
├── PermanentError        a slot cannot be posted; may say why the digest has to be paused
└── LeaseLostError        another worker has taken the slot over
"""

from __future__ import annotations

from bot.errors import RecordingsError


class FullChannelError(RecordingsError):
    """A channel has as many digests as there may be: `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most

    def sentence(self) -> str:
        """What to do."""
        return f"This channel has {self.most} digests, and that is the most there is: remove one first."


class TransientError(RecordingsError):
    """A slot could not be posted yet.

    Args:
        what: a sentence for the digest's owner, and for its channel when it comes late.
        retry_after_seconds: how long to wait at least; 0 leaves it to the worker.
        word: Slack's, for the log only.
    """

    def __init__(self, what: str, retry_after_seconds: float = 0.0, word: str = "") -> None:
        super().__init__(what, retry_after_seconds, word)
        self.what = what
        self.retry_after_seconds = retry_after_seconds
        self.word = word

    def sentence(self) -> str:
        """What went wrong."""
        return self.what

    def for_operator(self) -> str:
        """The same, with Slack's word."""
        return _with_word(self)


class UncertainError(TransientError):
    """Slack was sent the message and did not say what became of it."""


class UnfinishedLookError(TransientError):
    """The look for a message that Slack may have taken has not come to its end; nothing is posted before."""

    def __init__(self, retry_after_seconds: float = 0.0, word: str = "") -> None:
        super().__init__(
            "Slack didn't confirm this digest, and the channel couldn't be fully checked for it yet.",
            retry_after_seconds,
            word,
        )
        self.args = (retry_after_seconds, word)


class PermanentError(RecordingsError):
    """A slot cannot be posted, now or later.

    Args:
        what: a sentence for the digest's owner.
        pause_reason: why no later slot can be posted either, a sentence that says what to do; empty when a
            later one may.
        word: Slack's, for the log only.
    """

    def __init__(self, what: str, pause_reason: str = "", word: str = "") -> None:
        super().__init__(what, pause_reason, word)
        self.what = what
        self.pause_reason = pause_reason
        self.word = word

    def sentence(self) -> str:
        """What went wrong, and what to do about it."""
        return f"{self.what} {self.pause_reason}".strip()

    def for_operator(self) -> str:
        """The same, with Slack's word."""
        return _with_word(self)


def _with_word(error: TransientError | PermanentError) -> str:
    return error.sentence() + (f" ({error.word})" if error.word else "")


class LeaseLostError(RecordingsError):
    """Another worker has taken the slot over: nothing may be posted any more."""

    def sentence(self) -> str:
        """For the log."""
        return "Another worker has taken this slot over."
