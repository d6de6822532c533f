"""Somebody who speaks to other rooms: heard there as he is, without an echo for himself, a click or a gap."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    MixSources,
    MoveLeg,
    OpenRoom,
    Record,
    RoomSound,
    SetHearing,
    SetRoom,
)
from confserver.engine.seats import SILENT
from tests.engine.desk import Desk
from tests.engine.ears import hears, listened
from tests.engine.hall import Hall, Phone, level_db, silence, steepest, tone

LEVEL = 20 * np.log10(0.2)
ROUGH = 0.016
"""Of G.711: its coarsest step at this level."""


def step_of(hz: float, amplitude: float = 0.2) -> float:
    return amplitude * 2 * np.pi * hz / 8000


class House(Hall):
    """A main room, number 1, and two breakout rooms; ``abroad``: who of the main room speaks to which others."""

    def __init__(self, talkers: int = 8, rates: tuple[int | None, int | None] = (None, None), **more: object) -> None:
        super().__init__(talkers, **more)
        for room, rate in zip((2, 3), rates, strict=True):
            sound = RoomSound(talkers=talkers, comfort_noise=False, **({"rate_hz": rate} if rate else {}))
            self.engine.open_room(OpenRoom(room=room, sound=sound))
        self.where: dict[int, int] = {}
        self.abroad: dict[int, tuple[int, ...]] = {}
        self.desks: dict[int, Desk] = {}

    def seat(self, room: int, says: np.ndarray, codec: str = "PCMU", **more: object) -> Phone:
        phone = self.add(says, codec, **more)
        if room != 1:
            self.engine.move_leg(MoveLeg(leg=phone.leg, room=room))
            self.where[phone.leg] = room
            self.hear_all()
        return phone

    def hear_all(self, **more: object) -> None:
        for room in (1, 2, 3):
            legs = [phone.leg for phone in self.phones if self.where.setdefault(phone.leg, 1) == room]
            guests = [leg for leg, to in self.abroad.items() if room in to]
            heard = legs + guests
            mixes = [MixSources(legs=[], gains=[]), MixSources(legs=heard, gains=[1.0] * len(heard))]
            listeners = [(leg, 1) for leg in legs]
            self.engine.set_hearing(SetHearing(room=room, mixes=mixes, listeners=listeners, guests=guests))

    def speak(self, phone: Phone, *rooms: int) -> None:
        self.abroad = {**self.abroad, phone.leg: rooms}
        self.hear_all()

    def record(self, room: int) -> Desk:
        self.engine.recorder.start(Record(record=room, room=room, socket=""))
        self.desks[room] = Desk()
        return self.desks[room]

    def tick(self, elapsed: int = 1) -> None:
        super().tick(elapsed)
        if self.desks:
            [(_, desk)] = self.desks.items()
            desk.take(self.engine)


def heard(phone: Phone, hz: float, start: float, end: float | None = None) -> float:
    return level_db(phone.sound(start, end), hz)


@pytest.mark.parametrize("codec", ["PCMU", "G722", "opus"])
def test_he_is_heard_in_every_room_as_loud_as_he_is_and_hears_only_his_own(codec: str) -> None:
    house = House()
    host = house.seat(1, tone(410, 4, rate=16000 if codec != "PCMU" else 8000), codec)
    stays, first, second = house.seat(1, silence(4)), house.seat(2, tone(730, 4)), house.seat(3, tone(1170, 4))
    quiet = house.seat(2, silence(4))
    house.run(1)
    assert heard(first, 410, 0.4) < -60
    house.speak(host, 2, 3)
    house.run(1)
    for listener in (stays, first, second, quiet):
        assert heard(listener, 410, 1.2) == pytest.approx(LEVEL, abs=0.7)
    assert heard(quiet, 730, 1.2) == pytest.approx(LEVEL, abs=0.5), "the others of his room as before"
    for hz in (410, 730, 1170):
        assert heard(host, hz, 1.2) < -60, "neither himself nor the rooms to which he speaks"
    assert heard(first, 1170, 1.2) < -60 and heard(second, 730, 1.2) < -60, "nor these one another"


def test_nobody_s_own_voice_comes_back() -> None:
    """Residue below -60 dB of full scale, of him in his room and of who talks at the same time in another."""
    house = House()
    host, other = house.seat(1, tone(410, 6, 0.4)), house.seat(1, tone(950, 6, 0.3))
    talker = house.seat(2, tone(730, 6, 0.4))
    house.speak(host, 2, 3)
    house.run(3)
    assert heard(host, 410, 1) < -60 and heard(talker, 730, 1) < -60
    assert heard(talker, 410, 1) == pytest.approx(20 * np.log10(0.4), abs=0.5)
    assert heard(host, 950, 1) == pytest.approx(20 * np.log10(0.3), abs=0.5)
    assert heard(other, 410, 1) == pytest.approx(20 * np.log10(0.4), abs=0.5)


def test_the_residue_is_the_same_with_and_without() -> None:
    """Sample for sample what he hears in his own room."""
    sounds = []
    for speaks in (False, True):
        house = House()
        host, _ = house.seat(1, tone(410, 3)), house.seat(1, tone(730, 3))
        house.seat(2, silence(3))
        house.run(0.5)
        if speaks:
            house.speak(host, 2)
        house.run(2)
        sounds.append(host.sound())
    assert np.array_equal(*sounds)


def test_beginning_and_end_are_no_click_and_no_gap() -> None:
    house = House()
    host, listener, talker = house.seat(1, tone(150, 9)), house.seat(2, silence(9)), house.seat(2, tone(150, 9))
    house.run(1)
    for number in range(20):
        house.speak(host, *((2, 3) if number % 2 == 0 else ()))
        house.run(0.2)
    assert steepest(listener.sound(0.5)) < 2 * step_of(150) + 2 * ROUGH
    assert steepest(talker.sound(0.5)) < step_of(150) + ROUGH
    assert len(listener.heard) == len(talker.heard) == len(host.heard), "a packet each tick"
    frames = np.abs(listener.sound(0.5).reshape(-1, 160)).max(axis=1)
    assert (frames > 0.05).all(), "the talker of the room is never cut"
    assert house.engine.floor.abroad == {} and not house.engine.floor.rooms[2].guests


def test_a_spurt_that_begins_meanwhile_loses_nothing() -> None:
    """His first word is in the other room in the same frame as in his own."""
    house = House()
    says = np.concatenate((silence(1.5), tone(410, 1), silence(1.5), tone(410, 1)))
    host, here, there = house.seat(1, says), house.seat(1, silence(5)), house.seat(2, silence(5))
    house.speak(host, 2)
    house.run(5)
    assert np.array_equal(here.sound(), there.sound())
    assert heard(there, 410, 4.2, 4.8) == pytest.approx(LEVEL, abs=0.5)


def test_the_loudest_of_a_room_do_not_keep_him_out() -> None:
    """Neither those of the room where he is heard nor those of his own."""
    house = House(talkers=2)
    loud = [house.seat(room, tone(500 + 90 * place, 6, 0.3)) for room in (1, 2) for place in range(2)]
    host = house.seat(1, tone(1630, 6, 0.02))
    listener, mate = house.seat(2, silence(6)), house.seat(1, silence(6))
    house.run(1)
    assert heard(mate, 1630, 0.5) < -55, "without that the loudest two have all places"
    house.speak(host, 2)
    house.run(2)
    for each in (listener, mate):
        assert heard(each, 1630, 1.5, 2.9) == pytest.approx(20 * np.log10(0.02), abs=1.5)
    assert heard(listener, 500, 1.5, 2.9) == pytest.approx(20 * np.log10(0.3), abs=0.5)
    house.seat(1, tone(1900, 6, 0.9))
    house.run(1)
    assert heard(mate, 1630, 3.3) == pytest.approx(20 * np.log10(0.02), abs=2), "nor who comes later and is louder"
    assert len(loud) == 4


@pytest.mark.parametrize(("home", "away"), [(8000, 16000), (16000, 48000), (48000, 8000)])
def test_rooms_of_other_rates(home: int, away: int) -> None:
    """Two at once, from a room of one rate to rooms of others; nobody is taken for a member of a mix by its number."""
    house = House(rates=(away, 16000))
    house.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=home, comfort_noise=False)))
    wide = house.seat(1, tone(410, 5, rate=16000), "opus")
    narrow = house.seat(1, tone(620, 5))
    listeners = [house.seat(2, silence(5)), house.seat(3, silence(5))]
    opus = house.seat(2, silence(5), changes=hears("opus"))
    house.run(0.5)
    house.speak(wide, 2, 3)
    house.speak(narrow, 2, 3)
    house.run(2.5)
    for listener in listeners:
        for hz in (410, 620):
            assert heard(listener, hz, 1, 2.9) == pytest.approx(LEVEL, abs=0.9)
        assert steepest(listener.sound(1)) < step_of(410) + step_of(620) + 0.03
    assert level_db(listened(opus, "opus", 8000)[8000:], 410) == pytest.approx(LEVEL, abs=1.5)
    assert heard(wide, 410, 1) < -50 and heard(narrow, 620, 1) < -60
    assert heard(wide, 620, 1) == pytest.approx(LEVEL, abs=0.9)


def test_a_room_that_changes_its_rate_goes_on_hearing_him() -> None:
    house = House()
    host, listener = house.seat(1, tone(410, 6)), house.seat(2, silence(6))
    house.speak(host, 2)
    house.run(1)
    house.engine.set_room(SetRoom(room=2, sound=RoomSound(rate_hz=48000, comfort_noise=False)))
    house.run(1)
    house.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=16000, comfort_noise=False)))
    house.run(1)
    for start in (0.3, 1.3, 2.3):
        assert heard(listener, 410, start, start + 0.6) == pytest.approx(LEVEL, abs=0.9)
    assert heard(host, 410, 0.5) < -60


def test_it_is_recorded_in_each_room_and_has_no_track_there() -> None:
    house = House()
    host, other = house.seat(1, tone(410, 4)), house.seat(2, tone(730, 4))
    desk = house.record(2)
    house.run(1)
    house.speak(host, 2)
    house.run(2)
    mix = desk.track(None)
    assert level_db(mix[12000:], 410) == pytest.approx(LEVEL, abs=0.5)
    assert level_db(mix[:7200], 410) < -60
    assert desk.legs() == {other.leg}


def test_stereo_hears_him_in_the_middle() -> None:
    house = House()
    house.engine.set_room(SetRoom(room=2, sound=RoomSound(stereo=True, comfort_noise=False)))
    host, _ = house.seat(1, tone(410, 4)), house.seat(2, silence(4))
    ears = house.seat(2, silence(4), changes=hears("opus", stereo=True, bitrate=64000))
    house.speak(host, 2)
    house.run(0.5)
    room = house.engine.floor.rooms[2]
    assert room.side_of(house.row(host)) == (1.0, 1.0) and room.wide and ears.heard


# ------------------------------------------------------------------ who goes
def test_who_hangs_up_fades_and_leaves_nothing_behind() -> None:
    house = House()
    host, listener = house.seat(1, tone(150, 4)), house.seat(2, silence(4))
    house.speak(host, 2, 3)
    house.run(1)
    house.engine.close_leg(CloseLeg(leg=host.leg), house.now)
    house.phones.remove(host)
    house.abroad = {}
    house.hear_all()
    house.run(1)
    assert steepest(listener.sound(0.5)) < step_of(150) + ROUGH and heard(listener, 150, 1.2) < -60
    assert house.engine.floor.abroad == {} and not any(mixer.has_guests for mixer in house.engine.outgoing.mixers)
    assert all((mixer.seat == SILENT).all() for mixer in house.engine.outgoing.mixers)


def test_a_leg_that_is_gone_before_the_rooms_say_so() -> None:
    """SetHearing still names it: it is passed over, and its row may be another's by now."""
    house = House()
    host, listener = house.seat(1, tone(150, 4)), house.seat(2, silence(4))
    house.speak(host, 2)
    house.run(1)
    house.engine.close_leg(CloseLeg(leg=host.leg), house.now)
    house.run(0.5)
    late = house.seat(1, tone(700, 4))
    house.run(0.5)
    assert heard(listener, 700, 1.6) < -60 and heard(listener, 150, 1.6) < -60
    assert house.engine.floor.abroad == {} and late.leg != host.leg


