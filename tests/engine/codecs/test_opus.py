"""Opus: speech through each rate and frame, encoders in all their settings, and one that goes on where another is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from confserver.engine.codecs.codec import Settings
from confserver.engine.codecs.opus import FRAMES_MS, OPUS, OpusEncoders
from tests.engine.codecs.line import decode, delay, encode, frames, loud, segmental_snr_db, snr_db, speech

WIDE = Settings(16000)
FULL = Settings(48000)
LOSSY = replace(WIDE, fec=True, loss_percent=15)


def new(kind: Settings, complexity: int = 5) -> tuple[OpusEncoders, int]:
    encoders = OpusEncoders(complexity)
    return encoders, encoders.open(kind)


def packets_of(kind: Settings, said: np.ndarray | None = None, complexity: int = 5) -> list[bytes]:
    return encode(*new(kind, complexity), frames(kind) if said is None else said)


def kbit_s(packets: list[bytes], kind: Settings) -> float:
    return sum(map(len, packets)) * 8 / (len(packets) * kind.frame_ms)


def test_what_it_is():
    assert (OPUS.name, OPUS.clock_hz, OPUS.rate_hz, OPUS.unit_bytes, OPUS.conceals) == ("opus", 48000, 0, 0, True)


@pytest.mark.parametrize("frame_ms", FRAMES_MS)
@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_speech_comes_back(rate_hz, frame_ms):
    kind = Settings(rate_hz, frame_ms=frame_ms)
    said = frames(kind)[: 4000 // frame_ms]
    packets = packets_of(kind, said)
    assert (OPUS.duration(*matrix_of(packets)) == frame_ms * 48).all()
    heard = decode(OPUS, kind, packets)
    late = delay(said.ravel(), heard)
    assert 0.005 < late / rate_hz < 0.008
    assert snr_db(said.ravel()[:-late], heard[late:]) > 7
    assert 10 * np.log10((heard**2).mean() / (said**2).mean()) == pytest.approx(0, abs=0.8)


def matrix_of(packets: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    payload = np.zeros((len(packets), 1400), np.uint8)
    for row, packet in zip(payload, packets, strict=True):
        row[: len(packet)] = np.frombuffer(packet, np.uint8)
    return payload, np.array([len(packet) for packet in packets], np.int32)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_a_stream_is_heard_at_the_rate_that_its_row_likes(rate_hz):
    tone = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)).astype(np.float32)
    heard = decode(OPUS, Settings(rate_hz), packets_of(FULL, frames(FULL, tone)))[rate_hz // 2 :]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * rate_hz / len(heard) == pytest.approx(1000, abs=3)
    assert np.sqrt(2 * (heard**2).mean()) == pytest.approx(0.3, rel=0.1)


def test_stereo_is_heard_in_the_middle():
    """The left speaks at 1 kHz, the right at 1.7: a mono row hears both at half their strength."""
    time = np.arange(48000) / 48000
    both = np.stack([0.4 * np.sin(2 * np.pi * hz * time) for hz in (1000, 1700)], axis=1)
    kind = replace(FULL, channels=2, bitrate=64000)
    heard = decode(OPUS, FULL, packets_of(kind, frames(kind, both.ravel())))[24000:43200]
    spectrum = np.abs(np.fft.rfft(heard)) * 2 / len(heard)
    assert spectrum[400] == pytest.approx(0.2, rel=0.15) and spectrum[680] == pytest.approx(0.2, rel=0.15)


def test_the_bitrate_is_kept_to():
    for rate in (12000, 24000, 40000):
        kind = replace(WIDE, bitrate=rate)
        assert kbit_s(packets_of(kind, frames(kind)[:150]), kind) < rate / 1000 * 1.15
    steady = replace(WIDE, cbr=True)
    sizes = {len(packet) for packet in packets_of(steady, frames(steady)[:150])}
    assert sizes == {60}
    assert len({len(packet) for packet in packets_of(WIDE, frames(WIDE)[:150])}) > 20


def test_with_dtx_silence_is_sent_every_400_ms_only():
    silence = np.zeros((150, 320), np.float32)
    sizes = [len(packet) for packet in packets_of(replace(WIDE, dtx=True), silence)]
    sent = np.flatnonzero(sizes)
    assert (np.diff(sent[sent > 30]) == 20 + 1).all() and len(sent) < 40
    assert all(size == 0 or size > 2 for size in sizes)
    assert all(len(packet) > 0 for packet in packets_of(WIDE, silence)), "never without being asked"


def test_with_dtx_words_are_sent():
    kind, said = replace(WIDE, dtx=True), frames(WIDE)
    packets = packets_of(kind, said)
    words = loud(said)
    assert all(packet for packet, is_word in zip(packets, words, strict=True) if is_word)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
@pytest.mark.parametrize("more", [{}, {"fec": True, "loss_percent": 15}, {"dtx": True}, {"channels": 2}, {"cbr": True}])
def test_a_fork_goes_on_bit_by_bit(rate_hz, more):
    kind = replace(Settings(rate_hz), **more)
    said = frames(kind)
    encoders, slot = new(kind)
    encode(encoders, slot, said[60:120])
    other = encoders.fork(slot, kind)
    assert encode(encoders, other, said[120:180]) == encode(encoders, slot, said[120:180])
    encode(encoders, other, said[:3])
    assert encode(encoders, other, said[60:80]) != encode(encoders, slot, said[60:80])


def near(said: np.ndarray, packets: list[bytes], at: int) -> float:
    """Segmental SNR of the three frames in whose sound packet ``at`` has a part."""
    heard = decode(OPUS, WIDE, packets)[LATE:]
    return segmental_snr_db(said.ravel()[: len(heard)], heard, 320, [at - 1, at, at + 1])


LATE = 104
"""Samples at 16 kHz that Opus for speech is behind."""
SEAMS = [int(at) for at in np.flatnonzero(loud(frames(WIDE)))[60:-10:75]]
SLOW_LINE = replace(WIDE, bitrate=16000)


@pytest.mark.parametrize(
    ("before", "after"),
    [(WIDE, LOSSY), (LOSSY, WIDE), (replace(WIDE, bitrate=32000), SLOW_LINE), (WIDE, replace(WIDE, cbr=True))],
    ids=["into the lossy class", "out of it", "less bitrate", "constant bitrate"],
)
def test_a_fork_may_differ_in_what_can_change(before, after):
    """The decoder hears the worse of the two codings, not the seam."""
    said = frames(WIDE)[: SEAMS[-1] + 5]
    steady = [packets_of(kind, said) for kind in (before, after)]
    encoders, slot = new(before)
    through, lesser, done = [], [], 0
    for at in SEAMS:
        encode(encoders, slot, said[done:at])
        done = at
        fork = encoders.fork(slot, after)
        own = encode(encoders, fork, said[at : at + 4])
        through.append(near(said, steady[0][:at] + own, at))
        lesser.append(min(near(said, packets[: at + 4], at) for packets in steady))
        encoders.close(fork)
    assert np.mean(through) > np.mean(lesser) - 1
    assert min(np.subtract(through, lesser)) > -3


def test_a_fork_does_as_it_was_told():
    encoders, slot = new(WIDE)
    said = frames(WIDE)
    encode(encoders, slot, said[60:90])
    steady = encode(encoders, encoders.fork(slot, replace(SLOW_LINE, cbr=True)), said[90:120])
    assert {len(packet) for packet in steady} == {40}
    silent = encode(encoders, encoders.fork(slot, replace(WIDE, dtx=True)), np.zeros((40, 320), np.float32))
    assert silent.count(b"") > 15


def test_a_fresh_encoder_would_be_heard():
    """What the fork is for: else the tests of the seam would pass with anything."""
    said = frames(WIDE)
    encoders, slot = new(WIDE)
    whole = encode(encoders, slot, said)
    worse = []
    for at in SEAMS:
        fresh = encode(encoders, encoders.open(WIDE), said[at : at + 4])
        worse.append(near(said, whole[: at + 4], at) - near(said, whole[:at] + fresh, at))
    assert np.mean(worse) > 1.5


@pytest.mark.parametrize("kind", [WIDE, FULL, LOSSY])
def test_back_at_the_shared_encoder_there_is_no_jump(kind):
    """A talker's encoder heard the others alone for 25 frames, then as the mix's for 25; then the mix's packets."""
    said, at = frames(kind), SEAMS[2]
    size, parted = said.shape[1], at - 50
    encoders, slot = new(kind)
    before = encode(encoders, slot, said[:parted])
    own = encode(encoders, encoders.fork(slot, kind), np.concatenate([said[:25], said[parted + 25 : at + 3]]))
    shared = encode(encoders, slot, said[parted : at + 3])
    stays = decode(OPUS, kind, before + own)
    returns = decode(OPUS, kind, before + own[:50] + shared[50:])
    assert (stays[: at * size] == returns[: at * size]).all()
    assert np.abs(np.diff(returns[at * size - 1 :])).max() <= np.abs(np.diff(stays)).max()
    assert segmental_snr_db(stays, returns, size, [at, at + 1, at + 2]) > 5


