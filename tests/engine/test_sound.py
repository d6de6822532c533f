"""What is heard in a room: everybody else, at their level, never oneself, and never a click."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import CloseRoom, MixSources, SetHearing
from tests.engine.hall import Hall, level_db, silence, steepest, tone

TONES = (410.0, 730.0, 1170.0, 1610.0)
LEVEL = 20 * np.log10(0.2)
LOW = 150.0
"""Three whole waves a frame, at their peak where frames meet: any cut between frames is a step of 0.2."""
OWN_STEP = 0.2 * 2 * np.pi * LOW / 8000
ROUGH = 0.016
"""G.711's own step at a peak of 0.2: a sample may be wrong by half of it."""


@pytest.mark.parametrize("codecs", [("PCMU", "PCMU", "PCMU"), ("PCMA", "PCMU", "PCMA", "PCMU"), ("PCMA",) * 3])
def test_each_hears_all_others_and_not_himself(codecs):
    hall = Hall()
    for hz, codec in zip(TONES, codecs):
        hall.add(tone(hz, 3), codec)
    hall.run(3)
    for number, phone in enumerate(hall.phones):
        heard = phone.sound(1.0)
        for other, hz in enumerate(TONES[: len(codecs)]):
            level = level_db(heard, hz)
            if other == number:
                assert level < LEVEL - 40
            else:
                assert level == pytest.approx(LEVEL, abs=0.5)


def test_a_silent_room_is_sent_silence():
    hall = Hall()
    phone = hall.add(silence(2))
    hall.add(silence(2))
    hall.run(2)
    assert len(phone.heard) == 100
    assert set(b"".join(phone.heard)) == {0xFF}


def test_headers_go_on_by_one_packet_and_one_frame_with_a_marker_at_the_beginning():
    hall = Hall()
    phone = hall.add(silence(2))
    hall.run(1)
    hall.tick(elapsed=4)
    hall.run(0.1)
    headers = [np.frombuffer(header, np.uint8) for header in phone.headers]
    assert [int(header[1]) >> 7 for header in headers] == [1] + [0] * (len(headers) - 1)
    sequence = [int.from_bytes(header[2:4].tobytes(), "big") for header in headers]
    assert set(np.diff(sequence) & 0xFFFF) == {1}
    timestamp = np.diff([int.from_bytes(header[4:8].tobytes(), "big") for header in headers])
    assert (timestamp[:49] == 160).all()
    assert timestamp[49] == 640, "missed ticks are time that has passed"
    assert (timestamp[50:] == 160).all()


# ---------------------------------------------------------------------- muted, deaf, on hold
def _wave(seconds: float) -> np.ndarray:
    return (0.2 * np.cos(2 * np.pi * LOW * np.arange(int(seconds * 8000)) / 8000)).astype(np.float32)


def _two(says: np.ndarray | None = None):
    hall = Hall()
    talker = hall.add(_wave(10) if says is None else says)
    listener = hall.add(silence(10))
    hall.run(1)
    return hall, talker, listener


def test_a_muted_voice_is_gone_after_the_very_next_frame_and_comes_back_without_a_click():
    hall, talker, listener = _two()
    hall.hear_all(muted=[talker.leg])
    hall.run(0.5)
    muted = len(listener.heard)
    hall.hear_all()
    hall.run(0.5)
    sound = listener.sound()
    assert np.abs(sound[160 * 51 : 160 * muted]).max() == 0.0
    assert 0 < np.abs(sound[160 * 50 : 160 * 51]).max()
    assert level_db(listener.sound(1.6), LOW) == pytest.approx(LEVEL, abs=0.5)
    assert steepest(sound) < OWN_STEP + ROUGH


def test_one_who_is_deaf_hears_nothing_and_comes_back_without_a_click():
    hall, _talker, listener = _two()
    hall.hear_all(deaf=[listener.leg])
    hall.run(0.5)
    hall.hear_all()
    hall.run(0.5)
    sound = listener.sound()
    assert np.abs(sound[160 * 51 : 160 * 75]).max() == 0.0
    assert level_db(listener.sound(1.6), LOW) == pytest.approx(LEVEL, abs=0.5)
    assert steepest(sound) < OWN_STEP + ROUGH


def test_a_talker_who_becomes_deaf_in_a_loud_room_does_not_hear_himself():
    """His own part is taken out before the limiter, also in the frame in which he changes mixes."""
    hall = Hall()
    talker = hall.add(tone(1170, 4, 0.9))
    for hz in (410, 730):
        hall.add(tone(hz, 4, 0.9))
    hall.run(1)
    for _ in range(20):
        hall.hear_all(deaf=[talker.leg])
        hall.run(0.1)
        hall.hear_all()
        hall.run(0.1)
    part = talker.sound(0.9, 1.0)
    base = level_db(part, 1170)
    frames = talker.sound(1.0).reshape(-1, 160)[::5]
    turn = np.exp(-2j * np.pi * 1150 * np.arange(160) / 8000)
    assert base < -30
    assert len(frames) >= 20 and 20 * np.log10(np.abs(frames @ turn).max() / 80) < -22


