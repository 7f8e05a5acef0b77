"""Every error that is expected, as a class with data, and its one sentence for people (pure).

    RecordingsError                 a person can do something about it; `str(error)` is the sentence to show
    ├── QueryError                  the question cannot be understood
    │   └── ScheduleError           a digest's schedule cannot be read       (features/digests/settings.py)
    ├── FormErrors                  values of a form that cannot be read     (slack/forms.py)
    ├── ConfigError                 the environment cannot be used (every problem listed)
    ├── AccessError                 the asker may not ask here
    │   └── UnknownPersonError      Slack does not tell whether the asker may
    ├── PlaceError                  digests cannot be managed here, or not by this person
    ├── TooLateError                not finished in the time a person waits
    ├── SlackRefusedError           Slack did not take what was sent
    ├── StoppingError               the process ends before it was done
    ├── StoreError                  the database cannot be used              (storage/errors.py)
    ├── LeaseLostError              another worker has taken the step over   (storage/errors.py)
    ├── FullChannelError            a channel can't have another digest      (features/digests/models.py)
    ├── PostingError                a message was not posted                 (slack/poster.py)
    │   ├── TransientError          not yet: it is tried again
    │   │   ├── UncertainError      Slack may have taken it: it is looked for first
    │   │   └── UnfinishedLookError the look for it goes on in the next attempt
    │   └── PermanentError          neither now nor later
    └── ZegoError                   the vendor's API did not give an answer
        ├── ZegoUnreachableError    refused, reset, timed out            (retried)
        ├── ZegoBadAnswerError      HTML, truncated JSON, no list        (retried)
        ├── ZegoBusyError           1, 100000015, 300010000, HTTP 5xx    (retried)
        ├── RateLimitedError        7, 300000003, HTTP 429               (retried)
        ├── InvalidParameterError   2, 300000004
        ├── GatewayRefusedError     3, 300000005
        ├── SignatureExpiredError   100000004
        ├── InvalidSignatureError   100000005
        ├── MalformedRequestError   100000000-100000014, HTTP 4xx
        ├── NotEnabledError         100000016, 100000017, 300000002
        ├── CapacityError           300000006
        ├── TaskNotFoundError       300001000
        ├── TaskStoppedError        300001001
        ├── TaskNotPausedError      300001004
        └── UnknownCodeError        any other code

No error carries a secret, a signature or a signed URL.
"""

from __future__ import annotations

import re
from typing import ClassVar

_NO_ID = re.compile(r"[^A-Za-z0-9._:/+=-]")
"""What no request ID of the vendor's has: it stands in sentences that people read."""


class RecordingsError(Exception):
    """An expected error; `str()` of it is a sentence for people that says what to do next."""

    outcome: ClassVar[str] = "problem"
    """What became of a delivery that ended with this error, for the log and `/metrics`."""

    meaning: ClassVar[str] = "Something is not right."
    """The sentence, where it needs no data."""

    def __str__(self) -> str:
        return self.sentence()

    def sentence(self) -> str:
        """What to show to people."""
        return self.meaning

    def for_operator(self) -> str:
        """What whoever runs the bot reads in its log and from the doctor, where people are shown less."""
        return self.sentence()


class QueryError(RecordingsError):
    """The question cannot be understood.

    Args:
        problem: a sentence that says what was read and what is wrong, in Slack-neutral plain text.
        suggestion: the nearest right text, ready to be typed; empty when there is none.
    """

    outcome = "mistake"

    def __init__(self, problem: str, suggestion: str = "") -> None:
        super().__init__(problem, suggestion)
        self.problem = problem
        self.suggestion = suggestion

    def sentence(self) -> str:
        return f"{self.problem} Did you mean `{self.suggestion}`?" if self.suggestion else self.problem


