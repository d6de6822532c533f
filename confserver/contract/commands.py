"""From the signalling process to a worker."""

from __future__ import annotations

import msgspec

from confserver.contract.plan import (
    Address,
    LegId,
    MediaPlan,
    PlayId,
    RecordId,
    Resume,
    RoomId,
    RoomSound,
    Sound,
    TakeId,
)


class ToWorker(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    pass


class Serve(ToWorker, frozen=True):
    """To a spare: take a post. Said once, before everything else; other workers have theirs from the start."""

    first_port: int
    last_port: int
    cname: str


class OpenRoom(ToWorker, frozen=True):
    room: RoomId
    sound: RoomSound = RoomSound()


class SetRoom(ToWorker, frozen=True):
    """Another sound for a room that is open."""

    room: RoomId
    sound: RoomSound


class CloseRoom(ToWorker, frozen=True):
    room: RoomId


class OpenLeg(ToWorker, frozen=True):
    """Take a port for a leg; answered by LegOpened or LegFailed.

    ``plan`` is None while no SDP of the peer is known (dial-out): the leg then holds its port alone.
    ``resume``: it has been open before, at a worker that is lost. ``ssrc``: which one is ours; None: a random one.
    ``alone``: the plan's addresses are all that it speaks with, and its port is nobody else's; what comes from others
    is not even received, and what the other's host refuses (ICMP) is counted.
    """

    leg: LegId
    room: RoomId
    ipv6: bool = False
    plan: MediaPlan | None = None
    resume: Resume | None = None
    ssrc: int | None = None
    alone: bool = False


class SetLeg(ToWorker, frozen=True):
    leg: LegId
    plan: MediaPlan


class CloseLeg(ToWorker, frozen=True):
    leg: LegId


class MoveLeg(ToWorker, frozen=True):
    """Sit a leg down in another room of the same worker; all else of it stays. Said before that room's SetHearing."""

    leg: LegId
    room: RoomId


class ChangePort(ToWorker, frozen=True):
    """Have a leg come and go by another port, where ``remote`` is nobody else's. Answered by PortChanged."""

    leg: LegId
    ipv6: bool
    remote: Address


class MixSources(msgspec.Struct, frozen=True, array_like=True):
    """The sources of one mix with their gains."""

    legs: list[LegId]
    gains: list[float]


class SetHearing(ToWorker, frozen=True):
    """All mixes of a room in one batch. ``listeners``: (leg, index of its mix). ``exceptions``: (leg, source, gain)."""

    room: RoomId
    mixes: list[MixSources]
    listeners: list[tuple[LegId, int]]
    exceptions: list[tuple[LegId, LegId, float]] = []
    private: list[LegId] = []
    """Those who speak to some alone: they are not recorded, and do not have the word."""
    waiting: list[LegId] = []
    """Those who wait and are recorded all the same, each by himself: nobody hears them."""
    silent: int | None = None
    """The mix of those who hear nothing, not even what plays to everybody; only what plays to them alone."""
    guests: list[LegId] = []
    """Sources that sit in other rooms of the same worker."""
    bare: list[int] = []
    """The mixes that hold voices and nothing else, as loud as they are: nothing that plays."""


class SetGain(ToWorker, frozen=True):
    """How loud a leg is to the others, and the others to it: 1.0 = as they are; and where it is heard.

    ``pan``: from -1, left, to 1, right; None: where its room places it.
    """

    leg: LegId
    incoming: float = 1.0
    outgoing: float = 1.0
    pan: float | None = None


class SendDigits(ToWorker, frozen=True):
    """Press keys towards the participant: as events (RFC 4733) where agreed, else as tones. Answered by DigitsSent."""

    leg: LegId
    digits: str
    duration_ms: int = 100
    gap_ms: int = 60


class Play(ToWorker, frozen=True):
    """Play something to one leg, or to a whole room where ``leg`` is None. Answered by PlayEnded when it is over."""

    play: PlayId
    room: RoomId
    leg: LegId | None = None
    sounds: list[list[Sound]] = []
    """One after another; each at all the rates at which it lies ready."""
    tones: str = ""
    """Instead of sounds; ``engine.tones`` says how they are written."""
    volume_db: float = 0.0
    duck_db: float = 0.0
    """By so much what else is to be heard grows softer meanwhile."""
    loop: bool = False
    start_s: float = 0.0
    interruptible: bool = False
    """A key of the leg (of anybody, in a room) ends it."""


class SetPlay(ToWorker, frozen=True):
    """Change what plays; None: leave it."""

    play: PlayId
    paused: bool | None = None
    volume_db: float | None = None
    position_s: float | None = None


class StopPlay(ToWorker, frozen=True):
    play: PlayId


class Record(ToWorker, frozen=True):
    """Hand a room's sound over to the scribe, who listens at ``socket``: the mix, and each participant by himself."""

    record: RecordId
    room: RoomId
    socket: str
    tracks: bool = True
    """Not the mix alone."""


class PauseRecord(ToWorker, frozen=True):
    record: RecordId
    paused: bool


class StopRecord(ToWorker, frozen=True):
    record: RecordId


class TakeSound(ToWorker, frozen=True):
    """Take what a leg says from now on, for itself: its room hears no more or less of it. Answered by SoundTaken.

    It ends after ``most_s`` (10 at most), or after ``quiet_s`` without a sound once something has been said.
    """

    take: TakeId
    leg: LegId
    most_s: float
    quiet_s: float


class StopTake(ToWorker, frozen=True):
    """By a key: what was pressed is not in it."""

    take: TakeId


class Describe(ToWorker, frozen=True):
    """Ask for Described: all counts of the worker (legs, ports, rooms, ticks)."""

    token: int


class Capture(ToWorker, frozen=True):
    """Ask for Captured: the RTP headers of a leg's last minute, also soon after its end."""

    token: int
    leg: LegId


class WatchRooms(ToWorker, frozen=True):
    """Tell twice a second of the legs in these rooms (``WatchedReports``), and of no others; none: no more of it."""

    rooms: list[RoomId]


class Ping(ToWorker, frozen=True):
    token: int


class Stop(ToWorker, frozen=True):
    """End: RTCP BYE on every leg, then exit."""


MediaCommand = (
    Serve | OpenRoom | SetRoom | CloseRoom | OpenLeg | SetLeg | MoveLeg | ChangePort | CloseLeg | SetHearing | SetGain
    | SendDigits | Play | SetPlay | StopPlay | Record | PauseRecord | StopRecord | TakeSound | StopTake
    | Describe | Capture | WatchRooms | Ping | Stop
)  # fmt: skip
