"""What Slack delivers is read in the shape that its documentation promises, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.payload import ModalMetadata, metadata_of_view, values_of, well_formed


@pytest.mark.parametrize(
    ("body", "shaped"),
    [
        ({"command": "/x", "text": 7, "user_id": ["U1"]}, {"command": "/x"}),
        ({"user": {"id": "U1", "team_id": ["T1"]}}, {"user": {"id": "U1"}}),
        ({"user": "U1", "team": None, "channel": ["C1"]}, {"user": {}, "team": {}, "channel": {}}),
        ({"container": {"is_ephemeral": True, "x": {}}}, {"container": {"is_ephemeral": True}}),
        ({"actions": {"value": "v1"}, "response_urls": None}, {"actions": [], "response_urls": []}),
        ({"actions": ["v1", {"value": "v1"}]}, {"actions": [{"value": "v1"}]}),
        ({"event": {"type": ["message"], "text": {}, "user": "U1"}}, {"event": {"user": "U1"}}),
        ({"event": "message", "event_id": []}, {"event": {}}),
        ({"message": {"ts": 1.5, "text": "t", "blocks": [1]}}, {"message": {"text": "t", "blocks": []}}),
        ({"type": {}, "anything": [1]}, {"anything": [1]}),
        ({"text": "half \ud800", "command": "/x"}, {"command": "/x"}),
        ({"event": {"text": "half \udfff", "ts": "1.2"}}, {"event": {"ts": "1.2"}}),
        (
            {"view": {"private_metadata": {}, "id": "V1", "blocks": {}, "state": []}},
            {"view": {"id": "V1", "blocks": [], "state": {"values": {}}}},
        ),
    ],
)
def test_what_has_another_shape_counts_as_absent(body: dict[str, Any], shaped: dict[str, Any]) -> None:
    assert well_formed(body) == shaped


def test_inputs_keep_what_people_type_pick_and_tick() -> None:
    state = {
        "values": {
            "rooms": {"value": {"type": "plain_text_input", "value": "1230"}},
            "status": {"value": {"selected_option": {"value": "ended", "text": {"type": "plain_text"}}}},
            "found": {"value": {"selected_options": [{"value": "7"}, {"value": 8}, "9"]}},
            "none": {"value": {"value": None, "selected_option": None, "selected_options": None}},
            "odd": {"value": ["x"], "other": {"selected_option": "x"}},
            "odder": [],
        }
    }
    assert values_of(state) == {
        "rooms": {"value": {"type": "plain_text_input", "value": "1230"}},
        "status": {"value": {"selected_option": {"value": "ended", "text": {"type": "plain_text"}}}},
        "found": {"value": {"selected_options": [{"value": "7"}]}},
        "none": {"value": {}},
        "odd": {"value": {}, "other": {}},
        "odder": {},
    }


@pytest.mark.parametrize(
    "metadata",
    ["", "{", "null", "[]", '"C1"', '{"channel_id": ["C1"]}', '{"replaces": "yes"}', "[" * 100_000, "\ud800"],
)
def test_metadata_that_the_bot_did_not_write_is_empty(metadata: str) -> None:
    assert metadata_of_view({"private_metadata": metadata}) == ModalMetadata()


def test_what_a_later_version_adds_to_the_metadata_is_passed_over() -> None:
    assert metadata_of_view({"private_metadata": '{"channel_id": "C1", "new": [1]}'}) == ModalMetadata(
        channel_id="C1"
    )
