"""What a room's sound is, by its own policy and the settings: for its worker, our SDP and each leg's plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from confserver.contract import OpusTerms, RoomSound
from confserver.formats import FORMATS, L16_48, OPUS, Format, OpusParameters, opus
from confserver.sdp.agreement import Agreed
from rooms.policy import CODECS, NoiseGuard, RoomPolicy

BITRATES = (6000, 12000, 16000, 24000, 32000, 40000, 64000)
"""The classes of Opus encoders: legs share an encoder only within one."""
REDUNDANCY = 5 / 3
"""Of the bitrate without FEC, where there is FEC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTerms:
    """The settings: what holds where a room's policy says nothing."""

    codecs: tuple[str, ...] = CODECS
    talkers: int = 8
    rate_hz: int = 0
    max_rate_hz: int = 16000
    ptime_ms: int = 20
    levelling: bool = False
    denoise: bool = False
    comfort_noise: bool = True
    guard: NoiseGuard = NoiseGuard.REPORT
    opus_bitrate: int = 24000
    opus_dtx: bool = False

    def of(self, policy: RoomPolicy) -> RoomTerms:
        """The same for one room; asked several times for each call."""
        return _terms_of(self, policy)

    def worked_out(self, policy: RoomPolicy) -> RoomTerms:
        rate_hz = self.rate_hz if policy.rate_hz is None else policy.rate_hz
        bitrate = opus_class(self.opus_bitrate * (2 if policy.stereo else 1))
        ours = OpusParameters(
            maxplaybackrate=rate_hz or self.max_rate_hz,
            sprop_maxcapturerate=rate_hz or self.max_rate_hz,
            maxaveragebitrate=with_redundancy(bitrate),
            useinbandfec=True,
            usedtx=self.opus_dtx,
            stereo=policy.stereo,
            sprop_stereo=policy.stereo,
        )
        return RoomTerms(
            sound=RoomSound(
                talkers=policy.talkers or self.talkers,
                rate_hz=rate_hz,
                max_rate_hz=self.max_rate_hz,
                stereo=policy.stereo,
                levelling=self.levelling if policy.levelling is None else policy.levelling,
                denoise=self.denoise,
                comfort_noise=self.comfort_noise if policy.comfort_noise is None else policy.comfort_noise,
                guard=(policy.guard or self.guard) is not NoiseGuard.OFF,
            ),
            codecs=policy.codecs or self.codecs,
            wanted=policy.codecs,
            mutes_noise=(policy.guard or self.guard) is NoiseGuard.MUTE,
            ptime_ms=policy.ptime_ms or self.ptime_ms,
            bitrate=bitrate,
            ours=ours,
            stated={OPUS.name: opus.write(ours)},
        )


@lru_cache(256)
def _terms_of(terms: MediaTerms, policy: RoomPolicy) -> RoomTerms:
    return terms.worked_out(policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTerms:
    """What holds in one room."""

    sound: RoomSound
    codecs: tuple[str, ...]
    """Those that it takes."""
    wanted: tuple[str, ...]
    """Those that its own policy names, if any."""
    mutes_noise: bool
    """Who pours noise into it is muted."""
    ptime_ms: int
    bitrate: int
    """Of Opus without FEC, as we send it."""
    ours: OpusParameters
    """What our SDP states of Opus; ``stated``: in its words, by format."""
    stated: Mapping[str, str]

    def taken(self, agreed: Agreed | None = None) -> tuple[Format, ...]:
        """The formats that an offer is answered with. A call keeps what it has agreed on, if the room changes."""
        return tuple(format for format in FORMATS if self._is_taken(format) or _has(agreed, format))

    def offered(self, agreed: Agreed | None = None) -> tuple[Format, ...]:
        """The formats of an offer of ours: no large ones by themselves, and none that forces shorter packets on all."""
        return tuple(format for format in FORMATS if self._is_offered(format) or _has(agreed, format))

    def _is_taken(self, format: Format) -> bool:
        return not format.is_audio or format.encoding in self.codecs

    def _is_offered(self, format: Format) -> bool:
        if not self._is_taken(format) or (format is L16_48 and self.ptime_ms not in L16_48.packets_ms):
            return False
        return format.is_offered or format.encoding in self.wanted

    def opus_for(self, agreed: Agreed) -> OpusTerms:
        """How Opus goes to and comes from a peer: what it states limits us, and our own limits hold too."""
        theirs, ours = opus.read(agreed.stated_of(OPUS)), self.ours
        most = theirs.maxaveragebitrate or BITRATES[-1]
        return OpusTerms(
            in_hz=min(ours.playback_hz, theirs.capture_hz),
            out_hz=min(ours.capture_hz, theirs.playback_hz),
            bitrate=opus_class(min(self.bitrate, most)),
            fec_bitrate=opus_class(min(with_redundancy(self.bitrate), most)),
            fec=theirs.useinbandfec,
            dtx=theirs.usedtx,
            cbr=theirs.cbr,
            stereo=ours.stereo and theirs.stereo,
        )


def with_redundancy(bitrate: int) -> int:
    """The class that is used, and asked for, while there is FEC."""
    return opus_class(round(bitrate * REDUNDANCY))


def opus_class(bitrate: int) -> int:
    """The class that is not above a bitrate; the lowest for what is below all."""
    return max((each for each in BITRATES if each <= bitrate), default=BITRATES[0])


def _has(agreed: Agreed | None, format: Format) -> bool:
    return agreed is not None and any(each is format for _, each in agreed.incoming)
