"""Rooms inside a worker: who is in which, at what rate it is mixed, and who of its members has the floor."""

from __future__ import annotations

from confserver.contract import RoomSound
from confserver.engine.frame import NARROW, band_of
from confserver.engine.mixer import MOST_TALKERS, NOBODY, Mixer
from confserver.engine.mixes import Mixes
from confserver.engine.room import LOWER_AFTER, Room
from confserver.engine.seats import Seats

_LOUDER = 4.0
"""A newcomer must be 6 dB louder than the quietest talker to take the last place from him."""
_FADE = {1.0: 0.5, 0.5: 0.0}
"""A talker who leaves fades over two frames."""


class Floor(Mixes):
    """All rooms of a worker."""

    def __init__(self, seats: Seats, mixers: list[Mixer]) -> None:
        super().__init__(seats, mixers)
        self._fading: dict[int, Room] = {}
        self._moving: list[Room] = []
        self._lowering: dict[int, Room] = {}
        self._levelled: set[int] = set()
        self._denoised: set[int] = set()
        self.renamed: list[tuple[int, int, int, int]] = []
        """Mixes that have gone to another band since the engine looked: band and number before and now."""

    def open(self, number: int, sound: RoomSound) -> None:
        if number not in self.rooms:
            self.rooms[number] = Room(number, sound, min(sound.talkers, MOST_TALKERS - 4), pans=self.pans)
            self._note_treatment(number, sound)
            self.review_rate(number)

    def _note_treatment(self, number: int, sound: RoomSound) -> None:
        (self._levelled.add if sound.levelling else self._levelled.discard)(number)
        (self._denoised.add if sound.denoise else self._denoised.discard)(number)

    def set_sound(self, number: int, sound: RoomSound) -> None:
        room = self.rooms.get(number)
        if room is None:
            return
        room.sound, room.most_talkers = sound, min(sound.talkers, MOST_TALKERS - 4)
        for mix in room.all_mixes():
            self._mixer(room).with_noise[mix] = sound.comfort_noise and mix != room.tap
        self._note_treatment(number, sound)
        self._apply(room)
        self.review_rate(number)

    def close(self, number: int) -> None:
        room = self.rooms.pop(number, None)
        if room is None:
            return
        for row in list(room.guests):
            self._drop_guest(row, room)
        for row in room.members | room.players.keys():
            self._seats.mix[row] = NOBODY
            self._seats.talks[row] = False
            self.room_of.pop(row, None)
            self._fading.pop(row, None)
        for mix in room.all_mixes():
            self._mixer(room).close(mix)
        self._lowering.pop(number, None)
        self._note_treatment(number, RoomSound())
        self._moving = [each for each in self._moving if each is not room]

    def join(self, row: int, number: int) -> None:
        """Raises KeyError where there is no such room."""
        room = self.rooms[number]
        room.members.add(row)
        self.room_of[row] = room
        self._seats.band[row] = room.band

    def depart(self, row: int) -> None:
        """The leg is about to leave: what it says, and what it hears, comes to zero within the next frame."""
        room = self.room_of[row]
        room.wishes.forget(row)
        mix = self._private_mix(room, row)
        self._set_gains(room, mix, {})
        self._listen(row, mix)
        self._apply(room)
        for other in self.abroad.get(row, ()):
            other.wishes.forget(row)
            self._apply(other)

    def leave(self, row: int) -> None:
        """The leg is gone for good; whoever wants a soft end lets it fade first."""
        room = self.room_of.pop(row, None)
        if room is None:
            return
        for place in (room.members, room.audible, room.talkers, room.fading):
            place.discard(row)
        self._fading.pop(row, None)
        for other in list(self.abroad.get(row, ())):
            other.wishes.forget(row)
            self._drop_guest(row, other)
        room.wishes.forget(row)
        room.ducked.pop(row, None)
        for mix in room.all_mixes():
            self._mixer(room).dismiss(mix, row)
        if row in room.private:
            self._close_private(room, row)
        self.switched.pop(row, None)
        self.review_rate(room.number)

    def levelled(self) -> list[Room]:
        """Those whose voices are to be brought nearer to each other."""
        return [self.rooms[number] for number in self._levelled]

    def denoised(self) -> list[Room]:
        """The rooms in which noise is taken out of voices."""
        return [self.rooms[number] for number in self._denoised]

    # ------------------------------------------------------------------ the rate of a room
    def review_rate(self, number: int) -> None:
        """Members have come, gone or changed their formats: up at once, down after a while."""
        room = self.rooms.get(number)
        if room is None:
            return
        wanted = self._wanted_band(room)
        now = room.band if room.next_band is None else room.next_band
        self._lowering.pop(number, None)
        if wanted > now or (wanted != now and (room.sound.rate_hz or not room.members)):
            self._go_to(room, wanted)
        elif wanted < now:
            room.lower_in = LOWER_AFTER
            self._lowering[number] = room

    def _wanted_band(self, room: Room) -> int:
        """The highest rate that at least two can use, within what the room may have; that of a single member."""
        if room.sound.rate_hz:
            return band_of(room.sound.rate_hz)
        bands = sorted((int(self._seats.out_band[row]) for row in room.members), reverse=True)
        return min(bands[min(1, len(bands) - 1)], band_of(room.sound.max_rate_hz)) if bands else NARROW

    def _go_to(self, room: Room, band: int) -> None:
        if room not in self._moving:
            self._moving.append(room)
        room.next_band = band

    def change_rates(self) -> None:
        """Before the mix of each tick: rooms whose sound has come to zero change, others are told to come to zero."""
        for number, room in list(self._lowering.items()):
            room.lower_in -= 1
            if room.lower_in <= 0:
                del self._lowering[number]
                self._go_to(room, self._wanted_band(room))
        if not self._moving:
            return
        waiting: list[Room] = []
        for room in self._moving:
            mixer = self._mixer(room)
            if any(mixer.sounds(mix) for mix in room.all_mixes()):
                for mix in room.all_mixes():
                    mixer.hush(mix)
                waiting.append(room)
            else:
                self._move(room)
        self._moving = waiting

    def _move(self, room: Room) -> None:
        """All mixes of a room go to another band."""
        old, band = self._mixer(room), room.band if room.next_band is None else room.next_band
        room.next_band = None
        if band == room.band:
            self._apply(room)
            return
        before = room.band
        room.band = band
        numbers = {mix: self._open_mix(room) for mix in room.all_mixes()}
        room.mixes = [numbers[mix] for mix in room.mixes]
        room.wide = [numbers[mix] for mix in room.wide]
        room.private = {row: numbers[mix] for row, mix in room.private.items()}
        room.rights = {numbers[left]: numbers[right] for left, right in room.rights.items()}
        for left, right in room.rights.items():
            self._mixer(room).right[left] = right
        if room.tap is not None:
            room.tap = numbers[room.tap]
            self._mixer(room).with_noise[room.tap] = False
        for row in room.members | room.players.keys():
            self._seats.band[row] = band
            self._seats.mix[row] = numbers.get(int(self._seats.mix[row]), NOBODY)
            self.switched.pop(row, None)
        for mix, new in numbers.items():
            self._mixer(room).limit[new] = old.limit[mix]
            self.renamed.append((before, mix, band, new))
            old.close(mix)
        self._apply(room)

    # ------------------------------------------------------------------ the floor
    def enter(self, row: int) -> bool:
        """Somebody begins to talk. False where louder ones have all places, but for who speaks to other rooms."""
        room = self.room_of.get(row)
        if room is None:
            return False
        abroad = self.abroad.get(row, ())
        if not abroad and row not in room.fading and len(room.talkers) + len(room.fading) >= MOST_TALKERS:
            return False
        if not abroad and len(room.talkers) >= room.most_talkers and not self._make_place(room, row):
            return False
        room.fading.discard(row)
        self._fading.pop(row, None)
        room.talkers.add(row)
        self._seats.talks[row] = True
        self._seats.envelope[row] = 1
        for each in (room, *abroad):
            for mix in each.all_mixes():
                self._mixer(each).admit(mix, row)
        return True

    def _make_place(self, room: Room, row: int) -> bool:
        """Take the place of the quietest, if he is so much quieter; who is muted everywhere counts as silent."""
        if not room.talkers or row not in room.audible:
            return False
        energy = self._seats.energy
        others = room.talkers - self.abroad.keys()
        loudness = {talker: float(energy[talker]) * (talker in room.audible) for talker in others}
        if not loudness:
            return False
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
            for each in (room, *self.abroad.get(row, ())):
                for mix in each.all_mixes():
                    self._mixer(each).dismiss(mix, row)
            done.append(row)
        if self._parting:
            self.part()
        return done
