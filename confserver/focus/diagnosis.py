"""What the workers' reports say of each participant's sound goes to ``quality``, and what that finds to the rooms."""

from __future__ import annotations

from confserver.contract import LegReport
from confserver.focus.legs import Leg, Stage
from confserver.focus.quality import Ward
from confserver.focus.scene import Scene
from confserver.focus.troubles import Sample
from confserver.sdp.direction import Direction
from rooms import events as tell
from rooms.commands import NoteQuality
from rooms.errors import NotFound
from rooms.participant import SYSTEM, Participant


class Diagnosis:
    """Looks after all who are present."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ward = Ward()

    def __len__(self) -> int:
        return len(self._ward)

    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.ParticipantArrived() | tell.ParticipantReplaced():
                self._ward.admit(event.participant, event.name)
            case tell.ParticipantLeft():
                self._ward.discharge(event.participant)

    def reported(self, leg: Leg, report: LegReport, at: float, now: float) -> None:
        person = self._person(leg)
        if person is None:
            return
        for change in self._ward.take(leg.participant, sample_of(leg, report, person, at or now)):
            found = change.finding
            note = NoteQuality(
                leg.room, leg.participant, found.kind, change.is_wrong, found.way, found.side, found.text,
                found.advice, found.since,
            )  # fmt: skip
            self._scene.try_ask(note, SYSTEM, now)

    def _person(self, leg: Leg) -> Participant | None:
        if leg.stage is not Stage.PRESENT:
            return None
        try:
            return self._scene.rooms.get(leg.room).places.get(leg.participant)
        except NotFound:
            return None


def sample_of(leg: Leg, report: LegReport, person: Participant, at: float) -> Sample:
    agreed = leg.agreed
    is_quiet = person.held or leg.allow is not Direction.SENDRECV or not (agreed and agreed.receives)
    return Sample(
        at=at,
        received=report.received,
        lost=report.lost,
        late=report.late,
        sent=report.sent,
        lost_out=report.lost_out,
        jitter_ms=report.jitter_ms,
        jitter_out_ms=report.jitter_out_ms,
        rtt_ms=report.rtt_ms,
        playout_ms=report.playout_ms,
        skew_ppm=report.skew_ppm,
        level_db=report.level_db,
        noise_db=report.noise_db,
        codec=agreed.outgoing[1].name if agreed else "",
        sends=not is_quiet,
        hears=bool(agreed and agreed.sends) and not person.held,
        talks_muted=person.voice and bool(person.muted) and not person.held,
    )
