"""From who says what to the packets that go out: mixers, voices, encoding, departure.

::

    signals -> entrance (to the room's rate) -> mixers -> voices -> encoding -> plain, packets -> Outbox
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from confserver.contract import MediaPlan, OpusTerms, RoomSound
from confserver.engine.cleaning import Cleaning
from confserver.engine.codecs import CODECS, codec_of, is_stateful, meaning_of
from confserver.engine.codecs.codec import Settings
from confserver.engine.departure import USUAL_MS, Outbox, Plain
from confserver.engine.dialing import Dialing
from confserver.engine.encoding import NARROW_BYTES, TICKS_A_S, Encoding
from confserver.engine.floor import Floor
from confserver.engine.frame import RATES_HZ, Rows, band_of
from confserver.engine.levelling import Levelling
from confserver.engine.mix_levels import MixLevels
from confserver.engine.mixer import NOBODY, Mixer
from confserver.engine.packets import Packets
from confserver.engine.protection import Protection
from confserver.engine.resampling import Entrance
from confserver.engine.seats import Seats
from confserver.engine.streams import who_remembers
from confserver.engine.voices import MIXES, SETTLING, Voices

EASE_ABOVE, EASE_BELOW = 0.6, 0.45
"""Share of the tick's time that is used, from which on encoders make themselves less work, and below which not."""


