"""Messages that were built once and serve again while the same answer is shown."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from bot.blocks.answer import Audience, build_answer
from bot.lookups import Lookups

if TYPE_CHECKING:
    from bot.page import Page

KEPT = 500


class Rendered(dict[str, Any]):
    """A message that is shared: read-only, with its JSON as a private answer made once."""

    rows = 0
    """How many recordings it shows."""

    @cached_property
    def private_json(self) -> str:
        """The message as the body of an ephemeral answer."""
        return json.dumps({"response_type": "ephemeral", **self})


class RenderedAnswers:
    """Keeps the messages of the answers shown lately, so that a cached answer costs no rendering."""

    def __init__(self) -> None:
        self.lookups = Lookups()
        self._messages: LRUCache[tuple[int, Audience], tuple[Page, Rendered]] = LRUCache(KEPT)

    def message(self, page: Page, audience: Audience) -> Rendered:
        """The message for a page. Treat it as read-only: it is shared."""
        key = (id(page), audience)
        kept = self._messages.get(key)
        if kept is not None and kept[0] is page:
            self.lookups.kept += 1
            return kept[1]
        self.lookups.fetched += 1
        message = Rendered(build_answer(page, audience))
        message.rows = len(page.recordings)
        self._messages[key] = (page, message)
        return message