def test_a_slot_used_again_knows_nothing_of_before():
    said = frames(WIDE)[:40]
    fresh = packets_of(WIDE, said)
    encoders, slot = new(LOSSY)
    encode(encoders, slot, frames(LOSSY)[60:90])
    for _ in range(3000):
        encoders.close(encoders.open(WIDE))
    encoders.close(slot)
    assert encoders.open(WIDE) == slot
    assert encode(encoders, slot, said) == fresh


def test_many_slots_at_once():
    """Each of its own sound, beyond one page of memory, in an order of their own."""
    said = frames(WIDE)
    encoders = OpusEncoders()
    slots = np.array([encoders.open(WIDE) for _ in range(70)])[::-1]
    out, length, got = np.zeros((70, 1400), np.uint8), np.zeros(70, np.int32), []
    for number in range(3):
        encoders.encode(slots, said[number : number + 70], out, length)
        got.append((out[5, : length[5]].tobytes(), out[69, : length[69]].tobytes()))
    assert [pair[0] for pair in got] == packets_of(WIDE, said[5:8])
    assert [pair[1] for pair in got] == packets_of(WIDE, said[69:72])


def test_rows_of_a_packet_matrix_are_written_in_place_and_no_further():
    encoders, said = OpusEncoders(), frames(WIDE)[60:63]
    slots = np.array([encoders.open(WIDE) for _ in range(3)])
    matrix, wide = np.full((3, 200), 77, np.uint8), np.zeros((3, 500), np.float32)
    wide[:, 100:420] = said
    length = np.zeros(3, np.int32)
    encoders.encode(slots, wide[:, 100:420], matrix[:, 12:150], length)
    for row, size, frame in zip(matrix, length.tolist(), said, strict=True):
        assert row[12 : 12 + size].tobytes() == packets_of(WIDE, frame[None])[0]
        assert (row[:12] == 77).all() and (row[150:] == 77).all()


