"""The calls that are, or are about to be, in a room: plain data, enough to restore a leg elsewhere."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from confserver.contract import Address, LegId, LegReport, MediaPlan, RoomId
from confserver.focus.media import Caller
from confserver.focus.terms import RoomTerms
from confserver.sdp.agreement import Agreed
from confserver.sdp.description import Description
from confserver.sdp.direction import Direction
from confserver.sip.message import Request, Response
from confserver.sip.outputs import CallId
from rooms.participant import ParticipantId
from rooms.policy import RoomPolicy


class Stage(enum.Enum):
    """How far a call has come.

    ::

        OPENING --LegOpened--> WAITING (it rings; the rooms let him wait) --let in--> ANSWERED
        OPENING --LegOpened--> ANSWERED --ACK or first packet--> PRESENT --kick, end, BYE--> LEAVING
        OPENING --LegOpened--> CALLING (a call of ours) --2xx--> PRESENT
        PRESENT --removed--> PARTING (he hears so) --all is said--> LEAVING
    """

    OPENING = "opening"
    CALLING = "calling"
    WAITING = "waiting"
    ANSWERED = "answered"
    PRESENT = "present"
    PARTING = "parting"
    LEAVING = "leaving"


STAGES: dict[tuple[Stage, str], Stage] = {
    (Stage.OPENING, "leg opened"): Stage.ANSWERED,
    (Stage.OPENING, "refused"): Stage.LEAVING,
    (Stage.OPENING, "asked to wait"): Stage.WAITING,
    (Stage.WAITING, "let in"): Stage.ANSWERED,
    (Stage.WAITING, "refused"): Stage.LEAVING,
    (Stage.OPENING, "dialled"): Stage.CALLING,
    (Stage.CALLING, "acknowledged"): Stage.PRESENT,
    (Stage.CALLING, "hung up"): Stage.LEAVING,
    (Stage.ANSWERED, "acknowledged"): Stage.PRESENT,
    (Stage.ANSWERED, "hung up"): Stage.LEAVING,
    (Stage.PRESENT, "hung up"): Stage.LEAVING,
    (Stage.PRESENT, "removed"): Stage.PARTING,
    (Stage.PARTING, "hung up"): Stage.LEAVING,
}


@dataclass(slots=True, eq=False)
class Place:
    """Where a room's media live. A room whose worker is lost waits for the worker's heir, which has its number."""

    number: RoomId
    worker: int
    is_lost: bool = False
    """The worker is gone, and with it all that was there; its heir does not stand yet."""
    terms: tuple[RoomPolicy, RoomTerms] | None = None
    """What holds in the room by its policy, as it was when somebody asked last."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the stream to a phone had come at a time: its next sequence number and timestamp."""

    sequence: int
    timestamp: int
    at: float


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key that has come by one way, RTP or INFO, and may still come by the other."""

    digit: str
    way: str
    duration_ms: int
    at: float


@dataclass(slots=True, eq=False)
class Leg:
    """One call on its way through the focus."""

    id: LegId
    call: CallId
    room: str
    participant: ParticipantId
    place: Place
    caller: Caller
    local_host: str
    """The address of ours that the peer's media reaches; it stands in our SDP."""
    is_ipv6: bool
    deadline: float
    stage: Stage = Stage.OPENING
    agreed: Agreed | None = None
    named: Agreed | None = None
    """The last agreement that named an address; the old hold by c=0.0.0.0 names none."""
    offer: Description | None = None
    """What waits for an answer of ours."""
    sent: Description | None = None
    """Our last description."""
    port: int = 0
    ssrc: int = 0
    session_id: int = 0
    plan: MediaPlan | None = None
    """What the worker was told last."""
    remote: Address | None = None
    """Where its media come from, once they have come."""
    reached: Reached | None = None
    report: LegReport | None = None
    has_sent: bool = False
    """A packet has come from its phone."""
    only_rings: bool = False
    """What we play before the answer is not heard."""
    talk_from: float = 0.0
    """Until then its first packet is waited for before anything is said to it."""
    is_probed: bool = False
    is_ours: bool = False
    """We have called; until the stack has given the call a number, ``call`` is a number below zero."""
    allows: frozenset[str] | None = None
    """Methods that its phone takes, None where it does not say; ``refuses``: those that it has refused all the same."""
    refuses: frozenset[str] = frozenset()
    takes_cpim: bool = False
    """Its phone has said that it takes message/cpim."""
    takes_prack: bool = False
    """It can answer an offer of ours before we answer its call (RFC 3262)."""
    texts: list[float] = field(default_factory=list)
    """When it has sent its last messages."""
    keys: list[Pressed] = field(default_factory=list)
    refers: int = 0
    """How many REFERs of this call have subscriptions."""
    called_by: ParticipantId = ""
    """On whose wish we have called."""
    takes_over: Leg | None = None
    """The leg whose participant this one will be (RFC 3891)."""
    has_place: bool = False
    """It has inherited a participant who was there before."""
    address: str = ""
    agent: str = ""
    source: str = ""
    """Of its caller: his SIP address, what his phone calls itself, and where he calls from."""
    allow: Direction = Direction.SENDRECV
    """The most that we want of it: ``sendonly`` where a muted phone is asked to be silent."""

    def note_abilities(self, message: Request | Response) -> None:
        """What its phone's INVITE, or its answer to ours, says that it can do."""
        if "Allow" in message.headers:
            self.allows = frozenset(message.headers.get_all("Allow"))
        accepted = [value.partition(";")[0].strip().lower() for value in message.headers.get_all("Accept")]
        self.takes_cpim = "message/cpim" in accepted
        tags = (*message.headers.get_all("Supported"), *message.headers.get_all("Require"))
        self.takes_prack = "100rel" in tags

    def takes(self, method: str) -> bool:
        """As far as it is known."""
        return method not in self.refuses and (self.allows is None or method in self.allows)

    @property
    def worker(self) -> int:
        return self.place.worker

    def go(self, happening: str) -> None:
        """Take the next stage. Raises KeyError for what cannot happen now."""
        self.stage = STAGES[self.stage, happening]


