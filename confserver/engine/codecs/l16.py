"""L16: samples as they are, 16 bits, the high byte first (RFC 3551 section 4.5.11). Mono."""

from __future__ import annotations

import numpy as np

from confserver.engine.codecs.codec import Stateless
from confserver.engine.frame import FULL_SCALE, Bytes, Lengths, Samples


class L16:
    """At one rate."""

    unit_bytes = 2

    def __init__(self, rate_hz: int) -> None:
        self.name = f"L16-{rate_hz // 1000}"
        self.clock_hz = self.rate_hz = rate_hz

    def duration(self, payload: Bytes, length: Lengths) -> Lengths:
        """See Codec.duration. Half a sample is no payload."""
        return np.where(length & 1, 0, length >> 1).astype(np.int32)

    def samples_in(self, payload_bytes: int) -> int:
        return payload_bytes >> 1

    def decode(self, payload: Bytes, out: Samples) -> None:
        """See Stateless.decode. An odd last byte is passed over."""
        whole = np.ascontiguousarray(payload[:, : payload.shape[1] & ~1])
        np.multiply(whole.view(">i2"), np.float32(1 / FULL_SCALE), out=out)

    def encode(self, samples: Samples, out: Bytes) -> None:
        """See Stateless.encode."""
        out[...] = as_int16(samples).astype(">i2").view(np.uint8)


def as_int16(samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Rounded, and clipped at full scale."""
    scaled = samples * np.float32(FULL_SCALE)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    return scaled.astype(np.int16)


L16_8: Stateless = L16(8000)
L16_16: Stateless = L16(16000)
L16_48: Stateless = L16(48000)
