"""The duration of Opus packets, against the tables of RFC 6716 and against libopus."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from confserver.engine.codecs import libopus
from confserver.engine.codecs.codec import Settings
from confserver.engine.codecs.opus import OPUS
from tests.engine.codecs.line import encode, frames, matrix, speech

MS = {0: 10, 3: 60, 4: 10, 9: 20, 11: 60, 12: 10, 13: 20, 14: 10, 15: 20, 16: 2.5, 19: 20, 29: 5, 30: 10, 31: 20}
"""By configuration: RFC 6716 table 2."""


def duration(*packets: bytes) -> list[int]:
    return OPUS.duration(*matrix(list(packets))).tolist()


@pytest.mark.parametrize(("config", "ms"), MS.items())
def test_one_frame(config, ms):
    assert duration(bytes([config << 3, 1, 2]), bytes([config << 3 | 4])) == [ms * 48] * 2


GOOD = {
    "two of one size": (b"\x09" + bytes(8), 40),
    "two of two sizes": (b"\x0a\x03" + bytes(9), 40),
    "two, the first of two bytes' length": (b"\x0a\xfc\x01" + bytes(300), 40),
    "three of one size": (b"\x0b\x03" + bytes(9), 60),
    "six, 120 ms": (b"\x0b\x86" + bytes(30), 120),
    "48 of 2.5 ms": (b"\x83\x30" + bytes(48), 120),
    "padded": (b"\x0b\x43\x02" + bytes(9 + 2), 60),
    "one byte, as in DTX": (b"\x08", 20),
}
BAD = {
    "empty": b"",
    "two of one size, odd": b"\x09" + bytes(7),
    "two of two sizes, no size": b"\x0a",
    "two of two sizes, half a size": b"\x0a\xfc",
    "two of two sizes, too short": b"\x0a\x09" + bytes(8),
    "no count": b"\x0b",
    "none at all": b"\x0b\x00",
    "three of one size, one byte over": b"\x0b\x03" + bytes(10),
    "seven, 140 ms": b"\x0b\x07" + bytes(7),
    "two of 60 and one more": b"\x1b\x03" + bytes(3),
    "a frame beyond 1275": b"\x08" + bytes(1276),
    "two beyond 1275 each": b"\x09" + bytes(2552),
}


@pytest.mark.parametrize("name", GOOD)
def test_well_formed(name):
    packet, ms = GOOD[name]
    assert duration(packet) == [ms * 48]


@pytest.mark.parametrize("name", BAD)
def test_malformed(name):
    packet = BAD[name]
    payload, length = matrix([packet, b"\x08\x00"], 4096)
    assert OPUS.duration(payload, length).tolist() == [0, 960]


def test_a_narrow_matrix_and_none_at_all():
    assert OPUS.duration(np.full((2, 1), 8, np.uint8), np.array([1, 0], np.int32)).tolist() == [960, 0]
    assert OPUS.duration(np.zeros((0, 100), np.uint8), np.zeros(0, np.int32)).tolist() == []


packets = st.one_of(
    st.binary(min_size=1, max_size=60),
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 300)).map(
        lambda three: bytes(three[:2]) + bytes(three[2])
    ),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(packets, min_size=1, max_size=8))
@example([b"\x0b\x83\x01\x01ab"])
def test_as_libopus_has_it(many):
    """What libopus decodes is of the duration we say; what we call malformed it does not decode."""
    payload, length = matrix(many, 400)
    said = OPUS.duration(payload, length)
    decoders, out = OPUS.decoders(len(many)), np.zeros((len(many), 5760), np.float32)
    for row in range(len(many)):
        decoders.open(row, 48000)
    decoded = decoders.decode(np.arange(len(many)), payload, length, out)
    assert (decoded[decoded > 0] == said[decoded > 0]).all()
    for packet, size, ours in zip(payload, length.tolist(), said.tolist(), strict=True):
        if ours:
            assert libopus.packet_samples(packet.ctypes.data, size, 48000) == ours


@pytest.mark.parametrize(("channels", "frame_ms"), [(1, 20), (1, 40), (1, 60), (2, 20)])
def test_redundancy_is_found_where_there_is_some(channels, frame_ms):
    """What comes of a lost frame tells: with redundancy it is near to what was said, without it is made up."""
    said = frames(Settings(16000, channels=channels, frame_ms=frame_ms), np.repeat(speech(16000), channels))
    shares = []
    for fec in (False, True):
        kind = Settings(16000, channels=channels, frame_ms=frame_ms, bitrate=40000, fec=fec, loss_percent=10 * fec)
        encoders = OPUS.encoders()
        packets = [packet for packet in encode(encoders, encoders.open(kind), said) if len(packet) > 12]
        shares.append(float(OPUS.has_redundancy(*matrix(packets)).mean()))
    assert shares[0] == 0 and shares[1] > 0.5


def test_no_redundancy_is_found_in_music_nor_in_what_is_too_short():
    assert not OPUS.has_redundancy(*matrix([b"\xfc\xff\xff", b"\x08", b"\x0b\xff\xff", b""])).any()


@pytest.mark.parametrize(("channels", "frame_ms"), [(1, 20), (1, 40), (1, 60), (2, 20)])
def test_who_is_silent_says_so(channels, frame_ms):
    kind = Settings(16000, channels=channels, frame_ms=frame_ms)
    noise = np.random.default_rng(1).standard_normal(16000 * 4 * channels).astype(np.float32) * 3e-4
    shares = []
    for sound in (noise, np.repeat(speech(16000), channels)):
        encoders, said = OPUS.encoders(), frames(kind, sound)
        payload, length = matrix(encode(encoders, encoders.open(kind), said))
        active = OPUS.is_active(payload, length)[1000 // frame_ms :]
        shares.append(active[(np.abs(said).max(axis=1) > 0.03)[1000 // frame_ms :] | (sound is noise)].mean())
    assert shares[0] == 0 and shares[1] > 0.98


def test_what_says_nothing_of_speech_may_hold_some():
    assert OPUS.is_active(*matrix([b"\xfc\x00", b"\x08", b"\x0b\x00\x00", b""])).all()
