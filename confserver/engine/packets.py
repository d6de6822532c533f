"""Packets that are not simply one tick of G.711: of other codecs, of other lengths, with something before the sound.

::

    packets (Opus)              its encoder has made one, or none on this tick
    bytes (G.711, G.722, L16)   a tick's bytes are stored until they make a packet of 10 to 60 ms

A row has two places where its packets last 10 ms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import codec_of
from confserver.engine.departure import MARK, Outbox, empty_outbox, ranges
from confserver.engine.dialing import EventPacket
from confserver.engine.encoding import BROAD_BYTES, NARROW_BYTES, Encoding
from confserver.engine.frame import TICK_S, Bytes, Rows
from confserver.engine.protection import Protection, Sealer
from confserver.engine.seats import Seats
from confserver.rtp.header import HEADER, HEADER_BYTES
from confserver.rtp.srtp import TRAILER_BYTES

MOST_PAYLOAD = 1440
"""Bytes of sound in the longest packet: what an Ethernet packet holds."""
_MOST_PREFIX = 96
"""CSRCs and extension before the sound (RFC 6465)."""
_WIDTH = HEADER_BYTES + _MOST_PREFIX + MOST_PAYLOAD + TRAILER_BYTES
_TICK_MS = round(TICK_S * 1000)

Prefixes = dict[int, tuple[int, bytes]]
"""By row: CSRC count, and what stands between fixed header and sound; the extension bit is set where it is longer than
the CSRCs."""


class Packets:
    """The rows that send such packets; see ``departure.Plain``."""

    def __init__(self, seats: Seats, encoding: Encoding, protection: Protection) -> None:
        self._seats = seats
        self._encoding = encoding
        self._protection = protection
        self._sealer: Sealer | None = None
        self.outbox = empty_outbox()
        self._stored = np.zeros((seats.capacity, BROAD_BYTES + MOST_PAYLOAD), np.uint8)
        self._units: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)
        """Ticks of the RTP clock whose bytes are stored."""
        self._first: Rows = np.zeros(0, np.intp)
        """Place of each row's first packet."""
        self._rows: Rows = np.zeros(0, np.intp)
        self._is_stream: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._unit_bytes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._from_broad: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._header: NDArray[np.void] = np.zeros(0, HEADER)
        self._timestamp: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self.prefixes: Prefixes = {}
        self.events: dict[int, EventPacket] = {}
        """What rows send in this tick instead of sound."""

    def forget(self, row: int) -> None:
        """Another format, or another leg: what is stored means nothing any more."""
        if row < len(self._units):
            self._units[row] = 0

    def rebuild(self, rows: Rows, remembers: NDArray[np.bool_]) -> None:
        """These rows send. remembers: by meaning, whether the codec's payloads lie in ``broad`` in any case."""
        seats = self._seats
        if len(self._units) < seats.capacity:
            units, stored, used = self._units, self._stored, np.flatnonzero(self._units)
            self._units = np.zeros(seats.capacity, np.int32)
            self._stored = np.zeros((seats.capacity, stored.shape[1]), np.uint8)
            self._units[used], self._stored[used] = units[used], stored[used]
        self._rows = rows = rows[np.argsort(seats.local[rows], kind="stable")]
        twice = seats.out_ms[rows] < _TICK_MS
        places = np.repeat(np.arange(len(rows)), np.where(twice, 2, 1))
        self._first = np.flatnonzero(np.diff(places, prepend=-1))
        packets = np.zeros((len(places), _WIDTH), np.uint8)
        self._header = packets[:, :HEADER_BYTES].view(HEADER)[:, 0] if len(places) else np.zeros(0, HEADER)
        self._header["first"] = 0x80
        self._header["ssrc"] = seats.out_ssrc[rows[places]]
        self._timestamp = np.zeros(len(places), np.uint32)
        codecs = seats.out_codec[rows]
        self._unit_bytes = np.array([codec_of(codec).unit_bytes for codec in codecs.tolist()], np.int32)
        self._is_stream = self._unit_bytes == 0
        self._from_broad = remembers[codecs] | (self._unit_bytes * seats.out_units[rows] != NARROW_BYTES)
        length, local = np.zeros(len(places), np.int32), seats.local[rows[places]]
        address = seats.out_address[rows[places]]
        self.outbox = Outbox(
            packets, length, address, ranges(local), rows[places], self.outbox.version + 1, number=1, is_whole=False
        )
        self._sealer = self._protection.sealer(rows[places], packets, length)

    # ------------------------------------------------------------------ the tick
    def write(self) -> Outbox:
        outbox = self.outbox
        if not len(self._rows):
            return outbox
        outbox.length[:] = 0
        streams = np.flatnonzero(self._is_stream)
        if len(streams):
            self._take_packets(streams)
        bytewise = np.flatnonzero(~self._is_stream)
        if len(bytewise):
            self._take_bytes(bytewise)
        self._put_events()
        self._finish()
        self._protection.protect(self._sealer)
        return outbox

    def _take_packets(self, which: Rows) -> None:
        """What the encoders have made."""
        seats, encoding, outbox = self._seats, self._encoding, self.outbox
        rows, first = self._rows[which], self._first[which]
        index, units = encoding.index[rows], seats.out_units[rows].astype(np.int64)
        ms = seats.out_ms[rows].astype(np.int64)
        begun = seats.out_timestamp[rows].astype(np.int64) - np.maximum(ms - _TICK_MS, 0) * units // _TICK_MS
        size = encoding.length[index]
        width = int(size.max(initial=0))
        outbox.packets[first, HEADER_BYTES : HEADER_BYTES + width] = encoding.broad[index, :width]
        outbox.length[first] = size
        self._timestamp[first] = begun & 0xFFFFFFFF
        twice = np.flatnonzero(ms < _TICK_MS)
        if len(twice):
            size = encoding.length[index[twice] + 1]
            width = int(size.max(initial=0))
            second = first[twice] + 1
            outbox.packets[second, HEADER_BYTES : HEADER_BYTES + width] = encoding.broad[index[twice] + 1, :width]
            outbox.length[second] = size
            self._timestamp[second] = (begun[twice] + units[twice] // 2) & 0xFFFFFFFF

    def _take_bytes(self, which: Rows) -> None:
        """Store this tick's bytes; take out what makes a packet."""
        seats = self._seats
        rows = self._rows[which]
        facts = np.stack(
            (
                self._units[rows],
                seats.out_units[rows],
                seats.out_ms[rows],
                self._unit_bytes[which],
                self._from_broad[which],
            )
        )
        kinds, kind_of = np.unique(facts, axis=1, return_inverse=True)
        for kind, (before, units, ms, unit_bytes, from_broad) in enumerate(kinds.T.tolist()):
            source = self._encoding.broad if from_broad else self._encoding.narrow
            self._take_alike(which[kind_of == kind], source, before, units, ms * units // _TICK_MS, unit_bytes)

    def _take_alike(self, which: Rows, source: Bytes, before: int, units: int, wanted: int, unit_bytes: int) -> None:
        """Rows that have stored equally much of equal sound. wanted: units of a packet."""
        seats, outbox = self._seats, self.outbox
        rows, first = self._rows[which], self._first[which]
        start, size = before * unit_bytes, units * unit_bytes
        self._stored[rows, start : start + size] = source[self._encoding.index[rows], :size]
        held, place, taken = before + units, 0, 0
        while held >= wanted:
            part = slice(taken * unit_bytes, (taken + wanted) * unit_bytes)
            outbox.packets[first + place, HEADER_BYTES : HEADER_BYTES + wanted * unit_bytes] = self._stored[rows, part]
            outbox.length[first + place] = wanted * unit_bytes
            self._timestamp[first + place] = seats.out_timestamp[rows] + np.uint32((taken - before) & 0xFFFFFFFF)
            held, taken, place = held - wanted, taken + wanted, place + 1
        if held and taken:
            rest = self._stored[rows, taken * unit_bytes : (taken + held) * unit_bytes]
            self._stored[rows, : held * unit_bytes] = rest
        self._units[rows] = held

    def _put_events(self) -> None:
        """In the place of what else would be sent."""
        for row, event in self.events.items():
            places = np.flatnonzero(self.outbox.rows == row)
            if len(places):
                self.outbox.length[places] = 0
                size = len(event.payload)
                payload = np.frombuffer(event.payload, np.uint8)
                self.outbox.packets[places[0], HEADER_BYTES : HEADER_BYTES + size] = payload
                self.outbox.length[places[0]] = size
                self._timestamp[places[0]] = event.timestamp

    def _finish(self) -> None:
        """Headers, sequence numbers and counts of what is sent."""
        seats, outbox = self._seats, self.outbox
        live = np.flatnonzero(outbox.length)
        rows = outbox.rows[live]
        second = np.zeros(len(rows), np.bool_)
        second[1:] = rows[1:] == rows[:-1]
        mark = seats.out_mark[rows] & ~second
        header = self._header
        header["second"][live] = seats.out_payload_type[rows] | (mark * MARK)
        for row, event in self.events.items():
            header["second"][live[rows == row]] = event.payload_type | (event.marker * int(MARK))
        header["sequence"][live] = seats.out_sequence[rows] + second
        header["timestamp"][live] = self._timestamp[live]
        np.add.at(seats.out_sequence, rows, np.uint16(1))
        np.add.at(seats.sent, rows, np.uint32(1))
        np.add.at(seats.out_octets, rows, outbox.length[live].astype(np.uint32))
        seats.out_mark[rows] = False
        outbox.length[live] += HEADER_BYTES
        for row, (sources, prefix) in self.prefixes.items():
            self._put_before(np.flatnonzero((outbox.rows == row) & (outbox.length > 0)), sources, prefix)

    def _put_before(self, places: Rows, sources: int, prefix: bytes) -> None:
        """CSRCs and a header extension (RFC 3550 section 5.1, RFC 8285)."""
        packets, length = self.outbox.packets, self.outbox.length
        for place in places.tolist():
            end = int(length[place])
            packets[place, HEADER_BYTES + len(prefix) : end + len(prefix)] = packets[place, HEADER_BYTES:end].copy()
            packets[place, HEADER_BYTES : HEADER_BYTES + len(prefix)] = np.frombuffer(prefix, np.uint8)
            self._header["first"][place] = 0x80 | (0x10 if len(prefix) > 4 * sources else 0) | sources
            length[place] = end + len(prefix)
