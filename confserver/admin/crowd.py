# mypy: allow-untyped-calls
"""How many connections there may be at once: in all, and from one address that is not this machine's."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from confserver.admin.gate import is_local, place_of

MOST_CONNECTIONS = 1024
MOST_OF_ONE_PLACE = 64


class Crowd(Factory):
    """A factory around another; who is too many is hung up on before anything is read."""

    noisy = False

    def __init__(self, inner: Any, most: int = MOST_CONNECTIONS, most_of_one: int = MOST_OF_ONE_PLACE) -> None:
        self._inner = inner
        self._most = most
        self._most_of_one = most_of_one
        self._present: list[tuple[str, Any]] = []
        """Where they come from, and their transports."""

    def buildProtocol(self, addr: IAddress | None) -> Any:
        place = place_of(str(getattr(addr, "host", "") or ""))
        if not self._has_room(place):
            return None
        protocol = self._inner.buildProtocol(addr)
        if protocol is not None:
            self._note(place, protocol)
        return protocol

    def _has_room(self, place: str) -> bool:
        """Those who have gone are forgotten when it matters."""
        self._present = [each for each in self._present if each[1].connected]
        if len(self._present) >= self._most:
            return False
        return is_local(place) or sum(each[0] == place for each in self._present) < self._most_of_one

    def _note(self, place: str, protocol: Any) -> None:
        """By the transport: whoever speaks on it later (a WebSocket), it is one connection."""
        begin = protocol.makeConnection

        def make_connection(transport: Any) -> None:
            self._present.append((place, transport))
            begin(transport)

        protocol.makeConnection = make_connection

    def doStart(self) -> None:
        self._inner.doStart()

    def doStop(self) -> None:
        self._inner.doStop()
