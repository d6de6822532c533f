"""Sound on its way to programs: a leg of the room's worker that hears, and is nobody's call.

::

    ForwardStarted --> OpenLeg --LegOpened--> goes --reports: refused (ICMP)--> NoteForwardTroubled, and back
                               --LegFailed, no word--> NoteForwardFailed
    a lost worker's heir --> OpenLeg(resume): the same port, stream and, without keys, SSRC
    ForwardEnded --> CloseLeg

What it hears stands in the room's hearing (``rooms.forwarding``) and goes with it to the worker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from confserver.contract import (
    CloseLeg,
    LegFailed,
    LegId,
    LegOpened,
    LegReport,
    MediaPlan,
    OpenLeg,
    Resume,
)
from confserver.focus.forward_plan import check, plan_of
from confserver.focus.legs import Place, Reached
from confserver.focus.scene import OPENING_S, Scene
from rooms import events as tell
from rooms.commands import Command, NoteForwardFailed, NoteForwardTroubled, StartForward
from rooms.participant import SYSTEM

CALM = 2
"""Reports without a refusal after which all is well again."""
REFUSED = "nothing is taken there: its host refuses what is sent (ICMP)"


@dataclass(slots=True, eq=False)
class Sending:
    """One of them. ``number``: as the rooms know it."""

    leg: LegId
    room: str
    number: int
    place: Place
    plan: MediaPlan
    ssrc: int | None
    """Ours; the one that was asked for, or None, until it is open."""
    deadline: float
    """Until then it may take to open."""
    port: int = 0
    reached: Reached | None = None
    report: LegReport | None = None
    calm: int = 0
    """How many reports ago the last refusal was."""
    is_troubled: bool = False

    def opening(self) -> OpenLeg:
        resume = None
        if self.reached:
            sent = self.report.sent if self.report else 0
            resume = Resume(
                port=self.port, ssrc=self.ssrc or 0, sequence=self.reached.sequence,
                timestamp=self.reached.timestamp, at=self.reached.at, sent=sent,
            )  # fmt: skip
        is_ipv6 = self.plan.remote is not None and ":" in self.plan.remote[0]
        ssrc = None if resume else self.ssrc
        return OpenLeg(
            leg=self.leg, room=self.place.number, ipv6=is_ipv6, plan=self.plan, resume=resume, ssrc=ssrc, alone=True
        )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        report = self.report
        return {
            "port": self.port or None,
            "ssrc": self.ssrc,
            "worker": self.place.worker,
            "sent": report.sent if report else 0,
            "refused": report.refused if report else 0,
            "lost": report.lost_out if report and report.lost_out >= 0 else None,
            "rtt_ms": round(report.rtt_ms, 1) if report and report.rtt_ms >= 0 else None,
        }


class Forwarding:
    """All that is sent on."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._by_leg: dict[LegId, Sending] = {}

    def __len__(self) -> int:
        return len(self._by_leg)

    def check(self, command: Command) -> None:
        """Raises Refused for where nothing may be sent."""
        if isinstance(command, StartForward):
            check(command, self._scene.forward_terms, self._scene.surroundings.ground())

    # ------------------------------------------------------------------ what the rooms say
    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.ForwardStarted():
                self._begin(event)
            case tell.ForwardEnded():
                self._end(event)

    def _begin(self, event: tell.ForwardStarted) -> None:
        scene = self._scene
        plan = plan_of(event, scene.terms(event.room))
        sending = Sending(
            scene.number(), event.room, event.forward, scene.places[event.room], plan, event.ssrc, event.at + OPENING_S
        )
        self._by_leg[sending.leg] = sending
        scene.forwards[event.room, event.forward] = sending.leg
        scene.tell_worker(sending.place, sending.opening())

    def _end(self, event: tell.ForwardEnded) -> None:
        leg = self._scene.forwards.pop((event.room, event.forward), None)
        sending = None if leg is None else self._by_leg.pop(leg, None)
        if sending is not None:
            self._scene.tell_worker(sending.place, CloseLeg(leg=sending.leg))

    # ------------------------------------------------------------------ what workers say
    def opened(self, event: LegOpened) -> None:
        sending = self._by_leg.get(event.leg)
        if sending is not None:
            sending.port, sending.ssrc, sending.deadline = event.port, event.ssrc, math.inf
            sending.reached = Reached(event.sequence, event.timestamp, event.at)

    def failed(self, event: LegFailed, now: float) -> bool:
        """Whether it was one of these."""
        sending = self._by_leg.get(event.leg)
        if sending is not None:
            self._fail(sending, event.reason, now)
        return sending is not None

    def _fail(self, sending: Sending, reason: str, now: float) -> None:
        self._scene.try_ask(NoteForwardFailed(sending.room, sending.number, reason), SYSTEM, now)

    def reported(self, report: LegReport, at: float, now: float) -> None:
        sending = self._by_leg.get(report.leg)
        if sending is None:
            return
        before, sending.report = sending.report, report
        sending.reached = Reached(report.sequence, report.timestamp, at)
        known = before.refused if before and before.refused <= report.refused else 0  # an heir counts anew
        is_refused = report.refused > known
        sending.calm = 0 if is_refused else sending.calm + 1
        if is_refused or (sending.is_troubled and sending.calm >= CALM):
            sending.is_troubled = is_refused
            trouble = REFUSED if is_refused else ""
            self._scene.try_ask(NoteForwardTroubled(sending.room, sending.number, trouble), SYSTEM, now)

    def worker_lost(self, worker: int) -> None:
        """What was being opened there waits for the heir."""
        for sending in self._at(worker):
            sending.deadline = math.inf

    def worker_stands(self, worker: int) -> None:
        """The heir goes on where its forebear has left off."""
        for sending in self._at(worker):
            if not sending.place.is_lost:
                self._scene.tell_worker(sending.place, sending.opening())

    def _at(self, worker: int) -> list[Sending]:
        return [each for each in self._by_leg.values() if each.place.worker == worker]

    # ------------------------------------------------------------------ time, and looking in
    def next_deadline(self) -> float | None:
        return min((each.deadline for each in self._by_leg.values() if each.deadline < math.inf), default=None)

    def fire(self, now: float) -> None:
        for sending in [each for each in self._by_leg.values() if each.deadline <= now]:
            self._fail(sending, "no word from the media worker", now)

    def add_media(self, room: dict[str, Any]) -> None:
        """To a room's description, how it goes."""
        for each in room["forwards"]:
            leg = self._scene.forwards.get((room["name"], each["forward"]))
            each["media"] = self._by_leg[leg].describe() if leg in self._by_leg else None
