"""G.722: its frames, its odd clock, bad payloads, and an encoder that goes on where another is."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from G722 import G722 as Reference
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.engine.codecs import g722_state
from confserver.engine.codecs.codec import Settings
from confserver.engine.codecs.g722 import G722, PRIMED
from tests.engine.codecs.line import decode, delay, encode, frames, loud, segmental_snr_db, snr_db, speech

WIDE = Settings(16000)
SIZE = 320
DELAY = 22
"""Samples, of the two band-splitting filters."""


@pytest.fixture
def uncopyable(monkeypatch):
    """As with a build of the package that keeps its state elsewhere."""
    monkeypatch.setattr(g722_state, "is_copyable", lambda: False)


def in_step(heard: np.ndarray) -> np.ndarray:
    return np.append(heard[DELAY:], np.zeros(DELAY, np.float32))


def test_what_it_is():
    assert (G722.name, G722.clock_hz, G722.rate_hz, G722.unit_bytes, G722.conceals) == ("G722", 8000, 16000, 1, False)


@pytest.mark.parametrize("frame_ms", [10, 20, 30, 40, 60])
def test_speech_comes_back(frame_ms):
    kind = Settings(16000, frame_ms=frame_ms)
    encoders, said = G722.encoders(), frames(kind)
    packets = encode(encoders, encoders.open(kind), said)
    assert {len(packet) for packet in packets} == {8 * frame_ms}
    heard = decode(G722, kind, packets)
    assert delay(said.ravel(), heard) == DELAY
    assert snr_db(said.ravel(), in_step(heard)) > 20


def test_the_bytes_are_the_standard_ones():
    encoders, said = G722.encoders(), frames(WIDE)[50:80]
    whole = np.clip(np.rint(said.ravel() * 32768), -32768, 32767).astype(np.int16).tolist()
    assert b"".join(encode(encoders, encoders.open(WIDE), said)) == Reference(16000, 64000).encode(whole)


def test_a_byte_is_a_tick_and_two_samples():
    lengths = np.array([160, 80, 0, 480], np.int32)
    assert G722.duration(np.zeros((4, 480), np.uint8), lengths).tolist() == [160, 80, 0, 480]
    decoders = G722.decoders(4)
    for row in range(4):
        decoders.open(row, 16000)
    out = np.full((4, 960), 5.0, np.float32)
    assert decoders.decode(np.arange(4), np.zeros((4, 480), np.uint8), lengths, out).tolist() == [320, 160, 0, 960]
    assert (out[0, 320:] == 5).all() and (out[1, 160:] == 5).all()
    assert (out[2] == 0).all()


def test_rows_are_by_number_and_do_not_mix():
    """Two streams in one call, rows in another order than they were opened; more rows later."""
    encoders, said = G722.encoders(), frames(WIDE)[:60]
    one, two = encode(encoders, encoders.open(WIDE), said), encode(encoders, encoders.open(WIDE), said[::-1])
    decoders, out, heard = G722.decoders(2), np.zeros((2, SIZE), np.float32), []
    decoders.open(1, 16000)
    decoders.fit(10)
    decoders.open(9, 16000)
    for packets in zip(one, two, strict=True):
        payload = np.array([np.frombuffer(packet, np.uint8) for packet in packets[::-1]])
        decoders.decode(np.array([9, 1]), payload, np.array([160, 160], np.int32), out)
        heard.append(out[::-1].copy())
    both = np.concatenate(heard, axis=1)
    assert (both[0] == decode(G722, WIDE, one)).all() and (both[1] == decode(G722, WIDE, two)).all()


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 330), st.booleans())
def test_no_payload_raises_or_leaves_its_row(payload, samples, is_open):
    decoders = G722.decoders(1)
    if is_open:
        decoders.open(0, 16000)
    guarded = np.full((3, samples), 5.0, np.float32)
    wide = np.zeros((1, 200), np.uint8)
    wide[0, : len(payload)] = np.frombuffer(payload, np.uint8)
    (count,) = decoders.decode(np.array([0]), wide, np.array([len(payload)], np.int32), guarded[1:2])
    assert count == (2 * len(payload) if is_open and 2 * len(payload) <= samples else 0)
    assert (guarded[[0, 2]] == 5).all() and (guarded[1, count:] == (5 if count else 0)).all()


def test_opened_again_it_knows_nothing_of_before():
    encoders, said = G722.encoders(), frames(WIDE)[40:80]
    first = encoders.open(WIDE)
    fresh = encode(encoders, first, said)
    for _ in range(2000):
        encoders.close(encoders.open(WIDE))
    encoders.close(first)
    assert encoders.open(WIDE) == first
    assert encode(encoders, first, said) == fresh
    decoders, out = G722.decoders(1), np.zeros((1, SIZE), np.float32)
    heard = []
    for packet in (fresh[0], fresh[9], fresh[0]):
        decoders.open(0, 16000)
        decoders.decode(np.array([0]), np.frombuffer(packet, np.uint8)[None], np.array([160], np.int32), out)
        heard.append(out.copy())
    assert (heard[0] == heard[2]).all() and (heard[0] != heard[1]).any()


def test_a_fork_goes_on_bit_by_bit():
    encoders, said = G722.encoders(), frames(WIDE)
    slot = encoders.open(WIDE)
    encode(encoders, slot, said[:150])
    other = encoders.fork(slot, WIDE)
    assert encode(encoders, other, said[150:250]) == encode(encoders, slot, said[150:250])
    encode(encoders, other, said[300:320])
    assert encode(encoders, other, said[:1]) != encode(encoders, slot, said[:1])


def seam_db(changes: list[int], frames_of: str) -> tuple[float, float]:
    """Segmental SNR of the three frames after each change to a fork (or a fresh one), and of the same unchanged."""
    encoders, said = G722.encoders(), frames(WIDE)
    slot = encoders.open(WIDE)
    whole, forks = [], {}
    for number, frame in enumerate(said):
        if number in changes:
            forks[number] = encoders.fork(slot, WIDE) if frames_of == "fork" else encoders.open(WIDE)
        whole += encode(encoders, slot, frame[None])
    unchanged, changed = [], []
    heard = in_step(decode(G722, WIDE, whole))
    for at, fork in forks.items():
        after = [at, at + 1, at + 2]
        own = encode(encoders, fork, said[at : at + 4])
        unchanged.append(segmental_snr_db(said.ravel(), heard, SIZE, after))
        mixed = in_step(decode(G722, WIDE, whole[:at] + own))
        changed.append(segmental_snr_db(said.ravel(), mixed, SIZE, after))
    return float(np.mean(changed)), float(np.mean(unchanged))


CHANGES = [int(at) for at in np.flatnonzero(loud(frames(WIDE)))[20:-10:20]]


def test_the_seam_of_a_fork_cannot_be_heard():
    changed, unchanged = seam_db(CHANGES, "fork")
    assert changed == pytest.approx(unchanged, abs=0.01)


def test_where_the_state_cannot_be_copied_a_fork_is_prepared(uncopyable):
    prepared, unchanged = seam_db(CHANGES, "fork")
    fresh, _ = seam_db(CHANGES, "fresh")
    assert prepared > 15 > fresh + 10
    assert prepared < unchanged - 3, "then there is no need to copy"


def test_a_prepared_fork_can_prepare_another(uncopyable):
    encoders, said = G722.encoders(), frames(WIDE)[60:100]
    slot = encoders.open(WIDE)
    encode(encoders, slot, said)
    other = encoders.fork(encoders.fork(slot, WIDE), WIDE)
    primed = Reference(16000, 64000)
    primed.encode(np.clip(np.rint(said[-PRIMED:].ravel() * 32768), -32768, 32767).astype(np.int16))
    nothing = np.zeros((1, SIZE), np.float32)
    assert encode(encoders, other, nothing) == [primed.encode(np.zeros(SIZE, np.int16))]


@pytest.mark.parametrize("at", [at for at in CHANGES if at > 60][::5])
def test_back_at_the_shared_encoder_there_is_no_jump(at):
    """A talker's encoder heard the others alone for 25 frames, then as the mix's for 25; then the mix's packets."""
    encoders, said = G722.encoders(), frames(WIDE)
    slot, parted = encoders.open(WIDE), at - 50
    before = encode(encoders, slot, said[:parted])
    own_slot = encoders.fork(slot, WIDE)
    own = encode(encoders, own_slot, np.concatenate([said[:25], said[parted + 25 : at + 3]]))
    shared = encode(encoders, slot, said[parted : at + 3])
    stays = decode(G722, WIDE, before + own)
    returns = decode(G722, WIDE, before + own[:50] + shared[50:])
    assert (stays[: at * SIZE] == returns[: at * SIZE]).all()
    jump = np.abs(np.diff(returns[at * SIZE - 1 :])).max()
    assert jump <= np.abs(np.diff(stays)).max()
    assert segmental_snr_db(stays, returns, SIZE, [at, at + 1, at + 2]) > 9


