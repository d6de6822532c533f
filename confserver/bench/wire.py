"""One socket for many callers (Linux): each has an address of his own in 127.0.0.0/8, all share the port.

A packet's source address is set, and that to which one came is read, beside the packet (IP_PKTINFO, ip(7)). So a
section costs two system calls in 20 ms however many callers it has, and the server sees as many peers.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import time

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import Bytes
from confserver.rtp.address import IPV4_BYTES, sockaddr
from confserver.sip.flow import Address
from confserver.worker.mmsg import is_available
from confserver.worker.packet_io import prepare

HOSTS = 127 << 24 | 1 << 16
"""127.1.0.0; a caller's number is added."""
LOOPBACK_DEVICE = b"lo\0"
_IP_PKTINFO = 8
_SO_TIMESTAMPNS = 35
_DONTWAIT = 0x40
_DATAGRAM_BYTES = 512
_IOVEC = np.dtype([("base", "u8"), ("len", "u8")])
MMSGHDR = np.dtype(
    [("name", "u8"), ("namelen", "u4"), ("pad1", "u4"), ("iov", "u8"), ("iovlen", "u8"), ("control", "u8"),
     ("controllen", "u8"), ("flags", "i4"), ("pad2", "u4"), ("len", "u4"), ("pad3", "u4")],
)  # fmt: skip
"""struct mmsghdr as 64-bit Linux has it (recvmmsg(2))."""
_CMSGHDR = [("len", "u8"), ("level", "i4"), ("type", "i4")]
_SOURCE = np.dtype([*_CMSGHDR, ("device", "i4"), ("host", "4u1"), ("unused", "4u1"), ("pad", "4u1")])
_STAMPED = np.dtype(
    [*_CMSGHDR, ("seconds", "i8"), ("nanoseconds", "i8"), ("len2", "u8"), ("level2", "i4"), ("type2", "i4"),
     ("device", "i4"), ("local", "4u1"), ("host", ">u4"), ("pad", "4u1")],
)  # fmt: skip
"""What the kernel puts beside a packet: when it came, and to which address."""


def host_of(number: int) -> str:
    """A caller's address."""
    return socket.inet_ntoa((HOSTS + number).to_bytes(4, "big"))


class Received:
    """What one reading gave: the first ``count`` rows are valid.

    data: uint8 (n, bytes). length: int64 (n,). number: int64, the caller it was for. sender: uint64, see ``key``.
    arrived: float64, seconds of the monotonic clock. is_known: bool, whether number and time are.
    """

    __slots__ = ("arrived", "count", "data", "is_known", "length", "number", "sender")

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.count = 0
        self.length: NDArray[np.int64] = np.zeros(0, np.int64)
        self.number: NDArray[np.int64] = np.zeros(0, np.int64)
        self.sender: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.arrived: NDArray[np.float64] = np.zeros(0)
        self.is_known: NDArray[np.bool_] = np.zeros(0, bool)


def key(address: Address) -> int:
    """An address as one number: family, port and host as the kernel has them."""
    return int.from_bytes(sockaddr(address)[:8], "little")


class Wire:
    """``capacity``: most datagrams of one reading; what is left is read the next time."""

    def __init__(self, capacity: int) -> None:
        if not is_available():
            raise OSError("the bench needs 64-bit Linux")
        libc = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg, self._sendmmsg = libc.recvmmsg, libc.sendmmsg
        self._recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
        self._sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        prepare(self._socket)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, LOOPBACK_DEVICE)
        self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        self._socket.bind(("0.0.0.0", 0))
        self.port = int(self._socket.getsockname()[1])
        self._fd = self._socket.fileno()
        self._data: Bytes = np.zeros((capacity, _DATAGRAM_BYTES), np.uint8)
        self._names: NDArray[np.uint64] = np.zeros((capacity, IPV4_BYTES // 8), np.uint64)
        self._beside: NDArray[np.void] = np.zeros(capacity, _STAMPED)
        self._in_vectors = vectors(self._data)
        self._in = headers(self._names, self._in_vectors, self._beside)
        self._in_at = self._in.ctypes.data
        self.received = Received(self._data)
        self.point_at(np.zeros((0, 1), np.uint8), [], [])

    def point_at(self, packets: Bytes, sources: list[int], targets: list[Address]) -> None:
        """Send these rows from now on. packets: uint8 (n, bytes), C-contiguous; sources: callers' numbers."""
        self._packets = packets
        self._targets = np.frombuffer(
            bytearray(b"".join(sockaddr(one)[:IPV4_BYTES] for one in targets)), np.uint64
        ).reshape(-1, IPV4_BYTES // 8)
        self._sources: NDArray[np.void] = np.zeros(len(sources), _SOURCE)
        self._sources["len"], self._sources["type"] = 28, _IP_PKTINFO
        for place, number in enumerate(sources):
            self._sources["host"][place] = list((HOSTS + number).to_bytes(4, "big"))
        self._out_vectors = vectors(packets)
        self._out = headers(self._targets, self._out_vectors, self._sources)
        self._out_at = self._out.ctypes.data

    def send(self) -> int:
        """Send all rows. Gives how many the kernel did not take."""
        place, end, refused = 0, len(self._out), 0
        while place < end:
            sent = self._sendmmsg(self._fd, self._out_at + place * MMSGHDR.itemsize, end - place, _DONTWAIT)
            if sent > 0:
                place += sent
            elif ctypes.get_errno() != errno.EINTR:
                refused += 1
                place += 1
        return refused

    def receive(self) -> Received:
        """All that waits; valid until the next reading."""
        got = self._recvmmsg(self._fd, self._in_at, len(self._in), _DONTWAIT, None)
        found, count = self.received, max(got, 0)
        headers, beside = self._in[:count], self._beside[:count]
        found.count = count
        found.length = headers["len"].astype(np.int64)
        found.sender = self._names[:count, 0].copy()
        found.number = beside["host"].astype(np.int64) - HOSTS
        ahead = time.time() - time.monotonic()
        found.arrived = beside["seconds"] - ahead + beside["nanoseconds"] / 1e9
        found.is_known = (beside["type"] == _SO_TIMESTAMPNS) & (beside["type2"] == _IP_PKTINFO)
        headers["namelen"], headers["controllen"] = IPV4_BYTES, _STAMPED.itemsize
        return found

    def close(self) -> None:
        self._socket.close()


def vectors(rows: Bytes) -> NDArray[np.void]:
    """A struct iovec for each row."""
    vectors = np.zeros(len(rows), _IOVEC)
    vectors["base"] = rows.ctypes.data + np.arange(len(rows), dtype=np.uint64) * np.uint64(rows.shape[1])
    vectors["len"] = rows.shape[1]
    return vectors


def headers(names: NDArray[np.uint64], vectors: NDArray[np.void], beside: NDArray[np.void]) -> NDArray[np.void]:
    """A struct mmsghdr for each row; they point into the arrays, which must stay where they are."""
    steps = np.arange(len(vectors), dtype=np.uint64)
    headers = np.zeros(len(vectors), MMSGHDR)
    headers["name"] = names.ctypes.data + steps * np.uint64(IPV4_BYTES)
    headers["namelen"] = IPV4_BYTES
    headers["iov"] = vectors.ctypes.data + steps * np.uint64(_IOVEC.itemsize)
    headers["iovlen"] = 1
    headers["control"] = beside.ctypes.data + steps * np.uint64(beside.dtype.itemsize)
    headers["controllen"] = beside.dtype.itemsize
    return headers
