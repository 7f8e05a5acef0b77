"""A bare Bolt app over HTTP that acknowledges `/recordings` with bytes made beforehand: the yardstick."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from tests.nightly.bench.load import SIGNING_SECRET


def build(content: str) -> web.Application:
    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0LOCAL01", bot_token="xoxb-bench")

    bolt = AsyncApp(signing_secret=SIGNING_SECRET, authorize=authorize)

    @bolt.command("/recordings")
    async def acknowledge(ack: Any) -> None:
        headers = {"content-type": ["application/json;charset=utf-8"]}
        ack.response = BoltResponse(status=200, body=content, headers=headers)

    async def receive(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    application = web.Application()
    application.router.add_post("/slack/events", receive)
    return application


async def main(content: str) -> None:
    runner = web.AppRunner(build(content), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text()))
