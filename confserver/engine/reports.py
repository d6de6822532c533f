"""RTCP of each leg (RFC 3550 section 6, RFC 3611): when it is due, what we say of the leg and what it says of us.

    | SR or RR | SDES (CNAME) | XR, where wanted | BYE, at the end |

With reduced-size RTCP (RFC 5506) most reports go without SDES. ``quality`` makes opinions of the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from confserver.contract import MediaPlan
from confserver.engine.protection import Protection
from confserver.engine.quality import Figures, Quality
from confserver.engine.seats import SILENT, Seats
from confserver.rtp import rtcp, xr
from confserver.rtp.short_reports import Block, receiver_report, sender_report
from confserver.rtp.statistics import extended_sequence, packets_lost
from confserver.rtp.timing import interval_s, reconsidered

COMPOUND_EVERY = 6
"""Of the reports of a leg with reduced-size RTCP, that has SDES: now and then one must (RFC 5506 section 4.2.1)."""


@dataclass(slots=True)
class Exchange:
    """What is kept of one leg's reports."""

    began: float
    """When it last sent, or began."""
    sdes: bytes
    reports: int = 0
    """Sent so far."""
    is_reduced: bool = False
    wants_metrics: bool = False
    sent: tuple[int, int] = (0, 0)
    """Packets, as of the last report but one and the last."""
    lsr: int = 0
    """Middle bits of the last sender report's time, 0 where none came."""
    lsr_at: float | None = None
    lrr: xr.Heard | None = None
    """The reference time of one who only receives; its delay is filled in when it is sent back."""
    lrr_at: float = 0.0
    expected_before: int = 0
    received_before: int = 0
    rtt_s: float = -1.0