@pytest.mark.parametrize("how", ["hold", "hang up"])
def test_a_voice_that_is_cut_off_fades(how):
    hall, talker, listener = _two()
    if how == "hold":
        hall.set(talker, receives=False)
    else:
        hall.remove(talker)
    hall.run(0.5)
    sound = listener.sound()
    assert steepest(sound) < OWN_STEP + ROUGH
    assert np.abs(sound[160 * 54 :]).max() == 0.0


def test_one_on_hold_comes_back_at_once_and_softly():
    hall, talker, listener = _two()
    hall.set(talker, receives=False)
    hall.run(0.6)
    hall.set(talker)
    hall.run(0.6)
    sound = listener.sound()
    assert level_db(listener.sound(1.8), LOW) == pytest.approx(LEVEL, abs=0.5)
    back = np.flatnonzero(np.abs(sound[160 * 80 :]) > 0.1)[0]
    assert back < 160 * 3
    assert steepest(sound) < OWN_STEP + ROUGH


def test_a_held_phone_is_not_sent_to_when_the_plan_says_so_and_hears_again_without_a_click():
    hall, _talker, listener = _two()
    hall.set(listener, sends=False)
    hall.run(0.5)
    assert len(listener.heard) == 50
    hall.set(listener)
    hall.run(0.5)
    assert len(listener.heard) == 75
    assert listener.headers[50][1] & 0x80
    assert steepest(np.concatenate((np.zeros(1), listener.sound(1.0)))) < OWN_STEP + ROUGH


def test_the_outgoing_format_changes_in_mid_call():
    hall, _talker, listener = _two()
    listener.codec = "PCMA"
    hall.set(listener)
    before = len(listener.heard)
    hall.run(0.5)
    assert {header[1] & 0x7F for header in listener.headers[before:]} == {8}
    listener.heard = listener.heard[before:]
    assert level_db(listener.sound(), LOW) == pytest.approx(LEVEL, abs=0.5)


# ---------------------------------------------------------------------- exceptions
def test_one_listener_hears_one_source_at_another_gain():
    hall = Hall()
    loud, _other, one, all_others = (hall.add(tone(hz, 5)) for hz in TONES)
    hall.run(0.5)
    hall.hear_all(exceptions=[(one.leg, loud.leg, 0.25)])
    hall.run(1.5)
    assert level_db(one.sound(1), 410) == pytest.approx(LEVEL - 12, abs=0.6)
    assert level_db(one.sound(1), 730) == pytest.approx(LEVEL, abs=0.5)
    assert level_db(one.sound(1), 1170) < LEVEL - 40
    assert level_db(all_others.sound(1), 410) == pytest.approx(LEVEL, abs=0.5)
    assert hall.engine.describe()["mixes"] == 3
    hall.hear_all()
    hall.run(1.5)
    assert level_db(one.sound(2.5), 410) == pytest.approx(LEVEL, abs=0.5)
    assert hall.engine.describe()["mixes"] == 2


def test_an_exception_comes_and_goes_without_a_click_or_a_dip():
    hall, talker, listener = _two()
    for _ in range(10):
        hall.hear_all(exceptions=[(listener.leg, talker.leg, 0.9)])
        hall.tick()
        hall.hear_all()
        hall.tick()
    sound = listener.sound()
    assert steepest(sound) < OWN_STEP + ROUGH
    periods = np.abs(sound[160 * 40 : 160 * 70]).reshape(-1, 80).max(axis=1)
    assert periods.min() > 0.17


def test_hearing_for_unknown_rooms_and_legs_is_passed_over():
    hall, talker, listener = _two()
    mixes = [MixSources(legs=[talker.leg, 99], gains=[1.0, 1.0])]
    hall.engine.set_hearing(SetHearing(room=7, mixes=mixes, listeners=[(1, 0)]))
    listeners = [(listener.leg, 0), (98, 0), (talker.leg, 5)]
    hall.engine.set_hearing(SetHearing(room=1, mixes=mixes, listeners=listeners, exceptions=[(97, 1, 1.0), (1, 96, 1)]))
    hall.run(0.5)
    assert level_db(listener.sound(1), LOW) == pytest.approx(LEVEL, abs=0.5)


# ---------------------------------------------------------------------- who talks
def _bursts(level: float, at: float, seconds: float, length: float = 10.0) -> np.ndarray:
    sound = silence(length)
    start = int(at * 8000)
    sound[start : start + int(seconds * 8000)] = level
    return sound


