"""The simulated ZEGOCLOUD alone: for the terminal, and for programs that are tried out against it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from bot.clock import AdjustableClock
from bot.sandbox.zego_control import control_routes
from bot.sandbox.zegocloud import SimulatedZego

if TYPE_CHECKING:
    from bot.clock import Clock


async def serve_simulator(
    host: str = "127.0.0.1", port: int = 8080, seed: int = 7, tasks: int = 2000, clock: Clock | None = None
) -> None:
    """Run the simulator until cancelled; says on stdout how to use it.

    Args:
        host: to listen at.
        port: to listen at; 0: any free one.
        seed: another number gives other traffic.
        tasks: recordings begun in the 3 days before now.
        clock: what the vendor takes for the time; one that can be set over `/_simulator/clock` when None.

    Raises:
        OSError: the address is taken or is not this machine's.
    """
    zego = SimulatedZego(clock=clock or AdjustableClock(), seed=seed, tasks=tasks)
    await zego.start(host, port, control_routes(zego))
    try:
        sys.stdout.write(_how_to_use(zego))
        sys.stdout.flush()
        await asyncio.Event().wait()
    finally:
        await zego.stop()


def _how_to_use(zego: SimulatedZego) -> str:
    environment = {
        "ZEGO_API_URL": zego.base_url,
        "ZEGO_APP_ID": str(zego.app_id),
        "ZEGO_SERVER_SECRET": zego.server_secret,
    }
    lines = "\n".join(f"{name}={value}" for name, value in environment.items())
    inline = " ".join(f"{name}={value}" for name, value in environment.items())
    return (
        f"Simulated ZEGOCLOUD API at {zego.base_url}\n\nPut this into the environment:\n{lines}\n\n"
        f'Try:\n{inline} python -m bot query "room=1230 status=ongoing last=6h"\n\n'
        f"Steer it:\ncurl {zego.base_url}_simulator/state\n\nCtrl-C stops it.\n"
    )
