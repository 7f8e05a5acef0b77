"""What a Slack app's manifest declares; nothing else exists for the app in the local Slack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Slack docs, reference/events: the scope that each bot event needs.
EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "member_joined_channel": "channels:read",
    "channel_archive": "channels:read",
    "channel_rename": "channels:read",
    "team_join": "users:read",
    "user_change": "users:read",
}


class ManifestError(ValueError):
    """The manifest contradicts itself; Slack would not take it."""


class NotDeclaredError(LookupError):
    """A person tried what the manifest does not declare, so Slack would not offer it."""


@dataclass(frozen=True)
class Shortcut:
    """A shortcut as the manifest declares it; `kind` is `message` or `global`."""

    name: str
    kind: str
    callback_id: str


@dataclass(frozen=True)
class DeclaredApp:
    """The parts of a manifest that decide what Slack delivers and allows."""

    name: str
    commands: Mapping[str, bool]  # name, with the slash → should_escape
    shortcuts: tuple[Shortcut, ...]
    bot_events: frozenset[str]
    scopes: frozenset[str]
    interactivity: bool
    socket_mode: bool
    home_tab: bool
    messages_tab: bool
    messages_tab_read_only: bool

    def shortcut(self, kind: str, name: str | None) -> Shortcut:
        """Find a shortcut by its name or callback_id; without a name, the only one of that kind.

        Raises:
            NotDeclaredError: there is none, or more than one and no name.
        """
        if not self.interactivity:
            raise NotDeclaredError("the manifest's settings.interactivity.is_enabled is not true")
        found = [s for s in self.shortcuts if s.kind == kind and name in (None, s.name, s.callback_id)]
        if len(found) != 1:
            known = [(s.name, s.kind, s.callback_id) for s in self.shortcuts]
            raise NotDeclaredError(f"no single {kind} shortcut {name!r} in the manifest, which has {known}")
        return found[0]

    def require_event(self, event: str) -> None:
        """Raise NotDeclaredError unless the app subscribes to this bot event."""
        if event not in self.bot_events:
            raise NotDeclaredError(
                f"{event} is not among the manifest's bot_events: {sorted(self.bot_events) or 'none'}"
            )


def read_manifest(manifest: Mapping[str, Any]) -> DeclaredApp:
    """Read the parts that matter here.

    Raises:
        ManifestError: with every contradiction found, such as an event whose scope is missing.
    """
    features = manifest.get("features") or {}
    settings = manifest.get("settings") or {}
    home = features.get("app_home") or {}
    scopes = frozenset(((manifest.get("oauth_config") or {}).get("scopes") or {}).get("bot") or ())
    events = frozenset((settings.get("event_subscriptions") or {}).get("bot_events") or ())
    app = DeclaredApp(
        name=(manifest.get("display_information") or {}).get("name", ""),
        commands={c["command"]: bool(c.get("should_escape")) for c in features.get("slash_commands") or ()},
        shortcuts=tuple(
            Shortcut(s["name"], s["type"], s["callback_id"]) for s in features.get("shortcuts") or ()
        ),
        bot_events=events,
        scopes=scopes,
        interactivity=bool((settings.get("interactivity") or {}).get("is_enabled")),
        socket_mode=bool(settings.get("socket_mode_enabled")),
        home_tab=bool(home.get("home_tab_enabled")),
        messages_tab=bool(home.get("messages_tab_enabled", True)),
        messages_tab_read_only=bool(home.get("messages_tab_read_only_enabled")),
    )
    problems = [
        f"bot event {event} needs the scope {EVENT_SCOPES[event]}"
        for event in sorted(events)
        if EVENT_SCOPES.get(event, "") not in {"", *scopes}
    ]
    if (app.commands or app.shortcuts) and "commands" not in scopes:
        problems.append("slash commands and shortcuts need the scope commands")
    if not features.get("bot_user"):
        problems.append("features.bot_user is missing: the app has no bot to speak as")
    if problems:
        raise ManifestError("; ".join(problems))
    return app
