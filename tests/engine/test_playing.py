"""Plays in a room, as its phones hear them."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import (
    CloseRoom,
    DigitPressed,
    MixSources,
    OpenLeg,
    OpenRoom,
    Play,
    PlayEnded,
    RoomSound,
    SetHearing,
    SetRoom,
    StopPlay,
)
from confserver.engine.reel import SoundReel, ToneReel
from confserver.engine.tones import parse
from confserver.rtp.telephone_event import press
from tests.engine.hall import EVENTS, RATE, Hall, level_db, plan_for, rtp, silence, steepest, tone
from tests.engine.test_player import track

LEVEL = 20 * np.log10(0.2)
"""Of ``tone`` in the hall."""


def play(hall: Hall, tones: str = "1000/-14dB", number: int = 1, **more: object) -> None:
    hall.engine.play(Play(play=number, room=1, **more), ToneReel(parse(tones)))


def ends(hall: Hall) -> list[tuple[int, str]]:
    return [(end.play, end.cause) for end in hall.told(PlayEnded)]


def test_everybody_in_the_room_hears_it_once():
    hall = Hall()
    phones = [hall.add(silence(4)) for _ in range(3)]
    hall.run(1)
    play(hall, "1000/-14dB:1000")
    hall.run(2)
    for phone in phones:
        assert level_db(phone.sound(1.1, 1.9), 1000) == pytest.approx(-14, abs=0.2)
        assert np.abs(phone.sound(2.1)).max() < 0.01
        assert steepest(phone.sound()) < 0.2 * 2 * np.pi * 1000 / RATE * 1.1
    assert ends(hall) == [(1, "finished")]
    assert hall.engine.describe()["plays"] == 0
    assert hall.engine.seats.count == 3


def test_one_leg_alone_hears_what_is_played_to_it_and_everybody_else_as_before():
    hall = Hall()
    talker, listener, other = hall.add(tone(500, 5)), hall.add(silence(5)), hall.add(silence(5))
    hall.run(1)
    play(hall, leg=listener.leg)
    hall.run(1)
    hall.engine.player.stop(StopPlay(play=1))
    hall.run(1)
    assert level_db(listener.sound(1.1, 1.9), 1000) == pytest.approx(-14, abs=0.2)
    for phone in (listener, other):
        assert level_db(phone.sound(0.5), 500) == pytest.approx(LEVEL, abs=0.3)
    for phone in (talker, other):
        assert level_db(phone.sound(1.1, 1.9), 1000) < -60
    assert level_db(listener.sound(2.1), 1000) < -60
    assert steepest(listener.sound(0.5)) < 0.2 * 2 * np.pi * 1500 / RATE * 1.15
    assert ends(hall) == [(1, "stopped")]


def test_a_talker_hears_it_too_and_still_not_himself():
    hall = Hall()
    talker = hall.add(tone(500, 4))
    hall.add(silence(4))
    hall.run(1)
    play(hall, leg=talker.leg)
    hall.run(1)
    assert level_db(talker.sound(1.2, 1.9), 1000) == pytest.approx(-14, abs=0.2)
    assert level_db(talker.sound(1.2, 1.9), 500) < -60


@pytest.mark.parametrize("duck_db", [6, 12, 20])
def test_voices_are_softer_by_what_was_asked_for_while_it_plays(duck_db):
    hall = Hall()
    hall.add(tone(500, 5))
    listener = hall.add(silence(5))
    hall.run(1)
    play(hall, "730/-14dB:1000", duck_db=duck_db)
    hall.run(3)
    assert level_db(listener.sound(1.1, 1.9), 500) == pytest.approx(LEVEL - duck_db, abs=0.4)
    assert level_db(listener.sound(1.1, 1.9), 730) == pytest.approx(-14, abs=0.2)
    assert level_db(listener.sound(2.1, 3.9), 500) == pytest.approx(LEVEL, abs=0.3)
    assert steepest(listener.sound(0.5)) < 0.2 * 2 * np.pi * 1500 / RATE * 1.1


def test_ducking_for_one_leg_is_for_that_leg():
    hall = Hall()
    hall.add(tone(500, 4))
    listener, other = hall.add(silence(4)), hall.add(silence(4))
    hall.run(1)
    play(hall, leg=listener.leg, duck_db=12)
    hall.run(1)
    assert level_db(listener.sound(1.1, 1.9), 500) == pytest.approx(LEVEL - 12, abs=0.4)
    assert level_db(other.sound(1.1, 1.9), 500) == pytest.approx(LEVEL, abs=0.3)


@pytest.mark.parametrize("to_leg", [True, False])
def test_a_key_ends_it_within_a_tick(to_leg):
    hall = Hall()
    presser, other = hall.add(silence(4)), hall.add(silence(4))
    hall.run(0.5)
    play(hall, leg=presser.leg if to_leg else None, interruptible=True)
    play(hall, "700/-14dB", number=2, leg=presser.leg)
    hall.run(0.5)
    presser.pauses = True
    for number, packet in enumerate(press("5", 100)):
        data = rtp(EVENTS, presser.sequence, presser.timestamp, presser.ssrc, packet.payload, 0x80)
        presser.sequence += 1
        hall.say(presser, data, 0.02 * number)
    while not hall.told(DigitPressed):
        hall.tick()
    pressed = len(presser.heard)
    hall.run(0.5)
    assert level_db(presser.sound()[(pressed + 1) * 160 :], 1000) < -55
    assert level_db(presser.sound()[(pressed + 1) * 160 :], 700) == pytest.approx(-14, abs=0.3)
    assert level_db(other.sound(1.2), 1000) < -55
    assert [(end.play, end.cause, end.digit) for end in hall.told(PlayEnded)] == [(1, "interrupted", "5")]


def test_a_room_that_goes_to_another_rate_goes_on_with_its_music():
    hall = Hall()
    listener = hall.add(silence(4))
    hall.engine.play(
        Play(play=1, room=1), SoundReel([{0: track(tone(500, 1)), 1: track(tone(500, 1, rate=16000))}], loop=True)
    )
    hall.run(1)
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=16000)))
    hall.run(2)
    assert hall.engine.floor.rooms[1].band == 1
    assert level_db(listener.sound(0.1, 0.9), 500) == pytest.approx(LEVEL, abs=0.2)
    assert level_db(listener.sound(1.2, 2.9), 500) == pytest.approx(LEVEL, abs=0.2)
    assert steepest(listener.sound()) < 0.2 * (2 * np.pi * 500 / RATE + 1 / 40) * 1.1
    assert hall.engine.player.count_together == 1


def test_who_goes_takes_his_own_along():
    hall = Hall()
    leaver, stayer = hall.add(silence(4)), hall.add(silence(4))
    play(hall, number=1, leg=leaver.leg)
    play(hall, "700/-14dB", number=2)
    hall.run(0.5)
    hall.remove(leaver)
    hall.run(0.5)
    assert ends(hall) == [(1, "stopped")]
    assert level_db(stayer.sound(0.6), 700) == pytest.approx(-14, abs=0.2)
    hall.engine.close_room(CloseRoom(room=1), hall.now)
    hall.run(0.1)
    assert ends(hall) == [(1, "stopped"), (2, "stopped")]
    assert hall.engine.seats.count == 0


def test_what_is_played_to_nobody_fails():
    hall = Hall()
    hall.add(silence(1))
    play(hall, number=1, leg=99)
    hall.engine.play(Play(play=2, room=7), ToneReel(parse("beep")))
    hall.engine.play(Play(play=3, room=7, leg=1), ToneReel(parse("beep")))
    hall.run(0.1)
    assert [(end.play, end.cause, end.reason) for end in hall.told(PlayEnded)] == [
        (1, "failed", "no leg 99 in room 1"),
        (2, "failed", "no room 7"),
        (3, "failed", "no leg 1 in room 7"),
    ]
    assert hall.engine.seats.count == 1


def test_too_much_at_once_waits_its_turn():
    hall = Hall()
    phone = hall.add(silence(4))
    for number in range(1, 8):
        play(hall, f"{200 * number}/-24dB:500", number=number)
    hall.run(1.5)
    assert {play for play, cause in ends(hall) if cause == "finished"} == set(range(1, 8))
    for number in range(1, 8):
        first, second = phone.sound(0.1, 0.4), phone.sound(0.65, 0.95)
        assert max(level_db(first, 200 * number), level_db(second, 200 * number)) == pytest.approx(-24, abs=0.5)


def test_a_hundred_rooms_of_one_with_music_cost_little_and_leave_nothing():
    hall = Hall()
    hall.keep = False
    music = SoundReel([{0: track(tone(500, 2))}], loop=True)
    phone = hall.add(silence(0.1))
    for number in range(100, 200):
        hall.engine.open_room(OpenRoom(room=number))
        phone.address = "127.0.0.1", 10000 + 2 * number
        hall.engine.open_leg(OpenLeg(leg=number, room=number, plan=plan_for(phone)), number, 30000, hall.now)
        mixes = [MixSources(legs=[number], gains=[1.0])]
        hall.engine.set_hearing(SetHearing(room=number, mixes=mixes, listeners=[(number, 0)]))
        hall.engine.play(Play(play=number, room=number, leg=number), music)
    hall.run(0.2)
    assert hall.engine.player.count_together == 100
    assert hall.engine.describe()["seats"] == 201
    for number in range(100, 200):
        hall.engine.close_room(CloseRoom(room=number), hall.now)
    assert hall.engine.describe()["seats"] == 1


def test_who_hears_nothing_hears_only_what_is_played_to_him():
    """Somebody at the door does not hear what is said in the room."""
    hall = Hall()
    inside, outside = hall.add(tone(500, 5)), hall.add(silence(5))
    hall.hear_all(muted=[outside.leg], deaf=[outside.leg], silent=0)
    hall.run(1)
    play(hall, "1000/-14dB:1000")
    hall.run(0.5)
    play(hall, "1500/-14dB:1000", number=2, leg=outside.leg)
    hall.run(2)
    assert level_db(inside.sound(1.1, 1.9), 1000) == pytest.approx(-14, abs=0.2)
    assert level_db(inside.sound(1.6, 2.4), 1500) < -60
    assert level_db(outside.sound(1.6, 2.4), 1500) == pytest.approx(-14, abs=0.2)
    for frequency in (500, 1000):
        assert level_db(outside.sound(1.1, 1.9), frequency) < -60
    assert sorted(ends(hall)) == [(1, "finished"), (2, "finished")]


def test_who_is_let_in_while_it_plays_hears_the_rest():
    hall = Hall()
    hall.add(silence(5))
    guest = hall.add(silence(5))
    hall.hear_all(muted=[guest.leg], deaf=[guest.leg], silent=0)
    hall.run(0.5)
    play(hall, "1000/-14dB:2000")
    hall.run(0.5)
    hall.hear_all(silent=0)
    hall.run(1)
    assert level_db(guest.sound(0.6, 0.9), 1000) < -60
    assert level_db(guest.sound(1.2, 1.9), 1000) == pytest.approx(-14, abs=0.3)
