"""The phones that send at the same moment of every 20 ms: some of the sockets, and all legs on them."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.bench.media.load import HOST, SOCKETS
from confserver.bench.media.phones import MOST, Phones
from confserver.bench.plan import PHASES
from confserver.engine.batch import Batch
from confserver.engine.departure import Outbox, empty_outbox, ranges
from confserver.engine.frame import Rows
from confserver.rtp.address import SOCKADDR_BYTES, AddressBook, sockaddr
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN, RTCP_FIRST, RTCP_LAST
from confserver.rtp.srtp import TRAILER_BYTES, Pointers, protect
from confserver.worker.choice import open_io

REPORT_BEATS = 250


@dataclass(frozen=True, slots=True)
class Received:
    """RTP of one reading. number: whose each packet is. place: in the batch."""

    number: Rows
    place: Rows
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    batch: Batch
    control: int
    strange: int


class Group:
    """``ports``: of its sockets, by index."""

    def __init__(self, phase: int, phones: Phones) -> None:
        self._phones = phones
        self._io = open_io("auto", AddressBook())
        self.ports: dict[int, int] = {}
        for index in range(phase, SOCKETS, PHASES):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((HOST, 0))
            self.ports[index] = int(sock.getsockname()[1])
            self._io.add(index, sock)
        numbers = np.arange(MOST)
        self._all: Rows = numbers[np.isin(numbers % SOCKETS, list(self.ports))]
        self.rows: Rows = np.zeros(0, np.intp)
        self._outbox = empty_outbox()
        self._keys: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._by_key: Rows = self.rows
        self.unsent = 0

    def rebuild(self) -> None:
        """Legs have come or gone."""
        phones = self._phones
        rows = self._all[phones.is_there[self._all]]
        self.rows = rows = rows[np.argsort(rows % SOCKETS, kind="stable")]
        width = HEADER_BYTES + phones.reel.data.shape[1] + TRAILER_BYTES
        packets = np.zeros((len(rows), width), np.uint8)
        self._header = packets[:, :HEADER_BYTES].view(HEADER)[:, 0]
        self._header["first"] = PLAIN
        self._header["second"] = phones.second[rows]
        self._header["ssrc"] = phones.ssrc[rows]
        addresses = b"".join(sockaddr((HOST, port)) for port in phones.port[rows].tolist())
        address = np.frombuffer(addresses, np.uint8).reshape(len(rows), SOCKADDR_BYTES).copy()
        length = np.zeros(len(rows), np.int32)
        spans = ranges((rows % SOCKETS).astype(np.uint16))
        self._outbox = Outbox(packets, length, address, spans, rows, self._outbox.version + 1)
        self._protected = [(place, number) for place, number in enumerate(rows.tolist()) if number in phones.handles]
        self._pointers = Pointers(packets, length) if self._protected else None
        order = np.argsort(phones.keys[rows])
        self._keys, self._by_key = phones.keys[rows][order], rows[order]

    # ------------------------------------------------------------------ out
    def prepare(self, beat: int) -> None:
        """Write the packets of this beat."""
        phones, rows = self._phones, self.rows
        if not len(rows):
            return
        self._header["sequence"] = (phones.sequence[rows] + beat) & 0xFFFF
        self._header["timestamp"] = (phones.timestamp[rows] + beat * phones.step[rows]) & 0xFFFFFFFF
        frame = phones.track[rows] + (phones.offset[rows] + beat) % phones.frames[rows]
        reel = phones.reel
        self._outbox.packets[:, HEADER_BYTES : HEADER_BYTES + reel.data.shape[1]] = reel.data[frame]
        self._outbox.length[:] = reel.length[frame] + HEADER_BYTES
        if self._pointers is not None:
            for place, number in self._protected:
                protect(phones.handles[number], self._pointers.packet[place], self._pointers.length[place])

    def send(self, which: NDArray[np.bool_] | None = None) -> None:
        """Those which are wanted, by number; all by default."""
        outbox = self._outbox
        if which is not None:
            outbox.length[~which[self.rows]] = 0
        outbox.is_whole = which is None
        if len(self.rows) and (which is None or outbox.length.any()):
            self.unsent += len(self._io.send(outbox))

    def bursting(self, beat: int) -> list[int]:
        """Whose packet of this beat begins with a burst."""
        phones, rows = self._phones, self.rows
        mine = rows[phones.claps[rows]]
        begin: list[int] = mine[(phones.offset[mine] + beat) % phones.frames[mine] == 0].tolist()
        return begin

    def send_reports(self, beat: int) -> None:
        due = self.rows[(self.rows + beat) % REPORT_BEATS == 0]
        for number in due.tolist():
            address = sockaddr((HOST, int(self._phones.port[number])))
            self._io.send_control(number % SOCKETS, address, self._phones.report(number, beat))

    # ------------------------------------------------------------------ in
    def receive(self, now: float) -> Received:
        batch = self._io.receive(now)
        count = batch.count
        second = batch.data[:count, 1]
        control = (second >= RTCP_FIRST) & (second <= RTCP_LAST)
        at = np.searchsorted(self._keys, batch.key[:count]).clip(0, max(len(self._keys) - 1, 0))
        known = self._keys[at] == batch.key[:count] if len(self._keys) else np.zeros(count, np.bool_)
        place = np.flatnonzero(known & ~control & (batch.length[:count] > HEADER_BYTES))
        number = self._by_key[at[place]] if len(self._keys) else place
        header = batch.data[place, :HEADER_BYTES].view(HEADER)[:, 0]
        sequence = header["sequence"].astype(np.uint16)
        self._phones.last[number] = sequence
        return Received(number, place, sequence, header["timestamp"].astype(np.uint32), batch,
                        int((known & control).sum()), int((~known).sum()))  # fmt: skip

    def close(self) -> None:
        for index in self.ports:
            self._io.remove(index)
