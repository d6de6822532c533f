"""What SDP says of one format of sound, and the rule by which we agree to its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FmtpRule = Callable[[str], str | None]
"""Offered ``a=fmtp`` parameters ("" for none) -> those of our answer ("" for none); None: we cannot agree."""


def no_parameters(offered: str) -> str | None:
    """The rule of formats without parameters: whatever is offered is passed over (RFC 3264 section 6.1)."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format as ``a=rtpmap`` and ``a=fmtp`` name it (RFC 8866 sections 6.6 and 6.15).

    ``name`` is ours, unique in FORMATS, and what ``contract`` carries; ``encoding`` is the registered name, which
    is compared without regard to case. ``clock_hz`` is the RTP clock, not the sampling rate (they differ for G722).
    """

    name: str
    encoding: str
    clock_hz: int
    channels: int = 1
    static_payload_type: int | None = None
    """The number that RFC 3551 section 6 fixed; it needs no rtpmap."""
    usual_payload_type: int = 96
    """For a format without a fixed number: the one that our offers use, if it is free."""
    fmtp: str = ""
    """The parameters in our offers."""
    answer_fmtp: FmtpRule = field(default=no_parameters, repr=False)
    is_audio: bool = True
    """Sound that can be mixed; else it only goes along with sound of the same clock (events, comfort noise)."""
    is_offered: bool = True
    """Our offers name it by themselves; else it is only taken where the peer names it, or a room wants it."""
    is_declarative: bool = False
    """Its parameters say what their writer wants to receive: an answer states its own, and mirrors nothing."""
    packets_ms: tuple[int, ...] = (10, 20, 30, 40, 50, 60)
    """How much sound a packet of ours may hold, the shortest first; means nothing where it is no sound."""

    @property
    def rtpmap(self) -> str:
        """The value of ``a=rtpmap`` after the payload type; one channel goes without saying."""
        channels = f"/{self.channels}" if self.channels != 1 else ""
        return f"{self.encoding}/{self.clock_hz}{channels}"

    def is_called(self, encoding: str, clock_hz: int, channels: int) -> bool:
        """Whether an rtpmap means this format."""
        return (self.clock_hz, self.channels) == (clock_hz, channels) and self.encoding.lower() == encoding.lower()

    def packet_ms(self, wanted_ms: float, most_ms: float) -> int:
        """How much sound our packets hold for a peer that wants so much and takes at most so much."""
        most = min(wanted_ms, most_ms)
        return max((length for length in self.packets_ms if length <= most), default=self.packets_ms[0])
