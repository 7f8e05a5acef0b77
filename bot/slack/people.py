"""What Slack knows of people: zones, names, workspaces; nobody waits long for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache
from slack_sdk.errors import SlackApiError

from bot.query.zones import asker_zone
from bot.slack.web_client import SLACK_ERRORS, slack_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_sdk.web.async_client import AsyncWebClient

    from bot.clock import Clock


logger = logging.getLogger(__name__)

KNOWN_SECONDS = 3_600
UNKNOWN_SECONDS = 60
PATIENCE_SECONDS = 0.8
"""How long an answer waits for `users.info`; the default zone serves until it is known."""

NOBODYS = {"user_not_found", "user_not_visible"}
"""What Slack answers for somebody whom this workspace does not know (Slack docs, users.info)."""


class People:
    """Asks `users.info` for time zones, names and workspaces, once an hour for each person.

    Args:
        client: Slack's Web API.
        default_zone: IANA zone where a person's own is not known.
        clock: for the hour.
    """

    def __init__(self, client: AsyncWebClient, default_zone: str, clock: Clock) -> None:
        self._client = client
        self._default_zone = default_zone
        self._zones: TTLCache[str, str] = TTLCache(10_000, KNOWN_SECONDS, clock.monotonic)
        self._names: TTLCache[str, str] = TTLCache(10_000, KNOWN_SECONDS, clock.monotonic)
        self._teams: TTLCache[str, frozenset[str]] = TTLCache(10_000, KNOWN_SECONDS, clock.monotonic)
        self._unknown: TTLCache[str, None] = TTLCache(10_000, UNKNOWN_SECONDS, clock.monotonic)
        self._asking: dict[str, asyncio.Task[None]] = {}

    def known_zone(self, user_id: str) -> str | None:
        """A person's zone, if it was asked for lately."""
        return self._zones.get(user_id)

    async def zone(self, user_id: str) -> str:
        """A person's IANA zone, or the default one."""
        zone = self._zones.get(user_id)
        if zone:
            return zone
        await self._learn(user_id)
        return self._zones.get(user_id, self._default_zone)

    async def name(self, user_id: str) -> str:
        """What a person is called, as text from outside; empty where it cannot be known."""
        if user_id not in self._names:
            await self._learn(user_id)
        return self._names.get(user_id, "")

    async def teams(self, user_id: str) -> frozenset[str] | None:
        """The IDs of a person's workspaces and organization; None where Slack does not tell."""
        if user_id not in self._teams:
            await self._learn(user_id)
        return self._teams.get(user_id)

    async def aclose(self) -> None:
        """Stop asking."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _learn(self, user_id: str) -> None:
        if user_id and user_id not in self._unknown:
            if user_id not in self._asking:
                self._asking[user_id] = asyncio.create_task(self._ask(user_id))
            await asyncio.wait({self._asking[user_id]}, timeout=PATIENCE_SECONDS)

    async def _ask(self, user_id: str) -> None:
        zone = None
        try:
            answer = await self._client.users_info(user=user_id)
            person = answer.get("user") or {}
            self._teams[user_id] = _teams_of(person)
            zone = asker_zone(str(person.get("tz") or ""))
            profile = person.get("profile") or {}
            self._names[user_id] = str(
                profile.get("display_name") or person.get("real_name") or person.get("name") or ""
            )
        except SLACK_ERRORS as error:
            logger.warning("Slack did not tell a person's time zone: %s", slack_word(error))
            if isinstance(error, SlackApiError) and slack_word(error) in NOBODYS:
                self._teams[user_id] = frozenset()
        except Exception:  # whatever comes from there, the default zone serves
            logger.exception("A person's time zone cannot be read")
        else:
            if zone:
                self._zones[user_id] = zone
        finally:
            if not zone:
                self._unknown[user_id] = None
            del self._asking[user_id]


def _teams_of(person: Mapping[str, Any]) -> frozenset[str]:
    """Where a user object says that somebody belongs.

    `is_stranger` says nothing of that: it is false for people of other companies in a channel that the app
    sees (Slack docs, user object).
    """
    member = person.get("enterprise_user") or {}
    teams = (person.get("team_id"), member.get("enterprise_id"), *(member.get("teams") or ()))
    return frozenset(team for team in teams if isinstance(team, str) and team)