class Reports:
    """Writes and reads RTCP; ``now`` is epoch seconds, so it also serves as NTP time."""

    def __init__(
        self,
        seats: Seats,
        cname: str,
        protection: Protection,
        delay_s: Callable[[int], float],
        random: np.random.Generator,
    ) -> None:
        """delay_s: of the playout of a row."""
        self._seats = seats
        self._protection = protection
        self._cname = cname
        self._random = random
        self.quality = Quality(seats, delay_s)
        self._exchanges: dict[int, Exchange] = {}
        self.set_loss: Callable[[int, int], None] = lambda row, percent: None
        """Is told of a row whether much of what goes there gets lost, whenever a report has come."""
        seats.report_due[SILENT] = np.inf

    def add(self, row: int, now: float) -> None:
        """A leg with its SSRC; what it wants is told by ``follow``."""
        ssrc = int(self._seats.out_ssrc[row])
        sdes = rtcp.write([rtcp.Sdes((rtcp.Chunk(ssrc, ((rtcp.CNAME, self._cname),)),))])
        self._exchanges[row] = Exchange(now, sdes)
        self.quality.add(row)
        self._seats.report_due[row] = now + interval_s(self._random.random(1), np.ones(1, np.bool_))[0]

    def follow(self, row: int, plan: MediaPlan) -> None:
        exchange = self._exchanges[row]
        exchange.is_reduced, exchange.wants_metrics = plan.reduced_rtcp, plan.xr
        self.quality.follow(row, plan)

    def remove(self, row: int) -> None:
        self._exchanges.pop(row, None)
        self.quality.remove(row)
        self._seats.report_due[row] = np.inf

    # ------------------------------------------------------------------ time
    def step(self, now: float) -> list[int]:
        """Once a tick: note what has come; give the rows that report now. Their next reports are set."""
        self.quality.listen()
        ready = np.flatnonzero(self._seats.report_due[: self._seats.high] <= now)
        return self._reconsider(ready.tolist(), now) if len(ready) else []

    def _reconsider(self, ready: list[int], now: float) -> list[int]:
        """Who draws a longer interval at the end of his waits for it (RFC 3550 section 6.3.6)."""
        exchanges = [self._exchanges[row] for row in ready]
        began = np.array([exchange.began for exchange in exchanges])
        is_first = np.array([not exchange.reports for exchange in exchanges])
        chance = self._random.random((2, len(ready)))
        sends, later = reconsidered(now, began, chance[0], is_first)
        after = now + interval_s(chance[1], np.zeros(len(ready), np.bool_))
        self._seats.report_due[ready] = np.where(sends, after, later)
        due = [index for index, each in enumerate(sends.tolist()) if each]
        for index in due:
            exchanges[index].began = now
            exchanges[index].reports += 1
            self.quality.judge(ready[index], exchanges[index].rtt_s)
        return [ready[index] for index in due]

    # ------------------------------------------------------------------ what is known
    def rtt_s(self, row: int) -> float:
        exchange = self._exchanges.get(row)
        return exchange.rtt_s if exchange else -1.0

    def figures(self, row: int) -> Figures:
        """For the leg's report to the signalling process."""
        return self.quality.figures(row)

    # ------------------------------------------------------------------ out
    def write(self, row: int, now: float) -> bytes:
        """A report that is due; SRTCP where the leg has keys, empty where it cannot be sealed."""
        exchange = self._exchanges[row]
        parts = [self._report(row, exchange, now)]
        if not exchange.is_reduced or exchange.reports % COMPOUND_EVERY == 1:
            parts.append(exchange.sdes)
        extended = self._extended(row, exchange, now)
        if extended:
            parts.append(rtcp.write([rtcp.ExtendedReport(int(self._seats.out_ssrc[row]), extended)]))
        return self._protection.protect_report(row, b"".join(parts))

    def write_bye(self, row: int, now: float) -> bytes:
        """The last report, at once: the session has two members (RFC 3550 section 6.3.7). Empty where none was heard.

        Who has sent neither RTP nor RTCP has nothing to say goodbye to.
        """
        exchange = self._exchanges[row]
        if not (self._seats.sent[row] or exchange.reports):
            return b""
        bye = rtcp.write([rtcp.Bye((int(self._seats.out_ssrc[row]),))])
        return self._protection.protect_report(row, self._report(row, exchange, now) + exchange.sdes + bye)

    def _report(self, row: int, exchange: Exchange, now: float) -> bytes:
        """SR of those who have sent since their last report but one, else RR (RFC 3550 section 6.4)."""
        seats, ssrc = self._seats, int(self._seats.out_ssrc[row])
        block = self._block(row, exchange, now) if seats.has_ssrc[row] and seats.received[row] else None
        sent, (older, newer) = int(seats.sent[row]), exchange.sent
        exchange.sent = newer, sent
        if sent == older:
            return receiver_report(ssrc, block)
        octets = int(seats.out_octets[row])
        return sender_report(ssrc, rtcp.ntp_time(now), int(seats.out_timestamp[row]), sent, octets, block)

    def _block(self, row: int, exchange: Exchange, now: float) -> Block:
        seats = self._seats
        received, cycles, top = int(seats.received[row]), int(seats.cycles[row]), int(seats.top_sequence[row])
        first = int(seats.first_sequence[row])
        expected = cycles + top - first + 1
        fraction = rtcp.fraction_lost(expected, received, exchange.expected_before, exchange.received_before)
        exchange.expected_before, exchange.received_before = expected, received
        return (
            int(seats.ssrc[row]),
            fraction,
            packets_lost(received, cycles, top, first),
            extended_sequence(cycles, top),
            int(seats.jitter[row]),
            exchange.lsr,
            rtcp.delay_since(exchange.lsr_at, now),
        )

    def _extended(self, row: int, exchange: Exchange, now: float) -> tuple[xr.Block, ...]:
        """What is wanted of RFC 3611, and the answer to one who only receives and wants to know the round trip."""
        blocks: list[xr.Block] = []
        if exchange.lrr:
            delay = rtcp.delay_since(exchange.lrr_at, now)
            blocks.append(xr.Heard(exchange.lrr.ssrc, exchange.lrr.lrr, delay))
        if exchange.wants_metrics:
            if exchange.sent[0] == exchange.sent[1]:
                blocks.append(xr.ReferenceTime(rtcp.ntp_time(now)))
            if self._seats.received[row]:
                blocks.append(self.quality.metrics(row, exchange.rtt_s))
        return tuple(blocks)

    # ------------------------------------------------------------------ in
    def read(self, row: int, packets: list[rtcp.Packet], now: float) -> None:
        """Take in what the peer says."""
        exchange, ours = self._exchanges[row], int(self._seats.out_ssrc[row])
        about_us: rtcp.ReportBlock | None = None
        metrics: xr.VoipMetrics | None = None
        for packet in packets:
            match packet:
                case rtcp.SenderReport(ssrc=_, ntp=ntp, blocks=blocks):
                    exchange.lsr, exchange.lsr_at = rtcp.middle(ntp), now
                    about_us = _about(ours, blocks) or about_us
                case rtcp.ReceiverReport(blocks=blocks):
                    about_us = _about(ours, blocks) or about_us
                case rtcp.ExtendedReport(ssrc, extended):
                    metrics = _read_extended(exchange, ssrc, extended, ours, now) or metrics
                case rtcp.Bye():
                    exchange.lsr, exchange.lsr_at, exchange.lrr = 0, None, None
        if about_us:
            _note_round_trip(exchange, about_us, now)
        if about_us or metrics:
            self.quality.hear(row, about_us, metrics, exchange.rtt_s)
            self.set_loss(row, self.quality.loss_percent(row))
        self._seats.heard_at[row] = now


def _read_extended(
    exchange: Exchange, ssrc: int, blocks: tuple[xr.Block, ...], ours: int, now: float
) -> xr.VoipMetrics | None:
    """Gives what it says of how it hears us."""
    metrics = None
    for block in blocks:
        match block:
            case xr.ReferenceTime(ntp):
                exchange.lrr, exchange.lrr_at = xr.Heard(ssrc, rtcp.middle(ntp), 0), now
            case xr.Heard(subject, lrr, dlrr) if subject == ours:
                _note_round_trip(exchange, rtcp.ReportBlock(ssrc=ours, lsr=lrr, dlsr=dlrr), now)
            case xr.VoipMetrics(ssrc=subject) if subject == ours:
                metrics = block
    return metrics


def _note_round_trip(exchange: Exchange, block: rtcp.ReportBlock, now: float) -> None:
    seconds = rtcp.round_trip(block, now)
    exchange.rtt_s = exchange.rtt_s if seconds is None else seconds


def _about(ssrc: int, blocks: tuple[rtcp.ReportBlock, ...]) -> rtcp.ReportBlock | None:
    return next((block for block in blocks if block.ssrc == ssrc), None)