def nobody(leg: LegId) -> ParticipantId:
    """For a leg that is no participant's: not yet, or not any more. Rooms know nobody of that name."""
    return f"~{leg}"


class Legs:
    """All legs, found by leg, call, participant, room and worker."""

    def __init__(self) -> None:
        self.by_id: dict[LegId, Leg] = {}
        self.by_call: dict[CallId, Leg] = {}
        self.by_participant: dict[ParticipantId, Leg] = {}
        self._by_room: dict[str, dict[LegId, Leg]] = {}
        self._by_worker: dict[int, dict[LegId, Leg]] = {}
        self._opening: dict[LegId, Leg] = {}

    def add(self, leg: Leg) -> None:
        self.by_id[leg.id] = self.by_call[leg.call] = self.by_participant[leg.participant] = leg
        self._by_room.setdefault(leg.room, {})[leg.id] = leg
        self._by_worker.setdefault(leg.worker, {})[leg.id] = leg
        self._opening[leg.id] = leg

    def succeed(self, old: Leg, new: Leg) -> None:
        """Another call is the participant's from now on; the old one is nobody's."""
        del self.by_participant[new.participant]
        old.participant, new.participant = nobody(old.id), old.participant
        self.by_participant[new.participant] = new
        self.by_participant[old.participant] = old

    def set_call(self, leg: Leg, call: CallId) -> None:
        """A call of ours has its number, or is made once more."""
        del self.by_call[leg.call]
        leg.call = call
        self.by_call[call] = leg

    def move(self, leg: Leg, room: str, place: Place, number: LegId | None = None) -> None:
        """It is in another room from now on; ``number``: by which another worker knows it."""
        was_opening = self._opening.pop(leg.id, None) is not None
        self.remove(leg)
        leg.room, leg.place, leg.id = room, place, leg.id if number is None else number
        self.add(leg)
        if not was_opening:
            del self._opening[leg.id]

    def remove(self, leg: Leg) -> None:
        del self.by_id[leg.id], self.by_call[leg.call], self.by_participant[leg.participant]
        self._by_worker[leg.worker].pop(leg.id)
        self._opening.pop(leg.id, None)
        in_room = self._by_room[leg.room]
        del in_room[leg.id]
        if not in_room:
            del self._by_room[leg.room]

    def in_room(self, room: str) -> list[Leg]:
        return list(self._by_room.get(room, {}).values())

    def at_worker(self, worker: int) -> list[Leg]:
        return list(self._by_worker.get(worker, {}).values())

    def count_at(self, worker: int) -> int:
        return len(self._by_worker.get(worker, {}))

    def next_opening(self) -> Leg | None:
        """The leg that has waited longest to be opened; all wait equally long, so its deadline is the first."""
        while self._opening:
            leg = next(iter(self._opening.values()))
            if leg.stage is Stage.OPENING:
                return leg
            del self._opening[leg.id]
        return None
