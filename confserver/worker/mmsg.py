"""recvmmsg and sendmmsg by ctypes: one system call a socket instead of one a packet (Linux).

The kernel's structures are numpy records that point into the batch and the outbox; they are made once and only
refreshed. A bad destination stops sendmmsg short (measured): that row is passed over and sending goes on.
"""

from __future__ import annotations

import ctypes
import errno
import select
import socket
import sys
import time

import numpy as np
from numpy.typing import NDArray

from confserver.engine.batch import DATAGRAM_BYTES, Batch
from confserver.engine.departure import Outbox
from confserver.rtp.address import IPV4_BYTES, SOCKADDR_BYTES, AddressBook
from confserver.worker.packet_io import BATCH, REFUSALS, prepare, send_one

_IOVEC = np.dtype([("base", "u8"), ("len", "u8")])
_MMSGHDR = np.dtype(
    [("name", "u8"), ("namelen", "u4"), ("pad1", "u4"), ("iov", "u8"), ("iovlen", "u8"), ("control", "u8"),
     ("controllen", "u8"), ("flags", "i4"), ("pad2", "u4"), ("len", "u4"), ("pad3", "u4")],
)  # fmt: skip
"""struct mmsghdr as 64-bit Linux has it (recvmmsg(2))."""
_CONTROL_BYTES = 64
_STAMP = slice(16, 32)
"""Where a struct timespec lies behind a struct cmsghdr."""
_AT_ONCE = 256
_TRUNCATED = 0x20
_DONTWAIT = 0x40


def is_available() -> bool:
    """Whether this is a system whose structures are laid out as above."""
    return sys.platform == "linux" and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8


