"""Legs that go to another room: nothing is cut, nothing is missing, nobody hears what is not for him."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    DominantChanged,
    LegClosed,
    MixSources,
    MoveLeg,
    OpenRoom,
    Play,
    PlayEnded,
    RoomSound,
    SetHearing,
    SetRoom,
    SpeakingChanged,
)
from confserver.engine.mixer import NOBODY
from confserver.engine.reel import ToneReel
from confserver.engine.tones import parse
from tests.engine.hall import Hall, Phone, level_db, silence, steepest, tone

LEVEL = 20 * np.log10(0.2)
LOW = 150.0
OWN_STEP = 0.2 * 2 * np.pi * LOW / 8000
ROUGH = 0.016


class Halls(Hall):
    """Two rooms; ``where`` says who is in which."""

    def __init__(self, **second: object) -> None:
        super().__init__()
        self.engine.open_room(OpenRoom(room=2, sound=RoomSound(talkers=8, comfort_noise=False, **second)))
        self.where: dict[int, int] = {}

    def hear_all(self, **more: object) -> None:
        for room in (1, 2):
            legs = [phone.leg for phone in self.phones if self.where.setdefault(phone.leg, 1) == room]
            mixes = [MixSources(legs=[], gains=[]), MixSources(legs=legs, gains=[1.0] * len(legs))]
            self.engine.set_hearing(SetHearing(room=room, mixes=mixes, listeners=[(leg, 1) for leg in legs]))

    def move(self, *phones: Phone, room: int = 2) -> None:
        for phone in phones:
            self.where[phone.leg] = room
            self.engine.move_leg(MoveLeg(leg=phone.leg, room=room))
        self.hear_all()


def wave(seconds: float) -> np.ndarray:
    return (0.2 * np.cos(2 * np.pi * LOW * np.arange(int(seconds * 8000)) / 8000)).astype(np.float32)


def heard(phone: Phone, hz: float, start: float, end: float | None = None) -> float:
    return level_db(phone.sound(start, end), hz)


@pytest.mark.parametrize("codec", ["PCMU", "G722", "opus"])
def test_who_moves_is_heard_there_and_no_more_here(codec):
    hall = Halls()
    mover = hall.add(tone(410, 4, rate=16000 if codec != "PCMU" else 8000), codec)
    here, there = hall.add(tone(730, 4)), hall.add(tone(1170, 4))
    hall.where[there.leg] = 2
    hall.engine.move_leg(MoveLeg(leg=there.leg, room=2))
    hall.hear_all()
    hall.run(1)
    assert heard(here, 410, 0.5) == pytest.approx(LEVEL, abs=0.7) and heard(there, 410, 0.5) < -60
    hall.move(mover)
    hall.run(1)
    assert heard(here, 410, 1.1) < -60 and heard(there, 410, 1.2) == pytest.approx(LEVEL, abs=0.7)
    assert heard(mover, 730, 1.1) < -60 and heard(mover, 1170, 1.2) == pytest.approx(LEVEL, abs=0.5)
    assert heard(mover, 410, 1.1) < -40


def test_a_move_is_no_click_for_anybody_and_no_gap_over_a_frame():
    hall = Halls()
    mover, here, there = hall.add(silence(6)), hall.add(wave(6)), hall.add(wave(6))
    listener = hall.add(silence(6))
    hall.move(there)
    hall.run(1)
    for number in range(20):
        hall.move(mover, room=2 if number % 2 == 0 else 1)
        hall.run(0.2)
    sound = mover.sound(0.5)
    assert steepest(sound) < OWN_STEP + ROUGH
    assert len(mover.heard) == len(listener.heard), "a packet each tick"
    loud = np.abs(sound.reshape(-1, 160)).max(axis=1) > 0.01
    assert not (~loud[:-1] & ~loud[1:]).any(), "never two frames of silence"
    assert steepest(here.sound(0.5)) < OWN_STEP + ROUGH


def test_a_talker_s_voice_fades_out_here_and_rises_there_without_a_click():
    hall = Halls()
    mover, here, there = hall.add(wave(6)), hall.add(silence(6)), hall.add(silence(6))
    hall.move(there)
    hall.run(1)
    for number in range(20):
        hall.move(mover, room=2 if number % 2 == 0 else 1)
        hall.run(0.2)
    for phone in (here, there):
        assert steepest(phone.sound(0.5)) < OWN_STEP + ROUGH
    frames = [np.abs(phone.sound(1.0).reshape(-1, 160)).max(axis=1) for phone in (here, there)]
    silent = (frames[0] < 0.01) & (frames[1] < 0.01)
    assert not (silent[:-1] & silent[1:]).any()
    assert heard(mover, LOW, 1.0) < -50, "never his own voice"
    assert [event.speaking for event in hall.told(SpeakingChanged)] == [True], "he has not stopped talking"


@pytest.mark.parametrize("rates", [(8000, 16000), (16000, 8000)])
def test_rooms_of_different_rates(rates):
    hall = Halls(rate_hz=rates[1])
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=rates[0], comfort_noise=False)))
    mover, here, there = hall.add(wave(6)), hall.add(silence(6)), hall.add(tone(730, 6))
    hall.move(there)
    hall.run(1)
    hall.move(mover)
    hall.run(1)
    hall.move(mover, room=1)
    hall.run(1)
    assert heard(there, LOW, 1.2, 2.0) == pytest.approx(LEVEL, abs=1.0) and heard(here, LOW, 1.2, 2.0) < -60
    assert heard(here, LOW, 2.2) == pytest.approx(LEVEL, abs=1.0) and heard(there, LOW, 2.2) < -60
    assert heard(mover, 730, 1.2, 2.0) == pytest.approx(LEVEL, abs=1.0) and heard(mover, 730, 2.2) < -60
    assert steepest(here.sound(0.5)) < OWN_STEP + 1.1 * ROUGH


def test_all_move_and_their_room_closes_at_once():
    hall = Halls()
    talker, listener = hall.add(wave(3)), hall.add(silence(3))
    hall.run(1)
    hall.move(talker, listener)
    hall.engine.close_room(CloseRoom(room=1), hall.now)
    hall.run(1)
    assert hall.told(LegClosed) == [] and set(hall.engine.floor.rooms) == {2}
    assert steepest(listener.sound(0.5)) < OWN_STEP + ROUGH
    assert heard(listener, LOW, 1.2) == pytest.approx(LEVEL, abs=0.5)


def test_a_room_that_closes_takes_along_who_is_on_the_way_to_it():
    hall = Halls()
    mover, other = hall.add(wave(3)), hall.add(silence(3))
    hall.run(0.5)
    hall.move(mover)
    hall.engine.close_room(CloseRoom(room=2), hall.now)
    hall.run(0.5)
    assert [event.leg for event in hall.told(LegClosed)] == [mover.leg]
    assert len(other.heard) == 50 and hall.engine.seats.count == 1


def test_a_leg_that_ends_on_the_way_is_gone():
    hall = Halls()
    mover, other = hall.add(wave(3)), hall.add(silence(3))
    hall.run(0.5)
    hall.move(mover)
    hall.engine.close_leg(CloseLeg(leg=mover.leg), hall.now)
    hall.phones.remove(mover)
    hall.run(0.5)
    assert hall.engine.seats.count == 1 and not hall.engine.moves
    assert steepest(other.sound()) < OWN_STEP + ROUGH


def test_there_and_back_within_a_tick_and_to_a_room_that_is_not():
    hall = Halls()
    mover, listener = hall.add(wave(3)), hall.add(silence(3))
    hall.run(0.5)
    hall.move(mover)
    hall.move(mover, room=1)
    hall.run(0.5)
    hall.engine.move_leg(MoveLeg(leg=mover.leg, room=7))
    hall.engine.move_leg(MoveLeg(leg=99, room=2))
    hall.run(0.5)
    assert steepest(listener.sound(0.3)) < OWN_STEP + ROUGH
    assert heard(listener, LOW, 0.7) == pytest.approx(LEVEL, abs=0.5)


def test_what_is_left_behind_is_forgotten():
    hall = Halls()
    mover, other = hall.add(tone(410, 3)), hall.add(tone(730, 3))
    hall.run(1)
    before = hall.engine.describe()
    for number in range(6):
        hall.move(mover, other, room=2 - number % 2)
        hall.run(0.1)
    hall.run(2)
    after = hall.engine.describe()
    same = ("legs", "rooms", "mixes", "seats", "encoders", "plays")
    assert {name: after[name] - before[name] for name in same} == dict.fromkeys(same, 0) | {
        "mixes": after["mixes"] - before["mixes"]
    }
    assert not hall.engine.floor.rooms[2].private and not hall.engine.floor.rooms[1].private
    assert hall.engine.seats.mix[hall.row(mover)] != NOBODY


def test_who_has_the_word_loses_it_by_leaving():
    hall = Halls()
    mover, _ = hall.add(tone(410, 8)), hall.add(silence(8))
    hall.run(2)
    hall.move(mover)
    hall.run(5)
    told = [(event.room, event.leg) for event in hall.told(DominantChanged)]
    assert told[0] == (1, mover.leg) and (1, None) in told and (2, mover.leg) in told


@pytest.mark.parametrize("pause", [0.0, 0.1])
@pytest.mark.parametrize("closes", [False, True])
def test_what_is_played_to_who_comes_is_heard_also_before_he_has_sat_down(pause: float, closes: bool) -> None:
    """And what was played to him where he came from is not."""
    halls = Halls()
    ana = halls.add(silence(4))

    def play(number: int, room: int, hz: int) -> None:
        halls.engine.play(Play(play=number, room=room, leg=ana.leg), ToneReel(parse(f"{hz}/-20dB:3000")))

    halls.run(0.3)
    play(1, 1, 500)
    halls.run(0.5)
    halls.move(ana)
    if closes:
        halls.engine.close_room(CloseRoom(room=1), halls.now)
    halls.run(pause)
    play(2, 2, 900)
    halls.run(1.0)
    assert heard(ana, 500, 0.4, 0.7) > -21
    assert heard(ana, 900, 1.2, 1.6) > -21
    assert heard(ana, 500, 1.2, 1.6) < -60
    assert [event.play for event in halls.told(PlayEnded)] == [1]