def test_who_follows_is_where_the_decoder_is_and_goes_on_unheard():
    """A decoder is led through a pause by another encoder's packets; its own goes on from where that has led it."""
    said = frames(WIDE)
    pause = np.zeros((7, SIZE), np.float32)
    encoders = G722.encoders()
    own, other = encoders.open(WIDE), encoders.open(WIDE)
    before = encode(encoders, own, said[60:100])
    encode(encoders, other, said[200:240])
    led = encode(encoders, other, pause)
    for packet, frame in zip(led, pause, strict=True):
        assert encoders.follow(own, np.frombuffer(packet, np.uint8), frame)
    after = encode(encoders, own, said[100:110])
    heard = decode(G722, WIDE, before + led + after)
    clean = np.concatenate((said[60:100], pause, said[100:110]))
    unchanged = decode(G722, WIDE, encode(encoders, encoders.open(WIDE), clean))
    results = [segmental_snr_db(clean.ravel(), in_step(each), SIZE, [47, 48, 49]) for each in (heard, unchanged)]
    assert results[0] > results[1] - 3


@pytest.mark.usefixtures("uncopyable")
def test_where_the_state_cannot_be_copied_nobody_follows():
    encoders = G722.encoders()
    assert not encoders.follow(encoders.open(WIDE), np.zeros(160, np.uint8), np.zeros(SIZE, np.float32))


