"""One encode per voice and format; what each leg sends of it.

Per band there is a *board*: the voices of that band's rooms (``voices.heard``), and behind them those of other bands
that are wanted at its rate, resampled. Codecs without memory encode rows of a board in one go; the others have
``streams``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import stateless
from confserver.engine.codecs.codec import Settings, Stateless
from confserver.engine.frame import FRAMES, RATES_HZ, TICK_S, Bytes, Lengths, Rows, Samples
from confserver.engine.resampling import Crossing
from confserver.engine.seats import Seats
from confserver.engine.streams import Group, Key, Stream, Streams, who_remembers
from confserver.engine.voices import RIGHT, Voice, Voices

NARROW_BYTES = 160
"""A tick of G.711."""
BROAD_BYTES = 1920
"""A tick of L16 at 48 kHz, the longest."""
TICKS_A_S = round(1 / TICK_S)
_BANDS = {rate: band for band, rate in enumerate(RATES_HZ)}


@dataclass(slots=True)
class Batch:
    """What one codec without memory encodes. ``places``: on its board; ``start``: of its rows in the matrix."""

    codec: Stateless
    band: int
    places: Rows | slice
    start: int
    stop: int
    width: int


class Encoding:
    """Turns voices into payloads, and knows which payload is whose.

    After ``encode``: ``narrow`` and ``broad``, uint8 (payloads, bytes), of the latter ``length`` count; ``index`` says
    by row of the seats which row of its matrix is sent.
    """

    def __init__(self, seats: Seats, voices: Voices) -> None:
        self._seats = seats
        self._voices = voices
        self.streams = Streams()
        self.settings: dict[int, Settings] = {}
        """By row, of legs whose codec remembers."""
        self._remembers = who_remembers()
        self._crossings = {(source, to): Crossing(source, to) for source in range(3) for to in range(3) if source != to}
        self._heard_voice: NDArray[np.int64] = np.zeros(seats.capacity, np.int64)
        self._batches: list[Batch] = []
        self._groups: list[Group] = []
        self.narrow: Bytes = np.zeros((0, NARROW_BYTES), np.uint8)
        self.broad: Bytes = np.zeros((0, BROAD_BYTES), np.uint8)
        self.length: Lengths = np.zeros(0, np.int32)
        self.index: Rows = np.zeros(seats.capacity, np.intp)

    def forget(self, row: int) -> None:
        """The leg is gone, or does not listen any more."""
        self.settings.pop(row, None)
        self.streams.drop(row)
        self._heard_voice[row] = 0

    # ------------------------------------------------------------------ between ticks
    def rebuild(self, senders: Rows) -> None:
        """Find anew which payload each of these rows sends; wanted whenever a voice, a format or a sender changes."""
        seats = self._seats
        self._fit()
        self._voices.rebuild()
        voice, place = self._voices.of(senders)
        codec, band = seats.out_codec[senders], seats.out_band[senders]
        wide = senders[seats.out_channels[senders] == 2]
        wide = wide[[self.settings[row].channels == 2 for row in wide.tolist()]] if len(wide) else wide
        rights = self._voices.right_of(wide)
        place, right = self._cross(senders, voice, place, wide, *rights)
        self._heard_voice[senders] = voice
        remembers = self._remembers[codec]
        used = np.unique(codec[~remembers]).tolist()
        self._batches, narrow, broad = [], 0, 0
        for number in used:
            mine = np.flatnonzero(codec == number)
            kind = stateless(number)
            width = kind.clock_hz // TICKS_A_S * kind.unit_bytes
            places, which, count = _needed(place[mine], len(self._voices.heard[int(band[mine[0]])]))
            start = narrow if width == NARROW_BYTES else broad
            stop = start + count
            self._batches.append(Batch(kind, int(band[mine[0]]), places, start, stop, width))
            self.index[senders[mine]] = start + which
            narrow, broad = (stop, broad) if width == NARROW_BYTES else (narrow, stop)
        ears = dict(zip(wide.tolist(), right.tolist(), strict=True))
        self._arrange_streams(senders[remembers], voice[remembers], codec[remembers], place[remembers], ears, broad)
        broad += sum(len(group.rows) * (2 if group.settings.frame_ms == 10 else 1) for group in self._groups)
        self.narrow = np.zeros((narrow, NARROW_BYTES), np.uint8)
        self.broad = np.zeros((broad, BROAD_BYTES), np.uint8)
        self.length = np.zeros(broad, np.int32)

    def _fit(self) -> None:
        more = self._seats.capacity - len(self.index)
        if more > 0:
            self.index = np.concatenate((self.index, np.zeros(more, np.intp)))
            self._heard_voice = np.concatenate((self._heard_voice, np.zeros(more, np.int64)))

    def _cross(
        self, senders: Rows, voice: Voice, place: Rows, wide: Rows, right_voice: Voice, right_place: Rows
    ) -> tuple[Rows, Rows]:
        """Lay out the boards; gives the place of what each sender hears on its format's board, and for those with two
        ears that of the right one."""
        count = len(senders)
        rows = np.concatenate((senders, wide))
        voice, place = np.concatenate((voice, right_voice)), np.concatenate((place, right_place))
        source, band = self._seats.band[rows], self._seats.out_band[rows]
        heard = self._voices.heard
        ends = [len(samples) for samples in heard]
        for (before, to), crossing in self._crossings.items():
            mine = np.flatnonzero((source == before) & (band == to))
            if not len(mine):
                crossing.clear()
                continue
            numbers, first, back = np.unique(voice[mine], return_index=True, return_inverse=True)
            came_from = self._heard_voice[rows[mine[first]]] + (numbers & RIGHT)
            crossing.set(numbers.tolist(), came_from.tolist(), place[mine[first]], ends[to])
            place[mine] = ends[to] + back
            ends[to] += len(numbers)
        for to, end in enumerate(ends):
            if end > len(heard[to]):
                heard[to] = np.concatenate((heard[to], np.zeros((end - len(heard[to]), FRAMES[to]), np.float32)))
        return place[:count], place[count:]

    def _arrange_streams(
        self, rows: Rows, voice: Voice, codec: NDArray[np.uint8], place: Rows, ears: dict[int, int], first: int
    ) -> None:
        listed = rows.tolist()
        together: dict[tuple[Stream, Key], Stream] = {}
        for row, number, kind in zip(listed, voice.tolist(), codec.tolist(), strict=True):
            self.streams.follow(row, number, kind, self.settings[row], together)
        self._groups = self.streams.groups(dict(zip(listed, place.tolist(), strict=True)), ears, first)
        for group in self._groups:
            for stream, row in zip(group.streams, group.rows.tolist(), strict=True):
                self.index[list(stream.rows)] = row

    def rename(self, voice: int, new: int) -> None:
        """What was heard as one voice is heard as another from now on."""
        self.streams.rename(voice, new)
        self._heard_voice[self._heard_voice == voice] = new

    # ------------------------------------------------------------------ the tick
    def encode(self) -> None:
        heard = self._voices.heard
        for (source, to), crossing in self._crossings.items():
            crossing.run(heard[source], heard[to])
        for batch in self._batches:
            out = self.narrow if batch.width == NARROW_BYTES else self.broad
            samples: Samples = heard[batch.band][batch.places]
            if batch.width == NARROW_BYTES:
                batch.codec.encode(samples, out[batch.start : batch.stop])
            else:
                part = np.empty((len(samples), batch.width), np.uint8)
                batch.codec.encode(samples, part)
                out[batch.start : batch.stop, : batch.width] = part
                self.length[batch.start : batch.stop] = batch.width
        if self._groups:
            self.streams.encode(self._groups, heard, _BANDS, self.broad, self.length)


def _needed(places: Rows, size: int) -> tuple[Rows | slice, Rows, int]:
    """Which rows of a board of so many are wanted, all where it is nearly so; which of them each wants; how many."""
    wanted = np.zeros(size, np.bool_)
    wanted[places] = True
    found = np.flatnonzero(wanted)
    if len(found) * 4 >= size * 3:
        return slice(0, size), places, size
    which = np.cumsum(wanted) - 1
    return found, which[places], len(found)
