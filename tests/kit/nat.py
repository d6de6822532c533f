"""A NAT for UDP in user space, between phones on 127.0.0.2 and a server on 127.0.0.1.

A phone sends SIP to ``inside`` and it comes out of a mapped port of 127.0.0.1; what comes back to that port goes
to the phone. A real NAT sits in the road, so that phones need not know of it; this one cannot, so it tells them:
in what the *server* says to the phone, the media address in SDP is replaced by a door of the NAT that leads there.
What the *phone* says is not touched: the server sees private addresses in Via, Contact and SDP, as in life.

``Filtering.PORT`` is port-restricted (one mapped port for each inner socket, open to whom it has sent to),
``Filtering.SYMMETRIC`` gives each destination a mapped port of its own (RFC 4787 sections 4 and 5).
"""

from __future__ import annotations

import enum
import re
import selectors
import socket
import threading
from dataclasses import dataclass, field

from tests.kit.raw_sip import Address

PHONE_SIDE = "127.0.0.2"
SERVER_SIDE = "127.0.0.1"


class Filtering(enum.Enum):
    PORT = "port restricted"
    SYMMETRIC = "symmetric"


@dataclass
class Mapping:
    """One mapped port: of which inner address, open to whom."""

    outer: socket.socket
    inner: Address
    permitted: set[Address] = field(default_factory=set)


class Nat:
    def __init__(self, server: Address, filtering: Filtering = Filtering.PORT) -> None:
        self.filtering = filtering
        self.dropped: list[Address] = []
        """Sources of datagrams that no mapping let in."""
        self._selector = selectors.DefaultSelector()
        self._mappings: dict[tuple[Address, Address | None], Mapping] = {}
        self._doors: dict[Address, socket.socket] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nat", daemon=True)
        self.inside: Address = self._door_to(server).getsockname()
        """Where phones send their SIP."""

    def __enter__(self) -> Nat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2)
        for door in self._doors.values():
            door.close()
        for mapping in self._mappings.values():
            mapping.outer.close()
        self._selector.close()

    def mapped_ports(self, inner: Address) -> list[int]:
        """The outer ports a phone's socket has now."""
        with self._lock:
            return [m.outer.getsockname()[1] for (who, _), m in self._mappings.items() if who == inner]

    def behind_door(self, door: Address) -> Address:
        """Where a door of the phones' side leads."""
        return next(there for there, made in self._doors.items() if made.getsockname() == door)

    def _door_to(self, destination: Address) -> socket.socket:
        """The socket on the phones' side that leads to a destination."""
        if destination not in self._doors:
            door = _bound(PHONE_SIDE)
            self._doors[destination] = door
            self._selector.register(door, selectors.EVENT_READ, lambda: self._out(door, destination))
        return self._doors[destination]

    def _mapping(self, inner: Address, destination: Address) -> Mapping:
        key = inner, destination if self.filtering is Filtering.SYMMETRIC else None
        with self._lock:
            if key not in self._mappings:
                mapping = Mapping(_bound(SERVER_SIDE), inner)
                self._mappings[key] = mapping
                self._selector.register(mapping.outer, selectors.EVENT_READ, lambda: self._in(mapping))
            return self._mappings[key]

    def _out(self, door: socket.socket, destination: Address) -> None:
        data, inner = door.recvfrom(65536)
        mapping = self._mapping(inner, destination)
        mapping.permitted.add(destination)
        self._carry_out(mapping, data, destination)

    def _carry_out(self, mapping: Mapping, data: bytes, destination: Address) -> None:
        mapping.outer.sendto(data, destination)

    def _in(self, mapping: Mapping) -> None:
        data, source = mapping.outer.recvfrom(65536)
        if source not in mapping.permitted:
            self.dropped.append(source)
            return
        self._carry_in(mapping, self._with_doors(data), source)

    def _carry_in(self, mapping: Mapping, data: bytes, source: Address) -> None:
        self._door_to(source).sendto(data, mapping.inner)

    def _with_doors(self, data: bytes) -> bytes:
        """A SIP message with SDP: its media address becomes a door that leads there."""
        head, separator, body = data.partition(b"\r\n\r\n")
        host = re.search(rb"^c=IN IP4 (\S+)", body, re.MULTILINE)
        port = re.search(rb"^m=audio (\d+)", body, re.MULTILINE)
        if not (separator and b"SIP/2.0" in head.split(b"\r\n", 1)[0] and host and port and int(port[1])):
            return data
        door_host, door_port = self._door_to((host[1].decode(), int(port[1]))).getsockname()
        body = re.sub(rb"(?m)^(c=IN IP4 )\S+", rb"\g<1>" + door_host.encode(), body)
        body = re.sub(rb"(?m)^(m=audio )\d+", rb"\g<1>" + str(door_port).encode(), body)
        head = re.sub(rb"(?im)^(Content-Length|l)(\s*:\s*)\d+", rb"\g<1>\g<2>" + str(len(body)).encode(), head)
        return head + separator + body

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._pass_time()

    def _patience(self) -> float:
        """Seconds until there is something to do of which no socket tells."""
        return 0.05

    def _pass_time(self) -> None:
        """Called at least as often as ``_patience`` says."""


def _bound(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    return made
