"""Opus decoders by row: loss, hostile payloads, growth, memory."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.engine.codecs.codec import Settings
from confserver.engine.codecs.opus import LOUDEST, OPUS, OpusDecoders
from tests.engine.codecs.line import Receiver, decode, delay, encode, frames, loud, matrix, segmental_snr_db

WIDE = Settings(16000)
LOSSY = replace(WIDE, fec=True, loss_percent=20)
RATES = [8000, 16000, 48000]
KEPT = 5.0


def packets_of(kind: Settings, said: np.ndarray) -> list[bytes]:
    encoders = OPUS.encoders()
    return encode(encoders, encoders.open(kind), said)


def with_loss(packets: list[bytes], lost: set[int], does_recover: bool) -> np.ndarray:
    receiver = Receiver(OPUS, WIDE)
    for number, packet in enumerate(packets):
        if number not in lost:
            receiver.take(packet)
        elif does_recover:
            assert receiver.recover(packets[number + 1]) == receiver.size
        else:
            receiver.conceal()
    return receiver.sound()


@pytest.fixture(scope="module")
def lossy():
    said = frames(LOSSY)
    packets = packets_of(LOSSY, said)
    lost = [at for at in np.flatnonzero(loud(said)).tolist() if at % 6 == 3 and at + 1 < len(said)]
    late = delay(said.ravel(), decode(OPUS, WIDE, packets))

    def lost_frames_db(heard: np.ndarray) -> float:
        return segmental_snr_db(said.ravel()[:-late], heard[late:], 320, lost)

    return packets, set(lost), lost_frames_db


def test_what_the_next_packet_holds_of_a_lost_one_beats_making_it_up(lossy):
    packets, lost, lost_frames_db = lossy
    assert len(lost) > 40
    recovered = lost_frames_db(with_loss(packets, lost, does_recover=True))
    concealed = lost_frames_db(with_loss(packets, lost, does_recover=False))
    assert recovered > concealed + 3
    assert recovered > 5


def test_making_it_up_beats_silence(lossy):
    packets, lost, _ = lossy
    heard, whole = with_loss(packets, lost, does_recover=False), decode(OPUS, WIDE, packets)
    made_up = np.array([np.sqrt((heard[at * 320 : (at + 1) * 320] ** 2).mean()) for at in lost])
    meant = np.array([np.sqrt((whole[at * 320 : (at + 1) * 320] ** 2).mean()) for at in lost])
    assert 0.5 < np.median(made_up / meant) < 1.5


def test_without_fec_in_the_packet_recovering_is_concealing():
    said = frames(WIDE)[60:120]
    packets = packets_of(WIDE, said)
    one, other = Receiver(OPUS, WIDE), Receiver(OPUS, WIDE)
    for packet in packets[:30]:
        one.take(packet)
        other.take(packet)
    assert one.recover(packets[31]) == 320
    other.conceal()
    assert (one.sound() == other.sound()).all() and one.heard[-1].any()


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_frame_is_made_up_at_each_rate_and_fades(rate_hz):
    kind = Settings(rate_hz)
    said = frames(kind)
    last = int(np.flatnonzero(loud(said))[100])
    receiver = Receiver(OPUS, kind)
    for packet in packets_of(kind, said[: last + 1]):
        receiver.take(packet)
    for _ in range(10):
        receiver.conceal()
    levels = [float(np.abs(frame).max()) for frame in receiver.heard]
    assert levels[-10] > 0.01 and levels[-1] < levels[-10] / 2


def test_rows_are_by_number_and_go_on_when_there_are_more():
    said = frames(WIDE)[60:130]
    one, two = packets_of(WIDE, said), packets_of(WIDE, said[::-1])
    decoders, out, heard = OpusDecoders(2), np.zeros((2, 320), np.float32), []
    decoders.open(0, 16000)
    decoders.open(1, 16000)
    for number, packets in enumerate(zip(one, two, strict=True)):
        decoders.fit(2 + number * 30)
        decoders.decode(np.array([1, 0]), *matrix(list(packets)), out)
        heard.append(out.copy())
    both = np.concatenate(heard, axis=1)
    assert (both[0] == decode(OPUS, WIDE, one)).all() and (both[1] == decode(OPUS, WIDE, two)).all()


def test_opened_again_a_row_knows_nothing_of_before():
    packets = packets_of(WIDE, frames(WIDE)[60:70])
    receiver = Receiver(OPUS, WIDE)
    for number in range(3000):
        receiver.decoders.open(0, RATES[number % 3])
        receiver.decoders.close(0)
    receiver.decoders.open(0, 16000)
    for packet in packets * 2:
        receiver.take(packet)
    receiver.decoders.open(0, 16000)
    for packet in packets:
        receiver.take(packet)
    assert (receiver.sound()[6400:] == decode(OPUS, WIDE, packets)).all()


def test_only_the_part_that_was_decoded_is_written():
    packet = packets_of(WIDE, frames(WIDE)[60:61])[0]
    decoders, out = OpusDecoders(3), np.full((3, 960), KEPT, np.float32)
    for row in range(3):
        decoders.open(row, 16000)
    payload, length = matrix([packet] * 3)
    assert decoders.decode(np.arange(3), payload, length, out).tolist() == [320] * 3
    assert (out[:, 320:] == KEPT).all() and (np.abs(out[:, :320]) < 1).all()


def test_a_packet_longer_than_the_row_is_bad_and_harms_nothing():
    packets = packets_of(replace(WIDE, frame_ms=60), frames(replace(WIDE, frame_ms=60))[20:22])
    decoders, out = OpusDecoders(1), np.full((3, 320), KEPT, np.float32)
    decoders.open(0, 16000)
    assert decoders.decode(np.array([0]), *matrix(packets[:1]), out[1:2]).tolist() == [0]
    assert (out[1] == 0).all() and (out[[0, 2]] == KEPT).all()


def test_a_closed_row_is_silent():
    packet = packets_of(WIDE, frames(WIDE)[60:61])[0]
    decoders, out = OpusDecoders(1), np.full((1, 320), KEPT, np.float32)
    for call in (decoders.decode, decoders.recover):
        assert call(np.array([0]), *matrix([packet]), out).tolist() == [0]
        assert not out.any()
        out[:] = KEPT
    decoders.conceal(np.array([0]), out)
    assert not out.any()


def test_a_rate_that_is_none_of_opus_is_refused():
    with pytest.raises(ValueError, match="44100"):
        OpusDecoders(1).open(0, 44100)


@pytest.fixture(scope="module")
def real() -> list[bytes]:
    kinds = [WIDE, LOSSY, Settings(48000, bitrate=64000), Settings(8000, frame_ms=60), Settings(48000, channels=2)]
    return [packet for kind in kinds for packet in packets_of(kind, frames(kind)[30:40])]


FUZZ = settings(deadline=None, max_examples=40)


class Guarded:
    """A row between two others that nobody may touch."""

    def __init__(self, rate_hz: int, samples: int) -> None:
        self.decoders = OpusDecoders(3)
        for row in range(3):
            self.decoders.open(row, rate_hz)
        self.out = np.full((3, samples), KEPT, np.float32)

    def check(self, payload: bytes, claimed: int) -> None:
        wide = np.zeros((1, max(len(payload), 1)), np.uint8)
        wide[0, : len(payload)] = np.frombuffer(payload, np.uint8)
        for call in (self.decoders.recover, self.decoders.decode):
            self.out[:] = KEPT
            count = int(call(np.array([1]), wide, np.array([claimed], np.int32), self.out[1:2])[0])
            assert 0 <= count <= self.out.shape[1]
            assert (self.out[[0, 2]] == KEPT).all()
            assert (np.abs(self.out[1, :count]) <= LOUDEST).all()
            assert (self.out[1, count:] == (KEPT if count else 0)).all()


@FUZZ
@given(
    st.sampled_from(RATES),
    st.sampled_from([0, 1, 160, 320, 960, 1920, 5760]),
    st.lists(st.binary(max_size=120), max_size=6),
)
def test_no_bytes_raise_or_leave_their_row(rate_hz, samples, payloads):
    guarded = Guarded(rate_hz, samples)
    for payload in payloads:
        guarded.check(payload, len(payload))


@FUZZ
@given(st.sampled_from(RATES), st.data())
def test_no_broken_packet_raises_or_leaves_its_row(real, rate_hz, data):
    guarded = Guarded(rate_hz, rate_hz * 120 // 1000)
    for _ in range(data.draw(st.integers(1, 6))):
        packet = bytearray(data.draw(st.sampled_from(real)))
        for _ in range(data.draw(st.integers(0, 4))):
            packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
        guarded.check(bytes(packet[: data.draw(st.integers(1, len(packet)))]), len(packet) + 40)


def test_lengths_below_nothing_are_nothing():
    guarded = Guarded(16000, 320)
    for length in (-1, -(2**31), 0):
        guarded.check(b"\x08abc", length)


def test_hostile_packets_are_bounded():
    """They would be a thousand times full scale."""
    chance = np.random.default_rng(3)
    decoders, out, loudest = OpusDecoders(8), np.zeros((8, 1920), np.float32), 0.0
    for row in range(8):
        decoders.open(row, 16000)
    for _ in range(600):
        payload = chance.integers(0, 256, (8, 100)).astype(np.uint8)
        decoders.decode(np.arange(8), payload, np.full(8, 100, np.int32), out)
        loudest = max(loudest, float(np.abs(out).max()))
    assert loudest == LOUDEST


def figures_of_memory() -> None:
    """Run alone, since what other tests have freed would hide it: prints bytes taken before and after rows are used."""
    payload, length = matrix(packets_of(WIDE, frames(WIDE)[60:61]))
    before = resident()
    decoders = OpusDecoders(3000)
    unopened = resident()
    out = np.zeros((1, 320), np.float32)
    for row in range(0, 3000, 5):
        decoders.open(row, 16000)
        decoders.decode(np.array([row]), payload, length, out)
    print(unopened - before, resident() - unopened)


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_a_row_costs_its_state_once_it_is_opened():
    words = [sys.executable, "-c", f"from {__name__} import figures_of_memory; figures_of_memory()"]
    unopened, opened = map(int, subprocess.check_output(words, text=True).split())
    assert unopened < 3000 * 1000
    assert opened < 600 * 26000
