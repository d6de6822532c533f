"""One file of a recording, and the sound that goes into it at its place, at whatever rate it comes."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from confserver.contract.recording import TICKS_A_SECOND
from confserver.scribe.wav import WavFile

MOST_GAP_TICKS = 25
"""A shorter silence is resampled like sound; in a longer one the resampler rings out, and begins anew."""

Samples = NDArray[np.int16]


class Retimer:
    """Resamples some ticks in a row; sample 0 that goes in is sample 0 that comes out, and no tick grows or shrinks."""

    def __init__(self, from_hz: int, to_hz: int, tick: int) -> None:
        """``tick``: the number of the first."""
        self.from_hz = from_hz
        self.next_tick = tick
        self._frame_in, self._frame_out = from_hz // TICKS_A_SECOND, to_hz // TICKS_A_SECOND
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, "int16", "HQ")
        self._due = 0
        """Samples that are still to come out."""

    def add(self, tick: int, samples: Samples) -> Samples:
        silent = np.zeros((tick - self.next_tick) * self._frame_in, np.int16)
        self._due += (tick + 1 - self.next_tick) * self._frame_out
        self.next_tick = tick + 1
        return self._given(self._stream.resample_chunk(np.concatenate((silent, samples))))

    def finish(self) -> Samples:
        """All that is left; what rings on beyond the last tick is not wanted."""
        rest = self._given(self._stream.resample_chunk(np.zeros(0, np.int16), last=True))
        return np.pad(rest, (0, self._due))

    def _given(self, samples: Samples) -> Samples:
        samples = samples[: self._due]
        self._due -= len(samples)
        return samples


class Track:
    """The mix, or one participant. Methods may raise OSError."""

    def __init__(self, file: WavFile) -> None:
        self.file = file
        self._frame = file.rate_hz // TICKS_A_SECOND
        self._retimer: Retimer | None = None

    def put(self, tick: int, samples: bytes, rate_hz: int) -> None:
        """Write one tick's sound at its place. Ticks come in order; those left out are silent."""
        retimer = self._retimer
        if retimer and (retimer.from_hz != rate_hz or tick - retimer.next_tick > MOST_GAP_TICKS):
            self._end_retiming()
        if rate_hz == self.file.rate_hz:
            self.file.skip_to(tick * self._frame)
            self.file.append(samples)
            return
        if self._retimer is None:
            self.file.skip_to(tick * self._frame)
            self._retimer = Retimer(rate_hz, self.file.rate_hz, tick)
        self.file.append(self._retimer.add(tick, np.frombuffer(samples, np.int16)))

    def _end_retiming(self) -> None:
        if self._retimer is not None:
            self.file.append(self._retimer.finish())
            self._retimer = None

    def flush(self, ticks: int) -> None:
        """Let the file be as long as the recording is by now, as far as the sound has come."""
        if self._retimer and ticks - self._retimer.next_tick > MOST_GAP_TICKS:
            self._end_retiming()
        if self._retimer is None:
            self.file.skip_to(ticks * self._frame)
        self.file.flush()

    def close(self, ticks: int) -> None:
        """So long is the recording."""
        self._end_retiming()
        self.file.skip_to(ticks * self._frame)
        self.file.close()
