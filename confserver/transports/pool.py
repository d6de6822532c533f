"""The connections there are: counted, limited, found again, and asked for once where several want the same (RFC 5923).

OpenFlow -> known? -> opened                    wanted: key -> tokens that wait
         -> being opened? -> wait with the others -> ready -> opened   | failed -> failed
         -> open it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Protocol

import structlog

from confserver.sip.flow import Address, Flow
from confserver.transports.connection import MOST_CONNECTIONS, MOST_FROM_ONE, Connection, Key

log = structlog.get_logger("transports")


class Listener(Protocol):
    """Who is told; the stack, through the composition."""

    def received(self, data: bytes, flow: Flow) -> None: ...

    def lost(self, flow: Flow) -> None: ...

    def opened(self, token: int, flow: Flow) -> None: ...

    def failed(self, token: int, reason: str) -> None: ...

    def admits(self, host: str) -> bool:
        """Whether a connection from there may stay."""

    def now(self) -> float: ...

    def wanted(self) -> Collection[Flow]:
        """Flows that somebody may be reached by, and nothing else: they are kept however long nothing comes."""


class Pool:
    """An ``Owner`` of connections (see ``connection``)."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._connections: dict[Flow, Connection] = {}
        self._by_remote: dict[tuple[str, Address], Connection] = {}
        self._hosts: Counter[str] = Counter()
        self._wanted: dict[Key, list[int]] = {}
        self._ours: dict[Key, Connection] = {}

    # ---------------------------------------------------------------- asked for
    def find(self, key: Key) -> Flow | None:
        """A connection that serves: one of ours for that very name, or one that has come from that very address."""
        theirs = self._by_remote.get(key[:2])
        for connection in (self._ours.get(key), theirs):
            if connection is not None and connection.is_ready and not connection.is_closing:
                return connection.flow
        return None

    def want(self, key: Key, token: int) -> bool:
        """Note who waits. True for the first: the connection has to be opened."""
        waiting = self._wanted.setdefault(key, [])
        waiting.append(token)
        return len(waiting) == 1

    def get(self, flow: Flow) -> Connection | None:
        return self._connections.get(flow)

    # ---------------------------------------------------------------- what connections say
    def connected(self, connection: Connection) -> bool:
        host = connection.flow.remote[0]
        if connection.wanted is None and not self._listener.admits(host):
            return False
        if connection.wanted is None and self.is_full(host):
            log.warning("too many connections", remote=host, connections=len(self._connections))
            return False
        self._connections[connection.flow] = connection
        self._hosts[host] += 1
        if connection.wanted is None:
            self._by_remote[_end_of(connection.flow)] = connection
        return True

    def is_full(self, host: str) -> bool:
        return len(self._connections) >= MOST_CONNECTIONS or self._hosts[host] >= MOST_FROM_ONE

    def ready(self, connection: Connection) -> None:
        key = connection.wanted
        if key is None:
            return
        self._ours[key] = connection
        for token in self._wanted.pop(key, ()):
            self._listener.opened(token, connection.flow)

    def received(self, data: bytes, connection: Connection) -> None:
        if connection.flow in self._connections:
            self._listener.received(data, connection.flow)

    def disconnected(self, connection: Connection, reason: str) -> None:
        if self._connections.pop(connection.flow, None) is None:
            return
        if self._by_remote.get(_end_of(connection.flow)) is connection:
            del self._by_remote[_end_of(connection.flow)]
        host = connection.flow.remote[0]
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        key = connection.wanted
        if not connection.is_ready:
            if key is not None:
                self.failed(key, reason)
            return
        if key is not None and self._ours.get(key) is connection:
            del self._ours[key]
        self._listener.lost(connection.flow)

    def failed(self, key: Key, reason: str) -> None:
        for token in self._wanted.pop(key, ()):
            self._listener.failed(token, reason)

    def now(self) -> float:
        return self._listener.now()

    # ---------------------------------------------------------------- let go
    def close_idle(self) -> None:
        now = self.now()
        idle = [each for each in self._connections.values() if each.is_idle(now)]
        wanted = self._listener.wanted() if idle else ()
        for connection in idle:
            if connection.is_closing or connection.flow not in wanted:
                connection.close()

    def close_all(self) -> None:
        for connection in list(self._connections.values()):
            connection.close()

    def __len__(self) -> int:
        return len(self._connections)

    def by_transport(self) -> dict[str, int]:
        return dict(Counter(flow.transport.lower() for flow in self._connections))


def _end_of(flow: Flow) -> tuple[str, Address]:
    return flow.transport, flow.remote
