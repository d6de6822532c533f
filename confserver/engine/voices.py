"""What each leg hears, as *voices*: rows of samples that are encoded once for all who hear the same.

::

    shared    the sum of a mix, for all who listen to it and do not talk
    own       what a talker hears, his mix without himself; what somebody hears louder or softer than it is
    passage   what those hear who go from one mix to another: for one frame the one fades into the other; where a codec
              remembers what was before, it stays a voice of its own until two encoders have heard the same long enough

A voice has a number, the same as long as it lasts: ``MIXES * band + mix``, ``OWN + row`` or ``PASSAGE + number``; and a
place, its row in this tick's ``heard[band]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.comfort import ComfortNoise, add
from confserver.engine.frame import FRAMES, Rows, Samples
from confserver.engine.limiter import limit
from confserver.engine.mixer import NOBODY, Mixer
from confserver.engine.seats import SILENT, Seats

MIXES = 1 << 20
OWN = 1 << 24
PASSAGE = 1 << 25
RIGHT = 1 << 40
"""Added to the number of a voice: what the right ear hears beside it."""
SETTLING = 25
"""Ticks for which two encoders hear the same before listeners go from one to the other (facts: seam)."""

Voice = NDArray[np.int64]
_FADES = [(np.arange(1, frame + 1, dtype=np.float32) / frame).astype(np.float32) for frame in FRAMES]


@dataclass(slots=True)
class Passage:
    """Some who have gone from one mix to another at once."""

    number: int
    band: int
    mix: int
    rows: list[int]
    ticks: int
    before: int | None
    """The mix that they come from, while it is to be faded out."""
    limit: NDArray[np.float32]


class Voices:
    """Finds out who hears what, whenever that changes, and makes it, each tick."""

    def __init__(self, seats: Seats, mixers: list[Mixer], remembers: NDArray[np.bool_]) -> None:
        """remembers: by meaning, whether the codec's encoders are stateful."""
        self._seats = seats
        self._mixers = mixers
        self._remembers = remembers
        self.heard: list[Samples] = [np.zeros((0, frame), np.float32) for frame in FRAMES]
        self._noise = ComfortNoise()
        self._passages: dict[int, Passage] = {}
        self._numbers = iter(range(1, 1 << 24))
        self._fading: dict[int, int] = {}
        """Rows with an own voice that change mixes on this tick, and the mix before."""
        self._solos: list[Rows] = [np.zeros(0, np.intp) for _ in FRAMES]
        self._wide_solos: list[Rows] = [np.zeros(0, np.intp) for _ in FRAMES]
        """Those of them that have a right ear."""
        self._solo_gain: NDArray[np.float32] = np.ones(seats.capacity, np.float32)
        self._back: list[int] = []
        """Rows for which the others have come back to their own loudness on this tick."""
        self._place: NDArray[np.int32] = np.full(seats.capacity, -1, np.int32)
        self._right_place: NDArray[np.int32] = np.full(seats.capacity, -1, np.int32)
        self._passage_place: dict[int, int] = {}
        """Of the right ear: RIGHT + number."""
        self.stale = True

    # ------------------------------------------------------------------ who hears what
    def switch(self, switched: dict[int, int], talkers: Rows) -> None:
        """These rows listen to another mix from now on; the mix before. talkers: who has a voice of his own."""
        groups: dict[tuple[int, int, int, bool], list[int]] = {}
        alone = set(talkers.tolist())
        seats = self._seats
        for row, before in switched.items():
            self.leave(row)
            if not seats.sends[row]:
                continue
            if row in alone or seats.out_gain[row] != 1:
                self._fading[row] = before
                continue
            remembers = bool(self._remembers[seats.out_codec[row]])
            if remembers and before == NOBODY and seats.out_mark[row]:
                continue  # it hears nothing yet: its decoder begins in the middle of what the others hear
            groups.setdefault((int(seats.band[row]), before, int(seats.mix[row]), remembers), []).append(row)
        for (band, before, mix, remembers), rows in groups.items():
            self._pass(band, mix, rows, SETTLING if remembers else 1, before)

    def settle(self, rows: list[int]) -> None:
        """These have talked until now, and too lately for their encoders to have heard what the shared ones have."""
        for row in rows:
            if self._seats.sends[row] and self._remembers[self._seats.out_codec[row]]:
                self._pass(int(self._seats.band[row]), int(self._seats.mix[row]), [row], SETTLING, None)

    def _pass(self, band: int, mix: int, rows: list[int], ticks: int, before: int | None) -> None:
        number = next(self._numbers)
        first = np.full(2, 1 if before is None else self._mixers[band].limit[before], np.float32)
        self._passages[number] = Passage(number, band, mix, rows, ticks, before, first)
        self._seats.passage[rows] = number
        self.stale = True

    def leave(self, row: int) -> None:
        """The row is in no passage any more."""
        passage = self._passages.get(int(self._seats.passage[row]))
        self._seats.passage[row] = 0
        self._fading.pop(row, None)
        if passage is None or row not in passage.rows:
            return
        passage.rows.remove(row)
        if not passage.rows:
            del self._passages[passage.number]
        self.stale = True

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self.leave(row)
        if row < len(self._solo_gain):
            self._solo_gain[row] = 1

    def rename(self, band: int, mix: int, new_band: int, new: int) -> None:
        """A mix has gone to another band."""
        for passage in self._passages.values():
            if (passage.band, passage.mix) == (band, mix):
                passage.band, passage.mix, passage.before = new_band, new, None
        self.stale = True

    def step(self) -> None:
        """A tick is over: passages come to their ends."""
        self._fading.clear()
        if self._back:
            self.settle([row for row in self._back if self._seats.passage[row] == 0])
            self._back.clear()
            self.stale = True
        for passage in list(self._passages.values()):
            passage.ticks -= 1
            passage.before = None
            if passage.ticks <= 0:
                for row in list(passage.rows):
                    self.leave(row)

    def rebuild(self) -> None:
        """Give every voice its place anew."""
        seats, high = self._seats, self._seats.high
        if len(self._place) < seats.capacity:
            self._solo_gain = np.concatenate((self._solo_gain, np.ones(seats.capacity - len(self._place), np.float32)))
            self._place, self._right_place = np.full((2, seats.capacity), -1, np.int32)
        self._place[:] = self._right_place[:] = -1
        self._passage_place = {}
        wanted = (seats.out_gain[:high] != 1) | (self._solo_gain[:high] != 1)
        changed = np.flatnonzero(wanted & seats.sends[:high])
        for mixer in self._mixers:
            owners, at = mixer.own_seat, mixer.high + np.arange(len(mixer.own_seat))
            self._place[owners[: mixer.left]] = at[: mixer.left]
            self._right_place[owners[mixer.left :]] = at[mixer.left :]
            solos = changed[(seats.band[changed] == mixer.band) & (self._place[changed] < 0)]
            wide = solos[mixer.right[seats.mix[solos]] != NOBODY]
            end = mixer.high + len(owners)
            self._place[solos] = end + np.arange(len(solos))
            self._right_place[wide] = end + len(solos) + np.arange(len(wide))
            self._solos[mixer.band], self._wide_solos[mixer.band] = solos, wide
            end = self._place_passages(mixer, end + len(solos) + len(wide))
            self.heard[mixer.band] = np.zeros((end, mixer.frame), np.float32)
        self.stale = False

    def _place_passages(self, mixer: Mixer, at: int) -> int:
        for passage in self._passages.values():
            if passage.band == mixer.band:
                self._passage_place[passage.number] = at
                at += 1
                if mixer.right[passage.mix]:
                    self._passage_place[RIGHT + passage.number] = at
                    at += 1
        return at

    def right_of(self, rows: Rows) -> tuple[Voice, Rows]:
        """The same of the right ear, of rows that have one."""
        seats = self._seats
        voice, _ = self.of(rows)
        mix, band = seats.mix[rows], seats.band[rows]
        place = np.array([self._mixers[b].right[m] for b, m in zip(band.tolist(), mix.tolist(), strict=True)], np.intp)
        for at in np.flatnonzero(seats.passage[rows]).tolist():
            place[at] = self._passage_place[RIGHT + int(seats.passage[rows[at]])]
        own = self._right_place[rows]
        return voice + RIGHT, np.where(own >= 0, own, place)

    def of(self, rows: Rows) -> tuple[Voice, Rows]:
        """Number and place of the voice that each of these rows hears."""
        seats = self._seats
        voice = seats.band[rows].astype(np.int64) * MIXES + seats.mix[rows]
        place = seats.mix[rows].astype(np.intp)
        passing = np.flatnonzero(seats.passage[rows])
        if len(passing):
            numbers = seats.passage[rows[passing]].tolist()
            voice[passing] = PASSAGE + seats.passage[rows[passing]]
            place[passing] = [self._passage_place[number] for number in numbers]
        own = self._place[rows]
        alone = own >= 0
        return np.where(alone, OWN + rows, voice), np.where(alone, own, place)

    # ------------------------------------------------------------------ the tick
    def speak(self) -> None:
        """Fill ``heard`` with what everybody hears, limited."""
        for mixer in self._mixers:
            if mixer.count or len(self.heard[mixer.band]) > 1:
                self._speak(mixer)

    def _speak(self, mixer: Mixer) -> None:
        seats, heard = self._seats, self.heard[mixer.band]
        sums, own = mixer.mix(heard)
        self._add_noise(mixer, sums, own)
        solos, wide = self._solos[mixer.band], self._wide_solos[mixer.band]
        start = mixer.high + len(own)
        if len(solos):
            heard[start : start + len(solos)] = sums[seats.mix[solos]]
            heard[start + len(solos) : start + len(solos) + len(wide)] = sums[mixer.right[seats.mix[wide]]]
        passages = [passage for passage in self._passages.values() if passage.band == mixer.band]
        for passage in passages:
            self._lead_over(mixer, passage, sums)
        for row, before in self._fading.items():
            if seats.band[row] == mixer.band:
                for place, mix in ((self._place[row], before), (self._right_place[row], mixer.right[before] or before)):
                    if place >= 0:
                        was = sums[mix] - mixer.part_of(int(mix), row)
                        heard[place] = _faded(was, heard[place], mixer.band)
        alone = np.concatenate((mixer.own_seat, solos, wide))
        self._turn_up(heard[mixer.high : mixer.high + len(alone)], alone)
        self._limit(mixer, heard, alone, passages)

    def _lead_over(self, mixer: Mixer, passage: Passage, sums: Samples) -> None:
        """What those in a passage hear, by either ear."""
        heard, number = self.heard[mixer.band], passage.number
        for key, mix, before in (
            (number, passage.mix, passage.before),
            (
                RIGHT + number,
                mixer.right[passage.mix],
                passage.before and (mixer.right[passage.before] or passage.before),
            ),
        ):
            place = self._passage_place.get(key)
            if place is not None:
                heard[place] = sums[mix] if before is None else _faded(sums[before], sums[mix], mixer.band)

    def _add_noise(self, mixer: Mixer, sums: Samples, own: Samples) -> None:
        """A faint one to mixes in which nobody talks, and to a talker who hears nobody but himself."""
        high, before = mixer.high, mixer.noisy
        talking = np.count_nonzero(mixer.seat[:high] != SILENT, axis=1)
        now = mixer.with_noise[:high] & (talking == 0)
        alone = np.flatnonzero(mixer.with_noise[mixer.own_mix] & (talking[mixer.own_mix] == 1))
        if not (now.any() or before[:high].any() or len(alone)):
            return
        noise = self._noise.frames(mixer.band)
        add(sums, noise, before[:high], now)
        before[:high] = now
        own[alone] += noise

    def _turn_up(self, samples: Samples, rows: Rows) -> None:
        """Louder or softer for those who want it so, ramped."""
        wanted, before = self._seats.out_gain[rows], self._solo_gain[rows]
        places = np.flatnonzero((wanted != 1) | (before != 1))
        if not len(places):
            return
        band = FRAMES.index(samples.shape[1])
        gain = before[places, None] + (wanted - before)[places, None] * _FADES[band]
        samples[places] *= gain
        self._solo_gain[rows[places]] = wanted[places]
        self._back += rows[places[wanted[places] == 1]].tolist()

    def _limit(self, mixer: Mixer, heard: Samples, alone: Rows, passages: list[Passage]) -> None:
        limit(heard[: mixer.high], mixer.limit[: mixer.high])
        gain = self._seats.limit[alone]
        limit(heard[mixer.high : mixer.high + len(alone)], gain)
        self._seats.limit[alone] = gain
        for passage in passages:
            place = self._passage_place[passage.number]
            size = 2 if RIGHT + passage.number in self._passage_place else 1
            limit(heard[place : place + size], passage.limit[:size])


def _faded(before: Samples, after: Samples, band: int) -> Samples:
    return np.asarray(before + (after - before) * _FADES[band], np.float32)
