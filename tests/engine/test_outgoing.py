"""What goes out: every format and length of packet, rooms of every rate, nothing heard when something changes."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import RoomSound, SetGain, SetRoom
from confserver.engine.codecs import libopus
from confserver.engine.frame import FRAMES, FULL, NARROW, RATES_HZ, WIDE
from tests.engine.ears import decoded, hears, listened, sequences, timestamps
from tests.engine.hall import Hall, level_db, silence, steepest, tone
from tests.engine.test_levelling import _active_db, _voice

CLOCK = {"PCMU": 8000, "PCMA": 8000, "G722": 8000, "L16-8": 8000, "L16-16": 16000, "L16-48": 48000, "opus": 48000}
RATE = {"PCMU": 8000, "PCMA": 8000, "G722": 16000, "L16-8": 8000, "L16-16": 16000, "L16-48": 48000, "opus": 16000}
LENGTHS = [
    *[(name, ms) for name in ("PCMU", "PCMA", "G722", "L16-8") for ms in (10, 20, 30, 40, 50, 60)],
    *[("L16-16", ms) for ms in (10, 20, 30, 40)],
    ("L16-48", 10),
    *[("opus", ms) for ms in (10, 20, 40, 60)],
]


def _room_and_listener(name: str, ptime_ms: int = 20, seconds: float = 1.2, **terms):
    hall = Hall()
    hall.add(tone(500, seconds + 1, 0.25))
    listener = hall.add(silence(0.1), changes=hears(name, ptime_ms, **terms))
    hall.run(seconds)
    return hall, listener


@pytest.mark.parametrize(("name", "ptime_ms"), LENGTHS)
def test_every_format_goes_out_in_packets_of_every_length_it_can(name, ptime_ms):
    """The sound is whole and at its level; sequence numbers go by one, timestamps by what a packet holds."""
    hall, listener = _room_and_listener(name, ptime_ms)
    rate, units = RATE[name], CLOCK[name] * ptime_ms // 1000
    assert len(listener.heard) == pytest.approx(1200 / ptime_ms, abs=3)
    assert set(np.diff(sequences(listener)) & 0xFFFF) == {1}
    assert set(np.diff(timestamps(listener)) & 0xFFFFFFFF) == {units}
    heard = listened(listener, name, rate)
    assert len(heard) == len(listener.heard) * rate * ptime_ms // 1000
    steady = heard[rate // 2 : rate]
    assert level_db(steady, 500, rate) == pytest.approx(20 * np.log10(0.25), abs=0.7)
    assert steepest(steady) < 2 * np.pi * 500 / rate * 0.25 * 1.3
    assert hall.report(listener).sent == len(listener.heard)


def test_packets_of_one_length_leave_when_the_clock_says_so():
    """40 ms at a time: one packet every other tick, the first frame as old as it must be, not older."""
    hall, listener = _room_and_listener("PCMU", 40)
    begun = timestamps(listener)[0]
    row = hall.engine.legs.by_id[listener.leg].row
    now = int(hall.engine.seats.out_timestamp[row])
    assert (now - timestamps(listener)[-1]) & 0xFFFFFFFF in (160, 320)
    assert (now - begun) & 0xFFFFFFFF == pytest.approx(1.2 * 8000, abs=480)


def test_opus_of_48_khz_carries_what_16_khz_cannot():
    """A room at 48 kHz: a member's 9 kHz tone would need incoming wide sound; the mix itself is checked here."""
    _, listener = _room_and_listener("opus", out_hz=48000, bitrate=64000)
    heard = listened(listener, "opus", 48000)
    assert level_db(heard[24000:], 500, 48000) == pytest.approx(20 * np.log10(0.25), abs=0.7)


def test_dtx_sends_nothing_while_there_is_nothing_to_hear_and_marks_what_comes_next():
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(comfort_noise=False)))
    says = np.concatenate((tone(500, 1), silence(3), tone(500, 2)))
    hall.add(says)
    listener = hall.add(silence(0.1), changes=hears("opus", dtx=True))
    other = hall.add(silence(0.1), changes=hears("opus"))
    hall.run(5)
    assert len(other.heard) == 250
    assert len(listener.heard) < 180, "some two of three seconds are left out"
    steps = np.diff(timestamps(listener)) & 0xFFFFFFFF
    assert steps.max() > 9600 and all(step % 960 == 0 for step in steps.tolist())
    assert set(np.diff(sequences(listener)) & 0xFFFF) == {1}


