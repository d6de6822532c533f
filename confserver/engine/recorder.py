"""What is handed over of recorded rooms, tick by tick: the mix of everybody, and each participant by himself.

The mix is a *tap*: a mix as any other, to which nobody listens. A track is what a leg says, at the rate of the room,
while others may hear him: who is muted or on hold is silent in his track as well. Who waits has a track where that is
asked for, and is in no mix. Who speaks from another room is in the mix, and has a track only where he is. The scribe
resamples, where the rate of a room changes, and writes; see ``contract.recording``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from confserver.contract import FromWorker, LegId, Record, RecordEnded, RecordFailed, RecordId, RecordStarted
from confserver.contract.recording import closing, heard, opening
from confserver.engine.floor import Floor
from confserver.engine.frame import FULL_SCALE, RATES_HZ, Samples
from confserver.engine.mixer import Mixer
from confserver.engine.room import Room
from confserver.engine.seats import Seats

Handover = tuple[RecordId, bytes, bool]
"""Bytes for the scribe, and whether they are the last."""
_STEP = 8
"""The smallest that A-law can say: a silent phone with PCMA says it all the time. No more than that is silence."""
_NONE = np.zeros((0, 0), np.int16)


class HasId(Protocol):
    @property
    def id(self) -> LegId: ...


@dataclass(slots=True)
class _Recording:
    id: RecordId
    room: int
    with_tracks: bool
    ticks: int = 0
    paused: bool = False


class Recorder:
    """All recordings of a worker."""

    def __init__(
        self,
        seats: Seats,
        floor: Floor,
        mixers: Sequence[Mixer],
        by_row: Mapping[int, HasId],
        say: Callable[[FromWorker], None],
    ) -> None:
        self._seats = seats
        self._floor = floor
        self._mixers = mixers
        self._by_row = by_row
        self._recordings: dict[RecordId, _Recording] = {}
        self._say = say
        self.handovers: list[Handover] = []
        """In the order in which they are to go."""

    # ------------------------------------------------------------------ between ticks
    def start(self, command: Record) -> None:
        """Begin with the next tick; RecordStarted tells of it, or RecordFailed."""
        if command.record in self._recordings:
            return
        if command.room not in self._floor.rooms:
            self._say(RecordFailed(record=command.record, reason=f"no room {command.room}"))
            return
        self._floor.add_tap(command.room)
        self._recordings[command.record] = _Recording(command.record, command.room, command.tracks)
        self.handovers.append((command.record, opening(command.record), False))

    def pause(self, record: RecordId, paused: bool) -> None:
        recording = self._recordings.get(record)
        if recording is not None:
            recording.paused = paused

    def stop(self, record: RecordId) -> None:
        """What has been handed over is all; answered by RecordEnded."""
        recording = self._forget(record)
        if recording is not None:
            self.handovers.append((record, closing(), True))
            self._say(RecordEnded(record=record, ticks=recording.ticks))

    def fail(self, record: RecordId, reason: str) -> None:
        """The scribe does not take it."""
        if self._forget(record) is not None:
            self._say(RecordFailed(record=record, reason=reason))

    def _forget(self, record: RecordId) -> _Recording | None:
        recording = self._recordings.pop(record, None)
        if recording and not any(other.room == recording.room for other in self._recordings.values()):
            self._floor.drop_tap(recording.room)
        return recording

    # ------------------------------------------------------------------ the tick
    def tick(self, now: float, elapsed: int) -> None:
        """Hand over the frame that has just been mixed."""
        for recording in list(self._recordings.values()):
            room = self._floor.rooms.get(recording.room)
            if room is None:
                self.stop(recording.id)
            elif not recording.paused:
                self._hand_over(recording, room, now, elapsed)

    def _hand_over(self, recording: _Recording, room: Room, now: float, elapsed: int) -> None:
        if recording.ticks:
            recording.ticks += elapsed
        else:
            recording.ticks = 1
            self._say(RecordStarted(record=recording.id, at=now))
        mix = self._mix(room)
        legs, tracks = self._tracks(room) if recording.with_tracks else ([], _NONE)
        samples = mix.tobytes() + tracks.tobytes()
        message = heard(now, recording.ticks - 1, RATES_HZ[room.band], mix.size > 0, legs, samples)
        self.handovers.append((recording.id, message, False))

    def _mix(self, room: Room) -> NDArray[np.int16]:
        """Empty where it is silent."""
        sums = self._mixers[room.band].sums
        if room.tap is None or room.tap >= len(sums) or not sums[room.tap].any():
            return _NONE
        return _as_integers(sums[room.tap])

    def _tracks(self, room: Room) -> tuple[list[LegId], NDArray[np.int16]]:
        """Who sounds, and what each says: (legs, samples)."""
        heard_here = (room.public - room.guests.keys()) | room.wishes.waiting
        rows = sorted(row for row in heard_here if row in self._by_row)
        samples = _as_integers(self._seats.signals[room.band][rows])
        sounding = np.flatnonzero((samples > _STEP).any(axis=1) | (samples < -_STEP).any(axis=1))
        return [self._by_row[rows[place]].id for place in sounding.tolist()], samples[sounding]

    def take(self) -> list[Handover]:
        handovers, self.handovers = self.handovers, []
        return handovers

    @property
    def count(self) -> int:
        return len(self._recordings)


def _as_integers(samples: Samples) -> NDArray[np.int16]:
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    whole: NDArray[np.int16] = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return whole
