"""The columns: one row per leg, one array per fact.

A row never moves while its leg lives; only index arrays are rebuilt. Row 0 (``SILENT``) is never a leg: its
signal stays zero and no payload type means anything to it, so that an index to nowhere can point there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, NARROW, WIDE, Samples
from confserver.engine.ring import Ring
from confserver.rtp.address import SOCKADDR_BYTES
from confserver.rtp.audio_level import QUIETEST

SILENT = 0
TICKS_A_SECOND = 50
LEAST_MARGIN_S = 0.0005
"""A packet should lie ready so long before it is played, at least; where the network is not calm, longer."""
SPENT = 3
"""Stand-ins for missing frames after which nothing sounds any more."""
FIRST_CAPACITY = 4096
"""More than one core carries. The system gives the memory only as rows are used; growing costs several ticks."""

_COLUMNS: tuple[tuple[str, type, tuple[int, ...]], ...] = (
    ("in_use", np.bool_, ()),
    ("in_band", np.uint8, ()),
    ("band", np.uint8, ()),
    # what may come in
    ("meaning", np.uint8, (128,)),
    ("receives", np.bool_, ()),
    ("ssrc", np.uint32, ()),
    ("has_ssrc", np.bool_, ()),
    ("protected", np.uint8, ()),
    ("opus_band", np.uint8, ()),
    ("level_id", np.uint8, ()),
    ("level_in", np.uint8, ()),
    ("voice_in", np.bool_, ()),
    # playout; times of the stream are in ticks of its RTP clock
    ("units", np.int32, ()),
    ("coding", np.uint8, ()),
    ("waiting", np.bool_, ()),
    ("playing", np.bool_, ()),
    ("paused", np.bool_, ()),
    ("dozes", np.bool_, ()),
    ("queued", np.int32, ()),
    ("margin", np.float32, ()),
    ("next_timestamp", np.uint32, ()),
    ("start_at", np.float64, ()),
    ("starved", np.int64, ()),
    ("missed", np.int32, ()),
    ("slack", np.float64, ()),
    # statistics (RFC 3550 A.1, A.3, A.8)
    ("first_sequence", np.uint16, ()),
    ("top_sequence", np.uint16, ()),
    ("cycles", np.uint32, ()),
    ("received", np.uint32, ()),
    ("received_before", np.uint32, ()),
    ("lost_before", np.int64, ()),
    ("late", np.uint32, ()),
    ("concealed", np.uint32, ()),
    ("discarded", np.uint32, ()),
    ("jitter", np.float64, ()),
    ("last_arrival", np.float64, ()),
    ("last_timestamp", np.uint32, ()),
    ("heard_at", np.float64, ()),
    # sound
    ("energy", np.float32, ()),
    ("floor", np.float32, ()),
    ("active_frames", np.int32, ()),
    ("quiet_frames", np.int32, ()),
    ("talks", np.bool_, ()),
    ("spoken", np.bool_, ()),
    ("envelope", np.float32, ()),
    ("gain", np.float32, ()),
    # what goes out
    ("mix", np.int32, ()),
    ("sends", np.bool_, ()),
    ("local", np.uint16, ()),
    ("out_address", np.uint8, (SOCKADDR_BYTES,)),
    ("report_due", np.float64, ()),
    ("out_codec", np.uint8, ()),
    ("out_payload_type", np.uint8, ()),
    ("out_sequence", np.uint16, ()),
    ("out_timestamp", np.uint32, ()),
    ("out_ssrc", np.uint32, ()),
    ("out_mark", np.bool_, ()),
    ("sent", np.uint32, ()),
    ("send_failed", np.uint32, ()),
    ("limit", np.float32, ()),
    ("out_band", np.uint8, ()),
    ("out_units", np.uint16, ()),
    ("out_event", np.uint8, ()),
    ("out_ms", np.uint8, ()),
    ("out_channels", np.uint8, ()),
    ("out_gain", np.float32, ()),
    ("out_octets", np.uint32, ()),
    ("passage", np.int32, ()),
    ("mix_levels", np.uint8, ()),
)


class Seats:
    """Facts of all legs of a worker, as columns; ``high`` is one past the highest row in use."""

    in_use: NDArray[np.bool_]
    in_band: NDArray[np.uint8]
    """Of the sound that comes; its frame is in ``signals[in_band]``."""
    band: NDArray[np.uint8]
    """Of the leg's room; what the mixer takes is in ``signals[band]``."""
    meaning: NDArray[np.uint8]
    receives: NDArray[np.bool_]
    ssrc: NDArray[np.uint32]
    has_ssrc: NDArray[np.bool_]
    protected: NDArray[np.uint8]
    opus_band: NDArray[np.uint8]
    """In which Opus of the leg is decoded."""
    level_id: NDArray[np.uint8]
    """Header extension that tells the level (RFC 6464); 0: none."""
    level_in: NDArray[np.uint8]
    """What it said last, 0 to 127: so many dB below full scale."""
    voice_in: NDArray[np.bool_]
    """Whether it said that it is speech."""
    units: NDArray[np.int32]
    """Ticks of the stream's RTP clock in 20 ms."""
    coding: NDArray[np.uint8]
    """Meaning of what plays; 0: nothing has played yet."""
    waiting: NDArray[np.bool_]
    playing: NDArray[np.bool_]
    paused: NDArray[np.bool_]
    """The sender has said that it is silent (comfort noise, discontinuous transmission): what is missing is no loss."""
    dozes: NDArray[np.bool_]
    """So quiet for so long that its packets are not decoded."""
    queued: NDArray[np.int32]
    """Whole frames that are decoded and not played, in RTP time."""
    margin: NDArray[np.float32]
    """Seconds that the first packet of a spurt waits."""
    next_timestamp: NDArray[np.uint32]
    start_at: NDArray[np.float64]
    starved: NDArray[np.int64]
    missed: NDArray[np.int32]
    slack: NDArray[np.float64]
    first_sequence: NDArray[np.uint16]
    top_sequence: NDArray[np.uint16]
    cycles: NDArray[np.uint32]
    received: NDArray[np.uint32]
    received_before: NDArray[np.uint32]
    lost_before: NDArray[np.int64]
    late: NDArray[np.uint32]
    concealed: NDArray[np.uint32]
    discarded: NDArray[np.uint32]
    jitter: NDArray[np.float64]
    last_arrival: NDArray[np.float64]
    last_timestamp: NDArray[np.uint32]
    heard_at: NDArray[np.float64]
    energy: NDArray[np.float32]
    floor: NDArray[np.float32]
    active_frames: NDArray[np.int32]
    quiet_frames: NDArray[np.int32]
    talks: NDArray[np.bool_]
    spoken: NDArray[np.bool_]
    """Whether that was said of the leg."""
    envelope: NDArray[np.float32]
    gain: NDArray[np.float32]
    """By which others hear the leg louder or softer."""
    mix: NDArray[np.int32]
    sends: NDArray[np.bool_]
    local: NDArray[np.uint16]
    out_address: NDArray[np.uint8]
    report_due: NDArray[np.float64]
    out_codec: NDArray[np.uint8]
    out_payload_type: NDArray[np.uint8]
    out_sequence: NDArray[np.uint16]
    out_timestamp: NDArray[np.uint32]
    out_ssrc: NDArray[np.uint32]
    out_mark: NDArray[np.bool_]
    sent: NDArray[np.uint32]
    send_failed: NDArray[np.uint32]
    limit: NDArray[np.float32]
    out_band: NDArray[np.uint8]
    """Of the outgoing format."""
    out_units: NDArray[np.uint16]
    """Ticks of the outgoing format's RTP clock in a tick of ours."""
    out_event: NDArray[np.uint8]
    """Payload type for telephone-event that the leg takes of us, 0: none."""
    out_channels: NDArray[np.uint8]
    """That the leg can hear; two are given in stereo rooms only."""
    out_ms: NDArray[np.uint8]
    """Sound in one packet."""
    out_gain: NDArray[np.float32]
    """By which the leg hears the others louder or softer."""
    out_octets: NDArray[np.uint32]
    """Of payload, sent (RFC 3550 section 6.4.1)."""
    passage: NDArray[np.int32]
    """Number of the passage from mix to mix in which the leg is (``voices``), 0: in none."""
    mix_levels: NDArray[np.uint8]
    """Header extension of RFC 6465 for levels, 0: not wanted."""

    def __init__(self, capacity: int = FIRST_CAPACITY) -> None:
        self.capacity = capacity
        self.high = 1
        for name, dtype, tail in _COLUMNS:
            setattr(self, name, np.zeros((self.capacity, *tail), dtype))
        self.signals: list[Samples] = [np.zeros((self.capacity, frame), np.float32) for frame in FRAMES]
        """This tick's frame of every leg, by band."""
        self.ring = Ring(self.capacity)
        self._free = list(range(self.capacity - 1, SILENT, -1))

    def take(self) -> int:
        """Give a row with all columns zero."""
        if not self._free:
            self._grow()
        row = self._free.pop()
        for name, _, _ in _COLUMNS:
            getattr(self, name)[row] = 0
        self._hush(row)
        self.in_use[row] = True
        self.limit[row] = self.gain[row] = self.out_gain[row] = 1
        self.missed[row] = SPENT
        self.units[row] = FRAMES[NARROW]
        self.opus_band[row] = WIDE
        self.level_in[row] = QUIETEST
        self.margin[row] = LEAST_MARGIN_S
        self.ring.clear(row)
        self.high = max(self.high, row + 1)
        return row

    def give_back(self, row: int) -> None:
        self.in_use[row] = self.playing[row] = self.waiting[row] = self.sends[row] = self.receives[row] = False
        self.has_ssrc[row] = self.talks[row] = False
        self.meaning[row] = 0
        self.protected[row] = 0
        self.mix[row] = 0
        self.envelope[row] = 0
        self._hush(row)
        self._free.append(row)
        while self.high > 1 and not self.in_use[self.high - 1]:
            self.high -= 1

    def _hush(self, row: int) -> None:
        """Only where something sounds: rows of a band that nobody uses cost no memory."""
        for signal in self.signals:
            if signal[row].any():
                signal[row] = 0

    @property
    def signal(self) -> Samples:
        return self.signals[NARROW]

    def _grow(self) -> None:
        """Double the capacity; rows keep their numbers."""
        old, self.capacity = self.capacity, self.capacity * 2
        for name, dtype, tail in _COLUMNS:
            column: NDArray[np.generic] = np.zeros((self.capacity, *tail), dtype)
            column[:old] = getattr(self, name)
            setattr(self, name, column)
        for band, before in enumerate(self.signals):
            self.signals[band] = np.zeros((self.capacity, FRAMES[band]), np.float32)
            self.signals[band][:old] = before
        self.ring.fit(self.capacity)
        self._free.extend(range(self.capacity - 1, old - 1, -1))

    @property
    def count(self) -> int:
        return int(self.in_use.sum())
