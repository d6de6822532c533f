"""Every packet in its place: steady tones, other packet lengths, bad networks, restarts.

Tones of 425 Hz turn by half a cycle in 20 ms: a frame missing or doubled shows in the phase.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from confserver.contract import Incoming
from confserver.engine.codecs import PCMU
from tests.engine.hall import RATE, Hall, Phone, level_db, rtp, silence, steepest, tone
from tests.kit.listen import Recording

HZ = 425.0
LEVEL = 20 * np.log10(0.2)


def _pair(says: np.ndarray | None = None, **more) -> tuple[Hall, Phone, Phone]:
    hall = Hall()
    talker = hall.add(tone(HZ, 70) if says is None else says, **more)
    listener = hall.add(silence(1))
    return hall, talker, listener


def _turns(sound: np.ndarray) -> np.ndarray:
    """By how much of a cycle each frame of 20 ms departs from the one before."""
    return np.abs(Recording(sound.astype(np.float64), RATE).phase_steps(HZ))


def _offset(sound: np.ndarray) -> float:
    """Phase of the tone in cycles at the beginning of the sound."""
    at = np.arange(len(sound)) / RATE
    return float(np.angle(np.dot(sound, np.exp(-2j * np.pi * HZ * at))) / (2 * np.pi))


def _same_place(before: np.ndarray, after: np.ndarray, frames_between: int) -> bool:
    """Whether the tone goes on after some frames as though nothing had happened."""
    turned = _offset(after) - _offset(before) - HZ * frames_between * 0.02
    return abs((turned + 0.5) % 1 - 0.5) < 0.02


# ---------------------------------------------------------------------- a steady tone
@pytest.mark.slow
def test_a_steady_tone_of_60_s_misses_doubles_and_skips_nothing():
    hall, talker, listener = _pair()
    hall.run(60)
    sound = listener.sound(0.2)
    assert len(listener.heard) == 3000
    assert _turns(sound).max() < 0.01
    report = hall.report(talker)
    assert (report.concealed, report.late, report.lost) == (0, 0, 0)


@pytest.mark.slow
def test_a_steady_tone_of_60_s_comes_whole_through_jitter_of_15_ms():
    """Once the delay has grown to what the network asks: at most two stand-ins in the first second."""
    chance = random.Random(11)
    hall, talker, listener = _pair(path=lambda number: (chance.uniform(0, 0.015),))
    hall.run(60)
    assert _turns(listener.sound(1.0)).max() < 0.01
    report = hall.report(talker)
    assert report.concealed <= 2 and report.late == report.lost == 0
    assert 2 < report.jitter_ms < 8


def test_the_delay_through_an_empty_room_is_below_30_ms():
    hall, _, listener = _pair(np.concatenate((silence(1), tone(HZ, 1))))
    hall.run(2)
    sound = listener.sound()
    begin = int(np.flatnonzero(np.abs(sound) > 0.001)[0]) / RATE
    # the phone's first packet is complete and leaves at 0.005 s; the first frame is heard from the first tick at 0.020
    assert 0 <= begin - 1.0 - 0.005 + 0.020 <= 0.040


# ---------------------------------------------------------------------- other lengths of packets
@pytest.mark.parametrize("ms", [10, 20, 30, 40, 60])
def test_packets_of_other_lengths_sound_the_same(ms):
    hall, talker, listener = _pair(samples=8 * ms)
    hall.run(4)
    assert _turns(listener.sound(0.3)).max() < 0.01
    assert level_db(listener.sound(0.3), HZ) == pytest.approx(LEVEL, abs=0.5)
    report = hall.report(talker)
    assert (report.concealed, report.late, report.lost) == (0, 0, 0)
    assert report.playout_ms < ms + 30


def test_packets_change_their_length_in_mid_call():
    hall, talker, listener = _pair()
    for samples in (160, 80, 240, 480, 160, 320, 160):
        talker.samples = samples
        hall.run(1)
    hall.run(1)
    sound = listener.sound(0.3)
    assert _turns(sound)[-60:].max() < 0.01
    assert (_turns(sound) > 0.01).sum() <= 12
    assert not hall.engine.seats.queued.any(), "20 ms packets are ordinary again"


@pytest.mark.parametrize("ms", [10, 30, 60])
def test_a_lost_packet_of_another_length_leaves_the_others_in_place(ms):
    hall, talker, listener = _pair(samples=8 * ms)
    talker.path = lambda number: () if number == 40 else (0.0,)
    hall.run(4)
    frames = listener.sound().reshape(-1, 160)
    before, after = frames[10], frames[180]
    assert _same_place(before, after, 170)
    assert (np.abs(frames[5:]).max(axis=1) > 0.05).all(), "bridged, never silent"
    assert 1 <= hall.report(talker).concealed <= 4


@pytest.mark.parametrize("size", [1441, 1460])
def test_packets_too_long_are_discarded(size):
    hall, talker, _listener = _pair()
    hall.run(1)
    for number in range(20):
        hall.say(talker, rtp(0, talker.sequence + number, talker.timestamp, talker.ssrc, bytes(size)))
    hall.tick()
    assert hall.report(talker).discarded == 20


# ---------------------------------------------------------------------- loss, order, delay
def test_a_single_loss_is_bridged_and_the_next_frame_is_in_its_place():
    hall, talker, listener = _pair(path=lambda number: () if number == 50 else (0.0,))
    hall.run(3)
    frames = listener.sound().reshape(-1, 160)
    energy = np.abs(frames[5:]).max(axis=1)
    assert energy.min() > 0.1, "no frame is silent"
    assert hall.report(talker).concealed == 1
    assert hall.report(talker).lost == 1
    turned = _turns(listener.sound(0.2))
    assert (turned > 0.01).sum() <= 2, "only into the stand-in and out of it"
    assert _same_place(frames[20], frames[100], 80)
    assert steepest(listener.sound(0.2)) < 0.2 * 2 * np.pi * HZ / RATE * 1.5 + 0.03


def test_a_burst_of_losses_fades_and_the_stream_goes_on_in_place():
    hall, talker, listener = _pair(path=lambda number: () if 50 <= number < 57 else (0.0,))
    hall.run(3)
    frames = listener.sound().reshape(-1, 160)
    loud = np.abs(frames).max(axis=1)
    gap = np.flatnonzero(loud[5:] < 0.01)
    assert 3 <= len(gap) <= 5, "three stand-ins, then silence"
    assert hall.report(talker).concealed == 3
    assert hall.report(talker).lost == 7
    assert _same_place(frames[20], frames[100], 80)


def test_packets_out_of_order_within_the_ring_are_put_in_order():
    hall, talker, listener = _pair(path=lambda number: (0.03 if number < 5 else 0.0,))
    hall.run(0.5)
    talker.path = lambda number: (0.025 if number % 5 == 0 else 0.0,)
    hall.run(5)
    assert _turns(listener.sound(0.5)).max() < 0.01
    assert hall.report(talker).late == 0


def test_duplicates_play_once():
    hall, talker, listener = _pair(path=lambda number: (0.0, 0.001, 0.021, 0.3))
    hall.run(5)
    assert _turns(listener.sound(0.3)).max() < 0.01
    assert hall.report(talker).lost == 0


def test_the_first_packet_may_not_be_the_earliest():
    hall, talker, listener = _pair(path=lambda number: (0.022 if number == 0 else 0.0,))
    hall.run(1)
    assert hall.report(talker).late <= 1
    assert _turns(listener.sound(0.2)).max() < 0.01


def test_late_packets_make_the_delay_grow_and_silence_gives_it_back():
    says = np.concatenate((tone(HZ, 2), silence(4), tone(HZ, 4)))
    hall, talker, listener = _pair(says, path=lambda number: (0.05 if number >= 25 else 0.0,))
    hall.run(1.9)
    report = hall.report(talker)
    assert (report.lost, report.late) == (0, 0)
    assert _turns(listener.sound(1.0, 1.8)).max() < 0.01
    talker.path = lambda number: (0.0,)
    grown = 0.0
    for _ in range(190):
        hall.tick()
        grown = max(grown, hall.report(talker).playout_ms)
    assert grown > 40
    assert hall.report(talker).playout_ms <= 28
    hall.run(3)
    assert hall.report(talker).late == hall.report(talker).lost == 0


def test_the_network_stands_still_for_200_ms_and_nothing_is_lost():
    hall, talker, listener = _pair()
    talker.path = lambda number: (max(0.0, 1.2 - number * 0.02) if 50 <= number < 60 else 0.0,)
    hall.run(1.6)
    report = hall.report(talker)
    assert (report.lost, report.late, report.discarded) == (0, 0, 0)
    assert report.concealed == 3
    assert _turns(listener.sound(1.28, 1.6)).max() < 0.01
    hall.run(8)
    assert hall.report(talker).playout_ms < 130, "a very long delay shrinks even while somebody talks"


@pytest.mark.parametrize("packets", [18, 24, 60, 120])
def test_a_burst_longer_than_the_ring_loses_its_oldest_and_plays_on(packets):
    hall, talker, listener = _pair()
    hall.run(1)
    hall.tick()
    for _ in range(packets):
        hall.say(talker, talker.packet())
    talker.pauses = True
    talker.timestamp -= 160
    hall.tick()
    talker.pauses = False
    hall.run(1)
    assert (_turns(listener.sound(1.6)) > 0.01).sum() <= 1, "a very long delay may shrink by one frame a second"
    assert level_db(listener.sound(1.6), HZ) == pytest.approx(LEVEL, abs=0.5)


def test_missed_ticks_are_passed_over():
    hall, talker, listener = _pair()
    hall.run(1)
    before = hall.report(talker).playout_ms
    hall.tick(elapsed=8)
    hall.run(1)
    after = hall.report(talker)
    assert after.playout_ms == pytest.approx(before, abs=1)
    assert after.concealed == 0
    frames = listener.sound().reshape(-1, 160)
    assert _same_place(frames[20], frames[80], 60 + 7)


@pytest.mark.parametrize("samples", [80, 240, 480])
def test_missed_ticks_are_passed_over_with_other_lengths_too(samples):
    hall, _talker, listener = _pair(samples=samples)
    hall.run(1.02)
    hall.tick(elapsed=8)
    hall.run(1)
    frames = listener.sound().reshape(-1, 160)
    assert _same_place(frames[20], frames[90], 70 + 7)


# ---------------------------------------------------------------------- restarts
def _assert_sound_again(hall: Hall, listener: Phone, within: float = 0.1) -> None:
    start = len(listener.heard) / 50
    hall.run(1)
    assert _turns(listener.sound(start + within)).max() < 0.01
    assert level_db(listener.sound(start + within), HZ) == pytest.approx(LEVEL, abs=0.5)


@pytest.mark.parametrize("sequence", [20_000, 40_000, 65_500])
def test_the_sequence_may_start_again(sequence):
    hall, talker, listener = _pair()
    hall.run(1)
    talker.sequence = sequence
    _assert_sound_again(hall, listener)
    report = hall.report(talker)
    assert report.received == 100 and report.lost == 0


@pytest.mark.parametrize("jump", [8_000, 100_000, -8_000, -1_000, -100_000, 2**31, 100, -40])
def test_the_timestamp_may_jump(jump):
    hall, talker, listener = _pair()
    hall.run(1)
    talker.timestamp += jump
    _assert_sound_again(hall, listener)


def test_sequence_and_timestamp_wrap():
    hall, talker, listener = _pair(sequence=65_500, timestamp=2**32 - 160 * 36 + 30)
    hall.run(3)
    assert _turns(listener.sound(0.2)).max() < 0.01
    report = hall.report(talker)
    assert (report.received, report.lost, report.late, report.concealed) == (150, 0, 0, 0)


def test_another_ssrc_is_followed_after_two_packets_and_counts_go_on():
    hall, talker, listener = _pair()
    hall.run(1)
    hall.say(talker, rtp(0, 7, 7, 0xBAD, bytes(160)))
    hall.run(1)
    assert _turns(listener.sound(0.2)).max() < 0.01, "one packet changes nothing"
    talker.ssrc, talker.sequence, talker.timestamp = 0x1234, 9, 70_000
    _assert_sound_again(hall, listener, 0.12)
    assert hall.report(talker).received == 149
    assert steepest(listener.sound(0.2)) < 0.2 * 2 * np.pi * HZ / RATE * 1.5 + 0.03


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.4, 0.6, 3.0])
def test_a_pause_without_packets_is_silence_and_its_end_is_in_place(seconds):
    hall, talker, listener = _pair()
    hall.run(1)
    talker.pauses = True
    hall.run(seconds)
    talker.pauses = False
    start = len(listener.heard)
    _assert_sound_again(hall, listener, 0.08)
    assert np.abs(listener.sound().reshape(-1, 160)[start - 1]).max() < 0.01
    assert hall.report(talker).lost == 0


def test_the_format_changes_in_mid_stream():
    hall, talker, listener = _pair()
    hall.run(1)
    talker.codec = "PCMA"
    hall.run(1)
    talker.codec = "PCMU"
    hall.run(1)
    assert _turns(listener.sound(0.2)).max() < 0.01


def test_a_dynamic_payload_type_can_be_sound():
    hall, talker, listener = _pair(changes={"incoming": [Incoming(payload_type=96, format="PCMA")]})
    hall.run(1)
    assert np.abs(listener.sound()).max() == 0, "PCMU was not agreed"
    for _ in range(100):
        data = bytearray(rtp(96, talker.sequence, talker.timestamp, talker.ssrc, bytes(PCMA_TONE[_ % 2])))
        talker.sequence, talker.timestamp = talker.sequence + 1, talker.timestamp + 160
        talker.next_at = hall.now + 9
        hall.say(talker, bytes(data), 0.005)
        hall.tick()
    assert np.abs(listener.sound(1.5)).max() > 0.1


def _encoded(samples: np.ndarray, codec=PCMU) -> list[bytes]:
    out = np.empty((len(samples) // 160, 160), np.uint8)
    codec.encode(samples.reshape(-1, 160).astype(np.float32), out)
    return [frame.tobytes() for frame in out]


PCMA_TONE = _encoded(tone(500, 0.04))


def test_on_hold_and_back_again():
    hall, talker, listener = _pair()
    hall.run(1)
    for seconds in (0.06, 0.3, 2):
        hall.set(talker, receives=False)
        hall.run(seconds)
        hall.set(talker)
        _assert_sound_again(hall, listener)
    assert hall.report(talker).discarded > 0


def test_a_packet_with_extension_csrc_and_padding_is_sound_like_any_other():
    hall, talker, listener = _pair()
    hall.run(1)
    for number in range(50):
        data = talker.packet()
        body = b"\0\0\0\1" + b"\xbe\xde\0\1" + b"\x10\x80\0\0" + data[12:] + b"\0\0\3"
        hall.say(talker, bytes([0xB1]) + data[1:12] + body, 0.005)
        talker.next_at = hall.now + 0.03
        hall.tick()
    assert _turns(listener.sound(0.2)).max() < 0.01
    assert hall.report(talker).discarded == 0


def test_a_bad_network_leaves_the_voice_understandable():
    chance = random.Random(5)

    def path(number: int):
        copies = () if chance.random() < 0.03 else (abs(chance.gauss(0, 0.01)),)
        return copies * 2 if chance.random() < 0.02 else copies

    hall, talker, listener = _pair(path=path)
    hall.run(20)
    whole = (_turns(listener.sound(1.0)) < 0.01).mean()
    assert whole > 0.9
    report = hall.report(talker)
    assert report.lost < 60
    assert 15 < report.concealed < 100
    assert report.playout_ms < 100
