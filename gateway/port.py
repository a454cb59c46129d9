"""A TCP port that stays ours, also while the server that listens on it is dead and not yet started again.

A socket of ours is bound to it, exclusively at first, so that nobody else has it; then it is opened for sharing among
the processes of this user that ask for it, which the server does. It never listens, so it takes no connection away.
"""

from __future__ import annotations

import socket

from kernel.errors import GatewayError


class Port:
    """A reserved port; `number` is what the server is told."""

    def __init__(self, host: str, wanted: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.bind((host, wanted))
        except (OSError, OverflowError) as error:
            self._socket.close()
            why = getattr(error, "strerror", None) or str(error)
            raise GatewayError(f"port {wanted} of {host}: {why}; choose another port, or 0 for a free one") from error
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Give the port back."""
        self._socket.close()
