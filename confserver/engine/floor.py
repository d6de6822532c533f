"""Rooms inside a worker: which mixes a room has, who listens to which, who of its members has the floor."""

from __future__ import annotations

from dataclasses import dataclass, field

from confserver.engine.mixer import NOBODY, SLOTS, Mixer
from confserver.engine.seats import Seats

_LOUDER = 4.0
"""A newcomer must be 6 dB louder than the quietest talker to take the last place from him."""
_FADE = {1.0: 0.5, 0.5: 0.0}
"""A talker who leaves fades over two frames."""


@dataclass(slots=True)
class Room:
    """One room: its mixes by index, as ``SetHearing`` numbers them, and those private to one listener."""

    number: int
    most_talkers: int
    mixes: list[int] = field(default_factory=list)
    private: dict[int, int] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)
    audible: set[int] = field(default_factory=set)
    """Who has a gain in some mix; the others speak only to be seen speaking."""
    talkers: set[int] = field(default_factory=set)
    fading: set[int] = field(default_factory=set)

    def all_mixes(self) -> list[int]:
        return [*self.mixes, *self.private.values()]


@dataclass(slots=True)
class Wishes:
    """Who hears whom in one room, in rows of seats."""

    mixes: list[dict[int, float]]
    listeners: dict[int, int]
    exceptions: dict[int, dict[int, float]]


class Floor:
    """All rooms of a worker."""

    def __init__(self, seats: Seats, mixer: Mixer) -> None:
        self._seats = seats
        self._mixer = mixer
        self.rooms: dict[int, Room] = {}
        self.room_of: dict[int, Room] = {}
        self._fading: dict[int, Room] = {}

    def open(self, number: int, most_talkers: int) -> None:
        self.rooms.setdefault(number, Room(number, min(most_talkers, SLOTS - 4)))

    def close(self, number: int) -> None:
        room = self.rooms.pop(number, None)
        if room is None:
            return
        for row in room.members:
            self._seats.mix[row] = NOBODY
            self._seats.talks[row] = False
            self.room_of.pop(row, None)
            self._fading.pop(row, None)
        for mix in room.all_mixes():
            self._mixer.close(mix)

    def join(self, row: int, number: int) -> None:
        """Raises KeyError where there is no such room."""
        room = self.rooms[number]
        room.members.add(row)
        self.room_of[row] = room

    def leave(self, row: int) -> None:
        """The leg is gone for good; whoever wants a soft end lets it fade first."""
        room = self.room_of.pop(row, None)
        if room is None:
            return
        room.members.discard(row)
        room.audible.discard(row)
        room.talkers.discard(row)
        room.fading.discard(row)
        self._fading.pop(row, None)
        for mix in room.all_mixes():
            self._mixer.dismiss(mix, row)
        if row in room.private:
            self._mixer.close(room.private.pop(row))

    # ------------------------------------------------------------------ who hears whom
    def set_hearing(self, number: int, wishes: Wishes) -> dict[int, int]:
        """Give every listener a mix. Returns the rows whose mix is another now, with the mix before."""
        room = self.rooms[number]
        while len(room.mixes) < len(wishes.mixes):
            room.mixes.append(self._open_mix(room))
        for mix, gains in zip(room.mixes, wishes.mixes, strict=False):
            self._mixer.set_gains(mix, gains)
        heard = (*wishes.mixes, *wishes.exceptions.values())
        room.audible = {row for gains in heard for row, gain in gains.items() if gain}
        switched: dict[int, int] = {}
        for row, index in wishes.listeners.items():
            mix = self._mix_for(room, row, index, wishes)
            if self._seats.mix[row] != mix:
                switched[row] = int(self._seats.mix[row])
                self._seats.mix[row] = mix
        self._mixer.stale = True
        return switched

    def _mix_for(self, room: Room, row: int, index: int, wishes: Wishes) -> int:
        """The room's mix of that index, or a private one where something sounds different for this listener alone."""
        exceptions = wishes.exceptions.get(row)
        if not exceptions:
            return room.mixes[index]
        if row not in room.private:
            room.private[row] = self._open_mix(room)
            self._mixer.carry_over(int(self._seats.mix[row]), room.private[row])
        self._mixer.set_gains(room.private[row], {**wishes.mixes[index], **exceptions})
        return room.private[row]

    def _open_mix(self, room: Room) -> int:
        mix = self._mixer.open()
        for row in room.talkers | room.fading:
            self._mixer.admit(mix, row)
        return mix

    def close_unused(self) -> None:
        """Close the private mixes that nobody listens to any more."""
        for room in self.rooms.values():
            for row, mix in list(room.private.items()):
                if self._seats.mix[row] != mix:
                    self._mixer.close(room.private.pop(row))

    # ------------------------------------------------------------------ the floor
    def enter(self, row: int) -> bool:
        """Somebody begins to talk. False where louder ones have all places."""
        room = self.room_of.get(row)
        if room is None:
            return False
        if row not in room.fading and len(room.talkers) + len(room.fading) >= SLOTS:
            return False
        if len(room.talkers) >= room.most_talkers and not self._make_place(room, row):
            return False
        room.fading.discard(row)
        self._fading.pop(row, None)
        room.talkers.add(row)
        self._seats.talks[row] = True
        self._seats.envelope[row] = 1
        for mix in room.all_mixes():
            self._mixer.admit(mix, row)
        return True

    def _make_place(self, room: Room, row: int) -> bool:
        """Take the place of the quietest, if he is so much quieter; who is muted everywhere counts as silent."""
        if not room.talkers or row not in room.audible:
            return False
        energy = self._seats.energy
        loudness = {talker: float(energy[talker]) * (talker in room.audible) for talker in room.talkers}
        quietest = min(loudness, key=loudness.__getitem__)
        if energy[row] < _LOUDER * loudness[quietest]:
            return False
        self.fade(quietest)
        return True

    def fade(self, row: int) -> None:
        """Somebody has stopped talking, or has lost his place: he fades out from the next frame on."""
        self._seats.talks[row] = False
        room = self.room_of.get(row)
        if room is not None and row in room.talkers:
            room.talkers.discard(row)
            room.fading.add(row)
            self._fading[row] = room

    def step(self) -> list[int]:
        """One frame more of every fade. Gives the rows that are silent now."""
        done: list[int] = []
        for row in list(self._fading):
            envelope = float(self._seats.envelope[row])
            if envelope > 0:
                self._seats.envelope[row] = _FADE.get(envelope, 0.0)
                continue
            room = self._fading.pop(row)
            room.fading.discard(row)
            for mix in room.all_mixes():
                self._mixer.dismiss(mix, row)
            done.append(row)
        return done
