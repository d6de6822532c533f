"""L16: bytes in network order, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.engine.codecs.l16 import L16_8, L16_16, L16_48


@pytest.mark.parametrize(
    ("codec", "name", "rate"), [(L16_8, "L16-8", 8000), (L16_16, "L16-16", 16000), (L16_48, "L16-48", 48000)]
)
def test_a_codec_for_each_rate(codec, name, rate):
    assert (codec.name, codec.clock_hz, codec.rate_hz, codec.unit_bytes) == (name, rate, rate, 2)


def test_the_high_byte_comes_first():
    out = np.zeros((1, 8), np.uint8)
    L16_8.encode(np.array([[0x0102, -2, 0, 0x7F00]], np.float32) / np.float32(32768), out)
    assert out.tobytes() == b"\x01\x02\xff\xfe\x00\x00\x7f\x00"


def test_beyond_full_scale_is_clipped():
    out = np.zeros((1, 6), np.uint8)
    L16_8.encode(np.array([[1.5, -1.5, 1.0]], np.float32), out)
    assert out.tobytes() == b"\x7f\xff\x80\x00\x7f\xff"


@given(st.binary(min_size=2, max_size=400), st.integers(1, 3))
def test_what_was_sent_is_heard(payload, rows):
    samples = L16_16.samples_in(len(payload))
    wide = np.tile(np.frombuffer(payload, np.uint8), (rows, 1))
    heard, again = np.zeros((rows, samples), np.float32), np.zeros((rows, 2 * samples), np.uint8)
    L16_16.decode(wide, heard)
    L16_16.encode(heard, again)
    assert (again == wide[:, : 2 * samples]).all()
    assert np.abs(heard).max() <= 1.0


def test_a_column_of_a_wider_matrix_is_decoded():
    wide = np.zeros((3, 40), np.uint8)
    wide[:, 8:12] = (0x40, 0x00, 0xC0, 0x00)
    heard = np.zeros((3, 2), np.float32)
    L16_16.decode(wide[:, 8:12], heard)
    assert heard.tolist() == [[0.5, -0.5]] * 3


def test_duration_counts_samples_and_refuses_half_ones():
    payload = np.zeros((5, 960), np.uint8)
    assert L16_48.duration(payload, np.array([960, 959, 0, 2, 1], np.int32)).tolist() == [480, 0, 0, 1, 0]
