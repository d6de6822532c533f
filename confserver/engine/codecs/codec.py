"""What a codec gives the engine: batched work on rows, nothing per packet."""

from __future__ import annotations

from typing import Protocol

from confserver.engine.frame import Bytes, Samples


class Codec(Protocol):
    """One way to write sound as bytes."""

    @property
    def name(self) -> str:
        """As in ``formats``."""
        ...

    def samples_in(self, payload_bytes: int) -> int:
        """How many samples a payload of this length holds."""
        ...

    def decode(self, payload: Bytes, out: Samples) -> None:
        """payload: uint8 (rows, bytes); out: float32 (rows, samples), full scale 1.0. Rows are of one length."""
        ...

    def encode(self, samples: Samples, out: Bytes) -> None:
        """samples: float32 (rows, samples), beyond full scale is clipped; out: uint8 (rows, bytes)."""
        ...
