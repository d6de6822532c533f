"""The door of the focus: whatever happens comes in here, and what is to be done comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from confserver.contract import (
    DigitPressed,
    DigitsSent,
    DominantChanged,
    FirstPacket,
    FromScribe,
    FromWorker,
    LegClosed,
    LegFailed,
    LegLatched,
    LegOpened,
    LegReports,
    LegSilent,
    NameKept,
    NameLost,
    NoiseDetected,
    NoiseEnded,
    Overloaded,
    PlayEnded,
    PortChanged,
    RecordFailed,
    SoundFailed,
    SoundReady,
    SoundTaken,
    SpeakingChanged,
    WatchedReports,
)  # fmt: skip
from confserver.focus import families, succession
from confserver.focus.admission import Admission
from confserver.focus.announcer import Announcer
from confserver.focus.answers import unavailable
from confserver.focus.chat import Chat, ChatTerms
from confserver.focus.deadlines import soonest
from confserver.focus.diagnosis import Diagnosis
from confserver.focus.dialout import Dialout, DialTerms
from confserver.focus.early import by_the_rules
from confserver.focus.fencing import Fencing
from confserver.focus.forwarding import Forwarding
from confserver.focus.greeting import Greeting
from confserver.focus.holding import Holding
from confserver.focus.inquiries import Inquiries
from confserver.focus.keying import Keying
from confserver.focus.keys import Keys
from confserver.focus.languages import Languages
from confserver.focus.legs import Leg, Reached, Stage
from confserver.focus.levels import Levels
from confserver.focus.listing import Listing
from confserver.focus.loudness import Loudness
from confserver.focus.measuring import Measuring, media_of
from confserver.focus.moving import Moving
from confserver.focus.naming import Naming
from confserver.focus.noting import Noting
from confserver.focus.outputs import Output
from confserver.focus.playing import Playing
from confserver.focus.quieting import Quieting
from confserver.focus.recordings import Recordings
from confserver.focus.recovery import Recovery
from confserver.focus.reoffers import Reoffers
from confserver.focus.repertoire import SILENT, Repertoire
from confserver.focus.requests import Requests
from confserver.focus.scene import Scene
from confserver.focus.sessions import Sessions
from confserver.focus.solitude import Solitude
from confserver.focus.succession import heir_of
from confserver.focus.transfers import Transfers
from confserver.focus.trunking import Trunking
from confserver.focus.verdict import Decide
from confserver.focus.watching import Watchers, Watching
from confserver.sip import outputs as sip
from rooms.commands import Command, Leave, Release
from rooms.participant import SYSTEM, Actor, ParticipantId
from rooms.policy import RoomPolicy
from rooms.profiles import Profile
from rooms.records.figures import Figures
from rooms.records.ledger import EVERYBODY, Share

Heard = sip.Output | FromWorker


class Focus:
    """Calls become participants, and stay in step with them. All methods return what is to be done."""

    def __init__(
        self,
        scene: Scene,
        repertoire: Repertoire = SILENT,
        with_tracks: bool = True,
        quiets_muted: bool = False,
        dialling: DialTerms | None = None,
        texting: ChatTerms | None = None,
        decide: Decide | None = None,
        watchers: Watchers = "inside",
        record_days: float = 0.0,
    ) -> None:
        """``with_tracks``: recordings may have a file for each participant. ``quiets_muted``: see ``quieting``.

        Without ``dialling`` nobody is called. ``decide`` says whether who calls is answered at once, instead of the
        rooms' rules. ``watchers``: who may subscribe to a room. ``record_days``: how long recordings are kept.
        """
        self._scene = scene
        self.languages = Languages(scene, repertoire)
        self._playing = Playing(scene, self.languages)
        self._recordings = Recordings(scene, with_tracks, record_days)
        self._loudness, self._holding = Loudness(scene), Holding(scene, self._playing)
        self._measuring, self._diagnosis = Measuring(scene), Diagnosis(scene)
        self._forwarding = Forwarding(scene)
        parts = (
            self._playing, self._recordings, self._loudness, self._holding, self._measuring, self._diagnosis,
            self._forwarding,
        )  # fmt: skip
        self.levels, self._noting = Levels(scene), Noting(scene)
        scene.followers += [part.follow for part in parts]
        self._announcer = Announcer(scene, self._playing)
        self._admission = Admission(scene, decide or by_the_rules(scene))
        greeting = Greeting(scene, self._announcer, repertoire.announce)
        solitude = Solitude(scene, self._announcer, self.languages)
        self._naming = Naming(scene, self._announcer, repertoire.names)
        scene.followers += [self._announcer.follow, solitude.follow, greeting.follow, self._naming.follow]
        scene.followers.append(self._admission.follow)
        self._dialout = Dialout(scene, self._admission, dialling or DialTerms())
        scene.followers += [self._dialout.follow, Listing(scene, self._dialout.check).follow]
        checks = (lambda what, *_: self._playing.check(what), self._dialout.check)
        scene.followers.append(Keying(scene, *checks, lambda what, *_: families.check(scene, what)).follow)
        self._sessions = Sessions(scene, self._admission)
        self._requests = Requests(scene)
        self._keys = Keys(scene, self._requests)
        self._transfers = Transfers(scene, self._requests, self._admission, self._dialout, self._dialout.terms.who)
        self._chat = Chat(scene, self._requests, self._admission, texting or ChatTerms())
        self._watching = Watching(scene, self._requests, self._admission, watchers)
        self._inquiries = Inquiries(scene, self._requests, self._admission, self._watching)
        self._trunks = Trunking(scene, self._requests, self._dialout.terms.trunks)
        self._reoffers = Reoffers(scene, self._admission, self._sessions.settle)
        self._recovery, self._moving = Recovery(scene, self._reoffers), Moving(scene, self._reoffers)
        self._recovery.openers.append(self._forwarding.worker_stands)
        scene.followers.insert(0, self._moving.follow)
        self._clocks = (
            self._recovery, self._recordings, self._forwarding, self._announcer, self._naming, self._dialout,
            self._transfers, self._trunks, self._sessions.ports,
        )  # fmt: skip
        if quiets_muted:
            scene.followers.append(Quieting(scene, self._reoffers).follow)

    # ------------------------------------------------------------------ calls
    def hear_call(self, event: sip.Output, now: float) -> list[Output]:
        """Take what the stack says of calls."""
        match event:
            case sip.CallArrived():
                self._admission.arrived(event, now)
            case sip.CallAcknowledged():
                self._admission.acknowledged(event, now)
            case sip.EarlyAnswered():
                self._admission.answered_early(event)
            case sip.OfferArrived():
                self._sessions.offered(event, now)
            case sip.OfferAcknowledged():
                self._sessions.acknowledged(event, now)
            case sip.OfferAnswered() if event.call in self._reoffers:
                self._reoffers.answered(event, now)
            case sip.OfferAnswered():
                self._sessions.refreshed(event, now)
            case sip.CallRinging():
                self._dialout.ringing(event, now)
            case sip.CallAccepted():
                self._dialout.accepted(event, now)
            case sip.RequestArrived():
                self._requests.arrived(event, now)
            case sip.RequestInCall():
                self._requests.arrived_in_call(event, now)
            case sip.SubscriptionEnded():
                self._requests.ended(event, now)
            case sip.RequestAnswered():
                self._requests.answered(event, now)
            case sip.ProbeAnswered(call=call):
                self._noting.probed(call)
            case sip.CallEnded():
                self._ended(event, now)
        return self._scene.taken()

    def called(self, leg: int, call: sip.CallId) -> None:
        """The answer to Call: its number."""
        self._dialout.called(leg, call)

    def sent(self, key: int, number: int) -> None:
        """The answer to Ask and Send: the request's number."""
        self._requests.sent(key, number)

    def _ended(self, event: sip.CallEnded, now: float) -> None:
        """The last word of a call: its place is given back, its leg closed."""
        leg = self._scene.legs.by_call.get(event.call)
        if leg is None or (not heir_of(self._scene, leg) and self._dialout.ended(event, now)):
            return
        is_inherited = succession.ended(self._scene, leg, self._dialout.forget)
        self._scene.forget(leg)
        if is_inherited:
            return
        if not self._scene.try_ask(Release(leg.room, leg.participant), SYSTEM, now):
            self._scene.try_ask(Leave(leg.room, leg.participant, event.cause), SYSTEM, now)

    # ------------------------------------------------------------------ workers
    def hear_worker(self, worker: int, event: FromWorker, now: float) -> list[Output]:
        """Take what a media worker says."""
        legs = self._scene.legs.by_id
        match event:
            case LegOpened():
                self._admission.opened(event, now)
                self._moving.opened(event)
                self._dialout.opened(event)
                self._forwarding.opened(event)
            case LegFailed() if not self._moving.failed(event, now) and not self._forwarding.failed(event, now):
                self._admission.failed(event)
            case LegLatched(leg=number, remote=remote) if number in legs:
                legs[number].remote = remote
                self._announcer.heard(legs[number], now)
            case PortChanged():
                self._sessions.ports.changed(event, now)
            case FirstPacket(leg=number) if number in legs:
                self._admission.arrive(legs[number], now)
                self._announcer.heard(legs[number], now)
            case SpeakingChanged() | NoiseDetected() | NoiseEnded() | DominantChanged() | LegSilent():
                self._noting.heard(event, now)
            case DigitPressed(leg=number, digit=digit, duration_ms=ms) if number in legs:
                self._keys.pressed(legs[number], digit, ms, now)
            case LegReports(reports=reports, at=at, load=load):
                for report in reports:
                    self._forwarding.reported(report, at, now)
                    if report.leg in legs:
                        legs[report.leg].report = report
                        legs[report.leg].reached = Reached(report.sequence, report.timestamp, at)
                        self._measuring.reported(legs[report.leg], report)
                        self._diagnosis.reported(legs[report.leg], report, at, now)
                self._scene.note_load(worker, load)
            case WatchedReports():
                self.levels.heard(event)
            case PlayEnded():
                self._playing.ended(event, now)
            case SoundTaken():
                self._naming.taken(event, now)
            case RecordFailed():
                self._recordings.worker_failed(event, now)
            case Overloaded():
                self._scene.overloaded.add(worker)
            case LegClosed(leg=number, report=report):
                self._measuring.closed(number, report, now)
            case DigitsSent():
                pass
        return self._scene.taken()

    def worker_ready(self, worker: int) -> list[Output]:
        """A worker stands, maybe in the place of one that was lost: then its rooms and legs go on there."""
        self._recovery.stands(worker)
        for part in (self._loudness, self._recordings, self._holding, self._announcer):
            part.worker_ready(worker)
        return self._scene.taken()

    def worker_lost(self, worker: int, now: float) -> list[Output]:
        """A worker has died: its rooms and legs wait for its heir."""
        self.levels.worker_lost(worker)
        self._recovery.lost(worker, now)
        self._forwarding.worker_lost(worker)
        self._moving.worker_lost(worker, now)
        self._playing.worker_lost(worker, now)
        self._naming.worker_lost(worker, now)
        self._recordings.worker_lost(worker, now)
        return self._scene.taken()

    # ------------------------------------------------------------------ the scribe
    def hear_scribe(self, event: FromScribe, now: float) -> list[Output]:
        """Take what the scribe says."""
        match event:
            case SoundReady() | SoundFailed():
                self._playing.converted(event, now)
            case NameKept() | NameLost():
                self._naming.kept(event, now)
            case _:
                self._recordings.hear_scribe(event, now)
        return self._scene.taken()

    def scribe_lost(self, now: float) -> list[Output]:
        """The scribe has died, and with it all that it had in hand; another is started."""
        self._playing.scribe_lost(now)
        self._naming.scribe_lost(now)
        self._recordings.scribe_lost(now)
        return self._scene.taken()

    # ------------------------------------------------------------------ administration
    def taken(self) -> list[Output]:
        """What has been said since: a refused command may have had an event say why."""
        return self._scene.taken()

    def command(self, command: Command, by: Actor, now: float) -> list[Output]:
        """Carry out a command from outside. Raises Refused; nothing has changed then."""
        self._playing.check(command)
        self._recordings.check(command)
        self._dialout.check(command, by, now)
        self._transfers.check(command)
        families.check(self._scene, command)
        self._forwarding.check(command)
        self._scene.ask(command, by, now)
        return self._scene.taken()

    def use_profiles(self, policy: RoomPolicy, profiles: Sequence[Profile], now: float) -> list[Output]:
        """Other profiles, for all rooms. Raises Refused; nothing has changed then."""
        self._scene.obey(self._scene.rooms.use_profiles(policy, profiles, now))
        return self._scene.taken()

    def close(self) -> list[Output]:
        """The server stops: everybody is hung up on, and nobody is let in any more."""
        self._scene.is_closing = True
        self._watching.close()
        self._trunks.close()
        for leg in list(self._scene.legs.by_id.values()):
            self._scene.hang_up(leg, "the server is stopping", unavailable("the server is stopping"))
        return self._scene.taken()

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        leg = self._scene.legs.next_opening()
        return soonest(
            leg.deadline if leg else None,
            self._scene.rooms.next_deadline(),
            *(part.next_deadline() for part in self._clocks),
        )

    def fire(self, now: float) -> list[Output]:
        """Do what is due: in the rooms, for calls whose leg no worker has opened, for lost workers without an heir."""
        self._scene.obey(self._scene.rooms.fire(now))
        for part in self._clocks:
            part.fire(now)
        while (leg := self._scene.legs.next_opening()) and leg.deadline <= now:
            self._scene.hang_up(leg, "no word from the media worker", unavailable("no word from the media worker"))
        return self._scene.taken()

    # ------------------------------------------------------------------ looking in
    @property
    def epoch(self) -> str:
        return self._scene.rooms.epoch

    def rooms(self, now: float) -> Sequence[dict[str, Any]]:
        return [self._with_media(room) for room in self._scene.rooms.list(now)]

    def room(self, name: str, now: float) -> dict[str, Any]:
        """Raises Refused (NotFound)."""
        return self._with_media(self._scene.rooms.describe(name, now))

    def _with_media(self, room: dict[str, Any]) -> dict[str, Any]:
        for person in room["participants"]:
            leg = self._scene.legs.by_participant.get(person["id"])
            person["media"] = media_of(leg) if leg else None
        self._forwarding.add_media(room)
        if room["recording"]:
            room["recording"]["name"] = self._recordings.name_of(room["name"])
        return room | self.languages.describe(room["name"])

    def call_of(self, participant: str) -> int | None:
        """The call of who is present, by id."""
        leg = self._scene.legs.by_participant.get(participant)
        return leg.call if leg else None

    def leg_of(self, call: int) -> Leg | None:
        return self._scene.legs.by_call.get(call)

    def media_of(self, call: int) -> dict[str, Any] | None:
        leg = self.leg_of(call)
        return media_of(leg) if leg else None

    def figures(self, share: Share = EVERYBODY) -> dict[tuple[str, ParticipantId], Figures]:
        """What the media of each participant have come to so far, by room and id."""
        return self._measuring.figures(share)

    def recordings(self) -> Sequence[dict[str, Any]]:
        return self._recordings.describe()

    @property
    def fencing(self) -> Fencing:
        return self._dialout.fencing

    def describe(self) -> dict[str, Any]:
        stages = [leg.stage.value for leg in self._scene.legs.by_id.values()]
        return {
            "rooms": len(self._scene.places),
            "legs": len(stages),
            "dialling": len(self._dialout),
            "trunks": self._trunks.describe(),
            "plays": len(self._playing),
            "recordings": len(self._recordings),
            "naming": len(self._naming),
            "forwards": len(self._forwarding),
            "watchers": len(self._watching),
            "stages": {stage.value: stages.count(stage.value) for stage in Stage},
        }
