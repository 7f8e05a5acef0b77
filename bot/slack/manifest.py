"""The Slack app's manifest, which travels with the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def load_manifest() -> dict[str, Any]:
    """Read manifest.yml: inside the package once installed, beside it in a checkout."""
    here = Path(__file__).parent.parent
    inside = here / "manifest.yml"
    path = inside if inside.exists() else here.parent / "manifest.yml"
    manifest: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return manifest


def bot_scopes(manifest: dict[str, Any]) -> frozenset[str]:
    """The scopes that the bot's token needs."""
    return frozenset(manifest["oauth_config"]["scopes"]["bot"])