@pytest.mark.parametrize("wrong", [Settings(8000), Settings(48000), Settings(16000, channels=2)])
def test_what_it_cannot_do_is_refused(wrong):
    with pytest.raises(ValueError, match="16000"):
        G722.encoders().open(wrong)


def test_misuse_is_refused():
    encoders = G722.encoders()
    slot = encoders.open(WIDE)
    with pytest.raises(ValueError, match="cannot follow"):
        encoders.fork(slot, Settings(16000, frame_ms=40))
    encoders.close(slot)
    with pytest.raises(ValueError, match="not open"):
        encode(encoders, slot, np.zeros((1, SIZE), np.float32))
    with pytest.raises(ValueError, match="not open"):
        encoders.close(slot)
    with pytest.raises(ValueError, match="16000"):
        G722.decoders(1).open(0, 8000)


def test_this_build_keeps_its_state_where_it_is_looked_for():
    """Else forks are prepared, not copied, and the seam can be heard: look at ``g722_state``."""
    assert g722_state.is_copyable()


@pytest.mark.parametrize("wrong", [8, 4096, 1 << 46, (1 << 64) - 512])
def test_a_wrong_address_does_no_harm(monkeypatch, wrong):
    monkeypatch.setattr(g722_state, "_address", lambda *_: wrong)
    assert not g722_state.is_copyable.__wrapped__()


def test_another_block_of_memory_is_not_taken_for_the_state(monkeypatch):
    block = np.zeros(1024, np.uint8)
    monkeypatch.setattr(g722_state, "_address", lambda *_: block.ctypes.data)
    assert not g722_state.is_copyable.__wrapped__()
    assert not block.any()


def pointed(place: int) -> int:
    return ctypes.c_size_t.from_address(place).value


def test_the_decoders_state_is_not_taken_for_the_encoders(monkeypatch):
    """It lies beside it and has the same shape."""
    monkeypatch.setattr(g722_state, "_address", lambda coder, *_: pointed(id(coder) + g722_state._DECODER))
    assert not g722_state.is_copyable.__wrapped__()


def test_speech_is_what_the_tests_think():
    assert 10 < len(speech(16000)) / 16000 < 13 and len(CHANGES) > 10
