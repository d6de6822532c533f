"""One encode per mix and codec; own encodes for talkers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import codec_of
from confserver.engine.frame import FRAME, Bytes, Rows, Samples
from confserver.engine.mixer import Mixer
from confserver.engine.seats import Seats


class Encoding:
    """Turns sums into payloads, and knows which payload is whose."""

    def __init__(self, seats: Seats, mixer: Mixer) -> None:
        self._seats = seats
        self._mixer = mixer
        self._codecs: list[int] = []
        self._own_codec: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._payload_of: Rows = np.zeros(0, np.intp)
        self._payloads: Bytes = np.zeros((0, FRAME), np.uint8)

    def rebuild(self, senders: Rows) -> None:
        """Find anew which payload each of the rows sends; wanted whenever a mix, a codec or a talker changes."""
        seats, mixer = self._seats, self._mixer
        codec = seats.out_codec[senders]
        self._codecs = np.unique(codec).tolist()
        place = np.zeros(256, np.intp)
        place[self._codecs] = np.arange(len(self._codecs))
        payload = place[codec] * mixer.high + seats.mix[senders]
        own_place = np.full(seats.capacity, -1, np.intp)
        own_place[mixer.own_seat] = np.arange(len(mixer.own_seat))
        talks = own_place[senders] >= 0
        shared = len(self._codecs) * mixer.high
        self._payload_of = np.where(talks, shared + own_place[senders], payload)
        self._own_codec = seats.out_codec[mixer.own_seat]
        self._payloads = np.zeros((shared + len(mixer.own_seat), FRAME), np.uint8)

    def encode(self, sums: Samples, own: Samples) -> Bytes:
        """Give the payload of each sender: uint8 (senders, FRAME)."""
        high = len(sums)
        for place, codec in enumerate(self._codecs):
            codec_of(codec).encode(sums, self._payloads[place * high : (place + 1) * high])
        start = len(self._codecs) * high
        for codec in self._codecs:
            mine = np.flatnonzero(self._own_codec == codec)
            if len(mine):
                out = np.empty((len(mine), FRAME), np.uint8)
                codec_of(codec).encode(own[mine], out)
                self._payloads[start + mine] = out
        return self._payloads[self._payload_of]