# ---------------------------------------------------------------------- rooms of every rate
def _band(hall: Hall) -> int:
    return hall.engine.floor.rooms[1].band


def test_a_room_has_the_highest_rate_that_two_can_use():
    hall = Hall()
    hall.add(tone(400, 30))
    assert _band(hall) == NARROW
    first = hall.add(silence(0.1), changes=hears("opus"))
    hall.run(0.1)
    assert _band(hall) == NARROW, "one alone has no use for it"
    second = hall.add(silence(0.1), changes=hears("G722"))
    hall.run(0.1)
    assert _band(hall) == WIDE
    third, fourth = (hall.add(silence(0.1), changes=hears("opus", out_hz=48000)) for _ in range(2))
    hall.run(0.1)
    assert _band(hall) == FULL
    hall.remove(third)
    hall.run(9)
    assert _band(hall) == FULL, "not at once"
    hall.run(2)
    assert _band(hall) == WIDE
    for phone in (first, second):
        hall.set(phone, **hears("PCMU"))
    hall.run(11)
    assert _band(hall) == NARROW
    assert fourth.heard


def test_who_comes_back_in_time_keeps_the_room_as_it_is():
    hall = Hall()
    hall.add(tone(400, 30))
    first, _ = (hall.add(silence(0.1), changes=hears("opus")) for _ in range(2))
    hall.run(0.1)
    hall.remove(first)
    hall.run(8)
    hall.add(silence(0.1), changes=hears("G722"))
    hall.run(8)
    assert _band(hall) == WIDE


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_room_can_have_a_rate_of_its_own(rate_hz):
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=rate_hz)))
    hall.add(tone(400, 3))
    listeners = [(name, hall.add(silence(0.1), changes=hears(name))) for name in ("PCMU", "G722", "opus", "L16-16")]
    hall.run(2)
    assert FRAMES[_band(hall)] == rate_hz // 50
    for name, listener in listeners:
        heard = listened(listener, name, RATE[name])[RATE[name] :]
        assert level_db(heard, 400, RATE[name]) == pytest.approx(20 * np.log10(0.2), abs=0.7), name


@pytest.mark.parametrize("most_hz", RATES_HZ)
def test_a_room_that_finds_its_rate_goes_no_higher_than_it_may(most_hz):
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(max_rate_hz=most_hz)))
    for _ in range(3):
        hall.add(silence(0.1), changes=hears("L16-48") | {"ptime_ms": 10})
    hall.run(0.3)
    assert FRAMES[_band(hall)] == most_hz // 50


