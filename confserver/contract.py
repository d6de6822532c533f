"""What the signalling process and the media workers say to each other: plain data, nothing else.

Messages are msgspec structs with a tag, packed as msgpack, each with a four-byte big-endian length
before it. ``VERSION`` is the first thing a worker says; a worker of another version is not used.

Legs and rooms are numbered by the signalling process and never reused. Addresses are ``(host, port)``
with host an IP address in text. Times are epoch seconds (DESIGN: one offset for all processes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

VERSION = 2
Address = tuple[str, int]
LegId = int
RoomId = int

MOST_BYTES = 16 * 1024 * 1024


class Incoming(msgspec.Struct, frozen=True, array_like=True):
    """A payload type the participant may send, and what it means (a name of ``formats``)."""

    payload_type: int
    format: str


class SrtpKey(msgspec.Struct, frozen=True, array_like=True):
    """A suite by its name in SDP (RFC 4568, RFC 7714) and the master key with its salt, which no repr shows."""

    suite: str
    key: bytes

    def __repr__(self) -> str:
        return f"SrtpKey({self.suite!r})"


class MediaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What offer/answer has settled for one leg; a re-INVITE makes a new one.

    ``remote`` is where SDP says media shall go (None: nowhere yet). ``symmetric``: also take a first packet
    from elsewhere (a phone behind a NAT, a private address, a proxy in between); such a leg holds its port
    alone until its source is known. ``send_first``: media may leave before the first valid packet came.
    ``ptime_ms`` is what the peer would like to get, a recommendation (RFC 8866 section 6.4): we send 20 ms.
    """

    remote: Address | None
    remote_rtcp: Address | None = None
    signalling_host: str = ""
    symmetric: bool = False
    send_first: bool = True
    rtcp_mux: bool = False
    incoming: list[Incoming]
    outgoing_payload_type: int
    outgoing_format: str
    ptime_ms: int = 20
    receives: bool = True
    """The participant may send to us."""
    sends: bool = True
    """We send to the participant."""
    incoming_key: SrtpKey | None = None
    """With which the participant protects what it sends; both keys or none."""
    outgoing_key: SrtpKey | None = None


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """Where a leg goes on whose worker is lost: nothing that its phone sees shall change.

    ``sequence`` and ``timestamp`` were the next ones at the time ``at``; the counts are those of the last report.
    """

    port: int
    ssrc: int
    sequence: int
    timestamp: int
    at: float
    latched: Address | None = None
    """Where its media came from."""
    sent: int = 0
    received: int = 0
    lost: int = 0


# ------------------------------------------------------------------ to a worker
class ToWorker(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    pass


class Serve(ToWorker, frozen=True):
    """To a spare: take a post. Said once, before everything else; other workers have theirs from the start."""

    first_port: int
    last_port: int
    cname: str


class OpenRoom(ToWorker, frozen=True):
    room: RoomId
    talkers: int = 8
    """At most so many are heard at once."""


class CloseRoom(ToWorker, frozen=True):
    room: RoomId


class OpenLeg(ToWorker, frozen=True):
    """Take a port for a leg; answered by LegOpened or LegFailed.

    ``plan`` is None while no SDP of the peer is known (dial-out): the leg then holds its port alone.
    ``resume``: it has been open before, at a worker that is lost.
    """

    leg: LegId
    room: RoomId
    ipv6: bool = False
    plan: MediaPlan | None = None
    resume: Resume | None = None


class SetLeg(ToWorker, frozen=True):
    leg: LegId
    plan: MediaPlan


class CloseLeg(ToWorker, frozen=True):
    leg: LegId


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


class Describe(ToWorker, frozen=True):
    """Ask for Described: all counts of the worker (legs, ports, rooms, ticks)."""

    token: int


class Ping(ToWorker, frozen=True):
    token: int


class Stop(ToWorker, frozen=True):
    """End: RTCP BYE on every leg, then exit."""


# ------------------------------------------------------------------ from a worker
class FromWorker(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    pass


class EngineReady(FromWorker, frozen=True):
    """It stands: a worker serves, a spare waits for its post."""

    version: int
    pid: int


class LegOpened(FromWorker, frozen=True):
    """``sequence`` and ``timestamp`` are the leg's next ones at the time ``at``."""

    leg: LegId
    port: int
    ssrc: int
    sequence: int = 0
    timestamp: int = 0
    at: float = 0.0


class LegFailed(FromWorker, frozen=True):
    leg: LegId
    reason: str


class LegLatched(FromWorker, frozen=True):
    """Media of the leg comes from here; it is also where media goes."""

    leg: LegId
    remote: Address


class FirstPacket(FromWorker, frozen=True):
    leg: LegId


class LegSilent(FromWorker, frozen=True):
    """Neither RTP nor RTCP came for so long, though the peer may send. Said again after each further period."""

    leg: LegId
    seconds: float


class DigitPressed(FromWorker, frozen=True):
    leg: LegId
    digit: str
    duration_ms: int


class SpeakingChanged(FromWorker, frozen=True):
    leg: LegId
    speaking: bool


class LegReport(msgspec.Struct, frozen=True, array_like=True):
    """Counts since the leg opened; jitter and delay now; ``rtt_ms`` < 0 is unknown."""

    leg: LegId
    received: int
    sent: int
    lost: int
    late: int
    concealed: int
    discarded: int
    jitter_ms: float
    playout_ms: float
    rtt_ms: float
    ssrc: int
    sequence: int
    timestamp: int


class LegReports(FromWorker, frozen=True):
    reports: list[LegReport]
    load: float
    """Share of the tick's 20 ms that was used, mean since the last report."""
    at: float = 0.0
    """When this was so."""


class LegClosed(FromWorker, frozen=True):
    leg: LegId
    report: LegReport


class Overloaded(FromWorker, frozen=True):
    load: float


class Described(FromWorker, frozen=True):
    token: int
    counts: dict[str, float]


class Pong(FromWorker, frozen=True):
    token: int


MediaCommand = Serve | OpenRoom | CloseRoom | OpenLeg | SetLeg | CloseLeg | SetHearing | Describe | Ping | Stop
MediaEvent = (
    EngineReady | LegOpened | LegFailed | LegLatched | FirstPacket | LegSilent | DigitPressed | SpeakingChanged
    | LegReports | LegClosed | Overloaded | Described | Pong
)  # fmt: skip

_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(MediaCommand)
_events = msgspec.msgpack.Decoder(MediaEvent)
_LENGTH = struct.Struct("!I")


def packed(message: ToWorker | FromWorker) -> bytes:
    """Write a message as it goes over the channel."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts a channel's byte stream into messages.

    Raises msgspec.DecodeError (or ValueError for an absurd length) on anything else: the channel is then useless.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[MediaCommand] | msgspec.msgpack.Decoder[MediaEvent]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[MediaCommand | MediaEvent]:
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MOST_BYTES:
                raise ValueError(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            try:
                yield self._decoder.decode(body)
            except RecursionError as nested:
                raise ValueError("a message nested without end") from nested


def command_unpacker() -> Unpacker:
    return Unpacker(_commands)


def event_unpacker() -> Unpacker:
    return Unpacker(_events)
