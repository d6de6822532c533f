"""A batch of received datagrams as columns: what packet I/O hands to the engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.rtp.address import SOCKADDR_BYTES

DATAGRAM_BYTES = 1504
"""Room for one datagram: an Ethernet packet's, rounded up."""


class Batch:
    """Up to ``capacity`` datagrams.

    data: uint8 (capacity, DATAGRAM_BYTES). length: int32, bytes received. key: uint64, see ``rtp.address``.
    sender: uint8 (capacity, SOCKADDR_BYTES). local: uint16, index of the socket. arrived: float64, epoch seconds.
    Only the first ``count`` rows are valid.
    """

    __slots__ = ("arrived", "count", "data", "key", "length", "local", "sender")

    def __init__(self, capacity: int) -> None:
        self.data: NDArray[np.uint8] = np.zeros((capacity, DATAGRAM_BYTES), np.uint8)
        self.length: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.key: NDArray[np.uint64] = np.zeros(capacity, np.uint64)
        self.sender: NDArray[np.uint8] = np.zeros((capacity, SOCKADDR_BYTES), np.uint8)
        self.local: NDArray[np.uint16] = np.zeros(capacity, np.uint16)
        self.arrived: NDArray[np.float64] = np.zeros(capacity, np.float64)
        self.count = 0

    @property
    def capacity(self) -> int:
        return len(self.length)

    def datagram(self, index: int) -> bytes:
        return self.data[index, : self.length[index]].tobytes()
