"""The manifest: what Slack accepts, and exactly what the program uses."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from slack_bolt.app.async_app import AsyncApp

from bot.features.registry import register
from bot.sandbox.slack.app_manifest import read_manifest
from bot.slack.manifest import bot_scopes, load_manifest

ROOT = Path(__file__).parent.parent
SCHEMA = Path(__file__).parent.parent.parent / "shared" / "reference" / "slack" / "manifest.schema.json"
"""Slack's own schema of manifests: data that stands beside the project, not in it."""

needs_schema = pytest.mark.skipif(
    not SCHEMA.exists(), reason="Slack's schema does not stand beside the project"
)

SCOPE_OF = {
    "auth_test": "",
    "apps_connections_open": "",
    "chat_delete": "chat:write",
    "chat_postEphemeral": "chat:write",
    "chat_postMessage": "chat:write",
    "chat_update": "chat:write",
    "conversations_open": "im:write",
    "files_upload_v2": "files:write",
    "users_info": "users:read",
    "bots_info": "users:read",
    "views_open": "",
    "views_push": "",
    "views_update": "",
    "views_publish": "",
}
"""Method of the Web API, as the SDK names it → the bot scope it needs (Slack docs, reference/methods)."""

SCOPE_OF_READING = {
    "conversations_info": ":read",
    "conversations_members": ":read",
    "conversations_history": ":history",
    "conversations_replies": ":history",
}
"""The end of a scope whose beginning is that of the conversation's type: channels, groups, im, mpim."""

SCOPE_OF_EVENT = {
    "app_mention": "app_mentions:read",
    "message.im": "im:history",
    "message.channels": "channels:history",
    "app_home_opened": "",
}
"""Event the app subscribes to → the scope it needs (Slack docs, reference/events)."""


class Registered:
    """A stand-in for the adapter that leaves listeners as they are; Bolt itself takes them."""

    def to(self, listener: Any, **_: Any) -> Any:
        return listener


def methods_called() -> set[str]:
    """Methods of Slack's Web API that the program calls."""
    known = set(SCOPE_OF) | set(SCOPE_OF_READING)
    called: set[str] = set()
    for path in set(ROOT.glob("bot/**/*.py")) - set(ROOT.glob("bot/sandbox/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and re.match(
                r"(apps|auth|bookmarks|chat|conversations|files|pins|reactions|usergroups|users|views)_[a-z]",
                node.attr,
            ):
                called.add(node.attr)
    assert called <= known, f"say which scope {sorted(called - known)} needs"
    return called


@pytest.fixture
def manifest() -> dict[str, Any]:
    return load_manifest()


@needs_schema
def test_it_fits_slacks_own_schema(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text(encoding="utf-8")))


@needs_schema
def test_the_schema_can_refuse(manifest: dict[str, Any]) -> None:
    manifest["display_information"]["name"] = "x" * 36
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_it_contradicts_itself_nowhere(manifest: dict[str, Any]) -> None:
    read_manifest(manifest)


def test_its_texts_keep_slacks_limits(manifest: dict[str, Any]) -> None:
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4000
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])
    for command in manifest["features"]["slash_commands"]:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
        assert len(command["usage_hint"]) <= 1000
        assert len(command["description"]) <= 2000
    for shortcut in manifest["features"].get("shortcuts", []):
        assert len(shortcut["name"]) <= 24
        assert shortcut["type"] in {"message", "global"}


def test_the_scopes_are_exactly_those_of_the_methods_and_events_used(manifest: dict[str, Any]) -> None:
    called = methods_called()
    events = manifest["settings"].get("event_subscriptions", {}).get("bot_events", [])
    needed = {SCOPE_OF[method] for method in called if method in SCOPE_OF}
    needed |= {SCOPE_OF_EVENT[event] for event in events}
    needed |= {"commands"} if manifest["features"]["slash_commands"] else set()
    scopes = set(bot_scopes(manifest))
    assert needed - {""} <= scopes
    reading = {
        scope for scope in scopes - needed if scope.split(":")[0] in {"channels", "groups", "im", "mpim"}
    }
    for scope in reading:
        end = f":{scope.split(':')[1]}"
        assert end in {SCOPE_OF_READING[method] for method in called if method in SCOPE_OF_READING}, scope
    assert scopes - needed - reading == set()


def test_the_commands_and_events_are_exactly_those_that_are_answered(manifest: dict[str, Any]) -> None:
    app = AsyncApp(signing_secret="unused", token="xoxb-unused")
    answered: dict[str, set[str]] = {"command": set(), "event": set(), "shortcut": set()}

    def noting(kind: str) -> Any:
        def take(name: Any, *_: Any) -> Any:
            answered.setdefault(kind, set()).add(name if isinstance(name, str) else str(name))
            return lambda listener: listener

        return take

    class Noting:
        def __getattr__(self, kind: str) -> Any:
            assert hasattr(app, kind), f"Bolt has no {kind}"
            return noting(kind)

    register(Noting(), Registered())  # type: ignore[arg-type]
    features = manifest["features"]
    assert answered["command"] == {command["command"] for command in features["slash_commands"]}
    events = manifest["settings"].get("event_subscriptions", {}).get("bot_events", [])
    assert answered["event"] == {event.split(".")[0] for event in events}
    assert len(answered["shortcut"]) == len(features.get("shortcuts", []))
