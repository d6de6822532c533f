"""Listening sockets: on each local address one of each transport, or none; they follow the machine's addresses."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from twisted.internet.error import CannotListenError

from confserver.transports.addresses import local_addresses

log = structlog.get_logger("transports")
PORT_ATTEMPTS = 20
TOGETHER = ("udp", "tcp")
"""Have the same port: a phone that changes from one to the other finds us (RFC 3261 18.1.1)."""

Open = Callable[[str, str, int], Any]
"""Listen by a transport on an address and port; gives Twisted's listening port. Raises CannotListenError."""


class Doors:
    """``addresses`` empty: all that the machine has. ``ports``: by transport, 0 for any that is free."""

    def __init__(self, addresses: Sequence[str], ports: Mapping[str, int], open_: Open) -> None:
        self._addresses = tuple(addresses)
        self._wanted = dict(ports)
        self._open = open_
        self.ports = dict(ports)
        self._doors: dict[str, dict[str, Any]] = {}

    def open_everywhere(self) -> None:
        """Listen everywhere, or nowhere. Raises CannotListenError."""
        for attempt in range(PORT_ATTEMPTS):
            try:
                self._try_everywhere()
                return
            except CannotListenError as error:
                self.close()
                self.ports = dict(self._wanted)  # free for one transport or address is not free for all
                if (error.port in self._wanted.values() and error.port) or attempt == PORT_ATTEMPTS - 1:
                    raise

    def _try_everywhere(self) -> None:
        for host in self._addresses or local_addresses():
            try:
                self._open_host(host)
            except CannotListenError as error:
                if self._addresses or getattr(error.socketError, "errno", None) != errno.EADDRNOTAVAIL:
                    raise
                log.warning("cannot listen yet", address=host, why=str(error))

    def _open_host(self, host: str) -> None:
        """By all transports, or none. Raises CannotListenError."""
        doors = self._doors[host] = {}
        try:
            for transport in self._wanted:
                doors[transport] = self._open(transport, host, self.ports[transport])
                self._note_port(transport, int(doors[transport].getHost().port))
        except CannotListenError:
            self._close_host(host)
            raise

    def _note_port(self, transport: str, port: int) -> None:
        for each in TOGETHER if transport in TOGETHER else (transport,):
            if each in self.ports:
                self.ports[each] = port

    def follow(self) -> None:
        """Look at the machine's addresses: open what has appeared, close what has gone."""
        try:
            here = self.hosts if self._addresses else set(local_addresses())
        except OSError as error:
            log.warning("cannot look up the addresses of this machine", why=str(error))
            return
        for host in here - self.hosts:
            try:
                self._open_host(host)
                log.info("listening", address=host, **self.ports)
            except CannotListenError as error:
                log.warning("cannot listen", address=host, why=str(error))
        for host in self.hosts - here:
            log.info("address gone", address=host)
            self._close_host(host)

    def _close_host(self, host: str) -> None:
        for door in self._doors.pop(host, {}).values():
            door.stopListening()

    def close(self) -> None:
        for host in list(self._doors):
            self._close_host(host)

    def wait(self) -> None:
        """Let what comes wait in the system's queues, until ``go_on``."""
        for door in self._all():
            door.stopReading()

    def go_on(self) -> None:
        for door in self._all():
            door.startReading()

    def _all(self) -> list[Any]:
        return [door for doors in self._doors.values() for door in doors.values()]

    @property
    def hosts(self) -> set[str]:
        return set(self._doors)
