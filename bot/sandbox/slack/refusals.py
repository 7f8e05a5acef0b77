"""How Slack says no: to an app, with an error code and where the fault is; and to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.sandbox.slack.block_checks import Fault


class Refusal(Exception):  # noqa: N818 - Slack answers, nothing broke
    """Slack's answer `{"ok": false, "error": …}`, with whatever else it carries."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields

    def to_json(self) -> dict[str, Any]:
        """The answer's body."""
        return {"ok": False, "error": self.error, **self.fields}


def refuse_faults(error: str, faults: Sequence[Fault]) -> None:
    """Raise a Refusal when there are faults; `errors` and `response_metadata` as seen in Slack's answers."""
    if faults:
        sentences = [str(fault) for fault in faults]
        metadata = {"messages": [f"[ERROR] {sentence}" for sentence in sentences]}
        raise Refusal(error, errors=sentences, response_metadata=metadata)


class ImpossibleError(Exception):
    """Slack's client would not let a person do this: the button is not there, the field is not filled in."""
