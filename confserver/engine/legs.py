"""Legs come, change and go, between ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from confserver.contract import Address, LegId, LegReport, MediaPlan, Resume
from confserver.engine.codecs import CODECS, codec_of, meaning_of
from confserver.engine.frame import RATE_HZ, RATES_HZ, TICK_S
from confserver.engine.mixer import NOBODY
from confserver.engine.outgoing import Outgoing
from confserver.engine.playout import Playout
from confserver.engine.protection import Protection, check_keys
from confserver.engine.reports import Reports
from confserver.engine.seats import TICKS_A_SECOND, Seats
from confserver.engine.sources import Source, Sources
from confserver.rtp.address import canonical, sockaddr
from confserver.rtp.statistics import packets_lost
from confserver.rtp.telephone_event import DigitReceiver

RESUME_MARGIN = 16
"""Packets left out where a leg goes on, beyond what can have been sent: the time between two ticks, and to spare."""


class Unfit(Exception):
    """A plan or a place for a leg that this engine cannot serve; the text says why."""


@dataclass(slots=True)
class Leg:
    """One call's media."""

    id: LegId
    row: int
    local: int
    plan: MediaPlan | None
    digits: DigitReceiver
    was_heard: bool = False


class Legs:
    """The legs of a worker by id and by row, and the columns filled from their plans."""

    def __init__(
        self,
        seats: Seats,
        sources: Sources,
        outgoing: Outgoing,
        playout: Playout,
        reports: Reports,
        protection: Protection,
    ) -> None:
        self._protection = protection
        self._seats = seats
        self._sources = sources
        self._outgoing = outgoing
        self._floor = outgoing.floor
        self._playout = playout
        self._reports = reports
        self.by_id: dict[LegId, Leg] = {}
        self.by_row: dict[int, Leg] = {}
        self._dying: set[int] = set()

    def open(
        self,
        leg_id: LegId,
        room: int,
        local: int,
        plan: MediaPlan | None,
        ssrc: int,
        start: tuple[int, int],
        now: float,
    ) -> Leg:
        """Seat a leg. start: its first sequence number and timestamp, random (RFC 3550 5.1).

        Raises Unfit for an unknown room, or a plan that cannot be followed; nothing has changed then.
        """
        if room not in self._floor.rooms:
            raise Unfit(f"no room {room}")
        if leg_id in self.by_id:
            raise Unfit(f"there is a leg {leg_id}")
        if plan:
            _meanings(plan)
        seats = self._seats
        row = seats.take()
        leg = Leg(leg_id, row, local, None, DigitReceiver())
        self.by_id[leg_id] = self.by_row[row] = leg
        seats.out_ssrc[row] = ssrc
        seats.out_sequence[row], seats.out_timestamp[row] = start
        seats.local[row] = local
        seats.heard_at[row] = now
        seats.mix[row] = NOBODY
        self._sources.add(Source(row, local, None, frozenset(), symmetric=False))
        self._reports.add(row, now)
        self._floor.join(row, room)
        if plan:
            self.set(leg, plan, now)
        return leg

    def unused(self, ssrc: int) -> int:
        """An SSRC that is no other leg's (RFC 3550 section 8): reports are told apart by it. Raises Unfit."""
        if any(int(self._seats.out_ssrc[row]) == ssrc for row in self.by_row):
            raise Unfit(f"SSRC {ssrc} is another leg's")
        return ssrc

    def resume(self, leg: Leg, resume: Resume) -> None:
        """Go on where another worker has left off: its source is known, its counts go on.

        Whose SSRC comes is learned from the first packet.
        """
        seats, row = self._seats, leg.row
        seats.sent[row] = resume.sent & 0xFFFFFFFF
        seats.received_before[row] = resume.received & 0xFFFFFFFF
        seats.lost_before[row] = resume.lost
        self._protection.resume(row, resume.received + resume.lost)
        if resume.latched:
            self._sources.latch(row, (canonical(resume.latched[0]), resume.latched[1]))
            self.aim(leg)

    def set(self, leg: Leg, plan: MediaPlan, now: float) -> None:
        """Follow a new plan. Payload types of the old one stay decodable: packets of theirs may be on the way.

        Raises Unfit where it cannot be followed; nothing has changed then.
        """
        meanings, seats, row = _meanings(plan), self._seats, leg.row
        for payload_type, meaning in meanings.items():
            seats.meaning[row, payload_type] = meaning
        leg.plan = plan
        self._reports.follow(row, plan)
        self._protection.set(row, plan.incoming_key, plan.outgoing_key)
        hosts = frozenset(
            canonical(host) for host in (plan.remote[0] if plan.remote else "", plan.signalling_host) if host
        )
        named = (canonical(plan.remote[0]), plan.remote[1]) if plan.remote else None
        if self._sources.change(row, named, hosts, plan.symmetric, now):
            seats.has_ssrc[row] = False
        if not seats.receives[row] and plan.receives:
            seats.heard_at[row] = now
        seats.receives[row] = plan.receives
        seats.opus_band[row], seats.level_id[row] = RATES_HZ.index(plan.opus.in_hz), plan.level_id
        if not plan.receives:
            self._hush(row)
        self._outgoing.set_format(row, plan)
        self.aim(leg)

    def rebind(self, leg: Leg, local: int, now: float) -> None:
        """From now on it comes and goes by another port."""
        leg.local = self._seats.local[leg.row] = local
        self._sources.rebind(leg.row, local, now)
        self._outgoing.moved = True

    def _hush(self, row: int) -> None:
        """On hold: what was heard fades, nothing more is played."""
        seats = self._seats
        seats.playing[row] = seats.waiting[row] = False
        seats.ring.clear(row)
        if seats.talks[row]:
            self._floor.fade(row)

    def aim(self, leg: Leg) -> None:
        """Find where the leg's packets go: to its latched source, else where SDP says."""
        source, plan, seats = self._sources.of(leg.row), leg.plan, self._seats
        if source is None or plan is None:
            return
        address = source.latched or (plan.remote if plan.send_first else None)
        sends = plan.sends and address is not None
        if sends and not seats.sends[leg.row]:
            self._outgoing.start(leg.row)
        elif seats.sends[leg.row] and not sends:
            self._outgoing.stop(leg.row)
        seats.sends[leg.row] = sends
        if address is not None:
            seats.out_address[leg.row] = np.frombuffer(sockaddr(address), np.uint8)
        self._outgoing.moved = True

    def control_address(self, leg: Leg) -> tuple[int, Address] | None:
        """The socket and address for RTCP (RFC 3550 11, RFC 3605, RFC 5761), None while nothing is known."""
        source, plan = self._sources.of(leg.row), leg.plan
        if source is None or plan is None:
            return None
        if plan.rtcp_mux:
            address = source.latched or (plan.remote if plan.send_first else None)
            return (leg.local, address) if address else None
        if source.latched and source.latched != source.named:
            named = _next_port(source.latched)
        elif source.latched or plan.send_first:
            named = plan.remote_rtcp or _next_port(plan.remote)
        else:
            named = None
        return (leg.local | 1, named) if named else None

    def close(self, leg: Leg, now: float) -> LegReport:
        """Nothing more goes out or comes in; a talker's sound fades before the seat is free."""
        report = self.report(leg)
        seats, row = self._seats, leg.row
        del self.by_id[leg.id], self.by_row[row]
        seats.sends[row] = seats.receives[row] = False
        self._outgoing.moved = True
        self._sources.remove(row, now)
        self._reports.remove(row)
        self._protection.remove(row)
        self._outgoing.stop(row)
        if seats.talks[row]:
            self._floor.fade(row)
        room = self._floor.room_of.get(row)
        if room and row in room.fading:
            self._dying.add(row)
        else:
            self._free(row)
        return report

    def bury(self, silent: list[int]) -> None:
        """Free the seats of closed legs that have faded out."""
        for row in silent:
            if row in self._dying:
                self._free(row)

    def _free(self, row: int) -> None:
        self._dying.discard(row)
        self._floor.leave(row)
        self._playout.forget(row)
        self._outgoing.forget(row)
        self._seats.give_back(row)

    def report(self, leg: Leg) -> LegReport:
        seats, row = self._seats, leg.row
        received = int(seats.received[row])
        lost = packets_lost(
            received, int(seats.cycles[row]), int(seats.top_sequence[row]), int(seats.first_sequence[row])
        )
        return LegReport(
            leg=leg.id,
            received=received + int(seats.received_before[row]),
            sent=int(seats.sent[row]),
            lost=max(lost, 0) + int(seats.lost_before[row]),
            late=int(seats.late[row]),
            concealed=int(seats.concealed[row]),
            discarded=int(seats.discarded[row]),
            jitter_ms=float(seats.jitter[row]) * 1000 / (int(seats.units[row]) * TICKS_A_SECOND),
            playout_ms=self._playout.delay_s(row) * 1000,
            rtt_ms=self._reports.rtt_s(row) * 1000,
            ssrc=int(seats.out_ssrc[row]),
            sequence=int(seats.out_sequence[row]),
            timestamp=int(seats.out_timestamp[row]),
            refused=int(seats.send_failed[row]),
            **self._reports.figures(row),
        )