class ConfigError(RecordingsError):
    """The environment cannot be used. `problems` has one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def sentence(self) -> str:
        return "The configuration cannot be used:\n" + "\n".join(f"- {problem}" for problem in self.problems)


class AccessError(RecordingsError):
    """The asker may not ask here. `reason` is a sentence."""

    outcome = "refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def sentence(self) -> str:
        return f"{self.reason} Ask whoever runs this bot if you need it."


class UnknownPersonError(AccessError):
    """Slack does not tell whether the asker belongs to those who may ask."""

    outcome = "slack_failed"

    def __init__(self) -> None:
        super().__init__("Slack didn't say whether you belong to this organization.")

    def sentence(self) -> str:
        return f"{self.reason} Try again in a moment."


class PlaceError(RecordingsError):
    """Digests cannot be managed here, or not by this person. `what` says what to do."""

    outcome = "refused"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def sentence(self) -> str:
        return self.what


class TooLateError(RecordingsError):
    """The answer could not be finished in time.

    Args:
        waited_seconds: how long was waited.
        ahead: how many calls to the vendor were waiting in front, where that is the cause.
    """

    outcome = "too_late"

    def __init__(self, waited_seconds: float, ahead: int = 0) -> None:
        super().__init__(waited_seconds, ahead)
        self.waited_seconds = waited_seconds
        self.ahead = ahead

    def sentence(self) -> str:
        queue = f": {self.ahead} calls to ZEGOCLOUD were waiting in front of it" if self.ahead else ""
        return (
            f"This could not be finished in {self.waited_seconds:.0f} s{queue}. "
            "Try again, or ask for one room or a shorter window."
        )


NOT_CONFIRMED = "not confirmed"
"""The reason of a SlackRefusedError where Slack may have taken it."""


class SlackRefusedError(RecordingsError):
    """Slack did not take what was sent, or did not say so.

    Args:
        what: what was sent, in words.
        reason: Slack's own error word, such as `missing_scope`, or the kind of failure, or NOT_CONFIRMED.
    """

    outcome = "slack_failed"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what = what
        self.reason = reason

    def sentence(self) -> str:
        if self.reason in {"not_in_channel", "channel_not_found"}:
            invite = "Type `/invite @Recordings` there."
            return f"Slack did not take {self.what}: the bot is not in that channel. {invite}"
        if self.reason == NOT_CONFIRMED:
            return f"Slack did not say whether it took {self.what}. Look whether it is there, else try again."
        if self.reason in {"expired_trigger_id", "exchanged_trigger_id"}:
            return "Slack did not open this in time. Press the button again."
        if self.reason == "missing_scope":
            return (
                f"Slack did not take {self.what}: the app lacks a scope. Whoever runs it has to reinstall it."
            )
        return f"Slack did not take {self.what} ({self.reason}). Try again in a moment."


class StoppingError(RecordingsError):
    """The process ends before it was done."""

    outcome = "stopping"
    meaning = "The bot is restarting and could not finish this. Try again in a moment."


class ZegoError(RecordingsError):
    """The vendor's API did not give an answer.

    Args:
        code: the vendor's `Code`, 0 where there was none.
        vendor_message: the vendor's `Message`: text from outside, shortened, never shown unescaped.
        request_id: the vendor's `RequestId`, for a ticket.
        tries: how many requests were sent.
        http_status: of the last answer, 0 where there was none.
        retry_after_seconds: the vendor's advice (`Retry-After`), 0 where there was none.
        skew_seconds: the vendor's clock minus this machine's, where an answer told it.
    """

    outcome = "vendor_failed"
    retryable: ClassVar[bool] = False
    meaning = "ZEGOCLOUD answered with an error."

    def __init__(
        self,
        code: int = 0,
        vendor_message: str = "",
        *,
        request_id: str = "",
        tries: int = 1,
        http_status: int = 0,
        retry_after_seconds: float = 0.0,
        skew_seconds: float | None = None,
    ) -> None:
        super().__init__(code, vendor_message)
        self.code = code
        self.vendor_message = vendor_message[:200]
        self.request_id = _NO_ID.sub("", request_id)[:100]
        self.tries = tries
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds
        self.skew_seconds = skew_seconds

    def sentence(self) -> str:
        return f"{self.meaning}{self.reference()}"

    def reference(self) -> str:
        """The figures that a ticket needs, in brackets; empty when there are none."""
        parts = []
        if self.code:
            parts.append(f"code {self.code}")
        if self.http_status and self.http_status != 200:  # noqa: PLR2004 - HTTP's own number
            parts.append(f"HTTP {self.http_status}")
        if self.request_id:
            parts.append(f"request {self.request_id}")
        if self.tries > 1:
            parts.append(f"{self.tries} tries")
        return f" ({', '.join(parts)})" if parts else ""


class ZegoUnreachableError(ZegoError):
    """Refused, reset or timed out. `reason` is one of a few fixed words, never an address."""

    retryable = True

    def __init__(self, reason: str, *, seconds: float = 0.0, tries: int = 1) -> None:
        super().__init__(tries=tries)
        self.args = (reason, seconds)
        self.reason = reason
        self.seconds = seconds

    def sentence(self) -> str:
        waited = f" in {self.seconds:.0f} s" if self.seconds >= 1 else ""
        return (
            f"ZEGOCLOUD did not answer{waited}: {self.reason}{self.reference()}. "
            "Try again in a moment; if it stays so, check the network and ZEGO_API_URL."
        )


class ZegoBadAnswerError(ZegoError):
    """An answer that is not what the API promises. `what` says which part, without the content."""

    retryable = True

    def __init__(self, what: str, *, http_status: int = 0, request_id: str = "", tries: int = 1) -> None:
        super().__init__(request_id=request_id, tries=tries, http_status=http_status)
        self.args = (what,)
        self.what = what

    def sentence(self) -> str:
        return (
            f"ZEGOCLOUD sent an answer that cannot be read: {self.what}{self.reference()}. "
            "Try again in a moment; if it stays so, check that ZEGO_API_URL is the API's address."
        )


class ZegoBusyError(ZegoError):
    """The vendor's servers are busy or failed."""

    retryable = True
    meaning = "ZEGOCLOUD's servers are busy or failing. Try again in a moment."


