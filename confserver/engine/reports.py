"""RTCP of each leg (RFC 3550 section 6): what we say of it and what it says of us."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from confserver.engine.frame import RATE_HZ
from confserver.engine.protection import Protection
from confserver.engine.seats import Seats
from confserver.rtp import rtcp
from confserver.rtp.statistics import extended_sequence, packets_lost

INTERVAL_S = 5.0
"""The least interval of RFC 3550 6.2; each leg is a session of two."""
_BYTES_PER_PACKET = 160


@dataclass(slots=True)
class Exchange:
    """What is kept of one leg's reports."""

    lsr: int = 0
    """Middle bits of the last sender report's time, 0 where none came."""
    lsr_at: float | None = None
    expected_before: int = 0
    received_before: int = 0
    rtt_s: float = -1.0


class Reports:
    """Writes and reads the compound packets; ``now`` is epoch seconds, so it also serves as NTP time."""

    def __init__(self, seats: Seats, cname: str, protection: Protection) -> None:
        self._seats = seats
        self._protection = protection
        self._cname = cname
        self._exchanges: dict[int, Exchange] = {}

    def add(self, row: int, now: float, spread: float) -> None:
        """spread: 0..1, the leg's share of the first interval, so that legs opened together report apart."""
        self._exchanges[row] = Exchange()
        self._seats.report_due[row] = now + INTERVAL_S * (0.5 + spread / 2)

    def remove(self, row: int) -> None:
        self._exchanges.pop(row, None)
        self._seats.report_due[row] = np.inf

    def due(self, now: float) -> list[int]:
        """The rows whose time has come; their next one is set."""
        seats, high = self._seats, self._seats.high
        rows = np.flatnonzero(seats.in_use[:high] & (seats.report_due[:high] <= now))
        seats.report_due[rows] = now + INTERVAL_S
        return [int(row) for row in rows]

    def rtt_s(self, row: int) -> float:
        exchange = self._exchanges.get(row)
        return exchange.rtt_s if exchange else -1.0

    def write(self, row: int, now: float, bye: bool = False) -> bytes:
        """A compound packet: SR or RR, SDES with CNAME, BYE at the end (RFC 3550 6.1); SRTCP where the leg has keys."""
        seats = self._seats
        ssrc, sent = int(seats.out_ssrc[row]), int(seats.sent[row])
        blocks = (self._block(row, now),) if seats.has_ssrc[row] and seats.received[row] else ()
        report: rtcp.SenderReport | rtcp.ReceiverReport
        if sent:
            report = rtcp.SenderReport(
                ssrc=ssrc,
                ntp=rtcp.ntp_time(now),
                rtp_timestamp=int(seats.out_timestamp[row]),
                packets=sent,
                octets=sent * _BYTES_PER_PACKET & 0xFFFFFFFF,
                blocks=blocks,
            )
        else:
            report = rtcp.ReceiverReport(ssrc=ssrc, blocks=blocks)
        return self._protection.protect_report(row, rtcp.compound(report, self._cname, "" if bye else None))

    def _block(self, row: int, now: float) -> rtcp.ReportBlock:
        seats, exchange = self._seats, self._exchanges[row]
        received, cycles, top = int(seats.received[row]), int(seats.cycles[row]), int(seats.top_sequence[row])
        first = int(seats.first_sequence[row])
        expected = cycles + top - first + 1
        fraction = rtcp.fraction_lost(expected, received, exchange.expected_before, exchange.received_before)
        exchange.expected_before, exchange.received_before = expected, received
        return rtcp.ReportBlock(
            ssrc=int(seats.ssrc[row]),
            fraction_lost=fraction,
            lost=packets_lost(received, cycles, top, first),
            highest_sequence=extended_sequence(cycles, top),
            jitter=int(seats.jitter[row]),
            lsr=exchange.lsr,
            dlsr=rtcp.delay_since(exchange.lsr_at, now),
        )

    def read(self, row: int, packets: list[rtcp.Packet], now: float) -> None:
        """Take in what the peer says."""
        exchange = self._exchanges[row]
        for packet in packets:
            if isinstance(packet, rtcp.SenderReport):
                exchange.lsr, exchange.lsr_at = rtcp.middle(packet.ntp), now
            if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
                self._note_round_trip(row, exchange, packet.blocks, now)
        self._seats.heard_at[row] = now

    def _note_round_trip(self, row: int, exchange: Exchange, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        for block in blocks:
            if block.ssrc == self._seats.out_ssrc[row]:
                seconds = rtcp.round_trip(block, now)
                exchange.rtt_s = exchange.rtt_s if seconds is None else seconds

    def jitter_s(self, row: int) -> float:
        return float(self._seats.jitter[row]) / RATE_HZ