@pytest.mark.parametrize("listens", ["PCMU", "L16-16"])
def test_a_rate_changes_without_a_click(listens):
    """Up and down again and again while somebody talks: no step is steeper than the tone's own."""
    hall = Hall()
    hall.add(tone(300, 10, 0.3))
    listener = hall.add(silence(0.1), changes=hears(listens))
    hall.run(1)
    for rate_hz in (16000, 48000, 8000, 48000, 16000, 8000):
        hall.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=rate_hz)))
        hall.run(0.5)
        assert FRAMES[_band(hall)] == rate_hz // 50
    rate = RATE[listens]
    heard = listened(listener, listens, rate)[rate // 2 :]
    # the entry ramp of 5 ms is the steepest that anything may be
    assert steepest(heard) < 0.3 * (2 * np.pi * 300 / rate + 1 / (rate / 200)) * 1.1
    frames = heard[: len(heard) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)
    quiet = np.count_nonzero(np.sqrt((frames**2).mean(axis=1)) < 0.02)
    assert quiet <= 6, "a dip of a frame at most at each change"


def test_talkers_of_all_rooms_rates_hear_each_other_and_not_themselves():
    hall = Hall()
    hz = {"PCMU": 310, "G722": 510, "opus": 730, "L16-16": 970}
    phones = {name: hall.add(tone(each, 4, 0.15), changes=hears(name)) for name, each in hz.items()}
    hall.run(3)
    for name, phone in phones.items():
        heard = listened(phone, name, RATE[name])[RATE[name] :]
        for other, each in hz.items():
            level = level_db(heard, each, RATE[name])
            if other == name:
                assert level < -50, f"{name} hears itself at {level:.1f} dB"
            else:
                assert level == pytest.approx(20 * np.log10(0.15), abs=1), f"{other} at {name}"


# ---------------------------------------------------------------------- loudness of one participant
@pytest.mark.parametrize("name", ["PCMU", "G722", "opus"])
def test_a_participant_can_be_louder_to_others_and_others_to_him(name):
    hall = Hall()
    talker = hall.add(tone(500, 9, 0.1))
    listeners = [hall.add(silence(0.1), changes=hears(name)) for _ in range(3)]
    hall.run(1)
    hall.engine.set_gain(SetGain(leg=talker.leg, incoming=2.0))
    hall.run(1)
    hall.engine.set_gain(SetGain(leg=listeners[0].leg, outgoing=0.25))
    hall.run(1)
    hall.engine.set_gain(SetGain(leg=listeners[0].leg))
    hall.run(1.2)
    rate = RATE[name]
    first, second = (listened(phone, name, rate) for phone in listeners[:2])
    levels = [
        [level_db(heard[int((s + 0.5) * rate) : int((s + 0.9) * rate)], 500, rate) for s in range(4)]
        for heard in (first, second)
    ]
    base = 20 * np.log10(0.1)
    assert levels[1] == pytest.approx([base, base + 6, base + 6, base + 6], abs=0.7)
    assert levels[0] == pytest.approx([base, base + 6, base - 6, base + 6], abs=0.7)
    assert steepest(first[rate // 2 :]) < 0.2 * 2 * np.pi * 500 / rate * 1.4


def test_equal_listeners_share_an_encoder():
    hall = Hall()
    hall.add(tone(500, 5))
    for _ in range(6):
        hall.add(silence(0.1), changes=hears("opus"))
    hall.add(silence(0.1), changes=hears("opus", bitrate=16000))
    hall.add(silence(0.1), changes=hears("G722"))
    hall.run(1)
    assert hall.engine.describe()["encoders"] == 3
    same = [phone.heard[-10:] for phone in hall.phones[1:7]]
    assert all(packets == same[0] for packets in same)


def test_many_who_are_made_deaf_and_hear_again_at_once_share_the_way_back():
    hall = Hall()
    hall.add(tone(500, 9))
    listeners = [hall.add(silence(0.1), changes=hears("opus")) for _ in range(8)]
    hall.run(1)
    hall.hear_all(deaf=[phone.leg for phone in listeners])
    hall.run(0.2)
    assert hall.engine.describe()["encoders"] <= 3
    hall.run(1)
    hall.hear_all()
    hall.run(1.5)
    assert hall.engine.describe()["encoders"] == 1
    heard = decoded(listeners[0].heard, "opus", 16000)
    assert level_db(heard[16000 // 2 : 16000], 500, 16000) == pytest.approx(20 * np.log10(0.2), abs=0.7)
    assert level_db(heard[24000:30000], 500, 16000) < -50
    assert level_db(heard[-12000:], 500, 16000) == pytest.approx(20 * np.log10(0.2), abs=0.7)
    assert steepest(heard[8000:]) < 0.2 * 2 * np.pi * 500 / 16000 * 1.5


def test_a_leg_that_goes_leaves_its_encoder_behind():
    hall = Hall()
    hall.add(tone(500, 9))
    phones = [hall.add(tone(300 + 50 * number, 9, 0.1), changes=hears("opus")) for number in range(4)]
    hall.run(1)
    assert hall.engine.describe()["encoders"] >= 4
    for phone in phones:
        hall.remove(phone)
    hall.run(1)
    assert hall.engine.describe()["encoders"] == 0


def _level_of_speech(sound: np.ndarray) -> float:
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160).astype(np.float64)
    return _active_db((frames**2).mean(axis=1))


# ---------------------------------------------------------------------- while nobody talks
@pytest.mark.parametrize("name", ["PCMU", "G722", "opus"])
def test_a_room_in_which_nobody_talks_is_not_dead(name):
    """Comfort noise, faint, and only while nobody talks; whoever talks alone hears it too."""
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(comfort_noise=True)))
    talker = hall.add(np.concatenate((silence(1), tone(500, 2, 0.1), silence(3))))
    listener = hall.add(silence(0.1), changes=hears(name))
    hall.run(5.5)
    rate = RATE[name]
    heard = listened(listener, name, rate)
    for at in (0.5, 4.8):
        part = heard[int(at * rate) : int((at + 0.4) * rate)].astype(np.float64)
        assert -70 < 10 * np.log10((part**2).mean() + 1e-12) < -58
    clean = heard[int(1.5 * rate) : int(2.5 * rate)]
    assert level_db(clean, 500, rate) == pytest.approx(-20, abs=0.7)
    alone = talker.sound(1.5, 2.5).astype(np.float64)
    assert -70 < 10 * np.log10((alone**2).mean() + 1e-12) < -58
    assert steepest(heard[int(4.5 * rate) :]) < 0.01


def test_levelling_brings_voices_nearer_to_each_other():
    """Two who speak in turn, 18 dB apart; the levels of what the third hears of each."""
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(levelling=True, comfort_noise=False)))
    turn_s = 4
    turn = np.arange(40 * 8000) // (turn_s * 8000) % 2
    loud, soft = _voice(-14, 40), _voice(-32, 40)
    hall.add(np.where(turn == 0, loud, 0).astype(np.float32))
    hall.add(np.where(turn == 1, soft, 0).astype(np.float32))
    listener = hall.add(silence(0.1))
    hall.run(32)
    heard = listener.sound()
    levels = [_level_of_speech(heard[s * 8000 : (s + turn_s) * 8000 - 4000]) for s in range(16, 32, turn_s)]
    assert abs(np.mean(levels[0::2]) - np.mean(levels[1::2])) < 6, levels


