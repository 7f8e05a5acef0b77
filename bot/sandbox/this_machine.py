"""Keeps the sandbox to the machine that it runs on, in a browser that has other pages open too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def is_of_this_machine(request: web.Request) -> bool:
    """Whether it was sent to this machine by its own name, and by no other page than ours."""
    origin = request.headers.get("Origin")
    try:
        host = urlsplit(f"//{request.host}").hostname
        return host in LOCAL_NAMES and (not origin or urlsplit(origin).netloc == request.host)
    except ValueError:
        return False


@web.middleware
async def only_this_machine(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse other names for this address and other pages: no site that is open beside it can steer it."""
    if not is_of_this_machine(request):
        raise web.HTTPForbidden(text="This page is for the machine that it runs on.")
    return await handler(request)
