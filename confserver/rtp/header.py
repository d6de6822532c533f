"""The RTP header (RFC 3550 section 5.1), as a numpy record and for the odd packet as plain data."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

HEADER_BYTES = 12
PLAIN = 0x80
"""First byte of a packet of version 2 without padding, extension or CSRC: nearly all of them."""

HEADER = np.dtype(
    [("first", "u1"), ("second", "u1"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4")],
)

RTCP_FIRST, RTCP_LAST = 192, 223
"""Second bytes that mean RTCP where it shares a port with RTP (RFC 5761 section 4)."""


class BadPacket(ValueError):
    """A datagram that is no RTP packet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet, its payload without extension and padding."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse_packet(data: bytes) -> Packet:
    """Read a packet with whatever RFC 3550 section 5.1 allows. Raises BadPacket."""
    if len(data) < HEADER_BYTES:
        raise BadPacket("shorter than a header")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    if first >> 6 != 2:
        raise BadPacket("not version 2")
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            raise BadPacket("extension cut off")
        (words,) = struct.unpack_from("!H", data, start + 2)
        start += 4 + 4 * words
    end = len(data)
    if first & 0x20:
        if data[-1] == 0 or start + data[-1] > end:
            raise BadPacket("padding longer than the payload")
        end -= data[-1]
    if start > end:
        raise BadPacket("header longer than the packet")
    return Packet(second & 0x7F, bool(second & 0x80), sequence, timestamp, ssrc, data[start:end])
