"""Sockets to batches and back: the small interface, and the way that works everywhere.

A socket has an index: even for RTP, the next odd one for the RTCP beside it. ``choice`` finds the quickest way the
system has.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import time
from typing import Protocol

from confserver.engine.batch import Batch
from confserver.engine.departure import Outbox
from confserver.rtp.address import SOCKADDR_BYTES, AddressBook, address_of, sockaddr

BATCH = 8192
BUFFER_BYTES = 1 << 20
"""The kernel's default holds 256 small packets; with this a socket survives a stall (facts: packet I/O)."""
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_TIMESPEC = struct.Struct("@qq")


class PacketIO(Protocol):
    """All RTP and RTCP sockets of one worker."""

    def add(self, index: int, sock: socket.socket) -> None: ...

    def connect(self, index: int, peer: tuple[str, int]) -> None:
        """Have a socket speak with one peer only. Raises OSError."""
        ...

    def remove(self, index: int) -> None:
        """Close the socket."""
        ...

    def receive(self, now: float) -> Batch:
        """All that waits, up to the batch's capacity; never blocks. The batch is valid until the next call."""
        ...

    def send(self, outbox: Outbox) -> list[int]:
        """Send all packets. Gives the places of those that the kernel refused."""
        ...

    def send_control(self, index: int, address: bytes, data: bytes) -> bool: ...

    def take_refused(self) -> dict[int, int]:
        """How often ICMP has said that nothing is taken there, by (connected) socket, since the last time."""
        ...


REFUSALS = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""What a connected socket is told by ICMP (udp(7))."""


def prepare(sock: socket.socket) -> None:
    """Set what every media socket wants: no blocking, a large buffer, receive times, the voice class (RFC 4594: EF)."""
    sock.setblocking(False)
    for name, value in ((_SO_RCVBUFFORCE, BUFFER_BYTES), (socket.SO_RCVBUF, BUFFER_BYTES)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, name, value)
            break
        except OSError:
            continue
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    with contextlib.suppress(OSError):
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0xB8)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8)


class PortablePacketIO:
    """One system call a packet, by Python's sockets."""

    def __init__(self, book: AddressBook) -> None:
        self._book = book
        self._sockets: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._batch = Batch(BATCH)
        self._addresses: dict[int, tuple[int, list[tuple[str, int]]]] = {}
        """By outbox: its version, and where its packets go."""
        self._refused: dict[int, int] = {}

    def add(self, index: int, sock: socket.socket) -> None:
        prepare(sock)
        self._sockets[index] = sock
        self._selector.register(sock, selectors.EVENT_READ, index)

    def connect(self, index: int, peer: tuple[str, int]) -> None:
        self._sockets[index].connect(peer)

    def remove(self, index: int) -> None:
        sock = self._sockets.pop(index)
        self._selector.unregister(sock)
        sock.close()

    def receive(self, now: float) -> Batch:
        batch = self._batch
        batch.count = 0
        wall_ahead = time.time() - now
        for ready, _ in self._selector.select(0):
            sock = self._sockets[ready.data]
            while batch.count < batch.capacity and self._receive_one(sock, ready.data, now, wall_ahead):
                pass
        return batch

    def _receive_one(self, sock: socket.socket, index: int, now: float, wall_ahead: float) -> bool:
        batch, place = self._batch, self._batch.count
        try:
            size, ancillary, flags, sender = sock.recvmsg_into([memoryview(batch.data[place])], 64)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in REFUSALS:
                self._refused[index] = self._refused.get(index, 0) + 1
            return True
        address = (str(sender[0]), int(sender[1]))
        raw = sockaddr(address)
        batch.sender[place] = memoryview(raw)
        batch.length[place] = 0 if flags & socket.MSG_TRUNC else size
        batch.local[place] = index
        batch.key[place] = self._book.key(index, address)
        batch.arrived[place] = now
        for _, kind, data in ancillary:
            if kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack_from(data)
                batch.arrived[place] = seconds + nanoseconds / 1e9 - wall_ahead
        batch.count += 1
        return True

    def send(self, outbox: Outbox) -> list[int]:
        version, addresses = self._addresses.get(outbox.number, (-1, []))
        if outbox.version != version:
            addresses = [address_of(raw.tobytes()) for raw in outbox.address.reshape(-1, SOCKADDR_BYTES)]
            self._addresses[outbox.number] = outbox.version, addresses
        failed: list[int] = []
        for index, start, stop in outbox.ranges:
            send = self._sockets[index].sendto
            for place in range(start, stop):
                if not outbox.length[place]:
                    continue
                try:
                    send(outbox.packets[place, : outbox.length[place]].data, addresses[place])
                except OSError:
                    failed.append(place)
        return failed

    def send_control(self, index: int, address: bytes, data: bytes) -> bool:
        return send_one(self._sockets.get(index), address, data)

    def take_refused(self) -> dict[int, int]:
        refused, self._refused = self._refused, {}
        return refused


def send_one(sock: socket.socket | None, address: bytes, data: bytes) -> bool:
    """Send a datagram that is not worth a batch."""
    if sock is None:
        return False
    try:
        sock.sendto(data, address_of(address))
    except OSError:
        return False
    return True
