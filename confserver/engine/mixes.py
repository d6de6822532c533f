"""The mixes of the rooms inside a worker: what is in each, and who of their members listens to which."""

from __future__ import annotations

from confserver.engine.mixer import MOST_PLAYERS, Mixer
from confserver.engine.room import Gains, Room, Wishes
from confserver.engine.seats import Seats


class Mixes:
    """Those of all rooms: what ``rooms.hearing`` wishes, brought to the mixers."""

    def __init__(self, seats: Seats, mixers: list[Mixer]) -> None:
        self._seats = seats
        self._mixers = mixers
        self.rooms: dict[int, Room] = {}
        self.room_of: dict[int, Room] = {}
        self.switched: dict[int, int] = {}
        """Rows whose mix has changed since the engine looked, with the mix before."""
        self.pans: dict[int, float] = {}
        """Rows that are heard where somebody has placed them, -1 left to 1 right, whichever room they are in."""
        self.abroad: dict[int, list[Room]] = {}
        """Rows that are heard in other rooms than their own, and in which."""
        self._parting: list[tuple[int, Room]] = []
        """Those that are heard there no more: they fade in this frame, then they are gone."""

    def _mixer(self, room: Room) -> Mixer:
        return self._mixers[room.band]

    # ------------------------------------------------------------------ who hears whom
    def set_hearing(self, number: int, wishes: Wishes) -> None:
        """Give every listener a mix."""
        room = self.rooms[number]
        room.wishes = wishes
        self._set_guests(room, wishes.guests)
        heard = (*wishes.mixes, *wishes.exceptions.values())
        room.audible = {row for gains in heard for row, gain in gains.items() if gain}
        self._apply(room)

    def _set_guests(self, room: Room, rows: set[int]) -> None:
        """Who talks in another room and is heard here: beside the room's own talkers, however many these are."""
        for row in rows - room.guests.keys():
            room.guests[row] = self.room_of[row]
            self.abroad.setdefault(row, []).append(room)
            if row in room.sounding():
                for mix in room.all_mixes():
                    self._mixer(room).admit(mix, row)
        self._parting += [(row, room) for row in room.guests.keys() - rows]
        self._note_guests()

    def _note_guests(self) -> None:
        for mixer in self._mixers:
            mixer.has_guests = bool(self.abroad)

    def part(self) -> None:
        """After the tick: who was to be heard elsewhere no more has faded there."""
        parting, self._parting = self._parting, []
        for row, room in parting:
            if row not in room.wishes.guests:
                self._drop_guest(row, room)

    def _drop_guest(self, row: int, room: Room) -> None:
        if room.guests.pop(row, None) is None:
            return
        self.abroad[row].remove(room)
        if not self.abroad[row]:
            del self.abroad[row]
        for mix in room.all_mixes():
            self._mixer(room).dismiss(mix, row)
        self._note_guests()

    def guest_bands(self) -> list[tuple[int, int]]:
        """Rows that are heard in other rooms, and the bands of these."""
        return [(row, room.band) for row, rooms in self.abroad.items() for room in rooms]

    def _apply(self, room: Room) -> None:
        """Bring mixes and listeners to what is wished."""
        mixer, wishes = self._mixer(room), room.wishes
        while len(room.mixes) < len(wishes.mixes):
            room.mixes.append(self._open_mix(room))
        if any(self._is_stereo(room, row) for row in wishes.listeners):
            while len(room.wide) < len(wishes.mixes):
                room.wide.append(self._open_pair(room))
        for mix, gains in room.shared():
            self._set_gains(room, mix, gains)
        if room.tap is not None:
            mixer.set_gains(room.tap, room.with_players(room.everybody(), None))
        for row, index in wishes.listeners.items():
            self._listen(row, self._mix_for(room, row, index))
        mixer.stale = True

    def hears_two(self, row: int) -> bool:
        """Whether a leg hears two channels: it can, and its room is placed from left to right."""
        room = self.room_of.get(row)
        return room is not None and self._is_stereo(room, row)

    def _is_stereo(self, room: Room, row: int) -> bool:
        return room.sound.stereo and self._seats.out_channels[row] == 2

    def _set_gains(self, room: Room, mix: int, gains: Gains) -> None:
        """Of one mix, or of the two beside each other."""
        mixer, right = self._mixer(room), room.rights.get(mix)
        if right is None:
            mixer.set_gains(mix, gains)
            return
        sides = {row: room.side_of(row) for row in gains}
        mixer.set_gains(mix, {row: gain * sides[row][0] for row, gain in gains.items()})
        mixer.set_gains(right, {row: gain * sides[row][1] for row, gain in gains.items()})

    def place(self, row: int, pan: float | None) -> None:
        """None: where the room places it."""
        if self.pans.get(row) == pan:
            return
        if pan is None:
            del self.pans[row]
        else:
            self.pans[row] = min(max(pan, -1.0), 1.0)
        room = self.room_of.get(row)
        if room is not None and room.rights:
            self._apply(room)

    def _mix_for(self, room: Room, row: int, index: int) -> int:
        """The room's mix of that index, or a private one where something sounds different for this listener alone."""
        exceptions = room.wishes.exceptions.get(row, {})
        is_stereo = self._is_stereo(room, row)
        if not exceptions and row not in room.ducked and row not in room.players.values():
            return room.wide[index] if is_stereo else room.mixes[index]
        mix = self._private_mix(room, row)
        self._set_gains(room, mix, room.own(row, index, exceptions))
        return mix

    def _listen(self, row: int, mix: int) -> None:
        before = int(self._seats.mix[row])
        if before != mix:
            self.switched.setdefault(row, before)
            self._seats.mix[row] = mix

    def _private_mix(self, room: Room, row: int) -> int:
        """His own, in which all sounds as it did to him."""
        is_stereo = self._is_stereo(room, row)
        if row in room.private and is_stereo != (room.private[row] in room.rights):
            self._close_private(room, row)
        if row not in room.private:
            room.private[row] = self._open_pair(room) if is_stereo else self._open_mix(room)
            self._carry_over(room, int(self._seats.mix[row]), room.private[row])
        return room.private[row]

    def _carry_over(self, room: Room, old: int, new: int) -> None:
        mixer = self._mixer(room)
        mixer.carry_over(old, new)
        if new in room.rights:
            mixer.carry_over(room.rights.get(old, old), room.rights[new])

    def _close_private(self, room: Room, row: int) -> None:
        mix = room.private.pop(row)
        right = room.rights.pop(mix, None)
        for each in (mix,) if right is None else (mix, right):
            self._mixer(room).close(each)

    def _open_pair(self, room: Room) -> int:
        """Two mixes beside each other, for two ears."""
        left, right = self._open_mix(room), self._open_mix(room)
        room.rights[left] = self._mixer(room).right[left] = right
        return left

    def _open_mix(self, room: Room) -> int:
        mixer = self._mixer(room)
        mix = mixer.open()
        mixer.with_noise[mix] = room.sound.comfort_noise
        for row in room.sounding():
            mixer.admit(mix, row)
        return mix

    def close_unused(self) -> None:
        """Close the private mixes that nobody listens to any more."""
        for room in self.rooms.values():
            for row, mix in list(room.private.items()):
                if self._seats.mix[row] != mix:
                    self._close_private(room, row)

    # ------------------------------------------------------------------ players and recorders
    def add_source(self, row: int, number: int, leg: int | None) -> bool:
        """What this row says is in all mixes of a room, or in what one member hears, from the next frame on.

        False where too much plays there already. Raises KeyError where there is no such room.
        """
        room = self.rooms[number]
        if len(room.players) >= MOST_PLAYERS:
            return False
        room.players[row] = leg
        self.room_of[row] = room
        self._seats.band[row] = room.band
        self._seats.envelope[row] = 1
        for mix in room.all_mixes():
            self._mixer(room).admit(mix, row)
        self._apply(room)
        return True

    def remove_source(self, row: int) -> None:
        """Its sound has come to an end by itself."""
        room = self.room_of.pop(row, None)
        if room is None:
            return
        room.players.pop(row, None)
        for mix in room.all_mixes():
            self._mixer(room).dismiss(mix, row)
        self._apply(room)

    def duck(self, number: int, leg: int | None, gain: float) -> None:
        """All voices are so much softer to one member, or to everybody; 1.0: as they are."""
        room = self.rooms.get(number)
        if room is None:
            return
        if gain == 1.0:
            room.ducked.pop(leg, None)
        else:
            room.ducked[leg] = gain
        self._apply(room)

    def add_tap(self, number: int) -> None:
        """Let there be a mix of everybody, which is recorded: the room's ``tap``."""
        room = self.rooms[number]
        if room.tap is None:
            room.tap = self._open_mix(room)
            self._mixer(room).with_noise[room.tap] = False
            self._apply(room)

    def drop_tap(self, number: int) -> None:
        room = self.rooms.get(number)
        if room is not None and room.tap is not None:
            self._mixer(room).close(room.tap)
            room.tap = None
