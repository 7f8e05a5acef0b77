"""A listening socket that can refuse connections for a while and come back at the same port, at once."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKLOG = 128


class Listener:
    """Accepts TCP connections for an asyncio protocol. What asyncio's own server lacks is `refuse`.

    Args:
        make_protocol: called for each connection.
    """

    def __init__(self, make_protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._make_protocol = make_protocol
        self._socket: socket.socket | None = None
        self._accepting = False
        self._handshakes: set[asyncio.Task[object]] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, while open."""
        if self._socket is None:
            raise RuntimeError("the listener is not open")
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def open(self, host: str, port: int) -> None:
        """Listen; port 0: any free one.

        Raises:
            OSError: the address is taken or is not this machine's.
        """
        self._socket = _bind(host, port)
        self.accept()

    def accept(self) -> None:
        """Let connections in (again)."""
        if self._socket is None or self._accepting:
            return
        self._socket.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(self._socket, self._accept_waiting)
        self._accepting = True

    def refuse(self) -> None:
        """Refuse connections from now on, and keep the port.

        A socket that is bound and does not listen makes the system refuse, and keeps others off the port.
        """
        if self._socket is None or not self._accepting:
            return
        host, port = self.address
        self.close()
        self._socket = _bind(host, port)

    def close(self) -> None:
        """Give the port back."""
        if self._socket is None:
            return
        if self._accepting:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket, self._accepting = None, False

    def _accept_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._socket is not None:
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            connection.setblocking(False)
            handshake = loop.create_task(loop.connect_accepted_socket(self._make_protocol, connection))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshakes.discard)


def reset_connection(transport: asyncio.Transport) -> None:
    """End a connection the rude way: the peer sees a reset instead of an orderly end."""
    linger_for_no_time = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
    transport.abort()


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on Windows it would share a port that is taken
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