class BatchPacketIO:
    """PacketIO by recvmmsg and sendmmsg."""

    def __init__(self, book: AddressBook) -> None:
        if not is_available():
            raise OSError("recvmmsg needs 64-bit Linux")
        self._book = book
        libc = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg, self._sendmmsg = libc.recvmmsg, libc.sendmmsg
        self._recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
        self._sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
        self._sockets: dict[int, socket.socket] = {}
        self._ipv6: set[int] = set()
        self._index_of: dict[int, int] = {}
        self._epoll = select.epoll()
        self._batch = Batch(BATCH)
        self._control: NDArray[np.uint8] = np.zeros((BATCH, _CONTROL_BYTES), np.uint8)
        self._headers, self._vectors = self._receive_headers()
        self._headers_at = self._headers.ctypes.data
        self._out: dict[int, OutHeaders] = {}
        self._refused: dict[int, int] = {}

    def _receive_headers(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        batch, steps = self._batch, np.arange(BATCH, dtype=np.uint64)
        vectors = np.zeros(BATCH, _IOVEC)
        vectors["base"] = batch.data.ctypes.data + steps * np.uint64(DATAGRAM_BYTES)
        vectors["len"] = DATAGRAM_BYTES
        headers = np.zeros(BATCH, _MMSGHDR)
        headers["name"] = batch.sender.ctypes.data + steps * np.uint64(SOCKADDR_BYTES)
        headers["iov"] = vectors.ctypes.data + steps * np.uint64(_IOVEC.itemsize)
        headers["iovlen"] = 1
        headers["control"] = self._control.ctypes.data + steps * np.uint64(_CONTROL_BYTES)
        headers["namelen"], headers["controllen"] = SOCKADDR_BYTES, _CONTROL_BYTES
        return headers, vectors

    def add(self, index: int, sock: socket.socket) -> None:
        prepare(sock)
        self._sockets[index] = sock
        if sock.family == socket.AF_INET6:
            self._ipv6.add(index)
        self._index_of[sock.fileno()] = index
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def connect(self, index: int, peer: tuple[str, int]) -> None:
        self._sockets[index].connect(peer)

    def remove(self, index: int) -> None:
        sock = self._sockets.pop(index)
        self._ipv6.discard(index)
        del self._index_of[sock.fileno()]
        self._epoll.unregister(sock.fileno())
        sock.close()

    # ------------------------------------------------------------------ in
    def receive(self, now: float) -> Batch:
        batch = self._batch
        count = 0
        ipv6: list[tuple[int, int]] = []
        for fd, _ in self._epoll.poll(0, max(len(self._sockets), 1)):
            if count == BATCH:
                break
            got = self._receive_from(fd, count)
            index = self._index_of[fd]
            batch.local[count : count + got] = index
            if index in self._ipv6:
                ipv6.append((count, count + got))
            count += got
        batch.count = count
        self._read_headers(count, time.time() - now, now)
        for start, stop in ipv6:
            for place in range(start, stop):
                number = self._book.number(batch.sender[place].tobytes())
                batch.key[place] = number << 16 | int(batch.local[place])
        return batch

    def _receive_from(self, fd: int, start: int) -> int:
        """Read a socket into the batch from ``start`` on, until it is empty."""
        total = 0
        while start + total < BATCH:
            place = self._headers_at + (start + total) * _MMSGHDR.itemsize
            got = self._recvmmsg(fd, place, min(BATCH - start - total, _AT_ONCE), _DONTWAIT, None)
            trouble = ctypes.get_errno() if got < 0 else 0
            if trouble in REFUSALS:
                index = self._index_of[fd]
                self._refused[index] = self._refused.get(index, 0) + 1
            if trouble == errno.EINTR or trouble in REFUSALS:
                continue
            total += max(got, 0)
            if got < _AT_ONCE:
                break
        return total

    def _read_headers(self, count: int, wall_ahead: float, now: float) -> None:
        batch, headers = self._batch, self._headers[:count]
        batch.length[:count] = np.where(headers["flags"] & _TRUNCATED, 0, headers["len"])
        senders = batch.sender[:count, :8].copy().view(np.uint64)[:, 0]
        batch.key[:count] = senders & ~np.uint64(0xFFFF) | batch.local[:count]
        stamp = self._control[:count, _STAMP].copy().view(np.int64)
        arrived = stamp[:, 0] + stamp[:, 1] / 1e9 - wall_ahead
        batch.arrived[:count] = np.where(headers["controllen"] >= 32, arrived, now)
        headers["namelen"], headers["controllen"] = SOCKADDR_BYTES, _CONTROL_BYTES

    # ------------------------------------------------------------------ out
    def send(self, outbox: Outbox) -> list[int]:
        out = self._out.get(outbox.number)
        if out is None or out.version != outbox.version:
            out = self._out[outbox.number] = OutHeaders(outbox)
        headers, ranges, places = out.of(outbox)
        failed: list[int] = []
        for index, start, stop in ranges:
            fd = self._sockets[index].fileno()
            while start < stop:
                place = headers + start * _MMSGHDR.itemsize
                sent = self._sendmmsg(fd, place, stop - start, _DONTWAIT)
                if sent > 0:
                    start += sent
                elif ctypes.get_errno() != errno.EINTR:
                    failed.append(start if places is None else int(places[start]))
                    start += 1
        return failed

    def send_control(self, index: int, address: bytes, data: bytes) -> bool:
        return send_one(self._sockets.get(index), address, data)

    def take_refused(self) -> dict[int, int]:
        refused, self._refused = self._refused, {}
        return refused


class OutHeaders:
    """The kernel's headers of one outbox, as long as its rows are the same."""

    def __init__(self, outbox: Outbox) -> None:
        count, size = outbox.packets.shape
        steps = np.arange(count, dtype=np.uint64)
        self.version = outbox.version
        self._vectors = np.zeros(count, _IOVEC)
        self._vectors["base"] = outbox.packets.ctypes.data + steps * np.uint64(size)
        self._headers = np.zeros(count, _MMSGHDR)
        self._headers["name"] = outbox.address.ctypes.data + steps * np.uint64(SOCKADDR_BYTES)
        family = outbox.address[:, 0] if count else np.zeros(0, np.uint8)
        self._headers["namelen"] = np.where(family == int(socket.AF_INET6), SOCKADDR_BYTES, IPV4_BYTES)
        self._headers["iov"] = self._vectors.ctypes.data + steps * np.uint64(_IOVEC.itemsize)
        self._headers["iovlen"] = 1
        self._at = self._headers.ctypes.data
        self._some = self._headers
        self._kept = outbox.packets, outbox.address

    def of(self, outbox: Outbox) -> tuple[int, list[tuple[int, int, int]], NDArray[np.intp] | None]:
        """Where the headers of what is sent this time begin, the ranges of them, and their places in the outbox
        where that is not all."""
        self._vectors["len"] = outbox.length
        places = None if outbox.is_whole else np.flatnonzero(outbox.length)
        if places is None or len(places) == len(outbox.length):
            return self._at, outbox.ranges, None
        self._some = self._headers[places]
        edges = np.searchsorted(places, [each[1:] for each in outbox.ranges]).tolist()
        indices = (index for index, _, _ in outbox.ranges)
        ranges = [(index, first, last) for index, (first, last) in zip(indices, edges, strict=True) if last > first]
        return self._some.ctypes.data, ranges, places
