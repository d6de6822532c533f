"""G.711 by table: two samples a look-up when decoding, one when encoding (ITU-T G.711)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FULL_SCALE, Bytes, Lengths, Samples


def _mu_law() -> NDArray[np.int16]:
    """Sample of each of the 256 codes, mu-law (G.711 table 2)."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law() -> NDArray[np.int16]:
    """Sample of each of the 256 codes, A-law (G.711 table 1)."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code >> 4) & 7
    mantissa = (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _nearest_code(samples: NDArray[np.int16]) -> Bytes:
    """For each 16-bit sample, seen as uint16, the code whose sample is nearest."""
    order = np.argsort(samples, kind="stable")
    levels = samples[order].astype(np.int32)
    edges = (levels[1:] + levels[:-1] + 1) >> 1
    wanted = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    return order[np.searchsorted(edges, wanted, side="right")].astype(np.uint8)


_LITTLE = np.little_endian


class G711:
    """One of the two laws."""

    clock_hz = rate_hz = 8000
    unit_bytes = 1

    def __init__(self, name: str, samples: NDArray[np.int16]) -> None:
        self.name = name
        self.silence = int(_nearest_code(samples)[0])
        self._encode = _nearest_code(samples)
        self._single = (samples / FULL_SCALE).astype(np.float32)
        pairs = np.empty((65536, 2), np.float32)
        both = np.arange(65536, dtype=np.uint16)
        pairs[:, 0] = self._single[both & 0xFF if _LITTLE else both >> 8]
        pairs[:, 1] = self._single[both >> 8 if _LITTLE else both & 0xFF]
        self._pairs = pairs.reshape(-1).view(np.uint64)

    def duration(self, payload: Bytes, length: Lengths) -> Lengths:
        return length

    def samples_in(self, payload_bytes: int) -> int:
        return payload_bytes

    def decode(self, payload: Bytes, out: Samples) -> None:
        """See Codec.decode. Payloads of an odd length are looked up byte by byte."""
        if payload.shape[1] & 1 or not out.flags.c_contiguous:
            out[...] = self._single[payload]
            return
        both = np.ascontiguousarray(payload).view(np.uint16)
        np.take(self._pairs, both, out=out.view(np.uint64), mode="clip")

    def encode(self, samples: Samples, out: Bytes) -> None:
        """See Codec.encode."""
        scaled = samples * np.float32(FULL_SCALE)
        np.rint(scaled, out=scaled)
        np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
        np.take(self._encode, scaled.astype(np.int16).view(np.uint16), out=out, mode="clip")


PCMU = G711("PCMU", _mu_law())
PCMA = G711("PCMA", _a_law())
