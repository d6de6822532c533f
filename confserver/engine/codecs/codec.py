"""What a codec gives the engine: batched work on rows, nothing per packet where it can be helped.

Two kinds: *stateless* ones (G.711, L16), where each packet stands by itself, and *stateful* ones (G.722, Opus), whose
decoders belong to a leg's row and whose encoders have slots of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import Bytes, Lengths, Rows, Samples


@dataclass(frozen=True, slots=True)
class Settings:
    """How a stateful encoder works; encoders of one mix and equal settings are one. Codecs pass over what they lack."""

    rate_hz: int
    """Of the samples that it is given."""
    channels: int = 1
    frame_ms: int = 20
    """Sound of one packet."""
    bitrate: int = 24000
    fec: bool = False
    loss_percent: int = 0
    dtx: bool = False
    cbr: bool = False


class Codec(Protocol):
    """One way to write sound as bytes."""

    @property
    def name(self) -> str:
        """As in ``formats``."""
        ...

    @property
    def clock_hz(self) -> int:
        """Of its RTP timestamps; G.722's is not the rate of its sound (RFC 3551 section 4.5.2)."""
        ...

    @property
    def rate_hz(self) -> int:
        """Of its sound; 0: as one likes (Opus)."""
        ...

    @property
    def unit_bytes(self) -> int:
        """Of payload for each tick of the RTP clock; 0: that varies (Opus)."""
        ...

    def duration(self, payload: Bytes, length: Lengths) -> Lengths:
        """How long each payload sounds, in ticks of the RTP clock; 0: it cannot be read.

        payload: uint8 (rows, at least the longest), of which length, int32 (rows), count.
        """
        ...


class Stateless(Codec, Protocol):
    def samples_in(self, payload_bytes: int) -> int:
        """How many samples a payload of this length holds."""
        ...

    def decode(self, payload: Bytes, out: Samples) -> None:
        """payload: uint8 (rows, bytes); out: float32 (rows, samples), full scale 1.0. Rows are of one length."""
        ...

    def encode(self, samples: Samples, out: Bytes) -> None:
        """samples: float32 (rows, samples), beyond full scale is clipped; out: uint8 (rows, bytes)."""
        ...


class Decoders(Protocol):
    """One decoder for each row of the seats that has opened one. Bad payloads give 0 and silence, never raise."""

    def __init__(self, rows: int) -> None: ...

    def fit(self, rows: int) -> None:
        """Room for so many rows, as the seats have grown."""
        ...

    def open(self, row: int, rate_hz: int) -> None:
        """A stream begins, or begins anew: nothing before counts. Raises ValueError for a rate it cannot give."""
        ...

    def close(self, row: int) -> None: ...

    def decode(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples) -> Lengths:
        """One packet of each row, at most once each: out, float32 (rows, samples). Gives samples decoded; 0: bad.

        payload: uint8 (rows, width), of which length count; the bytes of a row, and the samples of one of out, lie
        side by side. Samples beyond those decoded stay; a bad packet's row becomes silence. A packet that is longer
        than out's rows is bad.
        """
        ...

    def recover(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples) -> Lengths:
        """The frame *before* this packet, from what the packet holds of it (in-band FEC); concealed where it holds
        none. out must have just the samples of the lost frame. Wanted before ``decode`` of the same packet.
        """
        ...

    def conceal(self, rows: Rows, out: Samples) -> None:
        """A lost frame of out.shape[1] samples, made up."""
        ...


class Encoders(Protocol):
    """Encoders by slot. A slot that is closed is used again."""

    def __init__(self) -> None: ...

    def open(self, settings: Settings) -> int:
        """Raises ValueError for settings that the codec cannot do."""
        ...

    def fork(self, slot: int, settings: Settings) -> int:
        """Another one that goes on where this one is, so that a decoder does not hear the change; under settings of
        its own where rate, channels and frame are equal (else ValueError)."""
        ...

    def close(self, slot: int) -> None: ...

    def encode(self, slots: Rows, samples: Samples, out: Bytes, length: Lengths) -> None:
        """One packet of each slot. samples: float32 (slots, samples of a packet; interleaved where there are two
        channels). out: uint8 (slots, width); length: int32 (slots), bytes written; 0: nothing to be sent (DTX)."""
        ...

    def follow(self, slot: int, payload: Bytes, samples: Samples) -> bool:
        """The slot's decoder got a packet that another encoder made of these samples: be where that decoder is now.

        payload: uint8 (bytes). samples: float32 (samples of the packet). False: this codec, or this build, cannot.
        """
        ...

    def set_loss(self, slot: int, percent: int) -> None:
        """What part of the packets is lost on the way (in-band FEC wants to know)."""
        ...

    def set_complexity(self, complexity: int) -> None:
        """How much work all of them put in, 0 to 10; a codec that has no choice passes over it."""
        ...


class Stateful(Codec, Protocol):
    @property
    def conceals(self) -> bool:
        """Whether its decoders can make up lost frames; else ``engine.concealment`` does."""
        ...

    def is_active(self, payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
        """Whether each packet may hold speech, as far as its encoder says. As for ``duration``; two bytes will do."""
        ...

    def has_redundancy(self, payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
        """Whether each packet holds something of the frame before it (in-band FEC). As for ``duration``."""
        ...

    @property
    def converges(self) -> bool:
        """Whether two encoders that hear the same for half a second come to the same, so that nobody hears a change
        from one to the other."""
        ...

    @property
    def decoders(self) -> type[Decoders]:
        """Made with the number of rows."""
        ...

    @property
    def encoders(self) -> type[Encoders]: ...
