"""Sound that comes from no leg: prompts, music, tones, to one leg or a room.

::

    Play -> waits for a place -> sounds <-> paused
                                   |---- at the end: finished
                                   +---- StopPlay, a key, its leg or room gone: fades within a frame, then stopped
                                         or interrupted

A play takes a row of seats of its own, without a leg; each tick writes its frame where the mixer takes it from.
Every change of how loud it is, where it is, or whether it goes on, is a ramp. What goes on without any change is
read together (``chorus``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from confserver.contract import DigitPressed, FromWorker, LegId, Play, PlayEnded, PlayId, RoomId, SetPlay, StopPlay
from confserver.engine.chorus import Chorus
from confserver.engine.frame import FRAMES, RATES_HZ, Samples
from confserver.engine.reel import Reel
from confserver.engine.resampler import Resampler
from confserver.engine.seats import Seats

PATIENCE = 250
"""Ticks for which a play waits where too much plays in its room."""
LEAST_DB, MOST_DB = -60.0, 20.0
_EDGES = [rate // 200 for rate in RATES_HZ]
"""5 ms in each band: so long a beginning and an end take."""
_UP: list[Samples] = [
    np.minimum(np.arange(1, frame + 1, dtype=np.float32) / edge, 1).astype(np.float32)
    for frame, edge in zip(FRAMES, _EDGES, strict=True)
]
_ALONG: list[Samples] = [(np.arange(1, frame + 1, dtype=np.float32) / frame).astype(np.float32) for frame in FRAMES]


class Stage(Protocol):
    """What the floor does for those that play."""

    def add_source(self, row: int, number: RoomId, leg: int | None) -> bool:
        """Let a row be heard in a room, or by one leg only. False: too much plays there. KeyError: no such room."""
        ...

    def remove_source(self, row: int) -> None: ...

    def duck(self, number: RoomId, leg: int | None, gain: float) -> None: ...


@dataclass(slots=True, eq=False)
class Playing:
    """One play. Positions are in samples of ``band``, in which the reel is read."""

    play: PlayId
    room: RoomId
    leg: LegId | None
    leg_row: int | None
    row: int
    reel: Reel
    band: int
    volume: float
    duck: float
    interruptible: bool
    position: int = 0
    level: float = 0.0
    """Gain at the end of the last frame."""
    is_paused: bool = False
    jump_s: float | None = None
    """Where to go on once it is silent."""
    ending: str = ""
    """Why it ends once it is silent."""
    digit: str = ""
    is_in: bool = False
    """It has a place in the room."""
    patience: int = PATIENCE
    """Ticks for which it still waits for one."""
    resampler: Resampler | None = None
    chorus: Chorus[Playing] | None = None

    @property
    def is_hushed(self) -> bool:
        return self.is_paused or bool(self.ending) or self.jump_s is not None

    @property
    def is_over(self) -> bool:
        frames = self.reel.frames(self.band)
        return frames is not None and self.position >= frames

    @property
    def position_s(self) -> float:
        position = self.chorus.position_of(self) if self.chorus else self.position
        return position / RATES_HZ[self.band]


class Player:
    """All plays of a worker."""

    def __init__(self, seats: Seats, stage: Stage, tell: Callable[[FromWorker], None]) -> None:
        self._seats = seats
        self._stage = stage
        self._tell = tell
        self._plays: dict[PlayId, Playing] = {}
        self._solos: dict[PlayId, Playing] = {}
        """Those that are not in a chorus."""
        self._choruses: dict[tuple[int, int], Chorus[Playing]] = {}
        """By the identity of the track, which the chorus keeps, and the band."""
        self._ducked: dict[tuple[RoomId, int | None], float] = {}

    def __len__(self) -> int:
        return len(self._plays)

    @property
    def count_together(self) -> int:
        """Those in a chorus."""
        return len(self._plays) - len(self._solos)

    # ------------------------------------------------------------------ between ticks
    def play(self, command: Play, reel: Reel, leg_row: int | None) -> None:
        """Begin to play; ``leg_row``: the row of its leg. Raises ValueError for a number that plays already."""
        if command.play in self._plays:
            raise ValueError(f"there is a play {command.play}")
        it = Playing(
            play=command.play, room=command.room, leg=command.leg, leg_row=leg_row, row=self._seats.take(), reel=reel,
            band=reel.band_for(0), volume=_gain(command.volume_db), duck=_gain(-abs(command.duck_db)),
            interruptible=command.interruptible,
        )  # fmt: skip
        it.position = _samples(command.start_s, it.band)
        self._seats.report_due[it.row] = np.inf  # it has no RTCP
        self._plays[it.play] = self._solos[it.play] = it
        self._enter(it)

    def set(self, command: SetPlay) -> None:
        """What is over by now is passed over."""
        it = self._plays.get(command.play)
        if it is None:
            return
        self._alone(it)
        if command.volume_db is not None:
            it.volume = _gain(command.volume_db)
        if command.position_s is not None:
            it.jump_s = max(command.position_s, 0.0)
        if command.paused is not None:
            it.is_paused = command.paused
        self._review_duck(it)

    def stop(self, command: StopPlay) -> None:
        it = self._plays.get(command.play)
        if it is not None:
            self._end(it, "stopped")

    def forget_leg(self, leg: LegId, but_in: RoomId | None = None) -> None:
        """It is gone at once: nobody hears what plays to it; ``but_in``: only to that room, where it hears the rest."""
        for it in [it for it in self._plays.values() if it.leg == leg and it.room != but_in]:
            self._finish(it, "stopped")

    def forget_room(self, room: RoomId) -> None:
        for it in [it for it in self._plays.values() if it.room == room]:
            self._finish(it, "stopped")

    def hear(self, events: Iterable[FromWorker], room_of: Callable[[LegId], RoomId | None]) -> None:
        """Keys that were pressed end what may be interrupted by them. Cheap where nothing plays."""
        if not self._plays:
            return
        for event in events:
            if isinstance(event, DigitPressed):
                room = room_of(event.leg)
                for it in list(self._plays.values()):
                    if it.interruptible and it.room == room and it.leg in (None, event.leg):
                        self._end(it, "interrupted", event.digit)

    # ------------------------------------------------------------------ the tick
    def tick(self) -> None:
        """Write the frames of all plays."""
        for key, chorus in list(self._choruses.items()):
            for singer in chorus.dismissed(self._seats):
                singer.chorus = None
                self._solos[singer.play] = singer
            if chorus.members:
                chorus.sing(self._seats)
            else:
                del self._choruses[key]
        for it in list(self._solos.values()):
            if it.is_in or self._enter(it):
                self._sound(it)

    def _enter(self, it: Playing) -> bool:
        """Find a place in the room. Ends the play where there is none for too long."""
        try:
            it.is_in = self._stage.add_source(it.row, it.room, it.leg_row)
        except KeyError:
            self._finish(it, "failed", f"no room {it.room}")
            return False
        it.patience -= 1
        if it.is_in:
            self._review_duck(it)
        elif it.ending or not it.patience:
            self._finish(it, it.ending or "failed", "" if it.ending else "too much plays in this room")
        return it.is_in

    def _sound(self, it: Playing) -> None:
        """One frame of a play that is alone, or the end of it."""
        band = int(self._seats.band[it.row])
        self._seats.in_band[it.row] = band
        self._follow(it, band)
        out = self._seats.signals[band][it.row]
        if it.level == 0.0:
            if it.jump_s is not None:
                it.position, it.jump_s = _samples(it.jump_s, it.band), None
                it.resampler = None
            if it.ending or it.is_paused:
                out[:] = 0
                if it.ending:
                    self._finish(it, it.ending)
                return
        if it.is_over:
            out[:] = 0
            self._finish(it, "finished")
            return
        self._read(it, band, out)
        goal = 0.0 if it.is_hushed else it.volume
        along = _UP[band] if it.level == 0.0 else _ALONG[band]
        out *= np.float32(it.level) + along * np.float32(goal - it.level)
        it.level = goal
        self._settle(it, band)

    def _follow(self, it: Playing, band: int) -> None:
        """Read in the band that suits the room's, which may have changed."""
        wanted = it.reel.band_for(band)
        if wanted != it.band:
            it.position = it.position * RATES_HZ[wanted] // RATES_HZ[it.band]
            it.band = wanted
        if wanted == band:
            it.resampler = None
        elif it.resampler is None or (it.resampler.from_band, it.resampler.to_band) != (wanted, band):
            it.resampler = Resampler(wanted, band, 1)

    def _read(self, it: Playing, band: int, out: Samples) -> None:
        frame = out if it.resampler is None else np.empty(FRAMES[it.band], np.float32)
        it.reel.read(it.position, it.band, frame)
        frames, edge = it.reel.frames(it.band), _EDGES[it.band]
        if frames is not None and frames - it.position < len(frame) + edge:
            left = np.arange(frames - it.position, frames - it.position - len(frame), -1, dtype=np.float32)
            frame *= np.clip(left / edge, 0, 1)
        it.position = it.reel.wrapped(it.position + len(frame), it.band)
        if it.resampler is not None:
            it.resampler.run(slice(0, 1), frame[None], out[None])

    def _settle(self, it: Playing, band: int) -> None:
        """What goes on as it is goes into the chorus."""
        if it.is_hushed or it.resampler is not None or it.level != it.volume:
            return
        track = it.reel.window(band)
        if track is None:
            return
        chorus = self._choruses.get((id(track), band))
        if chorus is None:
            chorus = Chorus(track, band)
        if chorus.takes(it.position):
            self._choruses[id(track), band] = chorus
            chorus.add(it)
            it.chorus = chorus
            del self._solos[it.play]

    def _alone(self, it: Playing) -> None:
        """Out of the chorus: something about it changes."""
        if it.chorus is not None:
            it.chorus.remove(it)
            it.chorus = None
            self._solos[it.play] = it

    # ------------------------------------------------------------------ the end
    def _end(self, it: Playing, cause: str, digit: str = "") -> None:
        """From the next frame on it fades."""
        if not it.ending:
            self._alone(it)
            it.ending, it.digit = cause, digit
            self._review_duck(it)

    def _finish(self, it: Playing, cause: str, reason: str = "") -> None:
        position_s = it.position_s
        self._alone(it)
        del self._plays[it.play], self._solos[it.play]
        if it.is_in:
            self._stage.remove_source(it.row)
        self._seats.give_back(it.row)
        self._review_duck(it)
        self._tell(PlayEnded(play=it.play, cause=cause, position_s=position_s, digit=it.digit, reason=reason))

    def _review_duck(self, it: Playing) -> None:
        """Others are as soft as the most demanding of those that sound wants it."""
        key = it.room, it.leg_row
        here = [each for each in self._plays.values() if (each.room, each.leg_row) == key and each.is_in]
        gain = min((each.duck for each in here if not each.is_paused and not each.ending), default=1.0)
        if self._ducked.get(key, 1.0) != gain:
            self._stage.duck(*key, gain)
            self._ducked[key] = gain
        if gain == 1.0:
            self._ducked.pop(key, None)


def _gain(level_db: float) -> float:
    return float(10 ** (min(max(level_db, LEAST_DB), MOST_DB) / 20))


def _samples(seconds: float, band: int) -> int:
    return round(max(seconds, 0.0) * RATES_HZ[band])