class RateLimitedError(ZegoError):
    """More requests than the vendor allows."""

    retryable = True

    def sentence(self) -> str:
        return (
            "ZEGOCLOUD refuses more requests for the moment: its limit is 10 a second for this AppId, shared "
            f"with everything else that uses it. Try again shortly, or lower ZEGO_MAX_RPS{self.reference()}."
        )


class InvalidParameterError(ZegoError):
    """The vendor calls a parameter invalid: never retried."""

    meaning = (
        "ZEGOCLOUD calls something in this question invalid. Check the room ID and the window; "
        "if they are right, this is a fault of the bot: report it with the numbers in brackets."
    )


class GatewayRefusedError(ZegoError):
    """Verification failed at the vendor's gateway."""

    meaning = (
        "ZEGOCLOUD's gateway refuses these credentials. Whoever runs this bot has to check "
        "ZEGO_APP_ID, ZEGO_SERVER_SECRET and the region in ZEGO_API_URL."
    )


def _how_far(seconds: float) -> str:
    """`15 min`, `5 h`, `31 d`: in what somebody would say of a wrong clock."""
    hours = seconds / 3600
    if hours < 2:  # noqa: PLR2004 - below, minutes say more
        return f"{seconds / 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} d"  # noqa: PLR2004 - two days


class SignatureExpiredError(ZegoError):
    """The timestamp was off by more than 10 minutes."""

    def sentence(self) -> str:
        if self.skew_seconds is None:
            how = "more than 10 minutes off"
        else:
            side = "behind" if self.skew_seconds > 0 else "ahead of"
            how = f"{_how_far(abs(self.skew_seconds))} {side} ZEGOCLOUD's"
        return (
            f"ZEGOCLOUD refuses the request because this machine's clock is {how}. "
            f"Whoever runs this bot has to set the clock (NTP){self.reference()}."
        )


class InvalidSignatureError(ZegoError):
    """Wrong AppId or ServerSecret."""

    meaning = (
        "ZEGOCLOUD refuses the signature: ZEGO_APP_ID and ZEGO_SERVER_SECRET do not belong together. "
        "Whoever runs this bot has to correct them."
    )


class MalformedRequestError(ZegoError):
    """Common parameters that the gateway cannot read: configuration or a fault of the bot."""

    meaning = (
        "ZEGOCLOUD cannot read the request. Whoever runs this bot has to check ZEGO_APP_ID and ZEGO_API_URL; "
        "if they are right, this is a fault of the bot: report it with the numbers in brackets."
    )


class NotEnabledError(ZegoError):
    """Cloud Recording is not enabled for this AppId."""

    meaning = (
        "Cloud Recording is not enabled for this AppId. Enable it in the ZEGOCLOUD console, or ask ZEGOCLOUD."
    )


class CapacityError(ZegoError):
    """More concurrent recordings than allowed (200 by default)."""

    meaning = (
        "ZEGOCLOUD says that more recordings run at once than this AppId may have (200 unless agreed "
        "otherwise). Stop some, or ask ZEGOCLOUD for more."
    )


class TaskNotFoundError(ZegoError):
    """The task does not exist, or began more than 3 days ago."""

    outcome = "mistake"
    meaning = "ZEGOCLOUD does not know this task: the ID is wrong, or it began more than 3 days ago."


class TaskStoppedError(ZegoError):
    """The task has already stopped."""

    meaning = "This task has already stopped."


class TaskNotPausedError(ZegoError):
    """The task is not paused."""

    meaning = "This task is not paused."


class UnknownCodeError(ZegoError):
    """A code that the vendor's documentation does not list."""

    meaning = (
        "ZEGOCLOUD answered with an error that its documentation does not list. Try again; if it stays so, "
        "ask ZEGOCLOUD with the numbers in brackets."
    )