def going_on(resume: Resume, plan: MediaPlan | None, now: float) -> tuple[int, int]:
    """Sequence number and timestamp that are ahead of all that can have been sent.

    The timestamp stays with the clock, so that the phone neither waits nor drops. Raises Unfit for an unknown format.
    """
    if plan:
        _meanings(plan)
    ticks = max(math.ceil((now - resume.at) / TICK_S), 0) + 1
    packets = ticks * (2 if plan and plan.ptime_ms < TICK_S * 1000 else 1)
    clock_hz = codec_of(meaning_of(plan.outgoing_format)).clock_hz if plan else RATE_HZ
    sequence = resume.sequence + packets + RESUME_MARGIN
    return sequence & 0xFFFF, (resume.timestamp + round(ticks * TICK_S * clock_hz)) & 0xFFFFFFFF


def _meanings(plan: MediaPlan) -> dict[int, int]:
    """Payload type -> meaning. Raises Unfit for a format that no codec here does, or what is no address."""
    try:
        for address in (plan.remote, plan.remote_rtcp):
            sockaddr(address or ("0.0.0.0", 0))
        check_keys(plan.incoming_key, plan.outgoing_key)
        if plan.signalling_host:
            canonical(plan.signalling_host)
        meanings = {incoming.payload_type & 0x7F: meaning_of(incoming.format) for incoming in plan.incoming}
        if not 1 <= meaning_of(plan.outgoing_format) <= len(CODECS):
            raise Unfit(f"{plan.outgoing_format} is no sound")
    except KeyError as unknown:
        raise Unfit(f"no codec {unknown}") from unknown
    except ValueError as bad:
        raise Unfit(str(bad)) from bad
    return meanings


def _next_port(address: Address | None) -> Address | None:
    """Where RTCP goes unless SDP says otherwise (RFC 3550 section 11)."""
    return (address[0], address[1] + 1) if address and address[1] < 65535 else None
