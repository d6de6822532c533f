"""The kernel's own cost: a process that receives what phones send, and sends them as many packets, and nothing else.

recvmmsg and sendmmsg on as many sockets as the generator has, every 20 ms by the worker's own clock. What a worker
takes beyond that is ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from confserver.bench.media.load import HOST, SOCKETS
from confserver.bench.media.processes import stay_on
from confserver.bench.wire import MMSGHDR, headers, vectors
from confserver.engine.frame import FRAME, Bytes
from confserver.rtp.address import IPV4_BYTES, sockaddr
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN
from confserver.worker.clock import open_clock
from confserver.worker.packet_io import prepare

_DONTWAIT = 0x40
_AT_ONCE = 256
_CONTROL = np.dtype("V64")
SSRC = 1_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """legs: so many packets each 20 ms. ports: of the generator's sockets."""

    legs: int
    ports: list[int]
    realtime: bool
    core: int
    payload: int = FRAME


def port_of(number: int) -> int:
    """Which of our ports has this leg: each of the generator's sockets at most once."""
    return number // SOCKETS % SOCKETS


class Floor:
    def __init__(self, setting: Setting) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg, self._sendmmsg = libc.recvmmsg, libc.sendmmsg
        self._recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
        self._sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
        self._sockets: list[socket.socket] = []
        for _ in range(min(SOCKETS, -(-setting.legs // SOCKETS))):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            prepare(sock)
            sock.bind((HOST, 0))
            self._sockets.append(sock)
        self._in_data: Bytes = np.zeros((_AT_ONCE, 1504), np.uint8)
        self._beside: NDArray[np.void] = np.zeros(_AT_ONCE, _CONTROL)
        self._names: NDArray[np.uint64] = np.zeros((_AT_ONCE, IPV4_BYTES // 8), np.uint64)
        self._in_vectors = vectors(self._in_data)
        self._in = headers(self._names, self._in_vectors, self._beside)
        self._point(setting)

    @property
    def ports(self) -> list[int]:
        return [int(sock.getsockname()[1]) for sock in self._sockets]

    def _point(self, setting: Setting) -> None:
        """Packets in the order of our ports."""
        count = setting.legs
        place = np.array([port_of(number) for number in range(count)])
        order = np.argsort(place, kind="stable")
        self._packets: Bytes = np.zeros((count, HEADER_BYTES + setting.payload), np.uint8)
        self._header = self._packets[:, :HEADER_BYTES].view(HEADER)[:, 0]
        self._header["first"], self._header["ssrc"] = PLAIN, SSRC + order
        targets = [sockaddr((HOST, setting.ports[number % SOCKETS]))[:IPV4_BYTES] for number in order.tolist()]
        self._targets = np.frombuffer(bytearray(b"".join(targets)), np.uint64).reshape(-1, IPV4_BYTES // 8)
        self._out_vectors = vectors(self._packets)
        nothing = np.zeros(count, _CONTROL)
        self._out = headers(self._targets, self._out_vectors, nothing)
        self._out["control"], self._out["controllen"] = 0, 0
        ends = np.cumsum(np.bincount(place, minlength=len(self._sockets))).tolist()
        self._spans = list(zip([0, *ends], ends, strict=False))

    def tick(self) -> tuple[int, int]:
        """Packets received and sent."""
        received = sent = 0
        for sock in self._sockets:
            while True:
                self._in["controllen"] = _CONTROL.itemsize
                got = max(self._recvmmsg(sock.fileno(), self._in.ctypes.data, _AT_ONCE, _DONTWAIT, None), 0)
                received += got
                if got < _AT_ONCE:
                    break
        self._header["sequence"] += 1
        self._header["timestamp"] += FRAME
        for sock, (start, end) in zip(self._sockets, self._spans, strict=True):
            place = self._out.ctypes.data + start * MMSGHDR.itemsize
            sent += max(self._sendmmsg(sock.fileno(), place, end - start, _DONTWAIT), 0)
        return received, sent

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


def main(link: Connection) -> None:
    """The process: hears its setting, says its ports, works until the pipe speaks or closes; says what it has done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        setting = link.recv()
        stay_on(setting.core)
        if setting.realtime:
            with contextlib.suppress(AttributeError, OSError):
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        floor = Floor(setting)
        link.send(floor.ports)
        clock = open_clock(time.monotonic_ns() + 20_000_000)
        missed = ticks = 0
        while not select.select([link], [], [], 0)[0]:
            due, _ = clock.wait(link.fileno())
            if due:
                floor.tick()
                ticks += due
                missed += due - 1
        floor.close()
