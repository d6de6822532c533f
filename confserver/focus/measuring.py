"""What the media of each participant come to: reports of the workers added up, for the records.

A participant may go on by another call (Replaces) or at another worker, where counts begin anew: what the leg before
had come to is kept as a base. The worker's last word on a leg (``LegClosed``) comes when the participant has left.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from confserver.contract import LegId, LegReport
from confserver.focus.legs import Leg
from confserver.focus.outputs import Measured
from confserver.focus.scene import Scene
from confserver.sip.flow import written
from rooms import events as tell
from rooms.participant import ParticipantId
from rooms.records.figures import Figures
from rooms.records.ledger import EVERYBODY, Share, is_in

MOST_ENDING = 4000
"""Legs whose last word is waited for; it comes at once, or never."""
UNKNOWN_DB = -127.0
_COUNTS: tuple[str, ...] = ("received", "sent", "lost", "late", "lost_out")


@dataclass(slots=True)
class Mean:
    """Of the values that came, and the least of them."""

    total: float = 0.0
    count: int = 0
    least: float | None = None

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1
        self.least = value if self.least is None else min(self.least, value)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


@dataclass(slots=True)
class Tally:
    """Of one participant."""

    room: str
    participant: ParticipantId
    leg: LegId = 0
    codec: str = ""
    last: LegReport | None = None
    """Of this leg; ``base``: what legs before it have come to."""
    base: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    knows_out: bool = False
    """Whether any phone of his has said how many of our packets it has missed."""
    jitter: Mean = field(default_factory=Mean)
    jitter_out: Mean = field(default_factory=Mean)
    mos_in: Mean = field(default_factory=Mean)
    mos_out: Mean = field(default_factory=Mean)

    def use(self, leg: Leg) -> None:
        self.codec = leg.agreed.outgoing[1].name if leg.agreed else self.codec
        if leg.id != self.leg:
            self._keep()
            self.leg = leg.id

    def _keep(self) -> None:
        """What the leg has come to is over: its successor counts from nothing."""
        if self.last is not None:
            for name in _COUNTS:
                self.base[name] += max(getattr(self.last, name), 0)
            self.last = None

    def add(self, report: LegReport) -> None:
        if self.last is not None and report.received + report.sent < self.last.received + self.last.sent:
            self._keep()  # the heir of a lost worker counts anew
        self.last = report
        self.knows_out = self.knows_out or report.lost_out >= 0
        if report.received:
            self.jitter.add(report.jitter_ms)
        if report.jitter_out_ms >= 0:
            self.jitter_out.add(report.jitter_out_ms)
        if report.mos_in:
            self.mos_in.add(report.mos_in)
        if report.mos_out:
            self.mos_out.add(report.mos_out)

    def so_far(self) -> dict[str, int]:
        """What the leg has counted, below zero: the base of a tally that begins now."""
        return {name: -max(getattr(self.last, name), 0) if self.last else 0 for name in _COUNTS}

    def figures(self) -> Figures:
        last = self.last
        now = {name: max(getattr(last, name), 0) if last else 0 for name in _COUNTS}
        counts = {name: max(self.base[name] + now[name], 0) for name in _COUNTS}
        return Figures(
            codec=self.codec,
            received=counts["received"],
            sent=counts["sent"],
            lost=counts["lost"],
            late=counts["late"],
            lost_out=counts["lost_out"] if self.knows_out else None,
            jitter_ms=self.jitter.mean,
            jitter_out_ms=self.jitter_out.mean,
            rtt_ms=last.rtt_ms if last and last.rtt_ms >= 0 else None,
            mos_in=self.mos_in.mean,
            mos_out=self.mos_out.mean,
            least_mos_in=self.mos_in.least,
            least_mos_out=self.mos_out.least,
            level_db=last.level_db if last and last.level_db > UNKNOWN_DB else None,
        )


class Measuring:
    """All who are present, and those who have just left."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tallies: dict[ParticipantId, Tally] = {}
        self._ending: OrderedDict[LegId, Tally] = OrderedDict()
        self._moving: set[ParticipantId] = set()
        """Who is on the way to another room; ``_before``: what is not to be counted there."""
        self._before: dict[ParticipantId, dict[str, int]] = {}

    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.ParticipantMoved(participant=who, from_room=room) if room == event.room:
                self._moving.add(who)
            case tell.ParticipantArrived(participant=who) | tell.ParticipantReplaced(participant=who):
                tally = self._tallies.setdefault(who, Tally(event.room, who))
                tally.base = self._before.pop(who, tally.base)
                leg = self._scene.legs.by_participant.get(who)
                if leg:
                    tally.use(leg)
            case tell.ParticipantLeft(participant=who):
                left = self._tallies.pop(who, None)
                if left:
                    self._leave(left, event.at)

    def _leave(self, tally: Tally, at: float) -> None:
        """What is known now; the worker's last word may follow. Who moves goes on by the same leg, as another tally."""
        if tally.participant in self._moving:
            self._moving.discard(tally.participant)
            self._before[tally.participant] = tally.so_far()
        else:
            self._ending[tally.leg] = tally
        if len(self._ending) > MOST_ENDING:
            self._ending.popitem(last=False)
        self._scene.say(Measured(tally.room, tally.participant, tally.figures(), at))

    def reported(self, leg: Leg, report: LegReport) -> None:
        tally = self._tallies.get(leg.participant)
        if tally:
            tally.use(leg)
            tally.add(report)

    def closed(self, leg: LegId, report: LegReport, now: float) -> None:
        tally = self._ending.pop(leg, None)
        if tally is not None:
            tally.add(report)
            self._scene.say(Measured(tally.room, tally.participant, tally.figures(), now, is_last=True))

    def figures(self, share: Share = EVERYBODY) -> dict[tuple[str, ParticipantId], Figures]:
        """Of those who are present, or a share of them, so far."""
        found = [each for each in self._tallies.values() if is_in(share, each.participant)]
        return {(each.room, each.participant): each.figures() for each in found}


def media_of(leg: Leg) -> dict[str, Any]:
    """A call's media as they are now."""
    report = leg.report
    return {
        "codec": leg.agreed.outgoing[1].name if leg.agreed else None,
        "port": leg.port,
        "remote": written(leg.remote) if leg.remote else None,
        "worker": leg.worker,
        **worth_of(report),
        "late": report.late if report else 0,
        "jitter_out_ms": round(report.jitter_out_ms, 2) if report and report.jitter_out_ms >= 0 else None,
        "delay_ms": round(report.playout_ms, 1) if report else None,
        "skew_ppm": round(report.skew_ppm, 1) if report else None,
        "level_db": round(report.level_db, 1) if report and report.level_db > UNKNOWN_DB else None,
    }


def worth_of(report: LegReport | None) -> dict[str, Any]:
    """What a leg's report says to everybody who looks on, in numbers that are fit to read."""
    return {
        "received": report.received if report else 0,
        "sent": report.sent if report else 0,
        "lost": report.lost if report else 0,
        "lost_out": report.lost_out if report and report.lost_out >= 0 else None,
        "jitter_ms": round(report.jitter_ms, 2) if report else None,
        "rtt_ms": round(report.rtt_ms, 1) if report and report.rtt_ms >= 0 else None,
        "mos_in": round(report.mos_in, 2) if report and report.mos_in else None,
        "mos_out": round(report.mos_out, 2) if report and report.mos_out else None,
    }
