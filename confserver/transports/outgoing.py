"""The way out of a line to a child: written at once, as nearly everything can be.

Twisted would have the reactor ask whether the line takes more, write in its next turn, and have it asked no more: four
calls to the system for each word. Here it is one; only what the line does not take waits, in order, for ``AGAIN_S``.
"""

from __future__ import annotations

import contextlib
import socket

from twisted.internet.interfaces import IDelayedCall, IReactorTime

AGAIN_S = 0.005


class Outgoing:
    """Writes to its own end of a socket that does not block; whoever reads there closes both."""

    def __init__(self, reactor: IReactorTime, end: socket.socket) -> None:
        """``end`` is doubled: the other one is still its owner's."""
        self._reactor = reactor
        self._socket: socket.socket | None = end.dup()
        self._waiting = bytearray()
        self._again: IDelayedCall | None = None

    def write(self, data: bytes) -> None:
        """What is said to a line that is closed is lost."""
        if self._socket is None:
            return
        if self._waiting:
            self._waiting += data
        elif (sent := self._send(self._socket, data)) < len(data):
            self._waiting += data[sent:]
            self._again = self._reactor.callLater(AGAIN_S, self._go_on)

    @property
    def waiting_bytes(self) -> int:
        return len(self._waiting)

    def _go_on(self) -> None:
        self._again = None
        if self._socket is not None:
            del self._waiting[: self._send(self._socket, self._waiting)]
            if self._waiting:
                self._again = self._reactor.callLater(AGAIN_S, self._go_on)

    def _send(self, end: socket.socket, data: bytes | bytearray) -> int:
        """Gives how much the line has taken: all, where nobody reads it any more."""
        try:
            return end.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def close(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None
