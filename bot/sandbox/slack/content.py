"""What a message may contain, wherever it comes from: a method, an acknowledgement or a response_url."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.block_rules import MOST_MESSAGE_CHARACTERS, check_blocks, count_characters
from bot.sandbox.slack.refusals import Refusal, refuse_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_TEXT = 40_000  # Slack docs: longer text is cut; refused here, so that nothing is lost unseen
MOST_METADATA_CHARACTERS = 16_000  # unverified


def decoded(value: Any, error: str) -> Any:
    """Decode a field that may come as JSON text, as it does in forms."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(error) from None
    return value


def read_blocks(fields: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Take the blocks of a message; None when the field is absent.

    Raises:
        Refusal: `invalid_blocks_format`, `invalid_blocks`, `msg_blocks_too_long` (Slack docs).
    """
    if fields.get("blocks") is None:
        return None
    blocks = decoded(fields["blocks"], "invalid_blocks_format")
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    refuse_faults("invalid_blocks", check_blocks(blocks, "message"))
    if count_characters(blocks) > MOST_MESSAGE_CHARACTERS:
        raise Refusal("msg_blocks_too_long")
    return json.loads(json.dumps(blocks))  # type: ignore[no-any-return]  # a deep copy of JSON


def read_text(fields: Mapping[str, Any]) -> str | None:
    """Take the text of a message; None when the field is absent.

    Raises:
        Refusal: `msg_too_long`, or `invalid_arguments` when it is no text.
    """
    text = fields.get("text")
    if text is not None and not isinstance(text, str):
        raise Refusal("invalid_arguments")
    if text and len(text) > MOST_TEXT:
        raise Refusal("msg_too_long")
    return text


def read_content(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take text, blocks, metadata and unfurl_links of a new message.

    Raises:
        Refusal: `no_text` when there is nothing to show, or what the parts are refused for. Attachments are
            refused as `invalid_attachments`: the bot has no use for them.
    """
    if fields.get("attachments"):
        raise Refusal("invalid_attachments")
    text, blocks = read_text(fields), read_blocks(fields)
    if not text and not blocks:
        raise Refusal("no_text")
    return {
        "text": text or "",
        "blocks": blocks or [],
        "metadata": read_metadata(fields),
        "unfurl_links": fields.get("unfurl_links") not in (False, "false", "0", 0),
    }


def read_metadata(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Take message metadata; None when absent or empty (Slack docs, message metadata).

    Raises:
        Refusal: `invalid_metadata_format`, `invalid_metadata_schema`, `metadata_too_large`.
    """
    metadata = decoded(fields.get("metadata"), "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if len(json.dumps(metadata)) > MOST_METADATA_CHARACTERS:
        raise Refusal("metadata_too_large")
    return metadata
