"""The HTTP to the vendor: a request leaves only if it may at the very moment when it leaves."""

from __future__ import annotations

import pytest

from bot.clock import SystemClock
from bot.errors import ZegoUnreachableError
from bot.network import Network
from bot.sandbox.zegocloud import SimulatedZego
from bot.zegocloud.protocol import DescribeRecordStatus, build_request
from bot.zegocloud.transport import Transport


async def test_a_request_that_may_no_longer_leave_does_not() -> None:
    zego = SimulatedZego(clock=SystemClock(), tasks=0, max_rps=None)
    await zego.start()
    transport = Transport(zego.base_url, 1, Network())
    answers = iter([True, False, True])  # the second finds a connection, the third has to make one

    async def send() -> int:
        signed = build_request(
            DescribeRecordStatus("task"),
            app_id=zego.app_id,
            server_secret=zego.server_secret,
            nonce=str(len(zego.requests)),
            timestamp=int(zego.clock.now()),
        )
        return (await transport.send(signed, 5.0, lambda: next(answers))).status

    assert await send() == 200
    with pytest.raises(ZegoUnreachableError, match="held up"):
        await send()
    assert len(zego.requests) == 1
    assert await send() == 200
    assert len(zego.requests) == 2
    await transport.aclose()
    await zego.stop()
