"""From a worker to the signalling process."""

from __future__ import annotations

import msgspec

from confserver.contract.plan import Address, LegId, PlayId, RecordId, RoomId, TakeId


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


class PortChanged(FromWorker, frozen=True):
    """The leg's port from now on; 0: there is no other, and it has the one that it had."""

    leg: LegId
    port: int


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


class DominantChanged(FromWorker, frozen=True):
    """Who has the word in a room; None: nobody."""

    room: RoomId
    leg: LegId | None


class NoiseDetected(FromWorker, frozen=True):
    """A leg pours something into its room that is no speech. ``kind``: noise, music or tone."""

    leg: LegId
    kind: str


class NoiseEnded(FromWorker, frozen=True):
    leg: LegId


class DigitsSent(FromWorker, frozen=True):
    leg: LegId


class PlayEnded(FromWorker, frozen=True):
    """``cause``: finished, stopped, interrupted (by ``digit``), or failed (for a ``reason``)."""

    play: PlayId
    cause: str
    position_s: float = 0.0
    digit: str = ""
    reason: str = ""


class RecordStarted(FromWorker, frozen=True):
    """``at``: the tick of the first frame."""

    record: RecordId
    at: float


class RecordEnded(FromWorker, frozen=True):
    """``ticks``: how long it lasted."""

    record: RecordId
    ticks: int


class RecordFailed(FromWorker, frozen=True):
    record: RecordId
    reason: str


class SoundTaken(FromWorker, frozen=True):
    """What a leg has said: samples of 16 bits in this machine's order, one channel; empty where it has said nothing.

    ``cause``: quiet, limit, stopped, closed (the leg has gone), or busy (too many are taken at once).
    """

    take: TakeId
    cause: str
    rate_hz: int = 16000
    samples: bytes = b""


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
    skew_ppm: float = 0.0
    """By how much the participant's clock goes faster than ours."""
    mos_in: float = 0.0
    """Estimate of the quality of what comes from it, by the E-model (ITU-T G.107); 0: unknown."""
    mos_out: float = 0.0
    """The same of what it gets of us, by its reports."""
    lost_out: int = -1
    """Packets of ours that it has missed, by its reports; -1: unknown."""
    jitter_out_ms: float = -1.0
    level_db: float = -127.0
    """Mean level of its speech, full scale 0; ``noise_db``: of its pauses."""
    noise_db: float = -127.0
    refused: int = 0
    """Packets that the kernel has not sent, or that the other's host has refused (ICMP; of legs that are alone)."""


class LegReports(FromWorker, frozen=True):
    reports: list[LegReport]
    load: float
    """Share of the tick's 20 ms that was used, mean since the last report."""
    at: float = 0.0
    """When this was so."""


class WatchedReports(FromWorker, frozen=True):
    """Of legs in rooms that are watched. ``levels_db``: what comes from each just now, below overload (-3: a full-scale
    sine), -126 for nothing; it goes up at once and falls slowly."""

    reports: list[LegReport]
    levels_db: list[float]
    at: float


class LegClosed(FromWorker, frozen=True):
    leg: LegId
    report: LegReport


class Overloaded(FromWorker, frozen=True):
    load: float


class Described(FromWorker, frozen=True):
    token: int
    counts: dict[str, float]


class Captured(FromWorker, frozen=True):
    """``packets``: records of 23 bytes, in order of time: epoch seconds (double), 1 where it was sent by us (1 byte),
    length of the whole packet (2), its RTP header (12); little-endian but for the header. Empty: nothing is known."""

    token: int
    packets: bytes


class Pong(FromWorker, frozen=True):
    token: int


MediaEvent = (
    EngineReady | LegOpened | LegFailed | LegLatched | PortChanged | FirstPacket | LegSilent | DigitPressed | DigitsSent
    | SpeakingChanged | DominantChanged | NoiseDetected | NoiseEnded | PlayEnded
    | RecordStarted | RecordEnded | RecordFailed | SoundTaken | LegReports | WatchedReports | LegClosed
    | Overloaded | Described | Captured | Pong
)  # fmt: skip