def test_encoders_make_themselves_less_work_before_the_worker_is_overloaded_and_more_again_later():
    hall = Hall()
    streams = hall.engine.outgoing.encoding.streams
    hall.add(tone(500, 5))
    hall.add(silence(0.1), changes=hears("opus"))
    hall.run(0.5)
    seen = []
    for load in (0.3, 0.55, 0.65, 0.55, 0.5, 0.4):
        hall.engine.outgoing.ease(load)
        seen.append(streams.complexity)
        hall.run(0.1)
    assert seen == [5, 5, 0, 0, 0, 5]


# ---------------------------------------------------------------------- two ears
def _two_ears(phone) -> tuple[np.ndarray, np.ndarray]:
    """What a phone with a stereo decoder hears."""
    state = np.zeros(libopus.decoder_size(2) + 64, np.uint8)
    at = state.ctypes.data + -state.ctypes.data % 64
    assert libopus.decoder_init(at, 48000, 2) == libopus.OK
    parts = []
    for payload in phone.heard:
        data, out = np.frombuffer(payload, np.uint8).copy(), np.zeros((960, 2), np.float32)
        assert libopus.decode_float(at, data.ctypes.data, len(data), out.ctypes.data, 960, 0) == 960
        parts.append(out)
    left, right = np.concatenate(parts).T
    return left, right


def _stereo_room(wide: bool = True) -> Hall:
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(stereo=wide, comfort_noise=False)))
    return hall