def test_complexity_is_for_all_of_them_and_at_once():
    said = frames(WIDE)[60:90]
    encoders, slot = new(WIDE, complexity=9)
    encoders.set_complexity(0)
    assert encode(encoders, slot, said) == packets_of(WIDE, said, complexity=0) != packets_of(WIDE, said, complexity=9)
    assert encode(encoders, encoders.open(WIDE), said) == packets_of(WIDE, said, complexity=0)
    encoders.set_complexity(99)
    assert encoders.complexity == 10


def test_loss_that_is_told_later_brings_fec_later():
    said = frames(WIDE)[60:160]
    kind = replace(WIDE, fec=True)
    encoders, slot = new(kind)
    told, untold = packets_of(replace(kind, loss_percent=20), said), packets_of(WIDE, said)
    assert encode(encoders, slot, said[:50]) == packets_of(kind, said[:50])
    encoders.set_loss(slot, 20)
    later = encode(encoders, slot, said[50:])
    assert sum(map(len, later)) != sum(map(len, untold[50:]))
    other = encoders.fork(slot, replace(kind, loss_percent=20))
    assert encode(encoders, other, said) == encode(encoders, slot, said)
    encoders.set_loss(slot, 500)
    assert len(told) == len(untold)


@pytest.mark.parametrize(
    "wrong",
    [Settings(44100), Settings(16000, channels=3), Settings(16000, frame_ms=30), Settings(16000, bitrate=-5)],
)
def test_what_it_cannot_do_is_refused(wrong):
    encoders = OpusEncoders()
    first = encoders.open(WIDE)
    encoders.close(first)
    with pytest.raises(ValueError, match="Opus"):
        encoders.open(wrong)
    assert encoders.open(WIDE) == first, "the slot was not lost"


@pytest.mark.parametrize("other", [FULL, replace(WIDE, channels=2), replace(WIDE, frame_ms=40)])
def test_a_fork_cannot_be_something_else(other):
    encoders, slot = new(WIDE)
    with pytest.raises(ValueError, match="cannot go on"):
        encoders.fork(slot, other)


def test_misuse_is_refused_before_anything_is_written():
    encoders, slot = new(WIDE)
    out, length = np.zeros((1, 400), np.uint8), np.zeros(1, np.int32)
    frame = np.zeros((1, 320), np.float32)
    for slots, samples in (([slot], frame[:, :160]), ([slot + 1], frame)):
        with pytest.raises(ValueError, match="not all"):
            encoders.encode(np.array(slots), samples, out, length)
    for samples, bytes_ in ((frame.astype(np.float64), out), (frame, out.astype(np.int16)), (frame, out[:, ::2])):
        with pytest.raises(ValueError, match="side by side"):
            encoders.encode(np.array([slot]), samples, bytes_, length)
    encoders.close(slot)
    for call in (encoders.close, lambda slot: encoders.set_loss(slot, 1), lambda slot: encoders.fork(slot, WIDE)):
        with pytest.raises(ValueError, match="not open"):
            call(slot)
    assert not out.any()


def test_speech_is_what_the_tests_think():
    assert len(speech(48000)) == 6 * len(speech(8000)) and loud(frames(WIDE)).sum() > 200
