"""The packets that are not ordinary, one by one: first packets, strangers, new SSRCs, digits, extensions, RTCP.

A flood of them costs a bounded share of the tick: at most MOST_A_TICK are looked at, those of known legs first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from confserver.contract import DigitPressed, FirstPacket, FromWorker, LegLatched
from confserver.engine.arrival import Arrival
from confserver.engine.batch import Batch
from confserver.engine.codecs import EVENT_CLOCK_HZ, FIRST_EVENT, NOTHING
from confserver.engine.frame import Rows
from confserver.engine.legs import Leg, Legs
from confserver.engine.protection import Protection
from confserver.engine.reports import Reports
from confserver.engine.ring import LONG
from confserver.engine.seats import SILENT, Seats
from confserver.engine.sources import LEAST_PORT, REARM_S, Source, Sources, continues
from confserver.rtp import rtcp
from confserver.rtp.address import Address, address_of
from confserver.rtp.header import HEADER_BYTES, RTCP_FIRST, RTCP_LAST, BadPacket, Packet, parse_packet
from confserver.rtp.telephone_event import BadEvent, DigitReceiver, Press

MOST_A_TICK = 512
MOST_KEYS = 8
"""Legs of one host and port whose keys are tried on a report."""


@dataclass(frozen=True, slots=True)
class Pressing:
    """A key that is held: the RTP time of its press, and when it was first heard of."""

    leg: Leg
    timestamp: int
    began: float


class Strays:
    """Finds out what an unusual packet means, and tells what has come of it."""

    def __init__(
        self,
        seats: Seats,
        sources: Sources,
        legs: Legs,
        arrival: Arrival,
        reports: Reports,
        protection: Protection,
    ) -> None:
        self._seats = seats
        self._sources = sources
        self._protection = protection
        self._legs = legs
        self._arrival = arrival
        self._reports = reports
        self.events: list[FromWorker] = []
        self._pressing: dict[int, Pressing] = {}
        self.strangers = 0
        self.unread = 0

    def sort_out(self, batch: Batch, indices: Rows, rows: Rows, now: float) -> None:
        if not len(indices):
            return
        order = np.argsort(rows == SILENT, kind="stable")
        self.unread += max(len(indices) - MOST_A_TICK, 0)
        for place in order[:MOST_A_TICK].tolist():
            index, row = int(indices[place]), int(rows[place])
            local = int(batch.local[index])
            if local & 1 or RTCP_FIRST <= batch.data[index, 1] <= RTCP_LAST:
                self._take_report(batch, index, local, now)
                continue
            row = self._row_by_key(batch, index, local) if row == SILENT and self._protection.legs else row
            try:
                packet = parse_packet(batch.datagram(index))
            except BadPacket:
                self._seats.discarded[row] += row != SILENT
                self.strangers += row == SILENT
                continue
            if row == SILENT:
                self._from_stranger(batch, index, local, packet, now)
            else:
                self._from_known(batch, index, row, packet, now)

    # ------------------------------------------------------------------ RTP
    def _from_known(self, batch: Batch, index: int, row: int, packet: Packet, now: float) -> None:
        seats, leg = self._seats, self._legs.by_row.get(row)
        meaning = int(seats.meaning[row, packet.payload_type])
        if leg is None or not seats.receives[row] or meaning == NOTHING:
            seats.discarded[row] += 1
            return
        if seats.protected[row]:
            # it has passed SRTP: no other proof is needed
            self._follow(leg, address_of(batch.sender[index].tobytes()), packet.ssrc)
        elif not (seats.has_ssrc[row] and seats.ssrc[row] == packet.ssrc):
            source = self._sources.of(row)
            sender = address_of(batch.sender[index].tobytes())
            if seats.has_ssrc[row] and source and not self._is_second(source, sender, packet.ssrc):
                return
            self._follow(leg, sender, packet.ssrc)
        self._accept(batch, index, leg, packet, meaning, now)

    def _row_by_key(self, batch: Batch, index: int, local: int) -> int:
        """The row of the protected leg whose key opens a packet from an unknown place, which then lies open there.

        Tried are those that have its SSRC, and the one whose source is not known yet.
        """
        seats, ssrc = self._seats, int.from_bytes(batch.data[index, 8:12].tobytes(), "big")
        if address_of(batch.sender[index].tobytes())[1] < LEAST_PORT:
            return SILENT
        for source in self._sources.at(local):
            row = source.row
            is_likely = source.latched is None or (seats.has_ssrc[row] and int(seats.ssrc[row]) == ssrc)
            if seats.protected[row] and is_likely and self._protection.open_one(batch, index, row):
                return row
        return SILENT

    def _from_stranger(self, batch: Batch, index: int, local: int, packet: Packet, now: float) -> None:
        """A sender nobody is known by: the first packets of some leg, a phone that has moved, or nobody's."""
        sender = address_of(batch.sender[index].tobytes())
        source = self._sources.waiting_for(local, sender, now) or self._returning(local, sender, packet, now)
        leg = self._legs.by_row.get(source.row) if source else None
        if source is None or leg is None or self._seats.meaning[source.row, packet.payload_type] == NOTHING:
            self.strangers += 1
            return
        if self._seats.protected[source.row]:
            self.strangers += 1
            return
        if not self._is_second(source, sender, packet.ssrc):
            return
        self._follow(leg, sender, packet.ssrc)
        if self._seats.receives[leg.row]:
            self._accept(batch, index, leg, packet, int(self._seats.meaning[leg.row, packet.payload_type]), now)

    def _returning(self, local: int, sender: Address, packet: Packet, now: float) -> Source | None:
        """A latched leg whose stream goes on from a new port of the same host after a silence."""
        seats = self._seats
        for source in self._sources.moved(local, sender):
            row = source.row
            if (
                now - seats.last_arrival[row] > REARM_S
                and seats.ssrc[row] == packet.ssrc
                and continues(packet.sequence, int(seats.top_sequence[row]))
            ):
                return source
        return None

    def _is_second(self, source: Source, sender: Address, ssrc: int) -> bool:
        """Two packets of one SSRC from one place are needed before anything changes."""
        if source.candidate == (sender, ssrc):
            source.candidate = None
            return True
        source.candidate = (sender, ssrc)
        return False

    def _follow(self, leg: Leg, sender: Address, ssrc: int) -> None:
        """The leg's sound comes from here and with this SSRC from now on."""
        seats, row = self._seats, leg.row
        if not leg.was_heard or seats.ssrc[row] != ssrc:
            seats.ssrc[row] = ssrc
            self._arrival.begin_anew(row)
            leg.digits = DigitReceiver()
        seats.has_ssrc[row] = True
        self._latch(leg, sender)
        if not leg.was_heard:
            leg.was_heard = True
            self.events.append(FirstPacket(leg=leg.id))

    def _latch(self, leg: Leg, sender: Address) -> None:
        source = self._sources.of(leg.row)
        if source is None or source.latched == sender:
            return
        self._sources.latch(leg.row, sender)
        self._legs.aim(leg)
        self.events.append(LegLatched(leg=leg.id, remote=sender))

    def _accept(self, batch: Batch, index: int, leg: Leg, packet: Packet, meaning: int, now: float) -> None:
        """A good packet: a digit, or sound with an unusual header, which is written plain where it lies."""
        if meaning >= FIRST_EVENT:
            self._arrival.count_one(leg.row, packet.sequence, float(batch.arrived[index]))
            self._note_digit(leg, packet, EVENT_CLOCK_HZ[meaning], now)
            return
        size = len(packet.payload)
        if not 0 < size <= LONG:
            self._seats.discarded[leg.row] += 1
            return
        batch.data[index, HEADER_BYTES : HEADER_BYTES + size] = np.frombuffer(packet.payload, np.uint8)
        batch.length[index] = HEADER_BYTES + size
        self._arrival.insert_one(batch, index, leg.row, now)

    def _note_digit(self, leg: Leg, packet: Packet, clock_hz: int, now: float) -> None:
        if leg.digits.clock_hz != clock_hz:
            leg.digits = DigitReceiver(clock_hz)
        try:
            self._say_pressed(leg, leg.digits.feed(packet.timestamp, packet.payload))
        except BadEvent:
            self._seats.discarded[leg.row] += 1
            return
        known = self._pressing.get(leg.row)
        if known is None or known.timestamp != packet.timestamp:
            self._pressing[leg.row] = Pressing(leg, packet.timestamp, now)

    @property
    def pressing(self) -> Iterable[int]:
        """The rows whose legs hold a key, by their events."""
        return self._pressing.keys()

    def end_presses(self, now: float) -> None:
        """End the key presses whose last packets were all lost."""
        for row, press in list(self._pressing.items()):
            leg = press.leg
            if self._legs.by_row.get(row) is leg:
                passed = press.timestamp + int((now - press.began) * leg.digits.clock_hz)
                self._say_pressed(leg, leg.digits.pass_time(passed & 0xFFFFFFFF))
            if leg.digits.describe()["pressed"] is None or self._legs.by_row.get(row) is not leg:
                del self._pressing[row]

    def _say_pressed(self, leg: Leg, presses: list[Press]) -> None:
        self.events.extend(DigitPressed(leg=leg.id, digit=p.digit, duration_ms=p.duration_ms) for p in presses)

    # ------------------------------------------------------------------ RTCP
    def _take_report(self, batch: Batch, index: int, local: int, now: float) -> None:
        """RTCP belongs to the leg whose key opens it, or that it reports on, or of its sender's SSRC, on one host."""
        sender, data = address_of(batch.sender[index].tobytes()), batch.datagram(index)
        row, data = self._opened_report(local & ~1, sender, data)
        try:
            packets = rtcp.parse(data)
        except rtcp.BadRtcp:
            self.strangers += 1
            return
        if row is None:
            row = self._row_of_report(local & ~1, sender, packets)
        if row is None:
            self.strangers += 1
        else:
            self._reports.read(row, packets, now)

    def _opened_report(self, local: int, sender: Address, data: bytes) -> tuple[int | None, bytes]:
        """The row of the protected leg whose SRTCP this is, and its RTCP; else None, and the datagram as it is."""
        if not self._protection.legs or len(data) < 8:
            return None, data
        seats, ssrc = self._seats, int.from_bytes(data[4:8], "big")
        rows = [
            source.row
            for source in self._sources.at(local)
            if seats.protected[source.row] and source.address and source.address[0] == sender[0]
        ]
        rows.sort(key=lambda row: not (seats.has_ssrc[row] and int(seats.ssrc[row]) == ssrc))
        for row in rows[:MOST_KEYS]:
            opened = self._protection.open_report(row, data)
            if opened is not None:
                return row, opened
        return None, data

    def _row_of_report(self, local: int, sender: Address, packets: list[rtcp.Packet]) -> int | None:
        seats = self._seats
        reports = [p for p in packets if isinstance(p, rtcp.SenderReport | rtcp.ReceiverReport)]
        senders = {report.ssrc for report in reports}
        senders |= {packet.ssrc for packet in packets if isinstance(packet, rtcp.ExtendedReport)}
        subjects = {block.ssrc for report in reports for block in report.blocks}
        for source in self._sources.at(local):
            known = source.latched or source.named
            row = source.row
            if known is None or known[0] != sender[0] or seats.protected[row]:
                continue
            if int(seats.out_ssrc[row]) in subjects or (seats.has_ssrc[row] and int(seats.ssrc[row]) in senders):
                return row
        return None