def test_who_moves_to_a_room_that_hears_him_is_heard_there_all_along() -> None:
    house = House()
    host, listener = house.seat(1, tone(150, 4)), house.seat(2, silence(4))
    house.speak(host, 2, 3)
    house.run(1)
    house.where[host.leg], house.abroad = 2, {}
    house.engine.move_leg(MoveLeg(leg=host.leg, room=2))
    house.hear_all()
    house.run(1)
    sound = listener.sound(0.5)
    assert steepest(sound) < step_of(150) + ROUGH
    loud = np.abs(sound.reshape(-1, 160)).max(axis=1) > 0.01
    assert not (~loud[:-1] & ~loud[1:]).any(), "never two frames of silence"
    assert heard(host, 150, 1.2) < -60 and house.engine.floor.abroad == {}


@pytest.mark.parametrize("room", [1, 2])
def test_a_room_that_closes(room: int) -> None:
    """His own, or one where he is heard."""
    house = House()
    host, listener, third = house.seat(1, tone(410, 4)), house.seat(2, silence(4)), house.seat(3, silence(4))
    house.speak(host, 2, 3)
    house.run(1)
    house.engine.close_room(CloseRoom(room=room), house.now)
    house.run(1)
    assert set(house.engine.floor.rooms) == {1, 2, 3} - {room}
    assert (heard(third, 410, 1.2) > -20) == (room == 2) and len(third.heard) == 100
    assert set(house.engine.floor.abroad) == ({house.row(host)} if room == 2 else set()) and listener.heard


def test_a_leg_of_no_room_here_is_passed_over() -> None:
    house = House()
    listener = house.seat(2, silence(2))
    mixes = [MixSources(legs=[99], gains=[1.0])]
    house.engine.set_hearing(SetHearing(room=2, mixes=mixes, listeners=[(listener.leg, 0)], guests=[99, listener.leg]))
    house.run(0.2)
    assert house.engine.floor.abroad == {} and len(listener.heard) == 10
