"""What a leg, a room and a sound are to a worker: the data that commands and events carry."""

from __future__ import annotations

import msgspec

Address = tuple[str, int]
LegId = int
RoomId = int
PlayId = int
RecordId = int
TakeId = int


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


class OpusTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How Opus goes to one participant and comes from it (RFC 7587 section 6.1). Rates are 8000, 16000 or 48000."""

    in_hz: int = 16000
    """Rate at which it is decoded."""
    out_hz: int = 16000
    """Rate at which it is encoded: ours, or lower where the participant's maxplaybackrate is."""
    bitrate: int = 24000
    """Bit/s at most; maxaveragebitrate has been obeyed."""
    fec_bitrate: int = 40000
    """The same while FEC is sent. It comes on top: taken from the sound it would cost more than it saves (measured)."""
    fec: bool = False
    """The participant can use in-band FEC."""
    dtx: bool = False
    """The participant wants nothing sent while there is nothing to hear."""
    cbr: bool = False
    stereo: bool = False
    """The participant would rather hear two channels."""


class MediaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What offer/answer has settled for one leg; a re-INVITE makes a new one.

    ``remote`` is where SDP says media shall go (None: nowhere yet). ``symmetric``: also take a first packet
    from elsewhere (a phone behind a NAT, a private address, a proxy in between); such a leg holds its port
    alone until its source is known. ``send_first``: media may leave before the first valid packet came.
    ``ptime_ms`` is how much sound each of our packets holds: 10 to 60, a multiple of 10, what the outgoing format can.
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
    opus: OpusTerms = OpusTerms()
    """Means nothing to other formats."""
    outgoing_event: int | None = None
    """Payload type for telephone-event that we send, by the clock of the outgoing format; None: it takes none."""
    level_id: int = 0
    """Header extension in which the participant says how loud it is (RFC 6464); 0: it does not."""
    mix_levels_id: int = 0
    """Header extension in which we say who is how loud in the mix (RFC 6465); 0: it is not wanted."""
    reduced_rtcp: bool = False
    """RTCP may be other than compound (RFC 5506)."""
    xr: bool = False
    """The participant wants VoIP metrics (RFC 3611 section 4.7)."""


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


class RoomSound(msgspec.Struct, frozen=True, kw_only=True):
    """How a room sounds."""

    talkers: int = 8
    """At most so many are heard at once."""
    rate_hz: int = 0
    """8000, 16000 or 48000; 0: the highest rate that at least two members can use."""
    max_rate_hz: int = 48000
    """Where ``rate_hz`` is 0: not above this."""
    stereo: bool = False
    """Participants are placed from left to right for those who hear two channels."""
    levelling: bool = False
    """Soft and loud voices come nearer to each other."""
    denoise: bool = False
    """Noise is taken out of voices, where the extra for it is installed."""
    comfort_noise: bool = True
    """A faint noise while nobody talks, so that the line does not seem dead."""
    guard: bool = True
    """Say who pours noise or music into the room."""


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """Samples that lie ready in a file in memory, the scribe's work: int16 in this machine's order, interleaved."""

    path: str
    rate_hz: int
    channels: int
    frames: int