class Outgoing:
    """The way out of the engine."""

    def __init__(self, seats: Seats, protection: Protection, complexity: int = 5) -> None:
        """complexity: of encoders that have a choice, 0 to 10."""
        self._seats = seats
        self._complexity = complexity
        self._remembers = who_remembers()
        self._usual = _plain_meanings()
        self.mixers = [Mixer(seats, band) for band in range(len(RATES_HZ))]
        self.floor = Floor(seats, self.mixers)
        self.voices = Voices(seats, self.mixers, self._remembers)
        self.encoding = Encoding(seats, self.voices)
        self.encoding.streams.set_complexity(complexity)
        self.plain = Plain(seats, self.encoding, protection)
        self.packets = Packets(seats, self.encoding, protection)
        self.mix_levels = MixLevels(seats, self.mixers)
        self.dialing = Dialing(seats)
        self._dialled: list[int] = []
        self._entrance = Entrance(seats)
        self._senders: Rows = np.zeros(0, np.intp)
        self._levelling = Levelling(seats)
        self.cleaning = Cleaning(seats)
        self._own_gain: dict[int, float] = {}
        self._opus: dict[int, OpusTerms] = {}
        self._loss: dict[int, int] = {}
        """Per cent, of those who lose much of what they are sent."""
        self.moved = True
        """Some target, format, or who sends, is another since the last look."""
        self.play: Callable[[], None] = lambda: None
        """Writes the frames of all that plays, at the rates that rooms have in this tick."""

    # ------------------------------------------------------------------ between ticks
    def set_format(self, row: int, plan: MediaPlan) -> None:
        """What the leg is sent from now on."""
        seats, meaning = self._seats, meaning_of(plan.outgoing_format)
        codec = codec_of(meaning)
        rate_hz = codec.rate_hz or plan.opus.out_hz
        units = codec.clock_hz // TICKS_A_S
        if (seats.out_codec[row], seats.out_ms[row]) != (meaning, plan.ptime_ms):
            self.packets.forget(row)
        seats.out_codec[row], seats.out_units[row] = meaning, units
        seats.out_payload_type[row] = plan.outgoing_payload_type & 0x7F
        seats.out_band[row], seats.out_ms[row] = band_of(rate_hz), plan.ptime_ms
        seats.out_channels[row] = 2 if plan.opus.stereo and not codec.unit_bytes else 1
        seats.mix_levels[row], seats.out_event[row] = plan.mix_levels_id, plan.outgoing_event or 0
        if self._remembers[meaning]:
            self._opus[row] = plan.opus
            self._set_settings(row)
        else:
            self.encoding.forget(row)
        room = self.floor.room_of.get(row)
        if room and room.sound.stereo:
            self.floor.set_sound(room.number, room.sound)
        elif room:
            self.floor.review_rate(room.number)
        self.moved = True

    def _set_settings(self, row: int) -> None:
        seats, terms = self._seats, self._opus[row]
        rate_hz = RATES_HZ[seats.out_band[row]]
        if codec_of(int(seats.out_codec[row])).unit_bytes:
            self.encoding.settings[row] = Settings(rate_hz)
            return
        loss_percent = self._loss.get(row, 0) if terms.fec else 0
        self.encoding.settings[row] = Settings(
            rate_hz=rate_hz,
            channels=2 if self.floor.hears_two(row) else 1,
            frame_ms=int(seats.out_ms[row]),
            bitrate=terms.fec_bitrate if loss_percent else terms.bitrate,
            fec=loss_percent > 0,
            loss_percent=loss_percent,
            dtx=terms.dtx,
            cbr=terms.cbr,
        )

    def set_sound(self, number: int, sound: RoomSound) -> None:
        """Another sound for a room; who can hear two channels does so from now on, or no more."""
        self.floor.set_sound(number, sound)
        room = self.floor.rooms.get(number)
        for row in (room.members if room else set()) & self._opus.keys():
            self._set_settings(row)
        self.voices.stale = True

    def follow_room(self, row: int) -> None:
        """The leg is in another room from now on."""
        room = self.floor.room_of[row]
        if room.sound.stereo:
            self.floor.set_sound(room.number, room.sound)
        self.floor.review_rate(room.number)
        if row in self._opus:
            self._set_settings(row)
        self.dialing.follow_room(row, room.number)
        self.voices.stale = self.moved = True

    def set_loss(self, row: int, percent: int) -> None:
        """So much of what the leg is sent gets lost on the way; 0: hardly anything."""
        if percent == self._loss.get(row, 0) or row not in self._opus:
            return
        self._loss[row] = percent
        self._set_settings(row)
        self.voices.stale = True

    def ease(self, load: float) -> None:
        """Encoders do less before the worker is overloaded. load: share of the tick's time that was used."""
        if load > EASE_ABOVE:
            self.encoding.streams.set_complexity(0)
        elif load < EASE_BELOW:
            self.encoding.streams.set_complexity(self._complexity)

    def set_gain(self, row: int, incoming: float, outgoing: float) -> None:
        self._own_gain[row] = incoming
        self._seats.gain[row] = incoming
        self._seats.out_gain[row] = outgoing
        self.voices.stale = True

    def _level(self) -> None:
        """Bring soft and loud voices nearer to each other, in rooms that wish it."""
        rooms = self.floor.levelled()
        if not rooms:
            return
        rows = np.array(sorted(row for room in rooms for row in room.talkers | room.fading), np.intp)
        if len(rows):
            own = np.array([self._own_gain.get(row, 1.0) for row in rows.tolist()], np.float32)
            self._seats.gain[rows] = own * self._levelling.step(rows)

    def _clean(self) -> None:
        """Take the noise out of voices, in rooms that wish it."""
        voices = sorted(
            row for room in self.floor.denoised() for row in (room.talkers | room.fading) - room.players.keys()
        )
        self.cleaning.run(np.array(voices, np.intp))

    def start(self, row: int) -> None:
        """The leg is sent something from now on, after nothing."""
        self._seats.out_mark[row] = True
        self.floor.switched.setdefault(row, NOBODY)

    def stop(self, row: int) -> None:
        """The leg is sent nothing from now on."""
        self.voices.leave(row)
        self.encoding.streams.drop(row)
        self.packets.forget(row)
        self.floor.switched.pop(row, None)

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self.stop(row)
        self.voices.forget(row)
        self.encoding.forget(row)
        self.dialing.stop(row)
        self._levelling.begin(row)
        self.cleaning.forget(row)
        self._own_gain.pop(row, None)
        self.floor.pans.pop(row, None)
        self._opus.pop(row, None)
        self._loss.pop(row, None)

    # ------------------------------------------------------------------ the tick
    def tick(self, elapsed: int) -> list[Outbox]:
        """Mix and send. elapsed: ticks since the last one."""
        self.floor.change_rates()
        self.play()
        self._level()
        self._clean()
        if self._dialled != self.dialing.rows:
            self._dialled, self.moved = self.dialing.rows, True
        self._arrange()
        self._entrance.run(self.floor.guest_bands() if self.floor.abroad else ())
        self.voices.speak()
        self.encoding.encode()
        high = self._seats.high
        self._seats.out_timestamp[:high] += self._seats.out_units[:high] * np.uint32(elapsed)
        self.packets.prefixes = self.mix_levels.prefixes()
        self.packets.events = self.dialing.step()
        outboxes = [self.plain.write(), self.packets.write()]
        self.voices.step()
        self.encoding.streams.settle()
        return outboxes

    def end_fades(self) -> list[int]:
        """Give the rows that have faded out."""
        silent = self.floor.step()
        if silent:
            early = [row for row in silent if self._seats.quiet_frames[row] < SETTLING]
            self.voices.settle(early)
        return silent

    def _arrange(self) -> None:
        """Rebuild the index arrays where legs, talkers, mixes or addresses have changed."""
        stale = [mixer for mixer in self.mixers if mixer.stale]
        if not (stale or self.moved or self.voices.stale or self.encoding.streams.stale or self.floor.switched):
            return
        for band, mix, new_band, new in self.floor.renamed:
            self.voices.rename(band, mix, new_band, new)
            self.encoding.rename(band * MIXES + mix, new_band * MIXES + new)
        self.floor.renamed.clear()
        for mixer in stale:
            mixer.find_own()
        if self.floor.switched:
            self.voices.switch(self.floor.switched, np.concatenate([mixer.own_seat for mixer in self.mixers]))
            self.floor.switched.clear()
        if self.moved:
            self._senders = np.flatnonzero(self._seats.sends[: self._seats.high])
            plain = self._is_plain(self._senders)
            self.plain.rebuild(self._senders[plain])
            self.packets.rebuild(self._senders[~plain], self._remembers)
            self.moved = False
        self.encoding.rebuild(self._senders)

    def _is_plain(self, rows: Rows) -> NDArray[np.bool_]:
        seats = self._seats
        usual = self._usual[seats.out_codec[rows]] & (seats.out_ms[rows] == USUAL_MS)
        usual &= (seats.mix_levels[rows] == 0) & ~np.isin(rows, self._dialled)
        return np.asarray(usual)


def _plain_meanings() -> NDArray[np.bool_]:
    """By meaning: whether a tick of it is a payload of ``departure.Plain``."""
    table = np.zeros(256, np.bool_)
    for meaning, codec in enumerate(CODECS, 1):
        table[meaning] = not is_stateful(codec) and codec.clock_hz // TICKS_A_S * codec.unit_bytes == NARROW_BYTES
    return table
