"""Header extensions that tell levels: RFC 8285's two profiles, RFC 6464, RFC 6465; and their bad twins."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp import audio_level
from confserver.rtp.audio_level import elements, extension, extension_of, mix_levels, mix_prefix, voice_level
from confserver.rtp.header import parse_packet

NUMBERS = st.tuples(st.integers(1, 255), st.binary(max_size=40))


def packet(between: bytes, csrcs: int = 0, payload: bytes = b"sound") -> bytes:
    return struct.pack("!BBHII", 0x90 | csrcs, 0, 1, 2, 3) + between + payload


@pytest.mark.parametrize("number", [1, 14, 15, 200])
@pytest.mark.parametrize("has_voice", [True, False])
def test_a_voice_s_level_in_both_profiles(number: int, has_voice: bool) -> None:
    data = packet(extension([(number, audio_level.voice_element(37, has_voice))]))
    assert voice_level(data, number) == (37, has_voice)
    assert voice_level(data, number % 14 + 1 if number < 15 else 3) is None
    assert parse_packet(data).payload == b"sound"


def test_the_example_of_the_rfc() -> None:
    """RFC 6464 figure 1 with RFC 8285 4.2: ID 1, length 1, V, level 7; RFC 6465 figure 1: three CSRCs."""
    assert extension([(1, audio_level.voice_element(7))]) == b"\xbe\xde\0\1\x10\x87\0\0"
    assert mix_prefix([1, 2, 3], [10, 20, 127], 5)[12:] == b"\xbe\xde\0\1\x52\x0a\x14\x7f"


@given(st.lists(NUMBERS, max_size=6), st.integers(0, 15))
def test_what_is_written_is_read(wanted: list[tuple[int, bytes]], csrcs: int) -> None:
    data = packet(bytes(4 * csrcs) + extension(wanted), csrcs)
    found = extension_of(data)
    assert found is not None and list(elements(*found)) == wanted
    assert parse_packet(data).payload == b"sound"


@given(st.binary(max_size=80), st.integers(0, 255))
def test_no_bytes_do_harm(data: bytes, number: int) -> None:
    found = voice_level(b"\x90" + data, number)
    assert found is None or 0 <= found[0] <= 127
    assert all(0 <= level <= 127 for level in mix_levels(b"\x9f" + data, number).values())


@given(st.integers(0, 0xFFFF), st.binary(max_size=64))
def test_elements_are_within_their_words(profile: int, words: bytes) -> None:
    assert sum(len(data) for _, data in elements(profile, words)) <= len(words)


@pytest.mark.parametrize(
    ("profile", "words", "found"),
    [
        (0xBEDE, b"\0\0\0\x10\x05\0\0\0", [(1, b"\5")]),  # padding between elements
        (0xBEDE, b"\xf0\x05\x10\x06", []),  # 15 ends them
        (0xBEDE, b"\x13\x05\x06", []),  # cut off
        (0xBEDE, b"\x10\x05\x25\x06", [(1, b"\5")]),  # the second is cut off
        (0x1000, b"\0\x01\x01\x07\0\x02\0\0", [(1, b"\7"), (2, b"")]),
        (0x100A, b"\x01\x01\x07\0", [(1, b"\7")]),
        (0x1000, b"\x01\x05\x07\0", []),  # cut off
        (0x2000, b"\x10\x05\0\0", []),  # no profile of RFC 8285
    ],
)
def test_elements_good_and_bad(profile: int, words: bytes, found: list[tuple[int, bytes]]) -> None:
    assert list(elements(profile, words)) == found


@pytest.mark.parametrize(
    "data",
    [b"", packet(b"", 0)[:11], b"\x80" + bytes(20), packet(b"", 0, b""), packet(b"\xbe\xde\0\2\0\0\0\0", 0, b"")],
    ids=["nothing", "no header", "no extension", "no room for it", "longer than the packet"],
)
def test_what_has_no_level(data: bytes) -> None:
    assert voice_level(data, 1) is None and mix_levels(data, 1) == {}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 15, 20])
@pytest.mark.parametrize("number", [1, 14, 15])
def test_a_mix_s_levels_come_back_with_their_sources(count: int, number: int) -> None:
    csrcs, levels = [1000 + each for each in range(count)], list(range(30, 30 + count))
    taken = min(count, 15)
    prefix = mix_prefix(csrcs, levels, number)
    assert len(prefix) % 4 == 0
    data = bytes([audio_level.first_byte(taken)]) + packet(prefix, taken)[1:]
    assert mix_levels(data, number) == dict(zip(csrcs[:15], levels[:15], strict=True))
    assert parse_packet(data).payload == b"sound"


def test_nobody_in_the_mix_needs_no_words() -> None:
    assert mix_prefix([], [], 3) == b"" and audio_level.first_byte(0) == 0x80


@pytest.mark.parametrize("wanted", [(0, b"a"), (256, b"a"), (1, bytes(256))])
def test_what_has_no_place_is_our_mistake(wanted: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError, match="an element"):
        extension([wanted])


def test_levels_are_decibels_below_full_scale() -> None:
    sine = np.float32(0.5)  # the mean square of a full-scale sine: 3 dB below overload
    energy = np.array([1, sine, 1e-6, 0, 4], np.float32)
    assert audio_level.levels_of(energy).tolist() == [0, 3, 60, 127, 0]