def test_the_first_frame_of_a_burst_is_heard_after_a_ramp_of_5_ms():
    says = silence(3)
    says[8000:] = tone(500, 2)
    hall = Hall()
    hall.add(says)
    listener = hall.add(silence(3))
    hall.run(3)
    sound = listener.sound()
    begin = int(np.flatnonzero(np.abs(sound) > 0.001)[0])
    assert begin % 160 < 8, "the burst began with a packet"
    begin -= begin % 160
    expected = tone(500, 2)[:320]
    np.testing.assert_allclose(sound[begin + 40 : begin + 320], expected[40:], atol=ROUGH)
    ramp = np.abs(sound[begin : begin + 40]) <= np.abs(expected[:40]) + ROUGH
    assert ramp.all()


def test_who_stops_talking_is_held_then_fades():
    says = silence(4)
    noise = np.random.default_rng(3).normal(0, 0.0003, len(says)).astype(np.float32)
    says[: 2 * 8000] = tone(500, 2)
    hall = Hall()
    talker = hall.add(says + noise)
    hall.add(silence(4))
    hall.run(2)
    for tick in range(100):
        hall.tick()
        if not hall.engine.floor.rooms[1].talkers:
            break
    assert 40 <= tick <= 44, "0.8 s after the last sound"
    assert hall.engine.floor.rooms[1].fading
    hall.run(0.06)
    assert not hall.engine.floor.rooms[1].fading
    assert not hall.engine.outgoing.mixers[0].seat.any(), "the slot is free again"
    assert talker.leg


def test_at_most_eight_are_heard_and_a_louder_one_takes_the_place_of_the_quietest():
    hall = Hall(talkers=8)
    hz = [300 + 110 * number for number in range(10)]
    level = [0.05 + 0.002 * number for number in range(8)]
    for number in range(8):
        hall.add(tone(hz[number], 5, level[number]))
    late = hall.add(np.concatenate((silence(1), tone(hz[8], 4, 0.06))))
    louder = hall.add(np.concatenate((silence(2), tone(hz[9], 3, 0.2))))
    listener = hall.add(silence(5))
    hall.run(5)
    sound = listener.sound(1.2, 2.0)
    assert all(level_db(sound, each) > -30 for each in hz[:8])
    assert level_db(sound, hz[8]) < -50, "not 6 dB louder than anybody"
    sound = listener.sound(2.2)
    assert level_db(sound, hz[0]) < -50
    assert level_db(sound, hz[9]) == pytest.approx(LEVEL, abs=0.5)
    assert all(level_db(sound, each) > -30 for each in hz[1:8])
    assert late.leg and louder.leg


def test_muted_talkers_take_no_place_from_those_who_are_heard():
    hall = Hall(talkers=2)
    muted = [hall.add(tone(300 + 100 * number, 3, 0.5)).leg for number in range(3)]
    hall.hear_all(muted=muted)
    hall.run(1)
    talker = hall.add(tone(1170, 3))
    listener = hall.add(silence(3))
    hall.hear_all(muted=muted)
    hall.run(1)
    assert level_db(listener.sound(0.2), 1170) == pytest.approx(LEVEL, abs=0.5)
    hall.hear_all(muted=[*muted[1:], talker.leg])
    hall.run(1)
    assert level_db(listener.sound(1.2), 300) > -10, "who is unmuted while he talks is heard at once"


def test_a_room_without_places_for_talkers_hears_nobody():
    hall = Hall(talkers=0)
    hall.add(tone(LOW, 1))
    listener = hall.add(silence(1))
    hall.run(1)
    assert np.abs(listener.sound()).max() == 0


def test_forty_who_talk_at_once_and_change_places_never_run_out_of_slots():
    hall = Hall(talkers=12)
    chance = np.random.default_rng(7)
    for number in range(40):
        says = np.repeat(chance.uniform(0, 1, 100) ** 4, 800).astype(np.float32) * tone(200 + 40 * number, 10, 0.5)
        hall.add(says)
    for _ in range(200):
        hall.tick()
        room = hall.engine.floor.rooms[1]
        assert len(room.talkers) <= 12 and len(room.talkers) + len(room.fading) <= 16
        seats = hall.engine.outgoing.mixers[0].seat[room.mixes[1]]
        assert {int(seat) for seat in seats if seat} == room.talkers | room.fading
        assert all(len(packet) == 160 for phone in hall.phones for packet in phone.heard[-1:])


def test_a_closed_leg_that_was_talking_does_not_talk_on():
    hall, talker, _listener = _two()
    for delay in range(8):
        hall.say(talker, talker.packet(), delay * 0.001)
    hall.tick()
    hall.remove(talker)
    hall.run(0.12)
    assert hall.engine.describe()["seats"] == 1


def test_closing_a_room_with_talkers_leaves_nothing():
    hall, _talker, _listener = _two()
    hall.engine.close_room(CloseRoom(room=1), hall.now)
    hall.engine.close_room(CloseRoom(room=1), hall.now)
    hall.phones = []
    hall.run(0.2)
    counts = hall.engine.describe()
    assert (counts["legs"], counts["rooms"], counts["mixes"], counts["seats"]) == (0, 0, 0, 0)