def test_a_stereo_room_places_participants_from_left_to_right():
    hall = _stereo_room()
    hz = (310, 570, 930)
    for each in hz:
        hall.add(tone(each, 4, 0.1))
    stereo = hall.add(silence(0.1), changes=hears("opus", stereo=True, bitrate=64000))
    mono = hall.add(silence(0.1), changes=hears("opus", bitrate=64000))
    hall.run(2.5)
    left, right = (ear[48000:] for ear in _two_ears(stereo))
    rows = sorted(hall.engine.legs.by_id[phone.leg].row for phone in hall.phones[:3])
    order = [next(p for p in range(3) if hall.engine.legs.by_id[hall.phones[p].leg].row == row) for row in rows]
    sides = [level_db(left, hz[p], 48000) - level_db(right, hz[p], 48000) for p in order]
    assert sides[0] > sides[1] + 2 > sides[2] + 4, sides
    for each in hz:
        power = 10 * np.log10(
            (10 ** (level_db(left, each, 48000) / 10) + 10 ** (level_db(right, each, 48000) / 10)) / 2
        )
        assert power == pytest.approx(-20, abs=1), "as loud as anywhere else"
        assert level_db(listened(mono, "opus", 16000)[16000:], each, 16000) == pytest.approx(-20, abs=1)


def test_without_the_option_both_ears_hear_the_same():
    hall = _stereo_room(wide=False)
    for each in (310, 570):
        hall.add(tone(each, 4, 0.1))
    stereo = hall.add(silence(0.1), changes=hears("opus", stereo=True))
    hall.run(2)
    left, right = _two_ears(stereo)
    assert np.abs(left - right).max() < 1e-6


def test_the_option_may_change_while_people_talk():
    hall = _stereo_room(wide=False)
    for each in (310, 570):
        hall.add(tone(each, 9, 0.1))
    stereo = hall.add(silence(0.1), changes=hears("opus", stereo=True, bitrate=64000))
    for wide in (False, True, False):
        hall.engine.set_room(SetRoom(room=1, sound=RoomSound(stereo=wide, comfort_noise=False)))
        hall.run(1.5)
    left, right = _two_ears(stereo)
    apart = [np.abs(left - right)[int(s * 48000) : int((s + 0.4) * 48000)].max() for s in (0.5, 2.5, 4)]
    assert apart[0] < 1e-6 and apart[1] > 0.02 and apart[2] < 1e-6


def test_who_talks_in_a_stereo_room_hears_the_others_in_their_places_and_not_himself():
    hall = _stereo_room()
    hz = (310, 570, 930)
    phones = [hall.add(tone(each, 6, 0.1), changes=hears("opus", stereo=True, bitrate=64000)) for each in hz]
    hall.run(3)
    for phone, own in zip(phones, hz, strict=True):
        ears = [ear[96000:] for ear in _two_ears(phone)]
        for each in hz:
            levels = [level_db(ear, each, 48000) for ear in ears]
            if each == own:
                assert max(levels) < -50
            else:
                assert max(levels) > -23


@pytest.mark.parametrize("change", ["rate", "exception", "gain"])
def test_nothing_clicks_in_a_stereo_room_when_it_changes(change):
    hall = _stereo_room()
    talker = hall.add(tone(300, 9, 0.2))
    hall.add(tone(450, 9, 0.01))
    listeners = [hall.add(silence(0.1), changes=hears("opus", stereo=True, bitrate=64000)) for _ in range(2)]
    hall.run(1)
    if change == "rate":
        for rate_hz in (8000, 48000, 16000):
            hall.engine.set_room(SetRoom(room=1, sound=RoomSound(stereo=True, rate_hz=rate_hz, comfort_noise=False)))
            hall.run(0.5)
    elif change == "exception":
        hall.hear_all(exceptions=[(listeners[0].leg, talker.leg, 0.3)])
        hall.run(0.5)
        hall.hear_all()
    else:
        hall.engine.set_gain(SetGain(leg=listeners[0].leg, outgoing=0.3))
        hall.run(0.5)
        hall.engine.set_gain(SetGain(leg=listeners[0].leg))
    hall.run(1)
    for phone in listeners:
        for ear in _two_ears(phone):
            assert np.abs(ear[-24000:]).max() > 0.05
            assert steepest(ear[36000:]) < 0.3 * (2 * np.pi * 300 / 48000 + 1 / 240) * 1.3
    for phone in list(hall.phones):
        hall.remove(phone)
    hall.run(1)
    assert hall.engine.describe()["encoders"] == 0
