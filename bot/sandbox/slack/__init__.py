"""The local Slack: a strict stand-in for Slack's platform over real HTTP and WebSockets.

feed, state              what is in the workspace, and what changes
block_*                  what Slack refuses in blocks and views
app_manifest             what the app may do at all
tickets                  trigger ids and response_urls
views, chat_methods, directory_methods, file_methods, web_api      the Web API
response_urls            the addresses behind `response_url`
payloads, delivery, socket_mode, events                            what the app is sent
people                   what people do: type, click, submit
server                   LocalSlack, all of it on one port
"""

from bot.sandbox.slack.app_manifest import ManifestError, NotDeclaredError
from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.refusals import ImpossibleError
from bot.sandbox.slack.server import LocalSlack
from bot.sandbox.slack.state import (
    ARCHIVED,
    ASKER,
    BOT_USER,
    DM_ASKER,
    DM_PEOPLE,
    GENERAL,
    NO_BOT,
    PARTNER,
    PRIVATE,
    PRIVATE_NO_BOT,
    READER,
    SHARED,
    Channel,
    Message,
    Person,
)
from bot.sandbox.slack.views import View

__all__ = [
    "ARCHIVED",
    "ASKER",
    "BOT_USER",
    "DM_ASKER",
    "DM_PEOPLE",
    "GENERAL",
    "NO_BOT",
    "PARTNER",
    "PRIVATE",
    "PRIVATE_NO_BOT",
    "READER",
    "SHARED",
    "Channel",
    "Delivery",
    "ImpossibleError",
    "LocalSlack",
    "ManifestError",
    "Message",
    "NotDeclaredError",
    "Person",
    "View",
]
