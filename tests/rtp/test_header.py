"""RTP headers: everything RFC 3550 section 5.1 allows, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp.header import HEADER, BadPacket, Packet, parse_packet

PLAIN = bytes.fromhex("80 00 1234 89abcdef deadbeef")


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (PLAIN + b"sound", b"sound"),
        (PLAIN, b""),
        (b"\x82" + PLAIN[1:] + bytes(8) + b"two CSRC", b"two CSRC"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\0\2" + bytes(8) + b"after", b"after"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\0\0" + b"empty", b"empty"),
        (b"\xa0" + PLAIN[1:] + b"padded\0\0\3", b"padded"),
        (b"\xa0" + PLAIN[1:] + b"\0\0\3", b""),
        (b"\xb1" + PLAIN[1:] + bytes(4) + b"\0\0\0\1" + bytes(4) + b"all\1", b"all"),
    ],
)
def test_what_is_allowed(data, payload):
    assert parse_packet(data) == Packet(0, False, 0x1234, 0x89ABCDEF, 0xDEADBEEF, payload)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x00" + PLAIN[1:] + b"version 0",
        b"\x40" + PLAIN[1:] + b"version 1",
        b"\xc0" + PLAIN[1:] + b"version 3",
        b"\x82" + PLAIN[1:] + bytes(7),
        b"\x90" + PLAIN[1:] + bytes(3),
        b"\x90" + PLAIN[1:] + b"\0\0\0\2" + bytes(7),
        b"\xa0" + PLAIN[1:] + b"none\0",
        b"\xa0" + PLAIN[1:] + b"too much\x0a",
        b"\xa0" + PLAIN[1:],
    ],
)
def test_what_is_not(data):
    with pytest.raises(BadPacket):
        parse_packet(data)


def test_marker_and_payload_type():
    packet = parse_packet(b"\x80\xe5" + PLAIN[2:])
    assert packet.marker and packet.payload_type == 101


@given(st.binary(max_size=200))
def test_nothing_else_is_ever_raised(data):
    try:
        packet = parse_packet(data)
    except BadPacket:
        return
    assert len(packet.payload) <= len(data) - 12


@given(st.integers(0, 127), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary())
def test_the_record_and_the_reader_agree(payload_type, sequence, timestamp, ssrc, payload):
    record = np.array([(0x80, payload_type, sequence, timestamp, ssrc)], HEADER)
    assert parse_packet(record.tobytes() + payload) == Packet(payload_type, False, sequence, timestamp, ssrc, payload)
